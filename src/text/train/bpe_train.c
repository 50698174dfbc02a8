/* bpe_train.c: learns BPE (and WordPiece, which is BPE with a prefix) (train_impl.h).
 *
 * Sennrich, Haddow, Birch, "Neural machine translation of rare words with subword units", 2016, as Hugging Face's trainer does
 * it: the most frequent pair of neighbours becomes a token, the lowest pair of ids among equals, until the vocabulary is full.
 *
 * The distinct words lie one after another in `symbols`. Each pair has a count, and a place in a queue together with the words
 * that it stands in. A merge rewrites these words. Where it joins a, b to c between p and n, the pairs (p, a) and (b, n) are
 * lost, and (p, c) and (c, n) gained; so everything is gathered by neighbour first, in arrays, and the table of counts is
 * touched once for each neighbour. Words are spread over the parts; a part gathers for itself, and the parts are summed up in
 * their order, so that the queue is the same for any number of them.
 *
 * As there, also where it matters only in strange cases: the count of a pair stays as it was when it is merged; a pair that
 * comes again later, because its tokens were made in another way, is merged again in the new words, and its later rank is the
 * one that stays; a pair whose count is not positive when its words are noted is forgotten.
 *
 * Invariants: symbols[at .. at + size) of each word are its tokens; the words of a candidate ascend; a merge shortens the text
 * and notes two pairs, so `places` gets at most three entries for each character.
 * Threading: the parts of one step at a time. */
#include "freehold/utf8.h"
#include "text/train/train_impl.h"

/* Below so many words the threads would be awake too late. */
enum { PARALLEL_WORDS = 2048, TELL_EVERY = 256 };

typedef struct word {
    uint64_t at, count;
    uint32_t size;
} word;
FH_SPAN_DEFINE(word, word);
FH_ARRAY_DEFINE(word);

/* What one part knows of one neighbour on one side. */
typedef struct slot {
    uint64_t plus, minus; /* the pairs gained and lost, or FH_TRAIN_NO_PAIR */
    int64_t count;
    uint64_t at;          /* where its words go in `places`, or UINT64_MAX */
    uint32_t words, last; /* how many words; the last one + 1 */
    uint32_t group, neighbour;
} slot;
FH_SPAN_DEFINE(slot, slot);
FH_ARRAY_DEFINE(slot);
FH_TRAIN_LIST_DEFINE(slot);

typedef struct part {
    _Alignas(FH_ALLOC_ALIGN) fh_owned fh_slot_list slots;
    fh_owned fh_u64_list events;      /* slot << 32 | word */
    fh_owned fh_u32s left, right; /* slot + 1 of each neighbour */
    fh_owned fh_bigram_table first; /* of the first count: `group` is the slot + 1 of a pair */
    fh_status status;
} part;
FH_SPAN_DEFINE(train_part, part);
FH_ARRAY_DEFINE(train_part);

/* A pair gained, from all parts. */
typedef struct group {
    uint64_t pair, at;
    uint32_t words;
} group;
FH_SPAN_DEFINE(group, group);
FH_ARRAY_DEFINE(group);
FH_TRAIN_LIST_DEFINE(group);

/* The words, and the merge at hand: what parts read together. */
typedef struct corpus {
    fh_owned fh_words words;
    fh_owned fh_u32s symbols;
    fh_owned fh_u32s lengths; /* characters of each token */
    uint32_t length_max;      /* gained pairs have fewer characters; 0: no limit */
    uint32_t a, b, made;
} corpus;

typedef struct trainer {
    fh_ref const fh_train_job *job;
    fh_ref fh_allocator *allocator;
    fh_owned corpus corpus;
    fh_owned fh_bigram_table bigrams;
    fh_owned fh_candidate_list queue;
    fh_owned fh_u32_list places; /* words, in runs that candidates name */
    fh_owned fh_train_parts parts;
    fh_owned fh_group_list groups;
    size_t where, where_count; /* the run of the merge at hand */
} trainer;

static void part_clear(part *p, fh_allocator *a) {
    fh_slot_list_deinit(&p->slots);
    fh_u64_list_deinit(&p->events);
    fh_u32s_free(a, &p->left);
    fh_u32s_free(a, &p->right);
    fh_bigram_deinit(&p->first);
    *p = (part){.status = FH_DONE};
}

static void trainer_deinit(fh_drop trainer *t) {
    fh_words_free(t->allocator, &t->corpus.words);
    fh_u32s_free(t->allocator, &t->corpus.symbols);
    fh_u32s_free(t->allocator, &t->corpus.lengths);
    fh_bigram_deinit(&t->bigrams);
    fh_candidate_list_deinit(&t->queue);
    fh_u32_list_deinit(&t->places);
    for (size_t i = 0; i < t->parts.count; i++)
        part_clear(fh_train_parts_at(t->parts, i), t->allocator);
    fh_train_parts_free(t->allocator, &t->parts);
    fh_group_list_deinit(&t->groups);
}

/* --- words to symbols -------------------------------------------------------------------------------------------------- */

/* What words are spelt with. */
typedef struct speller {
    fh_u32s kept; /* of each code point its token, or FH_TRAIN_NONE */
    fh_span prefix, suffix;
    fh_strings *tokens;
    fh_owned fh_buf text;
} speller;

/* The token of a character in its place; FH_TRAIN_NONE for one outside the alphabet. */
static fh_status spell(speller *s, fh_span letter, uint32_t code, bool first, bool last, fh_out uint32_t *id) {
    *id = fh_u32s_get(s->kept, code);
    bool prefixed = !first && s->prefix.size != 0, suffixed = last && s->suffix.size != 0;
    if (*id == FH_TRAIN_NONE || !(prefixed || suffixed))
        return FH_DONE;
    fh_buf_truncate(&s->text, 0);
    if (prefixed)
        FH_TRY(fh_buf_put(&s->text, s->prefix));
    FH_TRY(fh_buf_put(&s->text, letter));
    if (suffixed)
        FH_TRY(fh_buf_put(&s->text, s->suffix));
    return fh_strings_put(s->tokens, fh_buf_view(&s->text), id);
}

/* Spells a word from symbols[at] on; *size is how many they are. */
static fh_status spell_word(speller *s, fh_span text, fh_u32s symbols, size_t at, fh_out uint32_t *size) {
    *size = 0;
    for (size_t i = 0; i < text.size;) {
        fh_rune r = fh_utf8_next(text, i);
        uint32_t id;
        FH_TRY(spell(s, fh_span_sub(text, i, r.size), r.code, i == 0, i + r.size == text.size, &id));
        if (id != FH_TRAIN_NONE)
            fh_u32s_set(symbols, at + (*size)++, id);
        i += r.size;
    }
    return FH_DONE;
}

static fh_status spell_words(const fh_train_job *job, speller *s, fh_words words, fh_u32s symbols) {
    const fh_train_list *list = job->list;
    uint64_t at = 0, weight = 0;
    for (size_t i = 0; i < list->order.count; i++) {
        uint32_t id = fh_u32s_get(list->order, i);
        word w = {at, fh_u64s_get(list->counts, id), 0};
        FH_TRY(spell_word(s, fh_strings_get(list->strings, id), symbols, (size_t)at, &w.size));
        fh_words_set(words, i, w);
        at += w.size;
        uint64_t all;
        if (!fh_mul_u64(w.count, w.size, &all) || !fh_add_u64(weight, all, &weight) || weight > INT64_MAX)
            return FH_STATUS(FH_LIMIT); /* no count of a pair is higher */
        if (i % 65536 == 0)
            FH_TRY(fh_train_tell(job, "words", i, list->order.count));
    }
    return FH_DONE;
}

/* Fills the corpus: the alphabet, then the words in its tokens. */
static fh_status make_corpus(const fh_train_job *job, corpus *c, fh_trained *model, fh_u32s kept) {
    FH_TRY(fh_train_alphabet(job, &model->tokens, &model->stats, kept));
    for (size_t i = 0; i < model->specials.count; i++) { /* a special token of one character is that character's token */
        uint32_t id = fh_u32s_get(model->specials, i);
        fh_span text = fh_strings_get(&model->tokens, id);
        fh_rune r = fh_utf8_next(text, 0);
        if (r.size == text.size)
            fh_u32s_set(kept, r.code, id);
    }
    FH_TRY(fh_words_new(job->allocator, job->list->order.count, &c->words));
    FH_TRY(fh_u32s_new(job->allocator, (size_t)model->stats.characters, &c->symbols));
    speller s = {.kept = kept, .prefix = job->options->continuing_subword_prefix,
                 .suffix = job->options->end_of_word_suffix, .tokens = &model->tokens};
    fh_buf_init(&s.text, job->allocator, 0);
    fh_status status = spell_words(job, &s, c->words, c->symbols);
    fh_buf_deinit(&s.text);
    return status;
}

/* --- what a part gathers ----------------------------------------------------------------------------------------------- */

/* Word w, which comes `count` times, has the pairs of a slot once more. */
static fh_status note(slot *s, fh_u64_list *events, uint32_t number, uint32_t w, uint64_t count) {
    s->count += (int64_t)count;
    if (s->plus == FH_TRAIN_NO_PAIR || s->last == w + 1)
        return FH_DONE;
    s->last = w + 1;
    s->words++;
    return fh_u64_list_put(events, (uint64_t)number << 32 | w);
}

/* The first count: all pairs of a word. */
static fh_status first_word(const corpus *c, part *p, uint32_t w) {
    word own = fh_words_get(c->words, w);
    fh_u32s symbols = fh_u32s_sub(c->symbols, (size_t)own.at, own.size);
    FH_TRY(fh_bigram_reserve(&p->first, symbols.count));
    for (size_t i = 1; i < symbols.count; i++) {
        uint64_t pair = fh_train_pair(fh_u32s_get(symbols, i - 1), fh_u32s_get(symbols, i));
        fh_bigram *cell = fh_bigram_at(&p->first, pair);
        if (cell->group == 0) {
            FH_TRY(fh_slot_list_put(&p->slots, (slot){.plus = pair, .minus = FH_TRAIN_NO_PAIR}));
            cell->group = (uint32_t)p->slots.count;
        }
        uint32_t number = cell->group - 1;
        FH_TRY(note(fh_slots_at(p->slots.items, number), &p->events, number, w, own.count));
    }
    return FH_DONE;
}

/* Notes neighbour n of the merge at hand, on its left or its right. */
static fh_status note_side(const corpus *c, part *p, bool left, uint32_t n, uint32_t w, uint64_t count) {
    fh_u32s known = left ? p->left : p->right;
    if (fh_u32s_get(known, n) == 0) {
        bool fits = c->length_max == 0 ||
                    (uint64_t)fh_u32s_get(c->lengths, n) + fh_u32s_get(c->lengths, c->made) < c->length_max;
        uint64_t plus = left ? fh_train_pair(n, c->made) : fh_train_pair(c->made, n);
        uint64_t minus = left ? fh_train_pair(n, c->a) : fh_train_pair(c->b, n);
        FH_TRY(fh_slot_list_put(&p->slots,
                                (slot){.plus = fits ? plus : FH_TRAIN_NO_PAIR, .minus = minus, .neighbour = n}));
        fh_u32s_set(known, n, (uint32_t)p->slots.count);
    }
    uint32_t number = fh_u32s_get(known, n) - 1;
    return note(fh_slots_at(p->slots.items, number), &p->events, number, w, count);
}

/* Joins a, b wherever they stand in a word, from the left. */
static fh_status merge_word(const corpus *c, part *p, uint32_t w) {
    word own = fh_words_get(c->words, w);
    fh_u32s symbols = fh_u32s_sub(c->symbols, (size_t)own.at, own.size);
    uint32_t to = 0;
    for (size_t i = 0; i < symbols.count;) {
        uint32_t symbol = fh_u32s_get(symbols, i++);
        if (symbol == c->a && i < symbols.count && fh_u32s_get(symbols, i) == c->b) {
            symbol = c->made;
            if (to > 0)
                FH_TRY(note_side(c, p, true, fh_u32s_get(symbols, to - 1), w, own.count));
            if (++i < symbols.count)
                FH_TRY(note_side(c, p, false, fh_u32s_get(symbols, i), w, own.count));
        }
        fh_u32s_set(symbols, to++, symbol);
    }
    fh_words_at(c->words, w)->size = to;
    return FH_DONE;
}

static void first_part(void *arg, unsigned number, unsigned parts) {
    const trainer *t = arg;
    part *p = fh_train_parts_at(t->parts, number);
    fh_range share = fh_par_share(t->corpus.words.count, number, parts);
    for (size_t w = share.from; w < share.to && !fh_failed(p->status); w++)
        p->status = first_word(&t->corpus, p, (uint32_t)w);
}

static void merge_part(void *arg, unsigned number, unsigned parts) {
    const trainer *t = arg;
    part *p = fh_train_parts_at(t->parts, number);
    fh_range share = fh_par_share(t->where_count, number, parts);
    for (size_t i = share.from; i < share.to && !fh_failed(p->status); i++)
        p->status = merge_word(&t->corpus, p, fh_u32s_get(t->places.items, t->where + i));
}

/* Writes the words that a part noted to their places, and makes it ready for the next merge. */
static void place_part(void *arg, unsigned number, unsigned parts) {
    (void)parts;
    const trainer *t = arg;
    part *p = fh_train_parts_at(t->parts, number);
    for (size_t i = 0; i < p->events.count; i++) {
        uint64_t event = fh_u64s_get(p->events.items, i);
        slot *s = fh_slots_at(p->slots.items, (size_t)(event >> 32));
        if (s->at != UINT64_MAX)
            fh_u32s_set(t->places.items, (size_t)s->at++, (uint32_t)event);
    }
    for (size_t i = 0; i < p->slots.count; i++) {
        uint32_t n = fh_slots_at(p->slots.items, i)->neighbour;
        fh_u32s_set(p->left, n, 0);
        fh_u32s_set(p->right, n, 0);
    }
    p->slots.count = p->events.count = 0;
}

/* --- summing up -------------------------------------------------------------------------------------------------------- */

/* Brings the changes of one part into the counts; what it gained, into groups. */
static fh_status sum_part(fh_bigram_table *bigrams, fh_group_list *groups, const part *p) {
    FH_TRY(p->status);
    FH_TRY(fh_bigram_reserve(bigrams, 2 * p->slots.count));
    for (size_t i = 0; i < p->slots.count; i++) {
        slot *s = fh_slots_at(p->slots.items, i);
        if (s->minus != FH_TRAIN_NO_PAIR)
            fh_bigram_at(bigrams, s->minus)->count -= s->count;
        if (s->plus == FH_TRAIN_NO_PAIR)
            continue;
        fh_bigram *cell = fh_bigram_at(bigrams, s->plus);
        cell->count += s->count;
        if (cell->group == 0) {
            FH_TRY(fh_group_list_put(groups, (group){s->plus, 0, 0}));
            cell->group = (uint32_t)groups->count;
        }
        s->group = cell->group - 1;
        fh_groups_at(groups->items, s->group)->words += s->words;
    }
    return FH_DONE;
}

/* Puts each pair that was gained into the queue, with room for its words. */
static fh_status queue_groups(trainer *t) {
    for (size_t i = 0; i < t->groups.count; i++) {
        group *g = fh_groups_at(t->groups.items, i);
        fh_bigram *cell = fh_bigram_at(&t->bigrams, g->pair);
        cell->group = 0;
        g->at = UINT64_MAX;
        if (cell->count <= 0)
            continue;
        FH_TRY(fh_u32_list_room(&t->places, g->words));
        g->at = t->places.count;
        t->places.count += g->words;
        FH_TRY(fh_candidate_put(&t->queue, (fh_candidate){cell->count, g->pair, g->at, g->words}));
    }
    return FH_DONE;
}

/* Gives each slot of a part its place behind those of the parts before. */
static void place_slots(fh_groups groups, const part *p) {
    for (size_t k = 0; k < p->slots.count; k++) {
        slot *s = fh_slots_at(p->slots.items, k);
        s->at = UINT64_MAX;
        if (s->plus == FH_TRAIN_NO_PAIR)
            continue;
        group *g = fh_groups_at(groups, s->group);
        s->at = g->at;
        if (g->at != UINT64_MAX)
            g->at += s->words;
    }
}

/* Ends a step over `width` parts. */
static fh_status sum_up(trainer *t, unsigned width, const fh_par *par) {
    t->groups.count = 0;
    for (unsigned i = 0; i < width; i++)
        FH_TRY(sum_part(&t->bigrams, &t->groups, fh_train_parts_at(t->parts, i)));
    FH_TRY(queue_groups(t));
    for (unsigned i = 0; i < width; i++)
        place_slots(t->groups.items, fh_train_parts_at(t->parts, i));
    fh_par_run(par, place_part, t);
    return FH_DONE;
}

/* --- the merges -------------------------------------------------------------------------------------------------------- */

/* The token that a and b make; it may be there already. */
static fh_status make_token(corpus *c, fh_span prefix, fh_strings *tokens, fh_buf *text) {
    fh_span second = fh_strings_get(tokens, c->b);
    if (prefix.size != 0 && fh_span_starts(second, prefix))
        second = fh_span_from(second, prefix.size);
    fh_buf_truncate(text, 0);
    FH_TRY(fh_buf_put(text, fh_strings_get(tokens, c->a)));
    FH_TRY(fh_buf_put(text, second));
    uint32_t id;
    FH_TRY(fh_strings_put(tokens, fh_buf_view(text), &id));
    fh_u32s_set(c->lengths, id, fh_u32s_get(c->lengths, c->a) + fh_u32s_get(c->lengths, c->b));
    c->made = id;
    return FH_DONE;
}

/* Notes the merge of a pair; an earlier one of the same pair no longer counts. */
static fh_status note_merge(fh_bigram *cell, fh_u64_list *merges) {
    if (cell->merged != 0)
        fh_u64s_set(merges->items, cell->merged - 1, FH_TRAIN_NO_PAIR);
    cell->merged = (uint32_t)merges->count + 1;
    return fh_u64_list_put(merges, cell->pair);
}

static fh_status merge(trainer *t, fh_trained *model, fh_buf *text, fh_candidate c) {
    t->corpus.a = (uint32_t)(c.pair >> 32);
    t->corpus.b = (uint32_t)c.pair;
    FH_TRY(make_token(&t->corpus, t->job->options->continuing_subword_prefix, &model->tokens, text));
    FH_TRY(note_merge(fh_bigram_at(&t->bigrams, c.pair), &model->merges));
    t->where = (size_t)c.at;
    t->where_count = c.size;
    unsigned width = c.size >= PARALLEL_WORDS ? fh_train_width(t->job) : 1;
    fh_par serial = {.width = 1};
    const fh_par *par = width > 1 ? t->job->par : &serial;
    fh_par_run(par, merge_part, t);
    return sum_up(t, width, par);
}

static fh_status merge_all(trainer *t, fh_trained *model, fh_buf *text) {
    uint32_t wanted = t->job->options->vocab_size;
    uint64_t rounds = 0;
    while (model->tokens.count < wanted && t->queue.count > 0) {
        fh_candidate c = fh_candidate_take(&t->queue);
        int64_t count = fh_bigram_at(&t->bigrams, c.pair)->count;
        if (c.count != count) {
            c.count = count;
            if (count > 0)
                FH_TRY(fh_candidate_put(&t->queue, c));
            continue;
        }
        if ((uint64_t)count < t->job->options->min_frequency)
            break;
        FH_TRY(merge(t, model, text, c));
        if (rounds++ % TELL_EVERY == 0)
            FH_TRY(fh_train_tell(t->job, "merges", model->tokens.count, wanted));
    }
    return FH_DONE;
}

/* Leaves out the merges that no longer count. */
static void tidy_merges(fh_trained *model) {
    size_t to = 0;
    for (size_t i = 0; i < model->merges.count; i++) {
        uint64_t pair = fh_u64s_get(model->merges.items, i);
        if (pair != FH_TRAIN_NO_PAIR)
            fh_u64s_set(model->merges.items, to++, pair);
    }
    model->merges.count = to;
    model->stats.merges = (uint32_t)to;
}

/* Room for as many tokens as there can be. */
static fh_status make_room(trainer *t, const fh_trained *model) {
    size_t tokens = model->tokens.count > t->job->options->vocab_size ? model->tokens.count : t->job->options->vocab_size;
    FH_TRY(fh_u32s_new(t->allocator, tokens, &t->corpus.lengths));
    for (size_t i = 0; i < tokens; i++)
        fh_u32s_set(t->corpus.lengths, i, 1);
    FH_TRY(fh_train_parts_new(t->allocator, fh_train_width(t->job), &t->parts));
    for (size_t i = 0; i < t->parts.count; i++) {
        part *p = fh_train_parts_at(t->parts, i);
        p->slots.allocator = p->events.allocator = p->first.allocator = t->allocator;
        FH_TRY(fh_u32s_new(t->allocator, tokens, &p->left));
        FH_TRY(fh_u32s_new(t->allocator, tokens, &p->right));
    }
    return FH_DONE;
}

/* Everything but the merges. */
static fh_status prepare(trainer *t, fh_trained *model) {
    FH_TRY(fh_train_specials(t->job, model));
    fh_u32s kept;
    FH_TRY(fh_u32s_new(t->allocator, FH_TRAIN_CODES, &kept));
    fh_status s = make_corpus(t->job, &t->corpus, model, kept);
    fh_u32s_free(t->allocator, &kept);
    FH_TRY(s);
    FH_TRY(make_room(t, model));
    FH_TRY(fh_train_tell(t->job, "pairs", 0, t->corpus.words.count));
    fh_par_run(t->job->par, first_part, t);
    FH_TRY(sum_up(t, fh_train_width(t->job), t->job->par));
    for (size_t i = 0; i < t->parts.count; i++) {
        part *p = fh_train_parts_at(t->parts, i);
        fh_bigram_clear(&p->first);
    }
    return FH_DONE;
}

static fh_status train(trainer *t, fh_trained *model) {
    FH_TRY(prepare(t, model));
    fh_buf text;
    fh_buf_init(&text, t->allocator, 0);
    fh_status s = merge_all(t, model, &text);
    fh_buf_deinit(&text);
    FH_TRY(s);
    tidy_merges(model);
    return fh_train_tell(t->job, "merges", model->tokens.count, model->tokens.count);
}

fh_status fh_train_bpe(const fh_train_job *job, fh_trained *model) {
    fh_allocator *a = job->allocator;
    trainer t = {.job = job,
                 .allocator = a,
                 .corpus = {.length_max = job->options->max_token_length},
                 .bigrams = {.allocator = a},
                 .queue = {.allocator = a},
                 .places = {.allocator = a},
                 .groups = {.allocator = a}};
    fh_status s = train(&t, model);
    trainer_deinit(&t);
    return s;
}
