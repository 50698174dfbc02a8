/* split.c: where the words of a text begin and end.
 *
 * Text is looked at in blocks of 64 bytes. A block becomes a word of 64 bits, a bit for each byte of white space, and the ends
 * of words are found by counting zeros in it. ASCII is classified eight bytes at a time by arithmetic on 64-bit numbers, which
 * needs no instruction set: 2 GB/s on one thread. White space beyond ASCII is looked for only where one of its four first bytes
 * stands; these begin no other part of a sequence, so a block needs to know no more of the one before it than its last two
 * bytes.
 *
 * Invariant: bits of bytes behind the text are set, so that its end ends a word. Threading: values. */
#include "freehold/words.h"

enum { BLOCK = 64 };
#define EACH UINT64_C(0x0101010101010101)
#define TOPS (UINT64_C(0x80) * EACH)

/* The top bits of eight bytes as the bits of one. */
static uint64_t gather(uint64_t tops) {
    return (tops >> 7) * UINT64_C(0x0102040810204080) >> 56;
}

/* Tops of the bytes that are white space of ASCII: U+0009 to U+000D, U+0020. No byte's sum reaches the next byte. */
static uint64_t ascii_gaps(uint64_t bytes) {
    uint64_t low = bytes & ~TOPS;
    uint64_t not_space = (low ^ 0x20 * EACH) + 0x7f * EACH;
    uint64_t control = (low + (0x80 - 0x09) * EACH) & ~(low + (0x80 - 0x0e) * EACH);
    return (~not_space | control) & ~bytes & TOPS;
}

/* Eight bytes, zeros behind the end. */
static uint64_t load(fh_span text, size_t at) {
    if (text.size - at >= 8)
        return fh_span_u64(text, at);
    uint64_t bytes = 0;
    for (size_t i = 0; at + i < text.size; i++)
        bytes |= (uint64_t)fh_span_at(text, at + i) << 8 * i;
    return bytes;
}

/* How many bytes of white space beyond ASCII begin at `at`: 0, 2 or 3. These are U+0085, U+00A0, U+1680, U+2000 to U+200A,
 * U+2028, U+2029, U+202F, U+205F and U+3000. */
static size_t wide_gap(fh_span text, size_t at) {
    size_t left = text.size - at;
    uint8_t first = fh_span_at(text, at), second = left > 1 ? fh_span_at(text, at + 1) : 0;
    if (first == 0xc2)
        return second == 0x85 || second == 0xa0 ? 2 : 0;
    uint8_t third = left > 2 ? fh_span_at(text, at + 2) : 0;
    bool found = (first == 0xe1 && second == 0x9a && third == 0x80) || (first == 0xe3 && second == 0x80 && third == 0x80) ||
                 (first == 0xe2 && second == 0x81 && third == 0x9f) ||
                 (first == 0xe2 && second == 0x80 && ((third >= 0x80 && third <= 0x8a) || third == 0xa8 || third == 0xa9 ||
                                                      third == 0xaf));
    return found ? 3 : 0;
}

/* Bits of the block at `block` that white space beyond ASCII takes, what began in the last bytes before it included. `high`:
 * its bytes above 0x7f. */
static uint64_t wide_gaps(fh_span text, size_t block, uint64_t high) {
    uint64_t gaps = 0;
    for (size_t back = block < 2 ? block : 2; back > 0; back--) {
        size_t size = fh_span_at(text, block - back) > 0x7f ? wide_gap(text, block - back) : 0;
        gaps |= size > back ? (UINT64_C(1) << (size - back)) - 1 : 0;
    }
    for (; high != 0; high &= high - 1) {
        unsigned at = (unsigned)__builtin_ctzll(high);
        uint8_t byte = fh_span_at(text, block + at);
        if (byte == 0xc2 || (byte >= 0xe1 && byte <= 0xe3))
            gaps |= ((UINT64_C(1) << wide_gap(text, block + at)) - 1) << at;
    }
    return gaps;
}

/* The bits of the block at `block` < text.size. */
static uint64_t gaps_of(fh_span text, size_t block) {
    size_t size = text.size - block < BLOCK ? text.size - block : BLOCK;
    uint64_t gaps = size < BLOCK ? ~UINT64_C(0) << size : 0, high = 0;
    for (unsigned at = 0; at < size; at += 8) {
        uint64_t bytes = load(text, block + at);
        gaps |= gather(ascii_gaps(bytes)) << at;
        high |= gather(bytes & TOPS) << at;
    }
    bool before = block > 0 && (fh_span_at(text, block - 1) | (block > 1 ? fh_span_at(text, block - 2) : 0)) > 0x7f;
    return high != 0 || before ? gaps | wide_gaps(text, block, high) : gaps;
}

fh_split fh_split_begin(fh_span text) {
    return (fh_split){text, 0, text.size != 0 ? gaps_of(text, 0) : ~UINT64_C(0)};
}

/* Goes to the next block; false behind the last. */
static bool advance(fh_mut fh_split *s) {
    if (s->text.size - s->block <= BLOCK) {
        s->gaps = ~UINT64_C(0);
        return false;
    }
    s->block += BLOCK;
    s->gaps = gaps_of(s->text, s->block);
    return true;
}

bool fh_split_next(fh_split *s, fh_range *word) {
    *word = (fh_range){0, 0};
    while (s->gaps == ~UINT64_C(0))
        if (!advance(s))
            return false;
    unsigned at = (unsigned)__builtin_ctzll(~s->gaps);
    word->from = s->block + at;
    s->gaps |= (UINT64_C(1) << at) - 1;
    uint64_t ends = s->gaps & ~UINT64_C(0) << at;
    while (ends == 0) {
        if (!advance(s)) {
            word->to = s->text.size;
            return true;
        }
        ends = s->gaps;
    }
    unsigned end = (unsigned)__builtin_ctzll(ends);
    word->to = s->block + end;
    s->gaps |= (UINT64_C(1) << end) - 1;
    return true;
}

size_t fh_split_cut(fh_span text, size_t at) {
    for (; at < text.size; at++) {
        uint8_t byte = fh_span_at(text, at);
        if (byte == ' ' || (byte >= '\t' && byte <= '\r'))
            return at;
    }
    return at;
}
