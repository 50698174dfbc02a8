/* gguf.c: opening a GGUF file: one walk over its header with a cursor that cannot leave the file.
 *
 * Layout (ggml docs/gguf.md): "GGUF", version, tensor count, key count; then the keys (name, type, value), then the tensors'
 * descriptions (name, dimensions, type, offset into the data section), then padding, then the data section.
 *
 * What is accepted: versions 2 and 3, little-endian; general.alignment a power of two from 8 to 65536 (32 if absent); keys and
 * names of 1 to 65535 bytes without NUL, each once; arrays of anything but arrays; tensors of 1 to 4 dimensions of at least 1,
 * in any order, with gaps, without overlap. Bytes after the last tensor are ignored.
 *
 * Invariants: a count is believed only as far as the bytes that are left could hold it, before anything is allocated for it;
 * memory is at most 4 times the file's size and a constant (44 bytes a key, which takes at least 14 in the file; 96 a tensor,
 * which takes at least 33). Time is near linear: names are sorted, not hashed (gguf_file.h).
 *
 * Threading: pure; the result is immutable. */
#include "llm/gguf_file.h"

#include "freehold/checked.h"

enum {
    HEADER_BYTES = 24,     /* magic, version, two counts */
    KEY_BYTES_MIN = 14,    /* length, one byte of name, type, one byte of value */
    TENSOR_BYTES_MIN = 33, /* length, one byte of name, dimensions, one dimension, type, offset */
    NAME_BYTES_MAX = 65535 /* as in the format's description */
};

/* Elements and bytes of a block of each type that has a name in GGUF (ggml/src/ggml-common.h): sizes are needed to check
 * extents, also of tensors that Freehold does not compute with. Types that were withdrawn have none. */
typedef struct block_size {
    uint32_t id, elements, bytes;
} block_size;
static const block_size block_sizes[] = {
    {0, 1, 4},      {1, 1, 2},      {2, 32, 18},    {3, 32, 20},    {6, 32, 22},    {7, 32, 24},    {8, 32, 34},
    {9, 32, 36},    {10, 256, 84},  {11, 256, 110}, {12, 256, 144}, {13, 256, 176}, {14, 256, 210}, {15, 256, 292},
    {16, 256, 66},  {17, 256, 74},  {18, 256, 98},  {19, 256, 50},  {20, 32, 18},   {21, 256, 110}, {22, 256, 82},
    {23, 256, 136}, {24, 1, 1},     {25, 1, 2},     {26, 1, 4},     {27, 1, 8},     {28, 1, 8},     {29, 256, 56},
    {30, 1, 2},     {34, 256, 54},  {35, 256, 66},  {39, 32, 17},   {40, 64, 36},   {41, 128, 18},  {42, 64, 18},
};
enum { BLOCK_SIZES = sizeof block_sizes / sizeof *block_sizes };

/* --- the cursor ----------------------------------------------------------------------------------------------------- */

/* A place in the file, and what is being read there, for messages: "key 3", "tensor 0". */
typedef struct cursor {
    fh_span file;
    size_t at;
    const char *thing;
    uint64_t number;
    fh_err *err;
} cursor;

/*@ predicate inside(cursor *c) = \valid_read(c) && readable(c->file) && c->at <= c->file.size; */

/*@ requires inside(c); assigns \nothing; ensures \result == c->file.size - c->at; */
static uint64_t left(const cursor *c) {
    return c->file.size - c->at;
}

/* The next `count` bytes. */
/*@ requires inside(c) && \valid(&c->at) && \valid(out) && \separated(c, out, c->err); assigns c->at, *out, *c->err;
    ensures c->at <= c->file.size;
    ensures \result.code == FH_OK ==> readable(*out) && out->size == count && c->at == \old(c->at) + count;
    ensures \result.code != FH_OK ==> c->at == \old(c->at); */
static fh_status take(cursor *c, uint64_t count, const char *what, fh_out fh_view(*1) fh_span *out) {
    if (count > left(c))
        return FH_GGUF_FAIL(c->err, FH_CORRUPT, c->at, "%s %" PRIu64 ": the file ends inside %s: %" PRIu64
                            " bytes are left, expected at least %" PRIu64, c->thing, c->number, what, left(c), count);
    *out = fh_span_sub(c->file, c->at, (size_t)count);
    c->at += (size_t)count;
    return FH_DONE;
}

static fh_status take_u32(cursor *c, const char *what, fh_out uint32_t *out) {
    fh_span bytes;
    FH_TRY(take(c, 4, what, &bytes));
    *out = fh_span_u32(bytes, 0);
    return FH_DONE;
}

static fh_status take_u64(cursor *c, const char *what, fh_out uint64_t *out) {
    fh_span bytes;
    FH_TRY(take(c, 8, what, &bytes));
    *out = fh_span_u64(bytes, 0);
    return FH_DONE;
}

/* A length and so many bytes. */
static fh_status take_text(cursor *c, const char *what, fh_out fh_view(*1) fh_span *out) {
    uint64_t size;
    FH_TRY(take_u64(c, what, &size));
    return take(c, size, what, out);
}

/* A name: text of 1 to NAME_BYTES_MAX bytes without NUL, so that no reader can take it for a shorter one. */
static fh_status take_name(cursor *c, fh_out fh_view(*1) fh_span *out) {
    size_t at = c->at;
    uint64_t size;
    FH_TRY(take_u64(c, "its name", &size));
    if (size == 0 || size > NAME_BYTES_MAX)
        return FH_GGUF_FAIL(c->err, size == 0 ? FH_CORRUPT : FH_LIMIT, at, "%s %" PRIu64 ": its name has %" PRIu64
                            " bytes, expected 1 to %d", c->thing, c->number, size, NAME_BYTES_MAX);
    FH_TRY(take(c, size, "its name", out));
    size_t nul = fh_span_find(*out, FH_LIT("\0"), 0);
    if (nul != SIZE_MAX)
        return FH_GGUF_FAIL(c->err, FH_CORRUPT, at + 8 + nul, "%s %" PRIu64 ": its name has a NUL byte", c->thing, c->number);
    return FH_DONE;
}

/* --- order ---------------------------------------------------------------------------------------------------------- */

/* Restores the heap below `root` among the first `count` elements. */
static void sift(fh_u32s order, size_t root, size_t count, fh_less_fn *less, const void *ctx) {
    uint32_t moved = fh_u32s_get(order, root);
    for (size_t child = 2 * root + 1; child < count; child = 2 * root + 1) {
        if (child + 1 < count && less(ctx, fh_u32s_get(order, child), fh_u32s_get(order, child + 1)))
            child++;
        if (!less(ctx, moved, fh_u32s_get(order, child)))
            break;
        fh_u32s_set(order, root, fh_u32s_get(order, child));
        root = child;
    }
    fh_u32s_set(order, root, moved);
}

void fh_order_sort(fh_u32s order, fh_less_fn *less, const void *ctx) {
    for (size_t i = 0; i < order.count; i++)
        fh_u32s_set(order, i, (uint32_t)i);
    for (size_t i = order.count / 2; i > 0; i--)
        sift(order, i - 1, order.count, less, ctx);
    for (size_t count = order.count; count > 1; count--) {
        uint32_t largest = fh_u32s_get(order, 0);
        fh_u32s_set(order, 0, fh_u32s_get(order, count - 1));
        fh_u32s_set(order, count - 1, largest);
        sift(order, 0, count - 1, less, ctx);
    }
}

static fh_span key_name(const fh_gguf *g, uint32_t i) {
    return fh_gguf_keys_at(g->keys, i)->name;
}

static fh_span tensor_name(const fh_gguf *g, uint32_t i) {
    return fh_gguf_tensors_at(g->tensors, i)->name;
}

static bool key_less(const void *ctx, uint32_t a, uint32_t b) {
    return fh_span_compare(key_name(ctx, a), key_name(ctx, b)) < 0;
}

static bool tensor_less(const void *ctx, uint32_t a, uint32_t b) {
    return fh_span_compare(tensor_name(ctx, a), tensor_name(ctx, b)) < 0;
}

static bool extent_less(const void *ctx, uint32_t a, uint32_t b) {
    const fh_gguf *g = ctx;
    return fh_gguf_tensors_at(g->tensors, a)->offset_bytes < fh_gguf_tensors_at(g->tensors, b)->offset_bytes;
}

/* The element whose name is `name` in a sorted order; false when there is none. */
static bool search(const fh_gguf *g, fh_u32s order, fh_span (*name_of)(const fh_gguf *, uint32_t), fh_span name,
                   fh_out uint32_t *out) {
    size_t from = 0, to = order.count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        uint32_t i = fh_u32s_get(order, middle);
        int where = fh_span_compare(name, name_of(g, i));
        if (where == 0) {
            *out = i;
            return true;
        }
        if (where < 0)
            to = middle;
        else
            from = middle + 1;
    }
    return false;
}

/* --- keys ----------------------------------------------------------------------------------------------------------- */

uint64_t fh_gguf_value_bytes(fh_gguf_type t) {
    static const uint8_t bytes[FH_GGUF_TYPE_COUNT] = {
        [FH_GGUF_U8] = 1,  [FH_GGUF_I8] = 1,  [FH_GGUF_U16] = 2,  [FH_GGUF_I16] = 2, [FH_GGUF_U32] = 4, [FH_GGUF_I32] = 4,
        [FH_GGUF_F32] = 4, [FH_GGUF_BOOL] = 1, [FH_GGUF_U64] = 8, [FH_GGUF_I64] = 8, [FH_GGUF_F64] = 8};
    return (unsigned)t < FH_GGUF_TYPE_COUNT ? bytes[t] : 0;
}

static fh_status take_type(cursor *c, fh_span name, const char *what, fh_gguf_type *out) {
    size_t at = c->at;
    uint32_t id;
    FH_TRY(take_u32(c, what, &id));
    if (id >= FH_GGUF_TYPE_COUNT)
        return FH_GGUF_FAIL(c->err, FH_CORRUPT, at, "key \"%.*s\": %s is %" PRIu32 ", expected 0 to %d",
                            FH_GGUF_NAME(name), what, id, FH_GGUF_TYPE_COUNT - 1);
    *out = (fh_gguf_type)id;
    return FH_DONE;
}

/* Steps over `count` values of one type and checks what can be wrong in them. */
static fh_status skip_values(cursor *c, const fh_gguf_key *key, fh_gguf_type type, uint64_t count) {
    fh_span bytes;
    uint64_t each = type == FH_GGUF_STRING ? 8 : fh_gguf_value_bytes(type), total;
    if (!fh_mul_u64(count, each, &total) || total > left(c))
        return FH_GGUF_FAIL(c->err, FH_CORRUPT, c->at, "key \"%.*s\": %" PRIu64 " values of type %s, but %" PRIu64
                            " bytes are left in the file", FH_GGUF_NAME(key->name), count, fh_gguf_value_name(type), left(c));
    if (type == FH_GGUF_STRING) {
        for (uint64_t i = 0; i < count; i++)
            FH_TRY(take_text(c, "a string", &bytes));
        return FH_DONE;
    }
    size_t at = c->at;
    FH_TRY(take(c, total, "its values", &bytes));
    for (size_t i = 0; type == FH_GGUF_BOOL && i < bytes.size; i++)
        if (fh_span_at(bytes, i) > 1)
            return FH_GGUF_FAIL(c->err, FH_CORRUPT, at + i, "key \"%.*s\": a bool is %u, expected 0 or 1",
                                FH_GGUF_NAME(key->name), (unsigned)fh_span_at(bytes, i));
    return FH_DONE;
}

static fh_status read_key(cursor *c, fh_mut fh_view(*1) fh_gguf_key *key) {
    FH_TRY(take_name(c, &key->name));
    FH_TRY(take_type(c, key->name, "its type", &key->type));
    key->item = key->type;
    key->count = 1;
    if (key->type == FH_GGUF_ARRAY) {
        size_t at = c->at;
        FH_TRY(take_type(c, key->name, "its element type", &key->item));
        if (key->item == FH_GGUF_ARRAY)
            return FH_GGUF_FAIL(c->err, FH_UNSUPPORTED, at, "key \"%.*s\": arrays of arrays are not supported",
                                FH_GGUF_NAME(key->name));
        FH_TRY(take_u64(c, "its element count", &key->count));
    }
    key->offset_bytes = c->at;
    return skip_values(c, key, key->item, key->count);
}

/* Reads all keys and orders them; duplicates are refused. */
static fh_status read_keys(fh_gguf *g, cursor *c, uint64_t count) {
    FH_TRY(fh_gguf_keys_new(g->allocator, (size_t)count, &g->keys));
    FH_TRY(fh_u32s_new(g->allocator, (size_t)count, &g->keys_by_name));
    c->thing = "key";
    for (c->number = 0; c->number < count; c->number++)
        FH_TRY(read_key(c, fh_gguf_keys_at(g->keys, (size_t)c->number)));
    fh_order_sort(g->keys_by_name, key_less, g);
    for (size_t i = 1; i < g->keys_by_name.count; i++) {
        uint32_t a = fh_u32s_get(g->keys_by_name, i - 1), b = fh_u32s_get(g->keys_by_name, i);
        if (fh_span_equal(key_name(g, a), key_name(g, b)))
            return FH_GGUF_FAIL(c->err, FH_CORRUPT, fh_gguf_keys_at(g->keys, a > b ? a : b)->offset_bytes,
                                "key \"%.*s\" is there twice", FH_GGUF_NAME(key_name(g, a)));
    }
    return FH_DONE;
}

static fh_status read_alignment(fh_gguf *g, fh_err *err) {
    fh_gguf_key key;
    g->alignment = FH_GGUF_ALIGNMENT;
    if (!fh_gguf_find(g, "general.alignment", &key))
        return FH_DONE;
    if (key.type != FH_GGUF_U32)
        return FH_GGUF_FAIL(err, FH_CORRUPT, key.offset_bytes, "general.alignment has type %s, expected u32",
                            fh_gguf_value_name(key.type));
    g->alignment = fh_span_u32(g->bytes.span, (size_t)key.offset_bytes);
    if (g->alignment < FH_GGUF_ALIGNMENT_MIN || g->alignment > FH_GGUF_ALIGNMENT_MAX ||
        (g->alignment & (g->alignment - 1)) != 0)
        return FH_GGUF_FAIL(err, FH_CORRUPT, key.offset_bytes, "general.alignment is %" PRIu64
                            ", expected a power of two from %d to %d", g->alignment, FH_GGUF_ALIGNMENT_MIN,
                            FH_GGUF_ALIGNMENT_MAX);
    return FH_DONE;
}

/* --- tensors -------------------------------------------------------------------------------------------------------- */

/* *elements times one more dimension, if that is at least 1 and the product at most INT64_MAX. */
/*@ requires \valid(elements) && 1 <= *elements <= INT64_MAX; assigns *elements;
    ensures \result <==> dim >= 1 && \old(*elements) * dim <= INT64_MAX;
    ensures *elements == (\result ? \old(*elements) * dim : \old(*elements)); */
static bool grow(uint64_t *elements, uint64_t dim) {
    if (dim < 1 || dim > (uint64_t)INT64_MAX / *elements)
        return false;
    *elements *= dim;
    return true;
}

static fh_status read_dims(cursor *c, fh_gguf_tensor *t) {
    size_t at = c->at;
    FH_TRY(take_u32(c, "its dimensions", &t->dims));
    if (t->dims < 1 || t->dims > FH_GGUF_DIMS_MAX)
        return FH_GGUF_FAIL(c->err, FH_CORRUPT, at, "tensor \"%.*s\": has %" PRIu32 " dimensions, expected 1 to %d",
                            FH_GGUF_NAME(t->name), t->dims, FH_GGUF_DIMS_MAX);
    uint64_t elements = 1;
    for (uint32_t i = 0; i < FH_GGUF_DIMS_MAX; i++) {
        t->dim[i] = 1;
        at = c->at;
        if (i < t->dims)
            FH_TRY(take_u64(c, "its dimensions", &t->dim[i]));
        uint64_t most = (uint64_t)INT64_MAX / elements;
        if (!grow(&elements, t->dim[i]))
            return FH_GGUF_FAIL(c->err, FH_CORRUPT, at, "tensor \"%.*s\": dimension %" PRIu32 " is %" PRIu64
                                ", expected 1 to %" PRIu64, FH_GGUF_NAME(t->name), i, t->dim[i], most);
    }
    return FH_DONE;
}

/* The size of a tensor from its type; 0 for a type that has a name but no size that is known here. */
static fh_status read_type(cursor *c, fh_gguf_tensor *t) {
    size_t at = c->at;
    FH_TRY(take_u32(c, "its type", &t->type_id));
    const char *name = fh_gguf_type_name(t->type_id);
    if (name == NULL)
        return FH_GGUF_FAIL(c->err, FH_UNSUPPORTED, at, "tensor \"%.*s\": type %" PRIu32 " is no tensor type of GGUF",
                            FH_GGUF_NAME(t->name), t->type_id);
    t->known = fh_dtype_of_gguf(t->type_id, &t->dtype);
    for (size_t i = 0; i < BLOCK_SIZES; i++) {
        const block_size *b = &block_sizes[i];
        if (b->id != t->type_id)
            continue;
        if (t->dim[0] % b->elements != 0)
            return FH_GGUF_FAIL(c->err, FH_CORRUPT, at, "tensor \"%.*s\": rows of %" PRIu64
                                " elements, expected a multiple of %" PRIu32 " for type %s", FH_GGUF_NAME(t->name), t->dim[0],
                                b->elements, name);
        /* No overflow yet: the product of the dimensions is at most INT64_MAX. */
        uint64_t blocks = t->dim[0] / b->elements * t->dim[1] * t->dim[2] * t->dim[3];
        if (!fh_mul_u64(blocks, b->bytes, &t->size_bytes) || t->size_bytes > c->file.size)
            return FH_GGUF_FAIL(c->err, FH_CORRUPT, at, "tensor \"%.*s\": its %" PRIu64
                                " blocks of type %s are more than the file's %zu bytes", FH_GGUF_NAME(t->name), blocks, name,
                                c->file.size);
    }
    return FH_DONE;
}

static fh_status read_tensor(cursor *c, fh_mut fh_view(*1) fh_gguf_tensor *t) {
    t->info_bytes = c->at;
    FH_TRY(take_name(c, &t->name));
    FH_TRY(read_dims(c, t));
    FH_TRY(read_type(c, t));
    return take_u64(c, "its offset", &t->offset_bytes); /* from the data section, which nobody knows yet where it begins */
}

/* True if `count` bytes from `from` lie within `size` bytes. */
/*@ assigns \nothing; ensures \result <==> from + count <= size; */
static bool fits(uint64_t from, uint64_t count, uint64_t size) {
    return from <= size && count <= size - from;
}

/* Turns offsets into places in the file and checks that they are aligned and inside. */
static fh_status place_tensors(fh_gguf *g, fh_err *err) {
    uint64_t size = g->bytes.span.size, room = size - g->data_at;
    for (size_t i = 0; i < g->tensors.count; i++) {
        fh_gguf_tensor *t = fh_gguf_tensors_at(g->tensors, i);
        if (t->offset_bytes % g->alignment != 0)
            return FH_GGUF_FAIL(err, FH_CORRUPT, t->info_bytes, "tensor \"%.*s\": its data offset %" PRIu64
                                " is no multiple of the alignment %" PRIu64, FH_GGUF_NAME(t->name), t->offset_bytes,
                                g->alignment);
        if (!fits(t->offset_bytes, t->size_bytes, room))
            return FH_GGUF_FAIL(err, FH_CORRUPT, t->info_bytes, "tensor \"%.*s\": its data, %" PRIu64 " bytes from %" PRIu64
                                " of the data section, end after the file; the section has %" PRIu64 " bytes",
                                FH_GGUF_NAME(t->name), t->size_bytes, t->offset_bytes, room);
        t->offset_bytes += g->data_at;
    }
    return FH_DONE;
}

static fh_status check_overlaps(fh_gguf *g, fh_err *err) {
    fh_u32s order;
    FH_TRY(fh_u32s_new(g->allocator, g->tensors.count, &order));
    fh_order_sort(order, extent_less, g);
    fh_status status = FH_DONE;
    for (size_t i = 1; i < order.count && !fh_failed(status); i++) {
        const fh_gguf_tensor *a = fh_gguf_tensors_at(g->tensors, fh_u32s_get(order, i - 1));
        const fh_gguf_tensor *b = fh_gguf_tensors_at(g->tensors, fh_u32s_get(order, i));
        /* A tensor of unknown size ends no earlier than it begins, so it may not share its first byte either. */
        uint64_t size = a->size_bytes > 0 ? a->size_bytes : 1;
        if (b->offset_bytes - a->offset_bytes < size)
            status = FH_GGUF_FAIL(err, FH_CORRUPT, b->info_bytes, "tensors \"%.*s\" and \"%.*s\" overlap in the file",
                                  FH_GGUF_NAME(a->name), FH_GGUF_NAME(b->name));
    }
    fh_u32s_free(g->allocator, &order);
    return status;
}

/* Reads all tensors' descriptions and orders them; duplicates are refused. */
static fh_status read_tensors(fh_gguf *g, cursor *c, uint64_t count) {
    FH_TRY(fh_gguf_tensors_new(g->allocator, (size_t)count, &g->tensors));
    FH_TRY(fh_u32s_new(g->allocator, (size_t)count, &g->tensors_by_name));
    c->thing = "tensor";
    for (c->number = 0; c->number < count; c->number++)
        FH_TRY(read_tensor(c, fh_gguf_tensors_at(g->tensors, (size_t)c->number)));
    fh_order_sort(g->tensors_by_name, tensor_less, g);
    for (size_t i = 1; i < g->tensors_by_name.count; i++) {
        uint32_t a = fh_u32s_get(g->tensors_by_name, i - 1), b = fh_u32s_get(g->tensors_by_name, i);
        if (fh_span_equal(tensor_name(g, a), tensor_name(g, b)))
            return FH_GGUF_FAIL(c->err, FH_CORRUPT, fh_gguf_tensors_at(g->tensors, a > b ? a : b)->info_bytes,
                                "tensor \"%.*s\" is there twice", FH_GGUF_NAME(tensor_name(g, a)));
    }
    /* A file without tensors (a vocabulary alone) may end before the padding. */
    uint64_t size = c->file.size;
    if (!fh_align_up_u64(c->at, g->alignment, &g->data_at) || (g->data_at > size && count > 0))
        return FH_GGUF_FAIL(c->err, FH_CORRUPT, c->at,
                            "the file ends before its tensor data, which begin at the next multiple of %" PRIu64,
                            g->alignment);
    if (g->data_at > size)
        g->data_at = size;
    FH_TRY(place_tensors(g, c->err));
    return check_overlaps(g, c->err);
}

/* --- the file ------------------------------------------------------------------------------------------------------- */

/* Magic, version and the two counts, each checked against what the file could hold. */
static fh_status read_start(cursor *c, uint32_t *version, uint64_t *tensors, uint64_t *keys) {
    if (c->file.size < HEADER_BYTES)
        return FH_GGUF_FAIL(c->err, FH_CORRUPT, 0, "the file has %zu bytes, expected at least %d of a GGUF header",
                            c->file.size, HEADER_BYTES);
    if (!fh_span_starts(c->file, FH_LIT("GGUF")))
        return FH_GGUF_FAIL(c->err, FH_CORRUPT, 0, "the file begins with bytes %02x %02x %02x %02x, expected \"GGUF\"",
                            (unsigned)fh_span_at(c->file, 0), (unsigned)fh_span_at(c->file, 1),
                            (unsigned)fh_span_at(c->file, 2), (unsigned)fh_span_at(c->file, 3));
    *version = fh_span_u32(c->file, 4);
    *tensors = fh_span_u64(c->file, 8);
    *keys = fh_span_u64(c->file, 16);
    c->at = HEADER_BYTES;
    if (*version == UINT32_C(0x02000000) || *version == UINT32_C(0x03000000))
        return FH_GGUF_FAIL(c->err, FH_UNSUPPORTED, 4, "the file is big-endian (version %" PRIu32 "), expected little-endian",
                            *version >> 24);
    if (*version != 2 && *version != 3)
        return FH_GGUF_FAIL(c->err, FH_UNSUPPORTED, 4, "GGUF version %" PRIu32 ", expected 2 or 3", *version);
    if (*tensors > FH_GGUF_TENSORS_MAX || *keys > FH_GGUF_KEYS_MAX)
        return FH_GGUF_FAIL(c->err, FH_LIMIT, 8, "%" PRIu64 " tensors and %" PRIu64 " keys, expected at most %d and %d",
                            *tensors, *keys, FH_GGUF_TENSORS_MAX, FH_GGUF_KEYS_MAX);
    if (*tensors * TENSOR_BYTES_MIN + *keys * KEY_BYTES_MIN > left(c))
        return FH_GGUF_FAIL(c->err, FH_CORRUPT, 8, "%" PRIu64 " tensors and %" PRIu64 " keys do not fit into the %" PRIu64
                            " bytes that follow", *tensors, *keys, left(c));
    return FH_DONE;
}

static fh_status read_file(fh_gguf *g, fh_err *err) {
    fh_auto(fh_bytes_drop) fh_bytes file = fh_bytes_share(g->bytes); /* its bytes stay while g is filled */
    cursor c = {.file = file.span, .thing = "header", .err = err};
    uint64_t tensors = 0, keys = 0;
    FH_TRY(read_start(&c, &g->version, &tensors, &keys));
    FH_TRY(read_keys(g, &c, keys));
    FH_TRY(read_alignment(g, c.err));
    return read_tensors(g, &c, tensors);
}

fh_status fh_gguf_open(fh_allocator *a, fh_bytes bytes, fh_gguf **out, fh_err *err) {
    *out = NULL;
    fh_gguf *g = fh_alloc(a, 1, sizeof *g);
    if (g == NULL)
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "no memory for the file's header");
    g->allocator = a;
    g->bytes = fh_bytes_share(bytes);
    fh_status status = read_file(g, err);
    if (fh_failed(status)) {
        fh_gguf_close(g);
        return status.code == FH_NOMEM ? fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "no memory for the file's header") : status;
    }
    *out = g;
    return FH_DONE;
}

void fh_gguf_close(fh_gguf *g) {
    if (g == NULL)
        return;
    fh_gguf_keys_free(g->allocator, &g->keys);
    fh_u32s_free(g->allocator, &g->keys_by_name);
    fh_gguf_tensors_free(g->allocator, &g->tensors);
    fh_u32s_free(g->allocator, &g->tensors_by_name);
    fh_bytes_drop(&g->bytes);
    fh_free(g->allocator, g);
}

uint32_t fh_gguf_version(const fh_gguf *g) {
    return g->version;
}

uint64_t fh_gguf_size(const fh_gguf *g) {
    return g->bytes.span.size;
}

uint64_t fh_gguf_data_at(const fh_gguf *g) {
    return g->data_at;
}

uint64_t fh_gguf_alignment(const fh_gguf *g) {
    return g->alignment;
}

size_t fh_gguf_key_count(const fh_gguf *g) {
    return g->keys.count;
}

fh_gguf_key fh_gguf_key_at(const fh_gguf *g, size_t i) {
    return fh_gguf_keys_get(g->keys, i);
}

bool fh_gguf_find(const fh_gguf *g, const char *name, fh_gguf_key *out) {
    uint32_t i;
    bool found = search(g, g->keys_by_name, key_name, fh_span_of_str(name), &i);
    *out = found ? fh_gguf_keys_get(g->keys, i) : (fh_gguf_key){.count = 0};
    return found;
}

size_t fh_gguf_tensor_count(const fh_gguf *g) {
    return g->tensors.count;
}

fh_gguf_tensor fh_gguf_tensor_at(const fh_gguf *g, size_t i) {
    return fh_gguf_tensors_get(g->tensors, i);
}

bool fh_gguf_tensor_find(const fh_gguf *g, fh_span name, fh_gguf_tensor *out) {
    uint32_t i;
    bool found = search(g, g->tensors_by_name, tensor_name, name, &i);
    *out = found ? fh_gguf_tensors_get(g->tensors, i) : (fh_gguf_tensor){.dims = 0};
    return found;
}

fh_status fh_gguf_tensor_bytes(const fh_gguf *g, fh_gguf_tensor t, fh_bytes *out) {
    return fh_bytes_slice(g->bytes, (size_t)t.offset_bytes, (size_t)t.size_bytes, out);
}
