/* queue.c: the intrusive multi-producer single-consumer queue (queue.h).
 *
 *     first → n1 → n2 → … → last        each node's `next` names the one after it; the last one's names itself
 *
 * A push claims its node (next: NULL → itself), makes it `last` by one exchange, and then links it to the node that was last
 * before. Between the last two steps the chain has a gap there: nodes behind it are in the queue, but cannot be reached yet. A
 * pop that comes to the gap says FH_AGAIN. The stub stands in the chain whenever it would be empty, so it always has a last.
 *
 * Invariants:
 *   queue-node   next = NULL exactly while a node is in no queue. Who changes it from NULL (compare-and-swap) has the node to
 *                itself; a second push, racing or not, finds something else, is refused, and has touched nothing. The change
 *                needs no order: what made the caller the node's owner gave that. So a refused push orders nothing.
 *   queue-gap    The exchanges on `last` put all pushes in one order, and each push names the successor of exactly one node:
 *                its predecessor in that order. So `next` of a queued node is written twice, by its own push (itself) and by
 *                the next one (its successor); the exchanges put the first before the second.
 *   queue-order  The link is released, and acquired by the pop that follows it: the object behind it is whole.
 *   queue-pop    A pop takes `first` only when its `next` names another node. Then the push of that one has done its last
 *                step, so nobody touches a popped node.
 *   queue-owner  `thread`: as for a side of a ring (ring.c).
 *
 * Threading: see queue.h. */
#include "freehold/queue.h"

/* Makes a node `last`, and links it to the one before. */
static void append(fh_queue *q, fh_queue_node *node) {
    fh_queue_node *before = fh_exchange(&q->last, node, FH_ACQ_REL);
    FH_UNSAFE("queue-node");
    fh_store(&before->next, node, FH_RELEASE);
}

void fh_queue_init(fh_queue *q) {
    *q = (fh_queue){.last = &q->stub, .first = &q->stub, .stub = {&q->stub}};
}

fh_status fh_queue_push(fh_queue *q, fh_queue_node *node) {
    fh_queue_node *none = NULL;
    if (!fh_cas(&node->next, &none, node, FH_RELAXED))
        return FH_STATUS(FH_INVALID);
    append(q, node);
    return FH_DONE;
}

/* Makes sure that the caller is the consumer. */
static fh_status own(fh_queue *q) {
    uint64_t self = fh_thread_self(), nobody = 0;
    if (FH_LIKELY(fh_load(&q->thread, FH_RELAXED) == self) || fh_cas(&q->thread, &nobody, self, FH_ACQUIRE))
        return FH_DONE;
    return FH_STATUS(FH_WRONG_THREAD);
}

/* Moves `first` on to `next` and gives the node that was first. */
static fh_status take(fh_queue *q, fh_queue_node *node, fh_queue_node *next, fh_queue_node **out) {
    FH_WRITES(&q->first, sizeof q->first);
    q->first = next;
    FH_UNSAFE("queue-node");
    fh_store(&node->next, NULL, FH_RELAXED);
    *out = node;
    return FH_DONE;
}

fh_status fh_queue_pop(fh_queue *q, fh_queue_node **out) {
    *out = NULL;
    FH_TRY(own(q));
    FH_UNSAFE("queue-node");
    FH_READS(&q->first, sizeof q->first);
    fh_queue_node *node = q->first, *next = fh_load(&node->next, FH_ACQUIRE);
    if (node == &q->stub) { /* step over it */
        if (next == node)
            return FH_STATUS(FH_AGAIN);
        FH_WRITES(&q->first, sizeof q->first);
        q->first = node = next;
        next = fh_load(&node->next, FH_ACQUIRE);
    }
    if (next != node)
        return take(q, node, next, out);
    if (fh_load(&q->last, FH_RELAXED) != node) /* its successor is between its two steps */
        return FH_STATUS(FH_AGAIN);
    /* The only node: the stub goes behind it, so that it is not the last. The stub is in no chain now: `first` has passed it,
     * and `last` is not it. */
    fh_store(&q->stub.next, &q->stub, FH_RELAXED);
    append(q, &q->stub);
    next = fh_load(&node->next, FH_ACQUIRE);
    return next != node ? take(q, node, next, out) : FH_STATUS(FH_AGAIN); /* another push came between */
}

fh_status fh_queue_leave(fh_queue *q) {
    if (fh_load(&q->thread, FH_RELAXED) != fh_thread_self())
        return FH_STATUS(FH_WRONG_THREAD);
    fh_store(&q->thread, 0, FH_RELEASE);
    return FH_DONE;
}

bool fh_queue_has(const fh_queue_node *node) {
    return fh_load(&node->next, FH_RELAXED) != NULL;
}

void *fh_queue_object(fh_queue_node *node, size_t offset_bytes) {
    FH_UNSAFE("queue-node");
    return (uint8_t *)node - offset_bytes;
}

fh_status fh_queue_check(const fh_queue *q, size_t *count, fh_err *err) {
    const fh_queue_node *last = fh_load(&q->last, FH_ACQUIRE), *node = q->first;
    size_t stubs = 0;
    *count = 0;
    FH_UNSAFE("queue-node");
    for (;;) {
        stubs += node == &q->stub;
        *count += node != &q->stub;
        const fh_queue_node *next = fh_load(&node->next, FH_ACQUIRE);
        if (next == NULL || stubs > 1)
            return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "queue: the chain breaks off after %zu nodes", *count);
        if (next == node)
            break;
        node = next;
    }
    if (node != last)
        return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "queue: the chain of %zu nodes does not end in the last one", *count);
    return FH_DONE;
}
