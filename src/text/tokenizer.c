/* tokenizer.c: checks a vocabulary and builds a tokenizer from it; and answers questions about its tokens.
 *
 * A vocabulary comes from a file, so everything is refused that a later step would have to trust: types and scores are
 * checked token by token, special ids against the vocabulary's size, byte tokens for their form, merges for what they name.
 * What can be decided once is decided here: which bytes a token stands for, in which order SPM merges, where words may be
 * cut.
 *
 * Memory: at most about 150 bytes a token and 10 bytes a byte of spelling (60 for special tokens). Threading: immutable
 * when built. */
#include "freehold/checked.h"
#include "freehold/hash.h"
#include "freehold/utf8.h"
#include "text/pipe/pipeline.h"

#define SPACE_MARK FH_LIT("\xe2\x96\x81")

/* --- one token ------------------------------------------------------------------------------------------------------- */

/* The byte that "<0xAB>" names, or -1 for any other spelling. */
static int byte_of_spelling(fh_span s) {
    if (s.size != 6 || !fh_span_starts(s, FH_LIT("<0x")) || fh_span_at(s, 5) != '>')
        return -1;
    int v = 0;
    for (size_t i = 3; i < 5; i++) {
        uint8_t c = fh_span_at(s, i);
        if (c >= '0' && c <= '9')
            v = v * 16 + (c - '0');
        else if (c >= 'A' && c <= 'F')
            v = v * 16 + (c - 'A' + 10);
        else
            return -1;
    }
    return v;
}

/* Writes what a byte-level spelling stands for; a spelling with a letter outside the alphabet stands for itself. */
static size_t put_byte_level(fh_span spelling, fh_mspan to) {
    size_t size = 0;
    for (size_t i = 0; i < spelling.size;) {
        fh_rune r = fh_utf8_next(spelling, i);
        int b = fh_alphabet_byte(r.code);
        if (b < 0) {
            fh_span_copy(to, spelling);
            return spelling.size;
        }
        *fh_mspan_at(to, size++) = (uint8_t)b;
        i += r.size;
    }
    return size;
}

/* Writes a SentencePiece spelling with U+2581 as spaces. */
static size_t put_spaces(fh_span spelling, fh_mspan to) {
    size_t size = 0;
    for (size_t i = 0; i < spelling.size;) {
        bool mark = fh_span_starts(fh_span_from(spelling, i), SPACE_MARK);
        *fh_mspan_at(to, size++) = mark ? ' ' : fh_span_at(spelling, i);
        i += mark ? 3 : 1;
    }
    return size;
}

/* Fills t->bytes, which takes at most as much room as the spelling, from `to`. */
static fh_status set_bytes(fh_vocab_kind kind, fh_mut fh_view(4) fh_token *t, uint32_t id, fh_mspan to, fh_err *err) {
    size_t size = 0;
    if (t->type == FH_TOKEN_BYTE) {
        int b = byte_of_spelling(t->spelling);
        if (b < 0)
            return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "byte token %u is \"%.*s\", expected <0x00> to <0xFF>", id,
                           FH_SPAN_FMT(t->spelling));
        *fh_mspan_at(to, size++) = (uint8_t)b;
    } else if (t->type != FH_TOKEN_NORMAL && t->type != FH_TOKEN_UNUSED) {
        t->bytes = t->spelling;
        return FH_DONE;
    } else {
        size = kind == FH_VOCAB_SPM ? put_spaces(t->spelling, to) : put_byte_level(t->spelling, to);
    }
    t->bytes = fh_span_sub(fh_span_of_mut(to), 0, size);
    return FH_DONE;
}

/* The order in which SPM merges: higher scores first, as ascending integers; never FH_NO_TOKEN, since NaN is refused. */
static uint32_t order_of_score(float score) {
    uint32_t bits = fh_bits_of_f32(score + 0.0f); /* -0 becomes 0 */
    uint32_t ascending = bits >> 31 != 0 ? ~bits : bits | UINT32_C(1) << 31;
    return ~ascending;
}

static fh_status set_type_and_score(fh_vocab_kind kind, const fh_vocab *v, uint32_t id, fh_token *t, fh_err *err) {
    uint32_t type = v->types.count != 0 ? fh_u32s_get(v->types, id) : FH_TOKEN_NORMAL;
    if (type < FH_TOKEN_NORMAL || type > FH_TOKEN_BYTE)
        return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "token %u has type %u, expected 1 to 6", id, type);
    t->type = (fh_token_type)type;
    if (kind != FH_VOCAB_SPM)
        return FH_DONE;
    if (v->types.count == 0 && byte_of_spelling(t->spelling) >= 0)
        t->type = FH_TOKEN_BYTE;
    float score = fh_f32s_get(v->scores, id);
    if (!(score <= 0) && !(score > 0))
        return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "the score of token %u is not a number", id);
    t->order = order_of_score(score);
    return FH_DONE;
}

/* True for a spelling that has U+2581 after another character. */
static bool has_inner_mark(fh_span spelling) {
    bool other = false;
    for (size_t i = 0; i < spelling.size;) {
        fh_rune r = fh_utf8_next(spelling, i);
        if (r.code == 0x2581 && other)
            return true;
        other = r.code != 0x2581;
        i += r.size;
    }
    return false;
}

bool fh_vocab_ends_answer(fh_span spelling) {
    static const char *const ends[] = {"<|im_end|>", "<|eot_id|>", "<|end|>", "<|endoftext|>"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (fh_span_is(spelling, ends[i]))
            return true;
    return false;
}

/* --- all tokens ------------------------------------------------------------------------------------------------------ */

/* Refuses counts that do not fit together; *bytes = the size of all spellings. */
static fh_status check_counts(const fh_vocab *v, fh_out size_t *bytes, fh_err *err) {
    *bytes = 0;
    size_t n = v->tokens.count;
    if (n == 0 || n > FH_VOCAB_MAX)
        return fh_fail(err, n == 0 ? FH_CORRUPT : FH_LIMIT, FH_NO_OFFSET, "vocabulary has %zu tokens, expected 1 to %d", n,
                       FH_VOCAB_MAX);
    if (v->types.count != 0 && v->types.count != n)
        return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "vocabulary has %zu token types for %zu tokens", v->types.count, n);
    if (v->kind == FH_VOCAB_SPM && v->scores.count != n)
        return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "vocabulary has %zu scores for %zu tokens", v->scores.count, n);
    for (size_t i = 0; i < n; i++)
        if (!fh_add_size(*bytes, fh_views_get(v->tokens, i).size, bytes))
            return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "vocabulary is too large");
    return FH_DONE;
}

/* Copies and checks each token. */
static fh_status read_tokens(fh_tokenizer *tok, const fh_vocab *v, size_t bytes, fh_err *err) {
    FH_TRY(fh_tokens_new(tok->allocator, v->tokens.count, &tok->tokens));
    size_t twice, at = 0;
    if (!fh_mul_size(bytes, 2, &twice))
        return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "vocabulary is too large");
    if (twice != 0) {
        const size_t room = twice;
        uint8_t *text = fh_alloc(tok->allocator, room, 1);
        if (text == NULL)
            return FH_STATUS(FH_NOMEM);
        tok->text = (fh_mspan){text, room};
    }
    tok->seed = v->tokens.count;
    tok->splits_words = true;
    for (uint32_t id = 0; id < v->tokens.count; id++) {
        fh_span spelling = fh_views_get(v->tokens, id);
        fh_token *t = fh_tokens_at(tok->tokens, id);
        fh_mspan own = {NULL, 0}, rest = own;
        if (!fh_utf8_valid(spelling))
            return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "token %u is not UTF-8", id);
        bool fits = fh_mspan_slice(tok->text, at, spelling.size, &own) &&
                    fh_mspan_slice(tok->text, at + spelling.size, spelling.size, &rest);
        FH_ASSERT(fits); /* check_counts added the same sizes up */
        fh_span_copy(own, spelling);
        at += 2 * spelling.size;
        t->spelling = fh_span_of_mut(own);
        FH_TRY(set_type_and_score(tok->kind, v, id, t, err));
        FH_TRY(set_bytes(tok->kind, t, id, rest, err));
        t->ends = fh_vocab_ends_answer(spelling);
        tok->longest = spelling.size > tok->longest ? spelling.size : tok->longest;
        tok->seed = fh_hash_bytes(tok->seed, spelling);
        if (fh_vocab_is_text(t->type) && has_inner_mark(spelling))
            tok->splits_words = false;
    }
    return FH_DONE;
}

/* Special ids, and that every byte can be encoded. */
static fh_status check_reachable(fh_tokenizer *tok, const fh_vocab *v, fh_err *err) {
    const struct {
        const char *name;
        uint32_t id;
        bool needed;
    } special[] = {{"beginning-of-text", v->bos, v->add_bos}, {"end-of-text", v->eos, v->add_eos}, {"unknown", v->unk, false}};
    for (size_t i = 0; i < sizeof special / sizeof *special; i++) {
        if (special[i].id != FH_NO_TOKEN && special[i].id >= tok->tokens.count)
            return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "the %s token is %u, but there are %zu tokens", special[i].name,
                           special[i].id, tok->tokens.count);
        if (special[i].id == FH_NO_TOKEN && special[i].needed)
            return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "the vocabulary asks for a %s token but names none", special[i].name);
    }
    tok->bos = v->bos;
    tok->eos = v->eos;
    tok->unk = v->unk;
    if (v->eos != FH_NO_TOKEN)
        fh_tokens_at(tok->tokens, v->eos)->ends = true;
    for (uint32_t b = 0; b < 256 && v->unk == FH_NO_TOKEN; b++)
        if (tok->byte_token[b] == FH_NO_TOKEN)
            return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "no token stands for byte 0x%02x, and there is no unknown token", b);
    return FH_DONE;
}

/* The tokens of single bytes of an SPM vocabulary. */
static void find_byte_tokens(fh_tokenizer *tok) {
    for (uint32_t b = 0; b < 256; b++)
        tok->byte_token[b] = FH_NO_TOKEN;
    for (uint32_t id = 0; id < tok->tokens.count; id++) {
        const fh_token *t = fh_tokens_at(tok->tokens, id);
        if (t->type == FH_TOKEN_BYTE)
            tok->byte_token[fh_span_at(t->bytes, 0)] = id;
    }
}

static fh_status build(fh_tokenizer *tok, const fh_vocab *v, fh_err *err) {
    size_t bytes;
    FH_TRY(check_counts(v, &bytes, err));
    FH_TRY(read_tokens(tok, v, bytes, err));
    FH_TRY(fh_vocab_index(tok, err));
    if (tok->kind == FH_VOCAB_SPM)
        find_byte_tokens(tok);
    else
        FH_TRY(fh_bpe_build(tok, v->merges, err));
    FH_TRY(fh_special_build(tok, err));
    return check_reachable(tok, v, err);
}

fh_status fh_tokenizer_new(fh_allocator *a, const fh_vocab *vocab, fh_tokenizer **out, fh_err *err) {
    *out = NULL;
    fh_tokenizer *tok = fh_alloc(a, 1, sizeof *tok);
    if (tok == NULL)
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "out of memory for a tokenizer");
    tok->allocator = a;
    fh_handles_init(&tok->handles);
    tok->kind = vocab->kind;
    tok->pretok = vocab->pretok;
    tok->add_bos = vocab->add_bos;
    tok->add_eos = vocab->add_eos;
    tok->add_space_prefix = vocab->add_space_prefix;
    tok->ignore_merges = vocab->ignore_merges;
    fh_status s = build(tok, vocab, err);
    if (fh_failed(s)) {
        fh_vocab_end(tok);
        return fh_fail(err, s.code, FH_NO_OFFSET, "out of memory for a tokenizer");
    }
    *out = tok;
    return s;
}

void fh_vocab_end(fh_tokenizer *tok) {
    if (tok == NULL)
        return;
    fh_allocator *a = tok->allocator;
    fh_pipeline_free(tok->pipeline);
    fh_tokens_free(a, &tok->tokens);
    fh_u32s_free(a, &tok->by_spelling);
    fh_pairs_free(a, &tok->merges.slots);
    fh_pairs_free(a, &tok->special.edges.slots);
    fh_u32s_free(a, &tok->special.token);
    fh_free(a, tok->text.at);
    fh_free(a, tok);
}
