/* special.c: finds user-defined and control tokens in raw text: the leftmost, and there the longest.
 *
 * The tokens form a trie whose edges are a hash table of (node, byte); the first byte goes through a plain array, since it
 * decides almost always. Each place costs at most FH_SPECIAL_BYTES_MAX steps. Threading: built once, then only read. */
#include "text/tokenizer_impl.h"

static bool is_special(fh_token_type type) {
    return type == FH_TOKEN_CONTROL || type == FH_TOKEN_USER || type == FH_TOKEN_UNKNOWN;
}

/* Adds a token's spelling; *nodes counts nodes made so far. */
static void add(fh_special *s, fh_span spelling, uint32_t id, uint32_t *nodes) {
    uint32_t node = 0;
    for (size_t i = 0; i < spelling.size; i++) {
        uint8_t b = fh_span_at(spelling, i);
        fh_pair edge = fh_pair_table_find(&s->edges, node, b);
        if (edge.rank == FH_NO_TOKEN) {
            edge = (fh_pair){node, b, 0, (*nodes)++};
            bool added = fh_pair_table_put(&s->edges, edge);
            FH_ASSERT(added);
        }
        node = edge.result;
        if (i == 0)
            s->first[b] = node;
    }
    fh_u32s_set(s->token, node, id);
}

fh_status fh_special_build(fh_tokenizer *tok, fh_err *err) {
    size_t bytes = 0;
    for (uint32_t id = 0; id < tok->tokens.count; id++) {
        const fh_token *t = fh_tokens_at(tok->tokens, id);
        if (!is_special(t->type))
            continue;
        if (t->spelling.size > FH_SPECIAL_BYTES_MAX)
            return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "special token %u has %zu bytes, at most %d are supported", id,
                           t->spelling.size, FH_SPECIAL_BYTES_MAX);
        bytes += t->spelling.size; /* at most the size of all spellings, which was checked */
    }
    if (bytes == 0)
        return FH_DONE;
    if (bytes >= FH_NO_TOKEN - 1)
        return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "special tokens have %zu bytes in all, too many", bytes);
    fh_special *s = &tok->special;
    FH_TRY(fh_pair_table_new(tok->allocator, bytes, tok->seed, &s->edges));
    FH_TRY(fh_u32s_new(tok->allocator, bytes + 1, &s->token));
    for (size_t i = 0; i <= bytes; i++)
        fh_u32s_set(s->token, i, FH_NO_TOKEN);
    uint32_t nodes = 1;
    for (uint32_t id = 0; id < tok->tokens.count; id++) {
        const fh_token *t = fh_tokens_at(tok->tokens, id);
        if (is_special(t->type) && t->spelling.size > 0)
            add(s, t->spelling, id, &nodes);
    }
    return FH_DONE;
}

/* The longest special token that begins at `at`, or FH_NO_TOKEN. */
static uint32_t longest_at(const fh_tokenizer *tok, fh_span text, size_t at, bool control) {
    const fh_special *s = &tok->special;
    uint32_t node = s->first[fh_span_at(text, at)], found = FH_NO_TOKEN;
    while (node != 0) {
        uint32_t id = fh_u32s_get(s->token, node);
        if (id != FH_NO_TOKEN && (control || fh_tokens_at(tok->tokens, id)->type == FH_TOKEN_USER))
            found = id;
        if (++at == text.size)
            break;
        fh_pair edge = fh_pair_table_find(&s->edges, node, fh_span_at(text, at));
        node = edge.rank != FH_NO_TOKEN ? edge.result : 0;
    }
    return found;
}

bool fh_special_find(const fh_tokenizer *tok, fh_span text, size_t from, bool control, size_t *at, uint32_t *id) {
    *at = text.size;
    *id = FH_NO_TOKEN;
    if (tok->special.token.count == 0)
        return false;
    for (size_t i = from; i < text.size; i++) {
        if (tok->special.first[fh_span_at(text, i)] == 0)
            continue;
        *id = longest_at(tok, text, i, control);
        if (*id != FH_NO_TOKEN) {
            *at = i;
            return true;
        }
    }
    return false;
}
