/* asked_0206.c: deed refuses it as FH0206, changed or dropped while a view of it is in use. */
#include "../ui.h"

typedef struct store {
    const char *names;
} store;
typedef struct part {
    const char *text;
} part;
const part *store_part(fh_ref const store *s) fh_view(1);
void store_clear(fh_mut store *s);
typedef struct holder {
    store store;
} holder;

void f(fh_mut holder *h) {
    const part *p = store_part(&h->store);
    const char *text = p->text;
    store_clear(&h->store);
    look(text); //~ FH0206
}
