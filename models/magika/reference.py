# SPDX-License-Identifier: Apache-2.0
"""Run the real magika package over the paths on stdin, one a line.

Gives on stdout, as JSON, [label, score, score when all files are one batch] for each: the model is
sensitive enough on files of a few bytes that its own two scores differ there, by up to 1e-2.
Started by check.py with the Python of a scratch environment that has magika and ONNX Runtime; no
part of the product.
"""

import json
import sys

from magika import Magika


def main():
    classifier = Magika()
    paths = sys.stdin.read().splitlines()
    together = classifier.identify_paths(paths)
    answers = []
    for path, batched in zip(paths, together, strict=True):
        alone = classifier.identify_path(path).prediction
        answers.append([str(alone.output.label), alone.score, batched.prediction.score])
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
