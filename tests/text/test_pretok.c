/* test_pretok.c: the pieces that the three expressions cut, written by hand from the expressions; | marks the cuts. */
#include "text/tokenizer_impl.h"
#include "support/fh_test.h"

typedef struct pretok_case {
    const char *gpt2, *llama3, *qwen2; /* NULL: as the one before */
} pretok_case;

static const pretok_case cases[] = {
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

static void check(fh_pretok kind, const char *marked) {
    uint8_t text[256], cut[512];
    size_t size = 0, out = 0;
    for (const char *p = marked; *p; p++)
        if (*p != '|')
            text[size++] = (uint8_t)*p;
    fh_span span = {text, size};
    for (size_t at = 0; at < size;) {
        size_t end = fh_pretok_end(kind, span, at);
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
        check(FH_PRETOK_GPT2, cases[i].gpt2);
        check(FH_PRETOK_LLAMA3, llama3);
        check(FH_PRETOK_QWEN2, cases[i].qwen2 ? cases[i].qwen2 : llama3);
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
        for (int kind = 0; kind < FH_PRETOK_COUNT; kind++)
            for (size_t at = 0; at < sizeof text;) {
                size_t end = fh_pretok_end((fh_pretok)kind, (fh_span){text, sizeof text}, at);
                assert_true(end > at && end <= sizeof text);
                at = end;
            }
    }
}

static void test_names(void **state) {
    (void)state;
    fh_pretok p;
    assert_true(fh_pretok_of_name(FH_LIT("gpt-2"), &p) && p == FH_PRETOK_GPT2);
    assert_true(fh_pretok_of_name(FH_LIT("olmo"), &p) && p == FH_PRETOK_GPT2);
    assert_true(fh_pretok_of_name(FH_LIT("llama-bpe"), &p) && p == FH_PRETOK_LLAMA3);
    assert_true(fh_pretok_of_name(FH_LIT("qwen2"), &p) && p == FH_PRETOK_QWEN2);
    const fh_span unknown[] = {FH_LIT(""),       FH_LIT("default"), FH_LIT("qwen35"),
                               FH_LIT("gpt-2 "), FH_LIT("gpt-4o"),  FH_LIT("starcoder")};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        assert_false(fh_pretok_of_name(unknown[i], &p));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases), cmocka_unit_test(test_long_runs),
                                       cmocka_unit_test(test_names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
