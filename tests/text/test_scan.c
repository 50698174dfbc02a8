/* test_scan.c: the scanners against PCRE2 with the expressions themselves, and by hand where a Unicode is too new for it,
 * and by hand for any bytes. */
#include "scan_text.h"
#include "support/fh_test.h"
#include "text/kern/pcre.h"
#include "text/pipe/scan.h"
#include "scan_patterns.h"

static void test_known(void **state) {
    (void)state;
    for (int i = FH_SCAN_NONE + 1; i < FH_SCAN_DEEPSEEK3; i++) {
        fh_span pattern = fh_span_of_str(scan_patterns[i]);
        assert_int_equal(fh_scan_of(pattern), i);
        assert_string_equal(fh_scan_pattern((fh_scan)i), scan_patterns[i]);
        assert_int_equal(fh_scan_of(fh_span_sub(pattern, 0, pattern.size - 1)), FH_SCAN_NONE);
    }
    assert_int_equal(fh_scan_of(FH_LIT("")), FH_SCAN_NONE);
    assert_null(fh_scan_pattern(FH_SCAN_NONE));
    assert_null(fh_scan_pattern(FH_SCAN_COUNT));
}

/* The next stretch of the expression: a match, or what lies before one. */
static size_t by_pcre(const fh_pcre *re, fh_pcre_room *room, fh_span text, size_t at, bool *match) {
    size_t begin = 0, end = 0;
    fh_status s = fh_pcre_find(re, room, text, at, &begin, &end);
    *match = s.code == FH_OK && begin == at;
    return s.code == FH_END ? text.size : *match ? end : begin;
}

static void differ(fh_scan scan, fh_span text, size_t at, size_t expected, size_t got) {
    if (expected != got)
        fail_msg("%s at %zu of \"%.*s\": to %zu by PCRE2, to %zu by the scanner", scan_names[scan], at, (int)text.size,
                 (const char *)text.at, expected, got);
}

/* All stretches of a text are those of the expression. */
static void same(const fh_pcre *re, fh_pcre_room *room, fh_scan scan, fh_span text) {
    for (size_t at = 0; at < text.size;) {
        bool expected, got;
        size_t end = by_pcre(re, room, text, at, &expected);
        differ(scan, text, at, end, fh_scan_stretch(scan, text, at, &got));
        assert_int_equal(got, expected);
        assert_true(got || !fh_scan_covers(scan));
        at = end;
    }
}

static void test_against_pcre(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_pcre_room *room = NULL;
    fh_assert_ok(fh_pcre_room_new(a, &room));
    for (int i = FH_SCAN_NONE + 1; i < FH_SCAN_DEEPSEEK3; i++) {
        fh_pcre *re = NULL;
        fh_assert_ok(fh_pcre_new(a, fh_span_of_str(scan_patterns[i]), &re, NULL));
        fh_test_rng rng = fh_test_rng_new(1000 + (uint64_t)i);
        uint8_t text[256];
        for (size_t round = 0; round < 20000; round++) {
            size_t room_bytes = 1 + fh_test_rng_below(&rng, round % 4 == 0 ? sizeof text : 24);
            same(re, room, (fh_scan)i, (fh_span){text, fh_scan_text(&rng, text, room_bytes, false)});
        }
        fh_pcre_free(re);
    }
    fh_pcre_room_free(room);
}

/* DeepSeek's three at once cut as the three do, each within the stretches of the one before. */
static void deepseek(fh_span text, size_t at, size_t end, fh_scan scan, size_t *next) {
    fh_span part = fh_span_sub(text, 0, end);
    while (at < end) {
        bool match = false;
        size_t stop = at + fh_scan_stretch(scan, fh_span_from(part, at), 0, &match);
        if (scan == FH_SCAN_DEEPSEEK_WORDS) {
            differ(FH_SCAN_DEEPSEEK3, text, at, stop, fh_scan_end(FH_SCAN_DEEPSEEK3, text, at));
            assert_int_equal(at, *next);
            *next = stop;
        } else {
            deepseek(text, at, stop, (fh_scan)(scan + 1), next);
        }
        at = stop;
    }
}

static void test_deepseek(void **state) {
    (void)state;
    fh_test_rng rng = fh_test_rng_new(3);
    uint8_t text[256];
    for (size_t round = 0; round < 20000; round++) {
        size_t size = fh_scan_text(&rng, text, 1 + fh_test_rng_below(&rng, round % 4 == 0 ? sizeof text : 24), false), next = 0;
        deepseek((fh_span){text, size}, 0, size, FH_SCAN_DIGITS3, &next);
        assert_int_equal(next, size);
    }
}

/* --- by hand; | marks the cuts ------------------------------------------------------------------------------------------ */

typedef struct cut_case {
    const char *gpt2, *llama3, *qwen2; /* NULL: as the one before */
} cut_case;

static const cut_case cases[] = {
    {"", NULL, NULL},
    {"Hello| world", NULL, NULL},
    {" Hello|,| world|!", NULL, NULL},
    {"a|\n|b", NULL, NULL},
    {"a| |\xc2\xa0|b",
     "a| |\xc2\xa0"
     "b",
     NULL},
    /* white space: all but the last before text; the last joins if it is a space */
    {"a|  | b", NULL, NULL},
    {"a|   ", NULL, NULL},
    {"a| |\t|b", "a| |\tb", NULL},
    {"a|\t|b", "a|\tb", NULL},
    {"a| \n| b", "a| \n| b", NULL},
    {"a|\n\n|\n|b", "a|\n\n\n|b", NULL},
    {"a| \n |\n|b", "a| \n \n|b", NULL},
    {"a| \n | b", "a| \n| | b", NULL},
    {"a|\r\n", NULL, NULL},
    {"|\n", NULL, NULL},
    {"\xe3\x80\x80\xe3\x80\x80|\xe3\x80\x80|x", "\xe3\x80\x80\xe3\x80\x80|\xe3\x80\x80x", NULL},
    /* contractions */
    {"I|'m| he|'ll| we|'ve| they|'re| it|'s| don|'t| I|'d", NULL, NULL},
    {"I|'|M", "I|'M", NULL},
    {"I|'|Lla", "I|'Ll|a", NULL},
    {"it|'|\xc5\xbf", "it|'\xc5\xbf", NULL},
    {"'s", NULL, NULL},
    {"''|s", NULL, NULL},
    {" '|s", NULL, NULL},
    {"'|x", "'x", NULL},
    {"'|lx", "'lx", NULL},
    {"'|r", "'r", NULL},
    {"a|'", NULL, NULL},
    /* numbers */
    {"1", NULL, NULL},
    {"123", NULL, "1|2|3"},
    {"1234567", "123|456|7", "1|2|3|4|5|6|7"},
    {" 12", " |12", " |1|2"},
    {"a|1|b", NULL, NULL},
    {"\xd9\xa3\xc2\xbd\xe2\x85\xa7", NULL, "\xd9\xa3|\xc2\xbd|\xe2\x85\xa7"},
    /* punctuation, and the line ends it takes along */
    {"x|...|\n|\n|y", "x|...\n\n|y", NULL},
    {"x| ...|y", "x| ...|y", NULL},
    {"x|.|y", "x|.y", NULL},
    {"(|x|)", "(x|)", NULL},
    {"\xf0\x9f\x98\x80| \xf0\x9f\x98\x80", NULL, NULL},
    {"\xf0\x9f\x98\x80|x", "\xf0\x9f\x98\x80x", NULL},
    {"e|\xcc\x81|e",
     "e|\xcc\x81"
     "e",
     NULL},
    /* any bytes: what is no UTF-8 is neither letter, number nor space */
    {"\xff\xfe", NULL, NULL},
    {"a|\xc3|b",
     "a|\xc3"
     "b",
     NULL},
    {"\xe2\x82| x", NULL, NULL},
};

static void check(fh_scan kind, const char *marked) {
    uint8_t text[256], cut[512];
    size_t size = 0, out = 0;
    for (const char *p = marked; *p; p++)
        if (*p != '|')
            text[size++] = (uint8_t)*p;
    fh_span span = {text, size};
    for (size_t at = 0; at < size;) {
        size_t end = fh_scan_end(kind, span, at);
        assert_true(end > at && end <= size);
        for (; at < end; at++)
            cut[out++] = text[at];
        if (end < size)
            cut[out++] = '|';
    }
    cut[out] = 0;
    while (*marked == '|')
        marked++;
    fh_assert_span(((fh_span){cut, out}), marked);
}

static void test_cases(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *llama3 = cases[i].llama3 ? cases[i].llama3 : cases[i].gpt2;
        check(FH_SCAN_GPT2, cases[i].gpt2);
        check(FH_SCAN_LLAMA3, llama3);
        check(FH_SCAN_QWEN2, cases[i].qwen2 ? cases[i].qwen2 : llama3);
    }
}

/* A megabyte of one character costs each scanner a few passes at most, however its runs end. */
static void test_long_runs(void **state) {
    (void)state;
    static uint8_t text[1 << 20];
    static const char *const units[] = {" ", "\n", " \n", "a", "1", "'", ".", "\t", "\xff", "' ", " '"};
    for (size_t u = 0; u < sizeof units / sizeof *units; u++) {
        fh_span unit = fh_span_of_str(units[u]);
        for (size_t i = 0; i < sizeof text; i++)
            text[i] = fh_span_at(unit, i % unit.size);
        for (fh_scan kind = FH_SCAN_GPT2; kind <= FH_SCAN_QWEN2; kind++)
            for (size_t at = 0; at < sizeof text;) {
                size_t end = fh_scan_end(kind, (fh_span){text, sizeof text}, at);
                assert_true(end > at && end <= sizeof text);
                at = end;
            }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),
        FH_TEST_ALLOC(test_against_pcre),
        cmocka_unit_test(test_deepseek),
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_long_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
