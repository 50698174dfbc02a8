/* bench_hnsw.c: approximate search: additions a second, and recall of the ten best against queries a second at several efforts.
 *
 *     bench_hnsw [--rows N] [--dim N] [--links N] [--effort N] [--threads N] [--write DIR] [--paced]
 *
 * Then searches with a filter; and exact search in codes, whose candidates are ranked by float32, and in float32 alone.
 *
 * Vectors lie around 1000 centers, made from a counter; queries are made like them. What is right is what the exact search
 * finds. --write leaves base.f32, query.f32 and best.u64 in a folder, for bench_hnsw_peer.py; with --paced a line of JSON
 * follows for each line on standard input: `build` builds a graph, a number searches it with that effort. Seconds of one thread
 * are those of the processor, so that a busy machine counts for less; those of several are those of the clock. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "freehold/hash.h"
#include "freehold/hnsw.h"
#include "freehold/os.h"

enum { QUERIES = 1000, K = 10, CENTERS = 1000, MANY = 160 };

typedef struct bench {
    size_t rows, dim, links, effort, threads, builds;
    const char *folder;
    bool paced;
    fh_u64s ids;
    fh_f32s vectors, queries;
    fh_hits best;
    fh_hnsw *graph;
} bench;

static void must(fh_status s, const fh_err *err) {
    if (fh_failed(s)) {
        fprintf(stderr, "%s: %s\n", fh_code_name(s.code), err->message);
        exit(1);
    }
}

static double seconds(const bench *b) {
    return b->threads > 1 ? (double)fh_os_clock_ns() * 1e-9 : (double)clock() / CLOCKS_PER_SEC;
}

/* About normal: the sum of four even ones. */
static float noise(uint64_t i) {
    uint64_t x = fh_mix64(i);
    int sum = (int)(x & 65535) + (int)(x >> 16 & 65535) + (int)(x >> 32 & 65535) + (int)(x >> 48);
    return (float)(sum - 2 * 65535) * 0x1p-16f;
}

static void make_vectors(fh_f32s out, size_t dim, uint64_t seed) {
    for (size_t i = 0; i < out.count; i++) {
        uint64_t center = fh_mix64(seed + i / dim) % CENTERS;
        out.at[i] = noise(center << 32 | i % dim) + 0.7f * noise((seed + i / dim) << 20 ^ i % dim ^ UINT64_C(1) << 62);
    }
}

static void write_file(const bench *b, const char *name, const void *at, size_t size, size_t count) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", b->folder, name);
    FILE *f = fopen(path, "wb");
    if (f == NULL || fwrite(at, size, count, f) != count || fclose(f) != 0) {
        perror(path);
        exit(1);
    }
}

/* The vectors, the queries, and what is right. */
static void prepare(bench *b) {
    fh_flat *flat = NULL;
    fh_err err;
    static size_t counts[QUERIES];
    fh_err_clear(&err);
    must(fh_u64s_new(fh_heap(), b->rows, &b->ids), &err);
    must(fh_f32s_new(fh_heap(), b->rows * b->dim, &b->vectors), &err);
    must(fh_f32s_new(fh_heap(), QUERIES * b->dim, &b->queries), &err);
    must(fh_hits_new(fh_heap(), (size_t)QUERIES * K, &b->best), &err);
    make_vectors(b->vectors, b->dim, 0);
    make_vectors(b->queries, b->dim, UINT64_C(1) << 40);
    for (size_t i = 0; i < b->rows; i++)
        b->ids.at[i] = i;
    must(fh_flat_new(fh_heap(), fh_isa_best(), &(fh_flat_options){.dim = b->dim}, &flat, &err), &err);
    must(fh_flat_add(flat, b->ids, b->vectors, &err), &err);
    must(fh_flat_search(flat, NULL, b->queries, K, NULL, b->best, (fh_sizes){counts, QUERIES}, &err), &err);
    fh_flat_free(flat);
    if (b->folder != NULL) {
        static uint64_t best[QUERIES * K];
        for (size_t i = 0; i < (size_t)QUERIES * K; i++)
            best[i] = b->best.at[i].id;
        write_file(b, "base.f32", b->vectors.at, sizeof(float), b->vectors.count);
        write_file(b, "query.f32", b->queries.at, sizeof(float), b->queries.count);
        write_file(b, "best.u64", best, sizeof best[0], (size_t)QUERIES * K);
    }
}

static void build(bench *b) {
    fh_hnsw_writer *w = NULL;
    fh_team *team = NULL;
    fh_err err;
    fh_err_clear(&err);
    fh_hnsw_free(b->graph);
    const fh_hnsw_options o = {.dim = b->dim, .rows_max = b->rows, .links = (unsigned)b->links, .effort = (unsigned)b->effort,
                               .seed = b->builds++}; /* other levels each time: they alone move recall by half a percent */
    must(fh_hnsw_new(fh_heap(), fh_isa_best(), &o, &b->graph, &err), &err);
    must(fh_hnsw_writer_new(b->graph, (unsigned)b->threads, &w, &err), &err);
    must(fh_team_new((unsigned)b->threads, &team), &err);
    double start = seconds(b);
    must(fh_hnsw_add(b->graph, w, fh_team_par(team), b->ids, b->vectors, &err), &err);
    printf("{\"adds\":%.1f}\n", (double)b->rows / (seconds(b) - start));
    fh_team_free(team);
    fh_hnsw_writer_free(w);
}

static void search(const bench *b, size_t effort) {
    fh_hnsw_reader *r = NULL;
    fh_err err;
    size_t right = 0;
    static fh_hit hits[QUERIES * K];
    fh_err_clear(&err);
    must(fh_hnsw_reader_new(b->graph, &r, &err), &err);
    double start = seconds(b);
    for (size_t q = 0; q < QUERIES; q++) {
        size_t count;
        must(fh_hnsw_search(b->graph, r, fh_f32s_sub(b->queries, q * b->dim, b->dim), K, effort, NULL,
                            (fh_hits){hits + q * K, K}, &count, &err), &err);
    }
    double took = seconds(b) - start;
    for (size_t i = 0; i < (size_t)QUERIES * K; i++)
        for (size_t k = 0; k < K; k++)
            right += hits[i].id == b->best.at[i / K * K + k].id;
    printf("{\"effort\":%zu,\"recall\":%.4f,\"qps\":%.1f}\n", effort, (double)right / (QUERIES * K), (double)QUERIES / took);
    fh_hnsw_reader_free(r);
}

/* Codes find candidates, float32 ranks them: recall, and queries a second, all asked at once. */
static void rank(const bench *b, fh_vector_type type, size_t candidates) {
    static fh_hit hits[QUERIES * MANY];
    static size_t counts[QUERIES];
    fh_flat *codes = NULL, *numbers = NULL;
    size_t right = 0;
    fh_err err;
    fh_err_clear(&err);
    must(fh_flat_new(fh_heap(), fh_isa_best(), &(fh_flat_options){.dim = b->dim, .type = type}, &codes, &err), &err);
    must(fh_flat_new(fh_heap(), fh_isa_best(), &(fh_flat_options){.dim = b->dim}, &numbers, &err), &err);
    must(fh_flat_add(codes, b->ids, b->vectors, &err), &err);
    must(fh_flat_add(numbers, b->ids, b->vectors, &err), &err);
    fh_hits all = {hits, QUERIES * candidates};
    double start = seconds(b);
    must(fh_flat_search(codes, NULL, b->queries, candidates, NULL, all, (fh_sizes){counts, QUERIES}, &err), &err);
    double scanned = seconds(b) - start;
    must(fh_flat_rank(numbers, b->queries, all, (fh_sizes){counts, QUERIES}, &err), &err);
    double took = seconds(b) - start;
    for (size_t i = 0; i < (size_t)QUERIES * K; i++)
        for (size_t k = 0; k < K; k++)
            right += hits[i / K * candidates + i % K].id == b->best.at[i / K * K + k].id;
    printf("{\"codes\":\"%s\",\"candidates\":%zu,\"recall\":%.4f,\"qps\":%.1f,\"scan_share\":%.2f}\n",
           type == FH_VECTOR_I8 ? "I8" : type == FH_VECTOR_B1 ? "B1" : "F32", candidates, (double)right / (QUERIES * K),
           (double)QUERIES / took, scanned / took);
    fh_flat_free(codes);
    fh_flat_free(numbers);
}

static bool accepts(void *ctx, uint64_t id) {
    return fh_mix64(id) % *(uint64_t *)ctx == 0;
}

/* Microseconds a query where a filter accepts one of so many. */
static void filtered(const bench *b, uint64_t one_of) {
    enum { ASKED = 200, VIEW = 64 };
    fh_hnsw_reader *r = NULL;
    fh_err err;
    fh_err_clear(&err);
    must(fh_hnsw_reader_new(b->graph, &r, &err), &err);
    double start = seconds(b);
    for (size_t q = 0; q < ASKED; q++) {
        fh_hit hits[K];
        size_t count;
        must(fh_hnsw_search(b->graph, r, fh_f32s_sub(b->queries, q * b->dim, b->dim), K, VIEW,
                            &(fh_hit_filter){accepts, &one_of}, (fh_hits){hits, K}, &count, &err), &err);
    }
    printf("{\"one_of\":%llu,\"us\":%.1f}\n", (unsigned long long)one_of, (seconds(b) - start) * 1e6 / (double)ASKED);
    fh_hnsw_reader_free(r);
}

static size_t number(const char *text, size_t least, size_t most) {
    char *end;
    unsigned long long n = strtoull(text, &end, 10);
    if ((*end != '\0' && *end != '\n') || n < least || n > most) {
        fprintf(stderr, "bench_hnsw: %s, expected %zu to %zu\n", text, least, most);
        exit(2);
    }
    return (size_t)n;
}

int main(int argc, char **argv) {
    bench b = {.rows = 50000, .dim = 128, .links = 16, .effort = 200, .threads = 1};
    const struct {
        const char *name;
        size_t *to, most;
    } numbers[] = {{"--rows", &b.rows, 10000000}, {"--dim", &b.dim, 4096}, {"--links", &b.links, FH_HNSW_LINKS_MAX},
                   {"--effort", &b.effort, FH_HNSW_EFFORT_MAX}, {"--threads", &b.threads, FH_HNSW_THREADS_MAX}};
    for (int i = 1; i < argc; i++) {
        bool known = strcmp(argv[i], "--paced") == 0;
        b.paced |= known;
        if (strcmp(argv[i], "--write") == 0 && i + 1 < argc) {
            b.folder = argv[++i];
            continue;
        }
        for (size_t n = 0; n < sizeof numbers / sizeof numbers[0] && !known; n++)
            if (strcmp(argv[i], numbers[n].name) == 0 && i + 1 < argc) {
                *numbers[n].to = number(argv[++i], 1, numbers[n].most);
                known = true;
            }
        if (!known) {
            fprintf(stderr, "bench_hnsw [--rows N] [--dim N] [--links N] [--effort N] [--threads N] [--write DIR] [--paced]\n");
            return 2;
        }
    }
    char line[32];
    prepare(&b);
    if (b.paced) {
        printf("{\"ready\":true}\n");
        fflush(stdout);
        while (fgets(line, sizeof line, stdin) != NULL) {
            if (strcmp(line, "build\n") == 0)
                build(&b);
            else
                search(&b, number(line, 1, FH_HITS_MAX));
            fflush(stdout);
        }
    } else {
        build(&b);
        for (size_t effort = 10; effort <= 160; effort *= 2)
            search(&b, effort);
        for (uint64_t one_of = 1; one_of <= 4096; one_of *= 4)
            filtered(&b, one_of);
        for (size_t candidates = K; candidates <= MANY; candidates *= 2)
            for (int t = FH_VECTOR_I8; t <= FH_VECTOR_B1; t++)
                rank(&b, (fh_vector_type)t, candidates);
        rank(&b, FH_VECTOR_F32, K);
    }
    fh_hnsw_free(b.graph);
    fh_u64s_free(fh_heap(), &b.ids);
    fh_f32s_free(fh_heap(), &b.vectors);
    fh_f32s_free(fh_heap(), &b.queries);
    fh_hits_free(fh_heap(), &b.best);
    return 0;
}
