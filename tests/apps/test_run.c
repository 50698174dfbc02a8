/* test_run.c: `freehold run` on a small model, from the file to the last line, with every allocation failing once.
 *
 * Threading: the main thread and the devices' own. */
#include "apps/run.h"

#include "freehold/synth.h"
#include "fh_test.h"

/* What a run wrote. */
typedef struct outcome {
    fh_buf out, err;
    size_t fail_after; /* bytes of standard output before it fails */
} outcome;

static fh_status put_out(void *ctx, fh_span bytes, fh_err *err) {
    outcome *o = ctx;
    if (o->out.size + bytes.size > o->fail_after)
        return fh_fail(err, FH_IO, FH_NO_OFFSET, "closed");
    return fh_buf_put(&o->out, bytes);
}

static fh_status put_err(void *ctx, fh_span bytes, fh_err *err) {
    outcome *o = ctx;
    (void)err;
    return fh_buf_put(&o->err, bytes);
}

static void open_outcome(outcome *o) {
    *o = (outcome){.fail_after = SIZE_MAX};
    fh_buf_init(&o->out, fh_heap(), 0);
    fh_buf_init(&o->err, fh_heap(), 0);
}

static void close_outcome(outcome *o) {
    fh_buf_deinit(&o->out);
    fh_buf_deinit(&o->err);
}

/* Runs on allocator a; what is written goes to *o. */
static fh_status run(fh_allocator *a, const fh_run_options *options, outcome *o, fh_err *err) {
    fh_buf_truncate(&o->out, 0);
    fh_buf_truncate(&o->err, 0);
    fh_app app = {.heap = a};
    fh_term_init(&app.out, a, (fh_sink){o, put_out});
    fh_term_init(&app.err, a, (fh_sink){o, put_err});
    fh_err_clear(err);
    fh_status s = fh_run(&app, options, err);
    fh_term_rest(&app.out);
    fh_term_rest(&app.err);
    return s;
}

/* --- the model -------------------------------------------------------------------------------------------------------- */

static fh_status put_model(void *ctx, fh_span bytes, fh_err *err) {
    fh_buf *file = ctx;
    (void)err;
    return fh_buf_put(file, bytes);
}

/* Writes a preset's model and returns options that run it: 12 tokens, drawn with seed 3, one thread. */
static fh_run_options options_for(const char *preset) {
    fh_synth_options synth;
    assert_true(fh_synth_preset(fh_span_of_str(preset), &synth));
    fh_buf file;
    fh_buf_init(&file, fh_heap(), 0);
    fh_err err;
    fh_err_clear(&err);
    fh_assert_ok(fh_synth_write(fh_heap(), &synth, (fh_sink){&file, put_model}, (fh_synth_progress){0}, &err));
    fh_test_path path = fh_test_tmp_path(preset);
    fh_test_write_file(path.text, fh_buf_view(&file));
    fh_buf_deinit(&file);
    fh_run_options o = {.prompt = FH_LIT("some words to begin with"), .threads = 1, .isa = FH_ISA_SCALAR};
    o.generate.tokens_max = 12;
    o.generate.ignore_end = true;
    o.generate.sampling = (fh_sampler_options){.temperature = 0.8f, .top_p = 0.95f, .repeat_penalty = 1.1f, .seed = 3};
    assert_true(fh_path_set(&o.model, fh_span_of_str(path.text), FH_LIT("")));
    return o;
}

static bool holds(const fh_buf *text, const char *part) {
    return fh_span_find(fh_buf_view(text), fh_span_of_str(part), 0) != SIZE_MAX;
}

/* --- tests ------------------------------------------------------------------------------------------------------------ */

static const char *const presets[] = {"tiny", "tiny-moe"};

/* The same text from any number of threads, from every instruction set, in any allocator. */
static void test_same_text(void **state) {
    for (size_t p = 0; p < 2; p++) {
        fh_run_options options = options_for(presets[p]);
        outcome first, again;
        open_outcome(&first);
        open_outcome(&again);
        fh_err err;
        fh_assert_ok(run(fh_heap(), &options, &first, &err));
        assert_true(fh_span_starts(fh_buf_view(&first.out), options.prompt));
        assert_true(first.out.size > options.prompt.size);
        for (unsigned threads = 1; threads <= 3; threads++) {
            for (fh_isa isa = FH_ISA_SCALAR; isa <= fh_isa_best(); isa++) {
                options.threads = threads;
                options.isa = isa;
                fh_assert_ok(run(fh_test_allocator(state), &options, &again, &err));
                assert_true(fh_span_equal(fh_buf_view(&first.out), fh_buf_view(&again.out)));
            }
        }
        options.generate.sampling.seed = 4;
        fh_assert_ok(run(fh_test_allocator(state), &options, &again, &err));
        assert_false(fh_span_equal(fh_buf_view(&first.out), fh_buf_view(&again.out)));
        close_outcome(&first);
        close_outcome(&again);
    }
}

static void test_last_line(void **state) {
    fh_run_options options = options_for("tiny");
    outcome o;
    open_outcome(&o);
    fh_err err;
    fh_assert_ok(run(fh_test_allocator(state), &options, &o, &err));
    assert_true(holds(&o.err, " · seed 3\n"));
    assert_true(holds(&o.err, " · generation 12 tokens "));
    assert_true(holds(&o.err, " · first token "));
    assert_true(fh_span_at(fh_buf_view(&o.err), o.err.size - 1) == '\n');
    close_outcome(&o);
}

/* A prompt with -n that reaches past the trained context makes room for it and says so. */
static void test_long_context(void **state) {
    fh_run_options options = options_for("tiny");
    options.generate.tokens_max = 400;
    outcome o;
    open_outcome(&o);
    fh_err err;
    fh_assert_ok(run(fh_test_allocator(state), &options, &o, &err));
    assert_true(holds(&o.err, "generation 400 tokens"));
    assert_true(holds(&o.err, "trained for"));
    options.context = 20;
    fh_assert_ok(run(fh_test_allocator(state), &options, &o, &err));
    assert_false(holds(&o.err, "generation 400 tokens"));
    close_outcome(&o);
}

static fh_status run_body(fh_allocator *a, void *arg) {
    const fh_run_options *options = arg;
    outcome o;
    open_outcome(&o);
    fh_err err;
    fh_status s = run(a, options, &o, &err);
    close_outcome(&o);
    return s;
}

static void test_fail_each_alloc(void **state) {
    for (size_t p = 0; p < 2; p++) {
        fh_run_options options = options_for(presets[p]);
        options.generate.tokens_max = 3;
        fh_span stop = FH_LIT("zzz");
        options.generate.stops = (fh_views){&stop, 1};
        uint64_t count = FH_FAIL_EACH_ALLOC(fh_test_trace(state), run_body, &options);
        assert_true(count > 50);
        options.json = true;
        fh_test_path report = fh_test_tmp_path("report.json");
        assert_true(fh_path_set(&options.memory_report, fh_span_of_str(report.text), FH_LIT("")));
        assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), run_body, &options) > 50);
    }
}

/* Nobody listens any more, from any byte on: the run ends with FH_IO and leaves nothing behind. */
static void test_closed_output(void **state) {
    fh_run_options options = options_for("tiny");
    outcome o;
    open_outcome(&o);
    fh_err err;
    fh_assert_ok(run(fh_test_allocator(state), &options, &o, &err));
    size_t whole = o.out.size;
    for (size_t at = 0; at < whole; at += 5) {
        o.fail_after = at;
        fh_assert_code(run(fh_test_allocator(state), &options, &o, &err), FH_IO);
        assert_true(o.out.size <= at);
    }
    o.fail_after = whole;
    fh_assert_ok(run(fh_test_allocator(state), &options, &o, &err));
    close_outcome(&o);
}

static void test_refusals(void **state) {
    fh_run_options options = options_for("tiny");
    outcome o;
    open_outcome(&o);
    fh_err err;
    options.context = 2;
    fh_assert_code(run(fh_test_allocator(state), &options, &o, &err), FH_LIMIT);
    options = options_for("tiny");
    options.generate.sampling.temperature = 1000;
    fh_assert_code(run(fh_test_allocator(state), &options, &o, &err), FH_INVALID);
    assert_true(fh_path_set(&options.model, FH_LIT("/nowhere/model.gguf"), FH_LIT("")));
    fh_assert_code(run(fh_test_allocator(state), &options, &o, &err), FH_IO);
    assert_true(o.out.size == 0);
    fh_test_path empty = fh_test_tmp_path("empty");
    fh_test_write_file(empty.text, FH_LIT(""));
    assert_true(fh_path_set(&options.model, fh_span_of_str(empty.text), FH_LIT("")));
    fh_assert_code(run(fh_test_allocator(state), &options, &o, &err), FH_CORRUPT);
    close_outcome(&o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_same_text),       FH_TEST_ALLOC(test_last_line),     FH_TEST_ALLOC(test_long_context),
        FH_TEST_ALLOC(test_fail_each_alloc), FH_TEST_ALLOC(test_closed_output), FH_TEST_ALLOC(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
