/* test_zmq_poll.c: polls, pollers, timers, counters, watches, threads: what programs use beside sockets (zmq_poll.c,
 * zmq_tool.c). */
#define _GNU_SOURCE
#include <signal.h>
#include <unistd.h>

#include "zmq_world.h"

/* --- polls ---------------------------------------------------------------------------------------------------------------- */

static void test_poll(void **state) {
    world w;
    (void)state;
    int pipe_fds[2];
    pair_up(&w, ZMQ_PAIR, ZMQ_PAIR, "tcp://127.0.0.1:*");
    assert_int_equal(pipe(pipe_fds), 0);
    zmq_pollitem_t items[] = {{w.a, -1, ZMQ_POLLIN, 0}, {NULL, pipe_fds[0], ZMQ_POLLIN, 0}, {w.a, -1, ZMQ_POLLIN, 0}};
    assert_int_equal(zmq_poll(items, 3, 1), 0);
    assert_int_equal(zmq_send(w.b, "x", 1, 0), 1);
    assert_int_equal(zmq_poll(items, 3, -1), 2); /* the same socket twice */
    assert_int_equal(items[0].revents, ZMQ_POLLIN);
    assert_int_equal(items[1].revents, 0);
    assert_int_equal(write(pipe_fds[1], "x", 1), 1);
    assert_int_equal(zmq_poll(items + 1, 1, -1), 1);
    assert_int_equal(items[1].revents, ZMQ_POLLIN);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    end(&w);
}

/* --- pollers -------------------------------------------------------------------------------------------------------------- */

static void on_alarm(int number) {
    (void)number;
}

/* Nothing is waited for, and for ever: should it wait, a signal ends it, and this test. */
static void refused_at_once(void *poller, zmq_poller_event_t *events) {
    struct sigaction action = {.sa_handler = on_alarm}, before;
    assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
    (void)alarm(1);
    refused(zmq_poller_wait_all(poller, events, 2, -1), EFAULT);
    (void)alarm(0);
    assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
}

static void test_pollers(void **state) {
    (void)state;
    world w;
    int data = 0, tag = 7;
    zmq_poller_event_t events[2] = {{.fd = 77}, {.fd = 77}};
    pair_up(&w, ZMQ_PAIR, ZMQ_PAIR, "inproc://x");
    void *poller = zmq_poller_new(), *gone = poller;
    refused_at_once(poller, events);
    refused(zmq_poller_wait_all(poller, NULL, 2, 0), EFAULT);
    refused(zmq_poller_wait_all(poller, events, -1, 0), EINVAL);
    refused(zmq_poller_add(poller, poller, NULL, ZMQ_POLLIN), ENOTSOCK);
    refused(zmq_poller_add(poller, w.a, NULL, 64), EINVAL);
    refused(zmq_poller_add_fd(poller, -1, NULL, ZMQ_POLLIN), EBADF);
    refused(zmq_poller_modify(poller, w.a, ZMQ_POLLIN), EINVAL);
    refused(zmq_poller_remove(poller, w.a), EINVAL);
    refused(zmq_poller_remove_fd(poller, 0), EINVAL);
    assert_int_equal(zmq_poller_add(poller, w.a, &tag, ZMQ_POLLIN | ZMQ_POLLOUT), 0);
    refused(zmq_poller_add(poller, w.a, NULL, ZMQ_POLLIN), EINVAL);
    assert_int_equal(zmq_poller_add(poller, w.b, &data, ZMQ_POLLOUT), 0);
    assert_int_equal(zmq_poller_size(poller), 2);
    assert_int_equal(zmq_poller_wait_all(poller, events, 1, -1), 1); /* no more than there is room for */
    assert_ptr_equal(events[0].user_data, &tag);
    assert_int_equal(events[1].fd, 77);
    assert_int_equal(zmq_poller_wait_all(poller, events, 2, -1), 2);
    refused(zmq_poller_modify(poller, w.b, 64), EINVAL);
    assert_int_equal(zmq_poller_modify(poller, w.b, ZMQ_POLLIN), 0);
    assert_int_equal(zmq_poller_remove(poller, w.a), 0);
    refused(zmq_poller_wait(poller, events, 0), EAGAIN);
    assert_null(events[0].socket);
    void *closed = w.b;
    assert_int_equal(zmq_close(closed), 0);
    refused(zmq_poller_wait_all(poller, events, 2, -1), ENOTSOCK);
    w.b = socket_of(w.context, ZMQ_PAIR);
    refused(zmq_poller_fd(poller, &data), EINVAL);
    refused(zmq_poller_fd(poller, NULL), EFAULT);
    assert_int_equal(zmq_poller_destroy(&poller), 0);
    assert_null(poller);
    refused(zmq_poller_destroy(&poller), EFAULT);
    refused(zmq_poller_destroy(&gone), EFAULT);
    refused(zmq_poller_destroy(NULL), EFAULT);
    refused(zmq_poller_size(gone), EFAULT);
    refused(zmq_poller_add(gone, w.a, NULL, ZMQ_POLLIN), EFAULT);
    refused(zmq_poller_wait_all(gone, events, 2, 0), EFAULT);
    end(&w);
}

/* Many sockets and descriptors in one, some of them removed again. */
static void test_many(void **state) {
    (void)state;
    world w;
    int fds[2];
    zmq_poller_event_t event;
    pair_up(&w, ZMQ_PULL, ZMQ_PUSH, "inproc://x");
    assert_int_equal(pipe(fds), 0);
    void *poller = zmq_poller_new(), *all[20];
    for (int i = 0; i < 20; i++) {
        all[i] = socket_of(w.context, ZMQ_PULL);
        assert_int_equal(zmq_poller_add(poller, all[i], NULL, ZMQ_POLLIN), 0);
    }
    assert_int_equal(zmq_poller_add(poller, w.a, &w, ZMQ_POLLIN), 0);
    assert_int_equal(zmq_poller_add_fd(poller, fds[0], &fds, ZMQ_POLLIN), 0);
    for (int i = 0; i < 20; i++)
        assert_int_equal(zmq_poller_remove(poller, all[i]), 0);
    assert_int_equal(zmq_poller_size(poller), 2);
    assert_int_equal(zmq_send(w.b, "x", 1, 0), 1);
    assert_int_equal(zmq_poller_wait(poller, &event, -1), 0);
    assert_ptr_equal(event.socket, w.a);
    assert_ptr_equal(event.user_data, &w);
    assert_int_equal(zmq_poller_modify(poller, w.a, 0), 0);
    assert_int_equal(write(fds[1], "x", 1), 1);
    assert_int_equal(zmq_poller_wait(poller, &event, -1), 0);
    assert_int_equal(event.fd, fds[0]);
    assert_ptr_equal(event.user_data, &fds);
    close(fds[0]);
    close(fds[1]);
    for (int i = 0; i < 20; i++)
        assert_int_equal(zmq_close(all[i]), 0);
    assert_int_equal(zmq_poller_destroy(&poller), 0);
    end(&w);
}

/* --- tools ---------------------------------------------------------------------------------------------------------------- */

static void count_one(int id, void *count) {
    assert_true(id > 0);
    ++*(int *)count;
}

static void test_timers(void **state) {
    (void)state;
    int count = 0;
    void *timers = zmq_timers_new();
    refused(zmq_timers_timeout(timers), 0); /* none: no error, and no time */
    int id = zmq_timers_add(timers, 0, count_one, &count), late = zmq_timers_add(timers, 1000000, count_one, &count);
    assert_true(id > 0 && late > id);
    assert_int_equal(zmq_timers_execute(timers), 0);
    assert_true(count >= 1);
    assert_int_equal(zmq_timers_cancel(timers, id), 0);
    refused(zmq_timers_cancel(timers, id), EINVAL);
    refused(zmq_timers_cancel(timers, 0), EINVAL); /* the number of a free place */
    refused(zmq_timers_reset(timers, -1), EINVAL);
    refused(zmq_timers_add(timers, 1, NULL, NULL), EFAULT);
    refused(zmq_timers_add(timers, SIZE_MAX, count_one, NULL), EINVAL);
    refused(zmq_timers_set_interval(timers, late, SIZE_MAX), EINVAL);
    assert_true(zmq_timers_timeout(timers) > 1000);
    assert_int_equal(zmq_timers_set_interval(timers, late, 0), 0);
    assert_int_equal(zmq_timers_timeout(timers), 0);
    void *gone = timers;
    assert_int_equal(zmq_timers_destroy(&timers), 0);
    refused(zmq_timers_destroy(&timers), EFAULT);
    refused(zmq_timers_destroy(&gone), EFAULT);
    refused(zmq_timers_add(gone, 0, count_one, NULL), EFAULT);
    refused(zmq_timers_execute(gone), EFAULT);
    refused(zmq_timers_timeout(gone), EFAULT);
    void *counter = zmq_atomic_counter_new();
    assert_int_equal(zmq_atomic_counter_inc(counter), 0);
    assert_int_equal(zmq_atomic_counter_value(counter), 1);
    assert_int_equal(zmq_atomic_counter_dec(counter), 0);
    zmq_atomic_counter_set(counter, 9);
    assert_int_equal(zmq_atomic_counter_inc(counter), 9);
    gone = counter;
    zmq_atomic_counter_destroy(&counter);
    assert_null(counter);
    zmq_atomic_counter_destroy(&gone); /* nothing to end, nothing to count */
    assert_int_equal(zmq_atomic_counter_inc(gone), 0);
    zmq_atomic_counter_set(gone, 5);
    assert_int_equal(zmq_atomic_counter_value(gone), 0);
}

/* A handler may change the timers, and end them. */
static void end_timers(int id, void *timers) {
    assert_int_equal(zmq_timers_cancel(*(void **)timers, id), 0);
    assert_int_equal(zmq_timers_destroy(timers), 0);
}

static void test_handlers(void **state) {
    (void)state;
    void *timers = zmq_timers_new();
    assert_true(zmq_timers_add(timers, 0, end_timers, &timers) > 0);
    refused(zmq_timers_execute(timers), EFAULT);
    assert_null(timers);
}

static void test_watches(void **state) {
    (void)state;
    void *watch = zmq_stopwatch_start(), *gone = watch;
    assert_true(zmq_stopwatch_intermediate(watch) <= zmq_stopwatch_stop(watch));
    assert_int_equal(zmq_stopwatch_intermediate(gone), 0);
    assert_int_equal(zmq_stopwatch_stop(gone), 0);
    int count = 0;
    refused_null(zmq_threadstart(NULL, &count), EFAULT);
    zmq_threadclose(NULL);
    zmq_threadclose(gone);
}

static void run_thread(void *count) {
    fh_store((int *)count, 1, FH_RELEASE);
}

static void test_threads(void **state) {
    (void)state;
    int ran = 0;
    void *thread = zmq_threadstart(run_thread, &ran), *gone = thread;
    assert_non_null(thread);
    zmq_threadclose(thread);
    assert_int_equal(ran, 1);
    zmq_threadclose(gone);
}

/* There are so many handles, and not one more. */
static void test_handles(void **state) {
    (void)state;
    static void *counters[FH_ZMQ_HANDLES];
    size_t count = 0;
    for (void *one = zmq_atomic_counter_new(); one != NULL; one = zmq_atomic_counter_new())
        counters[count++] = one;
    assert_int_equal(zmq_errno(), ENOMEM);
    assert_int_equal(count, FH_ZMQ_HANDLES);
    refused_null(zmq_ctx_new(), EMFILE);
    refused_null(zmq_timers_new(), ENOMEM);
    for (size_t i = 0; i < count; i++)
        zmq_atomic_counter_destroy(&counters[i]);
}

/* --- allocation ----------------------------------------------------------------------------------------------------------- */

static int add_all(void *poller, void *timers, void *sockets[8]) {
    for (int i = 0; i < 8; i++)
        if (zmq_poller_add(poller, sockets[i], NULL, ZMQ_POLLIN) != 0 || zmq_timers_add(timers, 1000000, count_one, NULL) < 0)
            return -1;
    zmq_pollitem_t items[] = {{sockets[0], -1, ZMQ_POLLIN, 0}, {NULL, 0, 0, 0}};
    zmq_poller_event_t event;
    if (zmq_poll(items, 2, 0) < 0 || (zmq_poller_wait(poller, &event, 1) < 0 && errno != EAGAIN))
        return -1;
    return 0;
}

static fh_status use_tools(fh_allocator *a, void *sockets) {
    (void)a;
    errno = 0;
    void *poller = zmq_poller_new(), *timers = zmq_timers_new(), *counter = zmq_atomic_counter_new();
    void *watch = zmq_stopwatch_start(), *none = NULL;
    bool ok = poller != NULL && timers != NULL && counter != NULL && watch != NULL && add_all(poller, timers, sockets) == 0;
    int number = errno;
    (void)zmq_poller_destroy(poller != NULL ? &poller : &none);
    (void)zmq_timers_destroy(timers != NULL ? &timers : &none);
    zmq_atomic_counter_destroy(&counter);
    (void)zmq_stopwatch_stop(watch);
    if (!ok)
        assert_int_equal(number, ENOMEM);
    return FH_STATUS(ok ? FH_OK : FH_NOMEM);
}

static void test_each_allocation_fails(void **state) {
    void *context = zmq_ctx_new(), *sockets[8];
    for (int i = 0; i < 8; i++)
        sockets[i] = socket_of(context, ZMQ_PULL);
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), use_tools, sockets) >= 10);
    for (int i = 0; i < 8; i++)
        assert_int_equal(zmq_close(sockets[i]), 0);
    assert_int_equal(zmq_ctx_term(context), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_ZMQ_TEST(test_poll),    FH_ZMQ_TEST(test_pollers), FH_ZMQ_TEST(test_many),    FH_ZMQ_TEST(test_timers),
        FH_ZMQ_TEST(test_handlers), FH_ZMQ_TEST(test_watches), FH_ZMQ_TEST(test_threads), FH_ZMQ_TEST(test_handles),
        FH_ZMQ_TEST(test_each_allocation_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
