/* behind_case_0508.fixed.c: accepted, the corrected twin of behind_case_0508.c. */
#include "../ui.h"

int f(fh_ref const tensor *t, int n) {
    int sum = 0;
    const char *name = tensor_name(t);
    switch (n) {
    case 0:
        look(name);
        break;
    case 1:
        if (n > sum)
            look(name);
        break;
    }
    return sum;
}
