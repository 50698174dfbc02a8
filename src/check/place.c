/* place.c: the table of places, and joins. Threading: place.h. */
#include "check/flow.h"

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

fh_span deed_flow_text(const deed_flow *f, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fh_span out = deed_format_text(f->unit->arena, format, args);
    va_end(args);
    return out;
}

/* --- places --------------------------------------------------------------------------------------------------------------- */

static uint32_t add(fh_mut fh_view(*2) deed_flow *f, deed_info info) {
    if (f->place_count == DEED_PLACES_MAX) {
        if (!f->full) {
            deed_report_at(f->report, FH0903, deed_flow_node(f, info.node)->place, "one place too many",
                           "this function has more than %d places to follow", DEED_PLACES_MAX);
            deed_help(f->report, "cut the function into smaller ones");
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
fh_view(*1, 3) static fh_span written(const deed_flow *f, uint32_t node, fh_span otherwise) {
    const deed_node *n = deed_flow_node(f, node);
    fh_span text = fh_deed_files_at(f->unit->files, n->place.file)->text;
    bool named = n->kind == DEED_MEMBER || n->kind == DEED_DEREF || n->kind == DEED_LITERAL;
    bool ok = !n->in_macro && named && n->place.end_bytes > n->place.offset_bytes &&
              n->place.end_bytes - n->place.offset_bytes <= 60 && n->place.end_bytes <= text.size;
    return ok ? fh_span_sub(text, n->place.offset_bytes, n->place.end_bytes - n->place.offset_bytes) : otherwise;
}

/* "b.inner": for where the text itself does not say it, as in an initializer. */
fh_view(*1) static fh_span joined_name(const deed_flow *f, uint32_t base, uint32_t field) {
    const deed_info *b = &f->places[base];
    bool arrow = deed_flow_type(f, b->type)->kind == DEED_TYPE_POINTER;
    fh_span name = deed_flow_decl(f, field)->name;
    return deed_flow_text(f, "%.*s%s%.*s", FH_SPAN_FMT(b->name), arrow ? "->" : ".", FH_SPAN_FMT(name));
}

uint32_t deed_place_literal(deed_flow *f, uint32_t node) {
    for (uint32_t i = DEED_LAST_CALL + 1; i < f->place_count; i++) {
        if (f->places[i].root == 0 && f->places[i].parent == 0 && f->places[i].node == node)
            return i;
    }
    return add(f, (deed_info){.type = deed_flow_node(f, node)->type, .depth = f->depth, .node = node, .mode = DEED_MODE_LOCAL,
                              .name = written(f, node, FH_LIT("literal"))});
}

deed_place deed_place_declared(const deed_flow *f, uint32_t place) {
    const deed_info *p = &f->places[place];
    uint32_t literal = f->places[deed_place_outer(f, place)].node;
    return p->root != 0 ? deed_flow_decl(f, p->root)->place : deed_flow_node(f, literal)->place;
}

uint32_t deed_place_field(deed_flow *f, uint32_t base, uint32_t field, uint32_t node) {
    if (base == 0)
        return 0;
    for (uint32_t i = base + 1; i < f->place_count; i++) {
        if (f->places[i].parent == base && f->places[i].field == field)
            return i;
    }
    const deed_info *b = &f->places[base];
    uint32_t type = field != 0 ? deed_flow_decl(f, field)->type : deed_flow_type(f, b->type)->to;
    fh_span name = written(f, node, field != 0 ? joined_name(f, base, field) : b->name);
    return add(f, (deed_info){.root = b->root, .parent = base, .field = field, .type = type, .depth = b->depth, .node = node,
                              .mode = b->mode, .name = name});
}

uint32_t deed_place_find(deed_flow *f, uint32_t node) {
    const deed_node *n = deed_flow_node(f, node);
    if (n->kind == DEED_REF)
        return deed_place_root(f, n->decl, node);
    if (n->kind == DEED_CAST && deed_flow_type(f, n->type)->kind == DEED_TYPE_POINTER)
        return deed_place_find(f, deed_child(f, node, 0));
    if (n->kind != DEED_DEREF && n->kind != DEED_MEMBER)
        return 0;
    uint32_t inner = deed_child(f, node, 0);
    const deed_node *b = deed_flow_node(f, inner);
    if (n->kind == DEED_DEREF || n->op == DEED_OP_ARROW) {
        if (b->kind == DEED_ADDRESS && n->kind == DEED_DEREF)
            return deed_place_find(f, deed_child(f, inner, 0)); /* *&x is x */
        if (b->kind == DEED_ADDRESS)
            inner = deed_child(f, inner, 0); /* (&x)->f is x.f */
    } else if (b->kind == DEED_DEREF) {
        inner = deed_child(f, inner, 0); /* (*p).f is p->f */
    }
    uint32_t base = deed_place_find(f, inner);
    bool follows = (n->kind == DEED_DEREF || n->op == DEED_OP_ARROW) && b->kind == DEED_REF;
    const deed_cell *c = deed_cell_of(f, base);
    uint32_t to = follows && !(c->bits & (DEED_IS_MOVED | DEED_IS_DEAD)) ? c->to : 0;
    if (to != 0)
        return n->kind == DEED_DEREF ? to : deed_place_field(f, to, n->decl, node);
    base = follows ? deed_place_same(f, base) : base;
    return deed_place_field(f, base, n->kind == DEED_DEREF ? 0 : n->decl, node);
}

uint32_t deed_place_same(const deed_flow *f, uint32_t place) {
    const deed_cell *c = deed_cell_of(f, place);
    return c->alias == 0 || (c->bits & (DEED_IS_MOVED | DEED_IS_DEAD)) ? place : c->alias;
}

fh_span deed_place_text(const deed_flow *f, uint32_t place) {
    const deed_info *p = &f->places[place];
    bool led = p->parent != 0 && p->field == 0 && deed_flow_type(f, p->type)->kind == DEED_TYPE_POINTER;
    return led ? deed_flow_text(f, "*%.*s", FH_SPAN_FMT(p->name)) : p->name;
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

/* --- whose storage it is -------------------------------------------------------------------------------------------------- */

/* A pointer lies between the place and its parent. */
bool deed_place_hops(const deed_flow *f, uint32_t place) {
    const deed_info *p = &f->places[place];
    return p->parent != 0 && (p->field == 0 || deed_flow_type(f, f->places[p->parent].type)->kind == DEED_TYPE_POINTER);
}

bool deed_place_says(const deed_flow *f, uint32_t place, deed_word word) {
    for (uint32_t i = place; i != 0; i = f->places[i].parent) {
        const deed_info *p = &f->places[i];
        if (p->parent == 0 && (word == DEED_REF_WORD || word == DEED_MUT))
            return false; /* speaks of a parameter for the length of the call */
        if (deed_word_of(f->unit, p->parent == 0 ? p->root : p->field, word) != NULL)
            return true;
        if (p->parent != 0 && p->field != 0 && (deed_word_of(f->unit, p->field, DEED_REF_WORD) != NULL ||
                                                 deed_word_of(f->unit, p->field, DEED_MUT) != NULL))
            return false; /* whoever owns the struct only looks at what this field points to */
        if (p->parent != 0 && p->field != 0 && f->places[p->parent].parent != 0 && deed_place_hops(f, i))
            return false;
    }
    return false;
}

/* What the pointer in this place points to belongs to whoever has the place. */
bool deed_place_owns(const deed_flow *f, uint32_t place) {
    const deed_info *p = &f->places[place];
    if (deed_cell_of(f, place)->bits & (DEED_IS_OWNED | DEED_IS_MOVED))
        return true;
    if (p->parent == 0)
        return p->mode == DEED_MODE_OWNER || p->mode == DEED_MODE_DROPPER;
    return deed_place_says(f, place, DEED_OWNED) || deed_place_says(f, place, DEED_OWNED_OR_NULL);
}

static bool is_nullable(const deed_flow *f, uint32_t place) {
    return deed_word_of(f->unit, f->places[place].field, DEED_OR_NULL) != NULL;
}

bool deed_place_null(const deed_flow *f, uint32_t place) {
    uint32_t bits = deed_cell_of(f, place)->bits;
    return (bits & (DEED_IS_NULL | DEED_IS_COPY)) == DEED_IS_NULL || (is_nullable(f, place) && !(bits & DEED_IS_SOME));
}

void deed_place_some(deed_flow *f, uint32_t place) {
    deed_cell *c = deed_cell_of(f, place);
    c->bits &= ~(uint32_t)DEED_IS_NULL;
    if (is_nullable(f, place))
        c->bits |= DEED_IS_SOME;
}

bool deed_place_within(const deed_flow *f, uint32_t place, uint32_t above) {
    while (place > above) {
        uint32_t up = f->places[place].parent;
        bool storage = up > above || deed_flow_type(f, f->places[up].type)->kind != DEED_TYPE_POINTER;
        if (storage && deed_place_hops(f, place) && !deed_place_owns(f, up))
            return false;
        place = up;
    }
    return place == above && place != 0;
}

bool deed_place_lent(const deed_flow *f, uint32_t place) {
    for (uint32_t i = place; f->places[i].mode != DEED_MODE_GLOBAL; i = f->places[i].parent) {
        if (f->places[i].parent == 0)
            return false;
        if (deed_place_hops(f, i) && !deed_place_owns(f, f->places[i].parent))
            return true;
    }
    return true;
}

bool deed_type_carries(deed_flow *f, uint32_t type) {
    if (type == 0 || type >= f->carries.size)
        return false;
    uint8_t *known = fh_mspan_at(f->carries, type);
    if (*known != 0)
        return *known == 2;
    const deed_type *t = deed_flow_type(f, type);
    bool yes = t->kind == DEED_TYPE_POINTER && deed_flow_type(f, t->to)->kind != DEED_TYPE_FUNCTION;
    if (t->kind == DEED_TYPE_ARRAY)
        yes = deed_type_carries(f, t->to);
    const deed_decl *d = deed_flow_decl(f, t->decl);
    bool ours = t->kind == DEED_TYPE_RECORD && t->decl != 0 && !d->is_system;
    for (uint32_t i = 0; ours && !yes && i < d->count; i++)
        yes = deed_type_carries(f, deed_flow_decl(f, fh_u32s_get(f->unit->members, d->first + i))->type);
    *known = yes ? 2 : 1;
    return yes;
}

/* A variable of this type that gets a block of memory: `job *j = fh_alloc(…)`. */
static bool gets_block(const deed_flow *f, const deed_node *n, uint32_t type) {
    if (n->kind != DEED_VARIABLE || n->count == 0 || deed_flow_decl(f, n->decl)->type != type)
        return false;
    const deed_node *value = deed_flow_node(f, fh_u32s_get(f->unit->children, n->first));
    uint32_t callee = value->kind == DEED_CALL ? deed_flow_node(f, fh_u32s_get(f->unit->children, value->first))->decl : 0;
    return deed_word_of(f->unit, callee, DEED_OWNED) != NULL || deed_word_of(f->unit, callee, DEED_OWNED_OR_NULL) != NULL;
}

deed_owners deed_owners_of(const deed_flow *f, uint32_t type) {
    const deed_type *t = deed_flow_type(f, type);
    bool record = t->kind == DEED_TYPE_POINTER && deed_flow_type(f, t->to)->kind == DEED_TYPE_RECORD;
    uint8_t *known = fh_mspan_at(f->owners, type);
    if (*known != 0)
        return (deed_owners){.given = *known & 2, .filled = *known & 4};
    deed_owners owners = {.given = record && deed_flow_type(f, t->to)->is_incomplete};
    for (uint32_t i = 1; record && i < f->unit->decls.count; i++) {
        const deed_decl *d = deed_flow_decl(f, i);
        if (d->contract_count == 0 || (!deed_word_of(f->unit, i, DEED_OWNED) && !deed_word_of(f->unit, i, DEED_OWNED_OR_NULL)))
            continue;
        bool through = d->kind == DEED_DECL_FUNCTION || d->kind == DEED_DECL_PARAMETER;
        owners.given = owners.given || (through ? deed_flow_type(f, d->type)->to : d->type) == type;
        owners.filled = owners.filled || (d->kind == DEED_DECL_PARAMETER && d->type == type);
    }
    for (uint32_t i = 1; record && !owners.given && i < f->unit->nodes.count; i++)
        owners.given = gets_block(f, deed_flow_node(f, i), type);
    *known = (uint8_t)(1 + (owners.given ? 2 : 0) + (owners.filled ? 4 : 0));
    return owners;
}

deed_cell *deed_cell_of(const deed_flow *f, uint32_t place) {
    return &deed_state_of(f, f->now)->cells[place];
}

/* --- states --------------------------------------------------------------------------------------------------------------- */

deed_state *deed_state_of(const deed_flow *f, uint32_t state) {
    return f->states[state];
}

void deed_state_set(deed_flow *f, uint32_t to, uint32_t from) {
    *deed_state_of(f, to) = *deed_state_of(f, from);
}

uint32_t deed_state_take(deed_flow *f) {
    uint32_t state = f->unused;
    if (state != 0) {
        f->unused = deed_state_of(f, state)->next;
    } else if (f->state_count < DEED_STATES_MAX) {
        deed_state *s = fh_arena_alloc(f->arena, 1, sizeof *s);
        if (s != NULL) {
            state = f->state_count++;
            f->states[state] = s;
        } else {
            f->status = FH_STATUS(FH_NOMEM);
        }
    } else {
        deed_report_at(f->report, FH0903, deed_flow_decl(f, f->function)->place, "too deep",
                       "this function is nested too deeply");
        deed_help(f->report, "cut the function into smaller ones");
    }
    *deed_state_of(f, state) = (deed_state){0};
    return state;
}

uint32_t deed_state_copy(deed_flow *f, uint32_t from) {
    uint32_t state = deed_state_take(f);
    deed_state_set(f, state, from);
    return state;
}

void deed_state_give(deed_flow *f, uint32_t state) {
    if (state == 0)
        return;
    deed_state_of(f, state)->next = f->unused;
    f->unused = state;
}

bool deed_is_live(const deed_flow *f) {
    return deed_state_of(f, f->now)->live;
}

void deed_end_path(deed_flow *f) {
    deed_state_of(f, f->now)->live = false;
}

/* A promise: with this outcome of the gate, the cell is not what `never` says. */
struct promise {
    uint32_t bit, never;
    bool ok;
};

static const struct promise promises[5] = {
    {DEED_IF_OK_OWNED, DEED_IS_NULL, true},
    {DEED_IF_FAILED_NULL, DEED_IS_OWNED, false},
    {DEED_IF_OK_NULL, DEED_IS_OWNED, true},
    {DEED_IF_FAILED_OWNED, DEED_IS_NULL, false},
    {DEED_IF_OK_WRITTEN, DEED_IS_RAW | DEED_IS_MOVED | DEED_IS_DROPPED, true},
};

enum {
    PROMISES = DEED_IF_OK_OWNED | DEED_IF_FAILED_NULL | DEED_IF_OK_NULL | DEED_IF_FAILED_OWNED | DEED_IF_OK_WRITTEN,
    OPEN = DEED_IS_NULL | DEED_IS_RAW | DEED_IS_MOVED, /* what a promise may close */
};

/* It holds in a state by itself, or because it was made, or because the gate says otherwise. */
static bool holds(const deed_state *s, const deed_cell *c, uint32_t gate, const struct promise *p) {
    uint32_t other = p->ok ? DEED_IS_FAILED : DEED_IS_OK;
    return !(c->bits & p->never) || (c->gate == gate && (c->bits & p->bit)) || (s->cells[gate].bits & other);
}

/* What an owner points to was made by a call that knows its type. Of memory that was got as `void *`, and of what came from
 * elsewhere, it is not known what its fields hold. */
static bool is_made(const deed_flow *f, const deed_cell *owner) {
    uint32_t kind = deed_flow_node(f, owner->born)->kind;
    bool stored = kind == DEED_VARIABLE || kind == DEED_ASSIGN;
    uint32_t value = stored ? deed_child(f, owner->born, kind == DEED_ASSIGN ? 1 : 0) : 0;
    if (deed_flow_node(f, value)->kind != DEED_CALL)
        return false;
    const deed_decl *made = deed_flow_decl(f, deed_flow_node(f, deed_child(f, value, 0))->decl);
    const deed_type *result = deed_flow_type(f, deed_flow_type(f, made->type)->to);
    return made->kind == DEED_DECL_FUNCTION && deed_flow_type(f, result->to)->kind == DEED_TYPE_RECORD;
}

deed_cell deed_place_untouched(const deed_flow *f, uint32_t state, uint32_t place) {
    const deed_info *p = &f->places[place];
    bool owned = deed_word_of(f->unit, p->field, DEED_OWNED), perhaps = deed_word_of(f->unit, p->field, DEED_OWNED_OR_NULL);
    bool lent = p->parent == 0 && (p->mode == DEED_MODE_SHARED || p->mode == DEED_MODE_MUT);
    if (deed_flow_type(f, p->type)->kind != DEED_TYPE_POINTER || (p->parent == 0 && !lent && p->mode != DEED_MODE_GLOBAL))
        return (deed_cell){0};
    if (lent)
        return (deed_cell){.bits = DEED_IS_VIEW | DEED_IS_BORROW, .via = (uint16_t)place, .sources = {{(uint16_t)place}}};
    if (p->field == 0 || (!owned && !perhaps))
        return (deed_cell){.bits = DEED_IS_PLAIN};
    for (uint32_t i = p->parent; i != 0; i = f->places[i].parent) {
        const deed_cell *c = &deed_state_of(f, state)->cells[i];
        bool record = deed_flow_type(f, f->places[i].type)->kind == DEED_TYPE_RECORD;
        if (c->bits & DEED_IS_RAW)
            return (deed_cell){0};
        if ((c->bits & DEED_IS_OWNED) && (record || is_made(f, c))) {
            uint32_t told = DEED_IF_FAILED_NULL | DEED_IF_OK_NULL | (perhaps ? 0u : DEED_IF_OK_OWNED | DEED_IF_FAILED_OWNED);
            uint32_t bits = DEED_IS_OWNED | (perhaps ? DEED_IS_NULL : 0u) | (c->bits & (DEED_IS_NULL | told));
            return (deed_cell){.bits = bits, .born = c->born, .gate = c->gate};
        }
        if (!record)
            break;
    }
    if (!deed_place_lent(f, place))
        return (deed_cell){.bits = DEED_IS_PLAIN | DEED_IS_NULL};
    return (deed_cell){.bits = DEED_IS_VIEW, .via = (uint16_t)place, .sources = {{(uint16_t)place}}};
}

static uint32_t promised(const deed_state *a, const deed_state *b, const deed_cell *x, const deed_cell *y, uint32_t gate) {
    uint32_t bits = 0;
    for (size_t k = 0; k < 5 && gate != 0; k++) {
        if (holds(a, x, gate, &promises[k]) && holds(b, y, gate, &promises[k]))
            bits |= promises[k].bit;
    }
    return bits;
}

static deed_cell join_cell(const deed_state *a, const deed_state *b, const deed_cell *x, const deed_cell *y,
                           uint16_t split) {
    enum {
        KNOWN = DEED_IS_OK | DEED_IS_FAILED | DEED_IS_SOME,
        ENDED = DEED_IS_MOVED | DEED_IS_DEAD | DEED_IS_HELD, /* what `where` and `born` tell of */
        LIVES = DEED_IS_OWNED | DEED_IS_VIEW,
    };
    deed_cell c = *x;
    c.bits = (x->bits | y->bits) & ~(uint32_t)(KNOWN | PROMISES);
    c.bits |= x->bits & y->bits & KNOWN;
    if ((c.bits & DEED_IS_COPY) && (!(x->bits & y->bits & DEED_IS_COPY) || x->sources.at[0] != y->sources.at[0]))
        c.bits &= ~(uint32_t)DEED_IS_COPY;
    if ((x->bits ^ y->bits) & DEED_IS_HELD)
        c.bits |= DEED_IS_LOOSE;
    uint16_t gate = x->gate != 0 ? x->gate : y->gate;
    if (split != 0 && !((x->bits | y->bits) & PROMISES))
        gate = split;
    uint32_t promise = c.bits & OPEN ? promised(a, b, x, y, gate) : 0;
    c.gate = promise != 0 ? gate : x->gate == y->gate ? x->gate : 0;
    c.bits |= promise;
    c.via = x->via == y->via ? x->via : 0;
    c.alias = x->alias == y->alias ? x->alias : 0;
    c.to = x->to == y->to ? x->to : 0;
    c.where = x->where != 0 && ((x->bits & ENDED) || !(y->bits & ENDED)) ? x->where : y->where;
    c.born = x->born != 0 && ((x->bits & LIVES) || !(y->bits & LIVES)) ? x->born : y->born;
    return c;
}

static bool same_cell(const deed_cell *a, const deed_cell *b) {
    bool same = a->bits == b->bits && a->gate == b->gate && a->via == b->via && a->alias == b->alias && a->to == b->to;
    for (int j = 0; same && j < DEED_SOURCES_MAX; j++)
        same = a->sources.at[j] == b->sources.at[j];
    return same;
}

/* What is known of a place in one of two states that meet. */
static deed_cell known(const deed_flow *f, uint32_t state, uint32_t other, uint32_t place) {
    deed_cell c = deed_state_of(f, state)->cells[place];
    const deed_info *p = &f->places[place];
    bool lent = p->parent == 0 && (p->mode == DEED_MODE_SHARED || p->mode == DEED_MODE_MUT) && c.bits == DEED_IS_PLAIN;
    uint32_t beside = deed_state_of(f, other)->cells[place].bits;
    return (c.bits == 0 && beside != 0) || (lent && (beside & DEED_IS_OWNED)) ? deed_place_untouched(f, state, place) : c;
}

/* A status that failed in one of two states and did not in the other, or 0. */
static uint16_t split_of(const deed_flow *f, uint32_t a, uint32_t b) {
    enum { BOTH = DEED_IS_OK | DEED_IS_FAILED };
    for (uint32_t i = DEED_LAST_CALL + 1; i < f->place_count; i++) {
        if (deed_flow_type(f, f->places[i].type)->kind == DEED_TYPE_RECORD &&
            (deed_state_of(f, a)->cells[i].bits & BOTH) + (deed_state_of(f, b)->cells[i].bits & BOTH) == BOTH)
            return (uint16_t)i;
    }
    return 0;
}

bool deed_state_join(deed_flow *f, uint32_t a, uint32_t b) {
    bool changed = false;
    if (!deed_state_of(f, b)->live)
        return false;
    if (!deed_state_of(f, a)->live) {
        deed_state_set(f, a, b);
        return true;
    }
    deed_cell joined[DEED_PLACES_MAX] = {{0}};
    uint16_t split = split_of(f, a, b);
    for (uint32_t i = 0; i < f->place_count; i++) {
        deed_cell one = known(f, a, b, i), other = known(f, b, a, i);
        joined[i] = join_cell(deed_state_of(f, a), deed_state_of(f, b), &one, &other, split);
        deed_add_sources(f, joined[i].born != 0 ? joined[i].born : f->places[i].node, &joined[i].sources, &other.sources);
        changed |= !same_cell(&joined[i], &deed_state_of(f, a)->cells[i]);
    }
    for (uint32_t i = 0; i < f->place_count; i++)
        deed_state_of(f, a)->cells[i] = joined[i];
    return changed;
}

static void gate_cells(uint32_t count, deed_state *s, uint32_t gate, bool ok) {
    for (uint32_t i = 0; i < count; i++) {
        deed_cell *c = &s->cells[i];
        if (c->gate != gate || !(c->bits & OPEN))
            continue;
        for (size_t k = 0; k < 5; k++) {
            if (promises[k].ok == ok && (c->bits & promises[k].bit))
                c->bits &= ~promises[k].never;
        }
    }
    deed_cell *g = &s->cells[gate];
    g->bits = (g->bits & ~(uint32_t)(DEED_IS_OK | DEED_IS_FAILED)) | (ok ? DEED_IS_OK : DEED_IS_FAILED);
    if (gate != g->gate && g->gate != 0) /* a copy of another status */
        gate_cells(count, s, g->gate, ok);
}

void deed_state_gate(deed_flow *f, uint32_t state, uint32_t gate, bool ok) {
    if (gate != 0)
        gate_cells(f->place_count, deed_state_of(f, state), gate, ok);
}

void deed_ungate(deed_flow *f, uint32_t gate) {
    for (uint32_t i = 0; i < f->place_count; i++) {
        deed_cell *c = deed_cell_of(f, i);
        if (c->gate == gate) {
            c->gate = 0;
            c->bits &= ~(uint32_t)PROMISES;
        }
    }
    deed_cell_of(f, gate)->bits &= ~(uint32_t)(DEED_IS_OK | DEED_IS_FAILED);
}
