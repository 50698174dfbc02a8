/* forms.c: see forms.h.
 *
 * A stretch is decomposed, put into canonical order and, for NFC and NFKC, composed. Long runs of marks are ordered by
 * counting, so that no text costs more than linear time. Threading: pure functions. */
#include "text/forms.h"

#include "freehold/checked.h"
#include "freehold/utf8.h"

/* Hangul syllables are computed (chapter 3.12 of the Unicode standard). */
enum {
    S_BASE = 0xac00, L_BASE = 0x1100, V_BASE = 0x1161, T_BASE = 0x11a7,
    L_COUNT = 19, V_COUNT = 21, T_COUNT = 28, S_COUNT = L_COUNT * V_COUNT * T_COUNT
};

/* Up to here insertion orders marks quicker than counting. */
enum { INSERTION_MAX = 24, ROOM_MIN = 32 };

static uint32_t combining_class(uint32_t code) {
    return code > 0x10ffff ? 0 : fh_form_kinds[fh_form_cells[fh_form_block[code / 128] * 128u + code % 128]] >> 4;
}

/* --- the list ----------------------------------------------------------------------------------------------------------- */

void fh_marks_list_init(fh_marks_list *list, fh_allocator *a) {
    *list = (fh_marks_list){.allocator = a};
}

void fh_marks_list_deinit(fh_marks_list *list) {
    fh_marks_free(list->allocator, &list->items);
    list->count = 0;
}

static fh_status put(fh_marks_list *list, uint32_t code, int32_t change) {
    if (list->count == list->items.count) {
        size_t room;
        if (!fh_mul_size(list->count, 2, &room))
            return FH_STATUS(FH_LIMIT);
        fh_marks more;
        FH_TRY(fh_marks_new(list->allocator, room < ROOM_MIN ? ROOM_MIN : room, &more));
        if (list->count != 0)
            fh_span_copy(fh_marks_bytes(more), fh_span_of_mut(fh_marks_bytes(list->items)));
        fh_marks_free(list->allocator, &list->items);
        list->items = more;
    }
    fh_marks_set(list->items, list->count++, (fh_mark){code, change});
    return FH_DONE;
}

/* --- decomposition ------------------------------------------------------------------------------------------------------ */

/* A part of the pool. */
typedef struct part {
    size_t begin, end;
} part;

static part canonical(uint32_t code) {
    size_t low = 0, high = FH_CANONICAL;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (fh_canonical_from[mid] < code)
            low = mid + 1;
        else
            high = mid;
    }
    bool found = low < FH_CANONICAL && fh_canonical_from[low] == code;
    return found ? (part){fh_canonical_starts[low], fh_canonical_starts[low + 1]} : (part){0, 0};
}

static part compatible(uint32_t code) {
    size_t low = 0, high = FH_COMPATIBLE;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (fh_compatible_from[mid] < code)
            low = mid + 1;
        else
            high = mid;
    }
    bool found = low < FH_COMPATIBLE && fh_compatible_from[low] == code;
    return found ? (part){fh_compatible_starts[low], fh_compatible_starts[low + 1]} : canonical(code);
}

static fh_status put_decomposed(fh_form form, uint32_t code, fh_marks_list *out) {
    if (code >= S_BASE && code < S_BASE + S_COUNT) {
        uint32_t s = code - S_BASE;
        FH_TRY(put(out, L_BASE + s / (V_COUNT * T_COUNT), 0));
        FH_TRY(put(out, V_BASE + s % (V_COUNT * T_COUNT) / T_COUNT, 1));
        return s % T_COUNT != 0 ? put(out, T_BASE + s % T_COUNT, 1) : FH_DONE;
    }
    if (code < 0xa0)
        return put(out, code, 0);
    part p = form == FH_FORM_NFKD || form == FH_FORM_NFKC ? compatible(code) : canonical(code);
    if (p.begin == p.end)
        return put(out, code, 0);
    for (size_t i = p.begin; i < p.end; i++)
        FH_TRY(put(out, fh_form_pool[i], i != p.begin));
    return FH_DONE;
}

/* --- order -------------------------------------------------------------------------------------------------------------- */

/* Orders items[from .. from + count), marks, by class, equal classes as they came. Counting uses the list's end for a copy. */
static fh_status order_marks(fh_marks_list *list, size_t from, size_t count) {
    if (count <= INSERTION_MAX) {
        fh_marks marks = fh_marks_sub(list->items, from, count);
        for (size_t i = 1; i < count; i++) {
            fh_mark mark = fh_marks_get(marks, i);
            uint32_t cls = combining_class(mark.code);
            size_t k = i;
            for (; k > 0 && combining_class(fh_marks_get(marks, k - 1).code) > cls; k--)
                fh_marks_set(marks, k, fh_marks_get(marks, k - 1));
            fh_marks_set(marks, k, mark);
        }
        return FH_DONE;
    }
    struct {
        size_t at[256]; /* where the next mark of each class goes */
    } next = {{0}};
    size_t before = list->count;
    for (size_t i = 0; i < count; i++) {
        fh_mark mark = fh_marks_get(list->items, from + i);
        FH_TRY(put(list, mark.code, mark.change)); /* the copy */
        next.at[combining_class(mark.code) & 255]++;
    }
    size_t sum = from;
    for (size_t c = 0; c < 256; c++) {
        size_t of_class = next.at[c];
        next.at[c] = sum;
        sum += of_class;
    }
    for (size_t i = 0; i < count; i++) {
        fh_mark mark = fh_marks_get(list->items, before + i);
        fh_marks_set(list->items, next.at[combining_class(mark.code) & 255]++, mark);
    }
    list->count = before;
    return FH_DONE;
}

/* --- composition -------------------------------------------------------------------------------------------------------- */

/* What two code points compose to, or 0. */
static uint32_t composed(uint32_t left, uint32_t right) {
    if (left >= L_BASE && left < L_BASE + L_COUNT && right >= V_BASE && right < V_BASE + V_COUNT)
        return S_BASE + ((left - L_BASE) * V_COUNT + (right - V_BASE)) * T_COUNT;
    bool open = left >= S_BASE && left < S_BASE + S_COUNT && (left - S_BASE) % T_COUNT == 0;
    if (open && right > T_BASE && right < T_BASE + T_COUNT)
        return left + (right - T_BASE);
    size_t low = 0, high = FH_FORM_PAIRS;
    while (low < high) {
        size_t mid = (low + high) / 2;
        const fh_form_pair p = fh_form_pairs[mid];
        if (p.left < left || (p.left == left && p.right < right))
            low = mid + 1;
        else
            high = mid;
    }
    bool found = low < FH_FORM_PAIRS && fh_form_pairs[low].left == left && fh_form_pairs[low].right == right;
    return found ? fh_form_pairs[low].whole : 0;
}

/* Composes in place. What joins a starter takes its change along: a character of its own (0) is one that is gone. */
static void compose(fh_marks_list *list) {
    size_t kept = 0, starter = SIZE_MAX;
    uint32_t last = 0; /* class of the last one kept since the starter; 0: none */
    for (size_t i = 0; i < list->count; i++) {
        fh_mark mark = fh_marks_get(list->items, i);
        uint32_t cls = combining_class(mark.code);
        bool adjacent = starter != SIZE_MAX && starter + 1 == kept;
        if (starter != SIZE_MAX && (adjacent || (last != 0 && last < cls))) {
            fh_mark *head = fh_marks_at(list->items, starter);
            uint32_t whole = composed(head->code, mark.code);
            if (whole != 0) {
                *head = (fh_mark){whole, head->change + mark.change - 1};
                continue;
            }
        }
        if (cls == 0)
            starter = kept;
        last = cls;
        fh_marks_set(list->items, kept++, mark);
    }
    list->count = kept;
}

fh_status fh_form_put(fh_form form, fh_span text, fh_marks_list *list) {
    list->count = 0;
    for (size_t i = 0; i < text.size;) {
        fh_rune r = fh_utf8_next(text, i);
        FH_TRY(put_decomposed(form, r.code, list));
        i += r.size;
    }
    for (size_t i = 0; i < list->count;) {
        size_t from = i;
        while (i < list->count && combining_class(fh_marks_get(list->items, i).code) != 0)
            i++;
        if (i > from + 1)
            FH_TRY(order_marks(list, from, i - from));
        i += i == from;
    }
    if (form == FH_FORM_NFC || form == FH_FORM_NFKC)
        compose(list);
    return FH_DONE;
}
