/* test_cache_shard.c: one shard alone: its table beside a plain list, references that wear out, damage that the check sees. */
#include "fh_test.h"

#include <string.h>

#include "mem/cache/cache_shard.h"

enum { AGE_BITS = 40 };

#define FIRST ((UINT64_MAX - 1) << FH_CACHE_INDEX_BITS | 3) /* ages go around the end at once */

static fh_cache_config config_of(uint32_t entries_max, uint32_t refs_max) {
    return (fh_cache_config){.entries_max = entries_max, .refs_max = refs_max};
}

static void begin(fh_cache_shard *s, fh_evict_time *time, fh_allocator *a, uint32_t entries_max, uint32_t refs_max,
                  unsigned age_bits) {
    fh_cache_config c = config_of(entries_max, refs_max);
    *time = (fh_evict_time){0, 0};
    fh_assert_ok(fh_shard_init(s, a, &c, time, FIRST, age_bits));
}

static void check(const fh_cache_shard *s) {
    uint64_t bytes = 0;
    fh_err err = {0};
    if (fh_failed(fh_shard_check(s, &bytes, &err)))
        fail_msg("%s", err.message);
}

/* A resident, idle entry. */
static uint32_t add(fh_cache_shard *s, uint64_t key) {
    uint32_t i = 0, k = 0;
    fh_assert_ok(fh_shard_add(s, key, (uint32_t)fh_mix64(key), 1, &i));
    fh_assert_ok(fh_shard_refer(s, i, &k));
    fh_shard_loaded(s, i, FH_DONE, NULL);
    assert_int_equal(fh_shard_unrefer(s, k), i);
    return i;
}

static uint32_t find(const fh_cache_shard *s, uint64_t key) {
    return fh_shard_find(s, key, (uint32_t)fh_mix64(key));
}

static void drop_entry(fh_cache_shard *s, uint32_t i) {
    fh_shard_unmap(s, i);
    fh_shard_end(s, i);
}

/* Keys come and go; each is found exactly while it is there, while the table grows and holes are filled. */
static void test_table(void **state) {
    enum { KEYS = 600 };
    static uint32_t where[KEYS];
    fh_cache_shard s;
    fh_evict_time time;
    fh_test_rng rng = fh_test_rng_new(6);
    begin(&s, &time, fh_test_allocator(state), KEYS, 4, AGE_BITS);
    memset(where, 0xff, sizeof where);
    uint32_t peak = 0;
    for (uint64_t step = 0; step < 20000; step++) {
        bool growing = step < 4000 || step % 2000 < 1000;
        uint64_t key = fh_test_rng_below(&rng, KEYS);
        assert_int_equal(find(&s, key), where[key]);
        if (where[key] == FH_CACHE_NONE && growing) {
            where[key] = add(&s, key);
        } else if (where[key] != FH_CACHE_NONE && !growing) {
            drop_entry(&s, where[key]);
            where[key] = FH_CACHE_NONE;
        }
        peak = s.mapped > peak ? s.mapped : peak;
        if (step % 64 == 0)
            check(&s);
    }
    assert_true(peak > 500 && s.mask >= 1023);
    for (uint64_t key = 0; key < KEYS; key++)
        assert_int_equal(find(&s, key), where[key]);
    fh_shard_deinit(&s);
}

/* Keys whose cells collide: all have the same home in the first table. */
static void test_collisions(void **state) {
    uint64_t keys[8];
    uint32_t entries[8];
    size_t count = 0;
    fh_cache_shard s;
    fh_evict_time time;
    for (uint64_t key = 0; count < 8; key++)
        if ((fh_mix64(key) & 15) == 14) /* the cells go around the end */
            keys[count++] = key;
    for (size_t first = 0; first < 8; first++) {
        begin(&s, &time, fh_test_allocator(state), 16, 4, AGE_BITS);
        for (size_t i = 0; i < 8; i++)
            entries[i] = add(&s, keys[i]);
        assert_int_equal(s.mask, 15);
        for (size_t n = 0; n < 8; n++) {
            size_t gone = (first + 5 * n) % 8;
            drop_entry(&s, entries[gone]);
            check(&s);
            assert_int_equal(find(&s, keys[gone]), FH_CACHE_NONE);
        }
        assert_int_equal(s.mapped, 0);
        fh_shard_deinit(&s);
    }
}

/* Two keys with the same 32-bit tag are two keys. */
static void test_tag_is_not_key(void **state) {
    fh_cache_shard s;
    fh_evict_time time;
    uint32_t i = 0, k = 0;
    begin(&s, &time, fh_test_allocator(state), 16, 4, AGE_BITS);
    fh_assert_ok(fh_shard_add(&s, 1, 77, 1, &i));
    fh_assert_ok(fh_shard_refer(&s, i, &k));
    assert_int_equal(fh_shard_find(&s, 1, 77), i);
    assert_int_equal(fh_shard_find(&s, 2, 77), FH_CACHE_NONE);
    fh_shard_deinit(&s);
}

/* With ages of 5 bits a reference has 15 lives; then its slot is retired, and the shard runs out of references. */
static void test_references_wear_out(void **state) {
    enum { REFS = 3, LIVES = 15 };
    fh_cache_shard s;
    fh_evict_time time;
    uint32_t k = 0, i = 0;
    begin(&s, &time, fh_test_allocator(state), 16, REFS, 5);
    fh_assert_ok(fh_shard_add(&s, 1, 1, 1, &i));
    uint64_t ages[REFS] = {0};
    for (int life = 0; life < REFS * LIVES; life++) {
        fh_assert_ok(fh_shard_refer(&s, i, &k));
        uint64_t age = fh_shard_age(&s, fh_shard_slot(&s, k)->number);
        assert_true(k < REFS && age > ages[k] && fh_shard_is_life(fh_shard_slot(&s, k)->number)); /* no age twice */
        ages[k] = age;
        (void)fh_shard_unrefer(&s, k);
    }
    fh_assert_code(fh_shard_refer(&s, i, &k), FH_EXHAUSTED);
    assert_true(s.slots_retired == REFS && s.slots_live == 0 && fh_shard_entry(&s, i)->count == 0);
    fh_shard_deinit(&s);
}

/* Columns end where they were told to, and what a refusal saw stays as it was. */
static void test_full(void **state) {
    fh_cache_shard s;
    fh_evict_time time;
    uint32_t i = 0, k[2] = {0}, none = 0;
    begin(&s, &time, fh_test_allocator(state), 3, 2, AGE_BITS);
    for (uint64_t key = 0; key < 3; key++)
        (void)add(&s, key);
    fh_assert_code(fh_shard_add(&s, 9, 9, 1, &i), FH_EXHAUSTED);
    check(&s);
    for (size_t n = 0; n < 2; n++)
        fh_assert_ok(fh_shard_refer(&s, 0, &k[n]));
    fh_assert_code(fh_shard_refer(&s, 1, &none), FH_EXHAUSTED);
    check(&s);
    assert_int_equal(s.evict.count, 3); /* what is in use stays listed until it comes up */
    for (size_t n = 0; n < 2; n++)
        (void)fh_shard_unrefer(&s, k[n]);
    check(&s);
    fh_shard_deinit(&s);
}

static fh_status fill(fh_allocator *a, void *arg) {
    fh_cache_shard s;
    fh_evict_time time = {0, 0};
    fh_cache_config c = config_of(400, 16);
    uint32_t i = 0, k = 0;
    (void)arg;
    FH_TRY(fh_shard_init(&s, a, &c, &time, FIRST, AGE_BITS));
    fh_status status = FH_DONE;
    for (uint64_t key = 0; key < 200 && !fh_failed(status); key++) {
        status = fh_shard_add(&s, key, (uint32_t)fh_mix64(key), 1, &i);
        if (fh_failed(status))
            break;
        status = fh_shard_refer(&s, i, &k);
        fh_shard_loaded(&s, i, status, NULL);
        if (!fh_failed(status))
            (void)fh_shard_unrefer(&s, k);
        else
            fh_shard_end(&s, i);
    }
    check(&s);
    fh_shard_deinit(&s);
    return status;
}

static void test_without_memory(void **state) {
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), fill, NULL) > 8);
}

/* Ending what somebody still has is a programmer's error. */
static void end_mapped(void *arg) {
    fh_shard_end(arg, 0);
}

static void test_misuse(void **state) {
    fh_cache_shard s;
    fh_evict_time time;
    begin(&s, &time, fh_test_allocator(state), 4, 4, AGE_BITS);
    (void)add(&s, 1);
    fh_assert_dies(end_mapped, &s, "!e->mapped && e->count == 0");
    fh_shard_deinit(&s);
}

/* Each kind of damage is seen. */
static void test_check_sees(void **state) {
    fh_cache_shard s;
    fh_evict_time time;
    uint32_t k = 0;
    begin(&s, &time, fh_test_allocator(state), 16, 8, AGE_BITS);
    for (uint64_t key = 0; key < 5; key++)
        (void)add(&s, key);
    drop_entry(&s, 4);
    fh_assert_ok(fh_shard_refer(&s, 3, &k)); /* 0 … 2 idle, 3 in use, 4 free; reference 0 live */
    fh_shard_pin(&s, 2);
    check(&s);
    uint32_t *words[] = {&s.mapped,        &s.entries_live, &s.loading,           &s.pinned,
                         &s.slots_live,    &s.slots_retired, &s.evict.count,      &fh_shard_entry(&s, 0)->count,
                         &fh_shard_entry(&s, 3)->count, &fh_shard_entry(&s, 0)->pins, &fh_shard_entry(&s, 1)->state,
                         &fh_shard_slot(&s, k)->entry};
    for (size_t w = 0; w < sizeof words / sizeof words[0]; w++) {
        uint64_t bytes = 0;
        (*words[w])++;
        fh_assert_code(fh_shard_check(&s, &bytes, NULL), FH_CORRUPT);
        (*words[w])--;
        check(&s);
    }
    uint64_t *wide[] = {&fh_shard_slot(&s, k)->number, &fh_shard_entry(&s, 0)->key, &s.victim.stamp, &s.victim.worth,
                        &s.age_max};
    for (size_t w = 0; w < sizeof wide / sizeof wide[0]; w++) {
        uint64_t bytes = 0, before = *wide[w];
        *wide[w] = w == 4 ? 0 : before + 1;
        fh_assert_code(fh_shard_check(&s, &bytes, NULL), FH_CORRUPT);
        *wide[w] = before;
    }
    fh_shard_entry(&s, 0)->mapped = false;
    uint64_t bytes = 0;
    fh_assert_code(fh_shard_check(&s, &bytes, NULL), FH_CORRUPT);
    fh_shard_entry(&s, 0)->mapped = true;
    check(&s);
    fh_shard_deinit(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_table),          FH_TEST_ALLOC(test_collisions),
        FH_TEST_ALLOC(test_tag_is_not_key), FH_TEST_ALLOC(test_references_wear_out),
        FH_TEST_ALLOC(test_full),           FH_TEST_ALLOC(test_without_memory),
        FH_TEST_ALLOC(test_misuse),         FH_TEST_ALLOC(test_check_sees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
