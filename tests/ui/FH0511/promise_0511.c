/* promise_0511.c: deed refuses it as FH0511, a count that nobody measured. */
#include "../ui.h"

fh_static fh_or_null fh_counted(1) const char *letters(unsigned long n) { //~ FH0511
    static const char all[4] = {0};
    return n < 4 ? &all[n] : NULL;
}
