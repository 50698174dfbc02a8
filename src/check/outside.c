/* outside.c: formatting, folders and processes.
 *
 * This room is audited. A worker process writes frames of {item, code, size, bytes} to its pipe; the parent reads all pipes
 * as they fill, so that no worker waits for another, and looks at the frames when all have ended.
 *
 * Invariant check-outside: printf gets a checked format and the true size of its array; a path has its NUL inside its array; a
 * frame's bytes are used only if they are all there. Threading: outside.h. */
#define _GNU_SOURCE 1 /* scandir */

#include "check/outside.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "freehold/os.h"

enum { TEXT_MAX = 2000, PATH_BYTES = 4096, DEPTH_MAX = 64, JOBS_MAX = 64, FRAME_HEAD_BYTES = 16 };

fh_span deed_format_text(fh_arena *arena, const char *format, va_list args) {
    char text[TEXT_MAX];
    FH_UNSAFE("check-outside");
    int size = vsnprintf(text, sizeof text, format, args);
    size_t kept = size < 0 ? 0 : (size_t)size < TEXT_MAX ? (size_t)size : TEXT_MAX - 1;
    fh_span out = {NULL, 0}, whole = {(const uint8_t *)text, kept};
    return fh_failed(fh_arena_copy(arena, whole, &out)) ? (fh_span){NULL, 0} : out;
}

const char *deed_copy_text(fh_arena *arena, fh_span a, fh_span b) {
    const size_t room = a.size + b.size + 1;
    uint8_t *at = fh_arena_alloc(arena, room, 1);
    if (at == NULL)
        return NULL;
    fh_mspan whole = {at, room}, part;
    if (fh_mspan_slice(whole, 0, a.size, &part))
        fh_span_copy(part, a);
    if (fh_mspan_slice(whole, a.size, b.size, &part))
        fh_span_copy(part, b);
    FH_UNSAFE("check-outside");
    return (const char *)at;
}

/* --- folders -------------------------------------------------------------------------------------------------------------- */

static int visible(const struct dirent *e) {
    return e->d_name[0] != '.';
}

/* What the system says of a path that cannot be looked at. An entry of a folder that has vanished since the folder was read is
 * none, even if it has come back meanwhile: others may write there, editors and other checks. A link to nowhere stays one. */
static fh_status no_look(const char *path, unsigned depth, fh_err *err) {
    struct stat st;
    int why = errno;
    FH_UNSAFE("check-outside");
    bool link = lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
    if (depth > 0 && why == ENOENT && !link)
        return FH_DONE;
    return fh_fail(err, FH_IO, FH_NO_OFFSET, "%s: %s", path, strerror(why));
}

static fh_status walk(const char *path, unsigned depth, deed_found *found, void *ctx, fh_err *err) {
    struct stat st;
    FH_UNSAFE("check-outside");
    if (stat(path, &st) != 0)
        return no_look(path, depth, err);
    if (S_ISREG(st.st_mode))
        return found(ctx, path);
    if (!S_ISDIR(st.st_mode) || depth >= DEPTH_MAX)
        return FH_DONE;
    struct dirent **names = NULL;
    int count = scandir(path, &names, visible, alphasort);
    if (count < 0)
        return no_look(path, depth, err);
    fh_status s = FH_DONE;
    size_t length = strlen(path);
    const char *slash = length > 0 && path[length - 1] == '/' ? "" : "/";
    for (int i = 0; i < count; i++) {
        char below[PATH_BYTES];
        int size = snprintf(below, sizeof below, "%s%s%s", path, slash, names[i]->d_name);
        if (!fh_failed(s) && size > 0 && (size_t)size < sizeof below)
            s = walk(below, depth + 1, found, ctx, err);
        free(names[i]);
    }
    free(names);
    return s;
}

fh_status deed_walk(const char *path, deed_found *found, void *ctx, fh_err *err) {
    return walk(path, 0, found, ctx, err);
}

fh_status deed_here(fh_arena *arena, fh_span *out) {
    char path[PATH_BYTES];
    FH_UNSAFE("check-outside");
    *out = (fh_span){NULL, 0};
    if (getcwd(path, sizeof path - 1) == NULL)
        return FH_STATUS(FH_IO);
    size_t size = strlen(path);
    path[size] = '/';
    return fh_arena_copy(arena, (fh_span){(const uint8_t *)path, size + 1}, out);
}

static bool make_one(const char *path) {
    struct stat st;
    FH_UNSAFE("check-outside");
    if (mkdir(path, 0700) == 0)
        return true;
    bool there = errno == EEXIST && stat(path, &st) == 0;
    if (there && !S_ISDIR(st.st_mode))
        errno = ENOTDIR;
    return there && S_ISDIR(st.st_mode);
}

fh_status deed_folder_make(const char *path, fh_err *err) {
    char part[PATH_BYTES];
    FH_UNSAFE("check-outside");
    size_t size = strlen(path);
    if (size == 0 || size >= sizeof part)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "the name of a folder has 1 to %d bytes, not %zu", PATH_BYTES - 1, size);
    for (size_t i = 1; i <= size; i++) {
        if (path[i] != '/' && path[i] != 0)
            continue;
        memcpy(part, path, i);
        part[i] = 0;
        if (!make_one(part))
            return fh_fail(err, FH_IO, FH_NO_OFFSET, "%s: %s", part, strerror(errno));
    }
    return FH_DONE;
}

fh_status deed_file_write(const char *path, fh_span head, fh_span body) {
    char beside[PATH_BYTES];
    FH_UNSAFE("check-outside");
    int size = snprintf(beside, sizeof beside, "%s.%ld", path, (long)getpid());
    if (size < 0 || (size_t)size >= sizeof beside)
        return FH_STATUS(FH_IO);
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return FH_STATUS(FH_IO);
    bool good = !fh_failed(fh_os_write(fd, head)) && !fh_failed(fh_os_write(fd, body));
    good = close(fd) == 0 && good;
    if (good && rename(beside, path) == 0)
        return FH_DONE;
    unlink(beside);
    return FH_STATUS(FH_IO);
}

/* --- processes ------------------------------------------------------------------------------------------------------------ */

typedef struct worker {
    pid_t pid;
    int fd; /* -1: at its end */
    fh_buf said;
    size_t whole, answered; /* bytes and number of the frames that are all there */
} worker;

/* The size of the frame at `from`, or 0 while it is not all there. */
static size_t frame_bytes(fh_span said, size_t from) {
    size_t left = said.size - from;
    if (left < FRAME_HEAD_BYTES || fh_span_u64(said, from + 8) > left - FRAME_HEAD_BYTES)
        return 0;
    return FRAME_HEAD_BYTES + (size_t)fh_span_u64(said, from + 8);
}

/* In the child: every jobs-th item. */
static void serve(fh_ref fh_allocator *a, size_t count, size_t first, size_t jobs, deed_work *work, void *ctx, int fd) {
    for (size_t item = first; item < count; item += jobs) {
        fh_buf out;
        fh_buf_init(&out, a, 0);
        fh_status s = work(ctx, item, &out);
        uint8_t head[FRAME_HEAD_BYTES];
        fh_mspan h = {head, sizeof head};
        fh_mspan_put_u32(h, 0, (uint32_t)item);
        fh_mspan_put_u32(h, 4, (uint32_t)s.code);
        fh_mspan_put_u64(h, 8, out.size);
        bool told = !fh_failed(fh_os_write(fd, fh_span_of_mut(h))) && !fh_failed(fh_os_write(fd, fh_buf_view(&out)));
        fh_buf_deinit(&out);
        if (!told)
            _exit(1);
    }
    _exit(0);
}

static fh_status start(fh_ref fh_allocator *a, worker *w, size_t count, size_t first, size_t jobs, deed_work *work, void *ctx) {
    int ends[2];
    FH_UNSAFE("check-outside");
    if (pipe(ends) != 0)
        return FH_STATUS(FH_IO);
    w->pid = fork();
    if (w->pid == 0) {
        close(ends[0]);
        serve(a, count, first, jobs, work, ctx, ends[1]);
    }
    close(ends[1]);
    if (w->pid < 0) {
        close(ends[0]);
        return FH_STATUS(FH_IO);
    }
    w->fd = ends[0];
    return FH_DONE;
}

/* Takes what one pipe has; at its end, closes it. */
static fh_status take(worker *w) {
    uint8_t step[16384];
    size_t got = 0;
    fh_status s = fh_os_read(w->fd, (fh_mspan){step, sizeof step}, &got);
    if (!fh_failed(s) && got > 0) {
        s = fh_buf_put(&w->said, (fh_span){step, got});
        for (size_t size; !fh_failed(s) && (size = frame_bytes(fh_buf_view(&w->said), w->whole)) != 0; w->answered++)
            w->whole += size;
        return s;
    }
    close(w->fd);
    w->fd = -1;
    return s;
}

static fh_status gather(worker *workers, size_t jobs, deed_progress *progress, void *ctx) {
    fh_status s = FH_DONE;
    FH_UNSAFE("check-outside");
    for (;;) {
        struct pollfd polls[JOBS_MAX] = {0};
        size_t open = 0, answered = 0;
        for (size_t i = 0; i < jobs; i++) {
            polls[i] = (struct pollfd){.fd = workers[i].fd, .events = POLLIN};
            open += workers[i].fd >= 0;
        }
        if (open == 0)
            return s;
        if (poll(polls, (nfds_t)jobs, -1) < 0 && errno != EINTR)
            return FH_STATUS(FH_IO);
        for (size_t i = 0; i < jobs; i++) {
            fh_status one = workers[i].fd >= 0 && polls[i].revents != 0 ? take(&workers[i]) : FH_DONE;
            s = fh_failed(s) ? s : one;
            answered += workers[i].answered;
        }
        if (progress != NULL)
            progress(ctx, answered);
    }
}

/* The answers in the order of the items: worker i % jobs has item i next. */
static fh_status tell(worker *workers, size_t count, size_t jobs, deed_done *done, void *ctx) {
    FH_UNSAFE("check-outside");
    for (size_t item = 0; item < count; item++) {
        worker *w = &workers[item % jobs];
        fh_span said = fh_buf_view(&w->said), answer = {NULL, 0};
        fh_status s = FH_STATUS(FH_CORRUPT);
        size_t size = frame_bytes(said, 0);
        if (size != 0) {
            answer = fh_span_sub(said, FRAME_HEAD_BYTES, size - FRAME_HEAD_BYTES);
            s = FH_STATUS((fh_code)fh_span_u32(said, 4));
        }
        FH_TRY(done(ctx, item, s, answer));
        fh_buf_consume(&w->said, size == 0 ? w->said.size : size);
    }
    return FH_DONE;
}

fh_status deed_share(fh_allocator *a, size_t count, unsigned jobs, deed_work *work, deed_done *done,
                     deed_progress *progress, void *ctx) {
    worker workers[JOBS_MAX];
    size_t used = jobs == 0 ? 1 : jobs > JOBS_MAX ? JOBS_MAX : jobs;
    used = used > count ? count : used;
    fh_status s = FH_DONE;
    FH_UNSAFE("check-outside");
    for (size_t i = 0; i < used; i++) {
        workers[i] = (worker){.pid = -1, .fd = -1};
        fh_buf_init(&workers[i].said, a, 0);
        if (!fh_failed(s))
            s = start(a, &workers[i], count, i, used, work, ctx);
    }
    fh_status gathered = gather(workers, used, progress, ctx);
    s = fh_failed(s) ? s : gathered;
    for (size_t i = 0; i < used; i++) {
        if (workers[i].pid > 0)
            waitpid(workers[i].pid, NULL, 0);
    }
    if (!fh_failed(s))
        s = tell(workers, count, used, done, ctx);
    for (size_t i = 0; i < used; i++)
        fh_buf_deinit(&workers[i].said);
    return s;
}
