/* pretokenizer.h: what cuts a normalized text into the pieces that the model sees: the "pre_tokenizer" of a tokenizer.json.
 *
 *     fh_pretokenizer *pt;
 *     FH_TRY(fh_pretokenizer_read(a, json_text, offset_bytes, &pt, err));     {"type": "ByteLevel", …}
 *     FH_TRY(fh_pretokenizer_run(pt, &pieces, &n, false));
 *     fh_pretokenizer_free(pt);
 *
 * Types: BertPreTokenizer, ByteLevel, CharDelimiterSplit, Digits, FixedLength, Metaspace, Punctuation, Sequence, Split,
 * UnicodeScripts, Whitespace, WhitespaceSplit. Pieces and origins are those of the reference (tokenizers 0.23).
 *
 * Threading: immutable after it was read; any number of threads may run it, each with its own pieces and text. */
#ifndef FH_TEXT_PIPE_PRETOKENIZER_H
#define FH_TEXT_PIPE_PRETOKENIZER_H

#include "freehold/json.h"
#include "text/pipe/pieces.h"

enum { FH_PRETOKENIZER_DEPTH_MAX = 16, FH_PRETOKENIZER_STEPS_MAX = 64 };

typedef struct fh_pretokenizer fh_pretokenizer;

/* Reads one from JSON; `offset_bytes` is where json_text begins in its file. null gives NULL. FH_CORRUPT, FH_UNSUPPORTED (a
 * type that nobody knows), FH_INVALID (an expression that does not compile, a length of 0), FH_LIMIT (nesting, more than
 * FH_PRETOKENIZER_STEPS_MAX), FH_NOMEM. */
FH_MUST_USE fh_status fh_pretokenizer_read(fh_ref fh_allocator *a, fh_span json_text, size_t offset_bytes,
                                           fh_out fh_owned_or_null fh_pretokenizer **out, fh_mut fh_err *err);
void fh_pretokenizer_free(fh_drop fh_pretokenizer *pt);
/* Writes it as JSON, in the reference's form; NULL gives null. */
FH_MUST_USE fh_status fh_pretokenizer_write(fh_ref fh_or_null const fh_pretokenizer *pt, fh_mut fh_json_writer *w);

/* Cuts the pieces, which are ranges of n's text; ByteLevel and Metaspace change the text too. NULL changes nothing. With
 * `raw_bytes` a ByteLevel that is the last step cuts only: its pieces are bytes, not letters of its alphabet. FH_NOMEM;
 * FH_LIMIT for a text that grows to 4 GiB, or an expression that takes too many steps. After a failure pieces and text are
 * unspecified, and may be reset. */
FH_MUST_USE fh_status fh_pretokenizer_run(fh_ref fh_or_null const fh_pretokenizer *pt, fh_mut fh_pieces *p,
                                          fh_mut fh_normalized *n, bool raw_bytes);

/* True if the last step is ByteLevel. */
bool fh_pretokenizer_ends_in_bytes(fh_ref fh_or_null const fh_pretokenizer *pt);
/* True if pieces depend on origins: a Metaspace "first" behind another step, or on a text that was normalized. The text must
 * be tracked then. */
bool fh_pretokenizer_needs_origins(fh_ref fh_or_null const fh_pretokenizer *pt, bool normalized);
/* How U+2581 comes before a text. */
typedef enum fh_lead { FH_LEAD_NEVER, FH_LEAD_ALWAYS, FH_LEAD_MISSING /* unless it begins with that or a space */,
                       FH_LEAD_FIRST /* the same, where the input begins */ } fh_lead;
/* True if all that it does is U+2581 for each space, and *lead. */
bool fh_pretokenizer_marks_spaces(fh_ref fh_or_null const fh_pretokenizer *pt, fh_out fh_lead *lead);
/* True for a split at white space, and then a Metaspace that puts U+2581 before each word. _run_words is the run without the
 * latter: the same, if U+2581 is not in the text and the model puts it before words. */
bool fh_pretokenizer_marks_words(fh_ref fh_or_null const fh_pretokenizer *pt);
FH_MUST_USE fh_status fh_pretokenizer_run_words(fh_ref const fh_pretokenizer *pt, fh_mut fh_pieces *p, fh_mut fh_normalized *n);
/* True for BertPreTokenizer alone, which drops spaces around a character and may set it apart as well; _part_chinese makes it
 * do so, before it runs anywhere. */
bool fh_pretokenizer_is_bert(fh_ref fh_or_null const fh_pretokenizer *pt);
void fh_pretokenizer_part_chinese(fh_mut fh_pretokenizer *pt);
/* True if a text without spaces stays one piece as it is. */
bool fh_pretokenizer_wants_spaces(fh_ref fh_or_null const fh_pretokenizer *pt);

#endif
