/* contract.c: declarations: what they have to say, that they say it alike, and whether it is true.
 *
 * Who calls a function of a header sees nothing but its words. So each pointer that may be written through, and each result
 * that can look into something, has one there (0601); every declaration of a thing says the same (0602); and a function goes
 * into a pointer to functions only if both make the same promises (0603). In `const T *` the word fh_ref goes without saying,
 * and so it does for a static function that `T *` is fh_mut. Two words are no promises but claims, and are computed: a type is
 * fh_sync if its fields are (0406), and a variable that all threads reach is of such a type (0405). Threading: flow.h. */
#include "check/flow.h"

typedef struct look {
    const deed_unit *unit;
    deed_report *report;
} look;

fh_view(*1) static const deed_decl *decl_of(const look *l, uint32_t id) {
    return fh_deed_decls_at(l->unit->decls, id);
}

fh_view(*1) static const deed_type *type_of(const look *l, uint32_t id) {
    return fh_deed_types_at(l->unit->types, id);
}

static bool says(const look *l, uint32_t decl, deed_word word) {
    return deed_word_of(l->unit, decl, word) != NULL;
}

static bool is_checked(const look *l, deed_place place) {
    const deed_file *file = fh_deed_files_at(l->unit->files, place.file);
    return !file->is_audited && !file->is_system;
}

/* A declaration that others see, or that speaks of what others define: of a header, an audited one too, or without a body. */
static bool is_seen(const look *l, uint32_t function) {
    const deed_file *file = fh_deed_files_at(l->unit->files, decl_of(l, function)->place.file);
    bool defined = false;
    for (size_t i = 0; file->is_main && i < l->unit->functions.count; i++)
        defined = defined || decl_of(l, fh_u32s_get(l->unit->functions, i))->entity == function;
    return !file->is_system && !defined && !(file->is_audited && file->is_main);
}

static uint32_t member(const look *l, const deed_decl *d, uint32_t i) {
    return fh_u32s_get(l->unit->members, d->first + i);
}

/* --- 0601: what has to be said -------------------------------------------------------------------------------------------- */

static bool is_data(const look *l, const deed_type *t) {
    return t->kind == DEED_TYPE_POINTER && type_of(l, t->to)->kind != DEED_TYPE_FUNCTION;
}

/* One of the words that say who owns what the parameter points to. */
static deed_word word_of(const look *l, uint32_t parameter) {
    static const deed_word words[] = {DEED_MOVE, DEED_DROP, DEED_OWNED, DEED_OWNED_OR_NULL, DEED_OUT, DEED_MUT, DEED_REF_WORD,
                                       DEED_SEND};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (says(l, parameter, words[i]))
            return words[i];
    }
    const deed_type *t = type_of(l, decl_of(l, parameter)->type);
    if (!is_data(l, t))
        return DEED_WORD_NONE;
    return type_of(l, t->to)->is_const ? DEED_REF_WORD : DEED_WORD_NONE;
}

static void check_parameter(const look *l, const deed_decl *function, uint32_t parameter) {
    const deed_decl *p = decl_of(l, parameter);
    if (!is_data(l, type_of(l, p->type)) || word_of(l, parameter) != DEED_WORD_NONE)
        return;
    deed_report_at(l->report, FH0601, p->place, "who owns what it points to?", "the parameter `%.*s` of `%.*s` has no contract",
                   FH_SPAN_FMT(p->name), FH_SPAN_FMT(function->name));
    deed_help(l->report, "say what the call does with it: `fh_mut`, `fh_ref`, `fh_out`, `fh_move` or `fh_drop`");
}

static void check_result(const look *l, uint32_t function) {
    const deed_decl *d = decl_of(l, function);
    static const deed_word words[] = {DEED_OWNED, DEED_OWNED_OR_NULL, DEED_VIEW, DEED_STATIC};
    bool said = false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        said = said || says(l, function, words[i]);
    const deed_type *result = type_of(l, type_of(l, d->type)->to);
    if (said || !is_data(l, result))
        return;
    deed_report_at(l->report, FH0601, d->place, "who owns its result?", "the result of `%.*s` has no contract",
                   FH_SPAN_FMT(d->name));
    deed_help(l->report, "declare it `fh_owned`, `fh_view(k)` for a part of argument k, or `fh_static`");
}

/* --- 0602: said alike everywhere ------------------------------------------------------------------------------------------ */

static bool has_like(const look *l, const deed_decl *d, const deed_contract *c) {
    for (uint32_t i = 0; i < d->contract_count; i++) {
        const deed_contract *o = fh_deed_contracts_at(l->unit->contracts, d->first_contract + i);
        if (o->word == c->word && fh_span_equal(o->text, c->text))
            return true;
    }
    return false;
}

static bool alike(const look *l, const deed_decl *a, const deed_decl *b) {
    bool same = a->contract_count == b->contract_count;
    for (uint32_t i = 0; same && i < a->contract_count; i++)
        same = has_like(l, b, fh_deed_contracts_at(l->unit->contracts, a->first_contract + i));
    return same;
}

static void report_unlike(const look *l, const deed_decl *now, const deed_decl *before) {
    deed_report_at(l->report, FH0602, now->place, "other words here",
                   "the contract of `%.*s` is another than in its declaration",
                   FH_SPAN_FMT(now->name));
    deed_note(l->report, before->place, "declared here");
    deed_help(l->report, "write the words once, in the header");
}

static void check_again(const look *l, uint32_t decl) {
    const deed_decl *now = decl_of(l, decl), *before = decl_of(l, now->previous);
    if (now->previous == 0 || now->is_system)
        return;
    if (!now->inherits && now->contract_count != 0 && !alike(l, now, before))
        report_unlike(l, now, before);
    for (uint32_t i = 0; i < now->count && i < before->count; i++) {
        const deed_decl *p = decl_of(l, member(l, now, i)), *q = decl_of(l, member(l, before, i));
        if (!p->inherits && p->contract_count != 0 && !alike(l, p, q))
            report_unlike(l, p, q);
    }
}

/* --- 0603: pointers to functions ------------------------------------------------------------------------------------------ */

/* The declaration with the parameters of a pointer to functions: the thing itself, or its typedef. */
static uint32_t pointer_of(const look *l, uint32_t decl) {
    const deed_decl *d = decl_of(l, decl);
    const deed_type *t = type_of(l, d->type);
    if (decl == 0 || d->kind == DEED_DECL_FUNCTION || t->kind != DEED_TYPE_POINTER ||
        type_of(l, t->to)->kind != DEED_TYPE_FUNCTION || d->is_system)
        return 0;
    return t->decl != 0 ? t->decl : decl;
}

static void check_function(const look *l, uint32_t node, uint32_t target) {
    const deed_node *n = fh_deed_nodes_at(l->unit->nodes, node);
    uint32_t pointer = pointer_of(l, target);
    if (pointer == 0 || n->kind != DEED_REF || decl_of(l, n->decl)->kind != DEED_DECL_FUNCTION || !is_checked(l, n->place))
        return;
    const deed_decl *f = decl_of(l, n->decl), *p = decl_of(l, pointer);
    bool differs = says(l, n->decl, DEED_OWNED) != says(l, pointer, DEED_OWNED) ||
                   says(l, n->decl, DEED_OWNED_OR_NULL) != says(l, pointer, DEED_OWNED_OR_NULL) ||
                   (says(l, n->decl, DEED_OR_NULL) && !says(l, pointer, DEED_OR_NULL));
    const deed_decl *at = differs ? p : NULL;
    for (uint32_t i = 0; at == NULL && i < f->count && i < p->count; i++) {
        uint32_t mine = member(l, f, i), his = member(l, p, i);
        deed_word a = word_of(l, mine), b = word_of(l, his);
        a = a == DEED_WORD_NONE ? DEED_MUT : a;
        b = b == DEED_WORD_NONE ? DEED_MUT : b;
        bool pointers = is_data(l, type_of(l, decl_of(l, mine)->type));
        bool demands = says(l, his, DEED_OR_NULL) && !says(l, mine, DEED_OR_NULL); /* that it is not NULL */
        if ((pointers && a != b) || demands || says(l, mine, DEED_SEND) != says(l, his, DEED_SEND))
            at = decl_of(l, his);
    }
    if (at == NULL)
        return;
    deed_report_at(l->report, FH0603, n->place, "it promises something else",
                   "`%.*s` has another contract than the pointer it goes into", FH_SPAN_FMT(f->name));
    deed_note(l->report, at->place, "the pointer promises this");
    deed_note(l->report, f->place, "the function is declared here");
    deed_help(l->report, "write the same words on both");
}

static uint32_t kid(const look *l, const deed_node *n, uint32_t i) {
    return i < n->count ? fh_u32s_get(l->unit->children, n->first + i) : 0;
}

static uint32_t unwrapped(const look *l, uint32_t node) {
    const deed_node *n = fh_deed_nodes_at(l->unit->nodes, node);
    return n->kind == DEED_ADDRESS ? kid(l, n, 0) : node;
}

static void check_pointers(const look *l, uint32_t node) {
    const deed_node *n = fh_deed_nodes_at(l->unit->nodes, node);
    if (n->kind == DEED_VARIABLE) {
        check_function(l, unwrapped(l, kid(l, n, 0)), n->decl);
    } else if (n->kind == DEED_ASSIGN) {
        check_function(l, unwrapped(l, kid(l, n, 1)), fh_deed_nodes_at(l->unit->nodes, kid(l, n, 0))->decl);
    } else if (n->kind == DEED_LIST) {
        for (uint32_t i = 0; i < n->count; i++)
            check_function(l, unwrapped(l, kid(l, n, i)), fh_deed_nodes_at(l->unit->nodes, kid(l, n, i))->field);
    } else if (n->kind == DEED_CALL) {
        const deed_decl *callee = decl_of(l, fh_deed_nodes_at(l->unit->nodes, kid(l, n, 0))->decl);
        for (uint32_t i = 1; i < n->count && i <= callee->count; i++)
            check_function(l, unwrapped(l, kid(l, n, i)), member(l, callee, i - 1));
    }
}

/* --- 0405, 0406: what threads may share ----------------------------------------------------------------------------------- */

/* A type that some function of the unit locks. */
static bool is_lock(const look *l, uint32_t record) {
    for (uint32_t i = 1; i < l->unit->decls.count; i++) {
        const deed_contract *c = deed_word_of(l->unit, i, DEED_LOCK);
        const deed_decl *d = decl_of(l, i);
        if (c == NULL || c->arg_count != 1 || c->args[0] == 0 || c->args[0] > d->count)
            continue;
        const deed_type *t = type_of(l, decl_of(l, member(l, d, c->args[0] - 1))->type);
        if (record != 0 && type_of(l, t->to)->decl == record)
            return true;
    }
    return false;
}

static bool claims_sync(const look *l, uint32_t record) {
    for (uint32_t i = 1; i < l->unit->decls.count; i++) {
        const deed_decl *d = decl_of(l, i);
        bool of = i == record || (d->kind == DEED_DECL_TYPEDEF && type_of(l, d->type)->decl == record);
        if (of && says(l, i, DEED_SYNC))
            return true;
    }
    return false;
}

static bool is_sync(const look *l, uint32_t type, bool constant);

static bool is_sync_field(const look *l, const deed_decl *record, uint32_t field) {
    const deed_contract *guard = deed_word_of(l->unit, field, DEED_GUARDED);
    for (uint32_t i = 0; guard != NULL && i < record->count; i++) {
        const deed_decl *lock = decl_of(l, member(l, record, i));
        if (fh_span_equal(lock->name, guard->text) && is_lock(l, type_of(l, lock->type)->decl))
            return true;
    }
    return is_sync(l, decl_of(l, field)->type, false);
}

/* Threads may use a value of this type at the same time: nothing of it changes, or only in ways made for that. */
static bool is_sync(const look *l, uint32_t type, bool constant) {
    const deed_type *t = type_of(l, type);
    constant = constant || t->is_const;
    if (t->is_atomic || t->kind == DEED_TYPE_FUNCTION)
        return true;
    if (t->kind == DEED_TYPE_ARRAY)
        return is_sync(l, t->to, constant);
    if (t->kind == DEED_TYPE_POINTER)
        return constant && is_sync(l, t->to, false);
    if (t->kind != DEED_TYPE_RECORD || t->decl == 0)
        return constant;
    if (claims_sync(l, t->decl) || is_lock(l, t->decl)) /* the claim itself is checked where the fields are */
        return true;
    const deed_decl *d = decl_of(l, t->decl);
    bool all = d->count != 0;
    for (uint32_t i = 0; all && i < d->count; i++)
        all = is_sync(l, decl_of(l, member(l, d, i))->type, constant);
    return all;
}

static void check_claim(const look *l, uint32_t record, uint32_t claim) {
    const deed_decl *d = decl_of(l, record);
    for (uint32_t i = 0; says(l, claim, DEED_SYNC) && i < d->count; i++) {
        const deed_decl *field = decl_of(l, member(l, d, i));
        if (is_sync_field(l, d, member(l, d, i)))
            continue;
        deed_report_at(l->report, FH0406, field->place, "any thread may change it",
                       "`%.*s` is declared `fh_sync`, but `%.*s` is not",
                       FH_SPAN_FMT(d->name), FH_SPAN_FMT(field->name));
        deed_note(l->report, decl_of(l, claim)->place, "declared `fh_sync` here");
        deed_help(l->report, "make it const, atomic, or `fh_guarded(m)` by a lock of the same struct");
    }
}

/* What a constant points to is another variable, which is looked at itself. */
static bool is_constant(const look *l, uint32_t type) {
    const deed_type *t = type_of(l, type);
    return t->is_const || (t->kind == DEED_TYPE_ARRAY && is_constant(l, t->to));
}

static void check_variable(const look *l, uint32_t variable) {
    const deed_decl *d = decl_of(l, variable);
    bool shared = d->is_global || d->is_static || d->is_extern;
    if (!shared || d->entity != variable || d->is_thread_local || d->is_system || is_constant(l, d->type) ||
        is_sync(l, d->type, false) || !is_checked(l, d->place))
        return;
    deed_report_at(l->report, FH0405, d->place, "every thread can reach it",
                   "the variable `%.*s` can change, and is not `fh_sync`",
                   FH_SPAN_FMT(d->name));
    deed_help(l->report, "make it const, `_Thread_local`, or of a type that is `fh_sync`; or hand it over as an argument");
}

/* -------------------------------------------------------------------------------------------------------------------------- */

static void check_declared(const look *l, uint32_t decl) {
    const deed_decl *d = decl_of(l, decl);
    if (d->kind == DEED_DECL_VARIABLE) {
        check_variable(l, decl);
        check_function(l, unwrapped(l, d->body), decl);
    }
    if (d->kind == DEED_DECL_RECORD && is_checked(l, d->place))
        check_claim(l, decl, decl);
    if (d->kind == DEED_DECL_TYPEDEF && is_checked(l, d->place) && type_of(l, d->type)->kind == DEED_TYPE_RECORD)
        check_claim(l, type_of(l, d->type)->decl, decl);
    bool public = d->kind == DEED_DECL_FUNCTION && !d->is_static && d->entity == decl && !fh_span_is(d->name, "main") &&
                  !fh_span_starts(d->name, FH_LIT("__builtin_"));
    if (!public || d->is_system || !is_seen(l, decl))
        return;
    check_result(l, decl);
    for (uint32_t i = 0; i < d->count; i++)
        check_parameter(l, d, member(l, d, i));
}

fh_status deed_contract_check(deed_unit *unit, deed_report *r) {
    const look l = {unit, r};
    for (uint32_t i = 1; i < unit->decls.count; i++) {
        check_declared(&l, i);
        check_again(&l, i);
    }
    for (uint32_t i = 1; i < unit->nodes.count; i++)
        check_pointers(&l, i);
    return deed_report_status(r);
}
