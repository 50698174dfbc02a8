/* pool_stats.c: what a pool tells of itself: numbers, reports, and the check of its invariants.
 *
 * Lives are not counted as they begin and end: a slot of age n has had ⌈n / 2⌉ lives, of which ⌊n / 2⌋ are over. So the
 * numbers cost nothing until somebody asks. Threading: stats_get and report from any thread, beside whatever the others do
 * (then sums of a moment that never was, each term true at some time); reset and check by the pool's user alone. */
#include "mem/pool/pool_core.h"

/* --- numbers -------------------------------------------------------------------------------------------------------- */

/* Since the pool was made. */
static fh_pool_stats totals(const fh_pool_core *core) {
    const fh_pool_counts *c = &core->first->counts;
    fh_pool_stats s = {
        .capacity = fh_load(&core->capacity, FH_RELAXED), .max_capacity = core->config.max_capacity,
        .growths = fh_load(&core->growths, FH_RELAXED), .failures = fh_load(&c->failures, FH_RELAXED),
        .stale_uses = fh_load(&c->stale_uses, FH_RELAXED), .double_frees = fh_load(&c->double_frees, FH_RELAXED),
        .wrong_pools = fh_load(&c->wrong_pools, FH_RELAXED), .borrow_conflicts = fh_load(&c->borrow_conflicts, FH_RELAXED),
        .wrong_threads = fh_load(&core->wrong_threads, FH_RELAXED), .overwritten = fh_load(&c->overwritten, FH_RELAXED),
        .remote_frees = fh_load(&c->remote_frees, FH_RELAXED),
        .committed_bytes = fh_load(&core->words_committed, FH_RELAXED) + fh_load(&core->base_committed, FH_RELAXED),
        .reserved_bytes = core->region_bytes};
    uint32_t used = fh_load(&core->used, FH_ACQUIRE);
    for (uint32_t i = 0; i < used; i++) {
        uint64_t word = fh_load(fh_pool_word(core, i), FH_RELAXED);
        uint32_t age = fh_word_generation(word) - core->seed;
        if (!fh_pool_is_made(core, word))
            continue;
        s.allocs += age / 2 + (age & 1);
        s.releases += age / 2 + (fh_word_live(word) && fh_word_low(word) == FH_BORROW_AWAITS_OWNER);
        s.retired += age == core->age_end;
    }
    s.live = s.allocs - s.releases;
    s.reserved_bytes = s.reserved_bytes == 0 ? s.committed_bytes : s.reserved_bytes;
    core->policy->stats(core->first, &s);
    return s;
}

fh_pool_stats fh_pool_stats_get(const fh_pool *pool) {
    const fh_pool_stats *since = &pool->core->since;
    fh_pool_stats s = totals(pool->core);
    s.allocs -= since->allocs;
    s.releases -= since->releases;
    s.growths -= since->growths;
    s.failures -= since->failures;
    s.stale_uses -= since->stale_uses;
    s.double_frees -= since->double_frees;
    s.wrong_pools -= since->wrong_pools;
    s.borrow_conflicts -= since->borrow_conflicts;
    s.wrong_threads -= since->wrong_threads;
    s.overwritten -= since->overwritten;
    s.remote_frees -= since->remote_frees;
    return s;
}

void fh_pool_stats_reset(fh_pool *pool) {
    if (fh_failed(fh_pool_enter(pool)))
        return;
    if (pool->core->policy->stats_reset != NULL)
        pool->core->policy->stats_reset(pool);
    pool->core->since = totals(pool->core);
}

static fh_memory_part part(uint64_t count, uint64_t stride) {
    return (fh_memory_part){count, count * stride};
}

void fh_pool_fill_row(const void *owner, fh_memory_row *row) {
    const fh_pool_core *core = owner;
    fh_pool_stats s = totals(core);
    uint64_t kept = s.live + s.quarantined + s.retired;
    row->name = fh_memory_label_of(fh_span_of_str(core->config.name));
    row->object_bytes = core->config.size_bytes;
    row->live = part(s.live, core->stride);
    row->cached = part(s.capacity > kept ? s.capacity - kept : 0, core->stride);
    row->quarantined = part(s.quarantined, core->stride);
    row->retired = part(s.retired, core->stride);
    uint64_t own_bytes = sizeof(fh_pool) + sizeof *core;
    row->committed_bytes = s.committed_bytes + own_bytes;
    row->reserved_bytes = s.reserved_bytes + own_bytes;
    row->heap_bytes = fh_memory_on_heap(core->allocator, own_bytes + (FH_MEM_CHUNKED ? s.committed_bytes : 0));
    row->peak_bytes = s.peak * core->stride;
    row->refusals = s.failures + s.stale_uses + s.double_frees + s.wrong_pools + s.borrow_conflicts + s.wrong_threads +
                    s.overwritten;
}

/* --- reports -------------------------------------------------------------------------------------------------------- */

typedef struct row {
    const char *name, *help;
    uint64_t value;
    bool is_counter; /* only rises */
} row;

/* Appends text in which a quote and a backslash have one before them, and control characters are blanks. */
static fh_status put_name(fh_buf *out, const char *name) {
    fh_span s = fh_span_of_str(name);
    for (size_t i = 0; i < s.size; i++) {
        uint8_t c = fh_span_at(s, i);
        if (c == '"' || c == '\\')
            FH_TRY(fh_buf_put_u8(out, '\\'));
        FH_TRY(fh_buf_put_u8(out, c < ' ' ? ' ' : c));
    }
    return FH_DONE;
}

static fh_status put_rows(fh_buf *out, fh_report_format format, const char *pool, const row *rows, size_t count) {
    if (format != FH_REPORT_PROMETHEUS) {
        FH_TRY(fh_buf_put(out, format == FH_REPORT_JSON ? FH_LIT("{\"name\":\"") : FH_LIT("pool \"")));
        FH_TRY(put_name(out, pool));
        FH_TRY(fh_buf_put(out, format == FH_REPORT_JSON ? FH_LIT("\"") : FH_LIT("\"\n")));
    }
    FH_UNSAFE("pool-batch");
    for (size_t i = 0; i < count; i++) {
        const row *r = &rows[i];
        unsigned long long value = r->value;
        const char *total = r->is_counter ? "_total" : "";
        if (format == FH_REPORT_TEXT) {
            FH_TRY(fh_buf_format(out, "  %-17s %12llu  %s\n", r->name, value, r->help));
        } else if (format == FH_REPORT_JSON) {
            FH_TRY(fh_buf_format(out, ",\"%s\":%llu", r->name, value));
        } else {
            FH_TRY(fh_buf_format(out, "# HELP freehold_pool_%s%s %s\n# TYPE freehold_pool_%s%s %s\nfreehold_pool_%s%s{pool=\"",
                                 r->name, total, r->help, r->name, total, r->is_counter ? "counter" : "gauge", r->name, total));
            FH_TRY(put_name(out, pool));
            FH_TRY(fh_buf_format(out, "\"} %llu\n", value));
        }
    }
    return format == FH_REPORT_JSON ? fh_buf_put(out, FH_LIT("}\n")) : FH_DONE;
}

fh_status fh_pool_report(const fh_pool *pool, fh_report_format format, fh_buf *out) {
    fh_pool_stats s = fh_pool_stats_get(pool);
    const row rows[] = {
        {"live", "slots in use", s.live, false},
        {"peak", "most slots in use at once", s.peak, false},
        {"capacity", "slots there are", s.capacity, false},
        {"max_capacity", "slots there may be", s.max_capacity, false},
        {"retired", "slots whose generations are used up", s.retired, false},
        {"quarantined", "released slots held back", s.quarantined, false},
        {"committed_bytes", "memory that can be used", s.committed_bytes, false},
        {"reserved_bytes", "address space", s.reserved_bytes, false},
        {"allocs", "lives begun", s.allocs, true},
        {"releases", "lives ended", s.releases, true},
        {"growths", "times the capacity rose", s.growths, true},
        {"failures", "allocs that gave no slot", s.failures, true},
        {"stale_uses", "uses of a handle after its release", s.stale_uses, true},
        {"double_frees", "second releases", s.double_frees, true},
        {"wrong_pools", "uses of a handle of another pool", s.wrong_pools, true},
        {"borrow_conflicts", "uses refused because of a borrow", s.borrow_conflicts, true},
        {"wrong_threads", "uses from a thread that may not", s.wrong_threads, true},
        {"overwritten", "slots written to after their release", s.overwritten, true},
        {"remote_frees", "slots released through another view", s.remote_frees, true},
    };
    size_t before = out->size;
    fh_status status = put_rows(out, format, pool->core->config.name, rows, sizeof rows / sizeof rows[0]);
    if (fh_failed(status))
        fh_buf_truncate(out, before);
    return status;
}

/* --- checks --------------------------------------------------------------------------------------------------------- */

fh_status fh_pool_check_free(fh_pool_checking *c, uint32_t index, const char *where) {
    if (index >= c->seen.size)
        return fh_fail(c->err, FH_CORRUPT, FH_NO_OFFSET, "pool: slot %u in %s, but only %zu were ever used", index, where,
                       c->seen.size);
    if (fh_word_live(fh_load(fh_pool_word(c->core, index), FH_RELAXED)))
        return fh_fail(c->err, FH_CORRUPT, FH_NO_OFFSET, "pool: slot %u is live and in %s", index, where);
    if (*fh_mspan_at(c->seen, index) != 0)
        return fh_fail(c->err, FH_CORRUPT, FH_NO_OFFSET, "pool: slot %u in %s is free twice", index, where);
    *fh_mspan_at(c->seen, index) = 1;
    return FH_DONE;
}

static fh_status check_words(const fh_pool_core *core, fh_err *err) {
    for (uint32_t i = 0; i < core->used; i++) {
        uint64_t word = fh_load(fh_pool_word(core, i), FH_RELAXED);
        uint32_t age = fh_word_generation(word) - core->seed, low = fh_word_low(word);
        bool is_link = low == FH_POOL_NO_SLOT || low == FH_WORD_OVERWRITTEN || (low & FH_WORD_INDEX) < core->slots_max;
        bool is_low_of_free = (low & FH_WORD_FREE) != 0 && is_link;
        bool is_low_of_live = (low & FH_WORD_FREE) == 0 || (low >= FH_BORROW_HOOK && low <= FH_BORROW_EXCLUSIVE);
        if (fh_pool_is_made(core, word) && age > core->age_end)
            return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "pool: slot %u has age %u, at most %u", i, age, core->age_end);
        if (fh_word_live(word) ? !is_low_of_live : word != 0 && !is_low_of_free)
            return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "pool: slot %u of age %u has the low half %08x", i, age, low);
        if (fh_word_live(word) && i >= core->slots)
            return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "pool: slot %u is live, but only %u have memory", i, core->slots);
    }
    return FH_DONE;
}

fh_status fh_pool_check(const fh_pool *pool, fh_err *err) {
    const fh_pool_core *core = pool->core;
    if (core->capacity > core->slots || core->slots > core->slots_max || core->capacity > core->config.max_capacity)
        return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "pool: capacity %u of %u, %u slots of %u", core->capacity,
                       core->config.max_capacity, core->slots, core->slots_max);
    if (core->words_committed < core->used * sizeof(uint64_t) || core->base_committed < core->slots * core->stride)
        return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "pool: %zu + %zu bytes are too few for %u slots", core->words_committed,
                       core->base_committed, core->slots);
    FH_TRY(check_words(core, err));
    if (core->used == 0)
        return FH_DONE;
    fh_mspan seen = {fh_alloc(core->allocator, core->used, 1), core->used};
    if (seen.at == NULL)
        return FH_STATUS(FH_NOMEM);
    fh_pool_checking checking = {core, seen, err};
    fh_status s = core->policy->check(core->first, &checking);
    for (uint32_t i = 0; i < core->used && !fh_failed(s); i++)
        if (*fh_mspan_at(seen, i) == 0 && !fh_word_live(fh_load(fh_pool_word(core, i), FH_RELAXED)))
            s = fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "pool: slot %u is lost: neither live nor free", i);
    fh_free(core->allocator, seen.at);
    return s;
}
