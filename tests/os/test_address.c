/* test_address.c: addresses as text and as the kernel's structures. */
#include "fh_test.h"

#include <string.h>

#include "freehold/address.h"
#include "os/linux/sockaddr.h"

static void expect_print(const fh_address *a, const char *text) {
    uint8_t to[FH_ADDRESS_TEXT_BYTES];
    size_t size = fh_address_print(a, (fh_mspan){to, sizeof to});
    fh_assert_span(((fh_span){to, size}), text);
}

static void test_texts(void **state) {
    static const struct {
        const char *text, *printed;
        bool ip6;
    } good[] = {
        {"127.0.0.1:5555", "127.0.0.1:5555", false}, {"[::1]:80", "[::1]:80", false},  {"*:*", "0.0.0.0:0", false},
        {"*:65535", "[::]:65535", true},             {"10.1.2.3:*", "10.1.2.3:0", true}, {"[1:2::3]:0", "[1:2::3]:0", false},
    };
    static const char *const bad[] = {"", ":", "127.0.0.1", "127.0.0.1:", ":5", "1.2.3.4:65536", "1.2.3.4:-1", "1.2.3.4:5 "};
    fh_address a, b;
    fh_err err;
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        fh_assert_ok(fh_address_tcp(fh_span_of_str(good[i].text), good[i].ip6, &a, &err));
        expect_print(&a, good[i].printed);
        fh_assert_ok(fh_address_tcp(fh_span_of_str(good[i].printed), false, &b, &err));
        assert_true(fh_address_equal(&a, &b));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fh_err_clear(&err);
        fh_assert_code(fh_address_tcp(fh_span_of_str(bad[i]), false, &a, &err), FH_INVALID);
        assert_int_equal(a.kind, FH_ADDRESS_NONE);
    }
    fh_err_clear(&err);
    fh_assert_code(fh_address_tcp(FH_LIT("no such host.invalid:1"), false, &a, &err), FH_NOT_FOUND);
    fh_assert_code(fh_address_tcp(FH_LIT("a\0b:1"), false, &a, NULL), FH_INVALID);
    char longest[400];
    memset(longest, 'x', sizeof longest);
    longest[398] = ':';
    longest[399] = '1';
    fh_assert_code(fh_address_tcp((fh_span){(const uint8_t *)longest, sizeof longest}, false, &a, NULL), FH_INVALID);
}

static void test_paths(void **state) {
    fh_address a, b;
    uint8_t text[FH_ADDRESS_PATH_MAX + 1];
    (void)state;
    fh_assert_ok(fh_address_unix(FH_LIT("/tmp/x"), &a, NULL));
    expect_print(&a, "/tmp/x");
    fh_assert_ok(fh_address_unix(FH_LIT("@name"), &b, NULL));
    expect_print(&b, "@name");
    assert_int_equal(b.bytes[0], 0);
    assert_false(fh_address_equal(&a, &b));
    fh_assert_code(fh_address_unix(FH_LIT(""), &a, NULL), FH_INVALID);
    fh_assert_code(fh_address_unix(FH_LIT("a\0b"), &a, NULL), FH_INVALID);
    memset(text, 'p', sizeof text);
    fh_assert_ok(fh_address_unix((fh_span){text, FH_ADDRESS_PATH_MAX}, &a, NULL));
    assert_int_equal(a.size, FH_ADDRESS_PATH_MAX);
    fh_assert_code(fh_address_unix((fh_span){text, sizeof text}, &a, NULL), FH_LIMIT);
}

/* There and back, and what is cut short is no address. */
static void test_kernel(void **state) {
    static const char *const texts[] = {"1.2.3.4:5", "[fe80::1]:7", "/a/path", "@abstract"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        fh_address a, b;
        fh_sockaddr at;
        fh_span text = fh_span_of_str(texts[i]);
        fh_assert_ok(i < 2 ? fh_address_tcp(text, false, &a, NULL) : fh_address_unix(text, &a, NULL));
        socklen_t size = fh_sockaddr_put(&a, &at);
        assert_true(fh_sockaddr_get(&at, size, &b));
        assert_true(fh_address_equal(&a, &b));
        if (i < 2)
            assert_false(fh_sockaddr_get(&at, size - 1, &b));
    }
    fh_sockaddr unnamed;
    fh_address a = {.kind = FH_ADDRESS_NONE};
    assert_int_equal(fh_sockaddr_put(&a, &unnamed), 0);
    unnamed.any.sa_family = AF_UNIX;
    assert_true(fh_sockaddr_get(&unnamed, sizeof unnamed.any.sa_family, &a));
    assert_int_equal(a.size, 0);
    unnamed.any.sa_family = AF_PACKET;
    assert_false(fh_sockaddr_get(&unnamed, sizeof unnamed, &a));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_kernel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
