/* pcre.c: PCRE2 for the expressions that nobody wrote a scanner for.
 *
 * Options: UTF and UCP (classes by Unicode), MULTILINE, because the reference's engine has ^ and $ at lines; no just-in-time
 * compiler, no callouts, no \C. Every text is checked by the caller, so PCRE2 does not check again. Limits: pattern size,
 * nesting, steps and memory of a search. Memory that it asks for comes zeroed from our allocator (pcre-memory), so nothing in
 * it is ever uninitialised. Threading: a compiled expression is read only; a room belongs to one thread. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "text/kern/pcre.h"

struct fh_pcre {
    fh_ref fh_allocator *allocator;
    pcre2_general_context *general;
    pcre2_code *code;
    pcre2_match_context *limits;
};

struct fh_pcre_room {
    fh_ref fh_allocator *allocator;
    pcre2_general_context *general;
    pcre2_match_data *data;
};

static void *get_memory(size_t size, void *arg) {
    FH_UNSAFE("pcre-memory");
    return fh_alloc(arg, 1, size);
}

static void end_memory(void *p, void *arg) {
    FH_UNSAFE("pcre-memory");
    fh_free(arg, p);
}

/* PCRE2 takes no NULL, not even for an empty text. */
static PCRE2_SPTR bytes_of(fh_span text) {
    FH_UNSAFE("pcre-memory");
    return text.size != 0 ? text.at : (PCRE2_SPTR) "";
}

static fh_status refuse(fh_err *err, int code, size_t at) {
    if (code == PCRE2_ERROR_HEAP_FAILED || code == PCRE2_ERROR_NOMEMORY)
        return FH_STATUS(FH_NOMEM);
    FH_UNSAFE("pcre-memory");
    PCRE2_UCHAR text[160] = {0};
    if (pcre2_get_error_message(code, text, sizeof text) < 0)
        text[0] = 0;
    bool limit = code == 119 || code == 120 || code == 186 || code == 188; /* nesting, size, complexity, length */
    return fh_fail(err, limit ? FH_LIMIT : FH_INVALID, at, "regular expression, byte %zu: %s", at, (const char *)text);
}

static fh_status compile(fh_pcre *re, fh_span pattern, fh_err *err) {
    FH_UNSAFE("pcre-memory");
    re->general = pcre2_general_context_create(get_memory, end_memory, re->allocator);
    if (re->general == NULL)
        return FH_STATUS(FH_NOMEM);
    re->limits = pcre2_match_context_create(re->general);
    pcre2_compile_context *compiling = pcre2_compile_context_create(re->general);
    if (re->limits == NULL || compiling == NULL) {
        pcre2_compile_context_free(compiling);
        return FH_STATUS(FH_NOMEM);
    }
    pcre2_set_match_limit(re->limits, FH_PCRE_STEPS_MAX);
    pcre2_set_heap_limit(re->limits, FH_PCRE_MEMORY_KIB);
    pcre2_set_parens_nest_limit(compiling, 100);
    int code = 0;
    PCRE2_SIZE at = 0;
    uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NO_UTF_CHECK | PCRE2_NEVER_BACKSLASH_C;
    re->code = pcre2_compile(bytes_of(pattern), pattern.size, options, &code, &at, compiling);
    pcre2_compile_context_free(compiling);
    return re->code != NULL ? FH_DONE : refuse(err, code, at);
}

fh_status fh_pcre_new(fh_ref fh_allocator *a, fh_span pattern, fh_owned fh_pcre **out, fh_mut fh_err *err) {
    *out = NULL;
    if (pattern.size > FH_PCRE_PATTERN_MAX)
        return fh_fail(err, FH_LIMIT, 0, "regular expression of %zu bytes, at most %d", pattern.size, FH_PCRE_PATTERN_MAX);
    fh_pcre *re = fh_alloc(a, 1, sizeof *re);
    if (re == NULL)
        return FH_STATUS(FH_NOMEM);
    re->allocator = a;
    fh_status s = compile(re, pattern, err);
    if (fh_failed(s)) {
        fh_pcre_free(re);
        return s;
    }
    *out = re;
    return FH_DONE;
}

void fh_pcre_free(fh_drop fh_pcre *re) {
    if (re == NULL)
        return;
    FH_UNSAFE("pcre-memory");
    pcre2_code_free(re->code);
    pcre2_match_context_free(re->limits);
    pcre2_general_context_free(re->general);
    fh_free(re->allocator, re);
}

fh_status fh_pcre_room_new(fh_ref fh_allocator *a, fh_owned fh_pcre_room **out) {
    *out = NULL;
    fh_pcre_room *room = fh_alloc(a, 1, sizeof *room);
    if (room == NULL)
        return FH_STATUS(FH_NOMEM);
    room->allocator = a;
    FH_UNSAFE("pcre-memory");
    room->general = pcre2_general_context_create(get_memory, end_memory, a);
    if (room->general != NULL)
        room->data = pcre2_match_data_create(1, room->general);
    if (room->data == NULL) {
        fh_pcre_room_free(room);
        return FH_STATUS(FH_NOMEM);
    }
    *out = room;
    return FH_DONE;
}

void fh_pcre_room_free(fh_drop fh_pcre_room *room) {
    if (room == NULL)
        return;
    FH_UNSAFE("pcre-memory");
    pcre2_match_data_free(room->data);
    pcre2_general_context_free(room->general);
    fh_free(room->allocator, room);
}

fh_status fh_pcre_find(fh_ref const fh_pcre *re, fh_mut fh_pcre_room *room, fh_span text, size_t from, fh_out size_t *begin,
                       fh_out size_t *end) {
    FH_ASSERT(from <= text.size);
    *begin = *end = from;
    FH_UNSAFE("pcre-memory");
    int rc = pcre2_match(re->code, bytes_of(text), text.size, from, PCRE2_NO_UTF_CHECK, room->data, re->limits);
    if (rc == PCRE2_ERROR_NOMATCH)
        return FH_STATUS(FH_END);
    if (rc == PCRE2_ERROR_NOMEMORY)
        return FH_STATUS(FH_NOMEM);
    if (rc < 0)
        return FH_STATUS(FH_LIMIT);
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(room->data);
    /* With \K in a lookbehind a match may begin behind its end, or before the place it was looked for: no match then. */
    if (at[0] > at[1] || at[0] < from || at[1] > text.size)
        return FH_STATUS(FH_LIMIT);
    *begin = at[0];
    *end = at[1];
    return FH_DONE;
}
