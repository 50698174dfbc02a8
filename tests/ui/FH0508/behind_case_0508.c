/* behind_case_0508.c: deed refuses it as FH0508, a local that is not initialised. */
#include "../ui.h"

int f(fh_ref const tensor *t, int n) {
    int sum = 0;
    switch (n) {
    case 0:;
        const char *name = tensor_name(t);
        look(name);
        break;
    case 1:
        if (n > sum)
            look(name); //~ FH0508
        break;
    }
    return sum;
}
