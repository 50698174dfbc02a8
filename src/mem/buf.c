/* buf.c: a growing byte buffer.
 *
 * Invariants: buf-room: size <= capacity <= limit, and the block behind `at` has capacity + 1 bytes (vsnprintf ends its text
 * with a NUL, which is never part of the content); at is NULL exactly if capacity is 0. AddressSanitizer is told that the
 * bytes past size are nobody's.
 *
 * Threading: one thread at a time. */
#include "freehold/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "freehold/checked.h"
#include "mem/poison.h"

enum { CAPACITY_MIN = 64 };

/* True if the span lies in the buffer's own block, which the call is about to change. */
static bool is_inside(const fh_buf *b, fh_span bytes) {
    FH_UNSAFE("buf-room");
    uintptr_t at = (uintptr_t)bytes.at, block = (uintptr_t)b->at;
    return bytes.size != 0 && b->at != NULL && at >= block && at - block <= b->capacity;
}

void fh_buf_init(fh_buf *b, fh_allocator *a, size_t limit_bytes) {
    *b = (fh_buf){.allocator = a, .limit = limit_bytes == 0 ? SIZE_MAX - 1 : limit_bytes};
    if (b->limit == SIZE_MAX)
        b->limit--; /* the byte behind the capacity has an address too */
}

void fh_buf_deinit(fh_buf *b) {
    if (b == NULL)
        return;
    if (b->at != NULL) {
        FH_UNPOISON(b->at, b->capacity + 1);
        fh_free(b->allocator, b->at);
    }
    *b = (fh_buf){.allocator = b->allocator, .limit = b->limit};
}

fh_status fh_buf_reserve(fh_buf *b, size_t more) {
    size_t needed;
    if (!fh_add_size(b->size, more, &needed) || needed > b->limit)
        return FH_STATUS(FH_LIMIT);
    if (needed <= b->capacity)
        return FH_DONE;

    size_t capacity = b->capacity > b->limit / 2 ? b->limit : 2 * b->capacity;
    capacity = capacity < CAPACITY_MIN ? CAPACITY_MIN : capacity;
    capacity = capacity < needed ? needed : capacity;
    capacity = capacity > b->limit ? b->limit : capacity;
    uint8_t *at = fh_alloc(b->allocator, capacity + 1, 1);
    if (at == NULL)
        return FH_STATUS(FH_NOMEM);
    fh_span_copy((fh_mspan){at, capacity}, (fh_span){b->at, b->size});
    if (b->at != NULL) {
        FH_UNPOISON(b->at, b->capacity + 1);
        fh_free(b->allocator, b->at);
    }
    b->at = at;
    b->capacity = capacity;
    FH_UNSAFE("buf-room");
    FH_POISON(at + b->size, capacity + 1 - b->size);
    return FH_DONE;
}

fh_status fh_buf_put(fh_buf *b, fh_span bytes) {
    FH_ASSERT(!is_inside(b, bytes));
    FH_TRY(fh_buf_reserve(b, bytes.size));
    if (bytes.size == 0)
        return FH_DONE;
    FH_UNSAFE("buf-room");
    FH_UNPOISON(b->at + b->size, bytes.size);
    fh_span_copy((fh_mspan){b->at + b->size, b->capacity - b->size}, bytes);
    b->size += bytes.size;
    return FH_DONE;
}

fh_status fh_buf_put_u8(fh_buf *b, uint8_t byte) {
    return fh_buf_put(b, (fh_span){&byte, 1});
}

fh_status fh_buf_format(fh_buf *b, const char *format, ...) {
    va_list args;
    FH_UNSAFE("report-format");
    va_start(args, format);
    int made = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (made < 0)
        return FH_STATUS(FH_INVALID);
    FH_TRY(fh_buf_reserve(b, (size_t)made));
    if (made == 0)
        return FH_DONE;

    FH_UNSAFE("buf-room");
    uint8_t *end = b->at + b->size;
    FH_UNPOISON(end, (size_t)made + 1);
    va_start(args, format);
    int again = vsnprintf((char *)end, (size_t)made + 1, format, args);
    va_end(args);
    FH_ASSERT(again == made);
    b->size += (size_t)made;
    FH_POISON(b->at + b->size, 1);
    return FH_DONE;
}

void fh_buf_truncate(fh_buf *b, size_t size_bytes) {
    FH_ASSERT(size_bytes <= b->size);
    FH_UNSAFE("buf-room");
    if (size_bytes < b->size)
        FH_POISON(b->at + size_bytes, b->size - size_bytes);
    b->size = size_bytes;
}

void fh_buf_consume(fh_buf *b, size_t count) {
    FH_ASSERT(count <= b->size);
    if (count == 0)
        return;
    FH_UNSAFE("buf-room");
    memmove(b->at, b->at + count, b->size - count);
    fh_buf_truncate(b, b->size - count);
}

fh_span fh_buf_view(const fh_buf *b) {
    return (fh_span){b->at, b->size};
}
