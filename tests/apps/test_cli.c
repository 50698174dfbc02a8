/* test_cli.c: numbers, choices, near misses, and whole command lines against a table of options.
 *
 * Threading: one thread. */
#include "apps/cli.h"

#include "fh_test.h"

static void test_numbers(void **state) {
    (void)state;
    static const struct {
        const char *text;
        uint64_t max, value;
        bool ok;
    } cases[] = {
        {"0", 10, 0, true},
        {"10", 10, 10, true},
        {"11", 10, 0, false},
        {"007", 10, 7, true},
        {"18446744073709551615", UINT64_MAX, UINT64_MAX, true},
        {"18446744073709551616", UINT64_MAX, 0, false},
        {"99999999999999999999", UINT64_MAX, 0, false},
        {"", 10, 0, false},
        {"-1", 10, 0, false},
        {"+1", 10, 0, false},
        {" 1", 10, 0, false},
        {"1x", 10, 0, false},
        {"0x1", 10, 0, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t got = 77;
        assert_int_equal(fh_cli_number(fh_span_of_str(cases[i].text), cases[i].max, &got), cases[i].ok);
        assert_true(got == cases[i].value);
    }
}

static void test_reals(void **state) {
    (void)state;
    static const struct {
        const char *text;
        double value;
        bool ok;
    } cases[] = {
        {"0.8", 0.8, true},   {".5", 0.5, true},     {"2", 2, true},          {"1.", 1, true},
        {"0.95", 0.95, true}, {"0.1", 0.1, true},    {"123456789.012345", 123456789.012345, true},
        {"", 0, false},       {".", 0, false},       {"1.2.3", 0, false},     {"1e5", 0, false},
        {"-1", 0, false},     {"nan", 0, false},     {"inf", 0, false},       {"1234567890123456", 0, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double got = 77;
        assert_int_equal(fh_cli_real(fh_span_of_str(cases[i].text), &got), cases[i].ok);
        assert_true(got >= cases[i].value && got <= cases[i].value); /* the very same number */
    }
}

static void test_choices(void **state) {
    (void)state;
    uint64_t got = 0;
    assert_true(fh_cli_choice(FH_LIT("auto"), "auto|scalar|avx2", &got) && got == 0);
    assert_true(fh_cli_choice(FH_LIT("avx2"), "auto|scalar|avx2", &got) && got == 2);
    assert_false(fh_cli_choice(FH_LIT("avx"), "auto|scalar|avx2", &got));
    assert_false(fh_cli_choice(FH_LIT(""), "auto|scalar|avx2", &got));
    assert_false(fh_cli_choice(FH_LIT("auto|scalar"), "auto|scalar|avx2", &got));
}

static void test_distance(void **state) {
    (void)state;
    static const struct {
        const char *a, *b;
        size_t distance;
    } cases[] = {
        {"", "", 0},         {"run", "run", 0},       {"rnu", "run", 1},         {"runn", "run", 1},
        {"ru", "run", 1},    {"inspct", "inspect", 1}, {"--tmp", "--temp", 1},    {"ca", "abc", 3},
        {"", "abc", 3},      {"kitten", "sitting", 3},
        {"a text of more than thirty-two letters", "x", SIZE_MAX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(fh_cli_distance(fh_span_of_str(cases[i].a), fh_span_of_str(cases[i].b)) == cases[i].distance);
        assert_true(fh_cli_distance(fh_span_of_str(cases[i].b), fh_span_of_str(cases[i].a)) == cases[i].distance);
    }
    assert_false(fh_cli_near(2, FH_LIT("run")));
    assert_true(fh_cli_near(1, FH_LIT("run")));
}

static void test_paths(void **state) {
    (void)state;
    fh_path path;
    assert_true(fh_path_set(&path, FH_LIT("a/"), FH_LIT("b.gguf")));
    assert_string_equal(path.text, "a/b.gguf");
    assert_false(fh_path_set(&path, FH_LIT("a\0b"), FH_LIT("")));
    assert_string_equal(path.text, "");
    struct {
        uint8_t bytes[FH_PATH_MAX];
    } longest;
    fh_mspan_fill((fh_mspan){longest.bytes, FH_PATH_MAX}, 'x');
    assert_true(fh_path_set(&path, (fh_span){longest.bytes, FH_PATH_MAX - 1}, FH_LIT("")));
    assert_false(fh_path_set(&path, (fh_span){longest.bytes, FH_PATH_MAX - 1}, FH_LIT("x")));
    assert_false(fh_path_set(&path, (fh_span){longest.bytes, FH_PATH_MAX}, FH_LIT("")));
}

/* --- command lines ---------------------------------------------------------------------------------------------------- */

/* What a command line was parsed into. */
typedef struct parsed {
    bool flag, given, help;
    fh_path model, operand;
    fh_span text;
    fh_cli_texts stops;
    uint64_t number, choice;
    double real;
} parsed;

/* Parses words divided by blanks; '_' stands for an empty word. */
static fh_status parse(const char *line, const char *operand, parsed *p, fh_err *err) {
    *p = (parsed){.number = 5};
    fh_cli_option options[] = {
        {.letter = 'm', .name = "--model", .kind = FH_CLI_PATH, .value = "FILE", .help = "h", .to.path = &p->model},
        {.letter = 'p', .name = "--prompt", .kind = FH_CLI_TEXT, .value = "TEXT", .help = "h", .to.text = &p->text,
         .given = &p->given},
        {.letter = 'n', .name = "--tokens", .kind = FH_CLI_NUMBER, .value = "N", .help = "h", .to.number = &p->number,
         .min = 1, .max = 100},
        {.name = "--temp", .kind = FH_CLI_REAL, .value = "T", .help = "h", .to.real = &p->real, .high = 2},
        {.name = "--stop", .kind = FH_CLI_TEXTS, .value = "TEXT", .help = "h", .to.texts = &p->stops},
        {.name = "--isa", .kind = FH_CLI_CHOICE, .value = "auto|avx2", .help = "h", .to.number = &p->choice},
        {.name = "--json", .kind = FH_CLI_FLAG, .help = "h", .to.flag = &p->flag},
    };
    fh_cli cli = {.verb = "verb", .summary = "s", .examples = "e", .operand_name = operand, .operand = &p->operand,
                  .options = {options, sizeof options / sizeof options[0]}};
    fh_span words[64];
    fh_views args = {words, 0};
    fh_span rest = fh_span_of_str(line);
    while (rest.size != 0) {
        size_t blank = fh_span_find(rest, FH_LIT(" "), 0);
        fh_span word = fh_span_sub(rest, 0, blank == SIZE_MAX ? rest.size : blank);
        words[args.count++] = fh_span_is(word, "_") ? FH_LIT("") : word;
        rest = fh_span_from(rest, blank == SIZE_MAX ? rest.size : blank + 1);
    }
    fh_err_clear(err);
    fh_status s = fh_cli_parse(&cli, args, err);
    p->help = cli.help;
    return s;
}

static void test_accepted(void **state) {
    (void)state;
    parsed p;
    fh_err err;
    fh_assert_ok(parse("-m a.gguf -n 7 --temp .5 --json --isa avx2", NULL, &p, &err));
    assert_string_equal(p.model.text, "a.gguf");
    assert_true(p.number == 7 && p.flag && p.choice == 1 && !p.given && p.real > 0.4 && p.real < 0.6);
    fh_assert_ok(parse("--model=a=b --prompt _", NULL, &p, &err));
    assert_string_equal(p.model.text, "a=b");
    assert_true(p.given && p.text.size == 0 && p.number == 5);
    fh_assert_ok(parse("-p --json", NULL, &p, &err)); /* the value may look like an option */
    fh_assert_span(p.text, "--json");
    assert_false(p.flag);
    fh_assert_ok(parse("--stop a --stop b", NULL, &p, &err));
    assert_true(p.stops.count == 2);
    fh_assert_span(p.stops.at[1], "b");
    fh_assert_ok(parse("x.gguf --json", "FILE", &p, &err));
    assert_string_equal(p.operand.text, "x.gguf");
    fh_assert_ok(parse("-- -x.gguf", "FILE", &p, &err));
    assert_string_equal(p.operand.text, "-x.gguf");
    fh_assert_ok(parse("--nonsense --help", "FILE", &p, &err));
    assert_true(p.help);
    fh_assert_ok(parse("-- --help", "FILE", &p, &err));
    assert_false(p.help);
}

/* A verb may take several operands. */
static void test_operands(void **state) {
    (void)state;
    static fh_cli_operands files;
    fh_cli cli = {.verb = "verb", .summary = "s", .examples = "e", .operand_name = "FILE", .operands = &files};
    fh_span words[] = {FH_LIT("a"), FH_LIT("--"), FH_LIT("-b")};
    fh_err err;
    fh_err_clear(&err);
    fh_assert_ok(fh_cli_parse(&cli, (fh_views){words, 3}, &err));
    assert_int_equal(files.count, 2);
    fh_assert_span(files.at[0], "a");
    fh_assert_span(files.at[1], "-b");
    fh_assert_code(fh_cli_parse(&cli, (fh_views){words, 0}, &err), FH_INVALID);
    fh_assert_err(&err, FH_INVALID, "expected FILE");
}

static void test_refused(void **state) {
    (void)state;
    static const struct {
        const char *line, *operand, *message;
    } cases[] = {
        {"--tokns 5", NULL, "unknown option '--tokns'; did you mean '--tokens'?"},
        {"--tok 5", NULL, "did you mean '--tokens'?"},
        {"--frobnicate", NULL, "unknown option '--frobnicate'"},
        {"-x", NULL, "unknown option '-x'"},
        {"-n", NULL, "-n: expected a value (N) after it"},
        {"-n 0", NULL, "-n: found '0', expected a whole number from 1 to 100"},
        {"-n 101", NULL, "found '101'"},
        {"-n ten", NULL, "found 'ten'"},
        {"--tokens=", NULL, "found ''"},
        {"--temp 2.5", NULL, "--temp: found '2.5', expected a number from 0 to 2"},
        {"--temp x", NULL, "found 'x'"},
        {"--isa sse9", NULL, "--isa: found 'sse9', expected auto|avx2"},
        {"--json=yes", NULL, "--json takes no value"},
        {"-m _", NULL, "found a path of 0 bytes"},
        {"stray", NULL, "unexpected argument 'stray'"},
        {"a b", "FILE", "unexpected argument 'b'"},
        {"_", "FILE", "found a path of 0 bytes"},
        {"--json", "FILE", "expected FILE"},
        {"-p a\x1b[31m", "FILE", "expected FILE"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        parsed p;
        fh_err err;
        fh_assert_code(parse(cases[i].line, cases[i].operand, &p, &err), FH_INVALID);
        fh_assert_err(&err, FH_INVALID, cases[i].message);
    }
    parsed p;
    fh_err err;
    fh_assert_code(parse("--stop 1 --stop 2 --stop 3 --stop 4 --stop 5 --stop 6 --stop 7 --stop 8 --stop 9 --stop 10 --stop 11 "
                         "--stop 12 --stop 13 --stop 14 --stop 15 --stop 16 --stop 17",
                         NULL, &p, &err),
                   FH_LIMIT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),  cmocka_unit_test(test_reals), cmocka_unit_test(test_choices),
        cmocka_unit_test(test_distance), cmocka_unit_test(test_paths), cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_operands),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
