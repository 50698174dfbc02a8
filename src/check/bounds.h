/* bounds.h: whether an index into an array is proved to lie inside.
 *
 * Threading: one thread at a time. */
#ifndef FH_CHECK_BOUNDS_H
#define FH_CHECK_BOUNDS_H

#include "check/syntax.h"

/* The parent of each node, 0 of a root; empty when there is no memory. Valid until: the unit's arena ends. */
fh_u32s deed_parents_of(fh_ref const deed_unit *unit);
/* True if the expression is proved to be a number from 0 to count - 1 wherever it is evaluated. */
bool deed_is_inside(fh_ref const deed_unit *unit, fh_u32s parents, uint32_t index, int64_t count);

#endif
