/* list.h: a growing list of values, for a span type of FH_SPAN_DEFINE and FH_ARRAY_DEFINE.
 *
 *     FH_LIST_DEFINE(run);                       fh_run_list with _init, _deinit, _put
 *
 * The elements are items.at[0 … count), reached by fh_runs_at(l.items, i). Threading: one thread at a time. */
#ifndef FH_TEXT_PIPE_LIST_H
#define FH_TEXT_PIPE_LIST_H

#include "freehold/alloc.h"

#define FH_LIST_DEFINE(name)                                                                                       \
    typedef struct fh_##name##_list {                                                                              \
        fh_ref fh_allocator *allocator;                                                                            \
        fh_owned fh_##name##s items;                                                                               \
        size_t count;                                                                                              \
    } fh_##name##_list;                                                                                            \
    FH_UNUSED static inline void fh_##name##_list_init(fh_owned fh_view(2) fh_##name##_list *l,                    \
                                                       fh_ref fh_allocator *a) {                                   \
        *l = (fh_##name##_list){.allocator = a};                                                                   \
    }                                                                                                              \
    FH_UNUSED static inline void fh_##name##_list_deinit(fh_drop fh_##name##_list *l) {                            \
        fh_##name##s_free(l->allocator, &l->items);                                                                \
        l->count = 0;                                                                                              \
    }                                                                                                              \
    FH_UNUSED FH_MUST_USE static inline fh_status fh_##name##_list_put(fh_mut fh_##name##_list *l, fh_##name v) {  \
        if (l->count == l->items.count) {                                                                          \
            fh_##name##s larger;                                                                                   \
            FH_TRY(fh_##name##s_new(l->allocator, l->count < 8 ? 16 : 2 * l->count, &larger));                     \
            for (size_t i = 0; i < l->count; i++)                                                                  \
                fh_##name##s_set(larger, i, fh_##name##s_get(l->items, i));                                        \
            fh_##name##s_free(l->allocator, &l->items);                                                            \
            l->items = larger;                                                                                     \
        }                                                                                                          \
        fh_##name##s_set(l->items, l->count++, v);                                                                 \
        return FH_DONE;                                                                                            \
    }                                                                                                              \
    struct fh_##name##_list

#endif
