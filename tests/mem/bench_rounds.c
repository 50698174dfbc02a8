/* bench_rounds.c: rounds, figures, ratios, targets (bench_rounds.h).
 *
 * A child prints `row<TAB>column<TAB>value` lines, and nothing else. Threading: one thread. */
#define _GNU_SOURCE 1

#include "mem/bench_rounds.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { NAME_BYTES = 32, LINE_BYTES = 512, CONTESTANTS_MAX = 16 };

typedef struct figures {
    double at[BENCH_ROUNDS_MAX]; /* by round; 0: none */
} figures;

typedef struct row {
    char name[NAME_BYTES];
    figures columns[BENCH_COLUMNS_MAX];
} row;

static struct {
    const bench_plan *plan;
    const char *outside; /* the program, or NULL */
    unsigned rounds;
    bool json;
    row rows[BENCH_ROWS_MAX];
    size_t rows_count, columns_count;
    bool absent[CONTESTANTS_MAX];
} all;

_Noreturn void bench_die(const char *what) {
    fprintf(stderr, "%s: %s\n", all.plan != NULL ? all.plan->name : "bench", what);
    exit(1);
}

/* --- in a child ------------------------------------------------------------------------------------------------------- */

uint64_t bench_now(void) {
    struct timespec t;
    if (clock_gettime(CLOCK_MONOTONIC, &t) != 0)
        bench_die("no clock");
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

void bench_emit(const char *name, const char *column, double value) {
    printf("%s\t%s\t%.6g\n", name, column, value);
    fflush(stdout);
}

void bench_least_each(size_t loops, bench_loop *const *fns, void *const *ctxs, uint64_t count, double *out) {
    for (int i = 0; i <= BENCH_REPEATS; i++) {
        for (size_t k = 0; k < loops; k++) {
            uint64_t from = bench_now();
            fns[k](ctxs[k], count);
            double took = (double)(bench_now() - from) / (double)count;
            out[k] = i <= 1 || took < out[k] ? took : out[k]; /* run 0 warms up */
        }
    }
}

double bench_least(bench_loop *fn, void *ctx, uint64_t count) {
    double out;
    bench_least_each(1, &fn, &ctx, count, &out);
    return out;
}

/* --- figures ---------------------------------------------------------------------------------------------------------- */

static row *row_of(const char *name, bool make) {
    for (size_t i = 0; i < all.rows_count; i++) {
        if (strcmp(all.rows[i].name, name) == 0)
            return &all.rows[i];
    }
    if (!make)
        return NULL;
    if (all.rows_count == BENCH_ROWS_MAX || strlen(name) >= NAME_BYTES)
        bench_die("too many rows, or too long a name");
    row *r = &all.rows[all.rows_count++];
    memcpy(r->name, name, strlen(name) + 1);
    return r;
}

static size_t column_of(const char *name, size_t size) {
    for (size_t i = 0; i < all.columns_count; i++) {
        if (strlen(all.plan->columns[i]) == size && memcmp(all.plan->columns[i], name, size) == 0)
            return i;
    }
    return SIZE_MAX;
}

static void take_line(char *line, unsigned round) {
    char *tab = strchr(line, '\t'), *second = tab == NULL ? NULL : strchr(tab + 1, '\t');
    if (second == NULL)
        return; /* whatever else an outside program says */
    *tab = '\0';
    size_t column = column_of(tab + 1, (size_t)(second - tab - 1));
    if (column != SIZE_MAX)
        row_of(line, true)->columns[column].at[round] = strtod(second + 1, NULL);
}

/* Becomes a contestant (NULL: the outside program) in the given mode. */
static _Noreturn void become(const bench_contestant *c, const char *mode) {
    if (c != NULL && c->library != NULL && setenv("LD_PRELOAD", c->library, 1) != 0)
        _exit(126);
    if (c == NULL)
        execlp(all.outside, all.outside, (char *)NULL);
    else
        execl("/proc/self/exe", all.plan->name, "--child", mode, c->symbol == NULL ? "" : c->symbol, (char *)NULL);
    _exit(126);
}

static int wait_for(pid_t child) {
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* Starts with the library and asks whether it is there, away from the loader's complaints. */
static bool is_installed(const bench_contestant *c) {
    pid_t child = fork();
    if (child < 0)
        bench_die("cannot fork");
    if (child == 0) {
        if (freopen("/dev/null", "w", stderr) == NULL)
            _exit(126);
        become(c, "");
    }
    return wait_for(child) == 0;
}

/* Runs one contestant once. Returns its exit status. */
static int run_child(const bench_contestant *c, unsigned round) {
    int fds[2];
    fflush(stdout);
    if (pipe(fds) != 0)
        bench_die("no pipe");
    pid_t child = fork();
    if (child < 0)
        bench_die("cannot fork");
    if (child == 0) {
        if (dup2(fds[1], 1) < 0)
            _exit(126);
        close(fds[0]);
        close(fds[1]);
        become(c, c == NULL ? NULL : c->mode);
    }
    close(fds[1]);
    FILE *in = fdopen(fds[0], "r");
    char line[LINE_BYTES];
    while (in != NULL && fgets(line, sizeof line, in) != NULL)
        take_line(line, round);
    if (in != NULL)
        fclose(in);
    return wait_for(child);
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

typedef struct summary {
    double least, median, most;
    size_t count;
} summary;

static summary summarise(const double *values) {
    double sorted[BENCH_ROUNDS_MAX];
    summary s = {0};
    for (unsigned i = 0; i < all.rounds; i++) {
        if (values[i] > 0)
            sorted[s.count++] = values[i];
    }
    if (s.count == 0)
        return s;
    qsort(sorted, s.count, sizeof *sorted, by_size);
    s.least = sorted[0];
    s.median = sorted[s.count / 2];
    s.most = sorted[s.count - 1];
    return s;
}

/* The rounds' own ratios, or differences. */
static summary compare(const figures *a, const figures *b, bool difference) {
    double values[BENCH_ROUNDS_MAX] = {0};
    for (unsigned i = 0; i < all.rounds; i++) {
        if (a->at[i] > 0 && b->at[i] > 0)
            values[i] = difference ? a->at[i] - b->at[i] : a->at[i] / b->at[i];
        if (difference && a->at[i] > 0 && values[i] <= 0)
            values[i] = 1e-9;
    }
    return summarise(values);
}

/* --- output ----------------------------------------------------------------------------------------------------------- */

typedef enum what { MEDIANS, RANGES, RATIOS } what;

/* One row of a table; nothing if it has no figure there. */
static void put_row(const row *r, const row *base, what shown) {
    char line[LINE_BYTES];
    size_t at = 0, figures_shown = 0;
    for (size_t c = 0; c < all.columns_count; c++) {
        char cell[48] = "-";
        summary s = shown == RATIOS ? compare(&r->columns[c], &base->columns[c], false) : summarise(r->columns[c].at);
        if (s.count != 0)
            (void)snprintf(cell, sizeof cell, shown == RANGES ? "%.3g-%.3g" : shown == RATIOS ? "%.2f" : "%.3g",
                           shown == RANGES ? s.least : s.median, s.most);
        int made = snprintf(line + at, sizeof line - at, " %*s", shown == RANGES ? 12 : 10, cell);
        at += made > 0 && (size_t)made < sizeof line - at ? (size_t)made : 0;
        figures_shown += s.count != 0;
    }
    if (figures_shown != 0)
        printf("  %-20s%s\n", r->name, line);
}

static void put_table(what shown) {
    const row *base = row_of(all.plan->base, false);
    if (shown == RATIOS && base == NULL)
        return;
    printf("%-22s", "");
    for (size_t c = 0; c < all.columns_count; c++)
        printf(" %*s", shown == RANGES ? 12 : 10, all.plan->columns[c]);
    printf("\n");
    for (size_t r = 0; r < all.rows_count; r++)
        put_row(&all.rows[r], base, shown);
    printf("\n");
}

static void put_tables(void) {
    printf("%s: %s, median of %u rounds\n", all.plan->summary, all.plan->unit, all.rounds);
    put_table(MEDIANS);
    printf("least and most of the rounds\n");
    put_table(RANGES);
    printf("time over that of %s, median of the rounds' ratios\n", all.plan->base);
    put_table(RATIOS);
}

static void put_target(const bench_target *t) {
    const row *a = row_of(t->row, false), *b = row_of(t->to, false);
    for (const char *name = t->columns; *name != '\0';) {
        size_t size = strcspn(name, " "), column = column_of(name, size);
        summary s = {0};
        if (a != NULL && b != NULL && column != SIZE_MAX)
            s = compare(&a->columns[column], &b->columns[column], t->less_than > 0);
        double ratio = t->most < 0 && s.median > 0 ? 1 / s.median : s.median;
        bool met = t->less_than > 0 ? s.median <= t->less_than : t->most < 0 ? ratio >= -t->most : ratio <= t->most;
        printf("  %-12s %-58s %-10.*s ", s.count == 0 ? "not measured" : met ? "met" : "FALLS SHORT", t->what, (int)size, name);
        if (s.count == 0)
            printf("\n");
        else if (t->less_than > 0)
            printf("%.2f %s, at most %.2f\n", s.median < 0.005 ? 0 : s.median, all.plan->unit, t->less_than);
        else
            printf("%.2f x, %s %.2f\n", ratio, t->most < 0 ? "at least" : "at most", t->most < 0 ? -t->most : t->most);
        name += size + strspn(name + size, " ");
    }
}

static void put_json(void) {
    const bench_plan *p = all.plan;
    printf("{\"bench\": \"%s\", \"unit\": \"%s\", \"rounds\": %u, \"rows\": [", p->name, p->unit, all.rounds);
    for (size_t r = 0; r < all.rows_count; r++) {
        printf("%s\n  {\"name\": \"%s\"", r == 0 ? "" : ",", all.rows[r].name);
        for (size_t c = 0; c < all.columns_count; c++) {
            const figures *f = &all.rows[r].columns[c];
            if (summarise(f->at).count == 0)
                continue;
            printf(", \"%s\": {\"median\": %.6g, \"samples\": [", p->columns[c], summarise(f->at).median);
            for (unsigned i = 0; i < all.rounds; i++)
                printf("%s%.6g", i == 0 ? "" : ", ", f->at[i]);
            printf("]}");
        }
        printf("}");
    }
    printf("\n]}\n");
}

static void put_help(void) {
    const bench_plan *p = all.plan;
    printf("%s: %s (%s)\n\n  --rounds N   1 to %d, default 7; every contestant once a round, in turn\n"
           "  --json       all samples, for programs\n", p->name, p->summary, p->unit, BENCH_ROUNDS_MAX);
    if (p->outside != NULL)
        printf("  %s PROGRAM\n               also a program that prints lines `row<TAB>column<TAB>value`\n", p->outside);
    printf("\ncolumns:");
    for (size_t c = 0; c < all.columns_count; c++)
        printf(" %s", p->columns[c]);
    printf("\ncontestants:");
    for (size_t i = 0; p->contestants[i].mode != NULL; i++)
        printf(" %s", p->contestants[i].mode);
    printf("\n");
}

/* --- all of it -------------------------------------------------------------------------------------------------------- */

static bool parse(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        bool has_value = i + 1 < argc;
        if (strcmp(argv[i], "--json") == 0) {
            all.json = true;
        } else if (strcmp(argv[i], "--rounds") == 0 && has_value) {
            all.rounds = (unsigned)strtoul(argv[++i], NULL, 10);
            if (all.rounds == 0 || all.rounds > BENCH_ROUNDS_MAX)
                bench_die("--rounds: expected 1 to 101");
        } else if (all.plan->outside != NULL && strcmp(argv[i], all.plan->outside) == 0 && has_value) {
            all.outside = argv[++i];
        } else {
            put_help();
            if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
                return false;
            bench_die("unknown option");
        }
    }
    return true;
}

static void run_rounds(void) {
    const bench_plan *p = all.plan;
    size_t count = 0;
    for (; p->contestants[count].mode != NULL; count++) {
        all.absent[count] = !is_installed(&p->contestants[count]);
        if (all.absent[count] && !all.json)
            printf("skipped: %s is not installed (package %s)\n", p->contestants[count].library, p->contestants[count].package);
    }
    for (unsigned round = 0; round < all.rounds; round++) {
        for (size_t k = 0; k < count; k++) {
            size_t i = round == 0 ? k : (k + round) % count; /* the first round sets the order of the rows */
            if (!all.absent[i] && run_child(&p->contestants[i], round) != 0)
                bench_die(p->contestants[i].mode);
        }
        if (all.outside != NULL && run_child(NULL, round) != 0)
            bench_die("the outside program failed");
    }
}

int bench_main(const bench_plan *plan, int argc, char **argv) {
    all.plan = plan;
    all.rounds = 7;
    while (plan->columns[all.columns_count] != NULL)
        all.columns_count++;
    if (argc == 4 && strcmp(argv[1], "--child") == 0) {
        if (argv[3][0] != '\0' && dlsym(RTLD_DEFAULT, argv[3]) == NULL)
            bench_die("the library was not preloaded");
        if (argv[2][0] != '\0')
            plan->measure(argv[2]);
        return 0;
    }
    if (!parse(argc, argv))
        return 0;
    run_rounds();
    if (all.json) {
        put_json();
        return 0;
    }
    put_tables();
    for (const bench_target *t = plan->targets; t->what != NULL; t++)
        put_target(t);
    return 0;
}
