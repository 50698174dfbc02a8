/* scan.c: the scanners character by character: each alternative of an expression spelt out, in its order, with what
 * backtracking would find computed directly.
 *
 * A byte that is not UTF-8 counts as U+FFFD. Cost: each call looks at the piece, and at most at the white space after it, or at
 * the word that it does not begin.
 * Threading: pure functions. */
#include "text/pipe/scan.h"

#include "freehold/utf8.h"
#include "text/unicode.h"

/* A character at some place; size 0 at the end of the text. */
typedef struct glyph {
    uint32_t code;
    uint32_t size;
    fh_char_class cls;
} glyph;

/* Beyond ASCII. */
static glyph look_far(fh_span text, size_t at) {
    fh_rune r = fh_utf8_next(text, at);
    return (glyph){r.code, r.size, r.valid ? fh_unicode_class(r.code) : FH_CHAR_OTHER};
}

FH_ALWAYS_INLINE glyph look(fh_span text, size_t at) {
    if (at >= text.size)
        return (glyph){0, 0, FH_CHAR_SPACE};
    uint8_t b = fh_span_at(text, at);
    if (b >= 0x80)
        return look_far(text, at);
    bool space = b == ' ' || (uint8_t)(b - 9) < 5, letter = (uint8_t)((b | 0x20) - 'a') < 26;
    bool number = (uint8_t)(b - '0') < 10;
    return (glyph){b, 1, space ? FH_CHAR_SPACE : letter ? FH_CHAR_LETTER : number ? FH_CHAR_NUMBER : FH_CHAR_OTHER};
}

/* The end of the run of one class that begins at `at`. */
static size_t run_end(fh_span text, size_t at, fh_char_class cls) {
    for (;;) {
        glyph g = look(text, at);
        if (g.size == 0 || g.cls != cls)
            return at;
        at += g.size;
    }
}

static uint8_t byte_at(fh_span text, size_t at) {
    return at < text.size ? fh_span_at(text, at) : 0;
}

/* The length of a contraction that begins at the apostrophe at `at`, or 0. With `fold`, in any letter case: U+017F, the
 * long s, is an s then. */
static size_t contraction(fh_span text, size_t at, bool fold) {
    uint8_t a = byte_at(text, at + 1), b = byte_at(text, at + 2);
    if (fold && a == 0xc5 && b == 0xbf)
        return 3;
    if (fold && a >= 'A' && a <= 'Z')
        a |= 0x20;
    if (fold && b >= 'A' && b <= 'Z')
        b |= 0x20;
    if (a == 's' || a == 't' || a == 'm' || a == 'd')
        return 2;
    return (a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l') ? 3 : 0;
}

/* \s+(?!\S)|\s+ at `at`: all white space but the last character when text follows it. With `lines`, before that
 * \s*[\r\n]+: up to and with the last line end of the white space. */
static size_t space_end(fh_span text, size_t at, bool lines) {
    size_t end = at, last = at, line = at;
    for (glyph g = look(text, at); g.size != 0 && g.cls == FH_CHAR_SPACE; g = look(text, end)) {
        last = end;
        end += g.size;
        if (g.code == '\r' || g.code == '\n')
            line = end;
    }
    if (lines && line > at)
        return line;
    return end < text.size && last > at ? last : end;
}

static size_t gpt2_end(fh_span text, size_t at) {
    glyph g = look(text, at);
    size_t size = g.code == '\'' ? contraction(text, at, false) : 0;
    if (size != 0)
        return at + size;
    size_t from = at;
    if (g.code == ' ')
        g = look(text, ++from);
    return g.cls != FH_CHAR_SPACE ? run_end(text, from, g.cls) : space_end(text, at, false);
}

/* \p{N}{1,max} at a number. */
static size_t number_end(fh_span text, size_t at, uint32_t max) {
    for (uint32_t n = 0; n < max; n++) {
        glyph g = look(text, at);
        if (g.size == 0 || g.cls != FH_CHAR_NUMBER)
            break;
        at += g.size;
    }
    return at;
}

static bool is_mark(glyph g) {
    if (g.code < 0x80 || g.cls != FH_CHAR_OTHER)
        return false;
    fh_category c = fh_unicode_category(g.code);
    return c == FH_GC_MN || c == FH_GC_MC || c == FH_GC_ME;
}

/* The character at `at`; with `marks`, \p{M} are letters. */
FH_ALWAYS_INLINE glyph look_marked(fh_span text, size_t at, bool marks) {
    glyph g = look(text, at);
    if (marks && g.code >= 0x80 && is_mark(g))
        g.cls = FH_CHAR_LETTER;
    return g;
}

static size_t marked_end(fh_span text, size_t at, fh_char_class cls, bool marks) {
    for (;;) {
        glyph g = look_marked(text, at, marks);
        if (g.size == 0 || g.cls != cls)
            return at;
        at += g.size;
    }
}

/* Signs and the line ends behind them; with `slash`, slashes among those too. */
static size_t signs_end(fh_span text, size_t at, bool marks, bool slash) {
    size_t end = marked_end(text, at, FH_CHAR_OTHER, marks);
    for (uint8_t b = byte_at(text, end); b == '\r' || b == '\n' || (slash && b == '/'); b = byte_at(text, end))
        end++;
    return end;
}

static size_t llama3_end(fh_span text, size_t at, uint32_t numbers_max, bool marks) {
    glyph g = look_marked(text, at, marks);
    size_t size = g.code == '\'' ? contraction(text, at, true) : 0;
    if (size != 0)
        return at + size;
    if (g.cls == FH_CHAR_LETTER)
        return marked_end(text, at, FH_CHAR_LETTER, marks);
    if (g.cls == FH_CHAR_NUMBER)
        return number_end(text, at, numbers_max);
    glyph next = look_marked(text, at + g.size, marks);
    if (g.code != '\r' && g.code != '\n' && next.size != 0 && next.cls == FH_CHAR_LETTER)
        return marked_end(text, at + g.size, FH_CHAR_LETTER, marks);
    size_t from = at;
    if (g.code == ' ') {
        from++;
        g = next;
    }
    return g.cls != FH_CHAR_OTHER ? space_end(text, at, true) : signs_end(text, from, marks, false);
}

/* --- o200k ------------------------------------------------------------------------------------------------------------ */

/* In which of its two classes a character is: capitals (Lu, Lt), small (Ll), both (Lm, Lo, M), or none. */
typedef enum letter_case { CASE_NONE, CASE_UPPER, CASE_LOWER, CASE_BOTH } letter_case;

static letter_case case_of(glyph g) {
    if (g.size == 0 || g.cls == FH_CHAR_NUMBER || g.cls == FH_CHAR_SPACE)
        return CASE_NONE;
    if (g.code < 0x80)
        return g.cls != FH_CHAR_LETTER ? CASE_NONE : g.code < 'a' ? CASE_UPPER : CASE_LOWER;
    fh_category c = fh_unicode_category(g.code);
    if (c == FH_GC_LU || c == FH_GC_LT)
        return CASE_UPPER;
    if (c == FH_GC_LL)
        return CASE_LOWER;
    return g.cls == FH_CHAR_LETTER || is_mark(g) ? CASE_BOTH : CASE_NONE;
}

/* A word from `at`: A*B+, else A+B* (A: no small letter, B: no capital); 0 if there is none. A* takes all it can; what B+ needs
 * it gives back up to the last character that is both. */
static size_t word_end(fh_span text, size_t at) {
    size_t end = at, both = 0;
    letter_case c = CASE_NONE;
    for (glyph g = look(text, end); (c = case_of(g)) == CASE_UPPER || c == CASE_BOTH; g = look(text, end)) {
        end += g.size;
        both = c == CASE_BOTH ? end : both;
    }
    if (c != CASE_LOWER)
        return both != 0 ? both : end > at ? end : 0;
    for (glyph g = look(text, end); (c = case_of(g)) == CASE_LOWER || c == CASE_BOTH; g = look(text, end))
        end += g.size;
    return end;
}

/* True if A*B+ matches at `at`, so that A+B* is not tried with what stands before it. */
static bool has_word(fh_span text, size_t at, size_t end) {
    for (; at < end; at += look(text, at).size)
        if (case_of(look(text, at)) != CASE_UPPER)
            return true;
    return false;
}

static size_t o200k_end(fh_span text, size_t at, uint32_t numbers_max, bool contractions) {
    glyph g = look(text, at);
    bool letter = g.cls == FH_CHAR_LETTER, mark = is_mark(g);
    if (g.cls == FH_CHAR_NUMBER)
        return number_end(text, at, numbers_max);
    bool before = !letter && g.code != '\r' && g.code != '\n'; /* may stand before a word, as a mark may as well */
    size_t end = before ? word_end(text, at + g.size) : word_end(text, at);
    if (mark && (end == 0 || !has_word(text, at + g.size, end)))
        end = word_end(text, at);
    if (end != 0)
        return end + (contractions && byte_at(text, end) == '\'' ? contraction(text, end, true) : 0);
    size_t from = at;
    if (g.code == ' ')
        g = look(text, ++from);
    return g.cls != FH_CHAR_OTHER || g.size == 0 ? space_end(text, at, true) : signs_end(text, from, false, true);
}

/* --- DeepSeek --------------------------------------------------------------------------------------------------------- */

typedef enum deepseek_class { DEEPSEEK_REST, DEEPSEEK_WORD, DEEPSEEK_SIGN, DEEPSEEK_SPACE, DEEPSEEK_STOP } deepseek_class;

static bool is_kana_han(uint32_t code) {
    return (code >= 0x4e00 && code <= 0x9fa5) || (code >= 0x3040 && code <= 0x30ff);
}

/* Where the expressions that come first have cut: nowhere; before numbers, kana and Han; behind kana and Han. */
typedef enum deepseek_part { DEEPSEEK_WHOLE, DEEPSEEK_OUTSIDE, DEEPSEEK_INSIDE } deepseek_part;

/* [\p{L}\p{M}], [\p{P}\p{S}], \s, or none; or the end of the part. */
static deepseek_class deepseek_class_of(glyph g, deepseek_part part) {
    bool stops = (part == DEEPSEEK_OUTSIDE && (g.cls == FH_CHAR_NUMBER || is_kana_han(g.code))) ||
                 (part == DEEPSEEK_INSIDE && !is_kana_han(g.code));
    if (g.size == 0 || stops)
        return DEEPSEEK_STOP;
    if (g.cls == FH_CHAR_SPACE)
        return DEEPSEEK_SPACE;
    if (g.cls == FH_CHAR_LETTER || is_mark(g))
        return DEEPSEEK_WORD;
    fh_category c = fh_unicode_category(g.code);
    return c >= FH_GC_PC && c <= FH_GC_SO ? DEEPSEEK_SIGN : DEEPSEEK_REST;
}

static size_t deepseek_run(fh_span text, size_t at, deepseek_class cls, deepseek_part part) {
    for (;;) {
        glyph g = look(text, at);
        if (deepseek_class_of(g, part) != cls)
            return at;
        at += g.size;
    }
}

static size_t ascii_letters_end(fh_span text, size_t at) {
    while (at < text.size && (uint8_t)((fh_span_at(text, at) | 0x20) - 'a') < 26)
        at++;
    return at;
}

/* The white space at `at`, as far as the part goes. */
static size_t deepseek_space_end(fh_span text, size_t at, deepseek_part part) {
    size_t run = deepseek_run(text, at, DEEPSEEK_SPACE, part);
    bool over = deepseek_class_of(look(text, run), part) == DEEPSEEK_STOP;
    return space_end(over ? fh_span_sub(text, 0, run) : text, at, true);
}

/* The match at `at`, or 0. */
static size_t deepseek_match(fh_span text, size_t at, deepseek_part part) {
    glyph g = look(text, at);
    deepseek_class cls = deepseek_class_of(g, part), next = deepseek_class_of(look(text, at + g.size), part);
    if (cls == DEEPSEEK_SIGN && g.code < 0x80 && ascii_letters_end(text, at + 1) > at + 1)
        return ascii_letters_end(text, at + 1);
    bool before = cls != DEEPSEEK_SIGN && g.code != '\r' && g.code != '\n';
    if (cls == DEEPSEEK_WORD || (before && next == DEEPSEEK_WORD))
        return deepseek_run(text, at + g.size, DEEPSEEK_WORD, part);
    if (cls == DEEPSEEK_SIGN || (g.code == ' ' && next == DEEPSEEK_SIGN)) {
        size_t end = deepseek_run(text, at + (cls == DEEPSEEK_SIGN ? 0 : 1), DEEPSEEK_SIGN, part);
        while (part != DEEPSEEK_INSIDE && (byte_at(text, end) == '\r' || byte_at(text, end) == '\n'))
            end++;
        return end;
    }
    return cls == DEEPSEEK_SPACE ? deepseek_space_end(text, at, part) : 0;
}

/* From `at` on to the next place with a match, or the end of the part. */
static size_t deepseek_gap_end(fh_span text, size_t at, deepseek_part part) {
    do
        at += look(text, at).size;
    while (deepseek_class_of(look(text, at), part) != DEEPSEEK_STOP && deepseek_match(text, at, part) == 0);
    return at;
}

static size_t deepseek_end(fh_span text, size_t at, deepseek_part part, fh_out bool *match) {
    size_t end = deepseek_match(text, at, part);
    *match = end != 0;
    return end != 0 ? end : deepseek_gap_end(text, at, part);
}

/* A stretch of all three: a group of numbers, or a stretch of the third outside or inside of kana and Han. */
static size_t deepseek3_end(fh_span text, size_t at, fh_out bool *match) {
    glyph g = look(text, at);
    *match = true;
    if (g.cls == FH_CHAR_NUMBER)
        return number_end(text, at, 3);
    return deepseek_end(text, at, is_kana_han(g.code) ? DEEPSEEK_INSIDE : DEEPSEEK_OUTSIDE, match);
}

/* A stretch of characters that are of a class, or are not: numbers by three, or kana and Han. */
static size_t class_end(fh_span text, size_t at, bool numbers, fh_out bool *match) {
    glyph g = look(text, at);
    *match = numbers ? g.cls == FH_CHAR_NUMBER : is_kana_han(g.code);
    if (numbers && *match)
        return number_end(text, at, 3);
    for (; g.size != 0 && (numbers ? g.cls == FH_CHAR_NUMBER : is_kana_han(g.code)) == *match; g = look(text, at))
        at += g.size;
    return at;
}

/* --- all -------------------------------------------------------------------------------------------------------------- */

size_t fh_scan_stretch(fh_scan scan, fh_span text, size_t at, bool *match) {
    *match = true;
    switch (scan) {
    case FH_SCAN_GPT2: return gpt2_end(text, at);
    case FH_SCAN_LLAMA3: return llama3_end(text, at, 3, false);
    case FH_SCAN_QWEN2: return llama3_end(text, at, 1, false);
    case FH_SCAN_QWEN35: return llama3_end(text, at, 1, true);
    case FH_SCAN_O200K: return o200k_end(text, at, 3, true);
    case FH_SCAN_TEKKEN: return o200k_end(text, at, 1, false);
    case FH_SCAN_DIGITS3: return class_end(text, at, true, match);
    case FH_SCAN_KANA_HAN: return class_end(text, at, false, match);
    case FH_SCAN_DEEPSEEK_WORDS: return deepseek_end(text, at, DEEPSEEK_WHOLE, match);
    case FH_SCAN_DEEPSEEK3: return deepseek3_end(text, at, match);
    case FH_SCAN_NONE:
    case FH_SCAN_COUNT: break;
    }
    FH_ASSERT(scan < FH_SCAN_COUNT && scan != FH_SCAN_NONE);
    return text.size;
}

size_t fh_scan_end(fh_scan scan, fh_span text, size_t at) {
    bool match;
    return fh_scan_stretch(scan, text, at, &match);
}

bool fh_scan_covers(fh_scan scan) {
    return scan != FH_SCAN_NONE && scan < FH_SCAN_DIGITS3;
}

/* What expressions have in common. */
#define ENDINGS "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define SPACES "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define WORDS ENDINGS "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|"
#define SIGNS "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*" SPACES
#define UPPER "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define LOWER "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define PATHS "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*" SPACES

const char *fh_scan_pattern(fh_scan scan) {
    static const char *const known[FH_SCAN_COUNT] = {
        [FH_SCAN_GPT2] = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
        [FH_SCAN_LLAMA3] = WORDS "\\p{N}{1,3}" SIGNS,
        [FH_SCAN_QWEN2] = WORDS "\\p{N}" SIGNS,
        [FH_SCAN_QWEN35] = ENDINGS "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*" SPACES,
        [FH_SCAN_O200K] = UPPER "*" LOWER "+" ENDINGS "?|" UPPER "+" LOWER "*" ENDINGS "?|\\p{N}{1,3}" PATHS,
        [FH_SCAN_TEKKEN] = UPPER "*" LOWER "+|" UPPER "+" LOWER "*|\\p{N}" PATHS,
        [FH_SCAN_DIGITS3] = "\\p{N}{1,3}",
        [FH_SCAN_KANA_HAN] = "[\xe4\xb8\x80-\xe9\xbe\xa5\xe3\x81\x80-\xe3\x82\x9f\xe3\x82\xa0-\xe3\x83\xbf]+",
        [FH_SCAN_DEEPSEEK_WORDS] = "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|"
                                   "[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|"
                                   "\\s*[\r\n]+|\\s+(?!\\S)|\\s+"};
    return scan < FH_SCAN_COUNT ? known[scan] : NULL;
}

fh_scan fh_scan_of(fh_span pattern) {
    for (fh_scan scan = FH_SCAN_GPT2; scan < FH_SCAN_DEEPSEEK3; scan++) {
        const char *known = fh_scan_pattern(scan);
        if (known != NULL && fh_span_is(pattern, known))
            return scan;
    }
    return FH_SCAN_NONE;
}
