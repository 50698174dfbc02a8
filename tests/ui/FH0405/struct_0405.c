/* struct_0405.c: deed refuses it as FH0405, a variable that threads share and may change. */
#include "../ui.h"

typedef struct tally {
    mutex m;
    int count;
} tally;

static tally all; //~ FH0405

int guests(void);
int guests(void) {
    mutex_lock(&all.m);
    int n = all.count;
    mutex_unlock(&all.m);
    return n;
}
