/* cli.c: parsing arguments and printing help from one table.
 *
 * Nothing is guessed: an unknown option, a missing or malformed value and an operand too many are refused, with the nearest
 * known name where one is near. Values are stored as they are met, so a refused command line leaves its options half set:
 * the caller stops.
 * Threading: one thread. */
#include "apps/cli.h"

enum { DISTANCE_MAX = 32, HELP_COLUMN = 26 };

bool fh_path_set(fh_path *path, fh_span a, fh_span b) {
    size_t at = 0;
    bool fits = a.size < FH_PATH_MAX && b.size < FH_PATH_MAX - a.size;
    for (size_t i = 0; fits && i < a.size + b.size; i++) {
        uint8_t byte = i < a.size ? fh_span_at(a, i) : fh_span_at(b, i - a.size);
        fits = byte != 0;
        path->text[at++] = (char)byte;
    }
    path->text[fits ? at : 0] = 0;
    return fits;
}

/* --- values ----------------------------------------------------------------------------------------------------------- */

bool fh_cli_number(fh_span text, uint64_t max, uint64_t *out) {
    uint64_t n = 0;
    bool ok = text.size != 0;
    for (size_t i = 0; ok && i < text.size; i++) {
        uint8_t digit = (uint8_t)(fh_span_at(text, i) - '0');
        ok = digit <= 9 && n <= (UINT64_MAX - digit) / 10;
        n = ok ? n * 10 + digit : 0;
    }
    ok = ok && n <= max;
    *out = ok ? n : 0;
    return ok;
}

bool fh_cli_real(fh_span text, double *out) {
    /* Both are exact up to 15 digits, so the one division rounds correctly. */
    double digits = 0, scale = 1;
    size_t count = 0;
    bool point = false, ok = true;
    for (size_t i = 0; ok && i < text.size; i++) {
        uint8_t c = fh_span_at(text, i);
        if (c == '.' && !point) {
            point = true;
            continue;
        }
        ok = c >= '0' && c <= '9' && ++count <= 15;
        digits = digits * 10 + (c - '0');
        scale = point ? scale * 10 : scale;
    }
    ok = ok && count != 0;
    *out = ok ? digits / scale : 0;
    return ok;
}

bool fh_cli_choice(fh_span text, const char *words, uint64_t *out) {
    fh_span rest = fh_span_of_str(words);
    for (uint64_t n = 0; rest.size != 0; n++) {
        size_t bar = fh_span_find(rest, FH_LIT("|"), 0);
        size_t size = bar == SIZE_MAX ? rest.size : bar;
        if (fh_span_equal(fh_span_sub(rest, 0, size), text)) {
            *out = n;
            return true;
        }
        rest = fh_span_from(rest, bar == SIZE_MAX ? rest.size : bar + 1);
    }
    *out = 0;
    return false;
}

/* Stores one value; `shown` is the option as it was written. */
static fh_status take_value(fh_ref fh_view(3) const fh_cli_option *o, fh_span shown, fh_span value, fh_err *err) {
    switch (o->kind) {
    case FH_CLI_FLAG:
        *o->to.flag = true;
        return FH_DONE;
    case FH_CLI_PATH:
        if (value.size == 0 || !fh_path_set(o->to.path, value, FH_LIT("")))
            return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "%.*s: found a path of %zu bytes, expected 1 to %d",
                           FH_SPAN_FMT(shown),
                           value.size, FH_PATH_MAX - 1);
        return FH_DONE;
    case FH_CLI_TEXT:
        *o->to.text = value;
        return FH_DONE;
    case FH_CLI_TEXTS:
        if (o->to.texts->count == FH_CLI_TEXTS_MAX)
            return fh_fail(err, FH_LIMIT, FH_NO_OFFSET, "%.*s: at most %d times", FH_SPAN_FMT(shown), FH_CLI_TEXTS_MAX);
        o->to.texts->at[o->to.texts->count++] = value;
        return FH_DONE;
    case FH_CLI_NUMBER:
        if (!fh_cli_number(value, o->max, o->to.number) || *o->to.number < o->min)
            return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "%.*s: found '%.*s', expected a whole number from %llu to %llu",
                           FH_SPAN_FMT(shown), FH_SPAN_FMT(value), (unsigned long long)o->min, (unsigned long long)o->max);
        return FH_DONE;
    case FH_CLI_REAL:
        if (!fh_cli_real(value, o->to.real) || *o->to.real < o->low || *o->to.real > o->high)
            return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "%.*s: found '%.*s', expected a number from %g to %g",
                           FH_SPAN_FMT(shown),
                           FH_SPAN_FMT(value), o->low, o->high);
        return FH_DONE;
    case FH_CLI_CHOICE:
        if (!fh_cli_choice(value, o->value, o->to.number))
            return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "%.*s: found '%.*s', expected %s", FH_SPAN_FMT(shown),
                           FH_SPAN_FMT(value),
                           o->value);
        return FH_DONE;
    }
    return FH_STATUS(FH_INVALID);
}

/* --- names ------------------------------------------------------------------------------------------------------------ */

size_t fh_cli_distance(fh_span a, fh_span b) {
    /* Optimal string alignment distance, by rows; two rows back for a swap. */
    size_t rows[3][DISTANCE_MAX + 1] = {{0}};
    if (a.size > DISTANCE_MAX || b.size > DISTANCE_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= b.size; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a.size; i++) {
        size_t row = i % 3, above = (i + 2) % 3, above2 = (i + 1) % 3;
        rows[row][0] = i;
        for (size_t j = 1; j <= b.size; j++) {
            uint8_t x = fh_span_at(a, i - 1), y = fh_span_at(b, j - 1);
            size_t best = rows[above][j - 1] + (x != y);
            best = rows[above][j] + 1 < best ? rows[above][j] + 1 : best;
            best = rows[row][j - 1] + 1 < best ? rows[row][j - 1] + 1 : best;
            bool swap = i > 1 && j > 1 && x == fh_span_at(b, j - 2) && y == fh_span_at(a, i - 2);
            if (swap && rows[above2][j - 2] + 1 < best)
                best = rows[above2][j - 2] + 1;
            rows[row][j] = best;
        }
    }
    return rows[a.size % 3][b.size];
}

bool fh_cli_near(size_t distance, fh_span word) {
    return distance <= 3 && distance * 2 < word.size;
}

static fh_status refuse_option(const fh_cli *cli, fh_span name, fh_err *err) {
    const char *nearest = NULL;
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < cli->options.count; i++) {
        const fh_cli_option *o = fh_cli_options_at(cli->options, i);
        size_t distance = fh_cli_distance(name, fh_span_of_str(o->name));
        /* A name cut short is meant for the whole one. */
        if (name.size > 3 && fh_span_starts(fh_span_of_str(o->name), name))
            distance = 1;
        if (distance < best && fh_cli_near(distance, name)) {
            best = distance;
            nearest = o->name;
        }
    }
    if (nearest != NULL)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "unknown option '%.*s'; did you mean '%s'?", FH_SPAN_FMT(name),
                       nearest);
    return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "unknown option '%.*s'", FH_SPAN_FMT(name));
}

static fh_or_null const fh_cli_option *find_option(const fh_cli *cli, fh_span name) {
    for (size_t i = 0; i < cli->options.count; i++) {
        const fh_cli_option *o = fh_cli_options_at(cli->options, i);
        bool letter = o->letter != 0 && name.size == 2 && fh_span_at(name, 0) == '-' &&
                      fh_span_at(name, 1) == (uint8_t)o->letter;
        if (letter || fh_span_is(name, o->name))
            return o;
    }
    return NULL;
}

/* --- the arguments ---------------------------------------------------------------------------------------------------- */

static fh_status take_operand(fh_ref fh_view(2) const fh_cli *cli, fh_span arg, bool first, fh_err *err) {
    fh_path path = {{0}};
    bool fits = arg.size != 0 && fh_path_set(&path, arg, FH_LIT(""));
    if (cli->operand_name == NULL || (fits && !first && cli->operands == NULL))
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "unexpected argument '%.*s'", FH_SPAN_FMT(arg));
    if (!fits)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "found a path of %zu bytes, expected 1 to %d", arg.size, FH_PATH_MAX - 1);
    if (cli->operands == NULL)
        *cli->operand = path;
    else if (cli->operands->count < FH_CLI_ARGS_MAX)
        cli->operands->at[cli->operands->count++] = arg;
    return FH_DONE;
}

/* Takes the option at args[*i] with its value; *i moves to the last argument used. */
static fh_status take_option(fh_ref fh_view(2) const fh_cli *cli, fh_views args, size_t *i, fh_err *err) {
    fh_span arg = fh_views_get(args, *i);
    size_t equals = fh_span_starts(arg, FH_LIT("--")) ? fh_span_find(arg, FH_LIT("="), 0) : SIZE_MAX;
    fh_span name = equals == SIZE_MAX ? arg : fh_span_sub(arg, 0, equals);
    const fh_cli_option *o = find_option(cli, name);
    if (o == NULL)
        return refuse_option(cli, name, err);
    fh_span value = FH_LIT("");
    if (o->kind == FH_CLI_FLAG && equals != SIZE_MAX)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "%.*s takes no value", FH_SPAN_FMT(name));
    if (o->kind != FH_CLI_FLAG && equals != SIZE_MAX) {
        value = fh_span_from(arg, equals + 1);
    } else if (o->kind != FH_CLI_FLAG) {
        if (*i + 1 == args.count)
            return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "%.*s: expected a value (%s) after it", FH_SPAN_FMT(name),
                           o->value);
        *i += 1;
        value = fh_views_get(args, *i);
    }
    if (o->given != NULL)
        *o->given = true;
    return take_value(o, name, value, err);
}

fh_status fh_cli_parse(fh_cli *cli, fh_views args, fh_err *err) {
    bool operands_only = false, have_operand = false;
    for (size_t i = 0; i < args.count && !cli->help; i++) {
        fh_span arg = fh_views_get(args, i);
        cli->help = fh_span_is(arg, "--help") || fh_span_is(arg, "-h");
        if (fh_span_is(arg, "--"))
            break;
    }
    for (size_t i = 0; i < args.count && !cli->help; i++) {
        fh_span arg = fh_views_get(args, i);
        if (!operands_only && fh_span_is(arg, "--")) {
            operands_only = true;
        } else if (!operands_only && arg.size > 1 && fh_span_at(arg, 0) == '-') {
            FH_TRY(take_option(cli, args, &i, err));
        } else {
            FH_TRY(take_operand(cli, arg, !have_operand, err));
            have_operand = true;
        }
    }
    if (!cli->help && cli->operand_name != NULL && !have_operand)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "expected %s", cli->operand_name);
    return FH_DONE;
}

/* --- help ------------------------------------------------------------------------------------------------------------- */

/* Prints lines, each after `indent` blanks; the first line continues the present one from column `at`. */
static void put_lines(fh_term *t, const char *lines, size_t indent, size_t at) {
    fh_span rest = fh_span_of_str(lines);
    while (rest.size != 0) {
        size_t end = fh_span_find(rest, FH_LIT("\n"), 0);
        size_t size = end == SIZE_MAX ? rest.size : end;
        if (size != 0)
            fh_term_fill(t, ' ', at < indent ? indent - at : 0);
        fh_term_put(t, fh_span_sub(rest, 0, size));
        fh_term_put(t, FH_LIT("\n"));
        rest = fh_span_from(rest, end == SIZE_MAX ? rest.size : end + 1);
        at = 0;
    }
}

static void put_heading(fh_term *t, const char *text) {
    FH_SAY(t, "\n%s%s%s\n", fh_term_style(t, FH_BOLD), text, fh_term_style(t, FH_PLAIN));
}

void fh_cli_help(const fh_cli *cli, fh_term *t) {
    FH_SAY(t, "%sfreehold %s%s: %s\n", fh_term_style(t, FH_BOLD), cli->verb, fh_term_style(t, FH_PLAIN), cli->summary);
    put_heading(t, "Examples");
    put_lines(t, cli->examples, 2, 0);
    put_heading(t, "Usage");
    FH_SAY(t, "  freehold %s [options]%s%s\n", cli->verb, cli->operand_name ? " " : "",
           cli->operand_name ? cli->operand_name : "");
    put_heading(t, "Options");
    for (size_t i = 0; i < cli->options.count; i++) {
        const fh_cli_option *o = fh_cli_options_at(cli->options, i);
        bool value = o->kind != FH_CLI_FLAG, long_value = o->kind == FH_CLI_CHOICE;
        const char *shown = !value ? "" : long_value ? "WORD" : o->value;
        size_t width = 6 + fh_span_of_str(o->name).size + (value ? 1 : 0) + fh_span_of_str(shown).size;
        FH_SAY(t, "  %s%s", fh_term_style(t, FH_CYAN), o->letter ? "" : "    ");
        if (o->letter)
            FH_SAY(t, "-%c, ", o->letter);
        FH_SAY(t, "%s%s%s%s", o->name, fh_term_style(t, FH_PLAIN), value ? " " : "", shown);
        if (width + 2 > HELP_COLUMN) {
            fh_term_put(t, FH_LIT("\n"));
            width = 0;
        }
        put_lines(t, o->help, HELP_COLUMN, width);
        if (long_value) {
            fh_term_fill(t, ' ', HELP_COLUMN);
            FH_SAY(t, "%s\n", o->value);
        }
    }
    FH_SAY(t, "  %s-h, --help%s", fh_term_style(t, FH_CYAN), fh_term_style(t, FH_PLAIN));
    put_lines(t, "this text", HELP_COLUMN, 12);
    if (cli->notes != NULL) {
        put_heading(t, "Notes");
        put_lines(t, cli->notes, 2, 0);
    }
}
