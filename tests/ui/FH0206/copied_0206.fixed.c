/* copied_0206.fixed.c: accepted, the corrected twin of copied_0206.c. */
#include "../ui.h"

typedef struct names {
    const char *first;
} names;
typedef struct table {
    names all;
} table;
void table_change(fh_mut table *t);

void f(fh_mut table *t) {
    const names *n = &t->all;
    names copy = *n;
    table_change(t);
    look(copy.first);
}
