/* settings.h: deed.toml, the file in which a project says what the checker should know of it.
 *
 *     include = ["src"]                    what `deed check` checks when it is given no path
 *     exclude = ["src/third_party/"]       neither checked nor part of an audit
 *
 *     evidence = "docs/UNSAFE.md"          a table of what each unsafe region rests on, and what shows it (`deed audit`)
 *
 *     [[audited]]                          a room in which raw memory is allowed: a folder or a file, and why
 *     path = "src/core/"
 *     reason = "the allocator"
 *     whole = true                         every line of it is unsafe; without this, its FH_UNSAFE regions are
 *
 *     [[pair]]                             functions without words: the result of one is owned, and the other ends it
 *     alloc = "malloc"
 *     free = "free"
 *
 * This is TOML with texts, lists of texts, that one truth and these two tables, and no more. Unknown keys are errors: a
 * misspelt room must not become a room that is not one. Paths are written from the folder of deed.toml, the root.
 *
 * Threading: immutable once read. Ownership: all of it lives in one arena. */
#ifndef FH_CHECK_SETTINGS_H
#define FH_CHECK_SETTINGS_H

#include "freehold/arena.h"

/* One entry: a path, or the first text of a table; `other` is a room's reason, or the function that frees. */
typedef struct deed_setting {
    fh_span text, other;
    size_t line;
    bool is_whole; /* of a room */
    fh_or_null const struct deed_setting *next;
} deed_setting;

typedef struct deed_settings {
    fh_span here; /* the current folder, with a slash behind it: what relative paths begin from */
    fh_span root; /* the folder of deed.toml likewise; the current one where there is no deed.toml */
    bool is_there;
    fh_or_null const deed_setting *audited, *pairs, *include, *exclude;
    fh_or_null const deed_setting *evidence; /* one, or NULL */
} deed_settings;

/* Reads the text of a deed.toml. FH_CORRUPT with the line, and what was expected there; FH_NOMEM. */
FH_MUST_USE fh_status deed_settings_parse(fh_ref fh_arena *arena, fh_span text, fh_mut fh_view(1, 2) deed_settings *out,
                                          fh_mut fh_err *err);
/* Finds deed.toml in the folder `path` or in one above, and reads it; empty settings where there is none. FH_CORRUPT, FH_IO,
 * FH_NOMEM. */
FH_MUST_USE fh_status deed_settings_find(fh_ref fh_arena *arena, fh_span path, fh_out fh_view(1) deed_settings *out,
                                         fh_mut fh_err *err);

/* The path from the root, without "." and ".."; empty for one that lies elsewhere, or when memory runs out. */
fh_span deed_path_from_root(fh_ref fh_arena *arena, fh_ref const deed_settings *s, fh_span path) fh_view(1);
/* The entry of the list that is this path (as deed_path_from_root gives it) or a folder above it; NULL for none. */
fh_or_null const deed_setting *deed_setting_over(fh_ref fh_or_null const deed_setting *list, fh_span path) fh_view(1);

#endif
