/* json_object.h: one JSON object or array seen shallowly, so that the reader of a component needs no tree.
 *
 *     fh_json_object o;
 *     FH_TRY(fh_json_object_read(text, offset_bytes, &o, err));           {"type": "Split", "invert": true, "pattern": {…}}
 *     bool invert;
 *     FH_TRY(fh_json_object_bool(&o, "invert", false, &invert, err));     an absent key gives the default
 *     const fh_json_member *pattern = fh_json_object_find(&o, "pattern");
 *     FH_TRY(fh_json_object_read(pattern->text, pattern->offset_bytes, &inner, err));
 *
 * A member's value is kept as its text; whoever wants to look inside reads that. The grammar of the whole text is checked, once
 * for each level that is looked into. Offsets, in members and in reports, are those in the file that the text is a part of.
 *
 * Nothing is allocated, except by _text. Threading: values. */
#ifndef FREEHOLD_JSON_OBJECT_H
#define FREEHOLD_JSON_OBJECT_H

#include "freehold/json.h"

FH_EXTERN_BEGIN

/* An object of more members is refused with FH_LIMIT: it is no component. */
enum { FH_JSON_MEMBERS_MAX = 32 };

/* One member of an object, or one element of an array (its key is {0}). */
typedef struct fh_json_member {
    fh_json_token key, first; /* `first` begins the value: its kind says what it is */
    fh_span text;             /* the whole value, raw */
    size_t offset_bytes;      /* of the value in the file */
} fh_json_member;

/* --- one after the other ------------------------------------------------------------------------------------------------ */

/* Where a walk over an object or an array stands. */
typedef struct fh_json_each {
    fh_json j;
} fh_json_each;

/* Begins a walk over text, which must be an object (FH_JSON_OBJECT) or an array (FH_JSON_ARRAY): FH_CORRUPT. `offset_bytes` is
 * where text begins in its file. */
FH_FALLIBLE fh_json_each_init(fh_out fh_view(2) fh_json_each *e, fh_span text, size_t offset_bytes, fh_json_kind kind,
                              fh_mut fh_err *err);
/* The next member. *more is false when there is none, and then nothing but white space follows in the text. */
FH_FALLIBLE fh_json_each_next(fh_mut fh_json_each *e, fh_out fh_view(*1) fh_json_member *out, fh_out bool *more,
                              fh_mut fh_err *err);
/* The same for an object in two steps, for a value that is better read than skipped: the key, and then the value, either by
 * _value, or by whoever reads exactly the value from e->j. */
FH_FALLIBLE fh_json_each_key(fh_mut fh_json_each *e, fh_out fh_view(*1) fh_json_token *out, fh_out bool *more,
                             fh_mut fh_err *err);
FH_FALLIBLE fh_json_each_value(fh_mut fh_json_each *e, fh_json_token key, fh_out fh_view(*1, 2) fh_json_member *out,
                               fh_mut fh_err *err);

/* --- a whole object ----------------------------------------------------------------------------------------------------- */

/* The members in the order of the text. */
typedef struct fh_json_object {
    fh_json_member member[FH_JSON_MEMBERS_MAX];
    size_t count, offset_bytes;
} fh_json_object;

/* Reads an object. FH_CORRUPT for anything else, and for a key that comes twice; FH_LIMIT. Keys are compared as they are
 * written: one with an escape in it is found by nobody. */
FH_FALLIBLE fh_json_object_read(fh_span text, size_t offset_bytes, fh_out fh_view(1) fh_json_object *out, fh_mut fh_err *err);
/* The member of that key, or NULL. */
FH_API fh_or_null const fh_json_member *fh_json_object_find(fh_ref const fh_json_object *o, fh_ref const char *key) fh_view(1);
/* The member of that key, which has to be there: FH_CORRUPT. */
FH_FALLIBLE fh_json_object_need(fh_ref const fh_json_object *o, fh_ref const char *key,
                                fh_out fh_view(1) fh_json_member *out, fh_mut fh_err *err);
/* True if the key is absent or null. */
FH_API bool fh_json_object_is_null(fh_ref const fh_json_object *o, fh_ref const char *key);
/* True if the value of that key is the string `value`, written without escapes. */
FH_API bool fh_json_object_is(fh_ref const fh_json_object *o, fh_ref const char *key, fh_ref const char *value);

/* A value of a kind: `absent` where the key is absent or null; FH_CORRUPT for another kind, FH_LIMIT where it does not fit. */
FH_FALLIBLE fh_json_object_bool(fh_ref const fh_json_object *o, fh_ref const char *key, bool absent, fh_out bool *out,
                                fh_mut fh_err *err);
FH_FALLIBLE fh_json_object_u64(fh_ref const fh_json_object *o, fh_ref const char *key, uint64_t absent, fh_out uint64_t *out,
                               fh_mut fh_err *err);
FH_FALLIBLE fh_json_object_f64(fh_ref const fh_json_object *o, fh_ref const char *key, double absent, fh_out double *out,
                               fh_mut fh_err *err);
/* Appends a string, escapes undone; *found is false where the key is absent or null. */
FH_FALLIBLE fh_json_object_text(fh_ref const fh_json_object *o, fh_ref const char *key, fh_mut fh_buf *out, fh_out bool *found,
                                fh_mut fh_err *err);

FH_EXTERN_END
#endif
