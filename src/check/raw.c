/* raw.c: raw memory: what the dialect leaves to the audited rooms, construct by construct.
 *
 * An audited file may touch raw memory, but only between FH_UNSAFE and the end of the block it stands in, unless deed.toml says
 * that it is audited as a whole; any other file may not, and may not open such a region. So the lines in regions and in whole
 * files are all the code that the memory contract rests on.
 *
 * Threading: flow.h. */
#include "check/counted.h"
#include "check/flow.h"

typedef struct raw {
    const deed_unit *unit;
    deed_report *report;
    fh_u32s regions; /* nodes */
    deed_facts facts;
} raw;

/* Whether a region of its file covers the place. */
static bool is_in_region(const raw *w, deed_place place) {
    for (size_t i = 0; i < w->regions.count; i++) {
        const deed_node *n = fh_deed_nodes_at(w->unit->nodes, fh_u32s_get(w->regions, i));
        if (n->place.file == place.file && n->place.offset_bytes <= place.offset_bytes &&
            place.offset_bytes <= n->place.end_bytes)
            return true;
    }
    return false;
}

/* Whether a construct at this place is to be reported as what it is; in an audited file, where it may stand, it is reported
 * here if it lies outside of every region. */
static bool is_refused(const raw *w, const deed_node *n) {
    const deed_file *file = fh_deed_files_at(w->unit->files, n->place.file);
    if (!file->is_audited)
        return true;
    if (!file->is_whole && !is_in_region(w, n->place)) {
        deed_report_at(w->report, FH0509, n->place, "no FH_UNSAFE above it in its blocks",
                       "raw memory outside an unsafe region");
        deed_help(w->report, "open a region here: FH_UNSAFE(\"the id of the invariant that keeps this right\");");
    }
    return false;
}

fh_view(*1) static const deed_type *type_of(const raw *w, uint32_t node) {
    return fh_deed_types_at(w->unit->types, fh_deed_nodes_at(w->unit->nodes, node)->type);
}

static uint32_t kid(const raw *w, const deed_node *n, uint32_t i) {
    return i < n->count ? fh_u32s_get(w->unit->children, n->first + i) : 0;
}

static bool is_pointer(const raw *w, uint32_t node) {
    deed_type_kind k = type_of(w, node)->kind;
    return k == DEED_TYPE_POINTER || k == DEED_TYPE_ARRAY;
}

/* True for one of the words, which are divided by blanks. */
static bool named(fh_span name, fh_span words) {
    for (size_t at = fh_span_find(words, name, 0); at != SIZE_MAX; at = fh_span_find(words, name, at + 1)) {
        size_t end = at + name.size;
        bool begins = at == 0 || fh_span_at(words, at - 1) == ' ';
        if (begins && (end == words.size || fh_span_at(words, end) == ' '))
            return true;
    }
    return false;
}

static void call(const raw *w, const deed_node *n) {
    const fh_span jumps = FH_LIT("alloca __builtin_alloca setjmp _setjmp sigsetjmp longjmp siglongjmp __builtin_setjmp "
                                 "__builtin_longjmp");
    /* Checked arithmetic writes one number; a va_list only goes on to a function whose format the compiler has checked, since
     * va_arg itself is refused. */
    const fh_span fine = FH_LIT("__builtin_expect __builtin_add_overflow __builtin_mul_overflow __builtin_sub_overflow "
                                "__builtin_va_start __builtin_va_end __builtin_va_copy __errno_location "
                                "__builtin_cpu_supports");
    const deed_node *callee = fh_deed_nodes_at(w->unit->nodes, kid(w, n, 0));
    if (callee->decl == 0)
        return;
    const deed_decl *d = fh_deed_decls_at(w->unit->decls, callee->decl);
    bool builtin = fh_span_starts(d->name, FH_LIT("__builtin_"));
    if (named(d->name, jumps)) {
        if (is_refused(w, n))
            deed_report_at(w->report, FH0506, n->place, "not allowed here", "a call of `%.*s`", FH_SPAN_FMT(d->name));
        deed_help(w->report, fh_span_find(d->name, FH_LIT("alloca"), 0) != SIZE_MAX
                                 ? "use an array of constant size, or an allocator"
                                 : "return a status from each function on the way");
        return;
    }
    bool pointers = false;
    for (uint32_t i = 1; i < n->count; i++)
        pointers |= is_pointer(w, kid(w, n, i));
    pointers |= fh_deed_types_at(w->unit->types, n->type)->kind == DEED_TYPE_POINTER;
    bool raw_call = d->kind == DEED_DECL_FUNCTION && (d->is_system || builtin) && !d->is_paired && pointers;
    if (!raw_call || named(d->name, fine) || !is_refused(w, n))
        return;
    deed_report_at(w->report, FH0501, n->place, "not allowed here", "a raw memory call: `%.*s`", FH_SPAN_FMT(d->name));
    deed_help(w->report, "use a span, a buffer or an allocator of the core");
}

/* An index that is not constant: proved, checked by the compiler, or refused. */
static void variable_index(const raw *w, const deed_node *n, const deed_type *array) {
    uint32_t index = kid(w, n, 1);
    if (fh_deed_files_at(w->unit->files, n->place.file)->is_audited || w->unit->checks_indices || array->count < 0 ||
        deed_is_inside(w->unit, &w->facts, index, array->count))
        return;
    deed_report_at(w->report, FH0512, fh_deed_nodes_at(w->unit->nodes, index)->place, "nothing here says that it is below",
                   "an index that nothing bounds, into an array of %lld", (long long)array->count);
    deed_help(w->report, "compare it with %lld before, or let the compiler check it: -fsanitize=bounds",
              (long long)array->count);
}

static void index_of(const raw *w, const deed_node *n) {
    const deed_type *base = type_of(w, kid(w, n, 0));
    const deed_node *at = fh_deed_nodes_at(w->unit->nodes, kid(w, n, 1));
    if (base->kind == DEED_TYPE_POINTER || base->count == -1) {
        if (!is_refused(w, n))
            return;
        deed_report_at(w->report, FH0502, n->place, "no bounds are known here", "an index into a raw pointer");
        deed_help(w->report, "use a span and its checked accessor");
        return;
    }
    bool negative = at->kind == DEED_UNARY && at->op == DEED_OP_NEG;
    if (negative)
        at = fh_deed_nodes_at(w->unit->nodes, kid(w, at, 0));
    if (base->kind == DEED_TYPE_ARRAY && at->kind != DEED_INTEGER) {
        variable_index(w, n, base);
        return;
    }
    int64_t i = negative ? -at->number : at->number;
    if (base->kind == DEED_TYPE_ARRAY && at->kind == DEED_INTEGER && base->count >= 0 && (i < 0 || i >= base->count)) {
        deed_report_at(w->report, FH0507, n->place, "outside", "index %lld of an array of %lld", (long long)i,
                       (long long)base->count);
        deed_help(w->report, "the last index is %lld", (long long)(base->count - 1));
    }
}

static void arithmetic(const raw *w, const deed_node *n) {
    bool sum = n->op == DEED_OP_ADD || n->op == DEED_OP_SUB, steps = n->op >= DEED_OP_PRE_INC && n->op <= DEED_OP_POST_DEC;
    bool any = is_pointer(w, kid(w, n, 0)) || (n->kind == DEED_BINARY && is_pointer(w, kid(w, n, 1)));
    if (any && ((n->kind != DEED_UNARY && sum) || (n->kind == DEED_UNARY && steps)) && is_refused(w, n)) {
        deed_report_at(w->report, FH0503, n->place, "no bounds are known here", "arithmetic on a pointer");
        deed_help(w->report, "take a part of a span: fh_span_sub");
    }
}

static void cast(const raw *w, const deed_node *n) {
    const deed_type *to = fh_deed_types_at(w->unit->types, n->type);
    bool from = is_pointer(w, kid(w, n, 0));
    if (to->kind == DEED_TYPE_VOID || (to->kind != DEED_TYPE_POINTER && !from))
        return;
    if (to->kind == DEED_TYPE_POINTER && fh_deed_nodes_at(w->unit->nodes, kid(w, n, 0))->kind == DEED_NULL)
        return;
    if (!is_refused(w, n))
        return;
    deed_report_at(w->report, FH0504, n->place, "the compiler believes this", "a cast %s a pointer",
                   !from ? "makes" : to->kind == DEED_TYPE_POINTER ? "changes" : "reads");
    deed_help(w->report, "keep the type that it has, or let an audited room convert it");
}


/* An unchanged parameter, or a field of a result that did not change since. */
static bool is_given(const raw *w, uint32_t node) {
    const deed_node *n = fh_deed_nodes_at(w->unit->nodes, node);
    bool field = n->kind == DEED_MEMBER && n->op == DEED_OP_DOT;
    while (n->kind == DEED_MEMBER && n->op == DEED_OP_DOT)
        n = fh_deed_nodes_at(w->unit->nodes, kid(w, n, 0));
    if (n->kind != DEED_REF || fh_u32s_get(w->facts.writes, n->decl) != 0)
        return false;
    uint32_t value = fh_u32s_get(w->facts.values, n->decl);
    return field ? value != 0 && fh_deed_nodes_at(w->unit->nodes, value)->kind == DEED_CALL
                 : fh_deed_decls_at(w->unit->decls, n->decl)->kind == DEED_DECL_PARAMETER;
}

/* The result type of the function that a node stands in; 0 outside of all. */
static uint32_t result_type(const raw *w, uint32_t node) {
    while (fh_u32s_get(w->facts.parents, node) != 0)
        node = fh_u32s_get(w->facts.parents, node);
    for (size_t i = 0; i < w->unit->functions.count; i++) {
        const deed_decl *f = fh_deed_decls_at(w->unit->decls, fh_u32s_get(w->unit->functions, i));
        if (f->body == node)
            return fh_deed_types_at(w->unit->types, f->type)->to;
    }
    return 0;
}

/* A void pointer that becomes one of a type without a cast. A result, and a context that came as a parameter, are believed:
 * what an allocator gives has no type yet, and a callback knows its own. Kept in between, it may have become anything. */
static void conversion(const raw *w, uint32_t value, uint32_t type) {
    const deed_type *to = fh_deed_types_at(w->unit->types, type);
    if (value == 0 || to->kind != DEED_TYPE_POINTER || fh_deed_types_at(w->unit->types, to->to)->kind == DEED_TYPE_VOID)
        return;
    const deed_node *n = fh_deed_nodes_at(w->unit->nodes, value);
    if (n->kind == DEED_CHOOSE) {
        conversion(w, kid(w, n, 1), type);
        conversion(w, kid(w, n, 2), type);
        return;
    }
    const deed_type *from = fh_deed_types_at(w->unit->types, n->type);
    bool place = n->kind == DEED_REF || n->kind == DEED_MEMBER || n->kind == DEED_INDEX || n->kind == DEED_DEREF;
    bool context = is_given(w, value);
    if (from->kind != DEED_TYPE_POINTER || fh_deed_types_at(w->unit->types, from->to)->kind != DEED_TYPE_VOID || !place ||
        context || fh_deed_files_at(w->unit->files, n->place.file)->is_audited)
        return;
    deed_report_at(w->report, FH0504, n->place, "the compiler believes this", "a void pointer becomes one of a type");
    deed_help(w->report, "keep the type that it has; only a result and an unchanged parameter are believed");
}

/* Wherever a node gives a value a type. */
static void conversions(const raw *w, uint32_t node) {
    const deed_node *n = fh_deed_nodes_at(w->unit->nodes, node);
    uint32_t function = n->kind == DEED_CALL ? fh_deed_nodes_at(w->unit->nodes, kid(w, n, 0))->decl : 0;
    const deed_decl *callee = fh_deed_decls_at(w->unit->decls, function);
    for (uint32_t i = 0; function != 0 && i < callee->count && i + 1 < n->count; i++) {
        uint32_t parameter = fh_u32s_get(w->unit->members, callee->first + i);
        conversion(w, kid(w, n, i + 1), fh_deed_decls_at(w->unit->decls, parameter)->type);
    }
    if (n->kind == DEED_RETURN && kid(w, n, 0) != 0)
        conversion(w, kid(w, n, 0), result_type(w, node));
    for (uint32_t i = 0; n->kind == DEED_LIST && i < n->count; i++) {
        uint32_t item = kid(w, n, i), field = item != 0 ? fh_deed_nodes_at(w->unit->nodes, item)->field : 0;
        if (field != 0)
            conversion(w, item, fh_deed_decls_at(w->unit->decls, field)->type);
    }
    if (n->kind == DEED_ASSIGN && n->op == DEED_OP_NONE)
        conversion(w, kid(w, n, 1), fh_deed_nodes_at(w->unit->nodes, kid(w, n, 0))->type);
    if (n->kind == DEED_VARIABLE)
        conversion(w, kid(w, n, 0), fh_deed_decls_at(w->unit->decls, n->decl)->type);
}

static void unions(const raw *w, uint32_t decl) {
    const deed_decl *d = fh_deed_decls_at(w->unit->decls, decl);
    const deed_file *file = fh_deed_files_at(w->unit->files, d->place.file);
    bool is_exempt = file->is_audited || file->is_system;
    for (uint32_t i = 0; d->kind == DEED_DECL_RECORD && d->is_union && i < d->count; i++) {
        const deed_decl *field = fh_deed_decls_at(w->unit->decls, fh_u32s_get(w->unit->members, d->first + i));
        if (fh_deed_types_at(w->unit->types, field->type)->kind != DEED_TYPE_POINTER || is_exempt)
            continue;
        deed_report_at(w->report, FH0505, field->place, "a pointer that other fields can overwrite",
                       "a union with a pointer in it");
        deed_help(w->report, "use a struct, or a tag and separate fields");
    }
}

static fh_status find_regions(raw *w) {
    size_t count = 1, found = 0;
    for (size_t i = 1; i < w->unit->nodes.count; i++)
        count += fh_deed_nodes_at(w->unit->nodes, i)->kind == DEED_REGION;
    uint32_t *at = fh_arena_alloc(w->unit->arena, count, sizeof *at);
    if (at == NULL)
        return FH_STATUS(FH_NOMEM);
    fh_u32s regions = {at, count};
    for (uint32_t i = 1; i < w->unit->nodes.count; i++) {
        if (fh_deed_nodes_at(w->unit->nodes, i)->kind == DEED_REGION)
            fh_u32s_set(regions, found++, i);
    }
    w->regions = fh_u32s_sub(regions, 0, found);
    return FH_DONE;
}

fh_status deed_raw_check(deed_unit *unit, deed_report *r) {
    raw w = {.unit = unit, .report = r};
    FH_TRY(deed_facts_of(unit, &w.facts));
    FH_TRY(find_regions(&w));
    for (size_t i = 1; i < unit->nodes.count; i++) {
        const deed_node *n = fh_deed_nodes_at(unit->nodes, i);
        if (fh_deed_files_at(unit->files, n->place.file)->is_system)
            continue;
        conversions(&w, (uint32_t)i);
        if (n->kind == DEED_CALL)
            call(&w, n);
        else if (n->kind == DEED_INDEX)
            index_of(&w, n);
        else if (n->kind == DEED_BINARY || n->kind == DEED_UNARY || n->kind == DEED_ASSIGN)
            arithmetic(&w, n);
        else if (n->kind == DEED_CAST)
            cast(&w, n);
        else if (n->kind == DEED_REGION && !fh_deed_files_at(unit->files, n->place.file)->is_audited) {
            deed_place word = {n->place.file, n->place.offset_bytes, n->place.offset_bytes + 1};
            deed_report_at(w.report, FH0510, word, "this file is not audited", "an unsafe region for `%.*s`",
                           FH_SPAN_FMT(n->text));
            deed_help(w.report, "write it in the dialect, or move it into a room that deed.toml lists as audited");
        } else if (n->kind == DEED_VARIABLE) {
            const deed_type *t = fh_deed_types_at(unit->types, fh_deed_decls_at(unit->decls, n->decl)->type);
            if (t->kind == DEED_TYPE_ARRAY && t->count == -2 && is_refused(&w, n)) {
                deed_report_at(w.report, FH0506, n->place, "its size is known at run time only", "an array of variable length");
                deed_help(w.report, "give it a constant size and refuse what does not fit, or allocate a span");
            }
        }
    }
    for (uint32_t i = 1; i < unit->decls.count; i++)
        unions(&w, i);
    return deed_counted_check(unit, &w.facts, w.report);
}
