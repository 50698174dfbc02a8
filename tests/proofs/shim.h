/* shim.h: what Frama-C 25 cannot read, in words that it can. Only a proof sees this file (prove.py), before its source.
 *
 * Each builtin of the compiler becomes a function whose contract is the compiler's documentation: these contracts are believed.
 * So are two more things. A proof follows one thread: a load sees the last store of that thread, and tests/weave is what shows
 * that the orders suffice for several. And what ends the program does not return. */
#ifndef PROOFS_SHIM_H
#define PROOFS_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* C11 6.3.1.3: what a conversion to an unsigned type keeps. WP knows only values that fit. */
/*@ axiomatic conversions {
    axiom narrows: \forall integer x; 0 <= x ==> (uint32_t)x == x % 4294967296;
    axiom wraps: \forall integer x; -18446744073709551616 <= x < 0 ==> (uint64_t)x == x + 18446744073709551616; } */

/* A mask keeps no more than it has. */
/*@ axiomatic masks {
    axiom masked: \forall integer a, mask; 0 <= a && 0 <= mask ==> 0 <= (a & mask) <= mask; } */

#define _Static_assert(...) extern int proof_static_assert_

/*@ requires \valid(out); assigns *out; ensures *out == (a + b) % (UINT64_MAX + 1);
    ensures \result <==> a + b > UINT64_MAX; */
bool proof_add_overflow(uint64_t a, uint64_t b, uint64_t *out);
/*@ requires \valid(out); assigns *out; ensures *out == (a * b) % (UINT64_MAX + 1);
    ensures \result <==> a * b > UINT64_MAX; */
bool proof_mul_overflow(uint64_t a, uint64_t b, uint64_t *out);
#define __builtin_add_overflow(a, b, out) proof_add_overflow((a), (b), (out))
#define __builtin_mul_overflow(a, b, out) proof_mul_overflow((a), (b), (out))
#define __builtin_expect(x, value) (x)

/*@ requires size == 0 || \valid(to + (0 .. size - 1)); assigns to[0 .. size - 1];
    ensures \forall integer i; 0 <= i < size ==> to[i] == (uint8_t)value; ensures \result == to; */
uint8_t *proof_memset(uint8_t *to, int value, uint64_t size);
#define __builtin_memset(to, value, size) proof_memset((uint8_t *)(to), (value), (size))

#define __ATOMIC_RELAXED 0
#define __ATOMIC_ACQUIRE 2
#define __ATOMIC_RELEASE 3
#define __ATOMIC_ACQ_REL 4
#define __ATOMIC_SEQ_CST 5
#define __atomic_load_n(p, order) (*(p))
#define __atomic_store_n(p, value, order) (*(p) = (value))
/*@ requires \valid(p); assigns *p; ensures \result == \old(*p) && *p == (uint64_t)(\old(*p) + by); */
uint64_t proof_fetch_add(uint64_t *p, uint64_t by);
/*@ requires \valid(p); assigns *p; ensures \result == \old(*p) && *p == (uint64_t)(\old(*p) - by); */
uint64_t proof_fetch_sub(uint64_t *p, uint64_t by);
#define __atomic_fetch_add(p, by, order) proof_fetch_add((p), (by))
#define __atomic_fetch_sub(p, by, order) proof_fetch_sub((p), (by))
/*@ assigns \nothing; */
void *proof_thread_pointer(void);
#define __builtin_thread_pointer() proof_thread_pointer()
/*@ assigns \nothing; */
void __builtin_ia32_pause(void);

#endif
