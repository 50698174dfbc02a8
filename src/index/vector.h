/* vector.h: what every index asks of a vector before it takes it. Threading: pure functions. */
#ifndef FH_INDEX_VECTOR_H
#define FH_INDEX_VECTOR_H

#include "freehold/index.h"

/* All elements are finite, and under the cosine there is a direction; *squares = Σ x². `what` and `i` name the vector to
 * people. FH_NOT_FINITE, FH_INVALID. */
FH_MUST_USE fh_status fh_vector_look(fh_metric metric, fh_ref const char *what, size_t i, fh_f32s x, fh_out double *squares,
                                     fh_mut fh_err *err);
/* The score of a key, for people. A key is smaller for the better: the squared distance, or the negated product, which under
 * the cosine is divided by the lengths. */
float fh_vector_score(fh_metric metric, float key);

#endif
