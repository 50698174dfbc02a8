/* merge_table.c: which rule joins two tokens: a hash table with open addressing and linear probing, eight bytes a slot.
 *
 * Invariants: each rule lies among the FH_SEARCH_MAX slots from its own on, with no empty one before it; the rule of every slot
 * is below rules.count. Threading: built once, then only read. */
#include "freehold/hash.h"
#include "text/kern/near.h"
#include "text/pipe/hashed.h"
#include "text/pipe/token_model_impl.h"

enum { RULE_BITS = 24, ID_BITS = 20, LOOKS = 64 };
_Static_assert(FH_MODEL_IDS_MAX <= 1 << ID_BITS, "two ids and a rule fit a slot");

fh_status fh_merge_table_new(fh_allocator *a, size_t count, uint64_t seed, fh_merge_table *out) {
    FH_ASSERT(count <= FH_MERGE_RULES_MAX);
    out->seed = seed;
    size_t slots = 4;
    while (slots - slots / 3 < count + 1)
        slots *= 2;
    FH_TRY(fh_merge_rules_new(a, count, &out->rules));
    FH_TRY(fh_u64s_new(a, slots, &out->slots));
    for (size_t i = 0; i < slots; i++)
        fh_u64s_set(out->slots, i, UINT64_MAX);
    return FH_DONE;
}

void fh_merge_table_free(fh_allocator *a, fh_merge_table *t) {
    fh_u64s_free(a, &t->slots);
    fh_merge_rules_free(a, &t->rules);
}

/* The slot of a pair, or the empty one where it would go; SIZE_MAX: neither is among those that are looked at. */
static size_t slot_of(const fh_merge_table *t, uint64_t pair) {
    size_t mask = t->slots.count - 1, i = (size_t)fh_mix64(t->seed ^ pair) & mask;
    for (size_t left = FH_SEARCH_MAX; left > 0; left--, i = (i + 1) & mask) {
        uint64_t slot = fh_u64s_get(t->slots, i);
        if (slot >> RULE_BITS == pair || slot == UINT64_MAX)
            return i;
    }
    return SIZE_MAX;
}

static fh_status put(fh_merge_table *t, uint64_t pair, uint32_t rule, fh_err *err) {
    size_t i = slot_of(t, pair);
    if (i == SIZE_MAX)
        return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "merge %u, of tokens %u and %u, collides with %d others in a hash table",
                       rule, (uint32_t)(pair >> ID_BITS), (uint32_t)(pair & ((1 << ID_BITS) - 1)), FH_SEARCH_MAX);
    fh_u64s_set(t->slots, i, pair << RULE_BITS | rule);
    return FH_DONE;
}

fh_status fh_merge_table_put_all(fh_merge_table *t, fh_u32s triples, fh_err *err) {
    size_t count = triples.count / 3, mask = t->slots.count - 1;
    for (size_t from = 0; from < count; from += LOOKS) {
        uint64_t pair[LOOKS] = {0};
        size_t n = count - from < LOOKS ? count - from : LOOKS;
        for (size_t i = 0; i < n; i++) { /* all slots are on their way before the first one is needed */
            pair[i] = (uint64_t)fh_u32s_get(triples, 3 * (from + i)) << ID_BITS | fh_u32s_get(triples, 3 * (from + i) + 1);
            fh_bring_near(fh_u64s_at(t->slots, (size_t)fh_mix64(t->seed ^ pair[i]) & mask));
        }
        for (size_t i = 0; i < n; i++) {
            uint32_t rule = (uint32_t)(from + i);
            fh_merge_rules_set(t->rules, rule, (fh_merge_rule){rule, fh_u32s_get(triples, 3 * (from + i) + 2)});
            FH_TRY(put(t, pair[i], rule, err));
        }
    }
    return FH_DONE;
}

uint32_t fh_merge_table_find(const fh_merge_table *t, uint32_t left, uint32_t right) {
    if (t->slots.count == 0)
        return FH_NO_TOKEN;
    size_t i = slot_of(t, (uint64_t)left << ID_BITS | right);
    uint64_t slot = i != SIZE_MAX ? fh_u64s_get(t->slots, i) : UINT64_MAX;
    return slot == UINT64_MAX ? FH_NO_TOKEN : (uint32_t)(slot & FH_MERGE_RULES_MAX);
}

void fh_merge_table_list(const fh_merge_table *t, fh_u64s pairs) {
    for (size_t i = 0; i < pairs.count; i++)
        fh_u64s_set(pairs, i, UINT64_MAX);
    for (size_t i = 0; i < t->slots.count; i++) {
        uint64_t slot = fh_u64s_get(t->slots, i), left = slot >> (RULE_BITS + ID_BITS);
        if (slot != UINT64_MAX)
            fh_u64s_set(pairs, slot & FH_MERGE_RULES_MAX, left << 32 | (slot >> RULE_BITS & ((1 << ID_BITS) - 1)));
    }
}
