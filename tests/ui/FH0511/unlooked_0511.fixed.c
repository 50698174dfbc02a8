/* unlooked_0511.fixed.c: accepted, the corrected twin of unlooked_0511.c. */
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
    int made = room == NULL ? 0 : sum((bytes){room, n});
    room_free(room);
    return made;
}
