/* memory.c: `freehold memory`: who owned how much, from a report that `freehold run --memory-report` wrote.
 *
 * The report is read and checked once (moments_read.c); the table, the JSON and the picture (moments_svg.c) are three ways to
 * write what was read. Columns that are empty in every row are left out of the table.
 *
 * Threading: the main thread. */
#include "apps/loader.h"
#include "apps/moments.h"

enum { REPORT_BYTES_MAX = 16 << 20, NAME_COLUMNS = 26, KIND_COLUMNS = 6, NUMBER_COLUMNS = 11 };

/* --- the table -------------------------------------------------------------------------------------------------------- */

typedef struct column {
    const char *name;
    uint64_t (*of)(const fh_memory_row *row);
    bool count; /* not bytes */
} column;

static uint64_t live_of(const fh_memory_row *row) {
    return row->live.bytes;
}
static uint64_t cached_of(const fh_memory_row *row) {
    return row->cached.bytes;
}
static uint64_t quarantined_of(const fh_memory_row *row) {
    return row->quarantined.bytes;
}
static uint64_t retired_of(const fh_memory_row *row) {
    return row->retired.bytes;
}
static uint64_t committed_of(const fh_memory_row *row) {
    return row->committed_bytes;
}
static uint64_t reserved_of(const fh_memory_row *row) {
    return row->reserved_bytes;
}
static uint64_t objects_of(const fh_memory_row *row) {
    return row->live.count;
}
static uint64_t refusals_of(const fh_memory_row *row) {
    return row->refusals;
}

static const column columns[] = {
    {"objects", objects_of, true},      {"live", live_of, false},           {"cached", cached_of, false},
    {"quarantined", quarantined_of, false}, {"retired", retired_of, false}, {"overhead", fh_row_overhead, false},
    {"committed", committed_of, false}, {"reserved", reserved_of, false},   {"refused", refusals_of, true},
};
enum { COLUMNS = sizeof columns / sizeof columns[0] };

static bool is_needed(const column *c, const fh_memory_row *sum) {
    return c->of == committed_of || c->of(sum) != 0;
}

static void put_row(fh_term *t, const fh_memory_row *row, const char *kind, const fh_memory_row *sum) {
    FH_SAY(t, "  %-*.*s %-*s", NAME_COLUMNS, NAME_COLUMNS, row->name.text, KIND_COLUMNS, kind);
    for (size_t i = 0; i < COLUMNS; i++) {
        uint64_t value = columns[i].of(row);
        fh_word word = columns[i].count ? fh_word_count(value) : fh_word_bytes(value);
        if (is_needed(&columns[i], sum))
            FH_SAY(t, " %*s", NUMBER_COLUMNS, value == 0 ? "-" : word.text);
    }
    FH_SAY(t, " %*s\n", NUMBER_COLUMNS - 3, fh_word_share(row->committed_bytes, sum->committed_bytes).text);
}

static void put_owners(fh_term *t, const fh_moment *m) {
    fh_memory_row sum = fh_moment_sum(m, 0);
    FH_SAY(t, "  %s%-*s %-*s", fh_term_style(t, FH_CYAN), NAME_COLUMNS, "owner", KIND_COLUMNS, "kind");
    for (size_t i = 0; i < COLUMNS; i++) {
        if (is_needed(&columns[i], &sum))
            FH_SAY(t, " %*s", NUMBER_COLUMNS, columns[i].name);
    }
    FH_SAY(t, " %*s%s\n", NUMBER_COLUMNS - 3, "share", fh_term_style(t, FH_PLAIN));
    for (size_t i = 0; i < m->memory.rows.count; i++) {
        const fh_memory_row *row = fh_memory_rows_at(m->memory.rows, i);
        put_row(t, row, fh_memory_kind_name(row->kind), &sum);
    }
    sum.name = fh_memory_label_of(FH_LIT("all"));
    put_row(t, &sum, "", &sum);
    const fh_alloc_stats *heap = &m->memory.heap;
    FH_SAY(t, "\n  heap: %s block%s of %s, at most %s so far", fh_word_count(heap->live).text, heap->live == 1 ? "" : "s",
           fh_word_bytes(heap->live_bytes).text, fh_word_bytes(heap->peak_bytes).text);
    if (m->memory.resident_peak_bytes != 0)
        FH_SAY(t, "; process: at most %s in memory", fh_word_bytes(m->memory.resident_peak_bytes).text);
    FH_SAY(t, "\n");
}

static void put_table(fh_term *t, const fh_moments *all, size_t shown) {
    const char *bold = fh_term_style(t, FH_BOLD), *plain = fh_term_style(t, FH_PLAIN);
    if (all->count > 1) {
        FH_SAY(t, "%sMoments%s\n", bold, plain);
        for (size_t i = 0; i < all->count; i++) {
            const fh_moment *m = &all->at[i];
            fh_memory_row sum = fh_moment_sum(m, 0);
            FH_SAY(t, "  %-10s %*s committed%s%s%s\n", m->name.text, NUMBER_COLUMNS, fh_word_bytes(sum.committed_bytes).text,
                   m->doing.text[0] != 0 ? ", during: " : "", m->doing.text, i == shown ? "   (shown below)" : "");
        }
        FH_SAY(t, "\n%sOwners%s\n", bold, plain);
    }
    put_owners(t, &all->at[shown]);
}

/* --- the command line ------------------------------------------------------------------------------------------------- */

/* Names of the moments that there are, for a refusal. */
static fh_status refuse_moment(fh_ref fh_allocator *heap, const fh_moments *all, fh_span wanted, fh_err *err) {
    fh_auto(fh_buf_deinit) fh_buf names;
    fh_buf_init(&names, heap, 0);
    for (size_t i = 0; i < all->count; i++)
        FH_TRY(fh_buf_format(&names, "%s%s", i == 0 ? "" : ", ", all->at[i].name.text));
    return fh_fail(err, FH_NOT_FOUND, FH_NO_OFFSET, "no moment '%.*s'; there are: %.*s", FH_SPAN_FMT(wanted),
                   FH_SPAN_FMT(fh_buf_view(&names)));
}

/* The moment of a name; without one the peak, or else the last. */
static fh_status choose(fh_ref fh_allocator *heap, const fh_moments *all, fh_span wanted, fh_out size_t *out, fh_err *err) {
    for (size_t i = all->count; i > 0; i--) {
        *out = i - 1;
        if (fh_span_is(wanted.size == 0 ? FH_LIT("peak") : wanted, all->at[i - 1].name.text))
            return FH_DONE;
    }
    *out = all->count - 1;
    return wanted.size == 0 ? FH_DONE : refuse_moment(heap, all, wanted, err);
}

/* The name of a file without its folders. */
static fh_span base_name(fh_span path) {
    size_t at = path.size;
    while (at != 0 && fh_span_at(path, at - 1) != '/')
        at--;
    return fh_span_from(path, at);
}

static fh_status write_picture(fh_app *app, const fh_moment *m, fh_memory_label title, const fh_path *path, fh_err *err) {
    fh_auto(fh_end_writer) fh_os_writer *file = NULL;
    app->subject = *path;
    FH_TRY(fh_os_writer_open(path->text, &file, err));
    fh_term t;
    fh_term_init(&t, app->heap, (fh_sink){.ctx = file, .put = fh_writer_put});
    fh_moment_draw(&t, m, title);
    fh_status s = t.status;
    fh_term_rest(&t);
    fh_buf_deinit(&t.text);
    if (fh_failed(s))
        return fh_fail(err, s.code, FH_NO_OFFSET, "cannot write: %s", fh_code_text(s.code));
    return fh_os_writer_commit(&file, err);
}

typedef struct memory_options {
    fh_path report, picture;
    fh_span moment;
    bool json;
} memory_options;

static fh_status show(fh_app *app, const memory_options *o, fh_span text, fh_err *err) {
    fh_memory_label title = fh_memory_label_of(base_name(fh_span_of_str(o->report.text)));
    fh_auto(fh_moments_deinit) fh_moments all = {0};
    FH_TRY(fh_moments_read(app->heap, text, &all, err));
    size_t shown;
    FH_TRY(choose(app->heap, &all, o->moment, &shown, err));
    for (size_t i = 0; i < all.count && !o->json; i++)
        fh_moment_sort(&all.at[i]);
    if (o->picture.text[0] != 0)
        return write_picture(app, &all.at[shown], title, &o->picture, err);
    if (o->json)
        fh_term_keep(&app->out, fh_moments_put(&all, &app->out.text));
    else
        put_table(&app->out, &all, shown);
    fh_term_flush(&app->out);
    return app->out.status;
}

static const char examples[] =
    "freehold run -p \"Once\" --memory-report run.json    a report of that run\n"
    "freehold memory run.json                            who owned how much when it was most\n"
    "freehold memory run.json --moment end               what is left at the end\n"
    "freehold memory run.json --svg run.svg              the same as a picture\n"
    "freehold memory run.json --json | jq .moments";

static const char notes[] =
    "A row is an owner: a pool, an arena, tensors, a mapped file … What it has is\n"
    "  live         in use\n"
    "  cached       free, kept for the next use\n"
    "  quarantined  free, held back to catch late uses (hardened pools)\n"
    "  retired      never used again: its handles have run out of generations\n"
    "  overhead     tables of the owner's own, and room between objects\n"
    "  committed    all of that: what is asked of the system\n"
    "  reserved     address space, which costs nothing, the committed part included\n"
    "  refused      uses that were refused: stale handles, double frees, a full pool\n"
    "\"other blocks\" is what the heap holds beyond the owners listed. FILE may be - for standard\n"
    "input, and may hold what fh_memory_report writes as JSON, too.";

fh_status fh_verb_memory(fh_app *app, fh_views args, fh_err *err) {
    memory_options o = {.json = false};
    fh_cli_option options[] = {
        {.name = "--moment", .kind = FH_CLI_TEXT, .value = "NAME", .to.text = &o.moment,
         .help = "another moment than the peak"},
        {.name = "--svg", .kind = FH_CLI_PATH, .value = "OUT.svg", .to.path = &o.picture,
         .help = "draws the moment into a file, in place of the table"},
        {.name = "--json", .kind = FH_CLI_FLAG, .to.flag = &o.json,
         .help = "every moment, checked and in one form, for programs"},
    };
    fh_cli cli = {.verb = "memory", .summary = "tell who owned how much memory in a run", .examples = examples, .notes = notes,
                  .options = {options, sizeof options / sizeof options[0]}, .operand_name = "FILE", .operand = &o.report};
    bool done = false;
    FH_TRY(fh_app_parse(app, &cli, args, &done, err));
    if (done)
        return FH_DONE;
    if (o.json && o.picture.text[0] != 0)
        return FH_REFUSE_USAGE(app, err, "--json and --svg exclude each other");
    if (fh_span_is(fh_span_of_str(o.report.text), "-")) {
        fh_auto(fh_buf_deinit) fh_buf text;
        fh_buf_init(&text, app->heap, 0);
        FH_TRY(fh_app_stdin(&text, REPORT_BYTES_MAX, err));
        return show(app, &o, fh_buf_view(&text), err);
    }
    fh_auto(fh_file_close) fh_file file = {.heap = app->heap};
    FH_TRY(fh_file_open(&file, app, &o.report, err));
    fh_span text = file.map.bytes;
    if (text.size > REPORT_BYTES_MAX)
        return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "found %zu bytes, expected at most %d", text.size, REPORT_BYTES_MAX);
    return fh_file_verdict(&file, show(app, &o, text, err), err);
}
