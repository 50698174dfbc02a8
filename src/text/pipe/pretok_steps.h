/* pretok_steps.h: what a pre-tokenizer is made of, for the two files that read and run it. A Sequence is its steps in a row:
 * a chain from the last to the first.
 * Threading: as pretokenizer.h. */
#ifndef FH_TEXT_PIPE_PRETOK_STEPS_H
#define FH_TEXT_PIPE_PRETOK_STEPS_H

#include "text/pipe/kinds.h"
#include "text/pipe/pretokenizer.h"

/* When Metaspace puts its mark before a text that does not begin with one. */
typedef enum fh_scheme { FH_SCHEME_FIRST, FH_SCHEME_NEVER, FH_SCHEME_ALWAYS, FH_SCHEME_COUNT } fh_scheme;

typedef enum fh_step_kind {
    FH_STEP_KINDS,      /* kinds: each stretch is a piece */
    FH_STEP_PUNCT,      /* punctuation with a behaviour that joins */
    FH_STEP_SCAN,       /* scan: each stretch is a piece */
    FH_STEP_SPLIT,      /* regex, behavior, invert */
    FH_STEP_BYTE_LEVEL, /* prefix, cuts */
    FH_STEP_METASPACE,  /* mark, scheme, cuts */
    FH_STEP_FIXED,      /* length */
    FH_STEP_SCRIPTS
} fh_step_kind;

typedef struct fh_step fh_step;
struct fh_step {
    fh_owned_or_null fh_step *before;
    fh_step_kind kind;
    fh_kinds kinds;
    fh_scan scan;
    fh_owned_or_null fh_regex *regex;
    fh_behavior behavior;
    bool invert, prefix, cuts;
    fh_scheme scheme;
    uint32_t mark;
    uint64_t length;
};

struct fh_pretokenizer {
    fh_ref fh_allocator *allocator;
    fh_owned_or_null fh_step *last;
    size_t count;
    fh_owned fh_buf json; /* its text, to be written again */
};

#endif
