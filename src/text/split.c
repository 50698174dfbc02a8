/* split.c: where the words of a text begin and end.
 *
 * Text is looked at in blocks of 64 bytes. A block becomes a word of 64 bits, a bit for each byte of white space (kern/mask.h
 * knows that of ASCII); its borders, where words begin and end, are found by counting zeros. White space beyond ASCII is
 * looked for only where one of its four first bytes stands; these begin no other part of a sequence, so a block needs to know
 * no more of the one before it than its last two bytes.
 *
 * Invariant: bits of bytes behind the text are set, so that its end ends a word. Threading: values; columns are filled by all
 * threads of `par`, each text by one. */
#include "freehold/atomic.h"
#include "freehold/words.h"
#include "text/kern/mask.h"

enum { BLOCK = FH_MASK_BYTES };

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
static uint64_t gaps_of(fh_masks_fn *masks, fh_span text, size_t block) {
    struct fh_masks m;
    size_t size = masks(text, block, &m);
    uint64_t gaps = size < BLOCK ? m.space | ~UINT64_C(0) << size : m.space;
    bool before = block > 0 && (fh_span_at(text, block - 1) | fh_span_at(text, block - 2)) > 0x7f;
    return m.high != 0 || before ? gaps | wide_gaps(text, block, m.high) : gaps;
}

/* Takes in the block at s->block < text.size. */
static void look(fh_mut fh_split *s) {
    uint64_t gaps = gaps_of(fh_masks_best(), s->text, s->block), shifted = gaps << 1 | s->before;
    s->begins = ~gaps & shifted;
    s->ends = gaps & ~shifted;
    s->before = gaps >> (BLOCK - 1);
}

fh_split fh_split_begin(fh_span text) {
    fh_split s = {.text = text, .before = 1};
    if (text.size != 0)
        look(&s);
    return s;
}

/* Goes to the next block; false behind the last. */
static bool advance(fh_mut fh_split *s) {
    if (s->text.size - s->block <= BLOCK)
        return false;
    s->block += BLOCK;
    look(s);
    return true;
}

bool fh_split_next(fh_split *s, fh_range *word) {
    *word = (fh_range){0, 0};
    while (s->begins == 0)
        if (!advance(s))
            return false;
    word->from = s->block + (unsigned)__builtin_ctzll(s->begins);
    s->begins &= s->begins - 1;
    while (s->ends == 0) {
        if (!advance(s)) {
            word->to = s->text.size;
            return true;
        }
    }
    word->to = s->block + (unsigned)__builtin_ctzll(s->ends);
    s->ends &= s->ends - 1;
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

size_t fh_split_count(fh_span text) {
    size_t count = 0;
    fh_split s = fh_split_begin(text);
    do
        count += (size_t)__builtin_popcountll(s.begins);
    while (advance(&s));
    return count;
}

/* --- columns ------------------------------------------------------------------------------------------------------------ */

/* What the threads share; each has texts of its own. */
typedef struct columns {
    fh_views texts;
    fh_u64s rows;
    fh_u32s from, to;
    uint32_t misfits; /* texts with other words than `rows` says */
} columns;

static void count_rows(void *arg, unsigned part, unsigned parts) {
    const columns *c = arg;
    fh_range share = fh_par_share(c->texts.count, part, parts);
    for (size_t i = share.from; i < share.to; i++)
        fh_u64s_set(c->rows, i + 1, fh_split_count(fh_views_get(c->texts, i)));
}

fh_status fh_split_rows(const fh_par *par, fh_views texts, fh_u64s rows) {
    if (rows.count == 0 || rows.count - 1 != texts.count)
        return FH_STATUS(FH_INVALID);
    columns c = {.texts = texts, .rows = rows};
    fh_par_run(par, count_rows, &c);
    fh_u64s_set(rows, 0, 0);
    for (size_t i = 0; i < texts.count; i++)
        fh_u64s_set(rows, i + 1, fh_u64s_get(rows, i) + fh_u64s_get(rows, i + 1));
    return FH_DONE;
}

static void fill_columns(void *arg, unsigned part, unsigned parts) {
    columns *c = arg;
    fh_range share = fh_par_share(c->texts.count, part, parts);
    for (size_t i = share.from; i < share.to; i++) {
        uint64_t at = fh_u64s_get(c->rows, i), end = fh_u64s_get(c->rows, i + 1);
        fh_split split = fh_split_begin(fh_views_get(c->texts, i));
        for (fh_range word; at < end && fh_split_next(&split, &word); at++) {
            fh_u32s_set(c->from, at, (uint32_t)word.from);
            fh_u32s_set(c->to, at, (uint32_t)word.to);
        }
        fh_range more;
        if (at != end || fh_split_next(&split, &more))
            (void)fh_fetch_add(&c->misfits, 1, FH_RELAXED);
    }
}

fh_status fh_split_columns(const fh_par *par, fh_views texts, fh_u64s rows, fh_u32s from, fh_u32s to) {
    if (rows.count == 0 || rows.count - 1 != texts.count || from.count != fh_u64s_get(rows, texts.count) ||
        to.count != from.count)
        return FH_STATUS(FH_INVALID);
    for (size_t i = 0; i < texts.count; i++) {
        if (fh_u64s_get(rows, i) > fh_u64s_get(rows, i + 1) || fh_u64s_get(rows, i + 1) > from.count)
            return FH_STATUS(FH_INVALID);
        if (fh_views_get(texts, i).size > UINT32_MAX)
            return FH_STATUS(FH_LIMIT);
    }
    columns c = {.texts = texts, .rows = rows, .from = from, .to = to};
    fh_par_run(par, fill_columns, &c);
    return c.misfits == 0 ? FH_DONE : FH_STATUS(FH_INVALID);
}
