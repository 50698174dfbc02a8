/* term.c: streams, styles, the progress bar, and numbers for people.
 *
 * Invariant: after the first failure nothing more is handed to a sink, so output is a prefix of what was meant and the
 * status says so. Text is handed on in one write per flush: lines of the two streams do not interleave within a line.
 * Threading: one thread. */
#include "apps/term.h"

#include "freehold/os.h"
#include "freehold/utf8.h"

enum {
    FLUSH_BYTES = 32 * 1024,
    BAR_CELLS = 32,
    PROGRESS_AFTER_NS = 200 * 1000 * 1000,
    PROGRESS_EVERY_NS = 50 * 1000 * 1000
};

void fh_term_init(fh_term *t, fh_allocator *a, fh_sink sink) {
    *t = (fh_term){.sink = sink, .fd = -1, .status = FH_DONE};
    fh_buf_init(&t->text, a, 0);
}

void fh_term_init_fd(fh_term *t, fh_allocator *a, int fd) {
    *t = (fh_term){.fd = fd, .status = FH_DONE, .terminal = fh_os_is_terminal(fd)};
    fh_buf_init(&t->text, a, 0);
    bool unwanted = fh_span_of_str(fh_os_env("NO_COLOR")).size != 0;
    bool dumb = fh_span_is(fh_span_of_str(fh_os_env("TERM")), "dumb");
    t->colour = t->terminal && !unwanted && !dumb;
}

void fh_term_flush(fh_term *t) {
    fh_span text = fh_buf_view(&t->text);
    if (text.size != 0 && !fh_failed(t->status))
        t->status = t->fd >= 0 ? fh_os_write(t->fd, text) : t->sink.put(t->sink.ctx, text, NULL);
    fh_buf_truncate(&t->text, 0);
}

void fh_term_rest(fh_term *t) {
    fh_term_flush(t);
    fh_allocator *a = t->text.allocator;
    fh_buf_deinit(&t->text);
    fh_buf_init(&t->text, a, 0);
}

void fh_term_keep(fh_term *t, fh_status status) {
    if (fh_failed(status) && !fh_failed(t->status))
        t->status = status;
    if (t->text.size >= FLUSH_BYTES)
        fh_term_flush(t);
}

void fh_term_put(fh_term *t, fh_span bytes) {
    fh_term_keep(t, fh_buf_put(&t->text, bytes));
}

void fh_term_drain(fh_term *t, fh_buf *from) {
    if (from->size < FLUSH_BYTES)
        return;
    fh_term_put(t, fh_buf_view(from));
    fh_buf_truncate(from, 0);
}

void fh_term_fill(fh_term *t, char byte, size_t count) {
    for (size_t i = 0; i < count; i++)
        fh_term_keep(t, fh_buf_put_u8(&t->text, (uint8_t)byte));
}

/* True for what may not reach a terminal: C0, DEL, C1, and the marks that reorder a line (Unicode TR 36, "bidirectional
 * text spoofing"). */
static bool steers(uint32_t code) {
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x202a && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069);
}

size_t fh_term_put_safe(fh_term *t, fh_span text, bool lines, size_t columns) {
    size_t used = 0;
    for (size_t i = 0; i < text.size;) {
        if (columns != 0 && used + 1 >= columns && i + 1 < text.size) {
            fh_term_put(t, FH_LIT("…"));
            return used + 1;
        }
        fh_rune r = fh_utf8_next(text, i);
        uint8_t byte = fh_span_at(text, i);
        if (!r.valid || (steers(r.code) && r.code < 0x80 && !(lines && (byte == '\n' || byte == '\t')))) {
            FH_SAY(t, "\\x%02x", (unsigned)byte);
            used += 4;
        } else if (steers(r.code) && r.code >= 0x80) {
            FH_SAY(t, "\\u{%04x}", (unsigned)r.code);
            used += 8;
        } else {
            fh_term_put(t, fh_span_sub(text, i, r.size));
            used++;
        }
        i += r.size;
    }
    return used;
}

const char *fh_term_style(const fh_term *t, fh_style style) {
    if (!t->colour)
        return "";
    switch (style) {
    case FH_PLAIN: return "\x1b[0m";
    case FH_BOLD: return "\x1b[1m";
    case FH_DIM: return "\x1b[2m";
    case FH_RED: return "\x1b[1;31m";
    case FH_CYAN: return "\x1b[36m";
    case FH_PIECE_A: return "\x1b[30;48;5;153m";
    case FH_PIECE_B: return "\x1b[30;48;5;223m";
    case FH_STYLE_COUNT: break;
    }
    return "";
}

/* --- progress --------------------------------------------------------------------------------------------------------- */

fh_progress fh_progress_begin(fh_term *t, const char *label, bool bytes) {
    return (fh_progress){.term = t, .label = label, .bytes = bytes, .since_ns = fh_os_clock_ns()};
}

void fh_progress_show(fh_progress *p, uint64_t done, uint64_t total) {
    fh_term *t = p->term;
    if (!t->terminal || total == 0)
        return;
    uint64_t now = fh_os_clock_ns();
    if (now - p->since_ns < PROGRESS_AFTER_NS || (p->shown_ns != 0 && now - p->shown_ns < PROGRESS_EVERY_NS && done < total))
        return;
    p->shown_ns = now;
    double part = (double)done / (double)total;
    size_t full = (size_t)(part * (double)BAR_CELLS);
    FH_SAY(t, "\r\x1b[K%s%s%s ", fh_term_style(t, FH_BOLD), p->label, fh_term_style(t, FH_PLAIN));
    FH_SAY(t, "%s", fh_term_style(t, FH_CYAN));
    for (size_t i = 0; i < BAR_CELLS; i++) {
        if (i == full)
            FH_SAY(t, "%s%s", fh_term_style(t, FH_PLAIN), fh_term_style(t, FH_DIM));
        fh_term_put(t, i < full ? FH_LIT("━") : t->colour ? FH_LIT("─") : FH_LIT(" "));
    }
    FH_SAY(t, "%s %3.0f %%  ", fh_term_style(t, FH_PLAIN), 100.0 * part);
    if (p->bytes)
        FH_SAY(t, "%s of %s", fh_word_bytes(done).text, fh_word_bytes(total).text);
    else
        FH_SAY(t, "%s of %s", fh_word_count(done).text, fh_word_count(total).text);
    fh_term_flush(t);
}

void fh_progress_now(fh_progress *p, uint64_t total) {
    p->since_ns = 0;
    fh_progress_show(p, 0, total);
}

void fh_progress_end(fh_progress *p) {
    if (p->shown_ns != 0) {
        fh_term_put(p->term, FH_LIT("\r\x1b[K"));
        fh_term_flush(p->term);
    }
    p->shown_ns = 0;
}

/* --- numbers ---------------------------------------------------------------------------------------------------------- */

/* Appends to a word from `at`; returns the new end. What does not fit is left out; no caller comes near. */
static size_t word_put(fh_word *w, size_t at, const char *text) {
    fh_span s = fh_span_of_str(text);
    for (size_t i = 0; i < s.size && at + 1 < sizeof w->text; i++)
        w->text[at++] = (char)fh_span_at(s, i);
    return at;
}

static size_t word_put_count(fh_word *w, size_t at, uint64_t n, bool commas) {
    char digits[32] = {0};
    size_t count = 0;
    for (unsigned i = 0; n != 0 || i == 0; i++, n /= 10) {
        if (commas && i != 0 && i % 3 == 0)
            digits[count++] = ',';
        digits[count++] = (char)('0' + n % 10);
    }
    while (count != 0 && at + 1 < sizeof w->text)
        w->text[at++] = digits[--count];
    return at;
}

/* n / unit with `places` (0 to 2) decimals, rounded half up, in integers; unit × 10^places is below 2^63.5. */
static size_t word_put_ratio(fh_word *w, size_t at, uint64_t n, uint64_t unit, unsigned places) {
    uint64_t scale = places == 2 ? 100 : places == 1 ? 10 : 1;
    uint64_t all = n / unit * scale + (n % unit * scale + unit / 2) / unit;
    at = word_put_count(w, at, all / scale, false);
    if (places != 0) {
        at = word_put(w, at, ".");
        for (uint64_t digit = scale / 10; digit != 0; digit /= 10)
            at = word_put_count(w, at, all / digit % 10, false);
    }
    return at;
}

fh_word fh_word_bytes(uint64_t bytes) {
    static const char *const units[] = {" bytes", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB"};
    fh_word w = {{0}};
    unsigned power = 0;
    while (power < 6 && bytes >> (10 * (power + 1)) != 0)
        power++;
    size_t at = power == 0 ? word_put_count(&w, 0, bytes, false) : word_put_ratio(&w, 0, bytes, UINT64_C(1) << (10 * power),
                                                                                  1);
    (void)word_put(&w, at, bytes == 1 ? " byte" : units[power]);
    return w;
}

fh_word fh_word_plain(uint64_t count) {
    fh_word w = {{0}};
    (void)word_put_count(&w, 0, count, false);
    return w;
}

fh_word fh_word_count(uint64_t count) {
    fh_word w = {{0}};
    (void)word_put_count(&w, 0, count, true);
    return w;
}

fh_word fh_word_short(uint64_t count) {
    static const char *const units[] = {"", " K", " M", " B", " T"};
    fh_word w = {{0}};
    unsigned power = 0;
    uint64_t unit = 1;
    while (power < 4 && count / unit >= 1000) {
        unit *= 1000;
        power++;
    }
    unsigned places = power == 0 || count / unit >= 100 ? 0 : count / unit >= 10 ? 1 : 2;
    (void)word_put(&w, word_put_ratio(&w, 0, count, unit, places), units[power]);
    return w;
}

fh_word fh_word_share(uint64_t part, uint64_t whole) {
    fh_word w = {{0}};
    double tenths = whole == 0 ? 0 : 1000.0 * (double)part / (double)whole;
    uint64_t rounded = (uint64_t)(tenths + 0.5);
    (void)word_put(&w, word_put_ratio(&w, 0, rounded, 10, 1), " %");
    return w;
}
