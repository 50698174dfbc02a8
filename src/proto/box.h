/* box.h: the cryptography of CURVE: libsodium's functions on spans (Curve25519, XSalsa20, Poly1305).
 *
 * A box is a tag of 16 bytes and the text under a stream of bytes, by a key of 32 and a nonce of 24 that is never used twice
 * with it. The key of a box between two parties is made of one's secret and the other's public key. All of it is pure: no
 * randomness is drawn, no state is kept.
 *
 * Sizes that do not fit are programmers' errors. Threading: pure functions. */
#ifndef FH_PROTO_BOX_H
#define FH_PROTO_BOX_H

#include "freehold/span.h"

enum { FH_BOX_KEY = 32, FH_BOX_NONCE = 24, FH_BOX_TAG = 16 };

/* False in a library without libsodium; then nothing else here may be called. */
bool fh_box_available(void);
/* The public key of a secret one. */
void fh_box_public(fh_span secret, fh_mspan out);
/* The key of the boxes between two parties; false for a public key that makes no secret. */
FH_MUST_USE bool fh_box_key(fh_span their_public, fh_span our_secret, fh_mspan out);
/* Makes a box in place: the text begins at byte FH_BOX_TAG. */
void fh_box_seal(fh_mspan box, fh_span nonce, fh_span key);
/* Opens one: box.size - FH_BOX_TAG bytes of text to `out`; false, and nothing written, unless its tag is right. */
FH_MUST_USE bool fh_box_open(fh_span box, fh_span nonce, fh_span key, fh_mspan out);
/* Zeroes a secret so that no compiler leaves it out. */
void fh_box_wipe(fh_mspan secret);

#endif
