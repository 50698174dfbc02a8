/* bench_race.c: how many double frees and stale uses slip through when threads race for them. None must.
 *
 *     bench_race [--tries N]         10^8 by default, spread over the four races; exit status 1 if anything was missed
 *
 * A try is a second release of a slot, at the same time as the first, or a look-up right after either. race.h says how they are
 * counted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "race.h"

int main(int argc, char **argv) {
    uint64_t tries = 100000000;
    if (argc == 3 && strcmp(argv[1], "--tries") == 0)
        tries = strtoull(argv[2], NULL, 10);
    static const struct {
        const char *name;
        fh_pool_threads kind;
        bool is_owner_in;
        unsigned tries_each; /* a double free comes with so many look-ups */
    } races[] = {
        {"single writer, owner and another", FH_POOL_SHARED, true, 3},
        {"single writer, two others", FH_POOL_SHARED, false, 3},
        {"compare-and-swap, two", FH_POOL_SHARED_BORROW, true, 3},
        {"compare-and-swap, two and an owner", FH_POOL_SHARED_BORROW, false, 3},
    };
    uint64_t all = 0, missed = 0;
    printf("%-36s %13s %13s %13s %8s %8s\n", "race", "double frees", "seen late", "stale uses", "missed", "seconds");
    for (size_t i = 0; i < sizeof races / sizeof races[0]; i++) {
        uint64_t began = fh_os_clock_ns();
        race_result r = race_run(fh_heap(), races[i].kind, races[i].is_owner_in, tries / 4 / races[i].tries_each);
        uint64_t bad = r.missed_frees + r.missed_uses + r.lost_lives + r.failures;
        printf("%-36s %13llu %13llu %13llu %8llu %8.1f\n", races[i].name, (unsigned long long)r.double_frees,
               (unsigned long long)r.late, (unsigned long long)r.stale_uses, (unsigned long long)bad,
               (double)(fh_os_clock_ns() - began) / 1e9);
        if (bad != 0)
            printf("  missed frees %llu, missed uses %llu, lost lives %llu, failures %llu\n",
                   (unsigned long long)r.missed_frees, (unsigned long long)r.missed_uses, (unsigned long long)r.lost_lives,
                   (unsigned long long)r.failures);
        all += r.double_frees + r.stale_uses;
        missed += bad;
    }
    printf("%llu tries, %llu missed\n", (unsigned long long)all, (unsigned long long)missed);
    return missed == 0 ? 0 : 1;
}
