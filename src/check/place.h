/* place.h: what is known about the places of one function: variables, their fields, and what parameters point to.
 *
 * A place is `x`, `x.f`, `p->f` or `*p`; (*p).f and p->f are one. A state has a cell for each place: a set of what it may be. A
 * join is the union, so that MOVED with OWNED means "moved on some path"; only promises about a status (see `gate`) are
 * intersected, and a lock held on one side only is LOOSE.
 *
 * Invariants: place 0 is none, place 1 the status (or truth) of the last call; a parent's number is less than its child's;
 * cells from deed_flow.place_count on are zero. Threading: one thread at a time. */
#ifndef FH_CHECK_PLACE_H
#define FH_CHECK_PLACE_H

#include "check/finding.h"

enum { DEED_PLACES_MAX = 384, DEED_SOURCES_MAX = 8, DEED_LAST_CALL = 1, DEED_LABELS_MAX = 33, DEED_ROUNDS_MAX = 24,
       DEED_STATES_MAX = 1024 };

enum {
    DEED_IS_OWNED = 1,     /* must be dropped or moved */
    DEED_IS_MOVED = 2,     /* its value went elsewhere */
    DEED_IS_DROPPED = 4,   /* its value's life ended; always with MOVED */
    DEED_IS_NULL = 8,
    DEED_IS_VIEW = 16,     /* looks into `sources`; an owner may do so too */
    DEED_IS_DEAD = 32,     /* a view whose source was changed or dropped */
    DEED_IS_ENDED = 64,    /* a view whose source left its scope */
    DEED_IS_RAW = 128,     /* not initialised */
    DEED_IS_PLAIN = 256,   /* a value that nobody has to care for */
    DEED_IS_HELD = 512,    /* a lock that is taken */
    DEED_IS_LOOSE = 1024,  /* … on some path only */
    DEED_IF_OK_OWNED = 2048,    /* not NULL if the status `gate` is a success */
    DEED_IF_FAILED_NULL = 4096, /* not owned if it is a failure */
    DEED_IS_OK = 8192,     /* a status that is known to be a success */
    DEED_IS_FAILED = 16384,
    DEED_IS_BORROW = 32768, /* a view that owns nothing; with OWNED: on some path only */
    DEED_IS_COPY = 65536,  /* a view that is the very pointer which the one place in `sources` owns */
    DEED_IF_OK_NULL = 131072,     /* given away if the status `gate` is a success */
    DEED_IF_FAILED_OWNED = 262144, /* not NULL if it is a failure */
    DEED_IF_OK_WRITTEN = 524288,   /* initialised, and not what is gone, if it is a success */
    DEED_IS_DUE = 1048576,         /* owned by what this function ends: to be dropped, moved, or found NULL before */
    DEED_IS_SOME = 2097152,        /* a field that may be NULL (`fh_or_null`), and was found not to be */
};

/* What a borrow may look into: places, in no order, 0 behind the last. */
typedef struct deed_sources {
    uint16_t at[DEED_SOURCES_MAX];
} deed_sources;

typedef struct deed_cell {
    uint32_t bits;
    uint32_t where; /* node: moved, dropped, locked, died here */
    uint32_t born;  /* node: became owned here */
    uint16_t gate;  /* the place of the status that decides, or 0 */
    uint16_t via;   /* of a view: the place it was derived through, or 0 */
    uint16_t alias; /* of a local pointer: the place that holds the very same one, or 0 */
    uint16_t to;    /* of a local pointer: the place whose address it is, or 0 */
    deed_sources sources;
} deed_cell;

typedef struct deed_state {
    bool live;
    uint32_t next; /* of those not in use */
    deed_cell cells[DEED_PLACES_MAX];
} deed_state;

typedef enum deed_mode {
    DEED_MODE_LOCAL = 0,
    DEED_MODE_SHARED,  /* pointer parameter, shared borrow */
    DEED_MODE_MUT,     /* pointer parameter, exclusive borrow */
    DEED_MODE_OUT,     /* pointer parameter to a result */
    DEED_MODE_OWNER,   /* parameter that was moved here */
    DEED_MODE_DROPPER, /* parameter whose life this function ends */
    DEED_MODE_GLOBAL,
} deed_mode;

typedef struct deed_info {
    uint32_t root;   /* declaration of the variable */
    uint32_t parent; /* place, or 0 */
    uint32_t field;  /* declaration; 0 with a parent: what that points to */
    uint32_t type, depth, node;
    uint32_t block; /* of a variable: the statement at whose end it ends */
    deed_mode mode;
    fh_span name;
} deed_info;

typedef struct deed_label {
    uint32_t decl, from; /* from: the last goto */
    bool placed;
    uint32_t state;
} deed_label;

/* The analysis of one function. */
typedef struct deed_flow {
    deed_unit *unit;
    deed_report *report;
    fh_ref fh_arena *arena;
    fh_mspan carries; /* of each type: 0 not known yet, 1 no, 2 yes */
    fh_mspan owners;  /* of each type: 0 not known yet, or 1, and 2 if it is given, 4 if it is filled */
    fh_status status;
    uint32_t function;
    uint32_t reported; /* node of the finding told last */
    bool taking;       /* whoever gets the ?: that is evaluated next takes the value over */
    uint32_t within;   /* the call whose arguments are looked at again, or 0 */
    deed_state *states[DEED_STATES_MAX]; /* by number, as many as were ever needed at once */
    uint32_t state_count, unused;        /* unused: the first that is free, or 0 */
    uint32_t now;                        /* the state that statements and expressions change */
    uint32_t place_count, depth, muted;
    uint32_t block; /* the innermost one around the statement */
    deed_info places[DEED_PLACES_MAX];
    deed_label labels[DEED_LABELS_MAX];
    uint32_t label_count, changes;
    uint32_t on_break, on_continue, on_case; /* states, or 0 */
    uint32_t break_depth, continue_depth;
    bool saw_default, full;
} deed_flow;

/* Rows of the unit. */
const deed_node *deed_flow_node(const deed_flow *f, uint32_t id) fh_view(*1);
const deed_decl *deed_flow_decl(const deed_flow *f, uint32_t id) fh_view(*1);
const deed_type *deed_flow_type(const deed_flow *f, uint32_t id) fh_view(*1);
uint32_t deed_child(const deed_flow *f, uint32_t node, uint32_t i);
/* The contract of this word that a declaration has, or NULL. */
fh_or_null const deed_contract *deed_word_of(const deed_unit *unit, uint32_t decl, deed_word word) fh_view(*1);
/* Text that lives as long as the unit. */
fh_span deed_flow_text(fh_ref const deed_flow *f, const char *format, ...) FH_PRINTF(2, 3) fh_view(*1);
bool deed_name_is(const deed_flow *f, uint32_t decl, const char *name);

/* The place that an expression names, made if it is new; 0 if it is none that can be followed. */
uint32_t deed_place_find(fh_mut deed_flow *f, uint32_t node);
uint32_t deed_place_root(fh_mut deed_flow *f, uint32_t decl, uint32_t node);
/* A field of it, or with field 0 what it points to (of a record: what the pointers in it point to). */
uint32_t deed_place_field(fh_mut deed_flow *f, uint32_t base, uint32_t field, uint32_t node);
/* The storage of a compound literal, which lives as long as its block. */
uint32_t deed_place_literal(fh_mut deed_flow *f, uint32_t node);
/* Where its variable is declared, or its literal is written. */
deed_place deed_place_declared(const deed_flow *f, uint32_t place);
/* Where the pointer in a local place was read, if that still holds it: what one points to, the other does. */
uint32_t deed_place_same(const deed_flow *f, uint32_t place);
/* As it is written: `*p` for the pointer that a pointer leads to. */
fh_span deed_place_text(fh_ref const deed_flow *f, uint32_t place) fh_view(*1);
/* The outermost place that it belongs to. */
uint32_t deed_place_outer(const deed_flow *f, uint32_t place);
bool deed_place_under(const deed_flow *f, uint32_t place, uint32_t above);
/* The same, and no borrowed pointer leads from one to the other: a change of `above` may end what is in `place`. */
bool deed_place_within(const deed_flow *f, uint32_t place, uint32_t above);
/* A pointer lies between the place and its parent. */
bool deed_place_hops(const deed_flow *f, uint32_t place);
/* What the pointers in this place point to belongs to whoever has the place. */
bool deed_place_owns(const deed_flow *f, uint32_t place);
/* Its declaration, or that of something that it is a part of by value, has the word. */
bool deed_place_says(const deed_flow *f, uint32_t place, deed_word word);
/* The pointer in it may be NULL, as far as this function knows. */
bool deed_place_null(const deed_flow *f, uint32_t place);
/* It was found not to be. */
void deed_place_some(fh_mut deed_flow *f, uint32_t place);
/* Storage that belongs to someone else: behind a pointer that does not own, or a global. */
bool deed_place_lent(const deed_flow *f, uint32_t place);
/* A pointer to data, or a value with one in it: it can look into something. Other values are numbers, handles too: a copy of
 * one is no borrow. What a struct of a system header points to is the library's (deed_store lets nobody put a borrow there). */
bool deed_type_carries(fh_mut deed_flow *f, uint32_t type);
/* Who owns what a pointer of this type leads to: some contract of the unit gives such a pointer out as an owner (`given`), or
 * fills a value that is owned where it lies (`filled`). */
typedef struct deed_owners {
    bool given, filled;
} deed_owners;
deed_owners deed_owners_of(const deed_flow *f, uint32_t type);
deed_cell *deed_cell_of(const deed_flow *f, uint32_t place) fh_view(*1);

/* What a pointer in a field holds in a state in which nobody touched it (its cell is 0), as far as its struct tells. */
deed_cell deed_place_untouched(const deed_flow *f, uint32_t state, uint32_t place);

/* States have numbers, so that one can be changed beside others. State 0 stands for what there is no room for (reported), or no
 * memory (f->status): then nothing that the states say is of use. What is taken has to be given back. */
deed_state *deed_state_of(const deed_flow *f, uint32_t state) fh_view(*1);
uint32_t deed_state_take(fh_mut deed_flow *f);
uint32_t deed_state_copy(fh_mut deed_flow *f, uint32_t from);
void deed_state_give(fh_mut deed_flow *f, uint32_t state);
void deed_state_set(fh_mut deed_flow *f, uint32_t to, uint32_t from);
/* a = a or b; true if that changed a. */
bool deed_state_join(fh_mut deed_flow *f, uint32_t a, uint32_t b);
/* What is known in a state once the status or truth in a place is known. */
void deed_state_gate(fh_mut deed_flow *f, uint32_t state, uint32_t gate, bool ok);
/* Nothing depends on this place any more in the current state: it is about to change. */
void deed_ungate(fh_mut deed_flow *f, uint32_t gate);
/* Control may come to where the current state speaks of; it does not from here on. */
bool deed_is_live(const deed_flow *f);
void deed_end_path(fh_mut deed_flow *f);

#endif
