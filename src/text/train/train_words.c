/* train_words.c: words and their counts, by many threads (train.h).
 *
 * Each part counts into a sink of its own, so that parts share nothing; the sinks stay for the next texts, and are summed up
 * once, before training. Sums do not depend on their order, and the words are sorted then: nothing that follows can tell how
 * many threads there were.
 * Invariant: counts[i] belongs to string i of the same sink. Threading: train.h. */
#include "freehold/utf8.h"
#include "text/train/train_impl.h"

/* --- one sink ---------------------------------------------------------------------------------------------------------- */

static void sink_init(fh_owned fh_view(2) fh_train_sink *sink, fh_ref fh_allocator *a) {
    *sink = (fh_train_sink){.counts = {.allocator = a}};
    fh_strings_init(&sink->strings, a);
    fh_buf_init(&sink->scratch, a, 0);
}

static void sink_clear(fh_train_sink *sink) {
    fh_u64_list_deinit(&sink->counts);
    fh_strings_deinit(&sink->strings);
    fh_buf_deinit(&sink->scratch);
    fh_train_cutter_free(sink->cutter);
    *sink = (fh_train_sink){.total = 0};
}

static fh_status add(fh_strings *strings, fh_u64_list *counts, uint64_t *total, fh_span word, uint64_t count) {
    uint64_t sum;
    if (word.size == 0 || count == 0)
        return FH_DONE;
    if (!fh_add_u64(*total, count, &sum) || sum > INT64_MAX || word.size > UINT32_MAX / 2)
        return FH_STATUS(FH_LIMIT);
    size_t before = strings->count;
    FH_TRY(fh_u64_list_room(counts, 1));
    uint32_t id;
    FH_TRY(fh_strings_put(strings, word, &id));
    if (id == before)
        FH_TRY(fh_u64_list_put(counts, 0));
    *fh_u64s_at(counts->items, id) += count;
    *total = sum;
    return FH_DONE;
}

fh_status fh_train_sink_add(fh_train_sink *sink, fh_span word) {
    return add(&sink->strings, &sink->counts, &sink->total, word, 1);
}

fh_status fh_train_sink_put(fh_train_sink *sink, fh_span word) {
    return fh_utf8_valid(word) ? fh_train_sink_add(sink, word) : FH_STATUS(FH_CORRUPT);
}

fh_status fh_train_sink_end(fh_train_sink *sink) {
    fh_status s = add(&sink->strings, &sink->counts, &sink->total, fh_buf_view(&sink->scratch), 1);
    fh_buf_truncate(&sink->scratch, 0);
    return s;
}

/* --- all sinks --------------------------------------------------------------------------------------------------------- */

fh_status fh_train_words_new(fh_allocator *a, fh_train_words **out) {
    *out = NULL;
    fh_train_words *words = fh_alloc(a, 1, sizeof *words);
    if (words == NULL)
        return FH_STATUS(FH_NOMEM);
    words->allocator = a;
    sink_init(&words->first, a);
    *out = words;
    return FH_DONE;
}

static void free_others(fh_train_words *words) {
    for (size_t i = 0; i < words->others.count; i++)
        sink_clear(fh_train_sinks_at(words->others, i));
    fh_train_sinks_free(words->allocator, &words->others);
    words->others = (fh_train_sinks){NULL, 0};
}

void fh_train_words_free(fh_train_words *words) {
    if (words == NULL)
        return;
    free_others(words);
    fh_u64_list_deinit(&words->first.counts);
    fh_strings_deinit(&words->first.strings);
    fh_buf_deinit(&words->first.scratch);
    fh_train_cutter_free(words->first.cutter);
    fh_train_sinks_free(words->allocator, &words->others);
    fh_free(words->allocator, words);
}

fh_status fh_train_words_add(fh_train_words *words, fh_span word, uint64_t count) {
    if (!fh_utf8_valid(word))
        return FH_STATUS(FH_CORRUPT);
    return add(&words->first.strings, &words->first.counts, &words->first.total, word, count);
}

/* At least `count` other sinks. */
static fh_status widen(fh_train_words *words, size_t count) {
    size_t have = words->others.count;
    if (count <= have)
        return FH_DONE;
    fh_train_sinks more;
    FH_TRY(fh_train_sinks_new(words->allocator, count, &more));
    fh_span_copy(fh_train_sinks_bytes(fh_train_sinks_sub(more, 0, have)),
                 fh_span_of_mut(fh_train_sinks_bytes(words->others)));
    for (size_t i = have; i < count; i++)
        sink_init(fh_train_sinks_at(more, i), words->allocator);
    fh_train_sinks_free(words->allocator, &words->others);
    words->others = more;
    return FH_DONE;
}

/* --- texts ------------------------------------------------------------------------------------------------------------- */

/* Where and why a part stopped. */
typedef struct halt {
    fh_status status;
    size_t text, offset; /* which text, and the byte in it */
} halt;
FH_SPAN_DEFINE(halt, halt);
FH_ARRAY_DEFINE(halt);

typedef struct counting {
    fh_train_sink *first;
    fh_train_sinks others;
    fh_views texts;
    fh_train_splitter splitter;
    fh_owned fh_halts halts;
} counting;

static void count_share(fh_views texts, fh_range share, fh_train_splitter splitter, fh_train_sink *sink, halt *end) {
    for (size_t i = share.from; i < share.to && !fh_failed(end->status); i++) {
        fh_span text = fh_views_get(texts, i);
        end->text = i;
        if (!fh_utf8_valid(text)) {
            end->status = FH_STATUS(FH_CORRUPT);
            end->offset = fh_utf8_bad(text);
        } else {
            end->status = splitter.split(splitter.ctx, text, sink);
        }
    }
}

static void count_part(void *arg, unsigned part, unsigned parts) {
    const counting *c = arg;
    fh_train_sink *sink = part == 0 ? c->first : fh_train_sinks_at(c->others, part - 1);
    count_share(c->texts, fh_par_share(c->texts.count, part, parts), c->splitter, sink, fh_halts_at(c->halts, part));
}

/* Counts; *first is the stop of the first text that did not go well. */
static fh_status count_texts(fh_train_words *words, fh_views texts, fh_train_splitter splitter, const fh_par *par,
                             fh_out halt *first) {
    *first = (halt){FH_DONE, 0, 0};
    size_t width = par != NULL && par->width > 1 ? par->width : 1;
    FH_TRY(widen(words, width - 1));
    counting c = {.first = &words->first, .others = words->others, .texts = texts, .splitter = splitter};
    FH_TRY(fh_halts_new(words->allocator, width, &c.halts));
    fh_par_run(par, count_part, &c);
    for (size_t i = 0; i < width && !fh_failed(first->status); i++)
        *first = fh_halts_get(c.halts, i);
    fh_halts_free(words->allocator, &c.halts);
    return first->status;
}

fh_status fh_train_words_texts(fh_train_words *words, fh_views texts, fh_train_splitter splitter, const fh_par *par,
                               fh_err *err) {
    halt first;
    fh_status s = count_texts(words, texts, splitter, par, &first);
    if (s.code == FH_CORRUPT)
        return fh_fail(err, FH_CORRUPT, first.offset, "text %zu, byte %zu: expected UTF-8", first.text, first.offset);
    return s;
}

fh_status fh_train_words_lines(fh_train_words *words, fh_span text, fh_train_splitter splitter, const fh_par *par,
                               fh_err *err) {
    size_t count = text.size != 0 && fh_span_at(text, text.size - 1) != '\n' ? 1 : 0;
    for (size_t i = 0; i < text.size; i++)
        count += fh_span_at(text, i) == '\n';
    fh_views lines;
    FH_TRY(fh_views_new(words->allocator, count, &lines));
    size_t from = 0, line = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (fh_span_at(text, i) == '\n' || i + 1 == text.size) {
            fh_views_set(lines, line++, fh_span_sub(text, from, i + 1 - from));
            from = i + 1;
        }
    }
    halt first;
    fh_status s = count_texts(words, lines, splitter, par, &first);
    if (s.code == FH_CORRUPT) {
        size_t offset = first.offset;
        for (size_t i = 0; i < first.text; i++)
            offset += fh_views_get(lines, i).size;
        s = fh_fail(err, FH_CORRUPT, offset, "byte %zu: expected UTF-8", offset);
    }
    fh_views_free(words->allocator, &lines);
    return s;
}

/* --- the list ---------------------------------------------------------------------------------------------------------- */

/* Adds what `from` counted to `to`. After a failure nothing is counted twice: words that went over have the
 * count 0 where they were. */
static fh_status fold(fh_train_sink *to, fh_train_sink *from) {
    for (uint32_t i = 0; i < from->strings.count; i++) {
        uint64_t count = fh_u64s_get(from->counts.items, i);
        FH_TRY(add(&to->strings, &to->counts, &to->total, fh_strings_get(&from->strings, i), count));
        fh_u64s_set(from->counts.items, i, 0);
        from->total -= count;
    }
    return FH_DONE;
}

/* What words are compared by. */
typedef struct word_order {
    fh_ref const fh_strings *strings;
    fh_u64s counts;
} word_order;

static bool word_less(const void *ctx, uint32_t a, uint32_t b) {
    const word_order *by = ctx;
    uint64_t count_a = fh_u64s_get(by->counts, a), count_b = fh_u64s_get(by->counts, b);
    if (count_a != count_b)
        return count_a > count_b;
    return fh_span_compare(fh_strings_get(by->strings, a), fh_strings_get(by->strings, b)) < 0;
}

fh_status fh_train_words_list(fh_train_words *words, fh_train_list *out) {
    *out = (fh_train_list){.total = 0};
    for (size_t i = 0; i < words->others.count; i++)
        FH_TRY(fold(&words->first, fh_train_sinks_at(words->others, i)));
    free_others(words);
    const fh_train_sink *all = &words->first;
    word_order by = {&all->strings, all->counts.items};
    fh_train_list list = {.strings = by.strings, .counts = by.counts, .total = all->total};
    FH_TRY(fh_u32s_new(words->allocator, all->strings.count, &list.order));
    for (uint32_t i = 0; i < list.order.count; i++)
        fh_u32s_set(list.order, i, i);
    fh_status s = fh_train_sort(words->allocator, list.order, word_less, &by);
    if (fh_failed(s)) {
        fh_u32s_free(words->allocator, &list.order);
        return s;
    }
    *out = list;
    return FH_DONE;
}

void fh_train_list_deinit(fh_train_list *list, fh_allocator *a) {
    fh_u32s_free(a, &list->order);
}
