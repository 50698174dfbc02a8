/* input_0501.c: deed refuses it as FH0501, a raw memory call. */
#include "../ui.h"

struct packet {
    unsigned size;
    char bytes[64];
};
void f(fh_mut struct packet *p, fh_ref const char *input, unsigned size) {
    p->size = size;
    __builtin_memcpy(p->bytes, input, size); //~ FH0501
}
