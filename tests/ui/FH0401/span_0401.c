/* span_0401.c: deed refuses it as FH0401, a borrow crosses to another thread. */
#include "../ui.h"

void thread_print(fh_send span s);
void f(fh_ref const tensor *t) {
    thread_print(tensor_bytes(t)); //~ FH0401
}
