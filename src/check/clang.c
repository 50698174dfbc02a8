/* clang.c: statements and expressions, and the unit as a whole, out of libclang's cursors.
 *
 * libclang hides a few things, and each has its answer here: which parts of a for are missing (token offsets), implicit casts
 * (an unexposed expression that covers the same text as its only child), designators (an unexposed expression that begins
 * with member references). Whatever else it does not expose, and a constant does not replace, becomes a DEED_UNKNOWN.
 *
 * This room is audited (docs/UNSAFE.md: clang-column, clang-text): it follows libclang's pointers, and its own columns.
 *
 * Invariants: clang_build.h. Threading: one thread at a time. */
#include "check/clang_build.h"

enum { DEPTH_MAX = 2000, COLUMN_FIRST = 64 };

static uint32_t read_expr(deed_build *b, CXCursor c);
static uint32_t read_stmt(deed_build *b, CXCursor c);
static uint32_t read_list(deed_build *b, CXCursor c, uint32_t type);

/* --- columns ------------------------------------------------------------------------------------------------------------------ */

void *deed_push(deed_build *b, deed_column *c) {
    FH_UNSAFE("clang-column");
    if (c->count == c->room) {
        size_t room = c->room == 0 ? COLUMN_FIRST : 2 * c->room;
        void *more = b->failed ? NULL : fh_arena_alloc(b->arena, room, c->size);
        if (more == NULL) {
            b->failed = true;
            return __builtin_memset(c->at, 0, c->size);
        }
        if (c->count != 0)
            __builtin_memcpy(more, c->at, c->count * c->size);
        c->at = more;
        c->room = room;
    }
    return __builtin_memset((uint8_t *)c->at + c->count++ * c->size, 0, c->size);
}

void deed_push_u32(deed_build *b, deed_column *c, uint32_t value) {
    *(uint32_t *)deed_push(b, c) = value;
}

static void *row_of(const deed_column *c, size_t i) {
    if (FH_UNLIKELY(i >= c->count))
        fh_bounds_fail(i, c->count);
    FH_UNSAFE("clang-column");
    return (uint8_t *)c->at + i * c->size;
}

uint32_t deed_u32_at(const deed_column *c, size_t i) {
    return *(uint32_t *)row_of(c, i);
}
deed_node *deed_node_row(deed_build *b, uint32_t i) {
    return row_of(&b->nodes, i);
}
deed_decl *deed_decl_row(deed_build *b, uint32_t i) {
    return row_of(&b->decls, i);
}
deed_type *deed_type_row(deed_build *b, uint32_t i) {
    return row_of(&b->types, i);
}

fh_span deed_text(deed_build *b, CXString s) {
    FH_UNSAFE("clang-text");
    fh_span from = fh_span_of_str(clang_getCString(s)), out = {NULL, 0};
    char *at = b->failed ? NULL : fh_arena_alloc(b->arena, from.size + 1, 1);
    if (at == NULL)
        b->failed = true;
    else if (from.size != 0)
        out = (fh_span){__builtin_memcpy(at, from.at, from.size), from.size};
    clang_disposeString(s);
    return out;
}

static enum CXChildVisitResult keep_child(CXCursor c, CXCursor parent, CXClientData data) {
    (void)parent;
    deed_build *b = data;
    *(CXCursor *)deed_push(b, &b->cursors) = c;
    return b->failed ? CXChildVisit_Break : CXChildVisit_Continue;
}

deed_kids deed_kids_of(deed_build *b, CXCursor c) {
    deed_kids k = {b->cursors.count, 0};
    clang_visitChildren(c, keep_child, b);
    k.count = b->cursors.count - k.first;
    return k;
}

CXCursor deed_kid(deed_build *b, deed_kids k, size_t i) {
    return *(CXCursor *)row_of(&b->cursors, k.first + i);
}

void deed_kids_end(deed_build *b, deed_kids k) {
    b->cursors.count = k.first;
}

/* --- places ------------------------------------------------------------------------------------------------------------------- */

bool deed_is_system(CXCursor c) {
    return clang_Location_isInSystemHeader(clang_getCursorLocation(c)) != 0;
}

/* Whether a path lies under one of the audited folders, which are written from the root of the project. */
static bool is_audited(const deed_source *source, fh_span path) {
    for (size_t i = 0; i < source->audited.count; i++) {
        fh_span room = fh_views_get(source->audited, i);
        size_t at = fh_span_find(path, room, 0);
        bool whole = at != SIZE_MAX && room.size != 0 && (at == 0 || fh_span_at(path, at - 1) == '/');
        size_t end = whole ? at + room.size : 0;
        if (whole && (end == path.size || fh_span_at(room, room.size - 1) == '/' || fh_span_at(path, end) == '/'))
            return true;
    }
    return false;
}

static uint32_t file_of(deed_build *b, CXFile file, bool system) {
    if (file == NULL)
        return 0;
    CXFile *keys = b->file_keys.at;
    for (size_t i = b->files.count; i-- > 1;) {
        if (keys[i] == file)
            return (uint32_t)i;
    }
    for (size_t i = b->files.count; i-- > 1;) {
        if (clang_File_isEqual(keys[i], file))
            return (uint32_t)i;
    }
    deed_file row = {.path = deed_text(b, clang_getFileName(file)), .is_system = system};
    row.is_main = fh_span_is(row.path, b->source->path);
    row.is_audited = is_audited(b->source, row.path);
    size_t size = 0;
    FH_UNSAFE("clang-text");
    const char *text = clang_getFileContents(b->tu, file, &size);
    if (text != NULL && !system && fh_failed(fh_arena_copy(b->arena, (fh_span){(const uint8_t *)text, size}, &row.text)))
        b->failed = true;
    *(CXFile *)deed_push(b, &b->file_keys) = file;
    *(deed_file *)deed_push(b, &b->files) = row;
    return (uint32_t)b->files.count - 1;
}

/* The end of the name that begins at `at`. */
static uint32_t name_end(fh_span text, uint32_t at) {
    while (at < text.size) {
        uint8_t c = fh_span_at(text, at);
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
        if (!letter)
            break;
        at++;
    }
    return at;
}

/* Where a location lies in a file; *expanded: where the outermost macro it comes out of is named. */
static uint32_t offset_of(CXSourceLocation at, CXFile *file, CXFile *outer, unsigned *expanded) {
    unsigned offset = 0;
    clang_getFileLocation(at, file, NULL, NULL, &offset);
    clang_getExpansionLocation(at, outer, NULL, NULL, expanded);
    return offset;
}

deed_place deed_place_of(deed_build *b, CXSourceRange range, fh_span *macro, bool *in_body) {
    CXFile file = NULL, end_file = NULL, outer = NULL, end_outer = NULL;
    unsigned expanded = 0, end_expanded = 0;
    CXSourceLocation start = clang_getRangeStart(range);
    uint32_t offset = offset_of(start, &file, &outer, &expanded);
    uint32_t end = offset_of(clang_getRangeEnd(range), &end_file, &end_outer, &end_expanded);
    deed_place p = {file_of(b, file, clang_Location_isInSystemHeader(start) != 0), offset, end};
    if (p.file == 0)
        return (deed_place){0};
    const deed_file *f = row_of(&b->files, p.file);
    bool from_macro = !clang_equalLocations(start, clang_getLocationForOffset(b->tu, file, offset));
    bool body = from_macro && outer == file && expanded == offset;
    if (macro != NULL && from_macro) {
        const deed_file *o = row_of(&b->files, file_of(b, outer, f->is_system));
        uint32_t stop = name_end(o->text, expanded);
        *macro = stop > expanded ? fh_span_sub(o->text, expanded, stop - expanded) : (fh_span){0};
        f = row_of(&b->files, p.file);
    }
    if (in_body != NULL)
        *in_body = body;
    if (body || end_file != file || p.end_bytes < p.offset_bytes)
        p.end_bytes = name_end(f->text, p.offset_bytes);
    return p;
}

/* --- nodes -------------------------------------------------------------------------------------------------------------------- */

static uint32_t new_node(deed_build *b, deed_kind kind, CXCursor c) {
    uint32_t id = (uint32_t)b->nodes.count;
    deed_node n = {.kind = kind};
    n.place = deed_place_of(b, clang_getCursorExtent(c), &n.macro, &n.in_macro);
    if (clang_isExpression(clang_getCursorKind(c)) != 0)
        n.type = deed_type_of(b, clang_getCursorType(c));
    *(deed_node *)deed_push(b, &b->nodes) = n;
    return b->failed ? 0 : id;
}

static uint32_t adopt(deed_build *b, uint32_t id, const uint32_t *children, uint32_t count) {
    deed_node_row(b, id)->first = (uint32_t)b->children.count;
    deed_node_row(b, id)->count = count;
    for (uint32_t i = 0; i < count; i++)
        deed_push_u32(b, &b->children, children[i]);
    return id;
}

/* What was pushed on `pending` since it had `base` rows. */
static uint32_t adopt_pending(deed_build *b, uint32_t id, size_t base) {
    uint32_t count = (uint32_t)(b->pending.count - base);
    deed_node_row(b, id)->first = (uint32_t)b->children.count;
    deed_node_row(b, id)->count = count;
    for (size_t i = base; i < b->pending.count; i++)
        deed_push_u32(b, &b->children, deed_u32_at(&b->pending, i));
    b->pending.count = base;
    return id;
}

static uint32_t unknown(deed_build *b, CXCursor c, const char *what) {
    uint32_t id = new_node(b, DEED_UNKNOWN, c);
    fh_span text = what == NULL ? deed_text(b, clang_getCursorKindSpelling(clang_getCursorKind(c))) : fh_span_of_str(what);
    const deed_node *n = deed_node_row(b, id);
    if (what == NULL && n->place.file != 0) { /* __builtin_va_arg and the like say it better */
        const deed_file *f = row_of(&b->files, n->place.file);
        uint32_t end = name_end(f->text, n->place.offset_bytes);
        if (end > n->place.offset_bytes)
            text = fh_span_sub(f->text, n->place.offset_bytes, end - n->place.offset_bytes);
    }
    deed_node_row(b, id)->text = text;
    return id;
}

/* A DEED_UNKNOWN with the expressions of it. */
static uint32_t unknown_with(deed_build *b, CXCursor c, const char *what, deed_kids kids) {
    uint32_t id = unknown(b, c, what);
    size_t base = b->pending.count;
    for (size_t i = 0; i < kids.count; i++) {
        CXCursor kid = deed_kid(b, kids, i);
        if (clang_isExpression(clang_getCursorKind(kid)) != 0)
            deed_push_u32(b, &b->pending, read_expr(b, kid));
    }
    return adopt_pending(b, id, base);
}

/* --- expressions -------------------------------------------------------------------------------------------------------------- */

static bool constant(CXCursor c, int64_t *out) {
    CXEvalResult e = clang_Cursor_Evaluate(c);
    bool ok = e != NULL && clang_EvalResult_getKind(e) == CXEval_Int;
    if (ok)
        *out = clang_EvalResult_getAsLongLong(e);
    clang_EvalResult_dispose(e);
    return ok;
}

static uint32_t integer(deed_build *b, CXCursor c) {
    int64_t value = 0;
    if (!constant(c, &value))
        return unknown(b, c, NULL);
    uint32_t id = new_node(b, DEED_INTEGER, c);
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
            *(CXCursor *)row_of(&b->cursors, k.first + kept++) = kid;
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
        id = read_expr(b, kid);
        note_null(b, id, c);
    } else if (constant(c, &value)) {
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
        return read_expr(b, deed_kid(b, kids, 0));
    deed_op op = unary_op(kind);
    deed_kind as = kind == CXUnaryOperator_AddrOf ? DEED_ADDRESS : kind == CXUnaryOperator_Deref ? DEED_DEREF : DEED_UNARY;
    if (kids.count != 1 || (as == DEED_UNARY && op == DEED_OP_NONE))
        return unknown_with(b, c, NULL, kids);
    uint32_t id = new_node(b, as, c);
    deed_node_row(b, id)->op = op;
    uint32_t operand = read_expr(b, deed_kid(b, kids, 0));
    return adopt(b, id, &operand, 1);
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
    [CXBinaryOperator_XorAssign] = DEED_OP_XOR, [CXBinaryOperator_OrAssign] = DEED_OP_OR, [CXBinaryOperator_Comma] = DEED_OP_NONE,
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
    uint32_t id = new_node(b, as, c);
    deed_node_row(b, id)->op = op;
    uint32_t left = read_expr(b, deed_kid(b, kids, 0)), sides[2] = {left, read_expr(b, deed_kid(b, kids, 1))};
    return adopt(b, id, sides, 2);
}

/* A node of the kind with all the expressions as its children. */
static uint32_t read_all(deed_build *b, deed_kind kind, CXCursor c, deed_kids kids) {
    uint32_t id = new_node(b, kind, c);
    size_t base = b->pending.count;
    for (size_t i = 0; i < kids.count; i++)
        deed_push_u32(b, &b->pending, read_expr(b, deed_kid(b, kids, i)));
    return adopt_pending(b, id, base);
}

static uint32_t read_ref(deed_build *b, CXCursor c) {
    CXCursor to = clang_getCursorReferenced(c);
    if (clang_getCursorKind(to) == CXCursor_EnumConstantDecl) {
        uint32_t id = new_node(b, DEED_INTEGER, c);
        deed_node_row(b, id)->number = clang_getEnumConstantDeclValue(to);
        return id;
    }
    uint32_t decl = deed_entity_of(b, to);
    if (decl == 0)
        return unknown(b, c, NULL);
    uint32_t id = new_node(b, DEED_REF, c);
    deed_node_row(b, id)->decl = decl;
    return id;
}

static uint32_t read_member(deed_build *b, CXCursor c, deed_kids kids) {
    uint32_t field = deed_decl_of(b, clang_getCursorReferenced(c));
    if (kids.count != 1 || field == 0)
        return unknown_with(b, c, NULL, kids);
    uint32_t id = new_node(b, DEED_MEMBER, c);
    deed_node_row(b, id)->decl = field;
    deed_node_row(b, id)->op = is_pointer(deed_kid(b, kids, 0)) ? DEED_OP_ARROW : DEED_OP_DOT;
    uint32_t base = read_expr(b, deed_kid(b, kids, 0));
    return adopt(b, id, &base, 1);
}

static uint32_t read_call(deed_build *b, CXCursor c, deed_kids kids) {
    CXString s = clang_getCursorSpelling(c);
    bool hint = kids.count == 3 && fh_span_is(fh_span_of_str(clang_getCString(s)), "__builtin_expect");
    clang_disposeString(s);
    if (hint)
        return read_expr(b, deed_kid(b, kids, 1));
    return kids.count == 0 ? unknown(b, c, NULL) : read_all(b, DEED_CALL, c, kids);
}

static uint32_t read_cast(deed_build *b, CXCursor c, deed_kids kids) {
    if (kids.count == 0)
        return unknown(b, c, NULL);
    CXCursor last = deed_kid(b, kids, kids.count - 1);
    uint32_t id = new_node(b, DEED_CAST, c);
    uint32_t operand = read_expr(b, last);
    bool null = is_pointer(c) && is_zero(b, operand);
    if (null) {
        deed_node_row(b, id)->kind = DEED_NULL;
        return id;
    }
    return adopt(b, id, &operand, 1);
}

static uint32_t read_index(deed_build *b, CXCursor c, deed_kids kids) {
    if (kids.count != 2)
        return unknown_with(b, c, NULL, kids);
    bool swapped = !is_pointer(deed_kid(b, kids, 0)) && is_pointer(deed_kid(b, kids, 1)); /* 2[a] */
    uint32_t id = new_node(b, DEED_INDEX, c);
    uint32_t first = read_expr(b, deed_kid(b, kids, swapped ? 1 : 0));
    uint32_t sides[2] = {first, read_expr(b, deed_kid(b, kids, swapped ? 0 : 1))};
    return adopt(b, id, sides, 2);
}

static uint32_t read_value(deed_build *b, CXCursor c, uint32_t type) {
    return clang_getCursorKind(c) == CXCursor_InitListExpr ? read_list(b, c, type) : read_expr(b, c);
}

static uint32_t read_literal(deed_build *b, CXCursor c, deed_kids kids) {
    if (kids.count == 0)
        return unknown(b, c, NULL);
    uint32_t id = new_node(b, DEED_LITERAL, c), type = deed_node_row(b, id)->type;
    uint32_t value = read_value(b, deed_kid(b, kids, kids.count - 1), type);
    return adopt(b, id, &value, 1);
}

static uint32_t read_block_value(deed_build *b, CXCursor c) {
    uint32_t id = new_node(b, DEED_STATEMENTS, c), body = 0;
    deed_kids kids = deed_kids_of(b, c);
    if (kids.count == 1)
        body = read_stmt(b, deed_kid(b, kids, 0));
    deed_kids_end(b, kids);
    return adopt(b, id, &body, 1);
}

static uint32_t read_operands(deed_build *b, CXCursor c, enum CXCursorKind kind, deed_kids kids) {
    switch ((int)kind) {
    case CXCursor_MemberRefExpr: return read_member(b, c, kids);
    case CXCursor_CallExpr: return read_call(b, c, kids);
    case CXCursor_ParenExpr: return kids.count == 1 ? read_expr(b, deed_kid(b, kids, 0)) : unknown(b, c, NULL);
    case CXCursor_UnaryOperator: return read_unary(b, c, kids);
    case CXCursor_ArraySubscriptExpr: return read_index(b, c, kids);
    case CXCursor_BinaryOperator:
    case CXCursor_CompoundAssignOperator: return read_binary(b, c, kids);
    case CXCursor_ConditionalOperator: return kids.count == 3 ? read_all(b, DEED_CHOOSE, c, kids) : unknown(b, c, NULL);
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
    case CXCursor_FloatingLiteral: return new_node(b, DEED_REAL, c);
    case CXCursor_StringLiteral: return new_node(b, DEED_STRING, c);
    case CXCursor_InitListExpr: return read_list(b, c, 0);
    case CXCursor_StmtExpr: return read_block_value(b, c);
    default: break;
    }
    deed_kids kids = exprs_of(b, c);
    uint32_t id = read_operands(b, c, kind, kids);
    deed_kids_end(b, kids);
    return id;
}

static uint32_t read_expr(deed_build *b, CXCursor c) {
    if (b->failed)
        return 0;
    if (b->depth >= DEPTH_MAX)
        return unknown(b, c, "nested too deeply");
    b->depth++;
    uint32_t id = read_expr_here(b, c);
    b->depth--;
    return id;
}

/* --- initializers ------------------------------------------------------------------------------------------------------------- */

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
        return read_value(b, value, type);
    uint32_t id = new_node(b, DEED_LIST, c), part = read_value(b, value, type);
    deed_node_row(b, part)->field = inner;
    return adopt(b, id, &part, 1);
}

static bool is_aggregate(deed_build *b, uint32_t type) {
    deed_type_kind kind = deed_type_row(b, type)->kind;
    return kind == DEED_TYPE_RECORD || kind == DEED_TYPE_ARRAY;
}

/* The list of a value of `type` (0: not known), as it is written. Where braces are left out, fields are not known. */
static uint32_t read_list(deed_build *b, CXCursor c, uint32_t type) {
    uint32_t id = new_node(b, DEED_LIST, c);
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
            value = read_value(b, kid, part);
            const deed_node *n = deed_node_row(b, value);
            if (n->kind != DEED_LIST && n->kind != DEED_STRING && is_aggregate(b, part) && !is_aggregate(b, n->type)) {
                type = 0; /* braces left out */
                field = 0;
            }
        }
        deed_kids_end(b, inner);
        deed_node_row(b, value)->field = field;
        deed_push_u32(b, &b->pending, value);
        at++;
    }
    deed_kids_end(b, kids);
    return adopt_pending(b, id, base);
}

/* --- statements --------------------------------------------------------------------------------------------------------------- */

static uint32_t read_declare(deed_build *b, CXCursor c) {
    uint32_t id = new_node(b, DEED_DECLARE, c);
    size_t base = b->pending.count;
    deed_kids kids = deed_kids_of(b, c);
    for (size_t i = 0; i < kids.count; i++) {
        CXCursor kid = deed_kid(b, kids, i);
        uint32_t decl = deed_decl_of(b, kid);
        if (clang_getCursorKind(kid) != CXCursor_VarDecl)
            continue;
        uint32_t variable = new_node(b, DEED_VARIABLE, kid), value = 0;
        deed_node_row(b, variable)->decl = decl;
        CXCursor init = clang_Cursor_getVarDeclInitializer(kid);
        if (!clang_Cursor_isNull(init))
            value = read_value(b, init, deed_decl_row(b, decl)->type);
        deed_push_u32(b, &b->pending, adopt(b, variable, &value, 1));
    }
    deed_kids_end(b, kids);
    return adopt_pending(b, id, base);
}

/* Offsets of the two semicolons of a for; false when they cannot be seen because a macro wrote it. */
static bool semicolons(deed_build *b, CXCursor c, unsigned at[2]) {
    CXToken *tokens = NULL;
    unsigned count = 0, found = 0;
    int depth = 0;
    bool body = false;
    deed_place_of(b, clang_getCursorExtent(c), NULL, &body);
    if (body)
        return false;
    clang_tokenize(b->tu, clang_getCursorExtent(c), &tokens, &count);
    for (unsigned i = 0; i < count && found < 2; i++) {
        CXString s = clang_getTokenSpelling(b->tu, tokens[i]);
        fh_span text = fh_span_of_str(clang_getCString(s));
        bool mark = text.size == 1 && clang_getTokenKind(tokens[i]) == CXToken_Punctuation;
        char sign = mark ? (char)fh_span_at(text, 0) : ' ';
        clang_disposeString(s);
        depth += (sign == '(') - (sign == ')');
        if (sign == ';' && depth == 1)
            clang_getFileLocation(clang_getTokenLocation(b->tu, tokens[i]), NULL, NULL, NULL, &at[found++]);
    }
    clang_disposeTokens(b->tu, tokens, count);
    return found == 2;
}

static uint32_t read_for(deed_build *b, CXCursor c, deed_kids kids) {
    uint32_t parts[4] = {0};
    unsigned at[2] = {0};
    bool some = kids.count == 2 || kids.count == 3;
    if (kids.count == 0 || kids.count > 4 || (some && !semicolons(b, c, at)))
        return unknown(b, c, "a for without all its parts, written by a macro");
    uint32_t id = new_node(b, DEED_FOR, c);
    for (size_t i = 0; i < kids.count; i++) {
        CXCursor kid = deed_kid(b, kids, i);
        uint32_t offset = deed_place_of(b, clang_getCursorExtent(kid), NULL, NULL).offset_bytes;
        size_t part = i + 1 == kids.count ? 3 : !some ? i : offset < at[0] ? 0 : offset < at[1] ? 1 : 2;
        parts[part] = read_stmt(b, kid);
    }
    return adopt(b, id, parts, 4);
}

static uint32_t read_case(deed_build *b, CXCursor c, deed_kids kids) {
    int64_t value = 0;
    if (kids.count != 2 || !constant(deed_kid(b, kids, 0), &value))
        return unknown(b, c, "a range of cases");
    uint32_t id = new_node(b, DEED_CASE, c);
    deed_node_row(b, id)->number = value;
    uint32_t body = read_stmt(b, deed_kid(b, kids, 1));
    return adopt(b, id, &body, 1);
}

/* A statement with children that are statements or expressions, from `least` to `most` of them; missing ones are 0. */
static uint32_t read_parts(deed_build *b, deed_kind kind, CXCursor c, deed_kids kids, size_t least, uint32_t most) {
    uint32_t parts[3] = {0};
    if (kids.count < least || kids.count > most)
        return unknown(b, c, NULL);
    uint32_t id = new_node(b, kind, c);
    for (size_t i = 0; i < kids.count; i++)
        parts[i] = read_stmt(b, deed_kid(b, kids, i));
    return adopt(b, id, parts, most);
}

static uint32_t read_goto(deed_build *b, CXCursor c, deed_kids kids) {
    if (kids.count != 1)
        return unknown(b, c, NULL);
    uint32_t id = new_node(b, DEED_GOTO, c), label = deed_label_of(b, clang_getCursorReferenced(deed_kid(b, kids, 0)));
    deed_node_row(b, id)->decl = label;
    return id;
}

static uint32_t read_label(deed_build *b, CXCursor c, deed_kids kids) {
    uint32_t label = deed_label_of(b, c), id = new_node(b, DEED_LABEL, c), body = 0;
    deed_node_row(b, id)->decl = label;
    if (kids.count != 0)
        body = read_stmt(b, deed_kid(b, kids, kids.count - 1));
    return adopt(b, id, &body, 1);
}

static uint32_t read_block(deed_build *b, CXCursor c, deed_kids kids) {
    uint32_t id = new_node(b, DEED_BLOCK, c);
    size_t base = b->pending.count;
    for (size_t i = 0; i < kids.count; i++)
        deed_push_u32(b, &b->pending, read_stmt(b, deed_kid(b, kids, i)));
    return adopt_pending(b, id, base);
}

static uint32_t read_stmt_kids(deed_build *b, CXCursor c, deed_kids kids) {
    switch ((int)clang_getCursorKind(c)) {
    case CXCursor_CompoundStmt: return read_block(b, c, kids);
    case CXCursor_IfStmt: return read_parts(b, DEED_IF, c, kids, 2, 3);
    case CXCursor_WhileStmt: return read_parts(b, DEED_WHILE, c, kids, 2, 2);
    case CXCursor_DoStmt: return read_parts(b, DEED_DO, c, kids, 2, 2);
    case CXCursor_SwitchStmt: return read_parts(b, DEED_SWITCH, c, kids, 2, 2);
    case CXCursor_DefaultStmt: return read_parts(b, DEED_DEFAULT, c, kids, 1, 1);
    case CXCursor_ReturnStmt: return read_parts(b, DEED_RETURN, c, kids, 0, 1);
    case CXCursor_ForStmt: return read_for(b, c, kids);
    case CXCursor_CaseStmt: return read_case(b, c, kids);
    case CXCursor_GotoStmt: return read_goto(b, c, kids);
    case CXCursor_LabelStmt: return read_label(b, c, kids);
    case CXCursor_UnexposedStmt: /* with an attribute, such as fallthrough */
        return kids.count == 0 ? unknown(b, c, NULL) : read_stmt(b, deed_kid(b, kids, kids.count - 1));
    case CXCursor_GCCAsmStmt:
    case CXCursor_MSAsmStmt: return unknown(b, c, "inline assembly");
    default: return unknown(b, c, NULL);
    }
}

static uint32_t read_stmt(deed_build *b, CXCursor c) {
    enum CXCursorKind kind = clang_getCursorKind(c);
    if (clang_isExpression(kind) != 0)
        return read_expr(b, c);
    switch ((int)kind) {
    case CXCursor_DeclStmt: return read_declare(b, c);
    case CXCursor_NullStmt: return new_node(b, DEED_EMPTY, c);
    case CXCursor_BreakStmt: return new_node(b, DEED_BREAK, c);
    case CXCursor_ContinueStmt: return new_node(b, DEED_CONTINUE, c);
    default: break;
    }
    if (b->failed)
        return 0;
    if (b->depth >= DEPTH_MAX)
        return unknown(b, c, "nested too deeply");
    b->depth++;
    deed_kids kids = deed_kids_of(b, c);
    uint32_t id = read_stmt_kids(b, c, kids);
    deed_kids_end(b, kids);
    b->depth--;
    return id;
}

/* --- the unit ----------------------------------------------------------------------------------------------------------------- */

static void read_function(deed_build *b, uint32_t decl, CXCursor c) {
    bool main = clang_Location_isFromMainFile(clang_getCursorLocation(c)) != 0;
    if (!clang_isCursorDefinition(c) || (b->source->main_only && !main))
        return;
    b->function = decl;
    b->depth = 0;
    deed_kids kids = deed_kids_of(b, c);
    for (size_t i = kids.count; i-- > 0;) {
        if (clang_getCursorKind(deed_kid(b, kids, i)) == CXCursor_CompoundStmt) {
            uint32_t body = read_stmt(b, deed_kid(b, kids, i));
            deed_decl_row(b, decl)->body = body;
            deed_push_u32(b, &b->functions, decl);
            break;
        }
    }
    deed_kids_end(b, kids);
}

static enum CXChildVisitResult read_top(CXCursor c, CXCursor parent, CXClientData data) {
    (void)parent;
    deed_build *b = data;
    if (deed_is_system(c) || clang_getCursorKind(c) == CXCursor_StaticAssert)
        return CXChildVisit_Continue;
    uint32_t decl = deed_decl_of(b, c);
    deed_decl_kind kind = deed_decl_row(b, decl)->kind;
    if (decl != 0)
        deed_push_u32(b, &b->globals, decl);
    if (kind == DEED_DECL_FUNCTION)
        read_function(b, decl, c);
    CXCursor init = kind == DEED_DECL_VARIABLE ? clang_Cursor_getVarDeclInitializer(c) : clang_getNullCursor();
    if (!clang_Cursor_isNull(init)) {
        uint32_t value = read_value(b, init, deed_decl_row(b, decl)->type);
        deed_decl_row(b, decl)->body = value;
    }
    return b->failed ? CXChildVisit_Break : CXChildVisit_Continue;
}

static void read_problems(deed_build *b) {
    unsigned count = clang_getNumDiagnostics(b->tu);
    for (unsigned i = 0; i < count; i++) {
        CXDiagnostic d = clang_getDiagnostic(b->tu, i);
        if (clang_getDiagnosticSeverity(d) >= CXDiagnostic_Error) {
            CXSourceLocation at = clang_getDiagnosticLocation(d);
            deed_problem row = {deed_place_of(b, clang_getRange(at, at), NULL, NULL), deed_text(b, clang_getDiagnosticSpelling(d))};
            row.place.end_bytes = row.place.offset_bytes;
            *(deed_problem *)deed_push(b, &b->problems) = row;
        }
        clang_disposeDiagnostic(d);
    }
}

static bool start_columns(deed_build *b) {
    const struct {
        deed_column *column;
        size_t size;
    } all[] = {
        {&b->files, sizeof(deed_file)}, {&b->nodes, sizeof(deed_node)}, {&b->types, sizeof(deed_type)},
        {&b->decls, sizeof(deed_decl)}, {&b->contracts, sizeof(deed_contract)}, {&b->children, sizeof(uint32_t)},
        {&b->members, sizeof(uint32_t)}, {&b->functions, sizeof(uint32_t)}, {&b->globals, sizeof(uint32_t)},
        {&b->problems, sizeof(deed_problem)}, {&b->file_keys, sizeof(CXFile)}, {&b->decl_keys, sizeof(CXCursor)},
        {&b->latest, sizeof(uint32_t)}, {&b->type_keys, sizeof(deed_type_key)}, {&b->cursors, sizeof(CXCursor)},
        {&b->pending, sizeof(uint32_t)},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        *all[i].column = (deed_column){fh_arena_alloc(b->arena, COLUMN_FIRST, all[i].size), 0, COLUMN_FIRST, all[i].size};
        if (all[i].column->at == NULL)
            return false;
        deed_push(b, all[i].column); /* row 0 */
    }
    b->functions.count = b->globals.count = b->problems.count = 0;
    return true;
}

static fh_status build_unit(deed_build *b, deed_unit **out) {
    if (!start_columns(b))
        return FH_STATUS(FH_NOMEM);
    file_of(b, clang_getFile(b->tu, b->source->path), false);
    read_problems(b);
    clang_visitChildren(clang_getTranslationUnitCursor(b->tu), read_top, b);
    deed_unit *unit = b->failed ? NULL : fh_arena_alloc(b->arena, 1, sizeof *unit);
    if (unit == NULL)
        return FH_STATUS(FH_NOMEM);
    *unit = (deed_unit){
        .arena = b->arena,
        .files = {b->files.at, b->files.count}, .nodes = {b->nodes.at, b->nodes.count},
        .types = {b->types.at, b->types.count}, .decls = {b->decls.at, b->decls.count},
        .contracts = {b->contracts.at, b->contracts.count}, .children = {b->children.at, b->children.count},
        .members = {b->members.at, b->members.count}, .functions = {b->functions.at, b->functions.count},
        .problems = {b->problems.at, b->problems.count}, .globals = {b->globals.at, b->globals.count},
    };
    *out = unit;
    return FH_DONE;
}

fh_status deed_unit_parse(fh_arena *arena, const deed_source *source, deed_unit **out, fh_err *err) {
    deed_build b = {.arena = arena, .source = source};
    *out = NULL;
    CXIndex index = clang_createIndex(0, 0);
    if (index == NULL)
        return fh_fail(err, FH_UNSUPPORTED, FH_NO_OFFSET, "libclang cannot be started");
    unsigned flags = CXTranslationUnit_KeepGoing;
    int count = source->args.count > 10000 ? 10000 : (int)source->args.count;
    enum CXErrorCode code = clang_parseTranslationUnit2(index, source->path, source->args.at, count, NULL, 0, flags, &b.tu);
    fh_status s = FH_DONE;
    if (code == CXError_Success)
        s = build_unit(&b, out);
    else
        s = fh_fail(err, FH_IO, FH_NO_OFFSET, "%s: cannot be read (libclang's error %d)", source->path, (int)code);
    if (b.tu != NULL)
        clang_disposeTranslationUnit(b.tu);
    clang_disposeIndex(index);
    return s;
}
