/* train_tokenizer.c: `freehold train-tokenizer`: learns a vocabulary from text files and writes it as tokenizer.json.
 *
 * Files are mapped and counted a window of whole lines at a time, so that a bar moves, Ctrl-C is heard, and a file may be
 * larger than memory; only the distinct words are kept. The file is written when all is done, and appears whole.
 *
 * There is always a tokenizer to train for: that of --like, or one with nothing but what --cut says. Its normalizer and its
 * pre-tokenizer make the words, and all that training does not decide is copied from it.
 *
 * Threading: the main thread, and a team. */
#include "apps/loader.h"
#include "freehold/json.h"
#include "freehold/train.h"

enum { WINDOW_BYTES = 8 << 20 };

#define MODEL_WORDS "bpe|wordpiece|wordlevel|unigram" /* as fh_train_kind */
#define CUT_WORDS "bytes|spaces|metaspace|none"

/* How text is cut to words. */
typedef enum cut { CUT_BYTES, CUT_SPACES, CUT_METASPACE, CUT_NONE } cut;

/* What was asked for. */
typedef struct train_options {
    fh_train_options train;
    uint64_t kind, cut_word, vocab, limit, length, piece, rounds, seeds; /* as the arguments have them */
    fh_cli_operands files;
    fh_path output, like;
    fh_cli_texts special;
    fh_span unk;
    cut cut;
    uint64_t threads;
    bool json, cut_given, kind_given;
} train_options;

/* Where it stands. */
typedef struct train_state {
    const fh_tokenizer *tok; /* to train for */
    uint64_t bytes, done; /* of all files; counted so far */
    uint64_t counting_ns, training_ns;
} train_state;

static fh_status refuse_interrupt(fh_err *err) {
    fh_err_clear(err);
    return fh_fail(err, FH_CANCELED, FH_NO_OFFSET, "interrupted; no file was written");
}

/* --- words -------------------------------------------------------------------------------------------------------------- */

/* The end of the window that begins at `at`: behind a newline, or the end of the text. */
static size_t window_end(fh_span text, size_t at) {
    if (text.size - at <= WINDOW_BYTES)
        return text.size;
    for (at += WINDOW_BYTES; at < text.size; at++)
        if (fh_span_at(text, at - 1) == '\n')
            break;
    return at;
}

static fh_status count_text(fh_mut train_state *t, fh_mut fh_progress *bar,
                            fh_mut fh_train_words *words, fh_span text, const fh_par *par, fh_err *err) {
    for (size_t at = 0; at < text.size;) {
        size_t end = window_end(text, at);
        fh_err here;
        fh_err_clear(&here);
        fh_status s = fh_train_words_lines(words, fh_span_sub(text, at, end - at), fh_train_split_like(t->tok), par, &here);
        if (s.code == FH_CORRUPT)
            return fh_fail(err, s.code, at + here.offset_bytes, "expected UTF-8 text");
        FH_TRY(s);
        t->done += end - at;
        fh_progress_show(bar, t->done, t->bytes);
        if (fh_os_interrupts() != 0)
            return refuse_interrupt(err);
        at = end;
    }
    return FH_DONE;
}

/* Maps a file and counts its words, or only its bytes where `words` is NULL. */
static fh_status count_file(fh_app *app, fh_mut train_state *t, fh_span name, fh_or_null fh_train_words *words,
                            const fh_par *par, fh_err *err) {
    fh_path path;
    if (!fh_path_set(&path, name, FH_LIT("")))
        return FH_STATUS(FH_INVALID);
    fh_auto(fh_file_close) fh_file file = {.heap = app->heap};
    FH_TRY(fh_file_open(&file, app, &path, err));
    if (words == NULL) {
        t->bytes += file.map.bytes.size;
        return FH_DONE;
    }
    fh_progress bar = fh_progress_begin(&app->err, "reading", true);
    fh_status s = count_text(t, &bar, words, file.map.bytes, par, err);
    fh_progress_end(&bar);
    return fh_file_verdict(&file, s, err);
}

static fh_status count_files(fh_app *app, const train_options *o, fh_mut train_state *t, fh_mut fh_train_words *words,
                             const fh_par *par, fh_err *err) {
    for (size_t i = 0; i < o->files.count; i++)
        FH_TRY(count_file(app, t, o->files.at[i], NULL, par, err));
    for (size_t i = 0; i < o->files.count; i++)
        FH_TRY(count_file(app, t, o->files.at[i], words, par, err));
    app->subject.text[0] = 0;
    return FH_DONE;
}

/* --- training ----------------------------------------------------------------------------------------------------------- */

static bool step(void *ctx, const char *stage, uint64_t done, uint64_t total) {
    (void)stage;
    fh_progress *bar = ctx;
    fh_progress_show(bar, done, total);
    return fh_os_interrupts() == 0;
}

/* --- the tokenizer to train for ------------------------------------------------------------------------------------------ */

/* What the tokenizer does beside its model. */
static fh_span steps_of(cut c, fh_train_kind kind) {
    switch (c) {
    case CUT_BYTES:
        return FH_LIT("\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"trim_offsets\":true},"
                      "\"decoder\":{\"type\":\"ByteLevel\",\"add_prefix_space\":true,\"trim_offsets\":true},");
    case CUT_METASPACE:
        return FH_LIT("\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"\xe2\x96\x81\",\"prepend_scheme\":"
                      "\"always\"},\"decoder\":{\"type\":\"Metaspace\",\"replacement\":\"\xe2\x96\x81\","
                      "\"prepend_scheme\":\"always\"},");
    case CUT_SPACES:
        if (kind == FH_TRAIN_WORDPIECE)
            return FH_LIT("\"pre_tokenizer\":{\"type\":\"WhitespaceSplit\"},\"decoder\":{\"type\":\"WordPiece\","
                          "\"prefix\":\"##\",\"cleanup\":true},");
        return FH_LIT("\"pre_tokenizer\":{\"type\":\"WhitespaceSplit\"},");
    case CUT_NONE: break;
    }
    return FH_LIT("");
}

/* What stands around the unknown token in a model that has no other; `between` is NULL where it is named once. */
typedef struct model_form {
    const char *before;
    fh_or_null const char *between;
    const char *after;
} model_form;

/* A model with at most the unknown token, which is a JSON string, or nothing. */
static fh_status put_model(fh_buf *out, fh_train_kind kind, fh_span unk) {
    static const model_form forms[FH_TRAIN_KINDS] = {
        [FH_TRAIN_BPE] = {"{\"type\":\"BPE\",\"unk_token\":", ",\"vocab\":{", ":0},\"merges\":[]}"},
        [FH_TRAIN_WORDPIECE] = {"{\"type\":\"WordPiece\",\"unk_token\":",
                                ",\"continuing_subword_prefix\":\"##\",\"max_input_chars_per_word\":100,\"vocab\":{", ":0}}"},
        [FH_TRAIN_WORDLEVEL] = {"{\"type\":\"WordLevel\",\"unk_token\":", ",\"vocab\":{", ":0}}"},
        [FH_TRAIN_UNIGRAM] = {"{\"type\":\"Unigram\",\"unk_id\":0,\"vocab\":[[", NULL, ",0]]}"},
    };
    if (unk.size == 0)
        return fh_buf_put(out, FH_LIT("{\"type\":\"BPE\",\"vocab\":{},\"merges\":[]}"));
    const model_form *form = &forms[kind];
    FH_TRY(fh_buf_put(out, fh_span_of_str(form->before)));
    FH_TRY(fh_buf_put(out, unk));
    if (form->between != NULL) {
        FH_TRY(fh_buf_put(out, fh_span_of_str(form->between)));
        FH_TRY(fh_buf_put(out, unk));
    }
    return fh_buf_put(out, fh_span_of_str(form->after));
}

static fh_status put_plain(fh_buf *out, const train_options *o, fh_mut fh_buf *unk) {
    fh_json_writer w;
    fh_train_kind kind = (fh_train_kind)o->kind;
    fh_json_writer_init(&w, unk, false);
    if (o->unk.size != 0)
        FH_TRY(fh_json_put_text(&w, o->unk));
    FH_TRY(fh_buf_put_u8(out, '{'));
    FH_TRY(fh_buf_put(out, steps_of(o->cut, kind)));
    FH_TRY(fh_buf_put(out, FH_LIT("\"model\":")));
    FH_TRY(put_model(out, kind, fh_buf_view(unk)));
    return fh_buf_put_u8(out, '}');
}

static fh_status plain_tokenizer(fh_app *app, const train_options *o, fh_owned fh_tokenizer **out, fh_err *err) {
    *out = NULL;
    fh_auto(fh_buf_deinit) fh_buf file;
    fh_auto(fh_buf_deinit) fh_buf unk;
    fh_buf_init(&file, app->heap, 0);
    fh_buf_init(&unk, app->heap, 0);
    FH_TRY(put_plain(&file, o, &unk));
    return fh_tokenizer_from_json(app->heap, fh_buf_view(&file), out, err);
}

/* What is copied from it to the file. */
static fh_status put_like(fh_buf *out, const fh_tokenizer *tok, fh_err *err) {
    static const char *const members[] = {"added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder", "model"};
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        FH_TRY(fh_buf_format(out, "%c\"%s\":", i == 0 ? '{' : ',', members[i]));
        FH_TRY(fh_tokenizer_save_member(tok, fh_span_of_str(members[i]), out, err));
    }
    return fh_buf_put_u8(out, '}');
}

static fh_status put_json(fh_term *t, const train_state *s, fh_train_kind kind, fh_train_stats n, const fh_path *path) {
    const struct {
        const char *key;
        uint64_t value;
    } numbers[] = {{"vocab_size", n.tokens},  {"merges", n.merges}, {"alphabet", n.alphabet},
                   {"bytes", s->bytes},       {"words", n.words},   {"distinct_words", n.distinct_words},
                   {"characters", n.characters}};
    fh_json_writer w;
    fh_json_writer_init(&w, &t->text, false);
    FH_TRY(fh_json_open(&w, true));
    FH_TRY(fh_json_key(&w, "file"));
    FH_TRY(fh_json_put_text(&w, fh_span_of_str(path->text)));
    FH_TRY(fh_json_key(&w, "model"));
    FH_TRY(fh_json_put_text(&w, fh_span_of_str(fh_train_kind_name(kind))));
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        FH_TRY(fh_json_key(&w, numbers[i].key));
        FH_TRY(fh_json_put_u64(&w, numbers[i].value));
    }
    FH_TRY(fh_json_key(&w, "counting_s"));
    FH_TRY(fh_json_put_f64(&w, (double)s->counting_ns / 1e9));
    FH_TRY(fh_json_key(&w, "training_s"));
    FH_TRY(fh_json_put_f64(&w, (double)s->training_ns / 1e9));
    FH_TRY(fh_json_close(&w, true));
    return fh_buf_put_u8(&t->text, '\n');
}

/* "30,000 tokens (29,743 merges) from 1,234 words, 99 different, in 8.0 MiB · tokenizer.json". */
static void put_summary(fh_term *t, const train_state *s, fh_train_stats n, const fh_path *path) {
    FH_SAY(t, "%s%s tokens", fh_term_style(t, FH_DIM), fh_word_count(n.tokens).text);
    if (n.merges != 0)
        FH_SAY(t, " (%s merges)", fh_word_count(n.merges).text);
    FH_SAY(t, " from %s words, %s different, in %s · %.1f s · ", fh_word_count(n.words).text,
           fh_word_count(n.distinct_words).text, fh_word_bytes(s->bytes).text,
           (double)(s->counting_ns + s->training_ns) / 1e9);
    (void)fh_term_put_safe(t, fh_span_of_str(path->text), false, 0);
    FH_SAY(t, "%s\n", fh_term_style(t, FH_PLAIN));
    fh_term_flush(t);
}

/* --- the file ----------------------------------------------------------------------------------------------------------- */

static fh_status write_file(const fh_path *path, fh_span bytes, fh_err *err) {
    fh_auto(fh_end_writer) fh_os_writer *writer = NULL;
    FH_TRY(fh_os_writer_open(path->text, &writer, err));
    FH_TRY(fh_os_writer_put(writer, bytes, err));
    return fh_os_writer_commit(&writer, err);
}

static fh_status save(fh_app *app, const train_options *o, const train_state *t, fh_train_kind kind, const fh_trained *model,
                      fh_err *err) {
    fh_auto(fh_buf_deinit) fh_buf like;
    fh_auto(fh_buf_deinit) fh_buf file;
    fh_buf_init(&like, app->heap, 0);
    fh_buf_init(&file, app->heap, 0);
    FH_TRY(put_like(&like, t->tok, err));
    FH_TRY(fh_trained_save(model, fh_buf_view(&like), &file, err));
    FH_TRY(write_file(&o->output, fh_buf_view(&file), err));
    if (o->json)
        fh_term_keep(&app->out, put_json(&app->out, t, kind, fh_trained_stats(model), &o->output));
    fh_term_flush(&app->out);
    put_summary(&app->err, t, fh_trained_stats(model), &o->output);
    return app->out.status;
}

/* Learns from counted words, with a bar. */
static fh_status learn(fh_app *app, const fh_train_options *options, fh_mut fh_train_words *words, const fh_par *par,
                       fh_owned fh_view(*3) fh_trained **out, fh_err *err) {
    *out = NULL;
    fh_progress bar = fh_progress_begin(&app->err, "learning", false);
    fh_train_options with_bar = *options;
    with_bar.progress = step;
    with_bar.ctx = &bar;
    fh_trained *model = NULL;
    fh_status s = fh_train(words, &with_bar, par, &model, err);
    fh_progress_end(&bar);
    if (s.code == FH_CANCELED)
        return refuse_interrupt(err);
    FH_TRY(s);
    *out = model;
    return FH_DONE;
}

static fh_status train_words(fh_app *app, const train_options *o, const fh_tokenizer *tok, const fh_train_options *options,
                             fh_mut fh_train_words *words, fh_err *err) {
    fh_auto(fh_end_team) fh_team *team = NULL;
    FH_TRY(fh_team_new((unsigned)o->threads, &team));
    const fh_par *par = fh_team_par(team);
    train_state t = {.tok = tok};
    uint64_t begin = fh_os_clock_ns();
    FH_TRY(count_files(app, o, &t, words, par, err));
    uint64_t middle = fh_os_clock_ns();
    t.counting_ns = middle - begin;
    fh_trained *model = NULL;
    FH_TRY(learn(app, options, words, par, &model, err));
    t.training_ns = fh_os_clock_ns() - middle;
    fh_status s = save(app, o, &t, options->kind, model, err);
    fh_trained_free(model);
    return s;
}

/* --- the verb ----------------------------------------------------------------------------------------------------------- */

static const char examples[] =
    "freehold train-tokenizer -o tokenizer.json corpus.txt                     30,000 tokens of byte-level BPE\n"
    "freehold train-tokenizer --vocab-size 8000 --special \"<|end|>\" -o t.json *.txt\n"
    "freehold train-tokenizer --model wordpiece -o bert.json corpus.txt\n"
    "freehold train-tokenizer --like bert/tokenizer.json -o mine.json corpus.txt          everything but the vocabulary\n"
    "freehold train-tokenizer --model unigram --vocab-size 16000 --json -o u.json corpus.txt";

static const char notes[] =
    "The file is what Hugging Face's tokenizers load. It depends on the text and the options alone, not on\n"
    "the number of threads or the order of the files. Words are cut as --cut says: bytes (GPT-2's pattern,\n"
    "each byte a letter: every text has tokens; the default for bpe), spaces (at white space; the default\n"
    "for wordpiece and wordlevel), metaspace (spaces become U+2581; the default for unigram), none (lines).\n"
    "--like takes all from another tokenizer.json but its vocabulary, truncation and padding: its normalizer\n"
    "and its pre-tokenizer make the words, its special tokens come first, and its post-processor adds them\n"
    "with their new numbers.\n"
    "The unknown token is [UNK] for wordpiece and wordlevel, <unk> for unigram, and none for bpe; it is the\n"
    "first special token unless --special names it. Files are UTF-8, and may be larger than memory.";

/* What the options leave open. */
static void complete(train_options *o) {
    fh_train_kind kind = (fh_train_kind)o->kind;
    o->train.vocab_size = (uint32_t)o->vocab;
    o->train.limit_alphabet = (uint32_t)o->limit;
    o->train.max_token_length = (uint32_t)o->length;
    o->train.max_piece_length = (uint32_t)o->piece;
    o->train.n_sub_iterations = (uint32_t)o->rounds;
    o->train.seed_size = (uint32_t)o->seeds;
    o->cut = (cut)o->cut_word;
    if (!o->cut_given)
        o->cut = kind == FH_TRAIN_BPE ? CUT_BYTES : kind == FH_TRAIN_UNIGRAM ? CUT_METASPACE : CUT_SPACES;
    if (o->unk.size == 0 && kind != FH_TRAIN_BPE)
        o->unk = kind == FH_TRAIN_UNIGRAM ? FH_LIT("<unk>") : FH_LIT("[UNK]");
}

/* The options that were given, over those of the tokenizer to train for. */
static fh_train_options options_for(const train_options *o, const fh_train_like *like) fh_view(1, 2) {
    fh_train_options options = fh_train_like_options(like);
    options.vocab_size = o->train.vocab_size;
    options.min_frequency = o->train.min_frequency;
    options.limits_alphabet = o->train.limits_alphabet;
    options.limit_alphabet = o->train.limit_alphabet;
    options.max_token_length = o->train.max_token_length;
    options.shrinking_factor = o->train.shrinking_factor;
    options.max_piece_length = o->train.max_piece_length;
    options.n_sub_iterations = o->train.n_sub_iterations;
    options.seed_size = o->train.seed_size;
    if (o->train.continuing_subword_prefix.size != 0)
        options.continuing_subword_prefix = o->train.continuing_subword_prefix;
    if (o->train.end_of_word_suffix.size != 0)
        options.end_of_word_suffix = o->train.end_of_word_suffix;
    return options;
}

static fh_status train_for(fh_app *app, const train_options *o, const fh_tokenizer *tok, fh_err *err) {
    fh_train_like *like = NULL;
    fh_span given[FH_CLI_TEXTS_MAX];
    for (size_t i = 0; i < o->special.count; i++)
        given[i] = o->special.at[i];
    fh_views more = fh_views_sub((fh_views){given, FH_CLI_TEXTS_MAX}, 0, o->special.count);
    FH_TRY(fh_train_like_new(app->heap, tok, more, &like, err));
    fh_train_options options = options_for(o, like);
    fh_train_words *words = NULL;
    fh_status s = fh_train_words_new(app->heap, &words);
    if (!fh_failed(s)) {
        fh_os_interrupt_watch();
        s = train_words(app, o, tok, &options, words, err);
    }
    fh_train_words_free(words);
    fh_train_like_free(like);
    return s;
}

static fh_status train_plain(fh_app *app, const train_options *o, fh_err *err) {
    fh_auto(fh_end_tokenizer) fh_tokenizer *tok = NULL;
    FH_TRY(plain_tokenizer(app, o, &tok, err));
    return train_for(app, o, tok, err);
}

static fh_status train_like(fh_app *app, const train_options *o, fh_err *err) {
    fh_auto(fh_file_close) fh_file file = {.heap = app->heap};
    FH_TRY(fh_file_open(&file, app, &o->like, err));
    fh_auto(fh_end_tokenizer) fh_tokenizer *tok = NULL;
    fh_status s = fh_file_tokenizer(&file, false, (fh_span){NULL, 0}, &tok, err);
    if (fh_failed(s))
        return fh_file_verdict(&file, s, err);
    FH_TRY(fh_file_intact(&file, err));
    app->subject.text[0] = 0;
    return train_for(app, o, tok, err);
}

fh_status fh_verb_train_tokenizer(fh_app *app, fh_views args, fh_err *err) {
    train_options o = {.threads = 0};
    fh_cli_option options[] = {
        {.letter = 'o', .name = "--output", .kind = FH_CLI_PATH, .value = "FILE", .to.path = &o.output,
         .help = "the tokenizer.json to write; it appears when it is whole"},
        {.name = "--model", .kind = FH_CLI_CHOICE, .value = MODEL_WORDS, .to.number = &o.kind, .given = &o.kind_given,
         .help = "what to learn; default bpe"},
        {.name = "--like", .kind = FH_CLI_PATH, .value = "FILE", .to.path = &o.like,
         .help = "a tokenizer.json to take all but the vocabulary from; instead of --model, --cut and --unk"},
        {.name = "--vocab-size", .kind = FH_CLI_NUMBER, .value = "N", .to.number = &o.vocab, .min = 1,
         .max = FH_TRAIN_VOCAB_MAX, .help = "tokens; default 30000, unigram 8000"},
        {.name = "--cut", .kind = FH_CLI_CHOICE, .value = CUT_WORDS, .to.number = &o.cut_word, .given = &o.cut_given,
         .help = "how text becomes words (see below)"},
        {.name = "--special", .kind = FH_CLI_TEXTS, .value = "TEXT", .to.texts = &o.special,
         .help = "a special token; may be given several times"},
        {.name = "--unk", .kind = FH_CLI_TEXT, .value = "TEXT", .to.text = &o.unk, .help = "the unknown token (see below)"},
        {.name = "--min-frequency", .kind = FH_CLI_NUMBER, .value = "N", .to.number = &o.train.min_frequency, .max = UINT64_MAX,
         .help = "what is rarer is no merge, or no word; not for unigram"},
        {.name = "--limit-alphabet", .kind = FH_CLI_NUMBER, .value = "N", .to.number = &o.limit, .max = UINT32_MAX,
         .given = &o.train.limits_alphabet, .help = "only the N most frequent characters (bpe, wordpiece)"},
        {.name = "--prefix", .kind = FH_CLI_TEXT, .value = "TEXT", .to.text = &o.train.continuing_subword_prefix,
         .help = "before what continues a word (bpe; wordpiece: default ##)"},
        {.name = "--suffix", .kind = FH_CLI_TEXT, .value = "TEXT", .to.text = &o.train.end_of_word_suffix,
         .help = "behind what ends a word (bpe, wordpiece)"},
        {.name = "--max-token-length", .kind = FH_CLI_NUMBER, .value = "N", .to.number = &o.length, .max = UINT32_MAX,
         .help = "merged tokens have fewer characters (bpe, wordpiece)"},
        {.name = "--max-piece-length", .kind = FH_CLI_NUMBER, .value = "N", .to.number = &o.piece, .max = FH_TRAIN_PIECE_MAX,
         .help = "characters of a piece (unigram); default 16"},
        {.name = "--shrinking-factor", .kind = FH_CLI_REAL, .value = "X", .to.real = &o.train.shrinking_factor, .low = 0.01,
         .high = 0.99, .help = "what a round of pruning leaves (unigram); default 0.75"},
        {.name = "--sub-iterations", .kind = FH_CLI_NUMBER, .value = "N", .to.number = &o.rounds, .max = 1000,
         .help = "estimates before each pruning (unigram); default 2"},
        {.name = "--seed-size", .kind = FH_CLI_NUMBER, .value = "N", .to.number = &o.seeds, .max = UINT32_MAX,
         .help = "pieces to begin with (unigram); default 1000000"},
        {.name = "--threads", .kind = FH_CLI_NUMBER, .value = "N", .to.number = &o.threads, .min = 1, .max = 256,
         .help = "default: all processors; the file does not depend on it"},
        {.name = "--json", .kind = FH_CLI_FLAG, .to.flag = &o.json, .help = "numbers as one JSON object"},
    };
    fh_cli cli = {.verb = "train-tokenizer", .summary = "learn a vocabulary from text", .examples = examples, .notes = notes,
                  .options = {options, sizeof options / sizeof options[0]}, .operand_name = "FILE…", .operands = &o.files};
    bool done = false;
    FH_TRY(fh_app_parse(app, &cli, args, &done, err));
    if (done)
        return FH_DONE;
    if (o.output.text[0] == 0)
        return FH_REFUSE_USAGE(app, err, "expected -o FILE");
    if (o.like.text[0] != 0 && (o.kind_given || o.cut_given || o.unk.size != 0))
        return FH_REFUSE_USAGE(app, err, "--like says what %s does",
                               o.kind_given  ? "--model"
                               : o.cut_given ? "--cut"
                                             : "--unk");
    complete(&o);
    return o.like.text[0] != 0 ? train_like(app, &o, err) : train_plain(app, &o, err);
}
