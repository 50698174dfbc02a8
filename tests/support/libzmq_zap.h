/* libzmq_zap.h: the handler of ZAP (RFC 27) of a libzmq that a test talks with. */
#ifndef FH_LIBZMQ_ZAP_H
#define FH_LIBZMQ_ZAP_H
#include <stdbool.h>
#include <string.h>
#include <zmq.h>

/* A thread: the handler of ZAP (RFC 27) of a libzmq. Lets everybody in who comes by CURVE, or with the password "secret". */
static inline void *let_in(void *handler) {
    char frame[7][256];
    for (;;) {
        int parts = 0, more = 1;
        size_t size = sizeof more;
        while (more != 0) {
            int got = zmq_recv(handler, frame[parts < 7 ? parts : 6], 255, 0);
            if (got < 0)
                break;
            frame[parts < 7 ? parts : 6][got] = '\0';
            (void)zmq_getsockopt(handler, ZMQ_RCVMORE, &more, &size);
            parts++;
        }
        if (parts < 2)
            break;
        bool known = strcmp(frame[5], "CURVE") == 0 || strcmp(frame[6], "secret") == 0;
        (void)zmq_send(handler, "1.0", 3, ZMQ_SNDMORE);
        (void)zmq_send(handler, frame[1], strlen(frame[1]), ZMQ_SNDMORE);
        (void)zmq_send(handler, known ? "200" : "400", 3, ZMQ_SNDMORE);
        (void)zmq_send(handler, "", 0, ZMQ_SNDMORE);
        (void)zmq_send(handler, "", 0, ZMQ_SNDMORE); /* no name: 4.3.4 takes one for a part of the first answer to REQ */
        (void)zmq_send(handler, "", 0, 0);
    }
    (void)zmq_close(handler);
    return NULL;
}

#endif
