#include "../ui.h"

void f(fh_mut int *at) {
    *at = 3;
}
