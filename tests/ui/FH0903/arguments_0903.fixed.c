/* arguments_0903.fixed.c: accepted, the corrected twin of arguments_0903.c. */
#include "../ui.h"

int many(int n, ...);
int f(int n) {
    return many(n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28,
                29, 30);
}
