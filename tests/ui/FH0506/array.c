#include "../ui.h"

int f(int n) {
    int all[n];
    all[0] = n;
    return all[0];
}
