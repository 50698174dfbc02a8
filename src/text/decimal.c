/* decimal.c: exact conversion between float64 and decimal text.
 *
 * Both directions divide two big integers whose quotient is the number scaled by a power of two (reading) or of ten (writing);
 * the quotient and whether a rest remained decide every rounding exactly. Short numbers that one float64 operation gets right
 * (at most 15 digits, a power of ten up to 10^22: Clinger 1990) skip that.
 *
 * Bounds: only the first DIGITS_MAX significant digits of a text count, plus a last digit that says whether any other was
 * not 0: no midpoint between two float64 has more than 767 digits. A quotient's parts then have at most 3,750 bits.
 * Threading: pure functions; the big integers live on the stack (2 KiB). */
#include "text/decimal.h"

#include "freehold/hash.h"

enum {
    DIGITS_MAX = 780,
    LIMBS = 120,          /* 3,840 bits */
    POINT_MAX = 310,      /* 0.1e310 = 1e309 is above every float64 */
    POINT_MIN = -326,     /* 1e-326 is below half of the smallest */
    WRITE_DIGITS = 19,    /* as many as a 64-bit quotient holds */
    EXACT_POWER = 22,     /* 10^22 is the largest power of ten that is exact in a float64 */
    EXACT_DIGITS = 15
};

/* --- big integers: little-endian limbs; limb[count - 1] ≠ 0 ---------------------------------------------------------- */

typedef struct big {
    uint32_t count;
    uint32_t limb[LIMBS];
} big;

static void big_push(big *b, uint32_t limb) {
    FH_ASSERT(b->count < LIMBS);
    b->limb[b->count++] = limb;
}

/* b = b × factor + add. */
static void big_mul_add(big *b, uint32_t factor, uint32_t add) {
    uint64_t carry = add;
    for (uint32_t i = 0; i < b->count; i++) {
        carry += (uint64_t)b->limb[i] * factor;
        b->limb[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry != 0)
        big_push(b, (uint32_t)carry);
}

static void big_mul_pow10(big *b, uint32_t power) {
    for (; power >= 9; power -= 9)
        big_mul_add(b, 1000000000, 0);
    for (; power > 0; power--)
        big_mul_add(b, 10, 0);
}

static uint32_t big_bits(const big *b) {
    return b->count == 0 ? 0 : 32 * b->count - (uint32_t)__builtin_clz(b->limb[b->count - 1]);
}

static void big_shift_left(big *b, uint32_t bits) {
    uint32_t words = bits / 32, rest = bits % 32, old = b->count;
    if (old == 0 || bits == 0)
        return;
    for (uint32_t i = 0; i < words + (rest != 0); i++)
        big_push(b, 0);
    for (uint32_t i = old; i-- > 0;) {
        uint64_t wide = (uint64_t)b->limb[i] << rest;
        b->limb[i] = 0;
        if (rest != 0)
            b->limb[i + words + 1] |= (uint32_t)(wide >> 32);
        b->limb[i + words] = (uint32_t)wide;
    }
    while (b->limb[b->count - 1] == 0)
        b->count--;
}

static void big_halve(big *b) {
    for (uint32_t i = 0; i < b->count; i++) {
        uint32_t above = i + 1 < b->count ? b->limb[i + 1] : 0;
        b->limb[i] = b->limb[i] >> 1 | above << 31;
    }
    if (b->count != 0 && b->limb[b->count - 1] == 0)
        b->count--;
}

static bool big_less(const big *a, const big *b) {
    if (a->count != b->count)
        return a->count < b->count;
    for (uint32_t i = a->count; i-- > 0;)
        if (a->limb[i] != b->limb[i])
            return a->limb[i] < b->limb[i];
    return false;
}

/* a = a − b for b ≤ a. */
static void big_subtract(big *a, const big *b) {
    uint64_t borrow = 0;
    for (uint32_t i = 0; i < a->count; i++) {
        uint64_t take = (i < b->count ? b->limb[i] : 0) + borrow;
        borrow = take > a->limb[i];
        a->limb[i] = (uint32_t)(a->limb[i] - take);
    }
    while (a->count != 0 && a->limb[a->count - 1] == 0)
        a->count--;
}

/* The quotient a / b, below 2^64; `a` becomes the rest, `b` is used up. */
static uint64_t big_divide(big *a, big *b) {
    uint32_t from = big_bits(a), to = big_bits(b);
    if (from < to)
        return 0;
    FH_ASSERT(from - to <= 64); /* 64: the first of the 65 bits is 0 */
    big_shift_left(b, from - to);
    uint64_t quotient = 0;
    for (uint32_t i = 0; i <= from - to; i++, big_halve(b)) {
        quotient <<= 1;
        if (!big_less(a, b)) {
            big_subtract(a, b);
            quotient |= 1;
        }
    }
    return quotient;
}

/* --- reading --------------------------------------------------------------------------------------------------------- */

/* 0.d₁d₂…dₙ × 10^point, d₁ ≠ 0; n = 0 is zero. */
typedef struct digits {
    bool negative;
    uint32_t count;
    int64_t point;
    uint8_t at[DIGITS_MAX + 1];
} digits;

static void digits_read(fh_span text, fh_out digits *d) {
    *d = (digits){0};
    size_t i = 0;
    bool fraction = false, dropped = false;
    if (text.size > 0 && fh_span_at(text, 0) == '-')
        d->negative = true, i = 1;
    for (; i < text.size; i++) {
        uint8_t c = fh_span_at(text, i);
        if (c == '.') {
            fraction = true;
            continue;
        }
        if (c < '0' || c > '9')
            break;
        bool leading = d->count == 0 && c == '0';
        d->point += leading ? -(int64_t)fraction : !fraction;
        if (leading)
            continue;
        if (d->count < DIGITS_MAX)
            d->at[d->count++] = (uint8_t)(c - '0');
        else
            dropped = dropped || c != '0';
    }
    if (dropped)
        d->at[d->count++] = 1;
    if (i == text.size)
        return;
    /* An exponent; past 10^15 the digits' own places can no longer bring it back (no text is that long). */
    int64_t power = 0;
    bool minus = false;
    for (i++; i < text.size; i++) {
        uint8_t c = fh_span_at(text, i);
        minus = minus || c == '-';
        if (c >= '0' && c <= '9' && power < INT64_C(1000000000000000))
            power = power * 10 + (c - '0');
    }
    d->point += minus ? -power : power;
}

/* The float64 nearest to quotient × 2^power, where `more` says that the number is a little larger; quotient ≠ 0. */
static double round_to_f64(uint64_t quotient, int32_t power, bool more) {
    uint32_t shift = (uint32_t)__builtin_clzll(quotient);
    quotient <<= shift;
    int32_t exponent = power - (int32_t)shift + 63; /* of the leading bit */
    if (exponent > 1023)
        return fh_f64_of_bits(UINT64_C(0x7ff) << 52);
    int32_t drop = exponent >= -1022 ? 11 : 11 + (-1022 - exponent);
    if (drop > 64)
        return 0;
    uint64_t kept = drop == 64 ? 0 : quotient >> drop;
    uint64_t lost = drop == 64 ? quotient : quotient & ((UINT64_C(1) << drop) - 1);
    uint64_t half = UINT64_C(1) << (drop - 1);
    if (lost > half || (lost == half && (more || (kept & 1) != 0)))
        kept++;
    /* A carry out of the fraction moves into the exponent by itself. */
    uint64_t biased = exponent >= -1022 ? (uint64_t)(exponent + 1022) << 52 : 0;
    return fh_f64_of_bits(biased + kept);
}

static const double exact_pow10[EXACT_POWER + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* *n × 10^power, by division; uses *n up. */
static double big_to_f64(big *n, int32_t power) {
    big m = {.count = 1, .limb = {1}};
    if (n->count == 0)
        return 0;
    if (power >= 0)
        big_mul_pow10(n, (uint32_t)power);
    else
        big_mul_pow10(&m, (uint32_t)-power);
    int32_t shift = 63 - ((int32_t)big_bits(n) - (int32_t)big_bits(&m));
    if (shift >= 0)
        big_shift_left(n, (uint32_t)shift);
    else
        big_shift_left(&m, (uint32_t)-shift);
    uint64_t quotient = big_divide(n, &m);
    return round_to_f64(quotient, -shift, n->count != 0);
}

/* mantissa × 10^power. */
static double u64_to_f64(uint64_t mantissa, int32_t power) {
    if (mantissa <= UINT64_C(1) << 53 && power >= -EXACT_POWER && power <= EXACT_POWER)
        return power >= 0 ? (double)mantissa * exact_pow10[power] : (double)mantissa / exact_pow10[-power];
    big n = {0};
    big_push(&n, (uint32_t)mantissa);
    big_push(&n, (uint32_t)(mantissa >> 32));
    while (n.count != 0 && n.limb[n.count - 1] == 0)
        n.count--;
    return big_to_f64(&n, power);
}

bool fh_decimal_read(fh_span text, double *out) {
    digits d;
    digits_read(text, &d);
    double v = 0;
    if (d.count != 0 && d.point > POINT_MAX) {
        v = fh_f64_of_bits(UINT64_C(0x7ff) << 52);
    } else if (d.count != 0 && d.point >= POINT_MIN) {
        int32_t power = (int32_t)d.point - (int32_t)d.count;
        uint64_t small = 0;
        big n = {0};
        for (uint32_t i = 0; i < d.count; i++) {
            if (d.count <= EXACT_DIGITS)
                small = small * 10 + d.at[i];
            else if (n.count == 0)
                big_push(&n, d.at[i]);
            else
                big_mul_add(&n, 10, d.at[i]);
        }
        v = d.count <= EXACT_DIGITS ? u64_to_f64(small, power) : big_to_f64(&n, power);
    }
    *out = d.negative ? -v : v;
    return fh_bits_of_f64(v) != UINT64_C(0x7ff) << 52;
}

/* --- writing --------------------------------------------------------------------------------------------------------- */

/* The first 19 digits of a positive number, which is 0.(digits) × 10^point, and whether it is a little larger. */
typedef struct head {
    uint64_t digits;
    int32_t point;
    bool more;
} head;

static head head_of(uint64_t mantissa, int32_t exponent) {
    /* 2^(b−1) ≤ v < 2^b, so floor(b × log10 2) + 1 is the point or one too high; 78913 / 2^18 is log10 2 closely enough. */
    int32_t b = exponent + 64 - __builtin_clzll(mantissa), scaled = b * 78913;
    int32_t point = (scaled >= 0 ? scaled / 262144 : -((-scaled + 262143) / 262144)) + 1;
    for (;; point--) {
        big n = {0}, m = {.count = 1, .limb = {1}};
        big_push(&n, (uint32_t)mantissa);
        if (mantissa >> 32 != 0)
            big_push(&n, (uint32_t)(mantissa >> 32));
        big_shift_left(exponent >= 0 ? &n : &m, (uint32_t)(exponent >= 0 ? exponent : -exponent));
        int32_t power = WRITE_DIGITS - point;
        big_mul_pow10(power >= 0 ? &n : &m, (uint32_t)(power >= 0 ? power : -power));
        uint64_t quotient = big_divide(&n, &m);
        if (quotient >= UINT64_C(1000000000000000000))
            return (head){quotient, point, n.count != 0};
    }
}

/* The decimal of `count` digits nearest to h that reads back as v: its digits as a number, or 0 when there is none. */
static uint64_t round_trip(head h, uint32_t count, double v) {
    uint64_t unit = 1;
    for (uint32_t i = count; i < WRITE_DIGITS; i++)
        unit *= 10;
    uint64_t below = h.digits / unit, rest = h.digits % unit;
    bool up = rest > unit - rest || (rest == unit - rest && (h.more || (below & 1) != 0));
    /* The further neighbour matters beside a power of two, where float64s lie closer on one side. */
    uint64_t near = below + up, far = below + !up;
    int32_t power = h.point - (int32_t)count;
    if (fh_bits_of_f64(u64_to_f64(near, power)) == fh_bits_of_f64(v))
        return near;
    return fh_bits_of_f64(u64_to_f64(far, power)) == fh_bits_of_f64(v) ? far : 0;
}

/* Text under construction. */
typedef struct text_out {
    size_t size;
    fh_mspan to;
} text_out;

static void put(text_out *t, uint8_t c) {
    *fh_mspan_at(t->to, t->size++) = c;
}

/* The decimal 0.(digits) × 10^point, in the manner of JavaScript: plain while it stays short, else with an exponent. */
static void put_number(text_out *t, fh_span digit, int32_t point) {
    bool plain = point > -6 && point <= 21;
    int32_t places = plain ? point : 1, count = (int32_t)digit.size; /* places: digits before the dot */
    if (places <= 0) {
        put(t, '0');
        put(t, '.');
        for (int32_t i = places; i < 0; i++)
            put(t, '0');
    }
    for (int32_t i = 0; i < count; i++) {
        if (i == places && i > 0)
            put(t, '.');
        put(t, (uint8_t)('0' + fh_span_at(digit, (size_t)i)));
    }
    for (int32_t i = count; i < places; i++)
        put(t, '0');
    if (plain)
        return;
    int32_t power = point - 1;
    put(t, 'e');
    if (power < 0)
        put(t, '-');
    uint32_t size = (uint32_t)(power < 0 ? -power : power);
    if (size >= 100)
        put(t, (uint8_t)('0' + size / 100));
    if (size >= 10)
        put(t, (uint8_t)('0' + size / 10 % 10));
    put(t, (uint8_t)('0' + size % 10));
}

size_t fh_decimal_write(double v, uint8_t out[FH_DECIMAL_BYTES]) {
    text_out t = {0, {out, FH_DECIMAL_BYTES}};
    uint64_t bits = fh_bits_of_f64(v), fraction = bits & ((UINT64_C(1) << 52) - 1);
    int32_t biased = (int32_t)(bits >> 52 & 0x7ff);
    FH_ASSERT(biased != 0x7ff);
    if (bits >> 63 != 0)
        put(&t, '-');
    bits &= INT64_MAX;
    if (bits == 0) {
        put(&t, '0');
        return t.size;
    }
    head h = biased == 0 ? head_of(fraction, -1074) : head_of(fraction | UINT64_C(1) << 52, biased - 1075);
    /* A normal number that has a decimal of up to 15 digits has it as the first 15 digits, zeros at the end. */
    uint32_t count = biased == 0 ? 1 : EXACT_DIGITS;
    uint64_t decimal = 0;
    while ((decimal = round_trip(h, count, fh_f64_of_bits(bits))) == 0) {
        FH_ASSERT(count < 17);
        count++;
    }
    int32_t power = h.point - (int32_t)count;
    for (; decimal % 10 == 0; decimal /= 10)
        power++;
    uint8_t digit[WRITE_DIGITS];
    size_t from = WRITE_DIGITS;
    for (; decimal != 0; decimal /= 10)
        digit[--from] = (uint8_t)(decimal % 10);
    fh_span all = fh_span_from((fh_span){digit, WRITE_DIGITS}, from);
    put_number(&t, all, power + (int32_t)all.size);
    return t.size;
}
