/* one_0511.c: deed refuses it as FH0511, a count that nobody measured. */
#include "../ui.h"

void save(fh_ref fh_counted(2, 3) const void *at, unsigned long count, unsigned long size);

void f(void) {
    char letter = 'a';
    save(&letter, 1, sizeof(int)); //~ FH0511
}
