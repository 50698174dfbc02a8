/* writer.c: a file that appears whole or not at all.
 *
 * The bytes go to a new file in the same directory, which is synced and then renamed over the target; so a reader sees the
 * old file or the new one, also after a crash. The directory stays open from the start: a directory that is moved meanwhile
 * changes nothing, and nothing but the disk can fail after the rename.
 *
 * Invariants: writer-names: `target` and `temporary` are NUL-terminated names without a slash, inside `directory`;
 * writer-buffer: used <= WRITER_BUFFER.
 *
 * Threading: a writer belongs to one thread at a time. */
#define _GNU_SOURCE 1

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/linux/linux.h"

enum { WRITER_BUFFER = 64 << 10, NAME_BYTES = 256, PATH_BYTES = 4096, TEMPORARY_TRIES = 16 };

struct fh_os_writer {
    int directory, fd;
    char path[PATH_BYTES]; /* as given, for reports */
    char target[NAME_BYTES], temporary[NAME_BYTES];
    size_t used;
    uint8_t buffer[WRITER_BUFFER];
};

/* Splits the path: opens its directory and stores its last part. */
static fh_status open_directory(fh_os_writer *w, const char *path, fh_err *err) {
    FH_UNSAFE("writer-names");
    size_t path_size = strnlen(path, PATH_BYTES);
    if (path_size == PATH_BYTES)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "expected a path of at most %d bytes", PATH_BYTES - 1);
    memcpy(w->path, path, path_size + 1);
    char *slash = strrchr(w->path, '/');
    const char *name = slash == NULL ? w->path : slash + 1;
    size_t name_size = strlen(name);
    /* The temporary name is longer by ".tmp-" and 16 digits. */
    if (name_size == 0 || name_size + 21 >= NAME_BYTES || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "%s: expected a path that ends in a file name of 1 to %d bytes", path,
                       NAME_BYTES - 22);
    memcpy(w->target, name, name_size + 1);

    /* The directory is the path up to its last slash, which it keeps: "/name" lies in "/". */
    char after = *name;
    w->path[path_size - name_size] = '\0';
    w->directory = open(slash == NULL ? "." : w->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    w->path[path_size - name_size] = after;
    return w->directory < 0 ? fh_linux_fail(err, errno, "open the directory", path) : FH_DONE;
}

/* Refuses to replace what is not a file: renaming over a device or a pipe would destroy it. */
static fh_status check_target(const fh_os_writer *w, fh_err *err) {
    struct stat st;
    FH_UNSAFE("os-call");
    if (fstatat(w->directory, w->target, &st, 0) != 0)
        return errno == ENOENT ? FH_DONE : fh_linux_fail(err, errno, "look at", w->path);
    if (!S_ISREG(st.st_mode))
        return fh_fail(err, FH_IO, FH_NO_OFFSET, "%s: exists and is not a regular file", w->path);
    return FH_DONE;
}

static fh_status open_temporary(fh_os_writer *w, fh_err *err) {
    for (int i = 0; i < TEMPORARY_TRIES && w->fd < 0; i++) {
        FH_UNSAFE("writer-names");
        int made = snprintf(w->temporary, sizeof w->temporary, "%s.tmp-%016llx", w->target, (unsigned long long)fh_os_random());
        FH_ASSERT(made > 0 && (size_t)made < sizeof w->temporary);
        w->fd = openat(w->directory, w->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
        if (w->fd < 0 && errno != EEXIST)
            break;
    }
    if (w->fd < 0) {
        w->temporary[0] = '\0';
        return fh_linux_fail(err, errno, "create a file beside", w->path);
    }
    return FH_DONE;
}

fh_status fh_os_writer_open(const char *path, fh_os_writer **out, fh_err *err) {
    *out = NULL;
    void *at;
    if (fh_failed(fh_linux_take_pages(sizeof(fh_os_writer), &at)))
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "%s: out of memory", path);
    fh_os_writer *w = at;
    w->directory = w->fd = -1;
    fh_status s = open_directory(w, path, err);
    if (!fh_failed(s))
        s = check_target(w, err);
    if (!fh_failed(s))
        s = open_temporary(w, err);
    if (fh_failed(s)) {
        fh_os_writer_close(w);
        return s;
    }
    *out = w;
    return FH_DONE;
}

static fh_status write_through(fh_os_writer *w, fh_span bytes, fh_err *err) {
    return fh_failed(fh_os_write(w->fd, bytes)) ? fh_linux_fail(err, errno, "write", w->path) : FH_DONE;
}

static fh_status flush(fh_os_writer *w, fh_err *err) {
    FH_TRY(write_through(w, (fh_span){w->buffer, w->used}, err));
    w->used = 0;
    return FH_DONE;
}

fh_status fh_os_writer_put(fh_os_writer *w, fh_span bytes, fh_err *err) {
    if (bytes.size > WRITER_BUFFER - w->used)
        FH_TRY(flush(w, err));
    if (bytes.size > WRITER_BUFFER)
        return write_through(w, bytes, err);
    FH_UNSAFE("writer-buffer");
    fh_span_copy((fh_mspan){w->buffer + w->used, WRITER_BUFFER - w->used}, bytes);
    w->used += bytes.size;
    return FH_DONE;
}

static fh_status sync_and_rename(fh_os_writer *w, fh_err *err) {
    FH_TRY(flush(w, err));
    FH_UNSAFE("os-call");
    if (fsync(w->fd) != 0)
        return fh_linux_fail(err, errno, "sync", w->path);
    if (renameat(w->directory, w->temporary, w->directory, w->target) != 0)
        return fh_linux_fail(err, errno, "rename into place", w->path);
    w->temporary[0] = '\0';
    /* Some file systems cannot sync a directory and say EINVAL; they order the rename themselves. */
    if (fsync(w->directory) != 0 && errno != EINVAL)
        return fh_linux_fail(err, errno, "sync the directory after writing", w->path);
    return FH_DONE;
}

fh_status fh_os_writer_commit(fh_os_writer **w, fh_err *err) {
    fh_status s = sync_and_rename(*w, err);
    fh_os_writer_close(*w);
    *w = NULL;
    return s;
}

void fh_os_writer_close(fh_os_writer *w) {
    if (w == NULL)
        return;
    if (w->fd >= 0)
        (void)close(w->fd);
    FH_UNSAFE("os-call");
    if (w->directory >= 0) { /* without it nothing was made */
        if (w->temporary[0] != '\0')
            (void)unlinkat(w->directory, w->temporary, 0);
        (void)close(w->directory);
    }
    fh_linux_drop_pages(w, sizeof *w);
}
