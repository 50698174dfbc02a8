/* zmq_key.c: Z85 (ZeroMQ's RFC 32) and keys of CURVE. Threading: pure functions. */
#include "freehold/os.h"
#include "proto/box.h"
#include "zmq/shell.h"

enum { BASE = 85, KEY_TEXT = 40 };

static const uint8_t digits[BASE + 1] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

/* The value of a character; BASE for one that is none. */
static uint32_t value_of(uint8_t character) {
    uint32_t i = 0;
    while (i < BASE && digits[i] != character)
        i++;
    return i;
}

void fh_zmq_z85_encode(fh_mspan text, fh_span data) {
    for (size_t i = 0; i < data.size / 4; i++) {
        uint32_t number = __builtin_bswap32(fh_span_u32(data, 4 * i));
        for (size_t j = 5; j-- > 0; number /= BASE)
            *fh_mspan_at(text, 5 * i + j) = digits[number % BASE];
    }
}

bool fh_zmq_z85_decode(fh_mspan data, fh_span text) {
    if (text.size % 5 != 0)
        return false;
    for (size_t i = 0; i < text.size / 5; i++) {
        uint64_t number = 0;
        for (size_t j = 0; j < 5; j++) {
            uint32_t value = value_of(fh_span_at(text, 5 * i + j));
            if (value == BASE)
                return false;
            number = number * BASE + value;
        }
        if (number > UINT32_MAX)
            return false;
        fh_mspan_put_u32(data, 4 * i, __builtin_bswap32((uint32_t)number));
    }
    return true;
}

char *zmq_z85_encode(char *text, const uint8_t *data, size_t size) {
    if (text == NULL || (data == NULL && size != 0) || size % 4 != 0) {
        errno = EINVAL;
        return NULL;
    }
    fh_zmq_z85_encode(fh_zmq_room(text, size / 4 * 5), fh_zmq_span(data, size));
    FH_UNSAFE("zmq-caller");
    text[size / 4 * 5] = 0;
    return text;
}

uint8_t *zmq_z85_decode(uint8_t *data, const char *text) {
    fh_span from = fh_span_of_str(text);
    if (data == NULL || from.size < 5 || !fh_zmq_z85_decode(fh_zmq_room(data, from.size / 5 * 4), from)) {
        errno = EINVAL;
        return NULL;
    }
    return data;
}

static int refuse_keys(void) {
    return fh_zmq_fail(ENOTSUP);
}

int zmq_curve_keypair(char *public_key, char *secret_key) {
    uint8_t public_bytes[FH_BOX_KEY], secret_bytes[FH_BOX_KEY];
    fh_mspan open = {public_bytes, sizeof public_bytes}, secret = {secret_bytes, sizeof secret_bytes};
    if (!fh_box_available())
        return refuse_keys();
    if (public_key == NULL || secret_key == NULL)
        return fh_zmq_fail(EFAULT);
    for (size_t i = 0; i < FH_BOX_KEY; i += 8)
        fh_mspan_put_u64(secret, i, fh_os_random());
    fh_box_public(fh_span_of_mut(secret), open);
    FH_UNSAFE("zmq-caller");
    (void)zmq_z85_encode(public_key, public_bytes, sizeof public_bytes);
    (void)zmq_z85_encode(secret_key, secret_bytes, sizeof secret_bytes);
    fh_box_wipe(secret);
    return 0;
}

int zmq_curve_public(char *public_key, const char *secret_key) {
    uint8_t public_bytes[FH_BOX_KEY], secret_bytes[FH_BOX_KEY];
    fh_mspan open = {public_bytes, sizeof public_bytes}, secret = {secret_bytes, sizeof secret_bytes};
    fh_span text = fh_span_of_str(secret_key);
    if (!fh_box_available())
        return refuse_keys();
    if (public_key == NULL || text.size != KEY_TEXT || !fh_zmq_z85_decode(secret, text))
        return fh_zmq_fail(EINVAL);
    fh_box_public(fh_span_of_mut(secret), open);
    FH_UNSAFE("zmq-caller");
    (void)zmq_z85_encode(public_key, public_bytes, sizeof public_bytes);
    fh_box_wipe(secret);
    return 0;
}
