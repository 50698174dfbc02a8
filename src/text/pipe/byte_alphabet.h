/* byte_alphabet.h: GPT-2's alphabet: a printable letter for each byte, in which byte-level vocabularies spell their tokens.
 * Threading: pure functions. */
#ifndef FH_TEXT_PIPE_BYTE_ALPHABET_H
#define FH_TEXT_PIPE_BYTE_ALPHABET_H

#include <stdint.h>

/* The code point that stands for a byte. */
uint32_t fh_alphabet_code(uint8_t byte);
/* The byte that a code point stands for, or -1. */
int fh_alphabet_byte(uint32_t code);

#endif
