/* shakes.c: a table of addresses with a count each (shakes.h). Threading: shakes.h. */
#include "sock/shakes.h"

#include "freehold/hash.h"
#include "mem/sync/lock.h"

fh_status fh_shakes_init(fh_shakes *d, fh_allocator *a, size_t handshakes_max, uint64_t secret) {
    fh_shake_rows rows;
    *d = (fh_shakes){.secret = secret};
    FH_TRY(fh_shake_rows_new(a, handshakes_max, &rows));
    d->rows = rows;
    return FH_DONE;
}

void fh_shakes_deinit(fh_shakes *d, fh_allocator *a) {
    fh_shake_rows_free(a, &d->rows);
    d->used = 0;
}

static uint64_t key_of(fh_ref const fh_shakes *d, fh_ref const fh_address *from) {
    fh_span bytes = {from->bytes, sizeof from->bytes};
    uint64_t kind = fh_mix64(d->secret + from->kind + ((uint64_t)from->scope << 32));
    return fh_hash_bytes(kind, fh_span_sub(bytes, 0, from->kind != FH_ADDRESS_UNIX ? from->size : 0));
}

/* Where an address is; `used`: nowhere. */
static size_t find(fh_ref const fh_shakes *d, uint64_t key) {
    size_t at = 0;
    while (at < d->used && fh_shake_rows_at(d->rows, at)->from != key)
        at++;
    return at;
}

static fh_status enter(fh_mut fh_shakes *d, uint64_t key, int64_t most) {
    size_t at = find(d, key);
    fh_shake_row *row = fh_shake_rows_at(d->rows, at); /* who comes has a row of an I/O thread, so there is one here, too */
    if (at == d->used)
        *row = (fh_shake_row){key, 0};
    if (most != 0 && row->count >= most)
        return FH_STATUS(FH_LIMIT);
    row->count++;
    d->used += at == d->used;
    return FH_DONE;
}

fh_status fh_shakes_enter(fh_shakes *d, const fh_address *from, int64_t most) {
    uint64_t key = key_of(d, from);
    fh_lock_take(&d->lock);
    fh_status s = enter(d, key, most);
    fh_lock_give(&d->lock);
    return s;
}

static void leave(fh_mut fh_shakes *d, uint64_t key) {
    size_t at = find(d, key);
    FH_ASSERT(at < d->used);
    fh_shake_row *row = fh_shake_rows_at(d->rows, at);
    if (--row->count == 0)
        *row = *fh_shake_rows_at(d->rows, --d->used);
}

void fh_shakes_leave(fh_shakes *d, const fh_address *from) {
    uint64_t key = key_of(d, from);
    fh_lock_take(&d->lock);
    leave(d, key);
    fh_lock_give(&d->lock);
}
