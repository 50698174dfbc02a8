"""A vocabulary learnt from text files, in a file that Hugging Face's tokenizers loads.

    python examples/python/train_vocabulary.py out.json FILE…"""
import sys

from freehold import Tokenizer, models, pre_tokenizers, trainers

if len(sys.argv) < 3:
    sys.exit(__doc__)
tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))
tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
trainer = trainers.BpeTrainer(vocab_size=30000, min_frequency=2,
                              special_tokens=["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"])
tokenizer.train(sys.argv[2:], trainer)  # Ctrl-C stops it, and leaves the tokenizer as it was
tokenizer.save(sys.argv[1])
print(f"{tokenizer.get_vocab_size()} tokens;", *Tokenizer.from_file(sys.argv[1]).encode("machine learning").tokens)
