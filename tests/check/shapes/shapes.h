/* shapes.h: what the programs of test_shapes.py are written against: jobs that somebody owns, boxes and queues of jobs, a lock,
 * threads, and answers that are known at run time only.
 *
 * This header belongs to an audited room; the programs do not. Threading: see each function. */
#ifndef SHAPES_H
#define SHAPES_H

#include "freehold/arena.h"
#include "freehold/buf.h"
#include "freehold/bytes.h"
#include "freehold/page.h"
#include "freehold/pool.h"
#include "freehold/queue.h"
#include "freehold/ring.h"

/* --- what the checker cannot know ----------------------------------------------------------------------------------------- */

bool yes(void);
bool no(void);
/* 1, 6 and n, as if they came from outside. */
int one(void);
int six(void);
size_t outside(size_t n);
int outside_int(int n);
/* Uses of a value. */
void note(int n);
void look(fh_ref const char *text);

/* --- jobs ----------------------------------------------------------------------------------------------------------------- */

/* Some cells, and a name. */
typedef struct job {
    int size;
    int cells[4];
    char name[8];
} job;

fh_owned job *job_new(int size);
/* NULL for a size below 0. */
fh_owned_or_null job *job_try(int size);
/* FH_INVALID for a size below 0. */
fh_status job_make(int size, fh_owned job **out);
fh_owned job *job_copy(fh_ref const job *from);
void job_free(fh_drop job *j);
/* Ends *j and makes it NULL. */
void job_clear(fh_drop job **j);
int job_sum(fh_ref const job *j);
void job_grow(fh_mut job *j, int by);
void job_add(fh_mut job *to, fh_ref const job *from);
const char *job_name(fh_ref const job *j) fh_view(1);
/* Reads a cell that the caller has filled. */
int cell_sum(fh_ref const int *cells, int count);
void cell_fill(fh_out int *cell);

/* A box holds one job or none. */
typedef struct box {
    fh_owned_or_null job *inner;
    int label;
} box;

fh_status box_init(fh_owned box *out, int size);
void box_deinit(fh_drop box *b);
int box_sum(fh_ref const box *b);

/* A crate holds a box. */
typedef struct crate {
    box box;
    int weight;
} crate;

/* A queue takes over what is pushed. */
typedef struct line line;
fh_owned line *line_new(void);
void line_free(fh_drop line *l);
void line_push(fh_mut line *l, fh_move job *j);
fh_owned_or_null job *line_pop(fh_mut line *l);

/* What a callback does with a job. */
typedef int job_reader(fh_ref const job *j);
typedef void job_ender(fh_drop job *j);
typedef fh_owned job *job_maker(int size);

/* --- threads -------------------------------------------------------------------------------------------------------------- */

/* A lock. Any thread. */
typedef struct fh_sync lock {
    uint32_t word;
} lock;
void lock_take(fh_mut lock *l) fh_locks(1);
void lock_give(fh_mut lock *l) fh_unlocks(1);

/* A number that threads share, behind its lock. */
typedef struct account {
    lock guard;
    fh_guarded(guard) int total;
    fh_guarded(guard) int moves;
    int id;
} account;

/* A thread; joining waits for it. */
typedef struct worker worker;
fh_owned worker *worker_start(void (*entry)(void *ctx), fh_send void *ctx);
/* The thread owns the job. */
fh_owned worker *worker_send(void (*entry)(fh_move job *j), fh_send fh_move job *j);
void worker_join(fh_drop worker *w);

/* --- typed containers of the library -------------------------------------------------------------------------------------- */

typedef struct item {
    int cells[4];
} item;

FH_POOL_DEFINE(item, item);
FH_RING_DEFINE(item, item);

#endif
