/* pipeline.h: what a tokenizer is made of: its parts, and the room to run them in.
 *
 *   load.c      a tokenizer.json to a pipeline, and back; stored.c  its cache, a file that is used in place
 *   vocab.c     the vocabulary of a model file to a pipeline
 *   open.c      any file to a pipeline: sentencepiece.c, tiktoken.c, or load.c
 *   roads.c     which texts need less than that
 *   encoder.c   a text through the pipeline to tokens, and tokens to an encoding
 *   batch.c     many texts
 *   detokenize.c  ids to text
 *
 * Threading: a pipeline is immutable once loaded; a room belongs to one thread. */
#ifndef FH_TEXT_PIPE_PIPELINE_H
#define FH_TEXT_PIPE_PIPELINE_H

#include "freehold/bytes.h"
#include "freehold/share.h"
#include "text/pipe/added.h"
#include "text/pipe/decode.h"
#include "text/pipe/normalizer.h"
#include "text/pipe/pieces.h"
#include "text/pipe/postprocess.h"
#include "text/pipe/pretokenizer.h"
#include "text/pipe/token_model.h"

typedef struct fh_pipeline {
    fh_ref fh_allocator *allocator;
    fh_owned fh_bytes file;    /* that the model's tables lie in; or nothing */
    fh_owned_or_null fh_normalizer *normalizer;
    fh_owned_or_null fh_pretokenizer *pretokenizer;
    fh_owned_or_null fh_token_model *model; /* NULL only while it is loaded */
    fh_owned_or_null fh_postprocessor *postprocessor;
    fh_owned_or_null fh_decoder *decoder;
    fh_added added;
    fh_truncation truncation;
    fh_padding padding;        /* its token lies in pad_token */
    fh_owned fh_buf pad_token;
    fh_owned fh_u32s blanks;   /* where offsets are trimmed: of each id how many blanks begin (low half) and end it */
    uint32_t id_end;           /* one more than the highest id */
    uint32_t bos, eos;         /* what begins and ends a text, or FH_NO_TOKEN */
    uint32_t unknown;          /* Unigram's unknown token, which shows its text; or FH_NO_TOKEN */
    bool raw_bytes;            /* the model works on bytes, and the pre-tokenizer leaves them as they are */
    bool spaces;               /* the model works on spaces, and neither normalizer nor pre-tokenizer has to run */
    bool leads;                /* the model puts U+2581 before words, and the pre-tokenizer need not */
    fh_lead lead;              /* with spaces: what one more is put before */
    bool tracks;               /* origins are needed for ids too */
    bool converted;            /* out of another file: its tokenizer.json says it nearly (tokenizer.h) */
    bool any_bytes;            /* bytes that are not UTF-8 are tokens too; there is no tokenizer.json of it */
} fh_pipeline;

struct fh_tokenizer {
    fh_ref fh_allocator *allocator;
    fh_handles handles;
    fh_owned fh_pipeline *pipeline;
};

/* A tokenizer that takes over a pipeline. FH_NOMEM. */
FH_MUST_USE fh_status fh_tokenizer_of_pipeline(fh_ref fh_allocator *a, fh_move fh_pipeline *pipeline,
                                               fh_owned fh_view(1) fh_tokenizer **out, fh_mut fh_err *err);
/* A pipeline without parts, to be filled. FH_NOMEM. */
FH_MUST_USE fh_status fh_pipeline_blank(fh_ref fh_allocator *a, fh_owned fh_view(1) fh_pipeline **out, fh_mut fh_err *err);

/* Reads a file. */
FH_MUST_USE fh_status fh_pipeline_new(fh_ref fh_allocator *a, fh_span json, fh_owned fh_view(1) fh_pipeline **out,
                                      fh_mut fh_err *err);
/* The same for a cache file (stored.h), which the pipeline keeps a reference to. */
FH_MUST_USE fh_status fh_pipeline_open(fh_ref fh_allocator *a, fh_bytes cache, fh_owned fh_view(1, *2) fh_pipeline **out,
                                       fh_mut fh_err *err);
/* Makes one of a vocabulary. */
FH_MUST_USE fh_status fh_pipeline_of_vocab(fh_ref fh_allocator *a, const fh_vocab *v, fh_owned fh_view(1) fh_pipeline **out,
                                           fh_mut fh_err *err);
/* Chooses how texts go through a pipeline that is whole. */
void fh_pipeline_choose_roads(fh_mut fh_pipeline *p);
/* NULL is allowed. */
void fh_pipeline_free(fh_drop fh_pipeline *p);
FH_MUST_USE fh_status fh_pipeline_write(const fh_pipeline *p, fh_mut fh_json_writer *w);
/* The same without vocabulary, merges and added tokens. */
FH_MUST_USE fh_status fh_pipeline_write_options(const fh_pipeline *p, fh_mut fh_json_writer *w);
/* Writes the value of one member. FH_NOT_FOUND for a name that the format does not have. */
FH_MUST_USE fh_status fh_pipeline_write_member(const fh_pipeline *p, fh_span name, fh_mut fh_json_writer *w);
/* What a token is called where it is decoded; false for an id that is no token. Valid until: fh_pipeline_free. */
FH_MUST_USE bool fh_pipeline_spelling(const fh_pipeline *p, uint32_t id, fh_out fh_view(1) fh_span *out);
/* What a token shows in an encoding unless it has a text of its own: the model's spelling, where the model has it. Valid until:
 * fh_pipeline_free. */
FH_MUST_USE bool fh_pipeline_shown(const fh_pipeline *p, uint32_t id, fh_out fh_view(1) fh_span *out);
/* How many blanks begin a token's text, and end it, for the trimming of offsets. */
typedef struct fh_blanks {
    size_t lead, trail, trail_bytes;
} fh_blanks;
fh_blanks fh_blanks_in(fh_span text);
/* The two numbers in one: the low half and the high one, each at most UINT16_MAX. */
uint32_t fh_blanks_pack(fh_blanks b);

/* Normalizes a text, which is UTF-8, and cuts it to pieces; both are to be initialized, and may serve many texts. Added tokens
 * are not looked for. Without `offsets` the text need not be tracked. `raw_bytes`: see fh_pretokenizer_run. */
FH_MUST_USE fh_status fh_pipeline_cut(const fh_pipeline *p, fh_span text, bool offsets, bool raw_bytes,
                                      fh_mut fh_view(2) fh_normalized *n, fh_mut fh_pieces *pieces);

/* --- one text to tokens ----------------------------------------------------------------------------------------------- */

/* The tokens of one text: ids, and if asked for where they come from. */
typedef struct fh_token_store {
    fh_owned fh_token_list tokens; /* begins and ends: in the text, as the offsets are asked for */
    fh_owned fh_ids spellings;     /* FH_NO_WORD for those that show what is usual, and for those that it is too short for */
} fh_token_store;

/* What the steps work in. */
typedef struct fh_tools {
    fh_owned fh_pieces pieces;
    fh_owned_or_null fh_model_scratch *scratch;
} fh_tools;

/* Room to run a pipeline in. */
typedef struct fh_room {
    fh_ref fh_allocator *allocator;
    fh_owned fh_tools tools;
    fh_owned fh_token_store first, second; /* of a text, and of its pair */
    fh_owned fh_draft_table drafts;
    fh_owned fh_buf repaired; /* a text with U+FFFD for what is not UTF-8 */
} fh_room;

FH_MUST_USE fh_status fh_room_init(fh_owned fh_view(2) fh_room *r, fh_ref fh_allocator *a);
void fh_room_deinit(fh_drop fh_room *r);
/* What the next text leaves to chance is drawn as text number `text` of a seed; without a call as number 0 of seed 0. */
void fh_room_seed(fh_mut fh_room *r, uint64_t seed, uint64_t text);
/* Appends the row of one input, not padded. On failure `out` may have more than before. */
FH_MUST_USE fh_status fh_pipeline_encode(const fh_pipeline *p, fh_mut fh_room *r, const fh_encode_input *input,
                                         fh_encode_options options, const fh_truncation *truncation, size_t row,
                                         fh_mut fh_encoding *out, fh_mut fh_err *err);
/* Appends ids alone; stops once there are more than `tokens_max`. On failure `out` may have more than before. */
FH_MUST_USE fh_status fh_pipeline_ids(const fh_pipeline *p, fh_mut fh_room *r, fh_span text, fh_encode_options options,
                                      size_t tokens_max, fh_mut fh_ids *out, fh_mut fh_err *err);
/* Appends all parts of `from`, each filled up to `length` tokens. Rows are counted on from `row_add`. */
FH_MUST_USE fh_status fh_encoding_append_padded(fh_mut fh_encoding *e, const fh_encoding *from, size_t row_add,
                                                const fh_padding *how, size_t length);
/* The length that padding fills up to, for a longest text of so many tokens. */
size_t fh_padding_length(const fh_padding *how, size_t longest);
/* Appends the text of ids. `list` and `room` are to work in. */
FH_MUST_USE fh_status fh_pipeline_decode(const fh_pipeline *p, fh_u32s ids, bool skip_special, fh_mut fh_text_list *list,
                                         fh_mut fh_text_list *room, fh_mut fh_buf *out);

#endif
