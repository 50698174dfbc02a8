/* ended_0402.fixed.c: accepted, the corrected twin of ended_0402.c. */
#include "../ui.h"

struct room {
    mutex m;
    fh_guarded(m) int guests;
};
void room_open(fh_owned struct room *r);
void room_close(fh_drop struct room *r);
void f(void) {
    struct room r;
    room_open(&r);
    mutex_lock(&r.m);
    r.guests = 3;
    mutex_unlock(&r.m);
    room_close(&r);
}
