/* zmq_proxy.c: proxies: the sockets below have them (sock.h). Threading: the sockets are this thread's until the end. */
#include "zmq/shell.h"

enum { SOCKETS = 4 };

/* What lies below a handle, which is entered, unless it is NULL; all are of one context. */
static int enter(void *handle, fh_sock_context **c, fh_sock *out) {
    if (handle == NULL)
        return 0;
    const fh_zmq_socket *z = fh_zmq_socket_enter(handle);
    if (z == NULL)
        return -1;
    if (*c != NULL && *c != z->context->sock) {
        fh_zmq_leave(handle);
        return fh_zmq_fail(EINVAL);
    }
    *c = z->context->sock;
    *out = z->sock;
    return 0;
}

int zmq_proxy_steerable(void *frontend, void *backend, void *capture, void *control) {
    if (frontend == NULL || backend == NULL)
        return fh_zmq_fail(EFAULT);
    void *const handles[SOCKETS] = {frontend, backend != frontend ? backend : NULL, capture, control};
    fh_sock_context *c = NULL;
    fh_sock entered[SOCKETS] = {{0}};
    int result = 0, count = 0;
    while (count < SOCKETS && result == 0) {
        result = enter(handles[count], &c, &entered[count]);
        count += result == 0;
    }
    if (result == 0) {
        fh_sock_proxy_sockets at = {entered[0], backend != frontend ? entered[1] : entered[0], entered[2], entered[3]};
        fh_sock_proxy_counts counts;
        fh_status s = fh_sock_proxy(c, fh_zmq_heap(), &at, &counts);
        if (fh_failed(s)) /* FH_AGAIN: a signal */
            result = s.code == FH_AGAIN ? fh_zmq_fail(EINTR) : fh_zmq_refuse(s, EINVAL);
    }
    while (count-- > 0)
        if (handles[count] != NULL)
            fh_zmq_leave(handles[count]);
    return result;
}

int zmq_proxy(void *frontend, void *backend, void *capture) {
    FH_UNSAFE("zmq-caller");
    return zmq_proxy_steerable(frontend, backend, capture, NULL);
}

int zmq_device(int type, void *frontend, void *backend) {
    (void)type;
    FH_UNSAFE("zmq-caller");
    return zmq_proxy(frontend, backend, NULL);
}
