/* ended_0402.c: deed refuses it as FH0402, what has the lock in it ends while it is held. */
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
    room_close(&r); //~ FH0402
}
