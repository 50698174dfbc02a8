/* local_0401.fixed.c: accepted, the corrected twin of local_0401.c. */
#include "../ui.h"

void run(void *ctx);
void f(void) {
    static int n;
    thread_start(run, &n);
}
