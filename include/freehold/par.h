/* par.h: parallel-for as an interface, so that pure code can use threads without knowing them.
 *
 *     static void work(void *arg, unsigned part, unsigned parts) { ... }
 *     fh_par_run(par, work, &arg);               returns when every part has returned
 *
 * `parts` calls run with part = 0 … parts − 1, perhaps at the same time, each exactly once, each on a thread whose
 * floating-point state is the fixed one (round to nearest, FTZ and DAZ off). A NULL `fh_par`, or
 * one of width 1, is serial: one call, part 0 of 1, in the state that the calling thread has (fh_os_float_state sets it). A
 * result may never depend on `parts`. Threading: fh_par_run is called by one thread at a time and not from inside a part. */
#ifndef FREEHOLD_PAR_H
#define FREEHOLD_PAR_H

#include <stddef.h>

#include "freehold/attrs.h"

FH_EXTERN_BEGIN

/* The work of one part. */
typedef void fh_par_fn(void *arg, unsigned part, unsigned parts);

/* A set of workers. `run` calls fn(arg, part, width) for each part. */
typedef struct fh_par {
    void *ctx;
    unsigned width;
    void (*run)(void *ctx, fh_par_fn *fn, void *arg);
} fh_par;

/* Runs fn on every part and waits. */
static inline void fh_par_run(fh_ref const fh_par *par, fh_par_fn *fn, void *arg) {
    if (par == NULL || par->width <= 1)
        fn(arg, 0, 1);
    else
        par->run(par->ctx, fn, arg);
}

/* A half-open range. */
typedef struct fh_range {
    size_t from, to;
} fh_range;

/* The share of `count` items that falls to `part` of `parts`: consecutive, sizes differ by at most 1. */
static inline fh_range fh_par_share(size_t count, unsigned part, unsigned parts) {
    size_t each = count / parts, more = count % parts;
    size_t from = each * part + (part < more ? part : more);
    return (fh_range){from, from + each + (part < more ? 1 : 0)};
}

FH_EXTERN_END
#endif
