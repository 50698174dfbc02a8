/* test_answers.c: an answer is found again while everything that it was made from is as it was, and never otherwise.
 *
 * Threading: one thread. */
#include "check/answers.h"
#include "check/outside.h"
#include "fh_test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A folder, one input in it, and the task that it is. */
typedef struct bench {
    fh_allocator *a;
    fh_test_path folder, source;
    fh_arena *arena;
    deed_cache cache;
    deed_arg args[2];
    deed_task task;
    deed_input inputs[2];
    deed_unit unit;
} bench;

static fh_status keep_path(void *ctx, const char *path) {
    snprintf(((fh_test_path *)ctx)->text, sizeof(fh_test_path), "%s", path);
    return FH_DONE;
}

/* The one entry in the folder. */
static fh_test_path entry(bench *b) {
    fh_test_path path = {{0}};
    fh_assert_ok(deed_walk(b->folder.text, keep_path, &path, NULL));
    assert_true(path.text[0] != 0);
    return path;
}

static void start(bench *b, void **state) {
    *b = (bench){.a = fh_test_allocator(state), .folder = fh_test_tmp_path("answers"), .source = fh_test_tmp_path("input.c")};
    fh_test_write_file(b->source.text, FH_LIT("int a;\n"));
    fh_test_path old = {{0}};
    while (!fh_failed(deed_walk(b->folder.text, keep_path, &old, NULL)) && old.text[0] != 0) {
        assert_int_equal(unlink(old.text), 0);
        old.text[0] = 0;
    }
    b->args[0] = "-Ifirst";
    b->args[1] = "-DX";
    b->task = (deed_task){.path = b->source.text, .args = {b->args, 2}};
    b->inputs[0] = (deed_input){.path = fh_span_of_str(b->source.text), .hash = deed_input_hash(FH_LIT("int a;\n"))};
    b->unit = (deed_unit){.inputs = {b->inputs, 1}};
}

/* A cache that has not looked at any file yet. */
static void open_cache(bench *b, const char *settings) {
    fh_err err;
    fh_err_clear(&err);
    fh_assert_ok(fh_arena_new(b->a, NULL, &b->arena));
    fh_assert_ok(deed_cache_open(b->arena, b->folder.text, fh_span_of_str(settings), &b->cache, &err));
}

static void keep(bench *b) {
    open_cache(b, "");
    fh_assert_ok(deed_cache_keep(&b->cache, &b->task, FH_LIT("gcc"), &b->unit, FH_LIT("the answer")));
    fh_arena_free(b->arena);
}

static bool finds(bench *b, const char *settings, const char *how) {
    fh_buf answer;
    fh_buf_init(&answer, b->a, 0);
    open_cache(b, settings);
    bool found = deed_cache_find(&b->cache, &b->task, fh_span_of_str(how), &answer);
    fh_assert_span(fh_buf_view(&answer), found ? "the answer" : "");
    fh_buf_deinit(&answer);
    fh_arena_free(b->arena);
    return found;
}

static void test_found(void **state) {
    bench b;
    start(&b, state);
    assert_false(finds(&b, "", "gcc"));
    keep(&b);
    assert_true(finds(&b, "", "gcc"));
    assert_false(finds(&b, "", "json"));
    b.args[1] = "-DY";
    assert_false(finds(&b, "", "gcc"));
    b.args[1] = "-DX";
    fh_test_write_file(b.source.text, FH_LIT("int b;\n"));
    assert_false(finds(&b, "", "gcc"));
    fh_test_write_file(b.source.text, FH_LIT("int a;\n"));
    assert_true(finds(&b, "", "gcc"));
    assert_false(finds(&b, b.source.text, "gcc")); /* another deed.toml */
    unlink(b.source.text);
    assert_false(finds(&b, "", "gcc"));
}

/* A header that was found in the second folder appears in the first. */
static void test_absent(void **state) {
    bench b;
    start(&b, state);
    fh_test_path header = fh_test_tmp_path("second/one.h"), hides = fh_test_tmp_path("first/one.h");
    fh_test_path first = fh_test_tmp_path("first"), second = fh_test_tmp_path("second");
    fh_assert_ok(deed_folder_make(first.text, NULL));
    fh_assert_ok(deed_folder_make(second.text, NULL));
    unlink(hides.text);
    fh_test_write_file(header.text, FH_LIT("x"));
    char one[4200], two[4200];
    snprintf(one, sizeof one, "-I%s", first.text);
    snprintf(two, sizeof two, "-I%s", second.text);
    b.args[0] = one;
    b.args[1] = two;
    b.inputs[1] = (deed_input){.path = fh_span_of_str(header.text), .includer = fh_span_of_str(b.source.text),
                               .hash = deed_input_hash(FH_LIT("x"))};
    b.unit.inputs.count = 2;
    keep(&b);
    assert_true(finds(&b, "", "gcc"));
    fh_test_write_file(hides.text, FH_LIT("x"));
    assert_false(finds(&b, "", "gcc"));
    unlink(hides.text);
    assert_true(finds(&b, "", "gcc"));
}

static void test_not_kept(void **state) {
    bench b;
    start(&b, state);
    b.inputs[0].asks_for_files = true;
    keep(&b);
    assert_false(finds(&b, "", "gcc"));
}

static size_t read_all(const char *path, uint8_t *bytes, size_t room) {
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t size = fread(bytes, 1, room, f);
    fclose(f);
    return size;
}

/* Each byte changed, each length, and a task that has the name of another: no answer, and nothing worse. */
static void test_damage(void **state) {
    bench b;
    uint8_t bytes[16384];
    start(&b, state);
    keep(&b);
    fh_test_path path = entry(&b);
    size_t size = read_all(path.text, bytes, sizeof bytes);
    assert_true(size > 64 && size < sizeof bytes);
    for (size_t i = 0; i < size; i += i < 64 ? 1 : 7) {
        bytes[i] ^= 0x20;
        fh_test_write_file(path.text, (fh_span){bytes, size});
        assert_false(finds(&b, "", "gcc"));
        bytes[i] ^= 0x20;
        fh_test_write_file(path.text, (fh_span){bytes, i});
        assert_false(finds(&b, "", "gcc"));
    }
    fh_test_write_file(path.text, (fh_span){bytes, size});
    assert_true(finds(&b, "", "gcc"));
    unlink(path.text);
    b.args[1] = "-DY";
    keep(&b);
    fh_test_path other = entry(&b);
    fh_test_write_file(other.text, (fh_span){bytes, size}); /* whole, and of another task */
    assert_false(finds(&b, "", "gcc"));
}

static void test_folder(void **state) {
    bench b;
    fh_err err;
    start(&b, state);
    fh_err_clear(&err);
    fh_assert_ok(fh_arena_new(b.a, NULL, &b.arena));
    fh_assert_code(deed_cache_open(b.arena, b.source.text, FH_LIT(""), &b.cache, &err), FH_IO);
    fh_assert_err(&err, FH_IO, "Not a directory");
    assert_null(b.cache.folder);
    fh_arena_free(b.arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_found), FH_TEST_ALLOC(test_absent), FH_TEST_ALLOC(test_not_kept),
                                       FH_TEST_ALLOC(test_damage), FH_TEST_ALLOC(test_folder)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
