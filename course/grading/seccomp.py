"""Linux's seccomp through ctypes: from here on this process cannot start others, signal them, or reach a network.

The calls that are refused give EPERM. Threads may be started, since compiled loops run on them.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys

_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_EPERM, _ENOSYS = 1, 38
_CLONE_THREAD = 0x00010000
# Offsets in what a filter sees: number, architecture, low halves of the first and the second argument.
_NR, _ARCH, _FIRST, _SECOND = 0, 4, 16, 24
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_X32 = 0x40000000  # numbers of another way to call, which goes past the filter

# name: number on (x86_64, aarch64); None where the architecture lacks it
_REFUSED: dict[str, tuple[int | None, int | None]] = {
    # processes
    "fork": (57, None), "vfork": (58, None), "execve": (59, 221), "execveat": (322, 281),
    # others' memory, signals, priorities, limits
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240), "pidfd_send_signal": (424, 424),
    "pidfd_open": (434, 434), "pidfd_getfd": (438, 438), "kcmp": (312, 272), "process_madvise": (440, 440),
    "setpriority": (141, 140), "sched_setscheduler": (144, 119), "sched_setparam": (142, 118),
    "sched_setattr": (314, 274), "ioprio_set": (251, 30), "migrate_pages": (256, 238), "move_pages": (279, 239),
    # networks, and all that other processes could hear
    "socket": (41, 198), "socketpair": (53, 199), "connect": (42, 203), "bind": (49, 200), "listen": (50, 201),
    # what stays behind when the process has ended, or is counted nowhere; and others' such things
    "shmget": (29, 194), "shmat": (30, 196), "shmctl": (31, 195), "semget": (64, 190), "semop": (65, 193),
    "semctl": (66, 191), "semtimedop": (220, 192), "msgget": (68, 186), "msgsnd": (69, 189), "msgrcv": (70, 188),
    "msgctl": (71, 187), "mq_open": (240, 180), "mq_unlink": (241, 181), "memfd_create": (319, 279),
    "memfd_secret": (447, 447), "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    # what Landlock leaves open: rights, owners and attributes of files
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452), "chown": (92, None),
    "lchown": (94, None), "fchown": (93, 55), "fchownat": (260, 54), "setxattr": (188, 5), "lsetxattr": (189, 6),
    "fsetxattr": (190, 7), "removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16),
    "setxattrat": (463, 463), "removexattrat": (466, 466), "file_setattr": (469, 469),
    # the system itself
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51), "unshare": (272, 97),
    "setns": (308, 268), "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430), "bpf": (321, 280),
    "perf_event_open": (298, 241), "userfaultfd": (323, 282), "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "open_by_handle_at": (304, 265),
    "name_to_handle_at": (303, 264), "init_module": (175, 105), "finit_module": (313, 273), "kexec_load": (246, 104),
    "reboot": (169, 142), "swapon": (167, 224), "acct": (163, 89), "quotactl": (179, 60), "personality": (135, 92),
    "sethostname": (170, 161), "settimeofday": (164, 170), "clock_settime": (227, 112), "adjtimex": (159, 171),
}
_OWN_ONLY = {"kill": (62, 129), "tgkill": (234, 131)}  # first argument: this process
# Second argument: only these. Others have the system signal somebody, or make others wait for a file.
_ALLOWED = {
    # F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL; locks; F_DUPFD_CLOEXEC, sizes of pipes, F_GET_SEALS
    "fcntl": ((72, 25), (0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030, 1031, 1032, 1034)),
}
# Second argument: none of these, with which the system would signal somebody when a pipe has something to read.
_BARRED = {
    "ioctl": ((16, 29), (0x5452, 0x8901, 0x8902)),  # FIOASYNC, FIOSETOWN, SIOCSPGRP
}
_OWN_OR_ZERO = {"prlimit64": (302, 261), "sched_setaffinity": (203, 122)}
_IGNORED = {"utime": (132, None), "utimes": (235, None), "futimesat": (261, None), "utimensat": (280, 88)}
_CLONE, _CLONE3 = (56, 220), (435, 435)
_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}


def offered() -> bool:
    """Whether this system is one that the filter is written for."""
    return (sys.platform.startswith("linux") and platform.machine() in _ARCHITECTURES
            and sys.byteorder == "little" and ctypes.sizeof(ctypes.c_void_p) == 8)


def program(pid: int, machine: str) -> bytes:
    """The filter for the process `pid`, as the kernel wants it."""
    column, architecture = _ARCHITECTURES[machine]
    lines: list[tuple[int, int, int, int]] = []  # code, steps if true, steps if false, constant

    def add(code: int, constant: int, true: int = 0, false: int = 0) -> None:
        lines.append((code, true, false, constant))

    add(_LOAD, _ARCH)
    add(_EQUAL, architecture, 1, 0)
    add(_RETURN, _KILL)
    add(_LOAD, _NR)
    if machine == "x86_64":
        add(_AT_LEAST, _X32, 0, 1)
        add(_RETURN, _ERRNO | _EPERM)
    for names, answer in ((_REFUSED, _EPERM), ({"clone3": _CLONE3}, _ENOSYS), (_IGNORED, 0)):
        for pair in names.values():
            number = pair[column]
            if number is not None:
                add(_EQUAL, number, 0, 1)
                add(_RETURN, _ERRNO | answer)
    for names, extra in ((_OWN_ONLY, []), (_OWN_OR_ZERO, [0])):
        for numbers in names.values():
            allowed = [pid, *extra]
            add(_EQUAL, numbers[column], 0, 3 + len(allowed))
            add(_LOAD, _FIRST)
            for place, one in enumerate(allowed):
                add(_EQUAL, one, len(allowed) - place, 0)
            add(_RETURN, _ERRNO | _EPERM)
            add(_RETURN, _ALLOW)
    for table, others, these in ((_ALLOWED, _ERRNO | _EPERM, _ALLOW), (_BARRED, _ALLOW, _ERRNO | _EPERM)):
        for numbers, commands in table.values():
            add(_EQUAL, numbers[column], 0, 3 + len(commands))
            add(_LOAD, _SECOND)
            for place, one in enumerate(commands):
                add(_EQUAL, one, len(commands) - place, 0)
            add(_RETURN, others)
            add(_RETURN, these)
    add(_EQUAL, _CLONE[column], 0, 3)
    add(_LOAD, _FIRST)
    add(_ANY_BIT, _CLONE_THREAD, 1, 0)
    add(_RETURN, _ERRNO | _EPERM)
    add(_RETURN, _ALLOW)
    return b"".join(struct.pack("HBBI", code, true, false, constant) for code, true, false, constant in lines)


def restrict() -> None:
    """Install the filter. Raises OSError where the system refuses. `no_new_privs` has to be set."""
    code = program(os.getpid(), platform.machine())
    lines = ctypes.create_string_buffer(code, len(code))
    head = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(lines))
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(22, ctypes.c_ulong(2), ctypes.c_char_p(head), ctypes.c_ulong(0), ctypes.c_ulong(0)) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
