/* made_charsmap.h: SentencePiece's compiled normalization, made for tests.
 *
 *     maker m;
 *     maker_init(&m, a);
 *     maker_add(&m, "\t", " ");
 *     maker_bytes(&m, &out);                         the map, as a SentencePiece model has it; m ends
 *
 * Threading: none. */
#ifndef FH_TEST_MADE_CHARSMAP_H
#define FH_TEST_MADE_CHARSMAP_H

#include "freehold/buf.h"

#define MADE_OK(call)                       \
    do {                                    \
        if ((call).code != FH_OK)           \
            __builtin_trap();               \
    } while (0)

enum { UNITS = 16384, LEAF = 256 };

/* A map under construction: bytes of the trie and of the replacements. */
typedef struct maker {
    uint32_t units[UNITS];
    size_t next; /* the next free block of 256 units */
    fh_buf texts;
} maker;

static inline void maker_init(maker *m, fh_allocator *a) {
    *m = (maker){.next = 256};
    fh_buf_init(&m->texts, a, 0);
    m->units[0] = 256 << 10;
    m->next = 512;
}

/* Adds a key; keys that are prefixes of each other work too. */
static inline void maker_add(maker *m, const char *key, const char *to) {
    size_t at = 256;
    for (const char *p = key; *p != 0; p++) {
        size_t child = at ^ (uint8_t)*p;
        if (m->units[child] == 0) {
            if (m->next + 256 > UNITS)
                __builtin_trap();
            m->units[child] = (uint32_t)(child ^ m->next) << 10 | (uint8_t)*p;
            m->next += 256;
        }
        if (p[1] == 0) {
            m->units[child] |= LEAF;
            m->units[child ^ m->units[child] >> 10] = UINT32_C(1) << 31 | (uint32_t)m->texts.size;
        }
        at = child ^ m->units[child] >> 10;
    }
    MADE_OK(fh_buf_put(&m->texts, fh_span_of_str(to)));
    MADE_OK(fh_buf_put_u8(&m->texts, 0));
}

/* Appends the map. */
static inline void maker_bytes(maker *m, fh_buf *out) {
    uint8_t number[4];
    fh_mspan room = {number, sizeof number};
    fh_mspan_put_u32(room, 0, (uint32_t)(m->next * 4));
    MADE_OK(fh_buf_put(out, fh_span_of_mut(room)));
    for (size_t i = 0; i < m->next; i++) {
        fh_mspan_put_u32(room, 0, m->units[i]);
        MADE_OK(fh_buf_put(out, fh_span_of_mut(room)));
    }
    MADE_OK(fh_buf_put(out, fh_buf_view(&m->texts)));
    fh_buf_deinit(&m->texts);
}

#endif
