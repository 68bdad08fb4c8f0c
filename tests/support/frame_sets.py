"""Sets of frame labels and features as the field stores them, written in every format."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import scipy.io

Write = Callable[[Path, str, np.ndarray], object]


def matlab_73(path: Path, **variables: np.ndarray) -> None:
    """A file of MATLAB 7.3: HDF5 behind 512 bytes, indices the other way round."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, values in variables.items():
            file[name] = np.asarray(values, np.float64).T
            file[name].attrs["MATLAB_class"] = np.bytes_("double")
    with path.open("r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")


def _hdf5(path: Path, name: str, values: np.ndarray) -> None:
    with h5py.File(path, "w") as file:
        file[name] = values


FEATURES: Mapping[str, Write] = {
    "npy": lambda path, name, values: np.save(path / f"{name}.npy", values),
    "npz": lambda path, name, values: np.savez(path / f"{name}.npz", x=values),
    "mat": lambda path, name, values: scipy.io.savemat(path / f"{name}.mat", {"x": values, "info": "made"}),
    "mat73": lambda path, name, values: matlab_73(path / f"{name}.mat", x=values),
    "csv": lambda path, name, values: _table(values).to_csv(path / f"{name}.csv", index=False),
    "plain csv": lambda path, name, values: np.savetxt(path / f"{name}.csv", values, "%.9g", ","),
    "parquet": lambda path, name, values: _table(values).to_parquet(path / f"{name}.parquet"),
    "h5": lambda path, name, values: _hdf5(path / f"{name}.h5", "inside/x", values),
}
"""Format -> writes the matrix of one recording into a folder."""


def _table(values: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(values, columns=[f"f{number}" for number in range(values.shape[1])])


def _text_table(labels: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"frame": np.arange(len(labels)), "label": labels})


TEXT_LABELS: Mapping[str, Write] = {
    "txt": lambda path, name, labels: (path / f"{name}.txt").write_text("".join(f"{one}\n" for one in labels)),
    "npy": lambda path, name, labels: np.save(path / f"{name}.npy", labels),
    "csv": lambda path, name, labels: _text_table(labels).to_csv(path / f"{name}.csv", index=False, sep=";"),
    "csv of one column": lambda path, name, labels: (path / f"{name}.csv").write_text("\n".join(["who", *labels])),
    "parquet": lambda path, name, labels: _text_table(labels).to_parquet(path / f"{name}.parquet"),
    "mat": lambda path, name, labels: scipy.io.savemat(path / f"{name}.mat", {"label": labels}),
}
NUMBER_LABELS: Mapping[str, Write] = {
    "txt": TEXT_LABELS["txt"],
    "npy": lambda path, name, labels: np.save(path / f"{name}.npy", labels.astype(np.uint8)[:, None]),
    "npz": lambda path, name, labels: np.savez(path / f"{name}.npz", y=labels, other=np.ones(3)),
    "mat": lambda path, name, labels: scipy.io.savemat(path / f"{name}.mat", {"Y": labels.astype(np.float64)}),
    "mat73": lambda path, name, labels: matlab_73(path / f"{name}.mat", y=labels[:, None]),
    "csv": lambda path, name, labels: np.savetxt(path / f"{name}.csv", labels, "%d"),
    "parquet": TEXT_LABELS["parquet"],
    "h5": lambda path, name, labels: _hdf5(path / f"{name}.h5", "label", labels),
}
"""Format -> writes the labels of one recording into a folder."""


def write_set(
    root: Path,
    labels: Mapping[str, np.ndarray],
    *,
    features: str = "npy",
    labelled: str = "txt",
    transposed: bool = False,
    parts: Mapping[str, Sequence[str]] | None = None,
    mapping: Sequence[str] = (),
    width: int = 3,
) -> Path:
    """Recordings with `labels`, text or numbers; column k of frame t of a recording's features is t + k / 8."""
    (root / "features").mkdir(parents=True)
    (root / "groundTruth").mkdir()
    for name, vector in labels.items():
        values = (np.arange(len(vector))[:, None] + np.arange(width) / 8).astype(np.float32)
        FEATURES[features](root / "features", name, values.T if transposed else values)
        kinds = NUMBER_LABELS if vector.dtype.kind in "iu" else TEXT_LABELS
        kinds[labelled](root / "groundTruth", name, vector)
    for part, names in (parts or {}).items():
        (root / "splits").mkdir(exist_ok=True)
        (root / f"splits/{part}").write_text("".join(f"{name}.txt\n" for name in names))
    if mapping:
        (root / "mapping.txt").write_text("".join(f"{number} {label}\n" for number, label in enumerate(mapping)))
    return root
