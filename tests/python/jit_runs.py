# SPDX-License-Identifier: Apache-2.0
"""How often the Python code of a jitted function ran.

Takes nothing; gives a count that jit does not look into, as it does into attributes of objects.
"""


class Runs:
    __slots__ = ("count",)

    def __init__(self):
        self.count = 0

    def add(self):
        self.count += 1


runs = Runs()
