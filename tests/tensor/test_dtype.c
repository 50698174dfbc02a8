/* test_dtype.c: sizes, blocks and names of element types.
 *
 * Threading: single. */
#include "freehold/tensor.h"
#include "support/fh_test.h"

static void test_sizes(void **state) {
    (void)state;
    static const struct {
        fh_dtype t;
        uint64_t cols, rows, bytes;
        bool ok;
    } cases[] = {
        {FH_DTYPE_F32, 3, 5, 60, true},
        {FH_DTYPE_F16, 3, 5, 30, true},
        {FH_DTYPE_BF16, 1, 1, 2, true},
        {FH_DTYPE_Q8_0, 64, 2, 136, true},
        {FH_DTYPE_Q4_0, 64, 2, 72, true},
        {FH_DTYPE_Q8_0, 33, 1, 0, false},
        {FH_DTYPE_Q4_0, 16, 1, 0, false},
        {FH_DTYPE_F32, UINT64_MAX, 1, 0, false},
        {FH_DTYPE_F16, 1, UINT64_MAX, 0, false},
        {FH_DTYPE_F32, 0, 7, 0, true},
        {FH_DTYPE_Q8_0, UINT64_MAX - 31, 1, 0, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t bytes = 77;
        assert_int_equal(fh_dtype_bytes(cases[i].t, cases[i].cols, cases[i].rows, &bytes), cases[i].ok);
        assert_int_equal(bytes, cases[i].bytes);
    }
}

static void test_names(void **state) {
    (void)state;
    assert_string_equal(fh_dtype_name(FH_DTYPE_Q4_0), "Q4_0");
    assert_string_equal(fh_dtype_name(FH_DTYPE_BF16), "BF16");
    assert_int_equal(fh_dtype_block(FH_DTYPE_Q8_0), 32);
    assert_int_equal(fh_dtype_block(FH_DTYPE_F16), 1);
    for (unsigned t = 0; t < FH_DTYPE_COUNT; t++) { /* both tables agree */
        fh_dtype back = FH_DTYPE_COUNT;
        bool found = false;
        for (uint32_t id = 0; id < 64; id++)
            if (fh_dtype_of_gguf(id, &back) && back == (fh_dtype)t) {
                assert_string_equal(fh_gguf_type_name(id), fh_dtype_name((fh_dtype)t));
                found = true;
            }
        assert_true(found);
    }
    fh_dtype t = FH_DTYPE_Q8_0;
    assert_false(fh_dtype_of_gguf(13, &t));
    assert_int_equal(t, FH_DTYPE_Q8_0);
    assert_string_equal(fh_gguf_type_name(13), "Q5_K");
    assert_string_equal(fh_gguf_type_name(39), "MXFP4");
    assert_null(fh_gguf_type_name(1000));
    assert_null(fh_gguf_type_name(UINT32_MAX));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sizes), cmocka_unit_test(test_names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
