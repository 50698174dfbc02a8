/* unigram_train.c: learns Unigram (train_impl.h).
 *
 * Kudo, "Subword regularization", 2018, as SentencePiece and Hugging Face's trainer do it: begin with many seeds; estimate by
 * expectation and maximization how probable each is; throw away those whose loss costs the text least; again, until few more
 * are left than wanted; then keep the characters and the best of the rest.
 *
 * Expected counts are sums over all words. They are kept as integers, in units of 2^-bits: sums of integers do not depend on
 * their order, so every number of threads learns the same. No piece comes more often than there are characters, which leaves
 * the units: for 2^40 characters still 2^-22, and a piece is dropped below 1/2.
 *
 * Threading: parts share pieces and tree, read only, and have sums of their own. */
#include "freehold/hash.h"
#include "freehold/utf8.h"
#include "text/train/unigram_impl.h"

enum { SUM_BITS = 62, UNIT_BITS_MAX = 40, UNIT_BITS_MIN = 12 };

typedef struct part {
    _Alignas(FH_ALLOC_ALIGN) fh_owned fh_lattice lattice;
    fh_owned fh_u64s sums; /* of each piece */
    fh_status status;
} part;
FH_SPAN_DEFINE(train_part, part);
FH_ARRAY_DEFINE(train_part);

/* Where training stands: what parts read together. */
typedef struct stand {
    fh_ref const fh_train_job *job;
    fh_owned fh_piece_set pieces;
    fh_owned fh_piece_tree tree;
    fh_owned fh_u64s sums;   /* of all parts: of each piece, and last of the characters without one */
    double unit;             /* 2^bits */
    double total, log_total; /* of the best ways: pieces in all */
    double words;            /* counted */
} stand;

typedef struct trainer {
    fh_ref fh_allocator *allocator;
    fh_owned stand now;
    fh_owned fh_train_parts parts;
    fh_owned fh_train_f64s losses; /* of each piece, in a round of pruning; KEPT and GONE are none */
    fh_owned fh_u32s needed;       /* characters that the vocabulary has to have, in their order */
} trainer;

static const double KEPT = 1e300, GONE = -1e300;

void fh_piece_set_deinit(fh_piece_set *p) {
    fh_strings_deinit(&p->texts);
    fh_train_f64s_free(p->allocator, &p->scores);
    fh_train_f64s_free(p->allocator, &p->chance);
    fh_u32s_free(p->allocator, &p->order);
    p->left = 0;
}

static void part_clear(part *p, fh_allocator *a) {
    fh_lattice_deinit(&p->lattice);
    fh_u64s_free(a, &p->sums);
    *p = (part){.status = FH_DONE};
}

static void trainer_deinit(fh_drop trainer *t) {
    fh_piece_set_deinit(&t->now.pieces);
    fh_piece_tree_deinit(&t->now.tree);
    for (size_t i = 0; i < t->parts.count; i++)
        part_clear(fh_train_parts_at(t->parts, i), t->allocator);
    fh_train_parts_free(t->allocator, &t->parts);
    fh_u64s_free(t->allocator, &t->now.sums);
    fh_train_f64s_free(t->allocator, &t->losses);
    fh_u32s_free(t->allocator, &t->needed);
}

/* --- expectation ------------------------------------------------------------------------------------------------------- */

static uint64_t word_count(const trainer *t, uint32_t id) {
    return fh_u64s_get(t->now.job->list->counts, id);
}

/* Words are dealt out one by one: frequent ones, which are short, are not all one part's. */
static void expect_part(void *arg, unsigned number, unsigned parts) {
    const trainer *t = arg;
    part *p = fh_train_parts_at(t->parts, number);
    const fh_train_list *list = t->now.job->list;
    for (size_t w = number; w < list->order.count && !fh_failed(p->status); w += parts) {
        uint32_t id = fh_u32s_get(list->order, w);
        p->status = fh_lattice_fill(&p->lattice, &t->now.tree, &t->now.pieces, fh_strings_get(list->strings, id), false);
        if (!fh_failed(p->status))
            fh_lattice_expect(&p->lattice, &t->now.pieces, (double)word_count(t, id) * t->now.unit, p->sums);
    }
}

/* How often pieces come in the best ways. */
static void best_part(void *arg, unsigned number, unsigned parts) {
    const trainer *t = arg;
    part *p = fh_train_parts_at(t->parts, number);
    const fh_train_list *list = t->now.job->list;
    for (size_t w = number; w < list->order.count && !fh_failed(p->status); w += parts) {
        uint32_t id = fh_u32s_get(list->order, w);
        double score;
        p->status = fh_lattice_fill(&p->lattice, &t->now.tree, &t->now.pieces, fh_strings_get(list->strings, id), false);
        if (fh_failed(p->status) || !fh_lattice_best(&p->lattice, &t->now.pieces, &score))
            continue;
        for (size_t at = p->lattice.length; at > 0;) {
            uint32_t piece = fh_lattice_best_next(&p->lattice, &at);
            /* the last sum is that of characters without a piece */
            *fh_u64s_at(p->sums, piece != FH_TRAIN_NONE ? piece : p->sums.count - 1) += word_count(t, id);
        }
    }
}

/* Runs fn on all parts, from empty sums, and adds those up. */
static fh_status sum_parts(trainer *t, fh_par_fn *fn) {
    for (size_t i = 0; i < t->parts.count; i++)
        fh_mspan_fill(fh_u64s_bytes(fh_train_parts_at(t->parts, i)->sums), 0);
    fh_mspan_fill(fh_u64s_bytes(t->now.sums), 0);
    fh_par_run(t->now.job->par, fn, t);
    for (size_t i = 0; i < t->parts.count; i++) {
        const part *p = fh_train_parts_at(t->parts, i);
        FH_TRY(p->status);
        for (size_t k = 0; k < t->now.sums.count; k++)
            *fh_u64s_at(t->now.sums, k) += fh_u64s_get(p->sums, k);
    }
    return FH_DONE;
}

/* --- maximization ------------------------------------------------------------------------------------------------------ */

/* The chances that belong to the scores, and the penalty of a character without a piece. */
static void set_chances(fh_piece_set *p) {
    double least = 0;
    for (size_t i = 0; i < p->left; i++) {
        uint32_t piece = fh_u32s_get(p->order, i);
        double score = fh_train_f64s_get(p->scores, piece);
        least = score < least ? score : least;
        fh_train_f64s_set(p->chance, piece, fh_train_exp(score));
    }
    p->unk_score = least - 10;
    p->unk_chance = fh_train_exp(p->unk_score);
}

/* Probabilities with a sparse prior: e^digamma(count) in place of the count (Liang, Klein, "Structured Bayesian nonparametric
 * models with variational inference", 2007). What is expected less than half a time is dropped. */
static void maximize(trainer *t) {
    fh_piece_set *p = &t->now.pieces;
    double sum = 0;
    size_t left = 0;
    for (size_t i = 0; i < p->left; i++) {
        uint32_t piece = fh_u32s_get(p->order, i);
        double count = (double)fh_u64s_get(t->now.sums, piece) / t->now.unit;
        if (count < 0.5) {
            fh_train_f64s_set(p->chance, piece, 0);
            continue;
        }
        fh_train_f64s_set(p->scores, piece, fh_train_digamma(count));
        fh_u32s_set(p->order, left++, piece);
        sum += count;
    }
    p->left = left;
    double log_sum = sum > 0 ? fh_train_digamma(sum) : 0;
    for (size_t i = 0; i < left; i++)
        *fh_train_f64s_at(p->scores, fh_u32s_get(p->order, i)) -= log_sum;
    set_chances(p);
}

/* --- pruning ----------------------------------------------------------------------------------------------------------- */

/* How much less probable the text becomes when each of a piece is cut as the best other way says. */
static double loss_of(const stand *t, fh_lattice *l, double count) {
    double alternatives = 0, score = 0;
    for (size_t at = l->length; at > 0; alternatives++)
        (void)fh_lattice_best_next(l, &at);
    double log_sum = fh_train_log(t->total + count * (alternatives - 1));
    for (size_t at = l->length; at > 0;) {
        uint32_t piece = fh_lattice_best_next(l, &at);
        uint64_t own = fh_u64s_get(t->sums, piece != FH_TRAIN_NONE ? piece : t->sums.count - 1);
        score += fh_train_log((double)own + count) - log_sum;
    }
    return count / t->words * (fh_train_log(count) - t->log_total - score);
}

/* What becomes of a piece. One that the best ways never use, and one that is better cut, is gone unless it is used; what cannot
 * be cut stays. */
static fh_status judge(const stand *t, fh_lattice *l, uint32_t piece, fh_out double *loss) {
    double count = (double)fh_u64s_get(t->sums, piece), other;
    *loss = KEPT;
    FH_TRY(fh_lattice_fill(l, &t->tree, &t->pieces, fh_strings_get(&t->pieces.texts, piece), true));
    if (!fh_lattice_best(l, &t->pieces, &other))
        return FH_DONE; /* one character */
    if (!(count > 0))
        *loss = GONE;
    else if (other <= fh_train_f64s_get(t->pieces.scores, piece))
        *loss = loss_of(t, l, count);
    return FH_DONE;
}

static void judge_part(void *arg, unsigned number, unsigned parts) {
    const trainer *t = arg;
    part *p = fh_train_parts_at(t->parts, number);
    fh_range share = fh_par_share(t->now.pieces.left, number, parts);
    for (size_t i = share.from; i < share.to && !fh_failed(p->status); i++) {
        uint32_t piece = fh_u32s_get(t->now.pieces.order, i);
        p->status = judge(&t->now, &p->lattice, piece, fh_train_f64s_at(t->losses, piece));
    }
}

static bool loss_less(const void *ctx, uint32_t a, uint32_t b) {
    const fh_train_f64s *losses = ctx;
    return fh_train_f64s_get(*losses, a) > fh_train_f64s_get(*losses, b);
}

/* Leaves `wanted` pieces, and all that have to stay: these first, then the others by their loss. */
static fh_status keep_best(trainer *t, size_t wanted) {
    fh_piece_set *p = &t->now.pieces;
    FH_TRY(fh_train_sort(t->allocator, fh_u32s_sub(p->order, 0, p->left), loss_less, &t->losses));
    size_t left = 0;
    for (size_t i = 0; i < p->left; i++) {
        uint32_t piece = fh_u32s_get(p->order, i);
        double loss = fh_train_f64s_get(t->losses, piece);
        bool stays = loss >= KEPT || (loss > GONE && left < wanted);
        if (stays)
            fh_u32s_set(p->order, left++, piece);
        else
            fh_train_f64s_set(p->chance, piece, 0);
    }
    p->left = left;
    return fh_piece_tree_build(&t->now.tree, p);
}

static fh_status prune(trainer *t, size_t wanted) {
    FH_TRY(sum_parts(t, best_part));
    t->now.total = 0;
    for (size_t i = 0; i < t->now.sums.count; i++)
        t->now.total += (double)fh_u64s_get(t->now.sums, i);
    t->now.log_total = t->now.total > 0 ? fh_train_log(t->now.total) : 0;
    fh_par_run(t->now.job->par, judge_part, t);
    for (size_t i = 0; i < t->parts.count; i++)
        FH_TRY(fh_train_parts_at(t->parts, i)->status);
    return keep_best(t, wanted);
}

/* --- the end ----------------------------------------------------------------------------------------------------------- */

static bool score_less(const void *ctx, uint32_t a, uint32_t b) {
    const fh_train_f64s *scores = ctx;
    return fh_train_f64s_get(*scores, a) > fh_train_f64s_get(*scores, b);
}

static fh_status put_piece(fh_strings *texts, fh_train_f64s scores, fh_span text, double score, fh_mut size_t *used) {
    uint32_t id;
    FH_TRY(fh_strings_put(texts, text, &id));
    if (id == *used)
        fh_train_f64s_set(scores, (*used)++, score);
    return FH_DONE;
}

/* The characters, then the best pieces, into `texts` and `scores`, until they are full. */
static fh_status gather(const trainer *t, fh_strings *texts, fh_train_f64s scores, fh_out size_t *used) {
    const fh_piece_set *p = &t->now.pieces;
    *used = 0;
    double least = p->unk_score + 10, penalty = 0;
    for (size_t i = 0; i < t->needed.count; i++) {
        uint8_t letter[4];
        size_t size = fh_utf8_put(fh_u32s_get(t->needed, i), letter);
        fh_span text = fh_span_sub((fh_span){letter, sizeof letter}, 0, size);
        uint32_t piece = fh_strings_find(&p->texts, text);
        bool there = piece != FH_TRAIN_NONE && fh_train_f64s_get(p->chance, piece) > 0;
        FH_TRY(put_piece(texts, scores, text, there ? fh_train_f64s_get(p->scores, piece) : least + penalty, used));
        penalty += there ? 0 : 0.0001;
    }
    for (size_t i = 0; i < p->left && *used < scores.count; i++) {
        uint32_t piece = fh_u32s_get(p->order, i);
        FH_TRY(put_piece(texts, scores, fh_strings_get(&p->texts, piece), fh_train_f64s_get(p->scores, piece), used));
    }
    return FH_DONE;
}

/* True if the unknown token is to be put before the special tokens, since it is none of them. */
static bool needs_unk(const fh_train_options *o) {
    for (size_t i = 0; i < o->special_tokens.count; i++)
        if (fh_span_equal(fh_views_get(o->special_tokens, i), o->unk_token))
            return false;
    return o->unk_token.size != 0;
}

/* The special tokens, then what was gathered, the most probable first. */
static fh_status arrange(const trainer *t, const fh_strings *texts, fh_train_f64s scores, size_t used, fh_u32s order,
                         fh_trained *model) {
    const fh_train_options *o = t->now.job->options;
    for (uint32_t i = 0; i < used; i++)
        fh_u32s_set(order, i, i);
    FH_TRY(fh_train_sort(t->allocator, fh_u32s_sub(order, 0, used), score_less, &scores));
    uint32_t id;
    if (needs_unk(o))
        FH_TRY(fh_strings_put(&model->tokens, o->unk_token, &id));
    FH_TRY(fh_train_specials(t->now.job, model));
    if (o->unk_token.size != 0)
        model->unk = fh_strings_find(&model->tokens, o->unk_token);
    FH_TRY(fh_u64s_new(model->allocator, model->tokens.count + used, &model->scores));
    for (size_t i = 0; i < used; i++) {
        uint32_t piece = fh_u32s_get(order, i);
        size_t before = model->tokens.count;
        FH_TRY(fh_strings_put(&model->tokens, fh_strings_get(texts, piece), &id));
        if (id == before) /* and no special token */
            fh_u64s_set(model->scores, id, fh_bits_of_f64(fh_train_f64s_get(scores, piece)));
    }
    return FH_DONE;
}

/* Room for what is left of the vocabulary beside the special tokens. */
static fh_status finish(trainer *t, size_t room, fh_trained *model) {
    fh_strings texts;
    fh_strings_init(&texts, t->allocator);
    fh_train_f64s scores = {NULL, 0};
    fh_u32s order = {NULL, 0};
    fh_status s = fh_train_f64s_new(t->allocator, room, &scores);
    if (!fh_failed(s))
        s = fh_u32s_new(t->allocator, room, &order);
    size_t used = 0;
    if (!fh_failed(s))
        s = gather(t, &texts, scores, &used);
    if (!fh_failed(s))
        s = arrange(t, &texts, scores, used, order, model);
    fh_strings_deinit(&texts);
    fh_train_f64s_free(t->allocator, &scores);
    fh_u32s_free(t->allocator, &order);
    return s;
}

/* --- training ---------------------------------------------------------------------------------------------------------- */

/* Seeds have the probability of the text they stand for. */
static void set_seeds(fh_piece_set *p) {
    double sum = 0;
    for (size_t i = 0; i < p->scores.count; i++)
        sum += fh_train_f64s_get(p->scores, i);
    double log_sum = sum > 0 ? fh_train_log(sum) : 0;
    for (uint32_t i = 0; i < p->scores.count; i++) {
        fh_u32s_set(p->order, i, i);
        fh_train_f64s_set(p->scores, i, fh_train_log(fh_train_f64s_get(p->scores, i)) - log_sum);
    }
    p->left = p->scores.count;
    set_chances(p);
}

/* The characters of all words, and those of the initial alphabet. */
static fh_status find_needed(trainer *t, fh_train_stats *stats, fh_strings *scratch, fh_u32s kept) {
    FH_TRY(fh_train_alphabet(t->now.job, scratch, stats, kept));
    FH_TRY(fh_u32s_new(t->allocator, stats->alphabet, &t->needed));
    size_t n = 0;
    for (uint32_t code = 0; code < FH_TRAIN_CODES; code++)
        if (fh_u32s_get(kept, code) != FH_TRAIN_NONE)
            fh_u32s_set(t->needed, n++, code);
    return FH_DONE;
}

static fh_status find_characters(trainer *t, fh_train_stats *stats) {
    fh_u32s kept;
    FH_TRY(fh_u32s_new(t->allocator, FH_TRAIN_CODES, &kept));
    fh_strings scratch;
    fh_strings_init(&scratch, t->allocator);
    fh_status s = find_needed(t, stats, &scratch, kept);
    fh_strings_deinit(&scratch);
    fh_u32s_free(t->allocator, &kept);
    return s;
}

/* The unit, so that no sum is larger than 2^SUM_BITS. */
static fh_status choose_unit(trainer *t, fh_err *err) {
    const fh_train_list *list = t->now.job->list;
    uint64_t bytes = 0, all;
    for (uint32_t i = 0; i < list->order.count; i++)
        if (!fh_mul_u64(fh_u64s_get(list->counts, i), fh_strings_get(list->strings, i).size, &all) ||
            !fh_add_u64(bytes, all, &bytes))
            bytes = UINT64_MAX;
    int bits = SUM_BITS;
    for (; bytes != 0; bytes >>= 1)
        bits--;
    if (bits < UNIT_BITS_MIN)
        return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "Unigram: expected fewer than 2^%d bytes of words",
                       SUM_BITS - UNIT_BITS_MIN);
    t->now.unit = (double)(UINT64_C(1) << (bits < UNIT_BITS_MAX ? bits : UNIT_BITS_MAX));
    t->now.words = (double)list->total;
    return FH_DONE;
}

static fh_status make_parts(trainer *t) {
    size_t sums = t->now.pieces.scores.count + 1;
    FH_TRY(fh_u64s_new(t->allocator, sums, &t->now.sums));
    FH_TRY(fh_train_f64s_new(t->allocator, sums, &t->losses));
    FH_TRY(fh_train_parts_new(t->allocator, fh_train_width(t->now.job), &t->parts));
    for (size_t i = 0; i < t->parts.count; i++) {
        part *p = fh_train_parts_at(t->parts, i);
        fh_lattice_init(&p->lattice, t->allocator);
        FH_TRY(fh_u64s_new(t->allocator, sums, &p->sums));
    }
    return FH_DONE;
}

/* Rounds of estimating and pruning, until at most `wanted` pieces are left, or no more go. */
static fh_status shrink(trainer *t, size_t wanted) {
    const fh_train_options *o = t->now.job->options;
    size_t begin = t->now.pieces.left;
    for (;;) {
        for (uint32_t i = 0; i < o->n_sub_iterations; i++) {
            FH_TRY(sum_parts(t, expect_part));
            maximize(t);
            uint64_t total = begin > wanted ? begin - wanted : 0, gone = begin - t->now.pieces.left;
            FH_TRY(fh_train_tell(t->now.job, "pieces", gone < total ? gone : total, total));
        }
        size_t before = t->now.pieces.left;
        if (before <= wanted)
            return FH_DONE;
        size_t share = (size_t)((double)before * o->shrinking_factor);
        FH_TRY(prune(t, share > wanted ? share : wanted));
        if (t->now.pieces.left == before)
            return FH_DONE;
    }
}

static fh_status train(trainer *t, fh_trained *model, fh_err *err) {
    const fh_train_options *o = t->now.job->options;
    FH_TRY(find_characters(t, &model->stats));
    FH_TRY(choose_unit(t, err));
    size_t specials = o->special_tokens.count + (needs_unk(o) ? 1 : 0);
    if (t->needed.count + specials > o->vocab_size)
        return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "vocab_size: %u, expected at least %zu: %zu characters, %zu special tokens",
                       o->vocab_size, t->needed.count + specials, t->needed.count, specials);
    FH_TRY(fh_train_seeds(t->now.job, &t->now.pieces));
    set_seeds(&t->now.pieces);
    FH_TRY(fh_piece_tree_build(&t->now.tree, &t->now.pieces));
    FH_TRY(make_parts(t));
    FH_TRY(shrink(t, (size_t)o->vocab_size * 11 / 10));
    return finish(t, o->vocab_size - specials, model);
}

fh_status fh_train_unigram(const fh_train_job *job, fh_trained *model, fh_err *err) {
    fh_allocator *a = job->allocator;
    trainer t = {.allocator = a, .now = {.job = job, .pieces = {.allocator = a}, .tree = {.allocator = a}}};
    fh_strings_init(&t.now.pieces.texts, a);
    fh_status s = train(&t, model, err);
    trainer_deinit(&t);
    return s;
}
