/* spans_0301.fixed.c: accepted, the corrected twin of spans_0301.c. */
#include "../ui.h"

typedef struct numbers {
    int *at;
    unsigned long count;
} numbers;
void numbers_free(fh_drop numbers *n);
typedef struct words {
    fh_owned numbers codes, lengths;
} words;
fh_status words_read(fh_mut words *w);
fh_status f(void) {
    words w = {0};
    fh_status s = words_read(&w);
    numbers_free(&w.codes);
    numbers_free(&w.lengths);
    return s;
}
