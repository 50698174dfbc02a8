/* message.c: the frame of messages, and what the server reads out of their JSON.
 *
 * A request is read in one walk over its tokens. Where a value stands is kept as a path such as "params.position.line"; lists
 * add nothing to it, so the last change of contentChanges wins. Threading: pure functions. */
#include "check/message.h"

#include "freehold/json.h"

/* --- frames --------------------------------------------------------------------------------------------------------------- */

static uint8_t lower(uint8_t c) {
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

/* Whether the line is the field `name`; *value: what stands behind the colon, without spaces around it. */
static bool field_is(fh_span line, fh_span name, fh_out fh_view(1) fh_span *value) {
    *value = (fh_span){NULL, 0};
    if (line.size <= name.size || fh_span_at(line, name.size) != ':')
        return false;
    for (size_t i = 0; i < name.size; i++) {
        if (lower(fh_span_at(line, i)) != fh_span_at(name, i))
            return false;
    }
    fh_span rest = fh_span_from(line, name.size + 1);
    while (rest.size > 0 && fh_span_at(rest, 0) == ' ')
        rest = fh_span_from(rest, 1);
    while (rest.size > 0 && fh_span_at(rest, rest.size - 1) == ' ')
        rest = fh_span_sub(rest, 0, rest.size - 1);
    *value = rest;
    return true;
}

/* A size of digits alone. */
static fh_status read_size(fh_span text, size_t *out, fh_err *err) {
    uint64_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = fh_span_at(text, i);
        if (c < '0' || c > '9')
            return fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "Content-Length is no number");
        size = size * 10 + (uint64_t)(c - '0');
        if (size > DEED_BODY_MAX)
            return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "a message of more than %d bytes", DEED_BODY_MAX);
    }
    *out = (size_t)size;
    return text.size != 0 ? FH_DONE : fh_fail(err, FH_CORRUPT, FH_NO_OFFSET, "Content-Length is empty");
}

static fh_status read_head(fh_span head, size_t *size, fh_err *err) {
    bool found = false;
    for (size_t at = 0; at < head.size;) {
        size_t end = fh_span_find(head, FH_LIT("\r\n"), at);
        end = end == SIZE_MAX ? head.size : end;
        fh_span line = fh_span_sub(head, at, end - at), value;
        if (field_is(line, FH_LIT("content-length"), &value)) {
            if (found)
                return fh_fail(err, FH_CORRUPT, at, "Content-Length is said twice");
            FH_TRY(read_size(value, size, err));
            found = true;
        } else if (!field_is(line, FH_LIT("content-type"), &value)) {
            return fh_fail(err, FH_CORRUPT, at, "the head of a message has a line that is no field of one");
        }
        at = end + 2;
    }
    return found ? FH_DONE : fh_fail(err, FH_CORRUPT, 0, "the head of a message says no Content-Length");
}

fh_status deed_message_next(fh_span bytes, fh_span *body, size_t *used, fh_err *err) {
    *body = (fh_span){NULL, 0};
    *used = 0;
    fh_span seen = fh_span_sub(bytes, 0, bytes.size > DEED_HEAD_MAX ? DEED_HEAD_MAX : bytes.size);
    size_t end = fh_span_find(seen, FH_LIT("\r\n\r\n"), 0), size = 0;
    if (end == SIZE_MAX && bytes.size >= DEED_HEAD_MAX)
        return fh_fail(err, FH_CORRUPT, 0, "the head of a message has more than %d bytes", DEED_HEAD_MAX);
    if (end == SIZE_MAX)
        return FH_STATUS(FH_AGAIN);
    FH_TRY(read_head(fh_span_sub(seen, 0, end), &size, err));
    if (bytes.size - end - 4 < size)
        return FH_STATUS(FH_AGAIN);
    *body = fh_span_sub(bytes, end + 4, size);
    *used = end + 4 + size;
    return FH_DONE;
}

fh_status deed_message_put(fh_span body, fh_buf *out) {
    FH_TRY(fh_buf_format(out, "Content-Length: %zu\r\n\r\n", body.size));
    return fh_buf_put(out, body);
}

/* --- requests ------------------------------------------------------------------------------------------------------------- */

enum { NAMES_MAX = 8 };

/* Where the walk is: the keys that lead there. Levels beyond NAMES_MAX are counted, and lead nowhere that matters. */
typedef struct walk {
    fh_json json;
    fh_span names[NAMES_MAX];
    bool is_object[FH_JSON_DEPTH_MAX + 1];
    size_t depth, named;
} walk;

/* Whether the keys so far are those of the path. */
static bool is_at(const walk *w, const char *path) {
    fh_span rest = fh_span_of_str(path);
    for (size_t i = 0; i < w->named; i++) {
        fh_span name = i < NAMES_MAX ? w->names[i] : (fh_span){NULL, 0};
        if (i > 0 && !fh_span_starts(rest, FH_LIT(".")))
            return false;
        rest = i > 0 ? fh_span_from(rest, 1) : rest;
        if (name.size == 0 || !fh_span_starts(rest, name))
            return false;
        rest = fh_span_from(rest, name.size);
    }
    return rest.size == 0;
}

static fh_status text_of(fh_ref fh_arena *arena, fh_json_token t, fh_out fh_view(1) fh_span *out, fh_err *err) {
    if (t.kind == FH_JSON_NULL) {
        *out = (fh_span){NULL, 0};
        return FH_DONE;
    }
    if (t.kind != FH_JSON_STRING)
        return fh_fail(err, FH_INVALID, t.offset_bytes, "expected a text");
    fh_buf text;
    fh_buf_init(&text, fh_heap(), 0);
    fh_status s = fh_json_text(t, &text, err);
    if (!fh_failed(s))
        s = fh_arena_copy(arena, fh_buf_view(&text), out);
    fh_buf_deinit(&text);
    return s;
}

static fh_status number_of(fh_json_token t, int64_t *out, fh_err *err) {
    if (t.kind != FH_JSON_NUMBER || fh_failed(fh_json_i64(t, out, NULL)))
        return fh_fail(err, FH_INVALID, t.offset_bytes, "expected a whole number");
    return FH_DONE;
}

static fh_status id_of(fh_json_token t, fh_out fh_view(1) fh_json_token *out, fh_err *err) {
    if (t.kind != FH_JSON_STRING && t.kind != FH_JSON_NUMBER)
        return fh_fail(err, FH_INVALID, t.offset_bytes, "an id is a text or a number");
    *out = t;
    return FH_DONE;
}

/* A value that is no list and no object. */
static fh_status read_scalar(fh_ref fh_arena *arena, const walk *w, fh_json_token t, fh_mut fh_view(1) deed_request *r,
                             fh_err *err) {
    if (is_at(w, "method"))
        return text_of(arena, t, &r->method, err);
    if (is_at(w, "params.textDocument.uri"))
        return text_of(arena, t, &r->uri, err);
    if (is_at(w, "params.textDocument.version") && t.kind != FH_JSON_NULL)
        return number_of(t, &r->version, err);
    if (is_at(w, "params.position.line") || is_at(w, "params.range.start.line"))
        return number_of(t, &r->line, err);
    if (is_at(w, "params.position.character") || is_at(w, "params.range.start.character"))
        return number_of(t, &r->character, err);
    if (is_at(w, "params.range.end.line"))
        return number_of(t, &r->end_line, err);
    if (is_at(w, "params.range.end.character"))
        return number_of(t, &r->end_character, err);
    if (is_at(w, "params.textDocument.text") || is_at(w, "params.contentChanges.text")) {
        r->has_text = true;
        return text_of(arena, t, &r->text, err);
    }
    return FH_DONE;
}

static void enter(walk *w, bool object) {
    w->is_object[++w->depth] = object;
}

/* A value is over: its key leads nowhere any more. */
static void end_value(walk *w) {
    if (w->depth > 0 && w->is_object[w->depth])
        w->named--;
}

static fh_status read_token(fh_ref fh_arena *arena, fh_mut fh_view(3) walk *w, fh_json_token t,
                            fh_mut fh_view(1) deed_request *r, fh_mut fh_view(3) fh_json_token *id, fh_err *err) {
    switch (t.kind) {
    case FH_JSON_KEY:
        if (w->named < NAMES_MAX)
            w->names[w->named] = t.escaped ? (fh_span){NULL, 0} : t.raw;
        w->named++;
        return FH_DONE;
    case FH_JSON_OBJECT:
    case FH_JSON_ARRAY:
        if (w->depth == 1 && is_at(w, "id"))
            return id_of(t, id, err);
        r->has_range = r->has_range || is_at(w, "params.contentChanges.range");
        enter(w, t.kind == FH_JSON_OBJECT);
        return FH_DONE;
    case FH_JSON_OBJECT_END:
    case FH_JSON_ARRAY_END:
        w->depth--;
        end_value(w);
        return FH_DONE;
    case FH_JSON_STRING:
    case FH_JSON_NUMBER:
    case FH_JSON_TRUE:
    case FH_JSON_FALSE:
    case FH_JSON_NULL: {
        fh_status s = w->depth == 1 && is_at(w, "id") ? id_of(t, id, err) : read_scalar(arena, w, t, r, err);
        end_value(w);
        return s;
    }
    case FH_JSON_END:
        return FH_DONE;
    }
    return FH_DONE;
}

static fh_status read_tokens(fh_ref fh_arena *arena, walk *w, fh_mut fh_view(1) deed_request *r,
                             fh_mut fh_view(*2) fh_json_token *id, fh_err *err) {
    fh_json_token t;
    FH_TRY(fh_json_next(&w->json, &t, err));
    if (t.kind != FH_JSON_OBJECT)
        return fh_fail(err, FH_CORRUPT, t.offset_bytes, "a message is no object");
    enter(w, true);
    while (t.kind != FH_JSON_END) {
        FH_TRY(fh_json_next(&w->json, &t, err));
        FH_TRY(read_token(arena, w, t, r, id, err));
    }
    return FH_DONE;
}

fh_status deed_request_parse(fh_arena *arena, fh_span body, deed_request *out, fh_err *err) {
    walk w = {.depth = 0};
    *out = (deed_request){.version = 0};
    fh_json_init(&w.json, body);
    fh_json_token id = {.kind = FH_JSON_END};
    fh_status s = read_tokens(arena, &w, out, &id, err);
    if (id.kind == FH_JSON_NUMBER) /* a refusal names it too */
        FH_TRY(fh_arena_copy(arena, id.raw, &out->id));
    if (id.kind == FH_JSON_STRING)
        FH_TRY(fh_arena_copy(arena, fh_span_sub(body, id.offset_bytes, id.raw.size + 2), &out->id));
    return s;
}
