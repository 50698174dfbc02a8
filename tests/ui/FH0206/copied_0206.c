/* copied_0206.c: deed refuses it as FH0206, changed or dropped while a view of it is in use. */
#include "../ui.h"

typedef struct names {
    fh_owned const char *first;
} names;
typedef struct table {
    names all;
} table;
void table_change(fh_mut table *t);

void f(fh_mut table *t) {
    const names *n = &t->all;
    names copy = *n;
    table_change(t);
    look(copy.first); //~ FH0206
}
