#include "../ui.h"

unsigned long f(fh_ref const char *text) {
    return __builtin_strlen(text);
}
