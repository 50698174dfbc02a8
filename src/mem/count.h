/* count.h: how many references hold a thing, and what copying all that they hold would cost, in one word.
 *
 *     word = references · 2^40 + Σ weights        weight of a reference <= 2^16, references < 2^24, so the sum stays below 2^40
 *
 * One addition takes a reference, one subtraction ends it, and both halves change together, so whoever reads the word sees a
 * sum that belongs to that number of references.
 *
 * Invariants: count-word: only the holder of a reference takes another one, so a word at 0 stays at 0 until it is initialised
 * again, and exactly one release sees its reference as the last. A release never takes more weight than there is: a borrow from
 * the upper half would lose a reference. Each is asserted on the value that the operation itself found.
 *
 * Threading: any thread. What a holder did with the thing comes before its release (RELEASE); the last one sees all of it
 * (ACQUIRE) before it ends the thing. The last load needs no fence, which ThreadSanitizer could not follow: it reads the
 * subtraction that made 0, and so synchronises with every release before it. */
#ifndef FH_MEM_COUNT_H
#define FH_MEM_COUNT_H

#include "freehold/atomic.h"
#include "freehold/status.h"

#define FH_COUNT_ONE (UINT64_C(1) << 40)
enum { FH_COUNT_WEIGHT_MAX = 1 << 16, FH_COUNT_REFS_MAX = (1 << 24) - 1 };

/*@ assigns \nothing; ensures \result == word / FH_COUNT_ONE; */
static inline uint64_t fh_count_refs(uint64_t word) {
    return word / FH_COUNT_ONE;
}
/*@ assigns \nothing; ensures \result == word % FH_COUNT_ONE; */
static inline uint64_t fh_count_weight(uint64_t word) {
    return word % FH_COUNT_ONE;
}

/* The first reference; nobody else knows of the word yet. */
static inline void fh_count_init(uint64_t *word, uint32_t weight) {
    fh_store(word, FH_COUNT_ONE + weight, FH_RELAXED);
}

/* One more reference, for somebody who holds one. */
/*@ requires \valid(word); assigns *word;
    ensures *word == (uint64_t)(\old(*word) + FH_COUNT_ONE + weight);
    ensures 0 < \old(*word) / FH_COUNT_ONE && \old(*word) / FH_COUNT_ONE != FH_COUNT_REFS_MAX; */
static inline void fh_count_retain(uint64_t *word, uint32_t weight) {
    uint64_t before = fh_fetch_add(word, FH_COUNT_ONE + weight, FH_RELAXED);
    FH_ASSERT(fh_count_refs(before) != 0);                 /* it had ended */
    FH_ASSERT(fh_count_refs(before) != FH_COUNT_REFS_MAX); /* one more would wrap to 0 */
}

/* So many more at once, for somebody who holds one: they weigh `weight` in all, and `given_back` is taken off the weight of
 * others of the caller's. */
static inline void fh_count_retain_more(uint64_t *word, uint32_t refs, uint64_t weight, uint64_t given_back) {
    uint64_t before = fh_fetch_add(word, refs * FH_COUNT_ONE + weight - given_back, FH_RELAXED);
    FH_ASSERT(fh_count_refs(before) != 0);                        /* it had ended */
    FH_ASSERT(fh_count_refs(before) <= FH_COUNT_REFS_MAX - refs); /* so many more would wrap */
    FH_ASSERT(fh_count_weight(before) >= given_back);             /* it had not so much */
}

/* One reference fewer; true for the last one, whose caller ends the thing. */
/*@ requires \valid(word); assigns *word;
    ensures 0 < \old(*word) / FH_COUNT_ONE && weight <= \old(*word) % FH_COUNT_ONE;
    ensures *word == \old(*word) - FH_COUNT_ONE - weight;
    ensures \result <==> \old(*word) / FH_COUNT_ONE == 1; */
static inline bool fh_count_release(uint64_t *word, uint32_t weight) {
    uint64_t before = fh_fetch_sub(word, FH_COUNT_ONE + weight, FH_RELEASE);
    FH_ASSERT(fh_count_refs(before) != 0);         /* released more often than retained */
    FH_ASSERT(fh_count_weight(before) >= weight);  /* the reference was made larger than it was */
    if (fh_count_refs(before) != 1)
        return false;
    (void)fh_load(word, FH_ACQUIRE);
    return true;
}

/* So many fewer at once, which weigh `weight` in all; true if the last one was among them. */
static inline bool fh_count_release_all(uint64_t *word, uint32_t refs, uint64_t weight) {
    uint64_t before = fh_fetch_sub(word, refs * FH_COUNT_ONE + weight, FH_RELEASE);
    FH_ASSERT(fh_count_refs(before) >= refs);     /* released more often than retained */
    FH_ASSERT(fh_count_weight(before) >= weight); /* they were made larger than they were */
    if (fh_count_refs(before) != refs)
        return false;
    (void)fh_load(word, FH_ACQUIRE);
    return true;
}

#endif
