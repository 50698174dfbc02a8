/* bench_ring.c: what handing something from one thread to another costs, ours beside the usual ways.
 *
 *     ring       64-bit elements through 1024 places: one by one, in batches of 32; beside a ring whose sides read each other's
 *                index every time, and beside a ring under a mutex with two condition variables
 *     queue      messages from 1 and 2 producers to one consumer; beside a linked list under a mutex with a condition variable
 *
 * Each way has its turn in each of several rounds; a figure is the median of the rounds, in nanoseconds an element of wall
 * time, and the ratio is to ours. "alone" is a push and a pop by one thread. Who must wait spins a little and then yields. */
#define _GNU_SOURCE 1

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "freehold/os.h"
#include "freehold/queue.h"
#include "freehold/ring.h"

enum { ROUNDS = 11, PLACES = 1024, ELEMENTS = 1 << 20, BATCH = 32, MESSAGES = 256 };

static void die(const char *what) {
    fprintf(stderr, "bench_ring: %s\n", what);
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

static void wait_a_little(unsigned *spins) {
    if (++*spins % 64 != 0)
        fh_pause();
    else
        sched_yield();
}

/* --- rings ------------------------------------------------------------------------------------------------------------ */

FH_RING_DEFINE(word, uint64_t);
static word_ring ours;

/* The same without what each side keeps of the other's index. */
static struct {
    uint64_t tail, pad[15], head, more[15], slots[PLACES];
} naive;

static bool naive_push(uint64_t x) {
    uint64_t tail = fh_load(&naive.tail, FH_RELAXED);
    if (tail - fh_load(&naive.head, FH_ACQUIRE) == PLACES)
        return false;
    naive.slots[tail % PLACES] = x;
    fh_store(&naive.tail, tail + 1, FH_RELEASE);
    return true;
}

static bool naive_pop(uint64_t *x) {
    uint64_t head = fh_load(&naive.head, FH_RELAXED);
    if (head == fh_load(&naive.tail, FH_ACQUIRE))
        return false;
    *x = naive.slots[head % PLACES];
    fh_store(&naive.head, head + 1, FH_RELEASE);
    return true;
}

static struct {
    pthread_mutex_t lock;
    pthread_cond_t room, elements;
    uint64_t tail, head, slots[PLACES];
} locked = {.lock = PTHREAD_MUTEX_INITIALIZER, .room = PTHREAD_COND_INITIALIZER, .elements = PTHREAD_COND_INITIALIZER};

static void locked_push(uint64_t x) {
    pthread_mutex_lock(&locked.lock);
    while (locked.tail - locked.head == PLACES)
        pthread_cond_wait(&locked.room, &locked.lock);
    locked.slots[locked.tail++ % PLACES] = x;
    pthread_cond_signal(&locked.elements);
    pthread_mutex_unlock(&locked.lock);
}

static uint64_t locked_pop(void) {
    pthread_mutex_lock(&locked.lock);
    while (locked.tail == locked.head)
        pthread_cond_wait(&locked.elements, &locked.lock);
    uint64_t x = locked.slots[locked.head++ % PLACES];
    pthread_cond_signal(&locked.room);
    pthread_mutex_unlock(&locked.lock);
    return x;
}

typedef enum way { ONE_BY_ONE, BATCHES, NAIVE, LOCKED, WAYS } way;
static const char *const way_names[WAYS] = {"ours", "ours, batches of 32", "without cached indices", "mutex and condition"};

static void send(way w) {
    uint64_t some[BATCH];
    unsigned spins = 0;
    for (uint64_t i = 0; i < ELEMENTS;) {
        size_t done = 1;
        switch (w) {
        case ONE_BY_ONE:
            done = fh_failed(word_ring_push(ours, &i)) ? 0 : 1;
            break;
        case BATCHES:
            for (size_t k = 0; k < BATCH; k++)
                some[k] = i + k;
            if (fh_failed(word_ring_push_n(ours, some, BATCH, &done)))
                done = 0;
            break;
        case NAIVE:
            done = naive_push(i);
            break;
        case LOCKED:
            locked_push(i);
            break;
        case WAYS:
            break;
        }
        i += done;
        if (done == 0)
            wait_a_little(&spins);
    }
    if (w <= BATCHES && fh_failed(word_ring_leave(ours)))
        die("not the producer");
}

static void receive(way w) {
    uint64_t some[BATCH];
    unsigned spins = 0;
    for (uint64_t i = 0; i < ELEMENTS;) {
        size_t done = 1;
        switch (w) {
        case ONE_BY_ONE:
            done = fh_failed(word_ring_pop(ours, some)) ? 0 : 1;
            break;
        case BATCHES:
            if (fh_failed(word_ring_pop_n(ours, some, BATCH, &done)))
                done = 0;
            break;
        case NAIVE:
            done = naive_pop(some);
            break;
        case LOCKED:
            some[0] = locked_pop();
            break;
        case WAYS:
            break;
        }
        for (size_t k = 0; k < done; k++)
            if (some[k] != i++)
                die("out of order");
        if (done == 0)
            wait_a_little(&spins);
    }
}

static void *sender(void *arg) {
    send(*(const way *)arg);
    return NULL;
}

static double through(way w) {
    pthread_t thread;
    uint64_t start = fh_os_clock_ns();
    if (pthread_create(&thread, NULL, sender, &w) != 0)
        die("no thread");
    receive(w);
    pthread_join(thread, NULL);
    return (double)(fh_os_clock_ns() - start) / (double)ELEMENTS;
}

static double alone(way w) {
    uint64_t start = fh_os_clock_ns(), x = 0;
    for (uint64_t i = 0; i < ELEMENTS; i++) {
        bool ok = true;
        if (w == ONE_BY_ONE)
            ok = !fh_failed(word_ring_push(ours, &i)) && !fh_failed(word_ring_pop(ours, &x));
        else if (w == NAIVE)
            ok = naive_push(i) && naive_pop(&x);
        else
            locked_push(i), x = locked_pop();
        if (!ok || x != i)
            die("out of order");
    }
    double took = (double)(fh_os_clock_ns() - start) / (double)ELEMENTS;
    (void)fh_failed(word_ring_leave(ours));
    return took;
}

static void rings(void) {
    double two[WAYS][ROUNDS], one[WAYS][ROUNDS] = {{0}};
    if (fh_failed(word_ring_new(fh_heap(), PLACES, &ours)))
        die("no memory");
    for (size_t r = 0; r < ROUNDS; r++)
        for (way w = ONE_BY_ONE; w < WAYS; w++) {
            two[w][r] = through(w);
            one[w][r] = w == BATCHES ? 0 : alone(w);
        }
    word_ring_free(ours);
    double base_two = median(two[ONE_BY_ONE], ROUNDS), base_one = median(one[ONE_BY_ONE], ROUNDS);
    printf("ring                        two threads   / ours      alone   / ours\n");
    for (way w = ONE_BY_ONE; w < WAYS; w++) {
        double x = median(two[w], ROUNDS), y = median(one[w], ROUNDS);
        printf("  %-24s %10.1f ns %8.2f", way_names[w], x, x / base_two);
        if (w != BATCHES)
            printf(" %7.1f ns %8.2f", y, y / base_one);
        printf("\n");
    }
}

/* --- queues ----------------------------------------------------------------------------------------------------------- */

typedef struct message {
    fh_queue_node node;
    struct message *next;
    uint64_t number, away;
} message;
FH_QUEUE_DEFINE(message, message, node);

static fh_queue queue;
static struct {
    pthread_mutex_t lock;
    pthread_cond_t messages;
    message *first, *last;
} list = {.lock = PTHREAD_MUTEX_INITIALIZER, .messages = PTHREAD_COND_INITIALIZER};

static void list_push(message *m) {
    pthread_mutex_lock(&list.lock);
    m->next = NULL;
    if (list.first == NULL)
        list.first = m;
    else
        list.last->next = m;
    list.last = m;
    pthread_cond_signal(&list.messages);
    pthread_mutex_unlock(&list.lock);
}

static message *list_pop(void) {
    pthread_mutex_lock(&list.lock);
    while (list.first == NULL)
        pthread_cond_wait(&list.messages, &list.lock);
    message *m = list.first;
    list.first = m->next;
    pthread_mutex_unlock(&list.lock);
    return m;
}

typedef struct post {
    message messages[MESSAGES];
    uint64_t count;
    bool locked;
} post;

/* Sends its messages round and round. */
static void *sender_of_messages(void *arg) {
    post *p = arg;
    unsigned spins = 0;
    for (uint64_t i = 0; i < p->count;) {
        message *m = &p->messages[i % MESSAGES];
        if (fh_load(&m->away, FH_ACQUIRE) != 0) {
            wait_a_little(&spins);
            continue;
        }
        m->number = i++;
        fh_store(&m->away, 1, FH_RELAXED);
        if (p->locked)
            list_push(m);
        else if (fh_failed(message_push(&queue, m)))
            die("pushed twice");
    }
    return NULL;
}

static double deliver(size_t producers, bool is_locked) {
    static post posts[2];
    pthread_t threads[2];
    unsigned spins = 0;
    uint64_t sum = 0, expected = 0, start = fh_os_clock_ns();
    for (size_t i = 0; i < producers; i++) {
        posts[i].count = ELEMENTS / producers;
        posts[i].locked = is_locked;
        expected += posts[i].count * (posts[i].count - 1) / 2;
        if (pthread_create(&threads[i], NULL, sender_of_messages, &posts[i]) != 0)
            die("no thread");
    }
    for (uint64_t got = 0; got < ELEMENTS;) {
        message *m = NULL;
        if (is_locked)
            m = list_pop();
        else if (fh_failed(message_pop(&queue, &m)))
            wait_a_little(&spins);
        if (m == NULL)
            continue;
        sum += m->number;
        fh_store(&m->away, 0, FH_RELEASE);
        got++;
    }
    for (size_t i = 0; i < producers; i++)
        pthread_join(threads[i], NULL);
    if (sum != expected)
        die("a message is missing");
    return (double)(fh_os_clock_ns() - start) / (double)ELEMENTS;
}

static void queues(void) {
    double took[2][2][ROUNDS];
    fh_queue_init(&queue);
    for (size_t r = 0; r < ROUNDS; r++)
        for (size_t producers = 1; producers <= 2; producers++)
            for (size_t w = 0; w < 2; w++)
                took[producers - 1][w][r] = deliver(producers, w == 1);
    printf("queue                       1 producer    / ours   2 producers  / ours\n");
    double base[2] = {median(took[0][0], ROUNDS), median(took[1][0], ROUNDS)};
    for (size_t w = 0; w < 2; w++) {
        double x = median(took[0][w], ROUNDS), y = median(took[1][w], ROUNDS);
        printf("  %-24s %10.1f ns %8.2f %10.1f ns %8.2f\n", w == 0 ? "ours" : "mutex and condition", x, x / base[0], y,
               y / base[1]);
    }
}

int main(void) {
    printf("nanoseconds an element, median of %d rounds; %u processors\n", ROUNDS, fh_os_cpus());
    rings();
    queues();
    return 0;
}
