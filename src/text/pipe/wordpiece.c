/* wordpiece.c: WordPiece (Schuster and Nakajima 2012; Devlin et al. 2018): the longest token first, again and again; all but
 * the first carry a prefix in the vocabulary. A piece that does not come out, or is too long, is one unknown token.
 *
 * Threading: see token_model.h. */
#include "freehold/utf8.h"
#include "text/pipe/token_model_impl.h"

/* True if the piece has more characters than the model takes. */
static bool is_too_long(const fh_token_model *m, fh_span piece) {
    if (piece.size <= m->chars_max)
        return false;
    uint64_t chars = 0;
    for (size_t at = 0; at < piece.size && chars <= m->chars_max; chars++)
        at += fh_utf8_next(piece, at).size;
    return chars > m->chars_max;
}

/* Where the longest token from `at` on ends, walking from a node of the trie; `at` itself if none begins there. */
static size_t longest(const fh_token_model *m, fh_span piece, size_t at, uint32_t node, fh_out uint32_t *id) {
    size_t end = at;
    *id = FH_NO_TOKEN;
    for (size_t i = at; i < piece.size; i++) {
        node = fh_byte_trie_step(&m->trie, node, fh_span_at(piece, i));
        if (node == 0)
            break;
        uint32_t token = fh_trie_nodes_at(m->trie.nodes, node)->token;
        if (token != FH_NO_TOKEN) {
            *id = token;
            end = i + 1;
        }
    }
    return end;
}

fh_status fh_wordpiece_piece(const fh_token_model *m, fh_model_scratch *s, fh_span piece) {
    bool known = !is_too_long(m, piece);
    for (size_t at = 0; at < piece.size && known;) {
        uint32_t node = at == 0 ? 0 : m->inner, id = FH_NO_TOKEN;
        size_t end = node != FH_NO_TOKEN ? longest(m, piece, at, node, &id) : at;
        known = id != FH_NO_TOKEN;
        if (known)
            FH_TRY(fh_found_put(s, id, (uint32_t)(end - at)));
        at = end;
    }
    if (known)
        return FH_DONE;
    if (m->unk == FH_NO_TOKEN)
        return FH_STATUS(FH_NOT_FOUND);
    fh_found_clear(s);
    return fh_found_put(s, m->unk, (uint32_t)piece.size);
}
