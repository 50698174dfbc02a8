/* merge_table.c: which rule joins two tokens: a hash table with open addressing and linear probing, eight bytes a slot.
 *
 * Invariants: more slots than rules, so that each search ends at an empty one; the rule of every slot is below rules.count.
 * Threading: built once, then only read. */
#include "freehold/hash.h"
#include "text/kern/near.h"
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

/* The slot of a pair, or the empty one where it would go; the search ends after one round, as in spellings.c. */
static size_t slot_of(const fh_merge_table *t, uint64_t pair) {
    size_t mask = t->slots.count - 1;
    for (size_t i = (size_t)fh_mix64(t->seed ^ pair) & mask, left = mask;; i = (i + 1) & mask, left--) {
        uint64_t slot = fh_u64s_get(t->slots, i);
        if (slot >> RULE_BITS == pair || slot == UINT64_MAX || left == 0)
            return i;
    }
}

void fh_merge_table_put_all(fh_merge_table *t, fh_u32s triples) {
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
            fh_u64s_set(t->slots, slot_of(t, pair[i]), pair[i] << RULE_BITS | rule);
        }
    }
}

uint32_t fh_merge_table_find(const fh_merge_table *t, uint32_t left, uint32_t right) {
    if (t->slots.count == 0)
        return FH_NO_TOKEN;
    uint64_t slot = fh_u64s_get(t->slots, slot_of(t, (uint64_t)left << ID_BITS | right));
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
