#include "../ui.h"

const int *f(int n) {
    int local = n + 1;
    return &local;
}
