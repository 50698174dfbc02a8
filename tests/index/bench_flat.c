/* bench_flat.c: exact search: queries a second, and the share of the memory's bandwidth.
 *
 *     bench_flat [--rows N] [--dim N] [--rounds N] [--threads N] [--json]
 *     bench_flat --paced METRIC …         for bench_flat_peer.py: float32 and one metric (its number in fh_metric); a round for
 *                                         each line on standard input, a line of JSON for each round
 *
 * The yardstick is measured in the same run: a loop that adds up the same number of bytes. Rounds of yardstick, single queries
 * and batches of 64 take turns; medians are printed. Vectors are random; for an exact search that does not matter. Seconds of
 * one thread are those of the processor, so that a busy machine counts for less; those of several are those of the clock.
 *
 * Threading: the main thread drives a team of N threads. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "freehold/hash.h"
#include "freehold/index.h"
#include "freehold/os.h"

enum { ROUNDS_MAX = 99, BATCH = 64, SINGLES = 8, K = 10, KINDS = 3 };

typedef struct bench {
    size_t rows, dim;
    unsigned rounds, threads;
    int paced; /* the metric, or −1 */
    bool json;
} bench;

static bool by_clock; /* several threads: seconds of the clock */

static void must(fh_status s, const fh_err *err) {
    if (fh_failed(s)) {
        fprintf(stderr, "%s: %s\n", fh_code_name(s.code), err->message);
        exit(1);
    }
}

static int order(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *x, unsigned n) {
    qsort(x, n, sizeof *x, order);
    return x[n / 2];
}

static uint64_t now_ns(void) {
    return by_clock ? fh_os_clock_ns() : (uint64_t)((double)clock() * (1e9 / CLOCKS_PER_SEC));
}

static double seconds(uint64_t since_ns) {
    return (double)(now_ns() - since_ns) * 1e-9;
}

/* GB/s of a sum over the words. */
static double stream(fh_u64s words) {
    uint64_t sum[8] = {0}, start = now_ns();
    for (size_t i = 0; i + 8 <= words.count; i += 8)
        for (size_t k = 0; k < 8; k++)
            sum[k] += words.at[i + k];
    double took = seconds(start);
    volatile uint64_t keep = sum[0] + sum[1] + sum[2] + sum[3] + sum[4] + sum[5] + sum[6] + sum[7];
    (void)keep;
    return (double)(words.count * 8) * 1e-9 / took;
}

static double queries_a_second(fh_flat *flat, const fh_par *par, fh_f32s queries, size_t dim, size_t together) {
    static fh_hit hits[BATCH * K];
    size_t counts[BATCH], asked = queries.count / dim;
    fh_err err;
    fh_err_clear(&err);
    uint64_t start = now_ns();
    for (size_t q = 0; q < asked; q += together)
        must(fh_flat_search(flat, par, fh_f32s_sub(queries, q * dim, together * dim), K, NULL, (fh_hits){hits, together * K},
                            (fh_sizes){counts, together}, &err), &err);
    return (double)asked / seconds(start);
}

static void measure(const bench *b, const fh_par *par, fh_vector_type t, fh_metric metric, const char *name, fh_u64s words) {
    static float queries[BATCH * 4096];
    double all[KINDS][ROUNDS_MAX];
    fh_flat *flat = NULL;
    fh_u64s ids;
    fh_f32s vectors;
    fh_err err;
    fh_err_clear(&err);
    const fh_flat_options options = {.dim = b->dim, .type = t, .metric = metric};
    must(fh_flat_new(fh_heap(), fh_isa_best(), &options, &flat, &err), &err);
    must(fh_u64s_new(fh_heap(), b->rows, &ids), &err);
    must(fh_f32s_new(fh_heap(), b->rows * b->dim, &vectors), &err);
    for (size_t i = 0; i < b->rows; i++)
        ids.at[i] = i;
    for (size_t i = 0; i < vectors.count; i++)
        vectors.at[i] = (float)(int32_t)fh_mix64(i) * 0x1p-31f;
    for (size_t i = 0; i < BATCH * b->dim; i++)
        queries[i] = (float)(int32_t)fh_mix64(~i) * 0x1p-31f;
    must(fh_flat_add(flat, ids, vectors, &err), &err);
    char line[16];
    for (unsigned r = 0; r < b->rounds && (b->paced < 0 || fgets(line, sizeof line, stdin) != NULL); r++) {
        all[0][r] = stream(words);
        all[1][r] = queries_a_second(flat, par, (fh_f32s){queries, SINGLES * b->dim}, b->dim, 1);
        all[2][r] = queries_a_second(flat, par, (fh_f32s){queries, BATCH * b->dim}, b->dim, BATCH);
        if (b->paced >= 0)
            printf("{\"stream_gbs\":%.3f,\"single_qps\":%.2f,\"batch_qps\":%.2f}\n", all[0][r], all[1][r], all[2][r]);
        fflush(stdout);
    }
    double gbs = median(all[0], b->rounds), single = median(all[1], b->rounds), batch = median(all[2], b->rounds);
    size_t tile_bytes;
    must(fh_tile_bytes(t, b->dim, &tile_bytes), &err);
    double bytes = (double)b->rows * (double)(tile_bytes / FH_TILE_ROWS), share = single * bytes * 1e-9 / gbs;
    const char *kind = metric == FH_METRIC_L2 ? "L2" : metric == FH_METRIC_IP ? "inner product" : "cosine";
    if (b->json && b->paced < 0)
        printf("{\"type\":\"%s\",\"metric\":\"%s\",\"rows\":%zu,\"dim\":%zu,\"threads\":%u,\"single_qps\":%.1f,"
               "\"batch_qps\":%.1f,\"stream_gbs\":%.2f,\"share\":%.3f}\n",
               name, kind, b->rows, b->dim, b->threads, single, batch, gbs, share);
    else if (b->paced < 0)
        printf("%-5s %-14s %10.1f %10.1f %9.1f %8.0f %%\n", name, kind, single, batch, gbs, 100.0 * share);
    fh_flat_free(flat);
    fh_u64s_free(fh_heap(), &ids);
    fh_f32s_free(fh_heap(), &vectors);
}

static size_t number(const char *text, size_t least, size_t most) {
    char *end;
    unsigned long long n = strtoull(text, &end, 10);
    if (*end != '\0' || n < least || n > most) {
        fprintf(stderr, "bench_flat: %s, expected %zu to %zu\n", text, least, most);
        exit(2);
    }
    return (size_t)n;
}

int main(int argc, char **argv) {
    bench b = {.rows = 100000, .dim = 128, .rounds = 7, .threads = 1, .paced = -1};
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--json") == 0)
            b.json = true;
        else if (strcmp(argv[i], "--rows") == 0 && ++i < argc)
            b.rows = number(value, 16, 100000000);
        else if (strcmp(argv[i], "--dim") == 0 && ++i < argc)
            b.dim = number(value, 1, 4096);
        else if (strcmp(argv[i], "--rounds") == 0 && ++i < argc)
            b.rounds = (unsigned)number(value, 1, ROUNDS_MAX);
        else if (strcmp(argv[i], "--paced") == 0 && ++i < argc)
            b.paced = (int)number(value, 0, FH_METRIC_COUNT - 1);
        else if (strcmp(argv[i], "--threads") == 0 && ++i < argc)
            b.threads = (unsigned)number(value, 1, 64);
        else {
            fprintf(stderr, "bench_flat [--rows N] [--dim N] [--rounds N] [--threads N] [--json] [--paced METRIC]\n");
            return 2;
        }
    }
    by_clock = b.threads > 1;
    fh_team *team = NULL;
    fh_u64s words;
    fh_err err;
    fh_err_clear(&err);
    must(fh_team_new(b.threads, &team), &err);
    must(fh_u64s_new(fh_heap(), b.rows * b.dim / 2, &words), &err);
    for (size_t i = 0; i < words.count; i++)
        words.at[i] = i;
    if (!b.json && b.paced < 0)
        printf("%zu vectors of %zu elements, the %d best, %u threads, medians of %u rounds\n"
               "type  metric         one by one  64 at once   GB/s of a sum   share of it\n",
               b.rows, b.dim, K, b.threads, b.rounds);
    static const struct {
        fh_vector_type t;
        const char *name;
    } types[] = {{FH_VECTOR_F32, "F32"}, {FH_VECTOR_F16, "F16"}, {FH_VECTOR_BF16, "BF16"},
                 {FH_VECTOR_I8, "I8"}, {FH_VECTOR_B1, "B1"}};
    if (b.paced >= 0)
        measure(&b, fh_team_par(team), FH_VECTOR_F32, (fh_metric)b.paced, "F32", words);
    for (size_t t = 0; t < FH_VECTOR_COUNT && b.paced < 0; t++)
        for (int m = 0; m < FH_METRIC_COUNT; m++)
            measure(&b, fh_team_par(team), types[t].t, (fh_metric)m, types[t].name, words);
    fh_u64s_free(fh_heap(), &words);
    fh_team_free(team);
    return 0;
}
