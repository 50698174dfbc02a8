/* tokenizer_json.c: reads Hugging Face's tokenizer.json (github.com/huggingface/tokenizers, "version": "1.0") of byte-level
 * BPE.
 *
 * Read are: the model's vocabulary and merges (as "a b" or ["a", "b"]), the added tokens, the normalizer NFC, the
 * pre-tokenizers ByteLevel and Split with one of the three known expressions, and a template that puts one token before or
 * after the text. Everything else that would change ids is refused by name; what changes nothing here (post-processing of
 * offsets, decoders of the same kind) is passed over.
 *
 * The text is read once, in its own order. Strings are gathered in one buffer and lists of offsets, so memory is at most a few
 * times the file. Special added tokens become control tokens: unlike there, text turns into them only on demand.
 * Threading: one call, one thread. */
#include "freehold/json.h"
#include "text/tokenizer_impl.h"

/* Offsets in the file fit 32 bits. */
enum { JSON_BYTES_MAX = 1 << 30 };

/* Where a string lies in reader.text. */
typedef struct place {
    uint32_t at, size;
} place;

typedef struct reader {
    fh_json j;
    fh_mut fh_err *err;
    fh_owned fh_buf text;     /* all strings that are kept */
    fh_owned fh_buf name;     /* the string at hand */
    fh_owned fh_ids vocab;    /* id, at, size of each entry */
    fh_owned fh_ids added;    /* id, at, size, special of each added token */
    fh_owned fh_ids merges;   /* at, size of each "left right" */
    bool nfc, prefix_space, ignore_merges, has_unk, has_bos, has_eos, has_model;
    int splits;      /* the expression of a Split seen, or -1 */
    bool byte_level;
    place unk, bos, eos;
    fh_vocab v;
} reader;

/* --- small steps ----------------------------------------------------------------------------------------------------- */

static fh_status unsupported(const reader *r, fh_json_token t, const char *what, fh_span found) {
    return fh_fail(r->err, FH_UNSUPPORTED, t.offset_bytes, "tokenizer.json, byte %zu: %s \"%.*s\" is not supported",
                   t.offset_bytes, what, FH_SPAN_FMT(found));
}

static fh_status expected(const reader *r, fh_json_token t, const char *what) {
    return fh_fail(r->err, FH_CORRUPT, t.offset_bytes, "tokenizer.json, byte %zu: expected %s", t.offset_bytes, what);
}

/* The next token, which must be of a kind. */
static fh_status next_is(reader *r, fh_json_kind kind, const char *what, fh_out fh_view(*1) fh_json_token *t) {
    FH_TRY(fh_json_next(&r->j, t, r->err));
    return t->kind == kind ? FH_DONE : expected(r, *t, what);
}

/* The text of a string or key, in r->name. */
static fh_status name_of(reader *r, fh_json_token t, fh_out fh_view(1) fh_span *out) {
    fh_buf_truncate(&r->name, 0);
    FH_TRY(fh_json_text(t, &r->name, r->err));
    *out = fh_buf_view(&r->name);
    return FH_DONE;
}

/* Keeps the text of a string, in r->text. */
static fh_status keep(fh_buf *text, fh_json_token t, fh_out place *out, fh_err *err) {
    size_t at = text->size;
    FH_TRY(fh_json_text(t, text, err));
    *out = (place){(uint32_t)at, (uint32_t)(text->size - at)};
    return FH_DONE;
}

static fh_span kept(const fh_buf *text, uint32_t at, uint32_t size) {
    return fh_span_sub(fh_buf_view(text), at, size);
}

/* The next token as true or false. */
static fh_status next_flag(reader *r, fh_out bool *out) {
    fh_json_token t;
    FH_TRY(fh_json_next(&r->j, &t, r->err));
    *out = t.kind == FH_JSON_TRUE;
    return t.kind == FH_JSON_TRUE || t.kind == FH_JSON_FALSE ? FH_DONE : expected(r, t, "true or false");
}

/* The next token as a token id. */
static fh_status next_id(reader *r, fh_out uint32_t *out) {
    fh_json_token t;
    int64_t v;
    FH_TRY(next_is(r, FH_JSON_NUMBER, "a token id", &t));
    FH_TRY(fh_json_i64(t, &v, r->err));
    if (v < 0 || v >= FH_VOCAB_MAX)
        return fh_fail(r->err, FH_LIMIT, t.offset_bytes, "tokenizer.json, byte %zu: token id %lld, expected 0 to %d",
                       t.offset_bytes, (long long)v, FH_VOCAB_MAX - 1);
    *out = (uint32_t)v;
    return FH_DONE;
}

/* The next key of an object in *name; *more is false at the object's end. */
static fh_status next_key(reader *r, fh_out fh_view(*1) fh_json_token *t, fh_out fh_view(1) fh_span *name,
                          fh_out bool *more) {
    *name = (fh_span){NULL, 0};
    FH_TRY(fh_json_next(&r->j, t, r->err));
    *more = t->kind == FH_JSON_KEY;
    return *more ? name_of(r, *t, name) : FH_DONE;
}

/* A value that must be null, false, 0 or "": anything else is the named feature. */
static fh_status next_off(reader *r, const char *feature) {
    fh_json_token t;
    FH_TRY(fh_json_next(&r->j, &t, r->err));
    bool zero = t.kind == FH_JSON_NUMBER && (fh_span_is(t.raw, "0") || fh_span_is(t.raw, "0.0"));
    if (t.kind == FH_JSON_NULL || t.kind == FH_JSON_FALSE || zero || (t.kind == FH_JSON_STRING && t.raw.size == 0))
        return FH_DONE;
    return fh_fail(r->err, FH_UNSUPPORTED, t.offset_bytes, "tokenizer.json, byte %zu: \"%s\" is not supported",
                   t.offset_bytes, feature);
}

static fh_status skip_value(reader *r) {
    fh_json_token t;
    FH_TRY(fh_json_next(&r->j, &t, r->err));
    return fh_json_skip(&r->j, t, r->err);
}

/* --- the model ------------------------------------------------------------------------------------------------------- */

static fh_status read_vocab(reader *r) {
    fh_json_token t;
    FH_TRY(next_is(r, FH_JSON_OBJECT, "the vocabulary as an object", &t));
    for (;;) {
        FH_TRY(fh_json_next(&r->j, &t, r->err));
        if (t.kind != FH_JSON_KEY)
            return FH_DONE;
        place p;
        uint32_t id;
        FH_TRY(keep(&r->text, t, &p, r->err));
        FH_TRY(next_id(r, &id));
        FH_TRY(fh_ids_put(&r->vocab, id));
        FH_TRY(fh_ids_put(&r->vocab, p.at));
        FH_TRY(fh_ids_put(&r->vocab, p.size));
    }
}

/* The two halves of ["left", "right"], kept as "left right". */
static fh_status read_merge_pair(reader *r, place *out) {
    fh_json_token t;
    place left, right;
    FH_TRY(next_is(r, FH_JSON_STRING, "the left half of a merge", &t));
    FH_TRY(keep(&r->text, t, &left, r->err));
    if (left.size == 0 || fh_span_find(kept(&r->text, left.at, left.size), FH_LIT(" "), 0) != SIZE_MAX)
        return expected(r, t, "half a merge without a space");
    FH_TRY(fh_buf_put_u8(&r->text, ' '));
    FH_TRY(next_is(r, FH_JSON_STRING, "the right half of a merge", &t));
    FH_TRY(keep(&r->text, t, &right, r->err));
    *out = (place){left.at, left.size + 1 + right.size};
    return next_is(r, FH_JSON_ARRAY_END, "two halves of a merge", &t);
}

static fh_status read_merges(reader *r) {
    fh_json_token t;
    FH_TRY(next_is(r, FH_JSON_ARRAY, "the merges as an array", &t));
    for (;;) {
        FH_TRY(fh_json_next(&r->j, &t, r->err));
        place p = {0, 0};
        if (t.kind == FH_JSON_ARRAY_END)
            return FH_DONE;
        if (t.kind == FH_JSON_STRING)
            FH_TRY(keep(&r->text, t, &p, r->err));
        else if (t.kind == FH_JSON_ARRAY)
            FH_TRY(read_merge_pair(r, &p));
        else
            return expected(r, t, "a merge");
        FH_TRY(fh_ids_put(&r->merges, p.at));
        FH_TRY(fh_ids_put(&r->merges, p.size));
    }
}

static fh_status read_model(reader *r) {
    fh_json_token t;
    fh_span name;
    bool more;
    FH_TRY(next_is(r, FH_JSON_OBJECT, "the model as an object", &t));
    for (;;) {
        FH_TRY(next_key(r, &t, &name, &more));
        if (!more)
            break;
        if (fh_span_is(name, "type")) {
            FH_TRY(next_is(r, FH_JSON_STRING, "the model's type", &t));
            FH_TRY(name_of(r, t, &name));
            if (!fh_span_is(name, "BPE"))
                return unsupported(r, t, "model", name);
        } else if (fh_span_is(name, "vocab")) {
            FH_TRY(read_vocab(r));
        } else if (fh_span_is(name, "merges")) {
            FH_TRY(read_merges(r));
        } else if (fh_span_is(name, "ignore_merges")) {
            bool ignore;
            FH_TRY(next_flag(r, &ignore));
            r->ignore_merges = ignore;
        } else if (fh_span_is(name, "unk_token")) {
            FH_TRY(fh_json_next(&r->j, &t, r->err));
            r->has_unk = t.kind != FH_JSON_NULL;
            if (r->has_unk)
                FH_TRY(keep(&r->text, t, &r->unk, r->err));
        } else if (fh_span_is(name, "dropout")) {
            FH_TRY(next_off(r, "dropout"));
        } else if (fh_span_is(name, "continuing_subword_prefix")) {
            FH_TRY(next_off(r, "continuing_subword_prefix"));
        } else if (fh_span_is(name, "end_of_word_suffix")) {
            FH_TRY(next_off(r, "end_of_word_suffix"));
        } else if (fh_span_is(name, "fuse_unk")) {
            FH_TRY(next_off(r, "fuse_unk"));
        } else if (fh_span_is(name, "byte_fallback")) {
            FH_TRY(next_off(r, "byte_fallback"));
        } else {
            FH_TRY(skip_value(r));
        }
    }
    r->has_model = true;
    return FH_DONE;
}

static fh_status read_added_token(reader *r) {
    fh_json_token t;
    fh_span name;
    bool more, special = false, has_id = false, has_content = false;
    uint32_t id = 0;
    place content = {0, 0};
    for (;;) {
        FH_TRY(next_key(r, &t, &name, &more));
        if (!more)
            break;
        if (fh_span_is(name, "id")) {
            FH_TRY(next_id(r, &id));
            has_id = true;
        } else if (fh_span_is(name, "content")) {
            FH_TRY(next_is(r, FH_JSON_STRING, "the content of an added token", &t));
            FH_TRY(keep(&r->text, t, &content, r->err));
            has_content = true;
        } else if (fh_span_is(name, "special")) {
            FH_TRY(next_flag(r, &special));
        } else if (fh_span_is(name, "single_word")) {
            FH_TRY(next_off(r, "single_word"));
        } else if (fh_span_is(name, "lstrip")) {
            FH_TRY(next_off(r, "lstrip"));
        } else if (fh_span_is(name, "rstrip")) {
            FH_TRY(next_off(r, "rstrip"));
        } else {
            FH_TRY(skip_value(r));
        }
    }
    if (!has_id || !has_content)
        return expected(r, t, "an added token with id and content");
    FH_TRY(fh_ids_put(&r->added, id));
    FH_TRY(fh_ids_put(&r->added, content.at));
    FH_TRY(fh_ids_put(&r->added, content.size));
    return fh_ids_put(&r->added, special);
}

/* Calls `item` for each object of an array. */
static fh_status each_object(reader *r, const char *what, fh_status (*item)(reader *r)) {
    fh_json_token t;
    FH_TRY(next_is(r, FH_JSON_ARRAY, what, &t));
    for (;;) {
        FH_TRY(fh_json_next(&r->j, &t, r->err));
        if (t.kind == FH_JSON_ARRAY_END)
            return FH_DONE;
        if (t.kind != FH_JSON_OBJECT)
            return expected(r, t, "an object");
        FH_TRY(item(r));
    }
}

/* --- normalizer and pre-tokenizer ------------------------------------------------------------------------------------ */

static fh_status read_normalizer(reader *r) {
    fh_json_token t;
    fh_span name;
    bool more;
    FH_TRY(fh_json_next(&r->j, &t, r->err));
    if (t.kind == FH_JSON_NULL)
        return FH_DONE;
    if (t.kind != FH_JSON_OBJECT)
        return expected(r, t, "a normalizer");
    for (;;) {
        FH_TRY(next_key(r, &t, &name, &more));
        if (!more)
            return r->nfc ? FH_DONE : expected(r, t, "the normalizer's type");
        if (!fh_span_is(name, "type")) {
            FH_TRY(skip_value(r));
            continue;
        }
        FH_TRY(next_is(r, FH_JSON_STRING, "the normalizer's type", &t));
        FH_TRY(name_of(r, t, &name));
        if (!fh_span_is(name, "NFC"))
            return unsupported(r, t, "normalizer", name);
        r->nfc = true;
    }
}

/* What the expressions of Llama 3 and Qwen 2 have in common. */
#define REGEX_WORDS "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|"
#define REGEX_REST "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

/* The pattern of a Split: which of the known expressions it is. */
static fh_status read_pattern(reader *r) {
    static const struct {
        const char *regex;
        fh_pretok pretok;
    } known[] = {
        {"'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+", FH_PRETOK_GPT2},
        {REGEX_WORDS "\\p{N}{1,3}" REGEX_REST, FH_PRETOK_LLAMA3},
        {REGEX_WORDS "\\p{N}" REGEX_REST, FH_PRETOK_QWEN2}};
    fh_json_token t;
    fh_span name;
    FH_TRY(next_is(r, FH_JSON_OBJECT, "a pattern", &t));
    FH_TRY(next_is(r, FH_JSON_KEY, "a kind of pattern", &t));
    FH_TRY(name_of(r, t, &name));
    if (!fh_span_is(name, "Regex"))
        return unsupported(r, t, "pattern", name);
    FH_TRY(next_is(r, FH_JSON_STRING, "a regular expression", &t));
    FH_TRY(name_of(r, t, &name));
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (fh_span_is(name, known[i].regex))
            r->splits = (int)known[i].pretok;
    if (r->splits < 0)
        return unsupported(r, t, "pre-tokenizer expression", name);
    return next_is(r, FH_JSON_OBJECT_END, "one pattern", &t);
}

/* One pre-tokenizer after its opening brace; `sequence` says what becomes of a Sequence's list. */
static fh_status read_pretokenizer(reader *r, fh_status (*sequence)(reader *r)) {
    fh_json_token t;
    fh_span name;
    bool more, byte_level = false, split = false, prefix = true, regex = true;
    int before = r->splits;
    for (;;) {
        FH_TRY(next_key(r, &t, &name, &more));
        if (!more)
            break;
        if (fh_span_is(name, "type")) {
            FH_TRY(next_is(r, FH_JSON_STRING, "the pre-tokenizer's type", &t));
            FH_TRY(name_of(r, t, &name));
            byte_level = fh_span_is(name, "ByteLevel");
            split = fh_span_is(name, "Split");
            if (!byte_level && !split && !(fh_span_is(name, "Sequence") && sequence != NULL))
                return unsupported(r, t, "pre-tokenizer", name);
        } else if (fh_span_is(name, "pretokenizers") && sequence != NULL) {
            FH_TRY(sequence(r));
        } else if (fh_span_is(name, "pattern")) {
            FH_TRY(read_pattern(r));
        } else if (fh_span_is(name, "behavior")) {
            FH_TRY(next_is(r, FH_JSON_STRING, "a behavior", &t));
            FH_TRY(name_of(r, t, &name));
            if (!fh_span_is(name, "Isolated"))
                return unsupported(r, t, "behavior", name);
        } else if (fh_span_is(name, "invert")) {
            FH_TRY(next_off(r, "invert"));
        } else if (fh_span_is(name, "add_prefix_space")) {
            FH_TRY(next_flag(r, &prefix));
        } else if (fh_span_is(name, "use_regex")) {
            FH_TRY(next_flag(r, &regex));
        } else {
            FH_TRY(skip_value(r));
        }
    }
    /* The order is Split, then ByteLevel, each once; and one expression in all. */
    bool twice = (split && before >= 0) || (r->byte_level && (split || byte_level));
    bool expression = r->splits >= 0;
    if (twice || (split && !expression) || (byte_level && (regex == expression || (prefix && expression))))
        return unsupported(r, t, "combination of pre-tokenizers ending with", split ? FH_LIT("Split") : FH_LIT("ByteLevel"));
    r->byte_level = r->byte_level || byte_level;
    r->prefix_space = r->prefix_space || (byte_level && prefix);
    return FH_DONE;
}

static fh_status read_sequence_item(reader *r) {
    return read_pretokenizer(r, NULL);
}

static fh_status read_sequence(reader *r) {
    return each_object(r, "a list of pre-tokenizers", read_sequence_item);
}

static fh_status read_pretokenizers(reader *r) {
    fh_json_token t;
    FH_TRY(next_is(r, FH_JSON_OBJECT, "a pre-tokenizer (of byte-level BPE)", &t));
    FH_TRY(read_pretokenizer(r, read_sequence));
    return r->byte_level ? FH_DONE : expected(r, t, "a ByteLevel pre-tokenizer");
}

/* --- post-processor -------------------------------------------------------------------------------------------------- */

/* One element of a template after its brace: the text itself, or a token before or after it. *text: the text was seen. */
static fh_status read_template_part(reader *r, bool *text) {
    fh_json_token t, key;
    fh_span name;
    bool more, special;
    FH_TRY(next_is(r, FH_JSON_KEY, "a part of a template", &key));
    FH_TRY(name_of(r, key, &name));
    special = fh_span_is(name, "SpecialToken");
    if (!special && !fh_span_is(name, "Sequence"))
        return unsupported(r, key, "template part", name);
    if ((!special && *text) || (special && (*text ? r->has_eos : r->has_bos)))
        return unsupported(r, key, "template with a second", name);
    FH_TRY(next_is(r, FH_JSON_OBJECT, "a part of a template", &t));
    for (;;) {
        FH_TRY(next_key(r, &t, &name, &more));
        if (!more)
            break;
        if (!special || !fh_span_is(name, "id")) {
            FH_TRY(skip_value(r));
            continue;
        }
        FH_TRY(next_is(r, FH_JSON_STRING, "the name of a token", &t));
        FH_TRY(keep(&r->text, t, *text ? &r->eos : &r->bos, r->err));
        *(*text ? &r->has_eos : &r->has_bos) = true;
    }
    *text = *text || !special;
    return next_is(r, FH_JSON_OBJECT_END, "one part of a template", &t);
}

static fh_status read_template(reader *r) {
    fh_json_token t;
    bool text = false;
    FH_TRY(next_is(r, FH_JSON_ARRAY, "a template", &t));
    for (;;) {
        FH_TRY(fh_json_next(&r->j, &t, r->err));
        if (t.kind == FH_JSON_ARRAY_END)
            return text ? FH_DONE : expected(r, t, "the text in the template");
        if (t.kind != FH_JSON_OBJECT)
            return expected(r, t, "a part of a template");
        FH_TRY(read_template_part(r, &text));
    }
}

/* One post-processor after its brace. */
static fh_status read_processor(reader *r, fh_status (*sequence)(reader *r)) {
    fh_json_token t;
    fh_span name;
    bool more;
    for (;;) {
        FH_TRY(next_key(r, &t, &name, &more));
        if (!more)
            return FH_DONE;
        if (fh_span_is(name, "type")) {
            FH_TRY(next_is(r, FH_JSON_STRING, "the post-processor's type", &t));
            FH_TRY(name_of(r, t, &name));
            bool known = fh_span_is(name, "ByteLevel") || fh_span_is(name, "TemplateProcessing");
            if (!known && !(fh_span_is(name, "Sequence") && sequence != NULL))
                return unsupported(r, t, "post-processor", name);
        } else if (fh_span_is(name, "processors") && sequence != NULL) {
            FH_TRY(sequence(r));
        } else if (fh_span_is(name, "single")) {
            FH_TRY(read_template(r));
        } else {
            FH_TRY(skip_value(r));
        }
    }
}

static fh_status read_processor_item(reader *r) {
    return read_processor(r, NULL);
}

static fh_status read_processor_list(reader *r) {
    return each_object(r, "a list of post-processors", read_processor_item);
}

static fh_status read_processors(reader *r) {
    fh_json_token t;
    FH_TRY(fh_json_next(&r->j, &t, r->err));
    if (t.kind == FH_JSON_NULL)
        return FH_DONE;
    return t.kind == FH_JSON_OBJECT ? read_processor(r, read_processor_list) : expected(r, t, "a post-processor");
}

/* --- the whole ------------------------------------------------------------------------------------------------------- */

static fh_status read_all(reader *r) {
    fh_json_token t;
    fh_span name;
    bool more;
    FH_TRY(next_is(r, FH_JSON_OBJECT, "an object", &t));
    for (;;) {
        FH_TRY(next_key(r, &t, &name, &more));
        if (!more)
            break;
        if (fh_span_is(name, "added_tokens"))
            FH_TRY(each_object(r, "the added tokens as an array", read_added_token));
        else if (fh_span_is(name, "normalizer"))
            FH_TRY(read_normalizer(r));
        else if (fh_span_is(name, "pre_tokenizer"))
            FH_TRY(read_pretokenizers(r));
        else if (fh_span_is(name, "post_processor"))
            FH_TRY(read_processors(r));
        else if (fh_span_is(name, "model"))
            FH_TRY(read_model(r));
        else if (fh_span_is(name, "truncation"))
            FH_TRY(next_off(r, "truncation"));
        else if (fh_span_is(name, "padding"))
            FH_TRY(next_off(r, "padding"));
        else
            FH_TRY(skip_value(r));
    }
    if (!r->has_model || !r->byte_level)
        return expected(r, t, "a model and a ByteLevel pre-tokenizer");
    return next_is(r, FH_JSON_END, "nothing after the object", &t);
}

/* Gives token `id` its spelling and type. A token may be both in the vocabulary and added, as long as the two agree. */
static fh_status set_token(const reader *r, fh_u32s seen, uint32_t id, fh_span spelling, fh_token_type type) {
    if (id >= r->v.tokens.count)
        return fh_fail(r->err, FH_CORRUPT, FH_NO_OFFSET, "tokenizer.json has token id %u, but only %zu tokens", id,
                       r->v.tokens.count);
    bool again = fh_u32s_get(seen, id) != 0;
    if (again && (type == FH_TOKEN_NORMAL || !fh_span_equal(fh_views_get(r->v.tokens, id), spelling)))
        return fh_fail(r->err, FH_CORRUPT, FH_NO_OFFSET, "tokenizer.json gives id %u to \"%.*s\" and to \"%.*s\"", id,
                       FH_SPAN_FMT(fh_views_get(r->v.tokens, id)), FH_SPAN_FMT(spelling));
    fh_u32s_set(seen, id, 1);
    fh_views_set(r->v.tokens, id, spelling);
    fh_u32s_set(r->v.types, id, type);
    return FH_DONE;
}

/* The number of ids, if there are no gaps: one more than the highest. */
static size_t token_count(const reader *r) {
    fh_u32s vocab = fh_ids_view(&r->vocab), added = fh_ids_view(&r->added);
    size_t count = 0;
    for (size_t i = 0; i < vocab.count; i += 3)
        count = fh_u32s_get(vocab, i) >= count ? (size_t)fh_u32s_get(vocab, i) + 1 : count;
    for (size_t i = 0; i < added.count; i += 4)
        count = fh_u32s_get(added, i) >= count ? (size_t)fh_u32s_get(added, i) + 1 : count;
    size_t given = vocab.count / 3 + added.count / 4;
    return count < given ? count : given;
}

static fh_status fill_tokens(const reader *r, fh_u32s seen) {
    fh_u32s vocab = fh_ids_view(&r->vocab), added = fh_ids_view(&r->added);
    for (size_t i = 0; i < vocab.count; i += 3)
        FH_TRY(set_token(r, seen, fh_u32s_get(vocab, i), kept(&r->text, fh_u32s_get(vocab, i + 1), fh_u32s_get(vocab, i + 2)),
                         FH_TOKEN_NORMAL));
    for (size_t i = 0; i < added.count; i += 4)
        FH_TRY(set_token(r, seen, fh_u32s_get(added, i), kept(&r->text, fh_u32s_get(added, i + 1), fh_u32s_get(added, i + 2)),
                         fh_u32s_get(added, i + 3) != 0 ? FH_TOKEN_CONTROL : FH_TOKEN_USER));
    for (uint32_t id = 0; id < seen.count; id++)
        if (fh_u32s_get(seen, id) == 0)
            return fh_fail(r->err, FH_CORRUPT, FH_NO_OFFSET, "tokenizer.json has no token with id %u, but higher ids", id);
    return FH_DONE;
}

/* The id of a name that the file uses elsewhere. */
static fh_status resolve(const reader *r, place p, fh_out uint32_t *out) {
    fh_span name = kept(&r->text, p.at, p.size);
    for (*out = 0; *out < r->v.tokens.count; ++*out)
        if (fh_span_equal(fh_views_get(r->v.tokens, *out), name))
            return FH_DONE;
    return fh_fail(r->err, FH_CORRUPT, FH_NO_OFFSET, "tokenizer.json names \"%.*s\", which is no token", FH_SPAN_FMT(name));
}

/* Turns what was read into r->v. */
static fh_status make_vocab(reader *r, fh_ref fh_allocator *a) {
    size_t count = token_count(r);
    fh_u32s seen, merges = fh_ids_view(&r->merges);
    FH_TRY(fh_views_new(a, count, &r->v.tokens));
    FH_TRY(fh_u32s_new(a, count, &r->v.types));
    FH_TRY(fh_views_new(a, merges.count / 2, &r->v.merges));
    for (size_t i = 0; i < merges.count; i += 2)
        fh_views_set(r->v.merges, i / 2, kept(&r->text, fh_u32s_get(merges, i), fh_u32s_get(merges, i + 1)));
    FH_TRY(fh_u32s_new(a, count, &seen));
    fh_status s = fill_tokens(r, seen);
    fh_u32s_free(a, &seen);
    uint32_t unk = FH_NO_TOKEN, bos = FH_NO_TOKEN, eos = FH_NO_TOKEN;
    if (s.code == FH_OK && r->has_unk)
        s = resolve(r, r->unk, &unk);
    if (s.code == FH_OK && r->has_bos)
        s = resolve(r, r->bos, &bos);
    if (s.code == FH_OK && r->has_eos)
        s = resolve(r, r->eos, &eos);
    r->v.unk = unk;
    r->v.bos = bos;
    r->v.eos = eos;
    r->v.pretok = r->splits >= 0 ? (fh_pretok)r->splits : FH_PRETOK_GPT2;
    r->v.add_bos = r->has_bos;
    r->v.add_eos = r->has_eos;
    r->v.ignore_merges = r->ignore_merges;
    return s;
}

fh_status fh_tokenizer_from_json(fh_allocator *a, fh_span json, fh_tokenizer **out, fh_err *err) {
    *out = NULL;
    if (json.size > JSON_BYTES_MAX)
        return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "tokenizer.json has %zu bytes, at most %d are read", json.size,
                       JSON_BYTES_MAX);
    reader r = {.err = err, .splits = -1,
                .v = {.kind = FH_VOCAB_BPE_BYTES, .bos = FH_NO_TOKEN, .eos = FH_NO_TOKEN, .unk = FH_NO_TOKEN}};
    fh_json_init(&r.j, json);
    fh_buf_init(&r.text, a, 0);
    fh_buf_init(&r.name, a, 0);
    fh_ids_init(&r.vocab, a, 0);
    fh_ids_init(&r.added, a, 0);
    fh_ids_init(&r.merges, a, 0);
    fh_status s = read_all(&r);
    if (s.code == FH_OK)
        s = make_vocab(&r, a);
    if (s.code == FH_OK)
        s = fh_tokenizer_new(a, &r.v, out, err);
    if (s.code == FH_OK) {
        (*out)->nfc = r.nfc;
        (*out)->byte_level_prefix = r.prefix_space;
    }
    fh_views_free(a, &r.v.tokens);
    fh_views_free(a, &r.v.merges);
    fh_f32s_free(a, &r.v.scores);
    fh_u32s_free(a, &r.v.types);
    fh_ids_deinit(&r.vocab);
    fh_ids_deinit(&r.added);
    fh_ids_deinit(&r.merges);
    fh_buf_deinit(&r.text);
    fh_buf_deinit(&r.name);
    if (s.code != FH_OK)
        return fh_fail(err, s.code, FH_NO_OFFSET, "tokenizer.json: %s", fh_code_text(s.code));
    return FH_DONE;
}
