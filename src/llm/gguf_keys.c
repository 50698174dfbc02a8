/* gguf_keys.c: typed access to the values of an open GGUF file.
 *
 * A value is read from the file's bytes each time it is asked for; nothing is kept. fh_gguf_open has checked that all of it
 * lies in the file, so the reads here cannot miss; what is refused here is a value of another type, or one that does not fit.
 *
 * Threading: pure functions of an immutable file. */
#include "llm/gguf_file.h"

#include "freehold/checked.h"
#include "freehold/hash.h"

const char *fh_gguf_value_name(fh_gguf_type t) {
    static const char *const names[FH_GGUF_TYPE_COUNT] = {
        [FH_GGUF_U8] = "u8",         [FH_GGUF_I8] = "i8",       [FH_GGUF_U16] = "u16", [FH_GGUF_I16] = "i16",
        [FH_GGUF_U32] = "u32",       [FH_GGUF_I32] = "i32",     [FH_GGUF_F32] = "f32", [FH_GGUF_BOOL] = "bool",
        [FH_GGUF_STRING] = "string", [FH_GGUF_ARRAY] = "array", [FH_GGUF_U64] = "u64", [FH_GGUF_I64] = "i64",
        [FH_GGUF_F64] = "f64"};
    return (unsigned)t < FH_GGUF_TYPE_COUNT ? names[t] : "unknown";
}

/* --- numbers -------------------------------------------------------------------------------------------------------- */

/* A number of any type, told apart by how it is to be compared. */
typedef struct number {
    enum { UNSIGNED, SIGNED, FLOATING } kind;
    uint64_t u;
    int64_t i;
    double f;
} number;

/* The two's complement number in the low `bits` bits. */
static int64_t sign_extend(uint64_t v, unsigned bits) {
    uint64_t sign = UINT64_C(1) << (bits - 1);
    return (int64_t)((v ^ sign) - sign);
}

/* Element i of a key; the type is one of fixed size. */
static number number_at(const fh_gguf *g, const fh_gguf_key *key, uint64_t i) {
    uint64_t each = fh_gguf_value_bytes(key->item);
    fh_span at = fh_span_sub(g->bytes.span, (size_t)(key->offset_bytes + i * each), (size_t)each);
    uint64_t raw = 0;
    for (size_t b = at.size; b > 0; b--)
        raw = raw << 8 | fh_span_at(at, b - 1);
    switch (key->item) {
    case FH_GGUF_I8:
    case FH_GGUF_I16:
    case FH_GGUF_I32:
    case FH_GGUF_I64:
        return (number){.kind = SIGNED, .i = sign_extend(raw, (unsigned)(8 * each))};
    case FH_GGUF_F32:
        return (number){.kind = FLOATING, .f = (double)fh_f32_of_bits((uint32_t)raw)};
    case FH_GGUF_F64:
        return (number){.kind = FLOATING, .f = fh_f64_of_bits(raw)};
    case FH_GGUF_U8:
    case FH_GGUF_U16:
    case FH_GGUF_U32:
    case FH_GGUF_U64:
    case FH_GGUF_BOOL:
    case FH_GGUF_STRING:
    case FH_GGUF_ARRAY:
    case FH_GGUF_TYPE_COUNT:
        break;
    }
    return (number){.kind = UNSIGNED, .u = raw};
}

static fh_status wrong_type(const fh_gguf_key *key, const char *expected, fh_err *err) {
    bool array = key->type == FH_GGUF_ARRAY;
    return FH_GGUF_FAIL(err, FH_CORRUPT, key->offset_bytes, "key \"%.*s\" has type %s%s, expected %s", FH_GGUF_NAME(key->name),
                        array ? "array of " : "", fh_gguf_value_name(key->item), expected);
}

/* Reads element i as a number if the key has numbers and so many of them. */
static fh_status number_get(const fh_gguf *g, const fh_gguf_key *key, uint64_t i, const char *expected, number *out,
                            fh_err *err) {
    if (fh_gguf_value_bytes(key->item) == 0)
        return wrong_type(key, expected, err);
    if (i >= key->count)
        return FH_GGUF_FAIL(err, FH_INVALID, key->offset_bytes, "key \"%.*s\" has %" PRIu64 " elements, expected more than %"
                            PRIu64, FH_GGUF_NAME(key->name), key->count, i);
    *out = number_at(g, key, i);
    return FH_DONE;
}

fh_status fh_gguf_item_u64(const fh_gguf *g, fh_gguf_key key, uint64_t i, uint64_t *out, fh_err *err) {
    number n = {.u = 0};
    *out = 0;
    FH_TRY(number_get(g, &key, i, "an integer", &n, err));
    if (n.kind == FLOATING)
        return wrong_type(&key, "an integer", err);
    if (n.kind == SIGNED && n.i < 0)
        return FH_GGUF_FAIL(err, FH_CORRUPT, key.offset_bytes, "key \"%.*s\" is %" PRId64 ", expected at least 0",
                            FH_GGUF_NAME(key.name), n.i);
    *out = n.kind == SIGNED ? (uint64_t)n.i : n.u;
    return FH_DONE;
}

fh_status fh_gguf_item_i64(const fh_gguf *g, fh_gguf_key key, uint64_t i, int64_t *out, fh_err *err) {
    number n = {.u = 0};
    *out = 0;
    FH_TRY(number_get(g, &key, i, "an integer", &n, err));
    if (n.kind == FLOATING)
        return wrong_type(&key, "an integer", err);
    if (n.kind == UNSIGNED && n.u > INT64_MAX)
        return FH_GGUF_FAIL(err, FH_CORRUPT, key.offset_bytes, "key \"%.*s\" is %" PRIu64 ", expected at most %" PRId64,
                            FH_GGUF_NAME(key.name), n.u, INT64_MAX);
    *out = n.kind == SIGNED ? n.i : (int64_t)n.u;
    return FH_DONE;
}

fh_status fh_gguf_item_f64(const fh_gguf *g, fh_gguf_key key, uint64_t i, double *out, fh_err *err) {
    number n = {.u = 0};
    *out = 0;
    FH_TRY(number_get(g, &key, i, "a number", &n, err));
    *out = n.kind == FLOATING ? n.f : n.kind == SIGNED ? (double)n.i : (double)n.u;
    return FH_DONE;
}

/* --- by name -------------------------------------------------------------------------------------------------------- */

/* The key; FH_NOT_FOUND names it. */
static fh_status find(const fh_gguf *g, const char *name, fh_out fh_view(1) fh_gguf_key *out, fh_err *err) {
    if (!fh_gguf_find(g, name, out))
        return fh_fail(err, FH_NOT_FOUND, FH_NO_OFFSET, "key \"%s\" is missing", name);
    return FH_DONE;
}

fh_status fh_gguf_u64(const fh_gguf *g, const char *name, uint64_t *out, fh_err *err) {
    fh_gguf_key key;
    *out = 0;
    FH_TRY(find(g, name, &key, err));
    if (key.type == FH_GGUF_ARRAY || key.type == FH_GGUF_BOOL)
        return wrong_type(&key, "an integer", err);
    return fh_gguf_item_u64(g, key, 0, out, err);
}

fh_status fh_gguf_f64(const fh_gguf *g, const char *name, double *out, fh_err *err) {
    fh_gguf_key key;
    *out = 0;
    FH_TRY(find(g, name, &key, err));
    if (key.type == FH_GGUF_ARRAY || key.type == FH_GGUF_BOOL)
        return wrong_type(&key, "a number", err);
    return fh_gguf_item_f64(g, key, 0, out, err);
}

fh_status fh_gguf_bool(const fh_gguf *g, const char *name, bool *out, fh_err *err) {
    fh_gguf_key key;
    *out = false;
    FH_TRY(find(g, name, &key, err));
    if (key.type != FH_GGUF_BOOL)
        return wrong_type(&key, "bool", err);
    *out = fh_span_at(g->bytes.span, (size_t)key.offset_bytes) == 1;
    return FH_DONE;
}

/* --- text ----------------------------------------------------------------------------------------------------------- */

/* The string at `at`, which fh_gguf_open has seen; *next is the place behind it. */
static fh_span text_at(const fh_gguf *g, size_t at, fh_out size_t *next) fh_view(1);
static fh_span text_at(const fh_gguf *g, size_t at, size_t *next) {
    size_t size = (size_t)fh_span_u64(g->bytes.span, at);
    *next = at + 8 + size;
    return fh_span_sub(g->bytes.span, at + 8, size);
}

fh_status fh_gguf_key_text(const fh_gguf *g, const fh_gguf_key *key, fh_span *out, fh_err *err) {
    size_t next;
    *out = (fh_span){NULL, 0};
    if (key->type != FH_GGUF_STRING)
        return wrong_type(key, "string", err);
    *out = text_at(g, (size_t)key->offset_bytes, &next);
    return FH_DONE;
}

fh_status fh_gguf_text(const fh_gguf *g, const char *name, fh_span *out, fh_err *err) {
    fh_gguf_key key;
    *out = (fh_span){NULL, 0};
    FH_TRY(find(g, name, &key, err));
    return fh_gguf_key_text(g, &key, out, err);
}

fh_status fh_gguf_texts(const fh_gguf *g, fh_gguf_key key, fh_allocator *a, fh_views *out, fh_err *err) {
    *out = (fh_views){NULL, 0};
    if (key.type != FH_GGUF_ARRAY || key.item != FH_GGUF_STRING)
        return wrong_type(&key, "array of string", err);
    fh_status status = fh_views_new(a, (size_t)key.count, out);
    if (fh_failed(status))
        return fh_fail(err, status.code, FH_NO_OFFSET, "no memory for the %" PRIu64 " strings of key \"%.*s\"", key.count,
                       FH_GGUF_NAME(key.name));
    size_t at = (size_t)key.offset_bytes;
    for (size_t i = 0; i < out->count; i++)
        fh_views_set(*out, i, text_at(g, at, &at));
    return FH_DONE;
}
