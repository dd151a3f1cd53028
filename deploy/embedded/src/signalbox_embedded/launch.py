"""Becomes another program that can't outlive its parent, and that need not be root.

Run as a script between fork and program, `python launch.py PARENT SIGNAL UID GID REACH -- program …`:
a `preexec_fn` would run Python in a forked copy of a process that has threads. Linux sends SIGNAL when the
thread that started this process ends, however it ends; elsewhere only the supervisor's clean stop ends it.

REACH=1 keeps the right to pass through folders that UID may not enter: PostgreSQL refuses to be root, and the
checkout or the data folder may lie below a folder only root can enter.
"""

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_KEEPCAPS = 8
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAPABILITY_VERSION_3 = 0x20080522
_REACHING_CAPABILITIES = (
    2,
    1,
)  # CAP_DAC_READ_SEARCH, else CAP_DAC_OVERRIDE (containers often keep only that)


def main(arguments: list[str]) -> None:
    """Drop root if asked, tie this process to its parent, and become `arguments` after the `--`."""
    parent, death_signal, uid, gid, reach = map(int, arguments[:5])
    program = arguments[6:]
    if uid >= 0:
        _become(uid, gid, reach=bool(reach))
    if sys.platform == "linux":
        # After the change of user, which clears it.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit(1)  # the parent ended before the tie held
    os.execv(program[0], program)  # noqa: S606


def _become(uid: int, gid: int, *, reach: bool) -> None:
    libc = ctypes.CDLL(None)
    keeping = reach and sys.platform == "linux"
    if keeping:
        libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    if keeping:
        any(_keep(libc, capability) for capability in _REACHING_CAPABILITIES)


def _keep(libc: ctypes.CDLL, capability: int) -> bool:
    """Make one capability survive exec; False where this process doesn't have it."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    mask = 1 << capability
    sets = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)  # effective, permitted, inheritable; low and high
    if libc.capset(header, sets) != 0:
        return False
    return bool(libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability, 0, 0) == 0)


if __name__ == "__main__":
    main(sys.argv[1:])
