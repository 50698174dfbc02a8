/* clang_decl.c: declarations, types and contracts, out of libclang's cursors.
 *
 * A declaration gets a row when it is met or referred to first, so what a system header declares and nobody uses costs nothing.
 * Contracts are annotations that begin with "fh:". Clang copies the annotations of a declaration to the ones after it; such a
 * copy still has its old place, and so it can be told from a word that was written again.
 *
 * Invariants: decls and decl_keys have as many rows, types and type_keys too; the run of members or contracts of a row is
 * written at once. Threading: one thread at a time. */
#include "check/clang_build.h"

typedef struct word_name {
    const char *name;
    deed_word word;
} word_name;

static const word_name words[] = {
    {"owned", DEED_OWNED}, {"owned_or_null", DEED_OWNED_OR_NULL}, {"or_null", DEED_OR_NULL}, {"move", DEED_MOVE},
    {"drop", DEED_DROP}, {"ref", DEED_REF_WORD}, {"mut", DEED_MUT}, {"out", DEED_OUT}, {"view", DEED_VIEW},
    {"static", DEED_STATIC}, {"send", DEED_SEND}, {"sync", DEED_SYNC}, {"view_type", DEED_VIEW_TYPE}, {"guarded", DEED_GUARDED},
    {"requires", DEED_REQUIRES}, {"locks", DEED_LOCK}, {"unlocks", DEED_UNLOCK},
    {"counted", DEED_COUNTED}, {"unsafe", DEED_UNSAFE},
};

/* --- contracts ------------------------------------------------------------------------------------------------------------ */

/* Numbers divided by commas, such as "1, *2". */
static void read_args(deed_contract *c, fh_span text) {
    bool inside = false, star = false;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = fh_span_at(text, i);
        bool digit = byte >= '0' && byte <= '9';
        if (digit && !inside && c->arg_count < DEED_ARGS_MAX) {
            c->behind[c->arg_count++] = star;
            star = false;
        }
        star = star || byte == '*';
        if (digit && c->arg_count > 0 && c->args[c->arg_count - 1] < 1000)
            c->args[c->arg_count - 1] = c->args[c->arg_count - 1] * 10 + (uint32_t)(byte - '0');
        inside = digit;
    }
}

static fh_view(3) deed_contract read_contract(deed_build *b, CXCursor attr, fh_span text) {
    size_t colon = fh_span_find(text, FH_LIT(":"), 3);
    fh_span name = fh_span_sub(text, 3, (colon == SIZE_MAX ? text.size : colon) - 3);
    fh_span behind = colon != SIZE_MAX ? fh_span_from(text, colon + 1) : (fh_span){0};
    deed_contract c = {.place = deed_place_of(b, clang_getCursorExtent(attr), NULL, NULL), .text = behind};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (fh_span_is(name, words[i].name))
            c.word = words[i].word;
    }
    if (c.word == DEED_WORD_NONE)
        c.text = name;
    else if (c.word != DEED_GUARDED && c.word != DEED_REQUIRES)
        read_args(&c, behind);
    return c;
}

static bool same_contract(const deed_contract *a, const deed_contract *c) {
    return a->word == c->word && a->place.file == c->place.file && a->place.offset_bytes == c->place.offset_bytes &&
           fh_span_equal(a->text, c->text);
}

/* True if the declaration `decl` has this very annotation, so that a later one has a copy. */
static bool has_contract(fh_ref deed_build *b, uint32_t decl, const deed_contract *c) {
    const deed_decl *d = deed_decl_row(b, decl);
    for (uint32_t i = 0; decl != 0 && i < d->contract_count; i++) {
        if (same_contract(deed_contract_row(b, d->first_contract + i), c))
            return true;
    }
    return false;
}

/* The function of a cleanup attribute: the last name in its text, whatever macro that is. */
static uint32_t cleanup_of(deed_build *b, CXCursor attr) {
    uint32_t found = 0;
    fh_deed_tokens tokens = deed_tokens_of(b, attr);
    for (size_t i = 0; i < tokens.count; i++) {
        deed_token t = fh_deed_tokens_get(tokens, i);
        for (uint32_t k = 1; t.kind == CXToken_Identifier && k < b->decls.count; k++) {
            const deed_decl *d = deed_decl_row(b, k);
            if (d->kind == DEED_DECL_FUNCTION && d->entity == k && fh_span_equal(d->name, t.text))
                found = k;
        }
    }
    return found;
}

/* Reads the annotations among the children of a declaration. */
static void read_contracts(deed_build *b, uint32_t decl, deed_kids kids) {
    uint32_t first = (uint32_t)b->contracts.count, cleanup = 0;
    bool unknown = false;
    for (size_t i = 0; i < kids.count; i++) {
        CXCursor c = deed_kid(b, kids, i);
        enum CXCursorKind kind = clang_getCursorKind(c);
        if (kind == CXCursor_UnexposedAttr && deed_decl_row(b, decl)->kind == DEED_DECL_VARIABLE && cleanup == 0) {
            cleanup = cleanup_of(b, c);
            unknown = unknown || cleanup == 0;
        }
        if (kind != CXCursor_AnnotateAttr)
            continue;
        fh_span text = deed_text(b, clang_getCursorSpelling(c));
        if (fh_span_starts(text, FH_LIT("fh:auto:"))) {
            /* it may be declared in a header that nothing else refers to */
            cleanup = deed_entity_of(b, deed_function_named(b, fh_span_from(text, 8)));
        } else if (fh_span_starts(text, FH_LIT("fh:"))) {
            deed_contract contract = read_contract(b, c, text), *row = deed_push(&b->memory, &b->contracts);
            *row = contract;
        }
    }
    deed_decl *d = deed_decl_row(b, decl);
    d->first_contract = first;
    d->contract_count = (uint32_t)b->contracts.count - first;
    d->cleanup = cleanup;
    d->has_unknown_attribute = unknown && cleanup == 0;
}

/* Gives a declaration without words one that deed.toml speaks of. */
static void give_word(deed_build *b, uint32_t decl, deed_word word) {
    if (decl == 0 || deed_decl_row(b, decl)->contract_count != 0)
        return;
    deed_decl *d = deed_decl_row(b, decl);
    deed_place place = d->place;
    d->first_contract = (uint32_t)b->contracts.count;
    d->contract_count = 1;
    deed_contract *row = deed_push(&b->memory, &b->contracts);
    *row = (deed_contract){.word = word, .place = place};
}

/* What the pairs of deed.toml say of a function: its result is owned, or its first pointer is dropped. */
static void read_pairs(deed_build *b, uint32_t decl) {
    const deed_settings *settings = b->source->settings;
    if (settings == NULL || deed_decl_row(b, decl)->kind != DEED_DECL_FUNCTION)
        return;
    for (const deed_setting *s = settings->pairs; s != NULL; s = s->next) {
        deed_decl d = deed_decl_copy(b, decl);
        bool allocates = fh_span_equal(d.name, s->text), frees = fh_span_equal(d.name, s->other);
        if (!allocates && !frees)
            continue;
        deed_decl_row(b, decl)->is_paired = true;
        if (allocates)
            give_word(b, decl, DEED_OWNED_OR_NULL);
        for (uint32_t i = 0; frees && i < d.count; i++) {
            uint32_t parameter = deed_u32_at(&b->members, d.first + i);
            if (deed_type_row(b, deed_decl_row(b, parameter)->type)->kind != DEED_TYPE_POINTER)
                continue;
            give_word(b, parameter, DEED_DROP);
            break;
        }
    }
}

/* Takes clang's copies of the words of `before` out of the words of `own`. */
static void drop_copies(deed_build *b, uint32_t before, uint32_t own) {
    deed_decl *d = deed_decl_row(b, own);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < d->contract_count; i++) {
        deed_contract c = *deed_contract_row(b, d->first_contract + i);
        if (!has_contract(b, before, &c))
            *deed_contract_row(b, d->first_contract + kept++) = c;
    }
    d->contract_count = kept;
}

/* Words that stand on one declaration of a thing hold for the others, unless they have some of their own. */
static void share_contracts(deed_build *b, uint32_t from, uint32_t to) {
    const deed_decl *f = deed_decl_row(b, from);
    deed_decl *t = deed_decl_row(b, to);
    if (from == 0 || to == 0 || t->contract_count != 0)
        return;
    t->first_contract = f->first_contract;
    t->contract_count = f->contract_count;
    t->inherits = t->contract_count != 0;
}

static void share_with_previous(deed_build *b, uint32_t decl) {
    uint32_t before = deed_decl_row(b, decl)->previous, entity = deed_decl_row(b, decl)->entity;
    drop_copies(b, before, decl);
    share_contracts(b, before, decl);
    share_contracts(b, decl, entity);
    uint32_t count = deed_decl_row(b, decl)->count;
    for (uint32_t i = 0; i < count && before != 0; i++) {
        uint32_t own = deed_u32_at(&b->members, deed_decl_row(b, decl)->first + i);
        if (i < deed_decl_row(b, before)->count) {
            uint32_t same = deed_u32_at(&b->members, deed_decl_row(b, before)->first + i);
            drop_copies(b, same, own);
            share_contracts(b, same, own);
        }
        if (i < deed_decl_row(b, entity)->count)
            share_contracts(b, own, deed_u32_at(&b->members, deed_decl_row(b, entity)->first + i));
    }
    if (deed_decl_row(b, entity)->count == 0) { /* what clang itself knows has no parameters until a header says so */
        deed_decl_row(b, entity)->first = deed_decl_row(b, decl)->first;
        deed_decl_row(b, entity)->count = count;
    }
}

/* --- declarations --------------------------------------------------------------------------------------------------------- */

static deed_decl_kind decl_kind(CXCursor c) {
    switch ((int)clang_getCursorKind(c)) {
    case CXCursor_FunctionDecl: return DEED_DECL_FUNCTION;
    case CXCursor_ParmDecl: return DEED_DECL_PARAMETER;
    case CXCursor_VarDecl: return DEED_DECL_VARIABLE;
    case CXCursor_FieldDecl: return DEED_DECL_FIELD;
    case CXCursor_StructDecl:
    case CXCursor_UnionDecl: return DEED_DECL_RECORD;
    case CXCursor_TypedefDecl: return DEED_DECL_TYPEDEF;
    default: return DEED_DECL_NONE;
    }
}

/* A parameter that is written as an array is a pointer; everything else has the type it is written with. */
static uint32_t declared_type(deed_build *b, CXCursor c, deed_decl_kind kind) {
    if (kind == DEED_DECL_RECORD)
        return deed_type_of(b, clang_getCursorType(c));
    if (kind == DEED_DECL_TYPEDEF)
        return deed_type_of(b, clang_getTypedefDeclUnderlyingType(c));
    uint32_t type = deed_type_of(b, clang_getCursorType(c));
    if (kind != DEED_DECL_PARAMETER || deed_type_row(b, type)->kind != DEED_TYPE_ARRAY)
        return type;
    deed_type array = deed_type_copy(b, type);
    for (uint32_t i = 1; i < b->types.count; i++) {
        const deed_type *t = deed_type_row(b, i);
        if (t->kind == DEED_TYPE_POINTER && t->to == array.to && !t->is_const && t->decl == 0)
            return i;
    }
    deed_type *row = deed_push(&b->memory, &b->types);
    *row = (deed_type){.kind = DEED_TYPE_POINTER, .to = array.to, .spelling = array.spelling};
    deed_push(&b->memory, &b->type_keys);
    return (uint32_t)b->types.count - 1;
}

static void read_members(deed_build *b, uint32_t decl, deed_kids kids, enum CXCursorKind wanted) {
    size_t base = b->pending.count;
    for (size_t i = 0; i < kids.count; i++) {
        CXCursor c = deed_kid(b, kids, i);
        if (clang_getCursorKind(c) == wanted)
            deed_push_u32(&b->memory, &b->pending, deed_decl_of(b, c));
    }
    deed_decl_row(b, decl)->first = (uint32_t)b->members.count;
    deed_decl_row(b, decl)->count = (uint32_t)(b->pending.count - base);
    for (size_t i = base; i < b->pending.count; i++) {
        uint32_t member = deed_u32_at(&b->pending, i);
        deed_push_u32(&b->memory, &b->members, member);
        deed_decl_row(b, member)->parent = decl;
    }
    b->pending.count = base;
}

static void read_flags(deed_build *b, CXCursor c, deed_decl *d) {
    enum CX_StorageClass storage = clang_Cursor_getStorageClass(c);
    enum CXCursorKind above = clang_getCursorKind(clang_getCursorSemanticParent(c));
    (void)b;
    d->is_static = storage == CX_SC_Static;
    d->is_extern = storage == CX_SC_Extern;
    d->is_global = d->kind == DEED_DECL_VARIABLE && above == CXCursor_TranslationUnit;
    d->is_thread_local = clang_getCursorTLSKind(c) != CXTLS_None;
    d->is_variadic = d->kind == DEED_DECL_FUNCTION && clang_Cursor_isVariadic(c) != 0;
    d->is_inline = d->kind == DEED_DECL_FUNCTION && clang_Cursor_isFunctionInlined(c) != 0;
    d->is_union = clang_getCursorKind(c) == CXCursor_UnionDecl;
    d->is_system = deed_is_system(c);
}

/* Chains a declaration to the earlier ones of the same thing. */
static void link_entity(deed_build *b, uint32_t decl, CXCursor c) {
    CXCursor first = clang_getCanonicalCursor(c);
    deed_decl_kind kind = deed_decl_row(b, decl)->kind;
    bool chained = kind == DEED_DECL_FUNCTION || kind == DEED_DECL_VARIABLE || kind == DEED_DECL_TYPEDEF;
    uint32_t entity = chained && !clang_equalCursors(first, c) ? deed_decl_of(b, first) : decl;
    uint32_t *latest = deed_latest_row(b, entity);
    deed_decl_row(b, decl)->entity = entity;
    deed_decl_row(b, decl)->previous = entity == decl ? 0 : *latest;
    *latest = decl;
}

/* A typedef that names a record may carry the record's own words. */
static void lend_to_record(deed_build *b, uint32_t decl) {
    uint32_t record = deed_type_row(b, deed_decl_row(b, decl)->type)->decl;
    if (deed_type_row(b, deed_decl_row(b, decl)->type)->kind == DEED_TYPE_RECORD)
        share_contracts(b, decl, record);
}

static void fill_decl(deed_build *b, uint32_t decl, CXCursor c) {
    deed_decl d = {.kind = decl_kind(c), .name = deed_text(b, clang_getCursorSpelling(c))};
    d.place = deed_place_of(b, clang_Cursor_getSpellingNameRange(c, 0, 0), NULL, NULL);
    if (d.kind == DEED_DECL_RECORD && clang_Cursor_isAnonymous(c) != 0)
        d.name = (fh_span){0};
    read_flags(b, c, &d);
    d.entity = decl;
    *deed_decl_row(b, decl) = d;
    link_entity(b, decl, c);
    uint32_t type = declared_type(b, c, d.kind);
    deed_decl_row(b, decl)->type = type;
    deed_kids kids = deed_kids_of(b, c);
    read_members(b, decl, kids, d.kind == DEED_DECL_RECORD ? CXCursor_FieldDecl : CXCursor_ParmDecl);
    read_contracts(b, decl, kids);
    deed_kids_end(b, kids);
    read_pairs(b, decl);
    share_with_previous(b, decl);
    if (d.kind == DEED_DECL_TYPEDEF)
        lend_to_record(b, decl);
}

/* --- tables from libclang's values to rows -------------------------------------------------------------------------------- */

/* The slot behind the one that a walk over a table looks at. */
static size_t next_slot(fh_deed_slots slots, size_t i) {
    return (i + 1) & (slots.count - 1);
}

static void put_slot(fh_deed_slots slots, deed_slot slot) {
    size_t i = slot.hash & (slots.count - 1);
    while (fh_deed_slots_get(slots, i).row != 0)
        i = next_slot(slots, i);
    fh_deed_slots_set(slots, i, slot);
}

void deed_table_add(deed_memory *m, deed_table *t, uint32_t hash, uint32_t row) {
    if (4 * (t->count + 1) > 3 * t->slots.count) {
        size_t room = t->slots.count == 0 ? 1024 : 2 * t->slots.count;
        deed_slot *at = m->failed ? NULL : fh_arena_alloc(m->arena, room, sizeof *at);
        m->failed = at == NULL;
        if (at == NULL)
            return;
        fh_deed_slots more = {at, room};
        for (size_t i = 0; i < t->slots.count; i++) {
            deed_slot s = fh_deed_slots_get(t->slots, i);
            if (s.row != 0)
                put_slot(more, s);
        }
        t->slots = more;
    }
    put_slot(t->slots, (deed_slot){hash, row});
    t->count++;
}

uint32_t deed_first_row(const deed_table *t, uint32_t hash, size_t *at) {
    *at = t->slots.count == 0 ? 0 : hash & (t->slots.count - 1);
    return t->slots.count == 0 ? 0 : fh_deed_slots_get(t->slots, *at).row;
}
uint32_t deed_next_row(const deed_table *t, size_t *at) {
    *at = next_slot(t->slots, *at);
    return fh_deed_slots_get(t->slots, *at).row;
}

static uint32_t find_decl(deed_build *b, uint32_t hash, CXCursor c) {
    const deed_table *t = &b->decl_table;
    size_t at = 0;
    for (uint32_t row = deed_first_row(t, hash, &at); row != 0; row = deed_next_row(t, &at)) {
        if (fh_deed_slots_get(t->slots, at).hash == hash && clang_equalCursors(*deed_decl_key(b, row), c))
            return row;
    }
    return 0;
}

uint32_t deed_decl_of(deed_build *b, CXCursor c) {
    if (decl_kind(c) == DEED_DECL_NONE)
        return 0;
    if (decl_kind(c) == DEED_DECL_RECORD) {
        CXCursor whole = clang_getCursorDefinition(c);
        c = clang_Cursor_isNull(whole) ? clang_getCanonicalCursor(c) : whole;
    }
    uint32_t hash = clang_hashCursor(c), found = find_decl(b, hash, c);
    if (found != 0)
        return found;
    uint32_t decl = (uint32_t)b->decls.count;
    deed_push(&b->memory, &b->decls);
    deed_push_u32(&b->memory, &b->latest, 0);
    CXCursor *key = deed_push(&b->memory, &b->decl_keys);
    *key = c;
    if (b->memory.failed)
        return 0;
    deed_table_add(&b->memory, &b->decl_table, hash, decl);
    fill_decl(b, decl, c);
    return decl;
}

uint32_t deed_entity_of(deed_build *b, CXCursor c) {
    return deed_decl_row(b, deed_decl_of(b, c))->entity;
}

uint32_t deed_label_of(deed_build *b, CXCursor c) {
    fh_span name = deed_text(b, clang_getCursorSpelling(c));
    for (uint32_t i = (uint32_t)b->decls.count; i-- > 1;) {
        const deed_decl *d = deed_decl_row(b, i);
        if (d->kind == DEED_DECL_LABEL && d->parent == b->function && fh_span_equal(d->name, name))
            return i;
    }
    uint32_t decl = (uint32_t)b->decls.count;
    deed_place place = deed_place_of(b, clang_getCursorExtent(c), NULL, NULL);
    deed_decl *row = deed_push(&b->memory, &b->decls);
    *row = (deed_decl){.kind = DEED_DECL_LABEL, .name = name, .place = place, .parent = b->function, .entity = decl};
    deed_push_u32(&b->memory, &b->latest, 0);
    deed_push(&b->memory, &b->decl_keys);
    return b->memory.failed ? 0 : decl;
}

/* --- types ---------------------------------------------------------------------------------------------------------------- */

static deed_type_kind type_kind(enum CXTypeKind kind) {
    switch ((int)kind) {
    case CXType_Void: return DEED_TYPE_VOID;
    case CXType_Enum: return DEED_TYPE_ENUM;
    case CXType_Pointer: return DEED_TYPE_POINTER;
    case CXType_Record: return DEED_TYPE_RECORD;
    case CXType_FunctionProto:
    case CXType_FunctionNoProto: return DEED_TYPE_FUNCTION;
    case CXType_ConstantArray:
    case CXType_IncompleteArray:
    case CXType_VariableArray: return DEED_TYPE_ARRAY;
    default: break;
    }
    bool number = (kind >= CXType_Bool && kind <= CXType_LongDouble) || kind == CXType_Float128 || kind == CXType_Half ||
                  kind == CXType_Float16 || kind == CXType_BFloat16;
    return number ? DEED_TYPE_NUMBER : DEED_TYPE_OTHER;
}

/* A type without the sugar on top of it that is no typedef. */
static CXType peeled(CXType t) {
    for (;;) {
        if (t.kind == CXType_Elaborated)
            t = clang_Type_getNamedType(t);
        else if (t.kind == CXType_Attributed)
            t = clang_Type_getModifiedType(t);
        else
            return t;
    }
}

static bool is_function_type(CXType canonical) {
    if (canonical.kind == CXType_Pointer)
        canonical = clang_getCanonicalType(clang_getPointeeType(canonical));
    return canonical.kind == CXType_FunctionProto || canonical.kind == CXType_FunctionNoProto;
}

/* A type has one row, however it is written: a record keeps the name of its typedef, and so does a pointer to it, while
 * numbers are spelled as what they are. */
static fh_view(*1) fh_span spelling_of(deed_build *b, CXType written, CXType canonical) {
    CXType inner = canonical;
    while (inner.kind == CXType_Pointer)
        inner = clang_getCanonicalType(clang_getPointeeType(inner));
    bool keep = inner.kind == CXType_Record || is_function_type(canonical);
    return deed_text(b, clang_getTypeSpelling(keep ? written : canonical));
}

static void better_spelling(deed_build *b, uint32_t row, CXType written) {
    fh_span have = deed_type_copy(b, row).spelling;
    if (fh_span_find(have, FH_LIT("struct "), 0) == SIZE_MAX && fh_span_find(have, FH_LIT("union "), 0) == SIZE_MAX)
        return;
    fh_span now = deed_text(b, clang_getTypeSpelling(written));
    if (fh_span_find(now, FH_LIT("struct "), 0) == SIZE_MAX && now.size != 0 && now.size < have.size)
        deed_type_row(b, row)->spelling = now;
}

static void fill_type(deed_build *b, uint32_t row, CXType written, CXType canonical) {
    deed_type t = {.spelling = spelling_of(b, written, canonical)};
    t.is_const = clang_isConstQualifiedType(canonical) != 0;
    t.is_volatile = clang_isVolatileQualifiedType(canonical) != 0;
    if (canonical.kind == CXType_Atomic) {
        t.is_atomic = true;
        canonical = clang_getCanonicalType(clang_Type_getValueType(canonical));
        written = canonical;
    }
    t.kind = type_kind(canonical.kind);
    written = peeled(written);
    CXType sugared = written.kind == canonical.kind ? written : canonical;
    *deed_type_row(b, row) = t;
    if (t.kind == DEED_TYPE_POINTER)
        t.to = deed_type_of(b, clang_getPointeeType(sugared));
    else if (t.kind == DEED_TYPE_FUNCTION)
        t.to = deed_type_of(b, clang_getResultType(sugared));
    else if (t.kind == DEED_TYPE_ARRAY)
        t.to = deed_type_of(b, clang_getArrayElementType(sugared));
    if (t.kind == DEED_TYPE_ARRAY)
        t.count = canonical.kind == CXType_ConstantArray   ? clang_getArraySize(canonical)
                  : canonical.kind == CXType_VariableArray ? -2
                                                           : -1;
    if (t.kind == DEED_TYPE_RECORD) {
        CXCursor c = clang_getTypeDeclaration(canonical);
        t.is_union = clang_getCursorKind(c) == CXCursor_UnionDecl;
        t.is_incomplete = clang_Cursor_isNull(clang_getCursorDefinition(c)) != 0;
        t.decl = deed_decl_of(b, c);
    }
    bool has_size = t.kind == DEED_TYPE_NUMBER || t.kind == DEED_TYPE_ENUM || t.kind == DEED_TYPE_POINTER;
    if (has_size || (t.kind == DEED_TYPE_RECORD && !t.is_incomplete) || (t.kind == DEED_TYPE_ARRAY && t.count >= 0))
        t.bytes = clang_Type_getSizeOf(canonical);
    *deed_type_row(b, row) = t;
}

uint32_t deed_type_of(deed_build *b, CXType t) {
    if (t.kind == CXType_Invalid || b->memory.failed)
        return 0;
    CXType canonical = clang_getCanonicalType(t), named = peeled(t);
    uint32_t decl = 0;
    if (named.kind == CXType_Pointer) /* to what a typedef calls a function */
        named = peeled(clang_getPointeeType(named));
    if (named.kind == CXType_Typedef && is_function_type(canonical))
        decl = deed_decl_of(b, clang_getTypeDeclaration(named));
    uint64_t mixed = (deed_hash_type(canonical) ^ decl) * UINT64_C(0x9e3779b97f4a7c15);
    uint32_t hash = (uint32_t)(mixed >> 32);
    const deed_table *table = &b->type_table;
    size_t at = 0;
    for (uint32_t found = deed_first_row(table, hash, &at); found != 0; found = deed_next_row(table, &at)) {
        const deed_type_key *key = deed_type_key_row(b, found);
        if (fh_deed_slots_get(table->slots, at).hash != hash || key->decl != decl || !clang_equalTypes(key->type, canonical))
            continue;
        better_spelling(b, found, t);
        return found;
    }
    uint32_t row = (uint32_t)b->types.count;
    deed_push(&b->memory, &b->types);
    deed_type_key *key = deed_push(&b->memory, &b->type_keys);
    *key = (deed_type_key){canonical, decl};
    deed_table_add(&b->memory, &b->type_table, hash, row);
    if (b->memory.failed)
        return 0;
    fill_type(b, row, t, canonical);
    if (decl != 0)
        deed_type_row(b, row)->decl = decl;
    return row;
}
