/* quiesce.c: reclamation by quiescent states (quiesce.h).
 *
 *     epoch        1, 2, 3 …: goes up by one when a member closes a batch
 *     member.seen  the epoch it read at its last quiescent point (or when it went online); 0 while it is offline
 *     fresh        what a member has retired lately           → closed into a batch with the epoch after this one
 *     batch        at most one a member: ended at a quiescent point of it, once all others have seen ≥ batch_epoch or = 0
 *     orphans      lists of members that left: the next member to collect takes them all
 *
 * Why nobody holds X, retired by thread W, when it is ended. Write U for the store that took X out of sight, and R for another
 * thread that reads. U comes before the batch was closed, that is before epoch became e.
 *
 *   1. W found seen(R) = s ≥ e. R had read s from the epoch (acquire) when it was e or more (W's increment released, and the
 *      increments after it carry that on), so all that R read later sees U. And it stored s with release, which W acquired:
 *      what R read earlier has been read. Between the two R held nothing, since it was at a quiescent point or offline.
 *   2. W found seen(R) = 0. R went offline with release, W acquired it: what R read before has been read. R may be online
 *      again, unseen. A barrier stands between U and W's look at seen(R), and one between R's store to seen and its next read.
 *      If R's came first, W would have seen that store; so W's came first, and R sees U.
 *   3. W found 0 < seen(R) < e: it waits.
 *
 * The barriers of 2 are two full fences, or fh_os_barrier_all on W's side, once a batch, and the compiler's order on R's: the
 * barrier that the system puts into R comes either after R's store to seen, and W sees that, or before, and R's reads see U.
 *
 * Invariants:
 *   quiesce-once   A retired thing is on exactly one list: fresh or batch of one member, or orphans. It leaves it for its end.
 *   quiesce-grace  A batch is ended only after 1 or 2 held for every other member, looked at after it was closed.
 *   quiesce-place  A member's place is taken by compare-and-swap (acquire) and left by a store (release). seen = 0 and no
 *                  lists while nobody has it; places from `used` on were never taken.
 *
 * Threading: see quiesce.h. */
#include "freehold/quiesce.h"

#include "freehold/checked.h"

struct fh_quiesce {
    uint64_t epoch;
    fh_retired *orphans;
    uint64_t pad[6];
    fh_allocator *allocator;
    uint32_t members_max, used;
    bool fences;
    uint64_t more[5];
    fh_quiesce_member members[];
};

_Static_assert(sizeof(fh_quiesce_member) == 128, "two cache lines");
_Static_assert(sizeof(struct fh_quiesce) % FH_ALLOC_ALIGN == 0, "members begin on a line of their own");

static fh_quiesce_member *member_at(const fh_quiesce *q, uint32_t i) {
    FH_UNSAFE("quiesce-place");
    return (fh_quiesce_member *)(uintptr_t)&q->members[i];
}

/* --- life ----------------------------------------------------------------------------------------------------------------- */

fh_status fh_quiesce_new(fh_allocator *a, const fh_quiesce_options *options, fh_quiesce **out) {
    size_t total;
    *out = NULL;
    if (options->members_max == 0 || options->members_max > FH_QUIESCE_MEMBERS_MAX)
        return FH_STATUS(FH_INVALID);
    if (!fh_mul_size(options->members_max, sizeof(fh_quiesce_member), &total) ||
        !fh_add_size(total, sizeof(fh_quiesce), &total))
        return FH_STATUS(FH_NOMEM);
    fh_quiesce *q = fh_alloc(a, 1, total);
    if (q == NULL)
        return FH_STATUS(FH_NOMEM);
    fh_store(&q->epoch, 1, FH_RELAXED);
    q->allocator = a;
    q->members_max = options->members_max;
    q->fences = !options->sections || fh_failed(fh_os_barrier_enable());
    for (uint32_t i = 0; i < q->members_max; i++) {
        fh_quiesce_member *m = member_at(q, i);
        m->epoch = &q->epoch;
        m->orphans = &q->orphans;
        m->domain = q;
        m->fences = q->fences;
    }
    *out = q;
    return FH_DONE;
}

/* Ends what is on a list that nobody else sees; returns how many there were. */
static uint64_t end_list(fh_quiesce_member *me, fh_retired *r) {
    uint64_t count = 0;
    for (fh_retired *next; r != NULL; r = next, count++) {
        FH_READS(r, sizeof *r);
        next = r->next;
        void (*end)(void *ctx) = r->end;
        void *ctx = r->ctx;
        FH_WRITES(r, sizeof *r);
        *r = (fh_retired){NULL, NULL, NULL};
        if (me != NULL)
            me->waiting--;
        end(ctx);
    }
    return count;
}

void fh_quiesce_free(fh_quiesce *q) {
    if (q == NULL)
        return;
    for (uint32_t i = 0; i < q->members_max; i++)
        FH_ASSERT(fh_load(&member_at(q, i)->taken, FH_ACQUIRE) == 0); /* a member has not left */
    (void)end_list(NULL, fh_exchange(&q->orphans, NULL, FH_ACQ_REL));
    fh_free(q->allocator, q);
}

bool fh_quiesce_fences(const fh_quiesce *q) {
    return q->fences;
}

/* Gives a place back, with what is left to do. */
static void give_up(fh_quiesce_member *m) {
    FH_ASSERT(!m->collecting);
    fh_quiesce_offline(m);
    fh_retired *first = m->batch != NULL ? m->batch : m->fresh, *last = m->fresh != NULL ? m->fresh_last : m->batch_last;
    if (m->batch != NULL && m->fresh != NULL) {
        FH_WRITES(&m->batch_last->next, sizeof m->fresh);
        m->batch_last->next = m->fresh;
    }
    m->fresh = m->fresh_last = m->batch = m->batch_last = NULL;
    FH_WRITES(&m->waiting, sizeof m->waiting);
    m->waiting = 0;
    if (first != NULL) {
        fh_retired *top = fh_load(&m->domain->orphans, FH_RELAXED);
        do {
            FH_WRITES(&last->next, sizeof top);
            last->next = top;
        } while (!fh_cas(&m->domain->orphans, &top, first, FH_RELEASE));
    }
    fh_store(&m->taken, 0, FH_RELEASE);
}

static void thread_ends(fh_os_exit *e) {
    FH_UNSAFE("quiesce-place");
    give_up((fh_quiesce_member *)(void *)((uint8_t *)e - offsetof(fh_quiesce_member, exit)));
}

fh_status fh_quiesce_join(fh_quiesce *q, fh_quiesce_member **out) {
    *out = NULL;
    for (uint32_t i = 0; i < q->members_max; i++) {
        fh_quiesce_member *m = member_at(q, i);
        uint32_t none = 0, used = fh_load(&q->used, FH_RELAXED);
        if (fh_load(&m->taken, FH_RELAXED) != 0 || !fh_cas(&m->taken, &none, 1, FH_ACQUIRE))
            continue;
        m->exit = (fh_os_exit){.fn = thread_ends};
        if (fh_failed(fh_os_exit_add(&m->exit))) {
            fh_store(&m->taken, 0, FH_RELEASE);
            return FH_STATUS(FH_NOMEM);
        }
        while (used <= i && !fh_cas(&q->used, &used, i + 1, FH_RELAXED)) {
        }
        fh_quiesce_online(m);
        *out = m;
        return FH_DONE;
    }
    return FH_STATUS(FH_EXHAUSTED);
}

void fh_quiesce_leave(fh_quiesce_member **me) {
    fh_quiesce_member *m = *me;
    *me = NULL;
    if (m == NULL)
        return;
    fh_os_exit_remove(&m->exit);
    give_up(m);
}

/* --- writers -------------------------------------------------------------------------------------------------------------- */

fh_status fh_quiesce_retire(fh_quiesce_member *me, fh_retired *r, void (*end)(void *ctx), void *ctx) {
    FH_READS(r, sizeof *r);
    if (r->end != NULL || end == NULL)
        return FH_STATUS(FH_INVALID);
    FH_WRITES(r, sizeof *r);
    *r = (fh_retired){me->fresh, end, ctx};
    me->fresh = r;
    if (me->fresh_last == NULL)
        me->fresh_last = r;
    FH_WRITES(&me->waiting, sizeof me->waiting);
    me->waiting++;
    fh_store(&me->retired, fh_load(&me->retired, FH_RELAXED) + 1, FH_RELAXED);
    return FH_DONE;
}

/* Takes what members that left have not ended. */
static void inherit(fh_quiesce_member *me) {
    fh_retired *first = fh_exchange(&me->domain->orphans, NULL, FH_ACQUIRE), *last = first;
    if (first == NULL)
        return;
    for (me->waiting++; last->next != NULL; last = last->next) {
        FH_READS(last, sizeof *last);
        me->waiting++;
    }
    FH_WRITES(&last->next, sizeof last->next);
    last->next = me->fresh;
    if (me->fresh_last == NULL)
        me->fresh_last = last;
    me->fresh = first;
}

/* What is fresh becomes the batch, and from now on everybody who looks sees it gone. */
static void close_batch(fh_quiesce_member *me) {
    fh_quiesce *q = me->domain;
    me->batch = me->fresh;
    me->batch_last = me->fresh_last;
    me->fresh = me->fresh_last = NULL;
    me->batch_epoch = fh_fetch_add(&q->epoch, 1, FH_RELEASE) + 1;
    if (q->fences)
        fh_fence(FH_SEQ_CST);
    else
        fh_os_barrier_all();
}

/* True if no other member can hold anything of the batch: 1 or 2 of the argument above. */
static bool is_over(const fh_quiesce_member *me) {
    uint32_t used = fh_load(&me->domain->used, FH_RELAXED);
    for (uint32_t i = 0; i < used; i++) {
        const fh_quiesce_member *m = member_at(me->domain, i);
        uint64_t seen = m == me ? 0 : fh_load(&m->seen, FH_ACQUIRE);
        if (seen != 0 && seen < me->batch_epoch)
            return false;
    }
    return true;
}

void fh_quiesce_collect(fh_quiesce_member *me) {
    if (me->collecting) /* called from an end */
        return;
    inherit(me);
    if (me->batch == NULL && me->fresh != NULL)
        close_batch(me);
    if (me->batch == NULL || !is_over(me))
        return;
    fh_retired *list = me->batch;
    me->batch = me->batch_last = NULL;
    me->collecting = true;
    fh_store(&me->ended, fh_load(&me->ended, FH_RELAXED) + end_list(me, list), FH_RELAXED);
    me->collecting = false;
    if (me->fresh != NULL)
        close_batch(me);
}

/* --- looking from outside ------------------------------------------------------------------------------------------------- */

fh_quiesce_stats fh_quiesce_stats_get(const fh_quiesce *q) {
    fh_quiesce_stats stats = {.epoch = fh_load(&q->epoch, FH_ACQUIRE)};
    for (uint32_t i = 0; i < fh_load(&q->used, FH_RELAXED); i++) {
        const fh_quiesce_member *m = member_at(q, i);
        uint64_t seen = fh_load(&m->seen, FH_ACQUIRE);
        stats.members += fh_load(&m->taken, FH_RELAXED) != 0;
        stats.online += seen != 0;
        stats.behind += seen != 0 && seen < stats.epoch;
        stats.ended += fh_load(&m->ended, FH_RELAXED);
        stats.retired += fh_load(&m->retired, FH_RELAXED);
    }
    return stats;
}

/* The length of a list; *ok is false if a thing on it is not retired, or the list does not end in `last`. */
static uint64_t length_of(const fh_retired *r, const fh_retired *last, bool *ok) {
    uint64_t count = 0;
    const fh_retired *end = NULL;
    for (; r != NULL; r = r->next, count++) {
        *ok = *ok && r->end != NULL;
        end = r;
    }
    *ok = *ok && end == last;
    return count;
}

fh_status fh_quiesce_check(const fh_quiesce *q, fh_err *err) {
    uint64_t epoch = fh_load(&q->epoch, FH_ACQUIRE), waiting = 0;
    fh_quiesce_stats stats = fh_quiesce_stats_get(q);
    for (const fh_retired *r = fh_load(&q->orphans, FH_ACQUIRE); r != NULL; r = r->next)
        waiting++;
    for (uint32_t i = 0; i < q->members_max; i++) {
        const fh_quiesce_member *m = member_at(q, i);
        uint64_t seen = fh_load(&m->seen, FH_ACQUIRE);
        bool ok = seen <= epoch && m->batch_epoch <= epoch;
        ok = ok && length_of(m->fresh, m->fresh_last, &ok) + length_of(m->batch, m->batch_last, &ok) == m->waiting && ok;
        ok = ok && (fh_load(&m->taken, FH_ACQUIRE) != 0 ? i < fh_load(&q->used, FH_RELAXED) : seen == 0 && m->waiting == 0);
        if (!ok)
            return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "member %u of epoch %llu: seen %llu, batch %llu, waiting %llu", i,
                           (unsigned long long)epoch, (unsigned long long)seen, (unsigned long long)m->batch_epoch,
                           (unsigned long long)m->waiting);
        waiting += m->waiting;
    }
    if (stats.retired - stats.ended != waiting)
        return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "%llu retired, %llu ended, %llu waiting",
                       (unsigned long long)stats.retired, (unsigned long long)stats.ended, (unsigned long long)waiting);
    return FH_DONE;
}
