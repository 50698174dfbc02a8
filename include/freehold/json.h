/* json.h: a pull reader and a writer for JSON (RFC 8259), for hostile input.
 *
 *     fh_json j;
 *     fh_json_init(&j, text);
 *     fh_json_token t;
 *     FH_TRY(fh_json_next(&j, &t, err));                 one token at a time; nesting is bounded; no recursion, no allocation
 *
 * The reader checks the whole grammar (commas, colons, one value, nothing after it), refuses bad UTF-8, lone surrogates and
 * nesting beyond FH_JSON_DEPTH_MAX, and names the byte offset of what it refuses. Threading: one thread at a time. */
#ifndef FREEHOLD_JSON_H
#define FREEHOLD_JSON_H

#include "freehold/buf.h"

FH_EXTERN_BEGIN

enum { FH_JSON_DEPTH_MAX = 256 };

/* What the reader met. */
typedef enum fh_json_kind {
    FH_JSON_OBJECT, FH_JSON_OBJECT_END, FH_JSON_ARRAY, FH_JSON_ARRAY_END,
    FH_JSON_KEY, FH_JSON_STRING, FH_JSON_NUMBER, FH_JSON_TRUE, FH_JSON_FALSE, FH_JSON_NULL,
    FH_JSON_END /* after the one value */
} fh_json_kind;

/* A token: `raw` is its bytes in the text (a string without its quotes, escapes not undone). Valid until: the text changes. */
typedef struct fh_json_token {
    fh_json_kind kind;
    fh_span raw;
    size_t offset_bytes;
    bool escaped; /* a string or key that holds a backslash */
} fh_json_token;

/* Reader state; the fields are private. */
typedef struct fh_json {
    fh_span text;
    size_t at;
    size_t base; /* where text begins in its file; added to every offset that is told */
    uint32_t depth;
    uint8_t state;
    uint64_t is_object[FH_JSON_DEPTH_MAX / 64]; /* one bit a level */
} fh_json;

/* Starts at the beginning of text. */
FH_API void fh_json_init(fh_out fh_view(2) fh_json *j, fh_span text);
/* The same for a text that begins at a byte of a larger file: offsets, in tokens and in reports, are those in the file. */
FH_API void fh_json_init_at(fh_out fh_view(2) fh_json *j, fh_span text, size_t offset_bytes);
/* The next token. FH_CORRUPT (with offset) for malformed text, FH_LIMIT for too deep. After a failure every call fails. */
FH_FALLIBLE fh_json_next(fh_mut fh_json *j, fh_out fh_view(*1) fh_json_token *out, fh_mut fh_err *err);
/* Reads on until the value that `first` (the token just read) opens is over; a scalar is over at once. */
FH_FALLIBLE fh_json_skip(fh_mut fh_json *j, fh_json_token first, fh_mut fh_err *err);
/* Appends a string's or key's text, escapes undone, as UTF-8. */
FH_FALLIBLE fh_json_text(fh_json_token t, fh_mut fh_buf *out, fh_mut fh_err *err);
/* A number as an integer; FH_CORRUPT when it has a fraction or exponent, FH_LIMIT when it does not fit. */
FH_FALLIBLE fh_json_i64(fh_json_token t, fh_out int64_t *out, fh_mut fh_err *err);
/* A number as float64, correctly rounded. */
FH_FALLIBLE fh_json_f64(fh_json_token t, fh_out double *out, fh_mut fh_err *err);

/* A writer that puts commas and quotes; misuse (a value where a key is due) is a programmer's error. Output goes to `out`,
 * which may be handed on and emptied between two calls; the other fields are private. A put that fails (FH_LIMIT: too deep or
 * too long, FH_NOMEM) appends nothing. */
typedef struct fh_json_writer {
    fh_buf *out;
    uint32_t depth;
    bool comma, pretty, after_key;
    uint64_t is_object[FH_JSON_DEPTH_MAX / 64]; /* one bit a level */
} fh_json_writer;
/* Starts; `pretty` gives one member a line, indented by two. */
FH_API void fh_json_writer_init(fh_out fh_view(2) fh_json_writer *w, fh_mut fh_buf *out, bool pretty);
FH_FALLIBLE fh_json_open(fh_mut fh_json_writer *w, bool object);
FH_FALLIBLE fh_json_close(fh_mut fh_json_writer *w, bool object);
FH_FALLIBLE fh_json_key(fh_mut fh_json_writer *w, fh_ref const char *key);
/* A key that is data; as fh_json_put_text. */
FH_FALLIBLE fh_json_key_text(fh_mut fh_json_writer *w, fh_span key);
/* A string; bytes that are not UTF-8 come out as U+FFFD. */
FH_FALLIBLE fh_json_put_text(fh_mut fh_json_writer *w, fh_span text);
FH_FALLIBLE fh_json_put_i64(fh_mut fh_json_writer *w, int64_t v);
FH_FALLIBLE fh_json_put_u64(fh_mut fh_json_writer *w, uint64_t v);
/* A finite number in the shortest form that reads back the same; NaN and infinity become null. */
FH_FALLIBLE fh_json_put_f64(fh_mut fh_json_writer *w, double v);
FH_FALLIBLE fh_json_put_bool(fh_mut fh_json_writer *w, bool v);
FH_FALLIBLE fh_json_put_null(fh_mut fh_json_writer *w);

FH_EXTERN_END
#endif
