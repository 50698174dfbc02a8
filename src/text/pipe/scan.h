/* scan.h: scanners for the expressions that well-known models cut text with.
 *
 *     GPT2      's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 *     LLAMA3    (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+
 *               |\s+(?!\S)|\s+                                                                      (also cl100k)
 *     QWEN2     the same with \p{N} instead of \p{N}{1,3}
 *     QWEN35    the same with marks (\p{M}) as letters
 *     O200K     words that may begin with capitals, with their contraction:
 *               [^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?
 *               |[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?
 *               |\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+
 *     TEKKEN    the same without contractions and with \p{N} (Mistral)
 *     DIGITS3, KANA_HAN, DEEPSEEK_WORDS: the three that DeepSeek V3 applies one after the other:
 *               \p{N}{1,3}
 *               [一-龥぀-ゟ゠-ヿ]+
 *               [!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*
 *               |\s*[\r\n]+|\s+(?!\S)|\s+
 *     DEEPSEEK3 these three at once, each isolated
 *
 * A scanner cuts a text into stretches without gaps: matches, and (in the last four) what lies between two matches.
 * Threading: pure functions. */
#ifndef FH_TEXT_PIPE_SCAN_H
#define FH_TEXT_PIPE_SCAN_H

#include "freehold/span.h"
#include "text/kern/mask.h"

typedef enum fh_scan {
    FH_SCAN_NONE, FH_SCAN_GPT2, FH_SCAN_LLAMA3, FH_SCAN_QWEN2, FH_SCAN_QWEN35, FH_SCAN_O200K, FH_SCAN_TEKKEN, FH_SCAN_DIGITS3,
    FH_SCAN_KANA_HAN, FH_SCAN_DEEPSEEK_WORDS, FH_SCAN_DEEPSEEK3, FH_SCAN_COUNT
} fh_scan;

/* The scanner of an expression, if the expression is, character for character, a known one; never DEEPSEEK3. */
fh_scan fh_scan_of(fh_span pattern);
/* The expression of a scanner, none for NONE and DEEPSEEK3. */
fh_static fh_or_null const char *fh_scan_pattern(fh_scan scan);
/* True if every stretch of every text is a match. */
bool fh_scan_covers(fh_scan scan);
/* Where the stretch that begins at `at` < text.size ends; always beyond `at`. Character by character: the specification of
 * fh_scan_ends. A byte that is not UTF-8 counts as U+FFFD. */
size_t fh_scan_end(fh_scan scan, fh_span text, size_t at);
/* The same, and whether it is a match. */
size_t fh_scan_stretch(fh_scan scan, fh_span text, size_t at, fh_out bool *match);
/* The ends of as many stretches from *at on as fit into `ends` (at least FH_MASK_BYTES of them) without much ado; at least one
 * if *at < text.size, where a stretch has to begin. Returns how many, and advances *at to the last. The text is shorter than
 * 4 GiB. `masks`: fh_masks_best(), or another one to compare. */
size_t fh_scan_ends(fh_scan scan, fh_masks_fn *masks, fh_span text, fh_mut size_t *at, fh_u32s ends);

#endif
