/* test_address.c: addresses as text and as the kernel's structures. */
#include "fh_test.h"

#include <net/if.h>
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
    static const char *const bad[] = {"", ":", "127.0.0.1", "127.0.0.1:", ":5", "1.2.3.4:65536", "1.2.3.4:-1", "1.2.3.4:5 ",
                                      "no host:1", "-x:1", "1.2.3.4.5:1", "999.1.1.1:1", "[::1:1", "[]:1",
                                      "a/b:1", "eth 0:1", "\"x\":1"};
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
        assert_int_equal(err.code, FH_INVALID);
        fh_assert_code(fh_address_number(fh_span_of_str(bad[i]), false, &a, NULL), FH_INVALID);
        fh_assert_code(fh_address_local(fh_span_of_str(bad[i]), false, &a, NULL), FH_INVALID);
        assert_int_equal(a.kind, FH_ADDRESS_NONE);
    }
    fh_err_clear(&err);
    fh_assert_code(fh_address_tcp(FH_LIT("a\0b:1"), false, &a, NULL), FH_INVALID);
    char longest[400];
    memset(longest, 'x', sizeof longest);
    longest[398] = ':';
    longest[399] = '1';
    fh_assert_code(fh_address_tcp((fh_span){(const uint8_t *)longest, sizeof longest}, false, &a, NULL), FH_INVALID);
}

/* What needs no resolver, and what does; interfaces. (Names that there are: test_endpoint.) */
static void test_local(void **state) {
    fh_address a;
    (void)state;
    fh_assert_code(fh_address_number(FH_LIT("some-host_1.example:77"), false, &a, NULL), FH_NOT_FOUND);
    assert_int_equal(a.kind, FH_ADDRESS_NONE);
    assert_int_equal(a.port, 77);
    fh_assert_code(fh_address_number(FH_LIT("lo:1"), false, &a, NULL), FH_NOT_FOUND);
    fh_assert_ok(fh_address_number(FH_LIT("[fe80::1%lo]:9"), false, &a, NULL));
    assert_true(a.kind == FH_ADDRESS_IP6 && a.scope != 0 && a.port == 9);
    fh_assert_ok(fh_address_number(FH_LIT("*:9"), true, &a, NULL));
    expect_print(&a, "[::]:9");
    fh_assert_ok(fh_address_local(FH_LIT("10.1.2.3:4"), true, &a, NULL));
    expect_print(&a, "10.1.2.3:4");
    if (if_nametoindex("lo") == 0)
        fh_test_skip("no interface \"lo\" here");
    fh_assert_ok(fh_address_local(FH_LIT("lo:31"), false, &a, NULL));
    expect_print(&a, "127.0.0.1:31");
    fh_assert_ok(fh_address_local(FH_LIT("lo:*"), true, &a, NULL)); /* of IPv6, if it has one */
    expect_print(&a, a.kind == FH_ADDRESS_IP6 ? "[::1]:0" : "127.0.0.1:0");
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
    fh_assert_code(fh_address_unix(FH_LIT("@"), &a, NULL), FH_INVALID);
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
        cmocka_unit_test(test_local), cmocka_unit_test(test_paths),
        cmocka_unit_test(test_kernel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
