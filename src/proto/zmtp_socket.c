/* zmtp_socket.c: types of sockets: their names, and who talks to whom (RFC 37, "The Socket-Type Property").
 *
 * Threading: pure functions. */
#include "freehold/zmtp.h"

fh_span fh_zmtp_socket_name(fh_zmtp_socket type) {
#define NAME_OF(name, number, peers) \
    case FH_ZMTP_##name:             \
        return FH_LIT(#name);
    switch (type) {
        FH_ZMTP_SOCKETS(NAME_OF)
    case FH_ZMTP_UNKNOWN:
        break;
    }
#undef NAME_OF
    return FH_LIT("");
}

fh_zmtp_socket fh_zmtp_socket_of(fh_span name) {
#define IS_NAME(text, number, peers)   \
    if (fh_span_equal(name, FH_LIT(#text))) \
        return FH_ZMTP_##text;
    FH_ZMTP_SOCKETS(IS_NAME)
#undef IS_NAME
    return FH_ZMTP_UNKNOWN;
}

bool fh_zmtp_sockets_match(fh_zmtp_socket a, fh_zmtp_socket b) {
    uint32_t peers = 0;
#define PEERS_OF(name, number, who) \
    case FH_ZMTP_##name:            \
        peers = (who);              \
        break;
    switch (a) {
        FH_ZMTP_SOCKETS(PEERS_OF)
    case FH_ZMTP_UNKNOWN:
        break;
    }
#undef PEERS_OF
    return (peers >> ((uint32_t)b & 31) & 1) != 0;
}
