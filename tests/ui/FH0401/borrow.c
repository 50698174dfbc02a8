#include "../ui.h"

void f(fh_mut tensor *t) {
    thread_start(0, t);
}
