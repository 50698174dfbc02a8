/* mkmodel.c: `freehold mkmodel`: writes a model of random weights, streamed to a file that appears only when it is whole.
 *
 * The bytes depend on the options alone, so a test or a measurement can name its model by a command line.
 * Threading: the main thread. */
#include "apps/app.h"
#include "freehold/os.h"
#include "freehold/synth.h"

#define ARCH_WORDS "llama|qwen3|qwen3moe|olmoe"
#define DTYPE_WORDS "F32|F16|BF16|Q8_0|Q4_0"

/* A file being written. */
typedef struct output {
    fh_owned_or_null fh_os_writer *writer;
    fh_progress bar;
    uint64_t bytes;
} output;

static void drop_output(fh_drop output *o) {
    fh_os_writer_close(o->writer);
}

static fh_status put(void *ctx, fh_span bytes, fh_err *err) {
    output *o = ctx;
    o->bytes += bytes.size;
    return fh_os_writer_put(o->writer, bytes, err);
}

static bool step(void *ctx, uint64_t done, uint64_t total) {
    output *o = ctx;
    fh_progress_show(&o->bar, done, total);
    return fh_os_interrupts() == 0;
}

static fh_status write_model(fh_app *app, const fh_path *path, const fh_synth_options *options, fh_err *err) {
    fh_auto(drop_output) output o = {.bar = fh_progress_begin(&app->err, "writing model", true)};
    FH_TRY(fh_os_writer_open(path->text, &o.writer, err));
    fh_synth_progress progress = {.ctx = &o, .step = step};
    fh_status s = fh_synth_write(app->heap, options, (fh_sink){.ctx = &o, .put = put}, progress, err);
    if (!fh_failed(s))
        s = fh_os_writer_commit(&o.writer, err);
    fh_progress_end(&o.bar);
    if (s.code == FH_CANCELED) {
        fh_err_clear(err);
        return fh_fail(err, s.code, FH_NO_OFFSET, "interrupted; no file was written");
    }
    FH_TRY(s);
    (void)fh_term_put_safe(&app->err, fh_span_of_str(path->text), false, 0);
    FH_SAY(&app->err, ": %s, %s\n", fh_arch_name(options->arch), fh_word_bytes(o.bytes).text);
    return FH_DONE;
}

/* What --preset may be: the names of synth.h, for the help and for refusals. */
static fh_status preset_words(fh_buf *words) {
    const char *name = fh_synth_preset_name(0);
    for (size_t i = 1; name != NULL; name = fh_synth_preset_name(i++))
        FH_TRY(fh_buf_format(words, "%s%s", i != 1 ? ", " : "", name));
    return FH_DONE;
}

static const char examples[] =
    "freehold mkmodel -o tiny.gguf                                   a model of a few hundred KB\n"
    "freehold mkmodel --preset tinyllama --type Q4_0 -o tl.gguf      1.1 billion parameters\n"
    "freehold mkmodel --preset moe --type Q8_0 --seed 7 -o m.gguf    64 experts";

static const char notes[] = "Presets: tiny and tiny-moe (tests), 110m and tinyllama (dense), moe (64 experts, 8 a token).\n"
                            "The same options give the same bytes on every machine.";

fh_status fh_verb_mkmodel(fh_app *app, fh_views args, fh_err *err) {
    fh_path path = {{0}};
    fh_span preset = FH_LIT("");
    uint64_t arch = 0, dtype = 0, seed = 0;
    bool arch_given = false, dtype_given = false;
    fh_cli_option options[] = {
        {.letter = 'o', .name = "--output", .kind = FH_CLI_PATH, .value = "FILE", .to.path = &path,
         .help = "the file to write; it appears when it is whole"},
        {.name = "--preset", .kind = FH_CLI_TEXT, .value = "NAME", .to.text = &preset,
         .help = "the model's size (see below); default tiny, or tiny-moe where\nthe architecture has experts"},
        {.name = "--arch", .kind = FH_CLI_CHOICE, .value = ARCH_WORDS, .to.number = &arch, .given = &arch_given,
         .help = "another architecture than the preset's"},
        {.name = "--type", .kind = FH_CLI_CHOICE, .value = DTYPE_WORDS, .to.number = &dtype, .given = &dtype_given,
         .help = "the type of the matrices"},
        {.name = "--seed", .kind = FH_CLI_NUMBER, .value = "S", .to.number = &seed, .max = UINT64_MAX, .help = "default 0"},
    };
    fh_cli cli = {.verb = "mkmodel", .summary = "write a model of random weights, for tests and measurements",
                  .examples = examples, .notes = notes, .options = {options, sizeof options / sizeof options[0]}};
    bool done = false;
    FH_TRY(fh_app_parse(app, &cli, args, &done, err));
    if (done)
        return FH_DONE;
    if (path.text[0] == 0)
        return FH_REFUSE_USAGE(app, err, "expected -o FILE");
    fh_arch wanted = (fh_arch)arch;
    bool experts = arch_given && (wanted == FH_ARCH_QWEN3MOE || wanted == FH_ARCH_OLMOE);
    if (preset.size == 0)
        preset = experts ? FH_LIT("tiny-moe") : FH_LIT("tiny");
    fh_synth_options model;
    if (!fh_synth_preset(preset, &model)) {
        fh_auto(fh_buf_deinit) fh_buf words;
        fh_buf_init(&words, app->heap, 0);
        FH_TRY(preset_words(&words));
        return FH_REFUSE_USAGE(app, err, "--preset: found '%.*s', expected one of %.*s", FH_SPAN_FMT(preset),
                               FH_SPAN_FMT(fh_buf_view(&words)));
    }
    model.arch = arch_given ? wanted : model.arch;
    model.dtype = dtype_given ? (fh_dtype)dtype : model.dtype;
    model.seed = seed;
    fh_os_interrupt_watch();
    return write_model(app, &path, &model, err);
}
