"""Where terox deviates from PyTorch on purpose, as far as the table sees it. docs/deviations.md has the whole list.

Each entry names a case or a wrong call, the aspect in which it deviates, and the reason. An entry that does not
deviate (any more), or deviates in another aspect, fails the tests.
"""

from __future__ import annotations

# Name of a case or wrong call: (aspect, reason).
DEVIATIONS: dict[str, tuple[str, str]] = {
}
