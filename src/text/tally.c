/* tally.c: how often each word occurs.
 *
 * Each thread counts into a table of its own, so that no memory is written by two; fh_tally_sort then puts them together. A
 * table is one array of cells, searched by open addressing: a cell is a word and its count. A word of up to 16 bytes lies in
 * the cell as two numbers, so that a word met again costs one line of memory; of a longer one the cell has the hash, and where
 * its bytes are in the table's text. Hashes depend on the seed, so that whoever does not know it cannot make words that meet.
 *
 * Invariants of a table: a cell is in use exactly if its count is not 0; at most half of them are, so every search ends. The
 * texts are cut at white space into as many parts of about equal size as there are threads. Threading: words.h. */
#include "freehold/buf.h"
#include "freehold/hash.h"
#include "freehold/words.h"
#include "text/kern/word.h"
#include "text/split.h"

enum { CELLS_MIN = 1024 };
#define WORDS_MAX (UINT32_C(1) << 31) /* so that the number of a cell has 32 bits */

/* A word and its count. */
typedef struct fh_tally_cell {
    fh_word_key key; /* of a word longer than FH_WORD_SHORT: {hash, place in the table's text} */
    uint64_t size, count;
} fh_tally_cell;
FH_SPAN_DEFINE(tally_cell, fh_tally_cell);
FH_ARRAY_DEFINE(tally_cell);

/* The words of one thread. */
typedef struct fh_tally_table {
    fh_owned fh_tally_cells cells; /* none, or a power of two */
    fh_owned fh_buf text;          /* the bytes of long words */
    size_t used;
    fh_status status; /* the first failure of its thread */
} fh_tally_table;
FH_SPAN_DEFINE(tally_table, fh_tally_table);
FH_ARRAY_DEFINE(tally_table);

/* Where a part of the texts begins. */
typedef struct fh_tally_cut {
    size_t text, at;
} fh_tally_cut;
FH_SPAN_DEFINE(tally_cut, fh_tally_cut);
FH_ARRAY_DEFINE(tally_cut);

struct fh_tally {
    fh_ref fh_allocator *allocator;
    uint64_t seed;
    fh_owned fh_tally_tables tables; /* one a thread */
    fh_owned fh_tally_table words;   /* all of them together */
    fh_owned fh_u32s order;          /* its cells in use, sorted; empty before that */
};

/* --- one table -------------------------------------------------------------------------------------------------------- */

__extension__ typedef unsigned __int128 u128;

/* Both halves of a product of 128 bits, one over the other: the mixer of wyhash (Wang Yi), with secrets for both factors. */
static inline uint64_t hash_short(uint64_t seed, fh_word_key key) {
    u128 product = (u128)(key.low ^ seed) * (key.high ^ (seed << 32 | seed >> 32 | 1));
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t hash_of(uint64_t seed, const fh_tally_cell *c) {
    return c->size <= FH_WORD_SHORT ? hash_short(seed, c->key) : c->key.low;
}

static fh_span word_of(const fh_tally_table *t, const fh_tally_cell *c) fh_view(1, 2) {
    if (c->size <= FH_WORD_SHORT)
        return fh_word_key_view(&c->key, c->size);
    return fh_span_sub(fh_buf_view(&t->text), c->key.high, c->size);
}

/* The cell of a short word, or the empty one where it would go. */
static inline size_t find_short(fh_tally_cells cells, uint64_t hash, fh_word_key key, size_t size) {
    size_t mask = cells.count - 1;
    for (size_t at = (size_t)hash & mask;; at = (at + 1) & mask) {
        const fh_tally_cell *c = fh_tally_cells_at(cells, at);
        if (FH_LIKELY(c->key.low == key.low && c->key.high == key.high && c->size == size) || c->count == 0)
            return at;
    }
}

/* The same of a long one. */
static size_t find_long(const fh_tally_table *t, uint64_t hash, fh_span word) {
    size_t mask = t->cells.count - 1;
    for (size_t at = (size_t)hash & mask;; at = (at + 1) & mask) {
        const fh_tally_cell *c = fh_tally_cells_at(t->cells, at);
        if (c->count == 0 || (c->size == word.size && c->key.low == hash && fh_span_equal(word_of(t, c), word)))
            return at;
    }
}

/* Twice the room, or the first. FH_NOMEM and FH_LIMIT change nothing. */
static fh_status grow(fh_ref fh_allocator *a, uint64_t seed, fh_mut fh_tally_table *t) {
    fh_tally_cells wider;
    if (t->used > WORDS_MAX)
        return FH_STATUS(FH_LIMIT);
    FH_TRY(fh_tally_cells_new(a, t->cells.count != 0 ? 2 * t->cells.count : CELLS_MIN, &wider));
    for (size_t i = 0; i < t->cells.count; i++) {
        fh_tally_cell c = fh_tally_cells_get(t->cells, i);
        if (c.count == 0)
            continue;
        size_t at = (size_t)hash_of(seed, &c) & (wider.count - 1);
        while (fh_tally_cells_at(wider, at)->count != 0)
            at = (at + 1) & (wider.count - 1);
        fh_tally_cells_set(wider, at, c);
    }
    fh_tally_cells_free(a, &t->cells);
    t->cells = wider;
    return FH_DONE;
}

/* One cell more is in use. */
static fh_status use_cell(fh_ref fh_allocator *a, uint64_t seed, fh_mut fh_tally_table *t) {
    t->used++;
    return t->used > t->cells.count / 2 ? grow(a, seed, t) : FH_DONE;
}

/* Counts a short word `count` times, in a table that has cells. After a failure the table is good for nothing. */
static inline fh_status put_short(fh_ref fh_allocator *a, uint64_t seed, fh_mut fh_tally_table *t, fh_word_key key, size_t size,
                                  uint64_t count) {
    fh_tally_cell *c = fh_tally_cells_at(t->cells, find_short(t->cells, hash_short(seed, key), key, size));
    uint64_t before = c->count;
    c->count = before + count;
    if (FH_LIKELY(before != 0))
        return FH_DONE;
    c->key = key;
    c->size = size;
    return use_cell(a, seed, t);
}

/* The same for a long one. */
static fh_status put_long(fh_ref fh_allocator *a, uint64_t seed, fh_mut fh_tally_table *t, uint64_t hash, fh_span word,
                          uint64_t count) {
    fh_tally_cell *c = fh_tally_cells_at(t->cells, find_long(t, hash, word));
    uint64_t before = c->count;
    c->count = before + count;
    if (before != 0)
        return FH_DONE;
    c->key = (fh_word_key){hash, t->text.size};
    c->size = word.size;
    FH_TRY(fh_buf_put(&t->text, word));
    return use_cell(a, seed, t);
}

/* Ends what a table has; it is empty then. */
static void empty_table(fh_ref fh_allocator *a, fh_mut fh_tally_table *t) {
    fh_tally_cells_free(a, &t->cells);
    fh_buf_deinit(&t->text);
    t->cells = (fh_tally_cells){NULL, 0};
    t->text = (fh_buf){.at = NULL};
    t->used = 0;
}

/* --- all of them ------------------------------------------------------------------------------------------------------ */

fh_status fh_tally_new(fh_allocator *a, uint64_t seed, fh_tally **out, fh_err *err) {
    *out = NULL;
    fh_tally *t = fh_alloc(a, 1, sizeof *t);
    if (t == NULL)
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "no memory to count words");
    *t = (fh_tally){.allocator = a, .seed = fh_mix64(seed)};
    fh_buf_init(&t->words.text, a, 0);
    *out = t;
    return FH_DONE;
}

/* Ends the tables of the threads. */
static void end_tables(fh_mut fh_tally *t) {
    for (size_t i = 0; i < t->tables.count; i++)
        empty_table(t->allocator, fh_tally_tables_at(t->tables, i));
    fh_tally_tables_free(t->allocator, &t->tables);
    t->tables = (fh_tally_tables){NULL, 0};
}

void fh_tally_free(fh_tally *t) {
    if (t == NULL)
        return;
    end_tables(t);
    fh_tally_tables_free(t->allocator, &t->tables);
    fh_tally_cells_free(t->allocator, &t->words.cells);
    fh_buf_deinit(&t->words.text);
    fh_u32s_free(t->allocator, &t->order);
    fh_free(t->allocator, t);
}

/* Puts the words of a table into `words`. */
static fh_status put_words(fh_ref fh_allocator *a, uint64_t seed, fh_mut fh_tally_table *words, const fh_tally_table *from) {
    for (size_t i = 0; i < from->cells.count; i++) {
        const fh_tally_cell *c = fh_tally_cells_at(from->cells, i);
        if (c->count == 0)
            continue;
        if (c->size <= FH_WORD_SHORT)
            FH_TRY(put_short(a, seed, words, c->key, c->size, c->count));
        else
            FH_TRY(put_long(a, seed, words, c->key.low, word_of(from, c), c->count));
    }
    return FH_DONE;
}

/* Brings the tables of the threads together. */
static fh_status gather(fh_mut fh_tally *t) {
    if (t->words.cells.count == 0)
        FH_TRY(grow(t->allocator, t->seed, &t->words));
    for (size_t i = 0; i < t->tables.count; i++)
        FH_TRY(put_words(t->allocator, t->seed, &t->words, fh_tally_tables_at(t->tables, i)));
    end_tables(t);
    return FH_DONE;
}

/* A table for each of `count` threads. */
static fh_status widen(fh_mut fh_tally *t, size_t count) {
    if (t->tables.count >= count)
        return FH_DONE;
    FH_TRY(gather(t));
    FH_TRY(fh_tally_tables_new(t->allocator, count, &t->tables));
    for (size_t i = 0; i < count; i++)
        fh_buf_init(&fh_tally_tables_at(t->tables, i)->text, t->allocator, 0);
    return FH_DONE;
}

/* What the threads of one fh_tally_add share. */
typedef struct fh_tally_job {
    const fh_tally *tally; /* a thread changes its own table alone */
    fh_views texts;
    fh_owned fh_tally_cuts cuts; /* one more than parts */
} fh_tally_job;

/* Cuts the texts into parts of about equal size. */
static void cut_texts(fh_views texts, fh_tally_cuts cuts) {
    size_t parts = cuts.count - 1, at = 0, part = 1;
    uint64_t whole = 0, before = 0;
    for (size_t i = 0; i < texts.count; i++)
        whole += fh_views_get(texts, i).size;
    for (size_t i = 0; i < texts.count; i++, at = 0) {
        fh_span text = fh_views_get(texts, i);
        for (; part < parts && before + text.size > whole / parts * part; part++) {
            uint64_t wanted = whole / parts * part;
            size_t from = wanted > before + at ? (size_t)(wanted - before) : at;
            at = fh_split_cut(text, from);
            fh_tally_cuts_set(cuts, part, (fh_tally_cut){i, at});
        }
        before += text.size;
    }
    for (; part <= parts; part++)
        fh_tally_cuts_set(cuts, part, (fh_tally_cut){texts.count, 0});
}

static fh_status count_text(const fh_tally *tally, fh_mut fh_tally_table *table, fh_gaps_fn *find, fh_span text) {
    fh_split split;
    fh_split_start(find, text, &split);
    for (fh_range word; fh_split_step(find, &split, &word);) {
        size_t size = word.to - word.from;
        if (FH_LIKELY(size <= FH_WORD_SHORT)) {
            FH_TRY(put_short(tally->allocator, tally->seed, table, fh_word_key_of(text, word.from, size), size, 1));
        } else {
            fh_span bytes = fh_span_sub(text, word.from, size);
            FH_TRY(put_long(tally->allocator, tally->seed, table, fh_hash_bytes(tally->seed, bytes), bytes, 1));
        }
    }
    return FH_DONE;
}

static void count_part(void *arg, unsigned part, unsigned parts) {
    (void)parts;
    const fh_tally_job *job = arg;
    fh_tally_table *table = fh_tally_tables_at(job->tally->tables, part);
    fh_gaps_fn *find = fh_gaps_best();
    if (table->cells.count == 0)
        table->status = grow(job->tally->allocator, job->tally->seed, table);
    fh_tally_cut from = fh_tally_cuts_get(job->cuts, part), to = fh_tally_cuts_get(job->cuts, part + 1);
    for (size_t i = from.text; i < job->texts.count && i <= to.text && !fh_failed(table->status); i++) {
        fh_span text = fh_views_get(job->texts, i);
        size_t begin = i == from.text ? from.at : 0, end = i == to.text ? to.at : text.size;
        table->status = count_text(job->tally, table, find, fh_span_sub(text, begin, end - begin));
    }
}

static fh_status fail(fh_status s, fh_mut fh_err *err) {
    if (s.code == FH_LIMIT)
        return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "more than %u distinct words", WORDS_MAX);
    return fh_fail(err, s.code, FH_NO_OFFSET, "no memory to count words");
}

fh_status fh_tally_add(fh_tally *t, const fh_par *par, fh_views texts, fh_err *err) {
    size_t parts = par != NULL && par->width > 1 ? par->width : 1;
    fh_status widened = widen(t, parts);
    if (fh_failed(widened))
        return fail(widened, err);
    fh_tally_job job = {.tally = t, .texts = texts};
    if (fh_failed(fh_tally_cuts_new(t->allocator, parts + 1, &job.cuts)))
        return fail(FH_STATUS(FH_NOMEM), err);
    cut_texts(texts, job.cuts);
    fh_par_run(par, count_part, &job);
    fh_tally_cuts_free(t->allocator, &job.cuts);
    fh_u32s_free(t->allocator, &t->order);
    t->order = (fh_u32s){NULL, 0};
    for (size_t i = 0; i < parts; i++) {
        fh_status s = fh_tally_tables_at(t->tables, i)->status;
        if (fh_failed(s))
            return fail(s, err);
    }
    return FH_DONE;
}

/* --- the result --------------------------------------------------------------------------------------------------------- */

/* True if cell a comes before cell b. */
static bool before(const fh_tally_table *t, uint32_t a, uint32_t b) {
    const fh_tally_cell *m = fh_tally_cells_at(t->cells, a), *n = fh_tally_cells_at(t->cells, b);
    return m->count != n->count ? m->count > n->count : fh_span_compare(word_of(t, m), word_of(t, n)) < 0;
}

/* Merges the sorted runs [from, middle) and [middle, to) of `in`. */
static void merge_runs(const fh_tally_table *t, fh_u32s in, fh_u32s out, size_t from, size_t middle, size_t to) {
    size_t a = from, b = middle;
    for (size_t i = from; i < to; i++) {
        bool left = b == to || (a < middle && !before(t, fh_u32s_get(in, b), fh_u32s_get(in, a)));
        fh_u32s_set(out, i, fh_u32s_get(in, left ? a++ : b++));
    }
}

/* Sorts the cells of a table that are in use into `order`; `other` has the same room. */
static void sort_cells(const fh_tally_table *t, fh_u32s order, fh_u32s other) {
    size_t count = 0;
    bool there = false; /* the runs are in `other` */
    for (size_t i = 0; i < t->cells.count; i++)
        if (fh_tally_cells_at(t->cells, i)->count != 0)
            fh_u32s_set(order, count++, (uint32_t)i);
    for (size_t run = 1; run < count; run *= 2, there = !there) {
        for (size_t from = 0; from < count; from += 2 * run) {
            size_t middle = count - from > run ? from + run : count, to = count - from > 2 * run ? from + 2 * run : count;
            merge_runs(t, there ? other : order, there ? order : other, from, middle, to);
        }
    }
    if (there)
        fh_span_copy(fh_u32s_bytes(order), fh_span_of_mut(fh_u32s_bytes(other)));
}

static fh_status sort(fh_mut fh_tally *t) {
    FH_TRY(gather(t));
    fh_u32s order, other;
    FH_TRY(fh_u32s_new(t->allocator, t->words.used, &order));
    fh_status s = fh_u32s_new(t->allocator, t->words.used, &other);
    if (fh_failed(s)) {
        fh_u32s_free(t->allocator, &order);
        return s;
    }
    sort_cells(&t->words, order, other);
    fh_u32s_free(t->allocator, &other);
    fh_u32s_free(t->allocator, &t->order);
    t->order = order;
    return FH_DONE;
}

fh_status fh_tally_sort(fh_tally *t, fh_err *err) {
    fh_status s = sort(t);
    return fh_failed(s) ? fail(s, err) : FH_DONE;
}

static uint64_t total_of(const fh_tally_table *t) {
    uint64_t total = 0;
    for (size_t i = 0; i < t->cells.count; i++)
        total += fh_tally_cells_at(t->cells, i)->count;
    return total;
}

uint64_t fh_tally_total(const fh_tally *t) {
    uint64_t total = total_of(&t->words);
    for (size_t i = 0; i < t->tables.count; i++)
        total += total_of(fh_tally_tables_at(t->tables, i));
    return total;
}

size_t fh_tally_distinct(const fh_tally *t) {
    return t->order.count;
}

uint64_t fh_tally_get(const fh_tally *t, size_t i, fh_span *word) {
    const fh_tally_cell *c = fh_tally_cells_at(t->words.cells, fh_u32s_get(t->order, i));
    *word = word_of(&t->words, c);
    return c->count;
}
