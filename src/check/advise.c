/* advise.c: what the texts of findings say beyond the rule itself: the names of calls to write, who took a value over, and
 * what a view looks into. Only looked up when a finding is told. Threading: flow.h. */
#include "check/flow.h"

/* The expression that this node is a part of, or 0. */
static uint32_t parent_of(const deed_flow *f, uint32_t node) {
    for (uint32_t i = node; i > 1; i--) {
        for (uint32_t k = 0; k < deed_flow_node(f, i - 1)->count; k++) {
            if (deed_child(f, i - 1, k) == node)
                return i - 1;
        }
    }
    return 0;
}

/* The parameter that this argument goes to, or 0. */
static uint32_t parameter_of(const deed_flow *f, uint32_t node) {
    uint32_t call = parent_of(f, node);
    if (call == 0 || deed_flow_node(f, call)->kind != DEED_CALL)
        return 0;
    uint32_t callee = deed_flow_node(f, deed_child(f, call, 0))->decl;
    for (uint32_t i = 1; callee != 0 && i < deed_flow_node(f, call)->count; i++) {
        if (deed_child(f, call, i) == node && i - 1 < deed_flow_decl(f, callee)->count)
            return fh_u32s_get(f->unit->members, deed_flow_decl(f, callee)->first + i - 1);
    }
    return 0;
}

/* A function of one parameter that does this with a value of the type, or with its address. */
static uint32_t function_for(const deed_flow *f, deed_word word, uint32_t type, bool address) {
    for (uint32_t i = 1; i < f->unit->decls.count; i++) {
        const deed_decl *d = deed_flow_decl(f, i);
        if (d->kind != DEED_DECL_FUNCTION || d->count != 1 || d->entity == deed_flow_decl(f, f->function)->entity)
            continue;
        uint32_t parameter = fh_u32s_get(f->unit->members, d->first), t = deed_flow_decl(f, parameter)->type;
        bool says = deed_word_of(f->unit, word == DEED_DROP ? parameter : i, word) != NULL;
        if (says && (address ? deed_flow_type(f, t)->kind == DEED_TYPE_POINTER && deed_flow_type(f, t)->to == type : t == type))
            return i;
    }
    return 0;
}

fh_span deed_call_for(const deed_flow *f, deed_word word, uint32_t type, fh_span name) {
    uint32_t direct = function_for(f, word, type, false), other = direct != 0 ? 0 : function_for(f, word, type, true);
    if (direct == 0 && other == 0)
        return (fh_span){NULL, 0};
    fh_span function = deed_flow_decl(f, direct != 0 ? direct : other)->name;
    return deed_flow_text(f, "%.*s(%s%.*s)", FH_SPAN_FMT(function), direct != 0 ? "" : "&", FH_SPAN_FMT(name));
}

void deed_help_drop(deed_flow *f, uint32_t type, fh_span name, const char *when) {
    fh_span text = f->muted == 0 ? deed_call_for(f, DEED_DROP, type, name) : (fh_span){NULL, 0};
    if (text.size != 0)
        deed_help(f->report, "call `%.*s`%s", FH_SPAN_FMT(text), when);
    else
        deed_help(f->report, "drop `%.*s`%s", FH_SPAN_FMT(name), when);
}

void deed_help_named(deed_flow *f, uint32_t node) {
    while (deed_flow_node(f, node)->kind == DEED_CAST)
        node = deed_child(f, node, 0);
    uint32_t type = deed_flow_node(f, node)->type;
    fh_span text = f->muted == 0 ? deed_call_for(f, DEED_DROP, type, FH_LIT("it")) : (fh_span){NULL, 0};
    if (text.size != 0)
        deed_help(f->report, "give the result a name, and drop it: `%.*s`", FH_SPAN_FMT(text));
    else
        deed_help(f->report, "give the result a name, and drop it");
}

void deed_report_null(deed_flow *f, uint32_t node, uint32_t place) {
    const deed_cell *c = deed_cell_of(f, place);
    fh_span name = f->places[place].name, gate = f->places[c->gate].name;
    deed_error(f, FH0307, node, "used here without a check", "`%.*s` may be NULL", FH_SPAN_FMT(name));
    bool owned = (c->bits & DEED_IS_OWNED) != 0;
    deed_also(f, c->born, owned ? "it becomes an owner here, or NULL" : "it has its value from here, or NULL");
    const deed_info *p = &f->places[place];
    if (c->born == 0 && (p->field != 0 || p->parent == 0))
        deed_note(f->report, deed_flow_decl(f, p->field != 0 ? p->field : p->root)->place, "its contract allows NULL");
    if (gate.size != 0 && deed_flow_type(f, f->places[c->gate].type)->kind == DEED_TYPE_RECORD)
        deed_help(f->report, "look at `%.*s` before: `fh_failed(%.*s)`", FH_SPAN_FMT(gate), FH_SPAN_FMT(gate));
    else
        deed_help(f->report, "compare it with NULL before: `if (%.*s == NULL)`", FH_SPAN_FMT(name));
}

void deed_help_moved(deed_flow *f, uint32_t node, uint32_t whole, uint32_t place) {
    const deed_cell *c = deed_cell_of(f, place);
    fh_span name = f->places[place].name;
    uint32_t parameter = f->muted == 0 ? parameter_of(f, c->where) : 0, to = f->muted == 0 ? parent_of(f, c->where) : 0;
    uint32_t use = f->muted == 0 ? parameter_of(f, node) : 0;
    bool drops = use != 0 && deed_word_of(f->unit, use, DEED_DROP) != NULL;
    if (drops && whole != place) {
        deed_help(f->report, "write `%.*s = NULL` behind that, since `%.*s` is dropped whole", FH_SPAN_FMT(name),
                  FH_SPAN_FMT(f->places[whole].name));
    } else if (drops && parameter != 0) {
        deed_help(f->report, "do not drop it: `%.*s` has taken it over",
                  FH_SPAN_FMT(deed_flow_decl(f, deed_flow_decl(f, parameter)->parent)->name));
    } else if (c->bits & DEED_IS_DROPPED) {
        deed_help(f->report, "drop `%.*s` after its last use", FH_SPAN_FMT(name));
    } else if (parameter != 0 && deed_word_of(f->unit, parameter, DEED_MOVE) != NULL) {
        fh_span function = deed_flow_decl(f, deed_flow_decl(f, parameter)->parent)->name;
        deed_note(f->report, deed_flow_decl(f, parameter)->place, "`%.*s` takes it over: `fh_move`", FH_SPAN_FMT(function));
        deed_help(f->report, "use `%.*s` before `%.*s` takes it", FH_SPAN_FMT(name), FH_SPAN_FMT(function));
    } else if (to != 0 && (deed_flow_node(f, to)->kind == DEED_VARIABLE || deed_flow_node(f, to)->kind == DEED_ASSIGN)) {
        uint32_t left = deed_flow_node(f, to)->kind == DEED_ASSIGN ? deed_place_find(f, deed_child(f, to, 0))
                                                                   : deed_place_root(f, deed_flow_node(f, to)->decl, to);
        deed_help(f->report, "use `%.*s`, which owns it now", FH_SPAN_FMT(f->places[left].name));
    } else if (to != 0 && deed_flow_node(f, to)->kind == DEED_LIST && deed_flow_node(f, c->where)->field != 0) {
        fh_span field = deed_flow_decl(f, deed_flow_node(f, c->where)->field)->name;
        deed_help(f->report, "use the field `%.*s`, which owns it now", FH_SPAN_FMT(field));
    } else {
        deed_help(f->report, "use `%.*s` before it is moved", FH_SPAN_FMT(name));
    }
}

void deed_help_view(deed_flow *f, const deed_value *v) {
    const deed_contract *view = deed_word_of(f->unit, f->function, DEED_VIEW);
    const deed_decl *fn = deed_flow_decl(f, f->function);
    fh_span list = {NULL, 0};
    for (uint32_t k = 1; f->muted == 0 && k <= fn->count; k++) {
        bool listed = false;
        for (uint32_t i = 0; view != NULL && i < view->arg_count; i++)
            listed = listed || view->args[i] == k;
        for (uint32_t i = 0; i < DEED_SOURCES_MAX && v->sources.at[i] != 0; i++)
            listed = listed || f->places[v->sources.at[i]].root == fh_u32s_get(f->unit->members, fn->first + k - 1);
        if (listed)
            list = deed_flow_text(f, "%.*s%s%u", FH_SPAN_FMT(list), list.size != 0 ? ", " : "", k);
    }
    deed_help(f->report, "declare the function `fh_view(%.*s)`", FH_SPAN_FMT(list));
}

void deed_help_lock(deed_flow *f, uint32_t base, fh_span lock) {
    const deed_type *t = deed_flow_type(f, f->places[base].type);
    bool arrow = t->kind == DEED_TYPE_POINTER;
    const deed_decl *record = deed_flow_decl(f, arrow ? deed_flow_type(f, t->to)->decl : t->decl);
    fh_span name = deed_flow_text(f, "%.*s%s%.*s", FH_SPAN_FMT(f->places[base].name), arrow ? "->" : ".", FH_SPAN_FMT(lock));
    for (uint32_t i = 0; base != 0 && f->muted == 0 && i < record->count; i++) {
        const deed_decl *field = deed_flow_decl(f, fh_u32s_get(f->unit->members, record->first + i));
        fh_span call = fh_span_equal(field->name, lock) ? deed_call_for(f, DEED_LOCK, field->type, name) : (fh_span){NULL, 0};
        if (call.size != 0) {
            deed_help(f->report, "call `%.*s` before, or declare the function `fh_requires(%.*s)`", FH_SPAN_FMT(call),
                      FH_SPAN_FMT(name));
            return;
        }
    }
    deed_help(f->report, "take the lock before, or declare the function `fh_requires` it");
}

/* Of the places that a dead view looks into, the one that ended. */
static uint32_t lost_source(deed_flow *f, const deed_cell *view) {
    uint32_t node = deed_flow_node(f, view->where)->kind == DEED_ADDRESS ? deed_child(f, view->where, 0) : view->where;
    deed_kind kind = deed_flow_node(f, node)->kind;
    bool named = kind == DEED_REF || kind == DEED_MEMBER || kind == DEED_DEREF;
    uint32_t changed = named && !(view->bits & DEED_IS_ENDED) ? deed_place_find(f, node) : 0;
    for (int i = 0; i < DEED_SOURCES_MAX && view->sources.at[i] != 0; i++) {
        const deed_cell *s = deed_cell_of(f, view->sources.at[i]);
        bool moved = (s->bits & DEED_IS_MOVED) && s->where == view->where;
        bool ended = (view->bits & DEED_IS_ENDED) && f->places[deed_place_outer(f, view->sources.at[i])].node == view->where;
        bool under = changed != 0 && deed_place_under(f, view->sources.at[i], changed);
        if (moved || ended || under)
            return view->sources.at[i];
    }
    return view->sources.at[0];
}

void deed_report_dead(deed_flow *f, uint32_t node, uint32_t view) {
    const deed_cell *c = deed_cell_of(f, view);
    fh_span name = f->places[view].name;
    uint32_t from = lost_source(f, c);
    fh_span owner = from != 0 ? f->places[from].name : FH_LIT("its owner");
    uint32_t bits = from != 0 && deed_cell_of(f, from)->where == c->where ? deed_cell_of(f, from)->bits : 0;
    uint32_t parameter = f->muted == 0 ? parameter_of(f, c->where) : 0;
    bool dropped = (bits & DEED_IS_DROPPED) || (parameter != 0 && deed_word_of(f->unit, parameter, DEED_DROP));
    bool moved = (bits & DEED_IS_MOVED) || (parameter != 0 && deed_word_of(f->unit, parameter, DEED_MOVE));
    const char *what = dropped ? "dropped" : moved ? "moved" : "changed";
    if (c->bits & DEED_IS_ENDED) {
        deed_error(f, FH0201, node, "used here", "`%.*s` outlives `%.*s`, which it looks into", FH_SPAN_FMT(name),
                   FH_SPAN_FMT(owner));
        const deed_info *root = &f->places[deed_place_outer(f, from)];
        deed_note(f->report, deed_place_declared(f, deed_place_outer(f, from)), "it lives in this block only");
        deed_help(f->report, "declare `%.*s` outside the block, before `%.*s`", FH_SPAN_FMT(root->name), FH_SPAN_FMT(name));
        return;
    }
    deed_error(f, FH0206, node, "used here", "`%.*s` is used after `%.*s`, which it looks into, was %s", FH_SPAN_FMT(name),
               FH_SPAN_FMT(owner), what);
    if (c->born != 0 && c->born != c->where)
        deed_note(f->report, deed_flow_node(f, c->born)->place, "it looks into `%.*s` from here", FH_SPAN_FMT(owner));
    deed_also(f, c->where, dropped ? "dropped here" : moved ? "moved here" : "changed here");
    if (dropped || moved)
        deed_help(f->report, "use `%.*s` before, or copy what it shows", FH_SPAN_FMT(name));
    else
        deed_help(f->report, "make `%.*s` again after the change", FH_SPAN_FMT(name));
}
