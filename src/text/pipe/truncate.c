/* truncate.c: drafts of texts, cut to a length as the reference cuts them (utils/truncation.rs, Encoding::truncate).
 *
 * Threading: a table belongs to one thread. */
#include "text/pipe/postprocess.h"

void fh_draft_table_init(fh_draft_table *d, fh_allocator *a) {
    d->tokens = 0;
    fh_run_list_init(&d->runs, a);
    fh_draft_list_init(&d->overflow, a);
    fh_drafted_list_init(&d->pieces, a);
    fh_drafted_list_init(&d->next, a);
}

void fh_draft_table_deinit(fh_draft_table *d) {
    fh_run_list_deinit(&d->runs);
    fh_draft_list_deinit(&d->overflow);
    fh_drafted_list_deinit(&d->pieces);
    fh_drafted_list_deinit(&d->next);
}

void fh_draft_table_clear(fh_draft_table *d) {
    d->tokens = 0;
    d->runs.count = 0;
    d->overflow.count = 0;
    d->pieces.count = 0;
    d->next.count = 0;
}

/* A draft of one run. */
static fh_status draft_of(fh_draft_table *d, fh_run run, fh_out fh_draft *out) {
    *out = (fh_draft){.from = d->runs.count, .count = 1, .tokens = run.count};
    return fh_run_list_put(&d->runs, run);
}

fh_status fh_draft_table_add(fh_draft_table *d, uint32_t source, uint32_t tokens) {
    fh_drafted piece = {.overflow = d->overflow.count};
    FH_TRY(draft_of(d, (fh_run){.source = source, .count = tokens, .type = source}, &piece.main));
    d->tokens += tokens;
    return fh_drafted_list_put(&d->pieces, piece);
}

/* The k-th stretch of `all` tokens, from the right or from the left. */
static fh_range stretch(size_t all, size_t tokens_max, size_t step, size_t k, bool left) {
    if (!left) {
        size_t from = k * step;
        return (fh_range){from, all - from < tokens_max ? all : from + tokens_max};
    }
    size_t to = all - k * step;
    return (fh_range){to < tokens_max ? 0 : to - tokens_max, to};
}

/* Cuts draft `which`, which is as fh_draft_table_add made it. */
static fh_status cut(fh_draft_table *d, size_t which, size_t tokens_max, const fh_truncation *how, fh_err *err) {
    fh_drafted piece = fh_drafteds_get(d->pieces.items, which);
    size_t all = piece.main.tokens;
    if (tokens_max >= all)
        return FH_DONE;
    fh_run run = fh_runs_get(d->runs.items, piece.main.from);
    piece.overflow = d->overflow.count;
    if (tokens_max == 0) {
        FH_TRY(fh_draft_list_put(&d->overflow, piece.main));
        piece.overflow_count = 1;
        run.count = 0;
        FH_TRY(draft_of(d, run, &piece.main));
        fh_drafteds_set(d->pieces.items, which, piece);
        return FH_DONE;
    }
    if (how->stride >= tokens_max)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET,
                       "truncation with a stride of %zu, expected less than the %zu tokens that remain for a text", how->stride,
                       tokens_max);
    size_t step = tokens_max - how->stride;
    for (size_t k = 0;; k++) {
        fh_range r = stretch(all, tokens_max, step, k, how->left);
        fh_draft draft;
        run.from = (uint32_t)r.from;
        run.count = (uint32_t)(r.to - r.from);
        FH_TRY(draft_of(d, run, &draft));
        if (k == 0)
            piece.main = draft;
        else
            FH_TRY(fh_draft_list_put(&d->overflow, draft));
        if (how->left ? r.from == 0 : r.to == all)
            break;
    }
    piece.overflow_count = d->overflow.count - piece.overflow;
    fh_drafteds_set(d->pieces.items, which, piece);
    return FH_DONE;
}

/* How many tokens each of two texts keeps, the longer one giving first. */
static void share(size_t tokens_max, size_t *first, size_t *second) {
    bool swapped = *first > *second;
    size_t less = swapped ? *second : *first, more = less;
    if (less <= tokens_max && tokens_max - less > less)
        more = tokens_max - less;
    if (less + more > tokens_max) {
        less = tokens_max / 2;
        more = less + tokens_max % 2;
    }
    *first = swapped ? more : less;
    *second = swapped ? less : more;
}

fh_status fh_draft_table_truncate(fh_draft_table *d, const fh_truncation *how, size_t tokens_max, fh_err *err) {
    bool pair = d->pieces.count == 2;
    FH_ASSERT(pair || d->pieces.count == 1);
    size_t first = fh_drafteds_at(d->pieces.items, 0)->main.tokens;
    size_t second = pair ? fh_drafteds_at(d->pieces.items, 1)->main.tokens : 0, all = first + second;
    if (tokens_max != 0 && all <= tokens_max)
        return FH_DONE;
    if (tokens_max == 0 || how->strategy == FH_TRUNCATE_LONGEST_FIRST) {
        if (tokens_max == 0)
            first = second = 0;
        else if (pair)
            share(tokens_max, &first, &second);
        else
            first = tokens_max;
        FH_TRY(cut(d, 0, first, how, err));
        return pair ? cut(d, 1, second, how, err) : FH_DONE;
    }
    bool cut_second = how->strategy == FH_TRUNCATE_ONLY_SECOND;
    if (cut_second && !pair)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "truncation of the second text, but there is none");
    size_t target = cut_second ? second : first, remove = all - tokens_max;
    if (target <= remove)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET,
                       "truncation to %zu tokens, but the text to cut has %zu of %zu and none would remain", tokens_max, target,
                       all);
    return cut(d, cut_second, target - remove, how, err);
}
