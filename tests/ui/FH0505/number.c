#include "../ui.h"

union word {
    int *at;
    long n;
};
