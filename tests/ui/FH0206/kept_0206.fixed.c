/* kept_0206.fixed.c: accepted, the corrected twin of kept_0206.c. */
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
    look(name);
    tensor_free(t);
}
