/* counted_0502.fixed.c: accepted, the corrected twin of counted_0502.c. */
#include "../ui.h"

struct message {
    int count;
    int values[4];
};
int f(fh_ref const struct message *m) {
    return m->values[3];
}
