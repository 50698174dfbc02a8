/* parameter_0601.c: deed refuses it as FH0601, a pointer in a declaration without a contract. */
#include "../ui.h"

void rename_it(tensor *t, int name); //~ FH0601

void f(fh_mut tensor *t) {
    rename_it(t, 3);
}
