/* frame.h: what lies in a zmq_msg_t (zmq_frame.c). */
#ifndef FH_ZMQ_FRAME_H
#define FH_ZMQ_FRAME_H

#include "zmq/shell.h"

enum { FH_ZMQ_FRAME = 0x5a4d5146, FH_ZMQ_SMALL = 33 }; /* libzmq copies messages up to this size, and so do not share them */

typedef struct fh_zmq_frame {
    uint32_t mark; /* FH_ZMQ_FRAME; anything else is no frame */
    bool has_more, is_shared, has_group;
    uint32_t routing_id;
    fh_bytes bytes;
    fh_bytes extra; /* its group, with a NUL; or what is known of the sender (zmq_msg_gets) */
} fh_zmq_frame;

/* The frame in a message; NULL and EFAULT. */
fh_zmq_frame *fh_zmq_frame_of(fh_ref const zmq_msg_t *msg) fh_view(1);
/* Gives it a group, of 1 to ZMQ_GROUP_MAX_LENGTH bytes; or of none, which is no group. FH_INVALID, FH_NOMEM. */
fh_status fh_zmq_frame_group(fh_mut fh_zmq_frame *f, fh_span name);
/* It becomes empty. */
void fh_zmq_frame_clear(fh_mut fh_zmq_frame *f);

#endif
