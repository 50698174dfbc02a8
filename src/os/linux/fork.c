/* fork.c: what is done around a fork (os/fork.h). Threading: any thread. */
#include "os/fork.h"

#include <pthread.h>

#include "os/linux/linux.h"

fh_status fh_os_around_fork(void (*before)(void), void (*after)(void)) {
    FH_UNSAFE("os-call");
    return FH_STATUS(pthread_atfork(before, after, after) == 0 ? FH_OK : FH_NOMEM);
}
