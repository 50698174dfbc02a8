/* rules.h: the rules over a unit's tables.
 *
 *     FH_TRY(deed_rules_run(heap, unit, report));
 *
 * Threading: one thread at a time. */
#ifndef FH_CHECK_RULES_H
#define FH_CHECK_RULES_H

#include "check/finding.h"

/* Reports whatever the rules refuse in the unit's functions and declarations. FH_NOMEM. */
FH_MUST_USE fh_status deed_rules_run(fh_ref fh_allocator *a, fh_ref deed_unit *unit, fh_mut deed_report *r);

#endif
