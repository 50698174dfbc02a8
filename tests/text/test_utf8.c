/* test_utf8.c: UTF-8 against the definition of RFC 3629. */
#include "freehold/utf8.h"
#include "support/fh_test.h"

/* RFC 3629 by the letter: the sequence of a code point, or 0 for none. */
static size_t by_definition(uint32_t code, uint8_t out[4]) {
    if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
        return 0;
    if (code < 0x80)
        return out[0] = (uint8_t)code, 1;
    if (code < 0x800)
        return out[0] = (uint8_t)(0xc0 | code >> 6), out[1] = (uint8_t)(0x80 | (code & 63)), 2;
    if (code < 0x10000)
        return out[0] = (uint8_t)(0xe0 | code >> 12), out[1] = (uint8_t)(0x80 | (code >> 6 & 63)),
               out[2] = (uint8_t)(0x80 | (code & 63)), 3;
    return out[0] = (uint8_t)(0xf0 | code >> 18), out[1] = (uint8_t)(0x80 | (code >> 12 & 63)),
           out[2] = (uint8_t)(0x80 | (code >> 6 & 63)), out[3] = (uint8_t)(0x80 | (code & 63)), 4;
}

static void test_every_code_point(void **state) {
    (void)state;
    for (uint32_t code = 0; code <= 0x10ffff; code++) {
        uint8_t expected[4], got[4];
        size_t size = by_definition(code, expected);
        if (size == 0)
            continue;
        fh_span text = {expected, size};
        fh_rune r = fh_utf8_next(text, 0);
        if (!r.valid || r.code != code || r.size != size || fh_utf8_put(code, got) != size ||
            !fh_span_equal((fh_span){got, size}, text) || !fh_utf8_valid(text))
            fail_msg("code point U+%04X", code);
        /* Each cut of it is unfinished, and one bad byte when read. */
        for (size_t cut = 1; cut < size; cut++) {
            assert_int_equal(fh_utf8_complete(fh_span_sub(text, 0, cut)), 0);
            r = fh_utf8_next(fh_span_sub(text, 0, cut), 0);
            assert_true(!r.valid && r.size == 1 && r.code == 0xfffd);
        }
        assert_int_equal(fh_utf8_complete(text), size);
    }
}

static void test_refused(void **state) {
    (void)state;
    const fh_span bad[] = {
        FH_LIT("\x80"),     /* continuation alone */
        FH_LIT("\xc0\x80"), /* overlong NUL */
        FH_LIT("\xc1\xbf"),
        FH_LIT("\xe0\x80\x80"),
        FH_LIT("\xe0\x9f\xbf"), /* overlong */
        FH_LIT("\xf0\x8f\xbf\xbf"),
        FH_LIT("\xf0\x80\x80\x80"),
        FH_LIT("\xed\xa0\x80"),
        FH_LIT("\xed\xbf\xbf"), /* surrogates */
        FH_LIT("\xf4\x90\x80\x80"),
        FH_LIT("\xf5\x80\x80\x80"),
        FH_LIT("\xff"), /* above U+10FFFF */
        FH_LIT("\xc3("),
        FH_LIT("\xe2\x82("),
        FH_LIT("\xf0\x9f\x92("),
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fh_rune r = fh_utf8_next(bad[i], 0);
        if (r.valid || r.size != 1 || r.code != 0xfffd || fh_utf8_valid(bad[i]))
            fail_msg("case %zu is taken for UTF-8", i);
    }
}

/* What may be shown now: a malformed sequence will never be finished, so it is shown. */
static void test_complete(void **state) {
    (void)state;
    const struct {
        fh_span text;
        size_t complete;
    } cases[] = {
        {FH_LIT(""), 0},
        {FH_LIT("abc"), 3},
        {FH_LIT("a\xc3"), 1},
        {FH_LIT("a\xc3\xa9"), 3},
        {FH_LIT("a\xe2\x82"), 1},
        {FH_LIT("a\xf0\x9f\x92"), 1},
        {FH_LIT("a\x80\x80"), 3},
        {FH_LIT("a\xe0\x80"), 3},
        {FH_LIT("a\xed\xa0"), 3},
        {FH_LIT("a\xf4\x90"), 3},
        {FH_LIT("\xc3\x80\x80\x80"), 4},
        {FH_LIT("\xff"), 1},
        {FH_LIT("\xf0\x9f"), 0},
        {FH_LIT("\xe2\x82\xac\xe2"), 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (fh_utf8_complete(cases[i].text) != cases[i].complete)
            fail_msg("case %zu: %zu", i, fh_utf8_complete(cases[i].text));
}

/* Any bytes are cut into runes whose sizes add up, and whole text stays whole under the cut that fh_utf8_complete makes. */
static void test_any_bytes(void **state) {
    (void)state;
    fh_test_rng rng = fh_test_rng_new(1);
    for (int round = 0; round < 20000; round++) {
        uint8_t bytes[12];
        size_t size = fh_test_rng_below(&rng, sizeof bytes + 1), at = 0, bad = 0, first = size;
        for (size_t i = 0; i < size; i++)
            bytes[i] = (uint8_t)(fh_test_rng_next(&rng) | (fh_test_rng_below(&rng, 3) ? 0x80 : 0));
        fh_span text = {bytes, size};
        while (at < size) {
            fh_rune r = fh_utf8_next(text, at);
            first = !r.valid && bad == 0 ? at : first;
            bad += !r.valid;
            at += r.size;
        }
        assert_int_equal(at, size);
        assert_int_equal(fh_utf8_valid(text), bad == 0);
        assert_int_equal(fh_utf8_bad(text), first);
        assert_true(size - fh_utf8_complete(text) <= 3);
    }
}

/* Characters of three bytes in a row are as each alone: all first and second bytes, in both places. */
static void test_in_twos(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 2 * 16 * 64 * 2; i++) {
        uint8_t bytes[] = {0xe3, 0x81, 0x82, 0xe3, 0x81, 0x82, 0xe3, 0x81, 0x82, 'a'};
        size_t at = 3 * (i & 1);
        bytes[at] = (uint8_t)(0xe0 | (i >> 1 & 15));
        bytes[at + 1] = (uint8_t)(0x80 | (i >> 5 & 63));
        bytes[at + 2] = (uint8_t)(i >> 11 != 0 ? 0x80 : 0xbf);
        fh_span text = {bytes, sizeof bytes};
        assert_int_equal(fh_utf8_bad(text), fh_utf8_next(text, at).valid ? sizeof bytes : at);
    }
}

static void put_too_large(void *arg) {
    uint8_t out[4];
    (void)arg;
    fh_utf8_put(0x110000, out);
}

static void test_put_refuses(void **state) {
    (void)state;
    fh_assert_dies(put_too_large, NULL, "RUNE_MAX");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_code_point), cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_complete), cmocka_unit_test(test_any_bytes),
                                       cmocka_unit_test(test_in_twos), cmocka_unit_test(test_put_refuses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
