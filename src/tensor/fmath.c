/* fmath.c: elementary functions out of IEEE operations.
 *
 * Each function reduces its argument by multiples of a constant that is split into parts, so that the products of the
 * leading parts are exact, then evaluates a polynomial by Horner's rule. No operation is contracted, reordered or taken
 * from libm, so every compiler and processor gives the same bits; the vector code in kern/ repeats fh_expf step by step.
 *
 * Threading: pure functions. */
#include "freehold/fmath.h"

#include "freehold/hash.h"

/* Round to nearest even by the unit of 1.5 · 2^52, for |x| < 2^51. */
static double nearest(double x) {
    return (x + 0x1.8p52) - 0x1.8p52;
}

/* ln 2 in two parts, the first of 33 bits: its product with an exponent is exact. */
static const double ln2_high = 0x1.62e42fee00000p-1, ln2_low = 0x1.a39ef35793c76p-33;

/* x = n·ln 2 + r, |r| ≤ 0.35; e^r by the polynomial of Cephes' expf (S. L. Moshier), 2^n in two factors because 2^128 is
 * no float. */
float fh_expf(float x) {
    if (x != x)
        return fh_f32_of_bits(0x7fc00000u);
    if (x < -87.33654f)
        return 0.0f;
    x = x > 89.0f ? 89.0f : x;
    float n = (x * 1.44269504f + 12582912.0f) - 12582912.0f;
    float r = (x - n * 0.693359375f) - n * -2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = (p * (r * r) + r) + 1.0f;
    int32_t whole = (int32_t)n, half = whole / 2;
    return (p * fh_f32_of_bits((uint32_t)(half + 127) << 23)) * fh_f32_of_bits((uint32_t)(whole - half + 127) << 23);
}

/* x = n·ln 2 + r; e^r by its Taylor series to r^13, whose next term is below 2^-57. */
double fh_exp(double x) {
    double n = nearest(x * 0x1.71547652b82fep+0);
    double r = (x - n * ln2_high) - n * ln2_low;
    double p = 1.0;
    for (int k = 13; k >= 1; k--)
        p = p * r / k + 1.0;
    return p * fh_f64_of_bits((uint64_t)((int64_t)n + 1023) << 52);
}

/* x = m·2^e, m in [√½, √2); ln m = 2 artanh((m − 1)/(m + 1)) by its series to the 23rd power. */
double fh_log(double x) {
    int64_t e = 0;
    if (x < 0x1p-1022) {
        x *= 0x1p54;
        e = -54;
    }
    uint64_t u = fh_bits_of_f64(x);
    e += (int64_t)(u >> 52) - 1023;
    double m = fh_f64_of_bits((u & UINT64_C(0x000fffffffffffff)) | UINT64_C(0x3ff0000000000000));
    if (m > 0x1.6a09e667f3bcdp+0) {
        m *= 0.5;
        e++;
    }
    double f = (m - 1.0) / (m + 1.0), ff = f * f, s = 0.0;
    for (int k = 23; k >= 3; k -= 2)
        s = (s + 1.0 / k) * ff;
    double tail = 2.0 * f * s;
    return ((double)e * ln2_low + tail) + 2.0 * f + (double)e * ln2_high;
}

/* x = n·π/2 + r, |r| ≤ 0.79; π/2 in three parts of 23 bits (their products with n < 2^30 are exact) and a rest. */
void fh_sincos(double x, double *sine, double *cosine) {
    double n = nearest(x * 0x1.45f306dc9c883p-1);
    double r = ((x - n * 0x1.921fb4p+0) - n * 0x1.4442dp-24) - n * 0x1.84698p-48;
    r = r - n * 0x1.3198a2e037073p-69;
    double rr = r * r, s = 0.0, c = 0.0;
    for (int k = 17; k >= 3; k -= 2)
        s = (s + 1.0) * rr / -(double)(k * (k - 1));
    for (int k = 18; k >= 2; k -= 2)
        c = (c + 1.0) * rr / -(double)(k * (k - 1));
    s = r + r * s;
    c = 1.0 + c;
    switch ((unsigned)((int64_t)n & 3)) {
    case 0: *sine = s, *cosine = c; break;
    case 1: *sine = c, *cosine = -s; break;
    case 2: *sine = -s, *cosine = -c; break;
    default: *sine = -c, *cosine = s; break;
    }
}

unsigned short fh_f16_of_f32(float x) {
    uint32_t u = fh_bits_of_f32(x), sign = u >> 16 & 0x8000u;
    u &= 0x7fffffffu;
    if (u > 0x7f800000u)
        return 0x7e00u; /* the one NaN */
    if (u >= 0x477ff000u)
        return (unsigned short)(sign | 0x7c00u); /* 65520 and more round to infinity */
    if (u < 0x38800000u) /* below 2^-14: the unit of the sum with 0.5 is that of a denormal half, 2^-24 */
        return (unsigned short)(sign | (fh_bits_of_f32(fh_f32_of_bits(u) + 0.5f) - 0x3f000000u));
    u += 0xfffu + (u >> 13 & 1u);
    return (unsigned short)(sign | ((u - 0x38000000u) >> 13));
}

float fh_f32_of_f16(unsigned short h) {
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16, e = h >> 10 & 31u, m = h & 0x3ffu;
    if (e == 31)
        return fh_f32_of_bits(sign | 0x7f800000u | (m != 0 ? 0x400000u | m << 13 : 0));
    if (e != 0)
        return fh_f32_of_bits(sign | ((e + 112) << 23 | m << 13));
    float tiny = (float)m * 0x1p-24f;
    return fh_f32_of_bits(sign | fh_bits_of_f32(tiny));
}

float fh_f32_of_bf16(unsigned short h) {
    return fh_f32_of_bits((uint32_t)h << 16);
}

unsigned short fh_bf16_of_f32(float x) {
    uint32_t u = fh_bits_of_f32(x);
    if ((u & 0x7fffffffu) > 0x7f800000u)
        return 0x7fc0u;
    return (unsigned short)((u + 0x7fffu + (u >> 16 & 1u)) >> 16);
}
