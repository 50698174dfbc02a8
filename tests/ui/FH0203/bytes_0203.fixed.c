/* bytes_0203.fixed.c: accepted, the corrected twin of bytes_0203.c. */
#include "../ui.h"

span box_bytes(fh_ref const box *b) fh_view(1);
span f(fh_ref const box *b) fh_view(1);
span f(fh_ref const box *b) {
    span s = box_bytes(b);
    print(s);
    return s;
}
