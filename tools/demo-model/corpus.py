"""A story grammar that writes short children's stories.

story(seed, index) returns one story; the same two numbers always give the same
text.  Characters and settings live in cast.py, the plots in plots.py.
"""

import argparse
import random

import cast
import plots


class Scene:
    """The choices that hold for one story: who, where, and how it has begun."""

    def __init__(self, rng):
        self.rng = rng
        self.place = rng.choice(cast.PLACES)
        self.names, self.kinds = set(), set()
        self.hero = self.who()
        self.timed = False

    def pick(self, *options):
        return options[int(self.rng.random() * len(options))]

    def maybe(self, text, chance=0.5):
        """The text with a space before it, or nothing."""
        return " " + text if self.rng.random() < chance else ""

    def who(self, kinds=None, unlike=None):
        """A new character whose name, and kind if it is an animal, is not in use.

        unlike: a character from whom the new one should usually differ in pronoun.
        """
        she = self.rng.random() < 0.5
        if unlike is not None and self.rng.random() < 0.8:
            she = not unlike.she
        free = [k for k in (kinds or self.place.kinds) if k not in self.kinds]
        kind = self.rng.choice(free or [k for k in cast.ANIMALS if k not in self.kinds])
        if kinds is None and self.rng.random() < 0.05:
            kind = self.rng.choice([k for k in cast.WANDERERS if k not in self.kinds])
        if kind == "child":
            kind = "girl" if she else "boy"
        elif kind in ("prince", "princess"):
            kind = "princess" if she else "prince"
        else:
            self.kinds.add(kind)
        pool = cast.SHE_NAMES if she else cast.HE_NAMES
        if self.rng.random() < 0.08:
            pool = [self.new_name()]
        name = self.rng.choice([n for n in pool if n not in self.names] or cast.HE_NAMES)
        self.names.add(name)
        return cast.Who(name, kind, self.rng.choice(cast.TRAITS), she)

    def new_name(self):
        """A made-up name, so that a model learns to repeat names it has never met."""
        start, middle, end = (self.rng.choice(part.split()) for part in cast.NAME_PARTS)
        return start + (middle if self.rng.random() < 0.5 else "") + end

    def spots(self, n):
        """Different places to look in this setting."""
        return self.rng.sample(self.place.spots, n)

    def day(self):
        """Words that begin the events, unless the opening has named the time."""
        if self.timed:
            return self.pick("That day", "That very day", "Before long", "A little later", "Soon")
        w = self.rng.choice(cast.WEATHER)
        return self.pick("One day", "One day", "One day", f"One {w} morning",
                         f"One {w} day", f"One {w} afternoon", "One morning")

    def opening(self, steady):
        """Introduces the hero and the setting.

        steady: the plot goes on with how things always are, so that the opening
        must not name a day yet.
        """
        h, p = self.hero, self.place
        lived = self.pick("lived", "lived", "had a home")
        home = p.lives
        loved = self.pick(*LOVES).format(his=h.his, water=p.water)
        w = self.rng.choice(cast.WEATHER)
        kind = self.rng.random()
        if steady and 0.40 <= kind < 0.60:
            kind -= 0.40
        if kind < 0.40:
            return self.pick(
                f"Once upon a time, there was {h.a} named {h.name}. {h.He} {lived} {home}.",
                f"Once upon a time, {h.a} named {h.name} {lived} {home}.",
                f"Once upon a time, {home}, there lived {h.a} named {h.name}.",
                f"Once upon a time, there was {h.a} called {h.name} who {lived} {home}.",
                f"Once upon a time, there lived {h.a} {home}. {h.His} name was {h.name}.",
            ) + self.maybe(f"{self.pick(h.name, h.He)} loved {loved}.", 0.6)
        if kind < 0.60:
            self.timed = True
            walk = self.pick("was walking", "was playing", "was resting", "went for a walk",
                             "was exploring", "was playing alone", "was sitting")
            return self.pick(
                f"One day, {h.a} named {h.name} {walk} {self.spots(1)[0]}.",
                f"One day, {h.a} named {h.name} {walk} {p.at}.",
                f"One {w} morning, {h.a} named {h.name} woke up early.",
                f"One {w} morning, {h.a} named {h.name} {walk} {p.at}.",
                f"It was a {w} day. {h.a[0].upper() + h.a[1:]} named {h.name} {walk} {p.at}.",
            )
        cap = home[0].upper() + home[1:]
        return self.pick(
            f"There was once {h.a} named {h.name} who {lived} {home}.",
            f"There was {h.a} named {h.name}. {h.He} {lived} {home}.",
            f"{cap}, there lived {h.a} named {h.name}.",
            f"{cap} lived {h.a}. {h.His} name was {h.name}.",
            f"{h.name} was {h.a} who {lived} {home}.",
            f"{h.name} was {h.a}. {h.He} {lived} {home}.",
            f"Long ago, {h.a} named {h.name} {lived} {home}.",
            f"Far away, {home}, there lived {h.a} called {h.name}.",
        ) + self.maybe(f"{h.He} loved {loved}.", 0.6)


LOVES = [
    "to sing in the morning", "to listen to the birds", "to watch the clouds",
    "to collect smooth stones", "to tell funny jokes", "to count the stars at night",
    "to play by {water}", "to run and jump", "to draw pictures in the sand",
    "to help {his} mother", "to hear stories before bed", "to ask questions",
    "to make new things", "to climb and explore", "to dance when nobody was looking",
    "the smell of fresh bread", "sunny days", "the sound of the rain",
]


def story(seed, index):
    """The story with this number, as text with paragraphs."""
    scene = Scene(random.Random(f"{seed}:{index}"))
    plot = scene.rng.choice(plots.PLOTS)
    opening = scene.opening(plot in plots.STEADY)
    parts = plot(scene)
    parts[0] = f"{opening} {parts[0]}"
    return "\n\n".join(" ".join(part.split()) for part in parts)


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--first", type=int, default=0)
    ap.add_argument("--count", type=int, default=3)
    ap.add_argument("--plot", help="only this plot")
    args = ap.parse_args()
    if args.plot:
        plots.PLOTS[:] = [getattr(plots, args.plot)]
    for i in range(args.first, args.first + args.count):
        print(story(args.seed, i), end="\n\n---\n\n")


if __name__ == "__main__":
    main()
