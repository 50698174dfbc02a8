/* beyond_0202.fixed.c: accepted, the corrected twin of beyond_0202.c. */
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
    int n = r->n;
    table_note(t, r->name, &n);
}
