/* allocated_0511.c: deed refuses it as FH0511, a count that nobody measured. */
#include "../ui.h"

typedef struct bytes {
    fh_counted(size) const char *at;
    unsigned long size;
} bytes;
int sum(bytes b);
fh_owned_or_null fh_counted(1, 2) void *room_new(unsigned long count, unsigned long size);
void room_free(fh_drop void *room);
int f(unsigned long n) {
    char *room = room_new(n, 1);
    if (room == NULL)
        return 0;
    n++;
    int made = sum((bytes){room, n}); //~ FH0511
    room_free(room);
    return made;
}
