/* lane.c: a ring bounded by credit (lane.h). Threading: lane.h. */
#include "sock/lane.h"

enum { LAST_SLOTS = 3, NEWS = 4 };

fh_status fh_lane_init(fh_lane *l, fh_allocator *a, uint32_t mark) {
    fh_messages slots;
    size_t room = 1;
    bool conflates = mark == FH_LANE_CONFLATES;
    uint32_t bound = conflates ? LAST_SLOTS : mark == 0 || mark > FH_LANE_MARK_MAX ? FH_LANE_MARK_MAX : mark;
    while (room < bound)
        room *= 2;
    *l = (fh_lane){0};
    FH_TRY(fh_messages_new(a, room, &slots));
    *l = (fh_lane){.slots = slots, .allocator = a, .conflates = conflates, .between = 2, .theirs = 1,
                   .writer_awake = 1, .reader_awake = 1, .credit = {.mark = bound}, .debit = {.mark = bound}};
    return FH_DONE;
}

/* Drops what is in a slot. */
static void end_slot(fh_mut fh_lane *l, uint64_t index, fh_ref fh_allocator *a) {
    fh_message m;
    fh_message_take(fh_lane_slot(l, index), &m);
    fh_message_drop(&m, a);
}

void fh_lane_deinit(fh_lane *l, fh_allocator *a) {
    uint64_t from = l->conflates ? 0 : l->debit.read, to = l->conflates ? LAST_SLOTS : l->credit.written;
    for (uint64_t i = from; i < to; i++)
        end_slot(l, i, a);
    fh_messages_free(a, &l->slots);
}

/* --- the newest only ------------------------------------------------------------------------------------------------------ */

/* The writer's slot goes between the two, and what lay there, which nobody has read, is the writer's. */
static void replace_last(fh_mut fh_lane *l, fh_mut fh_message *m) {
    FH_WRITES(fh_lane_slot(l, l->mine), sizeof *m);
    end_slot(l, l->mine, l->allocator);
    fh_message_take(m, fh_lane_slot(l, l->mine));
    l->mine = fh_exchange(&l->between, l->mine | NEWS, FH_ACQ_REL) & ~(uint32_t)NEWS;
}

/* The reader has the newest message, if there is one that it has not taken. */
static bool has_last(fh_mut fh_lane *l) {
    if ((fh_load(&l->between, FH_RELAXED) & NEWS) != 0)
        l->theirs = fh_exchange(&l->between, l->theirs, FH_ACQ_REL) & ~(uint32_t)NEWS;
    FH_READS(fh_lane_slot(l, l->theirs), sizeof(fh_message));
    return fh_message_count(fh_lane_slot(l, l->theirs)) != 0;
}

/* --- the writer ----------------------------------------------------------------------------------------------------------- */

static bool has_credit(fh_mut fh_lane *l) {
    if (l->conflates)
        return true;
    (void)fh_credit_told(&l->credit, fh_load(&l->told, FH_ACQUIRE));
    return fh_credit_open(&l->credit);
}

bool fh_lane_find_room(fh_lane *l) {
    if (has_credit(l))
        return true;
    (void)fh_exchange(&l->writer_awake, 0, FH_ACQ_REL);
    if (!has_credit(l))
        return false;
    (void)fh_exchange(&l->writer_awake, 1, FH_RELAXED);
    return true;
}

void fh_lane_add_parts(fh_lane *l, fh_message *m) {
    if (l->conflates) {
        replace_last(l, m);
        return;
    }
    FH_WRITES(fh_lane_slot(l, l->credit.written), sizeof *m);
    fh_message_take(m, fh_lane_slot(l, l->credit.written));
    fh_credit_spend(&l->credit);
}

bool fh_lane_end(fh_lane *l) {
    fh_store(&l->ended, 1, FH_RELEASE);
    return fh_lane_call(l);
}

/* --- the reader ----------------------------------------------------------------------------------------------------------- */

bool fh_lane_find_more(fh_lane *l) {
    if (l->conflates)
        return has_last(l);
    l->seen = fh_load(&l->written, FH_ACQUIRE);
    return l->seen != l->debit.read;
}

fh_lane_state fh_lane_find(fh_lane *l) {
    if (fh_lane_find_more(l))
        return FH_LANE_MESSAGE;
    (void)fh_exchange(&l->reader_awake, 0, FH_ACQ_REL);
    bool ended = fh_lane_has_ended(l); /* before the look: nothing is written after it */
    if (!fh_lane_find_more(l))
        return ended ? FH_LANE_ENDED : FH_LANE_EMPTY;
    (void)fh_exchange(&l->reader_awake, 1, FH_RELAXED);
    return FH_LANE_MESSAGE;
}

bool fh_lane_tell_read(fh_lane *l) {
    fh_store(&l->told, l->debit.told, FH_RELEASE);
    return fh_exchange(&l->writer_awake, 1, FH_ACQ_REL) == 0;
}

void fh_lane_pop_parts(fh_lane *l, fh_message *m, bool *tell) {
    *tell = false;
    if (l->conflates) {
        FH_WRITES(fh_lane_slot(l, l->theirs), sizeof *m);
        fh_message_take(fh_lane_slot(l, l->theirs), m);
        return;
    }
    FH_WRITES(fh_lane_slot(l, l->debit.read), sizeof *m); /* it is emptied */
    fh_message_take(fh_lane_slot(l, l->debit.read), m);
    if (fh_debit_read(&l->debit))
        *tell = fh_lane_tell_read(l);
}

bool fh_lane_leave(fh_lane *l) {
    return fh_exchange(&l->writer_awake, 1, FH_ACQUIRE) == 0;
}
