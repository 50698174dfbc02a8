/* test_collisions.c: entries of a tokenizer that were chosen to want the same slots of its hash tables (hashed.h): the first
 * one that finds no place among 1024 is refused by name, so that no file makes loading take the square of its size. What
 * collides less is found.
 *
 * Nothing here is secret, so that a test can do what the writer of such a file would: the finaliser is a bijection, and a hash
 * of bytes a chain of it. So eight bytes that are chosen last make any seed.
 *
 * tidy: exempt mirror: four tables have one rule */
#include <stdio.h>
#include <string.h>

#include "freehold/hash.h"
#include "text/made_pipeline.h"
#include "text/pipe/pair_table.h"
#include "text/pipe/token_model_impl.h"

#define SEED UINT64_C(0x5eed)
enum { LOOKS = 1024, SLOTS = 2048, ENTRIES = 1104 /* for which that many slots are made */ };

/* What fh_mix64 makes y of. */
static uint64_t unmix(uint64_t y) {
    y ^= y >> 31 ^ y >> 62;
    y *= UINT64_C(0x319642b2d24d8ec3);
    y ^= y >> 27 ^ y >> 54;
    y *= UINT64_C(0x96de1b173f119089);
    y ^= y >> 30 ^ y >> 60;
    return y - UINT64_C(0x9e3779b97f4a7c15);
}

/* The state of fh_hash_bytes before it took in words, from that after it. */
static uint64_t before(uint64_t after, fh_span words) {
    assert_int_equal(words.size % 8, 0);
    for (size_t i = words.size; i > 0; i -= 8)
        after = unmix(after) ^ fh_span_u64(words, i - 8);
    return after;
}

/* True for bytes that JSON has as they are. */
static bool is_plain(fh_span s) {
    bool plain = true;
    for (size_t i = 0; i < s.size; i++) {
        uint8_t b = fh_span_at(s, i);
        plain = plain && b > ' ' && b < 0x7f && b != '"' && b != '\\';
    }
    return plain;
}

/* Fills the first 16 bytes of a text so that its hash from `seed` is `wanted`: a word that says 'v' and a number, and before it
 * one of what that needs. */
static void aim(uint64_t seed, fh_mspan text, uint64_t wanted) {
    fh_span first = fh_span_sub(fh_span_of_mut(text), 0, 8), second = fh_span_sub(fh_span_of_mut(text), 8, 8);
    uint64_t rest = before(wanted, fh_span_from(fh_span_of_mut(text), 16));
    for (uint32_t k = 0; k < 10000000; k++) {
        char number[9];
        (void)snprintf(number, sizeof number, "v%07u", k);
        memcpy(text.at + 8, number, 8);
        fh_mspan_put_u64(text, 0, unmix(before(rest, second)) ^ fh_mix64(seed ^ fh_mix64(text.size)));
        if (is_plain(first) && text.at[0] != 'v' && text.at[0] != 'c') {
            assert_int_equal(fh_hash_bytes(seed, fh_span_of_mut(text)), wanted);
            return;
        }
    }
    fail_msg("no word makes that seed");
}

/* Eight letters of a number. */
static void put_word(fh_mspan text, size_t at, uint32_t number) {
    *fh_mspan_at(text, at) = 'c';
    for (unsigned i = 0; i < 7; i++)
        *fh_mspan_at(text, at + 1 + i) = (uint8_t)('a' + (number >> 4 * i & 15));
}

/* The number that a report begins with after `what`. */
static unsigned named(const fh_err *err, const char *what) {
    unsigned v = 0;
    fh_assert_err(err, FH_LIMIT, "collides with 1024 others in a hash table");
    assert_non_null(strstr(err->message, what));
    assert_int_equal(sscanf(strstr(err->message, what) + strlen(what), "%u", &v), 1);
    return v;
}

/* --- spellings -------------------------------------------------------------------------------------------------------- */

/* A WordLevel model of `colliding` tokens that want the first slot, and two that see to it; behind `text`, its spellings. */
static fh_status read_words(fh_allocator *a, size_t colliding, fh_mspan text, fh_token_model **out, fh_err *err) {
    size_t n = colliding + 2;
    uint8_t numbers[12 * ENTRIES] = {0};
    fh_mspan entries = {numbers, 12 * n};
    assert_true(n <= ENTRIES && n % 2 == 0 && text.size == 8 * n);
    for (uint32_t i = 0, next = 0; i < n; i++) {
        uint32_t entry[3] = {i, 8 * i, 8};
        memcpy(entries.at + 12 * (size_t)i, entry, sizeof entry);
        do
            put_word(text, 8 * (size_t)i, next++);
        while (fh_hash_bytes(SEED, fh_span_sub(fh_span_of_mut(text), 8 * (size_t)i, 8)) % SLOTS != 0);
    }
    uint64_t middle = unmix(before(SEED, fh_span_of_mut(entries))) ^ fh_mix64(entries.size);
    aim(3 * n, text, middle);
    fh_buf json;
    fh_buf_init(&json, a, 0);
    fh_assert_ok(fh_buf_format(&json, "{\"type\":\"WordLevel\",\"unk_token\":\"u\",\"vocab\":{"));
    for (size_t i = 0; i < n; i++)
        fh_assert_ok(fh_buf_format(&json, "%s\"%.*s\":%zu", i != 0 ? "," : "",
                                   FH_SPAN_FMT(fh_span_sub(fh_span_of_mut(text), 8 * i, 8)), i));
    fh_assert_ok(fh_buf_put(&json, FH_LIT("}}")));
    fh_status s = fh_token_model_read(a, fh_buf_view(&json), 0, out, err);
    fh_buf_deinit(&json);
    return s;
}

static void test_spellings(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_token_model *m;
    fh_err err = {0};
    uint8_t room[8 * ENTRIES];
    fh_assert_code(read_words(a, ENTRIES - 2, (fh_mspan){room, 8 * ENTRIES}, &m, &err), FH_LIMIT);
    unsigned id = named(&err, "token ");
    assert_true(id >= LOOKS && id <= LOOKS + 2);
    size_t n = LOOKS - 2;
    fh_mspan text = {room, 8 * n};
    fh_assert_ok(read_words(a, n - 2, text, &m, NULL));
    assert_int_equal(m->spellings.seed, SEED);
    assert_int_equal(m->spellings.slots.count, SLOTS);
    for (uint32_t i = 0; i < n; i++)
        assert_int_equal(fh_token_model_find(m, fh_span_sub(fh_span_of_mut(text), 8 * (size_t)i, 8)), i);
    assert_int_equal(fh_token_model_find(m, FH_LIT("vaaaaaaa")), FH_NO_TOKEN);
    fh_token_model_free(m);
}

/* --- merges ----------------------------------------------------------------------------------------------------------- */

enum { LETTERS = 290, WINDOW = 64 };

static fh_status read_merges(fh_allocator *a, uint64_t seed, size_t count, fh_token_model **out, fh_err *err) {
    char letters[LETTERS + 1];
    fh_buf json;
    size_t n = 0;
    memset(letters, 'a', sizeof letters);
    fh_buf_init(&json, a, 0);
    fh_assert_ok(fh_buf_format(&json, "{\"type\":\"BPE\",\"vocab\":{"));
    for (int i = 1; i <= LETTERS; i++)
        fh_assert_ok(fh_buf_format(&json, "%s\"%.*s\":%d", i != 1 ? "," : "", i, letters, i));
    fh_assert_ok(fh_buf_put(&json, FH_LIT("},\"merges\":[")));
    for (int i = 1; i < LETTERS; i++)
        for (int k = 1; i + k <= LETTERS && n < count; k++)
            if (fh_mix64(seed ^ ((uint64_t)i << 20 | (uint64_t)k)) % SLOTS < WINDOW)
                fh_assert_ok(fh_buf_format(&json, "%s\"%.*s %.*s\"", n++ != 0 ? "," : "", i, letters, k, letters));
    assert_int_equal(n, count);
    fh_assert_ok(fh_buf_put(&json, FH_LIT("]}")));
    fh_status s = fh_token_model_read(a, fh_buf_view(&json), 0, out, err);
    fh_buf_deinit(&json);
    return s;
}

static void test_merges(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_token_model *m;
    fh_err err = {0};
    fh_assert_ok(read_merges(a, 0, 0, &m, NULL));
    uint64_t seed = m->merges.seed; /* of the vocabulary alone */
    fh_token_model_free(m);
    fh_assert_code(read_merges(a, seed, ENTRIES, &m, &err), FH_LIMIT);
    unsigned merge = named(&err, "merge ");
    assert_true(merge >= LOOKS && merge <= LOOKS + WINDOW);
    fh_assert_ok(read_merges(a, seed, LOOKS, &m, NULL));
    assert_int_equal(m->merges.slots.count, SLOTS);
    fh_u64s pairs;
    fh_assert_ok(fh_u64s_new(a, LOOKS, &pairs));
    fh_merge_table_list(&m->merges, pairs);
    for (uint32_t i = 0; i < LOOKS; i++) {
        uint64_t pair = fh_u64s_get(pairs, i);
        assert_int_equal(fh_merge_table_find(&m->merges, (uint32_t)(pair >> 32), (uint32_t)pair), i);
    }
    assert_int_equal(fh_merge_table_find(&m->merges, 0, 1), FH_NO_TOKEN);
    fh_u64s_free(a, &pairs);
    fh_token_model_free(m);
}

/* --- added tokens ----------------------------------------------------------------------------------------------------- */

static fh_status load_added(fh_allocator *a, fh_mut fh_buf *added, fh_tokenizer **out, fh_err *err) {
    fh_buf json;
    fh_buf_init(&json, a, 0);
    fh_assert_ok(fh_buf_put_u8(added, 0));
    made_json(&json, &(made_parts){.added = (const char *)fh_buf_view(added).at});
    fh_status s = fh_tokenizer_from_json(a, fh_buf_view(&json), out, err);
    fh_buf_deinit(&json);
    return s;
}

/* As many added tokens as are looked up in 4096 slots; the first ones want slot 0, the others one behind what those fill. */
static fh_status load_contents(fh_allocator *a, size_t colliding, fh_tokenizer **out, fh_err *err) {
    enum { CONTENT_SLOTS = 4096 };
    uint8_t word[8];
    fh_mspan text = {word, sizeof word};
    fh_buf added;
    fh_buf_init(&added, a, 0);
    for (uint32_t i = 0, next = 0; i < 2 * LOOKS; i++) {
        size_t slot = 0;
        do {
            put_word(text, 0, next++);
            slot = fh_hash_bytes(CONTENT_SLOTS, fh_span_of_mut(text)) % CONTENT_SLOTS;
        } while (i < colliding ? slot != 0 : slot <= 2 * LOOKS);
        fh_assert_ok(fh_buf_format(&added, "%s{\"content\":\"%.*s\"}", i != 0 ? "," : "[", FH_SPAN_FMT(fh_span_of_mut(text))));
    }
    fh_assert_ok(fh_buf_put_u8(&added, ']'));
    fh_status s = load_added(a, &added, out, err);
    fh_buf_deinit(&added);
    return s;
}

static void test_contents(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_tokenizer *tok;
    fh_err err = {0};
    fh_assert_code(load_contents(a, LOOKS + 1, &tok, &err), FH_LIMIT);
    fh_assert_err(&err, FH_LIMIT, "collides with 1024 others in a hash table");
    assert_non_null(strstr(err.message, "added token \"c"));
    fh_assert_ok(load_contents(a, LOOKS, &tok, NULL));
    assert_int_equal(fh_tokenizer_size(tok), 13 + 2 * LOOKS); /* the model's, and all these */
    fh_tokenizer_free(tok);
}

/* An added token whose nodes and letters want the first slots, one after the other, and two that make the seed. */
static fh_status load_edges(fh_allocator *a, size_t size, fh_tokenizer **out, fh_err *err) {
    uint8_t bytes[ENTRIES + 16] = {0};
    fh_mspan text = {bytes, 16 + size};
    assert_true(size <= ENTRIES && size % 8 == 0);
    bytes[16] = 'c';
    for (uint32_t i = 1; i < size; i++) { /* node 16 + i is that of byte i - 1 */
        size_t lowest = SLOTS;
        for (uint8_t b = '!'; b < 0x7f; b++) {
            size_t slot = fh_mix64(SEED ^ ((uint64_t)(16 + i) << 32 | b)) % SLOTS;
            if (slot < lowest && b != '"' && b != '\\') {
                lowest = slot;
                bytes[16 + i] = b;
            }
        }
    }
    aim(3, text, SEED);
    fh_buf added;
    fh_buf_init(&added, a, 0);
    fh_assert_ok(fh_buf_put(&added, FH_LIT("[")));
    const size_t at[] = {0, 8, 16, 16 + size};
    for (size_t i = 0; i < 3; i++) {
        fh_assert_ok(fh_buf_format(&added, "%s{\"content\":\"", i != 0 ? "," : ""));
        fh_assert_ok(fh_buf_put(&added, fh_span_sub(fh_span_of_mut(text), at[i], at[i + 1] - at[i])));
        fh_assert_ok(fh_buf_put(&added, FH_LIT("\"}")));
    }
    fh_assert_ok(fh_buf_put(&added, FH_LIT("]")));
    fh_status s = load_added(a, &added, out, err);
    fh_buf_deinit(&added);
    return s;
}

static void test_edges(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_tokenizer *tok;
    fh_err err = {0};
    fh_assert_code(load_edges(a, ENTRIES, &tok, &err), FH_LIMIT);
    fh_assert_err(&err, FH_LIMIT, "collides with 1024 others in a hash table");
    assert_non_null(strstr(err.message, "added token \"c"));
    fh_assert_ok(load_edges(a, LOOKS - 32, &tok, NULL));
    fh_tokenizer_free(tok);
}

/* --- pairs ------------------------------------------------------------------------------------------------------------ */

/* The pair number k of those that want the first slot of a table, whatever its size. */
static fh_pair pair_of(uint32_t k) {
    uint64_t key = unmix((uint64_t)k << 32) ^ SEED;
    return (fh_pair){(uint32_t)(key >> 32), (uint32_t)key, k};
}

static uint32_t find_pair(const fh_pair_table *t, fh_pair p) {
    return fh_pair_table_find(t, p.left, p.right);
}

static void test_pairs(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_pair_table t = {.seed = SEED};
    fh_pair other = {7, 7, 7};
    assert_int_equal(find_pair(&t, pair_of(1)), 0);
    for (uint32_t k = 1; k <= LOOKS; k++)
        fh_assert_ok(fh_pair_table_put(a, &t, pair_of(k)));
    fh_assert_code(fh_pair_table_put(a, &t, pair_of(LOOKS + 1)), FH_LIMIT);
    assert_int_equal(t.count, LOOKS);
    for (uint32_t k = 1; k <= LOOKS; k++)
        assert_int_equal(find_pair(&t, pair_of(k)), k);
    assert_int_equal(find_pair(&t, pair_of(LOOKS + 1)), 0);
    assert_int_equal(find_pair(&t, other), 0);
    fh_assert_ok(fh_pair_table_put(a, &t, other));
    assert_int_equal(find_pair(&t, other), 7);
    fh_pair_table_free(a, &t);
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_spellings), FH_TEST_ALLOC(test_merges), FH_TEST_ALLOC(test_contents),
                                       FH_TEST_ALLOC(test_edges), FH_TEST_ALLOC(test_pairs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
