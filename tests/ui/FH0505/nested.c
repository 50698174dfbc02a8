#include "../ui.h"

struct event {
    int kind;
    union {
        int key;
        const char *text;
    } u;
};
