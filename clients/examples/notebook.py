"""What two models know, asked through the gateway: plots of their answers and of where the time goes.

A script of cells (`# %%`), for an editor that runs them one by one, or whole: `python notebook.py`. It needs
penstock-client, numpy, pandas, matplotlib and scikit-learn; GATEWAY is the gateway's address, PLOTS the folder that the
pictures go to.
"""

# %% What is asked, and whom
import os
import time
from itertools import product
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from penstock_client import Client
from sklearn.datasets import load_diabetes, load_digits
from sklearn.metrics import ConfusionMatrixDisplay, accuracy_score, mean_absolute_error

plots = Path(os.environ.get("PLOTS", "plots"))
plots.mkdir(parents=True, exist_ok=True)
client = Client(os.environ.get("GATEWAY", "http://127.0.0.1:8080"), timeout_seconds=30)
plt.rcParams.update(
    {"figure.dpi": 120, "axes.spines.top": False, "axes.spines.right": False, "figure.constrained_layout.use": True}
)
INK, WATER, SAND = "#1b2733", "#0b6e99", "#c97b2b"

for model in ("digits", "diabetes"):
    described = client.metadata(model)
    print(f"{model}, version {described.version}: {described.description}")

# %% Digits, as they are and with noise
# Most of these pictures were in the model's training, so as they are they say little: its report has the honest
# figures. Noise of growing strength makes them new to it, and harder.
digits = load_digits()
generator = np.random.default_rng(seed=1)
noise_levels = (0, 4, 8)  # standard deviations, of pixels from 0 to 16
probabilities = {}
for noise in noise_levels:
    noisy = np.clip(digits.images + generator.normal(0, 1, digits.images.shape) * noise, 0, 16)
    probabilities[noise] = client.predict_many("digits", noisy).to_numpy()
    found = accuracy_score(digits.target, probabilities[noise].argmax(axis=1))
    print(f"noise {noise}: {found:.1%} of {len(noisy)} pictures are named rightly")

# %% Which digits are taken for which
figure, axes = plt.subplots(figsize=(6.4, 5.6))
named = probabilities[noise_levels[-1]].argmax(axis=1)
ConfusionMatrixDisplay.from_predictions(
    digits.target, named, normalize="true", values_format=".0%", cmap="Blues", ax=axes, colorbar=False,
    text_kw={"fontsize": 8},
)  # fmt: skip
axes.set(title=f"Digits under noise {noise_levels[-1]}: named as", xlabel="named", ylabel="drawn")
axes.spines[["top", "right"]].set_visible(True)
figure.savefig(plots / "confusion.png")

# %% Whether it knows how sure it is
# Of the pictures it gives a probability of 80 %, eight of ten should be named rightly: the dashed line.
FEWEST_IN_A_BIN = 10  # the share among fewer says little
figure, (axes, counts) = plt.subplots(2, 1, figsize=(6.4, 6.4), height_ratios=(3, 1), sharex=True)
axes.plot([0, 1], [0, 1], color="gray", linestyle="--", linewidth=1, label="as sure as it is right")
for noise, color in zip(noise_levels, (INK, WATER, SAND), strict=True):
    sure = probabilities[noise].max(axis=1)
    right = probabilities[noise].argmax(axis=1) == digits.target
    bins = [np.flatnonzero((sure > low) & (sure <= low + 0.1)) for low in np.arange(0.0, 1.0, 0.1)]
    bins = [pictures for pictures in bins if len(pictures) >= FEWEST_IN_A_BIN]
    axes.plot(
        [sure[pictures].mean() for pictures in bins], [right[pictures].mean() for pictures in bins],
        marker="o", markersize=4, color=color, label=f"noise {noise}",
    )  # fmt: skip
    counts.hist(sure, bins=np.linspace(0, 1, 21), histtype="step", color=color, linewidth=1.5)
axes.set(title="Digits: reliability", ylabel="named rightly", ylim=(0, 1.03))
axes.legend(frameon=False)
counts.set(xlabel="probability of the digit named", ylabel="pictures", yscale="log", xlim=(0, 1.01))
figure.savefig(plots / "reliability.png")

# %% Diabetes: what was predicted, what came
patients, progression = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
answers = client.predict_many("diabetes", patients)
patients["predicted"] = answers.to_numpy()
patients["residual"] = progression - patients["predicted"]
error = mean_absolute_error(progression, patients["predicted"])
print(f"diabetes: {len(patients)} patients, off by {error:.1f} on average")

figure, (left, right_axes) = plt.subplots(1, 2, figsize=(10, 4.6))
ends = [progression.min(), progression.max()]
left.plot(ends, ends, color="gray", linestyle="--", linewidth=1)
left.scatter(patients["predicted"], progression, s=12, alpha=0.6, color=WATER, edgecolors="none")
left.set(title=f"Diabetes: off by {error:.0f} on average", xlabel="predicted progression", ylabel="progression")
left.set_aspect("equal")
right_axes.axhline(0, color="gray", linestyle="--", linewidth=1)
right_axes.scatter(patients["bmi"], patients["residual"], s=12, alpha=0.6, color=SAND, edgecolors="none")
right_axes.set(title="What is left over, by body mass index", xlabel="bmi, kg/m²", ylabel="progression less predicted")
figure.savefig(plots / "residuals.png")

# %% Where the time goes
# Each answer carries the gateway's receipt; the rest of the time seen here is the client's, HTTP's and the network's.
rows_asked, calls = (1, 4, 16, 64, 256), 40
parts = ("read", "wait for the batch", "model", "write", "client and network")
spent = np.empty((calls, len(rows_asked), len(parts)))
for call, (place, rows) in product(
    range(calls), enumerate(rows_asked)
):  # sizes by turns, so that all see the same load
    began = time.perf_counter()
    prediction = client.predict_many("digits", digits.images[:rows])[0]
    total = time.perf_counter() - began
    receipt = prediction.timing
    assert receipt is not None, "the gateway sent no receipt"
    told = (receipt.decode_seconds, receipt.queue_seconds, receipt.backend_seconds, receipt.encode_seconds)
    seconds = [part or 0.0 for part in told]
    spent[call, place] = [*seconds, total - sum(seconds)]
milliseconds = 1e3 * np.median(spent, axis=0)

figure, (by_call, by_row) = plt.subplots(1, 2, figsize=(10, 4.2), width_ratios=(3, 2))
places, below = np.arange(len(rows_asked)), np.zeros(len(rows_asked))
for name, color, column in zip(parts, ("#8fb8cc", SAND, WATER, "#4c8aa5", "#d3dae0"), milliseconds.T, strict=True):
    by_call.bar(places, column, bottom=below, color=color, label=name, width=0.65)
    below += column
by_call.set_xticks(places, [str(rows) for rows in rows_asked])
by_call.set(title="Digits: a call, median", xlabel="rows in the call", ylabel="milliseconds")
by_call.legend(frameon=False)
by_row.plot(rows_asked, below / rows_asked, marker="o", color=INK, label="all of it")
by_row.plot(rows_asked, milliseconds[:, parts.index("model")] / rows_asked, marker="o", color=WATER, label="model")
by_row.set(title="A row", xlabel="rows in the call", ylabel="milliseconds", xscale="log", yscale="log")
by_row.set_xticks(rows_asked, [str(rows) for rows in rows_asked])
by_row.legend(frameon=False)
figure.savefig(plots / "latency.png")
print(f"a call of 1 row takes {below[0]:.1f} ms, of {rows_asked[-1]} rows {below[-1]:.1f} ms")

# %% Done
client.close()
