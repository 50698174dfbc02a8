/* moments_svg.c: one moment of a report as one picture: a bar an owner, its parts side by side.
 *
 *     name    ████████████▒▒▒▒░░┄┄┄┄┄┄┄┄┄     12.0 MiB   66.0 %     live, cached, quarantined, retired, overhead ┄ reserved
 *     kind    412 live + 88 cached of 64 bytes · peak 13.1 MiB
 *
 * All bars share one linear scale, so that lengths compare. What is only reserved is drawn to the end of the scale at most:
 * address space costs nothing, and a pool that keeps 64 GiB of it for growth would leave no room for the rest. The colours
 * keep apart in grey and for the colour-blind, in light and in dark.
 *
 * Every text that comes from the report is printable ASCII (fh_memory_label) and is escaped here; everything else is numbers.
 *
 * Source: W3C SVG 1.1; the CSS media feature prefers-color-scheme. Threading: one thread. */
#include "apps/moments.h"

enum { WIDTH = 960, MARGIN = 24, BAR_X = 224, BAR_WIDTH = 500, BAR_HEIGHT = 16, HEAD = 136, ROW = 42 };
enum { ROWS_SHOWN = 24, TICKS = 5 };

enum { PARTS = 5, NAME_COLUMNS = 22 };
typedef struct part {
    const char *name;
    uint64_t count, bytes;
} part;
typedef struct parts {
    part at[PARTS];
} parts;

static parts parts_of(const fh_memory_row *row) {
    return (parts){{{"live", row->live.count, row->live.bytes},
                    {"cached", row->cached.count, row->cached.bytes},
                    {"quarantined", row->quarantined.count, row->quarantined.bytes},
                    {"retired", row->retired.count, row->retired.bytes},
                    {"overhead", 0, fh_row_overhead(row)}}};
}

static const char style[] =
    "<style>\n"
    "text { font: 13px system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif; fill: #1f2328; }\n"
    ".title { font-size: 20px; font-weight: 600; }\n"
    ".name { font-weight: 600; }\n"
    ".small { font-size: 11px; fill: #59636e; }\n"
    ".number { text-anchor: end; font-variant-numeric: tabular-nums; }\n"
    ".ground { fill: #ffffff; }\n"
    ".grid { stroke: #d1d9e0; stroke-width: 1; }\n"
    ".part { stroke: #ffffff; stroke-width: 0.75; }\n"
    ".live { fill: #0b62c4; }\n"
    ".cached { fill: #8ec1f5; }\n"
    ".quarantined { fill: #e3a008; }\n"
    ".retired { fill: #b3261e; }\n"
    ".overhead { fill: #a8b1bb; }\n"
    ".reserved { fill: none; stroke: #818b98; stroke-width: 1; stroke-dasharray: 3 3; }\n"
    "@media (prefers-color-scheme: dark) {\n"
    "  text { fill: #e6edf3; }\n"
    "  .small { fill: #9aa4af; }\n"
    "  .ground { fill: #0d1117; }\n"
    "  .grid { stroke: #30363d; }\n"
    "  .part { stroke: #0d1117; }\n"
    "  .live { fill: #4c9bf5; }\n"
    "  .cached { fill: #1f4f85; }\n"
    "  .quarantined { fill: #e8b339; }\n"
    "  .retired { fill: #f0655a; }\n"
    "  .overhead { fill: #6b747e; }\n"
    "  .reserved { stroke: #7d8590; }\n"
    "}\n"
    "</style>\n";

static void put_escaped(fh_term *t, fh_span text) {
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = fh_span_at(text, i);
        switch (byte) {
        case '&': fh_term_put(t, FH_LIT("&amp;")); break;
        case '<': fh_term_put(t, FH_LIT("&lt;")); break;
        case '>': fh_term_put(t, FH_LIT("&gt;")); break;
        case '"': fh_term_put(t, FH_LIT("&quot;")); break;
        case '\'': fh_term_put(t, FH_LIT("&#39;")); break;
        default: fh_term_put(t, fh_span_sub(text, i, 1));
        }
    }
}

static void put_label(fh_term *t, fh_memory_label label, size_t columns) {
    fh_span text = fh_span_of_str(label.text);
    bool cut = text.size > columns;
    put_escaped(t, cut ? fh_span_sub(text, 0, columns - 1) : text);
    fh_term_put(t, cut ? FH_LIT("…") : FH_LIT(""));
}

/* --- head ------------------------------------------------------------------------------------------------------------- */

static void put_head(fh_term *t, const fh_moment *m, fh_memory_label title, const fh_memory_row *sum) {
    FH_SAY(t, "<text class=\"title\" x=\"%d\" y=\"38\">%s committed, %zu owner%s</text>\n", MARGIN,
           fh_word_bytes(sum->committed_bytes).text, m->memory.rows.count, m->memory.rows.count == 1 ? "" : "s");
    FH_SAY(t, "<text class=\"small\" x=\"%d\" y=\"58\">", MARGIN);
    put_label(t, title, FH_MEMORY_NAME_BYTES);
    if (m->name.text[0] != 0) {
        FH_SAY(t, " · ");
        put_label(t, m->name, FH_MEMORY_NAME_BYTES);
    }
    if (m->doing.text[0] != 0) {
        FH_SAY(t, ", during: ");
        put_label(t, m->doing, FH_MEMORY_NAME_BYTES);
    }
    if (m->memory.resident_peak_bytes != 0)
        FH_SAY(t, " · process at most %s in memory", fh_word_bytes(m->memory.resident_peak_bytes).text);
    FH_SAY(t, "</text>\n");
    parts all = parts_of(sum);
    int x = MARGIN;
    for (size_t i = 0; i < PARTS; i++) {
        fh_word bytes = fh_word_bytes(all.at[i].bytes);
        FH_SAY(t, "<rect class=\"%s\" x=\"%d\" y=\"75\" width=\"12\" height=\"12\"/>", all.at[i].name, x);
        FH_SAY(t, "<text x=\"%d\" y=\"86\">%s</text>", x + 18, all.at[i].name);
        FH_SAY(t, "<text class=\"small\" x=\"%d\" y=\"102\">%s</text>\n", x + 18, bytes.text);
        x += 150;
    }
    FH_SAY(t, "<rect class=\"reserved\" x=\"%d.5\" y=\"75.5\" width=\"12\" height=\"11\"/>", x);
    FH_SAY(t, "<text x=\"%d\" y=\"86\">reserved</text>", x + 18);
    FH_SAY(t, "<text class=\"small\" x=\"%d\" y=\"102\">%s</text>\n", x + 18, fh_word_bytes(sum->reserved_bytes).text);
}

/* Lines at round multiples of a power of two. */
static void put_grid(fh_term *t, uint64_t scale, size_t rows) {
    uint64_t step = 1;
    while (scale / step >= TICKS)
        step *= 2;
    for (uint64_t at = 0; at <= scale; at += step) {
        double x = (double)BAR_X + (double)BAR_WIDTH * (double)at / (double)scale;
        FH_SAY(t, "<path class=\"grid\" d=\"");
        for (size_t i = 0; i < rows; i++) /* not through the captions */
            FH_SAY(t, "M %.1f %zu v %d ", x, HEAD + ROW * i - 5, BAR_HEIGHT + 9);
        FH_SAY(t, "\"/>");
        FH_SAY(t, "<text class=\"small\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n", x, HEAD - 12,
               at == 0 ? "0" : fh_word_bytes(at).text);
    }
}

/* --- rows ------------------------------------------------------------------------------------------------------------- */

/* "412 live + 88 cached of 64 bytes · peak 13.1 MiB": what the lengths do not say. */
static void put_caption(fh_term *t, const fh_memory_row *row) {
    parts all = parts_of(row);
    const char *before = "";
    for (size_t i = 0; i < PARTS; i++) {
        if (all.at[i].count == 0)
            continue;
        FH_SAY(t, "%s%s %s", before, fh_word_count(all.at[i].count).text, all.at[i].name);
        before = " + ";
    }
    bool counted = fh_span_of_str(before).size != 0;
    if (counted && row->object_bytes != 0)
        FH_SAY(t, " of %s", fh_word_bytes(row->object_bytes).text);
    const struct {
        const char *name;
        uint64_t bytes;
        bool shown;
    } also[] = {{"reserved", row->reserved_bytes, row->reserved_bytes > row->committed_bytes},
                {"peak", row->peak_bytes, row->peak_bytes > row->live.bytes}};
    for (size_t i = 0; i < 2; i++) {
        if (also[i].shown) {
            FH_SAY(t, "%s%s %s", counted ? " · " : "", also[i].name, fh_word_bytes(also[i].bytes).text);
            counted = true;
        }
    }
    if (row->refusals != 0)
        FH_SAY(t, "%s%s refused", counted ? " · " : "", fh_word_count(row->refusals).text);
}

static void put_bar(fh_term *t, const fh_memory_row *row, uint64_t scale, double y) {
    double x = BAR_X, pixels = (double)BAR_WIDTH / (double)scale;
    parts all = parts_of(row);
    for (size_t i = 0; i < PARTS; i++) {
        double width = (double)all.at[i].bytes * pixels;
        if (all.at[i].bytes == 0)
            continue;
        width = width < 1 ? 1 : width; /* nothing that is there is invisible */
        FH_SAY(t, "<rect class=\"%s%s\" x=\"%.2f\" y=\"%.0f\" width=\"%.2f\" height=\"%d\">", width > 3 ? "part " : "",
               all.at[i].name, x, y, width, BAR_HEIGHT);
        FH_SAY(t, "<title>%s: %s</title></rect>\n", all.at[i].name, fh_word_bytes(all.at[i].bytes).text);
        x += width;
    }
    double end = (double)BAR_X + (double)row->reserved_bytes * pixels;
    bool beyond = end > BAR_X + BAR_WIDTH + 0.5;
    end = beyond ? BAR_X + BAR_WIDTH : end;
    if (end < x + 2)
        return;
    double low = y + (double)BAR_HEIGHT - 0.5;
    FH_SAY(t, "<path class=\"reserved\" d=\"M %.2f %.1f H %.2f ", x, y + 0.5, end);
    if (beyond) /* open at the end */
        FH_SAY(t, "M %.2f %.1f H %.2f\"/>\n", end, low, x);
    else
        FH_SAY(t, "V %.1f H %.2f\"/>\n", low, x);
}

static void put_row(fh_term *t, const fh_memory_row *row, const char *kind, uint64_t scale, uint64_t sum, size_t number) {
    double y = (double)HEAD + (double)ROW * (double)number;
    FH_SAY(t, "<g>\n<text class=\"name\" x=\"%d\" y=\"%.0f\">", MARGIN, y + 13);
    put_label(t, row->name, NAME_COLUMNS);
    FH_SAY(t, "<title>");
    put_label(t, row->name, FH_MEMORY_NAME_BYTES);
    FH_SAY(t, "</title></text>\n<text class=\"small\" x=\"%d\" y=\"%.0f\">%s</text>\n", MARGIN, y + 29,
           kind);
    put_bar(t, row, scale, y);
    FH_SAY(t, "<text class=\"small\" x=\"%d\" y=\"%.0f\">", BAR_X, y + 29);
    put_caption(t, row);
    FH_SAY(t, "</text>\n<text class=\"number\" x=\"%d\" y=\"%.0f\">%s</text>", WIDTH - MARGIN - 66, y + 13,
           fh_word_bytes(row->committed_bytes).text);
    FH_SAY(t, "<text class=\"number small\" x=\"%d\" y=\"%.0f\">%s</text>\n</g>\n", WIDTH - MARGIN, y + 13,
           fh_word_share(row->committed_bytes, sum).text);
}

/* The bytes at the end of the scale: the longest bar, and reserved space where it is little more. */
static uint64_t scale_of(const fh_moment *m) {
    uint64_t longest = 1, scale;
    for (size_t i = 0; i < m->memory.rows.count; i++) {
        uint64_t bytes = fh_memory_rows_at(m->memory.rows, i)->committed_bytes;
        longest = bytes > longest ? bytes : longest;
    }
    scale = longest;
    for (size_t i = 0; i < m->memory.rows.count; i++) {
        uint64_t bytes = fh_memory_rows_at(m->memory.rows, i)->reserved_bytes;
        scale = bytes > scale && bytes <= longest + longest / 2 ? bytes : scale;
    }
    return scale;
}

void fh_moment_draw(fh_term *t, const fh_moment *m, fh_memory_label title) {
    size_t owners = m->memory.rows.count, shown = owners <= ROWS_SHOWN ? owners : ROWS_SHOWN - 1;
    size_t rows = owners <= ROWS_SHOWN ? owners : ROWS_SHOWN;
    fh_memory_row sum = fh_moment_sum(m, 0);
    uint64_t scale = scale_of(m);
    size_t height = HEAD + ROW * rows + 16;
    FH_SAY(t, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %zu\" width=\"%d\" height=\"%zu\" role=\"img\""
              " aria-labelledby=\"what\">\n<title id=\"what\">Memory by owner</title>\n",
           WIDTH, height, WIDTH, height);
    fh_term_put(t, fh_span_of_str(style));
    FH_SAY(t, "<rect class=\"ground\" width=\"%d\" height=\"%zu\"/>\n", WIDTH, height);
    put_head(t, m, title, &sum);
    put_grid(t, scale, rows);
    for (size_t i = 0; i < shown; i++) {
        const fh_memory_row *row = fh_memory_rows_at(m->memory.rows, i);
        put_row(t, row, fh_memory_kind_name(row->kind), scale, sum.committed_bytes, i);
    }
    if (shown < owners) {
        fh_memory_row rest = fh_moment_sum(m, shown);
        fh_word count = fh_word_count(owners - shown);
        fh_auto(fh_buf_deinit) fh_buf name;
        fh_buf_init(&name, t->text.allocator, 0);
        fh_term_keep(t, fh_buf_format(&name, "%s more owners", count.text));
        rest.name = fh_memory_label_of(fh_buf_view(&name));
        put_row(t, &rest, "", scale, sum.committed_bytes, shown);
    }
    fh_term_put(t, FH_LIT("</svg>\n"));
    fh_term_flush(t);
}
