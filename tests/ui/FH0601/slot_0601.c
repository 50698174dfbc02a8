/* slot_0601.c: deed refuses it as FH0601, a pointer in a declaration without a contract. */
#include "../ui.h"

void clear_it(tensor **at); //~ FH0601

void f(fh_mut tensor **at) {
    clear_it(at);
}
