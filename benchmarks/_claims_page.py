"""The page of `claims.py`: what was done, the errors beside the paper's, and what holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from textwrap import fill
from typing import Any

Results = Mapping[str, Mapping[str, Any]]

PAPER: dict[str, tuple[float | None, float | None]] = {
    "1": (51.8, 11.6),
    "27": (48.8, None),
    "81": (47.7, None),
    "243": (46.8, 2.8),
    "243 causal": (49.0, None),
    "243 perfect": (37.2, None),
    "one 0.1": (80.7, None),
    "one 0.1 semi": (65.2, None),
}
"""What the paper and its repository report for Human3.6M: MPJPE [mm], MPJVE [mm/frame]."""

TITLES = {
    "1": "1 frame", "1 seed 2": "1 frame, other seed",
    "27": "27 frames", "27 seed 2": "27 frames, other seed", "27 causal": "27 frames, causal",
    "27 no flip": "27 frames, no mirrored copies in training or testing",
    "81": "81 frames", "243": "243 frames", "243 causal": "243 frames, causal",
    "1 perfect": "1 frame", "27 perfect": "27 frames", "81 perfect": "81 frames", "243 perfect": "243 frames",
}  # fmt: skip

NOISY = ("1", "1 seed 2", "27", "27 seed 2", "27 no flip", "81", "243", "27 causal", "243 causal")
PERFECT = ("1 perfect", "27 perfect", "81 perfect", "243 perfect")
SEMI = (
    ("", "labelled people only"),
    (" seed 2", "labelled people only, other seed"),
    (" semi", "and the others, without labels"),
    (" semi seed 2", "and the others, without labels, other seed"),
    (" semi no bones", "the same without the bone-length term"),
    (" semi no reprojection", "the same without the reprojection term"),
)
HEAD = "| | MPJPE | P-MPJPE | MPJVE | paper's MPJPE | paper's MPJVE |\n|---|---|---|---|---|---|"


def page(facts: Mapping[str, Any], results: Results) -> str:
    """The whole page as Markdown; runs that are not there are left out."""
    parts = [
        _intro(facts),
        "## Which claims hold\n",
        _claims_table(results),
        "## 2D keypoints of the imitated detector\n",
        _table(results, {name: TITLES[name] for name in NOISY}),
        "## Perfect 2D keypoints\n",
        _table(results, {name: TITLES[name] for name in PERFECT}),
        "## Few labels\n",
        _few_text(facts),
        *_few_tables(results),
        "## By set\n",
        _sets_table(results),
        _how(facts, results),
    ]
    return "\n".join(parts)


def _intro(facts: Mapping[str, Any]) -> str:
    effort, people, minutes, noise = facts["effort"], facts["people"], facts["minutes"], facts["noise_px"]
    train, test = minutes["train"], minutes["test"]
    sets = ", ".join(f"{name} {train.get(name, 0):.1f} / {test.get(name, 0):.1f}" for name in {**train, **test})
    return "\n".join([
        "# Results: do the paper's claims hold on open data?\n",
        _filled("""Human3.6M cannot be shipped. So the claims of Pavllo et al. (CVPR 2019) are tried on open motion
            capture instead, with the training and the evaluation of this package. The absolute errors cannot be
            compared with the paper's: the bodies differ from set to set, the motions are others, and the networks are
            small and briefly trained. What can be compared is which network is better, and by what share.
            This page is written by `benchmarks/claims.py`."""),
        "",
        _filled(f"""- **People**: {people["train"]} to train on, {people["test"]} others to test on. Minutes of motion
            by set, train / test: {sets}. No set gives more than 16 / 4 minutes (clips drawn at random);
            {facts["fps"]:g} frames/s as in Human3.6M."""),
        _filled(f"""- **Cameras**: the four of Human3.6M, with their distortion and places (those of S1, S5, S6, S7, S8
            for training, of S9, S11 for testing). Every clip is turned at random and put in the middle; only stretches
            in which the whole person is in all four pictures are used. So each minute gives
            {240 * facts["fps"]:,.0f} views. Half of the takes are shorter than {facts["take_s"]:.1f} s (Human3.6M's
            last about 50 s): 243 frames, which are {243 / facts["fps"]:.1f} s, are then mostly copies of the first and
            last frame, and little can be expected beyond 81."""),
        _filled(f"""- **2D keypoints**: the projected joints ("perfect"), or those of an imitated detector with slow
            drift, heavy-tailed jitter, lost joints and exchanged limbs: {noise[0]:.1f} px off on average, median
            {noise[1]:.1f}, 99 % below {noise[2]:.0f}, for people {facts["tall_px"]:.0f} px tall."""),
        _filled(f"""- **Networks**: {effort["channels"]} channels (the paper: 1024), dropout {facts["dropout"]:g}
            (0.25), {effort["epochs"]} epochs of {effort["windows"]:,} windows drawn at random (about 80 epochs of 3
            million), {effort["batch"]} windows per step (1024), learning rate {facts["rate"][0]:g} falling to
            {facts["rate"][1]:.0%} of it, mirrored windows in training and flip averaging in testing. Adam with amsgrad
            and batch-norm momentum as in the paper. Learning rate and batch were settled on the 27-frame network
            with the imitated detector, looking at the test people too; the last weights of every run are judged."""),
        "- **Errors** are the unweighted mean over the sets (the paper: over the actions), in mm; MPJVE in mm/frame.\n",
    ])  # fmt: skip


def _filled(text: str) -> str:
    """The paragraph or list item in lines of at most 120 characters."""
    return fill(" ".join(text.split()), 120, subsequent_indent="  " * text.startswith("- "), break_on_hyphens=False)


def _claims_table(results: Results) -> str:
    rows = "\n".join(f"| {claim} | {paper} | {here} | {verdict} |" for claim, paper, here, verdict in _claims(results))
    spread = f"""Networks that differ in nothing but the seed are up to {_spread(results, "1"):.1f} mm apart where
        everybody is labelled and {_spread(results, "one"):.1f} mm where few are; differences that are not larger than
        that show nothing. Two seeds per spread are few: a verdict about 1 mm is a weak one."""
    return f"""| claim | paper | here | verdict |
|---|---|---|---|
{rows}

{_filled(spread)}
"""


CLAIMS = (
    ("27 frames are better than one", "1", "27", "mpjpe"),
    ("81 frames are better than 27", "27", "81", "mpjpe"),
    ("243 frames are better than 81", "81", "243", "mpjpe"),
    ("243 frames are better than one", "1", "243", "mpjpe"),
    ("27 frames are steadier than one", "1", "27", "mpjve"),
    ("243 frames are steadier than one", "1", "243", "mpjve"),
    ("seeing the future helps (27 frames)", "27 causal", "27", "mpjpe"),
    ("seeing the future helps (243 frames)", "243 causal", "243", "mpjpe"),
    ("causal 243 frames are better than one", "1", "243 causal", "mpjpe"),
    ("perfect 2D is better (one frame)", "1", "1 perfect", "mpjpe"),
    ("perfect 2D is better (27 frames)", "27", "27 perfect", "mpjpe"),
    ("perfect 2D is better (243 frames)", "243", "243 perfect", "mpjpe"),
    ("mirrored copies help", "27 no flip", "27", "mpjpe"),
    ("unlabelled people help one labelled person, 10 % of its frames", "one 0.1", "one 0.1 semi", "mpjpe"),
    ("the same, other seed", "one 0.1 seed 2", "one 0.1 semi seed 2", "mpjpe"),
    ("unlabelled people help one labelled person, all frames", "one 1", "one 1 semi", "mpjpe"),
    ("unlabelled people help one of every set, 10 %", "few 0.1", "few 0.1 semi", "mpjpe"),
    ("unlabelled people help one of every set, 2 %", "few 0.02", "few 0.02 semi", "mpjpe"),
    ("the bone-length term helps (one person, 10 %)", "one 0.1 semi no bones", "one 0.1 semi", "mpjpe"),
    ("the reprojection term helps (one person, 10 %)", "one 0.1 semi no reprojection", "one 0.1 semi", "mpjpe"),
)
"""What is claimed, and the runs and the metric in which the second has to be lower than the first."""


def _claims(results: Results) -> Iterator[tuple[str, str, str, str]]:
    """Claim, the paper's numbers, ours, and whether it holds."""
    for claim, old, new, metric in CLAIMS:
        if old in results and new in results:
            before, after = _score(results, old, metric), _score(results, new, metric)
            paper = [PAPER.get(name, (None, None))[metric == "mpjve"] for name in (old, new)]
            known = paper[0] is not None and paper[1] is not None
            paper_share = paper[1] / paper[0] - 1 if known else None
            paper_text = _change(paper[0], paper[1], metric) if known else "no number"
            spread = _spread(results, old, metric)
            yield claim, paper_text, _change(before, after, metric), _verdict(before, after, spread, paper_share)


def _change(before: float, after: float, metric: str) -> str:
    unit = "mm" if metric == "mpjpe" else "mm/frame"
    return f"{before:.1f} -> {after:.1f} {unit} ({100 * (after / before - 1):+.0f} %)"


def _verdict(before: float, after: float, spread: float, paper_share: float | None) -> str:
    """In words; ``paper_share`` is the paper's change as a share, None where it gives none."""
    if after > before + spread:
        return "**does not reproduce**: the opposite"
    if after >= before - spread:
        return "**not shown**: no more than the spread of seeds"
    share = after / before - 1
    if paper_share is None:
        return "reproduces"
    if share > paper_share / 1.5:
        return "reproduces in direction, by a smaller share"
    return "reproduces" if share > paper_share * 1.5 else "reproduces, by a larger share"


def _spread(results: Results, like: str, metric: str = "mpjpe") -> float:
    """Largest difference between networks like this one that differ in the seed only; a guess where there are none."""
    names = ("one 0.1", "one 0.1 semi") if like.startswith(("one", "few")) else ("1", "27")
    pairs = [(name, f"{name} seed 2") for name in names if name in results and f"{name} seed 2" in results]
    return max((abs(_score(results, a, metric) - _score(results, b, metric)) for a, b in pairs), default=0.5)


def _score(results: Results, name: str, metric: str = "mpjpe", row: str = "average") -> float:
    return float(results[name]["scores"][row][metric])


def _table(results: Results, titles: Mapping[str, str]) -> str:
    return "\n".join([HEAD, *(_row(results, name, title) for name, title in titles.items() if name in results), ""])


def _row(results: Results, name: str, title: str) -> str:
    values = [f"{_score(results, name, metric):.1f}" for metric in ("mpjpe", "p_mpjpe", "mpjve")]
    paper = [f"{value:.1f}" if value is not None else "" for value in PAPER.get(name, (None, None))]
    return f"| {title} | {' | '.join([*values, *paper])} |"


def _few_text(facts: Mapping[str, Any]) -> str:
    one, few, effort = facts["labelled"]["one"], facts["labelled"]["few"], facts["effort"]
    text = f"""Labelled is either one person, as the paper's S1, who has most takes
        ({one["minutes"]:.0f} minutes); or one
        person of every set, who has most of it ({few["people"]} people, {few["minutes"]:.0f} minutes). Of each of
        their takes one stretch is used. The others' 2D joins in through reprojection and bone lengths. Perfect 2D and
        9 frames; {effort["epochs"]} epochs of {effort["few_windows"]:,} labelled windows with {effort["few_batch"]}
        per step, the first 3 without the unlabelled people. The paper's numbers are for 10 % of S1, 27 frames and 200
        epochs. One person of every set was tried first; a single person was added when that had shown nothing."""
    return f"{_filled(text)}\n"


def _few_tables(results: Results) -> Iterator[str]:
    for who, people in (("one", "One person"), ("few", "One person of every set")):
        for share, text in ((1.0, "all frames"), (0.1, "10 % of the frames"), (0.02, "2 % of the frames")):
            names = {f"{who} {share:g}{suffix}": title for suffix, title in SEMI}
            if any(name in results for name in names):
                yield f"{people}, {text}:\n\n{_table(results, names)}"


def _sets_table(results: Results) -> str:
    shown = {name: TITLES[name] for name in ("1", "27", "81", "243") if name in results}
    if not shown:
        return ""
    sets = [name for name in results[next(iter(shown))]["scores"] if name != "average"]
    lines = [f"| {' | '.join(['', *sets])} |", "|---" * (len(sets) + 1) + "|"]
    for name, title in shown.items():
        cells = [f"{_score(results, name, row=s):.1f} ({_score(results, name, 'mpjve', s):.1f})" for s in sets]
        lines.append(f"| {' | '.join([title, *cells])} |")
    return "\n".join(["MPJPE (MPJVE), imitated detector:\n", *lines, ""])


def _how(facts: Mapping[str, Any], results: Results) -> str:
    hours = sum(r["train_s"] + r["judge_s"] for r in results.values()) / 3600
    effort = " ".join(f"--{name.replace('_', '-')} {value}" for name, value in facts["effort"].items())
    text = f"""{len(results)} networks on {facts["machine"]}: {hours:.1f} hours of processor time, on a machine with
        other work beside it. MOTIONS is the folder of motion capture sets that [lifter.md](lifter.md) describes.
        Networks of 27 frames and more were trained in bfloat16, the others in float32."""
    return f"""## How it was made

```text
python benchmarks/claims.py MOTIONS --out docs/claims.md --seed {facts["seed"]} {effort}
```

{_filled(text)}
"""
