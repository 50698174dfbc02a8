/* texts.c: files, and the files in folders (texts.h).
 *
 * What is still to be looked at lies on a stack of paths. A folder's names go onto it in reverse order, so that the first is
 * looked at next: the same order as a walk that calls itself, without its depth. Threading: the main thread. */
#include "apps/texts.h"

#include "freehold/hash.h"
#include "freehold/os.h"
#include "freehold/utf8.h"
#include "llm/gguf_file.h"

const char *fh_passed_name(fh_passed reason) {
    switch (reason) {
    case FH_PASSED_HIDDEN: return "hidden";
    case FH_PASSED_EMPTY: return "empty";
    case FH_PASSED_LONG: return "too long";
    case FH_PASSED_BINARY: return "binary";
    case FH_PASSED_AGAIN: return "met before";
    case FH_PASSED_OTHER: return "no files";
    case FH_PASSED_UNREADABLE: return "unreadable";
    case FH_PASSED_DEEP: return "too deep";
    case FH_PASSED_COUNT: break;
    }
    return "unknown";
}

/* --- a list of paths ---------------------------------------------------------------------------------------------------- */

/* Paths with their NULs, and where each begins. */
typedef struct path_list {
    fh_owned fh_buf bytes;
    fh_owned fh_ids at;
} path_list;

static void list_init(fh_owned fh_view(2) path_list *l, fh_ref fh_allocator *heap) {
    fh_buf_init(&l->bytes, heap, UINT32_MAX);
    fh_ids_init(&l->at, heap, 0);
}

static void list_deinit(fh_drop path_list *l) {
    fh_buf_deinit(&l->bytes);
    fh_ids_deinit(&l->at);
}

/* Path i of a list: its bytes without the NUL. */
static fh_span path_of(fh_span bytes, fh_u32s at, size_t i) {
    size_t from = fh_u32s_get(at, i), to = i + 1 < at.count ? fh_u32s_get(at, i + 1) : bytes.size;
    return fh_span_sub(bytes, from, to - from - 1);
}

static fh_status put_path(fh_buf *bytes, fh_ids *at, fh_span path, fh_err *err) {
    size_t from = bytes->size;
    fh_status s = fh_buf_reserve(bytes, path.size + 1);
    if (!fh_failed(s))
        s = fh_ids_put(at, (uint32_t)from);
    if (!fh_failed(s))
        s = fh_buf_put(bytes, path);
    if (!fh_failed(s))
        s = fh_buf_put_u8(bytes, 0);
    return fh_failed(s) ? fh_fail(err, s.code, FH_NO_OFFSET, "the list of files: %s", fh_code_text(s.code)) : FH_DONE;
}

/* Takes the last path off. */
static bool take_last(fh_mut path_list *l, fh_out fh_path *out) {
    size_t count = l->at.count;
    *out = (fh_path){{0}};
    if (count == 0)
        return false;
    fh_u32s at = fh_ids_view(&l->at);
    size_t from = fh_u32s_get(at, count - 1);
    bool fits = fh_path_set(out, path_of(fh_buf_view(&l->bytes), at, count - 1), FH_LIT(""));
    FH_ASSERT(fits); /* it was one before */
    fh_buf_truncate(&l->bytes, from);
    l->at.count = count - 1;
    return true;
}

/* --- folders ------------------------------------------------------------------------------------------------------------ */

static bool name_less(const void *ctx, uint32_t a, uint32_t b) {
    const path_list *l = ctx;
    fh_span bytes = fh_buf_view(&l->bytes);
    fh_u32s at = fh_ids_view(&l->at);
    return fh_span_compare(path_of(bytes, at, a), path_of(bytes, at, b)) < 0;
}

static void close_folder(fh_drop fh_os_folder **f) {
    fh_os_folder_close(*f);
    *f = NULL;
}

/* The names in a folder that are not hidden. */
static fh_status read_names(fh_mut fh_texts *t, const fh_path *folder, fh_mut path_list *names, fh_err *err) {
    fh_auto(close_folder) fh_os_folder *f = NULL;
    FH_TRY(fh_os_folder_open(folder->text, &f, err));
    for (;;) {
        fh_span name;
        fh_status s = fh_os_folder_next(f, &name, err);
        if (s.code == FH_END)
            return FH_DONE;
        FH_TRY(s);
        if (fh_span_at(name, 0) == '.')
            t->passed[FH_PASSED_HIDDEN]++;
        else
            FH_TRY(put_path(&names->bytes, &names->at, name, err));
    }
}

/* Puts them onto the stack, the last one first. */
static fh_status put_names(fh_mut fh_texts *t, fh_mut path_list *stack, const path_list *names, const fh_path *folder,
                           fh_err *err) {
    fh_u32s order = {NULL, 0};
    fh_status s = fh_u32s_new(t->heap, names->at.count, &order);
    if (fh_failed(s))
        return fh_fail(err, s.code, FH_NO_OFFSET, "no memory for a folder of %zu names", names->at.count);
    fh_order_sort(order, name_less, names);
    fh_span whole = fh_span_of_str(folder->text);
    bool slash = fh_span_at(whole, whole.size - 1) == '/';
    fh_path inside = {{0}};
    bool fits = fh_path_set(&inside, whole, slash ? FH_LIT("") : FH_LIT("/"));
    for (size_t i = order.count; i > 0 && !fh_failed(s); i--) {
        fh_path path = {{0}};
        fh_span name = path_of(fh_buf_view(&names->bytes), fh_ids_view(&names->at), fh_u32s_get(order, i - 1));
        if (fits && fh_path_set(&path, fh_span_of_str(inside.text), name))
            s = put_path(&stack->bytes, &stack->at, fh_span_of_str(path.text), err);
        else
            t->passed[FH_PASSED_DEEP]++;
    }
    fh_u32s_free(t->heap, &order);
    return s;
}

static fh_status open_folder(fh_mut fh_texts *t, fh_mut path_list *stack, const fh_path *folder, bool named, fh_err *err) {
    fh_auto(list_deinit) path_list names;
    fh_err why;
    fh_err_clear(&why);
    list_init(&names, t->heap);
    fh_status s = read_names(t, folder, &names, &why);
    if (s.code == FH_IO && !named) {
        t->passed[FH_PASSED_UNREADABLE]++;
        return FH_DONE;
    }
    if (fh_failed(s))
        return fh_fail(err, s.code, FH_NO_OFFSET, "%s", why.message);
    return put_names(t, stack, &names, folder, err);
}

/* --- files -------------------------------------------------------------------------------------------------------------- */

/* True if it is met for the first time. */
static fh_status meet(fh_mut fh_texts *t, const fh_os_thing *thing, fh_out bool *first, fh_err *err) {
    *first = false;
    if (fh_failed(fh_idmap_reserve(&t->met, t->met.count + 1)))
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "no memory for a list of %zu files", t->met.count);
    *first = fh_idmap_add(&t->met, fh_mix64(thing->number + fh_mix64(thing->device)), 0);
    return FH_DONE;
}

static fh_status look(fh_mut fh_texts *t, fh_mut path_list *stack, const fh_path *path, bool named, uint64_t bytes_max,
                      fh_err *err) {
    fh_os_thing thing;
    bool first = false;
    fh_status s = fh_os_look(path->text, &thing, named ? err : NULL);
    if (s.code == FH_IO && !named) {
        t->passed[FH_PASSED_UNREADABLE]++;
        return FH_DONE;
    }
    FH_TRY(s);
    FH_TRY(meet(t, &thing, &first, err));
    if (!first) {
        t->passed[FH_PASSED_AGAIN]++;
    } else if (thing.kind == FH_OS_FOLDER) {
        return open_folder(t, stack, path, named, err);
    } else if (thing.kind == FH_OS_OTHER) {
        t->passed[FH_PASSED_OTHER]++;
    } else if (thing.size_bytes == 0) {
        t->passed[FH_PASSED_EMPTY]++;
    } else if (thing.size_bytes > bytes_max) {
        t->passed[FH_PASSED_LONG]++;
    } else {
        t->bytes += thing.size_bytes;
        return put_path(&t->paths, &t->at, fh_span_of_str(path->text), err);
    }
    return FH_DONE;
}

static fh_status find(fh_mut fh_texts *t, fh_mut path_list *stack, fh_views names, uint64_t bytes_max, fh_err *err) {
    for (size_t i = 0; i < names.count; i++) {
        fh_path path;
        if (!fh_path_set(&path, fh_views_get(names, i), FH_LIT("")) || path.text[0] == 0)
            return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "found a path of %zu bytes, expected 1 to %d",
                           fh_views_get(names, i).size, FH_PATH_MAX - 1);
        FH_TRY(look(t, stack, &path, true, bytes_max, err));
        while (take_last(stack, &path)) {
            FH_TRY(look(t, stack, &path, false, bytes_max, err));
            if (fh_os_interrupts() != 0)
                return fh_fail(err, FH_CANCELED, FH_NO_OFFSET, "interrupted while looking for files");
        }
    }
    return FH_DONE;
}

/* --- the list ----------------------------------------------------------------------------------------------------------- */

void fh_texts_init(fh_texts *t, fh_allocator *heap) {
    *t = (fh_texts){.heap = heap, .met = {.allocator = heap}};
    fh_buf_init(&t->paths, heap, UINT32_MAX);
    fh_ids_init(&t->at, heap, 0);
}

void fh_texts_deinit(fh_texts *t) {
    fh_buf_deinit(&t->paths);
    fh_ids_deinit(&t->at);
    fh_idmap_deinit(&t->met);
}

fh_status fh_texts_find(fh_texts *t, fh_views names, uint64_t bytes_max, fh_err *err) {
    fh_auto(list_deinit) path_list stack;
    list_init(&stack, t->heap);
    return find(t, &stack, names, bytes_max, err);
}

size_t fh_texts_count(const fh_texts *t) {
    return t->at.count;
}

fh_span fh_texts_at(const fh_texts *t, size_t i) {
    return path_of(fh_buf_view(&t->paths), fh_ids_view(&t->at), i);
}

bool fh_texts_is_text(fh_span bytes) {
    return fh_span_find(bytes, FH_LIT("\0"), 0) == SIZE_MAX && fh_utf8_valid(bytes);
}
