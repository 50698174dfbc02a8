/* subscriptions.c: a hash table of prefixes (subscriptions.h). Threading: subscriptions.h. */
#include "proto/subscriptions.h"

#include "freehold/hash.h"

enum { CELLS_MIN = 16 };

#define MODULUS ((UINT64_C(1) << 61) - 1)

/* a · b + c mod 2^61 - 1, for a and b below it. */
static uint64_t mix_in(uint64_t a, uint64_t b, uint64_t c) {
    __extension__ typedef unsigned __int128 u128;
    u128 product = (u128)a * b + c;
    uint64_t sum = (uint64_t)(product & MODULUS) + (uint64_t)(product >> 61);
    return sum >= MODULUS ? sum - MODULUS : sum;
}

static uint64_t hash_of(const fh_subscription_index *s, fh_span prefix) {
    uint64_t hash = 1;
    for (size_t i = 0; i < prefix.size; i++)
        hash = mix_in(hash, s->base, (uint64_t)fh_span_at(prefix, i) + 1);
    return hash;
}

static size_t cell_of(const fh_subscription_index *s, uint64_t hash) {
    return (size_t)fh_mix64(hash) & (s->cells.count - 1);
}

fh_status fh_subscription_index_init(fh_subscription_index *s, fh_allocator *a, size_t prefix_max, uint64_t secret) {
    fh_u32s cells, lengths;
    *s = (fh_subscription_index){.allocator = a};
    if (prefix_max >= SIZE_MAX / sizeof(uint32_t))
        return FH_STATUS(FH_LIMIT);
    FH_TRY(fh_u32s_new(a, CELLS_MIN, &cells));
    fh_status status = fh_u32s_new(a, prefix_max + 1, &lengths);
    if (fh_failed(status)) {
        fh_u32s_free(a, &cells);
        return status;
    }
    *s = (fh_subscription_index){.allocator = a, .base = 256 + fh_mix64(secret) % (MODULUS - 256), .cells = cells,
                                 .lengths = lengths, .prefix_max = prefix_max};
    return FH_DONE;
}

/* Empties a row. */
static void clear(fh_subscription *row) {
    fh_bytes_drop(&row->prefix);
    row->prefix = (fh_bytes){NULL, {NULL, 0}};
    row->count = 0;
}

void fh_subscription_index_deinit(fh_subscription_index *s) {
    for (size_t i = 0; i < s->used; i++)
        clear(fh_subscriptions_at(s->rows, i));
    fh_subscriptions_free(s->allocator, &s->rows);
    fh_u32s_free(s->allocator, &s->cells);
    fh_u32s_free(s->allocator, &s->lengths);
    fh_u32s_free(s->allocator, &s->marked);
}

/* Puts a row into its chain. */
static void chain(fh_subscription_index *s, size_t index) {
    fh_subscription *row = fh_subscriptions_at(s->rows, index);
    size_t cell = cell_of(s, row->hash);
    row->next = fh_u32s_get(s->cells, cell);
    fh_u32s_set(s->cells, cell, (uint32_t)index + 1);
}

static void unchain(fh_subscription_index *s, size_t index) {
    const fh_subscription *row = fh_subscriptions_at(s->rows, index);
    size_t cell = cell_of(s, row->hash);
    uint32_t at = fh_u32s_get(s->cells, cell);
    if (at == index + 1) {
        fh_u32s_set(s->cells, cell, row->next);
        return;
    }
    while (fh_subscriptions_at(s->rows, at - 1)->next != index + 1)
        at = fh_subscriptions_at(s->rows, at - 1)->next;
    fh_subscriptions_at(s->rows, at - 1)->next = row->next;
}

/* Twice as many cells. */
static fh_status grow_cells(fh_subscription_index *s) {
    fh_u32s cells;
    FH_TRY(fh_u32s_new(s->allocator, s->cells.count * 2, &cells));
    fh_u32s_free(s->allocator, &s->cells);
    s->cells = cells;
    for (size_t i = 0; i < s->used; i++)
        if (fh_subscriptions_at(s->rows, i)->count != 0)
            chain(s, i);
    return FH_DONE;
}

static fh_status grow_rows(fh_subscription_index *s) {
    fh_subscriptions rows;
    size_t room = s->rows.count != 0 ? s->rows.count * 2 : CELLS_MIN;
    if (room >= UINT32_MAX)
        return FH_STATUS(FH_LIMIT);
    FH_TRY(fh_subscriptions_new(s->allocator, room, &rows));
    for (size_t i = 0; i < s->used; i++) {
        fh_subscription *from = fh_subscriptions_at(s->rows, i), *to = fh_subscriptions_at(rows, i);
        fh_bytes prefix = fh_bytes_share(from->prefix);
        *to = (fh_subscription){.prefix = prefix, .hash = from->hash, .count = from->count, .peer = from->peer,
                                .next = from->next};
        fh_bytes_drop(&from->prefix);
        from->prefix = (fh_bytes){NULL, {NULL, 0}};
    }
    fh_subscriptions_free(s->allocator, &s->rows);
    s->rows = rows;
    return FH_DONE;
}

/* The row of a peer's prefix, or SIZE_MAX; *others = whether somebody else has the prefix. */
static size_t find(const fh_subscription_index *s, uint32_t peer, fh_span prefix, uint64_t hash, bool *others) {
    size_t found = SIZE_MAX;
    *others = false;
    for (uint32_t at = fh_u32s_get(s->cells, cell_of(s, hash)); at != 0; at = fh_subscriptions_at(s->rows, at - 1)->next) {
        const fh_subscription *row = fh_subscriptions_at(s->rows, at - 1);
        if (row->hash != hash || !fh_span_equal(row->prefix.span, prefix))
            continue;
        if (row->peer == peer)
            found = at - 1;
        else
            *others = true;
    }
    return found;
}

/* Room for marks of peers up to this one. */
static fh_status reserve_marks(fh_subscription_index *s, uint32_t peer) {
    fh_u32s marked;
    if (peer < s->marked.count)
        return FH_DONE;
    FH_TRY(fh_u32s_new(s->allocator, ((size_t)peer + 1) * 2, &marked));
    fh_u32s_free(s->allocator, &s->marked); /* marks are of matches that are over */
    s->marked = marked;
    return FH_DONE;
}

fh_status fh_subscription_add(fh_subscription_index *s, uint32_t peer, fh_span prefix, bool *first) {
    bool others = false;
    *first = false;
    if (prefix.size > s->prefix_max || peer >= UINT32_MAX / 4)
        return FH_STATUS(FH_LIMIT);
    uint64_t hash = hash_of(s, prefix);
    size_t at = find(s, peer, prefix, hash, &others);
    if (at != SIZE_MAX) {
        fh_subscriptions_at(s->rows, at)->count++;
        return FH_DONE;
    }
    FH_TRY(reserve_marks(s, peer));
    if (s->live >= s->cells.count)
        FH_TRY(grow_cells(s));
    if (s->free_row == 0 && s->used == s->rows.count)
        FH_TRY(grow_rows(s));
    fh_bytes copy;
    FH_TRY(fh_bytes_copy(s->allocator, prefix, &copy));
    at = s->free_row != 0 ? s->free_row - 1 : s->used++;
    if (s->free_row != 0)
        s->free_row = fh_subscriptions_at(s->rows, at)->next;
    fh_subscription *row = fh_subscriptions_at(s->rows, at);
    row->prefix = copy;
    row->hash = hash;
    row->count = 1;
    row->peer = peer;
    chain(s, at);
    s->live++;
    fh_u32s_set(s->lengths, prefix.size, fh_u32s_get(s->lengths, prefix.size) + 1);
    *first = !others;
    return FH_DONE;
}

/* A live row becomes a free one. */
static void end_row(fh_subscription_index *s, size_t at) {
    size_t size = fh_subscriptions_at(s->rows, at)->prefix.span.size;
    unchain(s, at);
    fh_u32s_set(s->lengths, size, fh_u32s_get(s->lengths, size) - 1);
    fh_subscription *row = fh_subscriptions_at(s->rows, at);
    clear(row);
    row->next = s->free_row;
    s->free_row = (uint32_t)at + 1;
    s->live--;
}

fh_status fh_subscription_cancel(fh_subscription_index *s, uint32_t peer, fh_span prefix, bool *last) {
    bool others = false;
    *last = false;
    size_t at = prefix.size <= s->prefix_max ? find(s, peer, prefix, hash_of(s, prefix), &others) : SIZE_MAX;
    if (at == SIZE_MAX)
        return FH_STATUS(FH_NOT_FOUND);
    if (--fh_subscriptions_at(s->rows, at)->count != 0)
        return FH_DONE;
    end_row(s, at);
    *last = !others;
    return FH_DONE;
}

bool fh_subscription_has(const fh_subscription_index *s, uint32_t peer, fh_span prefix) {
    bool others = false;
    return prefix.size <= s->prefix_max && find(s, peer, prefix, hash_of(s, prefix), &others) != SIZE_MAX;
}

void fh_subscription_drop_peer(fh_subscription_index *s, uint32_t peer) {
    for (size_t i = 0; i < s->used; i++) {
        const fh_subscription *row = fh_subscriptions_at(s->rows, i);
        if (row->count != 0 && row->peer == peer)
            end_row(s, i);
    }
}

/* Adds the subscribers of the first `size` bytes of a message. */
static size_t add_matches(fh_subscription_index *s, fh_span prefix, uint64_t hash, fh_u32s peers, size_t count) {
    for (uint32_t at = fh_u32s_get(s->cells, cell_of(s, hash)); at != 0; at = fh_subscriptions_at(s->rows, at - 1)->next) {
        const fh_subscription *row = fh_subscriptions_at(s->rows, at - 1);
        bool wants = row->hash == hash && fh_span_equal(row->prefix.span, prefix);
        if (!wants || fh_u32s_get(s->marked, row->peer) == s->match || count == peers.count)
            continue;
        fh_u32s_set(s->marked, row->peer, s->match);
        fh_u32s_set(peers, count++, row->peer);
    }
    return count;
}

size_t fh_subscription_match(fh_subscription_index *s, fh_span message, fh_u32s peers) {
    size_t count = 0;
    uint64_t hash = 1;
    if (++s->match == 0) { /* marks of 2^32 matches ago would look like new ones */
        for (size_t i = 0; i < s->marked.count; i++)
            fh_u32s_set(s->marked, i, 0);
        s->match = 1;
    }
    for (size_t size = 0; s->live != 0 && size <= message.size && size <= s->prefix_max; size++) {
        if (fh_u32s_get(s->lengths, size) != 0)
            count = add_matches(s, fh_span_sub(message, 0, size), hash, peers, count);
        if (size < message.size)
            hash = mix_in(hash, s->base, (uint64_t)fh_span_at(message, size) + 1);
    }
    return count;
}
