/* weave_inbox.c: letters in all interleavings: each arrives once, whole, whoever else writes at the same time. */
#include "weave.h"

#include "mem/pool/depot.h"

enum { LETTERS = 3 };

static fh_block *blocks;
static uint64_t inbox, empty;
static fh_allocator *allocator;
static uint32_t seen[LETTERS + 1], arrived;

static void setup(fh_allocator *a) {
    allocator = a;
    blocks = fh_alloc(a, LETTERS + 1, sizeof *blocks);
    WEAVE_ASSERT(blocks != NULL);
    fh_store(&inbox, 0, FH_RELAXED);
    fh_store(&empty, 0, FH_RELAXED);
    for (uint32_t n = 1; n <= LETTERS; n++)
        seen[n] = 0;
    arrived = 0;
}

static void check(void) {
    for (uint32_t n = 1; n <= LETTERS; n++)
        WEAVE_ASSERT(seen[n] == 1);
    fh_free(allocator, blocks);
}

static void send(uint32_t n) {
    (void)fh_block_add(&blocks[n], n);
    fh_stack_push(&inbox, blocks, n);
}
static void sends_1(void) {
    send(1);
}
static void sends_2_3(void) {
    send(2);
    send(3);
}

/* Reads what `take` gives until all have come. */
static void read_all(uint32_t (*take)(void)) {
    while (arrived < LETTERS) {
        uint32_t next, n = take();
        if (n == 0)
            fh_pause();
        for (; n != 0; n = next) {
            next = fh_load(&blocks[n].next, FH_RELAXED);
            uint32_t slot = fh_block_drop(&blocks[n]);
            WEAVE_ASSERT(slot == n && blocks[n].count == 0);
            seen[n]++;
            arrived++;
            fh_stack_push(&empty, blocks, n);
        }
    }
}

static uint32_t take(void) {
    return fh_stack_take(&inbox);
}
static void reads(void) {
    read_all(take);
}

/* Looks and then empties: what comes in between is lost. */
static uint32_t take_in_two_steps(void) {
    uint64_t top = fh_load(&inbox, FH_ACQUIRE);
    if (top != 0)
        fh_store(&inbox, 0, FH_RELEASE);
    return fh_stack_first(top);
}
static void reads_in_two_steps(void) {
    read_all(take_in_two_steps);
}

/* A block that was read comes back as the letter of another: from the owner to a sender and to the owner again. */
static void sends_again(void) {
    uint32_t n;
    while ((n = fh_stack_pop(&empty, blocks)) == 0)
        fh_pause();
    (void)fh_block_add(&blocks[n], n);
    fh_stack_push(&inbox, blocks, n);
}
static void reads_again(void) {
    arrived = LETTERS - 2; /* one, and the same one again */
    read_all(take);
    WEAVE_ASSERT(seen[1] == 2);
    seen[1] = seen[2] = seen[3] = 1;
}

int main(void) {
    static const weave_test tests[] = {
        {.name = "inbox: two senders", .setup = setup, .threads = {sends_1, sends_2_3, reads}, .check = check,
         .weaken = "src/mem/pool/depot.h"},
        {.name = "inbox: a block goes round", .setup = setup, .threads = {sends_1, sends_again, reads_again}, .check = check},
        {.name = "inbox: taken in two steps", .setup = setup, .threads = {sends_1, sends_2_3, reads_in_two_steps},
         .check = check, .finds = "deadlock"},
    };
    return weave_main(tests, sizeof tests / sizeof tests[0]);
}
