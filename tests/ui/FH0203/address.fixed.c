#include "../ui.h"

int f(int n) {
    int local = n + 1;
    return local;
}
