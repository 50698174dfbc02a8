/* encoding.h: what encoding gives beside the ids: types, words, offsets, masks, for one text or for a whole batch, column by
 * column.
 *
 *     fh_encoding e;
 *     fh_encoding_init(&e, a);
 *     FH_TRY(fh_encoder_encode(encoder, &input, options, &e, err));
 *     for (size_t p = 0; p < fh_encoding_part_count(&e); p++) {
 *         fh_encoding_part part = fh_encoding_part_at(&e, p);
 *         fh_u32s ids = fh_encoding_part_column(&e, p, FH_COLUMN_ID);
 *     }
 *     fh_encoding_deinit(&e);
 *
 * Tokens lie in parts. Each text (row) of a batch has one part, and behind it one for each overflow that truncation left. A
 * column has one number a token; all tokens of all parts lie behind one another, so that a batch is one array a column.
 *
 * The columns are those of Hugging Face's `tokenizers`; so are their values. Unlike there the overflow of a pair, of which both
 * halves were cut, is a flat list: there each overflow repeats a part of the list inside itself.
 *
 * Threading: one thread at a time. */
#ifndef FREEHOLD_ENCODING_H
#define FREEHOLD_ENCODING_H

#include "freehold/buf.h"

FH_EXTERN_BEGIN

/* The columns. */
typedef enum fh_column {
    FH_COLUMN_ID,
    FH_COLUMN_TYPE,      /* 0 for the first text, 1 for its pair, or what the template says */
    FH_COLUMN_WORD,      /* the piece of its text that a token is of, or FH_NO_WORD */
    FH_COLUMN_BEGIN,     /* where it begins in its text; (0, 0) for tokens that are not of it */
    FH_COLUMN_END,       /* where it ends there */
    FH_COLUMN_SPECIAL,   /* 1: added by the template or as padding */
    FH_COLUMN_ATTENTION, /* 0: padding */
    FH_COLUMN_SPELLING,  /* private: which text of its own a token has, or FH_NO_WORD */
    FH_COLUMN_COUNT
} fh_column;

/* No word. */
#define FH_NO_WORD UINT32_MAX

/* In what offsets count. */
typedef enum fh_offsets { FH_OFFSETS_NONE, FH_OFFSETS_BYTES, FH_OFFSETS_CODE_POINTS } fh_offsets;

enum { FH_SEQUENCES_MAX = 8 };

/* Tokens [from, to) of a part belong to text `sequence` of the input: 0, or 1 for its pair. */
typedef struct fh_sequence_range {
    uint32_t sequence, from, to;
} fh_sequence_range;

/* A part: `count` tokens from token `from`. */
typedef struct fh_encoding_part {
    size_t from, count, row;
    bool overflow; /* false: the text itself */
    uint32_t range_count; /* 0: one text, all of the part */
    fh_sequence_range ranges[FH_SEQUENCES_MAX];
} fh_encoding_part;
FH_SPAN_DEFINE(encoding_part, fh_encoding_part);
FH_ARRAY_DEFINE(encoding_part);

/* The room of a column. */
typedef struct fh_cells {
    fh_owned fh_u32s items;
} fh_cells;

/* The columns and parts; the fields are private. */
typedef struct fh_encoding {
    fh_ref fh_allocator *allocator;
    fh_cells id, type, word, begin, end, special, attention, spelling;
    size_t count;
    fh_owned fh_encoding_parts parts;
    size_t part_count;
    fh_owned fh_buf texts; /* of tokens that show another text than their id's */
    fh_cells text_begins, text_ends; /* where each lies in them; one may be a part of another */
    size_t text_count;
} fh_encoding;

/* An empty one. Allocates nothing. */
FH_API void fh_encoding_init(fh_owned fh_view(2) fh_encoding *e, fh_ref fh_allocator *a);
FH_API void fh_encoding_deinit(fh_drop fh_encoding *e);
/* Takes all tokens and parts out; the room stays. */
FH_API void fh_encoding_clear(fh_mut fh_encoding *e);

/* Number of tokens in all parts, and of parts. */
FH_API size_t fh_encoding_count(fh_ref const fh_encoding *e);
FH_API size_t fh_encoding_part_count(fh_ref const fh_encoding *e);
/* Part p; one outside is a programmer's error. */
FH_API fh_encoding_part fh_encoding_part_at(fh_ref const fh_encoding *e, size_t p);
/* A whole column. Valid until: the next change. */
FH_API fh_u32s fh_encoding_column(fh_ref const fh_encoding *e, fh_column column) fh_view(1);
/* A column of one part. Valid until: the next change. */
FH_API fh_u32s fh_encoding_part_column(fh_ref const fh_encoding *e, size_t p, fh_column column) fh_view(1);
/* The text that token i of a part belongs to: 0, 1, or FH_NO_WORD for none. */
FH_API uint32_t fh_encoding_sequence(fh_ref const fh_encoding *e, size_t p, size_t i);

/* --- building, for those who make encodings ----------------------------------------------------------------------------- */

/* Makes room for `more` tokens. FH_NOMEM, FH_LIMIT (2^31 tokens); nothing changes then. */
FH_FALLIBLE fh_encoding_reserve(fh_mut fh_encoding *e, size_t more);
/* One token. */
typedef struct fh_encoding_token {
    uint32_t id, type, word, begin, end, special, attention, spelling;
} fh_encoding_token;
/* Appends a token to the last part. FH_NOMEM, FH_LIMIT. */
FH_FALLIBLE fh_encoding_put(fh_mut fh_encoding *e, fh_encoding_token token);
/* Begins a part of which nothing is there yet. FH_NOMEM. */
FH_FALLIBLE fh_encoding_begin(fh_mut fh_encoding *e, size_t row, bool overflow);
/* Says that tokens [from, to) of the last part are of a sequence; what was said of that sequence before is replaced. Beyond
 * FH_SEQUENCES_MAX nothing is kept. */
FH_API void fh_encoding_range(fh_mut fh_encoding *e, fh_sequence_range range);
/* Keeps a token's own text; *index is what its spelling is then. FH_NOMEM. */
FH_FALLIBLE fh_encoding_keep(fh_mut fh_encoding *e, fh_span text, fh_out uint32_t *index);
/* Which bytes of a longer text were kept, and as what. A zeroed one: none. */
typedef struct fh_kept {
    size_t from, to;
    uint32_t index;
} fh_kept;
/* Keeps bytes [from, to) of a text. Those that lie in what `kept` says of it are not copied again, else it says these from now
 * on. FH_NOMEM. */
FH_FALLIBLE fh_encoding_keep_part(fh_mut fh_encoding *e, fh_mut fh_kept *kept, fh_span text, size_t from, size_t to,
                                  fh_out uint32_t *index);
/* The text that was kept. Valid until: the next change. */
FH_API fh_span fh_encoding_kept(fh_ref const fh_encoding *e, uint32_t index) fh_view(1);
/* Where an encoding stands, and back to there: what was appended since is taken out. */
typedef struct fh_encoding_mark {
    size_t count, part_count, text_count, text_bytes;
} fh_encoding_mark;
FH_API fh_encoding_mark fh_encoding_now(fh_ref const fh_encoding *e);
FH_API void fh_encoding_cut(fh_mut fh_encoding *e, fh_encoding_mark mark);
/* Appends the texts that another one keeps; *add is what their numbers grow by. FH_NOMEM. */
FH_FALLIBLE fh_encoding_append_texts(fh_mut fh_encoding *e, fh_ref const fh_encoding *from, fh_out uint32_t *add);
/* Appends all parts of another one. Rows are counted on from `row_add`. FH_NOMEM, FH_LIMIT: nothing changes. */
FH_FALLIBLE fh_encoding_append(fh_mut fh_encoding *e, fh_ref const fh_encoding *from, size_t row_add);

FH_EXTERN_END
#endif
