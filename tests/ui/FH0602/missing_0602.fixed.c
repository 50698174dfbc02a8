/* missing_0602.fixed.c: accepted, the corrected twin of missing_0602.c. */
#include "../ui.h"

fh_owned tensor *make(int n) fh_view(1);

tensor *make(int n) {
    return tensor_new(n);
}
