/* model_segments.h: turns bytes into operations on a ring of segments and on a model of it; all results must agree.
 *
 * The model knows of each position whether it is live and how many pins it has, and so how many blocks must be allocated.
 * Pins live in a table of 8; one operation drops a copy that was kept of a pin. The first byte chooses capacity and first
 * position. Threading: one. */
#ifndef FH_TEST_MODEL_SEGMENTS_H
#define FH_TEST_MODEL_SEGMENTS_H

#include <string.h>

#include "freehold/hash.h"
#include "freehold/segments.h"

#define MODEL_CHECK(condition) \
    do {                       \
        if (!(condition))      \
            __builtin_trap();  \
    } while (0)

enum { MODEL_PINS = 8, MODEL_SEGMENT = 24, MODEL_SPAN = 4096 };

typedef struct model_segments {
    fh_segment_ring *ring;
    uint64_t capacity, first, head, tail, end;
    bool begun;
    uint32_t pins[MODEL_SPAN]; /* of position `first` + i */
    fh_segment_pin table[MODEL_PINS], old[MODEL_PINS]; /* old: a copy of the last pin that was dropped there */
} model_segments;

static bool model_segments_alive(const model_segments *m, uint64_t p) {
    return p >= m->first && p < m->tail && (p >= m->head || m->pins[p - m->first] > 0);
}

static void model_segments_write(model_segments *m, uint64_t count) {
    for (; count > 0; count--) {
        fh_mspan room;
        fh_code expected = FH_OK;
        if (!m->begun && m->tail - m->head == m->capacity)
            expected = FH_EXHAUSTED;
        else if (!m->begun && m->tail == m->end)
            expected = FH_LIMIT;
        else if (!m->begun && m->tail - m->first >= m->capacity && m->pins[m->tail - m->capacity - m->first] > 0)
            expected = FH_BORROWED;
        MODEL_CHECK(fh_segment_ring_begin(m->ring, &room).code == expected);
        MODEL_CHECK(expected == FH_OK ? room.size == MODEL_SEGMENT : room.at == NULL);
        m->begun = expected == FH_OK;
        if (!m->begun || count == 3) /* sometimes begun and left */
            return;
        for (size_t i = 0; i < room.size; i++)
            *fh_mspan_at(room, i) = (uint8_t)(fh_mix64(m->tail) >> (i % 8 * 8));
        MODEL_CHECK(fh_segment_ring_publish(m->ring).code == FH_OK && fh_segment_ring_publish(m->ring).code == FH_INVALID);
        m->begun = false;
        m->tail++;
    }
}

static void model_segments_look(const model_segments *m, const fh_segment_pin *pin) {
    fh_span bytes;
    for (uint64_t p = pin->from; p != pin->to; p++) {
        MODEL_CHECK(fh_segment_pin_view(pin, p, &bytes).code == FH_OK && bytes.size == MODEL_SEGMENT);
        for (size_t i = 0; i < bytes.size; i++)
            MODEL_CHECK(fh_span_at(bytes, i) == (uint8_t)(fh_mix64(p) >> (i % 8 * 8)));
    }
    MODEL_CHECK(fh_segment_pin_view(pin, pin->to, &bytes).code == (pin->ring == NULL ? FH_STALE : FH_INVALID));
    MODEL_CHECK(m->ring != NULL && fh_segment_pin_view(pin, pin->from - 1, &bytes).code != FH_OK && bytes.at == NULL);
}

static void model_segments_pin(model_segments *m, size_t row, uint64_t from, uint64_t count) {
    fh_segment_pin pin;
    fh_code expected = FH_OK;
    if (count == 0 || count > m->capacity || from + count > m->end || from + count < from)
        expected = FH_INVALID;
    for (uint64_t p = from; expected == FH_OK && p != from + count; p++)
        expected = p < m->head ? FH_STALE : p >= m->tail ? FH_AGAIN : FH_OK;
    MODEL_CHECK(fh_segment_ring_pin(m->ring, from, from + count, &pin).code == expected);
    MODEL_CHECK((pin.ring == NULL) == (expected != FH_OK));
    if (expected != FH_OK)
        return;
    for (uint64_t p = from; p != from + count; p++)
        m->pins[p - m->first]++;
    m->table[row] = pin;
    model_segments_look(m, &pin);
}

static void model_segments_unpin(model_segments *m, size_t row) {
    fh_segment_pin *pin = &m->table[row];
    fh_code expected = pin->ring == NULL ? FH_DOUBLE_FREE : FH_OK;
    for (uint64_t p = pin->from; p != pin->to; p++)
        m->pins[p - m->first]--;
    if (pin->ring != NULL)
        m->old[row] = *pin;
    MODEL_CHECK(fh_segment_pin_drop(pin).code == expected && pin->ring == NULL && pin->from == pin->to);
}

/* Drops and looks through a copy of a pin that is gone. It shows if some segment of it is pinned by nobody now. */
static void model_segments_stale(model_segments *m, size_t row) {
    fh_segment_pin pin = m->old[row];
    bool shows = pin.ring == NULL;
    for (uint64_t p = pin.from; p != pin.to; p++)
        shows = shows || m->pins[p - m->first] == 0;
    fh_span bytes;
    if (pin.ring != NULL && m->pins[pin.from - m->first] == 0)
        MODEL_CHECK(fh_segment_pin_view(&pin, pin.from, &bytes).code == FH_STALE);
    if (shows)
        MODEL_CHECK(fh_segment_pin_drop(&pin).code == FH_DOUBLE_FREE && pin.ring == m->old[row].ring);
}

/* `live_blocks` counts the allocator's blocks, NULL if nobody knows. */
static void model_segments_run(fh_allocator *a, fh_span ops, uint64_t (*live_blocks)(void *ctx), void *ctx) {
    static model_segments m;
    if (ops.size == 0)
        return;
    uint8_t first = fh_span_at(ops, 0);
    m = (model_segments){.capacity = UINT64_C(1) << (first % 4)};
    m.end = m.capacity << 42;
    m.first = m.head = m.tail = first / 4 % 4 == 0 ? 0 : first / 4 % 4 == 1 ? m.end - first / 16 - 1 : first;
    uint64_t before = live_blocks == NULL ? 0 : live_blocks(ctx);
    fh_segment_ring_options options = {.segment_bytes = MODEL_SEGMENT, .capacity = (uint32_t)m.capacity, .first = m.first};
    MODEL_CHECK(fh_segment_ring_new(a, &options, &m.ring).code == FH_OK);
    for (size_t i = 1; i < ops.size && m.tail - m.first < MODEL_SPAN - 8; i++) {
        uint8_t op = fh_span_at(ops, i), what = op % 8, arg = op / 8;
        if (what < 2) {
            model_segments_write(&m, arg % 4);
        } else if (what == 2) {
            uint64_t count = arg % 4;
            bool ok = count <= m.tail - m.head;
            MODEL_CHECK(fh_segment_ring_drop(m.ring, count).code == (ok ? FH_OK : FH_INVALID));
            m.head += ok ? count : 0;
        } else if (what < 5) {
            if (m.table[arg % MODEL_PINS].ring == NULL)
                model_segments_pin(&m, arg % MODEL_PINS, m.head - 1 + arg / MODEL_PINS, 1 + op % 3);
        } else if (what == 5) {
            model_segments_stale(&m, arg % MODEL_PINS);
        } else {
            model_segments_unpin(&m, arg % MODEL_PINS);
        }
        uint64_t alive = 0, ghosts = 0, oldest = m.tail - m.first < 2 * m.capacity ? m.first : m.tail - 2 * m.capacity;
        for (uint64_t p = oldest; p != m.tail; p++) {
            alive += model_segments_alive(&m, p);
            ghosts += p < m.head && m.pins[p - m.first] > 0;
        }
        fh_segment_ring_stats stats = fh_segment_ring_stats_get(m.ring);
        fh_segment_range range = fh_segment_ring_range(m.ring);
        MODEL_CHECK(stats.live == m.tail - m.head && stats.ghosts == ghosts && stats.begun == m.begun);
        MODEL_CHECK(range.from == m.head && range.to == m.tail);
        MODEL_CHECK(live_blocks == NULL || live_blocks(ctx) - before == 1 + alive + m.begun);
        MODEL_CHECK(fh_segment_ring_check(m.ring, NULL).code == FH_OK);
    }
    for (size_t row = 0; row < MODEL_PINS; row++)
        model_segments_unpin(&m, row);
    fh_segment_ring_free(m.ring);
}

#endif
