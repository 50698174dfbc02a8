/* fuzz_json.c: the JSON reader on any bytes; what it accepts is written out and must read back as the same.
 *
 * Properties: tokens lie in the text, in order; a refusal names a byte of the text; reader → writer → reader gives the same
 * kinds, texts, integers and float64. */
#include "freehold/json.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx);

#define CHECK(condition)      \
    do {                      \
        if (!(condition))     \
            __builtin_trap(); \
    } while (0)

static uint64_t bits_of(double v) {
    uint64_t u;
    memcpy(&u, &v, sizeof u);
    return u;
}

/* The writer takes keys as C strings: those with a NUL are not written. */
static bool has_nul(fh_span s) {
    return fh_span_find(s, FH_LIT("\0"), 0) != SIZE_MAX;
}

/* Writes a token's value; *stop when it cannot be written. */
static void write_token(fh_json_writer *w, fh_json_token t, bool *stop) {
    fh_buf text;
    int64_t i;
    double d;
    fh_status s = FH_DONE;
    fh_buf_init(&text, fh_heap(), 0);
    switch (t.kind) {
    case FH_JSON_OBJECT:
    case FH_JSON_ARRAY:
        s = fh_json_open(w, t.kind == FH_JSON_OBJECT);
        break;
    case FH_JSON_OBJECT_END:
    case FH_JSON_ARRAY_END:
        s = fh_json_close(w, t.kind == FH_JSON_OBJECT_END);
        break;
    case FH_JSON_KEY:
    case FH_JSON_STRING:
        CHECK(fh_json_text(t, &text, NULL).code == FH_OK);
        *stop = t.kind == FH_JSON_KEY && has_nul(fh_buf_view(&text));
        if (t.kind == FH_JSON_STRING) {
            s = fh_json_put_text(w, fh_buf_view(&text));
        } else if (!*stop) {
            CHECK(fh_buf_put_u8(&text, 0).code == FH_OK);
            s = fh_json_key(w, (const char *)text.at);
        }
        break;
    case FH_JSON_NUMBER:
        if (fh_json_i64(t, &i, NULL).code == FH_OK && !fh_span_is(t.raw, "-0"))
            s = fh_json_put_i64(w, i);
        else if (fh_json_f64(t, &d, NULL).code == FH_OK)
            s = fh_json_put_f64(w, d);
        else
            *stop = true;
        break;
    case FH_JSON_TRUE:
    case FH_JSON_FALSE:
        s = fh_json_put_bool(w, t.kind == FH_JSON_TRUE);
        break;
    case FH_JSON_NULL:
        s = fh_json_put_null(w);
        break;
    case FH_JSON_END:
        break;
    }
    CHECK(s.code == FH_OK);
    fh_buf_deinit(&text);
}

static void same_value(fh_json_token a, fh_json_token b) {
    CHECK(a.kind == b.kind);
    if (a.kind == FH_JSON_KEY || a.kind == FH_JSON_STRING) {
        fh_buf x, y;
        fh_buf_init(&x, fh_heap(), 0);
        fh_buf_init(&y, fh_heap(), 0);
        CHECK(fh_json_text(a, &x, NULL).code == FH_OK && fh_json_text(b, &y, NULL).code == FH_OK);
        CHECK(fh_span_equal(fh_buf_view(&x), fh_buf_view(&y)));
        fh_buf_deinit(&x);
        fh_buf_deinit(&y);
    } else if (a.kind == FH_JSON_NUMBER) {
        double x, y;
        CHECK(fh_json_f64(a, &x, NULL).code == FH_OK && fh_json_f64(b, &y, NULL).code == FH_OK);
        CHECK(bits_of(x) == bits_of(y));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fh_span text = {data, size};
    fh_json j, k;
    fh_json_token t, u;
    fh_err err = {0};
    fh_buf out;
    fh_json_writer w;
    size_t last = 0;
    bool stop = false;
    fh_buf_init(&out, fh_heap(), 0);
    fh_json_writer_init(&w, &out, size % 2 == 0);
    fh_json_init(&j, text);
    fh_status s = FH_DONE;
    while ((s = fh_json_next(&j, &t, &err)).code == FH_OK && t.kind != FH_JSON_END) {
        CHECK(t.offset_bytes >= last && t.offset_bytes < size && t.raw.at >= data && t.raw.at + t.raw.size <= data + size);
        last = t.offset_bytes;
        if (!stop)
            write_token(&w, t, &stop);
    }
    CHECK(s.code == FH_OK || (err.code == s.code && err.offset_bytes <= size));
    if (s.code == FH_OK && !stop) {
        fh_json_init(&j, text);
        fh_json_init(&k, fh_buf_view(&out));
        do {
            CHECK(fh_json_next(&j, &t, NULL).code == FH_OK && fh_json_next(&k, &u, NULL).code == FH_OK);
            same_value(t, u);
        } while (t.kind != FH_JSON_END);
    }
    fh_buf_deinit(&out);
    return 0;
}

void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx) {
    static const char *const seeds[] = {
        "{\"name\":\"caf\\u00e9 \\ud83d\\ude00\",\"list\":[1,-2.5e3,true,false,null,{\"deep\":[[]]}]}",
        "[0,-0,1e308,5e-324,0.1,123456789012345678901234567890,2.2250738585072011e-308,9007199254740993]",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "[[[[[[[[[[]]]]]]]]]]",
        "{\"a\":{\"b\":{\"c\":{}}},\"\":\"\"}",
        " \t\r\n null \n",
        "{\"version\":\"1.0\",\"model\":{\"vocab\":{\"a\":0},\"merges\":[\"a b\",[\"c\",\"d\"]]}}",
        "1.7976931348623158e308",
    };
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++)
        emit(ctx, fh_span_of_str(seeds[i]));
}
