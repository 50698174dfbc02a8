/* stock.h: references to one owner in store, so that whoever takes or ends many of them changes the count once for all.
 *
 *     fh_stock stock = {0};
 *     part = fh_stock_slice(&stock, whole, from, count);    as fh_bytes_slice, of a part that is inside
 *     fh_stock_drop(&stock, &bytes);                        as fh_bytes_drop, at fh_stock_end at the latest
 *     fh_stock_end(&stock);
 *
 * A count that two threads change for each message is a cache line that goes to and fro between them for each message.
 *
 * What is in store counts, so bytes and pages live as long as a stock has references to them: end it when a batch is done.
 *
 * Invariants: stock-count: `refs` references of `owner`, which weigh `weight` in all, are the stock's; 1 <= refs <=
 * FH_STOCK_MOST while there is an owner, so what the stock points to is alive; refs = weight = 0 without one.
 * Threading: one thread at a time. */
#ifndef FH_MEM_STOCK_H
#define FH_MEM_STOCK_H

#include "mem/bytes_owner.h"

enum { FH_STOCK_MOST = 64, FH_STOCK_LINE = 64 };

/* {0}: empty. */
typedef struct fh_stock {
    fh_ref fh_bytes_owner *owner;
    uint32_t refs, weight;
} fh_stock;

/* Ends all references in store. */
void fh_stock_end(fh_drop fh_stock *s);
/* Has references to an owner, of which the caller has one, that can pay for one of `weight`. */
void fh_stock_fill(fh_mut fh_stock *s, fh_ref fh_bytes_owner *owner, uint32_t weight);

/* One reference out of store that weighs `weight`, for somebody who holds one of this owner's. */
static inline void fh_stock_take(fh_mut fh_stock *s, fh_ref fh_bytes_owner *owner, uint32_t weight) {
    if (FH_UNLIKELY(s->owner != owner || s->refs <= 1 || s->weight < weight))
        fh_stock_fill(s, owner, weight);
    s->refs--;
    s->weight -= weight;
}

/* One more reference to `count` bytes of b from `from`; a part that is not inside ends the program. */
static inline fh_owned fh_bytes fh_stock_slice(fh_mut fh_stock *s, fh_bytes b, size_t from, size_t count) {
    fh_span part = fh_span_sub(b.span, from, count);
    fh_bytes_owner *owner = count != 0 ? b.owner : NULL;
    if (owner != NULL)
        fh_stock_take(s, owner, fh_owner_weight(owner, count));
    return (fh_bytes){owner, count != 0 ? part : (fh_span){NULL, 0}};
}

/* Takes the lines of bytes on a page away from every other core. For whoever reads what another thread has just copied there,
 * and drops it: a line that both have seen costs who fills the page again far more than one that only the reader has. Nothing
 * is changed in them; bytes that do not lie on a page, which may be read-only memory, are left alone. */
static inline void fh_stock_own(fh_bytes b) {
    FH_UNSAFE("bytes-lines");
    uint8_t *at = (uint8_t *)(uintptr_t)b.span.at;
    if (b.owner == NULL || b.owner->weight_max == 0)
        return;
    for (size_t i = 0; i < b.span.size; i += FH_STOCK_LINE)
        fh_own_line(at + i);
}

/* One fewer; *b becomes empty. */
static inline void fh_stock_drop(fh_mut fh_stock *s, fh_drop fh_bytes *b) {
    fh_bytes old = *b;
    *b = (fh_bytes){NULL, {NULL, 0}};
    if (old.owner == NULL)
        return;
    if (FH_UNLIKELY(s->owner != old.owner || s->refs == FH_STOCK_MOST)) {
        fh_stock_end(s);
        s->owner = old.owner;
    }
    s->refs++;
    s->weight += fh_owner_weight(old.owner, old.span.size);
}

#endif
