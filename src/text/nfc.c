/* nfc.c: Unicode normalization form C (UAX #15).
 *
 * Most text is in form C already: characters of kind 0 (a starter that neither changes nor joins what stands before it) are
 * copied. Where another kind comes up, the stretch from the last character of kind 0 to the next one is decomposed, put
 * into canonical order and composed; nothing outside such a stretch can take part in it.
 *
 * Long runs of marks are ordered by counting, so that no text costs more than linear time. Threading: pure functions. */
#include "text/nfc.h"
#include "freehold/utf8.h"

/* Hangul syllables are computed (chapter 3.12 of the Unicode standard). */
enum {
    S_BASE = 0xac00, L_BASE = 0x1100, V_BASE = 0x1161, T_BASE = 0x11a7,
    L_COUNT = 19, V_COUNT = 21, T_COUNT = 28, S_COUNT = L_COUNT * V_COUNT * T_COUNT
};

/* Up to here insertion orders marks quicker than counting. */
enum { INSERTION_MAX = 24 };

static uint8_t kind_of(uint32_t code) {
    return code > 0x10ffff ? 0 : fh_nfc_cells[fh_nfc_block[code / 128] * 128u + code % 128];
}

static uint8_t combining_class(uint32_t code) {
    uint8_t kind = kind_of(code);
    return kind == 255 ? 0 : kind;
}

/* Appends the full decomposition of a code point. */
static fh_status put_decomposed(uint32_t code, fh_ids *out) {
    if (code >= S_BASE && code < S_BASE + S_COUNT) {
        uint32_t s = code - S_BASE;
        FH_TRY(fh_ids_put(out, L_BASE + s / (V_COUNT * T_COUNT)));
        FH_TRY(fh_ids_put(out, V_BASE + s % (V_COUNT * T_COUNT) / T_COUNT));
        return s % T_COUNT != 0 ? fh_ids_put(out, T_BASE + s % T_COUNT) : FH_DONE;
    }
    size_t low = 0, high = FH_NFC_DECOMPOSITIONS;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (fh_nfc_from[mid] < code)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == FH_NFC_DECOMPOSITIONS || fh_nfc_from[low] != code)
        return fh_ids_put(out, code);
    for (size_t i = fh_nfc_starts[low]; i < fh_nfc_starts[low + 1]; i++)
        FH_TRY(fh_ids_put(out, fh_nfc_pool[i]));
    return FH_DONE;
}

/* Orders list[from .. from + count), marks, by class, equal classes as they came. Counting uses the list's end for a copy. */
static fh_status order_marks(fh_ids *list, size_t from, size_t count) {
    if (count <= INSERTION_MAX) {
        fh_u32s marks = fh_u32s_sub(fh_ids_view(list), from, count);
        for (size_t i = 1; i < count; i++) {
            uint32_t code = fh_u32s_get(marks, i);
            size_t k = i;
            for (; k > 0 && combining_class(fh_u32s_get(marks, k - 1)) > combining_class(code); k--)
                fh_u32s_set(marks, k, fh_u32s_get(marks, k - 1));
            fh_u32s_set(marks, k, code);
        }
        return FH_DONE;
    }
    struct {
        size_t at[256]; /* where the next mark of each class goes */
    } next = {{0}};
    size_t before = list->count;
    for (size_t i = 0; i < count; i++) {
        uint32_t code = fh_u32s_get(fh_ids_view(list), from + i);
        FH_TRY(fh_ids_put(list, code)); /* the copy */
        next.at[combining_class(code)]++;
    }
    size_t sum = from;
    for (size_t c = 0; c < 256; c++) {
        size_t of_class = next.at[c];
        next.at[c] = sum;
        sum += of_class;
    }
    fh_u32s all = fh_ids_view(list);
    for (size_t i = 0; i < count; i++) {
        uint32_t code = fh_u32s_get(all, before + i);
        fh_u32s_set(all, next.at[combining_class(code)]++, code);
    }
    list->count = before;
    return FH_DONE;
}

/* What two code points compose to, or 0. */
static uint32_t composed(uint32_t left, uint32_t right) {
    if (left >= L_BASE && left < L_BASE + L_COUNT && right >= V_BASE && right < V_BASE + V_COUNT)
        return S_BASE + ((left - L_BASE) * V_COUNT + (right - V_BASE)) * T_COUNT;
    bool open = left >= S_BASE && left < S_BASE + S_COUNT && (left - S_BASE) % T_COUNT == 0;
    if (open && right > T_BASE && right < T_BASE + T_COUNT)
        return left + (right - T_BASE);
    size_t low = 0, high = FH_NFC_PAIRS;
    while (low < high) {
        size_t mid = (low + high) / 2;
        const fh_nfc_pair p = fh_nfc_pairs[mid];
        if (p.left < left || (p.left == left && p.right < right))
            low = mid + 1;
        else
            high = mid;
    }
    bool found = low < FH_NFC_PAIRS && fh_nfc_pairs[low].left == left && fh_nfc_pairs[low].right == right;
    return found ? fh_nfc_pairs[low].whole : 0;
}

/* Composes in place; returns the new count. */
static size_t compose(fh_u32s codes) {
    size_t kept = 0, starter = SIZE_MAX;
    uint8_t last = 0; /* class of the last one kept since the starter; 0: none */
    for (size_t i = 0; i < codes.count; i++) {
        uint32_t code = fh_u32s_get(codes, i);
        uint8_t cls = combining_class(code);
        bool adjacent = starter != SIZE_MAX && starter + 1 == kept;
        bool free_to_join = starter != SIZE_MAX && (adjacent || (last != 0 && last < cls));
        uint32_t whole = free_to_join ? composed(fh_u32s_get(codes, starter), code) : 0;
        if (whole != 0) {
            fh_u32s_set(codes, starter, whole);
            continue;
        }
        if (cls == 0)
            starter = kept;
        last = cls;
        fh_u32s_set(codes, kept++, code);
    }
    return kept;
}

/* Normalizes a stretch of whole, well-formed characters. */
static fh_status put_stretch(fh_span text, fh_ids *codes, fh_buf *out) {
    codes->count = 0;
    for (size_t i = 0; i < text.size;) {
        fh_rune r = fh_utf8_next(text, i);
        FH_TRY(put_decomposed(r.code, codes));
        i += r.size;
    }
    for (size_t i = 0; i < codes->count;) {
        size_t from = i;
        while (i < codes->count && combining_class(fh_u32s_get(fh_ids_view(codes), i)) != 0)
            i++;
        if (i > from + 1)
            FH_TRY(order_marks(codes, from, i - from));
        i += i == from;
    }
    size_t count = compose(fh_ids_view(codes));
    for (size_t i = 0; i < count; i++) {
        uint8_t bytes[4];
        size_t size = fh_utf8_put(fh_u32s_get(codes->items, i), bytes);
        FH_TRY(fh_buf_put(out, fh_span_sub((fh_span){bytes, sizeof bytes}, 0, size)));
    }
    return FH_DONE;
}

fh_status fh_nfc_put(fh_span text, fh_ids *scratch, fh_buf *out) {
    for (size_t at = 0; at < text.size;) {
        size_t last = at, i = at; /* last: where the last character of kind 0 begins; i: looked at up to here */
        while (i < text.size) {
            fh_rune r = fh_utf8_next(text, i);
            if (r.valid && kind_of(r.code) != 0)
                break;
            last = r.valid ? i : i + r.size;
            i += r.size;
        }
        if (i == text.size)
            return fh_buf_put(out, fh_span_from(text, at));
        FH_TRY(fh_buf_put(out, fh_span_sub(text, at, last - at)));
        while (i < text.size) {
            fh_rune r = fh_utf8_next(text, i);
            if (!r.valid || kind_of(r.code) == 0)
                break;
            i += r.size;
        }
        FH_TRY(put_stretch(fh_span_sub(text, last, i - last), scratch, out));
        at = i;
    }
    return FH_DONE;
}
