/* tokenizer_impl.h: what a tokenizer is made of, for the files of this folder.
 *
 *   tokenizer.c   checks a vocabulary, builds the tables, answers questions about tokens
 *   vocab.c       the two hash tables: token text → id, and pair of numbers → two numbers
 *   special.c     finds user-defined and control tokens in text
 *   pretok.c      cuts text into pieces before byte-level BPE
 *   merge.c       merges the symbols of one piece, best pair first
 *   bpe.c, spm.c  one piece of text to ids, by each algorithm
 *   recall.c      remembers pieces within a call
 *   encode.c      text to ids
 *   front.c       the public functions, for these vocabularies and for pipelines (pipe/pipeline.h)
 *
 * Invariants of a built tokenizer: every id in it is below tokens.count or FH_NO_TOKEN; `spelling` and `bytes` of a token
 * lie in `text`; nothing changes after fh_tokenizer_new. */
#ifndef FH_TEXT_TOKENIZER_IMPL_H
#define FH_TEXT_TOKENIZER_IMPL_H

#include "freehold/share.h"
#include "freehold/tokenizer.h"

/* A longest special token, so that looking for them costs at most so many steps a byte of text. */
enum { FH_SPECIAL_BYTES_MAX = 512 };

/* One token. */
typedef struct fh_token {
    fh_span spelling; /* as in the file */
    fh_span bytes;    /* the text it stands for */
    uint32_t order;   /* SPM: merges of lower order come first; from the score */
    fh_token_type type;
    bool ends;        /* ends an answer */
} fh_token;
FH_SPAN_DEFINE(token, fh_token);
FH_ARRAY_DEFINE(token);

/* A table of (left, right) → (rank, result), open addressing; rank FH_NO_TOKEN marks an empty slot. */
typedef struct fh_pair {
    uint32_t left, right, rank, result;
} fh_pair;
FH_SPAN_DEFINE(pair, fh_pair);
FH_ARRAY_DEFINE(pair);
typedef struct fh_pair_table {
    fh_owned fh_pairs slots; /* a power of two, at most 2/3 full; or none */
    uint64_t seed;
} fh_pair_table;

/* An empty table with room for `count` pairs. */
FH_MUST_USE fh_status fh_pair_table_new(fh_ref fh_allocator *a, size_t count, uint64_t seed, fh_out fh_pair_table *out);
/* Adds a pair; false when it is there already. Adding more than `count` pairs is a programmer's error. */
FH_MUST_USE bool fh_pair_table_put(fh_mut fh_pair_table *t, fh_pair pair);
/* The entry of (left, right); its rank is FH_NO_TOKEN when there is none. */
fh_pair fh_pair_table_find(const fh_pair_table *t, uint32_t left, uint32_t right);

/* The tokens that are looked for in raw text, as a trie: node 0 is the root. */
typedef struct fh_special {
    fh_pair_table edges;  /* (node, byte) → child, as result */
    fh_owned fh_u32s token;        /* of each node: the token that ends here, or FH_NO_TOKEN */
    uint32_t first[256];  /* the root's child for each byte, or 0 */
} fh_special;

struct fh_tokenizer {
    fh_ref fh_allocator *allocator;
    fh_handles handles;
    fh_owned_or_null struct fh_pipeline *pipeline; /* of a tokenizer.json: then nothing below is used */
    fh_vocab_kind kind;
    fh_pretok pretok;
    fh_owned fh_tokens tokens;
    fh_owned fh_mspan text;       /* all spellings, then all bytes that differ from their spelling */
    fh_owned fh_u32s by_spelling; /* ids by hash of the spelling, open addressing; FH_NO_TOKEN: empty */
    uint64_t seed;       /* of the hashes: from the vocabulary itself, so that no file can aim at collisions */
    size_t longest;      /* bytes of the longest spelling */
    fh_pair_table merges;
    fh_special special;
    uint32_t byte_token[256]; /* the token of a single byte, or FH_NO_TOKEN */
    uint32_t bos, eos, unk;
    bool add_bos, add_eos, add_space_prefix, ignore_merges;
    bool splits_words; /* SPM: no token has U+2581 after anything else, so merges stay within words */
};

/* --- vocab.c --------------------------------------------------------------------------------------------------------- */

/* Builds by_spelling; FH_CORRUPT for two tokens of one spelling. Empty spellings stay outside. */
FH_MUST_USE fh_status fh_vocab_index(fh_mut fh_tokenizer *tok, fh_mut fh_err *err);
/* The token that text may become: its spelling is `text` and it is no control, unknown or byte token. FH_NO_TOKEN: none. */
uint32_t fh_vocab_match(const fh_tokenizer *tok, fh_span text);
/* The id of a token's own spelling, or FH_NO_TOKEN. */
uint32_t fh_vocab_find(const fh_tokenizer *tok, fh_span spelling);
/* True for the spelling of a token that ends an answer. */
bool fh_vocab_ends_answer(fh_span spelling);
/* Ends a tokenizer of either kind, whose last handle is over. */
void fh_vocab_end(fh_drop fh_tokenizer *tok);
/* True for tokens that fh_vocab_match gives. */
bool fh_vocab_is_text(fh_token_type type);

/* --- bytes of GPT-2's alphabet (bytes.py of that model: a printable letter for each byte) ---------------------------- */

/* The code point that stands for a byte. */
uint32_t fh_alphabet_code(uint8_t byte);
/* The byte that a code point stands for, or -1. */
int fh_alphabet_byte(uint32_t code);

/* --- special.c ------------------------------------------------------------------------------------------------------- */

/* Builds the trie of the user-defined, control and unknown tokens. */
FH_MUST_USE fh_status fh_special_build(fh_mut fh_tokenizer *tok, fh_mut fh_err *err);
/* The first, and there the longest, special token at or after `from`; false when there is none. Control and unknown tokens
 * count only if `control`. */
FH_MUST_USE bool fh_special_find(const fh_tokenizer *tok, fh_span text, size_t from, bool control, fh_mut size_t *at,
                                 fh_mut uint32_t *id);

/* --- pretok.c -------------------------------------------------------------------------------------------------------- */

/* Where the piece that begins at `at` < text.size ends; always beyond `at`. */
size_t fh_pretok_end(fh_pretok kind, fh_span text, size_t at);

/* --- merge.c --------------------------------------------------------------------------------------------------------- */

/* A stretch of a piece: bytes at .. at + size, the token they make, and what joining it with the next one gives. */
typedef struct fh_symbol {
    uint32_t at, size, token;
    uint32_t prev, next;   /* FH_NO_TOKEN at the ends */
    uint32_t rank, result; /* of (this, next); rank FH_NO_TOKEN: they do not join */
} fh_symbol;
FH_SPAN_DEFINE(symbol, fh_symbol);
FH_ARRAY_DEFINE(symbol);

/* A piece that was encoded before: its bytes as numbers, and its ids; size 0: none. */
enum { FH_RECALL_IDS = 4 };
typedef struct fh_recall {
    uint64_t key[2];
    uint32_t size, count;
    uint32_t ids[FH_RECALL_IDS];
} fh_recall;
FH_SPAN_DEFINE(recall, fh_recall);
FH_ARRAY_DEFINE(recall);

/* Scratch memory of one encode call. */
typedef struct fh_merger {
    const fh_tokenizer *tok;
    fh_ref fh_allocator *allocator;
    fh_ids *out;
    fh_owned fh_symbols symbols;
    size_t count;       /* symbols in use */
    fh_owned fh_u64s heap;
    size_t heap_count;
    fh_owned fh_buf other; /* a spelling */
    fh_owned fh_recalls recall;  /* pieces encoded before; none for short texts */
} fh_merger;

void fh_merger_init(fh_owned fh_view(2, 3) fh_merger *m, const fh_tokenizer *tok, fh_mut fh_ids *out);
void fh_merger_deinit(fh_drop fh_merger *m);
/* Makes room for `count` symbols and sets m->count to 0. */
FH_MUST_USE fh_status fh_merger_reset(fh_mut fh_merger *m, size_t count);
/* Appends a symbol. */
void fh_merger_add(fh_mut fh_merger *m, uint32_t at, uint32_t size, uint32_t token);
/* Joins the symbols, which were cut from `piece`, the lowest rank first, the leftmost first among equals, until none join;
 * symbol 0 heads what is left. */
FH_MUST_USE fh_status fh_merge(fh_mut fh_merger *m, fh_span piece);

/* --- recall.c -------------------------------------------------------------------------------------------------------- */

/* Prepares the memory of pieces for a text of so many bytes. */
FH_MUST_USE fh_status fh_recall_init(fh_mut fh_merger *m, size_t text_bytes);
/* Appends the ids of a piece, from memory or by `encode`, which must depend on the piece alone. */
FH_MUST_USE fh_status fh_recall_encode(fh_mut fh_merger *m, fh_span piece, fh_status (*encode)(fh_merger *m, fh_span piece));

/* --- bpe.c, spm.c ---------------------------------------------------------------------------------------------------- */

/* fh_tokenizer_encode and fh_tokenizer_piece of a vocabulary. */
FH_MUST_USE fh_status fh_vocab_encode(const fh_tokenizer *tok, fh_span text, fh_encode_options options, fh_mut fh_ids *out,
                                      fh_mut fh_err *err);
FH_MUST_USE fh_status fh_vocab_piece(const fh_tokenizer *tok, uint32_t id, bool first, bool control, fh_mut fh_buf *out);

/* Appends the ids of a text that holds no special token. `prefix`: SPM: a special token or nothing stands before it.
 * `rewritten`: room for the text with its spaces marked. */
FH_MUST_USE fh_status fh_bpe_encode(fh_mut fh_merger *m, fh_span text);
FH_MUST_USE fh_status fh_spm_encode(fh_mut fh_merger *m, fh_mut fh_buf *rewritten, fh_span text, bool prefix);
/* Reads the merges: FH_CORRUPT for one that is malformed, repeated, or names an unknown token. */
FH_MUST_USE fh_status fh_bpe_build(fh_mut fh_tokenizer *tok, fh_views merges, fh_mut fh_err *err);

#endif
