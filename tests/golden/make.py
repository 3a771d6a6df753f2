# SPDX-License-Identifier: Apache-2.0
"""Makes the recorded outputs in this folder.  Needs torch, transformers, tokenizers 0.22,
safetensors, pytorch-crf, seqeval.

    python make.py [models] [distances] [families] [eurobert] [truncated] [crf] [metrics]
        [pipelines] [--out DIR]
    python make.py minilm --model DIR --books DIR --tweets FILE --ewt FILE [--out DIR]

Without names: all but minilm."""
import argparse
import os

import torch


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    p = argparse.ArgumentParser()
    p.add_argument("parts", nargs="*")
    p.add_argument("--out", default=here)
    p.add_argument("--model", help="all-MiniLM-L6-v2")
    p.add_argument("--books", help="a folder of public-domain books as .md")
    p.add_argument("--tweets", help="a CoNLL file of tweets")
    p.add_argument("--ewt", help="a CoNLL-U file")
    args = p.parse_args()
    torch.set_num_threads(1)
    for part in args.parts or ["models", "distances", "families", "eurobert", "truncated",
                                "crf", "metrics", "pipelines"]:
        module = __import__("golden_" + part)
        if part == "minilm":
            module.make(args.out, args.model, args.books, args.tweets, args.ewt)
        else:
            module.make(args.out)


if __name__ == "__main__":
    main()
