/* term.h: the only way out: text to standard output and standard error, styles, progress, and numbers for people.
 *
 *     FH_SAY(&app->err, "%s tokens\n", fh_word_count(n).text);
 *     fh_term_flush(&app->err);
 *
 * A term gathers text and hands it to a sink. Its first failure (a closed pipe, no memory) is kept in `status` and silences
 * it, so that printing needs no check on every line; whoever ends a verb looks at the status once.
 *
 * Threading: one thread. */
#ifndef FREEHOLD_APPS_TERM_H
#define FREEHOLD_APPS_TERM_H

#include "freehold/buf.h"
#include "freehold/gguf.h"

/* A stream of text. */
typedef struct fh_term {
    fh_sink sink;         /* of fh_term_init */
    int fd;               /* of fh_term_init_fd; else -1 */
    fh_owned fh_buf text; /* not yet handed on */
    fh_status status;     /* the first failure */
    bool terminal;        /* a person looks at it */
    bool colour;          /* terminal, and colours are wanted */
} fh_term;

/* A stream into a sink; neither terminal nor colour. */
void fh_term_init(fh_out fh_view(2, 3) fh_term *t, fh_ref fh_allocator *a, fh_sink sink);
/* A stream into a file descriptor. Colours where it is a terminal, NO_COLOR is unset or empty (no-color.org) and TERM is
 * not "dumb". */
void fh_term_init_fd(fh_out fh_view(2) fh_term *t, fh_ref fh_allocator *a, int fd);
/* Hands on what is gathered. */
void fh_term_flush(fh_mut fh_term *t);
/* Flushes and gives the memory back; the term stays usable. */
void fh_term_rest(fh_mut fh_term *t);

/* Notes the result of a call that appended to t->text; hands on once much is gathered. */
void fh_term_keep(fh_mut fh_term *t, fh_status status);
/* Appends formatted text. */
#define FH_SAY(t, ...) fh_term_keep((t), fh_buf_format(&(t)->text, __VA_ARGS__))
/* Appends bytes as they are. */
void fh_term_put(fh_mut fh_term *t, fh_span bytes);
/* Hands on what a buffer holds, once that is much; it is empty then. */
void fh_term_drain(fh_mut fh_term *t, fh_mut fh_buf *from);
/* Appends text from a file or a model so that it cannot steer a terminal: control characters, bad UTF-8 and direction
 * overrides come out as \xNN or \u{NNNN}. `lines` lets tabs and newlines through. At most `columns` code points (0 = all),
 * then an ellipsis. Returns the number of columns used, counting one each code point. */
size_t fh_term_put_safe(fh_mut fh_term *t, fh_span text, bool lines, size_t columns);
/* Appends `count` times one byte. */
void fh_term_fill(fh_mut fh_term *t, char byte, size_t count);

typedef enum fh_style { FH_PLAIN, FH_BOLD, FH_DIM, FH_RED, FH_CYAN, FH_PIECE_A, FH_PIECE_B, FH_STYLE_COUNT } fh_style;
/* The escape sequence of a style, or "" where t has no colour. */
fh_static const char *fh_term_style(fh_ref const fh_term *t, fh_style style);

/* A bar that redraws itself on a terminal, at most 20 times a second and not before the work took 0.2 s. Elsewhere it is
 * silent. */
typedef struct fh_progress {
    fh_term *term;
    const char *label;
    bool bytes; /* counts are bytes */
    uint64_t since_ns, shown_ns;
} fh_progress;
/* Begins. */
fh_progress fh_progress_begin(fh_mut fh_term *t, fh_ref const char *label, bool bytes) fh_view(1, 2);
/* Shows the empty bar at once: the first step is known to be long. */
void fh_progress_now(fh_mut fh_progress *p, uint64_t total);
/* Shows that `done` of `total` is done. */
void fh_progress_show(fh_mut fh_progress *p, uint64_t done, uint64_t total);
/* Takes the bar off the screen. */
void fh_progress_end(fh_mut fh_progress *p);

/* A short text by value. */
typedef struct fh_word {
    char text[32];
} fh_word;
/* "17 bytes", "1.2 MiB". */
fh_word fh_word_bytes(uint64_t bytes);
/* "1185376". */
fh_word fh_word_plain(uint64_t count);
/* "1,185,376". */
fh_word fh_word_count(uint64_t count);
/* "260 K", "1.10 B": three digits, thousands by K M B T. */
fh_word fh_word_short(uint64_t count);
/* "3.1 %" of part in whole. */
fh_word fh_word_share(uint64_t part, uint64_t whole);

#endif
