#include "../ui.h"

int f(fh_ref const int *at) {
    int n = *at;
    return n + *at;
}
