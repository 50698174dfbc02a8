/* test_report.c: each format of a memory report, byte for byte, and what a full buffer leaves behind. */
#include "fh_test.h"

#include <string.h>

#include "freehold/memory.h"

static void sample(fh_memory_row rows[2], fh_memory *m) {
    rows[0] = (fh_memory_row){.kind = FH_MEMORY_HEAP, .live = {0, 900}, .committed_bytes = 900, .reserved_bytes = 900,
                              .heap_bytes = 900};
    rows[1] = (fh_memory_row){.kind = FH_MEMORY_POOL, .id = 7, .object_bytes = 64, .live = {2, 128}, .cached = {3, 192},
                              .quarantined = {1, 64}, .retired = {4, 256}, .committed_bytes = 4096,
                              .reserved_bytes = UINT64_MAX, .heap_bytes = 100, .peak_bytes = 320, .refusals = 5};
    rows[0].name = fh_memory_label_of(FH_LIT("other blocks"));
    rows[1].name = fh_memory_label_of(FH_LIT("a \"b\" \\c"));
    *m = (fh_memory){.rows = {rows, 2},
                     .heap = {.live = 9, .live_bytes = 1000, .peak_bytes = 2000, .allocs = 11, .failures = 1},
                     .resident_peak_bytes = 123456};
}

static const char text[] =
    "kind   name                     object_bytes       live     live_bytes   cached_bytes    quarantined        retired"
    "      committed         reserved   refusals\n"
    "heap   other blocks                        0          0            900              0              0              0"
    "            900              900          0\n"
    "pool   a \"b\" \\c                           64          2            128            192             64            256"
    "           4096 18446744073709551615          5\n"
    "committed 4996 bytes, heap 9 blocks of 1000 bytes (peak 2000), process at most 123456 bytes\n";

static const char json[] =
    "{\n"
    "  \"freehold_memory\": 1,\n"
    "  \"heap\": {\"live\": 9, \"live_bytes\": 1000, \"peak_bytes\": 2000, \"allocs\": 11, \"failures\": 1},\n"
    "  \"resident_peak_bytes\": 123456,\n"
    "  \"committed_bytes\": 4996,\n"
    "  \"owners\": [\n"
    "    {\"kind\": \"heap\", \"name\": \"other blocks\", \"id\": 0, \"object_bytes\": 0, \"live\": 0, \"live_bytes\": 900,"
    " \"cached\": 0, \"cached_bytes\": 0, \"quarantined\": 0, \"quarantined_bytes\": 0, \"retired\": 0, \"retired_bytes\": 0,"
    " \"committed_bytes\": 900, \"reserved_bytes\": 900, \"heap_bytes\": 900, \"peak_bytes\": 0, \"refusals\": 0},\n"
    "    {\"kind\": \"pool\", \"name\": \"a \\\"b\\\" \\\\c\", \"id\": 7, \"object_bytes\": 64,"
    " \"live\": 2, \"live_bytes\": 128,"
    " \"cached\": 3, \"cached_bytes\": 192, \"quarantined\": 1, \"quarantined_bytes\": 64, \"retired\": 4,"
    " \"retired_bytes\": 256,"
    " \"committed_bytes\": 4096, \"reserved_bytes\": 18446744073709551615, \"heap_bytes\": 100, \"peak_bytes\": 320,"
    " \"refusals\": 5}\n"
    "  ]\n"
    "}\n";

static const char prometheus[] =
    "# HELP freehold_memory_bytes Memory of an owner by state; reserved includes committed.\n"
    "# TYPE freehold_memory_bytes gauge\n"
    "freehold_memory_bytes{kind=\"heap\",name=\"other blocks\",id=\"0\",state=\"live\"} 900\n"
    "freehold_memory_bytes{kind=\"heap\",name=\"other blocks\",id=\"0\",state=\"cached\"} 0\n"
    "freehold_memory_bytes{kind=\"heap\",name=\"other blocks\",id=\"0\",state=\"quarantined\"} 0\n"
    "freehold_memory_bytes{kind=\"heap\",name=\"other blocks\",id=\"0\",state=\"retired\"} 0\n"
    "freehold_memory_bytes{kind=\"heap\",name=\"other blocks\",id=\"0\",state=\"committed\"} 900\n"
    "freehold_memory_bytes{kind=\"heap\",name=\"other blocks\",id=\"0\",state=\"reserved\"} 900\n"
    "freehold_memory_bytes{kind=\"pool\",name=\"a \\\"b\\\" \\\\c\",id=\"7\",state=\"live\"} 128\n"
    "freehold_memory_bytes{kind=\"pool\",name=\"a \\\"b\\\" \\\\c\",id=\"7\",state=\"cached\"} 192\n"
    "freehold_memory_bytes{kind=\"pool\",name=\"a \\\"b\\\" \\\\c\",id=\"7\",state=\"quarantined\"} 64\n"
    "freehold_memory_bytes{kind=\"pool\",name=\"a \\\"b\\\" \\\\c\",id=\"7\",state=\"retired\"} 256\n"
    "freehold_memory_bytes{kind=\"pool\",name=\"a \\\"b\\\" \\\\c\",id=\"7\",state=\"committed\"} 4096\n"
    "freehold_memory_bytes{kind=\"pool\",name=\"a \\\"b\\\" \\\\c\",id=\"7\",state=\"reserved\"} 18446744073709551615\n"
    "# HELP freehold_memory_objects Objects of an owner by state.\n"
    "# TYPE freehold_memory_objects gauge\n"
    "freehold_memory_objects{kind=\"heap\",name=\"other blocks\",id=\"0\",state=\"live\"} 0\n"
    "freehold_memory_objects{kind=\"heap\",name=\"other blocks\",id=\"0\",state=\"cached\"} 0\n"
    "freehold_memory_objects{kind=\"heap\",name=\"other blocks\",id=\"0\",state=\"quarantined\"} 0\n"
    "freehold_memory_objects{kind=\"heap\",name=\"other blocks\",id=\"0\",state=\"retired\"} 0\n"
    "freehold_memory_objects{kind=\"pool\",name=\"a \\\"b\\\" \\\\c\",id=\"7\",state=\"live\"} 2\n"
    "freehold_memory_objects{kind=\"pool\",name=\"a \\\"b\\\" \\\\c\",id=\"7\",state=\"cached\"} 3\n"
    "freehold_memory_objects{kind=\"pool\",name=\"a \\\"b\\\" \\\\c\",id=\"7\",state=\"quarantined\"} 1\n"
    "freehold_memory_objects{kind=\"pool\",name=\"a \\\"b\\\" \\\\c\",id=\"7\",state=\"retired\"} 4\n"
    "# HELP freehold_memory_peak_bytes The most bytes of an owner that were ever live.\n"
    "# TYPE freehold_memory_peak_bytes gauge\n"
    "freehold_memory_peak_bytes{kind=\"heap\",name=\"other blocks\",id=\"0\"} 0\n"
    "freehold_memory_peak_bytes{kind=\"pool\",name=\"a \\\"b\\\" \\\\c\",id=\"7\"} 320\n"
    "# HELP freehold_memory_refusals_total Calls that an owner refused.\n"
    "# TYPE freehold_memory_refusals_total counter\n"
    "freehold_memory_refusals_total{kind=\"heap\",name=\"other blocks\",id=\"0\"} 0\n"
    "freehold_memory_refusals_total{kind=\"pool\",name=\"a \\\"b\\\" \\\\c\",id=\"7\"} 5\n"
    "# HELP freehold_heap_blocks Blocks of the process heap.\n"
    "# TYPE freehold_heap_blocks gauge\n"
    "freehold_heap_blocks 9\n"
    "# HELP freehold_heap_bytes Their bytes.\n"
    "# TYPE freehold_heap_bytes gauge\n"
    "freehold_heap_bytes 1000\n"
    "# HELP freehold_heap_peak_bytes The most bytes there ever were.\n"
    "# TYPE freehold_heap_peak_bytes gauge\n"
    "freehold_heap_peak_bytes 2000\n"
    "# HELP freehold_heap_allocs_total Blocks ever allocated.\n"
    "# TYPE freehold_heap_allocs_total counter\n"
    "freehold_heap_allocs_total 11\n"
    "# HELP freehold_heap_failures_total Allocations that failed.\n"
    "# TYPE freehold_heap_failures_total counter\n"
    "freehold_heap_failures_total 1\n"
    "# HELP freehold_resident_peak_bytes The largest the process ever was.\n"
    "# TYPE freehold_resident_peak_bytes gauge\n"
    "freehold_resident_peak_bytes 123456\n";

static const char *const formats[] = {text, json, prometheus};

static void test_formats(void **state) {
    fh_memory_row rows[2];
    fh_memory m;
    sample(rows, &m);
    for (int format = 0; format < 3; format++) {
        fh_buf out;
        fh_buf_init(&out, fh_test_allocator(state), 0);
        fh_assert_ok(fh_memory_format(&m, (fh_report_format)format, &out));
        fh_assert_span(fh_buf_view(&out), formats[format]);
        fh_buf_deinit(&out);
    }
    fh_buf out;
    fh_buf_init(&out, fh_test_allocator(state), 0);
    fh_assert_code(fh_memory_format(&m, (fh_report_format)3, &out), FH_INVALID);
    fh_buf_deinit(&out);
}

/* With any limit that is too small, what was there stays, and nothing is added. */
static void test_limits(void **state) {
    fh_memory_row rows[2];
    fh_memory m;
    sample(rows, &m);
    for (int format = 0; format < 3; format++) {
        for (size_t limit = 3; limit <= 3 + strlen(formats[format]); limit++) {
            fh_buf out;
            fh_buf_init(&out, fh_test_allocator(state), limit);
            fh_assert_ok(fh_buf_put(&out, FH_LIT("was")));
            bool fits = limit == 3 + strlen(formats[format]);
            fh_assert_code(fh_memory_format(&m, (fh_report_format)format, &out), fits ? FH_OK : FH_LIMIT);
            assert_true(fits || out.size == 3);
            fh_buf_deinit(&out);
        }
    }
}

static fh_status report(fh_allocator *a, void *arg) {
    fh_buf out;
    (void)arg;
    fh_buf_init(&out, a, 0);
    fh_status s = fh_memory_report(FH_REPORT_JSON, &out);
    fh_buf_deinit(&out);
    return s;
}

/* A report of this process: the buffer that it is written to does not show in it. */
static void test_report(void **state) {
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), report, NULL) >= 2);
    fh_buf first, second;
    fh_buf_init(&first, fh_heap(), 0);
    fh_assert_ok(fh_buf_reserve(&first, 100000));
    fh_assert_ok(fh_memory_report(FH_REPORT_TEXT, &first));
    fh_buf_init(&second, fh_test_allocator(state), 0);
    size_t line = fh_span_find(fh_buf_view(&first), FH_LIT(" blocks of "), 0);
    assert_true(line != SIZE_MAX);
    fh_alloc_stats heap = fh_heap_stats();
    fh_assert_ok(fh_buf_format(&second, "heap %llu blocks of %llu bytes", (unsigned long long)heap.live - 1,
                               (unsigned long long)heap.live_bytes - 100001));
    assert_true(fh_span_find(fh_buf_view(&first), fh_buf_view(&second), 0) != SIZE_MAX);
    fh_buf_deinit(&second);
    fh_buf_deinit(&first);
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_formats), FH_TEST_ALLOC(test_limits), FH_TEST_ALLOC(test_report)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
