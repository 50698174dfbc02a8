/* golden_logits.c: makes small models and writes down what Freehold computes with them, for tests/golden/test_golden.py.
 *
 *     golden_logits FOLDER [MODEL.gguf]
 *
 * For each kind of model and type of weights: FOLDER/<kind>-<type>.gguf, .tokens (uint32) and .logits (float32,
 * positions × vocabulary), little-endian; for a model that is given, FOLDER/given.tokens and given.logits. */
#include <stdio.h>
#include <stdlib.h>

#include "freehold/buf.h"
#include "lab.h"

enum { TOKENS = 90 }; /* more than a KV segment holds */

static void must(bool ok, const char *what) {
    if (ok)
        return;
    fprintf(stderr, "golden_logits: %s failed\n", what);
    exit(1);
}

static void write_file(const char *folder, const char *name, const char *suffix, fh_span bytes) {
    fh_buf path;
    fh_buf_init(&path, fh_heap(), 4096);
    must(!fh_failed(fh_buf_format(&path, "%s/%s.%s%c", folder, name, suffix, '\0')), "naming a file");
    FILE *f = fopen((const char *)path.at, "wb");
    must(f != NULL && fwrite(bytes.at, 1, bytes.size, f) == bytes.size && fclose(f) == 0, (const char *)path.at);
    fh_buf_deinit(&path);
}

/* Runs TOKENS tokens and writes tokens and logits. */
static void run(const char *folder, const char *name, fh_span file) {
    struct lab lab;
    fh_err err;
    fh_err_clear(&err);
    if (fh_failed(lab_open(&lab, fh_heap(), file, fh_isa_best(), 1, &err)))
        must(false, err.message);
    uint32_t vocab = fh_model_shape_view(lab.model)->vocab;
    fh_engine *e = NULL;
    fh_seq s;
    uint32_t tokens[TOKENS];
    fh_row rows[TOKENS];
    fh_buf logits;
    fh_buf_init(&logits, fh_heap(), 0);
    fh_engine_options options = {.context = 128};
    must(!fh_failed(fh_engine_new(fh_heap(), lab.model, lab.dev, &options, &e, &err)), err.message);
    must(!fh_failed(fh_engine_open(e, &s)), "a sequence");
    for (unsigned i = 0; i < TOKENS; i++) {
        tokens[i] = (uint32_t)(fh_mix64(i) % vocab);
        rows[i] = (fh_row){s, tokens[i], true};
    }
    must(!fh_failed(fh_engine_step(e, (fh_rows){rows, TOKENS}, &err)), err.message);
    for (unsigned i = 0; i < TOKENS; i++) {
        fh_f32s row;
        must(!fh_failed(fh_engine_logits(e, i, &row)), "logits");
        must(!fh_failed(fh_buf_put(&logits, fh_span_of_mut(fh_f32s_bytes(row)))), "memory");
    }
    write_file(folder, name, "tokens", fh_span_of_mut(fh_u32s_bytes((fh_u32s){tokens, TOKENS})));
    write_file(folder, name, "logits", fh_buf_view(&logits));
    fh_buf_deinit(&logits);
    fh_engine_free(e);
    lab_close(&lab);
}

int main(int argc, char **argv) {
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: golden_logits FOLDER [MODEL.gguf]\n");
        return 2;
    }
    if (argc == 3) {
        fh_os_map map;
        must(!fh_failed(fh_os_map_open(argv[2], &map, NULL)), argv[2]);
        run(argv[1], "given", map.bytes);
        fh_os_map_close(&map);
    }
    for (unsigned kind = 0; kind < LAB_KINDS; kind++) {
        for (unsigned dtype = 0; dtype < FH_DTYPE_COUNT; dtype++) {
            fh_buf file, name;
            fh_buf_init(&name, fh_heap(), 100);
            const char *kind_name = lab_kind_name((enum lab_kind)kind), *type_name = fh_dtype_name((fh_dtype)dtype);
            must(!fh_failed(fh_buf_format(&name, "%s-%s%c", kind_name, type_name, '\0')), "naming a model");
            lab_file(&file, fh_heap(), lab_options((enum lab_kind)kind, (fh_dtype)dtype));
            write_file(argv[1], (const char *)name.at, "gguf", fh_buf_view(&file));
            run(argv[1], (const char *)name.at, fh_buf_view(&file));
            fh_buf_deinit(&file);
            fh_buf_deinit(&name);
        }
    }
    return 0;
}
