/* count_0512.c: deed refuses it as FH0512, an index that nothing bounds. */
#include "../ui.h"

struct list {
    int value[8];
    unsigned count;
};
void f(fh_mut struct list *l, int value) {
    l->value[l->count++] = value; //~ FH0512
}
