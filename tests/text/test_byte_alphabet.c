/* test_byte_alphabet.c: the letter of each byte, against GPT-2's own rule. */
#include "text/pipe/byte_alphabet.h"
#include "support/fh_test.h"
#include "text/made_vocab.h"

static void test_alphabet(void **state) {
    (void)state;
    for (unsigned b = 0; b < 256; b++) {
        uint8_t letter[4], expected[4];
        size_t size = made_letter(b, expected);
        assert_int_equal(fh_utf8_put(fh_alphabet_code((uint8_t)b), letter), size);
        assert_memory_equal(letter, expected, size);
        assert_int_equal(fh_alphabet_byte(fh_alphabet_code((uint8_t)b)), b);
    }
    size_t letters = 0;
    for (uint32_t code = 0; code < 0x400; code++)
        letters += fh_alphabet_byte(code) >= 0;
    assert_int_equal(letters, 256);
    assert_int_equal(fh_alphabet_byte(0xfffd), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_alphabet)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
