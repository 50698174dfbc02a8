/* bench_zmq.c: sockets over TCP on this machine, beside those of the installed libzmq.
 *
 *     bench_zmq              a table: one-way messages of 64 B, 1 KiB and 64 KiB, round trips of 64 B, and such that spin
 *     bench_zmq counts       calls of the system at the side that sends or asks, and calls of malloc on both sides
 *     bench_zmq [counts] WORD  only those with a word in their name
 *
 * Each measurement is two processes, a server and a client, with the defaults of either library and one message a call. Rounds
 * take turns: ours on io_uring, ours on epoll, libzmq; the table has medians, and the median of the ratios within the rounds.
 * Times are the receiver's (one way) or the asker's (round trips), without the first tenth.
 *
 * Calls of the system are counted by a debugger's view of the client (ptrace), from the end of the warm-up on; that slows the
 * client, so what is sent together is counted in another run, without it, by the functions of the C library that send.
 *
 * Threading: the parent has one thread, so that it may fork. */
#define _GNU_SOURCE 1

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include "freehold/alloc.h"
#include "freehold/os.h"
#include "freehold/sock.h"

enum { ROUNDS = 11, LARGEST = 65536, CALL_NUMBERS = 512 };
typedef enum library { URING, EPOLL, LIBZMQ, LIBRARIES } library;
static const char *const names[LIBRARIES] = {"io_uring", "epoll", "libzmq"};

typedef struct plan {
    const char *name;
    bool asks; /* round trips */
    size_t size, count;
    int64_t spin_us; /* our option; libzmq has none */
} plan;
static const plan plans[] = {
    {"one way, 64 B", false, 64, 1000000, 0},
    {"one way, 1 KiB", false, 1024, 300000, 0},
    {"one way, 64 KiB", false, 65536, 20000, 0},
    {"round trip, 64 B", true, 64, 20000, 0},
    {"round trip, spin", true, 64, 20000, 1000},
};
enum { PLANS = sizeof plans / sizeof *plans };

/* What a process tells its parent. */
typedef struct account {
    uint64_t ns, mallocs, sends;
} account;

static void die(const char *what) {
    fprintf(stderr, "bench_zmq: %s\n", what);
    exit(1);
}

static void check(fh_status s, const char *what) {
    if (fh_failed(s)) {
        fprintf(stderr, "bench_zmq: %s: %s\n", what, fh_code_text(s.code));
        exit(1);
    }
}

/* --- what is counted inside ----------------------------------------------------------------------------------------------- */

static _Atomic uint64_t mallocs, sends;
#define SEEN_BY_ALL __attribute__((visibility("default"))) /* libzmq calls these too */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);

SEEN_BY_ALL void *malloc(size_t size) {
    atomic_fetch_add_explicit(&mallocs, 1, memory_order_relaxed);
    return __libc_malloc(size);
}

SEEN_BY_ALL void *calloc(size_t count, size_t size) {
    atomic_fetch_add_explicit(&mallocs, 1, memory_order_relaxed);
    return __libc_calloc(count, size);
}

SEEN_BY_ALL ssize_t send(int fd, const void *bytes, size_t size, int flags) {
    atomic_fetch_add_explicit(&sends, 1, memory_order_relaxed);
    return syscall(SYS_sendto, fd, bytes, size, flags, NULL, 0);
}

SEEN_BY_ALL ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    atomic_fetch_add_explicit(&sends, 1, memory_order_relaxed);
    return syscall(SYS_sendmsg, fd, message, flags);
}

/* A call that nobody else makes: the parent counts those between two of it. */
static void mark(void) {
    (void)syscall(SYS_getppid);
}

/* --- both libraries behind one face --------------------------------------------------------------------------------------- */

typedef struct side {
    library of;
    fh_allocator *a;
    fh_page_source *pages;
    fh_sock_context *context;
    fh_sock ours;
    void *theirs_context, *theirs;
} side;

static side side_new(library of, fh_zmtp_socket type, int64_t spin_us) {
    side s = {.of = of, .a = fh_heap()};
    if (of == LIBZMQ) {
        s.theirs_context = zmq_ctx_new();
        s.theirs = zmq_socket(s.theirs_context, (int)type); /* the same numbers */
        return s;
    }
    (void)setenv("FREEHOLD_NET", of == EPOLL ? "epoll" : "io_uring", 1);
    check(fh_page_source_new(s.a, NULL, &s.pages), "pages");
    check(fh_sock_context_new(s.a, NULL, &s.context), "context");
    check(fh_sock_open(s.context, type, &s.ours), "open");
    check(fh_sock_set(s.context, s.ours, FH_SOCK_SPIN, spin_us), "spin");
    return s;
}

static void side_bind(side *s, char *name, size_t size) {
    if (s->of == LIBZMQ) {
        if (zmq_bind(s->theirs, "tcp://127.0.0.1:*") != 0 || zmq_getsockopt(s->theirs, ZMQ_LAST_ENDPOINT, name, &size) != 0)
            die("zmq_bind");
        return;
    }
    fh_bytes at;
    check(fh_sock_bind(s->context, s->ours, FH_LIT("tcp://127.0.0.1:*"), NULL), "bind");
    check(fh_sock_last_endpoint(s->context, s->ours, &at), "endpoint");
    (void)snprintf(name, size, "%.*s", FH_SPAN_FMT(at.span));
    fh_bytes_drop(&at);
}

static void side_connect(side *s, const char *name) {
    if (s->of != LIBZMQ)
        check(fh_sock_connect(s->context, s->ours, fh_span_of_str(name), NULL), "connect");
    else if (zmq_connect(s->theirs, name) != 0)
        die("zmq_connect");
}

/* A message of the caller's bytes, which are copied. */
static void side_send(side *s, fh_span bytes) {
    if (s->of == LIBZMQ) {
        if (zmq_send(s->theirs, bytes.at, bytes.size, 0) < 0)
            die("zmq_send");
        return;
    }
    fh_bytes body;
    fh_message m = {0};
    check(fh_page_source_copy(s->pages, bytes, &body), "copy");
    check(fh_message_push(&m, s->a, &body), "push");
    check(fh_sock_send(s->context, s->ours, &m), "send");
}

/* The next message; its size. */
static size_t side_receive(side *s) {
    if (s->of == LIBZMQ) {
        zmq_msg_t m;
        (void)zmq_msg_init(&m);
        if (zmq_msg_recv(&m, s->theirs, 0) < 0)
            die("zmq_msg_recv");
        size_t size = zmq_msg_size(&m);
        (void)zmq_msg_close(&m);
        return size;
    }
    fh_message m = {0};
    check(fh_sock_receive(s->context, s->ours, &m), "receive");
    size_t size = fh_message_view(&m, 0).size;
    fh_message_drop(&m, s->a);
    return size;
}

static void side_free(side *s) {
    if (s->of == LIBZMQ) {
        (void)zmq_close(s->theirs);
        (void)zmq_ctx_term(s->theirs_context);
        return;
    }
    fh_sock_context_free(s->context);
    fh_page_source_free(s->pages);
}

/* --- two processes -------------------------------------------------------------------------------------------------------- */

static uint8_t body[LARGEST];

static void put(int fd, const void *from, size_t size) {
    if (write(fd, from, size) != (ssize_t)size)
        die("write");
}

static void get(int fd, void *to, size_t size) {
    for (size_t got = 0; got < size;) {
        ssize_t n = read(fd, (uint8_t *)to + got, size - got);
        if (n <= 0)
            die("the other process has ended");
        got += (size_t)n;
    }
}

/* Receives, or answers: says where, and then how long all but the first tenth took. */
static void serve(library of, const plan *p, int out) {
    char name[256] = {0};
    uint64_t start = 0, before = 0;
    side s = side_new(of, p->asks ? FH_ZMTP_REP : FH_ZMTP_PULL, p->spin_us);
    side_bind(&s, name, sizeof name);
    put(out, name, sizeof name);
    size_t first = p->count / 10;
    for (size_t i = 0; i < p->count + first; i++) {
        if (side_receive(&s) != p->size)
            die("a message of another size");
        if (p->asks)
            side_send(&s, (fh_span){body, p->size});
        if (i + 1 == first) {
            before = atomic_load(&mallocs);
            start = fh_os_clock_ns();
        }
    }
    account a = {.ns = fh_os_clock_ns() - start, .mallocs = atomic_load(&mallocs) - before};
    put(out, &a, sizeof a);
    side_free(&s);
    exit(0);
}

static void ask(library of, const plan *p, const char *name, int out) {
    uint64_t start = 0;
    account before = {0}, after;
    side s = side_new(of, p->asks ? FH_ZMTP_REQ : FH_ZMTP_PUSH, p->spin_us);
    side_connect(&s, name);
    size_t first = p->count / 10;
    for (size_t i = 0; i < p->count + first; i++) {
        if (i == first) {
            before = (account){.mallocs = atomic_load(&mallocs), .sends = atomic_load(&sends)};
            start = fh_os_clock_ns();
            mark();
        }
        side_send(&s, (fh_span){body, p->size});
        if (p->asks && side_receive(&s) != p->size)
            die("an answer of another size");
    }
    after.ns = fh_os_clock_ns() - start;
    if (p->asks)
        mark();
    after.mallocs = atomic_load(&mallocs) - before.mallocs;
    side_free(&s); /* all has left */
    if (!p->asks)
        mark();
    after.sends = atomic_load(&sends) - before.sends;
    put(out, &after, sizeof after);
    exit(0);
}

/* --- calls of the system -------------------------------------------------------------------------------------------------- */

typedef struct calls {
    uint64_t all, of[CALL_NUMBERS];
} calls;

/* Runs a process that asked to be traced to its end, and counts what all its threads call between its two marks. */
static void count_calls(pid_t client, calls *c) {
    int status;
    bool counts = false;
    memset(c, 0, sizeof *c);
    if (waitpid(client, &status, 0) != client || !WIFSTOPPED(status))
        die("the client did not stop");
    if (ptrace(PTRACE_SETOPTIONS, client, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL) != 0)
        die("no tracing here");
    (void)ptrace(PTRACE_SYSCALL, client, 0, 0);
    for (;;) {
        struct __ptrace_syscall_info info;
        pid_t thread = waitpid(-1, &status, __WALL);
        if (thread < 0)
            return;
        if (WIFEXITED(status) || WIFSIGNALED(status)) {
            if (thread == client)
                return;
            continue;
        }
        int signal = WSTOPSIG(status);
        bool is_call = signal == (SIGTRAP | 0x80);
        if (is_call && ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof info, &info) > 0 &&
            info.op == PTRACE_SYSCALL_INFO_ENTRY) {
            counts = counts != (info.entry.nr == SYS_getppid);
            c->all += counts && info.entry.nr != SYS_getppid;
            c->of[info.entry.nr % CALL_NUMBERS] += counts && info.entry.nr != SYS_getppid;
        }
        bool passes_on = !is_call && signal != SIGTRAP && signal != SIGSTOP;
        (void)ptrace(PTRACE_SYSCALL, thread, 0, passes_on ? signal : 0);
    }
}

/* One measurement. `traced`: calls are counted. */
static account measure(library of, const plan *p, calls *traced) {
    int from_server[2], from_client[2];
    char name[256];
    account a, there;
    if (pipe(from_server) != 0 || pipe(from_client) != 0)
        die("pipe");
    pid_t server = fork();
    if (server == 0)
        serve(of, p, from_server[1]);
    get(from_server[0], name, sizeof name);
    pid_t client = fork();
    if (client == 0) {
        if (traced != NULL && (ptrace(PTRACE_TRACEME, 0, 0, 0) != 0 || raise(SIGSTOP) != 0))
            die("no tracing here");
        ask(of, p, name, from_client[1]);
    }
    if (traced != NULL)
        count_calls(client, traced);
    get(from_client[0], &a, sizeof a);
    get(from_server[0], &there, sizeof there);
    a.ns = p->asks ? a.ns : there.ns;
    a.mallocs += there.mallocs;
    (void)waitpid(server, NULL, 0); /* or the tracer has seen them end */
    (void)waitpid(client, NULL, 0);
    for (size_t i = 0; i < 2; i++) {
        (void)close(from_server[i]);
        (void)close(from_client[i]);
    }
    return a;
}

/* --- tables --------------------------------------------------------------------------------------------------------------- */

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(const double *values) {
    double sorted[ROUNDS];
    memcpy(sorted, values, sizeof sorted);
    qsort(sorted, ROUNDS, sizeof *sorted, by_size);
    return sorted[ROUNDS / 2];
}

static void compare(const plan *p) {
    double values[LIBRARIES][ROUNDS], ratios[LIBRARIES][ROUNDS];
    for (size_t r = 0; r < ROUNDS; r++) {
        for (size_t k = 0; k < LIBRARIES; k++) {
            library of = (library)((r + k) % LIBRARIES);
            double seconds = (double)measure(of, p, NULL).ns / 1e9;
            values[of][r] = p->asks ? seconds * 1e6 / (double)p->count : (double)p->count / seconds;
        }
        for (size_t of = 0; of < LIBRARIES; of++)
            ratios[of][r] = values[of][r] / values[LIBZMQ][r];
    }
    printf("%-18s", p->name);
    for (size_t of = 0; of < LIBRARIES; of++)
        printf(p->asks ? "  %s %.1f us (%.2f x)" : "  %s %.0f /s (%.2f x)", names[of], median(values[of]), median(ratios[of]));
    printf("\n");
    fflush(stdout);
}

static void count(const plan *p) {
    static calls c;
    plan shorter = *p;
    shorter.count = p->count / 10;
    for (size_t of = 0; of < LIBRARIES; of++) {
        account a = measure((library)of, p, NULL);
        (void)measure((library)of, &shorter, &c);
        double n = (double)p->count, few = (double)shorter.count;
        printf("%-18s %-9s %8.4f calls a message", p->name, names[of], (double)c.all / few);
        printf(", %7.4f mallocs", (double)a.mallocs / n);
        if (a.sends != 0)
            printf(", %.1f messages a send", n / (double)a.sends);
        printf("  [");
        for (size_t i = 0; i < CALL_NUMBERS; i++)
            if ((double)c.of[i] > 0.02 * (double)c.all)
                printf(" %zu: %.3f", i, (double)c.of[i] / few);
        printf(" ]\n");
        fflush(stdout);
    }
}

int main(int argc, char **argv) {
    bool counts = argc > 1 && strcmp(argv[1], "counts") == 0;
    const char *word = argc > 1 + counts ? argv[1 + counts] : "";
    memset(body, 'x', sizeof body);
    for (size_t i = 0; i < PLANS; i++) {
        if (strstr(plans[i].name, word) == NULL)
            continue;
        if (counts)
            count(&plans[i]);
        else
            compare(&plans[i]);
    }
    return 0;
}
