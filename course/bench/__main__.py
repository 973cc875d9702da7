"""`make bench`: every module's measurements, printed, and written to build/bench/bench.json."""

from __future__ import annotations

import json
import platform

from course.bench import scalars, tensors
from course.manifest import ROOT


def main() -> int:
    """Run all. Returns 0."""
    print(f"Python {platform.python_version()} on {platform.system()} {platform.machine()}\n")
    figures = {**scalars.main(), **tensors.main()}
    out = ROOT / "build" / "bench"
    out.mkdir(parents=True, exist_ok=True)
    (out / "bench.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print("\nFigures: build/bench/bench.json")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
