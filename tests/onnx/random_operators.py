# SPDX-License-Identifier: Apache-2.0
"""The table of operators that random models are made of.

Takes: the groups below. Gives: `ROWS`, (function, weight). A function is given the Builder, picks
operands and adds nodes, or raises Refused, which undoes what it did. Keeps true: adding an operator
is a function and a row in its group.
"""

import random_elementwise
import random_places
import random_sums

ROWS = random_elementwise.ROWS + random_places.ROWS + random_sums.ROWS
