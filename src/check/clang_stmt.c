/* clang_stmt.c: statements, out of libclang's cursors.
 *
 * libclang gives the parts of a for that are there, and does not say which: where some are missing, the offsets of the two
 * semicolons tell. Threading: one thread at a time. */
#include "check/clang_build.h"

static uint32_t read_declare(deed_build *b, CXCursor c) {
    uint32_t id = deed_new_node(b, DEED_DECLARE, c);
    size_t base = b->pending.count;
    deed_kids kids = deed_kids_of(b, c);
    for (size_t i = 0; i < kids.count; i++) {
        CXCursor kid = deed_kid(b, kids, i);
        uint32_t decl = deed_decl_of(b, kid);
        if (clang_getCursorKind(kid) != CXCursor_VarDecl)
            continue;
        uint32_t variable = deed_new_node(b, DEED_VARIABLE, kid), value = 0;
        deed_node_row(b, variable)->decl = decl;
        CXCursor init = clang_Cursor_getVarDeclInitializer(kid);
        if (!clang_Cursor_isNull(init))
            value = deed_read_value(b, init, deed_decl_row(b, decl)->type);
        deed_push_u32(&b->memory, &b->pending, deed_adopt(b, variable, &value, 1));
    }
    deed_kids_end(b, kids);
    return deed_adopt_pending(b, id, base);
}

/* Offsets of the two semicolons of a for; both 0 when they cannot be seen because a macro wrote it. */
typedef struct semicolons {
    uint32_t first, second;
} semicolons;
static semicolons semicolons_of(deed_build *b, CXCursor c) {
    semicolons out = {0, 0};
    int depth = 0;
    bool body = false;
    deed_place_of(b, clang_getCursorExtent(c), NULL, &body);
    fh_deed_tokens tokens = body ? (fh_deed_tokens){NULL, 0} : deed_tokens_of(b, c);
    for (size_t i = 0; i < tokens.count && out.second == 0; i++) {
        deed_token t = fh_deed_tokens_get(tokens, i);
        bool mark = t.text.size == 1 && t.kind == CXToken_Punctuation;
        uint8_t sign = mark ? fh_span_at(t.text, 0) : ' ';
        depth += (sign == '(') - (sign == ')');
        if (sign == ';' && depth == 1 && out.first == 0)
            out.first = t.offset_bytes;
        else if (sign == ';' && depth == 1)
            out.second = t.offset_bytes;
    }
    return out;
}

static uint32_t read_for(deed_build *b, CXCursor c, deed_kids kids) {
    uint32_t parts[4] = {0};
    bool some = kids.count == 2 || kids.count == 3;
    semicolons at = some ? semicolons_of(b, c) : (semicolons){0, 0};
    if (kids.count == 0 || kids.count > 4 || (some && at.second == 0))
        return deed_unknown(b, c, "a for without all its parts, written by a macro");
    uint32_t id = deed_new_node(b, DEED_FOR, c);
    for (size_t i = 0; i < kids.count; i++) {
        CXCursor kid = deed_kid(b, kids, i);
        uint32_t offset = deed_place_of(b, clang_getCursorExtent(kid), NULL, NULL).offset_bytes;
        size_t part = i + 1 == kids.count ? 3 : !some ? i : offset < at.first ? 0 : offset < at.second ? 1 : 2;
        parts[part] = deed_read_stmt(b, kid);
    }
    return deed_adopt(b, id, parts, 4);
}

static uint32_t read_case(deed_build *b, CXCursor c, deed_kids kids) {
    int64_t value = 0;
    if (kids.count != 2 || !deed_constant(deed_kid(b, kids, 0), &value))
        return deed_unknown(b, c, "a range of cases");
    uint32_t id = deed_new_node(b, DEED_CASE, c);
    deed_node_row(b, id)->number = value;
    uint32_t body = deed_read_stmt(b, deed_kid(b, kids, 1));
    return deed_adopt(b, id, &body, 1);
}

/* A statement with children that are statements or expressions, from `least` to `most` of them; missing ones are 0. */
static uint32_t read_parts(deed_build *b, deed_kind kind, CXCursor c, deed_kids kids, size_t least, uint32_t most) {
    uint32_t parts[3] = {0};
    if (kids.count < least || kids.count > most)
        return deed_unknown(b, c, NULL);
    uint32_t id = deed_new_node(b, kind, c);
    for (size_t i = 0; i < kids.count; i++)
        parts[i] = deed_read_stmt(b, deed_kid(b, kids, i));
    return deed_adopt(b, id, parts, most);
}

static uint32_t read_goto(deed_build *b, CXCursor c, deed_kids kids) {
    if (kids.count != 1)
        return deed_unknown(b, c, NULL);
    uint32_t id = deed_new_node(b, DEED_GOTO, c), label = deed_label_of(b, clang_getCursorReferenced(deed_kid(b, kids, 0)));
    deed_node_row(b, id)->decl = label;
    return id;
}

static uint32_t read_label(deed_build *b, CXCursor c, deed_kids kids) {
    uint32_t label = deed_label_of(b, c), id = deed_new_node(b, DEED_LABEL, c), body = 0;
    deed_node_row(b, id)->decl = label;
    if (kids.count != 0)
        body = deed_read_stmt(b, deed_kid(b, kids, kids.count - 1));
    return deed_adopt(b, id, &body, 1);
}

/* The id in the text of a static assertion that FH_UNSAFE wrote; nothing of any other declaration. */
static fh_view(*1) fh_span region_id(deed_build *b, CXCursor statement) {
    fh_span id = {0};
    deed_kids declared = deed_kids_of(b, statement);
    if (declared.count == 1 && clang_getCursorKind(deed_kid(b, declared, 0)) == CXCursor_StaticAssert) {
        deed_kids kids = deed_kids_of(b, deed_kid(b, declared, 0));
        CXCursor last = kids.count == 0 ? clang_getNullCursor() : deed_kid(b, kids, kids.count - 1);
        if (clang_getCursorKind(last) == CXCursor_StringLiteral) {
            fh_span text = deed_text(b, clang_getCursorSpelling(last)), mark = FH_LIT("\"fh:unsafe:");
            if (fh_span_starts(text, mark) && text.size > mark.size)
                id = fh_span_sub(text, mark.size, text.size - mark.size - 1);
        }
        deed_kids_end(b, kids);
    }
    deed_kids_end(b, declared);
    return id;
}

static uint32_t read_block(deed_build *b, CXCursor c, deed_kids kids) {
    uint32_t id = deed_new_node(b, DEED_BLOCK, c);
    uint32_t end_bytes = deed_node_row(b, id)->place.end_bytes;
    size_t base = b->pending.count;
    for (size_t i = 0; i < kids.count; i++) {
        CXCursor kid = deed_kid(b, kids, i);
        fh_span invariant = clang_getCursorKind(kid) == CXCursor_DeclStmt ? region_id(b, kid) : (fh_span){0};
        uint32_t child = invariant.size == 0 ? deed_read_stmt(b, kid) : deed_new_node(b, DEED_REGION, kid);
        if (invariant.size != 0) {
            deed_node_row(b, child)->place.end_bytes = end_bytes;
            deed_node_row(b, child)->text = invariant;
        }
        deed_push_u32(&b->memory, &b->pending, child);
    }
    return deed_adopt_pending(b, id, base);
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
        return kids.count == 0 ? deed_unknown(b, c, NULL) : deed_read_stmt(b, deed_kid(b, kids, kids.count - 1));
    case CXCursor_GCCAsmStmt:
    case CXCursor_MSAsmStmt: return deed_unknown(b, c, "inline assembly");
    default: return deed_unknown(b, c, NULL);
    }
}

uint32_t deed_read_stmt(deed_build *b, CXCursor c) {
    enum CXCursorKind kind = clang_getCursorKind(c);
    if (clang_isExpression(kind) != 0)
        return deed_read_expr(b, c);
    switch ((int)kind) {
    case CXCursor_DeclStmt: return read_declare(b, c);
    case CXCursor_NullStmt: return deed_new_node(b, DEED_EMPTY, c);
    case CXCursor_BreakStmt: return deed_new_node(b, DEED_BREAK, c);
    case CXCursor_ContinueStmt: return deed_new_node(b, DEED_CONTINUE, c);
    default: break;
    }
    if (b->memory.failed)
        return 0;
    if (b->depth >= DEED_DEPTH_MAX)
        return deed_unknown(b, c, "nested too deeply");
    b->depth++;
    deed_kids kids = deed_kids_of(b, c);
    uint32_t id = read_stmt_kids(b, c, kids);
    deed_kids_end(b, kids);
    b->depth--;
    return id;
}
