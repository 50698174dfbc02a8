/* scan.c: the scanners character by character: each alternative of an expression spelt out, in its order, with what
 * backtracking would find computed directly.
 *
 * Every character is a letter, a number, white space or none of these, so every text is cut without gaps. A byte that is not
 * UTF-8 counts as none of these. Cost: each call looks at the piece, and at most at the white space after it.
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

static inline glyph look(fh_span text, size_t at) {
    if (at >= text.size)
        return (glyph){0, 0, FH_CHAR_SPACE};
    uint8_t b = fh_span_at(text, at);
    if (b < 0x80)
        return (glyph){b, 1, fh_unicode_class(b)};
    fh_rune r = fh_utf8_next(text, at);
    return (glyph){r.code, r.size, r.valid ? fh_unicode_class(r.code) : FH_CHAR_OTHER};
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

static size_t llama3_end(fh_span text, size_t at, uint32_t numbers_max) {
    glyph g = look(text, at);
    size_t size = g.code == '\'' ? contraction(text, at, true) : 0;
    if (size != 0)
        return at + size;
    if (g.cls == FH_CHAR_LETTER)
        return run_end(text, at, FH_CHAR_LETTER);
    if (g.cls == FH_CHAR_NUMBER) {
        size_t end = at + g.size;
        for (uint32_t n = 1; n < numbers_max && (g = look(text, end)).size != 0 && g.cls == FH_CHAR_NUMBER; n++)
            end += g.size;
        return end;
    }
    glyph next = look(text, at + g.size);
    if (g.code != '\r' && g.code != '\n' && next.size != 0 && next.cls == FH_CHAR_LETTER)
        return run_end(text, at + g.size, FH_CHAR_LETTER);
    size_t from = at;
    if (g.code == ' ') {
        from++;
        g = next;
    }
    if (g.cls != FH_CHAR_OTHER)
        return space_end(text, at, true);
    size_t end = run_end(text, from, FH_CHAR_OTHER);
    while (byte_at(text, end) == '\r' || byte_at(text, end) == '\n')
        end++;
    return end;
}

size_t fh_scan_end(fh_scan scan, fh_span text, size_t at) {
    switch (scan) {
    case FH_SCAN_GPT2: return gpt2_end(text, at);
    case FH_SCAN_LLAMA3: return llama3_end(text, at, 3);
    case FH_SCAN_QWEN2: return llama3_end(text, at, 1);
    case FH_SCAN_NONE:
    case FH_SCAN_COUNT: break;
    }
    FH_ASSERT(scan < FH_SCAN_COUNT && scan != FH_SCAN_NONE);
    return text.size;
}

/* What the expressions of Llama 3 and Qwen 2 have in common. */
#define WORDS "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|"
#define REST "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

fh_scan fh_scan_of(fh_span pattern) {
    static const struct {
        const char *pattern;
        fh_scan scan;
    } known[] = {{"'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+", FH_SCAN_GPT2},
                 {WORDS "\\p{N}{1,3}" REST, FH_SCAN_LLAMA3},
                 {WORDS "\\p{N}" REST, FH_SCAN_QWEN2}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (fh_span_is(pattern, known[i].pattern))
            return known[i].scan;
    return FH_SCAN_NONE;
}
