/* added.h: the tokens that a tokenizer was given on top of its model: found in text before anything else happens to it.
 *
 * Two tries, as in the reference (tokenizer/added_vocabulary.rs): tokens with `normalized` false are looked for in the raw
 * text, the others, normalized themselves, in what the normalizer made of the stretches between. At each place the longest one
 * counts.
 *
 * Threading: immutable once built. */
#ifndef FH_TEXT_PIPE_ADDED_H
#define FH_TEXT_PIPE_ADDED_H

#include "freehold/json.h"
#include "freehold/tokenizer.h"
#include "text/pipe/list.h"
#include "text/kern/starts.h"
#include "text/pipe/normalizer.h"
#include "text/pipe/pair_table.h"
#include "text/pipe/token_model.h"

enum { FH_ADDED_BYTES_MAX = 4096 }; /* of the longest one, so that looking costs at most so many steps a byte */

/* One of them; places are in fh_added.texts. */
typedef struct fh_added_token {
    uint32_t id, content, content_size, normal, normal_size; /* `normal` is what the normalizer makes of it */
    bool single_word, lstrip, rstrip, normalized, special;
    bool listed; /* only in a tokenizer.json: the model itself finds it */
    bool hidden; /* left out of a decoded text together with the special ones */
} fh_added_token;
FH_SPAN_DEFINE(added_token, fh_added_token);
FH_ARRAY_DEFINE(added_token);
FH_LIST_DEFINE(added_token);

/* Tokens as a trie: node 0 is the root. */
typedef struct fh_trie {
    fh_owned fh_pair_table edges; /* (node, byte) → child */
    fh_owned fh_ids found;    /* of each node: the added token that ends here, or FH_NO_TOKEN */
    uint32_t first[256];      /* the root's child for each byte, or 0 */
    fh_starts starts;         /* how they begin; any byte may be the second if one of them is a single byte */
    bool any;
} fh_trie;

typedef struct fh_added {
    fh_ref fh_allocator *allocator;
    fh_owned fh_buf texts;
    fh_owned fh_added_token_list tokens; /* the last one of an id and of a content counts */
    fh_owned fh_u32s by_id;              /* one more than the index of the token with an id, or 0: most is never written */
    uint32_t id_end;                     /* one more than the highest id; by_id may reach further */
    fh_owned fh_trie raw, normal;
    bool extends;                        /* some of them are no tokens of the model */
    bool unseen;                         /* special ones that stay text are as if they were not there */
} fh_added;

void fh_added_init(fh_owned fh_view(2) fh_added *d, fh_ref fh_allocator *a);
void fh_added_deinit(fh_drop fh_added *d);
/* Reads the list "added_tokens" and gives ids to them as the reference does: those of the model, else the next free ones.
 * FH_CORRUPT, FH_LIMIT, FH_NOMEM. */
FH_MUST_USE fh_status fh_added_read(fh_mut fh_added *d, fh_span json, size_t offset_bytes, const fh_token_model *model,
                                    fh_ref fh_or_null const fh_normalizer *normalizer, fh_mut fh_err *err);
/* Adds a token by its id; it is found in raw text, unless its text is empty. Then fh_added_build, once. FH_LIMIT, FH_NOMEM. */
FH_MUST_USE fh_status fh_added_put(fh_mut fh_added *d, uint32_t id, fh_span text, bool special, fh_mut fh_err *err);
/* The same for one that the model finds by itself: it is only written to a tokenizer.json, where it is found in normalized text
 * or before that. */
FH_MUST_USE fh_status fh_added_list(fh_mut fh_added *d, uint32_t id, fh_span text, bool normalized, fh_mut fh_err *err);
/* FH_LIMIT: texts whose hashes collide. FH_NOMEM. */
FH_MUST_USE fh_status fh_added_build(fh_mut fh_added *d, fh_mut fh_err *err);
/* Appends them in the order of their ids as bytes: of each a word (its size and its switches) and its text. */
FH_MUST_USE fh_status fh_added_store(const fh_added *d, fh_mut fh_ids *words, fh_mut fh_buf *texts);
/* fh_added_read for what _store wrote, wherever it comes from. */
FH_MUST_USE fh_status fh_added_restore(fh_mut fh_added *d, fh_u32s words, fh_span texts, const fh_token_model *model,
                                       fh_ref fh_or_null const fh_normalizer *normalizer, fh_mut fh_err *err);
FH_MUST_USE fh_status fh_added_write(const fh_added *d, fh_mut fh_json_writer *w);
/* The token with an id, or NULL; and its texts. Valid until: fh_added_deinit. */
fh_or_null const fh_added_token *fh_added_of_id(const fh_added *d, uint32_t id) fh_view(1);
fh_span fh_added_content(const fh_added *d, const fh_added_token *t) fh_view(1);
fh_span fh_added_normal(const fh_added *d, const fh_added_token *t) fh_view(1);
/* The id of a content, or FH_NO_TOKEN. */
uint32_t fh_added_find(const fh_added *d, fh_span content);
/* One more than the highest id, at least that of the model. */
uint32_t fh_added_id_end(const fh_added *d, const fh_token_model *model);

/* A stretch of text: [begin, end) is token `id`, or none for FH_NO_TOKEN. */
typedef struct fh_stretch {
    size_t begin, end;
    uint32_t id;
} fh_stretch;
/* A walk over the stretches of a text, none of them empty. */
typedef struct fh_added_walk {
    const fh_added *added;
    const fh_trie *trie;
    fh_starts_fn *find;
    fh_span text;
    size_t at, done;     /* where to look on; what was given out */
    size_t blanks_end;   /* of the blanks that the last match with `rstrip` has swallowed */
    fh_stretch pending;
    bool has_pending, skip_special;
} fh_added_walk;
/* Begins; `skip_special`: special tokens stay text. */
void fh_added_walk_init(fh_out fh_view(2, 3) fh_added_walk *w, const fh_added *added, fh_span text, bool normal,
                        bool skip_special);
/* The next stretch; false at the end. */
FH_MUST_USE bool fh_added_walk_next(fh_mut fh_added_walk *w, fh_out fh_stretch *out);

#endif
