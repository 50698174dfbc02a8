#!/usr/bin/env python3
"""refused: mutants of this project's own sources that must be refused before they ever run.

    tests/mutants/refused.py --deed build/release/deed            600 of them, the same ones each time
    … --all                      every one
    … --only double-drop         of some operators alone; all survivors are printed
    … tokenizer                  of files whose path has this word

Each operator puts one mistake into one function outside the audited rooms: a drop deleted or doubled, a use after a move, a
contract's word changed … (OPERATORS). A mutant counts only if it compiles. It is killed by a finding of `deed`, which has none
about the file as it is, or, where deed is silent, by a warning of gcc or clang with the flags of the build. Who survives is
printed with its place.

How: `deed dump --format=json` gives the tree with its places, so that operators know calls, contracts and types; the mutant is
text put in and taken out there. The project has few locks and threads outside its rooms: the operators for these work on the
accepted programs of tests/ui, and are counted apart. Ends with `refused: N killed, N survived`; exit status 1 if fewer than the
goal are killed, of those in our own sources, or of all."""
import argparse
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GOAL = 95  # percent
INCLUDE = ["-Iinclude", "-Isrc", "-D_GNU_SOURCE", "-isystem", "/usr/lib/llvm-19/include"]
RETURNS = {"void": "", "fh_status": "FH_STATUS(FH_LIMIT)"}
NUMBER = re.compile(r"(unsigned |signed )?(char|short|int|long|long long|float|double|_Bool|bool)( int| long)*$|size_t|"
                    r"u?int\d+_t$")


# --- a source and its tree --------------------------------------------------------------------------------------------


class Row:
    """A node of the tree, with its parent and children."""

    def __init__(self, fields, parent):
        self.__dict__.update(fields)
        self.parent, self.children = parent, []
        self.ours = not fields.get("macro", False)

    def walk(self):
        yield self
        for child in self.children:
            yield from child.walk()


class Source:
    """A file: its bytes, and its functions as trees."""

    def __init__(self, deed, path):
        self.path = path
        with open(os.path.join(ROOT, path), "rb") as f:
            self.bytes = f.read()
        done = subprocess.run([deed, "dump", "--format=json", path, "--", *INCLUDE], cwd=ROOT, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False)
        if done.returncode != 0:
            sys.exit(f"refused: {path}: {done.stderr.decode()}")
        self.functions, stack = [], []
        for line in done.stdout.decode().splitlines():
            fields = json.loads(line)
            del stack[fields["depth"]:]
            row = Row(fields, stack[-1] if stack else None)
            if stack:
                stack[-1].children.append(row)
            else:
                self.functions.append(row)
            stack.append(row)

    def text(self, row):
        return self.bytes[row.begin:row.end].decode()

    def after(self, row):
        """The place behind the statement's semicolon, or None."""
        match = re.compile(rb"\s*;").match(self.bytes, row.end)
        return match.end() if match else None


def statements(function, kind="call"):
    """Calls that are statements of a block, written outside macros."""
    for row in function.walk():
        if row.kind == kind and row.ours and row.parent is not None and row.parent.kind == "block":
            yield row


def arguments(call):
    """Pairs of the words of a parameter, and its argument."""
    return list(zip(call.words[1:] + [""] * len(call.children), call.children[1:]))


def has(words, *wanted):
    return any(word in words.split() for word in wanted)


def plain_name(row):
    """The variable that an argument is, or whose address it is."""
    inner = row.children[0] if row.kind == "address" and row.children else row
    return inner.name if inner.kind == "ref" and row.ours else None


def default_of(function):
    result = function.type.replace("const ", "")
    if result in RETURNS:
        return RETURNS[result]
    return "NULL" if result.endswith("*") else "0" if NUMBER.match(result) else f"({result}){{0}}"


# --- operators: each yields (begin, end, text): what takes the place of these bytes -------------------------------------


def drops(function):
    for call in statements(function):
        if any(has(words, "drop") for words, _ in arguments(call)):
            yield call


def delete_drop(source, function):
    for call in drops(function):
        yield call.begin, call.end, "(void)0"


def double_drop(source, function):
    for call in drops(function):
        yield call.end, call.end, "; " + source.text(call)


def drop_on_one_path(source, function):
    for call in drops(function):
        yield call.begin, source.after(call), f"{{ volatile int maybe = 0; if (maybe != 0) {{ {source.text(call)}; }} }}"


def return_before_drop(source, function):
    for call in drops(function):
        yield call.begin, call.begin, f"{{ volatile int maybe = 0; if (maybe != 0) {{ return {default_of(function)}; }} }} "


def use_after(word):
    def operator(source, function):
        for row in function.walk():
            if row.kind != "call" or not row.ours or row.parent.kind not in ("block", "assign", "variable"):
                continue
            top = row if row.parent.kind == "block" else row.parent
            top = top.parent if top.kind == "variable" else top
            slots = [argument for words, argument in arguments(row) if has(words, word) and plain_name(argument)]
            for argument in slots:
                slot = argument.kind == "address" and argument.children[0].type.rstrip().endswith("*")
                end = source.after(row if top is row else top) or (top.end if top.kind == "declare" else None)
                if not slot and end is not None and top.parent is not None and top.parent.kind == "block":
                    yield end, end, f" (void){plain_name(argument)};"
    return operator


def overwrite_owner(source, function):
    for row in function.walk():
        if row.kind == "variable" and row.ours and row.children and row.children[0].kind == "call" and row.type.endswith("*"):
            words = row.children[0].words[0]
            if has(words, "owned", "owned_or_null") and not has(words, "view") and row.parent.parent.kind == "block":
                end = source.after(row) or row.parent.end
                yield end, end, f" {row.name} = NULL;"


def remove_init(source, function):
    for row in function.walk():
        if row.kind != "variable" or not row.ours or not row.children or row.cleanup or "const" in row.type.split("*")[-1]:
            continue
        init = row.children[0]
        if init.kind in ("integer", "null", "list", "real", "literal") or row.parent.parent.kind != "block":
            continue  # a first value that another one may replace before it is read
        match = re.compile(rb"\b" + row.name.encode() + rb"\b\s*=\s*").search(source.bytes, row.begin, row.end)
        if match:
            yield match.start() + len(row.name), row.end, ""


def no_automatic_drop(source, function):
    for row in function.walk():
        if row.kind == "variable" and row.cleanup:
            match = re.compile(rb"fh_auto\(\w+\) ").search(source.bytes, max(0, row.begin - 60), row.end)
            if match:
                yield match.start(), match.end(), ""


def delete_null_check(source, function):
    for row in function.walk():
        if row.kind != "if" or not row.ours or row.parent.kind != "block" or len(row.children) > 3:
            continue
        test, then = row.children[0], row.children[1]
        null = test.kind == "binary" and test.op == "==" and any(side.kind == "null" for side in test.children)
        leaves = any(inner.kind in ("return", "goto", "continue", "break") for inner in then.walk())
        if null and leaves and b"else" not in source.bytes[then.end:then.end + 12]:
            end = row.end if source.text(row).endswith("}") else source.after(row)
            yield row.begin, end, ";"


def change_word(old, new):
    """A parameter's word in a definition of this file becomes another."""
    def operator(source, function):
        for row in function.children:
            if row.kind == "parameter" and has(row.words[0], old):
                found = list(re.compile(rb"\bfh_" + old.encode() + rb"\b").finditer(source.bytes, function.begin, row.begin))
                if found and not re.search(rb"[,)]", source.bytes[found[-1].end():row.begin]):
                    yield found[-1].start(), found[-1].end(), f"fh_{new}"
                elif row.name and not found:  # the word stands in a header
                    first = max(source.bytes.rfind(mark, function.begin, row.begin) for mark in (b"(", b","))
                    if first >= 0:
                        yield first + 1, first + 1, f"fh_{new} "
    return operator


def raw_access(source, function):
    for row in function.walk():
        if row.kind == "call" and row.ours and re.fullmatch(r"fh_\w+_(at|get)", row.name or row.children[0].name):
            if len(row.children) == 3 and re.match(r"fh_(\w*s|m?span)_(at|get)$", row.children[0].name):
                span, index = (source.text(child) for child in row.children[1:])
                address = "&" if row.type.endswith("*") and row.children[0].name.endswith("_at") else ""
                yield row.begin, row.end, f"{address}({span}).at[{index}]"


def widen_index(source, function):
    for row in function.walk():
        if row.kind == "index" and row.ours and row.count > 0 and len(row.children) == 2:
            index = row.children[1]
            if index.kind == "integer":  # others stop at run time: the build has -fsanitize=bounds
                yield index.begin, index.end, str(row.count)


def return_local(source, function):
    result = function.type
    for row in function.walk():
        if row.kind != "return" or not row.ours or not row.children:
            continue
        if result.endswith("*") and "void" not in result and "(" not in result:
            local = result[:-1].replace("const ", "").strip()
            yield row.begin, source.after(row), f"{{ {local} here[1] = {{0}}; return here; }}"
        elif result in ("fh_span", "fh_mspan", "struct fh_span", "struct fh_mspan"):
            yield row.begin, source.after(row), f"{{ uint8_t here[4] = {{1}}; return ({result}){{here, 4}}; }}"


def body_of(function):
    return next(child for child in function.children if child.kind == "block")


def store_borrow(source, function):
    for row in function.children:
        if row.kind == "parameter" and row.name and row.type.endswith("*") and "(" not in row.type and \
                not has(row.words[0], "move", "drop", "static", "out", "owned"):
            yield body_of(function).begin + 1, body_of(function).begin + 1, \
                f" static {row.type}kept; if (kept != {row.name}) {{ kept = {row.name}; }}"


def drop_borrow(source, function):
    enders = {}
    for other in source.functions:
        for call in other.walk():
            if call.kind == "call":
                for words, argument in arguments(call):
                    if words == "drop" and len(call.children) == 2 and argument.type.endswith("*"):
                        enders[argument.type.replace("const ", "")] = call.children[0].name
    for row in function.children:
        if row.kind == "parameter" and row.name and has(row.words[0], "ref", "mut") or \
                (row.kind == "parameter" and row.name and not row.words[0]):
            ender = enders.get(row.type.replace("const ", ""))
            if ender and "const" not in row.type:
                yield body_of(function).begin + 1, body_of(function).begin + 1, f" {ender}({row.name});"


def lend_twice(source, function):
    for row in function.walk():
        if row.kind == "call" and row.ours:
            exclusive = [a for words, a in arguments(row) if has(words, "mut", "owned", "out") and a.ours]
            shared = [a for words, a in arguments(row) if not has(words, "mut", "owned", "out", "move", "drop") and a.ours]
            for one in exclusive:
                for other in shared:
                    if one.type.replace("const ", "") == other.type.replace("const ", "") and one.type.endswith("*"):
                        yield other.begin, other.end, source.text(one)


def swap_arguments(source, function):
    for row in function.walk():
        if row.kind == "call" and row.ours:
            pairs = [(words, a) for words, a in arguments(row) if a.ours and a.type.endswith("*")]
            for (one_words, one), (two_words, two) in zip(pairs, pairs[1:]):
                same = one.type.replace("const ", "") == two.type.replace("const ", "")
                if same and has(one_words, "move", "drop", "owned") != has(two_words, "move", "drop", "owned"):
                    middle = source.bytes[one.end:two.begin].decode()
                    yield one.begin, two.end, source.text(two) + middle + source.text(one)


def locks(word):
    def operator(source, function):
        for call in statements(function):
            if has(call.words[0], word):
                yield call.begin, call.end, "(void)0"
    return operator


def unlock_early(source, function):
    for block in function.walk():
        if block.kind == "block":
            for one, two in zip(block.children, block.children[1:]):
                if two.kind == "call" and has(two.words[0], "unlocks") and one.kind not in ("call", "declare"):
                    yield one.begin, one.begin, source.text(two) + "; "


def lock_twice(source, function):
    for call in statements(function):
        if has(call.words[0], "locks"):
            yield call.end, call.end, "; " + source.text(call)


def send_borrow(source, function):
    for row in function.walk():
        if row.kind == "call" and row.ours:
            for words, argument in arguments(row):
                if has(words, "send") and argument.ours and argument.type.endswith("*"):
                    for parameter in function.children:
                        if parameter.kind == "parameter" and parameter.type == argument.type and \
                                not has(parameter.words[0], "move", "drop"):
                            yield argument.begin, argument.end, parameter.name
                    if argument.type == "void *" or argument.kind == "address":
                        yield argument.begin, argument.end, "&(int){3}"


OPERATORS = {
    "delete-drop": delete_drop,
    "double-drop": double_drop,
    "drop-on-one-path": drop_on_one_path,
    "return-before-drop": return_before_drop,
    "use-after-drop": use_after("drop"),
    "use-after-move": use_after("move"),
    "no-automatic-drop": no_automatic_drop,
    "overwrite-owner": overwrite_owner,
    "drop-borrow": drop_borrow,
    "store-borrow": store_borrow,
    "return-local": return_local,
    "lend-twice": lend_twice,
    "swap-arguments": swap_arguments,
    "move-to-ref": change_word("move", "ref"),
    "drop-to-ref": change_word("drop", "ref"),
    "ref-to-move": change_word("ref", "move"),
    "mut-to-ref": change_word("mut", "ref"),
    "remove-init": remove_init,
    "delete-null-check": delete_null_check,
    "widen-index": widen_index,
    "raw-access": raw_access,
}
THREADS = {
    "drop-lock": locks("locks"),
    "drop-unlock": locks("unlocks"),
    "unlock-early": unlock_early,
    "lock-twice": lock_twice,
    "send-borrow": send_borrow,
}


# --- verdicts ---------------------------------------------------------------------------------------------------------


class Judge:
    """What deed and the compilers say of a text in the place of a file."""

    def __init__(self, deed, folder):
        self.deed, self.folder, self.commands = deed, folder, []
        for preset in ("dev", "clang"):
            subprocess.run(["cmake", "--preset", preset], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
            with open(os.path.join(ROOT, "build", preset, "compile_commands.json"), encoding="utf-8") as f:
                self.commands.append({os.path.relpath(e["file"], ROOT): shlex.split(e["command"]) for e in json.load(f)})

    def write(self, path, text, number):
        """The text in a folder of its own, under the same name: findings show that."""
        place = os.path.join(self.folder, str(number), path)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        with open(place, "wb") as f:
            f.write(text)
        return place

    def findings(self, path, place):
        """The lines of what deed finds; None if it does not compile."""
        include = INCLUDE + ["-Itests/ui/good"] * path.startswith("tests/")
        words = self.commands[0].get(path, [])
        include += [word for word in words if word.startswith("-D")]
        include += ["-fsanitize=bounds"] * any(word.startswith("-fsanitize=bounds") for word in words)
        command = [self.deed, "check", "--cache", "none", "--jobs", "1", "--format=gcc", place, "--", *include]
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode not in (0, 1):
            sys.exit(f"refused: deed failed on a mutant of {path}: {done.stderr[-1000:]}")
        found = re.findall(rf"(?m)^{re.escape(place)}:\d+:\d+: error: (.*) \[(FH\d+)\]$", done.stdout)
        if re.search(r"(?m)^:1:1: error: ", done.stdout):  # of no file: the command itself
            sys.exit(f"refused: {path} cannot be checked: {done.stdout[-1000:]}")
        if found and all(code == "FH0901" and "outside the checkable" not in text for text, code in found):
            return None
        return [f"{text} [{code}]" for text, code in found]

    def warned(self, path, place):
        """The compiler that refuses it with the warnings of the build, or None."""
        for name, commands in zip(("gcc", "clang"), self.commands):
            if path in commands:
                command = [word for word in commands[path] if word != "ccache" and not word.endswith("/ccache")]
                command[command.index("-c"):] = ["-c", place]
                command[command.index("-o") + 1] = "/dev/null"
                if subprocess.run(command, cwd=ROOT, stderr=subprocess.DEVNULL, check=False).returncode != 0:
                    return name
        return None


def rank(path, name, edit):
    """Mutants in an order that does not change when others come or go."""
    return hashlib.sha256(f"{path} {name} {edit}".encode()).hexdigest()


def sample(mutants, count):
    """Of each operator its share; the rare ones whole."""
    chosen, by_name = [], defaultdict(list)
    for mutant in sorted(mutants, key=lambda m: rank(m[0].path, m[1], m[2])):
        by_name[mutant[1]].append(mutant)
    while len(chosen) < count and any(by_name.values()):
        for name in by_name:
            if by_name[name] and len(chosen) < count:
                chosen.append(by_name[name].pop())
    return chosen


def sources(deed, words):
    folders = [f"src/{layer}" for layer in ("base", "text", "tensor", "llm", "apps", "check")]
    listed = subprocess.run(["git", "ls-files", *folders], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    rooms = listed.stdout.split()
    with open(os.path.join(ROOT, "deed.toml"), encoding="utf-8") as f:
        audited = tuple(re.findall(r'(?m)^path = "(.*)"', f.read()))
    own = [path for path in rooms if path.endswith(".c") and not path.startswith(audited)]
    ui = os.path.join(ROOT, "tests", "ui")
    programs = [os.path.relpath(os.path.join(folder, name), ROOT) for folder, _, names in os.walk(ui) for name in sorted(names)
                if name.endswith(".fixed.c") and "FH04" in folder]
    for path, operators in [(p, OPERATORS) for p in own] + [(p, THREADS) for p in sorted(programs)]:
        if not words or any(word in path for word in words):
            yield path, operators


def percent(killed, survived):
    return 100 * killed / max(1, killed + survived)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deed", required=True)
    parser.add_argument("--count", type=int, default=600)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("words", nargs="*")
    options = parser.parse_args()
    begin, deed = time.monotonic(), os.path.abspath(options.deed)
    mutants = []
    with tempfile.TemporaryDirectory(prefix="freehold-refused-") as folder, ThreadPoolExecutor(options.jobs) as pool:
        judge = Judge(deed, folder)
        todo = list(sources(deed, options.words))
        for source, (_, operators) in zip(pool.map(lambda item: Source(deed, item[0]), todo), todo):
            for name, operator in operators.items():
                if not options.only or name in options.only:
                    edits = {edit for function in source.functions for edit in operator(source, function)}
                    mutants += [(source, name, edit) for edit in sorted(edits) if edit[1] is not None]
        found = Counter(name for _, name, _ in mutants)
        chosen = mutants if options.all else sample(mutants, options.count)
        used = {source.path: source for source, _, _ in chosen}
        unchanged = pool.map(lambda s: judge.findings(s.path, judge.write(s.path, s.bytes, "base")), used.values())
        for path, findings in zip(used, unchanged):
            if findings or findings is None:
                sys.exit(f"refused: {path} is refused without a mutant: {findings}")

        def one(item):
            number, (source, _, (first, last, text)) = item
            changed = source.bytes[:first] + text.encode() + source.bytes[last:]
            place = judge.write(source.path, changed, number)
            findings = judge.findings(source.path, place)
            if findings is None:
                verdict = None
            elif findings:
                verdict = "deed"
            else:
                verdict = judge.warned(source.path, place) or "survived"
            os.remove(place)
            return verdict
        verdicts = list(pool.map(one, enumerate(chosen)))
    table, own, survivors = defaultdict(Counter), Counter(), []
    for (source, name, (first, last, text)), verdict in zip(chosen, verdicts):
        table[name][verdict] += 1
        own[verdict] += source.path.startswith("src/")
        if verdict == "survived":
            line = source.bytes[:first].count(b"\n") + 1
            old = source.bytes[first:last].decode()
            survivors.append(f"survived: {source.path}:{line}: {name}: `{old}` -> `{text}`")
    for line in sorted(survivors):
        print(line)
    print(f"{'operator':20} places  tried compile  deed warnings survived  killed")
    total = Counter()
    for name in [*OPERATORS, *THREADS]:
        row = table[name]
        killed, survived = row["deed"] + row["gcc"] + row["clang"], row["survived"]
        total.update({"killed": killed, "survived": survived, "deed": row["deed"]})
        share = f"{100 * killed / (killed + survived):.1f} %" if killed + survived else "-"
        print(f"{name:20} {found[name]:6} {sum(row.values()):6} {killed + survived:7} {row['deed']:5} "
              f"{row['gcc'] + row['clang']:8} {survived:8} {share:>7}")
    warned = own["gcc"] + own["clang"]
    of_own = percent(own["deed"] + warned, own["survived"])
    of_all = percent(total["killed"], total["survived"])
    print(f"our own sources: {own['deed']} killed by deed, {warned} by warnings, {own['survived']} survived, {of_own:.1f} %; "
          f"the goal is {GOAL} %")
    print(f"refused: {total['killed']} killed ({total['deed']} by deed), {total['survived']} survived, "
          f"{of_all:.1f} % of those that compile ({time.monotonic() - begin:.0f} s)")
    return 1 if min(of_own, of_all) < GOAL else 0


if __name__ == "__main__":
    sys.exit(main())
