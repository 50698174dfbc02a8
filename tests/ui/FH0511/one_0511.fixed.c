/* one_0511.fixed.c: accepted, the corrected twin of one_0511.c. */
#include "../ui.h"

void save(fh_ref fh_counted(2, 3) const void *at, unsigned long count, unsigned long size);

void f(void) {
    char letter = 'a';
    save(&letter, 1, sizeof letter);
}
