/* model_ring.h: turns bytes into operations on a ring and, at the same time, on a plain array; all results must agree.
 *
 * The first byte chooses capacity and element size; each operation after it is one byte, {what, how many}. Element k consists
 * of bytes made from k. Threading: one. */
#ifndef FH_TEST_MODEL_RING_H
#define FH_TEST_MODEL_RING_H

#include <string.h>

#include "freehold/hash.h"
#include "freehold/ring.h"

#define MODEL_CHECK(condition) \
    do {                       \
        if (!(condition))      \
            __builtin_trap();  \
    } while (0)

enum { MODEL_CAPACITY_MAX = 16, MODEL_BATCH = 20, MODEL_BYTES_MAX = 24 };

typedef struct model_ring {
    fh_ring *ring;
    size_t capacity, bytes;
    uint64_t in, out; /* elements ever pushed and popped: the whole model, since element k is known */
    bool closed, owned;
} model_ring;

static void model_ring_element(const model_ring *m, uint64_t k, uint8_t *at) {
    for (size_t i = 0; i < m->bytes; i++)
        at[i] = (uint8_t)(fh_mix64(k) >> (i % 8 * 8));
}

static void model_ring_push(model_ring *m, size_t count, bool one) {
    uint8_t elements[MODEL_BATCH * MODEL_BYTES_MAX] = {0};
    size_t room = m->capacity - (size_t)(m->in - m->out), done = one;
    for (size_t i = 0; i < count; i++)
        model_ring_element(m, m->in + i, elements + i * m->bytes);
    fh_status s = one ? fh_ring_push(m->ring, elements, m->bytes) : fh_ring_push_n(m->ring, elements, count, &done);
    fh_code expected = count == 0 ? FH_OK : m->closed ? FH_END : room == 0 ? FH_AGAIN : FH_OK;
    MODEL_CHECK(s.code == expected);
    if (fh_failed(s))
        MODEL_CHECK(one || done == 0);
    else
        MODEL_CHECK(done == (count < room ? count : room));
    m->in += fh_failed(s) ? 0 : done;
    m->owned = m->owned || count > 0;
}

static void model_ring_pop(model_ring *m, size_t count, bool one) {
    uint8_t got[MODEL_BATCH * MODEL_BYTES_MAX], expected_bytes[MODEL_BYTES_MAX];
    size_t there = (size_t)(m->in - m->out), done = one;
    memset(got, 0xee, sizeof got);
    fh_status s = one ? fh_ring_pop(m->ring, got, m->bytes) : fh_ring_pop_n(m->ring, got, count, &done);
    fh_code expected = count == 0 || there > 0 ? FH_OK : m->closed ? FH_END : FH_AGAIN;
    MODEL_CHECK(s.code == expected);
    if (fh_failed(s)) {
        MODEL_CHECK(one || done == 0);
        done = 0;
    } else {
        MODEL_CHECK(done == (count < there ? count : there));
    }
    for (size_t i = 0; i < done; i++) {
        model_ring_element(m, m->out + i, expected_bytes);
        MODEL_CHECK(memcmp(got + i * m->bytes, expected_bytes, m->bytes) == 0);
    }
    for (size_t i = done * m->bytes; i < sizeof got; i++)
        MODEL_CHECK(got[i] == 0xee);
    m->out += done;
    m->owned = m->owned || count > 0;
}

/* Closes the ring, or leaves both sides: the next operation takes them again. */
static void model_ring_end(model_ring *m, bool close) {
    fh_status s = close ? fh_ring_close(m->ring) : fh_ring_leave(m->ring);
    MODEL_CHECK(s.code == (close || m->owned ? FH_OK : FH_WRONG_THREAD));
    m->closed = m->closed || close;
    m->owned = close;
}

static void model_ring_run(fh_allocator *a, fh_span ops) {
    static const size_t sizes[] = {1, 3, 8, MODEL_BYTES_MAX};
    if (ops.size == 0)
        return;
    uint8_t first = fh_span_at(ops, 0);
    model_ring m = {.capacity = (size_t)1 << (first % 5), .bytes = sizes[first / 5 % 4]};
    MODEL_CHECK(!fh_failed(fh_ring_new(a, m.bytes, (uint32_t)m.capacity, &m.ring)));
    for (size_t i = 1; i < ops.size; i++) {
        uint8_t op = fh_span_at(ops, i);
        size_t count = op / 8 % MODEL_BATCH;
        if (op % 8 < 2)
            model_ring_push(&m, 1, true);
        else if (op % 8 < 4)
            model_ring_push(&m, count, false);
        else if (op % 8 < 6)
            model_ring_pop(&m, 1, true);
        else if (op % 8 == 6)
            model_ring_pop(&m, count, false);
        else
            model_ring_end(&m, op / 8 == 31);
        MODEL_CHECK(fh_ring_count(m.ring) == m.in - m.out);
        MODEL_CHECK(!fh_failed(fh_ring_check(m.ring, NULL)));
    }
    fh_ring_free(m.ring);
}

#endif
