/* value.c: uses, moves and stores. Threading: flow.h. */
#include "check/flow.h"

/* --- uses ----------------------------------------------------------------------------------------------------------------- */

/* The node a, which ran before b, stands behind it: a loop came round. */
static bool is_later(const deed_flow *f, uint32_t a, uint32_t b) {
    const deed_node *x = deed_flow_node(f, a), *y = deed_flow_node(f, b), *call = deed_flow_node(f, f->within);
    if (f->within != 0 && x->place.offset_bytes >= call->place.offset_bytes && x->place.end_bytes <= call->place.end_bytes)
        return false;
    return x->place.file == y->place.file && x->place.offset_bytes >= y->place.offset_bytes;
}

/* `whole` is used, and `place`, which is that or a part of it, is gone. */
static void report_moved(deed_flow *f, uint32_t node, uint32_t whole, uint32_t place) {
    const deed_cell *c = deed_cell_of(f, place);
    bool some = (c->bits & (DEED_IS_OWNED | DEED_IS_PLAIN)) != 0, again = is_later(f, c->where, node);
    fh_span name = f->places[whole].name;
    const char *what = c->bits & DEED_IS_DROPPED ? "dropped" : "moved";
    if (again)
        deed_error(f, FH0104, node, "used here in the next round", "use of a value %s in an earlier round of the loop: `%.*s`",
                   what, FH_SPAN_FMT(name));
    else
        deed_error(f, FH0101, node, some ? "used here; on some path it is gone" : "used here, after it is gone",
                   "use of a %s%s value: `%.*s`", whole != place ? "partly " : "", what, FH_SPAN_FMT(name));
    if (whole != place)
        deed_note(f->report, deed_flow_node(f, c->where)->place, "`%.*s` is %s here", FH_SPAN_FMT(f->places[place].name), what);
    else
        deed_also(f, c->where, c->bits & DEED_IS_DROPPED ? "dropped here" : "moved here");
    if (again)
        deed_help(f->report, "give `%.*s` a new value, or leave the loop, before the next round", FH_SPAN_FMT(name));
    else
        deed_help_moved(f, node, whole, place);
}

static void use_one(deed_flow *f, uint32_t node, uint32_t place, bool through) {
    deed_cell *c = deed_cell_of(f, place);
    if (c->bits & DEED_IS_MOVED) {
        report_moved(f, node, place, place);
    } else if (c->bits & DEED_IS_DEAD) {
        deed_report_dead(f, node, place);
    } else if (through && deed_place_null(f, place)) {
        deed_report_null(f, node, place);
    } else {
        return;
    }
    c->bits = DEED_IS_PLAIN; /* once is enough */
    deed_place_some(f, place);
}

void deed_use(deed_flow *f, uint32_t node, uint32_t place) {
    if (place == 0)
        return;
    for (uint32_t i = place; i != 0; i = f->places[i].parent)
        use_one(f, node, i, i != place);
    deed_check_led(f, node, place);
    deed_check_written(f, node, place);
    for (uint32_t i = place + 1; i < f->place_count; i++) {
        if (!(deed_cell_of(f, i)->bits & (DEED_IS_MOVED | DEED_IS_DEAD)) || !deed_place_within(f, i, place))
            continue;
        if (deed_cell_of(f, i)->bits & DEED_IS_DEAD) {
            use_one(f, node, i, false);
        } else {
            report_moved(f, node, place, i);
            deed_cell_of(f, i)->bits = DEED_IS_PLAIN;
        }
    }
}

void deed_forget(deed_flow *f, uint32_t place) {
    for (uint32_t i = place; i < f->place_count; i++) {
        if (deed_place_under(f, i, place))
            *deed_cell_of(f, i) = (deed_cell){0};
    }
}

/* --- moves ---------------------------------------------------------------------------------------------------------------- */

/* True if the place may not be moved out of; reported. */
static bool is_lent(deed_flow *f, uint32_t node, const deed_value *v, bool dropped) {
    uint32_t p = v->place, from = 0;
    const deed_cell *c = deed_cell_of(f, p);
    if (p == 0 || v->address) {
        from = (v->bits & (DEED_IS_VIEW | DEED_IS_OWNED)) == DEED_IS_VIEW && !v->address ? v->sources.at[0] : 0;
    } else if (c->bits & DEED_IS_BORROW) {
        from = c->sources.at[0];
    } else if (!(c->bits & (DEED_IS_OWNED | DEED_IS_MOVED | DEED_IS_NULL))) {
        const deed_info i = f->places[p];
        bool lent = i.mode == DEED_MODE_SHARED || (i.mode == DEED_MODE_MUT && i.parent == 0);
        from = lent && deed_type_carries(f, i.type) ? deed_place_outer(f, p) : 0;
        if (from == 0 && i.parent == 0 && i.mode == DEED_MODE_MUT)
            from = p;
    }
    if (from == 0)
        return false;
    const deed_info o = f->places[from];
    fh_span name = p != 0 ? f->places[p].name : o.name;
    deed_error(f, FH0102, node, dropped ? "dropped here" : "moved here", "move out of a borrow: `%.*s`", FH_SPAN_FMT(name));
    const char *word = dropped ? "fh_drop" : "fh_move";
    bool parameter = o.root != 0 && deed_flow_decl(f, o.root)->kind == DEED_DECL_PARAMETER;
    if (!parameter) {
        deed_note(f->report, deed_place_declared(f, from), "`%.*s` owns it", FH_SPAN_FMT(o.name));
        deed_help(f->report, "%s its owner: `%.*s`", dropped ? "drop" : "move", FH_SPAN_FMT(o.name));
    } else if (o.parent == 0 && f->places[p].parent == 0) {
        deed_note(f->report, deed_place_declared(f, from), "a borrow, since it is not declared `%s`", word);
        deed_help(f->report, "leave it to its owner, or declare `%.*s` `%s`", FH_SPAN_FMT(o.name), word);
    } else if (o.mode != DEED_MODE_SHARED) {
        deed_note(f->report, deed_place_declared(f, from), "`%.*s` still owns it on some path", FH_SPAN_FMT(o.name));
        deed_help(f->report, "put NULL or a new value into `%.*s` on every path before", FH_SPAN_FMT(o.name));
    } else {
        deed_note(f->report, deed_place_declared(f, from), "`%.*s` is only borrowed", FH_SPAN_FMT(o.name));
        deed_help(f->report, "borrow `%.*s` by `fh_mut`, and put NULL or a new value in the place of what is taken",
                  FH_SPAN_FMT(f->places[deed_place_outer(f, from)].name));
    }
    return true;
}

void deed_consume(deed_flow *f, uint32_t node, const deed_value *v, bool dropped) {
    const deed_cell copy = *deed_cell_of(f, v->place);
    if (v->place != 0 && !v->address && (copy.bits & DEED_IS_COPY)) { /* what is taken leaves the place that owns it */
        deed_use(f, node, v->place);
        deed_value held = {.bits = deed_cell_of(f, copy.sources.at[0])->bits, .place = copy.sources.at[0], .node = v->node};
        if (!(copy.bits & DEED_IS_DEAD))
            deed_consume(f, node, &held, dropped);
        return;
    }
    if (is_lent(f, node, v, dropped)) {
        deed_cell_of(f, v->place)->bits &= ~(uint32_t)DEED_IS_OWNED; /* once is enough */
        return;
    }
    if (v->place == 0)
        return;
    uint32_t p = v->place;
    deed_cell *c = deed_cell_of(f, p);
    if (dropped && (c->bits & DEED_IS_DROPPED) && !is_later(f, c->where, node)) {
        deed_error(f, FH0305, node, "dropped again here", "`%.*s` is dropped twice", FH_SPAN_FMT(f->places[p].name));
        deed_also(f, c->where, "dropped first here");
        deed_help(f->report, "drop it once, or write `%.*s = NULL` after the first drop", FH_SPAN_FMT(f->places[p].name));
    } else if (!dropped || (c->bits & (DEED_IS_MOVED | DEED_IS_RAW | DEED_IS_DEAD))) {
        uint32_t null = c->bits & DEED_IS_NULL;
        deed_use(f, node, p);
        c->bits |= null;
    } else {
        deed_check_written(f, node, p);
        for (uint32_t i = f->places[p].parent; i != 0; i = f->places[i].parent)
            use_one(f, node, i, true);
        for (uint32_t i = p + 1; i < f->place_count; i++) {
            if ((deed_cell_of(f, i)->bits & DEED_IS_MOVED) && deed_place_within(f, i, p) &&
                f->places[p].mode != DEED_MODE_DROPPER) {
                report_moved(f, node, p, i);
                break;
            }
        }
    }
    deed_value whole = {.bits = DEED_IS_OWNED, .place = p};
    deed_invalidate(f, node, &whole);
    for (uint32_t i = p; dropped && i < f->place_count; i++) {
        if (!deed_place_within(f, i, p) || !(deed_cell_of(f, i)->bits & DEED_IS_HELD))
            continue;
        deed_error(f, FH0402, node, "dropped here", "the lock `%.*s` is dropped while it is held",
                   FH_SPAN_FMT(f->places[i].name));
        deed_also(f, deed_cell_of(f, i)->where, "taken here");
        deed_help(f->report, "release it before");
    }
    uint32_t was = c->bits, born = c->born;
    if (was == DEED_IS_NULL && dropped)
        return;
    deed_forget(f, p);
    c->bits = DEED_IS_MOVED | (dropped ? DEED_IS_DROPPED : 0u);
    for (uint32_t i = p; f->places[i].parent != 0 && !deed_place_hops(f, i); i = f->places[i].parent)
        deed_cell_of(f, f->places[i].parent)->bits &= ~(uint32_t)DEED_IS_DUE; /* the pointer of a span is the span */
    c->where = node;
    c->born = born;
}

void deed_end_block(deed_flow *f, uint32_t node, const deed_value *v) {
    for (uint32_t i = v->place; v->place != 0 && !v->address && i + 1 < f->place_count; i++) {
        deed_cell *c = deed_cell_of(f, i + 1);
        const deed_info p = f->places[i + 1];
        if (!deed_place_within(f, i + 1, v->place))
            continue;
        if (((c->bits & DEED_IS_OWNED) && !(c->bits & DEED_IS_NULL)) || (c->bits & DEED_IS_DUE)) {
            deed_error(f, FH0301, node, "its memory ends here", "`%.*s` is not dropped on every path", FH_SPAN_FMT(p.name));
            deed_also(f, c->born, "it becomes an owner here");
            deed_help_drop(f, p.type, p.name, " before");
        }
        *c = (deed_cell){0};
    }
}

/* --- stores --------------------------------------------------------------------------------------------------------------- */

static bool owns_part(deed_flow *f, uint32_t place) {
    for (uint32_t i = place; i != 0 && i < f->place_count; i++) {
        if ((deed_cell_of(f, i)->bits & DEED_IS_OWNED) && deed_place_under(f, i, place))
            return true;
    }
    return false;
}

static void store_status(deed_flow *f, uint32_t place, const deed_value *v, deed_cell *next) {
    deed_ungate(f, place);
    if (v->call) {
        for (uint32_t i = DEED_LAST_CALL + 1; i < f->place_count; i++) {
            if (deed_cell_of(f, i)->gate == DEED_LAST_CALL)
                deed_cell_of(f, i)->gate = (uint16_t)place;
        }
    } else if (v->place != 0 && v->place != place && !v->address && deed_cell_of(f, v->place)->gate != place) {
        next->gate = (uint16_t)v->place;
    }
    next->bits |= v->bits & (DEED_IS_OK | DEED_IS_FAILED);
}

static void mark_written(deed_flow *f, uint32_t place) {
    for (uint32_t i = place; i != 0; i = f->places[i].parent)
        deed_cell_of(f, i)->bits &= ~(uint32_t)DEED_IS_RAW;
    uint32_t outer = deed_place_outer(f, place);
    for (uint32_t i = outer; i < f->place_count && f->places[outer].mode == DEED_MODE_OUT; i++) {
        if (f->places[i].parent == outer && f->places[i].field == 0)
            deed_cell_of(f, i)->bits &= ~(uint32_t)DEED_IS_RAW;
    }
}

/* The local that holds the very pointer which this place owns: it owns the value once the place is overwritten. */
static uint32_t heir_of(const deed_flow *f, uint32_t place) {
    for (uint32_t i = DEED_LAST_CALL + 1; i < f->place_count; i++) {
        const deed_cell *c = deed_cell_of(f, i);
        if ((c->bits & DEED_IS_COPY) && !(c->bits & DEED_IS_DEAD) && c->sources.at[0] == place && !deed_place_lent(f, i))
            return i;
    }
    return 0;
}

/* A field that is declared to own, and that nobody touched since its struct was filled. */
static bool is_full(const deed_flow *f, uint32_t place) {
    uint32_t bits = deed_cell_of(f, place)->bits;
    return bits == DEED_IS_DUE || (bits == 0 && (deed_place_untouched(f, f->now, place).bits & DEED_IS_OWNED));
}

static void check_overwritten(deed_flow *f, uint32_t node, uint32_t place) {
    if (!owns_part(f, place) && (!is_full(f, place) || heir_of(f, place) != 0))
        return;
    fh_span name = deed_place_text(f, place);
    deed_error(f, FH0302, node, "overwritten here", "an assignment overwrites the value that `%.*s` owns", FH_SPAN_FMT(name));
    deed_also(f, deed_cell_of(f, place)->born, "it became its owner here");
    deed_help_drop(f, f->places[place].type, name, " before");
}

/* A place that owns is overwritten: a local copy of its pointer owns the value from now on. */
static void inherit(deed_flow *f, uint32_t node, uint32_t place) {
    uint32_t heir = heir_of(f, place);
    if (heir == 0 || (deed_cell_of(f, place)->bits & DEED_IS_MOVED))
        return;
    *deed_cell_of(f, heir) = (deed_cell){.bits = DEED_IS_OWNED | (deed_cell_of(f, heir)->bits & DEED_IS_NULL), .born = node};
    for (uint32_t i = DEED_LAST_CALL + 1; i < f->place_count; i++) {
        deed_cell *c = deed_cell_of(f, i);
        for (int j = 0; j < DEED_SOURCES_MAX && (c->bits & DEED_IS_VIEW); j++)
            c->sources.at[j] = c->sources.at[j] == place ? (uint16_t)heir : c->sources.at[j];
    }
}

/* What is known of the fields of a struct goes where the struct goes. */
static void copy_parts(deed_flow *f, uint32_t node, uint32_t before, uint32_t from, uint32_t to) {
    enum { KEPT = DEED_IS_OWNED | DEED_IS_VIEW | DEED_IS_MOVED | DEED_IS_NULL | DEED_IS_RAW };
    for (uint32_t i = from + 1, end = f->place_count; i < end; i++) {
        const deed_cell *c = &deed_state_of(f, before)->cells[i];
        bool record = deed_flow_type(f, f->places[i].type)->kind == DEED_TYPE_RECORD;
        if (f->places[i].parent != from || f->places[i].field == 0 || (!record && !(c->bits & KEPT)))
            continue;
        uint32_t part = deed_place_field(f, to, f->places[i].field, node);
        deed_value v = {.bits = c->bits, .place = i, .node = node, .via = c->via};
        v.sources = c->sources;
        if (part != 0 && deed_place_lent(f, part))
            deed_keep(f, node, part, &v);
        else if (part != 0)
            *deed_cell_of(f, part) = *c;
        if (part != 0 && record)
            copy_parts(f, node, before, i, part);
    }
}

deed_passing deed_passes(deed_flow *f, uint32_t type, bool owned, bool borrowed, const deed_value *v) {
    bool owner = (v->bits & DEED_IS_OWNED) && !v->address;
    if (!owner && (v->place == 0 || v->address || !owns_part(f, v->place)))
        return DEED_STAYS;
    if (v->place == 0)
        return DEED_GOES;
    const deed_type *to = deed_flow_type(f, type), *from = deed_flow_type(f, f->places[v->place].type);
    if (borrowed || (deed_flow_type(f, to->to)->is_const && !deed_flow_type(f, from->to)->is_const))
        return DEED_LOOKS;
    return owned || deed_type_carries(f, f->places[v->place].type) ? DEED_GOES : DEED_STAYS;
}

/* An owner goes to a place that outlives this function, and that nobody is told to own. */
static void report_unowned(deed_flow *f, uint32_t node, uint32_t place) {
    deed_error(f, FH0304, node, "stored here", "an owned value is stored in `%.*s`, which is not declared to own it",
               FH_SPAN_FMT(f->places[place].name));
    uint32_t decl = f->places[place].field != 0 ? f->places[place].field : f->places[place].root;
    deed_note(f->report, deed_flow_decl(f, decl)->place, "declared without `fh_owned` here");
    deed_help(f->report, "declare `%.*s` `fh_owned`, or `fh_owned_or_null` if it may be NULL",
              FH_SPAN_FMT(deed_flow_decl(f, decl)->name));
}

/* A local gets the pointer that another place holds, or the address of a place: both lead to one thing from now on. */
static void link_names(const deed_flow *f, uint32_t place, const deed_value *v, deed_cell *next) {
    const deed_info *p = &f->places[place];
    bool local = p->parent == 0 && p->mode == DEED_MODE_LOCAL && deed_flow_type(f, p->type)->kind == DEED_TYPE_POINTER;
    if (!local || !(next->bits & DEED_IS_BORROW) || v->place == 0 || v->place == place)
        return;
    if (!v->address) {
        next->alias = (uint16_t)deed_place_same(f, v->place);
        next->to = deed_cell_of(f, v->place)->to;
    } else if (deed_flow_type(f, p->type)->to == f->places[v->place].type) {
        next->to = (uint16_t)v->place;
    }
}

/* An assignment to an element's field that is declared to own: whoever has the elements owns the value. */
static bool goes_to_owner(const deed_flow *f, uint32_t node) {
    if (deed_flow_node(f, node)->kind != DEED_ASSIGN)
        return false;
    const deed_node *left = deed_flow_node(f, deed_child(f, node, 0));
    return left->kind == DEED_MEMBER && (deed_word_of(f->unit, left->decl, DEED_OWNED) != NULL ||
                                         deed_word_of(f->unit, left->decl, DEED_OWNED_OR_NULL) != NULL);
}

/* A part of what this function fills for its caller, who has nothing of it after a failure. */
static bool is_output(const deed_flow *f, uint32_t place) {
    uint32_t i = place;
    while (f->places[i].parent != 0 && !deed_place_hops(f, i))
        i = f->places[i].parent;
    uint32_t root = f->places[i].parent;
    return root != 0 && f->places[root].parent == 0 && f->places[root].mode == DEED_MODE_OUT;
}

static void put(deed_flow *f, uint32_t place, deed_cell now) {
    *deed_cell_of(f, place) = now;
    if (!(now.bits & DEED_IS_NULL))
        deed_place_some(f, place);
}

void deed_store(deed_flow *f, uint32_t node, uint32_t place, const deed_value *v, bool first) {
    bool owned = deed_place_says(f, place, DEED_OWNED) || deed_place_says(f, place, DEED_OWNED_OR_NULL);
    bool borrowed = deed_place_says(f, place, DEED_REF_WORD) || deed_place_says(f, place, DEED_MUT);
    bool elsewhere = place == 0 && goes_to_owner(f, node);
    deed_passing passing = deed_passes(f, f->places[place].type, owned || elsewhere, borrowed, v);
    if ((v->bits & DEED_IS_COPY) && owned && v->place != place)
        passing = DEED_GOES;
    if (v->address && v->place != 0 && deed_flow_type(f, f->places[v->place].type)->kind != DEED_TYPE_ARRAY)
        deed_use(f, v->node, v->place); /* nobody knows who will read or write it through the pointer */
    bool record = v->place != 0 && v->place != place && !v->address &&
                  deed_flow_type(f, f->places[v->place].type)->kind == DEED_TYPE_RECORD;
    uint32_t before = record ? deed_state_copy(f, f->now) : 0;
    deed_cell old = *deed_cell_of(f, v->place), next = {.bits = DEED_IS_PLAIN, .born = node};
    if (passing == DEED_GOES && v->place != 0 && v->place != place)
        deed_consume(f, v->node, v, false);
    if (place == 0) {
        if (passing == DEED_GOES && !elsewhere) {
            deed_error(f, FH0304, node, "stored here", "an owned value is stored where nothing can follow it");
            deed_help(f->report, "keep it in a variable or an `fh_owned` field; keep many in a pool that gives handles");
        }
        deed_state_give(f, before);
        return;
    }
    bool lent = deed_place_lent(f, place), carries = deed_type_carries(f, f->places[place].type);
    if (!first) {
        check_overwritten(f, node, place);
        inherit(f, node, place);
        deed_value whole = {.bits = DEED_IS_OWNED, .place = place};
        if (deed_flow_type(f, f->places[place].type)->kind == DEED_TYPE_RECORD || (carries && deed_place_owns(f, place)))
            deed_invalidate(f, node, &whole);
        deed_unlink(f, place);
    }
    deed_value looked = {.place = v->place, .sources = {{(uint16_t)v->place}}};
    if (passing == DEED_GOES && lent && !owned) {
        report_unowned(f, node, place);
    } else if (passing == DEED_GOES && (!lent || is_output(f, place)) && (!record || (old.bits & DEED_IS_OWNED))) {
        next.bits = DEED_IS_OWNED | (v->bits & DEED_IS_NULL);
        if (v->place != 0 && (old.bits & DEED_IS_NULL)) {
            next.gate = old.gate;
            next.bits |= old.bits & (DEED_IF_OK_OWNED | DEED_IF_FAILED_NULL | DEED_IF_OK_NULL | DEED_IF_FAILED_OWNED);
        }
    } else if (v->bits & DEED_IS_NULL) {
        next.bits = DEED_IS_NULL | (v->bits & DEED_IS_PLAIN);
    }
    const deed_info *p = &f->places[place];
    const deed_value *borrow = passing == DEED_LOOKS ? &looked : v;
    bool foreign = p->field != 0 && deed_flow_decl(f, deed_flow_decl(f, p->field)->parent)->is_system;
    bool taken = passing == DEED_GOES && (v->bits & DEED_IS_COPY);
    if (carries && borrow->sources.at[0] != 0 && !taken) {
        if (lent || foreign)
            deed_keep(f, node, foreign ? 0 : place, borrow);
        next.bits = (next.bits & ~(uint32_t)DEED_IS_PLAIN) | DEED_IS_VIEW | (v->bits & (DEED_IS_DEAD | DEED_IS_ENDED));
        if (!(next.bits & DEED_IS_OWNED) && !(passing == DEED_GOES && owned))
            next.bits |= DEED_IS_BORROW;
        if (passing == DEED_STAYS)
            next.bits |= v->bits & (DEED_IS_COPY | DEED_IS_NULL);
        next.via = borrow->via;
        next.sources = borrow->sources;
    }
    link_names(f, place, v, &next);
    store_status(f, place, v, &next);
    deed_forget(f, place);
    mark_written(f, place);
    put(f, place, next);
    if (before != 0) {
        copy_parts(f, node, before, v->place, place);
        deed_state_give(f, before);
    }
}

enum { FIELDS_MAX = 32 };

static uint32_t unwrapped(const deed_flow *f, uint32_t list) {
    while (deed_flow_node(f, list)->kind == DEED_LITERAL)
        list = deed_child(f, list, 0);
    return list;
}

/* A list that gives a struct of this type by the names of its fields. */
static bool is_by_name(const deed_flow *f, uint32_t type, uint32_t list) {
    const deed_node *l = deed_flow_node(f, unwrapped(f, list));
    bool names = deed_flow_type(f, type)->kind == DEED_TYPE_RECORD && l->kind == DEED_LIST && l->count != 0 &&
                 l->count <= FIELDS_MAX;
    for (uint32_t i = 0; names && i < l->count; i++)
        names = deed_flow_node(f, deed_child(f, unwrapped(f, list), i))->field != 0;
    return names;
}

/* All fields of what a pointer leads to are given anew: what was gone of them is there again. */
static void restore_fields(deed_flow *f, uint32_t place) {
    uint32_t up = f->places[place].parent;
    bool whole = up != 0 && f->places[place].field == 0 && deed_flow_type(f, f->places[up].type)->kind == DEED_TYPE_POINTER;
    for (uint32_t i = up + 1; whole && i < f->place_count; i++) {
        uint32_t bits = deed_cell_of(f, i)->bits;
        if (deed_place_under(f, i, up) && (bits & DEED_IS_MOVED) && !(bits & (DEED_IS_OWNED | DEED_IS_DUE)))
            *deed_cell_of(f, i) = (deed_cell){0};
    }
}

bool deed_store_fields(deed_flow *f, uint32_t node, uint32_t place, uint32_t list, bool first) {
    if (place == 0 || !is_by_name(f, f->places[place].type, list))
        return false;
    list = unwrapped(f, list);
    uint32_t count = deed_flow_node(f, list)->count;
    deed_value values[FIELDS_MAX], empty = {.bits = DEED_IS_PLAIN, .node = list};
    for (uint32_t i = 0; i < count; i++) {
        uint32_t kid = deed_child(f, list, i);
        bool nested = first && is_by_name(f, deed_flow_decl(f, deed_flow_node(f, kid)->field)->type, kid);
        values[i] = nested ? empty : deed_eval(f, kid);
    }
    if (!first) {
        deed_store(f, node, place, &empty, false);
        restore_fields(f, place);
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t kid = deed_child(f, list, i), part = deed_place_field(f, place, deed_flow_node(f, kid)->field, kid);
        if (!first || !deed_store_fields(f, kid, part, kid, true))
            deed_store(f, kid, part, &values[i], true);
    }
    return true;
}
