"""`make bench`: every module's measurements, printed, and written to build/bench/bench.json."""

from __future__ import annotations

import json
import os
import platform

# Two threads for everybody. Before NumPy and Numba are imported, which ask only once.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
              "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_name, "2")

from course.bench import cuda, nets, parallel, scalars, tensors  # noqa: E402
from course.manifest import ROOT  # noqa: E402


def main() -> int:
    """Run all. Returns 0."""
    print(f"Python {platform.python_version()} on {platform.system()} {platform.machine()}\n")
    out = ROOT / "build" / "bench"
    figures = {**scalars.main(), **tensors.main(), **parallel.main(out), **cuda.main(), **nets.main()}
    out.mkdir(parents=True, exist_ok=True)
    (out / "bench.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print("\nFigures: build/bench/bench.json")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
