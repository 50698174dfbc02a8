/* token_model.c: the ends that all kinds of models share: lists of tokens, scratch, the way of a piece to its tokens, and
 * questions.
 *
 * Text repeats itself: in English nine of ten pieces are among a few thousand. What a piece of up to FH_MET_BYTES bytes became
 * (at most FH_MET_TOKENS tokens) is kept in a table with two places a hash, the oldest of which goes. So memory is bounded, and
 * no result depends on what was encoded before, since a piece always becomes the same tokens; dropout has no such memory. It is
 * made when a few thousand bytes were encoded: one short text would not use it.
 *
 * Where no rule joins across the start of a word (U+2581 after something else), a piece that is a whole text is cut there, and
 * each word goes its own way. Threading: see token_model.h. */
#include "freehold/checked.h"
#include "freehold/hash.h"
#include "text/kern/word.h"
#include "text/pipe/token_model_impl.h"

enum { PIECE_BYTES_MAX = 1 << 30, MET_BITS = 15, UNMET_BYTES_MAX = 4096, MARK_BYTES = 3, MARKED_BYTES = 256 };

#define MARK_TEXT FH_LIT("\xe2\x96\x81") /* U+2581 */

/* --- lists ----------------------------------------------------------------------------------------------------------- */

void fh_token_list_init(fh_token_list *l, fh_allocator *a, bool ids_only) {
    *l = (fh_token_list){.allocator = a, .ids_only = ids_only};
}

void fh_token_list_deinit(fh_token_list *l) {
    fh_u32s_free(l->allocator, &l->ids);
    fh_u32s_free(l->allocator, &l->begins);
    fh_u32s_free(l->allocator, &l->ends);
    fh_u32s_free(l->allocator, &l->words);
    l->count = 0;
}

static inline size_t min_size(size_t a, size_t b) {
    return a < b ? a : b;
}

/* *out = room for `room` numbers, of which the first `count` are those of a list. */
static fh_status grown(fh_allocator *a, fh_u32s list, size_t count, size_t room, fh_owned fh_u32s *out) {
    FH_TRY(fh_u32s_new(a, room, out));
    if (count != 0)
        fh_span_copy(fh_u32s_bytes(*out), fh_span_of_mut(fh_u32s_bytes(fh_u32s_sub(list, 0, count))));
    return FH_DONE;
}

/* For how many tokens there is room. Columns grow in the order ids, begins, ends, words: no later one has more. */
static inline size_t room_of(const fh_token_list *l) {
    return l->ids_only ? l->ids.count : l->words.count;
}

fh_status fh_token_list_reserve(fh_token_list *l, size_t more) {
    size_t need, room;
    if (!fh_add_size(l->count, more, &need) || !fh_add_size(need, need / 2 + 16, &room))
        return FH_STATUS(FH_NOMEM);
    if (need <= room_of(l))
        return FH_DONE;
    fh_u32s list;
    if (need > l->ids.count) {
        FH_TRY(grown(l->allocator, l->ids, l->count, room, &list));
        fh_u32s_free(l->allocator, &l->ids);
        l->ids = list;
    }
    if (l->ids_only)
        return FH_DONE;
    if (need > l->begins.count) {
        FH_TRY(grown(l->allocator, l->begins, min_size(l->count, l->begins.count), l->ids.count, &list));
        fh_u32s_free(l->allocator, &l->begins);
        l->begins = list;
    }
    if (need > l->ends.count) {
        FH_TRY(grown(l->allocator, l->ends, min_size(l->count, l->ends.count), l->begins.count, &list));
        fh_u32s_free(l->allocator, &l->ends);
        l->ends = list;
    }
    FH_TRY(grown(l->allocator, l->words, min_size(l->count, l->words.count), l->ends.count, &list));
    fh_u32s_free(l->allocator, &l->words);
    l->words = list;
    return FH_DONE;
}

/* fh_token_list_reserve, which is seldom needed. */
static inline fh_status make_room(fh_token_list *l, size_t more) {
    return room_of(l) - l->count >= more ? FH_DONE : fh_token_list_reserve(l, more);
}

/* Appends where there is room. */
static inline void put(fh_token_list *l, uint32_t id, uint32_t begin, uint32_t end) {
    size_t i = l->count++;
    fh_u32s_set(l->ids, i, id);
    if (l->ids_only)
        return;
    fh_u32s_set(l->begins, i, begin);
    fh_u32s_set(l->ends, i, end);
    fh_u32s_set(l->words, i, FH_NO_WORD);
}

fh_status fh_token_list_put(fh_token_list *l, uint32_t id, uint32_t begin, uint32_t end) {
    FH_TRY(make_room(l, 1));
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

void fh_model_scratch_seed(fh_model_scratch *s, uint64_t seed, uint64_t text) {
    s->seed = seed;
    s->text = text;
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

/* Forgets what pieces became under another model; makes the memory of pieces, once it is worth it. */
static fh_status begin_model(const fh_token_model *m, fh_model_scratch *s, size_t bytes) {
    s->unmet_bytes += bytes;
    if (s->met.count == 0 && s->unmet_bytes > UNMET_BYTES_MAX)
        FH_TRY(fh_mets_new(s->allocator, (size_t)1 << MET_BITS, &s->met));
    else if (s->met.count != 0)
        fh_mspan_fill(fh_mets_bytes(s->met), 0);
    s->identity = m->identity;
    s->quick = s->met.count == 0 || m->cuts_words || m->drops ? 0 : m->identity;
    return FH_DONE;
}

/* --- one piece ------------------------------------------------------------------------------------------------------- */

/* The bytes and the size of a piece of 1 to FH_MET_BYTES bytes, which lies at `from` in a text. */
static inline fh_met_key key_of(fh_span text, size_t from, size_t size) {
    bool is_short = size <= FH_WORD_SHORT;
    fh_word_key first = fh_word_key_of(text, from, is_short ? size : FH_WORD_SHORT);
    fh_met_key k = {first.low, first.high, 0, (uint64_t)size << 56};
    if (is_short)
        return k;
    fh_word_key rest = fh_word_key_of(text, from + FH_WORD_SHORT, size - FH_WORD_SHORT);
    k.c = rest.low;
    k.d |= rest.high;
    return k;
}

/* The first of the two places of a key. */
static inline size_t place_of(fh_met_key k) {
    uint64_t low = (k.a ^ k.c * UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xbf58476d1ce4e5b9);
    uint64_t high = (k.b ^ k.d) * UINT64_C(0x94d049bb133111eb);
    return (size_t)((low ^ high) >> (65 - MET_BITS)) * 2;
}

static inline bool is_key(const fh_met *met, fh_met_key k) {
    return ((met->key.a ^ k.a) | (met->key.b ^ k.b) | (met->key.c ^ k.c) | (met->key.d ^ k.d)) == 0;
}

/* By byte-pair encoding; `part`: of a part of a piece. */
static fh_status find_merged(const fh_token_model *m, fh_model_scratch *s, bool part, fh_span piece) {
    uint32_t id = FH_NO_TOKEN;
    if (!part)
        FH_TRY(fh_bpe_whole(m, s, piece, &id));
    return id != FH_NO_TOKEN ? fh_found_put(s, id, (uint32_t)piece.size) : fh_bpe_piece(m, s, piece);
}

/* Takes the mark before a piece off the places of its tokens. */
static void take_mark_off(fh_u32s places, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint32_t at = fh_u32s_get(places, i);
        fh_u32s_set(places, i, at < MARK_BYTES ? 0 : at - MARK_BYTES);
    }
}

/* A piece with the mark before it. */
static fh_status find_marked(const fh_token_model *m, fh_model_scratch *s, fh_span piece) {
    uint8_t bytes[MARKED_BYTES] = {0};
    fh_mspan room = {bytes, sizeof bytes}, rest;
    if (fh_mspan_slice(room, MARK_BYTES, piece.size, &rest)) {
        fh_span_copy(room, MARK_TEXT);
        fh_span_copy(rest, piece);
        return fh_unigram_piece(m, s, fh_span_sub(fh_span_of_mut(room), 0, MARK_BYTES + piece.size));
    }
    fh_buf marked;
    fh_buf_init(&marked, s->allocator, 0);
    fh_status st = fh_buf_put(&marked, MARK_TEXT);
    if (st.code == FH_OK)
        st = fh_buf_put(&marked, piece);
    if (st.code == FH_OK)
        st = fh_unigram_piece(m, s, fh_buf_view(&marked));
    fh_buf_deinit(&marked);
    return st;
}

/* By Unigram. */
static fh_status find_probable(const fh_token_model *m, fh_model_scratch *s, fh_span piece) {
    if (!m->leads || fh_span_starts(piece, MARK_TEXT))
        return fh_unigram_piece(m, s, piece);
    FH_TRY(find_marked(m, s, piece));
    take_mark_off(s->found.begins, s->found.count);
    take_mark_off(s->found.ends, s->found.count);
    s->end -= MARK_BYTES;
    return FH_DONE;
}

/* A piece into s->found. */
static fh_status find_tokens(const fh_token_model *m, fh_model_scratch *s, bool part, fh_span piece) {
    fh_found_clear(s);
    switch (m->kind) {
    case FH_MODEL_BPE:
        return find_merged(m, s, part, piece);
    case FH_MODEL_WORDPIECE:
        return fh_wordpiece_piece(m, s, piece);
    case FH_MODEL_UNIGRAM:
        return find_probable(m, s, piece);
    case FH_MODEL_WORDLEVEL:
        break;
    }
    uint32_t id = fh_spellings_find(&m->spellings, piece);
    id = id != FH_NO_TOKEN ? id : m->unk;
    return id != FH_NO_TOKEN ? fh_found_put(s, id, (uint32_t)piece.size) : FH_STATUS(FH_NOT_FOUND);
}

/* Keeps what a piece became that is in neither of its places: in the first one, whose own goes to the second. */
static void keep_met(fh_model_scratch *s, const fh_met *new) {
    size_t place = place_of(new->key);
    fh_mets_set(s->met, place + 1, fh_mets_get(s->met, place));
    fh_mets_set(s->met, place, *new);
}

/* Keeps what is in s->found, if it is little, not nothing, and its tokens stand one after the other in the piece. */
static void remember(fh_model_scratch *s, fh_met_key key) {
    fh_met new = {.key = key, .count = (uint8_t)s->found.count};
    if (s->met.count == 0 || s->found.count == 0 || s->found.count > FH_MET_TOKENS)
        return;
    uint32_t at = 0;
    for (size_t i = 0; i < s->found.count && i < FH_MET_TOKENS; i++) {
        uint32_t begin = fh_u32s_get(s->found.begins, i), end = fh_u32s_get(s->found.ends, i);
        if (begin != at || end < begin || end > (key.d >> 56 & 0x7f))
            return;
        new.ids[i] = fh_u32s_get(s->found.ids, i);
        new.ends[i] = (uint8_t)end;
        at = end;
    }
    keep_met(s, &new);
}

/* Appends the tokens of a piece that was met, from *at on. There is room. */
static inline void put_met(const fh_met *met, uint32_t *at, fh_token_list *out) {
    uint32_t begin = *at, end = begin;
    for (size_t i = 0; i < met->count && i < FH_MET_TOKENS; i++) {
        uint32_t from = end;
        end = begin + met->ends[i];
        put(out, met->ids[i], from, end);
    }
    *at = end;
}

/* The tokens of a piece that was not met, from *at on. */
static fh_status encode_new(const fh_token_model *m, fh_model_scratch *s, bool part, fh_span piece, uint32_t *at,
                            fh_token_list *out) {
    FH_TRY(find_tokens(m, s, part, piece));
    size_t n = s->found.count;
    FH_TRY(make_room(out, n));
    for (size_t i = 0; i < n; i++)
        put(out, fh_u32s_get(s->found.ids, i), *at + fh_u32s_get(s->found.begins, i), *at + fh_u32s_get(s->found.ends, i));
    *at += s->end;
    return FH_DONE;
}

/* What a piece became that was met, or NULL. */
static inline fh_or_null const fh_met *find_among(fh_mets mets, fh_met_key key) fh_view(1) {
    size_t place = place_of(key);
    const fh_met *met = fh_mets_at(mets, place);
    if (is_key(met, key))
        return met;
    met = fh_mets_at(mets, place + 1);
    return is_key(met, key) ? met : NULL;
}

static inline fh_or_null const fh_met *find_met(const fh_model_scratch *s, fh_met_key key) fh_view(1) {
    return s->met.count != 0 ? find_among(s->met, key) : NULL;
}

/* A part of a piece has a key of its own where the piece that it would be alone may become something else. */
static inline fh_met_key key_of_part(const fh_token_model *m, fh_span part) {
    fh_met_key key = key_of(part, 0, part.size);
    key.d |= (uint64_t)m->ignore_merges << 63;
    return key;
}

/* Appends the tokens of a part, from *at on; *at becomes the end of the last one. */
static fh_status encode_part(const fh_token_model *m, fh_model_scratch *s, fh_span part, uint32_t *at, fh_token_list *out) {
    if (part.size - 1 >= FH_MET_BYTES || s->met.count == 0)
        return encode_new(m, s, true, part, at, out);
    FH_TRY(make_room(out, FH_MET_TOKENS));
    fh_met_key key = key_of_part(m, part);
    const fh_met *met = find_met(s, key);
    if (met != NULL) {
        put_met(met, at, out);
        return FH_DONE;
    }
    FH_TRY(encode_new(m, s, true, part, at, out));
    remember(s, key);
    return FH_DONE;
}

/* Adds what a part became to what the whole piece will; false if that is too much, or not known. */
static bool join_met(const fh_token_model *m, const fh_model_scratch *s, fh_span part, fh_mut fh_met *whole) {
    const fh_met *met = part.size - 1 < FH_MET_BYTES ? find_met(s, key_of_part(m, part)) : NULL;
    if (met == NULL || whole->count + met->count > FH_MET_TOKENS)
        return false;
    uint8_t begin = whole->count == 0 ? 0 : whole->ends[whole->count - 1];
    for (size_t i = 0; i < met->count && i < FH_MET_TOKENS; i++) {
        whole->ids[whole->count] = met->ids[i];
        whole->ends[whole->count++] = (uint8_t)(begin + met->ends[i]);
    }
    return true;
}

/* A piece that was not met and whose first part ends at `to`: by its parts. */
static fh_status encode_parts(const fh_token_model *m, fh_model_scratch *s, fh_span piece, size_t to, uint32_t *at,
                              fh_token_list *out) {
    bool keeps = piece.size <= FH_MET_BYTES && s->met.count != 0;
    fh_met whole = {.count = 0};
    for (size_t from = 0; from < piece.size;) {
        fh_span part = fh_span_sub(piece, from, to - from);
        FH_TRY(encode_part(m, s, part, at, out));
        keeps = keeps && join_met(m, s, part, &whole);
        from = to;
        to = from < piece.size ? fh_bpe_part_end(m, piece, from) : from;
    }
    if (keeps && whole.count != 0) {
        whole.key = key_of(piece, 0, piece.size);
        keep_met(s, &whole);
    }
    return FH_DONE;
}

/* Appends the tokens of a piece, from *at on; *at becomes the end of the last one. */
static fh_status encode_piece(const fh_token_model *m, fh_model_scratch *s, fh_span piece, uint32_t *at, fh_token_list *out) {
    bool small = piece.size - 1 < FH_MET_BYTES && !m->drops && s->met.count != 0;
    fh_met_key key = {0, 0, 0, 0};
    if (small) {
        FH_TRY(make_room(out, FH_MET_TOKENS));
        key = key_of(piece, 0, piece.size);
        const fh_met *met = find_met(s, key);
        if (met != NULL) {
            put_met(met, at, out);
            return FH_DONE;
        }
    }
    size_t to = m->seams.count != 0 && piece.size != 0 ? fh_bpe_part_end(m, piece, 0) : piece.size;
    if (to != piece.size)
        return encode_parts(m, s, piece, to, at, out);
    FH_TRY(encode_new(m, s, false, piece, at, out));
    if (small)
        remember(s, key);
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
        FH_TRY(begin_model(m, s, piece.size));
    uint32_t end = 0;
    size_t before = out->count, at = 0;
    fh_status st;
    do { /* an empty piece may be a token too */
        size_t to = m->cuts_words ? word_end(m, piece, at) : piece.size;
        st = encode_piece(m, s, fh_span_sub(piece, at, to - at), &end, out);
        at = to;
    } while (at < piece.size && st.code == FH_OK);
    if (fh_failed(st))
        out->count = before;
    return st;
}

/* Writes the ids of a piece at list[at …); those behind its last one are not looked at. */
static inline void write_ids(fh_u32s list, size_t at, const fh_met *met) {
    fh_u32s to = fh_u32s_sub(list, at, FH_MET_TOKENS);
    uint32_t ids[FH_MET_TOKENS] = {0}; /* all are read before one is written: two loads and two stores */
    for (size_t k = 0; k < FH_MET_TOKENS; k++)
        ids[k] = met->ids[k];
    for (size_t k = 0; k < FH_MET_TOKENS; k++)
        fh_u32s_set(to, k, ids[k]);
}

/* The other columns, for a piece that begins at `begin`. */
static inline void write_places(const fh_token_list *out, size_t at, const fh_met *met, uint32_t begin, uint32_t word) {
    uint32_t end = begin;
    if (met->count == 1) { /* the usual one */
        fh_u32s_set(out->begins, at, begin);
        fh_u32s_set(out->ends, at, begin + met->ends[0]);
        fh_u32s_set(out->words, at, word);
        return;
    }
    for (size_t k = 0; k < met->count && k < FH_MET_TOKENS; k++) {
        fh_u32s_set(out->begins, at + k, end);
        end = begin + met->ends[k];
        fh_u32s_set(out->ends, at + k, end + (met->ends[k] == 0)); /* a mark before the piece: its first character */
        fh_u32s_set(out->words, at + k, word);
    }
}

static inline bool has_id(const fh_met *met, uint32_t id) {
    bool found = false;
    for (size_t k = 0; k < met->count && k < FH_MET_TOKENS; k++)
        found = found || met->ids[k] == id;
    return found;
}

/* fh_token_model_recall of at most `most` pieces; `places`: and where they lie. */
FH_ALWAYS_INLINE size_t recall(fh_mets mets, fh_span text, fh_piece_items pieces, size_t most, bool places,
                               const fh_recall_how *how, fh_token_list *out) {
    size_t i = 0, count = out->count;
    fh_u32s ids = out->ids;
    for (; i < most; i++) {
        const fh_piece *piece = fh_piece_items_at(pieces, i);
        size_t begin = piece->begin, end = piece->end;
        if (end - begin - 1 >= FH_MET_BYTES || piece->token != FH_NO_TOKEN)
            break;
        const fh_met *met = find_among(mets, key_of(text, begin, end - begin));
        if (met == NULL || (how->none != FH_NO_TOKEN && has_id(met, how->none)))
            break;
        write_ids(ids, count, met);
        uint32_t word = how->word + (uint32_t)i * how->step;
        if (places)
            write_places(out, count, met, (uint32_t)begin + how->add, word);
        count += met->count;
    }
    out->count = count;
    return i;
}

size_t fh_token_model_recall(const fh_token_model *m, const fh_model_scratch *s, fh_span text, fh_piece_items pieces,
                             const fh_recall_how *how, fh_token_list *out) {
    size_t room = (room_of(out) - out->count) / FH_MET_TOKENS;
    size_t most = s->quick == m->identity ? min_size(pieces.count, room) : 0;
    return out->ids_only ? recall(s->met, text, pieces, most, false, how, out)
                         : recall(s->met, text, pieces, most, true, how, out);
}

/* --- questions ------------------------------------------------------------------------------------------------------- */

fh_token_model *fh_token_model_blank(fh_allocator *a) {
    fh_token_model *m = fh_alloc(a, 1, sizeof *m);
    if (m == NULL)
        return NULL;
    m->allocator = a;
    m->unk = FH_NO_TOKEN;
    m->cuts_words = true;
    fh_buf_init(&m->spellings.text, a, 0);
    fh_buf_init(&m->names, a, 0);
    return m;
}

void fh_token_model_free(fh_token_model *m) {
    if (m == NULL)
        return;
    fh_allocator *a = m->allocator;
    fh_buf_deinit(&m->spellings.text);
    fh_buf_deinit(&m->names);
    fh_u64s_free(a, &m->silent);
    fh_byte_trie_free(a, &m->symbols);
    if (m->lent) {
        fh_places_return(&m->spellings.places);
        fh_u64s_return(&m->spellings.slots);
        fh_u64s_return(&m->merges.slots);
        fh_merge_rules_return(&m->merges.rules);
        fh_trie_nodes_return(&m->trie.nodes);
        fh_logprobs_return(&m->scores);
        fh_u64s_return(&m->seams);
        fh_u64s_return(&m->known);
    } else {
        fh_places_free(a, &m->spellings.places);
        fh_u64s_free(a, &m->spellings.slots);
        fh_merge_table_free(a, &m->merges);
        fh_byte_trie_free(a, &m->trie);
        fh_logprobs_free(a, &m->scores);
        fh_u64s_free(a, &m->seams);
        fh_u64s_free(a, &m->known);
        }
    fh_free(a, m);
}

fh_span fh_model_name_view(const fh_token_model *m, fh_model_name name) {
    return name.given ? fh_span_sub(fh_buf_view(&m->names), name.place.at, name.place.size) : (fh_span){NULL, 0};
}

/* True for bytes that UTF-8 has anywhere: GPT-NeoX's vocabulary, made from text, lacks the others. */
static bool is_of_utf8(uint32_t byte) {
    return byte != 0xc0 && byte != 0xc1 && byte < 0xf5;
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
            all = all && (m->letters.of[v][b] != FH_NO_TOKEN || !is_of_utf8(b));
    if (!all) {
        m->raw_bytes = false;
        m->letters = before;
        return false;
    }
    m->cuts_words = false;
    m->identity = fh_mix64(m->identity) | 1;
    return true;
}

fh_model_kind fh_token_model_kind(const fh_token_model *m) {
    return m->kind;
}

bool fh_token_model_use_spaces(fh_token_model *m) {
    uint32_t mark = fh_model_token(m, MARK_TEXT);
    bool plain = m->kind == FH_MODEL_BPE && !m->raw_bytes && !m->ignore_merges && m->parts == 0 && m->symbols.nodes.count == 0;
    if (m->spaces || !plain || m->seams.count == 0 || !m->unk_name.given || mark == FH_NO_TOKEN)
        return m->spaces;
    for (uint32_t v = 0; v < 4; v++)
        m->letters.of[v][' '] = mark;
    m->spaces = true;
    m->cuts_words = false; /* seams are as good */
    fh_bpe_find_apart(m);
    m->identity = fh_mix64(m->identity) | 1;
    return true;
}

bool fh_token_model_use_lead(fh_token_model *m) {
    uint32_t mark = fh_spellings_find(&m->spellings, MARK_TEXT);
    if (m->leads || m->kind != FH_MODEL_UNIGRAM || mark == FH_NO_TOKEN || mark == m->unk)
        return m->leads;
    m->leads = true;
    m->identity = fh_mix64(m->identity) | 1;
    return true;
}

size_t fh_token_model_size(const fh_token_model *m) {
    return m->kind == FH_MODEL_UNIGRAM ? m->spellings.places.count : m->spellings.count;
}

uint32_t fh_token_model_id_end(const fh_token_model *m) {
    return (uint32_t)m->spellings.places.count - m->parts;
}

uint32_t fh_token_model_find(const fh_token_model *m, fh_span spelling) {
    uint32_t id = fh_spellings_find(&m->spellings, spelling);
    return id < fh_token_model_id_end(m) ? id : FH_NO_TOKEN;
}

void fh_token_model_find_all(const fh_token_model *m, fh_span text, fh_places places, fh_u32s ids) {
    fh_spellings_find_all(&m->spellings, text, places, ids);
    for (size_t i = 0; i < ids.count; i++)
        if (fh_u32s_get(ids, i) >= fh_token_model_id_end(m))
            fh_u32s_set(ids, i, FH_NO_TOKEN);
}

bool fh_token_model_spelling(const fh_token_model *m, uint32_t id, fh_span *out) {
    *out = fh_spellings_get(&m->spellings, id);
    return id < fh_token_model_id_end(m) && fh_places_get(m->spellings.places, id).at != FH_NO_TOKEN;
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
