/* test_writer.c: files that appear whole under their name, or not at all: each failure leaves the target as it was. */
#define _GNU_SOURCE 1

#include "fh_test.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "freehold/os.h"

/* A new folder, so that a test can count what is in it. */
static fh_test_path new_folder(const char *name) {
    fh_test_path path = fh_test_tmp_path(name);
    assert_int_equal(mkdir(path.text, 0700), 0);
    return path;
}

static fh_test_path in(const fh_test_path *folder, const char *name) {
    fh_test_path path;
    assert_in_range(snprintf(path.text, sizeof path.text, "%s/%s", folder->text, name), 1, sizeof path.text - 1);
    return path;
}

static size_t count_files(const fh_test_path *folder) {
    size_t count = 0;
    DIR *d = opendir(folder->text);
    assert_non_null(d);
    while (readdir(d) != NULL)
        count++;
    (void)closedir(d);
    return count - 2;
}

static void assert_content(const fh_test_path *path, const char *text) {
    fh_os_map map;
    fh_assert_ok(fh_os_map_open(path->text, &map, NULL));
    fh_assert_span(map.bytes, text);
    fh_os_map_close(&map);
}

static void test_appears_at_commit(void **state) {
    (void)state;
    fh_test_path folder = new_folder("commit"), path = in(&folder, "file");
    fh_os_writer *w;
    fh_err err = {0};
    fh_assert_ok(fh_os_writer_open(path.text, &w, &err));
    fh_assert_ok(fh_os_writer_put(w, FH_LIT("hello "), &err));
    fh_assert_ok(fh_os_writer_put(w, (fh_span){NULL, 0}, &err));
    assert_int_equal(access(path.text, F_OK), -1);
    fh_assert_ok(fh_os_writer_put(w, FH_LIT("world"), &err));
    fh_assert_ok(fh_os_writer_commit(&w, &err));
    assert_null(w);
    assert_content(&path, "hello world");
    assert_int_equal(count_files(&folder), 1);

    /* Once more, over the old file. */
    fh_assert_ok(fh_os_writer_open(path.text, &w, &err));
    fh_assert_ok(fh_os_writer_put(w, FH_LIT("second"), &err));
    assert_content(&path, "hello world");
    fh_assert_ok(fh_os_writer_commit(&w, &err));
    assert_content(&path, "second");
    assert_int_equal(count_files(&folder), 1);
}

static void test_mode_follows_umask(void **state) {
    (void)state;
    fh_test_path path = fh_test_tmp_path("mode");
    fh_os_writer *w;
    struct stat st;
    mode_t before = umask(027);
    fh_assert_ok(fh_os_writer_open(path.text, &w, NULL));
    (void)umask(before);
    fh_assert_ok(fh_os_writer_commit(&w, NULL));
    assert_int_equal(stat(path.text, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    assert_int_equal(st.st_size, 0);
}

static void test_dropped(void **state) {
    (void)state;
    fh_test_path folder = new_folder("dropped"), path = in(&folder, "file");
    fh_os_writer *w;
    fh_assert_ok(fh_os_writer_open(path.text, &w, NULL));
    fh_assert_ok(fh_os_writer_put(w, FH_LIT("gone"), NULL));
    fh_os_writer_close(w);
    fh_os_writer_close(NULL);
    assert_int_equal(count_files(&folder), 0);
}

/* Pieces of every size around the buffer's give the same bytes. */
static void test_pieces(void **state) {
    (void)state;
    enum { TOTAL = 400000 };
    static const size_t edges[] = {1, 65535, 65536, 65537, 131072, 7};
    uint8_t *bytes = malloc(TOTAL);
    assert_non_null(bytes);
    for (size_t i = 0; i < TOTAL; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 251);
    fh_test_rng rng = fh_test_rng_new(5);
    for (int round = 0; round < 20; round++) {
        fh_test_path path = fh_test_tmp_path("pieces");
        fh_os_writer *w;
        fh_os_map map;
        fh_assert_ok(fh_os_writer_open(path.text, &w, NULL));
        for (size_t at = 0; at < TOTAL;) {
            size_t size = round == 0 ? TOTAL : edges[fh_test_rng_below(&rng, 6)] + fh_test_rng_below(&rng, 3) - 1;
            size = size < TOTAL - at ? size : TOTAL - at;
            fh_assert_ok(fh_os_writer_put(w, (fh_span){bytes + at, size}, NULL));
            at += size;
        }
        fh_assert_ok(fh_os_writer_commit(&w, NULL));
        fh_assert_ok(fh_os_map_open(path.text, &map, NULL));
        assert_true(fh_span_equal(map.bytes, (fh_span){bytes, TOTAL}));
        fh_os_map_close(&map);
    }
    free(bytes);
}

static void test_refused(void **state) {
    (void)state;
    fh_test_path folder = new_folder("refused"), missing = in(&folder, "none/file"), slash = in(&folder, "");
    fh_test_path dot = in(&folder, "."), file = in(&folder, "file"), below = in(&folder, "file/x"), fifo = in(&folder, "fifo");
    char name[300];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    fh_test_path longer = in(&folder, name);
    char far[4097];
    memset(far, '/', sizeof far - 1);
    far[sizeof far - 1] = '\0';
    fh_test_write_file(file.text, FH_LIT("x"));
    assert_int_equal(mkfifo(fifo.text, 0600), 0);
    const struct {
        const char *path;
        fh_code code;
        const char *said;
    } rows[] = {
        {missing.text, FH_IO, "cannot open the directory: No such file"},
        {below.text, FH_IO, "cannot open the directory: Not a directory"},
        {slash.text, FH_INVALID, "ends in a file name"},
        {dot.text, FH_INVALID, "ends in a file name"},
        {"..", FH_INVALID, "ends in a file name"},
        {"", FH_INVALID, "ends in a file name"},
        {longer.text, FH_INVALID, "ends in a file name of 1 to 234 bytes"},
        {far, FH_INVALID, "expected a path of at most 4095 bytes"},
        {far + 1, FH_INVALID, "////"},
        {folder.text, FH_IO, "exists and is not a regular file"},
        {fifo.text, FH_IO, "exists and is not a regular file"},
        {"/dev/null", FH_IO, "/dev/null: exists and is not a regular file"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fh_os_writer *w = (fh_os_writer *)&folder;
        fh_err err = {0};
        fh_assert_code(fh_os_writer_open(rows[i].path, &w, &err), rows[i].code);
        fh_assert_err(&err, rows[i].code, rows[i].said);
        assert_null(w);
    }
    assert_int_equal(count_files(&folder), 2);
}

/* The longest name that is allowed works. */
static void test_longest_name(void **state) {
    (void)state;
    char name[235];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    fh_test_path path = fh_test_tmp_path(name);
    fh_os_writer *w;
    fh_assert_ok(fh_os_writer_open(path.text, &w, NULL));
    fh_assert_ok(fh_os_writer_commit(&w, NULL));
    assert_content(&path, "");
}

/* A path without a slash is in the working directory. */
static void test_relative_name(void **state) {
    (void)state;
    fh_test_path folder = new_folder("relative"), path = in(&folder, "plain");
    char before[1024];
    fh_os_writer *w;
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(folder.text), 0);
    fh_assert_ok(fh_os_writer_open("plain", &w, NULL));
    assert_int_equal(chdir(before), 0);
    fh_assert_ok(fh_os_writer_commit(&w, NULL)); /* the folder is the one of the opening */
    assert_content(&path, "");
}

static void test_rename_fails(void **state) {
    (void)state;
    fh_test_path folder = new_folder("rename"), path = in(&folder, "file");
    fh_os_writer *w;
    fh_err err = {0};
    fh_assert_ok(fh_os_writer_open(path.text, &w, NULL));
    assert_int_equal(mkdir(path.text, 0700), 0); /* a folder takes the name meanwhile */
    fh_assert_code(fh_os_writer_commit(&w, &err), FH_IO);
    fh_assert_err(&err, FH_IO, "cannot rename into place");
    assert_null(w);
    assert_int_equal(count_files(&folder), 1);
}

/* A full disk, played by a limit on the size of files: nothing appears, nothing stays. */
static void test_disk_full(void **state) {
    (void)state;
    fh_test_path folder = new_folder("full"), path = in(&folder, "file");
    struct rlimit before, small;
    fh_os_writer *w;
    fh_err err = {0};
    fh_test_write_file(path.text, FH_LIT("old"));
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 100000;
    void (*signal_before)(int) = signal(SIGXFSZ, SIG_IGN);
    fh_assert_ok(fh_os_writer_open(path.text, &w, NULL));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    uint8_t *bytes = calloc(1, 200000);
    assert_non_null(bytes);
    fh_status big = fh_os_writer_put(w, (fh_span){bytes, 200000}, &err); /* past the buffer: fails at once */
    fh_os_writer_close(w);
    fh_assert_code(big, FH_IO);
    fh_assert_err(&err, FH_IO, "cannot write: File too large");

    fh_assert_ok(fh_os_writer_open(path.text, &w, NULL));
    for (int i = 0; i < 3; i++) /* in the buffer: the last of it fails at the commit */
        fh_assert_ok(fh_os_writer_put(w, (fh_span){bytes, 40000}, NULL));
    fh_err_clear(&err);
    fh_status late = fh_os_writer_commit(&w, &err);
    free(bytes);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, signal_before);
    fh_assert_code(late, FH_IO);
    fh_assert_err(&err, FH_IO, "cannot write: File too large");
    assert_content(&path, "old");
    assert_int_equal(count_files(&folder), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_appears_at_commit), cmocka_unit_test(test_mode_follows_umask),
        cmocka_unit_test(test_dropped),           cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_refused),           cmocka_unit_test(test_longest_name),
        cmocka_unit_test(test_relative_name),     cmocka_unit_test(test_rename_fails),
        cmocka_unit_test(test_disk_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
