/* zmq_frame.c: zmq_msg_t: one part of a message (shell.h).
 *
 * In its 64 bytes lies a frame: counted bytes, and a few words beside them. The mark tells a frame that was made from one that
 * was closed, or never made: those are EFAULT. Threading: a frame belongs to one thread at a time; its bytes go anywhere. */
#include "zmq/frame.h"

static const fh_bytes nothing = {NULL, {NULL, 0}};

_Static_assert(sizeof(fh_zmq_frame) <= sizeof(zmq_msg_t), "a frame lies in a zmq_msg_t");

fh_zmq_frame *fh_zmq_frame_of(const zmq_msg_t *msg) {
    FH_UNSAFE("zmq-frame");
    fh_zmq_frame *f = (fh_zmq_frame *)(uintptr_t)msg;
    if (f != NULL && f->mark == FH_ZMQ_FRAME)
        return f;
    errno = EFAULT;
    return NULL;
}

/* An empty one, whatever the bytes were. */
static fh_zmq_frame *start(zmq_msg_t *msg) {
    FH_UNSAFE("zmq-frame");
    fh_zmq_frame *f = (fh_zmq_frame *)msg;
    if (f == NULL) {
        errno = EFAULT;
        return NULL;
    }
    *f = (fh_zmq_frame){.mark = FH_ZMQ_FRAME};
    return f;
}

void fh_zmq_frame_clear(fh_zmq_frame *f) {
    fh_bytes_drop(&f->bytes);
    fh_bytes_drop(&f->extra);
    *f = (fh_zmq_frame){.mark = FH_ZMQ_FRAME};
}

fh_span fh_zmq_span(const void *data, size_t size) {
    return (fh_span){size != 0 ? data : NULL, size};
}

fh_mspan fh_zmq_room(void *data, size_t size) {
    return (fh_mspan){size != 0 ? data : NULL, size};
}

/* --- making --------------------------------------------------------------------------------------------------------------- */

int zmq_msg_init(zmq_msg_t *msg) {
    return start(msg) != NULL ? 0 : -1;
}

static void release_block(void *block) {
    fh_free(fh_zmq_heap(), block);
}

int zmq_msg_init_size(zmq_msg_t *msg, size_t size) {
    fh_zmq_frame *f = start(msg);
    if (f == NULL)
        return -1;
    if (size == 0)
        return 0;
    void *block = fh_alloc(fh_zmq_heap(), 1, size);
    if (block == NULL)
        return fh_zmq_fail(ENOMEM);
    fh_status s = fh_bytes_wrap(fh_zmq_heap(), fh_zmq_span(block, size), release_block, block, &f->bytes);
    if (!fh_failed(s))
        return 0;
    fh_free(fh_zmq_heap(), block);
    f->bytes = nothing;
    return fh_zmq_refuse(s, EINVAL);
}

int zmq_msg_init_buffer(zmq_msg_t *msg, const void *data, size_t size) {
    fh_zmq_frame *f = start(msg);
    if (f == NULL)
        return -1;
    fh_status s = fh_bytes_copy(fh_zmq_heap(), fh_zmq_span(data, size), &f->bytes);
    return fh_failed(s) ? fh_zmq_refuse(s, EINVAL) : 0;
}

/* Bytes of the program's, and whom it wants to be called when they are not needed any more. */
typedef struct lent {
    zmq_free_fn *release;
    void *data, *hint;
} lent;

static void give_back(void *ctx) {
    lent *l = ctx;
    l->release(l->data, l->hint);
    fh_free(fh_zmq_heap(), l);
}

int zmq_msg_init_data(zmq_msg_t *msg, void *data, size_t size, zmq_free_fn *release, void *hint) {
    fh_zmq_frame *f = start(msg);
    if (f == NULL)
        return -1;
    if (release == NULL) {
        f->bytes = (fh_bytes){NULL, fh_zmq_span(data, size)};
        f->is_shared = true;
        return 0;
    }
    lent *l = fh_alloc(fh_zmq_heap(), 1, sizeof *l);
    if (l == NULL)
        return fh_zmq_fail(ENOMEM);
    *l = (lent){release, data, hint};
    fh_status s = fh_bytes_wrap(fh_zmq_heap(), (fh_span){data, size}, give_back, l, &f->bytes);
    if (!fh_failed(s))
        return 0;
    fh_free(fh_zmq_heap(), l);
    f->bytes = nothing;
    return fh_zmq_refuse(s, EINVAL);
}

int zmq_msg_close(zmq_msg_t *msg) {
    fh_zmq_frame *f = fh_zmq_frame_of(msg);
    if (f == NULL)
        return -1;
    fh_zmq_frame_clear(f);
    f->mark = 0;
    return 0;
}

int zmq_msg_move(zmq_msg_t *to, zmq_msg_t *from) {
    fh_zmq_frame *t = fh_zmq_frame_of(to), *f = fh_zmq_frame_of(from);
    if (t == NULL || f == NULL)
        return -1;
    if (t == f)
        return 0;
    fh_zmq_frame_clear(t);
    *t = *f;
    *f = (fh_zmq_frame){.mark = FH_ZMQ_FRAME};
    return 0;
}

int zmq_msg_copy(zmq_msg_t *to, zmq_msg_t *from) {
    fh_zmq_frame *t = fh_zmq_frame_of(to), *f = fh_zmq_frame_of(from);
    if (t == NULL || f == NULL)
        return -1;
    if (t == f)
        return 0;
    fh_zmq_frame_clear(t);
    f->is_shared = f->is_shared || f->bytes.span.size > FH_ZMQ_SMALL;
    *t = *f;
    t->bytes = fh_bytes_share(f->bytes);
    t->extra = fh_bytes_share(f->extra);
    return 0;
}

/* --- looking -------------------------------------------------------------------------------------------------------------- */

/* What is known of the sender under a name, without the NUL behind it: names and values are texts that end with one each, one
 * behind the other. NULL, 0 for what is not known. */
static fh_span find(const fh_zmq_frame *f, fh_span wanted) {
    static const uint8_t nul[1];
    for (size_t at = 0; !f->has_group && at < f->extra.span.size;) {
        size_t value = fh_span_find(f->extra.span, (fh_span){nul, 1}, at) + 1;
        size_t end = fh_span_find(f->extra.span, (fh_span){nul, 1}, value);
        if (fh_span_equal(fh_span_sub(f->extra.span, at, value - 1 - at), wanted))
            return fh_span_sub(f->extra.span, value, end - value);
        at = end + 1;
    }
    return (fh_span){NULL, 0};
}

/* A number of decimal digits that was written here; -1 for none. */
static int number_of(fh_span digits) {
    int number = digits.size != 0 ? 0 : -1;
    for (size_t i = 0; i < digits.size; i++)
        number = 10 * number + (fh_span_at(digits, i) - '0');
    return number;
}

void *zmq_msg_data(zmq_msg_t *msg) {
    fh_zmq_frame *f = fh_zmq_frame_of(msg);
    if (f == NULL)
        return NULL;
    FH_UNSAFE("zmq-frame");
    return f->bytes.span.size != 0 ? (void *)(uintptr_t)f->bytes.span.at : (void *)msg;
}

size_t zmq_msg_size(const zmq_msg_t *msg) {
    const fh_zmq_frame *f = fh_zmq_frame_of(msg);
    return f != NULL ? f->bytes.span.size : 0;
}

int zmq_msg_more(const zmq_msg_t *msg) {
    FH_UNSAFE("zmq-frame");
    return zmq_msg_get(msg, ZMQ_MORE);
}

int zmq_msg_get(const zmq_msg_t *msg, int property) {
    const fh_zmq_frame *f = fh_zmq_frame_of(msg);
    if (f == NULL)
        return -1;
    switch (property) {
    case ZMQ_MORE:
        return f->has_more;
    case ZMQ_SHARED:
        return f->is_shared;
    case ZMQ_SRCFD:
        return number_of(find(f, FH_LIT("__fd")));
    default:
        return fh_zmq_fail(EINVAL);
    }
}

int zmq_msg_set(zmq_msg_t *msg, int property, int value) {
    (void)property;
    (void)value;
    return fh_zmq_frame_of(msg) == NULL ? -1 : fh_zmq_fail(EINVAL); /* no property can be set */
}

const char *zmq_msg_gets(const zmq_msg_t *msg, const char *property) {
    const fh_zmq_frame *f = fh_zmq_frame_of(msg);
    fh_span wanted = fh_span_of_str(property);
    if (f == NULL)
        return NULL;
    fh_span value = find(f, fh_span_is(wanted, "Routing-Id") ? FH_LIT("Identity") : wanted);
    if (value.at == NULL)
        errno = EINVAL;
    FH_UNSAFE("zmq-frame");
    return (const char *)value.at;
}

/* --- drafts --------------------------------------------------------------------------------------------------------------- */

int zmq_msg_set_routing_id(zmq_msg_t *msg, uint32_t routing_id) {
    fh_zmq_frame *f = fh_zmq_frame_of(msg);
    if (f == NULL)
        return -1;
    if (routing_id == 0)
        return fh_zmq_fail(EINVAL);
    f->routing_id = routing_id;
    return 0;
}

uint32_t zmq_msg_routing_id(zmq_msg_t *msg) {
    const fh_zmq_frame *f = fh_zmq_frame_of(msg);
    return f != NULL ? f->routing_id : 0;
}

fh_status fh_zmq_frame_group(fh_zmq_frame *f, fh_span name) {
    static const uint8_t nul[1];
    uint8_t copy[ZMQ_GROUP_MAX_LENGTH + 1] = {0};
    fh_bytes bytes = {NULL, {nul, sizeof nul}};
    if (name.size > ZMQ_GROUP_MAX_LENGTH)
        return FH_STATUS(FH_INVALID);
    fh_span_copy((fh_mspan){copy, sizeof copy}, name);
    if (name.size != 0)
        FH_TRY(fh_bytes_copy(fh_zmq_heap(), (fh_span){copy, name.size + 1}, &bytes));
    fh_bytes_drop(&f->extra);
    f->extra = bytes;
    f->has_group = true;
    return FH_DONE;
}

int zmq_msg_set_group(zmq_msg_t *msg, const char *group) {
    fh_zmq_frame *f = fh_zmq_frame_of(msg);
    if (f == NULL)
        return -1;
    fh_status s = group != NULL ? fh_zmq_frame_group(f, fh_span_of_str(group)) : FH_STATUS(FH_INVALID);
    return fh_failed(s) ? fh_zmq_refuse(s, EINVAL) : 0;
}

const char *zmq_msg_group(zmq_msg_t *msg) {
    const fh_zmq_frame *f = fh_zmq_frame_of(msg);
    if (f == NULL)
        return NULL;
    FH_UNSAFE("zmq-frame");
    return f->has_group ? (const char *)f->extra.span.at : "";
}
