/* kinds.c: see kinds.h. ASCII goes 64 bytes at a time, by masks: a stretch begins where the kind changes, and at each character
 * that stands alone, and that depends on nothing behind. A window begins where a stretch begins; its last stretch may go on
 * behind it, so the next window begins there; a stretch longer than a window, and any other character, goes one by one.
 * Threading: pure functions. */
#include "text/pipe/kinds.h"

#include "text/pipe/ascii.h"
#include "text/unicode.h"

fh_kind fh_kinds_of(const fh_kinds *k, uint32_t code) {
    if (k->chinese && fh_unicode_is_chinese(code))
        return FH_KIND_ALONE;
    if (k->space != FH_KIND_REST && fh_unicode_is_space(code))
        return k->space;
    if (k->punct != FH_KIND_REST && fh_unicode_is_punctuation(code))
        return k->punct;
    if (k->number != FH_KIND_REST && fh_unicode_is_numeric(code))
        return k->number;
    return k->word != FH_KIND_REST && fh_unicode_is_word(code) ? k->word : FH_KIND_REST;
}

/* Passes characters of three bytes above U+303F, which no white space is, as long as they come in twos. */
static inline size_t pass_words(fh_span text, size_t at) {
    const uint64_t limit = 0x3040 >> 6, top = 1024;
    for (; text.size - at >= 8; at += 6) {
        uint64_t x = fh_word_eight(text, at);
        uint64_t far = fh_rows_of_threes(x) + (top - limit) * (1 | 1 << 24);
        if (!fh_are_threes(x) || (~far & top * (1 | 1 << 24)) != 0)
            break;
    }
    return at;
}

/* One stretch, character by character. */
static fh_stretch one(const fh_kinds *k, fh_span text, size_t at) {
    fh_rune r = fh_rune_at(text, at);
    fh_kind kind = fh_kinds_of(k, r.code);
    size_t end = at + r.size;
    bool words = kind == FH_KIND_REST && !k->chinese && k->punct == kind && k->number == kind && k->word == kind;
    while (kind != FH_KIND_ALONE && end < text.size) {
        if (words && (end = pass_words(text, end)) == text.size)
            break;
        r = fh_rune_at(text, end);
        if (fh_kinds_of(k, r.code) != kind)
            break;
        end += r.size;
    }
    return (fh_stretch){(uint32_t)at, (uint32_t)end, kind};
}

/* The bytes of each kind in a window. */
typedef struct kind_masks {
    uint64_t of[FH_KIND_DROP + 1];
} kind_masks;

static kind_masks kinds_in(const fh_kinds *k, const struct fh_masks *m, uint64_t valid) {
    uint64_t alnum = m->upper | m->lower | m->digit, punct = ~(alnum | m->control | m->blank | m->high);
    kind_masks out = {{0}};
    uint64_t left = valid;
    const struct {
        fh_kind kind;
        uint64_t mask;
    } each[] = {{k->space, m->space}, {k->punct, punct}, {k->number, m->digit}, {k->word, alnum | m->underscore}};
    for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
        if (each[i].kind != FH_KIND_REST) {
            out.of[each[i].kind] |= each[i].mask & left;
            left &= ~each[i].mask;
        }
    }
    out.of[FH_KIND_REST] = left;
    return out;
}

static uint64_t begins(uint64_t run) {
    return run & ~(run << 1);
}

static fh_kind kind_at(const kind_masks *m, unsigned i) {
    return m->of[FH_KIND_REST] >> i & 1    ? FH_KIND_REST
           : m->of[FH_KIND_RUN] >> i & 1   ? FH_KIND_RUN
           : m->of[FH_KIND_ALONE] >> i & 1 ? FH_KIND_ALONE
                                           : FH_KIND_DROP;
}

/* The stretches of the window at `at` that end in it, appended to out[count …); returns the new count. */
static size_t window(const fh_kinds *k, fh_masks_fn *masks, fh_span text, size_t at, fh_stretchs out, size_t count) {
    struct fh_masks m;
    size_t size = masks(text, at, &m);
    if (m.high != 0)
        size = (size_t)__builtin_ctzll(m.high);
    if (size == 0)
        return count;
    kind_masks in = kinds_in(k, &m, ~(uint64_t)0 >> (64 - size));
    uint64_t starts = begins(in.of[FH_KIND_REST]) | begins(in.of[FH_KIND_RUN]) | begins(in.of[FH_KIND_DROP]) |
                      in.of[FH_KIND_ALONE];
    unsigned from = 0;
    for (uint64_t s = starts & ~(uint64_t)1; s != 0; s &= s - 1) {
        unsigned to = (unsigned)__builtin_ctzll(s);
        fh_stretchs_set(out, count++, (fh_stretch){(uint32_t)(at + from), (uint32_t)(at + to), kind_at(&in, from)});
        from = to;
    }
    if (at + size == text.size)
        fh_stretchs_set(out, count++, (fh_stretch){(uint32_t)(at + from), (uint32_t)text.size, kind_at(&in, from)});
    return count;
}

size_t fh_kinds_cut(const fh_kinds *k, fh_masks_fn *masks, fh_span text, size_t *at, fh_stretchs out) {
    FH_ASSERT(out.count >= FH_MASK_BYTES && text.size <= UINT32_MAX);
    size_t count = 0, place = *at;
    while (place < text.size && count + FH_MASK_BYTES <= out.count) {
        size_t more = fh_span_at(text, place) < 0x80 ? window(k, masks, text, place, out, count) : count;
        if (more == count)
            fh_stretchs_set(out, more++, one(k, text, place));
        count = more;
        place = fh_stretchs_get(out, count - 1).end;
    }
    *at = place;
    return count;
}
