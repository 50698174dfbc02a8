/* train.h: learns a vocabulary from text: BPE, WordPiece, WordLevel, Unigram.
 *
 *     fh_train_words *words;
 *     FH_TRY(fh_train_words_new(a, &words));
 *     FH_TRY(fh_train_words_lines(words, text, fh_train_split_like(tok), par, err));    words are counted, text after text,
 *     fh_trained *model;
 *     FH_TRY(fh_train(words, &(fh_train_options){.kind = FH_TRAIN_BPE, .vocab_size = 30000}, par, &model, err));
 *     FH_TRY(fh_trained_save(model, FH_LIT("{}"), &out, err));            and out is a tokenizer.json
 *
 * The result depends on the words and their counts alone: not on the order of the texts, nor on the number of threads. BPE
 * and WordLevel learn what Hugging Face's trainers learn, id by id; where those leave the choice to the order of a hash table
 * (which of equally rare characters to drop, the ids of characters with a prefix or suffix, and so all of WordPiece) the choice
 * here is fixed. Counts have 64 bits. Unigram follows the same steps (seeds from repeated substrings, expectation and
 * maximization, pruning by loss), with sums of fixed point, so that they do not depend on their order.
 *
 * Memory: a word is kept once; BPE needs about 40 bytes for each character of the distinct words. A merge looks at whole words,
 * so words of many thousand characters, from text that nothing cuts, make BPE slow.
 *
 * Threading: words and a call of fh_train belong to one thread at a time, which lends them the workers of `par`; a trained
 * model is immutable. */
#ifndef FREEHOLD_TRAIN_H
#define FREEHOLD_TRAIN_H

#include "freehold/buf.h"
#include "freehold/par.h"
#include "freehold/tokenizer.h"

FH_EXTERN_BEGIN

/* --- words ------------------------------------------------------------------------------------------------------------- */

/* Distinct words with their counts. */
typedef struct fh_train_words fh_train_words;

/* Where a splitter puts the words of a text. */
typedef struct fh_train_sink fh_train_sink;
/* One word, UTF-8. FH_LIMIT, FH_NOMEM; FH_CORRUPT for other bytes. Empty words are passed over. */
FH_FALLIBLE fh_train_sink_put(fh_mut fh_train_sink *sink, fh_span word);

/* Cuts texts into words: normalizes, pre-tokenizes, and puts each word. `split` is called from several threads at once with
 * the same ctx, whose type only it knows; text is UTF-8. A failure ends the counting. */
typedef struct fh_train_splitter {
    const void *ctx;
    fh_status (*split)(const void *ctx, fh_span text, fh_mut fh_train_sink *sink);
} fh_train_splitter;

/* Words as the normalizer and the pre-tokenizer of a tokenizer make them; its added tokens are not looked for, as in Hugging
 * Face's trainers. Valid until: fh_tokenizer_free. */
FH_API fh_train_splitter fh_train_split_like(fh_ref const fh_tokenizer *tok) fh_view(1);

/* No words yet. */
FH_FALLIBLE fh_train_words_new(fh_ref fh_allocator *a, fh_owned fh_view(1) fh_train_words **out);
/* NULL is allowed. */
FH_API void fh_train_words_free(fh_drop fh_train_words *words);
/* Counts a word `count` times. FH_CORRUPT for bytes that are not UTF-8, FH_LIMIT for sums above 2^63. */
FH_FALLIBLE fh_train_words_add(fh_mut fh_train_words *words, fh_span word, uint64_t count);
/* Counts the words of texts. FH_CORRUPT names the first text, and the byte in it, that is not UTF-8. After a failure some of
 * the words may have been counted. */
FH_FALLIBLE fh_train_words_texts(fh_mut fh_train_words *words, fh_views texts, fh_train_splitter splitter,
                                 fh_ref const fh_par *par, fh_mut fh_err *err);
/* The same for the lines of a text, each with its newline, as Hugging Face reads files. The offset of a report is one in
 * `text`. */
FH_FALLIBLE fh_train_words_lines(fh_mut fh_train_words *words, fh_span text, fh_train_splitter splitter,
                                 fh_ref const fh_par *par, fh_mut fh_err *err);

/* --- training ---------------------------------------------------------------------------------------------------------- */

/* The models. */
typedef enum fh_train_kind {
    FH_TRAIN_BPE, FH_TRAIN_WORDPIECE, FH_TRAIN_WORDLEVEL, FH_TRAIN_UNIGRAM, FH_TRAIN_KINDS
} fh_train_kind;

/* "BPE", as in tokenizer.json. */
FH_API fh_static const char *fh_train_kind_name(fh_train_kind kind);

enum {
    FH_TRAIN_VOCAB_MAX = 1 << 24,   /* entries */
    FH_TRAIN_PIECE_MAX = 256,       /* characters: the largest max_piece_length */
    FH_TRAIN_AFFIX_MAX = 64         /* bytes of a prefix or suffix */
};

/* What to learn. Zero means the default that is told. An option that the kind has no use for has to be zero. */
typedef struct fh_train_options {
    fh_train_kind kind;
    uint32_t vocab_size;       /* 30000; Unigram: 8000. BPE, WordPiece: more where the alphabet alone is more */
    uint64_t min_frequency;    /* not Unigram: what is rarer is no merge, or no word */
    fh_views special_tokens;   /* they come first, in this order; UTF-8, none empty */
    bool limits_alphabet;      /* BPE, WordPiece: only the limit_alphabet most frequent characters */
    uint32_t limit_alphabet;
    fh_u32s initial_alphabet;  /* not WordLevel: code points that the alphabet has to have */
    fh_span continuing_subword_prefix; /* BPE: none; WordPiece: "##" */
    fh_span end_of_word_suffix;        /* BPE, WordPiece: none */
    uint32_t max_token_length; /* BPE, WordPiece: merged tokens have fewer characters, or two; no limit */
    /* Unigram: */
    double shrinking_factor;   /* above 0, below 1: what a round leaves; 0.75 */
    fh_span unk_token;         /* none; put before the special tokens unless it is one of them */
    uint32_t max_piece_length; /* characters; 16 */
    uint32_t n_sub_iterations; /* 2 */
    uint32_t seed_size;        /* 1000000 */
    /* Called now and then with the name of the stage and how far it is; false ends the training with FH_CANCELED. */
    fh_or_null bool (*progress)(void *ctx, fh_ref const char *stage, uint64_t done, uint64_t total);
    void *ctx;
} fh_train_options;

/* What a tokenizer tells of its vocabulary to those who train another one for it. */
typedef struct fh_train_like fh_train_like;
/* Looks at a tokenizer, which has to stay, as have the texts of `more`: further special tokens. FH_UNSUPPORTED for one out of a
 * GGUF file; FH_NOMEM. */
FH_FALLIBLE fh_train_like_new(fh_ref fh_allocator *a, fh_ref const fh_tokenizer *tok, fh_views more,
                              fh_owned fh_view(1, 2, 3) fh_train_like **out, fh_mut fh_err *err);
/* NULL is allowed. */
FH_API void fh_train_like_free(fh_drop fh_train_like *like);
/* The options that follow: the kind of its model; its special tokens, and behind them the further ones, before them its
 * unknown token if it is none of them; prefix, suffix, unknown token of its model; the 256 letters of bytes where its
 * pre-tokenizer ends in ByteLevel. Everything else has its default. Valid until: fh_train_like_free. */
FH_API fh_train_options fh_train_like_options(fh_ref const fh_train_like *like) fh_view(1);

/* What was learnt. */
typedef struct fh_trained fh_trained;

/* Learns. FH_INVALID for an option that is out of range, with its name; FH_LIMIT for a Unigram vocabulary too small for all
 * characters; FH_CANCELED; FH_NOMEM. The words stay as they are. */
FH_FALLIBLE fh_train(fh_mut fh_train_words *words, fh_ref const fh_train_options *options,
                     fh_ref const fh_par *par, fh_owned fh_view(*1) fh_trained **out, fh_mut fh_err *err);
/* NULL is allowed. */
FH_API void fh_trained_free(fh_drop fh_trained *model);

/* Numbers of a model. */
typedef struct fh_train_stats {
    uint64_t words, distinct_words, characters; /* counted; distinct; characters of the distinct ones */
    uint32_t alphabet, tokens, merges;
} fh_train_stats;
/* Those of this one. */
FH_API fh_train_stats fh_trained_stats(fh_ref const fh_trained *model);
/* The text of token `id`, and its score (Unigram; else 0). FH_INVALID for an id that no token has (WordLevel leaves one where a
 * special token is also a word). Valid until: fh_trained_free. */
FH_FALLIBLE fh_trained_token(fh_ref const fh_trained *model, uint32_t id, fh_out fh_view(1) fh_span *text,
                             fh_out double *score);
/* Appends a tokenizer.json, written as Hugging Face writes it. `like` is an object with what training does not decide:
 * truncation, padding, normalizer, pre_tokenizer, post_processor, decoder, in "model" unk_token, dropout, fuse_unk,
 * byte_fallback, ignore_merges, max_input_chars_per_word, and in "added_tokens" how special tokens of the same text are found;
 * the rest of it is not looked at, so that a whole tokenizer.json is allowed. Tokens that the post-processor adds get the ids
 * that they have in the model: FH_NOT_FOUND for one that it lacks. FH_CORRUPT where it is malformed. On failure nothing is
 * appended. */
FH_FALLIBLE fh_trained_save(fh_ref const fh_trained *model, fh_span like, fh_mut fh_buf *out, fh_mut fh_err *err);

FH_EXTERN_END
#endif
