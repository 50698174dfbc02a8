/* train_impl.h: what the trainers share: strings that are kept once, lists that grow, sorting, and what a model is made of.
 *
 *   strings.c      strings with numbers
 *   train_words.c  words and their counts, by many threads
 *   train_like.c   words and options for a tokenizer that is there
 *   train.c        checks options and calls a trainer; WordLevel
 *   alphabet.c     special tokens and characters, the beginning of BPE's vocabulary
 *   pairs.c        counts of pairs, and the queue of the best ones
 *   bpe_train.c    BPE, WordPiece
 *   seeds.c        repeated substrings
 *   lattice.c      all ways to cut a word into pieces
 *   unigram_train.c  Unigram
 *   logexp.c       logarithm, exponential, digamma
 *   train_save.c   writes tokenizer.json
 *
 * Threading: what a call of fh_train makes belongs to it; parts write only what is their own. */
#ifndef FH_TEXT_TRAIN_IMPL_H
#define FH_TEXT_TRAIN_IMPL_H

#include "freehold/checked.h"
#include "freehold/train.h"

enum { FH_TRAIN_CODES = 0x110000 }; /* one more than the last code point */

/* --- lists that grow --------------------------------------------------------------------------------------------------- */

/* Defines fh_NAME_list of a span type fh_NAMEs, its elements items[0 .. count), and fh_NAME_list_room (room for `more` elements
 * behind them, at least doubling; FH_NOMEM changes nothing), _put (appends) and _deinit (frees). A zeroed list with an
 * allocator is empty. */
#define FH_TRAIN_LIST_DEFINE(name)                                                                            \
    typedef struct fh_##name##_list {                                                                         \
        fh_ref fh_allocator *allocator;                                                                       \
        fh_owned fh_##name##s items;                                                                          \
        size_t count;                                                                                         \
    } fh_##name##_list;                                                                                       \
    FH_UNUSED FH_MUST_USE static fh_status fh_##name##_list_room(fh_mut fh_##name##_list *l, size_t more) {   \
        size_t want, twice;                                                                                   \
        if (!fh_add_size(l->count, more, &want) || !fh_mul_size(l->items.count, 2, &twice))                   \
            return FH_STATUS(FH_NOMEM);                                                                       \
        if (want <= l->items.count)                                                                           \
            return FH_DONE;                                                                                   \
        want = want < twice ? twice : want < 16 ? 16 : want;                                                  \
        fh_##name##s larger;                                                                                  \
        FH_TRY(fh_##name##s_new(l->allocator, want, &larger));                                                \
        if (l->count != 0)                                                                                    \
            fh_span_copy(fh_##name##s_bytes(larger),                                                          \
                         fh_span_of_mut(fh_##name##s_bytes(fh_##name##s_sub(l->items, 0, l->count))));        \
        fh_##name##s_free(l->allocator, &l->items);                                                           \
        l->items = larger;                                                                                    \
        return FH_DONE;                                                                                       \
    }                                                                                                         \
    FH_UNUSED FH_MUST_USE static inline fh_status fh_##name##_list_put(fh_mut fh_##name##_list *l,            \
                                                                       __typeof__(*l->items.at) v) {          \
        if (l->count == l->items.count)                                                                       \
            FH_TRY(fh_##name##_list_room(l, 1));                                                              \
        fh_##name##s_set(l->items, l->count++, v);                                                            \
        return FH_DONE;                                                                                       \
    }                                                                                                         \
    FH_UNUSED static void fh_##name##_list_deinit(fh_drop fh_##name##_list *l) {                               \
        fh_##name##s_free(l->allocator, &l->items);                                                           \
        l->count = 0;                                                                                         \
    }                                                                                                         \
    struct fh_##name##_list

FH_TRAIN_LIST_DEFINE(u32);
FH_TRAIN_LIST_DEFINE(u64);

/* --- strings.c --------------------------------------------------------------------------------------------------------- */

/* No string has that number. */
#define FH_TRAIN_NONE UINT32_MAX

/* Strings in the order in which they came, each once. */
typedef struct fh_strings {
    fh_ref fh_allocator *allocator;
    fh_owned fh_buf bytes;
    fh_owned fh_u64_list ends; /* where string i ends in `bytes` */
    fh_owned fh_u64s cells; /* half a hash, and the number + 1; 0: empty. A power of two, at most half in use */
    size_t count;           /* of strings */
} fh_strings;

void fh_strings_init(fh_owned fh_view(2) fh_strings *s, fh_ref fh_allocator *a);
void fh_strings_deinit(fh_drop fh_strings *s);
/* The number of a string, which is added if it is new. FH_LIMIT from 2^32 - 1 strings on. */
FH_MUST_USE fh_status fh_strings_put(fh_mut fh_strings *s, fh_span text, fh_out uint32_t *id);
/* The number of a string, or FH_TRAIN_NONE. */
uint32_t fh_strings_find(fh_ref const fh_strings *s, fh_span text);
/* String `id`. Valid until: the next put or deinit. */
fh_span fh_strings_get(fh_ref const fh_strings *s, uint32_t id) fh_view(1);

/* True if `a` comes before `b`; never for equal ones. */
typedef bool fh_train_less(const void *ctx, uint32_t a, uint32_t b);
/* Sorts; elements of which neither comes first keep their order. FH_NOMEM. */
FH_MUST_USE fh_status fh_train_sort(fh_ref fh_allocator *a, fh_u32s order, fh_train_less *less, const void *ctx);

/* --- train_words.c ----------------------------------------------------------------------------------------------------- */

/* What a tokenizer's steps work in (train_like.c). */
typedef struct fh_train_cutter fh_train_cutter;
/* NULL is allowed. */
void fh_train_cutter_free(fh_drop fh_train_cutter *c);

/* What one part counts. */
struct fh_train_sink {
    _Alignas(FH_ALLOC_ALIGN) fh_owned fh_strings strings; /* a cache line of its own */
    fh_owned fh_u64_list counts;
    fh_owned fh_buf scratch; /* a word that is put together: UTF-8 */
    fh_owned_or_null fh_train_cutter *cutter;
    uint64_t total;
};
FH_SPAN_DEFINE(train_sink, fh_train_sink);
FH_ARRAY_DEFINE(train_sink);

/* Puts a word that is known to be UTF-8. */
FH_MUST_USE fh_status fh_train_sink_add(fh_mut fh_train_sink *sink, fh_span word);
/* Puts the word in scratch, and empties it. */
FH_MUST_USE fh_status fh_train_sink_end(fh_mut fh_train_sink *sink);

struct fh_train_words {
    fh_ref fh_allocator *allocator;
    fh_owned fh_train_sink first;   /* of part 0, and at the end of all */
    fh_owned fh_train_sinks others; /* of each further part so far */
};

/* The words in their fixed order: the most frequent first, equally frequent ones by their bytes. */
typedef struct fh_train_list {
    fh_ref const fh_strings *strings;
    fh_u64s counts;         /* of each string */
    fh_owned fh_u32s order;
    uint64_t total;
} fh_train_list;
/* Moves all counts into the first sink, and sorts. Valid until: the words change. */
FH_MUST_USE fh_status fh_train_words_list(fh_mut fh_train_words *words, fh_owned fh_view(1) fh_train_list *out);
void fh_train_list_deinit(fh_drop fh_train_list *list, fh_ref fh_allocator *a);

/* --- pairs.c ----------------------------------------------------------------------------------------------------------- */

/* Two neighbours as one number, ordered as (left, right). */
static inline uint64_t fh_train_pair(uint32_t left, uint32_t right) {
    return (uint64_t)left << 32 | right;
}

/* How often a pair stands in all words. */
typedef struct fh_bigram {
    uint64_t pair;   /* FH_TRAIN_NO_PAIR: an empty cell */
    int64_t count;
    uint32_t group;  /* of the merge at hand: its number + 1, or 0 */
    uint32_t merged; /* when it was merged: number + 1, or 0 */
} fh_bigram;
FH_SPAN_DEFINE(bigram, fh_bigram);
FH_ARRAY_DEFINE(bigram);
#define FH_TRAIN_NO_PAIR UINT64_MAX
typedef struct fh_bigram_table {
    fh_ref fh_allocator *allocator;
    fh_owned fh_bigrams cells; /* a power of two, at most half in use */
    size_t count;
} fh_bigram_table;
/* Room for `more` pairs beyond those there are. FH_NOMEM changes nothing. */
FH_MUST_USE fh_status fh_bigram_reserve(fh_mut fh_bigram_table *t, size_t more);
/* The cell of a pair, which is added with zeros if it is new; there has to be room. Valid until: the next reserve. */
fh_bigram *fh_bigram_at(fh_mut fh_bigram_table *t, uint64_t pair) fh_view(1);
/* Frees the memory; the table is empty. */
void fh_bigram_clear(fh_mut fh_bigram_table *t);
void fh_bigram_deinit(fh_drop fh_bigram_table *t);

/* A pair that waits to be merged, and where: places[at .. at + size). */
typedef struct fh_candidate {
    int64_t count; /* when it was put */
    uint64_t pair, at;
    uint32_t size;
} fh_candidate;
FH_SPAN_DEFINE(candidate, fh_candidate);
FH_ARRAY_DEFINE(candidate);
FH_TRAIN_LIST_DEFINE(candidate);
/* The queue: a list that is a heap, the most frequent candidate on top, the lowest pair first among equals. */
FH_MUST_USE fh_status fh_candidate_put(fh_mut fh_candidate_list *q, fh_candidate c);
/* The best one; there has to be one. */
fh_candidate fh_candidate_take(fh_mut fh_candidate_list *q);

/* --- a model ----------------------------------------------------------------------------------------------------------- */

struct fh_trained {
    fh_ref fh_allocator *allocator;
    fh_train_kind kind;
    fh_owned fh_strings tokens;
    fh_owned fh_u32s ids;      /* WordLevel: of each id its token, or FH_TRAIN_NONE; else empty: the same */
    fh_owned fh_u64_list merges; /* left << 32 | right, in order */
    fh_owned fh_u64s scores;   /* Unigram: bits of a float64 for each token */
    fh_owned fh_u32s specials; /* ids, in the order of the options */
    fh_owned fh_buf prefix, suffix;
    uint32_t unk;              /* Unigram: or FH_TRAIN_NONE */
    fh_train_stats stats;
};

/* What a trainer is called with. */
typedef struct fh_train_job {
    fh_ref fh_allocator *allocator;
    fh_ref const fh_train_list *list;
    fh_ref const fh_train_options *options; /* with the defaults in place */
    fh_ref const fh_par *par;
} fh_train_job;
static inline unsigned fh_train_width(fh_ref const fh_train_job *job) {
    return job->par != NULL && job->par->width > 1 ? job->par->width : 1;
}
/* Tells how far a stage is; FH_CANCELED when the caller wants no more. */
FH_MUST_USE fh_status fh_train_tell(fh_ref const fh_train_job *job, fh_ref const char *stage, uint64_t done, uint64_t total);
/* alphabet.c: the special tokens become tokens; so do the characters of the words and the initial alphabet, in the order of
 * their code points, with the alphabet's limit. `kept` then has the id of each character's token, or FH_TRAIN_NONE: room for
 * FH_TRAIN_CODES. Fills stats->alphabet and stats->characters. */
FH_MUST_USE fh_status fh_train_specials(fh_ref const fh_train_job *job, fh_mut fh_trained *model);
FH_MUST_USE fh_status fh_train_alphabet(fh_ref const fh_train_job *job, fh_mut fh_strings *tokens, fh_mut fh_train_stats *stats,
                                        fh_u32s kept);
/* The trainers fill a model whose kind and allocator are set. After a failure it is to be freed. */
FH_MUST_USE fh_status fh_train_bpe(fh_ref const fh_train_job *job, fh_mut fh_trained *model);
FH_MUST_USE fh_status fh_train_unigram(fh_ref const fh_train_job *job, fh_mut fh_trained *model, fh_mut fh_err *err);

#endif
