/* moments_read.c: reading a report of memory from a file that anybody may have written.
 *
 * Each object of the report is read by one function that knows its keys; unknown keys are skipped with all that is in them,
 * so that a later version may say more. Numbers are whole and at most FH_MOMENT_NUMBER_MAX, names become printable ASCII
 * (fh_memory_label), rows and moments are counted before room is made for them. What a report claims is not checked against
 * itself: a live process was read while it worked.
 *
 * Threading: the main thread. */
#include "apps/moments.h"

#include "freehold/json.h"

enum { ROWS_FIRST = 32 };

typedef struct reader {
    fh_json json;
    fh_ref fh_allocator *allocator;
    fh_err *err;
} reader;

static fh_status refuse(const reader *r, fh_json_token t, fh_code code, const char *what) {
    return fh_fail(r->err, code, t.offset_bytes, "%s", what);
}

static fh_status next(reader *r, fh_out fh_view(*1) fh_json_token *t) {
    return fh_json_next(&r->json, t, r->err);
}

/* The next token, which must be of a kind; `what` says what was expected. */
static fh_status expect(reader *r, fh_json_kind kind, fh_out fh_view(*1) fh_json_token *t, const char *what) {
    FH_TRY(next(r, t));
    return t->kind == kind ? FH_DONE : refuse(r, *t, FH_CORRUPT, what);
}

static fh_status read_number(reader *r, uint64_t *out) {
    fh_json_token t;
    int64_t n = 0;
    FH_TRY(expect(r, FH_JSON_NUMBER, &t, "expected a whole number"));
    FH_TRY(fh_json_i64(t, &n, r->err));
    if (n < 0 || (uint64_t)n > FH_MOMENT_NUMBER_MAX)
        return refuse(r, t, FH_LIMIT, "expected a number from 0 to 2^50");
    *out = (uint64_t)n;
    return FH_DONE;
}

/* A text, made fit to be shown (fh_memory_label). */
static fh_status read_name(reader *r, fh_memory_label *out) {
    fh_json_token t;
    FH_TRY(expect(r, FH_JSON_STRING, &t, "expected a text"));
    fh_auto(fh_buf_deinit) fh_buf text;
    fh_buf_init(&text, r->allocator, 0);
    FH_TRY(fh_json_text(t, &text, r->err));
    *out = fh_memory_label_of(fh_buf_view(&text));
    return FH_DONE;
}

static fh_status read_kind(reader *r, fh_memory_kind *out) {
    fh_json_token t;
    FH_TRY(expect(r, FH_JSON_STRING, &t, "expected a kind of owner"));
    for (int kind = 0; kind < FH_MEMORY_KINDS; kind++) {
        *out = (fh_memory_kind)kind;
        if (fh_span_is(t.raw, fh_memory_kind_name(*out)))
            return FH_DONE;
    }
    return refuse(r, t, FH_CORRUPT, "expected a kind of owner: heap, pool, arena, pages, cache, store or file");
}

/* A number of an object, under its key. */
typedef struct field {
    const char *key;
    uint64_t *at;
} field;
FH_SPAN_DEFINE(field, field);

/* Reads the value of `key` into the field of that name, or skips it. */
static fh_status read_field(reader *r, fh_json_token key, fh_fields fields) {
    for (size_t i = 0; i < fields.count; i++) {
        const field *f = fh_fields_at(fields, i);
        if (fh_span_is(key.raw, f->key))
            return read_number(r, f->at);
    }
    fh_json_token value;
    FH_TRY(next(r, &value));
    return fh_json_skip(&r->json, value, r->err);
}

/* --- the objects ------------------------------------------------------------------------------------------------------ */

static fh_status read_row(reader *r, fh_memory_row *row) {
    field fields[] = {
        {"id", &row->id},
        {"object_bytes", &row->object_bytes},
        {"live", &row->live.count},
        {"live_bytes", &row->live.bytes},
        {"cached", &row->cached.count},
        {"cached_bytes", &row->cached.bytes},
        {"quarantined", &row->quarantined.count},
        {"quarantined_bytes", &row->quarantined.bytes},
        {"retired", &row->retired.count},
        {"retired_bytes", &row->retired.bytes},
        {"committed_bytes", &row->committed_bytes},
        {"reserved_bytes", &row->reserved_bytes},
        {"heap_bytes", &row->heap_bytes},
        {"peak_bytes", &row->peak_bytes},
        {"refusals", &row->refusals},
    };
    bool kind = false, name = false;
    fh_json_token t;
    for (;;) {
        FH_TRY(next(r, &t));
        if (t.kind == FH_JSON_OBJECT_END)
            break;
        if (fh_span_is(t.raw, "kind")) {
            kind = true;
            FH_TRY(read_kind(r, &row->kind));
        } else if (fh_span_is(t.raw, "name")) {
            name = true;
            FH_TRY(read_name(r, &row->name));
        } else {
            FH_TRY(read_field(r, t, (fh_fields){fields, sizeof fields / sizeof fields[0]}));
        }
    }
    return kind && name ? FH_DONE : refuse(r, t, FH_CORRUPT, "an owner without a kind or without a name ends here");
}

/* Makes room for `count` rows, at least as many as are in use. */
static fh_status make_room(fh_memory *m, size_t used, size_t count) {
    fh_memory_rows rows;
    FH_TRY(fh_memory_rows_new(m->allocator, count, &rows));
    for (size_t i = 0; i < used; i++)
        fh_memory_rows_set(rows, i, fh_memory_rows_get(m->rows, i));
    fh_memory_rows_free(m->allocator, &m->rows);
    m->rows = rows;
    return FH_DONE;
}

static fh_status read_owners(reader *r, fh_memory *m) {
    fh_json_token t;
    size_t used = 0;
    FH_TRY(expect(r, FH_JSON_ARRAY, &t, "expected a list of owners"));
    if (m->rows.count != 0)
        return refuse(r, t, FH_CORRUPT, "a second list of owners");
    for (;;) {
        FH_TRY(next(r, &t));
        if (t.kind == FH_JSON_ARRAY_END)
            break;
        if (t.kind != FH_JSON_OBJECT)
            return refuse(r, t, FH_CORRUPT, "expected an owner, which is an object");
        if (used == FH_MOMENT_ROWS_MAX)
            return refuse(r, t, FH_LIMIT, "expected at most 4096 owners");
        if (used == m->rows.count)
            FH_TRY(make_room(m, used, used == 0 ? ROWS_FIRST : 2 * used));
        FH_TRY(read_row(r, fh_memory_rows_at(m->rows, used)));
        used++;
    }
    return make_room(m, used, used);
}

static fh_status read_heap(reader *r, fh_alloc_stats *heap) {
    field fields[] = {{"live", &heap->live}, {"live_bytes", &heap->live_bytes}, {"peak_bytes", &heap->peak_bytes},
                      {"allocs", &heap->allocs}, {"failures", &heap->failures}};
    fh_json_token t;
    FH_TRY(expect(r, FH_JSON_OBJECT, &t, "expected what the heap has, an object"));
    for (;;) {
        FH_TRY(next(r, &t));
        if (t.kind == FH_JSON_OBJECT_END)
            return FH_DONE;
        FH_TRY(read_field(r, t, (fh_fields){fields, sizeof fields / sizeof fields[0]}));
    }
}

static fh_status read_version(reader *r, fh_json_token key) {
    uint64_t version = 0;
    FH_TRY(read_number(r, &version));
    return version == 1 ? FH_DONE : refuse(r, key, FH_UNSUPPORTED, "a report of another version than 1");
}

/* The members of one memory object from `key` on, which was read already. */
static fh_status read_memory(reader *r, fh_json_token key, fh_memory *m) {
    field fields[] = {{"resident_peak_bytes", &m->resident_peak_bytes}};
    bool version = false;
    while (key.kind != FH_JSON_OBJECT_END) {
        if (fh_span_is(key.raw, "freehold_memory")) {
            version = true;
            FH_TRY(read_version(r, key));
        } else if (fh_span_is(key.raw, "heap")) {
            FH_TRY(read_heap(r, &m->heap));
        } else if (fh_span_is(key.raw, "owners")) {
            FH_TRY(read_owners(r, m));
        } else {
            FH_TRY(read_field(r, key, (fh_fields){fields, 1}));
        }
        FH_TRY(next(r, &key));
    }
    return version ? FH_DONE : refuse(r, key, FH_CORRUPT, "a report without \"freehold_memory\" ends here");
}

static fh_status read_moment(reader *r, fh_moment *m) {
    fh_json_token t;
    bool memory = false;
    for (;;) {
        FH_TRY(next(r, &t));
        if (t.kind == FH_JSON_OBJECT_END)
            break;
        if (fh_span_is(t.raw, "moment")) {
            FH_TRY(read_name(r, &m->name));
        } else if (fh_span_is(t.raw, "doing")) {
            FH_TRY(read_name(r, &m->doing));
        } else if (fh_span_is(t.raw, "memory")) {
            if (memory)
                return refuse(r, t, FH_CORRUPT, "a second \"memory\" of one moment");
            memory = true;
            FH_TRY(expect(r, FH_JSON_OBJECT, &t, "expected a report of memory, an object"));
            FH_TRY(next(r, &t));
            FH_TRY(read_memory(r, t, &m->memory));
        } else {
            FH_TRY(read_field(r, t, (fh_fields){NULL, 0}));
        }
    }
    return memory ? FH_DONE : refuse(r, t, FH_CORRUPT, "a moment without \"memory\" ends here");
}

/* A list of moments. */
static fh_status read_moments(reader *r, fh_moments *out) {
    fh_json_token t;
    FH_TRY(expect(r, FH_JSON_ARRAY, &t, "expected a list of moments"));
    for (;;) {
        FH_TRY(next(r, &t));
        if (t.kind == FH_JSON_ARRAY_END)
            return FH_DONE;
        if (t.kind != FH_JSON_OBJECT)
            return refuse(r, t, FH_CORRUPT, "expected a moment, which is an object");
        if (out->count == FH_MOMENTS_MAX)
            return refuse(r, t, FH_LIMIT, "expected at most 16 moments");
        fh_moment *m = &out->at[out->count++];
        FH_TRY(read_moment(r, m));
    }
}

/* The report as a whole: moments, or the memory of one. Which it is, its first key tells. */
static fh_status read_report(reader *r, fh_moments *out) {
    fh_json_token t;
    FH_TRY(expect(r, FH_JSON_OBJECT, &t, "expected a report of memory, which is an object"));
    FH_TRY(next(r, &t));
    if (fh_span_is(t.raw, "freehold_memory")) {
        out->count = 1;
        FH_TRY(read_memory(r, t, &out->at[0].memory));
    } else if (fh_span_is(t.raw, "freehold_memory_report")) {
        FH_TRY(read_version(r, t));
        for (;;) {
            FH_TRY(next(r, &t));
            if (t.kind == FH_JSON_OBJECT_END)
                break;
            if (fh_span_is(t.raw, "moments"))
                FH_TRY(read_moments(r, out));
            else
                FH_TRY(read_field(r, t, (fh_fields){NULL, 0}));
        }
    } else {
        return refuse(r, t, FH_CORRUPT, "expected \"freehold_memory_report\" or \"freehold_memory\" first");
    }
    if (out->count == 0)
        return refuse(r, t, FH_CORRUPT, "a report without moments");
    return expect(r, FH_JSON_END, &t, "expected the end");
}

fh_status fh_moments_read(fh_allocator *a, fh_span json, fh_moments *out, fh_err *err) {
    reader r = {.allocator = a, .err = err};
    fh_json_init(&r.json, json);
    *out = (fh_moments){.count = 0};
    for (size_t i = 0; i < FH_MOMENTS_MAX; i++)
        out->at[i].memory.allocator = a;
    fh_status s = read_report(&r, out);
    if (fh_failed(s))
        fh_moments_deinit(out);
    return s;
}

void fh_moments_deinit(fh_moments *m) {
    for (size_t i = 0; i < m->count; i++)
        fh_memory_deinit(&m->at[i].memory);
    m->count = 0;
}

/* --- what is to be shown ---------------------------------------------------------------------------------------------- */

/* True if a goes above b. */
static bool is_before(const fh_memory_row *a, const fh_memory_row *b) {
    if (a->committed_bytes != b->committed_bytes)
        return a->committed_bytes > b->committed_bytes;
    return a->reserved_bytes != b->reserved_bytes ? a->reserved_bytes > b->reserved_bytes : a->id < b->id;
}

/* Lets the row at `from` sink to its place in the heap of rows[0 … end), whose root is what goes last. */
static void sink(fh_memory_rows rows, size_t from, size_t end) {
    fh_memory_row row = fh_memory_rows_get(rows, from);
    for (size_t child = 2 * from + 1; child < end; child = 2 * from + 1) {
        if (child + 1 < end && is_before(fh_memory_rows_at(rows, child), fh_memory_rows_at(rows, child + 1)))
            child++;
        if (!is_before(&row, fh_memory_rows_at(rows, child)))
            break;
        fh_memory_rows_set(rows, from, fh_memory_rows_get(rows, child));
        from = child;
    }
    fh_memory_rows_set(rows, from, row);
}

void fh_moment_sort(fh_moment *m) {
    fh_memory_rows rows = m->memory.rows;
    for (size_t i = rows.count / 2; i > 0; i--)
        sink(rows, i - 1, rows.count);
    for (size_t end = rows.count; end > 1; end--) {
        fh_memory_row last = fh_memory_rows_get(rows, 0);
        fh_memory_rows_set(rows, 0, fh_memory_rows_get(rows, end - 1));
        fh_memory_rows_set(rows, end - 1, last);
        sink(rows, 0, end - 1);
    }
}

static fh_memory_part both(fh_memory_part a, fh_memory_part b) {
    return (fh_memory_part){a.count + b.count, a.bytes + b.bytes};
}

fh_memory_row fh_moment_sum(const fh_moment *m, size_t from) {
    fh_memory_row sum = {0};
    for (size_t i = from; i < m->memory.rows.count; i++) {
        const fh_memory_row *row = fh_memory_rows_at(m->memory.rows, i);
        sum.live = both(sum.live, row->live);
        sum.cached = both(sum.cached, row->cached);
        sum.quarantined = both(sum.quarantined, row->quarantined);
        sum.retired = both(sum.retired, row->retired);
        sum.committed_bytes += row->committed_bytes;
        sum.reserved_bytes += row->reserved_bytes;
        sum.heap_bytes += row->heap_bytes;
        sum.refusals += row->refusals;
    }
    return sum;
}

uint64_t fh_row_overhead(const fh_memory_row *row) {
    uint64_t objects = row->live.bytes + row->cached.bytes + row->quarantined.bytes + row->retired.bytes;
    return row->committed_bytes > objects ? row->committed_bytes - objects : 0;
}
