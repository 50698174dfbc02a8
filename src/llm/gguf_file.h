/* gguf_file.h: an open GGUF file as src/llm sees it from inside, and the little that its readers and the writer share.
 *
 * Invariants after fh_gguf_open: every key's value and every tensor's extent lies inside `bytes`; `keys_by_name` and
 * `tensors_by_name` are permutations that sort their names strictly (no duplicates). Names are found by binary search and
 * duplicates by sorting, not by hashing, so that no choice of names makes opening slow.
 *
 * Threading: immutable after open. */
#ifndef FREEHOLD_LLM_GGUF_FILE_H
#define FREEHOLD_LLM_GGUF_FILE_H

#include <inttypes.h>

#include "freehold/gguf.h"

/* The offset goes into the report and into its text, which stands alone on a terminal. */
#define FH_GGUF_FAIL(err, code, at, format, ...) \
    fh_fail(err, code, at, "offset %" PRIu64 ": " format, (uint64_t)(at), __VA_ARGS__)

/* printf arguments under "%.*s" for a name: its first 64 bytes, so that the rest of a message has room. */
#define FH_GGUF_NAME(s) FH_SPAN_FMT(fh_gguf_short_name(s))
static inline fh_span fh_gguf_short_name(fh_span s) {
    return fh_span_sub(s, 0, s.size > 64 ? 64 : s.size);
}

enum { FH_GGUF_ALIGNMENT = 32, FH_GGUF_ALIGNMENT_MIN = 8, FH_GGUF_ALIGNMENT_MAX = 64 * 1024 };

FH_SPAN_DEFINE(gguf_key, fh_gguf_key);
FH_ARRAY_DEFINE(gguf_key);
FH_SPAN_DEFINE(gguf_tensor, fh_gguf_tensor);
FH_ARRAY_DEFINE(gguf_tensor);

struct fh_gguf {
    fh_ref fh_allocator *allocator;
    fh_owned fh_bytes bytes;
    uint32_t version;
    uint64_t alignment, data_at;
    fh_owned fh_gguf_keys keys;
    fh_owned fh_u32s keys_by_name;
    fh_owned fh_gguf_tensors tensors;
    fh_owned fh_u32s tensors_by_name;
};

/* Bytes of a value of a fixed size; 0 for strings and arrays. */
uint64_t fh_gguf_value_bytes(fh_gguf_type t);
/* The text of a string key. */
fh_status fh_gguf_key_text(fh_ref const fh_gguf *g, fh_ref const fh_gguf_key *key, fh_out fh_view(1) fh_span *out,
                           fh_mut fh_err *err);

/* Sorts 0 … order.count − 1 so that no element comes before one that is less. Heapsort: no recursion, no bad input. */
typedef bool fh_less_fn(const void *ctx, uint32_t a, uint32_t b);
void fh_order_sort(fh_u32s order, fh_less_fn *less, const void *ctx);

#endif
