/* weave_model.c: the explorer against the axioms, on random programs.
 *
 * The explorer makes executions step by step; the C and C++ standards say which finished executions there may be. Here both
 * answer the same question, "what may these few loads see, and which stores are last?", for random programs of up to three
 * threads and six operations on two places, and must agree exactly: nothing forbidden, nothing missed, with and without
 * reduction.
 *
 * The axioms are those of RC11 (weave.h): an execution is a choice of a store for each load (rf) and of an order of the stores
 * of each place (mo), such that
 *     happens-before, and rf, mo and from-read together, have no cycle and do not contradict each other;
 *     a read-modify-write stands directly behind what it read;
 *     program order, rf, and the order of the sequentially consistent operations and fences have no cycle together. Part of
 *     that order are happens-before and coherence (C++20, [atomics.order]).
 *
 * Threading: none. */
#include <stdio.h>
#include <string.h>

#include "freehold/hash.h"
#include "weave.h"

enum { OPS_MAX = 6, EVENTS = OPS_MAX + 2, PLACES = 2, PROGRAMS = 3000, OUTCOMES = 4096, SEED = 1 };

typedef enum kind { LOAD, AWAIT, STORE, UPDATE, FENCE } kind; /* AWAIT: a load, repeated until it sees no first store */
typedef struct event {
    kind kind;
    unsigned thread, place; /* thread 0: the first stores */
    int order;
} event;

typedef struct program {
    unsigned threads, events;
    event at[EVENTS]; /* the first stores to each place, then thread by thread */
} program;

/* What loads saw and which stores are last, as numbers of events. */
typedef struct outcome {
    uint8_t at[EVENTS + PLACES];
} outcome;
typedef struct outcomes {
    size_t count;
    outcome at[OUTCOMES];
} outcomes;

static program now;

static void add(outcomes *set, outcome o) {
    for (size_t i = 0; i < set->count; i++)
        if (memcmp(&set->at[i], &o, sizeof o) == 0)
            return;
    if (set->count < OUTCOMES)
        set->at[set->count++] = o;
}

static bool includes(const outcomes *all, const outcomes *part) {
    for (size_t i = 0; i < part->count; i++) {
        bool has = false;
        for (size_t k = 0; k < all->count && !has; k++)
            has = memcmp(&all->at[k], &part->at[i], sizeof part->at[i]) == 0;
        if (!has)
            return false;
    }
    return true;
}

/* --- the explorer's answer ------------------------------------------------------------------------------------------------ */

static uint64_t places[PLACES]; /* hold numbers of events */
static outcome seen;
static outcomes found;

static void start(fh_allocator *a) {
    (void)a;
    seen = (outcome){{0}};
    for (unsigned i = 0; i < PLACES; i++)
        places[i] = i;
}

static void body(unsigned thread) {
    for (unsigned i = 0; i < now.events; i++) {
        const event *e = &now.at[i];
        if (e->thread != thread)
            continue;
        if (e->kind == LOAD)
            seen.at[i] = (uint8_t)fh_load(&places[e->place], e->order);
        else if (e->kind == AWAIT)
            while ((seen.at[i] = (uint8_t)fh_load(&places[e->place], e->order)) < PLACES)
                fh_pause();
        else if (e->kind == STORE)
            fh_store(&places[e->place], i, e->order);
        else if (e->kind == UPDATE)
            seen.at[i] = (uint8_t)fh_exchange(&places[e->place], i, e->order);
        else
            fh_fence(e->order);
    }
}
static void body_1(void) {
    body(1);
}
static void body_2(void) {
    body(2);
}
static void body_3(void) {
    body(3);
}

static void finish(void) {
    for (unsigned i = 0; i < PLACES; i++)
        seen.at[EVENTS + i] = (uint8_t)fh_load(&places[i], FH_RELAXED);
    add(&found, seen);
}

/* How many executions there are; 0 if some ends in a deadlock. */
static uint64_t explore(unsigned preemptions) {
    const weave_test test = {.setup = start, .threads = {body_1, body_2, now.threads > 2 ? body_3 : NULL}, .check = finish,
                             .preemptions = preemptions};
    found.count = 0;
    weave_result r = weave_explore(&test);
    if (r.failed && strstr(r.message, "deadlock") == NULL)
        printf("weave: %s\n", r.message);
    return r.failed ? 0 : r.executions;
}

/* --- the axioms' answer --------------------------------------------------------------------------------------------------- */

typedef struct relation {
    uint16_t row[EVENTS]; /* bit k of row i: i before k */
} relation;

static outcomes allowed;
static unsigned rf[EVENTS], order_of[PLACES][EVENTS], stores_of[PLACES], rank[EVENTS];

static bool has(const relation *r, unsigned i, unsigned k) {
    return (r->row[i] >> k & 1) != 0;
}
static void put(relation *r, unsigned i, unsigned k) {
    r->row[i] = (uint16_t)(r->row[i] | 1u << k);
}
/* Closes a relation; false when it has a cycle. */
static bool close(relation *r) {
    for (unsigned k = 0; k < now.events; k++)
        for (unsigned i = 0; i < now.events; i++)
            if (has(r, i, k))
                r->row[i] |= r->row[k];
    for (unsigned i = 0; i < now.events; i++)
        if (has(r, i, i))
            return false;
    return true;
}

static bool reads(const event *e) {
    return e->kind == LOAD || e->kind == AWAIT || e->kind == UPDATE;
}
static bool writes(const event *e) {
    return e->kind == STORE || e->kind == UPDATE;
}
static bool is_release(int order) {
    return order == FH_RELEASE || order == FH_ACQ_REL || order == FH_SEQ_CST;
}
static bool is_acquire(int order) {
    return order == FH_ACQUIRE || order == FH_ACQ_REL || order == FH_SEQ_CST;
}
static bool before(unsigned i, unsigned k) { /* program order, the first stores before all */
    return now.at[i].thread == 0 ? now.at[k].thread != 0 : now.at[i].thread == now.at[k].thread && i < k;
}

/* True if i synchronizes with k: a release store or fence, a release sequence, an acquire load or fence. */
static bool synchronizes(unsigned i, unsigned k) {
    const event *a = &now.at[i], *b = &now.at[k];
    if ((a->kind != FENCE && !writes(a)) || !is_release(a->order) || (b->kind != FENCE && !reads(b)) || !is_acquire(b->order))
        return false;
    for (unsigned r = 0; r < now.events; r++) {
        if (!reads(&now.at[r]) || !(r == k || (b->kind == FENCE && before(r, k))))
            continue;
        unsigned w = rf[r];
        for (;;) { /* back along the release sequence */
            if (w == i || (a->kind == FENCE && before(i, w) && now.at[w].thread != 0))
                return true;
            if (now.at[w].kind != UPDATE)
                break;
            w = rf[w];
        }
    }
    return false;
}

/* One step of coherence: rf, mo, or from-read. */
static bool coherent(unsigned i, unsigned k) {
    const event *a = &now.at[i], *b = &now.at[k];
    if (i == k || a->kind == FENCE || b->kind == FENCE || a->place != b->place)
        return false;
    return (reads(b) && rf[k] == i) || (writes(a) && writes(b) && rank[i] < rank[k]) ||
           (reads(a) && writes(b) && rank[rf[i]] < rank[k]);
}

static bool is_sc(const event *e) {
    return e->order == FH_SEQ_CST;
}

/* Whether i must precede k in the order of sequentially consistent operations. */
static bool sc_before(const relation *hb, const relation *eco, unsigned i, unsigned k) {
    if (has(hb, i, k))
        return true;
    for (unsigned a = 0; a < now.events; a++)
        for (unsigned b = 0; b < now.events; b++)
            if (has(eco, a, b) && (a == i || (now.at[i].kind == FENCE && has(hb, i, a))) &&
                (b == k || (now.at[k].kind == FENCE && has(hb, b, k))))
                return true;
    return false;
}

static bool consistent(void) {
    relation hb = {{0}}, eco = {{0}}, run = {{0}};
    for (unsigned i = 0; i < now.events; i++)
        for (unsigned k = 0; k < now.events; k++) {
            if (before(i, k) || synchronizes(i, k))
                put(&hb, i, k);
            if (before(i, k) || (reads(&now.at[k]) && rf[k] == i))
                put(&run, i, k);
            if (coherent(i, k))
                put(&eco, i, k);
        }
    if (!close(&eco) || !close(&hb))
        return false;
    for (unsigned i = 0; i < now.events; i++)
        for (unsigned k = 0; k < now.events; k++) {
            if (has(&hb, i, k) && has(&eco, k, i))
                return false;
            if (i != k && is_sc(&now.at[i]) && is_sc(&now.at[k]) && sc_before(&hb, &eco, i, k))
                put(&run, i, k);
        }
    return close(&run);
}

static void take_order(unsigned place);

/* Chooses what event i and those after it read. */
static void take_rf(unsigned i) {
    while (i < now.events && !reads(&now.at[i]))
        i++;
    if (i == now.events) {
        if (!consistent())
            return;
        outcome o = {{0}};
        for (unsigned r = 0; r < now.events; r++)
            o.at[r] = (uint8_t)(reads(&now.at[r]) ? rf[r] : 0);
        for (unsigned p = 0; p < PLACES; p++)
            o.at[EVENTS + p] = (uint8_t)order_of[p][stores_of[p] - 1];
        add(&allowed, o);
        return;
    }
    for (unsigned w = 0; w < now.events; w++)
        if (writes(&now.at[w]) && w != i && now.at[w].place == now.at[i].place &&
            (now.at[i].kind != UPDATE || rank[w] + 1 == rank[i]) && (now.at[i].kind != AWAIT || w >= PLACES)) {
            rf[i] = w;
            take_rf(i + 1);
        }
}

/* Chooses the order of the stores to a place, after those chosen already. */
static void take_more(unsigned place) {
    bool done = true;
    for (unsigned w = 0; w < now.events; w++) {
        bool used = !writes(&now.at[w]) || now.at[w].place != place;
        for (unsigned i = 0; i < stores_of[place] && !used; i++)
            used = order_of[place][i] == w;
        if (used)
            continue;
        done = false;
        rank[w] = stores_of[place];
        order_of[place][stores_of[place]++] = w;
        take_more(place);
        stores_of[place]--;
    }
    if (done)
        take_order(place + 1);
}

static void take_order(unsigned place) {
    if (place == PLACES) {
        take_rf(0);
        return;
    }
    stores_of[place] = 1;
    order_of[place][0] = place;
    rank[place] = 0;
    take_more(place);
}

/* --- programs ------------------------------------------------------------------------------------------------------------- */

static program random_program(uint64_t seed) {
    uint64_t bits = fh_mix64(seed + (uint64_t)SEED * PROGRAMS);
    program p = {.threads = 2 + (bits & 1), .events = PLACES};
    for (unsigned i = 0; i < PLACES; i++)
        p.at[i] = (event){STORE, 0, i, FH_RELAXED};
    for (unsigned t = 1; t <= p.threads; t++)
        for (unsigned i = 0; i < OPS_MAX / p.threads; i++) {
            static const int any[] = {FH_RELAXED, FH_ACQUIRE, FH_RELEASE, FH_ACQ_REL, FH_SEQ_CST, FH_SEQ_CST};
            static const kind kinds[] = {LOAD, LOAD, AWAIT, STORE, STORE, STORE, UPDATE, FENCE};
            bits = fh_mix64(bits);
            event e = {kinds[bits >> 8 & 7], t, bits >> 16 & 1, any[(bits >> 24 & 0xff) % 6]};
            if ((e.kind == LOAD || e.kind == AWAIT) && is_release(e.order) && e.order != FH_SEQ_CST)
                e.order = FH_ACQUIRE;
            if (e.kind == STORE && is_acquire(e.order) && e.order != FH_SEQ_CST)
                e.order = FH_RELEASE;
            p.at[p.events++] = e;
        }
    return p;
}

static void print_program(uint64_t seed) {
    static const char *const kinds[] = {"load", "await", "store", "update", "fence"};
    printf("weave: program %llu:\n", (unsigned long long)seed);
    for (unsigned i = PLACES; i < now.events; i++)
        printf("    %u: thread %u: %s %c order %d\n", i, now.at[i].thread, kinds[now.at[i].kind], "xy"[now.at[i].place],
               now.at[i].order);
}

static void print_missing(const char *who, const outcomes *all, const outcomes *part) {
    for (size_t i = 0; i < part->count; i++) {
        outcomes one = {.count = 1, .at = {part->at[i]}};
        if (includes(all, &one))
            continue;
        printf("    only %s:", who);
        for (unsigned k = PLACES; k < now.events; k++)
            printf(" %u", part->at[i].at[k]);
        printf("; last %u %u\n", part->at[i].at[EVENTS], part->at[i].at[EVENTS + 1]);
    }
}

/* What all programs came to. */
static struct {
    uint64_t outcomes, executions, unreduced, disagree, deadlocks, weaker, noticed;
} total;

/* True if the explorer's last answer is the axioms'. */
static bool agrees(const char *who, uint64_t seed) {
    if (includes(&allowed, &found) && includes(&found, &allowed))
        return true;
    print_program(seed);
    print_missing(who, &allowed, &found);
    print_missing("the axioms", &found, &allowed);
    return false;
}

static void compare(uint64_t seed) {
    now = random_program(seed);
    allowed.count = 0;
    take_order(0);
    uint64_t reduced = explore(0);
    bool same = reduced == 0 || agrees("the explorer", seed);
    size_t before = found.count;
    uint64_t all = explore(1000); /* all orders, without reduction */
    same = same && (reduced == 0) == (all == 0) && (all == 0 || agrees("the explorer without reduction", seed));
    total.disagree += !same;
    total.deadlocks += all == 0;
    total.outcomes += allowed.count;
    total.executions += reduced;
    total.unreduced += all;
    if (all == 0)
        return;
    /* The comparison has teeth: a weaker program has other outcomes. */
    bool weaker = false;
    for (unsigned i = PLACES; i < now.events; i++)
        if (is_sc(&now.at[i])) {
            now.at[i].order = now.at[i].kind <= AWAIT ? FH_ACQUIRE : now.at[i].kind == STORE ? FH_RELEASE : FH_ACQ_REL;
            weaker = true;
        }
    total.weaker += weaker;
    total.noticed += explore(0) != 0 && found.count != before;
}

int main(void) {
    for (uint64_t seed = 0; seed < PROGRAMS; seed++)
        compare(seed);
    printf("weave: %d random programs: %llu outcomes in %llu executions, without reduction in %llu; %llu deadlocks\n", PROGRAMS,
           (unsigned long long)total.outcomes, (unsigned long long)total.executions, (unsigned long long)total.unreduced,
           (unsigned long long)total.deadlocks);
    printf("weave: random programs: %llu disagree with the axioms\n", (unsigned long long)total.disagree);
    printf("weave: random programs: weakening %llu changes the outcomes of %llu\n", (unsigned long long)total.weaker,
           (unsigned long long)total.noticed);
    int passed = (total.disagree == 0) + (total.noticed != 0);
    printf("weave: %d passed, %d failed\n", passed, 2 - passed);
    return passed != 2;
}
