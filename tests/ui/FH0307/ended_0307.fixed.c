/* ended_0307.fixed.c: accepted, the corrected twin of ended_0307.c. */
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
    memory_free(j);
}
