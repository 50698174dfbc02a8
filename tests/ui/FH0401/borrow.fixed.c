#include "../ui.h"

void f(fh_move tensor *t) {
    thread_give(t);
}
