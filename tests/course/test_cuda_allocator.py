"""The caching allocator, beside a model that knows nothing of its lists: every byte of a segment, and who has it."""

from __future__ import annotations

import gc
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from terox.cuda import allocator as module
from terox.cuda.allocator import KIB, MIB, CachingAllocator, OutOfMemoryError

UNIT = 512


class Model:
    """What the allocator is to do, in the plainest way: a segment is a row of pieces (offset, size, whose)."""

    def __init__(self, limit=None):
        self.segments, self.limit, self.count = {}, limit, 0
        self.peak = self.retries = self.ooms = 0

    def reserved(self):
        return sum(size for size, _, _ in self.segments.values())

    def used(self):
        return sum(size for _, _, pieces in self.segments.values() for _, size, who in pieces if who is not None)

    def allocate(self, nbytes, who):
        """(segment, offset, size), or None where there is no memory."""
        size = max((nbytes + UNIT - 1) // UNIT, 1) * UNIT
        small = size <= MIB
        free = [(piece[1], number, piece[0]) for number, (_, kind, pieces) in self.segments.items() if kind == small
                for piece in pieces if piece[2] is None and piece[1] >= size]
        if not free:
            whole = 2 * MIB if small else 20 * MIB if size < 10 * MIB else (size + 2 * MIB - 1) // (2 * MIB) * 2 * MIB
            if self.limit is not None and self.reserved() + whole > self.limit:
                self.retries += 1
                self.empty_cache()
                if self.reserved() + whole > self.limit:
                    self.ooms += 1
                    return None
            self.count += 1
            self.segments[self.count] = (whole, small, [(0, whole, None)])
            free = [(whole, self.count, 0)]
        room, number, offset = min(free)
        pieces = self.segments[number][2]
        pieces.remove((offset, room, None))
        left = room - size
        if left >= UNIT if small else left > MIB:
            pieces.append((offset + size, left, None))
        else:
            size = room
        pieces.append((offset, size, who))
        self.peak = max(self.peak, self.used())
        return number, offset, size

    def free(self, who):
        for number, (whole, small, pieces) in self.segments.items():
            joined = []
            for offset, size, owner in sorted(pieces):
                owner = None if owner == who else owner
                if joined and owner is None and joined[-1][2] is None:
                    joined[-1] = (joined[-1][0], joined[-1][1] + size, None)
                else:
                    joined.append((offset, size, owner))
            self.segments[number] = (whole, small, joined)

    def empty_cache(self):
        self.segments = {number: segment for number, segment in self.segments.items()
                         if any(who is not None for _, _, who in segment[2])}


sizes = st.one_of(st.integers(1, 3 * UNIT), st.integers(1, MIB + 1), st.integers(MIB - 2, 3 * MIB),
                  st.integers(9 * MIB, 21 * MIB), st.sampled_from([MIB, 10 * MIB, 10 * MIB - UNIT, 19 * MIB]))
actions = st.one_of(st.tuples(st.just("allocate"), sizes), st.tuples(st.just("free"), st.integers(0, 40)),
                    st.tuples(st.just("empty"), st.none()))


@given(st.lists(actions, max_size=60), st.sampled_from([None, 30 * MIB, 64 * MIB]))
@settings(max_examples=150, deadline=None, derandomize=True, database=None)
def test_every_block_is_where_the_model_puts_it(todo, limit):
    allocator, model, blocks = CachingAllocator(bytearray_like, lambda: (0, 0)), Model(limit), {}
    allocator.limit = limit
    requested = {}
    for number, (what, value) in enumerate(todo):
        if what == "allocate":
            try:
                block = allocator.allocate(value)
                got = block.segment.number, block.offset, block.size
            except OutOfMemoryError:
                got = None
            expected = model.allocate(value, number)
            assert got == expected, f"action {number}, {what} {value}"
            if got is not None:
                blocks[number], requested[number] = block, value
                assert block.size >= value and block.offset % UNIT == 0
        elif what == "free" and blocks:
            who = list(blocks)[value % len(blocks)]
            allocator.free(blocks.pop(who))
            del requested[who]
            model.free(who)
        elif what == "empty":
            allocator.empty_cache()
            model.empty_cache()
        stats = allocator.statistics()
        got = {name: stats[f"{name}.all.current"] for name in ("allocation", "segment", "allocated_bytes",
                                                               "reserved_bytes", "requested_bytes")}
        assert got == {"allocation": len(blocks), "segment": len(model.segments), "allocated_bytes": model.used(),
                       "reserved_bytes": model.reserved(), "requested_bytes": sum(requested.values())}
        assert stats["allocated_bytes.all.peak"] == model.peak
        assert (stats["num_alloc_retries"], stats["num_ooms"]) == (model.retries, model.ooms)
        split = [size for whole, _, pieces in model.segments.values() for _, size, who in pieces
                 if who is None and size != whole]
        assert (stats["inactive_split.all.current"], stats["inactive_split_bytes.all.current"]) == (len(split),
                                                                                                    sum(split))
    for block in blocks.values():
        allocator.free(block)
    allocator.empty_cache()
    assert allocator.reserved == 0 and allocator.statistics()["segment.all.current"] == 0


def bytearray_like(size):
    """Memory that nobody looks at."""
    return object()


def test_a_size_that_was_freed_is_handed_out_again():
    asked = []
    allocator = CachingAllocator(lambda size: asked.append(size) or object(), lambda: (0, 0))
    for _ in range(100):
        blocks = [allocator.allocate(size) for size in (10, 4000, 3 * MIB)]
        for block in blocks:
            allocator.free(block)
    assert asked == [2 * MIB, 20 * MIB]


def test_where_the_driver_has_no_more_cached_segments_go_back_first():
    given_out, released = [], []

    def malloc(size):
        if sum(given_out) + size > 50 * MIB:
            raise MemoryError
        given_out.append(size)
        return object()

    def release():
        if 30 * MIB in given_out:
            given_out.remove(30 * MIB)
            released.append(True)

    allocator = CachingAllocator(malloc, lambda: (50 * MIB - sum(given_out), 50 * MIB), release)
    allocator.free(allocator.allocate(30 * MIB))
    allocator.allocate(40 * MIB)  # does not fit beside the cached 30
    assert released and allocator.reserved == 40 * MIB
    assert allocator.statistics()["num_alloc_retries"] == 1
    with pytest.raises(OutOfMemoryError) as caught:
        allocator.allocate(20 * MIB)
    text = str(caught.value)
    for words in ("CUDA out of memory. Tried to allocate 20.00 MiB.", "total capacity of 50.00 MiB",
                  "40.00 MiB is allocated by Terox", "loss.item()", "no_grad()"):
        assert words in text
    assert allocator.allocate(100).size == 512  # and goes on


def test_reset_peaks():
    allocator = CachingAllocator(bytearray_like, lambda: (0, 0))
    first = allocator.allocate(4 * KIB)
    allocator.free(first)
    assert allocator.statistics()["allocated_bytes.all.peak"] == 4 * KIB
    allocator.reset_peaks()
    assert allocator.statistics()["allocated_bytes.all.peak"] == 0


def test_a_block_may_be_freed_by_the_garbage_collector_while_another_is_allocated():
    """`free` inside of `allocate` neither waits forever nor disturbs it; the block is back by the next call."""
    blocks = []

    def malloc(size):
        while blocks:
            allocator.free(blocks.pop())
        return object()

    allocator = CachingAllocator(malloc, lambda: (0, 0))
    blocks.append(allocator.allocate(100))
    allocator.allocate(3 * MIB)
    assert allocator.current("allocation") == 1


def test_threads_may_allocate_and_free_at_the_same_time():
    allocator = CachingAllocator(bytearray_like, lambda: (0, 0))

    def work(seed):
        kept = []
        for number in range(200):
            kept.append(allocator.allocate(1 + (seed * 7919 + number * 104729) % (3 * MIB)))
            if number % 3:
                allocator.free(kept.pop(number % len(kept)))
        for block in kept:
            allocator.free(block)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    gc.collect()
    allocator.empty_cache()
    assert allocator.current("allocated_bytes") == 0 and allocator.reserved == 0


@pytest.mark.parametrize("nbytes, text", [(0, "0 bytes"), (512, "512 bytes"), (2048, "2.00 KiB"),
                                          (20 * MIB, "20.00 MiB"), (3 * 2**30 // 2, "1.50 GiB")])
def test_sizes_in_words(nbytes, text):
    assert module.written(nbytes) == text
