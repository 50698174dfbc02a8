/* charsmap.c: see charsmap.h.
 *
 * A map is checked once, when it is read: every unit that a walk can reach leads to a unit, every value to the beginning of a
 * character of the replacements, and every walk ends. A walk still compares each step with the number of units.
 * Threading: immutable. */
#include "text/pipe/charsmap.h"

#include "freehold/utf8.h"
#include "text/pipe/ascii.h"
#include "text/pipe/base64.h"
#include "text/unicode.h"

/* KEY_BYTES_MAX: of the longest key, so that looking costs at most so many steps a byte. */
enum { KEY_BYTES_MAX = 512, KEYED_CODES = 1 << 16, HEAD_BYTES = 4,
       WHOLE_MAX = 5 /* bytes of a cluster that is looked up as a whole */ };

static const uint32_t VALUE_BIT = UINT32_C(1) << 31;

/* --- the trie ---------------------------------------------------------------------------------------------------------- */

static uint32_t unit_at(fh_span bytes, size_t i) {
    return fh_span_u32(bytes, HEAD_BYTES + 4 * i);
}

/* How a unit's children, and its value, lie from its own place: the two are joined by exclusive or. */
static size_t offset_of(uint32_t unit) {
    return (size_t)(unit >> 10) << ((unit & (UINT32_C(1) << 9)) >> 6);
}

static bool has_value(uint32_t unit) {
    return (unit >> 8 & 1) != 0;
}

/* The replacement at a place of the replacements. */
static fh_span replacement(const fh_charsmap *map, size_t at) fh_view(1) {
    fh_span rest = fh_span_from(fh_buf_view(&map->bytes), HEAD_BYTES + 4 * map->units + at);
    size_t end = fh_span_find(rest, FH_LIT("\0"), 0);
    return fh_span_sub(rest, 0, end == SIZE_MAX ? rest.size : end);
}

/* Goes from a place of the trie along a byte; false if no key goes on so. *ends: a key ends with it. */
static inline bool step(const fh_charsmap *map, fh_mut size_t *at, uint8_t b, fh_out bool *ends) {
    size_t child = *at ^ b;
    *ends = false;
    if (b == 0 || child >= map->units)
        return false;
    uint32_t unit = unit_at(fh_buf_view(&map->bytes), child);
    if ((unit & (VALUE_BIT | 0xff)) != b)
        return false;
    *at = child ^ offset_of(unit);
    *ends = has_value(unit);
    return true;
}

/* Walks along text; *size becomes that of the shortest, or of the longest key that it begins with, and *value what is said of
 * its replacement; 0: there is none. */
static void walk_keys(const fh_charsmap *map, fh_span text, bool longest, fh_out size_t *size, fh_out uint32_t *value) {
    fh_span bytes = fh_buf_view(&map->bytes);
    size_t at = offset_of(unit_at(bytes, 0));
    bool ends = false;
    *size = 0;
    *value = 0;
    for (size_t i = 0; i < text.size && (longest || *size == 0); i++) {
        if (!step(map, &at, fh_span_at(text, i), &ends))
            return;
        if (ends) {
            *size = i + 1;
            *value = unit_at(bytes, at) & ~VALUE_BIT;
        }
    }
}

bool fh_charsmap_find(const fh_charsmap *map, fh_span text, fh_span *out) {
    size_t size;
    uint32_t value;
    walk_keys(map, text, false, &size, &value);
    *out = size != 0 ? replacement(map, value) : (fh_span){NULL, 0};
    return size != 0;
}

size_t fh_charsmap_longest(const fh_charsmap *map, fh_span text, fh_span *out) {
    size_t size;
    uint32_t value;
    walk_keys(map, text, true, &size, &value);
    *out = size != 0 ? replacement(map, value) : (fh_span){NULL, 0};
    return size;
}

/* Refuses what a walk could stumble over. */
static fh_status check(const fh_charsmap *map, size_t offset_bytes, fh_err *err) {
    fh_span bytes = fh_buf_view(&map->bytes);
    fh_span texts = fh_span_from(bytes, HEAD_BYTES + 4 * map->units);
    if (!fh_utf8_valid(texts))
        return fh_fail(err, FH_CORRUPT, offset_bytes, "precompiled_charsmap has replacements that are not UTF-8");
    for (size_t i = 0; i < map->units; i++) {
        uint32_t unit = unit_at(bytes, i);
        if ((unit & VALUE_BIT) != 0 && i != 0)
            continue;
        size_t at = i ^ offset_of(unit);
        if (at >= map->units)
            return fh_fail(err, FH_CORRUPT, offset_bytes, "precompiled_charsmap: unit %zu leads to unit %zu of %zu", i, at,
                           map->units);
        if (!has_value(unit))
            continue;
        uint32_t value = unit_at(bytes, at) & ~VALUE_BIT;
        if (value > texts.size || (value < texts.size && (fh_span_at(texts, value) & 0xc0) == 0x80))
            return fh_fail(err, FH_CORRUPT, offset_bytes,
                           "precompiled_charsmap: unit %zu names a replacement at byte %u of %zu, which none begins at", i,
                           value, texts.size);
    }
    return FH_DONE;
}

/* --- how far walks go -------------------------------------------------------------------------------------------------- */

/* A unit with a byte leads from one place of the trie to another. Several may lead to one place: keys that end alike share
 * their ends. */
typedef struct leads {
    fh_owned fh_u32s on;    /* of each place, how many units lead on from it to a place that is not in `ended` */
    fh_owned fh_u32s into;  /* of each place, one more than a unit that leads there, or 0 … */
    fh_owned fh_u32s other; /* … and of each unit, one more than another one that leads to the same place, or 0 */
    fh_owned fh_u32s ended; /* places from which all walks are known */
} leads;

/* Where a unit leads from; SIZE_MAX if it leads on from nowhere. */
static size_t begin_of(const fh_charsmap *map, size_t i) {
    uint32_t unit = unit_at(fh_buf_view(&map->bytes), i);
    size_t from = i ^ (unit & 0xff);
    return (unit & VALUE_BIT) == 0 && from != i && from < map->units ? from : SIZE_MAX;
}

static void find_leads(const fh_charsmap *map, leads *l) {
    for (size_t i = 0; i < map->units; i++) {
        size_t from = begin_of(map, i), to = i ^ offset_of(unit_at(fh_buf_view(&map->bytes), i));
        if (from == SIZE_MAX)
            continue;
        ++*fh_u32s_at(l->on, from);
        fh_u32s_set(l->other, i, fh_u32s_get(l->into, to));
        fh_u32s_set(l->into, to, (uint32_t)i + 1);
    }
}

/* How many bytes the longest walk from the root takes; SIZE_MAX if one goes around. Round by round, places from which every
 * unit leads to a place of an earlier round: that of the root is the number. */
static size_t longest_walk(const fh_charsmap *map, leads *l) {
    size_t root = offset_of(unit_at(fh_buf_view(&map->bytes), 0)), rounds = 0, done = 0, count = 0;
    for (size_t at = 0; at < map->units; at++)
        if (fh_u32s_get(l->on, at) == 0)
            fh_u32s_set(l->ended, count++, (uint32_t)at);
    for (; fh_u32s_get(l->on, root) != 0 && done < count; rounds++)
        for (size_t end = count; done < end; done++)
            for (uint32_t i = fh_u32s_get(l->into, fh_u32s_get(l->ended, done)); i != 0; i = fh_u32s_get(l->other, i - 1)) {
                size_t from = begin_of(map, i - 1);
                if (--*fh_u32s_at(l->on, from) == 0)
                    fh_u32s_set(l->ended, count++, (uint32_t)from);
            }
    return fh_u32s_get(l->on, root) == 0 ? rounds : SIZE_MAX;
}

static fh_status measure(const fh_charsmap *map, fh_out size_t *longest) {
    fh_allocator *a = map->bytes.allocator;
    leads l = {.on = {0}};
    *longest = 0;
    fh_status s = fh_u32s_new(a, map->units, &l.on);
    if (s.code == FH_OK)
        s = fh_u32s_new(a, map->units, &l.into);
    if (s.code == FH_OK)
        s = fh_u32s_new(a, map->units, &l.other);
    if (s.code == FH_OK)
        s = fh_u32s_new(a, map->units, &l.ended);
    if (s.code == FH_OK) {
        find_leads(map, &l);
        *longest = longest_walk(map, &l);
    }
    fh_u32s_free(a, &l.on);
    fh_u32s_free(a, &l.into);
    fh_u32s_free(a, &l.other);
    fh_u32s_free(a, &l.ended);
    return s;
}

/* Refuses keys without an end, or too long ones. */
static fh_status check_walks(const fh_charsmap *map, size_t offset_bytes, fh_err *err) {
    size_t longest;
    FH_TRY(measure(map, &longest));
    if (longest == SIZE_MAX)
        return fh_fail(err, FH_CORRUPT, offset_bytes, "precompiled_charsmap has a trie in which a way leads back to itself");
    if (longest > KEY_BYTES_MAX)
        return fh_fail(err, FH_LIMIT, offset_bytes, "precompiled_charsmap has a key of %zu bytes, at most %d are supported",
                       longest, KEY_BYTES_MAX);
    return FH_DONE;
}

/* --- which characters are looked up ------------------------------------------------------------------------------------ */

/* A bit for each code point whose first bytes are `code`, `more` of them missing. */
static void mark(fh_u64s bits, uint32_t code, unsigned more) {
    for (uint32_t c = code << 6 * more; c < (code + 1) << 6 * more; c++)
        *fh_u64s_at(bits, c / 64) |= (uint64_t)1 << c % 64;
}

/* Marks what begins with a key, of the characters that go on from a place of the trie by `more` bytes. */
static void mark_keyed(const fh_charsmap *map, fh_u64s bits, size_t at, uint32_t code, unsigned more) {
    for (uint32_t b = 0x80; b < 0xc0 && more > 0; b++) {
        size_t next = at;
        bool ends = false;
        uint32_t longer = code << 6 | (b & 0x3f);
        if (!step(map, &next, (uint8_t)b, &ends))
            continue;
        if (ends)
            mark(bits, longer, more - 1);
        else
            mark_keyed(map, bits, next, longer, more - 1);
    }
}

/* Fills map->keyed: characters of clusters are not passed over either. */
static fh_status find_keyed(fh_charsmap *map) {
    fh_u64s bits;
    FH_TRY(fh_u64s_new(map->bytes.allocator, KEYED_CODES / 64, &bits));
    for (uint32_t code = 0x80; code < KEYED_CODES; code++)
        if (fh_unicode_cluster(code) != FH_CLUSTER_ANY)
            mark(bits, code, 0);
    for (uint32_t b = 0xc2; b < 0xf0; b++) {
        size_t at = offset_of(unit_at(fh_buf_view(&map->bytes), 0));
        bool ends = false, two = b < 0xe0;
        uint32_t code = two ? b & 0x1f : b & 0xf;
        if (!step(map, &at, (uint8_t)b, &ends))
            continue;
        if (ends)
            mark(bits, code, two ? 1 : 2);
        else
            mark_keyed(map, bits, at, code, two ? 1 : 2);
    }
    map->keyed = bits;
    return FH_DONE;
}

/* Takes the bytes of a map over. */
static fh_status settle(fh_charsmap *map, size_t offset_bytes, fh_err *err) {
    fh_span bytes = fh_buf_view(&map->bytes);
    map->units = bytes.size < HEAD_BYTES ? 0 : fh_span_u32(bytes, 0) / 4;
    if (map->units == 0 || map->units > (bytes.size - HEAD_BYTES) / 4)
        return fh_fail(err, FH_CORRUPT, offset_bytes, "precompiled_charsmap has %zu bytes, and a trie of %zu units", bytes.size,
                       map->units);
    FH_TRY(check(map, offset_bytes, err));
    FH_TRY(check_walks(map, offset_bytes, err));
    map->plain = true;
    for (uint8_t b = ' '; b < 0x7f; b++) {
        fh_span found;
        if (fh_charsmap_find(map, (fh_span){&b, 1}, &found))
            map->plain = false;
    }
    return find_keyed(map);
}

/* Reads a map from base64, or from its bytes. */
static fh_status make_map(fh_allocator *a, fh_span file, bool base64, size_t offset_bytes,
                          fh_owned fh_view(1) fh_charsmap *out, fh_err *err) {
    fh_charsmap map = {.units = 0};
    fh_buf_init(&map.bytes, a, 0);
    fh_status s = base64 ? fh_base64_read(file, "precompiled_charsmap", offset_bytes, &map.bytes, err)
                         : fh_buf_put(&map.bytes, file);
    if (s.code == FH_OK)
        s = settle(&map, offset_bytes, err);
    if (fh_failed(s)) {
        fh_charsmap_deinit(&map);
        return s;
    }
    *out = map;
    return FH_DONE;
}

fh_status fh_charsmap_read(fh_allocator *a, fh_span base64, size_t offset_bytes, fh_charsmap *out, fh_err *err) {
    return make_map(a, base64, true, offset_bytes, out, err);
}

fh_status fh_charsmap_of_bytes(fh_allocator *a, fh_span bytes, size_t offset_bytes, fh_charsmap *out, fh_err *err) {
    return make_map(a, bytes, false, offset_bytes, out, err);
}

fh_status fh_charsmap_write(const fh_charsmap *map, fh_buf *out) {
    return fh_base64_write(fh_buf_view(&map->bytes), out);
}

void fh_charsmap_deinit(fh_charsmap *map) {
    fh_u64s_free(map->bytes.allocator, &map->keyed);
    fh_buf_deinit(&map->bytes);
}

/* --- clusters ---------------------------------------------------------------------------------------------------------- */

/* What a cluster so far ends in. */
typedef struct ending {
    fh_cluster last;
    bool picture; /* a pictograph and what extends it; then ZWJ */
    bool consonant, linked; /* a consonant and what extends it, a linker among that */
    bool odd;     /* a regional indicator without a partner */
} ending;

static bool extends(fh_cluster c) {
    return c == FH_CLUSTER_EXTEND || c == FH_CLUSTER_LINKER || c == FH_CLUSTER_UNLINKED;
}

static bool is_break(fh_cluster c) {
    return c == FH_CLUSTER_CR || c == FH_CLUSTER_LF || c == FH_CLUSTER_CONTROL;
}

/* True if no boundary lies before `next` (the rules GB3 to GB13). */
static bool joins(const ending *e, fh_cluster next) {
    fh_cluster last = e->last;
    if (last == FH_CLUSTER_CR && next == FH_CLUSTER_LF)
        return true;
    if (is_break(last) || is_break(next))
        return false;
    if (extends(next) || next == FH_CLUSTER_ZWJ || next == FH_CLUSTER_SPACING || last == FH_CLUSTER_PREPEND)
        return true;
    bool vowel = next == FH_CLUSTER_V, tail = next == FH_CLUSTER_T;
    if (last == FH_CLUSTER_L)
        return next == FH_CLUSTER_L || vowel || next == FH_CLUSTER_LV || next == FH_CLUSTER_LVT;
    if (last == FH_CLUSTER_LV || last == FH_CLUSTER_V)
        return vowel || tail;
    if (last == FH_CLUSTER_LVT || last == FH_CLUSTER_T)
        return tail;
    return (next == FH_CLUSTER_CONSONANT && e->consonant && e->linked) ||
           (next == FH_CLUSTER_PICTURE && last == FH_CLUSTER_ZWJ && e->picture) || (next == FH_CLUSTER_REGIONAL && e->odd);
}

static void advance(ending *e, fh_cluster next) {
    bool in_conjunct = next == FH_CLUSTER_EXTEND || next == FH_CLUSTER_LINKER || next == FH_CLUSTER_ZWJ;
    bool in_picture = e->picture && e->last != FH_CLUSTER_ZWJ && (extends(next) || next == FH_CLUSTER_ZWJ);
    e->picture = next == FH_CLUSTER_PICTURE || in_picture;
    e->linked = in_conjunct && (e->linked || next == FH_CLUSTER_LINKER);
    e->consonant = next == FH_CLUSTER_CONSONANT || (in_conjunct && e->consonant);
    e->odd = next == FH_CLUSTER_REGIONAL && !e->odd;
    e->last = next;
}

/* What the rune at i is; a byte that is not UTF-8 goes with nothing. */
static fh_cluster cluster_of(fh_rune r) {
    return r.valid ? fh_unicode_cluster(r.code) : FH_CLUSTER_CONTROL;
}

size_t fh_cluster_end(fh_span text, size_t at) {
    ending e = {.last = FH_CLUSTER_ANY};
    fh_rune r = fh_utf8_next(text, at);
    advance(&e, cluster_of(r));
    for (at += r.size; at < text.size; at += r.size) {
        r = fh_utf8_next(text, at);
        fh_cluster next = cluster_of(r);
        if (!joins(&e, next))
            break;
        advance(&e, next);
    }
    return at;
}

/* --- the walk ---------------------------------------------------------------------------------------------------------- */

/* What was written last, if it was new: a replacement by nothing right behind it changes its origin, so it waits. */
typedef struct walk {
    uint32_t held;
    bool holds, begun;
} walk;

static fh_status let_go(walk *w, const fh_traced *from, fh_edit *e) {
    if (!w->holds)
        return FH_DONE;
    w->holds = false;
    return fh_edit_put(e, from, w->held, 1);
}

static size_t count_of(fh_span text) {
    size_t count = 0;
    for (size_t i = 0; i < text.size; i += fh_utf8_next(text, i).size)
        count++;
    return count;
}

/* Writes `to` for `gone` characters: as many replace them, the others are new; if there are fewer, the last one takes the rest
 * along, or what was written before it if there is none. At the very beginning the rest is forgotten, as in the reference. */
static fh_status put_replacement(walk *w, const fh_traced *from, fh_edit *e, fh_span old, fh_span to) {
    size_t gone = count_of(old), come = count_of(to);
    if (come == 0) {
        if (w->holds) {
            w->holds = false;
            return fh_edit_put(e, from, w->held, 1 - (ptrdiff_t)gone);
        }
        if (w->begun)
            fh_edit_skip(e, from, gone);
        return FH_DONE;
    }
    FH_TRY(let_go(w, from, e));
    w->begun = true;
    for (size_t i = 0, k = 0; i < to.size; k++) {
        fh_rune r = fh_utf8_next(to, i);
        i += r.size;
        if (k < gone) {
            FH_TRY(fh_edit_put(e, from, r.code, 0));
            continue;
        }
        FH_TRY(let_go(w, from, e));
        *w = (walk){.held = r.code, .holds = true, .begun = true};
    }
    if (gone > come)
        fh_edit_skip(e, from, gone - come);
    return FH_DONE;
}

static fh_status keep(walk *w, const fh_traced *from, fh_edit *e, size_t begin, size_t end) {
    if (begin == end)
        return FH_DONE;
    FH_TRY(let_go(w, from, e));
    w->begun = true;
    return fh_edit_keep(e, from, begin, end);
}

/* Replaces [i, j) if the map has it, after what stays since *kept. */
static fh_status try_replace(walk *w, const fh_traced *from, fh_edit *e, const fh_charsmap *map, fh_span old, size_t i,
                             fh_mut size_t *kept, fh_out bool *done) {
    fh_span to;
    *done = fh_charsmap_find(map, old, &to);
    if (!*done)
        return FH_DONE;
    size_t begin = *kept;
    *kept = i + old.size;
    if (old.size == 1 && to.size == 1) { /* both are ASCII */
        FH_TRY(let_go(w, from, e));
        w->begun = true;
        return fh_edit_keep_as(e, from, begin, *kept, fh_span_at(to, 0));
    }
    FH_TRY(keep(w, from, e, begin, i));
    return put_replacement(w, from, e, old, to);
}

/* The characters of a cluster one by one. */
static fh_status put_singly(walk *w, const fh_traced *from, fh_edit *e, const fh_charsmap *map, size_t i, size_t end,
                            fh_mut size_t *kept) {
    fh_span text = fh_traced_view(from);
    while (i < end) {
        fh_rune r = fh_utf8_next(text, i);
        bool done = false;
        if (r.valid)
            FH_TRY(try_replace(w, from, e, map, fh_span_sub(text, i, r.size), i, kept, &done));
        i += r.size;
    }
    return FH_DONE;
}

/* True for a character that stays, unless what follows joins it. */
static inline bool is_quiet(const fh_charsmap *map, fh_rune r) {
    return r.valid && r.size < 4 && (fh_u64s_get(map->keyed, r.code / 64) >> r.code % 64 & 1) == 0;
}

/* Passes such characters of three bytes, as long as they come in twos. */
static inline size_t quiet_threes_end(const fh_charsmap *map, fh_span text, size_t i) {
    const uint64_t surrogates = 0xd800 >> 6, two_bytes = 0x800 >> 6;
    fh_u64s keyed = fh_u64s_sub(map->keyed, 0, KEYED_CODES / 64);
    for (; text.size - i >= 8; i += 6) {
        uint64_t x = fh_word_eight(text, i), rows = fh_rows_of_threes(x);
        uint64_t one = rows & 1023, two = rows >> 24;
        uint64_t bits = fh_u64s_get(keyed, one) >> (x >> 16 & 63) | fh_u64s_get(keyed, two) >> (x >> 40 & 63);
        bool loud = (bits & 1) != 0;
        if (!fh_are_threes(x) || loud || one < two_bytes || two < two_bytes || one >> 5 == surrogates >> 5 ||
            two >> 5 == surrogates >> 5)
            break;
    }
    return i;
}

/* Where the clusters from i on, each of one character that stays, end: their last character may begin a longer one. */
static size_t quiet_end(const fh_charsmap *map, fh_span text, size_t i) {
    size_t last = i;
    while (i < text.size) {
        if (fh_span_at(text, i) < 0x80) {
            size_t j = map->plain ? fh_ascii_end(text, i, FH_ASCII_CONTROL) : i;
            if (j == i)
                return i; /* nothing before it joins this one */
            last = j - 1;
            i = j;
            continue;
        }
        size_t j = quiet_threes_end(map, text, i);
        if (j != i) {
            last = j - 3;
            i = j;
            continue;
        }
        fh_rune r = fh_rune_at(text, i);
        if (!is_quiet(map, r))
            return last;
        last = i;
        i += r.size;
    }
    return i;
}

fh_status fh_rule_precompiled(const fh_traced *from, fh_edit *e, const fh_charsmap *map) {
    fh_span text = fh_traced_view(from);
    walk w = {.held = 0};
    size_t kept = 0;
    for (size_t i = 0; i < text.size;) {
        i = quiet_end(map, text, i);
        if (i == text.size)
            break;
        size_t end = fh_cluster_end(text, i);
        bool done = false;
        if (end - i <= WHOLE_MAX && fh_utf8_next(text, i).valid)
            FH_TRY(try_replace(&w, from, e, map, fh_span_sub(text, i, end - i), i, &kept, &done));
        if (!done && end > i + fh_utf8_next(text, i).size) /* one character was looked up already */
            FH_TRY(put_singly(&w, from, e, map, i, end, &kept));
        i = end;
    }
    FH_TRY(keep(&w, from, e, kept, text.size));
    return let_go(&w, from, e);
}
