/* encoder.c: a text through a pipeline: added tokens, normalizer, pre-tokenizer, model, and what comes behind.
 *
 * The text is cut at the added tokens that stand in it as they are. Each stretch between is normalized, cut at the others,
 * then into pieces, and each piece goes to the model. Tokens gather in one store a text; offsets are turned into those of the
 * text on the way, and only if they are asked for. Truncation and post-processing only say which stretches of the stores go
 * where (postprocess.h); one walk at the end writes them out.
 *
 * Threading: see pipeline.h. */
#include "text/pipe/ascii.h"
#include "text/pipe/pipeline.h"

/* Offsets into a text, tripled where a byte becomes U+FFFD, must fit 32 bits. */
enum { TEXT_BYTES_MAX = 1 << 30, RECALL_PIECES = 256, ASCII_RUN = 512, WINDOW = 64, TAIL_MIN = 64 };

/* How a text is encoded, and where its offsets were last. */
typedef struct job {
    const fh_pipeline *p;
    fh_offsets offsets;
    bool skip_special;   /* special tokens stay text */
    bool ascii;          /* the text is ASCII: bytes are code points, and characters are bytes */
    uint32_t word, step; /* of the next piece, and how much that of the one after is higher */
    uint32_t word_given; /* of all pieces, or FH_NO_WORD */
    size_t tokens_max;
    size_t cursor_byte, cursor_code; /* code points before a byte: the place that was last looked at */
    size_t other_byte, other_code;   /* and one before that: stretches with one end in common go from one to the other */
    size_t settled; /* the offsets of so many tokens are what is asked for; those of the others are bytes of the text */
} job;

static void init_store(fh_owned fh_view(2) fh_token_store *s, fh_ref fh_allocator *a) {
    fh_token_list_init(&s->tokens, a, true);
    fh_ids_init(&s->spellings, a, 0);
}

static void end_store(fh_drop fh_token_store *s) {
    fh_token_list_deinit(&s->tokens);
    fh_ids_deinit(&s->spellings);
}

static const fh_token_store *store_of(const fh_room *r, uint32_t source) fh_view(1) {
    return source == 0 ? &r->first : &r->second;
}

fh_status fh_room_init(fh_room *r, fh_allocator *a) {
    fh_model_scratch *scratch = NULL;
    FH_TRY(fh_model_scratch_new(a, &scratch));
    *r = (fh_room){.allocator = a, .tools = {.scratch = scratch}};
    fh_pieces_init(&r->tools.pieces, a);
    init_store(&r->first, a);
    init_store(&r->second, a);
    fh_draft_table_init(&r->drafts, a);
    fh_buf_init(&r->repaired, a, 0);
    return FH_DONE;
}

void fh_room_deinit(fh_room *r) {
    fh_pieces_deinit(&r->tools.pieces);
    end_store(&r->first);
    end_store(&r->second);
    fh_draft_table_deinit(&r->drafts);
    fh_buf_deinit(&r->repaired);
    fh_model_scratch_free(r->tools.scratch);
    r->tools.scratch = NULL;
}

void fh_room_seed(fh_room *r, uint64_t seed, uint64_t text) {
    if (r->tools.scratch != NULL)
        fh_model_scratch_seed(r->tools.scratch, seed, text);
}

/* --- offsets ---------------------------------------------------------------------------------------------------------- */

/* How many code points begin before byte `at`, at most so many as the text has. */
static uint32_t code_points_before(fh_mut job *j, fh_span text, size_t at) {
    size_t to = at < text.size ? at : text.size, from = j->cursor_byte;
    if (from <= to)
        j->cursor_code += to - from - fh_going_on(text, from, to);
    else
        j->cursor_code -= from - to - fh_going_on(text, to, from);
    j->cursor_byte = to;
    return (uint32_t)j->cursor_code;
}

/* Counts on from the nearer one of the two places. */
static void go_near(fh_mut job *j, size_t at) {
    size_t here = at < j->cursor_byte ? j->cursor_byte - at : at - j->cursor_byte;
    size_t there = at < j->other_byte ? j->other_byte - at : at - j->other_byte;
    if (here <= there)
        return;
    size_t byte = j->cursor_byte, code = j->cursor_code;
    j->cursor_byte = j->other_byte;
    j->cursor_code = j->other_code;
    j->other_byte = byte;
    j->other_code = code;
}

/* Bytes of the text as what is asked for. A place inside a character counts as the character's. */
static fh_origin in_units(fh_mut job *j, fh_span text, fh_origin o) {
    if (j->offsets != FH_OFFSETS_CODE_POINTS || o.begin >= text.size || (j->ascii && o.end <= text.size))
        return o;
    go_near(j, o.begin);
    uint32_t begin = code_points_before(j, text, o.begin);
    begin -= fh_goes_on(text, o.begin);
    if (o.end > text.size) /* a model that left characters out counts past the end: the reference gives such a token two */
        return (fh_origin){begin, begin + 2};
    go_near(j, o.end);
    uint32_t end = code_points_before(j, text, o.end);
    end -= fh_goes_on(text, o.end);
    return (fh_origin){begin, end};
}

/* Where bytes [begin, end) of a piece come from, by the reference's rules: nothing stays where it is, and what is not in the
 * piece is taken as it comes. */
static fh_origin origin_of(const fh_normalized *n, fh_piece piece, size_t base, uint32_t begin, uint32_t end) {
    if (begin < end && end <= piece.end - piece.begin) {
        fh_origin o = fh_normalized_origin(n, (size_t)piece.begin + begin, (size_t)piece.begin + end);
        return (fh_origin){o.begin + (uint32_t)base, o.end + (uint32_t)base};
    }
    if (begin != end)
        return (fh_origin){begin, end};
    uint32_t add = fh_normalized_origin(n, piece.begin, piece.end).begin + (uint32_t)base;
    return (fh_origin){begin + add, end + add};
}

/* The places of some tokens, one at least: bytes that become code points, those that they lie in. */
typedef struct places {
    fh_u32s begins, ends;
    size_t done;
} places;

/* As many as lie in the run of ASCII that the next one begins in. */
static void count_ascii(fh_mut job *j, fh_span text, fh_mut places *p) {
    size_t at = fh_u32s_get(p->begins, p->done), near = text.size - at < ASCII_RUN ? text.size : at + ASCII_RUN, k = p->done;
    size_t limit = fh_ascii_end(fh_span_sub(text, 0, near), at, 0);
    uint32_t add = code_points_before(j, text, at) - (uint32_t)at;
    for (; k < p->begins.count; k++) {
        uint32_t begin = fh_u32s_get(p->begins, k), end = fh_u32s_get(p->ends, k);
        if (begin < at || end > limit)
            break;
        fh_u32s_set(p->begins, k, begin + add);
        fh_u32s_set(p->ends, k, end + add);
    }
    p->done = k;
}

/* As many as lie in the next WINDOW bytes, for each of which it is noted how many code points begin before it. */
static void count_near(fh_mut job *j, fh_span text, fh_mut places *p) {
    const uint64_t ones = UINT64_C(0x0101010101010101);
    size_t at = fh_u32s_get(p->begins, p->done), k = p->done, last = at, count = 0;
    uint32_t code = code_points_before(j, text, at);
    uint64_t before[WINDOW / 8] = {0}, so_far = 0;
    for (; count < WINDOW / 8 && text.size - at >= 8 * (count + 1); count++) {
        uint64_t upto = fh_beginning_upto(fh_word_eight(text, at + 8 * count));
        before[count] = (upto << 8) + so_far * ones;
        so_far += upto >> 56;
    }
    for (; k < p->begins.count; k++) {
        size_t begin = fh_u32s_get(p->begins, k), end = fh_u32s_get(p->ends, k), first = begin + 1 - at, behind = end - at;
        if (begin < at || end <= begin || behind >= 8 * count || behind >= WINDOW)
            break;
        last = end;
        fh_u32s_set(p->begins, k, code - 1 + (uint32_t)(before[first / 8] >> 8 * (first % 8) & 0xff));
        fh_u32s_set(p->ends, k, code + (uint32_t)(before[behind / 8] >> 8 * (behind % 8) & 0xff));
    }
    p->done = k;
    j->cursor_byte = last;
    j->cursor_code = code + (before[(last - at) / 8] >> 8 * ((last - at) % 8) & 0xff);
}

/* The next one. */
static void count_one(fh_mut job *j, fh_span text, fh_mut places *p) {
    size_t begin = fh_u32s_get(p->begins, p->done), end = fh_u32s_get(p->ends, p->done);
    fh_u32s_set(p->begins, p->done, code_points_before(j, text, begin) - fh_goes_on(text, begin));
    fh_u32s_set(p->ends, p->done++, code_points_before(j, text, end));
}

/* Bytes of the text, one at least for each token [from, to), as code points. */
static void count_places(fh_mut job *j, fh_span text, const fh_token_list *l, size_t from, size_t to) {
    places p = {fh_u32s_sub(l->begins, from, to - from), fh_u32s_sub(l->ends, from, to - from), 0};
    if (from < to)
        go_near(j, fh_u32s_get(l->begins, from));
    while (p.done < p.begins.count) {
        size_t begin = fh_u32s_get(p.begins, p.done), before = p.done;
        if (fh_span_at(text, begin) < 0x80)
            count_ascii(j, text, &p);
        else
            count_near(j, text, &p);
        if (p.done == before)
            count_one(j, text, &p);
    }
}

/* The same as bytes of whole characters. */
static void widen_places(fh_span text, const fh_token_list *l, size_t from, size_t to) {
    for (size_t k = from; k < to; k++) {
        size_t begin = fh_u32s_get(l->begins, k), end = fh_u32s_get(l->ends, k);
        while (begin > 0 && fh_goes_on(text, begin))
            begin--;
        while (fh_goes_on(text, end))
            end++;
        fh_u32s_set(l->begins, k, (uint32_t)begin);
        fh_u32s_set(l->ends, k, (uint32_t)end);
    }
}

/* Turns the offsets of the first `count` tokens into what is asked for: many at once, as they are bytes and in order. */
static void settle_places(fh_mut job *j, fh_span text, const fh_token_list *l, size_t count) {
    if (j->offsets == FH_OFFSETS_CODE_POINTS && !j->ascii)
        count_places(j, text, l, j->settled, count);
    else if (!j->ascii)
        widen_places(text, l, j->settled, count);
    j->settled = count;
}

/* Turns the offsets of the store's tokens from `from` on from those in their piece into those in the text. */
static void place_tokens(fh_mut job *j, const fh_normalized *n, fh_piece piece, size_t base, fh_span text,
                         fh_mut fh_token_list *l, size_t from) {
    bool straight = (n->now.same || n->now.straight) && piece.begin >= n->now.lead;
    uint32_t size = piece.end - piece.begin, add = (uint32_t)(piece.begin + base - n->now.lead);
    for (size_t k = from; k < l->count; k++) {
        uint32_t begin = fh_u32s_get(l->begins, k), end = fh_u32s_get(l->ends, k);
        if (j->p->leads && end == 0)
            end = 1; /* a mark before the word has the place of its first character */
        fh_origin o = {begin + add, end + add};
        if (!straight || begin >= end || end > size) {
            settle_places(j, text, l, k);
            o = in_units(j, text, origin_of(n, piece, base, begin, end));
            j->settled = k + 1;
        }
        fh_u32s_set(l->begins, k, o.begin);
        fh_u32s_set(l->ends, k, o.end);
    }
}

/* --- tokens ----------------------------------------------------------------------------------------------------------- */

/* The tokens from `from` on are of a word. */
static void note_word(fh_mut fh_token_list *tokens, size_t from, uint32_t word) {
    for (size_t k = from; k < tokens->count; k++)
        fh_u32s_set(tokens->words, k, word);
}

/* Token k shows text `index` of the encoding. */
static fh_status note_spelling(fh_mut fh_token_store *store, size_t k, uint32_t index) {
    while (store->spellings.count < k)
        FH_TRY(fh_ids_put(&store->spellings, FH_NO_WORD));
    return fh_ids_put(&store->spellings, index);
}

/* Unigram's unknown token shows its text. */
static fh_status note_unknown(const job *j, fh_mut fh_token_store *store, size_t from, fh_span piece, fh_mut fh_encoding *out) {
    for (size_t k = from; k < store->tokens.count; k++) {
        if (fh_u32s_get(store->tokens.ids, k) != j->p->unknown)
            continue;
        fh_span shown;
        uint32_t begin = fh_u32s_get(store->tokens.begins, k), index, end = fh_u32s_get(store->tokens.ends, k);
        if (end < begin || !fh_span_slice(piece, begin, end - begin, &shown))
            continue;
        FH_TRY(fh_encoding_keep(out, shown, &index));
        FH_TRY(note_spelling(store, k, index));
    }
    return FH_DONE;
}

/* Added token `s.id` where it was found, bytes [begin, end) of `view`: it shows what stands there. Of `view`, `kept` was shown
 * last: tokens that swallow the same blanks show one text. */
static fh_status put_added(fh_mut job *j, fh_mut fh_token_store *store, fh_span text, fh_span view, fh_stretch s, fh_origin o,
                           fh_mut fh_kept *kept, fh_or_null fh_mut fh_encoding *out) {
    if (out != NULL)
        settle_places(j, text, &store->tokens, store->tokens.count);
    FH_TRY(fh_token_list_put(&store->tokens, s.id, o.begin, o.end));
    j->settled = store->tokens.count;
    uint32_t word = j->word_given != FH_NO_WORD ? j->word_given : j->word, spelling = FH_NO_WORD;
    j->word++;
    if (out == NULL)
        return FH_DONE;
    fh_span usual;
    note_word(&store->tokens, store->tokens.count - 1, word);
    if (fh_pipeline_shown(j->p, s.id, &usual) && fh_span_equal(usual, fh_span_sub(view, s.begin, s.end - s.begin)))
        return FH_DONE;
    FH_TRY(fh_encoding_keep_part(out, kept, view, s.begin, s.end, &spelling));
    return note_spelling(store, store->tokens.count - 1, spelling);
}

static fh_status put_piece(fh_mut job *j, fh_mut fh_tools *r, const fh_normalized *n, fh_mut fh_token_store *store,
                           fh_piece piece, size_t base, fh_span text, fh_or_null fh_mut fh_encoding *out) {
    size_t from = store->tokens.count;
    fh_span bytes = fh_span_sub(fh_normalized_view(n), piece.begin, (size_t)piece.end - piece.begin);
    if (r->scratch == NULL)
        return FH_STATUS(FH_INVALID);
    FH_TRY(fh_token_model_encode(j->p->model, r->scratch, bytes, &store->tokens));
    uint32_t word = j->word_given != FH_NO_WORD ? j->word_given : j->word;
    j->word += j->step;
    if (out == NULL)
        return FH_DONE;
    note_word(&store->tokens, from, word);
    if (j->p->unknown != FH_NO_TOKEN)
        FH_TRY(note_unknown(j, store, from, bytes, out));
    place_tokens(j, n, piece, base, text, &store->tokens, from);
    return FH_DONE;
}

/* Appends the tokens of pieces from *i on that were met before, and moves *i behind them: what put_piece would do. */
static fh_status recall(fh_mut job *j, fh_mut fh_tools *r, const fh_normalized *n, fh_mut fh_token_store *store, size_t base,
                        bool offsets, fh_mut size_t *i) {
    uint32_t begin = fh_pieces_get(&r->pieces, *i).begin;
    if (r->scratch == NULL || (offsets && ((!n->now.same && !n->now.straight) || begin < n->now.lead)))
        return FH_DONE;
    size_t left = r->pieces.count - *i, most = left < RECALL_PIECES ? left : RECALL_PIECES;
    if (most > j->tokens_max - store->tokens.count)
        most = j->tokens_max - store->tokens.count + 1;
    FH_TRY(fh_token_list_reserve(&store->tokens, most * FH_RECALL_TOKENS));
    bool given = j->word_given != FH_NO_WORD;
    fh_recall_how how = {.add = (uint32_t)(base - n->now.lead), .word = given ? j->word_given : j->word,
                         .step = given ? 0 : j->step, .none = offsets ? j->p->unknown : FH_NO_TOKEN};
    size_t done = fh_token_model_recall(j->p->model, r->scratch, fh_normalized_view(n),
                                        fh_piece_items_sub(r->pieces.items, *i, most), &how, &store->tokens);
    j->word += (uint32_t)done * j->step;
    *i += done;
    return FH_DONE;
}

/* Cuts the normalized text of a section at its added tokens. */
static fh_status cut_at_added(const job *j, const fh_normalized *n, size_t base, fh_mut fh_pieces *pieces) {
    fh_added_walk walk;
    fh_stretch s;
    fh_pieces_reset(pieces, base);
    fh_added_walk_init(&walk, &j->p->added, fh_normalized_view(n), true, j->skip_special);
    while (fh_added_walk_next(&walk, &s)) {
        bool at_start = base == 0 && (n->now.tracked ? fh_normalized_origin(n, s.begin, s.end).begin == 0 : s.begin == 0);
        FH_TRY(fh_pieces_add(pieces, (fh_piece){(uint32_t)s.begin, (uint32_t)s.end, s.id, at_start}));
    }
    return FH_DONE;
}

static bool is_ascii(fh_span text) {
    uint8_t high = 0;
    size_t i = 0;
    for (; text.size - i >= 64 && high < 0x80; i += 64) {
        fh_span block = fh_span_sub(text, i, 64); /* of a size that the compiler knows */
        for (size_t k = 0; k < 64; k++)
            high |= fh_span_at(block, k);
    }
    for (; i < text.size; i++)
        high |= fh_span_at(text, i);
    return high < 0x80;
}

static bool has_mark(fh_span text) {
    if (is_ascii(text))
        return false;
    size_t at = fh_span_find(text, FH_LIT("\xe2"), 0); /* one byte is found much faster than three */
    while (at != SIZE_MAX && !fh_span_starts(fh_span_from(text, at), FH_LIT("\xe2\x96\x81")))
        at = fh_span_find(text, FH_LIT("\xe2"), at + 1);
    return at != SIZE_MAX;
}

/* True if U+2581 comes before a section, which is there. */
static bool wants_lead(const fh_pipeline *p, fh_span section, size_t base) {
    bool marked = fh_span_at(section, 0) == ' ' || fh_span_starts(section, FH_LIT("\xe2\x96\x81"));
    return p->lead == FH_LEAD_ALWAYS || (!marked && (p->lead == FH_LEAD_MISSING || (p->lead == FH_LEAD_FIRST && base == 0)));
}

/* Cuts a section for a model that works on spaces. */
static fh_status cut_parts(const fh_pipeline *p, fh_mut fh_normalized *n, fh_span section, size_t base,
                           fh_mut fh_pieces *pieces) {
    uint32_t room[4 * FH_MASK_BYTES];
    fh_u32s ends = {room, sizeof room / sizeof *room};
    if (wants_lead(p, section, base))
        FH_TRY(fh_normalized_put_lead(n, ' '));
    fh_pieces_reset(pieces, base);
    for (size_t at = 0; at < n->now.size;) {
        size_t begin = at, count = fh_token_model_parts(p->model, pieces->masks, fh_normalized_view(n), &at, ends);
        FH_TRY(fh_pieces_cut_ends(pieces, n, begin, 0, fh_u32s_sub(ends, 0, count)));
    }
    return FH_DONE;
}

/* Normalizes a section and cuts it to pieces. */
static fh_status cut_section(const job *j, fh_mut fh_normalized *n, fh_span section, size_t base, fh_mut fh_pieces *pieces) {
    const fh_pipeline *p = j->p;
    if (p->spaces)
        return cut_parts(p, n, section, base, pieces);
    if (!j->ascii || !fh_normalizer_keeps_ascii(p->normalizer))
        FH_TRY(fh_normalizer_run(p->normalizer, n));
    FH_TRY(cut_at_added(j, n, base, pieces));
    if (p->leads && p->pretokenizer != NULL && !has_mark(fh_normalized_view(n)))
        return fh_pretokenizer_run_words(p->pretokenizer, pieces, n);
    return fh_pretokenizer_run(p->pretokenizer, pieces, n, p->raw_bytes);
}

/* A stretch of the text without added tokens that stand for themselves. */
static fh_status put_section(fh_mut job *j, fh_mut fh_tools *r, fh_mut fh_view(5) fh_normalized *n,
                             fh_mut fh_token_store *store, fh_span text, fh_stretch where, fh_or_null fh_mut fh_encoding *out) {
    const fh_pipeline *p = j->p;
    bool tracked = out != NULL || p->tracks;
    fh_kept kept = {.to = 0};
    fh_span section = fh_span_sub(text, where.begin, where.end - where.begin);
    FH_TRY(fh_normalized_reset(n, section, tracked));
    FH_TRY(cut_section(j, n, section, where.begin, &r->pieces));
    j->step = p->spaces ? 0 : 1;
    for (size_t i = 0; i < r->pieces.count && store->tokens.count <= j->tokens_max; i++) {
        FH_TRY(recall(j, r, n, store, where.begin, out != NULL, &i));
        if (i == r->pieces.count)
            break;
        fh_piece piece = fh_pieces_get(&r->pieces, i);
        if (piece.token == FH_NO_TOKEN) {
            FH_TRY(put_piece(j, r, n, store, piece, where.begin, text, out));
            continue;
        }
        fh_origin o = {0, 0};
        if (out != NULL)
            o = in_units(j, text, origin_of(n, piece, where.begin, 0, piece.end - piece.begin));
        FH_TRY(put_added(j, store, text, fh_normalized_view(n), (fh_stretch){piece.begin, piece.end, piece.token}, o, &kept,
                         out));
    }
    j->word += p->spaces ? 1 : 0;
    return FH_DONE;
}

/* *out = text with U+FFFD for each byte that is not UTF-8. */
static fh_status repair(fh_mut fh_buf *out, fh_span text) {
    fh_buf_truncate(out, 0);
    for (size_t i = 0; i < text.size;) {
        fh_rune r = fh_utf8_next(text, i);
        FH_TRY(fh_buf_put(out, r.valid ? fh_span_sub(text, i, r.size) : FH_LIT("\xef\xbf\xbd")));
        i += r.size;
    }
    return FH_DONE;
}

/* Appends the tokens of a text that is UTF-8. */
static fh_status put_stretches(fh_mut job *j, fh_mut fh_tools *r, fh_mut fh_view(5) fh_normalized *n,
                               fh_mut fh_token_store *store, fh_span text, fh_or_null fh_mut fh_encoding *out) {
    fh_added_walk walk;
    fh_stretch s;
    fh_kept kept = {.to = 0};
    j->cursor_byte = j->cursor_code = j->other_byte = j->other_code = 0;
    j->settled = store->tokens.count;
    fh_added_walk_init(&walk, &j->p->added, text, false, j->skip_special);
    while (store->tokens.count <= j->tokens_max && fh_added_walk_next(&walk, &s)) {
        if (s.id == FH_NO_TOKEN) {
            FH_TRY(put_section(j, r, n, store, text, s, out));
            continue;
        }
        fh_origin o = {0, 0};
        if (out != NULL)
            o = in_units(j, text, (fh_origin){(uint32_t)s.begin, (uint32_t)s.end});
        FH_TRY(put_added(j, store, text, text, s, o, &kept, out));
    }
    if (out != NULL)
        settle_places(j, text, &store->tokens, store->tokens.count);
    return FH_DONE;
}

static fh_status put_text(fh_mut job *j, fh_mut fh_tools *r, fh_mut fh_token_store *store, fh_span text,
                          fh_or_null fh_mut fh_encoding *out) {
    fh_normalized n;
    fh_normalized_init(&n, store->tokens.allocator);
    fh_status s = put_stretches(j, r, &n, store, text, out);
    fh_normalized_deinit(&n);
    return s;
}

/* Appends the tokens of any text. */
static fh_status put_any(fh_mut job *j, fh_mut fh_tools *r, fh_mut fh_token_store *store, fh_mut fh_buf *repaired, fh_span text,
                         fh_or_null fh_mut fh_encoding *out, fh_err *err) {
    if (text.size > TEXT_BYTES_MAX)
        return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "text has %zu bytes, at most %d are encoded at once", text.size,
                       TEXT_BYTES_MAX);
    j->ascii = is_ascii(text);
    if (j->ascii || fh_utf8_valid(text))
        return put_text(j, r, store, text, out);
    if (out != NULL)
        return fh_fail(err, FH_INVALID, fh_utf8_bad(text), "the text is not UTF-8: it has no offsets");
    if (j->p->any_bytes)
        return put_text(j, r, store, text, out);
    FH_TRY(repair(repaired, text));
    return put_text(j, r, store, fh_buf_view(repaired), out);
}

/* The tokens of a part: those of a text alone, which are all of one type. */
static fh_status put_made(fh_mut fh_token_store *store, const fh_encoding *made, size_t part, fh_out uint32_t *type,
                          fh_mut fh_encoding *out, fh_err *err) {
    store->tokens.count = store->spellings.count = 0;
    store->tokens.ids_only = false;
    *type = 0;
    if (part >= fh_encoding_part_count(made))
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "part %zu of %zu", part, fh_encoding_part_count(made));
    fh_encoding_part p = fh_encoding_part_at(made, part);
    fh_kept kept = {.to = 0};
    for (size_t i = p.from; i < p.from + p.count; i++) {
        uint32_t spelling = fh_u32s_get(made->spelling.items, i), index;
        if (i == p.from)
            *type = fh_u32s_get(made->type.items, i);
        if (fh_u32s_get(made->special.items, i) != 0 || fh_u32s_get(made->attention.items, i) != 1 ||
            fh_u32s_get(made->type.items, i) != *type)
            return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "token %zu is a special one, padding, or of another type than the "
                           "first; expected the tokens of a text alone", i - p.from);
        FH_TRY(fh_token_list_put(&store->tokens, fh_u32s_get(made->id.items, i), fh_u32s_get(made->begin.items, i),
                                 fh_u32s_get(made->end.items, i)));
        fh_u32s_set(store->tokens.words, i - p.from, fh_u32s_get(made->word.items, i));
        if (spelling == FH_NO_WORD)
            continue;
        FH_TRY(fh_encoding_keep_part(out, &kept, fh_buf_view(&made->texts), fh_u32s_get(made->text_begins.items, spelling),
                                     fh_u32s_get(made->text_ends.items, spelling), &index));
        FH_TRY(note_spelling(store, i - p.from, index));
    }
    return FH_DONE;
}

/* One half of an input: a text, or a list of words. */
static fh_status put_half(fh_mut job *j, fh_mut fh_tools *r, fh_mut fh_token_store *store, fh_mut fh_buf *repaired, bool split,
                          fh_span text, fh_views words, fh_or_null fh_mut fh_encoding *out, fh_err *err) {
    store->tokens.count = store->spellings.count = 0;
    store->tokens.ids_only = out == NULL;
    j->word = 0;
    j->word_given = FH_NO_WORD;
    if (!split)
        return put_any(j, r, store, repaired, text, out, err);
    for (uint32_t i = 0; i < words.count; i++) {
        j->word_given = i;
        FH_TRY(put_any(j, r, store, repaired, fh_views_get(words, i), out, err));
    }
    return FH_DONE;
}

/* --- from stores to an encoding --------------------------------------------------------------------------------------- */

static void fill(fh_u32s column, size_t from, size_t count, uint32_t v) {
    fh_u32s part = fh_u32s_sub(column, from, count);
    for (size_t i = 0; i < part.count; i++)
        fh_u32s_set(part, i, v);
}

static void copy(fh_u32s to, size_t at, fh_u32s from, size_t begin, size_t count) {
    if (count != 0)
        fh_span_copy(fh_u32s_bytes(fh_u32s_sub(to, at, count)), fh_span_of_mut(fh_u32s_bytes(fh_u32s_sub(from, begin, count))));
}

/* Takes blanks off the offsets of one token, as often as its run says (byte_level.rs, process_offsets). */
static fh_origin trimmed(const fh_run *run, bool begins, fh_blanks blanks, fh_origin o) {
    uint32_t trail = (uint32_t)blanks.trail;
    for (uint32_t t = 0; t < run->trim_count; t++) {
        uint32_t how = run->trims >> 2 * t & 3, lead = (uint32_t)blanks.lead;
        bool first = (begins && (how & 2) != 0) || o.begin == 0;
        if (first && (how & 1) != 0 && lead == 1)
            lead = 0;
        if (lead > 0)
            o.begin = o.begin + lead < o.end ? o.begin + lead : o.end;
        if (trail > 0 && o.end >= trail)
            o.end = o.end - trail > o.begin ? o.end - trail : o.begin;
    }
    return o;
}

/* The blanks that a kept text ends with: bytes [from, to) of the kept texts. `count` of them are at or behind byte `at`. */
typedef struct blank_tail {
    size_t from, to, at, count;
} blank_tail;

/* What is known of the texts that the encoding keeps of one input. */
typedef struct kept_texts {
    blank_tail blanks;
    fh_kept special; /* the texts of the post-processor */
} kept_texts;

/* Those of a kept text. Many may end with the same blanks, which are counted once. */
static fh_blanks blanks_of(const fh_encoding *e, uint32_t spelling, fh_mut blank_tail *t) {
    size_t from = fh_u32s_get(e->text_begins.items, spelling), to = fh_u32s_get(e->text_ends.items, spelling);
    fh_span texts = fh_buf_view(&e->texts);
    if (to != t->to || from < t->from) {
        fh_blanks b = fh_blanks_in(fh_span_sub(texts, from, to - from));
        if (b.trail >= TAIL_MIN)
            *t = (blank_tail){to - b.trail_bytes, to, to - b.trail_bytes, b.trail};
        return b;
    }
    if (from >= t->at)
        t->count -= from - t->at - fh_going_on(texts, t->at, from);
    else
        t->count += t->at - from - fh_going_on(texts, from, t->at);
    t->at = from;
    return (fh_blanks){.lead = t->count, .trail = t->count, .trail_bytes = to - from};
}

static void trim_run(const fh_pipeline *p, const fh_run *run, fh_mut fh_encoding *out, size_t at, fh_mut blank_tail *t) {
    for (size_t i = at; i < at + run->count; i++) {
        uint32_t id = fh_u32s_get(out->id.items, i), spelling = fh_u32s_get(out->spelling.items, i);
        uint32_t usual = id < p->blanks.count ? fh_u32s_get(p->blanks, id) : 0;
        if (usual == 0 && spelling == FH_NO_WORD)
            continue;
        fh_blanks blanks = {.lead = usual & 0xffff, .trail = usual >> 16};
        if (spelling != FH_NO_WORD)
            blanks = blanks_of(out, spelling, t);
        fh_origin before = {fh_u32s_get(out->begin.items, i), fh_u32s_get(out->end.items, i)};
        fh_origin o = trimmed(run, i == at, blanks, before);
        fh_u32s_set(out->begin.items, i, o.begin);
        fh_u32s_set(out->end.items, i, o.end);
    }
}

/* Appends a run of a text's tokens. */
static fh_status put_run(const fh_pipeline *p, const fh_token_store *store, const fh_run *run, bool offsets,
                         fh_mut blank_tail *t, fh_mut fh_encoding *out) {
    FH_TRY(fh_encoding_reserve(out, run->count));
    size_t at = out->count;
    copy(out->id.items, at, store->tokens.ids, run->from, run->count);
    if (offsets) {
        copy(out->begin.items, at, store->tokens.begins, run->from, run->count);
        copy(out->end.items, at, store->tokens.ends, run->from, run->count);
        copy(out->word.items, at, store->tokens.words, run->from, run->count);
        size_t have = store->spellings.count > run->from ? store->spellings.count - run->from : 0;
        have = have < run->count ? have : run->count;
        copy(out->spelling.items, at, store->spellings.items, run->from, have);
        fill(out->spelling.items, at + have, run->count - have, FH_NO_WORD);
    } else {
        fill(out->begin.items, at, run->count, 0);
        fill(out->end.items, at, run->count, 0);
        fill(out->word.items, at, run->count, FH_NO_WORD);
        fill(out->spelling.items, at, run->count, FH_NO_WORD);
    }
    fill(out->type.items, at, run->count, run->type);
    fill(out->special.items, at, run->count, run->special);
    fill(out->attention.items, at, run->count, 1);
    if (offsets && run->trim_count != 0)
        trim_run(p, run, out, at, t);
    out->count += run->count;
    fh_encoding_parts_at(out->parts, out->part_count - 1)->count += run->count;
    return FH_DONE;
}

/* Keeps what a special token shows: all of these once, since a template may have them often. */
static fh_status keep_special(const fh_postprocessor *p, uint32_t index, fh_mut fh_kept *kept, fh_mut fh_encoding *out,
                              fh_out uint32_t *spelling) {
    fh_span texts = fh_postprocessor_texts(p);
    fh_range at = fh_postprocessor_place(p, index);
    if (kept->to == 0)
        FH_TRY(fh_encoding_keep_part(out, kept, texts, 0, texts.size, spelling));
    return fh_encoding_keep_part(out, kept, texts, at.from, at.to, spelling);
}

/* Appends special tokens. */
static fh_status put_special(const fh_pipeline *p, const fh_run *run, fh_mut fh_kept *kept, fh_mut fh_encoding *out) {
    for (uint32_t i = 0; i < run->count && p->postprocessor != NULL; i++) {
        fh_span text, usual;
        uint32_t id = fh_postprocessor_token(p->postprocessor, run->from + i, &text), spelling = FH_NO_WORD;
        if (!fh_pipeline_shown(p, id, &usual) || !fh_span_equal(usual, text))
            FH_TRY(keep_special(p->postprocessor, run->from + i, kept, out, &spelling));
        FH_TRY(fh_encoding_put(out, (fh_encoding_token){.id = id, .type = run->type, .word = FH_NO_WORD,
                                                        .special = run->special, .attention = 1, .spelling = spelling}));
    }
    return FH_DONE;
}

static fh_status put_draft(const fh_pipeline *p, const fh_room *r, const fh_draft *d, bool offsets, size_t row, bool overflow,
                           fh_mut kept_texts *known, fh_mut fh_encoding *out) {
    FH_TRY(fh_encoding_begin(out, row, overflow));
    for (uint32_t i = 0; i < d->range_count && i < FH_SEQUENCES_MAX; i++)
        fh_encoding_range(out, d->ranges[i]);
    for (size_t i = 0; i < d->count; i++) {
        const fh_run *run = fh_runs_at(r->drafts.runs.items, d->from + i);
        if (run->source == FH_RUN_SPECIAL)
            FH_TRY(put_special(p, run, &known->special, out));
        else
            FH_TRY(put_run(p, store_of(r, run->source), run, offsets, &known->blanks, out));
    }
    return FH_DONE;
}

/* --- the two roads ---------------------------------------------------------------------------------------------------- */

static fh_status explain(fh_status s, fh_span text, fh_err *err) {
    if (s.code == FH_NOT_FOUND)
        return fh_fail(err, s.code, FH_NO_OFFSET, "the text needs the unknown token, and the vocabulary has none");
    return fh_fail(err, s.code, FH_NO_OFFSET, "%s, in encoding a text of %zu bytes", fh_code_text(s.code), text.size);
}

static fh_status encode_halves(const fh_pipeline *p, fh_mut fh_room *r, const fh_encode_input *in, fh_encode_options o,
                               const fh_truncation *truncation, fh_mut fh_encoding *out, fh_err *err) {
    bool offsets = o.offsets != FH_OFFSETS_NONE;
    job j = {.p = p, .offsets = o.offsets, .skip_special = !o.parse_special, .tokens_max = SIZE_MAX - 1};
    fh_draft_table_clear(&r->drafts);
    if (!offsets && (in->tokens != NULL || in->pair_tokens != NULL))
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "tokens that are given keep their offsets: ask for some");
    for (uint32_t half = 0; half < (in->has_pair ? 2u : 1u); half++) {
        const fh_encoding *made = half == 0 ? in->tokens : in->pair_tokens;
        uint32_t type = offsets ? half : 0;
        if (made != NULL)
            FH_TRY(put_made(half == 0 ? &r->first : &r->second, made, half == 0 ? in->part : in->pair_part, &type, out, err));
        else if (half == 0)
            FH_TRY(put_half(&j, &r->tools, &r->first, &r->repaired, in->split, in->text, in->words, offsets ? out : NULL, err));
        else
            FH_TRY(put_half(&j, &r->tools, &r->second, &r->repaired, in->split, in->pair, in->pair_words, offsets ? out : NULL,
                            err));
        FH_TRY(fh_draft_table_add(&r->drafts, half, (uint32_t)store_of(r, half)->tokens.count));
        fh_runs_at(r->drafts.runs.items, half)->type = type;
    }
    if (truncation != NULL && truncation->on) {
        size_t added = o.add_special ? fh_postprocessor_added(p->postprocessor, in->has_pair) : 0;
        size_t tokens_max = truncation->max_length - added; /* wraps around where these alone are too many: nothing is cut then,
                                                               as in the reference */
        FH_TRY(fh_draft_table_truncate(&r->drafts, truncation, tokens_max, err));
    }
    return fh_postprocessor_run(p->postprocessor, &r->drafts, o.add_special, err);
}

fh_status fh_pipeline_encode(const fh_pipeline *p, fh_room *r, const fh_encode_input *input, fh_encode_options options,
                             const fh_truncation *truncation, size_t row, fh_encoding *out, fh_err *err) {
    bool offsets = options.offsets != FH_OFFSETS_NONE;
    fh_status s = encode_halves(p, r, input, options, truncation, out, err);
    if (fh_failed(s))
        return explain(s, input->text, err);
    fh_drafted whole = fh_drafteds_get(r->drafts.pieces.items, 0);
    kept_texts known = {.special = {.to = 0}};
    s = put_draft(p, r, &whole.main, offsets, row, false, &known, out);
    for (size_t i = 0; i < whole.overflow_count && s.code == FH_OK; i++) {
        fh_draft over = fh_drafts_get(r->drafts.overflow.items, whole.overflow + i);
        s = put_draft(p, r, &over, offsets, row, true, &known, out);
    }
    return fh_failed(s) ? explain(s, input->text, err) : s;
}

static fh_status put_ids(const fh_pipeline *p, const fh_room *r, fh_mut fh_ids *out) {
    fh_draft d = fh_drafteds_at(r->drafts.pieces.items, 0)->main;
    for (size_t i = 0; i < d.count; i++) {
        const fh_run *run = fh_runs_at(r->drafts.runs.items, d.from + i);
        fh_span shown;
        if (run->source != FH_RUN_SPECIAL)
            FH_TRY(fh_ids_put_all(out, fh_u32s_sub(store_of(r, run->source)->tokens.ids, run->from, run->count)));
        for (uint32_t k = 0; k < run->count && run->source == FH_RUN_SPECIAL && p->postprocessor != NULL; k++)
            FH_TRY(fh_ids_put(out, fh_postprocessor_token(p->postprocessor, run->from + k, &shown)));
    }
    return FH_DONE;
}

fh_status fh_pipeline_ids(const fh_pipeline *p, fh_room *r, fh_span text, fh_encode_options options, size_t tokens_max,
                          fh_ids *out, fh_err *err) {
    job j = {.p = p, .skip_special = !options.parse_special, .tokens_max = tokens_max};
    fh_draft_table_clear(&r->drafts);
    fh_status s = put_half(&j, &r->tools, &r->first, &r->repaired, false, text, (fh_views){NULL, 0}, NULL, err);
    if (s.code == FH_OK)
        s = fh_draft_table_add(&r->drafts, 0, (uint32_t)r->first.tokens.count);
    if (s.code == FH_OK)
        s = fh_postprocessor_run(p->postprocessor, &r->drafts, options.add_special, err);
    if (s.code == FH_OK)
        s = put_ids(p, r, out);
    if (s.code == FH_LIMIT)
        return fh_fail(err, s.code, FH_NO_OFFSET, "text of %zu bytes gives more than %zu tokens", text.size, out->limit);
    return fh_failed(s) ? explain(s, text, err) : s;
}
