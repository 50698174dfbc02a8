/* token_model.h: token models: one piece of text to token ids, as Hugging Face's `tokenizers` does it.
 *
 *     fh_token_model *m;
 *     FH_TRY(fh_token_model_read(a, json, offset_bytes, &m, err));         the "model" object of a tokenizer.json
 *     fh_model_scratch *room;
 *     FH_TRY(fh_model_scratch_new(a, &room));                              one for each thread that encodes
 *     fh_token_list tokens;
 *     fh_token_list_init(&tokens, a, false);
 *     FH_TRY(fh_token_model_encode(m, room, FH_LIT("low"), &tokens));
 *
 * Four kinds: byte-pair encoding with all options of that format, WordPiece, WordLevel and Unigram. Ids and offsets are those
 * of the reference, where it is odd as well: bytes of a character that is no token may come before an unknown character that
 * stands before them, and where BPE has no unknown token a character that is none is left out and what follows moves forward,
 * so that offsets are sums of sizes and no places.
 *
 * Threading: a model is immutable after fh_token_model_read and fh_token_model_use_raw_bytes; any number of threads may encode
 * with it. Scratch and lists belong to one thread. */
#ifndef FREEHOLD_TEXT_PIPE_TOKEN_MODEL_H
#define FREEHOLD_TEXT_PIPE_TOKEN_MODEL_H

#include "freehold/json.h"
#include "freehold/tokenizer.h"
#include "text/pipe/pieces.h"

/* --- tokens of a text ------------------------------------------------------------------------------------------------- */

/* Token i is ids[i], bytes begins[i] to ends[i] of its piece, of word words[i] if somebody writes that down. With `ids_only`
 * the three others are left alone and cost nothing; it may change while the list is empty. */
typedef struct fh_token_list {
    fh_ref fh_allocator *allocator;
    fh_owned fh_u32s ids, begins, ends, words; /* of which `count` are in use */
    size_t count;
    bool ids_only;
} fh_token_list;

/* An empty list. Allocates nothing. */
void fh_token_list_init(fh_owned fh_view(2) fh_token_list *l, fh_ref fh_allocator *a, bool ids_only);
void fh_token_list_deinit(fh_drop fh_token_list *l);
/* Makes room for `more` tokens beyond count. FH_NOMEM changes nothing. */
FH_MUST_USE fh_status fh_token_list_reserve(fh_mut fh_token_list *l, size_t more);
/* Appends a token. FH_NOMEM. */
FH_MUST_USE fh_status fh_token_list_put(fh_mut fh_token_list *l, uint32_t id, uint32_t begin, uint32_t end);

/* A stretch of a text; `at` FH_NO_TOKEN: none. */
typedef struct fh_place {
    uint32_t at, size;
} fh_place;
FH_SPAN_DEFINE(place, fh_place);

/* --- the model -------------------------------------------------------------------------------------------------------- */

typedef enum fh_model_kind { FH_MODEL_BPE, FH_MODEL_WORDPIECE, FH_MODEL_WORDLEVEL, FH_MODEL_UNIGRAM } fh_model_kind;

/* Token ids are below this. */
enum { FH_MODEL_IDS_MAX = FH_VOCAB_MAX };

typedef struct fh_token_model fh_token_model;

/* Reads a model from its JSON object, with or without "type" (older files: BPE if there are merges, then WordPiece, WordLevel,
 * Unigram by their fields). `offset_bytes` is where `json` begins in its file, for error reports. FH_CORRUPT, FH_LIMIT (ids
 * from FH_MODEL_IDS_MAX on, 2^24 merges), FH_NOMEM. The text may go afterwards. */
FH_MUST_USE fh_status fh_token_model_read(fh_ref fh_allocator *a, fh_span json, size_t offset_bytes,
                                          fh_owned fh_view(1) fh_token_model **out, fh_mut fh_err *err);
/* The same for the value that comes next in a running reader, which then stands behind it. The text of the reader is all that
 * places are counted in. */
FH_MUST_USE fh_status fh_token_model_read_value(fh_ref fh_allocator *a, fh_mut fh_json *j,
                                                fh_owned fh_view(1) fh_token_model **out, fh_mut fh_err *err);
/* What a BPE or a Unigram model is made of that no JSON object tells of. Nothing is kept of it. */
typedef struct fh_model_parts {
    fh_views tokens;            /* the spelling of each id, in UTF-8; empty: the id is no token of the model */
    fh_views merges;            /* "left right", best first; or ranks instead */
    fh_owned fh_u32s ranks;     /* of each token, FH_NO_TOKEN where nothing becomes it: of all neighbours whose joint text is a
                                 * token, those of the lowest rank join first, the leftmost of them */
    fh_owned fh_f32s scores;    /* of each token: the model is Unigram, as in the SentencePiece library */
    fh_owned fh_u64s silent;    /* a bit for each id, or none: text never becomes this token */
    fh_owned fh_u64s symbols;   /* the same: stands for itself wherever it is met, and joins with nothing; silent, too */
    fh_owned fh_u32s byte_tokens; /* of each byte, for characters that are no token; or none */
    uint32_t unk;               /* for characters that lack a byte token; FH_NO_TOKEN: there are none */
    bool raw_bytes;             /* spellings are in GPT-2's alphabet, and pieces are raw bytes */
    bool fuse_unk;              /* neighbours that are unknown are one token */
    bool ignore_merges;         /* a whole piece that is a token is taken as it is */
} fh_model_parts;
void fh_model_parts_free(fh_ref fh_allocator *a, fh_drop fh_model_parts *parts);
/* The byte that the spelling "<0xAB>" names, or -1 for any other. */
int fh_model_byte_of(fh_span spelling);
/* The rank of a score that is a number: the higher one joins first, so its rank is lower; never FH_NO_TOKEN. */
uint32_t fh_model_rank_of(float score);
/* Builds one. FH_CORRUPT for two tokens of one spelling, or a merge of what is no token; FH_LIMIT, FH_NOMEM. */
FH_MUST_USE fh_status fh_token_model_build(fh_ref fh_allocator *a, const fh_model_parts *parts,
                                           fh_owned fh_view(1) fh_token_model **out, fh_mut fh_err *err);
/* NULL is allowed. */
void fh_token_model_free(fh_drop fh_token_model *m);

/* --- its tables as bytes ----------------------------------------------------------------------------------------------- */

/* What is large in a model, as bytes in the layout of this machine. What a model does not have is empty. */
enum { FH_MODEL_NUMBERS = 8 };
typedef struct fh_model_tables {
    uint64_t numbers[FH_MODEL_NUMBERS]; /* two seeds; switches and the longest; a bit for each byte in `uncut` */
    uint64_t identity;                  /* on the way in: a number that no other tables have */
    fh_span text, places, slots, merges, rules, nodes, scores, seams, known;
} fh_model_tables;

/* The tables of a model; false for one that has more than these and its options: it was built from lists of tokens that text
 * does not become. Valid until: fh_token_model_free. */
FH_MUST_USE bool fh_token_model_tables(fh_ref const fh_token_model *m, fh_out fh_view(1) fh_model_tables *out);
/* Appends the JSON object of a model with no token and no merge in it: what is small. */
FH_MUST_USE fh_status fh_token_model_write_options(fh_ref const fh_token_model *m, fh_mut fh_json_writer *w);
/* fh_token_model_read_value for what _write_options wrote, with the tables where they lie: they are checked, used in place and
 * never changed. FH_CORRUPT. */
FH_MUST_USE fh_status fh_token_model_open(fh_ref fh_allocator *a, fh_mut fh_json *j, fh_ref const fh_model_tables *t,
                                          fh_owned fh_view(1, *3) fh_token_model **out, fh_mut fh_err *err);

/* For BPE behind a byte-level pre-tokenizer: from now on pieces are raw bytes instead of their spelling in GPT-2's alphabet,
 * and offsets are in raw bytes too. False, and nothing changes, for a model that would give other tokens then (another kind, or
 * a letter of the alphabet is no token and that shows in UTF-8), or without memory. Before any thread encodes. */
FH_MUST_USE bool fh_token_model_use_raw_bytes(fh_mut fh_token_model *m);

/* For BPE: looks for what no two neighbouring characters join, so that long pieces can be cut there. It changes no token, only
 * time. FH_NOMEM. After fh_token_model_use_raw_bytes, before any thread encodes. */
FH_MUST_USE fh_status fh_token_model_find_seams(fh_mut fh_token_model *m);

/* For BPE on texts whose spaces become U+2581 and nothing else: from now on pieces have their spaces, and offsets are in them.
 * False, and nothing changes, for a model that would give other tokens then, or that has no seams. After
 * fh_token_model_find_seams, before any thread encodes. */
FH_MUST_USE bool fh_token_model_use_spaces(fh_mut fh_token_model *m);

/* With spaces: cuts a text from *at on into parts between which nothing joins, each of which may be encoded alone. Writes where
 * they end, as long as `ends` has room for FH_MASK_BYTES more, and moves *at behind them; returns how many. */
size_t fh_token_model_parts(fh_ref const fh_token_model *m, fh_masks_fn *masks, fh_span text, fh_mut size_t *at,
                            fh_u32s ends);

/* For Unigram on words that each get U+2581 before them: from now on that is done here, for pieces that do not begin with it,
 * and offsets are in the piece without it: a token of U+2581 alone lies at its begin and has no byte. False, and nothing
 * changes, for another kind, or if U+2581 is no token. Before any thread encodes. */
FH_MUST_USE bool fh_token_model_use_lead(fh_mut fh_token_model *m);

/* Appends a JSON object that reads back as the same model, its members in the reference's order. One that was built comes back
 * with rules of one order, and without what is silent, symbols, and characters that only tokens have. */
FH_MUST_USE fh_status fh_token_model_write(fh_ref const fh_token_model *m, fh_mut fh_json_writer *w);

fh_model_kind fh_token_model_kind(fh_ref const fh_token_model *m);
/* Number of tokens. */
size_t fh_token_model_size(fh_ref const fh_token_model *m);
/* One more than the highest id. */
uint32_t fh_token_model_id_end(fh_ref const fh_token_model *m);
/* The id of a token's spelling, or FH_NO_TOKEN. */
uint32_t fh_token_model_find(fh_ref const fh_token_model *m, fh_span spelling);
/* The same for many places in a text at once. */
void fh_token_model_find_all(fh_ref const fh_token_model *m, fh_span text, fh_places places, fh_u32s ids);
/* The spelling of an id; false for an id that is no token. Valid until: fh_token_model_free. */
FH_MUST_USE bool fh_token_model_spelling(fh_ref const fh_token_model *m, uint32_t id, fh_out fh_view(1) fh_span *out);
/* The unknown token, or FH_NO_TOKEN. The reference shows Unigram's unknown token as the text that it stands for. */
uint32_t fh_token_model_unknown(fh_ref const fh_token_model *m);
/* Where BPE has a suffix of words ("</w>"), and the prefix of what continues a word ("##"): empty for none. Valid until:
 * fh_token_model_free. */
fh_span fh_token_model_suffix(fh_ref const fh_token_model *m) fh_view(1);
fh_span fh_token_model_prefix(fh_ref const fh_token_model *m) fh_view(1);

/* --- encoding --------------------------------------------------------------------------------------------------------- */

/* Room to work in, and what pieces became that were met before. It may serve one model after another. */
typedef struct fh_model_scratch fh_model_scratch;

FH_MUST_USE fh_status fh_model_scratch_new(fh_ref fh_allocator *a, fh_owned fh_view(1) fh_model_scratch **out);
/* NULL is allowed. */
void fh_model_scratch_free(fh_drop fh_model_scratch *s);
/* Starts the numbers that are drawn anew (BPE dropout, Unigram's alpha): those of a text, which have nothing to do with those
 * of another one. Without a call they are of seed 0 and text 0. */
void fh_model_scratch_seed(fh_mut fh_model_scratch *s, uint64_t seed, uint64_t text);

/* Appends the tokens of a piece (any bytes; up to 1 GiB). Time is near linear in its size. FH_NOT_FOUND: it needs the unknown
 * token, and the vocabulary has none. FH_LIMIT, FH_NOMEM. A failure appends nothing. */
FH_MUST_USE fh_status fh_token_model_encode(fh_ref const fh_token_model *m, fh_mut fh_model_scratch *s, fh_span piece,
                                            fh_mut fh_token_list *out);

/* How fh_token_model_recall writes tokens down. */
typedef struct fh_recall_how {
    uint32_t add;        /* to places in the text */
    uint32_t word, step; /* the word of the first piece, and how much that of each next one is higher */
    uint32_t none;       /* no piece of which this is a token; or FH_NO_TOKEN */
} fh_recall_how;
/* What fh_token_model_encode would do for the first ones of `pieces`, as long as they are text and were met before, at most as
 * many as `out` has room for FH_RECALL_TOKENS each. Offsets are places in `text`, that of a token without a byte its piece's
 * first one, and words are written down. Returns of how many pieces. */
enum { FH_RECALL_TOKENS = 6 };
size_t fh_token_model_recall(fh_ref const fh_token_model *m, fh_ref const fh_model_scratch *s, fh_span text,
                             fh_piece_items pieces, const fh_recall_how *how, fh_mut fh_token_list *out);

#endif
