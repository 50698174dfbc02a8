/* bench_tokenizer.c: how fast text is encoded: each algorithm on text made in code, and on worst cases.
 *
 *     bench_tokenizer [tokenizer.json …]      also the given tokenizers
 *
 * Prints MB of text a second and ids a byte; the best of five runs. The vocabularies are trained here, by counting pairs,
 * so that they look like real ones. */
#include <stdio.h>

#include "freehold/hash.h"
#include "freehold/os.h"
#include "text/made_vocab.h"

enum { CORPUS_BYTES = 4 << 20, TRAINED = 3000 };

static uint8_t corpus[CORPUS_BYTES];

static uint64_t next_random(uint64_t *state) {
    return fh_mix64((*state)++);
}

/* Words of a made language: few words are frequent, most are rare (Zipf), with punctuation, numbers, lines and accents. */
static void make_corpus(void) {
    static const char *const sounds[] = {"ba", "to", "ri", "ne", "shu", "la",  "ked", "om",        "in", "ter",
                                         "es", "al", "wo", "th", "e",   "ing", "st",  "r\xc3\xa9", "qu", "ex"};
    uint64_t state = 42;
    size_t n = 0;
    while (n < CORPUS_BYTES - 64) {
        uint64_t r = next_random(&state), rank = 1 + r % (1 + next_random(&state) % (1 + next_random(&state) % 8000)),
                 word = rank * 77;
        for (size_t k = 0; k < 1 + rank % 4; k++, word = fh_mix64(word)) {
            fh_span s = fh_span_of_str(sounds[word % (sizeof sounds / sizeof *sounds)]);
            memcpy(corpus + n, s.at, s.size);
            n += s.size;
        }
        if (r >> 32 & 31)
            corpus[n++] = ' ';
        else
            n += (size_t)snprintf((char *)corpus + n, 16,
                                  r >> 40 & 3   ? ", "
                                  : r >> 50 & 3 ? ".\n"
                                                : " %u ",
                                  (unsigned)(r >> 44 & 4095));
    }
    while (n < CORPUS_BYTES)
        corpus[n++] = ' ';
}

/* Grows a vocabulary: the most frequent neighbours in a sample become a token, over and over (in rounds of many). */
static void train(made_vocab *m, fh_span sample) {
    static struct {
        uint32_t left, right, count;
    } pairs[1 << 16];
    while (m->token_count + 64 < TRAINED) {
        fh_tokenizer *tok;
        fh_ids ids;
        fh_ids_init(&ids, fh_heap(), 0);
        if (fh_failed(fh_tokenizer_new(fh_heap(), made_view(m), &tok, NULL)) ||
            fh_failed(fh_tokenizer_encode(tok, sample, (fh_encode_options){0}, &ids, NULL)))
            return;
        memset(pairs, 0, sizeof pairs);
        fh_u32s view = fh_ids_view(&ids);
        for (size_t i = 0; i + 1 < view.count; i++) {
            uint32_t left = fh_u32s_get(view, i), right = fh_u32s_get(view, i + 1);
            size_t slot = (size_t)fh_mix64((uint64_t)left << 32 | right) % (1 << 16);
            if (pairs[slot].count == 0)
                pairs[slot].left = left, pairs[slot].right = right;
            pairs[slot].count += pairs[slot].left == left && pairs[slot].right == right;
        }
        size_t added = 0;
        for (size_t k = 0; k < 64; k++) {
            size_t best = 0;
            for (size_t i = 0; i < 1 << 16; i++)
                best = pairs[i].count > pairs[best].count ? i : best;
            fh_span l = m->tokens[pairs[best].left], r = m->tokens[pairs[best].right];
            char merge[128];
            bool spm = m->vocab.kind == FH_VOCAB_SPM;
            bool fits = pairs[best].count > 1 && l.size + r.size < 60 && !fh_span_starts(r, FH_LIT("\xc4\xa0")) &&
                        !fh_span_starts(r, FH_LIT("\xe2\x96\x81")) && !fh_span_starts(l, FH_LIT("<0x")) &&
                        !fh_span_starts(r, FH_LIT("<0x"));
            pairs[best].count = 0;
            snprintf(merge, sizeof merge, "%.*s %.*s", FH_SPAN_FMT(l), FH_SPAN_FMT(r));
            char whole[128];
            snprintf(whole, sizeof whole, "%.*s%.*s", FH_SPAN_FMT(l), FH_SPAN_FMT(r));
            bool known = false;
            for (size_t t = 0; t < m->token_count; t++)
                known = known || fh_span_is(m->tokens[t], whole);
            if (!fits || known)
                continue;
            if (spm)
                made_token(m, fh_span_of_str(whole), FH_TOKEN_NORMAL, -(float)m->token_count);
            else
                made_merge(m, merge);
            added++;
        }
        fh_tokenizer_free(tok);
        fh_ids_deinit(&ids);
        if (added == 0)
            return;
    }
}

static void measure(const char *name, const fh_tokenizer *tok, fh_span text) {
    uint64_t best = UINT64_MAX;
    size_t count = 0;
    for (int run = 0; run < 5; run++) {
        fh_ids ids;
        fh_ids_init(&ids, fh_heap(), 0);
        uint64_t from = fh_os_clock_ns();
        if (fh_failed(fh_tokenizer_encode(tok, text, (fh_encode_options){0}, &ids, NULL)))
            return;
        uint64_t took = fh_os_clock_ns() - from;
        best = took < best ? took : best;
        count = ids.count;
        fh_ids_deinit(&ids);
    }
    printf("%-44s %8.1f MB/s  %.3f ids a byte\n", name, (double)text.size * 1e3 / (double)best,
           (double)count / (double)text.size);
}

static void measure_made(const char *name, made_vocab *m) {
    fh_tokenizer *tok;
    static uint8_t same[1 << 20];
    char label[64];
    train(m, (fh_span){corpus, 1 << 18});
    if (fh_failed(fh_tokenizer_new(fh_heap(), made_view(m), &tok, NULL)))
        return;
    measure(name, tok, (fh_span){corpus, CORPUS_BYTES});
    memset(same, 'a', sizeof same);
    snprintf(label, sizeof label, "%s, one letter", name);
    measure(label, tok, (fh_span){same, sizeof same});
    fh_tokenizer_free(tok);
}

int main(int argc, char **argv) {
    static const char *const names[] = {"byte-level BPE, GPT-2 pieces", "byte-level BPE, Llama 3 pieces",
                                        "byte-level BPE, Qwen 2 pieces"};
    make_corpus();
    for (int pretok = 0; pretok < FH_PRETOK_COUNT; pretok++) {
        made_vocab *m = made_bpe();
        m->vocab.pretok = (fh_pretok)pretok;
        measure_made(names[pretok], m);
    }
    made_vocab *m = made_spm();
    made_token(m, FH_LIT("\xe2\x96\x81"), FH_TOKEN_NORMAL, -9000);
    for (char c = 'a'; c <= 'z'; c++)
        made_token(m, (fh_span){(const uint8_t *)&c, 1}, FH_TOKEN_NORMAL, -9001);
    measure_made("SentencePiece BPE", m);
    for (int i = 1; i < argc; i++) {
        fh_os_map map;
        fh_tokenizer *tok;
        fh_err err = {0};
        uint64_t from = fh_os_clock_ns();
        if (fh_failed(fh_os_map_open(argv[i], &map, &err)) ||
            fh_failed(fh_tokenizer_from_json(fh_heap(), map.bytes, &tok, &err))) {
            fprintf(stderr, "%s: %s\n", argv[i], err.message);
            return 1;
        }
        printf("%-44s %8.1f ms to load\n", argv[i], (double)(fh_os_clock_ns() - from) / 1e6);
        measure(argv[i], tok, (fh_span){corpus, CORPUS_BYTES});
        fh_tokenizer_free(tok);
        fh_os_map_close(&map);
    }
    return 0;
}
