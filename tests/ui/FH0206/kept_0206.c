/* kept_0206.c: deed refuses it as FH0206, changed or dropped while a view of it is in use. */
#include "../ui.h"

typedef struct row {
    const char *name;
} row;
typedef struct table {
    row first;
} table;

void f(fh_move tensor *t) {
    table all = {0};
    all.first.name = tensor_name(t);
    const row *r = &all.first;
    const char *name = r->name;
    tensor_free(t);
    look(name); //~ FH0206
}
