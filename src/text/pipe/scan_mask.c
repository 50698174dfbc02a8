/* scan_mask.c: the scanners over ASCII, 64 bytes at a time, as arithmetic on the masks of mask.h.
 *
 * A window begins where a piece begins, so nothing is carried from one window to the next, and it holds only ASCII. From its
 * masks all places where pieces begin are computed at once: where a run of one class begins, except that a space or one sign
 * before a run belongs to it; the last blank of white space before text; every third digit; behind the last line end of white
 * space. What depends on text behind the window is not trusted: the last run of white space, a last apostrophe. The next
 * window begins at the last trusted place. Where there is none (a character beyond ASCII, a piece of 64 bytes) fh_scan_end
 * cuts one piece.
 *
 * Notation: bit i of a mask speaks of byte i; X << 1 is "the byte before is an X", X >> 1 "the byte behind".
 * Threading: pure functions. */
#include "text/pipe/scan.h"

/* A window: its classes, all within `valid`, and whether the text ends with it. */
typedef struct window {
    uint64_t valid, letter, number, space, other;
    uint64_t blank, line, apostrophe;
    unsigned size;
    bool last;
} window;

/* Bits 0 … i; i < 64. */
static uint64_t up_to(unsigned i) {
    return ~(uint64_t)0 >> (63 - i);
}

static unsigned first_bit(uint64_t x) {
    return (unsigned)__builtin_ctzll(x);
}
static unsigned last_bit(uint64_t x) {
    return 63u - (unsigned)__builtin_clzll(x);
}

/* The window at `at`; size 0 where the text is not ASCII, or over. */
static window look(fh_masks_fn *masks, fh_span text, size_t at) {
    struct fh_masks m;
    unsigned size = (unsigned)masks(text, at, &m);
    if (m.high != 0)
        size = first_bit(m.high);
    uint64_t valid = size == 0 ? 0 : up_to(size - 1);
    uint64_t letter = (m.upper | m.lower) & valid, number = m.digit & valid, space = m.space & valid;
    return (window){.valid = valid,
                    .letter = letter,
                    .number = number,
                    .space = space,
                    .other = valid & ~(letter | number | space),
                    .blank = m.blank & valid,
                    .line = m.line & valid,
                    .apostrophe = m.apostrophe & valid,
                    .size = size,
                    .last = at + size == text.size};
}

static uint64_t begins(uint64_t run) {
    return run & ~(run << 1);
}

static uint64_t gpt2_starts(const window *w) {
    uint64_t words = begins(w->letter) | begins(w->number) | begins(w->other);
    uint64_t last = w->space & ~(w->space >> 1) & (w->valid >> 1);
    return (words & ~(w->blank << 1)) | begins(w->space) | last;
}

/* Of white space that is left after `taken`: its begin, behind its last line end, its last character before text. */
static uint64_t line_space_starts(const window *w, uint64_t taken) {
    uint64_t space = w->space & ~taken, soft = space & ~w->line;
    uint64_t behind = soft & (w->line << 1); /* a run of blanks behind a line end … */
    uint64_t over = (soft + behind) & ~soft & w->line; /* … that another line end follows */
    for (; over != 0; over &= over - 1)
        behind &= ~((uint64_t)1 << last_bit(behind & ((over & (~over + 1)) - 1)));
    return begins(space) | behind | (soft & ~(w->space >> 1) & (w->valid >> 1));
}

/* The first digit of each group: every `group`-th of a run. */
static uint64_t number_starts(uint64_t number, unsigned group) {
    if (group == 1)
        return number;
    uint64_t starts = begins(number), within = number & number << 1 & number << 2;
    for (uint64_t s = starts << 3 & within & number; s != 0; s = s << 3 & within)
        starts |= s;
    return starts;
}

static uint64_t llama3_starts(const window *w, unsigned group) {
    /* Line ends right behind signs belong to them. */
    uint64_t taken = w->line & ~(w->line + (w->other << 1 & w->line));
    uint64_t signs = begins(w->other) & ~(w->blank << 1); /* a space before signs belongs to them */
    uint64_t before = signs | (w->space & ~w->line);      /* what a letter run takes along if it stands before it */
    return (begins(w->letter) & ~(before << 1)) | number_starts(w->number, group) | signs | line_space_starts(w, taken);
}

static uint8_t byte_at(fh_span text, size_t at) {
    return at < text.size ? fh_span_at(text, at) : 0;
}

/* The length of a contraction at an apostrophe, if what follows is ASCII; else 0. */
static unsigned contraction(fh_span text, size_t at, bool fold) {
    uint8_t a = byte_at(text, at + 1), b = byte_at(text, at + 2);
    if (fold) {
        a |= a >= 'A' && a <= 'Z' ? 0x20 : 0;
        b |= b >= 'A' && b <= 'Z' ? 0x20 : 0;
    }
    if (a == 's' || a == 't' || a == 'm' || a == 'd')
        return 2;
    return (a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l') ? 3 : 0;
}

/* Pieces that begin with an apostrophe and are contractions end behind them. */
static uint64_t cut_contractions(const window *w, fh_span text, size_t at, bool fold, uint64_t starts) {
    for (uint64_t a = starts & w->apostrophe; a != 0; a &= a - 1) {
        unsigned i = first_bit(a), size = contraction(text, at + i, fold);
        if (size != 0)
            starts &= ~((((uint64_t)1 << size) - 2) << i);
        if (size != 0 && i + size < 64)
            starts |= (uint64_t)1 << (i + size);
    }
    return starts & w->valid;
}

/* Takes away what text behind the window may change. */
static uint64_t trusted(const window *w, uint64_t starts) {
    if (w->last)
        return starts;
    uint64_t top = (uint64_t)1 << (w->size - 1), words = w->valid & ~w->space;
    uint64_t late = w->apostrophe & starts & (top | top >> 1);
    if (late != 0)
        starts &= up_to(first_bit(late));
    if ((w->space & top) != 0)
        starts &= words == 0 ? 1 : up_to(last_bit(words)) << 1 | 1;
    return starts;
}

static uint64_t starts_of(fh_scan scan, const window *w, fh_span text, size_t at) {
    uint64_t starts = scan == FH_SCAN_GPT2 ? gpt2_starts(w) : llama3_starts(w, scan == FH_SCAN_LLAMA3 ? 3 : 1);
    starts = (starts | 1) & w->valid;
    if ((starts & w->apostrophe) != 0)
        starts = cut_contractions(w, text, at, scan != FH_SCAN_GPT2, starts);
    return trusted(w, starts);
}

size_t fh_scan_ends(fh_scan scan, fh_masks_fn *masks, fh_span text, fh_mut size_t *at, fh_u32s ends) {
    FH_ASSERT(ends.count >= FH_MASK_BYTES && text.size <= UINT32_MAX);
    size_t count = 0, place = *at;
    while (place < text.size && count + FH_MASK_BYTES <= ends.count) {
        window w = look(masks, text, place);
        uint64_t starts = w.size == 0 ? 0 : starts_of(scan, &w, text, place) & ~(uint64_t)1;
        for (uint64_t s = starts; s != 0; s &= s - 1)
            fh_u32s_set(ends, count++, (uint32_t)(place + first_bit(s)));
        if (w.size != 0 && w.last)
            place = text.size;
        else if (starts != 0)
            place += last_bit(starts);
        else
            place = fh_scan_end(scan, text, place);
        if (starts == 0 || place == text.size)
            fh_u32s_set(ends, count++, (uint32_t)place);
    }
    *at = place;
    return count;
}
