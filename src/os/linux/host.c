/* host.c: facts about the machine and the process: time, randomness, processors, memory, environment.
 *
 * Threading: any thread, as far as nobody changes the environment meanwhile. */
#define _GNU_SOURCE 1

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "os/linux/linux.h"

uint64_t fh_os_clock_ns(void) {
    struct timespec t = {0, 0};
    FH_UNSAFE("os-call");
    FH_ASSERT(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
    return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

uint64_t fh_os_process(void) {
    FH_UNSAFE("os-call");
    return (uint64_t)getpid();
}

uint64_t fh_os_random(void) {
    uint64_t bits = 0;
    ssize_t n;
    FH_UNSAFE("os-call");
    do
        n = getrandom(&bits, sizeof bits, 0);
    while (n < 0 && errno == EINTR);
    FH_ASSERT(n == (ssize_t)sizeof bits); /* a kernel gives up to 256 bytes whole */
    return bits;
}

const char *fh_os_env(const char *name) {
    FH_UNSAFE("os-call");
    return getenv(name);
}

const char *fh_os_argument(int argc, char *const *argv, size_t i) {
    FH_UNSAFE("host-text");
    return argc > 0 && i < (size_t)argc ? argv[i] : NULL;
}

/* --- processors ------------------------------------------------------------------------------------------------------- */

/* Processors in the affinity mask. The kernel refuses a set smaller than its own, so the set grows until it fits. */
static unsigned affinity_cpus(void) {
    for (int cpus = 1024; cpus <= 1 << 20; cpus *= 2) {
        FH_UNSAFE("os-call");
        cpu_set_t *set = CPU_ALLOC((size_t)cpus);
        if (set == NULL)
            break;
        size_t size = CPU_ALLOC_SIZE((size_t)cpus);
        int count = sched_getaffinity(0, size, set) == 0 ? CPU_COUNT_S(size, set) : 0;
        int error = errno;
        CPU_FREE(set);
        if (count > 0)
            return (unsigned)count;
        if (error != EINVAL)
            break;
    }
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (unsigned)online : 1;
}

enum { PATH_BYTES = 4096 };

/* Reads the first line of `<root><at>/<name>`. */
static bool first_line(const char *root, const char *at, const char *name, char *line, size_t line_bytes) {
    char path[PATH_BYTES];
    FH_UNSAFE("host-text");
    int made = snprintf(path, sizeof path, "%s%s/%s", root, at, name);
    FILE *f = made > 0 && (size_t)made < sizeof path ? fopen(path, "re") : NULL;
    if (f == NULL)
        return false;
    bool ok = fgets(line, (int)line_bytes, f) != NULL;
    (void)fclose(f);
    return ok;
}

/* The quota of one cgroup folder in processors, rounded up; UINT_MAX if it has none. */
static unsigned folder_quota(const char *root, const char *folder) {
    char line[128], more[128];
    double quota = -1, period = 0;
    FH_UNSAFE("host-text");
    if (first_line(root, folder, "cpu.max", line, sizeof line)) { /* version 2: "<quota or max> <period>" in microseconds */
        if (sscanf(line, "%lf %lf", &quota, &period) != 2)
            return UINT_MAX;
    } else if (first_line(root, folder, "cpu.cfs_quota_us", line, sizeof line) &&
               first_line(root, folder, "cpu.cfs_period_us", more, sizeof more)) { /* version 1: -1 is no quota */
        if (sscanf(line, "%lf", &quota) != 1 || sscanf(more, "%lf", &period) != 1)
            return UINT_MAX;
    }
    if (!(quota > 0) || !(period > 0) || quota / period > 1e6)
        return UINT_MAX;
    unsigned whole = (unsigned)(quota / period);
    return whole * period < quota ? whole + 1 : whole;
}

/* The least quota from the folder of one controller up to its mount; a parent's quota binds its children. */
static unsigned hierarchy_quota(const char *root, const char *mount, const char *group) {
    char folder[PATH_BYTES];
    FH_UNSAFE("host-text");
    int made = snprintf(folder, sizeof folder, "%s%s", mount, strcmp(group, "/") == 0 ? "" : group);
    if (made <= 0 || (size_t)made >= sizeof folder)
        return UINT_MAX;
    unsigned least = UINT_MAX;
    for (;;) {
        unsigned quota = folder_quota(root, folder);
        least = quota < least ? quota : least;
        char *slash = strrchr(folder, '/');
        if (slash == NULL || strlen(folder) <= strlen(mount))
            return least;
        *slash = '\0';
    }
}

/* True if `list`, such as "cpu,cpuacct", names the controller "cpu". */
static bool names_cpu(const char *list) {
    FH_UNSAFE("os-call");
    for (const char *at = list; at != NULL; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, "cpu", 3) == 0 && (at[3] == ',' || at[3] == '\0'))
            return true;
    }
    return false;
}

unsigned fh_linux_quota_cpus(const char *root) {
    char path[PATH_BYTES], line[PATH_BYTES];
    FH_UNSAFE("host-text");
    int made = snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    FILE *f = made > 0 && (size_t)made < sizeof path ? fopen(path, "re") : NULL;
    if (f == NULL)
        return UINT_MAX;
    unsigned least = UINT_MAX;
    while (fgets(line, sizeof line, f) != NULL) { /* "<number>:<controllers>:<path>" */
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':');
        char *group = controllers == NULL ? NULL : strchr(controllers + 1, ':');
        if (group == NULL)
            continue;
        *group++ = '\0';
        controllers++;
        unsigned quota = UINT_MAX;
        if (*controllers == '\0')
            quota = hierarchy_quota(root, "/sys/fs/cgroup", group);
        else if (names_cpu(controllers))
            quota = hierarchy_quota(root, "/sys/fs/cgroup/cpu", group);
        least = quota < least ? quota : least;
    }
    (void)fclose(f);
    return least;
}

unsigned fh_os_cpus(void) {
    unsigned allowed = affinity_cpus(), quota = fh_linux_quota_cpus("");
    unsigned cpus = allowed < quota ? allowed : quota;
    return cpus > 0 ? cpus : 1;
}

/* --- memory ----------------------------------------------------------------------------------------------------------- */

/* /proc first: what getrusage reports is also inherited from the program that was replaced by exec. */
uint64_t fh_os_memory_peak(void) {
    char line[256];
    unsigned long long kib = 0;
    bool found = false;
    FH_UNSAFE("os-call");
    FILE *f = fopen("/proc/self/status", "re");
    FH_UNSAFE("host-text");
    while (f != NULL && !found && fgets(line, sizeof line, f) != NULL)
        found = sscanf(line, "VmHWM: %llu kB", &kib) == 1;
    if (f != NULL)
        (void)fclose(f);
    struct rusage usage;
    if (!found && getrusage(RUSAGE_SELF, &usage) == 0 && usage.ru_maxrss > 0)
        kib = (unsigned long long)usage.ru_maxrss;
    return (uint64_t)kib * 1024;
}
