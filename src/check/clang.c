/* clang.c: a unit as a whole, out of libclang: columns, places, nodes, and the walk over what stands at file scope.
 *
 * This room is audited (docs/UNSAFE.md: clang-column, clang-text): it follows libclang's pointers, and its own columns.
 *
 * Invariants: clang_build.h. Threading: one thread at a time. */
#include "check/clang_build.h"

enum { COLUMN_FIRST = 64 };

/* --- columns -------------------------------------------------------------------------------------------------------------- */

void *deed_push(deed_memory *m, deed_column *c) {
    FH_UNSAFE("clang-column");
    if (c->count == c->room) {
        size_t room = c->room == 0 ? COLUMN_FIRST : 2 * c->room;
        void *more = m->failed ? NULL : fh_arena_alloc(m->arena, room, c->size);
        if (more == NULL) {
            m->failed = true;
            return __builtin_memset(c->at, 0, c->size);
        }
        if (c->count != 0)
            __builtin_memcpy(more, c->at, c->count * c->size);
        c->at = more;
        c->room = room;
    }
    return __builtin_memset((uint8_t *)c->at + c->count++ * c->size, 0, c->size);
}

void deed_push_u32(deed_memory *m, deed_column *c, uint32_t value) {
    FH_UNSAFE("clang-column");
    *(uint32_t *)deed_push(m, c) = value;
}

void *deed_row_at(const deed_column *c, size_t i) {
    if (FH_UNLIKELY(i >= c->count))
        fh_bounds_fail(i, c->count);
    FH_UNSAFE("clang-column");
    return (uint8_t *)c->at + i * c->size;
}

uint32_t deed_u32_at(const deed_column *c, size_t i) {
    FH_UNSAFE("clang-column");
    return *(uint32_t *)deed_row_at(c, i);
}
deed_node *deed_node_row(deed_build *b, uint32_t i) {
    return deed_row_at(&b->nodes, i);
}
deed_decl *deed_decl_row(deed_build *b, uint32_t i) {
    return deed_row_at(&b->decls, i);
}
deed_type *deed_type_row(deed_build *b, uint32_t i) {
    return deed_row_at(&b->types, i);
}
deed_contract *deed_contract_row(deed_build *b, uint32_t i) {
    return deed_row_at(&b->contracts, i);
}
deed_decl deed_decl_copy(deed_build *b, uint32_t i) {
    return *deed_decl_row(b, i);
}
deed_type deed_type_copy(deed_build *b, uint32_t i) {
    return *deed_type_row(b, i);
}
CXCursor *deed_decl_key(deed_build *b, uint32_t i) {
    return deed_row_at(&b->decl_keys, i);
}
deed_type_key *deed_type_key_row(deed_build *b, uint32_t i) {
    return deed_row_at(&b->type_keys, i);
}
uint32_t *deed_latest_row(deed_build *b, uint32_t i) {
    return deed_row_at(&b->latest, i);
}

uint64_t deed_hash_type(CXType canonical) {
    FH_UNSAFE("clang-text");
    return (uint64_t)(uintptr_t)canonical.data[0];
}

/* --- libclang's texts, cursors and words ---------------------------------------------------------------------------------- */

fh_span deed_text(deed_build *b, CXString s) {
    FH_UNSAFE("clang-text");
    fh_span from = fh_span_of_str(clang_getCString(s)), out = {NULL, 0};
    char *at = b->memory.failed ? NULL : fh_arena_alloc(b->memory.arena, from.size + 1, 1);
    if (at == NULL)
        b->memory.failed = true;
    else if (from.size != 0)
        out = (fh_span){__builtin_memcpy(at, from.at, from.size), from.size};
    clang_disposeString(s);
    return out;
}

static enum CXChildVisitResult keep_child(CXCursor c, CXCursor parent, CXClientData data) {
    (void)parent;
    deed_build *b = data;
    FH_UNSAFE("clang-column");
    *(CXCursor *)deed_push(&b->memory, &b->cursors) = c;
    return b->memory.failed ? CXChildVisit_Break : CXChildVisit_Continue;
}

deed_kids deed_kids_of(deed_build *b, CXCursor c) {
    deed_kids k = {b->cursors.count, 0};
    FH_UNSAFE("clang-text");
    clang_visitChildren(c, keep_child, b);
    k.count = b->cursors.count - k.first;
    return k;
}

CXCursor deed_kid(deed_build *b, deed_kids k, size_t i) {
    FH_UNSAFE("clang-column");
    return *(CXCursor *)deed_row_at(&b->cursors, k.first + i);
}

void deed_kid_set(deed_build *b, deed_kids k, size_t i, CXCursor c) {
    CXCursor *row = deed_row_at(&b->cursors, k.first + i);
    *row = c;
}

void deed_kids_end(deed_build *b, deed_kids k) {
    b->cursors.count = k.first;
}

fh_deed_tokens deed_tokens_of(deed_build *b, CXCursor c) {
    CXToken *tokens = NULL;
    unsigned count = 0;
    FH_UNSAFE("clang-text");
    clang_tokenize(b->tu, clang_getCursorExtent(c), &tokens, &count);
    deed_token *at = b->memory.failed ? NULL : fh_arena_alloc(b->memory.arena, (size_t)count + 1, sizeof *at);
    b->memory.failed = at == NULL;
    fh_deed_tokens out = {at, at == NULL ? 0 : count};
    for (unsigned i = 0; i < out.count; i++) {
        unsigned offset = 0;
        clang_getFileLocation(clang_getTokenLocation(b->tu, tokens[i]), NULL, NULL, NULL, &offset);
        at[i] = (deed_token){deed_text(b, clang_getTokenSpelling(b->tu, tokens[i])), clang_getTokenKind(tokens[i]), offset};
    }
    clang_disposeTokens(b->tu, tokens, count);
    return out;
}

bool deed_is_named(CXCursor c, fh_span name) {
    CXString s = clang_getCursorSpelling(c);
    FH_UNSAFE("clang-text");
    bool is = fh_span_equal(fh_span_of_str(clang_getCString(s)), name);
    clang_disposeString(s);
    return is;
}

typedef struct by_name {
    fh_span name;
    CXCursor found;
} by_name;
static enum CXChildVisitResult look_for(CXCursor c, CXCursor parent, CXClientData data) {
    (void)parent;
    by_name *wanted = data;
    if (clang_getCursorKind(c) != CXCursor_FunctionDecl || !deed_is_named(c, wanted->name))
        return CXChildVisit_Continue;
    wanted->found = c;
    return CXChildVisit_Break;
}

CXCursor deed_function_named(deed_build *b, fh_span name) {
    by_name wanted = {name, clang_getNullCursor()};
    FH_UNSAFE("clang-text");
    clang_visitChildren(clang_getTranslationUnitCursor(b->tu), look_for, &wanted);
    return wanted.found;
}

bool deed_constant(CXCursor c, int64_t *out) {
    FH_UNSAFE("clang-text");
    CXEvalResult e = clang_Cursor_Evaluate(c);
    bool ok = e != NULL && clang_EvalResult_getKind(e) == CXEval_Int;
    if (ok)
        *out = clang_EvalResult_getAsLongLong(e);
    clang_EvalResult_dispose(e);
    return ok;
}

/* --- places --------------------------------------------------------------------------------------------------------------- */

bool deed_is_system(CXCursor c) {
    return clang_Location_isInSystemHeader(clang_getCursorLocation(c)) != 0;
}

static uint32_t file_of(deed_build *b, CXFile file, bool system) {
    if (file == NULL)
        return 0;
    CXFile *keys = b->file_keys.at;
    for (size_t i = b->files.count; i-- > 1;) {
        FH_UNSAFE("clang-text");
        if (keys[i] == file)
            return (uint32_t)i;
    }
    for (size_t i = b->files.count; i-- > 1;) {
        FH_UNSAFE("clang-text");
        if (clang_File_isEqual(keys[i], file))
            return (uint32_t)i;
    }
    FH_UNSAFE("clang-text");
    deed_file row = {.path = deed_text(b, clang_getFileName(file)), .is_system = system};
    row.is_main = fh_span_is(row.path, b->source->path);
    const deed_settings *settings = b->source->settings;
    if (settings != NULL) {
        fh_span path = deed_path_from_root(b->memory.arena, settings, row.path);
        const deed_setting *room = deed_setting_over(settings->audited, path);
        row.is_audited = room != NULL;
        row.is_whole = room != NULL && room->is_whole;
        row.is_system = system || deed_setting_over(settings->exclude, path) != NULL;
    }
    size_t size = 0;
    const char *text = clang_getFileContents(b->tu, file, &size);
    if (text != NULL && !system && fh_failed(fh_arena_copy(b->memory.arena, (fh_span){(const uint8_t *)text, size}, &row.text)))
        b->memory.failed = true;
    *(CXFile *)deed_push(&b->memory, &b->file_keys) = file;
    *(deed_file *)deed_push(&b->memory, &b->files) = row;
    return (uint32_t)b->files.count - 1;
}

/* The end of the name that begins at `at`. */
uint32_t deed_name_end(fh_span text, uint32_t at) {
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
    FH_UNSAFE("clang-text");
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
    const deed_file *f = deed_row_at(&b->files, p.file);
    bool argument = outer != file || expanded != offset;
    FH_UNSAFE("clang-text");
    bool body = !argument && !clang_equalLocations(start, clang_getLocationForOffset(b->tu, file, offset));
    if (macro != NULL && (argument || body)) {
        const deed_file *o = deed_row_at(&b->files, file_of(b, outer, f->is_system));
        uint32_t stop = deed_name_end(o->text, expanded);
        *macro = stop > expanded ? fh_span_sub(o->text, expanded, stop - expanded) : (fh_span){0};
        f = deed_row_at(&b->files, p.file);
    }
    if (in_body != NULL)
        *in_body = body;
    if (body || end_file != file || p.end_bytes < p.offset_bytes)
        p.end_bytes = deed_name_end(f->text, p.offset_bytes);
    return p;
}

/* --- nodes ---------------------------------------------------------------------------------------------------------------- */

uint32_t deed_new_node(deed_build *b, deed_kind kind, CXCursor c) {
    uint32_t id = (uint32_t)b->nodes.count;
    deed_node n = {.kind = kind};
    n.place = deed_place_of(b, clang_getCursorExtent(c), &n.macro, &n.in_macro);
    if (clang_isExpression(clang_getCursorKind(c)) != 0)
        n.type = deed_type_of(b, clang_getCursorType(c));
    FH_UNSAFE("clang-text");
    *(deed_node *)deed_push(&b->memory, &b->nodes) = n;
    return b->memory.failed ? 0 : id;
}

uint32_t deed_adopt(deed_build *b, uint32_t id, const uint32_t *children, uint32_t count) {
    deed_node_row(b, id)->first = (uint32_t)b->children.count;
    deed_node_row(b, id)->count = count;
    FH_UNSAFE("clang-text");
    for (uint32_t i = 0; i < count; i++)
        deed_push_u32(&b->memory, &b->children, children[i]);
    return id;
}

/* What was pushed on `pending` since it had `base` rows. */
uint32_t deed_adopt_pending(deed_build *b, uint32_t id, size_t base) {
    uint32_t count = (uint32_t)(b->pending.count - base);
    deed_node_row(b, id)->first = (uint32_t)b->children.count;
    deed_node_row(b, id)->count = count;
    for (size_t i = base; i < b->pending.count; i++)
        deed_push_u32(&b->memory, &b->children, deed_u32_at(&b->pending, i));
    b->pending.count = base;
    return id;
}

/* What a programmer calls it, where libclang's name would not tell; NULL: that name will do. */
static const char *plain_name(CXCursor c, fh_span source) {
    switch ((int)clang_getCursorKind(c)) {
    case CXCursor_AddrLabelExpr: return "the address of a label";
    case CXCursor_IndirectGotoStmt: return "a computed goto";
    case CXCursor_UnexposedExpr: return fh_span_find(source, FH_LIT("?"), 0) == SIZE_MAX ? NULL : "a ?: without its middle";
    default: return NULL;
    }
}

uint32_t deed_unknown(deed_build *b, CXCursor c, const char *what) {
    uint32_t id = deed_new_node(b, DEED_UNKNOWN, c);
    const deed_node *n = deed_node_row(b, id);
    const deed_file *f = deed_row_at(&b->files, n->place.file);
    uint32_t from = n->place.offset_bytes, name = n->place.file != 0 ? deed_name_end(f->text, from) : from;
    fh_span source = {NULL, 0};
    if (n->place.file != 0 && n->place.end_bytes > from && n->place.end_bytes <= f->text.size)
        source = fh_span_sub(f->text, from, n->place.end_bytes - from);
    what = what == NULL && !n->in_macro ? plain_name(c, source) : what;
    fh_span text = what == NULL ? deed_text(b, clang_getCursorKindSpelling(clang_getCursorKind(c))) : fh_span_of_str(what);
    if (what == NULL && name > from) /* __builtin_va_arg and the like say it better */
        text = fh_span_sub(f->text, from, name - from);
    deed_node_row(b, id)->text = text;
    return id;
}

/* --- the unit ------------------------------------------------------------------------------------------------------------- */

static void read_function(deed_build *b, uint32_t decl, CXCursor c) {
    bool main = clang_Location_isFromMainFile(clang_getCursorLocation(c)) != 0;
    if (!clang_isCursorDefinition(c) || (b->source->main_only && !main))
        return;
    if (b->source->seen != NULL && !main) {
        uint64_t print = deed_print_of(b, c);
        if (deed_seen_has(b->source->seen, print))
            return;
        deed_print *row = deed_push(&b->memory, &b->prints);
        *row = (deed_print){print, decl};
    }
    b->function = decl;
    b->depth = 0;
    deed_kids kids = deed_kids_of(b, c);
    for (size_t i = kids.count; i-- > 0;) {
        if (clang_getCursorKind(deed_kid(b, kids, i)) == CXCursor_CompoundStmt) {
            uint32_t body = deed_read_stmt(b, deed_kid(b, kids, i));
            deed_decl_row(b, decl)->body = body;
            deed_push_u32(&b->memory, &b->functions, decl);
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
    bool itself = clang_equalCursors(*deed_decl_key(b, decl), c) != 0; /* no `struct s;` before its definition */
    if (decl != 0 && itself)
        deed_push_u32(&b->memory, &b->globals, decl);
    if (kind == DEED_DECL_FUNCTION)
        read_function(b, decl, c);
    CXCursor init = kind == DEED_DECL_VARIABLE ? clang_Cursor_getVarDeclInitializer(c) : clang_getNullCursor();
    if (!clang_Cursor_isNull(init)) {
        uint32_t value = deed_read_value(b, init, deed_decl_row(b, decl)->type);
        deed_decl_row(b, decl)->body = value;
    }
    return b->memory.failed ? CXChildVisit_Break : CXChildVisit_Continue;
}

static void read_problems(deed_build *b) {
    FH_UNSAFE("clang-text");
    unsigned count = clang_getNumDiagnostics(b->tu);
    for (unsigned i = 0; i < count; i++) {
        CXDiagnostic d = clang_getDiagnostic(b->tu, i);
        if (clang_getDiagnosticSeverity(d) >= CXDiagnostic_Error) {
            CXSourceLocation at = clang_getDiagnosticLocation(d);
            deed_place place = deed_place_of(b, clang_getRange(at, at), NULL, NULL);
            deed_problem row = {place, deed_text(b, clang_getDiagnosticSpelling(d))};
            row.place.end_bytes = row.place.offset_bytes;
            *(deed_problem *)deed_push(&b->memory, &b->problems) = row;
        }
        clang_disposeDiagnostic(d);
    }
}

fh_span deed_printed(deed_build *b, CXCursor c, bool whole) {
    FH_UNSAFE("clang-text");
    if (b->whole == NULL) {
        CXCursor unit = clang_getTranslationUnitCursor(b->tu);
        b->whole = clang_getCursorPrintingPolicy(unit);
        b->head = clang_getCursorPrintingPolicy(unit);
        clang_PrintingPolicy_setProperty(b->head, CXPrintingPolicy_TerseOutput, 1);
    }
    return deed_text(b, clang_getCursorPrettyPrinted(c, whole ? b->whole : b->head));
}

static void end_printing(deed_build *b) {
    FH_UNSAFE("clang-text");
    clang_PrintingPolicy_dispose(b->whole); /* NULL is allowed */
    clang_PrintingPolicy_dispose(b->head);
}

void deed_visit_unit(deed_build *b, CXCursorVisitor visit) {
    FH_UNSAFE("clang-column");
    clang_visitChildren(clang_getTranslationUnitCursor(b->tu), visit, b);
}

/* A file that the unit was made of, with what libclang saw in it. */
static void read_input(CXFile file, CXSourceLocation *stack, unsigned depth, CXClientData data) {
    deed_build *b = data;
    CXFile by = NULL;
    size_t size = 0;
    FH_UNSAFE("clang-text");
    if (depth > 0)
        clang_getFileLocation(stack[0], &by, NULL, NULL, NULL);
    const char *at = clang_getFileContents(b->tu, file, &size);
    fh_span text = {(const uint8_t *)at, at == NULL ? 0 : size};
    bool system = clang_Location_isInSystemHeader(clang_getLocationForOffset(b->tu, file, 0)) != 0;
    deed_input row = {.path = deed_text(b, clang_getFileName(file)), .hash = deed_input_hash(text)};
    row.includer = by != NULL ? deed_text(b, clang_getFileName(by)) : (fh_span){0};
    row.asks_for_files = !system && fh_span_find(text, FH_LIT("__has_include"), 0) != SIZE_MAX;
    *(deed_input *)deed_push(&b->memory, &b->inputs) = row;
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
        {&b->pending, sizeof(uint32_t)}, {&b->prints, sizeof(deed_print)}, {&b->inputs, sizeof(deed_input)},
        {&b->symbols, sizeof(deed_symbol)}, {&b->entries, sizeof(deed_name)}, {&b->names, sizeof(uint64_t)},
        {&b->links, sizeof(uint32_t)},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        void *at = fh_arena_alloc(b->memory.arena, COLUMN_FIRST, all[i].size);
        if (at == NULL)
            return false;
        *all[i].column = (deed_column){at, 0, COLUMN_FIRST, all[i].size};
        deed_push(&b->memory, all[i].column); /* row 0 */
    }
    b->functions.count = b->globals.count = b->problems.count = b->prints.count = b->inputs.count = 0;
    return true;
}

/* -fsanitize=bounds, array-bounds, undefined … */
static bool checks_indices(const deed_source *source) {
    for (size_t i = 0; i < source->args.count; i++) {
        fh_span arg = fh_span_of_str(fh_deed_args_get(source->args, i));
        if (fh_span_starts(arg, FH_LIT("-fsanitize=")) && (fh_span_find(arg, FH_LIT("bounds"), 0) != SIZE_MAX ||
                                                           fh_span_find(arg, FH_LIT("undefined"), 0) != SIZE_MAX))
            return true;
    }
    return false;
}

static fh_status build_unit(deed_build *b, deed_unit **out) {
    if (!start_columns(b))
        return FH_STATUS(FH_NOMEM);
    FH_UNSAFE("clang-text");
    file_of(b, clang_getFile(b->tu, b->source->path), false);
    read_problems(b);
    deed_visit_unit(b, read_top);
    end_printing(b);
    if (b->source->lists_inputs)
        clang_getInclusions(b->tu, read_input, b);
    deed_unit *unit = b->memory.failed ? NULL : fh_arena_alloc(b->memory.arena, 1, sizeof *unit);
    if (unit == NULL)
        return FH_STATUS(FH_NOMEM);
    *unit = (deed_unit){
        .arena = b->memory.arena,
        .files = {b->files.at, b->files.count}, .nodes = {b->nodes.at, b->nodes.count},
        .types = {b->types.at, b->types.count}, .decls = {b->decls.at, b->decls.count},
        .contracts = {b->contracts.at, b->contracts.count}, .children = {b->children.at, b->children.count},
        .members = {b->members.at, b->members.count}, .functions = {b->functions.at, b->functions.count},
        .checks_indices = checks_indices(b->source),
        .problems = {b->problems.at, b->problems.count}, .globals = {b->globals.at, b->globals.count},
        .prints = {b->prints.at, b->prints.count}, .inputs = {b->inputs.at, b->inputs.count},
    };
    *out = unit;
    return FH_DONE;
}

/* Parses for the first time, or again. */
static enum CXErrorCode parse(const deed_source *source, deed_live *live) {
    struct CXUnsavedFile texts[DEED_TEXTS_MAX];
    unsigned text_count = 0, flags = CXTranslationUnit_KeepGoing;
    FH_UNSAFE("clang-text");
    for (size_t i = 0; i < source->texts.count && i < DEED_TEXTS_MAX; i++) {
        const deed_text_file *t = fh_deed_text_files_at(source->texts, i);
        const char *at = t->text.size == 0 ? "" : (const char *)t->text.at;
        texts[text_count++] = (struct CXUnsavedFile){t->path, at, t->text.size};
    }
    if (live->unit != NULL)
        return (enum CXErrorCode)clang_reparseTranslationUnit(live->unit, text_count, texts,
                                                              clang_defaultReparseOptions(live->unit));
    if (source->live != NULL)
        flags |= CXTranslationUnit_PrecompiledPreamble | CXTranslationUnit_CreatePreambleOnFirstParse;
    int count = source->args.count > 10000 ? 10000 : (int)source->args.count;
    CXTranslationUnit unit = NULL;
    enum CXErrorCode code = clang_parseTranslationUnit2(live->index, source->path, source->args.at, count, texts, text_count,
                                                        flags, &unit);
    live->unit = unit;
    return code;
}

void deed_live_end(deed_live *live) {
    FH_UNSAFE("clang-text");
    if (live->unit != NULL)
        clang_disposeTranslationUnit(live->unit);
    if (live->index != NULL)
        clang_disposeIndex(live->index);
    *live = (deed_live){NULL, NULL};
}

fh_status deed_unit_parse(fh_arena *arena, const deed_source *source, deed_unit **out, fh_err *err) {
    deed_build b = {.memory = {.arena = arena}, .source = source};
    deed_live one = {NULL, NULL}, *live = source->live == NULL ? &one : source->live;
    *out = NULL;
    FH_UNSAFE("clang-text");
    if (live->index == NULL)
        live->index = clang_createIndex(0, 0);
    if (live->index == NULL)
        return fh_fail(err, FH_UNSUPPORTED, FH_NO_OFFSET, "libclang cannot be started");
    enum CXErrorCode code = parse(source, live);
    b.tu = live->unit;
    fh_status s = FH_DONE;
    if (code == CXError_Success)
        s = build_unit(&b, out);
    else
        s = fh_fail(err, FH_IO, FH_NO_OFFSET, "%s: cannot be read (libclang's error %d)", source->path, (int)code);
    if (source->live == NULL || code != CXError_Success) /* after a failed reparse nothing but its end is allowed */
        deed_live_end(live);
    return s;
}

fh_span deed_clang_version(fh_arena *arena) {
    deed_build b = {.memory = {.arena = arena}};
    return deed_text(&b, clang_getClangVersion());
}
