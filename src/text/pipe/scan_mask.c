/* scan_mask.c: the scanners over ASCII, 64 bytes at a time, as arithmetic on the masks of mask.h.
 *
 * A window begins where a piece begins, so nothing is carried from one window to the next, and it holds only ASCII. From its
 * masks all places where pieces begin are computed at once: where a run of one class begins, except that a space or one sign
 * before a run belongs to it; the last blank of white space before text; every third digit; behind the last line end of white
 * space. What depends on text behind the window is not trusted: the last run of white space, a late apostrophe. The next
 * window begins at the last trusted place. Where there is none (a character beyond ASCII, a piece of 64 bytes) fh_scan_end
 * cuts one piece.
 *
 * Notation: bit i of a mask speaks of byte i; X << 1 is "the byte before is an X", X >> 1 "the byte behind".
 * Threading: pure functions. */
#include "text/pipe/scan.h"

/* A window: its classes, all within `valid`, and whether the text ends with it. */
typedef struct window {
    uint64_t valid, letter, number, space, other;
    uint64_t upper, blank, line, apostrophe;
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

/* The window at `at`; size 0 where the text is not ASCII, or over. It ends before what the arithmetic of a scanner does not
 * know: control characters (DeepSeek), a slash behind a line end (o200k). */
static window look(fh_scan scan, fh_masks_fn *masks, fh_span text, size_t at) {
    struct fh_masks m;
    unsigned size = (unsigned)masks(text, at, &m);
    uint64_t stop = m.high;
    if (scan == FH_SCAN_DEEPSEEK3)
        stop |= m.control & ~m.space;
    if (scan == FH_SCAN_O200K || scan == FH_SCAN_TEKKEN)
        stop |= m.line << 1 & m.slash;
    if (stop != 0)
        size = first_bit(stop);
    uint64_t valid = size == 0 ? 0 : up_to(size - 1);
    uint64_t letter = (m.upper | m.lower) & valid, number = m.digit & valid, space = m.space & valid;
    return (window){.valid = valid,
                    .letter = letter,
                    .number = number,
                    .space = space,
                    .other = valid & ~(letter | number | space),
                    .upper = m.upper & valid,
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

/* Of white space that is left after `taken`: its begin, behind its last line end, its last character before text (`next`:
 * where the character behind is text). */
static uint64_t line_space_starts(const window *w, uint64_t taken, uint64_t next) {
    uint64_t space = w->space & ~taken, soft = space & ~w->line;
    uint64_t behind = soft & (w->line << 1); /* a run of blanks behind a line end … */
    uint64_t over = (soft + behind) & ~soft & w->line; /* … that another line end follows */
    for (; over != 0; over &= over - 1)
        behind &= ~((uint64_t)1 << last_bit(behind & ((over & (~over + 1)) - 1)));
    return begins(space) | behind | (soft & ~(w->space >> 1) & next);
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

/* Words, with one sign or blank before them; numbers in groups; signs, with a space before and line ends behind; white space.
 * `parts`: numbers were cut out before, so that white space before them ends its text. */
static uint64_t word_starts(const window *w, unsigned group, bool parts) {
    /* Line ends right behind signs belong to them. */
    uint64_t taken = w->line & ~(w->line + (w->other << 1 & w->line));
    uint64_t signs = begins(w->other) & ~(w->blank << 1); /* a space before signs belongs to them */
    uint64_t before = signs | (w->space & ~w->line);      /* what a letter run takes along if it stands before it */
    return (begins(w->letter) & ~(before << 1)) | number_starts(w->number, group) | signs |
           line_space_starts(w, taken, (parts ? w->valid & ~w->number : w->valid) >> 1);
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

/* A contraction behind a word belongs to it; what looks like another one behind that does not. */
static uint64_t join_contractions(const window *w, fh_span text, size_t at, uint64_t starts) {
    unsigned taken = 0;
    for (uint64_t a = starts & w->apostrophe & (w->letter << 1); a != 0; a &= a - 1) {
        unsigned i = first_bit(a), size = i != taken ? contraction(text, at + i, true) : 0;
        if (size == 0)
            continue;
        taken = i + size;
        starts &= ~((((uint64_t)1 << size) - 1) << i);
        if (taken < 64)
            starts |= (uint64_t)1 << taken;
    }
    return starts & w->valid;
}

/* Takes away what text behind the window may change. */
static uint64_t trusted(const window *w, uint64_t starts) {
    if (w->last)
        return starts;
    uint64_t top = (uint64_t)1 << (w->size - 1), words = w->valid & ~w->space;
    uint64_t late = w->apostrophe & (top | top >> 1) & ~(uint64_t)1;
    if (late != 0)
        starts &= up_to(first_bit(late) - 1);
    if ((w->space & top) != 0)
        starts &= words == 0 ? 1 : up_to(last_bit(words)) << 1 | 1;
    return starts;
}

static uint64_t starts_of(fh_scan scan, const window *w, fh_span text, size_t at) {
    bool o200k = scan == FH_SCAN_O200K || scan == FH_SCAN_TEKKEN, joins = scan == FH_SCAN_O200K;
    bool cuts = scan < FH_SCAN_O200K, single = scan == FH_SCAN_QWEN2 || scan == FH_SCAN_QWEN35 || scan == FH_SCAN_TEKKEN;
    uint64_t starts = scan == FH_SCAN_GPT2 ? gpt2_starts(w) : word_starts(w, single ? 1 : 3, scan == FH_SCAN_DEEPSEEK3);
    if (o200k) /* a capital behind a small letter */
        starts |= w->upper & (w->letter & ~w->upper) << 1;
    starts = (starts | 1) & w->valid;
    if ((starts & w->apostrophe) != 0 && cuts)
        starts = cut_contractions(w, text, at, scan != FH_SCAN_GPT2, starts);
    if ((starts & w->apostrophe) != 0 && joins)
        starts = join_contractions(w, text, at, starts);
    return trusted(w, starts);
}

/* True if there is arithmetic for a scanner. */
static bool by_masks(fh_scan scan) {
    return scan < FH_SCAN_DIGITS3 || scan == FH_SCAN_DEEPSEEK3;
}

size_t fh_scan_ends(fh_scan scan, fh_masks_fn *masks, fh_span text, fh_mut size_t *at, fh_u32s ends) {
    FH_ASSERT(ends.count >= FH_MASK_BYTES && text.size <= UINT32_MAX);
    size_t count = 0, place = *at;
    while (!by_masks(scan) && place < text.size && count < ends.count) {
        place = fh_scan_end(scan, text, place);
        fh_u32s_set(ends, count++, (uint32_t)place);
    }
    while (place < text.size && count + FH_MASK_BYTES <= ends.count) {
        if (fh_span_at(text, place) >= 0x80) {
            place = fh_scan_end(scan, text, place);
            fh_u32s_set(ends, count++, (uint32_t)place);
            continue;
        }
        window w = look(scan, masks, text, place);
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
