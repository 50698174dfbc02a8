/* narrow_0511.c: deed refuses it as FH0511, a count that nobody measured. */
#include "../ui.h"

fh_owned_or_null fh_counted(1, 2) void *room_new(unsigned long count, unsigned long size);
void room_free(fh_drop void *room);
int f(void) {
    struct wide {
        int all[8];
    } *w = room_new(1, 16); //~ FH0511
    int sum = w != NULL ? w->all[7] : 0;
    room_free(w);
    return sum;
}
