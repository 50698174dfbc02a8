/* texts.h: the files that a verb reads where folders may be named, too.
 *
 *     fh_auto(fh_texts_deinit) fh_texts t;
 *     fh_texts_init(&t, heap);
 *     FH_TRY(fh_texts_find(&t, names, 64 << 20, err));
 *     for (size_t i = 0; i < fh_texts_count(&t); i++)
 *         path = fh_texts_at(&t, i);
 *
 * The order is that of the names given, and in a folder that of the bytes of its names. A thing is found once, whatever leads
 * to it: links cannot make a circle, nor a file come twice. What is passed over is counted by its reason; what was named is
 * not passed over for a missing permission or because it is hidden. Threading: the main thread. */
#ifndef FREEHOLD_APPS_TEXTS_H
#define FREEHOLD_APPS_TEXTS_H

#include "apps/cli.h"
#include "freehold/tokenizer.h"
#include "index/idmap.h"

/* Why something is not read. */
typedef enum fh_passed {
    FH_PASSED_HIDDEN,     /* its name begins with a dot */
    FH_PASSED_EMPTY,
    FH_PASSED_LONG,       /* more bytes than wanted */
    FH_PASSED_BINARY,     /* a zero byte, or no UTF-8: found by who reads it (fh_texts_is_text) */
    FH_PASSED_AGAIN,      /* found before by another name */
    FH_PASSED_OTHER,      /* neither a file nor a folder */
    FH_PASSED_UNREADABLE, /* no permission, or a link to nothing */
    FH_PASSED_DEEP,       /* a path of FH_PATH_MAX bytes or more */
    FH_PASSED_COUNT
} fh_passed;
/* "hidden", "binary" … */
fh_static const char *fh_passed_name(fh_passed reason);

/* What was found. */
typedef struct fh_texts {
    fh_ref fh_allocator *heap;
    fh_owned fh_buf paths; /* each ends in NUL */
    fh_owned fh_ids at;    /* where each begins */
    uint64_t bytes;        /* of all files */
    uint64_t passed[FH_PASSED_COUNT];
    fh_owned fh_idmap met; /* files and folders, by a hash of their numbers: of a million, two are taken for one once in 10^7 */
} fh_texts;

void fh_texts_init(fh_owned fh_view(2) fh_texts *t, fh_ref fh_allocator *heap);
void fh_texts_deinit(fh_drop fh_texts *t);
/* Finds the files that `names` are, or that are in those folders and the folders in them, of up to bytes_max bytes. FH_IO: a
 * name leads to nothing; FH_CANCELED (Ctrl-C); FH_LIMIT (4 GiB of paths); FH_NOMEM. */
FH_MUST_USE fh_status fh_texts_find(fh_mut fh_texts *t, fh_views names, uint64_t bytes_max, fh_mut fh_err *err);
size_t fh_texts_count(fh_ref const fh_texts *t);
/* Path i < count. Valid until: the next change. */
fh_span fh_texts_at(fh_ref const fh_texts *t, size_t i) fh_view(1);
/* True for UTF-8 without a zero byte. */
FH_MUST_USE bool fh_texts_is_text(fh_span bytes);

#endif
