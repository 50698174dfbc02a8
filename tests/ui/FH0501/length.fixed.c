#include "../ui.h"

unsigned long f(unsigned long length) {
    return length;
}
