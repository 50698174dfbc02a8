/* test_unicode_tables.c: the classes of code points: known members, and the sizes of the classes in Unicode 16.0. */
#include "text/unicode.h"
#include "support/fh_test.h"

static void test_members(void **state) {
    (void)state;
    static const struct {
        uint32_t code;
        fh_char_class cls;
    } cases[] = {
        {'a', FH_CHAR_LETTER},
        {'Z', FH_CHAR_LETTER},
        {'_', FH_CHAR_OTHER},
        {'0', FH_CHAR_NUMBER},
        {' ', FH_CHAR_SPACE},
        {'\n', FH_CHAR_SPACE},
        {0x0b, FH_CHAR_SPACE},
        {0x1c, FH_CHAR_OTHER},
        {0x85, FH_CHAR_SPACE},
        {0xa0, FH_CHAR_SPACE},
        {0xaa, FH_CHAR_LETTER},
        {0xb2, FH_CHAR_NUMBER},
        {0xbd, FH_CHAR_NUMBER},
        {0xd7, FH_CHAR_OTHER},
        {0x300, FH_CHAR_OTHER},
        {0x2160, FH_CHAR_NUMBER},
        {0x3007, FH_CHAR_NUMBER},
        {0x3000, FH_CHAR_SPACE},
        {0x200b, FH_CHAR_OTHER},
        {0x180e, FH_CHAR_OTHER},
        {0x4e00, FH_CHAR_LETTER},
        {0x9fff, FH_CHAR_LETTER},
        {0xac00, FH_CHAR_LETTER},
        {0xd800, FH_CHAR_OTHER},
        {0xfffd, FH_CHAR_OTHER},
        {0x1f600, FH_CHAR_OTHER},
        {0x1d7d8, FH_CHAR_NUMBER},
        {0x31350, FH_CHAR_LETTER} /* 15.0 */,
        {0x2ebf0, FH_CHAR_LETTER} /* 15.1 */,
        {0x105c0, FH_CHAR_LETTER} /* 16.0 */,
        {0x1ccf0, FH_CHAR_NUMBER} /* 16.0 */,
        {0x10ffff, FH_CHAR_OTHER},
        {0x110000, FH_CHAR_OTHER},
        {UINT32_MAX, FH_CHAR_OTHER},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (fh_unicode_class(cases[i].code) != cases[i].cls)
            fail_msg("U+%04X has class %d", cases[i].code, fh_unicode_class(cases[i].code));
}

/* As the reference's regex engine counts them: \p{L}, \p{N}, \s. */
static void test_sizes(void **state) {
    (void)state;
    size_t count[4] = {0};
    for (uint32_t code = 0; code <= 0x10ffff; code++)
        count[fh_unicode_class(code)]++;
    assert_int_equal(count[FH_CHAR_LETTER], 141028);
    assert_int_equal(count[FH_CHAR_NUMBER], 1911);
    assert_int_equal(count[FH_CHAR_SPACE], 25);
}

/* The other classes, as the reference was asked about every code point (surrogates are no characters there). */
static void test_counts(void **state) {
    (void)state;
    size_t word = 0, numeric = 0, punctuation = 0, accents = 0, lowered = 0, scripted = 0;
    for (uint32_t code = 0; code <= 0x10ffff; code++) {
        word += fh_unicode_is_word(code);
        numeric += fh_unicode_is_numeric(code);
        punctuation += fh_unicode_is_punctuation(code);
        accents += fh_unicode_is_accent(code);
        lowered += fh_unicode_lower(code) != code;
        scripted += fh_unicode_script(code) != 0;
    }
    assert_int_equal(word, 144667);
    assert_int_equal(numeric, 1924);
    assert_int_equal(punctuation, 726);
    assert_int_equal(accents, 2097);
    assert_int_equal(lowered, 1488 - 1); /* U+0130 has two small letters */
    assert_int_equal(scripted, 128237 - 1); /* the space goes with any script */
    assert_int_equal(fh_unicode_category(0xa7da), FH_GC_LU);
    assert_int_equal(fh_unicode_category(0x1171e), FH_GC_MC);
    assert_int_equal(fh_unicode_script(0x30fc), fh_unicode_script(0x4e00));
    assert_int_equal(fh_unicode_script(0x3042), fh_unicode_script(0x4e00));
    assert_int_not_equal(fh_unicode_script('a'), fh_unicode_script('!'));
    assert_int_equal(fh_unicode_lower(0x16eb8), 0x16ed3);
    assert_int_equal(fh_unicode_lower(UINT32_MAX), UINT32_MAX);
    assert_int_equal(fh_unicode_kind(UINT32_MAX), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_members), cmocka_unit_test(test_sizes),
                                       cmocka_unit_test(test_counts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
