/* pool_plain.c: the short roads of hardened pools for any processor. Threading: pool_short.h. */
#include "mem/pool/pool_short.h"

FH_HARD_ROADS(small16, true);
FH_HARD_ROADS(some16, false);
