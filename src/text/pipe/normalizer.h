/* normalizer.h: what is done to a text before it is cut into pieces: the "normalizer" of a tokenizer.json.
 *
 *     fh_normalizer *nz;
 *     FH_TRY(fh_normalizer_read(a, json_text, offset_bytes, &nz, err));       {"type": "Lowercase"}
 *     FH_TRY(fh_normalizer_run(nz, &n));
 *     fh_normalizer_free(nz);
 *
 * Types: BertNormalizer, Strip, StripAccents, NFC, NFD, NFKC, NFKD, Lowercase, Nmt, Precompiled, Replace, Prepend, ByteLevel,
 * Sequence. Text and origins come out as the reference's do (tokenizers 0.23), with its Unicode versions (text/unicode.h).
 *
 * Threading: immutable after it was read; any number of threads may run it, each on its own text. */
#ifndef FH_TEXT_PIPE_NORMALIZER_H
#define FH_TEXT_PIPE_NORMALIZER_H

#include "freehold/json.h"
#include "text/pipe/normalized.h"
#include "text/pipe/token_model.h"

typedef struct fh_normalizer fh_normalizer;

/* Reads one from JSON; `offset_bytes` is where json_text begins in its file. FH_CORRUPT (also for
 * null, which is no normalizer), FH_UNSUPPORTED (a type that nobody knows), FH_LIMIT (nesting above 16, more than 256 of them),
 * FH_NOMEM. */
FH_MUST_USE fh_status fh_normalizer_read(fh_ref fh_allocator *a, fh_span json_text, size_t offset_bytes,
                                         fh_owned fh_normalizer **out, fh_mut fh_err *err);
/* What a SentencePiece model says of the text before it is cut; `charsmap` may be empty, and lies at `offset_bytes` of its
 * file. */
typedef struct fh_spm_normal {
    fh_span charsmap;
    size_t offset_bytes;
    bool prefix, suffix, squeeze, escape;
} fh_spm_normal;
/* Makes one that does what the SentencePiece library does (spm_rule.h). `symbols` has a bit for each token of the model that
 * stands for itself. Written as JSON it becomes those normalizers that come nearest to it. FH_CORRUPT, FH_NOMEM. */
FH_MUST_USE fh_status fh_normalizer_of_spm(fh_ref fh_allocator *a, const fh_spm_normal *how, const fh_token_model *m,
                                           fh_u64s symbols, fh_owned fh_view(1) fh_normalizer **out, fh_mut fh_err *err);
void fh_normalizer_free(fh_drop fh_normalizer *nz);
/* Changes the text; NULL changes nothing. FH_NOMEM; FH_LIMIT for a text that grows to 4 GiB, or for a pattern that takes too
 * many steps: the text is then as some of the steps have left it. */
FH_MUST_USE fh_status fh_normalizer_run(fh_ref fh_or_null const fh_normalizer *nz, fh_mut fh_normalized *n);
/* True if no text of ASCII alone is changed. */
bool fh_normalizer_keeps_ascii(fh_ref fh_or_null const fh_normalizer *nz);
/* Tells a BertNormalizer not to put spaces around Chinese characters: they are set apart later. False, and nothing changes, for
 * any other. Before it runs anywhere. */
bool fh_normalizer_leave_chinese(fh_mut fh_or_null fh_normalizer *nz);
/* True if all that it does is U+2581 for each space, and *prepends: one more before the text. */
bool fh_normalizer_marks_spaces(fh_ref fh_or_null const fh_normalizer *nz, fh_out bool *prepends);
/* Writes it as JSON; NULL gives null. */
FH_MUST_USE fh_status fh_normalizer_write(fh_ref fh_or_null const fh_normalizer *nz, fh_mut fh_json_writer *w);

#endif
