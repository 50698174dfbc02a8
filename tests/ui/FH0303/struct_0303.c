/* struct_0303.c: deed refuses it as FH0303, an owned result is thrown away. */
#include "../ui.h"

fh_owned box box_make(int n);
int f(int n) {
    return box_make(n).n; //~ FH0303
}
