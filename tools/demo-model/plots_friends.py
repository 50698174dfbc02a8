"""Plots about others: making friends, helping, learning, contests, surprises."""
# tidy: exempt size: a sentence of a story stays on one line

from cast import FOODS, SNACKS, TALENTS, TALENT_OF, with_article

GAMES = ["hide and seek", "tag", "catch", "pirates", "knights", "treasure hunters", "explorers"]


def new_friend(s):
    h, P = s.hero, s.pick
    f = s.who(unlike=h)
    a, b = s.spots(2)
    game = s.rng.choice(GAMES)
    first = (
        P(
            f"But {h.he} had nobody to play with.",
            f"{h.He} often felt lonely, because {h.he} had no friends yet.",
            f"{h.He} wished for a friend more than anything.",
        )
        + f" {s.day()}, {h.name} saw someone new {a}. It was {f.a}."
    )
    shy = (
        P(
            f"{h.name} wanted to say hello, but {h.he} was too shy. What if {f.the_kind} did not like {h.him}?",
            f'"Hello," said {h.name} in a small voice, but {f.the_kind} did not hear {h.him}.',
            f"{h.name} hid {b} and watched. {f.The_kind} looked lonely, too.",
        )
        + P(
            f" Then {h.name} took a deep breath and walked over.",
            f' "I will be brave," {h.he} thought, and {h.he} went closer.',
        )
        + f' "Hello, my name is {h.name}," {h.he} said. "What is your name?"'
    )
    reply = (
        P(
            f'{f.The_kind} looked up and smiled. "I am {f.name}," {f.he} said. ',
            f'"My name is {f.name}," said {f.the_kind} softly. ',
        )
        + P(
            '"I just moved here, and I do not know anyone."',
            '"I was hoping that someone would talk to me."',
            '"I am new here. Everything is so big and strange."',
        )
        + P(
            f' "Then I will show you everything!" said {h.name}.',
            f' "Do you want to play {game}?" asked {h.name}.',
            f' "Now you know me," said {h.name}. "Come, let us play {game}!"',
        )
    )
    play = P(
        f"They played {game} {b} until the sun went down.",
        f"{h.name} showed {f.name} {s.place.water} and all the best places to hide.",
        f"They ran, they laughed, and they shared some {s.rng.choice(SNACKS)}.",
    ) + P(
        f" {f.name} told funny stories, and {h.name} laughed until {h.his} tummy hurt.",
        f" They found out that they both liked {s.rng.choice(FOODS)}.",
        f" It was the best day {h.name} had ever had.",
    )
    end = P(
        f'"Will you come again tomorrow?" asked {h.name}. "Yes," said {f.name}, "and every day after that!"',
        f"From that day on, {h.name} and {f.name} were best friends.",
        f"That night, {h.name} went to bed with a smile. {h.He} had found a friend, and all it took was a hello.",
        f"After that, {h.name} was never lonely again.",
        f"And {h.name} learned that even a shy heart can find a friend.",
    )
    return [first, shy, reply, f"{play} {end}"]


# talent -> (what has happened, how the helper solves it)
TROUBLES = {
    "fly": [
        (
            "{t} was stuck at the top of a tall tree",
            "{h} flew up to the top of the tree and pushed {it} down",
        )
    ],
    "climb": [
        (
            "{t} was stuck high up in a tree",
            "{h} climbed up the tree, branch by branch, and brought {it} down",
        ),
        ("{t} was up on the roof", "{h} climbed up to the roof and threw {it} down"),
    ],
    "strong": [
        (
            "{t} was stuck under a heavy log",
            "{h} lifted the heavy log with all {his} might, and {it} was free",
        ),
        (
            "{t} was trapped behind a big rock",
            "{h} pushed the big rock until it rolled away, and {it} was free",
        ),
    ],
    "small": [
        ("{t} had fallen into a tiny hole", "{h} crawled into the tiny hole and came out with {it}"),
        ("{t} was stuck between two stones", "{h} slipped between the two stones and pushed {it} out"),
    ],
    "swim": [
        (
            "{t} was floating in the middle of {water}",
            "{h} jumped into the water, swam out, and brought {it} back",
        ),
        ("{t} had fallen into {water}", "{h} dived into the water and came up with {it}"),
    ],
    "dig": [
        ("{t} was buried under a pile of earth", "{h} dug and dug until {it} came out"),
        (
            "{t} had fallen behind a wall with no door",
            "{h} dug a tunnel under the wall and came back with {it}",
        ),
    ],
}
SIGNS = {
    "fly": "{He} could fly",
    "climb": "{He} could climb",
    "strong": "{He} was very strong",
    "small": "{He} was very small",
    "swim": "{He} could swim",
    "dig": "{He} could dig",
}
OWNED = ["hat", "ball", "kite", "bag", "letter", "doll", "scarf", "drum", "bell", "shoe"]


def helping(s):
    """Somebody is in trouble, and just the right talent is needed."""
    h, P = s.hero, s.pick
    talent = TALENT_OF.get(h.kind)
    if talent and s.rng.random() < 0.6:
        helper, owner = h, s.who(unlike=h)
    else:
        talent = s.rng.choice(list(TALENTS))
        helper, owner = s.who(kinds=TALENTS[talent], unlike=h), h
    thing = s.rng.choice([x for x in OWNED if talent != "dig" or x not in ("kite", "letter")])
    trouble, solve = s.rng.choice(TROUBLES[talent])
    trouble = trouble.format(t=f"{owner.his} {thing}", water=s.place.water)
    solve = solve.format(h=helper.name, it=f"the {thing}", his=helper.his)
    if helper is h:
        first = P(
            f"{h.He} thought that {h.he} was not good at anything special.",
            f"{h.He} liked to help others.",
            f"{h.He} wanted to do something great one day.",
        )
        meet = (
            f"{s.day()}, {h.name} met {owner.name}, {owner.a}. {owner.name} was {P('crying', 'very sad', 'very upset')}, "
            f"because {trouble}. "
        )
    else:
        first = P(
            f"{h.He} had a new {thing} and liked it very much.",
            f"{h.He} took {h.his} {thing} with {h.him} wherever {h.he} went.",
        )
        meet = (
            f"{s.day()}, something bad happened. {trouble[0].upper() + trouble[1:]}. "
            + P(f"{h.name} tried to get it, but {h.he} could not. ", f'"Oh no!" cried {h.name}. ')
            + f"Then {helper.a} named {helper.name} came by. "
        )
    ask = (
        P(
            f'"Can you help me?" asked {owner.name}. ',
            f'"I do not know what to do," said {owner.name}. ',
            f'"How will I ever get my {thing} back?" asked {owner.name}. ',
        )
        + P(f"{helper.name} looked around and thought about it. ", "")
        + SIGNS[talent].format(He=helper.name)
        + ". "
        + P(
            '"I can do that!" {0} said.',
            '"Let me try," {0} said.',
            '"Do not worry," {0} said. "I know what to do."',
        ).format(helper.he)
    )
    act = P(f"{solve}.", f"{solve}.", f"It was not easy, but {solve}.") + P(
        f' "Here is your {thing}," {helper.he} said.',
        f" {owner.name} clapped and cheered.",
        f' "You did it!" shouted {owner.name}.',
    )
    thanks = P(
        f'"Thank you so much!" said {owner.name}. ',
        f"{owner.name} gave {helper.name} a big hug. ",
        f'"You are a hero," said {owner.name}. ',
    ) + P(
        f"{owner.He} took out some {s.rng.choice(SNACKS)}, and they ate them together.",
        "After that, the two of them played all afternoon.",
        f'"If you ever need me, I will help you, too," {owner.he} said.',
    )
    end = P(
        f"{helper.name} was happy, because helping others feels good.",
        f"And {helper.name} learned that everyone is good at something.",
        f"From that day on, {owner.name} and {helper.name} were good friends.",
        f"That evening, {h.name} told {h.his} family all about it.",
        "",
    )
    return [first, meet, f"{ask} {act}", f"{thanks} {end}".strip()]


SKILLS = [
    (
        "swim",
        "swimming",
        "{He} jumped into the shallow water, but {he} only splashed and swallowed water",
        "Move your legs slowly and breathe",
        "{he} swam all the way to the other side",
    ),
    (
        "whistle",
        "whistling",
        "{He} blew as hard as {he} could, but there was only air",
        "Make your lips round and blow softly",
        "a clear, high sound came out",
    ),
    (
        "ride a bike",
        "riding",
        "{He} got on the bike and fell off at once",
        "Look ahead and keep your feet moving",
        "{he} rode down the path without falling",
    ),
    (
        "skate on the ice",
        "skating",
        "{He} stepped on the ice and fell on {his} bottom",
        "Bend your knees and push gently",
        "{he} glided over the ice like a bird",
    ),
    (
        "bake bread",
        "baking",
        "{He} put the bread in the oven, but it came out as hard as a stone",
        "Let the dough rest, and do not hurry",
        "the bread came out soft and golden",
    ),
    (
        "play the flute",
        "playing",
        "{He} blew into the flute, and it made a terrible noise",
        "Start with one note and listen",
        "{he} played a sweet little song",
    ),
    (
        "juggle",
        "juggling",
        "{He} threw three apples into the air, and all of them fell on {his} head",
        "Start with one apple, then take two",
        "{he} kept all three apples in the air",
    ),
    (
        "paint",
        "painting",
        "{He} painted a horse, but it looked like a potato",
        "Look closely before you paint",
        "{he} painted a horse that looked almost real",
    ),
    (
        "read",
        "reading",
        "{He} opened a book, but the letters looked like tiny ants",
        "Say each sound, one after the other",
        "{he} read a whole page all by {himself}",
    ),
    (
        "tie a knot",
        "tying knots",
        "{He} twisted the string, but it came loose again",
        "Make a loop first, then go around it",
        "the knot held tight",
    ),
]


def learning(s):
    h, P = s.hero, s.pick
    f = s.who(unlike=h)
    t = s.who(unlike=h)
    skills = [
        k
        for k in SKILLS
        if not (
            k[0] == "swim"
            and h.kind
            in ("duck", "otter", "frog", "turtle", "beaver", "goose", "ant", "snail", "beetle", "ladybug")
        )
    ]
    skill, doing, fail, tip, win = s.rng.choice(skills)
    form = dict(he=h.he, He=h.He, his=h.his, himself=h.himself)
    fail, win = fail.format(**form), win.format(**form)
    first = (
        P(
            f"{h.name} had a dream. {h.He} wanted to learn to {skill}.",
            f"There was one thing that {h.he} could not do. {h.He} could not {skill}.",
            f"{h.He} saw {h.his} friend {f.name} {skill}, and {h.he} wanted to {skill}, too.",
        )
        + f" {s.day()}, {h.he} decided to try."
    )
    try1 = (
        f"{fail}. "
        + P(
            f'"This is too hard!" {h.he} said.',
            f"{h.name} felt silly.",
            f"{h.He} tried again, but it was no better.",
        )
        + P(
            f" {f.name}, {f.a}, saw it and laughed. That made {h.name} sad.",
            f' "I will never learn it," {h.he} thought.',
            "",
        )
    )
    teach = (
        P(
            f"Then {t.name}, {t.a}, sat down next to {h.him}. ",
            f"{h.He} went to {t.name}, {t.a} who was very patient. ",
        )
        + P(
            f'"I could not {skill} at first," {t.he} said. ',
            f'"Nobody can do it the first time," {t.he} said. ',
            f'"Shall I show you how?" {t.he} asked. ',
        )
        + f'"{tip}."'
    )
    practice = (
        P(
            f"{h.name} tried again. It was a little better. ",
            f"So {h.name} practiced every day. ",
            f"{h.name} listened and tried once more. ",
        )
        + P(
            f"{h.He} practiced in the morning and in the evening. ",
            f"Some days were hard, but {h.he} did not give up. ",
            f"{t.name} helped {h.him} and told {h.him} not to hurry. ",
        )
        + P(f"And one day, {win}!", f"Then, at last, {win}!", f"After one week, {win}!")
    )
    end = (
        P(
            f'"I did it!" cried {h.name}.',
            f"{h.name} was so proud that {h.he} laughed out loud.",
            f'"Look at me!" {h.he} shouted.',
        )
        + P(
            f' {t.name} smiled. "I knew you could do it," {t.he} said.',
            f" {t.name} clapped {t.his} hands." if t.human else f" {t.name} cheered.",
            "",
        )
        + P(
            f" Now {h.name} knew that practice makes everything easier.",
            f" Later, {h.name} taught other little ones how to {skill}.",
            f" From then on, {h.he} loved {doing} more than anything.",
            f' {h.name} never said "I can\'t" again. {h.He} said "I can\'t do it yet."',
        )
    )
    return [first, try1, teach, f"{practice} {end}"]


def contest(s):
    h, P = s.hero, s.pick
    f = s.who(unlike=h)
    c = s.rng.choice(["race", "race", "boat race", "baking contest", "singing contest", "drawing contest"])
    prize = s.rng.choice(
        [
            "a golden cup",
            "a big cake",
            "a blue ribbon",
            "a basket of " + s.rng.choice(SNACKS),
            "a silver star",
        ]
    )
    noun = prize.split(" ", 1)[1].split(" of ")[0]
    first = f"{s.day()}, there was a big {c} {s.place.at}. The prize was {prize}. " + P(
        f'"I want to win," said {h.name}.',
        f"{h.name} wanted to win more than anything.",
        f"{h.name} had practiced for weeks.",
    )
    rival = P(
        f'{f.name}, {f.a}, wanted to win, too. "I am the best," {f.he} said. "Nobody can beat me."',
        f"{f.name}, {f.a}, was there, too. {f.He} had won last year.",
        f'The one to beat was {f.name}, {f.a}. "Good luck," {f.he} said. "You will need it."',
    )
    if c == "race":
        mid = P(
            f"One, two, three, go! {f.name} ran ahead, and {h.name} ran after {f.him} as fast as {h.he} could. Then {f.name} tripped over a root and hurt {f.his} foot.",
            f"Everyone ran along {s.place.path}. {f.name} was first and {h.name} was second. Suddenly, {f.name} slipped and fell into the mud.",
        )
    elif c == "boat race":
        mid = P(
            f"One, two, three, go! The boats shot across the water. {f.name} was in front, but then {f.his} boat hit a rock and began to fill with water.",
            f"The wind was strong, and the boats were fast. {h.name} was close behind {f.name}. Suddenly, {f.name} lost {f.his} oar.",
        )
    elif c == "baking contest":
        mid = P(
            f"{h.name} mixed flour and eggs and baked {with_article(s.rng.choice(['apple pie', 'blueberry cake', 'cherry tart', 'nut cake']))}. Then {h.he} heard {f.name} cry. {f.He} had no sugar left.",
            f"The kitchen was full of good smells. Just before the end, {f.name} dropped {f.his} eggs on the floor.",
        )
    elif c == "singing contest":
        mid = P(
            f'{h.name} stood and waited for {h.his} turn. Next to {h.him}, {f.name} was shaking. "I have forgotten the words of my song," {f.he} whispered.',
            f"When it was {f.name}'s turn, {f.his} voice was gone. {f.He} looked at the crowd and began to cry.",
        )
    else:
        mid = P(
            f"Everyone sat down and began to draw. Then {f.name} broke {f.his} only pencil.",
            f"{h.name} drew a bird with bright wings. Then {h.he} saw that {f.name} had spilled water on {f.his} picture.",
        )
    choice = P(
        f"{h.name} could have won now. But {h.he} stopped and helped {f.name}.",
        f"{h.name} thought about the prize. Then {h.he} looked at {f.name}, and {h.he} knew what to do. {h.He} went over and helped {f.him}.",
        f'"Wait, I will help you!" said {h.name}. {h.He} did not think about winning anymore.',
    )
    choice += P(
        f' "Why do you help me?" asked {f.name}. "Because it is the right thing to do," said {h.name}.',
        f' "Thank you," said {f.name}, and {f.his} face turned red.',
        "",
    )
    end = P(
        f"In the end, someone else won the {noun}. But {h.name} was not sad, because {h.he} had won a friend.",
        f"They finished at the same time, side by side. The judges gave the {noun} to both of them, and they shared it.",
        f'{f.name} won the {noun}, but {f.he} gave it to {h.name}. "You are the real winner," {f.he} said.',
        f"When it was over, {s.place.everyone} cheered for {h.name}. {h.He} had not come first, but {h.he} got a special prize for being kind.",
        f'To {h.his} surprise, {h.name} won after all. "We won together," {h.he} said, and {h.he} shared the {noun} with {f.name}.',
    )
    moral = P(
        f" And {h.name} learned that being kind is better than being first.",
        " From then on, they always practiced together.",
        " It was a day that nobody forgot.",
        "",
    )
    return [first, rival, f"{mid} {choice}", end + moral]


def surprise(s):
    h, P = s.hero, s.pick
    f = s.who(unlike=h)
    g = s.who()
    food = s.rng.choice(["apple pie", "blueberry cake", "honey cake", "nut cake", "cherry tart"])
    a, b = s.spots(2)
    first = P(
        f"It was {h.name}'s birthday, but nobody said a word about it.",
        f"Today was a special day. It was {h.name}'s birthday!",
    ) + P(
        f" {h.He} got up early and went outside.", f' "I wonder what my friends will do," {h.he} thought.'
    )
    seek = (
        f"{h.name} went to see {f.name}, {f.a}. "
        + P(
            f'"I have no time today," said {f.name} and closed the door.',
            f'"Sorry, I am busy," said {f.name}. {f.He} hid something behind {f.his} back.',
        )
        + f" Then {h.he} went to {g.name}, {g.a}. "
        + P(
            f"But {g.name} was not at home.",
            f"But {g.name} ran away as soon as {g.he} saw {h.him}.",
            f'"Come back later," said {g.name}.',
        )
    )
    low = P(
        f'{h.name} sat down {a}. "They have all forgotten me," {h.he} said, and a tear fell on {h.his} nose.',
        f'{h.name} walked around alone. "Maybe they do not like me anymore," {h.he} thought.',
        f"{h.name} felt lonely. {h.He} threw little stones into the water and sighed.",
    )
    party = (
        P("When the sun went down, ", "In the evening, ", "After a long time, ")
        + P(
            f"{h.he} heard a noise {b}. {h.He} went to see what it was.",
            f'{f.name} came running. "Come quickly!" {f.he} said. They ran to a place {b}.',
            f"{h.he} saw a small light {b}. {h.He} went closer and closer.",
        )
        + P(
            ' "Surprise!" shouted everyone.',
            f' "Happy birthday, {h.name}!" many voices called.',
            ' Suddenly, lanterns lit up everywhere. "Surprise!"',
        )
        + P(
            f" There were lights, flowers, and {with_article(food)}.",
            f" {g.name} was holding {with_article(food)} with candles on top.",
            f" All {h.his} friends were there, and they began to sing.",
        )
    )
    end = (
        P(
            f'"We were getting everything ready all day," said {f.name}.',
            f'"Did you think we had forgotten?" asked {f.name}. "Never!"',
            f'"That is why we had no time," said {g.name} with a smile.',
        )
        + P(
            f" {h.name} laughed and cried at the same time.",
            f" {h.name} blew out the candles and made a wish.",
            f" {h.name} hugged them all.",
        )
        + P(
            " They danced and ate until the moon was high in the sky.",
            f" It was the best birthday of {h.his} life.",
            f' "I have the best friends in the world," {h.he} said.',
        )
    )
    return [first, seek, low, party, end]


def apology_quarrel(s):
    """Two friends quarrel over a silly thing and make up."""
    h, P = s.hero, s.pick
    f = s.who(unlike=h)
    over = s.rng.choice(
        [
            ("a big puddle", "Both of them wanted to jump in first", "they jumped in at the same time"),
            ("a red ball", "Both of them wanted to hold it", "they threw it back and forth"),
            ("a swing", "Both of them wanted to go first", "they took turns and pushed each other"),
            (
                "the last cookie",
                "Both of them wanted to eat it",
                "they broke it in two and ate it together",
            ),
            (
                "a long stick",
                "Both of them wanted to have it",
                "they used it to draw a big picture in the sand",
            ),
            ("a game", "Each of them wanted to choose the rules", "they made up a new game with new rules"),
        ]
    )
    thing, fight, solved = over
    first = f"{h.His} best friend was {f.name}, {f.a}. They did everything together. " + P(
        f"{s.day()}, they had a fight about {thing}.",
        f"{s.day()}, something silly happened. They began to fight about {thing}.",
    )
    fight_text = (
        f"{fight}. "
        + P(
            '"Me!" shouted {0}. "No, me!" shouted {1}.',
            '"You are mean!" said {0}. "You are meaner!" said {1}.',
            '"I do not want to play with you anymore," said {0}. "Good!" said {1}.',
        ).format(*s.rng.sample([h.name, f.name], 2))
        + P(" They turned around and went home.", " Then they walked away in different directions.")
    )
    alone = P(
        f"At home, {h.name} tried to play alone. It was boring.",
        f"{h.name} sat by the window. The house was very quiet.",
        f"{h.name} was angry for a while. Then {h.he} was only sad.",
    ) + P(
        f" {h.He} thought about {f.name} and all the fun they had together.",
        f' "It was such a small thing," {h.he} thought. "Why did we fight?"',
        f' {h.His} mother asked, "What is more important, being right or being friends?"',
    )
    meet = P(
        f"So {h.he} got up and ran to {f.name}'s house. Halfway there, {h.he} met {f.name}, who was coming to see {h.him}!",
        f"{h.He} went out to find {f.name}. {f.name} was sitting {s.spots(1)[0]}, all alone.",
        f"Then there was a knock at the door. It was {f.name}!",
    ) + P(
        ' "I am sorry," they both said at the same time, and then they laughed.',
        f' "I am sorry that I shouted," said {h.name}. "I am sorry, too," said {f.name}.',
        f' "Can we be friends again?" asked {h.name}. "Of course," said {f.name}.',
    )
    end = f"This time, {solved}. " + P(
        "It was much more fun than before.",
        "They never fought about such a silly thing again.",
        f"{h.name} learned that saying sorry is not hard when you love your friend.",
        "And they stayed best friends for ever and ever.",
    )
    return [first, fight_text, alone, f"{meet} {end}"]
