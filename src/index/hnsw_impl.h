/* hnsw_impl.h: what a graph is made of (hnsw.c), and how it is walked (hnsw_walk.c).
 *
 * Row r is the r-th vector that was ever added. Its links are slots in flat arrays: a row + 1, or 0. A slot changes by one
 * store, and a link that is kept stays in its slot, so that whoever walks beside a change sees each kept link. Row r is linked
 * to by others only after its own vector, id, scale and slots are written (release), and links are read with acquire: so those
 * need no lock.
 *
 * Invariants: links at level l lead to rows of level l or above. parent[r] < rows for r > 0, a slot of parent[r] at level 0
 * leads to r, and a row has at most `links` children, half of its slots: so from row 0 links lead to every row. The map has
 * exactly the ids of rows that are not gone. In a graph that was opened, vectors and the slots at level 0 are those of its
 * file, and nothing changes. Threading: hnsw.h. */
#ifndef FH_INDEX_HNSW_IMPL_H
#define FH_INDEX_HNSW_IMPL_H

#include "freehold/atomic.h"
#include "freehold/hnsw.h"
#include "freehold/score.h"
#include "index/best.h"
#include "index/idmap.h"

enum { FH_HNSW_LEVEL_MAX = 15 };
#define FH_HNSW_ROWS_MAX (UINT64_C(1) << 31)

/* The slots of a row above level 0, `links` a level. */
typedef struct fh_upper {
    fh_owned fh_u32s slots;
} fh_upper;
FH_SPAN_DEFINE(upper, fh_upper);
FH_ARRAY_DEFINE(upper);

/* A row that is still to be walked from. */
typedef struct fh_step {
    float key;
    uint32_t row;
} fh_step;
FH_SPAN_DEFINE(step, fh_step);
FH_ARRAY_DEFINE(step);

struct fh_hnsw_reader {
    fh_ref fh_allocator *allocator;
    uint32_t stamp;
    fh_owned fh_u32s seen;    /* the stamp of the walk that met a row */
    fh_owned fh_steps steps;  /* a heap, nearest first */
    size_t step_count;
    fh_owned fh_hits found;   /* the best of a walk; id is a row */
    size_t found_count;
    fh_owned fh_u32s which, chosen;    /* rows to be scored; rows chosen to be linked */
    fh_owned fh_f32s scores;
};

/* A reader for a part of a change. */
typedef struct fh_builder {
    fh_owned_or_null fh_hnsw_reader *reader;
} fh_builder;
FH_SPAN_DEFINE(builder, fh_builder);
FH_ARRAY_DEFINE(builder);

struct fh_hnsw_writer {
    fh_ref fh_allocator *allocator;
    fh_owned fh_builders builders;
};

struct fh_hnsw {
    fh_ref fh_allocator *allocator;
    fh_hnsw_options options;
    fh_isa isa;
    double level_scale; /* 1 / ln(links) */
    size_t rows, live;
    uint64_t entry; /* level · 2^32 + row + 1 of where walks begin; 0: no row */
    uint32_t holder, searching;
    fh_owned fh_f32s vectors, scales; /* scales under the cosine: 1 / length */
    fh_owned fh_u64s ids;
    fh_owned fh_u32s slots;    /* at level 0: twice `links` of them a row */
    fh_owned fh_uppers uppers;
    fh_owned fh_u32s gone;     /* 1: removed */
    fh_owned fh_u32s parents, children;
    fh_owned fh_idmap map;
    fh_owned fh_bytes file; /* of an opened graph: no vectors and no slots in memory */
    size_t stored_vectors, stored_slots; /* where they begin in it */
};

/* Who holds a graph: a change; what looks at all of it, and keeps changes out; or a change that a fork cut short, for ever. */
enum { FH_HNSW_CHANGES = 1, FH_HNSW_LOOKS, FH_HNSW_LOST };

static inline bool fh_hnsw_hold(fh_ref fh_hnsw *h, uint32_t as) {
    uint32_t nobody = 0;
    return fh_cas(&h->holder, &nobody, as, FH_ACQUIRE);
}
static inline void fh_hnsw_let_go(fh_ref fh_hnsw *h) {
    fh_store(&h->holder, 0, FH_RELEASE);
}
/* What fh_hnsw_hold refuses with. */
static inline fh_status fh_hnsw_busy(fh_ref const fh_hnsw *h, fh_mut fh_err *err) {
    bool lost = fh_load(&h->holder, FH_RELAXED) == FH_HNSW_LOST;
    return fh_fail(err, FH_BORROWED, FH_NO_OFFSET, "%s",
                   lost ? "a fork cut a change of the graph short" : "the graph is being changed");
}
static inline size_t fh_hnsw_level(fh_ref const fh_hnsw *h, uint32_t row) {
    return fh_uppers_at(h->uppers, row)->slots.count / h->options.links;
}

/* fh_hnsw_new; for a view, without room for vectors and slots at level 0. */
FH_MUST_USE fh_status fh_hnsw_make(fh_ref fh_allocator *a, fh_isa isa, fh_ref const fh_hnsw_options *options, bool is_view,
                                   fh_owned fh_view(1) fh_hnsw **out, fh_mut fh_err *err);

/* All vectors, and all slots at level 0. */
fh_span fh_hnsw_vectors(fh_ref const fh_hnsw *h) fh_view(1);
fh_span fh_hnsw_low_slots(fh_ref const fh_hnsw *h) fh_view(1);
/* Reads a row's vector. */
void fh_hnsw_read(fh_ref const fh_hnsw *h, uint32_t row, fh_f32s out);
/* How many slots a row has at a level, and what is in one. */
size_t fh_hnsw_width(fh_ref const fh_hnsw *h, size_t level);
uint32_t fh_hnsw_link(fh_ref const fh_hnsw *h, uint32_t row, size_t level, size_t i);
/* The slots of a row at a level that it has, and its vector: of a graph that lies in memory. */
fh_u32s fh_hnsw_slots(fh_ref const fh_hnsw *h, uint32_t row, size_t level) fh_view(1);
fh_f32s fh_hnsw_vector(fh_ref const fh_hnsw *h, uint32_t row) fh_view(1);
/* What a row's products are scaled by: 1 unless under the cosine. */
float fh_hnsw_scale(fh_ref const fh_hnsw *h, uint32_t row);

/* A reader for a graph of these options. FH_NOMEM. */
FH_MUST_USE fh_status fh_hnsw_reader_make(fh_ref fh_allocator *a, fh_ref const fh_hnsw_options *o,
                                          fh_owned fh_view(1) fh_hnsw_reader **out);

/* True if a reader has room for this graph. */
bool fh_hnsw_fits(fh_ref const fh_hnsw *h, fh_ref const fh_hnsw_reader *r);

/* Keys of r->which[0 … count) against a query with its scale, into r->scores. */
void fh_hnsw_score(fh_ref const fh_hnsw *h, fh_mut fh_hnsw_reader *r, fh_f32s query, float scale, size_t count);
/* Which rows may be answers. */
typedef struct fh_hnsw_wish {
    bool answers; /* only rows that are not gone, and that the filter accepts; else all */
    fh_ref const fh_hit_filter *filter;
} fh_hnsw_wish;
/* Walks from where walks begin down to `level`, there with `effort` rows in view: r->found[0 … found_count), nearest first.
 * There is a row, and its level is not below. */
void fh_hnsw_walk(fh_ref const fh_hnsw *h, fh_mut fh_hnsw_reader *r, fh_f32s query, float scale, uint64_t entry, size_t level,
                  size_t effort, fh_hnsw_wish wish);

#endif
