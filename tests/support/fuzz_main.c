/* fuzz_main.c: runs a fuzz target without libFuzzer, so that plain ctest exercises its code with every compiler.
 *
 * A fuzz target is one file, fuzz_<thing>.c, that defines
 *
 *     int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
 *     void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx);    calls emit once a seed, made in code
 *
 * and links either with libFuzzer (the fuzz preset) or with this file:
 *
 *     fuzz_json --runs 20000         every seed as it is, then so many mutations of them
 *     fuzz_json --only 1234          run 1234 again; with --save FILE its input is written as well
 *     fuzz_json --write-seeds DIR    the seeds as files, for libFuzzer
 *     fuzz_json FILE...              the given inputs
 *
 * A run is a pure function of its number: mutation n comes from a generator seeded with n, so a crash names the number that
 * repeats it. Inputs lie in a block of exactly their size, so that a sanitizer sees the first byte past the end. */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "freehold/span.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void fh_fuzz_seeds(void (*emit)(void *ctx, fh_span seed), void *ctx);

enum { SEEDS_MAX = 4096, GROWTH_BYTES = 4096, EDITS_MAX = 6 };

/* Bytes with their own block. */
typedef struct input {
    uint8_t *at;
    size_t size;
} input;

static input seeds[SEEDS_MAX];
static size_t seed_count;
static const char *program;
static volatile unsigned long current_run;

static void die(const char *what, const char *detail) {
    fprintf(stderr, "%s: %s: %s\n", program, what, detail);
    exit(2);
}

/* A block of exactly `size` bytes. */
static input input_new(size_t size) {
    input in = {malloc(size ? size : 1), size};
    if (in.at == NULL)
        die("out of memory", "input");
    return in;
}

static void seed_add(void *ctx, fh_span seed) {
    (void)ctx;
    if (seed_count == SEEDS_MAX)
        die("too many seeds", "raise SEEDS_MAX");
    input in = input_new(seed.size);
    if (seed.size)
        memcpy(in.at, seed.at, seed.size);
    seeds[seed_count++] = in;
}

/* --- mutation --------------------------------------------------------------------------------------------------------- */

/* splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t next(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* A number below n; 0 for n = 0. */
static size_t below(uint64_t *state, size_t n) {
    return n ? (size_t)(next(state) % n) : 0;
}

/* Numbers at which length arithmetic breaks. */
static const uint64_t edges[] = {0, 1, 2, 7, 8, 16, 31, 32, 63, 64, 127, 128, 255, 256, 65535, 65536, 0x7fffffff, 0x80000000u,
                                 0xffffffffu, 0x100000000u, 0x7fffffffffffffffu, 0x8000000000000000u, 0xfffffffffffffff0u,
                                 UINT64_MAX};

/* Writes an edge number of 1, 2, 4 or 8 bytes, little-endian, somewhere. */
static void put_edge(uint64_t *state, input in) {
    size_t width = (size_t)1 << below(state, 4);
    uint64_t v = edges[below(state, sizeof edges / sizeof *edges)];
    if (in.size < width)
        return;
    size_t at = below(state, in.size - width + 1);
    for (size_t i = 0; i < width; i++)
        in.at[at + i] = (uint8_t)(v >> (8 * i));
}

/* Replaces `cut` bytes at `at` by `size` bytes. */
static input splice(input in, size_t at, size_t cut, const uint8_t *bytes, size_t size) {
    input out = input_new(in.size - cut + size);
    memcpy(out.at, in.at, at);
    if (size)
        memcpy(out.at + at, bytes, size);
    memcpy(out.at + at + size, in.at + at + cut, in.size - at - cut);
    free(in.at);
    return out;
}

/* One random edit; grows the input only while it is below size_max. */
static input edit(uint64_t *state, input in, size_t size_max) {
    size_t at = below(state, in.size + 1), length = below(state, in.size - at + 1);
    uint8_t byte = (uint8_t)next(state);
    bool may_grow = in.size < size_max;
    switch (below(state, 8)) {
    case 0:
        if (at < in.size)
            in.at[at] ^= (uint8_t)(1u << (byte & 7));
        return in;
    case 1:
        if (at < in.size)
            in.at[at] = byte;
        return in;
    case 2:
        put_edge(state, in);
        return in;
    case 3: /* cut out a piece, mostly a short one */
        return splice(in, at, byte & 1 ? length : length % 9, NULL, 0);
    case 4: /* cut off the end */
        return splice(in, at, in.size - at, NULL, 0);
    case 5: /* insert a byte */
        return may_grow ? splice(in, at, 0, &byte, 1) : in;
    case 6: { /* repeat a piece */
        if (!may_grow || length == 0)
            return in;
        input piece = input_new(length);
        memcpy(piece.at, in.at + at, length);
        in = splice(in, at, 0, piece.at, length);
        free(piece.at);
        return in;
    }
    default: { /* replace a piece by one of another seed */
        input other = seeds[below(state, seed_count)];
        size_t from = below(state, other.size + 1), count = below(state, other.size - from + 1);
        return splice(in, at, may_grow ? length % 17 : length, other.at + from, may_grow ? count : count % (length + 1));
    }
    }
}

/* The input of a run: a seed as it is, then mutations of a random seed. The caller frees it. */
static input input_of_run(unsigned long run) {
    uint64_t state = run;
    const input from = seeds[run < seed_count ? run : below(&state, seed_count)];
    input in = input_new(from.size);
    if (from.size)
        memcpy(in.at, from.at, from.size);
    if (run < seed_count)
        return in;
    for (size_t i = 1 + below(&state, EDITS_MAX); i > 0; i--)
        in = edit(&state, in, 2 * from.size + GROWTH_BYTES);
    return in;
}

/* --- modes ------------------------------------------------------------------------------------------------------------ */

static void write_file(const char *path, input in) {
    FILE *f = fopen(path, "wb");
    if (f == NULL || fwrite(in.at, 1, in.size, f) != in.size || fclose(f) != 0)
        die(path, strerror(errno));
}

static void write_seeds(const char *dir) {
    for (size_t i = 0; i < seed_count; i++) {
        char path[4096];
        if (snprintf(path, sizeof path, "%s/seed-%04zu", dir, i) >= (int)sizeof path)
            die("path too long", dir);
        write_file(path, seeds[i]);
    }
    printf("%s: wrote %zu seeds\n", program, seed_count);
}

static void run_file(const char *path) {
    FILE *f = fopen(path, "rb");
    long size = -1;
    if (f == NULL || fseek(f, 0, SEEK_END) != 0 || (size = ftell(f)) < 0 || fseek(f, 0, SEEK_SET) != 0)
        die(path, strerror(errno));
    input in = input_new((size_t)size);
    if (fread(in.at, 1, in.size, f) != in.size)
        die(path, "cannot read");
    fclose(f);
    LLVMFuzzerTestOneInput(in.at, in.size);
    free(in.at);
}

/* Names the run that crashed, then lets the signal end the program. */
static void on_crash(int signal_number) {
    char text[160];
    int size = snprintf(text, sizeof text, "\n%s: crashed in run %lu; repeat it with --only and that number\n", program,
                        current_run);
    if (size > 0)
        fputs(text, stderr);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static void run_one(unsigned long run, const char *save) {
    input in = input_of_run(run);
    current_run = run;
    if (save != NULL)
        write_file(save, in);
    LLVMFuzzerTestOneInput(in.at, in.size);
    free(in.at);
}

static unsigned long number(const char *text) {
    char *end;
    errno = 0;
    unsigned long n = strtoul(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0')
        die("not a number", text);
    return n;
}

int main(int argc, char **argv) {
    const char *save = NULL, *seed_dir = NULL;
    unsigned long runs = 20000, only = 0;
    bool one = false;
    int files = 0;
    program = argv[0];
    for (int i = 1; i < argc; i++) {
        bool more = i + 1 < argc;
        if (strcmp(argv[i], "--runs") == 0 && more)
            runs = number(argv[++i]);
        else if (strcmp(argv[i], "--only") == 0 && more)
            only = number(argv[++i]), one = true;
        else if (strcmp(argv[i], "--save") == 0 && more)
            save = argv[++i];
        else if (strcmp(argv[i], "--write-seeds") == 0 && more)
            seed_dir = argv[++i];
        else
            run_file(argv[i]), files++;
    }
    if (files > 0)
        return 0;
    fh_fuzz_seeds(seed_add, NULL);
    if (seed_count == 0)
        die("the target made no seeds", "fh_fuzz_seeds");
    for (size_t i = 0; i < 5; i++)
        signal((int[]){SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}[i], on_crash);
    if (seed_dir != NULL)
        write_seeds(seed_dir);
    else if (one)
        run_one(only, save);
    else
        for (unsigned long run = 0; run < seed_count + runs; run++)
            run_one(run, NULL);
    if (seed_dir == NULL && !one)
        printf("%s: %zu seeds and %lu mutations\n", program, seed_count, runs);
    for (size_t i = 0; i < seed_count; i++)
        free(seeds[i].at);
    return 0;
}
