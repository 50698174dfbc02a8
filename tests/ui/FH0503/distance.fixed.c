#include "../ui.h"

int f(fh_ref const char *a, fh_ref const char *b) {
    return *b - *a;
}
