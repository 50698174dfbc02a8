/* sock_message.c: parts in a row, a few in place and the others behind (sock_message.h).
 *
 * Invariants: count <= FH_MESSAGE_FEW + the room of `more`; places from count on are empty. Threading: sock_message.h. */
#include "sock/part.h"

static const fh_bytes nothing = {NULL, {NULL, 0}};

/* The room for further parts. */
static fh_parts more(fh_ref const fh_message *m) fh_view(1) {
    return m->more != NULL ? m->more->parts : (fh_parts){NULL, 0};
}

/* The place of part i. */
static fh_part *place(fh_mut fh_message *m, size_t i) fh_view(1) {
    return i < FH_MESSAGE_FEW ? &m->few[i] : fh_parts_at(more(m), i - FH_MESSAGE_FEW);
}

/* What lies at a place leaves it. */
static fh_owned fh_bytes take(fh_mut fh_message *m, size_t i) {
    fh_part *at = place(m, i);
    fh_bytes out = at->bytes;
    at->bytes = nothing;
    return out;
}

static void put(fh_mut fh_message *m, size_t i, fh_move fh_bytes bytes) {
    fh_part *at = place(m, i);
    at->bytes = bytes;
}

size_t fh_message_count(const fh_message *m) {
    return m->count;
}

/* Part i, in place. */
static const fh_part *part_at(fh_ref const fh_message *m, size_t i) fh_view(1) {
    FH_ASSERT(i < m->count);
    return i < FH_MESSAGE_FEW ? &m->few[i] : fh_parts_at(more(m), i - FH_MESSAGE_FEW);
}

fh_span fh_message_view(const fh_message *m, size_t i) {
    return part_at(m, i)->bytes.span;
}

fh_bytes fh_message_part(const fh_message *m, size_t i) {
    return fh_bytes_share(part_at(m, i)->bytes);
}

static void end_block(fh_ref fh_allocator *a, fh_drop fh_part_block *block) {
    if (block == NULL)
        return;
    fh_parts_free(a, &block->parts);
    fh_free(a, block);
}

fh_status fh_message_reserve(fh_message *m, fh_allocator *a, size_t more_parts) {
    if (more_parts > FH_MESSAGE_PARTS_MAX || m->count > FH_MESSAGE_PARTS_MAX - more_parts)
        return FH_STATUS(FH_LIMIT);
    size_t want = m->count + more_parts, have = more(m).count;
    if (want <= FH_MESSAGE_FEW + have)
        return FH_DONE;
    fh_part_block *block = fh_alloc(a, 1, sizeof *block);
    if (block == NULL)
        return FH_STATUS(FH_NOMEM);
    fh_status s = fh_parts_new(a, want - FH_MESSAGE_FEW > 2 * have ? want - FH_MESSAGE_FEW : 2 * have, &block->parts);
    if (fh_failed(s)) {
        fh_free(a, block);
        return s;
    }
    for (size_t i = FH_MESSAGE_FEW; i < m->count; i++)
        fh_parts_at(block->parts, i - FH_MESSAGE_FEW)->bytes = take(m, i);
    end_block(a, m->more);
    m->more = block;
    return FH_DONE;
}

fh_status fh_message_insert(fh_message *m, fh_allocator *a, size_t i, fh_bytes *bytes) {
    if (i > m->count)
        return FH_STATUS(FH_INVALID);
    FH_TRY(fh_message_reserve(m, a, 1));
    for (uint32_t at = m->count++; at > i; at--)
        put(m, at, take(m, at - 1));
    put(m, i, *bytes);
    *bytes = nothing;
    return FH_DONE;
}

fh_status fh_message_push(fh_message *m, fh_allocator *a, fh_bytes *bytes) {
    if (m->count >= FH_MESSAGE_FEW)
        return fh_message_insert(m, a, m->count, bytes);
    put(m, m->count++, *bytes);
    *bytes = nothing;
    return FH_DONE;
}

fh_status fh_message_push_copy(fh_message *m, fh_allocator *a, fh_span bytes) {
    fh_bytes copy;
    FH_TRY(fh_bytes_copy(a, bytes, &copy));
    fh_status s = fh_message_push(m, a, &copy);
    fh_bytes_drop(&copy);
    return s;
}

fh_bytes fh_message_shift(fh_message *m) {
    if (m->count == 0)
        return nothing;
    fh_bytes first = take(m, 0);
    for (size_t at = 1; at < m->count; at++)
        put(m, at - 1, take(m, at));
    m->count--;
    return first;
}

void fh_message_take(fh_message *m, fh_message *out) {
    *out = (fh_message){0};
    for (size_t i = 0; i < FH_MESSAGE_FEW && i < m->count; i++)
        put(out, i, take(m, i));
    out->count = m->count;
    out->kind = m->kind;
    out->more = m->more;
    m->more = NULL;
    m->count = m->kind = 0;
}

fh_status fh_message_share(const fh_message *m, fh_allocator *a, fh_message *out) {
    *out = (fh_message){0};
    FH_TRY(fh_message_reserve(out, a, m->count));
    for (size_t i = 0; i < m->count; i++)
        put(out, i, fh_message_part(m, i));
    out->count = m->count;
    out->kind = m->kind;
    return FH_DONE;
}

void fh_message_drop(fh_message *m, fh_allocator *a) {
    if (FH_LIKELY(m->count == 1 && m->more == NULL)) {
        fh_bytes part = fh_message_empty(m);
        fh_bytes_drop(&part);
        m->kind = 0;
        return;
    }
    while (m->count != 0) {
        fh_bytes last = take(m, --m->count);
        fh_bytes_drop(&last);
    }
    end_block(a, m->more);
    m->more = NULL;
    m->kind = 0;
}

void fh_message_clear(fh_message *m, fh_allocator *a) {
    fh_message gone;
    fh_message_take(m, &gone);
    fh_message_drop(&gone, a);
}
