/* leave.c: what has to hold where a scope ends, and where control leaves the function: owners are dropped, borrows look into
 * what lives on, locks are released, outputs and slots are as their words promise. Threading: flow.h. */
#include "check/flow.h"

/* --- the end of a scope --------------------------------------------------------------------------------------------------- */

static void check_dropped(deed_flow *f, deed_place at, uint32_t place) {
    const deed_cell *c = deed_cell_of(f, place);
    const deed_info p = f->places[place];
    bool automatic = p.root != 0 && deed_flow_decl(f, p.root)->cleanup != 0;
    bool opaque = p.parent == 0 && deed_flow_type(f, deed_flow_type(f, p.type)->to)->is_incomplete; /* ends by a call alone */
    if (automatic && p.parent == 0 && (c->bits & DEED_IS_MOVED)) {
        deed_report_at(f->report, FH0305, at, "dropped again here", "`%.*s` is dropped by hand and by its scope",
                       FH_SPAN_FMT(p.name));
        deed_also(f, c->where, c->bits & DEED_IS_DROPPED ? "dropped here" : "moved here");
        deed_help(f->report, "leave it to the scope: do not drop or move `%.*s` by hand", FH_SPAN_FMT(p.name));
    } else if (automatic && p.parent == 0 && deed_without_value(f, place) != 0) {
        deed_report_at(f->report, FH0508, at, "its scope drops it here", "`%.*s` is dropped before it is initialised",
                       FH_SPAN_FMT(p.name));
        deed_note(f->report, deed_flow_decl(f, p.root)->place, "declared here");
        deed_help(f->report, "declare it with a value: `%.*s = %s`", FH_SPAN_FMT(p.name),
                  deed_flow_type(f, p.type)->kind == DEED_TYPE_POINTER ? "NULL" : "{0}");
    } else if ((c->bits & DEED_IS_MOVED) && deed_place_lent(f, place)) {
        deed_report_at(f->report, FH0103, at, "left empty here", "`%.*s` was %s a borrow and not restored",
                       FH_SPAN_FMT(p.name), c->bits & DEED_IS_DROPPED ? "dropped inside" : "moved out of");
        deed_also(f, c->where, c->bits & DEED_IS_DROPPED ? "dropped here" : "moved here");
        deed_help(f->report, "put something in its place before: `%.*s = NULL`", FH_SPAN_FMT(p.name));
    } else if ((!automatic && (c->bits & DEED_IS_OWNED) && !deed_place_lent(f, place) &&
                (p.mode != DEED_MODE_DROPPER || opaque)) ||
               (c->bits & DEED_IS_DUE)) {
        deed_report_at(f->report, FH0301, at, "still owned here", "`%.*s` is not dropped on every path", FH_SPAN_FMT(p.name));
        deed_also(f, c->born, "it becomes an owner here");
        if (c->born == 0 && p.root != 0)
            deed_note(f->report, deed_flow_decl(f, p.root)->place, "taken over here");
        deed_help_drop(f, p.type, p.name, ", or move it, before control leaves here");
    }
}

/* Variables of this depth and deeper end, in the current state. */
void deed_leave(deed_flow *f, deed_place at, uint32_t depth) {
    for (uint32_t i = DEED_LAST_CALL + 1; deed_is_live(f) && i < f->place_count; i++) {
        if (f->places[i].depth >= depth && f->places[i].mode != DEED_MODE_GLOBAL)
            check_dropped(f, at, i);
    }
    for (uint32_t i = DEED_LAST_CALL + 1; i < f->place_count; i++) {
        deed_cell *c = deed_cell_of(f, i);
        if (f->places[i].depth >= depth && f->places[i].mode != DEED_MODE_GLOBAL)
            continue;
        for (int j = 0; j < DEED_SOURCES_MAX && (c->bits & DEED_IS_VIEW) && c->sources.at[j] != 0; j++) {
            const deed_info *source = &f->places[c->sources.at[j]];
            if (source->depth >= depth && source->mode != DEED_MODE_GLOBAL) {
                c->bits |= DEED_IS_DEAD | DEED_IS_ENDED;
                c->where = f->places[deed_place_outer(f, c->sources.at[j])].node;
            }
        }
    }
    for (uint32_t i = DEED_LAST_CALL + 1; i < f->place_count; i++) {
        if (f->places[i].depth >= depth && f->places[i].mode != DEED_MODE_GLOBAL) {
            deed_ungate(f, i);
            if (f->places[i].parent == 0)
                deed_unlink(f, i);
            *deed_cell_of(f, i) = (deed_cell){0};
        }
    }
}

deed_place deed_last_of(const deed_flow *f, uint32_t node) {
    deed_place at = deed_flow_node(f, node)->place;
    if (!deed_flow_node(f, node)->in_macro && at.end_bytes > at.offset_bytes)
        at.offset_bytes = at.end_bytes - 1;
    return at;
}

/* --- return --------------------------------------------------------------------------------------------------------------- */

static void check_source(deed_flow *f, uint32_t node, const deed_value *v, uint32_t source) {
    const deed_info *p = &f->places[source];
    const deed_contract *view = deed_word_of(f->unit, f->function, DEED_VIEW);
    const deed_decl *root = deed_flow_decl(f, p->root);
    if (p->mode == DEED_MODE_GLOBAL || deed_word_of(f->unit, p->root, DEED_STATIC) ||
        deed_word_of(f->unit, f->function, DEED_STATIC))
        return;
    bool variable = v->address && v->place != 0 && f->places[v->place].parent == 0;
    if (p->mode == DEED_MODE_LOCAL || p->mode == DEED_MODE_OWNER || variable) {
        deed_error(f, FH0203, node, "it leaves here", "a reference to the local `%.*s` leaves its function",
                   FH_SPAN_FMT(p->name));
        deed_note(f->report, root->place, "it lives here");
        deed_help(f->report, "return the value itself, or write it to an `fh_out` parameter");
        return;
    }
    const deed_decl *fn = deed_flow_decl(f, f->function);
    if (deed_view_tells(f, view, source))
        return;
    if (root->kind != DEED_DECL_PARAMETER || (view == NULL && fn->is_static))
        return; /* without a contract the result looks into all that was lent; in a header it has to be written */
    deed_error(f, FH0205, node, "returned here", "the borrow `%.*s` is returned without a view contract", FH_SPAN_FMT(p->name));
    deed_note(f->report, root->place, "borrowed here");
    deed_help_view(f, v);
}

static void check_result(deed_flow *f, uint32_t node, const deed_value *v) {
    bool owned = deed_word_of(f->unit, f->function, DEED_OWNED);
    bool perhaps = deed_word_of(f->unit, f->function, DEED_OWNED_OR_NULL);
    deed_type_kind kind = deed_flow_type(f, deed_flow_type(f, deed_flow_decl(f, f->function)->type)->to)->kind;
    if (kind != DEED_TYPE_POINTER && kind != DEED_TYPE_RECORD)
        return;
    bool borrowed = (owned || perhaps) && kind == DEED_TYPE_POINTER && (v->bits & (DEED_IS_VIEW | DEED_IS_BORROW)) &&
                    deed_word_of(f->unit, f->function, DEED_VIEW) == NULL;
    uint32_t result = deed_flow_type(f, deed_flow_decl(f, f->function)->type)->to;
    bool goes = deed_passes(f, result, owned || perhaps, false, v) == DEED_GOES;
    if ((goes || borrowed) && !v->address) {
        deed_value value = *v;
        deed_consume(f, node, &value, false);
        if (!owned && !perhaps) {
            deed_error(f, FH0304, node, "returned here", "an owned value is returned by a function that does not say so");
            deed_note(f->report, deed_flow_decl(f, f->function)->place, "declared without `fh_owned` here");
            deed_help(f->report, v->bits & DEED_IS_NULL ? "declare the function `fh_owned_or_null`"
                                                        : "declare the function `fh_owned`");
        } else if ((v->bits & DEED_IS_OWNED) && (v->bits & DEED_IS_NULL) && !perhaps) {
            deed_error(f, FH0307, node, "it may be NULL here", "the result of an `fh_owned` function may be NULL");
            deed_note(f->report, deed_flow_decl(f, f->function)->place, "declared `fh_owned` here");
            deed_help(f->report, "compare it with NULL before, or declare the function `fh_owned_or_null`");
        }
    }
    if (kind == DEED_TYPE_POINTER && (v->bits & DEED_IS_NULL) && !owned && !perhaps &&
        !deed_word_of(f->unit, f->function, DEED_OR_NULL)) {
        deed_error(f, FH0307, node, "it may be NULL here", "the result may be NULL, and the function does not say so");
        deed_note(f->report, deed_flow_decl(f, f->function)->place, "declared without `fh_or_null` here");
        deed_help(f->report, "declare the function `fh_or_null`");
    }
    borrowed = borrowed && !(v->bits & DEED_IS_OWNED); /* reported */
    for (int i = 0; i < DEED_SOURCES_MAX && !borrowed && deed_type_carries(f, result) && v->sources.at[i] != 0; i++)
        check_source(f, node, v, v->sources.at[i]);
}

static bool may_tell(deed_type_kind kind) {
    return kind == DEED_TYPE_RECORD || kind == DEED_TYPE_NUMBER || kind == DEED_TYPE_ENUM;
}

typedef enum outcome { MAY_FAIL, SUCCEEDS, FAILS } outcome;

/* What a result tells of. Numbers and codes may tell of a failure, as a status does; a pointer cannot, so that its caller takes
 * every output for written. */
static outcome outcome_of(deed_flow *f, uint32_t value, const deed_value *v) {
    deed_type_kind kind = deed_flow_type(f, deed_flow_type(f, deed_flow_decl(f, f->function)->type)->to)->kind;
    if (!may_tell(kind))
        return SUCCEEDS;
    const deed_node *n = deed_flow_node(f, value);
    if ((v->bits & DEED_IS_OK) || (n->kind == DEED_INTEGER && n->number != 0))
        return SUCCEEDS;
    return (v->bits & DEED_IS_FAILED) || n->kind == DEED_INTEGER ? FAILS : MAY_FAIL;
}

/* What an argument `T **` points to, where the callee is to empty it: NULL exactly if the value was taken, and a failure takes
 * nothing. */
static void check_slot(deed_flow *f, deed_place at, uint32_t slot, outcome result) {
    const deed_info p = f->places[slot];
    const deed_cell *c = deed_cell_of(f, slot);
    deed_type_kind kind = deed_flow_type(f, deed_flow_type(f, deed_flow_decl(f, f->function)->type)->to)->kind;
    bool drops = deed_word_of(f->unit, p.root, DEED_DROP) != NULL, tells = !drops && may_tell(kind);
    if (c->bits & DEED_IS_MOVED) {
        deed_report_at(f->report, FH0103, at, "it leads to what is gone here", "`*%.*s` was %s, and is not NULL on every path",
                       FH_SPAN_FMT(p.name), c->bits & DEED_IS_DROPPED ? "dropped" : "moved");
        deed_also(f, c->where, c->bits & DEED_IS_DROPPED ? "dropped here" : "moved here");
        deed_help(f->report, "write `*%.*s = NULL` before", FH_SPAN_FMT(p.name));
    } else if (tells && result == FAILS && (c->bits & DEED_IS_NULL)) {
        deed_report_at(f->report, FH0103, at, "a failure is returned here", "`*%.*s` is NULL, as if it had been taken",
                       FH_SPAN_FMT(p.name));
        deed_note(f->report, deed_flow_decl(f, p.root)->place, "whoever fails leaves it");
        deed_help(f->report, "put the value back before: `*%.*s = …`", FH_SPAN_FMT(p.name));
    } else if (drops ? c->bits != DEED_IS_NULL : tells && result == SUCCEEDS && c->bits != DEED_IS_NULL) {
        deed_report_at(f->report, FH0301, at, "still owned here", "`*%.*s` is not dropped on every path",
                       FH_SPAN_FMT(p.name));
        deed_note(f->report, deed_flow_decl(f, p.root)->place, "taken over here");
        deed_help(f->report, "%s it, and write `*%.*s = NULL`", drops ? "drop" : "move", FH_SPAN_FMT(p.name));
    }
}

const deed_contract *deed_promise_of(const deed_flow *f, deed_word word, uint32_t place) {
    const deed_contract *c = deed_word_of(f->unit, f->function, word);
    const deed_decl *d = deed_flow_decl(f, f->function);
    if (c == NULL || c->arg_count != 1 || c->args[0] - 1 >= d->count || f->places[place].parent != 0)
        return NULL;
    return fh_u32s_get(f->unit->members, d->first + c->args[0] - 1) == f->places[place].root ? c : NULL;
}

/* Who promises to take a lock, or to give it back, has done so. */
static void check_promised(deed_flow *f, deed_place at, uint32_t place, outcome result) {
    const deed_contract *takes = deed_promise_of(f, DEED_LOCK, place), *gives = deed_promise_of(f, DEED_UNLOCK, place);
    uint32_t bits = deed_cell_of(f, place)->bits;
    fh_span name = f->places[place].name;
    if (takes != NULL && result != FAILS && (!(bits & DEED_IS_HELD) || (bits & DEED_IS_LOOSE))) {
        deed_report_at(f->report, FH0404, at, "not held here", "the lock `%.*s` is not taken on every path", FH_SPAN_FMT(name));
        deed_note(f->report, takes->place, "declared to be taken here");
        deed_help(f->report, "take it before control leaves the function");
    }
    if (gives != NULL && (bits & DEED_IS_HELD)) {
        deed_report_at(f->report, FH0402, at, "still held here", "the lock `%.*s` is not released on every path",
                       FH_SPAN_FMT(name));
        deed_note(f->report, gives->place, "declared to be given back here");
        deed_help(f->report, "unlock it before control leaves the function");
    }
}

/* Outputs are written before a success, and nobody owns anything in them after a failure. `status`: what is returned, where
 * that decides what they hold, or 0. */
static void check_outputs(deed_flow *f, deed_place at, outcome result, uint32_t status) {
    for (uint32_t i = DEED_LAST_CALL + 1; deed_is_live(f) && i < f->place_count; i++) {
        const deed_cell *c = deed_cell_of(f, i);
        const deed_info p = f->places[i];
        bool told = c->gate != 0 && c->gate == status && (c->bits & DEED_IF_FAILED_NULL);
        if (f->places[deed_place_outer(f, i)].mode != DEED_MODE_OUT)
            continue;
        if (result == SUCCEEDS && p.mode == DEED_MODE_OUT && p.parent != 0 && p.field == 0 && (c->bits & DEED_IS_RAW)) {
            deed_report_at(f->report, FH0306, at, "success is returned here", "the output `%.*s` is not written on every path",
                           FH_SPAN_FMT(f->places[p.parent].name));
            deed_note(f->report, deed_flow_decl(f, p.root)->place, "declared an output here");
            deed_help(f->report, "write `*%.*s` before a successful return", FH_SPAN_FMT(f->places[p.parent].name));
        } else if (result != SUCCEEDS && (c->bits & DEED_IS_OWNED) && !told) {
            fh_span name = deed_place_text(f, i);
            deed_report_at(f->report, FH0301, at, "a failure may be returned here", "the output `%.*s` is still owned",
                           FH_SPAN_FMT(name));
            deed_also(f, c->born, "it becomes an owner here");
            deed_help_drop(f, p.type, name, " before, or write it last: after a failure the caller has nothing");
        }
    }
}

static void finish(deed_flow *f, deed_place at, outcome result) {
    for (uint32_t i = DEED_LAST_CALL + 1; deed_is_live(f) && i < f->place_count; i++) {
        const deed_cell *c = deed_cell_of(f, i);
        const deed_info p = f->places[i];
        if (p.mode == DEED_MODE_GLOBAL)
            check_dropped(f, at, i);
        check_promised(f, at, i, result);
        if (p.mode == DEED_MODE_DROPPER && p.field == 0 && p.parent != 0 && f->places[p.parent].parent == 0 &&
            deed_flow_type(f, p.type)->kind == DEED_TYPE_POINTER)
            check_slot(f, at, i, result);
        if ((c->bits & DEED_IS_HELD) && c->where != 0 && !deed_word_of(f->unit, f->function, DEED_LOCK)) {
            deed_report_at(f->report, FH0402, at, "still held here", "the lock `%.*s` is not released on every path",
                           FH_SPAN_FMT(p.name));
            deed_also(f, c->where, "taken here");
            fh_span call = f->muted == 0 ? deed_call_for(f, DEED_UNLOCK, p.type, p.name) : (fh_span){NULL, 0};
            if (call.size != 0)
                deed_help(f->report, "call `%.*s` before control leaves the function", FH_SPAN_FMT(call));
            else
                deed_help(f->report, "unlock it before control leaves the function");
        }
    }
    deed_leave(f, at, 0);
    deed_end_path(f);
}

void deed_return(deed_flow *f, uint32_t node) {
    uint32_t value = deed_child(f, node, 0);
    bool takes = deed_word_of(f->unit, f->function, DEED_OWNED) || deed_word_of(f->unit, f->function, DEED_OWNED_OR_NULL);
    deed_value v = takes ? deed_eval_taken(f, value) : deed_eval(f, value);
    if (!deed_is_live(f))
        return;
    if (value != 0)
        check_result(f, value, &v);
    outcome result = outcome_of(f, value, &v);
    deed_place at = deed_flow_node(f, node)->place;
    bool number = result == MAY_FAIL && deed_flow_type(f, deed_flow_node(f, value)->type)->kind != DEED_TYPE_RECORD;
    if (!number) /* numbers are believed */
        check_outputs(f, at, result, v.call ? DEED_LAST_CALL : deed_place_find(f, value));
    finish(f, at, result);
}

/* Control comes to the end of a function without a return. */
static void check_end(deed_flow *f, deed_place at) {
    const deed_decl *d = deed_flow_decl(f, f->function);
    if (deed_flow_type(f, deed_flow_type(f, d->type)->to)->kind == DEED_TYPE_VOID || fh_span_is(d->name, "main"))
        return;
    deed_report_at(f->report, FH0306, at, "control ends here", "`%.*s` does not return a result on every path",
                   FH_SPAN_FMT(d->name));
    deed_help(f->report, "return a value, or end the program");
}

void deed_finish(deed_flow *f, deed_place at) {
    check_end(f, at);
    check_outputs(f, at, SUCCEEDS, 0);
    finish(f, at, SUCCEEDS);
}
