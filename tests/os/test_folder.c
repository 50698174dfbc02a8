/* test_folder.c: what is at a path, and the names in a folder. */
#define _GNU_SOURCE 1

#include "fh_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "freehold/os.h"

static fh_test_path in(const fh_test_path *folder, const char *name) {
    fh_test_path path;
    assert_in_range(snprintf(path.text, sizeof path.text, "%s/%s", folder->text, name), 1, sizeof path.text - 1);
    return path;
}

static fh_os_thing look(const char *path) {
    fh_os_thing thing;
    fh_assert_ok(fh_os_look(path, &thing, NULL));
    return thing;
}

static void test_look(void **state) {
    (void)state;
    fh_test_path folder = fh_test_tmp_path("look"), file = in(&folder, "file"), link = in(&folder, "link");
    fh_test_path pipe = in(&folder, "pipe"), back = in(&folder, "back"), hard = in(&folder, "hard"), gone = in(&folder, "gone");
    fh_os_thing thing;
    fh_err err;
    assert_int_equal(mkdir(folder.text, 0700), 0);
    fh_test_write_file(file.text, FH_LIT("hello"));
    assert_int_equal(symlink("file", link.text), 0);
    assert_int_equal(symlink(".", back.text), 0);
    assert_int_equal(symlink("nowhere", gone.text), 0);
    assert_int_equal(linkat(AT_FDCWD, file.text, AT_FDCWD, hard.text, 0), 0);
    assert_int_equal(mkfifo(pipe.text, 0600), 0);
    fh_os_thing of_file = look(file.text), of_link = look(link.text), of_hard = look(hard.text);
    assert_int_equal(of_file.kind, FH_OS_FILE);
    assert_int_equal(of_file.size_bytes, 5);
    assert_true(of_link.kind == FH_OS_FILE && of_link.device == of_file.device && of_link.number == of_file.number);
    assert_true(of_hard.device == of_file.device && of_hard.number == of_file.number);
    assert_true(look(pipe.text).kind == FH_OS_OTHER && look(pipe.text).number != of_file.number);
    assert_true(look(folder.text).kind == FH_OS_FOLDER && look(folder.text).size_bytes == 0);
    assert_int_equal(look(back.text).number, look(folder.text).number);
    fh_err_clear(&err);
    fh_assert_code(fh_os_look(gone.text, &thing, &err), FH_IO);
    fh_assert_err(&err, FH_IO, "gone: cannot look at: No such file");
}

static void test_names(void **state) {
    (void)state;
    static const char *const names[] = {"a", ".hidden", "b c", "...", "\xff"};
    fh_test_path folder = fh_test_tmp_path("names");
    bool met[sizeof names / sizeof names[0]] = {false};
    fh_os_folder *f;
    fh_span name;
    fh_err err;
    fh_err_clear(&err);
    assert_int_equal(mkdir(folder.text, 0700), 0);
    fh_assert_ok(fh_os_folder_open(folder.text, &f, &err));
    fh_assert_code(fh_os_folder_next(f, &name, &err), FH_END);
    fh_os_folder_close(f);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        fh_test_write_file(in(&folder, names[i]).text, FH_LIT(""));
    fh_assert_ok(fh_os_folder_open(folder.text, &f, &err));
    for (size_t count = 0; count < sizeof names / sizeof names[0]; count++) {
        fh_assert_ok(fh_os_folder_next(f, &name, &err));
        size_t i = 0;
        while (i < sizeof names / sizeof names[0] && !fh_span_is(name, names[i]))
            i++;
        assert_true(i < sizeof names / sizeof names[0] && !met[i]);
        met[i] = true;
    }
    fh_assert_code(fh_os_folder_next(f, &name, &err), FH_END);
    fh_assert_code(fh_os_folder_next(f, &name, &err), FH_END);
    assert_int_equal(name.size, 0);
    fh_os_folder_close(f);
    fh_os_folder_close(NULL);
}

static void test_refused(void **state) {
    (void)state;
    fh_test_path file = fh_test_tmp_path("plain"), none = fh_test_tmp_path("none");
    fh_os_folder *f;
    fh_err err;
    fh_err_clear(&err);
    fh_test_write_file(file.text, FH_LIT("x"));
    fh_assert_code(fh_os_folder_open(file.text, &f, &err), FH_IO);
    fh_assert_err(&err, FH_IO, "plain: cannot open the folder: Not a directory");
    assert_null(f);
    fh_err_clear(&err);
    fh_assert_code(fh_os_folder_open(none.text, &f, &err), FH_IO);
    fh_assert_err(&err, FH_IO, "No such file");
    assert_null(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_look), cmocka_unit_test(test_names),
                                       cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
