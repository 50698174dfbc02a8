/* test_moments_read.c: reports of memory as they are and as somebody may make them up: what is read, what is refused and where,
 * what a failing allocation leaves behind. */
#include "apps/moments.h"
#include "fh_test.h"

#define ROW "{\"kind\": \"pool\", \"name\": \"p\"}"
#define ONE(owners) "{\"freehold_memory\": 1, \"owners\": [" owners "]}"
#define MANY(moments) "{\"freehold_memory_report\": 1, \"moments\": [" moments "]}"

static void test_refused(void **state) {
    static const struct {
        const char *text;
        fh_code code;
        uint64_t offset;
        const char *said;
    } rows[] = {
        {"", FH_CORRUPT, 0, ""},
        {"[]", FH_CORRUPT, 0, "which is an object"},
        {"{}", FH_CORRUPT, 1, "first"},
        {"{\"owners\": []}", FH_CORRUPT, 1, "expected \"freehold_memory_report\" or \"freehold_memory\" first"},
        {"{\"freehold_memory\": 2}", FH_UNSUPPORTED, 1, "another version"},
        {"{\"freehold_memory\": 1.5}", FH_CORRUPT, 20, ""},
        {"{\"freehold_memory\": \"1\"}", FH_CORRUPT, 20, "whole number"},
        {"{\"freehold_memory\": 1} 2", FH_CORRUPT, 23, ""},
        {"{\"freehold_memory_report\": 1}", FH_CORRUPT, 28, "without moments"},
        {"{\"freehold_memory_report\": 9, \"moments\": []}", FH_UNSUPPORTED, 1, "another version"},
        {MANY(""), FH_CORRUPT, 43, "without moments"},
        {MANY("7"), FH_CORRUPT, 42, "a moment, which is an object"},
        {MANY("{}"), FH_CORRUPT, 43, "without \"memory\""},
        {MANY("{\"memory\": []}"), FH_CORRUPT, 53, "a report of memory, an object"},
        {MANY("{\"memory\": {}}"), FH_CORRUPT, 54, "without \"freehold_memory\""},
        {MANY("{\"memory\": {\"freehold_memory\": 1}, \"memory\": {}}"), FH_CORRUPT, 77, "a second \"memory\""},
        {"{\"freehold_memory\": 1, \"owners\": {}}", FH_CORRUPT, 33, "a list of owners"},
        {"{\"freehold_memory\": 1, \"owners\": [" ROW "], \"owners\": []}", FH_CORRUPT, 76, "a second list"},
        {"{\"freehold_memory\": 1, \"heap\": []}", FH_CORRUPT, 31, "an object"},
        {ONE("1"), FH_CORRUPT, 34, "an owner, which is an object"},
        {ONE("{}"), FH_CORRUPT, 35, "without a kind"},
        {ONE("{\"kind\": \"pool\"}"), FH_CORRUPT, 49, "without a name"},
        {ONE("{\"name\": \"pool\"}"), FH_CORRUPT, 49, "without a kind"},
        {ONE("{\"kind\": \"tool\"}"), FH_CORRUPT, 43, "expected a kind of owner: heap, pool"},
        {ONE("{\"kind\": 3}"), FH_CORRUPT, 43, "a kind of owner"},
        {ONE("{\"name\": 3}"), FH_CORRUPT, 43, "a text"},
        {ONE("{\"live\": -1}"), FH_LIMIT, 43, "from 0 to 2^50"},
        {ONE("{\"live\": 1125899906842625}"), FH_LIMIT, 43, "from 0 to 2^50"},
        {ONE("{\"live\": 99999999999999999999}"), FH_LIMIT, 43, ""},
        {ONE("{\"live\": 1e3}"), FH_CORRUPT, 43, ""},
        {ONE("{\"live\": true}"), FH_CORRUPT, 43, "whole number"},
        {ONE(ROW), FH_OK, 0, NULL},
        {ONE("{\"kind\": \"pool\", \"name\": \"p\", \"live\": 1125899906842624, \"new\": [{\"x\": null}]}"), FH_OK, 0, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fh_moments m;
        fh_err err = {0};
        fh_span text = fh_span_of_str(rows[i].text);
        fh_status s = fh_moments_read(fh_test_allocator(state), text, &m, &err);
        if (s.code != rows[i].code || (rows[i].said != NULL && err.offset_bytes != rows[i].offset))
            print_message("%s\n%s at %llu: %s\n", rows[i].text, fh_code_text(s.code), (unsigned long long)err.offset_bytes,
                          err.message);
        fh_assert_code(s, rows[i].code);
        if (rows[i].said != NULL) {
            fh_assert_err(&err, rows[i].code, rows[i].said);
            assert_int_equal(err.offset_bytes, rows[i].offset);
            assert_int_equal(m.count, 0);
        }
        fh_moments_deinit(&m);
        /* Cut short anywhere, nothing is accepted. */
        for (size_t size = 0; size < text.size && s.code == FH_OK; size++) {
            fh_assert_code(fh_moments_read(fh_test_allocator(state), fh_span_sub(text, 0, size), &m, NULL), FH_CORRUPT);
        }
    }
}

/* Everything that a report says arrives, and nothing of it is fit to steer anything. */
static void test_read(void **state) {
    fh_moments m;
    static const char text[] =
        MANY("{\"moment\": \"peak\", \"doing\": \"the\\nanswer\", \"memory\": {\"freehold_memory\": 1,"
             "\"heap\": {\"live\": 1, \"live_bytes\": 2, \"peak_bytes\": 3, \"allocs\": 4, \"failures\": 5},"
             "\"resident_peak_bytes\": 6, \"owners\": ["
             "{\"kind\": \"arena\", \"name\": \"\\u001b[31m\\u00e9\","
             "\"id\": 1, \"object_bytes\": 2,"
             "\"live\": 3, \"live_bytes\": 4,"
             "\"cached\": 5, \"cached_bytes\": 6, \"quarantined\": 7, \"quarantined_bytes\": 8, \"retired\": 9,"
             "\"retired_bytes\": 10, \"committed_bytes\": 30, \"reserved_bytes\": 12, \"heap_bytes\": 13, \"peak_bytes\": 14,"
             "\"refusals\": 15}]}}");
    fh_assert_ok(fh_moments_read(fh_test_allocator(state), fh_span_of_str(text), &m, NULL));
    assert_int_equal(m.count, 1);
    assert_string_equal(m.at[0].name.text, "peak");
    assert_string_equal(m.at[0].doing.text, "the?answer");
    const fh_memory *r = &m.at[0].memory;
    assert_true(r->heap.live == 1 && r->heap.live_bytes == 2 && r->heap.peak_bytes == 3 && r->heap.allocs == 4);
    assert_true(r->heap.failures == 5 && r->resident_peak_bytes == 6 && r->rows.count == 1);
    const fh_memory_row *row = fh_memory_rows_at(r->rows, 0);
    assert_string_equal(row->name.text, "?[31m??");
    assert_true(row->kind == FH_MEMORY_ARENA && row->id == 1 && row->object_bytes == 2);
    assert_true(row->live.count == 3 && row->live.bytes == 4 && row->cached.count == 5 && row->cached.bytes == 6);
    assert_true(row->quarantined.count == 7 && row->quarantined.bytes == 8);
    assert_true(row->retired.count == 9 && row->retired.bytes == 10);
    assert_true(row->committed_bytes == 30 && row->reserved_bytes == 12 && row->heap_bytes == 13);
    assert_true(row->peak_bytes == 14 && row->refusals == 15);
    assert_int_equal(fh_row_overhead(row), 2);
    fh_memory_row less = {.live = {1, 10}, .committed_bytes = 9}; /* read while it grew */
    assert_int_equal(fh_row_overhead(&less), 0);
    fh_moments_deinit(&m);
}

/* `count` owners in one moment, or `count` moments. */
static fh_buf many(bool owners, size_t count) {
    fh_buf text;
    fh_buf_init(&text, fh_heap(), 0);
    fh_assert_ok(fh_buf_put(&text, owners ? FH_LIT("{\"freehold_memory\": 1, \"owners\": [")
                                          : FH_LIT("{\"freehold_memory_report\": 1, \"moments\": [")));
    for (size_t i = 0; i < count; i++) {
        fh_assert_ok(fh_buf_put(&text, i == 0 ? FH_LIT("") : FH_LIT(",")));
        fh_assert_ok(owners ? fh_buf_format(&text, "{\"kind\": \"pool\", \"name\": \"\", \"committed_bytes\": %zu, "
                                                   "\"id\": %zu}", i * 7919 % 64, i)
                            : fh_buf_put(&text, FH_LIT("{\"memory\": " ONE(ROW) "}")));
    }
    fh_assert_ok(fh_buf_put(&text, FH_LIT("]}")));
    return text;
}

static void test_limits(void **state) {
    for (int owners = 0; owners < 2; owners++) {
        size_t most = owners ? FH_MOMENT_ROWS_MAX : FH_MOMENTS_MAX;
        for (size_t count = most; count <= most + 1; count++) {
            fh_buf text = many(owners, count);
            fh_moments m;
            fh_err err = {0};
            fh_status s = fh_moments_read(fh_test_allocator(state), fh_buf_view(&text), &m, &err);
            fh_assert_code(s, count == most ? FH_OK : FH_LIMIT);
            if (count == most)
                assert_int_equal(owners ? m.at[0].memory.rows.count : m.count, most);
            else
                fh_assert_err(&err, FH_LIMIT, "expected at most");
            fh_moments_deinit(&m);
            fh_buf_deinit(&text);
        }
    }
}

static void test_sort(void **state) {
    for (size_t count = 1; count < 200; count += 1 + count / 3) {
        fh_buf text = many(true, count);
        fh_moments m;
        fh_assert_ok(fh_moments_read(fh_test_allocator(state), fh_buf_view(&text), &m, NULL));
        uint64_t sum = fh_moment_sum(&m.at[0], 0).committed_bytes;
        fh_moment_sort(&m.at[0]);
        fh_memory_rows rows = m.at[0].memory.rows;
        assert_int_equal(rows.count, count);
        assert_int_equal(fh_moment_sum(&m.at[0], 0).committed_bytes, sum);
        for (size_t i = 1; i < count; i++) {
            const fh_memory_row *a = fh_memory_rows_at(rows, i - 1), *b = fh_memory_rows_at(rows, i);
            assert_true(a->committed_bytes > b->committed_bytes || (a->committed_bytes == b->committed_bytes && a->id < b->id));
        }
        fh_moments_deinit(&m);
        fh_buf_deinit(&text);
    }
}

static fh_status read_body(fh_allocator *a, void *arg) {
    fh_moments m;
    fh_buf out;
    fh_buf_init(&out, a, 0);
    fh_status s = fh_moments_read(a, *(fh_span *)arg, &m, NULL);
    if (!fh_failed(s))
        s = fh_moments_put(&m, &out);
    fh_moments_deinit(&m);
    fh_buf_deinit(&out);
    return s;
}

static void test_fail_each_alloc(void **state) {
    fh_buf text = many(true, 100);
    fh_span view = fh_buf_view(&text);
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), read_body, &view) >= 4);
    fh_buf_deinit(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_refused), FH_TEST_ALLOC(test_read), FH_TEST_ALLOC(test_limits),
        FH_TEST_ALLOC(test_sort),    FH_TEST_ALLOC(test_fail_each_alloc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
