/* vocab.c: the two hash tables of a tokenizer, both with open addressing and linear probing.
 *
 * Hashes are seeded with a hash of the whole vocabulary: whoever writes a vocabulary to collide changes the seed by writing it.
 * Invariant: a table has more slots than entries, so that each search ends at an empty one.
 * Threading: built once, then only read. */
#include "freehold/checked.h"
#include "freehold/hash.h"
#include "text/tokenizer_impl.h"

/* The lowest power of two that leaves a third of the slots empty. */
static bool slots_for(size_t count, fh_out size_t *out) {
    size_t want;
    if (!fh_add_size(count, count / 2 + 1, &want) || want > SIZE_MAX / 4)
        return false;
    *out = 4;
    while (*out < want)
        *out *= 2;
    return true;
}

/* --- pairs ----------------------------------------------------------------------------------------------------------- */

fh_status fh_pair_table_new(fh_allocator *a, size_t count, uint64_t seed, fh_pair_table *out) {
    *out = (fh_pair_table){.seed = seed};
    size_t slots;
    if (!slots_for(count, &slots))
        return FH_STATUS(FH_NOMEM);
    FH_TRY(fh_pairs_new(a, slots, &out->slots));
    for (size_t i = 0; i < slots; i++)
        fh_pairs_at(out->slots, i)->rank = FH_NO_TOKEN;
    return FH_DONE;
}

/* The slot of (left, right), or the empty one where it would go. */
static size_t pair_slot(const fh_pair_table *t, uint32_t left, uint32_t right) {
    size_t mask = t->slots.count - 1;
    size_t i = (size_t)fh_mix64(t->seed ^ ((uint64_t)left << 32 | right)) & mask;
    for (;; i = (i + 1) & mask) {
        const fh_pair *p = fh_pairs_at(t->slots, i);
        if (p->rank == FH_NO_TOKEN || (p->left == left && p->right == right))
            return i;
    }
}

bool fh_pair_table_put(fh_pair_table *t, fh_pair pair) {
    fh_pair *p = fh_pairs_at(t->slots, pair_slot(t, pair.left, pair.right));
    if (p->rank != FH_NO_TOKEN)
        return false;
    *p = pair;
    return true;
}

fh_pair fh_pair_table_find(const fh_pair_table *t, uint32_t left, uint32_t right) {
    if (t->slots.count == 0)
        return (fh_pair){.rank = FH_NO_TOKEN};
    return fh_pairs_get(t->slots, pair_slot(t, left, right));
}

/* --- spellings ------------------------------------------------------------------------------------------------------- */

/* The slot of a spelling, or the empty one where it would go. */
static size_t spelling_slot(const fh_tokenizer *tok, fh_span spelling) {
    size_t mask = tok->by_spelling.count - 1;
    size_t i = (size_t)fh_hash_bytes(tok->seed, spelling) & mask;
    for (;; i = (i + 1) & mask) {
        uint32_t id = fh_u32s_get(tok->by_spelling, i);
        if (id == FH_NO_TOKEN || fh_span_equal(fh_tokens_at(tok->tokens, id)->spelling, spelling))
            return i;
    }
}

fh_status fh_vocab_index(fh_tokenizer *tok, fh_err *err) {
    size_t slots;
    if (!slots_for(tok->tokens.count, &slots))
        return FH_STATUS(FH_NOMEM);
    FH_TRY(fh_u32s_new(tok->allocator, slots, &tok->by_spelling));
    for (size_t i = 0; i < slots; i++)
        fh_u32s_set(tok->by_spelling, i, FH_NO_TOKEN);
    for (uint32_t id = 0; id < tok->tokens.count; id++) {
        fh_span spelling = fh_tokens_at(tok->tokens, id)->spelling;
        if (spelling.size == 0)
            continue;
        size_t slot = spelling_slot(tok, spelling);
        uint32_t first = fh_u32s_get(tok->by_spelling, slot);
        if (first != FH_NO_TOKEN)
            return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "tokens %u and %u are both \"%.*s\"", first, id,
                           FH_SPAN_FMT(spelling));
        fh_u32s_set(tok->by_spelling, slot, id);
    }
    return FH_DONE;
}

uint32_t fh_vocab_find(const fh_tokenizer *tok, fh_span spelling) {
    if (spelling.size == 0 || spelling.size > tok->longest)
        return FH_NO_TOKEN;
    return fh_u32s_get(tok->by_spelling, spelling_slot(tok, spelling));
}

bool fh_vocab_is_text(fh_token_type type) {
    return type == FH_TOKEN_NORMAL || type == FH_TOKEN_USER || type == FH_TOKEN_UNUSED;
}

uint32_t fh_vocab_match(const fh_tokenizer *tok, fh_span text) {
    uint32_t id = fh_vocab_find(tok, text);
    return id != FH_NO_TOKEN && fh_vocab_is_text(fh_tokens_at(tok->tokens, id)->type) ? id : FH_NO_TOKEN;
}
