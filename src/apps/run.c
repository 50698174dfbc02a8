/* run.c: `freehold run`: one prompt, one answer, streamed as it comes.
 *
 * Standard output carries nothing but the prompt's text, the answer and a newline where they do not end with one (or,
 * with --json, one JSON object a line); everything else goes to standard error, whose last line holds the statistics. They
 * are printed after everything was freed, so that `live allocations` counts what the whole program has left behind.
 *
 * Threading: the main thread. */
#include "apps/run.h"

#include "apps/loader.h"
#include "apps/moments.h"
#include "freehold/json.h"

/* Rows of a step before a person: few enough that a bar moves and Ctrl-C is heard. The text does not depend on it. */
enum { PROMPT_BYTES_MAX = 64 << 20, WATCHED_ROWS = 128 };

/* How it went. */
typedef struct run_stats {
    uint64_t prompt_tokens, prompt_ns;
    uint64_t tokens, tokens_ns; /* generated */
    uint64_t first_ns;          /* from the start of the prompt to the first token; 0: there was none */
    uint64_t mapped_bytes;
    fh_finish finish;
    bool line_open; /* the last byte written was not a newline */
} run_stats;

/* What is kept of a run. */
typedef struct run_record {
    run_stats stats;
    fh_owned fh_watch watch;
} run_record;

/* --- output ----------------------------------------------------------------------------------------------------------- */

/* One line {"key": text} of --json. */
static fh_status put_json_text(fh_app *app, const char *key, fh_span text) {
    fh_json_writer w;
    fh_json_writer_init(&w, &app->out.text, false);
    FH_TRY(fh_json_open(&w, true));
    FH_TRY(fh_json_key(&w, key));
    FH_TRY(fh_json_put_text(&w, text));
    return fh_json_close(&w, true);
}

/* Text of the prompt or the answer, at once. A terminal is shown no control characters that a model may have learnt. */
static void put_text(fh_app *app, const fh_run_options *o, run_stats *stats, const char *key, fh_span text) {
    if (text.size == 0)
        return;
    if (o->json) {
        fh_term_keep(&app->out, put_json_text(app, key, text));
        fh_term_put(&app->out, FH_LIT("\n"));
    } else if (app->out.terminal) {
        (void)fh_term_put_safe(&app->out, text, true, 0);
    } else {
        fh_term_put(&app->out, text);
    }
    stats->line_open = fh_span_at(text, text.size - 1) != '\n' && !o->json;
    fh_term_flush(&app->out);
}

static void put_prompt(fh_app *app, const fh_run_options *o, run_stats *stats, fh_span prompt) {
    fh_term_put(&app->out, fh_span_of_str(o->json ? "" : fh_term_style(&app->out, FH_BOLD)));
    put_text(app, o, stats, "prompt", prompt);
    fh_term_put(&app->out, fh_span_of_str(o->json ? "" : fh_term_style(&app->out, FH_PLAIN)));
    fh_term_flush(&app->out);
}

/* "demo.gguf · llama, 3.41 M parameters · cpu avx512, 2 threads · seed 7", and a word of warning where the context is
 * longer than what the model was trained for. */
static void put_heading(fh_app *app, const fh_loaded *l, const fh_run_options *o, uint64_t context) {
    fh_term *t = &app->err;
    const fh_model_shape *shape = fh_model_shape_view(l->model);
    fh_device_caps caps = fh_device_caps_get(l->device);
    fh_span path = fh_span_of_str(app->subject.text);
    size_t name = path.size;
    while (name != 0 && fh_span_at(path, name - 1) != '/')
        name--;
    FH_SAY(t, "%s", fh_term_style(t, FH_DIM));
    (void)fh_term_put_safe(t, fh_span_from(path, name), false, 60);
    FH_SAY(t, " · %s, %s parameters", fh_arch_name(shape->arch), fh_word_short(shape->params).text);
    if (shape->params_active != shape->params)
        FH_SAY(t, " (%s active)", fh_word_short(shape->params_active).text);
    FH_SAY(t, " · %s, %u thread%s", caps.name, caps.threads, caps.threads == 1 ? "" : "s");
    if (o->generate.sampling.temperature > 0)
        FH_SAY(t, " · seed %llu", (unsigned long long)o->generate.sampling.seed);
    if (context > shape->context)
        FH_SAY(t, " · context of %s, trained for %s: expect weaker text beyond", fh_word_count(context).text,
               fh_word_count(shape->context).text);
    FH_SAY(t, "%s\n", fh_term_style(t, FH_PLAIN));
    fh_term_flush(t);
}

static double rate(uint64_t count, uint64_t ns) {
    return ns == 0 ? 0 : 1e9 * (double)count / (double)ns;
}

/* The first token comes out of the prompt's last step, so n tokens are n − 1 steps. */
static double generation_rate(const run_stats *stats) {
    return stats->tokens == 0 ? 0 : rate(stats->tokens - 1, stats->tokens_ns);
}

static fh_status put_json_stats(fh_app *app, const fh_run_options *o, const run_stats *stats, uint64_t live, uint64_t peak) {
    fh_json_writer w;
    fh_json_writer_init(&w, &app->out.text, false);
    FH_TRY(fh_json_open(&w, true));
    FH_TRY(fh_json_key(&w, "finish"));
    FH_TRY(fh_json_put_text(&w, fh_span_of_str(fh_finish_name(stats->finish))));
    FH_TRY(fh_json_key(&w, "seed"));
    FH_TRY(fh_json_put_u64(&w, o->generate.sampling.seed));
    FH_TRY(fh_json_key(&w, "prompt_tokens"));
    FH_TRY(fh_json_put_u64(&w, stats->prompt_tokens));
    FH_TRY(fh_json_key(&w, "prompt_tokens_per_second"));
    FH_TRY(fh_json_put_f64(&w, rate(stats->prompt_tokens, stats->prompt_ns)));
    FH_TRY(fh_json_key(&w, "generated_tokens"));
    FH_TRY(fh_json_put_u64(&w, stats->tokens));
    FH_TRY(fh_json_key(&w, "generated_tokens_per_second"));
    FH_TRY(fh_json_put_f64(&w, generation_rate(stats)));
    FH_TRY(fh_json_key(&w, "first_token_ms"));
    FH_TRY(fh_json_put_f64(&w, (double)(stats->first_ns / 1000) / 1000));
    FH_TRY(fh_json_key(&w, "mapped_bytes"));
    FH_TRY(fh_json_put_u64(&w, stats->mapped_bytes));
    FH_TRY(fh_json_key(&w, "peak_memory_bytes"));
    FH_TRY(fh_json_put_u64(&w, peak));
    FH_TRY(fh_json_key(&w, "live_allocations"));
    FH_TRY(fh_json_put_u64(&w, live));
    return fh_json_close(&w, true);
}

/* The last words. Everything else is freed by now, the streams' buffers too. */
static void put_stats(fh_app *app, const fh_run_options *o, const run_stats *stats) {
    fh_term_rest(&app->out);
    fh_term_rest(&app->err);
    uint64_t live = fh_heap_stats().live, peak = fh_os_memory_peak();
    if (o->json) {
        fh_term_keep(&app->out, put_json_stats(app, o, stats, live, peak));
        fh_term_put(&app->out, FH_LIT("\n"));
        fh_term_flush(&app->out);
    }
    fh_term *t = &app->err;
    FH_SAY(t, "%sprompt %llu token%s %.1f tok/s", fh_term_style(t, FH_DIM), (unsigned long long)stats->prompt_tokens,
           stats->prompt_tokens == 1 ? "" : "s", rate(stats->prompt_tokens, stats->prompt_ns));
    FH_SAY(t, " · generation %llu token%s %.1f tok/s", (unsigned long long)stats->tokens, stats->tokens == 1 ? "" : "s",
           generation_rate(stats));
    if (stats->first_ns != 0)
        FH_SAY(t, " · first token %.*f ms", stats->first_ns < 10000000 ? 1 : 0, (double)stats->first_ns / 1e6);
    FH_SAY(t, " · mapped %s · peak memory %s · live allocations %llu%s\n", fh_word_bytes(stats->mapped_bytes).text,
           fh_word_bytes(peak).text, (unsigned long long)live, fh_term_style(t, FH_PLAIN));
    fh_term_flush(t);
}

/* --- the prompt ------------------------------------------------------------------------------------------------------- */

/* Makes ids of the prompt. EOS is no start for an answer, and an empty prompt starts from BOS even where the vocabulary
 * does not ask for it. */
static fh_status encode_prompt(const fh_tokenizer *tok, const fh_run_options *o, fh_span text, fh_ids *ids, fh_err *err) {
    fh_encode_options encode = {.add_special = true, .parse_special = o->parse_special};
    FH_TRY(fh_tokenizer_encode(tok, text, encode, ids, err));
    fh_u32s view = fh_ids_view(ids);
    uint32_t eos = fh_tokenizer_eos(tok);
    if (!o->parse_special && view.count > 0 && fh_u32s_get(view, view.count - 1) == eos)
        ids->count--;
    if (ids->count == 0 && fh_tokenizer_bos(tok) != FH_NO_TOKEN)
        FH_TRY(fh_ids_put(ids, fh_tokenizer_bos(tok)));
    if (ids->count == 0)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET,
                       "this model's vocabulary has no token to begin with: give a prompt with -p TEXT");
    return FH_DONE;
}

/* Progress of the prompt. */
typedef struct prefill {
    fh_progress bar;
    uint64_t done;
    fh_watch *watch;
    fh_status watched;
    fh_err why; /* of `watched` */
} prefill;

static bool prefill_progress(void *ctx, uint64_t done, uint64_t total) {
    prefill *p = ctx;
    p->done = done;
    fh_progress_show(&p->bar, done, total);
    p->watched = fh_watch_look(p->watch, "prompt", &p->why);
    return !fh_failed(p->watched) && fh_os_interrupts() == 0;
}

/* Runs the prompt; an interrupt ends it without failure and sets r->stats.finish. */
static fh_status run_prompt(fh_app *app, fh_generator *g, fh_u32s ids, run_record *r, fh_err *err) {
    prefill p = {.bar = fh_progress_begin(&app->err, "reading prompt", false), .watch = &r->watch};
    fh_err_clear(&p.why);
    if (ids.count > WATCHED_ROWS)
        fh_progress_now(&p.bar, ids.count);
    uint64_t from = fh_os_clock_ns();
    fh_status s = fh_generator_prompt(g, ids, prefill_progress, &p, err);
    r->stats.prompt_ns = fh_os_clock_ns() - from;
    fh_progress_end(&p.bar);
    r->stats.prompt_tokens = fh_failed(s) ? p.done : ids.count;
    if (fh_failed(p.watched) && err != NULL)
        *err = p.why;
    FH_TRY(p.watched);
    if (s.code != FH_CANCELED)
        return s;
    fh_err_clear(err);
    r->stats.finish = FH_FINISH_CANCEL;
    return FH_DONE;
}

/* --- the answer ------------------------------------------------------------------------------------------------------- */

static fh_status run_answer(fh_app *app, const fh_file *file, const fh_run_options *o, fh_generator *g, run_record *r,
                            fh_err *err) {
    uint64_t from = fh_os_clock_ns();
    fh_generated out = {.done = false};
    while (!out.done) {
        if (fh_os_interrupts() != 0)
            FH_TRY(fh_generator_cancel(g, &out));
        else
            FH_TRY(fh_generator_next(g, &out, err));
        uint64_t now = fh_os_clock_ns();
        r->stats.tokens_ns = now - from;
        r->stats.finish = out.finish;
        if (out.token != FH_NO_TOKEN && r->stats.tokens++ == 0)
            r->stats.first_ns = r->stats.prompt_ns + (now - from);
        FH_TRY(fh_file_intact(file, err));
        put_text(app, o, &r->stats, "text", out.text);
        FH_TRY(app->out.status);
        FH_TRY(fh_watch_look(&r->watch, "answer", err));
    }
    return FH_DONE;
}

static void end_generator(fh_drop fh_generator **g) {
    fh_generator_free(*g);
    *g = NULL;
}

/* Positions to make room for: what was asked for; else the model's context, or more where prompt and -n need it, as far as
 * there can be more. */
static uint64_t context_for(const fh_run_options *o, const fh_model_shape *shape, size_t prompt_tokens) {
    uint64_t needed = o->generate.tokens_max == 0 ? 0 : prompt_tokens + o->generate.tokens_max;
    if (o->context != 0)
        return o->context;
    if (needed > FH_CONTEXT_MAX)
        return FH_CONTEXT_MAX;
    return needed > shape->context ? needed : shape->context;
}

/* Prompt and answer on a loaded model. */
static fh_status run_text(fh_app *app, const fh_file *file, fh_loaded *l, const fh_run_options *o, fh_span prompt,
                          run_record *r, fh_err *err) {
    fh_auto(fh_ids_deinit) fh_ids ids;
    fh_ids_init(&ids, app->heap, 0);
    FH_TRY(encode_prompt(fh_model_tokenizer_view(l->model), o, prompt, &ids, err));
    uint64_t context = context_for(o, fh_model_shape_view(l->model), ids.count);
    if (ids.count >= context)
        return fh_fail(err, FH_LIMIT, FH_NO_OFFSET,
                       "the prompt's %zu tokens fill the context of %llu: make room with --ctx N", ids.count,
                       (unsigned long long)context);
    uint32_t rows = app->err.terminal ? WATCHED_ROWS : 0;
    fh_engine_options options = {.context = context, .rows_max = rows, .seqs_max = 1};
    fh_auto(fh_end_engine) fh_engine *engine = NULL;
    FH_TRY(fh_engine_new(app->heap, l->model, l->device, &options, &engine, err));
    fh_auto(end_generator) fh_generator *g = NULL;
    FH_TRY(fh_generator_new(app->heap, l->model, engine, &o->generate, &g, err));
    FH_TRY(fh_watch_look(&r->watch, "loading", err));
    put_heading(app, l, o, context);
    /* A bar would overwrite the prompt's last line, so where one is drawn the prompt comes after it. */
    bool bar = app->err.terminal;
    if (!bar)
        put_prompt(app, o, &r->stats, prompt);
    fh_status s = run_prompt(app, g, fh_ids_view(&ids), r, err);
    if (bar && !fh_failed(s))
        put_prompt(app, o, &r->stats, prompt);
    if (!fh_failed(s) && r->stats.finish == FH_FINISH_NOT)
        s = run_answer(app, file, o, g, r, err);
    if (!fh_failed(s))
        s = fh_watch_mark(&r->watch, "answered");
    /* What follows begins a line of its own, also behind the ^C that a terminal shows. */
    if (r->stats.line_open || (app->out.terminal && r->stats.finish == FH_FINISH_CANCEL))
        fh_term_put(&app->out, FH_LIT("\n"));
    fh_term_flush(&app->out);
    return fh_failed(s) ? s : app->out.status;
}

/* Loads, runs, and ends everything it took. */
static fh_status run_loaded(fh_app *app, const fh_run_options *o, fh_span prompt, run_record *r, fh_err *err) {
    fh_auto(fh_file_close) fh_file file = {.heap = app->heap};
    FH_TRY(fh_file_find(&file, app, &o->model, err));
    r->stats.mapped_bytes = file.map.bytes.size;
    fh_auto(fh_end_team) fh_team *team = NULL;
    FH_TRY(fh_team_new((unsigned)o->threads, &team));
    fh_auto(fh_loaded_close) fh_loaded l = {.model = NULL};
    FH_TRY(fh_loaded_open(&l, &file, fh_team_par(team), o->isa, &app->err, err));
    return fh_file_verdict(&file, run_text(app, &file, &l, o, prompt, r, err), err);
}

/* The same with the prompt read from where it is. */
static fh_status run_prompted(fh_app *app, const fh_run_options *o, run_record *r, fh_err *err) {
    if (fh_span_is(fh_span_of_str(o->prompt_file.text), "-")) {
        fh_auto(fh_buf_deinit) fh_buf text;
        fh_buf_init(&text, app->heap, 0);
        FH_TRY(fh_app_stdin(&text, PROMPT_BYTES_MAX, err));
        return run_loaded(app, o, fh_buf_view(&text), r, err);
    }
    if (o->prompt_file.text[0] == 0)
        return run_loaded(app, o, o->prompt, r, err);
    fh_auto(fh_file_close) fh_file file = {.heap = app->heap};
    FH_TRY(fh_file_open(&file, app, &o->prompt_file, err));
    fh_span text = file.map.bytes;
    if (text.size > PROMPT_BYTES_MAX)
        return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "found %zu bytes, expected at most %d", text.size, PROMPT_BYTES_MAX);
    return run_loaded(app, o, text, r, err);
}

/* The same with its memory taken down. */
static fh_status run_watched(fh_app *app, const fh_run_options *o, fh_mut fh_view(*1) run_record *r, fh_err *err) {
    FH_TRY(fh_watch_begin(&r->watch, app->heap, &o->memory_report, o->memory_every_s * 1000000000));
    FH_TRY(run_prompted(app, o, r, err));
    fh_term_rest(&app->out);
    fh_term_rest(&app->err);
    FH_TRY(fh_watch_mark(&r->watch, "end"));
    return fh_watch_write(&r->watch, err);
}

fh_status fh_run(fh_app *app, const fh_run_options *o, fh_err *err) {
    run_record r = {.stats.finish = FH_FINISH_NOT};
    fh_status s = run_watched(app, o, &r, err);
    if (r.watch.failed)
        app->subject.text[0] = 0; /* the report names its file itself */
    fh_watch_end(&r.watch);
    FH_TRY(s);
    put_stats(app, o, &r.stats);
    FH_TRY(app->out.status);
    return app->err.status;
}

/* --- the command line ------------------------------------------------------------------------------------------------- */

static const char examples[] =
    "freehold run                                       a story from the model that comes with freehold\n"
    "freehold run -m model.gguf -p \"Once upon a time\"   your model, your prompt\n"
    "freehold run -m model.gguf -f notes.txt -n 100     the prompt from a file, at most 100 tokens\n"
    "freehold run -p \"Once\" --temp 0                    no chance: always the same answer\n"
    "freehold run -p \"Once\" --seed 7 --stop \"The end\"   the same draw every time, up to a text\n"
    "freehold run -p \"Once\" --json | jq .               for programs";

static const char notes[] =
    "Standard output gets the prompt's text and the answer, as they come. Standard error gets what\n"
    "was loaded, the seed, and as its last line the statistics. Ctrl-C ends the answer; twice within\n"
    "a second, the program.\n"
    "\n"
    "--json gives one object a line: {\"prompt\": …} and {\"text\": …} with pieces of text, in order, and\n"
    "at the end {\"finish\": \"end|length|stop|cancel\", \"seed\", \"prompt_tokens\",\n"
    "\"prompt_tokens_per_second\", \"generated_tokens\", \"generated_tokens_per_second\",\n"
    "\"first_token_ms\", \"mapped_bytes\", \"peak_memory_bytes\", \"live_allocations\"}.\n"
    "\n"
    "--memory-report takes down the moments `peak` (the most memory after loading, a step of the prompt\n"
    "or a token), `answered` (before anything is freed), `end` (after everything was) and, in a file\n"
    "written meanwhile, `now`.\n"
    "\n"
    "Without -m the model is what FREEHOLD_MODEL names, else the demo.gguf that was installed with\n"
    "freehold.";

/* Values as the option table stores them. */
typedef struct run_values {
    fh_run_options run;
    bool prompt_given, file_given, seed_given;
    uint64_t tokens, top_k, repeat_last, seed, isa;
    double temperature, top_p, min_p, repeat_penalty;
    fh_cli_texts stops;
} run_values;

static fh_status take_values(fh_app *app, run_values *v, fh_err *err) {
    if (v->prompt_given && v->file_given)
        return FH_REFUSE_USAGE(app, err, "--prompt and --file exclude each other");
    if (v->run.memory_every_s != 0 && v->run.memory_report.text[0] == 0)
        return FH_REFUSE_USAGE(app, err, "--memory-every needs a file: --memory-report FILE");
    for (size_t i = 0; i < v->stops.count; i++) {
        size_t size = v->stops.at[i].size;
        if (size == 0 || size > FH_STOP_BYTES_MAX)
            return FH_REFUSE_USAGE(app, err, "--stop: found a text of %zu bytes, expected 1 to %d", size, FH_STOP_BYTES_MAX);
    }
    v->run.isa = fh_app_isa(v->isa);
    v->run.generate.tokens_max = v->tokens;
    v->run.generate.sampling = (fh_sampler_options){
        .temperature = (float)v->temperature, .top_k = (uint32_t)v->top_k, .top_p = (float)v->top_p, .min_p = (float)v->min_p,
        .repeat_penalty = (float)v->repeat_penalty, .repeat_last = (uint32_t)v->repeat_last,
        /* Nine digits that a person can type again. */
        .seed = v->seed_given ? v->seed : fh_os_random() % 1000000000};
    return FH_DONE;
}

fh_status fh_verb_run(fh_app *app, fh_views args, fh_err *err) {
    run_values v = {.temperature = 0.8, .top_k = 40, .top_p = 0.95, .repeat_penalty = 1, .repeat_last = 64};
    fh_cli_option options[] = {
        {.letter = 'm', .name = "--model", .kind = FH_CLI_PATH, .value = "FILE", .to.path = &v.run.model,
         .help = "the model, a GGUF file"},
        {.letter = 'p', .name = "--prompt", .kind = FH_CLI_TEXT, .value = "TEXT", .to.text = &v.run.prompt,
         .given = &v.prompt_given,
         .help = "the text to go on from; empty (the default) begins a text"},
        {.letter = 'f', .name = "--file", .kind = FH_CLI_PATH, .value = "FILE", .to.path = &v.run.prompt_file,
         .given = &v.file_given, .help = "the prompt from a file; - is standard input"},
        {.letter = 'n', .name = "--tokens", .kind = FH_CLI_NUMBER, .value = "N", .to.number = &v.tokens,
         .max = FH_CONTEXT_MAX,
         .help = "at most N tokens; 0 (the default) goes on to the end of the text\nor of the context"},
        {.name = "--temp", .kind = FH_CLI_REAL, .value = "T", .to.real = &v.temperature, .high = 100,
         .help = "temperature: 0 takes the likeliest token always; default 0.8"},
        {.name = "--top-k", .kind = FH_CLI_NUMBER, .value = "K", .to.number = &v.top_k, .max = FH_VOCAB_MAX,
         .help = "only the K likeliest tokens; default 40, 0 is all"},
        {.name = "--top-p", .kind = FH_CLI_REAL, .value = "P", .to.real = &v.top_p, .high = 1,
         .help = "only the likeliest tokens that together reach P; default 0.95,\n1 is all"},
        {.name = "--min-p", .kind = FH_CLI_REAL, .value = "P", .to.real = &v.min_p, .high = 1,
         .help = "no token below P times the likeliest; default 0"},
        {.name = "--repeat-penalty", .kind = FH_CLI_REAL, .value = "R", .to.real = &v.repeat_penalty, .low = 1,
         .high = 100, .help = "makes recent tokens R times less likely (on the logit scale);\ndefault 1, which is none"},
        {.name = "--repeat-last", .kind = FH_CLI_NUMBER, .value = "N", .to.number = &v.repeat_last, .min = 1,
         .max = FH_REPEAT_LAST_MAX,
         .help = "how many tokens are recent; default 64"},
        {.name = "--stop", .kind = FH_CLI_TEXTS, .value = "TEXT", .to.texts = &v.stops,
         .help = "ends the answer before this text; may be given 16 times"},
        {.name = "--seed", .kind = FH_CLI_NUMBER, .value = "S", .to.number = &v.seed, .max = UINT64_MAX,
         .given = &v.seed_given,
         .help = "the same seed gives the same answer; default random"},
        {.name = "--ctx", .kind = FH_CLI_NUMBER, .value = "N", .to.number = &v.run.context, .max = FH_CONTEXT_MAX,
         .help = "room for N tokens of prompt and answer; default the model's,\nor what prompt and -n need"},
        {.name = "--ignore-eos", .kind = FH_CLI_FLAG, .to.flag = &v.run.generate.ignore_end,
         .help = "goes on after an end token"},
        {.name = "--parse-special", .kind = FH_CLI_FLAG, .to.flag = &v.run.parse_special,
         .help = "control tokens written in the prompt become tokens: only for a\nprompt that you trust"},
        {.name = "--threads", .kind = FH_CLI_NUMBER, .value = "N", .to.number = &v.run.threads, .min = 1, .max = 256,
         .help = "default: all processors; the answer does not depend on it"},
        {.name = "--isa", .kind = FH_CLI_CHOICE, .value = FH_ISA_WORDS, .to.number = &v.isa,
         .help = "instruction set; the answer does not depend on it"},
        {.name = "--json", .kind = FH_CLI_FLAG, .to.flag = &v.run.json, .help = "one JSON object a line (see below)"},
        {.name = "--memory-report", .kind = FH_CLI_PATH, .value = "FILE", .to.path = &v.run.memory_report,
         .help = "who owned how much memory, for `freehold memory` (see below)"},
        {.name = "--memory-every", .kind = FH_CLI_NUMBER, .value = "S", .to.number = &v.run.memory_every_s, .max = 86400,
         .help = "writes that file every S seconds, too, while the run goes on"},
    };
    fh_cli cli = {.verb = "run", .summary = "answer a prompt, streaming the text", .examples = examples, .notes = notes,
                  .options = {options, sizeof options / sizeof options[0]}};
    bool done = false;
    FH_TRY(fh_app_parse(app, &cli, args, &done, err));
    if (done)
        return FH_DONE;
    FH_TRY(take_values(app, &v, err));
    v.run.generate.stops = fh_views_sub((fh_views){v.stops.at, FH_CLI_TEXTS_MAX}, 0, v.stops.count);
    fh_os_interrupt_watch();
    return fh_run(app, &v.run, err);
}
