/* tiktoken.c: tiktoken's rank files (cl100k_base.tiktoken) to a pipeline.
 *
 * A line is a token in base64, a blank, and its rank, which is its id too. Two neighbours join if they are a token together,
 * those of the lowest rank first, and what is a token as a whole is taken as it is. How text is cut, and the special tokens,
 * are not in the file: they come with the name of an encoding that is known here, or from the caller.
 *
 * Threading: one call, one thread. */
#include "freehold/utf8.h"
#include "text/pipe/base64.h"
#include "text/pipe/byte_alphabet.h"
#include "text/pipe/open.h"
#include "text/pipe/scan.h"

enum { TOKEN_LETTERS_MAX = 4096, SPECIAL_MAX = 5 };

/* --- encodings ------------------------------------------------------------------------------------------------------------ */

/* A special token of an encoding; no text: none. */
typedef struct special {
    const char *text;
    uint32_t id;
} special;

typedef struct encoding {
    const char *name;
    fh_scan scan;
    special special[SPECIAL_MAX];
} encoding;

static const encoding encodings[] = {
    {"cl100k_base", FH_SCAN_LLAMA3,
     {{"<|endoftext|>", 100257}, {"<|fim_prefix|>", 100258}, {"<|fim_middle|>", 100259}, {"<|fim_suffix|>", 100260},
      {"<|endofprompt|>", 100276}}},
    {"o200k_base", FH_SCAN_O200K, {{"<|endoftext|>", 199999}, {"<|endofprompt|>", 200018}}},
    {"p50k_base", FH_SCAN_GPT2, {{"<|endoftext|>", 50256}}},
    {"p50k_edit", FH_SCAN_GPT2,
     {{"<|endoftext|>", 50256}, {"<|fim_prefix|>", 50281}, {"<|fim_middle|>", 50282}, {"<|fim_suffix|>", 50283}}},
    {"r50k_base", FH_SCAN_GPT2, {{"<|endoftext|>", 50256}}},
    {"gpt2", FH_SCAN_GPT2, {{"<|endoftext|>", 50256}}},
};
#define ENCODINGS "cl100k_base, o200k_base, p50k_base, p50k_edit, r50k_base or gpt2"

static fh_or_null const encoding *find_encoding(fh_span name) {
    for (size_t i = 0; i < sizeof encodings / sizeof *encodings; i++)
        if (fh_span_is(name, encodings[i].name))
            return &encodings[i];
    return NULL;
}

/* --- reading ------------------------------------------------------------------------------------------------------------ */

/* Tokens as they are found: their spellings in GPT-2's alphabet, one after another. */
typedef struct reader {
    fh_owned fh_buf spellings, bytes; /* bytes: of one token */
    fh_owned fh_ids entries;          /* rank, place, size of each token */
    size_t line;                      /* from 1 on */
    uint32_t end;                     /* one more than the highest rank */
} reader;

static fh_status refuse(const reader *r, const char *what, fh_err *err) {
    return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "tiktoken ranks, line %zu: %s", r->line, what);
}

/* Appends bytes as letters of GPT-2's alphabet. */
static fh_status put_spelling(fh_mut fh_buf *out, fh_span bytes) {
    for (size_t i = 0; i < bytes.size; i++) {
        uint8_t letter[4] = {0};
        size_t size = fh_utf8_put(fh_alphabet_code(fh_span_at(bytes, i)), letter);
        FH_TRY(fh_buf_put(out, fh_span_sub((fh_span){letter, sizeof letter}, 0, size)));
    }
    return FH_DONE;
}

static fh_status read_rank(const reader *r, fh_span digits, fh_out uint32_t *rank, fh_err *err) {
    uint64_t v = 0;
    *rank = 0;
    if (digits.size == 0)
        return refuse(r, "expected a token in base64, a blank, and a rank", err);
    for (size_t i = 0; i < digits.size; i++) {
        uint8_t c = fh_span_at(digits, i);
        if (c < '0' || c > '9')
            return refuse(r, "expected a rank of digits alone", err);
        v = v * 10 + (uint64_t)(c - '0');
        if (v >= FH_VOCAB_MAX)
            return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "tiktoken ranks, line %zu: a rank of %d or more", r->line,
                           FH_VOCAB_MAX);
    }
    *rank = (uint32_t)v;
    return FH_DONE;
}

static fh_status put_token(reader *r, uint32_t rank, fh_span letters, fh_err *err) {
    size_t at = r->spellings.size;
    if (letters.size == 0 || letters.size > TOKEN_LETTERS_MAX)
        return refuse(r, "expected a token of 1 to 3072 bytes", err);
    fh_buf_truncate(&r->bytes, 0);
    fh_status s = fh_base64_read(letters, "a token", FH_NO_OFFSET, &r->bytes, NULL);
    if (s.code == FH_CORRUPT)
        return refuse(r, "the token is not base64", err);
    FH_TRY(s);
    FH_TRY(put_spelling(&r->spellings, fh_buf_view(&r->bytes)));
    FH_TRY(fh_ids_put(&r->entries, rank));
    FH_TRY(fh_ids_put(&r->entries, (uint32_t)at));
    FH_TRY(fh_ids_put(&r->entries, (uint32_t)(r->spellings.size - at)));
    r->end = rank >= r->end ? rank + 1 : r->end;
    return FH_DONE;
}

static fh_status read_line(reader *r, fh_span line, fh_err *err) {
    if (line.size != 0 && fh_span_at(line, line.size - 1) == '\r')
        line = fh_span_sub(line, 0, line.size - 1);
    if (line.size == 0)
        return FH_DONE;
    uint32_t rank;
    size_t blank = fh_span_find(line, FH_LIT(" "), 0);
    FH_TRY(read_rank(r, blank == SIZE_MAX ? (fh_span){NULL, 0} : fh_span_from(line, blank + 1), &rank, err));
    return put_token(r, rank, fh_span_sub(line, 0, blank), err);
}

static fh_status read_lines(reader *r, fh_span file, fh_err *err) {
    for (size_t at = 0; at < file.size;) {
        size_t end = fh_span_find(file, FH_LIT("\n"), at);
        r->line++;
        FH_TRY(read_line(r, fh_span_sub(file, at, (end == SIZE_MAX ? file.size : end) - at), err));
        at = end == SIZE_MAX ? file.size : end + 1;
    }
    return r->entries.count != 0 ? FH_DONE : refuse(r, "no rank", err);
}

bool fh_ranks_begin(fh_span file) {
    size_t i = 0;
    for (; i < file.size && i <= TOKEN_LETTERS_MAX; i++) {
        uint8_t c = fh_span_at(file, i);
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && c != '+' && c != '/' && c != '=')
            break;
    }
    return i != 0 && i + 1 < file.size && fh_span_at(file, i) == ' ' && fh_span_at(file, i + 1) >= '0' &&
           fh_span_at(file, i + 1) <= '9';
}

/* --- the model ------------------------------------------------------------------------------------------------------------ */

/* What is beside the ranks. */
typedef struct extras {
    fh_span pattern;
    fh_views texts; /* of special tokens */
    fh_u32s ids;
    bool known;     /* every text is cut into matches of the pattern */
} extras;

/* Enters a token; false if its id has one. */
static bool enter(fh_mut fh_view(4) fh_model_parts *t, uint32_t id, uint32_t rank, fh_span spelling) {
    if (fh_views_get(t->tokens, id).size != 0)
        return false;
    fh_views_set(t->tokens, id, spelling);
    fh_u32s_set(t->ranks, id, rank);
    if (rank == FH_NO_TOKEN)
        *fh_u64s_at(t->silent, id / 64) |= UINT64_C(1) << id % 64;
    return true;
}

static fh_status fill_tables(const reader *r, const extras *x, fh_mut fh_view(1, 2) fh_model_parts *t, fh_err *err) {
    fh_u32s e = fh_ids_view(&r->entries);
    for (size_t i = 0; i < t->ranks.count; i++)
        fh_u32s_set(t->ranks, i, FH_NO_TOKEN);
    for (size_t i = 0; i < e.count; i += 3) {
        uint32_t rank = fh_u32s_get(e, i);
        fh_span spelling = fh_span_sub(fh_buf_view(&r->spellings), fh_u32s_get(e, i + 1), fh_u32s_get(e, i + 2));
        if (!enter(t, rank, rank, spelling))
            return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "tiktoken ranks: two tokens have the rank %u", rank);
    }
    for (size_t i = 0; i < x->ids.count; i++) {
        fh_span text = fh_views_get(x->texts, i);
        if (text.size == 0 || !fh_utf8_valid(text))
            return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "special token %u: expected a text in UTF-8",
                           fh_u32s_get(x->ids, i));
        if (!enter(t, fh_u32s_get(x->ids, i), FH_NO_TOKEN, text))
            return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET,
                           "special token \"%.*s\" has the id %u, which another token has: the ranks are of another encoding",
                           FH_SPAN_FMT(text), fh_u32s_get(x->ids, i));
    }
    return FH_DONE;
}

/* Every byte has to be a token. */
static fh_status check_bytes(const fh_token_model *m, fh_err *err) {
    for (uint32_t b = 0; b < 256; b++) {
        uint8_t letter[4] = {0};
        size_t size = fh_utf8_put(fh_alphabet_code((uint8_t)b), letter);
        if (fh_token_model_find(m, fh_span_sub((fh_span){letter, sizeof letter}, 0, size)) == FH_NO_TOKEN)
            return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "tiktoken ranks: byte 0x%02X has no rank", b);
    }
    return FH_DONE;
}

/* *end = one more than the highest id. */
static fh_status count_ids(const reader *r, const extras *x, fh_out size_t *end, fh_err *err) {
    *end = r->end;
    for (size_t i = 0; i < x->ids.count; i++) {
        uint32_t id = fh_u32s_get(x->ids, i);
        if (id >= FH_VOCAB_MAX)
            return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "special token %u, expected 0 to %d", id, FH_VOCAB_MAX - 1);
        *end = id >= *end ? (size_t)id + 1 : *end;
    }
    return FH_DONE;
}

/* The model of tokens, which are to be filled. */
static fh_status make_model(const reader *r, const extras *x, fh_views tokens, fh_mut fh_pipeline *p, fh_err *err) {
    fh_model_parts parts = {.tokens = tokens, .unk = FH_NO_TOKEN, .raw_bytes = true, .ignore_merges = true};
    fh_status s = fh_u32s_new(p->allocator, tokens.count, &parts.ranks);
    if (s.code == FH_OK)
        s = fh_u64s_new(p->allocator, tokens.count / 64 + 1, &parts.silent);
    if (s.code == FH_OK)
        s = fill_tables(r, x, &parts, err);
    if (s.code == FH_OK)
        s = fh_token_model_build(p->allocator, &parts, &p->model, err);
    if (s.code == FH_OK)
        s = check_bytes(p->model, err);
    fh_model_parts_free(p->allocator, &parts);
    return s;
}

/* --- the pipeline ------------------------------------------------------------------------------------------------------ */

/* {"type": "ByteLevel", …} */
static fh_status put_byte_level(fh_json_writer *w) {
    static const char *const flags[] = {"add_prefix_space", "trim_offsets", "use_regex"};
    FH_TRY(fh_json_open(w, true));
    FH_TRY(fh_json_key(w, "type"));
    FH_TRY(fh_json_put_text(w, FH_LIT("ByteLevel")));
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        FH_TRY(fh_json_key(w, flags[i]));
        FH_TRY(fh_json_put_bool(w, false));
    }
    return fh_json_close(w, true);
}

/* Cuts text at the pattern's matches, and then into bytes. What lies between the matches of another's pattern goes, as in
 * tiktoken. */
static fh_status write_pretokenizer(const extras *x, fh_json_writer *w) {
    FH_TRY(fh_json_open(w, true));
    FH_TRY(fh_json_key(w, "type"));
    FH_TRY(fh_json_put_text(w, FH_LIT("Sequence")));
    FH_TRY(fh_json_key(w, "pretokenizers"));
    FH_TRY(fh_json_open(w, false));
    FH_TRY(fh_json_open(w, true));
    FH_TRY(fh_json_key(w, "type"));
    FH_TRY(fh_json_put_text(w, FH_LIT("Split")));
    FH_TRY(fh_json_key(w, "pattern"));
    FH_TRY(fh_json_open(w, true));
    FH_TRY(fh_json_key(w, "Regex"));
    FH_TRY(fh_json_put_text(w, x->pattern));
    FH_TRY(fh_json_close(w, true));
    FH_TRY(fh_json_key(w, "behavior"));
    FH_TRY(fh_json_put_text(w, x->known ? FH_LIT("Isolated") : FH_LIT("Removed")));
    FH_TRY(fh_json_key(w, "invert"));
    FH_TRY(fh_json_put_bool(w, !x->known));
    FH_TRY(fh_json_close(w, true));
    FH_TRY(put_byte_level(w));
    FH_TRY(fh_json_close(w, false));
    return fh_json_close(w, true);
}

/* The parts beside the model, each from the JSON that a tokenizer.json would have. */
static fh_status make_parts(const extras *x, fh_mut fh_pipeline *p, fh_mut fh_buf *text, fh_err *err) {
    fh_json_writer w;
    fh_json_writer_init(&w, text, false);
    FH_TRY(write_pretokenizer(x, &w));
    FH_TRY(fh_pretokenizer_read(p->allocator, fh_buf_view(text), 0, &p->pretokenizer, err));
    fh_buf_truncate(text, 0);
    fh_json_writer_init(&w, text, false);
    FH_TRY(put_byte_level(&w));
    FH_TRY(fh_postprocessor_read(p->allocator, fh_buf_view(text), 0, &p->postprocessor, err));
    return fh_decoder_read(p->allocator, fh_buf_view(text), 0, &p->decoder, err);
}

static fh_status make(const reader *r, const extras *x, fh_mut fh_pipeline *p, fh_err *err) {
    fh_views tokens;
    size_t end;
    FH_TRY(count_ids(r, x, &end, err));
    FH_TRY(fh_views_new(p->allocator, end, &tokens));
    fh_status s = make_model(r, x, tokens, p, err);
    fh_views_free(p->allocator, &tokens);
    FH_TRY(s);
    fh_buf text;
    fh_buf_init(&text, p->allocator, 0);
    s = make_parts(x, p, &text, err);
    fh_buf_deinit(&text);
    FH_TRY(s);
    for (size_t i = 0; i < x->ids.count; i++)
        FH_TRY(fh_added_put(&p->added, fh_u32s_get(x->ids, i), fh_views_get(x->texts, i), true, err));
    p->added.unseen = true;
    FH_TRY(fh_added_build(&p->added, err));
    p->raw_bytes = true;
    p->converted = true;
    p->id_end = fh_added_id_end(&p->added, p->model);
    p->unknown = p->bos = FH_NO_TOKEN;
    p->eos = fh_added_find(&p->added, FH_LIT("<|endoftext|>"));
    return FH_DONE;
}

/* What a known encoding has. */
static fh_status make_known(const reader *r, const encoding *known, fh_mut fh_pipeline *p, fh_err *err) {
    fh_span texts[SPECIAL_MAX];
    uint32_t ids[SPECIAL_MAX];
    fh_views all = {texts, SPECIAL_MAX};
    fh_u32s all_ids = {ids, SPECIAL_MAX};
    size_t n = 0;
    for (; n < SPECIAL_MAX && known->special[n].text != NULL; n++) {
        fh_views_set(all, n, fh_span_of_str(known->special[n].text));
        fh_u32s_set(all_ids, n, known->special[n].id);
    }
    extras x = {.pattern = fh_span_of_str(fh_scan_pattern(known->scan)), .texts = fh_views_sub(all, 0, n),
                .ids = fh_u32s_sub(all_ids, 0, n), .known = true};
    return make(r, &x, p, err);
}

static fh_status make_hinted(const reader *r, const fh_tokenizer_hint *hint, fh_mut fh_pipeline *p, fh_err *err) {
    const encoding *known = find_encoding(hint->encoding);
    if (known != NULL)
        return make_known(r, known, p, err);
    if (hint->encoding.size != 0)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "tiktoken ranks: there is no encoding \"%.*s\", expected " ENCODINGS,
                       FH_SPAN_FMT(hint->encoding));
    if (hint->pattern.size == 0)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "tiktoken ranks do not say how text is cut: expected the name of an "
                       "encoding, " ENCODINGS ", or a pattern");
    if (hint->special.count != hint->special_ids.count)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "%zu special tokens, but %zu ids", hint->special.count,
                       hint->special_ids.count);
    extras x = {.pattern = hint->pattern, .texts = hint->special, .ids = hint->special_ids};
    return make(r, &x, p, err);
}

fh_status fh_pipeline_of_ranks(fh_allocator *a, fh_span file, const fh_tokenizer_hint *hint, fh_pipeline **out, fh_err *err) {
    *out = NULL;
    fh_tokenizer_hint none = {.encoding = {NULL, 0}};
    reader r = {.line = 0};
    fh_pipeline *p = NULL;
    FH_TRY(fh_pipeline_blank(a, &p, err));
    fh_buf_init(&r.spellings, a, INT32_MAX);
    fh_buf_init(&r.bytes, a, 0);
    fh_ids_init(&r.entries, a, 0);
    fh_status s = read_lines(&r, file, err);
    if (s.code == FH_OK)
        s = make_hinted(&r, hint != NULL ? hint : &none, p, err);
    fh_buf_deinit(&r.spellings);
    fh_buf_deinit(&r.bytes);
    fh_ids_deinit(&r.entries);
    if (fh_failed(s)) {
        fh_pipeline_free(p);
        return fh_fail(err, s.code, FH_NO_OFFSET, "tiktoken ranks: %s", fh_code_text(s.code));
    }
    *out = p;
    return s;
}
