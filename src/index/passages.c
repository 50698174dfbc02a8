/* passages.c: the table of passages and its file (passages.h). All numbers are little-endian.
 *
 *       0  "FreePass"
 *       8  u32 version 1 · u32 kind · u32 pooling · u32 0
 *      24  u64 hash of the model's file · u64 its bytes · u64 bytes of its name
 *      48  u64 files · u64 passages · u64 bytes of all names, the model's first · u64 bytes of all texts
 *      80  u64 where the index begins · zeros
 *     120  u64 checksum of bytes 0 to 119
 *     128  a row for each file: u64 where its name ends · u64 where its passages end, counted over all files
 *          a row for each passage: u64 offset in its file · u64 where its text ends · u64 line
 *          the names, one after the other
 *          the texts
 *          u64 checksum: the header and these four, one after the other, chained through fh_hash_bytes
 *          zeros up to a multiple of 64
 *          the index
 *
 * A table that grows keeps the four sections in buffers, in the form of the file; one that was opened has them in the file.
 * So there is one way to read a row, and saving is copying.
 *
 * Invariants: each column of ends ascends, and its last one is the size of what it divides. Threading: passages.h. */
#include "freehold/passages.h"

#include "freehold/buf.h"
#include "freehold/checked.h"
#include "freehold/hash.h"
#include "index/sealed.h"

enum {
    HEADER_BYTES = 128, KIND_AT = 12, POOLING_AT = 16, FREE_AT = 20, HASH_AT = 24, MODEL_AT = 32, MODEL_NAME_AT = 40,
    FILES_AT = 48, PASSAGES_AT = 56, NAMES_AT = 64, TEXTS_AT = 72, INDEX_AT = 80, ZEROS_AT = 88, ALIGN = 64,
    FILE_ROW = 16, PASSAGE_ROW = 24, END_AT = 8, LINE_AT = 16
};
static const fh_sealed_kind passages_kind = {"FreePass", "index of texts", 1, HEADER_BYTES};

typedef enum section { FILES, PASSAGES, NAMES, TEXTS, SECTIONS } section;

/* Where everything lies in a file. */
typedef struct plan {
    uint64_t at[SECTIONS + 1]; /* where each section begins; the last: where they end */
    uint64_t index;
} plan;

struct fh_passages {
    fh_ref fh_allocator *allocator;
    fh_passages_kind kind;
    uint32_t pooling;
    uint64_t model_hash, model_bytes, model_name; /* model_name: its size */
    uint64_t files, passages;
    fh_owned fh_buf file_rows, passage_rows, names, texts; /* of one that grows */
    fh_owned fh_bytes file;                                /* of one that was opened */
    plan plan;
};

static fh_span section_of(const fh_passages *p, section s) {
    if (p->file.span.size != 0)
        return fh_span_sub(p->file.span, (size_t)p->plan.at[s], (size_t)(p->plan.at[s + 1] - p->plan.at[s]));
    switch (s) {
    case FILES: return fh_buf_view(&p->file_rows);
    case PASSAGES: return fh_buf_view(&p->passage_rows);
    case NAMES: return fh_buf_view(&p->names);
    case TEXTS:
    case SECTIONS: break;
    }
    return fh_buf_view(&p->texts);
}

/* Where the file's name, or its passages, end; for none where the first begin. */
static uint64_t name_end(const fh_passages *p, uint64_t files) {
    return files == 0 ? p->model_name : fh_span_u64(section_of(p, FILES), (size_t)(files - 1) * FILE_ROW);
}
static uint64_t passages_end(const fh_passages *p, uint64_t files) {
    return files == 0 ? 0 : fh_span_u64(section_of(p, FILES), (size_t)(files - 1) * FILE_ROW + END_AT);
}
static uint64_t text_end(const fh_passages *p, uint64_t passages) {
    return passages == 0 ? 0 : fh_span_u64(section_of(p, PASSAGES), (size_t)(passages - 1) * PASSAGE_ROW + END_AT);
}

/* --- life ------------------------------------------------------------------------------------------------------------- */

/* NULL when there is no memory. */
static fh_owned_or_null fh_view(1) fh_passages *make(fh_allocator *a) {
    fh_passages *p = fh_alloc(a, 1, sizeof *p);
    if (p == NULL)
        return NULL;
    p->allocator = a;
    fh_buf_init(&p->file_rows, a, 0);
    fh_buf_init(&p->passage_rows, a, 0);
    fh_buf_init(&p->names, a, 0);
    fh_buf_init(&p->texts, a, 0);
    return p;
}

fh_status fh_passages_new(fh_allocator *a, const fh_passages_origin *origin, fh_passages **out, fh_err *err) {
    *out = NULL;
    if ((unsigned)origin->kind >= FH_PASSAGES_KINDS)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "kind %u of index, expected 0 to %d", (unsigned)origin->kind,
                       FH_PASSAGES_KINDS - 1);
    if (origin->model_name.size > FH_PASSAGES_NAME_MAX)
        return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "a model's name of %zu bytes, expected at most %d", origin->model_name.size,
                       FH_PASSAGES_NAME_MAX);
    fh_passages *p = make(a);
    if (p == NULL)
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "no memory for a table of passages");
    p->kind = origin->kind;
    p->pooling = origin->pooling;
    p->model_hash = origin->model_hash;
    p->model_bytes = origin->model_bytes;
    p->model_name = origin->model_name.size;
    fh_status s = fh_buf_put(&p->names, origin->model_name);
    if (fh_failed(s)) {
        fh_passages_free(p);
        return fh_fail(err, s.code, FH_NO_OFFSET, "no memory for a table of passages");
    }
    *out = p;
    return FH_DONE;
}

void fh_passages_free(fh_passages *p) {
    if (p == NULL)
        return;
    fh_buf_deinit(&p->file_rows);
    fh_buf_deinit(&p->passage_rows);
    fh_buf_deinit(&p->names);
    fh_buf_deinit(&p->texts);
    fh_bytes_drop(&p->file);
    fh_free(p->allocator, p);
}

/* --- adding ----------------------------------------------------------------------------------------------------------- */

static fh_status put_u64(fh_buf *b, uint64_t v) {
    uint64_t word = 0;
    fh_mspan bytes = fh_u64s_bytes((fh_u64s){&word, 1});
    fh_mspan_put_u64(bytes, 0, v);
    return fh_buf_put(b, fh_span_of_mut(bytes));
}

/* Appends a text and a row, for both of which there is room: it cannot fail half-way. */
static fh_status put_row(fh_buf *rows, size_t row_bytes, fh_buf *texts, fh_span text, fh_u64s row, fh_err *err) {
    fh_status s = fh_buf_reserve(rows, row_bytes);
    if (!fh_failed(s))
        s = fh_buf_put(texts, text);
    for (size_t i = 0; i < row.count && !fh_failed(s); i++)
        s = put_u64(rows, fh_u64s_get(row, i));
    return fh_failed(s) ? fh_fail(err, s.code, FH_NO_OFFSET, "no memory for %zu bytes of text", text.size) : FH_DONE;
}

fh_status fh_passages_add_file(fh_passages *p, fh_span name, fh_err *err) {
    if (p->file.span.size != 0)
        return fh_fail(err, FH_UNSUPPORTED, FH_NO_OFFSET, "a table in a file cannot be changed");
    if (name.size == 0)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "a file without a name");
    if (name.size > FH_PASSAGES_NAME_MAX || p->files == FH_PASSAGES_MAX)
        return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "file %llu with a name of %zu bytes, expected at most %u and %d",
                       (unsigned long long)p->files, name.size, FH_PASSAGES_MAX, FH_PASSAGES_NAME_MAX);
    uint64_t row[] = {p->names.size + name.size, p->passages};
    FH_TRY(put_row(&p->file_rows, FILE_ROW, &p->names, name, (fh_u64s){row, 2}, err));
    p->files++;
    return FH_DONE;
}

fh_status fh_passages_add(fh_passages *p, const fh_passage *passage, fh_err *err) {
    if (p->file.span.size != 0)
        return fh_fail(err, FH_UNSUPPORTED, FH_NO_OFFSET, "a table in a file cannot be changed");
    if (p->files == 0 || passage->text.size == 0 || passage->line == 0 || passage->offset_bytes > INT64_MAX)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "a passage of %zu bytes at line %u of %s, expected a text in a file",
                       passage->text.size, passage->line, p->files == 0 ? "nothing" : "a file");
    if (p->passages == FH_PASSAGES_MAX)
        return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "more than %u passages", FH_PASSAGES_MAX);
    uint64_t row[] = {passage->offset_bytes, p->texts.size + passage->text.size, passage->line};
    FH_TRY(put_row(&p->passage_rows, PASSAGE_ROW, &p->texts, passage->text, (fh_u64s){row, 3}, err));
    p->passages++;
    fh_buf_truncate(&p->file_rows, p->file_rows.size - (FILE_ROW - END_AT));
    fh_status s = put_u64(&p->file_rows, p->passages);
    FH_ASSERT(!fh_failed(s)); /* the room was there before */
    return FH_DONE;
}

/* --- reading ---------------------------------------------------------------------------------------------------------- */

size_t fh_passages_count(const fh_passages *p) {
    return (size_t)p->passages;
}

size_t fh_passages_files(const fh_passages *p) {
    return (size_t)p->files;
}

fh_passages_origin fh_passages_origin_of(const fh_passages *p) {
    return (fh_passages_origin){.kind = p->kind, .pooling = p->pooling, .model_hash = p->model_hash,
                                .model_bytes = p->model_bytes,
                                .model_name = fh_span_sub(section_of(p, NAMES), 0, (size_t)p->model_name)};
}

fh_status fh_passages_get(const fh_passages *p, uint64_t i, fh_passage *out) {
    *out = (fh_passage){.line = 0};
    if (i >= p->passages)
        return FH_STATUS(FH_NOT_FOUND);
    uint64_t low = 0, high = p->files - 1; /* the first file whose passages end behind i is between them */
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (passages_end(p, middle + 1) > i)
            high = middle;
        else
            low = middle + 1;
    }
    uint64_t name = name_end(p, low), text = text_end(p, i);
    fh_span rows = section_of(p, PASSAGES);
    out->file = fh_span_sub(section_of(p, NAMES), (size_t)name, (size_t)(name_end(p, low + 1) - name));
    out->offset_bytes = fh_span_u64(rows, (size_t)i * PASSAGE_ROW);
    out->line = (uint32_t)fh_span_u64(rows, (size_t)i * PASSAGE_ROW + LINE_AT);
    out->text = fh_span_sub(section_of(p, TEXTS), (size_t)text, (size_t)(text_end(p, i + 1) - text));
    return FH_DONE;
}

/* --- the file --------------------------------------------------------------------------------------------------------- */

/* False if the numbers overflow. */
static bool make_plan(uint64_t files, uint64_t passages, uint64_t names, uint64_t texts, fh_out plan *out) {
    uint64_t sizes[SECTIONS] = {0, 0, names, texts};
    *out = (plan){.at = {HEADER_BYTES}};
    bool fits = fh_mul_u64(files, FILE_ROW, &sizes[FILES]) && fh_mul_u64(passages, PASSAGE_ROW, &sizes[PASSAGES]);
    for (size_t s = 0; s < SECTIONS; s++)
        fits = fits && fh_add_u64(out->at[s], sizes[s], &out->at[s + 1]);
    return fits && fh_add_u64(out->at[SECTIONS], FH_SEALED_SUM_BYTES, &out->index) &&
           fh_align_up_u64(out->index, ALIGN, &out->index);
}

fh_status fh_passages_save(const fh_passages *p, fh_sink sink, fh_err *err) {
    uint64_t words[HEADER_BYTES / sizeof(uint64_t)] = {0};
    fh_mspan header = fh_u64s_bytes((fh_u64s){words, HEADER_BYTES / sizeof(uint64_t)});
    fh_sealed o = {sink, 0};
    plan where = {0};
    /* All of it is in memory. */
    FH_ASSERT(make_plan(p->files, p->passages, section_of(p, NAMES).size, section_of(p, TEXTS).size, &where));
    fh_mspan_put_u32(header, KIND_AT, (uint32_t)p->kind);
    fh_mspan_put_u32(header, POOLING_AT, p->pooling);
    fh_mspan_put_u64(header, HASH_AT, p->model_hash);
    fh_mspan_put_u64(header, MODEL_AT, p->model_bytes);
    fh_mspan_put_u64(header, MODEL_NAME_AT, p->model_name);
    fh_mspan_put_u64(header, FILES_AT, p->files);
    fh_mspan_put_u64(header, PASSAGES_AT, p->passages);
    fh_mspan_put_u64(header, NAMES_AT, section_of(p, NAMES).size);
    fh_mspan_put_u64(header, TEXTS_AT, section_of(p, TEXTS).size);
    fh_mspan_put_u64(header, INDEX_AT, where.index);
    FH_TRY(fh_sealed_header(&o, &passages_kind, header, err));
    for (size_t s = 0; s < SECTIONS; s++)
        FH_TRY(fh_sealed_put(&o, section_of(p, (section)s), err));
    FH_TRY(fh_sealed_end(&o, err));
    uint64_t zeros[ALIGN / sizeof(uint64_t)] = {0};
    fh_span padding = fh_span_of_mut(fh_u64s_bytes((fh_u64s){zeros, ALIGN / sizeof(uint64_t)}));
    size_t used = (size_t)(where.at[SECTIONS] + FH_SEALED_SUM_BYTES);
    return sink.put(sink.ctx, fh_span_sub(padding, 0, (size_t)where.index - used), err);
}

/* Where zeros are expected. */
static fh_status check_zeros(fh_span file, uint64_t from, uint64_t to, fh_err *err) {
    for (uint64_t at = from; at < to; at++)
        if (fh_span_at(file, (size_t)at) != 0)
            return fh_fail(err, FH_CORRUPT, at, "a byte that is kept free is not 0");
    return FH_DONE;
}

/* The numbers of the header, and where everything lies. */
static fh_status read_header(fh_passages *p, fh_span file, fh_err *err) {
    FH_TRY(fh_sealed_check_header(&passages_kind, file, err));
    uint32_t kind = fh_span_u32(file, KIND_AT);
    if (kind >= FH_PASSAGES_KINDS)
        return fh_fail(err, FH_CORRUPT, KIND_AT, "kind %u of index, expected 0 to %d", kind, FH_PASSAGES_KINDS - 1);
    FH_TRY(check_zeros(file, FREE_AT, HASH_AT, err));
    FH_TRY(check_zeros(file, ZEROS_AT, HEADER_BYTES - FH_SEALED_SUM_BYTES, err));
    p->kind = (fh_passages_kind)kind;
    p->pooling = fh_span_u32(file, POOLING_AT);
    p->model_hash = fh_span_u64(file, HASH_AT);
    p->model_bytes = fh_span_u64(file, MODEL_AT);
    p->model_name = fh_span_u64(file, MODEL_NAME_AT);
    p->files = fh_span_u64(file, FILES_AT);
    p->passages = fh_span_u64(file, PASSAGES_AT);
    uint64_t names = fh_span_u64(file, NAMES_AT), texts = fh_span_u64(file, TEXTS_AT);
    if (p->files > FH_PASSAGES_MAX || p->passages > FH_PASSAGES_MAX)
        return fh_fail(err, FH_CORRUPT, FILES_AT, "%llu files and %llu passages, expected at most %u of each",
                       (unsigned long long)p->files, (unsigned long long)p->passages, FH_PASSAGES_MAX);
    if (p->model_name > FH_PASSAGES_NAME_MAX || p->model_name > names)
        return fh_fail(err, FH_CORRUPT, MODEL_NAME_AT, "a model's name of %llu bytes in %llu, expected at most %d",
                       (unsigned long long)p->model_name, (unsigned long long)names, FH_PASSAGES_NAME_MAX);
    if (!make_plan(p->files, p->passages, names, texts, &p->plan) || p->plan.index > file.size)
        return fh_fail(err, FH_CORRUPT, FILES_AT, "tables of %llu bytes in a file of %zu", (unsigned long long)p->plan.index,
                       file.size);
    if (fh_span_u64(file, INDEX_AT) != p->plan.index)
        return fh_fail(err, FH_CORRUPT, INDEX_AT, "the index begins at %llu, expected %llu",
                       (unsigned long long)fh_span_u64(file, INDEX_AT), (unsigned long long)p->plan.index);
    return check_zeros(file, p->plan.at[SECTIONS] + FH_SEALED_SUM_BYTES, p->plan.index, err);
}

static fh_status check_sum(const fh_passages *p, fh_err *err) {
    fh_span file = p->file.span;
    uint64_t sum = fh_hash_bytes(0, fh_span_sub(file, 0, HEADER_BYTES));
    for (size_t s = 0; s < SECTIONS; s++)
        sum = fh_hash_bytes(sum, section_of(p, (section)s));
    return fh_sealed_check_end(&passages_kind, file, p->plan.at[SECTIONS], sum, err);
}

/* An end that does not ascend by 1 to `most`, or goes beyond what it divides. */
static fh_status check_end(const char *what, uint64_t at, uint64_t before, uint64_t end, uint64_t most, fh_err *err) {
    if (end > before && end <= most)
        return FH_DONE;
    return fh_fail(err, FH_CORRUPT, at, "%s ends at %llu, expected %llu to %llu", what, (unsigned long long)end,
                   (unsigned long long)before + 1, (unsigned long long)most);
}

static fh_status check_files(const fh_passages *p, fh_err *err) {
    uint64_t at = p->plan.at[FILES], names = section_of(p, NAMES).size;
    for (uint64_t i = 0; i < p->files; i++, at += FILE_ROW) {
        uint64_t before = name_end(p, i), most = names - before < FH_PASSAGES_NAME_MAX ? names : before + FH_PASSAGES_NAME_MAX;
        FH_TRY(check_end("a file's name", at, before, name_end(p, i + 1), most, err));
        if (passages_end(p, i + 1) < passages_end(p, i) || passages_end(p, i + 1) > p->passages)
            return fh_fail(err, FH_CORRUPT, at + END_AT, "a file's passages end at %llu, expected %llu to %llu",
                           (unsigned long long)passages_end(p, i + 1), (unsigned long long)passages_end(p, i),
                           (unsigned long long)p->passages);
    }
    if (name_end(p, p->files) != names || passages_end(p, p->files) != p->passages)
        return fh_fail(err, FH_CORRUPT, p->plan.at[PASSAGES], "names of %llu bytes and %llu passages, expected %llu and %llu",
                       (unsigned long long)name_end(p, p->files), (unsigned long long)passages_end(p, p->files),
                       (unsigned long long)names, (unsigned long long)p->passages);
    return FH_DONE;
}

static fh_status check_passages(const fh_passages *p, fh_err *err) {
    uint64_t at = p->plan.at[PASSAGES];
    fh_span rows = section_of(p, PASSAGES), texts = section_of(p, TEXTS);
    for (uint64_t i = 0; i < p->passages; i++, at += PASSAGE_ROW) {
        uint64_t offset = fh_span_u64(rows, (size_t)i * PASSAGE_ROW);
        uint64_t line = fh_span_u64(rows, (size_t)i * PASSAGE_ROW + LINE_AT);
        FH_TRY(check_end("a passage's text", at + END_AT, text_end(p, i), text_end(p, i + 1), texts.size, err));
        if (offset > INT64_MAX || line == 0 || line > UINT32_MAX)
            return fh_fail(err, FH_CORRUPT, at, "a passage at byte %llu, line %llu: there is no such place",
                           (unsigned long long)offset, (unsigned long long)line);
    }
    return text_end(p, p->passages) == texts.size
               ? FH_DONE
               : fh_fail(err, FH_CORRUPT, p->plan.at[NAMES], "texts of %llu bytes, expected %zu",
                         (unsigned long long)text_end(p, p->passages), texts.size);
}

static fh_status read_all(fh_mut fh_passages *p, fh_bytes file, fh_err *err) {
    FH_TRY(read_header(p, file.span, err));
    p->file = fh_bytes_share(file);
    FH_TRY(check_sum(p, err));
    FH_TRY(check_files(p, err));
    return check_passages(p, err);
}

fh_status fh_passages_open(fh_allocator *a, fh_bytes file, fh_passages **out, fh_err *err) {
    *out = NULL;
    fh_passages *p = make(a);
    if (p == NULL)
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "no memory for a table of passages");
    fh_status s = read_all(p, file, err);
    if (fh_failed(s)) {
        fh_passages_free(p);
        return s;
    }
    *out = p;
    return FH_DONE;
}

fh_status fh_passages_index(const fh_passages *p, fh_bytes *out) {
    *out = (fh_bytes){.owner = NULL};
    if (p->file.span.size == 0)
        return FH_STATUS(FH_INVALID);
    return fh_bytes_slice(p->file, (size_t)p->plan.index, p->file.span.size - (size_t)p->plan.index, out);
}
