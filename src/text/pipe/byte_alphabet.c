/* byte_alphabet.c: see byte_alphabet.h. Bytes that print stand for themselves; the others, in their order, are the code points
 * from U+0100 on. Threading: pure functions. */
#include "text/pipe/byte_alphabet.h"

#include <stdbool.h>

uint32_t fh_alphabet_code(uint8_t byte) {
    if (byte <= 0x20)
        return 0x100u + byte;
    if (byte >= 0x7f && byte <= 0xa0)
        return 0x121u + (byte - 0x7fu);
    return byte == 0xad ? 0x143 : byte;
}

int fh_alphabet_byte(uint32_t code) {
    if (code >= 0x100 && code <= 0x120)
        return (int)(code - 0x100);
    if (code >= 0x121 && code <= 0x142)
        return (int)(code - 0x121 + 0x7f);
    if (code == 0x143)
        return 0xad;
    bool itself = (code > 0x20 && code < 0x7f) || (code > 0xa0 && code <= 0xff && code != 0xad);
    return itself ? (int)code : -1;
}
