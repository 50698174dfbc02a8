/* bounds.c: whether an index into an array of known size is proved to lie inside.
 *
 * An index has a range: of its type, of what is computed, and of what is known of a variable where it is used. That is known
 * from the conditions that dominate the use: those of the ifs, loops and conditional expressions around it, and of the guards
 * before it in its blocks (`if (i >= 4) return …;`). A condition speaks of a variable for as long as nothing assigns it; it
 * must be a local or a parameter whose address nobody takes. What is not proved so is checked by the compiler (see raw.c), or
 * refused.
 *
 * Threading: flow.h. */
#include "check/bounds.h"

#include "check/flow.h"

enum { DEPTH_MAX = 6 }; /* of variables that are known through others */

typedef struct range {
    int64_t low, high;
} range;

static const range ANY = {INT64_MIN, INT64_MAX};

typedef struct prover {
    const deed_unit *unit;
    const deed_facts *facts;
} prover;

static const deed_node *node_at(const prover *p, uint32_t i) {
    return fh_deed_nodes_at(p->unit->nodes, i);
}

static uint32_t kid(const prover *p, uint32_t node, uint32_t i) {
    const deed_node *n = node_at(p, node);
    return i < n->count ? fh_u32s_get(p->unit->children, n->first + i) : 0;
}

static range meet(range a, range b) {
    return (range){a.low > b.low ? a.low : b.low, a.high < b.high ? a.high : b.high};
}

/* --- what may change a variable ------------------------------------------------------------------------------------------- */

static bool is_of(const prover *p, uint32_t node, uint32_t variable) {
    return node_at(p, node)->kind == DEED_REF && node_at(p, node)->decl == variable;
}

static bool is_step(const deed_node *n) {
    return n->kind == DEED_UNARY && n->op >= DEED_OP_PRE_INC && n->op <= DEED_OP_POST_DEC;
}

/* How a variable may change: bits. */
enum { GOES_UP = 1, GOES_DOWN = 2, GOES_ANYWHERE = 4 };

/* How something under the node changes the variable. */
static unsigned changes(const prover *p, uint32_t node, uint32_t variable) {
    const deed_node *n = node_at(p, node);
    unsigned how = 0;
    if (is_step(n) && is_of(p, kid(p, node, 0), variable))
        how = n->op == DEED_OP_PRE_INC || n->op == DEED_OP_POST_INC ? GOES_UP : GOES_DOWN;
    else if ((n->kind == DEED_ASSIGN || n->kind == DEED_ADDRESS) && is_of(p, kid(p, node, 0), variable))
        how = GOES_ANYWHERE;
    for (uint32_t i = 0; i < n->count; i++)
        how |= kid(p, node, i) != 0 ? changes(p, kid(p, node, i), variable) : 0;
    return how;
}

/* Whether something under the node changes a variable in an expression. */
static bool disturbs(const prover *p, uint32_t node, uint32_t what) {
    const deed_node *n = node_at(p, what);
    if (n->kind == DEED_REF)
        return changes(p, node, n->decl) != 0;
    for (uint32_t i = 0; i < n->count; i++) {
        if (disturbs(p, node, kid(p, what, i)))
            return true;
    }
    return false;
}

/* A local or a parameter whose address is taken nowhere, or an expression of those alone. */
static bool is_private(const prover *p, uint32_t what) {
    const deed_node *n = node_at(p, what);
    bool local = n->kind == DEED_INTEGER || n->kind == DEED_BINARY || n->kind == DEED_REF;
    for (uint32_t i = 0; local && i < n->count; i++)
        local = is_private(p, kid(p, what, i));
    if (!local || n->kind != DEED_REF)
        return local;
    const deed_decl *d = fh_deed_decls_at(p->unit->decls, n->decl);
    local = !d->is_global && !d->is_static && (d->kind == DEED_DECL_VARIABLE || d->kind == DEED_DECL_PARAMETER);
    return local && (fh_u32s_get(p->facts->writes, n->decl) & DEED_ADDRESSED) == 0;
}

/* Whether two private expressions are written alike. */
static bool is_same(const prover *p, uint32_t a, uint32_t b) {
    const deed_node *x = node_at(p, a), *y = node_at(p, b);
    bool same = x->kind == y->kind && x->op == y->op && x->decl == y->decl && x->number == y->number && x->count == y->count &&
                x->type == y->type;
    for (uint32_t i = 0; same && i < x->count; i++)
        same = is_same(p, kid(p, a, i), kid(p, b, i));
    return same;
}

/* Whether a jump may come in between a condition around a node and the node: there is a label before it in its function. */
static bool is_jumped_to(const prover *p, uint32_t node) {
    uint32_t from = node;
    while (fh_u32s_get(p->facts->parents, from) != 0)
        from = fh_u32s_get(p->facts->parents, from);
    for (uint32_t i = from; i < node; i++) {
        if (node_at(p, i)->kind == DEED_LABEL)
            return true;
    }
    return false;
}

/* --- ranges --------------------------------------------------------------------------------------------------------------- */

static range range_of(const prover *p, uint32_t node, unsigned depth);

/* No bound: of a number of 64 bits without a sign, INT64_MAX stands for whatever it may be. */
static bool is_unsigned(fh_span spelling) {
    return fh_span_starts(spelling, FH_LIT("unsigned")) || fh_span_is(spelling, "_Bool") || fh_span_is(spelling, "bool");
}

static range range_of_type(const prover *p, uint32_t type) {
    const deed_type *t = fh_deed_types_at(p->unit->types, type);
    fh_span s = t->spelling;
    if (t->kind == DEED_TYPE_POINTER)
        return (range){0, INT64_MAX};
    if (t->kind != DEED_TYPE_NUMBER)
        return ANY;
    if (fh_span_is(s, "_Bool") || fh_span_is(s, "bool"))
        return (range){0, 1};
    if (fh_span_is(s, "unsigned char"))
        return (range){0, UINT8_MAX};
    if (fh_span_is(s, "unsigned short"))
        return (range){0, UINT16_MAX};
    if (fh_span_is(s, "unsigned int"))
        return (range){0, UINT32_MAX};
    return is_unsigned(s) ? (range){0, INT64_MAX} : ANY;
}

/* What a comparison says of its left side, whose right side has range `r`. */
static range from_comparison(deed_op op, range r) {
    switch ((int)op) {
    case DEED_OP_LT: return (range){INT64_MIN, r.high == INT64_MAX ? INT64_MAX : r.high - (r.high > INT64_MIN)};
    case DEED_OP_LE: return (range){INT64_MIN, r.high};
    case DEED_OP_GT: return (range){r.low == INT64_MIN ? INT64_MIN : r.low + (r.low < INT64_MAX), INT64_MAX};
    case DEED_OP_GE: return (range){r.low, INT64_MAX};
    case DEED_OP_EQ: return r;
    default: return ANY;
    }
}

static deed_op negated(deed_op op) {
    switch ((int)op) {
    case DEED_OP_LT: return DEED_OP_GE;
    case DEED_OP_LE: return DEED_OP_GT;
    case DEED_OP_GT: return DEED_OP_LE;
    case DEED_OP_GE: return DEED_OP_LT;
    case DEED_OP_EQ: return DEED_OP_NE;
    case DEED_OP_NE: return DEED_OP_EQ;
    default: return DEED_OP_NONE;
    }
}

static deed_op mirrored(deed_op op) {
    switch ((int)op) {
    case DEED_OP_LT: return DEED_OP_GT;
    case DEED_OP_LE: return DEED_OP_GE;
    case DEED_OP_GT: return DEED_OP_LT;
    case DEED_OP_GE: return DEED_OP_LE;
    default: return op;
    }
}

/* Whether the type is computed with as it is, without a sign. */
static bool is_wide_unsigned(const prover *p, uint32_t node) {
    fh_span s = fh_deed_types_at(p->unit->types, node_at(p, node)->type)->spelling;
    return is_unsigned(s) && !fh_span_is(s, "unsigned char") && !fh_span_is(s, "unsigned short") &&
           !fh_span_is(s, "_Bool") && !fh_span_is(s, "bool");
}

/* What `what op other` says of its left side. Where one side has a sign and the other has none, the language compares
 * without: that a converted number is small still says that it was not negative. */
static range compared(const prover *p, uint32_t what, deed_op op, uint32_t other, unsigned depth) {
    range r = range_of(p, other, depth + 1);
    if (op == DEED_OP_NE && r.low == 0 && r.high == 0 && range_of_type(p, node_at(p, what)->type).low >= 0)
        return (range){1, INT64_MAX};
    bool left = is_wide_unsigned(p, what), right = is_wide_unsigned(p, other);
    if (left == right || (left && r.low >= 0))
        return from_comparison(op, r);
    range small = from_comparison(op, (range){0, r.high});
    bool below = op == DEED_OP_LT || op == DEED_OP_LE || op == DEED_OP_EQ;
    return right && below && small.high < INT32_MAX ? (range){0, small.high} : ANY;
}

/* What a condition says of a private expression when it is true, or false. */
static range from_condition(const prover *p, uint32_t condition, bool truth, uint32_t what, unsigned depth) {
    const deed_node *n = node_at(p, condition);
    uint32_t left = kid(p, condition, 0), right = kid(p, condition, 1);
    if (n->kind == DEED_UNARY && n->op == DEED_OP_LNOT)
        return from_condition(p, left, !truth, what, depth);
    if (truth && is_same(p, condition, what) && range_of_type(p, n->type).low >= 0)
        return (range){1, INT64_MAX};
    if (n->kind != DEED_BINARY)
        return ANY;
    if ((n->op == DEED_OP_LAND && truth) || (n->op == DEED_OP_LOR && !truth))
        return meet(from_condition(p, left, truth, what, depth), from_condition(p, right, truth, what, depth));
    deed_op op = truth ? n->op : negated(n->op);
    if (is_same(p, left, what))
        return compared(p, left, op, right, depth);
    if (is_same(p, right, what))
        return compared(p, right, mirrored(op), left, depth);
    return ANY;
}

/* The same behind the condition, which may change the expression itself. */
static range behind(const prover *p, uint32_t condition, bool truth, uint32_t what, unsigned depth) {
    return disturbs(p, condition, what) ? ANY : from_condition(p, condition, truth, what, depth);
}

/* Whether control never runs past a statement. */
static bool leaves(const prover *p, uint32_t node) {
    const deed_node *n = node_at(p, node);
    switch ((int)n->kind) {
    case DEED_RETURN:
    case DEED_BREAK:
    case DEED_CONTINUE:
    case DEED_GOTO: return true;
    case DEED_BLOCK: return n->count != 0 && leaves(p, kid(p, node, n->count - 1));
    case DEED_CALL: {
        uint32_t callee = node_at(p, kid(p, node, 0))->decl;
        return callee != 0 && deed_never_returns(p->unit, callee);
    }
    default: return false;
    }
}

/* The guard that a statement is, perhaps in the braces of a macro: the if without else that leaves. 0: none. */
static uint32_t guard_in(const prover *p, uint32_t node) {
    const deed_node *n = node_at(p, node);
    if (n->kind == DEED_IF)
        return kid(p, node, 2) == 0 && leaves(p, kid(p, node, 1)) ? node : 0;
    if (n->kind == DEED_DO || (n->kind == DEED_BLOCK && n->count == 1))
        return kid(p, node, 0) != 0 ? guard_in(p, kid(p, node, 0)) : 0;
    return 0;
}

/* The guards among the statements of a block before `child`. */
static range from_guards(const prover *p, uint32_t block, uint32_t child, uint32_t what, unsigned depth) {
    range r = ANY;
    const deed_node *n = node_at(p, block);
    for (uint32_t i = 0; i < n->count && kid(p, block, i) != child; i++) {
        uint32_t statement = kid(p, block, i), guard = guard_in(p, statement);
        deed_kind kind = node_at(p, statement)->kind;
        if (disturbs(p, statement, what) || kind == DEED_CASE || kind == DEED_DEFAULT)
            r = ANY;
        else if (guard != 0)
            r = meet(r, from_condition(p, kid(p, guard, 0), false, what, depth));
    }
    return r;
}

static bool is_loop(const deed_node *n) {
    return n->kind == DEED_FOR || n->kind == DEED_WHILE || n->kind == DEED_DO;
}

/* Whether an expression has the same value where `top` begins and at the node `use` inside it. */
static bool is_kept(const prover *p, uint32_t top, uint32_t use, uint32_t what) {
    for (uint32_t child = use; child != top; child = fh_u32s_get(p->facts->parents, child)) {
        uint32_t parent = fh_u32s_get(p->facts->parents, child);
        const deed_node *n = node_at(p, parent);
        bool in_order = n->kind == DEED_BLOCK || n->kind == DEED_IF;
        for (uint32_t i = 0; i < n->count && (is_loop(n) || !in_order || kid(p, parent, i) != child); i++) {
            if (kid(p, parent, i) != child && kid(p, parent, i) != 0 && disturbs(p, kid(p, parent, i), what))
                return false;
        }
        if (is_loop(n) && disturbs(p, child, what))
            return false;
    }
    return true;
}

/* --- variables ------------------------------------------------------------------------------------------------------------ */

/* Whether steps may lead a variable round the end of its type: not with a sign, for that is undefined (but a narrow one comes
 * back), nor upwards in 64 bits, for that takes centuries. */
static bool goes_round(const prover *p, uint32_t use, unsigned how) {
    static const char *const fixed[] = {"int", "long", "long long"}, *const wide[] = {"unsigned long", "unsigned long long"};
    fh_span s = fh_deed_types_at(p->unit->types, node_at(p, use)->type)->spelling;
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        if (fh_span_is(s, fixed[i]))
            return false;
    }
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++) {
        if (fh_span_is(s, wide[i]))
            return how != GOES_UP;
    }
    return true;
}

/* From a start that is only stepped up, or only down. `ends`: before it could go round. */
static range from_steps(const prover *p, uint32_t start, uint32_t use, unsigned how, bool ends, unsigned depth) {
    range r = range_of(p, start, depth + 1);
    if (how == 0)
        return r;
    if ((how != GOES_UP && how != GOES_DOWN) || (!ends && goes_round(p, use, how)))
        return ANY;
    return how == GOES_UP ? (range){r.low, INT64_MAX} : (range){INT64_MIN, r.high};
}

/* What the first statement of a for says of a variable: where it starts, and which way it goes. */
static range from_start(const prover *p, uint32_t loop, uint32_t use, unsigned depth) {
    uint32_t start = kid(p, loop, 0), value = 0, variable = node_at(p, use)->decl;
    const deed_node *n = node_at(p, start);
    if (n->kind == DEED_ASSIGN && n->op == DEED_OP_NONE && is_of(p, kid(p, start, 0), variable))
        value = kid(p, start, 1);
    for (uint32_t i = 0; n->kind == DEED_DECLARE && i < n->count; i++) {
        if (node_at(p, kid(p, start, i))->decl == variable)
            value = kid(p, kid(p, start, i), 0);
    }
    if (value == 0)
        return ANY;
    uint32_t condition = kid(p, loop, 1), step = kid(p, loop, 2);
    unsigned inside = changes(p, kid(p, loop, 3), variable) | (condition != 0 ? changes(p, condition, variable) : 0);
    unsigned how = inside | (step != 0 ? changes(p, step, variable) : 0);
    bool ends = false;
    if (inside == 0 && condition != 0 && is_step(node_at(p, step))) { /* one step a round, from where the condition holds */
        range before = from_condition(p, condition, true, use, depth + 1);
        ends = how == GOES_UP ? before.high < range_of_type(p, node_at(p, use)->type).high : before.low >= 1;
    }
    return from_steps(p, value, use, how, ends, depth);
}

static bool is_under(const prover *p, uint32_t node, uint32_t top) {
    while (node != 0 && node != top)
        node = fh_u32s_get(p->facts->parents, node);
    return node == top;
}

/* What the declaration says of a variable, by all that its function does to it. With `first_loop`: when control comes to that
 * loop, which must be once in the variable's life. */
static range from_first_value(const prover *p, uint32_t use, uint32_t first_loop, unsigned depth) {
    uint32_t declared = 0, variable = node_at(p, use)->decl;
    uint32_t value = fh_u32s_get(p->facts->values, variable);
    unsigned how = 0;
    if (value == 0 || (fh_u32s_get(p->facts->writes, variable) & DEED_WRITTEN) == 0)
        return value == 0 ? ANY : range_of(p, value, depth + 1);
    for (uint32_t i = 1; i < p->unit->nodes.count; i++) {
        const deed_node *n = node_at(p, i);
        if (n->kind == DEED_VARIABLE && n->decl == variable)
            declared = i;
        else if ((n->kind == DEED_ASSIGN || is_step(n)) && is_of(p, kid(p, i, 0), variable) &&
                 (first_loop == 0 || !is_under(p, i, first_loop)))
            how |= changes(p, i, variable);
    }
    for (uint32_t i = first_loop; i != 0; i = fh_u32s_get(p->facts->parents, i)) {
        if (is_loop(node_at(p, i)) && i != first_loop && !is_under(p, declared, i))
            return ANY;
    }
    return from_steps(p, value, use, how, false, depth);
}

/* --- what stands around --------------------------------------------------------------------------------------------------- */

static range join(range a, range b) {
    return (range){a.low < b.low ? a.low : b.low, a.high > b.high ? a.high : b.high};
}

/* What the construct around `child` says of an expression at the node `use` inside `child`. */
static range from_parent(const prover *p, uint32_t parent, uint32_t child, uint32_t use, uint32_t what, unsigned depth) {
    const deed_node *n = node_at(p, parent);
    uint32_t first = kid(p, parent, 0), second = kid(p, parent, 1), third = kid(p, parent, 2);
    bool variable = node_at(p, what)->kind == DEED_REF;
    if (n->kind == DEED_BLOCK) {
        range r = from_guards(p, parent, child, what, depth);
        return is_kept(p, child, use, what) ? r : ANY;
    }
    if (n->kind == DEED_FOR && child != first) {
        range r = variable ? from_start(p, parent, what, depth) : ANY;
        bool body = child == kid(p, parent, 3) && second != 0 && is_kept(p, child, use, what);
        return body ? meet(r, behind(p, second, true, what, depth)) : r;
    }
    if (!is_kept(p, child, use, what))
        return ANY;
    if ((n->kind == DEED_IF || n->kind == DEED_CHOOSE) && child != first)
        return behind(p, first, child == second && second != third, what, depth);
    if (n->kind == DEED_WHILE && child == second)
        return behind(p, first, true, what, depth);
    if (n->kind == DEED_DO && child == first && variable)
        return join(from_first_value(p, what, parent, depth), behind(p, second, true, what, depth));
    if (n->kind == DEED_BINARY && child == second && (n->op == DEED_OP_LAND || n->op == DEED_OP_LOR))
        return behind(p, first, n->op == DEED_OP_LAND, what, depth);
    return ANY;
}

/* What is known of a variable, or of an expression of variables, at the node `use`. */
static range from_around(const prover *p, uint32_t what, uint32_t use, unsigned depth) {
    range r = ANY;
    if (depth >= DEPTH_MAX || !is_private(p, what))
        return r;
    if (node_at(p, what)->kind == DEED_REF)
        r = from_first_value(p, what, 0, depth);
    if (is_jumped_to(p, use))
        return r;
    for (uint32_t child = use; fh_u32s_get(p->facts->parents, child) != 0; child = fh_u32s_get(p->facts->parents, child)) {
        uint32_t parent = fh_u32s_get(p->facts->parents, child);
        r = meet(r, from_parent(p, parent, child, use, what, depth));
        if (is_loop(node_at(p, parent)) && disturbs(p, parent, what))
            break; /* what holds around a loop that changes it need not hold inside */
    }
    return r;
}

/* --- computations --------------------------------------------------------------------------------------------------------- */

static range sum(range a, range b) {
    range r = {0, 0};
    if (__builtin_add_overflow(a.low, b.low, &r.low) || __builtin_add_overflow(a.high, b.high, &r.high))
        return ANY;
    return r;
}

static range product(range a, range b) {
    range r = {0, 0};
    bool wraps = __builtin_mul_overflow(a.low, b.low, &r.low) || __builtin_mul_overflow(a.high, b.high, &r.high);
    return wraps || a.low < 0 || b.low < 0 ? ANY : r;
}

static range range_of_binary(deed_op op, range a, range b) {
    bool constant = b.low == b.high && b.low > 0;
    switch ((int)op) {
    case DEED_OP_LT: case DEED_OP_GT: case DEED_OP_LE: case DEED_OP_GE: case DEED_OP_EQ: case DEED_OP_NE: case DEED_OP_LAND:
    case DEED_OP_LOR: return (range){0, 1};
    case DEED_OP_REM: return constant && a.low >= 0 ? (range){0, b.high - 1 < a.high ? b.high - 1 : a.high} : ANY;
    case DEED_OP_AND:
        return a.low >= 0 && b.low >= 0 ? (range){0, a.high < b.high ? a.high : b.high}
               : b.low >= 0             ? (range){0, b.high}
               : a.low >= 0             ? (range){0, a.high}
                                        : ANY;
    case DEED_OP_DIV: return constant && a.low >= 0 && a.high < INT64_MAX ? (range){a.low / b.high, a.high / b.high} : ANY;
    case DEED_OP_SHR:
        return b.low == b.high && b.low >= 0 && b.low < 63 && a.low >= 0 && a.high < INT64_MAX
                   ? (range){a.low >> b.low, a.high >> b.low}
                   : ANY;
    case DEED_OP_ADD: return a.high == INT64_MAX || b.high == INT64_MAX ? ANY : sum(a, b);
    case DEED_OP_SUB:
        return b.low == INT64_MIN || b.high == INT64_MAX || a.high == INT64_MAX ? ANY : sum(a, (range){-b.high, -b.low});
    case DEED_OP_MUL: return a.high == INT64_MAX || b.high == INT64_MAX ? ANY : product(a, b);
    default: return ANY;
    }
}

/* A computation that would leave its type wraps, if that is unsigned: then nothing but the type is known. */
static range in_type(const prover *p, uint32_t type, range r) {
    range of = range_of_type(p, type);
    return r.low >= of.low && r.high <= of.high ? r : of;
}

static range range_of(const prover *p, uint32_t node, unsigned depth) {
    const deed_node *n = node_at(p, node);
    if (depth >= DEPTH_MAX || node == 0)
        return ANY;
    switch ((int)n->kind) {
    case DEED_INTEGER: return (range){n->number, n->number};
    case DEED_NULL: return (range){0, 0};
    case DEED_REF: return meet(range_of_type(p, n->type), from_around(p, node, node, depth));
    case DEED_CAST: return in_type(p, n->type, range_of(p, kid(p, node, 0), depth));
    case DEED_UNARY:
        return n->op == DEED_OP_LNOT ? (range){0, 1}
               : n->op == DEED_OP_PLUS ? range_of(p, kid(p, node, 0), depth)
                                       : range_of_type(p, n->type);
    case DEED_CHOOSE: {
        range a = range_of(p, kid(p, node, 1), depth), b = range_of(p, kid(p, node, 2), depth);
        return join(a, b);
    }
    case DEED_BINARY: {
        range a = range_of(p, kid(p, node, 0), depth), b = range_of(p, kid(p, node, 1), depth);
        return meet(in_type(p, n->type, range_of_binary(n->op, a, b)), from_around(p, node, node, depth));
    }
    default: return range_of_type(p, n->type);
    }
}

bool deed_is_inside(const deed_unit *unit, const deed_facts *facts, uint32_t index, int64_t count) {
    prover p = {unit, facts};
    range r = range_of(&p, index, 0);
    return r.low >= 0 && r.high < count;
}

bool deed_is_there(const deed_unit *unit, const deed_facts *facts, uint32_t pointer, uint32_t use) {
    prover p = {unit, facts};
    return node_at(&p, pointer)->kind == DEED_REF && from_around(&p, pointer, use, 0).low > 0;
}

/* --- what is looked up ---------------------------------------------------------------------------------------------------- */

static fh_status new_column(const deed_unit *unit, size_t count, fh_out fh_view(*1) fh_u32s *out) {
    uint32_t *at = fh_arena_alloc(unit->arena, count, sizeof *at);
    if (at == NULL)
        return FH_STATUS(FH_NOMEM);
    *out = (fh_u32s){at, count};
    return FH_DONE;
}

/* Notes what a node does to a variable. */
static void note(const prover *p, const deed_facts *facts, uint32_t node) {
    const deed_node *n = node_at(p, node);
    uint32_t bits = n->kind == DEED_ASSIGN || is_step(n) ? DEED_WRITTEN : n->kind == DEED_ADDRESS ? DEED_ADDRESSED : 0;
    uint32_t to = bits != 0 ? kid(p, node, 0) : 0;
    if (n->kind == DEED_VARIABLE)
        fh_u32s_set(facts->values, n->decl, kid(p, node, 0));
    for (const deed_node *at = node_at(p, to); to != 0; at = node_at(p, to)) {
        if (at->kind != DEED_INDEX && (at->kind != DEED_MEMBER || at->op != DEED_OP_DOT))
            break;
        to = kid(p, to, 0);
        bits = DEED_PARTLY;
    }
    if (to != 0 && node_at(p, to)->kind == DEED_REF)
        fh_u32s_set(facts->writes, node_at(p, to)->decl, fh_u32s_get(facts->writes, node_at(p, to)->decl) | bits);
}

fh_status deed_facts_of(const deed_unit *unit, deed_facts *out) {
    FH_TRY(new_column(unit, unit->nodes.count, &out->parents));
    FH_TRY(new_column(unit, unit->decls.count, &out->values));
    FH_TRY(new_column(unit, unit->decls.count, &out->writes));
    prover p = {unit, out};
    for (uint32_t i = 1; i < unit->nodes.count; i++) {
        for (uint32_t k = 0; k < node_at(&p, i)->count; k++)
            fh_u32s_set(out->parents, kid(&p, i, k), i);
        note(&p, out, i);
    }
    return FH_DONE;
}
