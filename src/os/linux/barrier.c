/* barrier.c: a memory barrier in every thread of the process: membarrier(2), private and expedited (Linux 4.14).
 *
 * The kernel interrupts the processors that run threads of this process; a thread that runs nowhere passes a full barrier on
 * its way back. Threading: any thread. */
#define _GNU_SOURCE 1

#include <errno.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/linux/linux.h"

static long membarrier(int command) {
    return syscall(SYS_membarrier, command, 0, 0);
}

fh_status fh_os_barrier_enable(void) {
    /* Registering is all that asks: it fails where the command is not there, and may be done again. */
    return FH_STATUS(membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0 ? FH_OK : FH_UNSUPPORTED);
}

void fh_os_barrier_all(void) {
    long done = membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
    FH_ASSERT(done == 0); /* fails for a process that has not registered, and for nothing else */
}
