/* weave_quiesce.c: reclamation in all interleavings and with all values that the memory model allows. What is retired is
 * freed, so the explorer sees a reader that still has it. */
#include "weave.h"

#include "freehold/quiesce.h"

typedef struct object {
    fh_retired retired;
    uint64_t word;
} object;

static fh_allocator *allocator;
static fh_quiesce *q;
static object *shared; /* what readers find */

static object *new_object(uint64_t word) {
    object *o = fh_alloc(allocator, 1, sizeof *o);
    WEAVE_ASSERT(o != NULL);
    FH_WRITES(&o->word, sizeof o->word);
    o->word = word;
    return o;
}

static void free_object(void *ctx) {
    object *o = ctx;
    FH_READS(&o->word, sizeof o->word);
    WEAVE_ASSERT(o->word != 0);
    fh_free(allocator, o);
}

static void setup(fh_allocator *a, uint32_t members_max, bool sections) {
    allocator = a;
    fh_status s = fh_quiesce_new(a, &(fh_quiesce_options){.members_max = members_max, .sections = sections}, &q);
    WEAVE_ASSERT(s.code == FH_OK && fh_quiesce_fences(q) == !sections);
    fh_store(&shared, new_object(1), FH_RELAXED);
}

static void setup_points(fh_allocator *a) {
    setup(a, 2, false);
}
static void setup_sections(fh_allocator *a) {
    setup(a, 3, true);
}
static void setup_one_place(fh_allocator *a) {
    setup(a, 1, true);
}

static void end(void) {
    fh_status s = fh_quiesce_check(q, NULL);
    WEAVE_ASSERT(s.code == FH_OK);
    fh_quiesce_free(q);
    fh_free(allocator, fh_load(&shared, FH_RELAXED));
}

static fh_quiesce_member *join(void) {
    fh_quiesce_member *m;
    for (fh_status s; (s = fh_quiesce_join(q, &m)).code != FH_OK; fh_pause())
        WEAVE_ASSERT(s.code == FH_EXHAUSTED);
    return m;
}

static void look(void) {
    const object *o = fh_load(&shared, FH_ACQUIRE);
    if (o != NULL) {
        FH_READS(&o->word, sizeof o->word);
        WEAVE_ASSERT(o->word != 0);
    }
}

/* Takes the object out of sight, and has it freed. */
static void take_away(fh_quiesce_member *m) {
    object *old = fh_exchange(&shared, NULL, FH_ACQUIRE);
    fh_status s = old == NULL ? FH_DONE : fh_quiesce_retire(m, &old->retired, free_object, old);
    WEAVE_ASSERT(s.code == FH_OK);
    fh_quiesce_here(m);
}

/* --- the reader ------------------------------------------------------------------------------------------------------- */

static void read_points(void) {
    fh_quiesce_member *m = join();
    look();
    fh_quiesce_here(m);
    look();
    fh_quiesce_leave(&m);
}
static void read_sections(void) {
    fh_quiesce_member *m = join();
    look();
    fh_quiesce_offline(m);
    fh_quiesce_online(m);
    look();
    fh_quiesce_offline(m);
    fh_quiesce_leave(&m);
}

/* --- the writer ------------------------------------------------------------------------------------------------------- */

static void write_and_wait(void) {
    fh_quiesce_member *m = join();
    take_away(m);
    while (fh_quiesce_waiting(m) != 0) {
        fh_pause();
        fh_quiesce_here(m);
    }
    fh_quiesce_leave(&m);
}
static void write_and_leave(void) {
    fh_quiesce_member *m = join();
    take_away(m);
    fh_quiesce_leave(&m);
}

/* --- two writers, one place in the domain ----------------------------------------------------------------------------- */

/* The end of the thread leaves. */
static void retire_own(void) {
    fh_quiesce_member *m = join();
    object *own = new_object(2);
    fh_status s = fh_quiesce_retire(m, &own->retired, free_object, own);
    WEAVE_ASSERT(s.code == FH_OK);
}

/* --- a reader that breaks its promise ----------------------------------------------------------------------------------- */

static void read_offline(void) {
    fh_quiesce_member *m = join();
    fh_quiesce_offline(m);
    look();
    fh_quiesce_leave(&m);
}
static void read_across_a_point(void) {
    fh_quiesce_member *m = join();
    const object *o = fh_load(&shared, FH_ACQUIRE);
    fh_quiesce_here(m);
    if (o != NULL)
        FH_READS(&o->word, sizeof o->word);
    fh_quiesce_leave(&m);
}

int main(void) {
    /* A place that is taken anew matters in the last test, what members leave in the last two. */
#define PLACE "fh_quiesce_join cas &m->taken"
#define HEIR "inherit exchange &me->domain->orphans"
    /* What the load of the epoch acquires and the store to `seen` releases in going online, a full fence does as well.
     * Readers in sections call fh_quiesce_here as writers only. */
#define ONLINE_LOAD "fh_quiesce_online load me->epoch"
#define ONLINE_STORE "fh_quiesce_online store &me->seen"
#define HERE_LOAD "fh_quiesce_here load me->epoch"
#define HERE_STORE "fh_quiesce_here store &me->seen"
    static const weave_test tests[] = {
        {.name = "quiesce: points", .setup = setup_points, .threads = {read_points, write_and_wait}, .check = end,
         .weaken = "/quiesce.", .spare = {PLACE, HEIR, ONLINE_LOAD, ONLINE_STORE}},
        {.name = "quiesce: sections with fences", .setup = setup_points, .threads = {read_sections, write_and_wait},
         .check = end, .weaken = "/quiesce.", .spare = {PLACE, HEIR, ONLINE_LOAD, HERE_LOAD, HERE_STORE}},
        {.name = "quiesce: sections with the system's barrier", .setup = setup_sections,
         .threads = {read_sections, write_and_wait}, .check = end, .weaken = "/quiesce.",
         .spare = {PLACE, HEIR, HERE_LOAD, HERE_STORE}},
        {.name = "quiesce: handed over", .setup = setup_points, .threads = {read_points, write_and_leave}, .check = end,
         .weaken = "/quiesce.", .spare = {PLACE, ONLINE_LOAD, ONLINE_STORE}},
        {.name = "quiesce: one place", .setup = setup_one_place, .threads = {retire_own, retire_own}, .check = end,
         .weaken = "/quiesce.", /* nobody reads, and nobody inherits: only who has the place counts */
         .spare = {ONLINE_LOAD, ONLINE_STORE, "fh_quiesce_offline store &me->seen", "give_up cas &m->domain->orphans"}},
        {.name = "quiesce: two writers", .setup = setup_sections, .threads = {read_sections, write_and_wait, write_and_leave},
         .check = end, .preemptions = 1},
        {.name = "quiesce: read while offline", .setup = setup_points, .threads = {read_offline, write_and_wait}, .check = end,
         .finds = "free"},
        {.name = "quiesce: kept across a point", .setup = setup_points, .threads = {read_across_a_point, write_and_wait},
         .check = end, .finds = "free"},
    };
    return weave_main(tests, sizeof tests / sizeof tests[0]);
}
