# SPDX-License-Identifier: Apache-2.0
"""Which kernels ran, how often and how long.

Takes a block of code; gives a table, and a trace that browsers show. Keeps true: programs that are
compiled outside of the block are not slowed down by it.
"""
import collections
import json
import time

from mintor import _mintor
from mintor.nn import module

Row = collections.namedtuple("Row", "kernel count milliseconds share")


class _Scopes:
    """Names what modules record by their paths, while a profile is taken."""

    def __init__(self):
        self._call = module.Module.__call__
        self._paths, self._depth = {}, 0

    def __enter__(self):
        call, scopes = self._call, self

        def named(one, *inputs, **options):
            with scopes.of(one):
                return call(one, *inputs, **options)
        module.Module.__call__ = named

    def __exit__(self, *_):
        module.Module.__call__ = self._call

    def of(self, one):
        if self._depth == 0:
            root = type(one).__name__
            self._paths = {id(part): f"{root}.{path}" if path else root
                           for path, part in one.named_modules()}
        return _Scope(self, self._paths.get(id(one), type(one).__name__))

    def entered(self, change):
        self._depth += change


class _Scope:
    def __init__(self, scopes, path):
        self._scopes, self._path, self._before = scopes, path, ""

    def __enter__(self):
        self._scopes.entered(1)
        self._before = _mintor.set_scope(self._path)

    def __exit__(self, *_):
        self._scopes.entered(-1)
        _mintor.set_scope(self._before)


class profile:  # pylint: disable=invalid-name
    """A context that notes every launch of a kernel.

    Afterwards `print(p)` is a table, largest time first; `p.rows` the same as named tuples (kernel,
    count, milliseconds, share of all kernels); `p.launches` (kernel, begin and end in nanoseconds,
    thread) one by one; `p.seconds` what the block took. Kernels are named by what they were fused
    from: paths of modules, operators, and grad for gradients. Programs of the block are loaded
    anew, so run a step once inside before looking at times.

    >>> import mintor as mt
    >>> with mt.profile() as p:
    ...     value = mt.exp(mt.ones(1000)).sum().item()
    >>> len(p.rows) > 0 and p.rows[0].count > 0
    True
    """

    def __init__(self):
        self.launches, self.seconds = [], 0.0
        self._scopes, self._begin = _Scopes(), 0

    def __enter__(self):
        _mintor.sync()
        self._scopes.__enter__()
        self._begin = time.monotonic_ns()
        _mintor.start_profile()
        return self

    def __exit__(self, *_):
        try:
            _mintor.sync()
        finally:
            self.launches = _mintor.stop_profile()
            self.seconds = (time.monotonic_ns() - self._begin) * 1e-9
            self._scopes.__exit__()

    @property
    def rows(self):
        """A Row for each kernel, the one that took longest first."""
        times, counts = collections.Counter(), collections.Counter()
        for kernel, begin, end, _ in self.launches:
            times[kernel] += end - begin
            counts[kernel] += 1
        total = sum(times.values()) or 1
        return [Row(kernel, counts[kernel], taken * 1e-6, taken / total)
                for kernel, taken in times.most_common()]

    def __str__(self):
        rows = self.rows
        width = max([len(row.kernel) for row in rows] + [len("kernel")])
        lines = [f"{'kernel':{width}}  {'count':>6}  {'ms':>10}  {'share':>6}"]
        lines += [f"{row.kernel:{width}}  {row.count:6}  {row.milliseconds:10.3f}  {row.share:6.1%}"
                  for row in rows]
        inside = sum(row.milliseconds for row in rows)
        lines.append(f"{inside:.3f} ms in {len(self.launches)} launches, of "
                     f"{self.seconds * 1e3:.3f} ms")
        return "\n".join(lines)

    def table(self):
        """The rows as a text, those that took longest first."""
        return str(self)

    def chrome_trace(self, path):
        """Writes the launches in the format of chrome://tracing and ui.perfetto.dev."""
        events = [{"name": kernel, "ph": "X", "pid": 0, "tid": thread,
                   "ts": (begin - self._begin) * 1e-3, "dur": (end - begin) * 1e-3}
                  for kernel, begin, end, thread in self.launches]
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"traceEvents": events, "displayTimeUnit": "ms"}, file)
