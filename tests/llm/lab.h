/* lab.h: small models in memory, loaded on a device of their own, and ways to run them: shared by the tests of the
 * engine.
 *
 *     fh_buf file;
 *     lab_file(&file, a, lab_options(LAB_LLAMA, FH_DTYPE_F32));
 *     struct lab lab;
 *     fh_assert_ok(lab_open(&lab, a, fh_buf_view(&file), FH_ISA_SCALAR, 1, &err));
 *     … lab.model, lab.dev …
 *     lab_close(&lab);
 *     fh_buf_deinit(&file);
 *
 * Threading: one thread. */
#ifndef FH_TEST_LAB_H
#define FH_TEST_LAB_H

#include "fh_test.h"
#include "freehold/engine.h"
#include "freehold/os.h"
#include "freehold/synth.h"

/* Every way to build a model that Freehold knows. */
enum lab_kind { LAB_LLAMA, LAB_LLAMA_MOE, LAB_QWEN3, LAB_QWEN3MOE, LAB_OLMOE, LAB_KINDS };
const char *lab_kind_name(enum lab_kind kind);

/* A model of two or three layers, whose sizes are no round numbers where they need not be. */
fh_synth_options lab_options(enum lab_kind kind, fh_dtype dtype);
/* The vocabulary of every such model, and the positions for which it was made. */
enum { LAB_VOCAB = 391, LAB_CONTEXT = 512 };

/* Makes a model file in memory; the caller ends the buffer. Ends the program if that fails. */
void lab_file(fh_buf *file, fh_allocator *a, fh_synth_options options);
/* Overwrites element `index` of an F32 tensor in a model file. */
void lab_patch(fh_buf *file, const char *tensor, uint64_t index, float value);

/* A loaded model. */
struct lab {
    fh_team *team;
    fh_device *dev;
    fh_model *model;
};

/* Loads a model file, whose bytes stay where they are until lab_close. One thread: no team at all. */
fh_status lab_open(struct lab *lab, fh_allocator *a, fh_span file, fh_isa isa, unsigned threads, fh_err *err);
void lab_close(struct lab *lab);

/* Token `position` of the text that a seed stands for. */
uint32_t lab_token(uint64_t seed, uint64_t position);

/* How to run a text of LAB_RUN_TOKENS tokens: none of it may change a bit. */
enum { LAB_RUN_TOKENS = 150, LAB_BATCH_MAX = 4 };
struct lab_run {
    unsigned chunk;   /* rows of the text in one step */
    unsigned batch;   /* sequences in one step, the others with texts of their own: 1 to LAB_BATCH_MAX */
    unsigned fork_at; /* 0, or: the text goes on in a fork made at this length, while its parent goes on differently */
    bool dense;       /* all rows ask for logits, not only those that are hashed */
};
/* Runs the text and hashes the logits of every seventh position and of the last. Ends the program on failure. */
uint64_t lab_hash(struct lab *lab, fh_allocator *a, const struct lab_run *run);

#endif
