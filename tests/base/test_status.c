/* test_status.c: code tables, reports that are safe to print, and assertions. */
#include "fh_test.h"

#include <string.h>
#include <wchar.h>

#include "freehold/status.h"

static void test_tables(void **state) {
    (void)state;
    static const struct {
        fh_code code;
        fh_class class;
        const char *name, *text;
    } rows[] = {
        {FH_OK, FH_CLASS_PROGRESS, "FH_OK", "ok"},
        {FH_AGAIN, FH_CLASS_PROGRESS, "FH_AGAIN", "not ready, call again"},
        {FH_END, FH_CLASS_PROGRESS, "FH_END", "no more data"},
        {FH_CORRUPT, FH_CLASS_REFUSAL, "FH_CORRUPT", "malformed data"},
        {FH_NOT_FINITE, FH_CLASS_REFUSAL, "FH_NOT_FINITE", "logit is not a finite number"},
        {FH_IO, FH_CLASS_SYSTEM, "FH_IO", "input/output error"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_string_equal(fh_code_name(rows[i].code), rows[i].name);
        assert_string_equal(fh_code_text(rows[i].code), rows[i].text);
        assert_int_equal(fh_code_class(rows[i].code), rows[i].class);
    }
    for (unsigned a = 0; a < FH_CODE_COUNT; a++) {
        assert_true(strncmp(fh_code_name((fh_code)a), "FH_", 3) == 0);
        for (unsigned b = 0; b < a; b++)
            assert_string_not_equal(fh_code_name((fh_code)a), fh_code_name((fh_code)b));
    }
    assert_string_equal(fh_code_name((fh_code)FH_CODE_COUNT), "FH_UNKNOWN");
    assert_string_equal(fh_code_text((fh_code)0x7fffffff), "unknown status code");
}

static fh_status forward(fh_code code, bool *went_on) {
    FH_TRY(FH_STATUS(code));
    *went_on = true;
    return FH_DONE;
}

static void test_try(void **state) {
    (void)state;
    bool went_on = false;
    fh_assert_code(forward(FH_END, &went_on), FH_END);
    assert_false(went_on);
    fh_assert_ok(forward(FH_OK, &went_on));
    assert_true(went_on);
    assert_true(fh_failed(FH_STATUS(FH_AGAIN)));
    assert_false(fh_failed(FH_DONE));
}

static void test_first_writer_wins(void **state) {
    (void)state;
    fh_err err;
    fh_err_clear(&err);
    assert_int_equal(err.code, FH_OK);
    assert_true(err.offset_bytes == FH_NO_OFFSET);
    assert_string_equal(err.message, "");

    fh_assert_code(fh_fail(&err, FH_CORRUPT, 24, "expected %d, found %s", 3, "nothing"), FH_CORRUPT);
    fh_assert_code(fh_fail(&err, FH_IO, 7, "second"), FH_IO); /* the status is the second one's, the report the first one's */
    assert_int_equal(err.code, FH_CORRUPT);
    assert_int_equal(err.offset_bytes, 24);
    assert_string_equal(err.message, "expected 3, found nothing");

    fh_assert_code(fh_fail(NULL, FH_LIMIT, 0, "nobody reads this: %d", 1), FH_LIMIT);
    fh_err_clear(NULL);
    fh_err_clear(&err);
    fh_assert_code(fh_fail(&err, FH_LIMIT, FH_NO_OFFSET, "again"), FH_LIMIT);
    assert_string_equal(err.message, "again");
}

static void test_escapes(void **state) {
    (void)state;
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"plain ASCII ~ \\ \"", "plain ASCII ~ \\ \""},
        {"tab\tnew\nline\r", "tab\\x09new\\x0aline\\x0d"},
        {"\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"},
        {"del\x7f", "del\\x7f"},
        {"gr\xc3\xbc\xc3\x9f \xe4\xb8\xad \xf0\x9f\x98\x80", "gr\xc3\xbc\xc3\x9f \xe4\xb8\xad \xf0\x9f\x98\x80"},
        {"C1 \xc2\x9b control", "C1 \\xc2\\x9b control"},
        {"first printable \xc2\xa0", "first printable \xc2\xa0"},
        {"bidi \xe2\x80\xae \xe2\x80\xaa \xe2\x81\xa6", "bidi \\xe2\\x80\\xae \\xe2\\x80\\xaa \\xe2\\x81\\xa6"},
        {"line separator \xe2\x80\xa8", "line separator \\xe2\\x80\\xa8"},
        {"near bidi \xe2\x80\xaf \xe2\x81\xaa", "near bidi \xe2\x80\xaf \xe2\x81\xaa"},
        {"lone \x80 \xbf \xff", "lone \\x80 \\xbf \\xff"},
        {"overlong \xc0\xaf \xe0\x80\xaf \xf0\x80\x80\xaf", "overlong \\xc0\\xaf \\xe0\\x80\\xaf \\xf0\\x80\\x80\\xaf"},
        {"surrogate \xed\xa0\x80", "surrogate \\xed\\xa0\\x80"},
        {"last \xf4\x8f\xbf\xbf, past it \xf4\x90\x80\x80", "last \xf4\x8f\xbf\xbf, past it \\xf4\\x90\\x80\\x80"},
        {"cut \xe4\xb8", "cut \\xe4\\xb8"},
        {"cut \xc3(", "cut \\xc3("},
        {"escape breaks \xe4\x1b\xad", "escape breaks \\xe4\\x1b\\xad"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fh_err err = {0};
        fh_assert_code(fh_fail(&err, FH_CORRUPT, 0, "%s", rows[i].in), FH_CORRUPT);
        assert_string_equal(err.message, rows[i].out);
    }
}

/* Whatever is longer than the message is cut between two sequences. */
static void test_cut(void **state) {
    (void)state;
    static const struct {
        const char *unit;
        size_t made; /* bytes of message for one unit */
    } rows[] = {{"x", 1}, {"\xc3\xbc", 2}, {"\xe4\xb8\xad", 3}, {"\xf0\x9f\x98\x80", 4}, {"\x01", 4}, {"\xc2\x85", 8}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t lead = 0; lead < 12; lead++) {
            char text[4 * FH_ERR_MESSAGE_BYTES] = "";
            memset(text, 'a', lead);
            while (strlen(text) + strlen(rows[i].unit) < sizeof text)
                strcat(text, rows[i].unit);
            fh_err err = {0};
            fh_assert_code(fh_fail(&err, FH_CORRUPT, 0, "%s", text), FH_CORRUPT);
            size_t room = FH_ERR_MESSAGE_BYTES - 1 - lead;
            assert_int_equal(strlen(err.message), lead + room / rows[i].made * rows[i].made);
        }
}

/* Written apart from the code under test: the automaton of Unicode's table 3-7. */
static bool is_clean_text(const char *text) {
    for (const unsigned char *p = (const unsigned char *)text; *p != 0;) {
        unsigned lead = *p++, low = 0x80, high = 0xbf, more;
        if (lead < 0x20 || lead == 0x7f || (lead >= 0x80 && lead < 0xc2) || lead > 0xf4)
            return false;
        more = lead < 0x80 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
        low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : lead == 0xc2 ? 0xa0 : 0x80;
        high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
        for (; more > 0; more--, low = 0x80, high = 0xbf) {
            if (*p < low || *p > high)
                return false;
            p++;
        }
    }
    return true;
}

static void test_random_bytes_are_clean(void **state) {
    (void)state;
    fh_test_rng rng = fh_test_rng_new(1);
    for (int round = 0; round < 20000; round++) {
        char text[600];
        size_t size = fh_test_rng_below(&rng, sizeof text);
        for (size_t i = 0; i < size; i++) { /* lead bytes often, so that sequences occur */
            uint64_t r = fh_test_rng_next(&rng);
            text[i] = (char)(1 + r % 255);
            if (r >> 60 == 0)
                text[i] = (char)(0xe2 + (r >> 32) % 2);
        }
        text[size] = '\0';
        fh_err err = {0};
        fh_assert_code(fh_fail(&err, FH_CORRUPT, 0, "%s", text), FH_CORRUPT);
        assert_true(is_clean_text(err.message));
    }
}

/* A conversion that cannot be done leaves the format itself as the report. */
static void test_format_fails(void **state) {
    (void)state;
    static const wchar_t unmappable[] = {0x4e2d, 0};
    fh_err err = {0};
    fh_assert_code(fh_fail(&err, FH_CORRUPT, 3, "odd %ls", unmappable), FH_CORRUPT);
    assert_string_equal(err.message, "odd %ls (could not be formatted)");
}

static void fail_an_assertion(void *arg) {
    int *number = arg;
    FH_ASSERT(*number == 2);
}

static void report_success(void *arg) {
    fh_status s = fh_fail(arg, FH_OK, 0, "not a failure");
    assert_true(fh_failed(s));
}

static void fail_with_numbers(void *arg) {
    (void)arg;
    fh_assert_fail("a < b", "file.c", 12, 7, 5);
}

static void test_assertions(void **state) {
    (void)state;
    int number = 1;
    fh_err err = {0};
    fh_assert_dies(fail_an_assertion, &number, "assertion failed: *number == 2");
    fh_assert_dies(fail_an_assertion, &number, "test_status.c:");
    fh_assert_dies(fail_with_numbers, NULL, "freehold: file.c:12: assertion failed: a < b (7, 5)");
    fh_assert_dies(report_success, &err, "code != FH_OK");
    number = 2;
    fail_an_assertion(&number);
}

#ifdef FH_BOUNDS /* here too, as in the library outside the rooms */
static void write_past(void *arg) {
    static uint16_t table[4];
    const size_t *i = arg;
    table[*i] = 1;
    assert_int_equal(table[*i], 1);
}

static void read_before(void *arg) {
    static const char rows[3][5];
    const int *i = arg;
    assert_int_equal(rows[2][*i], 0);
}

static void test_bounds(void **state) {
    (void)state;
    size_t past = 4;
    int before = -1;
    fh_assert_dies(write_past, &past, "test_status.c:");
    fh_assert_dies(write_past, &past, ": index 4 is outside of '");
    fh_assert_dies(read_before, &before, ": index -1 is outside of '");
    past = SIZE_MAX;
    fh_assert_dies(write_past, &past, ": index 18446744073709551615 is outside of '");
    past = 3;
    before = 4;
    write_past(&past);
    read_before(&before);
}
#else
static void test_bounds(void **state) {
    (void)state;
    fh_test_skip("the sanitizer's own library reports here");
}
#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_try),
        cmocka_unit_test(test_first_writer_wins),
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_random_bytes_are_clean),
        cmocka_unit_test(test_format_fails),
        cmocka_unit_test(test_assertions),
        cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
