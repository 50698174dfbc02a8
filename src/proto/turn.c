/* turn.c: a ring of peers in two arrays (turn.h). Threading: turn.h. */
#include "proto/turn.h"

void fh_turn_init(fh_turn *t, fh_allocator *a) {
    *t = (fh_turn){.allocator = a, .first = FH_NO_PEER};
}

void fh_turn_deinit(fh_turn *t) {
    fh_u32s_free(t->allocator, &t->next);
    fh_u32s_free(t->allocator, &t->previous);
}

fh_status fh_turn_reserve(fh_turn *t, uint32_t count) {
    fh_u32s next, previous;
    if (count <= t->next.count)
        return FH_DONE;
    if (count == FH_NO_PEER)
        return FH_STATUS(FH_LIMIT);
    size_t room = (size_t)count + count / 2;
    FH_TRY(fh_u32s_new(t->allocator, room, &next));
    fh_status s = fh_u32s_new(t->allocator, room, &previous);
    if (fh_failed(s)) {
        fh_u32s_free(t->allocator, &next);
        return s;
    }
    for (size_t i = 0; i < room; i++) {
        fh_u32s_set(next, i, i < t->next.count ? fh_u32s_get(t->next, i) : FH_NO_PEER);
        fh_u32s_set(previous, i, i < t->next.count ? fh_u32s_get(t->previous, i) : FH_NO_PEER);
    }
    fh_u32s_free(t->allocator, &t->next);
    fh_u32s_free(t->allocator, &t->previous);
    t->next = next;
    t->previous = previous;
    return FH_DONE;
}

bool fh_turn_is_awake(const fh_turn *t, uint32_t peer) {
    return peer < t->next.count && fh_u32s_get(t->next, peer) != FH_NO_PEER;
}

static void link(fh_turn *t, uint32_t a, uint32_t b) {
    fh_u32s_set(t->next, a, b);
    fh_u32s_set(t->previous, b, a);
}

void fh_turn_wake(fh_turn *t, uint32_t peer) {
    FH_ASSERT(peer < t->next.count);
    if (fh_turn_is_awake(t, peer))
        return;
    if (t->awake++ == 0) {
        t->first = peer;
        link(t, peer, peer);
        return;
    }
    link(t, fh_u32s_get(t->previous, t->first), peer);
    link(t, peer, t->first);
}

void fh_turn_rest(fh_turn *t, uint32_t peer) {
    if (!fh_turn_is_awake(t, peer))
        return;
    uint32_t next = fh_u32s_get(t->next, peer);
    link(t, fh_u32s_get(t->previous, peer), next);
    fh_u32s_set(t->next, peer, FH_NO_PEER);
    t->awake--;
    if (t->awake == 0)
        t->first = FH_NO_PEER;
    else if (t->first == peer)
        t->first = next;
}
