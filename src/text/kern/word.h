/* word.h: a word of up to 16 bytes as two numbers, its bytes in order, the first lowest, zeros behind them.
 *
 * Two words are equal exactly if their sizes and numbers are. Where 16 bytes are left of the text they are loaded at once,
 * and those behind the word cleared; else the word's bytes alone are copied (word-window). Threading: pure functions. */
#ifndef FH_TEXT_KERN_WORD_H
#define FH_TEXT_KERN_WORD_H

#include <string.h>

#include "freehold/span.h"

enum { FH_WORD_SHORT = 16 };

typedef struct fh_word_key {
    uint64_t low, high;
} fh_word_key;

/* The lowest `count` ≤ 8 bytes. (Sizes of words are no pattern that a processor could learn, so there is no branch.) */
static inline uint64_t fh_word_bytes_kept(uint64_t number, size_t count) {
    return number & ((UINT64_C(1) << 4 * count << 4 * count) - 1);
}

/* The word of `size` ≤ FH_WORD_SHORT bytes at `from`; one that is not inside text ends the program. */
static inline fh_word_key fh_word_key_of(fh_span text, size_t from, size_t size) {
    fh_span word = fh_span_sub(text, from, size);
    FH_ASSERT(size <= FH_WORD_SHORT);
    uint64_t numbers[2] = {0, 0};
    FH_UNSAFE("word-window");
    if (text.size - from < FH_WORD_SHORT) {
        if (word.at != NULL)
            memcpy(numbers, word.at, size);
    } else {
        memcpy(numbers, text.at + from, FH_WORD_SHORT);
    }
    size_t low = size < 8 ? size : 8;
    return (fh_word_key){fh_word_bytes_kept(numbers[0], low), fh_word_bytes_kept(numbers[1], size - low)};
}

#endif
