"""Reads the cases of a .txt file in this folder, and makes C programs of them.

A case is a bad program and its good twin. Each is the body of a function, perhaps with helpers before it:

    let JOB = job *j = job_new(3);

    case 415 callee: refused 0305; shown AddressSanitizer
    @  static void @end(fh_drop job *j) {                            helpers of both
    @      job_free(j);
    @  }
    -  JOB @end(j); job_free(j);                                     the bad one
    +  JOB note(job_sum(j)); @end(j);                                the good one

Lines with `@-` and `@+` are helpers of one of them, lines with `=` end the bodies of both. Inside, `@` stands for a name that
is the program's own, and a name that `let` has given for its text. The first line says, after the CWE and the name, how the bad
one is stopped: `refused` with the first digits of the codes of deed that will do, or `stopped` by a `trap` or a status at run
time. `shown` is what its run says if deed refuses it: a sanitizer, a status, `leak`. `as in Rust` says why the good twin is
refused too.

A case whose name ends in `_*` stands for several: a mistake that comes through several flows.

    through reached if_call while     the statement in `<< … >>` is reached by each of these ways of REACHED (none named: all)
    through missed switch             it is passed by in each of these ways of MISSED; in the good one too, or
    through missed|sure               it is done there for certain: SURE
    carried 4|3 constant input        a number comes to its place by each of these ways of CARRIED: BEFORE stands where that
                                      needs a statement, NUMBER for the number: 4 in the bad one, 3 in the good one

The weaknesses, and the idea of sending the same mistake through many flows, are those of MITRE's CWE list and of NIST's Juliet
suite; all programs are our own."""
import re
from collections import namedtuple

Case = namedtuple("Case", "cwe name bad good helpers good_helpers codes stops shown rust")

# Ways for control to reach a statement, in every run.
REACHED = {
    "straight": "$",
    "block": "{ note(1); { $ } }",
    "if_constant": "if (1) { $ }",
    "if_global": "if (five == 5) { $ }",
    "if_call": "if (yes()) { $ }",
    "else": "if (no()) { note(1); } else { $ }",
    "if_and": "if (yes() && one() == 1) { $ }",
    "if_or": "if (no() || yes()) { $ }",
    "switch": "switch (six()) { case 6: $ break; default: note(1); break; }",
    "fall_through": "switch (six()) { case 6: note(1); case 7: $ break; default: break; }",
    "while": "while (yes()) { $ break; }",
    "for": "for (int i = 0; i < one(); i++) { $ }",
    "do": "do { $ } while (no());",
    "continue": "for (int i = 0; i < 2; i++) { if (i == 0) continue; $ }",
    "nested_loops": "for (int i = 0; i < one(); i++) { while (yes()) { $ break; } }",
    "goto_over": "if (no()) goto @over; $ @over: note(1);",
    "goto_there": "if (yes()) goto @there; note(1); @there: $",
}

# Ways for control to pass a statement by, in every run, though a checker cannot know it.
MISSED = {
    "if_call": "if (no()) { $ }",
    "if_global": "if (five != 5) { $ }",
    "else": "if (yes()) { note(1); } else { $ }",
    "if_and": "if (yes() && no()) { $ }",
    "switch": "switch (six()) { case 7: $ break; case 8: $ break; }",
    "while": "while (no()) { $ break; }",
    "for": "for (int i = 1; i < one(); i++) { $ }",
    "break": "for (;;) { if (yes()) break; $ }",
    "goto_over": "if (yes()) goto @over; $ @over: note(1);",
    "continue": "for (int i = 0; i < one(); i++) { if (yes()) continue; $ }",
}
# Ways that look like them, and do not pass it by.
SURE = {
    "if_call": "$",
    "if_global": "if (1) { $ }",
    "else": "if (yes()) { $ } else { $ }",
    "if_and": "{ $ }",
    "switch": "switch (six()) { case 6: $ break; default: $ break; }",
    "while": "while (1) { $ break; }",
    "for": "for (;;) { $ break; }",
    "break": "for (;;) { $ if (yes()) break; }",
    "goto_over": "if (no()) { $ goto @over; } $ @over: note(1);",
    "continue": "do { $ if (no()) continue; } while (no());",
}
FLOWS = {"reached": REACHED, "missed": MISSED, "sure": SURE}

# Ways for a number to come to a place where it is used: what is written before, the number, and helpers.
CARRIED = {
    "constant": ("", "N", ""),
    "variable": ("size_t i = N;", "i", ""),
    "input": ("", "outside(N)", ""),
    "field": ("const struct { size_t from, to; } r = {N, N + 1};", "r.from", ""),
    "array_element": ("const size_t all[2] = {N, 0};", "all[0]", ""),
    "pointer": ("size_t i = N; const size_t *p = &i;", "*p", ""),
    "choice": ("size_t i = yes() ? outside(N) : 0;", "i", ""),
    "loop": ("size_t i = 0; while (i < outside(N)) i++;", "i", ""),
    "switch": ("size_t i = 0; switch (six()) { case 6: i = N; break; default: i = 1; break; }", "i", ""),
    "sum": ("size_t i = outside(N - 1);", "i + 1", ""),
    "compound": ("size_t i = 1; i += outside(N) - 1;", "i", ""),
    "macro": ("enum { PLACE = N };", "PLACE", ""),
    "callee": ("", "@number()", "static size_t @number(void) {\n    return outside(N);\n}"),
    "out_parameter": ("size_t i = 0; @number(&i);", "i",
                      "static void @number(fh_out size_t *out) {\n    *out = outside(N);\n}"),
    "callback": ("", "@ask(outside)", "static size_t @ask(size_t (*fn)(size_t)) {\n    return fn(N);\n}"),
}


# --- reading ----------------------------------------------------------------------------------------------------------


def read_cases(path):
    """The cases of a file, in order."""
    lets, blocks = {}, []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        let = re.fullmatch(r"let ([A-Z_]+) = (.*)", line)
        head = re.fullmatch(r"case (\d+) (\w+\*?): (.*)", line)
        part = re.fullmatch(r"(@[-+ ]|[-+=] ) ?(.*)", line)
        if let:
            lets[let[1]] = let[2]
            last = let[1]
        elif head:
            blocks.append((int(head[1]), head[2], head[3], {}))
            last = None
        elif part and blocks:
            blocks[-1][3].setdefault(part[1].strip(), []).append(part[2])
        elif re.match(r" +\S", line) and not blocks:
            lets[last] += " " + line.strip()  # a long one goes on in the next line
        elif re.match(r" +\S", line) and not blocks[-1][3]:
            blocks[-1] = (*blocks[-1][:2], blocks[-1][2] + " " + line.strip(), blocks[-1][3])
        elif line and not line.startswith("#"):
            raise ValueError(f"{path}:{number}: {line}")
    for block in blocks:
        yield from expand(*block, lets)


def expand(cwe, name, said, parts, lets):
    """The cases that one block stands for."""
    words = r"(refused|stopped|shown|through|carried|as in Rust) ?(.*)"
    says = dict(re.fullmatch(words, part.strip()).groups() for part in said.split(";"))

    def text(*keys, glue="\n"):
        joined = glue.join(line for key in keys for line in parts.get(key, ()))
        for let in sorted(lets, key=len, reverse=True):
            joined = re.sub(rf"\b{let}\b", lambda _: lets[let], joined)
        return joined

    case = Case(cwe, f"cwe{cwe}_{name}", text("-", "=", glue=" "), text("+", "=", glue=" "), text("@", "@-"),
                text("@", "@+"), tuple(says.get("refused", "").split()), says.get("stopped", ""), says.get("shown", ""),
                says.get("as in Rust", ""))
    if bool(case.codes) == bool(case.stops) or not case.bad or not case.good:
        raise ValueError(f"{case.name}: not one of `refused` and `stopped`, or a half is missing")
    if "through" in says:
        yield from through(case, *says["through"].split())
    elif "carried" in says:
        yield from carried(case, *says["carried"].split())
    else:
        yield case


def through(case, kind, *names):
    bad, good = FLOWS[kind.split("|")[0]], FLOWS[kind.split("|")[-1]]
    for name in names or bad:
        put = lambda body, flow: re.sub(r"<< (.*?) >>", lambda m: flow.replace("$", m[1]), body)
        yield case._replace(name=case.name.replace("*", name), bad=put(case.bad, bad[name]), good=put(case.good, good[name]))


def carried(case, numbers, *names):
    bad, good = numbers.split("|")
    for name in names:
        before, value, helper = CARRIED[name]
        put = lambda body, n: re.sub(r"\bN\b", n, body.replace("BEFORE", before).replace("NUMBER", value))
        yield case._replace(name=case.name.replace("*", name), bad=put(case.bad, bad), good=put(case.good, good),
                            helpers=put(helper, bad), good_helpers=put(helper, good))


# --- writing ----------------------------------------------------------------------------------------------------------


def pretty(text):
    """One statement a line, indented by braces; braces of initial values stay where they are."""
    lines, line, depth, parens, values = [], "", 0, 0, 0

    def flush():
        nonlocal line
        if line.strip():
            lines.append("    " * (depth + 1) + line.strip())
        line = ""

    for c in re.sub(r"\s+", " ", text.strip()):
        parens += (c == "(") - (c == ")")
        if c == "{" and (values or parens or re.search(r"[=(,]\s*$|\)$", line)):
            values += 1
        elif c == "}" and values:
            values -= 1
        elif c == "{":
            line += c
            flush()
            depth += 1
            continue
        elif c == "}":
            flush()
            depth -= 1
            line = "}"
            flush()
            continue
        line += c
        label = c == ":" and re.fullmatch(r"\s*(case \w+|default|@\w+):", line)
        if label or (c == ";" and not parens and not values):
            flush()
    flush()
    return "\n".join(lines)


def program(c, kind):
    """The C text of one half of a case, and the name of its function."""
    name = f"{c.name}__{kind}"
    body, helpers = (c.bad, c.helpers) if kind == "bad" else (c.good, c.good_helpers)
    if "return " not in body.rsplit(";", 2)[-2]:
        body += " return FH_DONE;"
    text = f"{helpers}\n" * bool(helpers) + f"fh_status {name}(void) {{\n{pretty(body)}\n}}\n"
    return text.replace("@", name + "_"), name


PRELUDE = """/* Made by tests/check/test_shapes.py. */
#include <stdio.h>
#include <string.h>

#include "shapes.h"
#include "cases.h"

static const int five = 5;
"""
CASES_H = """/* Made by tests/check/test_shapes.py. */
typedef struct shape_case {
    const char *name;
    fh_status (*run)(void);
} shape_case;
extern const shape_case shape_cases[];
"""
