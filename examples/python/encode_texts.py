"""A tokenizer for training and serving: batches with padding and truncation, offsets, and text as its tokens come.

    python examples/python/encode_texts.py [tokenizer.json]        without a file: one is trained on a few lines"""
import sys

from freehold import DecodeStream, Tokenizer, implementations

TEXTS = ["machine learning is powerful", "memory safety is powerful, too", "a tokenizer may outlive the thread that made it"]


class TokenizedTexts:
    """What a DataLoader takes: ids and masks of one length."""

    def __init__(self, tokenizer, texts, length=12):
        tokenizer.enable_truncation(length)
        tokenizer.enable_padding(length=length)
        self.encodings = tokenizer.encode_batch(texts)  # on all processors, without the GIL

    def __len__(self):
        return len(self.encodings)

    def __getitem__(self, i):
        return {"input_ids": self.encodings[i].ids, "attention_mask": self.encodings[i].attention_mask}


if len(sys.argv) > 1:
    tokenizer = Tokenizer.from_file(sys.argv[1])
else:
    tokenizer = implementations.ByteLevelBPETokenizer()
    tokenizer.train_from_iterator(TEXTS, vocab_size=400, min_frequency=1, show_progress=False)

text = TEXTS[1]
encoding = tokenizer.encode(text)
for token, (begin, end) in zip(encoding.tokens, encoding.offsets):
    print(f"{token!r:16} is {text[begin:end]!r}")

stream = DecodeStream(tokenizer)
print("".join(stream.step(id) or "" for id in encoding.ids))

batch = tokenizer.encode_batch_columnar(TEXTS)  # arrays: numpy.asarray(batch.ids) copies nothing
print(batch, "rows begin at", batch.row_splits.tolist())

for row in map(TokenizedTexts(tokenizer, TEXTS).__getitem__, range(len(TEXTS))):
    print(row["input_ids"], row["attention_mask"])
