/* made_vocab.h: small vocabularies made in code, for tests and fuzz targets of this folder.
 *
 *     made_vocab *m = made_bpe();            one static vocabulary, reset by each made_ call
 *     made_merge(m, "h e");                  adds the token "he" and the merge
 *     fh_tokenizer_new(a, made_view(m), …);
 *
 * Threading: none; it is static. */
#ifndef FH_TEST_MADE_VOCAB_H
#define FH_TEST_MADE_VOCAB_H

#include <string.h>

#include "freehold/tokenizer.h"
#include "freehold/utf8.h"

enum { MADE_TOKENS = 4096, MADE_TEXT = 1 << 17 };

typedef struct made_vocab {
    fh_vocab vocab;
    fh_span tokens[MADE_TOKENS], merges[MADE_TOKENS];
    float scores[MADE_TOKENS];
    uint32_t types[MADE_TOKENS];
    size_t token_count, merge_count;
    uint8_t text[MADE_TEXT];
    size_t used;
} made_vocab;

static made_vocab made;

static inline fh_span made_copy(made_vocab *m, fh_span s) {
    FH_ASSERT(s.size <= MADE_TEXT - m->used);
    fh_span copy = {m->text + m->used, s.size};
    if (s.size)
        memcpy(m->text + m->used, s.at, s.size);
    m->used += s.size;
    return copy;
}

/* Adds a token; returns its id. */
static inline uint32_t made_token(made_vocab *m, fh_span spelling, fh_token_type type, float score) {
    FH_ASSERT(m->token_count < MADE_TOKENS);
    uint32_t id = (uint32_t)m->token_count++;
    m->tokens[id] = made_copy(m, spelling);
    m->types[id] = (uint32_t)type;
    m->scores[id] = score;
    return id;
}

/* Adds a merge as it stands. */
static inline void made_raw_merge(made_vocab *m, fh_span merge) {
    FH_ASSERT(m->merge_count < MADE_TOKENS);
    m->merges[m->merge_count++] = made_copy(m, merge);
}

/* Adds the merge "left right" and its result as a normal token; returns the result's id. */
static inline uint32_t made_merge(made_vocab *m, const char *merge) {
    fh_span s = fh_span_of_str(merge);
    size_t space = fh_span_find(s, FH_LIT(" "), 1);
    uint8_t whole[256];
    memcpy(whole, s.at, space);
    memcpy(whole + space, s.at + space + 1, s.size - space - 1);
    made_raw_merge(m, s);
    return made_token(m, (fh_span){whole, s.size - 1}, FH_TOKEN_NORMAL, 0);
}

/* The letter of GPT-2's alphabet for a byte, made here anew: printable bytes are themselves, the others follow from U+0100. */
static inline size_t made_letter(unsigned byte, uint8_t out[4]) {
    unsigned others = 0;
    for (unsigned b = 0; b < 256; b++) {
        bool printable = (b >= '!' && b <= '~') || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
        if (b == byte)
            return fh_utf8_put(printable ? b : 256 + others, out);
        others += !printable;
    }
    return 0;
}

/* Byte-level BPE with the 256 bytes as ids 0 to 255. */
static inline made_vocab *made_bpe(void) {
    memset(&made, 0, sizeof made);
    made.vocab = (fh_vocab){.kind = FH_VOCAB_BPE_BYTES, .bos = FH_NO_TOKEN, .eos = FH_NO_TOKEN, .unk = FH_NO_TOKEN};
    for (unsigned b = 0; b < 256; b++) {
        uint8_t letter[4];
        size_t size = made_letter(b, letter);
        made_token(&made, (fh_span){letter, size}, FH_TOKEN_NORMAL, 0);
    }
    return &made;
}

/* SPM with <unk>, <s>, </s> and the 256 bytes: byte b is id b + 3. */
static inline made_vocab *made_spm(void) {
    memset(&made, 0, sizeof made);
    made.vocab = (fh_vocab){.kind = FH_VOCAB_SPM, .bos = 1, .eos = 2, .unk = 0, .add_bos = true, .add_space_prefix = true};
    made_token(&made, FH_LIT("<unk>"), FH_TOKEN_UNKNOWN, 0);
    made_token(&made, FH_LIT("<s>"), FH_TOKEN_CONTROL, 0);
    made_token(&made, FH_LIT("</s>"), FH_TOKEN_CONTROL, 0);
    for (unsigned b = 0; b < 256; b++) {
        static const char hex[] = "0123456789ABCDEF";
        uint8_t spelling[6] = {'<', '0', 'x', (uint8_t)hex[b / 16], (uint8_t)hex[b % 16], '>'};
        made_token(&made, (fh_span){spelling, 6}, FH_TOKEN_BYTE, 0);
    }
    return &made;
}

/* The vocabulary with its present tokens and merges. Valid until: the next made_ call. */
static inline const fh_vocab *made_view(made_vocab *m) {
    m->vocab.tokens = (fh_views){m->tokens, m->token_count};
    m->vocab.types = (fh_u32s){m->types, m->token_count};
    m->vocab.scores = (fh_f32s){m->scores, m->vocab.kind == FH_VOCAB_SPM ? m->token_count : 0};
    m->vocab.merges = (fh_views){m->merges, m->merge_count};
    return &m->vocab;
}

#endif
