/* fuzz_stored.c: caches of tokenizers from any bytes (SECURITY-MODEL U-CACHE).
 *
 * Input: a cache file. If it begins with 'F', its size and checksum are made right first, so that what lies behind them is
 * reached; else it is looked at as it is. Properties: a file is refused
 * with a report, or works: ids of a text are below its size (a post-processor adds those that the file says), texts are
 * encoded, decoded and counted, and it is saved again as a file that opens; and what it makes of a text does not change. */
#include "text/made_cache.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx);

#define CHECK(condition)      \
    do {                      \
        if (!(condition))     \
            __builtin_trap(); \
    } while (0)

static fh_status open_words(fh_u64s words, fh_tokenizer **out, fh_err *err) {
    fh_bytes bytes;
    CHECK(fh_bytes_wrap(fh_heap(), fh_span_of_mut(fh_u64s_bytes(words)), NULL, NULL, &bytes).code == FH_OK);
    fh_status s = fh_tokenizer_from_cache(fh_heap(), bytes, out, err);
    fh_bytes_drop(&bytes);
    return s;
}

/* Encodes and decodes; *ids are all that came out. */
static void use(fh_tokenizer *tok, fh_ids *ids) {
    static const char *const texts[] = {"abab <c> a\xe2\x96\x81\x61\x62 cxx A b", "the cats. a b ab  ab\xc3\xa9", "\xff\x00x",
                                        "aabaabcbacabbaacbabaacbaababccabaabcbaabbabcabaacba" /* one long piece */};
    fh_encode_options o = {.add_special = true, .parse_special = true, .offsets = FH_OFFSETS_BYTES};
    fh_encoder *encoder;
    fh_buf text;
    fh_buf_init(&text, fh_heap(), 1 << 20);
    CHECK(fh_encoder_new(fh_heap(), tok, &encoder).code == FH_OK);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        fh_encoding e;
        fh_encoding_init(&e, fh_heap());
        fh_encode_input in = {.text = fh_span_of_str(texts[i]), .pair = FH_LIT(" a b<c>"), .has_pair = i == 1};
        fh_status s = fh_encoder_encode(encoder, &in, o, &e, NULL);
        CHECK(s.code == FH_OK || fh_encoding_count(&e) == 0);
        for (size_t k = 0; k < fh_encoding_count(&e); k++) {
            CHECK(fh_tokenizer_shown(tok, &e, k, &text).code != FH_NOMEM);
            fh_buf_truncate(&text, 0);
        }
        fh_code decoded = fh_tokenizer_decode(tok, fh_encoding_column(&e, FH_COLUMN_ID), false, &text).code;
        CHECK(decoded == FH_OK || decoded == FH_LIMIT);
        fh_encoding_deinit(&e);
        size_t before = ids->count;
        s = fh_encoder_ids(encoder, fh_span_of_str(texts[i]), o, ids, NULL);
        CHECK(s.code == FH_OK || ids->count == before);
        before = ids->count;
        s = fh_encoder_ids(encoder, fh_span_of_str(texts[i]), (fh_encode_options){.parse_special = true}, ids, NULL);
        CHECK(s.code == FH_OK || ids->count == before);
        for (; before < ids->count; before++)
            CHECK(fh_u32s_get(ids->items, before) < fh_tokenizer_size(tok));
    }
    fh_encoder_free(encoder);
    fh_buf_deinit(&text);
}

/* The tokenizer's cache as words. */
static fh_u64s saved(const fh_tokenizer *tok) {
    fh_buf b;
    fh_u64s words;
    fh_buf_init(&b, fh_heap(), 0);
    CHECK(fh_tokenizer_save_cache(tok, FH_LIT("source"), (fh_sink){&b, cache_put}, NULL).code == FH_OK);
    CHECK(b.size % 8 == 0 && fh_u64s_new(fh_heap(), b.size / 8, &words).code == FH_OK);
    fh_span_copy(fh_u64s_bytes(words), fh_buf_view(&b));
    fh_buf_deinit(&b);
    return words;
}

/* Makes the size and the checksum of a file right. */
static void seal(fh_u64s words) {
    if (words.count > CACHE_HEADER_WORDS)
        cache_seal(words);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fh_u64s words;
    fh_tokenizer *tok, *again;
    fh_err err = {0};
    if (size < 16)
        return 0;
    CHECK(fh_u64s_new(fh_heap(), size / 8, &words).code == FH_OK);
    fh_span_copy(fh_u64s_bytes(words), (fh_span){data, size / 8 * 8});
    if (data[0] == 'F')
        seal(words);
    if (open_words(words, &tok, &err).code == FH_OK) {
        fh_ids ids, twice;
        fh_ids_init(&ids, fh_heap(), 0);
        fh_ids_init(&twice, fh_heap(), 0);
        use(tok, &ids);
        fh_u64s copy = saved(tok);
        CHECK(open_words(copy, &again, NULL).code == FH_OK);
        use(again, &twice);
        CHECK(ids.count == twice.count);
        for (size_t i = 0; i < ids.count; i++)
            CHECK(fh_u32s_get(ids.items, i) == fh_u32s_get(twice.items, i));
        fh_tokenizer_free(again);
        fh_u64s_free(fh_heap(), &copy);
        fh_ids_deinit(&ids);
        fh_ids_deinit(&twice);
    } else {
        CHECK(err.code != FH_OK && tok == NULL);
    }
    fh_tokenizer_free(tok);
    fh_u64s_free(fh_heap(), &words);
    return 0;
}

/* --- seeds ------------------------------------------------------------------------------------------------------------ */

void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx) {
    static const char *const files[] = {
        "{\"normalizer\":{\"type\":\"Lowercase\"},\"added_tokens\":[{\"content\":\"<c>\",\"special\":true},"
        "{\"content\":\"A b\"}],\"model\":{\"type\":\"BPE\",\"unk_token\":\"c\",\"fuse_unk\":true,\"vocab\":{\"a\":0,\"b\":1,"
        "\"ab\":2,\"\xe2\x96\x81\":3,\"\xe2\x96\x81" "a\":4,\"aa\":6,\"c\":9},"
        "\"merges\":[\"a b\",[\"\xe2\x96\x81\",\"a\"],\"a a\"]}}",
        "{\"pre_tokenizer\":{\"type\":\"Whitespace\"},\"post_processor\":{\"type\":\"BertProcessing\",\"sep\":[\"b\",1],"
        "\"cls\":[\"a\",0]},\"model\":{\"unk_token\":\"u\",\"continuing_subword_prefix\":\"##\","
        "\"max_input_chars_per_word\":9,\"vocab\":{\"a\":0,\"b\":1,\"u\":2,\"##b\":3,\"the\":4}}}",
        "{\"model\":{\"type\":\"WordLevel\",\"unk_token\":\"u\",\"vocab\":{\"ab\":7,\"u\":2}},\"pre_tokenizer\":"
        "{\"type\":\"ByteLevel\",\"add_prefix_space\":true,\"trim_offsets\":true,\"use_regex\":true}}",
        "{\"model\":{\"type\":\"Unigram\",\"unk_id\":0,\"byte_fallback\":true,\"vocab\":[[\"u\",0],[\"a\",-1.5],"
        "[\"ab\",-2e-3],[\"<0x78>\",-2.25]]},\"decoder\":{\"type\":\"ByteFallback\"}}"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        fh_tokenizer *tok;
        CHECK(fh_tokenizer_from_json(fh_heap(), fh_span_of_str(files[i]), &tok, NULL).code == FH_OK);
        fh_u64s words = saved(tok);
        emit(ctx, fh_span_of_mut(fh_u64s_bytes(words)));
        fh_u64s_free(fh_heap(), &words);
        fh_tokenizer_free(tok);
    }
}
