/* miss_array.c: missed: an array without a value is lent `fh_mut`. */
#include "../ui.h"

void count_up(fh_mut int *numbers);
int f(void) {
    int numbers[4];
    count_up(numbers); //~ FH0508
    return numbers[0];
}
