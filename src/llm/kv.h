/* kv.h: sequences and the segments that hold their keys and values.
 *
 *     fh_kv_cache_append(kv, seq, &slot, err)      for each row of a step: plans its position
 *     fh_kv_cache_reserve(kv, err)                 makes room for all of them, or changes nothing
 *     fh_kv_cache_first(kv, slot)                  for each row: where its segments stand in fh_kv_cache_segments(kv)
 *     … run the layers …
 *     fh_kv_cache_commit(kv)                       the sequences grow;  or fh_kv_cache_rollback(kv): they stay as they were
 *
 * A segment is one device allocation for FH_KV_BLOCK consecutive absolute positions, with all layers: layer l lies at l
 * · layer_bytes. Segments are counted: forks share them, and a sequence that is to write into a shared one gets a copy
 * first. Released segments wait on a free list; the device allocates only when that list is empty.
 *
 * Threading: one thread at a time. */
#ifndef FREEHOLD_LLM_KV_H
#define FREEHOLD_LLM_KV_H

#include "freehold/engine.h"

typedef struct fh_kv_cache fh_kv_cache;

typedef struct fh_kv_cache_options {
    uint32_t layers;
    uint64_t layer_bytes;  /* fh_kv_layer_bytes */
    uint64_t positions;    /* of all sequences together */
    uint64_t sequence_max; /* of one sequence, at most `positions` */
    uint32_t seqs_max;
} fh_kv_cache_options;

/* What a cache holds. */
typedef struct fh_kv_cache_stats {
    uint64_t segments_max, segments_made, segments_free; /* the budget; allocated; of those, on the free list */
    uint64_t seqs, sequence_max;                         /* open sequences; positions that one may hold */
} fh_kv_cache_stats;

/* Where a row of a step goes. */
typedef struct fh_kv_slot {
    uint64_t position;
    uint32_t number; /* of its sequence, inside the cache */
} fh_kv_slot;
FH_SPAN_DEFINE(kv_slot, fh_kv_slot);

fh_status fh_kv_cache_new(fh_ref fh_allocator *a, fh_mut fh_device *dev, const fh_kv_cache_options *options,
                          fh_owned fh_view(1, 2) fh_kv_cache **out, fh_mut fh_err *err);
void fh_kv_cache_free(fh_drop fh_kv_cache *kv);
fh_kv_cache_stats fh_kv_cache_stats_get(fh_ref const fh_kv_cache *kv);

/* As in engine.h. */
fh_status fh_kv_cache_open(fh_mut fh_kv_cache *kv, fh_out fh_seq *out);
fh_status fh_kv_cache_fork(fh_mut fh_kv_cache *kv, fh_seq from, fh_out fh_seq *out);
fh_status fh_kv_cache_close(fh_mut fh_kv_cache *kv, fh_seq s);
fh_status fh_kv_cache_length(fh_mut fh_kv_cache *kv, fh_seq s, fh_out uint64_t *out);
fh_status fh_kv_cache_truncate(fh_mut fh_kv_cache *kv, fh_seq s, uint64_t length);

/* Plans one further position of s in the step under way. FH_STALE; FH_LIMIT when the sequence is full. */
fh_status fh_kv_cache_append(fh_mut fh_kv_cache *kv, fh_seq s, fh_out fh_kv_slot *out, fh_mut fh_err *err);
/* Gives every planned position a segment of its sequence's own. FH_LIMIT (the budget), FH_NOMEM: nothing has changed. */
fh_status fh_kv_cache_reserve(fh_mut fh_kv_cache *kv, fh_mut fh_err *err);
/* The segments of the sequences of the step, and where block 0 of a row's sequence stands among them. Valid until: the step
 * ends. */
fh_mems fh_kv_cache_segments(fh_ref const fh_kv_cache *kv) fh_view(1);
uint32_t fh_kv_cache_first(fh_ref const fh_kv_cache *kv, fh_kv_slot slot);
/* Ends the step: planned positions become part of their sequences. */
void fh_kv_cache_commit(fh_mut fh_kv_cache *kv);
/* Ends the step: planned positions are forgotten, their segments released. */
void fh_kv_cache_rollback(fh_mut fh_kv_cache *kv);

#endif
