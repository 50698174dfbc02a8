/* box.c: libsodium under spans (box.h).
 *
 * Invariant sodium-sizes: each pointer that goes to libsodium leads to as many bytes as its function reads or writes there,
 * by a check in front of it. Threading: box.h. */
#include "proto/box.h"

#ifdef FH_SODIUM
#include <sodium.h>

/* MemorySanitizer does not see what libsodium writes. */
#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#include <sanitizer/msan_interface.h>
#define WRITTEN(span) __msan_unpoison((span).at, (span).size)
#endif
#endif
#ifndef WRITTEN
#define WRITTEN(span) ((void)(span))
#endif

_Static_assert(FH_BOX_KEY == crypto_box_BEFORENMBYTES && FH_BOX_KEY == crypto_secretbox_KEYBYTES, "keys");
_Static_assert(FH_BOX_NONCE == crypto_secretbox_NONCEBYTES && FH_BOX_TAG == crypto_secretbox_MACBYTES, "boxes");

bool fh_box_available(void) {
    return true;
}

void fh_box_public(fh_span secret, fh_mspan out) {
    FH_ASSERT(secret.size == FH_BOX_KEY && out.size == FH_BOX_KEY);
    FH_UNSAFE("sodium-sizes");
    int done = crypto_scalarmult_base(out.at, secret.at);
    WRITTEN(out);
    FH_ASSERT(done == 0);
}

bool fh_box_key(fh_span their_public, fh_span our_secret, fh_mspan out) {
    FH_ASSERT(their_public.size == FH_BOX_KEY && our_secret.size == FH_BOX_KEY && out.size == FH_BOX_KEY);
    FH_UNSAFE("sodium-sizes");
    bool done = crypto_box_beforenm(out.at, their_public.at, our_secret.at) == 0;
    WRITTEN(out);
    return done;
}

void fh_box_seal(fh_mspan box, fh_span nonce, fh_span key) {
    FH_ASSERT(box.size >= FH_BOX_TAG && nonce.size == FH_BOX_NONCE && key.size == FH_BOX_KEY);
    FH_UNSAFE("sodium-sizes");
    uint8_t *text = box.at + FH_BOX_TAG;
    int done = crypto_secretbox_detached(text, box.at, text, box.size - FH_BOX_TAG, nonce.at, key.at);
    WRITTEN(box);
    FH_ASSERT(done == 0);
}

bool fh_box_open(fh_span box, fh_span nonce, fh_span key, fh_mspan out) {
    FH_ASSERT(nonce.size == FH_BOX_NONCE && key.size == FH_BOX_KEY);
    FH_ASSERT(box.size >= FH_BOX_TAG && out.size == box.size - FH_BOX_TAG);
    FH_UNSAFE("sodium-sizes");
    bool good = crypto_secretbox_open_detached(out.at, box.at + FH_BOX_TAG, box.at, out.size, nonce.at, key.at) == 0;
    WRITTEN(out);
    return good;
}

void fh_box_wipe(fh_mspan secret) {
    FH_UNSAFE("sodium-sizes");
    sodium_memzero(secret.at, secret.size);
}

#else

bool fh_box_available(void) {
    return false;
}
void fh_box_public(fh_span secret, fh_mspan out) {
    (void)secret, (void)out;
    FH_ASSERT(fh_box_available());
}
bool fh_box_key(fh_span their_public, fh_span our_secret, fh_mspan out) {
    (void)their_public, (void)our_secret, (void)out;
    return false;
}
void fh_box_seal(fh_mspan box, fh_span nonce, fh_span key) {
    (void)box, (void)nonce, (void)key;
    FH_ASSERT(fh_box_available());
}
bool fh_box_open(fh_span box, fh_span nonce, fh_span key, fh_mspan out) {
    (void)box, (void)nonce, (void)key, (void)out;
    return false;
}
void fh_box_wipe(fh_mspan secret) {
    fh_mspan_fill(secret, 0);
}
#endif
