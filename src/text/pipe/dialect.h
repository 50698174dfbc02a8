/* dialect.h: the reference's regular expressions (Oniguruma, syntax of Ruby) in the words of PCRE2.
 *
 * The two agree on nearly everything that tokenizers use. What they do not agree on is written in another way here, or refused:
 * no expression changes its meaning in silence. What is left: \p{…} is that of PCRE2's Unicode, and case folds one to one.
 * Threading: pure functions. */
#ifndef FH_TEXT_PIPE_DIALECT_H
#define FH_TEXT_PIPE_DIALECT_H

#include "freehold/buf.h"

/* Appends `pattern` (UTF-8) as PCRE2 has to read it. FH_UNSUPPORTED names what has no such form, and where; FH_NOMEM. */
FH_MUST_USE fh_status fh_dialect_translate(fh_span pattern, fh_mut fh_buf *out, fh_mut fh_err *err);

#endif
