/* test_texts.c: which files are found in folders, in which order, and why others are passed over; links in circles, deep paths,
 * names that sort by bytes. */
#define _GNU_SOURCE 1

#include "apps/texts.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fh_test.h"
#include "freehold/utf8.h"

static fh_test_path in(const fh_test_path *folder, const char *name) {
    fh_test_path path;
    assert_in_range(snprintf(path.text, sizeof path.text, "%s/%s", folder->text, name), 1, sizeof path.text - 1);
    return path;
}

static fh_test_path new_folder(const char *name) {
    fh_test_path path = fh_test_tmp_path(name);
    assert_int_equal(mkdir(path.text, 0700), 0);
    return path;
}

static void put(const fh_test_path *folder, const char *name, const char *text) {
    fh_test_write_file(in(folder, name).text, fh_span_of_str(text));
}

static fh_status find(fh_allocator *a, fh_texts *t, const char *name, fh_err *err) {
    fh_span names[1] = {fh_span_of_str(name)};
    fh_err_clear(err);
    fh_texts_init(t, a);
    return fh_texts_find(t, (fh_views){names, 1}, 100, err);
}

/* The paths behind that of the folder, divided by blanks. */
static void assert_found(const fh_texts *t, const fh_test_path *folder, const char *expected) {
    char all[512] = "";
    size_t size = strlen(folder->text) + 1;
    for (size_t i = 0; i < fh_texts_count(t); i++) {
        fh_span path = fh_texts_at(t, i);
        assert_true(fh_span_starts(path, fh_span_of_str(folder->text)));
        path = fh_span_from(path, size);
        assert_in_range(snprintf(all + strlen(all), sizeof all - strlen(all), "%s%.*s", i != 0 ? " " : "", FH_SPAN_FMT(path)),
                        1, sizeof all - 1);
    }
    assert_string_equal(all, expected);
}

static void test_order(void **state) {
    fh_test_path folder = new_folder("order"), inner = in(&folder, "b"), innermost = in(&inner, "z");
    fh_texts t;
    fh_err err;
    assert_int_equal(mkdir(inner.text, 0700), 0);
    assert_int_equal(mkdir(innermost.text, 0700), 0);
    put(&folder, "c", "1");
    put(&folder, "a", "22");
    put(&folder, "B", "333");
    put(&folder, "b.txt", "4444");
    put(&inner, "y", "55555");
    put(&inner, "zz", "666666");
    put(&innermost, "x", "7777777");
    fh_assert_ok(find(fh_test_allocator(state), &t, folder.text, &err));
    assert_found(&t, &folder, "B a b/y b/z/x b/zz b.txt c");
    assert_int_equal(t.bytes, 1 + 2 + 3 + 4 + 5 + 6 + 7);
    for (size_t i = 0; i < FH_PASSED_COUNT; i++)
        assert_int_equal(t.passed[i], 0);
    fh_texts_deinit(&t);
}

static void test_passed(void **state) {
    fh_test_path folder = new_folder("passed"), closed = in(&folder, "closed"), secret = in(&folder, ".git");
    char hundred_one[102];
    fh_texts t;
    fh_err err;
    memset(hundred_one, 'x', 101);
    hundred_one[101] = '\0';
    assert_int_equal(mkdir(secret.text, 0700), 0);
    put(&secret, "config", "x");
    put(&folder, ".hidden", "x");
    put(&folder, "empty", "");
    put(&folder, "long", hundred_one);
    put(&folder, "just", hundred_one + 1);
    put(&folder, "one", "x");
    assert_int_equal(link(in(&folder, "one").text, in(&folder, "two").text), 0);
    assert_int_equal(symlink("nowhere", in(&folder, "gone").text), 0);
    assert_int_equal(mkfifo(in(&folder, "pipe").text, 0600), 0);
    assert_int_equal(mkdir(closed.text, 0), 0);
    fh_assert_ok(find(fh_test_allocator(state), &t, folder.text, &err));
    assert_found(&t, &folder, "just one");
    const uint64_t expected[FH_PASSED_COUNT] = {
        [FH_PASSED_HIDDEN] = 2, [FH_PASSED_EMPTY] = 1, [FH_PASSED_LONG] = 1, [FH_PASSED_AGAIN] = 1, [FH_PASSED_OTHER] = 1,
        [FH_PASSED_UNREADABLE] = geteuid() == 0 ? 1 : 2};
    for (size_t i = 0; i < FH_PASSED_COUNT; i++)
        if (t.passed[i] != expected[i])
            fail_msg("%llu %s, expected %llu", (unsigned long long)t.passed[i], fh_passed_name((fh_passed)i),
                     (unsigned long long)expected[i]);
    fh_texts_deinit(&t);
    assert_int_equal(rmdir(closed.text), 0);
    assert_string_equal(fh_passed_name(FH_PASSED_COUNT), "unknown");
}

/* Circles, and doors that two links lead to: every way is taken once, and the number of ways does not double at each door. */
static void test_links(void **state) {
    fh_test_path folder = new_folder("links"), at = folder;
    fh_texts t;
    fh_err err;
    put(&folder, "f", "x");
    assert_int_equal(symlink(".", in(&folder, "self").text), 0);
    assert_int_equal(symlink("f", in(&folder, "g").text), 0);
    for (int i = 0; i < 20; i++) {
        fh_test_path next = in(&at, "d");
        assert_int_equal(mkdir(next.text, 0700), 0);
        assert_int_equal(symlink("d", in(&at, "e").text), 0);
        assert_int_equal(symlink("..", in(&next, "up").text), 0);
        at = next;
    }
    put(&at, "f", "y");
    fh_assert_ok(find(fh_test_allocator(state), &t, folder.text, &err));
    assert_found(&t, &folder, "d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/f f");
    assert_int_equal(t.passed[FH_PASSED_AGAIN], 1 + 1 + 20 + 20);
    fh_texts_deinit(&t);
}

/* A path that does not fit is passed over; one that just fits is not. */
static void test_deep(void **state) {
    fh_test_path folder = new_folder("deep");
    char name[201];
    int fd = open(folder.text, O_RDONLY | O_DIRECTORY);
    size_t size = strlen(folder.text);
    unsigned made = 0;
    fh_texts t;
    fh_err err;
    memset(name, 'd', 200);
    name[200] = '\0';
    for (; size + 201 < FH_PATH_MAX + 201; size += 201, made++) {
        assert_int_equal(mkdirat(fd, name, 0700), 0);
        int next = openat(fd, name, O_RDONLY | O_DIRECTORY);
        assert_true(next >= 0);
        assert_int_equal(close(fd), 0);
        fd = next;
    }
    assert_int_equal(close(fd), 0);
    fh_assert_ok(find(fh_test_allocator(state), &t, folder.text, &err));
    assert_int_equal(fh_texts_count(&t), 0);
    assert_int_equal(t.passed[FH_PASSED_DEEP], 1);
    fh_texts_deinit(&t);
    /* It is too deep to be removed by its path. */
    for (unsigned i = 0; i < made; i++) {
        fh_test_path inner = in(&folder, name), moved = in(&folder, "m"), left = in(&folder, "left");
        assert_int_equal(rename(inner.text, moved.text), 0);
        (void)rename(in(&moved, name).text, left.text);
        assert_int_equal(rmdir(moved.text), 0);
        if (i + 1 < made)
            assert_int_equal(rename(left.text, inner.text), 0);
    }
}

static void test_named(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_test_path folder = new_folder(".named"), file = in(&folder, ".file"), none = in(&folder, "none");
    fh_texts t;
    fh_err err;
    put(&folder, ".file", "x");
    fh_assert_ok(find(a, &t, file.text, &err)); /* it may be hidden */
    assert_int_equal(fh_texts_count(&t), 1);
    fh_span again[3] = {fh_span_of_str(folder.text), fh_span_of_str(file.text), fh_span_of_str(folder.text)};
    fh_assert_ok(fh_texts_find(&t, (fh_views){again, 3}, 100, &err));
    assert_int_equal(fh_texts_count(&t), 1);
    assert_true(t.passed[FH_PASSED_AGAIN] == 2 && t.passed[FH_PASSED_HIDDEN] == 1);
    fh_texts_deinit(&t);
    fh_assert_code(find(a, &t, none.text, &err), FH_IO);
    fh_assert_err(&err, FH_IO, "none: cannot look at: No such file");
    fh_texts_deinit(&t);
    fh_assert_code(find(a, &t, "", &err), FH_INVALID);
    fh_texts_deinit(&t);
    put(&folder, "n", "x");
    char slash[1100];
    assert_in_range(snprintf(slash, sizeof slash, "%s/", folder.text), 1, sizeof slash - 1);
    fh_assert_ok(find(a, &t, slash, &err)); /* no second slash */
    assert_found(&t, &folder, "n");
    fh_texts_deinit(&t);
}

static void test_is_text(void **state) {
    (void)state;
    assert_true(fh_texts_is_text(FH_LIT("")));
    assert_true(fh_texts_is_text(FH_LIT("a\n\xc3\xa9\x01")));
    assert_false(fh_texts_is_text(FH_LIT("a\0b")));
    assert_false(fh_texts_is_text(FH_LIT("a\xff")));
    assert_false(fh_texts_is_text(FH_LIT("a\xc3")));
}

static fh_status find_all(fh_allocator *a, void *arg) {
    const fh_test_path *folder = arg;
    fh_texts t;
    fh_err err;
    fh_status s = find(a, &t, folder->text, &err);
    if (!fh_failed(s))
        assert_found(&t, folder, "a b/c");
    fh_texts_deinit(&t);
    return s;
}

static void test_each_allocation_fails(void **state) {
    fh_test_path folder = new_folder("alloc"), inner = in(&folder, "b");
    assert_int_equal(mkdir(inner.text, 0700), 0);
    put(&folder, "a", "x");
    put(&inner, "c", "x");
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), find_all, &folder) > 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_order), FH_TEST_ALLOC(test_passed), FH_TEST_ALLOC(test_links),
        FH_TEST_ALLOC(test_deep),  FH_TEST_ALLOC(test_named),  cmocka_unit_test(test_is_text),
        FH_TEST_ALLOC(test_each_allocation_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
