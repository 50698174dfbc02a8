/* scratch_0206.fixed.c: accepted, the corrected twin of scratch_0206.c. */
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
    const char *text = r->name;
    table_change(t);
    look(text);
}
