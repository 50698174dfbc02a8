/* json.c: the pull reader for JSON (RFC 8259).
 *
 * The reader is a state machine over one checked span: `state` says what may come next, `is_object` holds one bit a level.
 * A key token takes its colon along, so that the offset of every refusal is the byte that does not fit.
 *
 * Invariants: at ≤ text.size; depth ≤ FH_JSON_DEPTH_MAX; no recursion, no allocation; a token's raw bytes are valid UTF-8 whose
 * escapes are well formed. Threading: one thread at a time. */
#include "freehold/json.h"
#include "freehold/utf8.h"
#include "text/decimal.h"
#include "text/json_scan.h"

void fh_json_init(fh_json *j, fh_span text) {
    fh_json_init_at(j, text, 0);
}

void fh_json_init_at(fh_json *j, fh_span text, size_t offset_bytes) {
    *j = (fh_json){.text = text, .base = offset_bytes, .state = FH_WANT_VALUE};
}

/* The reader's place in the file. */
static size_t place(const fh_json *j) {
    return j->base + j->at;
}

/* The byte at the reader's place, or 0 at the end (which no rule accepts). */
static uint8_t peek(const fh_json *j) {
    return j->at < j->text.size ? fh_span_at(j->text, j->at) : 0;
}

static inline void skip_space(fh_json *j) {
    j->at = fh_json_space_end(j->text, j->at);
}

/* Refuses what stands at the reader's place. */
static fh_status refuse(fh_json *j, fh_err *err, const char *expected) {
    if (j->at >= j->text.size)
        return fh_fail(err, FH_CORRUPT, place(j), "JSON ends at byte %zu, expected %s", place(j), expected);
    uint8_t c = peek(j);
    if (c >= 0x20 && c < 0x7f)
        return fh_fail(err, FH_CORRUPT, place(j), "JSON has '%c' at byte %zu, expected %s", c, place(j), expected);
    return fh_fail(err, FH_CORRUPT, place(j), "JSON has byte 0x%02x at byte %zu, expected %s", c, place(j), expected);
}

/* --- scalars --------------------------------------------------------------------------------------------------------- */

/* Four hexadecimal digits at `at`, or a value above 0xffff when there are not four. */
static uint32_t hex4(fh_span text, size_t at) {
    uint32_t v = 0;
    for (size_t i = 0; i < 4; i++) {
        uint8_t c = at + i < text.size ? fh_span_at(text, at + i) : 0;
        uint8_t low = c | 0x20;
        if (c >= '0' && c <= '9')
            v = v << 4 | (uint32_t)(c - '0');
        else if (low >= 'a' && low <= 'f')
            v = v << 4 | (uint32_t)(low - 'a' + 10);
        else
            return UINT32_MAX;
    }
    return v;
}

/* The escape that begins at the backslash at `at`: its length and its code point; length 0 for a malformed one or half a
 * surrogate pair. */
typedef struct escape {
    size_t size;
    uint32_t code;
} escape;

static escape escape_at(fh_span text, size_t at) {
    static const char names[] = "\"\\/bfnrt";
    static const char codes[] = "\"\\/\b\f\n\r\t";
    uint8_t c = at + 1 < text.size ? fh_span_at(text, at + 1) : 0;
    for (size_t i = 0; i + 1 < sizeof names; i++)
        if (c == (uint8_t)names[i])
            return (escape){2, (uint8_t)codes[i]};
    uint32_t high = c == 'u' ? hex4(text, at + 2) : UINT32_MAX;
    if (high > 0xffff || (high >= 0xdc00 && high < 0xe000))
        return (escape){0, 0};
    if (high < 0xd800 || high >= 0xe000)
        return (escape){6, high};
    bool follows = at + 7 < text.size && fh_span_at(text, at + 6) == '\\' && fh_span_at(text, at + 7) == 'u';
    uint32_t low = follows ? hex4(text, at + 8) : UINT32_MAX;
    if (low < 0xdc00 || low > 0xdfff)
        return (escape){0, 0};
    return (escape){12, 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)};
}

/* A string at the reader's place, which is its opening quote. */
static fh_status read_string(fh_json *j, fh_out fh_view(*1) fh_json_token *out, fh_err *err) {
    fh_span text = j->text;
    size_t from = ++j->at;
    for (;;) {
        bool ascii = false;
        size_t at = j->at, end = fh_json_run_end(text, at, &ascii);
        j->at = ascii ? end : at + fh_utf8_bad(fh_span_sub(text, at, end - at));
        if (j->at != end)
            return refuse(j, err, "UTF-8");
        uint8_t c = peek(j);
        if (c == '"') {
            out->raw = fh_span_sub(text, from, end - from);
            j->at = end + 1;
            return FH_DONE;
        }
        if (end == text.size)
            return refuse(j, err, "the end of the string");
        if (c != '\\')
            return refuse(j, err, "an escape instead of a control character");
        out->escaped = true;
        size_t size = escape_at(text, end).size;
        if (size == 0)
            return refuse(j, err, "an escape (a surrogate only as half of a pair)");
        j->at = end + size;
    }
}

/* One digit or more. */
static fh_status read_digits(fh_json *j, fh_err *err) {
    size_t at = j->at;
    while (at < j->text.size && (uint8_t)(fh_span_at(j->text, at) - '0') < 10)
        at++;
    if (at == j->at)
        return refuse(j, err, "a digit");
    j->at = at;
    return FH_DONE;
}

static fh_status read_number(fh_json *j, fh_out fh_view(*1) fh_json_token *out, fh_err *err) {
    size_t from = j->at;
    if (peek(j) == '-')
        j->at++;
    if (peek(j) == '0')
        j->at++;
    else
        FH_TRY(read_digits(j, err));
    if (peek(j) == '.') {
        j->at++;
        FH_TRY(read_digits(j, err));
    }
    if (peek(j) == 'e' || peek(j) == 'E') {
        j->at++;
        if (peek(j) == '+' || peek(j) == '-')
            j->at++;
        FH_TRY(read_digits(j, err));
    }
    out->raw = fh_span_sub(j->text, from, j->at - from);
    return FH_DONE;
}

static fh_status read_word(fh_json *j, fh_span word, fh_out fh_view(*1) fh_json_token *out, fh_err *err) {
    size_t from = j->at;
    for (size_t i = 0; i < word.size; i++, j->at++)
        if (peek(j) != fh_span_at(word, i))
            return refuse(j, err, "true, false or null");
    out->raw = fh_span_sub(j->text, from, word.size);
    return FH_DONE;
}

/* --- structure ------------------------------------------------------------------------------------------------------- */

static void value_is_over(fh_json *j) {
    j->state = j->depth == 0 ? FH_WANT_NOTHING : FH_WANT_COMMA_OR_END;
}

static fh_status open_level(fh_json *j, bool object, fh_err *err) {
    if (j->depth == FH_JSON_DEPTH_MAX)
        return fh_fail(err, FH_LIMIT, place(j), "JSON nests deeper than %d levels at byte %zu", FH_JSON_DEPTH_MAX, place(j));
    uint32_t level = j->depth++;
    uint64_t bit = UINT64_C(1) << level % 64;
    j->is_object[level / 64] = object ? j->is_object[level / 64] | bit : j->is_object[level / 64] & ~bit;
    j->state = object ? FH_WANT_KEY_OR_END : FH_WANT_VALUE_OR_END;
    j->at++;
    return FH_DONE;
}

static fh_status read_value(fh_json *j, fh_out fh_view(*1) fh_json_token *out, fh_err *err) {
    uint8_t c = peek(j);
    fh_status s = FH_DONE;
    if (c == '{' || c == '[') {
        out->kind = c == '{' ? FH_JSON_OBJECT : FH_JSON_ARRAY;
        out->raw = fh_span_sub(j->text, j->at, 1);
        return open_level(j, c == '{', err);
    }
    if (c == '"') {
        out->kind = FH_JSON_STRING;
        s = read_string(j, out, err);
    } else if (c == '-' || (c >= '0' && c <= '9')) {
        out->kind = FH_JSON_NUMBER;
        s = read_number(j, out, err);
    } else if (c == 't' || c == 'f' || c == 'n') {
        out->kind = c == 't' ? FH_JSON_TRUE : c == 'f' ? FH_JSON_FALSE : FH_JSON_NULL;
        s = read_word(j, c == 't' ? FH_LIT("true") : c == 'f' ? FH_LIT("false") : FH_LIT("null"), out, err);
    } else {
        s = refuse(j, err, "a value");
    }
    if (s.code == FH_OK)
        value_is_over(j);
    return s;
}

/* The key at the reader's place and the colon after it. */
static fh_status read_key(fh_json *j, fh_out fh_view(*1) fh_json_token *out, fh_err *err) {
    if (peek(j) != '"')
        return refuse(j, err, "a key in quotes");
    out->kind = FH_JSON_KEY;
    FH_TRY(read_string(j, out, err));
    skip_space(j);
    if (peek(j) != ':')
        return refuse(j, err, "a colon after the key");
    j->at++;
    j->state = FH_WANT_VALUE;
    return FH_DONE;
}

/* The next token after white space, for every state but FH_JSON_FAILED. */
static fh_status step(fh_json *j, fh_out fh_view(*1) fh_json_token *out, fh_err *err) {
    bool object = fh_json_in_object(j);
    bool may_end = j->state == FH_WANT_COMMA_OR_END || j->state == FH_WANT_KEY_OR_END || j->state == FH_WANT_VALUE_OR_END;
    uint8_t close = object ? '}' : ']';
    if (j->state == FH_WANT_COMMA_OR_END && peek(j) == ',') {
        j->at++;
        skip_space(j);
        j->state = object ? FH_WANT_KEY : FH_WANT_VALUE;
    } else if (may_end && peek(j) == close) {
        *out = (fh_json_token){object ? FH_JSON_OBJECT_END : FH_JSON_ARRAY_END, fh_span_sub(j->text, j->at, 1), place(j),
                               false};
        j->at++;
        j->depth--;
        value_is_over(j);
        return FH_DONE;
    } else if (j->state == FH_WANT_COMMA_OR_END) {
        return refuse(j, err, object ? "a comma or '}'" : "a comma or ']'");
    }
    *out = (fh_json_token){.offset_bytes = place(j)};
    if (j->state == FH_WANT_NOTHING) {
        out->kind = FH_JSON_END;
        return j->at == j->text.size ? FH_DONE : refuse(j, err, "nothing after the value");
    }
    return j->state == FH_WANT_KEY || j->state == FH_WANT_KEY_OR_END ? read_key(j, out, err) : read_value(j, out, err);
}

fh_status fh_json_next(fh_json *j, fh_json_token *out, fh_err *err) {
    *out = (fh_json_token){.kind = FH_JSON_END};
    if (j->state == FH_JSON_FAILED)
        return fh_fail(err, FH_CORRUPT, place(j), "JSON was refused at byte %zu", place(j));
    skip_space(j);
    fh_status s = step(j, out, err);
    if (fh_failed(s)) {
        j->state = FH_JSON_FAILED;
        *out = (fh_json_token){.kind = FH_JSON_END};
    }
    return s;
}

fh_status fh_json_skip(fh_json *j, fh_json_token first, fh_err *err) {
    fh_json_token t = first;
    if (first.kind == FH_JSON_KEY)
        FH_TRY(fh_json_next(j, &t, err));
    if (t.kind != FH_JSON_OBJECT && t.kind != FH_JSON_ARRAY)
        return FH_DONE;
    for (uint32_t outside = j->depth - 1; j->depth > outside;)
        FH_TRY(fh_json_next(j, &t, err));
    return FH_DONE;
}

/* --- values ---------------------------------------------------------------------------------------------------------- */

fh_status fh_json_text(fh_json_token t, fh_buf *out, fh_err *err) {
    if (t.kind != FH_JSON_STRING && t.kind != FH_JSON_KEY)
        return fh_fail(err, FH_CORRUPT, t.offset_bytes, "JSON value at byte %zu is not a string", t.offset_bytes);
    if (!t.escaped)
        return fh_buf_put(out, t.raw);
    size_t before = out->size;
    fh_status s = FH_DONE;
    for (size_t i = 0; i < t.raw.size && s.code == FH_OK;) {
        size_t run = i;
        while (run < t.raw.size && fh_span_at(t.raw, run) != '\\')
            run++;
        s = fh_buf_put(out, fh_span_sub(t.raw, i, run - i));
        i = run;
        if (i == t.raw.size || fh_failed(s))
            break;
        escape e = escape_at(t.raw, i);
        uint8_t bytes[4];
        s = e.size == 0 ? fh_fail(err, FH_CORRUPT, t.offset_bytes, "JSON string at byte %zu has a bad escape", t.offset_bytes)
                        : fh_buf_put(out, fh_span_sub((fh_span){bytes, sizeof bytes}, 0, fh_utf8_put(e.code, bytes)));
        i += e.size;
    }
    if (fh_failed(s))
        fh_buf_truncate(out, before);
    return s;
}

fh_status fh_json_i64(fh_json_token t, int64_t *out, fh_err *err) {
    *out = 0;
    if (t.kind != FH_JSON_NUMBER)
        return fh_fail(err, FH_CORRUPT, t.offset_bytes, "JSON value at byte %zu is not a number", t.offset_bytes);
    bool minus = t.raw.size > 0 && fh_span_at(t.raw, 0) == '-';
    int64_t v = 0; /* kept below zero, where the range is larger by one */
    for (size_t i = minus; i < t.raw.size; i++) {
        uint8_t c = fh_span_at(t.raw, i);
        if (c < '0' || c > '9')
            return fh_fail(err, FH_CORRUPT, t.offset_bytes, "JSON number at byte %zu is not an integer", t.offset_bytes);
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_sub_overflow(v, c - '0', &v))
            return fh_fail(err, FH_LIMIT, t.offset_bytes, "JSON integer at byte %zu does not fit 64 bits", t.offset_bytes);
    }
    if (!minus && v == INT64_MIN)
        return fh_fail(err, FH_LIMIT, t.offset_bytes, "JSON integer at byte %zu does not fit 64 bits", t.offset_bytes);
    *out = minus ? v : -v;
    return FH_DONE;
}

fh_status fh_json_f64(fh_json_token t, double *out, fh_err *err) {
    *out = 0;
    if (t.kind != FH_JSON_NUMBER)
        return fh_fail(err, FH_CORRUPT, t.offset_bytes, "JSON value at byte %zu is not a number", t.offset_bytes);
    double v;
    if (!fh_decimal_read(t.raw, &v))
        return fh_fail(err, FH_LIMIT, t.offset_bytes, "JSON number at byte %zu is larger than any float64", t.offset_bytes);
    *out = v;
    return FH_DONE;
}
