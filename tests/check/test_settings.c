/* test_settings.c: what a deed.toml may say, what it may not, and which paths fall under it.
 *
 * Threading: one thread. */
#include "check/settings.h"
#include "fh_test.h"

static const char ALL[] = "# settings\r\n"
                          "include = [\"src\", # and\n"
                          "    \"lib\",\n"
                          "]\n"
                          "exclude=[\"src/theirs/\"]\n"
                          "\n"
                          "[[audited]]\n"
                          "path = \"src/core/\"\n"
                          "\n"
                          "reason = \"the allocator # not a comment\" # a comment\n"
                          "[[pair]]\n"
                          "free = \"free\"\n"
                          "alloc = \"malloc\"\n"
                          "[[audited]]\n"
                          "reason = \"x\"\n"
                          "whole = true\n"
                          "path = \"src/one.c\"";

/* The entry of this very text; NULL for none. */
static const deed_setting *entry_of(const deed_setting *list, fh_span text) {
    while (list != NULL && !fh_span_equal(list->text, text))
        list = list->next;
    return list;
}

static void test_all(void **state) {
    fh_arena *arena;
    fh_err err;
    fh_err_clear(&err);
    fh_assert_ok(fh_arena_new(fh_test_allocator(state), NULL, &arena));
    deed_settings s = {0};
    fh_assert_ok(deed_settings_parse(arena, fh_span_of_str(ALL), &s, &err));
    const deed_setting *core = entry_of(s.audited, FH_LIT("src/core/")),
                       *one = entry_of(s.audited, FH_LIT("src/one.c"));
    fh_assert_span(core->other, "the allocator # not a comment");
    assert_int_equal(core->line, 7);
    assert_false(core->is_whole);
    assert_true(one->is_whole);
    fh_assert_span(s.pairs->text, "malloc");
    fh_assert_span(s.pairs->other, "free");
    assert_null(s.pairs->next);
    assert_non_null(entry_of(s.include, FH_LIT("src")));
    assert_non_null(entry_of(s.include, FH_LIT("lib")));
    assert_null(entry_of(s.include, FH_LIT("li")));
    assert_non_null(entry_of(s.exclude, FH_LIT("src/theirs/")));
    fh_arena_free(arena);
}

/* One text, the line that is refused, and what was expected there. */
typedef struct refusal {
    const char *text;
    unsigned line;
    const char *expected;
} refusal;

static const refusal refusals[] = {
    {"inclde = [\"a\"]\n", 1, "include, exclude, evidence, [[audited]] or [[pair]]"},
    {"\n# x\naudited = [\"src/\"]\n", 3, "include, exclude, evidence, [[audited]] or [[pair]]"},
    {"[audited]\n", 1, "include, exclude, evidence, [[audited]] or [[pair]]"},
    {"include [\"a\"]\n", 1, "= behind the key"},
    {"include = \"a\"\n", 1, "a list of texts"},
    {"include = [a]\n", 1, "a text in quotes"},
    {"include = [\"a\" \"b\"]\n", 1, "a comma or the end of the list"},
    {"include = [\"a\"\n", 2, "a comma or the end of the list"},
    {"include = [\"a\n\"]\n", 1, "a text of one line"},
    {"include = [\"\"]\n", 1, "a text of one line"},
    {"include = [\"a\\\\b\"]\n", 1, "a text of one line"},
    {"include = [\"a\"] exclude = [\"b\"]\n", 1, "the end of the line"},
    {"include = [\"a\"]\ninclude = [\"b\"]\n", 2, "each key once"},
    {"include = [\"/a\"]\n", 1, "a path below the root, not /a"},
    {"exclude = [\"b\", \"a/../../b\"]\n", 1, "a path below the root, not a/../../b"},
    {"evidence = [\"a\"]\n", 1, "a text in quotes"},
    {"evidence = \"a\"\nevidence = \"b\"\n", 2, "each key once"},
    {"evidence = \"/a\"\n", 1, "a path below the root, not /a"},
    {"[[audit]]\n", 1, "[[audited]] or [[pair]]"},
    {"[[audited]\n", 1, "]] behind the name"},
    {"[[audited]] path = \"a\"\n", 1, "the end of the line"},
    {"[[audited]]\npath = \"a\"\n", 1, "path and reason in this table"},
    {"\n[[audited]]\nreason = \"a\"\n[[pair]]\n", 2, "path and reason in this table"},
    {"[[audited]]\npath = \"a\"\nreason = \"b\"\npath = \"c\"\n", 4, "each key once"},
    {"[[audited]]\npath = \"../a\"\nreason = \"b\"\n", 1, "a path below the root, not ../a"},
    {"[[audited]]\npath = \"a\"\nwhy = \"b\"\n", 3, "path, reason or whole"},
    {"[[audited]]\npath = \"a\"\nreason = \"b\"\nwhole = false\n", 4, "true, once"},
    {"[[audited]]\nwhole = true\nwhole = true\n", 3, "true, once"},
    {"[[pair]]\nalloc = \"a\"\n", 1, "alloc and free in this table"},
    {"[[pair]]\nwhole = true\n", 2, "alloc or free"},
    {"[[pair]]\nalloc = \"a\"\nfree = \"b\"\ninclude = [\"c\"]\n", 4, "alloc or free"},
};

static void test_refusals(void **state) {
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        fh_arena *arena;
        fh_err err, wanted;
        fh_err_clear(&err);
        fh_err_clear(&wanted);
        deed_settings s = {0};
        fh_assert_ok(fh_arena_new(fh_test_allocator(state), NULL, &arena));
        fh_assert_code(deed_settings_parse(arena, fh_span_of_str(refusals[i].text), &s, &err), FH_CORRUPT);
        fh_assert_code(fh_fail(&wanted, FH_CORRUPT, 0, "deed.toml:%u: expected %s", refusals[i].line, refusals[i].expected),
                       FH_CORRUPT);
        fh_assert_err(&err, FH_CORRUPT, wanted.message);
        fh_arena_free(arena);
    }
}

/* Every beginning of a file is read to its end, and refused or taken. */
static void test_cut(void **state) {
    for (size_t size = 0; size < sizeof ALL; size++) {
        fh_arena *arena;
        fh_err err;
        fh_err_clear(&err);
        deed_settings s = {0};
        fh_assert_ok(fh_arena_new(fh_test_allocator(state), NULL, &arena));
        fh_status status = deed_settings_parse(arena, fh_span_sub(fh_span_of_str(ALL), 0, size), &s, &err);
        assert_true(status.code == FH_OK || status.code == FH_CORRUPT);
        fh_arena_free(arena);
    }
}

static void test_paths(void **state) {
    static const struct {
        const char *path, *below;
    } rows[] = {
        {"/p/q/a.c", "a.c"},     {"a.c", "sub/a.c"},       {"./x//y/../a.c", "sub/x/a.c"}, {"../a.c", "a.c"},
        {"../../a.c", ""},       {"/p/qq/a.c", ""},        {"/p/q", ""},                   {"/", ""},
        {"/../p/q/b/.", "b"},    {"../../../../p/q/a", "a"}, {"..", ""},                   {"", "sub"},
    };
    fh_arena *arena;
    fh_assert_ok(fh_arena_new(fh_test_allocator(state), NULL, &arena));
    deed_settings s = {.here = FH_LIT("/p/q/sub/"), .root = FH_LIT("/p/q/")};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        fh_assert_span(deed_path_from_root(arena, &s, fh_span_of_str(rows[i].path)), rows[i].below);
    fh_arena_free(arena);
}

static void test_over(void **state) {
    (void)state;
    const deed_setting file = {.text = FH_LIT("src/x.c")}, folder = {.text = FH_LIT("src/core/"), .next = &file};
    assert_ptr_equal(deed_setting_over(&folder, FH_LIT("src/core/a/b.c")), &folder);
    assert_ptr_equal(deed_setting_over(&folder, FH_LIT("src/core")), &folder);
    assert_ptr_equal(deed_setting_over(&folder, FH_LIT("src/x.c")), &file);
    assert_null(deed_setting_over(&folder, FH_LIT("src/x.cc")));
    assert_null(deed_setting_over(&folder, FH_LIT("src/corefile.c")));
    assert_null(deed_setting_over(&folder, FH_LIT("other/src/core/a.c")));
    assert_null(deed_setting_over(&folder, FH_LIT("src")));
    assert_null(deed_setting_over(&folder, FH_LIT("")));
    assert_null(deed_setting_over(NULL, FH_LIT("src/x.c")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_all),   FH_TEST_ALLOC(test_refusals), FH_TEST_ALLOC(test_cut),
        FH_TEST_ALLOC(test_paths), cmocka_unit_test(test_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
