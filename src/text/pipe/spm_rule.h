/* spm_rule.h: what SentencePiece does to a text before it cuts it, as one walk: characters are replaced by the longest key of
 * the model's map, blanks become U+2581, runs of them one, those at the ends none, and one is put before the text or behind.
 *
 * Text and origins are those of the library, byte for byte: what a piece stands for reaches to the beginning of what the next
 * one stands for, so that pieces tile the text; of several characters that one became, the last has its place and the others
 * are empty; so is the blank that is put before.
 *
 * The rule is the only one of its normalizer: what it reads is the text itself. Threading: immutable. */
#ifndef FH_TEXT_PIPE_SPM_RULE_H
#define FH_TEXT_PIPE_SPM_RULE_H

#include "text/pipe/charsmap.h"
#include "text/pipe/token_model_impl.h"

typedef struct fh_spm_rule {
    fh_owned fh_charsmap map;      /* no units: none */
    fh_owned fh_byte_trie symbols; /* what is left as it is; no nodes: none */
    bool prefix, suffix;           /* a blank before the text; the same, but behind it */
    bool squeeze;                  /* blanks become one, and none at the ends */
    bool escape;                   /* a blank is U+2581 */
} fh_spm_rule;

/* Does all that. */
FH_MUST_USE fh_status fh_rule_sentencepiece(const fh_traced *from, fh_mut fh_edit *e, const fh_spm_rule *rule);

#endif
