/* encode.c: text to ids: special tokens first, then the text between them through the vocabulary's algorithm; and ids back
 * to text.
 *
 * Invariant: a failed call leaves the list of ids as it was. Threading: see tokenizer_impl.h. */
#include "text/tokenizer_impl.h"

/* Offsets into a text, tripled where a space takes three bytes, must fit 32 bits. */
enum { TEXT_BYTES_MAX = 1 << 30 };

/* Text without special tokens; `first`: nothing or a special token stands before it. `rewritten` is room for it. */
static fh_status encode_text(fh_merger *m, fh_buf *rewritten, fh_span text, bool first) {
    return m->tok->kind == FH_VOCAB_SPM ? fh_spm_encode(m, rewritten, text, first) : fh_bpe_encode(m, text);
}

static fh_status encode_all(fh_merger *m, fh_buf *rewritten, fh_span text, fh_encode_options options) {
    const fh_tokenizer *tok = m->tok;
    if (options.add_special && tok->add_bos)
        FH_TRY(fh_ids_put(m->out, tok->bos));
    bool after_special = true;
    for (size_t at = 0; at < text.size;) {
        size_t next = 0;
        uint32_t id = 0;
        bool found = fh_special_find(tok, text, at, options.parse_special, &next, &id);
        if (next > at) {
            FH_TRY(encode_text(m, rewritten, fh_span_sub(text, at, next - at), after_special));
            after_special = false;
        }
        if (!found)
            break;
        FH_TRY(fh_ids_put(m->out, id));
        after_special = true;
        at = next + fh_tokens_at(tok->tokens, id)->spelling.size;
    }
    if (options.add_special && tok->add_eos)
        FH_TRY(fh_ids_put(m->out, tok->eos));
    return FH_DONE;
}

fh_status fh_vocab_encode(const fh_tokenizer *tok, fh_span text, fh_encode_options options, fh_ids *out, fh_err *err) {
    if (text.size > TEXT_BYTES_MAX)
        return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "text has %zu bytes, at most %d are encoded at once", text.size,
                       TEXT_BYTES_MAX);
    size_t before = out->count;
    fh_merger m;
    fh_buf rewritten;
    fh_merger_init(&m, tok, out);
    fh_buf_init(&rewritten, out->allocator, 0);
    fh_status s = fh_recall_init(&m, text.size);
    if (s.code == FH_OK)
        s = encode_all(&m, &rewritten, text, options);
    fh_buf_deinit(&rewritten);
    fh_merger_deinit(&m);
    if (s.code == FH_OK)
        return s;
    out->count = before;
    if (s.code == FH_LIMIT)
        return fh_fail(err, s.code, FH_NO_OFFSET, "text of %zu bytes gives more than %zu tokens", text.size, out->limit);
    return fh_fail(err, s.code, FH_NO_OFFSET, "out of memory while encoding %zu bytes", text.size);
}

fh_status fh_vocab_piece(const fh_tokenizer *tok, uint32_t id, bool first, bool control, fh_buf *out) {
    if (id >= tok->tokens.count)
        return FH_STATUS(FH_INVALID);
    const fh_token *t = fh_tokens_at(tok->tokens, id);
    if (!control && (t->type == FH_TOKEN_CONTROL || t->type == FH_TOKEN_UNKNOWN))
        return FH_DONE;
    bool prefixed = first && tok->kind == FH_VOCAB_SPM && tok->add_space_prefix;
    bool drop = prefixed && t->bytes.size > 0 && fh_span_at(t->bytes, 0) == ' ';
    return fh_buf_put(out, fh_span_from(t->bytes, drop));
}
