/* deed.h: the ownership words that the checker `deed` reads. This header needs no other: copy it into any project.
 *
 * The words say who owns what a pointer refers to. They expand to nothing for an ordinary compiler; deed compiles with FH_DEED
 * defined and finds them as annotations.
 *
 *     fh_owned_or_null text *text_new(size_t room);            the caller owns the result, and must drop it
 *     void text_free(fh_drop text *t);                         the call ends the life of what it is given
 *     void list_push(fh_mut list *l, fh_move text *t);         the list takes over
 *     const char *text_view(fh_ref const text *t) fh_view(1);  valid while argument 1 lives and is not changed
 *
 * They stand before the parameter, field, type or function that they speak of; those with an argument may also stand behind a
 * function's parameters. `deed explain` has the rules with examples.
 *
 * Threading: macros only. */
#ifndef FREEHOLD_DEED_H
#define FREEHOLD_DEED_H

#if defined(__GNUC__) || defined(__clang__)
#define FH_ATTR(...) __attribute__((__VA_ARGS__))
#else
#define FH_ATTR(...)
#endif

#ifdef FH_DEED
#define FH_WORD(text) __attribute__((annotate("fh:" text)))
#else
#define FH_WORD(text)
#endif
#define fh_owned FH_WORD("owned")                 /* result or out-parameter: the receiver owns it and must drop it */
#define fh_owned_or_null FH_WORD("owned_or_null") /* the same, or NULL */
#define fh_or_null FH_WORD("or_null")             /* pointer: it may be NULL, and is compared with that before it is used */
#define fh_move FH_WORD("move")                   /* argument: the callee takes over */
#define fh_drop FH_WORD("drop")                   /* argument: the callee ends its life; NULL is allowed */
#define fh_ref FH_WORD("ref")                     /* argument: shared borrow for the length of the call */
#define fh_mut FH_WORD("mut")                     /* argument: exclusive borrow for the length of the call */
#define fh_out FH_WORD("out")                     /* argument: written before a successful return */
#define fh_view(...) FH_WORD("view:" #__VA_ARGS__) /* result: valid while these arguments live and are not changed;
                                                      *1: while what lies behind the borrows in argument 1 does */
#define fh_static FH_WORD("static")               /* result: lives as long as the program */
#define fh_send FH_WORD("send")                   /* argument: crosses to another thread */
#define fh_sync FH_WORD("sync")                   /* type: threads may share its values */
#define fh_view_type FH_WORD("view_type")         /* type: its values are views */
#define fh_counted(...) FH_WORD("counted:" #__VA_ARGS__) /* pointer: leads to so many elements; a field's count is a field
                                                            beside it, an argument's or a result's an argument */
#define fh_guarded(m) FH_WORD("guarded:" #m)      /* field: used only with the lock in the field m held */
#define fh_requires(m) FH_WORD("requires:" #m)    /* function: called only with the lock m held, such as pool->lock */
#define fh_locks(k) FH_WORD("locks:" #k)          /* function: takes the lock that is argument k */
#define fh_unlocks(k) FH_WORD("unlocks:" #k)      /* function: gives the lock that is argument k back */

/* Calls `fn(&variable)` when the variable goes out of scope. */
#define fh_auto(fn) FH_WORD("auto:" #fn) FH_ATTR(cleanup(fn))

/* A statement that opens a region, up to the end of its block, where raw memory may be touched; `id` names the invariant that
 * keeps it right. Audited files only, and they touch raw memory nowhere else. `deed audit` counts the regions. In Freehold,
 * docs/UNSAFE.md explains every id. */
#ifdef FH_DEED
#define FH_UNSAFE(id) _Static_assert(1, "fh:unsafe:" id)
#else
#define FH_UNSAFE(id) /* id */
#endif

#endif
