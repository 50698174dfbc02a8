/* dump.c: the tables of a unit as text, one function after another, for tests and for work on the rules.
 *
 * A node is `(kind operator name children)`; a name that is declared more than once in the unit carries its row. Threading:
 * pure functions of the unit. */
#include "check/clang.h"

enum { DUMP_DEPTH_MAX = 4000 };

static const char *const kinds[] = {
    [DEED_NONE] = "-", [DEED_BLOCK] = "block", [DEED_DECLARE] = "declare", [DEED_VARIABLE] = "variable", [DEED_IF] = "if",
    [DEED_WHILE] = "while", [DEED_DO] = "do", [DEED_FOR] = "for", [DEED_SWITCH] = "switch", [DEED_CASE] = "case",
    [DEED_DEFAULT] = "default", [DEED_BREAK] = "break", [DEED_CONTINUE] = "continue", [DEED_GOTO] = "goto",
    [DEED_LABEL] = "label", [DEED_RETURN] = "return", [DEED_EMPTY] = "empty",
    [DEED_REGION] = "region", [DEED_REF] = "ref", [DEED_MEMBER] = "member",
    [DEED_CALL] = "call", [DEED_ADDRESS] = "address", [DEED_DEREF] = "deref", [DEED_UNARY] = "unary", [DEED_BINARY] = "binary",
    [DEED_ASSIGN] = "assign", [DEED_CHOOSE] = "choose", [DEED_CAST] = "cast", [DEED_INDEX] = "index",
    [DEED_INTEGER] = "integer", [DEED_NULL] = "null", [DEED_REAL] = "real", [DEED_STRING] = "string", [DEED_LIST] = "list",
    [DEED_LITERAL] = "literal", [DEED_SEQUENCE] = "sequence", [DEED_STATEMENTS] = "statements", [DEED_UNKNOWN] = "unknown",
};
static const char *const ops[] = {
    [DEED_OP_NONE] = "", [DEED_OP_ADD] = "+", [DEED_OP_SUB] = "-", [DEED_OP_MUL] = "*", [DEED_OP_DIV] = "/",
    [DEED_OP_REM] = "%",
    [DEED_OP_SHL] = "<<", [DEED_OP_SHR] = ">>", [DEED_OP_AND] = "&", [DEED_OP_OR] = "|", [DEED_OP_XOR] = "^",
    [DEED_OP_LT] = "<", [DEED_OP_GT] = ">", [DEED_OP_LE] = "<=", [DEED_OP_GE] = ">=", [DEED_OP_EQ] = "==", [DEED_OP_NE] = "!=",
    [DEED_OP_LAND] = "&&", [DEED_OP_LOR] = "||", [DEED_OP_NEG] = "-", [DEED_OP_NOT] = "~", [DEED_OP_LNOT] = "!",
    [DEED_OP_PLUS] = "+", [DEED_OP_PRE_INC] = "++x", [DEED_OP_POST_INC] = "x++", [DEED_OP_PRE_DEC] = "--x",
    [DEED_OP_POST_DEC] = "x--", [DEED_OP_DOT] = ".", [DEED_OP_ARROW] = "->",
};
static const char *const words[] = {
    [DEED_WORD_NONE] = "?", [DEED_OWNED] = "owned", [DEED_OWNED_OR_NULL] = "owned_or_null", [DEED_OR_NULL] = "or_null",
    [DEED_MOVE] = "move", [DEED_DROP] = "drop", [DEED_REF_WORD] = "ref", [DEED_MUT] = "mut", [DEED_OUT] = "out",
    [DEED_VIEW] = "view", [DEED_STATIC] = "static", [DEED_SEND] = "send", [DEED_SYNC] = "sync",
    [DEED_VIEW_TYPE] = "view_type", [DEED_GUARDED] = "guarded", [DEED_REQUIRES] = "requires", [DEED_LOCK] = "locks",
    [DEED_UNLOCK] = "unlocks", [DEED_COUNTED] = "counted", [DEED_UNSAFE] = "unsafe", [DEED_WORD_COUNT] = "?",
};

static fh_status put_contracts(const deed_unit *unit, const deed_decl *d, fh_buf *out) {
    for (uint32_t i = 0; i < d->contract_count; i++) {
        deed_contract c = fh_deed_contracts_get(unit->contracts, d->first_contract + i);
        FH_TRY(fh_buf_format(out, " %s", words[c.word]));
        if (c.text.size != 0)
            FH_TRY(fh_buf_format(out, "(%.*s)", FH_SPAN_FMT(c.text)));
    }
    return d->inherits ? fh_buf_put(out, FH_LIT(" (as above)")) : FH_DONE;
}

static fh_status indent(fh_buf *out, unsigned depth) {
    for (unsigned i = 0; i < depth; i++)
        FH_TRY(fh_buf_put(out, FH_LIT("  ")));
    return FH_DONE;
}


static fh_status put_head(const deed_unit *unit, const deed_node *n, fh_buf *out) {
    FH_TRY(fh_buf_format(out, "%s", kinds[n->kind]));
    if (n->op != DEED_OP_NONE)
        FH_TRY(fh_buf_format(out, " %s", ops[n->op]));
    if (n->field != 0)
        FH_TRY(fh_buf_format(out, " .%.*s =", FH_SPAN_FMT(fh_deed_decls_get(unit->decls, n->field).name)));
    if (n->decl != 0)
        FH_TRY(fh_buf_format(out, " %.*s", FH_SPAN_FMT(fh_deed_decls_get(unit->decls, n->decl).name)));
    if (n->kind == DEED_INTEGER || n->kind == DEED_CASE)
        FH_TRY(fh_buf_format(out, " %lld", (long long)n->number));
    if (n->kind == DEED_UNKNOWN)
        FH_TRY(fh_buf_format(out, " `%.*s`", FH_SPAN_FMT(n->text)));
    if (n->kind == DEED_CAST || n->kind == DEED_LITERAL || n->kind == DEED_NULL || n->kind == DEED_VARIABLE) {
        uint32_t type = n->kind == DEED_VARIABLE ? fh_deed_decls_get(unit->decls, n->decl).type : n->type;
        FH_TRY(fh_buf_format(out, " <%.*s>", FH_SPAN_FMT(fh_deed_types_get(unit->types, type).spelling)));
    }
    if (n->kind == DEED_VARIABLE) {
        const deed_decl *d = fh_deed_decls_at(unit->decls, n->decl);
        FH_TRY(put_contracts(unit, d, out));
        if (d->cleanup != 0)
            FH_TRY(fh_buf_format(out, " cleanup %.*s", FH_SPAN_FMT(fh_deed_decls_get(unit->decls, d->cleanup).name)));
    }
    if (n->in_macro)
        FH_TRY(fh_buf_format(out, " in %.*s", FH_SPAN_FMT(n->macro)));
    return FH_DONE;
}

static fh_status put_node(const deed_unit *unit, uint32_t id, unsigned depth, fh_buf *out) {
    const deed_node *n = fh_deed_nodes_at(unit->nodes, id);
    FH_TRY(indent(out, depth));
    FH_TRY(put_head(unit, n, out));
    FH_TRY(fh_buf_put(out, FH_LIT("\n")));
    for (uint32_t i = 0; i < n->count && depth < DUMP_DEPTH_MAX; i++)
        FH_TRY(put_node(unit, fh_u32s_get(unit->children, n->first + i), depth + 1, out));
    return FH_DONE;
}

static fh_status put_decl(const deed_unit *unit, uint32_t id, unsigned depth, fh_buf *out) {
    static const char *const names[] = {"-", "function", "parameter", "variable", "field", "record", "typedef", "label"};
    const deed_decl *d = fh_deed_decls_at(unit->decls, id);
    const deed_type *t = fh_deed_types_at(unit->types, d->type);
    FH_TRY(indent(out, depth));
    FH_TRY(fh_buf_format(out, "%s %.*s <%.*s>", names[d->kind], FH_SPAN_FMT(d->name), FH_SPAN_FMT(t->spelling)));
    FH_TRY(put_contracts(unit, d, out));
    if (d->previous != 0)
        FH_TRY(fh_buf_put(out, FH_LIT(" again")));
    FH_TRY(fh_buf_put(out, FH_LIT("\n")));
    for (uint32_t i = 0; i < d->count && depth < DUMP_DEPTH_MAX; i++)
        FH_TRY(put_decl(unit, fh_u32s_get(unit->members, d->first + i), depth + 1, out));
    return d->body == 0 ? FH_DONE : put_node(unit, d->body, depth + 1, out);
}

fh_status deed_unit_dump(const deed_unit *unit, fh_buf *out) {
    for (size_t i = 0; i < unit->problems.count; i++)
        FH_TRY(fh_buf_format(out, "problem: %.*s\n", FH_SPAN_FMT(fh_deed_problems_get(unit->problems, i).text)));
    for (size_t i = 0; i < unit->globals.count; i++) {
        uint32_t id = fh_u32s_get(unit->globals, i);
        if (fh_deed_files_get(unit->files, fh_deed_decls_get(unit->decls, id).place.file).is_main)
            FH_TRY(put_decl(unit, id, 0, out));
    }
    return FH_DONE;
}

/* --- for programs --------------------------------------------------------------------------------------------------------- */

static fh_status put_words(const deed_unit *unit, uint32_t decl, fh_buf *out) {
    const deed_decl *d = fh_deed_decls_at(unit->decls, decl);
    FH_TRY(fh_buf_put(out, FH_LIT("\"")));
    for (uint32_t i = 0; decl != 0 && i < d->contract_count; i++) {
        deed_word word = fh_deed_contracts_get(unit->contracts, d->first_contract + i).word;
        FH_TRY(fh_buf_format(out, "%s%s", i == 0 ? "" : " ", words[word]));
    }
    return fh_buf_put(out, FH_LIT("\""));
}

/* The words of a function, and of its parameters. */
static fh_status put_all_words(const deed_unit *unit, uint32_t decl, fh_buf *out) {
    const deed_decl *d = fh_deed_decls_at(unit->decls, decl);
    FH_TRY(fh_buf_put(out, FH_LIT(",\"words\":[")));
    FH_TRY(put_words(unit, decl, out));
    for (uint32_t i = 0; decl != 0 && i < d->count; i++) {
        FH_TRY(fh_buf_put(out, FH_LIT(",")));
        FH_TRY(put_words(unit, fh_u32s_get(unit->members, d->first + i), out));
    }
    return fh_buf_put(out, FH_LIT("]"));
}

static fh_status put_row(const deed_unit *unit, unsigned depth, const char *kind, deed_place place, uint32_t type,
                         uint32_t decl, fh_buf *out) {
    fh_span name = decl != 0 ? fh_deed_decls_at(unit->decls, decl)->name : (fh_span){NULL, 0};
    const deed_type *t = fh_deed_types_at(unit->types, type);
    FH_TRY(fh_buf_format(out, "{\"depth\":%u,\"kind\":\"%s\",\"begin\":%u,\"end\":%u,", depth, kind, place.offset_bytes,
                         place.end_bytes));
    return fh_buf_format(out, "\"name\":\"%.*s\",\"type\":\"%.*s\"", FH_SPAN_FMT(name), FH_SPAN_FMT(t->spelling));
}

static fh_status put_node_row(const deed_unit *unit, uint32_t id, unsigned depth, fh_buf *out) {
    const deed_node *n = fh_deed_nodes_at(unit->nodes, id);
    uint32_t type = n->kind == DEED_VARIABLE ? fh_deed_decls_at(unit->decls, n->decl)->type : n->type;
    FH_TRY(put_row(unit, depth, kinds[n->kind], n->place, type, n->decl, out));
    FH_TRY(fh_buf_format(out, ",\"op\":\"%s\",\"macro\":%s,\"number\":%lld", ops[n->op], n->macro.size != 0 ? "true" : "false",
                         (long long)n->number));
    if (n->kind == DEED_CALL) {
        uint32_t callee = fh_deed_nodes_at(unit->nodes, fh_u32s_get(unit->children, n->first))->decl;
        FH_TRY(put_all_words(unit, callee, out));
    } else if (n->kind == DEED_VARIABLE) {
        bool automatic = fh_deed_decls_at(unit->decls, n->decl)->cleanup != 0;
        FH_TRY(fh_buf_format(out, ",\"cleanup\":%s", automatic ? "true" : "false"));
    } else if (n->kind == DEED_INDEX) {
        const deed_node *base = fh_deed_nodes_at(unit->nodes, fh_u32s_get(unit->children, n->first));
        FH_TRY(fh_buf_format(out, ",\"count\":%lld", (long long)fh_deed_types_at(unit->types, base->type)->count));
    }
    FH_TRY(fh_buf_put(out, FH_LIT("}\n")));
    for (uint32_t i = 0; i < n->count && depth < DUMP_DEPTH_MAX; i++)
        FH_TRY(put_node_row(unit, fh_u32s_get(unit->children, n->first + i), depth + 1, out));
    return FH_DONE;
}

fh_status deed_unit_dump_rows(const deed_unit *unit, fh_buf *out) {
    for (size_t i = 0; i < unit->functions.count; i++) {
        uint32_t id = fh_u32s_get(unit->functions, i);
        const deed_decl *d = fh_deed_decls_at(unit->decls, id);
        const deed_type *t = fh_deed_types_at(unit->types, d->type);
        if (!fh_deed_files_get(unit->files, d->place.file).is_main)
            continue;
        FH_TRY(put_row(unit, 0, "function", d->place, t->to, id, out));
        FH_TRY(put_all_words(unit, id, out));
        FH_TRY(fh_buf_put(out, FH_LIT("}\n")));
        for (uint32_t k = 0; k < d->count; k++) {
            uint32_t parameter = fh_u32s_get(unit->members, d->first + k);
            const deed_decl *p = fh_deed_decls_at(unit->decls, parameter);
            FH_TRY(put_row(unit, 1, "parameter", p->place, p->type, parameter, out));
            FH_TRY(fh_buf_put(out, FH_LIT(",\"words\":[")));
            FH_TRY(put_words(unit, parameter, out));
            FH_TRY(fh_buf_put(out, FH_LIT("]}\n")));
        }
        FH_TRY(put_node_row(unit, d->body, 1, out));
    }
    return FH_DONE;
}
