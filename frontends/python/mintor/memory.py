# SPDX-License-Identifier: Apache-2.0
"""Memory of arrays: how much is used, and a limit."""
from mintor import _mintor


def limit(nbytes):
    """No more than this many bytes for arrays, those that wait to be used again included; 0: none."""
    _mintor.set_memory_limit(int(nbytes))


def summary():
    """Bytes: used, peak (the most that was used), waiting (kept for reuse), limit."""
    return _mintor.memory_use()


def reset_peak():
    _mintor.reset_peak_memory()


def empty_cache():
    """Gives blocks that wait back to the system."""
    _mintor.release_memory()
