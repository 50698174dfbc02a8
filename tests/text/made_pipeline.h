/* made_pipeline.h: small tokenizer.json files made in code, and encodings as text, for tests of this folder.
 *
 *     made_parts parts = {.post = BERT};                    what is NULL is null in the file
 *     fh_tokenizer *tok = made_load(a, &parts);
 *     made_render(tok, &encoding, &text);                   id:type:word:begin-end:special:attention:sequence:token …
 *
 * The model, unless given, knows these words: [UNK]=0 [CLS]=1 [SEP]=2 a=3 b=4 c=5 ##b=6 ab=7 the=8 cat=9 ##s=10 .=11 é=12.
 * Threading: none. */
#ifndef FH_TEST_MADE_PIPELINE_H
#define FH_TEST_MADE_PIPELINE_H

#include "freehold/tokenizer.h"
#include "support/fh_test.h"

typedef struct made_parts {
    const char *truncation, *padding, *added, *normalizer, *pre, *post, *decoder, *model;
} made_parts;

#define MADE_MODEL                                                                                                        \
    "{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\",\"continuing_subword_prefix\":\"##\",\"max_input_chars_per_word\":100," \
    "\"vocab\":{\"[UNK]\":0,\"[CLS]\":1,\"[SEP]\":2,\"a\":3,\"b\":4,\"c\":5,\"##b\":6,\"ab\":7,\"the\":8,\"cat\":9,"      \
    "\"##s\":10,\".\":11,\"\xc3\xa9\":12}}"
#define MADE_BERT "{\"type\":\"BertProcessing\",\"sep\":[\"[SEP]\",2],\"cls\":[\"[CLS]\",1]}"
#define MADE_SPLIT "{\"type\":\"WhitespaceSplit\"}"

static inline void made_put(fh_buf *b, const char *key, const char *value) {
    fh_assert_ok(fh_buf_format(b, ",\"%s\":", key));
    fh_assert_ok(fh_buf_put(b, fh_span_of_str(value != NULL ? value : "null")));
}

/* The file. */
static inline void made_json(fh_buf *b, const made_parts *p) {
    fh_assert_ok(fh_buf_put(b, FH_LIT("{\"version\":\"1.0\"")));
    made_put(b, "truncation", p->truncation);
    made_put(b, "padding", p->padding);
    made_put(b, "added_tokens", p->added != NULL ? p->added : "[]");
    made_put(b, "normalizer", p->normalizer);
    made_put(b, "pre_tokenizer", p->pre);
    made_put(b, "post_processor", p->post);
    made_put(b, "decoder", p->decoder);
    made_put(b, "model", p->model != NULL ? p->model : MADE_MODEL);
    fh_assert_ok(fh_buf_put_u8(b, '}'));
}

static inline fh_tokenizer *made_load(fh_allocator *a, const made_parts *p) {
    fh_buf b;
    fh_tokenizer *tok;
    fh_err err = {0};
    fh_buf_init(&b, fh_heap(), 0);
    made_json(&b, p);
    if (fh_failed(fh_tokenizer_from_json(a, fh_buf_view(&b), &tok, &err)))
        fail_msg("%s", err.message);
    fh_buf_deinit(&b);
    return tok;
}

static inline void made_number(fh_buf *out, uint32_t v) {
    fh_assert_ok(v == FH_NO_WORD ? fh_buf_put_u8(out, '-') : fh_buf_format(out, "%u", v));
    fh_assert_ok(fh_buf_put_u8(out, ':'));
}

/* All parts, with " | " between two of them; an overflow begins with '+'. */
static inline void made_render(const fh_tokenizer *tok, const fh_encoding *e, fh_buf *out) {
    for (size_t p = 0; p < fh_encoding_part_count(e); p++) {
        fh_encoding_part part = fh_encoding_part_at(e, p);
        fh_assert_ok(fh_buf_format(out, "%s%s", p != 0 ? " | " : "", part.overflow ? "+" : ""));
        for (size_t i = 0; i < part.count; i++) {
            if (i != 0)
                fh_assert_ok(fh_buf_put_u8(out, ' '));
            made_number(out, fh_u32s_get(fh_encoding_part_column(e, p, FH_COLUMN_ID), i));
            made_number(out, fh_u32s_get(fh_encoding_part_column(e, p, FH_COLUMN_TYPE), i));
            made_number(out, fh_u32s_get(fh_encoding_part_column(e, p, FH_COLUMN_WORD), i));
            fh_assert_ok(fh_buf_format(out, "%u-%u:%u:%u:", fh_u32s_get(fh_encoding_part_column(e, p, FH_COLUMN_BEGIN), i),
                                       fh_u32s_get(fh_encoding_part_column(e, p, FH_COLUMN_END), i),
                                       fh_u32s_get(fh_encoding_part_column(e, p, FH_COLUMN_SPECIAL), i),
                                       fh_u32s_get(fh_encoding_part_column(e, p, FH_COLUMN_ATTENTION), i)));
            made_number(out, fh_encoding_sequence(e, p, i));
            fh_assert_ok(fh_tokenizer_shown(tok, e, part.from + i, out));
        }
    }
}

#endif
