/* weave_run.c: runs a list of tests through the explorer, plants bugs by weakening orders, and reports (weave.h).
 *
 * Threading: none. */
#define _GNU_SOURCE 1
#undef _FORTIFY_SOURCE

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "weave_engine.h"

static size_t passed, failed;

/* The orders of the program's tests: whether one of them found each when it was weakened, or all spared it. */
static struct {
    weave_order order;
    bool found;
} known_orders[SITES];
static size_t known_count;

static void on_signal(int number) {
    weave_stop((weave_site){0}, number == SIGABRT ? "an assertion of the code fails" : "the code crashes");
}

static const char *name_of(int order) {
    return order == FH_RELAXED ? "relaxed" : order == FH_ACQUIRE ? "acquire" : order == FH_RELEASE ? "release"
           : order == FH_ACQ_REL ? "acq_rel" : "seq_cst";
}

/* The orders one step below, at most two. */
static size_t below(const weave_order *o, int lower[2]) {
    bool load = strncmp(o->site.what, "load", 4) == 0, store = strncmp(o->site.what, "store", 5) == 0;
    lower[0] = o->order == FH_ACQ_REL ? FH_ACQUIRE : o->order != FH_SEQ_CST ? FH_RELAXED
               : load ? FH_ACQUIRE : store ? FH_RELEASE : FH_ACQ_REL;
    lower[1] = FH_RELEASE;
    return o->order == FH_RELAXED ? 0 : o->order == FH_ACQ_REL ? 2 : 1;
}

static bool is_spared(const weave_test *test, const weave_order *o) {
    for (size_t i = 0; i < WEAVE_SPARES && test->spare[i] != NULL; i++) {
        size_t function = strlen(o->site.function);
        if (strncmp(test->spare[i], o->site.function, function) == 0 && test->spare[i][function] == ' ' &&
            strcmp(test->spare[i] + function + 1, o->site.what) == 0)
            return true;
    }
    return false;
}

static bool same_order(const weave_order *a, const weave_order *b) {
    return a->order == b->order && strcmp(a->site.function, b->site.function) == 0 && strcmp(a->site.what, b->site.what) == 0;
}

static void remember(const weave_order *o, bool found) {
    size_t i = 0;
    while (i < known_count && !same_order(&known_orders[i].order, o))
        i++;
    if (i == SITES)
        return;
    if (i == known_count)
        known_orders[known_count++].order = *o;
    known_orders[i].found = known_orders[i].found || found;
}

/* What is spared in one test must be found in another. */
static void check_spared(void) {
    for (size_t i = 0; i < known_count; i++) {
        const weave_order *o = &known_orders[i].order;
        if (known_orders[i].found)
            continue;
        printf("weave: spared in every test: %s %s %s (%s:%d)\n", o->site.function, o->site.what, name_of(o->order),
               o->site.file, o->site.line);
        failed++;
    }
}

static void weaken_each(const weave_test *test) {
    static weave_order orders[SITES];
    size_t count = weave_order_count, planted = 0, found = 0, spared = 0;
    memcpy(orders, weave_orders, sizeof orders);
    for (size_t i = 0; i < count; i++) {
        int lower[2];
        size_t ways = strstr(orders[i].site.file, test->weaken) == NULL ? 0 : below(&orders[i], lower);
        if (ways != 0 && is_spared(test, &orders[i])) {
            spared++;
            remember(&orders[i], false);
            continue;
        }
        bool all = ways != 0;
        for (size_t k = 0; k < ways; k++) {
            weave_order weaker = {orders[i].site, lower[k]};
            weave_weaken(&weaker);
            weave_result r = weave_explore(test);
            weave_weaken(NULL);
            planted++;
            found += r.failed;
            all = all && r.failed;
            if (!r.failed || getenv("WEAVE_TRACE") != NULL)
                printf("weave: %s: %s %s as %s in %s (%s:%d): %s\n", test->name, name_of(orders[i].order), orders[i].site.what,
                       name_of(lower[k]), orders[i].site.function, orders[i].site.file, orders[i].site.line,
                       r.failed ? r.message : "NOT FOUND");
        }
        if (all)
            remember(&orders[i], true);
    }
    printf("weave: %s: %zu of %zu weakened orders found, %zu spared\n", test->name, found, planted, spared);
    passed += found;
    failed += planted - found;
    if (planted == 0) {
        printf("weave: %s: no order to weaken: is the path right?\n", test->name);
        failed++;
    }
}

static void run_one(const weave_test *test) {
    struct timespec begin, end;
    unsigned threads = 0;
    while (threads < WEAVE_THREADS && test->threads[threads] != NULL)
        threads++;
    weave_order_count = 0;
    (void)clock_gettime(CLOCK_MONOTONIC, &begin);
    weave_result r = weave_explore(test);
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    bool good = test->finds == NULL ? !r.failed : r.failed && strstr(r.message, test->finds) != NULL;
    char bound[32] = "no bound";
    if (test->preemptions != 0)
        (void)snprintf(bound, sizeof bound, "bound %u", test->preemptions);
    printf("weave: %s: %u threads, %s: %llu executions, %llu steps, %.2f s: ", test->name, threads, bound,
           (unsigned long long)r.executions, (unsigned long long)r.steps,
           (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9);
    if (good)
        printf("%s%s\n", r.failed ? "planted bug found: " : "ok", r.message);
    else
        printf("FAILED: %s\n", r.failed ? r.message : "planted bug not found");
    (void)fflush(stdout);
    if (r.failed && (!good || getenv("WEAVE_TRACE") != NULL))
        weave_print_trace();
    passed += good;
    failed += !good;
    if (good && !r.failed && test->weaken != NULL)
        weaken_each(test);
}

int weave_main(const weave_test *tests, size_t count) {
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_NODEFER};
    (void)sigaction(SIGABRT, &action, NULL);
    (void)sigaction(SIGSEGV, &action, NULL);
    (void)sigaction(SIGBUS, &action, NULL);
    for (size_t i = 0; i < count; i++)
        run_one(&tests[i]);
    check_spared();
    printf("weave: %zu passed, %zu failed\n", passed, failed);
    return failed != 0;
}
