/* test_finding.c: findings keep their order and come once; each shape prints what it should.
 *
 * Threading: one thread. */
#include "check/finding.h"
#include "fh_test.h"
#include "freehold/json.h"

static const char source[] = "int f(void) {\n\tgive(job);\n    int a;\n    int b;\n    use(job);\n}\n";

/* A unit of two files without any syntax. */
typedef struct made {
    fh_arena *arena;
    deed_file files[3];
    deed_unit unit;
    deed_report r;
} made;

static fh_status make(fh_allocator *a, made *m) {
    *m = (made){0};
    FH_TRY(fh_arena_new(a, NULL, &m->arena));
    m->files[1] = (deed_file){.path = FH_LIT("a.c"), .text = fh_span_of_str(source), .is_main = true};
    m->files[2] = (deed_file){.path = FH_LIT("a.h"), .text = FH_LIT("void give(fh_move job *j);\n")};
    m->unit = (deed_unit){.arena = m->arena, .files = {m->files, 3}};
    deed_report_init(&m->r, &m->unit);
    return FH_DONE;
}

static deed_place place_of(uint32_t file, const char *text, fh_span part) {
    size_t at = fh_span_find(fh_span_of_str(text), part, 0);
    return (deed_place){file, (uint32_t)at, (uint32_t)(at + part.size)};
}

static void report_move(made *m) {
    deed_place use = place_of(1, source, FH_LIT("job);\n}"));
    use.end_bytes = use.offset_bytes + 3;
    deed_report_function(&m->r, FH_LIT("f"));
    deed_report_at(&m->r, FH0101, use, "value used after move", "use of moved value: `%s`", "job");
    deed_note(&m->r, place_of(1, source, FH_LIT("job")), "moved here");
    deed_note(&m->r, (deed_place){2, 10, 23}, "declared `%s` here", "fh_move");
    deed_help(&m->r, "borrow it instead");
}

static void check_shape(void **state, deed_format format, bool color, const char *expected) {
    made m;
    fh_buf out;
    fh_assert_ok(make(fh_test_allocator(state), &m));
    fh_buf_init(&out, fh_test_allocator(state), 0);
    report_move(&m);
    fh_assert_ok(deed_render(&m.unit, &m.r, format, color, &out));
    fh_assert_span(fh_buf_view(&out), expected);
    fh_buf_deinit(&out);
    fh_arena_free(m.arena);
}

static void test_rustc(void **state) {
    check_shape(state, DEED_FORMAT_RUSTC, false,
                "error[FH0101]: use of moved value: `job`\n"
                " --> a.c:5:9\n"
                "  |\n"
                "2 |     give(job);\n"
                "  |          --- moved here\n"
                "...\n"
                "5 |     use(job);\n"
                "  |         ^^^ value used after move\n"
                " ::: a.h:1:11\n"
                "  |\n"
                "1 | void give(fh_move job *j);\n"
                "  |           ------------- declared `fh_move` here\n"
                "  = help: borrow it instead\n"
                "\n");
}

/* Marks of one line share an underline; what one mark covers, the other may cut in two. */
static void test_shared_line(void **state) {
    made m;
    fh_buf out;
    fh_assert_ok(make(fh_test_allocator(state), &m));
    m.files[1].text = FH_LIT("\tadd(a, b, a);\n");
    fh_buf_init(&out, fh_test_allocator(state), 0);
    deed_report_at(&m.r, FH0202, (deed_place){1, 11, 12}, "again", "three");
    deed_note(&m.r, (deed_place){1, 8, 9}, "second");
    deed_note(&m.r, (deed_place){1, 5, 6}, "first");
    fh_assert_ok(deed_render(&m.unit, &m.r, DEED_FORMAT_RUSTC, false, &out));
    fh_assert_span(fh_buf_view(&out), "error[FH0202]: three\n"
                                      " --> a.c:1:12\n"
                                      "  |\n"
                                      "1 |     add(a, b, a);\n"
                                      "  |         -  -  ^ again\n"
                                      "  |         |  |\n"
                                      "  |         |  second\n"
                                      "  |         first\n"
                                      "\n");
    fh_buf_consume(&out, out.size);
    deed_report_init(&m.r, &m.unit);
    deed_report_at(&m.r, FH0401, (deed_place){1, 1, 13}, "the call", "nested");
    deed_note(&m.r, (deed_place){1, 5, 6}, "one");
    deed_note(&m.r, (deed_place){1, 5, 6}, "two");
    fh_assert_ok(deed_render(&m.unit, &m.r, DEED_FORMAT_RUSTC, false, &out));
    assert_true(fh_span_find(fh_buf_view(&out), FH_LIT("  |     ^^^^^^^^^^^^\n"
                                                       "  |     |   |\n"
                                                       "  |     |   two\n"
                                                       "  |     |   one\n"
                                                       "  |     the call\n"), 0) != SIZE_MAX);
    fh_buf_deinit(&out);
    fh_arena_free(m.arena);
}

/* Other words under the place of the finding told last, and nothing for one that was not told. */
static void test_relabel(void **state) {
    made m;
    fh_assert_ok(make(fh_test_allocator(state), &m));
    deed_report_at(&m.r, FH0101, (deed_place){1, 1, 2}, "label", "text");
    deed_relabel(&m.r, FH_LIT("other"));
    deed_report_mute(&m.r, true);
    deed_relabel(&m.r, FH_LIT("muted"));
    fh_assert_span(deed_report_first(&m.r)->label, "other");
    fh_arena_free(m.arena);
}

static void test_gcc(void **state) {
    check_shape(state, DEED_FORMAT_GCC, true,
                "a.c:5:9: error: use of moved value: `job` [FH0101]\n"
                "a.c:2:7: note: moved here\n"
                "a.h:1:11: note: declared `fh_move` here\n"
                "a.c:5:9: note: help: borrow it instead\n");
}

static void test_json(void **state) {
    check_shape(state, DEED_FORMAT_JSON, false,
                "{\"code\":\"FH0101\",\"message\":\"use of moved value: `job`\",\"file\":\"a.c\",\"line\":5,\"column\":9,"
                "\"end_line\":5,\"end_column\":12,\"label\":\"value used after move\",\"function\":\"f\",\"notes\":["
                "{\"message\":\"moved here\",\"file\":\"a.c\",\"line\":2,\"column\":7,\"end_line\":2,\"end_column\":10},"
                "{\"message\":\"declared `fh_move` here\",\"file\":\"a.h\",\"line\":1,\"column\":11,\"end_line\":1,"
                "\"end_column\":24}],\"help\":\"borrow it instead\"}\n");
}

/* Each piece of colour is taken back, and without the colours the text is the plain one. */
static void test_color(void **state) {
    made m;
    fh_buf out, bare, plain;
    fh_allocator *a = fh_test_allocator(state);
    fh_assert_ok(make(a, &m));
    fh_buf_init(&out, a, 0);
    fh_buf_init(&bare, a, 0);
    fh_buf_init(&plain, a, 0);
    report_move(&m);
    fh_assert_ok(deed_render(&m.unit, &m.r, DEED_FORMAT_RUSTC, true, &out));
    fh_assert_ok(deed_render(&m.unit, &m.r, DEED_FORMAT_RUSTC, false, &plain));
    fh_span text = fh_buf_view(&out);
    assert_true(fh_span_find(text, FH_LIT("\033[1;31m^^^ value used after move\033[0m"), 0) != SIZE_MAX);
    for (size_t i = 0; i < text.size; i++) {
        if (fh_span_at(text, i) == 0x1b)
            i = fh_span_find(text, FH_LIT("m"), i);
        else
            fh_assert_ok(fh_buf_put_u8(&bare, fh_span_at(text, i)));
    }
    assert_true(fh_span_equal(fh_buf_view(&bare), fh_buf_view(&plain)));
    fh_buf_deinit(&out);
    fh_buf_deinit(&bare);
    fh_buf_deinit(&plain);
    fh_arena_free(m.arena);
}

static void test_sarif(void **state) {
    made m;
    fh_buf out;
    fh_assert_ok(make(fh_test_allocator(state), &m));
    fh_buf_init(&out, fh_test_allocator(state), 0);
    report_move(&m);
    deed_report_at(&m.r, FH0301, (deed_place){1, 0, 3}, "", "not dropped");
    fh_assert_ok(fh_buf_put(&out, FH_LIT("[")));
    fh_assert_ok(deed_render(&m.unit, &m.r, DEED_FORMAT_SARIF, false, &out));
    fh_assert_ok(fh_buf_put(&out, FH_LIT("]")));
    fh_json j;
    fh_json_token t = {FH_JSON_OBJECT, {NULL, 0}, 0, false};
    fh_err err;
    fh_err_clear(&err);
    fh_json_init(&j, fh_buf_view(&out));
    while (t.kind != FH_JSON_END)
        fh_assert_ok(fh_json_next(&j, &t, &err));
    assert_true(fh_span_find(fh_buf_view(&out), FH_LIT("\"ruleId\":\"FH0101\",\"ruleIndex\":0,\"level\":\"erro"
    "r\""), 0) != SIZE_MAX);
    fh_buf_deinit(&out);
    fh_arena_free(m.arena);
}

/* In the order of places, then of codes; one of each; none while muted, and notes of a dropped one are dropped too. */
static void test_order(void **state) {
    made m;
    fh_assert_ok(make(fh_test_allocator(state), &m));
    deed_report_at(&m.r, FH0301, (deed_place){2, 0, 1}, "", "header");
    deed_report_at(&m.r, FH0301, (deed_place){1, 9, 10}, "", "late");
    deed_report_at(&m.r, FH0302, (deed_place){1, 3, 4}, "", "second code");
    deed_report_at(&m.r, FH0101, (deed_place){1, 3, 4}, "", "first code");
    deed_report_at(&m.r, FH0101, (deed_place){1, 3, 9}, "", "again");
    deed_note(&m.r, (deed_place){1, 0, 1}, "belongs to nothing");
    deed_report_mute(&m.r, true);
    deed_report_at(&m.r, FH0501, (deed_place){1, 0, 1}, "", "muted");
    deed_report_mute(&m.r, false);
    assert_int_equal(deed_report_count(&m.r), 4);
    static const char *const expected[] = {"first code", "second code", "late", "header"};
    size_t i = 0;
    for (const deed_finding *f = deed_report_first(&m.r); f != NULL; f = f->next) {
        fh_assert_span(f->message, expected[i++]);
        assert_null(f->notes);
    }
    fh_assert_ok(deed_report_status(&m.r));
    fh_arena_free(m.arena);
}

/* A text that is too long is cut, and a report that is too long says so. */
static void test_long_text(void **state) {
    static char text[5000];
    made m;
    fh_assert_ok(make(fh_test_allocator(state), &m));
    for (size_t i = 0; i + 1 < sizeof text; i++)
        text[i] = 'x';
    deed_report_at(&m.r, FH0101, (deed_place){1, 0, 1}, "", "%s", text);
    assert_int_equal(deed_report_first(&m.r)->message.size, 1999);
    for (uint32_t i = 0; i < 2000; i++)
        deed_report_at(&m.r, FH0101, (deed_place){1, i, i + 1}, "", "n");
    assert_int_equal(deed_report_count(&m.r), 2000);
    deed_report_at(&m.r, FH0101, (deed_place){1, 9999, 9999}, "", "one too many");
    assert_int_equal(deed_report_count(&m.r), 2000);
    fh_assert_code(deed_report_status(&m.r), FH_LIMIT);
    fh_arena_free(m.arena);
}

/* A place at the end of the text, past it, in no file; a source line with control characters. */
static void test_edges(void **state) {
    made m;
    fh_buf out;
    fh_assert_ok(make(fh_test_allocator(state), &m));
    m.files[1].text = FH_LIT("a\033[31mb\n");
    fh_buf_init(&out, fh_test_allocator(state), 0);
    deed_report_at(&m.r, FH0101, (deed_place){1, 8, 8}, "end", "end");
    deed_report_at(&m.r, FH0101, (deed_place){1, 99, 120}, "past", "past");
    deed_report_at(&m.r, FH0101, (deed_place){0, 0, 0}, "none", "none");
    deed_report_at(&m.r, FH0101, (deed_place){1, 0, 90}, "long", "long");
    for (deed_format f = DEED_FORMAT_RUSTC; f <= DEED_FORMAT_SARIF; f++)
        fh_assert_ok(deed_render(&m.unit, &m.r, f, false, &out));
    assert_true(fh_span_find(fh_buf_view(&out), FH_LIT("a?[31mb\n"), 0) != SIZE_MAX);
    assert_int_equal(fh_span_find(fh_buf_view(&out), FH_LIT("\033"), 0), SIZE_MAX);
    fh_buf_deinit(&out);
    fh_arena_free(m.arena);
}

static void test_codes(void **state) {
    (void)state;
    for (deed_code c = 0; c < DEED_CODE_COUNT; c++) {
        fh_span name = fh_span_of_str(deed_code_name(c)), why = fh_span_of_str(deed_code_explanation(c));
        assert_int_equal(name.size, 6);
        assert_int_equal(deed_code_of(name), c);
        assert_int_equal(deed_code_of(fh_span_from(name, 2)), c);
        assert_true(fh_span_find(why, FH_LIT("\nRefused:\n"), 0) < fh_span_find(why, FH_LIT("\nAccepted:\n"), 0));
        for (deed_code other = 0; other < c; other++)
            assert_string_not_equal(deed_code_title(c), deed_code_title(other));
    }
    assert_int_equal(deed_code_of(FH_LIT("FH9999")), DEED_CODE_COUNT);
    assert_int_equal(deed_code_of((fh_span){NULL, 0}), DEED_CODE_COUNT);
}

static fh_status report_and_render(fh_allocator *a, void *arg) {
    (void)arg;
    made m;
    fh_buf out;
    FH_TRY(make(a, &m));
    fh_buf_init(&out, a, 0);
    report_move(&m);
    fh_status s = deed_report_status(&m.r);
    for (deed_format f = DEED_FORMAT_RUSTC; f <= DEED_FORMAT_SARIF && !fh_failed(s); f++)
        s = deed_render(&m.unit, &m.r, f, false, &out);
    fh_buf_deinit(&out);
    fh_arena_free(m.arena);
    return s;
}

static void test_without_memory(void **state) {
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), report_and_render, NULL) > 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_rustc), FH_TEST_ALLOC(test_gcc),   FH_TEST_ALLOC(test_json),      FH_TEST_ALLOC(test_color),
        FH_TEST_ALLOC(test_shared_line), FH_TEST_ALLOC(test_relabel),
        FH_TEST_ALLOC(test_sarif), FH_TEST_ALLOC(test_order), FH_TEST_ALLOC(test_long_text), FH_TEST_ALLOC(test_edges),
        cmocka_unit_test(test_codes), FH_TEST_ALLOC(test_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
