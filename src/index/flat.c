/* flat.c: exact search: every vector is scored, the best are kept (index.h).
 *
 * Vectors stand in tiles of 16 (score.h), tiles in chunks that never move, so that adding copies nothing. Row i is vector
 * i mod 16 of tile i / 16; rows [0, count) are in use. A removed row is filled with the last one. Each chunk is as large as all
 * before it together, so that the most of a large index stands in huge pages (a scan of 4 MiB chunks took 1.3 times as long);
 * pages that no vector has reached yet cost nothing.
 *
 *     chunk 0 [ tiles 0 … n − 1 ]  chunk 1 [ n … 2n − 1 ]  chunk 2 [ 2n … 4n − 1 ]  chunk 3 [ 4n … 8n − 1 ]  …
 *
 * A search cuts the tiles into shares, one a thread; each thread keeps its own best, and the best of these are the answer: the
 * order (key, id) is total, so it does not matter who saw what. Up to 64 queries go through each stretch of tiles that fits a
 * cache before the next one is read. A key is smaller for the better: the squared distance, or the negated product.
 *
 * Invariants: element i of `rows` belongs to row i of the tiles; the map has exactly the ids of rows [0, count); the state is
 * the number of readers, CHANGING, or LOST. Threading: index.h. */
#include "freehold/index.h"

#include "freehold/checked.h"
#include "freehold/fmath.h"
#include "freehold/hash.h"
#include "freehold/share.h"
#include "index/best.h"
#include "index/flat_impl.h"
#include "index/vector.h"

enum { TOGETHER = 64, STRETCH_TILES = 64, STRETCH_BYTES = 1 << 18, CHUNK_BYTES = 1 << 20, CHUNKS = 40 };

static bool begin_change(fh_flat *f) {
    uint32_t nobody = 0;
    return fh_cas(&f->state, &nobody, FH_FLAT_CHANGING, FH_ACQUIRE);
}

static void end_change(fh_flat *f) {
    fh_store(&f->state, 0, FH_RELEASE);
}

/* --- life ----------------------------------------------------------------------------------------------------------- */

fh_status fh_flat_new(fh_allocator *a, fh_isa isa, const fh_flat_options *options, fh_flat **out, fh_err *err) {
    size_t tile_bytes;
    *out = NULL;
    fh_status s = fh_tile_bytes(options->type, options->dim, &tile_bytes);
    if (s.code == FH_LIMIT)
        return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "vectors of %zu elements, expected 1 to %d", options->dim, FH_TILE_DIM_MAX);
    if (fh_failed(s))
        return fh_fail(err, s.code, FH_NO_OFFSET, "vectors of type %u, expected 0 to %d", (unsigned)options->type,
                       FH_VECTOR_COUNT - 1);
    if (options->metric >= FH_METRIC_COUNT)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "metric %u, expected 0 to %u", (unsigned)options->metric,
                       (unsigned)FH_METRIC_COUNT - 1);
    if (isa > fh_isa_best())
        return fh_fail(err, FH_UNSUPPORTED, FH_NO_OFFSET, "instruction set %u, expected 0 to %u (%s)", (unsigned)isa,
                       (unsigned)fh_isa_best(), fh_isa_name(fh_isa_best()));
    fh_flat *f = fh_alloc(a, 1, sizeof *f);
    if (f == NULL)
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "no memory for an index");
    *f = (fh_flat){.allocator = a, .options = *options, .isa = isa, .tile_bytes = tile_bytes,
                   .chunk_tiles = tile_bytes < CHUNK_BYTES ? CHUNK_BYTES / tile_bytes : 1,
                   .map = {.allocator = a, .seed = fh_mix64(options->seed)}};
    if (fh_failed(fh_chunks_new(a, CHUNKS, &f->chunks))) {
        fh_free(a, f);
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "no memory for an index");
    }
    *out = f;
    return FH_DONE;
}

void fh_flat_free(fh_flat *f) {
    if (f == NULL)
        return;
    if (fh_load(&f->state, FH_ACQUIRE) == FH_FLAT_LOST) { /* nobody knows what of it is whole */
        fh_handles_forget(f);
        return;
    }
    FH_ASSERT(begin_change(f));
    for (size_t i = 0; i < f->chunk_count; i++) {
        fh_chunk *chunk = fh_chunks_at(f->chunks, i);
        fh_u64s_free(f->allocator, &chunk->words);
        chunk->words = (fh_u64s){NULL, 0};
    }
    fh_chunks_free(f->allocator, &f->chunks);
    fh_u64s_free(f->allocator, &f->ids);
    fh_f32s_free(f->allocator, &f->scales);
    fh_idmap_deinit(&f->map);
    fh_bytes_drop(&f->file);
    fh_free(f->allocator, f);
}

bool fh_flat_after_fork(fh_flat *f) {
    uint32_t state = fh_load(&f->state, FH_ACQUIRE);
    bool whole = state != FH_FLAT_CHANGING && state != FH_FLAT_LOST;
    fh_store(&f->state, whole ? 0 : FH_FLAT_LOST, FH_RELEASE);
    return whole;
}

size_t fh_flat_count(const fh_flat *f) {
    return f->count;
}

/* --- rows ------------------------------------------------------------------------------------------------------------- */

/* Tiles before chunk `chunk`, and so of all chunks up to it. */
static size_t tiles_before(const fh_flat *f, size_t chunk) {
    return chunk == 0 ? 0 : f->chunk_tiles << (chunk - 1);
}

/* The chunk of a tile. */
static size_t chunk_of(const fh_flat *f, size_t tile) {
    return tile < f->chunk_tiles ? 0 : 64 - (size_t)__builtin_clzll(tile / f->chunk_tiles);
}

size_t fh_flat_bytes(const fh_flat *f) {
    return sizeof *f + tiles_before(f, f->chunk_count) * f->tile_bytes + f->chunks.count * sizeof(fh_chunk) +
           f->ids.count * sizeof(uint64_t) + f->scales.count * sizeof(float) + 2 * f->map.ids.count * sizeof(uint64_t);
}

/* `count` tiles of a chunk, from tile `first` of the index on. */
static fh_tiles tiles_at(const fh_flat *f, size_t first, size_t count) {
    size_t chunk = chunk_of(f, first), from = first - tiles_before(f, chunk);
    fh_mspan all = fh_u64s_bytes(fh_chunks_at(f->chunks, chunk)->words), some;
    FH_ASSERT(fh_mspan_slice(all, from * f->tile_bytes, count * f->tile_bytes, &some));
    return (fh_tiles){f->options.type, f->options.dim, some};
}

/* The tile of a row; the row is number row mod 16 of it. */
static fh_tiles tile_of(const fh_flat *f, size_t row) {
    return tiles_at(f, row / FH_TILE_ROWS, 1);
}

fh_tile_view fh_flat_tiles(const fh_flat *f, size_t first, size_t count) {
    if (f->file.span.size == 0)
        return fh_tiles_view(tiles_at(f, first, count));
    return (fh_tile_view){f->options.type, f->options.dim,
                          fh_span_sub(f->file.span, f->stored_from + first * f->tile_bytes, count * f->tile_bytes)};
}

size_t fh_flat_together(const fh_flat *f, size_t first) {
    return (f->file.span.size != 0 ? f->stored_tiles : tiles_before(f, chunk_of(f, first) + 1)) - first;
}

static fh_status more_rows(fh_flat *f, size_t count) {
    fh_u64s ids;
    fh_f32s scales;
    FH_TRY(fh_u64s_new(f->allocator, count, &ids));
    fh_status s = fh_f32s_new(f->allocator, f->options.metric == FH_METRIC_COSINE ? count : 0, &scales);
    if (fh_failed(s)) {
        fh_u64s_free(f->allocator, &ids);
        return s;
    }
    for (size_t i = 0; i < f->count; i++)
        fh_u64s_set(ids, i, fh_u64s_get(f->ids, i));
    for (size_t i = 0; i < f->count && scales.count != 0; i++)
        fh_f32s_set(scales, i, fh_f32s_get(f->scales, i));
    fh_u64s_free(f->allocator, &f->ids);
    fh_f32s_free(f->allocator, &f->scales);
    f->ids = ids;
    f->scales = scales;
    return FH_DONE;
}

fh_status fh_flat_reserve_ids(fh_flat *f, size_t count) {
    size_t room = f->ids.count != 0 ? f->ids.count : FH_TILE_ROWS;
    while (room < count)
        room *= 2;
    if (f->ids.count < room)
        FH_TRY(more_rows(f, room));
    return fh_idmap_reserve(&f->map, count);
}

static fh_status add_chunk(fh_flat *f) {
    if (f->chunk_count == CHUNKS)
        return FH_STATUS(FH_NOMEM);
    size_t tiles = tiles_before(f, f->chunk_count + 1) - tiles_before(f, f->chunk_count), bytes;
    if (!fh_mul_size(tiles, f->tile_bytes, &bytes))
        return FH_STATUS(FH_NOMEM);
    FH_TRY(fh_u64s_new(f->allocator, bytes / sizeof(uint64_t), &fh_chunks_at(f->chunks, f->chunk_count)->words));
    f->chunk_count++;
    return FH_DONE;
}

/* Room for `count` rows in all. Room that was made stays when more cannot be had; it holds nothing. */
static fh_status reserve(fh_flat *f, size_t count) {
    FH_TRY(fh_flat_reserve_ids(f, count));
    while (tiles_before(f, f->chunk_count) * FH_TILE_ROWS < count)
        FH_TRY(add_chunk(f));
    return FH_DONE;
}

/* --- changes ---------------------------------------------------------------------------------------------------------- */

fh_status fh_flat_enter(fh_flat *f, const char *what, size_t i, uint64_t id, fh_f32s stored, fh_err *err) {
    size_t row = f->count;
    double squares;
    fh_tile_get(fh_flat_tiles(f, row / FH_TILE_ROWS, 1), row % FH_TILE_ROWS, stored);
    FH_TRY(fh_vector_look(f->options.metric, what, i, stored, &squares, err));
    if (!fh_idmap_add(&f->map, id, row))
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "vector %zu has id %llu, which another one has", i,
                       (unsigned long long)id);
    fh_u64s_set(f->ids, row, id);
    if (f->scales.count != 0)
        fh_f32s_set(f->scales, row, (float)(1.0 / fh_sqrt(squares)));
    f->count++;
    return FH_DONE;
}

/* Adds one vector behind the last; nothing is counted if that fails, as for a number that the type cannot hold, or a length
 * that is lost in it. */
static fh_status add_one(fh_flat *f, size_t i, uint64_t id, fh_f32s x, fh_f32s stored, fh_err *err) {
    double squares;
    FH_TRY(fh_vector_look(f->options.metric, "vector", i, x, &squares, err));
    fh_tile_put(tile_of(f, f->count), f->count % FH_TILE_ROWS, x);
    return fh_flat_enter(f, "in the type of the index, vector", i, id, stored, err);
}

static fh_status add_all(fh_flat *f, fh_u64s ids, fh_f32s vectors, fh_err *err) {
    size_t dim = f->options.dim, before = f->count, wanted;
    fh_f32s stored = {NULL, 0};
    if (!fh_add_size(before, ids.count, &wanted) || wanted > SIZE_MAX / 64)
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "no memory for %zu more vectors", ids.count);
    fh_status s = reserve(f, wanted);
    if (!fh_failed(s))
        s = fh_f32s_new(f->allocator, dim, &stored);
    if (fh_failed(s))
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "no memory for %zu more vectors", ids.count);
    for (size_t i = 0; i < ids.count && !fh_failed(s); i++)
        s = add_one(f, i, fh_u64s_get(ids, i), fh_f32s_sub(vectors, i * dim, dim), stored, err);
    while (fh_failed(s) && f->count > before)
        fh_idmap_remove(&f->map, fh_u64s_get(f->ids, --f->count));
    fh_f32s_free(f->allocator, &stored);
    return s;
}

fh_status fh_flat_add(fh_flat *f, fh_u64s ids, fh_f32s vectors, fh_err *err) {
    size_t dim = f->options.dim;
    if (vectors.count / dim != ids.count || vectors.count % dim != 0)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "%zu numbers for %zu vectors, expected %zu each", vectors.count,
                       ids.count, dim);
    if (f->file.span.size != 0)
        return fh_fail(err, FH_UNSUPPORTED, FH_NO_OFFSET, "the index is a view of its file, which does not change");
    if (!begin_change(f))
        return fh_flat_busy(f, err);
    fh_status s = add_all(f, ids, vectors, err);
    end_change(f);
    return s;
}

fh_status fh_flat_remove(fh_flat *f, uint64_t id) {
    if (f->file.span.size != 0)
        return FH_STATUS(FH_UNSUPPORTED);
    if (!begin_change(f))
        return FH_STATUS(FH_BORROWED);
    size_t row = fh_idmap_find(&f->map, id);
    if (row != SIZE_MAX) {
        size_t last = --f->count;
        if (row != last) {
            fh_tile_copy(tile_of(f, row), row % FH_TILE_ROWS, fh_tiles_view(tile_of(f, last)), last % FH_TILE_ROWS);
            fh_u64s_set(f->ids, row, fh_u64s_get(f->ids, last));
            if (f->scales.count != 0)
                fh_f32s_set(f->scales, row, fh_f32s_get(f->scales, last));
            fh_idmap_move(&f->map, fh_u64s_get(f->ids, row), row);
        }
        fh_idmap_remove(&f->map, id);
    }
    end_change(f);
    return FH_STATUS(row != SIZE_MAX ? FH_OK : FH_NOT_FOUND);
}

fh_status fh_flat_get(fh_flat *f, uint64_t id, fh_f32s out) {
    if (out.count != f->options.dim)
        return FH_STATUS(FH_INVALID);
    if (!fh_flat_begin_read(f))
        return FH_STATUS(FH_BORROWED);
    size_t row = fh_idmap_find(&f->map, id);
    if (row != SIZE_MAX)
        fh_tile_get(fh_flat_tiles(f, row / FH_TILE_ROWS, 1), row % FH_TILE_ROWS, out);
    fh_flat_end_read(f);
    return FH_STATUS(row != SIZE_MAX ? FH_OK : FH_NOT_FOUND);
}

/* --- searching ---------------------------------------------------------------------------------------------------------- */

/* What the threads of one search share. Each part has its own slice of `scores` and `found`. */
typedef struct search {
    const fh_flat *flat;
    fh_f32s queries; /* up to TOGETHER of them */
    fh_owned fh_u32s codes; /* the same, for a code type */
    fh_owned fh_f32s meant; /* and what the codes of one stand for */
    double squares[TOGETHER]; /* of each query, as the index takes it */
    size_t asked, k, tiles, parts;
    const fh_hit_filter *filter;
    fh_owned fh_f32s scores;  /* parts × asked × STRETCH_TILES × 16 */
    fh_owned fh_hits found;   /* parts × asked × k */
    fh_owned fh_sizes counts; /* parts × asked */
} search;

/* Where a part has its best for a query. */
static size_t slot_of(const search *s, size_t part, size_t q) {
    return part * s->asked + q;
}

/* True if one of the scores of a tile gives a key that is not above the bound; a NaN counts as one. */
static bool is_near(fh_f32s scores, float sign, float bound) {
    FH_ASSERT(scores.count == FH_TILE_ROWS); /* so that the compiler needs no other check, and takes several at a time */
    unsigned near = 0;
    for (size_t i = 0; i < FH_TILE_ROWS; i++)
        near |= !(sign * fh_f32s_get(scores, i) > bound);
    return near != 0;
}

/* Smaller for the better. ∞ − ∞ of numbers near the largest comes last of all. */
static float key_of(float sign, float score) {
    float key = sign * score;
    return key == key ? key : __builtin_inff();
}

static float sign_of(const fh_flat *f) {
    return f->options.metric == FH_METRIC_L2 ? 1.0f : -1.0f;
}

/* Offers the rows of a tile, which begins with row `first`, by their scores. */
static void choose_some(const fh_flat *f, fh_best *best, fh_f32s scores, size_t first, float sign) {
    for (size_t i = 0; i < scores.count && first + i < f->count; i++) {
        float key = key_of(sign, fh_f32s_get(scores, i));
        if (key <= fh_best_bound(best))
            fh_best_offer(best, fh_u64s_get(f->ids, first + i), key);
    }
}

/* Offers the rows of a stretch, which begins with row `first`, by their scores. Few tiles have one that is near enough. */
static void choose(const fh_flat *f, fh_best *best, fh_f32s scores, size_t first) {
    const float sign = sign_of(f);
    if (f->options.metric == FH_METRIC_COSINE) {
        size_t count = f->count - first < scores.count ? f->count - first : scores.count;
        fh_f32s some = fh_f32s_sub(scores, 0, count), scales = fh_f32s_sub(f->scales, first, count);
        for (size_t i = 0; i < count; i++)
            fh_f32s_set(some, i, fh_f32s_get(some, i) * fh_f32s_get(scales, i));
    }
    for (size_t i = 0; i < scores.count; i += FH_TILE_ROWS) {
        fh_f32s tile = fh_f32s_sub(scores, i, FH_TILE_ROWS);
        if (is_near(tile, sign, fh_best_bound(best)))
            choose_some(f, best, tile, first + i, sign);
    }
}

/* Scores of queries, or of their codes where the type is one, for `count` tiles that lie side by side. */
static void score(const fh_flat *f, size_t tile, size_t count, fh_f32s queries, fh_u32s codes, fh_f32s out) {
    fh_score_kind kind = f->options.metric == FH_METRIC_L2 ? FH_SCORE_DIFF : FH_SCORE_DOT;
    fh_tile_view tiles = fh_flat_tiles(f, tile, count);
    fh_status s = fh_vector_is_code(f->options.type) ? fh_score_codes(f->isa, tiles, kind, codes, out)
                                                     : fh_score(f->isa, tiles, kind, queries, out);
    FH_ASSERT(!fh_failed(s));
}

/* How many tiles fit a core's cache beside the queries' scores; four at least, which a kernel takes at once. */
static size_t stretch_of(const fh_flat *f) {
    size_t tiles = STRETCH_BYTES / f->tile_bytes;
    return tiles < 4 ? 4 : tiles < STRETCH_TILES ? tiles : STRETCH_TILES;
}

static void search_part(void *arg, unsigned part, unsigned parts) {
    search *s = arg;
    const fh_flat *f = s->flat;
    fh_range share = fh_par_share(s->tiles, part, parts);
    size_t words = fh_codes_words(f->options.type, f->options.dim), stretch = stretch_of(f);
    size_t room = s->asked * STRETCH_TILES * FH_TILE_ROWS;
    fh_f32s scores = fh_f32s_sub(s->scores, part * room, room);
    for (size_t tile = share.from, count = 0; tile < share.to; tile += count) {
        size_t together = fh_flat_together(f, tile);
        count = share.to - tile < stretch ? share.to - tile : stretch;
        count = count < together ? count : together;
        size_t rows = count * FH_TILE_ROWS;
        fh_f32s out = fh_f32s_sub(scores, 0, s->asked * rows);
        score(f, tile, count, s->queries, fh_u32s_sub(s->codes, 0, s->asked * words), out);
        for (size_t q = 0; q < s->asked; q++) {
            size_t at = slot_of(s, part, q);
            fh_best best = {fh_hits_sub(s->found, at * s->k, s->k), fh_sizes_get(s->counts, at), s->filter};
            choose(f, &best, fh_f32s_sub(out, q * rows, rows), tile * FH_TILE_ROWS);
            fh_sizes_set(s->counts, at, best.count);
        }
    }
}

/* The score of a key, for people; a key has not been divided by the query's length yet. */
static float score_of(const fh_flat *f, float key, double query_squares) {
    bool is_cosine = f->options.metric == FH_METRIC_COSINE;
    return fh_vector_score(f->options.metric, is_cosine ? (float)((double)key / fh_sqrt(query_squares)) : key);
}

/* The best of all parts for query `q` of these, sorted. */
static void gather(const search *s, size_t q, fh_hits hits, size_t *out_count) {
    fh_best all = {hits, 0, NULL}; /* each has passed the filter already */
    for (size_t part = 0; part < s->parts; part++) {
        size_t at = slot_of(s, part, q);
        fh_hits best = fh_hits_sub(s->found, at * s->k, fh_sizes_get(s->counts, at));
        for (size_t i = 0; i < best.count; i++)
            fh_best_offer(&all, fh_hits_at(best, i)->id, fh_hits_at(best, i)->score);
    }
    fh_best_sort(&all);
    for (size_t i = 0; i < all.count; i++)
        fh_hits_at(hits, i)->score = score_of(s->flat, fh_hits_at(hits, i)->score, s->squares[q % TOGETHER]);
    *out_count = all.count;
}

/* Room for the codes of queries, where the type has codes. */
static fh_status make_code_room(const fh_flat *f, size_t asked, search *s) {
    bool is_code = fh_vector_is_code(f->options.type);
    FH_TRY(fh_u32s_new(f->allocator, asked * fh_codes_words(f->options.type, f->options.dim), &s->codes));
    return fh_f32s_new(f->allocator, is_code ? f->options.dim : 0, &s->meant);
}

static fh_status make_room(fh_allocator *a, size_t asked, search *s) {
    size_t lists = s->parts * asked, many;
    if (!fh_mul_size(lists, s->k, &many))
        return FH_STATUS(FH_NOMEM);
    FH_TRY(make_code_room(s->flat, asked, s));
    FH_TRY(fh_f32s_new(a, lists * STRETCH_TILES * FH_TILE_ROWS, &s->scores));
    FH_TRY(fh_hits_new(a, many, &s->found));
    return fh_sizes_new(a, lists, &s->counts);
}

static void end_room(fh_allocator *a, fh_drop search *s) {
    fh_u32s_free(a, &s->codes);
    fh_f32s_free(a, &s->meant);
    fh_f32s_free(a, &s->scores);
    fh_hits_free(a, &s->found);
    fh_sizes_free(a, &s->counts);
}

/* Looks at s->queries, the first of which is number `first` to people, and makes their codes. */
static fh_status look_at_queries(search *s, size_t first, fh_err *err) {
    const fh_flat_options *o = &s->flat->options;
    size_t words = fh_codes_words(o->type, o->dim);
    for (size_t q = 0; q < s->asked; q++) {
        fh_f32s query = fh_f32s_sub(s->queries, q * o->dim, o->dim);
        FH_TRY(fh_vector_look(o->metric, "query", first + q, query, &s->squares[q % TOGETHER], err));
        if (words == 0)
            continue;
        fh_codes_put(o->type, query, fh_u32s_sub(s->codes, q * words, words));
        fh_codes_get(o->type, fh_u32s_sub(s->codes, q * words, words), s->meant);
        FH_TRY(fh_vector_look(o->metric, "in the type of the index, query", first + q, s->meant, &s->squares[q % TOGETHER],
                              err));
    }
    return FH_DONE;
}

/* All queries, a few at a time. The best of a part fit into `found` as they are: k is at most the number of vectors there. */
static fh_status search_all(const fh_flat *f, const fh_par *par, fh_mut fh_view(4) search *s, fh_f32s queries, size_t k,
                            fh_hits hits, fh_sizes counts, fh_err *err) {
    size_t dim = f->options.dim;
    for (size_t first = 0; first < counts.count; first += TOGETHER) {
        s->asked = counts.count - first < TOGETHER ? counts.count - first : TOGETHER;
        s->queries = fh_f32s_sub(queries, first * dim, s->asked * dim);
        FH_TRY(look_at_queries(s, first, err));
        for (size_t i = 0; i < s->counts.count; i++)
            fh_sizes_set(s->counts, i, 0);
        fh_par_run(par, search_part, s);
        for (size_t q = 0; q < s->asked; q++)
            gather(s, q, fh_hits_sub(hits, (first + q) * k, s->k), fh_sizes_at(counts, first + q));
    }
    return FH_DONE;
}

static fh_status search_read(const fh_flat *f, const fh_par *par, fh_f32s queries, size_t k, const fh_hit_filter *filter,
                             fh_hits hits, fh_sizes counts, fh_err *err) {
    search s = {.flat = f, .k = k < f->count ? k : f->count, .tiles = (f->count + FH_TILE_ROWS - 1) / FH_TILE_ROWS,
                .parts = par != NULL && par->width > 1 ? par->width : 1, .filter = filter};
    fh_status done = make_room(f->allocator, counts.count < TOGETHER ? counts.count : TOGETHER, &s);
    if (fh_failed(done))
        done = fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "no memory for the %zu best of %zu parts", k, s.parts);
    else
        done = search_all(f, par, &s, queries, k, hits, counts, err);
    end_room(f->allocator, &s);
    return done;
}

fh_status fh_flat_search(fh_flat *f, const fh_par *par, fh_f32s queries, size_t k, const fh_hit_filter *filter, fh_hits hits,
                         fh_sizes counts, fh_err *err) {
    size_t dim = f->options.dim;
    if (queries.count / dim != counts.count || queries.count % dim != 0)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "%zu numbers for %zu queries, expected %zu each", queries.count,
                       counts.count, dim);
    if (k == 0 || k > FH_HITS_MAX)
        return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "the %zu best, expected 1 to %d", k, FH_HITS_MAX);
    if (hits.count / k != counts.count || hits.count % k != 0)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "room for %zu hits, expected %zu for each of %zu queries", hits.count, k,
                       counts.count);
    if (!fh_flat_begin_read(f))
        return fh_flat_busy(f, err);
    fh_status s = search_read(f, par, queries, k, filter, hits, counts, err);
    fh_flat_end_read(f);
    return s;
}

/* --- ranking ------------------------------------------------------------------------------------------------------------ */

/* The score of one vector. Its numbers stand a line apart in its tile, so that all 16 are read whoever is asked for. */
static float score_row(const fh_flat *f, const search *s, size_t row) {
    float room[FH_TILE_ROWS] = {0};
    fh_f32s scores = {room, FH_TILE_ROWS};
    score(f, row / FH_TILE_ROWS, 1, s->queries, s->codes, scores);
    float got = fh_f32s_get(scores, row % FH_TILE_ROWS);
    return f->scales.count != 0 ? got * fh_f32s_get(f->scales, row) : got;
}

/* The hits of one query: each is read before the heap grows over its place. */
static size_t rank_one(const fh_flat *f, const search *s, fh_hits hits) {
    fh_best best = {hits, 0, NULL};
    for (size_t i = 0; i < hits.count; i++) {
        uint64_t id = fh_hits_get(hits, i).id;
        size_t row = fh_idmap_find(&f->map, id);
        if (row != SIZE_MAX)
            fh_best_offer(&best, id, key_of(sign_of(f), score_row(f, s, row)));
    }
    fh_best_sort(&best);
    for (size_t i = 0; i < best.count; i++)
        fh_hits_at(hits, i)->score = score_of(f, fh_hits_at(hits, i)->score, s->squares[0]);
    return best.count;
}

static fh_status rank_all(const fh_flat *f, fh_f32s queries, fh_hits hits, fh_sizes counts, fh_err *err) {
    size_t dim = f->options.dim, each = counts.count != 0 ? hits.count / counts.count : 0;
    search s = {.flat = f, .asked = 1};
    fh_status done = make_code_room(f, 1, &s);
    if (fh_failed(done))
        done = fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "no memory for the codes of a query");
    for (size_t q = 0; q < counts.count && !fh_failed(done); q++) {
        s.queries = fh_f32s_sub(queries, q * dim, dim);
        done = look_at_queries(&s, q, err);
        if (!fh_failed(done))
            fh_sizes_set(counts, q, rank_one(f, &s, fh_hits_sub(hits, q * each, fh_sizes_get(counts, q))));
    }
    end_room(f->allocator, &s);
    return done;
}

fh_status fh_flat_rank(fh_flat *f, fh_f32s queries, fh_hits hits, fh_sizes counts, fh_err *err) {
    size_t dim = f->options.dim;
    if (queries.count / dim != counts.count || queries.count % dim != 0)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "%zu numbers for %zu queries, expected %zu each", queries.count,
                       counts.count, dim);
    if (counts.count == 0 ? hits.count != 0 : hits.count % counts.count != 0)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "%zu hits, expected as many for each of %zu queries", hits.count,
                       counts.count);
    for (size_t q = 0; q < counts.count; q++)
        if (fh_sizes_get(counts, q) > hits.count / counts.count)
            return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "query %zu has %zu hits, expected up to %zu", q,
                           fh_sizes_get(counts, q), hits.count / counts.count);
    if (!fh_flat_begin_read(f))
        return fh_flat_busy(f, err);
    fh_status s = rank_all(f, queries, hits, counts, err);
    fh_flat_end_read(f);
    return s;
}
