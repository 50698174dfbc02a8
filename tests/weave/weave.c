/* weave.c: the explorer: choices, coroutines, and the memory model (weave.h has the whole picture).
 *
 * An execution is a list of choices: which thread goes next, which store a load sees, which place a store takes. A new
 * execution repeats the choices of the one before up to the last that has an option left, takes the next option, and goes on
 * with first options. So depth-first search needs no state but the list, and any execution can be replayed.
 *
 * A thread stops before each atomic operation and says what it is about to do; then the next thread is chosen. That is what
 * makes sleep sets possible: when the executions that begin with thread t have been explored, t sleeps while its siblings
 * are, until one of them does something that its operation depends on. A load that is woken by a store need not see again
 * what it could see before, so it must see a store made since.
 *
 *     model-order: the stores to a location stand in one order (`order`); a store has the rank of its place there
 *     model-floor: a thread that knows a store never sees one of lower rank, nor puts its own below it
 *     model-rmw:   a read-modify-write stands directly behind the store that it read
 *     model-sync:  what an acquire load sees brings what its release store's thread knew: its view and its clock
 *     model-sc:    sequentially consistent operations on a location, and fences, know of each other in the order they ran
 *
 * Threading: none. Coroutines are made by makecontext and switched by _setjmp and _longjmp, which make no system call. */
#define _GNU_SOURCE 1
#undef _FORTIFY_SOURCE /* its longjmp refuses to go to another stack */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "weave_engine.h"

enum { STORES = 2048, HISTORY = 128, CHOICES = 16384, STEPS = 10000, LOOKS = 2, TRACE = 64, STACK_BYTES = 256 << 10 };

typedef struct store {
    uint64_t value;
    uint16_t rank;
    bool rmw;
    knowledge said; /* what who acquires it learns */
} store;

typedef struct location {
    void *at;
    size_t size_bytes;
    unsigned count;
    uint16_t order[HISTORY]; /* numbers of stores */
} location;

/* What a thread is about to do. */
typedef enum op_kind { OP_LOAD, OP_STORE, OP_RMW, OP_CAS, OP_FENCE, OP_BARRIER, OP_HEAP, OP_SLEEP, OP_WAKE, OP_GO_ON } op_kind;
typedef struct op {
    op_kind kind;
    const void *at;
    bool sc;
} op;

typedef struct thread {
    jmp_buf home, at; /* the start of the coroutine, and where it stopped */
    op next;
    bool live, waits, asleep; /* asleep: in the sense of sleep sets */
    bool woke_early;
    const uint32_t *sleeps_at; /* in fh_os_wait */
    unsigned fresh;              /* the load `next` must see a store with at least this number */
    uint64_t looked, waits_for;  /* sets of locations: looked at since the last pause, and between the last two */
    uint16_t saw[LOCATIONS];     /* the store seen last */
    uint8_t again[LOCATIONS];    /* how often in a row while there were newer ones */
    /* What it knows; what relaxed loads brought, for an acquire fence; what it knew at its last release fence. */
    knowledge now, acquired, released;
} thread;

unsigned weave_me;
uint32_t weave_run;
weave_order weave_orders[SITES];
size_t weave_order_count;

static thread threads[THREADS];
static uint8_t stacks[THREADS][STACK_BYTES];
static store stores[STORES];
static location locations[LOCATIONS];
static uint16_t shared[LOCATIONS]; /* the view of sequentially consistent operations */
static unsigned thread_count, store_count, location_count, interrupted;
static uint64_t steps_here;
static bool starting, cut;
static jmp_buf out; /* where an execution goes when it ends early */
static struct {
    unsigned pick, count, what;
} choices[CHOICES];
static unsigned choice_count, choice_next;
static const weave_test *test;
static weave_result result;
static const weave_order *weaker;
static struct {
    weave_site site;
    unsigned thread;
    uint64_t value;
    bool outdated;
} trace[TRACE];
static uint64_t traced;

/* --- choices -------------------------------------------------------------------------------------------------------------- */

void weave_stop(weave_site site, const char *format, ...) {
    int used = 0;
    if (site.line != 0)
        used = snprintf(result.message, sizeof result.message, "%s (%s:%d): %s: ", site.function, site.file, site.line,
                        site.what);
    va_list args;
    va_start(args, format);
    if (used >= 0 && (size_t)used < sizeof result.message)
        (void)vsnprintf(result.message + used, sizeof result.message - (size_t)used, format, args);
    va_end(args);
    result.failed = true;
    _longjmp(out, 1);
}

static FH_NORETURN void stop(const char *what) {
    weave_stop((weave_site){0}, "%s", what);
}

void weave_fail(const char *condition, const char *file, int line) {
    weave_stop((weave_site){file, "assertion", condition, line}, "fails in thread %u", weave_me);
}

/* The execution repeats one that was there. */
static FH_NORETURN void repeat(void) {
    cut = true;
    _longjmp(out, 1);
}

/* One of `count` options. `what` is a number that the same choice of another execution has too. */
static unsigned choose(unsigned count, unsigned what) {
    if (count <= 1)
        return 0;
    if (choice_next == choice_count) {
        if (choice_count == CHOICES)
            stop("too many choices in one execution");
        choices[choice_count].pick = 0;
        choices[choice_count].what = what;
        choices[choice_count++].count = count;
    } else if (choices[choice_next].count != count || choices[choice_next].what != what) {
        stop("the test is not deterministic: it went another way when it was replayed");
    }
    return choices[choice_next++].pick;
}

/* To the next list of choices; false when there is none. */
static bool advance(void) {
    while (choice_count > 0 && choices[choice_count - 1].pick + 1 == choices[choice_count - 1].count)
        choice_count--;
    if (choice_count == 0)
        return false;
    choices[choice_count - 1].pick++;
    return true;
}

static void note(weave_site site, uint64_t value, bool outdated) {
    trace[traced % TRACE].site = site;
    trace[traced % TRACE].thread = weave_me;
    trace[traced % TRACE].value = value;
    trace[traced++ % TRACE].outdated = outdated;
}

void weave_print_trace(void) {
    for (uint64_t i = traced < TRACE ? 0 : traced - TRACE; i < traced; i++)
        (void)fprintf(stderr, "    thread %u  %s = 0x%llx%s    %s %s:%d\n", trace[i % TRACE].thread, trace[i % TRACE].site.what,
                      (unsigned long long)trace[i % TRACE].value, trace[i % TRACE].outdated ? " (outdated)" : "",
                      trace[i % TRACE].site.function, trace[i % TRACE].site.file, trace[i % TRACE].site.line);
}

/* --- what threads know ---------------------------------------------------------------------------------------------------- */

knowledge *weave_now(void) {
    return &threads[weave_me].now;
}

/* The newer of two stores to one location, 0 being the first one. */
static uint16_t newer(uint16_t a, uint16_t b) {
    return stores[a].rank < stores[b].rank ? b : a;
}

void weave_join(knowledge *into, const knowledge *from) {
    for (unsigned t = 0; t < THREADS; t++)
        into->clock[t] = into->clock[t] < from->clock[t] ? from->clock[t] : into->clock[t];
    for (unsigned l = 1; l < location_count; l++)
        into->seen[l] = newer(into->seen[l], from->seen[l]);
}

static bool acquires(int order) {
    return order == FH_ACQUIRE || order == FH_ACQ_REL || order == FH_SEQ_CST;
}

static bool releases(int order) {
    return order == FH_RELEASE || order == FH_ACQ_REL || order == FH_SEQ_CST;
}

/* --- threads -------------------------------------------------------------------------------------------------------------- */

static bool writes(op a) {
    return a.kind == OP_STORE || a.kind == OP_RMW || a.kind == OP_CAS;
}

static bool sleeps(op a) {
    return a.kind == OP_SLEEP || a.kind == OP_WAKE;
}

/* Whether it matters which of two operations comes first. */
static bool depends(op a, op b) {
    if (a.kind == OP_BARRIER || b.kind == OP_BARRIER)
        return true;
    if (a.kind == OP_HEAP || b.kind == OP_HEAP)
        return a.kind == b.kind;
    if (a.kind == OP_FENCE || b.kind == OP_FENCE)
        return a.sc && b.sc;
    if (sleeps(a) || sleeps(b))
        return a.at == b.at && (writes(a) || sleeps(a)) && (writes(b) || sleeps(b));
    return a.at == b.at && (writes(a) || writes(b) || (a.sc && b.sc));
}

/* True for a waiting thread if something that it looked at has another value now. */
static bool has_news(const thread *t) {
    for (unsigned l = 1; l < location_count; l++)
        if ((t->waits_for >> l & 1) != 0 &&
            stores[locations[l].order[locations[l].count - 1]].value != stores[t->saw[l]].value)
            return true;
    return t->waits_for == 0;
}

static bool is_able(const thread *t) {
    return t->live && t->sleeps_at == NULL && (!t->waits || has_news(t));
}

/* Wakes the threads that sleep although thread t does what they depend on. */
static void wake(const thread *t) {
    for (unsigned u = 1; u <= thread_count; u++) {
        thread *sleeper = &threads[u];
        if (sleeper == t || !sleeper->asleep || !depends(t->next, sleeper->next))
            continue;
        sleeper->asleep = false;
        if (sleeper->next.kind != OP_LOAD || sleeper->next.sc || t->next.kind == OP_BARRIER)
            sleeper->fresh = 0;
    }
}

/* Chooses who goes on; 0 when all threads are at their end. */
static unsigned next_thread(void) {
    unsigned ready[THREADS], count = 0, live = 0, able = 0;
    bool bounded = test->preemptions != 0, goes_on = weave_me != 0 && is_able(&threads[weave_me]) && !threads[weave_me].waits;
    for (unsigned i = 0; i < thread_count; i++) {
        unsigned t = (weave_me + thread_count - 1 + i) % thread_count + 1; /* whoever runs now comes first */
        live += threads[t].live;
        if (!is_able(&threads[t]))
            continue;
        able++;
        if (threads[t].asleep)
            continue;
        unsigned at = count++; /* loads first: what a load may see before a store, it need not be asked again after it */
        for (; !bounded && at > 0 && threads[t].next.kind == OP_LOAD && threads[ready[at - 1]].next.kind != OP_LOAD; at--)
            ready[at] = ready[at - 1];
        ready[at] = t;
    }
    if (live == 0)
        return 0;
    if (able == 0)
        stop("deadlock: every thread waits");
    if (count == 0)
        repeat();
    if (bounded && goes_on && interrupted == test->preemptions)
        count = 1;
    unsigned what = 0;
    for (unsigned i = 0; i < count; i++)
        what = what * 64 + ready[i] * 8 + threads[ready[i]].next.kind;
    unsigned pick = choose(count, what);
    for (unsigned i = 0; !bounded && i < pick; i++) {
        threads[ready[i]].asleep = true;
        threads[ready[i]].fresh = store_count;
    }
    wake(&threads[ready[pick]]);
    interrupted += goes_on && ready[pick] != weave_me;
    if (++steps_here > STEPS)
        stop("an execution without end");
    return ready[pick];
}

static void go_to(unsigned t) {
    unsigned from = weave_me;
    if (from == t)
        return;
    weave_me = t;
    if (_setjmp(threads[from].at) == 0)
        _longjmp(threads[t].at, 1);
}

/* What happened up to here is one event of the thread's clock; what comes is the next. */
static void tick(void) {
    threads[weave_me].now.clock[weave_me]++;
}

/* Before each operation: others may go first. */
static void step(op next) {
    thread *me = &threads[weave_me];
    me->next = next;
    if (starting)
        go_to(0);
    else if (weave_me != 0)
        go_to(next_thread());
    me->waits = false;
    tick();
}

void weave_heap_step(weave_site site) {
    step((op){OP_HEAP, NULL, false});
    note(site, 0, false);
}

void weave_pause(void) {
    thread *me = &threads[weave_me];
    me->waits = weave_me != 0;
    me->waits_for = me->looked;
    me->looked = 0;
    for (unsigned l = 1; l < location_count; l++)
        me->again[l] = LOOKS;
}

uint64_t weave_self(void) {
    return weave_me + 1;
}

/* A coroutine goes through its body once an execution, and starts anew wherever it was when an execution ended early. */
static void coroutine(void) {
    if (_setjmp(threads[weave_me].home) == 0)
        _longjmp(out, 1);
    test->threads[weave_me - 1]();
    weave_exit();
    threads[weave_me].live = false;
    go_to(starting ? 0 : next_thread());
    abort();
}

static void make_coroutine(unsigned t) {
    static ucontext_t context;
    if (_setjmp(out) != 0 || getcontext(&context) != 0)
        return;
    context.uc_stack.ss_sp = stacks[t];
    context.uc_stack.ss_size = STACK_BYTES;
    makecontext(&context, coroutine, 0);
    weave_me = t;
    (void)setcontext(&context);
}

/* --- locations ------------------------------------------------------------------------------------------------------------ */

static uint64_t memory_get(const void *p, size_t size_bytes) {
    uint64_t value = 0;
    memcpy(&value, p, size_bytes); /* little-endian */
    return value;
}

static uint64_t cut_to(uint64_t value, size_t size_bytes) {
    return size_bytes < 8 ? value & ((UINT64_C(1) << 8 * size_bytes) - 1) : value;
}

/* Puts a store at `rank` of a location's order. */
static void put(unsigned l, unsigned rank, uint64_t value, int order, unsigned read) {
    location *at = &locations[l];
    thread *me = &threads[weave_me];
    if (store_count == STORES || at->count == HISTORY)
        stop("too many stores in one execution");
    uint16_t number = (uint16_t)store_count++;
    store *s = &stores[number];
    for (unsigned r = at->count++; r > rank; r--) {
        at->order[r] = at->order[r - 1];
        stores[at->order[r]].rank++;
    }
    at->order[rank] = number;
    s->value = cut_to(value, at->size_bytes);
    s->rank = (uint16_t)rank;
    s->rmw = read != 0;
    me->now.seen[l] = me->saw[l] = number;
    s->said = releases(order) ? me->now : me->released;
    if (read != 0)
        weave_join(&s->said, &stores[read].said);
    if (order == FH_SEQ_CST)
        shared[l] = number;
    if (rank + 1 == at->count)
        memcpy(at->at, &s->value, at->size_bytes);
    tick();
}

/* The location of an address; its first store is what memory holds. */
static unsigned locate(weave_site site, const void *p, size_t size_bytes) {
    unsigned l = weave_memory_atomic(site, p, size_bytes);
    if (l != 0 && locations[l].size_bytes != size_bytes)
        weave_stop(site, "operands of several sizes at one address");
    if (l != 0 && stores[locations[l].order[locations[l].count - 1]].value != memory_get(p, size_bytes)) {
        if (weave_me != 0)
            weave_stop(site, "somebody wrote to an atomic object plainly, without FH_WRITES");
        l = 0; /* setup may do so */
    }
    if (l != 0)
        return l;
    if (location_count == LOCATIONS || store_count == STORES)
        stop("too many atomic objects in one execution");
    l = location_count++;
    locations[l] = (location){(void *)(uintptr_t)p, size_bytes, 1, {(uint16_t)store_count}};
    stores[store_count++] = (store){.value = memory_get(p, size_bytes)};
    weave_memory_locate(p, size_bytes, l);
    return l;
}

/* Chooses the store that a load, or the load of a read-modify-write, sees; returns its rank. */
static unsigned see(weave_site site, unsigned l, op_kind kind, uint64_t expected, int order) {
    thread *me = &threads[weave_me];
    const location *at = &locations[l];
    unsigned options[HISTORY], count = 0, last = at->count - 1, first = stores[me->now.seen[l]].rank;
    if (order == FH_SEQ_CST)
        first = stores[newer(me->now.seen[l], shared[l])].rank;
    for (unsigned rank = last + 1; rank-- > first;) {
        unsigned s = at->order[rank];
        bool updates = kind == OP_RMW || (kind == OP_CAS && stores[s].value == expected);
        if (s < me->fresh || (rank != last && s == me->saw[l] && me->again[l] >= LOOKS) ||
            (updates && rank != last && stores[at->order[rank + 1]].rmw))
            continue;
        options[count++] = rank;
    }
    if (count == 0)
        repeat();
    if (test->preemptions != 0 && interrupted == test->preemptions)
        count = 1;
    unsigned pick = choose(count, l), rank = options[pick], s = at->order[rank];
    interrupted += pick != 0;
    me->fresh = 0;
    me->again[l] = (uint8_t)(s == me->saw[l] && rank != last ? me->again[l] + 1 : 0);
    me->now.seen[l] = me->saw[l] = (uint16_t)s;
    me->looked |= UINT64_C(1) << l;
    weave_join(acquires(order) ? &me->now : &me->acquired, &stores[s].said);
    if (order == FH_SEQ_CST)
        shared[l] = (uint16_t)s;
    note(site, stores[s].value, rank != last);
    return rank;
}

/* --- operations ----------------------------------------------------------------------------------------------------------- */

static bool same_site(weave_site a, weave_site b) {
    return a.line == b.line && strcmp(a.what, b.what) == 0 && strcmp(a.function, b.function) == 0;
}

void weave_weaken(const weave_order *order) {
    weaker = order;
}

/* The order that an operation has in this exploration. */
static int ordered(weave_site site, int order) {
    if (weaker != NULL)
        return same_site(site, weaker->site) ? weaker->order : order;
    if (weave_me == 0)
        return order;
    for (size_t i = 0; i < weave_order_count; i++)
        if (same_site(site, weave_orders[i].site))
            return order;
    if (weave_order_count < SITES)
        weave_orders[weave_order_count++] = (weave_order){site, order};
    return order;
}

uint64_t weave_load(weave_site site, const void *p, size_t size_bytes, int order) {
    order = ordered(site, order);
    step((op){OP_LOAD, p, order == FH_SEQ_CST});
    unsigned l = locate(site, p, size_bytes);
    return stores[locations[l].order[see(site, l, OP_LOAD, 0, order)]].value;
}

void weave_store(weave_site site, void *p, size_t size_bytes, uint64_t value, int order) {
    order = ordered(site, order);
    step((op){OP_STORE, p, order == FH_SEQ_CST});
    unsigned l = locate(site, p, size_bytes), options[HISTORY], count = 0, last = locations[l].count;
    uint16_t known = order == FH_SEQ_CST ? newer(weave_now()->seen[l], shared[l]) : weave_now()->seen[l];
    for (unsigned rank = last; rank > stores[known].rank; rank--)
        if (rank == last || !stores[locations[l].order[rank]].rmw)
            options[count++] = rank;
    unsigned rank = options[choose(count, l)];
    note(site, cut_to(value, size_bytes), rank != last);
    put(l, rank, value, order, 0);
}

bool weave_cas(weave_site site, void *p, size_t size_bytes, uint64_t *expected, uint64_t value, int order) {
    order = ordered(site, order);
    step((op){OP_CAS, p, order == FH_SEQ_CST});
    unsigned l = locate(site, p, size_bytes), rank = see(site, l, OP_CAS, cut_to(*expected, size_bytes), order);
    unsigned s = locations[l].order[rank];
    bool equal = stores[s].value == cut_to(*expected, size_bytes);
    *expected = stores[s].value;
    if (equal)
        put(l, rank + 1, value, order, s);
    return equal;
}

uint64_t weave_rmw(weave_site site, void *p, size_t size_bytes, weave_rmw_kind kind, uint64_t value, int order) {
    order = ordered(site, order);
    step((op){OP_RMW, p, order == FH_SEQ_CST});
    unsigned l = locate(site, p, size_bytes), rank = see(site, l, OP_RMW, 0, order), s = locations[l].order[rank];
    uint64_t old = stores[s].value;
    const uint64_t made[] = {[WEAVE_EXCHANGE] = value, [WEAVE_ADD] = old + value, [WEAVE_SUB] = old - value,
                             [WEAVE_OR] = old | value, [WEAVE_AND] = old & value};
    put(l, rank + 1, made[kind], order, s);
    return old;
}

/* What a fence does for a thread. */
static void fence(thread *t, int order) {
    if (acquires(order))
        weave_join(&t->now, &t->acquired);
    for (unsigned l = 1; order == FH_SEQ_CST && l < location_count; l++)
        shared[l] = t->now.seen[l] = newer(t->now.seen[l], shared[l]);
    if (releases(order))
        t->released = t->now;
}

void weave_fence(weave_site site, int order) {
    order = ordered(site, order);
    if (order == FH_SEQ_CST) /* the others act on this thread alone */
        step((op){OP_FENCE, NULL, true});
    note(site, 0, false);
    fence(&threads[weave_me], order);
    tick();
}

void weave_fence_all(void) {
    step((op){OP_BARRIER, NULL, true});
    for (unsigned round = 0; round < 2; round++) /* the first one knows nothing of the last one yet */
        for (unsigned t = 0; t <= thread_count; t++)
            fence(&threads[t], FH_SEQ_CST);
    tick();
}

/* --- sleeping as in fh_os_wait -------------------------------------------------------------------------------------------- */

void weave_sleep(weave_site site, const uint32_t *word, uint32_t seen) {
    thread *me = &threads[weave_me];
    step((op){OP_SLEEP, word, false});
    unsigned l = locate(site, word, sizeof *word);
    uint64_t value = stores[locations[l].order[locations[l].count - 1]].value; /* the system sees what is there */
    note(site, value, false);
    if (value != seen)
        return;
    if (weave_me == 0)
        stop("deadlock: setup or check sleeps");
    if (!me->woke_early && choose(2, l) == 1) { /* a return for no reason: once, so that there is an end */
        me->woke_early = true;
        return;
    }
    me->sleeps_at = word;
    step((op){OP_GO_ON, NULL, false});
}

void weave_wake(weave_site site, const uint32_t *word, unsigned count) {
    step((op){OP_WAKE, word, false});
    note(site, count, false);
    for (unsigned woken = 0; woken < count; woken++) {
        unsigned sleepers[THREADS], n = 0;
        for (unsigned t = 1; t <= thread_count; t++)
            if (threads[t].sleeps_at == word)
                sleepers[n++] = t;
        if (n == 0)
            return;
        threads[sleepers[choose(n, OP_WAKE)]].sleeps_at = NULL;
    }
}

/* --- explorations --------------------------------------------------------------------------------------------------------- */

static void reset(void) {
    for (unsigned t = 0; t <= thread_count; t++) {
        thread *i = &threads[t];
        memcpy(i->at, i->home, sizeof i->at);
        memset(&i->next, 0, sizeof *i - offsetof(thread, next));
        i->now.clock[t] = 1;
    }
    memset(shared, 0, sizeof shared);
    store_count = location_count = 1;
    interrupted = choice_next = 0;
    steps_here = traced = 0;
    cut = starting = false;
    weave_me = 0;
    weave_run++;
    weave_memory_reset();
    weave_os_reset();
}

/* One execution, from setup to check. */
static void execute(void) {
    if (_setjmp(out) != 0)
        return;
    test->setup(weave_allocator());
    tick();
    starting = true; /* each thread up to its first operation */
    for (unsigned t = 1; t <= thread_count; t++) {
        weave_join(&threads[t].now, &threads[0].now);
        threads[t].live = true;
        go_to(t);
    }
    starting = false;
    go_to(next_thread());
    for (unsigned t = 1; t <= thread_count; t++)
        weave_join(&threads[0].now, &threads[t].now);
    if (test->check != NULL)
        test->check();
    weave_memory_leaks();
}

weave_result weave_explore(const weave_test *which) {
    static bool made;
    test = which;
    for (unsigned t = 1; t < THREADS && !made; t++)
        make_coroutine(t);
    made = true;
    for (thread_count = 0; thread_count < WEAVE_THREADS && test->threads[thread_count] != NULL;)
        thread_count++;
    result = (weave_result){0};
    choice_count = 0;
    do {
        reset();
        execute();
        result.executions += !cut;
        result.cut += cut;
        result.steps += steps_here;
    } while (!result.failed && advance());
    return result;
}
