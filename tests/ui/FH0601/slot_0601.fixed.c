/* slot_0601.fixed.c: accepted, the corrected twin of slot_0601.c. */
#include "../ui.h"

void clear_it(fh_mut tensor **at);

void f(fh_mut tensor **at) {
    clear_it(at);
}
