"""`make demo`: the main job, on the reference. Trains networks of the course on real input and draws what came of it.

In the learner's edition it runs on the learner's own code, as far as that is built.

A module that brings something new to train adds a stage: a function from the folder for pictures to a Reached, and a
line in STAGES.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from course.datasets import DatasetError
from course.manifest import ROOT, load
from course.progress import states
from course.term import wrapped

OUT = Path("build/demo")
DIGITS_GOAL = 0.97  # of the held-out zeros and ones
TEN_DIGITS_GOAL = 0.90  # of the held-out digits
FULL_SIZE_GOAL = 0.92  # the same, at 28 x 28 pixels
FULL_MNIST_GOAL = 0.975  # of MNIST's 10,000 test images
LENET_GOAL = 0.95  # of the held-out digits
LENET_FULL_GOAL = 0.988  # of MNIST's 10,000 test images


@dataclass
class Reached:
    """What a stage reached: an accuracy from 0 to 1 on held-out data (None where there is none), and its pictures."""

    sentence: str
    accuracy: float | None = None
    goal: float = 0.0
    pictures: list[Path] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        # Not "not less": an accuracy that is no number is no success.
        return self.accuracy is None or self.accuracy >= self.goal


@dataclass(frozen=True)
class Stage:
    """One part of the demo. `run` gets the folder for its pictures; `module` is the last one that it needs."""

    title: str
    run: Callable[[Path], Reached]
    module: int = 1


def graph(out: Path) -> Reached:
    """Module 1: one neuron, differentiated, and its graph."""
    import terox
    from course.pictures import draw_graph

    x, w, b = terox.Scalar(2.0), terox.Scalar(-0.5, requires_grad=True), terox.Scalar(0.25, requires_grad=True)
    product = w * x
    total = product + b
    y = total.sigmoid()
    loss = (y - 1.0) ** 2
    for value in (product, total, y):
        value.retain_grad()
    loss.backward()
    picture = draw_graph(loss, {"w": w, "b": b, "w x": product, "w x + b": total, "y": y, "loss": loss},
                         title="One neuron and its loss, with gradients")
    return Reached("One neuron was differentiated and its graph drawn.", pictures=[picture.save(out / "graph.svg")])


def moons(out: Path, *, epochs: int = 20, count: int = 200) -> Reached:
    """Module 1: a network of Scalars learns to tell two half moons apart."""
    from examples import scalars

    data = scalars.load("moons", count=count)
    result = scalars.train(data, epochs=epochs, lr=0.1, hidden=(8, 8))
    return _reached("Two half moons, network 2-8-8-1", scalars.draw, data, result, out, goal=0.0)


def digits(out: Path, *, epochs: int = 4, count: int | None = None) -> Reached:
    """Module 1: a network of Scalars learns to tell handwritten zeros from ones."""
    from examples import scalars

    data = scalars.load("digits", count=count)
    result = scalars.train(data, epochs=epochs, lr=0.1, hidden=(8,))
    return _reached("Zeros against ones, network 49-8-1", scalars.draw, data, result, out, goal=DIGITS_GOAL)


def ten_digits(out: Path, *, epochs: int | None = None, count: int | None = None) -> Reached:
    """Module 2: a network of tensors learns to read handwritten digits, all ten of them."""
    from examples import digits

    data = digits.load(count=count)
    result = digits.train(data, epochs=epochs or digits.EPOCHS)
    network = "-".join(str(size) for size in (digits.SIDE**2, *digits.HIDDEN, 10))
    return _reached(f"All ten digits, network {network}", digits.draw, data, result, out, goal=TEN_DIGITS_GOAL)


def full_size_digits(out: Path, *, epochs: int | None = None, count: int | None = None) -> Reached:
    """Module 3: the same at 28 x 28 pixels, on the device "cpu"; on all of MNIST, if TEROX_DATA says where it is."""
    from examples import mnist

    full = mnist.has_full()
    data = mnist.load(count=count, full=full)
    result = mnist.train(data, epochs=epochs or mnist.EPOCHS)
    network = "-".join(str(size) for size in (mnist.SIDE**2, *mnist.HIDDEN, 10))
    title = f"{'All of MNIST' if full else 'Full-size digits'}, network {network}"
    return _reached(title, mnist.draw, data, result, out, goal=FULL_MNIST_GOAL if full else FULL_SIZE_GOAL)


def lenet(out: Path, *, epochs: int | None = None, count: int | None = None) -> Reached:
    """Module 5: LeNet reads digits; it learns from all of MNIST, if TEROX_DATA says where it is."""
    from examples import lenet

    full = lenet.has_full()
    data = lenet.load(count=count, full=full)
    result = lenet.train(data, lenet.Settings(epochs=epochs or lenet.EPOCHS, images=count, full=full))
    title = f"{'All of MNIST' if full else 'Full-size digits'}, LeNet"
    return _reached(title, lenet.draw, data, result, out, goal=LENET_FULL_GOAL if full else LENET_GOAL)


STAGES = [
    Stage("The graph of an expression", graph, 1),
    Stage("Two half moons", moons, 1),
    Stage("Handwritten digits, zeros against ones", digits, 1),
    Stage("Handwritten digits, all ten, on tensors", ten_digits, 2),
    Stage("Handwritten digits at their full size, on compiled kernels", full_size_digits, 3),
    Stage("LeNet: convolutions, pooling, and the same digits", lenet, 5),
]
UNUSED = 4  # CUDA: no stage needs it


def main(out: Path = OUT, stages: Sequence[Stage] = STAGES) -> int:
    """Run all stages. Exit status 0 if each reached its goal, 1 if not, 130 after Ctrl-C."""
    began = time.perf_counter()
    reached: list[Reached] = []
    for number, stage in enumerate(stages, start=1):
        print(f"\n{number} of {len(stages)}: {stage.title}", flush=True)
        try:
            reached.append(stage.run(out))
        except KeyboardInterrupt:
            print("Stopped.")
            return 130
        except DatasetError as error:
            print(error)
            return 1
    seconds = time.perf_counter() - began
    print("\nReached:")
    for each in reached:
        print(f"- {each.sentence}")
    print(f"It took {seconds:.0f} s. Look at these pictures:")
    for each in reached:
        for path in each.pictures:
            print(f"  {path}")
    missed = [each for each in reached if not each.ok]
    for each in missed:
        print(f"Too little, at least {100 * each.goal:g}% was expected. {each.sentence}")
    return 1 if missed else 0


def main_built(out: Path = OUT, stages: Sequence[Stage] = STAGES, root: Path = ROOT) -> int:
    """Run the stages that the learner's code is enough for. Exit status as of `main`; 0 where there is none yet.

    A stage runs when all tasks of the modules that it needs passed when they were last tested, and have not changed
    since; reading tasks don't count.
    """
    manifest = load(root)
    found = states(root, manifest)
    missing: dict[int, list[str]] = {}  # module to the tasks without which its networks do not run
    for stage in stages:
        missing[stage.module] = [task.id for module in manifest.modules if module.number <= stage.module
                                 and (module.number != UNUSED or stage.module == UNUSED) for task in module.tasks
                                 if not task.id.endswith(".R") and found[task.id].status != "passed"]
    possible = [stage for stage in stages if not missing[stage.module]]
    later = [stage for stage in stages if missing[stage.module]]
    status = 0
    if possible:
        print("This runs on your own code, in modules/.")
        status = main(out, possible)
    else:
        print("There is no network to train yet; the first one is not far.")
    if later and status != 130:
        tasks = missing[later[0].module]
        shown = ", ".join(tasks[:6]) + (f" and {len(tasks) - 6} more" if len(tasks) > 6 else "")
        print(wrapped(f"{'Next' if possible else 'First'} comes: {later[0].title}. It needs module {later[0].module}; "
                      f"not passed yet, or changed since: {shown}."))
        print("What to do now: make next")
    return status


def _reached(title: str, draw: Callable[..., list[Path]], data: Any, result: Any, out: Path, *,
             goal: float) -> Reached:
    if result.stopped:
        raise KeyboardInterrupt
    right = round(result.accuracy * len(data.test_labels))
    sentence = f"{title}: {result.accuracy:.1%} right ({right} of {len(data.test_labels):,} held out)."
    return Reached(sentence, result.accuracy, goal, draw(data, result, out))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m course.demo", description="Train networks of the course.")
    parser.add_argument("--out", type=Path, default=OUT, metavar="DIR", help="where pictures go")
    parser.add_argument("--built", action="store_true", help="what the code in modules/ is enough for")
    chosen = parser.parse_args()
    sys.exit((main_built if chosen.built else main)(chosen.out))
