/* fuzz_moments.c: reports of memory made of any bytes.
 *
 * Properties (U-REPORT): a refusal names a byte of the text; what is accepted, written and read again gives the same report,
 * byte for byte; rows come out in order, with the same sums; every tag and entity of a picture is ours. */
#include <string.h>

#include "apps/moments.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx);

#define CHECK(condition)      \
    do {                      \
        if (!(condition))     \
            __builtin_trap(); \
    } while (0)

static fh_status keep(void *ctx, fh_span bytes, fh_err *err) {
    (void)err;
    return fh_buf_put(ctx, bytes);
}

/* What stands behind a place or a size is a number; a quotation mark is never part of a name. */
static void check_numbers(fh_span svg) {
    static const char *const before[] = {" x=\"", " y=\"", " width=\"", " height=\"", " d=\"M"};
    for (size_t k = 0; k < sizeof before / sizeof *before; k++) {
        fh_span what = fh_span_of_str(before[k]);
        for (size_t i = 0; (i = fh_span_find(svg, what, i)) != SIZE_MAX;) {
            i += what.size;
            i += fh_span_at(svg, i) == ' ';
            i += fh_span_at(svg, i) == '-';
            CHECK(fh_span_at(svg, i) >= '0' && fh_span_at(svg, i) <= '9');
        }
    }
}

/* Every '<' begins one of the tags that a picture has, and every '&' one of the five entities. */
static void check_picture(fh_span svg) {
    static const char *const allowed[] = {"<svg ",  "</svg>", "<title", "</title>", "<style>", "</style>",
                                          "<rect ", "</rect>", "<path ", "<text ",   "</text>", "<g>",
                                          "</g>",   "&amp;",  "&lt;",   "&gt;",     "&quot;",  "&#39;"};
    for (size_t i = 0; i < svg.size; i++) {
        uint8_t byte = fh_span_at(svg, i);
        CHECK(byte == '\n' || byte >= 0x20);
        if (byte != '<' && byte != '&')
            continue;
        bool known = false;
        for (size_t k = 0; k < sizeof allowed / sizeof *allowed; k++)
            known = known || fh_span_starts(fh_span_from(svg, i), fh_span_of_str(allowed[k]));
        CHECK(known);
    }
    check_numbers(svg);
}

static void draw(const fh_moment *m) {
    fh_buf svg;
    fh_buf_init(&svg, fh_heap(), 0);
    fh_term t;
    fh_term_init(&t, fh_heap(), (fh_sink){&svg, keep});
    fh_moment_draw(&t, m, fh_memory_label_of(FH_LIT("a<b>&\"c\"")));
    CHECK(t.status.code == FH_OK);
    fh_term_rest(&t);
    check_picture(fh_buf_view(&svg));
    fh_buf_deinit(&svg);
}

static void check_order(fh_moment *m) {
    fh_memory_row sum = fh_moment_sum(m, 0);
    fh_moment_sort(m);
    fh_memory_row sorted = fh_moment_sum(m, 0);
    CHECK(memcmp(&sum, &sorted, sizeof sum) == 0);
    fh_memory_rows rows = m->memory.rows;
    for (size_t i = 1; i < rows.count; i++)
        CHECK(fh_memory_rows_at(rows, i - 1)->committed_bytes >= fh_memory_rows_at(rows, i)->committed_bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fh_moments m, again;
    fh_err err = {0};
    fh_status s = fh_moments_read(fh_heap(), (fh_span){data, size}, &m, &err);
    CHECK(s.code == FH_OK || (err.code == s.code && err.offset_bytes <= size && m.count == 0));
    if (s.code != FH_OK)
        return 0;
    fh_buf first, second;
    fh_buf_init(&first, fh_heap(), 0);
    fh_buf_init(&second, fh_heap(), 0);
    CHECK(fh_moments_put(&m, &first).code == FH_OK);
    CHECK(fh_moments_read(fh_heap(), fh_buf_view(&first), &again, NULL).code == FH_OK);
    CHECK(fh_moments_put(&again, &second).code == FH_OK);
    CHECK(fh_span_equal(fh_buf_view(&first), fh_buf_view(&second)));
    for (size_t i = 0; i < m.count; i++) {
        check_order(&m.at[i]);
        draw(&m.at[i]);
    }
    fh_moments_deinit(&again);
    fh_moments_deinit(&m);
    fh_buf_deinit(&second);
    fh_buf_deinit(&first);
    return 0;
}

void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx) {
    static const char pools[] =
        "{\"freehold_memory\":1,\"owners\":[{\"kind\":\"pool\",\"name\":\"a<&>\\\"'\",\"id\":3,\"live\":2,"
        "\"live_bytes\":128,\"cached\":1,\"cached_bytes\":64,\"committed_bytes\":4096,"
        "\"reserved_bytes\":1048576,\"refusals\":7,\"peak_bytes\":4096,"
        "\"object_bytes\":64},{\"kind\":\"heap\",\"name\":\"\",\"committed_bytes\":9000}]}";
    static const char moments[] =
        "{\"freehold_memory_report\":1,\"moments\":[{\"moment\":\"peak\",\"doing\":\"answer\","
        "\"memory\":{\"freehold_memory\":1,\"heap\":{\"live\":1,\"live_bytes\":2},\"resident_peak_bytes\":5,\"owners\":[]}},"
        "{\"moment\":\"end\",\"memory\":"
        "{\"freehold_memory\":1,\"owners\":[{\"kind\":\"file\",\"name\":"
        "\"\\u0000\\ud83d\\ude00\",\"reserved_bytes\":1125899906842624}]}}]}";
    static const char unknown[] =
        "{\"freehold_memory\":1,\"more\":{\"x\":[1,{}]},\"owners\":[{\"kind\":\"cache\",\"name\":\"c\",\"retired_bytes\":1,"
        "\"quarantined_bytes\":2,\"quarantined\":1,\"retired\":1,\"heap_bytes\":0,\"what\":null}]}";
    static const char *const seeds[] = {pools, moments, unknown};
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++)
        emit(ctx, fh_span_of_str(seeds[i]));
}
