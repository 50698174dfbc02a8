/* deed.c: the program `deed`: reads the command line, runs the verb, writes what it gathered.
 *
 * Threading: the main thread. */
#include "check/driver.h"
#include "freehold/os.h"

typedef struct verb {
    const char *name, *name_space; /* with a space behind it */
    fh_status (*main)(deed_app *app, fh_err *err);
    const char *help;
} verb;

static const char help[] =
    "deed: an ownership and borrow checker for C\n"
    "\n"
    "It refuses what would leak, be used after its end, be freed twice, or be changed while somebody looks at it.\n"
    "\n"
    "  deed check src/pool.c -- -Iinclude                     check a file; behind -- stands how it is compiled\n"
    "  deed check --compdb build/compile_commands.json src    check a project as its build compiles it\n"
    "  deed explain FH0101                                    why this is an error, and what to write instead\n"
    "  deed audit                                             how much code is unsafe, where, and what it rests on\n"
    "  deed lsp                                               serve an editor\n"
    "  deed ui tests/ui                                       compare findings with what is expected\n"
    "  deed dump src/pool.c                                   what the rules see of a file\n"
    "\n"
    "deed VERB --help tells more. Exit status: 0 nothing found, 1 findings, 2 wrong use or a file that cannot be read.\n";

#define FILES_HELP                                                                                        \
    "  --compdb FILE     take files and their arguments from a compilation database; PATHS choose among them\n" \
    "  --jobs N          so many processes (as many as there are processors)\n"
#define COLOR_HELP "  --color=WHEN      auto, always or never\n"

static const verb verbs[] = {
    {"check", "check ", deed_verb_check,
     "deed check [OPTIONS] [PATHS] [-- ARGS]\n"
     "\n"
     "Checks files, and all .c files in folders. Without PATHS it checks what deed.toml includes. ARGS go to the compiler;\n"
     "-DFH_DEED is always among them.\n"
     "\n" FILES_HELP
     "  --format=FORMAT   rustc (lines of the source, with marks), gcc (a line each), json (an object each), or sarif 2.1.0\n"
     "  --cache DIR       where answers are kept for the next time ($XDG_CACHE_HOME/deed, ~/.cache/deed); none: nowhere\n"
     COLOR_HELP
     "\n"
     "A file deed.toml in the folder of the first path, or in one above, names the audited rooms, and the functions of the\n"
     "project that make and end memory. What has not changed since the last check is not checked again.\n"
     "\n"
     "Exit status: 0 nothing found, 1 findings, 2 wrong use or a file that cannot be read.\n"},
    {"explain", "explain ", deed_verb_explain,
     "deed explain [CODES]\n"
     "\n"
     "Says why each code is an error, with a program that has it and one that has not. Without CODES, lists them all. A code\n"
     "may be written FH0101 or 0101.\n"},
    {"audit", "audit ", deed_verb_audit,
     "deed audit [--json] [PATHS]\n"
     "\n"
     "Counts the unsafe code of each room that deed.toml lists (regions, lines, share), and tells what each region rests\n"
     "on: a proof, a model or a test, by the table that deed.toml names as `evidence`.\n"
     "\n"
     "  --json            the same, as one object\n"},
    {"lsp", "lsp ", deed_verb_lsp,
     "deed lsp [--compdb FILE] [--cache DIR] [-- ARGS]\n"
     "\n"
     "Speaks the Language Server Protocol on standard input and output: findings, contracts on hover, fixes. An editor starts\n"
     "it; docs/deed-editors.md has the lines for some. compile_commands.json (also in build/) and deed.toml are looked for in\n"
     "the folders above each file; ARGS are the compiler's where there is no database.\n"},
    {"ui", "ui ", deed_verb_ui,
     "deed ui DIR [--bless] [-- ARGS]\n"
     "\n"
     "Checks a folder of bad programs: FH0101/x.c must give exactly x.stderr and the codes that its lines are marked with\n"
     "(//~ FH0101), and its twin x.fixed.c nothing.\n"
     "\n"
     "  --jobs N          so many processes (as many as there are processors)\n"
     "  --bless           write the findings as what is expected\n"},
    {"dump", "dump ", deed_verb_dump,
     "deed dump PATHS [-- ARGS]\n"
     "\n"
     "Prints the tables that the rules read: declarations with their contracts, and the bodies of functions, as trees.\n"
     "\n" FILES_HELP},
};

/* The number of `word` among words divided by bars; SIZE_MAX for none. */
static size_t choice(fh_span word, fh_span words) {
    size_t number = 0, from = 0;
    for (;;) {
        size_t bar = fh_span_find(words, FH_LIT("|"), from);
        size_t end = bar == SIZE_MAX ? words.size : bar;
        if (fh_span_equal(word, fh_span_sub(words, from, end - from)))
            return number;
        if (bar == SIZE_MAX)
            return SIZE_MAX;
        from = end + 1;
        number++;
    }
}

static bool read_number(fh_span text, unsigned *out) {
    *out = 0;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = fh_span_at(text, i);
        if (c < '0' || c > '9' || i >= 4)
            return false;
        *out = *out * 10 + (unsigned)(c - '0');
    }
    return text.size != 0;
}

/* An option with its value, however that was given. */
static fh_status read_option(fh_mut fh_view(4) deed_app *app, fh_span name, fh_span value, const char *text, fh_err *err) {
    size_t number = SIZE_MAX;
    if (fh_span_is(name, "--compdb")) {
        app->compdb = text;
        return FH_DONE;
    }
    if (fh_span_is(name, "--cache")) {
        app->cache_folder = text;
        return FH_DONE;
    }
    if (fh_span_is(name, "--jobs") && read_number(value, &app->jobs) && app->jobs > 0)
        return FH_DONE;
    if (fh_span_is(name, "--format")) {
        number = choice(value, FH_LIT("rustc|gcc|json|sarif"));
        app->format = number == SIZE_MAX ? DEED_FORMAT_RUSTC : (deed_format)number;
    } else if (fh_span_is(name, "--color")) {
        number = choice(value, FH_LIT("auto|always|never"));
        app->color = number == 0 ? app->color : number == 1;
    }
    if (number != SIZE_MAX)
        return FH_DONE;
    return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "%.*s: not %.*s", FH_SPAN_FMT(name), FH_SPAN_FMT(value));
}

static bool takes_value(fh_span name) {
    return fh_span_is(name, "--compdb") || fh_span_is(name, "--cache") || fh_span_is(name, "--jobs") ||
           fh_span_is(name, "--format") || fh_span_is(name, "--color");
}

/* Options may stand anywhere before --; what is left are the paths. */
static fh_status read_arguments(fh_mut fh_view(2) deed_app *app, fh_deed_args args, bool *wants_help, fh_err *err) {
    size_t kept = 0;
    app->paths = args;
    for (size_t i = 0; i < args.count; i++) {
        const char *text = fh_deed_args_get(args, i);
        fh_span word = fh_span_of_str(text);
        if (fh_span_is(word, "--")) {
            app->clang = fh_deed_args_sub(args, i + 1, args.count - i - 1);
            break;
        }
        size_t equal = fh_span_find(word, FH_LIT("="), 0);
        fh_span name = fh_span_sub(word, 0, equal == SIZE_MAX ? word.size : equal);
        if (fh_span_is(word, "--help") || fh_span_is(word, "-h")) {
            *wants_help = true;
        } else if (fh_span_is(word, "--bless")) {
            app->bless = true;
        } else if (fh_span_is(word, "--json")) {
            app->format = DEED_FORMAT_JSON;
        } else if (takes_value(name) && (equal != SIZE_MAX || i + 1 < args.count)) {
            const char *value = text;
            if (equal == SIZE_MAX)
                value = fh_deed_args_get(args, ++i);
            else
                value = deed_copy_text(app->arena, fh_span_from(word, equal + 1), (fh_span){0});
            if (value == NULL)
                return FH_STATUS(FH_NOMEM);
            FH_TRY(read_option(app, name, fh_span_of_str(value), value, err));
        } else if (word.size > 1 && fh_span_at(word, 0) == '-') {
            return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "no option %.*s, or its value is missing", FH_SPAN_FMT(word));
        } else {
            fh_deed_args_set(args, kept++, text);
        }
    }
    app->paths = fh_deed_args_sub(args, 0, kept);
    return FH_DONE;
}

static fh_static fh_or_null const verb *verb_of(fh_deed_args args, size_t i) {
    fh_span name = i < args.count ? fh_span_of_str(fh_deed_args_get(args, i)) : (fh_span){NULL, 0};
    for (size_t k = 0; k < sizeof verbs / sizeof verbs[0]; k++) {
        if (fh_span_is(name, verbs[k].name))
            return &verbs[k];
    }
    return NULL;
}

static fh_status dispatch(fh_mut fh_view(2) deed_app *app, fh_deed_args args, fh_err *err) {
    if (args.count == 0) {
        app->exit = DEED_EXIT_USAGE;
        return fh_buf_put(&app->err, fh_span_of_str(help));
    }
    fh_span name = fh_span_of_str(fh_deed_args_get(args, 0));
    bool asks = fh_span_is(name, "--help") || fh_span_is(name, "-h") || fh_span_is(name, "help");
    const verb *v = verb_of(args, asks ? 1 : 0);
    app->usage = true;
    app->verb = v == NULL ? "" : v->name_space;
    if (v == NULL && !asks)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "no verb %.*s", FH_SPAN_FMT(name));
    if (!asks)
        FH_TRY(read_arguments(app, fh_deed_args_sub(args, 1, args.count - 1), &asks, err));
    app->usage = false;
    if (asks || v == NULL)
        return fh_buf_put(&app->out, fh_span_of_str(v == NULL ? help : v->help));
    return v->main(app, err);
}

static int run(fh_mut fh_view(2) deed_app *app, fh_deed_args args) {
    fh_err err;
    fh_err_clear(&err);
    fh_status s = dispatch(app, args, &err);
    if (fh_failed(s)) {
        app->exit = DEED_EXIT_USAGE;
        s = fh_buf_format(&app->err, "deed: %s", err.code != FH_OK ? err.message : fh_code_text(s.code));
        if (!fh_failed(s) && app->usage)
            s = fh_buf_format(&app->err, " (see: deed %s--help)", app->verb);
        if (!fh_failed(s))
            s = fh_buf_put_u8(&app->err, '\n');
    }
    fh_status out = fh_os_write(1, fh_buf_view(&app->out)), said = fh_os_write(2, fh_buf_view(&app->err));
    return fh_failed(s) || fh_failed(out) || fh_failed(said) ? DEED_EXIT_USAGE : app->exit;
}

int main(int argc, char **argv) {
    deed_app app = {.heap = fh_heap(), .verb = "", .jobs = fh_os_cpus(), .color = fh_os_is_terminal(1)};
    fh_buf_init(&app.out, app.heap, 0);
    fh_buf_init(&app.err, app.heap, 0);
    int code = DEED_EXIT_USAGE;
    fh_arena *arena = NULL;
    if (!fh_failed(fh_arena_new(app.heap, NULL, &arena))) {
        app.arena = arena;
        const size_t count = argc > 1 ? (size_t)argc - 1 : 0, room = count + 1;
        deed_arg *at = fh_arena_alloc(arena, room, sizeof *at);
        fh_deed_args args = {at, at == NULL ? 0 : room};
        for (size_t i = 0; i + 1 < args.count; i++) {
            const char *word = fh_os_argument(argc, argv, i + 1);
            fh_deed_args_set(args, i, word == NULL ? "" : word);
        }
        if (args.count != 0)
            code = run(&app, fh_deed_args_sub(args, 0, count));
    }
    fh_buf_deinit(&app.out);
    fh_buf_deinit(&app.err);
    fh_arena_free(arena);
    return code;
}
