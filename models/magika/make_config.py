#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write magika_config.h: what classify.c must know of the model beside its weights.

  make_config.py --model DIR --out magika_config.h

Takes: DIR/config.min.json (sizes, labels in the order of the model's output, thresholds,
overwrite map) and DIR/content_types_kb.min.json (which labels are text), both from the wheel.
Gives: a C header with the sizes as constants and one row per label. Nothing of it is kept in this
repository.
"""

import argparse
import json
import os
import re
import sys

SIZES = ("beg_size", "end_size", "block_size", "padding_token", "min_file_size_for_dl")


def check(config):
    """What classify.c relies on, as the package's own feature extraction does."""
    if config["mid_size"] != 0 or config["use_inputs_at_offsets"]:
        sys.exit("error: make_config: classify.c does not extract mid_size features and offsets")
    if config["beg_size"] >= config["block_size"] or config["end_size"] >= config["block_size"]:
        sys.exit("error: make_config: beg_size and end_size must be below block_size")
    if not 0 < config["min_file_size_for_dl"] <= config["beg_size"]:
        sys.exit("error: make_config: min_file_size_for_dl must lie in 1..beg_size")


def literal(label):
    if not re.fullmatch(r"[A-Za-z0-9_.+-]+", label):
        sys.exit(f"error: make_config: label {label!r} is no plain name")
    return f'"{label}"'


def header(config, types):
    rows = []
    for label in config["target_labels_space"]:
        output = config["overwrite_map"].get(label, label)
        threshold = config["thresholds"].get(label, config["medium_confidence_threshold"])
        rows.append(
            f"  {{{literal(output)}, {threshold!r}, {int(types[output]['is_text'])}}},  // {label}"
        )
    constants = "\n".join(f"enum {{ k_{name} = {int(config[name])} }};" for name in SIZES)
    return f"""// Made by make_config.py from the model's config.min.json and
// content_types_kb.min.json. Do not edit.
#ifndef MAGIKA_CONFIG_H
#define MAGIKA_CONFIG_H

{constants}

// One row per output of the model: what to answer, from which score on, and whether the answer is
// a text type.
typedef struct magika_label {{
  const char* output;
  double threshold;
  int is_text;
}} magika_label;

enum {{ k_label_count = {len(rows)} }};
static const magika_label k_labels[k_label_count] = {{
{chr(10).join(rows)}
}};

#endif
"""


def load(folder, name):
    with open(os.path.join(folder, name), encoding="utf-8") as f:
        return json.load(f)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", required=True, help="folder with the two .json files")
    parser.add_argument("--out", required=True)
    a = parser.parse_args()
    config = load(a.model, "config.min.json")
    check(config)
    text = header(config, load(a.model, "content_types_kb.min.json"))
    with open(a.out, "w", encoding="utf-8") as f:
        f.write(text)


if __name__ == "__main__":
    main()
