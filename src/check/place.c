/* place.c: the table of places, and joins. Threading: place.h. */
#include "check/place.h"

#include "check/outside.h"

const deed_node *deed_flow_node(const deed_flow *f, uint32_t id) {
    return fh_deed_nodes_at(f->unit->nodes, id);
}

const deed_decl *deed_flow_decl(const deed_flow *f, uint32_t id) {
    return fh_deed_decls_at(f->unit->decls, id);
}

const deed_type *deed_flow_type(const deed_flow *f, uint32_t id) {
    return fh_deed_types_at(f->unit->types, id);
}

uint32_t deed_child(const deed_flow *f, uint32_t node, uint32_t i) {
    const deed_node *n = deed_flow_node(f, node);
    return i < n->count ? fh_u32s_get(f->unit->children, n->first + i) : 0;
}

const deed_contract *deed_word_of(const deed_unit *unit, uint32_t decl, deed_word word) {
    const deed_decl *d = fh_deed_decls_at(unit->decls, decl);
    for (uint32_t i = 0; decl != 0 && i < d->contract_count; i++) {
        const deed_contract *c = fh_deed_contracts_at(unit->contracts, d->first_contract + i);
        if (c->word == word)
            return c;
    }
    return NULL;
}

bool deed_name_is(const deed_flow *f, uint32_t decl, const char *name) {
    return decl != 0 && fh_span_is(deed_flow_decl(f, decl)->name, name);
}

fh_span deed_flow_text(deed_flow *f, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fh_span out = deed_format_text(f->unit->arena, format, args);
    va_end(args);
    return out;
}

/* --- places --------------------------------------------------------------------------------------------------------------- */

static uint32_t add(deed_flow *f, deed_info info) {
    if (f->place_count == DEED_PLACES_MAX) {
        if (!f->full) {
            deed_report_at(f->report, FH0903, deed_flow_node(f, info.node)->place, "one place too many",
                           "this function has more than %d places to follow", DEED_PLACES_MAX);
            deed_help(f->report, "split the function");
        }
        f->full = true;
        return 0;
    }
    f->places[f->place_count] = info;
    return f->place_count++;
}

uint32_t deed_place_root(deed_flow *f, uint32_t decl, uint32_t node) {
    for (uint32_t i = DEED_LAST_CALL + 1; i < f->place_count; i++) {
        if (f->places[i].root == decl && f->places[i].parent == 0)
            return i;
    }
    const deed_decl *d = deed_flow_decl(f, decl);
    if (d->kind != DEED_DECL_VARIABLE && d->kind != DEED_DECL_PARAMETER)
        return 0;
    deed_mode mode = d->is_global || d->is_static || d->is_extern ? DEED_MODE_GLOBAL : DEED_MODE_LOCAL;
    return add(f, (deed_info){.root = decl, .type = d->type, .depth = f->depth, .node = node, .mode = mode, .name = d->name});
}

/* How the programmer wrote it, if that is short and in one place. */
static fh_span written(const deed_flow *f, uint32_t node, fh_span otherwise) {
    const deed_node *n = deed_flow_node(f, node);
    fh_span text = fh_deed_files_at(f->unit->files, n->place.file)->text;
    bool ok = !n->in_macro && (n->kind == DEED_MEMBER || n->kind == DEED_DEREF) && n->place.end_bytes > n->place.offset_bytes &&
              n->place.end_bytes - n->place.offset_bytes <= 60 && n->place.end_bytes <= text.size;
    return ok ? fh_span_sub(text, n->place.offset_bytes, n->place.end_bytes - n->place.offset_bytes) : otherwise;
}

/* "b.inner": for where the text itself does not say it, as in an initializer. */
static fh_span joined_name(deed_flow *f, const deed_info *base, uint32_t field) {
    bool arrow = deed_flow_type(f, base->type)->kind == DEED_TYPE_POINTER;
    fh_span name = deed_flow_decl(f, field)->name;
    return deed_flow_text(f, "%.*s%s%.*s", FH_SPAN_FMT(base->name), arrow ? "->" : ".", FH_SPAN_FMT(name));
}

uint32_t deed_place_field(deed_flow *f, uint32_t base, uint32_t field, uint32_t node, bool by_arrow) {
    for (uint32_t i = base + 1; i < f->place_count; i++) {
        if (f->places[i].parent == base && f->places[i].field == field) {
            f->places[i].by_arrow = f->places[i].by_arrow || by_arrow;
            return i;
        }
    }
    const deed_info *b = &f->places[base];
    uint32_t type = field != 0 ? deed_flow_decl(f, field)->type : deed_flow_type(f, b->type)->to;
    fh_span name = written(f, node, field != 0 ? joined_name(f, b, field) : b->name);
    return add(f, (deed_info){.root = b->root, .parent = base, .field = field, .type = type, .depth = b->depth, .node = node,
                              .mode = b->mode, .by_arrow = by_arrow || b->by_arrow, .name = name});
}

uint32_t deed_place_find(deed_flow *f, uint32_t node) {
    const deed_node *n = deed_flow_node(f, node);
    if (n->kind == DEED_REF)
        return deed_place_root(f, n->decl, node);
    if (n->kind == DEED_CAST && deed_flow_type(f, n->type)->kind == DEED_TYPE_POINTER)
        return deed_place_find(f, deed_child(f, node, 0));
    if (n->kind == DEED_DEREF) {
        uint32_t inner = deed_child(f, node, 0);
        if (deed_flow_node(f, inner)->kind == DEED_ADDRESS)
            return deed_place_find(f, deed_child(f, inner, 0));
        uint32_t base = deed_place_find(f, inner);
        return base == 0 ? 0 : deed_place_field(f, base, 0, node, true);
    }
    if (n->kind != DEED_MEMBER)
        return 0;
    uint32_t inner = deed_child(f, node, 0);
    const deed_node *b = deed_flow_node(f, inner);
    bool arrow = n->op == DEED_OP_ARROW;
    if (arrow && b->kind == DEED_ADDRESS) {
        inner = deed_child(f, inner, 0);
        arrow = false;
    } else if (!arrow && b->kind == DEED_DEREF) {
        inner = deed_child(f, inner, 0);
        arrow = true;
    }
    uint32_t base = deed_place_find(f, inner);
    return base == 0 ? 0 : deed_place_field(f, base, n->decl, node, arrow);
}

uint32_t deed_place_outer(const deed_flow *f, uint32_t place) {
    while (f->places[place].parent != 0)
        place = f->places[place].parent;
    return place;
}

bool deed_place_under(const deed_flow *f, uint32_t place, uint32_t above) {
    while (place > above)
        place = f->places[place].parent;
    return place == above && place != 0;
}

bool deed_place_lent(const deed_flow *f, uint32_t place) {
    const deed_info *p = &f->places[place];
    if (p->mode == DEED_MODE_GLOBAL)
        return true;
    return p->parent != 0 && (p->mode == DEED_MODE_SHARED || p->mode == DEED_MODE_MUT || p->mode == DEED_MODE_OUT);
}

deed_cell *deed_cell_of(deed_flow *f, uint32_t place) {
    return &f->s->cells[place];
}

/* --- states --------------------------------------------------------------------------------------------------------------- */

void deed_state_set(const deed_flow *f, deed_state *to, const deed_state *from) {
    to->live = from->live;
    for (uint32_t i = 0; i < f->place_count; i++)
        to->cells[i] = from->cells[i];
    for (uint32_t i = f->place_count; i < DEED_PLACES_MAX; i++)
        to->cells[i] = (deed_cell){0};
}

deed_state *deed_state_take(deed_flow *f) {
    static deed_state nowhere;
    deed_state *s = f->unused;
    if (s != NULL) {
        f->unused = s->next;
        *s = (deed_state){0};
        return s;
    }
    s = fh_arena_alloc(f->arena, 1, sizeof *s);
    if (s == NULL) {
        f->status = FH_STATUS(FH_NOMEM);
        nowhere = (deed_state){0};
        return &nowhere;
    }
    return s;
}

deed_state *deed_state_copy(deed_flow *f, const deed_state *from) {
    deed_state *s = deed_state_take(f);
    deed_state_set(f, s, from);
    return s;
}

void deed_state_give(deed_flow *f, deed_state *s) {
    if (fh_failed(f->status))
        return;
    s->next = f->unused;
    f->unused = s;
}

/* A promise about `gate` holds in a state by itself, or because the promise was made, or because the gate says otherwise. */
static bool promises(const deed_state *s, uint32_t i, uint32_t gate, uint32_t promise) {
    const deed_cell *c = &s->cells[i];
    uint32_t never = promise == DEED_IF_OK_OWNED ? DEED_IS_NULL : DEED_IS_OWNED;
    uint32_t other = promise == DEED_IF_OK_OWNED ? DEED_IS_FAILED : DEED_IS_OK;
    return !(c->bits & never) || (c->gate == gate && (c->bits & promise)) || (s->cells[gate].bits & other);
}

static uint32_t promised(const deed_state *a, const deed_state *b, uint32_t i, uint32_t gate) {
    uint32_t bits = 0;
    if (gate == 0)
        return 0;
    if (promises(a, i, gate, DEED_IF_OK_OWNED) && promises(b, i, gate, DEED_IF_OK_OWNED))
        bits |= DEED_IF_OK_OWNED;
    if (promises(a, i, gate, DEED_IF_FAILED_NULL) && promises(b, i, gate, DEED_IF_FAILED_NULL))
        bits |= DEED_IF_FAILED_NULL;
    return bits;
}

static void join_sources(deed_cell *a, const deed_cell *b) {
    for (int i = 0; i < DEED_SOURCES_MAX && b->sources[i] != 0; i++) {
        int j = 0;
        while (j < DEED_SOURCES_MAX && a->sources[j] != 0 && a->sources[j] != b->sources[i])
            j++;
        if (j < DEED_SOURCES_MAX)
            a->sources[j] = b->sources[i];
    }
}

static deed_cell join_cell(const deed_state *a, const deed_state *b, uint32_t i) {
    const deed_cell *x = &a->cells[i], *y = &b->cells[i];
    enum {
        KNOWN = DEED_IS_OK | DEED_IS_FAILED,
        PROMISES = DEED_IF_OK_OWNED | DEED_IF_FAILED_NULL,
        ENDED = DEED_IS_MOVED | DEED_IS_DEAD | DEED_IS_HELD, /* what `where` and `born` tell of */
        LIVES = DEED_IS_OWNED | DEED_IS_VIEW,
    };
    deed_cell c = *x;
    c.bits = (x->bits | y->bits) & ~(uint32_t)(KNOWN | PROMISES);
    c.bits |= x->bits & y->bits & KNOWN;
    if ((c.bits & DEED_IS_COPY) && (!(x->bits & y->bits & DEED_IS_COPY) || x->sources[0] != y->sources[0]))
        c.bits &= ~(uint32_t)DEED_IS_COPY;
    if ((x->bits ^ y->bits) & DEED_IS_HELD)
        c.bits |= DEED_IS_LOOSE;
    uint16_t gate = x->gate != 0 ? x->gate : y->gate;
    uint32_t promise = (c.bits & DEED_IS_OWNED) && (c.bits & DEED_IS_NULL) ? promised(a, b, i, gate) : 0;
    c.gate = promise != 0 ? gate : x->gate == y->gate ? x->gate : 0;
    c.bits |= promise;
    c.where = x->where != 0 && ((x->bits & ENDED) || !(y->bits & ENDED)) ? x->where : y->where;
    c.born = x->born != 0 && ((x->bits & LIVES) || !(y->bits & LIVES)) ? x->born : y->born;
    join_sources(&c, y);
    return c;
}

bool deed_state_join(const deed_flow *f, deed_state *a, const deed_state *b) {
    if (!b->live)
        return false;
    if (!a->live) {
        deed_state_set(f, a, b);
        return true;
    }
    bool changed = false;
    deed_cell joined[DEED_PLACES_MAX];
    for (uint32_t i = 0; i < f->place_count; i++) {
        joined[i] = join_cell(a, b, i);
        changed |= joined[i].bits != a->cells[i].bits || joined[i].gate != a->cells[i].gate;
        for (int j = 0; j < DEED_SOURCES_MAX; j++)
            changed |= joined[i].sources[j] != a->cells[i].sources[j];
    }
    for (uint32_t i = 0; i < f->place_count; i++)
        a->cells[i] = joined[i];
    return changed;
}

void deed_state_gate(const deed_flow *f, deed_state *s, uint32_t gate, bool ok) {
    if (gate == 0)
        return;
    for (uint32_t i = 0; i < f->place_count; i++) {
        deed_cell *c = &s->cells[i];
        if (c->gate != gate || !(c->bits & DEED_IS_OWNED) || !(c->bits & DEED_IS_NULL))
            continue;
        if (ok && (c->bits & DEED_IF_OK_OWNED))
            c->bits &= ~(uint32_t)DEED_IS_NULL;
        if (!ok && (c->bits & DEED_IF_FAILED_NULL))
            c->bits &= ~(uint32_t)DEED_IS_OWNED;
    }
    deed_cell *g = &s->cells[gate];
    g->bits = (g->bits & ~(uint32_t)(DEED_IS_OK | DEED_IS_FAILED)) | (ok ? DEED_IS_OK : DEED_IS_FAILED);
    if (gate != g->gate && g->gate != 0) /* a copy of another status */
        deed_state_gate(f, s, g->gate, ok);
}

void deed_state_ungate(const deed_flow *f, deed_state *s, uint32_t gate) {
    for (uint32_t i = 0; i < f->place_count; i++) {
        deed_cell *c = &s->cells[i];
        if (c->gate == gate) {
            c->gate = 0;
            c->bits &= ~(uint32_t)(DEED_IF_OK_OWNED | DEED_IF_FAILED_NULL);
        }
    }
    s->cells[gate].bits &= ~(uint32_t)(DEED_IS_OK | DEED_IS_FAILED);
}
