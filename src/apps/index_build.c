/* index_build.c: `freehold index build`: text files to one file that can be searched by meaning.
 *
 * Two passes. The first reads the files, cuts them to passages, and keeps their texts and tokens; then their number is known.
 * The second makes vectors, some passages at a time so that a bar moves and Ctrl-C is heard, and adds them to the index in lots
 * of LOT: a graph depends on how vectors were divided among additions, so that the division may depend on nothing else. The
 * file is written when all is done, and appears whole.
 *
 * Threading: the main thread, and a team. */
#include "apps/cutter.h"
#include "apps/text_index.h"
#include "apps/texts.h"
#include "freehold/hnsw.h"
#include "freehold/json.h"

enum { STEP = 64, LOT = 1024, CHUNK_DEFAULT = 128, FILE_MIB_DEFAULT = 64 };

#define METRIC_WORDS "l2|ip|cosine" /* as fh_metric */
#define POOLING_WORDS "mean|last"   /* as fh_pooling */

/* What was asked for. */
typedef struct build_options {
    fh_cli_operands names;
    fh_path model, output;
    uint64_t metric, pooling, chunk, threads, file_mib, isa;
    bool flat, json, pooling_given;
} build_options;

/* What is made. */
typedef struct build {
    fh_ref fh_allocator *heap;
    fh_ref const fh_par *par;
    unsigned threads; /* of par */
    fh_isa isa;
    fh_owned fh_passages *passages;
    fh_owned fh_ids tokens; /* of all passages */
    fh_owned fh_ids ends;   /* where those of each end */
    fh_owned fh_f32s vectors; /* of a lot */
    fh_owned fh_flat *flat;   /* one of the two … */
    fh_owned fh_hnsw *graph;  /* … is made */
    fh_owned fh_hnsw_writer *graph_writer;
    uint64_t bytes, reading_ns, embedding_ns;
    fh_pooling pooling;
} build;

static void build_deinit(fh_drop build *b) {
    fh_passages_free(b->passages);
    fh_ids_deinit(&b->tokens);
    fh_ids_deinit(&b->ends);
    fh_f32s_free(b->heap, &b->vectors);
    fh_flat_free(b->flat);
    fh_hnsw_writer_free(b->graph_writer);
    fh_hnsw_free(b->graph);
}

static fh_status listen(fh_err *err) {
    return fh_os_interrupts() == 0 ? FH_DONE : fh_fail(err, FH_CANCELED, FH_NO_OFFSET, "interrupted; no file was written");
}

/* --- reading ------------------------------------------------------------------------------------------------------------ */

static fh_status take_passage(fh_mut build *b, fh_span text, const fh_cut *cut, fh_err *err) {
    fh_passage passage = {.offset_bytes = cut->bytes.from, .line = cut->line,
                          .text = fh_span_sub(text, cut->bytes.from, cut->bytes.to - cut->bytes.from)};
    FH_TRY(fh_passages_add(b->passages, &passage, err));
    fh_status s = fh_ids_put_all(&b->tokens, cut->tokens);
    if (!fh_failed(s) && b->tokens.count > UINT32_MAX)
        s = FH_STATUS(FH_LIMIT);
    if (!fh_failed(s))
        s = fh_ids_put(&b->ends, (uint32_t)b->tokens.count);
    return fh_failed(s) ? fh_fail(err, s.code, cut->bytes.from, "the tokens of all passages: %s", fh_code_text(s.code))
                        : FH_DONE;
}

static fh_status read_text(fh_mut build *b, fh_mut fh_passage_cutter *cutter, fh_span name, fh_span text, fh_err *err) {
    FH_TRY(fh_passages_add_file(b->passages, name, err));
    fh_cuts cuts = fh_cuts_begin(cutter, text);
    for (;;) {
        fh_cut cut;
        fh_status s = fh_cuts_next(&cuts, &cut, err);
        if (s.code == FH_END)
            return FH_DONE;
        FH_TRY(s);
        FH_TRY(take_passage(b, text, &cut, err));
    }
}

/* Maps a file and takes its passages, if it is text. */
static fh_status read_file(fh_mut build *b, fh_mut fh_texts *texts, size_t i, fh_mut fh_passage_cutter *cutter, fh_err *err) {
    fh_path path;
    fh_err why;
    fh_err_clear(&why);
    if (!fh_path_set(&path, fh_texts_at(texts, i), FH_LIT("")))
        return FH_STATUS(FH_INVALID);
    fh_auto(fh_os_map_close) fh_os_map map = {.id = 0};
    fh_status s = fh_os_map_open(path.text, &map, &why);
    if (s.code == FH_IO) { /* no permission, or gone since it was found */
        texts->passed[FH_PASSED_UNREADABLE]++;
        return FH_DONE;
    }
    if (fh_failed(s))
        return fh_fail(err, s.code, FH_NO_OFFSET, "%s", why.message);
    fh_span name = fh_span_of_str(path.text), text = map.bytes;
    b->bytes += text.size;
    if (fh_texts_is_text(text))
        s = read_text(b, cutter, name, text, &why);
    else
        texts->passed[FH_PASSED_BINARY]++;
    if (fh_os_map_lost(map)) {
        fh_err_clear(&why);
        s = fh_fail(&why, FH_IO, FH_NO_OFFSET, "the file was truncated while it was read");
    }
    return fh_failed(s) ? fh_fail(err, s.code, why.offset_bytes, "%.*s: %s", FH_SPAN_FMT(name), why.message) : FH_DONE;
}

static fh_status read_files(fh_term *t, fh_mut build *b, fh_mut fh_texts *texts, fh_mut fh_passage_cutter *cutter,
                            fh_err *err) {
    fh_progress bar = fh_progress_begin(t, "reading", true);
    fh_status s = FH_DONE;
    for (size_t i = 0; i < fh_texts_count(texts) && !fh_failed(s); i++) {
        s = read_file(b, texts, i, cutter, err);
        fh_progress_show(&bar, b->bytes, texts->bytes);
        if (!fh_failed(s))
            s = listen(err);
    }
    fh_progress_end(&bar);
    FH_TRY(s);
    if (fh_passages_count(b->passages) == 0)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "found no text in %zu file%s", fh_texts_count(texts),
                       fh_texts_count(texts) == 1 ? "" : "s");
    return FH_DONE;
}

/* --- vectors ------------------------------------------------------------------------------------------------------------ */

static fh_status make_index(fh_mut build *b, const build_options *o, size_t dim, fh_err *err) {
    size_t count = fh_passages_count(b->passages);
    if (fh_failed(fh_f32s_new(b->heap, (count < LOT ? count : LOT) * dim, &b->vectors)))
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "no memory for vectors of %zu elements", dim);
    fh_metric metric = (fh_metric)o->metric;
    if (o->flat)
        return fh_flat_new(b->heap, b->isa, &(fh_flat_options){.dim = dim, .metric = metric}, &b->flat, err);
    FH_TRY(fh_hnsw_new(b->heap, b->isa, &(fh_hnsw_options){.dim = dim, .rows_max = count, .metric = metric}, &b->graph, err));
    return fh_hnsw_writer_new(b->graph, b->threads, &b->graph_writer, err);
}

/* The vectors of passages [from, from + count) of the lot that begins at `lot`. */
static fh_status embed(fh_mut build *b, fh_mut fh_embedder *e, size_t lot, size_t from, size_t count, fh_err *err) {
    struct {
        size_t at[STEP];
    } ends;
    fh_u32s all = fh_ids_view(&b->ends);
    size_t begin = from != 0 ? fh_u32s_get(all, from - 1) : 0, dim = fh_embedder_dim(e);
    fh_sizes of_step = fh_sizes_sub((fh_sizes){ends.at, STEP}, 0, count);
    for (size_t i = 0; i < count; i++)
        fh_sizes_set(of_step, i, fh_u32s_get(all, from + i) - begin);
    fh_u32s tokens = fh_u32s_sub(fh_ids_view(&b->tokens), begin, fh_sizes_get(of_step, count - 1));
    return fh_embedder_run(e, tokens, of_step, fh_f32s_sub(b->vectors, (from - lot) * dim, count * dim), err);
}

/* Adds the lot of passages [lot, end). */
static fh_status add(fh_mut build *b, size_t lot, size_t end, size_t dim, fh_err *err) {
    fh_u64s ids = {NULL, 0};
    if (fh_failed(fh_u64s_new(b->heap, end - lot, &ids)))
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "no memory for the ids of %zu passages", end - lot);
    for (size_t i = 0; i < ids.count; i++)
        fh_u64s_set(ids, i, lot + i);
    fh_f32s vectors = fh_f32s_sub(b->vectors, 0, ids.count * dim);
    fh_status s = b->flat != NULL ? fh_flat_add(b->flat, ids, vectors, err)
                                  : fh_hnsw_add(b->graph, b->graph_writer, b->par, ids, vectors, err);
    fh_u64s_free(b->heap, &ids);
    return s;
}

static fh_status embed_all(fh_term *t, fh_mut build *b, fh_mut fh_embedder *e, fh_err *err) {
    size_t count = fh_passages_count(b->passages), lot = 0;
    fh_progress bar = fh_progress_begin(t, "passages", false);
    fh_status s = FH_DONE;
    for (size_t at = 0; at < count && !fh_failed(s);) {
        size_t end = count - at < STEP ? count : at + STEP;
        s = embed(b, e, lot, at, end - at, err);
        at = end;
        if (!fh_failed(s) && (at == count || at - lot == LOT)) {
            s = add(b, lot, at, fh_embedder_dim(e), err);
            lot = at;
        }
        fh_progress_show(&bar, at, count);
        if (!fh_failed(s))
            s = listen(err);
    }
    fh_progress_end(&bar);
    return s;
}

/* --- the file ----------------------------------------------------------------------------------------------------------- */

static fh_status put_all(const build *b, fh_mut fh_os_writer *writer, fh_err *err) {
    FH_TRY(fh_passages_save(b->passages, (fh_sink){writer, fh_writer_put}, err));
    return b->flat != NULL ? fh_flat_save(b->flat, (fh_sink){writer, fh_writer_put}, err)
                           : fh_hnsw_save(b->graph, (fh_sink){writer, fh_writer_put}, err);
}

static fh_status put_json(fh_term *t, const build *b, const build_options *o, const fh_texts *texts) {
    const struct {
        const char *key;
        uint64_t value;
    } numbers[] = {{"files", fh_passages_files(b->passages)}, {"passages", fh_passages_count(b->passages)},
                   {"tokens", b->tokens.count}, {"bytes", b->bytes}};
    fh_json_writer w;
    fh_json_writer_init(&w, &t->text, false);
    FH_TRY(fh_json_open(&w, true));
    FH_TRY(fh_json_key(&w, "file"));
    FH_TRY(fh_json_put_text(&w, fh_span_of_str(o->output.text)));
    FH_TRY(fh_json_key(&w, "model"));
    FH_TRY(fh_json_put_text(&w, fh_passages_origin_of(b->passages).model_name));
    FH_TRY(fh_json_key(&w, "pooling"));
    FH_TRY(fh_json_put_text(&w, fh_span_of_str(fh_pooling_name(b->pooling))));
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        FH_TRY(fh_json_key(&w, numbers[i].key));
        FH_TRY(fh_json_put_u64(&w, numbers[i].value));
    }
    FH_TRY(fh_json_key(&w, "passed_over"));
    FH_TRY(fh_json_open(&w, true));
    for (unsigned i = 0; i < FH_PASSED_COUNT; i++) {
        FH_TRY(fh_json_key(&w, fh_passed_name((fh_passed)i)));
        FH_TRY(fh_json_put_u64(&w, texts->passed[i]));
    }
    FH_TRY(fh_json_close(&w, true));
    FH_TRY(fh_json_key(&w, "reading_s"));
    FH_TRY(fh_json_put_f64(&w, (double)b->reading_ns / 1e9));
    FH_TRY(fh_json_key(&w, "embedding_s"));
    FH_TRY(fh_json_put_f64(&w, (double)b->embedding_ns / 1e9));
    FH_TRY(fh_json_close(&w, true));
    return fh_buf_put_u8(&t->text, '\n');
}

/* "1,234 passages of 56 files, 8.0 MiB · 900 passages/s · passed over: 3 hidden, 1 binary · index.fhx". */
static void put_summary(fh_term *t, const build *b, const build_options *o, const fh_texts *texts) {
    size_t files = fh_passages_files(b->passages), count = fh_passages_count(b->passages);
    FH_SAY(t, "%s%s passage%s of %s file%s, %s", fh_term_style(t, FH_DIM), fh_word_count(count).text, count == 1 ? "" : "s",
           fh_word_count(files).text, files == 1 ? "" : "s", fh_word_bytes(b->bytes).text);
    FH_SAY(t, " · %s passages/s",
           fh_word_count(b->embedding_ns == 0 ? 0 : (uint64_t)(1e9 * (double)count / (double)b->embedding_ns)).text);
    const char *between = " · passed over: ";
    for (unsigned i = 0; i < FH_PASSED_COUNT; i++) {
        if (texts->passed[i] == 0)
            continue;
        FH_SAY(t, "%s%s %s", between, fh_word_count(texts->passed[i]).text, fh_passed_name((fh_passed)i));
        between = ", ";
    }
    fh_term_put(t, FH_LIT(" · "));
    (void)fh_term_put_safe(t, fh_span_of_str(o->output.text), false, 0);
    FH_SAY(t, "%s\n", fh_term_style(t, FH_PLAIN));
    fh_term_flush(t);
}

/* --- all of it ---------------------------------------------------------------------------------------------------------- */

/* Everything between the model and the file. */
static fh_status make(fh_app *app, fh_mut build *b, const build_options *o, fh_mut fh_texts *texts, const fh_file *model,
                      fh_mut fh_loaded *l, fh_err *err) {
    fh_auto(fh_end_embedder) fh_embedder *e = NULL;
    fh_auto(fh_end_tokenizer) fh_tokenizer *tok = NULL;
    uint32_t context = fh_model_shape_view(l->model)->context, usual = context < CHUNK_DEFAULT ? context : CHUNK_DEFAULT;
    fh_embedder_options of_embedder = {.pooling = b->pooling, .texts_max = STEP,
                                       .tokens_max = o->chunk != 0 ? (uint32_t)o->chunk : usual};
    FH_TRY(fh_embedder_new(app->heap, l->model, l->device, &of_embedder, &e, err));
    FH_TRY(fh_model_tokenizer(app->heap, l->gguf, &tok, err));
    fh_passages_origin origin = fh_index_origin(model);
    origin.kind = o->flat ? FH_PASSAGES_FLAT : FH_PASSAGES_HNSW;
    origin.pooling = (uint32_t)b->pooling;
    FH_TRY(fh_passages_new(b->heap, &origin, &b->passages, err));
    fh_passage_cutter *cutter = NULL;
    FH_TRY(fh_passage_cutter_new(app->heap, tok, of_embedder.tokens_max, &cutter, err));
    uint64_t begin = fh_os_clock_ns();
    fh_status s = read_files(&app->err, b, texts, cutter, err);
    fh_passage_cutter_free(cutter);
    FH_TRY(s);
    uint64_t middle = fh_os_clock_ns();
    b->reading_ns = middle - begin;
    FH_TRY(make_index(b, o, fh_embedder_dim(e), err));
    FH_TRY(embed_all(&app->err, b, e, err));
    b->embedding_ns = fh_os_clock_ns() - middle;
    app->subject = o->model;
    return fh_file_intact(model, err);
}

static fh_status build_index(fh_app *app, fh_mut build_options *o, fh_err *err) {
    fh_auto(fh_texts_deinit) fh_texts texts;
    fh_texts_init(&texts, app->heap);
    fh_views names = fh_views_sub((fh_views){o->names.at, FH_CLI_ARGS_MAX}, 0, o->names.count);
    FH_TRY(fh_texts_find(&texts, names, o->file_mib << 20, err));
    fh_auto(fh_file_close) fh_file model = {.heap = app->heap};
    FH_TRY(fh_file_find(&model, app, &o->model, err));
    fh_auto(fh_end_team) fh_team *team = NULL;
    FH_TRY(fh_team_new((unsigned)o->threads, &team));
    fh_auto(fh_loaded_close) fh_loaded l = {.gguf = NULL};
    FH_TRY(fh_loaded_open(&l, &model, fh_team_par(team), fh_app_isa(o->isa), &app->err, err));
    fh_auto(build_deinit) build b = {.heap = app->heap, .par = fh_team_par(team), .isa = fh_app_isa(o->isa),
                                     .threads = fh_device_caps_get(l.device).threads, .pooling = (fh_pooling)o->pooling};
    fh_ids_init(&b.tokens, app->heap, 0);
    fh_ids_init(&b.ends, app->heap, 0);
    if (!o->pooling_given)
        FH_TRY(fh_pooling_read(l.gguf, &b.pooling, err));
    /* Now already: who waited for all the vectors is not told that they cannot be written. */
    app->subject.text[0] = 0;
    fh_auto(fh_end_writer) fh_os_writer *writer = NULL;
    FH_TRY(fh_os_writer_open(o->output.text, &writer, err));
    FH_TRY(make(app, &b, o, &texts, &model, &l, err));
    app->subject.text[0] = 0;
    FH_TRY(put_all(&b, writer, err));
    FH_TRY(fh_os_writer_commit(&writer, err));
    if (o->json)
        fh_term_keep(&app->out, put_json(&app->out, &b, o, &texts));
    fh_term_flush(&app->out);
    put_summary(&app->err, &b, o, &texts);
    return app->out.status;
}

/* --- the verb ----------------------------------------------------------------------------------------------------------- */

static const char examples[] =
    "freehold index build notes/                        every text file in the folder, to index.fhx\n"
    "freehold index build -o docs.fhx docs/ README.md   a folder and a file\n"
    "freehold index build -m embedding.gguf notes/      with a model that was trained for it\n"
    "freehold index search index.fhx \"a brave dog\"      what is nearest in meaning";

static const char notes[] =
    "Files are read if they are UTF-8 without a zero byte; hidden ones, and those that are empty, too long,\n"
    "binary or not readable, are passed over and counted. A file that two names lead to is read once, and\n"
    "links in a circle do no harm. A passage is a sentence; one of more than --chunk tokens becomes several,\n"
    "which share a quarter of their tokens or more with their neighbours. Its vector is the mean of the model's last\n"
    "states over its tokens, or the last of them, made 1 long. The file holds the texts too: a search\n"
    "needs nothing else but the model. It depends on the files, the model and the options alone, not on the\n"
    "number of threads, and appears whole or not at all.\n"
    "The model that comes with freehold was trained to write children's stories and is good for trying this\n"
    "out, no more: what it finds is near in words and mood. For real use name a model that was trained to\n"
    "make vectors, of an architecture that freehold runs (freehold inspect tells).";

fh_status fh_index_build(fh_app *app, fh_views args, fh_err *err) {
    build_options o = {.metric = FH_METRIC_COSINE, .file_mib = FILE_MIB_DEFAULT};
    bool filled = fh_path_set(&o.output, FH_LIT("index.fhx"), FH_LIT(""));
    FH_ASSERT(filled);
    fh_cli_option options[] = {
        {.letter = 'm', .name = "--model", .kind = FH_CLI_PATH, .value = "FILE", .to.path = &o.model,
         .help = "the model that makes the vectors, a GGUF file; default: the one that\ncomes with freehold"},
        {.letter = 'o', .name = "--output", .kind = FH_CLI_PATH, .value = "FILE", .to.path = &o.output,
         .help = "where to write; default: index.fhx"},
        {.name = "--chunk", .kind = FH_CLI_NUMBER, .value = "N", .to.number = &o.chunk, .min = FH_CUT_TOKENS_MIN,
         .max = FH_ROWS_MAX, .help = "the most tokens of a passage; default 128, or the model's context"},
        {.name = "--metric", .kind = FH_CLI_CHOICE, .value = METRIC_WORDS, .to.number = &o.metric,
         .help = "what near means; default: cosine. All vectors are 1 long"},
        {.name = "--pooling", .kind = FH_CLI_CHOICE, .value = POOLING_WORDS, .to.number = &o.pooling,
         .given = &o.pooling_given, .help = "what becomes of the states of a passage; default: what the model's\nfile says, "
                                            "or the mean"},
        {.name = "--flat", .kind = FH_CLI_FLAG, .to.flag = &o.flat,
         .help = "compare every vector in a search: exact, and slow for millions;\ndefault: a graph (HNSW)"},
        {.name = "--file-max", .kind = FH_CLI_NUMBER, .value = "MIB", .to.number = &o.file_mib, .min = 1, .max = 4095,
         .help = "pass over longer files; default 64"},
        {.name = "--threads", .kind = FH_CLI_NUMBER, .value = "N", .to.number = &o.threads, .min = 1, .max = 256,
         .help = "default: all processors; the file does not depend on it"},
        {.name = "--isa", .kind = FH_CLI_CHOICE, .value = FH_ISA_WORDS, .to.number = &o.isa,
         .help = "instruction set; the file does not depend on it"},
        {.name = "--json", .kind = FH_CLI_FLAG, .to.flag = &o.json, .help = "one JSON object about what was done"},
    };
    fh_cli cli = {.verb = "index build", .summary = "make an index of text files", .examples = examples, .notes = notes,
                  .options = {options, sizeof options / sizeof options[0]}, .operand_name = "FOLDER|FILE…",
                  .operands = &o.names};
    bool done = false;
    FH_TRY(fh_app_parse(app, &cli, args, &done, err));
    if (done)
        return FH_DONE;
    fh_os_interrupt_watch();
    return build_index(app, &o, err);
}
