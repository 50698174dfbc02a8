/* train_split.c: the built-in splitters (train.h).
 *
 * Threading: a splitter has no state; scratch memory belongs to the sink that it writes to. */
#include "freehold/utf8.h"
#include "text/tokenizer_impl.h"
#include "text/train/train_impl.h"
#include "text/unicode.h"

static fh_status split_none(const void *ctx, fh_span text, fh_train_sink *sink) {
    (void)ctx;
    return fh_train_sink_put(sink, text);
}

fh_train_splitter fh_train_split_none(void) {
    return (fh_train_splitter){NULL, split_none};
}

static fh_status split_spaces(const void *ctx, fh_span text, fh_train_sink *sink) {
    (void)ctx;
    size_t from = 0, at = 0;
    while (at < text.size) {
        fh_rune r = fh_utf8_next(text, at);
        if (fh_unicode_class(r.code) == FH_CHAR_SPACE) {
            FH_TRY(fh_train_sink_put(sink, fh_span_sub(text, from, at - from)));
            from = at + r.size;
        }
        at += r.size;
    }
    return fh_train_sink_put(sink, fh_span_from(text, from));
}

fh_train_splitter fh_train_split_spaces(void) {
    return (fh_train_splitter){NULL, split_spaces};
}

/* A piece as letters. They are below U+0800, so none takes more than two bytes. */
static fh_status put_letters(fh_span piece, fh_train_sink *sink) {
    enum { AT_ONCE = 64 };
    for (size_t from = 0; from < piece.size; from += AT_ONCE) {
        uint8_t letters[2 * AT_ONCE] = {0};
        fh_mspan room = {letters, sizeof letters};
        size_t used = 0;
        for (size_t i = from; i < piece.size && i < from + AT_ONCE; i++) {
            uint32_t code = fh_alphabet_code(fh_span_at(piece, i));
            if (code >= 0x80)
                *fh_mspan_at(room, used++) = (uint8_t)(0xc0 | code >> 6);
            *fh_mspan_at(room, used++) = (uint8_t)(code < 0x80 ? code : 0x80 | (code & 0x3f));
        }
        fh_span some = fh_span_sub(fh_span_of_mut(room), 0, used);
        if (piece.size <= AT_ONCE)
            return fh_train_sink_add(sink, some);
        FH_TRY(fh_buf_put(&sink->scratch, some));
    }
    return fh_train_sink_end(sink);
}

static fh_status split_bytes(const void *ctx, fh_span text, fh_train_sink *sink) {
    (void)ctx;
    for (size_t at = 0, end; at < text.size; at = end) {
        end = fh_pretok_end(FH_PRETOK_GPT2, text, at);
        FH_TRY(put_letters(fh_span_sub(text, at, end - at), sink));
    }
    return FH_DONE;
}

fh_train_splitter fh_train_split_bytes(void) {
    return (fh_train_splitter){NULL, split_bytes};
}

void fh_train_byte_letters(uint32_t out[256]) {
    for (unsigned i = 0; i < 256; i++)
        out[i] = fh_alphabet_code((uint8_t)i);
}

static fh_status split_metaspace(const void *ctx, fh_span text, fh_train_sink *sink) {
    (void)ctx;
    fh_span mark = FH_LIT("\xe2\x96\x81"); /* U+2581 */
    size_t from = text.size != 0 && fh_span_at(text, 0) == ' ' ? 1 : 0;
    if (fh_span_starts(text, mark))
        from = mark.size;
    while (from <= text.size && text.size != 0) {
        size_t space = fh_span_find(text, FH_LIT(" "), from), marked = fh_span_find(text, mark, from);
        size_t end = space < marked ? space : marked;
        size_t skip = end == space ? 1 : mark.size;
        end = end == SIZE_MAX ? text.size : end;
        FH_TRY(fh_buf_put(&sink->scratch, mark));
        FH_TRY(fh_buf_put(&sink->scratch, fh_span_sub(text, from, end - from)));
        FH_TRY(fh_train_sink_end(sink));
        if (end == text.size)
            break;
        from = end + skip;
    }
    return FH_DONE;
}

fh_train_splitter fh_train_split_metaspace(void) {
    return (fh_train_splitter){NULL, split_metaspace};
}
