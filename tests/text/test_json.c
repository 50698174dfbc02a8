/* test_json.c: the JSON reader: the grammar of RFC 8259 case by case, offsets, limits, values. */
#include "freehold/json.h"
#include "support/fh_test.h"

#include <string.h>

/* Reads everything; returns the first failure. */
static fh_status read_all(fh_span text, fh_err *err) {
    fh_json j;
    fh_json_token t;
    fh_json_init(&j, text);
    do
        FH_TRY(fh_json_next(&j, &t, err));
    while (t.kind != FH_JSON_END);
    return FH_DONE;
}

static void test_accepted(void **state) {
    (void)state;
    const fh_span cases[] = {
        FH_LIT("0"),
        FH_LIT("-0"),
        FH_LIT("-1"),
        FH_LIT("10"),
        FH_LIT("1.5"),
        FH_LIT("0.0"),
        FH_LIT("1e5"),
        FH_LIT("1E+5"),
        FH_LIT("1e-05"),
        FH_LIT("-0.0e00"),
        FH_LIT("1e400"),
        FH_LIT("123456789012345678901234567890"),
        FH_LIT("true"),
        FH_LIT("false"),
        FH_LIT("null"),
        FH_LIT("\"\""),
        FH_LIT("\"a\""),
        FH_LIT(" \t\r\n1 \t\r\n"),
        FH_LIT("[]"),
        FH_LIT("{}"),
        FH_LIT("[ ]"),
        FH_LIT("{ }"),
        FH_LIT("[1]"),
        FH_LIT("[1,2]"),
        FH_LIT("[ 1 , 2 ]"),
        FH_LIT("[[],[[]]]"),
        FH_LIT("{\"a\":1}"),
        FH_LIT("{ \"a\" : 1 , \"b\" : [ ] }"),
        FH_LIT("{\"a\":1,\"a\":2}"),
        FH_LIT("{\"\":{}}"),
        FH_LIT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
        FH_LIT("\"\\u0000\\u00e9\\uD83D\\ude00\""),
        FH_LIT("\"\x7f\""),
        FH_LIT("\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""),
        FH_LIT("\"\xef\xbf\xbf\""),
        FH_LIT("[true,false,null,\"x\",0.1,{}]"),
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fh_err err = {0};
        if (fh_failed(read_all(cases[i], &err)))
            fail_msg("%.*s: %s", FH_SPAN_FMT(cases[i]), err.message);
    }
}

/* What is refused, and the byte that is named for it. */
#define TEXT(s) "" s, sizeof(s) - 1
static const struct {
    const char *text;
    size_t size;
    uint64_t offset;
} refused[] = {
    {TEXT(""), 0}, {TEXT("  "), 2}, {TEXT("\xef\xbb\xbf" "1"), 0}, {TEXT("1 2"), 2}, {TEXT("1,"), 1}, {TEXT("nul"), 3},
    {TEXT("nulL"), 3}, {TEXT("True"), 0}, {TEXT("truex"), 4}, {TEXT("NaN"), 0}, {TEXT("Infinity"), 0}, {TEXT("-"), 1},
    {TEXT("-a"), 1}, {TEXT("+1"), 0}, {TEXT("01"), 1}, {TEXT("-01"), 2}, {TEXT(".5"), 0}, {TEXT("1."), 2},
    {TEXT("1.e5"), 2}, {TEXT("1e"), 2}, {TEXT("1e+"), 3}, {TEXT("1e5.5"), 3}, {TEXT("0x10"), 1}, {TEXT("1_000"), 1},
    {TEXT("["), 1}, {TEXT("]"), 0}, {TEXT("[1"), 2}, {TEXT("[1,]"), 3}, {TEXT("[,1]"), 1}, {TEXT("[1 2]"), 3},
    {TEXT("[1}"), 2}, {TEXT("[1]]"), 3}, {TEXT("[1:2]"), 2}, {TEXT("{"), 1}, {TEXT("}"), 0}, {TEXT("{]"), 1},
    {TEXT("{1:2}"), 1}, {TEXT("{\"a\"}"), 4}, {TEXT("{\"a\":}"), 5}, {TEXT("{\"a\":1"), 6}, {TEXT("{\"a\":1,}"), 7},
    {TEXT("{\"a\" 1}"), 5}, {TEXT("{\"a\":1 \"b\":2}"), 7}, {TEXT("{\"a\":1]"), 6}, {TEXT("{a:1}"), 1},
    {TEXT("{'a':1}"), 1}, {TEXT("\""), 1}, {TEXT("\"a"), 2}, {TEXT("'a'"), 0}, {TEXT("\"\\"), 1}, {TEXT("\"\\a\""), 1},
    {TEXT("\"\\x41\""), 1}, {TEXT("\"\\u12\""), 1}, {TEXT("\"\\u12G4\""), 1}, {TEXT("\"a\nb\""), 2},
    {TEXT("\"\x01\""), 1}, {TEXT("\"\0\""), 1}, {TEXT("\"\\ud800\""), 1}, {TEXT("\"x\\udc00\""), 2},
    {TEXT("\"\\ud800\\u0041\""), 1}, {TEXT("\"\\ud800\\ud800\""), 1}, {TEXT("\"\\udc00\\udc00\""), 1},
    {TEXT("\"\\ud800x\""), 1},
    {TEXT("\"\\uDBFF\\uDFF"), 1}, {TEXT("\"\x80\""), 1}, {TEXT("\"ab\xc0\x80\""), 3}, {TEXT("\"\xed\xa0\x80\""), 1},
    {TEXT("\"\xf4\x90\x80\x80\""), 1}, {TEXT("\"\xc3\""), 1}, {TEXT("\xc3\xa9"), 0}, {TEXT("/* */1"), 0},
    {TEXT("[1,//\n2]"), 3}, {TEXT("\x0b" "1"), 0}, {TEXT("\0"), 0}, {TEXT("1\0"), 1}, {TEXT("[\0]"), 1},
};

static void test_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        fh_span text = {(const uint8_t *)refused[i].text, refused[i].size};
        fh_err err = {0};
        fh_status s = read_all(text, &err);
        if (s.code != FH_CORRUPT || err.code != FH_CORRUPT || err.offset_bytes != refused[i].offset)
            fail_msg("case %zu, %.*s: %s at %llu, expected byte %llu: %s", i, FH_SPAN_FMT(text), fh_code_name(s.code),
                     (unsigned long long)err.offset_bytes, (unsigned long long)refused[i].offset, err.message);
    }
}

static const char sample[] =
    "{\"name\":\"caf\\u00e9 \xf0\x9f\x98\x80\",\"list\":[1,-2.5e3,true,false,null,{\"deep\":[[]]}],\"\\u006b\":{}}";

/* Every proper prefix of an object is refused at its end or in a token that it breaks; never accepted, never past the end. */
static void test_every_truncation(void **state) {
    (void)state;
    fh_span whole = {(const uint8_t *)sample, sizeof sample - 1};
    fh_assert_ok(read_all(whole, NULL));
    for (size_t cut = 0; cut < whole.size; cut++) {
        fh_err err = {0};
        fh_assert_code(read_all(fh_span_sub(whole, 0, cut), &err), FH_CORRUPT);
        assert_true(err.offset_bytes <= cut);
    }
}

/* Every single byte changed to every value: the reader ends, and what it accepts it can read out. */
static void test_every_byte(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    uint8_t text[sizeof sample - 1];
    for (size_t at = 0; at < sizeof text; at++) {
        for (unsigned v = 0; v < 256; v++) {
            memcpy(text, sample, sizeof text);
            text[at] = (uint8_t)v;
            fh_json j;
            fh_json_token t = {0};
            fh_json_init(&j, (fh_span){text, sizeof text});
            fh_buf out;
            fh_buf_init(&out, a, 0);
            while (!fh_failed(fh_json_next(&j, &t, NULL)) && t.kind != FH_JSON_END)
                if (t.kind == FH_JSON_STRING || t.kind == FH_JSON_KEY)
                    fh_assert_ok(fh_json_text(t, &out, NULL));
            fh_buf_deinit(&out);
        }
    }
}

static void test_tokens(void **state) {
    (void)state;
    const struct {
        fh_json_kind kind;
        const char *raw;
        size_t offset;
        bool escaped;
    } expected[] = {
        {FH_JSON_OBJECT, "{", 0, false}, {FH_JSON_KEY, "a", 1, false},      {FH_JSON_ARRAY, "[", 5, false},
        {FH_JSON_NUMBER, "1", 6, false}, {FH_JSON_STRING, "x\\n", 8, true}, {FH_JSON_ARRAY_END, "]", 13, false},
        {FH_JSON_KEY, "b", 15, false},   {FH_JSON_NULL, "null", 21, false}, {FH_JSON_OBJECT_END, "}", 25, false},
        {FH_JSON_END, "", 27, false},    {FH_JSON_END, "", 27, false},
    };
    fh_json j;
    fh_json_init(&j, FH_LIT("{\"a\":[1,\"x\\n\"],\"b\" : null} "));
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        fh_json_token t;
        fh_assert_ok(fh_json_next(&j, &t, NULL));
        assert_int_equal(t.kind, expected[i].kind);
        fh_assert_span(t.raw, expected[i].raw);
        assert_int_equal(t.offset_bytes, expected[i].offset);
        assert_int_equal(t.escaped, expected[i].escaped);
    }
}

/* After a refusal everything is refused, at the same place. */
static void test_failure_stays(void **state) {
    (void)state;
    fh_json j;
    fh_json_token t;
    fh_json_init(&j, FH_LIT("[1,x,2]"));
    fh_assert_ok(fh_json_next(&j, &t, NULL));
    fh_assert_ok(fh_json_next(&j, &t, NULL));
    for (int i = 0; i < 3; i++) {
        fh_err err = {0};
        fh_assert_code(fh_json_next(&j, &t, &err), FH_CORRUPT);
        assert_int_equal(err.offset_bytes, 3);
    }
    /* Also where what follows would make a value by itself. */
    fh_json_init(&j, FH_LIT("-[1]"));
    for (int i = 0; i < 3; i++)
        fh_assert_code(fh_json_next(&j, &t, NULL), FH_CORRUPT);
}

static void test_depth(void **state) {
    (void)state;
    static uint8_t text[1000000];
    for (int object = 0; object < 2; object++) {
        size_t unit = object ? 4 : 1; /* {"": or [ */
        for (size_t i = 0; i < sizeof text; i++)
            text[i] = (uint8_t)(object ? "{\"\":"[i % 4] : '[');
        fh_err err = {0};
        fh_assert_code(read_all((fh_span){text, sizeof text}, &err), FH_LIMIT);
        assert_int_equal(err.offset_bytes, FH_JSON_DEPTH_MAX * unit);
    }
    memset(text, '[', FH_JSON_DEPTH_MAX);
    memset(text + FH_JSON_DEPTH_MAX, ']', FH_JSON_DEPTH_MAX);
    fh_assert_ok(read_all((fh_span){text, 2 * FH_JSON_DEPTH_MAX}, NULL));
}

static void test_skip(void **state) {
    (void)state;
    fh_json j;
    fh_json_token t;
    fh_json_init(&j, FH_LIT("{\"a\":{\"x\":[1,{}]},\"b\":2,\"c\":[[]],\"d\":3}"));
    fh_assert_ok(fh_json_next(&j, &t, NULL));
    for (char name = 'a'; name <= 'd'; name++) {
        fh_assert_ok(fh_json_next(&j, &t, NULL));
        assert_int_equal(t.kind, FH_JSON_KEY);
        assert_int_equal(fh_span_at(t.raw, 0), name);
        if (name == 'a') { /* a key skips its value; a value skips itself */
            fh_assert_ok(fh_json_skip(&j, t, NULL));
            continue;
        }
        fh_assert_ok(fh_json_next(&j, &t, NULL));
        fh_assert_ok(fh_json_skip(&j, t, NULL));
    }
    fh_assert_ok(fh_json_next(&j, &t, NULL));
    assert_int_equal(t.kind, FH_JSON_OBJECT_END);
    fh_json_init(&j, FH_LIT("[[1,2"));
    fh_assert_ok(fh_json_next(&j, &t, NULL));
    fh_assert_code(fh_json_skip(&j, t, NULL), FH_CORRUPT);
}

static fh_json_token first_token(fh_span text) {
    fh_json j;
    fh_json_token t;
    fh_json_init(&j, text);
    fh_assert_ok(fh_json_next(&j, &t, NULL));
    return t;
}

static void test_text(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_buf out;
    fh_buf_init(&out, a, 40);
    fh_assert_ok(fh_json_text(first_token(FH_LIT("\"plain\"")), &out, NULL));
    fh_assert_ok(fh_json_text(first_token(FH_LIT("\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00E9\\u20ac\\ud83d\\uDE00z\"")), &out, NULL));
    fh_assert_span(fh_buf_view(&out), "plaina\"\\/\b\f\n\r\t\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z");
    /* Too long for the buffer: nothing is appended. */
    size_t before = out.size;
    fh_assert_code(fh_json_text(first_token(FH_LIT("\"\\n0123456789012345678901234567890123456789\"")), &out, NULL), FH_LIMIT);
    assert_int_equal(out.size, before);
    fh_assert_code(fh_json_text(first_token(FH_LIT("1")), &out, NULL), FH_CORRUPT);
    /* A token that no reader made. */
    fh_err err = {0};
    fh_json_token forged = {FH_JSON_STRING, FH_LIT("a\\ud800"), 7, true};
    fh_assert_code(fh_json_text(forged, &out, &err), FH_CORRUPT);
    assert_int_equal(err.offset_bytes, 7);
    assert_int_equal(out.size, before);
    fh_buf_deinit(&out);
}

static void test_i64(void **state) {
    (void)state;
    const struct {
        fh_span text;
        fh_code code;
        int64_t v;
    } cases[] = {
        {FH_LIT("0"), FH_OK, 0},
        {FH_LIT("-0"), FH_OK, 0},
        {FH_LIT("42"), FH_OK, 42},
        {FH_LIT("-42"), FH_OK, -42},
        {FH_LIT("9223372036854775807"), FH_OK, INT64_MAX},
        {FH_LIT("-9223372036854775808"), FH_OK, INT64_MIN},
        {FH_LIT("9223372036854775808"), FH_LIMIT, 0},
        {FH_LIT("-9223372036854775809"), FH_LIMIT, 0},
        {FH_LIT("99999999999999999999999"), FH_LIMIT, 0},
        {FH_LIT("1.0"), FH_CORRUPT, 0},
        {FH_LIT("1e2"), FH_CORRUPT, 0},
        {FH_LIT("\"1\""), FH_CORRUPT, 0},
        {FH_LIT("true"), FH_CORRUPT, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t v = -1;
        fh_assert_code(fh_json_i64(first_token(cases[i].text), &v, NULL), cases[i].code);
        assert_true(v == cases[i].v);
    }
}

static void test_f64(void **state) {
    (void)state;
    double v;
    fh_assert_ok(fh_json_f64(first_token(FH_LIT("-12.5e-1")), &v, NULL));
    assert_true(v == -1.25);
    fh_assert_code(fh_json_f64(first_token(FH_LIT("1e309")), &v, NULL), FH_LIMIT);
    assert_true(v == 0);
    fh_assert_code(fh_json_f64(first_token(FH_LIT("null")), &v, NULL), FH_CORRUPT);
    /* A number of a million digits takes a moment, not a minute. */
    static uint8_t text[1000001];
    memset(text, '7', sizeof text);
    text[1] = '.';
    fh_assert_ok(fh_json_f64(first_token((fh_span){text, sizeof text}), &v, NULL));
    assert_true(v == 7.777777777777777777777);
}

/* Long strings are walked by words: each byte of one may be the quote that ends it, or what is refused at its place. */
static void test_long_strings(void **state) {
    (void)state;
    enum { SIZE = 64, BEGIN = 24 };
    for (size_t at = 0; at < SIZE - BEGIN - 2; at++)
        for (uint32_t c = 0; c < 256; c++) {
            uint8_t text[SIZE];
            memset(text, 'x', sizeof text);
            memset(text, ' ', BEGIN);
            text[0] = '\n';
            text[BEGIN - 1] = text[SIZE - 1] = '"';
            text[BEGIN + at] = (uint8_t)c;
            fh_json j;
            fh_json_token t;
            fh_err err = {0};
            fh_json_init(&j, (fh_span){text, sizeof text});
            fh_status s = fh_json_next(&j, &t, &err);
            bool plain = c >= 0x20 && c < 0x80 && c != '\\';
            fh_assert_code(s, plain ? FH_OK : FH_CORRUPT);
            assert_int_equal(plain ? t.raw.size : err.offset_bytes, !plain ? BEGIN + at : c == '"' ? at : SIZE - BEGIN - 1);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted), cmocka_unit_test(test_refused), cmocka_unit_test(test_every_truncation),
        FH_TEST_ALLOC(test_every_byte),  cmocka_unit_test(test_tokens),  cmocka_unit_test(test_failure_stays),
        cmocka_unit_test(test_depth),    cmocka_unit_test(test_skip),    FH_TEST_ALLOC(test_text),
        cmocka_unit_test(test_i64),      cmocka_unit_test(test_f64),      cmocka_unit_test(test_long_strings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
