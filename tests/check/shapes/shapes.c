/* shapes.c: the other side of shapes.h, and the program that runs every case.
 *
 * Each case runs in a process of its own. Its verdict is one line: the case's name, then `ok` (FH_OK, and nothing left behind),
 * `leak` (FH_OK, but a job or a block still lives), the name of another status, or `end` with what it said before it ended. */
#include "shapes.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cases.h"

/* --- jobs ----------------------------------------------------------------------------------------------------------------- */

static volatile int jobs_live, truth = 1, seen;

bool yes(void) { return truth != 0; }
bool no(void) { return truth == 0; }
int one(void) { return truth; }
int six(void) { return 6 * truth; }
size_t outside(size_t n) { return n * (size_t)truth; }
int outside_int(int n) { return n * truth; }
void note(int n) { seen += n; }
void look(const char *text) { seen += (unsigned char)text[0]; }

job *job_new(int size) {
    job *j = calloc(1, sizeof *j);
    if (j == NULL)
        abort();
    __atomic_fetch_add(&jobs_live, 1, __ATOMIC_RELAXED);
    *j = (job){.size = size, .cells = {size, size, size, size}, .name = "job"};
    return j;
}

job *job_try(int size) { return size < 0 ? NULL : job_new(size); }

fh_status job_make(int size, job **out) {
    *out = job_try(size);
    return *out == NULL ? FH_STATUS(FH_INVALID) : FH_DONE;
}

job *job_copy(const job *from) { return job_new(from->size); }

void job_free(job *j) {
    if (j != NULL)
        __atomic_fetch_sub(&jobs_live, 1, __ATOMIC_RELAXED);
    free(j);
}

void job_clear(job **j) {
    job_free(*j);
    *j = NULL;
}

int job_sum(const job *j) { return j->cells[0] + j->cells[1] + j->cells[2] + j->cells[3]; }
void job_grow(job *j, int by) { j->size += by; }
void job_add(job *to, const job *from) { to->size += from->size; }
const char *job_name(const job *j) { return j->name; }

int cell_sum(const int *cells, int count) {
    int sum = 0;
    for (int i = 0; i < count; i++)
        sum += cells[i];
    return sum;
}

void cell_fill(int *cell) { *cell = truth; }

fh_status box_init(box *out, int size) {
    *out = (box){.inner = job_try(size), .label = size};
    return out->inner == NULL ? FH_STATUS(FH_INVALID) : FH_DONE;
}

void box_deinit(box *b) {
    job_free(b->inner);
    b->inner = NULL;
}

int box_sum(const box *b) { return b->inner == NULL ? 0 : job_sum(b->inner); }

struct line {
    job *jobs[8];
    int count;
};

line *line_new(void) {
    line *l = calloc(1, sizeof *l);
    if (l == NULL)
        abort();
    __atomic_fetch_add(&jobs_live, 1, __ATOMIC_RELAXED);
    return l;
}

void line_free(line *l) {
    if (l == NULL)
        return;
    for (int i = 0; i < l->count; i++)
        job_free(l->jobs[i]);
    __atomic_fetch_sub(&jobs_live, 1, __ATOMIC_RELAXED);
    free(l);
}

void line_push(line *l, job *j) {
    if (l->count == 8)
        abort();
    l->jobs[l->count++] = j;
}

job *line_pop(line *l) { return l->count == 0 ? NULL : l->jobs[--l->count]; }

/* --- threads -------------------------------------------------------------------------------------------------------------- */

void lock_take(lock *l) {
    while (__atomic_exchange_n(&l->word, 1, __ATOMIC_ACQUIRE) != 0)
        fh_pause();
}

void lock_give(lock *l) { __atomic_store_n(&l->word, 0, __ATOMIC_RELEASE); }

struct worker {
    pthread_t thread;
    void (*entry)(void *);
    void (*job_entry)(job *);
    void *ctx;
};

static void *worker_main(void *arg) {
    worker *w = arg;
    if (w->job_entry != NULL)
        w->job_entry(w->ctx);
    else
        w->entry(w->ctx);
    return NULL;
}

static worker *start(worker from) {
    worker *w = malloc(sizeof *w);
    if (w == NULL)
        abort();
    *w = from;
    __atomic_fetch_add(&jobs_live, 1, __ATOMIC_RELAXED);
    if (pthread_create(&w->thread, NULL, worker_main, w) != 0)
        abort();
    return w;
}

worker *worker_start(void (*entry)(void *), void *ctx) { return start((worker){.entry = entry, .ctx = ctx}); }
worker *worker_send(void (*entry)(job *), job *j) { return start((worker){.job_entry = entry, .ctx = j}); }

void worker_join(worker *w) {
    if (w == NULL)
        return;
    pthread_join(w->thread, NULL);
    __atomic_fetch_sub(&jobs_live, 1, __ATOMIC_RELAXED);
    free(w);
}

/* --- all cases ------------------------------------------------------------------------------------------------------------ */

static void run_one(const shape_case *c) {
    alarm(20);
    uint64_t blocks = fh_heap_stats().live;
    fh_status s = c->run();
    const char *said = fh_code_name(s.code);
    if (s.code == FH_OK)
        said = jobs_live != 0 || fh_heap_stats().live != blocks ? "leak" : "ok";
    printf("%s %s\n", c->name, said);
    fflush(stdout);
    _exit(0);
}

/* What the child said on its standard error, with spaces for line ends; what does not fit is thrown away. */
static void gather(int fd, char *text, size_t size) {
    size_t used = 0;
    char rest[4096];
    for (;;) {
        bool room = used < size - 1;
        ssize_t n = room ? read(fd, text + used, size - 1 - used) : read(fd, rest, sizeof rest);
        if (n <= 0)
            break;
        used += room ? (size_t)n : 0;
    }
    text[used] = 0;
    for (size_t i = 0; i < used; i++)
        text[i] = text[i] == '\n' ? ' ' : text[i];
}

int main(void) {
    for (const shape_case *c = shape_cases; c->run != NULL; c++) {
        int ends[2], status;
        char text[1024];
        if (pipe(ends) != 0)
            return 1;
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            close(ends[0]);
            dup2(ends[1], STDERR_FILENO);
            run_one(c);
        }
        close(ends[1]);
        gather(ends[0], text, sizeof text);
        close(ends[0]);
        if (child < 0 || waitpid(child, &status, 0) != child)
            return 1;
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
            printf("%s end %s\n", c->name, text);
    }
    return 0;
}
