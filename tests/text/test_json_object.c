/* test_json_object.c: objects and arrays seen shallowly: members, offsets in a larger file, values, and what is refused. */
#include "freehold/json_object.h"
#include "support/fh_test.h"

enum { BASE = 1000 };

static fh_json_object read(fh_span text) {
    fh_json_object o;
    fh_err err = {0};
    if (fh_failed(fh_json_object_read(text, BASE, &o, &err)))
        fail_msg("%.*s: %s", FH_SPAN_FMT(text), err.message);
    return o;
}

static void test_members(void **state) {
    (void)state;
    fh_json_object o = read(FH_LIT(" {\"a\": 1, \"b\" : {\"c\":[1,{}]} ,\"d\":[], \"e\":\"x\\n\", \"f\":null} "));
    assert_int_equal(o.count, 5);
    const fh_json_member *b = fh_json_object_find(&o, "b");
    assert_non_null(b);
    fh_assert_span(b->text, "{\"c\":[1,{}]}");
    assert_int_equal(b->first.kind, FH_JSON_OBJECT);
    assert_int_equal(b->offset_bytes, BASE + 16);
    assert_int_equal(b->key.offset_bytes, BASE + 10);
    fh_assert_span(fh_json_object_find(&o, "a")->text, "1");
    fh_assert_span(fh_json_object_find(&o, "d")->text, "[]");
    fh_assert_span(fh_json_object_find(&o, "e")->text, "\"x\\n\"");
    assert_null(fh_json_object_find(&o, "c"));
    assert_true(fh_json_object_is_null(&o, "f") && fh_json_object_is_null(&o, "c") && !fh_json_object_is_null(&o, "d"));
    fh_json_object inner;
    fh_assert_ok(fh_json_object_read(b->text, b->offset_bytes, &inner, NULL));
    assert_int_equal(fh_json_object_find(&inner, "c")->offset_bytes, BASE + 21);
    fh_json_member m;
    fh_err err = {0};
    fh_assert_ok(fh_json_object_need(&o, "d", &m, &err));
    assert_int_equal(m.first.kind, FH_JSON_ARRAY);
    fh_assert_code(fh_json_object_need(&o, "c", &m, &err), FH_CORRUPT);
    fh_assert_err(&err, FH_CORRUPT, "byte 1000 lacks the key \"c\"");
    assert_int_equal(read(FH_LIT("{}")).count, 0);
}

static void test_values(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_json_object o = read(FH_LIT("{\"t\":true,\"f\":false,\"n\":null,\"u\":7,\"g\":-1,\"r\":0.5,\"s\":\"a\\u00e9\"}"));
    bool flag, found;
    uint64_t u;
    double r;
    fh_assert_ok(fh_json_object_bool(&o, "t", false, &flag, NULL));
    assert_true(flag);
    fh_assert_ok(fh_json_object_bool(&o, "f", true, &flag, NULL));
    assert_false(flag);
    fh_assert_ok(fh_json_object_bool(&o, "n", true, &flag, NULL));
    assert_true(flag);
    fh_assert_ok(fh_json_object_u64(&o, "u", 0, &u, NULL));
    assert_int_equal(u, 7);
    fh_assert_ok(fh_json_object_u64(&o, "absent", 9, &u, NULL));
    assert_int_equal(u, 9);
    fh_assert_ok(fh_json_object_f64(&o, "r", 0, &r, NULL));
    assert_true(r == 0.5);
    fh_assert_ok(fh_json_object_f64(&o, "n", 2, &r, NULL));
    assert_true(r == 2);
    fh_buf text;
    fh_buf_init(&text, a, 0);
    fh_assert_ok(fh_json_object_text(&o, "s", &text, &found, NULL));
    assert_true(found);
    fh_assert_span(fh_buf_view(&text), "a\xc3\xa9");
    fh_assert_ok(fh_json_object_text(&o, "n", &text, &found, NULL));
    assert_false(found);
    fh_err err = {0};
    fh_assert_code(fh_json_object_bool(&o, "u", true, &flag, &err), FH_CORRUPT);
    fh_assert_err(&err, FH_CORRUPT, "\"u\" at byte 1033: expected true or false");
    fh_assert_code(fh_json_object_u64(&o, "g", 0, &u, NULL), FH_CORRUPT);
    fh_assert_code(fh_json_object_u64(&o, "r", 0, &u, NULL), FH_CORRUPT);
    fh_assert_code(fh_json_object_u64(&o, "s", 0, &u, NULL), FH_CORRUPT);
    fh_assert_code(fh_json_object_f64(&o, "t", 0, &r, NULL), FH_CORRUPT);
    fh_assert_code(fh_json_object_text(&o, "t", &text, &found, NULL), FH_CORRUPT);
    o = read(FH_LIT("{\"type\":\"NFC\",\"one\":1}"));
    assert_true(fh_json_object_is(&o, "type", "NFC"));
    assert_false(fh_json_object_is(&o, "type", "NF") || fh_json_object_is(&o, "one", "1") || fh_json_object_is(&o, "x", "NFC"));
    fh_buf_deinit(&text);
}

static void test_elements(void **state) {
    (void)state;
    static const char *const expected[] = {"1", "\"x\"", "[2,[3]]", "{\"a\":4}", "null"};
    fh_json_each e;
    fh_json_member m;
    bool more;
    fh_assert_ok(fh_json_each_init(&e, FH_LIT("[1 ,\"x\", [2,[3]],{\"a\":4},null]"), BASE, FH_JSON_ARRAY, NULL));
    for (size_t i = 0; i < 5; i++) {
        fh_assert_ok(fh_json_each_next(&e, &m, &more, NULL));
        assert_true(more);
        fh_assert_span(m.text, expected[i]);
        assert_int_equal(m.key.raw.size, 0);
    }
    assert_int_equal(m.offset_bytes, BASE + 25);
    fh_assert_ok(fh_json_each_next(&e, &m, &more, NULL));
    assert_false(more);
}

static void check_refused(fh_span text, fh_code code, uint64_t offset) {
    fh_json_object o;
    fh_err err = {0};
    fh_assert_code(fh_json_object_read(text, BASE, &o, &err), code);
    assert_int_equal(o.count, 0);
    assert_int_equal(err.offset_bytes, offset);
}

static void test_refused(void **state) {
    (void)state;
    check_refused(FH_LIT("[]"), FH_CORRUPT, BASE);
    check_refused(FH_LIT("7"), FH_CORRUPT, BASE);
    check_refused(FH_LIT(""), FH_CORRUPT, BASE);
    check_refused(FH_LIT("{\"a\":1"), FH_CORRUPT, BASE + 6);
    check_refused(FH_LIT("{\"a\":1} x"), FH_CORRUPT, BASE + 8);
    check_refused(FH_LIT("{\"a\":[1,]}"), FH_CORRUPT, BASE + 8);
    check_refused(FH_LIT("{\"a\":1,\"a\":2}"), FH_CORRUPT, BASE + 7);
    fh_json_each e;
    fh_assert_code(fh_json_each_init(&e, FH_LIT("{}"), 0, FH_JSON_ARRAY, NULL), FH_CORRUPT);
}

static void test_many_members(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    for (size_t n = FH_JSON_MEMBERS_MAX; n <= FH_JSON_MEMBERS_MAX + 1; n++) {
        fh_buf b;
        fh_buf_init(&b, a, 0);
        for (size_t i = 0; i < n; i++)
            fh_assert_ok(fh_buf_format(&b, "%s\"k%zu\":%zu", i == 0 ? "{" : ",", i, i));
        fh_assert_ok(fh_buf_put(&b, FH_LIT("}")));
        fh_json_object o;
        fh_assert_code(fh_json_object_read(fh_buf_view(&b), 0, &o, NULL), n > FH_JSON_MEMBERS_MAX ? FH_LIMIT : FH_OK);
        assert_int_equal(o.count, n > FH_JSON_MEMBERS_MAX ? 0 : n);
        fh_buf_deinit(&b);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members), FH_TEST_ALLOC(test_values),       cmocka_unit_test(test_elements),
        cmocka_unit_test(test_refused), FH_TEST_ALLOC(test_many_members),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
