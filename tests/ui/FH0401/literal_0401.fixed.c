/* literal_0401.fixed.c: accepted, the corrected twin of literal_0401.c. */
#include "../ui.h"

void f(void) {
    thread_give(tensor_new(1));
}
