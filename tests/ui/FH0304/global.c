#include "../ui.h"

static int count;
static tensor *kept;
void f(void) {
    kept = tensor_new(3);
}
