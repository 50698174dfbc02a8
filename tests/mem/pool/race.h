/* race.h: threads that release the same slots at the same time, and count what comes of it.
 *
 * A round: the owner allocates a batch of slots; it and a rival, or two rivals, release every one of them, each as fast as it
 * can, and look each one up right after. Each life must end exactly once: releases accepted, less those that were reported
 * when the owner read its letters, are as many as there were lives; no look-up after a release may succeed; and what the owner
 * allocates in the meantime in the same slots must still be live at the end of the round.
 *
 * Threading: race_run starts its own threads. The pool is made and freed there. */
#ifndef FH_TEST_RACE_H
#define FH_TEST_RACE_H

#include <pthread.h>

#include "freehold/hash.h"
#include "freehold/os.h"
#include "freehold/pool.h"

enum { RACE_BATCH = 64, RACE_SLOTS = 1024 };

typedef struct race_result {
    uint64_t double_frees, stale_uses; /* tries */
    uint64_t late;                     /* double frees that were accepted at first and reported by the owner */
    uint64_t missed_frees, missed_uses, lost_lives, failures;
} race_result;

typedef struct race {
    fh_pool *pool;
    bool is_owner_in, is_borrowing;
    uint64_t rounds;
    unsigned rivals, entered;
    fh_handle batch[RACE_BATCH];
    _Alignas(64) uint64_t round;  /* the batch of this round may be released */
    _Alignas(64) uint64_t done;   /* rivals × rounds that are over */
    _Alignas(64) uint64_t place;  /* how far the first rival is: round × batch + slot */
    _Alignas(64) race_result sum; /* by fetch_add */
} race;

static inline void race_wait(const uint64_t *counter, uint64_t at_least) {
    for (unsigned turn = 1; fh_load(counter, FH_ACQUIRE) < at_least; turn++) {
        if (turn % 1024 == 0)
            fh_os_nap(1000); /* the others may need this processor */
        else
            fh_pause();
    }
}

/* Lets two threads get to the same slot at the same time, give or take the length of a release: the first says where it is, the
 * other waits for it, and then a random moment. */
static inline void race_meet(race *r, bool is_first, uint64_t place) {
    if (is_first) {
        fh_store(&r->place, place, FH_RELAXED);
        return;
    }
    for (unsigned turn = 0; turn < 400 && fh_load(&r->place, FH_RELAXED) < place; turn++)
        fh_pause();
    for (uint64_t i = fh_mix64(place) % 256; i > 0; i--)
        fh_fence_compiler();
}

/* Releases the whole batch; returns how many releases were accepted. */
static inline uint64_t race_release(race *r, fh_pool *view, uint64_t round, bool is_first, race_result *out) {
    uint64_t accepted = 0;
    for (unsigned k = 0; k < RACE_BATCH; k++) {
        fh_handle h = r->batch[k];
        race_meet(r, is_first, round * RACE_BATCH + k);
        fh_status s = fh_pool_release(view, h);
        accepted += s.code == FH_OK;
        out->failures += s.code != FH_OK && s.code != FH_DOUBLE_FREE && s.code != FH_STALE;
        const void *at;
        bool is_found;
        if (r->is_borrowing) {
            is_found = !fh_failed(fh_pool_borrow(view, h, &at));
        } else {
            void *mine;
            is_found = !fh_failed(fh_pool_get(view, h, &mine));
        }
        out->missed_uses += is_found;
    }
    out->stale_uses += RACE_BATCH;
    return accepted;
}

static inline void race_add(race *r, const race_result *one) {
    fh_fetch_add(&r->sum.missed_uses, one->missed_uses, FH_RELAXED);
    fh_fetch_add(&r->sum.stale_uses, one->stale_uses, FH_RELAXED);
    fh_fetch_add(&r->sum.failures, one->failures, FH_RELAXED);
    fh_fetch_add(&r->sum.missed_frees, one->missed_frees, FH_RELAXED); /* accepted releases, while the race is on */
}

static inline void *race_rival(void *arg) {
    race *r = arg;
    fh_pool *view = NULL;
    race_result mine = {0};
    uint64_t accepted = 0;
    bool is_in = !fh_failed(fh_pool_attach(r->pool, &view)), is_first = fh_fetch_add(&r->entered, 1, FH_RELAXED) == 0;
    mine.failures += !is_in;
    for (uint64_t round = 1; round <= r->rounds; round++) {
        race_wait(&r->round, round);
        if (is_in)
            accepted += race_release(r, view, round, is_first, &mine);
        if (is_in && round % 4 == 0)
            mine.failures += fh_failed(fh_pool_reap(view));
        fh_fetch_add(&r->done, 1, FH_ACQ_REL);
    }
    if (is_in)
        mine.failures += fh_failed(fh_pool_detach(view));
    mine.missed_frees = accepted;
    race_add(r, &mine);
    return NULL;
}

/* The owner's part of a round: releases the batch too, if it is in the race; what it allocates meanwhile must live on. */
static inline uint64_t race_owner(race *r, uint64_t round, race_result *mine) {
    fh_handle mean[8];
    uint64_t accepted = 0;
    size_t count = 0;
    if (r->is_owner_in)
        accepted = race_release(r, r->pool, round, false, mine);
    while (count < 8 && !fh_failed(fh_pool_alloc(r->pool, &mean[count], NULL)))
        count++;
    race_wait(&r->done, r->rivals * round);
    for (size_t i = 0; i < count; i++)
        mine->lost_lives += fh_failed(fh_pool_release(r->pool, mean[i]));
    return accepted;
}

/* `tries` double frees of a pool of this kind, by the owner and a rival or by two rivals. */
static inline race_result race_run(fh_allocator *a, fh_pool_threads kind, bool is_owner_in, uint64_t tries) {
    race r = {.is_owner_in = is_owner_in, .is_borrowing = kind == FH_POOL_SHARED_BORROW,
              .rounds = (tries + RACE_BATCH - 1) / RACE_BATCH, .rivals = is_owner_in ? 1 : 2};
    fh_pool_config c = {.size_bytes = 64, .capacity = RACE_SLOTS, .threads = kind, .eager = true};
    race_result mine = {0};
    pthread_t rivals[2];
    unsigned started = 0;
    uint64_t accepted = 0;
    mine.failures += fh_failed(fh_pool_new(a, &c, &r.pool));
    if (r.pool == NULL)
        return mine;
    for (; started < r.rivals; started++)
        if (pthread_create(&rivals[started], NULL, race_rival, &r) != 0)
            break;
    mine.failures += started != r.rivals;
    for (uint64_t round = 1; round <= r.rounds && started == r.rivals; round++) {
        for (unsigned k = 0; k < RACE_BATCH; k++) {
            while (fh_failed(fh_pool_alloc(r.pool, &r.batch[k], NULL)))
                fh_pause(); /* what was released is in open letters; the rivals reap now and then */
        }
        fh_store(&r.round, round, FH_RELEASE);
        accepted += race_owner(&r, round, &mine);
    }
    for (unsigned i = 0; i < started; i++)
        mine.failures += pthread_join(rivals[i], NULL) != 0;
    mine.failures += fh_failed(fh_pool_reap(r.pool));
    fh_pool_stats s = fh_pool_stats_get(r.pool);
    uint64_t reported = s.double_frees + s.stale_uses + s.borrow_conflicts;
    accepted += r.sum.missed_frees;
    r.sum.missed_frees = 0;
    race_add(&r, &mine);
    r.sum.lost_lives = mine.lost_lives;
    r.sum.double_frees = r.rounds * RACE_BATCH;
    /* Each life ended once: all others of the accepted releases were reported late. */
    uint64_t lives = r.rounds * RACE_BATCH;
    r.sum.late = accepted > lives ? accepted - lives : 0;
    /* Every try of the second to release, and every look-up, was counted as what it was: at once or late. */
    uint64_t refused = 2 * lives - lives + r.sum.stale_uses;
    r.sum.missed_frees = reported > refused ? reported - refused : refused - reported;
    r.sum.missed_frees += accepted < lives ? lives - accepted : 0;
    r.sum.missed_frees += s.live;
    fh_pool_free(r.pool);
    return r.sum;
}

#endif
