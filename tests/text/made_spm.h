/* made_spm.h: SentencePiece models made for tests, byte by byte.
 *
 *     made_spm_model m;
 *     made_spm_init(&m, a, 2);                       a BPE model with <unk>, <s>, </s>
 *     made_piece(&m, "ab", -1, 1);                   text, score, type
 *     fh_span file = made_spm_file(&m);              valid until made_spm_end
 *     made_spm_end(&m);
 *
 * Threading: none. */
#ifndef FH_TEST_MADE_SPM_H
#define FH_TEST_MADE_SPM_H

#include <stdio.h>

#include "freehold/hash.h"
#include "freehold/tokenizer.h"
#include "text/made_charsmap.h"

enum { MADE_NORMAL = 1, MADE_UNKNOWN = 2, MADE_CONTROL = 3, MADE_USER = 4, MADE_UNUSED = 5, MADE_BYTE = 6 };
enum { MADE_UNIGRAM = 1, MADE_BPE = 2, MADE_WORD = 3, MADE_CHAR = 4 };
enum { MADE_VARINT = 0, MADE_BYTES = 2, MADE_FIXED32 = 5 };

typedef struct made_spm_model {
    fh_buf file, part, trainer, normalizer;
    uint64_t kind;
} made_spm_model;

static inline void made_varint(fh_buf *out, uint64_t v) {
    for (; v > 0x7f; v >>= 7)
        MADE_OK(fh_buf_put_u8(out, (uint8_t)(v | 0x80)));
    MADE_OK(fh_buf_put_u8(out, (uint8_t)v));
}

static inline void made_number(fh_buf *out, uint64_t field, uint64_t v) {
    made_varint(out, field << 3 | MADE_VARINT);
    made_varint(out, v);
}

static inline void made_bytes(fh_buf *out, uint64_t field, fh_span bytes) {
    made_varint(out, field << 3 | MADE_BYTES);
    made_varint(out, bytes.size);
    MADE_OK(fh_buf_put(out, bytes));
}

static inline void made_float(fh_buf *out, uint64_t field, float v) {
    uint32_t bits = fh_bits_of_f32(v);
    made_varint(out, field << 3 | MADE_FIXED32);
    for (int i = 0; i < 4; i++)
        MADE_OK(fh_buf_put_u8(out, (uint8_t)(bits >> 8 * i)));
}

static inline void made_piece(made_spm_model *m, const char *text, float score, uint64_t type) {
    fh_buf_truncate(&m->part, 0);
    made_bytes(&m->part, 1, fh_span_of_str(text));
    made_float(&m->part, 2, score);
    if (type != MADE_NORMAL)
        made_number(&m->part, 3, type);
    made_bytes(&m->file, 1, fh_buf_view(&m->part));
}

/* Pieces 0 to 2 of a model of a kind. */
static inline void made_spm_init(made_spm_model *m, fh_allocator *a, uint64_t kind) {
    fh_buf_init(&m->file, a, 0);
    fh_buf_init(&m->part, a, 0);
    fh_buf_init(&m->trainer, a, 0);
    fh_buf_init(&m->normalizer, a, 0);
    made_piece(m, "<unk>", 0, MADE_UNKNOWN);
    made_piece(m, "<s>", 0, MADE_CONTROL);
    made_piece(m, "</s>", 0, MADE_CONTROL);
    made_number(&m->trainer, 3, kind);
}

/* The 256 pieces of bytes. */
static inline void made_byte_pieces(made_spm_model *m) {
    for (unsigned b = 0; b < 256; b++) {
        char text[8];
        (void)snprintf(text, sizeof text, "<0x%02X>", b);
        made_piece(m, text, 0, MADE_BYTE);
    }
    made_number(&m->trainer, 35, 1);
}

/* Ends the file. */
static inline fh_span made_spm_file(made_spm_model *m) {
    made_bytes(&m->file, 2, fh_buf_view(&m->trainer));
    made_bytes(&m->file, 3, fh_buf_view(&m->normalizer));
    return fh_buf_view(&m->file);
}

static inline void made_spm_end(made_spm_model *m) {
    fh_buf_deinit(&m->file);
    fh_buf_deinit(&m->part);
    fh_buf_deinit(&m->trainer);
    fh_buf_deinit(&m->normalizer);
}

/* --- whole models ------------------------------------------------------------------------------------------------------ */

#define MADE_MARK "\xe2\x96\x81"

/* BPE with bytes: equal scores, symbols, a token of characters that are none. Ids from 259 on. */
static inline void made_bpe_model(made_spm_model *m, fh_allocator *a) {
    static const struct {
        const char *text;
        float score;
        uint64_t type;
    } pieces[] = {{MADE_MARK, -20, 1},  {"a", -21, 1},        {"b", -22, 1},      {"c", -23, 1},         {"h", -24, 1},
                  {"e", -25, 1},        {"l", -26, 1},        {"o", -27, 1},      {"ab", -1, 1},         {"bc", -1, 1},
                  {"abc", -3, 1},       {"he", -4, 1},        {"ll", -5, 1},      {"hell", -6, 1},       {"hello", -7, 1},
                  {MADE_MARK "hello", -8, 1}, {"<sep>", 0, 4}, {"b" MADE_MARK "b", 0, 4}, {"xy", -2, 1}, {"\xc3\xa9", -28, 1},
                  {"aa", -9, 1},        {"aaaa", -10, 1},     {"+", 0, 4},        {"+a", -0.5f, 1}};
    made_spm_init(m, a, MADE_BPE);
    made_byte_pieces(m);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
        made_piece(m, pieces[i].text, pieces[i].score, pieces[i].type);
    made_number(&m->normalizer, 4, 0);
}

/* The same without bytes, prefix and merges over words: what is unknown becomes one token. */
static inline void made_unknown_model(made_spm_model *m, fh_allocator *a) {
    made_spm_init(m, a, MADE_BPE);
    made_piece(m, "a", -2, 1);
    made_piece(m, "aa", -1, 1);
    made_piece(m, "a" MADE_MARK, -1, 1);
    made_number(&m->normalizer, 3, 0);
}

/* Unigram with a map, blanks that become one, a symbol, and a piece that is not used. Ids from 3 on. */
static inline void made_unigram_model(made_spm_model *m, fh_allocator *a, bool suffix) {
    static const struct {
        const char *text;
        float score;
        uint64_t type;
    } pieces[] = {{MADE_MARK, -2, 1}, {"a", -3, 1},       {"b", -3.5f, 1},     {"ab", -4, 1}, {MADE_MARK "a", -3.25f, 1},
                  {"fi", -5, 1},      {"f", -6, 1},       {"i", -6, 1},        {"zz", -1, 5}, {"<sep>", 0, 4},
                  {"\xc3\xa0", -4, 1}, {"a" MADE_MARK, -3.75f, 1}, {"ba", -4, 1}};
    fh_buf map;
    maker maps;
    made_spm_init(m, a, MADE_UNIGRAM);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
        made_piece(m, pieces[i].text, pieces[i].score, pieces[i].type);
    fh_buf_init(&map, a, 0);
    maker_init(&maps, a);
    maker_add(&maps, "\t", " ");
    maker_add(&maps, "\x01", "");
    maker_add(&maps, "\xef\xac\x81", "fi");
    maker_add(&maps, "A", "a");
    maker_add(&maps, "A\xcc\x80", "\xc3\xa0");
    maker_add(&maps, "\xc2\xa8", " b");
    maker_bytes(&maps, &map);
    made_bytes(&m->normalizer, 2, fh_buf_view(&map));
    fh_buf_deinit(&map);
    if (suffix)
        made_number(&m->trainer, 24, 1);
}

/* Each character for itself. */
static inline void made_char_model(made_spm_model *m, fh_allocator *a) {
    made_spm_init(m, a, MADE_CHAR);
    made_piece(m, MADE_MARK, -1, 1);
    made_piece(m, "a", -1, 1);
    made_piece(m, "b", -1, 1);
    made_piece(m, "ab", -1, 1);
    made_piece(m, "<sep>", 0, 4);
}

#endif
