/* made_train.h: words of texts, cut by a pre-tokenizer of a tokenizer.json, for the tests of training.
 *
 *     fh_status s = made_count(words, text, MADE_SPLIT, par, err);            NULL: a line is a word
 *
 * Threading: none. */
#ifndef FH_TEST_MADE_TRAIN_H
#define FH_TEST_MADE_TRAIN_H

#include "freehold/train.h"
#include "made_pipeline.h"

#define MADE_BYTES "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"trim_offsets\":true}"
#define MADE_METASPACE "{\"type\":\"Metaspace\",\"replacement\":\"\xe2\x96\x81\",\"prepend_scheme\":\"always\"}"

static inline fh_status made_count(fh_train_words *words, fh_span text, const char *pre, const fh_par *par, fh_err *err) {
    made_parts parts = {.pre = pre};
    fh_tokenizer *tok = made_load(fh_heap(), &parts);
    fh_status s = fh_train_words_lines(words, text, fh_train_split_like(tok), par, err);
    fh_tokenizer_free(tok);
    return s;
}

#endif
