/* seams.c: places where a piece may be cut before byte-pair encoding, since nothing joins across them.
 *
 * A join across the place between two characters gives a token that holds the end of the left one and the beginning of the
 * right one side by side. Whoever knows all such neighbours in the results of all rules knows where none can be; what is left
 * and right of such a place is encoded alone, and in texts without spaces (Japanese, Chinese) these are words and single
 * characters, which come again as words do. The neighbours are kept as bits of a hashed set: of a token that holds both
 * characters whole, the two; where it begins or ends within one, that one's last or first byte. Two that share a bit cost a
 * cut, never a wrong one.
 *
 * Both characters have to be tokens: one that is left out, or becomes something else, lets others become neighbours. But where
 * every other character becomes the tokens of its bytes, and no rule joins those, nothing joins across its ends at all.
 * Threading: built once, then only read. */
#include "freehold/checked.h"
#include "freehold/hash.h"
#include "freehold/utf8.h"
#include "text/pipe/token_model_impl.h"
#include "text/pipe/byte_alphabet.h"

enum { BITS_A_RULE = 8, BITS_MIN = 1 << 12, KNOWN_CODES = 1 << 16 };
/* A number of one byte of a character, not of a character. */
enum { PART = 1 << 8 };

/* The character at `at` as its bytes in one number; *end is behind it. One that is cut off or broken ends where the next byte
 * is no continuation, or the text ends. */
static inline uint32_t character(fh_span text, size_t at, fh_out size_t *end) {
    uint8_t b = fh_span_at(text, at++);
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

static void put(fh_u64s bits, uint32_t left, uint32_t right) {
    uint64_t bit = bit_of(half(left), right);
    *fh_u64s_at(bits, bit >> 6 & (bits.count - 1)) |= (uint64_t)1 << (bit & 63);
}

static inline bool has(fh_u64s bits, uint64_t left, uint32_t right) {
    uint64_t bit = bit_of(left, right);
    return (fh_u64s_get(bits, bit >> 6 & (bits.count - 1)) >> (bit & 63) & 1) != 0;
}

/* --- building --------------------------------------------------------------------------------------------------------- */

/* True for the bytes of a character that may go on behind them. */
static bool is_open(fh_span bytes) {
    uint8_t b = fh_span_at(bytes, 0);
    return bytes.size < (b < 0xc0 ? 1u : b < 0xe0 ? 2u : b < 0xf0 ? 3u : 4u);
}

static void put_neighbours(fh_u64s bits, fh_span token) {
    size_t at = 0, end = 0;
    while (at < token.size) {
        uint32_t left = character(token, at, &end);
        bool headless = (left & 0xc0) == 0x80 && left < 0x100;
        while (headless && end < token.size && (fh_span_at(token, end) & 0xc0) == 0x80)
            left = fh_span_at(token, end++);
        if (end == token.size)
            return;
        size_t next = 0;
        uint32_t right = character(token, end, &next);
        bool open = next == token.size && is_open(fh_span_sub(token, end, next - end));
        put(bits, headless ? PART | left : left, open ? PART | first_byte(right) : right);
        at = end;
    }
}

/* The bytes that a token stands for. */
static fh_status bytes_of(const fh_token_model *m, fh_span spelling, fh_mut fh_buf *out) {
    fh_buf_truncate(out, 0);
    if (!m->raw_bytes)
        return fh_buf_put(out, spelling);
    for (size_t at = 0; at < spelling.size;) {
        fh_rune r = fh_utf8_next(spelling, at);
        int byte = fh_alphabet_byte(r.code);
        uint8_t b = (uint8_t)byte;
        if (byte >= 0)
            FH_TRY(fh_buf_put(out, (fh_span){&b, 1}));
        at += r.size;
    }
    return FH_DONE;
}

/* True for a text that begins or ends as the token of a byte does. */
static bool has_byte(fh_span spelling) {
    size_t n = spelling.size;
    return (n >= 6 && fh_span_starts(spelling, FH_LIT("<0x"))) ||
           (n >= 6 && fh_span_starts(fh_span_from(spelling, n - 6), FH_LIT("<0x")));
}

/* True if every byte has a token, for characters that are none, and no rule joins such tokens; or such a character is a symbol
 * that no rule knows (token_model_build.c). */
static bool bytes_stand_alone(const fh_token_model *m) {
    if (m->parts != 0)
        return !m->fuse_unk;
    bool alone = m->byte_fallback && !m->raw_bytes;
    for (size_t b = 0; b < 256 && alone; b++)
        alone = m->byte_token[b] != FH_NO_TOKEN;
    for (size_t i = 0; i < m->merges.rules.count && alone; i++)
        alone = !has_byte(fh_spellings_get(&m->spellings, fh_merge_rules_at(m->merges.rules, i)->result));
    return alone;
}

/* Notes what characters of three bytes are tokens; returns the size of the longest token. */
static uint32_t note_spellings(const fh_token_model *m, fh_u64s known) {
    size_t longest = 0;
    for (size_t id = 0; id < m->spellings.places.count; id++) {
        fh_span s = fh_spellings_get(&m->spellings, (uint32_t)id);
        longest = s.size > longest ? s.size : longest;
        size_t end = 0;
        uint32_t bytes = s.size == 3 ? character(s, 0, &end) : 0;
        if (bytes < 0xe00000 || end != 3 || fh_model_token(m, s) == FH_NO_TOKEN)
            continue;
        uint32_t code = three_byte_code(bytes);
        *fh_u64s_at(known, code >> 6) |= (uint64_t)1 << (code & 63);
    }
    return (uint32_t)longest;
}

static fh_status put_all(const fh_token_model *m, fh_u64s bits, fh_mut fh_buf *room) {
    for (size_t i = 0; i < m->merges.rules.count; i++) {
        FH_TRY(bytes_of(m, fh_spellings_get(&m->spellings, fh_merge_rules_at(m->merges.rules, i)->result), room));
        put_neighbours(bits, fh_buf_view(room));
    }
    return FH_DONE;
}

fh_status fh_token_model_find_seams(fh_token_model *m) {
    bool plain = m->prefix.place.size == 0 && m->suffix.place.size == 0;
    if (m->kind != FH_MODEL_BPE || m->drops || !plain)
        return FH_DONE;
    size_t words = BITS_MIN / 64;
    while (words < m->merges.rules.count / (64 / BITS_A_RULE))
        words *= 2;
    fh_u64s bits, known;
    FH_TRY(fh_u64s_new(m->allocator, words, &bits));
    fh_status s = fh_u64s_new(m->allocator, KNOWN_CODES / 64, &known);
    if (fh_failed(s)) {
        fh_u64s_free(m->allocator, &bits);
        return s;
    }
    fh_buf room;
    fh_buf_init(&room, m->allocator, 0);
    s = put_all(m, bits, &room);
    fh_buf_deinit(&room);
    if (fh_failed(s)) {
        fh_u64s_free(m->allocator, &bits);
        fh_u64s_free(m->allocator, &known);
        return s;
    }
    m->longest = note_spellings(m, known);
    m->bytes_stand_alone = bytes_stand_alone(m);
    fh_u64s_free(m->allocator, &m->seams);
    fh_u64s_free(m->allocator, &m->known);
    m->seams = bits;
    m->known = known;
    return FH_DONE;
}

/* --- looking ---------------------------------------------------------------------------------------------------------- */

/* True if nothing that rules make holds the two side by side. */
static inline bool never_join(fh_u64s bits, uint32_t left, uint32_t right, uint8_t last, uint8_t first) {
    uint64_t whole = half(left), part = half(PART | last);
    return !has(bits, whole, right) && !has(bits, whole, PART | first) && !has(bits, part, right) &&
           !has(bits, part, PART | first);
}

/* True if a character is a token, or with raw bytes each of its bytes. */
static bool is_known(const fh_token_model *m, fh_span character, uint32_t bytes) {
    if (character.size == 3 && !m->raw_bytes) {
        uint32_t code = three_byte_code(bytes);
        return (fh_u64s_get(m->known, code >> 6) >> (code & 63) & 1) != 0;
    }
    if (character.size != 1 && !m->raw_bytes)
        return fh_model_token(m, character) != FH_NO_TOKEN;
    bool known = true;
    for (size_t i = 0; i < character.size; i++)
        known = known && m->letters.of[0][fh_span_at(character, i)] != FH_NO_TOKEN;
    return known;
}

/* A piece, the character before a place in it, and the one behind. */
typedef struct place {
    fh_span before, behind;
    uint32_t left, right;
} place;

/* True if a piece may be cut at a place. */
static bool is_seam(const fh_token_model *m, const place *p) {
    uint8_t last = fh_span_at(p->before, p->before.size - 1), first = fh_span_at(p->behind, 0);
    if ((p->left | p->right) < 0x80 || (first & 0xc0) == 0x80)
        return false; /* ASCII, which comes in words; a stray continuation */
    bool apart = never_join(m->seams, p->left, p->right, last, first);
    if (!apart && !m->bytes_stand_alone)
        return false;
    bool known = is_known(m, p->before, p->left) && is_known(m, p->behind, p->right);
    return known ? apart : m->bytes_stand_alone;
}

size_t fh_bpe_part_end(const fh_token_model *m, fh_span piece, size_t at) {
    size_t end = 0, next = 0;
    place p = {.left = character(piece, at, &end)};
    p.before = fh_span_sub(piece, at, end - at);
    for (; end < piece.size; end = next) {
        p.right = character(piece, end, &next);
        p.behind = fh_span_sub(piece, end, next - end);
        if (is_seam(m, &p))
            return end;
        p.left = p.right;
        p.before = p.behind;
    }
    return piece.size;
}
