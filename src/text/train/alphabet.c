/* alphabet.c: special tokens, and the characters that BPE begins with (train_impl.h).
 *
 * Of a limited alphabet the most frequent characters stay; among equally frequent ones, those of lower code points. A character
 * of the initial alphabet counts as infinitely frequent. Threading: one call, one thread. */
#include "freehold/utf8.h"
#include "text/train/train_impl.h"

fh_status fh_train_specials(const fh_train_job *job, fh_trained *model) {
    fh_views specials = job->options->special_tokens;
    FH_TRY(fh_u32s_new(model->allocator, specials.count, &model->specials));
    for (size_t i = 0; i < specials.count; i++) {
        uint32_t id;
        FH_TRY(fh_strings_put(&model->tokens, fh_views_get(specials, i), &id));
        fh_u32s_set(model->specials, i, id);
    }
    return FH_DONE;
}

/* Counts the characters; an initial one gets the highest count. */
static void count_characters(const fh_train_job *job, fh_u64s counts, fh_mut uint64_t *characters) {
    const fh_train_list *list = job->list;
    for (uint32_t w = 0; w < list->order.count; w++) {
        fh_span word = fh_strings_get(list->strings, w);
        uint64_t count = fh_u64s_get(list->counts, w);
        for (size_t i = 0; i < word.size; ++*characters) {
            fh_rune r = fh_utf8_next(word, i);
            uint64_t *sum = fh_u64s_at(counts, r.code);
            *sum = *sum > UINT64_MAX - 1 - count ? UINT64_MAX - 1 : *sum + count;
            i += r.size;
        }
    }
    fh_u32s initial = job->options->initial_alphabet;
    for (size_t i = 0; i < initial.count; i++)
        fh_u64s_set(counts, fh_u32s_get(initial, i), UINT64_MAX);
}

static bool frequent_less(const void *ctx, uint32_t a, uint32_t b) {
    const fh_u64s *counts = ctx;
    return fh_u64s_get(*counts, a) > fh_u64s_get(*counts, b);
}

/* Sets the counts of all but the `limit` most frequent of the `seen` characters to 0. */
static fh_status limit_characters(const fh_train_job *job, fh_u64s counts, size_t seen, size_t limit) {
    fh_u32s order;
    FH_TRY(fh_u32s_new(job->allocator, seen, &order));
    size_t n = 0;
    for (uint32_t code = 0; code < FH_TRAIN_CODES; code++)
        if (fh_u64s_get(counts, code) != 0)
            fh_u32s_set(order, n++, code);
    fh_status s = fh_train_sort(job->allocator, order, frequent_less, &counts);
    for (size_t i = limit; i < seen && !fh_failed(s); i++)
        fh_u64s_set(counts, fh_u32s_get(order, i), 0);
    fh_u32s_free(job->allocator, &order);
    return s;
}

/* Gives each character with a count a token. */
static fh_status name_characters(fh_strings *tokens, fh_train_stats *stats, fh_u64s counts, fh_u32s kept) {
    for (uint32_t code = 0; code < FH_TRAIN_CODES; code++) {
        uint32_t id = FH_TRAIN_NONE;
        if (fh_u64s_get(counts, code) != 0) {
            uint8_t text[4];
            size_t size = fh_utf8_put(code, text);
            FH_TRY(fh_strings_put(tokens, fh_span_sub((fh_span){text, sizeof text}, 0, size), &id));
            stats->alphabet++;
        }
        fh_u32s_set(kept, code, id);
    }
    return FH_DONE;
}

static fh_status build(const fh_train_job *job, fh_strings *tokens, fh_train_stats *stats, fh_u64s counts, fh_u32s kept) {
    size_t seen = 0;
    count_characters(job, counts, &stats->characters);
    for (uint32_t code = 0; code < FH_TRAIN_CODES; code++)
        seen += fh_u64s_get(counts, code) != 0;
    if (job->options->limits_alphabet && seen > job->options->limit_alphabet)
        FH_TRY(limit_characters(job, counts, seen, job->options->limit_alphabet));
    return name_characters(tokens, stats, counts, kept);
}

fh_status fh_train_alphabet(const fh_train_job *job, fh_strings *tokens, fh_train_stats *stats, fh_u32s kept) {
    fh_u64s counts;
    FH_TRY(fh_u64s_new(job->allocator, FH_TRAIN_CODES, &counts));
    fh_status s = build(job, tokens, stats, counts, kept);
    fh_u64s_free(job->allocator, &counts);
    return s;
}
