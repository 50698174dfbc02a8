#include "../ui.h"

int f(int n) {
    int all[3];
    all[0] = n;
    return all[0];
}
