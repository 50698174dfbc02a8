/* loop_0506.c: deed refuses it as FH0506, an array of variable length, alloca, setjmp or inline assembly. */
#include "../ui.h"

int f(int n) {
    int sum = 0;
    for (int i = 1; i < n; i++) {
        int row[i]; //~ FH0506
        row[0] = i;
        sum += row[0];
    }
    return sum;
}
