/* two_0506.fixed.c: accepted, the corrected twin of two_0506.c. */
#include "../ui.h"

int f(int n) {
    char text[9] = {0};
    text[0] = 'a';
    return text[0] + n;
}
