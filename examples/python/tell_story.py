"""Text from a language model as it comes.

    python examples/python/tell_story.py models/demo.gguf ["Once upon a time"]"""
import sys

import freehold

if len(sys.argv) < 2:
    sys.exit(__doc__)
prompt = sys.argv[2] if len(sys.argv) > 2 else "Once upon a time"
model = freehold.Model(sys.argv[1])
print(f"{model.architecture}, {model.parameters:,} parameters, a context of {model.context} tokens", file=sys.stderr)
answer = model.generate(prompt, max_tokens=60, temperature=0.8, seed=1)  # the same seed tells the same story, anywhere
print(prompt, end="", flush=True)
for piece in answer:  # the GIL is free while the model thinks; Ctrl-C is heard
    print(piece, end="", flush=True)
print(f"\n{len(answer.tokens)} tokens; ended by {answer.finish}")
