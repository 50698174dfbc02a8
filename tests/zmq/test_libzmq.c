/* test_libzmq.c: the library itself, as a program has it that was linked with libzmq.so.5: its name, what it offers beside
 * ZeroMQ's words, which is nothing, and a question with its answer. What the calls do is in the tests beside this one.
 *
 * tidy: exempt mirror: it tests what all files of src/zmq make together. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <zmq.h>

static void test_names(void **state) {
    (void)state;
    int major, minor, patch;
    Dl_info info;
    void *library = dlopen("libzmq.so.5", RTLD_NOW | RTLD_NOLOAD); /* the one that is linked */
    assert_non_null(library);
    assert_int_not_equal(dladdr(dlsym(library, "zmq_socket"), &info), 0);
    assert_non_null(strstr(info.dli_fname, "/zmq/libzmq.so.5"));
    const char *const hidden[] = {"fh_sock_open", "fh_zmq_enter", "fh_zmq_heap_set", "fh_heap"};
    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++)
        assert_null(dlsym(library, hidden[i]));
    assert_int_equal(dlclose(library), 0);
    zmq_version(&major, &minor, &patch);
    assert_int_equal(ZMQ_MAKE_VERSION(major, minor, patch), ZMQ_VERSION);
}

static void test_question(void **state) {
    (void)state;
    char endpoint[64], text[8];
    size_t size = sizeof endpoint;
    void *context = zmq_ctx_new(), *rep = zmq_socket(context, ZMQ_REP), *req = zmq_socket(context, ZMQ_REQ);
    assert_int_equal(zmq_bind(rep, "tcp://127.0.0.1:*"), 0);
    assert_int_equal(zmq_getsockopt(rep, ZMQ_LAST_ENDPOINT, endpoint, &size), 0);
    assert_int_equal(zmq_connect(req, endpoint), 0);
    assert_int_equal(zmq_send(req, "question", 8, 0), 8);
    assert_int_equal(zmq_recv(rep, text, sizeof text, 0), 8);
    assert_memory_equal(text, "question", 8);
    assert_int_equal(zmq_send(rep, "answer", 6, 0), 6);
    assert_int_equal(zmq_recv(req, text, sizeof text, 0), 6);
    assert_memory_equal(text, "answer", 6);
    assert_int_equal(zmq_close(rep), 0);
    assert_int_equal(zmq_close(req), 0);
    assert_int_equal(zmq_ctx_term(context), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_names), cmocka_unit_test(test_question)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
