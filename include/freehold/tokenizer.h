/* tokenizer.h: text to token ids and back, for the vocabularies that come inside model files.
 *
 *     fh_tokenizer *tok;
 *     FH_TRY(fh_tokenizer_new(a, &vocab, &tok, err));
 *     fh_ids ids;
 *     fh_ids_init(&ids, a, 0);
 *     FH_TRY(fh_tokenizer_encode(tok, text, (fh_encode_options){.add_special = true}, &ids, err));
 *
 * Two algorithms: byte-level BPE (GPT-2 and its descendants, with the pre-tokenizer that the model names) and
 * SentencePiece-style BPE (Llama 2: merges by score, byte fallback). Results equal those of the reference implementations.
 * Control tokens are never made from text unless the caller asks for it.
 *
 * Threading: a tokenizer is immutable after it was made and may be used from any number of threads; an fh_ids belongs to
 * one. */
#ifndef FREEHOLD_TOKENIZER_H
#define FREEHOLD_TOKENIZER_H

#include "freehold/alloc.h"
#include "freehold/buf.h"

FH_EXTERN_BEGIN

/* --- what a vocabulary is --------------------------------------------------------------------------------------------- */

/* The two algorithms. */
typedef enum fh_vocab_kind { FH_VOCAB_BPE_BYTES, FH_VOCAB_SPM } fh_vocab_kind;

/* How text is cut before BPE. */
typedef enum fh_pretok { FH_PRETOK_GPT2, FH_PRETOK_LLAMA3, FH_PRETOK_QWEN2, FH_PRETOK_COUNT } fh_pretok;
/* The pre-tokenizer that a GGUF file names ("gpt-2", "llama-bpe", "qwen2", …); false for one that Freehold lacks. */
FH_MUST_USE FH_API bool fh_pretok_of_name(fh_span name, fh_out fh_pretok *out);

/* Token types, numbered as in GGUF (tokenizer.ggml.token_type). */
typedef enum fh_token_type {
    FH_TOKEN_NORMAL = 1, FH_TOKEN_UNKNOWN = 2, FH_TOKEN_CONTROL = 3, FH_TOKEN_USER = 4, FH_TOKEN_UNUSED = 5, FH_TOKEN_BYTE = 6
} fh_token_type;

#define FH_NO_TOKEN UINT32_MAX

/* A vocabulary as read from a file; everything in it is checked by fh_tokenizer_new. Spans are copied. */
typedef struct fh_vocab {
    fh_vocab_kind kind;
    fh_pretok pretok;   /* byte-level BPE only */
    fh_owned fh_views tokens;    /* text of each token, in the file's own spelling */
    fh_owned fh_f32s scores;     /* SPM: one a token */
    fh_owned fh_u32s types;      /* fh_token_type each, or empty: all normal */
    fh_owned fh_views merges;    /* byte-level BPE: "left right", best first */
    uint32_t bos, eos, unk; /* FH_NO_TOKEN: none */
    bool add_bos, add_eos, add_space_prefix;
    bool ignore_merges; /* a whole piece that is a token wins over merging (Llama 3) */
} fh_vocab;

/* --- a growing list of ids -------------------------------------------------------------------------------------------- */

/* The list: ids so far, and the room behind them. */
typedef struct fh_ids {
    fh_ref fh_allocator *allocator;
    fh_owned fh_u32s items; /* items.count is the capacity */
    size_t count, limit;
} fh_ids;
/* An empty list of at most `limit` ids (0 = no limit). */
FH_API void fh_ids_init(fh_owned fh_view(2) fh_ids *ids, fh_ref fh_allocator *a, size_t limit);
FH_API void fh_ids_deinit(fh_drop fh_ids *ids);
/* Appends; FH_LIMIT, FH_NOMEM. */
FH_FALLIBLE fh_ids_put(fh_mut fh_ids *ids, uint32_t id);
/* The ids. Valid until: the next put or deinit. */
FH_API fh_u32s fh_ids_view(fh_ref const fh_ids *ids) fh_view(1);

/* --- the tokenizer ---------------------------------------------------------------------------------------------------- */

enum { FH_VOCAB_MAX = 1 << 20 };

/* A vocabulary with its tables. */
typedef struct fh_tokenizer fh_tokenizer;

/* Checks a vocabulary and builds its tables: special ids in range, byte tokens well formed, merges known, every byte
 * reachable. */
FH_FALLIBLE fh_tokenizer_new(fh_ref fh_allocator *a, fh_ref const fh_vocab *vocab, fh_owned fh_view(1) fh_tokenizer **out,
                             fh_mut fh_err *err);
/* From a Hugging Face tokenizer.json of byte-level BPE with one of the known pre-tokenizers; the rest is FH_UNSUPPORTED by
 * name. */
FH_FALLIBLE fh_tokenizer_from_json(fh_ref fh_allocator *a, fh_span json, fh_owned fh_view(1) fh_tokenizer **out,
                                   fh_mut fh_err *err);
/* NULL is allowed. */
FH_API void fh_tokenizer_free(fh_drop fh_tokenizer *tok);

/* How text is encoded; zero means the default. */
typedef struct fh_encode_options {
    bool add_special;   /* BOS and EOS as the vocabulary says */
    bool parse_special; /* control tokens written out in the text become those tokens: only for trusted text */
} fh_encode_options;
/* Appends the ids of text (any bytes). Time is near linear in the text's size. On failure `out` is as before. */
FH_FALLIBLE fh_tokenizer_encode(fh_ref const fh_tokenizer *tok, fh_span text, fh_encode_options options, fh_mut fh_ids *out,
                                fh_mut fh_err *err);
/* Appends the bytes that a token stands for; control tokens give nothing unless `control`. `first` drops the space that the
 * first token of a text carries in vocabularies with a space prefix. FH_INVALID for an id outside. */
FH_FALLIBLE fh_tokenizer_piece(fh_ref const fh_tokenizer *tok, uint32_t id, bool first, bool control, fh_mut fh_buf *out);
/* Number of tokens. */
FH_API uint32_t fh_tokenizer_size(fh_ref const fh_tokenizer *tok);
/* Token text in the file's own spelling. Valid until: fh_tokenizer_free. FH_INVALID for an id outside. */
FH_FALLIBLE fh_tokenizer_token(fh_ref const fh_tokenizer *tok, uint32_t id, fh_out fh_view(1) fh_span *out);
/* The id of a token's own spelling, or FH_NO_TOKEN. */
FH_API uint32_t fh_tokenizer_find(fh_ref const fh_tokenizer *tok, fh_span spelling);
/* Special ids, FH_NO_TOKEN where there is none. */
FH_API uint32_t fh_tokenizer_bos(fh_ref const fh_tokenizer *tok);
FH_API uint32_t fh_tokenizer_eos(fh_ref const fh_tokenizer *tok);
/* True for a token that ends an answer: EOS and the end-of-turn control tokens (<|im_end|>, <|eot_id|>, <|end|>,
 * <|endoftext|>). */
FH_API bool fh_tokenizer_is_end(fh_ref const fh_tokenizer *tok, uint32_t id);

FH_EXTERN_END
#endif
