/* bench_kernels.c: what share of the processor's integer peak and of the memory's bandwidth the CPU device reaches.
 *
 *     bench_kernels [--threads N] [--isa NAME] [--only PART] [--cpu-time] [--json]
 *
 * Both yardsticks are measured in the same run: the peak by a loop of vpdpbusd on registers (two a cycle of 128 operations
 * on a server core), the bandwidth by a loop that adds up 768 MiB. Each number is the best of several passes, because
 * other work on the machine can only make one slower; --cpu-time, for one thread, counts only the time that the thread
 * ran, which helps on a machine with other work. Shapes are those of a 1.1 B model: 2048 columns, 5632 hidden, 32 heads
 * over 4 key heads of 64.
 *
 * Threading: the main thread drives a device whose team has N threads. */
#define _GNU_SOURCE 1

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "freehold/device.h"
#include "freehold/fmath.h"
#include "freehold/hash.h"
#include "freehold/os.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { COLS = 2048, HIDDEN = 5632, HEADS = 32, KV_HEADS = 4, HEAD_DIM = 64, PROMPT = 512 };

struct bench {
    unsigned threads;
    bool json;
    const char *only;
    fh_isa isa;
    fh_team *team;
    double peak_gops, stream_gbs;
};

static void must(fh_status s, const fh_err *err) {
    if (fh_failed(s)) {
        fprintf(stderr, "%s: %s\n", fh_code_name(s.code), err != NULL ? err->message : "");
        exit(1);
    }
}

static bool cpu_time;

static uint64_t clock_ns(void) {
    struct timespec t;
    if (!cpu_time)
        return fh_os_clock_ns();
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static double seconds(uint64_t since_ns) {
    return (double)(clock_ns() - since_ns) * 1e-9;
}

static void report(const struct bench *b, const char *what, const char *type, double value, const char *unit, double share) {
    if (b->json)
        printf(
            "{\"bench\":\"%s\",\"type\":\"%s\",\"isa\":\"%s\",\"threads\":%u,\"value\":%.2f,\"unit\":\"%s\",\"share\":%.3f}\n",
            what, type, fh_isa_name(b->isa), b->threads, value, unit, share);
    else
        printf("%-22s %-5s %-7s %u thread%s %8.1f %-8s %5.1f %%\n", what, type, fh_isa_name(b->isa), b->threads,
               b->threads == 1 ? " " : "s", value, unit, 100.0 * share);
    fflush(stdout);
}

/* --- yardsticks ------------------------------------------------------------------------------------------------- */

enum { STREAM_BYTES = 768 << 20 };

struct stream {
    const uint64_t *words;
    uint64_t sum[256];
};

#if defined(__x86_64__)
__attribute__((target("avx512f,avx512vnni"))) static int peak_loop(long rounds) {
    const __m512i x = _mm512_set1_epi8(3);
    __m512i a = x, b = x, c = x, d = x, e = x, f = x, g = x, h = x, i = x, j = x, k = x, l = x;
    for (long r = 0; r < rounds; r++) {
        a = _mm512_dpbusd_epi32(a, x, x), b = _mm512_dpbusd_epi32(b, x, x), c = _mm512_dpbusd_epi32(c, x, x);
        d = _mm512_dpbusd_epi32(d, x, x), e = _mm512_dpbusd_epi32(e, x, x), f = _mm512_dpbusd_epi32(f, x, x);
        g = _mm512_dpbusd_epi32(g, x, x), h = _mm512_dpbusd_epi32(h, x, x), i = _mm512_dpbusd_epi32(i, x, x);
        j = _mm512_dpbusd_epi32(j, x, x), k = _mm512_dpbusd_epi32(k, x, x), l = _mm512_dpbusd_epi32(l, x, x);
    }
    a = _mm512_add_epi32(_mm512_add_epi32(_mm512_add_epi32(a, b), _mm512_add_epi32(c, d)), _mm512_add_epi32(e, f));
    g = _mm512_add_epi32(_mm512_add_epi32(_mm512_add_epi32(g, h), _mm512_add_epi32(i, j)), _mm512_add_epi32(k, l));
    return _mm512_reduce_add_epi32(_mm512_add_epi32(a, g));
}

__attribute__((target("avx512f"))) static uint64_t stream_loop(const uint64_t *words, size_t count) {
    __m512i sum[4] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()};
    for (size_t i = 0; i + 32 <= count; i += 32)
        for (size_t k = 0; k < 4; k++) {
            _mm_prefetch((const void *)((uintptr_t)(words + i + 8 * k) + 4096), _MM_HINT_T0);
            sum[k] = _mm512_add_epi64(sum[k], _mm512_loadu_si512(words + i + 8 * k));
        }
    return (uint64_t)_mm512_reduce_add_epi64(
        _mm512_add_epi64(_mm512_add_epi64(sum[0], sum[1]), _mm512_add_epi64(sum[2], sum[3])));
}
#endif

static uint64_t stream_plain(const uint64_t *words, size_t count) {
    uint64_t sum[8] = {0}, all = 0;
    for (size_t i = 0; i + 8 <= count; i += 8)
        for (size_t k = 0; k < 8; k++)
            sum[k] += words[i + k];
    for (size_t k = 0; k < 8; k++)
        all += sum[k];
    return all;
}

static void stream_work(void *arg, unsigned part, unsigned parts) {
    struct stream *s = arg;
    fh_range share = fh_par_share(STREAM_BYTES / 8 / 512, part, parts);
    const uint64_t *words = s->words + share.from * 512;
    size_t count = (share.to - share.from) * 512;
#if defined(__x86_64__)
    if (fh_isa_best() == FH_ISA_AVX512) {
        s->sum[part] = stream_loop(words, count);
        return;
    }
#endif
    s->sum[part] = stream_plain(words, count);
}

static volatile uint64_t sink;

static void peak_work(void *arg, unsigned part, unsigned parts) {
    (void)parts;
    uint64_t *sums = arg;
#if defined(__x86_64__)
    sums[part] = (uint64_t)peak_loop(2000000);
#else
    sums[part] = 0;
#endif
}

static void measure_yardsticks(struct bench *b) {
    const fh_par *par = fh_team_par(b->team);
    uint64_t *words = fh_alloc(fh_heap(), STREAM_BYTES, 1);
    struct stream s = {.words = words};
    must(FH_STATUS(words == NULL ? FH_NOMEM : FH_OK), NULL);
    memset(words, 1, STREAM_BYTES);
    double best = 1e9;
    for (int pass = 0; pass < 4; pass++) {
        uint64_t since = clock_ns();
        fh_par_run(par, stream_work, &s);
        double t = seconds(since);
        best = t < best ? t : best;
        sink = s.sum[0];
    }
    b->stream_gbs = (double)STREAM_BYTES / best * 1e-9;
    fh_free(fh_heap(), words);
    best = 1e9;
    for (int pass = 0; pass < 5 && fh_isa_best() == FH_ISA_AVX512; pass++) {
        uint64_t since = clock_ns();
        fh_par_run(par, peak_work, s.sum);
        double t = seconds(since);
        best = t < best ? t : best;
        sink = s.sum[0];
    }
    b->peak_gops = 2000000.0 * 12 * 128 * b->threads / best * 1e-9;
    report(b, "read stream", "", b->stream_gbs, "GB/s", 1.0);
    report(b, "vpdpbusd", "", b->peak_gops, "Gop/s", 1.0);
}

/* --- the device ------------------------------------------------------------------------------------------------- */

/* Random weights with small scales. */
static fh_bytes random_weights(fh_dtype t, uint64_t cols, uint64_t rows) {
    uint64_t bytes = 0, state = 1;
    if (!fh_dtype_bytes(t, cols, rows, &bytes))
        exit(1);
    uint8_t *at = malloc(bytes);
    must(FH_STATUS(at == NULL ? FH_NOMEM : FH_OK), NULL);
    for (uint64_t i = 0; i + 8 <= bytes; i += 8) {
        uint64_t x = fh_mix64(state++);
        memcpy(at + i, &x, 8);
    }
    uint64_t block = t == FH_DTYPE_Q8_0 ? 34 : t == FH_DTYPE_Q4_0 ? 18 : t == FH_DTYPE_F32 ? 4 : 2;
    for (uint64_t i = 0; i < bytes / block; i++) {
        float value = (float)(fh_mix64(state++) % 1000) * 1e-5f;
        uint16_t half = t == FH_DTYPE_BF16 ? fh_bf16_of_f32(value) : fh_f16_of_f32(value);
        if (t == FH_DTYPE_F32)
            memcpy(at + 4 * i, &value, 4);
        else
            memcpy(at + block * i, &half, 2);
    }
    fh_bytes out;
    must(fh_bytes_wrap(fh_heap(), (fh_span){at, bytes}, free, at, &out), NULL);
    return out;
}

static fh_tensor tensor(fh_device *dev, uint64_t cols, uint64_t rows) {
    fh_tensor t = {.cols = cols, .rows = rows};
    must(fh_device_alloc(dev, cols * rows * 4, &t.mem), NULL);
    float *x = malloc(cols * rows * 4);
    for (uint64_t i = 0; i < cols * rows; i++)
        x[i] = (float)(fh_mix64(i) % 2001) * 0.001f - 1.0f;
    must(fh_device_write(dev, t.mem, 0, (fh_span){(const uint8_t *)x, cols * rows * 4}), NULL);
    free(x);
    return t;
}

static fh_device *device(const struct bench *b) {
    fh_device *dev = NULL;
    must(fh_cpu_new(fh_heap(), fh_team_par(b->team), b->isa, &dev), NULL);
    return dev;
}

static bool wanted(const struct bench *b, const char *part) {
    return b->only == NULL || strcmp(b->only, part) == 0;
}

/* Products of `rows` rows: arithmetic rate. */
static void bench_gemm(const struct bench *b, fh_dtype t, uint64_t rows) {
    fh_device *dev = device(b);
    fh_err err = {0};
    fh_bytes data = random_weights(t, COLS, HIDDEN);
    fh_weight w;
    must(fh_device_weight(dev, &(fh_weight_desc){t, COLS, HIDDEN, 1, data, false}, &w, &err), &err);
    fh_matmul op = {.x = tensor(dev, COLS, rows), .count = 1, .out = {{w, tensor(dev, HIDDEN, rows), false}}};
    double best = 1e9, spent = 0;
    for (int pass = 0; pass < 200 && (pass < 3 || spent < 0.6); pass++) {
        uint64_t since = clock_ns();
        must(fh_device_matmul(dev, &op, &err), &err);
        double s = seconds(since);
        spent += s;
        best = s < best ? s : best;
    }
    double gops = 2.0 * (double)COLS * (double)HIDDEN * (double)rows / best * 1e-9;
    char name[32];
    snprintf(name, sizeof name, "gemm %llu rows", (unsigned long long)rows);
    report(b, name, fh_dtype_name(t), gops, "Gop/s", b->peak_gops > 0 ? gops / b->peak_gops : 0);
    fh_device_free(dev);
    fh_bytes_drop(&data);
}

/* Products of few rows over more weights than any cache holds: rate of weight bytes. */
static void bench_gemv(const struct bench *b, fh_dtype t, uint64_t rows) {
    enum { MOST = 256 };
    fh_device *dev = device(b);
    fh_err err = {0};
    fh_bytes data = random_weights(t, COLS, HIDDEN);
    size_t count = STREAM_BYTES / data.span.size + 1;
    fh_weight w[MOST];
    count = count < MOST ? count : MOST;
    for (size_t i = 0; i < count; i++) {
        fh_bytes own = data;
        if (fh_dtype_block(t) == 1)
            must(fh_bytes_copy(fh_heap(), data.span, &own), NULL);
        must(fh_device_weight(dev, &(fh_weight_desc){t, COLS, HIDDEN, 1, own, false}, &w[i], &err), &err);
        if (fh_dtype_block(t) == 1)
            fh_bytes_drop(&own);
    }
    fh_matmul op = {.x = tensor(dev, COLS, rows), .count = 1, .out = {{w[0], tensor(dev, HIDDEN, rows), false}}};
    double best = 1e9;
    for (int pass = 0; pass < 5; pass++) {
        uint64_t since = clock_ns();
        for (size_t i = 0; i < count; i++) {
            op.out[0].w = w[i];
            must(fh_device_matmul(dev, &op, &err), &err);
        }
        double s = seconds(since);
        best = s < best ? s : best;
    }
    double gbs = (double)data.span.size * (double)count / best * 1e-9;
    char name[32];
    snprintf(name, sizeof name, "gemv %llu row%s", (unsigned long long)rows, rows == 1 ? "" : "s");
    report(b, name, fh_dtype_name(t), gbs, "GB/s", gbs / b->stream_gbs);
    fh_device_free(dev);
    fh_bytes_drop(&data);
}

/* Attention of `rows` rows that end at position `end`. */
static void bench_attend(const struct bench *b, uint64_t rows, uint64_t end) {
    enum { MOST = 64 };
    fh_device *dev = device(b);
    fh_err err = {0};
    uint64_t layer = 0, kv_cols = KV_HEADS * HEAD_DIM, segments = end / FH_KV_BLOCK;
    if (!fh_kv_layer_bytes(KV_HEADS, HEAD_DIM, &layer) || segments > MOST)
        exit(1);
    fh_mem mems[MOST];
    for (uint64_t i = 0; i < segments; i++)
        must(fh_device_alloc(dev, layer, &mems[i]), NULL);
    uint32_t *zeros = calloc(end, 4), *positions = calloc(end, 4);
    fh_kv_view kv = {.segments = {mems, segments}, .kv_heads = KV_HEADS, .head_dim = HEAD_DIM};
    fh_tensor k = tensor(dev, kv_cols, end), v = tensor(dev, kv_cols, end);
    for (uint64_t i = 0; i < end; i++)
        positions[i] = (uint32_t)i;
    kv.first = kv.base = (fh_u32s){zeros, end};
    kv.positions = (fh_u32s){positions, end};
    must(fh_device_kv_put(dev, &(fh_kv_put){k, v, kv}, &err), &err);
    kv.first = kv.base = (fh_u32s){zeros, rows};
    kv.positions = (fh_u32s){positions + end - rows, rows};
    fh_attend op = {tensor(dev, HEADS * HEAD_DIM, rows), tensor(dev, HEADS * HEAD_DIM, rows), kv, HEADS, 0.125f};
    double best = 1e9, spent = 0, flops = 0;
    for (uint64_t i = end - rows; i < end; i++)
        flops += 4.0 * (double)HEADS * (double)HEAD_DIM * (double)(i + 1);
    for (int pass = 0; pass < 1000 && (pass < 3 || spent < 0.5); pass++) {
        uint64_t since = clock_ns();
        must(fh_device_attend(dev, &op, &err), &err);
        double s = seconds(since);
        spent += s;
        best = s < best ? s : best;
    }
    char name[40];
    snprintf(name, sizeof name, "attend %llu at %llu", (unsigned long long)rows, (unsigned long long)end);
    report(b, name, "F16", flops / best * 1e-9, "GFLOP/s", 0);
    fh_device_free(dev);
    free(zeros);
    free(positions);
}

/* The small operations around the products of a step, in microseconds. */
static void bench_rows(const struct bench *b) {
    fh_device *dev = device(b);
    fh_err err = {0};
    fh_bytes ones;
    float *w = malloc(COLS * 4);
    for (size_t i = 0; i < COLS; i++)
        w[i] = 1.0f;
    must(fh_bytes_copy(fh_heap(), (fh_span){(const uint8_t *)w, COLS * 4}, &ones), NULL);
    free(w);
    fh_weight norm;
    must(fh_device_weight(dev, &(fh_weight_desc){FH_DTYPE_F32, COLS, 1, 1, ones, false}, &norm, &err), &err);
    double freq[HEAD_DIM / 2];
    uint32_t positions[PROMPT];
    for (uint32_t i = 0; i < HEAD_DIM / 2; i++)
        freq[i] = 1.0 / (1.0 + i);
    for (uint32_t i = 0; i < PROMPT; i++)
        positions[i] = i;
    for (uint64_t rows = 1; rows <= PROMPT; rows *= PROMPT) {
        fh_tensor x = tensor(dev, COLS, rows), y = tensor(dev, COLS, rows);
        double best[2] = {1e9, 1e9};
        for (int pass = 0; pass < 200; pass++) {
            uint64_t since = clock_ns();
            must(fh_device_norm(dev, &(fh_norm){x, y, norm, 1e-5f}, &err), &err);
            double s = seconds(since);
            best[0] = s < best[0] ? s : best[0];
            since = clock_ns();
            must(fh_device_rope(
                     dev, &(fh_rope){y, {positions, rows}, {(const uint8_t *)freq, sizeof freq}, HEAD_DIM, HEAD_DIM, false},
                     &err),
                 &err);
            s = seconds(since);
            best[1] = s < best[1] ? s : best[1];
        }
        char name[32];
        snprintf(name, sizeof name, "norm %llu x 2048", (unsigned long long)rows);
        report(b, name, "", best[0] * 1e6, "us", 0);
        snprintf(name, sizeof name, "rope %llu x 2048", (unsigned long long)rows);
        report(b, name, "", best[1] * 1e6, "us", 0);
    }
    fh_device_free(dev);
    fh_bytes_drop(&ones);
}

static void run(struct bench *b) {
    measure_yardsticks(b);
    if (wanted(b, "gemm"))
        for (unsigned t = 0; t < FH_DTYPE_COUNT; t++)
            bench_gemm(b, (fh_dtype)t, b->isa == FH_ISA_SCALAR ? 8 : PROMPT);
    if (wanted(b, "skinny"))
        for (uint64_t rows = 2; rows <= 16; rows *= 2)
            for (unsigned t = FH_DTYPE_Q8_0; t < FH_DTYPE_COUNT; t++)
                bench_gemv(b, (fh_dtype)t, rows);
    if (wanted(b, "gemv") && b->isa != FH_ISA_SCALAR)
        for (unsigned t = 0; t < FH_DTYPE_COUNT; t++)
            bench_gemv(b, (fh_dtype)t, 1);
    if (wanted(b, "attend")) {
        bench_attend(b, b->isa == FH_ISA_SCALAR ? 16 : PROMPT, PROMPT);
        bench_attend(b, 1, 2048);
    }
    if (wanted(b, "rows"))
        bench_rows(b);
}

int main(int argc, char **argv) {
    struct bench b = {.threads = 1, .isa = fh_isa_best()};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            b.json = true;
        else if (strcmp(argv[i], "--cpu-time") == 0)
            cpu_time = true;
        else if (strcmp(argv[i], "--threads") == 0 && i + 1 < argc)
            b.threads = (unsigned)atoi(argv[++i]);
        else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
            b.only = argv[++i];
        else if (strcmp(argv[i], "--isa") == 0 && i + 1 < argc)
            for (i++, b.isa = FH_ISA_SCALAR; b.isa < FH_ISA_COUNT && strcmp(fh_isa_name(b.isa), argv[i]) != 0;)
                b.isa++;
    }
    if (b.isa > fh_isa_best() || b.threads == 0 || (cpu_time && b.threads > 1)) {
        fprintf(stderr,
                "bench_kernels [--threads N] [--isa scalar|avx2|avx512] [--only gemm|gemv|skinny|attend|rows] [--cpu-time] "
                "[--json]\n");
        return 2;
    }
    must(fh_team_new(b.threads, &b.team), NULL);
    run(&b);
    fh_team_free(b.team);
    return 0;
}
