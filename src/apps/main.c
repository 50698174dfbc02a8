/* main.c: the program `freehold`: finds the verb, runs it, and turns a failure into one line and an exit status.
 *
 * Threading: the main thread; the verbs' devices have threads of their own. */
#include "apps/app.h"
#include "freehold/harden.h"
#include "freehold/os.h"

typedef struct verb {
    const char *name, *summary;
    fh_status (*main)(fh_app *app, fh_views args, fh_err *err);
} verb;

static const verb verbs[] = {
    {"run", "answer a prompt, streaming the text", fh_verb_run},
    {"inspect", "tell what a model file holds and what memory it needs", fh_verb_inspect},
    {"tokenize", "turn text into token ids", fh_verb_tokenize},
    {"count", "count the words, and tokens, of files", fh_verb_count},
    {"train-tokenizer", "learn a vocabulary from text", fh_verb_train_tokenizer},
    {"index", "find passages of text files by what they say", fh_verb_index},
    {"bench", "measure prompt processing and generation", fh_verb_bench},
    {"mkmodel", "write a model of random weights, for tests and measurements", fh_verb_mkmodel},
    {"memory", "tell who owned how much memory in a run", fh_verb_memory},
    {"zmq", "sockets of ZeroMQ: a proxy, a monitor, measurements", fh_verb_zmq},
};
enum { VERBS = sizeof verbs / sizeof verbs[0] };

static void put_help(fh_term *t) {
    const char *bold = fh_term_style(t, FH_BOLD), *plain = fh_term_style(t, FH_PLAIN), *cyan = fh_term_style(t, FH_CYAN);
    FH_SAY(t, "%sfreehold%s: a memory-safe runtime for serving language models\n", bold, plain);
    FH_SAY(t, "\n%sExamples%s\n", bold, plain);
    FH_SAY(t, "  freehold run                                  a story from the model that comes with freehold\n"
              "  freehold run -m model.gguf -p \"Once upon\"     your model, your prompt\n"
              "  freehold inspect model.gguf                   what is in the file, and will it fit in memory\n"
              "  echo \"Hello\" | freehold tokenize -m model.gguf\n"
              "  freehold bench -m model.gguf --threads 1,2\n");
    FH_SAY(t, "\n%sVerbs%s\n", bold, plain);
    for (size_t i = 0; i < VERBS; i++) {
        FH_SAY(t, "  %s%-15s%s %s\n", cyan, verbs[i].name, plain, verbs[i].summary);
    }
    FH_SAY(t, "  %s%-15s%s %s\n", cyan, "help VERB", plain, "its options, with examples; the same as VERB --help");
    FH_SAY(t, "\n%sAlso%s\n", bold, plain);
    FH_SAY(t, "  %s--version%s  %s\n", cyan, plain, "version, compiler and instruction set");
    FH_SAY(t, "  %s--help%s     %s\n", cyan, plain, "this text");
    FH_SAY(t, "  %s--hardened%s %s\n", cyan, plain,
           "before a verb: look for stray writes to memory, some percent slower; the same as\n"
           "             FREEHOLD_HARDENED=1 in the environment");
    FH_SAY(t,
           "\nExit status: 0 done, 1 the system failed (memory, files, a closed output), 2 input or command line refused.\n");
}

static void put_version(fh_term *t) {
    bool commit = fh_span_of_str(FREEHOLD_COMMIT).size != 0;
#ifdef __clang__
    const char *compiler = "";
#else
    const char *compiler = "gcc ";
#endif
    FH_SAY(t, "freehold %s%s%s%s\n", FREEHOLD_VERSION, commit ? " (commit " : "", FREEHOLD_COMMIT, commit ? ")" : "");
    FH_SAY(t, "compiler %s%s\n", compiler, __VERSION__);
    FH_SAY(t, "instruction set %s, %u processor%s\n", fh_isa_name(fh_isa_best()), fh_os_cpus(), fh_os_cpus() == 1 ? "" : "s");
}

/* Says at once, on any thread, that somebody wrote where nobody may; a report has no control characters. */
static void tell_overwritten(void *ctx, const fh_err *report) {
    (void)ctx;
    fh_status s = fh_os_write(2, FH_LIT("freehold: "));
    if (!fh_failed(s))
        s = fh_os_write(2, fh_span_of_str(report->message));
    if (!fh_failed(s))
        s = fh_os_write(2, FH_LIT("\n"));
    (void)s;
}

/* Before anything makes a pool. */
static void harden(fh_views *args) {
    const char *wanted = fh_os_env("FREEHOLD_HARDENED");
    bool on = wanted != NULL && fh_span_is(fh_span_of_str(wanted), "1");
    if (args->count > 0 && fh_span_is(fh_views_get(*args, 0), "--hardened")) {
        *args = fh_views_sub(*args, 1, args->count - 1);
        on = true;
    }
    if (on) {
        fh_pool_on_overwritten(tell_overwritten, NULL);
        fh_pool_harden_all(true);
    }
}

fh_static fh_or_null static const verb *find_verb(fh_span name) {
    for (size_t i = 0; i < VERBS; i++) {
        if (fh_span_is(name, verbs[i].name))
            return &verbs[i];
    }
    return NULL;
}

static fh_status refuse_verb(fh_app *app, fh_span name, fh_err *err) {
    const char *nearest = NULL;
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < VERBS; i++) {
        size_t distance = fh_cli_distance(name, fh_span_of_str(verbs[i].name));
        if (distance < best && fh_cli_near(distance, name)) {
            best = distance;
            nearest = verbs[i].name;
        }
    }
    if (nearest != NULL)
        return FH_REFUSE_USAGE(app, err, "unknown verb '%.*s'; did you mean '%s'?", FH_SPAN_FMT(name), nearest);
    return FH_REFUSE_USAGE(app, err, "unknown verb '%.*s'", FH_SPAN_FMT(name));
}

static fh_status dispatch(fh_app *app, fh_views args, fh_mut fh_span *found, fh_err *err) {
    if (args.count == 0) {
        put_help(&app->err);
        return FH_REFUSE_USAGE(app, err, "expected a verb");
    }
    fh_span first = fh_views_get(args, 0);
    fh_views rest = fh_views_sub(args, 1, args.count - 1);
    bool help = fh_span_is(first, "help");
    if (fh_span_is(first, "--help") || fh_span_is(first, "-h") || (help && rest.count == 0)) {
        put_help(&app->out);
        return FH_DONE;
    }
    if (fh_span_is(first, "--version") || fh_span_is(first, "-V")) {
        put_version(&app->out);
        return FH_DONE;
    }
    fh_span name = help ? fh_views_get(rest, 0) : first;
    const verb *v = find_verb(name);
    if (v == NULL)
        return refuse_verb(app, name, err);
    *found = fh_span_of_str(v->name);
    if (help) {
        fh_span wanted[1] = {FH_LIT("--help")};
        return v->main(app, (fh_views){wanted, 1}, err);
    }
    return v->main(app, rest, err);
}

/* True if a report's text says where already: "offset 24" or "byte 24". */
static bool tells_offset(const fh_err *err) {
    fh_word number = fh_word_plain(err->offset_bytes);
    fh_path offset, byte;
    fh_span text = fh_span_of_str(err->message);
    return fh_path_set(&offset, FH_LIT("offset "), fh_span_of_str(number.text)) &&
           fh_path_set(&byte, FH_LIT("byte "), fh_span_of_str(number.text)) &&
           (fh_span_find(text, fh_span_of_str(offset.text), 0) != SIZE_MAX ||
            fh_span_find(text, fh_span_of_str(byte.text), 0) != SIZE_MAX);
}

/* One line on standard error, and the exit status. `name` is the verb's, empty where none was found. */
static int report(fh_app *app, fh_span name, fh_status status, const fh_err *err) {
    fh_term *t = &app->err;
    FH_SAY(t, "%sfreehold:%s ", fh_term_style(t, FH_RED), fh_term_style(t, FH_PLAIN));
    if (app->usage && name.size != 0)
        FH_SAY(t, "%.*s: ", FH_SPAN_FMT(name));
    if (app->subject.text[0] != 0 && !app->usage) {
        (void)fh_term_put_safe(t, fh_span_of_str(app->subject.text), false, 0);
        fh_term_put(t, FH_LIT(": "));
    }
    bool told = err->code != FH_OK && err->message[0] != 0;
    if (told && err->offset_bytes != FH_NO_OFFSET && !tells_offset(err))
        FH_SAY(t, "offset %llu: ", (unsigned long long)err->offset_bytes);
    FH_SAY(t, "%s", told ? err->message : fh_code_text(status.code));
    if (app->usage)
        FH_SAY(t, " (see: freehold help%s%.*s)", name.size != 0 ? " " : "", FH_SPAN_FMT(name));
    fh_term_put(t, FH_LIT("\n"));
    bool system = fh_code_class(status.code) == FH_CLASS_SYSTEM || status.code == FH_NOMEM;
    system = system || status.code == FH_END; /* nobody reads standard error any more */
    return system ? FH_EXIT_SYSTEM : FH_EXIT_REFUSED;
}

/* Standard output could not take everything, for example because a disk is full. */
static int report_output(fh_app *app) {
    fh_err err;
    fh_err_clear(&err);
    app->subject.text[0] = 0;
    app->usage = false;
    fh_status s = fh_fail(&err, app->out.status.code, FH_NO_OFFSET, "standard output: cannot write: %s",
                          fh_code_text(app->out.status.code));
    return report(app, FH_LIT(""), s, &err);
}

int main(int argc, char **argv) {
    if (fh_failed(fh_os_hold_streams()))
        return FH_EXIT_SYSTEM; /* and where to say so may be what is missing */
    fh_span words[FH_CLI_ARGS_MAX];
    size_t count = 0;
    fh_app app = {.heap = fh_heap(), .program = fh_span_of_str(fh_os_argument(argc, argv, 0))};
    fh_term_init_fd(&app.out, app.heap, 1);
    fh_term_init_fd(&app.err, app.heap, 2);
    fh_err err;
    fh_err_clear(&err);
    fh_span name = FH_LIT("");
    fh_status status = FH_DONE;
    for (; fh_os_argument(argc, argv, count + 1) != NULL && count < FH_CLI_ARGS_MAX; count++)
        words[count] = fh_span_of_str(fh_os_argument(argc, argv, count + 1));
    fh_views args = fh_views_sub((fh_views){words, FH_CLI_ARGS_MAX}, 0, count);
    if (argc - 1 > FH_CLI_ARGS_MAX)
        status = FH_REFUSE_USAGE(&app, &err, "%d arguments, at most %d", argc - 1, FH_CLI_ARGS_MAX);
    harden(&args);
    if (!fh_failed(status))
        status = dispatch(&app, args, &name, &err);
    fh_term_flush(&app.out);
    int code = FH_EXIT_DONE;
    if (app.out.status.code == FH_END)
        code = FH_EXIT_SYSTEM; /* whoever listened is gone: nothing to tell */
    else if (fh_failed(app.out.status))
        code = report_output(&app);
    else if (fh_failed(status))
        code = report(&app, name, status, &err);
    fh_term_rest(&app.out);
    fh_term_rest(&app.err);
    fh_buf_deinit(&app.out.text);
    fh_buf_deinit(&app.err.text);
    return code;
}
