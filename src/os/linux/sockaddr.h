/* sockaddr.h: an address as the kernel has it, for the files of this folder. Threading: values. */
#ifndef FH_OS_LINUX_SOCKADDR_H
#define FH_OS_LINUX_SOCKADDR_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "os/linux/linux.h"
#include "os/socket.h"

/* All that we know, in one place that is large enough and aligned for each of them. */
typedef union fh_sockaddr {
    struct sockaddr any;
    struct sockaddr_in ip4;
    struct sockaddr_in6 ip6;
    struct sockaddr_un local;
} fh_sockaddr;

/* Writes an address; its size there, 0 for FH_ADDRESS_NONE. */
socklen_t fh_sockaddr_put(fh_ref const fh_address *a, fh_out fh_sockaddr *out);
/* Reads one that the kernel gave; false when it is of another kind. */
bool fh_sockaddr_get(fh_ref const fh_sockaddr *from, socklen_t size, fh_out fh_address *out);

#endif
