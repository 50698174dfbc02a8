/* folder.c: what is at a path, and the names in a folder.
 *
 * Threading: a folder belongs to one thread at a time. */
#define _GNU_SOURCE 1

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "os/linux/linux.h"

struct fh_os_folder {
    DIR *stream;
};

fh_status fh_os_look(const char *path, fh_os_thing *out, fh_err *err) {
    struct stat st;
    *out = (fh_os_thing){.kind = FH_OS_OTHER};
    FH_UNSAFE("os-call");
    if (stat(path, &st) != 0)
        return fh_linux_fail(err, errno, "look at", path);
    *out = (fh_os_thing){.kind = S_ISREG(st.st_mode) ? FH_OS_FILE : S_ISDIR(st.st_mode) ? FH_OS_FOLDER : FH_OS_OTHER,
                         .size_bytes = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0, .device = (uint64_t)st.st_dev,
                         .number = (uint64_t)st.st_ino};
    return FH_DONE;
}

fh_status fh_os_folder_open(const char *path, fh_os_folder **out, fh_err *err) {
    *out = NULL;
    void *at;
    if (fh_failed(fh_linux_take_pages(sizeof(fh_os_folder), &at)))
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "%s: out of memory", path);
    fh_os_folder *f = at;
    FH_UNSAFE("os-call");
    f->stream = opendir(path);
    if (f->stream == NULL) {
        fh_status s = fh_linux_fail(err, errno, "open the folder", path);
        fh_linux_drop_pages(f, sizeof *f);
        return s;
    }
    *out = f;
    return FH_DONE;
}

fh_status fh_os_folder_next(fh_os_folder *f, fh_span *name, fh_err *err) {
    *name = (fh_span){NULL, 0};
    for (;;) {
        FH_UNSAFE("os-call");
        errno = 0;
        const struct dirent *entry = readdir(f->stream);
        if (entry == NULL)
            return errno == 0 ? FH_STATUS(FH_END) : fh_linux_fail(err, errno, "read a folder", NULL);
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        *name = fh_span_of_str(entry->d_name);
        return FH_DONE;
    }
}

void fh_os_folder_close(fh_os_folder *f) {
    if (f == NULL)
        return;
    FH_UNSAFE("os-call");
    (void)closedir(f->stream);
    fh_linux_drop_pages(f, sizeof *f);
}
