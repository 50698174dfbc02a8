#include "../ui.h"

void f(int n) {
    while (n > 0)
        n--;
}
