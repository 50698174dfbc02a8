/* callback_0204.fixed.c: accepted, the corrected twin of callback_0204.c. */
#include "../ui.h"

struct watcher {
    void (*call)(void *ctx);
    void *ctx;
};
void f(fh_mut fh_view(3) struct watcher *w, void (*call)(void *ctx), fh_mut tensor *ctx) {
    w->call = call;
    w->ctx = ctx;
}
