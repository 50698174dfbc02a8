/* bench_scan.c: how fast text is cut by the expressions of well-known models.
 *
 *     bench_scan [FILE …]      these texts, each for itself; without one, a made text
 *
 * For each expression: by masks (the fastest of this processor), by masks in plain C, character by character, and by PCRE2, in
 * turn; medians of the rounds, in MB of text a second, and pieces of all four compared. */
#define _GNU_SOURCE /* clock_gettime */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "freehold/hash.h"
#include "freehold/os.h"
#include "scan_patterns.h"
#include "text/kern/pcre.h"

enum { WAYS = 4, ROUNDS = 9, MADE_BYTES = 4 << 20, PCRE_BYTES = 1 << 20 };

static uint8_t made[MADE_BYTES];

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Words of two to eleven letters with the punctuation, numbers and lines of prose. */
static fh_span make(void) {
    uint64_t state = 7;
    size_t n = 0;
    while (n + 32 < sizeof made) {
        uint64_t r = fh_mix64(state++);
        for (size_t letters = 2 + (r & 3) + (r >> 2 & 7) % 7; letters > 0; letters--)
            made[n++] = (uint8_t)('a' + (r = fh_mix64(r)) % 26);
        const char *end = r % 97 == 0 ? "'s " : r % 23 == 0 ? ", " : r % 31 == 0 ? ".\n" : r % 53 == 0 ? " 1997 " : " ";
        for (; *end; end++)
            made[n++] = (uint8_t)*end;
    }
    return (fh_span){made, n};
}

/* Cuts all of the text in one of the ways; a hash of the ends. */
static uint64_t cut(int way, fh_scan scan, const fh_pcre *re, fh_pcre_room *room, fh_span text) {
    static uint32_t ends[4096];
    uint64_t hash = 0;
    for (size_t at = 0; at < text.size;) {
        if (way < 2) {
            size_t count = fh_scan_ends(scan, way == 0 ? fh_masks_best() : fh_masks_plain, text, &at, (fh_u32s){ends, 4096});
            for (size_t i = 0; i < count; i++)
                hash = hash * 31 + ends[i];
        } else {
            size_t begin = at, end = at;
            if (way == 2)
                end = fh_scan_end(scan, text, at);
            else if (fh_failed(fh_pcre_find(re, room, text, at, &begin, &end)))
                end = text.size;
            else if (begin > at)
                hash = hash * 31 + begin;
            at = end;
            hash = hash * 31 + end;
        }
    }
    return hash;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int measure(fh_scan scan, fh_span text, fh_pcre_room *room) {
    fh_pcre *re = NULL;
    const int ways = scan == FH_SCAN_DEEPSEEK3 ? WAYS - 1 : WAYS; /* it has no expression of its own */
    if (ways == WAYS && fh_failed(fh_pcre_new(fh_heap(), fh_span_of_str(scan_patterns[scan]), &re, NULL)))
        return 1;
    /* A text cut short is cut at a character, and all ways see the same one when they are compared. */
    fh_span part = fh_span_sub(text, 0, text.size < PCRE_BYTES ? text.size : PCRE_BYTES);
    while (part.size > 0 && part.size < text.size && (text.at[part.size] & 0xc0) == 0x80)
        part.size--;
    double rate[WAYS][ROUNDS] = {{0}};
    int differ = 0;
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t hash[WAYS] = {0};
        for (int way = 0; way < ways; way++) {
            double start = now();
            hash[way] = cut(way, scan, re, room, part);
            rate[way][round] = (double)part.size / 1e6 / (now() - start);
            differ |= hash[way] != hash[0];
        }
    }
    printf("  %-10s", scan_names[scan]);
    for (int way = 0; way < ways; way++) {
        qsort(rate[way], ROUNDS, sizeof *rate[way], by_value);
        printf(" %9.0f", rate[way][ROUNDS / 2]);
    }
    printf("%s\n", differ ? "   PIECES DIFFER" : "");
    fh_pcre_free(re);
    return differ;
}

static int table(const char *name, fh_span text, fh_pcre_room *room) {
    int failed = 0;
    printf("%s: %.1f MB; MB/s of processor time\n", name, (double)text.size / 1e6);
    printf("  %-10s %9s %9s %9s %9s\n", "", "masks", "plain C", "one by one", "PCRE2");
    for (int scan = FH_SCAN_NONE + 1; scan < FH_SCAN_COUNT; scan++)
        failed |= measure((fh_scan)scan, text, room);
    return failed;
}

int main(int argc, char **argv) {
    fh_pcre_room *room = NULL;
    if (fh_failed(fh_pcre_room_new(fh_heap(), &room)))
        return 1;
    int failed = argc > 1 ? 0 : table("made text", make(), room);
    for (int i = 1; i < argc; i++) {
        fh_os_map map;
        fh_err err;
        fh_err_clear(&err);
        if (fh_failed(fh_os_map_open(argv[i], &map, &err))) {
            fprintf(stderr, "%s\n", err.message);
            return 1;
        }
        failed |= table(argv[i], map.bytes, room);
        fh_os_map_close(&map);
    }
    fh_pcre_room_free(room);
    return failed;
}
