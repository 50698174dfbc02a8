/* unigram_impl.h: what Unigram's files share: seeds, all ways to cut a word, and logarithms.
 *
 * Threading: pieces change between the steps only; a lattice belongs to one part. */
#ifndef FH_TEXT_UNIGRAM_IMPL_H
#define FH_TEXT_UNIGRAM_IMPL_H

#include "text/train/train_impl.h"

FH_SPAN_DEFINE(train_f64, double);
FH_ARRAY_DEFINE(train_f64);

/* --- logexp.c ---------------------------------------------------------------------------------------------------------- */

/* ln x for x above 0, e^x, and the derivative of ln gamma(x) for x above 0, each to a few units in the last place. What is no
 * number, as the difference of two infinities, has an e^x of 0. */
double fh_train_log(double x);
double fh_train_exp(double x);
double fh_train_digamma(double x);

/* --- pieces ------------------------------------------------------------------------------------------------------------ */

/* The pieces that a vocabulary is chosen from. They keep their numbers. */
typedef struct fh_piece_set {
    fh_ref fh_allocator *allocator;
    fh_owned fh_strings texts;
    fh_owned fh_train_f64s scores; /* logarithm of the probability; of seeds at first how much they stand for */
    fh_owned fh_train_f64s chance; /* the probability; 0: no longer there */
    fh_owned fh_u32s order;        /* those that are there, order[0 .. left) */
    size_t left;
    double unk_score, unk_chance;  /* of a character without a piece */
} fh_piece_set;
void fh_piece_set_deinit(fh_drop fh_piece_set *p);

/* seeds.c: characters, the most frequent first, then the substrings that come at least twice in the distinct words and are no
 * part of a longer one that comes wherever they do, by how much text they stand for. */
FH_MUST_USE fh_status fh_train_seeds(fh_ref const fh_train_job *job, fh_mut fh_piece_set *out);

/* --- lattice.c --------------------------------------------------------------------------------------------------------- */

/* The pieces as a tree of characters. */
typedef struct fh_branch {
    uint64_t key;    /* node << 32 | character + 1; 0: an empty cell */
    uint32_t child;  /* a node */
    uint32_t piece;  /* that ends there, or FH_TRAIN_NONE */
} fh_branch;
FH_SPAN_DEFINE(branch, fh_branch);
FH_ARRAY_DEFINE(branch);
typedef struct fh_piece_tree {
    fh_ref fh_allocator *allocator;
    fh_owned fh_branchs cells; /* a power of two, at most half in use */
    size_t count;
    uint32_t nodes;
} fh_piece_tree;
/* The tree of the pieces that are there, in place of what it was. */
FH_MUST_USE fh_status fh_piece_tree_build(fh_mut fh_piece_tree *tree, fh_ref const fh_piece_set *pieces);
void fh_piece_tree_deinit(fh_drop fh_piece_tree *tree);

/* A piece in a word, or a character without one (FH_TRAIN_NONE). */
typedef struct fh_edge {
    uint32_t from, to, piece;
} fh_edge;
FH_SPAN_DEFINE(edge, fh_edge);
FH_ARRAY_DEFINE(edge);
FH_TRAIN_LIST_DEFINE(edge);

/* Where a walk over a word is: a number m * 2^e, and the best way here. */
typedef struct fh_stop {
    double before, behind;   /* sums over all ways from the start, and to the end */
    int before_exp, behind_exp;
    double best;             /* the highest score of a way from the start */
    uint32_t best_edge;
    uint32_t first_edge;     /* of those that begin here */
} fh_stop;
FH_SPAN_DEFINE(stop, fh_stop);
FH_ARRAY_DEFINE(stop);
FH_TRAIN_LIST_DEFINE(stop);

/* Room for one word at a time. */
typedef struct fh_lattice {
    fh_owned fh_u32_list codes;
    fh_owned fh_edge_list edges; /* by where they begin, shorter ones first */
    fh_owned fh_stop_list stops; /* before each character, and at the end */
    size_t length;               /* characters */
} fh_lattice;
void fh_lattice_init(fh_owned fh_view(2) fh_lattice *l, fh_ref fh_allocator *a);
void fh_lattice_deinit(fh_drop fh_lattice *l);
/* All ways to cut `word`; without its whole as one piece if `parted`. */
FH_MUST_USE fh_status fh_lattice_fill(fh_mut fh_lattice *l, fh_ref const fh_piece_tree *tree, fh_ref const fh_piece_set *pieces,
                                      fh_span word, bool parted);
/* Adds to sums[piece] how often it is to be expected in the word, times `weight`, rounded. */
void fh_lattice_expect(fh_mut fh_lattice *l, fh_ref const fh_piece_set *pieces, double weight, fh_u64s sums);
/* Finds the best way; false when there is none. Then fh_lattice_best_next walks it from its end: *at starts as l->length, and
 * the walk is over when it is 0. */
FH_MUST_USE bool fh_lattice_best(fh_mut fh_lattice *l, fh_ref const fh_piece_set *pieces, fh_out double *score);
uint32_t fh_lattice_best_next(fh_ref const fh_lattice *l, fh_mut size_t *at);

#endif
