/* status.h: results of fallible functions, error reports, and assertions.
 *
 *     fh_status load(const char *path, fh_err *err) {
 *         FH_TRY(fh_os_map_open(path, &map, err));     forwards a failure
 *         if (map.bytes.size < 24)
 *             return fh_fail(err, FH_CORRUPT, 0, "file has %zu bytes, expected at least 24", map.bytes.size);
 *         return FH_DONE;
 *     }
 *
 * A status is a struct of one field, because an enum converts silently to and from int. Boundary functions (open, load,
 * parse, configure) also fill an `fh_err`, whose first writer wins; a NULL `fh_err` means that the caller does not care.
 * A function that fails leaves its subject unchanged and its pointer outputs NULL, or its comment says what it does instead.
 *
 * Threading: values; an `fh_err` belongs to one thread. */
#ifndef FREEHOLD_STATUS_H
#define FREEHOLD_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "freehold/attrs.h"

FH_EXTERN_BEGIN

/* Every code with its class and its text. Classes: PROGRESS (not a failure: come again, or no more), REFUSAL (the request
 * or the data is at fault), SYSTEM (the operating system said no). */
#define FH_CODES(X)                                                                     \
    X(OK, PROGRESS, "ok")                                                               \
    X(AGAIN, PROGRESS, "not ready, call again")                                         \
    X(END, PROGRESS, "no more data")                                                    \
    X(INVALID, REFUSAL, "invalid argument or option")                                   \
    X(LIMIT, REFUSAL, "over a stated limit")                                            \
    X(NOMEM, REFUSAL, "out of memory")                                                  \
    X(CORRUPT, REFUSAL, "malformed data")                                               \
    X(UNSUPPORTED, REFUSAL, "not supported")                                            \
    X(NOT_FOUND, REFUSAL, "not found")                                                  \
    X(STALE, REFUSAL, "handle to something that no longer exists")                      \
    X(DOUBLE_FREE, REFUSAL, "already released")                                         \
    X(WRONG_POOL, REFUSAL, "handle of another pool")                                    \
    X(WRONG_THREAD, REFUSAL, "belongs to another thread")                               \
    X(OVERWRITTEN, REFUSAL, "memory was written after its release")                     \
    X(BORROWED, REFUSAL, "in use by a borrower")                                        \
    X(EXHAUSTED, REFUSAL, "capacity exhausted")                                         \
    X(CANCELED, REFUSAL, "canceled")                                                    \
    X(TIMEOUT, REFUSAL, "timed out")                                                    \
    X(ROUTE_NAN, REFUSAL, "router logit is not a number")                               \
    X(NOT_FINITE, REFUSAL, "logit is not a finite number")                              \
    X(IO, SYSTEM, "input/output error")

/* The codes of FH_CODES as numbers. */
#define FH_CODE_ENUM(name, cls, text) FH_##name,
typedef enum fh_code { FH_CODES(FH_CODE_ENUM) FH_CODE_COUNT } fh_code;
#undef FH_CODE_ENUM

/* The classes of FH_CODES. */
typedef enum fh_class { FH_CLASS_PROGRESS, FH_CLASS_REFUSAL, FH_CLASS_SYSTEM } fh_class;

/* The result of a fallible function. */
typedef struct fh_status {
    fh_code code;
} fh_status;

/* Marks a function whose status must be looked at. */
#define FH_FALLIBLE FH_MUST_USE FH_API fh_status

/* Success. */
#define FH_DONE ((fh_status){FH_OK})
/* A status of the given code, without a report. */
#define FH_STATUS(c) ((fh_status){(c)})
/* Forwards anything but success to the caller. */
#define FH_TRY(expr)                                \
    do {                                            \
        fh_status fh_try_ = (expr);                 \
        if (FH_UNLIKELY(fh_try_.code != FH_OK))     \
            return fh_try_;                         \
    } while (0)

/* True for anything but FH_OK. */
static inline bool fh_failed(fh_status s) {
    return s.code != FH_OK;
}

enum { FH_ERR_MESSAGE_BYTES = 400 };

/* What went wrong, where: `offset_bytes` is the place in the input, or FH_NO_OFFSET. `message` is NUL-terminated printable
 * ASCII and UTF-8 without control characters: what comes from a file is escaped, so it can be printed on a terminal. */
typedef struct fh_err {
    fh_code code;
    uint64_t offset_bytes;
    char message[FH_ERR_MESSAGE_BYTES];
} fh_err;

#define FH_NO_OFFSET UINT64_MAX

/* Returns the short text of a code, never NULL. */
FH_API fh_static const char *fh_code_text(fh_code code);
/* Returns the name of a code as written in the source, such as "FH_CORRUPT". */
FH_API fh_static const char *fh_code_name(fh_code code);
/* Returns the class of a code. */
FH_API fh_class fh_code_class(fh_code code);

/* Sets *err to "no error". NULL is allowed. */
FH_API void fh_err_clear(fh_out fh_err *err);
/* Reports a failure: fills *err unless it already holds one (or is NULL) and returns `code` as a status. Control characters in
 * the formatted text come out as \xNN; a text too long is cut. */
/*@ requires code != FH_OK; assigns *err; ensures \result.code == code; */
FH_FALLIBLE fh_fail(fh_mut fh_err *err, fh_code code, uint64_t offset_bytes, const char *format, ...) FH_PRINTF(4, 5);

/* Ends the program with the place and the condition on standard error. Only FH_ASSERT calls it. */
/*@ assigns \nothing; ensures \false; */
FH_NORETURN FH_API void fh_assert_fail(const char *condition, const char *file, int line, uint64_t a, uint64_t b);

/* Checks a programmer's error, O(1), in every build. Input from files, sockets and bindings is never asserted but refused. */
#define FH_ASSERT(cond)                                                    \
    do {                                                                   \
        if (FH_UNLIKELY(!(cond)))                                          \
            fh_assert_fail(#cond, __FILE__, __LINE__, 0, 0);               \
    } while (0)

FH_EXTERN_END
#endif
