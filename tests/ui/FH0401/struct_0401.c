/* struct_0401.c: deed refuses it as FH0401, a borrow crosses to another thread. */
#include "../ui.h"

struct work {
    const tensor *input;
    int n;
};
void run(fh_mut void *ctx);
void f(fh_ref const tensor *t) {
    struct work w = {.input = t, .n = 3};
    thread_start(run, &w); //~ FH0401
}
