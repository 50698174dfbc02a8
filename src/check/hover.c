/* hover.c: contracts in sentences, and the few helps that are an insertion of a word.
 *
 * Threading: pure functions. */
#include "check/hover.h"

/* --- what is named at a place --------------------------------------------------------------------------------------------- */

static bool covers(const deed_unit *unit, deed_place p, size_t offset) {
    return fh_deed_files_at(unit->files, p.file)->is_main && p.offset_bytes <= offset && offset < p.end_bytes;
}

/* The declaration that a node names, and where: a member by its last name only. */
static uint32_t named_by(const deed_unit *unit, const deed_node *n, deed_place *where) {
    *where = n->place;
    if (n->decl == 0 || n->in_macro || (n->kind != DEED_REF && n->kind != DEED_MEMBER))
        return 0;
    uint32_t size = (uint32_t)fh_deed_decls_at(unit->decls, n->decl)->name.size;
    if (n->kind == DEED_MEMBER && where->end_bytes - where->offset_bytes >= size)
        where->offset_bytes = where->end_bytes - size;
    return n->decl;
}

static uint32_t decl_at(const deed_unit *unit, size_t offset, deed_place *where) {
    for (size_t i = 1; i < unit->nodes.count; i++) {
        uint32_t decl = named_by(unit, fh_deed_nodes_at(unit->nodes, i), where);
        if (decl != 0 && covers(unit, *where, offset))
            return decl;
    }
    for (size_t i = 1; i < unit->decls.count; i++) {
        const deed_decl *d = fh_deed_decls_at(unit->decls, i);
        *where = d->place;
        if (d->name.size != 0 && d->kind != DEED_DECL_LABEL && covers(unit, d->place, offset))
            return (uint32_t)i;
    }
    return 0;
}

/* --- sentences ------------------------------------------------------------------------------------------------------------ */

typedef struct sentence {
    deed_word word;
    fh_or_null const char *argument, *result; /* of a parameter, or of anything else; NULL: does not occur there */
} sentence;

static const sentence sentences[] = {
    {DEED_OWNED, "what is stored there is owned by the caller, who must end its life",
     "owned: whoever gets it must end its life"},
    {DEED_OWNED_OR_NULL, "what is stored there is owned by the caller, who must end its life, or it is NULL",
     "owned, or NULL: whoever gets it must end its life"},
    {DEED_OR_NULL, "it may be NULL", "may be NULL: compare it with that before it is used"},
    {DEED_MOVE, "taken over by the call: the caller has it no longer", NULL},
    {DEED_DROP, "its life ends in the call; NULL is allowed", NULL},
    {DEED_REF_WORD, "borrowed for the call, shared: it is only looked at", "borrowed, shared: it is only looked at"},
    {DEED_MUT, "borrowed for the call, exclusively: it may be changed", "borrowed exclusively"},
    {DEED_OUT, "written before the call succeeds", NULL},
    {DEED_VIEW, "a view", "a view: valid while what it looks into lives and is not changed"},
    {DEED_STATIC, NULL, "lives as long as the program"},
    {DEED_SEND, "crosses to another thread", NULL},
    {DEED_SYNC, NULL, "threads may share its values"},
    {DEED_VIEW_TYPE, NULL, "its values are views"},
    {DEED_GUARDED, NULL, "used only with a lock held"},
    {DEED_REQUIRES, NULL, "called only with a lock held"},
    {DEED_LOCK, NULL, "takes a lock"},
    {DEED_UNLOCK, NULL, "gives a lock back"},
    {DEED_UNSAFE, NULL, "breaks the rules, under an invariant that is written down"},
};

/* The name of argument k of a function, or its number. */
static fh_status put_argument(const deed_unit *unit, const deed_decl *d, uint32_t k, fh_buf *out) {
    if (k >= 1 && k <= d->count) {
        uint32_t member = fh_u32s_get(unit->members, d->first + k - 1);
        fh_span name = fh_deed_decls_at(unit->decls, member)->name;
        if (name.size != 0)
            return fh_buf_format(out, " `%.*s`", FH_SPAN_FMT(name));
    }
    return fh_buf_format(out, " argument %u", k);
}

static fh_status put_contract(const deed_unit *unit, const deed_decl *d, const deed_contract *c, fh_buf *out) {
    const char *text = NULL;
    for (size_t i = 0; i < sizeof sentences / sizeof sentences[0]; i++) {
        if (sentences[i].word == c->word)
            text = d->kind == DEED_DECL_PARAMETER ? sentences[i].argument : sentences[i].result;
    }
    if (text == NULL)
        return FH_DONE;
    FH_TRY(fh_buf_format(out, "\n- "));
    if (d->kind == DEED_DECL_PARAMETER)
        FH_TRY(fh_buf_format(out, "`%.*s`: ", FH_SPAN_FMT(d->name)));
    else if (d->kind == DEED_DECL_FUNCTION && (c->word == DEED_OWNED || c->word == DEED_OWNED_OR_NULL ||
                                               c->word == DEED_OR_NULL || c->word == DEED_VIEW || c->word == DEED_STATIC ||
                                               c->word == DEED_REF_WORD || c->word == DEED_MUT))
        FH_TRY(fh_buf_format(out, "result: "));
    FH_TRY(fh_buf_format(out, "%s", text));
    if (c->word == DEED_GUARDED || c->word == DEED_REQUIRES)
        return fh_buf_format(out, ": `%.*s`", FH_SPAN_FMT(c->text));
    for (uint32_t i = 0; i < c->arg_count && i < DEED_ARGS_MAX && d->kind == DEED_DECL_FUNCTION; i++) {
        FH_TRY(fh_buf_put(out, i == 0 ? FH_LIT(":") : FH_LIT(",")));
        FH_TRY(put_argument(unit, d, c->args[i], out));
    }
    return FH_DONE;
}

/* A parameter without words says something by its type. */
static fh_status put_unwritten(const deed_unit *unit, const deed_decl *d, fh_buf *out) {
    const deed_type *t = fh_deed_types_at(unit->types, d->type);
    if (d->kind != DEED_DECL_PARAMETER || d->contract_count != 0 || t->kind != DEED_TYPE_POINTER)
        return FH_DONE;
    bool shared = fh_deed_types_at(unit->types, t->to)->is_const;
    return fh_buf_format(out, "\n- `%.*s`: %s", FH_SPAN_FMT(d->name),
                         shared ? "borrowed for the call, shared (it points to const)" : "no contract is written");
}

static fh_status put_contracts(const deed_unit *unit, const deed_decl *d, fh_buf *out) {
    for (uint32_t i = 0; i < d->contract_count; i++)
        FH_TRY(put_contract(unit, d, fh_deed_contracts_at(unit->contracts, d->first_contract + i), out));
    FH_TRY(put_unwritten(unit, d, out));
    if (d->kind == DEED_DECL_VARIABLE && d->cleanup != 0)
        FH_TRY(fh_buf_format(out, "\n- ended by `%.*s` when its scope is left",
                             FH_SPAN_FMT(fh_deed_decls_at(unit->decls, d->cleanup)->name)));
    return FH_DONE;
}

/* --- the declaration as it is written ------------------------------------------------------------------------------------- */

/* Where the line of a place begins, after the spaces. */
static size_t line_start(fh_span text, size_t offset) {
    size_t at = offset < text.size ? offset : text.size;
    while (at > 0 && fh_span_at(text, at - 1) != '\n')
        at--;
    while (at < offset && (fh_span_at(text, at) == ' ' || fh_span_at(text, at) == '\t'))
        at++;
    return at;
}

/* The lines from the one of the name to where the declaration ends, or its body begins. */
static fh_status put_source(const deed_unit *unit, const deed_decl *d, fh_buf *out) {
    enum { SOURCE_MAX = 600 };
    fh_span text = fh_deed_files_at(unit->files, d->place.file)->text;
    size_t at = line_start(text, d->place.offset_bytes), depth = 0;
    bool space = false;
    FH_TRY(fh_buf_format(out, "```c\n"));
    for (size_t i = at; i < text.size && i < at + SOURCE_MAX; i++) {
        uint8_t c = fh_span_at(text, i);
        depth += c == '(';
        bool over = c == ';' || c == '{' || (depth == 0 && i >= d->place.end_bytes && (c == ',' || c == ')' || c == '='));
        if (over)
            break;
        depth -= c == ')' && depth > 0;
        if (c == ' ' || c == '\n' || c == '\t' || c == '\r') {
            space = true;
            continue;
        }
        if (space)
            FH_TRY(fh_buf_put_u8(out, ' '));
        space = false;
        FH_TRY(fh_buf_put_u8(out, c));
    }
    return fh_buf_format(out, "\n```\n");
}

fh_status deed_hover(const deed_unit *unit, size_t offset, fh_buf *out, deed_place *where, bool *found) {
    *where = (deed_place){0};
    uint32_t decl = decl_at(unit, offset, where);
    *found = decl != 0;
    if (decl == 0)
        return FH_DONE;
    const deed_decl *d = fh_deed_decls_at(unit->decls, decl);
    const deed_decl *whole = d->kind == DEED_DECL_PARAMETER && d->parent != 0 ? fh_deed_decls_at(unit->decls, d->parent) : d;
    FH_TRY(put_source(unit, whole, out));
    for (uint32_t i = 0; i < d->count && d->kind == DEED_DECL_FUNCTION; i++)
        FH_TRY(put_contracts(unit, fh_deed_decls_at(unit->decls, fh_u32s_get(unit->members, d->first + i)), out));
    return put_contracts(unit, d, out);
}

/* --- fixes ---------------------------------------------------------------------------------------------------------------- */

/* The next text in `quotes` from *at on; *at moves behind it. */
static bool take_quoted(fh_span text, size_t *at, fh_out fh_view(1) fh_span *out) {
    size_t open = fh_span_find(text, FH_LIT("`"), *at);
    size_t close = open == SIZE_MAX ? SIZE_MAX : fh_span_find(text, FH_LIT("`"), open + 1);
    if (close == SIZE_MAX)
        return false;
    *out = fh_span_sub(text, open + 1, close - open - 1);
    *at = close + 1;
    return true;
}

/* The function of the main file that a finding is in. */
static fh_or_null const deed_decl *function_of(const deed_unit *unit, const deed_finding *f) {
    for (size_t i = 0; i < unit->functions.count; i++) {
        const deed_decl *d = fh_deed_decls_at(unit->decls, fh_u32s_get(unit->functions, i));
        if (fh_span_equal(d->name, f->function) && fh_deed_files_at(unit->files, d->place.file)->is_main)
            return d;
    }
    return NULL;
}

/* Where the declaration of a parameter begins: behind the bracket or comma before its name. */
static size_t parameter_start(fh_span text, size_t offset) {
    size_t at = offset;
    while (at > 0 && fh_span_at(text, at - 1) != '(' && fh_span_at(text, at - 1) != ',')
        at--;
    while (at < offset && (fh_span_at(text, at) == ' ' || fh_span_at(text, at) == '\n'))
        at++;
    return at;
}

/* Whether the finding, or one of its notes, is about this parameter. */
static bool tells_of(const deed_finding *f, const deed_decl *p) {
    bool tells = f->place.file == p->place.file && f->place.offset_bytes == p->place.offset_bytes;
    for (const deed_remark *n = f->notes; n != NULL; n = n->next)
        tells = tells || (n->place.file == p->place.file && n->place.offset_bytes == p->place.offset_bytes);
    return tells;
}

/* "declare the function `WORD`", "declare the parameter `WORD`" and "declare `PARAMETER` `WORD`", with nothing behind it. */
bool deed_fix_of(const deed_unit *unit, const deed_finding *f, size_t *offset, fh_span *word) {
    const deed_decl *d = function_of(unit, f);
    fh_span help = f->help, name = {NULL, 0}, quoted;
    size_t at = 0;
    if (d == NULL || !fh_span_starts(help, FH_LIT("declare ")))
        return false;
    fh_span text = fh_deed_files_at(unit->files, d->place.file)->text;
    bool any = fh_span_starts(help, FH_LIT("declare the parameter `"));
    bool named = fh_span_starts(help, FH_LIT("declare `")) && take_quoted(help, &at, &name);
    if (!take_quoted(help, &at, &quoted) || at != help.size)
        return false;
    *word = quoted;
    *offset = line_start(text, d->place.offset_bytes);
    if (!any && !named)
        return fh_span_starts(help, FH_LIT("declare the function `"));
    for (uint32_t i = 0; i < d->count; i++) {
        const deed_decl *p = fh_deed_decls_at(unit->decls, fh_u32s_get(unit->members, d->first + i));
        const deed_type *t = fh_deed_types_at(unit->types, p->type);
        bool is_const = t->kind == DEED_TYPE_POINTER && fh_deed_types_at(unit->types, t->to)->is_const;
        *offset = parameter_start(text, p->place.offset_bytes);
        if (named ? fh_span_equal(p->name, name) : tells_of(f, p) && !is_const)
            return true;
    }
    return false;
}
