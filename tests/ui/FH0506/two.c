#include "../ui.h"

int f(int n) {
    char text[n + 1];
    text[0] = 'a';
    return text[0] + n;
}
