/* token_model_write.c: a token model as a JSON object, as the reference writes it: small members first, tokens by id, merges by
 * rank and as pairs. Threading: see token_model.h. */
#include "text/pipe/token_model_impl.h"

static fh_status put_name(const fh_token_model *m, fh_json_writer *w, const char *key, fh_model_name name) {
    FH_TRY(fh_json_key(w, key));
    return name.given ? fh_json_put_text(w, fh_model_name_view(m, name)) : fh_json_put_null(w);
}

static fh_status put_flag(fh_json_writer *w, const char *key, bool flag) {
    FH_TRY(fh_json_key(w, key));
    return fh_json_put_bool(w, flag);
}

/* Moves the value at `at` of a heap of `count`, the greatest first, to its place. */
static void sift(fh_u64s heap, size_t at, size_t count) {
    uint64_t value = fh_u64s_get(heap, at);
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && fh_u64s_get(heap, child + 1) > fh_u64s_get(heap, child))
            child++;
        if (fh_u64s_get(heap, child) <= value)
            break;
        fh_u64s_set(heap, at, fh_u64s_get(heap, child));
    }
    fh_u64s_set(heap, at, value);
}

/* Sorts rules, rank << 32 | rule. */
static void sort(fh_u64s values) {
    for (size_t i = values.count / 2; i-- > 0;)
        sift(values, i, values.count);
    for (size_t end = values.count; end > 1; end--) {
        uint64_t top = fh_u64s_get(values, 0);
        fh_u64s_set(values, 0, fh_u64s_get(values, end - 1));
        fh_u64s_set(values, end - 1, top);
        sift(values, 0, end - 1);
    }
}

/* {"token": id, …} by id. Without `tables` it has none, and the lists below are empty too. */
static fh_status put_map(const fh_token_model *m, bool tables, fh_json_writer *w) {
    FH_TRY(fh_json_key(w, "vocab"));
    FH_TRY(fh_json_open(w, true));
    for (uint32_t id = 0; tables && id < fh_token_model_id_end(m); id++) {
        fh_span spelling;
        if (!fh_token_model_spelling(m, id, &spelling))
            continue;
        FH_TRY(fh_json_key_text(w, spelling));
        FH_TRY(fh_json_put_u64(w, id));
    }
    return fh_json_close(w, true);
}

/* ["left", "right"] of each rule of two tokens. */
static fh_status put_pairs(const fh_token_model *m, fh_json_writer *w, fh_u64s pairs, fh_u64s order) {
    fh_merge_table_list(&m->merges, pairs);
    for (size_t i = 0; i < order.count; i++)
        fh_u64s_set(order, i, (uint64_t)fh_merge_rules_at(m->merges.rules, i)->rank << 32 | i);
    sort(order);
    for (size_t i = 0; i < order.count; i++) {
        uint64_t pair = fh_u64s_get(pairs, (uint32_t)fh_u64s_get(order, i));
        fh_span left, right;
        if (pair == UINT64_MAX || !fh_token_model_spelling(m, (uint32_t)(pair >> 32), &left) ||
            !fh_token_model_spelling(m, (uint32_t)pair, &right))
            continue;
        FH_TRY(fh_json_open(w, false));
        FH_TRY(fh_json_put_text(w, left));
        FH_TRY(fh_json_put_text(w, right));
        FH_TRY(fh_json_close(w, false));
    }
    return FH_DONE;
}

static fh_status put_merges(const fh_token_model *m, bool tables, fh_json_writer *w) {
    fh_u64s pairs, order = {NULL, 0};
    FH_TRY(fh_json_key(w, "merges"));
    FH_TRY(fh_json_open(w, false));
    FH_TRY(fh_u64s_new(m->allocator, tables ? m->merges.rules.count : 0, &pairs));
    fh_status s = fh_u64s_new(m->allocator, pairs.count, &order);
    if (s.code == FH_OK && tables)
        s = put_pairs(m, w, pairs, order);
    fh_u64s_free(m->allocator, &order);
    fh_u64s_free(m->allocator, &pairs);
    return s.code == FH_OK ? fh_json_close(w, false) : s;
}

static fh_status put_bpe(const fh_token_model *m, bool tables, fh_json_writer *w) {
    FH_TRY(fh_json_key(w, "dropout"));
    FH_TRY(m->has_dropout ? fh_json_put_f64(w, m->dropout) : fh_json_put_null(w));
    FH_TRY(put_name(m, w, "unk_token", m->unk_name));
    FH_TRY(put_name(m, w, "continuing_subword_prefix", m->prefix));
    FH_TRY(put_name(m, w, "end_of_word_suffix", m->suffix));
    FH_TRY(put_flag(w, "fuse_unk", m->fuse_unk));
    FH_TRY(put_flag(w, "byte_fallback", m->byte_fallback));
    FH_TRY(put_flag(w, "ignore_merges", m->ignore_merges));
    FH_TRY(put_map(m, tables, w));
    return put_merges(m, tables, w);
}

static fh_status put_unigram(const fh_token_model *m, bool tables, fh_json_writer *w) {
    FH_TRY(fh_json_key(w, "unk_id"));
    FH_TRY(m->unk != FH_NO_TOKEN ? fh_json_put_u64(w, m->unk) : fh_json_put_null(w));
    FH_TRY(fh_json_key(w, "vocab"));
    FH_TRY(fh_json_open(w, false));
    for (uint32_t id = 0; tables && id < m->spellings.places.count; id++) {
        FH_TRY(fh_json_open(w, false));
        FH_TRY(fh_json_put_text(w, fh_spellings_get(&m->spellings, id)));
        FH_TRY(fh_json_put_f64(w, fh_logprobs_get(m->scores, id)));
        FH_TRY(fh_json_close(w, false));
    }
    FH_TRY(fh_json_close(w, false));
    FH_TRY(put_flag(w, "byte_fallback", m->byte_fallback));
    if (m->has_alpha) {
        FH_TRY(fh_json_key(w, "alpha"));
        FH_TRY(fh_json_put_f64(w, m->alpha));
    }
    if (m->kind == FH_MODEL_UNIGRAM && m->nbest != 0) {
        FH_TRY(fh_json_key(w, "nbest_size"));
        FH_TRY(fh_json_put_u64(w, m->nbest));
    }
    return FH_DONE;
}

static fh_status write_model(const fh_token_model *m, bool tables, fh_json_writer *w) {
    static const char *const names[] = {"BPE", "WordPiece", "WordLevel", "Unigram"};
    FH_TRY(fh_json_open(w, true));
    FH_TRY(fh_json_key(w, "type"));
    FH_TRY(fh_json_put_text(w, fh_span_of_str(names[m->kind])));
    if (m->kind == FH_MODEL_BPE) {
        FH_TRY(put_bpe(m, tables, w));
    } else if (m->kind == FH_MODEL_UNIGRAM) {
        FH_TRY(put_unigram(m, tables, w));
    } else if (m->kind == FH_MODEL_WORDPIECE) {
        FH_TRY(put_name(m, w, "unk_token", m->unk_name));
        FH_TRY(put_name(m, w, "continuing_subword_prefix", m->prefix));
        FH_TRY(fh_json_key(w, "max_input_chars_per_word"));
        FH_TRY(fh_json_put_u64(w, m->chars_max));
        FH_TRY(put_map(m, tables, w));
    } else {
        FH_TRY(put_map(m, tables, w));
        FH_TRY(put_name(m, w, "unk_token", m->unk_name));
    }
    return fh_json_close(w, true);
}

fh_status fh_token_model_write(const fh_token_model *m, fh_json_writer *w) {
    return write_model(m, true, w);
}

fh_status fh_token_model_write_options(const fh_token_model *m, fh_json_writer *w) {
    return write_model(m, false, w);
}
