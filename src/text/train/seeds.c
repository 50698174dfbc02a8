/* seeds.c: the substrings that Unigram begins with (unigram_impl.h).
 *
 * The distinct words are written one after another as characters, each followed by an end. The places where a piece may begin
 * are sorted by what stands there, up to one character more than a piece may have (three-way radix quicksort: Bentley and
 * Sedgewick, "Fast algorithms for sorting and searching strings", 1997). Neighbours in that order share prefixes; the runs of
 * neighbours with a longest common prefix are the inner nodes of a suffix tree, which one pass with a stack finds (Kasai and
 * others, 2001): substrings with at least two different continuations. As in SentencePiece, an end is a continuation like any
 * other, and how often a substring comes counts each distinct word once.
 *
 * Threading: one call, one thread. */
#include "freehold/hash.h"
#include "freehold/utf8.h"
#include "text/train/unigram_impl.h"

/* Suffixes from..to that have `depth` characters in common. */
typedef struct range {
    size_t from, to;
    uint32_t depth;
} range;
FH_SPAN_DEFINE(range, range);
FH_ARRAY_DEFINE(range);
FH_TRAIN_LIST_DEFINE(range);

/* A substring: the first `size` characters at suffix `first`, which comes `count` times. */
typedef struct repeat {
    uint32_t first, size, count;
} repeat;
FH_SPAN_DEFINE(repeat, repeat);
FH_ARRAY_DEFINE(repeat);
FH_TRAIN_LIST_DEFINE(repeat);

typedef struct finder {
    fh_ref const fh_train_job *job;
    fh_ref fh_allocator *allocator;
    fh_owned fh_u32s codes;   /* character + 1; 0: the end of a word */
    fh_owned fh_u32s suffixes; /* sorted, later */
    fh_owned fh_range_list stack;
    fh_owned fh_repeat_list repeats;
    fh_owned fh_u64s weights; /* of each character */
    fh_owned fh_u32s order;
    size_t code_count, suffix_count;
    uint32_t depth_max;       /* one more than a piece has characters */
} finder;

static void finder_deinit(fh_drop finder *f) {
    fh_u32s_free(f->allocator, &f->codes);
    fh_u32s_free(f->allocator, &f->suffixes);
    fh_range_list_deinit(&f->stack);
    fh_repeat_list_deinit(&f->repeats);
    fh_u64s_free(f->allocator, &f->weights);
    fh_u32s_free(f->allocator, &f->order);
}

/* --- the text ---------------------------------------------------------------------------------------------------------- */

/* Fills codes, suffixes and weights. */
static fh_status read_words(finder *f) {
    const fh_train_list *list = f->job->list;
    size_t room = list->strings->bytes.size + list->order.count;
    if (room >= FH_TRAIN_NONE)
        return FH_STATUS(FH_LIMIT);
    FH_TRY(fh_u32s_new(f->allocator, room, &f->codes));
    FH_TRY(fh_u32s_new(f->allocator, room, &f->suffixes));
    FH_TRY(fh_u64s_new(f->allocator, FH_TRAIN_CODES, &f->weights));
    for (size_t w = 0; w < list->order.count; w++) {
        uint32_t id = fh_u32s_get(list->order, w);
        fh_span word = fh_strings_get(list->strings, id);
        for (size_t i = 0; i < word.size;) {
            fh_rune r = fh_utf8_next(word, i);
            fh_u32s_set(f->suffixes, f->suffix_count++, (uint32_t)f->code_count);
            fh_u32s_set(f->codes, f->code_count++, r.code + 1);
            *fh_u64s_at(f->weights, r.code) += fh_u64s_get(list->counts, id);
            i += r.size;
        }
        fh_u32s_set(f->codes, f->code_count++, 0);
    }
    return FH_DONE;
}

/* --- sorting ----------------------------------------------------------------------------------------------------------- */

/* The character of a suffix at a depth that its common prefix reaches, so that no end lies before it. */
static uint32_t code_at(const finder *f, size_t suffix, uint32_t depth) {
    return fh_u32s_get(f->codes, (size_t)fh_u32s_get(f->suffixes, suffix) + depth);
}

static void swap(const finder *f, size_t a, size_t b) {
    uint32_t old = fh_u32s_get(f->suffixes, a);
    fh_u32s_set(f->suffixes, a, fh_u32s_get(f->suffixes, b));
    fh_u32s_set(f->suffixes, b, old);
}

/* Parts a range by one character: lower ones, equal ones, higher ones. The pivot is drawn by the range, so that no text is slow
 * by plan. */
static fh_status part_range(finder *f, range r) {
    size_t drawn = r.from + (size_t)(fh_mix64(r.from ^ (uint64_t)r.to << 20 ^ (uint64_t)r.depth << 50) % (r.to - r.from));
    uint32_t pivot = code_at(f, drawn, r.depth);
    size_t low = r.from, at = low, high = r.to;
    while (at < high) {
        uint32_t code = code_at(f, at, r.depth);
        if (code < pivot)
            swap(f, low++, at++);
        else if (code > pivot)
            swap(f, at, --high);
        else
            at++;
    }
    range parts[3] = {{r.from, low, r.depth}, {low, high, r.depth + 1}, {high, r.to, r.depth}};
    for (size_t i = 0; i < 3; i++) {
        bool over = parts[i].to - parts[i].from < 2 || parts[i].depth == f->depth_max || (i == 1 && pivot == 0);
        if (!over)
            FH_TRY(fh_range_list_put(&f->stack, parts[i]));
    }
    return FH_DONE;
}

static fh_status sort_suffixes(finder *f) {
    if (f->suffix_count < 2)
        return FH_DONE;
    size_t rounds = 0;
    FH_TRY(fh_range_list_put(&f->stack, (range){0, f->suffix_count, 0}));
    while (f->stack.count > 0) {
        range r = fh_ranges_get(f->stack.items, --f->stack.count);
        FH_TRY(part_range(f, r));
        if (rounds++ % 65536 == 0)
            FH_TRY(fh_train_tell(f->job, "seeds", 0, f->suffix_count));
    }
    return FH_DONE;
}

/* --- repeats ----------------------------------------------------------------------------------------------------------- */

/* How many characters two neighbours have in common, an end being one, at most depth_max. */
static uint32_t common(const finder *f, size_t a, size_t b) {
    for (uint32_t depth = 0; depth < f->depth_max; depth++) {
        uint32_t code = code_at(f, a, depth);
        if (code != code_at(f, b, depth))
            return depth;
        if (code == 0)
            return depth + 1;
    }
    return f->depth_max;
}

/* Notes the run [from, to) with `size` characters in common, if that is a piece: two to depth_max - 1, and no end. */
static fh_status note_repeat(finder *f, size_t from, size_t to, uint32_t size) {
    if (size < 2 || size >= f->depth_max || code_at(f, from, size - 1) == 0)
        return FH_DONE;
    return fh_repeat_list_put(&f->repeats, (repeat){(uint32_t)from, size, (uint32_t)(to - from)});
}

static fh_status find_repeats(finder *f) {
    /* The stack holds runs that go on, by `from` and `depth`; deeper ones on top. */
    for (size_t i = 1; i <= f->suffix_count; i++) {
        uint32_t shared = i < f->suffix_count ? common(f, i - 1, i) : 0;
        size_t from = i - 1;
        while (f->stack.count > 0 && fh_ranges_at(f->stack.items, f->stack.count - 1)->depth > shared) {
            range r = fh_ranges_get(f->stack.items, --f->stack.count);
            FH_TRY(note_repeat(f, r.from, i, r.depth));
            from = r.from;
        }
        if (shared == 0 || (f->stack.count > 0 && fh_ranges_at(f->stack.items, f->stack.count - 1)->depth == shared))
            continue;
        FH_TRY(fh_range_list_put(&f->stack, (range){from, 0, shared}));
    }
    return FH_DONE;
}

/* --- pieces ------------------------------------------------------------------------------------------------------------ */

static bool weight_less(const void *ctx, uint32_t a, uint32_t b) {
    const finder *f = ctx;
    uint64_t weight_a = fh_u64s_get(f->weights, a), weight_b = fh_u64s_get(f->weights, b);
    return weight_a != weight_b ? weight_a > weight_b : a > b;
}

/* By the text they stand for; equal ones by their characters, backwards. */
static bool repeat_less(const void *ctx, uint32_t a, uint32_t b) {
    const finder *f = ctx;
    repeat x = fh_repeats_get(f->repeats.items, a), y = fh_repeats_get(f->repeats.items, b);
    uint64_t score_x = (uint64_t)x.size * x.count, score_y = (uint64_t)y.size * y.count;
    if (score_x != score_y)
        return score_x > score_y;
    return x.first != y.first ? x.first > y.first : x.size > y.size;
}

static fh_status add_piece(fh_piece_set *out, fh_span text, double score) {
    uint32_t id;
    FH_TRY(fh_strings_put(&out->texts, text, &id));
    fh_train_f64s_set(out->scores, id, score);
    return FH_DONE;
}

static fh_status put_code(fh_buf *text, uint32_t code) {
    uint8_t letter[4];
    size_t size = fh_utf8_put(code, letter);
    return fh_buf_put(text, fh_span_sub((fh_span){letter, sizeof letter}, 0, size));
}

/* Fills `out` from `order`: first `characters` code points, then repeats. */
static fh_status make_pieces(finder *f, size_t characters, fh_piece_set *out, fh_buf *text) {
    for (size_t i = 0; i < out->scores.count; i++) {
        uint32_t number = fh_u32s_get(f->order, i);
        fh_buf_truncate(text, 0);
        if (i < characters) {
            FH_TRY(put_code(text, number));
            FH_TRY(add_piece(out, fh_buf_view(text), (double)fh_u64s_get(f->weights, number)));
            continue;
        }
        repeat r = fh_repeats_get(f->repeats.items, number);
        for (uint32_t k = 0; k < r.size; k++)
            FH_TRY(put_code(text, code_at(f, r.first, k) - 1));
        FH_TRY(add_piece(out, fh_buf_view(text), (double)r.size * r.count));
    }
    return FH_DONE;
}

static fh_status choose(finder *f, fh_piece_set *out, fh_buf *text) {
    size_t characters = 0;
    for (uint32_t code = 0; code < FH_TRAIN_CODES; code++)
        characters += fh_u64s_get(f->weights, code) != 0;
    FH_TRY(fh_u32s_new(f->allocator, characters + f->repeats.count, &f->order));
    size_t n = 0;
    for (uint32_t code = 0; code < FH_TRAIN_CODES; code++)
        if (fh_u64s_get(f->weights, code) != 0)
            fh_u32s_set(f->order, n++, code);
    for (uint32_t i = 0; i < f->repeats.count; i++)
        fh_u32s_set(f->order, n++, i);
    FH_TRY(fh_train_sort(f->allocator, fh_u32s_sub(f->order, 0, characters), weight_less, f));
    FH_TRY(fh_train_sort(f->allocator, fh_u32s_sub(f->order, characters, f->repeats.count), repeat_less, f));
    size_t all = n < f->job->options->seed_size ? n : f->job->options->seed_size;
    all = all < characters ? characters : all;
    FH_TRY(fh_train_f64s_new(out->allocator, all, &out->scores));
    FH_TRY(fh_train_f64s_new(out->allocator, all, &out->chance));
    FH_TRY(fh_u32s_new(out->allocator, all, &out->order));
    return make_pieces(f, characters, out, text);
}

static fh_status find(finder *f, fh_piece_set *out, fh_buf *text) {
    FH_TRY(read_words(f));
    FH_TRY(sort_suffixes(f));
    FH_TRY(find_repeats(f));
    return choose(f, out, text);
}

fh_status fh_train_seeds(const fh_train_job *job, fh_piece_set *out) {
    finder f = {.job = job, .allocator = job->allocator, .depth_max = job->options->max_piece_length + 1};
    f.stack.allocator = f.repeats.allocator = job->allocator;
    fh_buf text;
    fh_buf_init(&text, job->allocator, 0);
    fh_status s = find(&f, out, &text);
    fh_buf_deinit(&text);
    finder_deinit(&f);
    return s;
}
