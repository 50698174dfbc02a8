/* null_0602.c: deed refuses it as FH0602, declared again with another contract. */
#include "../ui.h"

fh_owned tensor *read_one(int n);

fh_owned_or_null tensor *read_one(int n) { //~ FH0602
    return tensor_try(n);
}
