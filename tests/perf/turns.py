# SPDX-License-Identifier: Apache-2.0
"""Worker processes that run one at a time.

`Worker(argv)` starts a process that answers each line of JSON on its input with one on its output
(`serve`), and stops it, with all its threads and children, except while it answers: thread pools of
two libraries never compete, and each keeps its own way of waiting.
"""
import json
import os
import selectors
import signal
import subprocess
import sys
import time
import traceback


class WorkerFailed(RuntimeError):
    """What a worker said of its failure, or that it is gone."""


class Worker:
    def __init__(self, argv, environment=(), log=subprocess.DEVNULL):
        # A session of its own, so that its group holds what it starts and nothing else.
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=log, env={**os.environ, **dict(environment)},
                                        start_new_session=True)
        self.pending = b""
        self.signal(signal.SIGSTOP)

    def signal(self, number):
        if self.process.poll() is not None:
            return
        os.killpg(self.process.pid, number)
        if number == signal.SIGSTOP:  # the next worker's turn begins when this one stands still
            os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def ask(self, request, seconds=600):
        """The answer to `request`; WorkerFailed where there is none in `seconds`."""
        if self.process.poll() is not None:
            raise WorkerFailed("the process has ended")
        self.signal(signal.SIGCONT)
        try:
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.flush()
            answer = json.loads(self.line(time.monotonic() + seconds))
        except BrokenPipeError:
            raise WorkerFailed("the process has ended") from None
        finally:
            self.signal(signal.SIGSTOP)
        if "failed" in answer:
            raise WorkerFailed(answer["failed"])
        return answer["result"]

    def line(self, until):
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while b"\n" not in self.pending:
                if not selector.select(max(0, until - time.monotonic())):
                    self.close()
                    raise WorkerFailed("no answer in time")
                more = os.read(self.process.stdout.fileno(), 1 << 16)
                if not more:
                    raise WorkerFailed(f"the process has ended: {self.process.wait()}")
                self.pending += more
        line, _, self.pending = self.pending.partition(b"\n")
        return line

    def close(self):
        self.signal(signal.SIGKILL)
        self.process.wait()


def serve(answer):
    """The worker's side: answers each request with `answer(request)` until its input ends."""
    # What libraries print goes to the log, not between the answers.
    with os.fdopen(os.dup(1), "w", buffering=1) as output:
        os.dup2(2, 1)
        for line in sys.stdin:
            try:
                reply = {"result": answer(json.loads(line))}
            except Exception as error:  # whatever a library raises, the parent reports it
                traceback.print_exc()
                first = (str(error).strip() or "no message").splitlines()[0]
                reply = {"failed": f"{type(error).__name__}: {first[:200]}"}
            output.write(json.dumps(reply) + "\n")


def processor_seconds():
    """Seconds of processor time that the whole machine has spent."""
    with open("/proc/stat", encoding="utf-8") as file:
        user, nice, system, _, _, *rest = map(int, file.readline().split()[1:9])
    return (user + nice + system + sum(rest)) / os.sysconf("SC_CLK_TCK")


def sample(call, seconds):
    """Runs `call` for about `seconds`: milliseconds of each run, processors used by this process
    and by all others meanwhile."""
    begin, own, machine = time.perf_counter(), time.process_time(), processor_seconds()
    times = []
    while True:
        before = time.perf_counter()
        call()
        now = time.perf_counter()
        times.append((now - before) * 1e3)
        if now - begin >= seconds:
            break
    wall, used = now - begin, time.process_time() - own
    return {"ms": times, "used": used / wall,
            "others": max(0.0, processor_seconds() - machine - used) / wall}
