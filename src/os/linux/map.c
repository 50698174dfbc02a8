/* map.c: read-only file mappings that survive a file truncated by somebody else.
 *
 * A page of a mapping that lies past the file's end raises SIGBUS when it is read. Every open mapping is therefore listed in
 * a registry of fixed size, and the handler of SIGBUS looks the address up: inside a listed mapping it lays a page of zeros
 * over the hole, marks the mapping as lost, and returns, so the read is repeated and gives zeros. An address that is not
 * listed is somebody else's fault: the handler that was there before, or the default action, gets it.
 *
 * The handler may interrupt any instruction of any thread, so it takes no lock. A registry entry is read under a sequence
 * number: odd while the entry changes, and different after every change. The number also makes the id of a mapping, so the id
 * of a closed mapping finds nothing.
 *
 * Invariants: map-registry: an entry with an even sequence describes a live mapping, or its range is empty; map-zeros: a page
 * is laid only inside a live mapping's range.
 *
 * Threading: any thread; opening and closing take a lock, reading mapped bytes takes none. */
#define _GNU_SOURCE 1

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/linux/linux.h"

enum { MAPS_MAX = 64 };

typedef struct map_entry {
    _Atomic uint64_t sequence;
    _Atomic uintptr_t from, to; /* whole pages; empty when free */
    atomic_bool lost;
    int fd;             /* kept open, to ask how long the file is now; written under the lock */
    size_t size_bytes;  /* size of the file when it was mapped; the same */
} map_entry;

static map_entry registry[MAPS_MAX];
static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
/* Who handled SIGBUS before. Written under the lock, while the handler in place does not read it yet. */
static struct sigaction handler_before;
/* The address of the last fault that was passed on: seen again at once, nobody could handle it. */
static _Atomic uintptr_t passed_on;

static void pass_on(int sig, const siginfo_t *info);

static void on_sigbus(int sig, siginfo_t *info, void *context) {
    (void)context;
    FH_UNSAFE("os-call");
    int saved = errno;
    uintptr_t at = (uintptr_t)info->si_addr, page = fh_os_page_bytes();

    for (size_t i = 0; info->si_code > 0 && i < MAPS_MAX; i++) {
        map_entry *e = &registry[i];
        uint64_t before = atomic_load(&e->sequence);
        uintptr_t from = atomic_load(&e->from), to = atomic_load(&e->to);
        if ((before & 1) != 0 || atomic_load(&e->sequence) != before || at < from || at >= to)
            continue;
        FH_UNSAFE("map-zeros");
        void *hole = (void *)(at & ~(page - 1));
        if (mmap(hole, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
            break;
        atomic_store(&e->lost, true);
        errno = saved;
        return;
    }
    pass_on(sig, info);
    errno = saved;
}

/* Puts the former handler back and returns to the faulting instruction, which faults again, now for the former handler. If
 * that one came back here with the same address (it may have been told to chain to us), the default action ends the circle. */
static void pass_on(int sig, const siginfo_t *info) {
    struct sigaction next = handler_before;
    FH_UNSAFE("os-call");
    if (atomic_exchange(&passed_on, (uintptr_t)info->si_addr) == (uintptr_t)info->si_addr && info->si_code > 0)
        next = (struct sigaction){.sa_handler = SIG_DFL};
    (void)sigaction(sig, &next, NULL);
    if (info->si_code <= 0) /* sent by a process: no instruction repeats it */
        (void)raise(sig);
}

/* Makes sure that our handler is the one in place; others may have replaced it since the last mapping was opened. */
static void install_handler(void) {
    struct sigaction now;
    FH_UNSAFE("os-call");
    if (sigaction(SIGBUS, NULL, &now) != 0 || ((now.sa_flags & SA_SIGINFO) != 0 && now.sa_sigaction == on_sigbus))
        return;
    handler_before = now;
    atomic_store(&passed_on, 0);
    struct sigaction ours = {.sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    (void)sigemptyset(&ours.sa_mask);
    FH_ASSERT(sigaction(SIGBUS, &ours, NULL) == 0);
}

static uint64_t id_of(size_t i, uint64_t sequence) {
    return sequence * MAPS_MAX + i; /* never 0: a live entry's sequence is at least 2 */
}

/* Lists a mapping; false when the registry is full. */
static bool list(fh_span bytes, size_t mapped_bytes, int fd, uint64_t *id) {
    bool listed = false;
    FH_UNSAFE("os-call");
    FH_ASSERT(pthread_mutex_lock(&registry_lock) == 0);
    for (size_t i = 0; i < MAPS_MAX && !listed; i++) {
        map_entry *e = &registry[i];
        if (atomic_load(&e->to) != 0)
            continue;
        install_handler();
        atomic_fetch_add(&e->sequence, 1);
        e->fd = fd;
        e->size_bytes = bytes.size;
        atomic_store(&e->lost, false);
        atomic_store(&e->from, (uintptr_t)bytes.at);
        atomic_store(&e->to, (uintptr_t)bytes.at + mapped_bytes);
        *id = id_of(i, atomic_fetch_add(&e->sequence, 1) + 1);
        listed = true;
    }
    FH_ASSERT(pthread_mutex_unlock(&registry_lock) == 0);
    return listed;
}

/* The live entry of a mapping; NULL for a closed one, whose entry's sequence has moved on. The caller holds the lock. */
static map_entry *find(fh_os_map map) {
    map_entry *e = &registry[map.id % MAPS_MAX];
    return id_of(map.id % MAPS_MAX, atomic_load(&e->sequence)) == map.id ? e : NULL;
}

/* Opens a regular file and finds its size. */
static fh_status open_regular(const char *path, int *out_fd, size_t *out_size, fh_err *err) {
    /* Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever. */
    FH_UNSAFE("os-call");
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return fh_linux_fail(err, errno, "open", path);

    struct stat st;
    fh_status s = FH_DONE;
    if (fstat(fd, &st) != 0)
        s = fh_linux_fail(err, errno, "look at", path);
    else if (!S_ISREG(st.st_mode))
        s = fh_fail(err, FH_IO, FH_NO_OFFSET, "%s: expected a regular file, found %s", path,
                    S_ISDIR(st.st_mode) ? "a directory" : "something else");
    else if (st.st_size < 0 || (uint64_t)st.st_size > SIZE_MAX - fh_os_page_bytes())
        s = fh_fail(err, FH_IO, FH_NO_OFFSET, "%s: file of %lld bytes does not fit the address space", path,
                    (long long)st.st_size);
    if (fh_failed(s)) {
        (void)close(fd);
        return s;
    }
    *out_fd = fd;
    *out_size = (size_t)st.st_size;
    return FH_DONE;
}

fh_status fh_os_map_open(const char *path, fh_os_map *out, fh_err *err) {
    *out = (fh_os_map){{NULL, 0}, 0};
    int fd = -1;
    size_t size = 0;
    FH_TRY(open_regular(path, &fd, &size, err));
    if (size == 0) {
        (void)close(fd);
        return FH_DONE;
    }
    size_t page = fh_os_page_bytes(), mapped = (size + page - 1) / page * page;
    FH_UNSAFE("map-registry");
    void *at = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED) {
        fh_status s = fh_linux_fail(err, errno, "map", path);
        (void)close(fd);
        return s;
    }
    fh_os_map map = {{at, size}, 0};
    if (!list(map.bytes, mapped, fd, &map.id)) {
        (void)munmap(at, size);
        (void)close(fd);
        return fh_fail(err, FH_EXHAUSTED, FH_NO_OFFSET, "%s: %d files are mapped already", path, (int)MAPS_MAX);
    }
    *out = map;
    return FH_DONE;
}

bool fh_os_map_lost(fh_os_map map) {
    if (map.id == 0)
        return false;
    FH_UNSAFE("os-call");
    FH_ASSERT(pthread_mutex_lock(&registry_lock) == 0);
    map_entry *e = find(map);
    FH_ASSERT(e != NULL); /* a mapping that was closed */
    /* The kernel itself zeroes the rest of the page in which a shortened file ends; only the size tells of that. */
    struct stat st;
    bool lost = atomic_load(&e->lost) || fstat(e->fd, &st) != 0 || st.st_size < 0 || (uint64_t)st.st_size < e->size_bytes;
    atomic_store(&e->lost, lost);
    FH_ASSERT(pthread_mutex_unlock(&registry_lock) == 0);
    return lost;
}

void fh_os_map_close(fh_os_map *map) {
    if (map == NULL || map->id == 0) {
        if (map != NULL)
            *map = (fh_os_map){{NULL, 0}, 0};
        return;
    }
    FH_UNSAFE("os-call");
    FH_ASSERT(pthread_mutex_lock(&registry_lock) == 0);
    map_entry *e = find(*map);
    FH_ASSERT(e != NULL); /* closed twice, through a copy of the struct */
    int fd = e->fd;
    atomic_fetch_add(&e->sequence, 1);
    atomic_store(&e->from, 0);
    atomic_store(&e->to, 0);
    atomic_fetch_add(&e->sequence, 1);
    FH_ASSERT(pthread_mutex_unlock(&registry_lock) == 0);
    FH_UNSAFE("map-registry");
    FH_ASSERT(munmap((void *)(uintptr_t)map->bytes.at, map->bytes.size) == 0);
    (void)close(fd);
    *map = (fh_os_map){{NULL, 0}, 0};
}
