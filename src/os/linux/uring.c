/* uring.c: the rings of io_uring(7) (os/uring.h), by its three system calls and nothing else.
 *
 * Two rings lie in memory that the kernel maps for us. Of the submission ring we write entries and `tail`, the kernel writes
 * `head`; of the completion ring it is the other way round. Who moves an index releases what it wrote before; who reads the
 * index of the other one acquires it. Entries between head and tail belong to the reader, all others to the writer. A third
 * ring, of lent buffers, is ours; the kernel takes from it what lies before its tail.
 *
 * An entry, its message header and its list of pieces are read by the kernel before it moves `head` past the entry
 * (IORING_FEAT_SUBMIT_STABLE), so these are used again when the ring is empty; what they lead to stays until the completion.
 * The kernel drops no completion (IORING_FEAT_NODROP), so each operation that was shown comes back.
 *
 * What a kernel can do is found out by asking it, newest first. A flag that it does not know is EINVAL. Constants and layouts
 * that are newer than the headers of Debian 12 (Linux 6.1) stand here, under our names.
 *
 * Invariants: uring-ring: head <= tail <= head + entries in each ring, and only entries that are ours are touched;
 * uring-flight: under_way counts the operations whose last completion has not been read; uring-lent: a buffer's entry is
 * written while the kernel does not have it. Threading: os/uring.h. */
#define _GNU_SOURCE 1

#include <errno.h>
#include <linux/io_uring.h>
#include <linux/time_types.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "freehold/atomic.h"
#include "os/linux/linux.h"
#include "os/socket.h"
#include "os/uring.h"

enum { COMPLETIONS = 4 * FH_URING_OPS_MAX, PROBED_OPS = 64, BUFFER_GROUP = 0 };
#define LENGTH_MAX (UINT32_C(1) << 30)
/* Linux 6.12: a buffer is used from its front on, until it is full. */
#define BUFFERS_INCREMENTAL 2
#define DONE_BUFFER_STAYS (UINT32_C(1) << 4)
/* io_uring_buf_reg, whose `flags` have another name in old headers. */
typedef struct buffers_registration {
    uint64_t at;
    uint32_t entries;
    uint16_t group, flags;
    uint64_t reserved[3];
} buffers_registration;

#define FEATURES_NEEDED                                                                                                      \
    (IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE | IORING_FEAT_FAST_POLL | IORING_FEAT_EXT_ARG)

struct fh_uring {
    int fd;
    bool is_disabled; /* until the first wait, which says whose it is */
    fh_uring_about about;
    uint8_t *rings;
    size_t rings_bytes, entries_bytes;
    struct io_uring_sqe *entries;
    const struct io_uring_cqe *completions;
    uint32_t *sent_tail, *done_head;             /* ours, which the kernel reads */
    const uint32_t *sent_head, *done_tail;       /* the kernel's */
    uint32_t entries_count, sent_mask, done_mask;
    uint32_t tail; /* of what was asked for; *sent_tail is what was shown */
    uint64_t under_way;
    struct io_uring_buf *buffers; /* FH_URING_BUFFERS of them; the ring's tail lies in the first one's spare field */
    uint16_t buffers_tail;
    uint64_t bell; /* what was read from one */
    size_t pieces_count;
    struct msghdr messages[FH_URING_OPS_MAX];
    struct iovec pieces[FH_URING_PIECES_MAX];
};

/* --- opening --------------------------------------------------------------------------------------------------------- */

static long setup(uint32_t flags, struct io_uring_params *p) {
    FH_UNSAFE("os-call");
    *p = (struct io_uring_params){.flags = flags | IORING_SETUP_CQSIZE, .cq_entries = COMPLETIONS};
    return syscall(SYS_io_uring_setup, FH_URING_OPS_MAX, p);
}

/* The best kind of ring that the kernel has; *error if it has none. */
static fh_status open_best(fh_uring *r, fh_uring_options options, struct io_uring_params *p, int *error) {
    static const uint32_t one_thread[] = {
        IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_R_DISABLED,
        IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN,
        IORING_SETUP_SUBMIT_ALL,
    };
    /* On a ring of several threads the work of an operation is done by the one that asked for it, which may be busy elsewhere
     * now: it is to be interrupted, so neither of the first two. */
    size_t first = !options.one_thread ? 2 : options.oldest ? 1 : 0;
    long fd = -1;
    FH_UNSAFE("os-call");
    for (size_t i = first; i < sizeof one_thread / sizeof *one_thread && fd < 0; i++) {
        fd = setup(one_thread[i], p);
        if (fd < 0 && errno != EINVAL)
            break;
        r->about.is_deferred = r->is_disabled = i == 0;
        r->about.is_cooperative = i == 1;
    }
    if (fd < 0) {
        *error = errno;
        if (*error == EMFILE || *error == ENFILE)
            return FH_STATUS(FH_EXHAUSTED);
        bool refused = *error == EPERM || *error == ENOSYS || *error == ENOMEM || *error == EINVAL;
        return FH_STATUS(refused ? FH_UNSUPPORTED : FH_IO);
    }
    r->fd = (int)fd;
    return FH_DONE;
}

/* True if the kernel has all that is needed of it. */
static bool can_do_it(const fh_uring *r, const struct io_uring_params *p) {
    static const uint8_t needed[] = {IORING_OP_ACCEPT, IORING_OP_ASYNC_CANCEL, IORING_OP_POLL_ADD, IORING_OP_READ,
                                     IORING_OP_RECV,   IORING_OP_SENDMSG};
    union {
        struct io_uring_probe head;
        uint8_t bytes[sizeof(struct io_uring_probe) + PROBED_OPS * sizeof(struct io_uring_probe_op)];
    } probe;
    FH_UNSAFE("os-call");
    memset(&probe, 0, sizeof probe);
    if ((p->features & FEATURES_NEEDED) != FEATURES_NEEDED ||
        syscall(SYS_io_uring_register, r->fd, IORING_REGISTER_PROBE, &probe, PROBED_OPS) < 0)
        return false;
    const struct io_uring_probe_op *ops = (const void *)(probe.bytes + sizeof probe.head);
    for (size_t i = 0; i < sizeof needed; i++)
        if (needed[i] >= probe.head.ops_len || (ops[needed[i]].flags & IO_URING_OP_SUPPORTED) == 0)
            return false;
    return true;
}

static fh_status map_rings(fh_uring *r, const struct io_uring_params *p) {
    size_t sent = p->sq_off.array + p->sq_entries * sizeof(uint32_t);
    size_t done = p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe);
    FH_UNSAFE("uring-ring");
    r->rings_bytes = sent > done ? sent : done;
    r->entries_bytes = p->sq_entries * sizeof(struct io_uring_sqe);
    void *rings = mmap(NULL, r->rings_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, IORING_OFF_SQ_RING);
    if (rings == MAP_FAILED)
        return FH_STATUS(FH_NOMEM);
    r->rings = rings;
    void *entries = mmap(NULL, r->entries_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, (off_t)IORING_OFF_SQES);
    if (entries == MAP_FAILED)
        return FH_STATUS(FH_NOMEM);
    r->entries = entries;
    r->sent_head = (const void *)(r->rings + p->sq_off.head);
    r->sent_tail = (void *)(r->rings + p->sq_off.tail);
    r->done_head = (void *)(r->rings + p->cq_off.head);
    r->done_tail = (const void *)(r->rings + p->cq_off.tail);
    r->completions = (const void *)(r->rings + p->cq_off.cqes);
    r->entries_count = p->sq_entries < FH_URING_OPS_MAX ? p->sq_entries : FH_URING_OPS_MAX;
    r->sent_mask = p->sq_entries - 1;
    r->done_mask = p->cq_entries - 1;
    uint32_t *order = (void *)(r->rings + p->sq_off.array); /* entry i is always in place i */
    for (uint32_t i = 0; i < p->sq_entries; i++)
        order[i] = i;
    return FH_DONE;
}

static long change_buffers(const fh_uring *r, unsigned what, uint16_t flags) {
    FH_UNSAFE("os-call");
    buffers_registration b = {.at = (uint64_t)(uintptr_t)r->buffers, .entries = FH_URING_BUFFERS, .group = BUFFER_GROUP,
                              .flags = flags};
    if (what == IORING_UNREGISTER_PBUF_RING)
        b = (buffers_registration){.group = BUFFER_GROUP};
    return syscall(SYS_io_uring_register, r->fd, what, &b, 1);
}

/* The ring of buffers; false if the kernel has no such thing (before Linux 5.19). */
static bool open_buffers(fh_uring *r, bool oldest) {
    r->about.is_incremental = !oldest && change_buffers(r, IORING_REGISTER_PBUF_RING, BUFFERS_INCREMENTAL) == 0;
    return r->about.is_incremental || change_buffers(r, IORING_REGISTER_PBUF_RING, 0) == 0;
}

/* Ends what there is of a ring. */
static void end(fh_drop fh_uring *r) {
    FH_UNSAFE("uring-ring");
    if (r->entries != NULL)
        (void)munmap(r->entries, r->entries_bytes);
    if (r->rings != NULL)
        (void)munmap(r->rings, r->rings_bytes);
    if (r->fd >= 0)
        (void)close(r->fd);
    fh_linux_drop_pages(r->buffers, FH_URING_BUFFERS * sizeof *r->buffers);
    fh_linux_drop_pages(r, sizeof *r);
}

fh_status fh_uring_open(fh_uring_options options, fh_uring **out, int *error) {
    struct io_uring_params p;
    void *at = NULL, *buffers = NULL;
    *out = NULL;
    *error = 0;
    FH_UNSAFE("uring-ring");
    FH_TRY(fh_linux_take_pages(sizeof(fh_uring), &at));
    fh_uring *r = at;
    *r = (fh_uring){.fd = -1};
    fh_status s = fh_linux_take_pages(FH_URING_BUFFERS * sizeof *r->buffers, &buffers);
    r->buffers = buffers;
    if (!fh_failed(s))
        s = open_best(r, options, &p, error);
    if (!fh_failed(s) && (!can_do_it(r, &p) || !open_buffers(r, options.oldest))) {
        *error = EINVAL;
        s = FH_STATUS(FH_UNSUPPORTED);
    }
    if (!fh_failed(s))
        s = map_rings(r, &p);
    if (fh_failed(s)) {
        end(r);
        return s;
    }
    *out = r;
    return FH_DONE;
}

void fh_uring_close(fh_uring *r) {
    if (r == NULL)
        return;
    FH_UNSAFE("uring-flight");
    FH_ASSERT(r->under_way == 0);
    (void)change_buffers(r, IORING_UNREGISTER_PBUF_RING, 0); /* the last close of the descriptor does it too, but later */
    end(r);
}

const char *fh_uring_refusal(int error) {
    if (error == EPERM)
        return "io_uring is forbidden here (EPERM): by a sandbox, or by kernel.io_uring_disabled";
    if (error == ENOSYS)
        return "this kernel has no io_uring (ENOSYS)";
    return error == ENOMEM ? "there was no memory for io_uring (ENOMEM)" : "this kernel's io_uring is older than Linux 5.19";
}

fh_uring_about fh_uring_about_get(const fh_uring *r) {
    FH_UNSAFE("uring-ring");
    return r->about;
}

/* --- asking ------------------------------------------------------------------------------------------------------------ */

/* The next entry, for an operation with a key; FH_EXHAUSTED if all are the kernel's. */
static fh_status ask(fh_uring *r, struct io_uring_sqe what, uint64_t key) {
    FH_UNSAFE("uring-ring");
    if (r->tail - fh_load(r->sent_head, FH_ACQUIRE) >= r->entries_count)
        return FH_STATUS(FH_EXHAUSTED);
    what.user_data = key;
    r->entries[r->tail & r->sent_mask] = what;
    r->tail++;
    r->under_way += key != FH_URING_NO_KEY;
    return FH_DONE;
}

fh_status fh_uring_accept(fh_uring *r, int fd, uint64_t key) {
    FH_UNSAFE("uring-ring");
    return ask(r, (struct io_uring_sqe){.opcode = IORING_OP_ACCEPT, .fd = fd, .ioprio = IORING_ACCEPT_MULTISHOT,
                                        .accept_flags = SOCK_NONBLOCK | SOCK_CLOEXEC}, key);
}

fh_status fh_uring_writable(fh_uring *r, int fd, uint64_t key) {
    FH_UNSAFE("uring-ring");
    return ask(r, (struct io_uring_sqe){.opcode = IORING_OP_POLL_ADD, .fd = fd, .poll_events = POLLOUT}, key);
}

fh_status fh_uring_receive_into(fh_uring *r, int fd, fh_mspan room, bool later, uint64_t key) {
    FH_UNSAFE("uring-flight");
    uint32_t size = room.size < LENGTH_MAX ? (uint32_t)room.size : LENGTH_MAX;
    return ask(r, (struct io_uring_sqe){.opcode = IORING_OP_RECV, .fd = fd, .addr = (uint64_t)(uintptr_t)room.at, .len = size,
                                        .ioprio = later ? IORING_RECVSEND_POLL_FIRST : 0}, key);
}

fh_status fh_uring_receive(fh_uring *r, int fd, bool later, uint64_t key) {
    FH_UNSAFE("uring-ring");
    return ask(r, (struct io_uring_sqe){.opcode = IORING_OP_RECV, .fd = fd, .flags = IOSQE_BUFFER_SELECT,
                                        .buf_group = BUFFER_GROUP, .ioprio = later ? IORING_RECVSEND_POLL_FIRST : 0}, key);
}

fh_status fh_uring_send(fh_uring *r, int fd, fh_views pieces, bool later, uint64_t key) {
    FH_UNSAFE("uring-flight");
    size_t first = r->pieces_count;
    if (pieces.count > FH_URING_PIECES_MAX - first)
        return FH_STATUS(FH_EXHAUSTED);
    for (size_t i = 0; i < pieces.count; i++) {
        fh_span piece = fh_views_get(pieces, i);
        r->pieces[first + i] = (struct iovec){(void *)(uintptr_t)piece.at, piece.size};
    }
    struct msghdr *message = &r->messages[r->tail % FH_URING_OPS_MAX];
    struct msghdr filled = {.msg_iov = r->pieces + first, .msg_iovlen = pieces.count};
    FH_TRY(ask(r, (struct io_uring_sqe){.opcode = IORING_OP_SENDMSG, .fd = fd, .addr = (uint64_t)(uintptr_t)message, .len = 1,
                                        .msg_flags = MSG_NOSIGNAL, .ioprio = later ? IORING_RECVSEND_POLL_FIRST : 0}, key));
    *message = filled;
    r->pieces_count += pieces.count;
    return FH_DONE;
}

fh_status fh_uring_bell(fh_uring *r, int fd, uint64_t key) {
    FH_UNSAFE("uring-flight");
    return ask(r, (struct io_uring_sqe){.opcode = IORING_OP_READ, .fd = fd, .addr = (uint64_t)(uintptr_t)&r->bell,
                                        .len = sizeof r->bell, .off = UINT64_MAX}, key);
}

fh_status fh_uring_cancel(fh_uring *r, int fd) {
    FH_UNSAFE("uring-ring");
    return ask(r, (struct io_uring_sqe){.opcode = IORING_OP_ASYNC_CANCEL, .fd = fd,
                                        .cancel_flags = IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_ALL}, FH_URING_NO_KEY);
}

void fh_uring_lend(fh_uring *r, uint16_t number, fh_mspan room) {
    FH_ASSERT(number < FH_URING_BUFFERS && room.size != 0 && room.size <= LENGTH_MAX);
    FH_UNSAFE("uring-lent");
    struct io_uring_buf *entry = &r->buffers[r->buffers_tail % FH_URING_BUFFERS];
    entry->addr = (uint64_t)(uintptr_t)room.at; /* not the whole entry: the ring's tail may lie in it */
    entry->len = (uint32_t)room.size;
    entry->bid = number;
    r->buffers_tail++;
    fh_store(&r->buffers[0].resv, r->buffers_tail, FH_RELEASE);
}

/* --- waiting --------------------------------------------------------------------------------------------------------- */

bool fh_uring_has_news(const fh_uring *r) {
    FH_UNSAFE("uring-ring");
    return r->tail != fh_load(r->sent_head, FH_ACQUIRE);
}

/* What a call that waits said, as a status. Several errors only mean that there is something to read, or to try again. */
static fh_status status_of(long returned, int error) {
    if (returned >= 0 || error == ETIME || error == EBUSY || error == EAGAIN)
        return FH_DONE;
    if (error == EINTR)
        return FH_STATUS(FH_CANCELED);
    return FH_STATUS(error == EEXIST ? FH_INVALID : FH_IO);
}

fh_status fh_uring_wait(fh_uring *r, uint64_t timeout_ns, uint32_t *calls) {
    *calls = 1;
    FH_UNSAFE("uring-ring");
    if (r->is_disabled) {
        *calls = 2;
        if (syscall(SYS_io_uring_register, r->fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0) != 0)
            return FH_STATUS(FH_IO);
        r->is_disabled = false;
    }
    struct __kernel_timespec time = {(int64_t)(timeout_ns / 1000000000), (int64_t)(timeout_ns % 1000000000)};
    struct io_uring_getevents_arg more = {.ts = timeout_ns == UINT64_MAX ? 0 : (uint64_t)(uintptr_t)&time};
    fh_store(r->sent_tail, r->tail, FH_RELEASE);
    uint32_t shown = r->tail - fh_load(r->sent_head, FH_ACQUIRE);
    long n = syscall(SYS_io_uring_enter, r->fd, shown, timeout_ns != 0 ? 1 : 0, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG,
                     &more, sizeof more);
    int error = errno;
    if (fh_load(r->sent_head, FH_ACQUIRE) == r->tail)
        r->pieces_count = 0;
    return status_of(n, error);
}

/* What an operation returned. */
static void put_result(fh_out fh_uring_done *out, int32_t result) {
    out->error = result < 0 ? -result : 0;
    out->count = result < 0 ? 0 : (uint32_t)result;
    if (result >= 0)
        out->status = FH_DONE;
    else if (out->error == ECANCELED || out->error == EINTR || out->error == ECONNABORTED)
        out->status = FH_STATUS(FH_AGAIN);
    else
        out->status = out->error == EPIPE ? FH_STATUS(FH_END) : fh_os_socket_status(out->error);
    out->no_buffer = out->error == ENOBUFS;
}

bool fh_uring_next(fh_uring *r, fh_uring_done *out) {
    FH_UNSAFE("uring-ring");
    uint32_t head = *r->done_head;
    *out = (fh_uring_done){.key = FH_URING_NO_KEY};
    if (head == fh_load(r->done_tail, FH_ACQUIRE))
        return false;
    const struct io_uring_cqe *done = &r->completions[head & r->done_mask];
    *out = (fh_uring_done){
        .key = done->user_data,
        .more = (done->flags & IORING_CQE_F_MORE) != 0,
        .has_buffer = (done->flags & IORING_CQE_F_BUFFER) != 0,
        .buffer_stays = (done->flags & DONE_BUFFER_STAYS) != 0,
        .has_rest = (done->flags & IORING_CQE_F_SOCK_NONEMPTY) != 0,
        .buffer = (uint16_t)(done->flags >> IORING_CQE_BUFFER_SHIFT),
    };
    put_result(out, done->res);
    fh_store(r->done_head, head + 1, FH_RELEASE);
    FH_UNSAFE("uring-flight");
    r->under_way -= out->key != FH_URING_NO_KEY && !out->more;
    FH_ASSERT(!out->has_buffer || out->buffer < FH_URING_BUFFERS);
    return true;
}
