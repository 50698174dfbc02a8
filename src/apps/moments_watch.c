/* moments_watch.c: taking down the memory of a run, moment by moment.
 *
 * Everything lies in one buffer, so that a report can leave out that one block and shows what the run would have without it:
 *
 *     { "moments": [  peak  ,  marked  ,  marked  ]}          the end is appended to a file only
 *
 * The peak is the largest of the looks, not of all times between: looks are where a run's memory changes (after loading, after
 * each step of the prompt, after each token).
 *
 * Threading: the main thread. */
#include "apps/moments.h"

#include "freehold/json.h"
#include "freehold/os.h"

fh_status fh_watch_begin(fh_watch *w, fh_allocator *heap, const fh_path *path, uint64_t every_ns) {
    fh_buf text;
    fh_buf_init(&text, heap, 0);
    fh_status s = path->text[0] != 0 ? fh_buf_format(&text, "{\"freehold_memory_report\": 1, \"moments\": [") : FH_DONE;
    if (fh_failed(s)) {
        fh_buf_deinit(&text);
        return s;
    }
    *w = (fh_watch){.path = *path, .every_ns = every_ns, .peak_at = text.size, .text = text};
    return FH_DONE;
}

static fh_status put_moment(fh_watch *w, const char *moment, const char *doing) {
    FH_TRY(fh_buf_format(&w->text, "%s\n{\"moment\": \"%s\", ", w->text.size == w->peak_at ? "" : ",", moment));
    if (doing != NULL)
        FH_TRY(fh_buf_format(&w->text, "\"doing\": \"%s\", ", doing));
    FH_TRY(fh_buf_format(&w->text, "\"memory\": "));
    FH_TRY(fh_memory_report(FH_REPORT_JSON, &w->text));
    return fh_buf_put_u8(&w->text, '}');
}

static fh_status write_file(fh_watch *w, fh_err *err) {
    fh_os_writer *file = NULL;
    FH_TRY(fh_os_writer_open(w->path.text, &file, err));
    fh_status s = fh_os_writer_put(file, fh_buf_view(&w->text), err);
    if (!fh_failed(s))
        s = fh_os_writer_put(file, FH_LIT("\n]}\n"), err);
    if (!fh_failed(s))
        s = fh_os_writer_commit(&file, err);
    fh_os_writer_close(file);
    return s;
}

fh_status fh_watch_write(fh_watch *w, fh_err *err) {
    if (w->path.text[0] == 0)
        return FH_DONE;
    fh_status s = write_file(w, err);
    w->failed = fh_failed(s);
    return s;
}

fh_status fh_watch_look(fh_watch *w, const char *doing, fh_err *err) {
    if (w->path.text[0] == 0)
        return FH_DONE;
    uint64_t own = fh_memory_on_heap(w->text.allocator, w->text.capacity + 1);
    uint64_t now = fh_os_clock_ns(), committed = fh_memory_committed() - own;
    if (committed > w->peak_bytes) {
        w->peak_bytes = committed;
        fh_buf_truncate(&w->text, w->peak_at);
        FH_TRY(put_moment(w, "peak", doing));
    }
    if (w->written_ns != 0 && (w->every_ns == 0 || now - w->written_ns < w->every_ns))
        return FH_DONE;
    w->written_ns = now;
    size_t end = w->text.size;
    FH_TRY(put_moment(w, "now", doing));
    FH_TRY(fh_watch_write(w, err));
    fh_buf_truncate(&w->text, end);
    return FH_DONE;
}

fh_status fh_watch_mark(fh_watch *w, const char *moment) {
    return w->path.text[0] == 0 ? FH_DONE : put_moment(w, moment, NULL);
}

void fh_watch_end(fh_watch *w) {
    fh_buf_deinit(&w->text);
}

/* --- what was read, written again ----------------------------------------------------------------------------------- */

fh_status fh_moments_put(const fh_moments *all, fh_buf *out) {
    FH_TRY(fh_buf_format(out, "{\"freehold_memory_report\": 1, \"moments\": ["));
    for (size_t i = 0; i < all->count; i++) {
        fh_json_writer w;
        FH_TRY(fh_buf_put(out, i == 0 ? FH_LIT("\n") : FH_LIT(",\n")));
        fh_json_writer_init(&w, out, false);
        FH_TRY(fh_json_open(&w, true));
        FH_TRY(fh_json_key(&w, "moment"));
        FH_TRY(fh_json_put_text(&w, fh_span_of_str(all->at[i].name.text)));
        FH_TRY(fh_json_key(&w, "doing"));
        FH_TRY(fh_json_put_text(&w, fh_span_of_str(all->at[i].doing.text)));
        FH_TRY(fh_json_key(&w, "memory"));
        FH_TRY(fh_memory_format(&all->at[i].memory, FH_REPORT_JSON, out));
        FH_TRY(fh_buf_put_u8(out, '}'));
    }
    return fh_buf_put(out, FH_LIT("\n]}\n"));
}
