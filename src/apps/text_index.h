/* text_index.h: `freehold index`: the two verbs it has, and what they share.
 *
 * Threading: the main thread. */
#ifndef FREEHOLD_APPS_TEXT_INDEX_H
#define FREEHOLD_APPS_TEXT_INDEX_H

#include "apps/loader.h"
#include "freehold/embedder.h"
#include "freehold/passages.h"

/* `args` is what follows `build` or `search`. */
FH_MUST_USE fh_status fh_index_build(fh_mut fh_app *app, fh_views args, fh_mut fh_err *err);
FH_MUST_USE fh_status fh_index_search(fh_mut fh_app *app, fh_views args, fh_mut fh_err *err);

/* Which model a file is: what a query has to have in common with the passages. The name looks into the file. */
fh_passages_origin fh_index_origin(fh_ref const fh_file *model) fh_view(1);

/* For fh_auto. */
void fh_end_embedder(fh_drop fh_embedder **e);
void fh_end_passages(fh_drop fh_passages **p);

#endif
