/* bytes.c: immutable bytes with a count of their references.
 *
 *     copied:   [ owner | the bytes ]               one block
 *     wrapped:  [ owner ] → the bytes of somebody else, given back through `release`
 *
 * Invariants: bytes-count: the count is the number of fh_bytes values that name the owner, at least 1 while one does; the drop
 * that makes it 0 is the only one that sees 1, so the release runs once and the owner is freed once.
 *
 * Threading: the count is atomic. A drop releases (its reads of the bytes come before), the last drop acquires. */
#include "freehold/bytes.h"

#include <stdatomic.h>

#include "freehold/checked.h"

struct fh_bytes_owner {
    _Atomic uint64_t count;
    fh_allocator *allocator;
    void (*release)(void *ctx);
    void *ctx;
    uint64_t unused[4];
};

_Static_assert(sizeof(fh_bytes_owner) == FH_ALLOC_ALIGN, "copied bytes keep the alignment of their block");

static const fh_bytes nothing = {NULL, {NULL, 0}};

fh_status fh_bytes_copy(fh_allocator *a, fh_span bytes, fh_bytes *out) {
    *out = nothing;
    if (bytes.size == 0)
        return FH_DONE;
    size_t total;
    if (!fh_add_size(bytes.size, sizeof(fh_bytes_owner), &total))
        return FH_STATUS(FH_NOMEM);
    fh_bytes_owner *owner = fh_alloc(a, 1, total);
    if (owner == NULL)
        return FH_STATUS(FH_NOMEM);
    atomic_init(&owner->count, 1);
    owner->allocator = a;
    FH_UNSAFE("bytes-count");
    uint8_t *at = (uint8_t *)(owner + 1);
    fh_span_copy((fh_mspan){at, bytes.size}, bytes);
    *out = (fh_bytes){owner, {at, bytes.size}};
    return FH_DONE;
}

fh_status fh_bytes_wrap(fh_allocator *a, fh_span bytes, void (*release)(void *ctx), void *ctx, fh_bytes *out) {
    *out = nothing;
    fh_bytes_owner *owner = fh_alloc(a, 1, sizeof *owner);
    if (owner == NULL)
        return FH_STATUS(FH_NOMEM);
    atomic_init(&owner->count, 1);
    owner->allocator = a;
    owner->release = release;
    owner->ctx = ctx;
    *out = (fh_bytes){owner, bytes};
    return FH_DONE;
}

fh_bytes fh_bytes_share(fh_bytes b) {
    /* A new reference is made from one that lives, so there is nothing to wait for. */
    if (b.owner != NULL)
        FH_ASSERT(atomic_fetch_add_explicit(&b.owner->count, 1, memory_order_relaxed) != 0);
    return b;
}

fh_status fh_bytes_slice(fh_bytes b, size_t from, size_t count, fh_bytes *out) {
    fh_span part;
    *out = nothing;
    if (!fh_span_slice(b.span, from, count, &part))
        return FH_STATUS(FH_INVALID);
    *out = fh_bytes_share(b);
    out->span = part;
    return FH_DONE;
}

void fh_bytes_drop(fh_bytes *b) {
    if (b == NULL || b->owner == NULL)
        return;
    fh_bytes_owner *owner = b->owner;
    *b = nothing;
    uint64_t before = atomic_fetch_sub_explicit(&owner->count, 1, memory_order_acq_rel);
    FH_ASSERT(before != 0);
    if (before != 1)
        return;
    if (owner->release != NULL)
        owner->release(owner->ctx);
    fh_free(owner->allocator, owner);
}
