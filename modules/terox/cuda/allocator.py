"""A caching allocator: memory of the GPU is taken in large pieces, kept, and handed out in small ones. Provided.

To give memory back to the driver stops a GPU: it waits until all kernels have ended. A training step takes and gives
back some hundred tensors, of the same sizes in each step. So memory that a tensor leaves does not go back to the
driver, but is kept for the next one that fits:

- *Segments* are what comes from the driver: 2 MiB for small requests, 20 MiB or more for large ones.
- *Blocks* are pieces of a segment. A request gets the smallest free block that is large enough (best fit). What is left
  of it becomes a free block of its own (splitting); a block that is given back becomes one with its free neighbors
  (merging), so a segment that is free as a whole is one block again.
- Where the driver has no more, cached segments go back to it, and it is asked once more.

A block may be given back while a kernel that uses it still runs: whoever gets it next, starts kernels after that one.
PyTorch keeps blocks apart by *stream*, a queue of kernels; there is one stream here.

In PyTorch: `c10/cuda/CUDACachingAllocator.cpp`, `DeviceCachingAllocator`.
"""

from __future__ import annotations

import bisect
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

KIB, MIB, GIB = 2**10, 2**20, 2**30

# In PyTorch, from the top of CUDACachingAllocator.cpp: kMinBlockSize, kSmallSize, kSmallBuffer, kLargeBuffer,
# kMinLargeAlloc, kRoundLarge.
MIN_BLOCK = 512  # all sizes are multiples of it
SMALL = MIB  # the largest request that is "small"
SMALL_SEGMENT = 2 * MIB  # small requests are put into segments of this size
LARGE_SEGMENT = 20 * MIB  # and those from 1 to 10 MiB into these
OWN_SEGMENT = 10 * MIB  # from here on, a request gets a segment of its own,
ROUND_LARGE = 2 * MIB  # rounded up to a multiple of this


class OutOfMemoryError(RuntimeError):
    """There is not as much memory as was asked for. In PyTorch: `torch.OutOfMemoryError`."""


def round_size(nbytes: int) -> int:
    """The size of the block for a request. In PyTorch: `round_size`."""
    return max(-(-nbytes // MIN_BLOCK), 1) * MIN_BLOCK


def segment_size(size: int) -> int:
    """How much to ask the driver for, where no cached block has room for `size`. In PyTorch: `get_allocation_size`."""
    if size <= SMALL:
        return SMALL_SEGMENT
    if size < OWN_SEGMENT:
        return LARGE_SEGMENT
    return -(-size // ROUND_LARGE) * ROUND_LARGE


class Segment:
    """A piece of memory from the driver. number: segments are counted, in place of addresses."""

    __slots__ = ("memory", "size", "number", "small")

    def __init__(self, memory: Any, size: int, number: int, small: bool) -> None:
        self.memory, self.size, self.number, self.small = memory, size, number, small


class Block:
    """Bytes `offset` to `offset + size` of a segment. before, after: its neighbors there, or None at the ends."""

    __slots__ = ("segment", "offset", "size", "requested", "free", "before", "after")

    def __init__(self, segment: Segment, offset: int, size: int) -> None:
        self.segment, self.offset, self.size = segment, offset, size
        self.requested = 0  # bytes that were asked for, while it is in use
        self.free = True
        self.before: Block | None = None
        self.after: Block | None = None

    def key(self) -> tuple[int, int, int]:
        """The order in a pool: by size; of equal ones, by place. In PyTorch: `BlockComparatorSize`."""
        return self.size, self.segment.number, self.offset


class Pool:
    """Free blocks, sorted. In PyTorch: `BlockPool`, whose blocks are in a `std::set`."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []

    def add(self, block: Block) -> None:
        bisect.insort(self.blocks, block, key=Block.key)

    def remove(self, block: Block) -> None:
        del self.blocks[bisect.bisect_left(self.blocks, block.key(), key=Block.key)]

    def best_fit(self, size: int) -> Block | None:
        """Take out the smallest block with room for `size`. In PyTorch: `get_free_block`."""
        place = bisect.bisect_left(self.blocks, (size, -1, -1), key=Block.key)
        return self.blocks.pop(place) if place < len(self.blocks) else None


class Stat:
    """What is now, the most there ever was, and all that came and went. In PyTorch: `c10/core/Allocator.h`, `Stat`."""

    __slots__ = ("current", "peak", "allocated", "freed")

    def __init__(self) -> None:
        self.current = self.peak = self.allocated = self.freed = 0

    def change(self, amount: int) -> None:
        self.current += amount
        self.peak = max(self.peak, self.current)
        if amount > 0:
            self.allocated += amount
        else:
            self.freed -= amount


class CachingAllocator:
    """Blocks of memory for tensors.

    malloc: gives a piece of memory of so many bytes, or raises MemoryError; it goes back to the driver when nobody
    holds it any more. info: how many bytes the GPU has free, and in all. release: makes the driver take back at once
    what nobody holds. limit: how many bytes may be reserved at most; None for as many as there are.
    """

    def __init__(self, malloc: Callable[[int], Any], info: Callable[[], tuple[int, int]],
                 release: Callable[[], None] = lambda: None) -> None:
        self._malloc, self._info, self._release = malloc, info, release
        self.limit: int | None = None
        self._pools = {True: Pool(), False: Pool()}  # small, large
        self._segments = 0
        self._lock = threading.Lock()
        self._returned: deque[Block] = deque()
        self._stats = {name: Stat() for name in ("allocation", "segment", "allocated_bytes", "reserved_bytes",
                                                 "requested_bytes")}
        self._retries = self._ooms = 0

    def allocate(self, nbytes: int) -> Block:
        """A block of at least `nbytes` bytes, at least 1. Raises OutOfMemoryError.

        In PyTorch: `DeviceCachingAllocator::malloc`.
        """
        size = round_size(nbytes)
        with self._lock:
            self._take_back()
            block = self._pools[size <= SMALL].best_fit(size) or self._from_driver(size)
            self._split(block, size)
            block.free, block.requested = False, nbytes
            self._count(block, 1)
            return block

    def free(self, block: Block) -> None:
        """Give a block back. It may be called at any time, by the garbage collector in the midst of `allocate`, too."""
        self._returned.append(block)
        if self._lock.acquire(blocking=False):
            try:
                self._take_back()
            finally:
                self._lock.release()

    def empty_cache(self) -> None:
        """Give all segments that nobody uses back to the driver. In PyTorch: `emptyCache`."""
        with self._lock:
            self._take_back()
            self._release_cached()

    def statistics(self) -> dict[str, int]:
        """Everything that is counted, under PyTorch's names. In PyTorch: `torch.cuda.memory_stats`."""
        with self._lock:
            self._take_back()
            found = {f"{name}.all.{what}": getattr(stat, what) for name, stat in self._stats.items()
                     for what in Stat.__slots__}
            split = [block for pool in self._pools.values() for block in pool.blocks if block.before or block.after]
            found["inactive_split.all.current"] = len(split)
            found["inactive_split_bytes.all.current"] = sum(block.size for block in split)
            return {**found, "num_alloc_retries": self._retries, "num_ooms": self._ooms}

    @property
    def reserved(self) -> int:
        """Bytes of all segments."""
        return self._stats["reserved_bytes"].current

    def current(self, name: str) -> int:
        """One statistic, as it is now."""
        with self._lock:
            self._take_back()
            return self._stats[name].current

    def reset_peaks(self) -> None:
        """Let the peaks begin anew, at what is now. In PyTorch: `torch.cuda.reset_peak_memory_stats`."""
        with self._lock:
            self._take_back()
            for stat in self._stats.values():
                stat.peak = stat.current

    # ---- How; the lock is held ----

    def _take_back(self) -> None:
        """Free what was given back. In PyTorch: `free`, `free_block`."""
        while self._returned:
            block = self._returned.popleft()
            self._count(block, -1)
            block.free, block.requested = True, 0
            for neighbor in (block.before, block.after):
                if neighbor is not None and neighbor.free:
                    self._pools[block.segment.small].remove(neighbor)
                    self._merge(block, neighbor)
            self._pools[block.segment.small].add(block)

    def _count(self, block: Block, sign: int) -> None:
        self._stats["allocation"].change(sign)
        self._stats["allocated_bytes"].change(sign * block.size)
        self._stats["requested_bytes"].change(sign * block.requested)

    @staticmethod
    def _merge(block: Block, neighbor: Block) -> None:
        """Make one block of two. In PyTorch: `try_merge_blocks`."""
        if neighbor is block.before:
            block.offset, block.before = neighbor.offset, neighbor.before
            if block.before is not None:
                block.before.after = block
        else:
            block.after = neighbor.after
            if block.after is not None:
                block.after.before = block
        block.size += neighbor.size

    def _split(self, block: Block, size: int) -> None:
        """Leave only `size` of a block, where the rest is worth keeping. In PyTorch: `should_split`, `malloc`."""
        left = block.size - size
        if left < MIN_BLOCK if block.segment.small else left <= SMALL:
            return
        rest = Block(block.segment, block.offset + size, left)
        rest.before, rest.after = block, block.after
        if rest.after is not None:
            rest.after.before = rest
        block.after, block.size = rest, size
        self._pools[block.segment.small].add(rest)

    def _from_driver(self, size: int) -> Block:
        """A new segment, as one block; where there is no more memory, once more without what is cached."""
        wanted = segment_size(size)
        memory = self._ask(wanted)
        if memory is None:
            self._retries += 1
            self._release_cached()
            memory = self._ask(wanted)
        if memory is None:
            self._ooms += 1
            raise OutOfMemoryError(self._message(wanted))
        self._segments += 1
        self._stats["segment"].change(1)
        self._stats["reserved_bytes"].change(wanted)
        return Block(Segment(memory, wanted, self._segments, size <= SMALL), 0, wanted)

    def _ask(self, size: int) -> Any:
        """Memory from the driver, or None. In PyTorch: `alloc_block`."""
        if self.limit is not None and self._stats["reserved_bytes"].current + size > self.limit:
            return None
        try:
            return self._malloc(size)
        except MemoryError:
            return None

    def _release_cached(self) -> None:
        """Free blocks that are a whole segment go. In PyTorch: `release_cached_blocks`."""
        for pool in self._pools.values():
            for block in [each for each in pool.blocks if each.before is None and each.after is None]:
                pool.remove(block)
                self._stats["segment"].change(-1)
                self._stats["reserved_bytes"].change(-block.size)
        self._release()

    def _message(self, size: int) -> str:
        """PyTorch's words, and what to do."""
        used, reserved = self._stats["allocated_bytes"].current, self._stats["reserved_bytes"].current
        free, total = self._info()
        if self.limit is not None:
            free, total = min(free, max(self.limit - reserved, 0)), min(total, self.limit)
        return (f"CUDA out of memory. Tried to allocate {written(size)}. GPU 0 has a total capacity of "
                f"{written(total)} of which {written(free)} is free. Of the allocated memory "
                f"{written(used)} is allocated by Terox, and {written(reserved - used)} is reserved by Terox but "
                "unallocated. Smaller batches need less. So does letting go of tensors: a loss that is kept, keeps all "
                "that its graph has saved (loss.item() is its number), and no_grad() saves nothing. See "
                "terox.cuda.memory_stats().")


def written(nbytes: int) -> str:
    """A size in words, as PyTorch writes it. In PyTorch: `format_size`."""
    for unit, name in ((GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")):
        if nbytes >= unit:
            return f"{nbytes / unit:.2f} {name}"
    return f"{nbytes} bytes"
