/* missing_0602.c: deed refuses it as FH0602, declared again with another contract. */
#include "../ui.h"

fh_owned tensor *make(int n) fh_view(1);

fh_owned tensor *make(int n) { //~ FH0602
    return tensor_new(n);
}
