/* dialect.c: what Ruby's expressions mean otherwise than PCRE2's.
 *
 *     \w \W \b \B     words: Alphabetic, M, Nd, Pc and the numbers of Latin-1; PCRE2's are L, N and _
 *     \s \S           White_Space; PCRE2's has U+180E too
 *     \h \H           hexadecimal digits; PCRE2's are blanks
 *     \uHHHH          a code point
 *     (?m)            . is any character; PCRE2 calls that s
 *     {,n}            at most n; PCRE2 takes it for text
 *     refused         classes within classes and &&; {n,m}+, which repeats; \W, \S and \H in a class together with others,
 *                     since a class has no word for them
 *
 * One pass over the bytes; all that is special is ASCII. Threading: pure functions. */
#include "text/pipe/dialect.h"

/* Each as the inside of a class. Six signs of Latin-1 are word characters to a \w of its own, and none to one in a class. */
#define LETTERS "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}"
#define WORD LETTERS "\\x{b2}\\x{b3}\\x{b9}\\x{bc}-\\x{be}"
#define SPACE "\\t-\\r \\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}"
#define HEX "0-9A-Fa-f"

typedef struct translator {
    fh_span in;
    size_t at;
    bool in_class;
    fh_mut fh_buf *out;
    fh_mut fh_err *err;
} translator;

static uint8_t peek(const translator *t, size_t ahead) {
    return t->at + ahead < t->in.size ? fh_span_at(t->in, t->at + ahead) : 0;
}

static fh_status refuse(const translator *t, const char *what) {
    return fh_fail(t->err, FH_UNSUPPORTED, t->at, "regular expression, byte %zu: %s", t->at, what);
}

/* Writes `with` for the next `size` bytes. */
static fh_status put(translator *t, size_t size, const char *with) {
    t->at += size;
    return fh_buf_put(t->out, fh_span_of_str(with));
}

static fh_status copy(translator *t, size_t size) {
    size_t left = t->in.size - t->at;
    fh_span bytes = fh_span_sub(t->in, t->at, size < left ? size : left);
    t->at += bytes.size;
    return fh_buf_put(t->out, bytes);
}

static bool is_hex(uint8_t b) {
    return (b >= '0' && b <= '9') || ((b | 0x20) >= 'a' && (b | 0x20) <= 'f');
}

static bool is_digit(uint8_t b) {
    return b >= '0' && b <= '9';
}

/* The escape at t->at. */
static fh_status escape(translator *t) {
    uint8_t e = peek(t, 1);
    bool c = t->in_class;
    if (c && (e == 'W' || e == 'S' || e == 'H'))
        return refuse(t, "\\W, \\S and \\H in a class are not supported");
    switch (e) {
    case 'w': return put(t, 2, c ? LETTERS : "[" WORD "]");
    case 'W': return put(t, 2, "[^" WORD "]");
    case 's': return put(t, 2, c ? SPACE : "[" SPACE "]");
    case 'S': return put(t, 2, "[^" SPACE "]");
    case 'h': return put(t, 2, c ? HEX : "[" HEX "]");
    case 'H': return put(t, 2, "[^" HEX "]");
    case 'b': return c ? copy(t, 2) : put(t, 2, "(?:(?<=[" WORD "])(?![" WORD "])|(?<![" WORD "])(?=[" WORD "]))");
    case 'B': return put(t, 2, "(?:(?<=[" WORD "])(?=[" WORD "])|(?<![" WORD "])(?![" WORD "]))");
    case 'u':
        for (size_t i = 2; i < 6; i++)
            if (!is_hex(peek(t, i)))
                return refuse(t, "expected four hexadecimal digits behind \\u");
        FH_TRY(put(t, 2, "\\x{"));
        FH_TRY(copy(t, 4));
        return put(t, 0, "}");
    default: return copy(t, 2);
    }
}

/* A group's options, "(?" before them: letters and a minus up to ) or :, with m written as s. Anything else is left alone. */
static fh_status options(translator *t) {
    size_t size = 2;
    uint8_t b = peek(t, size);
    for (; b == 'i' || b == 'm' || b == 'x' || b == '-'; b = peek(t, size))
        size++;
    if (b != ')' && b != ':')
        return copy(t, 2);
    for (; size > 0; size--)
        FH_TRY(peek(t, 0) == 'm' ? put(t, 1, "s") : copy(t, 1));
    return FH_DONE;
}

/* A brace that may be a repetition. */
static fh_status repetition(translator *t) {
    size_t size = 1;
    while (is_digit(peek(t, size)) || peek(t, size) == ',')
        size++;
    if (peek(t, size) != '}' || size == 1)
        return copy(t, 1);
    if (peek(t, size + 1) == '+')
        return refuse(t, "{n,m}+ is not supported");
    if (peek(t, 1) != ',')
        return copy(t, size + 1);
    FH_TRY(put(t, 1, "{0"));
    return copy(t, size);
}

/* The beginning of a class, where ] is a character. */
static fh_status open_class(translator *t) {
    t->in_class = true;
    FH_TRY(copy(t, peek(t, 1) == '^' ? 2 : 1));
    return peek(t, 0) == ']' ? copy(t, 1) : FH_DONE;
}

static fh_status class_step(translator *t) {
    uint8_t b = peek(t, 0);
    if (b == '[' && peek(t, 1) == ':') { /* [:name:] */
        size_t end = fh_span_find(t->in, FH_LIT(":]"), t->at + 2);
        return end == SIZE_MAX ? refuse(t, "[: without :]") : copy(t, end + 2 - t->at);
    }
    if (b == '[')
        return refuse(t, "a class within a class is not supported");
    if (b == '&' && peek(t, 1) == '&')
        return refuse(t, "&& in a class is not supported");
    t->in_class = b != ']';
    return copy(t, 1);
}

fh_status fh_dialect_translate(fh_span pattern, fh_buf *out, fh_err *err) {
    translator t = {.in = pattern, .out = out, .err = err};
    while (t.at < pattern.size) {
        uint8_t b = peek(&t, 0);
        if (b == '\\')
            FH_TRY(escape(&t));
        else if (t.in_class)
            FH_TRY(class_step(&t));
        else if (b == '[')
            FH_TRY(open_class(&t));
        else if (b == '(' && peek(&t, 1) == '?')
            FH_TRY(options(&t));
        else if (b == '{')
            FH_TRY(repetition(&t));
        else
            FH_TRY(copy(&t, 1));
    }
    return FH_DONE;
}
