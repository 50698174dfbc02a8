/* normal_rules.h: the normalizers one by one, for normalizer.c.
 *
 * Each reads `from` and writes `e`; accepting what was written is the caller's part. A rule decides character by character, and
 * runs of ASCII that it leaves alone are found eight bytes at a time.
 * Threading: pure functions, apart from the room that the caller lends. */
#ifndef FH_TEXT_PIPE_NORMAL_RULES_H
#define FH_TEXT_PIPE_NORMAL_RULES_H

#include "text/pipe/normalized.h"

/* BertNormalizer is two walks: characters by themselves, and what a decomposition leaves. */
FH_MUST_USE fh_status fh_rule_bert_clean(const fh_traced *from, fh_mut fh_edit *e, bool clean, bool chinese);
FH_MUST_USE fh_status fh_rule_bert_accents(const fh_traced *from, fh_mut fh_edit *e, fh_mut fh_marks_list *room, bool lower);
FH_MUST_USE fh_status fh_rule_lower(const fh_traced *from, fh_mut fh_edit *e);
FH_MUST_USE fh_status fh_rule_strip(const fh_traced *from, fh_mut fh_edit *e, bool left, bool right);
FH_MUST_USE fh_status fh_rule_strip_accents(const fh_traced *from, fh_mut fh_edit *e);
FH_MUST_USE fh_status fh_rule_form(const fh_traced *from, fh_mut fh_edit *e, fh_mut fh_marks_list *room, fh_form form);
FH_MUST_USE fh_status fh_rule_nmt(const fh_traced *from, fh_mut fh_edit *e);
/* FH_INVALID: bytes that are not UTF-8 before an expression. */
FH_MUST_USE fh_status fh_rule_replace(const fh_traced *from, fh_mut fh_edit *e, fh_mut fh_finder *finder,
                                      fh_ref const fh_regex *pattern, fh_span content);
FH_MUST_USE fh_status fh_rule_prepend(const fh_traced *from, fh_mut fh_edit *e, fh_span prefix);
FH_MUST_USE fh_status fh_rule_byte_level(const fh_traced *from, fh_mut fh_edit *e);

#endif
