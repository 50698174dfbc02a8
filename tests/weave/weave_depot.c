/* weave_depot.c: stacks of blocks in all interleavings: each block is one thread's at a time, with what was put into it. */
#include "weave.h"

#include "mem/pool/depot.h"

enum { BLOCKS = 3 };

static fh_block *blocks;
static uint64_t stack, inbox;
static fh_allocator *allocator;
static uint32_t seen[BLOCKS + 1];

static void setup(fh_allocator *a) {
    allocator = a;
    blocks = fh_alloc(a, BLOCKS + 1, sizeof *blocks);
    WEAVE_ASSERT(blocks != NULL);
    fh_store(&stack, 0, FH_RELAXED);
    fh_store(&inbox, 0, FH_RELAXED);
    for (uint32_t n = 1; n <= BLOCKS; n++) {
        (void)fh_block_add(fh_block_at(blocks, n), 100 + n);
        fh_stack_push(&stack, blocks, n);
        seen[n] = 0;
    }
}

/* Every block is on the stack, once, with one slot. */
static void check(void) {
    uint32_t count = 0;
    for (uint32_t n; (n = fh_stack_pop(&stack, blocks)) != 0; count++) {
        WEAVE_ASSERT(blocks[n].count == 1 && ++seen[n] == 1);
        WEAVE_ASSERT(fh_block_drop(&blocks[n]) == 100 + n);
    }
    WEAVE_ASSERT(count == BLOCKS);
    fh_free(allocator, blocks);
}

/* --- magazines: taken and put back ------------------------------------------------------------------------------------ */

/* Has a block for itself: takes its slot out and puts it back. */
static uint32_t pop_and_use(void) {
    uint32_t n = fh_stack_pop(&stack, blocks);
    if (n != 0) {
        WEAVE_ASSERT(fh_block_drop(&blocks[n]) == 100 + n && blocks[n].count == 0);
        (void)fh_block_add(&blocks[n], 100 + n);
    }
    return n;
}

static void one_and_back(void) {
    uint32_t n = pop_and_use();
    WEAVE_ASSERT(n != 0);
    fh_stack_push(&stack, blocks, n);
}

/* Takes two and puts the first back: what is on top is the same block as before, over another one. */
static void two_and_first_back(void) {
    uint32_t first = pop_and_use(), second = pop_and_use();
    WEAVE_ASSERT(first != 0 && second != 0);
    fh_stack_push(&stack, blocks, first);
    fh_stack_push(&stack, blocks, second);
}

/* The same stack without a tag. */
static void untagged_push(uint32_t n) {
    uint64_t old = fh_load(&stack, FH_RELAXED);
    do
        fh_store(&blocks[n].next, fh_stack_first(old), FH_RELAXED);
    while (!fh_cas(&stack, &old, n, FH_RELEASE));
}

static void untagged_one_and_back(void) {
    uint32_t n = pop_and_use();
    WEAVE_ASSERT(n != 0);
    untagged_push(n);
}

static void untagged_two_and_first_back(void) {
    uint32_t first = pop_and_use(), second = pop_and_use();
    WEAVE_ASSERT(first != 0 && second != 0);
    untagged_push(first);
    untagged_push(second);
}

static void untagged_setup(fh_allocator *a) {
    setup(a);
    fh_store(&stack, fh_stack_first(fh_load(&stack, FH_RELAXED)), FH_RELAXED);
}

int main(void) {
    static const weave_test tests[] = {
        {.name = "depot: two threads", .setup = setup, .threads = {one_and_back, two_and_first_back}, .check = check,
         .weaken = "src/mem/pool/depot.h"},
        {.name = "depot: three threads", .setup = setup, .threads = {one_and_back, one_and_back, one_and_back}, .check = check,
         .preemptions = 2},
        {.name = "depot: without a tag", .setup = untagged_setup,
         .threads = {untagged_one_and_back, untagged_two_and_first_back}, .check = check, .finds = "thread"},
    };
    return weave_main(tests, sizeof tests / sizeof tests[0]);
}
