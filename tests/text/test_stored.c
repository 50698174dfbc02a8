/* test_stored.c: a tokenizer's cache: the same tokenizer comes back; whatever is wrong in a file is refused, by its checksum
 * or, sealed anew, by what the tables say; and the bytes live as long as somebody needs them. */
#include <stdio.h>

#include "text/made_cache.h"
#include "text/made_pipeline.h"

#define ADDED                                                                                                                \
    "[{\"id\":1,\"content\":\"<c>\",\"lstrip\":true,\"rstrip\":true,\"normalized\":false,\"special\":true},"                  \
    "{\"id\":40,\"content\":\"A b\",\"single_word\":true,\"normalized\":true}]"
#define LETTERS "\"a\":0,\"b\":1,\"ab\":2,\"\xe2\x96\x81\":3,\"\xe2\x96\x81" "a\":4,\"[U]\":5,\"aa\":6,\"c\":9"

static const made_parts makes[] = {
    {.model = "{\"type\":\"BPE\",\"unk_token\":\"[U]\",\"fuse_unk\":true,\"vocab\":{" LETTERS "},"
              "\"merges\":[\"a b\",[\"\xe2\x96\x81\",\"a\"],\"a a\"]}",
     .normalizer = "{\"type\":\"Lowercase\"}", .added = ADDED},
    {.model = "{\"type\":\"BPE\",\"dropout\":0.0,\"byte_fallback\":true,\"vocab\":{" LETTERS ",\"<0x78>\":7},\"merges\":[]}",
     .post = "{\"type\":\"ByteLevel\",\"add_prefix_space\":true,\"trim_offsets\":true,\"use_regex\":true}"},
    {.pre = MADE_SPLIT, .post = MADE_BERT, .added = ADDED,
     .decoder = "{\"type\":\"WordPiece\",\"prefix\":\"##\",\"cleanup\":true}",
     .truncation = "{\"direction\":\"Right\",\"max_length\":9,\"strategy\":\"LongestFirst\",\"stride\":2}",
     .padding = "{\"strategy\":{\"Fixed\":12},\"direction\":\"Left\",\"pad_to_multiple_of\":4,\"pad_id\":3,\"pad_type_id\":1,"
                "\"pad_token\":\"x\"}"},
    {.model = "{\"type\":\"WordLevel\",\"unk_token\":\"u\",\"vocab\":{\"ab\":7,\"u\":2,\"a\":0}}", .pre = MADE_SPLIT},
    {.model = "{\"type\":\"Unigram\",\"unk_id\":0,\"byte_fallback\":true,\"vocab\":[[\"u\",0],[\"a\",-1.5],[\"ab\",-2e-3],"
              "[\"<0x78>\",-2.0122928619384766],[\"\xe2\x96\x81\",-3]]}",
     .pre = "{\"type\":\"Metaspace\",\"replacement\":\"\xe2\x96\x81\",\"prepend_scheme\":\"always\",\"split\":true}"}};
enum { MAKES = sizeof makes / sizeof *makes };

/* A cache in memory of the test. */
static fh_u64s make_cache(fh_allocator *a, const fh_tokenizer *tok, fh_span source) {
    fh_buf b;
    fh_u64s words;
    fh_err err = {0};
    fh_buf_init(&b, a, 0);
    if (fh_failed(fh_tokenizer_save_cache(tok, source, (fh_sink){&b, cache_put}, &err)))
        fail_msg("%s", err.message);
    assert_int_equal(b.size % 8, 0);
    fh_assert_ok(fh_u64s_new(a, b.size / 8, &words));
    fh_span_copy(fh_u64s_bytes(words), fh_buf_view(&b));
    fh_buf_deinit(&b);
    return words;
}

static fh_u64s cache_of(fh_allocator *a, size_t i) {
    fh_tokenizer *tok = made_load(a, &makes[i]);
    fh_u64s words = make_cache(a, tok, FH_LIT("source"));
    fh_tokenizer_free(tok);
    return words;
}

/* The bytes as a file that somebody else holds. */
static fh_status open_span(fh_allocator *a, fh_span file, fh_tokenizer **out, fh_err *err) {
    fh_bytes bytes;
    *out = NULL;
    FH_TRY(fh_bytes_wrap(a, file, NULL, NULL, &bytes));
    fh_status s = fh_tokenizer_from_cache(a, bytes, out, err);
    fh_bytes_drop(&bytes);
    return s;
}

static fh_status open_words(fh_allocator *a, fh_u64s words, fh_tokenizer **out, fh_err *err) {
    return open_span(a, fh_span_of_mut(fh_u64s_bytes(words)), out, err);
}

static const char *const texts[] = {"abab <c> a\xe2\x96\x81\x61\x62 cxx A b", "the cats. a b ab  ab\xc3\xa9 a b", "", "x",
                                    "aaaaab ab"};

/* All that a tokenizer makes of some texts, and its file. */
static void render(fh_allocator *a, fh_tokenizer *tok, fh_buf *out) {
    fh_encoder *encoder;
    fh_assert_ok(fh_encoder_new(a, tok, &encoder));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        fh_encoding e;
        fh_encode_input in = {.text = fh_span_of_str(texts[i]), .pair = FH_LIT("b ab"), .has_pair = i % 2 != 0};
        fh_encoding_init(&e, a);
        fh_status s = fh_encoder_encode(encoder, &in,
                                        (fh_encode_options){.add_special = true, .parse_special = true,
                                                            .offsets = FH_OFFSETS_CODE_POINTS}, &e, NULL);
        fh_assert_ok(fh_buf_format(out, "%d ", (int)s.code));
        made_render(tok, &e, out);
        fh_assert_ok(fh_tokenizer_decode(tok, fh_encoding_column(&e, FH_COLUMN_ID), false, out));
        fh_encoding_deinit(&e);
    }
    fh_encoder_free(encoder);
    fh_assert_ok(fh_tokenizer_save(tok, false, out, NULL));
}

static void test_comes_back(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    for (size_t i = 0; i < MAKES; i++) {
        fh_tokenizer *tok = made_load(a, &makes[i]), *again;
        fh_u64s words = make_cache(a, tok, FH_LIT("source"));
        fh_buf expected, got;
        fh_buf_init(&expected, a, 0);
        fh_buf_init(&got, a, 0);
        render(a, tok, &expected);
        fh_tokenizer_free(tok);
        assert_int_equal(words.at[words.count - 1], cache_sum(words));
        fh_assert_ok(open_words(a, words, &again, NULL));
        render(a, again, &got);
        assert_true(fh_span_equal(fh_buf_view(&got), fh_buf_view(&expected)));
        fh_u64s twice = make_cache(a, again, FH_LIT("source"));
        assert_true(fh_span_equal(fh_span_of_mut(fh_u64s_bytes(twice)), fh_span_of_mut(fh_u64s_bytes(words))));
        fh_tokenizer_free(again);
        fh_u64s_free(a, &twice);
        fh_u64s_free(a, &words);
        fh_buf_deinit(&expected);
        fh_buf_deinit(&got);
    }
}

/* --- damage ------------------------------------------------------------------------------------------------------------- */

static void refuse(fh_allocator *a, fh_span file, fh_code code, const char *part) {
    fh_tokenizer *tok;
    fh_err err = {0};
    fh_assert_code(open_span(a, file, &tok, &err), code);
    assert_null(tok);
    fh_assert_err(&err, code, part);
}

static void test_damage(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_u64s words = cache_of(a, 2);
    fh_span file = fh_span_of_mut(fh_u64s_bytes(words));
    for (size_t size = 0; size < file.size; size++)
        refuse(a, fh_span_sub(file, 0, size), FH_CORRUPT, size < 8 ? "other bytes" : size < 264 ? "at least 264" : "it says");
    for (size_t i = 0; i < file.size; i++) {
        fh_tokenizer *tok;
        *fh_mspan_at(fh_u64s_bytes(words), i) ^= (uint8_t)(1 << i % 8);
        fh_status s = open_span(a, file, &tok, NULL);
        assert_true(s.code == FH_CORRUPT || s.code == FH_UNSUPPORTED);
        *fh_mspan_at(fh_u64s_bytes(words), i) ^= (uint8_t)(1 << i % 8);
    }
    words.at[CACHE_VERSION] = 2;
    refuse(a, file, FH_UNSUPPORTED, "version 2 of the tokenizer cache, expected 1");
    words.at[CACHE_VERSION] = 1;
    words.at[CACHE_ORDER] = UINT64_C(0x0807060504030201);
    refuse(a, file, FH_UNSUPPORTED, "another byte order");
    fh_u64s_free(a, &words);
}

/* The same bytes, one further on. */
static void test_not_aligned(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_u64s words = cache_of(a, 0), room;
    fh_assert_ok(fh_u64s_new(a, words.count + 1, &room));
    size_t size = words.count * 8;
    fh_mspan_fill(fh_u64s_bytes(room), 0);
    for (size_t i = 0; i < size; i++)
        *fh_mspan_at(fh_u64s_bytes(room), i + 1) = fh_span_at(fh_span_of_mut(fh_u64s_bytes(words)), i);
    refuse(a, fh_span_sub(fh_span_of_mut(fh_u64s_bytes(room)), 1, size), FH_INVALID, "multiple of 8");
    fh_u64s_free(a, &room);
    fh_u64s_free(a, &words);
}

/* --- sealed anew -------------------------------------------------------------------------------------------------------- */

/* Changes a word of a section (or of the header, for CACHE_SECTIONS), seals the file, and sees it refused. */
static void refuse_word(fh_allocator *a, size_t make, size_t section, size_t word, uint64_t value, const char *part) {
    fh_u64s words = cache_of(a, make);
    fh_u64s where = section == CACHE_SECTIONS ? words : cache_section(words, section);
    assert_true(word < where.count);
    where.at[word] = value;
    cache_seal(words);
    refuse(a, fh_span_of_mut(fh_u64s_bytes(words)), FH_CORRUPT, part);
    fh_u64s_free(a, &words);
}

enum { BPE, BYTES, PIECES, WORDS, UNIGRAM };

static void test_tables(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    refuse_word(a, BPE, CACHE_PLACES, 0, UINT64_C(0x00000001000f0000), "a spelling outside of the text");
    refuse_word(a, BPE, CACHE_PLACES, 0, UINT64_C(0xfffffffe00000003), "a spelling outside of the text");
    refuse_word(a, BPE, CACHE_SLOTS, 0, 10, "a table of spellings");
    refuse_word(a, BPE, CACHE_MERGES, 0, 3, "a table of merges");
    refuse_word(a, BPE, CACHE_RULES, 0, UINT64_C(10) << 32, "a table of merges");
    refuse_word(a, BPE, CACHE_RULES, 0, UINT64_C(2) << 32 | UINT32_MAX, "a table of merges");
    refuse_word(a, BPE, CACHE_RULES, 0, UINT64_C(2) << 32 | 3, "a table of merges");
    refuse_word(a, PIECES, CACHE_NODES, 0, UINT32_MAX, "a trie");
    refuse_word(a, PIECES, CACHE_NODES, 1, 13, "a trie");
    refuse_word(a, UNIGRAM, CACHE_SCORES, 0, UINT64_C(0x7ff8000000000000), "a list of scores");
    refuse_word(a, UNIGRAM, CACHE_SCORES, 0, UINT64_C(0xfff0000000000000), "a list of scores");
    refuse_word(a, PIECES, CACHE_ADDED, 0, 4097 << 5, "no text in UTF-8");
    refuse_word(a, PIECES, CACHE_ADDED_TEXTS, 0, 0xff, "no text in UTF-8");
    refuse_word(a, PIECES, CACHE_OPTIONS, 0, 0, "byte 0");
}

/* Two added tokens of which the first takes of the second's text as much as makes it too long. */
static void test_long_token(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    char added[5000];
    char text[2101];
    memset(text, 'x', 2100);
    text[2100] = 0;
    (void)snprintf(added, sizeof added, "[{\"content\":\"%s\"},{\"content\":\"y%s\"}]", text, text);
    fh_tokenizer *tok = made_load(a, &(made_parts){.added = added});
    fh_u64s words = make_cache(a, tok, FH_LIT(""));
    fh_tokenizer_free(tok);
    cache_section(words, CACHE_ADDED).at[0] = (uint32_t)(4097u << 5);
    cache_seal(words);
    refuse(a, fh_span_of_mut(fh_u64s_bytes(words)), FH_CORRUPT, "no text in UTF-8");
    cache_section(words, CACHE_ADDED).at[0] = (uint32_t)(4096u << 5);
    cache_seal(words);
    fh_assert_ok(open_words(a, words, &tok, NULL));
    fh_tokenizer_free(tok);
    fh_u64s_free(a, &words);
}

/* One of the three numbers of a node of a trie: base, parent, token. */
static uint8_t *number_of(fh_u64s words, size_t node, size_t which) {
    return (uint8_t *)cache_section(words, CACHE_NODES).at + 12 * node + 4 * which;
}

static uint32_t get_number(fh_u64s words, size_t node, size_t which) {
    uint32_t v;
    memcpy(&v, number_of(words, node, which), sizeof v);
    return v;
}

/* The file with a node that has another parent. */
static fh_status open_with_parent(fh_allocator *a, fh_u64s words, size_t node, uint32_t parent, fh_err *err) {
    fh_tokenizer *tok;
    memcpy(number_of(words, node, 1), &parent, sizeof parent);
    cache_seal(words);
    fh_status s = open_words(a, words, &tok, err);
    fh_tokenizer_free(tok);
    return s;
}

static fh_tokenizer *unigram_of(fh_allocator *a, size_t size, fh_err *err) {
    char token[5001], model[5200];
    fh_buf json;
    fh_tokenizer *tok;
    memset(token, 'a', size);
    token[size] = 0;
    (void)snprintf(model, sizeof model, "{\"type\":\"Unigram\",\"unk_id\":0,\"vocab\":[[\"u\",0],[\"%s\",-1]]}", token);
    fh_buf_init(&json, a, 0);
    made_json(&json, &(made_parts){.model = model});
    fh_status s = fh_tokenizer_from_json(a, fh_buf_view(&json), &tok, err);
    fh_buf_deinit(&json);
    return s.code == FH_OK ? tok : NULL;
}

/* What is deeper than a token may be long, or lies below itself, would be looked at again from each place of a text. */
static void test_deep_trie(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_err err = {0};
    assert_null(unigram_of(a, 4097, &err));
    fh_assert_err(&err, FH_LIMIT, "token 1 has 4097 bytes, at most 4096");
    fh_tokenizer *tok = unigram_of(a, 4096, NULL);
    assert_non_null(tok);
    fh_u64s words = make_cache(a, tok, FH_LIT(""));
    fh_tokenizer_free(tok);
    size_t count = words.at[CACHE_SIZES + CACHE_NODES] / 12, deep = 0, empty = count - 1;
    while (get_number(words, deep, 2) != 1)
        deep++;
    assert_int_equal(get_number(words, empty, 1), UINT32_MAX);
    assert_int_equal(get_number(words, empty - 1, 1), UINT32_MAX);
    fh_assert_ok(open_with_parent(a, words, empty, get_number(words, deep, 1), NULL));
    fh_err_clear(&err);
    fh_assert_code(open_with_parent(a, words, empty, (uint32_t)deep, &err), FH_CORRUPT);
    fh_assert_err(&err, FH_CORRUPT, "a trie that is none");
    fh_assert_code(open_with_parent(a, words, empty, (uint32_t)empty, NULL), FH_CORRUPT);
    fh_assert_code(open_with_parent(a, words, empty, (uint32_t)empty - 1, NULL), FH_OK);
    fh_assert_code(open_with_parent(a, words, empty - 1, (uint32_t)empty, NULL), FH_CORRUPT);
    fh_u64s_free(a, &words);
}

/* Sizes of sections: more than there is, less than there is, no whole number of elements, another number of them. */
static void test_sizes(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    for (size_t i = 0; i < CACHE_SECTIONS; i++) {
        refuse_word(a, BPE, CACHE_SECTIONS, CACHE_SIZES + i, UINT64_MAX, "are left");
        refuse_word(a, BPE, CACHE_SECTIONS, CACHE_SIZES + i, 1 << 20, "are left");
    }
    refuse_word(a, BPE, CACHE_SECTIONS, CACHE_SIZES + CACHE_OPTIONS, 0, "behind the sections");
    refuse_word(a, BPE, CACHE_SECTIONS, CACHE_SIZES + CACHE_ADDED, 7, "bytes of added tokens");
    refuse_word(a, BPE, CACHE_SECTIONS, CACHE_SIZES + CACHE_ADDED_TEXTS, 5, "no text in UTF-8");
    refuse_word(a, BPE, CACHE_SECTIONS, CACHE_SIZES + CACHE_PLACES, 79, "of a size that none has");
    refuse_word(a, BPE, CACHE_SECTIONS, CACHE_SIZES + CACHE_SLOTS, 15 * 8, "a table of spellings");
    refuse_word(a, BPE, CACHE_SECTIONS, CACHE_SIZES + CACHE_MERGES, 7 * 8, "a table of merges");
    refuse_word(a, UNIGRAM, CACHE_SECTIONS, CACHE_SIZES + CACHE_SCORES, 8 * 4, "a list of scores");
    refuse_word(a, BPE, CACHE_SECTIONS, CACHE_SIZES + CACHE_SEAMS, 8 * 63, "a set of seams");
    refuse_word(a, BPE, CACHE_SECTIONS, CACHE_SIZES + CACHE_KNOWN, 8 * 1023, "a set of seams");
}

/* Tables without an empty slot: a search ends all the same, and what is in them is found. */
static void test_full_tables(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_u64s words = cache_of(a, BPE);
    fh_u64s slots = cache_section(words, CACHE_SLOTS);
    for (size_t i = 0; i < slots.count; i++)
        slots.at[i] = slots.at[i] == UINT64_MAX ? 1 : slots.at[i];
    slots = cache_section(words, CACHE_MERGES);
    for (size_t i = 0; i < slots.count; i++)
        slots.at[i] = slots.at[i] == UINT64_MAX ? 1 : slots.at[i];
    cache_seal(words);
    fh_tokenizer *tok;
    fh_ids ids;
    fh_ids_init(&ids, a, 0);
    fh_assert_ok(open_words(a, words, &tok, NULL));
    assert_int_equal(fh_tokenizer_find(tok, FH_LIT("aa")), 6);
    assert_int_equal(fh_tokenizer_find(tok, FH_LIT("bb")), FH_NO_TOKEN);
    fh_assert_ok(fh_tokenizer_encode(tok, FH_LIT("abba"), (fh_encode_options){0}, &ids, NULL));
    assert_int_equal(ids.count, 3);
    assert_int_equal(fh_u32s_get(ids.items, 0), 2);
    fh_tokenizer_free(tok);
    fh_ids_deinit(&ids);
    fh_u64s_free(a, &words);
}

/* Tables that another kind of model has, or none of its own. */
static void test_shapes(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_u64s words, other;
    for (size_t make = 0; make < MAKES; make++)
        for (size_t options = 0; options < MAKES; options++) { /* the options of one with the tables of another */
            words = cache_of(a, make);
            other = cache_of(a, options);
            fh_u64s from = cache_section(words, CACHE_ADDED), text = cache_section(other, CACHE_OPTIONS);
            size_t kept = words.count - (size_t)(from.at - words.at), head = (text.count + 7) / 8 * 8;
            fh_u64s mixed;
            fh_assert_ok(fh_u64s_new(a, CACHE_HEADER_WORDS + head + kept, &mixed));
            memcpy(mixed.at, words.at, CACHE_HEADER_WORDS * 8);
            memcpy(mixed.at + CACHE_HEADER_WORDS, text.at, text.count * 8);
            memcpy(mixed.at + CACHE_HEADER_WORDS + head, from.at, kept * 8);
            mixed.at[CACHE_SIZES + CACHE_OPTIONS] = other.at[CACHE_SIZES + CACHE_OPTIONS];
            cache_seal(mixed);
            fh_tokenizer *tok;
            bool same = make == options || (make < 2 && options < 2);
            fh_status s = open_words(a, mixed, &tok, NULL);
            assert_true(same ? s.code == FH_OK || s.code == FH_CORRUPT : s.code == FH_CORRUPT);
            assert_true(make != options || s.code == FH_OK);
            fh_tokenizer_free(tok);
            fh_u64s_free(a, &mixed);
            fh_u64s_free(a, &words);
            fh_u64s_free(a, &other);
        }
}

/* Whatever a word is changed to, the file is refused or the tokenizer works. */
static void test_any_word(void **state) {
    static const uint64_t values[] = {0, UINT64_MAX, UINT32_MAX, UINT64_C(1) << 32, 1, UINT64_C(0x0000000500000003)};
    fh_allocator *a = fh_test_allocator(state);
    size_t step = fh_test_ops() > 1000000 ? 1 : fh_test_ops() == 1000000 ? 11 : 37, opened = 0;
    for (size_t make = 0; make < MAKES; make++) {
        fh_u64s words = cache_of(a, make);
        for (size_t i = make; i + 1 < words.count; i += step) {
            uint64_t before = words.at[i], size = words.at[CACHE_SIZE];
            fh_tokenizer *tok;
            words.at[i] = values[i % (sizeof values / sizeof *values)];
            cache_seal(words);
            fh_status s = open_words(a, words, &tok, NULL);
            if (s.code == FH_OK) {
                fh_ids ids;
                fh_ids_init(&ids, a, 0);
                fh_status e = fh_tokenizer_encode(tok, fh_span_of_str(texts[0]), (fh_encode_options){.add_special = true}, &ids,
                                                  NULL);
                assert_true(e.code == FH_OK || ids.count == 0);
                for (size_t k = 0; k < ids.count; k++)
                    assert_true(fh_u32s_get(ids.items, k) < fh_tokenizer_size(tok));
                fh_ids_deinit(&ids);
                opened++;
            }
            fh_tokenizer_free(tok);
            words.at[i] = before;
            words.at[CACHE_SIZE] = size;
        }
        fh_u64s_free(a, &words);
    }
    assert_true(opened > 0);
}

/* --- where it comes from, and how long it lives --------------------------------------------------------------------------- */

static void test_source(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_u64s words = cache_of(a, WORDS);
    fh_span file = fh_span_of_mut(fh_u64s_bytes(words));
    fh_err err = {0};
    fh_assert_ok(fh_tokenizer_cache_is_of(file, FH_LIT("source"), NULL));
    fh_assert_code(fh_tokenizer_cache_is_of(file, FH_LIT("sourcf"), &err), FH_STALE);
    fh_assert_err(&err, FH_STALE, "made from another file");
    fh_assert_code(fh_tokenizer_cache_is_of(file, FH_LIT("source2"), NULL), FH_STALE);
    fh_assert_code(fh_tokenizer_cache_is_of(file, FH_LIT(""), NULL), FH_STALE);
    fh_assert_code(fh_tokenizer_cache_is_of(FH_LIT("{}"), FH_LIT("source"), NULL), FH_CORRUPT);
    fh_u64s_free(a, &words);
    fh_tokenizer *tok = made_load(a, &makes[WORDS]);
    words = make_cache(a, tok, FH_LIT(""));
    fh_assert_code(fh_tokenizer_cache_is_of(fh_span_of_mut(fh_u64s_bytes(words)), FH_LIT(""), NULL), FH_STALE);
    fh_tokenizer_free(tok);
    fh_u64s_free(a, &words);
}

static void count_release(void *ctx) {
    ++*(int *)ctx;
}

static void test_life(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_u64s words = cache_of(a, BPE);
    fh_bytes bytes;
    fh_tokenizer *tok, *handle;
    int released = 0;
    fh_assert_ok(fh_bytes_wrap(a, fh_span_of_mut(fh_u64s_bytes(words)), count_release, &released, &bytes));
    fh_assert_ok(fh_tokenizer_from_cache(a, bytes, &tok, NULL));
    fh_bytes_drop(&bytes);
    handle = fh_tokenizer_share(tok);
    fh_tokenizer_free(tok);
    assert_int_equal(released, 0);
    assert_int_equal(fh_tokenizer_find(handle, FH_LIT("ab")), 2);
    fh_tokenizer_free(handle);
    assert_int_equal(released, 1);
    words.at[words.count - 1] ^= 1;
    fh_assert_ok(fh_bytes_wrap(a, fh_span_of_mut(fh_u64s_bytes(words)), count_release, &released, &bytes));
    fh_assert_code(fh_tokenizer_from_cache(a, bytes, &tok, NULL), FH_CORRUPT);
    fh_bytes_drop(&bytes);
    assert_int_equal(released, 2);
    fh_u64s_free(a, &words);
}

static fh_status put_some(void *ctx, fh_span bytes, fh_err *err) {
    int *left = ctx;
    (void)bytes;
    return (*left)-- > 0 ? FH_DONE : fh_fail(err, FH_IO, FH_NO_OFFSET, "disk full");
}

static void test_sink_refuses(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_tokenizer *tok = made_load(a, &makes[BPE]);
    fh_status s = FH_STATUS(FH_IO);
    int puts = 0;
    for (; fh_failed(s) && puts < 40; puts++) {
        int left = puts;
        fh_err err = {0};
        s = fh_tokenizer_save_cache(tok, FH_LIT(""), (fh_sink){&left, put_some}, &err);
        if (fh_failed(s))
            fh_assert_err(&err, FH_IO, "disk full");
    }
    assert_true(s.code == FH_OK && puts > CACHE_SECTIONS);
    fh_tokenizer_free(tok);
}

static fh_status save_and_open(fh_allocator *a, void *arg) {
    fh_buf json, out;
    fh_tokenizer *tok;
    fh_err err = {0};
    const made_parts *parts = arg;
    fh_buf_init(&json, fh_heap(), 0);
    made_json(&json, parts);
    fh_status s = fh_tokenizer_from_json(a, fh_buf_view(&json), &tok, &err);
    fh_buf_deinit(&json);
    FH_TRY(s);
    fh_buf_init(&out, fh_heap(), 0);
    s = fh_tokenizer_save_cache(tok, FH_LIT("x"), (fh_sink){&out, cache_put}, &err);
    fh_tokenizer_free(tok);
    if (s.code == FH_OK) {
        s = open_span(a, fh_buf_view(&out), &tok, &err);
        fh_tokenizer_free(tok);
    }
    assert_true(s.code == FH_OK || err.code == FH_NOMEM || err.code == FH_OK);
    fh_buf_deinit(&out);
    return s;
}

static void test_no_memory(void **state) {
    for (size_t i = 0; i < MAKES; i++)
        FH_FAIL_EACH_ALLOC(fh_test_trace(state), save_and_open, (void *)(uintptr_t)&makes[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_comes_back), FH_TEST_ALLOC(test_damage),
                                       FH_TEST_ALLOC(test_not_aligned), FH_TEST_ALLOC(test_tables),
                                       FH_TEST_ALLOC(test_long_token), FH_TEST_ALLOC(test_deep_trie),
                                       FH_TEST_ALLOC(test_sizes), FH_TEST_ALLOC(test_full_tables), FH_TEST_ALLOC(test_shapes),
                                       FH_TEST_ALLOC(test_any_word), FH_TEST_ALLOC(test_source),
                                       FH_TEST_ALLOC(test_life), FH_TEST_ALLOC(test_sink_refuses),
                                       FH_TEST_ALLOC(test_no_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
