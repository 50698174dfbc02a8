/* pool_short.h: the short roads of hardened pools: nearly every alloc and release of small objects without hooks.
 *
 * They change nothing before they know that all is as usual; else the long road finds out what it is. All is in the view: its
 * hand, which pool_hard.c fills and empties, and what of the pool never changes.
 *
 * Each is made twice: for small objects, whose bytes and canary take no loop (is_small), and for others.
 *
 * The file is compiled with each of its users, for the vectors that the user may have: 32 bytes where FH_HARD_WIDE is defined
 * (pool_avx2.c), else 16, which every processor has or does in two steps. Threading: as view->own. */
#include "mem/pool/pool_hard.h"

#ifdef FH_HARD_WIDE
typedef uint64_t fh_hard_chunk __attribute__((vector_size(32)));
#define FH_HARD_IS_ZERO(chunk) (_mm256_testz_si256((__m256i)(chunk), (__m256i)(chunk)) != 0)
#else
typedef uint64_t fh_hard_chunk __attribute__((vector_size(16)));
#define FH_HARD_IS_ZERO(chunk) (((chunk)[0] | (chunk)[1]) == 0)
#endif

/* Spares the caller a test. */
#define FH_HARD_NOT_NULL(at)         \
    do {                             \
        if ((at) == NULL)            \
            __builtin_unreachable(); \
    } while (0)

enum { FH_HARD_CHUNK = sizeof(fh_hard_chunk) };

#define FH_HARD_CHUNK_OF(word) ((fh_hard_chunk){0} + (word))
#define FH_HARD_CHUNK_AT(at) (__extension__({ fh_hard_chunk c_; memcpy(&c_, (at), sizeof c_); c_; }))

/* This and the next take a chunk or more, no more than two if `is_small`; the last chunk may overlap those before it. No branch
 * depends on the bytes, since nearly always all of them are right. */
FH_ALWAYS_INLINE bool fh_hard_is_filled(const uint8_t *at, size_t size, uint64_t pattern, bool is_small) {
    FH_UNSAFE("hard-poison");
    const fh_hard_chunk expected = FH_HARD_CHUNK_OF(pattern);
    fh_hard_chunk wrong = (FH_HARD_CHUNK_AT(at) ^ expected) | (FH_HARD_CHUNK_AT(at + size - FH_HARD_CHUNK) ^ expected);
    for (size_t k = FH_HARD_CHUNK; !is_small && k < size - FH_HARD_CHUNK; k += FH_HARD_CHUNK)
        wrong |= FH_HARD_CHUNK_AT(at + k) ^ expected;
    return FH_HARD_IS_ZERO(wrong);
}

FH_ALWAYS_INLINE void fh_hard_fill(uint8_t *at, size_t size, uint64_t pattern, bool is_small) {
    FH_UNSAFE("hard-poison");
    const fh_hard_chunk with = FH_HARD_CHUNK_OF(pattern);
    memcpy(at, &with, sizeof with);
    memcpy(at + size - FH_HARD_CHUNK, &with, sizeof with);
    for (size_t k = FH_HARD_CHUNK; !is_small && k < size - FH_HARD_CHUNK; k += FH_HARD_CHUNK) {
        memcpy(at + k, &with, sizeof with);
        __asm__("" : "+r"(at)); /* else the compiler calls memset, which takes longer for the usual sizes */
    }
}

/* Of a serial pool, any thread may be the next user: the long road makes it the view's `thread`. */
FH_ALWAYS_INLINE bool fh_hard_is_user(const fh_pool *view) {
    return FH_LIKELY(fh_load(&view->fast.thread, FH_RELAXED) == fh_thread_self());
}

/* What of the view or its hand never changes, loaded anew: what is kept in more registers than a leaf function has would be
 * saved and restored at each call, a quarter of its work. */
#define FH_HARD_ANEW(field) fh_load(&(field), FH_RELAXED)

FH_ALWAYS_INLINE uint8_t *fh_hard_at(const fh_pool *view, uint32_t i) {
    FH_UNSAFE("pool-slot");
    return FH_HARD_ANEW(view->fast.base) + i * FH_HARD_ANEW(view->fast.stride);
}
FH_ALWAYS_INLINE uint64_t *fh_hard_word_of(const fh_pool *view, uint32_t i) {
    FH_UNSAFE("pool-slot");
    return FH_HARD_ANEW(view->fast.words) + i;
}

FH_ALWAYS_INLINE bool fh_hard_has_canary(const fh_pool *view, const uint8_t *at, bool is_small) {
    const fh_hard_hand *hand = fh_hard_hand_of(view);
    uint64_t canary = fh_hard_canary(FH_HARD_ANEW(hand->secret), at);
    size_t size = FH_HARD_ANEW(view->fast.size), stride = FH_HARD_ANEW(view->fast.stride);
    if (!is_small)
        return fh_hard_is_canary_whole(at, size, stride, canary);
    FH_UNSAFE("hard-poison");
    return FH_LIKELY(fh_hard_word(at + size) == canary) && FH_LIKELY(fh_hard_word(at + stride - 8) == canary);
}

/* NULL: take the long road. */
FH_ALWAYS_INLINE void *fh_hard_short_alloc(fh_pool *view, fh_handle *out, int kind, bool is_small) {
    fh_hard_hand *hand = fh_hard_hand_of(view);
    uint32_t n = hand->drawn_count;
    if (FH_UNLIKELY(!fh_hard_is_user(view) || n == 0))
        return NULL;
    FH_UNSAFE("hard-lists");
    uint32_t i = hand->drawn[n];
    uint64_t found = fh_load(fh_hard_word_of(view, i), FH_RELAXED);
    uint8_t *at = fh_hard_at(view, i);
    if (FH_UNLIKELY(fh_word_low(found) != FH_HARD_FREE || !fh_hard_has_canary(view, at, is_small) ||
                    !fh_hard_is_filled(at, FH_HARD_ANEW(view->fast.size), FH_HARD_POISON, is_small)))
        return NULL;
    fh_store(&hand->drawn_count, n - 1, FH_RELAXED);
    if (kind == FH_HARD_ONE)
        fh_hard_note_peak(hand, n - 1);
    fh_hard_fill(at, FH_HARD_ANEW(view->fast.size), 0, is_small);
    uint64_t begun = found + 1; /* {generation, all ones} → {generation + 1, 0} */
    fh_store(fh_hard_word_of(view, i), begun, FH_RELEASE);
    *out = (fh_handle){begun | i};
    FH_HARD_NOT_NULL(at);
    return at;
}

/* The same. */
FH_ALWAYS_INLINE void *fh_hard_short_use(fh_pool *view, fh_handle handle, fh_pool_op op, int kind, bool is_small) {
    fh_hard_hand *hand = fh_hard_hand_of(view);
    uint32_t i = fh_handle_index(handle), generation = fh_handle_generation(handle), n = hand->ended_count;
    uint64_t life = handle.value - i;
    FH_UNSAFE("hard-lists");
    if (FH_UNLIKELY(!fh_hard_is_user(view) || i < hand->lead || i >= view->used || (generation & 1) == 0 ||
                    fh_load(fh_hard_word_of(view, i), kind == FH_HARD_ONE ? FH_RELAXED : FH_ACQUIRE) != life))
        return NULL;
    uint8_t *at = fh_hard_at(view, i);
    if (FH_UNLIKELY(op != FH_POOL_RELEASE))
        return op == FH_POOL_GET && kind != FH_HARD_BORROW ? at : NULL;
    if (FH_UNLIKELY(n == hand->most || generation == view->fast.last || !fh_hard_has_canary(view, at, is_small)))
        return NULL;
    uint64_t over = life + fh_word(1, FH_HARD_FREE);
    if (kind == FH_HARD_ONE)
        fh_store(fh_hard_word_of(view, i), over, FH_RELEASE);
    else if (FH_UNLIKELY(!fh_cas(fh_hard_word_of(view, i), &life, over, FH_ACQ_REL)))
        return NULL;
    fh_hard_fill(at, FH_HARD_ANEW(view->fast.size), FH_HARD_POISON, is_small);
    hand->ended[n] = i;
    fh_store(&hand->ended_count, n + 1, FH_RELAXED);
    FH_HARD_NOT_NULL(at);
    return at;
}

/* fh_hard_roads of one width. */
#define FH_HARD_ALLOC(name, kind, is_small)                                                                              \
    static fh_pool_found name(fh_pool *view, fh_handle *out) {                                                         \
        void *at = fh_hard_short_alloc(view, out, kind, is_small);                                                       \
        return FH_LIKELY(at != NULL) ? (fh_pool_found){at, {FH_OK}} : fh_pool_alloc_long(view, out);                   \
    }
#define FH_HARD_USE(name, kind, is_small)                                                                                \
    static fh_pool_found name(fh_pool *view, fh_handle h, fh_pool_op op) {                                             \
        void *at = fh_hard_short_use(view, h, op, kind, is_small);                                                       \
        return FH_LIKELY(at != NULL) ? (fh_pool_found){at, {FH_OK}} : fh_pool_use_long(view, h, op);                   \
    }
#define FH_HARD_ROADS(width, is_small)                                                                                   \
    FH_HARD_ALLOC(width##_alloc_one, FH_HARD_ONE, is_small)                                                              \
    FH_HARD_ALLOC(width##_alloc_several, FH_HARD_SEVERAL, is_small)                                                      \
    FH_HARD_USE(width##_use_one, FH_HARD_ONE, is_small)                                                                  \
    FH_HARD_USE(width##_use_several, FH_HARD_SEVERAL, is_small)                                                          \
    FH_HARD_USE(width##_use_borrow, FH_HARD_BORROW, is_small)                                                            \
    const fh_hard_roads fh_hard_roads_##width[FH_HARD_KINDS] = {                                                       \
        [FH_HARD_ONE] = {width##_alloc_one, width##_use_one},                                                          \
        [FH_HARD_SEVERAL] = {width##_alloc_several, width##_use_several},                                              \
        [FH_HARD_BORROW] = {width##_alloc_several, width##_use_borrow},                                                \
    }
