/* stock.c: when what is in store does not do, or is not needed any more (stock.h). Threading: stock.h. */
#include "mem/stock.h"

void fh_stock_end(fh_stock *s) {
    fh_stock old = *s;
    *s = (fh_stock){NULL, 0, 0};
    if (old.owner != NULL && fh_count_release_all(&old.owner->count, old.refs, old.weight))
        old.owner->end(old.owner);
}

void fh_stock_fill(fh_stock *s, fh_bytes_owner *owner, uint32_t weight) {
    if (s->owner != owner)
        fh_stock_end(s);
    fh_count_retain_more(&owner->count, FH_STOCK_MOST - s->refs, FH_STOCK_MOST * weight, s->weight);
    *s = (fh_stock){owner, FH_STOCK_MOST, FH_STOCK_MOST * weight};
}
