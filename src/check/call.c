/* call.c: what a call does to its arguments, by the callee's contracts. A pointer without a word is `fh_ref` when it points to
 * const, and `fh_mut` otherwise. Threading: flow.h. */
#include "check/flow.h"

enum { ARGS_MAX = 32 };

typedef struct argument {
    uint32_t node, decl; /* decl: the parameter, or 0 (variadic, or not known) */
    deed_value v;
    bool pointer, exclusive, takes, fills; /* takes: move or drop; fills: out or owned out */
} argument;

typedef struct call {
    uint32_t node, callee; /* callee: the declaration with the parameters, or 0 */
    uint32_t count;
    argument args[ARGS_MAX];
} call;

static uint32_t callee_of(deed_flow *f, uint32_t node) {
    const deed_node *n = deed_flow_node(f, node);
    while (n->kind == DEED_DEREF || n->kind == DEED_CAST) {
        node = deed_child(f, node, 0);
        n = deed_flow_node(f, node);
    }
    if (n->decl == 0)
        return 0;
    const deed_decl *d = deed_flow_decl(f, n->decl);
    if (d->kind == DEED_DECL_FUNCTION || d->count != 0)
        return n->decl;
    const deed_type *t = deed_flow_type(f, d->type);
    return t->decl != 0 ? t->decl : n->decl;
}

static bool has(deed_flow *f, uint32_t decl, deed_word word) {
    return decl != 0 && deed_word_of(f->unit, decl, word) != NULL;
}

/* As it lies there, if it is only named: whether it may be read is for the contract to say. */
static deed_value peek(deed_flow *f, uint32_t node) {
    const deed_node *n = deed_flow_node(f, node);
    bool named = n->kind == DEED_REF || n->kind == DEED_MEMBER || n->kind == DEED_DEREF;
    uint32_t place = named ? deed_place_find(f, node) : 0;
    if (place == 0)
        return deed_eval_taken(f, node);
    deed_cell saved = *deed_cell_of(f, place);
    bool gone = (saved.bits & (DEED_IS_MOVED | DEED_IS_RAW)) != 0;
    for (uint32_t i = place + 1; !gone && i < f->place_count; i++)
        gone = (deed_cell_of(f, i)->bits & DEED_IS_MOVED) && deed_place_within(f, i, place);
    return gone ? (deed_value){.bits = saved.bits, .place = place, .node = node} : deed_eval(f, node);
}

static void read_argument(deed_flow *f, call *c, uint32_t i) {
    argument *a = &c->args[i];
    uint32_t params = c->callee != 0 ? deed_flow_decl(f, c->callee)->count : 0;
    a->node = deed_child(f, c->node, i + 1);
    a->decl = i < params ? fh_u32s_get(f->unit->members, deed_flow_decl(f, c->callee)->first + i) : 0;
    const deed_type *t = deed_flow_type(f, a->decl != 0 ? deed_flow_decl(f, a->decl)->type : deed_flow_node(f, a->node)->type);
    const deed_type *to = deed_flow_type(f, t->to);
    a->pointer = t->kind == DEED_TYPE_POINTER && to->kind != DEED_TYPE_FUNCTION;
    a->takes = has(f, a->decl, DEED_MOVE) || has(f, a->decl, DEED_DROP);
    a->fills = has(f, a->decl, DEED_OUT) || has(f, a->decl, DEED_OWNED) || has(f, a->decl, DEED_OWNED_OR_NULL);
    bool shared = has(f, a->decl, DEED_REF_WORD) || (to->is_const && !has(f, a->decl, DEED_MUT)) ||
                  (a->decl == 0 && !fh_span_starts(deed_flow_decl(f, c->callee)->name, FH_LIT("__builtin_")));
    a->exclusive = a->pointer ? a->takes || a->fills || !shared : has(f, a->decl, DEED_MUT);
    a->v = a->takes ? peek(f, a->node) : deed_eval(f, a->node);
}

/* A later argument may have ended what this one leads to. */
static void use_again(deed_flow *f, const argument *a) {
    enum { GONE = DEED_IS_MOVED | DEED_IS_DEAD };
    if (a->v.place != 0 && !a->takes && !a->fills && (deed_cell_of(f, a->v.place)->bits & GONE))
        deed_use(f, a->node, a->v.place);
    for (uint32_t i = 0; i < DEED_SOURCES_MAX && a->v.place == 0 && a->v.sources.at[i] != 0; i++) {
        if (deed_cell_of(f, a->v.sources.at[i])->bits & DEED_IS_MOVED)
            deed_use(f, a->node, a->v.sources.at[i]);
    }
}

/* What the argument leads to may hold borrows of its own: none of them may have ended, before the call or by another argument
 * of it. */
static void use_pointee(deed_flow *f, const argument *a) {
    uint32_t place = a->v.address ? a->v.place : a->v.place != 0 ? deed_cell_of(f, a->v.place)->to : 0;
    bool dead = false;
    for (uint32_t i = place; i != 0 && !dead && i < f->place_count; i++)
        dead = (deed_cell_of(f, i)->bits & DEED_IS_DEAD) && deed_place_within(f, i, place);
    if (dead && a->pointer && !a->takes && !a->fills)
        deed_use(f, a->node, place);
}

/* --- conflicts within one call -------------------------------------------------------------------------------------------- */

static bool reaches(deed_flow *f, const argument *a) {
    return a->pointer || a->v.address || deed_type_carries(f, deed_flow_node(f, a->node)->type);
}

static void check_conflicts(deed_flow *f, const call *c) {
    for (uint32_t i = 0; i < c->count; i++) {
        const argument *a = &c->args[i];
        for (uint32_t j = 0; j < c->count && a->exclusive; j++) {
            const argument *b = &c->args[j];
            if (i == j || (b->exclusive && j < i) || !reaches(f, b) || !deed_overlap(f, &a->v, &b->v))
                continue;
            deed_error(f, FH0202, b->node, "borrowed again here", "`%.*s` is borrowed exclusively and again in one call",
                       FH_SPAN_FMT(f->places[a->v.place != 0 ? a->v.place : a->v.via].name));
            deed_also(f, a->node, "borrowed exclusively here");
            deed_help(f->report, "copy what the call needs of it before, and pass the copy");
        }
    }
}

/* --- effects -------------------------------------------------------------------------------------------------------------- */

static bool tells_success(const deed_flow *f, uint32_t node) {
    const deed_type *t = deed_flow_type(f, deed_flow_node(f, node)->type);
    return t->kind == DEED_TYPE_RECORD || t->kind == DEED_TYPE_NUMBER || t->kind == DEED_TYPE_ENUM;
}

/* What argument k was lent for. */
static void add_argument(deed_flow *f, const call *c, uint32_t k, deed_value *v) {
    const argument *a = &c->args[k];
    deed_sources sources = deed_sources_of(f, &a->v);
    deed_add_sources(f, c->node, &v->sources, &sources);
    if (sources.at[0] == 0)
        return;
    v->via = v->bits & DEED_IS_VIEW ? 0 : a->v.via;
    v->bits = (v->bits & ~(uint32_t)DEED_IS_PLAIN) | DEED_IS_VIEW;
}

/* What the borrows in what argument k points to look into. */
static void add_behind(deed_flow *f, const call *c, uint32_t k, deed_value *v) {
    const argument *a = &c->args[k];
    uint32_t place = a->v.address || !a->pointer ? a->v.place : deed_place_field(f, a->v.place, 0, a->node);
    deed_value inside = place != 0 ? deed_lying(f, a->node, place) : a->v;
    deed_add_sources(f, c->node, &v->sources, &inside.sources);
    if (v->sources.at[0] != 0)
        v->bits = (v->bits & ~(uint32_t)DEED_IS_PLAIN) | DEED_IS_VIEW;
}

/* What a result (decl: the function) or what is filled (decl: the parameter) looks into: what its contract says; without one,
 * all that was lent for the call, unless it is a value that looks nowhere, or an owner. */
static void look_into(deed_flow *f, const call *c, uint32_t decl, uint32_t type, deed_value *v) {
    const deed_contract *view = deed_word_of(f->unit, decl, DEED_VIEW);
    bool elided = view == NULL && !(v->bits & DEED_IS_OWNED) && deed_type_carries(f, type) && !has(f, decl, DEED_STATIC);
    for (uint32_t i = 0; view != NULL && i < view->arg_count; i++) {
        if (view->args[i] - 1 < c->count && view->behind[i])
            add_behind(f, c, view->args[i] - 1, v);
        else if (view->args[i] - 1 < c->count)
            add_argument(f, c, view->args[i] - 1, v);
    }
    for (uint32_t k = 0; elided && k < c->count; k++) {
        if (!c->args[k].fills && !c->args[k].takes && reaches(f, &c->args[k]))
            add_argument(f, c, k, v);
    }
}

static void fill(deed_flow *f, const call *c, const argument *a) {
    uint32_t place = a->v.place;
    bool owned = has(f, a->decl, DEED_OWNED), perhaps = has(f, a->decl, DEED_OWNED_OR_NULL);
    if (place == 0)
        return;
    if (!a->v.address)
        place = deed_place_field(f, place, 0, a->node);
    bool gated = owned && tells_success(f, c->node);
    deed_value v = {.bits = DEED_IS_PLAIN, .node = a->node};
    if (owned || perhaps)
        v.bits = DEED_IS_OWNED | (owned && !gated ? 0u : DEED_IS_NULL);
    look_into(f, c, a->decl, f->places[place].type, &v);
    deed_type_kind kind = deed_flow_type(f, f->places[place].type)->kind;
    bool number = kind == DEED_TYPE_NUMBER || kind == DEED_TYPE_ENUM;
    bool status = deed_flow_type(f, deed_flow_node(f, c->node)->type)->kind == DEED_TYPE_RECORD;
    enum { GONE = DEED_IS_RAW | DEED_IS_MOVED | DEED_IS_DROPPED };
    const deed_cell was = *deed_cell_of(f, place);
    uint32_t gone = (was.bits & GONE) | (deed_without_value(f, place) != 0 ? DEED_IS_RAW : 0u);
    deed_store(f, a->node, place, &v, false);
    deed_cell *cell = deed_cell_of(f, place);
    bool kept = tells_success(f, c->node) && (number ? has(f, a->decl, DEED_OUT) : owned || perhaps);
    if (kept && gone != 0) {
        cell->gate = DEED_LAST_CALL; /* whoever fails may leave it as it was */
        cell->bits |= gone | DEED_IF_OK_WRITTEN;
        cell->where = was.where;
    }
    if (gated && (cell->bits & (DEED_IS_OWNED | DEED_IS_NULL))) {
        cell->gate = DEED_LAST_CALL;
        cell->bits |= DEED_IF_OK_OWNED | DEED_IF_FAILED_NULL;
    } else if (!owned && !perhaps && has(f, a->decl, DEED_OUT) && kind == DEED_TYPE_POINTER && status) {
        bool perhaps_null = has(f, a->decl, DEED_OR_NULL);
        cell->gate = perhaps_null ? 0 : DEED_LAST_CALL; /* whoever fails leaves a pointer NULL */
        cell->bits |= DEED_IS_NULL | (perhaps_null ? 0u : DEED_IF_OK_OWNED);
    }
}

/* `fh_mut fh_view(k)`: the argument may look into argument k from now on. */
static void grow(deed_flow *f, const call *c, const argument *a) {
    deed_value v = {.bits = DEED_IS_PLAIN, .node = a->node};
    if (!has(f, a->decl, DEED_VIEW) || a->v.place == 0)
        return;
    look_into(f, c, a->decl, deed_flow_node(f, a->node)->type, &v);
    uint32_t place = a->v.address ? a->v.place : deed_place_field(f, a->v.place, 0, a->node);
    if (v.sources.at[0] != 0 && place != 0)
        deed_keep(f, a->node, place, &v);
}

/* NULL, written as it is: whoever does that means it. */
static bool writes_null(const deed_flow *f, uint32_t node) {
    const deed_node *n = deed_flow_node(f, node);
    if (n->kind == DEED_CHOOSE)
        return writes_null(f, deed_child(f, node, 1)) || writes_null(f, deed_child(f, node, 2));
    return n->kind == DEED_NULL;
}

/* The part of a struct that is handed over by value which may be NULL and ought not to: itself, where filling it may have
 * failed, or a field that is declared to own something. */
static uint32_t null_part(deed_flow *f, uint32_t place) {
    for (uint32_t i = place; i != 0 && i < f->place_count; i++) {
        bool part = i == place || (f->places[i].field != 0 && has(f, f->places[i].field, DEED_OWNED));
        for (uint32_t up = i; part && up > place; up = f->places[up].parent)
            part = !deed_place_hops(f, up);
        if (part && deed_place_under(f, i, place) && (deed_cell_of(f, i)->bits & DEED_IS_NULL))
            return i;
    }
    return 0;
}

/* A pointer that may be NULL is lent, or moved. */
static void check_null(deed_flow *f, const argument *a) {
    bool allowed = has(f, a->decl, DEED_OR_NULL);
    bool record = a->v.place != 0 && !a->v.address && deed_flow_type(f, f->places[a->v.place].type)->kind == DEED_TYPE_RECORD;
    uint32_t null = record && !a->pointer ? null_part(f, a->v.place) : 0;
    if (null != 0) {
        deed_report_null(f, a->node, null);
        deed_place_some(f, null);
    }
    if (!a->pointer || allowed || a->v.address || !(a->v.bits & DEED_IS_NULL) || (a->v.bits & DEED_IS_COPY))
        return;
    if (a->v.place != 0) {
        deed_report_null(f, a->node, a->v.place);
        deed_place_some(f, a->v.place);
    } else if (!writes_null(f, a->node) && !(a->v.bits & DEED_IS_OWNED)) {
        deed_error(f, FH0307, a->node, "used here without a check", "this may be NULL");
        deed_help(f->report, "give it a name, and compare that with NULL before");
    }
}

/* The place of the pointer that `T **` leads to, if it can be followed: a variable's, or what a parameter like it has. */
static uint32_t slot_of(deed_flow *f, const argument *a) {
    uint32_t place = a->v.place;
    const deed_type *t = deed_flow_type(f, f->places[place].type);
    if (place == 0 || t->kind != DEED_TYPE_POINTER || a->v.address)
        return t->kind == DEED_TYPE_POINTER ? place : 0;
    if (deed_flow_type(f, t->to)->kind != DEED_TYPE_POINTER || (deed_cell_of(f, place)->bits & (DEED_IS_MOVED | DEED_IS_DEAD)))
        return 0;
    if (deed_cell_of(f, place)->to != 0)
        return deed_cell_of(f, place)->to;
    bool handed_on = f->places[place].mode == DEED_MODE_DROPPER && f->places[place].parent == 0;
    return handed_on ? deed_place_field(f, place, 0, a->node) : 0;
}

static void take(deed_flow *f, const call *c, const argument *a) {
    bool drop = has(f, a->decl, DEED_DROP);
    uint32_t slot = slot_of(f, a);
    if (slot == 0) {
        const deed_type *t = deed_flow_type(f, deed_flow_decl(f, a->decl)->type);
        bool record = t->kind == DEED_TYPE_POINTER && deed_flow_type(f, t->to)->kind == DEED_TYPE_RECORD;
        if (!drop || (record && !deed_owners_of(f, deed_flow_decl(f, a->decl)->type).given))
            check_null(f, a);
        if (drop && deed_flow_type(f, t->to)->kind == DEED_TYPE_VOID)
            deed_end_block(f, a->node, &a->v);
        deed_consume(f, a->node, &a->v, drop);
        return;
    }
    deed_value held = {.bits = deed_cell_of(f, slot)->bits, .place = slot, .node = a->node};
    deed_cell was = *deed_cell_of(f, slot), now = {.bits = DEED_IS_NULL, .born = was.born};
    if (!drop && (was.bits & DEED_IS_NULL) && !(was.bits & DEED_IS_COPY)) {
        deed_report_null(f, a->node, slot);
        was.bits &= ~(uint32_t)DEED_IS_NULL;
    }
    deed_consume(f, a->node, &held, drop);
    was = was.bits == 0 ? deed_place_untouched(f, f->now, slot) : was;
    if (!drop && (was.bits & DEED_IS_OWNED)) { /* a refused value stays: NULL exactly if the callee took it */
        now.bits |= DEED_IS_OWNED | (was.bits & DEED_IS_VIEW);
        if (tells_success(f, c->node)) {
            now.gate = DEED_LAST_CALL;
            now.bits |= DEED_IF_OK_NULL | (was.bits & DEED_IS_NULL ? 0u : DEED_IF_FAILED_OWNED);
        }
        now.sources = was.sources;
    } else if (!drop && (was.bits & DEED_IS_VIEW)) {
        now = (deed_cell){0}; /* what it was, or NULL */
    }
    *deed_cell_of(f, slot) = now;
}

static void send(deed_flow *f, const argument *a) {
    const deed_type *t = deed_flow_type(f, deed_flow_node(f, a->node)->type), *to = deed_flow_type(f, t->to);
    bool sync = (t->decl != 0 && has(f, t->decl, DEED_SYNC)) || (to->decl != 0 && has(f, to->decl, DEED_SYNC));
    bool taken = a->takes && (a->v.bits & DEED_IS_COPY) && a->v.sources.at[0] == a->v.place; /* out of the field that owns it */
    if (!sync && !taken && (a->v.bits & (DEED_IS_VIEW | DEED_IS_BORROW))) {
        deed_error(f, FH0401, a->node, "another thread will use it", "a borrow crosses to another thread");
        uint32_t source = a->v.sources.at[0];
        if (source != 0)
            deed_note(f->report, deed_place_declared(f, source),
                      deed_flow_decl(f, f->places[source].root)->kind == DEED_DECL_PARAMETER
                          ? "it is borrowed for this call only"
                          : "it lives in this function only");
        deed_help(f->report, "send an owner, or a value of a type that is `fh_sync`");
    } else if (!a->takes && (a->v.bits & (DEED_IS_OWNED | DEED_IS_MOVED))) {
        deed_consume(f, a->node, &a->v, false);
    }
}

/* What an owning field of the place may hold once somebody else changed it: a local struct that owns nothing as a whole has to
 * drop what it was given. */
static void may_be_filled(deed_flow *f, uint32_t node, uint32_t place) {
    const deed_info *p = &f->places[place];
    const deed_type *t = deed_flow_type(f, p->type);
    const deed_decl *d = deed_flow_decl(f, t->decl);
    if (p->mode != DEED_MODE_LOCAL || t->kind != DEED_TYPE_RECORD || (deed_cell_of(f, place)->bits & DEED_IS_OWNED))
        return;
    for (uint32_t i = 0; t->decl != 0 && !d->is_system && i < d->count; i++) {
        uint32_t field = fh_u32s_get(f->unit->members, d->first + i);
        deed_type_kind kind = deed_flow_type(f, deed_flow_decl(f, field)->type)->kind;
        bool owns = has(f, field, DEED_OWNED) || has(f, field, DEED_OWNED_OR_NULL);
        bool nested = kind == DEED_TYPE_RECORD && !owns, held = owns && (kind == DEED_TYPE_POINTER || kind == DEED_TYPE_RECORD);
        uint32_t part = nested || held ? deed_place_field(f, place, field, node) : 0;
        if (part != 0 && nested)
            may_be_filled(f, node, part);
        else if (part != 0 && !(deed_cell_of(f, part)->bits & (DEED_IS_OWNED | DEED_IS_MOVED)))
            *deed_cell_of(f, part) = (deed_cell){.bits = DEED_IS_OWNED | (kind == DEED_TYPE_POINTER ? DEED_IS_NULL : 0u),
                                                   .born = node};
    }
}

/* Somebody else may have changed what the argument leads to: that a pointer in it is NULL is no longer known. */
static void forget_null(deed_flow *f, const argument *a) {
    deed_sources reached = deed_sources_of(f, &a->v);
    for (uint32_t i = DEED_LAST_CALL + 1; i < f->place_count; i++) {
        deed_cell *c = deed_cell_of(f, i);
        bool within = a->v.place != 0 && deed_place_within(f, i, a->v.place) && (i != a->v.place || a->v.address);
        for (uint32_t k = 0; k < DEED_SOURCES_MAX && !within && reached.at[k] != 0; k++)
            within = i != reached.at[k] && deed_place_within(f, i, reached.at[k]);
        if (!within || deed_flow_type(f, f->places[i].type)->kind != DEED_TYPE_POINTER)
            continue;
        if ((c->bits & DEED_IS_OWNED) && (f->places[i].field == 0 || !has(f, f->places[i].field, DEED_OWNED)))
            c->bits |= DEED_IS_NULL;
        else if ((c->bits & ~(uint32_t)DEED_IS_PLAIN) == DEED_IS_NULL)
            *c = (deed_cell){.bits = f->places[i].parent == 0 ? DEED_IS_PLAIN | DEED_IS_NULL : 0};
    }
    if (a->v.address && a->v.place != 0 && !has(f, a->decl, DEED_SEND))
        may_be_filled(f, a->node, a->v.place);
}

static void borrow(deed_flow *f, const argument *a) {
    uint32_t place = a->v.place;
    if (place != 0 && !a->exclusive && a->v.address)
        deed_use(f, a->node, place);
    if (place != 0 && a->exclusive && a->v.address) {
        if (deed_flow_type(f, f->places[place].type)->kind == DEED_TYPE_ARRAY)
            deed_written(f, place);
        deed_use(f, a->node, place);
        deed_written(f, place);
        deed_ungate(f, place);
    }
    check_null(f, a);
    if (!a->exclusive)
        return;
    if (has(f, a->decl, DEED_MUT))
        deed_check_shared(f, a->node, a->v.bits & DEED_IS_COPY ? a->v.sources.at[0] : place, !a->v.address);
    deed_invalidate(f, a->node, &a->v);
    forget_null(f, a);
    for (int i = 0; i < DEED_SOURCES_MAX && (a->v.bits & DEED_IS_VIEW) && a->v.sources.at[i] != 0; i++)
        deed_ungate(f, a->v.sources.at[i]);
}

/* --- locks ---------------------------------------------------------------------------------------------------------------- */

bool deed_has_lock(deed_flow *f, uint32_t base, fh_span field) {
    for (uint32_t i = base + 1; i < f->place_count; i++) {
        if (f->places[i].parent == base && f->places[i].field != 0 &&
            fh_span_equal(deed_flow_decl(f, f->places[i].field)->name, field)) {
            uint32_t bits = deed_cell_of(f, i)->bits;
            return (bits & DEED_IS_HELD) && !(bits & DEED_IS_LOOSE);
        }
    }
    return false;
}

/* Other threads may change from here on what the lock guards: borrows of it end. */
static void end_guarded(deed_flow *f, uint32_t node, uint32_t lock) {
    const deed_info l = f->places[lock];
    for (uint32_t i = l.parent; l.parent != 0 && i < f->place_count; i++) {
        const deed_info *p = &f->places[i];
        const deed_contract *guard = p->parent == l.parent ? deed_word_of(f->unit, p->field, DEED_GUARDED) : NULL;
        if (guard == NULL || !fh_span_equal(guard->text, deed_flow_decl(f, l.field)->name))
            continue;
        deed_value field = deed_address(f, node, i);
        deed_invalidate(f, node, &field);
    }
}

static void lock(deed_flow *f, const argument *a, bool on) {
    uint32_t place = a->v.place;
    if (place == 0) {
        deed_error(f, FH0901, a->node, "not understood", "a lock that cannot be followed");
        deed_help(f->report, "lock a variable, or a field of what a variable points to");
        return;
    }
    deed_cell *c = deed_cell_of(f, place);
    if (on && (c->bits & DEED_IS_HELD)) {
        deed_error(f, FH0403, a->node, "taken again here", "the lock `%.*s` is taken twice",
                   FH_SPAN_FMT(f->places[place].name));
        const deed_contract *needs = deed_word_of(f->unit, f->function, DEED_REQUIRES);
        if (c->where == 0 && needs != NULL)
            deed_note(f->report, needs->place, "the caller holds it");
        deed_also(f, c->where, "taken first here");
        deed_help(f->report, "unlock it before, or call a function that is declared `fh_requires` this lock");
    }
    if (!on && (!(c->bits & DEED_IS_HELD) || (c->bits & DEED_IS_LOOSE))) {
        fh_span name = f->places[place].name;
        deed_error(f, FH0407, a->node, c->bits & DEED_IS_LOOSE ? "on some path it is not held here" : "it is not held here",
                   "the lock `%.*s` is released without being held", FH_SPAN_FMT(name));
        deed_also(f, c->bits & DEED_IS_LOOSE ? c->where : 0, "taken here, on another path");
        deed_help(f->report, "take `%.*s` on every path before, or declare the function `fh_requires` or `fh_unlocks`",
                  FH_SPAN_FMT(name));
    }
    c->bits &= ~(uint32_t)(DEED_IS_HELD | DEED_IS_LOOSE);
    if (on)
        c->bits |= DEED_IS_HELD;
    c->where = on ? a->node : 0;
    if (!on)
        end_guarded(f, a->node, place);
}

static void locks(deed_flow *f, const call *c) {
    const deed_contract *take_it = deed_word_of(f->unit, c->callee, DEED_LOCK);
    const deed_contract *give_it = deed_word_of(f->unit, c->callee, DEED_UNLOCK);
    const deed_contract *needs = deed_word_of(f->unit, c->callee, DEED_REQUIRES);
    if (take_it != NULL && take_it->arg_count == 1 && take_it->args[0] - 1 < c->count)
        lock(f, &c->args[take_it->args[0] - 1], true);
    if (give_it != NULL && give_it->arg_count == 1 && give_it->args[0] - 1 < c->count)
        lock(f, &c->args[give_it->args[0] - 1], false);
    for (uint32_t i = 0; needs != NULL && i < c->count; i++) {
        fh_span name = c->args[i].decl != 0 ? deed_flow_decl(f, c->args[i].decl)->name : (fh_span){0};
        if (name.size == 0 || !fh_span_starts(needs->text, name))
            continue;
        bool whole = name.size == needs->text.size;
        size_t skip = name.size + (whole ? 0 : fh_span_at(needs->text, name.size) == '-' ? 2 : 1);
        uint32_t place = c->args[i].v.place;
        uint32_t bits = place != 0 ? deed_cell_of(f, place)->bits : 0;
        bool held = whole ? (bits & DEED_IS_HELD) && !(bits & DEED_IS_LOOSE)
                          : skip <= needs->text.size && deed_has_lock(f, place, fh_span_from(needs->text, skip));
        if (!held) {
            deed_error(f, FH0404, c->node, "called here without it", "`%.*s` needs the lock `%.*s`",
                       FH_SPAN_FMT(deed_flow_decl(f, c->callee)->name), FH_SPAN_FMT(needs->text));
            deed_note(f->report, needs->place, "declared so here");
            deed_help(f->report, "take the lock before the call, or declare `%.*s` `fh_requires` too",
                      FH_SPAN_FMT(deed_flow_decl(f, f->function)->name));
        }
        return;
    }
}

/* --- the call ------------------------------------------------------------------------------------------------------------- */

static deed_value result(deed_flow *f, const call *c) {
    deed_value v = {.bits = DEED_IS_PLAIN, .node = c->node, .call = true};
    const deed_contract *view = deed_word_of(f->unit, c->callee, DEED_VIEW);
    if (has(f, c->callee, DEED_OWNED_OR_NULL))
        v.bits = DEED_IS_OWNED | DEED_IS_NULL;
    else if (has(f, c->callee, DEED_OWNED))
        v.bits = DEED_IS_OWNED;
    if (has(f, c->callee, DEED_OR_NULL))
        v.bits |= DEED_IS_NULL;
    for (uint32_t i = 0; view != NULL && i < view->arg_count; i++) {
        const argument *a = view->args[i] - 1 < c->count ? &c->args[view->args[i] - 1] : NULL;
        if (a != NULL && a->v.place == 0 && (a->v.bits & DEED_IS_OWNED)) {
            deed_error(f, FH0303, a->node, "nobody owns it afterwards", "a view into an owned result that is thrown away");
            deed_help_named(f, a->node);
        }
    }
    look_into(f, c, c->callee, deed_flow_node(f, c->node)->type, &v);
    return v;
}

bool deed_never_returns(const deed_unit *unit, uint32_t callee) {
    static const char *const names[] = {"abort", "exit", "_Exit", "_exit", "fh_assert_fail", "fh_bounds_fail", "__assert_fail",
                                        "__builtin_unreachable", "__builtin_trap"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (callee != 0 && fh_span_is(fh_deed_decls_at(unit->decls, callee)->name, names[i]))
            return true;
    }
    return false;
}

deed_value deed_call(deed_flow *f, uint32_t node) {
    const deed_node *n = deed_flow_node(f, node);
    uint32_t function = deed_child(f, node, 0);
    call c = {.node = node, .callee = callee_of(f, function), .count = n->count - 1};
    if (c.count > ARGS_MAX) {
        deed_error(f, FH0903, node, "too many arguments", "a call with more than %d arguments", (int)ARGS_MAX);
        deed_help(f->report, "pass a struct");
        c.count = ARGS_MAX;
    }
    if (c.callee == 0 || deed_flow_decl(f, c.callee)->kind != DEED_DECL_FUNCTION)
        deed_eval(f, function);
    for (uint32_t i = 0; i < c.count; i++)
        read_argument(f, &c, i);
    f->within = node;
    for (uint32_t i = 0; i + 1 < c.count; i++)
        use_again(f, &c.args[i]);
    f->within = 0;
    deed_ungate(f, DEED_LAST_CALL);
    check_conflicts(f, &c);
    for (uint32_t i = 0; i < c.count; i++)
        use_pointee(f, &c.args[i]);
    for (uint32_t i = 0; i < c.count; i++) {
        if (!c.args[i].takes && !c.args[i].fills)
            borrow(f, &c.args[i]);
    }
    for (uint32_t i = 0; i < c.count; i++)
        use_pointee(f, &c.args[i]);
    deed_forget_globals(f);
    deed_value v = result(f, &c);
    locks(f, &c);
    for (uint32_t i = 0; i < c.count; i++) {
        const argument *a = &c.args[i];
        if (has(f, a->decl, DEED_SEND))
            send(f, a);
        if (a->takes)
            take(f, &c, a);
        else if (!a->fills && a->v.place == 0 && (a->v.bits & DEED_IS_OWNED)) {
            deed_error(f, FH0303, a->node, "nobody owns it after the call", "an owned result is lent and thrown away");
            deed_help_named(f, a->node);
        }
    }
    for (uint32_t i = 0; i < c.count; i++) {
        if (c.args[i].fills)
            fill(f, &c, &c.args[i]);
        else
            grow(f, &c, &c.args[i]);
    }
    if (deed_never_returns(f->unit, c.callee))
        deed_end_path(f);
    return v;
}
