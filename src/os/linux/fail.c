/* fail.c: errno as a status with a report.
 *
 * It stands alone because strerror_r has two shapes, and only a file that asks for POSIX and nothing more gets the portable
 * one. Threading: any thread. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <string.h>

#include "os/linux/linux.h"

fh_status fh_linux_fail(fh_err *err, int error, const char *what, const char *path) {
    char text[128] = "";
    FH_UNSAFE("os-call");
    if (strerror_r(error, text, sizeof text) != 0)
        text[0] = '\0';
    fh_code code = error == ENOMEM ? FH_NOMEM : FH_IO;
    if (path == NULL)
        return fh_fail(err, code, FH_NO_OFFSET, "cannot %s: %s (errno %d)", what, text, error);
    return fh_fail(err, code, FH_NO_OFFSET, "%s: cannot %s: %s (errno %d)", path, what, text, error);
}
