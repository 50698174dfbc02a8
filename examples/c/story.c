/* story.c: a story from a model file, by the library.
 *
 *     cc -std=c11 story.c $(pkg-config --cflags --libs freehold) -o story && ./story models/demo.gguf */
#include <freehold/generate.h>
#include <freehold/os.h>
#include <stdio.h>

/* Encodes the prompt and writes what the model says after it, a piece at a time. */
static fh_status answer(fh_model *model, fh_generator *g, fh_span prompt, fh_err *err) {
    fh_ids ids;
    fh_ids_init(&ids, fh_heap(), 0);
    fh_encode_options options = {.add_special = true};
    fh_status s = fh_tokenizer_encode(fh_model_tokenizer_view(model), prompt, options, &ids, err);
    if (!fh_failed(s))
        s = fh_generator_prompt(g, fh_ids_view(&ids), NULL, NULL, err);
    fh_ids_deinit(&ids);
    fwrite(prompt.at, 1, prompt.size, stdout);
    for (fh_generated out = {.done = false}; !fh_failed(s) && !out.done;) {
        s = fh_generator_next(g, &out, err);
        if (!fh_failed(s))
            fwrite(out.text.at, 1, out.text.size, stdout);
    }
    putchar('\n');
    return s;
}

int main(int argc, char **argv) {
    fh_generate_options options = {.tokens_max = 200, .sampling = {.temperature = 0.8f, .top_k = 40, .seed = 1}};
    fh_os_map map = {.bytes = {NULL, 0}};
    fh_bytes file = {.owner = NULL};
    fh_gguf *gguf = NULL;
    fh_device *device = NULL;
    fh_model *model = NULL;
    fh_engine *engine = NULL;
    fh_generator *g = NULL;
    fh_err err;
    fh_err_clear(&err);
    const char *path = argc > 1 ? argv[1] : "models/demo.gguf";
    fh_status s = fh_os_map_open(path, &map, &err);
    if (!fh_failed(s))
        s = fh_bytes_wrap(fh_heap(), map.bytes, NULL, NULL, &file); /* the file's bytes, counted, where they are mapped */
    if (!fh_failed(s))
        s = fh_gguf_open(fh_heap(), file, &gguf, &err);
    if (!fh_failed(s))
        s = fh_cpu_new(fh_heap(), NULL, fh_isa_best(), &device); /* NULL: one thread */
    if (!fh_failed(s))
        s = fh_model_load(fh_heap(), gguf, device, &model, &err);
    if (!fh_failed(s))
        s = fh_engine_new(fh_heap(), model, device, &(fh_engine_options){.context = 0}, &engine, &err);
    if (!fh_failed(s))
        s = fh_generator_new(fh_heap(), model, engine, &options, &g, &err);
    if (!fh_failed(s))
        s = answer(model, g, FH_LIT("Once upon a time"), &err);
    if (fh_failed(s))
        fprintf(stderr, "story: %s: %s\n", path, err.code != FH_OK ? err.message : fh_code_text(s.code));
    fh_generator_free(g);
    fh_engine_free(engine);
    fh_model_free(model);
    fh_device_free(device);
    fh_gguf_close(gguf);
    fh_bytes_drop(&file);
    fh_os_map_close(&map);
    return fh_failed(s);
}
