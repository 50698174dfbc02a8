/* test_sentencepiece.c: SentencePiece models, made byte by byte (made_spm.h): tokens, offsets and texts are those of the
 * library (sentencepiece 0.2.3), but for the offsets of bytes, which all have their character's place; what is refused; no
 * memory. */
#include <stdio.h>

#include "support/fh_test.h"
#include "text/made_spm.h"

/* A text, its tokens as "id:begin-end …", and what they are decoded to. */
typedef struct spm_case {
    const char *text, *tokens, *back;
} spm_case;

static const spm_case of_bpe[] = {
    {"abc", "259:0-0 269:0-3", "abc"},
    {"abcabc", "259:0-0 269:0-3 269:3-6", "abcabc"},
    {" hello hello", "259:0-0 274:0-6 274:6-12", " hello hello"},
    {"ab bc  b b", "259:0-0 260:0-1 276:1-4 262:4-5 259:5-6 259:6-7 276:7-10", "ab bc  b b"},
    {"xyx", "259:0-0 277:0-2 123:2-3", "xyx"},
    {"<sep>a <sep>", "259:0-0 275:0-5 260:5-6 259:6-7 275:7-12", "<sep>a <sep>"},
    {"aaaaa", "259:0-0 280:0-4 260:4-5", "aaaaa"},
    {"+a+", "259:0-0 281:0-1 260:1-2 281:2-3", "+a+"},
    {"a+ab", "259:0-0 260:0-1 281:1-2 267:2-4", "a+ab"},
    {"a\xe2\x96\x81", "259:0-0 260:0-1 259:1-4", "a "},
    {"ab ba ", "259:0-0 260:0-1 276:1-4 260:4-5 259:5-6", "ab ba "},
    {"a<s>b", "259:0-0 260:0-1 63:1-2 118:2-3 65:3-4 261:4-5", "a<s>b"},
    {"\xe6\x97\xa5""a", "259:0-0 233:0-3 154:0-3 168:0-3 260:3-4", "\xe6\x97\xa5""a"},
    {"\xe2\x96\x81""a", "259:0-0 259:0-3 260:3-4", " a"},
};

static const spm_case of_unknown[] = {
    {"abc", "3:0-1 0:1-3", "a \xe2\x81\x87 "},
    {" hello hello", "0:1-12", " \xe2\x81\x87 "},
    {"aa a", "4:0-2 0:2-3 3:3-4", "aa \xe2\x81\x87 a"},
    {"\xe6\x97\xa5\xe6\x9c\xac""a", "0:0-6 3:6-7", " \xe2\x81\x87 a"},
    {"a a", "5:0-2 3:2-3", "a a"},
    {"", "", ""},
};

static const spm_case of_unigram[] = {
    {"abc", "3:0-0 6:0-2 0:2-3", "ab \xe2\x81\x87 "},
    {" hello  ab", "3:1-1 0:1-6 3:6-8 6:8-10", " \xe2\x81\x87  ab"},
    {"b b", "3:0-0 5:0-1 3:1-2 5:2-3", "b b"},
    {"<sep>a <sep>", "3:0-0 12:0-5 14:5-7 12:7-12", "<sep>a <sep>"},
    {"aaaaa", "7:0-1 4:1-2 4:2-3 4:3-4 4:4-5", "aaaaa"},
    {"a+ab", "7:0-1 0:1-2 6:2-4", "a \xe2\x81\x87 ab"},
    {"\x09\x09""a \x01 b\x01", "7:2-3 3:3-6 5:6-8", "a b"},
    {"\x01\x02""ab", "3:0-1 0:1-2 6:2-4", " \xe2\x81\x87 ab"},
    {"\xef\xac\x81""A\xc3\x80", "3:0-0 8:0-3 4:3-4 0:4-6", "fia \xe2\x81\x87 "},
    {"  ", "", ""},
    {"zz a", "3:0-0 0:0-2 7:2-4", " \xe2\x81\x87  a"},
    {"\xc2\xa8""a \xc2\xa8", "3:0-0 15:0-3 3:3-4 5:4-6", "ba b"},
    {"a\xe2\x96\x81", "7:0-1", "a"},
    {"ab ba ", "3:0-0 6:0-2 3:2-3 15:3-5", "ab ba"},
    {"\xe6\x97\xa5""a \xe6\x9c\xac\xe6\x9c\xac", "3:0-0 0:0-3 14:3-5 0:5-11", " \xe2\x81\x87 a  \xe2\x81\x87 "},
};

static const spm_case of_suffix[] = {
    {"ab a ", "6:0-2 7:2-4 3:4-4", "ab a "},
    {"\x09\x09""a \x01 b\x01", "14:2-6 5:6-8 3:8-8", "a b "},
    {"\xc2\xa8""a", "15:0-3 3:3-3", "ba "},
    {"  ", "", ""},
    {"", "", ""},
};

static const spm_case of_char[] = {
    {"ab <sep>", "3:0-0 4:0-1 5:1-2 3:2-3 7:3-8", "ab <sep>"},
    {"a\xe6\x97\xa5 b", "3:0-0 4:0-1 0:1-4 3:4-5 5:5-6", "a \xe2\x81\x87  b"},
};

static fh_tokenizer *opened(fh_allocator *a, fh_span file) {
    fh_tokenizer *tok = NULL;
    fh_err err;
    fh_err_clear(&err);
    if (fh_failed(fh_tokenizer_open(a, file, NULL, &tok, &err)))
        fail_msg("%s", err.message);
    return tok;
}

static void check_case(fh_allocator *a, const fh_tokenizer *tok, fh_encoder *encoder, const spm_case *c) {
    fh_encoding e;
    fh_buf got;
    fh_encoding_init(&e, a);
    fh_buf_init(&got, a, 0);
    fh_encode_input in = {.text = fh_span_of_str(c->text)};
    fh_encode_options options = {.add_special = true, .offsets = FH_OFFSETS_BYTES};
    fh_assert_ok(fh_encoder_encode(encoder, &in, options, &e, NULL));
    fh_u32s ids = fh_encoding_column(&e, FH_COLUMN_ID), begins = fh_encoding_column(&e, FH_COLUMN_BEGIN),
            ends = fh_encoding_column(&e, FH_COLUMN_END);
    for (size_t i = 0; i < ids.count; i++)
        fh_assert_ok(fh_buf_format(&got, "%s%u:%u-%u", i == 0 ? "" : " ", fh_u32s_get(ids, i), fh_u32s_get(begins, i),
                                   fh_u32s_get(ends, i)));
    fh_assert_span(fh_buf_view(&got), c->tokens);
    fh_buf_truncate(&got, 0);
    fh_assert_ok(fh_tokenizer_decode(tok, ids, true, &got));
    fh_assert_span(fh_buf_view(&got), c->back);
    fh_ids plain;
    fh_ids_init(&plain, a, 0);
    fh_assert_ok(fh_tokenizer_encode(tok, in.text, (fh_encode_options){.add_special = false}, &plain, NULL));
    assert_int_equal(plain.count, ids.count);
    for (size_t i = 0; i < ids.count; i++)
        assert_int_equal(fh_u32s_get(plain.items, i), fh_u32s_get(ids, i));
    fh_ids_deinit(&plain);
    fh_buf_deinit(&got);
    fh_encoding_deinit(&e);
}

/* Checks the cases of a model, twice: what was met goes another way. Ends the model. */
static void check_model(fh_allocator *a, made_spm_model *m, const spm_case *cases, size_t count) {
    fh_tokenizer *tok = opened(a, made_spm_file(m));
    fh_encoder *encoder;
    fh_assert_ok(fh_encoder_new(a, tok, &encoder));
    for (size_t i = 0; i < 2 * count; i++)
        check_case(a, tok, encoder, &cases[i % count]);
    fh_encoder_free(encoder);
    fh_tokenizer_free(tok);
    made_spm_end(m);
}

static void test_bpe(void **state) {
    made_spm_model m;
    made_bpe_model(&m, fh_test_allocator(state));
    check_model(fh_test_allocator(state), &m, of_bpe, sizeof of_bpe / sizeof *of_bpe);
}

static void test_unknown(void **state) {
    made_spm_model m;
    made_unknown_model(&m, fh_test_allocator(state));
    check_model(fh_test_allocator(state), &m, of_unknown, sizeof of_unknown / sizeof *of_unknown);
}

static void test_unigram(void **state) {
    made_spm_model m;
    made_unigram_model(&m, fh_test_allocator(state), false);
    check_model(fh_test_allocator(state), &m, of_unigram, sizeof of_unigram / sizeof *of_unigram);
}

static void test_suffix(void **state) {
    made_spm_model m;
    made_unigram_model(&m, fh_test_allocator(state), true);
    check_model(fh_test_allocator(state), &m, of_suffix, sizeof of_suffix / sizeof *of_suffix);
}

static void test_char(void **state) {
    made_spm_model m;
    made_char_model(&m, fh_test_allocator(state));
    check_model(fh_test_allocator(state), &m, of_char, sizeof of_char / sizeof *of_char);
}

/* Bytes that are not UTF-8 are U+FFFD each. */
static void test_broken_text(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    made_spm_model m;
    made_bpe_model(&m, a);
    fh_tokenizer *tok = opened(a, made_spm_file(&m));
    fh_ids broken, whole;
    fh_ids_init(&broken, a, 0);
    fh_ids_init(&whole, a, 0);
    fh_assert_ok(fh_tokenizer_encode(tok, FH_LIT("a\xe2\x96" "b"), (fh_encode_options){0}, &broken, NULL));
    fh_assert_ok(fh_tokenizer_encode(tok, FH_LIT("a\xef\xbf\xbd\xef\xbf\xbd" "b"), (fh_encode_options){0}, &whole, NULL));
    assert_int_equal(broken.count, 9);
    assert_int_equal(whole.count, 9);
    for (size_t i = 0; i < 9; i++)
        assert_int_equal(fh_u32s_get(broken.items, i), fh_u32s_get(whole.items, i));
    fh_ids_deinit(&broken);
    fh_ids_deinit(&whole);
    fh_tokenizer_free(tok);
    made_spm_end(&m);
}

/* Control pieces are tokens only where it is asked for; those that begin and end a text have their names. */
static void test_control(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    made_spm_model m;
    made_bpe_model(&m, a);
    made_bytes(&m.trainer, 47, FH_LIT("<unk>")); /* no control piece */
    fh_tokenizer *tok = opened(a, made_spm_file(&m));
    fh_ids ids;
    fh_ids_init(&ids, a, 0);
    fh_assert_ok(fh_tokenizer_encode(tok, FH_LIT("a</s>"), (fh_encode_options){.parse_special = true}, &ids, NULL));
    assert_int_equal(ids.count, 3);
    assert_int_equal(fh_u32s_get(ids.items, 2), 2);
    assert_int_equal(fh_tokenizer_bos(tok), 1);
    assert_int_equal(fh_tokenizer_eos(tok), FH_NO_TOKEN);
    assert_int_equal(fh_tokenizer_find(tok, FH_LIT("<s>")), 1);
    assert_int_equal(fh_tokenizer_find(tok, FH_LIT("x")), FH_NO_TOKEN); /* a part of a token, but none */
    assert_int_equal(fh_tokenizer_find(tok, FH_LIT("+")), 281);
    assert_int_equal(fh_tokenizer_size(tok), 283);
    fh_ids_deinit(&ids);
    fh_tokenizer_free(tok);
    made_spm_end(&m);
}

/* What is written as a tokenizer.json gives the same tokens where the format can say it. */
static void test_save(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    for (int kind = 0; kind < 4; kind++) {
        static const char *const texts[] = {"abcabc", " hello ab", "<sep>a", "aaaaa", "a b  ab ", "ab \xe2\x96\x81 ",
                                            "\xe2\x96\x81", " \xe2\x96\x81 ", "  ", ""};
        made_spm_model m;
        kind == 0 ? made_bpe_model(&m, a) : kind == 1 ? made_char_model(&m, a) : made_unigram_model(&m, a, kind == 3);
        fh_tokenizer *tok = opened(a, made_spm_file(&m));
        fh_buf json;
        fh_buf_init(&json, a, 0);
        fh_assert_ok(fh_tokenizer_save(tok, false, &json, NULL));
        fh_tokenizer *again = opened(a, fh_buf_view(&json));
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
            fh_ids one, other;
            fh_ids_init(&one, a, 0);
            fh_ids_init(&other, a, 0);
            if (kind < 2 && i == 2) /* a symbol is cut out before the blank is put in front */
                continue;
            fh_assert_ok(fh_tokenizer_encode(tok, fh_span_of_str(texts[i]), (fh_encode_options){0}, &one, NULL));
            fh_assert_ok(fh_tokenizer_encode(again, fh_span_of_str(texts[i]), (fh_encode_options){0}, &other, NULL));
            assert_int_equal(one.count, other.count);
            for (size_t k = 0; k < one.count; k++)
                assert_int_equal(fh_u32s_get(one.items, k), fh_u32s_get(other.items, k));
            fh_ids_deinit(&one);
            fh_ids_deinit(&other);
        }
        fh_tokenizer_free(again);
        fh_buf_deinit(&json);
        fh_tokenizer_free(tok);
        made_spm_end(&m);
    }
}

/* --- what is refused ---------------------------------------------------------------------------------------------------- */

static void refused(fh_allocator *a, made_spm_model *m, fh_code code, const char *message) {
    fh_tokenizer *tok = NULL;
    fh_err err;
    fh_err_clear(&err);
    fh_assert_code(fh_tokenizer_open(a, made_spm_file(m), NULL, &tok, &err), code);
    fh_assert_err(&err, code, message);
    assert_null(tok);
    made_spm_end(m);
}

static void test_refused_kinds(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    made_spm_model m;
    made_spm_init(&m, a, MADE_WORD);
    refused(a, &m, FH_UNSUPPORTED, "a WORD model, expected UNIGRAM, BPE or CHAR");
    made_spm_init(&m, a, 9);
    refused(a, &m, FH_UNSUPPORTED, "a kind of model that nobody knows");
    made_spm_init(&m, a, MADE_BPE);
    made_piece(&m, "q", 0, MADE_UNUSED);
    refused(a, &m, FH_UNSUPPORTED, "piece 3 \"q\": an unused piece");
    made_spm_init(&m, a, MADE_BPE);
    fh_buf_truncate(&m.part, 0);
    made_bytes(&m.part, 2, FH_LIT("map"));
    made_bytes(&m.file, 5, fh_buf_view(&m.part));
    refused(a, &m, FH_UNSUPPORTED, "a denormalizer, expected none");
}

static void test_refused_pieces(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    static const struct {
        const char *text;
        float score;
        uint64_t type;
        const char *message;
    } pieces[] = {{"", 0, MADE_NORMAL, "a piece without text"},
                  {"a\xff", 0, MADE_NORMAL, "expected a text in UTF-8"},
                  {"a", 0, 7, "a piece of a type that is not 1 to 6"},
                  {"a", 0, 0, "a piece of a type that is not 1 to 6"},
                  {"u", 0, MADE_UNKNOWN, "piece 3 \"u\": a second unknown piece"},
                  {"<0x41>", 0, MADE_BYTE, "piece 3 \"<0x41>\": the piece of a byte, but byte_fallback is off"},
                  {"<s>", 0, MADE_NORMAL, "tokens 1 and 3 are both \"<s>\""}};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        made_spm_model m;
        made_spm_init(&m, a, MADE_UNIGRAM);
        made_piece(&m, pieces[i].text, pieces[i].score, pieces[i].type);
        refused(a, &m, i == 2 || i == 3 ? FH_UNSUPPORTED : FH_CORRUPT, pieces[i].message);
    }
    made_spm_model m;
    made_spm_init(&m, a, MADE_BPE);
    made_piece(&m, "a", fh_f32_of_bits(0x7fc00000), MADE_NORMAL);
    refused(a, &m, FH_CORRUPT, "a piece whose score is not a number");
    made_spm_init(&m, a, MADE_BPE);
    made_byte_pieces(&m);
    made_piece(&m, "<0xG0>", 0, MADE_BYTE);
    refused(a, &m, FH_CORRUPT, "piece 259 \"<0xG0>\": the piece of a byte, expected <0x00> to <0xFF>");
    made_spm_init(&m, a, MADE_BPE);
    made_piece(&m, "<0x00>", 0, MADE_BYTE);
    made_number(&m.trainer, 35, 1);
    refused(a, &m, FH_CORRUPT, "no piece is <0x01>");
    made_spm_init(&m, a, MADE_BPE);
    fh_buf_truncate(&m.file, 0);
    made_piece(&m, "a", 0, MADE_NORMAL);
    refused(a, &m, FH_CORRUPT, "no unknown piece");
    made_spm_init(&m, a, MADE_BPE);
    char large[700];
    for (size_t i = 0; i < sizeof large; i++)
        large[i] = i + 1 < sizeof large ? 'a' : 0;
    made_piece(&m, large, 0, MADE_NORMAL);
    refused(a, &m, FH_LIMIT, "token 3 has 699 bytes");
}

/* Fields that are written otherwise than the format says. */
static void test_refused_fields(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    made_spm_model m;
    made_spm_init(&m, a, MADE_BPE);
    made_float(&m.trainer, 3, 1);
    refused(a, &m, FH_CORRUPT, "field 3 is of wire type 5, expected 0");
    made_spm_init(&m, a, MADE_BPE);
    made_number(&m.trainer, 44, 1);
    refused(a, &m, FH_CORRUPT, "field 44 is of wire type 0, expected 2");
    made_spm_init(&m, a, MADE_BPE);
    made_number(&m.normalizer, 2, 1);
    refused(a, &m, FH_CORRUPT, "field 2 is of wire type 0, expected 2");
    made_spm_init(&m, a, MADE_BPE);
    made_bytes(&m.normalizer, 3, FH_LIT("x"));
    refused(a, &m, FH_CORRUPT, "field 3 is of wire type 2, expected 0");
    made_spm_init(&m, a, MADE_BPE);
    made_number(&m.file, 2, 1);
    refused(a, &m, FH_CORRUPT, "field 2 is of wire type 0, expected 2");
    made_spm_init(&m, a, MADE_BPE);
    made_bytes(&m.normalizer, 2, FH_LIT("map"));
    refused(a, &m, FH_CORRUPT, "precompiled_charsmap has 3 bytes");
    made_spm_init(&m, a, MADE_BPE);
    fh_buf_truncate(&m.part, 0);
    made_bytes(&m.part, 1, FH_LIT("a"));
    made_number(&m.part, 2, 1);
    made_bytes(&m.file, 1, fh_buf_view(&m.part));
    refused(a, &m, FH_CORRUPT, "field 2 is of wire type 0, expected 5");
}

/* Cut anywhere, a file is refused with the place, or it is a model of fewer pieces. */
static void test_truncated(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    made_spm_model m;
    made_unknown_model(&m, a);
    fh_span file = made_spm_file(&m);
    size_t opens = 0;
    for (size_t size = 20; size < file.size; size++) {
        fh_tokenizer *tok = NULL;
        fh_err err;
        fh_err_clear(&err);
        fh_status s = fh_tokenizer_open(a, fh_span_sub(file, 0, size), NULL, &tok, &err);
        if (fh_failed(s))
            fh_assert_err(&err, FH_CORRUPT, "SentencePiece model");
        opens += s.code == FH_OK;
        fh_tokenizer_free(tok);
    }
    assert_in_range(opens, 5, 9); /* between two fields */
    made_spm_end(&m);
}

static fh_status without_memory(fh_allocator *a, void *arg) {
    fh_tokenizer *tok = NULL;
    fh_status s = fh_tokenizer_open(a, *(fh_span *)arg, NULL, &tok, NULL);
    fh_tokenizer_free(tok);
    return s;
}

static void test_no_memory(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    made_spm_model m;
    made_unigram_model(&m, a, false);
    fh_span file = made_spm_file(&m);
    FH_FAIL_EACH_ALLOC(fh_test_trace(state), without_memory, &file);
    made_spm_end(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_bpe),           FH_TEST_ALLOC(test_unknown),        FH_TEST_ALLOC(test_unigram),
        FH_TEST_ALLOC(test_suffix),        FH_TEST_ALLOC(test_char),           FH_TEST_ALLOC(test_broken_text),
        FH_TEST_ALLOC(test_control),       FH_TEST_ALLOC(test_save),           FH_TEST_ALLOC(test_refused_kinds),
        FH_TEST_ALLOC(test_refused_pieces), FH_TEST_ALLOC(test_refused_fields), FH_TEST_ALLOC(test_truncated),
        FH_TEST_ALLOC(test_no_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
