/* weave_engine.h: what the parts of the explorer share: weave.c (choices, threads, the memory model), weave_memory.c (plain
 * memory and the allocator), weave_run.c (lists of tests, planted bugs, reports). weave.h says what it all is for.
 *
 * Threading: none; the threads of a test are coroutines of one thread. */
#ifndef FH_WEAVE_ENGINE_H
#define FH_WEAVE_ENGINE_H

#include "weave.h"

enum { THREADS = WEAVE_THREADS + 1, LOCATIONS = 64, SITES = 128 }; /* thread 0 does setup and check; location 0 is none */

/* What a thread knows: which events of each thread happened before, and per location the newest store it may not go behind. */
typedef struct knowledge {
    uint16_t clock[THREADS];
    uint16_t seen[LOCATIONS]; /* numbers of stores; 0: only the first one */
} knowledge;

/* --- weave.c ------------------------------------------------------------------------------------------------------------ */

extern unsigned weave_me;    /* the thread that runs */
extern uint32_t weave_run;   /* a number for each execution */
knowledge *weave_now(void);  /* what the running thread knows */
void weave_join(knowledge *into, const knowledge *from);

/* Ends the execution as a failure. */
FH_NORETURN void weave_stop(weave_site site, const char *format, ...) FH_PRINTF(2, 3);
/* A scheduling point before an operation of the allocator: their order decides which address comes back. */
void weave_heap_step(weave_site site);
/* fh_os_wait and fh_os_wake. */
void weave_sleep(weave_site site, const uint32_t *word, uint32_t seen);
void weave_wake(weave_site site, const uint32_t *word, unsigned count);
/* Writes the last steps of the last failure to standard error. */
void weave_print_trace(void);

/* The memory orders that threads met, in the order they met them. */
typedef struct weave_order {
    weave_site site;
    int order;
} weave_order;
extern weave_order weave_orders[SITES];
extern size_t weave_order_count;
/* From now on the operation at this site has this order; NULL: as written. */
void weave_weaken(const weave_order *order);

/* --- weave_memory.c ------------------------------------------------------------------------------------------------------- */

/* Before each execution; after it: fails it if blocks are left. */
void weave_memory_reset(void);
void weave_memory_leaks(void);
/* An atomic access: refuses memory that ended or that races with a plain write. Returns the location that the address has, or
 * 0. */
unsigned weave_memory_atomic(weave_site site, const void *p, size_t size_bytes);
/* Gives an address its location. */
void weave_memory_locate(const void *p, size_t size_bytes, unsigned location);

/* --- weave_os.c ----------------------------------------------------------------------------------------------------------- */

/* Before each execution; when a thread ends. */
void weave_os_reset(void);
void weave_exit(void);

#endif
