/* sentencepiece.c: a SentencePiece model (tokenizer.model, spiece.model) to a pipeline.
 *
 * The file is a protobuf message (sentencepiece_model.proto): pieces with their scores and types, what the trainer was told,
 * and how text is normalized. It is read twice: once for the number of pieces, once for all. Tokens are those of the
 * SentencePiece library, and so are offsets; what a tokenizer.json cannot say of that is said in tokenizer.h.
 *
 *     NORMAL         pieces that text is made of
 *     USER_DEFINED   stand for themselves wherever they are met, before anything else
 *     CONTROL        special tokens: never made from text unless asked for
 *     UNKNOWN        one: what is no piece; neighbours become one token
 *     BYTE           256 with byte_fallback, none without: what is no piece
 *     UNUSED         never made from text (Unigram; BPE has no such thing here)
 *
 * Kinds are Unigram, BPE, and CHAR, which is BPE without merges. WORD models are refused by name.
 *
 * Threading: one call, one thread. */
#include "freehold/hash.h"
#include "freehold/utf8.h"
#include "text/pipe/open.h"
#include "text/pipe/wire.h"

#define FILE_NAME "SentencePiece model"
#define MARK "\xe2\x96\x81" /* U+2581, a blank */

/* Types of pieces and of models, numbered as in the format. */
enum { NORMAL = 1, UNKNOWN = 2, CONTROL = 3, USER_DEFINED = 4, UNUSED = 5, BYTE = 6 };
enum { KIND_UNIGRAM = 1, KIND_BPE = 2, KIND_WORD = 3, KIND_CHAR = 4 };
/* Fields of the whole, and of its parts. */
enum { PIECES = 1, TRAINER = 2, NORMALIZER = 3, DENORMALIZER = 5 };
enum { PIECE_TEXT = 1, PIECE_SCORE = 2, PIECE_TYPE = 3 };
enum { TRAINER_KIND = 3, TRAINER_SUFFIX = 24, TRAINER_BYTES = 35, TRAINER_SURFACE = 44, TRAINER_BOS = 46, TRAINER_EOS = 47 };
enum { NORMAL_MAP = 2, NORMAL_PREFIX = 3, NORMAL_SQUEEZE = 4, NORMAL_ESCAPE = 5 };

/* Bytes of the file. */
typedef struct stretch {
    size_t at, size;
} stretch;

/* What is said of text before it is cut. */
typedef struct normal {
    stretch map;
    bool prefix, squeeze, escape;
} normal;

/* A file as far as it was read. */
typedef struct reader {
    fh_ref fh_allocator *allocator;
    fh_span file;
    fh_owned fh_u32s places; /* of each piece, where its text begins in the file, and how many bytes it has */
    fh_owned fh_u32s types;
    fh_owned fh_f32s scores;
    size_t count;            /* of pieces so far */
    uint64_t kind;
    bool bytes, suffix;
    stretch surface, bos, eos; /* of the unknown piece, and the pieces that begin and end a text; size 0: as usual */
    normal normal, back;       /* back: of what is decoded */
} reader;

static fh_status refuse(fh_code code, size_t offset_bytes, const char *what, fh_err *err) {
    return fh_fail(err, code, offset_bytes, FILE_NAME ", byte %zu: %s", offset_bytes, what);
}

static fh_span text_at(const reader *r, stretch s, const char *usual) fh_view(1, 3) {
    return s.size != 0 ? fh_span_sub(r->file, s.at, s.size) : fh_span_of_str(usual);
}

static fh_span piece_at(const reader *r, size_t id) fh_view(1) {
    return fh_span_sub(r->file, fh_u32s_get(r->places, 2 * id), fh_u32s_get(r->places, 2 * id + 1));
}

/* --- fields ------------------------------------------------------------------------------------------------------------ */

static fh_status read_number(const fh_wire_field *f, fh_mut uint64_t *out, fh_err *err) {
    FH_TRY(fh_wire_need(f, FH_WIRE_VARINT, err));
    *out = f->value;
    return FH_DONE;
}

static fh_status read_flag(const fh_wire_field *f, fh_mut bool *out, fh_err *err) {
    FH_TRY(fh_wire_need(f, FH_WIRE_VARINT, err));
    *out = f->value != 0;
    return FH_DONE;
}

static fh_status read_bytes(const fh_wire_field *f, fh_mut stretch *out, fh_err *err) {
    FH_TRY(fh_wire_need(f, FH_WIRE_BYTES, err));
    *out = (stretch){f->offset_bytes, f->bytes.size};
    return FH_DONE;
}

static fh_status read_text(const fh_wire_field *f, fh_mut stretch *out, fh_err *err) {
    FH_TRY(read_bytes(f, out, err));
    return fh_utf8_valid(f->bytes) ? FH_DONE : refuse(FH_CORRUPT, f->offset_bytes, "expected a text in UTF-8", err);
}

static fh_status read_piece(reader *r, const fh_wire_field *whole, fh_err *err) {
    fh_wire w;
    fh_wire_field f;
    stretch text = {0, 0};
    float score = 0;
    uint64_t type = NORMAL;
    fh_wire_init(&w, whole->bytes, whole->offset_bytes, FILE_NAME);
    for (bool more = true;;) {
        FH_TRY(fh_wire_next(&w, &f, &more, err));
        if (!more)
            break;
        if (f.number == PIECE_TEXT)
            FH_TRY(read_text(&f, &text, err));
        if (f.number == PIECE_TYPE)
            FH_TRY(read_number(&f, &type, err));
        if (f.number == PIECE_SCORE) {
            FH_TRY(fh_wire_need(&f, FH_WIRE_FIXED32, err));
            score = fh_f32_of_bits((uint32_t)f.value);
        }
    }
    if (text.size == 0)
        return refuse(FH_CORRUPT, whole->offset_bytes, "a piece without text", err);
    if (type < NORMAL || type > BYTE)
        return refuse(FH_UNSUPPORTED, whole->offset_bytes, "a piece of a type that is not 1 to 6", err);
    if ((fh_bits_of_f32(score) >> 23 & 0xff) == 0xff)
        return refuse(FH_CORRUPT, whole->offset_bytes, "a piece whose score is not a number", err);
    fh_u32s_set(r->places, 2 * r->count, (uint32_t)text.at);
    fh_u32s_set(r->places, 2 * r->count + 1, (uint32_t)text.size);
    fh_f32s_set(r->scores, r->count, score);
    fh_u32s_set(r->types, r->count++, (uint32_t)type);
    return FH_DONE;
}

static fh_status read_trainer(reader *r, const fh_wire_field *whole, fh_err *err) {
    fh_wire w;
    fh_wire_field f;
    fh_wire_init(&w, whole->bytes, whole->offset_bytes, FILE_NAME);
    for (bool more = true;;) {
        FH_TRY(fh_wire_next(&w, &f, &more, err));
        if (!more)
            return FH_DONE;
        if (f.number == TRAINER_KIND)
            FH_TRY(read_number(&f, &r->kind, err));
        if (f.number == TRAINER_SUFFIX)
            FH_TRY(read_flag(&f, &r->suffix, err));
        if (f.number == TRAINER_BYTES)
            FH_TRY(read_flag(&f, &r->bytes, err));
        if (f.number == TRAINER_SURFACE)
            FH_TRY(read_text(&f, &r->surface, err));
        if (f.number == TRAINER_BOS)
            FH_TRY(read_text(&f, &r->bos, err));
        if (f.number == TRAINER_EOS)
            FH_TRY(read_text(&f, &r->eos, err));
    }
}

static fh_status read_normalizer(const fh_wire_field *whole, fh_mut normal *out, fh_err *err) {
    fh_wire w;
    fh_wire_field f;
    fh_wire_init(&w, whole->bytes, whole->offset_bytes, FILE_NAME);
    for (bool more = true;;) {
        FH_TRY(fh_wire_next(&w, &f, &more, err));
        if (!more)
            return FH_DONE;
        if (f.number == NORMAL_MAP)
            FH_TRY(read_bytes(&f, &out->map, err));
        if (f.number == NORMAL_PREFIX)
            FH_TRY(read_flag(&f, &out->prefix, err));
        if (f.number == NORMAL_SQUEEZE)
            FH_TRY(read_flag(&f, &out->squeeze, err));
        if (f.number == NORMAL_ESCAPE)
            FH_TRY(read_flag(&f, &out->escape, err));
    }
}

static fh_status count_pieces(fh_span file, fh_out size_t *count, fh_err *err) {
    fh_wire w;
    fh_wire_field f;
    *count = 0;
    fh_wire_init(&w, file, 0, FILE_NAME);
    for (bool more = true;;) {
        FH_TRY(fh_wire_next(&w, &f, &more, err));
        if (!more)
            break;
        if (f.number == PIECES && ++*count > FH_VOCAB_MAX)
            return fh_fail(err, FH_LIMIT, f.offset_bytes, FILE_NAME ", byte %zu: more than %d pieces", f.offset_bytes,
                           FH_VOCAB_MAX);
    }
    return *count != 0 ? FH_DONE : refuse(FH_CORRUPT, 0, "expected a message with pieces in its fields 1", err);
}

static fh_status read_part(reader *r, const fh_wire_field *f, fh_err *err) {
    if (f->number != PIECES && f->number != TRAINER && f->number != NORMALIZER && f->number != DENORMALIZER)
        return FH_DONE;
    FH_TRY(fh_wire_need(f, FH_WIRE_BYTES, err));
    if (f->number == PIECES)
        return read_piece(r, f, err);
    if (f->number == TRAINER)
        return read_trainer(r, f, err);
    return read_normalizer(f, f->number == NORMALIZER ? &r->normal : &r->back, err);
}

static fh_status read_file(reader *r, fh_err *err) {
    size_t count;
    FH_TRY(count_pieces(r->file, &count, err));
    FH_TRY(fh_u32s_new(r->allocator, 2 * count, &r->places));
    FH_TRY(fh_u32s_new(r->allocator, count, &r->types));
    FH_TRY(fh_f32s_new(r->allocator, count, &r->scores));
    fh_wire w;
    fh_wire_field f;
    fh_wire_init(&w, r->file, 0, FILE_NAME);
    for (bool more = true;;) {
        FH_TRY(fh_wire_next(&w, &f, &more, err));
        if (!more)
            break;
        FH_TRY(read_part(r, &f, err));
    }
    if (r->back.map.size != 0)
        return refuse(FH_UNSUPPORTED, r->back.map.at, "a denormalizer, expected none", err);
    if (r->kind == KIND_WORD)
        return refuse(FH_UNSUPPORTED, 0, "a WORD model, expected UNIGRAM, BPE or CHAR", err);
    if (r->kind != KIND_UNIGRAM && r->kind != KIND_BPE && r->kind != KIND_CHAR)
        return refuse(FH_UNSUPPORTED, 0, "a kind of model that nobody knows, expected UNIGRAM, BPE or CHAR", err);
    return FH_DONE;
}

/* --- what the pieces are -------------------------------------------------------------------------------------------------- */

static void set_bit(fh_u64s set, size_t i) {
    *fh_u64s_at(set, i / 64) |= UINT64_C(1) << i % 64;
}

static fh_status refuse_piece(const reader *r, fh_code code, size_t id, const char *what, fh_err *err) {
    return fh_fail(err, code, FH_NO_OFFSET, FILE_NAME ", piece %zu \"%.*s\": %s", id, FH_SPAN_FMT(piece_at(r, id)), what);
}

/* Notes what a piece is. */
static fh_status sort_piece(const reader *r, size_t id, fh_mut fh_model_parts *parts, fh_err *err) {
    uint32_t type = fh_u32s_get(r->types, id);
    int byte = fh_model_byte_of(piece_at(r, id));
    if (type != NORMAL)
        set_bit(parts->silent, id);
    if (type == USER_DEFINED)
        set_bit(parts->symbols, id);
    if (type == UNKNOWN && parts->unk != FH_NO_TOKEN)
        return refuse_piece(r, FH_CORRUPT, id, "a second unknown piece", err);
    if (type == UNKNOWN)
        parts->unk = (uint32_t)id;
    if (type == UNUSED && r->kind != KIND_UNIGRAM)
        return refuse_piece(r, FH_UNSUPPORTED, id, "an unused piece, expected one in Unigram models alone", err);
    if (type == BYTE && !r->bytes)
        return refuse_piece(r, FH_CORRUPT, id, "the piece of a byte, but byte_fallback is off", err);
    if (type == BYTE && byte < 0)
        return refuse_piece(r, FH_CORRUPT, id, "the piece of a byte, expected <0x00> to <0xFF>", err);
    if (type == BYTE)
        fh_u32s_set(parts->byte_tokens, (size_t)byte, (uint32_t)id);
    if (r->kind == KIND_UNIGRAM)
        fh_f32s_set(parts->scores, id, fh_f32s_get(r->scores, id));
    else
        fh_u32s_set(parts->ranks, id,
                    r->kind == KIND_BPE && type == NORMAL ? fh_model_rank_of(fh_f32s_get(r->scores, id)) : FH_NO_TOKEN);
    return FH_DONE;
}

static fh_status fill_parts(const reader *r, fh_mut fh_model_parts *parts, fh_err *err) {
    fh_allocator *a = r->allocator;
    bool unigram = r->kind == KIND_UNIGRAM;
    FH_TRY(fh_u64s_new(a, r->count / 64 + 1, &parts->silent));
    FH_TRY(fh_u64s_new(a, r->count / 64 + 1, &parts->symbols));
    FH_TRY(fh_f32s_new(a, unigram ? r->count : 0, &parts->scores));
    FH_TRY(fh_u32s_new(a, unigram ? 0 : r->count, &parts->ranks));
    FH_TRY(fh_u32s_new(a, r->bytes ? 256 : 0, &parts->byte_tokens));
    for (size_t i = 0; i < parts->byte_tokens.count; i++)
        fh_u32s_set(parts->byte_tokens, i, FH_NO_TOKEN);
    for (size_t id = 0; id < r->count; id++)
        FH_TRY(sort_piece(r, id, parts, err));
    for (uint32_t b = 0; b < parts->byte_tokens.count; b++)
        if (fh_u32s_get(parts->byte_tokens, b) == FH_NO_TOKEN)
            return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, FILE_NAME ": byte_fallback is on, but no piece is <0x%02X>", b);
    return parts->unk != FH_NO_TOKEN ? FH_DONE : refuse(FH_CORRUPT, 0, "no unknown piece", err);
}

/* --- the pipeline ------------------------------------------------------------------------------------------------------ */

/* The model, and what is done to text before it. */
static fh_status make_model(const reader *r, fh_views tokens, fh_mut fh_pipeline *p, fh_err *err) {
    fh_model_parts parts = {.tokens = tokens, .unk = FH_NO_TOKEN, .fuse_unk = true};
    const normal *n = &r->normal;
    fh_status s = fill_parts(r, &parts, err);
    if (s.code == FH_OK)
        s = fh_token_model_build(p->allocator, &parts, &p->model, err);
    if (s.code == FH_OK) {
        fh_spm_normal how = {.charsmap = fh_span_sub(r->file, n->map.at, n->map.size), .offset_bytes = n->map.at,
                             .prefix = n->prefix, .suffix = r->suffix, .squeeze = n->squeeze,
                             .escape = n->escape};
        s = fh_normalizer_of_spm(p->allocator, &how, p->model, parts.symbols, &p->normalizer, err);
    }
    p->unknown = parts.unk;
    fh_model_parts_free(p->allocator, &parts);
    return s;
}

static fh_status put_word(fh_json_writer *w, const char *key, const char *word) {
    FH_TRY(fh_json_key(w, key));
    return fh_json_put_text(w, fh_span_of_str(word));
}

/* {"type": "Replace", "pattern": {"String": …}, "content": …} */
static fh_status put_replace(fh_json_writer *w, fh_span pattern, fh_span content) {
    FH_TRY(fh_json_open(w, true));
    FH_TRY(put_word(w, "type", "Replace"));
    FH_TRY(fh_json_key(w, "pattern"));
    FH_TRY(fh_json_open(w, true));
    FH_TRY(fh_json_key(w, "String"));
    FH_TRY(fh_json_put_text(w, pattern));
    FH_TRY(fh_json_close(w, true));
    FH_TRY(fh_json_key(w, "content"));
    FH_TRY(fh_json_put_text(w, content));
    return fh_json_close(w, true);
}

static fh_status put_type(fh_json_writer *w, const char *type) {
    FH_TRY(fh_json_open(w, true));
    FH_TRY(put_word(w, "type", type));
    return fh_json_close(w, true);
}

static fh_status put_strip(fh_json_writer *w) {
    FH_TRY(fh_json_open(w, true));
    FH_TRY(put_word(w, "type", "Strip"));
    FH_TRY(put_word(w, "content", " "));
    FH_TRY(fh_json_key(w, "start"));
    FH_TRY(fh_json_put_u64(w, 1));
    FH_TRY(fh_json_key(w, "stop"));
    FH_TRY(fh_json_put_u64(w, 0));
    return fh_json_close(w, true);
}

/* The decoder as a tokenizer.json has it: U+2581 is a blank, the unknown piece shows its surface, bytes become characters, and
 * the blank that was put before a text goes. */
static fh_status write_decoder(const reader *r, uint32_t unknown, fh_json_writer *w) {
    const normal *n = &r->normal;
    FH_TRY(fh_json_open(w, true));
    FH_TRY(put_word(w, "type", "Sequence"));
    FH_TRY(fh_json_key(w, "decoders"));
    FH_TRY(fh_json_open(w, false));
    FH_TRY(put_replace(w, FH_LIT(MARK), FH_LIT(" ")));
    FH_TRY(put_replace(w, piece_at(r, unknown), text_at(r, r->surface, " \xe2\x81\x87 ")));
    if (r->bytes)
        FH_TRY(put_type(w, "ByteFallback"));
    FH_TRY(put_type(w, "Fuse"));
    if (n->escape && n->prefix && !(r->suffix && n->squeeze)) /* those never begin with a blank */
        FH_TRY(put_strip(w));
    FH_TRY(fh_json_close(w, false));
    return fh_json_close(w, true);
}

static fh_status make_decoder(const reader *r, fh_mut fh_pipeline *p, fh_err *err) {
    fh_buf text;
    fh_json_writer w;
    fh_buf_init(&text, p->allocator, 0);
    fh_json_writer_init(&w, &text, false);
    fh_status s = write_decoder(r, p->unknown, &w);
    if (s.code == FH_OK)
        s = fh_decoder_read(p->allocator, fh_buf_view(&text), 0, &p->decoder, err);
    fh_buf_deinit(&text);
    return s;
}

/* The control piece of a spelling, or FH_NO_TOKEN. */
static uint32_t find_control(const reader *r, const fh_token_model *m, fh_span spelling) {
    uint32_t id = fh_token_model_find(m, spelling);
    return id < r->count && fh_u32s_get(r->types, id) == CONTROL ? id : FH_NO_TOKEN;
}

static fh_status make_parts(const reader *r, fh_mut fh_pipeline *p, fh_err *err) {
    fh_views tokens;
    FH_TRY(fh_views_new(p->allocator, r->count, &tokens));
    for (size_t i = 0; i < r->count; i++)
        fh_views_set(tokens, i, piece_at(r, i));
    fh_status s = make_model(r, tokens, p, err);
    fh_views_free(p->allocator, &tokens);
    FH_TRY(s);
    FH_TRY(make_decoder(r, p, err));
    for (uint32_t id = 0; id < r->count; id++) {
        uint32_t type = fh_u32s_get(r->types, id);
        if (type == CONTROL)
            FH_TRY(fh_added_put(&p->added, id, piece_at(r, id), true, err));
        if (type == USER_DEFINED && r->kind != KIND_UNIGRAM) /* to a tokenizer.json's Unigram they are tokens of a high score */
            FH_TRY(fh_added_list(&p->added, id, piece_at(r, id), !r->normal.prefix, err));
    }
    p->added.unseen = true;
    FH_TRY(fh_added_build(&p->added, err));
    p->id_end = fh_added_id_end(&p->added, p->model);
    p->converted = true;
    p->bos = find_control(r, p->model, text_at(r, r->bos, "<s>"));
    p->eos = find_control(r, p->model, text_at(r, r->eos, "</s>"));
    return FH_DONE;
}

fh_status fh_pipeline_of_spm(fh_allocator *a, fh_span file, fh_pipeline **out, fh_err *err) {
    *out = NULL;
    reader r = {.allocator = a, .file = file, .kind = KIND_UNIGRAM,
                .normal = {.prefix = true, .squeeze = true, .escape = true}};
    fh_pipeline *p = NULL;
    FH_TRY(fh_pipeline_blank(a, &p, err));
    fh_status s = read_file(&r, err);
    if (s.code == FH_OK)
        s = make_parts(&r, p, err);
    fh_u32s_free(a, &r.places);
    fh_u32s_free(a, &r.types);
    fh_f32s_free(a, &r.scores);
    if (fh_failed(s)) {
        fh_pipeline_free(p);
        return fh_fail(err, s.code, FH_NO_OFFSET, FILE_NAME ": %s", fh_code_text(s.code));
    }
    *out = p;
    return s;
}
