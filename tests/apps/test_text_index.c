/* test_text_index.c: `freehold index` on a small model, from a folder to the answers: the same file on any number of threads,
 * each passage found by its own text, damaged and wrong files refused, every allocation failing once.
 *
 * Threading: the main thread and the devices' own. */
#include "apps/text_index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fh_test.h"
#include "freehold/index.h"
#include "freehold/synth.h"

/* What a verb wrote. */
typedef struct outcome {
    fh_buf out, err;
} outcome;

static fh_status put(void *ctx, fh_span bytes, fh_err *err) {
    (void)err;
    return fh_buf_put(ctx, bytes);
}

static void open_outcome(outcome *o) {
    fh_buf_init(&o->out, fh_heap(), 0);
    fh_buf_init(&o->err, fh_heap(), 0);
}

static void close_outcome(outcome *o) {
    fh_buf_deinit(&o->out);
    fh_buf_deinit(&o->err);
}

/* `freehold index WORDS…`, NULL at the end. */
static fh_status run(fh_allocator *a, outcome *o, fh_err *err, const char *const *words) {
    fh_span args[24];
    size_t count = 0;
    for (; words[count] != NULL; count++)
        args[count] = fh_span_of_str(words[count]);
    fh_buf_truncate(&o->out, 0);
    fh_buf_truncate(&o->err, 0);
    fh_app app = {.heap = a};
    fh_term_init(&app.out, a, (fh_sink){&o->out, put});
    fh_term_init(&app.err, a, (fh_sink){&o->err, put});
    fh_err_clear(err);
    fh_status s = fh_verb_index(&app, (fh_views){args, count}, err);
    fh_term_rest(&app.out);
    fh_term_rest(&app.err);
    return s;
}
#define RUN(a, o, err, ...) run((a), (o), (err), (const char *const[]){__VA_ARGS__, NULL})

/* `search` with a place's model, on one thread. */
#define SEARCH(a, o, err, p, ...) RUN((a), (o), (err), "search", "-m", (p).model.text, "--threads", "1", __VA_ARGS__)

static bool holds(const fh_buf *text, const char *part) {
    return fh_span_find(fh_buf_view(text), fh_span_of_str(part), 0) != SIZE_MAX;
}

/* --- what there is ------------------------------------------------------------------------------------------------------- */

/* Models, a folder, where an index goes. */
typedef struct place {
    fh_test_path model, other, folder, index;
} place;

static void make_model(const char *path, uint64_t seed) {
    fh_synth_options synth = {.arch = FH_ARCH_LLAMA, .dtype = FH_DTYPE_F32, .layers = 1, .width = 32, .heads = 2, .kv_heads = 1,
                              .head_dim = 16, .ff = 32, .vocab = 300, .context = 64, .seed = seed};
    fh_buf file;
    fh_err err;
    fh_buf_init(&file, fh_heap(), 0);
    fh_err_clear(&err);
    fh_assert_ok(fh_synth_write(fh_heap(), &synth, (fh_sink){&file, put}, (fh_synth_progress){0}, &err));
    fh_test_write_file(path, fh_buf_view(&file));
    fh_buf_deinit(&file);
}

static const char *const sentences[] = {"A dog ran home.", "The cat sat on the mat.", "It rained all day!", "Who was there?"};

static place make_place(const char *name) {
    char of[64];
    place p;
    (void)snprintf(of, sizeof of, "%s.gguf", name);
    p.model = fh_test_tmp_path(of);
    make_model(p.model.text, 1);
    (void)snprintf(of, sizeof of, "%s-other.gguf", name);
    p.other = fh_test_tmp_path(of);
    make_model(p.other.text, 2);
    (void)snprintf(of, sizeof of, "%s-texts", name);
    p.folder = fh_test_tmp_path(of);
    assert_int_equal(mkdir(p.folder.text, 0700), 0);
    for (size_t i = 0; i < 2; i++) {
        fh_test_path file;
        char text[200];
        assert_in_range(snprintf(file.text, sizeof file.text, "%s/%c.txt", p.folder.text, (char)('a' + i)), 1,
                        sizeof file.text - 1);
        int size = snprintf(text, sizeof text, "%s\n\n%s\n", sentences[2 * i], sentences[2 * i + 1]);
        fh_test_write_file(file.text, (fh_span){(const uint8_t *)text, (size_t)size});
    }
    (void)snprintf(of, sizeof of, "%s.fhx", name);
    p.index = fh_test_tmp_path(of);
    return p;
}

static void read_whole(const char *path, fh_buf *out) {
    fh_os_map map;
    fh_assert_ok(fh_os_map_open(path, &map, NULL));
    fh_buf_init(out, fh_heap(), 0);
    fh_assert_ok(fh_buf_put(out, map.bytes));
    fh_os_map_close(&map);
}

/* --- tests ---------------------------------------------------------------------------------------------------------------- */

/* The same bytes from any number of threads and on any instruction set; each sentence is what is nearest to itself. */
static void test_build_and_search(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    place p = make_place("whole");
    outcome o;
    fh_err err;
    open_outcome(&o);
    for (int flat = 0; flat < 2; flat++) {
        fh_buf first, again;
        for (int way = 0; way < 3 * ((int)fh_isa_best() + 1); way++) {
            char threads[2] = {(char)('1' + way % 3), '\0'};
            const char *isa = fh_isa_name((fh_isa)(way / 3)), *kind = flat != 0 ? "--flat" : "--metric=cosine";
            fh_assert_ok(RUN(a, &o, &err, "build", "-m", p.model.text, "-o", p.index.text, "--threads", threads, "--isa", isa,
                             kind, p.folder.text));
            assert_true(holds(&o.err, "4 passages of 2 files, ") && o.out.size == 0);
            read_whole(p.index.text, way == 0 ? &first : &again);
            if (way != 0) {
                assert_true(fh_span_equal(fh_buf_view(&first), fh_buf_view(&again)));
                fh_buf_deinit(&again);
            }
        }
        fh_buf_deinit(&first);
        for (size_t i = 0; i < 4; i++) {
            char expected[1400];
            fh_assert_ok(SEARCH(a, &o, &err, p, "-k", "1", p.index.text, sentences[i]));
            (void)snprintf(expected, sizeof expected, "1.0000\t%s/%c.txt:%d\t%s\n", p.folder.text, (char)('a' + i / 2),
                           i % 2 != 0 ? 3 : 1, sentences[i]);
            fh_assert_span(fh_buf_view(&o.out), expected);
        }
    }
    fh_assert_ok(SEARCH(a, &o, &err, p, "-k", "9", "--json", p.index.text, sentences[0]));
    assert_true(fh_span_starts(fh_buf_view(&o.out), FH_LIT("{\"query\":\"A dog ran home.\",\"rank\":1,\"score\":")));
    assert_true(holds(&o.out, "/a.txt\",\"line\":1,\"offset\":0,\"length\":15,\"text\":\"A dog ran home.\"}\n"));
    assert_true(holds(&o.out, "\"rank\":4,") && !holds(&o.out, "\"rank\":5,"));
    close_outcome(&o);
}

/* Another model, one that changed by a byte, no file, too much of a query. */
static void test_refused(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    place p = make_place("refused");
    char query[400];
    outcome o;
    fh_err err;
    fh_buf model;
    open_outcome(&o);
    fh_assert_ok(RUN(a, &o, &err, "build", "-m", p.model.text, "-o", p.index.text, "--threads", "1", "--json", p.folder.text));
    assert_true(holds(&o.out, "\"passages\":4,") && holds(&o.out, "\"pooling\":\"mean\""));
    fh_assert_code(RUN(a, &o, &err, "search", "-m", p.other.text, p.index.text, "x"), FH_STALE);
    fh_assert_err(&err, FH_STALE, "another model than that of the index, expected 'refused.gguf' of ");
    read_whole(p.model.text, &model);
    *fh_mspan_at((fh_mspan){model.at, model.size}, model.size - 1) ^= 1;
    fh_test_write_file(p.other.text, fh_buf_view(&model));
    fh_assert_code(RUN(a, &o, &err, "search", "-m", p.other.text, p.index.text, "x"), FH_STALE);
    fh_buf_deinit(&model);
    memset(query, 'x', sizeof query);
    query[sizeof query - 1] = '\0';
    fh_assert_code(RUN(a, &o, &err, "search", "-m", p.model.text, p.index.text, query), FH_LIMIT);
    fh_assert_err(&err, FH_LIMIT, "tokens, expected at most 64");
    fh_assert_code(RUN(a, &o, &err, "search", "-m", p.model.text, p.model.text, "x"), FH_CORRUPT);
    fh_assert_err(&err, FH_CORRUPT, "no index of texts: it begins with other bytes than FreePass");
    fh_assert_code(RUN(a, &o, &err, "search", p.index.text, "x", "y"), FH_INVALID);
    fh_assert_err(&err, FH_INVALID, "unexpected argument 'y'");
    fh_assert_code(RUN(a, &o, &err, "build", "-m", p.model.text, "--chunk", "65", p.folder.text), FH_LIMIT);
    fh_assert_err(&err, FH_LIMIT, "texts of 65 tokens, expected at most 64");
    fh_assert_code(RUN(a, &o, &err, "build", "-m", p.model.text, "-o", p.index.text, "--chunk", "32", p.model.text),
                   FH_INVALID);
    fh_assert_err(&err, FH_INVALID, "found no text in 1 file");
    fh_assert_code(RUN(a, &o, &err, "build", "-m", p.model.text, "-o", p.folder.text, p.folder.text), FH_IO);
    fh_assert_code(RUN(a, &o, &err, "frob"), FH_INVALID);
    fh_assert_err(&err, FH_INVALID, "found 'frob', expected build or search");
    /* What was refused left the index as it was. */
    fh_assert_ok(SEARCH(a, &o, &err, p, p.index.text, "x"));
    close_outcome(&o);
}

/* Cut and changed at many places: refused, or, behind the checksums, as it was. */
static void test_damaged(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    place p = make_place("damaged");
    outcome o;
    fh_err err;
    fh_buf whole;
    open_outcome(&o);
    fh_assert_ok(RUN(a, &o, &err, "build", "-m", p.model.text, "-o", p.index.text, "--threads", "1", p.folder.text));
    read_whole(p.index.text, &whole);
    fh_span all = fh_buf_view(&whole);
    for (size_t i = 0; i < 40; i++) {
        size_t at = (size_t)(fh_mix64(i) % all.size);
        fh_test_write_file(p.index.text, fh_span_sub(all, 0, at));
        fh_assert_code(SEARCH(a, &o, &err, p, p.index.text, "x"), FH_CORRUPT);
        *fh_mspan_at((fh_mspan){whole.at, whole.size}, at) ^= 1;
        fh_test_write_file(p.index.text, all);
        fh_code code = SEARCH(a, &o, &err, p, p.index.text, "x").code;
        assert_true(code == FH_CORRUPT || code == FH_UNSUPPORTED);
        *fh_mspan_at((fh_mspan){whole.at, whole.size}, at) ^= 1;
    }
    fh_buf_deinit(&whole);
    close_outcome(&o);
}

/* Writes a table of `passages` passages, with pooling `pooling`, and an index of vectors that have these ids. */
static void write_mixed(const place *p, size_t passages, uint32_t pooling, const uint64_t *ids, size_t count) {
    fh_allocator *a = fh_heap();
    fh_os_map map;
    fh_passages *table;
    fh_flat *flat;
    fh_buf out;
    fh_assert_ok(fh_os_map_open(p->model.text, &map, NULL));
    fh_passages_origin origin = {.kind = FH_PASSAGES_FLAT, .pooling = pooling, .model_hash = fh_hash_bytes(0, map.bytes),
                                 .model_bytes = map.bytes.size};
    fh_os_map_close(&map);
    fh_assert_ok(fh_passages_new(a, &origin, &table, NULL));
    fh_assert_ok(fh_passages_add_file(table, FH_LIT("f"), NULL));
    for (size_t i = 0; i < passages; i++)
        fh_assert_ok(fh_passages_add(table, &(fh_passage){.line = 1, .text = FH_LIT("\x1b[31mred\n\x1b")}, NULL));
    fh_assert_ok(fh_flat_new(a, FH_ISA_SCALAR, &(fh_flat_options){.dim = 32, .metric = FH_METRIC_COSINE}, &flat, NULL));
    for (size_t i = 0; i < count; i++) {
        float v[32] = {1.0f, (float)i};
        uint64_t id = ids[i];
        fh_assert_ok(fh_flat_add(flat, (fh_u64s){&id, 1}, (fh_f32s){v, 32}, NULL));
    }
    fh_buf_init(&out, a, 0);
    fh_assert_ok(fh_passages_save(table, (fh_sink){&out, put}, NULL));
    fh_assert_ok(fh_flat_save(flat, (fh_sink){&out, put}, NULL));
    fh_test_write_file(p->index.text, fh_buf_view(&out));
    fh_buf_deinit(&out);
    fh_flat_free(flat);
    fh_passages_free(table);
}

/* Files whose parts are right and do not fit together. */
static void test_mixed(void **state) {
    static const uint64_t good[] = {0, 1}, beyond[] = {0, 2};
    fh_allocator *a = fh_test_allocator(state);
    place p = make_place("mixed");
    outcome o;
    fh_err err;
    open_outcome(&o);
    write_mixed(&p, 2, 0, good, 2);
    fh_assert_ok(SEARCH(a, &o, &err, p, p.index.text, "x"));
    assert_true(holds(&o.out, "\tf:1\t\\x1b[31mred \\x1b\n") && !holds(&o.out, "\x1b"));
    write_mixed(&p, 2, 0, beyond, 2);
    fh_assert_code(SEARCH(a, &o, &err, p, p.index.text, "x"), FH_CORRUPT);
    fh_assert_err(&err, FH_CORRUPT, "the index names passage 2, expected one below 2");
    write_mixed(&p, 3, 0, good, 2);
    fh_assert_code(SEARCH(a, &o, &err, p, p.index.text, "x"), FH_CORRUPT);
    fh_assert_err(&err, FH_CORRUPT, "not as many vectors as passages, expected 3");
    write_mixed(&p, 1, 0, good, 2);
    fh_assert_code(SEARCH(a, &o, &err, p, p.index.text, "x"), FH_CORRUPT);
    write_mixed(&p, 2, FH_POOLING_COUNT, good, 2);
    fh_assert_code(SEARCH(a, &o, &err, p, p.index.text, "x"), FH_UNSUPPORTED);
    fh_assert_err(&err, FH_UNSUPPORTED, "the index has pooling 2, expected 0 to 1");
    close_outcome(&o);
}

static fh_status build_and_search(fh_allocator *a, void *arg) {
    const place *p = arg;
    outcome o;
    fh_err err;
    open_outcome(&o);
    fh_status s = RUN(a, &o, &err, "build", "-m", p->model.text, "-o", p->index.text, "--threads", "1", p->folder.text);
    if (!fh_failed(s))
        s = SEARCH(a, &o, &err, *p, "--json", p->index.text, sentences[0]);
    if (!fh_failed(s))
        assert_true(holds(&o.out, "\"rank\":4,"));
    close_outcome(&o);
    return s;
}

static void test_each_allocation_fails(void **state) {
    place p = make_place("alloc");
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), build_and_search, &p) > 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_build_and_search), FH_TEST_ALLOC(test_refused),
        FH_TEST_ALLOC(test_damaged),          FH_TEST_ALLOC(test_mixed),
        FH_TEST_ALLOC(test_each_allocation_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
