/* finding.h: what the rules report, and in which shapes it is printed.
 *
 *     deed_report_at(r, FH0101, place, "value used after move", "use of moved value: `%s`", name);
 *     deed_note(r, moved_at, "moved here");
 *     deed_help(r, "borrow it instead: declare the parameter `fh_ref`");
 *
 * A report belongs to one unit: it collects findings, sorts them by place, and keeps one of each code and place. The notes and
 * the help go to the finding reported last (or to nothing, when that one was a repetition or the report is muted).
 *
 * Threading: one thread at a time. Ownership: texts are copied into the unit's arena. */
#ifndef FH_CHECK_FINDING_H
#define FH_CHECK_FINDING_H

#include "check/syntax.h"
#include "freehold/buf.h"

/* Every code with its title; explain.c has the explanation of each. 01 moves, 02 borrows and views, 03 drops, 04 threads,
 * 05 raw memory, 09 outside the checkable dialect. */
#define DEED_CODES(X)                                                             \
    X(0101, "use of a moved value")                                               \
    X(0102, "move out of a borrow")                                               \
    X(0103, "moved out of a borrow and not restored")                             \
    X(0104, "moved in an earlier round of the loop")                              \
    X(0201, "a view outlives what it looks into")                                 \
    X(0202, "borrowed exclusively and again in one call")                         \
    X(0203, "a reference to a local leaves its function")                         \
    X(0204, "a borrow is stored where it outlives the call")                      \
    X(0205, "a borrow is returned without a view contract")                       \
    X(0206, "changed or dropped while a view of it is in use")                    \
    X(0207, "an exclusive use of what is only borrowed shared")                   \
    X(0301, "an owned value is not dropped on every path")                        \
    X(0302, "an assignment overwrites an owned value")                            \
    X(0303, "an owned result is thrown away")                                     \
    X(0304, "an owned value in a place that is not tracked")                      \
    X(0305, "dropped twice")                                                      \
    X(0306, "an output is not written before a successful return")                \
    X(0307, "a possibly null owner is used without a check")                      \
    X(0401, "a borrow crosses to another thread")                                 \
    X(0402, "a lock is not released on every path")                               \
    X(0403, "a lock is taken twice")                                              \
    X(0404, "a guarded field without its lock")                                   \
    X(0405, "a variable that threads share and may change")                       \
    X(0406, "declared fh_sync, and not so by its fields")                         \
    X(0407, "a lock is released that is not held")                                \
    X(0501, "a raw memory call")                                                  \
    X(0502, "an index into a raw pointer")                                        \
    X(0503, "arithmetic on a pointer")                                            \
    X(0504, "a cast that makes or changes a pointer")                             \
    X(0505, "a union with a pointer in it")                                       \
    X(0506, "an array of variable length, alloca, setjmp or inline assembly")     \
    X(0507, "a constant index outside its array")                                 \
    X(0508, "a local that is not initialised")                                    \
    X(0509, "raw memory outside an unsafe region")                                \
    X(0510, "an unsafe region outside the audited rooms")                         \
    X(0511, "a count that nobody measured")                                       \
    X(0512, "an index that nothing bounds")                                       \
    X(0601, "a pointer in a declaration without a contract")                      \
    X(0602, "declared again with another contract")                               \
    X(0603, "a function in a pointer of another contract")                        \
    X(0901, "outside the checkable dialect")                                      \
    X(0902, "a jump backwards")                                                   \
    X(0903, "too large to check")

#define DEED_CODE_ENUM(number, title) FH##number,
typedef enum deed_code { DEED_CODES(DEED_CODE_ENUM) DEED_CODE_COUNT } deed_code;
#undef DEED_CODE_ENUM

typedef struct deed_remark {
    deed_place place;
    fh_span text;
    fh_or_null struct deed_remark *next;
} deed_remark;

typedef struct deed_finding {
    deed_code code;
    deed_place place;
    fh_span message, label, help;
    fh_span function; /* name of the function it is in, or empty */
    fh_or_null deed_remark *notes;
    fh_or_null struct deed_finding *next;
} deed_finding;

/* The findings of a unit. Its fields are for finding.c. */
typedef struct deed_report {
    const deed_unit *unit;
    fh_or_null deed_finding *first, *current;
    deed_remark **note_end; /* where the next note of `current` goes */
    size_t count;
    fh_span function;
    bool muted;
    fh_status status;
} deed_report;

/* The name of a code, "FH0101"; its title; its explanation, several lines. Never NULL. */
fh_static const char *deed_code_name(deed_code code);
fh_static const char *deed_code_title(deed_code code);
fh_static const char *deed_code_explanation(deed_code code);
/* The code of a name such as "FH0101" or "0101"; DEED_CODE_COUNT for no code. */
deed_code deed_code_of(fh_span name);

/* An empty report, which keeps its findings in the unit's arena. Valid until: the unit's end. */
void deed_report_init(fh_out fh_view(2) deed_report *r, fh_ref const deed_unit *unit);
/* Muted: findings are dropped (the rounds before a fixpoint). */
void deed_report_mute(fh_mut deed_report *r, bool on);
/* The function that the next findings are in. */
void deed_report_function(fh_mut fh_view(2) deed_report *r, fh_span name);
/* Adds a finding. When memory runs out, or there are more than FINDINGS_MAX, deed_report_status says so. */
void deed_report_at(fh_mut deed_report *r, deed_code code, deed_place place, const char *label, const char *format, ...)
    FH_PRINTF(5, 6);
void deed_note(fh_mut deed_report *r, deed_place place, const char *format, ...) FH_PRINTF(3, 4);
void deed_help(fh_mut deed_report *r, const char *format, ...) FH_PRINTF(2, 3);
/* Other words under the place of the finding. */
void deed_relabel(fh_mut deed_report *r, fh_span label);
fh_status deed_report_status(const deed_report *r);
/* Findings in the order of their places. */
fh_or_null const deed_finding *deed_report_first(fh_ref const deed_report *r) fh_view(*1);
size_t deed_report_count(const deed_report *r);

typedef enum deed_format { DEED_FORMAT_RUSTC = 0, DEED_FORMAT_GCC, DEED_FORMAT_JSON, DEED_FORMAT_SARIF } deed_format;
/* Appends one finding: in the rustc format several lines and an empty one, in the gcc format lines, as JSON one line, in SARIF
 * a result without a comma behind it (the driver puts the frame around them). */
fh_status deed_render_one(const deed_unit *unit, const deed_finding *f, deed_format format, bool color, fh_mut fh_buf *out);
/* Appends all of them, with commas between those of SARIF. */
fh_status deed_render(const deed_unit *unit, fh_ref const deed_report *r, deed_format format, bool color, fh_mut fh_buf *out);

/* Line and column of a place, from 1; the column counts bytes. */
typedef struct deed_spot {
    size_t line, column, line_offset;
} deed_spot;
deed_spot deed_spot_of(const deed_unit *unit, deed_place place);
/* Appends the message, and below it the notes that have no place, and the help. */
fh_status deed_put_whole(fh_ref const deed_finding *f, fh_mut fh_buf *out);
/* UTF-16 units of a UTF-8 character that begins with this byte; 0 for a byte that continues one. */
size_t deed_units_of(uint8_t byte);
/* The UTF-16 units between the beginning of its line and a place: what SARIF and editors count. */
size_t deed_units_before(fh_ref const deed_unit *unit, deed_place place);
/* Appends a path as a URI reference: what is neither a letter nor a digit nor one of /.-_~ as %XX. */
fh_status deed_put_uri(fh_mut fh_buf *out, fh_span path);

#endif
