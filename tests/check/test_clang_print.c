/* test_clang_print.c: functions of headers are read once: prints are the same where all is, and differ where anything does.
 *
 * Threading: one thread. */
#include "check/clang.h"
#include "fh_test.h"

#include <stdlib.h>

enum { PRINTS_MAX = 8 };

typedef struct prints {
    uint64_t at[PRINTS_MAX];
    size_t count, functions, inputs;
} prints;

/* Parses a main file that includes h.h with the text of `header`. */
static prints parse(void **state, const char *before, const char *header, const char *after, const deed_seen *seen) {
    fh_arena *arena;
    fh_assert_ok(fh_arena_new(fh_test_allocator(state), NULL, &arena));
    fh_test_path path = fh_test_tmp_path("print.c"), header_path = fh_test_tmp_path("print.h");
    fh_buf text;
    fh_buf_init(&text, fh_test_allocator(state), 0);
    fh_assert_ok(fh_buf_format(&text, "%s\n#include \"%s\"\n%s\n", before, header_path.text, after));
    fh_test_write_file(path.text, fh_buf_view(&text));
    fh_test_write_file(header_path.text, fh_span_of_str(header));
    fh_buf_deinit(&text);
    deed_arg args[] = {"-std=gnu11", "-DFH_DEED"};
    deed_source s = {.path = path.text, .args = {args, 2}, .seen = seen, .lists_inputs = true};
    deed_unit *unit;
    fh_err err;
    fh_err_clear(&err);
    fh_assert_ok(deed_unit_parse(arena, &s, &unit, &err));
    prints out = {.count = unit->prints.count, .functions = unit->functions.count, .inputs = unit->inputs.count};
    assert_int_equal(unit->problems.count, 0);
    assert_true(out.count <= PRINTS_MAX);
    for (size_t i = 0; i < out.count; i++)
        out.at[i] = fh_deed_prints_at(unit->prints, i)->print;
    fh_arena_free(arena);
    return out;
}

static const char header[] = "struct s { int n; struct s *next; };\n"
                             "typedef int number;\n"
                             "enum { FIRST, SECOND };\n"
                             "void take(struct s *p);\n"
                             "static inline number f(struct s *p) {\n    take(p);\n    return p->n + SECOND;\n}\n"
                             "static inline int g(void) {\n    return 1;\n}\n";

static void test_same(void **state) {
    uint64_t *places = calloc(DEED_SEEN_MAX, sizeof *places);
    deed_seen seen = {.places = {places, DEED_SEEN_MAX}};
    prints a = parse(state, "", header, "int main(void) { return g(); }", &seen);
    prints b = parse(state, "int other; struct t { int k; };", header, "static int h(void) { return g() + other; }", &seen);
    assert_int_equal(a.count, 2);
    assert_int_equal(a.functions, 3);
    assert_int_equal(a.inputs, 2);
    assert_true(a.at[0] == b.at[0] && a.at[1] == b.at[1] && a.at[0] != a.at[1]);
    deed_seen_add(&seen, a.at[0]);
    b = parse(state, "", header, "", &seen);
    assert_int_equal(b.count, 1);
    assert_int_equal(b.functions, 1);
    assert_true(b.at[0] == a.at[1]);
    free(places);
}

/* Each of these changes what f depends on, and leaves g as it is. */
static void test_different(void **state) {
    static const char *const before[] = {
        "struct other { int k; }; void take(__attribute__((annotate(\"fh:move\"))) struct s *p);",
        "#define take(p) (take)(p)",
        "#define FIRST FIRST, BETWEEN",
        "#define next next; int m",
        "#define number long",
    };
    uint64_t *places = calloc(DEED_SEEN_MAX, sizeof *places);
    deed_seen seen = {.places = {places, DEED_SEEN_MAX}};
    prints a = parse(state, "struct s;", header, "", &seen);
    for (size_t i = 0; i < sizeof before / sizeof before[0]; i++) {
        fh_buf text;
        fh_buf_init(&text, fh_test_allocator(state), 0);
        fh_assert_ok(fh_buf_format(&text, "struct s;\n%s%c", before[i], 0));
        prints b = parse(state, (const char *)fh_buf_view(&text).at, header, "", &seen);
        fh_buf_deinit(&text);
        assert_int_equal(b.count, 2);
        assert_true(a.at[0] != b.at[0]);
        assert_true(a.at[1] == b.at[1]);
    }
    prints later = parse(state, "struct s;", header, "void take(__attribute__((annotate(\"fh:move\"))) struct s *p);", &seen);
    assert_true(a.at[0] != later.at[0]);
    free(places);
}

typedef struct pair_case {
    const char *header, *one, *other; /* other: another meaning of the header's one function */
} pair_case;

static void test_meaning(void **state) {
    static const pair_case cases[] = {
        /* a type that only another type names */
        {"struct s { struct inner *i; };\nstatic inline int f(struct s *p) {\n    return p->i->k;\n}\n",
         "struct inner { int k; };", "struct inner { int k, m; };"},
        /* the body of a macro */
        {"static inline int f(int a) {\n    return NEXT(a);\n}\n", "#define NEXT(a) a + 1", "#define NEXT(a) a + 2"},
        /* the value of an enumerator, with and without a name of its type */
        {"static inline int f(void) {\n    return AT;\n}\n", "enum place { AT = 3 };", "enum place { AT = 4 };"},
        {"static inline int f(void) {\n    return AT;\n}\n", "enum { AT = 3 };", "enum { AT = 4 };"},
        /* a struct without a name, which only its member leads to */
        {"static inline int f(void) {\n    return thing.k;\n}\n", "extern struct { int k; } thing;",
         "extern struct { int k, m; } thing;"},
    };
    uint64_t *places = calloc(DEED_SEEN_MAX, sizeof *places);
    deed_seen seen = {.places = {places, DEED_SEEN_MAX}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        prints a = parse(state, cases[i].one, cases[i].header, "", &seen);
        prints same = parse(state, cases[i].one, cases[i].header, "int after;", &seen);
        prints b = parse(state, cases[i].other, cases[i].header, "", &seen);
        assert_true(a.count == 1 && b.count == 1);
        assert_true(a.at[0] == same.at[0]);
        assert_true(a.at[0] != b.at[0]);
    }
    free(places);
}

static void test_set(void **state) {
    (void)state;
    uint64_t *places = calloc(DEED_SEEN_MAX, sizeof *places);
    deed_seen seen = {.places = {places, DEED_SEEN_MAX}};
    for (uint64_t i = 1; i <= DEED_SEEN_MAX; i++) {
        uint64_t print = i * DEED_SEEN_MAX + i / 100; /* many of them at one place */
        assert_false(deed_seen_has(&seen, print));
        if (i % 7 == 0)
            deed_seen_add(&seen, print);
    }
    assert_int_equal(seen.count, DEED_SEEN_MAX / 7);
    for (uint64_t i = 1; i <= DEED_SEEN_MAX; i++)
        assert_int_equal(deed_seen_has(&seen, i * DEED_SEEN_MAX + i / 100), i % 7 == 0);
    for (uint64_t i = 1; i <= DEED_SEEN_MAX; i++)
        deed_seen_add(&seen, i);
    assert_int_equal(seen.count, DEED_SEEN_MAX / 2);
    free(places);
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_same), FH_TEST_ALLOC(test_different), FH_TEST_ALLOC(test_meaning),
                                       FH_TEST_ALLOC(test_set)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
