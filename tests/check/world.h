/* world.h: what generated programs (programs.py) are written against: owners, borrows, views, locks and threads that show
 * trouble to the sanitizers, and decisions read from a tape, so that a run can be repeated with every path taken.
 *
 * Nothing here forgives: what is dropped twice is freed twice, and a view points into memory that ends with its owner.
 *
 * Threading: a program runs on one thread, but for crew_eat and crew_all. */
#ifndef WORLD_H
#define WORLD_H

#include "freehold/arena.h"
#include "freehold/buf.h"
#include "freehold/bytes.h"
#include "freehold/pool.h"

/* --- the tape ------------------------------------------------------------------------------------------------------------- */

/* The next decision: below `n`. At the end of the tape, and after many decisions, 0. */
unsigned pick(unsigned n);
static inline bool flip(void) {
    return pick(2) != 0;
}

/* --- an owner on the heap ------------------------------------------------------------------------------------------------- */

typedef struct thing thing;

fh_owned thing *thing_new(unsigned n);
fh_owned_or_null thing *thing_try(unsigned n);
fh_status thing_make(unsigned n, fh_owned thing **out);
fh_owned thing *thing_copy(fh_ref const thing *t);
void thing_free(fh_drop thing *t);
void thing_clear(fh_drop thing **t);
unsigned thing_sum(fh_ref const thing *t);
unsigned thing_touch(fh_mut thing *t);
unsigned thing_eat(fh_move thing *t);
/* Moves its cells: views into it are dead. */
void thing_grow(fh_mut thing *t);
void thing_add(fh_mut thing *to, fh_ref const thing *from);
void thing_swap(fh_mut thing *a, fh_mut thing *b);
fh_status thing_check(fh_ref const thing *t);
const unsigned *thing_cells(fh_ref const thing *t) fh_view(1);
fh_status thing_find(fh_ref const thing *t, fh_out fh_view(1) const unsigned **out);
const thing *thing_either(fh_ref const thing *a, fh_ref const thing *b) fh_view(1, 2);
unsigned look(fh_ref const unsigned *cell);
unsigned look_two(fh_ref const unsigned *a, fh_ref const unsigned *b);

/* --- a record that owns two of them --------------------------------------------------------------------------------------- */

typedef struct holder {
    fh_owned_or_null thing *left;
    fh_owned_or_null thing *right;
    unsigned n;
} holder;

fh_status holder_init(fh_owned holder *out, unsigned n);
void holder_deinit(fh_drop holder *h);
unsigned holder_sum(fh_ref const holder *h);
void holder_turn(fh_mut holder *h);
fh_owned_or_null const thing *holder_left(fh_ref const holder *h) fh_view(1);
/* The left thing of it, replaced by another. */
fh_owned_or_null thing *holder_replace(fh_mut holder *h, fh_move thing *t);

/* --- a container ---------------------------------------------------------------------------------------------------------- */

typedef struct bin bin;

fh_owned bin *bin_new(void);
void bin_free(fh_drop bin *b);
void bin_put(fh_mut bin *b, fh_move thing *t);
fh_owned_or_null thing *bin_take(fh_mut bin *b);
/* *t becomes NULL exactly if the bin took it. */
fh_status bin_give(fh_mut bin *b, fh_move thing **t);
fh_owned_or_null const thing *bin_top(fh_ref const bin *b) fh_view(1);

/* --- bytes ---------------------------------------------------------------------------------------------------------------- */

fh_static fh_allocator *world_allocator(void);
fh_static fh_span world_text(void);
unsigned span_sum(fh_span s);

/* A pool with handles: who uses a stale one is told by a status, who keeps a view of a released slot by the sanitizer. */
typedef struct card {
    unsigned n, at[3];
} card;
FH_POOL_DEFINE(card, card);
fh_static const fh_pool_config *world_cards(void);

/* A value that is a view. */
typedef struct fh_view_type peek {
    const unsigned *at;
    unsigned n;
} peek;
peek thing_peek(fh_ref const thing *t) fh_view(1);
unsigned peek_sum(peek p);

/* --- functions as values -------------------------------------------------------------------------------------------------- */

typedef unsigned sum_fn(fh_ref const thing *t);
typedef unsigned touch_fn(fh_mut thing *t);
typedef unsigned eat_fn(fh_move thing *t);
typedef fh_owned thing *make_fn(unsigned n);
typedef const unsigned *cells_fn(fh_ref const thing *t) fh_view(1);

/* --- threads -------------------------------------------------------------------------------------------------------------- */

typedef struct latch {
    void *at;
} latch;
void latch_lock(fh_mut latch *l) fh_locks(1);
void latch_unlock(fh_mut latch *l) fh_unlocks(1);

typedef struct fh_sync hub {
    latch m;
    fh_guarded(m) unsigned total;
    fh_guarded(m) fh_owned_or_null thing *kept;
} hub;
void hub_init(fh_owned hub *out);
void hub_deinit(fh_drop hub *h);
void hub_add(fh_mut hub *h, unsigned n) fh_requires(h->m);
typedef void job_fn(fh_mut hub *h);

/* Another thread reads and ends it, at its leisure. */
void crew_eat(fh_send fh_move thing *t);
/* Two threads run the job at once; returns when both are done. */
void crew_all(job_fn *job, fh_send fh_mut hub *h);

#endif
