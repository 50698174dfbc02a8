/* added.c: added tokens: reading them, and finding them in text, leftmost and there longest.
 *
 * A match that does not count (part of a word, or special where these stay text) is passed over as a whole, as in the
 * reference: nothing is looked for inside it. Threading: see added.h. */
#include "text/pipe/added.h"

#include "freehold/checked.h"
#include "freehold/hash.h"
#include "freehold/json_object.h"
#include "freehold/utf8.h"
#include "text/pipe/hashed.h"
#include "text/unicode.h"

/* LOOKS: into the model, at once. */
enum { LOOKS = 64, BY_ID_MIN = 2048, TRAIL_BYTES = 64 };

void fh_added_init(fh_added *d, fh_allocator *a) {
    *d = (fh_added){.allocator = a};
    fh_buf_init(&d->texts, a, INT32_MAX);
    fh_added_token_list_init(&d->tokens, a);
    fh_ids_init(&d->raw.found, a, 0);
    fh_ids_init(&d->normal.found, a, 0);
}

static void free_trie(fh_ref fh_allocator *a, fh_drop fh_trie *trie) {
    fh_pair_table_free(a, &trie->edges);
    fh_ids_deinit(&trie->found);
}

void fh_added_deinit(fh_added *d) {
    fh_buf_deinit(&d->texts);
    fh_added_token_list_deinit(&d->tokens);
    fh_u32s_free(d->allocator, &d->by_id);
    free_trie(d->allocator, &d->raw);
    free_trie(d->allocator, &d->normal);
}

/* --- questions -------------------------------------------------------------------------------------------------------- */

const fh_added_token *fh_added_of_id(const fh_added *d, uint32_t id) {
    uint32_t number = id < d->by_id.count ? fh_u32s_get(d->by_id, id) : 0;
    return number != 0 ? fh_added_tokens_at(d->tokens.items, number - 1) : NULL;
}

fh_span fh_added_content(const fh_added *d, const fh_added_token *t) {
    return fh_span_sub(fh_buf_view(&d->texts), t->content, t->content_size);
}

fh_span fh_added_normal(const fh_added *d, const fh_added_token *t) {
    return fh_span_sub(fh_buf_view(&d->texts), t->normal, t->normal_size);
}

uint32_t fh_added_find(const fh_added *d, fh_span content) {
    for (size_t i = d->tokens.count; i-- > 0 && content.size != 0;) {
        const fh_added_token *t = fh_added_tokens_at(d->tokens.items, i);
        if (fh_span_equal(fh_added_content(d, t), content))
            return t->id;
    }
    return FH_NO_TOKEN;
}

uint32_t fh_added_id_end(const fh_added *d, const fh_token_model *model) {
    uint32_t end = fh_token_model_id_end(model);
    return d->id_end > end ? d->id_end : end;
}

/* --- reading ---------------------------------------------------------------------------------------------------------- */

static fh_status read_one(fh_added *d, const fh_json_member *m, fh_out fh_added_token *t, fh_err *err) {
    fh_json_object o;
    fh_json_member content;
    uint64_t id;
    *t = (fh_added_token){0};
    FH_TRY(fh_json_object_read(m->text, m->offset_bytes, &o, err));
    FH_TRY(fh_json_object_need(&o, "content", &content, err));
    FH_TRY(fh_json_object_u64(&o, "id", 0, &id, err));
    FH_TRY(fh_json_object_bool(&o, "special", false, &t->special, err));
    FH_TRY(fh_json_object_bool(&o, "normalized", !t->special, &t->normalized, err));
    FH_TRY(fh_json_object_bool(&o, "single_word", false, &t->single_word, err));
    FH_TRY(fh_json_object_bool(&o, "lstrip", false, &t->lstrip, err));
    FH_TRY(fh_json_object_bool(&o, "rstrip", false, &t->rstrip, err));
    size_t before = d->texts.size;
    FH_TRY(fh_json_text(content.first, &d->texts, err));
    t->content = t->normal = (uint32_t)before;
    t->content_size = t->normal_size = (uint32_t)(d->texts.size - before);
    if (t->content_size > FH_ADDED_BYTES_MAX)
        return fh_fail(err, FH_LIMIT, content.offset_bytes, "added token at byte %zu has %u bytes, at most %d are supported",
                       content.offset_bytes, t->content_size, FH_ADDED_BYTES_MAX);
    return FH_DONE;
}

/* What the normalizer makes of a token; `copy` and `room` are to work in. */
static fh_status normalize(fh_added *d, fh_mut fh_added_token *t, fh_ref fh_or_null const fh_normalizer *normalizer,
                           fh_mut fh_buf *copy, fh_err *err) {
    if (!t->normalized || normalizer == NULL)
        return FH_DONE;
    fh_buf_truncate(copy, 0);
    FH_TRY(fh_buf_put(copy, fh_added_content(d, t)));
    fh_normalized room;
    fh_normalized_init(&room, d->allocator);
    fh_status s = fh_normalized_reset(&room, fh_buf_view(copy), false);
    if (s.code == FH_OK)
        s = fh_normalizer_run(normalizer, &room);
    fh_span text = fh_normalized_view(&room);
    size_t before = d->texts.size;
    if (s.code == FH_OK && text.size > FH_ADDED_BYTES_MAX)
        s = FH_STATUS(FH_LIMIT);
    if (s.code == FH_OK && !fh_span_equal(text, fh_buf_view(copy))) {
        s = fh_buf_put(&d->texts, text);
        t->normal = (uint32_t)before;
        t->normal_size = (uint32_t)text.size;
    }
    fh_normalized_deinit(&room);
    return fh_failed(s) ? fh_fail(err, s.code, FH_NO_OFFSET, "added token \"%.*s\" cannot be normalized",
                                  FH_SPAN_FMT(fh_buf_view(copy)))
                        : s;
}

/* Where a content stands in a table of indexes (open addressing), or the empty slot where it would go; SIZE_MAX: neither is
 * among those that are looked at (hashed.h). */
static size_t content_slot(const fh_added *d, fh_u32s slots, fh_span content) {
    size_t mask = slots.count - 1, i = (size_t)fh_hash_bytes(slots.count, content) & mask;
    for (size_t left = FH_SEARCH_MAX; left > 0; left--, i = (i + 1) & mask) {
        uint32_t index = fh_u32s_get(slots, i);
        if (index == FH_NO_TOKEN ||
            fh_span_equal(fh_added_content(d, fh_added_tokens_at(d->tokens.items, index)), content))
            return i;
    }
    return SIZE_MAX;
}

static fh_status refuse_hash(fh_span content, fh_err *err) {
    return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "added token \"%.*s\" collides with %d others in a hash table",
                   FH_SPAN_FMT(content), FH_SEARCH_MAX);
}

/* Notes that token `index` is that of an id; by_id then reaches to `end`, or as far again. */
static fh_status note_id(fh_added *d, uint32_t id, size_t index, size_t end) {
    if (id >= d->by_id.count) {
        size_t room = id < BY_ID_MIN ? BY_ID_MIN : id < end ? end : 2 * (size_t)id;
        fh_u32s larger;
        FH_TRY(fh_u32s_new(d->allocator, room, &larger));
        if (d->by_id.count != 0)
            fh_span_copy(fh_u32s_bytes(larger), fh_span_of_mut(fh_u32s_bytes(d->by_id)));
        fh_u32s_free(d->allocator, &d->by_id);
        d->by_id = larger;
    }
    fh_u32s_set(d->by_id, id, (uint32_t)index + 1);
    return FH_DONE;
}

/* Gives token `index` its id: that of the same content, or the model's, or *next. */
static fh_status number(fh_added *d, uint32_t index, fh_u32s slots, uint32_t in_model, size_t end, fh_mut uint32_t *next,
                        fh_err *err) {
    fh_added_token *t = fh_added_tokens_at(d->tokens.items, index);
    fh_span content = fh_added_content(d, t);
    if (content.size == 0)
        return FH_DONE;
    size_t slot = content_slot(d, slots, content);
    if (slot == SIZE_MAX)
        return refuse_hash(content, err);
    uint32_t before = fh_u32s_get(slots, slot);
    uint32_t id = before != FH_NO_TOKEN ? fh_added_tokens_at(d->tokens.items, before)->id : in_model;
    if (id == FH_NO_TOKEN) {
        id = (*next)++;
        d->extends = true;
    }
    if (id >= FH_VOCAB_MAX)
        return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "added token \"%.*s\" would be token %u, at most %d are supported",
                       FH_SPAN_FMT(content), id, FH_VOCAB_MAX);
    t->id = id;
    d->id_end = id >= d->id_end ? id + 1 : d->id_end;
    fh_u32s_set(slots, slot, index);
    return note_id(d, id, index, end);
}

/* The same for all, whose contents are looked up in the model many at a time. */
static fh_status number_all(fh_added *d, fh_u32s slots, const fh_token_model *model, fh_err *err) {
    fh_place room[LOOKS];
    uint32_t ids[LOOKS] = {0}, next = (uint32_t)fh_token_model_size(model);
    size_t end = fh_token_model_id_end(model) + d->tokens.count;
    for (size_t from = 0; from < d->tokens.count; from += LOOKS) {
        size_t n = d->tokens.count - from < LOOKS ? d->tokens.count - from : LOOKS;
        for (size_t i = 0; i < n; i++) {
            const fh_added_token *t = fh_added_tokens_at(d->tokens.items, from + i);
            room[i] = (fh_place){t->content, t->content_size};
        }
        fh_token_model_find_all(model, fh_buf_view(&d->texts), fh_places_sub((fh_places){room, LOOKS}, 0, n),
                                fh_u32s_sub((fh_u32s){ids, LOOKS}, 0, n));
        for (size_t i = 0; i < n; i++)
            FH_TRY(number(d, (uint32_t)(from + i), slots, ids[i], end, &next, err));
    }
    return FH_DONE;
}

/* A token that is shown as the content of a special one is left out where special ones are. */
static void find_hidden(fh_added *d, fh_u32s slots) {
    for (size_t i = 0; i < d->tokens.count; i++) {
        fh_added_token *t = fh_added_tokens_at(d->tokens.items, i);
        fh_span shown = fh_added_normal(d, t);
        if (t->normal == t->content && fh_added_of_id(d, t->id) == t) { /* the last one of its content, too */
            t->hidden = shown.size != 0 && t->special;
            continue;
        }
        size_t slot = shown.size == 0 ? SIZE_MAX : content_slot(d, slots, shown);
        uint32_t index = slot == SIZE_MAX ? FH_NO_TOKEN : fh_u32s_get(slots, slot);
        t->hidden = index != FH_NO_TOKEN && fh_added_tokens_at(d->tokens.items, index)->special;
    }
}

/* --- tries ------------------------------------------------------------------------------------------------------------ */

static bool counts(const fh_added *d, size_t index, bool normalized) {
    const fh_added_token *t = fh_added_tokens_at(d->tokens.items, index);
    return t->content_size != 0 && !t->listed && t->normalized == normalized && fh_added_of_id(d, t->id) == t;
}

/* The way of the pattern that was put last: the nodes behind its first bytes. */
typedef struct trail {
    fh_span last;
    uint32_t node[TRAIL_BYTES];
} trail;

/* How many bytes a text begins with as the last pattern did. */
static size_t common(const trail *way, fh_span text) {
    size_t n = 0, most = text.size < way->last.size ? text.size : way->last.size;
    while (n < most && n < TRAIL_BYTES && fh_span_at(text, n) == fh_span_at(way->last, n))
        n++;
    return n;
}

/* The child of a node by a byte, a new one if there is none. */
static fh_status step(fh_ref fh_allocator *a, fh_mut fh_view(1) fh_trie *trie, uint32_t node, uint8_t byte,
                      fh_out uint32_t *child) {
    *child = fh_pair_table_find(&trie->edges, node, byte);
    if (*child != 0)
        return FH_DONE;
    *child = (uint32_t)trie->found.count;
    FH_TRY(fh_ids_put(&trie->found, FH_NO_TOKEN));
    return fh_pair_table_put(a, &trie->edges, (fh_pair){node, byte, *child});
}

/* Adds a pattern: FH_LIMIT, FH_NOMEM. Of two that are equal the later one counts (in the reference any of them, by chance); one
 * that was normalized to nothing is never found. Patterns that follow each other often begin alike: their common nodes are not
 * looked up. */
static fh_status put_pattern(fh_ref fh_allocator *a, fh_mut fh_view(1) fh_trie *trie, fh_mut fh_view(4) trail *way,
                             fh_span text, uint32_t index) {
    size_t same = common(way, text);
    uint32_t node = same != 0 ? way->node[same - 1] : 0;
    for (size_t i = same; i < text.size; i++) {
        uint8_t b = fh_span_at(text, i);
        FH_TRY(step(a, trie, node, b, &node));
        if (i == 0)
            trie->first[b] = node;
        if (i < 2)
            fh_byte_set_put(i == 0 ? &trie->starts.first : &trie->starts.second, b);
        if (i < TRAIL_BYTES)
            way->node[i] = node;
    }
    for (uint32_t b = 0; b < 256 && text.size == 1; b++)
        fh_byte_set_put(&trie->starts.second, (uint8_t)b);
    way->last = text;
    if (text.size != 0)
        fh_u32s_set(trie->found.items, node, index);
    return FH_DONE;
}

static fh_status put_patterns(fh_ref fh_allocator *a, const fh_added *d, bool normalized, fh_mut fh_view(1) fh_trie *trie,
                              fh_err *err) {
    trail way = {.last = {NULL, 0}};
    FH_TRY(fh_ids_put(&trie->found, FH_NO_TOKEN)); /* of the root */
    for (size_t i = 0; i < d->tokens.count; i++)
        if (counts(d, i, normalized)) {
            const fh_added_token *t = fh_added_tokens_at(d->tokens.items, i);
            trie->any = true;
            fh_status s = put_pattern(a, trie, &way, fh_added_normal(d, t), (uint32_t)i);
            if (s.code == FH_LIMIT)
                return refuse_hash(fh_added_content(d, t), err);
            FH_TRY(s);
        }
    return FH_DONE;
}

static fh_status build_trie(fh_ref fh_allocator *a, const fh_added *d, bool normalized, uint64_t seed,
                            fh_owned fh_view(1) fh_trie *out, fh_err *err) {
    fh_trie trie = {.edges = {.seed = seed}};
    fh_ids_init(&trie.found, a, 0);
    fh_status s = put_patterns(a, d, normalized, &trie, err);
    if (fh_failed(s)) {
        free_trie(a, &trie);
        return s;
    }
    *out = trie;
    return FH_DONE;
}

static fh_status read_all(fh_added *d, fh_span json, size_t offset_bytes, fh_ref fh_or_null const fh_normalizer *normalizer,
                          fh_mut fh_buf *copy, fh_err *err) {
    fh_json_each e;
    FH_TRY(fh_json_each_init(&e, json, offset_bytes, FH_JSON_ARRAY, err));
    for (;;) {
        fh_json_member m;
        fh_added_token t;
        bool more;
        FH_TRY(fh_json_each_next(&e, &m, &more, err));
        if (!more)
            return FH_DONE;
        if (d->tokens.count == FH_VOCAB_MAX)
            return fh_fail(err, FH_LIMIT, m.offset_bytes, "more than %d added tokens at byte %zu", FH_VOCAB_MAX,
                           m.offset_bytes);
        FH_TRY(read_one(d, &m, &t, err));
        FH_TRY(normalize(d, &t, normalizer, copy, err));
        FH_TRY(fh_added_token_list_put(&d->tokens, t));
    }
}

/* Gives ids to all, and builds the tries. */
static fh_status settle(fh_added *d, const fh_token_model *model, fh_err *err) {
    size_t room = 16;
    while (room < 2 * d->tokens.count)
        room *= 2;
    fh_u32s slots;
    FH_TRY(fh_u32s_new(d->allocator, room, &slots));
    for (size_t i = 0; i < room; i++)
        fh_u32s_set(slots, i, FH_NO_TOKEN);
    fh_status s = number_all(d, slots, model, err);
    if (s.code == FH_OK)
        find_hidden(d, slots);
    fh_u32s_free(d->allocator, &slots);
    return s.code == FH_OK ? fh_added_build(d, err) : s;
}

fh_status fh_added_put(fh_added *d, uint32_t id, fh_span text, bool special, fh_err *err) {
    fh_added_token t = {.id = id, .content = (uint32_t)d->texts.size, .content_size = (uint32_t)text.size, .special = special,
                        .hidden = special};
    t.normal = t.content;
    t.normal_size = t.content_size;
    if (text.size > FH_ADDED_BYTES_MAX)
        return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "special token %u has %zu bytes, at most %d are supported", id, text.size,
                       FH_ADDED_BYTES_MAX);
    FH_TRY(fh_buf_put(&d->texts, text));
    FH_TRY(note_id(d, id, d->tokens.count, 0));
    d->id_end = id >= d->id_end ? id + 1 : d->id_end;
    return fh_added_token_list_put(&d->tokens, t);
}

fh_status fh_added_list(fh_added *d, uint32_t id, fh_span text, bool normalized, fh_err *err) {
    FH_TRY(fh_added_put(d, id, text, false, err));
    fh_added_token *t = fh_added_tokens_at(d->tokens.items, d->tokens.count - 1);
    t->listed = true;
    t->normalized = normalized;
    return FH_DONE;
}

fh_status fh_added_build(fh_added *d, fh_err *err) {
    uint64_t seed = fh_hash_bytes(d->tokens.count, fh_buf_view(&d->texts));
    fh_trie raw, normal;
    FH_TRY(build_trie(d->allocator, d, false, seed, &raw, err));
    d->raw = raw;
    FH_TRY(build_trie(d->allocator, d, true, seed, &normal, err));
    d->normal = normal;
    return FH_DONE;
}

fh_status fh_added_read(fh_added *d, fh_span json, size_t offset_bytes, const fh_token_model *model,
                        const fh_normalizer *normalizer, fh_err *err) {
    fh_buf copy;
    fh_buf_init(&copy, d->allocator, 0);
    fh_status s = read_all(d, json, offset_bytes, normalizer, &copy, err);
    fh_buf_deinit(&copy);
    return s.code == FH_OK ? settle(d, model, err) : s;
}

/* --- as bytes --------------------------------------------------------------------------------------------------------- */

enum { SINGLE_WORD = 1, LSTRIP = 2, RSTRIP = 4, NORMALIZED = 8, SPECIAL = 16, FLAG_BITS = 5 };

fh_status fh_added_store(const fh_added *d, fh_ids *words, fh_buf *texts) {
    for (uint32_t id = 0; id < d->by_id.count; id++) {
        const fh_added_token *t = fh_added_of_id(d, id);
        if (t == NULL)
            continue;
        uint32_t flags = (t->single_word ? SINGLE_WORD : 0u) | (t->lstrip ? LSTRIP : 0u) | (t->rstrip ? RSTRIP : 0u) |
                         (t->normalized ? NORMALIZED : 0u) | (t->special ? SPECIAL : 0u);
        FH_TRY(fh_ids_put(words, t->content_size << FLAG_BITS | flags));
        FH_TRY(fh_buf_put(texts, fh_added_content(d, t)));
    }
    return FH_DONE;
}

/* The next one, whose text begins at *at. */
static fh_status restore_one(fh_added *d, uint32_t word, fh_span texts, fh_mut size_t *at, fh_out fh_added_token *t,
                             fh_err *err) {
    fh_span text;
    size_t size = word >> FLAG_BITS;
    *t = (fh_added_token){.content = (uint32_t)d->texts.size, .content_size = (uint32_t)size,
                          .single_word = (word & SINGLE_WORD) != 0, .lstrip = (word & LSTRIP) != 0,
                          .rstrip = (word & RSTRIP) != 0, .normalized = (word & NORMALIZED) != 0,
                          .special = (word & SPECIAL) != 0};
    t->normal = t->content;
    t->normal_size = t->content_size;
    if (size > FH_ADDED_BYTES_MAX || !fh_span_slice(texts, *at, size, &text) || !fh_utf8_valid(text))
        return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "tokenizer cache: added token %zu has no text in UTF-8", d->tokens.count);
    *at += size;
    return fh_buf_put(&d->texts, text);
}

static fh_status restore_all(fh_added *d, fh_u32s words, fh_span texts, fh_ref fh_or_null const fh_normalizer *normalizer,
                             fh_mut fh_buf *copy, fh_err *err) {
    size_t at = 0;
    if (words.count > FH_VOCAB_MAX)
        return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "tokenizer cache: more than %d added tokens", FH_VOCAB_MAX);
    for (size_t i = 0; i < words.count; i++) {
        fh_added_token t;
        FH_TRY(restore_one(d, fh_u32s_get(words, i), texts, &at, &t, err));
        FH_TRY(normalize(d, &t, normalizer, copy, err));
        FH_TRY(fh_added_token_list_put(&d->tokens, t));
    }
    return FH_DONE;
}

fh_status fh_added_restore(fh_added *d, fh_u32s words, fh_span texts, const fh_token_model *model,
                           const fh_normalizer *normalizer, fh_err *err) {
    fh_buf copy;
    fh_buf_init(&copy, d->allocator, 0);
    fh_status s = restore_all(d, words, texts, normalizer, &copy, err);
    fh_buf_deinit(&copy);
    return s.code == FH_OK ? settle(d, model, err) : s;
}

/* --- looking ---------------------------------------------------------------------------------------------------------- */

void fh_added_walk_init(fh_added_walk *w, const fh_added *added, fh_span text, bool normal, bool skip_special) {
    *w = (fh_added_walk){.added = added, .trie = normal ? &added->normal : &added->raw, .find = fh_starts_best(),
                         .text = text, .skip_special = skip_special};
}

/* True for a pattern that is as if it were not there. */
static bool is_unseen(const fh_added_walk *w, uint32_t index) {
    return w->skip_special && w->added->unseen && fh_added_tokens_at(w->added->tokens.items, index)->special;
}

/* The longest pattern that begins at `at`; *end is where it ends. */
static uint32_t longest_at(const fh_added_walk *w, size_t at, fh_out size_t *end) {
    const fh_trie *trie = w->trie;
    fh_span text = w->text;
    uint32_t node = trie->first[fh_span_at(text, at)], found = FH_NO_TOKEN;
    *end = at;
    while (node != 0) {
        at++;
        uint32_t index = fh_u32s_get(trie->found.items, node);
        if (index != FH_NO_TOKEN && !is_unseen(w, index)) {
            found = index;
            *end = at;
        }
        if (at == text.size)
            break;
        node = fh_pair_table_find(&trie->edges, node, fh_span_at(text, at));
    }
    return found;
}

/* Where the character before `at` begins. */
static size_t before(fh_span text, size_t at) {
    size_t i = at - 1;
    while (i > 0 && at - i < 4 && (fh_span_at(text, i) & 0xc0) == 0x80)
        i--;
    return fh_utf8_next(text, i).size == at - i ? i : at - 1;
}

static bool in_word(fh_span text, size_t begin, size_t end) {
    return (begin > 0 && fh_unicode_is_word(fh_utf8_next(text, before(text, begin)).code)) ||
           (end < text.size && fh_unicode_is_word(fh_utf8_next(text, end).code));
}

static bool is_space(fh_span text, size_t at) {
    return fh_unicode_class(fh_utf8_next(text, at).code) == FH_CHAR_SPACE;
}

/* Where the blanks behind `at`, the end of a match, end. Matches come in order, so those before `blanks_end` were passed
 * already. */
static size_t blanks_behind(fh_mut fh_added_walk *w, size_t at) {
    if (at <= w->blanks_end)
        return w->blanks_end;
    while (at < w->text.size && is_space(w->text, at))
        at += fh_utf8_next(w->text, at).size;
    w->blanks_end = at;
    return at;
}

/* The next match that counts, in *out. */
static bool next_match(fh_mut fh_added_walk *w, fh_out fh_stretch *out) {
    *out = (fh_stretch){0, 0, FH_NO_TOKEN};
    for (;;) {
        size_t begin = w->find(&w->trie->starts, w->text, w->at), end = begin;
        w->at = begin;
        if (begin == w->text.size)
            return false;
        uint32_t index = longest_at(w, begin, &end);
        if (index == FH_NO_TOKEN) {
            w->at++;
            continue;
        }
        w->at = end;
        const fh_added_token *t = fh_added_tokens_at(w->added->tokens.items, index);
        if ((w->skip_special && t->special) || (t->single_word && in_word(w->text, begin, end)))
            continue;
        while (t->lstrip && begin > w->done && is_space(w->text, before(w->text, begin)))
            begin = before(w->text, begin);
        if (t->lstrip && begin < w->done)
            begin = w->done;
        if (t->rstrip)
            end = blanks_behind(w, end);
        *out = (fh_stretch){begin, end, t->id};
        return true;
    }
}

bool fh_added_walk_next(fh_added_walk *w, fh_stretch *out) {
    if (w->has_pending) {
        w->has_pending = false;
        w->done = w->pending.end;
        *out = w->pending;
        return true;
    }
    fh_stretch match = {0, 0, FH_NO_TOKEN};
    for (;;) {
        size_t from = w->done;
        bool found = w->trie->any && next_match(w, &match);
        if (found && match.begin > from) {
            w->pending = match;
            w->has_pending = true;
        }
        /* It may become less: a match may lie in the blanks that the one before has swallowed. */
        w->done = !found ? w->text.size : w->has_pending ? match.begin : match.end;
        *out = found && !w->has_pending ? match : (fh_stretch){from, w->done, FH_NO_TOKEN};
        if (out->begin < out->end)
            return true;
        if (!found)
            return false;
    }
}

/* --- writing ---------------------------------------------------------------------------------------------------------- */

static fh_status put_flag(fh_json_writer *w, const char *key, bool v) {
    FH_TRY(fh_json_key(w, key));
    return fh_json_put_bool(w, v);
}

fh_status fh_added_write(const fh_added *d, fh_json_writer *w) {
    FH_TRY(fh_json_open(w, false));
    for (uint32_t id = 0; id < d->by_id.count; id++) {
        const fh_added_token *t = fh_added_of_id(d, id);
        if (t == NULL)
            continue;
        FH_TRY(fh_json_open(w, true));
        FH_TRY(fh_json_key(w, "id"));
        FH_TRY(fh_json_put_u64(w, id));
        FH_TRY(fh_json_key(w, "content"));
        FH_TRY(fh_json_put_text(w, fh_added_content(d, t)));
        FH_TRY(put_flag(w, "single_word", t->single_word));
        FH_TRY(put_flag(w, "lstrip", t->lstrip));
        FH_TRY(put_flag(w, "rstrip", t->rstrip));
        FH_TRY(put_flag(w, "normalized", t->normalized));
        FH_TRY(put_flag(w, "special", t->special));
        FH_TRY(fh_json_close(w, true));
    }
    return fh_json_close(w, false);
}
