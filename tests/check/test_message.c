/* test_message.c: frames of the protocol, good and bad, and what is read out of requests.
 *
 * Threading: one thread. */
#include "check/message.h"
#include "fh_test.h"

typedef struct frame_case {
    const char *bytes;
    fh_code code;
    const char *body, *part; /* of a good one; of the report of a bad one */
} frame_case;

static void test_frames(void **state) {
    static const frame_case cases[] = {
        {"Content-Length: 2\r\n\r\n{}rest", FH_OK, "{}", NULL},
        {"content-LENGTH:2\r\nContent-Type: x\r\n\r\n{}", FH_OK, "{}", NULL},
        {"Content-Length:   0  \r\n\r\n", FH_OK, "", NULL},
        {"", FH_AGAIN, NULL, NULL},
        {"Content-Length: 2\r\n\r\n{", FH_AGAIN, NULL, NULL},
        {"Content-Length: 2\r\n", FH_AGAIN, NULL, NULL},
        {"Content-Length: 67108864\r\n\r\n", FH_AGAIN, NULL, NULL},
        {"Content-Length: 67108865\r\n\r\n", FH_LIMIT, NULL, "67108864"},
        {"Content-Length: 18446744073709551618\r\n\r\n{}", FH_LIMIT, NULL, "67108864"},
        {"Content-Length: +2\r\n\r\n{}", FH_CORRUPT, NULL, "no number"},
        {"Content-Length: 0x2\r\n\r\n{}", FH_CORRUPT, NULL, "no number"},
        {"Content-Length:\r\n\r\n{}", FH_CORRUPT, NULL, "empty"},
        {"Content-Length 2\r\n\r\n{}", FH_CORRUPT, NULL, "no field"},
        {"Content-Type: x\r\n\r\n{}", FH_CORRUPT, NULL, "says no Content-Length"},
        {"Content-Length: 2\r\ncontent-length: 2\r\n\r\n{}", FH_CORRUPT, NULL, "twice"},
        {"\r\n\r\n", FH_CORRUPT, NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fh_span body;
        size_t used = 0;
        fh_err err;
        fh_err_clear(&err);
        fh_assert_code(deed_message_next(fh_span_of_str(cases[i].bytes), &body, &used, &err), cases[i].code);
        if (cases[i].body != NULL)
            fh_assert_span(body, cases[i].body);
        else
            assert_true(body.size == 0 && used == 0);
        if (cases[i].part != NULL)
            fh_assert_err(&err, cases[i].code, cases[i].part);
    }
}

/* A head that does not end is refused once it is as long as a head may be, and not before. */
static void test_long_head(void **state) {
    fh_buf text;
    fh_buf_init(&text, fh_test_allocator(state), 0);
    fh_span body;
    size_t used = 0;
    fh_err err;
    fh_err_clear(&err);
    while (text.size < DEED_HEAD_MAX) {
        fh_assert_code(deed_message_next(fh_buf_view(&text), &body, &used, &err), FH_AGAIN);
        fh_assert_ok(fh_buf_put_u8(&text, 'x'));
    }
    fh_assert_code(deed_message_next(fh_buf_view(&text), &body, &used, &err), FH_CORRUPT);
    fh_assert_err(&err, FH_CORRUPT, "4096");
    fh_buf_deinit(&text);
}

static fh_status parse(fh_arena *arena, const char *body, deed_request *r) {
    fh_err err;
    fh_err_clear(&err);
    return deed_request_parse(arena, fh_span_of_str(body), r, &err);
}

static void test_requests(void **state) {
    fh_arena *arena;
    deed_request r;
    fh_assert_ok(fh_arena_new(fh_test_allocator(state), NULL, &arena));
    fh_assert_ok(parse(arena, "{\"other\":{\"method\":\"no\",\"id\":7},\"id\":\"a\\u0041\",\"method\":\"m\",\"params\":{"
                              "\"textDocument\":{\"uri\":\"file:///\\u00e9\",\"version\":-3,\"text\":\"one\"},"
                              "\"position\":{\"line\":4,\"character\":5},\"text\":\"no\"}}", &r));
    fh_assert_span(r.id, "\"a\\u0041\"");
    fh_assert_span(r.method, "m");
    fh_assert_span(r.uri, "file:///\xc3\xa9");
    fh_assert_span(r.text, "one");
    assert_true(r.version == -3 && r.line == 4 && r.character == 5 && r.has_text && !r.has_range);
    fh_assert_ok(parse(arena, "{\"params\":{\"contentChanges\":[{\"text\":\"a\"},{\"text\":\"b\"}],\"range\":{\"start\":{"
                              "\"line\":1,\"character\":2},\"end\":{\"line\":3,\"character\":4}},"
                              "\"deep\":[[{\"a\":[{}]}]]}}", &r));
    fh_assert_span(r.text, "b");
    assert_true(r.line == 1 && r.character == 2 && r.end_line == 3 && r.end_character == 4);
    assert_true(r.id.size == 0 && r.method.size == 0 && !r.has_range);
    fh_assert_ok(parse(arena, "{\"params\":{\"contentChanges\":[{\"range\":{},\"text\":\"a\"}]}}", &r));
    assert_true(r.has_range);
    fh_assert_ok(parse(arena, "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1}}}}}}}},"
                         "\"id\":5}",
                         &r));
    fh_assert_span(r.id, "5");
    fh_arena_free(arena);
}

static void test_refused(void **state) {
    static const struct {
        const char *body;
        fh_code code;
        const char *id;
    } cases[] = {
        {"", FH_CORRUPT, ""}, {"[]", FH_CORRUPT, ""}, {"{\"id\":1", FH_CORRUPT, "1"}, {"{} {}", FH_CORRUPT, ""},
        {"{\"id\":[1]}", FH_INVALID, ""}, {"{\"id\":true}", FH_INVALID, ""}, {"{\"id\":3,\"method\":4}", FH_INVALID, "3"},
        {"{\"params\":{\"position\":{\"line\":\"1\"}}}", FH_INVALID, ""},
        {"{\"params\":{\"position\":{\"line\":1e3}}}", FH_INVALID, ""},
        {"{\"params\":{\"textDocument\":{\"text\":1}}}", FH_INVALID, ""},
    };
    fh_arena *arena;
    fh_assert_ok(fh_arena_new(fh_test_allocator(state), NULL, &arena));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        deed_request r;
        fh_assert_code(parse(arena, cases[i].body, &r), cases[i].code);
        fh_assert_span(r.id, cases[i].id);
    }
    fh_arena_free(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_frames), FH_TEST_ALLOC(test_long_head), FH_TEST_ALLOC(test_requests),
                                       FH_TEST_ALLOC(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
