/* null_pointer.c: a pointer is followed that was NULL a line before. found by: clang cppcheck */
#include <stddef.h>

int follow(const int *number, int otherwise) {
    if (number == NULL)
        otherwise++;
    return *number + otherwise;
}
