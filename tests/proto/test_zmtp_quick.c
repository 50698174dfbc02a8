/* test_zmtp_quick.c: the short road writes what the long one writes, takes what the long one takes, and leaves the rest to it
 * (zmtp_quick.h). That streams cut anywhere give the same events is test_zmtp.c's. */
#include "mem/count.h"
#include "mem/bytes_owner.h"
#include "proto/zmtp_quick.h"
#include "zmtp_streams.h"

static const fh_zmtp_options DEALER = {.socket = FH_ZMTP_DEALER};
static uint8_t lot[FH_ZMTP_PACK_MAX + 1];

static fh_span first_bytes(size_t size) {
    for (size_t i = 0; i < sizeof lot; i++)
        lot[i] = (uint8_t)(i * 5 + 1);
    return (fh_span){lot, size};
}

/* --- out ------------------------------------------------------------------------------------------------------------------ */

static void test_same_bytes(void **state) {
    scene s = scene_connected(state, DEALER, 1, "ROUTER"), t = scene_connected(state, DEALER, 1, "ROUTER");
    for (size_t size = 0; size <= FH_ZMTP_PACK_MAX;) {
        fh_zmtp_pack p;
        assert_true(fh_zmtp_pack_begin(t.e.z, 5000, &p));
        for (size_t begun = size; size <= FH_ZMTP_PACK_MAX && fh_zmtp_pack_put(&p, first_bytes(size)); size++) {
            fh_bytes body = {NULL, first_bytes(size)};
            fh_assert_ok(fh_zmtp_send(s.e.z, &body, false));
            assert_true(size - begun < 4000);
        }
        fh_zmtp_pack_end(t.e.z, p.used);
        assert_int_equal(fh_zmtp_out_bytes(s.e.z), fh_zmtp_out_bytes(t.e.z));
        take_out(&s.e);
        take_out(&t.e);
        assert_true(p.used <= 5000);
    }
    assert_true(fh_span_equal(fh_buf_view(&s.e.out), fh_buf_view(&t.e.out)));
    scene_free(&s);
    scene_free(&t);
}

static void test_room(void **state) {
    scene s = scene_connected(state, DEALER, 1, "ROUTER");
    fh_zmtp_pack p;
    assert_true(fh_zmtp_pack_begin(s.e.z, 0, &p)); /* one at least, of any size */
    assert_false(fh_zmtp_pack_put(&p, first_bytes(FH_ZMTP_PACK_MAX + 1)));
    assert_true(fh_zmtp_pack_put(&p, first_bytes(FH_ZMTP_PACK_MAX)));
    assert_false(fh_zmtp_pack_put(&p, first_bytes(0)));
    fh_zmtp_pack_end(s.e.z, p.used);
    assert_int_equal(fh_zmtp_out_bytes(s.e.z), 9 + FH_ZMTP_PACK_MAX);
    assert_true(fh_zmtp_pack_begin(s.e.z, SIZE_MAX, &p)); /* nothing was to be said after all */
    assert_true(p.room.size > 2 * FH_ZMTP_PACK_MAX);
    assert_false(fh_zmtp_pack_put(&p, first_bytes(FH_ZMTP_PACK_MAX + 1)));
    fh_zmtp_pack_end(s.e.z, p.used);
    assert_int_equal(fh_zmtp_out_bytes(s.e.z), 9 + FH_ZMTP_PACK_MAX);
    scene_free(&s);
}

static bool begins(scene *s) {
    fh_zmtp_pack p;
    bool can = fh_zmtp_pack_begin(s->e.z, 100, &p);
    assert_true(can ? p.room.size >= FH_ZMTP_PACK_MAX : p.room.size == 0);
    if (can)
        fh_zmtp_pack_end(s->e.z, 0);
    return can;
}

/* Where the long road would say no, or something else than a frame of its own in clear text. */
static void test_begins(void **state) {
    scene s = scene_new(state, DEALER);
    assert_false(begins(&s)); /* no traffic yet */
    put_greeting(&s.wire, 3, 1, "NULL", false);
    put_ready(&s.wire, "READY", "ROUTER", NULL);
    scene_play(&s);
    assert_true(begins(&s));
    fh_bytes body = {NULL, FH_LIT("first")};
    fh_assert_ok(fh_zmtp_send(s.e.z, &body, true));
    assert_false(begins(&s)); /* amid a message */
    body.span = FH_LIT("last");
    fh_assert_ok(fh_zmtp_send(s.e.z, &body, false));
    assert_true(begins(&s));
    hear(&s.e, FH_LIT("\x40\1x"));
    assert_false(begins(&s)); /* a fault */
    scene_free(&s);
    s = scene_connected(state, (fh_zmtp_options){.socket = FH_ZMTP_RADIO}, 1, "DISH");
    assert_false(begins(&s));
    scene_free(&s);
    s = scene_new(state, DEALER);
    hear(&s.e, FH_LIT("\3\0id")); /* 1.0 */
    assert_false(begins(&s));
    scene_free(&s);
    s = scene_connected(state, (fh_zmtp_options){.socket = FH_ZMTP_DEALER, .limits = {.message_bytes = 1023}}, 1, "ROUTER");
    assert_false(begins(&s));
    scene_free(&s);
    s = scene_connected(state, (fh_zmtp_options){.socket = FH_ZMTP_DEALER, .limits = {.out_bytes = 10}}, 1, "ROUTER");
    body.span = FH_LIT("12345678");
    assert_true(begins(&s));
    fh_assert_ok(fh_zmtp_send(s.e.z, &body, false));
    assert_false(begins(&s)); /* ten bytes wait */
    scene_free(&s);
    static uint8_t large[3000];
    s = scene_connected(state, (fh_zmtp_options){.socket = FH_ZMTP_DEALER, .limits = {.out_pieces = 2}}, 1, "ROUTER");
    body.span = (fh_span){large, sizeof large};
    assert_true(begins(&s));
    fh_assert_ok(fh_zmtp_send(s.e.z, &body, false));
    assert_false(begins(&s)); /* a head and a body wait */
    scene_free(&s);
}

/* Without memory nothing has changed, and the long road says why. */
static void test_no_pages(void **state) {
    scene s = scene_connected(state, DEALER, 1, "ROUTER");
    fh_slab slabs[FH_PAGES_MAX / 64];
    size_t count = 0;
    while (!fh_failed(fh_slab_alloc(s.pages, FH_PAGE_BYTES, &slabs[count])))
        count++;
    assert_false(begins(&s));
    while (count != 0)
        fh_assert_ok(fh_slab_release(s.pages, &slabs[--count]));
    assert_true(begins(&s));
    scene_free(&s);
}

/* --- in ------------------------------------------------------------------------------------------------------------------- */

static void feed(scene *s, fh_span bytes) {
    fh_bytes in;
    fh_assert_ok(fh_page_source_copy(s->pages, bytes, &in));
    fh_assert_ok(fh_zmtp_feed(s->e.z, 0, &in));
}

static void assert_part(scene *s, const char *text) {
    fh_bytes body;
    assert_true(fh_zmtp_next_part(s->e.z, &body));
    fh_assert_span(body.span, text);
    fh_bytes_drop(&body);
}

static void assert_no_part(scene *s) {
    fh_bytes body;
    assert_false(fh_zmtp_next_part(s->e.z, &body));
    assert_true(body.owner == NULL && body.span.size == 0);
}

/* Takes what is alone and whole; leaves all else, at every byte where it may be cut, untouched. */
static void test_next_part(void **state) {
    scene s = scene_connected(state, DEALER, 1, "ROUTER");
    fh_zmtp_event event;
    assert_no_part(&s);
    feed(&s, FH_LIT("\0\3one\0\0\2\0\0\0\0\0\0\0\5three\1\1A\0\1B\0\4four\0"));
    assert_part(&s, "one");
    assert_part(&s, "");
    assert_part(&s, "three");
    assert_no_part(&s); /* one of two */
    fh_assert_ok(fh_zmtp_next(s.e.z, &event, NULL));
    assert_true(event.more);
    fh_zmtp_event_drop(&event);
    assert_no_part(&s); /* the other was not told yet */
    fh_assert_ok(fh_zmtp_next(s.e.z, &event, NULL));
    fh_assert_span(event.body.span, "B");
    fh_zmtp_event_drop(&event);
    assert_part(&s, "four");
    assert_no_part(&s);
    fh_assert_code(fh_zmtp_next(s.e.z, &event, NULL), FH_AGAIN);
    feed(&s, FH_LIT("\4five\0\3si"));
    assert_no_part(&s); /* its head was begun */
    fh_assert_ok(fh_zmtp_next(s.e.z, &event, NULL));
    fh_assert_span(event.body.span, "five");
    fh_zmtp_event_drop(&event);
    assert_no_part(&s);
    fh_assert_code(fh_zmtp_next(s.e.z, &event, NULL), FH_AGAIN);
    feed(&s, FH_LIT("x\0\5seven\2\0\0\0\0\0\0\0"));
    fh_assert_ok(fh_zmtp_next(s.e.z, &event, NULL));
    fh_assert_span(event.body.span, "six");
    fh_zmtp_event_drop(&event);
    assert_part(&s, "seven");
    assert_no_part(&s); /* a long head of eight bytes */
    fh_assert_code(fh_zmtp_next(s.e.z, &event, NULL), FH_AGAIN);
    scene_free(&s);
}

/* What has to be judged is judged by the long road. */
static void test_judged(void **state) {
    scene s = scene_connected(state, (fh_zmtp_options){.socket = FH_ZMTP_DEALER, .limits = {.frame_bytes = 5}}, 1, "ROUTER");
    feed(&s, FH_LIT("\0\5fives\0\6sixsix"));
    assert_part(&s, "fives");
    assert_no_part(&s);
    listen_to(&s.e);
    fh_assert_code(s.e.last, FH_LIMIT);
    assert_no_part(&s);
    scene_free(&s);
    s = scene_connected(state, (fh_zmtp_options){.socket = FH_ZMTP_DEALER, .limits = {.message_bytes = 5}}, 1, "ROUTER");
    feed(&s, FH_LIT("\0\6sixsix"));
    assert_no_part(&s);
    listen_to(&s.e);
    fh_assert_code(s.e.last, FH_LIMIT);
    scene_free(&s);
    s = scene_connected(state, (fh_zmtp_options){.socket = FH_ZMTP_XPUB}, 1, "SUB");
    feed(&s, FH_LIT("\0\2\1A"));
    assert_no_part(&s); /* a subscription */
    listen_to(&s.e);
    scene_free(&s);
    s = scene_connected(state, (fh_zmtp_options){.socket = FH_ZMTP_DISH}, 1, "RADIO");
    feed(&s, FH_LIT("\0\1g"));
    assert_no_part(&s); /* a group without a message */
    listen_to(&s.e);
    scene_free(&s);
}

/* The whole of what was fed is not kept by what is in store: it goes with its last part. */
static void test_lets_go(void **state) {
    scene s = scene_connected(state, DEALER, 1, "ROUTER");
    fh_bytes in, first, second;
    fh_assert_ok(fh_bytes_copy(fh_test_allocator(state), FH_LIT("\0\3one\0\3two"), &in));
    fh_bytes_owner *owner = in.owner;
    fh_assert_ok(fh_zmtp_feed(s.e.z, 0, &in));
    assert_true(fh_zmtp_next_part(s.e.z, &first) && first.owner == owner);
    assert_true(fh_zmtp_next_part(s.e.z, &second));
    assert_int_equal(fh_count_refs(owner->count), 2);
    fh_bytes_drop(&first);
    fh_bytes_drop(&second); /* the allocator counts what is left */
    feed(&s, FH_LIT("\0\3one\0\3two"));
    assert_part(&s, "one");
    scene_free(&s); /* amid what was fed */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_same_bytes), FH_TEST_ALLOC(test_room),   FH_TEST_ALLOC(test_begins),  FH_TEST_ALLOC(test_no_pages),
        FH_TEST_ALLOC(test_next_part),  FH_TEST_ALLOC(test_judged), FH_TEST_ALLOC(test_lets_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
