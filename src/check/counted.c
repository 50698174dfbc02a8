/* counted.c: pointers with a count: `fh_counted(count) T *at` of a span, an argument `fh_counted(2) const T *at` whose number
 * of elements is argument 2, or a result `fh_counted(2, 3) void *` of argument 2 times argument 3 bytes.
 *
 * Everything that indexes such a pointer believes the count. So outside the audited rooms nobody may write one of the two
 * alone, and where both are given, the count must be measured there:
 *
 *     {array, n}       an array, and a number that is proved to be at most its length (bounds.h)
 *     {&x, 1}, {p, 1}  one object
 *     {s.at, s.count}  both from one span
 *     {p, n}           p is what a counted result gave for this very n, which did not change, and p was compared with NULL
 *     {p, n}           p and n are a counted argument and its number, as the caller gave them
 *     {…, 0}           nothing
 *
 * Threading: flow.h. */
#include "check/counted.h"

#include "check/flow.h"

typedef struct checker {
    const deed_unit *unit;
    const deed_facts *facts;
    deed_report *report;
} checker;

fh_view(*1) static const deed_node *node_at(const checker *c, uint32_t i) {
    return fh_deed_nodes_at(c->unit->nodes, i);
}

static uint32_t kid(const checker *c, uint32_t node, uint32_t i) {
    const deed_node *n = node_at(c, node);
    return i < n->count ? fh_u32s_get(c->unit->children, n->first + i) : 0;
}

fh_view(*1) static const deed_decl *decl_at(const checker *c, uint32_t i) {
    return fh_deed_decls_at(c->unit->decls, i);
}

fh_view(*1) static const deed_type *type_of(const checker *c, uint32_t node) {
    return fh_deed_types_at(c->unit->types, node_at(c, node)->type);
}

fh_view(*1) static fh_or_null const deed_contract *counted(const checker *c, uint32_t decl) {
    return deed_word_of(c->unit, decl, DEED_COUNTED);
}

/* Bytes of what a pointer or an array is made of; 1 of void; 0 when it is not known. */
static int64_t element_bytes(const checker *c, uint32_t type) {
    const deed_type *to = fh_deed_types_at(c->unit->types, fh_deed_types_at(c->unit->types, type)->to);
    return to->kind == DEED_TYPE_VOID ? 1 : to->bytes;
}

/* The number that a node is, or 0. */
static int64_t constant(const checker *c, uint32_t node) {
    return node_at(c, node)->kind == DEED_INTEGER ? node_at(c, node)->number : 0;
}

/* The field of the record that counts this pointer, or the pointer that this field counts. 0: none. */
static uint32_t partner_of(const checker *c, uint32_t field) {
    const deed_decl *f = decl_at(c, field), *record = decl_at(c, f->parent);
    const deed_contract *own = counted(c, field);
    for (uint32_t i = 0; f->kind == DEED_DECL_FIELD && i < record->count; i++) {
        uint32_t other = fh_u32s_get(c->unit->members, record->first + i);
        const deed_contract *its = counted(c, other);
        if (own != NULL ? fh_span_equal(decl_at(c, other)->name, own->text)
                        : its != NULL && fh_span_equal(its->text, f->name))
            return other;
    }
    return 0;
}

/* --- what is the same ----------------------------------------------------------------------------------------------------- */

/* Whether a variable keeps the value that it begins with, or that the caller gave. */
static bool is_fixed(const checker *c, uint32_t variable) {
    const deed_decl *d = decl_at(c, variable);
    if (d->is_global || d->is_static || (d->kind != DEED_DECL_VARIABLE && d->kind != DEED_DECL_PARAMETER))
        return false;
    return fh_u32s_get(c->facts->writes, variable) == 0;
}

static bool is_write(const checker *c, uint32_t node, uint32_t variable) {
    const deed_node *n = node_at(c, node);
    bool step = n->kind == DEED_UNARY && n->op >= DEED_OP_PRE_INC && n->op <= DEED_OP_POST_DEC;
    uint32_t to = n->kind == DEED_ASSIGN || step ? kid(c, node, 0) : 0;
    return to != 0 && node_at(c, to)->kind == DEED_REF && node_at(c, to)->decl == variable;
}

/* Whether a variable has the same value at two nodes, the second of which comes after the first: nothing writes it in between,
 * and no loop that begins in between writes it. */
static bool is_kept(const checker *c, uint32_t variable, uint32_t from, uint32_t to) {
    const deed_decl *d = decl_at(c, variable);
    uint32_t how = fh_u32s_get(c->facts->writes, variable), last = to;
    if (is_fixed(c, variable))
        return true;
    if (d->is_global || d->is_static || how != DEED_WRITTEN)
        return false;
    for (uint32_t up = to; up > from; up = fh_u32s_get(c->facts->parents, up)) {
        deed_kind kind = node_at(c, up)->kind;
        if (kind == DEED_FOR || kind == DEED_WHILE || kind == DEED_DO) {
            for (last = up + 1; last < c->unit->nodes.count && fh_u32s_get(c->facts->parents, last) >= up;)
                last++;
        }
    }
    for (uint32_t i = from; i < last || i < to; i++) {
        if (is_write(c, i, variable))
            return false;
    }
    return true;
}

/* Whether two expressions name the same thing, or compute the same of it; `kept`: of variables that do not change between the
 * first and the second. */
static bool is_same(const checker *c, uint32_t a, uint32_t b, bool kept) {
    const deed_node *x = node_at(c, a), *y = node_at(c, b);
    bool alike = x->kind == y->kind && x->op == y->op && x->decl == y->decl && x->number == y->number && x->count == y->count;
    bool known = x->kind == DEED_REF || x->kind == DEED_INTEGER || x->kind == DEED_BINARY || x->kind == DEED_CAST ||
                 (x->kind == DEED_MEMBER && (!kept || x->op == DEED_OP_DOT)) || (x->kind == DEED_DEREF && !kept);
    if (!alike || !known || (kept && x->kind == DEED_REF && !is_kept(c, x->decl, a, b)))
        return false;
    for (uint32_t i = 0; i < x->count; i++) {
        if (!is_same(c, kid(c, a, i), kid(c, b, i), kept))
            return false;
    }
    return true;
}

/* --- the proof ------------------------------------------------------------------------------------------------------------ */

/* The call that a pointer comes out of: itself, or the first value of a variable that keeps it; 0: none. */
static uint32_t call_behind(const checker *c, uint32_t pointer) {
    const deed_node *n = node_at(c, pointer);
    uint32_t value = n->kind == DEED_CALL ? pointer : 0;
    if (n->kind == DEED_REF && is_fixed(c, n->decl))
        value = fh_u32s_get(c->facts->values, n->decl);
    if (value != 0 && node_at(c, value)->kind == DEED_CHOOSE) { /* NULL, or a call */
        uint32_t yes = kid(c, value, 1), no = kid(c, value, 2);
        value = node_at(c, yes)->kind == DEED_NULL ? no : node_at(c, no)->kind == DEED_NULL ? yes : 0;
    }
    return value != 0 && node_at(c, value)->kind == DEED_CALL ? value : 0;
}

/* A counted result: `count` elements of `bytes` are what the call was asked for. */
static bool is_result(const checker *c, uint32_t pointer, uint32_t count, int64_t bytes) {
    uint32_t call = call_behind(c, pointer), callee = call != 0 ? node_at(c, kid(c, call, 0))->decl : 0;
    const deed_contract *w = callee != 0 ? counted(c, callee) : NULL;
    if (w == NULL || w->arg_count == 0)
        return false;
    uint32_t number = kid(c, call, w->args[0]), size = w->arg_count > 1 ? kid(c, call, w->args[1]) : 0;
    int64_t made = size == 0 ? element_bytes(c, node_at(c, call)->type) : constant(c, size);
    return number != 0 && made >= bytes && is_same(c, number, count, true) && deed_is_there(c->unit, c->facts, pointer, count);
}

/* An argument of this function that is counted by the other one. */
static bool is_argument(const checker *c, uint32_t pointer, uint32_t count) {
    const deed_node *p = node_at(c, pointer), *n = node_at(c, count);
    const deed_decl *d = decl_at(c, p->decl);
    const deed_contract *w = p->kind == DEED_REF && d->kind == DEED_DECL_PARAMETER ? counted(c, p->decl) : NULL;
    if (w == NULL || w->arg_count != 1 || n->kind != DEED_REF || !is_fixed(c, p->decl) || !is_fixed(c, n->decl))
        return false;
    const deed_decl *function = decl_at(c, d->parent);
    uint32_t k = w->args[0] - 1;
    return k < function->count && fh_u32s_get(c->unit->members, function->first + k) == n->decl;
}

/* Both are fields of one span. */
static bool is_of_one_span(const checker *c, uint32_t pointer, uint32_t count, int64_t bytes) {
    const deed_node *p = node_at(c, pointer), *n = node_at(c, count);
    return p->kind == DEED_MEMBER && n->kind == DEED_MEMBER && p->op == n->op && counted(c, p->decl) != NULL &&
           element_bytes(c, p->type) >= bytes && partner_of(c, p->decl) == n->decl &&
           is_same(c, kid(c, pointer, 0), kid(c, count, 0), false);
}

/* Whether `pointer` leads to `count` elements of `bytes`. */
static bool is_measured(const checker *c, uint32_t pointer, uint32_t count, int64_t bytes) {
    const deed_node *p = node_at(c, pointer), *n = node_at(c, count);
    if (n->kind == DEED_INTEGER && n->number == 0)
        return true;
    if (p->kind == DEED_CHOOSE) /* either way */
        return is_measured(c, kid(c, pointer, 1), count, bytes) && is_measured(c, kid(c, pointer, 2), count, bytes);
    if (n->kind == DEED_CHOOSE && is_measured(c, pointer, kid(c, count, 1), bytes))
        return is_measured(c, pointer, kid(c, count, 2), bytes);
    const deed_type *t = type_of(c, pointer);
    if (t->kind == DEED_TYPE_ARRAY || p->kind == DEED_STRING) {
        int64_t have = element_bytes(c, p->type);
        return t->count >= 0 && have > 0 && bytes > 0 && t->count <= INT64_MAX / have &&
               deed_is_inside(c->unit, c->facts, count, t->count * have / bytes + 1);
    }
    bool one = n->kind == DEED_INTEGER && n->number == 1;
    if (one && (p->kind == DEED_ADDRESS || p->kind == DEED_REF || p->kind == DEED_MEMBER || p->kind == DEED_CALL))
        return element_bytes(c, p->type) >= bytes;
    return is_of_one_span(c, pointer, count, bytes) || is_argument(c, pointer, count) || is_result(c, pointer, count, bytes);
}

/* --- where ---------------------------------------------------------------------------------------------------------------- */

static void refuse(const checker *c, uint32_t node, const char *label) {
    deed_report_at(c->report, FH0511, node_at(c, node)->place, label, "a count that nobody measured");
    deed_help(c->report, "take a part of a span, name the array and its size, or let the allocator of the span make it");
}

/* A list of initial values: of each counted pointer in it, and of each count. */
static void check_list(const checker *c, uint32_t list) {
    const deed_node *n = node_at(c, list);
    for (uint32_t i = 0; i < n->count; i++) {
        uint32_t item = kid(c, list, i), field = item != 0 ? node_at(c, item)->field : 0, other = 0;
        uint32_t partner = field != 0 ? partner_of(c, field) : 0;
        for (uint32_t k = 0; partner != 0 && k < n->count; k++)
            other = kid(c, list, k) != 0 && node_at(c, kid(c, list, k))->field == partner ? kid(c, list, k) : other;
        if (partner == 0)
            continue;
        bool pointer = counted(c, field) != NULL;
        if (pointer && other != 0 && !is_measured(c, item, other, element_bytes(c, decl_at(c, field)->type)))
            refuse(c, other, "does the pointer lead to so many?");
        if (!pointer && other == 0 && !(node_at(c, item)->kind == DEED_INTEGER && node_at(c, item)->number == 0))
            refuse(c, item, "a count without its pointer");
    }
}

/* One of the two written alone, or lent to be written. */
static void check_part(const checker *c, uint32_t node) {
    uint32_t to = kid(c, node, 0), field = to != 0 && node_at(c, to)->kind == DEED_MEMBER ? node_at(c, to)->decl : 0;
    if (field != 0 && partner_of(c, field) != 0)
        refuse(c, node, "the pointer and its count change together, or not at all");
}

static void check_call(const checker *c, uint32_t call) {
    const deed_node *n = node_at(c, call), *callee = node_at(c, kid(c, call, 0));
    const deed_decl *f = decl_at(c, callee->decl);
    for (uint32_t i = 0; callee->decl != 0 && i < f->count && i + 1 < n->count; i++) {
        uint32_t parameter = fh_u32s_get(c->unit->members, f->first + i), pointer = kid(c, call, i + 1);
        const deed_contract *w = counted(c, parameter);
        uint32_t count = w != NULL && w->arg_count != 0 ? kid(c, call, w->args[0]) : 0;
        uint32_t size = w != NULL && w->arg_count > 1 ? kid(c, call, w->args[1]) : 0;
        if (count == 0)
            continue;
        int64_t bytes = size == 0 ? element_bytes(c, decl_at(c, parameter)->type) : constant(c, size);
        if (bytes == 0 || !is_measured(c, pointer, count, bytes))
            refuse(c, count, "does the pointer lead to so many?");
    }
}

/* A block that was asked for by its bytes becomes a pointer to a type: one of these must fit, or as many as were asked for. */
static void check_block(const checker *c, uint32_t value, uint32_t type) {
    const deed_node *n = node_at(c, value);
    uint32_t callee = value != 0 && n->kind == DEED_CALL ? node_at(c, kid(c, value, 0))->decl : 0;
    const deed_contract *w = callee != 0 ? counted(c, callee) : NULL;
    if (w == NULL || w->arg_count < 2)
        return;
    int64_t need = element_bytes(c, type), bytes = constant(c, kid(c, value, w->args[1]));
    int64_t count = constant(c, kid(c, value, w->args[0])), all = 0;
    bool fits = __builtin_mul_overflow(count, bytes, &all) || all >= need;
    if (need <= 1 || (bytes != 0 && (bytes % need == 0 || (count != 0 && fits))))
        return;
    deed_report_at(c->report, FH0511, n->place, "is it large enough?", "a block that is not measured by its type");
    deed_help(c->report, "give the size of what the pointer leads to: `sizeof *p`");
}

/* What a counted result promises, an audited room must keep. */
static void check_functions(const checker *c) {
    for (size_t i = 0; i < c->unit->functions.count; i++) {
        uint32_t f = fh_u32s_get(c->unit->functions, i);
        const deed_file *file = fh_deed_files_at(c->unit->files, decl_at(c, f)->place.file);
        if (!file->is_audited && !file->is_system && counted(c, f) != NULL) {
            deed_report_at(c->report, FH0511, decl_at(c, f)->place, "this file is not audited",
                           "`%.*s` promises a count that nobody measures", FH_SPAN_FMT(decl_at(c, f)->name));
            deed_help(c->report, "return a span");
        }
    }
}

fh_status deed_counted_check(const deed_unit *unit, const deed_facts *facts, deed_report *r) {
    checker c = {unit, facts, r};
    check_functions(&c);
    for (uint32_t i = 1; i < unit->nodes.count; i++) {
        const deed_node *n = fh_deed_nodes_at(unit->nodes, i);
        const deed_file *file = fh_deed_files_at(unit->files, n->place.file);
        bool steps = n->kind == DEED_UNARY && n->op >= DEED_OP_PRE_INC && n->op <= DEED_OP_POST_DEC;
        if (file->is_audited || file->is_system)
            continue;
        if (n->kind == DEED_VARIABLE)
            check_block(&c, kid(&c, i, 0), decl_at(&c, n->decl)->type);
        else if (n->kind == DEED_ASSIGN && n->op == DEED_OP_NONE)
            check_block(&c, kid(&c, i, 1), node_at(&c, kid(&c, i, 0))->type);
        if (n->kind == DEED_LIST)
            check_list(&c, i);
        else if (n->kind == DEED_ASSIGN || n->kind == DEED_ADDRESS || steps)
            check_part(&c, i);
        else if (n->kind == DEED_CALL)
            check_call(&c, i);
    }
    return deed_report_status(r);
}
