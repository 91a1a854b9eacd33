# SPDX-License-Identifier: Apache-2.0
"""Run the real magika package over the paths on stdin (one a line), write [[label, score], ...]
as JSON to stdout.

Started by check.py with the Python of a scratch environment that has magika and ONNX Runtime; no
part of the product.
"""

import json
import sys

from magika import Magika


def main():
    classifier = Magika()
    answers = []
    for path in sys.stdin.read().splitlines():
        result = classifier.identify_path(path)
        answers.append([str(result.prediction.output.label), result.prediction.score])
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
