#include "../ui.h"

int f(void) {
    int all[3] = {1, 2, 3};
    return all[3];
}
