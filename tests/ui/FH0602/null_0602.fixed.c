/* null_0602.fixed.c: accepted, the corrected twin of null_0602.c. */
#include "../ui.h"

fh_owned_or_null tensor *read_one(int n);

fh_owned_or_null tensor *read_one(int n) {
    return tensor_try(n);
}
