/* bpe_model.c: byte-pair encoding of one piece (Sennrich et al. 2016): characters become tokens, and while two neighbours have
 * a rule, the two of the lowest rank join, the leftmost first.
 *
 * A short piece is kept in small arrays and scanned for its best pair. A long one is a linked list with a heap of
 * rank × 2^32 + place; whoever is popped and no longer has that rank is stale. So n symbols cost O(n log n).
 *
 * Dropout (Provilkov et al. 2020) passes over the best pair with some probability until another one was joined, as the
 * reference does; the numbers are Philox's, from the scratch's seed.
 *
 * Invariant: the heap and what was skipped never hold more than twice as many entries as there were symbols (a join takes one
 * out and puts in at most two). Threading: a scratch belongs to one thread. */
#include "freehold/checked.h"
#include "freehold/hash.h"
#include "freehold/utf8.h"
#include "text/pipe/byte_alphabet.h"
#include "text/pipe/token_model_impl.h"

#define NO_RULE UINT64_MAX

/* --- letters --------------------------------------------------------------------------------------------------------- */

/* The spelling of a character as it is looked up, in s: with what continues or ends a word. */
static fh_status spell(const fh_token_model *m, fh_buf *out, fh_span character, bool first, bool last) {
    fh_buf_truncate(out, 0);
    if (!first)
        FH_TRY(fh_buf_put(out, fh_model_name_view(m, m->prefix)));
    FH_TRY(fh_buf_put(out, character));
    return last ? fh_buf_put(out, fh_model_name_view(m, m->suffix)) : FH_DONE;
}

static fh_status find_letters(fh_token_model *m, fh_buf *spelling) {
    for (uint32_t b = 0; b < 256; b++) {
        uint8_t bytes[4];
        size_t size = fh_utf8_put(m->raw_bytes ? fh_alphabet_code((uint8_t)b) : b, bytes);
        for (uint32_t v = 0; v < 4; v++) {
            FH_TRY(spell(m, spelling, fh_span_sub((fh_span){bytes, sizeof bytes}, 0, size), (v & 1) != 0, v >= 2));
            m->letters.of[v][b] = fh_model_token(m, fh_buf_view(spelling));
        }
        fh_buf_truncate(spelling, 0);
        FH_TRY(fh_buf_format(spelling, "<0x%02X>", b));
        m->byte_token[b] = fh_spellings_find(&m->spellings, fh_buf_view(spelling));
    }
    return FH_DONE;
}

fh_status fh_bpe_letters(fh_token_model *m) {
    fh_buf spelling;
    fh_buf_init(&spelling, m->allocator, 0);
    fh_status s = find_letters(m, &spelling);
    fh_buf_deinit(&spelling);
    return s;
}

/* --- symbols --------------------------------------------------------------------------------------------------------- */

/* Where symbols go, and the unknown characters that wait for the next known one. */
typedef struct filling {
    fh_merge_symbols symbols;
    size_t count;
    uint32_t unknown_bytes; /* of the unknown token that waits; 0: none */
} filling;

static void add(filling *f, uint32_t token, uint32_t size) {
    fh_merge_symbol *y = fh_merge_symbols_at(f->symbols, f->count++);
    y->token = token;
    y->size = size;
}

static void add_waiting(filling *f, uint32_t unk) {
    if (f->unknown_bytes != 0)
        add(f, unk, f->unknown_bytes);
    f->unknown_bytes = 0;
}

/* A character of `size` bytes that is no token; `spelling` is what was looked up. */
static fh_status add_unknown(const fh_token_model *m, filling *f, fh_span spelling, uint32_t size) {
    if (m->parts != 0) {
        add(f, (uint32_t)m->spellings.places.count - 1, size);
        return FH_DONE;
    }
    bool bytes = m->byte_fallback;
    for (size_t i = 0; i < spelling.size && bytes; i++)
        bytes = m->byte_token[fh_span_at(spelling, i)] != FH_NO_TOKEN;
    if (bytes) {
        for (size_t i = 0; i < spelling.size; i++)
            add(f, m->byte_token[fh_span_at(spelling, i)], 1);
        return FH_DONE;
    }
    if (!m->unk_name.given)
        return FH_DONE;
    if (m->unk == FH_NO_TOKEN)
        return FH_STATUS(FH_NOT_FOUND);
    if (!m->fuse_unk)
        add_waiting(f, m->unk);
    f->unknown_bytes += size;
    return FH_DONE;
}

/* A token at *at that stands for itself; false if none does. */
static bool add_whole(const fh_token_model *m, filling *f, fh_span piece, fh_mut size_t *at) {
    size_t size = 0;
    uint32_t id = fh_byte_trie_longest(&m->symbols, piece, *at, &size);
    if (id == FH_NO_TOKEN)
        return false;
    add(f, id, (uint32_t)size);
    *at += size;
    return true;
}

/* The symbols of a piece of UTF-8. */
static fh_status fill_characters(const fh_token_model *m, fh_buf *room, filling *f, fh_span piece) {
    bool plain = m->prefix.place.size == 0 && m->suffix.place.size == 0, wholes = m->symbols.nodes.count != 0;
    for (size_t at = 0; at < piece.size;) {
        if (wholes && add_whole(m, f, piece, &at))
            continue;
        uint8_t b = fh_span_at(piece, at);
        uint32_t size = b < 0x80 ? 1 : fh_utf8_next(piece, at).size;
        bool first = at == 0, last = at + size == piece.size;
        fh_span spelling = fh_span_sub(piece, at, size);
        uint32_t id;
        if (b < 0x80) {
            id = m->letters.of[(first ? 1u : 0u) + (last ? 2u : 0u)][b];
        } else if (plain) {
            id = fh_model_token(m, spelling);
        } else {
            FH_TRY(spell(m, room, spelling, first, last));
            id = fh_spellings_find(&m->spellings, fh_buf_view(room));
        }
        if (id != FH_NO_TOKEN) {
            add_waiting(f, m->unk);
            add(f, id, size);
        } else if (plain) {
            FH_TRY(add_unknown(m, f, spelling, size));
        } else {
            FH_TRY(spell(m, room, spelling, first, last));
            FH_TRY(add_unknown(m, f, fh_buf_view(room), size));
        }
        at += size;
    }
    add_waiting(f, m->unk);
    return FH_DONE;
}

/* The symbols of a piece of raw bytes, where a byte that is no token is the unknown one. */
static fh_status fill_bytes(const fh_token_model *m, filling *f, fh_span piece) {
    for (size_t at = 0; at < piece.size; at++) {
        uint32_t id = m->letters.of[(at == 0 ? 1u : 0u) + (at + 1 == piece.size ? 2u : 0u)][fh_span_at(piece, at)];
        if (id != FH_NO_TOKEN) {
            add_waiting(f, m->unk);
            add(f, id, 1);
        } else {
            FH_TRY(add_unknown(m, f, (fh_span){NULL, 0}, 1));
        }
    }
    add_waiting(f, m->unk);
    return FH_DONE;
}

static fh_status fill(const fh_token_model *m, fh_model_scratch *s, fh_span piece, fh_out size_t *count) {
    *count = 0;
    size_t more = m->byte_fallback ? m->prefix.place.size : 0, room;
    if (!fh_mul_size(piece.size, more + 1, &room) || !fh_add_size(room, m->suffix.place.size, &room))
        return FH_STATUS(FH_NOMEM);
    FH_TRY(fh_scratch_symbols(s, room));
    filling f = {s->symbols, 0, 0};
    FH_TRY(m->raw_bytes ? fill_bytes(m, &f, piece) : fill_characters(m, &s->spelling, &f, piece));
    *count = f.count;
    return FH_DONE;
}

/* --- what comes out --------------------------------------------------------------------------------------------------- */

/* An unknown character; with fuse_unk it goes to the one before it. */
static fh_status put_unknown(const fh_token_model *m, fh_model_scratch *s, uint32_t size) {
    size_t last = s->found.count - 1;
    if (!m->fuse_unk || s->found.count == 0 || fh_u32s_get(s->found.ids, last) != m->unk)
        return fh_found_put(s, m->unk, size);
    s->end += size;
    fh_u32s_set(s->found.ends, last, s->end);
    return FH_DONE;
}

/* A character that is no token. */
static fh_status put_character(const fh_token_model *m, fh_model_scratch *s, fh_span character) {
    for (size_t i = 0; i < character.size; i++)
        if (m->byte_token[fh_span_at(character, i)] == FH_NO_TOKEN)
            return put_unknown(m, s, (uint32_t)character.size);
    for (size_t i = 0; i < character.size; i++)
        FH_TRY(fh_found_put(s, m->byte_token[fh_span_at(character, i)], 1));
    return FH_DONE;
}

/* A symbol of `size` bytes that nothing joins any more. */
static inline fh_status put_symbol(const fh_token_model *m, fh_model_scratch *s, fh_span piece, uint32_t token, uint32_t size) {
    if (token < m->spellings.places.count - m->parts)
        return fh_found_put(s, token, size);
    return put_character(m, s, fh_span_sub(piece, s->end, size));
}

/* --- short pieces ---------------------------------------------------------------------------------------------------- */

/* rank × 2^32 + rule of two tokens, or NO_RULE. */
static uint64_t rated(const fh_merge_table *t, uint32_t left, uint32_t right) {
    uint32_t rule = fh_merge_table_find(t, left, right);
    return rule == FH_NO_TOKEN ? NO_RULE : (uint64_t)fh_merge_rules_at(t->rules, rule)->rank << 32 | rule;
}

/* Joins symbols i and i + 1 of *n ≤ FH_SHORT_MAX. */
static void join_short(const fh_merge_table *t, fh_short_piece *p, size_t i, size_t *n) {
    p->token[i] = fh_merge_rules_at(t->rules, (uint32_t)p->pair[i])->result;
    p->size[i] += p->size[i + 1];
    size_t last = --*n;
    for (size_t k = i + 1; k < last; k++) {
        p->token[k] = p->token[k + 1];
        p->size[k] = p->size[k + 1];
        p->pair[k] = p->pair[k + 1];
    }
    p->pair[i] = i + 1 < last ? rated(t, p->token[i], p->token[i + 1]) : NO_RULE;
    if (i > 0)
        p->pair[i - 1] = rated(t, p->token[i - 1], p->token[i]);
}

/* The place of the best pair among n symbols, or n if none joins. */
static size_t best_pair(const fh_short_piece *p, size_t n) {
    size_t best = n;
    uint64_t rank = NO_RULE >> 32;
    for (size_t i = 0; i + 1 < n; i++)
        if (p->pair[i] >> 32 < rank) {
            rank = p->pair[i] >> 32;
            best = i;
        }
    return best;
}

/* Joins the first n symbols of s->symbols. */
static fh_status merge_short(const fh_token_model *m, fh_model_scratch *s, fh_span piece, size_t n) {
    const fh_merge_table *t = &m->merges;
    fh_short_piece *p = &s->piece;
    for (size_t i = 0; i < n; i++) {
        const fh_merge_symbol *y = fh_merge_symbols_at(s->symbols, i);
        p->token[i] = y->token;
        p->size[i] = y->size;
        p->pair[i] = NO_RULE;
        if (i > 0)
            p->pair[i - 1] = rated(t, p->token[i - 1], p->token[i]);
    }
    for (size_t best; (best = best_pair(p, n)) < n;)
        join_short(t, p, best, &n);
    for (size_t i = 0; i < n; i++)
        FH_TRY(put_symbol(m, s, piece, s->piece.token[i], s->piece.size[i]));
    return FH_DONE;
}

/* --- long pieces ----------------------------------------------------------------------------------------------------- */

/* A heap, the lowest value first. */
static void heap_push(fh_u64s heap, size_t *count, uint64_t value) {
    size_t at = (*count)++;
    for (; at > 0; at = (at - 1) / 2) {
        uint64_t above = fh_u64s_get(heap, (at - 1) / 2);
        if (above <= value)
            break;
        fh_u64s_set(heap, at, above);
    }
    fh_u64s_set(heap, at, value);
}

static uint64_t heap_pop(fh_u64s heap, size_t *count) {
    uint64_t top = fh_u64s_get(heap, 0), value = fh_u64s_get(heap, --*count);
    size_t at = 0, child;
    for (; (child = 2 * at + 1) < *count; at = child) {
        if (child + 1 < *count && fh_u64s_get(heap, child + 1) < fh_u64s_get(heap, child))
            child++;
        uint64_t below = fh_u64s_get(heap, child);
        if (below >= value)
            break;
        fh_u64s_set(heap, at, below);
    }
    fh_u64s_set(heap, at, value);
    return top;
}

/* Finds the rule of symbol i and its right neighbour, and pushes it. */
static void rate(const fh_token_model *m, fh_model_scratch *s, uint32_t i, size_t *heap_count) {
    fh_merge_symbol *y = fh_merge_symbols_at(s->symbols, i);
    uint64_t pair = NO_RULE;
    if (y->next != FH_NO_TOKEN)
        pair = rated(&m->merges, y->token, fh_merge_symbols_at(s->symbols, y->next)->token);
    y->rule = (uint32_t)pair;
    y->rank = (uint32_t)(pair >> 32);
    if (pair != NO_RULE)
        heap_push(s->heap, heap_count, (uint64_t)y->rank << 32 | i);
}

/* Joins symbol i with its right neighbour. */
static void join_long(const fh_token_model *m, fh_model_scratch *s, uint32_t i, size_t *heap_count) {
    fh_merge_symbol *y = fh_merge_symbols_at(s->symbols, i);
    fh_merge_symbol *right = fh_merge_symbols_at(s->symbols, y->next);
    y->token = fh_merge_rules_at(m->merges.rules, y->rule)->result;
    y->size += right->size;
    y->next = right->next;
    right->rank = FH_NO_TOKEN;
    if (y->next != FH_NO_TOKEN)
        fh_merge_symbols_at(s->symbols, y->next)->prev = i;
    uint32_t prev = y->prev;
    if (prev != FH_NO_TOKEN)
        rate(m, s, prev, heap_count);
    rate(m, s, i, heap_count);
}

/* Room for the heap of n symbols, and for what is skipped. */
static fh_status make_heaps(fh_model_scratch *s, size_t n, bool drops) {
    size_t room;
    fh_u64s more;
    if (!fh_mul_size(n, 2, &room))
        return FH_STATUS(FH_NOMEM);
    if (room > s->heap.count) {
        FH_TRY(fh_u64s_new(s->allocator, room, &more));
        fh_u64s_free(s->allocator, &s->heap);
        s->heap = more;
    }
    if (drops && room > s->skipped.count) {
        FH_TRY(fh_u64s_new(s->allocator, room, &more));
        fh_u64s_free(s->allocator, &s->skipped);
        s->skipped = more;
    }
    return FH_DONE;
}

static fh_status merge_long(const fh_token_model *m, fh_model_scratch *s, fh_span piece, size_t n) {
    size_t count = 0, skipped = 0;
    FH_TRY(make_heaps(s, n, m->drops));
    for (uint32_t i = 0; i < n; i++) {
        fh_merge_symbol *y = fh_merge_symbols_at(s->symbols, i);
        y->prev = i > 0 ? i - 1 : FH_NO_TOKEN;
        y->next = i + 1 < n ? i + 1 : FH_NO_TOKEN;
    }
    for (uint32_t i = 0; i < n; i++)
        rate(m, s, i, &count);
    while (count > 0) {
        uint64_t top = heap_pop(s->heap, &count);
        if (m->drops && fh_model_draw(s) < m->dropout) {
            fh_u64s_set(s->skipped, skipped++, top);
            continue;
        }
        while (skipped > 0)
            heap_push(s->heap, &count, fh_u64s_get(s->skipped, --skipped));
        if (fh_merge_symbols_at(s->symbols, (uint32_t)top)->rank == top >> 32)
            join_long(m, s, (uint32_t)top, &count);
    }
    for (uint32_t i = 0; n > 0 && i != FH_NO_TOKEN; i = fh_merge_symbols_at(s->symbols, i)->next)
        FH_TRY(put_symbol(m, s, piece, fh_merge_symbols_at(s->symbols, i)->token, fh_merge_symbols_at(s->symbols, i)->size));
    return FH_DONE;
}

/* --- one piece ------------------------------------------------------------------------------------------------------- */

/* *id = the token that a whole piece is, or FH_NO_TOKEN. */
static fh_status whole_piece(const fh_token_model *m, fh_model_scratch *s, fh_span piece, fh_out uint32_t *id) {
    *id = FH_NO_TOKEN;
    if (!m->raw_bytes) {
        *id = fh_model_token(m, piece);
        return FH_DONE;
    }
    fh_buf_truncate(&s->spelling, 0);
    uint8_t some[64]; /* letters of one byte or two */
    size_t size = 0;
    for (size_t i = 0; i < piece.size; i++) {
        uint32_t code = fh_alphabet_code(fh_span_at(piece, i));
        if (code >= 0x80)
            some[size++] = (uint8_t)(0xc0 | code >> 6);
        some[size++] = (uint8_t)(code >= 0x80 ? 0x80 | (code & 0x3f) : code);
        if (size < sizeof some - 1 && i + 1 < piece.size)
            continue;
        FH_TRY(fh_buf_put(&s->spelling, fh_span_sub((fh_span){some, sizeof some}, 0, size)));
        size = 0;
    }
    *id = fh_model_token(m, fh_buf_view(&s->spelling));
    return FH_DONE;
}

fh_status fh_bpe_whole(const fh_token_model *m, fh_model_scratch *s, fh_span piece, uint32_t *id) {
    *id = FH_NO_TOKEN;
    if (m->ignore_merges && !m->drops)
        FH_TRY(whole_piece(m, s, piece, id));
    if (*id >= m->spellings.places.count - m->parts)
        *id = FH_NO_TOKEN;
    return FH_DONE;
}

fh_status fh_bpe_piece(const fh_token_model *m, fh_model_scratch *s, fh_span piece) {
    size_t n;
    FH_TRY(fill(m, s, piece, &n));
    return n <= FH_SHORT_MAX && !m->drops ? merge_short(m, s, piece, n) : merge_long(m, s, piece, n);
}
