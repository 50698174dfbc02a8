"""What the comparisons with other libraries of vector search have in common: a child process that has our side and waits for
its turn, packages that may be missing, and a picture."""
import argparse
import importlib
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
OURS, THEIRS = "#0b6e4f", "#b5651d"


class Paced:
    """Our benchmark, which does one thing for each line that it gets."""

    def __init__(self, command):
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def answer(self):
        """The next line of JSON."""
        line = self.child.stdout.readline()
        if not line:
            sys.exit(f"{self.child.args[0]} ended early")
        return json.loads(line)

    def ask(self, what):
        """What it says to a line."""
        self.child.stdin.write(f"{what}\n")
        self.child.stdin.flush()
        return self.answer()

    def end(self):
        """No more lines."""
        self.child.stdin.close()
        self.child.wait()


def arguments(description, program, rows, rounds):
    """The options that both have."""
    parser = argparse.ArgumentParser(description=description.split("\n", maxsplit=1)[0])
    parser.add_argument("--program", default=str(ROOT / "build/release/tests/index" / program))
    parser.add_argument("--rows", type=int, default=rows)
    parser.add_argument("--dim", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--plot", metavar="FILE", help="draws a PNG (Debian: python3-matplotlib)")
    return parser


def modules(*names):
    """The packages of these names, or an end with a word."""
    try:
        return [importlib.import_module(name) for name in names]
    except ImportError as missing:
        sys.exit(f"skipped: {missing} ({', '.join(names)} are needed)")


def picture(path, draw):
    """Saves what `draw(axes)` draws."""
    matplotlib, = modules("matplotlib")
    matplotlib.use("Agg")
    pyplot, = modules("matplotlib.pyplot")
    figure, axes = pyplot.subplots(figsize=(7, 4.2), dpi=120, layout="constrained")
    draw(axes)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(True, which="both", linewidth=0.4, alpha=0.5)
    axes.legend(frameon=False)
    figure.savefig(path, metadata={"Software": None})
