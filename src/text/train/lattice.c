/* lattice.c: all ways to cut a word into pieces (unigram_impl.h).
 *
 * Each way is as probable as the product of its pieces. Sums over ways are numbers m * 2^e with e of their own, so that no word
 * is too long; within a word of a few hundred characters e stays 0 and costs nothing.
 *
 * Invariants: edges are sorted by where they begin, and stop i says where those of i begin; so one pass forward finishes what
 * leads to a stop before anything leads away from it. Threading: unigram_impl.h. */
#include "freehold/hash.h"
#include "freehold/utf8.h"
#include "text/train/unigram_impl.h"

enum { CELLS_MIN = 256 };

/* --- the tree ---------------------------------------------------------------------------------------------------------- */

static size_t cell_of(fh_branchs cells, uint64_t key) {
    size_t mask = cells.count - 1, at = (size_t)fh_mix64(key) & mask;
    for (;; at = (at + 1) & mask) {
        uint64_t found = fh_branchs_at(cells, at)->key;
        if (found == key || found == 0)
            return at;
    }
}

static uint64_t branch_key(uint32_t node, uint32_t code) {
    return (uint64_t)node << 32 | (code + 1);
}

static fh_status grow(fh_piece_tree *tree) {
    size_t want = CELLS_MIN;
    if (tree->cells.count != 0 && !fh_mul_size(tree->cells.count, 2, &want))
        return FH_STATUS(FH_NOMEM);
    fh_branchs cells;
    FH_TRY(fh_branchs_new(tree->allocator, want, &cells));
    for (size_t i = 0; i < tree->cells.count; i++) {
        fh_branch cell = fh_branchs_get(tree->cells, i);
        if (cell.key != 0)
            fh_branchs_set(cells, cell_of(cells, cell.key), cell);
    }
    fh_branchs_free(tree->allocator, &tree->cells);
    tree->cells = cells;
    return FH_DONE;
}

static fh_status add_piece(fh_piece_tree *tree, fh_span text, uint32_t piece) {
    uint32_t node = 0;
    for (size_t i = 0; i < text.size;) {
        if (tree->count >= tree->cells.count / 2)
            FH_TRY(grow(tree));
        fh_rune r = fh_utf8_next(text, i);
        uint64_t key = branch_key(node, r.code);
        fh_branch *cell = fh_branchs_at(tree->cells, cell_of(tree->cells, key));
        if (cell->key == 0) {
            *cell = (fh_branch){key, ++tree->nodes, FH_TRAIN_NONE};
            tree->count++;
        }
        node = cell->child;
        i += r.size;
        if (i == text.size)
            cell->piece = piece;
    }
    return FH_DONE;
}

fh_status fh_piece_tree_build(fh_piece_tree *tree, const fh_piece_set *pieces) {
    fh_branchs_free(tree->allocator, &tree->cells);
    tree->cells = (fh_branchs){NULL, 0};
    tree->count = tree->nodes = 0;
    FH_TRY(grow(tree)); /* so that there is always a cell to look at */
    for (size_t i = 0; i < pieces->left; i++) {
        uint32_t piece = fh_u32s_get(pieces->order, i);
        FH_TRY(add_piece(tree, fh_strings_get(&pieces->texts, piece), piece));
    }
    return FH_DONE;
}

void fh_piece_tree_deinit(fh_piece_tree *tree) {
    fh_branchs_free(tree->allocator, &tree->cells);
    tree->count = tree->nodes = 0;
}

/* --- edges ------------------------------------------------------------------------------------------------------------- */

void fh_lattice_init(fh_lattice *l, fh_allocator *a) {
    *l = (fh_lattice){.codes = {.allocator = a}, .edges = {.allocator = a}, .stops = {.allocator = a}};
}

void fh_lattice_deinit(fh_lattice *l) {
    fh_u32_list_deinit(&l->codes);
    fh_edge_list_deinit(&l->edges);
    fh_stop_list_deinit(&l->stops);
}

static fh_status add_edge(fh_lattice *l, size_t from, size_t to, uint32_t piece) {
    return fh_edge_list_put(&l->edges, (fh_edge){(uint32_t)from, (uint32_t)to, piece});
}

/* The pieces that begin at `from`. */
static fh_status add_edges(fh_lattice *l, const fh_piece_tree *tree, const fh_piece_set *pieces, size_t from, bool parted) {
    uint32_t node = 0;
    bool single = false;
    for (size_t i = from; i < l->length; i++) {
        fh_branch cell = fh_branchs_get(tree->cells, cell_of(tree->cells, branch_key(node, fh_u32s_get(l->codes.items, i))));
        if (cell.key == 0)
            break;
        node = cell.child;
        if (cell.piece == FH_TRAIN_NONE || !(fh_train_f64s_get(pieces->chance, cell.piece) > 0))
            continue;
        single = single || i == from;
        if (!(parted && from == 0 && i + 1 == l->length))
            FH_TRY(add_edge(l, from, i + 1, cell.piece));
    }
    return single ? FH_DONE : add_edge(l, from, from + 1, FH_TRAIN_NONE);
}

fh_status fh_lattice_fill(fh_lattice *l, const fh_piece_tree *tree, const fh_piece_set *pieces, fh_span word, bool parted) {
    l->codes.count = l->edges.count = l->stops.count = l->length = 0;
    for (size_t i = 0; i < word.size;) {
        fh_rune r = fh_utf8_next(word, i);
        FH_TRY(fh_u32_list_put(&l->codes, r.code));
        i += r.size;
    }
    l->length = l->codes.count;
    for (size_t i = 0; i < l->length; i++) {
        FH_TRY(fh_stop_list_put(&l->stops, (fh_stop){.first_edge = (uint32_t)l->edges.count}));
        FH_TRY(add_edges(l, tree, pieces, i, parted));
    }
    return fh_stop_list_put(&l->stops, (fh_stop){.first_edge = (uint32_t)l->edges.count});
}

static double edge_chance(const fh_piece_set *pieces, const fh_edge *e) {
    return e->piece != FH_TRAIN_NONE ? fh_train_f64s_get(pieces->chance, e->piece) : pieces->unk_chance;
}

static double edge_score(const fh_piece_set *pieces, const fh_edge *e) {
    return e->piece != FH_TRAIN_NONE ? fh_train_f64s_get(pieces->scores, e->piece) : pieces->unk_score;
}

/* --- sums over all ways ------------------------------------------------------------------------------------------------ */

/* 2^e, or 0 far below 1; e <= 0. */
static double power(int e) {
    return e < -1000 ? 0 : fh_f64_of_bits((uint64_t)(e + 1023) << 52);
}

/* *m * 2^*e += value * 2^value_exp. */
static void add_scaled(double *m, int *e, double value, int value_exp) {
    if (!(*m > 0)) {
        *m = value;
        *e = value_exp;
    } else if (value_exp == *e) {
        *m += value;
    } else if (value_exp > *e) {
        *m = *m * power(*e - value_exp) + value;
        *e = value_exp;
    } else {
        *m += value * power(value_exp - *e);
    }
}

/* Keeps m away from the smallest numbers. */
static void normalize(double *m, int *e) {
    while (*m > 0 && *m < 0x1p-300) {
        *m *= 0x1p300;
        *e -= 300;
    }
}

static void sum_before(fh_lattice *l, const fh_piece_set *pieces) {
    fh_stops_at(l->stops.items, 0)->before = 1;
    for (size_t i = 0; i < l->length; i++) {
        fh_stop from = fh_stops_get(l->stops.items, i);
        normalize(&from.before, &from.before_exp);
        fh_stops_set(l->stops.items, i, from);
        for (size_t k = from.first_edge; k < fh_stops_at(l->stops.items, i + 1)->first_edge; k++) {
            const fh_edge *e = fh_edges_at(l->edges.items, k);
            fh_stop *to = fh_stops_at(l->stops.items, e->to);
            add_scaled(&to->before, &to->before_exp, from.before * edge_chance(pieces, e), from.before_exp);
        }
    }
}

static void sum_behind(fh_lattice *l, const fh_piece_set *pieces) {
    fh_stops_at(l->stops.items, l->length)->behind = 1;
    for (size_t i = l->length; i-- > 0;) {
        fh_stop from = fh_stops_get(l->stops.items, i);
        for (size_t k = from.first_edge; k < fh_stops_at(l->stops.items, i + 1)->first_edge; k++) {
            const fh_edge *e = fh_edges_at(l->edges.items, k);
            const fh_stop *to = fh_stops_at(l->stops.items, e->to);
            add_scaled(&from.behind, &from.behind_exp, to->behind * edge_chance(pieces, e), to->behind_exp);
        }
        normalize(&from.behind, &from.behind_exp);
        fh_stops_set(l->stops.items, i, from);
    }
}

void fh_lattice_expect(fh_lattice *l, const fh_piece_set *pieces, double weight, fh_u64s sums) {
    sum_before(l, pieces);
    sum_behind(l, pieces);
    fh_stop start = fh_stops_get(l->stops.items, 0);
    if (!(start.behind > 0))
        return; /* no way has a probability that is a number */
    for (size_t i = 0; i < l->edges.count; i++) {
        const fh_edge *e = fh_edges_at(l->edges.items, i);
        if (e->piece == FH_TRAIN_NONE)
            continue;
        const fh_stop *from = fh_stops_at(l->stops.items, e->from), *to = fh_stops_at(l->stops.items, e->to);
        int exponent = from->before_exp + to->behind_exp - start.behind_exp;
        double share = from->before * edge_chance(pieces, e) * (to->behind / start.behind);
        if (exponent != 0)
            share = exponent < 0 ? share * power(exponent) : share / power(-exponent);
        if (share > 1 || !(share >= 0))
            share = share > 1 ? 1 : 0;
        *fh_u64s_at(sums, e->piece) += (uint64_t)(share * weight + 0.5);
    }
}

/* --- the best way ------------------------------------------------------------------------------------------------------ */

bool fh_lattice_best(fh_lattice *l, const fh_piece_set *pieces, double *score) {
    for (size_t i = 0; i <= l->length; i++)
        fh_stops_at(l->stops.items, i)->best_edge = FH_TRAIN_NONE;
    for (uint32_t i = 0; i < l->edges.count; i++) {
        const fh_edge *e = fh_edges_at(l->edges.items, i);
        const fh_stop *from = fh_stops_at(l->stops.items, e->from);
        if (e->from != 0 && from->best_edge == FH_TRAIN_NONE)
            continue; /* no way leads here */
        fh_stop *to = fh_stops_at(l->stops.items, e->to);
        double sum = from->best + edge_score(pieces, e);
        if (to->best_edge == FH_TRAIN_NONE || sum > to->best) {
            to->best = sum;
            to->best_edge = i;
        }
    }
    const fh_stop *end = fh_stops_at(l->stops.items, l->length);
    *score = end->best;
    return end->best_edge != FH_TRAIN_NONE;
}

uint32_t fh_lattice_best_next(const fh_lattice *l, size_t *at) {
    const fh_edge *e = fh_edges_at(l->edges.items, fh_stops_at(l->stops.items, *at)->best_edge);
    *at = e->from;
    return e->piece;
}
