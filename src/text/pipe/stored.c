/* stored.c: the cache file of a tokenizer: written front to back, mapped and used where it lies.
 *
 *       0  "FreeTokn" · u64 byte order · u64 version · u64 bytes of the whole file
 *      32  u64 size and u64 hash of the file that the tokenizer was made from; zeros: not said
 *      48  the numbers of the tables (fh_model_tables)
 *     112  u64 size of each section
 *     256  the sections, each followed by zeros up to a multiple of 64
 *          u64 checksum of all that is before it
 *
 * Numbers are in the byte order of the machine that wrote it: another one refuses the file by its second number. Where a
 * section lies follows from the sizes, so sections neither overlap nor leave the file; their sum has to be the size that there
 * is.
 *
 * The checksum is four chains side by side, each step of which can be undone, so that any change of one word changes it; it
 * costs a fraction of the time that reading the file from memory does. What the tables say is looked at by
 * token_model_tables.c. Threading: pure functions, but for what the sink does. */
#include "text/pipe/stored.h"

#include "freehold/checked.h"
#include "freehold/hash.h"

enum { OPTIONS, ADDED, ADDED_TEXTS, TEXT, PLACES, SLOTS, MERGES, RULES, NODES, SCORES, SEAMS, KNOWN, SECTIONS };
enum {
    ORDER_AT = 1, VERSION_AT, SIZE_AT, SOURCE_SIZE_AT, SOURCE_HASH_AT, NUMBERS_AT, SIZES_AT = NUMBERS_AT + FH_MODEL_NUMBERS,
    HEADER_WORDS = 32, HEADER_BYTES = 8 * HEADER_WORDS, ALIGN = 64, SUM_BYTES = 8, VERSION = 1, LANES = 4
};
_Static_assert(SIZES_AT + SECTIONS <= HEADER_WORDS && HEADER_BYTES % ALIGN == 0, "the header has room");
#define ORDER UINT64_C(0x0102030405060708)

/* --- checksum --------------------------------------------------------------------------------------------------------- */

typedef struct sum {
    uint64_t lane[LANES];
} sum;

static inline uint64_t step(uint64_t h, uint64_t word) {
    h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 32;
}

/* Takes in a multiple of ALIGN bytes; false if they do not lie at a multiple of 8. */
FH_MUST_USE static bool sum_add(sum *s, fh_span bytes) {
    fh_u64s words;
    FH_ASSERT(bytes.size % ALIGN == 0);
    if (!fh_u64s_lent(bytes, &words))
        return false;
    uint64_t a = s->lane[0], b = s->lane[1], c = s->lane[2], d = s->lane[3];
    for (size_t i = 0; i < words.count; i += LANES) {
        fh_u64s four = fh_u64s_sub(words, i, LANES);
        a = step(a, fh_u64s_get(four, 0));
        b = step(b, fh_u64s_get(four, 1));
        c = step(c, fh_u64s_get(four, 2));
        d = step(d, fh_u64s_get(four, 3));
    }
    *s = (sum){{a, b, c, d}};
    fh_u64s_return(&words);
    return true;
}

static uint64_t sum_end(const sum *s) {
    return fh_mix64(s->lane[0] ^ fh_mix64(s->lane[1] ^ fh_mix64(s->lane[2] ^ fh_mix64(s->lane[3]))));
}

/* --- saving ----------------------------------------------------------------------------------------------------------- */

typedef struct output {
    fh_sink sink;
    sum sum;
} output;

static fh_status put(output *o, fh_span bytes, fh_err *err) {
    FH_ASSERT(sum_add(&o->sum, bytes)); /* what an allocator gave lies so */
    return o->sink.put(o->sink.ctx, bytes, err);
}

/* A section, and zeros behind it. */
static fh_status put_section(output *o, fh_span section, fh_err *err) {
    size_t whole = section.size / ALIGN * ALIGN;
    uint64_t words[ALIGN / 8] = {0};
    fh_mspan rest = fh_u64s_bytes((fh_u64s){words, ALIGN / 8});
    if (whole != 0)
        FH_TRY(put(o, fh_span_sub(section, 0, whole), err));
    if (whole == section.size)
        return FH_DONE;
    fh_span_copy(rest, fh_span_from(section, whole));
    return put(o, fh_span_of_mut(rest), err);
}

static fh_span section_of(const fh_stored *st, size_t i) {
    const fh_model_tables *t = &st->tables;
    const fh_span sections[SECTIONS] = {st->options, st->added, st->added_texts, t->text,   t->places, t->slots,
                                        t->merges,   t->rules,  t->nodes,        t->scores, t->seams,  t->known};
    return i < SECTIONS ? sections[i] : (fh_span){NULL, 0};
}

/* The numbers of a header; false if the sizes do not fit 64 bits. */
static bool fill_header(const fh_stored *st, fh_span source, fh_u64s header) {
    uint64_t end = HEADER_BYTES, size;
    fh_span_copy(fh_u64s_bytes(header), fh_span_of_str(FH_TOKENIZER_CACHE_LETTERS));
    fh_u64s_set(header, ORDER_AT, ORDER);
    fh_u64s_set(header, VERSION_AT, VERSION);
    fh_u64s_set(header, SOURCE_SIZE_AT, source.size);
    fh_u64s_set(header, SOURCE_HASH_AT, source.size != 0 ? fh_hash_bytes(0, source) : 0);
    for (size_t i = 0; i < FH_MODEL_NUMBERS; i++)
        fh_u64s_set(header, NUMBERS_AT + i, st->tables.numbers[i]);
    for (size_t i = 0; i < SECTIONS; i++) {
        fh_u64s_set(header, SIZES_AT + i, section_of(st, i).size);
        if (!fh_align_up_u64(section_of(st, i).size, ALIGN, &size) || !fh_add_u64(end, size, &end))
            return false;
    }
    fh_u64s_set(header, SIZE_AT, end + SUM_BYTES);
    return end < UINT64_MAX - SUM_BYTES;
}

static fh_status put_all(const fh_stored *st, fh_span source, fh_sink sink, fh_err *err) {
    uint64_t words[HEADER_WORDS] = {0}, last = 0;
    fh_u64s header = {words, HEADER_WORDS};
    output o = {sink, {{0}}};
    FH_ASSERT(fill_header(st, source, header)); /* all of it is in memory */
    FH_TRY(put(&o, fh_span_of_mut(fh_u64s_bytes(header)), err));
    for (size_t i = 0; i < SECTIONS; i++)
        FH_TRY(put_section(&o, section_of(st, i), err));
    last = sum_end(&o.sum);
    return sink.put(sink.ctx, fh_span_of_mut(fh_u64s_bytes((fh_u64s){&last, 1})), err);
}

fh_status fh_stored_save(const fh_pipeline *p, fh_span source, fh_sink sink, fh_err *err) {
    fh_stored st = {.options = {NULL, 0}};
    fh_json_writer w;
    fh_buf options, texts;
    fh_ids added;
    fh_buf_init(&options, p->allocator, 0);
    fh_buf_init(&texts, p->allocator, 0);
    fh_ids_init(&added, p->allocator, 0);
    fh_json_writer_init(&w, &options, false);
    fh_status s = fh_pipeline_write_options(p, &w);
    if (s.code == FH_OK)
        s = fh_added_store(&p->added, &added, &texts);
    if (s.code == FH_OK && !fh_token_model_tables(p->model, &st.tables))
        s = FH_STATUS(FH_UNSUPPORTED);
    if (s.code == FH_OK) {
        st.options = fh_buf_view(&options);
        st.added = fh_span_of_mut(fh_u32s_bytes(fh_ids_view(&added)));
        st.added_texts = fh_buf_view(&texts);
        s = put_all(&st, source, sink, err);
    }
    fh_buf_deinit(&options);
    fh_buf_deinit(&texts);
    fh_ids_deinit(&added);
    if (fh_failed(s))
        return fh_fail(err, s.code, FH_NO_OFFSET, "%s, in writing the cache of a tokenizer", fh_code_text(s.code));
    return s;
}

/* --- opening ---------------------------------------------------------------------------------------------------------- */

/* Number i of the header of a file that has one. */
static uint64_t number_at(fh_span file, size_t i) {
    uint64_t v = 0;
    fh_span_copy(fh_u64s_bytes((fh_u64s){&v, 1}), fh_span_sub(file, 8 * i, 8));
    return v;
}

static fh_status check_header(fh_span file, fh_err *err) {
    if (!fh_span_starts(file, fh_span_of_str(FH_TOKENIZER_CACHE_LETTERS)))
        return fh_fail(err, FH_CORRUPT, 0, "no tokenizer cache: it begins with other bytes than " FH_TOKENIZER_CACHE_LETTERS);
    if (file.size < HEADER_BYTES + SUM_BYTES)
        return fh_fail(err, FH_CORRUPT, file.size, "tokenizer cache of %zu bytes, expected at least %d", file.size,
                       HEADER_BYTES + SUM_BYTES);
    uint64_t version = number_at(file, VERSION_AT), size = number_at(file, SIZE_AT);
    if (number_at(file, ORDER_AT) != ORDER)
        return fh_fail(err, FH_UNSUPPORTED, 8 * ORDER_AT, "tokenizer cache of a machine with another byte order");
    if (version != VERSION)
        return fh_fail(err, FH_UNSUPPORTED, 8 * VERSION_AT, "version %llu of the tokenizer cache, expected %d; write it anew",
                       (unsigned long long)version, VERSION);
    if (size != file.size)
        return fh_fail(err, FH_CORRUPT, 8 * SIZE_AT, "tokenizer cache of %zu bytes, but it says %llu", file.size,
                       (unsigned long long)size);
    return FH_DONE;
}

/* The sections, by their sizes. */
static fh_status find_sections(fh_span file, fh_out fh_view(1) fh_stored *out, fh_err *err) {
    fh_span section[SECTIONS] = {{NULL, 0}};
    uint64_t at = HEADER_BYTES, size;
    for (size_t i = 0; i < SECTIONS; i++) {
        uint64_t bytes = number_at(file, SIZES_AT + i);
        if (!fh_align_up_u64(bytes, ALIGN, &size) || size > file.size - at)
            return fh_fail(err, FH_CORRUPT, 8 * (SIZES_AT + i), "tokenizer cache: section %zu has %llu bytes, %llu are left", i,
                           (unsigned long long)bytes, (unsigned long long)(file.size - at));
        section[i] = fh_span_sub(file, (size_t)at, (size_t)bytes);
        at += size;
    }
    if (file.size - at != SUM_BYTES)
        return fh_fail(err, FH_CORRUPT, at, "tokenizer cache: %llu bytes behind the sections, expected %d",
                       (unsigned long long)(file.size - at), SUM_BYTES);
    *out = (fh_stored){section[OPTIONS], section[ADDED], section[ADDED_TEXTS],
                       {{0}, 0, section[TEXT], section[PLACES], section[SLOTS], section[MERGES], section[RULES],
                        section[NODES], section[SCORES], section[SEAMS], section[KNOWN]}};
    for (size_t i = 0; i < FH_MODEL_NUMBERS; i++)
        out->tables.numbers[i] = number_at(file, NUMBERS_AT + i);
    return FH_DONE;
}

fh_status fh_stored_open(fh_span file, fh_stored *out, fh_err *err) {
    fh_stored st;
    sum s = {{0}};
    *out = (fh_stored){.options = {NULL, 0}};
    FH_TRY(check_header(file, err));
    FH_TRY(find_sections(file, &st, err));
    if (!sum_add(&s, fh_span_sub(file, 0, file.size - SUM_BYTES)))
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "the bytes of a tokenizer cache do not lie at a multiple of 8");
    uint64_t stated = number_at(file, file.size / 8 - 1);
    if (sum_end(&s) != stated)
        return fh_fail(err, FH_CORRUPT, file.size - SUM_BYTES, "checksum %016llx of the tokenizer cache, expected %016llx",
                       (unsigned long long)stated, (unsigned long long)sum_end(&s));
    st.tables.identity = stated | 1;
    *out = st;
    return FH_DONE;
}

fh_status fh_stored_is_of(fh_span file, fh_span source, fh_err *err) {
    FH_TRY(check_header(file, err));
    if (number_at(file, SOURCE_SIZE_AT) == source.size && number_at(file, SOURCE_HASH_AT) == fh_hash_bytes(0, source))
        return FH_DONE;
    return fh_fail(err, FH_STALE, 8 * SOURCE_SIZE_AT, "the tokenizer cache was made from another file");
}
