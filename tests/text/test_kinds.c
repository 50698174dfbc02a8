/* test_kinds.c: stretches by the kinds of characters: by masks and one by one, in any set of classes. */
#include "freehold/utf8.h"
#include "scan_text.h"
#include "text/forms.h"
#include "text/pipe/kinds.h"
#include "text/unicode.h"

static void same(const fh_kinds *k, fh_masks_fn *masks, fh_span text) {
    fh_stretch room[2 * FH_MASK_BYTES];
    fh_stretchs out = {room, FH_MASK_BYTES + text.size % FH_MASK_BYTES};
    size_t at = 0, begin = 0;
    while (at < text.size) {
        size_t count = fh_kinds_cut(k, masks, text, &at, out);
        assert_true(count > 0 && count <= out.count);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(room[i].begin, begin);
            assert_true(room[i].end > begin && room[i].end <= text.size);
            size_t chars = 0;
            for (; begin < room[i].end; chars++) {
                fh_rune r = fh_utf8_next(text, begin);
                assert_int_equal(fh_kinds_of(k, r.code), room[i].kind);
                begin += r.size;
            }
            assert_int_equal(begin, room[i].end);
            assert_true(room[i].kind != FH_KIND_ALONE || chars == 1);
            /* the next one is not of this kind */
            if (begin < text.size && room[i].kind != FH_KIND_ALONE)
                assert_int_not_equal(fh_kinds_of(k, fh_utf8_next(text, begin).code), room[i].kind);
        }
        assert_int_equal(begin, at);
    }
}

static void test_random(void **state) {
    (void)state;
    fh_masks_fn *const fn[] = {fh_masks_plain, fh_masks_best()};
    fh_test_rng rng = fh_test_rng_new(31);
    uint8_t text[300];
    for (size_t round = 0; round < 20000; round++) {
        size_t size = fh_scan_text(&rng, text, 1 + fh_test_rng_below(&rng, sizeof text), round % 2 == 0);
        uint64_t bits = fh_test_rng_next(&rng);
        fh_kinds k = {(fh_kind)(bits & 3), (fh_kind)(bits >> 2 & 3), (fh_kind)(bits >> 4 & 3), (fh_kind)(bits >> 6 & 3),
                      (bits >> 8 & 1) != 0};
        if (round % 4 == 3)
            k = (fh_kinds){.space = FH_KIND_DROP};
        same(&k, fn[round / 2 % 2], (fh_span){text, size});
    }
}

/* The order of the classes, and all of ASCII. */
static void test_classes(void **state) {
    (void)state;
    fh_kinds all = {.space = FH_KIND_DROP, .punct = FH_KIND_ALONE, .number = FH_KIND_RUN, .word = FH_KIND_RUN};
    uint8_t text[128];
    for (uint32_t c = 0; c < 128; c++) {
        bool space = (c >= 9 && c <= 13) || c == ' ', alnum = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
        bool control = c < 32 || c == 127;
        fh_kind expected = space ? FH_KIND_DROP : control ? FH_KIND_REST : alnum ? FH_KIND_RUN : FH_KIND_ALONE;
        assert_int_equal(fh_kinds_of(&all, c), expected);
        text[c] = (uint8_t)c;
    }
    for (size_t from = 0; from < 128; from++)
        same(&all, fh_masks_best(), (fh_span){text + from, 128 - from});
    fh_kinds words = {.word = FH_KIND_RUN};
    assert_int_equal(fh_kinds_of(&words, '_'), FH_KIND_RUN);
    assert_int_equal(fh_kinds_of(&words, ' '), FH_KIND_REST);
    assert_int_equal(fh_kinds_of(&words, 0x0301), FH_KIND_RUN);
    fh_kinds numbers = {.number = FH_KIND_RUN};
    assert_int_equal(fh_kinds_of(&numbers, 0x2167), FH_KIND_RUN);
    assert_int_equal(fh_kinds_of(&numbers, 'x'), FH_KIND_REST);
}

/* Chinese stands alone before anything else counts, and what decomposes to it, or lowers to it, is it. */
static void test_chinese(void **state) {
    fh_kinds bert = {.space = FH_KIND_DROP, .punct = FH_KIND_ALONE, .chinese = true}, plain = bert;
    plain.chinese = false;
    fh_marks_list room;
    fh_marks_list_init(&room, fh_test_allocator(state));
    for (uint32_t c = 0x80; c < 0x110000; c++) {
        uint8_t bytes[4] = {0};
        bool chinese = fh_unicode_is_chinese(c);
        if (c >= 0xd800 && c < 0xe000)
            continue;
        assert_int_equal(fh_kinds_of(&bert, c), chinese ? FH_KIND_ALONE : fh_kinds_of(&plain, c));
        fh_assert_ok(fh_form_put(FH_FORM_NFD, (fh_span){bytes, fh_utf8_put(c, bytes)}, &room));
        for (size_t i = 0; i < room.count; i++)
            assert_true(fh_unicode_is_chinese(fh_unicode_lower(fh_marks_get(room.items, i).code)) == chinese);
        assert_true(!chinese || room.count == 1);
    }
    fh_marks_list_deinit(&room);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random), cmocka_unit_test(test_classes),
                                       FH_TEST_ALLOC(test_chinese)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
