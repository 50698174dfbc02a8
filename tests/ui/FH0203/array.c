#include "../ui.h"

char *f(void) {
    char text[4] = {0};
    return text;
}
