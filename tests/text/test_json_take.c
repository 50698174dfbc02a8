/* test_json_take.c: what is taken at once is what comes token by token: the same tokens, places and refusals, for texts of
 * which each byte is changed and which end at each byte. */
#include <string.h>

#include "support/fh_test.h"
#include "text/json_take.h"

enum { TEXT_MAX = 512, BASE = 77 };

/* The next token, which is to be like one that was taken. */
static void assert_next(fh_json *j, fh_json_kind kind, const fh_json_token *as) {
    fh_json_token t;
    fh_assert_ok(fh_json_next(j, &t, NULL));
    assert_int_equal(t.kind, kind);
    if (as == NULL)
        return;
    assert_int_equal(as->kind, kind);
    assert_int_equal(as->offset_bytes, t.offset_bytes);
    assert_ptr_equal(as->raw.at, t.raw.at);
    assert_int_equal(as->raw.size, t.raw.size);
    assert_false(as->escaped || t.escaped);
}

/* Reads a text in both ways; returns how many pairs and entries were taken. */
static size_t compare(fh_span text) {
    fh_json one, many;
    fh_json_init_at(&one, text, BASE);
    fh_json_init_at(&many, text, BASE);
    size_t taken = 0;
    for (;;) {
        fh_json_token a, b, t;
        uint64_t value;
        int64_t number;
        if (fh_json_take_pair(&many, &a, &b)) {
            assert_next(&one, FH_JSON_ARRAY, NULL);
            assert_next(&one, FH_JSON_STRING, &a);
            assert_next(&one, FH_JSON_STRING, &b);
            assert_next(&one, FH_JSON_ARRAY_END, NULL);
            taken++;
        } else if (fh_json_take_entry(&many, &a, &value)) {
            assert_next(&one, FH_JSON_KEY, &a);
            fh_assert_ok(fh_json_next(&one, &t, NULL));
            assert_int_equal(t.kind, FH_JSON_NUMBER);
            fh_assert_ok(fh_json_i64(t, &number, NULL));
            assert_int_equal(number, value);
            taken++;
        } else {
            fh_err x = {0}, y = {0};
            fh_status s = fh_json_next(&many, &a, &x);
            fh_assert_code(fh_json_next(&one, &b, &y), s.code);
            assert_int_equal(a.kind, b.kind);
            assert_int_equal(a.offset_bytes, b.offset_bytes);
            assert_string_equal(x.message, y.message);
            if (fh_failed(s) || a.kind == FH_JSON_END)
                return taken;
        }
        assert_int_equal(one.at, many.at);
        assert_int_equal(one.depth, many.depth);
    }
}

static const char *const texts[] = {
    "{\"a\":1,\"longer than one word\" : 20 ,\n      \"\xe2\x96\x81\": 0, \"b\":999999999999999999, \"c\":{\"d\":4}\n}",
    "[[\"a\",\"b\"],\n        [\n \"\xe2\x96\x81the\",\n \"\xf0\x9f\x98\x80 more than sixteen\"\n        ], [\"\",\"\"]]",
    "{\"m\":[[\"a\",\"b\"],[\"c\"],[\"d\",\"e\",\"f\"],[],\"g h\",[\"i\",2],[\"j\\n\",\"k\"]],\"n\":1.5,\"o\":-1,\"p\":01}",
    "[[\"a\",\"b\"],{\"x\":1,\"y\":1e3,\"z\":1000000000000000000},[\"c\" , \"d\"]]   ",
    "[\"a\",\"b\"]", "{\"a\":0}", "[[\"a\",\"b\"", "{\"a\":5", "[,[\"a\",\"b\"]]", "{,\"a\":1}",
};

static void test_same(void **state) {
    (void)state;
    size_t taken[sizeof texts / sizeof *texts] = {0};
    static const size_t expected[sizeof texts / sizeof *texts] = {5, 3, 1, 3, 0, 1, 0, 0, 0, 0};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        taken[i] = compare(fh_span_of_str(texts[i]));
        assert_int_equal(taken[i], expected[i]);
    }
}

static void test_cut(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        fh_span text = fh_span_of_str(texts[i]);
        for (size_t size = 0; size < text.size; size++)
            compare(fh_span_sub(text, 0, size));
    }
}

static void test_changed(void **state) {
    (void)state;
    static const uint8_t bytes[] = {'"', '\\', ',', ':', '[', ']', '{', '}', '0', '7', 'e', '.', '-', ' ', '\n', '\t', 0, 0x1f,
                                    0x7f, 0x80, 0xe2, 0xff};
    uint8_t room[TEXT_MAX];
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        size_t size = strlen(texts[i]);
        assert_true(size <= sizeof room);
        memcpy(room, texts[i], size);
        for (size_t at = 0; at < size; at++) {
            uint8_t before = room[at];
            for (size_t k = 0; k < sizeof bytes; k++) {
                room[at] = bytes[k];
                compare((fh_span){room, size});
            }
            room[at] = before;
        }
    }
}

/* An array deeper than a reader goes is left to it. */
static void test_deep(void **state) {
    (void)state;
    uint8_t room[2 * FH_JSON_DEPTH_MAX] = {0};
    static const char pair[] = "[\"a\",\"b\"]";
    for (size_t depth = FH_JSON_DEPTH_MAX - 1; depth <= FH_JSON_DEPTH_MAX; depth++) {
        memset(room, '[', depth);
        memcpy(room + depth, pair, sizeof pair - 1);
        assert_int_equal(compare((fh_span){room, depth + sizeof pair - 1}), depth < FH_JSON_DEPTH_MAX);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same), cmocka_unit_test(test_cut), cmocka_unit_test(test_changed),
                                       cmocka_unit_test(test_deep)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
