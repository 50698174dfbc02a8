/* bench_io.c: a PULL with 64 connections over TCP, served by one, two and four I/O threads.
 *
 *     bench_io               a table: messages of 64 B and 1 KiB in the clear, and of 1 KiB sealed with CURVE
 *
 * Senders are in another context, with one I/O thread, the same in all rows. Rounds take turns; the table has medians of the
 * messages a second, and of seconds of the processor a million messages: of all threads that receive, and of the busiest I/O
 * thread among them, which is what bounds a machine that has processors enough.
 *
 * Threading: a thread sends, the main one receives. */
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "freehold/alloc.h"
#include "freehold/os.h"
#include "freehold/sock.h"
#include "proto/box.h"

enum { ROUNDS = 5, CONNECTIONS = 64, KINDS = 3, TASKS_MAX = 64, KEY = FH_ZMTP_KEY_BYTES };
static const uint32_t io_threads[KINDS] = {1, 2, 4};

typedef struct plan {
    const char *name;
    size_t size, count;
    bool sealed;
} plan;
static const plan plans[] = {
    {"64 B", 64, 600000, false},
    {"1 KiB", 1024, 300000, false},
    {"1 KiB, CURVE", 1024, 60000, true},
};

typedef struct result {
    double rate, all_s, busiest_s;
} result;

static void must(fh_status s, const char *what) {
    if (fh_failed(s)) {
        fprintf(stderr, "bench_io: %s: %s\n", what, fh_code_text(s.code));
        exit(1);
    }
}

/* Threads of this process, and the nanoseconds that each has run. */
typedef struct task {
    long id;
    double ns;
} task;
static size_t tasks(task *out) {
    DIR *dir = opendir("/proc/self/task");
    size_t count = 0;
    for (const struct dirent *d = dir != NULL ? readdir(dir) : NULL; d != NULL; d = readdir(dir)) {
        char path[300];
        (void)snprintf(path, sizeof path, "/proc/self/task/%s/schedstat", d->d_name);
        FILE *f = d->d_name[0] != '.' ? fopen(path, "r") : NULL;
        if (f == NULL)
            continue;
        task t = {strtol(d->d_name, NULL, 10), 0};
        if (count < TASKS_MAX && fscanf(f, "%lf", &t.ns) == 1)
            out[count++] = t;
        (void)fclose(f);
    }
    if (dir != NULL)
        (void)closedir(dir);
    return count;
}
static double ns_of(const task *all, size_t count, long id) {
    for (size_t i = 0; i < count; i++)
        if (all[i].id == id)
            return all[i].ns;
    return -1;
}

typedef struct sender {
    fh_sock_context *c;
    fh_sock push[CONNECTIONS];
    const plan *p;
    uint8_t *body;
} sender;

static void *send_all(void *arg) {
    sender *s = arg;
    for (size_t i = 0; i < s->p->count; i++) {
        fh_message m = {0};
        must(fh_message_push_copy(&m, fh_heap(), (fh_span){s->body, s->p->size}), "message");
        must(fh_sock_send(s->c, s->push[i % CONNECTIONS], &m), "send");
    }
    return NULL;
}

static void receive(fh_sock_context *c, fh_sock pull, size_t count) {
    for (size_t i = 0; i < count; i++) {
        fh_message m = {0};
        must(fh_sock_receive(c, pull, &m), "receive");
        fh_message_drop(&m, fh_heap());
    }
}

static result measure(const plan *p, uint32_t threads) {
    static uint8_t secret[KEY] = {1, 2, 3}, public[KEY], body[1024];
    task before[TASKS_MAX], io[TASKS_MAX], mid[TASKS_MAX], after[TASKS_MAX];
    sender s = {.p = p, .body = body};
    fh_sock_context *c;
    fh_sock pull;
    fh_bytes name;
    pthread_t thread;
    fh_sock_security server = {0}, client = {0};
    if (p->sealed) {
        fh_box_public((fh_span){secret, KEY}, (fh_mspan){public, KEY});
        server = (fh_sock_security){.mechanism = FH_ZMTP_CURVE, .server = true, .public_key = {public, KEY},
                                    .secret_key = {secret, KEY}};
        client = (fh_sock_security){.mechanism = FH_ZMTP_CURVE, .public_key = {public, KEY}, .secret_key = {secret, KEY},
                                    .server_key = {public, KEY}};
    }
    must(fh_sock_context_new(fh_heap(), &(fh_sock_context_options){.io_threads = 1}, &s.c), "context");
    must(fh_sock_context_new(fh_heap(), &(fh_sock_context_options){.io_threads = threads}, &c), "context");
    must(fh_sock_open(c, FH_ZMTP_PULL, &pull), "socket");
    must(fh_sock_secure(c, pull, &server), "keys");
    size_t others = tasks(before);
    must(fh_sock_bind(c, pull, FH_LIT("tcp://127.0.0.1:*"), NULL), "bind");
    size_t ours = tasks(io);
    must(fh_sock_last_endpoint(c, pull, &name), "name");
    for (size_t i = 0; i < CONNECTIONS; i++) {
        must(fh_sock_open(s.c, FH_ZMTP_PUSH, &s.push[i]), "socket");
        must(fh_sock_secure(s.c, s.push[i], &client), "keys");
        must(fh_sock_connect(s.c, s.push[i], name.span, NULL), "connect");
        fh_message m = {0};
        must(fh_message_push_copy(&m, fh_heap(), FH_LIT("there")), "message");
        must(fh_sock_send(s.c, s.push[i], &m), "send");
    }
    receive(c, pull, CONNECTIONS);
    size_t all = tasks(mid);
    uint64_t start = fh_os_clock_ns();
    if (pthread_create(&thread, NULL, send_all, &s) != 0)
        exit(1);
    receive(c, pull, p->count);
    uint64_t end = fh_os_clock_ns();
    size_t last = tasks(after);
    (void)pthread_join(thread, NULL);
    result r = {.rate = (double)p->count * 1e9 / (double)(end - start)};
    for (size_t i = 0; i < ours; i++) { /* this thread, and those that began with the bind */
        bool is_io = ns_of(before, others, io[i].id) < 0;
        double took = (ns_of(after, last, io[i].id) - ns_of(mid, all, io[i].id)) / (double)p->count * 1e-3;
        r.all_s += took;
        r.busiest_s = is_io && took > r.busiest_s ? took : r.busiest_s;
    }
    fh_bytes_drop(&name);
    fh_sock_context_stop(s.c);
    fh_sock_context_free(s.c);
    fh_sock_context_stop(c);
    fh_sock_context_free(c);
    return r;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}
static double median(double *of) {
    qsort(of, ROUNDS, sizeof *of, compare);
    return of[ROUNDS / 2];
}

int main(void) {
    printf("%-14s %12s %14s %20s %20s\n", "messages", "I/O threads", "thousand a s", "s a million, all", "busiest I/O thread");
    for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++) {
        double rate[KINDS][ROUNDS], all[KINDS][ROUNDS], busiest[KINDS][ROUNDS];
        if (plans[i].sealed && !fh_box_available())
            continue;
        for (size_t round = 0; round < ROUNDS; round++)
            for (size_t kind = 0; kind < KINDS; kind++) {
                result r = measure(&plans[i], io_threads[kind]);
                rate[kind][round] = r.rate;
                all[kind][round] = r.all_s;
                busiest[kind][round] = r.busiest_s;
            }
        for (size_t kind = 0; kind < KINDS; kind++)
            printf("%-14s %12u %14.0f %20.2f %20.2f\n", plans[i].name, (unsigned)io_threads[kind], median(rate[kind]) / 1e3,
                   median(all[kind]), median(busiest[kind]));
        fflush(stdout);
    }
    return 0;
}
