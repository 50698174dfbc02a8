/* test_bits.c: the bit contract inside one program: every way to run a text gives the logits of the plainest way.
 *
 * Compilers and optimisation levels are compared by tools/bits-table. */
/* tidy: exempt mirror: the contract is that of the whole layer */
#include <stdio.h>

#include "lab.h"

struct way {
    unsigned isa; /* fh_isa or BEST */
    unsigned threads;
    struct lab_run run;
};

static const struct way plain = {FH_ISA_SCALAR, 1, {.chunk = 64, .batch = 1}};

/* Stands for the best instruction set of this processor. */
enum { BEST = FH_ISA_COUNT };

/* One thing at a time, then several. */
static const struct way ways[] = {
    {FH_ISA_SCALAR, 1, {.chunk = 1, .batch = 1}},
    {FH_ISA_SCALAR, 1, {.chunk = 512, .batch = 1, .dense = true}},
    {FH_ISA_SCALAR, 3, {.chunk = 7, .batch = 2, .fork_at = 70}},
    {FH_ISA_AVX2, 1, {.chunk = 64, .batch = 1}},
    {FH_ISA_AVX2, 1, {.chunk = 1, .batch = 1}},
    {FH_ISA_AVX2, 1, {.chunk = 512, .batch = 1}},
    {FH_ISA_AVX2, 3, {.chunk = 7, .batch = 4}},
    {BEST, 1, {.chunk = 64, .batch = 1}},
    {BEST, 1, {.chunk = 64, .batch = 1}}, /* again: the run itself */
    {BEST, 1, {.chunk = 1, .batch = 1}},
    {BEST, 1, {.chunk = 7, .batch = 1}},
    {BEST, 1, {.chunk = 512, .batch = 1}},
    {BEST, 1, {.chunk = 512, .batch = 1, .dense = true}},
    {BEST, 2, {.chunk = 64, .batch = 1}},
    {BEST, 3, {.chunk = 64, .batch = 1}},
    {BEST, 4, {.chunk = 7, .batch = 1}},
    {BEST, 8, {.chunk = 64, .batch = 1}},
    {BEST, 1, {.chunk = 64, .batch = 2}},
    {BEST, 1, {.chunk = 7, .batch = 3}},
    {BEST, 1, {.chunk = 64, .batch = 4, .dense = true}},
    {BEST, 1, {.chunk = 64, .batch = 1, .fork_at = 70}},
    {BEST, 1, {.chunk = 64, .batch = 1, .fork_at = 128}},
    {BEST, 1, {.chunk = 7, .batch = 3, .fork_at = 1}},
    {BEST, 4, {.chunk = 7, .batch = 3, .fork_at = 65}},
    {BEST, 8, {.chunk = 512, .batch = 4, .dense = true}},
};

static uint64_t hash_of(fh_allocator *a, fh_span file, const struct way *way) {
    struct lab lab;
    fh_err err;
    fh_err_clear(&err);
    fh_assert_ok(lab_open(&lab, a, file, (fh_isa)way->isa, way->threads, &err));
    uint64_t hash = lab_hash(&lab, a, &way->run);
    lab_close(&lab);
    return hash;
}

static void compare(fh_allocator *a, enum lab_kind kind) {
    for (unsigned dtype = 0; dtype < FH_DTYPE_COUNT; dtype++) {
        fh_buf file;
        lab_file(&file, a, lab_options(kind, (fh_dtype)dtype));
        uint64_t expected = hash_of(a, fh_buf_view(&file), &plain);
        for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
            struct way way = ways[i];
            if (way.isa == BEST)
                way.isa = fh_isa_best();
            else if (way.isa > fh_isa_best())
                continue;
            if (hash_of(a, fh_buf_view(&file), &way) != expected)
                fail_msg("%s %s: isa %s, %u threads, chunks of %u, batch %u, fork at %u: other bits", lab_kind_name(kind),
                         fh_dtype_name((fh_dtype)dtype), fh_isa_name((fh_isa)way.isa), way.threads, way.run.chunk,
                         way.run.batch, way.run.fork_at);
        }
        fh_buf_deinit(&file);
    }
}

static void test_llama(void **state) {
    compare(fh_test_allocator(state), LAB_LLAMA);
}
static void test_llama_moe(void **state) {
    compare(fh_test_allocator(state), LAB_LLAMA_MOE);
}
static void test_qwen3(void **state) {
    compare(fh_test_allocator(state), LAB_QWEN3);
}
static void test_qwen3moe(void **state) {
    compare(fh_test_allocator(state), LAB_QWEN3MOE);
}
static void test_olmoe(void **state) {
    compare(fh_test_allocator(state), LAB_OLMOE);
}

/* The hash sees a difference: one of the last bits of one weight changes it. */
static void test_hash_sees(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_buf file;
    lab_file(&file, a, lab_options(LAB_LLAMA, FH_DTYPE_F32));
    uint64_t before = hash_of(a, fh_buf_view(&file), &plain);
    lab_patch(&file, "blk.1.attn_norm.weight", 5, 1.0000001f);
    assert_true(hash_of(a, fh_buf_view(&file), &plain) != before);
    fh_buf_deinit(&file);
}

int main(void) {
    if (fh_isa_best() < FH_ISA_AVX512)
        printf("this processor has no more than %s: the rest is not compared\n", fh_isa_name(fh_isa_best()));
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_hash_sees), FH_TEST_ALLOC(test_llama),    FH_TEST_ALLOC(test_llama_moe),
        FH_TEST_ALLOC(test_qwen3),     FH_TEST_ALLOC(test_qwen3moe), FH_TEST_ALLOC(test_olmoe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
