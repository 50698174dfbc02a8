#include "../ui.h"

void run(void *ctx);
void f(void) {
    int n = 3;
    thread_start(run, &n);
}
