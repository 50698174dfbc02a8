"""Plots about things: lost, broken, given, shared, planted and built."""
# tidy: exempt size: a sentence of a story stays on one line

from cast import SNACKS, TREASURES, with_article


def treasure(s, who):
    noun, origin = s.rng.choice(TREASURES)
    return noun, origin.format(his=who.his)


def lost_thing(s):
    h, P = s.hero, s.pick
    f = s.who(unlike=h)
    t, origin = treasure(s, h)
    a, b, c = s.spots(3)
    first = (
        P(
            f"{h.name} had {with_article(t)}. It was {origin}, and {h.he} took it everywhere.",
            f"{h.His} favorite thing was {with_article(t)}. It was {origin}.",
            f"More than anything, {h.he} loved {h.his} {t}. It was {origin}.",
        )
        + " "
        + (
            P(
                f"But now the {t} was gone!",
                f"But today, {h.he} could not find it anywhere.",
                f"Suddenly, {h.name} saw that the {t} was missing.",
            )
            if s.timed
            else P(
                f"{s.day()}, the {t} was gone.",
                f"{s.day()}, {h.name} could not find it anywhere.",
                f"{s.day()}, {h.name} saw that the {t} was missing.",
            )
        )
    )
    search = (
        P(
            f"{h.name} looked {a}, but it was not there. ",
            f"First, {h.name} looked {a}. It was not there. ",
            f"{h.He} searched {a}. {P('Nothing!', 'No luck!', 'It was not there.')} ",
        )
        + P(
            f"Then {h.he} looked {b}, but all {h.he} found was {P('an old feather', 'a dry leaf', 'a round stone', 'an empty nutshell', 'a rusty spoon')}.",
            f"Then {h.he} searched {b}, but {h.he} did not find it there.",
            f"Next, {h.he} looked {b}. There was nothing but {P('dust', 'dry leaves', 'a sleepy snail', 'some pebbles')}.",
        )
        + P(
            f" {h.name} sat down and began to cry.",
            f" {h.name} felt very sad.",
            f" A big tear rolled down {h.his} cheek.",
            f" {h.name} did not know what to do.",
        )
    )
    meet = (
        P(
            f"{f.name}, {f.a}, came by. ",
            f"Just then, {h.his} friend {f.name} came along. {f.name} was {f.a}. ",
            f"Soon {h.he} met {f.a} named {f.name}. ",
        )
        + P(
            f'"What is wrong?" asked {f.name}.',
            f'"Why are you so sad?" asked {f.name}.',
            f'"Can I help you?" {f.name} asked.',
        )
        + P(
            f' "I lost my {t}," said {h.name}.',
            f' "My {t} is gone," said {h.name}. "I have looked everywhere."',
        )
        + P(
            f' "Do not worry," said {f.name}. "Let us look together."',
            f' "Two can look better than one," said {f.name}.',
            f' "Where did you see it last?" asked {f.name}. {h.name} thought hard. "I played {c} yesterday," {h.he} said.',
        )
    )
    n = s.who(kinds=["mouse", "hedgehog", "sparrow", "kitten", "puppy", "squirrel"])
    found = P(
        f'They went to look {c}. Something was shining in the light. It was the {t}! "Hooray!" cried {h.name}.',
        f"They looked {c}, and there it was! The wind had carried it away in the night.",
        f'They walked back step by step. At last, {f.name} saw something {c}. "Is that it?" {f.he} asked. It was the {t}! {h.name} jumped for joy.',
        f'They found {n.a} {c}. {n.He} was holding the {t}. "I found it this morning," said {n.the_kind}. "Is it yours?" {h.name} nodded, and {n.the_kind} gave it back with a smile.',
        f'They looked high and low until the sun went down. Then {f.name} laughed. "Look {c}!" {f.he} said. There it was, safe and sound.',
    )
    end = P(
        f'{h.name} hugged {f.name}. "Thank you," {h.he} said. "You are a true friend."',
        f'"Thank you for helping me," said {h.name}. From then on, {h.he} always took good care of the {t}.',
        f"{h.name} was so happy that {h.he} danced all the way home.",
        f"From that day on, {h.name} knew that it is easier to find things with a friend.",
        f"{h.name} thanked {f.name} and shared some {s.rng.choice(SNACKS)} with {f.him}. It had been a hard day, but it ended well.",
    )
    return [first, search, meet, f"{found} {end}"]


BREAKABLE = [
    ("blue vase", "glue"),
    ("teapot", "glue"),
    ("little wooden boat", "glue and string"),
    ("kite", "paper and string"),
    ("flower pot", "glue"),
    ("clay bowl", "clay"),
    ("paper lantern", "paper and glue"),
    ("music box", "a small screw"),
    ("wooden chair", "nails and a hammer"),
    ("toy train", "glue"),
    ("snow globe", "glue"),
]


def mistake(s):
    h, P = s.hero, s.pick
    f = s.who(unlike=h)
    thing, fix = s.rng.choice(BREAKABLE)
    doing = P(
        "dancing",
        "running too fast",
        "playing with a ball",
        "jumping up and down",
        "chasing a butterfly",
        "spinning in circles",
    )
    first = f"{h.His} best friend was {f.name}, {f.a}. " + P(
        f"{f.name} had a beautiful {thing} and was very proud of it.",
        f"{f.name} had made a fine {thing} and kept it near the window.",
        f"In {f.name}'s house there was a lovely {thing}.",
    )
    crash = (
        f"{s.day()}, {h.name} was {doing} in {f.name}'s house. "
        + P(
            f"Crash! The {thing} fell down and broke.",
            f"{h.He} bumped into the table, and the {thing} fell and broke.",
            f"Suddenly, there was a loud crash. {h.name} had broken the {thing}!",
        )
        + P(f" {f.name} was outside and had not seen it.", " Nobody had seen it.")
    )
    hide = P(
        f"{h.name} was afraid. {h.He} hid the pieces under {P('the bed', 'a blanket', 'the rug', 'the stairs')} and went home.",
        f'"Oh no!" whispered {h.name}. {h.He} quickly hid the pieces and ran away.',
        f"{h.name} did not know what to say, so {h.he} said nothing and went home.",
    ) + P(
        f" But {h.he} could not sleep that night. {h.His} tummy hurt, and {h.his} heart felt heavy.",
        f" At dinner {h.he} could not eat. {h.He} kept thinking about the {thing}.",
        f' All evening {h.he} felt bad. "I have to tell the truth," {h.he} thought.',
    )
    tell = (
        P("The next morning, ", "Early the next day, ", "As soon as the sun came up, ")
        + P(f"{h.name} went back to {f.name}. ", f"{h.he} knocked on {f.name}'s door. ")
        + P(
            f'"I broke your {thing}," {h.he} said. "I am so sorry."',
            f'"I have something to tell you," {h.he} said. "I broke your {thing}. It was an accident, and I am very sorry."',
        )
        + P(
            f" {f.name} was sad at first. Then {f.he} smiled.",
            f" {f.name} was quiet for a moment.",
            f" {f.name} looked at the pieces and sighed.",
        )
        + P(
            f' "Thank you for telling me," {f.he} said. "Everyone makes mistakes."',
            f' "It was brave of you to tell the truth," {f.he} said.',
            f' "A friend is worth more than a {thing}," {f.he} said.',
        )
    )
    repair = (
        P(
            f"They took {fix} and fixed the {thing} together.",
            f"Together they mended the {thing} with {fix}.",
        )
        + P(
            f" It had a few cracks, but {f.name} liked it even more than before.",
            " It was not perfect, but it was good enough.",
            " Soon it looked almost like new.",
        )
        + P(
            f" {h.name} felt light and happy again.",
            f" {h.name} learned that telling the truth makes the heart light.",
            f" After that, they went outside to play, and {h.name} was very careful.",
            f" From then on, {h.name} always told the truth, even when it was hard.",
        )
    )
    return [first, crash, hide, tell, repair]


GIFTS = [
    ("a necklace of seashells", "shells", "beautiful"),
    ("a crown of flowers", "flowers", "lovely"),
    ("a warm scarf", "soft wool", "warm"),
    ("a picture of the two of them", "paper and paint", "wonderful"),
    ("a small wooden bird", "a piece of wood", "clever"),
    ("a basket", "long grass", "strong"),
    ("a song", "nothing but music", "sweet"),
    ("a lamp", "an old jar", "bright"),
]


def gift(s):
    h, P = s.hero, s.pick
    f = s.who(unlike=h)
    family = P("grandmother", "grandfather", "mother", "father") if s.rng.random() < 0.4 else None
    if family:
        them = f"{h.his} {family}"
        he, him = ("she", "her") if "mother" in family else ("he", "him")
        intro = f"{h.name} loved {h.his} {family} very much."
    else:
        them, him, he = f.name, f.him, f.he
        intro = (
            f"{h.His} best friend was {f.the_kind} {f.name}."
            if not f.human
            else f"{h.His} best friend was a {f.kind} named {f.name}."
        )
    his = "her" if he == "she" else "his"
    cap = them[0].upper() + them[1:]
    g, stuff, praise = s.rng.choice([x for x in GIFTS if not (family and "two of them" in x[0])])
    helper = s.who()
    a = s.spots(1)[0]
    first = (
        intro
        + " "
        + P(
            f"Tomorrow was {them}'s birthday, and {h.name} wanted to give {him} a special gift.",
            f"It was almost {them}'s birthday, but {h.name} had no gift yet.",
            f"{s.day()}, {h.name} wanted to give {them} a present.",
        )
    )
    shop = P(
        f'{h.He} looked in {h.his} pockets, but they were empty. "I have no money," {h.he} said. "What can I do?"',
        f"{h.He} thought and thought. All the fine things in the shop cost too much.",
        f"{h.He} looked at all {h.his} things, but nothing was good enough for {them}.",
        f"First {h.he} tried to bake {P('an apple pie', 'a cherry pie', 'a honey cake', 'a nut cake')}, but it burned. \"Oh dear,\" {h.he} said.",
    )
    idea = (
        f"Then {h.he} met {helper.a} named {helper.name}. "
        + P(
            f'"The best gifts are made with your own hands," said {helper.name}.',
            f'"A gift does not have to cost anything," said {helper.name}. "Make something yourself!"',
            f'"Give something that comes from the heart," said {helper.name}.',
        )
        + P(
            f" That gave {h.name} an idea. {h.He} would make {g}!",
            f' "You are right!" said {h.name}. "I will make {g}."',
        )
    )
    material = "the words" if "song" in g else stuff
    work = P(
        f"{h.He} sat down {a} and worked all day. {h.He} used {stuff}, and {h.he} did not stop until it was done.",
        f"{h.He} found {material} {a} and started at once. It was hard work, but {h.he} did not give up.",
        f"{h.He} went home, got {material}, and worked until the stars came out.",
    )
    end = (
        P("The next day, ", "When the big day came, ", "In the morning, ")
        + P(f"{h.name} gave {them} the gift.", f"{h.he} went to {them} with the gift.")
        + P(
            f' {cap} opened {his} eyes wide. "It is {praise}!" {he} said.',
            f' "Did you make this yourself?" asked {them}. {h.name} nodded. "Then it is the best gift in the world!"',
            (
                f' {cap} smiled from ear to ear. "This is the most {praise} gift I ever got," {he} said.'
                if praise in ("beautiful", "wonderful")
                else f' {cap} smiled from ear to ear. "I will keep it forever," {he} said.'
            ),
        )
        + P(
            f" {h.name} was very proud.",
            " Then they ate cake together until they were full.",
            f" {h.name} felt warm inside. Giving was even better than getting.",
            f" And that is how {h.name} learned that love is the best gift of all.",
        )
    )
    if "song" in g:
        end = (
            f"The next day, {h.name} sang {h.his} song for {them}. {cap} closed {his} eyes and listened. "
            + P(
                f'"That was the best gift I ever got," {he} said.',
                f'"Please sing it again!" {he} said, and {h.name} did.',
            )
            + P(f" {h.name} was very proud.", " Giving was even better than getting.")
        )
    return [first, shop, f"{idea} {work}", end]


def sharing(s):
    h, P = s.hero, s.pick
    f = s.who(unlike=h)
    snack = s.rng.choice(SNACKS)
    a, b = s.spots(2)
    first = P(
        f"{s.day()}, {h.he} found a big basket of {snack} {a}.",
        f"{s.day()}, {h.name} got a whole bag of {snack} from {h.his} grandmother.",
        f"{s.day()}, {h.name} saw something {a}. It was a basket full of {snack}!",
    )
    keep = P(
        f'"They are all mine!" said {h.name}. ',
        f'"I will eat them all by myself," thought {h.name}. ',
        f'"Yum!" said {h.name}. "I will not tell anyone." ',
    ) + P(
        f"{h.He} took them to a secret place {b} and began to eat.",
        f"{h.He} hid {b}, where nobody could see {h.him}.",
        f"{h.He} carried the {snack} home and closed the door.",
    )
    meet = P(
        f"Then {h.he} heard a small voice. It was {f.name}, {f.a}.",
        f"After a while, {f.a} named {f.name} came by.",
        f"Just then, {f.name} came along. {f.name} was {f.a}.",
    ) + P(
        f' "I have not eaten all day," said {f.name}. "May I have one?"',
        f' "Those smell so good," said {f.name}. {f.His} tummy rumbled.',
        f" {f.name} looked tired and hungry, but {f.he} did not ask for anything.",
    )
    if s.rng.random() < 0.5:
        turn = (
            P(
                f'"No!" said {h.name}. "They are mine." {f.name} walked away with {f.his} head down.',
                f"{h.name} shook {h.his} head, and {f.name} went away without a word.",
            )
            + P(
                f" {h.name} ate another one, but it did not taste good anymore. {h.He} felt lonely.",
                f" Now {h.name} had all the {snack}, but {h.he} was not happy at all.",
            )
            + P(
                f' So {h.he} ran after {f.name}. "Wait!" {h.he} called. "I am sorry. Let us share them!"',
                f' "That was not kind," {h.he} thought. {h.He} picked up the basket and ran. "{f.name}, come back! There is enough for two!"',
            )
        )
    else:
        turn = f"{h.name} looked at the {snack}. Then {h.he} looked at {f.name}. " + P(
            f'"It is no fun to eat alone," {h.he} said. "Please sit down with me."',
            f'"Here," {h.he} said. "Half of them are for you."',
            f'{h.His} heart grew soft. "Take as many as you like," {h.he} said.',
        )
    end = (
        P(
            "They sat side by side and ate until they were full.",
            "They sat down in the sun and ate together.",
            "They ate and laughed and told each other stories.",
        )
        + P(
            f" The {snack} tasted better than ever.",
            f' {f.name} smiled. "You are very kind," {f.he} said.',
            f' "Thank you," said {f.name}. "Tomorrow I will bring something for you."',
        )
        + P(
            f" And so {h.name} found out that sharing makes everything sweeter.",
            f" From that day on, {h.name} and {f.name} shared everything.",
            f" {h.name} had fewer {snack} now, but {h.he} had a new friend.",
            f" It was the best meal of {h.his} life.",
        )
    )
    return [first, keep, f"{meet} {turn}", end]


PLANTS = [
    ("sunflower", "as tall as a house"),
    ("pumpkin", "as round as the moon"),
    ("rose", "as red as the evening sun"),
    ("apple tree", "full of white flowers"),
    ("bean plant", "so high that it touched the roof"),
    ("strawberry plant", "full of sweet red berries"),
    ("tulip", "as yellow as butter"),
]


def seed(s):
    h, P = s.hero, s.pick
    f = s.who(unlike=h)
    plant, like = s.rng.choice(PLANTS)
    a = s.spots(1)[0]
    first = P(
        f"{s.day()}, {h.name} found a tiny seed {a}.",
        f"{s.day()}, {h.his} friend {f.name} gave {h.him} a tiny seed.",
        f"{s.day()}, the wind dropped a tiny seed right in front of {h.name}.",
    )
    first += P(f' "What will it be?" {h.he} wondered.', f' "I will plant it," said {h.name}.', "")
    plant_it = P(
        f"{h.He} made a small hole in the ground, put the seed inside, and gave it water.",
        f"{h.He} planted the seed in a sunny place and watered it.",
    ) + P(
        f" Then {h.he} sat down and waited. Nothing happened.",
        f" {h.He} waited all day, but nothing happened.",
        f" The next day {h.he} looked, but there was only brown earth.",
    )
    doubt = (
        P(
            f'"Grow, little seed!" said {h.name}. But the seed did not grow. ',
            f"{h.name} sang to the seed. {h.He} even danced for it. But the seed did not grow. ",
            f'{h.name} began to feel sad. "It will never grow," {h.he} said. ',
        )
        + P(
            f"{f.name}, {f.a}, saw {h.him} and smiled. ",
            f"Then {f.name} came by. {f.name} was {f.a} who knew a lot about plants. ",
        )
        + P(
            '"Good things take time," {0} said. "Give it water and sun, and wait."',
            '"You must be patient," {0} said. "The seed is still sleeping under the ground."',
            '"Do not give up," {0} said. "A seed needs rain, sun, and time."',
        ).format(f.he)
    )
    wait = (
        P(f"So {h.name} watered the seed every morning. ", f"So {h.name} took care of it day after day. ")
        + P("The rain came, and the sun came. ", "One week went by, and then another. ", "")
        + P(
            "At last, a tiny green leaf came out of the ground!",
            "Then, one morning, there was a small green sprout!",
        )
        + P(f' "It is alive!" cried {h.name}.', f" {h.name} could not believe {h.his} eyes.", "")
    )
    end = (
        P(
            f"The sprout grew and grew. Soon it was {with_article(plant)}, {like}.",
            f"By the end of summer, it had become {with_article(plant)}, {like}.",
        )
        + P(
            f" {f.name} came to see it, and everyone was amazed.",
            f" {h.name} showed it to {f.name}, and they were both very proud.",
            " Everyone came to look at it.",
        )
        + P(
            f' "You were right," said {h.name}. "Good things take time."',
            f" {h.name} saved the new seeds and gave one to each of {h.his} friends.",
            f" And {h.name} learned to be patient.",
        )
    )
    return [first, plant_it, doubt, f"{wait} {end}"]


PROJECTS = [
    ("a tree house", "branches and rope", "the floor fell down", "thicker ropes"),
    ("a boat", "wood and cloth", "it sank in the water", "stronger wood"),
    ("a bridge", "logs and stones", "it broke in the middle", "bigger stones"),
    ("a cart with four wheels", "boards and nails", "a wheel came off", "better nails"),
    ("a sand castle", "sand and shells", "one side fell down", "wet sand"),
    ("a swing", "a board and some string", "the string broke", "a thick rope"),
    ("a little house for birds", "boards and nails", "the roof fell off", "more nails"),
    ("a flying machine", "feathers and paper", "it fell on its nose", "longer wings"),
]


def building(s):
    h, P = s.hero, s.pick
    f = s.who(unlike=h)
    g = s.who()
    thing, stuff, fail, better = s.rng.choice(PROJECTS)
    noun = thing.split(" ", 1)[1].split(" with")[0].split(" for")[0]
    first = f'{s.day()}, {h.name} had an idea. "I will build {thing}!" {h.he} said. ' + P(
        f'{h.He} told {h.his} friend {f.name}, {f.a}. "May I help?" asked {f.name}.',
        f"{f.name}, {f.a}, heard this and came to help.",
    )
    try1 = (
        P(f"They collected {stuff} and began to work.", f"They found {stuff} and worked all morning.")
        + P(
            f" {h.name} worked fast, because {h.he} wanted to be done soon.",
            " It was hard work, but it was fun.",
            "",
        )
        + P(
            f" When the {noun} was finished, they tried it. But {fail}!",
            f" They were very proud of it. But then {fail}!",
        )
    )
    low = (
        P(
            f'"It is no use," said {h.name}. "We cannot do it."',
            f'{h.name} kicked a stone. "I give up," {h.he} said.',
            f"{h.name} wanted to cry.",
        )
        + P(
            f' But {f.name} shook {f.his} head. "Let us try again," {f.he} said. "Now we know what went wrong."',
            f' "Every mistake teaches us something," said {f.name}. "Let us try once more."',
        )
        + P(
            f' Then {g.name}, {g.a}, came by. "You need {better}," {g.he} said.',
            f' They asked {g.name}, {g.a}, for advice. "Use {better} this time," said {g.name}.',
        )
    )
    again = (
        P(
            f"So they started again, all three of them, and this time they used {better}.",
            f"The three of them worked together until the evening, and they used {better}.",
        )
        + P(
            " This time, everything held.",
            f" At last, the {noun} was ready, and it was perfect.",
            " When they tried it again, it worked!",
        )
        + P(
            ' "Hooray!" they shouted.',
            f" {h.name} laughed with joy.",
            f" {f.name} clapped and {g.name} cheered.",
        )
    )
    end = P(
        f'"I could not have done it alone," said {h.name}.',
        "They used it every day for the rest of the summer.",
        f"{h.name} learned that it is good to try again, and that friends make hard work easy.",
        "That evening they sat together, tired and happy, and planned what to build next.",
        f"And whenever something went wrong after that, {h.name} smiled and tried again.",
    )
    return [first, try1, low, f"{again} {end}"]
