/* clang_expr.c: expressions and initializers, out of libclang's cursors.
 *
 * libclang hides a few things, and each has its answer here: an implicit cast is an unexposed expression that covers the same
 * text as its only child; a designator is one that begins with references to members; what remains is a constant, or a
 * DEED_UNKNOWN.
 *
 * Threading: one thread at a time. */
#include "check/clang_build.h"

static uint32_t read_list(deed_build *b, CXCursor c, uint32_t type);

/* --- expressions ---------------------------------------------------------------------------------------------------------- */

/* A DEED_UNKNOWN with the expressions of it. */
static uint32_t unknown_with(deed_build *b, CXCursor c, const char *what, deed_kids kids) {
    uint32_t id = deed_unknown(b, c, what);
    size_t base = b->pending.count;
    for (size_t i = 0; i < kids.count; i++) {
        CXCursor kid = deed_kid(b, kids, i);
        if (clang_isExpression(clang_getCursorKind(kid)) != 0)
            deed_push_u32(&b->memory, &b->pending, deed_read_expr(b, kid));
    }
    return deed_adopt_pending(b, id, base);
}

static uint32_t integer(deed_build *b, CXCursor c) {
    int64_t value = 0;
    if (!deed_constant(c, &value))
        return deed_unknown(b, c, NULL);
    uint32_t id = deed_new_node(b, DEED_INTEGER, c);
    deed_node_row(b, id)->number = value;
    return id;
}

/* Only the expressions among the children stay. */
static deed_kids exprs_of(deed_build *b, CXCursor c) {
    deed_kids k = deed_kids_of(b, c);
    size_t kept = 0;
    for (size_t i = 0; i < k.count; i++) {
        CXCursor kid = deed_kid(b, k, i);
        if (clang_isExpression(clang_getCursorKind(kid)) != 0)
            deed_kid_set(b, k, kept++, kid);
    }
    k.count = kept;
    b->cursors.count = k.first + kept;
    return k;
}

static bool is_zero(deed_build *b, uint32_t id) {
    const deed_node *n = deed_node_row(b, id);
    return n->kind == DEED_INTEGER && n->number == 0;
}

static bool is_pointer(CXCursor c) {
    return clang_getCanonicalType(clang_getCursorType(c)).kind == CXType_Pointer;
}

/* A conversion of the integer 0 to a pointer is a null pointer constant; then `id` becomes one. */
static void note_null(deed_build *b, uint32_t id, CXCursor conversion) {
    if (is_pointer(conversion) && is_zero(b, id)) {
        deed_node_row(b, id)->kind = DEED_NULL;
        deed_node_row(b, id)->type = deed_type_of(b, clang_getCursorType(conversion));
    }
}

static bool same_range(CXCursor a, CXCursor c) {
    return clang_equalRanges(clang_getCursorExtent(a), clang_getCursorExtent(c)) != 0;
}

/* libclang does not say what this is: an implicit cast, or one of many rarer things. */
static uint32_t read_unexposed(deed_build *b, CXCursor c) {
    deed_kids kids = exprs_of(b, c);
    uint32_t id = 0;
    int64_t value = 0;
    if (kids.count == 1 && same_range(c, deed_kid(b, kids, 0))) {
        CXCursor kid = deed_kid(b, kids, 0);
        id = deed_read_expr(b, kid);
        note_null(b, id, c);
    } else if (deed_constant(c, &value)) {
        id = integer(b, c); /* offsetof, __builtin_types_compatible_p … */
    } else {
        id = unknown_with(b, c, NULL, kids);
    }
    deed_kids_end(b, kids);
    return id;
}

static deed_op unary_op(enum CXUnaryOperatorKind kind) {
    switch ((int)kind) {
    case CXUnaryOperator_PostInc: return DEED_OP_POST_INC;
    case CXUnaryOperator_PostDec: return DEED_OP_POST_DEC;
    case CXUnaryOperator_PreInc: return DEED_OP_PRE_INC;
    case CXUnaryOperator_PreDec: return DEED_OP_PRE_DEC;
    case CXUnaryOperator_Plus: return DEED_OP_PLUS;
    case CXUnaryOperator_Minus: return DEED_OP_NEG;
    case CXUnaryOperator_Not: return DEED_OP_NOT;
    case CXUnaryOperator_LNot: return DEED_OP_LNOT;
    default: return DEED_OP_NONE;
    }
}

static uint32_t read_unary(deed_build *b, CXCursor c, deed_kids kids) {
    enum CXUnaryOperatorKind kind = clang_getCursorUnaryOperatorKind(c);
    if (kids.count == 1 && kind == CXUnaryOperator_Extension)
        return deed_read_expr(b, deed_kid(b, kids, 0));
    deed_op op = unary_op(kind);
    deed_kind as = kind == CXUnaryOperator_AddrOf ? DEED_ADDRESS : kind == CXUnaryOperator_Deref ? DEED_DEREF : DEED_UNARY;
    if (kids.count != 1 || (as == DEED_UNARY && op == DEED_OP_NONE))
        return unknown_with(b, c, NULL, kids);
    uint32_t id = deed_new_node(b, as, c);
    deed_node_row(b, id)->op = op;
    uint32_t operand = deed_read_expr(b, deed_kid(b, kids, 0));
    return deed_adopt(b, id, &operand, 1);
}

static const deed_op binary_ops[] = {
    [CXBinaryOperator_Mul] = DEED_OP_MUL, [CXBinaryOperator_Div] = DEED_OP_DIV, [CXBinaryOperator_Rem] = DEED_OP_REM,
    [CXBinaryOperator_Add] = DEED_OP_ADD, [CXBinaryOperator_Sub] = DEED_OP_SUB, [CXBinaryOperator_Shl] = DEED_OP_SHL,
    [CXBinaryOperator_Shr] = DEED_OP_SHR, [CXBinaryOperator_LT] = DEED_OP_LT, [CXBinaryOperator_GT] = DEED_OP_GT,
    [CXBinaryOperator_LE] = DEED_OP_LE, [CXBinaryOperator_GE] = DEED_OP_GE, [CXBinaryOperator_EQ] = DEED_OP_EQ,
    [CXBinaryOperator_NE] = DEED_OP_NE, [CXBinaryOperator_And] = DEED_OP_AND, [CXBinaryOperator_Xor] = DEED_OP_XOR,
    [CXBinaryOperator_Or] = DEED_OP_OR, [CXBinaryOperator_LAnd] = DEED_OP_LAND, [CXBinaryOperator_LOr] = DEED_OP_LOR,
    [CXBinaryOperator_MulAssign] = DEED_OP_MUL, [CXBinaryOperator_DivAssign] = DEED_OP_DIV,
    [CXBinaryOperator_RemAssign] = DEED_OP_REM, [CXBinaryOperator_AddAssign] = DEED_OP_ADD,
    [CXBinaryOperator_SubAssign] = DEED_OP_SUB, [CXBinaryOperator_ShlAssign] = DEED_OP_SHL,
    [CXBinaryOperator_ShrAssign] = DEED_OP_SHR, [CXBinaryOperator_AndAssign] = DEED_OP_AND,
    [CXBinaryOperator_XorAssign] = DEED_OP_XOR, [CXBinaryOperator_OrAssign] = DEED_OP_OR,
    [CXBinaryOperator_Comma] = DEED_OP_NONE,
};

static uint32_t read_binary(deed_build *b, CXCursor c, deed_kids kids) {
    enum CXBinaryOperatorKind kind = clang_getCursorBinaryOperatorKind(c);
    if (kids.count != 2 || kind == CXBinaryOperator_Invalid || kind > CXBinaryOperator_Comma)
        return unknown_with(b, c, NULL, kids);
    deed_op op = binary_ops[kind];
    deed_kind as = kind >= CXBinaryOperator_Assign && kind < CXBinaryOperator_Comma ? DEED_ASSIGN
                   : kind == CXBinaryOperator_Comma                                  ? DEED_SEQUENCE
                                                                                     : DEED_BINARY;
    if (as == DEED_BINARY && op == DEED_OP_NONE)
        return unknown_with(b, c, NULL, kids);
    uint32_t id = deed_new_node(b, as, c);
    deed_node_row(b, id)->op = op;
    uint32_t left = deed_read_expr(b, deed_kid(b, kids, 0)), sides[2] = {left, deed_read_expr(b, deed_kid(b, kids, 1))};
    return deed_adopt(b, id, sides, 2);
}

/* A node of the kind with all the expressions as its children. */
static uint32_t read_all(deed_build *b, deed_kind kind, CXCursor c, deed_kids kids) {
    uint32_t id = deed_new_node(b, kind, c);
    size_t base = b->pending.count;
    for (size_t i = 0; i < kids.count; i++)
        deed_push_u32(&b->memory, &b->pending, deed_read_expr(b, deed_kid(b, kids, i)));
    return deed_adopt_pending(b, id, base);
}

static uint32_t read_ref(deed_build *b, CXCursor c) {
    CXCursor to = clang_getCursorReferenced(c);
    if (clang_getCursorKind(to) == CXCursor_EnumConstantDecl) {
        uint32_t id = deed_new_node(b, DEED_INTEGER, c);
        deed_node_row(b, id)->number = clang_getEnumConstantDeclValue(to);
        return id;
    }
    uint32_t decl = deed_entity_of(b, to);
    if (decl == 0)
        return deed_unknown(b, c, NULL);
    uint32_t id = deed_new_node(b, DEED_REF, c);
    deed_node_row(b, id)->decl = decl;
    return id;
}

static uint32_t read_member(deed_build *b, CXCursor c, deed_kids kids) {
    uint32_t field = deed_decl_of(b, clang_getCursorReferenced(c));
    if (kids.count != 1 || field == 0)
        return unknown_with(b, c, NULL, kids);
    uint32_t id = deed_new_node(b, DEED_MEMBER, c);
    deed_node_row(b, id)->decl = field;
    deed_node_row(b, id)->op = is_pointer(deed_kid(b, kids, 0)) ? DEED_OP_ARROW : DEED_OP_DOT;
    uint32_t base = deed_read_expr(b, deed_kid(b, kids, 0));
    return deed_adopt(b, id, &base, 1);
}

static uint32_t read_call(deed_build *b, CXCursor c, deed_kids kids) {
    if (kids.count == 3 && deed_is_named(c, FH_LIT("__builtin_expect")))
        return deed_read_expr(b, deed_kid(b, kids, 1));
    return kids.count == 0 ? deed_unknown(b, c, NULL) : read_all(b, DEED_CALL, c, kids);
}

static uint32_t read_cast(deed_build *b, CXCursor c, deed_kids kids) {
    if (kids.count == 0)
        return deed_unknown(b, c, NULL);
    CXCursor last = deed_kid(b, kids, kids.count - 1);
    uint32_t id = deed_new_node(b, DEED_CAST, c);
    uint32_t operand = deed_read_expr(b, last);
    bool null = is_pointer(c) && is_zero(b, operand);
    if (null) {
        deed_node_row(b, id)->kind = DEED_NULL;
        return id;
    }
    return deed_adopt(b, id, &operand, 1);
}

static uint32_t read_index(deed_build *b, CXCursor c, deed_kids kids) {
    if (kids.count != 2)
        return unknown_with(b, c, NULL, kids);
    bool swapped = !is_pointer(deed_kid(b, kids, 0)) && is_pointer(deed_kid(b, kids, 1)); /* 2[a] */
    uint32_t id = deed_new_node(b, DEED_INDEX, c);
    uint32_t first = deed_read_expr(b, deed_kid(b, kids, swapped ? 1 : 0));
    uint32_t sides[2] = {first, deed_read_expr(b, deed_kid(b, kids, swapped ? 0 : 1))};
    return deed_adopt(b, id, sides, 2);
}

uint32_t deed_read_value(deed_build *b, CXCursor c, uint32_t type) {
    return clang_getCursorKind(c) == CXCursor_InitListExpr ? read_list(b, c, type) : deed_read_expr(b, c);
}

static uint32_t read_literal(deed_build *b, CXCursor c, deed_kids kids) {
    if (kids.count == 0)
        return deed_unknown(b, c, NULL);
    uint32_t id = deed_new_node(b, DEED_LITERAL, c), type = deed_node_row(b, id)->type;
    uint32_t value = deed_read_value(b, deed_kid(b, kids, kids.count - 1), type);
    return deed_adopt(b, id, &value, 1);
}

static uint32_t read_block_value(deed_build *b, CXCursor c) {
    uint32_t id = deed_new_node(b, DEED_STATEMENTS, c), body = 0;
    deed_kids kids = deed_kids_of(b, c);
    if (kids.count == 1)
        body = deed_read_stmt(b, deed_kid(b, kids, 0));
    deed_kids_end(b, kids);
    return deed_adopt(b, id, &body, 1);
}

static uint32_t read_operands(deed_build *b, CXCursor c, enum CXCursorKind kind, deed_kids kids) {
    switch ((int)kind) {
    case CXCursor_MemberRefExpr: return read_member(b, c, kids);
    case CXCursor_CallExpr: return read_call(b, c, kids);
    case CXCursor_ParenExpr: return kids.count == 1 ? deed_read_expr(b, deed_kid(b, kids, 0)) : deed_unknown(b, c, NULL);
    case CXCursor_UnaryOperator: return read_unary(b, c, kids);
    case CXCursor_ArraySubscriptExpr: return read_index(b, c, kids);
    case CXCursor_BinaryOperator:
    case CXCursor_CompoundAssignOperator: return read_binary(b, c, kids);
    case CXCursor_ConditionalOperator: return kids.count == 3 ? read_all(b, DEED_CHOOSE, c, kids) : deed_unknown(b, c, NULL);
    case CXCursor_CStyleCastExpr: return read_cast(b, c, kids);
    case CXCursor_CompoundLiteralExpr: return read_literal(b, c, kids);
    case CXCursor_InvalidFile: return 0;
    default: return unknown_with(b, c, NULL, kids);
    }
}

static uint32_t read_expr_here(deed_build *b, CXCursor c) {
    enum CXCursorKind kind = clang_getCursorKind(c);
    switch ((int)kind) {
    case CXCursor_UnexposedExpr: return read_unexposed(b, c);
    case CXCursor_DeclRefExpr: return read_ref(b, c);
    case CXCursor_IntegerLiteral:
    case CXCursor_CharacterLiteral:
    case CXCursor_UnaryExpr: return integer(b, c);
    case CXCursor_FloatingLiteral: return deed_new_node(b, DEED_REAL, c);
    case CXCursor_StringLiteral: return deed_new_node(b, DEED_STRING, c);
    case CXCursor_InitListExpr: return read_list(b, c, 0);
    case CXCursor_StmtExpr: return read_block_value(b, c);
    default: break;
    }
    deed_kids kids = exprs_of(b, c);
    uint32_t id = read_operands(b, c, kind, kids);
    deed_kids_end(b, kids);
    return id;
}

uint32_t deed_read_expr(deed_build *b, CXCursor c) {
    if (b->memory.failed)
        return 0;
    if (b->depth >= DEED_DEPTH_MAX)
        return deed_unknown(b, c, "nested too deeply");
    b->depth++;
    uint32_t id = read_expr_here(b, c);
    b->depth--;
    return id;
}

/* --- initializers --------------------------------------------------------------------------------------------------------- */

/* The type of field or element `i`, and the field. */
static uint32_t part_type(deed_build *b, uint32_t type, size_t i, uint32_t *field) {
    const deed_type *t = deed_type_row(b, type);
    *field = 0;
    if (t->kind == DEED_TYPE_ARRAY)
        return t->to;
    const deed_decl *d = deed_decl_row(b, t->kind == DEED_TYPE_RECORD ? t->decl : 0);
    if (i >= d->count)
        return 0;
    *field = deed_u32_at(&b->members, d->first + i);
    return deed_decl_row(b, *field)->type;
}

static size_t field_number(deed_build *b, uint32_t type, uint32_t field) {
    const deed_type *t = deed_type_row(b, type);
    const deed_decl *d = deed_decl_row(b, t->kind == DEED_TYPE_RECORD ? t->decl : 0);
    for (uint32_t i = 0; i < d->count; i++) {
        if (deed_u32_at(&b->members, d->first + i) == field)
            return i;
    }
    return SIZE_MAX - 1;
}

/* `.a.b = value` and `[3] = value`: designators, and the value last. *field is the first designator's field. */
static uint32_t read_designated(deed_build *b, CXCursor c, deed_kids kids, uint32_t *field) {
    CXCursor value = deed_kid(b, kids, kids.count - 1);
    uint32_t inner = 0, levels = 0;
    *field = 0;
    for (size_t i = 0; i + 1 < kids.count; i++) {
        CXCursor kid = deed_kid(b, kids, i);
        if (clang_getCursorKind(kid) != CXCursor_MemberRef)
            continue;
        inner = deed_decl_of(b, clang_getCursorReferenced(kid));
        if (levels++ == 0)
            *field = inner;
    }
    uint32_t type = deed_decl_row(b, inner)->type;
    if (levels < 2)
        return deed_read_value(b, value, type);
    uint32_t id = deed_new_node(b, DEED_LIST, c), part = deed_read_value(b, value, type);
    deed_node_row(b, part)->field = inner;
    return deed_adopt(b, id, &part, 1);
}

static bool is_aggregate(fh_ref deed_build *b, uint32_t type) {
    deed_type_kind kind = deed_type_row(b, type)->kind;
    return kind == DEED_TYPE_RECORD || kind == DEED_TYPE_ARRAY;
}

/* The list of a value of `type` (0: not known), as it is written. Where braces are left out, fields are not known. */
static uint32_t read_list(deed_build *b, CXCursor c, uint32_t type) {
    uint32_t id = deed_new_node(b, DEED_LIST, c);
    deed_node_row(b, id)->type = type;
    deed_kids kids = deed_kids_of(b, c);
    size_t base = b->pending.count, at = 0;
    for (size_t i = 0; i < kids.count; i++) {
        CXCursor kid = deed_kid(b, kids, i);
        if (clang_isExpression(clang_getCursorKind(kid)) == 0)
            continue;
        uint32_t field = 0, part = part_type(b, type, at, &field), value = 0;
        deed_kids inner = deed_kids_of(b, kid);
        bool designated = clang_getCursorKind(kid) == CXCursor_UnexposedExpr && inner.count >= 2 &&
                          clang_isExpression(clang_getCursorKind(deed_kid(b, inner, inner.count - 1))) != 0 &&
                          (clang_getCursorKind(deed_kid(b, inner, 0)) == CXCursor_MemberRef ||
                           deed_type_row(b, type)->kind == DEED_TYPE_ARRAY);
        if (designated) {
            value = read_designated(b, kid, inner, &field);
            at = field == 0 ? at : field_number(b, type, field);
        } else {
            value = deed_read_value(b, kid, part);
            const deed_node *n = deed_node_row(b, value);
            if (n->kind != DEED_LIST && n->kind != DEED_STRING && is_aggregate(b, part) && !is_aggregate(b, n->type)) {
                type = 0; /* braces left out */
                field = 0;
            }
        }
        deed_kids_end(b, inner);
        deed_node_row(b, value)->field = field;
        deed_push_u32(&b->memory, &b->pending, value);
        at++;
    }
    deed_kids_end(b, kids);
    return deed_adopt_pending(b, id, base);
}
