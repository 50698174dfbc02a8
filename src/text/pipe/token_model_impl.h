/* token_model_impl.h: what a token model is made of, for the files of this folder.
 *
 *   token_model.c        lists, scratch, the memory of pieces, questions, and the one way in: a piece to tokens
 *   token_model_read.c   the JSON object; token_model_write.c  and back
 *   token_model_build.c  BPE from lists of tokens, with merges or ranks
 *   token_model_tables.c the large tables as bytes, and back in place
 *   spellings.c          spelling → id and back
 *   merge_table.c        (left, right) → the rule that joins them
 *   bpe_model.c          byte-pair encoding
 *   seams.c              where a piece may be cut before that
 *   byte_trie.c          the longest prefixes of a text that are tokens; for the next two
 *   wordpiece.c, unigram.c, unigram_sample.c   (WordLevel is one look into the spellings)
 *
 * Invariants of a model that was read: every id in it is below spellings.places.count or FH_NO_TOKEN; every rule that the merge
 * table names is in rules, and no rank is UINT32_MAX, which says that there is no rule; nothing changes any more. */
#ifndef FREEHOLD_TEXT_PIPE_TOKEN_MODEL_IMPL_H
#define FREEHOLD_TEXT_PIPE_TOKEN_MODEL_IMPL_H

#include "freehold/hash.h"
#include "text/pipe/token_model.h"

/* --- spellings.c ----------------------------------------------------------------------------------------------------- */

FH_ARRAY_DEFINE(place);
FH_LENT_DEFINE(place);

/* Tokens by id and by spelling. A slot has 32 bits of its spelling's hash over the id, so that few others are looked at. */
typedef struct fh_spellings {
    fh_owned fh_buf text;
    fh_span lent;              /* the text, where it lies in bytes of somebody else; then `text` is empty */
    fh_owned fh_places places; /* by id */
    fh_owned fh_u64s slots;    /* a power of two, at most 2/3 full; UINT64_MAX: empty */
    size_t count;     /* different spellings */
    uint64_t seed;    /* from all spellings and ids; hashed.h */
} fh_spellings;

static inline fh_span fh_spellings_text(const fh_spellings *s) fh_view(1) {
    return s->lent.size != 0 ? s->lent : fh_buf_view(&s->text);
}
/* Builds both directions for `entries`, which are triples: id, place and size in s->text. A spelling that comes again counts
 * anew: its id is the later one, and with `by_name` the earlier one is free again. FH_CORRUPT: two spellings of one id;
 * FH_LIMIT: spellings whose hashes collide; FH_NOMEM. */
FH_MUST_USE fh_status fh_spellings_build(fh_ref fh_allocator *a, fh_mut fh_spellings *s, fh_u32s entries, bool by_name,
                                         fh_mut fh_err *err);
/* The id of a spelling, or FH_NO_TOKEN. */
uint32_t fh_spellings_find(const fh_spellings *s, fh_span spelling);
/* The same for many places in a text: looks that do not wait for each other, and so take a third of the time where tables are
 * large. */
void fh_spellings_find_all(const fh_spellings *s, fh_span text, fh_places spellings, fh_u32s ids);
/* True if an id is that of `left` and `right` together. */
bool fh_spellings_joins(const fh_spellings *s, uint32_t id, fh_span left, fh_span right);
/* The spelling of an id; empty for one that is none. */
fh_span fh_spellings_get(const fh_spellings *s, uint32_t id) fh_view(1);

/* --- merge_table.c ---------------------------------------------------------------------------------------------------- */

/* What joining two tokens gives, and when: the lowest rank first. */
typedef struct fh_merge_rule {
    uint32_t rank, result;
} fh_merge_rule;
FH_SPAN_DEFINE(merge_rule, fh_merge_rule);
FH_ARRAY_DEFINE(merge_rule);
FH_LENT_DEFINE(merge_rule);

/* A slot is left << 44 | right << 24 | rule; UINT64_MAX: empty. A look that fails, as most do, touches one line of memory. */
enum { FH_MERGE_RULES_MAX = (1 << 24) - 1 };
typedef struct fh_merge_table {
    fh_owned fh_u64s slots; /* a power of two, at most 2/3 full; or none */
    fh_owned fh_merge_rules rules;
    uint64_t seed;
} fh_merge_table;

/* An empty table with room for `count` rules, all of them unused. */
FH_MUST_USE fh_status fh_merge_table_new(fh_ref fh_allocator *a, size_t count, uint64_t seed, fh_mut fh_merge_table *out);
void fh_merge_table_free(fh_ref fh_allocator *a, fh_drop fh_merge_table *t);
/* Rules 0, 1, … from triples: left, right (below FH_MODEL_IDS_MAX), result; each has its number as its rank, and takes the
 * place of an earlier one that joins the same. FH_LIMIT: rules whose hashes collide. */
FH_MUST_USE fh_status fh_merge_table_put_all(fh_mut fh_merge_table *t, fh_u32s triples, fh_mut fh_err *err);
/* pairs[rule] = left << 32 | right, or UINT64_MAX where another rule took its place. */
void fh_merge_table_list(const fh_merge_table *t, fh_u64s pairs);
/* The number of the rule that joins two ids, or FH_NO_TOKEN. */
uint32_t fh_merge_table_find(const fh_merge_table *t, uint32_t left, uint32_t right);

/* --- byte_trie.c ------------------------------------------------------------------------------------------------------ */

/* A node: its child by byte c is node base + c, if that one's parent is this one. Node 0 is the root. There are 256 nodes from
 * every base on. No node lies deeper than FH_TRIE_BYTES_MAX, so that looking costs at most so many steps a byte. */
enum { FH_TRIE_BYTES_MAX = 4096 };
typedef struct fh_trie_node {
    uint32_t base, parent, token; /* token: the one that ends here, or FH_NO_TOKEN */
} fh_trie_node;
FH_SPAN_DEFINE(trie_node, fh_trie_node);
FH_ARRAY_DEFINE(trie_node);
FH_LENT_DEFINE(trie_node);
typedef struct fh_byte_trie {
    fh_owned fh_trie_nodes nodes;
} fh_byte_trie;

/* Of all spellings, or of those whose id has its bit in `only`. FH_LIMIT: one is longer than FH_TRIE_BYTES_MAX. FH_NOMEM. */
FH_MUST_USE fh_status fh_byte_trie_build(fh_ref fh_allocator *a, const fh_spellings *s, fh_u64s only, fh_mut fh_byte_trie *out,
                                         fh_mut fh_err *err);
void fh_byte_trie_free(fh_ref fh_allocator *a, fh_drop fh_byte_trie *t);
/* The longest token that begins at `at` < text.size, or FH_NO_TOKEN. */
uint32_t fh_byte_trie_longest(const fh_byte_trie *t, fh_span text, size_t at, fh_out size_t *size);
/* The child of a node, or 0. */
static inline uint32_t fh_byte_trie_step(const fh_byte_trie *t, uint32_t node, uint8_t byte) {
    uint32_t child = fh_trie_nodes_at(t->nodes, node)->base + byte;
    return fh_trie_nodes_at(t->nodes, child)->parent == node ? child : 0;
}

/* --- the model -------------------------------------------------------------------------------------------------------- */

FH_SPAN_DEFINE(logprob, double);
FH_ARRAY_DEFINE(logprob);
FH_LENT_DEFINE(logprob);

/* A name that a model may have: a token or a part of one. */
typedef struct fh_model_name {
    fh_place place; /* in names */
    bool given;     /* not null */
} fh_model_name;

/* The token of an ASCII character, or with raw_bytes of a byte: [first in its piece + 2 × last]. */
typedef struct fh_letters {
    uint32_t of[4][256];
} fh_letters;

/* A bit for each two characters of ASCII between which a piece may be cut: [left][right / 64]. */
typedef struct fh_apart {
    uint64_t of[128][2];
} fh_apart;

struct fh_token_model {
    fh_ref fh_allocator *allocator;
    bool lent; /* places, slots, rules, nodes, scores, seams and known lie in bytes of somebody else */
    fh_model_kind kind;
    fh_spellings spellings;
    fh_owned fh_buf names;
    fh_model_name unk_name, prefix, suffix;
    uint32_t unk;      /* FH_NO_TOKEN: none */
    uint64_t identity; /* of the whole model, never 0: models of one identity make the same of every piece */
    /* BPE */
    double dropout;
    bool has_dropout;
    bool drops; /* what a piece becomes is left to chance: dropout or alpha is not 0 */
    bool fuse_unk, byte_fallback, ignore_merges, raw_bytes;
    uint32_t parts;   /* the last so many ids are symbols of a model that was built, but no tokens */
    fh_owned fh_u64s silent; /* a bit for each token that text never becomes, or none */
    fh_merge_table merges;
    uint32_t byte_token[256]; /* <0x00> to <0xFF>, or FH_NO_TOKEN */
    fh_letters letters;
    fh_owned fh_u64s seams;   /* a power of two, or none: seams.c */
    fh_owned fh_u64s known;   /* with seams: a bit for each code point of three bytes that is a token, or whose bytes are */
    bool splits;              /* with seams: some of what rules make begins or ends within a character */
    bool bytes_stand_alone;   /* no rule joins what characters that are no tokens become */
    bool spaces;              /* pieces have spaces for what spellings have U+2581 for */
    fh_apart apart;           /* with spaces */
    bool leads;               /* U+2581 comes before each piece that does not begin with it */
    fh_byte_trie symbols;     /* tokens that stand for themselves wherever they are met; no nodes: none */
    bool cuts_words;          /* pieces are cut before U+2581 after something else … */
    bool uncut[256];          /* … that does not end with this byte: no rule joins across such a place */
    /* WordPiece, Unigram */
    fh_byte_trie trie;
    uint32_t inner;    /* WordPiece: the node of the prefix; FH_NO_TOKEN: no token has it */
    uint64_t chars_max;
    fh_owned fh_logprobs scores; /* by id */
    double unk_score;
    double alpha;      /* Unigram: more than 0: tokens are drawn, unigram_sample.c … */
    uint64_t nbest;    /* … from so many ways; 0: from all */
    bool has_alpha;
    bool single; /* SentencePiece's way: sums are rounded to float32, and unknown text is not looked up as a whole */
};

/* A blank model, or NULL without memory. */
fh_owned_or_null fh_token_model *fh_token_model_blank(fh_ref fh_allocator *a) fh_view(1);

/* The token or symbol that a text may become as a whole, or FH_NO_TOKEN. */
static inline uint32_t fh_model_token(const fh_token_model *m, fh_span spelling) {
    uint32_t id = fh_spellings_find(&m->spellings, spelling);
    bool silent = id / 64 < m->silent.count && (fh_u64s_get(m->silent, id / 64) >> id % 64 & 1) != 0;
    return silent ? FH_NO_TOKEN : id;
}

fh_span fh_model_name_view(const fh_token_model *m, fh_model_name name) fh_view(1);

/* --- token_model_tables.c ------------------------------------------------------------------------------------------------ */

/* Takes the tables for a model whose options are read: all that encoding follows in them is checked, once. FH_CORRUPT names
 * what is wrong; the model may have some of them then. */
FH_MUST_USE fh_status fh_model_tables_take(fh_mut fh_view(2) fh_token_model *m, const fh_model_tables *t, fh_mut fh_err *err);

/* --- scratch ---------------------------------------------------------------------------------------------------------- */

/* A symbol of a long piece, in a doubly linked list. */
typedef struct fh_merge_symbol {
    uint32_t token, size, prev, next; /* FH_NO_TOKEN at the ends; size 0: joined into the one before */
    uint32_t rule, rank;              /* of (this, next), or FH_NO_TOKEN */
} fh_merge_symbol;
FH_SPAN_DEFINE(merge_symbol, fh_merge_symbol);
FH_ARRAY_DEFINE(merge_symbol);

/* A piece that was met, one line of memory: its bytes and, in the highest byte, its size; 0: none. */
enum { FH_MET_BYTES = 31, FH_MET_TOKENS = FH_RECALL_TOKENS };
typedef struct fh_met_key {
    uint64_t a, b, c, d;
} fh_met_key;
typedef struct fh_met {
    fh_met_key key;
    uint32_t ids[FH_MET_TOKENS];
    uint8_t count, ends[FH_MET_TOKENS];
} fh_met;
_Static_assert(sizeof(fh_met) == 64, "one line");
FH_SPAN_DEFINE(met, fh_met);
FH_ARRAY_DEFINE(met);

/* The best way to a place of a text, for Unigram. */
typedef struct fh_best_path {
    double score;
    uint32_t from, token; /* FH_NO_TOKEN: nothing leads here yet */
} fh_best_path;
FH_SPAN_DEFINE(best_path, fh_best_path);
FH_ARRAY_DEFINE(best_path);

/* A piece of up to FH_SHORT_MAX symbols; pair: of (this, next), rank × 2^32 + rule, or UINT64_MAX. */
enum { FH_SHORT_MAX = 32 };
typedef struct fh_short_piece {
    uint64_t pair[FH_SHORT_MAX];
    uint32_t token[FH_SHORT_MAX], size[FH_SHORT_MAX];
} fh_short_piece;

struct fh_model_scratch {
    fh_ref fh_allocator *allocator;
    fh_owned fh_mets met;
    uint64_t identity;    /* of the model that `met` is of */
    uint64_t quick;       /* the same if that one looks at `met` first, else 0 */
    size_t unmet_bytes;   /* of pieces that were encoded before there was such a memory */
    fh_token_list found;  /* of one piece */
    uint32_t end;         /* of the last token there */
    fh_owned fh_merge_symbols symbols;
    fh_short_piece piece;
    fh_owned fh_u64s heap, skipped;
    fh_owned fh_best_paths paths;
    fh_buf spelling;
    uint64_t seed, text, drawn; /* of what is left to chance, and how many numbers were drawn */
};

/* The next number by chance, from 0 to below 1. */
static inline double fh_model_draw(fh_mut fh_model_scratch *s) {
    return fh_philox(s->seed, s->drawn++, s->text).word[0] * 0x1p-32;
}

/* Room for at least `count` elements; what was in it is lost. */
FH_MUST_USE fh_status fh_scratch_symbols(fh_mut fh_model_scratch *s, size_t count);

/* --- one piece, into s->found ------------------------------------------------------------------------------------------ */

/* Appends a token that begins where the last one ended. */
FH_MUST_USE fh_status fh_found_put(fh_mut fh_model_scratch *s, uint32_t id, uint32_t size);

void fh_found_clear(fh_mut fh_model_scratch *s);

/* *id = the token that a whole piece is, where that counts before any merge does (ignore_merges), or FH_NO_TOKEN. */
FH_MUST_USE fh_status fh_bpe_whole(const fh_token_model *m, fh_mut fh_model_scratch *s, fh_span piece, fh_out uint32_t *id);
FH_MUST_USE fh_status fh_bpe_piece(const fh_token_model *m, fh_mut fh_model_scratch *s, fh_span piece);
FH_MUST_USE fh_status fh_wordpiece_piece(const fh_token_model *m, fh_mut fh_model_scratch *s, fh_span piece);
FH_MUST_USE fh_status fh_unigram_piece(const fh_token_model *m, fh_mut fh_model_scratch *s, fh_span piece);

/* Draws a way through a piece of a model with alpha. The paths, which are blank, become those of fh_unigram_piece. FH_NOMEM. */
FH_MUST_USE fh_status fh_unigram_sample(const fh_token_model *m, fh_mut fh_model_scratch *s, fh_span piece);

/* Where the part of a piece that begins at `at` ends: at the next seam, or with the piece. Only with seams. A piece that has
 * one is no token that counts before any merge does. */
size_t fh_bpe_part_end(const fh_token_model *m, fh_span piece, size_t at);

/* Fills m->apart. Only with seams. */
void fh_bpe_find_apart(fh_mut fh_token_model *m);

/* Fills byte_token and letters, for a model whose spellings, names and switches are there. */
FH_MUST_USE fh_status fh_bpe_letters(fh_mut fh_token_model *m);

#endif
