/* kv.c: sequences and the segments that hold their keys and values (kv.h).
 *
 * Three tables, all made at the start:
 *   segments   id → device memory, references                       (at most segments_max, made on demand)
 *   seqs       number → length, positions planned in this step      (numbers come from a stack; handles from a pool)
 *   block_ids  number × blocks_max + block → segment id
 * and, for the step under way, the memory of its sequences' segments one after the other, which is what attention reads.
 *
 * Invariants between steps:
 *   a sequence of length n has ⌈n / 64⌉ blocks in use, each naming a live segment;
 *   references of a segment = blocks that name it; a segment with none is on the free list, once;
 *   positions from `length` on, in the last block, hold nothing that is ever read.
 * Planned positions show only in `planned` and in the list of sequences that have some, until commit.
 *
 * Threading: one thread at a time. */
#include "llm/kv.h"

#include "freehold/atomic.h"
#include "freehold/checked.h"
#include "freehold/memory.h"
#include "freehold/pool.h"

struct segment {
    fh_owned fh_mem mem;
    uint32_t refs;
    uint32_t claims; /* writers counted by copies_needed; 0 outside of it */
};
FH_SPAN_DEFINE(segment, struct segment);
FH_ARRAY_DEFINE(segment);

struct sequence {
    uint64_t length;  /* positions held */
    uint64_t planned; /* positions of the step under way */
    uint32_t first;   /* in that step: where its segments begin in `view` */
};
FH_SPAN_DEFINE(sequence, struct sequence);
FH_ARRAY_DEFINE(sequence);
FH_ARRAY_DEFINE(mem);
FH_POOL_DEFINE(kv_number, uint32_t);

struct fh_kv_cache {
    fh_ref fh_allocator *allocator;
    fh_mut fh_device *dev;
    uint32_t layers;
    uint64_t layer_bytes, sequence_max, blocks_max; /* blocks_max: of one sequence */

    fh_owned fh_segments segments; /* segments_max */
    uint32_t made;        /* of them, those with memory */
    fh_owned fh_u32s free_ids;     /* a stack of segments without references */
    uint32_t free_count;

    fh_owned kv_number_pool handles; /* slots hold a sequence's number */
    fh_owned fh_sequences seqs;
    fh_owned fh_u32s idle; /* a stack of numbers that are not in use */
    uint32_t idle_count;
    fh_owned fh_u32s block_ids; /* seqs_max × blocks_max */

    fh_owned fh_u32s busy; /* numbers of the sequences with planned positions */
    uint32_t busy_count;
    bool reserved; /* the planned positions have their segments */
    fh_owned fh_mems view;  /* of the step under way; room for all sequences at their longest */
    size_t view_count;
    fh_owned fh_f32s copy; /* one layer of a segment, on its way from one to another */

    fh_ledger_node node;
    bool on_heap; /* segments are blocks of the process heap */
};

static uint64_t blocks_of(uint64_t length) {
    return length / FH_KV_BLOCK + (length % FH_KV_BLOCK != 0);
}

/* For a report of memory, which another thread may ask for: `made` and `free_count` are stored as atomics. A segment is live
 * while a sequence has it. */
static void fill_row(const void *owner, fh_memory_row *row) {
    const fh_kv_cache *kv = owner;
    uint64_t bytes = kv->layer_bytes * kv->layers, made = fh_load(&kv->made, FH_RELAXED);
    uint64_t unused = fh_load(&kv->free_count, FH_RELAXED);
    uint64_t live = made > unused ? made - unused : 0; /* the two are not read at the same moment */
    row->name = fh_memory_label_of(FH_LIT("keys and values"));
    row->object_bytes = bytes;
    row->live = (fh_memory_part){live, live * bytes};
    row->cached = (fh_memory_part){made - live, (made - live) * bytes};
    row->committed_bytes = row->reserved_bytes = made * bytes;
    row->heap_bytes = kv->on_heap ? row->committed_bytes : 0;
}

/* --- life --------------------------------------------------------------------------------------------------------- */

static fh_status make_tables(fh_kv_cache *kv, uint64_t segments_max, uint32_t seqs_max) {
    fh_allocator *a = kv->allocator;
    uint64_t blocks = 0;
    size_t count = 0;
    if (segments_max > UINT32_MAX || kv->layer_bytes % sizeof(float) != 0 ||
        !fh_mul_u64(kv->blocks_max, seqs_max, &blocks) || blocks > UINT32_MAX || !fh_u64_to_size(blocks, &count))
        return FH_STATUS(FH_LIMIT);
    FH_TRY(fh_segments_new(a, (size_t)segments_max, &kv->segments));
    FH_TRY(fh_u32s_new(a, (size_t)segments_max, &kv->free_ids));
    FH_TRY(kv_number_pool_new(a, &(fh_pool_config){.capacity = seqs_max, .threads = FH_POOL_SERIAL, .name = "kv sequences"},
                              &kv->handles));
    FH_TRY(fh_sequences_new(a, seqs_max, &kv->seqs));
    FH_TRY(fh_u32s_new(a, seqs_max, &kv->idle));
    FH_TRY(fh_u32s_new(a, seqs_max, &kv->busy));
    FH_TRY(fh_u32s_new(a, count, &kv->block_ids));
    FH_TRY(fh_mems_new(a, count, &kv->view));
    FH_TRY(fh_f32s_new(a, (size_t)(kv->layer_bytes / sizeof(float)), &kv->copy));
    for (uint32_t i = 0; i < seqs_max; i++)
        fh_u32s_set(kv->idle, i, seqs_max - 1 - i); /* number 0 goes first */
    kv->idle_count = seqs_max;
    return FH_DONE;
}

fh_status fh_kv_cache_new(fh_allocator *a, fh_device *dev, const fh_kv_cache_options *options, fh_kv_cache **out, fh_err *err) {
    *out = NULL;
    fh_kv_cache *kv = fh_alloc(a, 1, sizeof *kv);
    if (kv == NULL)
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "no memory for the KV cache");
    *kv = (fh_kv_cache){.allocator = a, .dev = dev, .layers = options->layers, .layer_bytes = options->layer_bytes,
                        .sequence_max = options->sequence_max, .blocks_max = blocks_of(options->sequence_max),
                        .on_heap = fh_device_caps_get(dev).on_heap};
    fh_status s = make_tables(kv, blocks_of(options->positions), options->seqs_max);
    if (fh_failed(s)) {
        fh_kv_cache_free(kv);
        return fh_fail(err, s.code, FH_NO_OFFSET, "KV cache of %llu positions and %u sequences: %s",
                       (unsigned long long)options->positions, options->seqs_max, fh_code_text(s.code));
    }
    fh_ledger_enter(&kv->node, FH_MEMORY_STORE, fill_row, kv);
    *out = kv;
    return FH_DONE;
}

void fh_kv_cache_free(fh_kv_cache *kv) {
    if (kv == NULL)
        return;
    fh_ledger_leave(&kv->node);
    for (uint32_t i = 0; i < kv->made; i++) {
        fh_status s = fh_device_release(kv->dev, fh_segments_at(kv->segments, i)->mem);
        FH_ASSERT(!fh_failed(s)); /* nobody else knows these handles */
    }
    fh_allocator *a = kv->allocator;
    fh_segments_free(a, &kv->segments);
    fh_u32s_free(a, &kv->free_ids);
    kv_number_pool_free(kv->handles);
    fh_sequences_free(a, &kv->seqs);
    fh_u32s_free(a, &kv->idle);
    fh_u32s_free(a, &kv->busy);
    fh_u32s_free(a, &kv->block_ids);
    fh_mems_free(a, &kv->view);
    fh_f32s_free(a, &kv->copy);
    fh_free(a, kv);
}

fh_kv_cache_stats fh_kv_cache_stats_get(const fh_kv_cache *kv) {
    return (fh_kv_cache_stats){.segments_max = kv->segments.count, .segments_made = kv->made, .segments_free = kv->free_count,
                               .seqs = kv->seqs.count - kv->idle_count, .sequence_max = kv->sequence_max};
}

fh_mems fh_kv_cache_segments(const fh_kv_cache *kv) {
    return fh_mems_sub(kv->view, 0, kv->view_count);
}

uint32_t fh_kv_cache_first(const fh_kv_cache *kv, fh_kv_slot slot) {
    return fh_sequences_at(kv->seqs, slot.number)->first;
}

/* --- segments ----------------------------------------------------------------------------------------------------- */

static size_t block_at(const fh_kv_cache *kv, uint32_t number, uint64_t block) {
    return (size_t)(number * kv->blocks_max + block);
}

/* The segment of a block that is in use. */
static struct segment *segment_of(const fh_kv_cache *kv, uint32_t number, uint64_t block) {
    return fh_segments_at(kv->segments, fh_u32s_get(kv->block_ids, block_at(kv, number, block)));
}

/* One reference fewer. */
static void drop(fh_kv_cache *kv, uint32_t number, uint64_t block) {
    uint32_t id = fh_u32s_get(kv->block_ids, block_at(kv, number, block));
    struct segment *seg = fh_segments_at(kv->segments, id);
    FH_ASSERT(seg->refs > 0);
    seg->refs--;
    if (seg->refs == 0) {
        fh_u32s_set(kv->free_ids, kv->free_count, id);
        fh_store(&kv->free_count, kv->free_count + 1, FH_RELAXED);
    }
}

/* Lets a block name a segment. */
static void name(fh_kv_cache *kv, uint32_t number, uint64_t block, uint32_t id) {
    fh_segments_at(kv->segments, id)->refs++;
    fh_u32s_set(kv->block_ids, block_at(kv, number, block), id);
}

/* Takes a segment off the free list for a block. The caller has made sure that there is one. */
static uint32_t take_free(fh_kv_cache *kv, uint32_t number, uint64_t block) {
    FH_ASSERT(kv->free_count > 0);
    fh_store(&kv->free_count, kv->free_count - 1, FH_RELAXED);
    uint32_t id = fh_u32s_get(kv->free_ids, kv->free_count);
    name(kv, number, block, id);
    return id;
}

/* Puts memory on the free list until it holds `count` segments. */
static fh_status fill_free(fh_kv_cache *kv, uint64_t count, fh_err *err) {
    if (count > kv->free_count + (kv->segments.count - kv->made))
        return fh_fail(err, FH_LIMIT, FH_NO_OFFSET,
                       "the context is full: %llu of %zu segments of %d positions are in use, %llu more are needed",
                       (unsigned long long)(kv->made - kv->free_count), kv->segments.count, FH_KV_BLOCK,
                       (unsigned long long)count);
    while (kv->free_count < count) {
        uint64_t bytes = 0;
        fh_mem mem = {0};
        fh_status s = FH_STATUS(FH_LIMIT);
        if (fh_mul_u64(kv->layer_bytes, kv->layers, &bytes))
            s = fh_device_alloc(kv->dev, bytes, &mem);
        if (fh_failed(s))
            return fh_fail(err, s.code, FH_NO_OFFSET, "a KV segment of %llu bytes: %s", (unsigned long long)bytes,
                           fh_code_text(s.code));
        fh_segments_set(kv->segments, kv->made, (struct segment){.refs = 0});
        fh_segments_at(kv->segments, kv->made)->mem = mem;
        fh_u32s_set(kv->free_ids, kv->free_count, kv->made);
        fh_store(&kv->made, kv->made + 1, FH_RELAXED);
        fh_store(&kv->free_count, kv->free_count + 1, FH_RELAXED);
    }
    return FH_DONE;
}

/* --- sequences ---------------------------------------------------------------------------------------------------- */

static fh_status number_of(fh_kv_cache *kv, fh_seq s, uint32_t *out) {
    uint32_t *number = NULL;
    *out = 0;
    if (fh_failed(kv_number_get(kv->handles, (kv_number_handle){s.value}, &number)))
        return FH_STATUS(FH_STALE); /* also for a handle of another engine */
    *out = *number;
    return FH_DONE;
}

fh_status fh_kv_cache_open(fh_kv_cache *kv, fh_seq *out) {
    *out = (fh_seq){0};
    kv_number_handle handle = {0};
    uint32_t *number = NULL;
    FH_TRY(kv_number_alloc(kv->handles, &handle, &number));
    FH_ASSERT(kv->idle_count > 0); /* as many numbers as slots */
    kv->idle_count--;
    *number = fh_u32s_get(kv->idle, kv->idle_count);
    fh_sequences_set(kv->seqs, *number, (struct sequence){0});
    *out = (fh_seq){handle.value};
    return FH_DONE;
}

fh_status fh_kv_cache_fork(fh_kv_cache *kv, fh_seq from, fh_seq *out) {
    *out = (fh_seq){0};
    uint32_t parent = 0, child = 0;
    FH_TRY(number_of(kv, from, &parent));
    FH_TRY(fh_kv_cache_open(kv, out));
    FH_TRY(number_of(kv, *out, &child));
    uint64_t length = fh_sequences_at(kv->seqs, parent)->length;
    fh_sequences_at(kv->seqs, child)->length = length;
    for (uint64_t b = 0; b < blocks_of(length); b++)
        name(kv, child, b, fh_u32s_get(kv->block_ids, block_at(kv, parent, b)));
    return FH_DONE;
}

/* Drops the blocks that a sequence of `length` positions does not need. */
static void shorten(fh_kv_cache *kv, uint32_t number, uint64_t length) {
    for (uint64_t b = blocks_of(fh_sequences_at(kv->seqs, number)->length); b > blocks_of(length); b--)
        drop(kv, number, b - 1);
    fh_sequences_at(kv->seqs, number)->length = length;
}

fh_status fh_kv_cache_close(fh_kv_cache *kv, fh_seq s) {
    uint32_t number = 0;
    FH_TRY(number_of(kv, s, &number));
    FH_TRY(kv_number_release(kv->handles, (kv_number_handle){s.value}));
    shorten(kv, number, 0);
    fh_u32s_set(kv->idle, kv->idle_count, number);
    kv->idle_count++;
    return FH_DONE;
}

fh_status fh_kv_cache_length(fh_kv_cache *kv, fh_seq s, uint64_t *out) {
    *out = 0;
    uint32_t number = 0;
    FH_TRY(number_of(kv, s, &number));
    *out = fh_sequences_at(kv->seqs, number)->length;
    return FH_DONE;
}

fh_status fh_kv_cache_truncate(fh_kv_cache *kv, fh_seq s, uint64_t length) {
    uint32_t number = 0;
    FH_TRY(number_of(kv, s, &number));
    if (length > fh_sequences_at(kv->seqs, number)->length)
        return FH_STATUS(FH_INVALID);
    shorten(kv, number, length);
    return FH_DONE;
}

/* --- a step ------------------------------------------------------------------------------------------------------- */

fh_status fh_kv_cache_append(fh_kv_cache *kv, fh_seq s, fh_kv_slot *out, fh_err *err) {
    *out = (fh_kv_slot){0};
    uint32_t number = 0;
    fh_status found = number_of(kv, s, &number);
    if (fh_failed(found))
        return fh_fail(err, found.code, FH_NO_OFFSET, "the sequence does not exist (any more)");
    struct sequence *seq = fh_sequences_at(kv->seqs, number);
    uint64_t position = seq->length + seq->planned;
    if (position >= kv->sequence_max)
        return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "the context is full: a sequence holds at most %llu positions",
                       (unsigned long long)kv->sequence_max);
    if (seq->planned == 0) {
        fh_u32s_set(kv->busy, kv->busy_count, number);
        kv->busy_count++;
    }
    seq->planned++;
    *out = (fh_kv_slot){.position = position, .number = number};
    return FH_DONE;
}

/* The segment that a busy sequence would write into although it is partly filled and counted more than once, or NULL. */
static fh_or_null struct segment *shared_tail(const fh_kv_cache *kv, uint32_t number) {
    uint64_t length = fh_sequences_at(kv->seqs, number)->length;
    if (length % FH_KV_BLOCK == 0)
        return NULL;
    struct segment *seg = segment_of(kv, number, length / FH_KV_BLOCK);
    return seg->refs > 1 ? seg : NULL;
}

/* How many busy sequences need a copy of their tail: of r sharers at most r − 1 do, since the last one is alone then. */
static uint64_t copies_needed(const fh_kv_cache *kv) {
    uint64_t copies = 0;
    for (uint32_t i = 0; i < kv->busy_count; i++) {
        struct segment *tail = shared_tail(kv, fh_u32s_get(kv->busy, i));
        if (tail == NULL)
            continue;
        tail->claims++;
        copies += tail->claims < tail->refs;
    }
    for (uint32_t i = 0; i < kv->busy_count; i++) {
        struct segment *tail = shared_tail(kv, fh_u32s_get(kv->busy, i));
        if (tail != NULL)
            tail->claims = 0;
    }
    return copies;
}

/* Gives a sequence its own copy of a shared tail. */
static fh_status copy_tail(fh_kv_cache *kv, uint32_t number) {
    uint64_t block = fh_sequences_at(kv->seqs, number)->length / FH_KV_BLOCK;
    uint32_t from = fh_u32s_get(kv->block_ids, block_at(kv, number, block));
    fh_mem source = fh_segments_at(kv->segments, from)->mem;
    drop(kv, number, block); /* others hold it: it stays live */
    uint32_t to = take_free(kv, number, block);
    fh_status s = FH_DONE;
    for (uint32_t l = 0; l < kv->layers && !fh_failed(s); l++) {
        uint64_t at = l * kv->layer_bytes;
        s = fh_device_read(kv->dev, source, at, fh_f32s_bytes(kv->copy));
        if (!fh_failed(s))
            s = fh_device_write(kv->dev, fh_segments_at(kv->segments, to)->mem, at,
                                fh_span_of_mut(fh_f32s_bytes(kv->copy)));
    }
    if (fh_failed(s)) { /* the device is at fault: back to the shared segment */
        drop(kv, number, block);
        name(kv, number, block, from);
    }
    return s;
}

fh_status fh_kv_cache_reserve(fh_kv_cache *kv, fh_err *err) {
    uint64_t needed = copies_needed(kv);
    for (uint32_t i = 0; i < kv->busy_count; i++) {
        const struct sequence *seq = fh_sequences_at(kv->seqs, fh_u32s_get(kv->busy, i));
        needed += blocks_of(seq->length + seq->planned) - blocks_of(seq->length);
    }
    FH_TRY(fill_free(kv, needed, err));
    for (uint32_t i = 0; i < kv->busy_count; i++) {
        uint32_t number = fh_u32s_get(kv->busy, i);
        if (shared_tail(kv, number) == NULL)
            continue;
        fh_status s = copy_tail(kv, number);
        if (fh_failed(s))
            return fh_fail(err, s.code, FH_NO_OFFSET, "copying a KV segment: %s", fh_code_text(s.code));
    }
    /* Nothing below can fail, so that a failure above leaves no block to undo. */
    kv->view_count = 0;
    for (uint32_t i = 0; i < kv->busy_count; i++) {
        uint32_t number = fh_u32s_get(kv->busy, i);
        const struct sequence *seq = fh_sequences_at(kv->seqs, number);
        uint64_t end = blocks_of(seq->length + seq->planned);
        for (uint64_t b = blocks_of(seq->length); b < end; b++)
            (void)take_free(kv, number, b);
        fh_sequences_at(kv->seqs, number)->first = (uint32_t)kv->view_count;
        for (uint64_t b = 0; b < end; b++, kv->view_count++)
            fh_mems_set(kv->view, kv->view_count, segment_of(kv, number, b)->mem);
    }
    kv->reserved = true;
    return FH_DONE;
}

void fh_kv_cache_commit(fh_kv_cache *kv) {
    FH_ASSERT(kv->reserved || kv->busy_count == 0);
    for (; kv->busy_count > 0; kv->busy_count--) {
        struct sequence *seq = fh_sequences_at(kv->seqs, fh_u32s_get(kv->busy, kv->busy_count - 1));
        seq->length += seq->planned;
        seq->planned = 0;
    }
    kv->reserved = false;
}

void fh_kv_cache_rollback(fh_kv_cache *kv) {
    for (; kv->busy_count > 0; kv->busy_count--) {
        uint32_t number = fh_u32s_get(kv->busy, kv->busy_count - 1);
        struct sequence *seq = fh_sequences_at(kv->seqs, number);
        uint64_t length = seq->length;
        if (kv->reserved) {
            seq->length += seq->planned;
            shorten(kv, number, length);
        }
        fh_sequences_at(kv->seqs, number)->planned = 0;
    }
    kv->reserved = false;
}
