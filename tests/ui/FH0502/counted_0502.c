/* counted_0502.c: deed refuses it as FH0502, an index into a raw pointer. */
#include "../ui.h"

struct message {
    int count;
    int values[];
};
int f(fh_ref const struct message *m, int i) {
    return m->values[i]; //~ FH0502
}
