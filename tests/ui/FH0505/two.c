#include "../ui.h"

union both {
    const char *text;
    const int *number;
};
