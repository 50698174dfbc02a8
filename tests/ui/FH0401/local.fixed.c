#include "../ui.h"

void run(void *ctx);
void f(void) {
    static int n;
    thread_start(run, &n);
}
