/* test_reqrep.c: REQ and REP after RFC 28: whose message is taken, what is kept, what is put in front. */
#include "fh_test.h"

#include "proto/reqrep.h"

static fh_part_use req(fh_req *r, uint32_t peer, const char *part, bool more) {
    return fh_req_part(r, peer, fh_span_of_str(part), more);
}

/* "SHALL send and then receive exactly one message at a time"; "SHALL accept an incoming message only from the last peer
 * that it sent a request to"; "SHALL discard silently any messages received from other peers". */
static void test_28_req(void **state) {
    (void)state;
    fh_req r = {0};
    assert_int_equal(req(&r, 1, "", true), FH_PART_DISCARD);
    fh_assert_ok(fh_req_sent(&r, 1));
    fh_assert_code(fh_req_sent(&r, 2), FH_INVALID);
    assert_int_equal(req(&r, 2, "", true), FH_PART_DISCARD);
    assert_int_equal(req(&r, 2, "no", false), FH_PART_DISCARD);
    assert_int_equal(req(&r, 1, "no delimiter", true), FH_PART_DISCARD);
    assert_int_equal(req(&r, 1, "", true), FH_PART_DISCARD);
    assert_int_equal(req(&r, 1, "x", false), FH_PART_DISCARD);
    assert_int_equal(req(&r, 1, "", false), FH_PART_DISCARD); /* a delimiter alone is no answer */
    assert_true(r.waits);
    assert_int_equal(req(&r, 1, "", true), FH_PART_DISCARD);
    assert_int_equal(req(&r, 1, "a", true), FH_PART_DELIVER);
    assert_int_equal(req(&r, 2, "b", false), FH_PART_DISCARD);
    assert_int_equal(req(&r, 1, "", true), FH_PART_DELIVER);
    assert_int_equal(req(&r, 1, "c", false), FH_PART_DELIVER);
    assert_int_equal(req(&r, 1, "late", false), FH_PART_DISCARD);
    fh_assert_ok(fh_req_sent(&r, 2));
    fh_req_peer_gone(&r, 1);
    fh_assert_code(fh_req_sent(&r, 1), FH_INVALID);
    fh_req_peer_gone(&r, 2);
    fh_assert_ok(fh_req_sent(&r, 1));
}

static fh_part_use rep(fh_rep *r, const char *part, bool more) {
    fh_part_use use;
    fh_bytes bytes = {NULL, fh_span_of_str(part)};
    fh_assert_ok(fh_rep_part(r, 9, bytes, more, &use));
    return use;
}

/* "SHALL remove and store the address envelope, including the delimiter"; "SHALL pass the remaining data frames to its calling
 * application"; "SHALL prepend the address envelope and delimiter". */
static void test_28_rep(void **state) {
    fh_rep r;
    fh_bytes out;
    fh_part_use use;
    fh_rep_init(&r, fh_test_allocator(state), 3);
    assert_false(fh_rep_next_address(&r, &out));
    assert_int_equal(rep(&r, "", false), FH_PART_DISCARD);
    assert_int_equal(rep(&r, "a", true), FH_PART_KEEP);
    assert_int_equal(rep(&r, "no delimiter", false), FH_PART_DISCARD);
    for (int i = 0; i < 3; i++)
        assert_int_equal(rep(&r, "a", true), FH_PART_KEEP);
    assert_int_equal(rep(&r, "too many", true), FH_PART_DISCARD);
    assert_int_equal(rep(&r, "", true), FH_PART_DISCARD);
    assert_int_equal(rep(&r, "x", false), FH_PART_DISCARD);
    assert_int_equal(rep(&r, "a", true), FH_PART_KEEP);
    assert_int_equal(rep(&r, "b", true), FH_PART_KEEP);
    assert_int_equal(rep(&r, "", true), FH_PART_KEEP);
    assert_int_equal(rep(&r, "", true), FH_PART_DELIVER);
    assert_false(fh_rep_next_address(&r, &out)); /* not before the whole request is there */
    assert_int_equal(rep(&r, "body", false), FH_PART_DELIVER);
    fh_assert_code(fh_rep_part(&r, 9, (fh_bytes){NULL, FH_LIT("")}, true, &use), FH_INVALID);
    assert_int_equal(r.peer, 9);
    static const char *const envelope[] = {"a", "b", ""};
    for (size_t i = 0; i < 3; i++) {
        assert_true(fh_rep_next_address(&r, &out));
        fh_assert_span(out.span, envelope[i]);
        fh_bytes_drop(&out);
    }
    assert_false(fh_rep_next_address(&r, &out));
    fh_rep_answered(&r);
    assert_int_equal(rep(&r, "", true), FH_PART_KEEP);
    assert_int_equal(rep(&r, "again", false), FH_PART_DELIVER);
    fh_rep_answered(&r); /* without an answer: nothing of the envelope is left */
    assert_int_equal(r.envelope.count, 0);
    assert_int_equal(rep(&r, "kept", true), FH_PART_KEEP);
    fh_rep_deinit(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_28_req), FH_TEST_ALLOC(test_28_rep)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
