/* gguf_write.c: writing GGUF files, version 3, little-endian, tensors aligned to 32 bytes.
 *
 * Keys and tensor descriptions are encoded when they are added, into two buffers; a tensor's place in the data section follows
 * from those before it, so the header is one write. The data never pass through memory of the writer: pieces go straight to
 * the sink, padding between tensors is put in here.
 *
 * Invariant: `data_bytes` is the sum of all tensors' padded sizes; `tensor` and `done` say how far the data have come.
 * Threading: one thread at a time. */
#include "llm/gguf_file.h"

#include "freehold/buf.h"
#include "freehold/checked.h"
#include "freehold/hash.h"

enum { VERSION = 3, ALIGNMENT = FH_GGUF_ALIGNMENT, NAME_BYTES_MAX = 65535 };

/* What was added: where its name lies in its buffer, and a tensor's size. */
typedef struct entry {
    size_t name_at, name_size;
    uint64_t size_bytes;
} entry;
FH_SPAN_DEFINE(entry, entry);
FH_ARRAY_DEFINE(entry);

/* Encoded entries; `entries.count` is their capacity. */
typedef struct section {
    fh_owned fh_buf bytes;
    fh_owned fh_entrys entries;
    size_t count;
} section;

struct fh_gguf_writer {
    fh_ref fh_allocator *allocator;
    section keys, tensors;
    uint64_t data_bytes;
    bool started;   /* the header is out */
    size_t tensor;  /* whose bytes come next */
    uint64_t done;  /* bytes of it that are out */
};

fh_status fh_gguf_writer_new(fh_allocator *a, fh_gguf_writer **out) {
    *out = NULL;
    fh_gguf_writer *w = fh_alloc(a, 1, sizeof *w);
    if (w == NULL)
        return FH_STATUS(FH_NOMEM);
    w->allocator = a;
    fh_buf_init(&w->keys.bytes, a, 0);
    fh_buf_init(&w->tensors.bytes, a, 0);
    *out = w;
    return FH_DONE;
}

void fh_gguf_writer_free(fh_gguf_writer *w) {
    if (w == NULL)
        return;
    fh_buf_deinit(&w->keys.bytes);
    fh_buf_deinit(&w->tensors.bytes);
    fh_entrys_free(w->allocator, &w->keys.entries);
    fh_entrys_free(w->allocator, &w->tensors.entries);
    fh_free(w->allocator, w);
}

/* --- encoding ------------------------------------------------------------------------------------------------------- */

static fh_status put_uint(fh_buf *b, uint64_t v, size_t bytes) {
    FH_TRY(fh_buf_reserve(b, bytes));
    for (size_t i = 0; i < bytes; i++)
        FH_TRY(fh_buf_put_u8(b, (uint8_t)(v >> (8 * i))));
    return FH_DONE;
}

static fh_status put_text(fh_buf *b, fh_span text) {
    FH_TRY(put_uint(b, text.size, 8));
    return fh_buf_put(b, text);
}

/* Makes room for one more entry. */
static fh_status grow(fh_ref fh_allocator *a, section *s) {
    if (s->count < s->entries.count)
        return FH_DONE;
    fh_entrys wider;
    FH_TRY(fh_entrys_new(a, s->entries.count == 0 ? 16 : 2 * s->entries.count, &wider));
    for (size_t i = 0; i < s->count; i++)
        fh_entrys_set(wider, i, fh_entrys_get(s->entries, i));
    fh_entrys_free(a, &s->entries);
    s->entries = wider;
    return FH_DONE;
}

/* Opens an entry: its name. The caller puts the rest and counts the entry, or truncates the buffer to what it was. */
static fh_status begin(fh_ref fh_allocator *a, bool started, section *s, const char *name) {
    fh_span text = fh_span_of_str(name);
    if (started || text.size == 0 || text.size > NAME_BYTES_MAX)
        return FH_STATUS(FH_INVALID);
    FH_TRY(grow(a, s));
    fh_entrys_set(s->entries, s->count, (entry){s->bytes.size + 8, text.size, 0});
    return put_text(&s->bytes, text);
}

/* Closes an entry: counts it, or takes what it left in the buffer out again. */
static fh_status end(section *s, size_t start, fh_status status) {
    if (fh_failed(status))
        fh_buf_truncate(&s->bytes, start);
    else
        s->count++;
    return status;
}

/* --- keys ----------------------------------------------------------------------------------------------------------- */

/* A value as it lies in a file: fixed-size types in `number`, or a text, or one of the arrays. */
typedef struct value {
    fh_gguf_type type, item;
    uint64_t number;
    fh_span text;
    fh_views texts;
    fh_f32s f32s;
    fh_i32s i32s;
} value;

static size_t array_count(const value *v) {
    return v->item == FH_GGUF_STRING ? v->texts.count : v->item == FH_GGUF_F32 ? v->f32s.count : v->i32s.count;
}

static fh_status put_array(fh_buf *b, const value *v) {
    size_t count = array_count(v);
    FH_TRY(put_uint(b, v->item, 4));
    FH_TRY(put_uint(b, count, 8));
    for (size_t i = 0; i < count; i++) {
        if (v->item == FH_GGUF_STRING)
            FH_TRY(put_text(b, fh_views_get(v->texts, i)));
        else if (v->item == FH_GGUF_F32)
            FH_TRY(put_uint(b, fh_bits_of_f32(fh_f32s_get(v->f32s, i)), 4));
        else
            FH_TRY(put_uint(b, (uint32_t)fh_i32s_get(v->i32s, i), 4));
    }
    return FH_DONE;
}

static fh_status put_value(fh_buf *b, const value *v) {
    FH_TRY(put_uint(b, v->type, 4));
    if (v->type == FH_GGUF_ARRAY)
        return put_array(b, v);
    if (v->type == FH_GGUF_STRING)
        return put_text(b, v->text);
    return put_uint(b, v->number, (size_t)fh_gguf_value_bytes(v->type));
}

static fh_status put_key(fh_gguf_writer *w, const char *key, const value *v) {
    const size_t start = w->keys.bytes.size;
    fh_status status = begin(w->allocator, w->started, &w->keys, key);
    if (!fh_failed(status))
        status = put_value(&w->keys.bytes, v);
    return end(&w->keys, start, status);
}

fh_status fh_gguf_put_u32(fh_gguf_writer *w, const char *key, uint32_t v) {
    return put_key(w, key, &(value){.type = FH_GGUF_U32, .number = v});
}

fh_status fh_gguf_put_f32(fh_gguf_writer *w, const char *key, float v) {
    return put_key(w, key, &(value){.type = FH_GGUF_F32, .number = fh_bits_of_f32(v)});
}

fh_status fh_gguf_put_bool(fh_gguf_writer *w, const char *key, bool v) {
    return put_key(w, key, &(value){.type = FH_GGUF_BOOL, .number = v});
}

fh_status fh_gguf_put_text(fh_gguf_writer *w, const char *key, fh_span v) {
    return put_key(w, key, &(value){.type = FH_GGUF_STRING, .text = v});
}

fh_status fh_gguf_put_texts(fh_gguf_writer *w, const char *key, fh_views v) {
    return put_key(w, key, &(value){.type = FH_GGUF_ARRAY, .item = FH_GGUF_STRING, .texts = v});
}

fh_status fh_gguf_put_f32s(fh_gguf_writer *w, const char *key, fh_f32s v) {
    return put_key(w, key, &(value){.type = FH_GGUF_ARRAY, .item = FH_GGUF_F32, .f32s = v});
}

fh_status fh_gguf_put_i32s(fh_gguf_writer *w, const char *key, fh_i32s v) {
    return put_key(w, key, &(value){.type = FH_GGUF_ARRAY, .item = FH_GGUF_I32, .i32s = v});
}

/* --- tensors -------------------------------------------------------------------------------------------------------- */

static uint32_t type_id(fh_dtype dtype) {
#define TYPE_ID(name, id, elements, bytes) [FH_DTYPE_##name] = (id),
    static const uint32_t ids[FH_DTYPE_COUNT] = {FH_DTYPES(TYPE_ID)};
#undef TYPE_ID
    FH_ASSERT((unsigned)dtype < FH_DTYPE_COUNT);
    return ids[dtype];
}

/* A tensor's size in bytes; false when a dimension is 0, on overflow, or when rows are no whole number of blocks. */
static bool tensor_bytes(fh_dtype dtype, uint32_t dims, const uint64_t dim[FH_GGUF_DIMS_MAX], fh_out uint64_t *out) {
    uint64_t rows = 1;
    for (uint32_t i = 0; i < dims; i++)
        if (dim[i] == 0 || (i > 0 && !fh_mul_u64(rows, dim[i], &rows)))
            return false;
    return fh_dtype_bytes(dtype, dim[0], rows, out);
}

static fh_status put_info(fh_buf *b, fh_dtype dtype, uint32_t dims, const uint64_t dim[FH_GGUF_DIMS_MAX], uint64_t offset) {
    FH_TRY(put_uint(b, dims, 4));
    for (uint32_t i = 0; i < dims; i++)
        FH_TRY(put_uint(b, dim[i], 8));
    FH_TRY(put_uint(b, type_id(dtype), 4));
    return put_uint(b, offset, 8);
}

fh_status fh_gguf_put_tensor(fh_gguf_writer *w, const char *name, fh_dtype dtype, uint32_t dims,
                             const uint64_t dim[FH_GGUF_DIMS_MAX]) {
    uint64_t size, padded, total;
    if (dims < 1 || dims > FH_GGUF_DIMS_MAX || (unsigned)dtype >= FH_DTYPE_COUNT || !tensor_bytes(dtype, dims, dim, &size))
        return FH_STATUS(FH_INVALID);
    if (!fh_align_up_u64(size, ALIGNMENT, &padded) || !fh_add_u64(w->data_bytes, padded, &total))
        return FH_STATUS(FH_LIMIT);
    const size_t start = w->tensors.bytes.size;
    fh_status status = begin(w->allocator, w->started, &w->tensors, name);
    if (!fh_failed(status))
        status = put_info(&w->tensors.bytes, dtype, dims, dim, w->data_bytes);
    FH_TRY(end(&w->tensors, start, status));
    fh_entrys_at(w->tensors.entries, w->tensors.count - 1)->size_bytes = size;
    w->data_bytes = total;
    return FH_DONE;
}

/* --- output --------------------------------------------------------------------------------------------------------- */

static fh_span entry_name(const section *s, uint32_t i) {
    entry e = fh_entrys_get(s->entries, i);
    return fh_span_sub(fh_buf_view(&s->bytes), e.name_at, e.name_size);
}

static bool entry_less(const void *ctx, uint32_t a, uint32_t b) {
    return fh_span_compare(entry_name(ctx, a), entry_name(ctx, b)) < 0;
}

static fh_status check_names(fh_ref fh_allocator *a, const section *s, const char *thing, fh_err *err) {
    fh_u32s order;
    if (fh_failed(fh_u32s_new(a, s->count, &order)))
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "no memory to write a header");
    fh_order_sort(order, entry_less, s);
    fh_status status = FH_DONE;
    for (size_t i = 1; i < order.count && !fh_failed(status); i++) {
        fh_span name = entry_name(s, fh_u32s_get(order, i));
        if (fh_span_equal(name, entry_name(s, fh_u32s_get(order, i - 1))))
            status = fh_fail(err, FH_INVALID, FH_NO_OFFSET, "%s \"%.*s\" was added twice", thing, FH_GGUF_NAME(name));
    }
    fh_u32s_free(a, &order);
    return status;
}

/* Zeros up to the next aligned place after `written` bytes. */
static fh_status put_padding(uint64_t written, fh_sink sink, fh_err *err) {
    static const uint8_t zeros[ALIGNMENT];
    size_t padding = (size_t)((ALIGNMENT - written % ALIGNMENT) % ALIGNMENT);
    return padding == 0 ? FH_DONE : sink.put(sink.ctx, (fh_span){zeros, padding}, err);
}

fh_status fh_gguf_writer_header(fh_gguf_writer *w, fh_sink sink, fh_err *err) {
    if (w->started)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "the header was written already");
    FH_TRY(check_names(w->allocator, &w->keys, "key", err));
    FH_TRY(check_names(w->allocator, &w->tensors, "tensor", err));
    uint8_t start[24];
    fh_mspan bytes = {start, sizeof start};
    fh_span_copy((fh_mspan){start, 4}, FH_LIT("GGUF"));
    fh_mspan_put_u32(bytes, 4, VERSION);
    fh_mspan_put_u64(bytes, 8, w->tensors.count);
    fh_mspan_put_u64(bytes, 16, w->keys.count);
    fh_span keys = fh_buf_view(&w->keys.bytes), tensors = fh_buf_view(&w->tensors.bytes);
    w->started = true;
    FH_TRY(sink.put(sink.ctx, fh_span_of_mut(bytes), err));
    if (keys.size > 0)
        FH_TRY(sink.put(sink.ctx, keys, err));
    if (tensors.size > 0)
        FH_TRY(sink.put(sink.ctx, tensors, err));
    return put_padding(sizeof start + keys.size + tensors.size, sink, err);
}

fh_status fh_gguf_writer_data(fh_gguf_writer *w, fh_span bytes, fh_sink sink, fh_err *err) {
    if (!w->started)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "tensor data before the header");
    while (bytes.size > 0) {
        if (w->tensor == w->tensors.count)
            return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "%zu bytes more than all tensors have", bytes.size);
        uint64_t size = fh_entrys_get(w->tensors.entries, w->tensor).size_bytes, wanted = size - w->done;
        fh_span piece = bytes.size > wanted ? fh_span_sub(bytes, 0, (size_t)wanted) : bytes;
        FH_TRY(sink.put(sink.ctx, piece, err));
        w->done += piece.size;
        bytes = fh_span_from(bytes, piece.size);
        if (w->done == size) {
            FH_TRY(put_padding(size, sink, err));
            w->tensor++;
            w->done = 0;
        }
    }
    return FH_DONE;
}

fh_status fh_gguf_writer_finish(const fh_gguf_writer *w, fh_err *err) {
    if (!w->started)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "the header was not written");
    if (w->tensor < w->tensors.count)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "%zu of %zu tensors have no data yet", w->tensors.count - w->tensor,
                       w->tensors.count);
    return FH_DONE;
}
