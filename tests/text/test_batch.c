/* test_batch.c: many texts: as one by one, whatever the number of threads; padded to the longest; and a tokenizer whose maker
 * is gone. */
#include <pthread.h>
#include <stdlib.h>

#include "freehold/os.h"
#include "text/made_pipeline.h"

enum { TEXTS = 57 };

static const made_parts parts = {
    .pre = MADE_SPLIT, .post = MADE_BERT, .added = "[{\"id\":13,\"content\":\"<m>\",\"lstrip\":true}]",
    .truncation = "{\"max_length\":9,\"stride\":1}",
    .padding = "{\"pad_id\":2,\"pad_token\":\"<pad>\",\"pad_to_multiple_of\":4,\"direction\":\"Left\"}"};

/* Texts of different lengths, some of them pairs. */
static void fill(fh_encode_input inputs[TEXTS]) {
    static const char *const words[] = {"the cats a b c ab. a b  <m> cats ab the \xc3\xa9 e", "cat", "", "a b c a b c"};
    for (size_t i = 0; i < TEXTS; i++) {
        fh_span text = fh_span_of_str(words[i % 4]);
        inputs[i] = (fh_encode_input){.text = fh_span_sub(text, 0, text.size * (i % 5) / 4), .pair = FH_LIT("a b"),
                                      .has_pair = i % 3 == 0};
    }
}

static const fh_encode_options all = {.add_special = true, .offsets = FH_OFFSETS_BYTES};

static void same(const fh_encoding *x, const fh_encoding *y) {
    assert_int_equal(fh_encoding_count(x), fh_encoding_count(y));
    assert_int_equal(fh_encoding_part_count(x), fh_encoding_part_count(y));
    for (fh_column c = FH_COLUMN_ID; c < FH_COLUMN_SPELLING; c++)
        for (size_t i = 0; i < fh_encoding_count(x); i++)
            assert_int_equal(fh_u32s_get(fh_encoding_column(x, c), i), fh_u32s_get(fh_encoding_column(y, c), i));
    for (size_t p = 0; p < fh_encoding_part_count(x); p++) {
        fh_encoding_part a = fh_encoding_part_at(x, p), b = fh_encoding_part_at(y, p);
        assert_true(a.from == b.from && a.count == b.count && a.row == b.row && a.overflow == b.overflow);
        assert_int_equal(a.range_count, b.range_count);
    }
}

static void test_threads(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_tokenizer *tok = made_load(a, &parts);
    fh_encode_input inputs[TEXTS];
    fh_encoder *encoder;
    fh_encoding one, many;
    fh_encoding_init(&one, a);
    fh_encoding_init(&many, a);
    fill(inputs);
    fh_assert_ok(fh_encoder_new(a, tok, &encoder));
    fh_assert_ok(fh_encoder_batch(encoder, NULL, (fh_encode_inputs){inputs, TEXTS}, all, &one, NULL));
    for (unsigned width = 1; width <= 7; width += 3) {
        fh_team *team;
        fh_assert_ok(fh_team_new(width, &team));
        fh_encoding_clear(&many);
        fh_assert_ok(fh_encoder_batch(encoder, fh_team_par(team), (fh_encode_inputs){inputs, TEXTS}, all, &many, NULL));
        same(&one, &many);
        fh_team_free(team);
    }
    fh_encoder_free(encoder);
    fh_tokenizer_free(tok);
    fh_encoding_deinit(&one);
    fh_encoding_deinit(&many);
}

/* Tokens that were made of texts alone become what the texts become. */
static void test_tokens_given(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_tokenizer *tok = made_load(a, &parts);
    fh_encode_input inputs[TEXTS];
    fh_encoder *plain, *encoder;
    fh_encoding made, pair, one, other;
    fh_encoding *all_of[] = {&made, &pair, &one, &other};
    for (size_t i = 0; i < 4; i++)
        fh_encoding_init(all_of[i], a);
    fill(inputs);
    fh_assert_ok(fh_encoder_new(a, tok, &encoder));
    fh_assert_ok(fh_encoder_new(a, tok, &plain));
    fh_encoder_truncate(plain, (fh_truncation){.on = false});
    fh_assert_ok(fh_encoder_pad(plain, (fh_padding){.on = false}));
    fh_encode_options alone = {.offsets = FH_OFFSETS_BYTES}, ids = {.add_special = true};
    fh_assert_ok(fh_encoder_encode(plain, &(fh_encode_input){.text = FH_LIT("a b")}, alone, &pair, NULL));
    for (size_t i = 0; i < TEXTS; i++) {
        fh_encode_input given = {.tokens = &made, .part = i, .pair_tokens = &pair, .has_pair = inputs[i].has_pair};
        fh_assert_ok(fh_encoder_encode(plain, &(fh_encode_input){.text = inputs[i].text}, alone, &made, NULL));
        fh_encoding_clear(&one);
        fh_encoding_clear(&other);
        fh_assert_ok(fh_encoder_encode(encoder, &inputs[i], all, &one, NULL));
        fh_assert_ok(fh_encoder_encode(encoder, &given, all, &other, NULL));
        same(&one, &other);
        for (size_t k = 0; k < fh_encoding_count(&one); k++) {
            uint32_t x = fh_u32s_get(fh_encoding_column(&one, FH_COLUMN_SPELLING), k);
            uint32_t y = fh_u32s_get(fh_encoding_column(&other, FH_COLUMN_SPELLING), k);
            assert_int_equal(x == FH_NO_WORD, y == FH_NO_WORD);
            if (x != FH_NO_WORD)
                assert_true(fh_span_equal(fh_encoding_kept(&one, x), fh_encoding_kept(&other, y)));
        }
    }
    fh_encoding_clear(&made);
    fh_assert_ok(fh_encoder_encode(plain, &inputs[1], all, &made, NULL)); /* with special tokens */
    const fh_encode_input bad[] = {{.tokens = &made}, {.tokens = &pair, .part = 1},
                                   {.tokens = &pair, .pair_tokens = &made, .has_pair = true}};
    for (size_t i = 0; i < 3; i++)
        fh_assert_code(fh_encoder_encode(encoder, &bad[i], all, &other, NULL), FH_INVALID);
    fh_assert_code(fh_encoder_encode(encoder, &(fh_encode_input){.tokens = &pair}, ids, &other, NULL), FH_INVALID);
    fh_encoder_free(encoder);
    fh_encoder_free(plain);
    fh_tokenizer_free(tok);
    for (size_t i = 0; i < 4; i++)
        fh_encoding_deinit(all_of[i]);
}

/* What is left to chance is that of a text's number, whoever encodes it, and together with whatever else. */
static void test_drawn(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_tokenizer *tok;
    fh_encoder *encoder;
    fh_encoding all_at_once, others;
    fh_ids ids;
    fh_encode_input inputs[TEXTS];
    fh_encode_options options = {.offsets = FH_OFFSETS_BYTES};
    fh_assert_ok(fh_tokenizer_from_json(a, FH_LIT("{\"model\":{\"type\":\"BPE\",\"dropout\":0.5,\"vocab\":{\"a\":0,\"b\":1,"
                                                  "\"ab\":2},\"merges\":[\"a b\"]}}"), &tok, NULL));
    fh_assert_ok(fh_encoder_new(a, tok, &encoder));
    fh_encoding_init(&all_at_once, a);
    fh_encoding_init(&others, a);
    fh_ids_init(&ids, a, 0);
    for (size_t i = 0; i < TEXTS; i++)
        inputs[i] = (fh_encode_input){.text = FH_LIT("abababababababab")};
    fh_encoder_seed(encoder, 5, 0);
    fh_assert_ok(fh_encoder_batch(encoder, NULL, (fh_encode_inputs){inputs, TEXTS}, options, &all_at_once, NULL));
    for (unsigned width = 1; width <= 7; width += 3) {
        fh_team *team;
        fh_assert_ok(fh_team_new(width, &team));
        fh_encoding_clear(&others);
        fh_encoder_seed(encoder, 5, 0);
        fh_encode_inputs first = {inputs, 9}, rest = {inputs + 9, TEXTS - 9};
        fh_assert_ok(fh_encoder_batch(encoder, fh_team_par(team), first, options, &others, NULL));
        fh_assert_ok(fh_encoder_batch(encoder, fh_team_par(team), rest, options, &others, NULL));
        same(&all_at_once, &others);
        fh_team_free(team);
    }
    fh_encoding_clear(&others);
    fh_encoder_seed(encoder, 5, 0);
    size_t different = 0, count;
    fh_encode_input bad = {.text = FH_LIT("ab\xff")};
    for (size_t i = 0; i < TEXTS; i++) {
        bool fits;
        fh_encoding_part part = fh_encoding_part_at(&all_at_once, i), first = fh_encoding_part_at(&all_at_once, 0);
        fh_assert_code(fh_encoder_encode(encoder, &bad, options, &others, NULL), FH_INVALID);
        fh_assert_ok(fh_encoder_encode(encoder, inputs + i, options, &others, NULL));
        fh_encoder_seed(encoder, 5, i);
        ids.count = 0;
        fh_assert_ok(fh_encoder_ids(encoder, inputs[i].text, options, &ids, NULL));
        fh_u32s expected = fh_u32s_sub(fh_encoding_column(&all_at_once, FH_COLUMN_ID), part.from, part.count);
        assert_int_equal(ids.count, expected.count);
        assert_memory_equal(ids.items.at, expected.at, expected.count * sizeof(uint32_t));
        fh_encoder_seed(encoder, 5, i);
        fh_assert_ok(fh_encoder_count(encoder, inputs[i].text, options, 100, &count, &fits, NULL));
        assert_int_equal(count, part.count);
        different += part.count != first.count;
    }
    same(&all_at_once, &others);
    assert_true(different > TEXTS / 4);
    fh_encoding_clear(&others);
    fh_encoder_seed(encoder, 6, 0);
    fh_assert_ok(fh_encoder_batch(encoder, NULL, (fh_encode_inputs){inputs, TEXTS}, options, &others, NULL));
    assert_int_not_equal(fh_encoding_count(&others), fh_encoding_count(&all_at_once));
    fh_encoder_free(encoder);
    fh_tokenizer_free(tok);
    fh_encoding_deinit(&all_at_once);
    fh_encoding_deinit(&others);
    fh_ids_deinit(&ids);
}

/* Every part of a batch is as long as the longest text, rounded up; the tokens are those of the texts alone. */
static void test_padding(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_tokenizer *tok = made_load(a, &parts);
    fh_encode_input inputs[TEXTS];
    fh_encoder *encoder;
    fh_encoding one, many;
    fh_encoding_init(&one, a);
    fh_encoding_init(&many, a);
    fill(inputs);
    fh_assert_ok(fh_encoder_new(a, tok, &encoder));
    fh_assert_ok(fh_encoder_batch(encoder, NULL, (fh_encode_inputs){inputs, TEXTS}, all, &many, NULL));
    fh_assert_ok(fh_encoder_pad(encoder, (fh_padding){.on = false, .fixed = true, .length = SIZE_MAX}));
    const fh_padding long_ones[] = {{.on = true, .fixed = true, .length = FH_PADDING_MAX + 1},
                                    {.on = true, .multiple_of = FH_PADDING_MAX + 1}};
    for (size_t i = 0; i < 2; i++)
        fh_assert_code(fh_encoder_pad(encoder, long_ones[i]), FH_LIMIT); /* and nothing is padded, as before */
    for (size_t i = 0; i < TEXTS; i++)
        fh_assert_ok(fh_encoder_encode(encoder, &inputs[i], all, &one, NULL));
    assert_int_equal(fh_encoding_part_count(&one), fh_encoding_part_count(&many));
    for (size_t p = 0; p < fh_encoding_part_count(&one); p++) {
        fh_encoding_part x = fh_encoding_part_at(&one, p), y = fh_encoding_part_at(&many, p);
        assert_int_equal(y.count, 12);
        assert_true(x.row == y.row && x.overflow == y.overflow);
        for (size_t i = 0; i < y.count; i++) {
            size_t pad = y.count - x.count;
            uint32_t id = fh_u32s_get(fh_encoding_part_column(&many, p, FH_COLUMN_ID), i);
            assert_int_equal(id, i < pad ? 2 : fh_u32s_get(fh_encoding_part_column(&one, p, FH_COLUMN_ID), i - pad));
            assert_int_equal(fh_u32s_get(fh_encoding_part_column(&many, p, FH_COLUMN_ATTENTION), i), i >= pad);
        }
    }
    fh_encoder_free(encoder);
    fh_tokenizer_free(tok);
    fh_encoding_deinit(&one);
    fh_encoding_deinit(&many);
}

/* The first text that fails is the batch's failure, and nothing was appended. */
static void test_failure(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_tokenizer *tok = made_load(a, &parts);
    fh_encode_input inputs[TEXTS];
    fh_encoder *encoder;
    fh_encoding e;
    fh_err err = {0};
    fh_team *team;
    fh_encoding_init(&e, a);
    fill(inputs);
    inputs[40].text = FH_LIT("a\xff");
    fh_assert_ok(fh_encoder_new(a, tok, &encoder));
    fh_assert_ok(fh_encoder_encode(encoder, &inputs[1], all, &e, NULL));
    size_t count = fh_encoding_count(&e);
    fh_assert_ok(fh_team_new(3, &team));
    fh_assert_code(fh_encoder_batch(encoder, fh_team_par(team), (fh_encode_inputs){inputs, TEXTS}, all, &e, &err), FH_INVALID);
    fh_assert_err(&err, FH_INVALID, "not UTF-8");
    assert_int_equal(fh_encoding_count(&e), count);
    assert_int_equal(fh_encoding_part_count(&e), 1);
    fh_team_free(team);
    fh_encoder_free(encoder);
    fh_tokenizer_free(tok);
    fh_encoding_deinit(&e);
}

/* --- a tokenizer whose maker is gone -------------------------------------------------------------------------------------- */

/* What a thread encodes with: a handle of its own. */
typedef struct user {
    fh_tokenizer *tok;
    fh_allocator *allocator;
    pthread_t thread;
    uint64_t sum;
} user;

static void *encode_on(void *arg) {
    user *u = arg;
    fh_encoder *encoder;
    fh_encode_input inputs[TEXTS];
    fh_encoding e;
    fill(inputs);
    fh_encoding_init(&e, u->allocator);
    if (fh_encoder_new(u->allocator, u->tok, &encoder).code != FH_OK)
        return NULL;
    fh_tokenizer_free(u->tok); /* the encoder has one of its own */
    for (size_t i = 0; i < 20 * TEXTS; i++) {
        fh_encoding_clear(&e);
        if (fh_encoder_encode(encoder, &inputs[i % TEXTS], all, &e, NULL).code != FH_OK)
            break;
        for (size_t k = 0; k < fh_encoding_count(&e); k++)
            u->sum = fh_mix64(u->sum ^ fh_u32s_get(fh_encoding_column(&e, FH_COLUMN_ID), k));
    }
    fh_encoder_free(encoder);
    fh_encoding_deinit(&e);
    return NULL;
}

typedef struct maker {
    user users[6];
    fh_allocator *allocator;
} maker;

/* Makes a tokenizer, starts threads that use it, drops its own handle, and ends, while they go on. */
static void *make_and_leave(void *arg) {
    maker *m = arg;
    fh_tokenizer *tok = made_load(m->allocator, &parts);
    for (size_t i = 0; i < 6; i++) {
        m->users[i] = (user){.tok = fh_tokenizer_share(tok), .allocator = m->allocator};
        if (pthread_create(&m->users[i].thread, NULL, encode_on, &m->users[i]) != 0)
            abort();
    }
    fh_tokenizer_free(tok);
    return NULL;
}

static void test_maker_gone(void **state) {
    maker m = {.allocator = fh_test_allocator(state)};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, make_and_leave, &m), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(pthread_join(m.users[i].thread, NULL), 0);
    for (size_t i = 0; i < 6; i++)
        assert_true(m.users[i].sum != 0 && m.users[i].sum == m.users[0].sum);
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_threads), FH_TEST_ALLOC(test_tokens_given),
                                       FH_TEST_ALLOC(test_drawn), FH_TEST_ALLOC(test_padding), FH_TEST_ALLOC(test_failure),
                                       FH_TEST_ALLOC(test_maker_gone)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
