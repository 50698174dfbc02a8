/* lsp_say.c: what the server sends: answers, errors and findings, with places and names as the protocol has them.
 *
 * Threading: the main thread. */
#include "check/lsp.h"
#include "check/outside.h"
#include "freehold/os.h"

/* --- what is sent --------------------------------------------------------------------------------------------------------- */

fh_status deed_lsp_send(deed_client *c, fh_span body) {
    fh_buf_truncate(&c->out, 0);
    FH_TRY(deed_message_put(body, &c->out));
    return fh_os_write(1, fh_buf_view(&c->out));
}

/* The head of an answer; the caller puts the result and `}` behind it. */
static fh_status begin_answer(fh_buf *body, fh_span id, const char *member) {
    FH_TRY(fh_buf_format(body, "{\"jsonrpc\":\"2.0\",\"id\":"));
    FH_TRY(fh_buf_put(body, id.size == 0 ? FH_LIT("null") : id));
    return fh_buf_format(body, ",\"%s\":", member);
}

static fh_status put_error(fh_buf *body, fh_span id, int code, const char *message) {
    FH_TRY(begin_answer(body, id, "error"));
    fh_json_writer w;
    fh_json_writer_init(&w, body, false);
    FH_TRY(fh_json_open(&w, true));
    FH_TRY(fh_json_key(&w, "code"));
    FH_TRY(fh_json_put_i64(&w, code));
    FH_TRY(fh_json_key(&w, "message"));
    FH_TRY(fh_json_put_text(&w, fh_span_of_str(message)));
    FH_TRY(fh_json_close(&w, true));
    return fh_buf_put(body, FH_LIT("}"));
}

fh_status deed_lsp_refuse(deed_client *c, fh_span id, int code, const char *message) {
    fh_buf body;
    fh_buf_init(&body, c->heap, 0);
    fh_status status = put_error(&body, id, code, message);
    if (!fh_failed(status))
        status = deed_lsp_send(c, fh_buf_view(&body));
    fh_buf_deinit(&body);
    return status;
}

fh_status deed_lsp_answer(deed_client *c, fh_span id, fh_span result) {
    fh_buf body;
    fh_buf_init(&body, c->heap, 0);
    fh_status status = begin_answer(&body, id, "result");
    if (!fh_failed(status))
        status = fh_buf_put(&body, result);
    if (!fh_failed(status))
        status = fh_buf_put(&body, FH_LIT("}"));
    if (!fh_failed(status))
        status = deed_lsp_send(c, fh_buf_view(&body));
    fh_buf_deinit(&body);
    return status;
}

/* --- places: the protocol counts lines and UTF-16 units from 0 ----------------------------------------------------------- */

static fh_status put_position(fh_json_writer *w, const deed_unit *unit, uint32_t file, size_t offset) {
    deed_place place = {file, (uint32_t)offset, (uint32_t)offset};
    size_t line = deed_spot_of(unit, place).line - 1, units = deed_units_before(unit, place);
    FH_TRY(fh_json_open(w, true));
    FH_TRY(fh_json_key(w, "line"));
    FH_TRY(fh_json_put_u64(w, line));
    FH_TRY(fh_json_key(w, "character"));
    FH_TRY(fh_json_put_u64(w, units));
    return fh_json_close(w, true);
}

fh_status deed_lsp_put_range(fh_json_writer *w, const deed_unit *unit, deed_place place) {
    size_t end = place.end_bytes > place.offset_bytes ? place.end_bytes : place.offset_bytes;
    FH_TRY(fh_json_key(w, "range"));
    FH_TRY(fh_json_open(w, true));
    FH_TRY(fh_json_key(w, "start"));
    FH_TRY(put_position(w, unit, place.file, place.offset_bytes));
    FH_TRY(fh_json_key(w, "end"));
    FH_TRY(put_position(w, unit, place.file, end));
    return fh_json_close(w, true);
}

size_t deed_lsp_offset(fh_span text, int64_t line, int64_t character) {
    size_t at = 0;
    for (int64_t i = 0; i < line; i++) {
        size_t end = fh_span_find(text, FH_LIT("\n"), at);
        if (end == SIZE_MAX)
            return text.size;
        at = end + 1;
    }
    size_t units = 0;
    while (at < text.size && fh_span_at(text, at) != '\n') {
        size_t more = deed_units_of(fh_span_at(text, at));
        if (more != 0 && units >= (size_t)(character < 0 ? 0 : character))
            break;
        units += more;
        at++;
    }
    return at;
}

/* --- names of files ------------------------------------------------------------------------------------------------------- */

static uint8_t hex_value(uint8_t c) {
    if (c >= '0' && c <= '9')
        return (uint8_t)(c - '0');
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? (uint8_t)(c - 'a' + 10) : 16;
}

const char *deed_lsp_path(fh_arena *arena, fh_span uri) {
    if (!fh_span_starts(uri, FH_LIT("file:///")))
        return NULL;
    fh_buf path;
    fh_buf_init(&path, fh_heap(), 0);
    bool good = true;
    for (size_t i = 7; i < uri.size && good; i++) {
        uint8_t c = fh_span_at(uri, i);
        if (c == '%') {
            uint8_t high = i + 2 < uri.size ? hex_value(fh_span_at(uri, i + 1)) : 16;
            uint8_t low = high < 16 ? hex_value(fh_span_at(uri, i + 2)) : 16;
            good = low < 16 && (high | low) != 0;
            c = (uint8_t)(high << 4 | low);
            i += 2;
        }
        good = good && c != 0 && !fh_failed(fh_buf_put_u8(&path, c));
    }
    const char *out = good ? deed_copy_text(arena, fh_buf_view(&path), (fh_span){NULL, 0}) : NULL;
    fh_buf_deinit(&path);
    return out;
}

/* The URI of a path; one that is not absolute begins in the current folder. */
static fh_status put_uri(deed_client *c, fh_json_writer *w, fh_span here, fh_span path) {
    fh_buf uri;
    fh_buf_init(&uri, c->heap, 0);
    fh_status status = fh_buf_put(&uri, FH_LIT("file://"));
    if (!fh_failed(status) && !fh_span_starts(path, FH_LIT("/")))
        status = deed_put_uri(&uri, here);
    if (!fh_failed(status))
        status = deed_put_uri(&uri, path);
    if (!fh_failed(status))
        status = fh_json_put_text(w, fh_buf_view(&uri));
    fh_buf_deinit(&uri);
    return status;
}

/* --- findings ------------------------------------------------------------------------------------------------------------- */

static bool is_own(const deed_document *d, deed_place place) {
    return place.file != 0 && fh_deed_files_at(d->checked->unit->files, place.file)->is_main;
}

/* Writes the explanation of a code into the cache; its path, or NULL when that cannot be. */
static fh_or_null fh_view(*1) const char *write_explanation(const deed_client *c, deed_code code) {
    const char *folder = c->cache == NULL ? NULL : deed_copy_text(c->arena, fh_span_of_str(c->cache), FH_LIT("/explain"));
    if (folder == NULL || fh_failed(deed_folder_make(folder, NULL)))
        return NULL;
    fh_buf name, head;
    fh_buf_init(&name, c->heap, 0);
    fh_buf_init(&head, c->heap, 0);
    bool good = !fh_failed(fh_buf_format(&name, "/%s.md", deed_code_name(code))) &&
                !fh_failed(fh_buf_format(&head, "# %s: %s\n\n", deed_code_name(code), deed_code_title(code)));
    const char *path = good ? deed_copy_text(c->arena, fh_span_of_str(folder), fh_buf_view(&name)) : NULL;
    if (path != NULL && fh_failed(deed_file_write(path, fh_buf_view(&head), fh_span_of_str(deed_code_explanation(code)))))
        path = NULL;
    fh_buf_deinit(&name);
    fh_buf_deinit(&head);
    return path;
}

/* The URI of the explanation of a code, if it could be written. */
static fh_status put_description(deed_client *c, fh_json_writer *w, deed_code code) {
    if (!c->looked[code])
        c->explained[code] = write_explanation(c, code);
    c->looked[code] = true;
    if (c->explained[code] == NULL)
        return FH_DONE;
    FH_TRY(fh_json_key(w, "codeDescription"));
    FH_TRY(fh_json_open(w, true));
    FH_TRY(fh_json_key(w, "href"));
    FH_TRY(put_uri(c, w, (fh_span){NULL, 0}, fh_span_of_str(c->explained[code])));
    return fh_json_close(w, true);
}

static fh_status put_note(deed_client *c, fh_json_writer *w, const deed_document *d, const deed_remark *n) {
    FH_TRY(fh_json_open(w, true));
    FH_TRY(fh_json_key(w, "location"));
    FH_TRY(fh_json_open(w, true));
    FH_TRY(fh_json_key(w, "uri"));
    if (is_own(d, n->place))
        FH_TRY(fh_json_put_text(w, fh_span_of_str(d->names->uri)));
    else
        FH_TRY(put_uri(c, w, d->setup->settings.here, fh_deed_files_at(d->checked->unit->files, n->place.file)->path));
    FH_TRY(deed_lsp_put_range(w, d->checked->unit, n->place));
    FH_TRY(fh_json_close(w, true));
    FH_TRY(fh_json_key(w, "message"));
    FH_TRY(fh_json_put_text(w, n->text));
    return fh_json_close(w, true);
}

static fh_status put_message(deed_client *c, fh_json_writer *w, const deed_finding *f) {
    fh_buf text;
    fh_buf_init(&text, c->heap, 0);
    fh_status status = deed_put_whole(f, &text);
    if (!fh_failed(status))
        status = fh_json_put_text(w, fh_buf_view(&text));
    fh_buf_deinit(&text);
    return status;
}

static fh_status put_finding(deed_client *c, fh_json_writer *w, const deed_document *d, const deed_finding *f) {
    enum { ERROR = 1 };
    FH_TRY(fh_json_open(w, true));
    FH_TRY(deed_lsp_put_range(w, d->checked->unit, f->place));
    FH_TRY(fh_json_key(w, "severity"));
    FH_TRY(fh_json_put_u64(w, ERROR));
    FH_TRY(fh_json_key(w, "code"));
    FH_TRY(fh_json_put_text(w, fh_span_of_str(deed_code_name(f->code))));
    FH_TRY(put_description(c, w, f->code));
    FH_TRY(fh_json_key(w, "source"));
    FH_TRY(fh_json_put_text(w, FH_LIT("deed")));
    FH_TRY(fh_json_key(w, "message"));
    FH_TRY(put_message(c, w, f));
    FH_TRY(fh_json_key(w, "relatedInformation"));
    FH_TRY(fh_json_open(w, false));
    for (const deed_remark *n = f->notes; n != NULL; n = n->next) {
        if (n->place.file != 0)
            FH_TRY(put_note(c, w, d, n));
    }
    FH_TRY(fh_json_close(w, false));
    return fh_json_close(w, true);
}

static fh_status put_findings(deed_client *c, fh_json_writer *w, const deed_document *d, bool closed) {
    FH_TRY(fh_json_open(w, true));
    FH_TRY(fh_json_key(w, "jsonrpc"));
    FH_TRY(fh_json_put_text(w, FH_LIT("2.0")));
    FH_TRY(fh_json_key(w, "method"));
    FH_TRY(fh_json_put_text(w, FH_LIT("textDocument/publishDiagnostics")));
    FH_TRY(fh_json_key(w, "params"));
    FH_TRY(fh_json_open(w, true));
    FH_TRY(fh_json_key(w, "uri"));
    FH_TRY(fh_json_put_text(w, fh_span_of_str(d->names->uri)));
    if (!closed) {
        FH_TRY(fh_json_key(w, "version"));
        FH_TRY(fh_json_put_i64(w, d->version));
    }
    FH_TRY(fh_json_key(w, "diagnostics"));
    FH_TRY(fh_json_open(w, false));
    const deed_finding *f = closed || d->checked == NULL ? NULL : deed_report_first(&d->checked->report);
    for (; f != NULL; f = f->next) {
        if (is_own(d, f->place))
            FH_TRY(put_finding(c, w, d, f));
    }
    FH_TRY(fh_json_close(w, false));
    FH_TRY(fh_json_close(w, true));
    return fh_json_close(w, true);
}

fh_status deed_lsp_publish(deed_client *c, const deed_document *d, bool closed) {
    fh_buf body;
    fh_json_writer w;
    fh_buf_init(&body, c->heap, 0);
    fh_json_writer_init(&w, &body, false);
    fh_status status = put_findings(c, &w, d, closed);
    if (!fh_failed(status))
        status = deed_lsp_send(c, fh_buf_view(&body));
    fh_buf_deinit(&body);
    return status;
}
