/* scan.h: scanners for the expressions that well-known models cut text with.
 *
 *     GPT2      's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 *     LLAMA3    (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+
 *               |\s+(?!\S)|\s+                                                                      (also cl100k)
 *     QWEN2     the same with \p{N} instead of \p{N}{1,3}
 *
 * These cut every text without gaps: each piece begins where the one before ended.
 * Threading: pure functions. */
#ifndef FH_TEXT_PIPE_SCAN_H
#define FH_TEXT_PIPE_SCAN_H

#include "freehold/span.h"
#include "text/kern/mask.h"

typedef enum fh_scan { FH_SCAN_NONE, FH_SCAN_GPT2, FH_SCAN_LLAMA3, FH_SCAN_QWEN2, FH_SCAN_COUNT } fh_scan;

/* The scanner of an expression, if the expression is, character for character, a known one. */
fh_scan fh_scan_of(fh_span pattern);
/* Where the piece that begins at `at` < text.size ends; always beyond `at`. Character by character: the specification of
 * fh_scan_ends. A byte that is not UTF-8 counts as a character that is no letter, number or space. */
size_t fh_scan_end(fh_scan scan, fh_span text, size_t at);
/* The ends of as many pieces from *at on as fit into `ends` (at least FH_MASK_BYTES of them) without much ado; at least one if
 * *at < text.size. Returns how many, and advances *at to the last. The text is shorter than 4 GiB. `masks`: fh_masks_best(),
 * or another one to compare. */
size_t fh_scan_ends(fh_scan scan, fh_masks_fn *masks, fh_span text, fh_mut size_t *at, fh_u32s ends);

#endif
