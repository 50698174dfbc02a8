/* letters_bad.c: letters.c with its mistakes; deed finds each of them. */
#include <stdlib.h>
#include <string.h>

#include <freehold/deed.h>

#include "show.h"

typedef struct letter {
    fh_owned char *text;
} letter;

typedef struct box {
    fh_owned_or_null letter *inside;
} box;

void letter_free(fh_drop letter *l) {
    if (l == NULL)
        return;
    free(l->text);
    free(l);
}

fh_owned_or_null letter *letter_new(fh_ref const char *text) {
    letter *l = malloc(sizeof *l);
    if (l == NULL)
        return NULL;
    l->text = strdup(text);
    if (l->text == NULL)
        return NULL; //~ FH0301
    return l;
}

const char *letter_text(fh_ref const letter *l) fh_view(1) {
    return l->text;
}

void box_put(fh_mut box *b, fh_move letter *l) {
    letter_free(b->inside);
    b->inside = l;
}

fh_owned_or_null letter *box_take(fh_mut box *b) {
    letter *l = b->inside;
    b->inside = NULL;
    return l;
}

int main(void) {
    box b = {NULL};
    letter *l = letter_new("see you on Sunday");
    if (l == NULL)
        return 1;
    box_put(&b, l);
    show("in the box", letter_text(l)); //~ FH0101

    letter *got = box_take(&b);
    const char *text = letter_text(got); //~ FH0307
    letter_free(got);
    show("taken out", text); //~ FH0206
    return 0; //~ FH0301
}
