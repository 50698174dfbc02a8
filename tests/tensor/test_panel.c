/* test_panel.c: panels hold the weights of the GGUF rows that they were made of.
 *
 * Threading: single. */
#include "tensor_test.h"

#include "tensor/kern/kern.h"

enum { COLS = 96, ROWS = 70 };

static void test_rows_come_back(void **state) {
    (void)state;
    static const fh_dtype types[] = {FH_DTYPE_Q8_0, FH_DTYPE_Q4_0};
    for (unsigned ty = 0; ty < 2; ty++) {
        struct tt t = {.rng = fh_test_rng_new(ty)};
        uint64_t bytes = 0;
        uint8_t *w = tt_matrix(&t, types[ty], COLS, ROWS, &bytes);
        uint8_t *panel = malloc(COLS / KERN_BLOCK * fh_kern_record_bytes(types[ty]));
        assert_non_null(panel);
        for (size_t first = 0; first < ROWS; first += KERN_ROWS) {
            fh_kern_panel(types[ty], w, COLS, ROWS, first, panel);
            for (size_t r = 0; r < KERN_ROWS; r++) {
                float expected[COLS] = {0}, got[COLS];
                if (first + r < ROWS)
                    fh_kern_widen(types[ty], w + (first + r) * bytes / ROWS, COLS, expected);
                fh_kern_panel_row(types[ty], panel, COLS, (unsigned)r, got);
                assert_memory_equal(expected, got, sizeof got);
            }
        }
        free(panel);
        free(w);
    }
}

/* Blocks written out by hand. */
static void test_known_blocks(void **state) {
    (void)state;
    uint8_t q8[34] = {0x00, 0x38}, q4[18] = {0x00, 0xb8}; /* 0.5, −0.5 */
    float y[32];
    for (unsigned i = 0; i < 32; i++)
        q8[2 + i] = (uint8_t)(i - 16);
    for (unsigned i = 0; i < 16; i++)
        q4[2 + i] = (uint8_t)(i | (15 - i) << 4);
    fh_kern_widen(FH_DTYPE_Q8_0, q8, 32, y);
    for (unsigned i = 0; i < 32; i++)
        assert_true(y[i] == ((float)i - 16) * 0.5f);
    fh_kern_widen(FH_DTYPE_Q4_0, q4, 32, y);
    for (unsigned i = 0; i < 32; i++)
        assert_true(y[i] == (i < 16 ? (float)i - 8 : (float)(31 - i) - 8) * -0.5f);
    q8[0] = 0x00, q8[1] = 0x7c; /* an infinite scale counts as NaN */
    fh_kern_widen(FH_DTYPE_Q8_0, q8, 32, y);
    assert_int_equal(fh_bits_of_f32(y[0]), 0x7fc00000u);
    uint8_t panel[KERN_Q8_RECORD];
    fh_kern_panel(FH_DTYPE_Q8_0, q8, 32, 1, 0, panel);
    fh_kern_panel_row(FH_DTYPE_Q8_0, panel, 32, 0, y);
    assert_int_equal(fh_bits_of_f32(y[5]), 0x7fc00000u);
}

static void wrong_alignment(void *arg) {
    uint8_t *at = arg;
    (void)fh_kern_f32s((fh_mspan){at + 1, 8});
}

static void wrong_size(void *arg) {
    (void)fh_kern_u32s((fh_mspan){arg, 7});
}

static void test_views(void **state) {
    (void)state;
    static _Alignas(64) uint8_t bytes[256];
    double one = 1.0;
    assert_int_equal(fh_kern_f32s((fh_mspan){bytes, 64}).count, 16);
    assert_int_equal(fh_kern_halves((fh_mspan){bytes, 64}).count, 32);
    assert_int_equal(fh_kern_queries((fh_mspan){bytes, sizeof(struct kern_query) * 2}).count, 2);
    memcpy(bytes + 9, &one, 8);
    assert_true(fh_kern_f64_at((fh_span){bytes + 1, 16}, 1) == 1.0);
    fh_assert_dies(wrong_alignment, bytes, "aligned");
    fh_assert_dies(wrong_size, bytes, "size");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows_come_back), cmocka_unit_test(test_known_blocks),
                                       cmocka_unit_test(test_views)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
