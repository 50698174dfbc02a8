/* split.h: words one after another (words.h) with all state in registers, for loops that do little with each.
 *
 * A block of 64 bytes becomes a word of 64 bits, a bit for each byte of white space (kern/mask.h knows that of ASCII); its
 * borders, where words begin and end, are found by counting zeros. Bits of bytes behind the text are set, so that its end ends
 * a word. `find` is fh_gaps_best(), asked once a loop. Threading: values. */
#ifndef FH_TEXT_SPLIT_H
#define FH_TEXT_SPLIT_H

#include "freehold/words.h"
#include "text/kern/mask.h"

/* Bits of the block at `block` that white space beyond ASCII takes, what began in the last bytes before it included. `high`:
 * its bytes above 0x7f. */
uint64_t fh_split_wide_gaps(fh_span text, size_t block, uint64_t high);

/* Takes in the block at s->block < text.size. */
FH_ALWAYS_INLINE void fh_split_take(fh_gaps_fn *find, fh_mut fh_split *s) {
    struct fh_gaps m;
    size_t size = find(s->text, s->block, &m);
    uint64_t gaps = size < FH_MASK_BYTES ? m.space | ~UINT64_C(0) << size : m.space;
    bool before = s->block > 0 && (fh_span_at(s->text, s->block - 1) | fh_span_at(s->text, s->block - 2)) > 0x7f;
    if (FH_UNLIKELY(m.high != 0 || before))
        gaps |= fh_split_wide_gaps(s->text, s->block, m.high);
    uint64_t shifted = gaps << 1 | s->before;
    s->begins = ~gaps & shifted;
    s->ends = gaps & ~shifted;
    s->before = gaps >> (FH_MASK_BYTES - 1);
}

/* fh_split_begin. (It would return what was just written in parts by a copy of the whole, which has to wait for the parts.) */
FH_ALWAYS_INLINE void fh_split_start(fh_gaps_fn *find, fh_span text, fh_out fh_view(2) fh_split *s) {
    *s = (fh_split){.text = text, .before = 1};
    if (text.size != 0)
        fh_split_take(find, s);
}

/* Goes to the next block; false behind the last. */
FH_ALWAYS_INLINE bool fh_split_advance(fh_gaps_fn *find, fh_mut fh_split *s) {
    if (s->text.size - s->block <= FH_MASK_BYTES)
        return false;
    s->block += FH_MASK_BYTES;
    fh_split_take(find, s);
    return true;
}

/* fh_split_next */
FH_ALWAYS_INLINE bool fh_split_step(fh_gaps_fn *find, fh_mut fh_split *s, fh_out fh_range *word) {
    *word = (fh_range){0, 0};
    while (s->begins == 0)
        if (!fh_split_advance(find, s))
            return false;
    word->from = s->block + (unsigned)__builtin_ctzll(s->begins);
    s->begins &= s->begins - 1;
    while (s->ends == 0) {
        if (!fh_split_advance(find, s)) {
            word->to = s->text.size;
            return true;
        }
    }
    word->to = s->block + (unsigned)__builtin_ctzll(s->ends);
    s->ends &= s->ends - 1;
    return true;
}

#endif
