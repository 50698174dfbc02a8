/* tally.c: how often each word occurs.
 *
 * Each thread counts into a table of its own, so that no memory is written by two; fh_tally_sort then puts them together. A
 * table is a list of entries in the order in which words came, and cells that lead to them: open addressing, a cell holds 32
 * bits of the hash and the entry's number plus 1. A word of up to 16 bytes is compared as two numbers, a longer one by its hash
 * and its bytes. Hashes depend on the seed, so that whoever does not know it cannot make words that meet.
 *
 * Invariants of a table: at most half of the cells are in use, so every probe ends; the bytes of its words lie one behind the
 * other in `text`. The texts are cut at white space into as many parts of about equal size as there are threads.
 * Threading: words.h. */
#include "freehold/buf.h"
#include "freehold/hash.h"
#include "freehold/words.h"
#include "text/kern/word.h"

enum { CELLS_MIN = 1024 };
#define ENTRIES_MAX (UINT32_MAX / 2)

/* A word and its count. */
typedef struct fh_tally_entry {
    uint64_t hash, count;
    fh_word_key key; /* of a short word */
    size_t at, size; /* in the table's text */
} fh_tally_entry;
FH_SPAN_DEFINE(tally_entry, fh_tally_entry);
FH_ARRAY_DEFINE(tally_entry);

/* The words of one thread. */
typedef struct fh_tally_table {
    fh_owned fh_tally_entrys entries; /* room; `count` are in use */
    fh_owned fh_u64s cells;           /* a power of two, twice the entries' room */
    fh_owned fh_buf text;
    size_t count;
    uint64_t total;
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
    fh_owned fh_u32s order;          /* its entries, sorted; empty before that */
};

/* --- one table -------------------------------------------------------------------------------------------------------- */

/* A word on its way into a table. */
typedef struct fh_tally_probe {
    fh_span word;
    uint64_t hash;
    fh_word_key key;
} fh_tally_probe;

__extension__ typedef unsigned __int128 u128;

/* Both halves of a product of 128 bits, one over the other: the mixer of wyhash (Wang Yi), with secrets for both factors. */
static uint64_t fold(uint64_t a, uint64_t b) {
    u128 product = (u128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline fh_tally_probe probe_of(uint64_t seed, fh_span text, fh_range word) {
    size_t size = word.to - word.from;
    fh_tally_probe p = {.word = fh_span_sub(text, word.from, size)};
    if (FH_UNLIKELY(size > FH_WORD_SHORT)) {
        p.hash = fh_hash_bytes(seed, p.word);
        return p;
    }
    p.key = fh_word_key_of(text, word.from, size);
    p.hash = fold(p.key.low ^ seed, p.key.high ^ (seed << 32 | seed >> 32 | 1));
    return p;
}

static inline bool same(const fh_tally_table *t, const fh_tally_entry *e, const fh_tally_probe *p) {
    return e->hash == p->hash && e->size == p->word.size && e->key.low == p->key.low && e->key.high == p->key.high &&
           (e->size <= FH_WORD_SHORT || fh_span_equal(fh_span_sub(fh_buf_view(&t->text), e->at, e->size), p->word));
}

/* The cell of a word, or the empty one where it would go. */
static inline size_t cell_of(const fh_tally_table *t, const fh_tally_probe *p) {
    size_t mask = t->cells.count - 1, at = (size_t)p->hash & mask;
    for (;; at = (at + 1) & mask) {
        uint64_t cell = fh_u64s_get(t->cells, at);
        if (cell == 0 || (cell >> 32 == p->hash >> 32 &&
                          same(t, fh_tally_entrys_at(t->entries, (size_t)(uint32_t)cell - 1), p)))
            return at;
    }
}

static uint64_t cell_word(uint64_t hash, size_t entry) {
    return hash >> 32 << 32 | (uint32_t)(entry + 1);
}

/* Twice the room. FH_NOMEM and FH_LIMIT change nothing. */
static fh_status grow(fh_ref fh_allocator *a, fh_mut fh_tally_table *t) {
    size_t cells = t->cells.count != 0 ? 2 * t->cells.count : CELLS_MIN;
    if (cells / 2 > ENTRIES_MAX)
        return FH_STATUS(FH_LIMIT);
    fh_u64s wider;
    fh_tally_entrys more;
    FH_TRY(fh_u64s_new(a, cells, &wider));
    fh_status s = fh_tally_entrys_new(a, cells / 2, &more);
    if (fh_failed(s)) {
        fh_u64s_free(a, &wider);
        return s;
    }
    for (size_t i = 0; i < t->count; i++) {
        fh_tally_entry e = fh_tally_entrys_get(t->entries, i);
        size_t at = (size_t)e.hash & (cells - 1);
        while (fh_u64s_get(wider, at) != 0)
            at = (at + 1) & (cells - 1);
        fh_u64s_set(wider, at, cell_word(e.hash, i));
        fh_tally_entrys_set(more, i, e);
    }
    fh_tally_entrys_free(a, &t->entries);
    fh_u64s_free(a, &t->cells);
    t->entries = more;
    t->cells = wider;
    return FH_DONE;
}

/* Takes in a word that is not there. A failure changes nothing. */
static fh_status enter(fh_ref fh_allocator *a, fh_mut fh_tally_table *t, const fh_tally_probe *p, uint64_t count) {
    if (t->count == t->entries.count)
        FH_TRY(grow(a, t));
    fh_tally_entry e = {.hash = p->hash, .key = p->key, .count = count, .at = t->text.size, .size = p->word.size};
    FH_TRY(fh_buf_put(&t->text, p->word));
    fh_tally_entrys_set(t->entries, t->count, e);
    fh_u64s_set(t->cells, cell_of(t, p), cell_word(p->hash, t->count));
    t->count++;
    return FH_DONE;
}

/* Counts a word `count` times. A failure changes nothing. */
static inline fh_status put(fh_ref fh_allocator *a, fh_mut fh_tally_table *t, const fh_tally_probe *p, uint64_t count) {
    uint64_t found = t->count != 0 ? fh_u64s_get(t->cells, cell_of(t, p)) : 0;
    if (FH_UNLIKELY(found == 0))
        FH_TRY(enter(a, t, p, count));
    else
        fh_tally_entrys_at(t->entries, (size_t)(uint32_t)found - 1)->count += count;
    t->total += count;
    return FH_DONE;
}

/* Ends what a table has; it is empty then. */
static void empty_table(fh_ref fh_allocator *a, fh_mut fh_tally_table *t) {
    fh_tally_entrys_free(a, &t->entries);
    fh_u64s_free(a, &t->cells);
    fh_buf_deinit(&t->text);
    t->entries = (fh_tally_entrys){NULL, 0};
    t->cells = (fh_u64s){NULL, 0};
    t->text = (fh_buf){.at = NULL};
    t->count = 0;
    t->total = 0;
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
    fh_tally_entrys_free(t->allocator, &t->words.entries);
    fh_u64s_free(t->allocator, &t->words.cells);
    fh_buf_deinit(&t->words.text);
    fh_u32s_free(t->allocator, &t->order);
    fh_free(t->allocator, t);
}

/* Puts the words of a table into `words`. */
static fh_status put_words(fh_ref fh_allocator *a, fh_mut fh_tally_table *words, const fh_tally_table *from) {
    for (size_t k = 0; k < from->count; k++) {
        const fh_tally_entry *e = fh_tally_entrys_at(from->entries, k);
        fh_tally_probe p = {fh_span_sub(fh_buf_view(&from->text), e->at, e->size), e->hash, e->key};
        FH_TRY(put(a, words, &p, e->count));
    }
    return FH_DONE;
}

/* Brings the tables of the threads together. */
static fh_status gather(fh_mut fh_tally *t) {
    for (size_t i = 0; i < t->tables.count; i++)
        FH_TRY(put_words(t->allocator, &t->words, fh_tally_tables_at(t->tables, i)));
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

static fh_status count_text(const fh_tally *tally, fh_mut fh_tally_table *table, fh_span text) {
    fh_split split = fh_split_begin(text);
    for (fh_range word; fh_split_next(&split, &word);) {
        fh_tally_probe p = probe_of(tally->seed, text, word);
        FH_TRY(put(tally->allocator, table, &p, 1));
    }
    return FH_DONE;
}

static void count_part(void *arg, unsigned part, unsigned parts) {
    (void)parts;
    const fh_tally_job *job = arg;
    fh_tally_table *table = fh_tally_tables_at(job->tally->tables, part);
    fh_tally_cut from = fh_tally_cuts_get(job->cuts, part), to = fh_tally_cuts_get(job->cuts, part + 1);
    for (size_t i = from.text; i < job->texts.count && i <= to.text && !fh_failed(table->status); i++) {
        fh_span text = fh_views_get(job->texts, i);
        size_t begin = i == from.text ? from.at : 0, end = i == to.text ? to.at : text.size;
        table->status = count_text(job->tally, table, fh_span_sub(text, begin, end - begin));
    }
}

static fh_status fail(fh_status s, fh_mut fh_err *err) {
    if (s.code == FH_LIMIT)
        return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "more than %u distinct words", ENTRIES_MAX);
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

static fh_span word_of(const fh_tally_table *t, uint32_t entry) fh_view(1) {
    const fh_tally_entry *e = fh_tally_entrys_at(t->entries, entry);
    return fh_span_sub(fh_buf_view(&t->text), e->at, e->size);
}

/* True if entry a comes before entry b. */
static bool before(const fh_tally_table *t, uint32_t a, uint32_t b) {
    uint64_t m = fh_tally_entrys_at(t->entries, a)->count, n = fh_tally_entrys_at(t->entries, b)->count;
    return m != n ? m > n : fh_span_compare(word_of(t, a), word_of(t, b)) < 0;
}

/* Merges the sorted runs [from, middle) and [middle, to) of `in`. */
static void merge_runs(const fh_tally_table *t, fh_u32s in, fh_u32s out, size_t from, size_t middle, size_t to) {
    size_t a = from, b = middle;
    for (size_t i = from; i < to; i++) {
        bool left = b == to || (a < middle && !before(t, fh_u32s_get(in, b), fh_u32s_get(in, a)));
        fh_u32s_set(out, i, fh_u32s_get(in, left ? a++ : b++));
    }
}

/* Sorts the entries of a table into `order`; `other` has the same room. */
static void sort_entries(const fh_tally_table *t, fh_u32s order, fh_u32s other) {
    size_t count = order.count;
    bool there = false; /* the runs are in `other` */
    for (size_t i = 0; i < count; i++)
        fh_u32s_set(order, i, (uint32_t)i);
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
    FH_TRY(fh_u32s_new(t->allocator, t->words.count, &order));
    fh_status s = fh_u32s_new(t->allocator, t->words.count, &other);
    if (fh_failed(s)) {
        fh_u32s_free(t->allocator, &order);
        return s;
    }
    sort_entries(&t->words, order, other);
    fh_u32s_free(t->allocator, &other);
    fh_u32s_free(t->allocator, &t->order);
    t->order = order;
    return FH_DONE;
}

fh_status fh_tally_sort(fh_tally *t, fh_err *err) {
    fh_status s = sort(t);
    return fh_failed(s) ? fail(s, err) : FH_DONE;
}

uint64_t fh_tally_total(const fh_tally *t) {
    uint64_t total = t->words.total;
    for (size_t i = 0; i < t->tables.count; i++)
        total += fh_tally_tables_at(t->tables, i)->total;
    return total;
}

size_t fh_tally_distinct(const fh_tally *t) {
    return t->order.count;
}

uint64_t fh_tally_get(const fh_tally *t, size_t i, fh_span *word) {
    uint32_t entry = fh_u32s_get(t->order, i);
    *word = word_of(&t->words, entry);
    return fh_tally_entrys_at(t->words.entries, entry)->count;
}
