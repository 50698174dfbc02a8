/* weave_self.c: the explorer explores programs whose answer is known: the litmus tests of the literature, small structures
 * with each kind of bug, and misuse of the explorer itself. What a memory model allows must be found, what it forbids must
 * not.
 *
 * A test that must pass names in `finds` nothing; its broken twin, the text that the failure must contain. Names of litmus
 * tests as in L. Maranget, S. Sarkar, P. Sewell, "A tutorial introduction to the ARM and POWER relaxed memory models". */
#include "freehold/os.h"
#include "weave.h"

/* What a test's threads share; the orders they use; what they saw. */
static uint64_t x, y, z, data, saw[8];
static int put, get, mid;

static void orders(int store_order, int load_order) {
    x = y = z = data = 0;
    for (size_t i = 0; i < 8; i++)
        saw[i] = 9;
    put = store_order;
    get = load_order;
    mid = FH_RELAXED;
}

static void relaxed(fh_allocator *a) {
    (void)a;
    orders(FH_RELAXED, FH_RELAXED);
}
static void acq_rel(fh_allocator *a) {
    (void)a;
    orders(FH_RELEASE, FH_ACQUIRE);
}
static void seq_cst(fh_allocator *a) {
    (void)a;
    orders(FH_SEQ_CST, FH_SEQ_CST);
    mid = FH_SEQ_CST;
}
static void only_release(fh_allocator *a) {
    (void)a;
    orders(FH_RELEASE, FH_RELAXED);
}
static void only_acquire(fh_allocator *a) {
    (void)a;
    orders(FH_RELAXED, FH_ACQUIRE);
}
static void fenced_acq_rel(fh_allocator *a) {
    relaxed(a);
    mid = FH_ACQ_REL;
}
static void fenced_sc(fh_allocator *a) {
    relaxed(a);
    mid = FH_SEQ_CST;
}

/* --- store buffering: each thread stores, then looks at the other's ------------------------------------------------------- */

static void sb_x(void) {
    fh_store(&x, 1, put);
    saw[0] = fh_load(&y, get);
}
static void sb_y(void) {
    fh_store(&y, 1, put);
    saw[1] = fh_load(&x, get);
}
static void sb_x_fence(void) {
    fh_store(&x, 1, put);
    fh_fence(mid);
    saw[0] = fh_load(&y, get);
}
static void sb_y_fence(void) {
    fh_store(&y, 1, put);
    fh_fence(mid);
    saw[1] = fh_load(&x, get);
}
static void sb_check(void) {
    WEAVE_ASSERT(saw[0] == 1 || saw[1] == 1);
}
/* The same with the fence of one thread made by the other: a reader that announces itself, a reclaimer that looks for
 * readers. */
static void sb_light(void) {
    fh_store(&x, 1, FH_RELAXED);
    fh_fence_compiler();
    saw[0] = fh_load(&y, FH_RELAXED);
}
static void sb_heavy(void) {
    fh_store(&y, 1, FH_RELAXED);
    weave_fence_all();
    saw[1] = fh_load(&x, FH_RELAXED);
}
static void sb_heavy_own(void) {
    fh_store(&y, 1, FH_RELAXED);
    fh_fence(FH_SEQ_CST);
    saw[1] = fh_load(&x, FH_RELAXED);
}

/* --- message passing: data, then a flag ----------------------------------------------------------------------------------- */

static void mp_send(void) {
    FH_WRITES(&data, sizeof data);
    data = 7;
    fh_store(&x, 1, put);
}
static void mp_receive(void) {
    while (fh_load(&x, get) == 0)
        fh_pause();
    FH_READS(&data, sizeof data);
    WEAVE_ASSERT(data == 7);
}
static void mp_send_fence(void) {
    FH_WRITES(&data, sizeof data);
    data = 7;
    fh_fence(FH_RELEASE);
    fh_store(&x, 1, FH_RELAXED);
}
static void mp_receive_fence(void) {
    while (fh_load(&x, FH_RELAXED) == 0)
        fh_pause();
    fh_fence(FH_ACQUIRE);
    FH_READS(&data, sizeof data);
}
/* The data atomic too: no race, but perhaps outdated. */
static void mp_send_atomic(void) {
    fh_store(&data, 7, FH_RELAXED);
    fh_store(&x, 1, put);
}
static void mp_receive_atomic(void) {
    if (fh_load(&x, get) == 1)
        WEAVE_ASSERT(fh_load(&data, FH_RELAXED) == 7);
}
/* Through a third thread: what it read comes along (WRC). */
static void wrc_first(void) {
    fh_store(&data, 7, FH_RELAXED);
}
static void wrc_second(void) {
    saw[0] = fh_load(&data, FH_RELAXED);
    fh_store(&x, 1, put);
}
static void wrc_third(void) {
    if (fh_load(&x, get) == 1)
        saw[1] = fh_load(&data, FH_RELAXED);
}
static void wrc_check(void) {
    WEAVE_ASSERT(!(saw[0] == 7 && saw[1] == 0));
}

/* --- release sequences ---------------------------------------------------------------------------------------------------- */

static void sequence_rmw(void) {
    (void)fh_fetch_add(&x, 1, FH_RELAXED);
}
static void sequence_store(void) {
    if (fh_load(&x, FH_RELAXED) == 1)
        fh_store(&x, 2, FH_RELAXED);
}
static void sequence_receive(void) {
    if (fh_load(&x, FH_ACQUIRE) == 2)
        FH_READS(&data, sizeof data);
}
static void sequence_own_store(void) {
    mp_send();
    fh_store(&x, 2, FH_RELAXED); /* breaks the sequence since C++20 */
}

/* --- coherence ------------------------------------------------------------------------------------------------------------ */

static void two_stores(void) {
    fh_store(&x, 1, FH_RELAXED);
    fh_store(&x, 2, FH_RELAXED);
}
static void two_loads(void) {
    saw[0] = fh_load(&x, FH_RELAXED);
    saw[1] = fh_load(&x, FH_RELAXED);
    WEAVE_ASSERT(saw[0] == 9 || saw[0] <= saw[1]);
}
/* Stores of two threads to two places, crossed (2+2W). */
static void cross_xy(void) {
    fh_store(&x, 1, put);
    fh_store(&y, 2, put);
}
static void cross_yx(void) {
    fh_store(&y, 1, put);
    fh_store(&x, 2, put);
}
static void cross_check(void) {
    WEAVE_ASSERT(!(fh_load(&x, FH_RELAXED) == 1 && fh_load(&y, FH_RELAXED) == 1));
}
/* Two readers that disagree about who was first (IRIW). */
static void iriw_x(void) {
    fh_store(&x, 1, put);
}
static void iriw_y(void) {
    fh_store(&y, 1, put);
}
static void iriw_xy(void) {
    saw[0] = fh_load(&x, get);
    saw[1] = fh_load(&y, get);
}
static void iriw_yx(void) {
    saw[2] = fh_load(&y, get);
    saw[3] = fh_load(&x, get);
}
static void iriw_check(void) {
    WEAVE_ASSERT(!(saw[0] == 1 && saw[1] == 0 && saw[2] == 1 && saw[3] == 0));
}

/* --- read-modify-write ---------------------------------------------------------------------------------------------------- */

static void count_up(void) {
    fh_fetch_add(&x, 1, FH_RELAXED);
}
static void count_up_cas(void) {
    uint64_t was = fh_load(&x, FH_RELAXED);
    while (!fh_cas(&x, &was, was + 1, FH_RELAXED)) {
    }
}
static void count_up_torn(void) {
    fh_store(&x, fh_load(&x, FH_RELAXED) + 1, FH_RELAXED);
}
static void count_check(void) {
    WEAVE_ASSERT(fh_load(&x, FH_RELAXED) == 3);
}
static uint32_t narrow;
static uint8_t bits;
static void narrow_start(fh_allocator *a) {
    relaxed(a);
    narrow = UINT32_MAX;
    bits = 0xf0;
}
static void narrow_ops(void) {
    (void)fh_fetch_add(&narrow, 2, FH_RELAXED);
    (void)fh_fetch_or(&bits, 0x05, FH_RELAXED);
    (void)fh_fetch_and(&bits, 0x7f, FH_RELAXED);
    (void)fh_fetch_sub(&narrow, 1, FH_RELAXED);
}
static void narrow_check(void) {
    WEAVE_ASSERT(narrow == 0 && bits == 0x75 && fh_exchange(&bits, 3, FH_RELAXED) == 0x75 && bits == 3);
}

/* --- locks ---------------------------------------------------------------------------------------------------------------- */

static void lock_user(void) {
    uint64_t zero = 0;
    while (!fh_cas(&x, &zero, 1, get)) {
        fh_pause();
        zero = 0;
    }
    FH_READS(&data, sizeof data);
    FH_WRITES(&data, sizeof data);
    data++;
    fh_store(&x, 0, put);
}
static void lock_user_exchange(void) {
    while (fh_exchange(&x, 1, get) != 0)
        fh_pause();
    FH_WRITES(&data, sizeof data);
    data++;
    fh_store(&x, 0, put);
}
static void lock_check(void) {
    FH_READS(&data, sizeof data);
    WEAVE_ASSERT(data == 3);
}
static void lock_check_two(void) {
    WEAVE_ASSERT(data == 2);
}

/* The lock of U. Drepper, "Futexes are tricky": 0 open, 1 held, 2 held and perhaps somebody sleeps. */
static uint32_t futex;
static void futex_start(int give) {
    orders(give, FH_ACQUIRE);
    futex = 0;
}
static void futex_right(fh_allocator *a) {
    (void)a;
    futex_start(FH_RELEASE);
}
static void futex_take(uint32_t held) {
    uint32_t was = 0;
    if (!fh_cas(&futex, &was, 1, get))
        while (fh_exchange(&futex, held, get) != 0)
            fh_os_wait(&futex, held);
    FH_WRITES(&data, sizeof data);
    data++;
}
static void futex_user(void) {
    futex_take(2);
    if (fh_exchange(&futex, 0, put) == 2)
        fh_os_wake(&futex, 1);
}
static void futex_user_silent(void) { /* the exchange of a sleeper says that nobody sleeps */
    futex_take(1);
    if (fh_exchange(&futex, 0, put) == 2)
        fh_os_wake(&futex, 1);
}
static void futex_user_trusting(void) { /* wakes and believes that the lock is its own */
    uint32_t was = 0;
    if (!fh_cas(&futex, &was, 1, get) && fh_exchange(&futex, 2, get) != 0)
        fh_os_wait(&futex, 2);
    FH_WRITES(&data, sizeof data);
    data++;
    if (fh_exchange(&futex, 0, put) == 2)
        fh_os_wake(&futex, 1);
}
/* What is to be done at the end of a thread. */
static fh_os_exit at_end[2];
static void at_end_count(fh_os_exit *e) {
    (void)e;
    fh_fetch_add(&x, 1, FH_RELAXED);
}
static void ending(void) {
    for (size_t i = 0; i < 2; i++) {
        at_end[i] = (fh_os_exit){.fn = at_end_count};
        WEAVE_ASSERT(fh_os_exit_add(&at_end[i]).code == FH_OK);
    }
    fh_os_exit_remove(&at_end[0]);
}
static void ending_check(void) {
    WEAVE_ASSERT(x == 1);
}

/* --- a count of references ------------------------------------------------------------------------------------------------ */

static uint64_t *object;
static void shared_object(int sub, int fence) {
    object = fh_alloc(weave_allocator(), 2, sizeof *object);
    orders(sub, fence);
    fh_store(&object[0], 3, FH_RELAXED);
}
static void object_right(fh_allocator *a) {
    (void)a;
    shared_object(FH_RELEASE, FH_ACQUIRE);
}
static void object_no_release(fh_allocator *a) {
    (void)a;
    shared_object(FH_RELAXED, FH_ACQUIRE);
}
static void object_no_acquire(fh_allocator *a) {
    (void)a;
    shared_object(FH_RELEASE, FH_RELAXED);
}
static void object_user(void) {
    FH_READS(&object[1], sizeof object[1]);
    if (fh_fetch_sub(&object[0], 1, put) == 1) {
        fh_fence(get);
        fh_free(weave_allocator(), object);
    }
}
static void object_user_late(void) {
    if (fh_fetch_sub(&object[0], 1, FH_ACQ_REL) == 1)
        fh_free(weave_allocator(), object);
    FH_READS(&object[1], sizeof object[1]);
}
static void object_end(void) {
    fh_free(weave_allocator(), object);
    fh_store(&x, 1, FH_RELEASE);
}
static void object_read_late(void) {
    while (fh_load(&x, FH_ACQUIRE) == 0)
        fh_pause();
    FH_READS(&object[1], sizeof object[1]);
}
static void object_free_late(void) {
    while (fh_load(&x, FH_ACQUIRE) == 0)
        fh_pause();
    fh_free(weave_allocator(), object);
}
static void object_user_lazy(void) {
    if (fh_fetch_sub(&object[0], 1, FH_ACQ_REL) == 0)
        fh_free(weave_allocator(), object);
}
static void object_ends(void) {
    FH_ENDS(&data, sizeof data);
}
/* Handing over a block: who gets the pointer must know of the allocation. */
static uint64_t *handed;
static void hand_start(int store_order) {
    orders(store_order, FH_ACQUIRE);
    handed = NULL;
}
static void hand_right(fh_allocator *a) {
    (void)a;
    hand_start(FH_RELEASE);
}
static void hand_wrong(fh_allocator *a) {
    (void)a;
    hand_start(FH_RELAXED);
}
static void hand_over(void) {
    uint64_t *block = fh_alloc(weave_allocator(), 1, sizeof *block);
    fh_store(&handed, block, put);
}
static void hand_take(void) {
    uint64_t *block;
    while ((block = fh_load(&handed, FH_ACQUIRE)) == NULL)
        fh_pause();
    WEAVE_ASSERT(fh_fetch_add(block, 1, FH_RELAXED) == 0);
    fh_free(weave_allocator(), block);
}

/* --- a stack: an item that comes back looks as if it had never been away (ABA) -------------------------------------------- */

typedef struct item {
    struct item *next;
} item;
static item items[2], *top;
static void push(item *i) {
    item *next = fh_load(&top, FH_RELAXED);
    do
        fh_store(&i->next, next, FH_RELAXED);
    while (!fh_cas(&top, &next, i, FH_ACQ_REL));
}
static item *pop(void) {
    item *i = fh_load(&top, FH_ACQUIRE);
    while (i != NULL && !fh_cas(&top, &i, fh_load(&i->next, FH_RELAXED), FH_ACQ_REL)) {
    }
    return i;
}
static void stack_start(fh_allocator *a) {
    relaxed(a);
    top = NULL;
    push(&items[0]);
    push(&items[1]);
}
static void stack_pop(void) {
    if (pop() != NULL)
        (void)fh_fetch_add(&x, 1, FH_RELAXED);
}
static void stack_pop_push(void) {
    item *a = pop(), *b = pop();
    if (a != NULL)
        push(a);
    if (b != NULL)
        (void)fh_fetch_add(&x, 1, FH_RELAXED);
}
static void stack_check(void) {
    uint64_t left = 0;
    for (const item *i = top; i != NULL && left < 9; i = i->next)
        left++;
    WEAVE_ASSERT(left + x == 2);
}

/* --- a ring of two places ------------------------------------------------------------------------------------------------- */

static uint64_t ring[2];
static void ring_push(void) {
    for (uint64_t i = 0; i < 3; i++) {
        while (i - fh_load(&y, get) == 2)
            fh_pause();
        FH_WRITES(&ring[i % 2], sizeof ring[0]);
        ring[i % 2] = i * 7;
        fh_store(&x, i + 1, put);
    }
}
static void ring_pop(void) {
    for (uint64_t i = 0; i < 3; i++) {
        while (fh_load(&x, get) == i)
            fh_pause();
        FH_READS(&ring[i % 2], sizeof ring[0]);
        WEAVE_ASSERT(ring[i % 2] == i * 7);
        fh_store(&y, i + 1, put);
    }
}
static void ring_push_early(void) { /* the index before the element */
    fh_store(&x, 1, FH_RELEASE);
    FH_WRITES(&ring[0], sizeof ring[0]);
}
static void ring_pop_one(void) {
    if (fh_load(&x, FH_ACQUIRE) == 1)
        FH_READS(&ring[0], sizeof ring[0]);
}

/* --- waiting, and never ending -------------------------------------------------------------------------------------------- */

static void wait_x_set_y(void) {
    while (fh_load(&x, FH_ACQUIRE) == 0)
        fh_pause();
    fh_store(&y, 1, FH_RELEASE);
}
static void wait_y_set_x(void) {
    while (fh_load(&y, FH_ACQUIRE) == 0)
        fh_pause();
    fh_store(&x, 1, FH_RELEASE);
}
static void spin(void) {
    while (fh_load(&x, FH_ACQUIRE) == 0) {
    }
}
static void wait_for_old(void) { /* the store may have come before the first look */
    while (fh_load(&x, FH_RELAXED) != 2)
        fh_pause();
}

/* --- misuse --------------------------------------------------------------------------------------------------------------- */

static union {
    uint64_t all;
    uint32_t half;
} word;
static void half(void) {
    fh_store(&word.half, 1, FH_RELAXED);
}
static void all_of_it(void) {
    fh_store(&word.all, 1, FH_RELAXED);
}
static void whole(void) {
    fh_store(&x, 1, FH_RELAXED);
}
static void plainly(void) {
    fh_store(&x, 1, FH_RELAXED);
    x = 2;
    fh_store(&x, 3, FH_RELAXED);
}
static void reborn(void) { /* an announced plain write begins a new life */
    fh_store(&x, 1, FH_RELAXED);
    FH_WRITES(&x, sizeof x);
    x = 2;
    WEAVE_ASSERT(fh_load(&x, FH_RELAXED) == 2);
}
static int executions;
static void moody(void) {
    if (++executions % 2 == 0)
        fh_store(&y, 1, FH_RELAXED);
    fh_store(&x, 1, FH_RELAXED);
}
static void asserting(void) {
    fh_store(&x, 1, FH_RELAXED);
    FH_ASSERT(fh_load(&y, FH_RELAXED) != 1);
}
static void crashing(void) {
    uint64_t *nothing = fh_load(&handed, FH_ACQUIRE);
    *(volatile uint64_t *)nothing = 1;
}
/* A bug that takes two interruptions: y is seen 1, then 2. */
static void twice(void) {
    fh_store(&y, 1, FH_SEQ_CST);
    fh_store(&y, 0, FH_SEQ_CST);
    fh_store(&y, 2, FH_SEQ_CST);
}
static void twice_look(void) {
    saw[0] = fh_load(&y, FH_SEQ_CST);
    saw[1] = fh_load(&y, FH_SEQ_CST);
    WEAVE_ASSERT(!(saw[0] == 1 && saw[1] == 2));
}

static const weave_test tests[] = {
    {.name = "SB seq_cst", .setup = seq_cst, .threads = {sb_x, sb_y}, .check = sb_check},
    {.name = "SB acq_rel", .setup = acq_rel, .threads = {sb_x, sb_y}, .check = sb_check, .finds = "saw[0] == 1"},
    {.name = "SB fences", .setup = fenced_sc, .threads = {sb_x_fence, sb_y_fence}, .check = sb_check},
    {.name = "SB weak fences", .setup = fenced_acq_rel, .threads = {sb_x_fence, sb_y_fence}, .check = sb_check,
     .finds = "saw[0] == 1"},
    {.name = "SB one fence", .setup = fenced_sc, .threads = {sb_x, sb_y_fence}, .check = sb_check, .finds = "saw[0] == 1"},
    {.name = "SB barrier", .setup = relaxed, .threads = {sb_light, sb_heavy}, .check = sb_check},
    {.name = "SB no barrier", .setup = relaxed, .threads = {sb_light, sb_heavy_own}, .check = sb_check,
     .finds = "saw[0] == 1"},
    {.name = "MP", .setup = acq_rel, .threads = {mp_send, mp_receive}, .weaken = "weave_self.c"},
    {.name = "MP fences", .setup = relaxed, .threads = {mp_send_fence, mp_receive_fence}, .weaken = "weave_self.c"},
    {.name = "MP no acquire", .setup = only_release, .threads = {mp_send, mp_receive}, .finds = "race"},
    {.name = "MP no release", .setup = only_acquire, .threads = {mp_send, mp_receive}, .finds = "race"},
    {.name = "MP fence missing", .setup = relaxed, .threads = {mp_send_fence, mp_receive}, .finds = "race"},
    {.name = "MP atomic", .setup = acq_rel, .threads = {mp_send_atomic, mp_receive_atomic}, .weaken = "weave_self.c"},
    {.name = "MP two receivers", .setup = acq_rel, .threads = {mp_send, mp_receive, mp_receive}, .weaken = "weave_self.c"},
    {.name = "WRC", .setup = acq_rel, .threads = {wrc_first, wrc_second, wrc_third}, .check = wrc_check,
     .weaken = "weave_self.c"},
    {.name = "release sequence", .setup = acq_rel, .threads = {mp_send, sequence_rmw, sequence_receive},
     .weaken = "weave_self.c"},
    {.name = "release sequence broken", .setup = acq_rel, .threads = {mp_send, sequence_store, sequence_receive},
     .finds = "race"},
    {.name = "release sequence of C11", .setup = acq_rel, .threads = {sequence_own_store, sequence_receive}, .finds = "race"},
    {.name = "coherence", .setup = relaxed, .threads = {two_stores, two_loads, two_loads}},
    {.name = "2+2W seq_cst", .setup = seq_cst, .threads = {cross_xy, cross_yx}, .check = cross_check},
    {.name = "2+2W release", .setup = acq_rel, .threads = {cross_xy, cross_yx}, .check = cross_check, .finds = "== 1"},
    {.name = "IRIW seq_cst", .setup = seq_cst, .threads = {iriw_x, iriw_y, iriw_xy, iriw_yx}, .check = iriw_check},
    {.name = "IRIW acq_rel", .setup = acq_rel, .threads = {iriw_x, iriw_y, iriw_xy, iriw_yx}, .check = iriw_check,
     .finds = "saw[0] == 1"},
    {.name = "count", .setup = relaxed, .threads = {count_up, count_up_cas, count_up_cas}, .check = count_check},
    {.name = "count torn", .setup = relaxed, .threads = {count_up, count_up, count_up_torn}, .check = count_check,
     .finds = "== 3"},
    {.name = "narrow", .setup = narrow_start, .threads = {narrow_ops, whole}, .check = narrow_check},
    {.name = "lock", .setup = acq_rel, .threads = {lock_user, lock_user, lock_user}, .check = lock_check,
     .weaken = "weave_self.c"},
    {.name = "lock, exchange", .setup = acq_rel, .threads = {lock_user_exchange, lock_user_exchange},
     .check = lock_check_two, .weaken = "weave_self.c"},
    {.name = "sleeping lock", .setup = futex_right, .threads = {futex_user, futex_user}, .check = lock_check_two,
     .weaken = "weave_self.c"},
    {.name = "sleeping lock of three", .setup = futex_right, .threads = {futex_user, futex_user, futex_user},
     .check = lock_check, .preemptions = 2},
    {.name = "sleeping lock, silent", .setup = futex_right, .threads = {futex_user_silent, futex_user_silent},
     .finds = "every thread waits"},
    {.name = "sleeping lock, trusting", .setup = futex_right, .threads = {futex_user_trusting, futex_user_trusting},
     .finds = "race"},
    {.name = "thread's end", .setup = relaxed, .threads = {ending}, .check = ending_check},
    {.name = "references", .setup = object_right, .threads = {object_user, object_user, object_user},
     .weaken = "weave_self.c"},
    {.name = "references, no release", .setup = object_no_release, .threads = {object_user, object_user, object_user},
     .finds = "race"},
    {.name = "references, no acquire", .setup = object_no_acquire, .threads = {object_user, object_user, object_user},
     .finds = "race"},
    {.name = "references, late use", .setup = object_right, .threads = {object_user_late, object_user_late, object_user_late},
     .finds = "race"},
    {.name = "use after free", .setup = object_right, .threads = {object_end, object_read_late},
     .finds = "used after its end"},
    {.name = "double free", .setup = object_right, .threads = {object_end, object_free_late},
     .finds = "free of what is free already"},
    {.name = "leak", .setup = object_right, .threads = {object_user_lazy, object_user_lazy, object_user_lazy},
     .finds = "never freed"},
    {.name = "double end", .setup = relaxed, .threads = {object_ends, object_ends}, .finds = "used after its end"},
    {.name = "hand over", .setup = hand_right, .threads = {hand_over, hand_take}, .weaken = "weave_self.c"},
    {.name = "hand over relaxed", .setup = hand_wrong, .threads = {hand_over, hand_take}, .finds = "allocation"},
    {.name = "ABA", .setup = stack_start, .threads = {stack_pop, stack_pop_push}, .check = stack_check,
     .finds = "left + x == 2"},
    {.name = "ABA, no comeback", .setup = stack_start, .threads = {stack_pop, stack_pop}, .check = stack_check},
    {.name = "ring", .setup = acq_rel, .threads = {ring_push, ring_pop}, .weaken = "weave_self.c"},
    {.name = "ring, bound 2", .setup = acq_rel, .threads = {ring_push, ring_pop}, .preemptions = 2},
    {.name = "ring, early index", .setup = relaxed, .threads = {ring_push_early, ring_pop_one}, .finds = "race"},
    {.name = "deadlock", .setup = relaxed, .threads = {wait_x_set_y, wait_y_set_x}, .finds = "every thread waits"},
    {.name = "livelock", .setup = relaxed, .threads = {spin}, .finds = "without end"},
    {.name = "waiting for what came before", .setup = relaxed, .threads = {two_stores, wait_for_old}},
    {.name = "mixed sizes", .setup = relaxed, .threads = {half, all_of_it}, .finds = "several sizes"},
    {.name = "plain write", .setup = relaxed, .threads = {plainly}, .finds = "plainly"},
    {.name = "new life", .setup = relaxed, .threads = {reborn}},
    {.name = "not deterministic", .setup = relaxed, .threads = {moody, cross_xy}, .preemptions = 9,
     .finds = "not deterministic"},
    {.name = "assertion", .setup = relaxed, .threads = {asserting, iriw_y}, .finds = "an assertion of the code"},
    {.name = "crash", .setup = hand_right, .threads = {crashing}, .finds = "crashes"},
    {.name = "two interruptions, bound 1", .setup = relaxed, .threads = {twice, twice_look}, .preemptions = 1},
    {.name = "two interruptions, bound 2", .setup = relaxed, .threads = {twice, twice_look}, .preemptions = 2,
     .finds = "saw[0] == 1"},
};

int main(void) {
    return weave_main(tests, sizeof tests / sizeof tests[0]);
}
