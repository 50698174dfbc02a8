/* miss_copied.c: missed: an owning field, copied through a second name of a borrow, still leads to what is gone. */
#include "../ui.h"

typedef struct names {
    fh_owned const char *first;
} names;
typedef struct table {
    names all;
} table;
void table_change(fh_mut table *t);

void f(fh_mut table *t) {
    const table *same = t;
    names copy = same->all;
    table_change(t);
    look(copy.first); //~ FH0206
}
