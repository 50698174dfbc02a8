/* json_write.c: the JSON writer: puts commas, quotes, escapes and indentation.
 *
 * Invariants: depth ≤ FH_JSON_DEPTH_MAX; `comma` says that the present level has a member; `after_key` that a value is due.
 * A put that fails appends nothing and leaves the writer as it was. Threading: one thread at a time. */
#include "freehold/json.h"
#include "freehold/utf8.h"
#include "text/decimal.h"

void fh_json_writer_init(fh_json_writer *w, fh_buf *out, bool pretty) {
    *w = (fh_json_writer){.out = out, .pretty = pretty};
}

static bool in_object(const fh_json_writer *w) {
    uint32_t level = w->depth - 1;
    return w->depth > 0 && (w->is_object[level / 64] >> level % 64 & 1) != 0;
}

/* A new line at the present depth, when the writer is a pretty one. */
static fh_status put_line(fh_json_writer *w) {
    if (!w->pretty)
        return FH_DONE;
    FH_TRY(fh_buf_put_u8(w->out, '\n'));
    for (uint32_t i = 0; i < w->depth; i++)
        FH_TRY(fh_buf_put(w->out, FH_LIT("  ")));
    return FH_DONE;
}

/* What stands before a member: a comma, a new line. */
static fh_status put_before(fh_json_writer *w) {
    if (w->after_key)
        return FH_DONE;
    if (w->comma)
        FH_TRY(fh_buf_put_u8(w->out, ','));
    return w->depth > 0 ? put_line(w) : FH_DONE;
}

/* A scalar, or the bytes that open a level. */
static fh_status put_value(fh_json_writer *w, fh_span text) {
    FH_ASSERT(w->after_key || !in_object(w));        /* in an object a key comes first */
    FH_ASSERT(w->depth > 0 || !w->comma);            /* there is one value */
    size_t before = w->out->size;
    fh_status s = put_before(w);
    if (s.code == FH_OK)
        s = fh_buf_put(w->out, text);
    if (fh_failed(s)) {
        fh_buf_truncate(w->out, before);
        return s;
    }
    w->comma = true;
    w->after_key = false;
    return s;
}

fh_status fh_json_open(fh_json_writer *w, bool object) {
    if (w->depth == FH_JSON_DEPTH_MAX)
        return FH_STATUS(FH_LIMIT);
    FH_TRY(put_value(w, object ? FH_LIT("{") : FH_LIT("[")));
    uint32_t level = w->depth++;
    uint64_t bit = UINT64_C(1) << level % 64;
    w->is_object[level / 64] = object ? w->is_object[level / 64] | bit : w->is_object[level / 64] & ~bit;
    w->comma = false;
    return FH_DONE;
}

fh_status fh_json_close(fh_json_writer *w, bool object) {
    FH_ASSERT(w->depth > 0 && in_object(w) == object && !w->after_key);
    size_t before = w->out->size;
    w->depth--;
    fh_status s = w->comma ? put_line(w) : FH_DONE;
    if (s.code == FH_OK)
        s = fh_buf_put_u8(w->out, object ? '}' : ']');
    if (fh_failed(s)) {
        fh_buf_truncate(w->out, before);
        w->depth++;
        return s;
    }
    w->comma = true;
    return FH_DONE;
}

/* The length of the run from i on that a string may hold as it is. */
static size_t plain_run(fh_span text, size_t i) {
    size_t from = i;
    while (i < text.size) {
        uint8_t c = fh_span_at(text, i);
        if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f)
            break;
        fh_rune r = fh_utf8_next(text, i);
        if (!r.valid)
            break;
        i += r.size;
    }
    return i - from;
}

/* The text in quotes. */
static fh_status put_quoted(fh_buf *out, fh_span text) {
    FH_TRY(fh_buf_put_u8(out, '"'));
    for (size_t i = 0; i < text.size; i++) {
        size_t run = plain_run(text, i);
        FH_TRY(fh_buf_put(out, fh_span_sub(text, i, run)));
        i += run;
        if (i == text.size)
            break;
        uint8_t c = fh_span_at(text, i);
        if (c == '"')
            FH_TRY(fh_buf_put(out, FH_LIT("\\\"")));
        else if (c == '\\')
            FH_TRY(fh_buf_put(out, FH_LIT("\\\\")));
        else if (c == '\n')
            FH_TRY(fh_buf_put(out, FH_LIT("\\n")));
        else if (c == '\b')
            FH_TRY(fh_buf_put(out, FH_LIT("\\b")));
        else if (c == '\f')
            FH_TRY(fh_buf_put(out, FH_LIT("\\f")));
        else if (c == '\t')
            FH_TRY(fh_buf_put(out, FH_LIT("\\t")));
        else if (c == '\r')
            FH_TRY(fh_buf_put(out, FH_LIT("\\r")));
        else if (c < 0x80)
            FH_TRY(fh_buf_format(out, "\\u%04x", c));
        else
            FH_TRY(fh_buf_put(out, FH_LIT("\xef\xbf\xbd")));
    }
    return fh_buf_put_u8(out, '"');
}

fh_status fh_json_key(fh_json_writer *w, const char *key) {
    return fh_json_key_text(w, fh_span_of_str(key));
}

fh_status fh_json_key_text(fh_json_writer *w, fh_span key) {
    FH_ASSERT(in_object(w) && !w->after_key);
    size_t before = w->out->size;
    fh_status s = put_before(w);
    if (s.code == FH_OK)
        s = put_quoted(w->out, key);
    if (s.code == FH_OK)
        s = fh_buf_put(w->out, w->pretty ? FH_LIT(": ") : FH_LIT(":"));
    if (fh_failed(s)) {
        fh_buf_truncate(w->out, before);
        return s;
    }
    w->after_key = true;
    return s;
}

fh_status fh_json_put_text(fh_json_writer *w, fh_span text) {
    size_t before = w->out->size;
    fh_json_writer old = *w;
    fh_status s = put_value(w, FH_LIT(""));
    if (s.code == FH_OK)
        s = put_quoted(w->out, text);
    if (fh_failed(s)) {
        fh_buf_truncate(w->out, before);
        *w = old;
    }
    return s;
}

/* The decimal digits of v at the end of `at`; returns where they begin. */
static size_t digits_of(uint64_t v, fh_mspan at) {
    size_t i = at.size;
    do {
        *fh_mspan_at(at, --i) = (uint8_t)('0' + v % 10);
        v /= 10;
    } while (v != 0);
    return i;
}

fh_status fh_json_put_i64(fh_json_writer *w, int64_t v) {
    uint8_t text[24];
    fh_mspan all = {text, sizeof text};
    size_t from = digits_of(v < 0 ? -(uint64_t)v : (uint64_t)v, all);
    if (v < 0)
        *fh_mspan_at(all, --from) = '-';
    return put_value(w, fh_span_from(fh_span_of_mut(all), from));
}

fh_status fh_json_put_u64(fh_json_writer *w, uint64_t v) {
    uint8_t text[24];
    fh_mspan all = {text, sizeof text};
    size_t from = digits_of(v, all);
    return put_value(w, fh_span_from(fh_span_of_mut(all), from));
}

fh_status fh_json_put_f64(fh_json_writer *w, double v) {
    /* A difference of a number with itself is 0 unless it is NaN or infinite. */
    double zero = v - v;
    if (!(zero >= 0 && zero <= 0))
        return fh_json_put_null(w);
    uint8_t text[FH_DECIMAL_BYTES];
    return put_value(w, fh_span_sub((fh_span){text, sizeof text}, 0, fh_decimal_write(v, text)));
}

fh_status fh_json_put_bool(fh_json_writer *w, bool v) {
    return put_value(w, v ? FH_LIT("true") : FH_LIT("false"));
}

fh_status fh_json_put_null(fh_json_writer *w) {
    return put_value(w, FH_LIT("null"));
}
