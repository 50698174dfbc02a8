#include "../ui.h"

const int *f(fh_ref const box *b) {
    return &b->n;
}
