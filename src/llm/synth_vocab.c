/* synth_vocab.c: the vocabulary of a synthetic model: byte-level BPE that can encode any text.
 *
 * Ids 0 to 255 are the bytes in GPT-2's spelling (a printable byte stands for itself, the others for U+0100 and on, in order).
 * Then come words, each the merge of two tokens before it: " a", "ab", " ab", "abc", "abcd", every combination of letters in
 * turn, as many as asked for. The last three ids are control tokens.
 *
 * Threading: pure. */
#include "llm/synth_vocab.h"

#include "freehold/buf.h"
#include "freehold/utf8.h"

enum { BYTES = 256, LETTERS = 26, PAIRS = LETTERS * LETTERS, TRIPLES = LETTERS * PAIRS, QUADS = PAIRS * PAIRS };

static const char *const controls[FH_SYNTH_CONTROLS] = {"<|endoftext|>", "<|im_start|>", "<|im_end|>"};

/* The code point that stands for a byte (GPT-2's table: bytes_to_unicode in openai/gpt-2, src/encoder.py). */
static uint32_t code_of_byte(uint32_t byte) {
    uint32_t code = 256;
    for (uint32_t b = 0; b <= byte; b++) {
        bool plain = (b >= '!' && b <= '~') || (b >= 0xa1 && b <= 0xac) || (b >= 0xae);
        if (b == byte)
            return plain ? byte : code;
        code += !plain;
    }
    return code;
}

/* A word as the two tokens it is merged from; spaces are the code point of byte 32. */
typedef struct word {
    uint32_t left[2], right[2]; /* code points, 0 for none */
} word;

static uint32_t letter(uint32_t i) {
    return 'a' + i % LETTERS;
}

/* Word i: the kinds in the order of the file comment. */
static word word_at(uint32_t i) {
    const uint32_t space = code_of_byte(' ');
    if (i < LETTERS)
        return (word){{space, 0}, {letter(i), 0}};
    i -= LETTERS;
    if (i < PAIRS)
        return (word){{letter(i / LETTERS), 0}, {letter(i), 0}};
    i -= PAIRS;
    if (i < PAIRS)
        return (word){{space, letter(i / LETTERS)}, {letter(i), 0}};
    i -= PAIRS;
    if (i < TRIPLES)
        return (word){{letter(i / PAIRS), letter(i / LETTERS)}, {letter(i), 0}};
    i -= TRIPLES;
    return (word){{letter(i / TRIPLES), letter(i / PAIRS)}, {letter(i / LETTERS), letter(i)}};
}

static fh_status put_code(fh_buf *b, uint32_t code) {
    uint8_t bytes[4];
    return code == 0 ? FH_DONE : fh_buf_put(b, fh_span_sub((fh_span){bytes, sizeof bytes}, 0, fh_utf8_put(code, bytes)));
}

static fh_status put_word(fh_buf *b, word w, bool apart) {
    FH_TRY(put_code(b, w.left[0]));
    FH_TRY(put_code(b, w.left[1]));
    if (apart)
        FH_TRY(fh_buf_put_u8(b, ' '));
    FH_TRY(put_code(b, w.right[0]));
    return put_code(b, w.right[1]);
}

static fh_status put_token(fh_buf *b, uint32_t id, uint32_t words) {
    if (id < BYTES)
        return put_code(b, code_of_byte(id));
    if (id < BYTES + words)
        return put_word(b, word_at(id - BYTES), false);
    return fh_buf_put(b, fh_span_of_str(controls[(id - BYTES - words) % FH_SYNTH_CONTROLS]));
}

/* Puts all texts one behind the other, with ends[i] behind text i; then views them. */
static fh_status make_texts(fh_ref fh_allocator *a, uint32_t words, bool merges, fh_buf *b, fh_owned fh_views *out) {
    fh_sizes ends;
    FH_TRY(fh_sizes_new(a, merges ? words : words + BYTES + FH_SYNTH_CONTROLS, &ends));
    fh_status status = FH_DONE;
    for (size_t i = 0; i < ends.count && !fh_failed(status); i++) {
        status = merges ? put_word(b, word_at((uint32_t)i), true) : put_token(b, (uint32_t)i, words);
        fh_sizes_set(ends, i, fh_buf_view(b).size);
    }
    if (!fh_failed(status))
        status = fh_views_new(a, ends.count, out);
    for (size_t i = 0; !fh_failed(status) && i < out->count; i++) {
        size_t from = i == 0 ? 0 : fh_sizes_get(ends, i - 1);
        fh_views_set(*out, i, fh_span_sub(fh_buf_view(b), from, fh_sizes_get(ends, i) - from));
    }
    fh_sizes_free(a, &ends);
    return status;
}

static fh_status fill(fh_mut fh_synth_vocab *v, uint32_t tokens) {
    uint32_t words = tokens - FH_SYNTH_VOCAB_MIN;
    FH_TRY(make_texts(v->allocator, words, false, &v->token_text, &v->tokens));
    FH_TRY(make_texts(v->allocator, words, true, &v->merge_text, &v->merges));
    FH_TRY(fh_i32s_new(v->allocator, tokens, &v->types));
    for (size_t i = 0; i < tokens; i++)
        fh_i32s_set(v->types, i, i < tokens - FH_SYNTH_CONTROLS ? FH_TOKEN_NORMAL : FH_TOKEN_CONTROL);
    return FH_DONE;
}

fh_status fh_synth_vocab_init(fh_synth_vocab *v, fh_allocator *a, uint32_t tokens) {
    FH_ASSERT(tokens >= FH_SYNTH_VOCAB_MIN && tokens <= FH_SYNTH_VOCAB_MAX);
    _Static_assert((int)FH_SYNTH_VOCAB_MIN == BYTES + (int)FH_SYNTH_CONTROLS, "no words");
    _Static_assert((int)FH_SYNTH_VOCAB_MAX == (int)FH_SYNTH_VOCAB_MIN + LETTERS + 2 * PAIRS + TRIPLES + QUADS, "all words");
    fh_synth_vocab made = {.allocator = a};
    fh_buf_init(&made.token_text, a, 0);
    fh_buf_init(&made.merge_text, a, 0);
    fh_status s = fill(&made, tokens);
    if (fh_failed(s)) {
        fh_synth_vocab_deinit(&made);
        return s;
    }
    *v = made;
    return FH_DONE;
}

void fh_synth_vocab_deinit(fh_synth_vocab *v) {
    fh_views_free(v->allocator, &v->tokens);
    fh_views_free(v->allocator, &v->merges);
    fh_i32s_free(v->allocator, &v->types);
    fh_buf_deinit(&v->token_text);
    fh_buf_deinit(&v->merge_text);
}
