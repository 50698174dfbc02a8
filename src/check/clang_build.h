/* clang_build.h: the tables of a unit while they grow, shared by the files that know libclang.
 *
 * clang.c is the audited one: it follows libclang's pointers and the columns'. The others, and this header, see cursors, types
 * and checked rows.
 *
 * A column is an array that doubles in the unit's arena. Row 0 of every table is "none", and it is also what a failed
 * allocation gives, with `memory.failed` set: so nobody has to look until the end, and nobody writes outside.
 *
 * Invariant clang-column: count ≤ room, and `at` has room · size bytes; a row's address is good until the next deed_push on its
 * column. Threading: one thread at a time. */
#ifndef FH_CHECK_CLANG_BUILD_H
#define FH_CHECK_CLANG_BUILD_H

#include <clang-c/Index.h>

#include "check/clang.h"

/* What the tables are made of: the unit's arena, and whether it ran out. */
typedef struct deed_memory {
    fh_ref fh_arena *arena;
    bool failed;
} deed_memory;

typedef struct deed_column {
    void *at;
    size_t count, room, size;
} deed_column;

/* From the hash of a libclang value to a row: open addressing, at most 3/4 full. */
typedef struct deed_slot {
    uint32_t hash, row;
} deed_slot;
FH_SPAN_DEFINE(deed_slot, deed_slot);
typedef struct deed_table {
    fh_deed_slots slots; /* a power of two of them, or none */
    size_t count;
} deed_table;

/* What one type was made from, row by row beside the table of types. */
typedef struct deed_type_key {
    CXType type;
    uint32_t decl;
} deed_type_key;

/* A declaration of file scope: the hash of its text, and the names in it. */
typedef struct deed_symbol {
    uint64_t text;
    uint32_t first, count; /* of deed_build.names, later of deed_build.links */
    uint32_t next;         /* another symbol of the same name */
} deed_symbol;

/* A name that something at file scope has: the head of its symbols. */
typedef struct deed_name {
    uint64_t name;
    uint32_t symbol;
    uint32_t stamp; /* the last function that reached it */
} deed_name;

typedef struct deed_build {
    deed_memory memory;
    const deed_source *source;
    CXTranslationUnit tu;
    unsigned depth;
    uint32_t function; /* whose body is being read */
    deed_column files, nodes, types, decls, contracts, children, members, functions, globals, problems;
    deed_column file_keys;   /* CXFile of each file */
    deed_column decl_keys;   /* CXCursor of each declaration */
    deed_column latest;      /* of each declaration, if it is an entity: its last declaration so far */
    deed_column type_keys;
    deed_column cursors;     /* a stack: children of cursors that are being read */
    deed_column pending;     /* a stack: children of nodes that are being made */
    deed_table decl_table, type_table;
    /* clang_print.c */
    deed_column prints, inputs;
    deed_column symbols, entries, names, links;
    deed_table name_table;
    CXPrintingPolicy whole, head; /* NULL until something is printed */
    uint64_t args_hash;
    uint32_t stamp;               /* of the function whose print is being made; 0: no symbols yet */
} deed_build;

/* Children of a cursor on the stack; deed_kids_end takes them down. */
typedef struct deed_kids {
    size_t first, count;
} deed_kids;

void *deed_push(fh_mut deed_memory *m, fh_mut deed_column *c) fh_view(2);
void deed_push_u32(fh_mut deed_memory *m, fh_mut deed_column *c, uint32_t value);
uint32_t deed_u32_at(const deed_column *c, size_t i);
/* Row i, checked. */
void *deed_row_at(const deed_column *c, size_t i) fh_view(1);

deed_node *deed_node_row(fh_ref deed_build *b, uint32_t i) fh_view(1);
deed_decl *deed_decl_row(fh_ref deed_build *b, uint32_t i) fh_view(1);
deed_type *deed_type_row(fh_ref deed_build *b, uint32_t i) fh_view(1);
deed_contract *deed_contract_row(fh_ref deed_build *b, uint32_t i) fh_view(1);
/* Copies of rows: their texts are in the arena, so rows that are pushed meanwhile do them no harm. */
deed_decl deed_decl_copy(fh_ref deed_build *b, uint32_t i) fh_view(*1);
deed_type deed_type_copy(fh_ref deed_build *b, uint32_t i) fh_view(*1);
/* What declaration or type i was made from. */
CXCursor *deed_decl_key(fh_ref deed_build *b, uint32_t i) fh_view(1);
deed_type_key *deed_type_key_row(fh_ref deed_build *b, uint32_t i) fh_view(1);
/* The last declaration so far of entity i. */
uint32_t *deed_latest_row(fh_ref deed_build *b, uint32_t i) fh_view(1);
/* A hash of a canonical type. */
uint64_t deed_hash_type(CXType canonical);

/* A copy of a libclang string, which ends here. */
fh_span deed_text(fh_mut deed_build *b, CXString s) fh_view(*1);
/* All children of a cursor, in order. */
deed_kids deed_kids_of(fh_mut deed_build *b, CXCursor c);
CXCursor deed_kid(fh_mut deed_build *b, deed_kids k, size_t i);
void deed_kid_set(fh_mut deed_build *b, deed_kids k, size_t i, CXCursor c);
void deed_kids_end(fh_mut deed_build *b, deed_kids k);

/* Adds a row under a hash; the caller has looked that it is not there. */
void deed_table_add(fh_mut deed_memory *m, fh_mut fh_view(*1) deed_table *t, uint32_t hash, uint32_t row);
/* A walk over the rows of a hash, and perhaps of others: the first one and the next; 0 at the end. */
uint32_t deed_first_row(const deed_table *t, uint32_t hash, fh_mut size_t *at);
uint32_t deed_next_row(const deed_table *t, fh_mut size_t *at);

/* The place of a range, and the macro it comes out of, if any: *in_body tells whether the macro's body wrote it. */
deed_place deed_place_of(fh_mut deed_build *b, CXSourceRange range, fh_out fh_view(*1) fh_span *macro, fh_out bool *in_body);
bool deed_is_system(CXCursor c);
/* The end of the name that begins at `at`. */
uint32_t deed_name_end(fh_span text, uint32_t at);

/* A word of the source. */
typedef struct deed_token {
    fh_span text;
    enum CXTokenKind kind;
    uint32_t offset_bytes;
} deed_token;
FH_SPAN_DEFINE(deed_token, deed_token);
/* The words that a cursor covers; empty when memory runs out. */
fh_deed_tokens deed_tokens_of(fh_mut deed_build *b, CXCursor c) fh_view(*1);
/* True for a cursor of this name. */
bool deed_is_named(CXCursor c, fh_span name);
/* A function of this name anywhere in the unit; the null cursor for none. */
CXCursor deed_function_named(fh_mut deed_build *b, fh_span name);
/* The value of an integer constant expression. */
bool deed_constant(CXCursor c, fh_out int64_t *out);

/* --- nodes ---------------------------------------------------------------------------------------------------------------- */

enum { DEED_DEPTH_MAX = 2000 };

/* A node without children yet. */
uint32_t deed_new_node(fh_mut deed_build *b, deed_kind kind, CXCursor c);
/* Gives a node its children; returns it. The second one takes what was pushed on `pending` since it had `base` rows. */
uint32_t deed_adopt(fh_mut deed_build *b, uint32_t id, const uint32_t *children, uint32_t count);
uint32_t deed_adopt_pending(fh_mut deed_build *b, uint32_t id, size_t base);
/* A DEED_UNKNOWN; NULL: named by the source, or by the kind of the cursor. */
uint32_t deed_unknown(fh_mut deed_build *b, CXCursor c, const char *what);

/* --- clang_expr.c, clang_stmt.c ------------------------------------------------------------------------------------------- */

uint32_t deed_read_expr(fh_mut deed_build *b, CXCursor c);
/* An initial value of the type. */
uint32_t deed_read_value(fh_mut deed_build *b, CXCursor c, uint32_t type);
/* A statement or an expression. */
uint32_t deed_read_stmt(fh_mut deed_build *b, CXCursor c);
/* --- clang_decl.c --------------------------------------------------------------------------------------------------------- */

/* The row of a declaration or a type, made when it is asked for first. 0 for what has none. */
uint32_t deed_decl_of(fh_mut deed_build *b, CXCursor c);
uint32_t deed_type_of(fh_mut deed_build *b, CXType t);
/* The row that references name: of the first declaration of the same thing. */
uint32_t deed_entity_of(fh_mut deed_build *b, CXCursor c);
/* A label of the function that is being read. */
uint32_t deed_label_of(fh_mut deed_build *b, CXCursor c);

/* --- clang_print.c -------------------------------------------------------------------------------------------------------- */

/* The print of a function that is defined here (seen.h); never 0. */
uint64_t deed_print_of(fh_mut deed_build *b, CXCursor c);
/* A declaration as clang prints it from its tree; of a function, if not `whole`, the head alone. */
fh_span deed_printed(fh_mut deed_build *b, CXCursor c, bool whole) fh_view(*1);
/* Visits what stands at file scope, with the build as its data. */
void deed_visit_unit(fh_mut deed_build *b, CXCursorVisitor visit);

#endif
