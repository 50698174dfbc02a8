/* past_the_end.c: reads the fifth of four numbers. found by: clang cppcheck */
int last(void) {
    int numbers[4] = {1, 2, 3, 4}, i = 4;
    return numbers[i];
}
