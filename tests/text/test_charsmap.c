/* test_charsmap.c: SentencePiece's compiled normalization: made maps, clusters, changes, hostile maps, base64, no memory. */
#include <string.h>

#include "freehold/utf8.h"
#include "text/pipe/charsmap.h"

#include "support/fh_test.h"
#include "text/made_charsmap.h"

/* The map's bytes as base64. */
static void finish(maker *m, fh_buf *out) {
    fh_charsmap map = {.units = 0};
    fh_buf_init(&map.bytes, m->texts.allocator, 0);
    maker_bytes(m, &map.bytes);
    fh_assert_ok(fh_charsmap_write(&map, out));
    fh_charsmap_deinit(&map);
}

static fh_charsmap made(fh_allocator *a, fh_span base64) {
    fh_charsmap map = {.units = 0};
    fh_err err = {0};
    if (fh_failed(fh_charsmap_read(a, base64, 0, &map, &err)))
        fail_msg("%s", err.message);
    return map;
}

/* The map that most tests use. */
static void make_some(fh_allocator *a, fh_buf *out) {
    maker m;
    maker_init(&m, a);
    maker_add(&m, "\u00e9", "e");
    maker_add(&m, "\ufb01", "fi");
    maker_add(&m, "e\u0301", "E");
    maker_add(&m, "\t", " ");
    maker_add(&m, "\u200b", "");
    maker_add(&m, "\u2460\u2460", "!");
    finish(&m, out);
}

static void test_walk(void **state) {
    static const struct {
        const char *text, *expected;
        fh_origin origins[12];
    } rows[] = {
        {"plain text, longer than a word", "plain text, longer than a word", {{0, 1}, {1, 2}, {2, 3}}},
        {"a\u00e9b", "aeb", {{0, 1}, {1, 3}, {3, 4}}},
        {"\ufb01x", "fix", {{0, 3}, {0, 3}, {3, 4}}},
        {"xe\u0301y", "xEy", {{0, 1}, {1, 2}, {4, 5}}},              /* the whole cluster, of two characters */
        {"e\u0301\u0316\u0316", "e\u0301\u0316\u0316", {{0, 1}, {1, 3}, {1, 3}}}, /* seven bytes: singly */
        {"e\u0301\u0301", "E", {{0, 1}}},                            /* the shortest key that it begins with */
        {"a\u200bb\tc", "ab c", {{0, 1}, {4, 5}, {5, 6}, {6, 7}}},
        {"\u200bab", "ab", {{0, 3}, {3, 4}}},                        /* as in the reference: forgotten at the beginning */
        {"\ufb01\u200bx", "fix", {{0, 3}, {3, 6}, {6, 7}}},          /* and it moves what was new before it */
        {"\ufb01\u200b\u200bx", "fix", {{0, 3}, {3, 6}, {9, 10}}},
        {"", "", {{0, 0}}},
    };
    fh_allocator *a = fh_test_allocator(state);
    fh_buf base64;
    fh_buf_init(&base64, a, 0);
    make_some(a, &base64);
    fh_charsmap map = made(a, fh_buf_view(&base64));
    assert_true(map.plain);
    fh_normalized n;
    fh_normalized_init(&n, a);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fh_assert_ok(fh_normalized_reset(&n, fh_span_of_str(rows[i].text), true));
        fh_edit_begin(&n.edit);
        fh_assert_ok(fh_rule_precompiled(&n.now, &n.edit, &map));
        fh_assert_ok(fh_normalized_accept(&n));
        fh_assert_span(fh_normalized_view(&n), rows[i].expected);
        for (size_t k = 0; k < n.now.size && k < 3; k++) {
            fh_origin o = fh_normalized_origin(&n, k, k + 1);
            if (o.begin != rows[i].origins[k].begin || o.end != rows[i].origins[k].end)
                fail_msg("row %zu, byte %zu: %u to %u", i, k, o.begin, o.end);
        }
    }
    fh_normalized_deinit(&n);
    fh_charsmap_deinit(&map);
    fh_buf_deinit(&base64);
}

/* The walk that looks at each cluster, as the reference does. */
static void walk_slowly(const fh_charsmap *map, fh_span text, fh_buf *out) {
    for (size_t i = 0, end; i < text.size; i = end) {
        fh_span to;
        end = fh_cluster_end(text, i);
        if (end - i < 6 && fh_charsmap_find(map, fh_span_sub(text, i, end - i), &to)) {
            fh_assert_ok(fh_buf_put(out, to));
            continue;
        }
        for (size_t size; i < end; i += size) {
            fh_span one = fh_span_sub(text, i, size = fh_utf8_next(text, i).size);
            fh_assert_ok(fh_buf_put(out, fh_charsmap_find(map, one, &to) ? to : one));
        }
    }
}

/* Characters that stay are passed over, but none that is a key, or that joins what comes next. */
static void test_random(void **state) {
    static const char *const bits[] = {"a",      "e",      " ",      "\t",     "\u00e9", "\ufb01",     "\u0301", "\u200b",
                                       "\u2460", "\u3042", "\u65e5", "\u30b7", "\u3099", "\u200d",     "\u1100", "\u1161",
                                       "\n",     "\r",     "\u3000", "\u0600", "\u0915", "\U0001f469", "\u094d", "\u0416"};
    fh_allocator *a = fh_test_allocator(state);
    fh_test_rng rng = fh_test_rng_new(17);
    maker m;
    maker_init(&m, a);
    maker_add(&m, "\u00e9", "e");
    maker_add(&m, "\ufb01", "fi");
    maker_add(&m, "e\u0301", "E");
    maker_add(&m, "\t", " ");
    maker_add(&m, "\u200b", "");
    maker_add(&m, "\u3000", " ");
    maker_add(&m, "\u0416\u0301", "zh");
    maker_add(&m, "\u0600a", "?");
    fh_buf base64, slow;
    fh_buf_init(&base64, a, 0);
    fh_buf_init(&slow, a, 0);
    finish(&m, &base64);
    fh_charsmap map = made(a, fh_buf_view(&base64));
    fh_normalized n;
    fh_normalized_init(&n, a);
    for (size_t round = 0; round < 20000; round++) {
        uint8_t text[64];
        size_t size = 0;
        for (size_t k = fh_test_rng_below(&rng, 14); k > 0; k--) {
            fh_span bit = fh_span_of_str(bits[fh_test_rng_below(&rng, sizeof bits / sizeof *bits)]);
            memcpy(text + size, bit.at, bit.size);
            size += bit.size;
        }
        fh_buf_truncate(&slow, 0);
        walk_slowly(&map, (fh_span){text, size}, &slow);
        fh_assert_ok(fh_normalized_reset(&n, (fh_span){text, size}, true));
        fh_edit_begin(&n.edit);
        fh_assert_ok(fh_rule_precompiled(&n.now, &n.edit, &map));
        fh_assert_ok(fh_normalized_accept(&n));
        assert_true(fh_span_equal(fh_normalized_view(&n), fh_buf_view(&slow)));
    }
    fh_normalized_deinit(&n);
    fh_charsmap_deinit(&map);
    fh_buf_deinit(&base64);
    fh_buf_deinit(&slow);
}

/* A key of one ASCII character: nothing is skipped. */
static void test_not_plain(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    maker m;
    maker_init(&m, a);
    maker_add(&m, "q", "kw");
    fh_buf base64;
    fh_buf_init(&base64, a, 0);
    finish(&m, &base64);
    fh_charsmap map = made(a, fh_buf_view(&base64));
    assert_false(map.plain);
    fh_normalized n;
    fh_normalized_init(&n, a);
    fh_assert_ok(fh_normalized_reset(&n, FH_LIT("aqueduct qq"), true));
    fh_edit_begin(&n.edit);
    fh_assert_ok(fh_rule_precompiled(&n.now, &n.edit, &map));
    fh_assert_ok(fh_normalized_accept(&n));
    fh_assert_span(fh_normalized_view(&n), "akwueduct kwkw");
    fh_normalized_deinit(&n);
    fh_charsmap_deinit(&map);
    fh_buf_deinit(&base64);
}

/* Rules of UAX #29, each with what it joins and what it does not. */
static void test_clusters(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t end;
    } rows[] = {
        {"ab", 1},
        {"\r\n", 2},
        {"\n\r", 1},
        {"\r\u0301", 1},
        {"a\u0301\u0316b", 5},
        {"a\u200db", 4},
        {"\u0915\u0903x", 6},
        {"\u0600a", 3},
        {"\u0600\n", 2},
        {"\u1100\u1100\u1161\u11a8\u1100", 12},
        {"\uac00\u11a8\u11a8", 9},
        {"\uac01\u1161", 3},
        {"\u1161\u1161\u11a8", 9},
        {"\U0001f1e9\U0001f1ea\U0001f1e9", 8},
        {"\U0001f1e9\u0301\U0001f1ea", 6},
        {"\u00a9\u200d\u00a9", 7},
        {"\u00a9\u0301\u200d\u00a9", 9},
        {"\u00a9\u200d\u0301\u200d\u00a9", 10},
        {"\u00a9\u200d\u200d\u00a9", 8},
        {"a\u200d\u00a9", 4},
        {"\u0915\u094d\u0937x", 9},
        {"\u0915\u094d\u200d\u0937", 12},
        {"\u0915\u094d\u200c\u0937", 9},
        {"\u0915\u093c\u0937", 6},
        {"\u0915\u0937", 3},
        {"\xff\u0301", 1},
        {"a\xff", 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t end = fh_cluster_end(fh_span_of_str(rows[i].text), 0);
        if (end != rows[i].end)
            fail_msg("row %zu: the first cluster has %zu bytes, expected %zu", i, end, rows[i].end);
    }
}

/* A trie that leaves itself or the replacements is refused, wherever the unit is. */
static void test_hostile(void **state) {
    static const struct {
        size_t unit;
        uint32_t value;
        const char *says;
    } rows[] = {
        {0, UINT32_C(65536) << 10, "leads to unit"},
        {0, UINT32_C(1) << 31 | UINT32_C(65536) << 10, "leads to unit"},
        {7, (UINT32_C(0x1fffff) << 10) | UINT32_C(512), "leads to unit"},
        {8, LEAF | (UINT32_C(511 ^ 8) << 10), "names a replacement"},
    };
    fh_allocator *a = fh_test_allocator(state);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        maker m;
        maker_init(&m, a);
        maker_add(&m, "q", "kw");
        m.units[511] = UINT32_C(1) << 31 | 99;
        m.units[rows[i].unit] = rows[i].value;
        fh_buf base64;
        fh_buf_init(&base64, a, 0);
        finish(&m, &base64);
        fh_charsmap map = {.units = 0};
        fh_err err = {0};
        fh_assert_code(fh_charsmap_read(a, fh_buf_view(&base64), 42, &map, &err), FH_CORRUPT);
        fh_assert_err(&err, FH_CORRUPT, rows[i].says);
        assert_int_equal(err.offset_bytes, 42);
        fh_buf_deinit(&base64);
    }
}

/* Reads a map as a SentencePiece model has it; m ends. */
static fh_status read_bytes(fh_allocator *a, maker *m, fh_err *err) {
    fh_buf bytes;
    fh_charsmap map = {.units = 0};
    fh_buf_init(&bytes, a, 0);
    maker_bytes(m, &bytes);
    fh_status s = fh_charsmap_of_bytes(a, fh_buf_view(&bytes), 42, &map, err);
    if (s.code == FH_OK)
        fh_charsmap_deinit(&map);
    fh_buf_deinit(&bytes);
    return s;
}

/* Lets the unit that stands for byte b at a place lead to another place. */
static void lead(maker *m, size_t from, uint8_t b, size_t to) {
    m->units[from ^ b] = (uint32_t)(from ^ b ^ to) << 10 | b;
}

/* A way back to a place that it came from is a key without an end: looking for it in a text of that byte alone would take the
 * square of its size. Where no walk gets to, it does not matter. */
static void test_goes_around(void **state) {
    static const struct {
        size_t ways[4][2]; /* from, to; along 'a' */
        fh_code code;
    } rows[] = {
        {{{256, 256}}, FH_CORRUPT},
        {{{256, 300}, {300, 256}}, FH_CORRUPT},
        {{{256, 300}, {300, 310}, {310, 320}, {320, 300}}, FH_CORRUPT},
        {{{256, 300}, {300, 310}, {310, 320}, {320, 330}}, FH_OK},
        {{{256, 300}, {320, 310}, {310, 320}}, FH_OK},
    };
    fh_allocator *a = fh_test_allocator(state);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        maker m;
        fh_err err = {0};
        maker_init(&m, a);
        for (size_t k = 0; k < 4 && rows[i].ways[k][0] != 0; k++)
            lead(&m, rows[i].ways[k][0], 'a', rows[i].ways[k][1]);
        fh_assert_code(read_bytes(a, &m, &err), rows[i].code);
        if (rows[i].code != FH_OK)
            fh_assert_err(&err, FH_CORRUPT, "leads back to itself");
    }
}

/* Keys that share their ends, as those of Darts-clone do, have the size of the longest; what is longer than 512 is refused. */
static void test_long_keys(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    for (size_t size = 511; size <= 513; size++) {
        maker m;
        fh_err err = {0};
        maker_init(&m, a);
        for (size_t k = 0; k < size; k++) {
            lead(&m, 256 + 2 * k, 'b', 258 + 2 * k);
            lead(&m, 256 + 2 * k, 'c', 256 + 2 * size); /* a short one, to the end */
        }
        m.next = 2048;
        fh_assert_code(read_bytes(a, &m, &err), size > 512 ? FH_LIMIT : FH_OK);
        if (size > 512)
            fh_assert_err(&err, FH_LIMIT, "a key of 513 bytes, at most 512");
    }
}

/* A walk that would step past the last unit finds nothing. */
static void test_short_trie(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_buf bytes, base64;
    fh_buf_init(&bytes, a, 0);
    fh_buf_init(&base64, a, 0);
    fh_charsmap made_of = {.units = 0};
    fh_buf_init(&made_of.bytes, a, 0);
    fh_assert_ok(fh_buf_put(&made_of.bytes, FH_LIT("\4\0\0\0\0\0\0\0")));
    fh_assert_ok(fh_charsmap_write(&made_of, &base64));
    fh_charsmap map = made(a, fh_buf_view(&base64));
    assert_int_equal(map.units, 1);
    fh_span found;
    assert_false(fh_charsmap_find(&map, FH_LIT("\xff"), &found));
    fh_charsmap_deinit(&map);
    fh_charsmap_deinit(&made_of);
    fh_buf_deinit(&bytes);
    fh_buf_deinit(&base64);
}

static void test_base64(void **state) {
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"", "trie of 0 units"},   {"AAA", "in fours"},          {"AA*A", "letter 2"},  {"A=AA", "letter 1"},
        {"AAAA====", "letter 4"},  {"AB==", "no use for"},       {"AAAB", "trie of"},   {"//////8=", "trie of"},
        {"BAAAAAAAAAD/", "UTF-8"}, {"BAAAAAAAAAAA\u00e9=", "not base64"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fh_charsmap map = {.units = 0};
        fh_err err = {0};
        fh_status s = fh_charsmap_read(fh_test_allocator(state), fh_span_of_str(rows[i].text), 5, &map, &err);
        if (s.code == FH_OK)
            fail_msg("\"%s\" is accepted", rows[i].text);
        if (i + 1 < sizeof rows / sizeof *rows)
            fh_assert_err(&err, FH_CORRUPT, rows[i].says);
    }
}

/* What is written is what was read, for each number of bytes left over. */
static void test_round_trip(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    for (size_t more = 0; more < 3; more++) {
        maker m;
        maker_init(&m, a);
        maker_add(&m, "q", "xyz");
        for (size_t i = 0; i < more; i++)
            fh_assert_ok(fh_buf_put_u8(&m.texts, 'p'));
        fh_buf once, twice;
        fh_buf_init(&once, a, 0);
        fh_buf_init(&twice, a, 0);
        finish(&m, &once);
        fh_charsmap map = made(a, fh_buf_view(&once));
        fh_assert_ok(fh_charsmap_write(&map, &twice));
        assert_true(fh_span_equal(fh_buf_view(&once), fh_buf_view(&twice)));
        fh_charsmap_deinit(&map);
        fh_buf_deinit(&once);
        fh_buf_deinit(&twice);
    }
}

static fh_status body(fh_allocator *a, void *arg) {
    fh_charsmap map = {.units = 0};
    FH_TRY(fh_charsmap_read(a, fh_buf_view(arg), 0, &map, NULL));
    fh_normalized n;
    fh_normalized_init(&n, a);
    fh_status s = fh_normalized_reset(&n, FH_LIT("a\u00e9b\ufb01"), true);
    fh_edit_begin(&n.edit);
    if (!fh_failed(s))
        s = fh_rule_precompiled(&n.now, &n.edit, &map);
    fh_normalized_deinit(&n);
    fh_charsmap_deinit(&map);
    return s;
}

static void test_no_memory(void **state) {
    fh_buf base64;
    fh_buf_init(&base64, fh_test_allocator(state), 0);
    make_some(fh_test_allocator(state), &base64);
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), body, &base64) >= 3);
    fh_buf_deinit(&base64);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_walk),       FH_TEST_ALLOC(test_random),     FH_TEST_ALLOC(test_not_plain),
        cmocka_unit_test(test_clusters),
        FH_TEST_ALLOC(test_hostile),    FH_TEST_ALLOC(test_goes_around), FH_TEST_ALLOC(test_long_keys),
        FH_TEST_ALLOC(test_short_trie), FH_TEST_ALLOC(test_base64),     FH_TEST_ALLOC(test_round_trip),
        FH_TEST_ALLOC(test_no_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
