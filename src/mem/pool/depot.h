/* depot.h: blocks of slot numbers, and lock-free stacks of them.
 *
 * What threads hand each other goes by the block: a magazine of free slots, or a letter with slots that were released. Blocks
 * have numbers from 1, lie in one array that never moves, and are used again but never freed while the pool lives. So a thread
 * that holds an outdated top may always read that block's `next`; what it read is thrown away when its swap fails.
 *
 *     top = {tag, number of the first block, or 0}
 *
 * The tag counts pushes. A swap that finds the top it expects therefore finds a stack that nobody pushed on meanwhile, so
 * `next` is still right (no ABA). The tag has 38 bits: a thread would have to sleep between its load and its swap for exactly
 * 2^38 pushes, an hour at least, to be fooled.
 *
 * Invariants: depot-block: a block is on one stack, or one thread has it; its count and slots are touched only by who has it.
 * Threading: push, pop and take from any thread. A stack that somebody takes whole is never popped: an inbox. */
#ifndef FH_MEM_DEPOT_H
#define FH_MEM_DEPOT_H

#include "freehold/atomic.h"
#include "freehold/attrs.h"

enum { FH_BLOCK_SLOTS = 62, FH_BLOCK_BITS = 26, FH_BLOCKS_MAX = (1 << FH_BLOCK_BITS) - 1 };

typedef struct fh_block {
    uint32_t next; /* the block below on a stack; 0 = none */
    uint32_t count;
    uint32_t slots[FH_BLOCK_SLOTS];
} fh_block;

static inline uint32_t fh_stack_first(uint64_t top) {
    return (uint32_t)top & FH_BLOCKS_MAX;
}

static inline fh_block *fh_block_at(fh_block *blocks, uint32_t number) {
    FH_UNSAFE("depot-block");
    return blocks + number;
}

/* Puts a block that the caller has on top. */
static inline void fh_stack_push(uint64_t *top, fh_block *blocks, uint32_t number) {
    uint64_t old = fh_load(top, FH_RELAXED), tag;
    do {
        fh_store(&fh_block_at(blocks, number)->next, fh_stack_first(old), FH_RELAXED);
        tag = (old >> FH_BLOCK_BITS) + 1;
    } while (!fh_cas(top, &old, tag << FH_BLOCK_BITS | number, FH_RELEASE));
}

/* The block on top, or 0; the caller has it from now on. */
static inline uint32_t fh_stack_pop(uint64_t *top, fh_block *blocks) {
    uint64_t old = fh_load(top, FH_ACQUIRE), next;
    do {
        if (fh_stack_first(old) == 0)
            return 0;
        next = fh_load(&fh_block_at(blocks, fh_stack_first(old))->next, FH_RELAXED);
    } while (!fh_cas(top, &old, (old & ~(uint64_t)FH_BLOCKS_MAX) | next, FH_ACQUIRE));
    return fh_stack_first(old);
}

/* All blocks, linked by `next`, or 0; the caller has them from now on. No tag is needed where nobody pops. */
static inline uint32_t fh_stack_take(uint64_t *top) {
    if (fh_load(top, FH_RELAXED) == 0)
        return 0;
    return fh_stack_first(fh_exchange(top, 0, FH_ACQUIRE));
}

/* Adds a slot to a block with room that the caller has; returns its count. */
static inline uint32_t fh_block_add(fh_block *block, uint32_t slot) {
    FH_UNSAFE("depot-block");
    FH_WRITES(&block->count, sizeof block->count);
    FH_WRITES(&block->slots[block->count], sizeof slot);
    block->slots[block->count] = slot;
    return ++block->count;
}

/* Takes the last slot out of a block that the caller has and that is not empty. */
static inline uint32_t fh_block_drop(fh_block *block) {
    FH_UNSAFE("depot-block");
    FH_WRITES(&block->count, sizeof block->count);
    FH_READS(&block->slots[block->count - 1], sizeof block->slots[0]);
    return block->slots[--block->count];
}

#endif
