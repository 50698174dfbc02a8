/* peer_tokenizers.c: a tokenizer behind plain C calls, for test_tokenizers_peer.py and bench_tokenizers_peer.py, which load
 * this as a shared library and need no structs.
 *
 * Threading: one thread a peer. */
#include <stdlib.h>
#include <string.h>

#include "freehold/os.h"
#include "freehold/tokenizer.h"

typedef struct peer {
    fh_tokenizer *tok;
    fh_encoder *encoder;
    fh_encoding encoding;
    fh_ids ids, ends;
    fh_buf text;
    fh_err err;
    fh_decode_stream *stream;
    fh_os_map map; /* of a cache */
    bool literal;
} peer;

#define PEER_API FH_API

PEER_API peer *peer_open(const uint8_t *file, size_t size, const char *encoding);
PEER_API void peer_literal(peer *p, int on);
PEER_API peer *peer_open_cache(const char *path);
PEER_API int peer_save_cache(peer *p, const char *path);
PEER_API int peer_ok(const peer *p);
PEER_API const char *peer_message(const peer *p);
PEER_API void peer_close(peer *p);
PEER_API int peer_encode(peer *p, const uint8_t *text, size_t size, const uint8_t *pair, size_t pair_size, int has_pair,
                         int special, int offsets);
PEER_API size_t peer_count(const peer *p);
PEER_API size_t peer_parts(const peer *p);
PEER_API void peer_part(const peer *p, size_t i, uint64_t out[4]);
PEER_API const uint32_t *peer_column(const peer *p, int column);
PEER_API uint32_t peer_sequence(const peer *p, size_t part, size_t i);
PEER_API int peer_tokens(peer *p);
PEER_API const uint8_t *peer_text(const peer *p, size_t *size);
PEER_API const uint32_t *peer_ends(const peer *p);
PEER_API long peer_ids(peer *p, const uint8_t *text, size_t size, int special);
PEER_API const uint32_t *peer_id_list(const peer *p);
PEER_API int peer_decode(peer *p, const uint32_t *ids, size_t count, int skip_special);
PEER_API int peer_stream_start(peer *p, int skip_special);
PEER_API int peer_stream_step(peer *p, uint32_t id);
PEER_API void peer_truncate(peer *p, int on, size_t max_length, size_t stride, int strategy, int left);
PEER_API int peer_pad(peer *p, int on, int fixed, size_t length, size_t multiple, int left, uint32_t id, uint32_t type,
                      const uint8_t *token, size_t size);
PEER_API int peer_save(peer *p, int pretty);

static fh_span span_of(const uint8_t *at, size_t size) {
    return (fh_span){size != 0 ? at : NULL, size};
}

static peer *blank(void) {
    peer *p = calloc(1, sizeof *p);
    if (p == NULL)
        return NULL;
    fh_encoding_init(&p->encoding, fh_heap());
    fh_ids_init(&p->ids, fh_heap(), 0);
    fh_ids_init(&p->ends, fh_heap(), 0);
    fh_buf_init(&p->text, fh_heap(), 0);
    return p;
}

peer *peer_open_cache(const char *path) {
    peer *p = blank();
    if (p == NULL)
        return NULL;
    fh_bytes bytes = {NULL, {NULL, 0}};
    fh_status s = fh_os_map_open(path, &p->map, &p->err);
    if (s.code == FH_OK)
        s = fh_bytes_wrap(fh_heap(), p->map.bytes, NULL, NULL, &bytes);
    if (s.code == FH_OK)
        s = fh_tokenizer_from_cache(fh_heap(), bytes, &p->tok, &p->err);
    fh_bytes_drop(&bytes);
    if (s.code == FH_OK)
        s = fh_encoder_new(fh_heap(), p->tok, &p->encoder);
    if (s.code != FH_OK && p->err.code == FH_OK)
        p->err.code = s.code;
    return p;
}

static fh_status put_file(void *ctx, fh_span bytes, fh_err *err) {
    return fh_os_writer_put(ctx, bytes, err);
}

int peer_save_cache(peer *p, const char *path) {
    fh_os_writer *writer;
    if (fh_os_writer_open(path, &writer, &p->err).code != FH_OK)
        return 0;
    fh_status s = fh_tokenizer_save_cache(p->tok, (fh_span){NULL, 0}, (fh_sink){writer, put_file}, &p->err);
    if (s.code == FH_OK)
        s = fh_os_writer_commit(&writer, &p->err);
    fh_os_writer_close(writer);
    return s.code == FH_OK;
}

/* `encoding`: of tiktoken ranks. */
peer *peer_open(const uint8_t *file, size_t size, const char *encoding) {
    peer *p = blank();
    if (p == NULL)
        return NULL;
    fh_tokenizer_hint hint = {.encoding = fh_span_of_str(encoding)};
    fh_status s = fh_tokenizer_open(fh_heap(), span_of(file, size), &hint, &p->tok, &p->err);
    if (s.code == FH_OK)
        s = fh_encoder_new(fh_heap(), p->tok, &p->encoder);
    if (s.code != FH_OK && p->err.code == FH_OK)
        p->err.code = s.code;
    return p;
}

/* Special tokens written in a text stay text. */
void peer_literal(peer *p, int on) {
    p->literal = on != 0;
}

int peer_ok(const peer *p) {
    return p->err.code == FH_OK;
}

const char *peer_message(const peer *p) {
    return p->err.message;
}

void peer_close(peer *p) {
    fh_decode_stream_free(p->stream);
    fh_encoder_free(p->encoder);
    fh_tokenizer_free(p->tok);
    fh_encoding_deinit(&p->encoding);
    fh_ids_deinit(&p->ids);
    fh_ids_deinit(&p->ends);
    fh_buf_deinit(&p->text);
    fh_os_map_close(&p->map);
    free(p);
}

int peer_encode(peer *p, const uint8_t *text, size_t size, const uint8_t *pair, size_t pair_size, int has_pair, int special,
                int offsets) {
    fh_encode_input in = {.text = span_of(text, size), .pair = span_of(pair, pair_size), .has_pair = has_pair != 0};
    fh_encode_options o = {.add_special = special != 0, .parse_special = !p->literal, .offsets = (fh_offsets)offsets};
    fh_err_clear(&p->err);
    fh_encoding_clear(&p->encoding);
    return (int)fh_encoder_encode(p->encoder, &in, o, &p->encoding, &p->err).code;
}

size_t peer_count(const peer *p) {
    return fh_encoding_count(&p->encoding);
}

size_t peer_parts(const peer *p) {
    return fh_encoding_part_count(&p->encoding);
}

void peer_part(const peer *p, size_t i, uint64_t out[4]) {
    fh_encoding_part part = fh_encoding_part_at(&p->encoding, i);
    out[0] = part.from;
    out[1] = part.count;
    out[2] = part.row;
    out[3] = part.overflow;
}

const uint32_t *peer_column(const peer *p, int column) {
    return fh_encoding_column(&p->encoding, (fh_column)column).at;
}

uint32_t peer_sequence(const peer *p, size_t part, size_t i) {
    return fh_encoding_sequence(&p->encoding, part, i);
}

int peer_tokens(peer *p) {
    fh_buf_truncate(&p->text, 0);
    p->ends.count = 0;
    for (size_t i = 0; i < fh_encoding_count(&p->encoding); i++) {
        fh_status s = fh_tokenizer_shown(p->tok, &p->encoding, i, &p->text);
        if (s.code == FH_OK)
            s = fh_ids_put(&p->ends, (uint32_t)p->text.size);
        if (s.code != FH_OK)
            return (int)s.code;
    }
    return 0;
}

const uint8_t *peer_text(const peer *p, size_t *size) {
    *size = p->text.size;
    return fh_buf_view(&p->text).at;
}

const uint32_t *peer_ends(const peer *p) {
    return p->ends.items.at;
}

long peer_ids(peer *p, const uint8_t *text, size_t size, int special) {
    fh_encode_options o = {.add_special = special != 0, .parse_special = !p->literal};
    fh_err_clear(&p->err);
    p->ids.count = 0;
    fh_status s = fh_encoder_ids(p->encoder, span_of(text, size), o, &p->ids, &p->err);
    return s.code == FH_OK ? (long)p->ids.count : -(long)s.code;
}

const uint32_t *peer_id_list(const peer *p) {
    return p->ids.items.at;
}

int peer_decode(peer *p, const uint32_t *ids, size_t count, int skip_special) {
    p->ids.count = 0;
    for (size_t i = 0; i < count; i++)
        if (fh_ids_put(&p->ids, ids[i]).code != FH_OK)
            return -1;
    fh_buf_truncate(&p->text, 0);
    return (int)fh_tokenizer_decode(p->tok, fh_ids_view(&p->ids), skip_special != 0, &p->text).code;
}

int peer_stream_start(peer *p, int skip_special) {
    fh_decode_stream_free(p->stream);
    p->stream = NULL;
    return (int)fh_decode_stream_new(fh_heap(), p->tok, skip_special != 0, &p->stream).code;
}

int peer_stream_step(peer *p, uint32_t id) {
    fh_buf_truncate(&p->text, 0);
    return (int)fh_decode_stream_step(p->stream, id, &p->text).code;
}

void peer_truncate(peer *p, int on, size_t max_length, size_t stride, int strategy, int left) {
    fh_encoder_truncate(p->encoder, (fh_truncation){.on = on != 0, .left = left != 0, .strategy = (fh_truncate)strategy,
                                                    .max_length = max_length, .stride = stride});
}

int peer_pad(peer *p, int on, int fixed, size_t length, size_t multiple, int left, uint32_t id, uint32_t type,
             const uint8_t *token, size_t size) {
    return (int)fh_encoder_pad(p->encoder, (fh_padding){.on = on != 0, .left = left != 0, .fixed = fixed != 0, .length = length,
                                                        .multiple_of = multiple, .id = id, .type = type,
                                                        .token = span_of(token, size)})
        .code;
}

int peer_save(peer *p, int pretty) {
    fh_buf_truncate(&p->text, 0);
    return (int)fh_tokenizer_save(p->tok, pretty != 0, &p->text, &p->err).code;
}
