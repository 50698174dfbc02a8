/* cutter.c: from a text to passages with their tokens (cutter.h).
 *
 * Invariant: the cutter has the tokens of the sentence: `head` and `tail` of them around it, and its own, of which those from
 * `at` on are in no window yet, but for the quarter that comes again. Threading: one thread. */
#include "apps/cutter.h"

struct fh_passage_cutter {
    fh_ref fh_allocator *allocator;
    fh_owned fh_encoder *encoder;
    size_t tokens_max;
    fh_owned fh_encoding encoding; /* of a sentence */
    fh_owned fh_ids tokens;        /* of a passage */
    size_t head, tail; /* of the encoding: how many tokens the model wants at the beginning and the end of a text */
};

fh_status fh_passage_cutter_new(fh_allocator *a, fh_tokenizer *tok, size_t tokens_max, fh_passage_cutter **out, fh_err *err) {
    *out = NULL;
    size_t around = fh_tokenizer_added(tok, false);
    if (tokens_max < FH_CUT_TOKENS_MIN || around >= tokens_max / 2)
        return fh_fail(err, FH_LIMIT, FH_NO_OFFSET,
                       "passages of %zu tokens, %zu of them around each text, expected at least %zu", tokens_max, around,
                       around < FH_CUT_TOKENS_MIN / 2 ? FH_CUT_TOKENS_MIN : 2 * around + 2);
    fh_passage_cutter *c = fh_alloc(a, 1, sizeof *c);
    if (c == NULL)
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "no memory for a cutter");
    *c = (fh_passage_cutter){.allocator = a, .tokens_max = tokens_max};
    fh_encoding_init(&c->encoding, a);
    fh_ids_init(&c->tokens, a, 0);
    fh_status s = fh_encoder_new(a, tok, &c->encoder);
    if (!fh_failed(s))
        s = fh_encoder_pad(c->encoder, (fh_padding){.on = false});
    if (fh_failed(s)) {
        fh_passage_cutter_free(c);
        return fh_fail(err, s.code, FH_NO_OFFSET, "no memory for a cutter");
    }
    fh_encoder_truncate(c->encoder, (fh_truncation){.on = false});
    *out = c;
    return FH_DONE;
}

void fh_passage_cutter_free(fh_passage_cutter *c) {
    if (c == NULL)
        return;
    fh_encoder_free(c->encoder);
    fh_encoding_deinit(&c->encoding);
    fh_ids_deinit(&c->tokens);
    fh_free(c->allocator, c);
}

fh_cuts fh_cuts_begin(fh_passage_cutter *c, fh_span text) {
    return (fh_cuts){.cutter = c, .text = text, .sentences = fh_sentences_begin(text), .line = 1};
}

/* --- a sentence --------------------------------------------------------------------------------------------------------- */

/* True for a text that says something: what is not ASCII is taken for letters. */
static bool says(fh_span text) {
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = fh_span_at(text, i), letter = c | 0x20;
        if (c >= 0x80 || (c >= '0' && c <= '9') || (letter >= 'a' && letter <= 'z'))
            return true;
    }
    return false;
}

/* Tokens of the sentence itself, between those around it. */
static size_t own_tokens(const fh_passage_cutter *c) {
    return fh_encoding_count(&c->encoding) - c->head - c->tail;
}

/* Takes the tokens of a sentence in. */
static fh_status encode(fh_mut fh_passage_cutter *c, fh_span text, fh_err *err) {
    fh_encode_options options = {.add_special = true, .offsets = FH_OFFSETS_BYTES};
    fh_encoding_clear(&c->encoding);
    FH_TRY(fh_encoder_encode(c->encoder, &(fh_encode_input){.text = text}, options, &c->encoding, err));
    fh_u32s special = fh_encoding_column(&c->encoding, FH_COLUMN_SPECIAL);
    size_t head = 0, tail = 0;
    while (head < special.count && fh_u32s_get(special, head) != 0)
        head++;
    while (tail < special.count - head && fh_u32s_get(special, special.count - 1 - tail) != 0)
        tail++;
    c->head = head;
    c->tail = tail;
    return FH_DONE;
}

/* Goes to the next sentence with tokens; FH_END. */
static fh_status next_sentence(fh_mut fh_cuts *cuts, fh_err *err) {
    while (fh_sentences_next(&cuts->sentences, &cuts->sentence)) {
        fh_span text = fh_span_sub(cuts->text, cuts->sentence.from, cuts->sentence.to - cuts->sentence.from);
        fh_err why;
        fh_err_clear(&why);
        if (!says(text))
            continue;
        fh_status s = encode(cuts->cutter, text, &why);
        if (fh_failed(s))
            return fh_fail(err, s.code, cuts->sentence.from, "a sentence of %zu bytes: %s", text.size, why.message);
        if (own_tokens(cuts->cutter) != 0)
            return FH_DONE;
    }
    return FH_STATUS(FH_END);
}

/* --- a window ----------------------------------------------------------------------------------------------------------- */

/* The bytes of the text that own tokens [from, to) stand for, without white space around them. A passage that is all of a
 * sentence is so to the last byte. */
static fh_range bytes_of(const fh_cuts *cuts, size_t from, size_t to) {
    const fh_passage_cutter *c = cuts->cutter;
    size_t begin = fh_u32s_get(fh_encoding_column(&c->encoding, FH_COLUMN_BEGIN), c->head + from);
    size_t end = fh_u32s_get(fh_encoding_column(&c->encoding, FH_COLUMN_END), c->head + to - 1);
    begin = from == 0 ? 0 : begin;
    end = to == own_tokens(c) ? cuts->sentence.to - cuts->sentence.from : end;
    fh_range out = {cuts->sentence.from + begin, cuts->sentence.from + begin};
    if (end <= begin)
        return out;
    fh_split split = fh_split_begin(fh_span_sub(cuts->text, cuts->sentence.from + begin, end - begin));
    fh_range word;
    for (bool first = true; fh_split_next(&split, &word); first = false) {
        out.from = first ? cuts->sentence.from + begin + word.from : out.from;
        out.to = cuts->sentence.from + begin + word.to;
    }
    return out;
}

/* The last own token of (after, at] that begins a word; `at` if there is none, or that is behind the last token. */
static size_t word_before(const fh_cuts *cuts, size_t after, size_t at) {
    const fh_passage_cutter *c = cuts->cutter;
    fh_u32s begins = fh_encoding_column(&c->encoding, FH_COLUMN_BEGIN);
    for (size_t i = at; i > after && at < own_tokens(c); i--) {
        size_t begin = cuts->sentence.from + fh_u32s_get(begins, c->head + i);
        if (begin == 0 || begin >= cuts->text.size || fh_span_at(cuts->text, begin - 1) <= ' ' ||
            fh_span_at(cuts->text, begin) <= ' ')
            return i;
    }
    return at;
}

static fh_status put_tokens(fh_mut fh_passage_cutter *c, size_t from, size_t to) {
    fh_u32s ids = fh_encoding_column(&c->encoding, FH_COLUMN_ID);
    c->tokens.count = 0;
    FH_TRY(fh_ids_put_all(&c->tokens, fh_u32s_sub(ids, 0, c->head)));
    FH_TRY(fh_ids_put_all(&c->tokens, fh_u32s_sub(ids, c->head + from, to - from)));
    return fh_ids_put_all(&c->tokens, fh_u32s_sub(ids, ids.count - c->tail, c->tail));
}

fh_status fh_cuts_next(fh_cuts *cuts, fh_cut *out, fh_err *err) {
    *out = (fh_cut){.line = 0};
    for (;;) {
        if (cuts->at == 0)
            FH_TRY(next_sentence(cuts, err));
        const fh_passage_cutter *c = cuts->cutter;
        size_t own = own_tokens(c), most = c->tokens_max - c->head - c->tail;
        size_t from = cuts->at, to = own - from <= most ? own : word_before(cuts, from + most - most / 4, from + most);
        cuts->at = to == own ? 0 : word_before(cuts, to - most / 2, to - most / 4);
        fh_range bytes = bytes_of(cuts, from, to);
        if (bytes.from == bytes.to)
            continue;
        if (fh_failed(put_tokens(cuts->cutter, from, to)))
            return fh_fail(err, FH_NOMEM, bytes.from, "no memory for %zu tokens", to - from);
        for (; cuts->counted < bytes.from; cuts->counted++)
            cuts->line += fh_span_at(cuts->text, cuts->counted) == '\n';
        *out = (fh_cut){.bytes = bytes, .line = cuts->line, .tokens = fh_ids_view(&cuts->cutter->tokens)};
        return FH_DONE;
    }
}
