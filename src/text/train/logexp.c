/* logexp.c: logarithm, exponential and digamma from the four operations, so that results are the same on every machine
 * (unigram_impl.h).
 *
 * Threading: pure functions. */
#include "freehold/hash.h"
#include "text/train/unigram_impl.h"

static const double LN2_HIGH = 0x1.62e42feep-1, LN2_LOW = 0x1.a39ef35793c76p-33; /* ln 2; the high part has zeros at its end */

/* ln m + k ln 2 with m in [sqrt(1/2), sqrt(2)): 2 artanh(s) for s = (m - 1) / (m + 1), |s| < 0.172. */
double fh_train_log(double x) {
    int shift = 0;
    if (x < 0x1p-1000) {
        x *= 0x1p64;
        shift = -64;
    }
    uint64_t bits = fh_bits_of_f64(x);
    int k = (int)(bits >> 52) - 1023;
    double m = fh_f64_of_bits((bits & 0xfffffffffffff) | UINT64_C(1023) << 52);
    if (m > 0x1.6a09e667f3bcdp0) {
        m /= 2;
        k++;
    }
    double s = (m - 1) / (m + 1), s2 = s * s, sum = 0;
    for (int n = 21; n >= 3; n -= 2)
        sum = s2 * (sum + 1.0 / n);
    k += shift;
    return k * LN2_HIGH + (2 * (s + s * sum) + k * LN2_LOW);
}

/* 2^k e^r with |r| <= ln 2 / 2. Below the normal numbers 0, above them the largest; 0 for what is no number. */
double fh_train_exp(double x) {
    if (!(x >= -708))
        return 0;
    if (x > 709)
        return 0x1.fffffffffffffp1023;
    double t = x * 0x1.71547652b82fep0;
    int k = (int)(t < 0 ? t - 0.5 : t + 0.5);
    double r = (x - k * LN2_HIGH) - k * LN2_LOW, sum = 1;
    for (int n = 14; n >= 1; n--)
        sum = 1 + r * sum / n;
    return sum * fh_f64_of_bits((uint64_t)(k + 1023) << 52);
}

/* The recurrence up to 7, then the series at x - 1/2. */
double fh_train_digamma(double x) {
    double sum = 0;
    for (; x < 7; x += 1)
        sum -= 1 / x;
    x -= 0.5;
    double y = 1 / (x * x);
    return sum + fh_train_log(x) + y * (1.0 / 24 - y * (7.0 / 960 - y * (31.0 / 8064 - y * (127.0 / 30720))));
}
