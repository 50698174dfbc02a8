/* bounds.h: whether an index into an array is proved to lie inside.
 *
 * Threading: one thread at a time. */
#ifndef FH_CHECK_BOUNDS_H
#define FH_CHECK_BOUNDS_H

#include "check/syntax.h"

/* What a walk over all nodes has seen once. */
typedef struct deed_facts {
    fh_u32s parents; /* of each node; 0: a root */
    fh_u32s values;  /* of each declaration: the node of its initial value, or 0 */
    fh_u32s writes;  /* of each declaration: DEED_WRITTEN … */
} deed_facts;
enum {
    DEED_WRITTEN = 1,  /* assigned, or stepped */
    DEED_ADDRESSED = 2,
    DEED_PARTLY = 4    /* one of these, of a part of it */
};
/* FH_NOMEM. Valid until: the unit's arena ends. */
FH_MUST_USE fh_status deed_facts_of(fh_ref const deed_unit *unit, fh_out fh_view(*1) deed_facts *out);
/* True if the expression is proved to be a number from 0 to count - 1 wherever it is evaluated. */
bool deed_is_inside(fh_ref const deed_unit *unit, fh_ref const deed_facts *facts, uint32_t index, int64_t count);

/* True if the variable, a pointer, is proved not to be NULL at the node `use`. */
bool deed_is_there(fh_ref const deed_unit *unit, fh_ref const deed_facts *facts, uint32_t pointer, uint32_t use);

#endif
