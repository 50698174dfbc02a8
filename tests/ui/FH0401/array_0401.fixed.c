/* array_0401.fixed.c: accepted, the corrected twin of array_0401.c. */
#include "../ui.h"

void run(fh_mut void *ctx);
void f(void) {
    static const int all[4] = {0};
    thread_start(run, (void *)0);
    int first = all[0];
    first++;
}
