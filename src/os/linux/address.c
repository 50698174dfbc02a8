/* address.c: addresses as text (address.h), and as the kernel's structures (sockaddr.h).
 *
 * Threading: any thread. */
#define _GNU_SOURCE 1

#include <arpa/inet.h>
#include <ifaddrs.h>
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

/* "host:port" in two. */
typedef struct place_text {
    fh_span text, host; /* all of it; the host */
    char name[HOST_MAX]; /* the host, with a NUL */
    uint16_t port;
} place_text;

/* What stands before the last colon, without brackets, and the port behind it. */
static fh_status read_place(fh_span text, place_text *out, fh_err *err) {
    size_t colon = SIZE_MAX;
    *out = (place_text){.text = text};
    for (size_t i = 0; i < text.size; i++)
        colon = fh_span_at(text, i) == ':' ? i : colon;
    if (colon == SIZE_MAX)
        return not_an_address(text, "not of the form host:port", err);
    fh_span host = fh_span_sub(text, 0, colon);
    if (!read_port(fh_span_from(text, colon + 1), &out->port))
        return not_an_address(text, "the port is not a number from 0 to 65535, and not *", err);
    if (host.size >= 2 && fh_span_at(host, 0) == '[' && fh_span_at(host, host.size - 1) == ']')
        host = fh_span_sub(host, 1, host.size - 2);
    if (host.size == 0 || host.size >= HOST_MAX || fh_span_find(host, FH_LIT("\0"), 0) != SIZE_MAX)
        return not_an_address(text, "not of the form host:port", err);
    out->host = host;
    FH_UNSAFE("socket-address");
    memcpy(out->name, host.at, host.size);
    return FH_DONE;
}

/* Letters, digits, '-', '.' and '_', not only digits and dots: what is no number, but may have an address. */
static bool is_name(fh_span host) {
    bool named = false;
    for (size_t i = 0; i < host.size; i++) {
        uint8_t c = fh_span_at(host, i), lower = c | 0x20;
        bool digit = c >= '0' && c <= '9', letter = (lower >= 'a' && lower <= 'z') || c == '_';
        if (!digit && !letter && c != '.' && (c != '-' || i == 0))
            return false;
        named = named || letter;
    }
    return named;
}

static fh_status no_host(const place_text *p, fh_err *err) {
    return not_an_address(p->text, "the host is neither a number, such as 127.0.0.1 or [::1], nor a name", err);
}

/* Whether an address of this family is to be taken, after what was found before. */
static bool is_better(int family, bool ip6, const fh_address *found) {
    if (family != AF_INET && family != AF_INET6)
        return false;
    bool has_best = found->kind == (ip6 ? FH_ADDRESS_IP6 : FH_ADDRESS_IP4);
    return found->kind == FH_ADDRESS_NONE || (!has_best && (family == AF_INET6) == ip6);
}

static void take_better(const struct sockaddr *from, size_t size, bool ip6, fh_address *out) {
    fh_sockaddr at;
    FH_UNSAFE("socket-address");
    if (!is_better(from->sa_family, ip6, out))
        return;
    memset(&at, 0, sizeof at);
    memcpy(&at, from, size < sizeof at ? size : sizeof at);
    (void)fh_sockaddr_get(&at, (socklen_t)size, out);
}

/* The first of the system's answers in the family that is preferred, or else in the other one: 0, or what getaddrinfo says. */
static int look_up(const char *host, int flags, bool ip6, fh_address *out) {
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = flags}, *list = NULL;
    *out = (fh_address){.kind = FH_ADDRESS_NONE};
    FH_UNSAFE("socket-address");
    int failed = getaddrinfo(host, NULL, &hints, &list);
    if (failed != 0)
        return failed;
    for (const struct addrinfo *i = list; i != NULL; i = i->ai_next)
        take_better(i->ai_addr, i->ai_addrlen, ip6, out);
    freeaddrinfo(list);
    return out->kind != FH_ADDRESS_NONE ? 0 : EAI_NONAME;
}

/* "*" and numbers. */
static bool find_number(const place_text *p, bool ip6, fh_address *out) {
    bool all = fh_span_is(p->host, "*"), found = all || look_up(p->name, AI_NUMERICHOST, ip6, out) == 0;
    if (all)
        *out = (fh_address){.kind = ip6 ? FH_ADDRESS_IP6 : FH_ADDRESS_IP4, .size = ip6 ? 16 : 4};
    out->port = p->port;
    return found;
}

static size_t size_of(int family) {
    return family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

/* An interface. */
static bool find_interface(const place_text *p, bool ip6, fh_address *out) {
    struct ifaddrs *list = NULL;
    *out = (fh_address){.kind = FH_ADDRESS_NONE};
    FH_UNSAFE("socket-address");
    if (getifaddrs(&list) != 0)
        return false;
    for (const struct ifaddrs *i = list; i != NULL; i = i->ifa_next)
        if (i->ifa_addr != NULL && strcmp(i->ifa_name, p->name) == 0)
            take_better(i->ifa_addr, size_of(i->ifa_addr->sa_family), ip6, out);
    freeifaddrs(list);
    out->port = p->port;
    return out->kind != FH_ADDRESS_NONE;
}

static fh_status find_name(const place_text *p, bool ip6, fh_address *out, fh_err *err) {
    if (!is_name(p->host))
        return no_host(p, err);
    int failed = look_up(p->name, 0, ip6, out);
    out->port = p->port;
    if (failed == 0)
        return FH_DONE;
    *out = (fh_address){.kind = FH_ADDRESS_NONE};
    FH_UNSAFE("socket-address");
    return fh_fail(err, FH_NOT_FOUND, FH_NO_OFFSET, "cannot resolve %s: %s", p->name, gai_strerror(failed));
}

fh_status fh_address_tcp(fh_span text, bool ip6, fh_address *out, fh_err *err) {
    place_text p;
    *out = (fh_address){.kind = FH_ADDRESS_NONE};
    FH_TRY(read_place(text, &p, err));
    return find_number(&p, ip6, out) ? FH_DONE : find_name(&p, ip6, out, err);
}

fh_status fh_address_local(fh_span text, bool ip6, fh_address *out, fh_err *err) {
    place_text p;
    *out = (fh_address){.kind = FH_ADDRESS_NONE};
    FH_TRY(read_place(text, &p, err));
    return find_number(&p, ip6, out) || find_interface(&p, ip6, out) ? FH_DONE : find_name(&p, ip6, out, err);
}

fh_status fh_address_number(fh_span text, bool ip6, fh_address *out, fh_err *err) {
    place_text p;
    *out = (fh_address){.kind = FH_ADDRESS_NONE};
    FH_TRY(read_place(text, &p, err));
    if (find_number(&p, ip6, out))
        return FH_DONE;
    if (is_name(p.host))
        return FH_STATUS(FH_NOT_FOUND);
    *out = (fh_address){.kind = FH_ADDRESS_NONE};
    return no_host(&p, err);
}

fh_status fh_address_unix(fh_span text, fh_address *out, fh_err *err) {
    *out = (fh_address){.kind = FH_ADDRESS_NONE};
    bool is_empty = text.size == 0 || fh_span_is(text, "@"); /* the system would choose a name for the latter */
    if (is_empty || fh_span_find(text, FH_LIT("\0"), 0) != SIZE_MAX)
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
