#include "../ui.h"

struct event {
    int kind;
    struct {
        int key;
        const char *text;
    } u;
};
