/* test_zmq_frame.c: frames, which lie in memory of the program's: what was never made, was closed, or is shared; and keys,
 * which are texts of the program's (zmq_frame.c, zmq_key.c). */
#include "zmq_world.h"

/* --- frames --------------------------------------------------------------------------------------------------------------- */

static int released;

static void release(void *data, void *hint) {
    assert_ptr_equal(data, hint);
    released++;
}

static void test_frames(void **state) {
    (void)state;
    static char bytes[100];
    zmq_msg_t one, two;
    memset(&one, 0xa5, sizeof one); /* never made */
    refused(zmq_msg_close(&one), EFAULT);
    assert_null(zmq_msg_data(&one));
    assert_int_equal(zmq_msg_init_size(&one, 1000), 0);
    memset(zmq_msg_data(&one), 7, 1000);
    assert_int_equal(zmq_msg_size(&one), 1000);
    assert_int_equal(zmq_msg_get(&one, ZMQ_SHARED), 0);
    assert_int_equal(zmq_msg_init(&two), 0);
    assert_int_equal(zmq_msg_copy(&two, &one), 0);
    assert_int_equal(zmq_msg_get(&two, ZMQ_SHARED), 1);
    assert_int_equal(zmq_msg_close(&one), 0);
    refused(zmq_msg_close(&one), EFAULT);
    assert_int_equal(((const char *)zmq_msg_data(&two))[999], 7);
    released = 0;
    assert_int_equal(zmq_msg_init_data(&one, bytes, sizeof bytes, release, bytes), 0);
    assert_int_equal(zmq_msg_move(&two, &one), 0);
    assert_int_equal(zmq_msg_size(&one), 0);
    assert_int_equal(zmq_msg_copy(&one, &two), 0);
    assert_int_equal(zmq_msg_close(&two), 0);
    assert_int_equal(released, 0);
    assert_int_equal(zmq_msg_close(&one), 0);
    assert_int_equal(released, 1);
}


static void test_no_frame(void **state) {
    (void)state;
    zmq_msg_t one, gone;
    refused(zmq_msg_init(NULL), EFAULT);
    refused(zmq_msg_init_size(NULL, 4), EFAULT);
    refused(zmq_msg_init_buffer(NULL, "x", 1), EFAULT);
    refused(zmq_msg_init_data(NULL, NULL, 0, NULL, NULL), EFAULT);
    refused(zmq_msg_close(NULL), EFAULT);
    assert_int_equal(zmq_msg_init_buffer(&one, "text", 4), 0);
    assert_int_equal(zmq_msg_init(&gone), 0);
    assert_int_equal(zmq_msg_close(&gone), 0);
    refused(zmq_msg_move(&one, &gone), EFAULT);
    refused(zmq_msg_move(&gone, &one), EFAULT);
    refused(zmq_msg_copy(&one, &gone), EFAULT);
    refused(zmq_msg_copy(&gone, &one), EFAULT);
    refused(zmq_msg_get(&gone, ZMQ_MORE), EFAULT);
    refused(zmq_msg_set_routing_id(&gone, 1), EFAULT);
    refused(zmq_msg_set_group(&gone, "x"), EFAULT);
    refused_null(zmq_msg_data(&gone), EFAULT);
    refused_null(zmq_msg_gets(&gone, "Identity"), EFAULT);
    refused_null(zmq_msg_group(&gone), EFAULT);
    assert_int_equal(zmq_msg_size(&gone), 0);
    assert_int_equal(zmq_msg_routing_id(&gone), 0);
    assert_memory_equal(zmq_msg_data(&one), "text", 4);
    assert_int_equal(zmq_msg_close(&one), 0);
}

/* Onto itself nothing happens; what the place had before is dropped. */
static void test_onto(void **state) {
    (void)state;
    zmq_msg_t one, two;
    assert_int_equal(zmq_msg_init_buffer(&one, "text", 4), 0);
    assert_int_equal(zmq_msg_move(&one, &one), 0);
    assert_int_equal(zmq_msg_copy(&one, &one), 0);
    assert_int_equal(zmq_msg_size(&one), 4);
    assert_memory_equal(zmq_msg_data(&one), "text", 4);
    assert_int_equal(zmq_msg_init_size(&two, 100), 0);
    assert_int_equal(zmq_msg_copy(&two, &one), 0);
    assert_int_equal(zmq_msg_move(&one, &two), 0);
    assert_int_equal(zmq_msg_size(&two), 0);
    assert_int_equal(zmq_msg_close(&two), 0);
    assert_memory_equal(zmq_msg_data(&one), "text", 4);
    assert_int_equal(zmq_msg_init_size(&two, 200), 0);
    assert_int_equal(zmq_msg_move(&two, &one), 0);
    assert_memory_equal(zmq_msg_data(&two), "text", 4);
    assert_int_equal(zmq_msg_close(&one), 0);
    assert_int_equal(zmq_msg_close(&two), 0);
}

static void test_properties(void **state) {
    (void)state;
    zmq_msg_t one;
    assert_int_equal(zmq_msg_init(&one), 0);
    refused(zmq_msg_get(&one, 1000), EINVAL);
    refused(zmq_msg_set(&one, ZMQ_MORE, 1), EINVAL);
    refused(zmq_msg_set_routing_id(&one, 0), EINVAL);
    assert_int_equal(zmq_msg_set_routing_id(&one, 7), 0);
    assert_int_equal(zmq_msg_routing_id(&one), 7);
    refused(zmq_msg_set_group(&one, NULL), EINVAL);
    char text[ZMQ_GROUP_MAX_LENGTH + 2] = {0};
    memset(text, 'x', sizeof text - 1);
    refused(zmq_msg_set_group(&one, text), EINVAL);
    assert_string_equal(zmq_msg_group(&one), "");
    assert_int_equal(zmq_msg_set_group(&one, text + 1), 0);
    assert_string_equal(zmq_msg_group(&one), text + 1);
    refused_null(zmq_msg_gets(&one, text + 1), EINVAL); /* a group is no property */
    refused_null(zmq_msg_gets(&one, NULL), EINVAL);
    assert_int_equal(zmq_msg_set_group(&one, ""), 0);
    assert_string_equal(zmq_msg_group(&one), "");
    assert_int_equal(zmq_msg_close(&one), 0);
}

/* --- allocation ----------------------------------------------------------------------------------------------------------- */

/* Each call in turn; a frame whose making failed is an empty one. */
static fh_status make_frames(fh_allocator *a, void *arg) {
    (void)a;
    (void)arg;
    static char bytes[100];
    zmq_msg_t msg;
    for (int i = 0; i < 4; i++) {
        released = 0;
        errno = 0;
        int result = i == 0   ? zmq_msg_init_size(&msg, 100)
                     : i == 1 ? zmq_msg_init_buffer(&msg, bytes, sizeof bytes)
                     : i == 2 ? zmq_msg_init_data(&msg, bytes, sizeof bytes, release, bytes)
                              : zmq_msg_init(&msg) | zmq_msg_set_group(&msg, "group");
        int number = errno;
        assert_int_equal(released, 0); /* what could not be taken over is still the program's */
        assert_int_equal(zmq_msg_size(&msg), result == 0 && i < 3 ? 100 : 0);
        assert_int_equal(zmq_msg_close(&msg), 0);
        assert_int_equal(released, result == 0 && i == 2);
        if (result != 0) {
            assert_int_equal(number, ENOMEM);
            return FH_STATUS(FH_NOMEM);
        }
    }
    return FH_DONE;
}

static void test_each_allocation_fails(void **state) {
    assert_int_equal(FH_FAIL_EACH_ALLOC(fh_test_trace(state), make_frames, NULL), 6);
}

/* --- keys ----------------------------------------------------------------------------------------------------------------- */

static void test_keys(void **state) {
    (void)state;
    static const uint8_t data[8] = {0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b}; /* RFC 32 */
    uint8_t back[8];
    char text[11], open[41], secret[41], again[41];
    assert_string_equal(zmq_z85_encode(text, data, sizeof data), "HelloWorld");
    assert_ptr_equal(zmq_z85_decode(back, "HelloWorld"), back);
    assert_memory_equal(back, data, sizeof data);
    refused_null(zmq_z85_encode(text, data, 7), EINVAL);
    refused_null(zmq_z85_encode(NULL, data, 8), EINVAL);
    refused_null(zmq_z85_encode(text, NULL, 8), EINVAL);
    refused_null(zmq_z85_decode(NULL, "HelloWorld"), EINVAL);
    refused_null(zmq_z85_decode(back, NULL), EINVAL);
    refused_null(zmq_z85_decode(back, ""), EINVAL);
    refused_null(zmq_z85_decode(back, "HelloWorl"), EINVAL);
    refused_null(zmq_z85_decode(back, "HelloWorl "), EINVAL);
    refused_null(zmq_z85_decode(back, "#####"), EINVAL); /* more than 32 bits */
    if (zmq_has("curve")) {
        assert_int_equal(zmq_curve_keypair(open, secret), 0);
        assert_int_equal(zmq_curve_public(again, secret), 0);
        assert_string_equal(open, again);
        refused(zmq_curve_keypair(NULL, secret), EFAULT);
        refused(zmq_curve_keypair(open, NULL), EFAULT);
        refused(zmq_curve_public(NULL, secret), EINVAL);
        refused(zmq_curve_public(open, NULL), EINVAL);
        refused(zmq_curve_public(open, "HelloWorld"), EINVAL);
        refused(zmq_curve_public(open, "HelloWorldHelloWorldHelloWorldHelloWorldHelloWorld"), EINVAL);
        refused(zmq_curve_public(open, "HelloWorldHelloWorldHelloWorldHello orld"), EINVAL);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_ZMQ_TEST(test_frames),     FH_ZMQ_TEST(test_no_frame),              FH_ZMQ_TEST(test_onto),
        FH_ZMQ_TEST(test_properties), FH_ZMQ_TEST(test_each_allocation_fails), FH_ZMQ_TEST(test_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
