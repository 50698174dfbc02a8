/* span_0401.fixed.c: accepted, the corrected twin of span_0401.c. */
#include "../ui.h"

void thread_print(fh_send span s);
void f(void) {
    span s = {.at = "text", .size = 4};
    thread_print(s);
}
