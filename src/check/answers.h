/* answers.h: answers that were given before, kept in a folder.
 *
 *     if (!deed_cache_find(cache, task, how, &answer)) … check, and then
 *     FH_TRY(deed_cache_keep(cache, task, how, unit, answer));
 *
 * An answer is found again only if everything that it was made from is as it was: the file and all that it includes, by hash;
 * the arguments; the shape of the output (`how`); deed.toml; this program and its libclang. A new header in a folder that is
 * searched earlier counts too. What does not fit, or was damaged, is no answer.
 *
 * Threading: one thread at a time; several processes may share the folder. Ownership: its arena has all that it refers to. */
#ifndef FH_CHECK_ANSWERS_H
#define FH_CHECK_ANSWERS_H

#include "check/driver.h"

/* A file that was looked at: its hash, or 0 when it is not there. */
typedef struct deed_known {
    fh_span path;
    uint64_t hash;
    fh_or_null struct deed_known *next;
} deed_known;
typedef deed_known *deed_known_ref;
FH_SPAN_DEFINE(deed_known, deed_known_ref);

/* An open folder. Its fields are for answers.c. */
typedef struct deed_cache {
    fh_ref fh_arena *arena;
    const char *folder; /* with a slash behind it */
    uint64_t identity;
    fh_span here;
    fh_deed_knowns files; /* chains */
} deed_cache;

/* Opens the folder, and makes it if it is not there; `settings` is the path of deed.toml, or empty. FH_IO, FH_NOMEM. Valid
 * until: the end of the arena. */
FH_MUST_USE fh_status deed_cache_open(fh_ref fh_arena *arena, fh_ref const char *folder, fh_span settings,
                                      fh_out fh_view(1) deed_cache *out, fh_mut fh_err *err);
/* Appends the answer that is kept for the task; false if there is none that holds. */
FH_MUST_USE bool deed_cache_find(fh_mut deed_cache *cache, fh_ref const deed_task *task, fh_span how, fh_mut fh_buf *answer);
/* Keeps an answer. FH_IO, FH_NOMEM. */
FH_MUST_USE fh_status deed_cache_keep(fh_mut deed_cache *cache, fh_ref const deed_task *task, fh_span how,
                                      fh_ref const deed_unit *unit, fh_span answer);

#endif
