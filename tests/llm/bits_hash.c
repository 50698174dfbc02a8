/* bits_hash.c: prints one hash of logits for each kind of model and type of weights, for one way to run them.
 *
 *     bits_hash [--isa scalar|avx2|avx512|best] [--threads N] [--chunk N] [--batch N] [--fork N] [--dense]
 *
 * The bit contract says that all ways, all compilers and all optimisation levels print the same. tools/bits-table
 * compares them. Exit code 77: this processor lacks the instruction set. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab.h"

struct way {
    fh_isa isa;
    unsigned threads;
    struct lab_run run;
};

static int parse(int argc, char **argv, struct way *way) {
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--dense") == 0) {
            way->run.dense = true;
            continue;
        }
        if (i + 1 == argc)
            return 2;
        const char *option = argv[i], *value = argv[++i];
        unsigned n = (unsigned)strtoul(value, NULL, 10);
        if (strcmp(option, "--isa") == 0) {
            way->isa = strcmp(value, "best") == 0 ? fh_isa_best() : FH_ISA_SCALAR;
            while (strcmp(value, "best") != 0 && way->isa < FH_ISA_COUNT && strcmp(fh_isa_name(way->isa), value) != 0)
                way->isa++;
            if (way->isa == FH_ISA_COUNT)
                return 2;
        } else if (strcmp(option, "--threads") == 0 && n >= 1 && n <= 256) {
            way->threads = n;
        } else if (strcmp(option, "--chunk") == 0 && n >= 1) {
            way->run.chunk = n;
        } else if (strcmp(option, "--batch") == 0 && n >= 1 && n <= LAB_BATCH_MAX) {
            way->run.batch = n;
        } else if (strcmp(option, "--fork") == 0) {
            way->run.fork_at = n;
        } else {
            return 2;
        }
    }
    return 0;
}

int main(int argc, char **argv) {
    struct way way = {.isa = FH_ISA_SCALAR, .threads = 1, .run = {.chunk = 64, .batch = 1}};
    if (parse(argc, argv, &way) != 0) {
        fprintf(stderr, "usage: bits_hash [--isa scalar|avx2|avx512|best] [--threads N] [--chunk N] [--batch 1-%d] [--fork N] "
                        "[--dense]\n", LAB_BATCH_MAX);
        return 2;
    }
    if (way.isa > fh_isa_best())
        return 77;
    for (unsigned kind = 0; kind < LAB_KINDS; kind++) {
        for (unsigned dtype = 0; dtype < FH_DTYPE_COUNT; dtype++) {
            fh_buf file;
            struct lab lab;
            fh_err err;
            fh_err_clear(&err);
            lab_file(&file, fh_heap(), lab_options((enum lab_kind)kind, (fh_dtype)dtype));
            if (fh_failed(lab_open(&lab, fh_heap(), fh_buf_view(&file), way.isa, way.threads, &err))) {
                fprintf(stderr, "%s\n", err.message);
                return 1;
            }
            printf("%-10s %-5s %016llx\n", lab_kind_name((enum lab_kind)kind), fh_dtype_name((fh_dtype)dtype),
                   (unsigned long long)lab_hash(&lab, fh_heap(), &way.run));
            lab_close(&lab);
            fh_buf_deinit(&file);
        }
    }
    return 0;
}
