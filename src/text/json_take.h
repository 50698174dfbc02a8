/* json_take.h: what large JSON files are full of, read at once by a reader of json.h.
 *
 *     if (!fh_json_take_entry(&j, &key, &value))
 *         FH_TRY(fh_json_next(&j, &t, err));       something else comes: one token at a time, which also tells what is wrong
 *
 * Either all of it comes next and is taken, as fh_json_next would in several calls, or nothing is. Threading: as json.h. */
#ifndef FH_TEXT_JSON_TAKE_H
#define FH_TEXT_JSON_TAKE_H

#include "freehold/json.h"

/* The next element of an array, ["left", "right"]: two strings without escapes. */
FH_MUST_USE bool fh_json_take_pair(fh_mut fh_json *j, fh_out fh_view(*1) fh_json_token *left,
                                   fh_out fh_view(*1) fh_json_token *right);
/* The next member of an object, "key": value; the key has no escapes, the value is a whole number below 10^18. */
FH_MUST_USE bool fh_json_take_entry(fh_mut fh_json *j, fh_out fh_view(*1) fh_json_token *key, fh_out uint64_t *value);

#endif
