/* address.c: addresses as text (address.h), and as the kernel's structures (sockaddr.h).
 *
 * Threading: any thread. */
#define _GNU_SOURCE 1

#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "os/linux/sockaddr.h"

enum { HOST_MAX = 256 };

_Static_assert(FH_ADDRESS_PATH_MAX + 1 == sizeof((struct sockaddr_un *)0)->sun_path, "a path and its NUL");

socklen_t fh_sockaddr_put(const fh_address *a, fh_sockaddr *out) {
    FH_UNSAFE("socket-address");
    memset(out, 0, sizeof *out);
    FH_ASSERT(a->size <= FH_ADDRESS_PATH_MAX);
    switch (a->kind) {
    case FH_ADDRESS_IP4:
        out->ip4.sin_family = AF_INET;
        out->ip4.sin_port = htons(a->port);
        memcpy(&out->ip4.sin_addr, a->bytes, 4);
        return sizeof out->ip4;
    case FH_ADDRESS_IP6:
        out->ip6.sin6_family = AF_INET6;
        out->ip6.sin6_port = htons(a->port);
        out->ip6.sin6_scope_id = a->scope;
        memcpy(&out->ip6.sin6_addr, a->bytes, 16);
        return sizeof out->ip6;
    case FH_ADDRESS_UNIX:
        out->local.sun_family = AF_UNIX;
        memcpy(out->local.sun_path, a->bytes, a->size);
        /* The size of an abstract name is part of it; a path ends in NUL. */
        return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + a->size + (a->size != 0 && a->bytes[0] != 0));
    case FH_ADDRESS_NONE:
        break;
    }
    return 0;
}

bool fh_sockaddr_get(const fh_sockaddr *from, socklen_t size, fh_address *out) {
    FH_UNSAFE("socket-address");
    *out = (fh_address){.kind = FH_ADDRESS_NONE};
    if (from->any.sa_family == AF_INET && size >= sizeof from->ip4) {
        out->kind = FH_ADDRESS_IP4;
        out->port = ntohs(from->ip4.sin_port);
        out->size = 4;
        memcpy(out->bytes, &from->ip4.sin_addr, 4);
    } else if (from->any.sa_family == AF_INET6 && size >= sizeof from->ip6) {
        out->kind = FH_ADDRESS_IP6;
        out->port = ntohs(from->ip6.sin6_port);
        out->scope = from->ip6.sin6_scope_id;
        out->size = 16;
        memcpy(out->bytes, &from->ip6.sin6_addr, 16);
    } else if (from->any.sa_family == AF_UNIX) {
        const char *path = from->local.sun_path;
        size_t room = size > offsetof(struct sockaddr_un, sun_path) ? size - offsetof(struct sockaddr_un, sun_path) : 0;
        room = room < FH_ADDRESS_PATH_MAX ? room : FH_ADDRESS_PATH_MAX;
        out->kind = FH_ADDRESS_UNIX;
        out->size = (uint8_t)(room != 0 && path[0] != 0 ? strnlen(path, room) : room);
        memcpy(out->bytes, path, out->size);
    }
    return out->kind != FH_ADDRESS_NONE;
}

/* --- text -------------------------------------------------------------------------------------------------------------- */

static fh_status not_an_address(fh_span text, const char *why, fh_err *err) {
    int size = text.size < 200 ? (int)text.size : 200;
    FH_UNSAFE("socket-address");
    const char *at = text.size != 0 ? (const char *)(const void *)text.at : "";
    return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "'%.*s': %s", size, at, why);
}

static bool read_port(fh_span text, uint16_t *out) {
    uint32_t port = 0;
    if (fh_span_is(text, "*")) {
        *out = 0;
        return true;
    }
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = fh_span_at(text, i);
        if (c < '0' || c > '9')
            return false;
        port = port * 10 + (uint32_t)(c - '0');
        if (port > UINT16_MAX)
            return false;
    }
    *out = (uint16_t)port;
    return text.size != 0;
}

/* The first of the system's answers in the family that is preferred, or else in the other one. */
static fh_status resolve(const char *host, bool ip6, fh_address *out, fh_err *err) {
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *list = NULL;
    FH_UNSAFE("socket-address");
    int failed = getaddrinfo(host, NULL, &hints, &list);
    if (failed != 0)
        return fh_fail(err, FH_NOT_FOUND, FH_NO_OFFSET, "cannot resolve %s: %s", host, gai_strerror(failed));
    const struct addrinfo *best = NULL;
    for (const struct addrinfo *i = list; i != NULL; i = i->ai_next)
        if ((i->ai_family == AF_INET || i->ai_family == AF_INET6) &&
            (best == NULL || ((i->ai_family == AF_INET6) == ip6 && (best->ai_family == AF_INET6) != ip6)))
            best = i;
    bool found = false;
    if (best != NULL) {
        fh_sockaddr at;
        memset(&at, 0, sizeof at);
        memcpy(&at, best->ai_addr, best->ai_addrlen < sizeof at ? best->ai_addrlen : sizeof at);
        found = fh_sockaddr_get(&at, best->ai_addrlen, out);
    }
    freeaddrinfo(list);
    return found ? FH_DONE : fh_fail(err, FH_NOT_FOUND, FH_NO_OFFSET, "%s has no address", host);
}

/* *host = what stands before the last colon, without brackets; *port = what stands behind. */
static bool split(fh_span text, fh_span *host, fh_span *port) {
    size_t colon = SIZE_MAX;
    for (size_t i = 0; i < text.size; i++)
        colon = fh_span_at(text, i) == ':' ? i : colon;
    if (colon == SIZE_MAX)
        return false;
    *host = fh_span_sub(text, 0, colon);
    *port = fh_span_from(text, colon + 1);
    if (host->size >= 2 && fh_span_at(*host, 0) == '[' && fh_span_at(*host, host->size - 1) == ']')
        *host = fh_span_sub(*host, 1, host->size - 2);
    return host->size != 0 && host->size < HOST_MAX && fh_span_find(*host, FH_LIT("\0"), 0) == SIZE_MAX;
}

fh_status fh_address_tcp(fh_span text, bool ip6, fh_address *out, fh_err *err) {
    fh_span host, port;
    uint16_t number;
    char name[HOST_MAX] = "";
    *out = (fh_address){.kind = FH_ADDRESS_NONE};
    if (!split(text, &host, &port))
        return not_an_address(text, "not of the form host:port", err);
    if (!read_port(port, &number))
        return not_an_address(text, "the port is not a number from 0 to 65535, and not *", err);
    FH_UNSAFE("socket-address");
    memcpy(name, host.at, host.size);
    if (fh_span_is(host, "*"))
        *out = (fh_address){.kind = ip6 ? FH_ADDRESS_IP6 : FH_ADDRESS_IP4, .size = ip6 ? 16 : 4};
    else
        FH_TRY(resolve(name, ip6, out, err));
    out->port = number;
    return FH_DONE;
}

fh_status fh_address_unix(fh_span text, fh_address *out, fh_err *err) {
    *out = (fh_address){.kind = FH_ADDRESS_NONE};
    if (text.size == 0 || fh_span_find(text, FH_LIT("\0"), 0) != SIZE_MAX)
        return not_an_address(text, "not a path, and not @ and a name", err);
    if (text.size > FH_ADDRESS_PATH_MAX)
        return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "a path of %zu bytes, at most %d are possible", text.size,
                       FH_ADDRESS_PATH_MAX);
    *out = (fh_address){.kind = FH_ADDRESS_UNIX, .size = (uint8_t)text.size};
    FH_UNSAFE("socket-address");
    memcpy(out->bytes, text.at, text.size);
    if (out->bytes[0] == '@')
        out->bytes[0] = 0;
    return FH_DONE;
}

size_t fh_address_print(const fh_address *a, fh_mspan to) {
    char host[INET6_ADDRSTRLEN] = "", text[FH_ADDRESS_TEXT_BYTES] = "", scope[IF_NAMESIZE + 1] = "";
    int size = 0;
    FH_UNSAFE("socket-address");
    FH_ASSERT(to.size >= sizeof text && a->size <= FH_ADDRESS_PATH_MAX);
    switch (a->kind) {
    case FH_ADDRESS_IP4:
        (void)inet_ntop(AF_INET, a->bytes, host, sizeof host);
        size = snprintf(text, sizeof text, "%s:%u", host, a->port);
        break;
    case FH_ADDRESS_IP6:
        (void)inet_ntop(AF_INET6, a->bytes, host, sizeof host);
        scope[0] = '%';
        if (a->scope == 0 || if_indextoname(a->scope, scope + 1) == NULL)
            scope[0] = '\0';
        size = snprintf(text, sizeof text, "[%s%s]:%u", host, scope, a->port);
        break;
    case FH_ADDRESS_UNIX:
        memcpy(text, a->bytes, a->size);
        if (a->size != 0 && text[0] == '\0')
            text[0] = '@';
        size = a->size;
        break;
    case FH_ADDRESS_NONE:
        break;
    }
    fh_span_copy(to, (fh_span){(const uint8_t *)text, (size_t)size});
    return (size_t)size;
}

bool fh_address_equal(const fh_address *a, const fh_address *b) {
    FH_UNSAFE("socket-address");
    return a->kind == b->kind && a->port == b->port && a->scope == b->scope && a->size == b->size &&
           memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}
