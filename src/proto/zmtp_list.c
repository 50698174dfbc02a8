/* zmtp_list.c: a ring of bytes that grows (zmtp_list.h). Threading: zmtp_list.h. */
#include "proto/zmtp_list.h"

enum { ITEMS_MIN = 8 };

static const fh_bytes nothing = {NULL, {NULL, 0}};

/* Where item i lies. */
static size_t place(const fh_zmtp_list *l, size_t i) {
    return (l->first + i) & (l->items.count - 1);
}

/* What lies at a place leaves it. */
static fh_owned fh_bytes take(fh_zmtp_items items, size_t at) {
    fh_zmtp_item *item = fh_zmtp_items_at(items, at);
    fh_bytes out = item->bytes;
    item->bytes = nothing;
    return out;
}

fh_status fh_zmtp_list_reserve(fh_zmtp_list *l, size_t more) {
    size_t room = l->items.count != 0 ? l->items.count : ITEMS_MIN;
    while (room - l->count < more) {
        if (room > SIZE_MAX / 2 / sizeof(fh_zmtp_item))
            return FH_STATUS(FH_NOMEM);
        room *= 2;
    }
    if (room == l->items.count)
        return FH_DONE;
    fh_zmtp_items items;
    FH_TRY(fh_zmtp_items_new(l->allocator, room, &items));
    for (size_t i = 0; i < l->count; i++) {
        size_t from = place(l, i);
        fh_zmtp_items_at(items, i)->more = fh_zmtp_items_at(l->items, from)->more;
        fh_zmtp_items_at(items, i)->bytes = take(l->items, from);
    }
    fh_zmtp_items_free(l->allocator, &l->items);
    l->items = items;
    l->first = 0;
    return FH_DONE;
}

void fh_zmtp_list_push(fh_zmtp_list *l, fh_bytes bytes, bool more) {
    FH_ASSERT(l->count < l->items.count);
    fh_zmtp_item *item = fh_zmtp_items_at(l->items, place(l, l->count++));
    item->bytes = bytes;
    item->more = more;
}

fh_bytes fh_zmtp_list_pop(fh_zmtp_list *l, bool *more) {
    FH_ASSERT(l->count != 0);
    size_t at = l->first;
    l->first = (l->first + 1) & (l->items.count - 1);
    l->count--;
    *more = fh_zmtp_items_at(l->items, at)->more;
    return take(l->items, at);
}

void fh_zmtp_list_unpush(fh_zmtp_list *l) {
    FH_ASSERT(l->count != 0);
    fh_bytes last = take(l->items, place(l, --l->count));
    fh_bytes_drop(&last);
}

const fh_zmtp_item *fh_zmtp_list_at(const fh_zmtp_list *l, size_t i) {
    FH_ASSERT(i < l->count);
    return fh_zmtp_items_at(l->items, place(l, i));
}

void fh_zmtp_list_deinit(fh_zmtp_list *l) {
    while (l->count != 0)
        fh_zmtp_list_unpush(l);
    fh_zmtp_items_free(l->allocator, &l->items);
    l->items = (fh_zmtp_items){NULL, 0};
}
