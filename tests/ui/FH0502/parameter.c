#include "../ui.h"

int f(fh_ref const int *at, int i) {
    return at[i];
}
