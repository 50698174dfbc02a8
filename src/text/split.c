/* split.c: where the words of a text begin and end; the walk itself is in split.h.
 *
 * White space beyond ASCII is looked for only where one of its four first bytes stands; these begin no other part of a
 * sequence, so a block needs to know no more of the one before it than its last two bytes.
 *
 * Threading: values; columns are filled by all threads of `par`, each text by one. */
#include "text/split.h"

#include "freehold/atomic.h"

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

uint64_t fh_split_wide_gaps(fh_span text, size_t block, uint64_t high) {
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

fh_split fh_split_begin(fh_span text) {
    fh_split s;
    fh_split_start(fh_gaps_best(), text, &s);
    return s;
}

bool fh_split_next(fh_split *s, fh_range *word) {
    return fh_split_step(fh_gaps_best(), s, word);
}

size_t fh_split_cut(fh_span text, size_t at) {
    for (; at < text.size; at++) {
        uint8_t byte = fh_span_at(text, at);
        if (byte == ' ' || (byte >= '\t' && byte <= '\r'))
            return at;
    }
    return at;
}

static size_t count_words(fh_gaps_fn *find, fh_span text) {
    size_t count = 0;
    fh_split s;
    fh_split_start(find, text, &s);
    do
        count += (size_t)__builtin_popcountll(s.begins);
    while (fh_split_advance(find, &s));
    return count;
}

size_t fh_split_count(fh_span text) {
    return count_words(fh_gaps_best(), text);
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
    fh_gaps_fn *find = fh_gaps_best();
    for (size_t i = share.from; i < share.to; i++)
        fh_u64s_set(c->rows, i + 1, count_words(find, fh_views_get(c->texts, i)));
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

/* The words of a text; false if it has another number of them than there is room for. */
static bool fill_text(fh_gaps_fn *find, fh_span text, fh_u32s from, fh_u32s to) {
    size_t count = 0;
    fh_split split;
    fh_split_start(find, text, &split);
    for (fh_range word; fh_split_step(find, &split, &word); count++) {
        if (count == from.count)
            return false;
        fh_u32s_set(from, count, (uint32_t)word.from);
        fh_u32s_set(to, count, (uint32_t)word.to);
    }
    return count == from.count;
}

static void fill_columns(void *arg, unsigned part, unsigned parts) {
    columns *c = arg;
    fh_range share = fh_par_share(c->texts.count, part, parts);
    fh_gaps_fn *find = fh_gaps_best();
    for (size_t i = share.from; i < share.to; i++) {
        uint64_t at = fh_u64s_get(c->rows, i), count = fh_u64s_get(c->rows, i + 1) - at;
        if (!fill_text(find, fh_views_get(c->texts, i), fh_u32s_sub(c->from, at, count), fh_u32s_sub(c->to, at, count)))
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
