/* weave_segments.c: the ring of counted segments in all interleavings and with all values that the memory model allows. A
 * segment holds its position, announced here as plain memory; its memory is the allocator's, so the explorer sees a use after
 * it was freed, a second free, and one that never comes. */
#include "weave.h"

#include "freehold/segments.h"

static fh_segment_ring *ring;

static void setup(fh_allocator *a, uint32_t capacity) {
    fh_segment_ring_options options = {.segment_bytes = 8, .capacity = capacity};
    fh_status s = fh_segment_ring_new(a, &options, &ring);
    WEAVE_ASSERT(s.code == FH_OK);
}

static void append(uint8_t position) {
    fh_mspan room;
    for (fh_status s; (s = fh_segment_ring_begin(ring, &room)).code != FH_OK; fh_pause())
        WEAVE_ASSERT(s.code == FH_BORROWED);
    FH_WRITES(room.at, 1);
    room.at[0] = position;
    fh_status s = fh_segment_ring_publish(ring);
    WEAVE_ASSERT(s.code == FH_OK);
}

static void drop(void) {
    fh_status s = fh_segment_ring_drop(ring, 1);
    WEAVE_ASSERT(s.code == FH_OK);
}

static void look(const fh_segment_pin *pin) {
    for (uint64_t p = pin->from; p != pin->to; p++) {
        fh_span bytes;
        fh_status s = fh_segment_pin_view(pin, p, &bytes);
        WEAVE_ASSERT(s.code == FH_OK);
        FH_READS(bytes.at, 1);
        WEAVE_ASSERT(bytes.at[0] == p);
    }
}

/* Reads [from, to) if it is there. */
static fh_code read_once(uint64_t from, uint64_t to) {
    fh_segment_pin pin;
    fh_status s = fh_segment_ring_pin(ring, from, to, &pin);
    if (s.code != FH_OK)
        return s.code;
    look(&pin);
    s = fh_segment_pin_drop(&pin);
    WEAVE_ASSERT(s.code == FH_OK);
    return FH_OK;
}

static void end(void) {
    fh_status s = fh_segment_ring_check(ring, NULL);
    WEAVE_ASSERT(s.code == FH_OK && fh_segment_ring_stats_get(ring).ghosts == 0);
    fh_segment_ring_free(ring);
}

/* --- the last of three frees: the writer drops what two readers may hold ---------------------------------------------- */

static void setup_one(fh_allocator *a) {
    setup(a, 1);
    append(0);
}
static void read_0(void) {
    fh_code code = read_once(0, 1);
    WEAVE_ASSERT(code == FH_OK || code == FH_STALE);
}

/* --- one place, two lives: a reader that is late never counts in the second ------------------------------------------- */

static void drop_append(void) {
    drop();
    append(1);
}
static void read_0_or_1(void) {
    fh_code code = read_once(0, 1);
    if (code == FH_STALE)
        code = read_once(1, 2);
    WEAVE_ASSERT(code == FH_OK || code == FH_AGAIN);
}

/* --- a range: all of it, or nothing is left pinned -------------------------------------------------------------------- */

static void setup_two(fh_allocator *a) {
    setup(a, 2);
    append(0);
    append(1);
}
static void drop_both(void) {
    drop();
    drop();
}
static void read_both(void) {
    fh_code code = read_once(0, 2);
    WEAVE_ASSERT(code == FH_OK || code == FH_STALE);
}

/* --- what the range shows has been published -------------------------------------------------------------------------- */

static void setup_empty(fh_allocator *a) {
    setup(a, 2);
}
static void append_2_drop_1(void) {
    append(0);
    append(1);
    drop();
}
static void follow(void) {
    fh_segment_range r = fh_segment_ring_range(ring);
    WEAVE_ASSERT(r.from <= r.to && r.to <= 2);
    if (r.from < r.to) {
        fh_code code = read_once(r.from, r.to);
        WEAVE_ASSERT(code == FH_OK || code == FH_STALE);
    }
}

/* --- two copies of one pin dropped at once: one of them counts ------------------------------------------------------------ */

static fh_segment_pin copies[2];
static uint64_t drops;

static void setup_copies(fh_allocator *a) {
    setup_two(a);
    fh_status s = fh_segment_ring_pin(ring, 0, 2, &copies[0]);
    WEAVE_ASSERT(s.code == FH_OK);
    copies[1] = copies[0];
    drop_both();
    drops = 0;
}
static void drop_copy(size_t i) {
    fh_status s = fh_segment_pin_drop(&copies[i]);
    WEAVE_ASSERT(s.code == FH_OK || (s.code == FH_DOUBLE_FREE && copies[i].ring == ring));
    if (s.code == FH_OK)
        fh_fetch_add(&drops, 1, FH_RELAXED);
}
static void drop_first_copy(void) {
    drop_copy(0);
}
static void drop_second_copy(void) {
    drop_copy(1);
}
static void end_copies(void) {
    WEAVE_ASSERT(fh_load(&drops, FH_RELAXED) == 1);
    end();
}

int main(void) {
    static const weave_test tests[] = {
        {.name = "segments: the last frees", .setup = setup_one, .threads = {drop, read_0, read_0}, .check = end,
         .weaken = "segments.", .spare = {"pin_one cas &s->word"}}, /* published before the threads were there */
        {.name = "segments: two lives", .setup = setup_one, .threads = {drop_append, read_0_or_1, read_0_or_1}, .check = end,
         .weaken = "segments.", .spare = {"fh_segment_ring_publish store &ring->tail"}}, /* nobody asks for the range */
        {.name = "segments: a range", .setup = setup_two, .threads = {drop_both, read_both}, .check = end},
        {.name = "segments: following", .setup = setup_empty, .threads = {append_2_drop_1, follow}, .check = end,
         .weaken = "segments.",
         .spare = {"fh_segment_ring_publish store &s->word", "pin_one cas &s->word", /* what they do, the range does here */
                   "fh_segment_ring_begin load &slot_of(ring, r.to)->word", "unpin_one cas &s->word"}}, /* see two lives */
        {.name = "segments: dropped twice at once", .setup = setup_copies, .threads = {drop_first_copy, drop_second_copy},
         .check = end_copies},
    };
    return weave_main(tests, sizeof tests / sizeof tests[0]);
}
