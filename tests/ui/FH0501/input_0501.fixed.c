/* input_0501.fixed.c: accepted, the corrected twin of input_0501.c. */
#include "../ui.h"

struct packet {
    unsigned size;
    char bytes[64];
};
void copy(fh_out struct packet *p, span input);
void f(fh_out struct packet *p, span input) {
    copy(p, input);
}
