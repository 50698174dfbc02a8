/* link.c: life of a link (link.h). Threading: link.h. */
#include "sock/link.h"

/* Nobody has it any more. */
static void end(fh_move fh_link *l) {
    fh_allocator *a = l->allocator;
    FH_ASSERT(l->next == NULL);
    fh_lane_deinit(&l->there, a);
    fh_lane_deinit(&l->back, a);
    fh_bytes_drop(&l->connected.identity);
    fh_bytes_drop(&l->bound.identity);
    fh_bytes_drop(&l->name);
    fh_free(a, l);
}

bool fh_link_conflates(fh_zmtp_socket type) {
    return type == FH_ZMTP_PUSH || type == FH_ZMTP_PULL || type == FH_ZMTP_PUB || type == FH_ZMTP_SUB || type == FH_ZMTP_DEALER;
}

fh_status fh_link_new(fh_allocator *a, fh_link_marks marks, fh_span name, fh_link **out) {
    *out = NULL;
    fh_link *l = fh_alloc(a, 1, sizeof *l);
    if (l == NULL)
        return FH_STATUS(FH_NOMEM);
    l->allocator = a;
    fh_handles_init(&l->handles);
    fh_status s = fh_bytes_copy(a, name, &l->name);
    if (!fh_failed(s))
        s = fh_lane_init(&l->there, a, marks.there);
    if (!fh_failed(s))
        s = fh_lane_init(&l->back, a, marks.back);
    if (fh_failed(s)) {
        end(l);
        return s;
    }
    *out = l;
    return FH_DONE;
}

fh_link *fh_link_share(fh_link *l) {
    return fh_handles_share(&l->handles, l);
}

void fh_link_free(fh_link *l) {
    if (l == NULL)
        return;
    if (fh_handles_end(&l->handles))
        end(l);
    else
        fh_handles_forget(l);
}
