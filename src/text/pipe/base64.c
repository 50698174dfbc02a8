/* base64.c: see base64.h. Threading: pure functions. */
#include "text/pipe/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* What a letter stands for, or 64. */
static uint32_t six_bits(uint8_t c) {
    if (c >= 'A' && c <= 'Z')
        return c - (uint32_t)'A';
    if (c >= 'a' && c <= 'z')
        return c - (uint32_t)'a' + 26;
    if (c >= '0' && c <= '9')
        return c - (uint32_t)'0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : 64;
}

fh_status fh_base64_read(fh_span letters, const char *what, size_t offset_bytes, fh_buf *out, fh_err *err) {
    if (letters.size % 4 != 0)
        return fh_fail(err, FH_CORRUPT, offset_bytes, "%s has %zu letters, expected base64 in fours", what, letters.size);
    FH_TRY(fh_buf_reserve(out, letters.size / 4 * 3));
    for (size_t i = 0; i < letters.size; i += 4) {
        size_t padding = 0;
        if (i + 4 == letters.size)
            padding = fh_span_at(letters, i + 3) != '=' ? 0 : fh_span_at(letters, i + 2) != '=' ? 1 : 2;
        uint32_t bits = 0;
        for (size_t k = 0; k < 4; k++) {
            uint32_t six = k + padding >= 4 ? 0 : six_bits(fh_span_at(letters, i + k));
            if (six > 63)
                return fh_fail(err, FH_CORRUPT, offset_bytes, "%s is not base64 at its letter %zu", what, i + k);
            bits = bits << 6 | six;
        }
        if ((bits & ((UINT32_C(1) << 8 * padding) - 1)) != 0)
            return fh_fail(err, FH_CORRUPT, offset_bytes, "%s ends in bits that base64 has no use for", what);
        uint8_t bytes[] = {(uint8_t)(bits >> 16), (uint8_t)(bits >> 8), (uint8_t)bits};
        FH_TRY(fh_buf_put(out, fh_span_sub((fh_span){bytes, sizeof bytes}, 0, 3 - padding)));
    }
    return FH_DONE;
}

static fh_status put_letters(uint32_t bits, size_t count, fh_buf *out) {
    for (size_t k = 0; k < 4; k++)
        FH_TRY(fh_buf_put_u8(out, k < count ? (uint8_t)alphabet[bits >> (18 - 6 * k) & 63] : (uint8_t)'='));
    return FH_DONE;
}

fh_status fh_base64_write(fh_span bytes, fh_buf *out) {
    size_t i = 0;
    for (; i + 3 <= bytes.size; i += 3)
        FH_TRY(put_letters((uint32_t)fh_span_at(bytes, i) << 16 | (uint32_t)fh_span_at(bytes, i + 1) << 8 |
                               fh_span_at(bytes, i + 2), 4, out));
    if (bytes.size - i == 1)
        return put_letters((uint32_t)fh_span_at(bytes, i) << 16, 2, out);
    if (bytes.size - i == 2)
        return put_letters((uint32_t)fh_span_at(bytes, i) << 16 | (uint32_t)fh_span_at(bytes, i + 1) << 8, 3, out);
    return FH_DONE;
}
