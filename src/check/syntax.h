/* syntax.h: a translation unit as the checker sees it: nodes, declarations, types and contracts in four tables.
 *
 * The front end (clang.c, the only file that knows libclang) fills the tables once; everything else reads them. Each reference
 * is an index; 0 is "none" in every table. What the front end does not know how to express becomes a DEED_UNKNOWN node with
 * the name of the construct: the rules report it (FH09), and never step over it.
 *
 * Expressions are in evaluation form: parentheses and implicit casts are gone, an explicit cast stays, and __builtin_expect(x,
 * c) is x. Macros are seen expanded: what a macro's body wrote has the place of the macro's name, what was an argument of it
 * has the place where it is written.
 *
 * Invariants: a node's children have greater indices than the node and lie in one run of `children`; a DEED_REF names a
 * declaration of this unit; offsets are bytes into the text of the named file.
 *
 * Threading: immutable after deed_unit_parse. Ownership: all rows live in the unit's arena. */
#ifndef FH_CHECK_SYNTAX_H
#define FH_CHECK_SYNTAX_H

#include "freehold/arena.h"

/* A place in the text of one of the unit's files. */
typedef struct deed_place {
    uint32_t file; /* of deed_unit.files */
    uint32_t offset_bytes, end_bytes;
} deed_place;

/* --- nodes ---------------------------------------------------------------------------------------------------------------- */

typedef enum deed_kind {
    DEED_NONE = 0,
    /* statements; children in this order, a missing one is 0 */
    DEED_BLOCK,     /* statements */
    DEED_DECLARE,   /* declarations of variables in one statement: DEED_VARIABLE nodes */
    DEED_VARIABLE,  /* decl; initial value or 0 */
    DEED_IF,        /* condition, then, else */
    DEED_WHILE,     /* condition, body */
    DEED_DO,        /* body, condition */
    DEED_FOR,       /* initial statement, condition, step, body */
    DEED_SWITCH,    /* value, body */
    DEED_CASE,      /* statement (DEED_CASE again for `case 1: case 2:`); value in `number` */
    DEED_DEFAULT,   /* statement */
    DEED_BREAK,
    DEED_CONTINUE,
    DEED_GOTO,      /* decl: the label */
    DEED_LABEL,     /* decl; statement */
    DEED_RETURN,    /* value or 0 */
    DEED_EMPTY,
    DEED_REGION,    /* FH_UNSAFE: raw memory may be touched from here to place.end_bytes; text: the id of the invariant */
    /* expressions */
    DEED_REF,       /* decl */
    DEED_MEMBER,    /* base; decl: the field (also of an unnamed member); op: DEED_OP_DOT or DEED_OP_ARROW */
    DEED_CALL,      /* callee (a DEED_REF of a function, or any expression of function pointer type), arguments */
    DEED_ADDRESS,   /* &operand */
    DEED_DEREF,     /* *operand */
    DEED_UNARY,     /* operand; op: DEED_OP_NEG … DEED_OP_POST_DEC */
    DEED_BINARY,    /* left, right; op: see deed_op */
    DEED_ASSIGN,    /* place, value; op: DEED_OP_NONE, or that of a compound assignment */
    DEED_CHOOSE,    /* condition, then, else (?:) */
    DEED_CAST,      /* operand; type: the target; explicit casts only */
    DEED_INDEX,     /* base, index */
    DEED_INTEGER,   /* number; also characters, enumerators, and constants that fold (sizeof, _Alignof, offsetof) */
    DEED_NULL,      /* a null pointer constant */
    DEED_REAL,
    DEED_STRING,
    DEED_LIST,      /* initializers as written; each child's field in deed_node.field (0: an element, or not known) */
    DEED_LITERAL,   /* compound literal: a DEED_LIST or a value */
    DEED_SEQUENCE,  /* left, right (the comma operator) */
    DEED_STATEMENTS,/* GNU statement expression: a DEED_BLOCK whose last statement is the value */
    DEED_UNKNOWN,   /* text: what it is; the expressions in it, if it is one */
} deed_kind;

typedef enum deed_op {
    DEED_OP_NONE = 0,
    DEED_OP_ADD, DEED_OP_SUB, DEED_OP_MUL, DEED_OP_DIV, DEED_OP_REM, DEED_OP_SHL, DEED_OP_SHR, DEED_OP_AND, DEED_OP_OR,
    DEED_OP_XOR,
    DEED_OP_LT, DEED_OP_GT, DEED_OP_LE, DEED_OP_GE, DEED_OP_EQ, DEED_OP_NE, DEED_OP_LAND, DEED_OP_LOR,
    DEED_OP_NEG, DEED_OP_NOT, DEED_OP_LNOT, DEED_OP_PLUS, DEED_OP_PRE_INC, DEED_OP_POST_INC, DEED_OP_PRE_DEC, DEED_OP_POST_DEC,
    DEED_OP_DOT, DEED_OP_ARROW,
} deed_op;

typedef struct deed_node {
    deed_kind kind;
    deed_op op;
    deed_place place;
    uint32_t type;                 /* of an expression */
    uint32_t decl;                 /* what it refers to */
    uint32_t field;                /* of an initializer in a DEED_LIST: the field's declaration, or 0 */
    uint32_t first, count;         /* children: deed_unit.children[first … first + count) */
    int64_t number;
    fh_span text;                  /* DEED_UNKNOWN */
    bool in_macro;                 /* a macro's body wrote it */
    fh_span macro;                 /* the outermost macro's name, if in_macro or an argument of one */
} deed_node;

/* --- types ---------------------------------------------------------------------------------------------------------------- */

typedef enum deed_type_kind {
    DEED_TYPE_NONE = 0, DEED_TYPE_VOID, DEED_TYPE_NUMBER, DEED_TYPE_ENUM, DEED_TYPE_POINTER, DEED_TYPE_ARRAY, DEED_TYPE_RECORD,
    DEED_TYPE_FUNCTION, DEED_TYPE_OTHER
} deed_type_kind;

/* A canonical type; equal types have equal indices except for `decl` of a typedef that carries contracts. */
typedef struct deed_type {
    deed_type_kind kind;
    bool is_const, is_volatile, is_atomic, is_union, is_incomplete;
    uint32_t to;      /* pointer: pointee; array: element; function: result */
    uint32_t decl;    /* record: its declaration; function pointer written through a typedef: the typedef's declaration */
    int64_t bytes;    /* its size; below 1: not known */
    int64_t count;    /* array: elements; -1: not known; -2: known at run time only */
    fh_span spelling; /* as the programmer wrote it */
} deed_type;

/* --- contracts ------------------------------------------------------------------------------------------------------------ */

/* The words of deed.h. */
typedef enum deed_word {
    DEED_WORD_NONE = 0,
    DEED_OWNED,         /* result, out-parameter, field: the receiver owns it */
    DEED_OWNED_OR_NULL,
    DEED_OR_NULL,       /* pointer: it may be NULL */
    DEED_MOVE,          /* argument: the callee takes over */
    DEED_DROP,          /* argument: the callee ends its life */
    DEED_REF_WORD,      /* argument: shared borrow for the call */
    DEED_MUT,           /* argument: exclusive borrow for the call */
    DEED_OUT,           /* argument: written before a successful return */
    DEED_VIEW,          /* result or out-parameter: valid while argument(s) `args` live and are not changed */
    DEED_STATIC,        /* result: lives as long as the program */
    DEED_SEND,          /* argument: crosses to another thread */
    DEED_SYNC,          /* type: may be shared by threads (checked from its fields) */
    DEED_VIEW_TYPE,     /* type: its values are views and obey their rules */
    DEED_GUARDED,       /* field: only with the lock `text` (a sibling field) held */
    DEED_REQUIRES,      /* function: called with the lock `text` ("param->field" or a parameter) held */
    DEED_LOCK,          /* function: takes the lock argument `args[0]` */
    DEED_UNLOCK,
    DEED_COUNTED,       /* pointer: leads to as many elements as `text` (a sibling field) or argument args[0] says; result:
                           args[0] elements of args[1] bytes */
    DEED_UNSAFE,        /* function or region: audited */
    DEED_WORD_COUNT
} deed_word;

enum { DEED_ARGS_MAX = 4 };

typedef struct deed_contract {
    deed_word word;
    deed_place place;
    uint32_t arg_count, args[DEED_ARGS_MAX]; /* numbers of parameters, from 1 */
    bool behind[DEED_ARGS_MAX];              /* "*1": what lies behind the borrows in argument 1, not that itself */
    fh_span text;
} deed_contract;

/* --- declarations --------------------------------------------------------------------------------------------------------- */

typedef enum deed_decl_kind {
    DEED_DECL_NONE = 0, DEED_DECL_FUNCTION, DEED_DECL_PARAMETER, DEED_DECL_VARIABLE, DEED_DECL_FIELD, DEED_DECL_RECORD,
    DEED_DECL_TYPEDEF, DEED_DECL_LABEL
} deed_decl_kind;

typedef struct deed_decl {
    deed_decl_kind kind;
    fh_span name;
    deed_place place;
    uint32_t type;
    uint32_t first, count;                   /* deed_unit.members: a record's fields; the parameters of a function, and of what
                                                is declared as a function pointer (typedef, field, variable, parameter) */
    uint32_t first_contract, contract_count; /* deed_unit.contracts: in effect for this declaration (see `inherits`) */
    uint32_t body;                           /* function defined here: its DEED_BLOCK; global variable: its value, or 0 */
    uint32_t parent;                         /* parameter: function; field: record */
    uint32_t previous;                       /* the declaration before this one of the same entity in this unit, or 0 */
    uint32_t entity;                         /* the first declaration of it: what every DEED_REF names; itself if it is that */
    bool inherits;                           /* has no words of its own: its contracts are those of `previous` */
    bool is_global, is_static, is_thread_local, is_extern, is_variadic, is_inline;
    bool is_system; /* of a system header */
    bool is_paired; /* function: deed.toml names it as one that allocates or frees */
    bool is_union;
    uint32_t cleanup;                        /* variable: the function of its cleanup attribute, or 0 */
    bool has_unknown_attribute;
} deed_decl;

typedef struct deed_file {
    fh_span path; /* as the compile command names it, or relative to the root */
    fh_span text;
    bool is_main, is_system;
    bool is_audited; /* of an audited room: only 06 and the audit apply */
    bool is_whole;   /* of a room where every line is unsafe */
} deed_file;

FH_SPAN_DEFINE(deed_node, deed_node);
FH_SPAN_DEFINE(deed_type, deed_type);
FH_SPAN_DEFINE(deed_decl, deed_decl);
FH_SPAN_DEFINE(deed_contract, deed_contract);
FH_SPAN_DEFINE(deed_file, deed_file);

/* What the compiler itself refuses: rules are not run on such a unit. */
typedef struct deed_problem {
    deed_place place;
    fh_span text;
} deed_problem;
FH_SPAN_DEFINE(deed_problem, deed_problem);

/* The print of a function of a header that is read here (seen.h). */
typedef struct deed_print {
    uint64_t print;
    uint32_t decl;
} deed_print;
FH_SPAN_DEFINE(deed_print, deed_print);

/* A file that the unit was made of. */
typedef struct deed_input {
    fh_span path, includer; /* includer: empty for the main file */
    uint64_t hash;          /* of its text */
    bool asks_for_files;    /* has a __has_include: what it means depends on files that are not there */
} deed_input;
FH_SPAN_DEFINE(deed_input, deed_input);

typedef struct deed_unit {
    fh_ref fh_arena *arena;
    fh_deed_files files;
    fh_deed_nodes nodes;
    fh_deed_types types;
    fh_deed_decls decls;
    fh_deed_contracts contracts;
    fh_u32s children; /* of nodes */
    fh_u32s members;  /* of declarations */
    fh_u32s functions; /* declarations with a body in a file that is to be checked, in order */
    fh_deed_problems problems;
    bool checks_indices; /* the compile command makes the compiler check indices into arrays */
    fh_deed_prints prints;
    fh_deed_inputs inputs;
    fh_u32s globals;   /* variables of file scope, records and typedefs, function declarations of files to be checked */
} deed_unit;

#endif
