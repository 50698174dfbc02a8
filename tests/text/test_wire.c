/* test_wire.c: fields of protobuf messages, and every way in which one can be broken. */
#include "support/fh_test.h"
#include "text/pipe/wire.h"

#define W(text) {(const uint8_t *)(text), sizeof(text) - 1}

static void test_fields(void **state) {
    (void)state;
    fh_span file = W("\x08\x96\x01"
                     "\x12\x03"
                     "abc"
                     "\x1d\x01\x02\x03\x04"
                     "\x21\x01\x02\x03\x04\x05\x06\x07\x08"
                     "\xf8\xff\xff\xff\x0f\x80\x00");
    static const struct {
        uint32_t number;
        fh_wire_kind kind;
        uint64_t value;
        size_t offset;
    } expected[] = {{1, FH_WIRE_VARINT, 150, 100},
                    {2, FH_WIRE_BYTES, 0, 105},
                    {3, FH_WIRE_FIXED32, 0x04030201, 108},
                    {4, FH_WIRE_FIXED64, UINT64_C(0x0807060504030201), 113},
                    {(1 << 29) - 1, FH_WIRE_VARINT, 0, 122}};
    fh_wire w;
    fh_wire_field f;
    bool more = true;
    fh_wire_init(&w, file, 100, "made");
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        fh_assert_ok(fh_wire_next(&w, &f, &more, NULL));
        assert_true(more);
        assert_int_equal(f.number, expected[i].number);
        assert_int_equal(f.kind, expected[i].kind);
        assert_int_equal(f.value, expected[i].value);
        assert_int_equal(f.offset_bytes, expected[i].offset);
        if (f.kind == FH_WIRE_BYTES)
            fh_assert_span(f.bytes, "abc");
        fh_assert_ok(fh_wire_need(&f, expected[i].kind, NULL));
    }
    fh_assert_ok(fh_wire_next(&w, &f, &more, NULL));
    assert_false(more);
}

static void test_largest_number(void **state) {
    (void)state;
    fh_span file = W("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
    fh_wire w;
    fh_wire_field f;
    bool more;
    fh_wire_init(&w, file, 0, "made");
    fh_assert_ok(fh_wire_next(&w, &f, &more, NULL));
    assert_true(f.value == UINT64_MAX);
}

static void test_refused(void **state) {
    (void)state;
    static const struct {
        fh_span bytes;
        const char *message;
    } cases[] = {{W("\x08"), "made, byte 11: a number does not end within its message"},
                 {W("\x08\xff"), "made, byte 11: a number does not end within its message"},
                 {W("\x80"), "made, byte 10: the tag of a field does not end within its message"},
                 {W("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02 "), "made, byte 11: a number does not end within 64 bits"},
                 {W("\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00"), "made, byte 11: a number does not end within 64 bits"},
                 {W("\x00\x01"), "made, byte 10: field number 0, expected 1 to 536870911"},
                 {W("\x80\x80\x80\x80\x10\x01"), "made, byte 10: field number 536870912, expected 1 to 536870911"},
                 {W("\x12"), "made, byte 11: the length of a field does not end"},
                 {W("\x12\x04" "abc"), "made, byte 12: a field of 4 bytes, but 3 are left"},
                 {W("\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01" "a"),
                  "made, byte 21: a field of 18446744073709551615 bytes, but 1 are left"},
                 {W("\x15\x01\x02\x03"), "made, byte 11: a field of 4 bytes, but 3 are left"},
                 {W("\x11\x01\x02\x03\x04\x05\x06\x07"), "made, byte 11: a field of 8 bytes, but 7 are left"},
                 {W("\x13"), "made, byte 10: field 2 is of wire type 3, expected 0, 1, 2 or 5"},
                 {W("\x14"), "wire type 4"},
                 {W("\x16"), "wire type 6"},
                 {W("\x17"), "wire type 7"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fh_wire w;
        fh_wire_field f;
        fh_err err;
        bool more;
        fh_err_clear(&err);
        fh_wire_init(&w, cases[i].bytes, 10, "made");
        fh_assert_code(fh_wire_next(&w, &f, &more, &err), FH_CORRUPT);
        fh_assert_err(&err, FH_CORRUPT, cases[i].message);
    }
}

static void test_need(void **state) {
    (void)state;
    fh_wire_field f = {.number = 7, .kind = FH_WIRE_FIXED32, .offset_bytes = 3, .file = "made"};
    fh_err err;
    fh_err_clear(&err);
    fh_assert_code(fh_wire_need(&f, FH_WIRE_VARINT, &err), FH_CORRUPT);
    fh_assert_err(&err, FH_CORRUPT, "made, byte 3: field 7 is of wire type 5, expected 0");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_fields), cmocka_unit_test(test_largest_number),
                                       cmocka_unit_test(test_refused), cmocka_unit_test(test_need)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
