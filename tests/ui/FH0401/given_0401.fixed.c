/* given_0401.fixed.c: accepted, the corrected twin of given_0401.c. */
#include "../ui.h"

void f(fh_move tensor *t) {
    thread_give(t);
}
