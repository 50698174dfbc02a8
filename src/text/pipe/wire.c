/* wire.c: see wire.h. Threading: a reader belongs to one thread. */
#include "text/pipe/wire.h"

enum { VARINT_BYTES_MAX = 10, KIND_BITS = 3 };

void fh_wire_init(fh_wire *w, fh_span bytes, size_t base, const char *file) {
    *w = (fh_wire){.bytes = bytes, .base = base, .file = file};
}

static fh_status read_varint(fh_wire *w, const char *what, fh_out uint64_t *out, fh_err *err) {
    size_t begin = w->at;
    uint64_t v = 0;
    *out = 0;
    for (uint32_t k = 0; k < VARINT_BYTES_MAX && w->at < w->bytes.size; k++) {
        uint8_t b = fh_span_at(w->bytes, w->at++);
        if (k == VARINT_BYTES_MAX - 1 && b > 1) /* bits beyond the 64th */
            break;
        v |= (uint64_t)(b & 0x7f) << 7 * k;
        if (b < 0x80) {
            *out = v;
            return FH_DONE;
        }
    }
    return fh_fail(err, FH_CORRUPT, w->base + begin, "%s, byte %zu: %s does not end within %s", w->file, w->base + begin,
                   what, w->at < w->bytes.size ? "64 bits" : "its message");
}

/* The next `size` bytes. */
static fh_status take(fh_wire *w, uint64_t size, fh_out fh_view(*1) fh_span *out, fh_err *err) {
    *out = (fh_span){NULL, 0};
    size_t left = w->bytes.size - w->at;
    if (size > left)
        return fh_fail(err, FH_CORRUPT, w->base + w->at, "%s, byte %zu: a field of %llu bytes, but %zu are left", w->file,
                       w->base + w->at, (unsigned long long)size, left);
    *out = fh_span_sub(w->bytes, w->at, (size_t)size);
    w->at += (size_t)size;
    return FH_DONE;
}

fh_status fh_wire_next(fh_wire *w, fh_wire_field *f, bool *more, fh_err *err) {
    uint64_t tag, size;
    *f = (fh_wire_field){.file = w->file, .offset_bytes = w->base + w->at};
    *more = w->at < w->bytes.size;
    if (!*more)
        return FH_DONE;
    FH_TRY(read_varint(w, "the tag of a field", &tag, err));
    if (tag > UINT32_MAX || tag >> KIND_BITS == 0)
        return fh_fail(err, FH_CORRUPT, f->offset_bytes, "%s, byte %zu: field number %llu, expected 1 to %u", w->file,
                       f->offset_bytes, (unsigned long long)(tag >> KIND_BITS), UINT32_MAX >> KIND_BITS);
    f->number = (uint32_t)tag >> KIND_BITS;
    switch (tag & ((1 << KIND_BITS) - 1)) {
    case FH_WIRE_VARINT:
        f->kind = FH_WIRE_VARINT;
        return read_varint(w, "a number", &f->value, err);
    case FH_WIRE_FIXED64:
        f->kind = FH_WIRE_FIXED64;
        FH_TRY(take(w, 8, &f->bytes, err));
        f->value = fh_span_u64(f->bytes, 0);
        return FH_DONE;
    case FH_WIRE_BYTES:
        f->kind = FH_WIRE_BYTES;
        FH_TRY(read_varint(w, "the length of a field", &size, err));
        f->offset_bytes = w->base + w->at;
        return take(w, size, &f->bytes, err);
    case FH_WIRE_FIXED32:
        f->kind = FH_WIRE_FIXED32;
        FH_TRY(take(w, 4, &f->bytes, err));
        f->value = fh_span_u32(f->bytes, 0);
        return FH_DONE;
    default:
        return fh_fail(err, FH_CORRUPT, f->offset_bytes, "%s, byte %zu: field %u is of wire type %llu, expected 0, 1, 2 or 5",
                       w->file, f->offset_bytes, f->number, (unsigned long long)(tag & ((1 << KIND_BITS) - 1)));
    }
}

fh_status fh_wire_need(const fh_wire_field *f, fh_wire_kind kind, fh_err *err) {
    if (f->kind == kind)
        return FH_DONE;
    return fh_fail(err, FH_CORRUPT, f->offset_bytes, "%s, byte %zu: field %u is of wire type %d, expected %d", f->file,
                   f->offset_bytes, f->number, (int)f->kind, (int)kind);
}
