/* shell_0301.c: deed refuses it as FH0301, a function that ends an object keeps its memory. */
#include "../ui.h"

typedef struct job {
    fh_owned_or_null tensor *input;
} job;
fh_owned_or_null job *job_new(void);
void memory_free(fh_drop void *block);
void job_free(fh_drop job *j);
void job_free(job *j) {
    if (j == NULL)
        return;
    tensor_free(j->input);
} //~ FH0301
