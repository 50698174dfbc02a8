/* token_model_read.c: reads a token model from its JSON object.
 *
 * The text is read once, in its own order; merges that come before the vocabulary, or before it is certain that they count, are
 * passed over and read at the end. Spellings are gathered in one buffer, so memory is about that of the finished model. Halves
 * of merges are looked up many at a time, for a look is mostly waiting for memory.
 *
 * Numbers become float64 as they do in the reference, whose reader rounds twice: its digits as an integer, then times or by a
 * power of ten. Scores that are equal there have to be equal here. Threading: one call, one thread. */
#include "freehold/checked.h"
#include "freehold/hash.h"
#include "text/decimal.h"
#include "text/json_take.h"
#include "text/pipe/token_model_impl.h"

/* Places in the text of all spellings fit 32 bits. */
enum { JSON_BYTES_MAX = 1 << 30, FRACTION_MAX = 308, WAITING_MAX = 64, NBEST_MAX = 512,
       LARGE_BYTES = 4 << 20,
       BYTES_A_TOKEN = 16, LETTERS_A_TOKEN = 6, MERGES_A_TOKEN = 2 /* that there is room for at first */ };
static const double ALPHA_MAX = 100;

/* A member that is read later: the reader in front of its value; depth 0: none. */
typedef struct later {
    fh_json j;
    bool given;
} later;

typedef struct reader {
    fh_json j;
    fh_mut fh_err *err;
    fh_token_model *m;
    fh_ref fh_or_null const fh_model_tables *tables; /* where they need not be built */
    fh_owned fh_buf joined;  /* what two tokens make */
    fh_owned fh_ids entries; /* of fh_spellings_build */
    fh_owned fh_ids scores;  /* two halves of each */
    fh_owned fh_ids merges;  /* left, right, result */
    fh_place waiting[2 * WAITING_MAX]; /* halves of merges, in the text of j, that are not looked up yet */
    size_t waiting_count;              /* of merges */
    later merges_later;
    bool met_unk, met_prefix;
    bool has_type, has_vocab, has_merges, has_chars_max, has_unk_id, vocab_is_list;
    uint64_t unk_id;
    uint32_t last_result;
} reader;

/* Room for strings with escapes, of which two are at hand at once. */
typedef struct rooms {
    fh_owned fh_buf left, right;
} rooms;

/* --- small steps ----------------------------------------------------------------------------------------------------- */

static fh_status expected(const reader *r, size_t offset_bytes, const char *what) {
    return fh_fail(r->err, FH_CORRUPT, offset_bytes, "tokenizer.json, byte %zu: expected %s", offset_bytes, what);
}

/* The next token, which must be of a kind. */
static fh_status next_is(reader *r, fh_json_kind kind, const char *what, fh_out fh_view(*1) fh_json_token *t) {
    FH_TRY(fh_json_next(&r->j, t, r->err));
    return t->kind == kind ? FH_DONE : expected(r, t->offset_bytes, what);
}

/* The text of a string or key: its own bytes, or in *name with its escapes undone. */
static fh_status text_of(fh_json_token t, fh_buf *name, fh_out fh_view(1, 2) fh_span *out, fh_err *err) {
    *out = t.raw;
    if (!t.escaped)
        return FH_DONE;
    fh_buf_truncate(name, 0);
    FH_TRY(fh_json_text(t, name, err));
    *out = fh_buf_view(name);
    return FH_DONE;
}

static fh_status next_flag(reader *r, fh_out bool *out) {
    fh_json_token t;
    *out = false;
    FH_TRY(fh_json_next(&r->j, &t, r->err));
    if (t.kind == FH_JSON_TRUE || t.kind == FH_JSON_FALSE)
        *out = t.kind == FH_JSON_TRUE;
    else if (t.kind != FH_JSON_NULL)
        return expected(r, t.offset_bytes, "true or false");
    return FH_DONE;
}

/* A name, or null for none. */
static fh_status next_name(reader *r, fh_out fh_model_name *out) {
    fh_json_token t;
    *out = (fh_model_name){0};
    FH_TRY(fh_json_next(&r->j, &t, r->err));
    if (t.kind == FH_JSON_NULL)
        return FH_DONE;
    if (t.kind != FH_JSON_STRING)
        return expected(r, t.offset_bytes, "a string or null");
    size_t at = fh_buf_view(&r->m->names).size;
    FH_TRY(fh_json_text(t, &r->m->names, r->err));
    *out = (fh_model_name){{(uint32_t)at, (uint32_t)(fh_buf_view(&r->m->names).size - at)}, true};
    return FH_DONE;
}

static fh_status next_u64(reader *r, const char *what, fh_out uint64_t *out) {
    *out = 0;
    fh_json_token t;
    int64_t v;
    FH_TRY(next_is(r, FH_JSON_NUMBER, what, &t));
    FH_TRY(fh_json_i64(t, &v, r->err));
    if (v < 0)
        return expected(r, t.offset_bytes, what);
    *out = (uint64_t)v;
    return FH_DONE;
}

/* --- numbers as the reference reads them ------------------------------------------------------------------------------ */

/* The digits of a number so far: value × 10^exponent, later digits left out once 64 bits are full. */
typedef struct digits {
    uint64_t value;
    int64_t exponent;
    bool full;
} digits;

static void add_digit(digits *d, uint8_t c, bool fraction) {
    uint64_t v = 0;
    d->full = d->full || __builtin_mul_overflow(d->value, UINT64_C(10), &v) || __builtin_add_overflow(v, c - '0', &v);
    if (!d->full)
        d->value = v;
    d->exponent += (d->full ? 1 : 0) - (fraction ? 1 : 0);
}

/* 10^n for n up to FRACTION_MAX, correctly rounded. */
static double power_of_ten(int64_t n) {
    uint8_t text[5] = {'1', 'e', (uint8_t)('0' + n / 100), (uint8_t)('0' + n / 10 % 10), (uint8_t)('0' + n % 10)};
    double v = 0;
    bool ok = fh_decimal_read((fh_span){text, sizeof text}, &v);
    FH_ASSERT(ok);
    return v;
}

/* A JSON number as float64; false for one that is too large. */
FH_MUST_USE static bool read_score(fh_span raw, fh_out double *out) {
    digits d = {0};
    *out = 0;
    bool minus = fh_span_at(raw, 0) == '-', fraction = false;
    size_t i = minus;
    int64_t e = 0;
    for (; i < raw.size && (fh_span_at(raw, i) | 0x20) != 'e'; i++) {
        if (fh_span_at(raw, i) == '.') {
            fraction = true;
            d.full = false;
        } else {
            add_digit(&d, fh_span_at(raw, i), fraction);
        }
    }
    bool down = i + 1 < raw.size && fh_span_at(raw, i + 1) == '-';
    for (i++; i < raw.size; i++)
        if (fh_span_at(raw, i) >= '0' && fh_span_at(raw, i) <= '9' && e < 100000)
            e = e * 10 + (fh_span_at(raw, i) - '0');
    int64_t exponent = d.exponent + (down ? -e : e);
    double v = (double)d.value;
    for (; exponent < -FRACTION_MAX && v != 0; exponent += FRACTION_MAX)
        v /= 1e308;
    if (v != 0 && exponent > FRACTION_MAX)
        return false;
    if (v != 0)
        v = exponent < 0 ? v / power_of_ten(-exponent) : exponent > 0 ? v * power_of_ten(exponent) : v;
    *out = minus ? -v : v;
    return v <= 0x1.fffffffffffffp+1023;
}

/* --- the vocabulary -------------------------------------------------------------------------------------------------- */

/* Keeps the spelling of an id. */
static fh_status keep(reader *r, fh_json_token t, uint64_t id) {
    if (id >= FH_MODEL_IDS_MAX)
        return fh_fail(r->err, FH_LIMIT, t.offset_bytes, "tokenizer.json, byte %zu: token id %llu, expected 0 to %d",
                       t.offset_bytes, (unsigned long long)id, FH_MODEL_IDS_MAX - 1);
    fh_buf *text = &r->m->spellings.text;
    size_t at = fh_buf_view(text).size;
    FH_TRY(fh_json_text(t, text, r->err));
    uint32_t entry[3] = {(uint32_t)id, (uint32_t)at, (uint32_t)(fh_buf_view(text).size - at)};
    return fh_ids_put_all(&r->entries, (fh_u32s){entry, 3});
}

/* {"token": id, …} after its brace. */
static fh_status read_map(reader *r) {
    for (;;) {
        fh_json_token t;
        uint64_t id;
        if (!fh_json_take_entry(&r->j, &t, &id)) {
            FH_TRY(fh_json_next(&r->j, &t, r->err));
            if (t.kind != FH_JSON_KEY)
                return FH_DONE;
            FH_TRY(next_u64(r, "a token id", &id));
        }
        FH_TRY(keep(r, t, id));
    }
}

/* [["token", score], …] after its bracket. */
static fh_status read_list(reader *r) {
    for (uint64_t id = 0;; id++) {
        fh_json_token t;
        double score;
        FH_TRY(fh_json_next(&r->j, &t, r->err));
        if (t.kind == FH_JSON_ARRAY_END)
            return FH_DONE;
        if (t.kind != FH_JSON_ARRAY)
            return expected(r, t.offset_bytes, "a token and its score");
        FH_TRY(next_is(r, FH_JSON_STRING, "a token", &t));
        FH_TRY(keep(r, t, id));
        FH_TRY(next_is(r, FH_JSON_NUMBER, "the score of a token", &t));
        if (!read_score(t.raw, &score))
            return fh_fail(r->err, FH_LIMIT, t.offset_bytes, "tokenizer.json, byte %zu: a score too large for a float64",
                           t.offset_bytes);
        uint64_t bits = fh_bits_of_f64(score);
        FH_TRY(fh_ids_put(&r->scores, (uint32_t)bits));
        FH_TRY(fh_ids_put(&r->scores, (uint32_t)(bits >> 32)));
        FH_TRY(next_is(r, FH_JSON_ARRAY_END, "the end of a token and its score", &t));
    }
}

/* Makes room for the vocabulary of a large file; what is not filled is never touched. */
static fh_status reserve(reader *r) {
    size_t tokens = r->j.text.size / BYTES_A_TOKEN;
    tokens = tokens < FH_MODEL_IDS_MAX ? tokens : FH_MODEL_IDS_MAX;
    FH_TRY(fh_buf_reserve(&r->m->spellings.text, tokens * LETTERS_A_TOKEN));
    return fh_u32s_new(r->m->allocator, 3 * tokens, &r->entries.items);
}

static fh_status read_vocab(reader *r) {
    fh_json_token t;
    FH_TRY(fh_json_next(&r->j, &t, r->err));
    if (t.kind != FH_JSON_OBJECT && t.kind != FH_JSON_ARRAY)
        return expected(r, t.offset_bytes, "a vocabulary");
    r->vocab_is_list = t.kind == FH_JSON_ARRAY;
    if (r->tables == NULL && r->entries.items.count == 0 && r->j.text.size >= LARGE_BYTES)
        FH_TRY(reserve(r));
    FH_TRY(r->vocab_is_list ? read_list(r) : read_map(r));
    r->has_vocab = true;
    if (r->tables != NULL)
        return FH_DONE;
    return fh_spellings_build(r->m->allocator, &r->m->spellings, fh_ids_view(&r->entries), !r->vocab_is_list, r->err);
}

/* --- merges ---------------------------------------------------------------------------------------------------------- */

static fh_status is_token(const reader *r, fh_span half, size_t offset_bytes, uint32_t id) {
    if (id != FH_NO_TOKEN)
        return FH_DONE;
    return fh_fail(r->err, FH_CORRUPT, offset_bytes, "tokenizer.json, byte %zu: merge of \"%.*s\", which is no token",
                   offset_bytes, FH_SPAN_FMT(half));
}

/* The token that left and `tail`, the right one without its prefix, make. Merges mostly come in the order of their results, so
 * the last result and the next id are looked at before the table is: each spelling of a map has one id. */
static fh_status find_joined(reader *r, fh_span left, fh_span tail, size_t offset_bytes, fh_out uint32_t *id) {
    const fh_spellings *s = &r->m->spellings;
    for (*id = r->last_result; *id - r->last_result < 2; ++*id) {
        if (left.size + tail.size != 0 && fh_spellings_joins(s, *id, left, tail)) {
            r->last_result = *id;
            return FH_DONE;
        }
    }
    fh_buf_truncate(&r->joined, 0);
    FH_TRY(fh_buf_put(&r->joined, left));
    FH_TRY(fh_buf_put(&r->joined, tail));
    *id = fh_spellings_find(s, fh_buf_view(&r->joined));
    FH_TRY(is_token(r, fh_buf_view(&r->joined), offset_bytes, *id));
    r->last_result = *id;
    return FH_DONE;
}

/* Takes note of a merge that joins at the start of a word. */
static void note_joint(fh_token_model *m, fh_span left, fh_span right, uint32_t left_id) {
    if (right.size < 3 || fh_span_at(right, 0) != 0xe2)
        return;
    fh_span mark = FH_LIT("\xe2\x96\x81");
    bool other = left.size < 3 || !fh_span_equal(fh_span_from(left, left.size - 3), mark);
    if (left.size == 0 || !other || !fh_span_starts(right, mark))
        return;
    bool is_itself = left_id != m->unk && !(left.size == 6 && fh_span_starts(left, FH_LIT("<0x")));
    m->cuts_words = m->cuts_words && is_itself;
    m->uncut[fh_span_at(left, left.size - 1)] = true;
}

/* Finds what the merge of two tokens a and b makes. */
static fh_status find_result(reader *r, fh_span left, uint32_t a, fh_span right, uint32_t b, size_t offset_bytes,
                             fh_out uint32_t *result) {
    size_t prefix = r->m->prefix.place.size;
    FH_TRY(is_token(r, left, offset_bytes, a));
    FH_TRY(is_token(r, right, offset_bytes, b));
    if (right.size < prefix)
        return expected(r, offset_bytes, "a right half that begins with the prefix of what continues a word");
    FH_TRY(find_joined(r, left, fh_span_from(right, prefix), offset_bytes, result));
    note_joint(r->m, left, right, a);
    return FH_DONE;
}

/* Adds merges: left, right, result of each. */
static fh_status add_merges(reader *r, fh_u32s triples, size_t offset_bytes) {
    if ((r->merges.count + triples.count) / 3 > FH_MERGE_RULES_MAX)
        return fh_fail(r->err, FH_LIMIT, offset_bytes, "tokenizer.json, byte %zu: more than %d merges", offset_bytes,
                       FH_MERGE_RULES_MAX);
    return fh_ids_put_all(&r->merges, triples);
}

/* Adds the merges that wait. */
static fh_status add_waiting(reader *r) {
    uint32_t id_room[2 * WAITING_MAX] = {0}, rooms_of_three[3 * WAITING_MAX] = {0};
    fh_place place_room[2 * WAITING_MAX];
    size_t n = r->waiting_count;
    for (size_t i = 0; i < 2 * WAITING_MAX; i++)
        place_room[i] = r->waiting[i];
    fh_places halves = fh_places_sub((fh_places){place_room, 2 * WAITING_MAX}, 0, 2 * n);
    fh_u32s ids = fh_u32s_sub((fh_u32s){id_room, 2 * WAITING_MAX}, 0, 2 * n);
    fh_u32s triples = fh_u32s_sub((fh_u32s){rooms_of_three, 3 * WAITING_MAX}, 0, 3 * n);
    fh_spellings_find_all(&r->m->spellings, r->j.text, halves, ids);
    r->waiting_count = 0;
    for (size_t i = 0; i < n; i++) {
        fh_place one = fh_places_get(halves, 2 * i), other = fh_places_get(halves, 2 * i + 1);
        uint32_t a = fh_u32s_get(ids, 2 * i), b = fh_u32s_get(ids, 2 * i + 1), result;
        FH_TRY(find_result(r, fh_span_sub(r->j.text, one.at, one.size), a, fh_span_sub(r->j.text, other.at, other.size), b,
                           r->j.base + one.at - 1, &result));
        fh_u32s_set(triples, 3 * i, a);
        fh_u32s_set(triples, 3 * i + 1, b);
        fh_u32s_set(triples, 3 * i + 2, result);
    }
    return add_merges(r, triples, r->j.base + r->waiting[0].at);
}

/* A merge of two stretches of the reader's text. */
static fh_status wait(reader *r, size_t left, size_t left_size, size_t right, size_t right_size) {
    if (r->waiting_count == WAITING_MAX)
        FH_TRY(add_waiting(r));
    size_t i = r->waiting_count++;
    r->waiting[2 * i] = (fh_place){(uint32_t)left, (uint32_t)left_size};
    r->waiting[2 * i + 1] = (fh_place){(uint32_t)right, (uint32_t)right_size};
    return FH_DONE;
}

/* A merge of two texts with escapes, after all that wait. */
static fh_status add_now(reader *r, fh_span left, fh_span right, size_t offset_bytes) {
    FH_TRY(add_waiting(r));
    uint32_t a = fh_spellings_find(&r->m->spellings, left), b = fh_spellings_find(&r->m->spellings, right);
    uint32_t triple[3] = {a, b, 0};
    FH_TRY(find_result(r, left, a, right, b, offset_bytes, &triple[2]));
    return add_merges(r, (fh_u32s){triple, 3}, offset_bytes);
}

/* Where the content of a string without escapes begins in the reader's text. */
static size_t place_of(const reader *r, fh_json_token t) {
    return t.offset_bytes + 1 - r->j.base;
}

/* "left right", with exactly one space. */
static fh_status add_line(reader *r, rooms *names, fh_json_token t) {
    fh_span line;
    FH_TRY(text_of(t, &names->left, &line, r->err));
    if (fh_span_starts(line, FH_LIT("#version")))
        return FH_DONE;
    size_t space = fh_span_find(line, FH_LIT(" "), 0);
    if (space == SIZE_MAX || fh_span_find(line, FH_LIT(" "), space + 1) != SIZE_MAX)
        return expected(r, t.offset_bytes, "a merge of two tokens with one space between");
    if (t.escaped)
        return add_now(r, fh_span_sub(line, 0, space), fh_span_from(line, space + 1), t.offset_bytes);
    return wait(r, place_of(r, t), space, place_of(r, t) + space + 1, line.size - space - 1);
}

/* ["left", "right"] after its bracket, with escapes. */
static fh_status add_pair(reader *r, rooms *names) {
    fh_json_token left, right, end;
    fh_span a, b;
    FH_TRY(next_is(r, FH_JSON_STRING, "the left half of a merge", &left));
    FH_TRY(next_is(r, FH_JSON_STRING, "the right half of a merge", &right));
    FH_TRY(next_is(r, FH_JSON_ARRAY_END, "two halves of a merge", &end));
    FH_TRY(text_of(left, &names->left, &a, r->err));
    FH_TRY(text_of(right, &names->right, &b, r->err));
    return add_now(r, a, b, left.offset_bytes);
}

static fh_status read_merges(reader *r, rooms *names) {
    fh_json_token t, left, right;
    FH_TRY(next_is(r, FH_JSON_ARRAY, "the merges as an array", &t));
    for (;;) {
        while (fh_json_take_pair(&r->j, &left, &right))
            FH_TRY(wait(r, place_of(r, left), left.raw.size, place_of(r, right), right.raw.size));
        FH_TRY(fh_json_next(&r->j, &t, r->err));
        if (t.kind == FH_JSON_ARRAY_END)
            return add_waiting(r);
        if (t.kind == FH_JSON_STRING)
            FH_TRY(add_line(r, names, t));
        else if (t.kind == FH_JSON_ARRAY)
            FH_TRY(add_pair(r, names));
        else
            return expected(r, t.offset_bytes, "a merge");
    }
}

/* Reads the merges at the reader's place and builds their table. */
static fh_status build_merges(reader *r, rooms *names) {
    fh_token_model *m = r->m;
    m->unk = m->unk_name.given ? fh_spellings_find(&m->spellings, fh_model_name_view(m, m->unk_name)) : FH_NO_TOKEN;
    FH_TRY(fh_u32s_new(m->allocator, 3 * MERGES_A_TOKEN * (m->spellings.count + 1), &r->merges.items));
    FH_TRY(read_merges(r, names));
    m = r->m;
    fh_u32s list = fh_ids_view(&r->merges);
    FH_TRY(fh_merge_table_new(m->allocator, list.count / 3, m->spellings.seed, &m->merges));
    FH_TRY(fh_merge_table_put_all(&m->merges, list, r->err));
    for (size_t i = 0; i < list.count; i += 3)
        m->identity = fh_mix64(m->identity ^ ((uint64_t)fh_u32s_get(list, i) << 32 | fh_u32s_get(list, i + 1)));
    return FH_DONE;
}

/* --- members --------------------------------------------------------------------------------------------------------- */

static fh_status read_type(reader *r, rooms *names) {
    static const char *const kinds[] = {"BPE", "WordPiece", "WordLevel", "Unigram"};
    fh_json_token t;
    fh_span name;
    FH_TRY(next_is(r, FH_JSON_STRING, "the model's type", &t));
    FH_TRY(text_of(t, &names->right, &name, r->err));
    for (uint32_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (fh_span_is(name, kinds[i])) {
            r->m->kind = (fh_model_kind)i;
            r->has_type = true;
            return FH_DONE;
        }
    return fh_fail(r->err, FH_UNSUPPORTED, t.offset_bytes,
                   "tokenizer.json, byte %zu: model \"%.*s\", expected BPE, WordPiece, WordLevel or Unigram", t.offset_bytes,
                   FH_SPAN_FMT(name));
}

static fh_status read_dropout(reader *r) {
    fh_json_token t;
    FH_TRY(fh_json_next(&r->j, &t, r->err));
    if (t.kind == FH_JSON_NULL)
        return FH_DONE;
    FH_TRY(fh_json_f64(t, &r->m->dropout, r->err));
    if (!(r->m->dropout >= 0 && r->m->dropout <= 1))
        return expected(r, t.offset_bytes, "a dropout from 0 to 1");
    r->m->has_dropout = true;
    return FH_DONE;
}

/* How Unigram draws tokens. The reference has this outside of files; it passes it over here. */
static fh_status read_alpha(reader *r) {
    fh_json_token t;
    FH_TRY(fh_json_next(&r->j, &t, r->err));
    if (t.kind == FH_JSON_NULL)
        return FH_DONE;
    FH_TRY(fh_json_f64(t, &r->m->alpha, r->err));
    if (!(r->m->alpha >= 0 && r->m->alpha <= ALPHA_MAX))
        return expected(r, t.offset_bytes, "an alpha from 0 to 100");
    r->m->has_alpha = true;
    return FH_DONE;
}

static fh_status read_nbest(reader *r) {
    fh_json_token t;
    int64_t v;
    FH_TRY(fh_json_next(&r->j, &t, r->err));
    if (t.kind == FH_JSON_NULL)
        return FH_DONE;
    FH_TRY(fh_json_i64(t, &v, r->err));
    if (v < 1 || v > NBEST_MAX)
        return expected(r, t.offset_bytes, "an nbest_size from 1 to 512");
    r->m->nbest = (uint64_t)v;
    return FH_DONE;
}

static fh_status read_unk_id(reader *r) {
    fh_json_token t;
    int64_t v;
    FH_TRY(fh_json_next(&r->j, &t, r->err));
    if (t.kind == FH_JSON_NULL)
        return FH_DONE;
    FH_TRY(fh_json_i64(t, &v, r->err));
    r->has_unk_id = true;
    r->unk_id = (uint64_t)v; /* one below zero is larger than any vocabulary */
    return FH_DONE;
}

/* Merges are read now if it is certain that they count and that all they name is known. */
static fh_status meet_merges(reader *r, rooms *names) {
    r->has_merges = true;
    bool certain = r->tables == NULL && r->has_type && r->m->kind == FH_MODEL_BPE && r->has_vocab && !r->vocab_is_list;
    certain = certain && r->met_unk && r->met_prefix;
    if (certain)
        return build_merges(r, names);
    r->merges_later = (later){r->j, true};
    fh_json_token t;
    FH_TRY(fh_json_next(&r->j, &t, r->err));
    return fh_json_skip(&r->j, t, r->err);
}

/* One of the switches and names, if the key is one of theirs. */
static fh_status read_option(reader *r, fh_span key, fh_out bool *met) {
    *met = true;
    bool flag;
    fh_model_name name;
    if (fh_span_is(key, "fuse_unk")) {
        FH_TRY(next_flag(r, &flag));
        r->m->fuse_unk = flag;
    } else if (fh_span_is(key, "byte_fallback")) {
        FH_TRY(next_flag(r, &flag));
        r->m->byte_fallback = flag;
    } else if (fh_span_is(key, "ignore_merges")) {
        FH_TRY(next_flag(r, &flag));
        r->m->ignore_merges = flag;
    } else if (fh_span_is(key, "unk_token")) {
        FH_TRY(next_name(r, &name));
        r->m->unk_name = name;
        r->met_unk = true;
    } else if (fh_span_is(key, "continuing_subword_prefix")) {
        FH_TRY(next_name(r, &name));
        r->m->prefix = name;
        r->met_prefix = true;
    } else if (fh_span_is(key, "end_of_word_suffix")) {
        FH_TRY(next_name(r, &name));
        r->m->suffix = name;
    } else {
        *met = false;
    }
    return FH_DONE;
}

static fh_status read_member(reader *r, rooms *names, fh_json_token t) {
    fh_span key;
    bool met;
    FH_TRY(text_of(t, &names->left, &key, r->err));
    FH_TRY(read_option(r, key, &met));
    if (met)
        return FH_DONE;
    if (fh_span_is(key, "type"))
        return read_type(r, names);
    if (fh_span_is(key, "vocab"))
        return r->has_vocab ? expected(r, t.offset_bytes, "one vocabulary") : read_vocab(r);
    if (fh_span_is(key, "merges"))
        return r->has_merges ? expected(r, t.offset_bytes, "one list of merges") : meet_merges(r, names);
    if (fh_span_is(key, "dropout"))
        return read_dropout(r);
    if (fh_span_is(key, "alpha"))
        return read_alpha(r);
    if (fh_span_is(key, "nbest_size"))
        return read_nbest(r);
    if (fh_span_is(key, "unk_id"))
        return read_unk_id(r);
    if (fh_span_is(key, "max_input_chars_per_word")) {
        uint64_t chars;
        FH_TRY(next_u64(r, "a number of characters", &chars));
        r->m->chars_max = chars;
        r->has_chars_max = true;
        return FH_DONE;
    }
    fh_json_token value;
    FH_TRY(fh_json_next(&r->j, &value, r->err));
    return fh_json_skip(&r->j, value, r->err);
}

static fh_status read_members(reader *r, rooms *names) {
    fh_json_token t;
    FH_TRY(next_is(r, FH_JSON_OBJECT, "a model as an object", &t));
    for (;;) {
        FH_TRY(fh_json_next(&r->j, &t, r->err));
        if (t.kind != FH_JSON_KEY)
            break;
        FH_TRY(read_member(r, names, t));
    }
    return FH_DONE;
}

/* --- the whole model ------------------------------------------------------------------------------------------------- */

/* Which model a file without "type" means, and that it has what it needs. */
static fh_status check_members(reader *r, size_t offset_bytes) {
    fh_token_model *m = r->m;
    bool all = m->prefix.given && r->has_chars_max && m->unk_name.given;
    if (!r->has_type)
        m->kind = r->vocab_is_list ? FH_MODEL_UNIGRAM
                  : r->has_merges  ? FH_MODEL_BPE
                  : all            ? FH_MODEL_WORDPIECE
                                   : FH_MODEL_WORDLEVEL;
    if (!r->has_vocab || r->vocab_is_list != (m->kind == FH_MODEL_UNIGRAM))
        return expected(r, offset_bytes, m->kind == FH_MODEL_UNIGRAM ? "a Unigram model with \"vocab\" as a list"
                                                                     : "a model with \"vocab\" as an object");
    if (m->kind == FH_MODEL_BPE && !r->has_merges)
        return expected(r, offset_bytes, "a BPE model with \"merges\"");
    if (m->kind == FH_MODEL_WORDPIECE && !all)
        return expected(r, offset_bytes,
                        "a WordPiece model with \"unk_token\", \"continuing_subword_prefix\" and \"max_input_chars_per_word\"");
    if (m->kind == FH_MODEL_WORDLEVEL && !m->unk_name.given)
        return expected(r, offset_bytes, "a WordLevel model with \"unk_token\"");
    return FH_DONE;
}

/* The worst score, less ten. */
static double unknown_score(fh_logprobs scores) {
    double worst = fh_f64_of_bits(UINT64_C(0x7ff0000000000000));
    for (size_t i = 0; i < scores.count; i++)
        worst = fh_logprobs_get(scores, i) < worst ? fh_logprobs_get(scores, i) : worst;
    return worst - 10;
}

static fh_status find_unknown(reader *r, size_t offset_bytes) {
    size_t n = r->m->spellings.places.count;
    if (r->has_unk_id && r->unk_id >= n)
        return fh_fail(r->err, FH_CORRUPT, offset_bytes, "tokenizer.json, byte %zu: unk_id is %lld, but there are %zu tokens",
                       offset_bytes, (long long)r->unk_id, n);
    r->m->unk = r->has_unk_id ? (uint32_t)r->unk_id : FH_NO_TOKEN;
    return FH_DONE;
}

static fh_status build_unigram(reader *r) {
    fh_token_model *m = r->m;
    size_t n = m->spellings.places.count;
    FH_TRY(fh_logprobs_new(m->allocator, n, &m->scores));
    for (size_t i = 0; i < n; i++) {
        uint64_t bits = fh_u32s_get(r->scores.items, 2 * i) | (uint64_t)fh_u32s_get(r->scores.items, 2 * i + 1) << 32;
        fh_logprobs_set(m->scores, i, fh_f64_of_bits(bits));
        m->identity = fh_mix64(m->identity ^ bits);
    }
    return fh_byte_trie_build(m->allocator, &m->spellings, (fh_u64s){0}, &m->trie, r->err);
}

/* Goes to the node of the prefix. */
static void find_inner(fh_token_model *m) {
    fh_span prefix = fh_model_name_view(m, m->prefix);
    for (size_t i = 0; i < prefix.size && m->inner != FH_NO_TOKEN; i++) {
        uint32_t next = fh_byte_trie_step(&m->trie, m->inner, fh_span_at(prefix, i));
        m->inner = next != 0 ? next : FH_NO_TOKEN;
    }
}

/* What follows from all that was read. */
static fh_status settle(fh_token_model *m) {
    if (m->kind != FH_MODEL_UNIGRAM)
        m->unk = m->unk_name.given ? fh_spellings_find(&m->spellings, fh_model_name_view(m, m->unk_name)) : FH_NO_TOKEN;
    if (m->kind == FH_MODEL_WORDPIECE)
        find_inner(m);
    FH_TRY(fh_bpe_letters(m));
    m->has_dropout = m->kind == FH_MODEL_BPE && m->has_dropout;
    m->has_alpha = m->kind == FH_MODEL_UNIGRAM && m->has_alpha;
    m->drops = (m->has_dropout && m->dropout > 0) || (m->has_alpha && m->alpha > 0);
    bool parts = m->prefix.place.size != 0 || m->suffix.place.size != 0;
    bool stays = m->unk_name.given; /* no character is left out, so that others become neighbours */
    m->cuts_words = m->cuts_words && m->kind == FH_MODEL_BPE && !m->drops && !parts && !m->ignore_merges && stays &&
                    fh_spellings_find(&m->spellings, FH_LIT("\xe2\x96\x81")) != FH_NO_TOKEN;
    uint64_t switches = m->kind | (uint64_t)m->fuse_unk << 2 | (uint64_t)m->byte_fallback << 3 |
                        (uint64_t)m->ignore_merges << 4 | (uint64_t)m->unk_name.given << 5 | (uint64_t)m->unk << 8;
    m->identity = fh_mix64(m->identity ^ m->spellings.seed ^ fh_mix64(switches) ^ fh_mix64(m->chars_max));
    m->identity = fh_hash_bytes(m->identity, fh_model_name_view(m, m->prefix));
    m->identity = fh_hash_bytes(m->identity, fh_model_name_view(m, m->suffix)) | 1;
    return FH_DONE;
}

/* Builds what was not built as it was read. */
static fh_status build_tables(reader *r, rooms *names) {
    fh_token_model *m = r->m;
    if (m->kind == FH_MODEL_BPE && r->merges_later.given) {
        r->j = r->merges_later.j;
        return build_merges(r, names);
    }
    if (m->kind == FH_MODEL_UNIGRAM)
        return build_unigram(r);
    return m->kind == FH_MODEL_WORDPIECE ? fh_byte_trie_build(m->allocator, &m->spellings, (fh_u64s){0}, &m->trie, r->err)
                                         : FH_DONE;
}

static fh_status finish(reader *r, rooms *names, size_t offset_bytes) {
    FH_TRY(check_members(r, offset_bytes));
    FH_TRY(r->tables != NULL ? fh_model_tables_take(r->m, r->tables, r->err) : build_tables(r, names));
    if (r->m->kind == FH_MODEL_UNIGRAM) {
        FH_TRY(find_unknown(r, offset_bytes));
        r->m->unk_score = unknown_score(r->m->scores);
        if (r->m->alpha > 0 && r->m->unk == FH_NO_TOKEN)
            return expected(r, offset_bytes, "an unk_id, which alpha needs");
    }
    return settle(r->m);
}

/* Reads a model; *j is behind it then. */
static fh_status read_model(fh_ref fh_allocator *a, fh_mut fh_view(4) fh_token_model *m, fh_json *j,
                            fh_ref fh_or_null const fh_model_tables *tables, fh_err *err) {
    if (j->text.size > JSON_BYTES_MAX)
        return fh_fail(err, FH_LIMIT, j->base, "tokenizer.json of %zu bytes, at most %d are read", j->text.size,
                       JSON_BYTES_MAX);
    reader r = {.err = err, .m = m, .tables = tables, .j = *j};
    size_t offset_bytes = j->base + j->at;
    rooms names;
    fh_buf_init(&names.left, a, 0);
    fh_buf_init(&names.right, a, 0);
    fh_buf_init(&r.joined, a, 0);
    fh_ids_init(&r.entries, a, 0);
    fh_ids_init(&r.scores, a, 0);
    fh_ids_init(&r.merges, a, 0);
    fh_status s = read_members(&r, &names);
    *j = r.j;
    if (s.code == FH_OK)
        s = finish(&r, &names, offset_bytes);
    fh_buf_deinit(&names.left);
    fh_buf_deinit(&names.right);
    fh_buf_deinit(&r.joined);
    fh_ids_deinit(&r.entries);
    fh_ids_deinit(&r.scores);
    fh_ids_deinit(&r.merges);
    return s;
}

static fh_status read_value(fh_ref fh_allocator *a, fh_json *j, fh_ref fh_or_null const fh_model_tables *tables,
                            fh_owned fh_view(1, *3) fh_token_model **out, fh_err *err) {
    *out = NULL;
    fh_token_model *m = fh_token_model_blank(a);
    if (m == NULL)
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "out of memory for a token model");
    fh_status s = read_model(a, m, j, tables, err);
    if (fh_failed(s)) {
        fh_token_model_free(m);
        return fh_fail(err, s.code, FH_NO_OFFSET, "out of memory for a token model");
    }
    *out = m;
    return s;
}

fh_status fh_token_model_read_value(fh_allocator *a, fh_json *j, fh_token_model **out, fh_err *err) {
    return read_value(a, j, NULL, out, err);
}

fh_status fh_token_model_open(fh_allocator *a, fh_json *j, const fh_model_tables *t, fh_token_model **out, fh_err *err) {
    return read_value(a, j, t, out, err);
}

fh_status fh_token_model_read(fh_allocator *a, fh_span json, size_t offset_bytes, fh_token_model **out, fh_err *err) {
    fh_json j;
    fh_json_token end;
    fh_token_model *m = NULL;
    *out = NULL;
    fh_json_init_at(&j, json, offset_bytes);
    FH_TRY(fh_token_model_read_value(a, &j, &m, err));
    fh_status s = fh_json_next(&j, &end, err); /* nothing follows */
    if (fh_failed(s)) {
        fh_token_model_free(m);
        return s;
    }
    *out = m;
    return s;
}
