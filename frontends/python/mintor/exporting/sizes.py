# SPDX-License-Identifier: Apache-2.0
"""Sizes that a package leaves open.

Takes what the user declares of inputs' shapes; gives examples of other sizes, for which a function
is recorded too. Keeps true: the values of a size in the samples are far apart, so that no number
meets an expression by chance.
"""
import numpy

from mintor import arrays


class Sizes:
    """Sizes that are declared: what they are called, and values that they have in samples."""

    def __init__(self, shapes, inputs):
        self.declared = []              # (name, values, least, most)
        self._dims = {}                 # of an input: names of its sizes, None where one is fixed
        for name, shape in (shapes or {}).items():
            if name not in inputs:
                raise ValueError(f"export: shapes names '{name}', inputs are {list(inputs)}")
            example = inputs[name].shape
            if len(shape) != len(example):
                raise ValueError(f"export: shapes has {len(shape)} sizes for '{name}', whose "
                                 f"example has {len(example)}")
            self._dims[name] = [self._size(f"{name}_{place}", size, example[place])
                                for place, size in enumerate(shape)]

    def _size(self, own, size, example):
        """The name of a size, None where it is fixed."""
        least, most, name = 1, -1, size
        if isinstance(size, str) and ".." in size:
            least, most = (int(part) if part else -1 for part in size.split(".."))
            name = own
        elif isinstance(size, (tuple, list)):
            (least, most), name = size, own
        elif not isinstance(size, str):
            if size != example:
                raise ValueError(f"export: shapes has {size} where the example has {example}")
            return None
        known = {one[0]: one[1][0] for one in self.declared}
        if known.setdefault(name, example) != example:
            raise ValueError(f"export: '{name}' is {known[name]} and {example} in the examples")
        if not any(one[0] == name for one in self.declared):
            number = len(self.declared)
            self.declared.append((name, [example, 2 * example + 3 + number,
                                         3 * example + 5 + 4 * number], least, most))
        return name

    def samples_of(self, inputs):
        """Examples of the inputs: as given, and, where sizes are declared, for two others."""
        values = {name: samples for name, samples, _, _ in self.declared}
        return [[self._resized(name, one, values, sample) for name, one in inputs.items()]
                for sample in range(3 if self.declared else 1)]

    def _resized(self, name, one, values, sample):
        dims = self._dims.get(name, [])
        if sample == 0 or not any(dims):
            return one
        return arrays.array(numpy.resize(one.numpy(), [
            values[dim][sample] if dim else size for dim, size in zip(dims, one.shape)]))
