/* callback_0204.c: deed refuses it as FH0204, a borrow is stored where it outlives the call. */
#include "../ui.h"

struct watcher {
    void (*call)(void *ctx);
    void *ctx;
};
void f(fh_mut struct watcher *w, void (*call)(void *ctx), fh_mut tensor *ctx) {
    w->call = call;
    w->ctx = ctx; //~ FH0204
}
