/* good_keep.c: accepted without a finding: borrows that are kept, and changes that spare them. */
#include "../ui.h"

typedef struct text {
    fh_ref const char *at;
    int size;
} text;

typedef struct reader {
    fh_ref tensor *from;
    text word;
    int n, m;
} reader;

text text_of(fh_ref const tensor *t);
fh_status text_cut(text from, int n, fh_out text *out);

/* The reader looks into the tensor as long as it lives, and says so. */
void reader_init(fh_out fh_view(2) reader *r, fh_ref tensor *t);
void reader_init(fh_out fh_view(2) reader *r, fh_ref tensor *t) {
    *r = (reader){.from = t, .n = 1};
}

void count(fh_mut int *n);
void read_on(fh_mut reader *r);

/* An owner that looks into another value is dropped before that is changed. */
fh_owned reader *reader_new(fh_ref tensor *t) fh_view(1);
void reader_free(fh_drop reader *r);

int owner_that_looks(int n) {
    tensor *t = tensor_new(n);
    reader *r = reader_new(t);
    read_on(r);
    reader_free(r);
    tensor_grow(t, n);
    int sum = tensor_sum(t);
    tensor_free(t);
    return sum;
}

/* A change through a borrow spares that borrow, the one it came from, and its neighbours in other fields. */
int through(fh_mut reader *r) {
    reader *same = r;
    int *n = &same->n, *m = &same->m;
    count(n);
    count(m);
    count(n);
    read_on(same);
    return same->n;
}

/* A result without a word looks into what was lent. */
static text first_of(text from) {
    text out;
    return fh_failed(text_cut(from, 1, &out)) ? from : out;
}

void use_first(fh_ref const tensor *t) {
    text word = first_of(text_of(t));
    look(word.at);
}

/* A handle is a number: a copy of it is nobody's. */
typedef struct ticket {
    unsigned long value;
} ticket;
fh_status ticket_open(fh_owned ticket *out);
void ticket_close(fh_drop ticket t);
int ticket_row(ticket t);
typedef struct row {
    ticket of;
    int n;
} row;
void row_take(row r);

fh_status with_ticket(int n) {
    ticket t;
    FH_TRY(ticket_open(&t));
    row r = {.of = t, .n = n};
    row_take(r);
    int at = ticket_row(t);
    ticket_close(t);
    return at > 0 ? FH_DONE : FH_STATUS(FH_INVALID);
}

/* A refused gift stays: the status says which. */
fh_status tensor_give(fh_mut queue *q, fh_move tensor **t);
fh_status give(fh_mut queue *q, int n) {
    tensor *t = tensor_new(n);
    fh_status s = tensor_give(q, &t);
    if (fh_failed(s))
        tensor_free(t);
    return s;
}

/* Atomic operations read and write their places. */
typedef struct counter {
    unsigned value;
} counter;
unsigned tick(fh_mut counter *c) {
    unsigned was = __atomic_fetch_add(&c->value, 1, __ATOMIC_RELAXED);
    __atomic_store_n(&c->value, was + 2, __ATOMIC_RELEASE);
    return __atomic_load_n(&c->value, __ATOMIC_ACQUIRE);
}
