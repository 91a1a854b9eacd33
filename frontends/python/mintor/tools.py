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


_SECTIONS = ("graph", "optimised", "kernels", "decisions", "source")


def explain(y=None, what="graph"):
    """What is recorded and not computed yet, as text: for y alone, or all of it.

    `what`: "graph" as it was recorded; "optimised", after all passes; "kernels", as loops, by
    instruction set; "decisions", of fusion, schedules and memory, with reasons; "source", the C++
    that is compiled; or several of them. "" where y is known. Computes nothing.
    ValueError for another section.
    """
    wanted = [what] if isinstance(what, str) else list(what)
    for section in wanted:
        if section not in _SECTIONS:
            raise ValueError(f"explain: there is no section {section!r}; {', '.join(_SECTIONS)}")
    if y is not None and _mintor.is_computed(y):
        return ""
    texts = [_mintor.explained(y, section) for section in wanted]
    if len(texts) == 1:
        return texts[0]
    return "\n".join(f"{section}:\n{text}" for section, text in zip(wanted, texts))


def set_num_threads(threads):
    """Threads that run what is compiled from now on; 0: every core."""
    _mintor.set_threads(int(threads))
