/* test_clang.c: small sources become the tables that they should, in the text form of deed_unit_dump.
 *
 * Threading: one thread. */
#include "check/clang.h"
#include "fh_test.h"

#include <stdio.h>

/* The words of deed.h, spelled out, so that a source needs no header. */
#define PRELUDE                                                                                                             \
    "#define W(t) __attribute__((annotate(\"fh:\" t)))\n"                                                                   \
    "#define NULL ((void *)0)\n"

typedef struct parse_case {
    const char *source, *expected;
} parse_case;

static fh_status parse(fh_allocator *a, const char *source, fh_buf *out, void (*look)(const deed_unit *unit)) {
    fh_arena *arena;
    FH_TRY(fh_arena_new(a, NULL, &arena));
    fh_test_path path = fh_test_tmp_path("unit.c");
    deed_arg args[] = {"-std=gnu11", "-DFH_DEED"};
    deed_source s = {.path = path.text, .args = {args, 2}};
    deed_unit *unit;
    fh_err err;
    fh_err_clear(&err);
    fh_test_write_file(path.text, fh_span_of_str(source));
    fh_status status = deed_unit_parse(arena, &s, &unit, &err);
    if (!fh_failed(status) && look != NULL)
        look(unit);
    if (!fh_failed(status))
        status = deed_unit_dump(unit, out);
    fh_arena_free(arena);
    return status;
}

static void check_text(void **state, const char *source, const char *expected) {
    fh_buf out;
    fh_buf_init(&out, fh_test_allocator(state), 0);
    fh_assert_ok(parse(fh_test_allocator(state), source, &out, NULL));
    fh_assert_span(fh_buf_view(&out), expected);
    fh_buf_deinit(&out);
}

/* The body of `void f(int a, int *p, struct s *s)`, each line in braces of its own; only the lines of the body are compared. */
static void check_body(void **state, const char *body, const char *expected) {
    static const char head[] = PRELUDE "struct s { int n, m; struct { int k; }; int v[3]; };\n"
                                       "enum { ONE = 1 };\nint g(int x);\n"
                                       "void f(int a, int *p, struct s *s) {\n";
    fh_allocator *a = fh_test_allocator(state);
    fh_buf source, out;
    fh_buf_init(&source, a, 0);
    fh_buf_init(&out, a, 0);
    fh_assert_ok(fh_buf_format(&source, "%s%s\n}\n%c", head, body, 0));
    fh_assert_ok(parse(a, (const char *)fh_buf_view(&source).at, &out, NULL));
    fh_span text = fh_buf_view(&out);
    size_t at = fh_span_find(text, FH_LIT("\n  block\n"), 0);
    assert_true(at != SIZE_MAX);
    fh_assert_span(fh_span_from(text, at + 9), expected);
    fh_buf_deinit(&source);
    fh_buf_deinit(&out);
}

static void test_tables(void **state) {
    static const parse_case cases[] = {
        {"p = NULL; p = 0;", "    assign\n      ref p\n      null <void *> in NULL\n    assign\n      ref p\n"
         "      null <int *>\n"},
        {"if (!p) a = 1; else a += ONE;", "    if\n      unary !\n        ref p\n      assign\n        ref a\n"
                                          "        integer 1\n      assign +\n        ref a\n        integer 1\n"},
        {"for (;;) break;", "    for\n      -\n      -\n      -\n      break\n"},
        {"for (a = 1;;) break;", "    for\n      assign\n        ref a\n        integer 1\n      -\n      -\n      break\n"},
        {"for (; a;) ;", "    for\n      -\n      ref a\n      -\n      empty\n"},
        {"for (;; (a)++) ;", "    for\n      -\n      -\n      unary x++\n        ref a\n      empty\n"},
        {"for (int i = 0; i < (2); ) --i;",
         "    for\n      declare\n        variable i <int>\n          integer 0\n      binary <\n        ref i\n"
         "        integer 2\n"
         "      -\n      unary --x\n        ref i\n"},
        {"s->n = (*s).m, s->k = s->v[1];",
         "    sequence\n      assign\n        member -> n\n          ref s\n        member . m\n          deref\n"
         "            ref s\n"
         "      assign\n        member -> k\n          ref s\n        index\n          member -> v\n            ref s\n"
         "          integer 1\n"},
        {"switch (a) { case ONE: case 'b': a = sizeof a; break; default: goto out; } out:;",
         "    switch\n      ref a\n      block\n        case 1\n          case 98\n            assign\n              ref a\n"
         "              integer 4\n        break\n        default\n          goto out\n    label out\n      empty\n"},
        {"struct s x = {.m = 1, 2, .v = {[1] = 5}};",
         "    declare\n      variable x <struct s>\n        list\n          integer .m = 1\n          integer 2\n"
         "          list .v =\n            integer 5\n"},
        {"struct s x = {1, .v[2] = 7};",
         "    declare\n      variable x <struct s>\n        list\n          integer .n = 1\n          integer .v = 7\n"},
        {"a = g(a ? 1 : 2) * (int)1.5;",
         "    assign\n      ref a\n      binary *\n        call\n          ref g\n          choose\n            ref a\n"
         "            integer 1\n            integer 2\n        cast <int>\n          real\n"},
        {"do { continue; } while (__builtin_expect(a, 0)); while (0) return;",
         "    do\n      block\n        continue\n      ref a\n    while\n      integer 0\n      return\n        -\n"},
        {"a = ({ int z = 1; z; });", "    assign\n      ref a\n      statements\n        block\n          declare\n"
                                     "            variable z <int>\n              integer 1\n          ref z\n"},
        {"*p = 2[p];", "    assign\n      deref\n        ref p\n      index\n        ref p\n        integer 2\n"},
        {"__asm__(\"\");", "    unknown `inline assembly`\n"},
        {"a = a ?: 1;", "    assign\n      ref a\n      unknown `a ?: without its middle`\n        ref a\n        ref a\n"
         "        ref a\n        integer 1\n"},
        {"a = __builtin_offsetof(struct s, m);", "    assign\n      ref a\n      integer 4\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_body(state, cases[i].source, cases[i].expected);
}

static void test_contracts(void **state) {
    check_text(state,
               PRELUDE "typedef struct t t;\n"
                       "W(\"owned\") t *make(W(\"ref\") const char *name);\n"
                       "void give(W(\"move\") t *x) W(\"locks:1\");\n"
                       "const char *part(W(\"ref\") t *a, W(\"ref\") t *b) W(\"view:1, 2\");\n"
                       "struct t { W(\"guarded:lock\") int n; W(\"owned\") char *text; };\n"
                       "typedef void (*visit)(W(\"mut\") t *x);\n"
                       "W(\"sync\") typedef struct { int n; } shared;\n"
                       "void odd(W(\"odd\") int x);\n",
               "typedef t <t>\n"
               "function make <t *(const char *)> owned\n  parameter name <const char *> ref\n"
               "function give <void (t *)> locks(1)\n  parameter x <t *> move\n"
               "function part <const char *(t *, t *)> view(1, 2)\n  parameter a <t *> ref\n  parameter b <t *> ref\n"
               "record t <t>\n  field n <int> guarded(lock)\n  field text <char *> owned\n"
               "typedef visit <void (*)(t *)>\n  parameter x <t *> mut\n"
               "record shared <shared> sync (as above)\n  field n <int>\n"
               "typedef shared <shared> sync\n"
               "function odd <void (int)>\n  parameter x <int> ?(odd)\n");
}

/* A definition has the words of its declaration, unless it has words of its own. */
static void test_redeclared(void **state) {
    check_text(state,
               PRELUDE "void a(W(\"ref\") int *x);\nvoid a(int *x) { (void)x; }\n"
                       "void b(int *x);\nvoid b(W(\"mut\") int *x);\n"
                       "void c(W(\"ref\") int *x);\nvoid c(W(\"mut\") int *x);\n",
               "function a <void (int *)>\n  parameter x <int *> ref\n"
               "function a <void (int *)> again\n  parameter x <int *> ref (as above)\n  block\n    cast <void>\n      ref x\n"
               "function b <void (int *)>\n  parameter x <int *> mut (as above)\n"
               "function b <void (int *)> again\n  parameter x <int *> mut\n"
               "function c <void (int *)>\n  parameter x <int *> ref\n"
               "function c <void (int *)> again\n  parameter x <int *> mut\n");
}

static void test_cleanup(void **state) {
    check_text(state,
               PRELUDE "void end(int *x);\n#define AUTO W(\"auto:end\") __attribute__((cleanup(end)))\n"
                       "void f(void) { AUTO int n = 0; __attribute__((cleanup(end))) int m = 0; int plain = 0; }\n",
               "function end <void (int *)>\n  parameter x <int *>\n"
               "function f <void (void)>\n  block\n"
               "    declare in AUTO\n      variable n <int> cleanup end in AUTO\n        integer 0\n"
               "    declare\n      variable m <int> cleanup end\n        integer 0\n"
               "    declare\n      variable plain <int>\n        integer 0\n");
}

static void test_problems(void **state) {
    check_text(state, "int f(void) { return nothing; }\n",
               "problem: use of undeclared identifier 'nothing'\nfunction f <int (void)>\n  block\n");
}

/* --- places --------------------------------------------------------------------------------------------------------------- */

/* The text of a place in the only file. */
static fh_span text_at(const deed_unit *unit, deed_place p) {
    return fh_span_sub(fh_deed_files_get(unit->files, p.file).text, p.offset_bytes, p.end_bytes - p.offset_bytes);
}

static void look_at_places(const deed_unit *unit) {
    size_t calls = 0, sums = 0;
    for (size_t i = 1; i < unit->nodes.count; i++) {
        deed_node n = fh_deed_nodes_get(unit->nodes, i);
        for (uint32_t k = 0; k < n.count; k++) {
            uint32_t child = fh_u32s_get(unit->children, n.first + k);
            assert_true(child == 0 || child > i);
        }
        if (n.kind == DEED_CALL) { /* an argument of the macro: where it is written */
            calls++;
            fh_assert_span(text_at(unit, n.place), "g(1)");
            fh_assert_span(n.macro, "TWICE");
            assert_false(n.in_macro);
        }
        if (n.kind == DEED_BINARY) { /* written by the macro: its name */
            sums++;
            assert_int_equal(n.op, DEED_OP_ADD);
            fh_assert_span(n.macro, "TWICE");
        }
        if (n.kind == DEED_UNARY) {
            fh_assert_span(text_at(unit, n.place), "NEGATE");
            assert_true(n.in_macro);
        }
    }
    assert_int_equal(calls, 2);
    assert_int_equal(sums, 1);
}

static void test_places(void **state) {
    fh_buf out;
    fh_buf_init(&out, fh_test_allocator(state), 0);
    fh_assert_ok(parse(fh_test_allocator(state),
                       "#define TWICE(x) x + x\n#define NEGATE -1\nint g(int);\n"
                       "int f(void) { return TWICE(g(1)), NEGATE; }\n", &out,
                       look_at_places));
    fh_buf_deinit(&out);
}

/* --- failures ------------------------------------------------------------------------------------------------------------- */

static fh_status parse_all(fh_allocator *a, void *arg) {
    fh_buf out;
    fh_buf_init(&out, a, 0);
    fh_status s = parse(a, arg, &out, NULL);
    fh_buf_deinit(&out);
    return s;
}

static void test_without_memory(void **state) {
    char source[4096];
    size_t at = 0;
    for (int i = 0; i < 60; i++) /* enough rows that every column grows */
        at += (size_t)snprintf(source + at, sizeof source - at, "struct s%d { int *n; }; int f%d(int a) { return a; }\n", i, i);
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), parse_all, source) > 3);
}

static void test_no_file(void **state) {
    fh_arena *arena;
    fh_assert_ok(fh_arena_new(fh_test_allocator(state), NULL, &arena));
    deed_source s = {.path = "there/is/no.c"};
    deed_unit *unit;
    fh_err err;
    fh_err_clear(&err);
    fh_status status = deed_unit_parse(arena, &s, &unit, &err);
    assert_true(fh_failed(status) || unit->problems.count > 0);
    fh_arena_free(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_tables), FH_TEST_ALLOC(test_contracts), FH_TEST_ALLOC(test_redeclared),
        FH_TEST_ALLOC(test_cleanup),
        FH_TEST_ALLOC(test_problems), FH_TEST_ALLOC(test_places), FH_TEST_ALLOC(test_without_memory),
        FH_TEST_ALLOC(test_no_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
