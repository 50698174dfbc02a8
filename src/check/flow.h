/* flow.h: what one function does to the places it uses, path by path.
 *
 * Abstract interpretation over the tree: branches join, loops run until nothing changes and then once more aloud, a label joins
 * the states of the jumps forward to it. Threading: one thread at a time. */
#ifndef FH_CHECK_FLOW_H
#define FH_CHECK_FLOW_H

#include "check/place.h"

/* What an expression gives. */
typedef struct deed_value {
    uint32_t bits;  /* as in a cell */
    uint32_t place; /* where it was read, or what its address was taken of; 0: nowhere that is followed */
    uint32_t node;
    bool address, call; /* call: the result of one, which DEED_LAST_CALL stands for */
    uint16_t via;       /* of a borrow: the place it was derived through, or 0 */
    deed_sources sources;
} deed_value;

/* Reports what the rules of flow (01 to 04, 0507, 0508 and 09) refuse in all functions of the unit. */
FH_MUST_USE fh_status deed_flow_check(fh_ref fh_allocator *a, fh_ref deed_unit *unit, fh_mut deed_report *r);
/* Whether the function is one that ends the program. */
bool deed_never_returns(fh_ref const deed_unit *unit, uint32_t callee);
/* What the rules of 06, 0405 and 0406 refuse: declarations, and functions that go into pointers. */
FH_MUST_USE fh_status deed_contract_check(fh_ref deed_unit *unit, fh_mut deed_report *r);
/* What the rules of 05 refuse: no paths, each construct by itself. */
FH_MUST_USE fh_status deed_raw_check(fh_ref deed_unit *unit, fh_mut deed_report *r);

/* --- shared by flow.c, leave.c, value.c, borrow.c, expr.c, call.c and advise.c --- */

void deed_error(fh_mut deed_flow *f, deed_code code, uint32_t node, const char *label, const char *format, ...) FH_PRINTF(5, 6);
void deed_also(fh_mut deed_flow *f, uint32_t node, const char *text);
/* advise.c: "tensor_free(t)": a call of the function that drops, locks or unlocks such a value; empty if there is none. */
fh_span deed_call_for(fh_ref const deed_flow *f, deed_word word, uint32_t type, fh_span name) fh_view(*1);
/* The help of the finding told last: the call that drops the value, and `when`; what to do about a moved one. */
void deed_help_drop(fh_mut deed_flow *f, uint32_t type, fh_span name, const char *when);
/* … that an owned result needs a name. */
void deed_help_named(fh_mut deed_flow *f, uint32_t node);
/* … of the view contract with which this may be returned. */
void deed_help_view(fh_mut deed_flow *f, const deed_value *v);
void deed_help_moved(fh_mut deed_flow *f, uint32_t node, uint32_t whole, uint32_t place);
/* … how the lock in a field of `base` is taken. */
void deed_help_lock(fh_mut deed_flow *f, uint32_t base, fh_span lock);
/* A use of an owner that may be NULL; of a view whose source has ended or changed. */
void deed_report_null(fh_mut deed_flow *f, uint32_t node, uint32_t place);
void deed_report_dead(fh_mut deed_flow *f, uint32_t node, uint32_t view);
deed_value deed_eval(fh_mut deed_flow *f, uint32_t node);
/* The same where the value is taken over: an owner in an arm of a ?: leaves its place. */
deed_value deed_eval_taken(fh_mut deed_flow *f, uint32_t node);
/* The same where the value goes no further: an owner must not be lost. */
deed_value deed_eval_discarded(fh_mut deed_flow *f, uint32_t node);
/* Evaluates a condition in the current state; the states in which it holds and does not. */
void deed_condition(fh_mut deed_flow *f, uint32_t node, uint32_t yes, uint32_t no);
/* A read of a place: of a moved value, a dead view, a null owner, nothing at all? */
void deed_use(fh_mut deed_flow *f, uint32_t node, uint32_t place);
/* unwritten.c: a variable without a value; the part of a place that has none, or 0; a place that has got one, with all its
 * parts; a read of a place that has none. */
void deed_unwritten(fh_mut deed_flow *f, uint32_t node, uint32_t place);
uint32_t deed_without_value(const deed_flow *f, uint32_t place);
void deed_written(fh_mut deed_flow *f, uint32_t place);
void deed_check_written(fh_mut deed_flow *f, uint32_t node, uint32_t place);
/* A place is reached: does a pointer lead to it that has no value? */
void deed_check_led(fh_mut deed_flow *f, uint32_t node, uint32_t place);
/* The value leaves its place; `dropped`: its life ends. */
void deed_consume(fh_mut deed_flow *f, uint32_t node, const deed_value *v, bool dropped);
/* A block of memory ends, but not what its fields own (`fh_drop void *`): that has to be gone by then. */
void deed_end_block(fh_mut deed_flow *f, uint32_t node, const deed_value *v);
/* What becomes of an owner that is assigned: it goes along, or it stays and the new place only looks at it. A handle is a
 * number: unless the new place is declared to own it, a copy of one is nobody's. */
typedef enum deed_passing { DEED_STAYS, DEED_GOES, DEED_LOOKS } deed_passing;
deed_passing deed_passes(fh_mut deed_flow *f, uint32_t type, bool owned, bool borrowed, const deed_value *v);
void deed_store(fh_mut deed_flow *f, uint32_t node, uint32_t place, const deed_value *v, bool first);
/* The value of a place, without a look at whether it may be read; the address of one. */
deed_value deed_lying(fh_mut deed_flow *f, uint32_t node, uint32_t place);
deed_value deed_address(fh_mut deed_flow *f, uint32_t node, uint32_t place);
/* The storage that a user of the value may reach. */
deed_sources deed_sources_of(const deed_flow *f, const deed_value *v);
void deed_add_sources(fh_mut deed_flow *f, uint32_t node, fh_mut deed_sources *to, const deed_sources *from);
/* Users of the two may reach the same storage. */
bool deed_overlap(const deed_flow *f, const deed_value *a, const deed_value *b);
/* What the place holds (pointee: what that points to) is changed: is it only borrowed shared? Reported. */
void deed_check_shared(fh_mut deed_flow *f, uint32_t node, uint32_t place, bool pointee);
/* Stores the fields of a struct one by one, if `list` gives them by name; false: nothing was done. */
bool deed_store_fields(fh_mut deed_flow *f, uint32_t node, uint32_t place, uint32_t list, bool first);
/* Somebody changes what he reaches through the value: borrows of that die, but not those that led to it. */
void deed_invalidate(fh_mut deed_flow *f, uint32_t node, const deed_value *changed);
/* Somebody else may have changed globals. */
void deed_forget_globals(fh_mut deed_flow *f);
/* The place is about to refer to something else: nothing is derived through it any more. */
void deed_unlink(fh_mut deed_flow *f, uint32_t place);
/* A view contract of this function covers a borrow from this source. */
bool deed_view_tells(const deed_flow *f, fh_or_null const deed_contract *view, uint32_t source);
/* A borrow is stored in a place that outlives this function, or that a local borrow leads to. */
void deed_keep(fh_mut deed_flow *f, uint32_t node, uint32_t place, const deed_value *v);
/* An atomic operation, which the front end has no name for. */
bool deed_is_atomic(const deed_node *n);
deed_value deed_call(fh_mut deed_flow *f, uint32_t node);
void deed_forget(fh_mut deed_flow *f, uint32_t place);
/* leave.c: variables of this depth and deeper end, in the current state; the last place of a statement; control leaves the
 * function by a return, or comes to its end. */
void deed_leave(fh_mut deed_flow *f, deed_place at, uint32_t depth);
deed_place deed_last_of(const deed_flow *f, uint32_t node);
void deed_return(fh_mut deed_flow *f, uint32_t node);
void deed_finish(fh_mut deed_flow *f, deed_place at);
/* The contract of this function names the parameter as the lock that it takes, or gives back; or NULL. */
fh_or_null const deed_contract *deed_promise_of(const deed_flow *f, deed_word word, uint32_t place) fh_view(*1);
/* A statement or nothing. */
void deed_statement(fh_mut deed_flow *f, uint32_t node);
bool deed_has_lock(fh_mut deed_flow *f, uint32_t base, fh_span field);

#endif
