/* vector.c: looks at a vector (vector.h). Threading: pure functions. */
#include "index/vector.h"

#include "freehold/fmath.h"

/* Σ x² in double precision, so that only numbers that are not finite make it so. */
static double square_sum(fh_f32s x) {
    double sum = 0.0;
    for (size_t i = 0; i < x.count; i++)
        sum += (double)fh_f32s_get(x, i) * (double)fh_f32s_get(x, i);
    return sum;
}

fh_status fh_vector_look(fh_metric metric, const char *what, size_t i, fh_f32s x, double *squares, fh_err *err) {
    *squares = square_sum(x);
    if (!(*squares - *squares == 0.0))
        return fh_fail(err, FH_NOT_FINITE, FH_NO_OFFSET, "%s %zu has an element that is not a finite number", what, i);
    if (metric == FH_METRIC_COSINE && !(*squares > 0.0))
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "%s %zu has length 0, and so no direction", what, i);
    return FH_DONE;
}

float fh_vector_score(fh_metric metric, float key) {
    return metric == FH_METRIC_L2 ? fh_sqrtf(key) : -key;
}
