/* made_ranks.h: tiktoken rank files made for tests: the 256 bytes in order, then tokens.
 *
 * Threading: none. */
#ifndef FH_TEST_MADE_RANKS_H
#define FH_TEST_MADE_RANKS_H

#include "freehold/tokenizer.h"
#include "text/made_charsmap.h"
#include "text/pipe/base64.h"

/* Appends a line. */
static inline void made_rank(fh_buf *out, fh_span bytes, uint32_t rank) {
    MADE_OK(fh_base64_write(bytes, out));
    MADE_OK(fh_buf_format(out, " %u\n", rank));
}

/* Ids 0 to 255 are the bytes; then " a", "ab", "abc", "abcd", "bc", "bcd", "\xe6\x97", "it". */
static inline void made_ranks(fh_buf *out) {
    static const char *const tokens[] = {" a", "ab", "abc", "abcd", "bc", "bcd", "\xe6\x97", "it"};
    for (unsigned b = 0; b < 256; b++) {
        uint8_t byte = (uint8_t)b;
        made_rank(out, (fh_span){&byte, 1}, b);
    }
    for (uint32_t i = 0; i < sizeof tokens / sizeof *tokens; i++)
        made_rank(out, fh_span_of_str(tokens[i]), 256 + i);
}

#endif
