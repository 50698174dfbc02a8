/* hover.h: what a unit says about one place of its main file, in words; and the change that a finding's help stands for.
 *
 * Threading: pure functions over a unit. */
#ifndef FH_CHECK_HOVER_H
#define FH_CHECK_HOVER_H

#include "check/finding.h"

/* Appends, as Markdown, the declaration of what is named at the byte of the main file (a function, variable, parameter, field
 * or type), and its contracts in sentences; *where: the name. Where nothing is named, *found is false. FH_NOMEM. */
FH_MUST_USE fh_status deed_hover(fh_ref const deed_unit *unit, size_t offset_bytes, fh_mut fh_buf *out,
                                 fh_out deed_place *where, fh_out bool *found);

/* The insertion that the help of a finding asks for, if it is one: `text` at *offset_bytes of the main file. */
FH_MUST_USE bool deed_fix_of(fh_ref const deed_unit *unit, fh_ref const deed_finding *f, fh_out size_t *offset_bytes,
                             fh_out fh_view(*2) fh_span *text);

#endif
