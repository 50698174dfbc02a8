/* token_model.c: the ends that all kinds of models share: lists of tokens, scratch, the way of a piece to its tokens, and
 * questions.
 *
 * Text repeats itself: in English nine of ten pieces are among a few thousand. What a piece of up to FH_MET_BYTES bytes became
 * (at most FH_MET_TOKENS tokens) is kept in a table with one place a hash, the newer over the older. So memory is bounded, and
 * no result depends on what was encoded before, since a piece always becomes the same tokens; dropout has no such memory.
 *
 * Where no rule joins across the start of a word (U+2581 after something else), a piece that is a whole text is cut there, and
 * each word goes its own way. Threading: see token_model.h. */
#include "freehold/checked.h"
#include "freehold/hash.h"
#include "text/pipe/token_model_impl.h"

enum { PIECE_BYTES_MAX = 1 << 30, MET_PLACES = 1 << 15 };

/* --- lists ----------------------------------------------------------------------------------------------------------- */

void fh_token_list_init(fh_token_list *l, fh_allocator *a, bool ids_only) {
    *l = (fh_token_list){.allocator = a, .ids_only = ids_only};
}

void fh_token_list_deinit(fh_token_list *l) {
    fh_u32s_free(l->allocator, &l->ids);
    fh_u32s_free(l->allocator, &l->begins);
    fh_u32s_free(l->allocator, &l->ends);
    l->count = 0;
}

/* *out = room for `room` numbers, of which the first `count` are those of a list. */
static fh_status grown(fh_allocator *a, fh_u32s list, size_t count, size_t room, fh_owned fh_u32s *out) {
    FH_TRY(fh_u32s_new(a, room, out));
    if (count != 0)
        fh_span_copy(fh_u32s_bytes(*out), fh_span_of_mut(fh_u32s_bytes(fh_u32s_sub(list, 0, count))));
    return FH_DONE;
}

fh_status fh_token_list_reserve(fh_token_list *l, size_t more) {
    if (more <= l->ids.count - l->count)
        return FH_DONE;
    size_t need, room;
    if (!fh_add_size(l->count, more, &need) || !fh_add_size(need, need / 2 + 16, &room))
        return FH_STATUS(FH_NOMEM);
    fh_u32s list;
    if (!l->ids_only) {
        FH_TRY(grown(l->allocator, l->begins, l->count, room, &list));
        fh_u32s_free(l->allocator, &l->begins);
        l->begins = list;
        FH_TRY(grown(l->allocator, l->ends, l->count, room, &list));
        fh_u32s_free(l->allocator, &l->ends);
        l->ends = list;
    }
    FH_TRY(grown(l->allocator, l->ids, l->count, room, &list)); /* the last one: its count is the room of all */
    fh_u32s_free(l->allocator, &l->ids);
    l->ids = list;
    return FH_DONE;
}

/* Appends where there is room. */
static void put(fh_token_list *l, uint32_t id, uint32_t begin, uint32_t end) {
    size_t i = l->count++;
    fh_u32s_set(l->ids, i, id);
    if (l->ids_only)
        return;
    fh_u32s_set(l->begins, i, begin);
    fh_u32s_set(l->ends, i, end);
}

fh_status fh_token_list_put(fh_token_list *l, uint32_t id, uint32_t begin, uint32_t end) {
    FH_TRY(fh_token_list_reserve(l, 1));
    put(l, id, begin, end);
    return FH_DONE;
}

/* --- scratch --------------------------------------------------------------------------------------------------------- */

fh_status fh_model_scratch_new(fh_allocator *a, fh_model_scratch **out) {
    *out = NULL;
    fh_model_scratch *s = fh_alloc(a, 1, sizeof *s);
    if (s == NULL)
        return FH_STATUS(FH_NOMEM);
    s->allocator = a;
    fh_token_list_init(&s->found, a, false);
    fh_buf_init(&s->spelling, a, 0);
    *out = s;
    return FH_DONE;
}

void fh_model_scratch_free(fh_model_scratch *s) {
    if (s == NULL)
        return;
    fh_allocator *a = s->allocator;
    fh_mets_free(a, &s->met);
    fh_token_list_deinit(&s->found);
    fh_merge_symbols_free(a, &s->symbols);
    fh_u64s_free(a, &s->heap);
    fh_u64s_free(a, &s->skipped);
    fh_best_paths_free(a, &s->paths);
    fh_buf_deinit(&s->spelling);
    fh_free(a, s);
}

void fh_model_scratch_seed(fh_model_scratch *s, uint64_t seed) {
    s->seed = seed;
    s->drawn = 0;
}

fh_status fh_scratch_symbols(fh_model_scratch *s, size_t count) {
    if (count <= s->symbols.count)
        return FH_DONE;
    fh_merge_symbols more;
    FH_TRY(fh_merge_symbols_new(s->allocator, count < 64 ? 64 : count, &more));
    fh_merge_symbols_free(s->allocator, &s->symbols);
    s->symbols = more;
    return FH_DONE;
}

void fh_found_clear(fh_model_scratch *s) {
    s->found.count = 0;
    s->end = 0;
}

fh_status fh_found_put(fh_model_scratch *s, uint32_t id, uint32_t size) {
    uint32_t begin = s->end;
    s->end += size;
    return fh_token_list_put(&s->found, id, begin, s->end);
}

/* Forgets what pieces became under another model. */
static fh_status begin_model(const fh_token_model *m, fh_model_scratch *s) {
    if (s->met.count == 0)
        FH_TRY(fh_mets_new(s->allocator, MET_PLACES, &s->met));
    else
        fh_mspan_fill(fh_mets_bytes(s->met), 0);
    s->identity = m->identity;
    return FH_DONE;
}

/* --- one piece ------------------------------------------------------------------------------------------------------- */

/* The bytes and the size of a piece of 1 to FH_MET_BYTES bytes. */
static void key_of(fh_span piece, uint64_t key[2]) {
    size_t n = piece.size;
    uint64_t low, high = 0;
    if (n >= 8) {
        low = fh_span_u64(piece, 0);
        high = n > 8 ? fh_span_u64(piece, n - 8) >> (8 * (16 - n)) : 0;
    } else if (n >= 4) {
        low = fh_span_u32(piece, 0) | (uint64_t)fh_span_u32(piece, n - 4) << 8 * (n - 4);
    } else {
        low = fh_span_at(piece, 0) | (uint64_t)fh_span_at(piece, n / 2) << 8 * (n / 2) |
              (uint64_t)fh_span_at(piece, n - 1) << 8 * (n - 1);
    }
    key[0] = low;
    key[1] = high | (uint64_t)n << 56;
}

/* A piece into s->found. */
static fh_status find_tokens(const fh_token_model *m, fh_model_scratch *s, fh_span piece) {
    fh_found_clear(s);
    switch (m->kind) {
    case FH_MODEL_BPE:
        return fh_bpe_piece(m, s, piece);
    case FH_MODEL_WORDPIECE:
        return fh_wordpiece_piece(m, s, piece);
    case FH_MODEL_UNIGRAM:
        return fh_unigram_piece(m, s, piece);
    case FH_MODEL_WORDLEVEL:
        break;
    }
    uint32_t id = fh_spellings_find(&m->spellings, piece);
    id = id != FH_NO_TOKEN ? id : m->unk;
    return id != FH_NO_TOKEN ? fh_found_put(s, id, (uint32_t)piece.size) : FH_STATUS(FH_NOT_FOUND);
}

/* Keeps what is in s->found, if it is little and its tokens stand one after the other. */
static void remember(fh_model_scratch *s, const uint64_t key[2], size_t place) {
    fh_met new = {.key = {key[0], key[1]}, .count = (uint8_t)s->found.count};
    if (s->found.count > FH_MET_TOKENS)
        return;
    uint32_t at = 0;
    for (size_t i = 0; i < s->found.count && i < FH_MET_TOKENS; i++) {
        uint32_t begin = fh_u32s_get(s->found.begins, i), end = fh_u32s_get(s->found.ends, i);
        if (begin != at || end - begin > UINT8_MAX)
            return;
        new.ids[i] = fh_u32s_get(s->found.ids, i);
        new.sizes[i] = (uint8_t)(end - begin);
        at = end;
    }
    fh_mets_set(s->met, place, new);
}

/* Appends the tokens of a piece, moved by *at; *at becomes the end of the last one. */
static fh_status encode_piece(const fh_token_model *m, fh_model_scratch *s, fh_span piece, uint32_t *at, fh_token_list *out) {
    uint64_t key[2] = {0, 0};
    size_t place = SIZE_MAX;
    if (piece.size - 1 < FH_MET_BYTES && !m->drops) {
        key_of(piece, key);
        place = (size_t)fh_mix64(key[0] ^ fh_mix64(key[1])) % MET_PLACES;
        const fh_met *met = fh_mets_at(s->met, place);
        if (met->key[0] == key[0] && met->key[1] == key[1]) {
            FH_TRY(fh_token_list_reserve(out, FH_MET_TOKENS));
            for (size_t i = 0; i < met->count && i < FH_MET_TOKENS; i++) {
                put(out, met->ids[i], *at, *at + met->sizes[i]);
                *at += met->sizes[i];
            }
            return FH_DONE;
        }
    }
    FH_TRY(find_tokens(m, s, piece));
    size_t n = s->found.count;
    FH_TRY(fh_token_list_reserve(out, n));
    for (size_t i = 0; i < n; i++)
        put(out, fh_u32s_get(s->found.ids, i), *at + fh_u32s_get(s->found.begins, i), *at + fh_u32s_get(s->found.ends, i));
    *at += s->end;
    if (place != SIZE_MAX)
        remember(s, key, place);
    return FH_DONE;
}

/* Where the word that begins at `at` ends: before the next U+2581 that no rule joins with what stands before it. */
static size_t word_end(const fh_token_model *m, fh_span piece, size_t at) {
    for (size_t i = at + 1; i + 2 < piece.size; i++) {
        if (fh_span_at(piece, i) != 0xe2 || fh_span_at(piece, i + 1) != 0x96 || fh_span_at(piece, i + 2) != 0x81)
            continue;
        bool after_mark = i - at >= 3 && fh_span_at(piece, i - 1) == 0x81 && fh_span_at(piece, i - 2) == 0x96 &&
                          fh_span_at(piece, i - 3) == 0xe2;
        if (!after_mark && !m->uncut[fh_span_at(piece, i - 1)])
            return i;
    }
    return piece.size;
}

fh_status fh_token_model_encode(const fh_token_model *m, fh_model_scratch *s, fh_span piece, fh_token_list *out) {
    if (piece.size > PIECE_BYTES_MAX)
        return FH_STATUS(FH_LIMIT);
    if (s->identity != m->identity || s->met.count == 0)
        FH_TRY(begin_model(m, s));
    uint32_t end = 0;
    if (!m->cuts_words)
        return encode_piece(m, s, piece, &end, out);
    size_t before = out->count;
    fh_status st = FH_DONE;
    for (size_t at = 0; at < piece.size && st.code == FH_OK;) {
        size_t to = word_end(m, piece, at);
        st = encode_piece(m, s, fh_span_sub(piece, at, to - at), &end, out);
        at = to;
    }
    if (fh_failed(st))
        out->count = before;
    return st;
}

/* --- questions ------------------------------------------------------------------------------------------------------- */

void fh_token_model_free(fh_token_model *m) {
    if (m == NULL)
        return;
    fh_allocator *a = m->allocator;
    fh_buf_deinit(&m->spellings.text);
    fh_places_free(a, &m->spellings.places);
    fh_u64s_free(a, &m->spellings.slots);
    fh_buf_deinit(&m->names);
    fh_merge_table_free(a, &m->merges);
    fh_trie_nodes_free(a, &m->trie.nodes);
    fh_logprobs_free(a, &m->scores);
    fh_free(a, m);
}

fh_span fh_model_name_view(const fh_token_model *m, fh_model_name name) {
    return name.given ? fh_span_sub(fh_buf_view(&m->names), name.place.at, name.place.size) : (fh_span){NULL, 0};
}

bool fh_token_model_use_raw_bytes(fh_token_model *m) {
    if (m->kind != FH_MODEL_BPE || m->raw_bytes)
        return m->raw_bytes;
    fh_letters before = m->letters;
    m->raw_bytes = true;
    fh_status s = fh_bpe_letters(m);
    bool all = s.code == FH_OK, shows = !m->unk_name.given || m->byte_fallback;
    for (uint32_t v = 0; v < 4 && shows; v++)
        for (uint32_t b = 0; b < 256; b++)
            all = all && m->letters.of[v][b] != FH_NO_TOKEN;
    if (!all) {
        m->raw_bytes = false;
        m->letters = before;
        return false;
    }
    m->cuts_words = false;
    m->identity = fh_mix64(m->identity);
    return true;
}

fh_model_kind fh_token_model_kind(const fh_token_model *m) {
    return m->kind;
}

size_t fh_token_model_size(const fh_token_model *m) {
    return m->kind == FH_MODEL_UNIGRAM ? m->spellings.places.count : m->spellings.count;
}

uint32_t fh_token_model_id_end(const fh_token_model *m) {
    return (uint32_t)m->spellings.places.count;
}

uint32_t fh_token_model_find(const fh_token_model *m, fh_span spelling) {
    return fh_spellings_find(&m->spellings, spelling);
}

bool fh_token_model_spelling(const fh_token_model *m, uint32_t id, fh_span *out) {
    *out = fh_spellings_get(&m->spellings, id);
    return id < m->spellings.places.count && fh_places_get(m->spellings.places, id).at != FH_NO_TOKEN;
}

uint32_t fh_token_model_unknown(const fh_token_model *m) {
    return m->unk;
}

fh_span fh_token_model_suffix(const fh_token_model *m) {
    return fh_model_name_view(m, m->suffix);
}

fh_span fh_token_model_prefix(const fh_token_model *m) {
    return fh_model_name_view(m, m->prefix);
}
