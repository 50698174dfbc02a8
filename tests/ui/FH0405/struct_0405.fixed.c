/* struct_0405.fixed.c: accepted, the corrected twin of struct_0405.c. */
#include "../ui.h"

typedef struct tally {
    mutex m;
    fh_guarded(m) int count;
} tally;

typedef fh_sync tally shared_tally;
static const tally none;

int guests(void);
int guests(void) {
    (void)none;
    return 0;
}
