"""Who and what the stories are about: characters, places, things, weather."""

from dataclasses import dataclass, field

HE_NAMES = """Pip Tom Max Ben Leo Sam Finn Oscar Milo Theo Jack Toby Bruno Hugo Felix
Otto Rusty Barney Gus Ned Arlo Jasper Kofi Ravi Emil""".split()
SHE_NAMES = """Mia Lily Anna Rosie Poppy Bella Ella Daisy Nora Ruby Luna Clara Hazel Ivy
Molly Tilly Fern Zoe Amara Nina Wren Penny Greta Maya Olive""".split()

# What a kind of animal is good at; children and others have none of these.
TALENTS = {
    "fly": ["owl", "sparrow", "crow", "robin", "parrot", "bird"],
    "climb": ["squirrel", "cat", "raccoon", "monkey"],
    "strong": ["bear", "horse", "goat", "moose", "elephant"],
    "small": ["mouse", "beetle", "ant", "lizard"],
    "swim": ["duck", "otter", "frog", "turtle", "seal"],
    "dig": ["mole", "rabbit", "badger", "dog"],
}
TALENT_OF = {kind: talent for talent, kinds in TALENTS.items() for kind in kinds}

ANIMALS = """fox rabbit bear mouse owl hedgehog squirrel frog duck turtle badger otter
cat dog mole goat sparrow deer pig lamb""".split()
FOREST = """fox rabbit bear mouse owl hedgehog squirrel deer badger mole raccoon frog
sparrow crow robin turtle""".split()
FARM = "cat dog duck horse goat pig lamb mouse rabbit goose hen donkey sparrow".split()
WATER = "duck otter frog turtle beaver mouse rabbit hedgehog fox goose".split()
CHILD = ["child"] * 6

TRAITS = """little little little little small young shy brave curious cheerful kind
clever gentle merry busy quiet""".split() + ["", ""]

# Kinds that may turn up anywhere, now and then.
WANDERERS = """elephant lion monkey panda zebra giraffe penguin koala kangaroo camel tiger wolf
bird wizard knight robot dragon seal swan whale unicorn bee butterfly bat""".split()

NAME_PARTS = (
    "B D F G J K L M N P R S T V W Z Br Cl Fr Gr Pr Tr Bo Ka Lu Mi Na Ro Sa To Zu Al El Ar Is Ed",
    "al an ar el en er il in is ob om on or ul un am im ott ick ell",
    "a o i y ie us en an el in bo ka la lo mi na no ri ta to za zo ny by ly",
)


def with_article(phrase):
    return ("an " if phrase[0] in "aeiou" else "a ") + phrase


@dataclass
class Who:
    """A character, with the words that refer to it."""

    name: str
    kind: str
    trait: str
    she: bool

    def __post_init__(self):
        self.he, self.him, self.his = ("she", "her", "her") if self.she else ("he", "him", "his")
        self.He, self.His = self.he.capitalize(), self.his.capitalize()
        self.himself = self.him + "self"
        self.a = with_article(f"{self.trait} {self.kind}".strip())
        self.the_kind = f"the {self.kind}"
        self.The_kind = f"The {self.kind}"
        self.human = self.kind in ("boy", "girl", "prince", "princess", "wizard", "knight")


@dataclass
class Place:
    """A setting: where it is, what is there, and who lives there."""

    lives: str  # "in a green forest"
    at: str  # "in the forest"
    the: str  # "the forest"
    kinds: list
    spots: list  # places to look or to meet, with their preposition
    water: str  # "the stream"
    path: str  # "the path through the trees"
    far: list  # places worth a journey
    everyone: str  # "everyone in the forest"
    hideout: list = field(default_factory=lambda: ["a cave", "an old barn"])


PLACES = [
    Place(
        "in a green forest",
        "in the forest",
        "the forest",
        FOREST,
        [
            "under the old oak tree",
            "behind the tall ferns",
            "beside the mossy log",
            "in the pile of dry leaves",
            "near the berry bushes",
            "by the hollow tree",
        ],
        "the stream",
        "the path through the trees",
        ["the waterfall", "the top of the hill", "the oldest tree in the forest"],
        "everyone in the forest",
        ["a hollow tree", "a dry cave"],
    ),
    Place(
        "at the edge of a quiet wood",
        "in the wood",
        "the wood",
        FOREST,
        [
            "under the pine trees",
            "behind the big gray rock",
            "beside the wild roses",
            "near the fallen tree",
            "between the roots of the elm",
            "by the wooden bridge",
        ],
        "the brook",
        "the narrow path",
        ["the blue lake", "the round hill", "the valley of flowers"],
        "everyone in the wood",
        ["a dry cave", "a little wooden hut"],
    ),
    Place(
        "in a sunny meadow",
        "in the meadow",
        "the meadow",
        FOREST + WATER,
        [
            "in the tall grass",
            "under the apple tree",
            "beside the flat stone",
            "among the yellow flowers",
            "near the old fence",
            "behind the bramble bush",
        ],
        "the pond",
        "the path across the meadow",
        ["the windmill", "the rainbow bridge", "the hill with the lonely tree"],
        "everyone in the meadow",
        ["an old barn", "a hollow tree"],
    ),
    Place(
        "beside a wide blue lake",
        "by the lake",
        "the lake shore",
        WATER,
        [
            "behind the tall reeds",
            "under the willow tree",
            "beside the old boat",
            "on the sandy bank",
            "near the wooden pier",
            "between the smooth stones",
        ],
        "the lake",
        "the path around the lake",
        ["the little island", "the old lighthouse", "the place where the river begins"],
        "everyone around the lake",
        ["an old boathouse", "a dry cave"],
    ),
    Place(
        "on a small farm",
        "on the farm",
        "the farm",
        FARM + CHILD,
        [
            "behind the red barn",
            "under the hay wagon",
            "beside the stone well",
            "in the vegetable garden",
            "near the hen house",
            "by the wooden gate",
        ],
        "the duck pond",
        "the dusty road",
        ["the old mill", "the apple orchard", "the top of the green hill"],
        "everyone on the farm",
        ["the red barn", "the old stable"],
    ),
    Place(
        "in a small village",
        "in the village",
        "the village",
        CHILD + ["cat", "dog", "mouse"],
        [
            "behind the bakery",
            "under the bench in the square",
            "beside the fountain",
            "in front of the school",
            "near the garden wall",
            "by the old bridge",
        ],
        "the river",
        "the winding road",
        ["the castle on the hill", "the old clock tower", "the great forest"],
        "everyone in the village",
        ["the bakery", "the old mill"],
    ),
    Place(
        "in a little house by the sea",
        "by the sea",
        "the beach",
        CHILD + ["dog", "cat", "turtle"],
        [
            "behind the big rock",
            "under the fishing boat",
            "beside the sand dunes",
            "in the warm sand",
            "near the old pier",
            "between the seashells",
        ],
        "the sea",
        "the sandy path",
        ["the lighthouse", "the hidden cove", "the cave with the singing wind"],
        "everyone by the sea",
        ["the lighthouse", "an old boathouse"],
    ),
    Place(
        "in a busy town",
        "in the town",
        "the town",
        CHILD + ["robot", "robot", "cat", "dog", "mouse"],
        [
            "behind the toy shop",
            "under the park bench",
            "beside the flower stand",
            "in front of the library",
            "near the playground",
            "by the train station",
        ],
        "the pond in the park",
        "the long street",
        ["the tall clock tower", "the glass garden", "the museum of stars"],
        "everyone in the town",
        ["the library", "the train station"],
    ),
    Place(
        "high in the mountains",
        "in the mountains",
        "the mountains",
        ["goat", "fox", "bear", "owl", "rabbit", "deer", "dragon", "dragon", "mouse"] + CHILD[:2],
        [
            "behind the tall rocks",
            "under the crooked pine",
            "beside the small waterfall",
            "in the soft moss",
            "near the stone steps",
            "by the rope bridge",
        ],
        "the mountain lake",
        "the steep path",
        ["the highest peak", "the crystal cave", "the valley of clouds"],
        "everyone in the mountains",
        ["a warm cave", "a small wooden hut"],
    ),
    Place(
        "near an old castle",
        "near the castle",
        "the castle",
        CHILD[:3] + ["princess", "prince", "knight", "dragon", "wizard", "cat", "mouse", "horse"],
        [
            "behind the rose bushes",
            "under the stone arch",
            "beside the drawbridge",
            "in the castle garden",
            "near the kitchen door",
            "by the round tower",
        ],
        "the moat",
        "the stone road",
        ["the highest tower", "the secret garden", "the lake of swans"],
        "everyone in the castle",
        ["the round tower", "the castle kitchen"],
    ),
    Place(
        "in the warm jungle",
        "in the jungle",
        "the jungle",
        ["monkey", "elephant", "lion", "parrot", "tiger", "frog", "lizard", "turtle", "bat"],
        [
            "under the big green leaves",
            "behind the tall bamboo",
            "beside the muddy river bank",
            "among the orange flowers",
            "near the banana trees",
            "by the twisted tree",
        ],
        "the river",
        "the path through the bamboo",
        ["the great waterfall", "the old temple", "the tallest tree of all"],
        "everyone in the jungle",
        ["a hollow tree", "a dry cave"],
    ),
    Place(
        "in the land of snow",
        "in the snow",
        "the land of snow",
        ["penguin", "seal", "fox", "bear", "rabbit", "owl", "walrus", "deer"] + CHILD[:2],
        [
            "behind the big snowdrift",
            "under the frozen branches",
            "beside the shiny icicles",
            "in the deep snow",
            "near the snow house",
            "by the round hole in the ice",
        ],
        "the icy sea",
        "the snowy path",
        ["the crystal mountain", "the place of dancing lights", "the end of the ice"],
        "everyone in the snow",
        ["an ice cave", "a house made of snow"],
    ),
    Place(
        "in a big garden",
        "in the garden",
        "the garden",
        [
            "mouse",
            "snail",
            "beetle",
            "ant",
            "frog",
            "hedgehog",
            "rabbit",
            "ladybug",
            "sparrow",
            "cat",
            "lizard",
        ],
        [
            "under the cabbage leaves",
            "behind the flower pots",
            "beside the watering can",
            "among the tall sunflowers",
            "near the garden shed",
            "by the little pond",
        ],
        "the little pond",
        "the path between the flower beds",
        ["the other side of the wall", "the top of the compost hill", "the old greenhouse"],
        "everyone in the garden",
        ["the garden shed", "an empty flower pot"],
    ),
]

# A thing someone loves: (noun with adjective, where it came from).
TREASURES = [
    ("red scarf", "a present from {his} grandmother"),
    ("blue kite", "a present from {his} father"),
    ("silver bell", "a present from {his} uncle"),
    ("wooden flute", "a present from {his} grandfather"),
    ("yellow hat", "a present from {his} aunt"),
    ("green marble", "the prettiest one in {his} collection"),
    ("toy boat", "made from a piece of wood"),
    ("soft blanket", "as warm as a summer day"),
    ("shiny key", "the key to {his} secret box"),
    ("little drum", "the loudest one for miles around"),
    ("golden button", "as bright as a little sun"),
    ("picture book", "full of stories about the sea"),
    ("round lantern", "made of paper and thin wood"),
    ("striped ball", "the best ball for jumping games"),
    ("small compass", "a present from an old sailor"),
]

FOODS = [
    "apple pie",
    "blueberry cake",
    "honey bread",
    "carrot soup",
    "strawberry jam",
    "oat cookies",
    "pumpkin soup",
    "cherry tart",
    "warm bread",
    "nut cake",
]

SNACKS = ["berries", "apples", "nuts", "cherries", "pears", "plums", "cookies", "pancakes"]

WEATHER = ["sunny", "warm", "bright", "windy", "cool", "quiet", "golden", "cloudy", "misty", "lovely"]
