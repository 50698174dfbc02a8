/* fuzz_zmq_option.c: programs that call zmq.h at random: right handles, stale ones, handles of something else and numbers that
 * never were one; options of any number, size and value; messages of any parts; frames that were made, closed, or neither; and
 * memory that runs out somewhere.
 *
 * An input is a list of calls, each a byte and what it needs; its first byte says which allocation fails. What a program
 * promises is kept (shell.h): buffers have the size that is said, texts end, frames that hold something are closed before
 * they are made anew. Properties: every call comes back, each failure has an errno, each lent block is given back once, and
 * after all was closed nothing is left. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "zmq_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx);

enum { CALLS_MAX = 80, MADE_MAX = 24, FRAMES = 4, LINGER_MS = 2 };

typedef struct program {
    fh_span in;
    size_t at;
    void *made[MADE_MAX]; /* all handles that there ever were */
    size_t count;
    zmq_msg_t frames[FRAMES];
    uint64_t lent, given_back;
    char endpoints[4][64];
} program;

static void require(bool good) {
    if (!good)
        abort();
}

/* --- what an input says --------------------------------------------------------------------------------------------------- */

static uint32_t next(program *p) {
    return p->at < p->in.size ? fh_span_at(p->in, p->at++) : 0;
}
static uint32_t next_u32(program *p) {
    uint32_t value = 0;
    for (int i = 0; i < 4; i++)
        value = value << 8 | next(p);
    return value;
}
/* A number that is often small, and sometimes at an end of its range. */
static int number(program *p) {
    static const int ends[] = {-1, 0, 1, 2, 3, 100, 255, 256, 1000, 65535, 65536, INT32_MAX, INT32_MIN, -2, 4, 8};
    uint32_t how = next(p);
    return how < 128 ? ends[how % 16] : how < 200 ? (int)(how - 128) : (int)next_u32(p);
}
/* Any handle; now and then a number that is none. */
static void *handle(program *p) {
    uint32_t which = next(p);
    if (which < 250 && p->count != 0)
        return p->made[which % p->count];
    uint64_t any = (uint64_t)next_u32(p) << 20 | next(p) << 2;
    return (void *)(uintptr_t)(which == 250 ? 0 : any);
}
static zmq_msg_t *frame(program *p) {
    uint32_t which = next(p) % (FRAMES + 1);
    return which < FRAMES ? &p->frames[which] : NULL;
}
/* A block of exactly so many of the input's bytes. */
static uint8_t *bytes(program *p, size_t *size) {
    *size = next(p);
    *size *= next(p) % 4 == 0 ? 2 : 1; /* more than any text may have */
    uint8_t *block = malloc(*size + 1);
    require(block != NULL);
    for (size_t i = 0; i < *size; i++)
        block[i] = (uint8_t)next(p);
    block[*size] = 0;
    return block;
}
static const char *endpoint(program *p) {
    static const char *const odd[] = {"", "inproc://", "tcp://", "tcp://127.0.0.1", "tcp://127.0.0.1:x", "ipc://@", "udp://x:1",
                                      "no such", "inproc://zeromq.zap.01", "tcp://127.0.0.1:99999"};
    uint32_t which = next(p);
    return which < 200 ? p->endpoints[which % 4] : which < 250 ? odd[which % 10] : NULL;
}

/* --- calls ---------------------------------------------------------------------------------------------------------------- */

/* A failure has a reason. */
static void is_told(bool failed) {
    require(!failed || errno != 0);
    errno = 0;
}

static void keep(program *p, void *made) {
    is_told(made == NULL);
    if (made != NULL)
        p->made[p->count++] = made;
}

/* A small one is quick to make. */
static void *open_context(void) {
    void *context = zmq_ctx_new();
    if (context != NULL)
        (void)zmq_ctx_set(context, ZMQ_MAX_SOCKETS, 16);
    return context;
}

static void *open_socket(void *context, int type) {
    void *socket = zmq_socket(context, type);
    int linger = 0;
    if (socket != NULL)
        (void)zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
    return socket;
}

static void make(program *p) {
    uint32_t what = next(p) % 8;
    if (p->count == MADE_MAX)
        return;
    if (what == 0)
        keep(p, open_context());
    else if (what == 1)
        keep(p, zmq_poller_new());
    else if (what == 2)
        keep(p, zmq_timers_new());
    else if (what == 3)
        keep(p, next(p) % 2 ? zmq_atomic_counter_new() : zmq_stopwatch_start());
    else {
        void *context = handle(p);
        keep(p, open_socket(context, number(p) % 24));
    }
}

/* Ends what a handle names, if it is that. A context with sockets would wait for them. */
static void unmake(program *p) {
    void *it = handle(p), *same = it;
    switch (next(p) % 6) {
    case 0:
        is_told(zmq_poller_destroy(&it) != 0);
        break;
    case 1:
        is_told(zmq_timers_destroy(&it) != 0);
        break;
    case 2:
        zmq_atomic_counter_destroy(&it);
        break;
    case 3:
        (void)zmq_stopwatch_stop(it);
        break;
    case 4:
        is_told(zmq_ctx_shutdown(it) != 0);
        break;
    default:
        is_told(zmq_close(it) != 0);
        break;
    }
    require(it == same || it == NULL);
}

static void set_option(program *p) {
    void *socket = handle(p);
    int option = next(p) < 240 ? (int)(next(p) % 120) : number(p), value = number(p);
    size_t size;
    uint8_t *block = bytes(p, &size);
    uint32_t how = next(p) % 8;
    if (option == ZMQ_LINGER)
        value = value & LINGER_MS; /* the end does not wait for long */
    if (how < 5 || option == ZMQ_LINGER)
        is_told(zmq_setsockopt(socket, option, &value, sizeof value) != 0);
    else
        is_told(zmq_setsockopt(socket, option, how == 7 ? NULL : block, size) != 0);
    free(block);
}

static void get_option(program *p) {
    void *socket = handle(p);
    int option = next(p) < 240 ? (int)(next(p) % 120) : number(p);
    size_t size;
    uint8_t *block = bytes(p, &size);
    size_t room = size;
    uint32_t how = next(p) % 8;
    is_told(zmq_getsockopt(socket, option, how == 0 ? NULL : block, how == 1 ? NULL : &size) != 0);
    require(size <= room);
    free(block);
}

static void use_context(program *p) {
    void *context = handle(p);
    int option = number(p), value = number(p);
    size_t size = next(p) % 9;
    uint64_t place = 0;
    is_told(zmq_ctx_set(context, option, option == ZMQ_MAX_SOCKETS && value > 100 ? 100 : value) != 0);
    (void)zmq_ctx_get(context, option);
    (void)zmq_ctx_get_ext(context, option, &place, &size);
    (void)zmq_has(endpoint(p));
}

static void attach(program *p) {
    void *socket = handle(p);
    uint32_t which = next(p) % 4, place = next(p) % 4;
    const char *name = endpoint(p);
    size_t size = sizeof p->endpoints[0];
    int result = which == 0   ? zmq_bind(socket, name)
                 : which == 1 ? zmq_connect(socket, name)
                 : which == 2 ? zmq_unbind(socket, name)
                              : zmq_disconnect(socket, name);
    is_told(result != 0);
    if (which == 0 && result == 0 && place < 2)
        (void)zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, p->endpoints[place], &size);
    errno = 0;
}

static void watch(program *p) {
    static const char *const names[] = {"inproc://m1", "inproc://m2", "tcp://127.0.0.1:*", NULL};
    void *socket = handle(p);
    const char *name = names[next(p) % 4];
    is_told(zmq_socket_monitor(socket, name, number(p)) != 0);
}

static void group(program *p) {
    void *socket = handle(p);
    size_t size;
    uint8_t *name = bytes(p, &size);
    is_told((next(p) % 2 ? zmq_join(socket, (char *)name) : zmq_leave(socket, (char *)name)) != 0);
    zmq_msg_t *f = frame(p);
    if (zmq_msg_set_group(f, (char *)name) == 0)
        require(strcmp(zmq_msg_group(f), (char *)name) == 0);
    free(name);
}

static void give_back(void *data, void *hint) {
    program *p = hint;
    p->given_back++;
    free(data);
}

static void make_frame(program *p) {
    zmq_msg_t *f = frame(p);
    size_t size;
    uint8_t *block = bytes(p, &size);
    uint32_t how = next(p) % 4;
    (void)zmq_msg_close(f);
    errno = 0;
    if (how == 0)
        is_told(zmq_msg_init(f) != 0);
    else if (how == 1)
        is_told(zmq_msg_init_size(f, size) != 0);
    else if (how == 2)
        is_told(zmq_msg_init_buffer(f, block, size) != 0);
    else if (zmq_msg_init_data(f, block, size, give_back, p) == 0) {
        p->lent++;
        return;
    }
    free(block);
}

static uint64_t read_all(zmq_msg_t *f) {
    const uint8_t *data = zmq_msg_data(f);
    uint64_t sum = 0;
    for (size_t i = 0; i < zmq_msg_size(f); i++)
        sum += data[i];
    return sum;
}

static void use_frames(program *p) {
    zmq_msg_t *one = frame(p), *two = frame(p);
    switch (next(p) % 6) {
    case 0:
        is_told(zmq_msg_close(one) != 0);
        break;
    case 1:
        is_told(zmq_msg_move(one, two) != 0);
        break;
    case 2:
        is_told(zmq_msg_copy(one, two) != 0);
        break;
    case 3:
        (void)zmq_msg_get(one, number(p));
        is_told(zmq_msg_set(one, number(p), 1) != 0);
        break;
    case 4:
        is_told(zmq_msg_set_routing_id(one, (uint32_t)number(p)) != 0);
        is_told(zmq_msg_gets(one, next(p) % 2 ? "Socket-Type" : "x") == NULL);
        break;
    default:
        (void)read_all(one);
        break;
    }
}

static void send_some(program *p) {
    void *socket = handle(p);
    int flags = ZMQ_DONTWAIT | (next(p) % 3 == 0 ? ZMQ_SNDMORE : 0);
    static const uint8_t constant[40] = "constant";
    if (next(p) % 2 == 0) {
        is_told(zmq_msg_send(frame(p), socket, flags) < 0);
        return;
    }
    if (next(p) % 4 == 0) {
        is_told(zmq_send_const(socket, constant, next(p) % sizeof constant, flags) < 0);
        return;
    }
    size_t size;
    uint8_t *block = bytes(p, &size);
    is_told(zmq_send(socket, block, size, flags) < 0);
    free(block);
}

static void receive_some(program *p) {
    void *socket = handle(p);
    size_t size;
    uint8_t *block = bytes(p, &size);
    if (next(p) % 2)
        is_told(zmq_recv(socket, block, size, ZMQ_DONTWAIT) < 0);
    else
        is_told(zmq_msg_recv(frame(p), socket, ZMQ_DONTWAIT) < 0);
    free(block);
}

static void poll_some(program *p) {
    zmq_pollitem_t items[5];
    int count = (int)(next(p) % 6);
    for (int i = 0; i < count; i++) {
        void *socket = next(p) % 5 ? handle(p) : NULL;
        items[i] = (zmq_pollitem_t){socket, -1, (short)number(p), 0};
    }
    bool none = next(p) % 9 == 8;
    is_told(zmq_poll(none ? NULL : items, next(p) % 20 == 19 ? -1 : count, 0) < 0);
}

static void use_poller(program *p) {
    void *poller = handle(p), *socket = handle(p);
    zmq_poller_event_t events[3];
    short wanted = (short)number(p);
    int fd = (int)(next(p) % 3) - 1;
    switch (next(p) % 8) {
    case 0:
        is_told(zmq_poller_remove(poller, socket) != 0);
        break;
    case 1:
        is_told(zmq_poller_modify(poller, socket, wanted) != 0);
        break;
    case 2:
        is_told(zmq_poller_add_fd(poller, fd, p, wanted) != 0);
        break;
    case 3:
        is_told(zmq_poller_remove_fd(poller, fd) != 0);
        break;
    case 4:
    case 5:
        is_told(zmq_poller_wait_all(poller, events, (int)(next(p) % 5) - 1 < 3 ? 3 : -1, 0) < 0);
        break;
    default:
        is_told(zmq_poller_add(poller, socket, p, wanted) != 0);
        break;
    }
    (void)zmq_poller_size(poller);
}

static void on_time(int id, void *arg) {
    program *p = arg;
    require(id > 0 && p->count <= MADE_MAX);
}

static void use_tools(program *p) {
    void *it = handle(p);
    size_t interval = next(p) % 8 ? (size_t)number(p) : 0; /* -1 is more than there is */
    is_told(next(p) % 2 && zmq_timers_add(it, interval, next(p) % 9 ? on_time : NULL, p) < 0);
    is_told(next(p) % 2 && zmq_timers_set_interval(it, number(p), interval) != 0);
    is_told(next(p) % 2 && zmq_timers_reset(it, number(p)) != 0);
    is_told(next(p) % 4 == 0 && zmq_timers_cancel(it, number(p)) != 0);
    (void)zmq_timers_timeout(it);
    (void)zmq_timers_execute(it);
    (void)zmq_atomic_counter_inc(it);
    (void)zmq_atomic_counter_dec(it);
    (void)zmq_stopwatch_intermediate(it);
    errno = 0;
}

static void use_keys(program *p) {
    size_t size;
    uint8_t *block = bytes(p, &size);
    uint8_t *back = malloc(size + 4);
    char *text = malloc(size * 5 / 4 + 2);
    require(back != NULL && text != NULL);
    (void)zmq_z85_decode(back, (char *)block);
    char open[41];
    (void)zmq_curve_public(open, (char *)block);
    if (zmq_z85_encode(text, block, size) != NULL && size != 0)
        require(zmq_z85_decode(back, text) == back && memcmp(back, block, size) == 0);
    free(text);
    free(back);
    free(block);
    errno = 0;
}

/* --- a run ---------------------------------------------------------------------------------------------------------------- */

static void (*const calls[])(program *p) = {make,         make,       unmake,     set_option, set_option, get_option,
                                            use_context,  attach,     attach,     watch,      group,      make_frame,
                                            use_frames,   send_some,  send_some,  send_some,  receive_some, receive_some,
                                            poll_some,    use_poller, use_tools,  use_keys};
enum { CALLS = sizeof calls / sizeof calls[0] };

static void end_all(program *p) {
    for (int i = 0; i < FRAMES; i++)
        (void)zmq_msg_close(&p->frames[i]);
    for (size_t i = 0; i < p->count; i++) {
        void *it = p->made[i];
        (void)zmq_close(it);
        (void)zmq_poller_destroy(&it);
        (void)zmq_timers_destroy(&it);
        zmq_atomic_counter_destroy(&it);
        (void)zmq_stopwatch_stop(it);
    }
    for (size_t i = 0; i < p->count; i++)
        (void)zmq_ctx_term(p->made[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fh_trace *trace = fh_trace_new();
    require(trace != NULL);
    program p = {.in = {data, size}};
    memset(p.frames, 0xa5, sizeof p.frames); /* never made */
    static const char *const names[] = {"inproc://a", "inproc://b", "tcp://127.0.0.1:*"};
    for (int i = 0; i < 3; i++)
        strcpy(p.endpoints[i], names[i]);
    (void)snprintf(p.endpoints[3], sizeof p.endpoints[3], "ipc://@freehold-fuzz-%d", (int)getpid());
    fh_zmq_heap_set(fh_trace_allocator(trace));
    uint32_t fail = next(&p);
    fh_trace_fail_at(trace, fail < 128 ? 0 : fail - 127);
    keep(&p, open_context());
    for (int i = 0; i < CALLS_MAX && p.at < p.in.size; i++) {
        errno = 0;
        calls[next(&p) % CALLS](&p);
    }
    fh_trace_fail_at(trace, 0);
    end_all(&p);
    require(p.lent == p.given_back);
    require(fh_trace_stats(trace).live == 0);
    fh_zmq_heap_set(NULL);
    fh_trace_free(trace);
    return 0;
}

/* Two sockets of each pair of types at each transport, that talk; and calls at random. */
static size_t put(uint8_t *to, size_t at, const uint8_t *bytes_of, size_t count) {
    memcpy(to + at, bytes_of, count);
    return at + count;
}

void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx) {
    static const uint8_t pairs[][2] = {{0, 0},   {3, 4},   {6, 5},   {9, 2},   {7, 8},
                                       {13, 12}, {14, 15}, {17, 16}, {19, 19}, {20, 20}};
    uint8_t seed[400];
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        for (uint8_t name = 0; name < 4; name++) {
            size_t n = 0;
            seed[n++] = (uint8_t)(name == 3 ? 128 + 2 * i : 0);
            for (int k = 0; k < 2; k++) /* make, a socket, of the context, of a type */
                n = put(seed, n, (const uint8_t[]){0, 4, 0, (uint8_t)(128 + pairs[i][k])}, 4);
            n = put(seed, n, (const uint8_t[]){11, 1, 0, 1, 0}, 5);         /* an empty frame */
            n = put(seed, n, (const uint8_t[]){3, 2, 0, 6, 1, 0, 0, 5}, 8); /* SUBSCRIBE to nothing: to all */
            n = put(seed, n, (const uint8_t[]){7, 1, 0, 0, name}, 5);       /* bind, and learn the name */
            n = put(seed, n, (const uint8_t[]){7, 2, 1, 0, (uint8_t)(name == 2 ? 0 : name)}, 5);
            for (int k = 0; k < 3; k++) {
                n = put(seed, n, (const uint8_t[]){13, (uint8_t)(1 + k % 2), (uint8_t)k, 1, 1, 4, 1, 'a', 'b', 'c', 'd'}, 11);
                n = put(seed, n, (const uint8_t[]){16, (uint8_t)(2 - k % 2), 8, 1, 0, 0, 0, 0, 0, 0, 0, 0, (uint8_t)k, 1}, 14);
                n = put(seed, n, (const uint8_t[]){18, 2, 1, 1, 130, 1, 2, 130, 1, 1}, 10);
            }
            emit(ctx, (fh_span){seed, n});
        }
    fh_test_rng rng = fh_test_rng_new(7);
    for (int i = 0; i < 40; i++) {
        size_t n = 100 + fh_test_rng_below(&rng, 300);
        for (size_t k = 0; k < n; k++)
            seed[k] = (uint8_t)fh_test_rng_next(&rng);
        emit(ctx, (fh_span){seed, n});
    }
}
