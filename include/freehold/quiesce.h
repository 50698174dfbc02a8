/* quiesce.h: when may memory be freed that other threads could still be reading? After each of them has been seen without it.
 *
 *     fh_quiesce *q;
 *     FH_TRY(fh_quiesce_new(a, &(fh_quiesce_options){.members_max = 64}, &q));
 *     fh_quiesce_member *me;
 *     FH_TRY(fh_quiesce_join(q, &me));                          each thread; it is online from here on
 *
 *     table = fh_load(&shared, FH_ACQUIRE);                     a reader pays nothing for reading …
 *     …
 *     fh_quiesce_here(me);                                      … but says when it holds nothing: after a batch, a decode step
 *
 *     fh_exchange(&shared, other, FH_ACQ_REL);                  a writer takes the old one out of sight,
 *     FH_TRY(fh_quiesce_retire(me, &old->retired, free_table, old));     and has it freed when nobody can hold it any more
 *
 * A thread that is online promises to come to a quiescent point again and again; one that blocks goes offline meanwhile. A
 * thread that cannot promise anything stays offline and reads in sections:
 *
 *     fh_quiesce_online(me);                                    begin: pointers may be loaded and followed from here
 *     …
 *     fh_quiesce_offline(me);                                   end: none is held
 *
 * In a domain made with `sections`, beginning and ending one are plain stores, and who reclaims has the system put a barrier
 * into every thread instead (fh_os_barrier_all); elsewhere, and where the system has no such call, beginning one is a full
 * fence. fh_quiesce_fences says which it is; it is decided when the domain is made. What may be read, and when, is the same
 * in both.
 *
 * Threading: a member is used by the thread that joined; fh_quiesce_join and what takes a domain, any thread. Ownership: what
 * is retired belongs to the domain, which calls its function once, on the thread of some member at a quiescent point of its
 * own. */
#ifndef FREEHOLD_QUIESCE_H
#define FREEHOLD_QUIESCE_H

#include "freehold/alloc.h"
#include "freehold/atomic.h"
#include "freehold/os.h"

FH_EXTERN_BEGIN

enum { FH_QUIESCE_MEMBERS_MAX = 4096 };

/* Lies in what is retired, all zero before, so that retiring needs no memory and cannot fail for want of it. */
typedef struct fh_retired {
    struct fh_retired *next;
    void (*end)(void *ctx); /* NULL: not retired */
    void *ctx;
} fh_retired;

/* A domain: threads, and what they retire. */
typedef struct fh_quiesce fh_quiesce;

/* What a domain is. */
typedef struct fh_quiesce_options {
    uint32_t members_max; /* at a time, 1 to FH_QUIESCE_MEMBERS_MAX */
    bool sections;        /* online and offline come often: let who reclaims pay for them */
} fh_quiesce_options;

/* One thread's part in a domain. Fields are for the functions of this header. */
typedef struct fh_quiesce_member {
    uint64_t seen;         /* the epoch at the last quiescent point; 0 while offline */
    const uint64_t *epoch; /* of the domain */
    fh_retired *const *orphans;
    uint64_t waiting; /* things on the two lists below */
    fh_quiesce *domain;
    bool fences, collecting;
    uint32_t taken;
    fh_retired *fresh, *fresh_last; /* retired or inherited since the batch was closed */
    fh_retired *batch, *batch_last; /* retired before the epoch became batch_epoch */
    uint64_t batch_epoch;
    uint64_t retired, ended; /* ever, by all that had this place */
    fh_os_exit exit;
} fh_quiesce_member;

/* --- life ----------------------------------------------------------------------------------------------------------------- */

/* A domain without members. FH_INVALID for options out of their limits, FH_NOMEM. */
FH_FALLIBLE fh_quiesce_new(fh_ref fh_allocator *a, fh_ref const fh_quiesce_options *options,
                           fh_owned fh_view(1) fh_quiesce **out);
/* Ends a domain that everybody has left (a member that has not is a programmer's error and ends the program), and what is still
 * retired in it. NULL is allowed. */
FH_API void fh_quiesce_free(fh_drop fh_quiesce *q);
/* True if going online is a full fence; false if it is a plain store, and reclaiming puts a barrier into every thread. */
FH_API bool fh_quiesce_fences(fh_ref const fh_quiesce *q);

/* Makes the calling thread a member, online. FH_EXHAUSTED when members_max have joined; FH_NOMEM. Valid until:
 * fh_quiesce_leave, or the end of the thread, which leaves by itself. */
FH_FALLIBLE fh_quiesce_join(fh_ref fh_quiesce *q, fh_owned fh_quiesce_member **out);
/* Ends a membership; *me becomes NULL, and NULL is allowed. What it has retired is handed to the members that stay, or to those
 * that come, or to fh_quiesce_free. */
FH_API void fh_quiesce_leave(fh_drop fh_quiesce_member **me);

/* --- writers -------------------------------------------------------------------------------------------------------------- */

/* Calls end(ctx) once nobody can hold it any more. The caller has taken it out of sight: nobody can find it who does not hold
 * it already. `r` lies in it, or lives as long. FH_INVALID when it is retired already. `end` may retire more, and free what
 * `r` lies in; it may not leave the domain. */
FH_FALLIBLE fh_quiesce_retire(fh_mut fh_quiesce_member *me, fh_ref fh_retired *r, void (*end)(void *ctx), fh_mut void *ctx);
/* The part of fh_quiesce_here for a member with things to end: ends those that nobody holds any more. */
FH_API void fh_quiesce_collect(fh_mut fh_quiesce_member *me);
/* Things retired by this member (or inherited), and not ended yet. */
static inline uint64_t fh_quiesce_waiting(const fh_quiesce_member *me) {
    return me->waiting;
}

/* --- readers -------------------------------------------------------------------------------------------------------------- */

/* A quiescent point: the calling thread holds nothing that it found before. An offline member stays offline. A member that has
 * retired something pays here for a barrier now and then, once for all that has gathered: tens of nanoseconds, or a
 * microsecond where fh_quiesce_fences is false. So it comes here after many, not after each. */
static inline void fh_quiesce_here(fh_quiesce_member *me) {
    if (fh_load(&me->seen, FH_RELAXED) != 0)
        fh_store(&me->seen, fh_load(me->epoch, FH_ACQUIRE), FH_RELEASE);
    if (FH_UNLIKELY(me->waiting != 0 || fh_load(me->orphans, FH_RELAXED) != NULL))
        fh_quiesce_collect(me);
}

/* Holds nothing from here on, and is not waited for: before blocking, or at the end of a section. */
static inline void fh_quiesce_offline(fh_quiesce_member *me) {
    fh_store(&me->seen, 0, FH_RELEASE);
}

/* May look for things again; nothing that it found before. */
static inline void fh_quiesce_online(fh_quiesce_member *me) {
    fh_store(&me->seen, fh_load(me->epoch, FH_ACQUIRE), FH_RELEASE);
    if (FH_UNLIKELY(me->fences))
        fh_fence(FH_SEQ_CST);
    else
        fh_fence_compiler();
}

/* --- looking from outside ------------------------------------------------------------------------------------------------- */

/* What a domain looks like; exact while nobody is at work. */
typedef struct fh_quiesce_stats {
    uint64_t members, online; /* at the moment */
    uint64_t epoch;           /* batches closed so far, plus 1 */
    uint64_t behind;          /* members that are online and have not seen the epoch */
    uint64_t retired, ended;  /* since the beginning */
} fh_quiesce_stats;
FH_API fh_quiesce_stats fh_quiesce_stats_get(fh_ref const fh_quiesce *q);
/* Every invariant, while nobody is at work: FH_CORRUPT with a report. For tests. */
FH_FALLIBLE fh_quiesce_check(fh_ref const fh_quiesce *q, fh_mut fh_err *err);

FH_EXTERN_END
#endif
