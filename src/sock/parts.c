/* parts.c: lane to session, session to lane (parts.h). Threading: parts.h. */
#include "sock/parts.h"

#include "mem/stock.h"
#include "proto/zmtp_quick.h"

/* The next message, of those that were seen, if it is one of one small part. */
static bool is_small(fh_mut fh_lane *lane) {
    if (lane->conflates || !fh_lane_seen(lane))
        return false;
    const fh_message *first = fh_lane_first(lane);
    return fh_message_is_part(first) && fh_message_only(first)->span.size <= FH_ZMTP_PACK_MAX;
}

bool fh_parts_give(fh_lane *from, fh_zmtp *to, size_t most, bool *tell) {
    fh_zmtp_pack pack;
    fh_stock gone = {NULL, 0, 0};
    bool told = false;
    *tell = false;
    if (!is_small(from) || !fh_zmtp_pack_begin(to, most, &pack))
        return false;
    while (is_small(from)) {
        const fh_bytes *body = fh_message_only(fh_lane_first(from));
        fh_stock_own(*body);
        if (!fh_zmtp_pack_put(&pack, body->span))
            break;
        fh_bytes part = fh_lane_pop_part(from, &told);
        fh_stock_drop(&gone, &part);
    }
    fh_zmtp_pack_end(to, pack.used);
    fh_stock_end(&gone);
    *tell = told;
    return true;
}

bool fh_parts_take(fh_zmtp *from, fh_lane *to) {
    fh_bytes part;
    fh_zmtp_parts parts;
    bool some = false;
    if (to->conflates || !fh_zmtp_parts_begin(from, &parts))
        return false;
    while (fh_lane_is_open(to) && fh_zmtp_parts_next(&parts, &part)) {
        fh_lane_add_part(to, part);
        some = true;
    }
    fh_zmtp_parts_end(from, parts.used);
    return some && fh_lane_call(to);
}
