/* test_unigram_sample.c: tokens that are drawn, as often as the scores of their ways say. Draws come from a seed, so they are
 * the same in every run. */
#include "text/model_case.h"

#define MODEL(how) \
    "{\"type\":\"Unigram\",\"unk_id\":0,\"vocab\":[[\"<unk>\",0.0],[\"a\",-1.0],[\"b\",-2.0],[\"ab\",-2.5],[\"aa\",-1.5]]," \
    how "}"

enum { DRAWS = 20000 };

/* Encodes "aab" so often: how many became a a b, a ab, and aa b. */
static void draw(fh_allocator *a, const char *json, uint64_t seed, size_t counts[3]) {
    fh_token_model *m = read_model(a, json);
    fh_model_scratch *room;
    fh_token_list l;
    fh_assert_ok(fh_model_scratch_new(a, &room));
    fh_model_scratch_seed(room, seed, 0);
    fh_token_list_init(&l, a, false);
    counts[0] = counts[1] = counts[2] = 0;
    for (int i = 0; i < DRAWS; i++) {
        l.count = 0;
        fh_assert_ok(fh_token_model_encode(m, room, FH_LIT("aab"), &l));
        assert_in_range(l.count, 2, 3);
        uint32_t first = fh_u32s_get(l.ids, 0), second = fh_u32s_get(l.ids, 1), last = fh_u32s_get(l.ends, l.count - 1);
        assert_int_equal(last, 3);
        size_t way = l.count == 3 ? 0 : first == 1 ? 1 : 2;
        assert_int_equal(second, way == 0 ? 1 : way == 1 ? 3 : 2);
        counts[way]++;
    }
    fh_token_list_deinit(&l);
    fh_model_scratch_free(room);
    fh_token_model_free(m);
}

static void test_all_ways(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    size_t counts[3], again[3];
    draw(a, MODEL("\"alpha\":0.5"), 7, counts); /* exp(-2), exp(-1.75) twice: 28 %, 36 %, 36 % */
    assert_in_range(counts[0], DRAWS * 26 / 100, DRAWS * 30 / 100);
    assert_in_range(counts[1], DRAWS * 34 / 100, DRAWS * 38 / 100);
    assert_in_range(counts[2], DRAWS * 34 / 100, DRAWS * 38 / 100);
    draw(a, MODEL("\"alpha\":0.5"), 7, again);
    assert_memory_equal(counts, again, sizeof counts);
    draw(a, MODEL("\"alpha\":4"), 7, counts); /* exp(-16), exp(-14): 6.3 %, 46.8 % */
    assert_in_range(counts[0], DRAWS * 5 / 100, DRAWS * 8 / 100);
    draw(a, MODEL("\"alpha\":0.0"), 7, counts);
    assert_int_equal(counts[1], DRAWS);
    draw(a, MODEL("\"alpha\":null,\"nbest_size\":3"), 7, counts); /* nothing is drawn without alpha */
    assert_int_equal(counts[1], DRAWS);
}

static void test_best_ways(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    size_t counts[3];
    draw(a, MODEL("\"alpha\":0.5,\"nbest_size\":1"), 7, counts);
    assert_int_equal(counts[1], DRAWS);
    draw(a, MODEL("\"alpha\":0.5,\"nbest_size\":2"), 7, counts);
    assert_int_equal(counts[0], 0);
    assert_in_range(counts[1], DRAWS * 48 / 100, DRAWS * 52 / 100);
    draw(a, MODEL("\"alpha\":0.5,\"nbest_size\":512"), 7, counts);
    assert_in_range(counts[0], DRAWS * 26 / 100, DRAWS * 30 / 100);
    assert_in_range(counts[1], DRAWS * 34 / 100, DRAWS * 38 / 100);
}

/* Where there is one way, that one; unknown characters join. */
static void test_one_way(void **state) {
    static const model_case cases[] = {{"", ""}, {"b", "2:0-1"}, {"xyb", "0:0-2 2:2-3"}, {"\xe6\x97\xa5", "0:0-3"}};
    CHECK_CASES(fh_test_allocator(state), MODEL("\"alpha\":0.3"), cases);
    CHECK_CASES(fh_test_allocator(state), MODEL("\"alpha\":0.3,\"nbest_size\":9"), cases);
}

/* Scores whose product with alpha is no number any more: some way is drawn, and it is a way. */
static void test_beyond_numbers(void **state) {
    static const char *const scores[][2] = {{"-1e308", "-1e308"}, {"1e308", "1e308"}, {"1e308", "-1e308"}, {"-1e308", "1e308"}};
    static const char *const hows[] = {"\"alpha\":10", "\"alpha\":10,\"nbest_size\":4"};
    fh_allocator *a = fh_test_allocator(state);
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < 2; k++) {
            fh_buf json;
            fh_model_scratch *room;
            fh_token_list l;
            fh_buf_init(&json, a, 0);
            fh_assert_ok(fh_buf_format(&json, "{\"type\":\"Unigram\",\"unk_id\":0,\"vocab\":[[\"u\",0],[\"a\",%s],[\"b\",%s],"
                                              "[\"ab\",%s]],%s}", scores[i][0], scores[i][1], scores[i][0], hows[k]));
            fh_assert_ok(fh_buf_put_u8(&json, 0));
            fh_token_model *m = read_model(a, (const char *)fh_buf_view(&json).at);
            fh_assert_ok(fh_model_scratch_new(a, &room));
            fh_token_list_init(&l, a, false);
            for (uint64_t seed = 0; seed < 100; seed++) {
                l.count = 0;
                fh_model_scratch_seed(room, seed, 0);
                fh_assert_ok(fh_token_model_encode(m, room, FH_LIT("ab"), &l));
                assert_in_range(l.count, 1, 2);
                assert_int_equal(fh_u32s_get(l.ids, 0), l.count == 1 ? 3 : 1);
                assert_int_equal(fh_u32s_get(l.ids, l.count - 1), l.count == 1 ? 3 : 2);
                assert_int_equal(fh_u32s_get(l.ends, l.count - 1), 2);
            }
            fh_token_list_deinit(&l);
            fh_model_scratch_free(room);
            fh_token_model_free(m);
            fh_buf_deinit(&json);
        }
}

static void test_json(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_token_model *m = read_model(a, MODEL("\"alpha\":0.5,\"nbest_size\":9"));
    fh_buf out;
    fh_json_writer w;
    fh_buf_init(&out, a, 0);
    fh_json_writer_init(&w, &out, false);
    fh_assert_ok(fh_token_model_write(m, &w));
    assert_true(fh_span_find(fh_buf_view(&out), FH_LIT(",\"alpha\":0.5,\"nbest_size\":9}"), 0) != SIZE_MAX);
    fh_token_model_free(m);
    fh_buf_deinit(&out);
    static const char *const bad[] = {MODEL("\"alpha\":-0.5"), MODEL("\"alpha\":101"), MODEL("\"alpha\":\"x\""),
                                      MODEL("\"nbest_size\":0"), MODEL("\"nbest_size\":513"), MODEL("\"nbest_size\":-1"),
                                      "{\"type\":\"Unigram\",\"unk_id\":null,\"vocab\":[[\"a\",-1.0]],\"alpha\":0.5}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        fh_assert_code(fh_token_model_read(a, fh_span_of_str(bad[i]), 0, &m, NULL), FH_CORRUPT);
}

/* Without memory: refused, and all is given back. */
static fh_status body(fh_allocator *a, void *arg) {
    fh_token_model *m = NULL;
    fh_model_scratch *room = NULL;
    fh_token_list l;
    fh_token_list_init(&l, a, false);
    fh_status s = fh_token_model_read(a, fh_span_of_str(arg), 0, &m, NULL);
    if (!fh_failed(s))
        s = fh_model_scratch_new(a, &room);
    if (!fh_failed(s))
        s = fh_token_model_encode(m, room, FH_LIT("aabaab"), &l);
    fh_token_list_deinit(&l);
    fh_model_scratch_free(room);
    fh_token_model_free(m);
    return s;
}

static void test_no_memory(void **state) {
    char json[] = MODEL("\"alpha\":0.5,\"nbest_size\":4");
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), body, json) > 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_all_ways), FH_TEST_ALLOC(test_best_ways), FH_TEST_ALLOC(test_one_way),
                                       FH_TEST_ALLOC(test_beyond_numbers), FH_TEST_ALLOC(test_json),
                                       FH_TEST_ALLOC(test_no_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
