"""programs: random programs of the dialect, close to the border of what `deed` accepts.

`Program(seed)` is a function of nothing that returns a number, with up to three helper functions with contracts of their own,
over the owners, borrows and views of world.h. One seed always gives the same program; `text(seed)` is its source.

How: statements are drawn by a model of who owns what, which drops what is owned before control leaves, so that the result
would nearly always be right. Then, in most programs, one to three changes bring it to the border: a statement deleted, doubled,
moved or wrapped, a variable taken for another one of its type, a contract's word changed. And while statements are drawn, the
model now and then looks away. Both keep every name declared where it is used, and every type right (program_tree.py)."""
import random
import re

from program_tree import ENDS, KINDS, NAME, OWNERS, Function, Node, change, render


class Var:
    """What the model knows of a variable: `state` is owned, maybe (owned or NULL), null, moved, raw, plain, view or dead."""
    __slots__ = ("name", "state", "sources", "lent", "depth", "sticky")

    def __init__(self, name, state, depth, sources=(), lent=None, sticky=False):
        self.name, self.state, self.sources, self.lent, self.depth, self.sticky = name, state, sources, lent, depth, sticky

    def copy(self):
        return Var(self.name, self.state, self.depth, self.sources, self.lent, self.sticky)


class Maker:
    """Draws the statements of one function."""

    def __init__(self, rng, wild, helpers, function, count):
        self.rng, self.wild, self.helpers, self.function, self.count = rng, wild, helpers, function, count
        self.vars, self.depth, self.loops, self.to_out, self.left, self.kept = {}, 0, 0, False, rng.randint(2, 9), []

    # --- variables ----------------------------------------------------------------------------------------------------

    def new(self, kind, state, sources=(), lent=None):
        self.count[0] += 1
        var = Var(f"{kind}{self.count[0]}", state, self.depth, sources, lent)
        self.vars[var.name] = var
        return var

    def some(self, kinds, *states, lent=(None,)):
        """A variable of these kinds in one of these states, or one in any when the model looks away; or None."""
        every = [v for v in self.vars.values() if v.name[0] in kinds]
        fit = [v for v in every if v.state in states and v.lent in lent]
        if any(kind in "pb" for kind in kinds):
            every = [v for v in every if v.lent in lent]
        if every and self.rng.random() < self.wild:
            return self.rng.choice(every)
        return self.rng.choice(fit) if fit else None

    def readable(self):
        """A thing that may be looked at, as an expression, and where it comes from; or None."""
        var = self.some("tr", "owned", "view", "plain", lent=(None, "fh_ref", "fh_mut", "fh_move"))
        if var is None:
            return None
        return var.name, [var.name, *var.sources]

    def changeable(self):
        return self.some("t", "owned", "plain", lent=(None, "fh_mut"))

    def touched(self, var):
        """It changes: views into it end."""
        for other in self.vars.values():
            if var.name in other.sources and other.state == "view":
                other.state = "dead"
            elif var.name in other.sources and other.name[0] in "tr" and other is not var:
                other.state = "dead" if other.state == "plain" else other.state

    def consumed(self, var):
        self.touched(var)
        var.state = "moved"

    # --- statements ---------------------------------------------------------------------------------------------------

    def fresh(self):
        """An owner comes to be."""
        kind = self.rng.choice("ttttttttppnnbbyahgg")
        n = self.rng.randint(0, 5)
        if kind == "t":
            return self.fresh_thing(n)
        if kind == "n":
            var = self.new("n", "owned")
            return [Node(f"bin *{var.name} = bin_new();", declares=[var.name])]
        if kind == "b":
            var = self.new("b", "owned")
            return [Node(f"fh_buf {var.name};", declares=[var.name]), Node(f"fh_buf_init(&{var.name}, world_allocator(), 0);")]
        if kind == "h":
            var = self.new("h", "owned")
            return [Node(f"hub {var.name}; hub_init(&{var.name});", declares=[var.name])]
        call = {"p": "holder_init(&{}, 2)", "y": "fh_bytes_copy(world_allocator(), world_text(), &{})",
                "a": "fh_arena_new(world_allocator(), NULL, &{})",
                "g": "card_pool_new(world_allocator(), world_cards(), &{})"}[kind]
        declared, nodes = self.declared(kind)
        return declared + self.status(call.format(declared[0].declares[0]), nodes)

    def declared(self, kind):
        """A variable without a value, to be filled by a call that may fail."""
        var = self.new(kind, "raw")
        empty = {"t": " = NULL", "a": " = NULL", "p": " = {0}", "y": " = {0}", "g": " = {NULL}"}[kind]
        init = empty if self.rng.random() < 0.6 else ""
        return [Node(f"{KINDS[kind]}{var.name}{init};", declares=[var.name])], var

    def status(self, call, var):
        """The call fills the variable if it succeeds."""
        style = self.rng.choice("treesu") if self.function.result[1] == "fh_status " else self.rng.choice("rees")
        if style == "t" and not self.must_drop(var):
            var.state = "owned"
            return [Node(f"FH_TRY({call});")]
        status = self.new("z", "plain")
        nodes = [Node(f"fh_status {status.name} = {call};", declares=[status.name])]
        if style in "tru":
            var.state = "null"
            nodes.append(Node(f"if (fh_failed({status.name})) {{}}", self.leave()))
            var.state = "owned"
        elif style == "e" and var.name[0] in "ta":
            var.state = "maybe"
        else:
            var.state = "owned"
            test = self.rng.choice([f"!fh_failed({status.name})", f"{status.name}.code == FH_OK"])
            nodes.append(Node(f"if ({test}) {{}}", self.block(lambda: self.steps(2) + self.drop(var), keep=True)))
            var.state = "moved"
        return nodes

    def fresh_thing(self, n):
        way = self.rng.choice("nnnnttmmcpkbhf")
        source = self.readable()
        if way == "c" and source:
            var = self.new("t", "owned")
            return [Node(f"thing *{var.name} = thing_copy({source[0]});", declares=[var.name])]
        if way == "m":
            declared, var = self.declared("t")
            return declared + self.status(f"thing_make({n}, &{var.name})", var)
        if way == "t":
            var = self.new("t", "maybe")
            return [Node(f"thing *{var.name} = thing_try({n});", declares=[var.name])]
        if way == "p" and (holder := self.some("p", "owned")):
            var, side = self.new("t", "maybe"), self.rng.choice(["left", "right"])
            self.touched(holder)
            return [Node(f"thing *{var.name} = {holder.name}.{side};", declares=[var.name]),
                    Node(f"{holder.name}.{side} = {self.rng.choice(['NULL', 'NULL', 'thing_new(1)'])};")]
        if way == "b" and (bin_ := self.some("n", "owned", lent=(None, "fh_mut"))):
            var = self.new("t", "maybe")
            self.touched(bin_)
            return [Node(f"thing *{var.name} = bin_take({bin_.name});", declares=[var.name])]
        if way == "k":
            var = self.new("t", "maybe")
            return [Node(f"thing *{var.name} = flip() ? thing_new({n}) : NULL;", declares=[var.name])]
        if way == "h" and (helper := self.helper("thing *")):
            state = "maybe" if "null" in helper.result[0] else "owned"
            call = self.call(helper)
            var = self.new("t", state)
            return [Node(f"thing *{var.name} = {call};", declares=[var.name])]
        if way == "f":
            make = self.rng.choice(["thing_new"] * 9 + ["thing_try"])
            var, fn = self.new("t", "owned"), self.new("i", "plain")
            return [Node(f"make_fn *{fn.name} = {make};", declares=[fn.name]),
                    Node(f"thing *{var.name} = {fn.name}({n});", declares=[var.name])]
        var = self.new("t", "owned")
        if self.rng.random() < 0.15 and self.depth == 1 and not self.to_out:
            var.state, var.sticky = "plain", True
            self.vars[var.name].lent = "fh_mut"
            return [Node(f"fh_auto(thing_clear) thing *{var.name} = thing_new({n});", declares=[var.name])]
        return [Node(f"thing *{var.name} = thing_new({n});", declares=[var.name])]

    def drop(self, var):
        """The owner ends in one of its ways."""
        kind, name = var.name[0], var.name
        maybe = var.state in ("maybe", "raw", "null")
        ways = [ENDS[kind].format(name)]
        if kind == "t":
            bins = [v.name for v in self.vars.values() if v.name[0] == "n" and v.state == "owned"]
            ways += [f"thing_clear(&{name});"]
            if not maybe:
                ways += [f"(void)thing_eat({name});"] + [f"bin_put({b}, {name});" for b in bins[:1]]
                ways += [f"{helper}" for helper in self.calls_that_take(var)]
                ways += [f"crew_eat({name});"] if self.rng.random() < 0.4 else []
                ways += [f"{e.name}({name});" for e in self.vars.values() if e.name[0] == "e" and e.state == "plain"][:1]
            elif bins:
                ways += [f"if ({name} != NULL) bin_put({bins[0]}, {name});"]
        self.consumed(var)
        return [Node(self.rng.choice(ways))]

    def calls_that_take(self, var):
        for helper in self.helpers:
            words = [word for word, name in helper.params if name[0] == "t" and word in ("fh_move", "fh_drop")]
            if len(helper.params) == len(words) == 1 and helper.result[1] in ("void ", "unsigned "):
                yield f"p@_{helper.name}({var.name});"

    def look(self):
        """Something is read."""
        way = self.rng.choice("tttvvvskpbnmgfyqhcwlo")
        if way == "v" and (view := self.some("v", "view")):
            other = self.some("v", "view") or view
            ways = [f"look({view.name})", f"look_two({view.name}, {other.name})", f"*{view.name}"]
            return [Node(f"u0 += {self.rng.choice(ways)};")]
        if way == "s" and (span := self.some("s", "view", "plain", lent=(None, "fh_ref"))):
            return [Node(f"u0 += span_sum({span.name});")]
        if way == "k" and (peek := self.some("k", "view")):
            return [Node(f"u0 += {self.rng.choice([f'peek_sum({peek.name})', f'*{peek.name}.at'])};")]
        if way in "pq" and (holder := self.some("pq", "owned", "view", "plain", lent=(None, "fh_ref", "fh_mut"))):
            pointer = holder.name[0] == "q" or holder.lent
            at = holder.name if pointer else "&" + holder.name
            dot = "->" if pointer else "."
            return [Node(self.rng.choice([f"u0 += holder_sum({at});", f"u0 += {holder.name}{dot}n;",
                                          f"if ({holder.name}{dot}left != NULL) u0 += thing_sum({holder.name}{dot}left);"]))]
        if way == "b" and (buf := self.some("b", "owned")):
            return [Node(f"u0 += span_sum(fh_buf_view(&{buf.name}));")]
        if way == "n" and (bin_ := self.some("n", "owned", lent=(None, "fh_ref", "fh_mut"))):
            return [Node(f"if (bin_top({bin_.name}) != NULL) u0 += thing_sum(bin_top({bin_.name}));")]
        if way in "lo" and (card := self.some(way, "view")):
            test = self.rng.choice([f"if ({card.name} != NULL) "] * 3 + [""])
            ways = [f"u0 += {card.name}->n;", f"u0 += {card.name}->at[1];"] + [f"{card.name}->n = u0;"] * (way == "o")
            return [Node(test + self.rng.choice(ways))]
        if way == "m" and (note := self.some("m", "view")):
            return [Node(f"if ({note.name} != NULL) " + self.rng.choice([f"u0 += *{note.name};", f"*{note.name} = u0;"]))]
        if way == "f" and (fn := self.some("f", "plain")) and (thing := self.readable()):
            return [Node(f"u0 += {fn.name}({thing[0]});")]
        if way == "y" and (data := self.some("y", "owned")):
            return [Node(f"u0 += span_sum({data.name}.span);")]
        if way == "h" and (hub := self.some("h", "owned")):
            inside = self.rng.choice([f"{hub.name}.total++;", f"hub_add(&{hub.name}, 3);", f"u0 += {hub.name}.total;",
                                      f"thing_free({hub.name}.kept); {hub.name}.kept = thing_new(2);"])
            return [Node(f"latch_lock(&{hub.name}.m);"), Node(inside), Node(f"latch_unlock(&{hub.name}.m);")]
        if thing := self.readable():
            ways = [f"u0 += thing_sum({thing[0]});", f"u0 += look(thing_cells({thing[0]}));"]
            if other := self.readable():
                ways += [f"u0 += thing_sum(flip() ? {thing[0]} : {other[0]});",
                         f"u0 += thing_sum(thing_either({thing[0]}, {other[0]}));"]
            return [Node(self.rng.choice(ways))]
        return []

    def change(self):
        """Something is changed: views into it end."""
        way = self.rng.choice("tttttpbnqaxwhsg")
        if way in "pq" and (holder := self.some("p", "owned")):
            self.touched(holder)
            thing = self.some("t", "owned")
            ways = [f"holder_turn(&{holder.name});", f"{holder.name}.n++;"]
            if thing and self.rng.random() < 0.5 and thing.depth == self.depth:
                self.consumed(thing)
                return [Node(self.rng.choice([f"thing_free({holder.name}.left); {holder.name}.left = {thing.name};",
                                              f"thing_free(holder_replace(&{holder.name}, {thing.name}));"]))]
            return [Node(self.rng.choice(ways))]
        if way == "g" and (pool := self.pool()) and (handle := self.some("j", "plain")):
            self.touched(pool)
            return [Node(f"if (fh_failed(card_release({pool.name}, {handle.name}))) u0++;")]
        if way == "b" and (buf := self.some("b", "owned")):
            self.touched(buf)
            put = f"fh_buf_put(&{buf.name}, world_text())"
            return [Node(self.rng.choice([f"if (fh_failed({put})) u0++;", f"if (!fh_failed({put})) u0++;"]))]
        if way == "n" and (bin_ := self.some("n", "owned", lent=(None, "fh_mut"))):
            self.touched(bin_)
            if self.rng.random() < 0.5:
                return [Node(f"bin_put({bin_.name}, thing_new(2));")]
            if thing := self.some("t", "owned"):
                self.touched(thing)
                thing.state = "maybe"
                return [Node(f"if (fh_failed(bin_give({bin_.name}, &{thing.name}))) u0++;")]
        if way == "x" and (thing := self.some("t", "owned", "maybe")):
            self.touched(thing)
            thing.state = "owned"
            return [Node(self.rng.choice([f"thing_clear(&{thing.name}); {thing.name} = thing_new(3);",
                                          f"thing_free({thing.name}); {thing.name} = thing_new(3);",
                                          f"if ({thing.name} == NULL) {thing.name} = thing_new(3);"]))]
        if way == "w" and (fn := self.some("w", "plain")) and (thing := self.changeable()):
            self.touched(thing)
            return [Node(f"u0 += {fn.name}({thing.name});")]
        if way == "h" and (helper := self.helper("void ", "unsigned ")):
            return [Node(f"u0 += {self.call(helper)};" if helper.result[1] == "unsigned " else f"{self.call(helper)};")]
        if way == "s" and (helper := self.helper("fh_status ")):
            return [Node(f"if (fh_failed({self.call(helper)})) u0++;")]
        if thing := self.changeable():
            self.touched(thing)
            ways = [f"thing_grow({thing.name});", f"u0 += thing_touch({thing.name});"]
            other = self.readable()
            if other and (other[0] != thing.name and thing.name not in other[1] or self.rng.random() < self.wild):
                ways.append(f"thing_add({thing.name}, {other[0]});")
            return [Node(self.rng.choice(ways))]
        return []

    def view(self):
        """A view or an alias comes to be, or is set anew."""
        way = self.rng.choice("vvvvrrsskqpmxfewcgnojjll")
        thing = self.readable()
        if way == "v" and thing:
            expression = self.rng.choice([f"thing_cells({thing[0]})", f"thing_cells({thing[0]})", f"thing_peek({thing[0]}).at",
                                          f"thing_cells(thing_either({thing[0]}, {thing[0]}))"])
            return self.bind("v", expression, thing[1])
        if way == "g" and thing:
            view, status = self.new("v", "view", thing[1]), self.new("z", "plain")
            return [Node(f"const unsigned *{view.name} = NULL;", declares=[view.name]),
                    Node(f"fh_status {status.name} = thing_find({thing[0]}, &{view.name});", declares=[status.name]),
                    Node(f"if (!fh_failed({status.name})) u0 += look({view.name});")]
        if way == "r" and thing:
            other = self.readable() or thing
            expression = self.rng.choice([thing[0], thing[0], f"flip() ? {thing[0]} : {other[0]}",
                                          f"thing_either({thing[0]}, {other[0]})"])
            return self.bind("r", expression, thing[1] + other[1])
        if way == "s" and (buf := self.some("by", "owned")):
            expression = f"fh_buf_view(&{buf.name})" if buf.name[0] == "b" else f"{buf.name}.span"
            return self.bind("s", expression, [buf.name])
        if way == "k" and thing:
            return self.bind("k", f"thing_peek({thing[0]})", thing[1])
        if way in "qp" and (holder := self.some("p", "owned")):
            if way == "q":
                return self.bind("q", f"&{holder.name}", [holder.name])
            nodes = self.bind("r", f"holder_left(&{holder.name})", [holder.name])
            nodes.append(Node(f"if ({nodes[-1].declares[0]} != NULL) u0 += thing_sum({nodes[-1].declares[0]});")
                         if nodes[-1].declares else Node("u0++;"))
            return nodes
        if way in "jl" and (pool := self.pool()):
            return self.card(pool, self.some("j", "plain") if way == "l" else None)
        if way == "m" and (arena := self.some("a", "owned")):
            note = self.new("m", "view", [arena.name])
            alloc = f"fh_arena_alloc({arena.name}, 1, sizeof *{note.name})"
            return [Node(f"unsigned *{note.name} = {alloc};", declares=[note.name]),
                    Node(self.rng.choice([f"if ({note.name} != NULL) "] * 5 + [""]) + f"*{note.name} = 3;")]
        if way == "x" and (slot := self.some("t", "owned", "maybe")):
            nodes = self.bind("x", f"&{slot.name}", [slot.name])
            name = nodes[-1].text.split(" =")[0].split("*")[-1].strip()
            ways = [f"if (*{name} != NULL) u0 += thing_sum(*{name});", f"thing_clear({name});", f"u0 += thing_sum(*{name});"]
            ways += [f"if (*{name} != NULL) u0 += thing_touch(*{name});"] if slot.state == "owned" else []
            nodes.append(Node(self.rng.choice(ways)))
            if "clear" in nodes[-1].text:
                slot.state = "null"
            return nodes
        if way == "f":
            return self.bind("f", "thing_sum", [])
        if way == "e":
            return self.bind("e", self.rng.choice(["thing_eat"] * 9 + ["thing_touch"]), [])
        if way == "w":
            return self.bind("w", self.rng.choice(["thing_touch"] * 9 + ["thing_eat"]), [])
        if way == "c" and thing:
            fn = self.bind("c", "thing_cells", [])
            name = re.search(NAME, fn[-1].text).group()
            return fn + self.bind("v", f"{name}({thing[0]})", thing[1])
        if way == "n" and (bin_ := self.some("n", "owned")):
            return self.bind("r", f"bin_top({bin_.name})", [bin_.name])
        if way == "o" and (view := self.some("v", "view")):
            return self.bind("v", view.name, view.sources)
        return []

    def pool(self):
        return self.some("g", "owned", "plain", lent=(None, "fh_ref", "fh_mut"))

    def card(self, pool, handle):
        """A new slot of the pool, or a look at the one of a handle, which may be stale, or of another pool."""
        nodes, kind, status = [], "o" if handle is None else self.rng.choice("lo"), self.new("z", "plain")
        verb, address = ("get" if kind == "o" else "view"), ""
        if handle is None:
            handle, verb, address = self.new("j", "plain"), "alloc", "&"
            nodes.append(Node(f"card_handle {handle.name} = {{0}};", declares=[handle.name]))
        elif self.rng.random() < 0.2:
            copy = self.new("j", "plain")
            nodes.append(Node(f"card_handle {copy.name} = {handle.name};", declares=[copy.name]))
            handle = copy
        at = self.new(kind, "view", [pool.name])
        init = " = NULL" if self.rng.random() < 0.8 else ""
        nodes += [Node(f"{KINDS[kind]}{at.name}{init};", declares=[at.name]),
                  Node(f"fh_status {status.name} = card_{verb}({pool.name}, {address}{handle.name}, &{at.name});",
                       declares=[status.name])]
        test = self.rng.choice([f"if (!fh_failed({status.name})) "] * 5 + [f"if ({at.name} != NULL) ", ""])
        return nodes + [Node(test + (f"{at.name}->n = u0;" if kind == "o" else f"u0 += {at.name}->n;"))]

    def bind(self, kind, expression, sources):
        """`expression` becomes the value of a variable, old or new."""
        old = [v for v in self.vars.values() if v.name[0] == kind and v.lent is None]
        if old and self.rng.random() < 0.35:
            var = self.rng.choice(old)
            if all(self.vars[s].depth <= var.depth for s in sources if s in self.vars) or self.rng.random() < self.wild:
                var.state, var.sources = "plain" if kind in "fewc" else "view", list(sources)
                return [Node(f"{var.name} = {expression};")]
        var = self.new(kind, "plain" if kind in "fewc" else "view", list(sources))
        return [Node(f"{KINDS[kind]}{var.name} = {expression};", declares=[var.name])]

    # --- calls of helpers ---------------------------------------------------------------------------------------------

    def helper(self, *results):
        fit = [h for h in self.helpers if h.result[1] in results and
               all(self.argument(word, name, True) for word, name in h.params)]
        return self.rng.choice(fit) if fit else None

    def argument(self, word, name, ask=False):
        """An argument for a parameter; with `ask`, only whether there is one."""
        kind = name[0]
        if kind == "u":
            return "2"
        if kind in "gj":
            var = self.pool() if kind == "g" else self.some("j", "plain")
            return var and var.name
        if kind == "t" and word in ("fh_move", "fh_drop"):
            var = self.some("t", "owned")
            if var and not ask:
                self.consumed(var)
            return var and var.name
        if kind == "d" and word == "fh_owned":
            var = self.some("t", "null", "moved")
            if var and not ask:
                var.state = "owned"
            return var and "&" + var.name
        if kind == "d":
            var = self.some("t", "owned")
            if var and not ask:
                self.touched(var)
                var.state = "maybe" if word == "fh_give" else "null"
            return var and "&" + var.name
        if kind == "t" and word == "fh_mut":
            var = self.changeable()
            if var and not ask:
                self.touched(var)
            return var and var.name
        if kind == "t":
            thing = self.readable()
            return thing and thing[0]
        if kind in "pb":
            var = self.some(kind, "owned")
            if var and not ask and word == "fh_mut":
                self.touched(var)
            return var and "&" + var.name
        if kind in "vs":
            var = self.some(kind, "view")
            return var and var.name
        return None

    def call(self, helper):
        arguments = [self.argument(word, name) for word, name in helper.params]
        if None in arguments:  # the first one took what the second one needs
            return {"thing *": "thing_new(1)", "fh_status ": "FH_DONE", "void ": "(void)0"}.get(helper.result[1], "1")
        return f"p@_{helper.name}({', '.join(arguments)})"

    # --- control ------------------------------------------------------------------------------------------------------

    def must_drop(self, besides=None):
        return [v for v in self.vars.values() if v.state in ("owned", "maybe") and v.name[0] in OWNERS and v is not besides and
                not v.sticky and v.lent in (None, "fh_move", "fh_drop")]

    def save(self):
        return {name: (var, var.state, var.sources) for name, var in self.vars.items()}

    def restore(self, saved):
        self.vars = {name: var for name, (var, _, _) in saved.items()}
        for var, var.state, var.sources in saved.values():
            pass

    def leave(self):
        """Everything is dropped, and control leaves the function."""
        saved, nodes = self.save(), []
        jumps = self.to_out and self.rng.random() < 0.7
        for var in self.must_drop() + ([] if jumps else self.kept):
            nodes += self.drop(var)
        self.rng.shuffle(nodes)
        nodes.append(Node("goto out;") if jumps else self.last(False))
        self.restore(saved)
        return nodes

    def last(self, success):
        """The return statement."""
        words, result = self.function.result
        if result == "void ":
            return Node("return;")
        if result == "fh_status ":
            return Node("return FH_DONE;" if success else "return FH_STATUS(FH_LIMIT);")
        if result == "thing *":
            fit = [v for v in self.vars.values() if v.name[0] == "t" and v.state in ("owned", "plain") and v.lent is None]
            return Node("return NULL;" if "null" in words else "return thing_new(1);")
        if self.function.view:
            return Node(f"return {self.function.params[0][1]};" if result == "const thing *" else
                        f"return thing_cells({self.function.params[0][1]});")
        return Node("return u0;")

    def block(self, make, keep=False):
        """The nodes of a block: what is declared in it ends with it. With `keep` false, what was owned outside stays owned."""
        before = {name: var.copy() for name, var in self.vars.items()}
        self.depth += 1
        nodes = make()
        for var in [v for v in self.must_drop() if v.depth >= self.depth]:
            nodes += self.drop(var)
        self.depth -= 1
        for name in [name for name, var in self.vars.items() if var.depth > self.depth]:
            for other in self.vars.values():
                if name in other.sources:
                    other.state = "dead" if other.state == "view" else other.state
            del self.vars[name]
        if not keep:
            for name, was in before.items():
                nodes += self.settle(self.vars[name], was)
        return nodes

    def settle(self, var, was):
        """What is to be done at the end of a block so that an owner is as it was before."""
        if var.state == was.state or var.name[0] not in OWNERS or was.state in ("raw", "dead", "view"):
            return []
        now, var.state = var.state, was.state
        if was.state in ("owned", "maybe") and now in ("moved", "null") and var.name[0] == "t":
            return [Node(f"{var.name} = thing_new(4);")]
        if was.state in ("moved", "null") and now in ("owned", "maybe"):
            return self.drop(var)
        if was.state == "owned" and now == "maybe" and var.name[0] == "t":
            return [Node(f"if ({var.name} == NULL) {var.name} = thing_new(4);")]
        var.state = now
        return []

    def condition(self):
        maybe = self.some("t", "maybe", "null")
        if maybe and self.rng.random() < 0.6:
            return f"{maybe.name} != NULL", maybe
        thing = self.readable()
        if thing and self.rng.random() < 0.15:
            return f"flip() && !fh_failed(thing_check({thing[0]}))", None
        return "flip()", None

    def branch(self):
        test, maybe = self.condition()
        if maybe:
            maybe.state = "owned"
            if self.rng.random() < 0.4:
                nodes = self.block(lambda: self.steps(2), keep=True)
                if maybe.state == "owned":
                    maybe.state = "maybe"
                elif maybe.state == "moved":
                    maybe.state = self.rng.choice(["moved", "null"])
                    nodes += [Node(f"{maybe.name} = NULL;")] if maybe.state == "null" else []
                return [Node(f"if ({test}) {{}}", nodes)]
            if self.rng.random() < 0.5:
                maybe.state = "null"
                leave = self.leave()
                maybe.state = "owned"
                return [Node(f"if ({maybe.name} == NULL) {{}}", leave)]
        if self.rng.random() < 0.25 and not self.loops:
            return [Node(f"if ({test}) {{}}", self.steps_in_block(1) + self.leave())] if self.rng.random() < 0.4 else \
                [Node(f"if ({test}) {{}}", self.leave())]
        before = {name: var.state for name, var in self.vars.items()}
        yes = self.block(lambda: self.steps(3), keep=True)
        after = {name: var.state for name, var in self.vars.items()}
        for name, var in self.vars.items():
            var.state = before.get(name, var.state)
        if maybe:
            maybe.state = "null"
        no = self.block(lambda: self.steps(2) if self.rng.random() < 0.6 else [], keep=True)
        for name, var in self.vars.items():
            was, now = after.get(name, var.state), var.state
            if was == now or name[0] not in OWNERS:
                var.state = was if was == "dead" else now
            elif now in ("owned", "maybe") and was in ("moved", "null"):
                no += self.drop(var)
                var.state = "moved"
            elif was in ("owned", "maybe") and now in ("moved", "null"):
                var.state = was
                yes += self.drop(var)
                var.state = "moved"
            elif {was, now} & {"maybe", "null"}:
                var.state = "maybe" if {was, now} & {"owned", "maybe"} else "moved"
        return [Node(f"if ({test}) {{}} else {{}}", yes, no)] if no else [Node(f"if ({test}) {{}}", yes)]

    def steps_in_block(self, count):
        saved = self.save()
        nodes = self.block(lambda: self.steps(count))
        self.restore(saved)
        return nodes

    def loop(self):
        way = self.rng.choice("wwfds")
        saved, self.to_out = self.to_out, False
        self.loops += 1

        def body():
            nodes = self.steps(3)
            if self.rng.random() < 0.3:
                jump = []
                for var in [v for v in self.must_drop() if v.depth >= self.depth]:
                    state = var.state
                    jump += self.drop(var)
                    var.state = state
                nodes.append(Node("if (flip()) {}", jump + [Node(self.rng.choice(["break;", "continue;"]))]))
            return nodes
        nodes = self.block(body)
        if self.rng.random() < 0.5:
            nodes += self.view_again()
        self.loops -= 1
        self.to_out = saved
        if way == "w":
            return [Node("while (flip()) {}", nodes)]
        if way == "d":
            return [Node("do {} while (flip());", nodes)]
        if way == "s" and (bin_ := self.some("n", "owned")):
            self.touched(bin_)
            var = self.new("t", "owned")
            del self.vars[var.name]
            take = f"{var.name} = bin_take({bin_.name})"
            head = f"for (thing *{take}; {var.name} != NULL; {take}) {{}}"
            inside = [Node(f"u0 += thing_sum({var.name});"),
                      Node(self.rng.choice([f"thing_free({var.name});", f"thing_eat({var.name});"]))]
            return [Node(head, inside, declares=[var.name])]
        return [Node("for (unsigned i = 0; i < pick(3); i++) {}", nodes)]

    def view_again(self):
        nodes = []
        for view in [v for v in self.vars.values() if v.name[0] == "v" and v.state == "dead"]:
            if thing := self.readable():
                view.state, view.sources = "view", thing[1]
                nodes.append(Node(f"{view.name} = thing_cells({thing[0]});"))
        return nodes

    def switch(self):
        nodes = []
        for value in range(self.rng.randint(1, 3)):
            nodes.append(Node(f"case {value}: ;" if value < 2 or self.rng.random() < 0.5 else "default: ;"))
            nodes.append(Node("{}", self.block(lambda: self.steps(2))))
            if self.rng.random() < 0.8:
                nodes.append(Node("break;"))
        return [Node("switch (pick(3)) {}", nodes)]

    def scope(self):
        return [Node("{}", self.block(lambda: self.steps(3)))]

    def step(self):
        self.left -= 1
        for _ in range(5):
            if nodes := self.one_step():
                return nodes
        return []

    def one_step(self):
        deep = self.depth > 3 or self.left < 0
        way = self.rng.choice("oollllcccvvvvdd" + ("" if deep else "bbbwwsn"))
        if way == "o":
            return self.fresh()
        if way == "d":
            var = self.some(OWNERS, "owned", "maybe")
            far = var and var.depth != self.depth and (var.name[0] != "t" or self.rng.random() < 0.7)
            return self.drop(var) if var and not far and not var.sticky else []
        return {"l": self.look, "c": self.change, "v": self.view, "b": self.branch, "w": self.loop, "s": self.switch,
                "n": self.scope}[way]()

    def steps(self, count):
        nodes = []
        for _ in range(self.rng.randint(1, count)):
            nodes += self.step()
        return nodes

    # --- functions ----------------------------------------------------------------------------------------------------

    def parameters(self):
        for word, name in self.function.params:
            kind = name[0]
            state = "owned" if word in ("fh_move", "fh_drop") else "view" if kind in "vs" else "plain"
            lent = None if word in ("fh_move", "fh_drop") else word or "fh_ref"
            if word in ("fh_owned", "fh_clear", "fh_give", "fh_out"):
                continue
            var = Var(name, state, 0, (), lent)
            if kind in "pb" and word not in ("fh_move",):
                var.state = "lent"
            self.vars[name] = var

    def make(self):
        self.parameters()
        self.depth = 1
        nodes = [Node("unsigned u0 = pick(3);", declares=["u0"])]
        if self.rng.random() < 0.25:
            self.to_out = True
            for kind in self.rng.choice(["t", "t", "tt", "tn"]):
                var = self.new(kind, "null")
                var.sticky = True
                self.kept.append(var)
                nodes.append(Node(f"{KINDS[kind]}{var.name} = NULL;", declares=[var.name]))
                if self.rng.random() < 0.7:
                    fill = {"t": ["thing_new(2)", "thing_try(3)"], "n": ["bin_new()"]}[kind]
                    nodes.append(Node(f"{var.name} = {self.rng.choice(fill)};"))
                    var.state = "maybe"
        for _ in range(self.rng.randint(0, 3)):
            nodes += self.fresh()
        nodes += self.steps(6)
        while self.left > 0:
            nodes += self.step()
        for word, name in self.function.params:
            if word == "fh_owned":
                nodes += [Node(f"*{name} = thing_new(2);")]
            elif word == "fh_out":
                nodes += [Node(f"*{name} = thing_cells({self.function.params[0][1]});")]
            elif word == "fh_clear":
                nodes += [Node(f"thing_clear({name});")]
            elif word == "fh_give":
                nodes += [Node(f"thing_free(*{name}); *{name} = NULL;")]
        owned = [v for v in self.must_drop() if v.name[0] == "t" and v.state == "owned"]
        result = None
        if self.function.result[1] == "thing *" and owned and self.function.result[0] and self.rng.random() < 0.8:
            result = self.rng.choice(owned)
            result.state = "moved"
        for var in self.must_drop():
            nodes += self.drop(var)
        if self.to_out:
            if self.function.result[1] == "void ":
                nodes.append(Node("out: ;"))
            else:
                nodes.append(Node("out: ;"))
            for var in self.kept:
                nodes.append(Node(ENDS[var.name[0]].format(var.name)))
        nodes.append(Node(f"return {result.name};") if result and not self.to_out else self.last(True))
        if result and self.to_out:
            nodes.insert(-1, Node(ENDS["t"].format(result.name)))
        self.function.body = nodes


# --- programs ---------------------------------------------------------------------------------------------------------

RESULTS = [("", "void ", ""), ("", "unsigned ", ""), ("", "fh_status ", ""), ("fh_owned ", "thing *", ""),
           ("fh_owned_or_null ", "thing *", ""), ("", "const thing *", " fh_view(1)"), ("", "const unsigned *", " fh_view(1)")]
PARAMS = [("fh_ref", "t"), ("fh_ref", "t"), ("fh_mut", "t"), ("fh_mut", "t"), ("fh_move", "t"), ("fh_move", "t"),
          ("fh_drop", "t"),
          ("fh_owned", "d"), ("fh_clear", "d"), ("fh_give", "d"), ("fh_ref", "p"), ("fh_mut", "p"), ("fh_mut", "b"),
          ("fh_ref", "v"), ("", "s"), ("", "u"), ("fh_ref", "g"), ("fh_mut", "g"), ("", "j")]


def head(rng, number, count):
    words, result, view = rng.choice(RESULTS)
    params = []
    for n in range(rng.randint(1, 2)):
        word, kind = ("fh_ref", "t") if view and n == 0 else rng.choice(PARAMS)
        count[0] += 1
        params.append((word, f"{kind}{count[0]}"))
    return Function(f"help{number}", (words, result), params, view)


class Program:
    """The functions of one program: the last one is the program."""

    def __init__(self, seed):
        self.seed, rng, self.functions = seed, random.Random(seed), []
        wild, count = rng.choice([0, 0, 0.01, 0.04]), [0]
        for number in range(rng.choice([0, 0, 0, 1, 1, 2])):
            function = head(rng, number, count)
            Maker(rng, wild, self.functions[:], function, count).make()
            self.functions.append(function)
        main = Function("main", ("", "unsigned "), [], "")
        Maker(rng, wild, self.functions[:], main, count).make()
        self.functions.append(main)
        for _ in range(rng.choice([0, 0, 1, 1, 1, 2, 3])):
            change(rng, self)

    def copy(self):
        other = Program.__new__(Program)
        other.seed, other.functions = self.seed, [function.copy() for function in self.functions]
        return other

    def text(self, number=None):
        number = self.seed if number is None else number
        return "".join(render(function, number) for function in self.functions)
