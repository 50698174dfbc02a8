/* audit.c: `deed audit`: the unsafe regions of a tree, counted for each room: a folder that has some.
 *
 * A region goes from the line of FH_UNSAFE("id") to the end of the block it stands in. Sources are read as text: what the
 * preprocessor leaves out is counted too, comments and literals are stepped over.
 *
 * Threading: the main thread. */
#include "check/driver.h"
#include "check/outside.h"
#include "freehold/os.h"

typedef struct room {
    fh_span folder;
    size_t files, lines, regions, region_lines;
    struct room *next;
} room;

typedef struct audit {
    deed_app *app;
    room *rooms; /* in the order of their names */
    size_t lines, regions, region_lines;
} audit;

/* Where the comment or the literal that begins at `at` ends; `at` if none begins there. */
static size_t skip_text(fh_span text, size_t at) {
    fh_span rest = fh_span_from(text, at);
    if (fh_span_starts(rest, FH_LIT("//"))) {
        size_t end = fh_span_find(text, FH_LIT("\n"), at);
        return end == SIZE_MAX ? text.size : end;
    }
    if (fh_span_starts(rest, FH_LIT("/*"))) {
        size_t end = fh_span_find(text, FH_LIT("*/"), at + 2);
        return end == SIZE_MAX ? text.size : end + 2;
    }
    uint8_t quote = fh_span_at(text, at);
    if (quote != '"' && quote != '\'')
        return at;
    size_t i = at + 1;
    while (i < text.size && fh_span_at(text, i) != quote && fh_span_at(text, i) != '\n')
        i += fh_span_at(text, i) == '\\' ? 2 : 1;
    return i < text.size ? i + 1 : text.size;
}

/* Lines that lie in regions: `marked` is the depth of blocks at which the outermost open region began. */
static void count_regions(fh_span text, room *r) {
    size_t depth = 0, marked = SIZE_MAX, at = 0;
    while (at < text.size) {
        size_t after = skip_text(text, at);
        bool skipped = after != at;
        if (!skipped && fh_span_starts(fh_span_from(text, at), FH_LIT("FH_UNSAFE(\""))) {
            r->regions++;
            if (marked == SIZE_MAX) {
                marked = depth;
                r->region_lines++;
            }
        }
        after = skipped ? after : at + 1;
        for (; at < after; at++) {
            uint8_t c = fh_span_at(text, at);
            depth += !skipped && c == '{';
            if (!skipped && c == '}') {
                if (depth == marked)
                    marked = SIZE_MAX;
                depth -= depth > 0;
            }
            r->lines += c == '\n';
            r->region_lines += c == '\n' && marked != SIZE_MAX;
        }
    }
}

static fh_status room_of(audit *a, fh_span path, room **out) {
    size_t end = 0;
    for (size_t i = 0; i < path.size; i++)
        end = fh_span_at(path, i) == '/' ? i + 1 : end;
    fh_span folder = fh_span_sub(path, 0, end);
    room **link = &a->rooms;
    while (*link != NULL && fh_span_compare((*link)->folder, folder) < 0)
        link = &(*link)->next;
    *out = *link;
    if (*link != NULL && fh_span_equal((*link)->folder, folder))
        return FH_DONE;
    room *r = fh_arena_alloc(a->app->arena, 1, sizeof *r);
    if (r == NULL)
        return FH_STATUS(FH_NOMEM);
    FH_TRY(fh_arena_copy(a->app->arena, folder, &r->folder));
    r->next = *link;
    *link = r;
    *out = r;
    return FH_DONE;
}

static fh_status found(void *ctx, const char *path) {
    audit *a = ctx;
    fh_span name = fh_span_of_str(path);
    if (!deed_ends_with(name, ".c") && !deed_ends_with(name, ".h"))
        return FH_DONE;
    room *r, one = {0};
    fh_os_map map;
    fh_err err;
    fh_err_clear(&err);
    FH_TRY(room_of(a, name, &r));
    FH_TRY(fh_os_map_open(path, &map, &err));
    count_regions(map.bytes, &one);
    fh_os_map_close(&map);
    r->files++;
    r->lines += one.lines;
    r->regions += one.regions;
    r->region_lines += one.region_lines;
    a->lines += one.lines;
    a->regions += one.regions;
    a->region_lines += one.region_lines;
    return FH_DONE;
}

static double percent(size_t part, size_t whole) {
    return whole == 0 ? 0 : 100.0 * (double)part / (double)whole;
}

fh_status deed_verb_audit(deed_app *app, fh_err *err) {
    audit a = {.app = app};
    if (app->paths.count == 0) {
        app->usage = true;
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "audit: no path given");
    }
    for (size_t i = 0; i < app->paths.count; i++)
        FH_TRY(deed_walk(fh_deed_args_get(app->paths, i), found, &a, err));
    FH_TRY(fh_buf_format(&app->out, "%8s %8s %8s %8s  room\n", "regions", "lines", "of", "share"));
    for (const room *r = a.rooms; r != NULL; r = r->next) {
        if (r->regions != 0)
            FH_TRY(fh_buf_format(&app->out, "%8zu %8zu %8zu %7.1f%%  %.*s\n", r->regions, r->region_lines, r->lines,
                                 percent(r->region_lines, r->lines), FH_SPAN_FMT(r->folder)));
    }
    return fh_buf_format(&app->out, "%8zu %8zu %8zu %7.1f%%  in all\n", a.regions, a.region_lines, a.lines,
                         percent(a.region_lines, a.lines));
}
