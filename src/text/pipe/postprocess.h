/* postprocess.h: what joins the tokens of a text and of its pair with special tokens: templates, BERT's and RoBERTa's way, and
 * the trimming of offsets. Together with truncation, which works on the same drafts.
 *
 * Nothing is copied on the way: a draft is a list of runs, each a stretch of one text's tokens or one special token, with what
 * becomes of types, masks and offsets. encode.c writes the result out once.
 *
 * Threading: a processor is immutable after it was read; drafts belong to one thread. */
#ifndef FH_TEXT_PIPE_POSTPROCESS_H
#define FH_TEXT_PIPE_POSTPROCESS_H

#include "freehold/encoding.h"
#include "freehold/json.h"
#include "freehold/tokenizer.h"
#include "text/pipe/list.h"

/* --- drafts ----------------------------------------------------------------------------------------------------------- */

enum { FH_RUN_SPECIAL = 2 }; /* the source of a special token */

/* Tokens [from, from + count) of text `source`; or the special token `from` of the processor. */
typedef struct fh_run {
    uint32_t source, from, count;
    uint32_t type;
    uint32_t trims;     /* two bits for each trim, the first one lowest: a prefix space may be there; it begins the draft */
    uint8_t trim_count;
    uint8_t special;    /* the mask */
} fh_run;
FH_SPAN_DEFINE(run, fh_run);
FH_ARRAY_DEFINE(run);
FH_LIST_DEFINE(run);

/* Runs [from, from + count), `tokens` in all, with what is said of sequences. */
typedef struct fh_draft {
    size_t from, count, tokens;
    uint32_t range_count;
    fh_sequence_range ranges[FH_SEQUENCES_MAX];
} fh_draft;
FH_SPAN_DEFINE(draft, fh_draft);
FH_ARRAY_DEFINE(draft);
FH_LIST_DEFINE(draft);

/* A draft and its overflow: drafts [overflow, overflow + overflow_count). */
typedef struct fh_drafted {
    fh_draft main;
    size_t overflow, overflow_count;
} fh_drafted;
FH_SPAN_DEFINE(drafted, fh_drafted);
FH_ARRAY_DEFINE(drafted);
FH_LIST_DEFINE(drafted);

/* What may become of one input, where overflow multiplies: so many runs and so many tokens, or FH_DRAFT_TIMES as many as its
 * texts have tokens, if that is more. */
enum { FH_DRAFT_RUNS_MAX = 1 << 20, FH_DRAFT_TOKENS_MAX = 1 << 24, FH_DRAFT_TIMES = 64 };

/* A table to work on. */
typedef struct fh_draft_table {
    size_t tokens; /* of the texts */
    fh_owned fh_run_list runs;
    fh_owned fh_draft_list overflow;
    fh_owned fh_drafted_list pieces, next; /* the drafts at hand, and those that a processor makes of them */
} fh_draft_table;

void fh_draft_table_init(fh_owned fh_view(2) fh_draft_table *d, fh_ref fh_allocator *a);
void fh_draft_table_deinit(fh_drop fh_draft_table *d);
/* Empties the table. */
void fh_draft_table_clear(fh_mut fh_draft_table *d);
/* Adds text `source` of so many tokens. */
FH_MUST_USE fh_status fh_draft_table_add(fh_mut fh_draft_table *d, uint32_t source, uint32_t tokens);
/* Cuts the one or two drafts that are there as the reference does. FH_INVALID for what it refuses, or panics at. */
FH_MUST_USE fh_status fh_draft_table_truncate(fh_mut fh_draft_table *d, const fh_truncation *how, size_t tokens_max,
                                              fh_mut fh_err *err);

/* --- the processor ---------------------------------------------------------------------------------------------------- */

typedef struct fh_postprocessor fh_postprocessor;

/* Reads a post-processor. FH_CORRUPT, FH_UNSUPPORTED for an unknown type, FH_LIMIT. */
FH_MUST_USE fh_status fh_postprocessor_read(fh_ref fh_allocator *a, fh_span json, size_t offset_bytes,
                                            fh_owned fh_view(1) fh_postprocessor **out, fh_mut fh_err *err);
/* NULL is allowed. */
void fh_postprocessor_free(fh_drop fh_postprocessor *p);
FH_MUST_USE fh_status fh_postprocessor_write(const fh_postprocessor *p, fh_mut fh_json_writer *w);
/* How many tokens it adds to a text, or to a pair. */
size_t fh_postprocessor_added(fh_ref fh_or_null const fh_postprocessor *p, bool pair);
/* True if offsets may be trimmed. */
bool fh_postprocessor_trims(fh_ref fh_or_null const fh_postprocessor *p);
/* The single token that it puts before (or behind) a single text, or FH_NO_TOKEN. */
uint32_t fh_postprocessor_edge(fh_ref fh_or_null const fh_postprocessor *p, bool behind);
/* Makes one draft of those in the table: pieces.items[0]. NULL: no post-processor. FH_LIMIT: too many runs, or tokens. */
FH_MUST_USE fh_status fh_postprocessor_run(fh_ref fh_or_null const fh_postprocessor *p, fh_mut fh_draft_table *d,
                                           bool add_special, fh_mut fh_err *err);
/* Special token `index` of a run, and the text that it shows. Valid until: fh_postprocessor_free. */
uint32_t fh_postprocessor_token(const fh_postprocessor *p, uint32_t index, fh_out fh_view(1) fh_span *text);
/* The texts of all, and where in them that of one lies. Valid until: fh_postprocessor_free. */
fh_span fh_postprocessor_texts(const fh_postprocessor *p) fh_view(1);
fh_range fh_postprocessor_place(const fh_postprocessor *p, uint32_t index);

/* How many special tokens it knows; gives number `index` of them another id. */
size_t fh_postprocessor_tokens(const fh_postprocessor *p);
void fh_postprocessor_renumber(fh_mut fh_postprocessor *p, uint32_t index, uint32_t id);

#endif
