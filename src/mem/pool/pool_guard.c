/* pool_guard.c: where the slots of a hardened pool lie, which pages between them trap, and whether a slot's bytes are as they
 * were left.
 *
 * Slots lie at base + index × stride, as in every pool; guards are made by leaving indexes out. Slots are looked at in groups
 * of 64 KiB, more for large ones; the last page of a group traps, and an index whose bytes would overlap it is a hole, whose
 * whole pages trap too. The first indexes, which all trap, are spaced so that every spacing-th one ends where a page ends:
 * those are the guarded slots, of which one is committed when it is given out.
 *
 * Invariants: hard-guard: a slot that is given out overlaps no page that traps, and the byte behind the last slot of each of
 * the first GUARDS_MAX groups traps; hard-poison: between fh_hard_leave and fh_hard_open a slot is nobody's, and its bytes
 * are what leave left. Threading: fh_hard_make_guards under the pool's lock; the rest by whoever has the slot, or under the
 * lock. */
#include "mem/pool/pool_short.h"

#include "freehold/hash.h"
#include "freehold/os.h"

enum {
    GROUP_PAGES = 16,  /* at least, of which one is a guard */
    GROUP_SLOTS = 4,   /* at least */
    GUARDS_MAX = 1024, /* of a pool: a process may have only some 65,000 mappings */
    WAITING_SHARE = 4, /* a quarter of the capacity may wait, */
    WAITING_BYTES = 64 << 10, /* and no more than so many bytes, */
    WAITING_MIN = 4,   /* but so many slots always */
};

/* --- where slots lie --------------------------------------------------------------------------------------------------- */

static uint64_t round_up(uint64_t n, uint64_t step) {
    return (n + step - 1) / step * step;
}

fh_hard_layout fh_hard_layout_of(const fh_pool_core *core) {
    uint64_t page = fh_os_page_bytes(), stride = core->stride, group = GROUP_PAGES * page;
    while (group < GROUP_SLOTS * stride)
        group *= 2;
    /* Every `aligned`-th slot ends where a page ends: the lowest bit of the stride says how often that is. */
    uint64_t even = stride & (0 - stride), aligned = even >= page ? 1 : page / even;
    uint64_t spacing = round_up(round_up(stride, page) + page, aligned * stride) / stride;
    uint64_t waiting = core->config.max_capacity / WAITING_SHARE, most = WAITING_BYTES / stride;
    waiting = waiting < most ? waiting : most;
    return (fh_hard_layout){.page_bytes = page,
                            .group_bytes = group,
                            .spacing = spacing,
                            .lead = (FH_HARD_GUARDED + 1) * spacing,
                            .waiting_max = waiting > WAITING_MIN ? waiting : WAITING_MIN};
}

/* The slots of a group are those from `first` up to, not including, `end`. */
static uint64_t group_first(const fh_hard_layout *is, uint64_t stride, uint64_t group) {
    return (group * is->group_bytes + stride - 1) / stride;
}
static uint64_t group_end(const fh_hard_layout *is, uint64_t stride, uint64_t group) {
    return ((group + 1) * is->group_bytes - is->page_bytes) / stride;
}

/* How slots lie in groups repeats after `period` groups, the odd part of the stride; each has two slots at least, so the
 * loops take no more turns than there are slots. */
uint64_t fh_hard_slots_for(const fh_pool_core *core, uint32_t capacity) {
    fh_hard_layout is = fh_hard_layout_of(core);
    uint64_t stride = core->stride, wanted = capacity + is.waiting_max, period = stride / (stride & (0 - stride));
    uint64_t group = is.lead * stride / is.group_bytes, end = group_end(&is, stride, group);
    uint64_t here = end > is.lead ? end - is.lead : 0;
    if (wanted <= here)
        return is.lead + wanted;
    wanted -= here;
    group++;
    if (wanted > 2 * period) {
        uint64_t in_period = 0;
        for (uint64_t k = 0; k < period; k++)
            in_period += group_end(&is, stride, k) - group_first(&is, stride, k);
        FH_ASSERT(in_period != 0); /* a group is larger than a slot */
        uint64_t periods = (wanted - 1) / in_period;
        group += periods * period;
        wanted -= periods * in_period;
    }
    for (;; group++) {
        uint64_t first = group_first(&is, stride, group);
        here = group_end(&is, stride, group) - first;
        if (wanted <= here)
            return first + wanted < FH_POOL_SLOTS_MAX ? first + wanted : FH_POOL_SLOTS_MAX;
        wanted -= here;
    }
}

bool fh_hard_is_slot(const fh_pool_core *core, const fh_hard *h, uint32_t i) {
    uint64_t in_group = (i * core->stride) & (h->is.group_bytes - 1);
    return i >= h->is.lead && in_group + core->stride <= h->is.group_bytes - h->is.page_bytes;
}

uint32_t fh_hard_guarded_number(const fh_hard *h, uint32_t i) {
    uint64_t after = i + UINT64_C(1);
    bool is_guarded = after < h->is.lead && after % h->is.spacing == 0;
    return is_guarded ? (uint32_t)(after / h->is.spacing - 1) : FH_HARD_GUARDED;
}

uint32_t fh_hard_guarded_index(const fh_hard *h, uint32_t number) {
    return (uint32_t)((number + 1) * h->is.spacing - 1);
}

uint8_t *fh_hard_guarded_pages(const fh_pool_core *core, uint32_t i, size_t *out_bytes) {
    FH_UNSAFE("hard-guard");
    *out_bytes = (size_t)round_up(core->stride, fh_os_page_bytes());
    return fh_pool_at(core, i) + core->stride - *out_bytes;
}

/* Makes the whole pages of [from, to) trap. */
static fh_status forbid(fh_pool_core *core, fh_hard *h, uint64_t from, uint64_t to) {
    FH_UNSAFE("hard-guard");
    from = round_up(from, h->is.page_bytes);
    to &= ~(h->is.page_bytes - 1);
    if (from >= to)
        return FH_DONE;
    FH_TRY(fh_os_forbid(fh_pool_at(core, 0) + from, (size_t)(to - from)));
    fh_store(&h->forbidden_bytes, h->forbidden_bytes + to - from, FH_RELAXED);
    return FH_DONE;
}

/* Of each group that lies wholly in committed memory: the pages before its first slot, and those behind its last. */
fh_status fh_hard_make_guards(fh_pool_core *core, fh_hard *h) {
    uint64_t stride = core->stride, lead_bytes = h->is.lead * stride, group = h->is.group_bytes;
    if (h->ready == 0) {
        FH_TRY(forbid(core, h, 0, lead_bytes));
        h->guards = (uint32_t)(lead_bytes / group);
        h->ready = (uint32_t)h->is.lead;
    }
    for (; h->guards < GUARDS_MAX && (h->guards + 1) * group <= core->slots * stride; h->guards++) {
        uint64_t from = h->guards * group, first = group_first(&h->is, stride, h->guards) * stride;
        uint64_t end = group_end(&h->is, stride, h->guards) * stride;
        FH_TRY(forbid(core, h, from < lead_bytes ? lead_bytes : from, first));
        FH_TRY(forbid(core, h, end < lead_bytes ? lead_bytes : end, from + group));
    }
    return FH_DONE;
}

/* --- what their bytes hold ---------------------------------------------------------------------------------------------- */

/* Offset of the first byte that is not the pattern's, or size. All bytes of the pattern are the same. */
static size_t first_wrong(const uint8_t *at, size_t size, uint64_t pattern) {
    size_t k = size >= FH_HARD_CHUNK && fh_hard_is_filled(at, size, pattern, false) ? size : 0;
    FH_UNSAFE("hard-poison");
    while (k < size && at[k] == (uint8_t)pattern)
        k++;
    return k;
}

uint64_t fh_hard_canary_wrong(const fh_pool_core *core, const fh_hard *h, uint32_t i) {
    FH_UNSAFE("hard-poison");
    uint8_t *at = fh_pool_at(core, i), canary[8];
    size_t k = core->config.size_bytes;
    uint64_t word = fh_hard_canary(h->secret, at);
    FH_UNPOISON(at + k, core->stride - k);
    if (fh_hard_is_canary_whole(at, k, core->stride, word))
        return core->stride;
    fh_hard_put_word(canary, word);
    for (size_t from = k; at[k] == canary[(k - from) % 8];)
        k++;
    return k;
}

static uint64_t sum_of(const fh_pool_core *core, const fh_hard *h, uint32_t i) {
    return fh_hash_bytes(h->secret + i, (fh_span){fh_pool_at(core, i), core->config.size_bytes});
}

void fh_hard_open(const fh_pool_core *core, const fh_hard *h, uint32_t i) {
    FH_UNSAFE("hard-poison");
    uint8_t *at = fh_pool_at(core, i);
    size_t size = core->config.size_bytes, stride = core->stride;
    uint64_t canary = fh_hard_canary(h->secret, at);
    FH_UNPOISON(at, stride);
    /* One that is there stays untouched: whoever loses a race for a release may still be reading it. */
    if (!fh_hard_is_canary_whole(at, size, stride, canary)) {
        size_t k = size;
        for (; k + 8 <= stride; k += 8)
            fh_hard_put_word(at + k, canary);
        memcpy(at + k, &canary, stride - k); /* its first bytes */
    }
    FH_POISON(at + size, stride - size);
}

void fh_hard_leave(const fh_pool_core *core, fh_hard *h, uint32_t i) {
    FH_UNSAFE("hard-poison");
    uint8_t *at = fh_pool_at(core, i);
    FH_UNPOISON(at, core->stride);
    if (h->sums != NULL)
        h->sums[i] = sum_of(core, h, i);
    else
        memset(at, (uint8_t)FH_HARD_POISON, core->config.size_bytes);
    FH_POISON(at, core->stride);
}

uint64_t fh_hard_wrong(const fh_pool_core *core, const fh_hard *h, uint32_t i, uint64_t word) {
    FH_UNSAFE("hard-poison");
    uint8_t *at = fh_pool_at(core, i);
    size_t size = core->config.size_bytes;
    FH_UNPOISON(at, core->stride);
    uint64_t wrong = size;
    if (word == 0)
        wrong = first_wrong(at, core->stride, 0);
    else if (h->sums == NULL)
        wrong = first_wrong(at, size, FH_HARD_POISON);
    else if (h->sums[i] != sum_of(core, h, i))
        wrong = FH_NO_OFFSET;
    if (word != 0 && wrong == size)
        wrong = fh_hard_canary_wrong(core, h, i);
    FH_POISON(at, core->stride);
    return wrong;
}
