/* weave_lane.c: a lane and the mailboxes of its two sides: each side sleeps when it has nothing to do, and only what it is told
 * wakes it, so a wake that is lost is a deadlock. */
#include "weave.h"

#include "freehold/os.h"
#include "sock/lane.h"
#include "sock/mailbox.h"

static fh_lane lane;
static fh_mailbox writer_box, reader_box;
static uint64_t got;
static fh_allocator *memory;

static void setup(fh_allocator *a, uint32_t mark) {
    memory = a;
    writer_box = reader_box = (fh_mailbox){0};
    got = 0;
    fh_status s = fh_lane_init(&lane, a, mark);
    WEAVE_ASSERT(s.code == FH_OK);
}
static void setup_1(fh_allocator *a) {
    setup(a, 1);
}
static void setup_2(fh_allocator *a) {
    setup(a, 2);
}
static void setup_newest(fh_allocator *a) {
    setup(a, FH_LANE_CONFLATES);
}
static void end(void) {
    WEAVE_ASSERT(got == 2);
    fh_lane_deinit(&lane, memory);
}

/* What a side calls the link: plain memory, written before its first look, and read by who tells it. */
static uint64_t reader_number, writer_number;

static void tell(fh_mailbox *box, bool whether) {
    const uint64_t *number = box == &reader_box ? &reader_number : &writer_number;
    if (!whether)
        return;
    FH_READS(number, sizeof *number);
    (void)!fh_mailbox_tell(box, (uint32_t)*number);
}
static void enter(uint64_t *number) {
    FH_WRITES(number, sizeof *number);
    *number = 70;
}

/* What a socket does before each look. */
static uint32_t attend(fh_mailbox *box) {
    uint32_t seen = fh_mailbox_seen(box), number;
    while (fh_mailbox_next(box, &number))
        WEAVE_ASSERT(number == 70);
    return seen;
}

static void put(uint64_t k) {
    for (;;) {
        uint32_t seen = attend(&writer_box);
        if (fh_lane_is_open(&lane))
            break;
        fh_mailbox_wait(&writer_box, seen, UINT64_MAX);
    }
    fh_message m = {.count = (uint32_t)k};
    tell(&reader_box, fh_lane_put(&lane, &m));
}

static void write_two(void) {
    enter(&writer_number);
    put(1);
    put(2);
    tell(&reader_box, fh_lane_end(&lane));
}

/* Many in a row are called once. */
static void add_two(void) {
    enter(&writer_number);
    for (uint32_t k = 1; k <= 2; k++) {
        WEAVE_ASSERT(fh_lane_is_open(&lane));
        fh_message m = {.count = k};
        fh_lane_add(&lane, &m);
    }
    tell(&reader_box, fh_lane_call(&lane));
    tell(&reader_box, fh_lane_end(&lane));
}

/* There is one, and it is the next one. */
static void take_next(void) {
    fh_message m;
    bool told;
    fh_lane_pop(&lane, &m, &told);
    WEAVE_ASSERT(m.count == ++got);
    tell(&writer_box, told);
}

static void read_all(void) {
    enter(&reader_number);
    for (;;) {
        uint32_t seen = attend(&reader_box);
        fh_lane_state state = fh_lane_look(&lane);
        if (state == FH_LANE_ENDED)
            return;
        if (state == FH_LANE_EMPTY) {
            fh_mailbox_wait(&reader_box, seen, UINT64_MAX);
            continue;
        }
        take_next();
    }
}

/* Who asks whether it is over, between its look and its sleep, loses nothing by that. */
static bool is_over(void) {
    return fh_lane_is_over(&lane);
}
static void read_two(bool (*asks)(void)) {
    enter(&reader_number);
    while (got != 2) {
        uint32_t seen = attend(&reader_box);
        if (fh_lane_look(&lane) != FH_LANE_MESSAGE) {
            if (!asks())
                fh_mailbox_wait(&reader_box, seen, UINT64_MAX);
            continue;
        }
        take_next();
    }
}
static void put_two(void) {
    enter(&writer_number);
    put(1);
    put(2);
}
static void read_and_ask(void) {
    read_two(is_over);
}

/* A bug: a second look whose message is not taken up. */
static bool is_over_by_looks(void) {
    return fh_lane_look(&lane) == FH_LANE_ENDED;
}
static void read_and_look(void) {
    read_two(is_over_by_looks);
}

/* Of a lane that conflates: the last one in any case, and none twice. */
static void write_three(void) {
    enter(&writer_number);
    put(1);
    put(2);
    put(3);
}
static void read_newest(void) {
    enter(&reader_number);
    while (got != 3) {
        uint32_t seen = attend(&reader_box);
        if (fh_lane_look(&lane) == FH_LANE_EMPTY) {
            fh_mailbox_wait(&reader_box, seen, UINT64_MAX);
            continue;
        }
        fh_message m;
        bool told;
        fh_lane_pop(&lane, &m, &told);
        WEAVE_ASSERT(m.count > got && !told);
        got = m.count;
    }
}

static void end_only(void) {
    tell(&reader_box, fh_lane_end(&lane));
}
/* What a writer did before it went to wait for room is seen by the reader that tells it. */
static void wait_for_room(void) {
    put(1);
    enter(&writer_number);
    for (;;) {
        uint32_t seen = attend(&writer_box);
        if (fh_lane_is_open(&lane))
            return;
        fh_mailbox_wait(&writer_box, seen, UINT64_MAX);
    }
}
static void read_one(void) {
    while (fh_lane_look(&lane) != FH_LANE_MESSAGE)
        fh_pause();
    fh_message m;
    bool told;
    fh_lane_pop(&lane, &m, &told);
    tell(&writer_box, told);
}
static void leave(void) {
    tell(&writer_box, fh_lane_leave(&lane));
}
static void fill(void) {
    enter(&writer_number);
    put(1);
    (void)!fh_lane_is_open(&lane);
}
static void drop(void) {
    fh_lane_deinit(&lane, memory);
}

int main(void) {
    static const weave_test tests[] = {
        {.name = "lane: two through one place", .setup = setup_1, .threads = {write_two, read_all}, .check = end,
         .preemptions = 2, .weaken = "lane.", .spare = {"fh_lane_find_room exchange &l->writer_awake",
                                                        "fh_lane_tell_read exchange &l->writer_awake"}},
        {.name = "lane: two through two places", .setup = setup_2, .threads = {write_two, read_all}, .check = end,
         .preemptions = 3},
        {.name = "lane: one asks whether it is over", .setup = setup_2, .threads = {put_two, read_and_ask}, .check = end,
         .preemptions = 3},
        {.name = "lane: a look that is not taken up", .setup = setup_2, .threads = {put_two, read_and_look}, .check = end,
         .preemptions = 3, .finds = "deadlock"},
        {.name = "lane: two at once", .setup = setup_2, .threads = {add_two, read_all}, .check = end, .preemptions = 3,
         .weaken = "lane.", .spare = {"fh_lane_tell_read exchange &l->writer_awake", "fh_lane_tell_read store &l->told"}},
        {.name = "lane: the newest of three", .setup = setup_newest, .threads = {write_three, read_newest}, .check = drop,
         .preemptions = 2, .weaken = "lane.",
         .spare = {"fh_lane_has_ended load &l->ended", "fh_lane_call store &l->written"}},
        {.name = "lane: the end", .setup = setup_1, .threads = {end_only, read_all}, .check = drop, .preemptions = 4,
         .weaken = "lane.", .spare = {"fh_lane_end store &l->ended", "fh_lane_find_more load &l->written",
                                      "fh_lane_call store &l->written", "fh_lane_has_ended load &l->ended"}},
        {.name = "lane: room", .setup = setup_1, .threads = {wait_for_room, read_one}, .check = drop, .preemptions = 3,
         .weaken = "lane.", .spare = {"fh_lane_call exchange &l->reader_awake", "fh_lane_find exchange &l->reader_awake",
                                      "fh_lane_has_ended load &l->ended", "has_credit load &l->told",
                                      "fh_lane_tell_read store &l->told"}},
        {.name = "lane: the reader leaves", .setup = setup_1, .threads = {fill, leave}, .check = drop, .weaken = "lane.",
         .spare = {"fh_lane_call store &l->written", "fh_lane_call exchange &l->reader_awake", "has_credit load &l->told",
                   "fh_lane_find_room exchange &l->writer_awake"}},
    };
    return weave_main(tests, sizeof tests / sizeof tests[0]);
}
