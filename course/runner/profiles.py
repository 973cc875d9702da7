"""Hypothesis profiles: how many examples, and how they are chosen."""

from __future__ import annotations

PROFILES = {"student": 50, "watch": 20, "ci": 100, "thorough": 1000}
# Profiles whose verdict must not change when nothing else did: the examples follow from the test alone.
SAME_EVERY_TIME = ("student", "watch", "ci")


def load_profile(name: str, seed: int | None, limit: float) -> int:
    """Register and load a profile; a seed makes it random again, from that seed. Returns the number of examples."""
    from hypothesis import HealthCheck, Phase, settings
    from hypothesis.internal.conjecture import engine

    examples = PROFILES[name]
    settings.register_profile(
        name, max_examples=examples, deadline=None, database=None, print_blob=False, report_multiple_bugs=False,
        derandomize=seed is None and name in SAME_EVERY_TIME,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        # The phase left out is `explain`: it runs the test many more times, for comments that no report shows.
        phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.target, Phase.shrink])
    settings.load_profile(name)
    if hasattr(engine, "MAX_SHRINKING_SECONDS"):  # five minutes, where a learner waits
        engine.MAX_SHRINKING_SECONDS = min(engine.MAX_SHRINKING_SECONDS, max(2, int(limit / 2)))
    return examples
