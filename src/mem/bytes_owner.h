/* bytes_owner.h: what keeps counted bytes alive, as bytes.c and page.c share it. Each kind of owner begins with this struct. */
#ifndef FH_MEM_BYTES_OWNER_H
#define FH_MEM_BYTES_OWNER_H

#include "freehold/bytes.h"
#include "mem/count.h"

struct fh_bytes_owner {
    uint64_t count;                     /* count.h */
    uint32_t weight_max;                /* of one reference; 0 for owners whose bytes nobody would move */
    void (*end)(fh_bytes_owner *owner); /* called once, by the thread that dropped the last reference */
};

enum { FH_BYTES_GRAIN = 8 };

/* What a copy of `size` bytes takes up on a dense page, up to the owner's maximum. */
/*@ requires \valid_read(owner) && owner->weight_max <= 65536; assigns \nothing; ensures \result <= owner->weight_max + 7; */
static inline uint32_t fh_owner_weight(const fh_bytes_owner *owner, size_t size) {
    return size >= owner->weight_max ? owner->weight_max
                                     : (uint32_t)((size + FH_BYTES_GRAIN - 1) / FH_BYTES_GRAIN * FH_BYTES_GRAIN);
}

#endif
