/* seams.c: places where a piece may be cut before byte-pair encoding, since nothing joins across them.
 *
 * A join across the place between two characters gives a token that holds the end of the left one and the beginning of the
 * right one side by side. Whoever knows all such neighbours in the results of all rules knows where none can be; what is left
 * and right of such a place is encoded alone, and in texts without spaces (Japanese, Chinese) these are words and single
 * characters, which come again as words do. The neighbours are kept as bits of a hashed set: of a token that holds both
 * characters whole, the two; where it begins or ends within one, that one's last or first byte. Two that share a bit cost a
 * cut, never a wrong one. Where a piece that is a token comes before all merges, those of all tokens are kept: then no piece
 * with a seam is one.
 *
 * Both characters have to be tokens: one that is left out, or becomes something else, lets others become neighbours. But where
 * every other character becomes the tokens of its bytes, and no rule joins those, nothing joins across its ends at all.
 * Threading: built once, then only read. */
#include "freehold/checked.h"
#include "freehold/hash.h"
#include "freehold/utf8.h"
#include "text/pipe/ascii.h"
#include "text/pipe/byte_alphabet.h"
#include "text/pipe/token_model_impl.h"

enum { BITS_A_RULE = 8, WORDS_MIN = 1 << 6, KNOWN_CODES = 1 << 16 };
/* A number of one byte of a character, not of a character. */
enum { PART = 1 << 8, MARK = 0xe29681 /* U+2581 */, ASCII = 128 };

/* The character at `at` as its bytes in one number; *end is behind it. One that is cut off or broken ends where the next byte
 * is no continuation, or the text ends. */
static inline uint32_t character(fh_span text, size_t at, fh_out size_t *end) {
    uint8_t b = fh_span_at(text, at);
    if ((b & 0xf0) == 0xe0 && text.size - at >= 3) { /* the usual one */
        uint32_t second = fh_span_at(text, at + 1), third = fh_span_at(text, at + 2);
        *end = at + 3;
        if (((second ^ 0x80) | (third ^ 0x80)) < 0x40)
            return (uint32_t)b << 16 | second << 8 | third;
    }
    at++;
    uint32_t code = b;
    for (unsigned more = b < 0xc0 ? 0 : b < 0xe0 ? 1 : b < 0xf0 ? 2 : 3; more > 0 && at < text.size; more--) {
        uint8_t next = fh_span_at(text, at);
        if ((next & 0xc0) != 0x80)
            break;
        code = code << 8 | next;
        at++;
    }
    *end = at;
    return code;
}

/* The code point of a character of three bytes. */
static inline uint32_t three_byte_code(uint32_t bytes) {
    return (bytes >> 4 & 0xf000) | (bytes >> 2 & 0xfc0) | (bytes & 0x3f);
}

static uint32_t first_byte(uint32_t character) {
    while (character > 0xff)
        character >>= 8;
    return character;
}

static inline uint64_t half(uint32_t left) {
    return (left + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

/* The bit of two neighbours. */
static inline uint64_t bit_of(uint64_t left, uint32_t right) {
    uint64_t x = (left ^ right) * UINT64_C(0xbf58476d1ce4e5b9);
    return x ^ x >> 32;
}

static void put(fh_u64s seams, uint32_t left, uint32_t right) {
    uint64_t bit = bit_of(half(left), right);
    *fh_u64s_at(seams, bit >> 6 & (seams.count - 1)) |= (uint64_t)1 << (bit & 63);
}

static inline bool has(fh_u64s seams, uint64_t left, uint32_t right) {
    uint64_t bit = bit_of(left, right);
    return (fh_u64s_get(seams, bit >> 6 & (seams.count - 1)) >> (bit & 63) & 1) != 0;
}

/* --- building --------------------------------------------------------------------------------------------------------- */

/* True for the bytes of a character that may go on behind them. */
static bool is_open(fh_span bytes) {
    uint8_t b = fh_span_at(bytes, 0);
    return bytes.size < (b < 0xc0 ? 1u : b < 0xe0 ? 2u : b < 0xf0 ? 3u : 4u);
}

/* True if the token begins or ends within a character. */
static bool put_neighbours(fh_u64s seams, fh_span token) {
    size_t at = 0, end = 0;
    bool splits = false;
    while (at < token.size) {
        uint32_t left = character(token, at, &end);
        bool headless = (left & 0xc0) == 0x80 && left < 0x100;
        while (headless && end < token.size && (fh_span_at(token, end) & 0xc0) == 0x80)
            left = fh_span_at(token, end++);
        splits = splits || headless;
        if (end == token.size)
            return splits;
        size_t next = 0;
        uint32_t right = character(token, end, &next);
        bool open = next == token.size && is_open(fh_span_sub(token, end, next - end));
        splits = splits || open;
        put(seams, headless ? PART | left : left, open ? PART | first_byte(right) : right);
        at = end;
    }
    return splits;
}

/* The bytes that a token stands for: itself, or in *room. */
static fh_status bytes_of(const fh_token_model *m, fh_span spelling, fh_mut fh_buf *room, fh_out fh_view(2, 3) fh_span *out) {
    uint8_t bytes[64] = {0};
    fh_mspan some = {bytes, sizeof bytes};
    size_t count = 0;
    *out = spelling;
    if (!m->raw_bytes)
        return FH_DONE;
    fh_buf_truncate(room, 0);
    for (size_t at = 0; at < spelling.size;) {
        fh_rune r = fh_utf8_next(spelling, at);
        int byte = fh_alphabet_byte(r.code);
        if (byte >= 0)
            *fh_mspan_at(some, count++) = (uint8_t)byte;
        at += r.size;
        if (count == some.size || at == spelling.size) {
            FH_TRY(fh_buf_put(room, fh_span_sub(fh_span_of_mut(some), 0, count)));
            count = 0;
        }
    }
    *out = fh_buf_view(room);
    return FH_DONE;
}

static bool is_mark_of_byte(fh_span spelling, size_t at) {
    return fh_span_at(spelling, at) == '<' && fh_span_starts(fh_span_from(spelling, at), FH_LIT("<0x"));
}

/* True for a text that begins or ends as the token of a byte does. */
static bool has_byte(fh_span spelling) {
    size_t n = spelling.size;
    return n >= 6 && (is_mark_of_byte(spelling, 0) || is_mark_of_byte(spelling, n - 6));
}

/* True if every byte has a token, for characters that are none, and no rule joins such tokens; or such a character is a symbol
 * that no rule knows (token_model_build.c). */
static bool bytes_stand_alone(const fh_token_model *m) {
    if (m->parts != 0)
        return !m->fuse_unk && !m->ignore_merges;
    bool alone = m->byte_fallback && !m->raw_bytes && !m->ignore_merges;
    for (size_t b = 0; b < 256 && alone; b++)
        alone = m->byte_token[b] != FH_NO_TOKEN;
    for (size_t i = 0; i < m->merges.rules.count && alone; i++)
        alone = !has_byte(fh_spellings_get(&m->spellings, fh_merge_rules_at(m->merges.rules, i)->result));
    return alone;
}

static void note_known(fh_u64s known, uint32_t code) {
    *fh_u64s_at(known, code >> 6) |= (uint64_t)1 << (code & 63);
}

/* Notes what characters of three bytes are tokens, or made of bytes that are. */
static void note_characters(const fh_token_model *m, fh_u64s known) {
    for (uint32_t code = 0x800; code < KNOWN_CODES && m->raw_bytes; code++) {
        uint8_t bytes[4] = {0};
        size_t size = code >= 0xd800 && code < 0xe000 ? 0 : fh_utf8_put(code, bytes);
        bool all = size != 0;
        for (size_t i = 0; i < size && i < sizeof bytes; i++)
            all = all && m->letters.of[0][bytes[i]] != FH_NO_TOKEN;
        if (all)
            note_known(known, code);
    }
    for (size_t id = 0; id < m->spellings.places.count && !m->raw_bytes; id++) {
        fh_span s = fh_spellings_get(&m->spellings, (uint32_t)id);
        size_t end = 0;
        uint32_t bytes = s.size == 3 ? character(s, 0, &end) : 0;
        if (bytes >= 0xe00000 && end == 3 && fh_model_token(m, s) != FH_NO_TOKEN)
            note_known(known, three_byte_code(bytes));
    }
}

static fh_status put_all(const fh_token_model *m, fh_u64s seams, fh_mut fh_buf *room, fh_mut bool *splits) {
    fh_span bytes;
    for (size_t id = 0; id < m->spellings.places.count && m->ignore_merges; id++) { /* among them all results */
        FH_TRY(bytes_of(m, fh_spellings_get(&m->spellings, (uint32_t)id), room, &bytes));
        *splits = put_neighbours(seams, bytes) || *splits;
    }
    for (size_t i = 0; i < m->merges.rules.count && !m->ignore_merges; i++) {
        uint32_t result = fh_merge_rules_at(m->merges.rules, i)->result;
        if (i != 0 && result == fh_merge_rules_at(m->merges.rules, i - 1)->result)
            continue; /* rules of one result mostly follow each other */
        FH_TRY(bytes_of(m, fh_spellings_get(&m->spellings, result), room, &bytes));
        *splits = put_neighbours(seams, bytes) || *splits;
    }
    return FH_DONE;
}

fh_status fh_token_model_find_seams(fh_token_model *m) {
    bool plain = m->prefix.place.size == 0 && m->suffix.place.size == 0;
    if (m->kind != FH_MODEL_BPE || m->drops || !plain)
        return FH_DONE;
    size_t words = WORDS_MIN;
    while (words < m->merges.rules.count / (64 / BITS_A_RULE))
        words *= 2;
    fh_u64s seams, known;
    FH_TRY(fh_u64s_new(m->allocator, words, &seams));
    fh_status s = fh_u64s_new(m->allocator, KNOWN_CODES / 64, &known);
    if (fh_failed(s)) {
        fh_u64s_free(m->allocator, &seams);
        return s;
    }
    note_characters(m, known);
    fh_buf room;
    fh_buf_init(&room, m->allocator, 0);
    bool splits = false;
    s = put_all(m, seams, &room, &splits);
    fh_buf_deinit(&room);
    if (fh_failed(s)) {
        fh_u64s_free(m->allocator, &seams);
        fh_u64s_free(m->allocator, &known);
        return s;
    }
    m->splits = splits;
    m->bytes_stand_alone = bytes_stand_alone(m);
    fh_u64s_free(m->allocator, &m->seams);
    fh_u64s_free(m->allocator, &m->known);
    m->seams = seams;
    m->known = known;
    return FH_DONE;
}

/* --- looking ---------------------------------------------------------------------------------------------------------- */

/* The character at `at` as spellings have it. */
static inline uint32_t letter(const fh_token_model *m, fh_span piece, size_t at, fh_out size_t *end) {
    uint32_t c = character(piece, at, end);
    return c == ' ' && m->spaces ? MARK : c;
}

/* A character of a piece: its bytes as a number, where it lies, and, if it has three bytes, whether it is known. */
typedef struct glyph {
    uint32_t bytes, begin, end;
    bool known;
} glyph;

static inline bool is_noted(fh_u64s known, size_t row, uint64_t bit) {
    return (fh_u64s_get(known, row) >> (bit & 63) & 1) != 0;
}

FH_ALWAYS_INLINE glyph glyph_at(const fh_token_model *m, fh_span piece, size_t at) {
    if (piece.size - at >= 8) { /* the usual one */
        uint64_t x = fh_word_eight(piece, at);
        if (fh_is_three(x))
            return (glyph){__builtin_bswap32((uint32_t)x) >> 8, (uint32_t)at, (uint32_t)at + 3,
                           is_noted(m->known, fh_row_of_three(x), x >> 16)};
    }
    size_t end = 0;
    glyph g = {.bytes = letter(m, piece, at, &end), .begin = (uint32_t)at};
    g.end = (uint32_t)end;
    if (end - at == 3)
        g.known = is_noted(m->known, three_byte_code(g.bytes) >> 6, g.bytes);
    return g;
}

/* True if nothing that rules make holds the two side by side. */
static inline bool never_join(const fh_token_model *m, uint32_t left, uint32_t right, uint8_t first) {
    fh_u64s seams = m->seams;
    uint64_t whole = half(left);
    if (has(seams, whole, right))
        return false;
    uint64_t part = half(PART | (left & 0xff));
    return !m->splits || (!has(seams, whole, PART | first) && !has(seams, part, right) && !has(seams, part, PART | first));
}

/* True if a character is a token, or with raw bytes each of its bytes. */
static inline bool is_known(const fh_token_model *m, fh_span piece, const glyph *g) {
    if (g->end - g->begin == 3)
        return g->known;
    if (g->end - g->begin != 1 && !m->raw_bytes)
        return fh_model_token(m, fh_span_sub(piece, g->begin, g->end - g->begin)) != FH_NO_TOKEN;
    bool known = true;
    for (size_t i = g->begin; i < g->end; i++)
        known = known && m->letters.of[0][fh_span_at(piece, i)] != FH_NO_TOKEN;
    return known;
}

static inline bool are_apart(const fh_token_model *m, uint8_t left, uint8_t right) {
    return left < ASCII && right < ASCII && (m->apart.of[left][right / 64] >> right % 64 & 1) != 0;
}

/* True if a piece may be cut between two characters. */
static inline bool is_seam(const fh_token_model *m, fh_span piece, const glyph *left, const glyph *right) {
    uint8_t first = fh_span_at(piece, right->begin);
    first = first == ' ' && m->spaces ? MARK >> 16 : first;
    if ((first & 0xc0) == 0x80)
        return false; /* a stray continuation */
    bool apart = never_join(m, left->bytes, right->bytes, first);
    if (!apart && !m->bytes_stand_alone)
        return false;
    return is_known(m, piece, left) && is_known(m, piece, right) ? apart : m->bytes_stand_alone;
}

/* The first character of the part behind the one that begins with `left`; if there is none, it begins where the piece ends. */
FH_ALWAYS_INLINE glyph next_part(const fh_token_model *m, fh_span piece, glyph left) {
    while (left.end < piece.size) {
        glyph right = glyph_at(m, piece, left.end);
        if (right.end - left.begin == 2) { /* ASCII comes in words: it is not looked at without a table */
            if (m->spaces && are_apart(m, fh_span_at(piece, left.begin), fh_span_at(piece, right.begin)))
                return right;
        } else if (is_seam(m, piece, &left, &right)) {
            return right;
        }
        left = right;
    }
    return (glyph){.begin = (uint32_t)piece.size};
}

size_t fh_bpe_part_end(const fh_token_model *m, fh_span piece, size_t at) {
    return next_part(m, piece, glyph_at(m, piece, at)).begin;
}

void fh_bpe_find_apart(fh_token_model *m) {
    m->apart = (fh_apart){{{0}}};
    for (uint32_t i = 0; i < ASCII * ASCII; i++) {
        uint8_t two[] = {(uint8_t)(i / ASCII), (uint8_t)(i % ASCII)};
        fh_span piece = {two, sizeof two};
        glyph left = glyph_at(m, piece, 0), right = glyph_at(m, piece, 1);
        if (is_seam(m, piece, &left, &right))
            m->apart.of[two[0]][two[1] / 64] |= (uint64_t)1 << two[1] % 64;
    }
}

/* --- many at once ------------------------------------------------------------------------------------------------------ */

static uint64_t begins(uint64_t run) {
    return run & ~(run << 1);
}

/* Appends the ends of the parts that end in the window of ASCII at `at` to ends[count …), and returns the new count; *size is
 * that of the window. They are looked for where words begin, and at each digit and sign. */
static size_t parts_in(const fh_token_model *m, fh_masks_fn *masks, fh_span text, size_t at, fh_u32s ends, size_t count,
                       fh_out size_t *size) {
    struct fh_masks w;
    *size = masks(text, at, &w);
    if (w.high != 0)
        *size = (size_t)__builtin_ctzll(w.high);
    if (*size < 2)
        return count;
    uint64_t words = w.upper | w.lower, likely = begins(words) | begins(w.blank) | ~(words | w.blank);
    fh_span window = fh_span_sub(text, at, *size);
    for (likely &= (~(uint64_t)0 >> (64 - *size)) & ~(uint64_t)1; likely != 0; likely &= likely - 1) {
        size_t i = (size_t)__builtin_ctzll(likely);
        if (are_apart(m, fh_span_at(window, i - 1), fh_span_at(window, i)))
            fh_u32s_set(ends, count++, (uint32_t)(at + i));
    }
    return count;
}

size_t fh_token_model_parts(const fh_token_model *m, fh_masks_fn *masks, fh_span text, size_t *at, fh_u32s ends) {
    FH_ASSERT(m->spaces && ends.count >= FH_MASK_BYTES && text.size <= UINT32_MAX);
    size_t count = 0, from = *at;
    glyph next = {.begin = UINT32_MAX};
    while (from < text.size && count + FH_MASK_BYTES <= ends.count) {
        size_t size = 0, before = count;
        if (fh_span_at(text, from) < ASCII)
            count = parts_in(m, masks, text, from, ends, count, &size);
        bool over = size != 0 && from + size == text.size;
        if (count != before)
            from = fh_u32s_get(ends, count - 1);
        if (count != before && !over)
            continue;
        if (next.begin != from && !over)
            next = glyph_at(m, text, from);
        next = over ? next : next_part(m, text, next);
        from = over ? text.size : next.begin;
        fh_u32s_set(ends, count++, (uint32_t)from);
    }
    *at = from;
    return count;
}
