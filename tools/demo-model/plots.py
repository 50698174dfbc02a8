"""The list of plots; each takes a scene and returns a story's paragraphs."""

from plots_friends import apology_quarrel, contest, helping, learning, new_friend, surprise
from plots_journeys import (adventure, boasting, brave_night, grumpy, lost_child, message,
                            storm, wish)
from plots_things import building, gift, lost_thing, mistake, seed, sharing

PLOTS = [lost_thing, mistake, gift, sharing, seed, building,
         new_friend, helping, learning, contest, surprise, apology_quarrel,
         adventure, storm, brave_night, wish, lost_child, message, boasting, grumpy]

# Plots that begin with how things always are, before anything happens.
STEADY = {mistake, gift, new_friend, helping, contest, apology_quarrel, brave_night, wish,
          boasting, grumpy, learning, surprise}
