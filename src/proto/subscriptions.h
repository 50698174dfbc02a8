/* subscriptions.h: who wants which messages: prefixes with their subscribers, counted (RFC 37, "The Publish-Subscribe
 * Pattern").
 *
 * "Subscribing to A and A counts as two subscriptions": each needs a cancellation of its own. A message is looked up by
 * those lengths of its beginning that anybody asked for, in a hash table: one pass over the message, no recursion, no tree.
 * The hash is a polynomial with a secret base, so that no choice of prefixes makes many of them meet.
 *
 * Invariants: rows [0, used) were used once, free ones are a list; a live row is in the chain of its hash's cell, once;
 * lengths[n] = live rows with a prefix of n bytes. Threading: one thread at a time. */
#ifndef FH_PROTO_SUBSCRIPTIONS_H
#define FH_PROTO_SUBSCRIPTIONS_H

#include "freehold/bytes.h"

/* One subscriber of one prefix. */
typedef struct fh_subscription {
    fh_owned fh_bytes prefix;
    uint64_t hash, count; /* count 0: a free row */
    uint32_t peer, next;  /* the next row in the chain, or of the free ones: its index + 1 */
} fh_subscription;
FH_SPAN_DEFINE(subscription, fh_subscription);
FH_ARRAY_DEFINE(subscription);

typedef struct fh_subscription_index {
    fh_ref fh_allocator *allocator;
    uint64_t base;
    fh_owned fh_subscriptions rows;
    fh_owned fh_u32s cells;   /* a power of two: the first row of a chain + 1 */
    fh_owned fh_u32s lengths;
    fh_owned fh_u32s marked;  /* of each peer: the last match that found it */
    size_t used, live, prefix_max;
    uint32_t free_row, match;
} fh_subscription_index;

/* An empty one, for prefixes of up to prefix_max bytes; `secret` is a number that no peer can guess. FH_NOMEM. */
FH_MUST_USE fh_status fh_subscription_index_init(fh_owned fh_view(2) fh_subscription_index *s, fh_ref fh_allocator *a,
                                                 size_t prefix_max, uint64_t secret);
void fh_subscription_index_deinit(fh_drop fh_subscription_index *s);
/* One more subscription; *first = nobody had this prefix before. Takes time in the number of the prefix's subscribers.
 * FH_LIMIT for a prefix that is too long, FH_NOMEM. */
FH_MUST_USE fh_status fh_subscription_add(fh_mut fh_subscription_index *s, uint32_t peer, fh_span prefix, fh_out bool *first);
/* One fewer; *last = nobody has the prefix any more. FH_NOT_FOUND when the peer has no such subscription. */
FH_MUST_USE fh_status fh_subscription_cancel(fh_mut fh_subscription_index *s, uint32_t peer, fh_span prefix, fh_out bool *last);
/* True for a subscription that the peer has. */
bool fh_subscription_has(fh_ref const fh_subscription_index *s, uint32_t peer, fh_span prefix);
/* A peer leaves with all its subscriptions. O(all). */
void fh_subscription_drop_peer(fh_mut fh_subscription_index *s, uint32_t peer);
/* The peers that want a message that begins so, each once, to the start of `peers`; how many. More than there is room for are
 * left out, so give room for all. */
size_t fh_subscription_match(fh_mut fh_subscription_index *s, fh_span message, fh_u32s peers);

#endif
