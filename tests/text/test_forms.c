/* test_forms.c: the normalization forms: cases of UAX #15, every code point against the reference, order, any bytes, linear
 * time. */
#include "text/pipe/normal_rules.h"

#include "freehold/buf.h"
#include "support/fh_test.h"
#include "freehold/utf8.h"

#include <string.h>

/* Appends text in a form to out. */
static fh_status put_form(fh_allocator *a, fh_form form, fh_span text, fh_buf *out) {
    fh_normalized n;
    fh_normalized_init(&n, a);
    fh_status s = fh_normalized_reset(&n, text, false);
    fh_edit_begin(&n.edit);
    if (!fh_failed(s))
        s = fh_rule_form(&n.now, &n.edit, &n.marks, form);
    if (!fh_failed(s))
        s = fh_normalized_accept(&n);
    if (!fh_failed(s))
        s = fh_buf_put(out, fh_normalized_view(&n));
    fh_normalized_deinit(&n);
    return s;
}

static void check(fh_allocator *a, fh_form form, fh_span text, fh_span expected) {
    fh_buf out;
    fh_buf_init(&out, a, 0);
    fh_assert_ok(put_form(a, form, text, &out));
    if (!fh_span_equal(fh_buf_view(&out), expected))
        fail_msg("\"%.*s\" became \"%.*s\", expected \"%.*s\"", FH_SPAN_FMT(text), FH_SPAN_FMT(fh_buf_view(&out)),
                 FH_SPAN_FMT(expected));
    fh_buf_deinit(&out);
}

static void test_cases(void **state) {
    const struct {
        const char *text, *form_c;
    } cases[] = {
        {"", ""},
        {"plain", "plain"},
        {"e\u0301", "\u00e9"},
        {"xe\u0301y", "x\u00e9y"},
        {"\u0301", "\u0301"},
        {"\u0301e", "\u0301e"},
        {"\u212b", "\u00c5"},             /* singleton */
        {"\u1e9b\u0323", "\u1e9b\u0323"}, /* UAX #15, figure 6 */
        {"\u1e0a\u0323", "\u1e0c\u0307"},
        {"D\u0307\u0323", "\u1e0c\u0307"},
        {"q\u0307\u0323", "q\u0323\u0307"},
        {"a\u0301\u0301", "\u00e1\u0301"}, /* the second mark of a class is blocked */
        {"a\u0327\u0301", "\u00e1\u0327"}, /* another class is not */
        {"a\u0345\u0301", "\u00e1\u0345"},
        {"\u0958", "\u0915\u093c"} /* excluded */,
        {"\u09c7\u09be", "\u09cb"},
        {"\u09c7\u0301\u09be", "\u09c7\u0301\u09be"}, /* a mark stands between */
        {"\u1100\u1161\u11a8", "\uac01"},
        {"\uac00\u11a8", "\uac01"},
        {"\u1100\u1161\u11a7", "\uac00\u11a7"},
        {"\u1100\u1100\u1161", "\u1100\uac00"},
        {"\uac01\u11a8", "\uac01\u11a8"},
        {"\u0344", "\u0308\u0301"},
        {"\U0001d15e", "\U0001d157\U0001d165"},
        {"o\u0d3b\u0301", "o\u0d3b\u0301"}, /* a mark of Unicode 10 is none in 9 */
        {"\xff"
         "e\u0301",
         "\xff\u00e9"},
        {"e\xcc", "e\xcc"},
        {"\xe9\u0301", "\xe9\u0301"},
        {"e\u0301\xff\u0301", "\u00e9\xff\u0301"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check(fh_test_allocator(state), FH_FORM_NFC, fh_span_of_str(cases[i].text), fh_span_of_str(cases[i].form_c));
}

static void test_other_forms(void **state) {
    static const struct {
        fh_form form;
        const char *text, *expected;
    } cases[] = {
        {FH_FORM_NFD, "\u00e9x", "e\u0301x"},
        {FH_FORM_NFD, "\uac01", "\u1100\u1161\u11a8"},
        {FH_FORM_NFD, "\ufb01\u2460", "\ufb01\u2460"},
        {FH_FORM_NFD, "\U00011938", "\U00011938"}, /* Unicode 13 */
        {FH_FORM_NFKD, "\ufb01\u2460\u00e9", "fi1e\u0301"},
        {FH_FORM_NFKD, "\u32ff", "\u32ff"}, /* Unicode 12.1 */
        {FH_FORM_NFKC, "\ufb01\u2460e\u0301", "fi1\u00e9"},
        {FH_FORM_NFKC, "\u1e9b\u0323", "\u1e69"},
        {FH_FORM_NFKC, "\uff76\uff9e", "\u30ac"},
        {FH_FORM_NFKC, "\u03d3", "\u038e"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check(fh_test_allocator(state), cases[i].form, fh_span_of_str(cases[i].text), fh_span_of_str(cases[i].expected));
}

static fh_status put_code(fh_buf *out, uint32_t code) {
    uint8_t bytes[4];
    size_t size = fh_utf8_put(code, bytes);
    return fh_buf_put(out, (fh_span){bytes, size});
}

/* The numbers are the reference's: tests/golden/make_normalizer_hashes.py prints them. */
static void test_every_code_point(void **state) {
    if (fh_test_ops() < 1000000)
        fh_test_skip("all code points take a sanitizer a minute; the other builds look at them");
    static const uint64_t expected[] = {[FH_FORM_NFD] = UINT64_C(0x0e04216b1082caaf),
                                        [FH_FORM_NFC] = UINT64_C(0x329e470b70fc9ace),
                                        [FH_FORM_NFKD] = UINT64_C(0xca77e5f57d5d4f51),
                                        [FH_FORM_NFKC] = UINT64_C(0xc548f3e1ae9ea6b5)};
    fh_allocator *a = fh_test_allocator(state);
    fh_buf text;
    fh_buf_init(&text, a, 0);
    for (uint32_t code = 0; code < 0x110000; code++) {
        if (code >= 0xd800 && code < 0xe000)
            continue;
        const uint32_t codes[] = {code, 0x301, 0x316, 0x334, 'a', code};
        for (size_t i = 0; i < 6; i++)
            fh_assert_ok(put_code(&text, codes[i]));
    }
    for (fh_form form = FH_FORM_NFD; form <= FH_FORM_NFKC; form++) {
        fh_buf out;
        fh_buf_init(&out, a, 0);
        fh_assert_ok(put_form(a, form, fh_buf_view(&text), &out));
        uint64_t h = UINT64_C(0xcbf29ce484222325);
        for (size_t i = 0; i < out.size; i++)
            h = (h ^ fh_span_at(fh_buf_view(&out), i)) * UINT64_C(0x100000001b3);
        if (h != expected[form])
            fail_msg("hash of form %d is 0x%016llx", form, (unsigned long long)h);
        fh_buf_deinit(&out);
    }
    fh_buf_deinit(&text);
}

/* Twice is as good as once, whatever the bytes. */
static void test_idempotent(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_test_rng rng = fh_test_rng_new(8);
    static const uint32_t codes[] = {'a',    'e',    0xe9,   0x301,  0x316, 0x327, 0x334, 0x345,
                                     0x1100, 0x1161, 0x11a8, 0xac00, 0x9c7, 0x9be, 0x212b};
    for (int round = 0; round < 3000; round++) {
        fh_buf text, once, twice;
        fh_form form = (fh_form)fh_test_rng_below(&rng, 4);
        fh_buf_init(&text, a, 0);
        fh_buf_init(&once, a, 0);
        fh_buf_init(&twice, a, 0);
        for (size_t n = fh_test_rng_below(&rng, 60); n > 0; n--) {
            if (fh_test_rng_below(&rng, 9) == 0)
                fh_assert_ok(fh_buf_put_u8(&text, (uint8_t)fh_test_rng_next(&rng)));
            else
                fh_assert_ok(put_code(&text, codes[fh_test_rng_below(&rng, sizeof codes / sizeof *codes)]));
        }
        fh_assert_ok(put_form(a, form, fh_buf_view(&text), &once));
        fh_assert_ok(put_form(a, form, fh_buf_view(&once), &twice));
        assert_true(fh_span_equal(fh_buf_view(&once), fh_buf_view(&twice)));
        fh_buf_deinit(&text);
        fh_buf_deinit(&once);
        fh_buf_deinit(&twice);
    }
}

/* Half a million marks of falling classes, which insertion would move past each other one by one. */
static void test_many_marks(void **state) {
    static uint8_t text[1 + 4 * 125000], expected[sizeof text];
    static const char *const marks[] = {"\u0345", "\u0301", "\u0316", "\u0334"}; /* classes 240, 230, 220, 1 */
    size_t n = 0, e = 0;
    text[n++] = expected[e++] = 'q';
    for (size_t i = 0; i < 62500; i++)
        for (size_t k = 0; k < 4; k++, n += 2)
            memcpy(text + n, marks[k], 2);
    for (size_t k = 4; k-- > 0;)
        for (size_t i = 0; i < 62500; i++, e += 2)
            memcpy(expected + e, marks[k], 2);
    check(fh_test_allocator(state), FH_FORM_NFC, (fh_span){text, n}, (fh_span){expected, e});
}

static fh_status body(fh_allocator *a, void *arg) {
    (void)arg;
    fh_buf out;
    fh_buf_init(&out, a, 0);
    fh_status s = put_form(
        a, FH_FORM_NFC,
        FH_LIT("q\u0345\u0345\u0345\u0345\u0345\u0345\u0345\u0345\u0345\u0345\u0345\u0345\u0345\u0345\u0345\u0345\u0345"
               "\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\uac01"),
        &out);
    fh_buf_deinit(&out);
    return s;
}

static void test_no_memory(void **state) {
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), body, NULL) >= 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_cases),      FH_TEST_ALLOC(test_other_forms),
                                       FH_TEST_ALLOC(test_every_code_point), FH_TEST_ALLOC(test_idempotent),
                                       FH_TEST_ALLOC(test_many_marks), FH_TEST_ALLOC(test_no_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
