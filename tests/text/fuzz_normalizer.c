/* fuzz_normalizer.c: any text through any normalizer, and any bytes as a normalizer's JSON.
 *
 * The first byte says how many bytes of JSON follow (times four); the rest is the text. If the JSON is refused, one of a list
 * takes its place, by the first byte.
 * Properties: origins lie in the text, begin and end at characters, and never fall back from one byte to the next; without
 * origins the text is the same; well-formed text stays well formed; what is written as JSON reads back. */
#include "freehold/utf8.h"
#include "text/pipe/normalizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx);

#define CHECK(condition)      \
    do {                      \
        if (!(condition))     \
            __builtin_trap(); \
    } while (0)

static const char *const rules[] = {
    "{\"type\":\"NFC\"}",
    "{\"type\":\"NFKD\"}",
    "{\"type\":\"BertNormalizer\",\"clean_text\":true,\"handle_chinese_chars\":true,\"strip_accents\":null,\"lowercase\":true}",
    "{\"type\":\"ByteLevel\"}",
    "{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Nmt\"},{\"type\":\"NFKC\"},{\"type\":\"Lowercase\"},"
    "{\"type\":\"Strip\",\"strip_left\":true,\"strip_right\":true},{\"type\":\"StripAccents\"}]}",
    "{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Prepend\",\"prepend\":\"_\"},{\"type\":\"Replace\",\"pattern\":"
    "{\"String\":\" \"},\"content\":\"__\"}]}",
    "{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"\\\\s+|[aeiou]\"},\"content\":\"-\"}",
    /* two units that lead nowhere, and a replacement */
    "{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"CAAAAAAAAAAAAAAAYmMA\"}",
};

static bool begins_character(fh_span text, size_t at) {
    return at == text.size || (fh_span_at(text, at) & 0xc0) != 0x80;
}

static void look(const fh_normalizer *nz, fh_span text) {
    fh_normalized n, bare;
    fh_normalized_init(&n, fh_heap());
    fh_normalized_init(&bare, fh_heap());
    CHECK(fh_normalized_reset(&n, text, true).code == FH_OK && fh_normalized_reset(&bare, text, false).code == FH_OK);
    bool valid = fh_utf8_valid(text);
    fh_status s = fh_normalizer_run(nz, &n);
    CHECK(fh_normalizer_run(nz, &bare).code == s.code);
    if (s.code == FH_OK) {
        fh_span now = fh_normalized_view(&n);
        CHECK(fh_span_equal(now, fh_normalized_view(&bare)));
        CHECK(!valid || fh_utf8_valid(now));
        for (size_t i = 0; i < now.size; i++) {
            fh_origin o = fh_normalized_origin(&n, i, i + 1);
            CHECK(o.begin <= o.end && o.end <= text.size);
            CHECK(!valid || (begins_character(text, o.begin) && begins_character(text, o.end)));
            fh_origin all = fh_normalized_origin(&n, 0, i + 1);
            CHECK(all.end == o.end);
            if (i > 0) {
                fh_origin before = fh_normalized_origin(&n, i - 1, i);
                CHECK(before.begin <= o.begin && before.end <= o.end);
            }
        }
    } else {
        CHECK(s.code == FH_INVALID || s.code == FH_LIMIT);
    }
    fh_normalized_deinit(&n);
    fh_normalized_deinit(&bare);
}

/* What is written reads back, and is written the same. */
static void round_trip(const fh_normalizer *nz) {
    fh_buf once, twice;
    fh_json_writer w;
    fh_normalizer *again = NULL;
    fh_buf_init(&once, fh_heap(), 0);
    fh_buf_init(&twice, fh_heap(), 0);
    fh_json_writer_init(&w, &once, false);
    CHECK(fh_normalizer_write(nz, &w).code == FH_OK);
    CHECK(fh_normalizer_read(fh_heap(), fh_buf_view(&once), 0, &again, NULL).code == FH_OK);
    fh_json_writer_init(&w, &twice, false);
    CHECK(fh_normalizer_write(again, &w).code == FH_OK);
    CHECK(fh_span_equal(fh_buf_view(&once), fh_buf_view(&twice)));
    fh_normalizer_free(again);
    fh_buf_deinit(&once);
    fh_buf_deinit(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fh_span input = {data, size}, json;
    if (size == 0)
        return 0;
    uint8_t first = fh_span_at(input, 0);
    size_t json_size = (size_t)first * 4;
    fh_normalizer *nz = NULL;
    fh_err err = {0};
    size_t from = 1;
    if (fh_span_slice(input, 1, json_size, &json) &&
        fh_normalizer_read(fh_heap(), json, 0, &nz, &err).code == FH_OK) {
        from += json_size;
    } else {
        CHECK(err.code == FH_OK || err.message[0] != 0);
        const char *rule = rules[first % (sizeof rules / sizeof *rules)];
        CHECK(fh_normalizer_read(fh_heap(), fh_span_of_str(rule), 0, &nz, NULL).code == FH_OK);
    }
    round_trip(nz);
    look(nz, fh_span_from(input, from));
    fh_normalizer_free(nz);
    return 0;
}

void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx) {
    static const char text[] = "H\u00c9llo\tw\u00f6rld e\u0301\u0316 \u4e2d\u6587 \ufb01 \u0130 \u1100\u1161\u11a8 "
                               "\U0001f1e9\U0001f1ea ";
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        fh_buf seed;
        fh_buf_init(&seed, fh_heap(), 0);
        fh_span rule = fh_span_of_str(rules[i]);
        size_t quarters = (rule.size + 3) / 4;
        CHECK(fh_buf_put_u8(&seed, (uint8_t)quarters).code == FH_OK && fh_buf_put(&seed, rule).code == FH_OK);
        for (size_t k = rule.size; k < quarters * 4; k++)
            CHECK(fh_buf_put_u8(&seed, ' ').code == FH_OK);
        CHECK(fh_buf_put(&seed, fh_span_of_str(text)).code == FH_OK);
        emit(ctx, fh_buf_view(&seed));
        fh_buf_deinit(&seed);
    }
}
