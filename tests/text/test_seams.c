/* test_seams.c: where pieces may be cut before byte-pair encoding: random models with and without seams give the same tokens.
 *
 * A model is trained on a random text of few characters by random choices, so that its tokens begin and end within characters
 * and hold several of them. The model without seams is the specification. */
#include <stdio.h>
#include <string.h>

#include "freehold/utf8.h"
#include "support/fh_test.h"
#include "text/pipe/byte_alphabet.h"
#include "text/pipe/token_model_impl.h"

enum { TOKENS_MAX = 600, BYTES_MAX = 24, SAMPLE_MAX = 600, CHARACTERS = 14 };

static const char *const characters[CHARACTERS] = {
    "\xe3\x81\x82", "\xe3\x81\x84", "\xe3\x82\xa2", "\xe6\x97\xa5", "\xe6\x9c\xac", "\xe6\x97\xa6", "a", "b",
    "\xc3\xa9",     "\xc3\xa8",     "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x81", " ", "\xe3\x80\x82"};

/* A token: its bytes, or a name. */
typedef struct made_token {
    uint8_t bytes[BYTES_MAX];
    size_t size;
} made_token;

typedef struct made_model {
    bool raw, unk, fuse, fallback, ignore;
    made_token tokens[TOKENS_MAX];
    size_t token_count;
    uint32_t pairs[TOKENS_MAX][2];
    size_t pair_count;
    uint32_t sample[SAMPLE_MAX];
    size_t sample_count;
} made_model;

static fh_span view(const made_token *t) {
    return (fh_span){t->bytes, t->size};
}

static uint32_t token_of(made_model *m, fh_span bytes) {
    for (uint32_t i = 0; i < m->token_count; i++)
        if (fh_span_equal(view(m->tokens + i), bytes))
            return i;
    made_token *t = m->tokens + m->token_count;
    t->size = bytes.size;
    memcpy(t->bytes, bytes.at, bytes.size);
    return (uint32_t)m->token_count++;
}

/* A text of random characters, now and then with a byte that is none. */
static size_t random_text(fh_test_rng *rng, uint8_t *out, size_t count, bool broken) {
    size_t size = 0;
    while (count-- > 0) {
        const char *c = characters[fh_test_rng_below(rng, CHARACTERS)];
        size_t n = strlen(c);
        if (broken && fh_test_rng_below(rng, 12) == 0)
            n = 1 + fh_test_rng_below(rng, n);
        memcpy(out + size, c, n);
        size += n;
        if (broken && fh_test_rng_below(rng, 25) == 0)
            out[size++] = (uint8_t)fh_test_rng_next(rng);
    }
    return size;
}

/* The sample as tokens of one byte, or of one character. */
static void begin_sample(made_model *m, fh_test_rng *rng) {
    uint8_t text[SAMPLE_MAX];
    size_t size = random_text(rng, text, SAMPLE_MAX / 5, false);
    m->sample_count = 0;
    for (size_t at = 0; at < size;) {
        size_t n = m->raw ? 1 : fh_utf8_next((fh_span){text, size}, at).size;
        m->sample[m->sample_count++] = token_of(m, (fh_span){text + at, n});
        at += n;
    }
}

/* Joins two tokens wherever they stand side by side in the sample. */
static void join(made_model *m, uint32_t left, uint32_t right) {
    made_token t = m->tokens[left];
    memcpy(t.bytes + t.size, m->tokens[right].bytes, m->tokens[right].size);
    t.size += m->tokens[right].size;
    uint32_t joined = token_of(m, view(&t));
    m->pairs[m->pair_count][0] = left;
    m->pairs[m->pair_count++][1] = right;
    size_t to = 0;
    for (size_t i = 0; i < m->sample_count; i++) {
        bool both = i + 1 < m->sample_count && m->sample[i] == left && m->sample[i + 1] == right;
        m->sample[to++] = both ? joined : m->sample[i];
        i += both;
    }
    m->sample_count = to;
}

static void make(made_model *m, fh_test_rng *rng) {
    *m = (made_model){.raw = fh_test_rng_below(rng, 2) == 0};
    m->unk = !m->raw && fh_test_rng_below(rng, 3) != 0;
    m->fuse = fh_test_rng_below(rng, 2) == 0;
    m->fallback = !m->raw && fh_test_rng_below(rng, 2) == 0;
    m->ignore = fh_test_rng_below(rng, 3) == 0;
    for (unsigned b = 0; b < 256; b++) {
        char name[8];
        snprintf(name, sizeof name, "<0x%02X>", b);
        uint8_t byte = (uint8_t)b;
        if (m->raw)
            (void)token_of(m, (fh_span){&byte, 1});
        else if (m->fallback && (b != 0xe6 || fh_test_rng_below(rng, 2) == 0))
            (void)token_of(m, fh_span_of_str(name));
    }
    begin_sample(m, rng);
    if (!m->raw) /* some characters are no tokens */
        for (size_t i = 0; i < m->sample_count; i++)
            if (view(m->tokens + m->sample[i]).size > 1 && m->tokens[m->sample[i]].bytes[0] == 0xe6)
                m->sample[i] = m->sample[0];
    for (size_t k = fh_test_rng_below(rng, 60); k-- > 0 && m->sample_count > 1;) {
        size_t at = fh_test_rng_below(rng, m->sample_count - 1);
        uint32_t left = m->sample[at], right = m->sample[at + 1];
        if (m->tokens[left].size + m->tokens[right].size < BYTES_MAX)
            join(m, left, right);
    }
    if (m->fallback && fh_test_rng_below(rng, 3) == 0) /* what follows U+65E5 joins the last of its bytes */
        join(m, token_of(m, FH_LIT("<0xA5>")), token_of(m, FH_LIT("a")));
    if (m->fallback && fh_test_rng_below(rng, 3) == 0)
        join(m, token_of(m, FH_LIT("b")), token_of(m, FH_LIT("<0xE6>")));
}

/* The token as the file spells it. */
static void spell(const made_model *m, uint32_t id, fh_buf *out) {
    fh_buf_truncate(out, 0);
    for (size_t i = 0; i < m->tokens[id].size; i++) {
        uint8_t letter[4];
        size_t size = m->raw ? fh_utf8_put(fh_alphabet_code(m->tokens[id].bytes[i]), letter) : 1;
        fh_assert_ok(fh_buf_put(out, m->raw ? (fh_span){letter, size} : (fh_span){m->tokens[id].bytes + i, 1}));
    }
}

/* True if a token of one character is left out of the vocabulary. */
static bool is_left_out(const made_model *m, uint32_t id) {
    const made_token *t = m->tokens + id;
    bool used = false;
    for (size_t i = 0; i < m->pair_count; i++)
        used = used || m->pairs[i][0] == id || m->pairs[i][1] == id;
    return !m->raw && !used && t->bytes[0] == 0xe6 && fh_utf8_next(view(t), 0).size == t->size;
}

static void write_model(const made_model *m, fh_buf *out, fh_buf *room) {
    fh_json_writer w;
    fh_json_writer_init(&w, out, false);
    fh_assert_ok(fh_json_open(&w, true));
    fh_assert_ok(fh_json_key(&w, "type"));
    fh_assert_ok(fh_json_put_text(&w, FH_LIT("BPE")));
    fh_assert_ok(fh_json_key(&w, "fuse_unk"));
    fh_assert_ok(fh_json_put_bool(&w, m->fuse));
    fh_assert_ok(fh_json_key(&w, "byte_fallback"));
    fh_assert_ok(fh_json_put_bool(&w, m->fallback));
    fh_assert_ok(fh_json_key(&w, "ignore_merges"));
    fh_assert_ok(fh_json_put_bool(&w, m->ignore));
    fh_assert_ok(fh_json_key(&w, "unk_token"));
    fh_assert_ok(m->unk ? fh_json_put_text(&w, FH_LIT("[U]")) : fh_json_put_null(&w));
    fh_assert_ok(fh_json_key(&w, "vocab"));
    fh_assert_ok(fh_json_open(&w, true));
    for (uint32_t i = 0; i < m->token_count; i++) {
        if (is_left_out(m, i))
            continue;
        spell(m, i, room);
        fh_assert_ok(fh_json_key_text(&w, fh_buf_view(room)));
        fh_assert_ok(fh_json_put_u64(&w, i));
    }
    fh_assert_ok(fh_json_key(&w, "[U]"));
    fh_assert_ok(fh_json_put_u64(&w, m->token_count));
    fh_assert_ok(fh_json_close(&w, true));
    fh_assert_ok(fh_json_key(&w, "merges"));
    fh_assert_ok(fh_json_open(&w, false));
    for (size_t i = 0; i < m->pair_count; i++) {
        fh_assert_ok(fh_json_open(&w, false));
        for (size_t k = 0; k < 2; k++) {
            spell(m, m->pairs[i][k], room);
            fh_assert_ok(fh_json_put_text(&w, fh_buf_view(room)));
        }
        fh_assert_ok(fh_json_close(&w, false));
    }
    fh_assert_ok(fh_json_close(&w, false));
    fh_assert_ok(fh_json_close(&w, true));
}

static fh_token_model *read(fh_allocator *a, fh_span json, bool raw, bool seams) {
    fh_token_model *m = NULL;
    fh_err err;
    fh_err_clear(&err);
    if (fh_failed(fh_token_model_read(a, json, 0, &m, &err)))
        fail_msg("%s", err.message);
    if (raw)
        assert_true(fh_token_model_use_raw_bytes(m));
    if (seams)
        fh_assert_ok(fh_token_model_find_seams(m));
    return m;
}

static void same(fh_u32s a, fh_u32s b, size_t count) {
    for (size_t i = 0; i < count; i++)
        assert_int_equal(fh_u32s_get(a, i), fh_u32s_get(b, i));
}

/* A piece with seams and without: ids alone, then with places. */
static void compare(fh_allocator *a, const fh_token_model *m[2], fh_model_scratch *room[2], fh_span piece) {
    for (unsigned ids_only = 0; ids_only < 2; ids_only++) {
        fh_token_list l[2];
        for (size_t k = 0; k < 2; k++) {
            fh_token_list_init(l + k, a, ids_only == 1);
            fh_assert_ok(fh_token_model_encode(m[k], room[k], piece, l + k));
        }
        assert_int_equal(l[0].count, l[1].count);
        same(l[0].ids, l[1].ids, l[0].count);
        if (ids_only == 0) {
            same(l[0].begins, l[1].begins, l[0].count);
            same(l[0].ends, l[1].ends, l[0].count);
        }
        fh_token_list_deinit(l);
        fh_token_list_deinit(l + 1);
    }
}

static size_t parts_of(const fh_token_model *m, fh_span piece) {
    size_t count = 0;
    for (size_t at = 0; at < piece.size; at = fh_bpe_part_end(m, piece, at))
        count++;
    return count;
}

static void test_same_tokens(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_test_rng rng = fh_test_rng_new(11);
    made_model *made = fh_alloc(a, 1, sizeof *made);
    size_t pieces = 0, parts = 0;
    for (uint64_t round = 0; round < 30 + fh_test_ops() / 2000; round++) {
        make(made, &rng);
        fh_buf json, spelling;
        fh_buf_init(&json, a, 0);
        fh_buf_init(&spelling, a, 0);
        write_model(made, &json, &spelling);
        fh_token_model *m[2] = {read(a, fh_buf_view(&json), made->raw, false), read(a, fh_buf_view(&json), made->raw, true)};
        fh_model_scratch *room[2];
        for (size_t k = 0; k < 2; k++)
            fh_assert_ok(fh_model_scratch_new(a, room + k));
        for (size_t i = 0; i < 60; i++) {
            uint8_t text[600];
            size_t count = fh_test_rng_below(&rng, i % 3 == 0 ? 60 : 8);
            fh_span piece = {text, random_text(&rng, text, count, made->raw && i % 2 == 0)};
            compare(a, (const fh_token_model *[2]){m[0], m[1]}, room, piece);
            pieces += piece.size != 0;
            parts += parts_of(m[1], piece);
        }
        for (size_t k = 0; k < 2; k++) {
            fh_model_scratch_free(room[k]);
            fh_token_model_free(m[k]);
        }
        fh_buf_deinit(&json);
        fh_buf_deinit(&spelling);
    }
    assert_true(parts > 2 * pieces);
    fh_free(a, made);
}

/* Two characters and what they make are tokens. */
static void test_by_hand(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_token_model *m = read(a, FH_LIT("{\"type\":\"BPE\",\"vocab\":{\"\xe6\x97\xa5\":0,\"\xe6\x9c\xac\":1,"
                                       "\"\xe6\x97\xa5\xe6\x9c\xac\":2,\"a\":3,\"b\":4},"
                                       "\"merges\":[\"\xe6\x97\xa5 \xe6\x9c\xac\"]}"),
                             false, true);
    assert_int_equal(fh_bpe_part_end(m, FH_LIT("\xe6\x97\xa5\xe6\x9c\xac\xe6\x97\xa5"), 0), 6);
    assert_int_equal(fh_bpe_part_end(m, FH_LIT("\xe6\x9c\xac\xe6\x97\xa5\xe6\x9c\xac"), 0), 3);
    assert_int_equal(fh_bpe_part_end(m, FH_LIT("\xe6\x9c\xac" "ab"), 0), 3);
    assert_int_equal(fh_bpe_part_end(m, FH_LIT("\xe6\x9c\xac" "ab"), 3), 5); /* not within ASCII */
    assert_int_equal(fh_bpe_part_end(m, FH_LIT("\xe6\x97\xa6\xe6\x9c\xac"), 0), 6); /* the first one is left out */
    fh_token_model_free(m);
}

/* Tokens that begin or end within a character alone: two characters and the first byte of one, the last byte of one and
 * another. */
static void test_split_characters(void **state) {
    fh_allocator *a = fh_test_allocator(state);
#define LETTERS "\"u\":0,\"\u00e6\":1,\"\u0139\":2,\"\u00a5\":3,\"\u013e\":4,\"\u00ac\":5,"
    fh_span json[] = {
        FH_LIT("{\"type\":\"BPE\",\"unk_token\":\"u\",\"vocab\":{" LETTERS "\"\u00e6\u0139\":6,\"\u00e6\u0139\u00a5\":7,"
               "\"\u00e6\u0139\u00a5\u00e6\":8},\"merges\":[\"\u00e6 \u0139\",\"\u00e6\u0139 \u00a5\","
               "\"\u00e6\u0139\u00a5 \u00e6\"]}"),
        FH_LIT("{\"type\":\"BPE\",\"unk_token\":\"u\",\"vocab\":{" LETTERS "\"\u00e6\u013e\":6,\"\u00e6\u013e\u00ac\":7,"
               "\"\u00a5\u00e6\u013e\u00ac\":8},\"merges\":[\"\u00e6 \u013e\",\"\u00e6\u013e \u00ac\","
               "\"\u00a5 \u00e6\u013e\u00ac\"]}")};
    for (size_t i = 0; i < 2; i++) {
        fh_token_model *m = read(a, json[i], true, true);
        assert_int_equal(fh_bpe_part_end(m, FH_LIT("\xe6\x97\xa5\xe6\x9c\xac\xe6\x97\xa5"), 0), 6);
        assert_int_equal(fh_bpe_part_end(m, FH_LIT("\xe6\x9c\xac\xe6\x97\xa5\xe6\x9c\xac"), 0), 3);
        fh_token_model_free(m);
    }
}

/* A part is no piece: the piece may be a token that no rule makes. */
static void test_parts_are_no_pieces(void **state) {
    fh_allocator *a = fh_test_allocator(state);
#define SUN "\xe6\x97\xa5"
#define BOOK "\xe6\x9c\xac"
#define WORD "\xe8\xaa\x9e"
    fh_span json = FH_LIT("{\"type\":\"BPE\",\"ignore_merges\":true,\"vocab\":{\"" SUN "\":0,\"" BOOK "\":1,\"" WORD "\":2,"
                          "\"a\":3,\"" SUN BOOK "\":4,\"" BOOK WORD "\":5,\"" SUN BOOK WORD "\":6},"
                          "\"merges\":[\"" BOOK " " WORD "\",\"" SUN " " BOOK WORD "\"]}");
    fh_token_model *m = read(a, json, false, true);
    fh_model_scratch *room;
    fh_assert_ok(fh_model_scratch_new(a, &room));
    fh_token_list l;
    fh_token_list_init(&l, a, true);
    fh_assert_ok(fh_token_model_encode(m, room, FH_LIT(SUN BOOK), &l));
    fh_assert_ok(fh_token_model_encode(m, room, FH_LIT(SUN BOOK "a"), &l));
    fh_assert_ok(fh_token_model_encode(m, room, FH_LIT(SUN BOOK), &l));
    static const uint32_t expected[] = {4, 0, 1, 3, 4};
    assert_int_equal(l.count, 5);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(fh_u32s_get(l.ids, i), expected[i]);
    fh_token_list_deinit(&l);
    fh_model_scratch_free(room);
    fh_token_model_free(m);
}

/* A piece that is a token before all merges has no seam, whether a rule makes it or not. */
static void test_token_without_rule(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_span json = FH_LIT("{\"type\":\"BPE\",\"ignore_merges\":true,\"vocab\":{\"" SUN "\":0,\"" BOOK "\":1,"
                          "\"" SUN BOOK "\":2},\"merges\":[]}");
    fh_token_model *m = read(a, json, false, true);
    assert_int_equal(fh_bpe_part_end(m, FH_LIT(SUN BOOK), 0), 6);
    assert_int_equal(fh_bpe_part_end(m, FH_LIT(BOOK SUN), 0), 3);
    fh_token_model_free(m);
}

/* A long piece is never merged as a whole where its characters cannot join: the room for that stays small. */
static void test_room(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    enum { COUNT = 5000 };
    fh_span json = FH_LIT("{\"type\":\"BPE\",\"vocab\":{\"" SUN "\":0,\"" BOOK "\":1,\"" WORD "\":2,\"" SUN BOOK "\":3},"
                          "\"merges\":[\"" SUN " " BOOK "\"]}");
    fh_buf text;
    fh_buf_init(&text, a, 0);
    for (size_t i = 0; i < COUNT; i++)
        fh_assert_ok(fh_buf_put(&text, i % 3 == 0 ? FH_LIT(SUN) : i % 3 == 1 ? FH_LIT(BOOK) : FH_LIT(WORD)));
    for (int seams = 0; seams < 2; seams++) {
        fh_token_model *m = read(a, json, false, seams == 1);
        fh_model_scratch *room;
        fh_assert_ok(fh_model_scratch_new(a, &room));
        fh_token_list l;
        fh_token_list_init(&l, a, false);
        fh_assert_ok(fh_token_model_encode(m, room, fh_buf_view(&text), &l));
        assert_int_equal(l.count, COUNT - (COUNT + 1) / 3);
        assert_true(seams == 0 ? room->symbols.count >= COUNT : room->symbols.count < 100 && room->heap.count == 0);
        fh_token_list_deinit(&l);
        fh_model_scratch_free(room);
        fh_token_model_free(m);
    }
    fh_buf_deinit(&text);
}

static fh_status build(fh_allocator *a, void *arg) {
    (void)arg;
    fh_token_model *m = NULL;
    fh_span json = FH_LIT("{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"ab\":2},\"merges\":[\"a b\"]}");
    fh_status s = fh_token_model_read(a, json, 0, &m, NULL);
    if (s.code == FH_OK) {
        s = fh_token_model_find_seams(m);
        assert_int_equal(m->seams.count != 0, s.code == FH_OK);
    }
    fh_token_model_free(m);
    return s;
}

static void test_no_memory(void **state) {
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), build, NULL) >= 6);
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_same_tokens), FH_TEST_ALLOC(test_by_hand),
                                       FH_TEST_ALLOC(test_split_characters),
                                       FH_TEST_ALLOC(test_parts_are_no_pieces), FH_TEST_ALLOC(test_token_without_rule),
                                       FH_TEST_ALLOC(test_room), FH_TEST_ALLOC(test_no_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
