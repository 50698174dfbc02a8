/* world.c: the world of generated programs, and what runs each of them along every path of its decisions.
 *
 * A program's decisions are a tape: the runner tries the tapes in order, the last decision first, up to TAPES of them, and then
 * random ones. After each run nothing of the program may live: `leak: N` on standard output names a program that leaks. A
 * sanitizer's report ends the process; `program: N` before it names the program.
 *
 * Threading: world.h. */
#define _GNU_SOURCE 1

#include "world.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TAPES = 40, RANDOM_TAPES = 12, DECISIONS_MAX = 28, CREW_MAX = 64 };

typedef struct program {
    unsigned number;
    unsigned (*run)(void);
} program;
extern const program programs[];
extern const unsigned program_count;
void __sanitizer_set_death_callback(void (*callback)(void));

static _Atomic long live;
static unsigned running;

/* --- the tape ------------------------------------------------------------------------------------------------------------- */

static struct {
    unsigned size, next, value[DECISIONS_MAX], below[DECISIONS_MAX];
    uint64_t random; /* 0: what is not on the tape is 0 */
} tape;

unsigned pick(unsigned n) {
    if (tape.next >= DECISIONS_MAX || n == 0)
        return 0;
    unsigned i = tape.next++;
    if (i >= tape.size) {
        tape.random = tape.random * UINT64_C(6364136223846793005) + (tape.random != 0);
        tape.value[i] = (unsigned)(tape.random >> 33) % n;
        tape.size = i + 1;
    }
    tape.below[i] = n;
    return tape.value[i] % n;
}

/* The next tape in order; false when all were tried. */
static bool advance(void) {
    tape.size = tape.next;
    while (tape.size > 0 && tape.value[tape.size - 1] + 1 >= tape.below[tape.size - 1])
        tape.size--;
    if (tape.size > 0)
        tape.value[tape.size - 1]++;
    tape.next = 0;
    return tape.size > 0;
}

/* --- things --------------------------------------------------------------------------------------------------------------- */

struct thing {
    unsigned n, *cells;
};

static void *get(size_t size) {
    void *p = malloc(size);
    if (p == NULL)
        abort();
    live++;
    return p;
}

static void put(void *p) {
    if (p != NULL)
        live--;
    free(p);
}

thing *thing_new(unsigned n) {
    thing *t = get(sizeof *t);
    t->n = n % 4 + 1;
    t->cells = get(t->n * sizeof *t->cells);
    for (unsigned i = 0; i < t->n; i++)
        t->cells[i] = n;
    return t;
}

thing *thing_try(unsigned n) {
    return flip() ? thing_new(n) : NULL;
}

fh_status thing_make(unsigned n, thing **out) {
    *out = thing_try(n);
    return *out != NULL ? FH_DONE : FH_STATUS(FH_NOMEM);
}

thing *thing_copy(const thing *t) {
    return thing_new(thing_sum(t));
}

void thing_free(thing *t) {
    if (t != NULL)
        put(t->cells);
    put(t);
}

void thing_clear(thing **t) {
    thing_free(*t);
    *t = NULL;
}

unsigned thing_sum(const thing *t) {
    unsigned sum = t->n;
    for (unsigned i = 0; i < t->n; i++)
        sum += t->cells[i];
    return sum;
}

unsigned thing_touch(thing *t) {
    thing_grow(t);
    return thing_sum(t);
}

unsigned thing_eat(thing *t) {
    unsigned sum = thing_sum(t);
    thing_free(t);
    return sum;
}

void thing_grow(thing *t) {
    unsigned *cells = get((t->n + 1) * sizeof *cells);
    memcpy(cells, t->cells, t->n * sizeof *cells);
    cells[t->n] = 1;
    put(t->cells);
    t->cells = cells;
    t->n++;
}

void thing_add(thing *to, const thing *from) {
    const unsigned *first = from->cells;
    thing_grow(to);
    to->cells[to->n - 1] = *first;
}

void thing_swap(thing *a, thing *b) {
    unsigned *first = a->cells;
    thing_grow(b);
    b->cells[0] += *first;
    thing_grow(a);
}

fh_status thing_check(const thing *t) {
    return thing_sum(t) != 0 && flip() ? FH_DONE : FH_STATUS(FH_INVALID);
}

const unsigned *thing_cells(const thing *t) {
    return t->cells;
}

fh_status thing_find(const thing *t, const unsigned **out) {
    *out = flip() ? t->cells : NULL;
    return *out != NULL ? FH_DONE : FH_STATUS(FH_NOT_FOUND);
}

const thing *thing_either(const thing *a, const thing *b) {
    return flip() ? a : b;
}

unsigned look(const unsigned *cell) {
    return *cell;
}

unsigned look_two(const unsigned *a, const unsigned *b) {
    return *a + *b;
}

peek thing_peek(const thing *t) {
    return (peek){t->cells, t->n};
}

unsigned peek_sum(peek p) {
    unsigned sum = 0;
    for (unsigned i = 0; i < p.n; i++)
        sum += p.at[i];
    return sum;
}

/* --- holders and bins ----------------------------------------------------------------------------------------------------- */

fh_status holder_init(holder *out, unsigned n) {
    *out = (holder){.n = n};
    if (!flip())
        return FH_STATUS(FH_NOMEM);
    out->left = thing_new(n);
    out->right = thing_new(n + 1);
    return FH_DONE;
}

void holder_deinit(holder *h) {
    thing_free(h->left);
    thing_free(h->right);
}

unsigned holder_sum(const holder *h) {
    return h->n + (h->left != NULL ? thing_sum(h->left) : 0) + (h->right != NULL ? thing_sum(h->right) : 0);
}

void holder_turn(holder *h) {
    thing *left = h->left;
    h->left = h->right;
    h->right = left;
    if (left != NULL)
        thing_grow(left);
}

const thing *holder_left(const holder *h) {
    return h->left;
}

thing *holder_replace(holder *h, thing *t) {
    thing *old = h->left;
    h->left = t;
    return old;
}

struct bin {
    thing *top;
    struct bin *below;
};

bin *bin_new(void) {
    bin *b = get(sizeof *b);
    *b = (bin){0};
    return b;
}

void bin_free(bin *b) {
    while (b != NULL) {
        bin *below = b->below;
        thing_free(b->top);
        put(b);
        b = below;
    }
}

void bin_put(bin *b, thing *t) {
    if (b->top != NULL) {
        bin *below = get(sizeof *below);
        *below = *b;
        b->below = below;
    }
    b->top = t;
}

thing *bin_take(bin *b) {
    thing *t = b->top;
    bin *below = b->below;
    *b = below != NULL ? *below : (bin){0};
    put(below);
    return t;
}

fh_status bin_give(bin *b, thing **t) {
    if (!flip())
        return FH_STATUS(FH_LIMIT);
    bin_put(b, *t);
    *t = NULL;
    return FH_DONE;
}

const thing *bin_top(const bin *b) {
    return b->top;
}

/* --- the allocator -------------------------------------------------------------------------------------------------------- */

static void *heap_alloc(void *ctx, size_t size) {
    (void)ctx;
    void *p = NULL;
    if (!flip() && flip())
        return NULL;
    if (posix_memalign(&p, FH_ALLOC_ALIGN, size) != 0)
        abort();
    live++;
    return memset(p, 0, size);
}

static void heap_free(void *ctx, void *p) {
    (void)ctx;
    put(p);
}

static fh_status heap_reserve(void *ctx, size_t size, void **out) {
    (void)ctx;
    *out = NULL;
    fh_status s = !flip() && flip() ? FH_STATUS(FH_NOMEM) : fh_pages_reserve(fh_heap(), size, out);
    live += *out != NULL;
    return s;
}

static fh_status heap_commit(void *ctx, void *at, size_t size) {
    (void)ctx;
    return fh_pages_commit(fh_heap(), at, size);
}

static void heap_release(void *ctx, void *at, size_t size) {
    (void)ctx;
    live -= at != NULL;
    fh_pages_release(fh_heap(), at, size);
}

fh_allocator *world_allocator(void) {
    static fh_allocator heap = {.alloc = heap_alloc, .free = heap_free, .reserve = heap_reserve, .commit = heap_commit,
                                .release = heap_release};
    return &heap;
}

fh_span world_text(void) {
    return FH_LIT("a text");
}

const fh_pool_config *world_cards(void) {
    static const fh_pool_config cards = {.capacity = 2, .threads = FH_POOL_SERIAL, .name = "cards"};
    return &cards;
}

unsigned span_sum(fh_span s) {
    unsigned sum = 0;
    for (size_t i = 0; i < s.size; i++)
        sum += fh_span_at(s, i);
    return sum;
}

/* --- threads -------------------------------------------------------------------------------------------------------------- */

static pthread_t crew[CREW_MAX];
static unsigned crew_count;

static void crew_start(void *(*entry)(void *), void *ctx) {
    if (crew_count == CREW_MAX || pthread_create(&crew[crew_count], NULL, entry, ctx) != 0)
        abort();
    crew_count++;
}

static void crew_wait(unsigned kept) {
    while (crew_count > kept)
        pthread_join(crew[--crew_count], NULL);
}

static void *eat(void *t) {
    thing_eat(t);
    return NULL;
}

void crew_eat(thing *t) {
    if (crew_count == CREW_MAX)
        thing_eat(t);
    else
        crew_start(eat, t);
}

typedef struct shift {
    job_fn *job;
    hub *h;
} shift;

static void *work(void *ctx) {
    const shift *s = ctx;
    s->job(s->h);
    return NULL;
}

void crew_all(job_fn *job, hub *h) {
    shift s = {job, h};
    unsigned kept = crew_count;
    if (kept + 2 > CREW_MAX)
        return;
    crew_start(work, &s);
    crew_start(work, &s);
    crew_wait(kept);
}

void latch_lock(latch *l) {
    pthread_mutex_lock(l->at);
}

void latch_unlock(latch *l) {
    pthread_mutex_unlock(l->at);
}

void hub_init(hub *out) {
    *out = (hub){.m = {get(sizeof(pthread_mutex_t))}};
    pthread_mutexattr_t kind;
    pthread_mutexattr_init(&kind);
    pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(out->m.at, &kind);
}

void hub_deinit(hub *h) {
    if (pthread_mutex_trylock(h->m.at) != 0)
        abort(); /* somebody still holds it */
    pthread_mutex_unlock(h->m.at);
    pthread_mutex_destroy(h->m.at);
    put(h->m.at);
    thing_free(h->kept);
}

void hub_add(hub *h, unsigned n) {
    h->total += n;
}

/* --- the runner ----------------------------------------------------------------------------------------------------------- */

static void name_it(void) {
    fprintf(stderr, "program: %u\n", running);
}

static bool run_once(const program *p) {
    tape.next = 0;
    (void)p->run();
    crew_wait(0);
    if (live == 0)
        return true;
    printf("leak: %u\n", p->number);
    live = 0;
    return false;
}

/* From the program with this place in the table on. */
int main(int argc, char **argv) {
    unsigned long runs = 0;
    __sanitizer_set_death_callback(name_it);
    for (unsigned i = argc > 1 ? (unsigned)atoi(argv[1]) : 0; i < program_count; i++) {
        running = programs[i].number;
        bool ok = true, more = true;
        memset(&tape, 0, sizeof tape);
        for (unsigned n = 0; ok && more && n < TAPES; n++, runs++) {
            ok = run_once(&programs[i]);
            more = advance();
        }
        for (unsigned n = 0; ok && more && n < RANDOM_TAPES; n++, runs++) {
            tape.size = 0;
            tape.random = (uint64_t)running * 2654435761u + n + 1;
            ok = run_once(&programs[i]);
        }
    }
    printf("runs: %lu\n", runs);
    return 0;
}
