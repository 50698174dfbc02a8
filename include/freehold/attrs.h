/* attrs.h: compiler attributes and the ownership words of the Freehold dialect.
 *
 * The ownership words say who owns what a pointer, handle or span refers to. They expand to nothing for an ordinary
 * compiler. The checker `deed` compiles with FH_DEED defined and finds them as annotations. docs/SAFETY.md gives their rules.
 *
 *     fh_owned fh_buf *fh_buf_new(fh_allocator *a);      the caller owns the result
 *     void fh_buf_free(fh_drop fh_buf *buf);             the call ends the object's life
 *     fh_span fh_buf_view(fh_ref const fh_buf *buf) fh_view(1);  valid while argument 1 lives unchanged
 *
 * Threading: macros only. */
#ifndef FREEHOLD_ATTRS_H
#define FREEHOLD_ATTRS_H

#if defined(__GNUC__) || defined(__clang__)
#define FH_ATTR(...) __attribute__((__VA_ARGS__))
#else
#define FH_ATTR(...)
#endif

/* The result must be looked at. */
#define FH_MUST_USE FH_ATTR(warn_unused_result)
/* Printf-style format check; `fmt` and `first` count arguments from 1. */
#define FH_PRINTF(fmt, first) FH_ATTR(format(printf, fmt, first))
/* Visible outside the shared library; all else is hidden. */
#define FH_API FH_ATTR(visibility("default"))
#define FH_NORETURN FH_ATTR(noreturn)
#define FH_UNUSED FH_ATTR(unused)
/* A function in a header whose arguments decide what is left of it. */
#define FH_ALWAYS_INLINE FH_ATTR(always_inline) FH_UNUSED static inline
#define FH_LIKELY(x) __builtin_expect(!!(x), 1)
#define FH_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* Ownership words (see the file comment). They stand before the parameter, field, type or function that they speak of; those
 * with an argument may also stand behind a function's parameters. */
#ifdef FH_DEED
#define FH_WORD(text) __attribute__((annotate("fh:" text)))
#else
#define FH_WORD(text)
#endif
#define fh_owned FH_WORD("owned")                 /* result or out-parameter: the receiver owns it and must drop it */
#define fh_owned_or_null FH_WORD("owned_or_null") /* the same, or NULL */
#define fh_move FH_WORD("move")                   /* argument: the callee takes over */
#define fh_drop FH_WORD("drop")                   /* argument: the callee ends its life; NULL is allowed */
#define fh_ref FH_WORD("ref")                     /* argument: shared borrow for the length of the call */
#define fh_mut FH_WORD("mut")                     /* argument: exclusive borrow for the length of the call */
#define fh_out FH_WORD("out")                     /* argument: written before a successful return */
#define fh_view(...) FH_WORD("view:" #__VA_ARGS__) /* result: valid while these arguments live and are not changed */
#define fh_static FH_WORD("static")               /* result: lives as long as the program */
#define fh_send FH_WORD("send")                   /* argument: crosses to another thread */
#define fh_sync FH_WORD("sync")                   /* type: threads may share its values */
#define fh_view_type FH_WORD("view_type")         /* type: its values are views */
#define fh_guarded(m) FH_WORD("guarded:" #m)      /* field: used only with the lock in the field m held */
#define fh_requires(m) FH_WORD("requires:" #m)    /* function: called only with the lock m held, such as pool->lock */
#define fh_locks(k) FH_WORD("locks:" #k)          /* function: takes the lock that is argument k */
#define fh_unlocks(k) FH_WORD("unlocks:" #k)      /* function: gives the lock that is argument k back */

/* Calls `fn(&variable)` when the variable goes out of scope. */
#define fh_auto(fn) FH_WORD("auto:" #fn) FH_ATTR(cleanup(fn))

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FH_HAS_TSAN 1
#endif
#endif

/* Opens a region that breaks the dialect's rules under the invariant named by `id` (docs/UNSAFE.md lists every id). */
#define FH_UNSAFE(id) /* id */

#ifdef __cplusplus
#define FH_EXTERN_BEGIN extern "C" {
#define FH_EXTERN_END }
#else
#define FH_EXTERN_BEGIN
#define FH_EXTERN_END
#endif

#endif
