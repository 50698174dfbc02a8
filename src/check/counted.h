/* counted.h: whether a pointer that is declared `fh_counted` leads to as many elements as its count says.
 *
 * Threading: one thread at a time. */
#ifndef FH_CHECK_COUNTED_H
#define FH_CHECK_COUNTED_H

#include "check/bounds.h"
#include "check/finding.h"

/* Reports each list, assignment and call outside the audited rooms that gives a counted pointer a count nobody measured. */
FH_MUST_USE fh_status deed_counted_check(fh_ref const deed_unit *unit, fh_ref const deed_facts *facts, fh_mut deed_report *r);

#endif
