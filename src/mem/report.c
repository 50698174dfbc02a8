/* report.c: the ledger's numbers as a table, as JSON, and in the Prometheus text format.
 *
 * Each format is appended whole or not at all. Names are printable ASCII by the time they come here (fh_memory_label), so
 * the only bytes that need an escape are the quote and the backslash, and both formats that quote escape them alike.
 *
 *     JSON: {"freehold_memory": 1, "heap": {…}, "resident_peak_bytes": n, "committed_bytes": n, "owners": [{…}, …]}
 *
 * `freehold memory` reads that JSON back (src/apps/memory.c): what is added here is added there.
 *
 * Source of the Prometheus format: prometheus.io, "Exposition formats", text format 0.0.4. Threading: none of its own. */
#include "freehold/memory.h"

/* The parts of an owner, in the order in which every format gives them. */
typedef struct part_of_row {
    const char *name;
    fh_memory_part part;
} part_of_row;
enum { PARTS = 4 };
typedef struct parts {
    part_of_row at[PARTS];
} parts;

static parts parts_of(const fh_memory_row *row) {
    return (parts){{
        {"live", row->live}, {"cached", row->cached}, {"quarantined", row->quarantined}, {"retired", row->retired}}};
}

static unsigned long long u(uint64_t n) {
    return n;
}

static uint64_t committed_of(const fh_memory *m) {
    uint64_t sum = 0;
    for (size_t i = 0; i < m->rows.count; i++)
        sum += fh_memory_rows_at(m->rows, i)->committed_bytes;
    return sum;
}

/* A name between quotes. */
static fh_status put_name(fh_buf *out, const char *name) {
    fh_span text = fh_span_of_str(name);
    FH_TRY(fh_buf_put_u8(out, '"'));
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = fh_span_at(text, i);
        if (byte == '"' || byte == '\\')
            FH_TRY(fh_buf_put_u8(out, '\\'));
        FH_TRY(fh_buf_put_u8(out, byte));
    }
    return fh_buf_put_u8(out, '"');
}

/* --- text ------------------------------------------------------------------------------------------------------------- */

static fh_status put_text(const fh_memory *m, fh_buf *out) {
    FH_TRY(fh_buf_format(out, "%-6s %-24s %12s %10s %14s %14s %14s %14s %14s %16s %10s\n", "kind", "name", "object_bytes",
                         "live", "live_bytes", "cached_bytes", "quarantined", "retired", "committed", "reserved",
                         "refusals"));
    for (size_t i = 0; i < m->rows.count; i++) {
        const fh_memory_row *r = fh_memory_rows_at(m->rows, i);
        FH_TRY(fh_buf_format(out, "%-6s %-24s %12llu %10llu %14llu %14llu %14llu %14llu %14llu %16llu %10llu\n",
                             fh_memory_kind_name(r->kind), r->name.text, u(r->object_bytes), u(r->live.count), u(r->live.bytes),
                             u(r->cached.bytes), u(r->quarantined.bytes), u(r->retired.bytes), u(r->committed_bytes),
                             u(r->reserved_bytes), u(r->refusals)));
    }
    return fh_buf_format(out, "committed %llu bytes, heap %llu blocks of %llu bytes (peak %llu), process at most %llu bytes\n",
                         u(committed_of(m)), u(m->heap.live), u(m->heap.live_bytes), u(m->heap.peak_bytes),
                         u(m->resident_peak_bytes));
}

/* --- JSON ------------------------------------------------------------------------------------------------------------- */

static fh_status put_json_row(const fh_memory_row *r, fh_buf *out) {
    FH_TRY(fh_buf_format(out, "\n    {\"kind\": \"%s\", \"name\": ", fh_memory_kind_name(r->kind)));
    FH_TRY(put_name(out, r->name.text));
    FH_TRY(fh_buf_format(out, ", \"id\": %llu, \"object_bytes\": %llu", u(r->id), u(r->object_bytes)));
    parts all = parts_of(r);
    for (size_t i = 0; i < PARTS; i++) {
        const part_of_row *p = &all.at[i];
        FH_TRY(fh_buf_format(out, ", \"%s\": %llu, \"%s_bytes\": %llu", p->name, u(p->part.count), p->name, u(p->part.bytes)));
    }
    return fh_buf_format(out,
                         ", \"committed_bytes\": %llu, \"reserved_bytes\": %llu, \"heap_bytes\": %llu, \"peak_bytes\": %llu,"
                         " \"refusals\": %llu}",
                         u(r->committed_bytes), u(r->reserved_bytes), u(r->heap_bytes), u(r->peak_bytes), u(r->refusals));
}

static fh_status put_json(const fh_memory *m, fh_buf *out) {
    FH_TRY(fh_buf_format(out, "{\n  \"freehold_memory\": 1,\n  \"heap\": {\"live\": %llu, \"live_bytes\": %llu,"
                              " \"peak_bytes\": %llu, \"allocs\": %llu, \"failures\": %llu},\n",
                         u(m->heap.live), u(m->heap.live_bytes), u(m->heap.peak_bytes), u(m->heap.allocs),
                         u(m->heap.failures)));
    FH_TRY(fh_buf_format(out, "  \"resident_peak_bytes\": %llu,\n  \"committed_bytes\": %llu,\n  \"owners\": [",
                         u(m->resident_peak_bytes), u(committed_of(m))));
    for (size_t i = 0; i < m->rows.count; i++) {
        FH_TRY(fh_buf_put(out, i == 0 ? FH_LIT("") : FH_LIT(",")));
        FH_TRY(put_json_row(fh_memory_rows_at(m->rows, i), out));
    }
    return fh_buf_format(out, "\n  ]\n}\n");
}

/* --- Prometheus ------------------------------------------------------------------------------------------------------- */

static fh_status put_family(fh_buf *out, const char *name, const char *type, const char *help) {
    return fh_buf_format(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* One sample of an owner; `state` may be NULL. */
static fh_status put_sample(fh_buf *out, const char *family, const fh_memory_row *r, const char *state, uint64_t value) {
    FH_TRY(fh_buf_format(out, "%s{kind=\"%s\",name=", family, fh_memory_kind_name(r->kind)));
    FH_TRY(put_name(out, r->name.text));
    FH_TRY(fh_buf_format(out, ",id=\"%llu\"", u(r->id)));
    if (state != NULL)
        FH_TRY(fh_buf_format(out, ",state=\"%s\"", state));
    return fh_buf_format(out, "} %llu\n", u(value));
}

static fh_status put_heap(const fh_memory *m, fh_buf *out) {
    const struct {
        const char *name, *type, *help;
        uint64_t value;
    } rows[] = {
        {"freehold_heap_blocks", "gauge", "Blocks of the process heap.", m->heap.live},
        {"freehold_heap_bytes", "gauge", "Their bytes.", m->heap.live_bytes},
        {"freehold_heap_peak_bytes", "gauge", "The most bytes there ever were.", m->heap.peak_bytes},
        {"freehold_heap_allocs_total", "counter", "Blocks ever allocated.", m->heap.allocs},
        {"freehold_heap_failures_total", "counter", "Allocations that failed.", m->heap.failures},
        {"freehold_resident_peak_bytes", "gauge", "The largest the process ever was.", m->resident_peak_bytes},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        FH_TRY(put_family(out, rows[i].name, rows[i].type, rows[i].help));
        FH_TRY(fh_buf_format(out, "%s %llu\n", rows[i].name, u(rows[i].value)));
    }
    return FH_DONE;
}

static fh_status put_prometheus(const fh_memory *m, fh_buf *out) {
    FH_TRY(put_family(out, "freehold_memory_bytes", "gauge", "Memory of an owner by state; reserved includes committed."));
    for (size_t i = 0; i < m->rows.count; i++) {
        const fh_memory_row *r = fh_memory_rows_at(m->rows, i);
        parts all = parts_of(r);
        for (size_t k = 0; k < PARTS; k++)
            FH_TRY(put_sample(out, "freehold_memory_bytes", r, all.at[k].name, all.at[k].part.bytes));
        FH_TRY(put_sample(out, "freehold_memory_bytes", r, "committed", r->committed_bytes));
        FH_TRY(put_sample(out, "freehold_memory_bytes", r, "reserved", r->reserved_bytes));
    }
    FH_TRY(put_family(out, "freehold_memory_objects", "gauge", "Objects of an owner by state."));
    for (size_t i = 0; i < m->rows.count; i++) {
        parts all = parts_of(fh_memory_rows_at(m->rows, i));
        for (size_t k = 0; k < PARTS; k++)
            FH_TRY(put_sample(out, "freehold_memory_objects", fh_memory_rows_at(m->rows, i), all.at[k].name,
                              all.at[k].part.count));
    }
    FH_TRY(put_family(out, "freehold_memory_peak_bytes", "gauge", "The most bytes of an owner that were ever live."));
    for (size_t i = 0; i < m->rows.count; i++)
        FH_TRY(put_sample(out, "freehold_memory_peak_bytes", fh_memory_rows_at(m->rows, i), NULL,
                          fh_memory_rows_at(m->rows, i)->peak_bytes));
    FH_TRY(put_family(out, "freehold_memory_refusals_total", "counter", "Calls that an owner refused."));
    for (size_t i = 0; i < m->rows.count; i++)
        FH_TRY(put_sample(out, "freehold_memory_refusals_total", fh_memory_rows_at(m->rows, i), NULL,
                          fh_memory_rows_at(m->rows, i)->refusals));
    return put_heap(m, out);
}

/* --- all of them ------------------------------------------------------------------------------------------------------ */

fh_status fh_memory_format(const fh_memory *m, fh_report_format format, fh_buf *out) {
    size_t before = out->size;
    fh_status s = FH_STATUS(FH_INVALID);
    switch (format) {
    case FH_REPORT_TEXT: s = put_text(m, out); break;
    case FH_REPORT_JSON: s = put_json(m, out); break;
    case FH_REPORT_PROMETHEUS: s = put_prometheus(m, out); break;
    }
    if (fh_failed(s))
        fh_buf_truncate(out, before);
    return s;
}

/* Takes the buffer's own block out of what was seen: it is there because somebody looks. */
static void leave_out(fh_memory *m, const fh_buf *out) {
    if (out->at == NULL || out->allocator != fh_heap())
        return;
    uint64_t bytes = out->capacity + 1;
    fh_memory_row *others = fh_memory_rows_at(m->rows, 0);
    m->heap.live--;
    m->heap.live_bytes -= bytes;
    bytes = bytes < others->committed_bytes ? bytes : others->committed_bytes;
    others->live.bytes -= bytes;
    others->committed_bytes -= bytes;
    others->reserved_bytes -= bytes;
    others->heap_bytes -= bytes;
}

fh_status fh_memory_report(fh_report_format format, fh_buf *out) {
    fh_memory m;
    FH_TRY(fh_memory_look(out->allocator, &m));
    leave_out(&m, out);
    fh_status s = fh_memory_format(&m, format, out);
    fh_memory_deinit(&m);
    return s;
}
