/* test_json_write.c: the JSON writer: form, escapes, misuse, failures, and that the reader reads back what it wrote. */
#include "freehold/json.h"
#include "support/fh_test.h"

#include <math.h>

/* One of everything. */
static fh_status write_sample(fh_json_writer *w) {
    FH_TRY(fh_json_open(w, true));
    FH_TRY(fh_json_key(w, "a\"b"));
    FH_TRY(fh_json_open(w, false));
    FH_TRY(fh_json_put_i64(w, INT64_MIN));
    FH_TRY(fh_json_put_u64(w, UINT64_MAX));
    FH_TRY(fh_json_put_i64(w, 0));
    FH_TRY(fh_json_put_f64(w, 0.1));
    FH_TRY(fh_json_put_f64(w, (double)NAN));
    FH_TRY(fh_json_put_f64(w, -(double)INFINITY));
    FH_TRY(fh_json_put_bool(w, true));
    FH_TRY(fh_json_put_bool(w, false));
    FH_TRY(fh_json_close(w, false));
    FH_TRY(fh_json_key(w, "empty"));
    FH_TRY(fh_json_open(w, true));
    FH_TRY(fh_json_close(w, true));
    FH_TRY(fh_json_key(w, "text"));
    FH_TRY(fh_json_put_text(w, FH_LIT("\"\\/\b\f\n\r\t\x01\x1f\x7f \xc3\xa9 \xf0\x9f\x98\x80 \xff\xc0\x80\xed\xa0\x80")));
    FH_TRY(fh_json_key(w, "last"));
    FH_TRY(fh_json_put_null(w));
    return fh_json_close(w, true);
}

#define BAD "\xef\xbf\xbd"
static const char compact[] =
    "{\"a\\\"b\":[-9223372036854775808,18446744073709551615,0,0.1,null,null,true,false],\"empty\":{},\"text\":"
    "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\\u007f \xc3\xa9 \xf0\x9f\x98\x80 " BAD BAD BAD BAD BAD BAD
    "\",\"last\":null}";

static void test_compact(void **state) {
    fh_buf out;
    fh_json_writer w;
    fh_buf_init(&out, fh_test_allocator(state), 0);
    fh_json_writer_init(&w, &out, false);
    fh_assert_ok(write_sample(&w));
    fh_assert_span(fh_buf_view(&out), compact);
    fh_buf_deinit(&out);
}

static void test_pretty(void **state) {
    fh_buf out;
    fh_json_writer w;
    fh_buf_init(&out, fh_test_allocator(state), 0);
    fh_json_writer_init(&w, &out, true);
    fh_assert_ok(fh_json_open(&w, true));
    fh_assert_ok(fh_json_key(&w, "x"));
    fh_assert_ok(fh_json_open(&w, false));
    fh_assert_ok(fh_json_put_i64(&w, 1));
    fh_assert_ok(fh_json_put_i64(&w, 2));
    fh_assert_ok(fh_json_close(&w, false));
    fh_assert_ok(fh_json_key(&w, "y"));
    fh_assert_ok(fh_json_open(&w, false));
    fh_assert_ok(fh_json_close(&w, false));
    fh_assert_ok(fh_json_close(&w, true));
    fh_assert_span(fh_buf_view(&out), "{\n  \"x\": [\n    1,\n    2\n  ],\n  \"y\": []\n}");
    fh_buf_deinit(&out);
}

static void test_read_back(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_buf out;
    fh_json_writer w;
    fh_json j;
    fh_json_token t;
    fh_buf_init(&out, a, 0);
    fh_json_writer_init(&w, &out, true);
    fh_assert_ok(write_sample(&w));
    fh_json_init(&j, fh_buf_view(&out));
    size_t count = 0;
    do {
        fh_assert_ok(fh_json_next(&j, &t, NULL));
        count++;
    } while (t.kind != FH_JSON_END);
    assert_int_equal(count, 21);
    fh_buf_deinit(&out);
}

/* A buffer of every size below the need: the put that does not fit appends nothing, and what was written stays a prefix. */
static void test_every_limit(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    for (size_t limit = 1; limit < sizeof compact - 1; limit++) {
        fh_buf out;
        fh_json_writer w;
        fh_buf_init(&out, a, limit);
        fh_json_writer_init(&w, &out, false);
        fh_assert_code(write_sample(&w), FH_LIMIT);
        assert_true(fh_span_starts(fh_span_of_str(compact), fh_buf_view(&out)));
        size_t before = out.size;
        fh_json_writer old = w;
        if (w.depth > 0 && !w.after_key && (w.is_object[0] >> (w.depth - 1) & 1) == 0) {
            fh_assert_code(
                fh_json_put_text(&w, FH_LIT("a text that is longer than whatever room is left in this buffer, whatever its size"
                                            " may be; at least as long as all of the sample, to be certain, which has under"
                                            " two hundred and fifty bytes in all, so that this sentence must run on a bit.")),
                FH_LIMIT);
            assert_int_equal(out.size, before);
            assert_true(w.comma == old.comma && w.depth == old.depth);
        }
        fh_buf_deinit(&out);
    }
}

static fh_status sample_body(fh_allocator *a, void *arg) {
    (void)arg;
    fh_buf out;
    fh_json_writer w;
    fh_buf_init(&out, a, 0);
    fh_json_writer_init(&w, &out, false);
    fh_status s = write_sample(&w);
    fh_buf_deinit(&out);
    return s;
}

static void test_no_memory(void **state) {
    FH_FAIL_EACH_ALLOC(fh_test_trace(state), sample_body, NULL);
}

static void test_depth(void **state) {
    fh_buf out;
    fh_json_writer w;
    fh_buf_init(&out, fh_test_allocator(state), 0);
    fh_json_writer_init(&w, &out, false);
    for (int i = 0; i < FH_JSON_DEPTH_MAX; i++) {
        fh_assert_ok(fh_json_open(&w, i % 2 == 0));
        if (i % 2 == 0)
            fh_assert_ok(fh_json_key(&w, "k"));
    }
    fh_assert_code(fh_json_open(&w, false), FH_LIMIT);
    assert_int_equal(w.depth, FH_JSON_DEPTH_MAX);
    fh_buf_deinit(&out);
}

/* Misuse, one way a number. */
static void misuse(void *arg) {
    fh_buf out;
    fh_json_writer w;
    fh_buf_init(&out, fh_heap(), 0);
    fh_json_writer_init(&w, &out, false);
    fh_status s = FH_DONE;
    switch (*(int *)arg) {
    case 0: /* a value where a key is due */
        s = fh_json_open(&w, true);
        s = fh_json_put_null(&w);
        break;
    case 1: /* a key outside an object */
        s = fh_json_open(&w, false);
        s = fh_json_key(&w, "k");
        break;
    case 2: /* two keys */
        s = fh_json_open(&w, true);
        s = fh_json_key(&w, "k");
        s = fh_json_key(&w, "k");
        break;
    case 3: /* the wrong end */
        s = fh_json_open(&w, true);
        s = fh_json_close(&w, false);
        break;
    case 4: /* an end after a key */
        s = fh_json_open(&w, true);
        s = fh_json_key(&w, "k");
        s = fh_json_close(&w, true);
        break;
    case 5: /* an end too many */
        s = fh_json_close(&w, false);
        break;
    default: /* a second value */
        s = fh_json_put_null(&w);
        s = fh_json_put_null(&w);
        break;
    }
    (void)s;
}

static void test_misuse(void **state) {
    (void)state;
    for (int way = 0; way < 7; way++)
        fh_assert_dies(misuse, &way, "json_write.c");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_compact),     FH_TEST_ALLOC(test_pretty),    FH_TEST_ALLOC(test_read_back),
        FH_TEST_ALLOC(test_every_limit), FH_TEST_ALLOC(test_no_memory), FH_TEST_ALLOC(test_depth),
        cmocka_unit_test(test_misuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
