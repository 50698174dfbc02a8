/* token_model_build.c: a model from a list of tokens: BPE with merges, or with a rank for each token; Unigram with scores.
 *
 * With ranks (SentencePiece's scores; Kudo and Richardson 2018) two neighbours join if their joint text is a token, the lowest
 * rank first: so each way to cut a token into two symbols is a rule, and its rank is the token's. Symbols are tokens, and
 * characters that are none but of which tokens are made; those get ids of their own, behind all others, and one more stands for
 * any other character. None of them comes out: a character that nothing joined becomes its bytes' tokens, or the unknown one.
 *
 * Work is near linear in the size of all tokens: each is cut everywhere, so with ranks they are at most RANKED_BYTES_MAX long.
 * Threading: one call, one thread. */
#include "freehold/checked.h"
#include "freehold/hash.h"
#include "freehold/utf8.h"
#include "text/pipe/token_model_impl.h"

enum { TEXT_BYTES_MAX = INT32_MAX, CODE_END = 0x110000, RANKED_BYTES_MAX = 512 };

/* A model on its way, and what of it is no part of the finished one. */
typedef struct builder {
    const fh_model_parts *parts;
    fh_token_model *m;
    fh_mut fh_err *err;
    fh_owned fh_ids entries; /* of fh_spellings_build */
    fh_owned fh_ids rules;   /* left, right, result */
    fh_owned fh_buf joined;  /* what two tokens make */
} builder;

int fh_model_byte_of(fh_span spelling) {
    if (spelling.size != 6 || !fh_span_starts(spelling, FH_LIT("<0x")) || fh_span_at(spelling, 5) != '>')
        return -1;
    int v = 0;
    for (size_t i = 3; i < 5; i++) {
        uint8_t c = fh_span_at(spelling, i);
        if (c >= '0' && c <= '9')
            v = v * 16 + (c - '0');
        else if (c >= 'A' && c <= 'F')
            v = v * 16 + (c - 'A' + 10);
        else
            return -1;
    }
    return v;
}

uint32_t fh_model_rank_of(float score) {
    uint32_t bits = fh_bits_of_f32(score + 0.0f); /* -0 becomes 0 */
    uint32_t ascending = bits >> 31 != 0 ? ~bits : bits | UINT32_C(1) << 31;
    return ~ascending;
}

static bool has_bit(fh_u64s set, uint32_t i) {
    return i / 64 < set.count && (fh_u64s_get(set, i / 64) >> i % 64 & 1) != 0;
}

static void set_bit(fh_u64s set, uint32_t i) {
    *fh_u64s_at(set, i / 64) |= UINT64_C(1) << i % 64;
}

static bool is_ranked(const builder *b) {
    return b->parts->ranks.count != 0;
}

/* Where the character at `at` of a token ends: of UTF-8, which it is. */
static size_t next_at(fh_span text, size_t at) {
    if (at == text.size)
        return at;
    uint8_t first = fh_span_at(text, at);
    size_t size = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    return size < text.size - at ? at + size : text.size;
}

/* --- tokens ----------------------------------------------------------------------------------------------------------- */

static fh_status check_counts(const builder *b) {
    const fh_model_parts *p = b->parts;
    size_t n = p->tokens.count, bytes = 0;
    if (n == 0 || n > FH_VOCAB_MAX)
        return fh_fail(b->err, n == 0 ? FH_CORRUPT : FH_LIMIT, FH_NO_OFFSET, "vocabulary has %zu tokens, expected 1 to %d", n,
                       FH_VOCAB_MAX);
    if (p->merges.count > FH_MERGE_RULES_MAX)
        return fh_fail(b->err, FH_LIMIT, FH_NO_OFFSET, "vocabulary has %zu merges, at most %d are supported", p->merges.count,
                       FH_MERGE_RULES_MAX);
    for (size_t i = 0; i < n; i++)
        if (!fh_add_size(bytes, fh_views_get(p->tokens, i).size, &bytes) || bytes > TEXT_BYTES_MAX)
            return fh_fail(b->err, FH_LIMIT, FH_NO_OFFSET, "the tokens of a vocabulary have more than %d bytes",
                           TEXT_BYTES_MAX);
    return FH_DONE;
}

/* Adds a spelling; its bytes are at `at` in the model's text. */
static fh_status put_entry(fh_mut fh_ids *entries, uint32_t id, size_t at, size_t size) {
    FH_TRY(fh_ids_put(entries, id));
    FH_TRY(fh_ids_put(entries, (uint32_t)at));
    return fh_ids_put(entries, (uint32_t)size);
}

static fh_status put_tokens(builder *b) {
    fh_buf *text = &b->m->spellings.text;
    for (uint32_t id = 0; id < b->parts->tokens.count; id++) {
        fh_span spelling = fh_views_get(b->parts->tokens, id);
        if (is_ranked(b) && spelling.size > RANKED_BYTES_MAX && !has_bit(b->parts->silent, id))
            return fh_fail(b->err, FH_LIMIT, FH_NO_OFFSET, "token %u has %zu bytes, at most %d are supported", id,
                           spelling.size, RANKED_BYTES_MAX);
        if (spelling.size == 0)
            continue;
        FH_TRY(put_entry(&b->entries, id, text->size, spelling.size));
        FH_TRY(fh_buf_put(text, spelling));
    }
    return FH_DONE;
}

/* Notes the characters of each token that text may become: whether they are such a token, or only in one. */
static void note_characters(const fh_model_parts *p, fh_u64s tokens, fh_u64s inner) {
    for (uint32_t id = 0; id < p->tokens.count; id++) {
        fh_span text = fh_views_get(p->tokens, id);
        for (size_t at = 0; at < text.size && !has_bit(p->silent, id);) {
            uint8_t first = fh_span_at(text, at);
            fh_rune r = first < 0x80 ? (fh_rune){first, 1, true} : fh_utf8_next(text, at);
            set_bit(r.size == text.size ? tokens : inner, r.code);
            at += r.size;
        }
        if (has_bit(p->symbols, id) && text.size != 0 && fh_utf8_next(text, 0).size == text.size)
            set_bit(tokens, fh_utf8_next(text, 0).code); /* never a part of another token */
    }
}

/* Adds the characters of which tokens are made and that are none. */
static fh_status put_inner(builder *b, fh_u64s tokens, fh_u64s inner) {
    fh_token_model *m = b->m;
    note_characters(b->parts, tokens, inner);
    for (uint32_t i = 0; i < inner.count; i++) {
        for (uint64_t left = fh_u64s_get(inner, i) & ~fh_u64s_get(tokens, i); left != 0; left &= left - 1) {
            uint8_t bytes[4] = {0};
            size_t size = fh_utf8_put(64 * i + (uint32_t)__builtin_ctzll(left), bytes), at = m->spellings.text.size;
            FH_TRY(put_entry(&b->entries, (uint32_t)b->parts->tokens.count + m->parts++, at, size));
            FH_TRY(fh_buf_put(&m->spellings.text, fh_span_sub((fh_span){bytes, sizeof bytes}, 0, size)));
        }
    }
    return FH_DONE;
}

static fh_status find_inner(builder *b) {
    fh_u64s tokens, inner;
    FH_TRY(fh_u64s_new(b->m->allocator, CODE_END / 64, &tokens));
    fh_status s = fh_u64s_new(b->m->allocator, CODE_END / 64, &inner);
    if (s.code == FH_OK) {
        s = put_inner(b, tokens, inner);
        fh_u64s_free(b->m->allocator, &inner);
    }
    fh_u64s_free(b->m->allocator, &tokens);
    return s;
}

/* Adds the symbols that are no tokens; the last one, without a spelling, is for any other character. */
static fh_status put_symbols(builder *b) {
    size_t n = b->parts->tokens.count;
    if (b->parts->scores.count != 0)
        return FH_DONE;
    if (is_ranked(b))
        FH_TRY(find_inner(b));
    FH_TRY(put_entry(&b->entries, (uint32_t)n + b->m->parts++, 0, 0));
    if (n + b->m->parts > FH_MODEL_IDS_MAX)
        return fh_fail(b->err, FH_LIMIT, FH_NO_OFFSET, "vocabulary has %zu tokens and %u symbols that are none, at most %d fit",
                       n, b->m->parts, FH_MODEL_IDS_MAX);
    return FH_DONE;
}

/* Builds the table of spellings; each token needs one of its own. */
static fh_status index_tokens(builder *b) {
    size_t n = b->parts->tokens.count;
    FH_TRY(fh_spellings_build(b->m->allocator, &b->m->spellings, fh_ids_view(&b->entries), false, b->err));
    const fh_spellings *s = &b->m->spellings;
    for (uint32_t id = 0; id < n && s->count != b->entries.count / 3; id++) {
        fh_span spelling = fh_spellings_get(s, id);
        uint32_t other = spelling.size != 0 ? fh_spellings_find(s, spelling) : id;
        if (other != id && other < n)
            return fh_fail(b->err, FH_CORRUPT, FH_NO_OFFSET, "tokens %u and %u are both \"%.*s\"", id, other,
                           FH_SPAN_FMT(spelling));
    }
    FH_TRY(fh_u64s_new(b->m->allocator, n / 64 + 1, &b->m->silent));
    for (uint32_t id = 0; id < n; id++)
        if (has_bit(b->parts->silent, id))
            set_bit(b->m->silent, id);
    return FH_DONE;
}

/* --- rules ------------------------------------------------------------------------------------------------------------ */

static fh_status put_rule(fh_mut fh_ids *rules, uint32_t left, uint32_t right, uint32_t result) {
    FH_TRY(fh_ids_put(rules, left));
    FH_TRY(fh_ids_put(rules, right));
    return fh_ids_put(rules, result);
}

/* *id = the token of a spelling that merge `rank` needs. */
static fh_status find_merged(const builder *b, uint32_t rank, fh_span merge, fh_span spelling, fh_out uint32_t *id) {
    *id = fh_spellings_find(&b->m->spellings, spelling);
    if (*id < b->parts->tokens.count)
        return FH_DONE;
    return fh_fail(b->err, FH_CORRUPT, FH_NO_OFFSET, "merge %u is \"%.*s\", but \"%.*s\" is not in the vocabulary", rank,
                   FH_SPAN_FMT(merge), FH_SPAN_FMT(spelling));
}

/* Reads merge `rank`, "left right". The first space counts that is not the first byte. */
static fh_status read_merge(builder *b, uint32_t rank) {
    fh_span merge = fh_views_get(b->parts->merges, rank);
    size_t space = fh_span_find(merge, FH_LIT(" "), 1);
    if (merge.size < 3 || space >= merge.size - 1)
        return fh_fail(b->err, FH_CORRUPT, FH_NO_OFFSET, "merge %u is \"%.*s\", expected two tokens with a space between", rank,
                       FH_SPAN_FMT(merge));
    fh_span one = fh_span_sub(merge, 0, space), other = fh_span_from(merge, space + 1);
    uint32_t left, right, result;
    fh_buf_truncate(&b->joined, 0);
    FH_TRY(fh_buf_put(&b->joined, one));
    FH_TRY(fh_buf_put(&b->joined, other));
    FH_TRY(find_merged(b, rank, merge, one, &left));
    FH_TRY(find_merged(b, rank, merge, other, &right));
    FH_TRY(find_merged(b, rank, merge, fh_buf_view(&b->joined), &result));
    if (has_bit(b->parts->silent, result))
        return fh_fail(b->err, FH_CORRUPT, FH_NO_OFFSET, "merge %u makes \"%.*s\", a token that is not text", rank,
                       FH_SPAN_FMT(fh_buf_view(&b->joined)));
    return put_rule(&b->rules, left, right, result);
}

/* Adds each way to make a token of two symbols. */
static fh_status cut_token(builder *b, uint32_t id) {
    fh_span text = fh_views_get(b->parts->tokens, id);
    for (size_t at = next_at(text, 0); at < text.size; at = next_at(text, at)) {
        uint32_t left = fh_model_token(b->m, fh_span_sub(text, 0, at));
        uint32_t right = left != FH_NO_TOKEN ? fh_model_token(b->m, fh_span_from(text, at)) : FH_NO_TOKEN;
        if (right == FH_NO_TOKEN)
            continue;
        if (b->rules.count / 3 == FH_MERGE_RULES_MAX)
            return fh_fail(b->err, FH_LIMIT, FH_NO_OFFSET, "tokens are made of others in more than %d ways",
                           FH_MERGE_RULES_MAX);
        FH_TRY(put_rule(&b->rules, left, right, id));
    }
    return FH_DONE;
}

/* Takes note of places within a token where a word begins. */
static void note_joints(fh_token_model *m, fh_span text) {
    bool after_mark = true;
    for (size_t at = 0; at < text.size; at = next_at(text, at)) {
        bool mark = fh_span_at(text, at) == 0xe2 && fh_span_starts(fh_span_from(text, at), FH_LIT("\xe2\x96\x81"));
        if (mark && !after_mark)
            m->uncut[fh_span_at(text, at - 1)] = true;
        after_mark = mark;
    }
}

static fh_status put_rules(builder *b) {
    for (uint32_t rank = 0; rank < b->parts->merges.count && !is_ranked(b); rank++)
        FH_TRY(read_merge(b, rank));
    for (uint32_t id = 0; id < b->parts->ranks.count; id++) {
        if (has_bit(b->parts->silent, id) || fh_u32s_get(b->parts->ranks, id) == FH_NO_TOKEN)
            continue;
        note_joints(b->m, fh_views_get(b->parts->tokens, id));
        FH_TRY(cut_token(b, id));
    }
    return FH_DONE;
}

static fh_status build_rules(builder *b) {
    FH_TRY(put_rules(b));
    fh_token_model *m = b->m;
    fh_u32s list = fh_ids_view(&b->rules);
    FH_TRY(fh_merge_table_new(m->allocator, list.count / 3, m->spellings.seed, &m->merges));
    FH_TRY(fh_merge_table_put_all(&m->merges, list, b->err));
    for (uint32_t i = 0; i < list.count / 3; i++) {
        if (is_ranked(b)) {
            fh_merge_rule *rule = fh_merge_rules_at(m->merges.rules, i);
            rule->rank = fh_u32s_get(b->parts->ranks, rule->result);
            continue;
        }
        uint32_t last = fh_merge_table_find(&m->merges, fh_u32s_get(list, 3 * (size_t)i), fh_u32s_get(list, 3 * (size_t)i + 1));
        if (last != i)
            return fh_fail(b->err, FH_CORRUPT, FH_NO_OFFSET, "merge %u, \"%.*s\", is there twice", last,
                           FH_SPAN_FMT(fh_views_get(b->parts->merges, last)));
    }
    m->identity = fh_hash_bytes(m->spellings.seed, fh_span_of_mut(fh_u32s_bytes(list)));
    return FH_DONE;
}

/* Tokens that stand for themselves: a word does not end within one. */
static fh_status build_whole(builder *b) {
    fh_token_model *m = b->m;
    if (b->parts->symbols.count == 0)
        return FH_DONE;
    for (uint32_t id = 0; id < b->parts->tokens.count; id++)
        if (has_bit(b->parts->symbols, id))
            note_joints(m, fh_views_get(b->parts->tokens, id));
    return fh_byte_trie_build(m->allocator, &m->spellings, b->parts->symbols, &m->symbols, b->err);
}

/* --- Unigram ---------------------------------------------------------------------------------------------------------- */

/* The library's rules (0.2.3): a symbol is worth a tenth for each byte but the first, whatever its score; unknown text is worth
 * ten less than the worst token that is neither silent nor a symbol. */
static fh_status score_tokens(builder *b, fh_u64s seen) {
    const fh_model_parts *p = b->parts;
    fh_token_model *m = b->m;
    float worst = 0x1.fffffep+127f;
    for (uint32_t id = 0; id < p->tokens.count; id++) {
        float score = fh_f32s_get(p->scores, id);
        fh_logprobs_set(m->scores, id, (double)score);
        if (has_bit(p->silent, id))
            continue;
        set_bit(seen, id);
        worst = score < worst ? score : worst;
    }
    for (uint32_t id = 0; id < p->tokens.count; id++) {
        if (!has_bit(p->symbols, id))
            continue;
        set_bit(seen, id);
        fh_logprobs_set(m->scores, id, (double)((float)(fh_views_get(p->tokens, id).size - 1) * 0.1f));
    }
    m->unk_score = (double)(worst - 10.0f);
    return fh_byte_trie_build(m->allocator, &m->spellings, seen, &m->trie, b->err);
}

static fh_status build_unigram(builder *b) {
    fh_u64s seen;
    b->m->single = true;
    FH_TRY(fh_logprobs_new(b->m->allocator, b->parts->tokens.count, &b->m->scores));
    FH_TRY(fh_u64s_new(b->m->allocator, b->parts->tokens.count / 64 + 1, &seen));
    fh_status s = score_tokens(b, seen);
    fh_u64s_free(b->m->allocator, &seen);
    b->m->identity = fh_hash_bytes(b->m->spellings.seed, fh_span_of_mut(fh_f32s_bytes(b->parts->scores)));
    return s;
}

/* --- the whole -------------------------------------------------------------------------------------------------------- */

/* The name of the unknown token, for a JSON object. */
static fh_status name_unknown(builder *b) {
    const fh_model_parts *p = b->parts;
    if (p->unk >= p->tokens.count)
        return FH_DONE;
    fh_span spelling = fh_views_get(p->tokens, p->unk);
    b->m->unk_name = (fh_model_name){{0, (uint32_t)spelling.size}, true};
    return fh_buf_put(&b->m->names, spelling);
}

static fh_status build(builder *b) {
    FH_TRY(check_counts(b));
    FH_TRY(put_tokens(b));
    FH_TRY(put_symbols(b));
    FH_TRY(index_tokens(b));
    FH_TRY(fh_bpe_letters(b->m));
    for (size_t i = 0; i < 256; i++)
        b->m->byte_token[i] = i < b->parts->byte_tokens.count ? fh_u32s_get(b->parts->byte_tokens, i) : FH_NO_TOKEN;
    FH_TRY(name_unknown(b));
    if (b->m->kind == FH_MODEL_UNIGRAM)
        return build_unigram(b);
    FH_TRY(build_rules(b));
    FH_TRY(build_whole(b));
    bool marks = fh_model_token(b->m, FH_LIT("\xe2\x96\x81")) < b->parts->tokens.count;
    b->m->cuts_words = b->m->cuts_words && (marks || !b->m->fuse_unk); /* else what is unknown would go on over the cut */
    return FH_DONE;
}

static fh_status build_model(fh_ref fh_allocator *a, fh_token_model *m, const fh_model_parts *p, fh_err *err) {
    builder b = {.parts = p, .m = m, .err = err};
    m->kind = p->scores.count != 0 ? FH_MODEL_UNIGRAM : FH_MODEL_BPE;
    m->fuse_unk = p->fuse_unk;
    m->byte_fallback = p->byte_tokens.count != 0;
    m->unk = p->unk;
    m->raw_bytes = p->raw_bytes;
    m->ignore_merges = p->ignore_merges;
    m->cuts_words = p->ranks.count != 0 && !p->raw_bytes && !p->ignore_merges;
    fh_ids_init(&b.entries, a, 0);
    fh_ids_init(&b.rules, a, 0);
    fh_buf_init(&b.joined, a, 0);
    fh_status s = build(&b);
    fh_ids_deinit(&b.entries);
    fh_ids_deinit(&b.rules);
    fh_buf_deinit(&b.joined);
    m->identity = fh_hash_bytes(m->identity, fh_span_of_mut(fh_u32s_bytes(p->ranks)));
    m->identity = fh_hash_bytes(m->identity, fh_span_of_mut(fh_u64s_bytes(m->silent)));
    m->identity = fh_hash_bytes(m->identity, fh_span_of_mut(fh_u64s_bytes(p->symbols)));
    m->identity = fh_hash_bytes(m->identity, fh_span_of_mut(fh_u32s_bytes(p->byte_tokens)));
    uint64_t switches = (uint64_t)m->unk << 3 | (uint64_t)m->fuse_unk << 2 | (uint64_t)m->raw_bytes << 1 | m->ignore_merges;
    m->identity = fh_mix64(m->identity ^ switches) | 1;
    return s;
}

void fh_model_parts_free(fh_allocator *a, fh_model_parts *parts) {
    fh_u32s_free(a, &parts->ranks);
    fh_f32s_free(a, &parts->scores);
    fh_u64s_free(a, &parts->silent);
    fh_u64s_free(a, &parts->symbols);
    fh_u32s_free(a, &parts->byte_tokens);
}

fh_status fh_token_model_build(fh_allocator *a, const fh_model_parts *parts, fh_token_model **out, fh_err *err) {
    *out = NULL;
    fh_token_model *m = fh_token_model_blank(a);
    if (m == NULL)
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "out of memory for a token model");
    fh_status s = build_model(a, m, parts, err);
    if (fh_failed(s)) {
        fh_token_model_free(m);
        return fh_fail(err, s.code, FH_NO_OFFSET, "out of memory for a token model");
    }
    *out = m;
    return s;
}
