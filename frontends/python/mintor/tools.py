# SPDX-License-Identifier: Apache-2.0
"""What happened, and why: what was compiled, why a step was not replayed, what would run.

Takes nothing, or an array that was not read yet; gives texts and numbers. Keeps true: asking
computes nothing.
"""
from mintor import _mintor


def compile_stats():
    """Counts since the start: calls recorded, segments run (flushes), segments compiled."""
    return _mintor.statistics()


def explain_miss():
    """Why the last segment that was compiled was not one of those before: the first call that
    differs from the run before it, with its line, operand types and sizes, old and new.
    """
    return _mintor.explain_miss()


def explain(y=None):
    """The graph of what was recorded and not computed yet, as text; all of it, not only y's."""
    del y
    return _mintor.pending_graph()


def set_num_threads(threads):
    """Threads that run what is compiled from now on; 0: every core."""
    _mintor.set_threads(int(threads))
