/* sized_0511.fixed.c: accepted, the corrected twin of sized_0511.c. */
#include "../ui.h"

fh_owned_or_null fh_counted(1, 2) void *room_new(unsigned long count, unsigned long size);
void room_free(fh_drop void *room);
int f(unsigned long n) {
    int *all = room_new(n, sizeof *all);
    int first = all != NULL && n != 0 ? *all : 0;
    room_free(all);
    return first;
}
