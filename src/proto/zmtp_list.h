/* zmtp_list.h: bytes in a row: the first ones in are the first ones out.
 *
 * Invariants: items.count is 0 or a power of two; count <= items.count; exactly the places from first on, `count` of them and
 * around the end, hold something. Threading: one thread at a time. */
#ifndef FH_PROTO_ZMTP_LIST_H
#define FH_PROTO_ZMTP_LIST_H

#include "freehold/bytes.h"

typedef struct fh_zmtp_item {
    fh_owned fh_bytes bytes;
    bool more;
} fh_zmtp_item;
FH_SPAN_DEFINE(zmtp_item, fh_zmtp_item);
FH_ARRAY_DEFINE(zmtp_item);

typedef struct fh_zmtp_list {
    fh_ref fh_allocator *allocator;
    fh_owned fh_zmtp_items items;
    size_t first, count;
} fh_zmtp_list;

/* Room for `more` further items. FH_NOMEM. */
FH_MUST_USE fh_status fh_zmtp_list_reserve(fh_mut fh_zmtp_list *list, size_t more);
/* Takes bytes over, at the end; there is room. */
void fh_zmtp_list_push(fh_mut fh_zmtp_list *list, fh_move fh_bytes bytes, bool more);
/* The first item leaves; there is one. */
fh_owned fh_bytes fh_zmtp_list_pop(fh_mut fh_zmtp_list *list, fh_out bool *more);
/* Drops the last item; there is one. */
void fh_zmtp_list_unpush(fh_mut fh_zmtp_list *list);
/* Item i of count, in place. */
const fh_zmtp_item *fh_zmtp_list_at(fh_ref const fh_zmtp_list *list, size_t i) fh_view(1);
/* Drops what is in it, and its memory. */
void fh_zmtp_list_deinit(fh_drop fh_zmtp_list *list);

#endif
