/* ended_0307.c: deed refuses it as FH0307, what a function ends may be NULL. */
#include "../ui.h"

typedef struct job {
    fh_owned_or_null tensor *input;
} job;
fh_owned_or_null job *job_new(void);
void memory_free(fh_drop void *block);
void job_free(fh_drop job *j);
void job_free(job *j) {
    tensor_free(j->input); //~ FH0307
    memory_free(j);
}
