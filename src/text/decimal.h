/* decimal.h: exact conversion between float64 and decimal text, without a locale and without libm.
 *
 * Reading is correctly rounded for any number of digits (round to nearest, ties to even); writing gives the fewest digits that
 * read back the same. Threading: pure functions. */
#ifndef FH_TEXT_DECIMAL_H
#define FH_TEXT_DECIMAL_H

#include "freehold/span.h"

enum { FH_DECIMAL_BYTES = 32 };

/* The value of a number of JSON's grammar (-? digits [. digits] [e digits]), which the caller has checked. False, and infinity,
 * when it rounds to more than the largest float64. */
FH_MUST_USE bool fh_decimal_read(fh_span text, fh_out double *out);
/* Writes a finite number; returns its length. */
size_t fh_decimal_write(double v, fh_out uint8_t out[FH_DECIMAL_BYTES]);

#endif
