/* spellings.c: tokens by id and by spelling: one text with all spellings, their places by id, and a hash table of ids with open
 * addressing and linear probing.
 *
 * Invariants: each entry lies among the FH_SEARCH_MAX slots from its own on, with no empty one before it; each place lies in
 * the text. (A table that lies in a file may be overwritten while it is in use: a search still ends.)
 * Threading: built once, then only read. */
#include "freehold/checked.h"
#include "freehold/hash.h"
#include "text/kern/near.h"
#include "text/kern/word.h"
#include "text/pipe/hashed.h"
#include "text/pipe/token_model_impl.h"

/* LOOKS: at once, as many as keep memory busy. NEAR: slots that mostly lie in one line of memory. */
enum { LOOKS = 64, NEAR = 8 };

static fh_span text_at(const fh_spellings *s, fh_place p) {
    return fh_span_sub(fh_spellings_text(s), p.at, p.size);
}

fh_span fh_spellings_get(const fh_spellings *s, uint32_t id) {
    fh_place p = {FH_NO_TOKEN, 0};
    if (id < s->places.count)
        p = fh_places_get(s->places, id);
    return p.at == FH_NO_TOKEN ? (fh_span){NULL, 0} : text_at(s, p);
}

/* The slot of a spelling, or the empty one where it would go; SIZE_MAX: neither is among those that are looked at. */
static size_t slot_of(const fh_spellings *s, fh_span spelling, uint64_t hash) {
    size_t mask = s->slots.count - 1, i = (size_t)hash & mask;
    for (size_t left = FH_SEARCH_MAX; left > 0; left--, i = (i + 1) & mask) {
        uint64_t slot = fh_u64s_get(s->slots, i);
        if (slot == UINT64_MAX ||
            (slot >> 32 == hash >> 32 && fh_span_equal(fh_spellings_get(s, (uint32_t)slot), spelling)))
            return i;
    }
    return SIZE_MAX;
}

static uint32_t find(const fh_spellings *s, fh_span spelling, uint64_t hash) {
    size_t i = slot_of(s, spelling, hash);
    return i != SIZE_MAX ? (uint32_t)fh_u64s_get(s->slots, i) : FH_NO_TOKEN;
}

uint32_t fh_spellings_find(const fh_spellings *s, fh_span spelling) {
    return s->slots.count != 0 ? find(s, spelling, fh_hash_bytes(s->seed, spelling)) : FH_NO_TOKEN;
}

/* fh_hash_bytes of a place in a text. */
static inline uint64_t hash_at(uint64_t seed, fh_span text, fh_place p) {
    if (p.size > FH_WORD_SHORT)
        return fh_hash_bytes(seed, fh_span_sub(text, p.at, p.size));
    fh_word_key key = fh_word_key_of(text, p.at, p.size);
    uint64_t h = fh_mix64(seed ^ fh_mix64(p.size));
    h = p.size != 0 ? fh_mix64(h ^ key.low) : h;
    return p.size > 8 ? fh_mix64(h ^ key.high) : h;
}

/* Brings the place that a slot names near. */
static inline void call_place(const fh_spellings *s, uint64_t slot) {
    if ((uint32_t)slot < s->places.count)
        fh_bring_near(fh_places_at(s->places, (uint32_t)slot));
}

/* Up to LOOKS of them: all hashes first, then all slots, places and texts; what one walk needs the one before calls for. */
static void find_some(const fh_spellings *s, fh_span text, fh_places spellings, fh_u32s ids) {
    uint64_t hash[LOOKS] = {0}, slot[LOOKS] = {0};
    fh_place place[LOOKS] = {{0, 0}};
    size_t n = spellings.count < LOOKS ? spellings.count : LOOKS, mask = s->slots.count - 1;
    fh_span own = fh_spellings_text(s);
    for (size_t i = 0; i < n; i++) {
        hash[i] = hash_at(s->seed, text, fh_places_get(spellings, i));
        fh_bring_near(fh_u64s_at(s->slots, (size_t)hash[i] & mask));
    }
    for (size_t i = 0; i < n; i++) {
        size_t k = (size_t)hash[i];
        do
            slot[i] = fh_u64s_get(s->slots, k++ & mask);
        while (slot[i] >> 32 != hash[i] >> 32 && slot[i] != UINT64_MAX && k - (size_t)hash[i] < NEAR);
        call_place(s, slot[i]);
    }
    for (size_t i = 0; i < n; i++) {
        bool likely = slot[i] >> 32 == hash[i] >> 32 && (uint32_t)slot[i] < s->places.count;
        place[i] = likely ? fh_places_get(s->places, (uint32_t)slot[i]) : (fh_place){FH_NO_TOKEN, 0};
        if (place[i].at != FH_NO_TOKEN)
            fh_bring_near(text_at(s, place[i]).at);
    }
    for (size_t i = 0; i < n; i++) {
        fh_place p = fh_places_get(spellings, i);
        bool met = place[i].at != FH_NO_TOKEN && place[i].size == p.size && fh_word_equal(own, place[i].at, text, p.at, p.size);
        fh_u32s_set(ids, i, met ? (uint32_t)slot[i] : find(s, fh_span_sub(text, p.at, p.size), hash[i]));
    }
}

void fh_spellings_find_all(const fh_spellings *s, fh_span text, fh_places spellings, fh_u32s ids) {
    for (size_t at = 0; at < spellings.count; at += LOOKS) {
        size_t n = spellings.count - at < LOOKS ? spellings.count - at : LOOKS;
        if (s->slots.count != 0)
            find_some(s, text, fh_places_sub(spellings, at, n), fh_u32s_sub(ids, at, n));
        for (size_t i = 0; i < n && s->slots.count == 0; i++)
            fh_u32s_set(ids, at + i, FH_NO_TOKEN);
    }
}

bool fh_spellings_joins(const fh_spellings *s, uint32_t id, fh_span left, fh_span right) {
    fh_place p = id < s->places.count ? fh_places_get(s->places, id) : (fh_place){FH_NO_TOKEN, 0};
    fh_span text = fh_spellings_text(s);
    return p.at != FH_NO_TOKEN && p.size == left.size + right.size && fh_word_equal(text, p.at, left, 0, left.size) &&
           fh_word_equal(text, p.at + left.size, right, 0, right.size);
}

static fh_status put(fh_spellings *s, uint32_t id, fh_place p, uint64_t hash, bool by_name, fh_err *err) {
    size_t i = slot_of(s, text_at(s, p), hash);
    if (i == SIZE_MAX)
        return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "token %u, \"%.*s\", collides with %d others in a hash table", id,
                       FH_SPAN_FMT(text_at(s, p)), FH_SEARCH_MAX);
    uint64_t before = fh_u64s_get(s->slots, i);
    if (before == UINT64_MAX)
        s->count++;
    else if (by_name)
        fh_places_at(s->places, (uint32_t)before)->at = FH_NO_TOKEN;
    fh_place *place = fh_places_at(s->places, id);
    if (place->at != FH_NO_TOKEN)
        return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "tokens \"%.*s\" and \"%.*s\" have one id, %u",
                       FH_SPAN_FMT(text_at(s, *place)), FH_SPAN_FMT(text_at(s, p)), id);
    *place = p;
    fh_u64s_set(s->slots, i, (hash >> 32) << 32 | id);
    return FH_DONE;
}

/* Puts up to LOOKS entries; their slots are on their way before the first one is needed. */
static fh_status put_some(fh_spellings *s, fh_u32s entries, bool by_name, fh_err *err) {
    uint64_t hash[LOOKS] = {0};
    fh_span text = fh_spellings_text(s);
    size_t n = entries.count / 3, mask = s->slots.count - 1;
    for (size_t i = 0; i < n && i < LOOKS; i++) {
        hash[i] = hash_at(s->seed, text, (fh_place){fh_u32s_get(entries, 3 * i + 1), fh_u32s_get(entries, 3 * i + 2)});
        fh_bring_near(fh_u64s_at(s->slots, (size_t)hash[i] & mask));
    }
    for (size_t i = 0; i < n && i < LOOKS; i++) {
        fh_place p = {fh_u32s_get(entries, 3 * i + 1), fh_u32s_get(entries, 3 * i + 2)};
        FH_TRY(put(s, fh_u32s_get(entries, 3 * i), p, hash[i], by_name, err));
    }
    return FH_DONE;
}

fh_status fh_spellings_build(fh_allocator *a, fh_spellings *s, fh_u32s entries, bool by_name, fh_err *err) {
    size_t ids = 0, slots = 4;
    for (size_t i = 0; i < entries.count; i += 3) {
        size_t id = fh_u32s_get(entries, i);
        ids = id >= ids ? id + 1 : ids;
    }
    while (slots - slots / 3 < entries.count / 3 + 1)
        slots *= 2;
    FH_TRY(fh_places_new(a, ids, &s->places));
    FH_TRY(fh_u64s_new(a, slots, &s->slots));
    for (size_t i = 0; i < ids; i++)
        fh_places_set(s->places, i, (fh_place){FH_NO_TOKEN, 0});
    for (size_t i = 0; i < slots; i++)
        fh_u64s_set(s->slots, i, UINT64_MAX);
    s->seed = fh_hash_bytes(entries.count, fh_spellings_text(s));
    s->seed = fh_hash_bytes(s->seed, fh_span_of_mut(fh_u32s_bytes(entries)));
    for (size_t i = 0; i < entries.count; i += 3 * LOOKS) {
        size_t left = entries.count - i;
        FH_TRY(put_some(s, fh_u32s_sub(entries, i, left < 3 * LOOKS ? left : 3 * LOOKS), by_name, err));
    }
    return FH_DONE;
}
