#include "../ui.h"

struct both {
    const char *text;
    const int *number;
};
