"""Who reads and writes what: races, and accesses outside of an array, found without luck.

A race rarely shows in results, and compiled code says nothing about an index out of range. Here a kernel's Python form
runs one iteration after another, with arrays that record (iteration, element, read or write, line). What two iterations
touch, one of them writing, is a race, in whichever order they happened to run.

    recorder.py  the notes: labels, phases, memories, problems; knows nothing of loops
    array.py, indices.py  arrays that record, and check indices
    rebuild.py   copies of functions with `prange`, `np` and `math` replaced
    races.py     what is wrong with the accesses of a whole call
    carried.py   local variables that one iteration leaves to the next
    tracing.py   `trace` and `trace_chunks`
    gpu.py       `trace_kernel`, the same for kernels for the GPU; with gpu_memory.py, gpu_machine.py, gpu_races.py,
                 gpu_score.py. It needs `terox.cuda`, so import it from there.
"""

from course.trace.array import RecordedArray
from course.trace.races import find_races, find_unwritten
from course.trace.rebuild import Rebuilder
from course.trace.recorder import READ, SERIAL, WRITE, Access, Memory, Place, Problem, Recorder, Stop
from course.trace.tracing import Trace, trace, trace_chunks

__all__ = ["READ", "SERIAL", "WRITE", "Access", "Memory", "Place", "Problem", "Rebuilder", "RecordedArray", "Recorder",
           "Stop", "Trace", "find_races", "find_unwritten", "trace", "trace_chunks"]
