/* arguments_0903.c: deed refuses it as FH0903, too large to check. */
#include "../ui.h"

int many(int n, ...);
int f(int n) {
    return many(n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, //~ FH0903
                28, 29, 30, 31, 32, 33);
}
