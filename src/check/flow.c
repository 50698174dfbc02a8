/* flow.c: statements, scopes and jumps. Threading: flow.h. */
#include "check/flow.h"

#include "check/outside.h"

void deed_error(deed_flow *f, deed_code code, uint32_t node, const char *label, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fh_span text = deed_format_text(f->arena, format, args);
    va_end(args);
    deed_report_at(f->report, code, deed_flow_node(f, node)->place, label, "%.*s", FH_SPAN_FMT(text));
    f->reported = node;
}

void deed_also(deed_flow *f, uint32_t node, const char *text) {
    if (node != 0 && node == f->reported)
        deed_relabel(f->report, deed_flow_text(f, "%s, in an earlier round of the loop", text));
    else if (node != 0)
        deed_note(f->report, deed_flow_node(f, node)->place, "%s", text);
}

static void mute(deed_flow *f, bool on) {
    f->muted = on ? f->muted + 1 : f->muted - 1;
    deed_report_mute(f->report, f->muted != 0);
}

/* --- loops and jumps ------------------------------------------------------------------------------------------------------ */

static void scoped(deed_flow *f, uint32_t node) {
    f->depth++;
    deed_statement(f, node);
    deed_leave(f, deed_last_of(f, node), f->depth);
    f->depth--;
}

typedef struct round_trip {
    uint32_t condition, step, body;
    bool body_first;
    uint32_t on_break, on_continue, out; /* states */
} round_trip;

static void test(deed_flow *f, const round_trip *r) {
    uint32_t yes = deed_state_take(f);
    if (r->condition != 0) {
        deed_condition(f, r->condition, yes, r->out);
        deed_state_set(f, f->now, yes);
    } else {
        deed_state_of(f, r->out)->live = false;
    }
    deed_state_give(f, yes);
}

static void go_round(deed_flow *f, const round_trip *r) {
    deed_state_of(f, r->on_break)->live = deed_state_of(f, r->on_continue)->live = false;
    if (!r->body_first)
        test(f, r);
    scoped(f, r->body);
    deed_state_join(f, f->now, r->on_continue);
    if (r->body_first)
        test(f, r);
    if (r->step != 0)
        deed_eval(f, r->step);
    deed_ungate(f, DEED_LAST_CALL);
    deed_state_join(f, r->out, r->on_break);
}

static void loop(deed_flow *f, uint32_t node, round_trip r) {
    uint32_t head = deed_state_copy(f, f->now), on_break = f->on_break, on_continue = f->on_continue;
    uint32_t break_depth = f->break_depth, continue_depth = f->continue_depth, rounds = 0;
    r.on_break = f->on_break = deed_state_take(f);
    r.on_continue = f->on_continue = deed_state_take(f);
    r.out = deed_state_take(f);
    f->break_depth = f->continue_depth = f->depth + 1;
    mute(f, true);
    bool changed = true;
    while (changed && rounds++ < DEED_ROUNDS_MAX) {
        deed_state_set(f, f->now, head);
        go_round(f, &r);
        changed = deed_state_join(f, head, f->now);
    }
    mute(f, false);
    if (changed) {
        deed_error(f, FH0903, node, "no end in sight", "this loop takes too many rounds to check");
        deed_help(f->report, "cut its body into functions");
    }
    if (f->muted == 0) {
        deed_state_set(f, f->now, head);
        go_round(f, &r);
    }
    deed_state_set(f, f->now, r.out);
    f->on_break = on_break;
    f->on_continue = on_continue;
    f->break_depth = break_depth;
    f->continue_depth = continue_depth;
    deed_state_give(f, head);
    deed_state_give(f, r.on_break);
    deed_state_give(f, r.on_continue);
    deed_state_give(f, r.out);
}

static void switches(deed_flow *f, uint32_t node) {
    uint32_t on_case = f->on_case, on_break = f->on_break;
    uint32_t break_depth = f->break_depth;
    bool saw_default = f->saw_default;
    deed_eval(f, deed_child(f, node, 0));
    f->on_case = deed_state_copy(f, f->now);
    f->on_break = deed_state_take(f);
    f->break_depth = f->depth + 1;
    f->saw_default = false;
    deed_end_path(f);
    scoped(f, deed_child(f, node, 1));
    deed_state_join(f, f->now, f->on_break);
    if (!f->saw_default)
        deed_state_join(f, f->now, f->on_case);
    deed_state_give(f, f->on_case);
    deed_state_give(f, f->on_break);
    f->on_case = on_case;
    f->on_break = on_break;
    f->break_depth = break_depth;
    f->saw_default = saw_default;
}

/* A jump to `to` goes over declarations: what they declare has no value there. */
static void jump_over(deed_flow *f, deed_place to) {
    for (uint32_t i = DEED_LAST_CALL + 1; deed_is_live(f) && i < f->place_count; i++) {
        deed_place scope = deed_flow_node(f, f->places[i].block)->place;
        bool here = f->places[i].block != 0 && scope.offset_bytes <= to.offset_bytes && to.offset_bytes <= scope.end_bytes &&
                    deed_flow_node(f, f->places[i].node)->place.offset_bytes <= to.offset_bytes;
        if (here && deed_cell_of(f, i)->bits == 0)
            *deed_cell_of(f, i) = (deed_cell){.bits = DEED_IS_RAW, .born = f->places[i].node};
    }
}

static void new_case(deed_flow *f, uint32_t node) {
    uint32_t here = f->now;
    f->saw_default = f->saw_default || deed_flow_node(f, node)->kind == DEED_DEFAULT;
    if (f->on_case == 0)
        return;
    f->now = f->on_case;
    jump_over(f, deed_flow_node(f, node)->place);
    f->now = here;
    deed_state_join(f, f->now, f->on_case);
}

/* The number of a label, or 0. */
static uint32_t label_of(deed_flow *f, uint32_t decl, uint32_t node) {
    for (uint32_t i = 1; i < f->label_count; i++) {
        if (f->labels[i].decl == decl)
            return i;
    }
    if (f->label_count == DEED_LABELS_MAX) {
        deed_error(f, FH0903, node, "one label too many", "more than %d labels in one function", (int)DEED_LABELS_MAX - 1);
        deed_help(f->report, "cut the function into smaller ones");
        return 0;
    }
    f->labels[f->label_count] = (deed_label){.decl = decl, .state = deed_state_take(f)};
    return f->label_count++;
}

static void go_to(deed_flow *f, uint32_t node) {
    const deed_node *n = deed_flow_node(f, node);
    uint32_t l = n->decl != 0 ? label_of(f, n->decl, node) : 0, here = f->now;
    if (l != 0 && deed_flow_decl(f, n->decl)->place.offset_bytes < n->place.offset_bytes) {
        deed_error(f, FH0902, node, "jumps backwards", "a jump back to `%.*s`", FH_SPAN_FMT(deed_flow_decl(f, n->decl)->name));
        deed_note(f->report, deed_flow_decl(f, n->decl)->place, "to this label");
        deed_help(f->report, "write a loop: `for (;;)` with `continue` where the jump is, and `break` at its end");
    } else if (l != 0) {
        f->labels[l].from = node;
        f->now = f->labels[l].state;
        jump_over(f, deed_flow_decl(f, n->decl)->place);
        deed_state_join(f, f->now, here);
        f->now = here;
    }
    deed_end_path(f);
}

static void label(deed_flow *f, uint32_t node) {
    uint32_t l = label_of(f, deed_flow_node(f, node)->decl, node), here = f->now;
    if (l != 0 && deed_state_of(f, f->labels[l].state)->live) {
        f->now = deed_state_copy(f, f->labels[l].state);
        deed_leave(f, deed_flow_node(f, f->labels[l].from)->place, f->depth + 1);
        jump_over(f, deed_flow_node(f, node)->place);
        deed_state_join(f, here, f->now);
        deed_state_give(f, f->now);
        f->now = here;
    }
    if (l != 0)
        f->labels[l].placed = true;
    deed_statement(f, deed_child(f, node, 0));
}

/* --- statements ----------------------------------------------------------------------------------------------------------- */

static void variable(deed_flow *f, uint32_t node) {
    const deed_node *n = deed_flow_node(f, node);
    uint32_t init = deed_child(f, node, 0), place = deed_place_root(f, n->decl, node);
    if (place == 0 || f->places[place].mode == DEED_MODE_GLOBAL)
        return;
    f->places[place].block = f->block;
    deed_unwritten(f, node, place);
    if (init != 0 && !deed_store_fields(f, node, place, init, true)) {
        deed_value v = deed_eval(f, init);
        deed_store(f, node, place, &v, true);
        deed_ungate(f, DEED_LAST_CALL);
    }
    if (init != 0)
        deed_written(f, place);
}

/* A declaration that control does not reach: a label or a case behind it does. */
static void jumped_over(deed_flow *f, uint32_t node) {
    uint32_t place = deed_place_root(f, deed_flow_node(f, node)->decl, node);
    if (place != 0 && f->places[place].mode == DEED_MODE_LOCAL)
        f->places[place].block = f->block;
}

/* A statement that is a scope. */
static void block(deed_flow *f, uint32_t node, void (*inside)(fh_mut deed_flow *f, uint32_t node)) {
    uint32_t around = f->block;
    f->block = node;
    f->depth++;
    inside(f, node);
    deed_leave(f, deed_last_of(f, node), f->depth);
    f->depth--;
    f->block = around;
}

static void statements(deed_flow *f, uint32_t node) {
    for (uint32_t i = 0; i < deed_flow_node(f, node)->count; i++)
        deed_statement(f, deed_child(f, node, i));
}

static void branch(deed_flow *f, uint32_t node) {
    uint32_t yes = deed_state_take(f), no = deed_state_take(f), before = f->now;
    deed_condition(f, deed_child(f, node, 0), yes, no);
    for (uint32_t i = 0; i < 2; i++) {
        f->now = i == 0 ? yes : no;
        deed_ungate(f, DEED_LAST_CALL);
        if (deed_child(f, node, i + 1) != 0)
            scoped(f, deed_child(f, node, i + 1));
    }
    deed_state_join(f, yes, no);
    deed_state_set(f, before, yes);
    f->now = before;
    deed_state_give(f, yes);
    deed_state_give(f, no);
}

static void expression(deed_flow *f, uint32_t node) {
    deed_eval_discarded(f, node);
    deed_ungate(f, DEED_LAST_CALL);
}

static void jump_out(deed_flow *f, uint32_t node, uint32_t to, uint32_t depth) {
    deed_leave(f, deed_flow_node(f, node)->place, depth);
    if (to != 0)
        deed_state_join(f, to, f->now);
    deed_end_path(f);
}

static void for_loop(deed_flow *f, uint32_t node) {
    if (deed_child(f, node, 0) != 0)
        deed_statement(f, deed_child(f, node, 0));
    loop(f, node, (round_trip){.condition = deed_child(f, node, 1), .step = deed_child(f, node, 2),
                               .body = deed_child(f, node, 3)});
}

void deed_statement(deed_flow *f, uint32_t node) {
    const deed_node *n = deed_flow_node(f, node);
    for (uint32_t i = 0; !deed_is_live(f) && n->kind == DEED_DECLARE && i < n->count; i++)
        jumped_over(f, deed_child(f, node, i));
    bool enters = n->kind == DEED_BLOCK || n->kind == DEED_LABEL || n->kind == DEED_CASE || n->kind == DEED_DEFAULT;
    if (node == 0 || (!deed_is_live(f) && !enters))
        return;
    switch ((int)n->kind) {
    case DEED_BLOCK: block(f, node, statements); return;
    case DEED_DECLARE: statements(f, node); return;
    case DEED_VARIABLE: variable(f, node); return;
    case DEED_IF: branch(f, node); return;
    case DEED_WHILE:
        loop(f, node, (round_trip){.condition = deed_child(f, node, 0), .body = deed_child(f, node, 1)});
        return;
    case DEED_DO:
        loop(f, node, (round_trip){.condition = deed_child(f, node, 1), .body = deed_child(f, node, 0), .body_first = true});
        return;
    case DEED_FOR: block(f, node, for_loop); return;
    case DEED_SWITCH: switches(f, node); return;
    case DEED_CASE: case DEED_DEFAULT:
        new_case(f, node);
        deed_statement(f, deed_child(f, node, 0));
        return;
    case DEED_BREAK: jump_out(f, node, f->on_break, f->break_depth); return;
    case DEED_CONTINUE: jump_out(f, node, f->on_continue, f->continue_depth); return;
    case DEED_GOTO: go_to(f, node); return;
    case DEED_LABEL: label(f, node); return;
    case DEED_RETURN: deed_return(f, node); return;
    case DEED_EMPTY: case DEED_REGION: case DEED_UNKNOWN: return;
    default: expression(f, node); return;
    }
}

/* --- functions ------------------------------------------------------------------------------------------------------------ */

static bool says(const deed_flow *f, uint32_t decl, deed_word word) {
    return deed_word_of(f->unit, decl, word) != NULL;
}

/* Who ends a value ends what its fields own. */
static void take_over_fields(deed_flow *f, uint32_t place, uint32_t depth) {
    const deed_type *t = deed_flow_type(f, f->places[place].type), *to = deed_flow_type(f, t->to);
    const deed_type *record = t->kind == DEED_TYPE_POINTER ? to : t;
    const deed_decl *r = deed_flow_decl(f, record->decl);
    for (uint32_t i = 0; record->kind == DEED_TYPE_RECORD && record->decl != 0 && i < r->count; i++) {
        uint32_t field = fh_u32s_get(f->unit->members, r->first + i);
        if (says(f, field, DEED_OWNED) || says(f, field, DEED_OWNED_OR_NULL))
            deed_cell_of(f, deed_place_field(f, place, field, 0))->bits = DEED_IS_DUE;
        else if (depth > 0 && !says(f, field, DEED_REF_WORD) &&
                 deed_flow_type(f, deed_flow_decl(f, field)->type)->kind == DEED_TYPE_RECORD)
            take_over_fields(f, deed_place_field(f, place, field, 0), depth - 1);
    }
}

static void parameter(deed_flow *f, uint32_t decl) {
    const deed_decl *d = deed_flow_decl(f, decl);
    const deed_type *t = deed_flow_type(f, d->type);
    uint32_t place = deed_place_root(f, decl, d->body);
    bool pointer = t->kind == DEED_TYPE_POINTER;
    bool out = says(f, decl, DEED_OUT) || says(f, decl, DEED_OWNED) || says(f, decl, DEED_OWNED_OR_NULL);
    bool slot = pointer && deed_flow_type(f, t->to)->kind == DEED_TYPE_POINTER;
    deed_cell *c = deed_cell_of(f, place);
    c->bits = DEED_IS_PLAIN;
    if ((says(f, decl, DEED_MOVE) || says(f, decl, DEED_DROP)) && !slot) {
        f->places[place].mode = says(f, decl, DEED_MOVE) ? DEED_MODE_OWNER : DEED_MODE_DROPPER;
        c->bits = DEED_IS_OWNED;
        if (f->places[place].mode == DEED_MODE_DROPPER) {
            deed_owners owners = deed_owners_of(f, d->type);
            c->bits |= (owners.given ? DEED_IS_NULL : 0u) | (owners.given && !owners.filled ? DEED_IS_DUE : 0u);
            take_over_fields(f, place, 2);
        }
    } else if (slot && (says(f, decl, DEED_MOVE) || says(f, decl, DEED_DROP))) {
        f->places[place].mode = DEED_MODE_DROPPER;
        uint32_t null = says(f, decl, DEED_DROP) ? DEED_IS_NULL : 0u;
        deed_cell_of(f, deed_place_field(f, place, 0, 0))->bits = DEED_IS_OWNED | null;
    } else if (pointer && out) {
        f->places[place].mode = DEED_MODE_OUT;
        deed_cell_of(f, deed_place_field(f, place, 0, 0))->bits = DEED_IS_RAW;
    } else if (pointer) {
        bool shared = says(f, decl, DEED_REF_WORD) || (deed_flow_type(f, t->to)->is_const && !says(f, decl, DEED_MUT));
        f->places[place].mode = shared ? DEED_MODE_SHARED : DEED_MODE_MUT;
    } else if (deed_type_carries(f, d->type)) {
        f->places[place].mode = says(f, decl, DEED_REF_WORD) ? DEED_MODE_SHARED : DEED_MODE_MUT;
    }
    if (pointer && f->places[place].mode != DEED_MODE_OUT && says(f, decl, DEED_OR_NULL))
        c->bits |= DEED_IS_NULL;
    if (deed_promise_of(f, DEED_UNLOCK, place) != NULL)
        c->bits |= DEED_IS_HELD;
    const deed_contract *needs = deed_word_of(f->unit, f->function, DEED_REQUIRES);
    if (needs == NULL || d->name.size == 0 || !fh_span_starts(needs->text, d->name))
        return;
    if (needs->text.size == d->name.size)
        c->bits |= DEED_IS_HELD;
    const deed_type *record = pointer ? deed_flow_type(f, t->to) : t;
    const deed_decl *r = deed_flow_decl(f, record->decl);
    for (uint32_t i = 0; record->decl != 0 && i < r->count; i++) {
        uint32_t field = fh_u32s_get(f->unit->members, r->first + i);
        fh_span name = deed_flow_decl(f, field)->name;
        size_t at = needs->text.size - (name.size < needs->text.size ? name.size : needs->text.size);
        if (at > d->name.size && fh_span_equal(fh_span_from(needs->text, at), name))
            deed_cell_of(f, deed_place_field(f, place, field, 0))->bits |= DEED_IS_HELD;
    }
}

static void check_function(deed_flow *f, uint32_t decl) {
    const deed_decl *d = deed_flow_decl(f, decl);
    f->function = decl;
    f->place_count = DEED_LAST_CALL + 1;
    f->label_count = 1; /* label 0 is none */
    f->depth = f->block = f->muted = 0;
    f->full = false;
    f->on_break = f->on_continue = f->on_case = 0;
    for (uint32_t i = 0; i <= DEED_LAST_CALL; i++)
        f->places[i] = (deed_info){.depth = 0, .mode = DEED_MODE_GLOBAL};
    f->now = deed_state_take(f);
    deed_state_of(f, f->now)->live = true;
    deed_report_function(f->report, d->name);
    for (uint32_t i = 0; i < d->count; i++)
        parameter(f, fh_u32s_get(f->unit->members, d->first + i));
    deed_statement(f, d->body);
    if (deed_is_live(f))
        deed_finish(f, deed_last_of(f, d->body));
    for (uint32_t i = 1; i < f->label_count; i++) {
        if (deed_state_of(f, f->labels[i].state)->live && !f->labels[i].placed) {
            deed_error(f, FH0901, f->labels[i].from, "not understood", "a jump into a statement that is not reached otherwise");
            deed_help(f->report, "put the label where control also comes without the jump");
        }
        deed_state_give(f, f->labels[i].state);
    }
    deed_state_give(f, f->now);
}

static fh_status check_all(deed_flow *f) {
    for (size_t i = 0; !fh_failed(f->status) && i < f->unit->functions.count; i++) {
        uint32_t decl = fh_u32s_get(f->unit->functions, i);
        if (!fh_deed_files_at(f->unit->files, deed_flow_decl(f, decl)->place.file)->is_audited)
            check_function(f, decl);
    }
    deed_report_function(f->report, (fh_span){NULL, 0});
    return f->status;
}

fh_status deed_flow_check(fh_allocator *a, deed_unit *unit, deed_report *r) {
    fh_arena *arena = NULL;
    FH_TRY(fh_arena_new(a, NULL, &arena));
    const size_t types = unit->types.count + 1;
    deed_flow *f = fh_arena_alloc(arena, 1, sizeof *f);
    deed_state *none = fh_arena_alloc(arena, 1, sizeof *none);
    uint8_t *carries = fh_arena_alloc(arena, types, 1), *owners = fh_arena_alloc(arena, types, 1);
    fh_status s = FH_STATUS(FH_NOMEM);
    if (f != NULL && none != NULL && carries != NULL && owners != NULL) {
        *f = (deed_flow){.unit = unit, .report = r, .arena = arena, .states = {none}, .state_count = 1,
                         .carries = {carries, types}, .owners = {owners, types}};
        s = check_all(f);
    }
    fh_arena_free(arena);
    return s;
}
