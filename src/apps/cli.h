/* cli.h: one table of options for each verb, from which its arguments are parsed and its help is printed.
 *
 *     fh_cli_option options[] = {
 *         {.letter = 'n', .name = "--tokens", .kind = FH_CLI_NUMBER, .value = "N", .to.number = &n, .max = 99},
 *     };
 *     fh_cli cli = {.verb = "run", .options = {options, 1}, …};
 *     FH_TRY(fh_cli_parse(&cli, args, err));
 *
 * Written as `-n 5`, `--tokens 5` or `--tokens=5`; `--` ends the options. Values land where the table says; what the
 * arguments do not name keeps the value it had. Threading: one thread. */
#ifndef FREEHOLD_APPS_CLI_H
#define FREEHOLD_APPS_CLI_H

#include "apps/term.h"

enum { FH_CLI_TEXTS_MAX = 16, FH_CLI_ARGS_MAX = 256, FH_PATH_MAX = 4096 };

/* A path with its NUL; empty: none. */
typedef struct fh_path {
    char text[FH_PATH_MAX];
} fh_path;
/* path = the parts one after another; false when that is too long or holds a NUL. */
FH_MUST_USE bool fh_path_set(fh_out fh_path *path, fh_span a, fh_span b);

/* Values of an option that may be given several times. */
typedef struct fh_cli_texts {
    fh_span at[FH_CLI_TEXTS_MAX];
    size_t count;
} fh_cli_texts;

/* What the arguments name beside options, where there may be several. */
typedef struct fh_cli_operands {
    fh_span at[FH_CLI_ARGS_MAX];
    size_t count;
} fh_cli_operands;

typedef enum fh_cli_kind {
    FH_CLI_FLAG, FH_CLI_PATH, FH_CLI_TEXT, FH_CLI_TEXTS, FH_CLI_NUMBER, FH_CLI_REAL,
    FH_CLI_CHOICE /* one of the words in `value`, which are divided by bars; its number goes to `number` */
} fh_cli_kind;

typedef struct fh_cli_option {
    char letter;      /* 0: none */
    const char *name; /* with its dashes */
    fh_cli_kind kind;
    const char *value; /* what the help calls the value */
    const char *help;  /* lines, divided by newlines */
    struct {
        bool *flag;
        fh_path *path;
        fh_span *text;
        fh_cli_texts *texts;
        uint64_t *number;
        double *real;
    } to;              /* the one that the kind asks for */
    fh_or_null bool *given;       /* NULL, or where to note that it was given */
    uint64_t min, max; /* of a number */
    double low, high;  /* of a real */
} fh_cli_option;
FH_SPAN_DEFINE(cli_option, fh_cli_option);

/* A verb as its arguments and its help see it. */
typedef struct fh_cli {
    const char *verb, *summary;
    const char *examples; /* lines */
    fh_or_null const char *notes;    /* lines, or NULL */
    fh_cli_options options;
    fh_or_null const char *operand_name; /* NULL: none allowed */
    fh_path *operand;         /* one is required if there is a name … */
    fh_or_null fh_cli_operands *operands; /* … or, where this is not NULL, one or more */
    bool help;                /* out: --help was asked for; nothing else was looked at */
} fh_cli;

/* Parses the arguments after the verb. FH_INVALID with a message that names what was meant, where something is near. */
FH_MUST_USE fh_status fh_cli_parse(fh_mut fh_view(2) fh_cli *cli, fh_views args, fh_mut fh_err *err);
/* Prints the help: examples first. */
void fh_cli_help(fh_ref const fh_cli *cli, fh_mut fh_term *t);
/* A decimal number with all its digits, at most `max`; false for anything else. */
FH_MUST_USE bool fh_cli_number(fh_span text, uint64_t max, fh_out uint64_t *out);
/* A decimal fraction such as 0.95, .5 or 2, of up to 15 digits; false for anything else. */
FH_MUST_USE bool fh_cli_real(fh_span text, fh_out double *out);
/* The number of the word of `words` (divided by bars) that equals text; false for none. */
FH_MUST_USE bool fh_cli_choice(fh_span text, fh_ref const char *words, fh_out uint64_t *out);
/* How many letters have to be put, dropped, changed or swapped with a neighbour to turn one word into the other (at most 32
 * letters each; longer: SIZE_MAX). */
size_t fh_cli_distance(fh_span a, fh_span b);
/* True for a distance small enough that one word may be meant for the other. */
bool fh_cli_near(size_t distance, fh_span word);

#endif
