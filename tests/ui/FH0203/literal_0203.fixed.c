/* literal_0203.fixed.c: accepted, the corrected twin of literal_0203.c. */
#include "../ui.h"

struct at {
    const int *p;
    int n;
};
struct at f(int n) {
    int local = n + 1;
    return (struct at){.n = local};
}
