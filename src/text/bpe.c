/* bpe.c: byte-level byte-pair encoding (Radford et al. 2019, "Language Models are Unsupervised Multitask Learners";
 * Sennrich et al. 2016): bytes become tokens, and the pairs that the merge list names join in its order.
 *
 * Vocabularies spell bytes with the printable letters of GPT-2's alphabet; here a symbol is a token id from the start, so
 * that alphabet matters only while the tables are built. A byte without a token of its own stays FH_NO_TOKEN, joins
 * nothing, and comes out as the unknown token. Threading: see tokenizer_impl.h. */
#include "freehold/utf8.h"
#include "text/tokenizer_impl.h"

/* --- the alphabet ---------------------------------------------------------------------------------------------------- */

uint32_t fh_alphabet_code(uint8_t byte) {
    if (byte <= 0x20)
        return 0x100u + byte;
    if (byte >= 0x7f && byte <= 0xa0)
        return 0x121u + (byte - 0x7fu);
    return byte == 0xad ? 0x143 : byte;
}

int fh_alphabet_byte(uint32_t code) {
    if (code >= 0x100 && code <= 0x120)
        return (int)(code - 0x100);
    if (code >= 0x121 && code <= 0x142)
        return (int)(code - 0x121 + 0x7f);
    if (code == 0x143)
        return 0xad;
    bool itself = (code > 0x20 && code < 0x7f) || (code > 0xa0 && code <= 0xff && code != 0xad);
    return itself ? (int)code : -1;
}

/* --- building -------------------------------------------------------------------------------------------------------- */

/* Reads merge `rank`, "left right". The first space counts that is not the first byte. */
static fh_status read_merge(fh_tokenizer *tok, fh_span merge, uint32_t rank, fh_buf *scratch, fh_err *err) {
    size_t space = fh_span_find(merge, FH_LIT(" "), 1);
    if (merge.size < 3 || space >= merge.size - 1)
        return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "merge %u is \"%.*s\", expected two tokens with a space between", rank,
                       FH_SPAN_FMT(merge));
    fh_span left = fh_span_sub(merge, 0, space), right = fh_span_from(merge, space + 1);
    fh_buf_truncate(scratch, 0);
    FH_TRY(fh_buf_put(scratch, left));
    FH_TRY(fh_buf_put(scratch, right));
    fh_pair pair = {fh_vocab_find(tok, left), fh_vocab_find(tok, right), rank,
                    fh_vocab_find(tok, fh_buf_view(scratch))};
    if (pair.left == FH_NO_TOKEN || pair.right == FH_NO_TOKEN || pair.result == FH_NO_TOKEN)
        return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "merge %u is \"%.*s\", but \"%.*s\" is not in the vocabulary", rank,
                       FH_SPAN_FMT(merge),
                       FH_SPAN_FMT(pair.left == FH_NO_TOKEN    ? left
                                   : pair.right == FH_NO_TOKEN ? right
                                                               : fh_buf_view(scratch)));
    if (!fh_vocab_is_text(fh_tokens_at(tok->tokens, pair.result)->type))
        return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "merge %u makes \"%.*s\", a token that is not text", rank,
                       FH_SPAN_FMT(fh_buf_view(scratch)));
    if (!fh_pair_table_put(&tok->merges, pair))
        return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "merge %u, \"%.*s\", is there twice", rank, FH_SPAN_FMT(merge));
    return FH_DONE;
}

fh_status fh_bpe_build(fh_tokenizer *tok, fh_views merges, fh_err *err) {
    for (uint32_t b = 0; b < 256; b++) {
        uint8_t spelling[4];
        size_t size = fh_utf8_put(fh_alphabet_code((uint8_t)b), spelling);
        tok->byte_token[b] = fh_vocab_match(tok, fh_span_sub((fh_span){spelling, sizeof spelling}, 0, size));
    }
    if (merges.count >= FH_NO_TOKEN)
        return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "%zu merges are too many", merges.count);
    FH_TRY(fh_pair_table_new(tok->allocator, merges.count, tok->seed, &tok->merges));
    fh_buf scratch;
    fh_buf_init(&scratch, tok->allocator, 0);
    fh_status s = FH_DONE;
    for (uint32_t i = 0; i < merges.count && s.code == FH_OK; i++)
        s = read_merge(tok, fh_views_get(merges, i), i, &scratch, err);
    fh_buf_deinit(&scratch);
    return s;
}

/* --- encoding -------------------------------------------------------------------------------------------------------- */

/* *id = the token that a whole piece is, or FH_NO_TOKEN. */
static fh_status whole_piece(fh_merger *m, fh_span piece, fh_out uint32_t *id) {
    *id = FH_NO_TOKEN;
    if (piece.size > m->tok->longest)
        return FH_DONE;
    fh_buf_truncate(&m->other, 0);
    for (size_t i = 0; i < piece.size; i++) {
        uint8_t letter[4];
        size_t size = fh_utf8_put(fh_alphabet_code(fh_span_at(piece, i)), letter);
        FH_TRY(fh_buf_put(&m->other, fh_span_sub((fh_span){letter, sizeof letter}, 0, size)));
    }
    *id = fh_vocab_match(m->tok, fh_buf_view(&m->other));
    return FH_DONE;
}

static fh_status encode_piece(fh_merger *m, fh_span piece) {
    if (m->tok->ignore_merges) {
        uint32_t id;
        FH_TRY(whole_piece(m, piece, &id));
        if (id != FH_NO_TOKEN)
            return fh_ids_put(m->out, id);
    }
    FH_TRY(fh_merger_reset(m, piece.size));
    for (uint32_t i = 0; i < piece.size; i++)
        fh_merger_add(m, i, 1, m->tok->byte_token[fh_span_at(piece, i)]);
    FH_TRY(fh_merge(m, piece));
    for (uint32_t i = 0; i != FH_NO_TOKEN; i = fh_symbols_at(m->symbols, i)->next) {
        uint32_t id = fh_symbols_at(m->symbols, i)->token;
        FH_TRY(fh_ids_put(m->out, id != FH_NO_TOKEN ? id : m->tok->unk));
    }
    return FH_DONE;
}

fh_status fh_bpe_encode(fh_merger *m, fh_span text) {
    for (size_t at = 0; at < text.size;) {
        size_t end = fh_pretok_end(m->tok->pretok, text, at);
        FH_TRY(fh_recall_encode(m, fh_span_sub(text, at, end - at), encode_piece));
        at = end;
    }
    return FH_DONE;
}
