/* borrow.c: who looks where: what a value was borrowed from, what ends when something changes, and where a borrow may be kept.
 *
 * A borrow has sources, the storage that it may look into: places whose owner is known to this function, or `*p` for what
 * somebody else lends through p; and the place it was derived through (`via`), so that a change through a borrow spares the
 * borrows it came from and its neighbours in other fields. One source stands for everything behind it. Threading: flow.h. */
#include "check/flow.h"

static bool add_source(deed_sources *to, uint32_t source) {
    for (uint32_t i = 0; i < DEED_SOURCES_MAX; i++) {
        if (to->at[i] == 0 || to->at[i] == source) {
            to->at[i] = (uint16_t)source;
            return true;
        }
    }
    return false;
}

/* Says less to make room: the variables instead of the parts of them. */
static bool add_outer(const deed_flow *f, deed_sources *to, uint32_t source) {
    deed_sources outer = {{0}};
    for (uint32_t i = 0; i < DEED_SOURCES_MAX; i++)
        add_source(&outer, deed_place_outer(f, to->at[i]));
    *to = outer;
    return add_source(to, deed_place_outer(f, source));
}

void deed_add_sources(deed_flow *f, uint32_t node, deed_sources *to, const deed_sources *from) {
    for (uint32_t i = 0; i < DEED_SOURCES_MAX && from->at[i] != 0; i++) {
        if (add_source(to, from->at[i]) || add_outer(f, to, from->at[i]))
            continue;
        deed_error(f, FH0903, node, "too many to follow", "a borrow of more than %d things", (int)DEED_SOURCES_MAX);
        deed_help(f->report, "cut the function into smaller ones");
    }
}

/* --- values --------------------------------------------------------------------------------------------------------------- */

static bool is_local_borrow(const deed_flow *f, uint32_t place) {
    return (deed_cell_of(f, place)->bits & DEED_IS_BORROW) != 0;
}

/* The storage of the place itself: where a borrow leads to it, what that looks into. */
static deed_sources storage_of(const deed_flow *f, uint32_t place) {
    for (uint32_t i = place; f->places[i].parent != 0; i = f->places[i].parent) {
        uint32_t up = f->places[i].parent;
        if (!deed_place_hops(f, i))
            continue;
        if (is_local_borrow(f, up))
            return deed_cell_of(f, up)->sources;
        if (!deed_place_owns(f, up) && f->places[up].parent != 0)
            break;
    }
    return (deed_sources){{f->places[place].mode == DEED_MODE_GLOBAL ? 0 : (uint16_t)place}};
}

/* All pointers in a value of this type are shared borrows of something else. */
static bool lends_shared(const deed_flow *f, uint32_t type) {
    const deed_type *t = deed_flow_type(f, type);
    const deed_decl *d = deed_flow_decl(f, t->decl);
    if (t->kind == DEED_TYPE_POINTER)
        return deed_flow_type(f, t->to)->is_const;
    if (t->kind == DEED_TYPE_ARRAY)
        return lends_shared(f, t->to);
    bool shared = t->kind != DEED_TYPE_RECORD || (t->decl != 0 && !t->is_union && !t->is_incomplete);
    for (uint32_t i = 0; shared && t->kind == DEED_TYPE_RECORD && i < d->count; i++) {
        uint32_t field = fh_u32s_get(f->unit->members, d->first + i);
        shared = deed_word_of(f->unit, field, DEED_OWNED) == NULL && deed_word_of(f->unit, field, DEED_OWNED_OR_NULL) == NULL &&
                 lends_shared(f, deed_flow_decl(f, field)->type);
    }
    return shared;
}

/* A shared borrow was read out of what the local borrow `up` points to, which is (an element of) `source` itself, lent by the
 * caller: what it looks into is as good as if it had been read from there by name, and no part of that. */
static uint32_t behind_shared(deed_flow *f, uint32_t place, uint32_t up, uint32_t source) {
    const deed_info *s = &f->places[source];
    uint32_t i = place;
    while (i > up && !deed_place_hops(f, i))
        i = f->places[i].parent;
    const deed_type *lies = deed_flow_type(f, s->type), *seen = deed_flow_type(f, deed_flow_type(f, f->places[up].type)->to);
    if (lies->kind == DEED_TYPE_ARRAY)
        lies = deed_flow_type(f, lies->to);
    bool same = lies->kind == DEED_TYPE_RECORD && seen->kind == DEED_TYPE_RECORD && lies->decl != 0 && lies->decl == seen->decl;
    bool lent = s->parent != 0 && (s->mode == DEED_MODE_SHARED || s->mode == DEED_MODE_MUT || s->mode == DEED_MODE_OUT);
    if (i == up || f->places[i].parent != up || !same || !lent || !lends_shared(f, f->places[place].type))
        return source;
    return deed_place_field(f, source, 0, s->node);
}

/* What the pointers look into that lie in a place nothing was stored to in this function; `via`: what else they were derived
 * through than the place. */
static deed_sources origins_of(deed_flow *f, uint32_t place, fh_mut uint16_t *via) {
    const deed_sources none = {{0}};
    bool borrowed = !deed_place_owns(f, place);
    for (uint32_t i = f->places[place].parent; i != 0; i = f->places[i].parent) {
        const deed_cell *c = deed_cell_of(f, i);
        if ((c->bits & DEED_IS_VIEW) && (borrowed || !(c->bits & DEED_IS_OWNED) || (c->bits & DEED_IS_BORROW))) {
            deed_sources sources = c->sources;
            for (uint32_t k = 0; borrowed && k < DEED_SOURCES_MAX && sources.at[k] != 0; k++)
                sources.at[k] = (uint16_t)behind_shared(f, place, i, sources.at[k]);
            if (borrowed && sources.at[1] == 0 && sources.at[0] != c->sources.at[0])
                *via = sources.at[0];
            else if (deed_place_says(f, place, DEED_REF_WORD) || lends_shared(f, f->places[place].type))
                *via = (uint16_t)deed_place_field(f, place, 0, f->places[place].node);
            return sources;
        }
        if (f->places[i].parent == 0 && f->places[i].mode == DEED_MODE_LOCAL && borrowed) /* an owner looks into what it owns */
            return (c->bits & DEED_IS_OWNED) == 0 ? none : (deed_sources){{(uint16_t)i}};
    }
    const deed_info *p = &f->places[place];
    if ((p->mode == DEED_MODE_GLOBAL && borrowed) || deed_place_says(f, place, DEED_STATIC))
        return none;
    if (p->parent == 0 && p->mode == DEED_MODE_LOCAL)
        return none;
    *via = (uint16_t)(borrowed && p->parent != 0 ? deed_place_field(f, place, 0, p->node) : place);
    return (deed_sources){{*via}};
}

/* The very pointer that a place is declared to own: who empties the place may take it. */
static uint32_t owned_pointer(const deed_flow *f, uint32_t place) {
    const deed_info *p = &f->places[place];
    uint32_t decl = p->field != 0 ? p->field : p->mode == DEED_MODE_GLOBAL && p->parent == 0 ? p->root : 0;
    if (deed_flow_type(f, p->type)->kind != DEED_TYPE_POINTER)
        return 0;
    if (deed_word_of(f->unit, decl, DEED_OWNED_OR_NULL))
        return DEED_IS_COPY | DEED_IS_NULL;
    return deed_word_of(f->unit, decl, DEED_OWNED) ? DEED_IS_COPY : 0;
}

/* What was stored in a local, or in parts of it, looks somewhere: whoever reads a shared borrow out of it, through
 * another borrow, looks there too. */
static void add_kept(deed_flow *f, uint32_t node, uint32_t place, deed_value *v) {
    bool local = f->places[place].mode == DEED_MODE_LOCAL && !deed_place_lent(f, place);
    for (uint32_t i = place; local && i < f->place_count; i++) {
        const deed_cell *part = deed_cell_of(f, i);
        if (!(part->bits & DEED_IS_VIEW) || !deed_place_within(f, i, place))
            continue;
        v->bits |= part->bits & DEED_IS_DEAD;
        deed_add_sources(f, node, &v->sources, &part->sources);
    }
}

deed_value deed_lying(deed_flow *f, uint32_t node, uint32_t place) {
    const deed_cell *c = deed_cell_of(f, place);
    deed_value v = {.bits = c->bits & ~(uint32_t)(DEED_IS_HELD | DEED_IS_LOOSE), .place = place, .node = node};
    if (deed_place_null(f, place))
        v.bits |= DEED_IS_NULL;
    if (!deed_type_carries(f, f->places[place].type)) {
        v.bits &= ~(uint32_t)DEED_IS_VIEW;
        return v;
    }
    const deed_info *p = &f->places[place];
    bool pointer = deed_flow_type(f, p->type)->kind == DEED_TYPE_POINTER && p->mode != DEED_MODE_GLOBAL;
    v.via = pointer && (p->parent == 0 || deed_place_owns(f, place)) ? (uint16_t)place : 0;
    for (uint32_t i = place; i < f->place_count; i++) {
        const deed_cell *part = deed_cell_of(f, i);
        if ((part->bits & DEED_IS_VIEW) && deed_place_within(f, i, place) && (i == place || !deed_place_hops(f, i))) {
            v.bits |= DEED_IS_VIEW | (part->bits & DEED_IS_DEAD);
            deed_add_sources(f, node, &v.sources, &part->sources);
        }
    }
    bool untouched = !(c->bits & (DEED_IS_OWNED | DEED_IS_MOVED | DEED_IS_VIEW | DEED_IS_NULL));
    bool written = (c->bits & DEED_IS_PLAIN) && !(f->places[place].parent == 0 && f->places[place].mode != DEED_MODE_LOCAL);
    if (untouched && !written && v.sources.at[0] == 0) {
        v.sources = origins_of(f, place, &v.via);
        deed_sources in = v.sources;
        for (uint32_t k = 0; k < DEED_SOURCES_MAX && in.at[k] != 0 && lends_shared(f, f->places[place].type); k++)
            add_kept(f, node, in.at[k], &v);
        if (v.sources.at[0] == place)
            v.bits |= owned_pointer(f, place);
        if (v.sources.at[0] != 0)
            v.bits |= f->places[place].parent == 0 ? DEED_IS_BORROW : DEED_IS_VIEW;
    }
    return v;
}

deed_value deed_address(deed_flow *f, uint32_t node, uint32_t place) {
    deed_value v = {.bits = DEED_IS_PLAIN, .place = place, .node = node, .address = true, .via = (uint16_t)place};
    v.sources = storage_of(f, place);
    if (v.sources.at[0] != 0)
        v.bits = DEED_IS_VIEW;
    return v;
}

deed_sources deed_sources_of(const deed_flow *f, const deed_value *v) {
    uint32_t whose = v->bits & (DEED_IS_OWNED | DEED_IS_BORROW);
    /* An owner behind a borrow is one all the same. */
    bool lent = whose == 0 && v->place != 0 && deed_place_lent(f, v->place) && deed_place_says(f, v->place, DEED_OWNED);
    if (v->place == 0 || v->address || (whose != DEED_IS_OWNED && !lent))
        return v->sources;
    return (deed_sources){{f->places[v->place].mode == DEED_MODE_GLOBAL ? 0 : (uint16_t)v->place}};
}

/* --- conflicts and ends --------------------------------------------------------------------------------------------------- */

/* The place is a part of `above`, or, if `far`, lies behind a mutable borrow in it: whoever may change that may change the
 * place. */
static bool changes_with(const deed_flow *f, uint32_t place, uint32_t above, bool far) {
    while (place > above) {
        uint32_t up = f->places[place].parent;
        const deed_type *t = deed_flow_type(f, f->places[up].type);
        bool storage = up > above || t->kind != DEED_TYPE_POINTER;
        bool passes = far && t->kind == DEED_TYPE_POINTER && !deed_flow_type(f, t->to)->is_const &&
                      deed_word_of(f->unit, f->places[up].field, DEED_REF_WORD) == NULL;
        if (storage && !passes && deed_place_hops(f, place) && !deed_place_owns(f, up))
            return false;
        place = up;
    }
    return place == above && place != 0;
}

static bool meet(const deed_flow *f, deed_sources a, deed_sources b, bool far) {
    for (uint32_t i = 0; i < DEED_SOURCES_MAX && a.at[i] != 0; i++) {
        for (uint32_t j = 0; j < DEED_SOURCES_MAX && b.at[j] != 0; j++) {
            if (changes_with(f, a.at[i], b.at[j], far) || changes_with(f, b.at[j], a.at[i], far))
                return true;
        }
    }
    return false;
}

/* The place that the pointer in a variable was derived through, or 0. */
static uint32_t led_from(const deed_flow *f, uint32_t place) {
    uint32_t outer = deed_place_outer(f, place);
    const deed_cell *c = deed_cell_of(f, outer);
    bool owner = (c->bits & (DEED_IS_OWNED | DEED_IS_BORROW)) == DEED_IS_OWNED; /* has what it points to for itself */
    return deed_flow_type(f, f->places[outer].type)->kind == DEED_TYPE_POINTER && !owner ? c->via : 0;
}

/* Whether both were derived through one variable: 1 if they reach a common part of it, 0 if not, -1 if there is none. */
static int meet_near(const deed_flow *f, uint32_t a, uint32_t b, bool far) {
    for (uint32_t i = 0; a != 0 && i < f->place_count; i++, a = led_from(f, a)) {
        uint32_t y = b;
        for (uint32_t j = 0; y != 0 && j < f->place_count; j++, y = led_from(f, y)) {
            if (deed_place_outer(f, a) == deed_place_outer(f, y))
                return changes_with(f, a, y, far) || changes_with(f, y, a, far);
        }
    }
    return -1;
}

static uint32_t reached_through(const deed_value *v) {
    return v->via != 0 ? v->via : v->place;
}

bool deed_overlap(const deed_flow *f, const deed_value *a, const deed_value *b) {
    int near = meet_near(f, reached_through(a), reached_through(b), true);
    return near >= 0 ? near == 1 : meet(f, deed_sources_of(f, a), deed_sources_of(f, b), true);
}

/* The borrow in `view` is one that the place was reached through. */
static bool led_to(const deed_flow *f, uint32_t view, uint32_t place) {
    for (uint32_t i = 0; place != 0 && i < f->place_count; i++) {
        if (deed_place_under(f, place, view))
            return true;
        place = led_from(f, place);
    }
    return false;
}

/* Whoever has the value may change the places that it leads to: locals no longer hold the very pointers of those. */
static void forget_aliases(deed_flow *f, const deed_value *changed, const deed_sources *sources) {
    for (uint32_t i = DEED_LAST_CALL + 1; i < f->place_count; i++) {
        deed_cell *c = deed_cell_of(f, i);
        for (uint32_t k = 0; k < DEED_SOURCES_MAX && c->alias != 0 && sources->at[k] != 0; k++) {
            uint32_t from = sources->at[k];
            bool points = !changed->address; /* to what is changed: the pointer itself stays */
            if (f->places[from].parent != 0 && f->places[from].field == 0)
                from = f->places[from].parent;
            if (deed_place_under(f, c->alias, from) && !(points && c->alias == from))
                c->alias = 0;
        }
    }
}

/* … and what was found not to be NULL may be by now. */
static void forget_checks(deed_flow *f, const deed_value *changed, const deed_sources *sources) {
    for (uint32_t i = DEED_LAST_CALL + 1; i < f->place_count; i++) {
        bool under = changed->place != 0 && deed_place_under(f, i, changed->place) && (changed->address || i != changed->place);
        for (uint32_t k = 0; k < DEED_SOURCES_MAX && sources->at[k] != 0; k++)
            under = under || (deed_place_under(f, i, sources->at[k]) && (changed->address || i != sources->at[k]));
        if (under)
            deed_cell_of(f, i)->bits &= ~(uint32_t)DEED_IS_SOME;
    }
}

void deed_forget_globals(deed_flow *f) {
    for (uint32_t i = DEED_LAST_CALL + 1; i < f->place_count; i++) {
        deed_cell *c = deed_cell_of(f, i);
        if (f->places[i].mode == DEED_MODE_GLOBAL)
            c->bits &= ~(uint32_t)DEED_IS_SOME;
        if (c->alias != 0 && f->places[c->alias].mode == DEED_MODE_GLOBAL)
            c->alias = 0;
    }
}

/* The change goes through the pointer in this place. */
static bool is_led_past(const deed_flow *f, uint32_t place, uint32_t through) {
    for (uint32_t i = 0; place != 0 && through != 0 && i < f->place_count; i++, through = led_from(f, through)) {
        if (through != place && deed_place_under(f, through, place))
            return true;
    }
    return false;
}

void deed_invalidate(deed_flow *f, uint32_t node, const deed_value *changed) {
    deed_sources sources = deed_sources_of(f, changed);
    uint32_t through = reached_through(changed);
    forget_aliases(f, changed, &sources);
    forget_checks(f, changed, &sources);
    for (uint32_t i = DEED_LAST_CALL + 1; i < f->place_count; i++) {
        deed_cell *c = deed_cell_of(f, i);
        bool led = led_to(f, i, through) || is_led_past(f, c->alias, through) || is_led_past(f, c->to, through);
        if (!(c->bits & DEED_IS_VIEW) || (c->bits & DEED_IS_DEAD) || led)
            continue;
        bool far = !deed_place_owns(f, i); /* an owner beside a borrow may look into the same */
        int near = meet_near(f, c->via, through, far);
        if (near == 1 || (near < 0 && meet(f, c->sources, sources, far))) {
            c->bits |= DEED_IS_DEAD;
            c->where = node;
        }
    }
}

void deed_unlink(deed_flow *f, uint32_t place) {
    for (uint32_t i = DEED_LAST_CALL + 1; i < f->place_count; i++) {
        deed_cell *c = deed_cell_of(f, i);
        if (c->via != 0 && deed_place_under(f, c->via, place))
            c->via = 0;
        if (c->alias != 0 && deed_place_under(f, c->alias, f->places[place].field == 0 ? f->places[place].parent : place))
            c->alias = 0;
        if (c->alias == place)
            c->alias = 0;
    }
}

/* --- where a borrow may be kept ------------------------------------------------------------------------------------------- */

/* The number of a parameter of this function, from 1; 0 for other declarations. */
static uint32_t number_of(const deed_flow *f, uint32_t decl) {
    const deed_decl *fn = deed_flow_decl(f, f->function);
    for (uint32_t k = 0; k < fn->count; k++) {
        if (fh_u32s_get(f->unit->members, fn->first + k) == decl)
            return k + 1;
    }
    return 0;
}

bool deed_view_tells(const deed_flow *f, const deed_contract *view, uint32_t source) {
    uint32_t number = number_of(f, f->places[source].root), root = deed_place_outer(f, source);
    bool pointer = deed_flow_type(f, f->places[root].type)->kind == DEED_TYPE_POINTER;
    bool within = pointer && deed_place_within(f, source, root);
    for (uint32_t i = 0; view != NULL && number != 0 && i < view->arg_count; i++) {
        if (view->args[i] == number && !(view->behind[i] && within))
            return true;
    }
    return false;
}

/* The contract of `root` (a parameter) tells the caller that afterwards it looks into what `source` was lent for. */
static bool tells(const deed_flow *f, uint32_t root, uint32_t source) {
    const deed_contract *view = deed_word_of(f->unit, f->places[root].root, DEED_VIEW);
    uint32_t number = number_of(f, f->places[source].root);
    if (view == NULL && number != 0 && f->places[root].mode == DEED_MODE_OUT && deed_flow_decl(f, f->function)->is_static)
        return true; /* without a word it looks into all that was lent; in a header it has to be written */
    return deed_view_tells(f, view, source);
}

static void report_escape(deed_flow *f, uint32_t node, uint32_t target, uint32_t source) {
    const deed_info s = f->places[source];
    bool local = !deed_place_lent(f, source) && (s.mode == DEED_MODE_LOCAL || s.mode == DEED_MODE_OWNER);
    deed_error(f, local ? FH0203 : FH0204, node, "stored where it outlives the call",
               local ? "a reference to the local `%.*s` leaves its function" : "the borrow `%.*s` is stored",
               FH_SPAN_FMT(s.name));
    deed_note(f->report, deed_place_declared(f, source), local ? "it lives here" : "it is borrowed for this call only");
    if (local)
        deed_help(f->report, "store the value itself, or the address of what outlives the call");
    else if (target != 0 && f->places[target].mode != DEED_MODE_GLOBAL && number_of(f, s.root) != 0)
        deed_help(f->report, "tell the caller: declare `%.*s` `fh_view(%u)`; or take it over: declare `%.*s` `fh_move`",
                  FH_SPAN_FMT(f->places[deed_place_outer(f, target)].name), number_of(f, s.root),
                  FH_SPAN_FMT(deed_flow_decl(f, s.root)->name));
    else
        deed_help(f->report, "take it over: declare `%.*s` `fh_move`; or store a copy",
                  FH_SPAN_FMT(deed_flow_decl(f, s.root)->name));
}

/* The variable of this function, or its part, that has a borrow when it is stored in `place`; 0 if that is lent. */
static uint32_t keeper(const deed_flow *f, uint32_t place) {
    const deed_info *r = &f->places[deed_place_outer(f, place)];
    bool pointer = deed_flow_type(f, f->places[deed_place_outer(f, place)].type)->kind == DEED_TYPE_POINTER;
    bool own = r->mode == DEED_MODE_LOCAL || r->mode == DEED_MODE_OWNER || r->mode == DEED_MODE_DROPPER || !pointer;
    if (!own || deed_place_lent(f, place))
        return 0;
    for (uint32_t i = place; i != 0; i = f->places[i].parent) {
        if (deed_place_hops(f, i))
            place = f->places[i].parent; /* the owner of what it lies in */
    }
    return place;
}

static bool may_keep(const deed_flow *f, uint32_t target, uint32_t source) {
    uint32_t root = deed_place_outer(f, target), from = deed_place_outer(f, source);
    bool outside = from == root && !deed_place_within(f, source, root); /* what the same value borrows */
    return f->places[source].mode == DEED_MODE_GLOBAL || outside || tells(f, root, source);
}

void deed_keep(deed_flow *f, uint32_t node, uint32_t place, const deed_value *v) {
    deed_sources targets = place != 0 ? storage_of(f, place) : (deed_sources){{0}};
    if (targets.at[0] == 0 && v->sources.at[0] != 0) {
        report_escape(f, node, 0, v->sources.at[0]);
        return;
    }
    for (uint32_t t = 0; t < DEED_SOURCES_MAX && targets.at[t] != 0; t++) {
        uint32_t has = keeper(f, targets.at[t]);
        if (has != 0) {
            deed_cell *c = deed_cell_of(f, has);
            c->bits |= DEED_IS_VIEW;
            deed_add_sources(f, node, &c->sources, &v->sources);
            continue;
        }
        for (uint32_t i = 0; i < DEED_SOURCES_MAX && v->sources.at[i] != 0; i++) {
            if (!may_keep(f, targets.at[t], v->sources.at[i])) {
                report_escape(f, node, targets.at[t], v->sources.at[i]);
                return;
            }
        }
    }
}

/* --- shared borrows ------------------------------------------------------------------------------------------------------- */

/* The parameter, borrowed shared, that leads to this place through pointers which own what they point to; or 0. */
static uint32_t shared_root(deed_flow *f, uint32_t place, bool pointee) {
    bool reached = pointee;
    if (pointee && f->places[place].parent != 0 && !deed_place_owns(f, place))
        return 0;
    for (; f->places[place].parent != 0; place = f->places[place].parent) {
        uint32_t up = f->places[place].parent;
        bool hops = deed_place_hops(f, place);
        reached = reached || hops;
        if (hops && f->places[up].parent != 0 && !deed_place_owns(f, up))
            return 0;
    }
    return reached && f->places[place].mode == DEED_MODE_SHARED ? place : 0;
}

void deed_check_shared(deed_flow *f, uint32_t node, uint32_t place, bool pointee) {
    uint32_t outer = place != 0 ? shared_root(f, place, pointee) : 0;
    if (outer == 0)
        return;
    deed_error(f, FH0207, node, "changed here", "`%.*s` is only borrowed shared", FH_SPAN_FMT(f->places[place].name));
    deed_note(f->report, deed_place_declared(f, outer), "borrowed shared: `fh_ref`, or a pointer to const");
    deed_help(f->report, "declare the parameter `fh_mut`");
}
