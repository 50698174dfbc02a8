/* os.h: everything Freehold asks of an operating system, on one page.
 *
 * Only src/os/ calls the system; a platform is one folder there (linux/). All sizes are bytes, all times nanoseconds. A
 * function that can fail returns FH_NOMEM for memory and FH_IO for the rest, with errno's text in `err` where it takes one.
 *
 * Threading: every function may be called from any thread, except where it says otherwise. */
#ifndef FREEHOLD_OS_H
#define FREEHOLD_OS_H

#include "freehold/par.h"
#include "freehold/span.h"
#include "freehold/status.h"

FH_EXTERN_BEGIN

/* --- memory pages ------------------------------------------------------------------------------------------------------- */

/* Size of a page, a power of two. */
FH_API size_t fh_os_page_bytes(void);
/* Reserves address space without memory; size_bytes is a multiple of the page size. */
FH_FALLIBLE fh_os_reserve(size_t size_bytes, fh_out void **out);
/* Makes [at, at + size) of a reservation readable and writable, zeroed on first touch. */
FH_FALLIBLE fh_os_commit(fh_mut void *at, size_t size_bytes);
/* Gives the memory of a committed range back; the range reads as zeros afterwards. */
FH_FALLIBLE fh_os_decommit(fh_mut void *at, size_t size_bytes);
/* Makes a range trap again and gives its memory back: the opposite of commit. */
FH_FALLIBLE fh_os_forbid(fh_mut void *at, size_t size_bytes);
/* Ends a whole reservation. */
FH_API void fh_os_release(fh_drop void *at, size_t size_bytes);
/* Asks for huge pages on a range; a hint. */
FH_API void fh_os_prefer_huge(fh_mut void *at, size_t size_bytes);

/* --- files -------------------------------------------------------------------------------------------------------------- */

/* A read-only mapping of a whole regular file. While it is open, `bytes` stays readable even if another process truncates the
 * file: a read past the new end gives zeros and sets the mapping's lost flag. Bytes that another process overwrites do change:
 * read a number once, check it, and use the checked copy.
 *
 * A mapping installs a handler of SIGBUS for the process; a fault in other memory goes on to the handler that was there before,
 * or to the default action. */
typedef struct fh_os_map {
    fh_span bytes;
    uint64_t id; /* 0: no mapping */
} fh_os_map;

/* Maps a file. Refuses with FH_IO what is not a regular file (a directory, a device, a pipe), and with FH_EXHAUSTED the 65th
 * mapping that is open at a time; an empty file gives an empty span. */
FH_FALLIBLE fh_os_map_open(fh_ref const char *path, fh_owned fh_os_map *out, fh_mut fh_err *err);
/* True once a page of the mapping was lost (see fh_os_map), or the file is shorter than it was. */
FH_API bool fh_os_map_lost(fh_os_map map);
/* Unmaps; an empty map is allowed. */
FH_API void fh_os_map_close(fh_drop fh_os_map *map);

/* What is at a path, symbolic links followed. Two paths lead to the same thing exactly if `device` and `number` are equal. */
typedef enum fh_os_kind { FH_OS_FILE, FH_OS_FOLDER, FH_OS_OTHER } fh_os_kind;
typedef struct fh_os_thing {
    fh_os_kind kind;
    uint64_t size_bytes; /* of a file; else 0 */
    uint64_t device, number;
} fh_os_thing;
FH_FALLIBLE fh_os_look(fh_ref const char *path, fh_out fh_os_thing *out, fh_mut fh_err *err);

/* The names in a folder, in no order, without those of itself and of the folder above. */
typedef struct fh_os_folder fh_os_folder;
FH_FALLIBLE fh_os_folder_open(fh_ref const char *path, fh_owned fh_os_folder **out, fh_mut fh_err *err);
/* The next one; FH_END when there is none. Valid until: the next call for this folder. */
FH_FALLIBLE fh_os_folder_next(fh_mut fh_os_folder *f, fh_out fh_view(1) fh_span *name, fh_mut fh_err *err);
/* NULL is allowed. */
FH_API void fh_os_folder_close(fh_drop fh_os_folder *f);

/* Opened for writing, appearing under its name only at fh_os_writer_commit (written beside it, synced, renamed). */
typedef struct fh_os_writer fh_os_writer;
/* Refuses to replace what is not a regular file: FH_IO; a path that does not end in a file name, or of 4096 bytes and more:
 * FH_INVALID. */
FH_FALLIBLE fh_os_writer_open(fh_ref const char *path, fh_owned fh_os_writer **out, fh_mut fh_err *err);
/* Appends all bytes. */
FH_FALLIBLE fh_os_writer_put(fh_mut fh_os_writer *w, fh_span bytes, fh_mut fh_err *err);
/* Syncs, renames into place and closes; *w becomes NULL. On failure the target is untouched, except where the report says that
 * the directory could not be synced: then the file is in place, but might not outlast a loss of power. */
FH_FALLIBLE fh_os_writer_commit(fh_move fh_os_writer **w, fh_mut fh_err *err);
/* Drops what was written; NULL is allowed. */
FH_API void fh_os_writer_close(fh_drop fh_os_writer *w);

/* Reads up to out.size bytes from a descriptor; *got is 0 at the end. FH_CANCELED when interrupted (see
 * fh_os_interrupt_watch). */
FH_FALLIBLE fh_os_read(int fd, fh_mspan out, fh_out size_t *got);
/* Writes all bytes to a descriptor. A pipe that nobody reads any more is FH_END, never a signal. */
FH_FALLIBLE fh_os_write(int fd, fh_span bytes);
/* True for a terminal. */
FH_API bool fh_os_is_terminal(int fd);
/* Puts something that can neither be read nor written in the place of each standard stream that the process was started
 * without, so that no file that is opened later is taken for one. Before any file is opened, on the only thread. */
FH_FALLIBLE fh_os_hold_streams(void);

/* --- time, randomness, processor, process --------------------------------------------------------------------------------- */

/* Monotonic clock in nanoseconds. */
FH_API uint64_t fh_os_clock_ns(void);
/* 64 random bits from the system. */
FH_API uint64_t fh_os_random(void);
/* Processors that this process may use (affinity mask and cgroup quota), at least 1. */
FH_API unsigned fh_os_cpus(void);
/* The process's number: another one in a child. */
FH_API uint64_t fh_os_process(void);
/* Largest resident set so far, in bytes; 0 where unknown. */
FH_API uint64_t fh_os_memory_peak(void);
/* The value of an environment variable, or NULL. Valid until: the environment changes. */
FH_API fh_static fh_or_null const char *fh_os_env(fh_ref const char *name);
/* Word `i` of the command line that main was given; NULL when there are not so many. Valid until: the program ends. */
FH_API fh_static fh_or_null const char *fh_os_argument(int argc, char *const *argv, size_t i);

/* Starts to count interrupts (Ctrl-C): the first is counted, the second within one second ends the process. Main thread,
 * once. */
FH_API void fh_os_interrupt_watch(void);
/* Interrupts counted so far. */
FH_API unsigned fh_os_interrupts(void);

/* Sets the calling thread's floating-point state to the fixed one: round to nearest, no FTZ, no DAZ. */
FH_API void fh_os_float_state(void);

/* --- waiting for other threads ------------------------------------------------------------------------------------------- */

/* Sleeps until fh_os_wake on the word, unless it holds another number than `seen` already. It may also return for no reason:
 * the caller looks at the word and comes again. The word is aligned and lives until nobody waits at it. True if a signal ended
 * the sleep, whether its handler has calls begin anew (SA_RESTART) or not. */
FH_API bool fh_os_wait(fh_ref const uint32_t *word, uint32_t seen);
/* The same, but no longer than about time_ns. */
FH_API bool fh_os_wait_for(fh_ref const uint32_t *word, uint32_t seen, uint64_t time_ns);
/* Wakes up to `count` threads that sleep at the word. Change the word first. */
FH_API void fh_os_wake(fh_ref const uint32_t *word, unsigned count);
/* Sleeps for at least `time_ns`, or until a signal: for a wait that nobody announces the end of. */
FH_API void fh_os_nap(uint64_t time_ns);

/* --- barriers ------------------------------------------------------------------------------------------------------------- */

/* Says that this process will call fh_os_barrier_all. FH_UNSUPPORTED where the system has no such call. */
FH_FALLIBLE fh_os_barrier_enable(void);
/* A full memory barrier in every running thread of the process at some moment of the call: what a thread did before its
 * moment is visible to the caller afterwards, and what it does after it sees what the caller did before. So the other threads
 * need only keep the compiler in order (fh_fence_compiler). It costs them an interrupt and the caller microseconds. Ends the
 * program where fh_os_barrier_enable has not succeeded. */
FH_API void fh_os_barrier_all(void);

/* --- threads that end ----------------------------------------------------------------------------------------------------- */

/* Something to do when a thread ends. It lies in the caller's own storage, zeroed but for `fn`. */
typedef struct fh_os_exit {
    void (*fn)(struct fh_os_exit *self);
    struct fh_os_exit *next, **link; /* the list's own; link is NULL while it is on none */
} fh_os_exit;
/* Calls e->fn(e) when the calling thread returns from its function or calls pthread_exit; not when the process ends. The last
 * added comes first, and one runs at a time in the whole process, so fn is short and calls neither of these two. FH_NOMEM.
 * Valid until: fn is called, or fh_os_exit_remove. */
FH_FALLIBLE fh_os_exit_add(fh_mut fh_os_exit *e);
/* Takes it back, from any thread; when it returns, fn is over or will never be called. Nothing happens if it is on no list. */
FH_API void fh_os_exit_remove(fh_mut fh_os_exit *e);

/* --- a thread ------------------------------------------------------------------------------------------------------------ */

/* A thread that runs one function. */
typedef struct fh_os_thread fh_os_thread;
/* Starts it: run(ctx). What ctx leads to has to outlive fh_os_thread_join, and is of a type that threads may share. FH_NOMEM
 * when the system has no thread left. */
FH_FALLIBLE fh_os_thread_start(void (*run)(fh_mut fh_view(1) void *ctx), fh_ref void *ctx, fh_owned fh_os_thread **out);
/* Waits for its end; NULL is allowed. */
FH_API void fh_os_thread_join(fh_drop fh_os_thread *t);

/* --- a team of threads behind fh_par -------------------------------------------------------------------------------------- */

/* Worker threads that sleep between jobs. The caller runs part 0, and then, like every worker that is awake, whatever part
 * nobody has begun: a worker that the system has put aside is not waited for. Waiting is a spin of a few microseconds and then
 * a sleep; there is no spin where the threads outnumber the processors. A team does not survive fork. */
typedef struct fh_team fh_team;
/* `threads` counts the caller, 1 to 256; 0 means fh_os_cpus(). FH_INVALID above that; FH_NOMEM when a thread cannot be
 * started. */
FH_FALLIBLE fh_team_new(unsigned threads, fh_owned fh_team **out);
/* Ends the threads; NULL is allowed. */
FH_API void fh_team_free(fh_drop fh_team *team);
/* The team as parallel-for. Valid until: the team is freed. */
FH_API fh_ref const fh_par *fh_team_par(fh_ref fh_team *team) fh_view(1);

FH_EXTERN_END
#endif
