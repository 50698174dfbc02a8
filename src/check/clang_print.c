/* clang_print.c: prints of functions in headers: one number for a body and for all that the rules look at when they check it.
 *
 * A body's text as clang prints it from its tree (macros expanded) names things; so do the declarations of those things, and so
 * on. The print mixes the text of the body, its source, its place, the arguments of the compiler, and the declarations of
 * every name that can be reached so, in any order: of a function its head with its contracts, of all else the whole. The set
 * is taken by name alone, so it has too much in it rather than too little. System headers are taken to say the same in every
 * unit.
 *
 * Invariant: a symbol's links are one run of `links`; a link is a row of `entries`. Threading: one thread at a time. */
#include "check/clang_build.h"
#include "freehold/hash.h"

enum { WORD_SEED = 1, TEXT_SEED = 2, INPUT_SEED = 3 };

static uint64_t name_at(fh_ref deed_build *b, size_t i) {
    const uint64_t *row = deed_row_at(&b->names, i);
    return *row;
}
static void push_name(deed_build *b, uint64_t name) {
    uint64_t *row = deed_push(&b->memory, &b->names);
    *row = name;
}
static deed_name *entry_at(fh_ref deed_build *b, size_t i) {
    return deed_row_at(&b->entries, i);
}
static deed_symbol *symbol_at(fh_ref deed_build *b, size_t i) {
    return deed_row_at(&b->symbols, i);
}

static bool is_letter(uint8_t c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* Pushes the hash of every name in the text on `names`. */
static void push_names(deed_build *b, fh_span text) {
    for (size_t at = 0; at < text.size;) {
        if (!is_letter(fh_span_at(text, at))) {
            at++;
            continue;
        }
        uint32_t end = deed_name_end(text, (uint32_t)at);
        push_name(b, fh_hash_bytes(WORD_SEED, fh_span_sub(text, at, end - at)));
        at = end;
    }
}

/* The row of a name in `entries`: 0 when it has none and `make` is false. */
static uint32_t entry_of(deed_build *b, uint64_t name, bool make) {
    const deed_table *t = &b->name_table;
    uint32_t hash = (uint32_t)name;
    size_t at = 0;
    for (uint32_t row = deed_first_row(t, hash, &at); row != 0; row = deed_next_row(t, &at)) {
        if (entry_at(b, row)->name == name)
            return row;
    }
    if (!make)
        return 0;
    uint32_t row = (uint32_t)b->entries.count;
    deed_name *e = deed_push(&b->memory, &b->entries);
    *e = (deed_name){.name = name};
    deed_table_add(&b->memory, &b->name_table, hash, row);
    return row;
}

static void add_symbol(deed_build *b, uint64_t name, deed_symbol s) {
    uint32_t row = (uint32_t)b->symbols.count, at = entry_of(b, name, true);
    at = b->memory.failed ? 0 : at;
    s.next = entry_at(b, at)->symbol;
    deed_symbol *made = deed_push(&b->memory, &b->symbols);
    *made = s;
    entry_at(b, at)->symbol = b->memory.failed ? 0 : row;
}

static void add_declaration(deed_build *b, CXCursor c) {
    enum CXCursorKind kind = clang_getCursorKind(c);
    if (deed_is_system(c) || kind == CXCursor_StaticAssert)
        return;
    fh_span text = deed_printed(b, c, kind != CXCursor_FunctionDecl);
    fh_span name = deed_text(b, clang_getCursorSpelling(c));
    deed_symbol s = {.text = fh_hash_bytes(TEXT_SEED, text), .first = (uint32_t)b->names.count};
    push_names(b, text);
    s.count = (uint32_t)b->names.count - s.first;
    bool unnamed = fh_span_find(name, FH_LIT("("), 0) != SIZE_MAX || kind == CXCursor_EnumDecl;
    if (!unnamed)
        add_symbol(b, fh_hash_bytes(WORD_SEED, name), s);
    for (uint32_t i = 0; i < s.count && unnamed; i++) /* reached by its members */
        add_symbol(b, name_at(b, s.first + i), s);
}

static enum CXChildVisitResult read_symbol(CXCursor c, CXCursor parent, CXClientData data) {
    (void)parent;
    deed_build *b = data;
    add_declaration(b, c);
    return b->memory.failed ? CXChildVisit_Break : CXChildVisit_Continue;
}

/* Of `count` names from `first` on, those that file scope knows go on `links`. */
static void link_names(deed_build *b, size_t first, size_t count) {
    for (size_t i = first; i < first + count; i++) {
        uint32_t at = entry_of(b, name_at(b, i), false);
        if (at != 0)
            deed_push_u32(&b->memory, &b->links, at);
    }
}

/* Once a unit: a symbol for every declaration that stands at file scope. */
static void read_symbols(deed_build *b) {
    b->stamp = 1;
    for (size_t i = 0; i < b->source->args.count; i++)
        b->args_hash = fh_hash_bytes(b->args_hash, fh_span_of_str(fh_deed_args_get(b->source->args, i)));
    deed_visit_unit(b, read_symbol);
    for (size_t i = 1; i < b->symbols.count; i++) {
        deed_symbol names = *symbol_at(b, i);
        size_t first = b->links.count;
        link_names(b, names.first, names.count);
        deed_symbol *s = symbol_at(b, i);
        s->first = (uint32_t)first;
        s->count = (uint32_t)(b->links.count - first);
    }
    b->names.count = 1;
}

/* The sum of all that the links from `first` on reach. */
static uint64_t reached(deed_build *b, size_t first) {
    uint64_t sum = 0;
    b->stamp++;
    for (size_t i = first; i < b->links.count && !b->memory.failed; i++) {
        deed_name *e = entry_at(b, deed_u32_at(&b->links, i));
        uint64_t name = e->name;
        uint32_t next = e->stamp == b->stamp ? 0 : e->symbol;
        e->stamp = b->stamp;
        for (deed_symbol s; next != 0; next = s.next) {
            s = *symbol_at(b, next);
            sum += fh_mix64(name ^ s.text);
            for (uint32_t k = 0; k < s.count; k++)
                deed_push_u32(&b->memory, &b->links, deed_u32_at(&b->links, s.first + k));
        }
    }
    return sum;
}

uint64_t deed_print_of(deed_build *b, CXCursor c) {
    if (b->stamp == 0)
        read_symbols(b);
    fh_span text = deed_printed(b, c, true);
    deed_place place = deed_place_of(b, clang_getCursorExtent(c), NULL, NULL);
    const deed_file *file = deed_row_at(&b->files, place.file);
    bool inside = place.end_bytes <= file->text.size && place.offset_bytes <= place.end_bytes;
    fh_span source = inside ? fh_span_sub(file->text, place.offset_bytes, place.end_bytes - place.offset_bytes) : file->text;
    uint64_t print = fh_hash_bytes(b->args_hash ^ place.offset_bytes, file->path);
    print = fh_hash_bytes(fh_hash_bytes(print, text), source);
    size_t first = b->links.count;
    push_names(b, text);
    link_names(b, 1, b->names.count - 1);
    print = fh_mix64(print ^ reached(b, first));
    b->names.count = 1;
    b->links.count = first;
    return b->memory.failed || print == 0 ? 1 : print;
}

uint64_t deed_input_hash(fh_span text) {
    uint64_t hash = fh_hash_bytes(INPUT_SEED, text);
    return hash == 0 ? 1 : hash;
}
