/* test_security.c: the cases of the public security collection of mimalloc-bench (daanx/mimalloc-bench, bench/security: 43
 * small programs, each of which misuses malloc once), rewritten for handles, and who notices what, as a table.
 *
 * Each case runs in a child process of its own, with three sizes of object and with both kinds of pool. There are two ways to
 * misuse a pool: through its handles, where both kinds answer with a status, and through a raw pointer that was kept or
 * carried too far, which only a hardened pool looks for. What a kind is expected to do stands beside each case and is
 * checked: a pool that misses more than the table says, or less, fails the test.
 *
 *     status   the misusing call was refused, or the release that ended the life told of it
 *     later    fh_pool_reap, or the alloc that would have given the slot out again, found it; the slot was never given out
 *     fault    the access itself ended the program
 *     safe     the misuse has no effect that another life could see (fresh memory is zero, an address is not used again)
 *     missed   nobody noticed
 *     -        cannot be written: a handle is not an address, and a copy out of a slot has the slot's size at most
 *
 * tidy: exempt mirror: it looks at the pools from outside
 * Threading: one thread a process. */
#include "fh_test.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "freehold/harden.h"
#include "mem/poison.h"
#include "mem/pool/pool_hard.h"

typedef enum outcome { NONE, MISSED = 10, STATUS, LATER, SAFE, FAULT, ABSENT, BROKEN } outcome;

static const char *const names[] = {"missed", "status", "later", "safe", "fault", "-", "broken"};

static const char *name_of(outcome o) {
    return names[o - MISSED];
}

enum { LARGE = 256 << 10 };

/* What a case gets. */
typedef struct lab {
    fh_pool *pool;
    size_t size;
    bool hardened;
} lab;

typedef outcome security_case(const lab *l);

/* --- tools of the cases ------------------------------------------------------------------------------------------------- */

/* The case's own steps must work: it is the misuse that is to be judged. */
static void must(fh_status s) {
    if (fh_failed(s))
        _exit(BROKEN);
}

static fh_handle new_slot(const lab *l, uint8_t **out_at) {
    fh_handle h;
    void *at;
    must(fh_pool_alloc(l->pool, &h, &at));
    *out_at = at;
    return h;
}

static outcome refused(fh_status s) {
    return fh_failed(s) ? STATUS : MISSED;
}

/* Hides where a pointer comes from, as a call into another file does. */
static uint8_t *far(uint8_t *at, ptrdiff_t distance) {
    volatile uintptr_t address = (uintptr_t)at + (uintptr_t)distance;
    return (uint8_t *)address;
}

static bool is_slot(const lab *l, uint32_t i) {
    const fh_pool_core *core = l->pool->core;
    return i < core->slots && (!l->hardened || fh_hard_is_slot(core, core->own, i));
}

/* True if `distance` from slot i lies a slot; of small pools, also if it lies outside. */
static bool has_target(const lab *l, uint32_t i, ptrdiff_t distance) {
    ptrdiff_t stride = (ptrdiff_t)l->pool->core->stride, target = (ptrdiff_t)i * stride + distance;
    return l->size < LARGE || (target >= 0 && is_slot(l, (uint32_t)(target / stride)));
}

/* A slot between others, which are free: what lies beside the first or the last one says little. */
static fh_handle inner_slot(const lab *l, ptrdiff_t distance, uint8_t **out_at) {
    uint32_t reach = l->size < 64 ? 3 : 1;
    fh_handle taken[32], found = {0};
    for (size_t k = 0; k < 32; k++) {
        uint8_t *at;
        taken[k] = new_slot(l, &at);
        uint32_t i = (uint32_t)taken[k].value, d = 1;
        while (i >= d && is_slot(l, i - d) && is_slot(l, i + d) && d < reach)
            d++;
        if (found.value == 0 && i >= d && is_slot(l, i - d) && is_slot(l, i + d) && has_target(l, i, distance)) {
            found = taken[k];
            *out_at = at;
        }
    }
    if (found.value == 0)
        _exit(BROKEN);
    for (size_t k = 0; k < 32; k++)
        if (taken[k].value != found.value)
            must(fh_pool_release(l->pool, taken[k]));
    return found;
}

/* A write whose slot is released afterwards: who tells of it? */
static outcome write_then_release(const lab *l, ptrdiff_t distance) {
    uint8_t *at;
    fh_handle h = inner_slot(l, distance, &at);
    *far(at, distance) ^= 'A';
    if (fh_failed(fh_pool_release(l->pool, h)))
        return STATUS;
    return fh_failed(fh_pool_reap(l->pool)) ? LATER : MISSED;
}

/* --- overflows and underflows (14 programs) ------------------------------------------------------------------------------- */

static outcome one_byte_overflow(const lab *l) {
    return write_then_release(l, (ptrdiff_t)l->size);
}
static outcome overflow_32(const lab *l) {
    return write_then_release(l, (ptrdiff_t)l->size - 1 + 32);
}
static outcome one_mbyte_overflow(const lab *l) {
    return write_then_release(l, (ptrdiff_t)l->size - 1 + (1 << 20));
}
static outcome one_byte_underflow(const lab *l) {
    return write_then_release(l, -1);
}
static outcome underflow_32(const lab *l) {
    return write_then_release(l, -32);
}
static outcome one_mbyte_underflow(const lab *l) {
    return write_then_release(l, -(1 << 20));
}

/* Over the canary, into an object that lives: its own program may do that too, so nobody can tell. */
static outcome leap_into_live_object(const lab *l) {
    uint8_t *all[32], *lowest = NULL;
    fh_handle handles[32];
    for (size_t k = 0; k < 32; k++)
        handles[k] = new_slot(l, &all[k]);
    for (size_t k = 0; k < 32; k++)
        lowest = k == 0 || all[k] < lowest ? all[k] : lowest;
    for (size_t k = 0; k < 32; k++) {
        if (all[k] != lowest)
            *far(lowest, all[k] - lowest) ^= 'A';
        if (fh_failed(fh_pool_release(l->pool, handles[k])))
            return STATUS;
    }
    return fh_failed(fh_pool_reap(l->pool)) ? LATER : MISSED;
}

/* The collection's memcpy cases: a copy of as many bytes as the object has, from an address that is off by n, or of n bytes
 * more. Through the pool's own copy the size is known. */
static uint8_t source[LARGE + (1 << 20) + 64];

static outcome copy_more(const lab *l, size_t more) {
    uint8_t *at;
    fh_handle h = new_slot(l, &at);
    return refused(fh_pool_store(l->pool, h, (fh_span){source, l->size + more}));
}
static outcome one_byte_memcpy_overflow(const lab *l) {
    return copy_more(l, 1);
}
static outcome memcpy_overflow_32(const lab *l) {
    return copy_more(l, 32);
}
static outcome one_mbyte_memcpy_overflow(const lab *l) {
    return copy_more(l, 1 << 20);
}
static outcome read_more(const lab *l) {
    uint8_t *at;
    fh_handle h = new_slot(l, &at);
    return refused(fh_pool_load(l->pool, h, (fh_mspan){source, l->size + 1}));
}
/* A write that runs on and on, as a string without an end does. */
static outcome endless_overflow(const lab *l) {
    uint8_t *at;
    new_slot(l, &at);
    for (ptrdiff_t k = 0; k < 16 << 20; k += 8)
        memset(far(at, k), 'A', 8);
    return MISSED;
}

/* --- double frees (5)
 * ------------------------------------------------------------------------------------------------------- */

static outcome double_free(const lab *l) {
    uint8_t *at;
    fh_handle h = new_slot(l, &at);
    must(fh_pool_release(l->pool, h));
    return refused(fh_pool_release(l->pool, h));
}
static outcome double_free_interleaved(const lab *l) {
    uint8_t *at;
    fh_handle p = new_slot(l, &at), q = new_slot(l, &at);
    must(fh_pool_release(l->pool, p));
    must(fh_pool_release(l->pool, q));
    return refused(fh_pool_release(l->pool, p));
}
static outcome double_free_delayed(const lab *l) {
    uint8_t *at;
    fh_handle h = new_slot(l, &at);
    must(fh_pool_release(l->pool, h));
    for (int i = 0; i < 1024; i++)
        must(fh_pool_release(l->pool, new_slot(l, &at)));
    return refused(fh_pool_release(l->pool, h));
}
/* The slot lives again by then, if the pool uses it again: the other life must not be ended. */
static outcome double_free_reuse(const lab *l) {
    uint8_t *at;
    fh_handle h = new_slot(l, &at), others[8];
    must(fh_pool_release(l->pool, h));
    for (int i = 0; i < 8; i++)
        others[i] = new_slot(l, &at);
    fh_status s = fh_pool_release(l->pool, h);
    for (int i = 0; i < 8; i++)
        must(fh_pool_release(l->pool, others[i]));
    return refused(s);
}
static outcome double_free_single_reuse(const lab *l) {
    uint8_t *at;
    fh_handle h = new_slot(l, &at);
    must(fh_pool_release(l->pool, h));
    fh_handle other = new_slot(l, &at);
    fh_status s = fh_pool_release(l->pool, h);
    must(fh_pool_release(l->pool, other));
    return refused(s);
}

/* --- releases of what is no handle (11)
 * --------------------------------------------------------------------------------------- */

static outcome release_value(const lab *l, uint64_t value) {
    return refused(fh_pool_release(l->pool, (fh_handle){value}));
}
/* invalid_free, _alloca, _stack: an address, of whatever. */
static outcome invalid_free(const lab *l) {
    uint8_t local = 0;
    return release_value(l, (uint64_t)(uintptr_t)&local);
}
static outcome invalid_free_slot_address(const lab *l) {
    uint8_t *at;
    new_slot(l, &at);
    return release_value(l, (uint64_t)(uintptr_t)at);
}
/* Near a handle: the next slot, one far away, the generations beside it. */
static outcome invalid_free_close(const lab *l) {
    uint8_t *at;
    return release_value(l, new_slot(l, &at).value + 1);
}
static outcome invalid_free_far(const lab *l) {
    uint8_t *at;
    return release_value(l, new_slot(l, &at).value + (1 << 30));
}
static outcome invalid_free_unaligned(const lab *l) {
    uint8_t *at;
    fh_handle h = new_slot(l, &at);
    for (uint64_t d = 1; d <= 4; d++)
        if (!fh_failed(fh_pool_release(l->pool, (fh_handle){h.value + (d << 32)})) ||
            !fh_failed(fh_pool_release(l->pool, (fh_handle){h.value - (d << 32)})))
            return MISSED;
    return STATUS;
}
static outcome every_small_number(const lab *l) {
    uint8_t *at;
    new_slot(l, &at);
    for (uint64_t v = 0; v < 100000; v++)
        if (!fh_failed(fh_pool_release(l->pool, (fh_handle){v})))
            return MISSED;
    return STATUS;
}
/* invalid_delete_array_*, invalid_array_delete_*, delete_type_size_mismatch: ended in another way than begun. Typed pools do
 * not let it compile; this is the same below the types: a handle of a pool of other objects. */
static outcome mismatch(const lab *l) {
    fh_pool *other;
    fh_handle h;
    fh_pool_config c = {.size_bytes = l->size * 2, .capacity = 4, .hardened = l->hardened};
    must(fh_pool_new(fh_heap(), &c, &other));
    must(fh_pool_alloc(other, &h, NULL));
    return refused(fh_pool_release(l->pool, h));
}

/* --- use after a release (8)
 * ---------------------------------------------------------------------------------------------------- */

static outcome get_after_free(const lab *l) {
    uint8_t *at;
    void *again;
    fh_handle h = new_slot(l, &at);
    must(fh_pool_release(l->pool, h));
    return refused(fh_pool_get(l->pool, h, &again));
}
static outcome get_after_reuse(const lab *l) {
    uint8_t *at;
    void *again;
    fh_handle h = new_slot(l, &at);
    must(fh_pool_release(l->pool, h));
    for (int i = 0; i < 8; i++)
        new_slot(l, &at);
    return refused(fh_pool_get(l->pool, h, &again));
}
static outcome write_after_free(const lab *l) {
    uint8_t *at;
    must(fh_pool_release(l->pool, new_slot(l, &at)));
    memset(far(at, 0), 'A', l->size);
    return fh_failed(fh_pool_reap(l->pool)) ? LATER : MISSED;
}
static outcome write_after_free_reuse(const lab *l) {
    uint8_t *at, *other;
    must(fh_pool_release(l->pool, new_slot(l, &at)));
    memset(far(at, 0), 'A', l->size);
    for (int i = 0; i < 4096; i++)
        must(fh_pool_release(l->pool, new_slot(l, &other)));
    return fh_pool_stats_get(l->pool).overwritten == 1 ? LATER : MISSED;
}
/* Zero bytes, one of them: a reference count that goes down, a flag that is cleared. */
static outcome clear_after_free(const lab *l) {
    uint8_t *at;
    must(fh_pool_release(l->pool, new_slot(l, &at)));
    *far(at, (ptrdiff_t)l->size - 1) = 0;
    return fh_failed(fh_pool_reap(l->pool)) ? LATER : MISSED;
}
/* A sampled slot is not even there any more. */
static outcome write_after_free_sampled(const lab *l) {
    uint8_t *at, *first = NULL;
    if (!l->hardened)
        return ABSENT;
    fh_handle h = {0};
    for (int i = 0; i < 200000; i++) {
        h = new_slot(l, &at);
        first = i == 0 || at < first ? at : first;
        must(fh_pool_release(l->pool, h));
    }
    *far(first, 0) = 1; /* guarded slots lie before all others */
    return MISSED;
}
static outcome read_after_free(const lab *l) {
    uint8_t *at;
    fh_handle h = new_slot(l, &at);
    memset(at, 'A', l->size);
    must(fh_pool_release(l->pool, h));
    for (size_t k = 0; k < l->size; k++)
        if (*far(at, (ptrdiff_t)k) == 'A')
            return MISSED;
    return SAFE;
}
static outcome zero_on_malloc(const lab *l) {
    uint8_t *at;
    for (int i = 0; i < 64; i++) {
        fh_handle h = new_slot(l, &at);
        memset(at, 'A', l->size);
        must(fh_pool_release(l->pool, h));
    }
    new_slot(l, &at);
    for (size_t k = 0; k < l->size; k++)
        if (at[k] != 0)
            return MISSED;
    return SAFE;
}
/* malloc_reuse, _downsize, realloc_reuse: is an address used again at once? */
static outcome malloc_reuse(const lab *l) {
    uint8_t *at, *again;
    must(fh_pool_release(l->pool, new_slot(l, &at)));
    new_slot(l, &again);
    return at == again ? MISSED : SAFE;
}

/* --- sizes and pages (6)
 * -------------------------------------------------------------------------------------------------------- */

/* read_zero_size, write_zero_size, and their _free forms. */
static outcome zero_size(const lab *l) {
    fh_pool *pool;
    fh_pool_config c = {.size_bytes = 0, .capacity = 4, .hardened = l->hardened};
    return refused(fh_pool_new(fh_heap(), &c, &pool));
}
static outcome impossibly_large(const lab *l) {
    static const size_t sizes[] = {SIZE_MAX - 1, SIZE_MAX - 16, SIZE_MAX / 2, SIZE_MAX / 4};
    for (size_t i = 0; i < 4; i++) {
        fh_pool *pool;
        fh_pool_config c = {.size_bytes = sizes[i], .capacity = 4, .hardened = l->hardened};
        if (!fh_failed(fh_pool_new(fh_heap(), &c, &pool)))
            return MISSED;
    }
    return STATUS;
}
static outcome executable_heap(const lab *l) {
    uint8_t *at;
    new_slot(l, &at);
    at[0] = 0xc3; /* return */
    void (*call)(void);
    memcpy(&call, &at, sizeof call);
    call();
    return MISSED;
}
static outcome unaligned_object(const lab *l) {
    uint8_t *at;
    for (int i = 0; i < 16; i++) {
        new_slot(l, &at);
        if ((uintptr_t)at % 16 != 0)
            return MISSED;
    }
    return SAFE;
}

/* --- the table
 * ------------------------------------------------------------------------------------------------------------------- */

typedef struct row {
    const char *name; /* of the program in the collection, or of a case beside them */
    security_case *run;
    outcome plain, hard;
    outcome plain_large, hard_large; /* of the largest objects, where that is not the same; else NONE */
} row;

#define ROW(name, ...) {#name, name, __VA_ARGS__}

static const row rows[] = {
    ROW(one_byte_overflow, MISSED, STATUS, NONE, NONE),
    {"32_byte_overflow", overflow_32, MISSED, LATER, NONE, NONE},
    ROW(one_mbyte_overflow, FAULT, FAULT, MISSED, LATER), /* there it is another object of the pool */
    ROW(one_byte_underflow, MISSED, LATER, NONE, NONE),
    {"32_byte_underflow", underflow_32, MISSED, LATER, NONE, NONE},
    ROW(one_mbyte_underflow, FAULT, FAULT, MISSED, LATER),
    ROW(leap_into_live_object, MISSED, MISSED, NONE, NONE),
    ROW(one_byte_memcpy_overflow, STATUS, STATUS, NONE, NONE),
    {"32_byte_memcpy_overflow", memcpy_overflow_32, STATUS, STATUS, NONE, NONE},
    ROW(one_mbyte_memcpy_overflow, STATUS, STATUS, NONE, NONE),
    ROW(read_more, STATUS, STATUS, NONE, NONE),
    ROW(endless_overflow, FAULT, FAULT, NONE, NONE),
    ROW(double_free, STATUS, STATUS, NONE, NONE),
    ROW(double_free_interleaved, STATUS, STATUS, NONE, NONE),
    ROW(double_free_delayed, STATUS, STATUS, NONE, NONE),
    ROW(double_free_reuse, STATUS, STATUS, NONE, NONE),
    ROW(double_free_single_reuse, STATUS, STATUS, NONE, NONE),
    ROW(invalid_free, STATUS, STATUS, NONE, NONE),
    ROW(invalid_free_slot_address, STATUS, STATUS, NONE, NONE),
    ROW(invalid_free_close, STATUS, STATUS, NONE, NONE),
    ROW(invalid_free_far, STATUS, STATUS, NONE, NONE),
    ROW(invalid_free_unaligned, STATUS, STATUS, NONE, NONE),
    ROW(every_small_number, STATUS, STATUS, NONE, NONE),
    {"delete_type_size_mismatch", mismatch, STATUS, STATUS, NONE, NONE},
    ROW(get_after_free, STATUS, STATUS, NONE, NONE),
    ROW(get_after_reuse, STATUS, STATUS, NONE, NONE),
    ROW(write_after_free, MISSED, LATER, NONE, NONE),
    ROW(write_after_free_reuse, MISSED, LATER, NONE, NONE),
    ROW(clear_after_free, MISSED, LATER, NONE, NONE),
    ROW(write_after_free_sampled, ABSENT, FAULT, NONE, NONE),
    {"zero_after_free", read_after_free, MISSED, SAFE, NONE, NONE},
    ROW(zero_on_malloc, SAFE, SAFE, NONE, NONE),
    ROW(malloc_reuse, MISSED, SAFE, NONE, NONE),
    ROW(zero_size, STATUS, STATUS, NONE, NONE),
    {"impossibly_large_malloc", impossibly_large, STATUS, STATUS, NONE, NONE},
    ROW(executable_heap, FAULT, FAULT, NONE, NONE),
    ROW(unaligned_object, SAFE, SAFE, NONE, NONE),
};

typedef struct job {
    const row *row;
    size_t size;
    bool hardened;
} job;

static void run_case(void *arg) {
    const job *j = arg;
    lab l = {.size = j->size, .hardened = j->hardened};
    fh_pool_config c = {.size_bytes = j->size, .natural_align_bytes = 16, .capacity = 32, .hardened = j->hardened};
    must(fh_pool_new(fh_heap(), &c, &l.pool));
    _exit((int)j->row->run(&l));
}

static outcome outcome_of(const job *j) {
    char said[8192];
    int status = fh_test_child(run_case, (void *)(uintptr_t)j, said, sizeof said);
    if (WIFSIGNALED(status))
        return WTERMSIG(status) == SIGSEGV || WTERMSIG(status) == SIGBUS ? FAULT : BROKEN;
    int code = WEXITSTATUS(status);
    return code >= MISSED && code <= ABSENT ? (outcome)code : BROKEN;
}

static void test_matrix(void **state) {
    (void)state;
    static const size_t sizes[] = {8, 4096, LARGE};
    fh_test_skip_on_valgrind("stops such an access itself");
#ifdef FH_TEST_SANITIZED
    fh_test_skip("a sanitizer has its own way to end a program at a fault");
#endif
    unsigned wrong = 0, missed[2] = {0, 0};
    printf("%-28s %-26s %s\n", "8 / 4096 / 262144 bytes", "pool", "hardened pool");
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        printf("%-28s", rows[r].name);
        for (int hardened = 0; hardened <= 1; hardened++) {
            char text[64] = "";
            for (size_t k = 0; k < 3; k++) {
                job j = {&rows[r], sizes[k], hardened != 0};
                outcome got = outcome_of(&j), large = hardened ? rows[r].hard_large : rows[r].plain_large;
                outcome expected = k == 2 && large != NONE ? large : hardened ? rows[r].hard : rows[r].plain;
                missed[hardened] += got == MISSED;
                wrong += got != expected;
                size_t used = strlen(text);
                (void)snprintf(text + used, sizeof text - used, "%s%s%s", k == 0 ? "" : " / ", name_of(got),
                               got == expected ? "" : "(!)");
            }
            printf(hardened ? " %s\n" : " %-26s", text);
        }
    }
    printf("missed: pool %u, hardened pool %u, of %zu\n", missed[0], missed[1], 3 * sizeof rows / sizeof rows[0]);
    assert_int_equal(wrong, 0);
    assert_true(missed[1] == 3 && missed[0] > 8 * missed[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_matrix)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
