/* bytes.c: immutable bytes with a count of their references.
 *
 *     copied:   [ owner | the bytes ]               one block
 *     wrapped:  [ owner ] → the bytes of somebody else, given back through `release`
 *     frozen:   page.c; the owner is the page's row in the table of its source
 *
 * Invariants: bytes-count: owner.count = the references that name the owner (count.h), at least 1 while one does; the drop that
 * makes it 0 is the only one to call owner.end. A reference's weight follows from its size, so whoever changes the size changes
 * the count by the difference.
 *
 * Threading: count.h. */
#include "freehold/bytes.h"

#include "freehold/checked.h"
#include "mem/bytes_owner.h"

typedef struct heap_owner {
    fh_bytes_owner base;
    fh_allocator *allocator;
    void (*release)(void *ctx);
    void *ctx;
    uint64_t unused[2];
} heap_owner;

_Static_assert(sizeof(heap_owner) == FH_ALLOC_ALIGN, "copied bytes keep the alignment of their block");

static const fh_bytes nothing = {NULL, {NULL, 0}};

static void heap_end(fh_bytes_owner *base) {
    FH_UNSAFE("bytes-count");
    heap_owner *owner = (heap_owner *)base;
    if (owner->release != NULL)
        owner->release(owner->ctx);
    fh_free(owner->allocator, owner);
}

static heap_owner *heap_owner_new(fh_allocator *a, size_t bytes) {
    size_t total;
    heap_owner *owner = fh_add_size(bytes, sizeof *owner, &total) ? fh_alloc(a, 1, total) : NULL;
    if (owner == NULL)
        return NULL;
    fh_count_init(&owner->base.count, 0);
    owner->base.end = heap_end;
    owner->allocator = a;
    return owner;
}

fh_status fh_bytes_copy(fh_allocator *a, fh_span bytes, fh_bytes *out) {
    *out = nothing;
    if (bytes.size == 0)
        return FH_DONE;
    heap_owner *owner = heap_owner_new(a, bytes.size);
    if (owner == NULL)
        return FH_STATUS(FH_NOMEM);
    FH_UNSAFE("bytes-count");
    uint8_t *at = (uint8_t *)(owner + 1);
    fh_span_copy((fh_mspan){at, bytes.size}, bytes);
    *out = (fh_bytes){&owner->base, {at, bytes.size}};
    return FH_DONE;
}

fh_status fh_bytes_wrap(fh_allocator *a, fh_span bytes, void (*release)(void *ctx), void *ctx, fh_bytes *out) {
    *out = nothing;
    heap_owner *owner = heap_owner_new(a, 0);
    if (owner == NULL)
        return FH_STATUS(FH_NOMEM);
    owner->release = release;
    owner->ctx = ctx;
    *out = (fh_bytes){&owner->base, bytes};
    return FH_DONE;
}

/* A further reference of the owner of b, to `part`. */
static fh_bytes share_part(fh_bytes b, fh_span part) {
    if (b.owner != NULL)
        fh_count_retain(&b.owner->count, fh_owner_weight(b.owner, part.size));
    return (fh_bytes){b.owner, part};
}

fh_bytes fh_bytes_share(fh_bytes b) {
    return share_part(b, b.span);
}

fh_status fh_bytes_slice(fh_bytes b, size_t from, size_t count, fh_bytes *out) {
    fh_span part;
    *out = nothing;
    if (!fh_span_slice(b.span, from, count, &part))
        return FH_STATUS(FH_INVALID);
    if (count != 0)
        *out = share_part(b, part);
    return FH_DONE;
}

/* Makes *b a smaller reference of the same owner, or none. */
static void shrink(fh_bytes *b, fh_span part) {
    fh_bytes old = *b;
    *b = part.size == 0 ? nothing : share_part(old, part);
    fh_bytes_drop(&old);
}

fh_status fh_bytes_split_to(fh_bytes *b, size_t count, fh_bytes *front) {
    FH_TRY(fh_bytes_slice(*b, 0, count, front));
    shrink(b, fh_span_from(b->span, count));
    return FH_DONE;
}

fh_status fh_bytes_split_off(fh_bytes *b, size_t count, fh_bytes *tail) {
    *tail = nothing;
    if (count > b->span.size)
        return FH_STATUS(FH_INVALID);
    fh_span rest = fh_span_from(b->span, count);
    FH_TRY(fh_bytes_slice(*b, count, rest.size, tail));
    shrink(b, fh_span_sub(b->span, 0, count));
    return FH_DONE;
}

bool fh_bytes_equal(fh_bytes a, fh_bytes b) {
    return fh_span_equal(a.span, b.span);
}

void fh_bytes_drop(fh_bytes *b) {
    if (b == NULL || b->owner == NULL)
        return;
    fh_bytes old = *b;
    *b = nothing;
    if (fh_count_release(&old.owner->count, fh_owner_weight(old.owner, old.span.size)))
        old.owner->end(old.owner);
}
