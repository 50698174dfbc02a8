/* test_stock.c: references in store: they count, they end once, and what they weigh is known to the byte (stock.h). */
#include "fh_test.h"
#include "freehold/page.h"
#include "mem/stock.h"

enum { KEPT = 200 };

static void count_end(void *ctx) {
    ++*(int *)ctx;
}

/* What the word says is what is outside, what is in store, and what is kept, of whatever sizes and in whatever order. */
static void test_counts(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    static uint8_t bytes[60000];
    fh_page_source *pages;
    fh_bytes whole, kept[KEPT] = {{NULL, {NULL, 0}}};
    fh_stock out = {NULL, 0, 0}, in = {NULL, 0, 0};
    fh_test_rng rng = fh_test_rng_new(11);
    fh_assert_ok(fh_page_source_new(a, &(fh_page_options){.pages_max = 4}, &pages));
    fh_slab slab;
    fh_assert_ok(fh_slab_alloc(pages, FH_PAGE_BYTES, &slab));
    fh_assert_ok(fh_slab_append(pages, &slab, (fh_span){bytes, sizeof bytes}));
    fh_assert_ok(fh_slab_freeze(pages, &slab, sizeof bytes, &whole));
    uint64_t *word = &whole.owner->count;
    uint64_t refs = fh_count_refs(*word), weight = fh_count_weight(*word);
    for (size_t i = 0; i < fh_test_ops(); i++) {
        fh_bytes *b = &kept[fh_test_rng_below(&rng, KEPT)];
        if (b->owner != NULL) {
            refs--;
            weight -= fh_owner_weight(b->owner, b->span.size);
            fh_stock_drop(&in, b);
            assert_null(b->owner);
        } else {
            size_t from = fh_test_rng_below(&rng, sizeof bytes);
            size_t most = fh_test_rng_below(&rng, 8) == 0 ? sizeof bytes - from : 30;
            size_t count = fh_test_rng_below(&rng, (most < sizeof bytes - from ? most : sizeof bytes - from) + 1);
            *b = fh_stock_slice(&out, whole, from, count);
            assert_int_equal(b->span.size, count);
            assert_true(count == 0 ? b->owner == NULL : b->span.at == whole.span.at + from);
            refs += count != 0;
            weight += count != 0 ? fh_owner_weight(whole.owner, count) : 0;
        }
        assert_true(out.refs <= FH_STOCK_MOST && in.refs <= FH_STOCK_MOST);
        assert_true((out.refs != 0) == (out.owner != NULL));
        assert_int_equal(fh_count_refs(*word), refs + out.refs + in.refs);
        assert_int_equal(fh_count_weight(*word), weight + out.weight + in.weight);
    }
    for (size_t i = 0; i < KEPT; i++)
        fh_stock_drop(&in, &kept[i]);
    fh_bytes_drop(&whole);
    fh_stock_end(&out);
    fh_stock_end(&in);
    assert_true(in.owner == NULL && in.refs == 0 && in.weight == 0);
    fh_page_source_free(pages);
}

/* The last reference may be one in store: the thing lives until then, and ends once. */
static void test_ends_once(void **state) {
    int ended[2] = {0, 0};
    fh_bytes b[2];
    fh_stock s = {NULL, 0, 0};
    for (size_t i = 0; i < 2; i++)
        fh_assert_ok(fh_bytes_wrap(fh_test_allocator(state), FH_LIT("0123456789"), count_end, &ended[i], &b[i]));
    fh_bytes part = fh_stock_slice(&s, b[0], 2, 3), other = fh_stock_slice(&s, b[1], 0, 10);
    assert_true(s.owner == b[1].owner); /* what was in store of the first went back */
    fh_assert_span(part.span, "234");
    fh_bytes_drop(&b[0]);
    assert_int_equal(ended[0], 0);
    fh_stock_drop(&s, &part);
    assert_int_equal(ended[0], 0);
    fh_stock_drop(&s, &other); /* of another: the first ends */
    assert_int_equal(ended[0], 1);
    fh_bytes_drop(&b[1]);
    assert_int_equal(ended[1], 0);
    fh_stock_end(&s);
    fh_stock_end(&s);
    assert_true(ended[0] == 1 && ended[1] == 1);
    fh_bytes constant = {NULL, FH_LIT("abc")}; /* nothing to count */
    fh_bytes slice = fh_stock_slice(&s, constant, 1, 2);
    fh_assert_span(slice.span, "bc");
    fh_stock_drop(&s, &slice);
    assert_true(s.owner == NULL && slice.span.size == 0);
}

/* Memory that nobody may write to is left alone, and nothing is changed elsewhere. */
static void test_own(void **state) {
    fh_page_source *pages;
    fh_bytes constant, copy;
    static const uint8_t text[200] = {1, 2, 3};
    fh_assert_ok(fh_bytes_wrap(fh_test_allocator(state), (fh_span){text, sizeof text}, NULL, NULL, &constant));
    fh_stock_own(constant);
    fh_stock_own((fh_bytes){NULL, {text, sizeof text}});
    fh_assert_ok(fh_page_source_new(fh_test_allocator(state), NULL, &pages));
    fh_assert_ok(fh_page_source_copy(pages, constant.span, &copy));
    fh_stock_own(copy);
    assert_true(fh_span_equal(copy.span, constant.span));
    fh_bytes_drop(&copy);
    fh_bytes_drop(&constant);
    fh_page_source_free(pages);
}

static void slice_outside(void *arg) {
    fh_stock s = {NULL, 0, 0};
    (void)fh_stock_slice(&s, *(fh_bytes *)arg, 9, 2);
}
static void retain_ended(void *arg) {
    *(uint64_t *)arg = 0;
    fh_count_retain_more(arg, 2, 0, 0);
}
static void retain_too_many(void *arg) {
    *(uint64_t *)arg = (FH_COUNT_REFS_MAX - 1) * FH_COUNT_ONE;
    fh_count_retain_more(arg, 2, 0, 0);
}
static void give_back_too_much(void *arg) {
    *(uint64_t *)arg = FH_COUNT_ONE + 7;
    fh_count_retain_more(arg, 2, 8, 8);
}
static void release_too_many(void *arg) {
    *(uint64_t *)arg = 2 * FH_COUNT_ONE;
    (void)fh_count_release_all(arg, 3, 0);
}
static void release_too_much(void *arg) {
    *(uint64_t *)arg = 3 * FH_COUNT_ONE + 7;
    (void)fh_count_release_all(arg, 2, 8);
}

static void test_misuse(void **state) {
    uint64_t word = 0;
    fh_bytes b;
    fh_assert_ok(fh_bytes_copy(fh_test_allocator(state), FH_LIT("0123456789"), &b));
    fh_assert_dies(slice_outside, &b, "index 9 is outside of 10");
    fh_bytes_drop(&b);
    fh_assert_dies(retain_ended, &word, "fh_count_refs(before) != 0");
    fh_assert_dies(retain_too_many, &word, "FH_COUNT_REFS_MAX - refs");
    fh_assert_dies(give_back_too_much, &word, "fh_count_weight(before) >= given_back");
    fh_assert_dies(release_too_many, &word, "fh_count_refs(before) >= refs");
    fh_assert_dies(release_too_much, &word, "fh_count_weight(before) >= weight");
    fh_count_init(&word, 10);
    fh_count_retain_more(&word, 3, 30, 10);
    assert_true(fh_count_refs(word) == 4 && fh_count_weight(word) == 30);
    assert_false(fh_count_release_all(&word, 3, 20));
    assert_true(fh_count_release_all(&word, 1, 10));
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_counts), FH_TEST_ALLOC(test_ends_once), FH_TEST_ALLOC(test_own),
                                              FH_TEST_ALLOC(test_misuse)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
