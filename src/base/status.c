/* status.c: the code tables, failure reports and the end of a program that broke its own rules.
 *
 * What a file says ends up in reports, and reports end up on terminals. So a report is formatted into a private array first
 * and then copied sequence by sequence: printable ASCII and well-formed UTF-8 pass, everything that could steer a terminal
 * or mislead a reader (control characters, bidirectional overrides, malformed bytes) comes out as \xNN. A sequence or an
 * escape that does not fit whole is left out, so a report that was cut is still well-formed.
 *
 * Invariant report-format: vsnprintf and fprintf get a format that the compiler has checked (FH_PRINTF) and the true size of
 * their array.
 *
 * Threading: fh_fail writes only to the fh_err it is given; the tables are constant. */
#include "freehold/status.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "freehold/span.h"

typedef struct code_row {
    const char *name, *text;
    fh_class class;
} code_row;

#define CODE_ROW(name, cls, text) [FH_##name] = {"FH_" #name, text, FH_CLASS_##cls},
static const code_row codes[FH_CODE_COUNT] = {FH_CODES(CODE_ROW)};
#undef CODE_ROW

/* The row of a code; a number that is no code gets the row below, so that a corrupted status can still be printed. */
static const code_row *row_of(fh_code code) {
    static const code_row unknown = {"FH_UNKNOWN", "unknown status code", FH_CLASS_REFUSAL};
    unsigned i = (unsigned)code;
    return i < FH_CODE_COUNT ? &codes[i] : &unknown;
}

const char *fh_code_text(fh_code code) {
    return row_of(code)->text;
}

const char *fh_code_name(fh_code code) {
    return row_of(code)->name;
}

fh_class fh_code_class(fh_code code) {
    return row_of(code)->class;
}

void fh_err_clear(fh_err *err) {
    if (err != NULL)
        *err = (fh_err){.code = FH_OK, .offset_bytes = FH_NO_OFFSET, .message = ""};
}

/* --- making text safe to print ---------------------------------------------------------------------------------------- */

/* As long as a message, which is long enough: a raw byte makes at least one byte of message, so of a sequence that vsnprintf
 * has cut in two the rest meets a message with less room than an escape needs. */
typedef struct raw_text {
    char at[FH_ERR_MESSAGE_BYTES];
    size_t size;
} raw_text;

static unsigned raw_byte(const raw_text *raw, size_t i) {
    return i < raw->size ? (unsigned char)raw->at[i] : 0;
}

/* Decodes the UTF-8 sequence at i (RFC 3629: shortest form, no surrogates). Returns its length, or 0 if it is malformed. */
static size_t decode(const raw_text *raw, size_t i, uint32_t *point) {
    unsigned lead = raw_byte(raw, i);
    size_t length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    static const uint32_t lead_mask[5] = {0, 0x7f, 0x1f, 0x0f, 0x07}, lowest[5] = {0, 0, 0x80, 0x800, 0x10000};

    *point = lead & lead_mask[length];
    for (size_t k = 1; k < length; k++) {
        unsigned next = raw_byte(raw, i + k);
        if ((next & 0xc0) != 0x80)
            return 0;
        *point = *point << 6 | (next & 0x3f);
    }
    bool surrogate = *point >= 0xd800 && *point <= 0xdfff;
    return *point < lowest[length] || *point > 0x10ffff || surrogate ? 0 : length;
}

/* True for what a terminal shows as text: no C0 or C1 control, no line separator, no bidirectional control. */
static bool is_printable(uint32_t point) {
    bool control = point < 0x20 || (point >= 0x7f && point < 0xa0);
    bool separator = point == 0x2028 || point == 0x2029;
    bool direction = (point >= 0x202a && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069);
    return !control && !separator && !direction;
}

static void copy_printable(fh_err *err, const raw_text *raw) {
    static const char hex[] = "0123456789abcdef";
    size_t to = 0, from = 0;
    while (from < raw->size) {
        uint32_t point = 0;
        size_t length = decode(raw, from, &point);
        bool as_is = length != 0 && is_printable(point);
        /* A well-formed sequence that may not be shown is escaped whole, so that no half of it can join what follows. */
        size_t taken = length != 0 ? length : 1, made = as_is ? length : 4 * taken;

        if (made > FH_ERR_MESSAGE_BYTES - 1 - to)
            break;
        for (size_t k = 0; k < taken; k++) {
            unsigned byte = raw_byte(raw, from + k);
            if (as_is) {
                err->message[to++] = raw->at[from + k];
            } else {
                err->message[to++] = '\\';
                err->message[to++] = 'x';
                err->message[to++] = hex[byte >> 4];
                err->message[to++] = hex[byte & 15];
            }
        }
        from += taken;
    }
    err->message[to] = '\0';
}

fh_status fh_fail(fh_err *err, fh_code code, uint64_t offset_bytes, const char *format, ...) {
    FH_ASSERT(code != FH_OK);
    if (err == NULL || err->code != FH_OK)
        return FH_STATUS(code);

    raw_text raw = {.size = 0};
    va_list args;
    va_start(args, format);
    FH_UNSAFE("report-format");
    int made = vsnprintf(raw.at, sizeof raw.at, format, args);
    va_end(args);
    if (made < 0) /* a conversion failed; the unformatted text is better than none */
        made = snprintf(raw.at, sizeof raw.at, "%s (could not be formatted)", format);
    raw.size = made < 0 ? 0 : (size_t)made < sizeof raw.at ? (size_t)made : sizeof raw.at - 1;

    err->code = code;
    err->offset_bytes = offset_bytes;
    copy_printable(err, &raw);
    return FH_STATUS(code);
}

/* --- the end ---------------------------------------------------------------------------------------------------------- */

#ifdef FH_BOUNDS /* cmake/flags.cmake */
/* What a compiler's check of an index hands over, as both lay it out (compiler-rt/lib/ubsan/ubsan_value.h). */
typedef struct type_text {
    uint16_t kind, info; /* of a number: 0; its lowest bit set if it has a sign, above it the logarithm of its bits */
    char name[];         /* in quotes */
} type_text;

typedef struct array_check {
    const char *file;
    uint32_t line, column;
    const type_text *array, *index;
} array_check;

/* Weak, so that a program with the sanitizer's own library keeps that one's. */
FH_NORETURN FH_ATTR(weak) void __ubsan_handle_out_of_bounds_abort(const array_check *check, uintptr_t index);

FH_NORETURN void __ubsan_handle_out_of_bounds_abort(const array_check *check, uintptr_t index) {
    fh_span file = fh_span_of_str(check->file); /* the compilers do not shorten it as they do __FILE__ */
    size_t from = fh_span_find(file, FH_LIT("/src/"), 0);
    file = fh_span_from(file, from == SIZE_MAX ? 0 : from + 1);
    unsigned power = check->index->info >> 1, bits = power < 6 ? 1u << power : 64, above = 64 - bits;
    bool negative = (check->index->info & 1) != 0 && ((uint64_t)index >> (bits - 1) & 1) != 0;
    uint64_t size = (negative ? -(uint64_t)index : (uint64_t)index) << above >> above;
    FH_UNSAFE("report-format");
    fprintf(stderr, "freehold: %.*s:%u: index %s%llu is outside of %s\n", FH_SPAN_FMT(file), check->line, negative ? "-" : "",
            (unsigned long long)size, check->array->name);
    fflush(stderr);
    abort();
}
#endif

void fh_assert_fail(const char *condition, const char *file, int line, uint64_t a, uint64_t b) {
    FH_UNSAFE("report-format");
    if (a == 0 && b == 0)
        fprintf(stderr, "freehold: %s:%d: assertion failed: %s\n", file, line, condition);
    else
        fprintf(stderr, "freehold: %s:%d: assertion failed: %s (%llu, %llu)\n", file, line, condition, (unsigned long long)a,
                (unsigned long long)b);
    fflush(stderr);
    abort();
}
