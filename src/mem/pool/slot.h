/* slot.h: the word of a slot that one view owns, when other threads release it: the rules that make double frees exact.
 *
 * The owner of a slot changes its word with plain stores; everybody else may do one thing to it, a swap
 *
 *     {g, 0} → {g, AWAITS_OWNER}                 mark: the slot is stale for everybody from now on, and a letter is due
 *
 * and each successful mark is followed by exactly one letter with the slot's number. The owner
 *
 *     begins a life       {g − 1, FREE | …} → {g, 0}          no mark can succeed before it: generations never come again
 *     ends it by itself   {g, 0} → {g + 1, FREE | …}          looks, then stores: a mark that comes between is overwritten
 *     takes in a letter   {any, AWAITS_OWNER} → {any + 1, FREE | …}, or finds another word
 *
 * Why every double free is reported exactly once. A life {g, 0} can end by the owner or by a mark. The word has one
 * modification order, and in it:
 *   - two marks: one swap fails; that thread reads AWAITS_OWNER, or a later generation, and reports it at once;
 *   - a mark before the owner looks: the owner sees AWAITS_OWNER and reports it at once;
 *   - a mark after the owner's store: its swap fails, as above;
 *   - a mark between the owner's look and its store: both releases were accepted. The store overwrites the mark, but the
 *     letter of the mark is still on its way. Say n letters of a slot are on their way and m marks of it were overwritten and
 *     not reported yet: then n = m + 1 if the word is marked, else n = m. A letter that finds a marked word ends that life
 *     (n and the mark go); one that does not is reported (n and m go). So reports = overwritten marks = double frees.
 *
 * Why no slot ever has two lives at once. A word becomes free by the owner's store alone, which follows the owner's look at a
 * word that is live and has not been freed; the owner is one thread, and puts the slot on a list of its own once per such
 * store.
 *
 * A letter carries no generation: it may end a later life than the one it was sent for, when that life was marked as well; the
 * later letter is then the one that is reported. That is why fh_slot_take_in loads with FH_ACQUIRE: the life it ends may have
 * been marked by another thread than the one whose letter it is, and what that thread did to the object comes before its reuse.
 *
 * Ownership itself changes only while the old owner is no thread (its view is idle, under the lock of the pool), and for slots
 * that are free; see pool_shared.c. */
#ifndef FH_MEM_SLOT_H
#define FH_MEM_SLOT_H

#include "mem/pool/pool_core.h"

/* Anybody but the owner: releases the life {generation, 0} that `word` was. False: it is not there any more. */
static inline bool fh_slot_mark(uint64_t *at, uint64_t word) {
    return fh_cas(at, &word, word | FH_BORROW_AWAITS_OWNER, FH_RELEASE);
}

/* The owner, for a letter: true if the slot was marked; its generation, still odd, in *out. The caller frees it. */
static inline bool fh_slot_take_in(uint64_t *at, uint32_t *out) {
    uint64_t word = fh_load(at, FH_ACQUIRE);
    *out = fh_word_generation(word);
    return fh_word_live(word) && fh_word_low(word) == FH_BORROW_AWAITS_OWNER;
}

#endif
