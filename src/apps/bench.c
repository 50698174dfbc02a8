/* bench.c: `freehold bench`: tokens per second of prompt processing and of generation.
 *
 * The tests are those of llama-bench (github.com/ggml-org/llama.cpp, tools/llama-bench), so that the numbers can stand
 * beside its own: pp512 puts 512 random tokens through the model in one step from an empty context, tg128 puts 128 tokens
 * through it one by one from an empty context. Each is warmed up once and then repeated. Loading, sampling and text are not
 * measured.
 *
 * What a token costs is counted from the file: the weight bytes that one token of generation reads, and two operations for
 * each weight it is multiplied with. The output matrix counts once a step, since only the last row of a prompt goes through
 * it; attention over the context is left out.
 *
 * Threading: the main thread. */
#include "apps/loader.h"
#include "freehold/hash.h"
#include "freehold/json.h"
#include "llm/layout.h"

FH_ARRAY_DEFINE(row);

enum { THREADS_MAX = 16, REPEATS_MAX = 100 };

/* What a step costs. */
typedef struct cost {
    uint64_t layer_weights, output_weights; /* multiplied with one token */
    uint64_t token_bytes;                   /* read for one token of generation */
} cost;

typedef struct result {
    bool prompt; /* prompt processing, else generation */
    uint64_t count, threads;
    double rates[REPEATS_MAX]; /* tokens/s of each repetition */
    size_t samples;
    double mean, deviation, median;
    uint64_t ops_per_token, bytes_per_token;
    const char *device;
} result;

typedef struct bench_options {
    fh_path model;
    uint64_t prompt, generate, repeats, isa;
    uint64_t threads[THREADS_MAX];
    size_t threads_count;
    bool json;
} bench_options;

/* --- numbers ---------------------------------------------------------------------------------------------------------- */

static cost count_cost(const fh_gguf *g, const fh_model_shape *shape) {
    cost c = {0};
    for (size_t i = 0; i < fh_gguf_tensor_count(g); i++) {
        fh_gguf_tensor t = fh_gguf_tensor_at(g, i);
        uint64_t weights = t.dim[0] * t.dim[1] * t.dim[2], bytes = t.size_bytes;
        fh_slot slot = FH_SLOT_COUNT;
        uint32_t layer = 0;
        if (!fh_layout_parse(t.name, &slot, &layer))
            continue;
        if (slot == FH_SLOT_GATE_EXPERTS || slot == FH_SLOT_UP_EXPERTS || slot == FH_SLOT_DOWN_EXPERTS) {
            weights = weights / shape->experts * shape->experts_used;
            bytes = bytes / shape->experts * shape->experts_used;
        }
        if (slot == FH_SLOT_OUTPUT || (slot == FH_SLOT_EMBED && shape->tied))
            c.output_weights = weights;
        else if (slot == FH_SLOT_EMBED)
            bytes = t.dim[1] == 0 ? 0 : bytes / t.dim[1]; /* one row is looked up */
        else if (t.dims >= 2)
            c.layer_weights += weights;
        c.token_bytes += bytes;
    }
    return c;
}

static void summarise(result *r) {
    double sum = 0, squares = 0;
    for (size_t i = 0; i < r->samples; i++) {
        sum += r->rates[i];
        for (size_t k = i; k > 0 && r->rates[k] < r->rates[k - 1]; k--) {
            double swap = r->rates[k];
            r->rates[k] = r->rates[k - 1];
            r->rates[k - 1] = swap;
        }
    }
    size_t n = r->samples;
    if (n == 0)
        return;
    r->mean = sum / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += (r->rates[i] - r->mean) * (r->rates[i] - r->mean);
    r->deviation = n > 1 ? __builtin_sqrt(squares / (double)(n - 1)) : 0;
    r->median = n % 2 == 1 ? r->rates[n / 2] : (r->rates[n / 2 - 1] + r->rates[n / 2]) / 2;
}

/* --- measuring -------------------------------------------------------------------------------------------------------- */

/* Puts `count` random tokens through a fresh sequence, in one step or one by one. */
static fh_status pass(fh_engine *e, fh_rows rows, uint32_t vocab, uint64_t count, bool one_by_one, fh_err *err) {
    fh_seq seq;
    FH_TRY(fh_engine_open(e, &seq));
    uint64_t at = 0;
    fh_status s = FH_DONE;
    while (at < count && !fh_failed(s)) {
        uint64_t step = one_by_one ? 1 : count - at < rows.count ? count - at : rows.count;
        for (uint64_t i = 0; i < step; i++) {
            uint32_t token = fh_philox(1, at + i, 0).word[0] % vocab;
            fh_rows_set(rows, i, (fh_row){seq, token, at + i + 1 == count || one_by_one});
        }
        s = fh_engine_step(e, fh_rows_sub(rows, 0, step), err);
        at += step;
    }
    fh_status closed = fh_engine_close(e, seq);
    return fh_failed(s) ? s : closed;
}

static fh_status measure(fh_engine *e, uint32_t vocab, const bench_options *o, fh_rows rows, result *r, fh_progress *bar,
                         fh_err *err) {
    bool each = !r->prompt;
    FH_TRY(pass(e, rows, vocab, each && r->count > 8 ? 8 : r->count, each, err)); /* warm-up */
    for (uint64_t i = 0; i < o->repeats; i++) {
        fh_progress_show(bar, i, o->repeats);
        uint64_t from = fh_os_clock_ns();
        FH_TRY(pass(e, rows, vocab, r->count, each, err));
        uint64_t ns = fh_os_clock_ns() - from;
        r->rates[r->samples++] = 1e9 * (double)r->count / (double)(ns == 0 ? 1 : ns);
    }
    summarise(r);
    return FH_DONE;
}

/* --- output ----------------------------------------------------------------------------------------------------------- */

static double gop_per_s(const result *r) {
    return r->median * (double)r->ops_per_token / 1e9;
}

static double gb_per_s(const result *r) {
    return r->median * (double)r->bytes_per_token / 1e9;
}

static void put_heading(fh_app *app, const fh_loaded *l) {
    fh_term *t = &app->out;
    const fh_model_shape *shape = fh_model_shape_view(l->model);
    FH_SAY(t, "%s", fh_term_style(t, FH_BOLD));
    (void)fh_term_put_safe(t, fh_span_of_str(app->subject.text), false, 0);
    FH_SAY(t, "%s · %s, %s parameters", fh_term_style(t, FH_PLAIN), fh_arch_name(shape->arch),
           fh_word_short(shape->params).text);
    if (shape->params_active != shape->params)
        FH_SAY(t, " (%s active)", fh_word_short(shape->params_active).text);
    FH_SAY(t, " · %s · %s\n\n", fh_word_bytes(fh_gguf_size(l->gguf)).text, fh_device_caps_get(l->device).name);
    FH_SAY(t, "  %s%-8s %7s %12s %10s %12s   %s%s\n", fh_term_style(t, FH_CYAN), "test", "threads", "mean tok/s", "± sd",
           "median",
           "work at the median", fh_term_style(t, FH_PLAIN));
}

static void put_result(fh_term *t, const result *r) {
    const char *bold = fh_term_style(t, FH_BOLD), *plain = fh_term_style(t, FH_PLAIN);
    FH_SAY(t, "  %s%-6llu %7llu %12.2f %10.2f %s%12.2f%s   %.1f Gop/s", r->prompt ? "pp" : "tg", (unsigned long long)r->count,
           (unsigned long long)r->threads, r->mean, r->deviation, bold, r->median, plain, gop_per_s(r));
    if (!r->prompt)
        FH_SAY(t, ", %.1f GB/s of weights", gb_per_s(r));
    FH_SAY(t, "\n");
    fh_term_flush(t);
}

static fh_status json_f64(fh_json_writer *w, const char *key, double v) {
    FH_TRY(fh_json_key(w, key));
    return fh_json_put_f64(w, v);
}

static fh_status json_result(fh_json_writer *w, fh_buf *scratch, const result *r) {
    fh_buf_truncate(scratch, 0);
    FH_TRY(fh_buf_format(scratch, "%s%llu", r->prompt ? "pp" : "tg", (unsigned long long)r->count));
    FH_TRY(fh_json_open(w, true));
    FH_TRY(fh_json_key(w, "test"));
    FH_TRY(fh_json_put_text(w, fh_buf_view(scratch)));
    FH_TRY(fh_json_key(w, "device"));
    FH_TRY(fh_json_put_text(w, fh_span_of_str(r->device)));
    FH_TRY(fh_json_key(w, "threads"));
    FH_TRY(fh_json_put_u64(w, r->threads));
    FH_TRY(json_f64(w, "mean", r->mean));
    FH_TRY(json_f64(w, "sd", r->deviation));
    FH_TRY(json_f64(w, "median", r->median));
    FH_TRY(fh_json_key(w, "ops_per_token"));
    FH_TRY(fh_json_put_u64(w, r->ops_per_token));
    FH_TRY(json_f64(w, "gop_per_s", gop_per_s(r)));
    if (!r->prompt) {
        FH_TRY(fh_json_key(w, "bytes_per_token"));
        FH_TRY(fh_json_put_u64(w, r->bytes_per_token));
        FH_TRY(json_f64(w, "gb_per_s", gb_per_s(r)));
    }
    FH_TRY(fh_json_key(w, "samples"));
    FH_TRY(fh_json_open(w, false));
    for (size_t i = 0; i < r->samples; i++)
        FH_TRY(fh_json_put_f64(w, r->rates[i]));
    FH_TRY(fh_json_close(w, false));
    return fh_json_close(w, true);
}

static fh_status json_begin(fh_json_writer *w, const fh_path *file, const fh_loaded *l) {
    FH_TRY(fh_json_open(w, true));
    FH_TRY(fh_json_key(w, "model"));
    FH_TRY(fh_json_put_text(w, fh_span_of_str(file->text)));
    FH_TRY(fh_json_key(w, "params"));
    FH_TRY(fh_json_put_u64(w, fh_model_shape_view(l->model)->params));
    FH_TRY(fh_json_key(w, "params_active"));
    FH_TRY(fh_json_put_u64(w, fh_model_shape_view(l->model)->params_active));
    FH_TRY(fh_json_key(w, "file_bytes"));
    FH_TRY(fh_json_put_u64(w, fh_gguf_size(l->gguf)));
    FH_TRY(fh_json_key(w, "results"));
    return fh_json_open(w, false);
}

/* --- the whole -------------------------------------------------------------------------------------------------------- */

typedef struct bench {
    const bench_options *options;
    fh_ref fh_allocator *heap;
    fh_json_writer json;
    fh_owned fh_buf scratch;
    fh_owned fh_rows rows; /* of one step */
    bool begun;
} bench;

static void drop_bench(fh_drop bench *b) {
    fh_buf_deinit(&b->scratch);
    fh_rows_free(b->heap, &b->rows);
}

/* One test at one number of threads, on a loaded engine. */
static fh_status run_test(fh_app *app, bench *b, const fh_loaded *l, fh_engine *e, bool prompt, fh_err *err) {
    const bench_options *o = b->options;
    fh_device_caps caps = fh_device_caps_get(l->device);
    const fh_model_shape *shape = fh_model_shape_view(l->model);
    result r = {.prompt = prompt, .count = prompt ? o->prompt : o->generate, .threads = caps.threads, .device = caps.name};
    cost c = count_cost(l->gguf, shape);
    r.ops_per_token = 2 * (c.layer_weights + (prompt ? c.output_weights / r.count : c.output_weights));
    r.bytes_per_token = c.token_bytes;
    fh_progress bar = fh_progress_begin(&app->err, prompt ? "prompt processing" : "generation", false);
    fh_status s = measure(e, shape->vocab, o, b->rows, &r, &bar, err);
    fh_progress_end(&bar);
    FH_TRY(s);
    if (o->json)
        return json_result(&b->json, &b->scratch, &r);
    put_result(&app->out, &r);
    return app->out.status;
}

/* Both tests at one number of threads. */
static fh_status run_threads(fh_app *app, bench *b, const fh_file *file, uint64_t threads, fh_err *err) {
    const bench_options *o = b->options;
    fh_auto(fh_end_team) fh_team *team = NULL;
    FH_TRY(fh_team_new((unsigned)threads, &team));
    fh_auto(fh_loaded_close) fh_loaded l = {.model = NULL};
    FH_TRY(fh_loaded_open(&l, file, fh_team_par(team), fh_app_isa(o->isa), &app->err, err));
    uint64_t context = o->prompt > o->generate ? o->prompt : o->generate;
    fh_engine_options options = {.context = context, .rows_max = (uint32_t)b->rows.count, .seqs_max = 1};
    fh_auto(fh_end_engine) fh_engine *engine = NULL;
    FH_TRY(fh_engine_new(app->heap, l.model, l.device, &options, &engine, err));
    if (!b->begun && o->json)
        FH_TRY(json_begin(&b->json, &app->subject, &l));
    else if (!b->begun)
        put_heading(app, &l);
    b->begun = true;
    if (o->prompt != 0)
        FH_TRY(run_test(app, b, &l, engine, true, err));
    if (o->generate != 0)
        FH_TRY(run_test(app, b, &l, engine, false, err));
    return FH_DONE;
}

static fh_status run_bench(fh_app *app, const bench_options *o, fh_err *err) {
    fh_auto(fh_file_close) fh_file file = {.heap = app->heap};
    fh_auto(fh_buf_deinit) fh_buf json;
    fh_buf_init(&json, app->heap, 0);
    fh_auto(drop_bench) bench b = {.options = o, .heap = app->heap};
    fh_json_writer_init(&b.json, &json, true);
    fh_buf_init(&b.scratch, app->heap, 0);
    FH_TRY(fh_rows_new(app->heap, o->prompt < 1 ? 1 : o->prompt < FH_ROWS_MAX ? o->prompt : FH_ROWS_MAX, &b.rows));
    FH_TRY(fh_file_find(&file, app, &o->model, err));
    for (size_t i = 0; i < o->threads_count; i++)
        FH_TRY(fh_file_verdict(&file, run_threads(app, &b, &file, o->threads[i], err), err));
    if (o->json) {
        FH_TRY(fh_json_close(&b.json, false));
        FH_TRY(fh_json_close(&b.json, true));
        fh_term_put(&app->out, fh_buf_view(&json));
        fh_term_put(&app->out, FH_LIT("\n"));
    }
    fh_term_flush(&app->out);
    return app->out.status;
}

/* --- the command line ------------------------------------------------------------------------------------------------- */

static const char examples[] = "freehold bench -m model.gguf                     all processors\n"
                               "freehold bench -m model.gguf --threads 1,2,4     one after the other\n"
                               "freehold bench -m model.gguf -p 2048 -n 0        prompt processing of 2,048 tokens alone\n"
                               "freehold bench -m model.gguf --json > out.json";

static const char notes[] =
    "pp512: 512 random tokens in one step, from an empty context. tg128: 128 tokens one by one, from\n"
    "an empty context. Gop/s counts two operations for each weight that a token is multiplied with;\n"
    "GB/s the weight bytes that it reads. On a machine that does other work too, look at the median\n"
    "and repeat.";

/* "1,2,4" */
static bool take_threads(bench_options *o, fh_span text) {
    o->threads_count = 0;
    for (;;) {
        size_t comma = fh_span_find(text, FH_LIT(","), 0);
        fh_span word = fh_span_sub(text, 0, comma == SIZE_MAX ? text.size : comma);
        uint64_t n = 0;
        if (o->threads_count == THREADS_MAX || !fh_cli_number(word, 256, &n) || n == 0)
            return false;
        o->threads[o->threads_count++] = n;
        if (comma == SIZE_MAX)
            return true;
        text = fh_span_from(text, comma + 1);
    }
}

fh_status fh_verb_bench(fh_app *app, fh_views args, fh_err *err) {
    bench_options o = {.prompt = 512, .generate = 128, .repeats = 5, .threads = {fh_os_cpus()}, .threads_count = 1};
    fh_span threads = FH_LIT("");
    bool threads_given = false;
    fh_cli_option options[] = {
        {.letter = 'm', .name = "--model", .kind = FH_CLI_PATH, .value = "FILE", .to.path = &o.model,
         .help = "the model, a GGUF file"},
        {.letter = 'p', .name = "--prompt", .kind = FH_CLI_NUMBER, .value = "N", .to.number = &o.prompt, .max = 1 << 20,
         .help = "tokens of the prompt; default 512, 0 leaves the test out"},
        {.letter = 'n', .name = "--tokens", .kind = FH_CLI_NUMBER, .value = "N", .to.number = &o.generate, .max = 1 << 20,
         .help = "tokens to generate; default 128, 0 leaves the test out"},
        {.letter = 'r', .name = "--repeat", .kind = FH_CLI_NUMBER, .value = "N", .to.number = &o.repeats, .min = 1,
         .max = REPEATS_MAX,
         .help = "repetitions of each test; default 5"},
        {.name = "--threads", .kind = FH_CLI_TEXT, .value = "LIST", .to.text = &threads, .given = &threads_given,
         .help = "numbers of threads, such as 1,2,4; default all processors"},
        {.name = "--isa", .kind = FH_CLI_CHOICE, .value = FH_ISA_WORDS, .to.number = &o.isa, .help = "instruction set"},
        {.name = "--json", .kind = FH_CLI_FLAG, .to.flag = &o.json, .help = "one JSON object with every sample"},
    };
    fh_cli cli = {.verb = "bench", .summary = "measure prompt processing and generation", .examples = examples,
                  .notes = notes,
                  .options = {options, sizeof options / sizeof options[0]}};
    bool done = false;
    FH_TRY(fh_app_parse(app, &cli, args, &done, err));
    if (done)
        return FH_DONE;
    if (threads_given && !take_threads(&o, threads))
        return FH_REFUSE_USAGE(app, err, "--threads: found '%.*s', expected up to %d numbers from 1 to 256 such as 1,2,4",
                               FH_SPAN_FMT(threads), THREADS_MAX);
    if (o.prompt == 0 && o.generate == 0)
        return FH_REFUSE_USAGE(app, err, "nothing to measure: --prompt and --tokens are both 0");
    return run_bench(app, &o, err);
}
