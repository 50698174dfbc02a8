/* weave_slot.c: one slot, its owner, and others who release it, in all interleavings: of all releases of a life, one counts,
 * and each of the others is reported once, at once or when its letter is read.
 *
 * The owner's alloc and release are those of pool.h, the marks and letters those of slot.h and depot.h; weave_pool has the
 * whole pool. What the slot holds is plain memory: whoever has a life of it reads or writes it, and no two may meet there. */
#include "weave.h"

#include "mem/pool/depot.h"
#include "mem/pool/slot.h"

enum { BLOCKS = 3, SEED = 2 };

#define LIFE(generation) ((uint64_t)(SEED + (generation)) << 32)

typedef struct owner {
    fh_pool_fast fast; /* as in fh_pool */
} owner;

static owner me;
static fh_block *blocks;
static uint64_t *word, inbox, next_life;
static uint32_t *object;
static fh_allocator *allocator;
static uint32_t accepted, refused, late; /* releases */

static void setup(fh_allocator *a) {
    allocator = a;
    blocks = fh_alloc(a, BLOCKS + 1, sizeof *blocks);
    word = fh_alloc(a, 1, sizeof *word);
    object = fh_alloc(a, 1, sizeof *object);
    WEAVE_ASSERT(blocks != NULL && word != NULL && object != NULL);
    fh_store(word, LIFE(1), FH_RELAXED);
    fh_store(&inbox, 0, FH_RELAXED);
    fh_store(&next_life, 0, FH_RELAXED);
    fh_store(&accepted, 0, FH_RELAXED);
    fh_store(&refused, 0, FH_RELAXED);
    late = 0;
    me.fast = (fh_pool_fast){.words = word, .base = (uint8_t *)object, .stride = sizeof *object, .head = FH_POOL_NO_SLOT,
                             .limit = 1, .release_limit = 1, .last = UINT32_MAX};
}

/* The calling thread is the owner from now on. */
static fh_pool *be_owner(void) {
    fh_store(&me.fast.thread, fh_thread_self(), FH_RELAXED);
    fh_store(&me.fast.alloc_thread, fh_thread_self(), FH_RELAXED);
    return (fh_pool *)&me;
}

static void count(bool is_accepted) {
    (void)fh_fetch_add(is_accepted ? &accepted : &refused, 1, FH_RELAXED);
}

/* The road out of line: whatever is not as it should be was released before. */
fh_pool_found fh_pool_use(fh_pool *pool, fh_handle h, fh_pool_op op) {
    (void)pool;
    (void)op;
    WEAVE_ASSERT((fh_load(word, FH_ACQUIRE) & ~(uint64_t)UINT32_MAX) != h.value ||
                 fh_word_low(fh_load(word, FH_ACQUIRE)) == FH_BORROW_AWAITS_OWNER);
    return (fh_pool_found){NULL, {FH_DOUBLE_FREE}};
}
fh_pool_found fh_pool_alloc_slow(fh_pool *pool, fh_handle *out) {
    (void)pool;
    out->value = 0;
    return (fh_pool_found){NULL, {FH_EXHAUSTED}};
}

static void owner_releases(uint64_t life) {
    fh_status s = fh_pool_release((fh_pool *)&me, (fh_handle){life});
    count(s.code == FH_OK);
}

/* Anybody else: marks, and writes a letter. */
static void other_releases(uint64_t life, uint32_t letter, bool (*mark)(uint64_t *at, uint64_t word)) {
    if (fh_load(word, FH_ACQUIRE) != life || !mark(word, life)) {
        count(false);
        return;
    }
    count(true);
    (void)fh_block_add(&blocks[letter], 0);
    fh_stack_push(&inbox, blocks, letter);
}

/* The owner reads its letters. */
static void owner_reads(bool (*take_in)(uint64_t *at, uint32_t *out)) {
    for (uint32_t n = fh_stack_take(&inbox), next; n != 0; n = next) {
        uint32_t generation;
        next = fh_load(&blocks[n].next, FH_RELAXED);
        WEAVE_ASSERT(fh_block_drop(&blocks[n]) == 0);
        if (take_in(word, &generation)) {
            fh_store(word, fh_word(generation + 1, me.fast.head), FH_RELEASE);
            me.fast.head = FH_WORD_FREE;
        } else {
            late++;
        }
    }
}

/* The next life: the object is the owner's, until it gives the handle away. */
static uint64_t owner_allocs(void) {
    fh_handle h;
    void *at;
    fh_status s = fh_pool_alloc((fh_pool *)&me, &h, &at);
    WEAVE_ASSERT(s.code == FH_OK);
    FH_WRITES(object, sizeof *object);
    *object = (uint32_t)(h.value >> 32);
    return h.value;
}

/* `lives` have ended by then. */
static void check_lives(uint32_t lives, uint32_t tries) {
    owner_reads(fh_slot_take_in);
    WEAVE_ASSERT(accepted - late == lives && refused + late == tries - lives);
    fh_free(allocator, object);
    fh_free(allocator, word);
    fh_free(allocator, blocks);
}

/* --- two releases of one life ----------------------------------------------------------------------------------------- */

static void owner_1(void) {
    (void)be_owner();
    owner_releases(LIFE(1));
}
static void owner_reads_only(void) {
    (void)be_owner();
    owner_reads(fh_slot_take_in);
}
static void other_1(void) {
    other_releases(LIFE(1), 1, fh_slot_mark);
}
static void other_2(void) {
    other_releases(LIFE(1), 2, fh_slot_mark);
}
static void check_2(void) {
    check_lives(1, 2);
}
static void check_3(void) {
    check_lives(1, 3);
}

/* --- and a next life -------------------------------------------------------------------------------------------------- */

static void wait_for_slot(void) {
    while (owner_reads(fh_slot_take_in), me.fast.head == FH_POOL_NO_SLOT)
        fh_pause();
}

/* Ends the first life, begins the next and gives it away; when the slot is back, begins a third. */
static void owner_goes_on(void) {
    (void)be_owner();
    owner_releases(LIFE(1));
    wait_for_slot(); /* another one may have been faster */
    fh_store(&next_life, owner_allocs(), FH_RELEASE);
    wait_for_slot();
    uint64_t third = owner_allocs();
    WEAVE_ASSERT(fh_load(word, FH_RELAXED) == third);
}
/* Reads what it was given, and releases it. */
static void receiver(void) {
    uint64_t life;
    while ((life = fh_load(&next_life, FH_ACQUIRE)) == 0)
        fh_pause();
    FH_READS(object, sizeof *object);
    WEAVE_ASSERT(*object == life >> 32);
    other_releases(life, 3, fh_slot_mark);
}
/* Three lives, the last one live: whose letter ended the second does not matter. */
static void check_next(void) {
    WEAVE_ASSERT(fh_word_low(fh_load(word, FH_RELAXED)) == 0 && fh_word_live(fh_load(word, FH_RELAXED)));
    check_lives(2, 3);
}

/* --- planted bugs ----------------------------------------------------------------------------------------------------- */

/* Looks, then stores: what the owner has made of the word in between is overwritten. (Two such marks would not matter: there
 * would be two letters.) */
static bool mark_in_two_steps(uint64_t *at, uint64_t live) {
    if (fh_load(at, FH_ACQUIRE) != live)
        return false;
    fh_store(at, live | FH_BORROW_AWAITS_OWNER, FH_RELEASE);
    return true;
}
static void other_1_in_two_steps(void) {
    other_releases(LIFE(1), 1, mark_in_two_steps);
}

/* Believes every letter. */
static bool believe(uint64_t *at, uint32_t *out) {
    uint64_t now = fh_load(at, FH_ACQUIRE);
    *out = fh_word_generation(now);
    return fh_word_live(now);
}
static void owner_believes(void) {
    (void)be_owner();
    owner_releases(LIFE(1));
    if (me.fast.head != FH_POOL_NO_SLOT)
        (void)owner_allocs();
    owner_reads(believe);
}

int main(void) {
    static const weave_test tests[] = {
        {.name = "slot: owner and another", .setup = setup, .threads = {owner_1, other_1}, .check = check_2},
        {.name = "slot: two others", .setup = setup, .threads = {other_1, other_2, owner_reads_only}, .check = check_2},
        {.name = "slot: owner and two others", .setup = setup, .threads = {owner_1, other_1, other_2}, .check = check_3},
        {.name = "slot: the next life", .setup = setup, .threads = {owner_goes_on, other_1, receiver}, .check = check_next,
         .weaken = "src/mem/pool/slot.h"},
        {.name = "slot: marked in two steps", .setup = setup, .threads = {owner_1, other_1_in_two_steps},
         .check = check_2, .finds = "lives"},
        {.name = "slot: letters are believed", .setup = setup, .threads = {owner_believes, other_1}, .check = check_2,
         .finds = "lives"},
    };
    return weave_main(tests, sizeof tests / sizeof tests[0]);
}
