/* index_search.c: `freehold index search`: the passages that are nearest to a query.
 *
 * The file is mapped and used where it lies. Its table says which model made the vectors; another one is refused before it is
 * loaded. Queries are the second argument, or the lines of standard input.
 *
 * Threading: the main thread, and a team. */
#include "apps/text_index.h"
#include "freehold/hnsw.h"
#include "freehold/json.h"
#include "freehold/words.h"

enum { HITS_DEFAULT = 10, HITS_MAX = 1000, QUERIES_BYTES_MAX = 16 << 20 };

/* What was asked for. */
typedef struct search_options {
    fh_cli_operands words; /* the file, and perhaps a query */
    fh_path file, model;
    uint64_t hits, effort, threads, isa;
    bool json;
} search_options;

/* An open index with the model of its vectors. */
typedef struct search {
    fh_ref fh_allocator *heap;
    fh_ref const fh_par *par;
    fh_ref const fh_tokenizer *tok;
    fh_mut fh_embedder *embedder;
    fh_ref const fh_passages *passages;
    fh_owned fh_flat *flat;  /* one of the two … */
    fh_owned fh_hnsw *graph; /* … is open */
    fh_owned fh_hnsw_reader *reader;
    fh_owned fh_f32s query;
    fh_owned fh_hits hits;
    size_t effort;
} search;

static void search_deinit(fh_drop search *s) {
    fh_flat_free(s->flat);
    fh_hnsw_reader_free(s->reader);
    fh_hnsw_free(s->graph);
    fh_f32s_free(s->heap, &s->query);
    fh_hits_free(s->heap, &s->hits);
}

/* --- a query ------------------------------------------------------------------------------------------------------------ */

/* The vector of a text. */
static fh_status embed(fh_mut search *s, fh_span text, fh_err *err) {
    fh_auto(fh_ids_deinit) fh_ids ids;
    fh_ids_init(&ids, s->heap, 0);
    FH_TRY(fh_tokenizer_encode(s->tok, text, (fh_encode_options){.add_special = true}, &ids, err));
    size_t end = ids.count;
    if (end == 0)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "the query has no tokens");
    if (end > fh_embedder_tokens_max(s->embedder))
        return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "the query has %zu tokens, expected at most %zu", end,
                       fh_embedder_tokens_max(s->embedder));
    return fh_embedder_run(s->embedder, fh_ids_view(&ids), (fh_sizes){&end, 1}, s->query, err);
}

static fh_status find(fh_mut search *s, fh_span text, fh_out size_t *count, fh_err *err) {
    *count = 0;
    FH_TRY(embed(s, text, err));
    if (s->flat != NULL)
        return fh_flat_search(s->flat, s->par, s->query, s->hits.count, NULL, s->hits, (fh_sizes){count, 1}, err);
    return fh_hnsw_search(s->graph, s->reader, s->query, s->hits.count, s->effort, NULL, s->hits, count, err);
}

/* --- answers ------------------------------------------------------------------------------------------------------------ */

/* The words of a text with one blank between them, and nothing that steers a terminal. */
static void put_words(fh_term *t, fh_span text) {
    fh_split split = fh_split_begin(text);
    fh_range word;
    for (bool first = true; fh_split_next(&split, &word); first = false) {
        fh_term_put(t, first ? FH_LIT("") : FH_LIT(" "));
        (void)fh_term_put_safe(t, fh_span_sub(text, word.from, word.to - word.from), false, 0);
    }
}

/* For a person two lines, for a pipe one: score, file:line, text. */
static void put_hit(fh_term *t, const fh_passage *p, float score) {
    const char *between = t->terminal ? "  " : "\t";
    FH_SAY(t, "%s%.4f%s%s%s", fh_term_style(t, FH_DIM), (double)score, fh_term_style(t, FH_PLAIN), between,
           fh_term_style(t, FH_CYAN));
    (void)fh_term_put_safe(t, p->file, false, 0);
    FH_SAY(t, "%s:%u%s", fh_term_style(t, FH_PLAIN), p->line, t->terminal ? "\n        " : "\t");
    put_words(t, p->text);
    fh_term_put(t, FH_LIT("\n"));
}

static fh_status put_json(fh_term *t, fh_span query, size_t rank, const fh_passage *p, float score) {
    fh_json_writer w;
    fh_json_writer_init(&w, &t->text, false);
    FH_TRY(fh_json_open(&w, true));
    FH_TRY(fh_json_key(&w, "query"));
    FH_TRY(fh_json_put_text(&w, query));
    FH_TRY(fh_json_key(&w, "rank"));
    FH_TRY(fh_json_put_u64(&w, rank));
    FH_TRY(fh_json_key(&w, "score"));
    FH_TRY(fh_json_put_f64(&w, (double)score));
    FH_TRY(fh_json_key(&w, "file"));
    FH_TRY(fh_json_put_text(&w, p->file));
    FH_TRY(fh_json_key(&w, "line"));
    FH_TRY(fh_json_put_u64(&w, p->line));
    FH_TRY(fh_json_key(&w, "offset"));
    FH_TRY(fh_json_put_u64(&w, p->offset_bytes));
    FH_TRY(fh_json_key(&w, "length"));
    FH_TRY(fh_json_put_u64(&w, p->text.size));
    FH_TRY(fh_json_key(&w, "text"));
    FH_TRY(fh_json_put_text(&w, p->text));
    FH_TRY(fh_json_close(&w, true));
    return fh_buf_put_u8(&t->text, '\n');
}

static fh_status answer(fh_term *t, fh_mut search *s, const search_options *o, fh_span query, fh_err *err) {
    size_t count = 0;
    FH_TRY(find(s, query, &count, err));
    for (size_t i = 0; i < count; i++) {
        fh_hit hit = fh_hits_get(s->hits, i);
        fh_passage p;
        if (fh_failed(fh_passages_get(s->passages, hit.id, &p)))
            return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "the index names passage %llu, expected one below %zu",
                           (unsigned long long)hit.id, fh_passages_count(s->passages));
        if (o->json)
            fh_term_keep(t, put_json(t, query, i + 1, &p, hit.score));
        else
            put_hit(t, &p, hit.score);
    }
    fh_term_flush(t);
    return t->status;
}

/* The queries of standard input, a line each, with their answers. */
static fh_status answer_lines(fh_app *app, fh_mut search *s, const search_options *o, fh_err *err) {
    fh_auto(fh_buf_deinit) fh_buf input;
    fh_buf_init(&input, app->heap, 0);
    FH_TRY(fh_app_stdin(&input, QUERIES_BYTES_MAX, err));
    fh_span text = fh_buf_view(&input);
    size_t line = 1;
    bool first = true;
    for (size_t at = 0, end = 0; at < text.size; at = end + 1, line++) {
        end = fh_span_find(text, FH_LIT("\n"), at);
        end = end == SIZE_MAX ? text.size : end;
        fh_span query = fh_span_sub(text, at, end - at);
        fh_err why;
        fh_err_clear(&why);
        if (fh_split_count(query) == 0)
            continue;
        if (!o->json) {
            FH_SAY(&app->out, "%s%s", first ? "" : "\n", fh_term_style(&app->out, FH_BOLD));
            put_words(&app->out, query);
            FH_SAY(&app->out, "%s\n", fh_term_style(&app->out, FH_PLAIN));
        }
        first = false;
        fh_status status = answer(&app->out, s, o, query, &why);
        if (fh_failed(status))
            return fh_fail(err, status.code, why.offset_bytes, "standard input, line %zu: %s", line, why.message);
        if (fh_os_interrupts() != 0)
            return fh_fail(err, FH_CANCELED, FH_NO_OFFSET, "interrupted after %zu lines", line);
    }
    return FH_DONE;
}

/* --- opening ------------------------------------------------------------------------------------------------------------ */

/* FH_STALE for another model than that of the vectors. */
static fh_status check_model(const fh_passages *passages, const fh_file *model, fh_err *err) {
    fh_passages_origin made = fh_passages_origin_of(passages);
    uint64_t size = model->map.bytes.size;
    if (made.model_bytes != size || made.model_hash != fh_index_origin(model).model_hash)
        return fh_fail(err, FH_STALE, FH_NO_OFFSET,
                       "another model than that of the index, expected '%.*s' of %llu bytes with hash %016llx; name it with -m",
                       FH_SPAN_FMT(made.model_name), (unsigned long long)made.model_bytes, (unsigned long long)made.model_hash);
    if (made.pooling >= FH_POOLING_COUNT)
        return fh_fail(err, FH_UNSUPPORTED, FH_NO_OFFSET, "the index has pooling %u, expected 0 to %d", made.pooling,
                       FH_POOLING_COUNT - 1);
    return FH_DONE;
}

/* The index behind the table; it has as many vectors as there are passages. */
static fh_status open_index(fh_mut search *s, fh_isa isa, size_t hits, fh_err *err) {
    fh_auto(fh_bytes_drop) fh_bytes bytes = {.owner = NULL};
    size_t count = fh_passages_count(s->passages), dim = fh_embedder_dim(s->embedder);
    FH_TRY(fh_passages_index(s->passages, &bytes));
    if (fh_passages_origin_of(s->passages).kind == FH_PASSAGES_FLAT) {
        FH_TRY(fh_flat_open(s->heap, isa, fh_os_random(), bytes, &s->flat, err));
        count -= fh_flat_count(s->flat);
    } else {
        FH_TRY(fh_hnsw_open(s->heap, isa, fh_os_random(), bytes, &s->graph, err));
        FH_TRY(fh_hnsw_reader_new(s->graph, &s->reader, err));
        count -= fh_hnsw_count(s->graph);
    }
    if (count != 0)
        return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "the index has not as many vectors as passages, expected %zu",
                       fh_passages_count(s->passages));
    hits = hits < fh_passages_count(s->passages) ? hits : fh_passages_count(s->passages);
    fh_status made = fh_f32s_new(s->heap, dim, &s->query);
    if (!fh_failed(made))
        made = fh_hits_new(s->heap, hits != 0 ? hits : 1, &s->hits);
    return fh_failed(made) ? fh_fail(err, made.code, FH_NO_OFFSET, "no memory for %zu hits", hits) : FH_DONE;
}

/* Everything between the model and the answers. */
static fh_status search_with(fh_app *app, const search_options *o, const fh_passages *passages, const fh_par *par,
                             fh_mut fh_loaded *l, fh_err *err) {
    fh_auto(fh_end_embedder) fh_embedder *e = NULL;
    fh_embedder_options of_embedder = {.pooling = (fh_pooling)fh_passages_origin_of(passages).pooling, .texts_max = 1};
    FH_TRY(fh_embedder_new(app->heap, l->model, l->device, &of_embedder, &e, err));
    fh_auto(search_deinit) search s = {.heap = app->heap, .par = par, .tok = fh_model_tokenizer_view(l->model), .embedder = e,
                                       .passages = passages, .effort = (size_t)o->effort};
    app->subject = o->file;
    FH_TRY(open_index(&s, fh_app_isa(o->isa), (size_t)o->hits, err));
    app->subject.text[0] = 0;
    return o->words.count == 2 ? answer(&app->out, &s, o, o->words.at[1], err) : answer_lines(app, &s, o, err);
}

static fh_status search_file(fh_app *app, const search_options *o, fh_err *err) {
    fh_auto(fh_file_close) fh_file file = {.heap = app->heap};
    fh_auto(fh_bytes_drop) fh_bytes bytes = {.owner = NULL};
    fh_auto(fh_end_passages) fh_passages *passages = NULL;
    FH_TRY(fh_file_open(&file, app, &o->file, err));
    FH_TRY(fh_bytes_wrap(app->heap, file.map.bytes, NULL, NULL, &bytes));
    fh_status s = fh_passages_open(app->heap, bytes, &passages, err);
    if (fh_failed(s))
        return fh_file_verdict(&file, s, err);
    fh_auto(fh_file_close) fh_file model = {.heap = app->heap};
    FH_TRY(fh_file_find(&model, app, &o->model, err));
    FH_TRY(fh_file_verdict(&model, check_model(passages, &model, err), err));
    fh_auto(fh_end_team) fh_team *team = NULL;
    FH_TRY(fh_team_new((unsigned)o->threads, &team));
    fh_auto(fh_loaded_close) fh_loaded l = {.gguf = NULL};
    FH_TRY(fh_loaded_open(&l, &model, fh_team_par(team), fh_app_isa(o->isa), &app->err, err));
    s = search_with(app, o, passages, fh_team_par(team), &l, err);
    FH_TRY(fh_file_verdict(&model, s, err));
    return fh_file_verdict(&file, s, err);
}

/* --- the verb ----------------------------------------------------------------------------------------------------------- */

static const char examples[] =
    "freehold index search index.fhx \"a brave dog\"           the ten passages that are nearest\n"
    "freehold index search -k 3 --json docs.fhx \"locks\"      one JSON object a line\n"
    "freehold index search -m embedding.gguf docs.fhx < q    the model that made the index; a query a line\n"
    "freehold index build -o docs.fhx docs/                  makes the index";

static const char notes[] =
    "A line of the output is the score, the file and the line where the passage began when the index was\n"
    "made, and its text, with a tab between them; on a terminal the text has a line of its own. Scores are\n"
    "cosines or inner products, the largest first, or distances (--metric of index build), the smallest first.\n"
    "The model has to be the very file that made the index: another one is refused. A graph finds nearly\n"
    "always what is nearest; --effort makes it look longer.";

fh_status fh_index_search(fh_app *app, fh_views args, fh_err *err) {
    search_options o = {.hits = HITS_DEFAULT};
    fh_cli_option options[] = {
        {.letter = 'k', .name = "--hits", .kind = FH_CLI_NUMBER, .value = "K", .to.number = &o.hits, .min = 1, .max = HITS_MAX,
         .help = "passages to show; default 10"},
        {.letter = 'm', .name = "--model", .kind = FH_CLI_PATH, .value = "FILE", .to.path = &o.model,
         .help = "the model that made the index; default: the one that comes with\nfreehold"},
        {.name = "--effort", .kind = FH_CLI_NUMBER, .value = "N", .to.number = &o.effort, .max = FH_HNSW_EFFORT_MAX,
         .help = "passages in view while a graph is searched; default 64"},
        {.name = "--threads", .kind = FH_CLI_NUMBER, .value = "N", .to.number = &o.threads, .min = 1, .max = 256,
         .help = "default: all processors; the answers do not depend on it"},
        {.name = "--isa", .kind = FH_CLI_CHOICE, .value = FH_ISA_WORDS, .to.number = &o.isa,
         .help = "instruction set; the answers do not depend on it"},
        {.name = "--json", .kind = FH_CLI_FLAG, .to.flag = &o.json, .help = "one JSON object a line"},
    };
    fh_cli cli = {.verb = "index search", .summary = "find passages by what they say", .examples = examples, .notes = notes,
                  .options = {options, sizeof options / sizeof options[0]}, .operand_name = "INDEX [QUERY]",
                  .operands = &o.words};
    bool done = false;
    FH_TRY(fh_app_parse(app, &cli, args, &done, err));
    if (done)
        return FH_DONE;
    if (o.words.count > 2)
        return FH_REFUSE_USAGE(app, err, "unexpected argument '%.*s'; a query of several words is put into quotes",
                               FH_SPAN_FMT(o.words.at[2]));
    if (!fh_path_set(&o.file, o.words.at[0], FH_LIT("")))
        return FH_REFUSE_USAGE(app, err, "found a path of %zu bytes", o.words.at[0].size);
    fh_os_interrupt_watch();
    return search_file(app, &o, err);
}
