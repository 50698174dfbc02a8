/* rules.c: runs the rules over a unit.
 *
 * What the front end could not express is reported first, so that no rule ever steps over it in silence. Threading: one thread
 * at a time. */
#include "check/rules.h"

#include "check/flow.h"

/* FH0901 (FH0506 for assembly) for each construct that is not known, in functions that are to be checked. */
static void report_unknown(const deed_unit *unit, deed_report *r) {
    for (size_t i = 1; i < unit->nodes.count; i++) {
        const deed_node *n = fh_deed_nodes_at(unit->nodes, i);
        const deed_file *file = fh_deed_files_at(unit->files, n->place.file);
        if (n->kind != DEED_UNKNOWN || deed_is_atomic(n) || file->is_audited || file->is_system)
            continue;
        bool assembly = fh_span_is(n->text, "inline assembly");
        bool name = fh_span_find(n->text, FH_LIT(" "), 0) == SIZE_MAX;
        deed_report_at(r, assembly ? FH0506 : FH0901, n->place, assembly ? "not allowed here" : "not understood",
                       "%s%.*s%s is outside the checkable dialect", name ? "`" : "", FH_SPAN_FMT(n->text), name ? "`" : "");
        deed_help(r, assembly ? "move it into an audited room" : "write it in a plainer way, or move it into an audited room");
    }
}

fh_status deed_rules_run(fh_allocator *a, deed_unit *unit, deed_report *r) {
    report_unknown(unit, r);
    FH_TRY(deed_raw_check(unit, r));
    FH_TRY(deed_contract_check(unit, r));
    FH_TRY(deed_flow_check(a, unit, r));
    return deed_report_status(r);
}
