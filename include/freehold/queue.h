/* queue.h: an unbounded queue from many threads to one, made of nodes that lie in the caller's objects.
 *
 *     struct message { fh_queue_node node; … };
 *     FH_QUEUE_DEFINE(message, struct message, node);           message_push, message_pop
 *
 *     fh_queue inbox;
 *     fh_queue_init(&inbox);
 *     FH_TRY(message_push(&inbox, m));                          any thread, never waits, allocates nothing
 *     fh_status s = message_pop(&inbox, &m);                    one thread: FH_AGAIN when there is nothing to have
 *
 * A push is one exchange on the queue, whatever other threads do; what one thread pushes comes out in its order. A node knows
 * that it is queued: pushing it again is refused with FH_INVALID, also when two threads try it at once.
 *
 * Threading: fh_queue_push from any thread; the first thread that pops is the consumer, until fh_queue_leave. A queue does not
 * move while it is in use. Ownership: a queued object belongs to the queue, so nobody frees it; a popped one to who popped it.
 *
 * Source: D. Vyukov, "Intrusive MPSC node-based queue" (1024cores.net). */
#ifndef FREEHOLD_QUEUE_H
#define FREEHOLD_QUEUE_H

#include "freehold/alloc.h"
#include "freehold/atomic.h"

FH_EXTERN_BEGIN

/* Lies in the object that is queued. All zero: not queued; so an object from fh_alloc is ready. Needs no other setup. */
typedef struct fh_queue_node {
    struct fh_queue_node *next; /* NULL: in no queue; itself: the last of its queue */
} fh_queue_node;

/* Fields are for the functions of this header. */
typedef struct fh_queue {
    fh_queue_node *last; /* what was pushed last; producers exchange it */
    uint64_t pad[15];
    fh_queue_node *first; /* what is popped next; from here on only the consumer writes, except in `stub` */
    uint64_t thread;      /* the consumer; 0: nobody yet */
    fh_queue_node stub;   /* stands in the queue when nothing else does */
} fh_queue;

/* Makes an empty queue in the caller's storage. */
FH_API void fh_queue_init(fh_out fh_queue *q);
/* Puts a node at the end. FH_INVALID when it is in a queue already. */
FH_FALLIBLE fh_queue_push(fh_ref fh_queue *q, fh_move fh_queue_node *node);
/* Takes the first node. FH_AGAIN (and NULL) when there is none, or while the push of the first one is between its two steps:
 * its thread has then not returned from fh_queue_push. FH_WRONG_THREAD. */
FH_FALLIBLE fh_queue_pop(fh_mut fh_queue *q, fh_owned fh_queue_node **out);
/* The consumer stops to be it: the next thread that pops takes its place, and sees all that was done here. FH_WRONG_THREAD. */
FH_FALLIBLE fh_queue_leave(fh_mut fh_queue *q);
/* True for a node that is in some queue; a guess while other threads are at work on it. */
FH_API bool fh_queue_has(fh_ref const fh_queue_node *node);
/* Every invariant, O(n), while nobody is at work: FH_CORRUPT with a report; *count is the number of nodes. For tests. */
FH_FALLIBLE fh_queue_check(fh_ref const fh_queue *q, fh_out size_t *count, fh_mut fh_err *err);

/* The object that a node lies in, at `offset_bytes`. */
FH_API void *fh_queue_object(fh_ref fh_queue_node *node, size_t offset_bytes) fh_view(1);

/* Defines NAME_push(queue, type *) and NAME_pop(queue, type **) for a type whose member `member` is its fh_queue_node. */
#define FH_QUEUE_DEFINE(name, type, member)                                                               \
    FH_UNUSED FH_MUST_USE static inline fh_status name##_push(fh_ref fh_queue *q, fh_move type *object) { \
        return fh_queue_push(q, &object->member);                                                         \
    }                                                                                                     \
    FH_UNUSED FH_MUST_USE static inline fh_status name##_pop(fh_mut fh_queue *q, fh_owned type **out) {   \
        fh_queue_node *node;                                                                              \
        *out = NULL;                                                                                      \
        FH_TRY(fh_queue_pop(q, &node));                                                                   \
        *out = FH_FROM_VOID(type *, fh_queue_object(node, offsetof(type, member)));                       \
        return FH_DONE;                                                                                   \
    }                                                                                                     \
    typedef type fh_##name##_queued_

FH_EXTERN_END
#endif
