/* train.c: checks the options and calls a trainer; WordLevel; what a model tells (train.h). Threading: train.h. */
#include "freehold/hash.h"
#include "freehold/utf8.h"
#include "text/train/train_impl.h"

/* --- options ----------------------------------------------------------------------------------------------------------- */

const char *fh_train_kind_name(fh_train_kind kind) {
    switch (kind) {
    case FH_TRAIN_BPE: return "BPE";
    case FH_TRAIN_WORDPIECE: return "WordPiece";
    case FH_TRAIN_WORDLEVEL: return "WordLevel";
    case FH_TRAIN_UNIGRAM: return "Unigram";
    case FH_TRAIN_KINDS: break;
    }
    return "?";
}

/* Refuses what is set although the kind has no use for it. */
static fh_status check_unused(const fh_train_options *o, fh_err *err) {
    bool bpe = o->kind == FH_TRAIN_BPE || o->kind == FH_TRAIN_WORDPIECE, unigram = o->kind == FH_TRAIN_UNIGRAM;
    bool shrinks = o->shrinking_factor > 0 || o->shrinking_factor < 0;
    const char *unused = NULL;
    if (unigram && o->min_frequency != 0)
        unused = "min_frequency";
    else if (!bpe && o->limits_alphabet)
        unused = "limit_alphabet";
    else if (!bpe && !unigram && o->initial_alphabet.count != 0)
        unused = "initial_alphabet";
    else if (!bpe && (o->continuing_subword_prefix.size != 0 || o->end_of_word_suffix.size != 0))
        unused = o->end_of_word_suffix.size != 0 ? "end_of_word_suffix" : "continuing_subword_prefix";
    else if (!bpe && o->max_token_length != 0)
        unused = "max_token_length";
    else if (!unigram && (shrinks || o->unk_token.size != 0 || o->max_piece_length != 0 || o->n_sub_iterations != 0 ||
                          o->seed_size != 0))
        unused = "an option of Unigram's";
    if (unused == NULL)
        return FH_DONE;
    return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "%s: %s has no use for it", unused, fh_train_kind_name(o->kind));
}

/* A text option: UTF-8 of at most `limit` bytes. */
static fh_status check_text(fh_span text, const char *name, size_t limit, fh_err *err) {
    if (text.size > limit)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "%s: %zu bytes, expected at most %zu", name, text.size, limit);
    if (!fh_utf8_valid(text))
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "%s: expected UTF-8", name);
    return FH_DONE;
}

static fh_status check_texts(const fh_train_options *o, fh_err *err) {
    FH_TRY(check_text(o->continuing_subword_prefix, "continuing_subword_prefix", FH_TRAIN_AFFIX_MAX, err));
    FH_TRY(check_text(o->end_of_word_suffix, "end_of_word_suffix", FH_TRAIN_AFFIX_MAX, err));
    FH_TRY(check_text(o->unk_token, "unk_token", FH_TRAIN_VOCAB_MAX, err));
    if (o->special_tokens.count > FH_TRAIN_VOCAB_MAX)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "special_tokens: %zu, expected at most %d", o->special_tokens.count,
                       FH_TRAIN_VOCAB_MAX);
    for (size_t i = 0; i < o->special_tokens.count; i++) {
        fh_span text = fh_views_get(o->special_tokens, i);
        FH_TRY(check_text(text, "special_tokens", FH_TRAIN_VOCAB_MAX, err));
        if (text.size == 0)
            return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "special_tokens: number %zu is empty", i);
    }
    for (size_t i = 0; i < o->initial_alphabet.count; i++) {
        uint32_t code = fh_u32s_get(o->initial_alphabet, i);
        if (code >= FH_TRAIN_CODES || (code >= 0xd800 && code < 0xe000))
            return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "initial_alphabet: U+%04X is no character", code);
    }
    return FH_DONE;
}

/* *out = the options with their defaults. */
static fh_status check(const fh_train_options *o, fh_out fh_view(*1) fh_train_options *out, fh_err *err) {
    *out = *o;
    if ((unsigned)o->kind >= FH_TRAIN_KINDS)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "kind: %u, expected 0 to %d", (unsigned)o->kind, FH_TRAIN_KINDS - 1);
    FH_TRY(check_unused(o, err));
    FH_TRY(check_texts(o, err));
    bool unigram = o->kind == FH_TRAIN_UNIGRAM;
    if (o->vocab_size > FH_TRAIN_VOCAB_MAX)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "vocab_size: %u, expected at most %d", o->vocab_size, FH_TRAIN_VOCAB_MAX);
    if (o->vocab_size == 0)
        out->vocab_size = unigram ? 8000 : 30000;
    if (o->kind == FH_TRAIN_WORDLEVEL && out->vocab_size < o->special_tokens.count)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "vocab_size: %u, expected at least %zu, for the special tokens",
                       out->vocab_size, o->special_tokens.count);
    if (o->kind == FH_TRAIN_WORDPIECE && o->continuing_subword_prefix.size == 0)
        out->continuing_subword_prefix = FH_LIT("##");
    if (!unigram)
        return FH_DONE;
    double factor = o->shrinking_factor;
    if (!(factor >= 0 && factor < 1)) /* NaN too */
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "shrinking_factor: expected a number above 0 and below 1");
    out->shrinking_factor = factor > 0 ? factor : 0.75;
    if (o->max_piece_length > FH_TRAIN_PIECE_MAX)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "max_piece_length: %u, expected at most %d", o->max_piece_length,
                       FH_TRAIN_PIECE_MAX);
    if (o->n_sub_iterations > 1000)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "n_sub_iterations: %u, expected at most 1000", o->n_sub_iterations);
    out->max_piece_length = o->max_piece_length != 0 ? o->max_piece_length : 16;
    out->n_sub_iterations = o->n_sub_iterations != 0 ? o->n_sub_iterations : 2;
    out->seed_size = o->seed_size != 0 ? o->seed_size : 1000000;
    return FH_DONE;
}

/* --- WordLevel --------------------------------------------------------------------------------------------------------- */

/* The text that comes `i`-th: the special tokens, and then the words by frequency. */
static fh_span level_text(const fh_train_job *job, size_t i) {
    fh_views specials = job->options->special_tokens;
    if (i < specials.count)
        return fh_views_get(specials, i);
    return fh_strings_get(job->list->strings, fh_u32s_get(job->list->order, i - specials.count));
}

/* How many texts there are that are frequent enough, at most vocab_size. */
static size_t level_count(const fh_train_job *job) {
    size_t count = job->options->special_tokens.count, most = job->options->vocab_size;
    for (size_t i = 0; i < job->list->order.count && count < most; i++, count++)
        if (fh_u64s_get(job->list->counts, fh_u32s_get(job->list->order, i)) < job->options->min_frequency)
            break;
    return count < most ? count : most;
}

/* Gives text i the id i. A word that is also a special token takes that token's id away, as Hugging Face has it. `holder` is
 * the id + 1 of each token so far. */
static fh_status level_ids(const fh_train_job *job, fh_strings *tokens, fh_u32s ids, fh_u32s holder) {
    for (uint32_t i = 0; i < ids.count; i++) {
        uint32_t token;
        FH_TRY(fh_strings_put(tokens, level_text(job, i), &token));
        if (fh_u32s_get(holder, token) != 0)
            fh_u32s_set(ids, fh_u32s_get(holder, token) - 1, FH_TRAIN_NONE);
        fh_u32s_set(ids, i, token);
        fh_u32s_set(holder, token, i + 1);
        if (i % 65536 == 0)
            FH_TRY(fh_train_tell(job, "words", i, ids.count));
    }
    return FH_DONE;
}

static fh_status train_wordlevel(const fh_train_job *job, fh_trained *model) {
    size_t count = level_count(job), specials = job->options->special_tokens.count;
    FH_TRY(fh_u32s_new(model->allocator, count, &model->ids));
    FH_TRY(fh_u32s_new(model->allocator, specials, &model->specials)); /* the options were checked: they are among them */
    fh_u32s holder;
    FH_TRY(fh_u32s_new(job->allocator, count, &holder));
    fh_status s = level_ids(job, &model->tokens, model->ids, holder);
    for (size_t i = 0; i < model->specials.count && !fh_failed(s); i++) {
        uint32_t token = fh_strings_find(&model->tokens, level_text(job, i));
        fh_u32s_set(model->specials, i, fh_u32s_get(holder, token) - 1);
    }
    fh_u32s_free(job->allocator, &holder);
    return s;
}

/* --- training ---------------------------------------------------------------------------------------------------------- */

fh_status fh_train_tell(const fh_train_job *job, const char *stage, uint64_t done, uint64_t total) {
    const fh_train_options *o = job->options;
    if (o->progress == NULL || o->progress(o->ctx, stage, done, total))
        return FH_DONE;
    return FH_STATUS(FH_CANCELED);
}

static fh_status train(const fh_train_job *job, fh_trained *model, fh_err *err) {
    const fh_train_options *o = job->options;
    model->stats.words = job->list->total;
    model->stats.distinct_words = job->list->order.count;
    FH_TRY(fh_buf_put(&model->prefix, o->continuing_subword_prefix));
    FH_TRY(fh_buf_put(&model->suffix, o->end_of_word_suffix));
    if (o->kind == FH_TRAIN_UNIGRAM)
        FH_TRY(fh_train_unigram(job, model, err));
    else if (o->kind == FH_TRAIN_WORDLEVEL)
        FH_TRY(train_wordlevel(job, model));
    else
        FH_TRY(fh_train_bpe(job, model));
    model->stats.tokens = (uint32_t)model->tokens.count;
    return FH_DONE;
}

fh_owned_or_null static fh_trained *new_model(fh_ref fh_allocator *a, fh_train_kind kind) fh_view(1) {
    fh_trained *model = fh_alloc(a, 1, sizeof *model);
    if (model == NULL)
        return NULL;
    model->allocator = model->merges.allocator = a;
    model->kind = kind;
    model->unk = FH_TRAIN_NONE;
    fh_strings_init(&model->tokens, a);
    fh_buf_init(&model->prefix, a, 0);
    fh_buf_init(&model->suffix, a, 0);
    return model;
}

fh_status fh_train(fh_train_words *words, const fh_train_options *options, const fh_par *par, fh_trained **out, fh_err *err) {
    *out = NULL;
    fh_train_options checked;
    FH_TRY(check(options, &checked, err));
    fh_train_list list;
    FH_TRY(fh_train_words_list(words, &list));
    fh_allocator *a = words->allocator;
    fh_train_job job = {a, &list, &checked, par};
    fh_trained *model = new_model(a, checked.kind);
    fh_status s = model != NULL ? train(&job, model, err) : FH_STATUS(FH_NOMEM);
    fh_train_list_deinit(&list, a);
    if (fh_failed(s)) {
        fh_trained_free(model);
        return s;
    }
    *out = model;
    return FH_DONE;
}

void fh_trained_free(fh_trained *model) {
    if (model == NULL)
        return;
    fh_strings_deinit(&model->tokens);
    fh_u32s_free(model->allocator, &model->ids);
    fh_u64_list_deinit(&model->merges);
    fh_u64s_free(model->allocator, &model->scores);
    fh_u32s_free(model->allocator, &model->specials);
    fh_buf_deinit(&model->prefix);
    fh_buf_deinit(&model->suffix);
    fh_free(model->allocator, model);
}

/* --- questions --------------------------------------------------------------------------------------------------------- */

fh_train_stats fh_trained_stats(const fh_trained *model) {
    return model->stats;
}

fh_status fh_trained_token(const fh_trained *model, uint32_t id, fh_span *text, double *score) {
    *text = (fh_span){NULL, 0};
    *score = 0;
    bool mapped = model->kind == FH_TRAIN_WORDLEVEL;
    if (id >= (mapped ? model->ids.count : model->tokens.count))
        return FH_STATUS(FH_INVALID);
    uint32_t token = mapped ? fh_u32s_get(model->ids, id) : id;
    if (token == FH_TRAIN_NONE)
        return FH_STATUS(FH_INVALID);
    *text = fh_strings_get(&model->tokens, token);
    if (model->kind == FH_TRAIN_UNIGRAM)
        *score = fh_f64_of_bits(fh_u64s_get(model->scores, token));
    return FH_DONE;
}
