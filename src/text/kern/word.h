/* word.h: a word of up to 16 bytes as two numbers, its bytes in order, the first lowest, zeros behind them.
 *
 * Two words are equal exactly if their sizes and numbers are. Where 16 bytes are left of the text they are loaded at once,
 * and those behind the word cleared; else the word's bytes alone are copied (word-window). Numbers lie in memory with their
 * lowest byte first, so a key's first bytes are the word again. Threading: pure functions. */
#ifndef FH_TEXT_KERN_WORD_H
#define FH_TEXT_KERN_WORD_H

#include <string.h>

#include "freehold/span.h"

enum { FH_WORD_SHORT = 16 };

typedef struct fh_word_key {
    uint64_t low, high;
} fh_word_key;

/* The word of `size` ≤ FH_WORD_SHORT bytes at `from`; one that is not inside text ends the program. */
static inline fh_word_key fh_word_key_of(fh_span text, size_t from, size_t size) {
    fh_span word = fh_span_sub(text, from, size);
    FH_ASSERT(size <= FH_WORD_SHORT);
    /* The last bytes of `kept` clear those behind the word. (Sizes are no pattern that a processor could learn: no branch.) */
    static const uint8_t kept[2 * FH_WORD_SHORT] = {255, 255, 255, 255, 255, 255, 255, 255,
                                                    255, 255, 255, 255, 255, 255, 255, 255};
    uint64_t numbers[2] = {0, 0}, masks[2];
    FH_UNSAFE("word-window");
    memcpy(masks, kept + FH_WORD_SHORT - size, FH_WORD_SHORT);
    if (text.size - from < FH_WORD_SHORT) {
        if (word.at != NULL)
            memcpy(numbers, word.at, size);
    } else {
        memcpy(numbers, text.at + from, FH_WORD_SHORT);
    }
    return (fh_word_key){numbers[0] & masks[0], numbers[1] & masks[1]};
}

/* True if `size` bytes at places in two texts are equal; of up to FH_WORD_SHORT without a call. */
static inline bool fh_word_equal(fh_span a, size_t a_from, fh_span b, size_t b_from, size_t size) {
    if (size > FH_WORD_SHORT)
        return fh_span_equal(fh_span_sub(a, a_from, size), fh_span_sub(b, b_from, size));
    fh_word_key x = fh_word_key_of(a, a_from, size), y = fh_word_key_of(b, b_from, size);
    return x.low == y.low && x.high == y.high;
}

/* The eight bytes at `from`; if they are not inside text, the program ends. */
static inline uint64_t fh_word_eight(fh_span text, size_t from) {
    fh_span eight = fh_span_sub(text, from, sizeof(uint64_t));
    uint64_t x;
    FH_ASSERT(eight.at != NULL);
    FH_UNSAFE("word-window");
    memcpy(&x, eight.at, sizeof x);
    return x;
}

/* The word of `size` ≤ FH_WORD_SHORT bytes again. Valid until: the end of key, or another one comes in its place. */
static inline fh_span fh_word_key_view(fh_ref const fh_word_key *key, size_t size) fh_view(1) {
    FH_ASSERT(size <= FH_WORD_SHORT);
    FH_UNSAFE("word-window");
    return (fh_span){(const uint8_t *)key, size};
}

#endif
