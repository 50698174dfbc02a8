/* bench_team.c: what a job costs, and what two threads are worth on a machine that is busy with something else.
 *
 *     bench_team           nanoseconds for an empty job on 1, 2 and 4 threads
 *     bench_team --busy    also, with one endless loop of another process on every processor: the time that a fixed amount of
 *                          work takes on 1 thread over the time it takes on 2, for jobs of several sizes. Below 1.0, two
 *                          threads would be slower than one. 1 and 2 take turns in going first; each figure is a median.
 *
 * Threading: the team under test. */
#define _GNU_SOURCE 1

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "freehold/hash.h"
#include "freehold/os.h"

enum { RUNS = 31, HOGS_MAX = 1024 };

static void die(const char *what) {
    fprintf(stderr, "bench_team: %s\n", what);
    exit(1);
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t count) {
    qsort(values, count, sizeof *values, by_size);
    return values[count / 2];
}

/* `steps` dependent operations a job, shared among the parts. */
typedef struct work {
    size_t steps;
    uint64_t sums[256];
} work;

static void spin_part(void *arg, unsigned part, unsigned parts) {
    work *w = arg;
    fh_range r = fh_par_share(w->steps, part, parts);
    uint64_t x = part;
    for (size_t i = r.from; i < r.to; i++)
        x = fh_mix64(x);
    w->sums[part] = x;
}

/* Nanoseconds a job. */
static double time_jobs(const fh_par *par, work *w, size_t jobs) {
    uint64_t start = fh_os_clock_ns();
    for (size_t i = 0; i < jobs; i++)
        fh_par_run(par, spin_part, w);
    return (double)(fh_os_clock_ns() - start) / (double)jobs;
}

static void empty_jobs(void) {
    printf("empty job, ns (median, least of %d runs; %u processors)\n", RUNS, fh_os_cpus());
    for (unsigned threads = 1; threads <= 4; threads *= 2) {
        fh_team *team;
        if (fh_failed(fh_team_new(threads, &team)))
            die("no team");
        double took[RUNS];
        work none = {0};
        for (size_t r = 0; r < RUNS; r++)
            took[r] = time_jobs(fh_team_par(team), &none, 5000);
        double middle = median(took, RUNS);
        printf("  %u threads %10.0f %10.0f\n", threads, middle, took[0]);
        fh_team_free(team);
    }
}

/* One endless loop on each processor that this process may use; they end with it. */
static size_t start_hogs(pid_t *hogs) {
    cpu_set_t mine;
    size_t count = 0;
    if (sched_getaffinity(0, sizeof mine, &mine) != 0)
        die("no affinity mask");
    for (size_t cpu = 0; cpu < CPU_SETSIZE && count < HOGS_MAX; cpu++) {
        if (!CPU_ISSET((unsigned)cpu, &mine))
            continue;
        pid_t child = fork();
        if (child < 0)
            die("cannot fork");
        if (child == 0) {
            cpu_set_t one;
            CPU_ZERO(&one);
            CPU_SET((unsigned)cpu, &one);
            (void)sched_setaffinity(0, sizeof one, &one);
            (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
            for (volatile uint64_t i = 0;; i++) {
            }
        }
        hogs[count++] = child;
    }
    return count;
}

static void busy_machine(void) {
    static const size_t sizes_us[] = {5, 20, 100, 500, 5000};
    static pid_t hogs[HOGS_MAX];
    fh_team *one, *two;
    if (fh_failed(fh_team_new(1, &one)) || fh_failed(fh_team_new(2, &two)))
        die("no team");
    work w = {.steps = 1000000};
    double fastest = 1e18;
    for (int i = 0; i < 20; i++) {
        double took = time_jobs(NULL, &w, 1);
        fastest = took < fastest ? took : fastest;
    }
    double ns_a_step = fastest / 1e6;
    for (int busy = 0; busy <= 1; busy++) {
        size_t hog_count = busy ? start_hogs(hogs) : 0;
        printf("%s: work on 1 thread over 2 threads, median (least, most) of %d pairs\n", busy ? "busy" : "as it is", RUNS);
        for (size_t s = 0; s < sizeof sizes_us / sizeof sizes_us[0]; s++) {
            double ratios[RUNS];
            w.steps = (size_t)((double)sizes_us[s] * 1e3 / ns_a_step);
            size_t jobs = 60000 / sizes_us[s];
            for (size_t r = 0; r < RUNS; r++) {
                double took[2];
                for (size_t turn = 0; turn < 2; turn++) {
                    size_t which = (r + turn) % 2;
                    (void)usleep(3000); /* a scheduler remembers who has just had more than its share */
                    took[which] = time_jobs(fh_team_par(which == 0 ? one : two), &w, jobs);
                }
                ratios[r] = took[0] / took[1];
            }
            double middle = median(ratios, RUNS);
            printf("  %5zu us a job %8.2f  (%.2f, %.2f)\n", sizes_us[s], middle, ratios[0], ratios[RUNS - 1]);
        }
        for (size_t i = 0; i < hog_count; i++) {
            (void)kill(hogs[i], SIGKILL);
            (void)waitpid(hogs[i], NULL, 0);
        }
    }
    fh_team_free(one);
    fh_team_free(two);
}

int main(int argc, char **argv) {
    empty_jobs();
    if (argc > 1 && strcmp(argv[1], "--busy") == 0)
        busy_machine();
    return 0;
}
