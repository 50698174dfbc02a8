/* test_tally.c: counts of words against counting them one by one, for any number of threads. */
#define _GNU_SOURCE /* MAP_ANONYMOUS */
#include <sys/mman.h>
#include <unistd.h>

#include "freehold/buf.h"
#include "freehold/os.h"
#include "freehold/words.h"
#include "support/fh_test.h"

/* As many parts as wanted, one after another, the last first. */
static void run_parts(void *ctx, fh_par_fn *fn, void *arg) {
    unsigned width = *(unsigned *)ctx;
    for (unsigned part = width; part-- > 0;)
        fn(arg, part, width);
}

static fh_par par_of(unsigned *width) {
    return (fh_par){width, *width, run_parts};
}

/* All words with their counts as text: "2 b\n1 a\n". */
static fh_status listing(fh_allocator *a, unsigned width, uint64_t seed, fh_views texts, fh_views more, fh_buf *out) {
    fh_tally *t;
    FH_TRY(fh_tally_new(a, seed, &t, NULL));
    fh_par par = par_of(&width);
    fh_status s = fh_tally_add(t, &par, texts, NULL);
    if (!fh_failed(s) && more.count != 0)
        s = fh_tally_add(t, NULL, more, NULL);
    if (!fh_failed(s))
        s = fh_tally_sort(t, NULL);
    uint64_t total = 0;
    for (size_t i = 0; !fh_failed(s) && i < fh_tally_distinct(t); i++) {
        fh_span word;
        uint64_t count = fh_tally_get(t, i, &word);
        total += count;
        s = fh_buf_format(out, "%llu ", (unsigned long long)count);
        if (!fh_failed(s))
            s = fh_buf_put(out, word);
        if (!fh_failed(s))
            s = fh_buf_put_u8(out, '\n');
    }
    if (!fh_failed(s) && total != fh_tally_total(t))
        s = FH_STATUS(FH_CORRUPT);
    fh_tally_free(t);
    return s;
}

static void assert_listing(fh_allocator *a, unsigned width, fh_views texts, const char *expected) {
    fh_buf out;
    fh_buf_init(&out, a, 0);
    fh_assert_ok(listing(a, width, 7, texts, (fh_views){NULL, 0}, &out));
    fh_assert_span(fh_buf_view(&out), expected);
    fh_buf_deinit(&out);
}

static void test_known(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_span texts[] = {FH_LIT("the cat the dog"), FH_LIT(""), FH_LIT("  the\xe3\x80\x80" "dog "), FH_LIT("a")};
    assert_listing(a, 1, (fh_views){texts, 4}, "3 the\n2 dog\n1 a\n1 cat\n");
    assert_listing(a, 3, (fh_views){texts, 4}, "3 the\n2 dog\n1 a\n1 cat\n");
    assert_listing(a, 9, (fh_views){texts, 0}, "");
    assert_listing(a, 2, (fh_views){texts + 1, 1}, "");
}

/* Sizes around those that are compared as numbers; words that begin alike. */
static void test_sizes(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_buf text, expected;
    fh_buf_init(&text, a, 0);
    fh_buf_init(&expected, a, 0);
    for (int round = 0; round < 2; round++) {
        for (size_t size = 1; size <= 40; size++) {
            for (size_t i = 0; i < size; i++) {
                fh_assert_ok(fh_buf_put_u8(&text, 'w'));
                if (round == 0)
                    fh_assert_ok(i == 0 ? fh_buf_put(&expected, FH_LIT("2 w")) : fh_buf_put_u8(&expected, 'w'));
            }
            fh_assert_ok(fh_buf_put_u8(&text, '\n'));
            if (round == 0)
                fh_assert_ok(fh_buf_put_u8(&expected, '\n'));
        }
    }
    fh_assert_ok(fh_buf_put_u8(&expected, 0));
    for (unsigned width = 1; width < 5; width++) {
        fh_span texts[] = {fh_buf_view(&text)};
        assert_listing(a, width, (fh_views){texts, 1}, (const char *)fh_buf_view(&expected).at);
    }
    fh_buf_deinit(&text);
    fh_buf_deinit(&expected);
}

/* Texts that end where a page ends, before one that may not be read. */
static void test_ends(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *at = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(at != MAP_FAILED);
    assert_int_equal(mprotect(at + page, page, PROT_NONE), 0);
    fh_mspan_fill((fh_mspan){at, page}, 'w');
    for (size_t size = 1; size <= 40; size++) {
        fh_span texts[] = {{at + page - size, size}, FH_LIT("w")};
        fh_buf expected;
        fh_buf_init(&expected, a, 0);
        fh_assert_ok(fh_buf_put(&expected, size == 1 ? FH_LIT("2 w\n") : FH_LIT("1 w\n1 ")));
        for (size_t i = 0; i < size && size > 1; i++)
            fh_assert_ok(fh_buf_put_u8(&expected, 'w'));
        fh_assert_ok(fh_buf_put(&expected, size == 1 ? FH_LIT("") : FH_LIT("\n")));
        fh_assert_ok(fh_buf_put_u8(&expected, 0));
        assert_listing(a, 1, (fh_views){texts, 2}, (const char *)fh_buf_view(&expected).at);
        fh_buf_deinit(&expected);
    }
    munmap(at, 2 * page);
}

/* Zeros are bytes of a word like any other: they are not what is behind it. */
static void test_zeros(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_span texts[] = {FH_LIT("a a\0 a\0\0 a\0 \0 seventeen letters")};
    fh_buf out;
    fh_buf_init(&out, a, 0);
    for (unsigned width = 1; width < 4; width++) {
        fh_buf_truncate(&out, 0);
        fh_assert_ok(listing(a, width, width, (fh_views){texts, 1}, (fh_views){NULL, 0}, &out));
        fh_span expected = FH_LIT("2 a\0\n1 \0\n1 a\n1 a\0\0\n1 letters\n1 seventeen\n");
        assert_true(fh_span_equal(fh_buf_view(&out), expected));
    }
    fh_buf_deinit(&out);
}

/* Many words: the same list for any number of threads, seeds, and cuts into texts. */
static void test_any_threads(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_test_rng rng = fh_test_rng_new(2);
    fh_buf text, expected;
    fh_buf_init(&text, a, 0);
    fh_buf_init(&expected, a, 0);
    for (int i = 0; i < 20000; i++)
        fh_assert_ok(fh_buf_format(&text, "%s%llu%s", i % 7 == 0 ? "a rather long word " : "",
                                   (unsigned long long)fh_test_rng_below(&rng, 1 + fh_test_rng_below(&rng, 6000)),
                                   i % 3 == 0 ? "\n" : i % 3 == 1 ? " " : "\xe2\x80\x83"));
    fh_span all = fh_buf_view(&text);
    fh_span one[] = {all};
    fh_assert_ok(listing(a, 1, 0, (fh_views){one, 1}, (fh_views){NULL, 0}, &expected));
    for (unsigned width = 1; width <= 17; width += 4) {
        size_t first = fh_split_cut(all, all.size / (width + 1)), second = fh_split_cut(all, first + 1000);
        fh_span texts[] = {fh_span_sub(all, 0, first), fh_span_sub(all, first, second - first), fh_span_from(all, second)};
        fh_buf got;
        fh_buf_init(&got, a, 0);
        fh_assert_ok(listing(a, width, width, (fh_views){texts, 2}, (fh_views){texts + 2, 1}, &got));
        assert_true(fh_span_equal(fh_buf_view(&got), fh_buf_view(&expected)));
        fh_buf_deinit(&got);
    }
    fh_buf_deinit(&text);
    fh_buf_deinit(&expected);
}

/* Threads that run at the same time count what one counts. */
static void test_team(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_buf text;
    fh_buf_init(&text, a, 0);
    for (int i = 0; i < 6000; i++)
        fh_assert_ok(fh_buf_format(&text, i % 5 == 0 ? "a-word-of-many-letters-%d " : "w%d ", i % 700));
    fh_span texts[] = {fh_buf_view(&text), FH_LIT("w1 w1")};
    uint64_t rows[3];
    fh_team *team;
    fh_tally *one, *other;
    fh_assert_ok(fh_team_new(4, &team));
    fh_assert_ok(fh_split_rows(fh_team_par(team), (fh_views){texts, 2}, (fh_u64s){rows, 3}));
    assert_int_equal(rows[2], 6002);
    fh_assert_ok(fh_tally_new(a, 1, &one, NULL));
    fh_assert_ok(fh_tally_new(a, 2, &other, NULL));
    for (int round = 0; round < 3; round++) {
        fh_assert_ok(fh_tally_add(one, NULL, (fh_views){texts, 2}, NULL));
        fh_assert_ok(fh_tally_add(other, fh_team_par(team), (fh_views){texts, 2}, NULL));
    }
    fh_assert_ok(fh_tally_sort(one, NULL));
    fh_assert_ok(fh_tally_sort(other, NULL));
    assert_int_equal(fh_tally_total(one), 3 * 6002);
    assert_int_equal(fh_tally_total(other), 3 * 6002);
    assert_int_equal(fh_tally_distinct(one), fh_tally_distinct(other));
    for (size_t i = 0; i < fh_tally_distinct(one); i++) {
        fh_span x, y;
        assert_true(fh_tally_get(one, i, &x) == fh_tally_get(other, i, &y) && fh_span_equal(x, y));
    }
    fh_tally_free(one);
    fh_tally_free(other);
    fh_team_free(team);
    fh_buf_deinit(&text);
}

static fh_status body(fh_allocator *a, void *arg) {
    fh_views *texts = arg;
    fh_buf out;
    fh_buf_init(&out, fh_heap(), 0);
    fh_status s = listing(a, 3, 1, *texts, *texts, &out);
    fh_buf_deinit(&out);
    return s;
}

static void test_without_memory(void **state) {
    fh_buf text;
    fh_buf_init(&text, fh_heap(), 0);
    for (int i = 0; i < 3000; i++)
        fh_assert_ok(fh_buf_format(&text, i % 10 == 0 ? "w%d-and-a-tail-of-many-bytes " : "w%d ", i));
    fh_span texts[] = {fh_buf_view(&text), FH_LIT("one two three")};
    fh_views views = {texts, 2};
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), body, &views) > 8);
    fh_buf_deinit(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_known), FH_TEST_ALLOC(test_sizes), FH_TEST_ALLOC(test_ends),
                                       FH_TEST_ALLOC(test_zeros), FH_TEST_ALLOC(test_any_threads), FH_TEST_ALLOC(test_team),
                                       FH_TEST_ALLOC(test_without_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
