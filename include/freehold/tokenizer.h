/* tokenizer.h: text to token ids and back, for the vocabularies inside model files, Hugging Face's tokenizer.json,
 * SentencePiece models and tiktoken ranks.
 *
 *     fh_tokenizer *tok;
 *     FH_TRY(fh_tokenizer_from_json(a, json, &tok, err));
 *     fh_ids ids;
 *     fh_ids_init(&ids, a, 0);
 *     FH_TRY(fh_tokenizer_encode(tok, text, (fh_encode_options){.add_special = true}, &ids, err));
 *
 * and, for many texts, or for more than ids:
 *
 *     fh_encoder *encoder;                                                  one a thread; it shares the tokenizer
 *     FH_TRY(fh_encoder_new(a, tok, &encoder));
 *     FH_TRY(fh_encoder_encode(encoder, &(fh_encode_input){.text = text}, options, &encoding, err));
 *
 * A vocabulary of a GGUF file is byte-level BPE (GPT-2 and its descendants, with the pre-tokenizer that the model names) or
 * SentencePiece-style BPE (Llama 2: merges by score, byte fallback). A tokenizer.json is whatever it says: every normalizer,
 * pre-tokenizer, model, post-processor and decoder of that format. Results equal those of the reference implementations.
 * Control tokens are never made from text unless the caller asks for it.
 *
 * Threading: a tokenizer is immutable after it was made and may be used from any number of threads. Its life is counted:
 * fh_tokenizer_share makes another handle, fh_tokenizer_free ends one, and the last one ends the tokenizer. So a thread that
 * has a handle of its own (every fh_encoder has) needs nothing of the thread that made the tokenizer. An fh_ids, an
 * fh_encoding and an fh_encoder belong to one thread. */
#ifndef FREEHOLD_TOKENIZER_H
#define FREEHOLD_TOKENIZER_H

#include "freehold/alloc.h"
#include "freehold/buf.h"
#include "freehold/bytes.h"
#include "freehold/encoding.h"
#include "freehold/par.h"

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
/* Appends all of them, or on FH_LIMIT and FH_NOMEM none. They may not be part of the list. */
FH_FALLIBLE fh_ids_put_all(fh_mut fh_ids *ids, fh_u32s more);
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
/* From the text of a tokenizer.json ("version": "1.0", or a file without one). Members that the format does not have are
 * passed over; of Unigram "alpha" and "nbest_size" are not: tokens are then drawn, as the reference can do without writing it
 * down. FH_CORRUPT and FH_LIMIT with the byte that is at fault, FH_UNSUPPORTED for a component that nobody knows. */
FH_FALLIBLE fh_tokenizer_from_json(fh_ref fh_allocator *a, fh_span json, fh_owned fh_view(1) fh_tokenizer **out,
                                   fh_mut fh_err *err);
/* What a file does not say of itself. tiktoken ranks: the name of an encoding (cl100k_base, o200k_base, p50k_base, p50k_edit,
 * r50k_base, gpt2), or, if that is empty, the expression that text is cut with, and special tokens with their ids. */
typedef struct fh_tokenizer_hint {
    fh_span encoding, pattern;
    fh_views special;
    fh_u32s special_ids;
} fh_tokenizer_hint;
/* From any tokenizer's file; its content says which it is: a tokenizer.json, a SentencePiece model (Unigram, BPE, CHAR), or
 * tiktoken ranks with a hint; not a cache (fh_tokenizer_from_cache). Ids and offsets of the latter two are those of their
 * libraries, but that the bytes of a character that is no piece all have its place. SentencePiece's user-defined
 * pieces are found in any text, its control pieces only with parse_special; add_special adds nothing, since the model does not
 * say what. FH_CORRUPT, FH_INVALID (a hint is missing), FH_UNSUPPORTED, FH_LIMIT, FH_NOMEM. */
FH_FALLIBLE fh_tokenizer_open(fh_ref fh_allocator *a, fh_span file, fh_ref fh_or_null const fh_tokenizer_hint *hint,
                              fh_owned fh_view(1) fh_tokenizer **out, fh_mut fh_err *err);
/* Appends a tokenizer.json that gives the same tokenizer back, members in the reference's order. What came out of a
 * SentencePiece model or of tiktoken ranks becomes what that format can say: Unigram then adds in float64, keys of a map are
 * looked for in clusters of characters, control tokens are always found, and Unigram's unknown token where it is written, of
 * merges with equal scores one comes first, and a token is not found that is made of characters which are no tokens.
 * FH_UNSUPPORTED for one that came out of a GGUF file. */
FH_FALLIBLE fh_tokenizer_save(fh_ref const fh_tokenizer *tok, bool pretty, fh_mut fh_buf *out, fh_mut fh_err *err);
/* Appends one member of that file, such as "pre_tokenizer" or "added_tokens", on one line; null where there is none.
 * FH_NOT_FOUND for a name that the format does not have. */
FH_FALLIBLE fh_tokenizer_save_member(fh_ref const fh_tokenizer *tok, fh_span name, fh_mut fh_buf *out, fh_mut fh_err *err);
/* --- a cache of a loaded tokenizer: a file that is mapped and used where it lies --------------------------------------------
 *
 * Reading a large tokenizer.json takes tenths of a second, its cache milliseconds: the large tables are looked over once and
 * then used in the file, whose pages all processes share. A cache is of one version and one byte order. It is believed no
 * more than any other file, and is not to be changed while it is in use: write it by fh_os_writer, which puts a new file in its
 * place. */

/* What such a file begins with. */
#define FH_TOKENIZER_CACHE_LETTERS "FreeTokn"
/* Writes one. `source` is the file that the tokenizer was made from, for fh_tokenizer_cache_is_of; or empty. FH_UNSUPPORTED as
 * fh_tokenizer_save; what the sink refuses. */
FH_FALLIBLE fh_tokenizer_save_cache(fh_ref const fh_tokenizer *tok, fh_span source, fh_sink sink, fh_mut fh_err *err);
/* From a cache; the tokenizer has a reference of its own to the bytes, which lie at a multiple of 8 (FH_INVALID). FH_CORRUPT
 * for damage (there is a checksum) and for what would not be safe to use; FH_UNSUPPORTED: another version or byte order; write
 * it anew. */
FH_FALLIBLE fh_tokenizer_from_cache(fh_ref fh_allocator *a, fh_bytes file, fh_owned fh_view(1, *2) fh_tokenizer **out,
                                    fh_mut fh_err *err);
/* FH_STALE unless the cache says that it was made from `source`, by size and hash; the refusals of a header. */
FH_FALLIBLE fh_tokenizer_cache_is_of(fh_span file, fh_span source, fh_mut fh_err *err);

/* --- handles -------------------------------------------------------------------------------------------------------------- */

/* One more handle of a tokenizer. */
FH_API fh_owned fh_tokenizer *fh_tokenizer_share(fh_ref fh_tokenizer *tok) fh_view(*1);
/* Ends a handle; with the last one the tokenizer. NULL is allowed. */
FH_API void fh_tokenizer_free(fh_drop fh_tokenizer *tok);

/* How text is encoded; zero means the default. */
typedef struct fh_encode_options {
    bool add_special;   /* BOS and EOS as the vocabulary says, or what the template adds */
    bool parse_special; /* control tokens written out in the text become those tokens: only for trusted text */
    fh_offsets offsets; /* of fh_encoder_encode: what is counted; without, words stay FH_NO_WORD too */
} fh_encode_options;
/* Appends the ids of text (any bytes; what is not UTF-8 is U+FFFD to a tokenizer.json's pipeline). Time is near linear in the
 * text's size. On failure `out` is as before. Neither truncates nor pads. */
FH_FALLIBLE fh_tokenizer_encode(fh_ref const fh_tokenizer *tok, fh_span text, fh_encode_options options, fh_mut fh_ids *out,
                                fh_mut fh_err *err);
/* Appends the bytes that a token stands for; control tokens give nothing unless `control`. `first` drops the space that the
 * first token of a text carries in vocabularies with a space prefix. FH_INVALID for an id outside. */
FH_FALLIBLE fh_tokenizer_piece(fh_ref const fh_tokenizer *tok, uint32_t id, bool first, bool control, fh_mut fh_buf *out);
/* One more than the highest token id. */
FH_API uint32_t fh_tokenizer_size(fh_ref const fh_tokenizer *tok);
/* Token text in the file's own spelling. Valid until: fh_tokenizer_free. FH_INVALID for an id outside. */
FH_FALLIBLE fh_tokenizer_token(fh_ref const fh_tokenizer *tok, uint32_t id, fh_out fh_view(1) fh_span *out);
/* The same as the model has it, whatever was added with that id. FH_INVALID for an id that the model does not have. */
FH_FALLIBLE fh_tokenizer_model_token(fh_ref const fh_tokenizer *tok, uint32_t id, fh_out fh_view(1) fh_span *out);
/* The id of a token's own spelling, or FH_NO_TOKEN. */
FH_API uint32_t fh_tokenizer_find(fh_ref const fh_tokenizer *tok, fh_span spelling);
/* Special ids, FH_NO_TOKEN where there is none. */
FH_API uint32_t fh_tokenizer_bos(fh_ref const fh_tokenizer *tok);
FH_API uint32_t fh_tokenizer_eos(fh_ref const fh_tokenizer *tok);
/* True for a token that ends an answer: EOS and the end-of-turn control tokens (<|im_end|>, <|eot_id|>, <|end|>,
 * <|endoftext|>). */
FH_API bool fh_tokenizer_is_end(fh_ref const fh_tokenizer *tok, uint32_t id);

/* --- length ----------------------------------------------------------------------------------------------------------- */

/* Which text is cut: the longer one first, only the first, only the second. */
typedef enum fh_truncate { FH_TRUNCATE_LONGEST_FIRST, FH_TRUNCATE_ONLY_FIRST, FH_TRUNCATE_ONLY_SECOND } fh_truncate;

/* What is too long is cut to max_length tokens, special ones counted; the rest goes to the overflow, each part with the last
 * `stride` tokens of the one before. `left`: the beginning is cut, not the end. */
typedef struct fh_truncation {
    bool on, left;
    fh_truncate strategy;
    size_t max_length, stride;
} fh_truncation;

/* The most that `length` and `multiple_of` of a padding may be. */
enum { FH_PADDING_MAX = 1 << 24 };

/* What is too short is filled up: to `length` (if `fixed`), or to the longest text of a batch; and then to a multiple of
 * `multiple_of` (0: of any). `left`: at the beginning. */
typedef struct fh_padding {
    bool on, left, fixed;
    size_t length, multiple_of;
    uint32_t id, type;
    fh_span token; /* its text. Valid until: the end of whoever gave it */
} fh_padding;

/* What the file says; `.on` is false where it says nothing. */
FH_API fh_truncation fh_tokenizer_truncation(fh_ref const fh_tokenizer *tok);
FH_API fh_padding fh_tokenizer_padding(fh_ref const fh_tokenizer *tok) fh_view(1);
/* How many tokens `add_special` adds to a text, or to a pair. */
FH_API size_t fh_tokenizer_added(fh_ref const fh_tokenizer *tok, bool pair);

/* --- encoding with everything ----------------------------------------------------------------------------------------- */

/* A tokenizer with room to work in. It has a handle of the tokenizer of its own. */
typedef struct fh_encoder fh_encoder;

/* Truncates and pads as the tokenizer's file says. FH_NOMEM. */
FH_FALLIBLE fh_encoder_new(fh_ref fh_allocator *a, fh_ref fh_tokenizer *tok, fh_owned fh_view(1, *2) fh_encoder **out);
/* NULL is allowed. */
FH_API void fh_encoder_free(fh_drop fh_encoder *encoder);
/* From now on truncates, or pads, like this. The token's text is copied: FH_NOMEM; FH_LIMIT beyond FH_PADDING_MAX. Then nothing
 * changes. */
FH_API void fh_encoder_truncate(fh_mut fh_encoder *encoder, fh_truncation how);
FH_FALLIBLE fh_encoder_pad(fh_mut fh_encoder *encoder, fh_padding how);

/* From now on what is left to chance (BPE's dropout, Unigram's alpha) is drawn from `seed`: for the next text as its number
 * `text`, for the one behind as the next number. The same texts with the same numbers become the same tokens, in a batch on any
 * number of threads; draws of two numbers have nothing to do with each other. Without a call: seed 0, and 0 for the first text;
 * fh_tokenizer_encode draws as text 0. A text that is refused has no number. */
FH_API void fh_encoder_seed(fh_mut fh_encoder *encoder, uint64_t seed, uint64_t text);

/* What is encoded: one text, or with `has_pair` two. With `split` each is a list of words instead, which are encoded one by
 * one; offsets are then those in their word, and words are numbered by the list. With `tokens` each is a part of what was made
 * of it already, without special tokens and padding (FH_INVALID); what comes behind the model is done. */
typedef struct fh_encode_input {
    fh_span text, pair;
    fh_views words, pair_words;
    fh_ref fh_or_null const fh_encoding *tokens, *pair_tokens;
    size_t part, pair_part; /* of them */
    bool has_pair, split;
} fh_encode_input;
FH_SPAN_DEFINE(encode_input, fh_encode_input);

/* Appends a row to `out`: the tokens of a text, truncated, with special ones, padded. FH_INVALID for what cannot be truncated
 * as asked, or for offsets of a text that is not UTF-8; FH_NOT_FOUND where the vocabulary needs an unknown token and has none;
 * FH_LIMIT, FH_NOMEM. On failure `out` is as before. */
FH_FALLIBLE fh_encoder_encode(fh_mut fh_encoder *encoder, fh_ref const fh_encode_input *input, fh_encode_options options,
                              fh_mut fh_encoding *out, fh_mut fh_err *err);
/* fh_tokenizer_encode with room that stays. */
FH_FALLIBLE fh_encoder_ids(fh_mut fh_encoder *encoder, fh_span text, fh_encode_options options, fh_mut fh_ids *out,
                           fh_mut fh_err *err);
/* How many tokens a text has, if no more than `budget`: else *fits is false, and *count a number above it. Stops soon after the
 * budget is spent. */
FH_FALLIBLE fh_encoder_count(fh_mut fh_encoder *encoder, fh_span text, fh_encode_options options, size_t budget,
                             fh_out size_t *count, fh_out bool *fits, fh_mut fh_err *err);
/* Appends a row for each input, in their order, on all threads of `par`; padded to the longest. The result does not depend on
 * `par`. On failure (that of the first input that fails) `out` is as before. */
FH_FALLIBLE fh_encoder_batch(fh_mut fh_encoder *encoder, fh_ref fh_or_null const fh_par *par, fh_encode_inputs inputs,
                             fh_encode_options options, fh_mut fh_encoding *out, fh_mut fh_err *err);
/* Appends what token i of all tokens of an encoding shows: its spelling, or for unknown text and added tokens what the text
 * had there. */
FH_FALLIBLE fh_tokenizer_shown(fh_ref const fh_tokenizer *tok, fh_ref const fh_encoding *e, size_t i, fh_mut fh_buf *out);

/* --- the first steps alone -------------------------------------------------------------------------------------------- */

/* Takes pieces, one after the other: the text of each as the model sees it, and bytes [begin, end) of the text that it stands
 * for. A failure ends the walk. */
typedef struct fh_piece_taker {
    void *ctx;
    fh_status (*take)(void *ctx, fh_span piece, size_t begin, size_t end);
} fh_piece_taker;
/* Normalizes a text and cuts it to pieces, as training does: added tokens are not looked for. FH_INVALID for a text that is not
 * UTF-8, FH_LIMIT, FH_NOMEM, and what `take` fails with. */
FH_FALLIBLE fh_tokenizer_cut(fh_ref const fh_tokenizer *tok, fh_span text, fh_piece_taker to, fh_mut fh_err *err);

/* --- ids to text ------------------------------------------------------------------------------------------------------ */

/* Appends the text of ids, through the decoder. `skip_special` leaves special tokens out. Ids that are no tokens are passed
 * over. FH_NOMEM, FH_LIMIT: `out` is as before. */
FH_FALLIBLE fh_tokenizer_decode(fh_ref const fh_tokenizer *tok, fh_u32s ids, bool skip_special, fh_mut fh_buf *out);

/* Text token by token: what is appended adds up to the text of all. */
typedef struct fh_decode_stream fh_decode_stream;
/* Shares the tokenizer. FH_NOMEM. */
FH_FALLIBLE fh_decode_stream_new(fh_ref fh_allocator *a, fh_ref fh_tokenizer *tok, bool skip_special,
                                 fh_owned fh_view(1, *2) fh_decode_stream **out);
FH_API void fh_decode_stream_free(fh_drop fh_decode_stream *s);
/* Takes a token; appends what can be said now: nothing while a character is incomplete. Costs no more for a long text than for
 * a short one. */
FH_FALLIBLE fh_decode_stream_step(fh_mut fh_decode_stream *s, uint32_t id, fh_mut fh_buf *out);

FH_EXTERN_END
#endif
