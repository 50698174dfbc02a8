/* link.h: two sockets that talk to each other: a lane each way, and who is told of what.
 *
 * A link has two handles, one of each side, or of what waits to give it to a socket. It ends with the last of them, and drops
 * what nobody read. Side 0 connected, side 1 bound.
 *
 * Invariants: lanes: side s writes lane(s) and reads lane(1 - s). A side's `box` and `number` are written before anybody tells
 * it: of side 0 before the link is seen by others, of side 1 before it puts its first 0 into an awake word. Threading: a lane's
 * sides are lane.h's; ends as above. */
#ifndef FH_SOCK_LINK_H
#define FH_SOCK_LINK_H

#include "freehold/share.h"
#include "freehold/zmtp.h"
#include "sock/lease.h"
#include "sock/lane.h"

/* The first of the slots that stand for connections: one an I/O thread. */
enum { FH_IO_BOX = UINT16_MAX + 1 };
static inline bool fh_link_is_io(uint32_t box) {
    return box >= FH_IO_BOX;
}

/* A side. */
typedef struct fh_link_end {
    uint32_t box, number; /* the slot of its socket in the context, and what the socket calls the link */
    fh_zmtp_socket type;
    fh_owned fh_bytes identity;
} fh_link_end;

typedef struct fh_link {
    fh_handles handles;
    fh_lease lease; /* of its connection, if one of its sides is that */
    fh_ref fh_allocator *allocator;
    fh_lane there, back;           /* written by side 0, and by side 1 */
    fh_link_end connected, bound;
    fh_owned fh_bytes name;        /* of the endpoint */
    bool is_chosen;                /* who connected chose what it calls the other side */
    fh_owned_or_null struct fh_link *next; /* in a list of those that wait for their side 1 */
} fh_link;

/* Links in a row. */
typedef struct fh_link_list {
    fh_owned_or_null fh_link *first;
} fh_link_list;

/* How many messages may wait, each way. */
typedef struct fh_link_marks {
    uint32_t there, back;
} fh_link_marks;

/* True for the types that CONFLATE is for. */
bool fh_link_conflates(fh_zmtp_socket type);
/* One with one handle. FH_NOMEM. */
FH_MUST_USE fh_status fh_link_new(fh_ref fh_allocator *a, fh_link_marks marks, fh_span name, fh_owned fh_view(1) fh_link **out);
/* The second handle. */
fh_owned fh_link *fh_link_share(fh_ref fh_link *link) fh_view(*1);
/* One handle fewer. NULL is allowed. */
void fh_link_free(fh_drop fh_link *link);

static inline fh_lane *fh_link_out(fh_mut fh_link *link, uint32_t side) fh_view(1) {
    return side == 0 ? &link->there : &link->back;
}
static inline fh_lane *fh_link_in(fh_mut fh_link *link, uint32_t side) fh_view(1) {
    return side == 0 ? &link->back : &link->there;
}
static inline fh_link_end *fh_link_end_of(fh_mut fh_link *link, uint32_t side) fh_view(1) {
    return side == 0 ? &link->connected : &link->bound;
}

#endif
