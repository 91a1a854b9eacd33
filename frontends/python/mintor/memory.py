# SPDX-License-Identifier: Apache-2.0
"""Memory of arrays: how much is used, and a limit.

Takes bytes; gives bytes. Keeps true: what is freed waits to be used again, and counts as waiting.
"""
from mintor import _mintor


def limit(nbytes):
    """At most this many bytes for arrays, with those that wait to be used again; 0: no limit."""
    _mintor.set_memory_limit(int(nbytes))


def summary():
    """Bytes: used, peak (the most that was used), waiting (kept for reuse), limit."""
    return _mintor.memory_use()


def reset_peak():
    """The peak of summary() starts from what is used now."""
    _mintor.reset_peak_memory()


def empty_cache():
    """Gives blocks that wait back to the system."""
    _mintor.release_memory()
