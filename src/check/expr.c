/* expr.c: what expressions give, and what conditions tell. Threading: flow.h. */
#include "check/flow.h"

static const deed_value plain = {.bits = DEED_IS_PLAIN};

static void join_value(deed_flow *f, deed_value *a, const deed_value *b) {
    a->bits |= b->bits & ~(uint32_t)(DEED_IS_OK | DEED_IS_FAILED);
    if (a->via != b->via)
        a->via = 0;
    deed_add_sources(f, b->node, &a->sources, &b->sources);
}

/* A guarded field needs the lock beside it, except in a value that nobody else can reach yet. */
static void check_guard(deed_flow *f, uint32_t node) {
    const deed_node *n = deed_flow_node(f, node);
    const deed_contract *guard = n->kind == DEED_MEMBER ? deed_word_of(f->unit, n->decl, DEED_GUARDED) : NULL;
    uint32_t base = guard != NULL ? deed_place_find(f, deed_child(f, node, 0)) : 0;
    if (guard == NULL)
        return;
    if (base != 0 && !deed_place_lent(f, base) && f->places[base].mode == DEED_MODE_LOCAL &&
        !(deed_cell_of(f, base)->bits & DEED_IS_VIEW))
        return;
    if (base != 0 && deed_has_lock(f, base, guard->text))
        return;
    deed_error(f, FH0404, node, "used here without it", "`%.*s` is used without the lock `%.*s`",
               FH_SPAN_FMT(deed_flow_decl(f, n->decl)->name), FH_SPAN_FMT(guard->text));
    deed_note(f->report, deed_flow_decl(f, n->decl)->place, "declared guarded here");
    deed_help_lock(f, base, guard->text);
}

/* What stands in front of the place is used, if there is anything to say about it. */
static void reach(deed_flow *f, uint32_t node, uint32_t place) {
    deed_check_led(f, node, place);
    for (uint32_t i = place != 0 ? f->places[place].parent : 0; i != 0; i = f->places[i].parent) {
        if ((deed_cell_of(f, i)->bits & (DEED_IS_MOVED | DEED_IS_DEAD)) || deed_place_null(f, i))
            deed_use(f, node, place);
    }
}

static deed_value read_place(deed_flow *f, uint32_t node) {
    const deed_node *n = deed_flow_node(f, node);
    check_guard(f, node);
    uint32_t place = deed_place_find(f, node);
    if (place == 0) {
        deed_value v = n->count != 0 ? deed_eval_discarded(f, deed_child(f, node, 0)) : plain;
        bool follows = n->kind == DEED_DEREF || n->op == DEED_OP_ARROW;
        if (follows && v.place == 0 && (v.bits & DEED_IS_NULL)) {
            deed_error(f, FH0307, node, "used here without a check", "this may be NULL");
            deed_help(f->report, "give it a name, and compare that with NULL before");
        }
        bool looks = n->kind == DEED_MEMBER && (v.bits & DEED_IS_VIEW) && v.place == 0 && deed_type_carries(f, n->type);
        v.bits &= (uint32_t)(DEED_IS_VIEW | DEED_IS_BORROW | DEED_IS_DEAD | DEED_IS_ENDED);
        v.call = false;
        v.node = node;
        v = looks ? v : plain;
        if (n->kind == DEED_MEMBER && deed_word_of(f->unit, n->decl, DEED_OR_NULL))
            v.bits |= DEED_IS_NULL;
        return v; /* a field of a result looks into what the result looks into */
    }
    if (deed_flow_type(f, n->type)->kind == DEED_TYPE_ARRAY) {
        reach(f, node, place);
        return deed_address(f, node, place);
    }
    deed_use(f, node, place);
    return deed_lying(f, node, place);
}

/* a[i], read or (target) written or only named. What an array's element gives looks into the array. */
static deed_value element(deed_flow *f, uint32_t node, bool target) {
    uint32_t array = deed_child(f, node, 0);
    bool inner = deed_flow_node(f, array)->kind == DEED_INDEX;
    deed_value base = inner ? element(f, array, target) : deed_eval_discarded(f, array);
    deed_eval_discarded(f, deed_child(f, node, 1));
    if (!base.address)
        return plain;
    if (!target && base.place != 0 && deed_flow_type(f, deed_flow_node(f, node)->type)->kind != DEED_TYPE_ARRAY)
        deed_check_written(f, node, base.place);
    return base;
}

/* The value of an element, or of a field of one: of the borrows in an array it is not known which one lies where. */
static deed_value kept_in(deed_flow *f, uint32_t node, uint32_t array) {
    deed_value v = {.bits = DEED_IS_VIEW, .node = node};
    if (array == 0 || !(deed_cell_of(f, array)->bits & DEED_IS_VIEW) || !deed_type_carries(f, deed_flow_node(f, node)->type))
        return plain;
    v.sources = deed_cell_of(f, array)->sources;
    if (deed_cell_of(f, array)->bits & DEED_IS_DEAD)
        deed_use(f, node, array);
    return v.sources.at[0] != 0 ? v : plain;
}

/* A borrow goes into an element: the array looks there, too, from now on. */
static void keep_in(deed_flow *f, uint32_t node, uint32_t array, const deed_value *v) {
    if (array == 0 || v->sources.at[0] == 0 || (v->bits & DEED_IS_OWNED) || !deed_type_carries(f, f->places[array].type))
        return;
    if (deed_place_lent(f, array)) {
        deed_keep(f, node, array, v);
        return;
    }
    deed_cell *c = deed_cell_of(f, array);
    c->bits |= DEED_IS_VIEW | DEED_IS_BORROW;
    c->born = node;
    deed_add_sources(f, node, &c->sources, &v->sources);
}

/* What stands to the left of an assignment, or behind &, and is no place that can be followed. */
static deed_value reached(deed_flow *f, uint32_t node) {
    const deed_node *n = deed_flow_node(f, node);
    if (n->kind == DEED_INDEX)
        return element(f, node, true);
    if (n->kind == DEED_MEMBER && n->op == DEED_OP_DOT && deed_place_find(f, deed_child(f, node, 0)) == 0)
        return reached(f, deed_child(f, node, 0));
    return deed_eval(f, node);
}

/* A compound literal where it lies. */
static deed_value literal(deed_flow *f, uint32_t node) {
    uint32_t place = deed_place_literal(f, node), list = deed_child(f, node, 0);
    if (place == 0 || deed_store_fields(f, node, place, list, true))
        return deed_address(f, node, place);
    deed_value v = deed_eval(f, list);
    deed_store(f, node, place, &v, true);
    return deed_address(f, node, place);
}

static deed_value address_of(deed_flow *f, uint32_t node) {
    uint32_t inner = deed_child(f, node, 0), place = deed_place_find(f, inner);
    if (deed_flow_node(f, inner)->kind == DEED_LITERAL)
        return literal(f, inner);
    check_guard(f, inner);
    if (place == 0) {
        deed_value base = reached(f, inner); /* &a[i], &f()->x */
        base.bits = (base.bits & (DEED_IS_VIEW | DEED_IS_BORROW)) | DEED_IS_PLAIN;
        base.place = 0;
        return base;
    }
    reach(f, node, place);
    return deed_address(f, node, place);
}

/* May this place be written? */
static void check_target(deed_flow *f, uint32_t left, uint32_t place) {
    check_guard(f, left);
    reach(f, left, place);
    deed_check_shared(f, left, place, false);
}

static deed_value assign(deed_flow *f, uint32_t node) {
    const deed_node *n = deed_flow_node(f, node);
    uint32_t left = deed_child(f, node, 0), right = deed_child(f, node, 1);
    uint32_t whole = n->op == DEED_OP_NONE ? deed_place_find(f, left) : 0;
    if (whole != 0 && deed_store_fields(f, node, whole, right, false)) {
        check_target(f, left, whole);
        return deed_lying(f, node, whole);
    }
    deed_value v = deed_eval(f, right);
    if (n->op != DEED_OP_NONE) {
        deed_value was = deed_eval(f, left);
        deed_check_shared(f, left, was.place, false);
        deed_ungate(f, was.place);
        return plain;
    }
    uint32_t place = deed_place_find(f, left);
    check_target(f, left, place);
    deed_value at = place == 0 ? reached(f, left) : plain;
    deed_store(f, node, place, &v, false);
    if (at.address)
        keep_in(f, node, at.place, &v);
    return place != 0 ? deed_lying(f, node, place) : plain;
}

static deed_value arm(deed_flow *f, uint32_t node, uint32_t state, bool taken) {
    const deed_value none = {0};
    f->now = state;
    if (!deed_is_live(f))
        return none;
    return taken ? deed_eval_taken(f, node) : deed_eval(f, node);
}

/* An owner in an arm leaves its place (`taken`), or the result looks at it. */
static void leave_arm(deed_flow *f, uint32_t state, bool taken, deed_value *v) {
    f->now = state;
    if (!(v->bits & DEED_IS_OWNED) || v->place == 0 || v->address)
        return;
    if (taken) {
        deed_consume(f, v->node, v, false);
    } else {
        *v = (deed_value){.bits = DEED_IS_VIEW | (v->bits & DEED_IS_NULL), .node = v->node, .via = (uint16_t)v->place,
                          .sources = {{(uint16_t)v->place}}};
    }
}

static bool is_fresh(const deed_value *v) {
    return v->place == 0 && (v->bits & DEED_IS_OWNED);
}

static deed_value choose(deed_flow *f, uint32_t node) {
    uint32_t yes = deed_state_take(f), no = deed_state_take(f), before = f->now;
    bool taken = f->taking;
    f->taking = false;
    deed_condition(f, deed_child(f, node, 0), yes, no);
    deed_value v = arm(f, deed_child(f, node, 1), yes, taken), other = arm(f, deed_child(f, node, 2), no, taken);
    taken = taken || is_fresh(&v) || is_fresh(&other);
    leave_arm(f, yes, taken, &v);
    leave_arm(f, no, taken, &other);
    join_value(f, &v, &other);
    v.place = 0;
    v.address = v.call = false;
    v.node = node;
    v.bits &= ~(uint32_t)(DEED_IS_OK | DEED_IS_FAILED | DEED_IS_COPY);
    deed_state_join(f, yes, no);
    deed_state_set(f, before, yes);
    f->now = before;
    deed_state_give(f, yes);
    deed_state_give(f, no);
    return v;
}

static bool says(const deed_flow *f, uint32_t decl, deed_word word) {
    return deed_word_of(f->unit, decl, word) != NULL;
}

static deed_value list(deed_flow *f, uint32_t node) {
    const deed_node *n = deed_flow_node(f, node);
    deed_value all = {.bits = DEED_IS_PLAIN, .node = node};
    for (uint32_t i = 0; i < n->count; i++) {
        uint32_t kid = deed_child(f, node, i);
        deed_value v = deed_eval(f, kid);
        const deed_node *k = deed_flow_node(f, kid);
        bool owned = says(f, k->field, DEED_OWNED) || says(f, k->field, DEED_OWNED_OR_NULL);
        bool borrowed = says(f, k->field, DEED_REF_WORD) || says(f, k->field, DEED_MUT);
        uint32_t type = k->field != 0 ? deed_flow_decl(f, k->field)->type : k->type;
        deed_passing passing = deed_passes(f, type, owned, borrowed, &v);
        if (passing == DEED_GOES && v.place != 0)
            deed_consume(f, kid, &v, false);
        if (passing != DEED_GOES && v.place != 0) {
            deed_value looks = {.bits = DEED_IS_VIEW, .node = kid};
            looks.sources = deed_sources_of(f, &v);
            v = deed_type_carries(f, type) && looks.sources.at[0] != 0 ? looks : plain;
        }
        join_value(f, &all, &v);
        if (n->count == 1 && k->kind == DEED_INTEGER)
            all.bits |= k->number == 0 ? DEED_IS_OK : DEED_IS_FAILED;
        else if (n->count == 1 && k->kind == DEED_LIST)
            all.bits |= v.bits & (DEED_IS_OK | DEED_IS_FAILED);
    }
    all.bits &= ~(uint32_t)(DEED_IS_NULL | DEED_IS_RAW | DEED_IS_COPY);
    return all;
}

static deed_value logic(deed_flow *f, uint32_t node) {
    uint32_t yes = deed_state_take(f), no = deed_state_take(f);
    deed_condition(f, node, yes, no);
    deed_state_join(f, yes, no);
    deed_state_set(f, f->now, yes);
    deed_state_give(f, yes);
    deed_state_give(f, no);
    return plain;
}

bool deed_is_atomic(const deed_node *n) {
    static const char *const names[] = {
        "fh_load",      "fh_store",    "fh_cas",       "fh_exchange",     "fh_fetch_",               "__atomic_",
        "__c11_atomic", "atomic_load", "atomic_store", "atomic_exchange", "atomic_compare_exchange", "atomic_fetch_",
    };
    for (size_t i = 0; n->kind == DEED_UNKNOWN && i < sizeof names / sizeof *names; i++) {
        if (fh_span_starts(n->text, fh_span_of_str(names[i])))
            return true;
    }
    return false;
}

/* An atomic operation: the place that its first operand is the address of is read, and written with whatever operand has its
 * type (a load has none). */
static deed_value atomic(deed_flow *f, uint32_t node) {
    const deed_node *n = deed_flow_node(f, node);
    deed_value at = deed_eval(f, deed_child(f, node, 0));
    uint32_t type = deed_flow_type(f, deed_flow_node(f, deed_child(f, node, 0))->type)->to;
    uint32_t place = at.place != 0 && !at.address ? deed_place_field(f, at.place, 0, node) : at.place;
    deed_value was = place != 0 ? deed_lying(f, node, place) : at;
    was.bits = place != 0 ? was.bits : at.sources.at[0] != 0 ? DEED_IS_VIEW : DEED_IS_PLAIN;
    was.address = false;
    for (uint32_t i = 1; i < n->count; i++) {
        uint32_t operand = deed_child(f, node, i);
        deed_value v = deed_eval(f, operand);
        if (deed_flow_node(f, operand)->type == type && (deed_type_carries(f, type) || deed_place_says(f, place, DEED_OWNED)))
            deed_store(f, operand, place, &v, true);
    }
    if (n->count > 2 && !deed_type_carries(f, type))
        deed_ungate(f, place);
    return deed_type_carries(f, type) ? was : plain;
}

deed_value deed_eval_taken(deed_flow *f, uint32_t node) {
    uint32_t inner = node;
    while (deed_flow_node(f, inner)->kind == DEED_CAST)
        inner = deed_child(f, inner, 0);
    f->taking = deed_flow_node(f, inner)->kind == DEED_CHOOSE;
    deed_value v = deed_eval(f, node);
    f->taking = false;
    return v;
}

deed_value deed_eval_discarded(deed_flow *f, uint32_t node) {
    deed_value v = deed_eval(f, node);
    if ((v.bits & DEED_IS_OWNED) && v.place == 0) {
        deed_error(f, FH0303, node, "nobody owns it", "an owned result is thrown away");
        deed_help_named(f, node);
    }
    return v;
}

deed_value deed_eval(deed_flow *f, uint32_t node) {
    const deed_node *n = deed_flow_node(f, node);
    deed_value v = plain;
    if (node == 0 || !deed_is_live(f))
        return v;
    v.node = node;
    switch ((int)n->kind) {
    case DEED_REF: case DEED_MEMBER: case DEED_DEREF: return read_place(f, node);
    case DEED_ADDRESS: return address_of(f, node);
    case DEED_CALL: return deed_call(f, node);
    case DEED_ASSIGN: return assign(f, node);
    case DEED_CHOOSE: return choose(f, node);
    case DEED_LITERAL:
        if (deed_flow_type(f, n->type)->kind == DEED_TYPE_ARRAY)
            return literal(f, node);
        return list(f, node);
    case DEED_LIST: return list(f, node);
    case DEED_CAST: return deed_eval(f, deed_child(f, node, 0));
    case DEED_NULL: v.bits = DEED_IS_NULL; return v;
    case DEED_INTEGER: case DEED_REAL: case DEED_STRING: return v;
    case DEED_SEQUENCE:
        deed_eval_discarded(f, deed_child(f, node, 0));
        return deed_eval(f, deed_child(f, node, 1));
    case DEED_INDEX:
        v = element(f, node, false);
        return deed_flow_type(f, n->type)->kind == DEED_TYPE_ARRAY ? v : kept_in(f, node, v.place);
    case DEED_UNARY: case DEED_BINARY:
        if (n->op == DEED_OP_LAND || n->op == DEED_OP_LOR || n->op == DEED_OP_LNOT)
            return logic(f, node);
        for (uint32_t i = 0; i < n->count; i++) {
            deed_value part = deed_eval_discarded(f, deed_child(f, node, i));
            if (n->kind == DEED_UNARY && n->op >= DEED_OP_PRE_INC) {
                deed_check_shared(f, deed_child(f, node, i), part.place, false);
                deed_ungate(f, part.place);
            }
        }
        return v;
    case DEED_STATEMENTS:
        deed_statement(f, deed_child(f, node, 0));
        if (deed_flow_type(f, n->type)->kind == DEED_TYPE_POINTER) {
            deed_error(f, FH0901, node, "not understood", "a statement expression with a pointer as its value");
            deed_help(f->report, "write a function, or a variable and statements");
        }
        return v;
    case DEED_UNKNOWN: return deed_is_atomic(n) ? atomic(f, node) : v; /* others are reported for the whole unit (rules.c) */
    default:
        deed_error(f, FH0901, node, "not understood", "this expression is outside the checkable dialect");
        deed_help(f->report, "write it in a plainer way, or move it into an audited room");
        return v;
    }
}

/* --- conditions ----------------------------------------------------------------------------------------------------------- */

static void tell_null(deed_flow *f, uint32_t state, uint32_t place, bool null) {
    deed_state *s = deed_state_of(f, state);
    deed_cell *c = &s->cells[place];
    bool checked = deed_word_of(f->unit, f->places[place].field, DEED_OR_NULL) != NULL;
    uint32_t gate = (c->bits & (null ? DEED_IF_OK_OWNED : DEED_IF_FAILED_NULL)) ? c->gate : 0;
    if (null)
        c->bits &= ~(uint32_t)DEED_IS_DUE;
    for (uint32_t i = place + 1; null && i < f->place_count; i++) {
        if (deed_place_within(f, i, place))
            s->cells[i].bits &= ~(uint32_t)DEED_IS_DUE; /* nothing lies behind it */
    }
    if (null && c->bits == 0 && f->places[place].parent != 0 && f->places[place].mode != DEED_MODE_GLOBAL)
        c->bits = DEED_IS_NULL;
    else if (null && (c->bits & DEED_IS_NULL))
        c->bits &= ~(uint32_t)(DEED_IS_OWNED | DEED_IS_VIEW | DEED_IS_BORROW | DEED_IS_PLAIN | DEED_IS_MOVED | DEED_IS_DROPPED);
    else if (null && (c->bits & DEED_IS_OWNED))
        s->live = false;
    else if (!null && c->bits == DEED_IS_NULL)
        s->live = false;
    else if (!null)
        c->bits = (c->bits & ~(uint32_t)DEED_IS_NULL) | (checked ? DEED_IS_SOME : 0u);
    if (gate != 0 && s->live)
        deed_state_gate(f, state, gate, !null);
}

static bool is_constant(const deed_flow *f, uint32_t node, deed_kind kind) {
    return deed_flow_node(f, node)->kind == kind;
}

/* Evaluates one side of a comparison or a bare condition, and says in what sense the states differ: by a pointer, or by a
 * status. */
static void tell(deed_flow *f, uint32_t node, uint32_t yes, uint32_t no, bool pointer, bool truth) {
    const deed_node *n = deed_flow_node(f, node);
    uint32_t status = 0;
    if (!pointer && n->kind == DEED_MEMBER && deed_name_is(f, n->decl, "code")) {
        status = deed_child(f, node, 0);
        truth = !truth; /* a code that is not zero is a failure */
    }
    deed_value v = deed_eval_discarded(f, status != 0 ? status : node);
    deed_state_set(f, yes, f->now);
    deed_state_set(f, no, f->now);
    if (pointer && v.place != 0 && !v.address) {
        uint32_t same = deed_place_same(f, v.place); /* where the very pointer was read */
        tell_null(f, yes, v.place, !truth);
        tell_null(f, no, v.place, truth);
        if (same != v.place) {
            tell_null(f, yes, same, !truth);
            tell_null(f, no, same, truth);
        }
    } else if (!pointer && (v.call || (v.place != 0 && !v.address && !deed_place_lent(f, v.place)))) {
        uint32_t gate = v.call ? DEED_LAST_CALL : v.place;
        bool ok = deed_cell_of(f, gate)->bits & DEED_IS_OK, bad = deed_cell_of(f, gate)->bits & DEED_IS_FAILED;
        deed_state_gate(f, yes, gate, truth);
        deed_state_gate(f, no, gate, !truth);
        if (ok || bad) {
            deed_state_of(f, yes)->live = ok == truth;
            deed_state_of(f, no)->live = ok != truth;
        }
    }
}

static void compare(deed_flow *f, uint32_t node, uint32_t yes, uint32_t no) {
    const deed_node *n = deed_flow_node(f, node);
    uint32_t left = deed_child(f, node, 0), right = deed_child(f, node, 1);
    if (is_constant(f, left, DEED_NULL) || is_constant(f, left, DEED_INTEGER)) {
        uint32_t swap = left;
        left = right;
        right = swap;
    }
    bool zero = is_constant(f, right, DEED_INTEGER) && deed_flow_node(f, right)->number == 0;
    if (is_constant(f, right, DEED_NULL) || (zero && deed_flow_node(f, left)->kind == DEED_MEMBER)) {
        tell(f, left, yes, no, is_constant(f, right, DEED_NULL), n->op == DEED_OP_NE);
        return;
    }
    if (n->op == DEED_OP_EQ && is_constant(f, right, DEED_INTEGER) && deed_name_is(f, deed_flow_node(f, left)->decl, "code")) {
        tell(f, left, yes, no, false, true); /* a certain failure; else anything */
        deed_state_set(f, no, f->now);
        return;
    }
    deed_eval_discarded(f, left);
    deed_eval_discarded(f, right);
    deed_state_set(f, yes, f->now);
    deed_state_set(f, no, f->now);
}

static void both(deed_flow *f, uint32_t node, uint32_t yes, uint32_t no) {
    bool all = deed_flow_node(f, node)->op == DEED_OP_LAND;
    uint32_t yes1 = deed_state_take(f), no1 = deed_state_take(f), before = f->now;
    deed_condition(f, deed_child(f, node, 0), yes1, no1);
    f->now = all ? yes1 : no1;
    deed_condition(f, deed_child(f, node, 1), yes, no);
    deed_state_join(f, all ? no : yes, all ? no1 : yes1);
    f->now = before;
    deed_state_give(f, yes1);
    deed_state_give(f, no1);
}

void deed_condition(deed_flow *f, uint32_t node, uint32_t yes, uint32_t no) {
    const deed_node *n = deed_flow_node(f, node);
    if (!deed_is_live(f)) {
        deed_state_of(f, yes)->live = deed_state_of(f, no)->live = false;
    } else if (n->kind == DEED_UNARY && n->op == DEED_OP_LNOT) {
        deed_condition(f, deed_child(f, node, 0), no, yes);
    } else if (n->kind == DEED_BINARY && (n->op == DEED_OP_LAND || n->op == DEED_OP_LOR)) {
        both(f, node, yes, no);
    } else if (n->kind == DEED_BINARY && (n->op == DEED_OP_EQ || n->op == DEED_OP_NE)) {
        compare(f, node, yes, no);
    } else if (n->kind == DEED_CALL && deed_name_is(f, deed_flow_node(f, deed_child(f, node, 0))->decl, "fh_failed")) {
        tell(f, deed_child(f, node, 1), yes, no, false, false);
    } else if (n->kind == DEED_INTEGER) {
        deed_state_set(f, yes, f->now);
        deed_state_set(f, no, f->now);
        deed_state_of(f, yes)->live = n->number != 0;
        deed_state_of(f, no)->live = n->number == 0;
    } else {
        tell(f, node, yes, no, deed_flow_type(f, n->type)->kind == DEED_TYPE_POINTER, true);
    }
}
