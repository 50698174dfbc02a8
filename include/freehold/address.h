/* address.h: where a peer is: an address of IPv4 or IPv6 with a port, or a name of a local socket.
 *
 *     fh_address a;
 *     FH_TRY(fh_address_tcp(FH_LIT("127.0.0.1:5555"), false, &a, err));
 *     FH_TRY(fh_address_unix(FH_LIT("@abstract"), &a, err));
 *
 * Threading: values; the functions may be called from any thread. */
#ifndef FREEHOLD_ADDRESS_H
#define FREEHOLD_ADDRESS_H

#include "freehold/span.h"
#include "freehold/status.h"

FH_EXTERN_BEGIN

enum { FH_ADDRESS_PATH_MAX = 107, FH_ADDRESS_TEXT_BYTES = 128 };

/* What kind of address. */
typedef enum fh_address_kind {
    FH_ADDRESS_NONE,
    FH_ADDRESS_IP4,  /* bytes: 4 */
    FH_ADDRESS_IP6,  /* bytes: 16 */
    FH_ADDRESS_UNIX, /* bytes: a path without NUL; or a 0 and an abstract name, which is no file */
} fh_address_kind;

/* One address. What lies behind `size` is 0, so equal addresses have equal fields. */
typedef struct fh_address {
    fh_address_kind kind;
    uint16_t port; /* 0: one that the system chooses */
    uint8_t size;
    uint8_t bytes[FH_ADDRESS_PATH_MAX];
    uint32_t scope; /* of link-local IPv6: the interface */
} fh_address;

/* "host:port". The host is a number ("127.0.0.1", "[::1]", "[fe80::1%eth0]"), "*" for all interfaces, or a name, for which the
 * system's resolver is asked, however long that takes; a port of "*" is 0. `ip6` prefers IPv6 for "*" and for names.
 * FH_INVALID for what is no such text, FH_NOT_FOUND for a name that nobody knows. */
FH_FALLIBLE fh_address_tcp(fh_span text, bool ip6, fh_out fh_address *out, fh_mut fh_err *err);
/* The same, but nobody is asked, so it does not wait: a name, if it looks like one, is FH_NOT_FOUND, with its port in *out. */
FH_FALLIBLE fh_address_number(fh_span text, bool ip6, fh_out fh_address *out, fh_mut fh_err *err);
/* An address of this machine, to bind to or to connect from: as fh_address_tcp, and the host may also be an interface ("eth0"),
 * for its first address of the family that is preferred, or else of the other one. */
FH_FALLIBLE fh_address_local(fh_span text, bool ip6, fh_out fh_address *out, fh_mut fh_err *err);
/* A path, or "@" and an abstract name. FH_INVALID for an empty one, or one with a 0; FH_LIMIT beyond FH_ADDRESS_PATH_MAX. */
FH_FALLIBLE fh_address_unix(fh_span text, fh_out fh_address *out, fh_mut fh_err *err);
/* Writes the text that the two above read to the start of `to`, which has FH_ADDRESS_TEXT_BYTES; its size. */
FH_API size_t fh_address_print(fh_ref const fh_address *address, fh_mspan to);
/* True if they are the same. */
FH_API bool fh_address_equal(fh_ref const fh_address *a, fh_ref const fh_address *b);

FH_EXTERN_END
#endif
