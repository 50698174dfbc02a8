/* unwritten.c: local variables, and parts of them, that have no value yet.
 *
 * A struct is followed field by field where it has few of them; else, like an array, as a whole: a write to a field of a large
 * struct counts for all of it, one to an element of an array counts for nothing. Threading: flow.h. */
#include "check/flow.h"

enum { PARTS_MAX = 16 };

/* How many places a struct has that hold values, or PARTS_MAX + 1. */
static uint32_t parts_of(const deed_flow *f, uint32_t type) {
    const deed_type *t = deed_flow_type(f, type);
    if (t->kind != DEED_TYPE_RECORD)
        return 1;
    const deed_decl *d = deed_flow_decl(f, t->decl);
    uint32_t sum = t->is_union || t->is_incomplete || d->count == 0 ? PARTS_MAX + 1 : 0;
    for (uint32_t i = 0; i < d->count && sum <= PARTS_MAX; i++)
        sum += parts_of(f, deed_flow_decl(f, fh_u32s_get(f->unit->members, d->first + i))->type);
    return sum;
}

static void declare(deed_flow *f, uint32_t node, uint32_t place) {
    const deed_type *t = deed_flow_type(f, f->places[place].type);
    bool split = t->kind == DEED_TYPE_RECORD && parts_of(f, f->places[place].type) <= PARTS_MAX;
    bool none = t->kind == DEED_TYPE_ARRAY && /* told elsewhere, or nothing to be told */
                (t->count == -2 || deed_name_is(f, deed_flow_type(f, t->to)->decl, "__va_list_tag"));
    *deed_cell_of(f, place) = (deed_cell){.bits = split || none ? DEED_IS_PLAIN : DEED_IS_RAW, .born = node};
    const deed_decl *d = deed_flow_decl(f, t->decl);
    for (uint32_t i = 0; split && i < d->count; i++) {
        uint32_t part = deed_place_field(f, place, fh_u32s_get(f->unit->members, d->first + i), node);
        if (part != 0)
            declare(f, node, part);
    }
}

void deed_unwritten(deed_flow *f, uint32_t node, uint32_t place) {
    deed_forget(f, place);
    declare(f, node, place);
}

void deed_written(deed_flow *f, uint32_t place) {
    for (uint32_t i = place; i < f->place_count; i++) {
        if (deed_place_under(f, i, place))
            deed_cell_of(f, i)->bits &= ~(uint32_t)DEED_IS_RAW;
    }
}

/* The place itself, or what it is a part of, or a part of it, that has no value; pointers are not followed. */
uint32_t deed_without_value(const deed_flow *f, uint32_t place) {
    for (uint32_t i = place; i != 0; i = f->places[i].parent) {
        if (deed_cell_of(f, i)->bits & DEED_IS_RAW)
            return i;
    }
    for (uint32_t i = place + 1; i < f->place_count; i++) {
        uint32_t up = i;
        while (up > place && !deed_place_hops(f, up))
            up = f->places[up].parent;
        if (up == place && (deed_cell_of(f, i)->bits & DEED_IS_RAW))
            return i;
    }
    return 0;
}

void deed_check_written(deed_flow *f, uint32_t node, uint32_t place) {
    uint32_t part = deed_place_lent(f, place) ? 0 : deed_without_value(f, place);
    if (part == 0)
        return;
    const deed_info *p = &f->places[part];
    const deed_decl *root = deed_flow_decl(f, p->root);
    deed_type_kind kind = deed_flow_type(f, f->places[deed_place_outer(f, part)].type)->kind;
    bool some = (deed_cell_of(f, part)->bits & ~(uint32_t)DEED_IS_RAW) != 0;
    deed_error(f, FH0508, node, some ? "on some path it has no value here" : "it has no value here",
               "`%.*s` is read before it is initialised", FH_SPAN_FMT(p->name));
    deed_note(f->report, root->place, "declared here");
    deed_help(f->report, "declare it with a value, before any jump: `%.*s = %s`", FH_SPAN_FMT(root->name),
              kind == DEED_TYPE_POINTER                               ? "NULL"
              : kind == DEED_TYPE_ARRAY || kind == DEED_TYPE_RECORD ? "{0}"
                                                                      : "0");
    deed_written(f, deed_place_outer(f, part)); /* once is enough */
}

void deed_check_led(deed_flow *f, uint32_t node, uint32_t place) {
    for (uint32_t i = place; i != 0; i = f->places[i].parent) {
        if (deed_place_hops(f, i))
            deed_check_written(f, node, f->places[i].parent);
    }
}
