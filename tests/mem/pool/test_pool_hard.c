/* test_pool_hard.c: hardened pools: what raw pointers do behind a pool's back, and what it notices of it.
 *
 * Tools that watch memory stop such a write before the pool can notice it; there these cases are left out, and one shows that
 * the tool does stop it. */
#include "fh_test.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "freehold/harden.h"
#include "freehold/os.h"
#include "mem/poison.h"
#include "mem/pool/pool_core.h"

enum { POISON = 0xdf, WAITING_MIN = 4 };

/* Without guarded slots: what the tests do to a slot that was released would end the program there. */
static fh_pool *new_pool(fh_allocator *a, size_t size, uint32_t capacity) {
    fh_pool *pool;
    fh_pool_config c = {.size_bytes = size, .natural_align_bytes = 8, .capacity = capacity, .hardened = true, .name = "hard"};
    fh_assert_ok(fh_pool_new(a, &c, &pool));
    fh_pool_hard_sample(pool, 0);
    return pool;
}

static fh_handle alloc_one(fh_pool *pool, uint8_t **out_at) {
    fh_handle h;
    void *at;
    fh_assert_ok(fh_pool_alloc(pool, &h, &at));
    if (out_at != NULL)
        *out_at = at;
    return h;
}

static void check(fh_pool *pool) {
    fh_err err;
    fh_err_clear(&err);
    fh_status s = fh_pool_check(pool, &err);
    if (fh_failed(s))
        print_error("%s\n", err.message);
    assert_int_equal(s.code, FH_OK);
}

static void skip_if_watched(void) {
    if (FH_IS_WATCHED())
        fh_test_skip("a tool that watches memory stops such a write itself");
}

/* What the alarm heard last, and how often. */
static fh_err heard;
static int heard_count;

static void listen(void *ctx, const fh_err *report) {
    assert_ptr_equal(ctx, &heard);
    heard = *report;
    heard_count++;
}

static void start_listening(void) {
    heard_count = 0;
    fh_pool_on_overwritten(listen, &heard);
}

/* --- layout ----------------------------------------------------------------------------------------------------------- */

static void no_op(void *arg) {
    volatile uint8_t *at = arg;
    *at = 1;
}

/* How a child ends that writes one byte. */
static bool write_faults(const uint8_t *at) {
    char said[64];
    int status = fh_test_child(no_op, (void *)(uintptr_t)at, said, sizeof said);
    return status != 0;
}

/* All of the capacity can be had, aligned, apart from each other and from the guards, whatever the size. */
static void test_slots(void **state) {
    static const struct { size_t size, align; uint32_t capacity; } rows[] = {
        {1, 1, 100}, {1, 1, 20000}, {8, 8, 3}, {24, 8, 5000}, {64, 16, 5000}, {64, 64, 3000}, {100, 4, 3000}, {4088, 8, 100},
        {4096, 4096, 64}, {5000, 8, 200}, {65536, 8, 9}, {70000, 16, 20}, {300000, 4096, 5}, {40, 1 << 16, 8}};
    size_t page = fh_os_page_bytes();
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        fh_pool *pool;
        fh_pool_config c = {.size_bytes = rows[r].size, .natural_align_bytes = rows[r].align, .capacity = rows[r].capacity,
                            .hardened = true};
        fh_assert_ok(fh_pool_new(fh_test_allocator(state), &c, &pool));
        fh_pool_hard_sample(pool, 0);
        const fh_pool_core *core = pool->core;
        uint8_t *used = calloc(core->slots_max, 1);
        size_t group = 16 * page;
        while (group < 4 * core->stride)
            group *= 2;
        for (uint32_t i = 0; i < rows[r].capacity; i++) {
            uint8_t *at;
            uint32_t index = (uint32_t)alloc_one(pool, &at).value;
            assert_true(index < core->slots && used[index]++ == 0);
            assert_int_equal((uintptr_t)at % rows[r].align, 0);
            size_t from = (size_t)(at - core->base);
            assert_true(from == index * core->stride && core->stride >= rows[r].size + 8);
            assert_true(from % group + core->stride <= group - page);
            memset(at, 1, rows[r].size);
        }
        fh_handle h;
        fh_assert_code(fh_pool_alloc(pool, &h, NULL), FH_EXHAUSTED);
        check(pool);
        fh_pool_free(pool);
        free(used);
    }
}

/* Somebody who writes on and on from an object ends in a guard: behind, before, and by a leap of 1 MiB. */
static void test_guards(void **state) {
    fh_test_skip_on_valgrind("changes how a process ends");
    fh_pool *pool = new_pool(fh_test_allocator(state), 64, 5000);
    size_t page = fh_os_page_bytes(), group = 16 * page;
    for (int i = 0; i < 3; i++) {
        uint8_t *at;
        alloc_one(pool, &at);
        size_t from = (size_t)(at - pool->core->base);
        uint8_t *guard = pool->core->base + (from / group + 1) * group - page;
        assert_true(write_faults(guard) && write_faults(guard + page - 1));
        if (from >= 2 * group)
            assert_true(write_faults(pool->core->base + from / group * group - 1));
        assert_true(write_faults(pool->core->base + pool->core->slots * pool->core->stride + (1 << 20)));
        assert_true(write_faults(pool->core->base - (1 << 20)));
    }
    const fh_pool_core *core = pool->core;
    const uint8_t *end = core->base + core->slots_max * core->stride;
    assert_true(core->base - core->region >= 1 << 20 && core->region + core->region_bytes - end >= 1 << 20);
    fh_pool_stats s = fh_pool_stats_get(pool);
    assert_true(s.committed_bytes >= 5000 * 72 && s.committed_bytes < 3 * 5000 * 72 / 2 + (128 << 10));
    fh_pool_free(pool);
}

/* Two pools of the same kind give their slots in different orders, and none in that of the addresses. */
static void test_order(void **state) {
    enum { N = 64 };
    uint32_t order[2][N];
    for (int k = 0; k < 2; k++) {
        fh_pool *pool = new_pool(fh_test_allocator(state), 64, 1000);
        for (int i = 0; i < N; i++)
            order[k][i] = (uint32_t)alloc_one(pool, NULL).value;
        fh_pool_free(pool);
        int rising = 0;
        for (int i = 1; i < N; i++)
            rising += order[k][i] > order[k][i - 1];
        assert_in_range(rising, N / 4, 3 * N / 4);
    }
    assert_memory_not_equal(order[0], order[1], sizeof order[0]);
}

/* --- the queue ---------------------------------------------------------------------------------------------------------- */

/* A slot rests while as many others are released as may wait, even when all others are live. */
static void test_queue(void **state) {
    static const struct { uint32_t capacity, waiting; } rows[] = {{1, 4}, {4, 4}, {64, 16}, {1000, 250}, {10000, 910}};
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        fh_pool *pool = new_pool(fh_test_allocator(state), 64, rows[r].capacity);
        fh_handle *live = calloc(rows[r].capacity, sizeof *live);
        for (uint32_t i = 0; i < rows[r].capacity; i++)
            live[i] = alloc_one(pool, NULL);
        uint64_t *ended_at = calloc(pool->core->slots_max, sizeof *ended_at), ended = 0, least = UINT64_MAX;
        fh_test_rng rng = fh_test_rng_new(r);
        for (int step = 0; step < 20000; step++) {
            fh_handle *h = &live[fh_test_rng_below(&rng, rows[r].capacity)];
            fh_assert_ok(fh_pool_release(pool, *h));
            ended_at[(uint32_t)h->value] = ++ended;
            *h = alloc_one(pool, NULL);
            uint64_t before = ended_at[(uint32_t)h->value];
            if (before != 0 && ended - before < least)
                least = ended - before;
        }
        assert_int_equal(least, rows[r].waiting);
        fh_handle none; /* what waits is no capacity */
        fh_assert_code(fh_pool_alloc(pool, &none, NULL), FH_EXHAUSTED);
        assert_int_equal(fh_pool_stats_get(pool).quarantined, rows[r].waiting);
        check(pool);
        fh_pool_free(pool);
        free(ended_at);
        free(live);
    }
}

/* --- writes after a release --------------------------------------------------------------------------------------------- */

static void test_poison(void **state) {
    skip_if_watched();
    fh_pool *pool = new_pool(fh_test_allocator(state), 61, 10);
    uint8_t *at;
    fh_handle h = alloc_one(pool, &at);
    for (int i = 0; i < 61; i++)
        assert_int_equal(at[i], 0);
    memset(at, 'A', 61);
    fh_assert_ok(fh_pool_release(pool, h));
    for (size_t i = 0; i < 61; i++)
        assert_int_equal(at[i], POISON);
    fh_pool_free(pool);
}

/* Every byte counts, and the place is told. fh_pool_check changes nothing; fh_pool_reap retires the slot. */
static void test_reap(void **state) {
    skip_if_watched();
    static const size_t sizes[] = {8, 61, 64, 300};
    start_listening();
    for (size_t r = 0; r < 4; r++)
        for (size_t k = 0; k < sizes[r] + 8; k += 1 + k / 40) {
            fh_pool *pool = new_pool(fh_test_allocator(state), sizes[r], 10);
            uint8_t *at;
            fh_handle h = alloc_one(pool, &at);
            fh_assert_ok(fh_pool_release(pool, h));
            fh_assert_ok(fh_pool_reap(pool));
            at[k] ^= 1;
            fh_err err;
            for (int i = 0; i < 2; i++) {
                fh_err_clear(&err);
                fh_assert_code(fh_pool_check(pool, &err), FH_OVERWRITTEN);
                assert_int_equal(err.offset_bytes, k);
            }
            heard_count = 0;
            fh_assert_code(fh_pool_reap(pool), FH_OVERWRITTEN);
            fh_assert_err(&heard, FH_OVERWRITTEN, "pool 'hard'");
            assert_true(heard_count == 1 && heard.offset_bytes == k);
            fh_assert_ok(fh_pool_reap(pool));
            check(pool);
            fh_pool_stats s = fh_pool_stats_get(pool);
            assert_true(s.overwritten == 1 && s.retired == 1 && heard_count == 1);
            for (int i = 0; i < 50; i++) {
                fh_handle other = alloc_one(pool, NULL);
                assert_int_not_equal((uint32_t)other.value, (uint32_t)h.value);
                fh_assert_ok(fh_pool_release(pool, other));
            }
            check(pool);
            fh_err_clear(&err);
            fh_assert_code(fh_pool_explain(pool, h, &err), FH_STALE);
            fh_assert_err(&err, FH_STALE, "retired, because it was overwritten");
            fh_pool_free(pool);
        }
    fh_pool_on_overwritten(NULL, NULL);
}

/* Nobody calls check or reap: alloc gives another slot. Each byte counts, on each of the roads. */
static void alloc_verifies(fh_allocator *a, size_t size) {
    for (size_t k = 0; k < size + 8; k += 1 + k / 80) {
        fh_pool *pool = new_pool(a, size, 4);
        uint8_t *at, *other;
        fh_handle h = alloc_one(pool, &at);
        fh_assert_ok(fh_pool_release(pool, h));
        at[k] ^= 0x80;
        heard_count = 0;
        for (int i = 0; i < 100; i++) {
            fh_handle next = alloc_one(pool, &other);
            assert_ptr_not_equal(other, at);
            for (size_t j = 0; j < size; j++)
                assert_int_equal(other[j], 0);
            memset(other, 0xee, size);
            fh_assert_ok(fh_pool_release(pool, next));
        }
        assert_true(heard_count == 1 && heard.offset_bytes == (uint64_t)k);
        fh_pool_stats s = fh_pool_stats_get(pool);
        assert_true(s.overwritten == 1 && s.retired == 1 && s.live == 0 && s.allocs == 101);
        check(pool);
        fh_pool_free(pool);
    }
}

static void test_alloc_verifies(void **state) {
    skip_if_watched();
    static const size_t sizes[] = {8, 16, 21, 24, 32, 40, 61, 64, 72, 100, 128, 300, 1100};
    start_listening();
    for (int plain = 0; plain < 2; plain++) {
        fh_pool_hard_plain(plain);
        for (size_t r = 0; r < sizeof sizes / sizeof sizes[0]; r++)
            alloc_verifies(fh_test_allocator(state), sizes[r]);
    }
    fh_pool_hard_plain(false);
    fh_pool_on_overwritten(NULL, NULL);
}

/* What nobody came upon is told when the pool ends. */
static void test_end(void **state) {
    skip_if_watched();
    start_listening();
    fh_pool *pool = new_pool(fh_test_allocator(state), 64, 4);
    uint8_t *at;
    fh_assert_ok(fh_pool_release(pool, alloc_one(pool, &at)));
    at[9] = 1;
    fh_pool_free(pool);
    fh_pool_on_overwritten(NULL, NULL);
    assert_true(heard_count == 1 && heard.offset_bytes == 9);
}

/* A slot that never lived must be zero. */
static void test_fresh(void **state) {
    skip_if_watched();
    fh_pool *pool = new_pool(fh_test_allocator(state), 64, 20);
    const fh_pool_core *core = pool->core;
    uint8_t *at;
    uint32_t i = (uint32_t)alloc_one(pool, &at).value, other = i + 1 < core->slots ? i + 1 : i - 1;
    fh_pool_at(core, other)[5] = 1;
    fh_err err;
    fh_err_clear(&err);
    fh_assert_code(fh_pool_check(pool, &err), FH_OVERWRITTEN);
    assert_int_equal(err.offset_bytes, 5);
    fh_handle h;
    for (int k = 0; k < 19; k++)
        assert_int_not_equal((uint32_t)(h = alloc_one(pool, NULL)).value, other);
    fh_assert_code(fh_pool_alloc(pool, &h, NULL), FH_EXHAUSTED);
    fh_pool_free(pool);

    pool = new_pool(fh_test_allocator(state), 64, 20);
    fh_pool_at(pool->core, pool->core->slots - 1)[71] = 1;
    fh_assert_code(fh_pool_reap(pool), FH_OVERWRITTEN);
    fh_assert_ok(fh_pool_reap(pool));
    check(pool);
    fh_pool_free(pool);
}

/* When all that waits and all that is free was overwritten, the pool has nothing to give. */
static void test_all_overwritten(void **state) {
    skip_if_watched();
    fh_pool *pool = new_pool(fh_test_allocator(state), 64, 4);
    for (uint32_t i = pool->core->slots - 8; i < pool->core->slots; i++)
        fh_pool_at(pool->core, i)[0] = 1;
    fh_handle h;
    fh_assert_code(fh_pool_alloc(pool, &h, NULL), FH_EXHAUSTED);
    fh_pool_stats s = fh_pool_stats_get(pool);
    assert_true(s.overwritten == 8 && s.failures == 1);
    fh_pool_free(pool);
}

/* --- the canary --------------------------------------------------------------------------------------------------------- */

static void write_past(fh_allocator *a, size_t size, size_t align) {
    fh_pool *pool;
    fh_pool_config c = {.size_bytes = size, .natural_align_bytes = align, .capacity = 400, .hardened = true};
    fh_assert_ok(fh_pool_new(a, &c, &pool));
    fh_pool_hard_sample(pool, 0);
    for (uint32_t i = 0; i < 1000; i++) /* so that slots have had a life */
        fh_assert_ok(fh_pool_release(pool, alloc_one(pool, NULL)));
    size_t stride = pool->core->stride;
    uint64_t found = 0;
    for (size_t k = size; k < stride; k++) {
        uint8_t *at;
        fh_handle h = alloc_one(pool, &at);
        memset(at, 0xff, size);
        at[k] ^= 1;
        heard_count = 0;
        fh_assert_code(fh_pool_release(pool, h), FH_OVERWRITTEN);
        fh_assert_err(&heard, FH_OVERWRITTEN, "its last life wrote past the object");
        assert_true(heard_count == 1 && heard.offset_bytes == k);
        fh_assert_code(fh_pool_release(pool, h), FH_DOUBLE_FREE);
        void *gone;
        fh_assert_code(fh_pool_get(pool, h, &gone), FH_STALE);
        found++;
        check(pool);
    }
    fh_pool_stats s = fh_pool_stats_get(pool);
    assert_true(s.overwritten == found && s.retired == found && s.live == 0 && s.allocs == s.releases);
    fh_pool_free(pool);
}

static void test_canary(void **state) {
    skip_if_watched();
    static const struct { size_t size, align; } rows[] = {{1, 8}, {7, 8}, {8, 8}, {13, 8}, {16, 8}, {32, 16}, {50, 8}, {64, 8},
                                                          {64, 16}, {64, 64}, {66, 16}, {100, 8}, {4096, 8}};
    start_listening();
    for (int plain = 0; plain < 2; plain++) {
        fh_pool_hard_plain(plain);
        for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++)
            write_past(fh_test_allocator(state), rows[r].size, rows[r].align);
    }
    fh_pool_hard_plain(false);
    fh_pool_on_overwritten(NULL, NULL);
}

/* Two slots do not have the same canary, nor has a slot in two pools. */
static void test_canaries_differ(void **state) {
    skip_if_watched();
    uint64_t canaries[4];
    for (int k = 0; k < 4; k += 2) {
        fh_pool *pool = new_pool(fh_test_allocator(state), 64, 4);
        for (int j = 0; j < 2; j++) {
            uint8_t *at;
            alloc_one(pool, &at);
            memcpy(&canaries[k + j], at + 64, 8);
        }
        fh_pool_free(pool);
    }
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < i; j++)
            assert_true(canaries[i] != canaries[j]);
}

/* Calls that a report can name: not inlined into others. */
__attribute__((noinline)) static void alloc_here(fh_pool *pool, fh_handle *out) {
    fh_assert_ok(fh_pool_alloc(pool, out, NULL));
}
__attribute__((noinline)) static void release_here(fh_pool *pool, fh_handle h) {
    fh_assert_ok(fh_pool_release(pool, h));
}

static void test_sites(void **state) {
    enum { FUNCTION_BYTES = 4000 };
    fh_pool *pool = new_pool(fh_test_allocator(state), 64, 4);
    fh_handle h;
    fh_err err;
    fh_err_clear(&err);
    fh_pool_hard_sample(pool, 1);
    alloc_here(pool, &h);
    release_here(pool, h);
    fh_assert_code(fh_pool_explain(pool, h, &err), FH_STALE);
    const char *at = strstr(err.message, "allocated at 0x"), *end = strstr(err.message, "released at 0x");
    assert_true(at != NULL && end != NULL);
    uint64_t allocated = strtoull(at + strlen("allocated at "), NULL, 16);
    uint64_t released = strtoull(end + strlen("released at "), NULL, 16);
    assert_true(allocated != 0 && released != 0);
#if defined(__OPTIMIZE__) && !defined(__clang__) /* else inline functions of pool.h may be functions of their own */
    assert_true(allocated - (uintptr_t)alloc_here < FUNCTION_BYTES && released - (uintptr_t)release_here < FUNCTION_BYTES);
#endif
    fh_pool_free(pool);
}

/* --- guarded slots -------------------------------------------------------------------------------------------------------- */

static void test_guarded(void **state) {
    fh_test_skip_on_valgrind("changes how a process ends");
    static const size_t sizes[] = {8, 64, 4000, 5000, 100000};
    size_t page = fh_os_page_bytes();
    for (size_t r = 0; r < sizeof sizes / sizeof sizes[0]; r++) {
        fh_pool *pool = new_pool(fh_test_allocator(state), sizes[r], 40);
        fh_pool_hard_sample(pool, 1);
        fh_handle handles[17];
        uint8_t *at[17];
        for (int i = 0; i < 17; i++) {
            handles[i] = alloc_one(pool, &at[i]);
            memset(at[i], 3, sizes[r]);
        }
        for (int i = 0; i < 16; i++) {
            uintptr_t end = (uintptr_t)at[i] + pool->core->stride;
            assert_int_equal(end % page, 0);
            if (i % 5 == 0) {
                assert_true(write_faults((uint8_t *)end));
                assert_true(write_faults((uint8_t *)((uintptr_t)at[i] & ~(page - 1)) - 1));
            }
        }
        assert_true(r != 1 || (uintptr_t)(at[16] + pool->core->stride) % page != 0);
        check(pool);
        fh_err err;
        fh_err_clear(&err);
        fh_assert_ok(fh_pool_explain(pool, handles[3], &err));
        for (int i = 0; i < 17; i++)
            fh_assert_ok(fh_pool_release(pool, handles[i]));
        assert_true(write_faults(at[0]) && write_faults(at[15] + sizes[r] - 1));
        fh_assert_code(fh_pool_explain(pool, handles[3], &err), FH_STALE);
        fh_assert_err(&err, FH_STALE, "allocated at 0x");
        assert_null(strstr(err.message, " 0x0"));
        for (int i = 0; i < 17; i++)
            fh_assert_code(fh_pool_release(pool, handles[i]), FH_DOUBLE_FREE);
        /* They take turns. */
        for (int i = 0; i < 32; i++) {
            fh_handle again = alloc_one(pool, &at[16]);
            assert_ptr_equal(at[16], at[i % 16]);
            for (size_t k = 0; k < sizes[r]; k += 7)
                assert_int_equal(at[16][k], 0);
            fh_assert_ok(fh_pool_release(pool, again));
        }
        check(pool);
        fh_pool_free(pool);
    }
}

/* About one alloc of `every`. */
static void test_sampling(void **state) {
    fh_pool *pool = new_pool(fh_test_allocator(state), 64, 40);
    fh_pool_hard_sample(pool, 100);
    size_t alone = 0, page = fh_os_page_bytes(), lead = (size_t)17 * 512 * 72;
    bool first = false;
    for (int i = 0; i < 20000; i++) {
        uint8_t *at;
        fh_handle h = alloc_one(pool, &at);
        bool is_alone = (size_t)(at - pool->core->base) < lead && ((uintptr_t)at + pool->core->stride) % page == 0;
        alone += is_alone;
        first = i == 0 ? is_alone : first;
        fh_assert_ok(fh_pool_release(pool, h));
    }
    assert_in_range(alone, 150, 260);
    assert_true(first);

    /* A guarded slot counts, though it is none of those that the pool made for its capacity. */
    fh_pool_hard_sample(pool, 1);
    alloc_one(pool, NULL);
    fh_pool_hard_sample(pool, 0);
    fh_handle none;
    for (int i = 1; i < 40; i++)
        alloc_one(pool, NULL);
    fh_assert_code(fh_pool_alloc(pool, &none, NULL), FH_EXHAUSTED);
    check(pool);
    fh_pool_free(pool);

    pool = new_pool(fh_test_allocator(state), 64, 4); /* fewer than there are guarded slots */
    fh_pool_hard_sample(pool, 1);
    for (int i = 0; i < 4; i++)
        alloc_one(pool, NULL);
    fh_assert_code(fh_pool_alloc(pool, &none, NULL), FH_EXHAUSTED);
    fh_pool_free(pool);
}

/* --- objects that stay, hooks ----------------------------------------------------------------------------------------------
 * */

typedef struct kept {
    uint32_t made, ended;
    uint64_t lives;
    char text[20];
} kept;

static int inits, finis, fail_inits;

static fh_status init_kept(void *ctx, void *slot) {
    kept *k = slot;
    assert_ptr_equal(ctx, &inits);
    if (fail_inits > 0 && --fail_inits == 0)
        return FH_STATUS(FH_IO);
    inits++;
    k->made = 1;
    return FH_DONE;
}
static fh_status fini_kept(void *ctx, void *slot) {
    kept *k = slot;
    assert_ptr_equal(ctx, &inits);
    finis++;
    assert_int_equal(k->made, 1);
    return FH_DONE;
}

static fh_status new_kept(fh_allocator *a, bool eager, fh_pool **out) {
    fh_pool_config c = {.size_bytes = sizeof(kept), .natural_align_bytes = 8, .capacity = 20, .hardened = true, .eager = eager,
                        .init = init_kept, .fini = fini_kept, .hook_ctx = &inits};
    inits = finis = fail_inits = 0;
    return fh_pool_new(a, &c, out);
}

static void test_eager(void **state) {
    fh_pool *pool;
    fh_assert_ok(new_kept(fh_test_allocator(state), true, &pool));
    assert_int_equal(inits, 25);
    uint64_t lives[25] = {0};
    uint32_t lowest = pool->core->slots - 25;
    for (int i = 0; i < 500; i++) {
        uint8_t *at;
        fh_handle h = alloc_one(pool, &at);
        kept *k = (kept *)(void *)at;
        uint32_t index = (uint32_t)h.value - lowest;
        assert_true(k->made == 1 && index < 25 && k->lives == lives[index]);
        k->lives = ++lives[index];
        fh_assert_ok(fh_pool_release(pool, h));
    }
    check(pool);
    assert_true(inits == 25 && finis == 0);
    fh_pool_free(pool);
    assert_int_equal(finis, 25);

    fh_trace_fail_at(fh_test_trace(state), 0);
    fail_inits = 7;
    fh_pool_config c = {.size_bytes = sizeof(kept), .natural_align_bytes = 8, .capacity = 20, .hardened = true, .eager = true,
                        .init = init_kept, .fini = fini_kept, .hook_ctx = &inits};
    inits = finis = 0;
    fh_assert_code(fh_pool_new(fh_test_allocator(state), &c, &pool), FH_IO);
    assert_true(inits == 6 && finis == 6);
}

/* What stays is watched too; nobody runs fini on what was overwritten. */
static void test_eager_overwritten(void **state) {
    skip_if_watched();
    fh_pool *pool;
    start_listening();
    for (int k = 0; k < (int)sizeof(kept) + 8; k += 3) {
        fh_assert_ok(new_kept(fh_test_allocator(state), true, &pool));
        uint8_t *at;
        fh_handle h = alloc_one(pool, &at);
        fh_assert_ok(fh_pool_release(pool, h));
        at[k] ^= 4;
        fh_err err;
        fh_err_clear(&err);
        fh_assert_code(fh_pool_check(pool, &err), FH_OVERWRITTEN);
        fh_assert_code(fh_pool_reap(pool), FH_OVERWRITTEN);
        fh_assert_ok(fh_pool_reap(pool));
        assert_true(heard.offset_bytes == (k < (int)sizeof(kept) ? FH_NO_OFFSET : (uint64_t)k));
        check(pool);
        fh_pool_free(pool);
        assert_int_equal(finis, 24);
    }
    fh_pool_on_overwritten(NULL, NULL);
}

static void test_hooks(void **state) {
    fh_pool *pool;
    fh_assert_ok(new_kept(fh_test_allocator(state), false, &pool));
    for (int i = 0; i < 200; i++) {
        fh_handle h;
        void *at;
        if (i % 3 == 0) {
            fail_inits = 1;
            fh_assert_code(fh_pool_alloc(pool, &h, &at), FH_IO);
        }
        fh_assert_ok(fh_pool_alloc(pool, &h, &at));
        assert_int_equal(((kept *)at)->made, 1);
        fh_assert_ok(fh_pool_release(pool, h));
        check(pool);
    }
    fh_pool_stats s = fh_pool_stats_get(pool);
    assert_true(inits == 200 && finis == 200 && s.failures == 67 && s.live == 0 && s.peak == 1);
    fh_pool_free(pool);
}

/* --- the rest of a pool's promises --------------------------------------------------------------------------------------- */

static void test_growth(void **state) {
    static const size_t sizes[] = {8, 100, 5000};
    for (size_t r = 0; r < 3; r++) {
        fh_pool *pool;
        fh_pool_config c = {.size_bytes = sizes[r], .natural_align_bytes = 8, .capacity = 3, .max_capacity = 2000,
                            .growth = {.kind = FH_GROW_EXPONENTIAL}, .hardened = true};
        fh_assert_ok(fh_pool_new(fh_test_allocator(state), &c, &pool));
        fh_handle *h = calloc(2000, sizeof *h);
        uint8_t **at = calloc(2000, sizeof *at);
        for (uint32_t i = 0; i < 2000; i++) {
            h[i] = alloc_one(pool, &at[i]);
            memcpy(at[i], &i, 4);
            assert_true(i < fh_pool_stats_get(pool).capacity);
            if (i % 200 == 0)
                check(pool);
        }
        fh_handle none;
        fh_assert_code(fh_pool_alloc(pool, &none, NULL), FH_EXHAUSTED);
        for (uint32_t i = 0; i < 2000; i++) {
            void *found;
            fh_assert_ok(fh_pool_get(pool, h[i], &found));
            assert_ptr_equal(found, at[i]);
            assert_memory_equal(found, &i, 4);
            fh_assert_ok(fh_pool_release(pool, h[i]));
        }
        check(pool);
        assert_int_equal(fh_pool_trim(pool), 0);
        fh_pool_stats s = fh_pool_stats_get(pool);
        assert_true(s.capacity == 2000 && s.growths > 0 && s.live == 0 && s.peak == 2000 && s.overwritten == 0);
        fh_pool_stats_reset(pool);
        s = fh_pool_stats_get(pool);
        assert_true(s.peak == 0 && s.allocs == 0);
        fh_pool_free(pool);
        free(at);
        free(h);
    }
}

/* A pool that may grow without end does not meet the end of address space sooner because it is hardened. */
static void test_large(void **state) {
    static const size_t sizes[] = {8, 72, 1000, 4096};
    for (size_t r = 0; r < 4; r++) {
        fh_pool *pool;
        fh_pool_config c = {.size_bytes = sizes[r], .natural_align_bytes = 8, .capacity = 3,
                            .growth = {.kind = FH_GROW_LINEAR, .slots = 1000}, .hardened = true};
        fh_assert_ok(fh_pool_new(fh_test_allocator(state), &c, &pool));
        alloc_one(pool, NULL);
        fh_pool_free(pool);
    }
}

static void test_retire(void **state) {
    static const size_t sizes[] = {8, 64};
    for (size_t r = 0; r < 2; r++) {
        fh_pool *pool;
        fh_pool_config c = {.size_bytes = sizes[r], .natural_align_bytes = 8, .capacity = 2, .hardened = true};
        fh_assert_ok(fh_pool_new_narrow(fh_test_allocator(state), &c, 4, &pool));
        fh_pool_hard_sample(pool, 0);
        fh_handle h;
        uint64_t lives = 0;
        fh_status s;
        while (!fh_failed(s = fh_pool_alloc(pool, &h, NULL))) {
            lives++;
            fh_assert_ok(fh_pool_release(pool, h));
            fh_assert_code(fh_pool_release(pool, h), FH_DOUBLE_FREE);
            check(pool);
        }
        assert_int_equal(s.code, FH_EXHAUSTED);
        assert_int_equal(lives, 6 * 6); /* two slots and four that wait, 2^(4-1) - 2 lives each */
        assert_int_equal(fh_pool_stats_get(pool).retired, 6);
        fh_pool_free(pool);
    }
}

static void test_switch(void **state) {
    fh_pool_config c = {.size_bytes = 64, .capacity = 4};
    for (int on = 0; on <= 2; on++) {
        fh_pool *pool;
        fh_pool_harden_all(on == 1);
        fh_assert_ok(fh_pool_new(fh_test_allocator(state), &c, &pool));
        fh_pool_harden_all(false);
        assert_true(pool->core->config.hardened == (on == 1));
        fh_pool_free(pool);
    }
}

static void test_explain(void **state) {
    fh_pool *pool = new_pool(fh_test_allocator(state), 64, 4), *other = new_pool(fh_test_allocator(state), 64, 4);
    fh_handle h = alloc_one(pool, NULL), foreign = alloc_one(other, NULL);
    fh_err err;
    fh_err_clear(&err);
    fh_assert_ok(fh_pool_explain(pool, h, &err));
    fh_assert_code(fh_pool_explain(pool, (fh_handle){0}, &err), FH_STALE);
    fh_assert_err(&err, FH_STALE, "zero handle");
    fh_err_clear(&err);
    fh_assert_code(fh_pool_explain(pool, foreign, &err), FH_WRONG_POOL);
    fh_assert_err(&err, FH_WRONG_POOL, "it never made this handle");
    fh_assert_ok(fh_pool_release(pool, h));
    fh_err_clear(&err);
    fh_assert_code(fh_pool_explain(pool, h, &err), FH_STALE);
    fh_assert_err(&err, FH_STALE, "life 1 of 1 is over, the slot is free");
    fh_pool_stats s = fh_pool_stats_get(pool);
    assert_true(s.stale_uses == 0 && s.wrong_pools == 0);
    fh_pool_free(other);
    fh_pool_free(pool);
}

static fh_status body(fh_allocator *a, void *arg) {
    bool eager = arg != NULL;
    fh_pool *pool;
    fh_pool_config c = {.size_bytes = 64, .natural_align_bytes = 8, .capacity = 3, .max_capacity = 300, .hardened = true,
                        .growth = {.kind = FH_GROW_EXPONENTIAL}, .eager = eager};
    FH_TRY(fh_pool_new(a, &c, &pool));
    if (!eager)
        fh_pool_hard_sample(pool, 3);
    fh_status s = FH_DONE;
    fh_handle h[300];
    for (size_t i = 0; i < 300 && !fh_failed(s); i++) {
        s = fh_pool_alloc(pool, &h[i], NULL);
        if (i % 5 == 0 && !fh_failed(s))
            s = fh_pool_release(pool, h[i]);
    }
    fh_err err;
    fh_err_clear(&err);
    fh_status checked = fh_pool_check(pool, &err);
    fh_pool_free(pool);
    return fh_failed(s) ? s : checked;
}

static void test_without_memory(void **state) {
    assert_in_range(FH_FAIL_EACH_ALLOC(fh_test_trace(state), body, NULL), 20, 100);
    assert_in_range(FH_FAIL_EACH_ALLOC(fh_test_trace(state), body, state), 20, 100);
}

static void touch_released(void *arg) {
    uint8_t *at;
    fh_pool *pool = arg;
    fh_handle h = alloc_one(pool, &at);
    if (!fh_failed(fh_pool_release(pool, h)))
        *(volatile uint8_t *)at = 1;
}
static void touch_canary(void *arg) {
    uint8_t *at;
    alloc_one(arg, &at);
    *(volatile uint8_t *)(at + 64) = 1;
}

/* AddressSanitizer sees the write itself: in a slot that waits, and in a canary. */
static void test_watched(void **state) {
#ifndef FH_TEST_ASAN
    (void)state;
    (void)touch_released;
    (void)touch_canary;
    fh_test_skip("this build has no address sanitizer");
#else
    fh_pool *pool = new_pool(fh_test_allocator(state), 64, 4);
    void (*const writes[])(void *) = {touch_released, touch_canary};
    for (int i = 0; i < 2; i++) {
        char said[8192];
        assert_int_not_equal(fh_test_child(writes[i], pool, said, sizeof said), 0);
        assert_non_null(strstr(said, "use-after-poison"));
    }
    fh_pool_free(pool);
#endif
}

/* --- handles that this pool never made ------------------------------------------------------------------------------------ */

static void refuse(fh_pool *pool, uint64_t value, fh_code code) {
    void *at = &at;
    fh_assert_code(fh_pool_get(pool, (fh_handle){value}, &at), code);
    assert_null(at);
    fh_assert_code(fh_pool_release(pool, (fh_handle){value}), code);
}

/* A slot that never lived has a word of 0, which generation 0 would fit; slots that are not there have none. */
static void test_foreign(void **state) {
    fh_pool *pool = new_pool(fh_test_allocator(state), 64, 4);
    (void)alloc_one(pool, NULL);
    for (uint64_t i = 1; i < 10000; i++)
        refuse(pool, i, FH_WRONG_POOL);
    const uint64_t far[] = {FH_POOL_INDEX - 1, FH_POOL_INDEX, UINT32_MAX};
    for (size_t i = 0; i < sizeof far / sizeof far[0]; i++) {
        refuse(pool, far[i], FH_WRONG_POOL);
        refuse(pool, UINT64_C(1) << 32 | far[i], FH_WRONG_POOL);
    }
    check(pool);
    fh_pool_free(pool);
}

typedef struct borrowed {
    fh_pool *pool;
    fh_handle handle;
} borrowed;

static void *use_elsewhere(void *arg) {
    borrowed *b = arg;
    fh_handle h;
    void *at;
    fh_assert_code(fh_pool_alloc(b->pool, &h, &at), FH_WRONG_THREAD);
    fh_assert_code(fh_pool_get(b->pool, b->handle, &at), FH_WRONG_THREAD);
    fh_assert_code(fh_pool_release(b->pool, b->handle), FH_WRONG_THREAD);
    return NULL;
}

/* The short roads are the owner's alone, too. */
static void test_wrong_thread(void **state) {
    borrowed b = {.pool = new_pool(fh_test_allocator(state), 64, 4)};
    for (int i = 0; i < 100; i++) /* slots that have had a life take the short roads */
        fh_assert_ok(fh_pool_release(b.pool, alloc_one(b.pool, NULL)));
    b.handle = alloc_one(b.pool, NULL);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, use_elsewhere, &b), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(fh_pool_stats_get(b.pool).wrong_threads, 3);
    fh_assert_ok(fh_pool_release(b.pool, b.handle));
    fh_pool_free(b.pool);
}

static void *use_next(void *arg) {
    fh_pool *pool = ((void **)arg)[0];
    fh_handle h = {(uint64_t)(uintptr_t)((void **)arg)[1]}, other;
    void *at;
    bool right = fh_pool_get(pool, h, &at).code == FH_OK && fh_pool_release(pool, h).code == FH_OK;
    return right && fh_pool_alloc(pool, &other, NULL).code == FH_OK ? arg : NULL;
}

/* A serial pool changes hands, on the short roads too. */
static void test_serial(void **state) {
    fh_pool *pool;
    fh_pool_config c = {.size_bytes = 64, .capacity = 4, .hardened = true, .threads = FH_POOL_SERIAL};
    fh_assert_ok(fh_pool_new(fh_test_allocator(state), &c, &pool));
    for (int i = 0; i < 50; i++)
        fh_assert_ok(fh_pool_release(pool, alloc_one(pool, NULL)));
    fh_handle h = alloc_one(pool, NULL);
    void *arg[2] = {pool, (void *)(uintptr_t)h.value}, *right;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, use_next, arg), 0);
    assert_int_equal(pthread_join(thread, &right), 0);
    assert_non_null(right);
    fh_assert_code(fh_pool_release(pool, h), FH_DOUBLE_FREE);
    check(pool);
    fh_pool_free(pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_slots), FH_TEST_ALLOC(test_guards), FH_TEST_ALLOC(test_order), FH_TEST_ALLOC(test_queue),
        FH_TEST_ALLOC(test_poison), FH_TEST_ALLOC(test_reap), FH_TEST_ALLOC(test_alloc_verifies), FH_TEST_ALLOC(test_end),
        FH_TEST_ALLOC(test_fresh), FH_TEST_ALLOC(test_all_overwritten), FH_TEST_ALLOC(test_canary),
        FH_TEST_ALLOC(test_canaries_differ), FH_TEST_ALLOC(test_guarded), FH_TEST_ALLOC(test_sites),
        FH_TEST_ALLOC(test_sampling), FH_TEST_ALLOC(test_eager), FH_TEST_ALLOC(test_eager_overwritten),
        FH_TEST_ALLOC(test_hooks), FH_TEST_ALLOC(test_growth), FH_TEST_ALLOC(test_large), FH_TEST_ALLOC(test_retire),
        FH_TEST_ALLOC(test_switch), FH_TEST_ALLOC(test_explain), FH_TEST_ALLOC(test_without_memory),
        FH_TEST_ALLOC(test_foreign), FH_TEST_ALLOC(test_wrong_thread), FH_TEST_ALLOC(test_serial),
        FH_TEST_ALLOC(test_watched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
