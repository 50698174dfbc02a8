"""program_tree: a generated program as functions of statements, its text, and small changes to it.

Names tell types: t1 is a `thing *`, r1 a borrow of one, v1 a view of cells, and so on (KINDS)."""
import re

KINDS = {
    "t": "thing *", "r": "const thing *", "v": "const unsigned *", "p": "holder ", "q": "holder *", "n": "bin *",
    "b": "fh_buf ", "s": "fh_span ", "y": "fh_bytes ", "a": "fh_arena *", "m": "unsigned *", "x": "thing **", "d": "thing **",
    "u": "unsigned ", "z": "fh_status ", "k": "peek ", "f": "sum_fn *", "i": "make_fn *", "e": "eat_fn *",
    "w": "touch_fn *", "c": "cells_fn *", "h": "hub ", "g": "card_pool ", "j": "card_handle ", "l": "const card *",
    "o": "card *",
}
NAME = re.compile(r"\b([a-z])(\d+)\b")
OWNERS = "tpnbyahg"
WORDS = {"fh_clear": "fh_drop", "fh_give": "fh_move"}
ENDS = {"t": "thing_free({});", "p": "holder_deinit(&{});", "n": "bin_free({});", "b": "fh_buf_deinit(&{});",
        "y": "fh_bytes_drop(&{});", "a": "fh_arena_free({});", "h": "hub_deinit(&{});",
        "g": "card_pool_free({});"}


class Node:
    """A statement: its text, with {} for each block; the names it declares."""
    __slots__ = ("text", "blocks", "declares", "label")

    def __init__(self, text, *blocks, declares=()):
        self.text, self.blocks, self.declares = text, [list(block) for block in blocks], tuple(declares)

    def copy(self):
        return Node(self.text, *[[node.copy() for node in block] for block in self.blocks], declares=self.declares)

    def names(self):
        return {match.group() for match in NAME.finditer(self.text)} - set(self.declares)


class Function:
    """The head of a function, and its statements. `params` are pairs of a contract and a name."""

    def __init__(self, name, result, params, view):
        self.name, self.result, self.params, self.view, self.body = name, result, params, view, []

    def copy(self):
        other = Function(self.name, self.result, list(self.params), self.view)
        other.body = [node.copy() for node in self.body]
        return other

    def head(self, number):
        params = ", ".join(f"{word} {declare(name, word)}".strip() for word, name in self.params) or "void"
        return f"static {self.result[0]} {self.result[1]}p{number}_{self.name}({params}){self.view}".replace("  ", " ")


def declare(name, word):
    """A parameter's type and name: records go by address."""
    kind = KINDS[name[0]]
    if name[0] in "pbyhk":
        kind = kind + "*" if kind.endswith("*") else kind.rstrip() + " *"
    if word == "fh_ref" and name[0] in "tnp":
        kind = "const " + kind
    return kind + name


def render(function, number):
    lines = [replaced(function.head(number), number) + " {"]

    def put(nodes, depth):
        for node in nodes:
            parts = replaced(node.text, number).split("{}")
            for part, block in zip(parts, [*node.blocks, None]):
                if part.strip() or block is not None:
                    if lines and lines[-1].endswith("}") and part.startswith(" ") and block is not node.blocks[0:1]:
                        lines[-1] += part.rstrip()
                    else:
                        lines.append("    " * depth + part.rstrip())
                if block is not None:
                    lines[-1] = lines[-1] + (" {" if lines[-1].strip() else "{")
                    put(block, depth + 1)
                    lines.append("    " * depth + "}")
    put(function.body, 1)
    return "\n".join(lines) + "\n}\n"


def replaced(text, number):
    for plain, word in WORDS.items():
        text = text.replace(plain, word)
    return text.replace("p@_", f"p{number}_")


# --- changes ----------------------------------------------------------------------------------------------------------


def blocks_of(nodes):
    yield nodes
    for node in nodes:
        for block in node.blocks:
            yield from blocks_of(block)


def scoped(function):
    """True if every name is declared where it is used, once."""
    def walk(nodes, known):
        known = set(known)
        for node in nodes:
            inside = known | set(node.declares) if node.blocks else known  # what a loop declares ends with it
            if not node.names() <= inside or not all(walk(block, inside) for block in node.blocks):
                return False
            if not node.blocks:
                if set(node.declares) & known:
                    return False
                known |= set(node.declares)
        return True
    return walk(function.body, {name for _, name in function.params})


def legal(function):
    """Jumps have their targets: `break` and `continue` in a loop, one label, no case outside a switch."""
    def walk(nodes, loop, switch):
        for node in nodes:
            text = node.text
            if (text == "continue;" and not loop) or (text == "break;" and not (loop or switch)):
                return False
            if text.startswith(("case ", "default")) and switch != 1:
                return False
            inner_loop = loop or text.startswith(("while", "for", "do"))
            inner_switch = 1 if text.startswith("switch") else 2 if switch else 0
            if not all(walk(block, inner_loop, inner_switch) for block in node.blocks):
                return False
        return True
    texts = [node.text for block in blocks_of(function.body) for node in block]
    if texts.count("out: ;") > 1 or ("goto out;" in texts and texts.count("out: ;") != 1):
        return False
    for block in blocks_of(function.body):
        cases = [node.text for node in block if node.text.startswith(("case ", "default"))]
        if len(cases) != len(set(cases)):
            return False
    return walk(function.body, False, 0) and scoped(function)


def change(rng, program):
    """One small change that still compiles."""
    for _ in range(12):
        other = program.copy()
        function = rng.choice(other.functions)
        block = rng.choice([block for block in blocks_of(function.body) if block] or [function.body])
        if not block:  # of an empty function there is nothing to change
            continue
        at = rng.randrange(len(block))
        way = rng.choice("dddduusswwmmrrrrrcchn")
        if way == "d":
            del block[at]
        elif way == "u":
            block.insert(rng.randint(0, len(block)), block[at].copy())
        elif way == "s" and len(block) > 1:
            to = rng.randrange(len(block))
            block[at], block[to] = block[to], block[at]
        elif way == "w":
            block[at] = Node(rng.choice(["if (flip()) {}", "while (flip()) {}", "{}", "do {} while (flip());"]), [block[at]])
        elif way == "m":
            target = rng.choice(list(blocks_of(function.body)))
            node = block.pop(at)
            target.insert(rng.randint(0, len(target)), node)
        elif way == "r":
            names = sorted(block[at].names())
            if not names:
                continue
            name = rng.choice(names)
            texts = [node.text for b in blocks_of(function.body) for node in b]
            every = sorted({match.group() for text in texts for match in NAME.finditer(text)} | {n for _, n in function.params})
            fit = [n for n in every if n[0] == name[0] and n != name]
            if not fit:
                continue
            block[at].text = re.sub(rf"\b{name}\b", rng.choice(fit), block[at].text, count=1)
        elif way == "c" and function.params:
            n = rng.randrange(len(function.params))
            word, name = function.params[n]
            if word not in ("fh_ref", "fh_mut", "fh_move", "fh_drop"):
                continue
            function.params[n] = (rng.choice(["fh_ref", "fh_mut", "fh_move", "fh_drop"]), name)
        elif way == "h" and block[at].blocks:
            block[at:at + 1] = block[at].blocks[0]
        elif way == "n" and (names := [n for n in block[at].names() if n[0] == "t"]):
            block.insert(at + 1, Node(rng.choice([f"{sorted(names)[0]} = NULL;", f"thing_free({sorted(names)[0]});"])))
        if all(legal(f) for f in other.functions):
            program.functions = other.functions
            return
