/* test_conn_copies.c: how many bytes of bodies are copied between the application and the kernel: none of a body of 16 KiB or
 * more on its way out, none of a body on its way in whose bytes came in one receive.
 *
 * The linker puts this program between the layers `net` and `os` (--wrap): it sees each piece that the loop shows to the kernel
 * and all memory that the kernel writes to, on both engines. What was not copied is sent from the application's own memory, and
 * is received where the kernel has put it; so addresses are compared. The peer is a plain socket: the connection that is looked
 * at is the only one.
 *
 * tidy: exempt mirror: it is of the whole layer */
#define _GNU_SOURCE 1

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "conn_world.h"
#include "os/socket.h"
#include "os/uring.h"

enum { RECEIVES_MAX = 4096, PARTS = 12, LARGEST = 1 << 20, OTHER_MAX = 256, GREETING = 64, READY = 28, HEAD = 9 };

/* --- what the kernel is shown --------------------------------------------------------------------------------------------- */

typedef struct range {
    const uint8_t *at;
    size_t size;
} range;

static struct {
    pthread_mutex_t lock;
    range bodies[PARTS];  /* the application's */
    size_t shown[PARTS];  /* so many bytes of each, from its first on, were shown where they are */
    size_t bodies_count;
    uint64_t other_most;  /* the largest piece from elsewhere */
    range received[RECEIVES_MAX];   /* where the kernel wrote what it received, in the order of the stream */
    size_t received_count;
    range lent[FH_URING_BUFFERS];
    range room;
    uint64_t room_key;
    uint64_t epoll_calls, uring_calls;
} seen = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void lock(void) {
    assert_int_equal(pthread_mutex_lock(&seen.lock), 0);
}
static void unlock(void) {
    assert_int_equal(pthread_mutex_unlock(&seen.lock), 0);
}

static void show(fh_views pieces) {
    for (size_t i = 0; i < pieces.count; i++) {
        fh_span piece = fh_views_get(pieces, i);
        size_t k = 0;
        while (k < seen.bodies_count && (piece.at < seen.bodies[k].at || piece.at >= seen.bodies[k].at + seen.bodies[k].size))
            k++;
        if (k == seen.bodies_count) {
            seen.other_most = piece.size > seen.other_most ? piece.size : seen.other_most;
            continue;
        }
        size_t from = (size_t)(piece.at - seen.bodies[k].at), to = from + piece.size;
        if (from <= seen.shown[k] && to > seen.shown[k])
            seen.shown[k] = to;
    }
}
static void note_received(const uint8_t *at, size_t size) {
    if (size != 0 && seen.received_count < RECEIVES_MAX)
        seen.received[seen.received_count++] = (range){at, size};
}

fh_status __real_fh_os_send(int fd, fh_views pieces, size_t *sent, int *error);
fh_status __wrap_fh_os_send(int fd, fh_views pieces, size_t *sent, int *error);
fh_status __wrap_fh_os_send(int fd, fh_views pieces, size_t *sent, int *error) {
    lock();
    seen.epoll_calls++;
    show(pieces);
    unlock();
    return __real_fh_os_send(fd, pieces, sent, error);
}

fh_status __real_fh_os_receive(int fd, fh_mspan room, size_t *got, int *error);
fh_status __wrap_fh_os_receive(int fd, fh_mspan room, size_t *got, int *error);
fh_status __wrap_fh_os_receive(int fd, fh_mspan room, size_t *got, int *error) {
    fh_status s = __real_fh_os_receive(fd, room, got, error);
    lock();
    seen.epoll_calls++;
    note_received(room.at, fh_failed(s) ? 0 : *got);
    unlock();
    return s;
}

fh_status __real_fh_uring_send(fh_uring *r, int fd, fh_views pieces, bool later, uint64_t key);
fh_status __wrap_fh_uring_send(fh_uring *r, int fd, fh_views pieces, bool later, uint64_t key);
fh_status __wrap_fh_uring_send(fh_uring *r, int fd, fh_views pieces, bool later, uint64_t key) {
    lock();
    seen.uring_calls++;
    show(pieces);
    unlock();
    return __real_fh_uring_send(r, fd, pieces, later, key);
}

void __real_fh_uring_lend(fh_uring *r, uint16_t number, fh_mspan room);
void __wrap_fh_uring_lend(fh_uring *r, uint16_t number, fh_mspan room);
void __wrap_fh_uring_lend(fh_uring *r, uint16_t number, fh_mspan room) {
    lock();
    seen.lent[number] = (range){room.at, room.size};
    unlock();
    __real_fh_uring_lend(r, number, room);
}

fh_status __real_fh_uring_receive_into(fh_uring *r, int fd, fh_mspan room, bool later, uint64_t key);
fh_status __wrap_fh_uring_receive_into(fh_uring *r, int fd, fh_mspan room, bool later, uint64_t key);
fh_status __wrap_fh_uring_receive_into(fh_uring *r, int fd, fh_mspan room, bool later, uint64_t key) {
    lock();
    seen.room = (range){room.at, room.size};
    seen.room_key = key;
    unlock();
    return __real_fh_uring_receive_into(r, fd, room, later, key);
}

bool __real_fh_uring_next(fh_uring *r, fh_uring_done *out);
bool __wrap_fh_uring_next(fh_uring *r, fh_uring_done *out);
bool __wrap_fh_uring_next(fh_uring *r, fh_uring_done *out) {
    bool found = __real_fh_uring_next(r, out);
    lock();
    if (found && out->has_buffer) {
        seen.uring_calls++;
        note_received(seen.lent[out->buffer].at, out->count);
        seen.lent[out->buffer].at += out->count;
    } else if (found && out->key == seen.room_key && !fh_failed(out->status)) {
        note_received(seen.room.at, out->count);
        seen.room_key = 0;
    }
    unlock();
    return found;
}

/* --- the plain peer ------------------------------------------------------------------------------------------------------- */

static void write_all(int fd, const uint8_t *at, size_t size) {
    while (size != 0) {
        ssize_t n = send(fd, at, size, MSG_NOSIGNAL);
        assert_true(n > 0 || errno == EINTR);
        at += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
}
static void read_all(int fd, uint8_t *at, size_t size) {
    while (size != 0) {
        ssize_t n = recv(fd, at, size, 0);
        assert_true(n > 0 || (n < 0 && errno == EINTR));
        at += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
}

/* Connects to a socket at 127.0.0.1, and says that it is a socket of a type: four letters. */
static int speak_to(wire_name n, const char *type) {
    uint8_t speech[GREETING + READY] = {0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1, 'N', 'U', 'L', 'L'};
    memcpy(&speech[GREETING], "\4\32\5READY\13Socket-Type\0\0\0\4", READY - 4);
    memcpy(&speech[GREETING + READY - 4], type, 4);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    to.sin_port = htons((uint16_t)atoi(strrchr(n.text, ':') + 1));
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    write_all(fd, speech, sizeof speech);
    return fd;
}

/* --- both engines --------------------------------------------------------------------------------------------------------- */

static void begin(const char *engine) {
    fh_uring *ring = NULL;
    int error = 0;
    if (strcmp(engine, "epoll") != 0) {
        fh_status s = fh_uring_open((fh_uring_options){0}, &ring, &error);
        fh_uring_close(ring);
        if (s.code == FH_UNSUPPORTED)
            fh_test_skip(fh_uring_refusal(error));
    }
    assert_int_equal(setenv("FREEHOLD_NET", engine, 1), 0);
    seen.bodies_count = seen.received_count = 0;
    memset(seen.shown, 0, sizeof seen.shown);
    seen.other_most = seen.room_key = seen.epoll_calls = seen.uring_calls = 0;
}
static void end(const char *engine) {
    assert_int_equal(unsetenv("FREEHOLD_NET"), 0);
    assert_true(strcmp(engine, "epoll") == 0 ? seen.epoll_calls != 0 && seen.uring_calls == 0
                                             : seen.uring_calls != 0 && seen.epoll_calls == 0);
}

static size_t size_of(size_t i) {
    static const size_t sizes[] = {16384, 16385, 40000, 65536, 300000, LARGEST};
    return sizes[i % (sizeof sizes / sizeof *sizes)];
}

/* Reads a message of the stream, and compares it. */
static void read_message(int fd, fh_span body) {
    static uint8_t got[HEAD + LARGEST];
    read_all(fd, got, HEAD + body.size);
    assert_int_equal(got[0], 2); /* one part, its size in eight bytes */
    uint64_t size = 0;
    for (size_t i = 1; i < HEAD; i++)
        size = size << 8 | got[i];
    assert_int_equal(size, body.size);
    assert_memory_equal(&got[HEAD], body.at, body.size);
}

/* Every byte of each body is shown to the kernel where the application has it, and no piece from elsewhere is as large as to
 * have bytes of one. */
static void send_all(void **state, const char *engine) {
    static uint8_t text[LARGEST];
    begin(engine);
    world w = world_new(state);
    fh_sock push = open_patient(w, FH_ZMTP_PUSH);
    wire_name n = bind_fresh(w, push, TCP);
    fh_bytes kept[PARTS];
    uint64_t total = 0;
    for (size_t i = 0; i < PARTS; i++) {
        memset(text, (int)(i + 1), size_of(i));
        fh_assert_ok(fh_bytes_copy(w.a, (fh_span){text, size_of(i)}, &kept[i]));
        lock();
        seen.bodies[seen.bodies_count++] = (range){kept[i].span.at, kept[i].span.size};
        unlock();
        total += kept[i].span.size;
    }
    int fd = speak_to(n, "PULL");
    uint8_t hello[GREETING + 2 + 255];
    for (size_t i = 0; i < PARTS; i++) {
        fh_message m = {0};
        fh_bytes body = fh_bytes_share(kept[i]);
        fh_assert_ok(fh_message_push(&m, w.a, &body));
        fh_assert_ok(fh_sock_send(w.c, push, &m));
        fh_message_drop(&m, w.a);
    }
    read_all(fd, hello, GREETING + 2);
    assert_int_equal(hello[GREETING], 4); /* READY */
    read_all(fd, hello, hello[GREETING + 1]);
    for (size_t i = 0; i < PARTS; i++)
        read_message(fd, kept[i].span);
    world_stop(w);
    assert_int_equal(close(fd), 0);
    uint64_t copied = total;
    for (size_t i = 0; i < PARTS; i++) {
        copied -= seen.shown[i];
        fh_bytes_drop(&kept[i]);
    }
    printf("%s: %llu body bytes sent, %llu of them copied\n", engine, (unsigned long long)total, (unsigned long long)copied);
    assert_int_equal(copied, 0);
    assert_true(seen.other_most <= OTHER_MAX);
    end(engine);
}

/* Where byte `at` of the stream was written, and how many of those that follow are behind it. */
static range received_at(uint64_t at) {
    for (size_t i = 0; i < seen.received_count; i++) {
        const range *r = &seen.received[i];
        if (at < r->size)
            return (range){r->at + at, r->size - (size_t)at};
        at -= r->size;
    }
    fail_msg("byte %llu of the stream was not received", (unsigned long long)at);
    return (range){NULL, 0};
}

typedef struct counts {
    uint64_t bytes, parts, copied, split;
} counts;

/* Receives `count` messages of one size, which begin at *at of the stream. */
static void receive_some(world w, fh_sock pull, size_t count, size_t size, uint64_t *at, counts *sums) {
    for (size_t i = 0; i < count; i++) {
        fh_message m = {0};
        fh_assert_ok(fh_sock_receive(w.c, pull, &m));
        fh_span body = fh_message_view(&m, 0);
        assert_int_equal(body.size, size);
        *at += size < 256 ? 2 : HEAD;
        lock();
        range there = received_at(*at);
        unlock();
        if (there.size >= size) { /* it came in one receive */
            sums->copied += body.at != there.at ? size : 0;
            sums->bytes += size;
            sums->parts++;
        } else {
            sums->split++;
        }
        *at += size;
        fh_message_drop(&m, w.a);
    }
}

/* A body that came in one receive is where the kernel has written it, small or large, alone or among others. */
static void receive_all(void **state, const char *engine) {
    static const struct {
        size_t size, together;
    } lots[] = {{1, 300}, {100, 300}, {255, 100}, {256, 100}, {1024, 50}, {5000, 10}, {16384, 1}, {20000, 1}, {40000, 1}};
    static uint8_t stream[300 * (HEAD + 256)];
    begin(engine);
    world w = world_new(state);
    fh_sock pull = open_patient(w, FH_ZMTP_PULL);
    int fd = speak_to(bind_fresh(w, pull, TCP), "PUSH");
    uint64_t at = GREETING + READY;
    counts sums = {0};
    for (size_t round = 0; round < 8 * (sizeof lots / sizeof *lots); round++) {
        size_t size = lots[round / 8].size, together = lots[round / 8].together, used = 0;
        for (size_t i = 0; i < together; i++) {
            stream[used++] = size < 256 ? 0 : 2;
            for (size_t k = 0; size >= 256 && k < 8; k++)
                stream[used++] = (uint8_t)((uint64_t)size >> (56 - 8 * k));
            if (size < 256)
                stream[used++] = (uint8_t)size;
            memset(&stream[used], (int)round, size);
            used += size;
        }
        assert_true(used <= sizeof stream);
        write_all(fd, stream, used);
        receive_some(w, pull, together, size, &at, &sums);
    }
    world_stop(w);
    assert_int_equal(close(fd), 0);
    assert_true(sums.parts > 10 * sums.split); /* else little was shown */
    printf("%s: %llu bodies received in one piece each, %llu bytes, %llu of them copied; %llu in several\n", engine,
           (unsigned long long)sums.parts, (unsigned long long)sums.bytes, (unsigned long long)sums.copied,
           (unsigned long long)sums.split);
    assert_int_equal(sums.copied, 0);
    end(engine);
}

static void test_no_byte_copied_on_send_epoll(void **state) {
    send_all(state, "epoll");
}
static void test_no_byte_copied_on_send_io_uring(void **state) {
    send_all(state, "io_uring");
}
static void test_no_byte_copied_inside_a_page_epoll(void **state) {
    receive_all(state, "epoll");
}
static void test_no_byte_copied_inside_a_page_io_uring(void **state) {
    receive_all(state, "io_uring");
}
static void test_no_byte_copied_inside_a_page_io_uring_5_19(void **state) {
    receive_all(state, "io_uring-5.19");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_no_byte_copied_on_send_epoll),
        FH_TEST_ALLOC(test_no_byte_copied_on_send_io_uring),
        FH_TEST_ALLOC(test_no_byte_copied_inside_a_page_epoll),
        FH_TEST_ALLOC(test_no_byte_copied_inside_a_page_io_uring),
        FH_TEST_ALLOC(test_no_byte_copied_inside_a_page_io_uring_5_19),
    };
    return run_where_possible("test_conn_copies", tests, sizeof tests / sizeof *tests);
}
