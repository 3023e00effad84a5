"""Work done in a forked child whose calls to the kernel about files are counted, and one of them meddled with.

By ptrace (https://man7.org/linux/man-pages/man2/ptrace.2.html), so that it is the kernel's own calls that are counted,
whoever makes them: Python's writes too, which no audit event tells of. Linux on x86-64 only, for the registers.
"""

import ctypes
import errno
import os
import platform
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["killed before", "killed after", "refused", "full", "short"]
Ending: TypeAlias = Literal["killed", "returned"]

CAN_TRACE = sys.platform == "linux" and platform.machine() == "x86_64"
NEED_ROOM = frozenset({1, 20, 74, 77, 82, 83, 257, 258, 264, 316})
"""write, writev, fsync, ftruncate, rename, mkdir, openat (where it creates), mkdirat, renameat, renameat2."""
ON_FILES = NEED_ROOM | {
    0,
    2,
    3,
    4,
    5,
    6,
    8,
    17,
    18,
    21,
    72,
    73,
    75,
    84,
    86,
    87,
    88,
    89,
    90,
    137,
    138,
    217,
    262,
    263,
    332,
}
"""Those, and read, open, close, the stats, lseek, flock, unlink, rmdir, getdents, and their like."""
_CLOSE, _WRITE, _OPENAT, _MARK = 3, 1, 257, 110
"""A child asks for its parent's number (getppid) where its work begins and where it ends."""
_TRACEME, _GET_REGISTERS, _SET_REGISTERS, _TO_NEXT_CALL, _SET_OPTIONS = 0, 12, 13, 24, 0x4200
_OPTIONS = 0x1 | 0x8 | 0x100000
"""Calls are told from other stops; threads are traced; what is traced ends with its tracer."""
_ALL_CHILDREN = 0x40000000
_CALL_STOP = signal.SIGTRAP | 0x80


class _Registers(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_ulonglong)
        for name in (
            *("r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax", "rcx", "rdx", "rsi", "rdi"),
            *("orig_rax", "rip", "cs", "eflags", "rsp", "ss", "fs_base", "gs_base", "ds", "es", "fs", "gs"),
        )
    )


_ptrace = ctypes.CDLL(None, use_errno=True).ptrace
_ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
_ptrace.restype = ctypes.c_long


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to the call number `at`, from 1: the child is killed before or after it, or it is `refused` with
    `error`; or the first write from then on writes half (`short`); or the disk is `full` from then on.
    """

    at: int
    kind: Kind
    error: int = errno.EIO


@dataclass(frozen=True, slots=True)
class Outcome:
    """`calls` is how many there were in the work; `answer` what it returned, where it was not killed; `hit` whether the
    fault's turn came.
    """

    ending: Ending
    answer: bytes
    calls: int
    hit: bool


def in_a_child(work: Callable[[], bytes], fault: Fault | None) -> Outcome:
    """Forks: whatever `work` changes in memory is lost, and threads other than this one are not there."""
    reader, writer = os.pipe()
    if not (child := os.fork()):
        _as_child(work, writer)
    os.close(writer)
    try:
        traced = _Traced(child, fault)
        traced.follow()
        answer = b"".join(iter(lambda: os.read(reader, 65536), b""))
    finally:
        os.close(reader)
    return Outcome("killed" if traced.was_killed else "returned", answer, traced.calls, traced.hit)


def _as_child(work: Callable[[], bytes], writer: int) -> None:
    try:
        if _ptrace(_TRACEME, 0, None, None):
            os._exit(3)
        os.kill(os.getpid(), signal.SIGSTOP)
        os.getppid()
        answer = work()
        os.getppid()
        os.write(writer, answer)
    finally:
        os._exit(0)


class _Traced:
    """The child and its threads, from the first stop to the end."""

    def __init__(self, child: int, fault: Fault | None) -> None:
        self._child, self._fault = child, fault
        self._inside: dict[int, int | None] = {}
        """Threads within a call, with what it is to return instead of its own."""
        self._working = False
        self.calls = 0
        self.hit = self.was_killed = False

    def follow(self) -> None:
        _, status = os.waitpid(self._child, 0)
        if not os.WIFSTOPPED(status):
            raise RuntimeError("this system does not let a process be traced")
        _ptrace(_SET_OPTIONS, self._child, None, _OPTIONS)
        self._go_on(self._child)
        while True:
            thread, status = os.waitpid(-1, _ALL_CHILDREN)
            if not os.WIFSTOPPED(status):
                self.was_killed |= os.WIFSIGNALED(status)
                if thread == self._child:
                    return
                continue
            stopped_by = os.WSTOPSIG(status)
            if stopped_by == _CALL_STOP:
                self._at_a_call(thread)
            self._go_on(thread, 0 if stopped_by in {_CALL_STOP, signal.SIGTRAP, signal.SIGSTOP} else stopped_by)

    def _go_on(self, thread: int, with_signal: int = 0) -> None:
        _ptrace(_TO_NEXT_CALL, thread, None, with_signal or None)

    def _at_a_call(self, thread: int) -> None:
        registers = _Registers()
        if _ptrace(_GET_REGISTERS, thread, None, ctypes.byref(registers)):
            return  # killed meanwhile
        if thread in self._inside:
            self._leave(thread, registers)
        else:
            self._inside[thread] = None
            self._enter(thread, registers)

    def _enter(self, thread: int, registers: _Registers) -> None:
        call = registers.orig_rax
        if call == _MARK and thread == self._child:
            self._working = not self._working
        if not self._working or call not in ON_FILES:
            return
        self.calls += 1
        fault = self._fault
        if fault is None or self.calls < fault.at:
            return
        if fault.kind == "full":
            self.hit = True
            self._fill(thread, registers)
        elif not self.hit:
            self.hit = self._meddled(thread, registers, fault)

    def _meddled(self, thread: int, registers: _Registers, fault: Fault) -> bool:
        match fault.kind:
            case "killed before":
                os.kill(self._child, signal.SIGKILL)
            case "killed after":
                self._inside[thread] = 0
            case "refused":
                self._refuse(thread, registers, fault.error)
            case "short":
                return self._shorten(thread, registers)
        return True

    def _shorten(self, thread: int, registers: _Registers) -> bool:
        if registers.orig_rax != _WRITE or registers.rdx < 2:
            return False
        registers.rdx //= 2
        _ptrace(_SET_REGISTERS, thread, None, ctypes.byref(registers))
        return True

    def _fill(self, thread: int, registers: _Registers) -> None:
        creates = registers.orig_rax != _OPENAT or registers.rdx & os.O_CREAT
        if registers.orig_rax in NEED_ROOM and creates:
            self._refuse(thread, registers, errno.ENOSPC)

    def _refuse(self, thread: int, registers: _Registers, error: int) -> None:
        """A close is done all the same: the kernel lets go of the file whatever it says."""
        self._inside[thread] = -error
        if registers.orig_rax != _CLOSE:
            registers.orig_rax = ctypes.c_ulonglong(-1).value
            _ptrace(_SET_REGISTERS, thread, None, ctypes.byref(registers))

    def _leave(self, thread: int, registers: _Registers) -> None:
        instead = self._inside.pop(thread)
        if instead == 0:
            os.kill(self._child, signal.SIGKILL)
        elif instead is not None:
            registers.rax = ctypes.c_ulonglong(instead).value
            _ptrace(_SET_REGISTERS, thread, None, ctypes.byref(registers))
