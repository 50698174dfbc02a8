/* endpoint.h: what a socket binds and connects to: names of this process, and addresses of others.
 *
 * Threading: of core.h, who has entered the socket. */
#ifndef FH_SOCK_ENDPOINT_H
#define FH_SOCK_ENDPOINT_H

#include "sock/context.h"
#include "sock/terms.h"

/* True if a text looks like an endpoint of a transport that there is; its address may still be none. Errors of fh_sock_bind. */
FH_MUST_USE fh_status fh_endpoint_check(fh_span endpoint, fh_mut fh_err *err);
/* Binds or connects. *name is the endpoint, with the port that was found. Errors of fh_sock_bind and fh_sock_connect. */
FH_MUST_USE fh_status fh_endpoint_attach(fh_mut fh_core *k, fh_span endpoint, bool bind, fh_owned fh_bytes *name,
                                         fh_mut fh_err *err);
/* Ends that. FH_NOT_FOUND. */
FH_MUST_USE fh_status fh_endpoint_detach(fh_mut fh_core *k, fh_span endpoint, bool bound);
/* The socket ends: all its endpoints and connections with others, as LINGER says. */
void fh_endpoint_detach_all(fh_mut fh_core *k);

#endif
