/* terms.h: an endpoint of tcp or ipc as its socket was when it bound or connected: address, options, secrets.
 *
 * Counted, and it does not change: the endpoint itself has a handle, and each connection that comes of it. Secrets are wiped
 * with the last of them. Threading: any thread. */
#ifndef FH_SOCK_TERMS_H
#define FH_SOCK_TERMS_H

#include "freehold/net.h"
#include "freehold/share.h"
#include "sock/core.h"
#include "sock/monitor.h"

/* The way to an endpoint. */
typedef struct fh_sock_route {
    fh_address to;    /* NONE: the host is a name, which is asked for with each try to connect */
    fh_address from;  /* of who connects: its own address; NONE: any */
    uint32_t host_at; /* where in the text of the endpoint "host:port" begins */
} fh_sock_route;

typedef struct fh_terms {
    fh_handles handles;
    fh_ref fh_allocator *allocator;
    uint64_t number; /* no other endpoint of the context has it; 0 until it goes to an I/O thread */
    uint32_t box;    /* of the socket */
    fh_zmtp_socket type;
    bool bound;
    fh_sock_route route;
    fh_sock_settings settings;
    fh_secrets secrets;
    fh_owned fh_bytes endpoint, identity;
    fh_owned fh_bytes peer_name; /* of who connects: what it calls its peer, if that was said */
    fh_owned_or_null fh_monitor *monitor;
} fh_terms;

/* FH_NOMEM. */
FH_MUST_USE fh_status fh_terms_new(fh_ref const fh_core *k, fh_span endpoint, fh_ref const fh_sock_route *route, bool bound,
                                  fh_owned fh_view(*1) fh_terms **out);
/* One handle more. */
fh_owned fh_terms *fh_terms_share(fh_ref fh_terms *t) fh_view(*1);
/* One handle fewer. NULL is allowed. */
void fh_terms_free(fh_drop fh_terms *t);

/* A session for a connection of it. */
FH_MUST_USE fh_status fh_terms_session(fh_ref const fh_terms *t, fh_ref fh_allocator *a, fh_ref fh_page_source *pages,
                                      uint64_t now_ms, fh_owned fh_view(1, 2, 3) fh_zmtp **out);
/* What the sockets of the system are to be like. */
fh_net_socket_options fh_terms_options(fh_ref const fh_terms *t) fh_view(1);
/* What a handler of ZAP is told. */
fh_span fh_terms_domain(fh_ref const fh_terms *t) fh_view(1);
/* Without a handler: true if a client of PLAIN has said what a server wants to hear; all others may come in, unless a handler
 * is asked for. */
bool fh_terms_lets_in(fh_ref const fh_terms *t, fh_span username, fh_span password);
/* True for SUB, XSUB and DISH; for PUB, XPUB and RADIO. */
bool fh_terms_subscribes(fh_ref const fh_terms *t);
bool fh_terms_publishes(fh_ref const fh_terms *t);
/* True if messages, or subscriptions, may wait for a connection. */
bool fh_terms_speaks_first(fh_ref const fh_terms *t);
/* Marks of a link whose side 0 is the connection. */
fh_link_marks fh_terms_marks(fh_ref const fh_terms *t);

/* fh_sock_secure: copies. FH_INVALID, FH_UNSUPPORTED. */
FH_MUST_USE fh_status fh_secrets_set(fh_mut fh_secrets *to, fh_ref const fh_sock_security *security);
/* All zero. */
void fh_secrets_wipe(fh_mut fh_secrets *secrets);

#endif
