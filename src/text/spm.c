/* spm.c: SentencePiece's byte-pair encoding (Kudo and Richardson 2018; github.com/google/sentencepiece, src/bpe_model.cc):
 * spaces become U+2581, characters become symbols, and the neighbours whose joint text is the token of the highest score
 * join first.
 *
 * A character that is no token comes out as its bytes (<0xXX>), or as one unknown token where the vocabulary lacks one of
 * them. When no token has U+2581 after another character, nothing joins across the start of a word, and each word is merged
 * alone.
 * Threading: see tokenizer_impl.h. */
#include "freehold/utf8.h"
#include "text/tokenizer_impl.h"

#define SPACE_MARK FH_LIT("\xe2\x96\x81")

/* *out = text with each space as U+2581, and one before it all for `prefix`. */
static fh_status mark_spaces(fh_buf *out, fh_span text, bool prefix) {
    fh_buf_truncate(out, 0);
    if (prefix)
        FH_TRY(fh_buf_put(out, SPACE_MARK));
    for (size_t at = 0; at < text.size; at++) {
        size_t space = fh_span_find(text, FH_LIT(" "), at);
        size_t end = space < text.size ? space : text.size;
        FH_TRY(fh_buf_put(out, fh_span_sub(text, at, end - at)));
        if (end < text.size)
            FH_TRY(fh_buf_put(out, SPACE_MARK));
        at = end;
    }
    return FH_DONE;
}

/* Where the word that begins at `at` ends: before the first U+2581 that follows something else. */
static size_t word_end(fh_span text, size_t at) {
    bool other = false;
    while (at < text.size) {
        fh_rune r = fh_utf8_next(text, at);
        bool mark = r.code == 0x2581;
        if (mark && other)
            return at;
        other = !mark;
        at += r.size;
    }
    return at;
}

/* Appends a character that is no token. */
static fh_status put_bytes(fh_merger *m, fh_span character) {
    for (size_t i = 0; i < character.size; i++)
        if (m->tok->byte_token[fh_span_at(character, i)] == FH_NO_TOKEN)
            return fh_ids_put(m->out, m->tok->unk);
    for (size_t i = 0; i < character.size; i++)
        FH_TRY(fh_ids_put(m->out, m->tok->byte_token[fh_span_at(character, i)]));
    return FH_DONE;
}

static fh_status encode_word(fh_merger *m, fh_span word) {
    FH_TRY(fh_merger_reset(m, word.size));
    for (size_t at = 0; at < word.size;) {
        uint32_t size = fh_utf8_next(word, at).size;
        fh_merger_add(m, (uint32_t)at, size, fh_vocab_match(m->tok, fh_span_sub(word, at, size)));
        at += size;
    }
    FH_TRY(fh_merge(m, word));
    for (uint32_t i = 0; i != FH_NO_TOKEN; i = fh_symbols_at(m->symbols, i)->next) {
        const fh_symbol *s = fh_symbols_at(m->symbols, i);
        if (s->token != FH_NO_TOKEN)
            FH_TRY(fh_ids_put(m->out, s->token));
        else
            FH_TRY(put_bytes(m, fh_span_sub(word, s->at, s->size)));
    }
    return FH_DONE;
}

fh_status fh_spm_encode(fh_merger *m, fh_buf *rewritten, fh_span text, bool prefix) {
    FH_TRY(mark_spaces(rewritten, text, prefix && m->tok->add_space_prefix));
    fh_span all = fh_buf_view(rewritten);
    for (size_t at = 0; at < all.size;) {
        size_t end = m->tok->splits_words ? word_end(all, at) : all.size;
        FH_TRY(fh_recall_encode(m, fh_span_sub(all, at, end - at), encode_word));
        at = end;
    }
    return FH_DONE;
}
