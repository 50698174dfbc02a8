/* ui.h: what the programs here are written against: tensors, queues and locks of an imaginary library. */
#ifndef UI_H
#define UI_H

#define WORD(text) __attribute__((annotate("fh:" text)))
#define fh_owned WORD("owned")
#define fh_owned_or_null WORD("owned_or_null")
#define fh_move WORD("move")
#define fh_drop WORD("drop")
#define fh_ref WORD("ref")
#define fh_mut WORD("mut")
#define fh_out WORD("out")
#define fh_view(...) WORD("view:" #__VA_ARGS__)
#define fh_static WORD("static")
#define fh_send WORD("send")
#define fh_sync WORD("sync")
#define fh_guarded(m) WORD("guarded:" #m)
#define fh_requires(m) WORD("requires:" #m)
#define fh_locks(k) WORD("locks:" #k)
#define fh_unlocks(k) WORD("unlocks:" #k)
#define fh_auto(fn) WORD("auto:" #fn) __attribute__((cleanup(fn)))
#define NULL ((void *)0)

typedef enum fh_code { FH_OK, FH_NOMEM, FH_INVALID } fh_code;
typedef struct fh_status {
    fh_code code;
} fh_status;
#define FH_DONE ((fh_status){FH_OK})
#define FH_STATUS(c) ((fh_status){(c)})
#define FH_TRY(expr)                                            \
    do {                                                        \
        fh_status fh_try_ = (expr);                             \
        if (__builtin_expect(!!(fh_try_.code != FH_OK), 0))     \
            return fh_try_;                                     \
    } while (0)
_Bool fh_failed(fh_status s);

typedef struct tensor tensor;
fh_owned tensor *tensor_new(int n);
fh_owned_or_null tensor *tensor_try(int n);
fh_status tensor_make(int n, fh_owned tensor **out);
void tensor_free(fh_drop tensor *t);
void tensor_clear(fh_drop tensor **t);
int tensor_sum(fh_ref const tensor *t);
void tensor_grow(fh_mut tensor *t, int n);
fh_status tensor_check(fh_ref const tensor *t);
void tensor_add(fh_mut tensor *to, fh_ref const tensor *from);
const char *tensor_name(fh_ref const tensor *t) fh_view(1);
void look(fh_ref const char *text);

typedef struct queue queue;
void queue_push(fh_mut queue *q, fh_move tensor *t);
fh_owned_or_null tensor *queue_pop(fh_mut queue *q);

typedef struct box {
    fh_owned_or_null tensor *inner;
    tensor *plain;
    int n;
} box;
fh_status box_init(fh_owned box *out, int n);
void box_deinit(fh_drop box *b);
int box_sum(fh_ref const box *b);

typedef struct mutex {
    int state;
} mutex;
void mutex_lock(fh_mut mutex *m) fh_locks(1);
void mutex_unlock(fh_mut mutex *m) fh_unlocks(1);
void thread_start(void (*entry)(void *), fh_send void *ctx);
void thread_give(fh_send fh_move tensor *t);

#define fh_view_type WORD("view_type")
typedef struct span {
    const char *at;
    unsigned long size;
} span;
span tensor_bytes(fh_ref const tensor *t) fh_view(1);
void print(span s);
fh_owned box *box_new(int n);
void box_free(fh_drop box *b);
const tensor *box_look(fh_ref const box *b) fh_view(1);
fh_owned_or_null tensor *box_take(fh_mut box *b);
fh_owned queue *queue_new(void);
void queue_free(fh_drop queue *q);
void each(fh_mut queue *q, void (*visit)(void *ctx, fh_ref const tensor *t), fh_mut void *ctx);
_Bool queue_offer(fh_mut queue *q, fh_move tensor **t);

#define FH_UNSAFE(id) _Static_assert(1, "fh:unsafe:" id)

/* A pointer that leads to as many elements as its count says. */
#define fh_counted(...) WORD("counted:" #__VA_ARGS__)
#define fh_or_null WORD("or_null")

#endif
