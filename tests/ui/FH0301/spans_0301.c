/* spans_0301.c: deed refuses it as FH0301, a span in a struct that a function filled is not dropped. */
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
    return s; //~ FH0301
}
