/* charsmap.h: SentencePiece's compiled normalization: a map from short texts to their replacements, "Precompiled" in JSON.
 *
 * The bytes: the size of the trie in bytes (u32), the trie, and the replacements, each up to a NUL. The trie is a double array
 * of u32 units over the bytes of the key (Darts-clone); a unit whose bit 31 is set is a value: where the replacement begins.
 *
 * Text is looked up cluster by cluster (UAX #29, extended): a cluster of less than 6 bytes as a whole, of which the shortest
 * key that it begins with counts; where there is none, character by character. That is what the reference does.
 *
 * Threading: immutable. */
#ifndef FH_TEXT_PIPE_CHARSMAP_H
#define FH_TEXT_PIPE_CHARSMAP_H

#include "freehold/buf.h"
#include "text/pipe/normalized.h"

/* The trie's units and the replacements lie in `bytes`; `plain`: no printable ASCII character alone is a key; `keyed` has a bit
 * for each code point of two and three bytes that begins with a key, or that may belong to a cluster of several. */
typedef struct fh_charsmap {
    fh_owned fh_buf bytes;
    fh_owned fh_u64s keyed;
    size_t units;
    bool plain;
} fh_charsmap;

/* Reads a map from base64. FH_CORRUPT, at `offset_bytes` of the file: no base64, a trie that leaves itself or the replacements,
 * or that goes around, replacements that are not UTF-8; FH_LIMIT, keys of more than 512 bytes. *out is then ended. */
FH_MUST_USE fh_status fh_charsmap_read(fh_ref fh_allocator *a, fh_span base64, size_t offset_bytes,
                                       fh_owned fh_view(1) fh_charsmap *out, fh_mut fh_err *err);
/* The same from the bytes themselves, as a SentencePiece model has them. */
FH_MUST_USE fh_status fh_charsmap_of_bytes(fh_ref fh_allocator *a, fh_span bytes, size_t offset_bytes,
                                           fh_owned fh_view(1) fh_charsmap *out, fh_mut fh_err *err);
void fh_charsmap_deinit(fh_drop fh_charsmap *map);
/* Appends the map as base64. */
FH_MUST_USE fh_status fh_charsmap_write(const fh_charsmap *map, fh_mut fh_buf *out);
/* The replacement of the shortest key that `text` begins with; false when there is none. */
FH_MUST_USE bool fh_charsmap_find(const fh_charsmap *map, fh_span text, fh_out fh_view(1) fh_span *out);
/* The same of the longest such key; returns its size, 0 when there is none. */
size_t fh_charsmap_longest(const fh_charsmap *map, fh_span text, fh_out fh_view(1) fh_span *out);
/* Replaces what the map has. */
FH_MUST_USE fh_status fh_rule_precompiled(const fh_traced *from, fh_mut fh_edit *e, const fh_charsmap *map);

/* Where the grapheme cluster that begins at `at` < text.size ends. */
size_t fh_cluster_end(fh_span text, size_t at);

#endif
