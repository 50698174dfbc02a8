/* fuzz_pretokenizer.c: any JSON as a pre-tokenizer, on any text: the first byte chooses, then the JSON, a zero byte, the text.
 *
 * Properties: what is read is written, and what is written reads back as the same; pieces are in order, not empty, inside the
 * text, and begin and end at characters if the text is UTF-8; origins lie inside the original; a second run gives the same;
 * every scanner cuts the text by masks as one by one. */
#include "freehold/hash.h"
#include "freehold/utf8.h"
#include "text/pipe/pretokenizer.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx);

#define CHECK(condition)      \
    do {                      \
        if (!(condition))     \
            __builtin_trap(); \
    } while (0)

static fh_buf written(const fh_pretokenizer *pt) {
    fh_buf out;
    fh_json_writer w;
    fh_buf_init(&out, fh_heap(), 0);
    fh_json_writer_init(&w, &out, false);
    CHECK(fh_pretokenizer_write(pt, &w).code == FH_OK);
    return out;
}

static void round_trip(const fh_pretokenizer *pt) {
    fh_pretokenizer *again = NULL;
    fh_buf first = written(pt);
    CHECK(fh_pretokenizer_read(fh_heap(), fh_buf_view(&first), 0, &again, NULL).code == FH_OK);
    fh_buf second = written(again);
    CHECK(fh_span_equal(fh_buf_view(&first), fh_buf_view(&second)));
    fh_buf_deinit(&first);
    fh_buf_deinit(&second);
    fh_pretokenizer_free(again);
}

/* Cuts; a hash of the pieces, or 0 where it failed. */
static uint64_t cut(const fh_pretokenizer *pt, fh_span text, bool raw_bytes) {
    fh_pieces p;
    fh_normalized n;
    fh_pieces_init(&p, fh_heap());
    fh_normalized_init(&n, fh_heap());
    CHECK(fh_normalized_reset(&n, text, true).code == FH_OK);
    CHECK(fh_pieces_add(&p, (fh_piece){0, (uint32_t)text.size, FH_NO_TOKEN, true}).code == FH_OK);
    fh_status s = fh_pretokenizer_run(pt, &p, &n, raw_bytes);
    uint64_t hash = 0, end = 0;
    fh_span now = fh_normalized_view(&n);
    bool utf8 = fh_utf8_valid(now);
    CHECK(utf8 || !fh_utf8_valid(text));
    for (size_t i = 0; s.code == FH_OK && i < p.count; i++) {
        fh_piece piece = fh_pieces_get(&p, i);
        CHECK(piece.begin >= end && piece.end > piece.begin && piece.end <= now.size);
        CHECK(!utf8 || (now.at[piece.begin] & 0xc0) != 0x80);
        CHECK(!utf8 || piece.end == now.size || (now.at[piece.end] & 0xc0) != 0x80);
        fh_origin o = fh_normalized_origin(&n, piece.begin, piece.end);
        CHECK(o.begin <= o.end && o.end <= text.size);
        end = piece.end;
        hash = fh_mix64(hash * 31 + ((uint64_t)piece.begin << 32 | piece.end) + 7 * o.begin);
    }
    fh_normalized_deinit(&n);
    fh_pieces_deinit(&p);
    return s.code == FH_OK ? hash + 1 : 0;
}

static void scans(fh_span text, size_t from) {
    uint32_t room[2 * FH_MASK_BYTES];
    for (fh_scan scan = FH_SCAN_GPT2; scan < FH_SCAN_COUNT; scan++)
        for (size_t place = from, at = from; place < text.size;) {
            size_t count = fh_scan_ends(scan, fh_masks_best(), text, &place, (fh_u32s){room, sizeof room / sizeof *room});
            CHECK(count > 0);
            for (size_t i = 0; i < count; i++, at = room[i - 1])
                CHECK(fh_scan_end(scan, text, at) == room[i]);
            CHECK(at == place);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2 || size > 1 << 16)
        return 0;
    const uint8_t *zero = memchr(data + 1, 0, size - 1);
    size_t json = zero == NULL ? size - 1 : (size_t)(zero - data) - 1;
    fh_span text = zero == NULL ? (fh_span){data + 1, json} : (fh_span){zero + 1, size - json - 2};
    fh_pretokenizer *pt = NULL;
    if (fh_pretokenizer_read(fh_heap(), (fh_span){data + 1, json}, 0, &pt, NULL).code == FH_OK) {
        round_trip(pt);
        bool raw = (data[0] & 1) != 0;
        CHECK(cut(pt, text, raw) == cut(pt, text, raw));
    }
    fh_pretokenizer_free(pt);
    scans(text, text.size == 0 ? 0 : data[0] % text.size);
    return 0;
}

void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx) {
    static const char *const configs[] = {
        "null",
        "{\"type\":\"BertPreTokenizer\"}",
        "{\"type\":\"ByteLevel\",\"add_prefix_space\":true,\"trim_offsets\":true}",
        "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"WhitespaceSplit\"},"
        "{\"type\":\"Metaspace\",\"replacement\":\"_\"}]}",
        "{\"type\":\"Metaspace\",\"replacement\":\"\xe2\x96\x81\",\"prepend_scheme\":\"first\",\"split\":true}",
        "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"\\\\w+|\\\\s*\"},\"behavior\":\"MergedWithNext\",\"invert\":true}",
        "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"\\\\p{N}{1,3}\"},\"behavior\":\"Contiguous\",\"invert\":false}",
        "{\"type\":\"Split\",\"pattern\":{\"String\":\" \"},\"behavior\":\"MergedWithPrevious\",\"invert\":false}",
        "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Punctuation\",\"behavior\":\"Contiguous\"},{\"type\":\"Digits\","
        "\"individual_digits\":true},{\"type\":\"UnicodeScripts\"},{\"type\":\"FixedLength\",\"length\":2}]}"};
    static const char text[] = "It's  a test\xe2\x80\xa6 of \xe4\xb8\x80\xe3\x81\x82 12345\r\n  'LL \xf0\x9f\x98\x80"
                               "e\xcc\x81 .\n/x";
    uint8_t seed[1024];
    for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
        size_t json = strlen(configs[i]);
        seed[0] = (uint8_t)i;
        memcpy(seed + 1, configs[i], json + 1);
        memcpy(seed + 2 + json, text, sizeof text - 1);
        emit(ctx, (fh_span){seed, json + 1 + sizeof text});
    }
}
