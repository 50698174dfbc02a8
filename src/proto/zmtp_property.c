/* zmtp_property.c: the properties of a connection, both ways (RFC 37, "The NULL Security Mechanism": metadata):
 *
 *     property = name value        name = one byte of size, 1 to 255 letters, digits and - _ . +
 *                                  value = four bytes of size, most significant first, up to 2^31 - 1; any bytes
 *
 * Threading: pure functions. */
#include "freehold/zmtp.h"
#include "proto/zmtp_wire.h"

enum { VALUE_SIZE_BYTES = 4 };

static bool is_letter(uint8_t c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_name(fh_span name) {
    if (name.size == 0 || name.size > UINT8_MAX)
        return false;
    for (size_t i = 0; i < name.size; i++) {
        uint8_t c = fh_span_at(name, i);
        if (!is_letter(c) && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' && c != '+')
            return false;
    }
    return true;
}

bool fh_zmtp_name_equal(fh_span a, fh_span b) {
    bool equal = a.size == b.size;
    for (size_t i = 0; equal && i < a.size; i++) {
        uint8_t x = fh_span_at(a, i), y = fh_span_at(b, i);
        equal = x == y || (is_letter(x) && (x ^ y) == 0x20);
    }
    return equal;
}

fh_status fh_zmtp_property_next(fh_span metadata, size_t *at, fh_zmtp_property *out) {
    *out = (fh_zmtp_property){{NULL, 0}, {NULL, 0}};
    if (*at >= metadata.size)
        return FH_STATUS(*at == metadata.size ? FH_END : FH_CORRUPT);
    fh_span rest = fh_span_from(metadata, *at), name, size, value;
    size_t name_size = fh_span_at(rest, 0);
    if (!fh_span_slice(rest, 1, name_size, &name) || !is_name(name) ||
        !fh_span_slice(rest, 1 + name_size, VALUE_SIZE_BYTES, &size))
        return FH_STATUS(FH_CORRUPT);
    uint64_t value_size = fh_zmtp_number(size);
    if (value_size > INT32_MAX || !fh_span_slice(rest, 1 + name_size + VALUE_SIZE_BYTES, (size_t)value_size, &value))
        return FH_STATUS(FH_CORRUPT);
    *out = (fh_zmtp_property){name, value};
    *at += 1 + name_size + VALUE_SIZE_BYTES + value.size;
    return FH_DONE;
}

fh_status fh_zmtp_property_put(fh_mspan to, fh_zmtp_property p, size_t *size) {
    *size = 0;
    if (!is_name(p.name) || p.value.size > INT32_MAX)
        return FH_STATUS(FH_INVALID);
    size_t fixed = 1 + p.name.size + VALUE_SIZE_BYTES;
    fh_mspan name, number, value;
    if (!fh_mspan_slice(to, 1, p.name.size, &name) || !fh_mspan_slice(to, 1 + p.name.size, VALUE_SIZE_BYTES, &number) ||
        !fh_mspan_slice(to, fixed, p.value.size, &value))
        return FH_STATUS(FH_LIMIT);
    *fh_mspan_at(to, 0) = (uint8_t)p.name.size;
    fh_span_copy(name, p.name);
    fh_zmtp_put_number(number, p.value.size);
    fh_span_copy(value, p.value);
    *size = fixed + p.value.size;
    return FH_DONE;
}
