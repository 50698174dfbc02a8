/* beyond_0202.c: deed refuses it as FH0202, borrowed exclusively and again in one call. */
#include "../ui.h"

typedef struct row {
    const char *name;
    int n;
} row;
typedef struct table {
    row rows[4];
} table;
void table_note(fh_mut table *t, fh_ref const char *text, fh_ref const int *n);

void f(fh_mut table *t, unsigned i) {
    const row *r = &t->rows[i % 4];
    table_note(t, r->name, &r->n); //~ FH0202 FH0206
}
