/* merge.c: byte-pair merging of one piece: while two neighbours join, join those of the lowest rank, the leftmost first.
 *
 * Symbols form a doubly linked list in an array; each knows the rank of joining with its right neighbour. A short piece is
 * scanned for its best pair each time. A long one keeps a heap of rank × 2^32 + position: whoever is popped and no longer
 * has that rank is stale. A symbol whose pair changed but kept the rank (equal scores) would be pushed again at the same
 * place in the order, so taking the older entry changes nothing. n symbols cost O(n log n) time and 28 + 16 bytes each.
 *
 * Invariant: the heap never holds more than twice as many entries as there were symbols (a join takes one out and puts in
 * at most two). Threading: a merger belongs to one call. */
#include "freehold/checked.h"
#include "text/tokenizer_impl.h"

/* Up to here scanning is quicker than the heap. */
enum { SCAN_MAX = 32 };

void fh_merger_init(fh_merger *m, const fh_tokenizer *tok, fh_ids *out) {
    *m = (fh_merger){.tok = tok, .allocator = out->allocator, .out = out};
    fh_buf_init(&m->other, m->allocator, 0);
}

void fh_merger_deinit(fh_merger *m) {
    fh_symbols_free(m->allocator, &m->symbols);
    fh_u64s_free(m->allocator, &m->heap);
    fh_recalls_free(m->allocator, &m->recall);
    fh_buf_deinit(&m->other);
}

fh_status fh_merger_reset(fh_merger *m, size_t count) {
    m->count = 0;
    if (count <= m->symbols.count)
        return FH_DONE;
    fh_symbols more;
    FH_TRY(fh_symbols_new(m->allocator, count < 64 ? 64 : count, &more));
    fh_symbols_free(m->allocator, &m->symbols);
    m->symbols = more;
    return FH_DONE;
}

void fh_merger_add(fh_merger *m, uint32_t at, uint32_t size, uint32_t token) {
    uint32_t i = (uint32_t)m->count++;
    if (i > 0)
        fh_symbols_at(m->symbols, i - 1)->next = i;
    uint32_t prev = i > 0 ? i - 1 : FH_NO_TOKEN;
    fh_symbols_set(m->symbols, i, (fh_symbol){at, size, token, prev, FH_NO_TOKEN, FH_NO_TOKEN, FH_NO_TOKEN});
}

/* Finds out what joining symbol i with its right neighbour gives. */
static void rate(const fh_merger *m, fh_span piece, uint32_t i) {
    fh_symbol *s = fh_symbols_at(m->symbols, i);
    s->rank = FH_NO_TOKEN;
    if (s->next == FH_NO_TOKEN)
        return;
    const fh_symbol *right = fh_symbols_at(m->symbols, s->next);
    if (m->tok->kind == FH_VOCAB_BPE_BYTES) {
        if (s->token == FH_NO_TOKEN || right->token == FH_NO_TOKEN)
            return;
        fh_pair p = fh_pair_table_find(&m->tok->merges, s->token, right->token);
        s->rank = p.rank;
        s->result = p.result;
        return;
    }
    uint32_t id = fh_vocab_match(m->tok, fh_span_sub(piece, s->at, (size_t)s->size + right->size));
    if (id == FH_NO_TOKEN)
        return;
    s->rank = fh_tokens_at(m->tok->tokens, id)->order;
    s->result = id;
}

/* Joins symbol i with its right neighbour and rates both sides anew. */
static void join(const fh_merger *m, fh_span piece, uint32_t i) {
    fh_symbol *s = fh_symbols_at(m->symbols, i);
    fh_symbol *right = fh_symbols_at(m->symbols, s->next);
    s->size += right->size;
    s->token = s->result;
    s->next = right->next;
    right->rank = FH_NO_TOKEN;
    if (s->next != FH_NO_TOKEN)
        fh_symbols_at(m->symbols, s->next)->prev = i;
    rate(m, piece, i);
    if (s->prev != FH_NO_TOKEN)
        rate(m, piece, s->prev);
}

static void merge_by_scan(const fh_merger *m, fh_span piece) {
    for (;;) {
        uint32_t best = 0, best_rank = FH_NO_TOKEN;
        for (uint32_t i = 0; i != FH_NO_TOKEN;) {
            const fh_symbol *s = fh_symbols_at(m->symbols, i);
            if (s->rank < best_rank) {
                best_rank = s->rank;
                best = i;
            }
            i = s->next;
        }
        if (best_rank == FH_NO_TOKEN)
            return;
        join(m, piece, best);
    }
}

/* --- the heap: lowest value first ------------------------------------------------------------------------------------ */

static void heap_push(fh_merger *m, uint32_t i) {
    uint32_t rank = fh_symbols_at(m->symbols, i)->rank;
    if (rank == FH_NO_TOKEN)
        return;
    uint64_t value = (uint64_t)rank << 32 | i;
    size_t at = m->heap_count++;
    for (; at > 0; at = (at - 1) / 2) {
        uint64_t above = fh_u64s_get(m->heap, (at - 1) / 2);
        if (above <= value)
            break;
        fh_u64s_set(m->heap, at, above);
    }
    fh_u64s_set(m->heap, at, value);
}

static uint64_t heap_pop(fh_merger *m) {
    uint64_t top = fh_u64s_get(m->heap, 0), value = fh_u64s_get(m->heap, --m->heap_count);
    size_t at = 0, child;
    for (; (child = 2 * at + 1) < m->heap_count; at = child) {
        if (child + 1 < m->heap_count && fh_u64s_get(m->heap, child + 1) < fh_u64s_get(m->heap, child))
            child++;
        uint64_t below = fh_u64s_get(m->heap, child);
        if (below >= value)
            break;
        fh_u64s_set(m->heap, at, below);
    }
    fh_u64s_set(m->heap, at, value);
    return top;
}

static fh_status merge_by_heap(fh_merger *m, fh_span piece) {
    size_t room;
    if (!fh_mul_size(m->count, 2, &room))
        return FH_STATUS(FH_NOMEM);
    if (room > m->heap.count) {
        fh_u64s more;
        FH_TRY(fh_u64s_new(m->allocator, room, &more));
        fh_u64s_free(m->allocator, &m->heap);
        m->heap = more;
    }
    m->heap_count = 0;
    for (uint32_t i = 0; i < m->count; i++)
        heap_push(m, i);
    while (m->heap_count > 0) {
        uint64_t top = heap_pop(m);
        uint32_t i = (uint32_t)top;
        if (fh_symbols_at(m->symbols, i)->rank != top >> 32)
            continue;
        join(m, piece, i);
        heap_push(m, i);
        uint32_t prev = fh_symbols_at(m->symbols, i)->prev;
        if (prev != FH_NO_TOKEN)
            heap_push(m, prev);
    }
    return FH_DONE;
}

fh_status fh_merge(fh_merger *m, fh_span piece) {
    for (uint32_t i = 0; i < m->count; i++)
        rate(m, piece, i);
    if (m->count > SCAN_MAX)
        return merge_by_heap(m, piece);
    merge_by_scan(m, piece);
    return FH_DONE;
}
