/* loop_0506.fixed.c: accepted, the corrected twin of loop_0506.c. */
#include "../ui.h"

int f(int n) {
    int sum = 0;
    for (int i = 1; i < n; i++) {
        int row[8] = {0};
        row[0] = i;
        sum += row[0];
    }
    return sum;
}
