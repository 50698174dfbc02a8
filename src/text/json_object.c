/* json_object.c: one level of a JSON value, member by member.
 *
 * The walk is the pull reader (json.c) with each value skipped; what it skipped is the member's text. Invariant: the reader
 * stands between two members of the outermost level. Threading: values. */
#include "freehold/json_object.h"

static const char *kind_name(fh_json_kind kind) {
    return kind == FH_JSON_OBJECT ? "an object" : "an array";
}

fh_status fh_json_each_init(fh_json_each *e, fh_span text, size_t offset_bytes, fh_json_kind kind, fh_err *err) {
    FH_ASSERT(kind == FH_JSON_OBJECT || kind == FH_JSON_ARRAY);
    fh_json_token t;
    fh_json_init_at(&e->j, text, offset_bytes);
    FH_TRY(fh_json_next(&e->j, &t, err));
    if (t.kind != kind)
        return fh_fail(err, FH_CORRUPT, t.offset_bytes, "JSON value at byte %zu is not %s", t.offset_bytes, kind_name(kind));
    return FH_DONE;
}

fh_status fh_json_each_key(fh_json_each *e, fh_json_token *out, bool *more, fh_err *err) {
    *more = false;
    FH_TRY(fh_json_next(&e->j, out, err));
    *more = out->kind == FH_JSON_KEY;
    return *more ? FH_DONE : fh_json_next(&e->j, out, err); /* the end of the text */
}

/* A member whose value begins with the token that was just read. */
static fh_status read_rest(fh_json_each *e, fh_json_token key, fh_json_token first,
                           fh_out fh_view(*1, 2, 3) fh_json_member *out, fh_err *err) {
    *out = (fh_json_member){.offset_bytes = 0};
    FH_TRY(fh_json_skip(&e->j, first, err));
    size_t from = first.offset_bytes - e->j.base;
    *out = (fh_json_member){key, first, fh_span_sub(e->j.text, from, e->j.at - from), first.offset_bytes};
    return FH_DONE;
}

fh_status fh_json_each_value(fh_json_each *e, fh_json_token key, fh_json_member *out, fh_err *err) {
    fh_json_token first;
    *out = (fh_json_member){.offset_bytes = 0};
    FH_TRY(fh_json_next(&e->j, &first, err));
    return read_rest(e, key, first, out, err);
}

fh_status fh_json_each_next(fh_json_each *e, fh_json_member *out, bool *more, fh_err *err) {
    *out = (fh_json_member){.offset_bytes = 0};
    *more = false;
    fh_json_token t;
    FH_TRY(fh_json_next(&e->j, &t, err));
    if (t.kind == FH_JSON_OBJECT_END || t.kind == FH_JSON_ARRAY_END)
        return fh_json_next(&e->j, &t, err); /* the end of the text */
    *more = true;
    fh_status s = t.kind == FH_JSON_KEY ? fh_json_each_value(e, t, out, err)
                                        : read_rest(e, (fh_json_token){.offset_bytes = 0}, t, out, err);
    *more = !fh_failed(s);
    return s;
}

fh_status fh_json_object_read(fh_span text, size_t offset_bytes, fh_json_object *out, fh_err *err) {
    *out = (fh_json_object){.offset_bytes = offset_bytes};
    fh_json_object o = {.offset_bytes = offset_bytes};
    fh_json_each e;
    FH_TRY(fh_json_each_init(&e, text, offset_bytes, FH_JSON_OBJECT, err));
    for (;;) {
        fh_json_member m;
        bool more;
        FH_TRY(fh_json_each_next(&e, &m, &more, err));
        if (!more)
            break;
        if (o.count == FH_JSON_MEMBERS_MAX)
            return fh_fail(err, FH_LIMIT, m.key.offset_bytes, "JSON object has more than %d members at byte %zu",
                           FH_JSON_MEMBERS_MAX, m.key.offset_bytes);
        for (size_t i = 0; i < o.count; i++)
            if (fh_span_equal(o.member[i].key.raw, m.key.raw))
                return fh_fail(err, FH_CORRUPT, m.key.offset_bytes, "JSON object has \"%.*s\" a second time at byte %zu",
                               FH_SPAN_FMT(m.key.raw), m.key.offset_bytes);
        o.member[o.count++] = m;
    }
    *out = o;
    return FH_DONE;
}

const fh_json_member *fh_json_object_find(const fh_json_object *o, const char *key) {
    for (size_t i = 0; i < o->count && i < FH_JSON_MEMBERS_MAX; i++)
        if (fh_span_is(o->member[i].key.raw, key))
            return &o->member[i];
    return NULL;
}

fh_status fh_json_object_need(const fh_json_object *o, const char *key, fh_json_member *out, fh_err *err) {
    *out = (fh_json_member){.offset_bytes = 0};
    const fh_json_member *m = fh_json_object_find(o, key);
    if (m == NULL)
        return fh_fail(err, FH_CORRUPT, o->offset_bytes, "JSON object at byte %zu lacks the key \"%s\"", o->offset_bytes, key);
    *out = *m;
    return FH_DONE;
}

/* The member of a key unless its value is null. */
static fh_or_null const fh_json_member *value_of(fh_ref const fh_json_object *o, fh_ref const char *key) fh_view(1) {
    const fh_json_member *m = fh_json_object_find(o, key);
    return m == NULL || m->first.kind == FH_JSON_NULL ? NULL : m;
}

bool fh_json_object_is_null(const fh_json_object *o, const char *key) {
    return value_of(o, key) == NULL;
}

bool fh_json_object_is(const fh_json_object *o, const char *key, const char *value) {
    const fh_json_member *m = fh_json_object_find(o, key);
    return m != NULL && m->first.kind == FH_JSON_STRING && fh_span_is(m->first.raw, value);
}

static fh_status expected(const fh_json_member *m, const char *key, const char *what, fh_err *err) {
    return fh_fail(err, FH_CORRUPT, m->offset_bytes, "JSON value of \"%s\" at byte %zu: expected %s", key, m->offset_bytes,
                   what);
}

fh_status fh_json_object_bool(const fh_json_object *o, const char *key, bool absent, bool *out, fh_err *err) {
    *out = absent;
    const fh_json_member *m = value_of(o, key);
    if (m == NULL)
        return FH_DONE;
    if (m->first.kind != FH_JSON_TRUE && m->first.kind != FH_JSON_FALSE)
        return expected(m, key, "true or false", err);
    *out = m->first.kind == FH_JSON_TRUE;
    return FH_DONE;
}

fh_status fh_json_object_u64(const fh_json_object *o, const char *key, uint64_t absent, uint64_t *out, fh_err *err) {
    *out = absent;
    const fh_json_member *m = value_of(o, key);
    if (m == NULL)
        return FH_DONE;
    if (m->first.kind != FH_JSON_NUMBER)
        return expected(m, key, "a number", err);
    int64_t v;
    FH_TRY(fh_json_i64(m->first, &v, err));
    if (v < 0)
        return expected(m, key, "a number that is not negative", err);
    *out = (uint64_t)v;
    return FH_DONE;
}

fh_status fh_json_object_f64(const fh_json_object *o, const char *key, double absent, double *out, fh_err *err) {
    *out = absent;
    const fh_json_member *m = value_of(o, key);
    if (m == NULL)
        return FH_DONE;
    if (m->first.kind != FH_JSON_NUMBER)
        return expected(m, key, "a number", err);
    double v;
    FH_TRY(fh_json_f64(m->first, &v, err));
    *out = v;
    return FH_DONE;
}

fh_status fh_json_object_text(const fh_json_object *o, const char *key, fh_buf *out, bool *found, fh_err *err) {
    *found = false;
    const fh_json_member *m = value_of(o, key);
    if (m == NULL)
        return FH_DONE;
    if (m->first.kind != FH_JSON_STRING)
        return expected(m, key, "a string", err);
    FH_TRY(fh_json_text(m->first, out, err));
    *found = true;
    return FH_DONE;
}
