/* scratch_0206.c: deed refuses it as FH0206, changed or dropped while a view of it is in use. */
#include "../ui.h"

typedef struct row {
    const char *name;
    char *scratch;
    char *many[2];
} row;
typedef struct table {
    row first;
} table;
void table_change(fh_mut table *t);

void f(fh_mut table *t) {
    const row *r = &t->first;
    const char *text = r->scratch;
    table_change(t);
    look(text); //~ FH0206
}
