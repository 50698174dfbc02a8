/* zmq_verbs.h: what the parts of `freehold zmq` share.
 *
 * Threading: the main thread, and one that a part starts. */
#ifndef FREEHOLD_APPS_ZMQ_VERBS_H
#define FREEHOLD_APPS_ZMQ_VERBS_H

#include "apps/app.h"
#include "freehold/os.h"
#include "freehold/sock.h"

/* Endpoints of the command line: bound, or connected to with a '>' in front. */
FH_MUST_USE fh_status fh_zmq_attach(fh_mut fh_sock_context *c, fh_sock s, fh_ref const fh_cli_texts *endpoints, bool binds,
                                    fh_mut fh_err *err);
/* Waits up to timeout_ms for what is wanted of a socket; true if it is there. */
FH_MUST_USE bool fh_zmq_await(fh_mut fh_sock_context *c, fh_sock s, uint32_t wanted, int64_t timeout_ms);

FH_MUST_USE fh_status fh_zmq_proxy(fh_mut fh_app *app, fh_views args, fh_mut fh_err *err);
FH_MUST_USE fh_status fh_zmq_monitor(fh_mut fh_app *app, fh_views args, fh_mut fh_err *err);
FH_MUST_USE fh_status fh_zmq_perf(fh_mut fh_app *app, fh_views args, fh_mut fh_err *err);

#endif
