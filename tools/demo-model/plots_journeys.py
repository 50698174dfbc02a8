"""Plots about going out: adventures, storms, dark nights, wishes, messages."""
# tidy: exempt size: a sentence of a story stays on one line

from cast import FOODS, SNACKS

PACKED = [
    "a bottle of water",
    "some bread",
    "a rope",
    "a small lamp",
    "a map",
    "a warm blanket",
    "two apples",
    "some cheese",
]


def adventure(s):
    h, P, p = s.hero, s.pick, s.place
    f = s.who(unlike=h)
    goal = s.rng.choice(p.far)
    x, y = s.rng.sample(PACKED, 2)
    first = (
        P(
            f"{h.He} had heard many stories about {goal}, but {h.he} had never been there.",
            f"{h.He} had always wanted to see {goal}.",
            f"{h.His} grandmother often told {h.him} about {goal}.",
        )
        + f" {s.day()}, {h.name} said, "
        + P('"Today I will go there!"', '"I want to see it with my own eyes!"')
        + P(
            f" {h.He} packed {x} and {y} and set out.",
            f" {h.He} put {x} and {y} in a bag.",
            f" {h.He} took {x} and {y} with {h.him}.",
        )
    )
    join = (
        P(
            f"At the beginning of {p.path}, {h.he} met {f.name}, {f.a}.",
            f"{h.His} friend {f.name}, {f.a}, wanted to come, too.",
            f"On the way, {h.he} met {f.a} named {f.name}.",
        )
        + P(
            f' "Where are you going?" asked {f.name}. "To {goal}," said {h.name}. "Come with me!"',
            f' "May I come with you?" asked {f.name}. "Of course," said {h.name}. "It is more fun with two."',
        )
        + P(
            f" They walked along {p.path} and sang a song.",
            " So they went on together.",
            f" They followed {p.path} for a long time.",
        )
    )
    obstacle = s.rng.choice(
        [
            (
                "Then they came to a wide river. There was no bridge.",
                f"{f.name} saw a fallen tree. They pushed it over the river and walked across, step by step.",
            ),
            (
                "Soon a big wall of thorns was in the way.",
                f'"Look, there is a small hole!" said {h.name}. They crawled through it, one after the other.',
            ),
            (
                "Then a thick fog came, and they could not see the way.",
                f'"Hold my hand," said {h.name}. They walked slowly and listened to the sound of water until the fog was gone.',
            ),
            (
                "After a while, they came to a place where the road split in two.",
                f'They looked at the ground. "There are fresh tracks on the left," said {f.name}. So they went left.',
            ),
            (
                f"Then the way became very steep, and {f.name} was too tired to go on.",
                f"{h.name} waited, and they shared {x if x in ('some bread', 'two apples', 'some cheese') else 'some ' + s.rng.choice(SNACKS)}. After a rest, they climbed on together.",
            ),
            (
                'Suddenly, a big gray goose stood in the way. "Nobody may pass without a joke!" it said.',
                f"{h.name} thought hard and told a joke about a cow and a teapot. The goose laughed so much that it let them go.",
            ),
            (
                "Then they came to a deep hole in the ground.",
                f"{h.name} tied a rope to a tree, and they held on to it and went around the hole, slowly and carefully.",
            ),
        ]
    )
    arrive = (
        P(
            f"At last, they reached {goal}.",
            f"And then, there it was: {goal}!",
            f"When the sun was low, they came to {goal}.",
        )
        + P(
            " It was even more beautiful than in the stories.",
            " Everything shone in the golden light.",
            " They stood still and did not say a word.",
            " They had never seen anything so wonderful.",
        )
        + P(
            f" {h.name} found a small round stone and kept it as a memory.",
            " They sat down and ate all the food they had left.",
            "",
        )
    )
    end = P(
        f'In the evening they went home, tired and happy. "Where shall we go tomorrow?" asked {f.name}, and {h.name} laughed.',
        f"When {h.name} came home, {h.he} told everyone about the journey. That night {h.he} dreamed of the next one.",
        f'On the way home, {h.name} said, "The best part was going there with you."',
        f"And {h.name} learned that even a long way begins with one small step.",
    )
    return [first, join, f"{obstacle[0]} {obstacle[1]}", f"{arrive} {end}"]


def storm(s):
    h, P, p = s.hero, s.pick, s.place
    f = s.who(unlike=h)
    g = s.who()
    hide = s.rng.choice(p.hideout)
    doing = P(
        "playing outside",
        "picking flowers",
        "collecting sticks",
        "flying a kite",
        "looking for berries",
        "watching the clouds",
    )
    first = (
        ("" if s.timed else f"{s.day()}, {h.name} was {doing}. ")
        + P(
            "Suddenly, the sky turned dark.",
            "Then a cold wind began to blow.",
            "Big gray clouds came from behind the hills.",
        )
        + P(
            ' "A storm is coming!" {0} said.',
            " The first drops of rain began to fall.",
            " Thunder rolled over the land.",
        ).format(h.he)
    )
    run = (
        P(
            f"{h.name} ran as fast as {h.he} could and hid in {hide}.",
            f"{h.name} looked for a dry place. At last {h.he} found {hide}.",
        )
        + P(
            " Outside, the rain fell like a river.",
            " The wind howled, and the thunder went boom.",
            " Lightning lit up the sky.",
        )
        + P(
            f" {h.name} was cold and a little afraid.",
            f" {h.name} shook with fear, but {h.he} was safe and dry.",
        )
    )
    knock = (
        P(
            f'Then {h.he} heard a voice. "Please, may I come in?" It was {f.name}, {f.a}. {f.He} was wet from head to toe.',
            f'Soon, {f.a} named {f.name} came in, all wet and cold. "Is there room for me?" {f.he} asked.',
        )
        + P(f' "Come in, quickly!" said {h.name}.', f' "Of course," said {h.name}. "Sit next to me."')
        + f" A little later, {g.name}, {g.a}, came, too. "
        + P(
            "It was very tight, but there was room for all of them.",
            f'"There is always room for one more," said {h.name}.',
            "They moved closer together and kept each other warm.",
        )
    )
    wait = P(
        "To forget the storm, they told each other stories.",
        "They sang songs, louder than the thunder.",
        f"{f.name} had some {s.rng.choice(SNACKS)}, and they shared them.",
        f'"Let us count until the next thunder," said {g.name}. They counted and laughed.',
    ) + P(" Soon nobody was afraid anymore.", f' "With friends, a storm is not so bad," said {f.name}.', "")
    after = (
        P(
            "At last, the rain stopped, and the sun came out.",
            "After a long time, it became quiet outside.",
            "Then the clouds went away as fast as they had come.",
        )
        + P(
            " A big rainbow stood in the sky.",
            f" Everything {p.at} was fresh and shiny.",
            " There were puddles everywhere, and they jumped into every one of them.",
        )
        + P(
            f' But the storm had broken {g.name}\'s house. "Do not be sad," said {h.name}. "We will build it again together." And they did.',
            f' "What a day!" said {h.name}. From then on, the three of them were good friends.',
            f" {h.name} went home and told {h.his} mother how {h.he} had made two new friends in a storm.",
            f' "Thank you for letting us in," said {f.name}. {h.name} smiled. "That is what friends are for," {h.he} said.',
        )
    )
    return [first, run, knock, f"{wait} {after}"]


NOISES = [
    ("a scratching sound at the window", "a branch that was moving in the wind", None),
    ("a strange howl outside", "the wind in the chimney", None),
    ("a soft tapping on the roof", "nuts that were falling from the tree", None),
    ("a sad little cry behind the door", "a tiny kitten who had lost its way", "kitten"),
    ("a rustling sound under the bed", "a little hedgehog who was looking for a warm place", "hedgehog"),
    ("a deep snoring from the corner", "an old dog who had come in from the cold", "dog"),
    ("a quiet sobbing in the dark", "a baby owl who had fallen out of its nest", "baby owl"),
]


def brave_night(s):
    h, P = s.hero, s.pick
    family = P("mother", "father", "grandmother", "grandfather", "big sister", "big brother")
    noise, cause, guest = s.rng.choice(NOISES)
    first = P(
        f"{h.He} was brave in the daytime, but {h.he} was afraid of the dark.",
        f"There was only one thing that {h.he} did not like. It was the dark.",
        f"Every night, {h.he} was a little bit afraid when the light went out.",
    ) + P(
        f' "There is nothing to fear," {h.his} {family} always said.',
        f" {h.His} {family} gave {h.him} a small lamp, but it did not help much.",
        "",
    )
    hear = (
        P(
            f"One night, {h.name} woke up.",
            f"One dark night, {h.name} could not sleep.",
            f"One night, when the moon was hidden, {h.name} lay in bed.",
        )
        + f" {h.He} heard {noise}. "
        + P(
            f"{h.His} heart went bum, bum, bum.",
            f"{h.He} pulled the blanket over {h.his} head.",
            f'"Is it a monster?" {h.he} whispered.',
        )
    )
    go = (
        P(
            f'{h.name} wanted to hide. But then {h.he} thought, "What if someone needs help?"',
            f"{h.name} waited, but the sound did not stop.",
            f'"I will be brave," said {h.name}, even though {h.his} knees were shaking.',
        )
        + P(
            f" {h.He} took {h.his} lamp and got out of bed.",
            f" {h.He} took a deep breath and went to look.",
            f" Step by step, {h.he} went closer.",
        )
        + P(f" {h.He} held up the light, and what did {h.he} see?", f" {h.He} counted to three and looked.")
    )
    see = f"It was only {cause}! {h.name} laughed. "
    if guest:
        see += (
            P(
                f'"You are even more afraid than I am," {h.he} said. ',
                f'"You poor little thing," {h.he} said. ',
            )
            + P(
                f"{h.He} gave the {guest} some warm milk and a soft bed.",
                f"{h.He} wrapped the {guest} in {h.his} blanket and held it close.",
            )
            + P(
                " In the morning, they were friends.",
                (
                    f" The next day, {h.he} helped the {guest} find its way home."
                    if guest != "dog"
                    else " From then on, the old dog slept next to the bed every night."
                ),
            )
        )
    else:
        see += P(
            f'"So that is my monster!" {h.he} said.',
            f'"How silly of me," {h.he} said.',
            f"{h.He} opened the window and looked at the stars for a while.",
        )
        see += P(
            f" Then {h.he} went back to bed and slept until morning.", f" {h.He} was not afraid anymore."
        )
    end = P(
        f"{h.His} {family} was very proud when {h.name} told the story.",
        f"From that night on, {h.name} was not so afraid of the dark.",
        f"And {h.name} learned that being brave means trying even when you are afraid.",
        f"Now {h.name} knew that most monsters are only small sounds in a big night.",
    )
    return [first, hear, go, f"{see} {end}"]


WISHES = [
    (
        "to be as big as an elephant",
        "{he} could not fit into {his} own bed, and {his} friends ran away from {him}",
    ),
    ("to be able to fly", "the wind was so strong that {he} could not find the way home"),
    (
        "to have all the sweets in the world",
        "{his} tummy hurt, and the room was so full that {he} could not move",
    ),
    ("to be invisible", "nobody could see {him}, and nobody would play with {him}"),
    ("to make it summer all the time", "the flowers were thirsty, and everyone was hot and tired"),
    ("to never have to sleep", "the nights were long and lonely, and all {his} friends were asleep"),
    ("to be the king of everything", "everyone bowed, but nobody laughed with {him} anymore"),
    ("to be as tall as a tree", "{he} hit {his} head on the clouds, and nobody could hear {him}"),
]


def wish(s):
    h, P = s.hero, s.pick
    f = s.who(unlike=h)
    want, bad = s.rng.choice(
        [
            w
            for w in WISHES
            if not (
                h.kind
                in (
                    "owl",
                    "duck",
                    "sparrow",
                    "crow",
                    "robin",
                    "goose",
                    "dragon",
                    "beetle",
                    "ladybug",
                    "hen",
                )
                and "fly" in w[0]
            )
            and not (h.she and "king" in w[0])
        ]
    )
    bad = bad.format(he=h.he, his=h.his, him=h.him)
    giver, thing = s.rng.choice(
        [
            ("a falling star", "star"),
            ("a golden fish", "fish"),
            ("an old lamp", "lamp"),
            ("a tiny fairy", "fairy"),
            ("a talking tree", "tree"),
        ]
    )
    first = P(
        f"{h.He} had one big wish. {h.He} wanted {want}.",
        f"Every night {h.he} wished for the same thing. {h.He} wanted {want}.",
        f"{h.His} friends were happy, but {h.name} wanted more. {h.He} wanted {want}.",
    )
    meet = (
        P(
            f"{s.day()}, {h.he} found {giver} {s.spots(1)[0]}.",
            (
                f"{s.day()}, {h.he} met {giver}."
                if thing in ("fish", "fairy", "tree")
                else f"{s.day()}, {h.he} saw {giver}."
            ),
        )
        + P(
            f' "I can give you one wish," said the {thing}.',
            f' "Make a wish," the {thing} said, "but think about it well."',
        )
        + P(
            f' {h.name} did not think for long. "I want {want}!" {h.he} said.',
            f' "I know what I want!" shouted {h.name}. "I want {want}!"',
        )
        + P(" There was a flash of light, and the wish came true.", " Puff! It came true at once.")
    )
    fun = (
        P(
            "At first, it was wonderful.",
            f"At first, {h.name} was very happy.",
            f'"This is great!" said {h.name}. {h.He} had fun the whole morning.',
        )
        + f" But soon {bad}. "
        + P(
            f'"This is not what I wanted," said {h.name}.',
            f"{h.name} began to cry.",
            f'"Oh dear," said {h.name}. "I did not think of that."',
        )
    )
    undo = (
        P(
            f"{h.He} told {h.his} friend {f.name}, {f.a}, all about it.",
            f"{f.name}, {f.a}, was the only one who could help.",
        )
        + P(
            f' "Go back and ask nicely," said {f.name}.',
            f' "We liked you just the way you were," said {f.name}.',
        )
        + f" So {h.name} went back to the {thing}. "
        + P(
            f'"Please, I want to be as I was before," {h.he} said.',
            f'"Please make everything as it was before," {h.he} said.',
        )
        + P(
            f" The {thing} smiled, and it was done.",
            (
                f' "Now you are wiser," said the {thing}, and it was done.'
                if thing != "lamp"
                else " The lamp shone brightly, and it was done."
            ),
        )
    )
    end = P(
        f"{h.name} ran home and hugged {f.name}. {h.He} had everything {h.he} needed.",
        f"From then on, {h.name} was happy with what {h.he} had.",
        f"And {h.name} learned to think well before making a wish.",
        f'That evening, {h.name} and {f.name} looked at the stars. "I have no more wishes," said {h.name}.',
    )
    return [first, meet, fun, f"{undo} {end}"]


BABIES = ["duckling", "kitten", "puppy", "bunny", "lamb", "chick", "baby bird", "baby hedgehog"]


def lost_child(s):
    h, P, p = s.hero, s.pick, s.place
    baby = s.rng.choice(BABIES)
    f = s.who(unlike=h)
    a, b, c = s.spots(3)
    first = (
        f"{s.day()}, {h.name} heard a soft crying {a}. "
        + P(f"{h.He} looked and found a tiny {baby}.", f"There sat a {baby}, all alone.")
        + P(f' "What happened?" asked {h.name}.', f' "Why are you crying?" {h.he} asked.')
    )
    tell = (
        P(
            f'"I ran after a butterfly, and now I cannot find my mother," said the {baby}.',
            f'"I am lost," the {baby} said. "I want to go home."',
            f'"I only closed my eyes for a moment, and then everyone was gone," said the {baby}.',
        )
        + P(
            f' "Do not be afraid," said {h.name}. "I will take you home."',
            f' {h.name} dried its tears. "We will find your mother together," {h.he} said.',
        )
        + P(
            f' "What can you remember?" "There was {p.water}, and there were red flowers," said the {baby}.',
            f' "What does your home look like?" "It is soft and round, and it is near {p.water}," said the {baby}.',
        )
    )
    look = (
        P(
            f"They walked along {p.path}.",
            "They set out at once.",
            f"{h.name} carried the {baby}, because it was very tired.",
        )
        + P(
            f" They looked {b}, but nobody was there.",
            f' First they came to a place {b}. "No, this is not it," said the {baby}.',
        )
        + f" Then they met {f.name}, {f.a}. "
        + P(
            f'"I heard someone calling near {p.water}," said {f.name}. "Follow me!"',
            f'"A mother was here a moment ago," said {f.name}. "She was looking for her little one. She went to {p.water}."',
        )
    )
    found = (
        P(
            f"They hurried to {p.water}. There stood the mother, and she was calling and calling.",
            f'When they came to {p.water}, the {baby} jumped up. "Mama!" it cried.',
        )
        + P(
            f" The {baby} ran to her, and she held it close.",
            " Mother and child were so happy that they cried.",
        )
        + P(
            f' "Thank you, {h.name}," said the mother. "You have a good heart."',
            f' "How can I thank you?" asked the mother. "There is no need," said {h.name}.',
        )
    )
    end = P(
        f"{h.name} waved and went home with a smile.",
        f"From that day on, the {baby} came to visit {h.name} every week.",
        f"The {baby} never ran away again, and {h.name} had a new little friend.",
        f"That night, {h.name} gave {h.his} own mother an extra big hug.",
    )
    return [first, tell, look, f"{found} {end}"]


def message(s):
    """A letter without a name starts a friendship with a lonely neighbor."""
    h, P, p = s.hero, s.pick, s.place
    f = s.who(unlike=h)
    a, b = s.spots(2)
    where = P("in a bottle", "under a stone", "in an old tin box", "on a red balloon")
    first = f"{s.day()}, {h.name} found a letter {where} {a}. " + P(
        "It had no name on it.", "The paper was old and yellow.", "Someone had drawn a small heart on it."
    )
    read = (
        f"{h.name} opened it and read, "
        + P(
            '"Dear finder, I am all alone. Will you be my friend?"',
            '"Hello! If you find this, please write back."',
            '"I would like to meet you. Look for the blue door."',
        )
        + P(
            f' {h.name} was very curious. "Who could it be?" {h.he} wondered.',
            f' "I have to find out who wrote this!" said {h.name}.',
        )
    )
    ask = P(
        f'{h.He} wrote an answer and put it in the same place. The next day, there was a new letter: "Come to the big tree at noon!"',
        f"{h.He} asked everyone {p.at}, but nobody knew. Then {h.he} saw small footprints {b} and followed them.",
        f'{h.He} looked for clues. {b[0].upper() + b[1:]}, {h.he} found another letter. "You are almost there," it said.',
    )
    meet = (
        f"In the end, {h.he} found {f.a}. "
        + P(
            f'"Did you write this?" asked {h.name}. {f.The_kind} nodded.',
            f'"You got my letter!" said {f.the_kind} and jumped with joy.',
        )
        + f' "My name is {f.name}," {f.he} said. '
        + P(
            '"I was too shy to talk to anyone, so I wrote a letter."',
            '"I hoped that somebody kind would find it."',
            '"I have been sick for a long time, and I missed having someone to play with."',
        )
    )
    end = (
        P(
            f'{h.name} smiled. "I am glad that I found it," {h.he} said.',
            f'"I love letters!" said {h.name}.',
        )
        + P(
            f" They spent the whole day together and ate {s.rng.choice(FOODS)}.",
            " They sat down and talked until the stars came out.",
        )
        + P(
            " From then on, they wrote a letter to each other every week.",
            " And so a small piece of paper made two good friends.",
            " The next week, they wrote a new letter together and sent it out for someone else to find.",
        )
    )
    return [first, read, ask, f"{meet} {end}"]


def boasting(s):
    """Somebody who talks big learns to be humble."""
    h, P, p = s.hero, s.pick, s.place
    f = s.who(unlike=h)
    brag, test, result = s.rng.choice(
        [
            (
                "the fastest",
                "run to {far} and back",
                "{h} ran so fast that {he} did not watch the way and got lost",
            ),
            (
                "the strongest",
                "carry that big stone",
                "{h} pulled and pulled, but the stone did not move at all",
            ),
            (
                "the cleverest",
                "tell us how many leaves are on that tree",
                "{h} counted and counted until {his} head was spinning",
            ),
            (
                "the bravest",
                "stay in the dark cave for one night",
                "{h} heard a drop of water and ran out at once",
            ),
        ]
    )
    far = s.rng.choice(p.far)
    test = test.format(far=far)
    result = result.format(h=h.name, he=h.he, his=h.his)
    first = f'{h.name} was always boasting. "I am {brag} of all!" {h.he} said every day. ' + P(
        f"{p.everyone.capitalize()} was tired of hearing it.",
        "The others did not like it, but they said nothing.",
    )
    dare = f'{s.day()}, {f.name}, {f.a}, said, "If you are {brag} of all, then {test}." ' + P(
        f'"That is easy!" laughed {h.name}.',
        f'"Just watch me!" said {h.name}.',
        f'"Nothing is easier than that," said {h.name}.',
    )
    fail = (
        f"But {result}. "
        + P(
            f"{h.name} was ashamed.",
            f"{h.name} hung {h.his} head.",
            f"{h.name} wanted to hide from everyone.",
        )
        + P(f' "Now they will all laugh at me," {h.he} thought.', "")
    )
    kind = (
        P(f"But {f.name} did not laugh. ", f"{f.name} came and sat down next to {h.him}. ")
        + P(
            f'"You do not have to be {brag}," {f.he} said. "We like you because you are you."',
            f'"Nobody is good at everything," {f.he} said. "But together we can do a lot."',
        )
        + (
            " Then they all pushed together, and the stone rolled away."
            if "stone" in test
            else (
                f" Then {f.he} showed {h.him} the way home."
                if "run" in test
                else (
                    " Then they counted the leaves on one small branch together, and that was enough."
                    if "leaves" in test
                    else " Then they went into the cave together, and it was not so dark with a lamp."
                )
            )
        )
    )
    end = P(
        f"After that, {h.name} did not boast anymore.",
        f"From then on, {h.name} listened more and talked less.",
        f'{h.name} smiled. "Thank you," {h.he} said. "You are the best friend of all."',
        f"And {h.name} learned that it is better to be kind than to be {brag}.",
    )
    return [first, dare, fail, f"{kind} {end}"]


def grumpy(s):
    """Kindness wins over a grumpy neighbor."""
    h, P = s.hero, s.pick
    g = s.who()
    food = s.rng.choice(FOODS)
    game = P("ball", "tag", "hide and seek")
    first = (
        f"Next door lived {g.name}, an old {g.kind if not g.human else ('woman' if g.she else 'man')} who was always grumpy. "
        + P(
            f'"Go away!" {g.he} shouted whenever somebody came near.',
            f"{g.He} never smiled and never said hello.",
            f'"Be quiet out there!" {g.he} shouted every day.',
        )
    )
    event = f"{s.day()}, {h.name} was playing {game} outside. " + P(
        f'By accident, {h.he} stepped on {g.name}\'s flowers. "Oh no," {h.he} said. "Now {g.he} will be very angry."',
        f"Then {h.he} saw {g.name} at the window. {g.He} looked very sad.",
        f"Then {h.he} heard a cough from {g.name}'s house. It sounded bad.",
    )
    visit = (
        P(
            f"{h.name} wanted to run away. But instead, {h.he} went home and made some {food}.",
            f"{h.name} had an idea. {h.He} got some {food} and picked a few flowers.",
        )
        + f" Then {h.he} knocked on the door. "
        + P('"What do you want?" said a deep voice.', f'"Who is there?" shouted {g.name}.')
        + f' "It is {h.name}. I have brought you some {food}," said {h.name}.'
    )
    melt = (
        P(
            "It was quiet for a long time. Then the door opened, very slowly.",
            f"{g.name} opened the door. {g.He} looked at the food and then at {h.name}.",
        )
        + P(
            f' "Nobody has given me anything for years," {g.he} said.',
            f' "For me?" {g.he} asked, and {g.his} eyes became wet.',
        )
        + P(" They sat down and ate together.", f' "Come in," {g.he} said. "I will make some tea."')
        + P(
            f" {g.name} told wonderful stories about the old days.",
            f" {g.name} told {h.him} that {g.he} was not angry. {g.He} was only lonely.",
        )
    )
    end = P(
        f"After that, {h.name} visited {g.name} every day, and {g.name} was never grumpy again.",
        f"From then on, {g.name} smiled and waved whenever {h.name} came by.",
        f"And {h.name} learned that a grumpy face can hide a lonely heart.",
        f"The next day, {g.name} came out and played {game}, too. Everyone was surprised, and everyone laughed.",
    )
    return [first, event, visit, f"{melt} {end}"]
