/* text_index.c: `freehold index`: finds its verb, and holds what the two share. Threading: the main thread. */
#include "apps/text_index.h"

#include "freehold/hash.h"

fh_passages_origin fh_index_origin(const fh_file *model) {
    return (fh_passages_origin){.model_hash = fh_hash_bytes(0, model->map.bytes), .model_bytes = model->map.bytes.size,
                                .model_name = fh_span_of_str(model->row.name.text)};
}

void fh_end_embedder(fh_embedder **e) {
    fh_embedder_free(*e);
    *e = NULL;
}

void fh_end_passages(fh_passages **p) {
    fh_passages_free(*p);
    *p = NULL;
}

static void put_help(fh_term *t) {
    const char *bold = fh_term_style(t, FH_BOLD), *plain = fh_term_style(t, FH_PLAIN), *cyan = fh_term_style(t, FH_CYAN);
    FH_SAY(t, "%sfreehold index%s: find passages of text files by what they say\n", bold, plain);
    FH_SAY(t, "\n%sExamples%s\n", bold, plain);
    FH_SAY(t, "  freehold index build notes/                        every text file in the folder, to index.fhx\n"
              "  freehold index search index.fhx \"a brave dog\"      the ten passages that are nearest\n");
    FH_SAY(t, "\n%sOptions%s\n", bold, plain);
    FH_SAY(t, "  %sbuild --help%s   how an index is made\n", cyan, plain);
    FH_SAY(t, "  %ssearch --help%s  how it is asked\n", cyan, plain);
    FH_SAY(t, "  %s-h, --help%s     this text\n", cyan, plain);
}

fh_status fh_verb_index(fh_app *app, fh_views args, fh_err *err) {
    fh_span first = args.count != 0 ? fh_views_get(args, 0) : FH_LIT("");
    fh_views rest = args.count != 0 ? fh_views_sub(args, 1, args.count - 1) : args;
    if (fh_span_is(first, "build"))
        return fh_index_build(app, rest, err);
    if (fh_span_is(first, "search"))
        return fh_index_search(app, rest, err);
    for (size_t i = 0; i < args.count; i++)
        if (fh_span_is(fh_views_get(args, i), "--help") || fh_span_is(fh_views_get(args, i), "-h")) {
            put_help(&app->out);
            return FH_DONE;
        }
    return FH_REFUSE_USAGE(app, err, "found '%.*s', expected build or search", FH_SPAN_FMT(first));
}
