"""The table: one row a case of bad input. Add a row where something was met that ended otherwise than in one line."""

import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import h5py
import numpy as np
import pyarrow as pa
from abuse_files import (
    ALIASES,
    TRUTH,
    annotations,
    arrow,
    changed,
    cut,
    database,
    fifo,
    first_line,
    folder,
    foreign,
    guarded,
    hdf5,
    held,
    linked,
    locked,
    loop,
    mat,
    mat_bomb,
    npy,
    npy_of,
    parquet,
    readable,
    removed,
    results,
    safetensors,
    set_to,
    source,
    stored,
    without,
    zeros,
    zipped,
)  # fmt: skip


class Case(NamedTuple):
    """What is written before, the command line, and a pattern of what it says.

    `written`: path -> text, bytes, or a function of `abuse_files`. `stdin` is what comes on standard input. `lines`: how many
    lines are said (None: any number), one for each fault of a configuration. `disk`: the largest file, in bytes, that can be
    written, as on a disk that is full then. `leaves`: what may be there afterwards. `ordinary`: what an administrator could
    do all the same.
    """

    name: str
    line: str
    says: str
    written: Mapping[str, Any] = {}
    stdin: bytes = b""
    lines: int | None = 1
    disk: int | None = None
    leaves: Sequence[str] = ()
    ordinary: bool = False


LONG = "x" * 300
DATA, MODEL, RUN, STUDY = (
    {"data": stored("data")},
    {"model": stored("lstm")},
    {"run": stored("training")},
    {"study": stored("study")},
)
OLD = "run/checkpoints/iteration-000000080"
HALF = "interrupted/checkpoints/iteration-000000020"
INTERRUPTED = {"data": stored("data"), "interrupted": stored("interrupted-training")}
RESUME = "train data --output interrupted --resume " + " ".join(
    f"--set {one}" for one in (
        "hidden_size=6", "layers=2", "fc7_size=5", "variant=margin", "lambda_r=2", "sequences=8", "sequence_length=30", "bptt=12",
        "iterations=80", "evaluate_every=20", "learning_rate=0.03", "fc7_learning_rate=0.01", "dropout=0.1", "merge_gap=4",
        "iou=[0.3,0.5]", "fractions=[0.3,1.0]", "threads=1", "device=cpu",
    )
)  # fmt: skip
IMPORT = "data import directory raw out --fps 4"
EVALUATE = "evaluate --ground-truth truth.json --detections found.json --subset test"
SCORED = {"truth.json": TRUTH, "found.json": results()}
STREAM = "detect model --stream"
SPLITS = '{"1": {"training": ["a"], "validation": ["b"], "test": ["c"]}, "2": {}}'
SMALL = "name: small\ndataset: data\n"
HUGE = "9" * 400


def _described() -> Sequence[Case]:
    """Of prepared data sets."""
    line = "data describe data"
    dataset, annotated, frames = "data/dataset.json", "data/annotations.json", "data/features/features.arrow"

    def of(name: str, says: str, path: str, content: Any) -> Case:
        return Case(name, line, says, {**DATA, path: content})

    return [
        Case("no data set", line, "data: no such folder"),
        Case("a folder that is no data set", line, "no dataset.json", {"data": folder}),
        Case("a drawing of an unknown kind", f"{line} --plot x.gif", r"--plot x\.gif: must end in \.png, \.svg, \.pdf", DATA),
        Case("a drawing to a folder", f"{line} --plot x.png", r"x\.png: is a folder", {**DATA, "x.png": folder}),
        Case("a drawing below a file", f"{line} --plot data/dataset.json/x.png", "dataset.json", DATA),
        Case("a data set at a URI of nothing", "data describe file:///nowhere/at/all", "no prepared data set can be read there"),
        Case("a file in place of a data set", line, "no dataset.json", {"data": "x"}),
        Case("a name of 300 letters", f"data describe {LONG}", "too long|no dataset.json"),
        Case("a link that leads to itself", line, "no such folder|symbolic links", {"data": loop}),
        of("dataset.json is empty", "not valid JSON", dataset, ""),
        of("dataset.json is a list", "dataset.json", dataset, "[]"),
        of("dataset.json is null", "dataset.json", dataset, "null"),
        of("dataset.json is a picture", "dataset.json", dataset, b"\x89PNG\r\n\x1a\n\x00"),
        of("dataset.json is nested without end", "dataset.json", dataset, "[" * 100_000),
        of("dataset.json lacks its labels", "labels", dataset, without("labels")),
        of("fps is a word", "fps", dataset, set_to("fps", value="fast")),
        of("fps is NaN", "NaN", dataset, changed(lambda content: content.update(fps=float("nan")))),
        of("fps is 0", "fps", dataset, set_to("fps", value=0)),
        of("fps is 10^-300", "fps", dataset, set_to("fps", value=1e-300)),
        of("labels are a number", "labels", dataset, set_to("labels", value=5)),
        of("labels are numbers", "labels", dataset, set_to("labels", value=[0, 1, 2])),
        of("a content hash is a list", "content_hash", dataset, set_to("content_hash", value=[])),
        of("a features hash is a number", "features_hash", dataset, set_to("features_hash", value=5)),
        of("notes are a number", "notes", dataset, set_to("notes", value=5)),
        of("notes hold a list", "notes", dataset, set_to("notes", value=[[]])),
        of("a name is an object", "name", dataset, set_to("name", value={})),
        of("a feature dimension is a word", "feature_dim", dataset, set_to("feature_dim", value="four")),
        of("a feature dimension is -1", "feature_dim", dataset, set_to("feature_dim", value=-1)),
        of("a dtype is a list", "dtype", dataset, set_to("dtype", value=[])),
        of("an fc7 hash is a number", "fc7_hash", dataset, changed(lambda content: content.update(fc7_hash=7))),
        of("splits that are a list", r"splits\.json.*two or more folds", "data/splits.json", "[1, 2]"),
        of("splits into 1001 folds", r"splits\.json.*1,001 folds", "data/splits.json", json.dumps({f"f{number}": {} for number in range(1001)})),
        of("splits of nothing", r"splits\.json.*not valid JSON", "data/splits.json", ""),
        of("splits that are a pipe", r"splits\.json", "data/splits.json", fifo),
        of("splits that were put there by hand", r"splits\.json was changed", "data/splits.json", SPLITS),
        Case("a folder of 1001 folds", "study validate s.yaml", r"folds\.json.*1,001 folds", {"data/folds.json": json.dumps({f"f{number}": "x" for number in range(1001)}), "s.yaml": SMALL + "folds: own"}),
        Case("folds that are no folders", "study validate s.yaml", r"folds\.json", {"data/folds.json": '{"1": "/etc", "2": "x"}', "s.yaml": SMALL + "folds: own"}),
        Case("a folder of folds in place of a data set", line, "each of several folds", {"data/folds.json": "{}"}),
        of("dataset.json has a name twice", "2 times", dataset, '{"fps": 1, "fps": 2}'),
        of("annotations are a list", "database", annotated, "[]"),
        of("annotations were changed", "changed after", annotated, set_to("version", value="2")),
        of("there are no annotations", "no such file", annotated, removed),
        Case("annotations are a folder", line, "annotations.json", {**DATA, annotated: removed, f"{annotated}/x": ""}),
        of("there are no features", "no features", frames, removed),
        of("features are empty", "features.arrow", frames, b""),
        of("features are text", "features.arrow", frames, "x" * 500),
        of("features are cut short", "features.arrow", frames, cut),
        of("features are a pipe", "features.arrow", frames, lambda path: (removed(path), fifo(path))),
        of("features are no frames", "features.arrow", frames, arrow({}, kind=pa.float64())),
        of("features name no recordings", "features.arrow", frames, arrow({})),
        of("recordings of features are no JSON", "features.arrow", frames, arrow({"crescendo.recordings": "["})),
        of("recordings of features are a number", "features.arrow", frames, arrow({"crescendo.recordings": "5"})),
        of("recordings of features are numbers", "features.arrow", frames, arrow({"crescendo.recordings": "[1]"})),
        of("a recording of features is a list", "features.arrow", frames, arrow({"crescendo.recordings": "[[[], 3]]"})),
        of("frames of features are a word", "features.arrow", frames, arrow({"crescendo.recordings": '[["a", "b"]]'})),
        of("frames of features are -1", "features.arrow", frames, arrow({"crescendo.recordings": '[["a", -1]]'})),
        of("metadata of features are no JSON", "features.arrow", frames, arrow({"crescendo.recordings": '[["a", 3]]', "crescendo.metadata": "{"})),
        of("metadata of features are a list", "features.arrow", frames, arrow({"crescendo.recordings": '[["a", 3]]', "crescendo.metadata": "[]"})),
        of("features are of other recordings", "has no features", frames, arrow({"crescendo.recordings": '[["a", 3]]'})),
        of("features have another width", "columns", frames, arrow({"crescendo.recordings": '[["a", 3]]'}, width=5)),
        of("metadata of features hold NaN", "NaN", frames, arrow({"crescendo.recordings": '[["a", 3]]', "crescendo.metadata": '{"a": NaN}'})),
        of("metadata of features hold half a surrogate pair", "surrogate", frames, arrow({"crescendo.recordings": '[["a", 3]]', "crescendo.metadata": '{"a": "\\ud800"}'})),
        of("a recording of features is half a surrogate pair", "surrogate", frames, arrow({"crescendo.recordings": '[["\\ud800", 3]]'})),
        of("recordings of features are of 400 digits", "400 digits", frames, arrow({"crescendo.recordings": f'[["a", {HUGE}]]'})),
        of("notes hold NaN", "NaN", dataset, changed(lambda content: content.update(made=float("nan")))),
        Case("pixels of a size that is no number", "data describe pixels", "features.arrow",
             {"pixels": stored("pixels"), "pixels/features/features.arrow": arrow({"crescendo.recordings": "[]", "crescendo.picture_size": "x"}, kind=pa.binary())}),
        Case("pixels whose frames are words", "data describe pixels", "features.arrow",
             {"pixels": stored("pixels"), "pixels/features/features.arrow": arrow({"crescendo.recordings": '[["a", "b"]]', "crescendo.picture_size": "8"}, kind=pa.binary())}),
    ]  # fmt: skip


def _imported() -> Sequence[Case]:
    """Of raw data sets."""

    def of(name: str, says: str, text: str | bytes = annotations(), **files: Any) -> Case:
        return Case(name, IMPORT, says, source(text, **files))

    def matrix(name: str, content: Any, says: str = r"a\.npy") -> Case:
        return Case(name, IMPORT, says, {**source(), "raw/a.npy": content})

    def given(name: str, line: str, says: str, **more: Any) -> Case:
        return Case(name, line, says, {**source(), **more})

    return [
        Case("two label maps", f"{IMPORT} --labels a.yaml --labels b.yaml", "--labels: is given 2 times", source()),
        Case("two frame rates", f"{IMPORT} --fps 5", "--fps: is given 2 times", source()),
        Case("no source", IMPORT, "no such file"),
        Case("annotations elsewhere", f"{IMPORT} --annotations /etc/hosts", "looked for in SOURCE", source()),
        Case("annotations that are not there", f"{IMPORT} --annotations x.csv", r"lacks 'x\.csv'", source()),
        Case("annotations that are a pipe", f"{IMPORT} --annotations x.csv", r"x\.csv.*pipe", {**source(), "raw/x.csv": fifo}),
        Case("annotations that are a spreadsheet", f"{IMPORT} --annotations x.xlsx", "spreadsheet", {**source(), "raw/x.xlsx": zipped({"x": b"x"})}),
        Case("annotations of no known form", f"{IMPORT} --annotations x.txt", "no annotations that are known", {**source(), "raw/x.txt": "hello"}),
        Case("annotations that are bytes", f"{IMPORT} --annotations x.txt", "UTF-8", {**source(), "raw/x.txt": b"\xff\xfe\x00\xd8\x00"}),
        Case("an ELAN document that is cut", f"{IMPORT} --annotations x.eaf", "damaged ELAN document", {**source(), "raw/x.eaf": "<ANNOTATION_DOCUMENT"}),
        Case("an ELAN document of a billion laughs", f"{IMPORT} --annotations x.eaf", "declares entities", {
            **source(), "raw/x.eaf": '<!DOCTYPE x [<!ENTITY a "lol">]><ANNOTATION_DOCUMENT>&a;</ANNOTATION_DOCUMENT>'}),
        Case("annotations of another recording", f"{IMPORT} --annotations x.csv", "'b' has no features", {**source(), "raw/x.csv": "b,1,2,walk"}),
        Case("groups of a file that is not there", f"{IMPORT} --group x.csv", r"x\.csv: no such file", source()),
        Case("groups of a folder", f"{IMPORT} --group x", "x: cannot be read", {**source(), "x": folder}),
        Case("groups of a pipe", f"{IMPORT} --group x.csv", "pipe", {**source(), "x.csv": fifo}),
        Case("groups of a key that nobody has", f"{IMPORT} --group subject", "neither a file nor a key", source()),
        Case("a test part of everything", f"{IMPORT} --test 1", "--test must be a share", source()),
        Case("a test part of NaN", f"{IMPORT} --test nan", "--test: must be a finite number", source()),
        Case("a test part of one recording", f"{IMPORT} --test 0.5", "to divide; it takes", source()),
        Case("an empty source", IMPORT, "annotations.json", {"raw": folder}),
        Case("a source that is text", IMPORT, "not a zip", {"raw": "x"}),
        Case("a source that is a cut zip", IMPORT, "not a zip", {"raw": zipped({"annotations.json": b"{}"})[:60]}),
        Case("a source that is a pipe", IMPORT, "raw", {"raw": fifo}),
        of("annotations of nothing", "not valid JSON", ""),
        of("NaN in an unknown key", "NaN", annotations(quality=float("nan"))),
        of("half a surrogate pair in a label", "surrogate", annotations(annotations=[{"segment": [1, 2], "label": "\ud800"}])),
        of("half a surrogate pair in an unknown key", "surrogate", annotations(by="\udfff")),
        of("an integer of 400 digits", "400 digits", annotations().replace("5.0", HUGE)),
        of("a taxonomy that is a number", "taxonomy", annotations().replace('"taxonomy": []', '"taxonomy": 5')),
        of("a duration beyond all numbers", "duration", annotations(duration=1e308 * 10)),
        of("a duration of 10^300 seconds", r"a\.npy|duration", annotations(duration=1e300)),
        of("annotations without recordings", "holds no recordings", '{"database": {}}'),
        of("a recording that is a list", "no object", '{"database": {"a": []}}'),
        of("a label that is no number", "label nan", annotations(annotations=[{"segment": [1, 2], "label": float("nan")}])),
        of("a label beyond all numbers", "label inf", annotations().replace('"walk"', "1e999")),
        of("one matrix for two names of the same letters", "stands for two recordings", json.dumps({
            "database": {name: json.loads(annotations())["database"]["a"] for name in ("\xe9", "e\u0301")}}), **{"\xe9_npy": npy(np.zeros((20, 2), np.float32))}),
        matrix("an empty matrix file", b""),
        matrix("a matrix file of text", "1 2 3"),
        matrix("a matrix that is cut", npy(np.zeros((20, 2), np.float32))[:150]),
        matrix("two matrices in one file", npy(np.zeros((20, 2), np.float32)) + npy(np.zeros((20, 2), np.float32)), "one array a file"),
        matrix("a matrix of objects", npy(np.array([[{}]] * 20))),
        matrix("a matrix of one dimension", npy(np.zeros(20, np.float32))),
        matrix("a matrix of truth values", npy(np.zeros((20, 2), np.bool_))),
        matrix("a matrix that announces 10^15 frames", npy_of("(10**15, 2)".replace("10**15", "1" + "0" * 15))),
        matrix("a matrix that announces 20 frames of 10^12", npy_of("(20, 1000000000000)")),
        matrix("a matrix that announces -1 frames", npy_of("(-1, 2)")),
        matrix("a header that is no Python", npy([1.0, 2.0], header="{'descr': ")),
        matrix("a header that calls a function", npy([1.0, 2.0], header="{'descr': __import__('os').getcwd(), 'shape': (20, 2)}")),
        matrix("a header without a shape", npy([1.0, 2.0], header="{'descr': '<f4', 'fortran_order': False}")),
        matrix("a header with a shape of words", npy_of("('a', 'b')")),
        matrix("a header with an unknown type", npy_of("(20, 2)", "'<zz'")),
        matrix("a header with a type that is a number", npy_of("(20, 2)", "5")),
        matrix("a header of 20 kB", npy([1.0, 2.0], header="{'descr': '<f4'," + " " * 20_000 + "}")),
        matrix("a header of an unknown version", npy([1.0, 2.0], header="{}", version=b"\x09\x00")),
        matrix("a header nested without end", npy([1.0, 2.0], header="(" * 9_000)),
        matrix("a matrix that is a pipe", fifo),
        matrix("a matrix that is a loop of links", loop, r"a"),
        matrix("a matrix with NaN", npy(np.full((20, 2), np.nan, np.float32)), "NaN"),
        Case("splits that are not there", f"{IMPORT} --splits nothing.json", r"nothing\.json: no such file", source()),
        Case("splits of no recordings", f"{IMPORT} --splits splits.json", "names 'b', which is no recording", source(splits_json=SPLITS)),
        Case("splits that are a number", f"{IMPORT} --splits splits.json", "two or more folds", source(splits_json="5")),
        Case("splits with a name of 300 letters", f"{IMPORT} --splits splits.json", "a fold is called", source(splits_json=SPLITS.replace('"1"', f'"{LONG}"'))),
        Case("an .npz of objects", IMPORT, r"a\.npz", {"raw/annotations.json": annotations(), "raw/a.npz": zipped({"x.npy": npy(np.array([[{}]]))})}),
        Case("an .npz that is text", IMPORT, r"a\.npz", {"raw/annotations.json": annotations(), "raw/a.npz": "x"}),
        Case("an .npz of no matrix", IMPORT, r"a\.npz", {"raw/annotations.json": annotations(), "raw/a.npz": zipped({"x.txt": b"x"})}),
        Case("an .npz that unpacks without end", IMPORT, r"a\.npz.*unpack", {
            "raw/annotations.json": annotations(), "raw/a.npz": zipped({"x.npy": npy_of("(20, 2)")}, announced=4 * 10**9)}),
        Case("a zip that unpacks without end", IMPORT, "unpack", {"raw": zipped({"annotations.json": b" " * 1000}, announced=4 * 10**9)}),
        Case("annotations that unpack without end", "data import activitynet all.json.gz out --annotations-only", "unpack", {"all.json.gz": zeros(110)}),
        Case("annotations that are no gzip", "data import activitynet all.json.gz out --annotations-only", "gzip", {"all.json.gz": "x"}),
        Case("annotations of videos in a pipe", "data import activitynet all.json out --annotations-only", r"all\.json.*pipe", {"all.json": fifo}),
        Case("annotations of videos without end", "data import activitynet all.json out --annotations-only", r"all\.json.*device", {"all.json": linked("/dev/zero")}),
        Case("a duration of 10^300 seconds without features", "data import activitynet all.json out --annotations-only", "duration", {"all.json": annotations(duration=1e300)}),
        Case("features that are no HDF5", "data import activitynet all.json out --features f.h5 --fps 2", "all.json|HDF5", {"all.json": annotations(), "f.h5": "x"}),
        given("an fps of 0", "data import directory raw out --fps 0", "fps"),
        given("an fps of a billion", "data import directory raw out --fps 1e9", "fps"),
        Case("an import to a full disk", IMPORT, "full", source(), disk=60),
        given("fps is NaN (import)", "data import directory raw out --fps nan", "fps"),
        given("fps is infinite", "data import directory raw out --fps inf", "fps"),
        given("fps is a word (import)", "data import directory raw out --fps fast", "fps"),
        given("fps is missing", "data import directory raw out", "fps"),
        given("the destination exists", IMPORT, "exists already", **{"out/x": ""}),
        given("the destination is below a file", "data import directory raw file/out --fps 4", "file", file=""),
        given("the destination is far below a file", "data import directory raw file/a/b/out --fps 4", "file", file=""),
        given("the destination has a name of 300 letters", f"data import directory raw {LONG} --fps 4", "x"),
        given("the destination is a loop of links", IMPORT, "out", out=loop),
        given("the destination is below a link to nowhere", "data import directory raw gone/out --fps 4", "gone", gone=linked("nowhere/at/all")),
        given("the destination cannot be written", "data import directory raw /proc/out --fps 4", "/proc/out"),
        given("a name with half a surrogate pair", "data import directory raw out --fps 4 --name '\udc80'", "name|surrogate"),
        given("a licence with half a surrogate pair", "data import directory raw out --fps 4 --licence '\udc80'", "licence|surrogate"),
        given("an importer that does not exist", "data import nothing raw out", "nothing"),
        given("an importer in a module that does not exist", "data import nothing:at_all raw out", "nothing"),
        Case("an own importer that cannot be imported", "data import own:run raw out", "own", {**source(), "own.py": "1 +"}),
        Case("a dry run of damaged features", f"{IMPORT} --dry-run", "NaN", source(a_npy=npy(np.full((20, 2), np.nan, np.float32)))),
        given("a dry run onto what exists", f"{IMPORT} --dry-run", "exists already", **{"out/x": ""}),
        Case("an own importer with an option of the command's", "data import rehearsed:run raw out", "dry_run", {
            **source(), "rehearsed.py": "def run(source, destination, *, dry_run=False):\n    pass\n"}),
        given("hapt of something else", "data import hapt raw out", "raw"),
        given("tug of something else", "data import tug raw out", "raw"),
        given("gtea of something else", "data import gtea raw out", "raw"),
    ]  # fmt: skip


def _features() -> Sequence[Case]:
    """Of feature files in formats of others."""
    twenty = np.zeros((20, 2), np.float32)
    large = mat(x=np.zeros((20, 2))).replace(struct.pack("<ii", 20, 2), struct.pack("<ii", 20, 10**7))

    def of(name: str, file: str, content: Any, says: str = "") -> Case:
        return Case(
            name,
            IMPORT,
            says or file.replace(".", r"\."),
            {"raw/annotations.json": annotations(), f"raw/{file}": content},
        )

    return [
        of("a .mat that is text", "a.mat", "x", r"a\.mat: not a complete MATLAB file"),
        of("a .mat that is empty", "a.mat", ""),
        of("a .mat that is cut", "a.mat", mat(x=np.random.default_rng(0).random((20, 2)))[:200]),
        of("a .mat that unpacks without end", "a.mat", large, r"a\.mat: would unpack"),
        of("a .mat that unpacks to more than it says", "a.mat", mat_bomb(110), r"a\.mat: would unpack"),
        of("a .mat of a cell array", "a.mat", mat(x=np.array([["a", "b"]] * 20, dtype=object)), r"a\.mat: has shape \(20, 2\) and dtype object"),
        of("a .mat of complex numbers", "a.mat", mat(x=twenty + 1j), r"a\.mat.*complex"),
        of("a .mat of nothing", "a.mat", mat(), r"a\.mat: must hold one matrix but holds 0"),
        of("a .mat that is a pipe", "a.mat", fifo, r"a\.mat.*pipe"),
        of("an HDF5 file that is text", "a.h5", "x"),
        of("an HDF5 file of text", "a.h5", hdf5(lambda file: file.update(x="words"))),
        of("an HDF5 file of nothing", "a.h5", hdf5(lambda file: None), r"a\.h5: must hold one matrix but holds 0"),
        of("an HDF5 file that unpacks without end", "a.h5", hdf5(lambda file: file.create_dataset("x", (20, 10**7), "f4", chunks=(20, 1024))), r"a\.h5.*unpack"),
        of("an HDF5 file that reads another file", "a.h5", hdf5(lambda file: file.create_dataset("x", (20, 2), "f4", external=[("/etc/passwd", 0, 160)])), "lies in another file"),
        of("an HDF5 file of a link to another", "a.h5", hdf5(lambda file: file.update(x=h5py.ExternalLink("/etc/passwd", "x"))), "holds 0"),
        of("an HDF5 file of all, with a link to another", "all.h5", hdf5(lambda file: file.update(a=h5py.ExternalLink("/etc/passwd", "x"))), "'a' has no features"),
        of("an HDF5 file of all, of text", "all.h5", hdf5(lambda file: file.update(a="words")), r"all\.h5: a"),
        of("a table of words", "a.csv", "x,y\n" + "one,two\n" * 20, r"a\.csv: has no column of numbers; it has x, y"),
        of("a table of rows of many lengths", "a.csv", "x,y\n" + "1,2\n" * 20 + "1,2,3,4\n"),
        of("a table of rows that are longer than its names", "a.csv", "x,y\n" + "1,2,3\n" * 20, "more cells than its first line"),
        of("a table that is empty", "a.csv", ""),
        of("a table of bytes", "a.csv", b"\xff\xfe\x00" * 20),
        of("a table with a gap", "a.csv", "x,y\n" + "1,2\n" * 19 + ",2\n", "frame 19 holds NaN"),
        of("a table and a key", "a.csv", "x,y\n" + "1,2\n" * 20, "frames|key")._replace(line=f"{IMPORT} --feature-key x"),
        of("a Parquet file that is text", "a.parquet", "x"),
        of("a Parquet file of lists", "a.parquet", parquet(x=[[1.0, 2.0]] * 20), r"a\.parquet: has no column of numbers"),
        of("a Parquet file that unpacks without end", "a.parquet", parquet(x=np.zeros(14 * 10**6, bool)), r"a\.parquet.*unpack"),
        Case("a feature that is not in the file", f"{IMPORT} --feature-key z", r"a\.mat: lacks 'z' \(--feature-key\); it holds x",
             {"raw/annotations.json": annotations(), "raw/a.mat": mat(x=twenty)}),
        *(
            Case(f"a map of labels {name}", f"{IMPORT} --labels map.yaml", says, {**source(), "map.yaml": content})
            for name, content, says in (
                ("that is a list", "[walk]", "map.yaml: must hold"),
                ("of lists", "walk: [run]", "map.yaml: 'walk' becomes"),
                ("of code", "walk: !!python/name:os.getcwd ''", "map.yaml, line 1"),
                ("of others", "wlak: run", "map.yaml: 'wlak' is no label of the data; there are walk"),
                ("that is empty", "", "map.yaml: must hold"),
                ("that is bytes", b"\xff\xfe\xff", "map.yaml: must be UTF-8"),
                ("that is a pipe", fifo, "map.yaml.*pipe"),
                ("of aliases", ALIASES, "map.yaml"),
            )
        ),
        Case("a map of labels that is not there", f"{IMPORT} --labels map.yaml", "map.yaml: no such file", source()),
        Case("features from nowhere", f"{IMPORT} --features-from ../raw", r"'\.\./raw' \(--features-from\)", source()),
        Case("a time axis of 2", f"{IMPORT} --time-axis 2", "--time-axis", source()),
    ]  # fmt: skip


def _frames() -> Sequence[Case]:
    """Of sets of frame labels."""
    line = "data import frames raw out --fps 4"
    whole = {"raw/features/a.npy": npy(np.zeros((20, 2), np.float32)), "raw/groundTruth/a.txt": "run\n" * 20}

    def of(name: str, says: str, more: str = "", **files: Any) -> Case:
        return Case(
            name,
            f"{line} {more}",
            says,
            {**whole, **{f"raw/{key.replace('__', '/').replace('_', '.')}": one for key, one in files.items()}},
        )

    return [
        Case("frame labels of nothing", line, "raw", {"raw": folder}),
        Case("frame labels without labels", line, r"labels|stand", {"raw/features/a.npy": whole["raw/features/a.npy"]}),
        of("frame labels that are bytes", r"a\.txt: not text", groundTruth__a_txt=b"\xff\xfe"),
        of("frame labels that are a pipe", r"a\.txt.*pipe", groundTruth__a_txt=fifo),
        of("frame labels of another length", r"a\.npy: recording 'a' has 20 frames of features .* but 900 labels", groundTruth__a_txt="run\n" * 900),
        of("frame labels of two folders", r"labels|groundTruth", labels__a_txt="run"),
        of("a mapping without names", r"mapping\.txt: line 1", mapping_txt="0\n1\n"),
        of("a mapping of other labels", r"label 'run' is not in .*mapping\.txt", mapping_txt="0 background\n"),
        of("a mapping that is a loop of links", r"mapping\.txt", mapping_txt=loop),
        of("a mapping from another folder", "--mapping", "--mapping ../all.txt"),
        of("split lists of other recordings", "recording 'b' of the split lists has no labels", splits__train_txt="b"),
        of("split lists that name a recording twice", r"names 'a', which .*once is right", splits__train_txt="a\na.txt\n"),
        of("split lists without training", "no training part", splits__test_txt="a"),
        of("a background that is no label", "--background: 'walk' is no label", "--background walk"),
        of("frame labels at no frames a second", "fps", "--fps 0"),
        of("frame labels on a full disk", "full")._replace(disk=60),
    ]  # fmt: skip


def _made() -> Sequence[Case]:
    """Of `data synthesize` and `data extract`."""
    videos = {"videos/a.mp4": "x", "all.json": annotations()}
    extract = "data extract videos out --annotations all.json"
    return [
        Case("made at NaN frames a second", "data synthesize out --fps nan", "fps"),
        Case("made at infinitely many frames a second", "data synthesize out --fps inf", "fps"),
        Case("made at no frames a second", "data synthesize out --fps 0", "fps"),
        Case("made with NaN noise", "data synthesize out --noise nan", "noise"),
        Case("made with infinite noise", "data synthesize out --noise inf", "noise"),
        Case("made with 10^300 noise", "data synthesize out --recordings 1 --noise 1e300", "noise|too large"),
        Case("a billion recordings", "data synthesize out --recordings 1000000000", "recordings"),
        Case("a billion labels", "data synthesize out --labels 1000000000", "labels"),
        Case("10^12 features", "data synthesize out --feature-dim 1000000000000", "feature"),
        Case("a seed of 5000 digits", f"data synthesize out --seed {'9' * 5000}", "seed"),
        Case("an unknown option", "data synthesize out --nothing", "nothing"),
        Case("made on a full disk", "data synthesize out --recordings 1", "full", disk=100),
        Case("made below a file", "data synthesize file/out", "file", {"file": ""}),
        Case("made into a name of 300 letters", f"data synthesize {LONG}", "x"),
        Case("made in place of the working folder", "data synthesize . --recordings 1", "working folder"),
        Case("videos of no size", "data synthesize out --videos --size 13", "size"),
        Case("videos of an endless size", "data synthesize out --videos --size 1200000000", "size"),
        Case("quirks without videos", "data synthesize out --odd", "--videos"),
        Case("no annotations of videos", "data extract videos out", "--annotations", videos),
        Case("annotations of videos that are no JSON", extract, "all.json", {**videos, "all.json": "x"}),
        Case("videos at NaN frames a second", f"{extract} --fps nan", "fps", videos),
        Case("videos at infinitely many frames a second", f"{extract} --fps inf", "fps", videos),
        Case("videos through an unknown network", f"{extract} --backbone nothing", "nothing", videos),
        Case("videos through weights that are text", f"{extract} --weights w.pt", r"w\.pt", {**videos, "w.pt": "x"}),
        Case("videos through weights that are a pipe", f"{extract} --weights w.pt", r"w\.pt", {**videos, "w.pt": fifo}),
        Case("videos through weights that are empty", f"{extract} --weights w.safetensors", r"w\.safetensors", {**videos, "w.safetensors": b""}),
        Case("no videos", extract, "videos", {"all.json": annotations()}),
    ]  # fmt: skip


def _evaluated() -> Sequence[Case]:
    """Of `evaluate`."""

    def of(name: str, options: str, says: str, **files: Any) -> Case:
        named = {f"{file}.json": content for file, content in files.items()}
        return Case(name, f"{EVALUATE} {options}", says, {**SCORED, **named})

    def labels(name: str, says: str, files: Mapping[str, Any], options: str = "", folder: str = "labels") -> Case:
        line = f"evaluate --metrics segmental --ground-truth truth.json --subset test --fps 4 --predictions {folder}"
        return Case(name, f"{line} {options}", says, {"truth.json": TRUTH, **files})

    online = "evaluate --online run"

    def run(name: str, says: str, content: Any, options: str = "") -> Case:
        return Case(name, f"{online} {options}", says, {**RUN, "run/metrics.json": content})

    return [
        Case("nothing to evaluate", "evaluate", "--ground-truth"),
        Case("an option without its value", "evaluate --ground-truth", "ground-truth"),
        of("a threshold that is a word", "--iou half", "--iou"),
        of("a threshold of NaN", "--iou nan", "--iou"),
        of("a threshold of 0", "--iou 0", "--iou"),
        of("a threshold of 2", "--iou 2", "--iou"),
        of("a billion thresholds", "--iou 0.1:0.8:1e-9", "--iou"),
        of("thresholds without a step", "--iou 0.1:0.8:0", "--iou"),
        of("thresholds by NaN", "--iou 0.1:0.8:nan", "--iou"),
        of("thresholds of four numbers", "--iou 0.1:0.2:0.3:0.4", "--iou"),
        of("an unknown matching rule", "--protocol nothing", "nothing"),
        of("a matching rule in no module", "--protocol nothing:rule", "nothing"),
        of("a matching rule in a name of no module", "--protocol a..b:c", "protocol"),
        Case("an unknown subset", EVALUATE.replace("test", "nothing"), "nothing", SCORED),
        of("ground truth is a list", "", "truth.json", truth="[]"),
        of("ground truth is no text", "", "truth.json", truth=b"\xff\xfe\x00"),
        of("ground truth is a folder", "", "truth.json", truth=folder),
        of("ground truth is a pipe", "", "truth.json", truth=fifo),
        of("ground truth is a device without end", "", "truth.json", truth=linked("/dev/zero")),
        of("results are null", "", "found.json", found="null"),
        of("results are a list", "", "found.json", found='{"results": []}'),
        of("a score is NaN", "", "score", found=results(score=float("nan"))),
        of("a score is a word", "", "score", found=results(score="high")),
        of("a segment is an object", "", "segment", found=results(segment={})),
        of("a label is null", "", "label", found=results(label=None)),
        of("a score of 400 digits", "", "400 digits", found=results(score=7).replace("7", HUGE)),
        of("results are nested without end", "", "found.json", found='{"results":' * 50_000),
        Case("results that unpack without end", EVALUATE.replace("found.json", "found.json.gz"), "unpack", {**SCORED, "found.json.gz": zeros(110)}),
        Case("results of a cut gzip", EVALUATE.replace("found.json", "found.json.gz"), "gzip", {**SCORED, "found.json.gz": zeros(1)[:500]}),
        Case("results in a name of 300 letters", EVALUATE.replace("found.json", LONG), "x", SCORED),
        of("an unknown order of ties", "--ties random", "--ties"),
        labels("predictions that are no folder", "truth.json", {}, folder="truth.json"),
        labels("predictions of no recording", "no labels for recording", {"labels/other.txt": "run"}),
        labels("predictions with a label that nobody knows", "none of the ground truth's", {"labels/a.txt": "run\nfly"}),
        labels("predictions that are fractions", "whole numbers", {"labels/a.csv": "label\n0.5\n0.7"}),
        labels("predictions that are a matrix", "one label a frame", {"labels/a.npy": npy(np.zeros((3, 4)))}),
        labels("labels at no rate", "--fps", {"labels/a.txt": "run"}, "--fps 0"),
        labels("labels at a rate of NaN", "fps", {"labels/a.txt": "run"}, "--fps nan"),
        Case("no run", online, "metrics.json"),
        run("a confusion matrix of words", "metrics.json", set_to("test", "segmental", value={"confusion": "x"}), "--subset test"),
        run("metrics are a list", "metrics.json", "[]"),
        run("metrics are null", "metrics.json", "null"),
        run("metrics of a split are a number", "metrics.json", '{"test": 5}'),
        run("metrics of a split are empty", "metrics.json", '{"test": {}}'),
        run("metrics of a split are a list", "metrics.json", '{"validation": [1]}'),
        run("per-frame figures are a list", "metrics.json", set_to("test", "online", value=[])),
        run("AP is a word", "metrics.json", set_to("test", "mAP", value="high")),
        Case("metrics without a configuration", f"{online} --dataset data", "metrics.json", {**RUN, **DATA, "run/metrics.json": without("config")}),
        Case("metrics of no data set", f"{online} --dataset data", "metrics.json", {**RUN, **DATA, "run/metrics.json": set_to("dataset", value=[])}),
        Case("a merge gap that is a word", f"{online} --dataset data", "metrics.json", {**RUN, **DATA, "run/metrics.json": set_to("merge_gap", value="wide")}),
        Case("scores that are text", f"{online} --dataset data", "arrow", {**RUN, **DATA, "run/scores/validation.arrow": "x"}),
        Case("scores of other recordings", f"{online} --dataset data", "arrow", {**RUN, **DATA, "run/scores/validation.arrow": arrow({"crescendo.recordings": '[["a", 3]]'}, width=3)}),
        Case("a rate that is a word", f"{online} --alarm often", "alarm", RUN),
        Case("a rate of NaN", f"{online} --alarm rate=nan/h", "alarm|rate", RUN),
        Case("a rate of 400 digits", f"{online} --alarm rate={HUGE}/h", "alarm", RUN),
        Case("a rate of infinity", f"{online} --alarm rate=inf/h", "alarm|rate", RUN),
        Case("a rate below 0", f"{online} --alarm rate=-1/h", "alarm|rate", RUN),
    ]  # fmt: skip


def _trained() -> Sequence[Case]:
    """Of `train`."""

    def of(name: str, setting: str, says: str) -> Case:
        return Case(name, f"train data --output out --set {setting}", says, DATA)

    def config(name: str, text: Any, says: str = "c.yaml", lines: int | None = 1) -> Case:
        return Case(name, "train data --output out --config c.yaml", says, {**DATA, "c.yaml": text}, lines=lines)

    def resumed(name: str, path: str, content: Any) -> Case:
        return Case(name, RESUME, "interrupted", {**INTERRUPTED, f"{HALF}/{path}": content})

    return [
        Case("nothing to train on", "train", "DATASET"),
        Case("no output", "train data", "--output", DATA),
        Case("no data set to train on", "train nothing --output out", "nothing"),
        of("a setting without a value", "learning_rate", "key=value"),
        of("a setting without a name", "=5", "key=value"),
        of("an unknown setting", "nothing=5", "nothing"),
        of("a date for a number", "learning_rate=2020-99-99", "learning_rate"),
        of("a right date for a number", "learning_rate=2020-01-01", "learning_rate"),
        of("a tagged word for a number", "'layers=!!int abc'", "layers"),
        of("a tag of Python's", "'layers=!!python/object/apply:os.getcwd []'", "layers"),
        of("binary that is none", "'device=!!binary =a'", "device"),
        of("a time for a number", "layers=1:60:60", "layers"),
        of("an open bracket", "'iou=[0.1'", "iou"),
        of("an alias of nothing", "'iou=*a'", "iou"),
        of("a list that holds itself", "'iou=&a [*a]'", "iou"),
        of("half a surrogate pair for a word", "'device=\"\\ud800\"'", "device|surrogate"),
        of("an integer of 5000 digits", f"seed={'9' * 5000}", "seed"),
        of("a seed of 400 digits for training", f"seed={HUGE}", "seed"),
        of("a merge gap of 10^23", "merge_gap=100000000000000000000000", "merge_gap"),
        of("a merge gap of 10^23 seconds", "merge_gap_seconds=1e23", "merge_gap"),
        of("a learning rate of NaN", "learning_rate=.nan", "learning_rate"),
        of("a weight of infinity", "lambda_r=.inf", "lambda_r"),
        of("a momentum of NaN", "momentum=.nan", "momentum"),
        of("a threshold of NaN for training", "iou=[0.1,.nan]", "iou"),
        of("2000 thresholds", "iou=[" + ",".join(f"{number / 2e5}" for number in range(1, 2_000)) + "]", "iou"),
        of("10^15 units", "hidden_size=1000000000000000", "hidden_size"),
        of("10^15 layers", "layers=1000000000000000", "layers"),
        of("10^15 sequences", "sequences=1000000000000000", "sequences"),
        of("10^15 frames a sequence", "sequence_length=1000000000000000", "sequence_length"),
        of("10^15 iterations", f"iterations={HUGE}", "iterations"),
        of("10^15 threads", "threads=1000000000000000", "threads"),
        of("a model in no module", "model=nothing:Model", "nothing"),
        of("a loss in no module", "variant=nothing:loss", "nothing"),
        of("two losses and one weight", "variant=[score,smoothing]", "lambda_r"),
        of("a loss beside none", "variant=[none,score]", "variant"),
        of("losses in a list of lists", "variant=[[score],smoothing]", "variant"),
        of("no loss", "variant=[]", "variant"),
        of("a weight of a loss that is not there", "lambda_r.scor=1", "lambda_r"),
        of("a weight of nothing", "lambda_r.=1", "lambda_r"),
        of("a weight of NaN of one loss", "'lambda_r={score: .nan}'", "lambda_r"),
        of("a weight that is a mapping of one loss", "'lambda_r={score: {a: 1}}'", "lambda_r"),
        of("a list of weights", "lambda_r=[1,2]", "lambda_r"),
        of("an unknown network", "model=nothing", "nothing"),
        of("a device that is not there", "device=cuda:99", "cuda"),
        Case("two wrong settings", "train data --output out --set layers=0 --set seed=-1", "layers", DATA, lines=2),
        Case("no configuration", "train data --output out --config nothing", "nothing", DATA),
        config("a configuration that is a list", "[1]"),
        config("a configuration that is no text", b"\xff\xfe\x00\x01"),
        config("a configuration that is a folder", folder),
        config("a configuration that is a pipe", fifo),
        config("a configuration with numbers for keys", "1: 2"),
        config("a configuration with a list for a key", "? [1]\n: 2"),
        config("a configuration with a mapping for a key", "? {a: b}\n: 2"),
        config("a key that stands twice", "layers: 1\nlayers: 2", "layers"),
        config("aliases that stand for a billion values", ALIASES, lines=None),
        config("a configuration nested without end", "[" * 600),
        config("a configuration of 2 MB", "#" * (2**21)),
        config("a configuration with a date", "learning_rate: 2020-99-99", "learning_rate"),
        config("a configuration with control characters", "device: \x07"),
        Case("output below a file", "train data --output file/out", "file", {**DATA, "file": ""}),
        Case("output that is a file", "train data --output out", "out", {**DATA, "out": ""}),
        Case("output in a name of 300 letters", f"train data --output {LONG}", "x", DATA),
        Case("output that cannot be written", "train data --output /proc/out", "/proc/out", DATA),
        Case("a folder in which another training is at work", "train data --output out", "another training is at work", {**DATA, "out/.lock": held}),
        Case("trained on a full disk", "train data --output out --set iterations=1 --set hidden_size=2 --set threads=1", "full", DATA, disk=500, leaves=("out", "out/checkpoints")),
        resumed("a checkpoint with NaN", "checkpoint.json", changed(lambda content: content.update(losses={"loss": float("nan")}))),
        resumed("a checkpoint that is a list", "checkpoint.json", "[]"),
        resumed("a checkpoint that is empty", "checkpoint.json", "{}"),
        resumed("a checkpoint without its history", "checkpoint.json", without("history")),
        resumed("a checkpoint whose configuration is a list", "checkpoint.json", set_to("config", value=[])),
        resumed("a checkpoint whose iteration is a word", "checkpoint.json", set_to("iteration", value="last")),
        resumed("a checkpoint whose iteration is below 0", "checkpoint.json", set_to("iteration", value=-1)),
        resumed("a checkpoint whose losses are a list", "checkpoint.json", set_to("losses", value=[])),
        resumed("a checkpoint whose history is a number", "checkpoint.json", set_to("history", value=5)),
        resumed("a checkpoint without weights", "model.safetensors", removed),
        resumed("weights that are text", "model.safetensors", "x"),
        resumed("weights of another header", "model.safetensors", safetensors(b"[]")),
        resumed("an optimiser that is cut", "optimizer.safetensors", cut),
        resumed("an optimiser of nothing", "optimizer.safetensors", safetensors(b"{}")),
    ]  # fmt: skip


def _exported() -> Sequence[Case]:
    """Of `export`."""
    line = "export run out"

    def checkpoint(name: str, path: str, content: Any, says: str = "run") -> Case:
        return Case(name, line, says, {**RUN, f"{OLD}/{path}": content})

    def model(name: str, path: str, content: Any, says: str = "model") -> Case:
        return Case(name, "export model out", says, {**MODEL, f"model/{path}": content})

    return [
        Case("no run to export", line, "run"),
        Case("a run that is an empty folder", line, "run", {"run": folder}),
        Case("a destination that exists", line, "exists already", {**RUN, "out": ""}),
        Case("a destination below a file", "export run file/out", "file", {**RUN, "file": ""}),
        Case("a destination of 300 letters", f"export run {LONG}", "x", RUN),
        Case("exported to a full disk", line, "full", RUN, disk=100),
        Case("exported as MLflow's to a full disk", f"{line} --format mlflow", "full", RUN, disk=100),
        Case("a form that does not exist", f"{line} --format exe", "format", RUN),
        Case("metrics of a run that are a list", line, "metrics.json", {**RUN, "run/metrics.json": "[]"}),
        Case("metrics of a run without a merge gap", line, "metrics.json", {**RUN, "run/metrics.json": without("merge_gap")}),
        Case("alarms of a run that are a list", line, "metrics.json|alarms", {**RUN, "run/metrics.json": set_to("alarms", value=[1])}),
        checkpoint("a checkpoint to export that is a list", "checkpoint.json", "[]"),
        checkpoint("a checkpoint to export without a configuration", "checkpoint.json", without("config")),
        checkpoint("a checkpoint to export of no data set", "checkpoint.json", set_to("dataset", value=5)),
        checkpoint("a checkpoint to export without labels", "checkpoint.json", without("labels")),
        checkpoint("a checkpoint to export of -1 features", "checkpoint.json", set_to("feature_dim", value=-1)),
        checkpoint("a checkpoint to export of features in words", "checkpoint.json", set_to("feature_dim", value="four")),
        checkpoint("a checkpoint to export whose model is a list", "checkpoint.json", set_to("config", "model", value=[])),
        checkpoint("a checkpoint to export with cut weights", "model.safetensors", cut),
        Case("a report of a trial that is a list", line, "report.json", {"run/report.json": "[]", "run/outputs/metrics.json": "{}"}),
        model("a model that is a list", "detector.json", "[]"),
        model("a model of a later format", "detector.json", set_to("format_version", value=2)),
        model("a model with an unknown key", "detector.json", changed(lambda content: content.update(run="rm"))),
        model("a model at NaN frames a second", "detector.json", changed(lambda content: content.update(fps=float("nan")))),
        model("a model at a frame in 10^300 seconds", "detector.json", set_to("fps", value=1e-300)),
        model("a model of 10^9 units", "detector.json", set_to("architecture", "hidden_size", value=10**9)),
        model("a model with a merge gap of 10^23", "detector.json", set_to("merge_gap", value=10**23)),
        model("a model whose weights are a link", "model.safetensors", lambda path: (removed(path), linked("/dev/zero")(path))),
        model("a model whose weights are text", "model.safetensors", "x"),
        model("a model of a module that is not allowed", "detector.json", set_to("architecture", "model", value="own:Model"), "plugin"),
        Case("a study that is no folder", f"{line} --study nothing", "--study", RUN),
        Case("a study that was not tracked", "export abc out --study study", "study", {"study": folder}),
        Case("a study whose destination is a list", "export abc out --study study", "destination.json", {**STUDY, "study/tracking/destination.json": "[]"}),
        Case("a study whose store is gone", "export abc out --study study", r"mlflow\.db", STUDY),
        Case("a study whose store is no SQLite", "export abc out --study study", r"mlflow\.db", {**STUDY, "study/mlflow.db": "x" * 5000}),
        Case("registered in a store on a full disk", f"{line} --register a --tracking-uri sqlite:///x.db", r"x\.db", RUN, disk=30_000),
        Case("a name to register without a store", f"{line} --register a", "--tracking-uri", RUN),
    ]  # fmt: skip


def _detected() -> Sequence[Case]:
    """Of `detect`."""

    def recording(name: str, content: Any) -> Case:
        return Case(name, "detect model a.npy", r"a\.npy", {**MODEL, "a.npy": content})

    def stream(name: str, stdin: bytes, says: str = "frame 0") -> Case:
        return Case(name, STREAM, says, MODEL, stdin)

    frames = {**MODEL, "a.npy": stored("recording.npy")}
    return [
        Case("nothing to detect in", "detect model", "INPUT", MODEL),
        Case("no model", "detect model a.npy", "model", {"a.npy": stored("recording.npy")}),
        Case("a recording that is not there", "detect model a.npy", r"a\.npy", MODEL),
        recording("an empty recording", b""),
        recording("a recording that is text", "x"),
        recording("two recordings in one file", npy(np.zeros((3, 4), np.float32)) * 2),
        recording("a recording of objects", npy(np.array([[{}]]))),
        recording("a recording of words", npy(np.array([["a"]]))),
        recording("a recording of another width", npy(np.zeros((3, 5), np.float32))),
        recording("a recording of three dimensions", npy(np.zeros((3, 4, 1), np.float32))),
        recording("a recording with NaN", npy(np.full((3, 4), np.nan, np.float32))),
        recording("a recording of 10^15 frames", npy_of("(1000000000000000, 4)")),
        recording("a recording of -3 frames", npy_of("(-3, -4)")),
        recording("a recording with a broken header", npy([1.0, 2.0], header="{'descr': ")),
        recording("a recording with a header nested without end", npy([1.0, 2.0], header="(" * 9_000)),
        recording("a recording that is a pipe", fifo),
        recording("a recording that is a folder", folder),
        recording("a recording that is a loop of links", loop),
        Case("a folder without recordings", "detect model recordings", "recordings", {**MODEL, "recordings": folder}),
        Case("a folder with a broken recording", "detect model recordings", r"b\.npy", {
            **MODEL, "recordings/a.npy": stored("recording.npy"), "recordings/b.npy": "x"}),
        Case("a subset of a file", "detect model a.npy --subset test", "--subset", frames),
        Case("an unknown subset of a data set", "detect model data --subset nothing", "nothing", {**MODEL, **DATA}),
        Case("detections below a file", "detect model a.npy --out file/out", "file", {**frames, "file": ""}),
        Case("detections into a folder", "detect model a.npy --out out", "out", {**frames, "out/x": ""}),
        Case("detections into a link that leads to itself", "detect model a.npy --out loop", "loop", {**frames, "loop": loop}),
        Case("detections into a name of 300 letters", f"detect model a.npy --out {LONG}", "x", frames),
        Case("detections onto a full disk", "detect model a.npy --out found.json", "full", frames, disk=50),
        Case("alarms without a stream", "detect model a.npy --alarm rate=1/h", "--alarm", frames),
        Case("an alarm that is a word", f"{STREAM} --alarm often", "alarm", MODEL),
        Case("an alarm at NaN", f"{STREAM} --alarm rate=nan/h", "alarm|rate", MODEL),
        Case("revised every NaN seconds", f"{STREAM} --revise-every nan", "revise", MODEL),
        Case("revised every infinity of seconds", f"{STREAM} --revise-every inf", "revise", MODEL),
        stream("a stream of no JSON", b"x\n"),
        stream("a stream of a list", b"[1]\n"),
        stream("a frame that is a word", b'{"features": "abc"}\n'),
        stream("a frame that is null", b'{"features": null}\n'),
        stream("a frame of objects", b'{"features": [{}, {}, {}, {}]}\n'),
        stream("a frame of lists of lists", b'{"features": [[1], [2, 3], [], []]}\n'),
        stream("a frame of NaN", b'{"features": [NaN, 1, 2, 3]}\n'),
        stream("a frame of 400 digits", b'{"features": [' + HUGE.encode() + b", 1, 2, 3]}\n"),
        stream("a frame of 5000 digits", b'{"features": [' + b"9" * 5000 + b", 1, 2, 3]}\n"),
        stream("a frame nested without end", b'{"features": ' + b"[" * 100_000 + b"\n"),
        stream("a frame at a time that is a word", b'{"features": [0, 1, 2, 3], "time": "now"}\n'),
        stream("a frame at a time of 400 digits", b'{"features": [0, 1, 2, 3], "time": ' + HUGE.encode() + b"}\n"),
        stream("a stream of half a header", b"\x93NUMPY\x01"),
        stream("a stream with a broken header", npy([1.0, 2.0], header="{'descr': ")),
        stream("a stream with a header nested without end", npy([1.0, 2.0], header="(" * 9_000)),
        stream("a stream of frames of nothing", npy_of("(1000000000000000, 0)")),
        stream("a stream of objects", npy(np.array([{}]))),
    ]  # fmt: skip


def _studied() -> Sequence[Case]:
    """Of `study` and `sweep`."""

    def of(name: str, text: Any, says: str = "s.yaml", lines: int | None = 1) -> Case:
        return Case(name, "study validate s.yaml", says, {**DATA, "s.yaml": text}, lines=lines)

    def added(name: str, text: str, says: str, lines: int | None = 1) -> Case:
        return of(name, SMALL + text, says, lines)

    def swept(name: str, text: str, says: str) -> Case:
        return Case(name, "sweep s.yaml --output out", says, {"s.yaml": text})

    def override(name: str, setting: str, says: str) -> Case:
        return Case(name, f"study validate s.yaml --set {setting}", says, {**DATA, "s.yaml": SMALL})

    def begun(name: str, path: str, content: Any, says: str = "study") -> Case:
        return Case(
            name,
            "sweep study/study.yaml --dataset data --output study",
            says,
            {**DATA, **STUDY, f"study/{path}": content},
        )

    arms = ", ".join(f"{number / 2000}" for number in range(1000))
    return [
        Case("no study", "study validate nothing.yaml", "nothing.yaml"),
        Case("no study to show", "study show nothing.yaml", "nothing.yaml"),
        Case("a command that is none", "study run", "run"),
        Case("a command of all that is none", "trian", "trian"),
        Case("a study in a name of 300 letters", f"study validate {LONG}", "x"),
        of("an empty study", ""),
        of("a study that is a list", "- 1"),
        of("a study that is no text", b"\xff\xfe\x00"),
        of("a study that is a pipe", fifo),
        of("a study with tabs", "\tname: x"),
        of("a study with control characters", "name: \x07"),
        of("two studies", "name: a\n---\nname: b"),
        of("aliases for a billion values", SMALL + ALIASES, lines=None),
        of("aliases for a billion values in base", SMALL + "base:\n" + "".join(f"  {line}\n" for line in ALIASES.splitlines()), lines=None),
        of("merges for a billion values", SMALL + "base: &a {layers: 1}\nx: {<<: *a, y: {<<: *a}}", lines=None),
        of("a study nested without end", "[" * 600),
        of("a mapping nested without end", "{a: " * 600),
        of("a study of 2 MB", SMALL + "#" * (2**21)),
        added("a date for a number of trials", "search: {trials: 2020-99-99}", "trials"),
        added("a tagged word for trials", "search: {trials: !!int abc}", "trials"),
        added("a tagged list for trials", "search: {trials: !!int [1]}", "trials"),
        added("a tag of Python's in a study", "search: {trials: !!python/object/apply:os.getcwd []}", "trials"),
        added("a tagged set in a study", "base: !!set {layers}", "base", None),
        added("binary in a study", "description: !!binary =a", "description"),
        added("trials of 400 digits", f"search: {{trials: {HUGE}}}", "trials"),
        added("trials of 5000 digits", f"search: {{trials: {'9' * 5000}}}", "trials"),
        added("more seeds at first than at most", "confirm: {until: decided, seeds: 5, at_most: 4}", "at_most"),
        added("a number of seeds of 400 digits", f"confirm: {{seeds: {HUGE}}}", "seeds"),
        added("a budget of nothing", "budget: {}", "budget"),
        added("a budget of no hours", "budget: {hours: 0}", "hours"),
        added("a budget of GPUs that nothing uses", "budget: {gpu_hours: 2}", "gpu_hours"),
        added("seeds of 400 digits", f"confirm: {{seeds: [{HUGE}]}}", "seeds"),
        added("half a surrogate pair in a description", 'description: "\\ud800"', "surrogate"),
        swept("a null in the name of a data set", 'name: small\ndataset: "a\\0b"', "dataset|data set"),
        swept("a data set of 300 letters", f"name: small\ndataset: {LONG}", "dataset"),
        of("a data set that is a list", "name: small\ndataset: [a]", "dataset"),
        swept("a data set that is not there", "name: small\ndataset: nothing", "dataset"),
        of("a name of 300 letters for a study", f"name: {LONG}\ndataset: data", "name"),
        of("a name that climbs", "name: ../x\ndataset: data", "name"),
        added("a million arms", f"ablate: {{lambda_r: [{arms}], dropout: [{arms}]}}\nbase: {{variant: margin}}", "arms"),
        added("10^12 arms", "ablate: {" + ", ".join(f"{key}: [{arms}]" for key in ("lambda_r", "dropout", "weight_decay", "momentum")) + "}", "arms"),
        added("2000 values in a space", "search: {trials: 2, space: {lambda_r: {choices: [" + ", ".join(map(str, range(2_000))) + "]}}}\nbase: {variant: margin}", "choices|values"),
        added("a billion trials", "search: {trials: 1000000000, space: {learning_rate: {low: 0.1, high: 0.2}}}", "trials"),
        added("2000 seeds", "confirm: {seeds: [" + ", ".join(map(str, range(2_000))) + "]}", "seeds"),
        added("2000 thresholds in a study", "base: {iou: [" + ", ".join(str(number / 1e5) for number in range(1, 2_000)) + "]}", "iou"),
        added("merge gaps up to 10^23", "decode: {merge_gap: {low: 0, high: 100000000000000000000000}}", "merge_gap"),
        added("a merge gap of 10^23 in a study", "decode: {merge_gap: [100000000000000000000000]}", "merge_gap"),
        added("a space up to infinity", "search: {space: {learning_rate: {low: 0.1, high: .inf}}}", "high"),
        added("a space from NaN", "search: {space: {learning_rate: {low: .nan, high: 1}}}", "low"),
        added("a space of 10^300 steps", "search: {space: {learning_rate: {low: 0.1, high: 1.0e300, step: 0.1}}}", "learning_rate"),
        added("folds of 400 digits", f"folds: {{count: {HUGE}}}", "folds"),
        added("folds that are a list of lists", "folds: [[a], [b]]", "folds", None),
        added("repeats of 400 digits", f"repeats: {HUGE}", "repeats"),
        added("finalists without end", "search: {finalists: 1000000000}", "finalists"),
        swept("own folds of synthetic data", "name: small\ndataset: synthetic\nfolds: own", "folds"),
        swept("folds that are nowhere", "name: small\nfolds: [nothing/a, nothing/b]", "folds"),
        Case("more folds than recordings", "sweep s.yaml --output out", "too few for 1000 folds", {**DATA, "s.yaml": f"{SMALL}folds: {{count: 1000}}"}),
        Case("own folds of a data set without any", "sweep s.yaml --output out", "brings no folds", {**DATA, "s.yaml": f"{SMALL}folds: own"}),
        Case("the same data set for two folds", "sweep s.yaml --output out", "the same data", {"a": stored("data"), "b": stored("data"), "s.yaml": "name: small\nfolds: [a, b]"}),
        added("a metric that is none", "objective: {metric: nothing}", "metric"),
        added("a model in no module for a study", "trainable: nothing:Model", "nothing"),
        added("gpus of NaN", "resources: {gpus: .nan}", "gpus"),
        added("retries of 400 digits", f"failures: {{retries: {HUGE}}}", "retries"),
        override("a change without a value", "search", "--set"),
        override("a change without a name", "=4", "--set"),
        override("a change of nothing", "..=4", "--set"),
        override("a change that is no YAML", "'search.trials=[1'", "--set"),
        override("a change that is an alias", "'search.trials=*a'", "--set"),
        override("a change that holds itself", "'base.iou=&a [*a]'", "--set"),
        override("a change of entry 10^30 of a list", f"confirm.seeds.{10**30}=1", "--set"),
        override("a change of 5000 digits", f"confirm.seeds.{'9' * 5000}=1", "--set"),
        override("a change nested without end", f"base.iou={'[' * 600}", "--set"),
        override("a change of a date", "search.trials=2020-99-99", "trials"),
        Case("a synthetic study where another sweep is at work", "sweep s.yaml --output out", "another", {"s.yaml": "name: small\ndataset: synthetic", "out/sweep.lock": held}),
        Case("an output that is a file", "sweep quick --output out", "out", {"out": ""}),
        Case("an output below a file", "sweep quick --output file/out", "file", {"file": ""}),
        Case("an output of 300 letters", f"sweep quick --output {LONG}", "x"),
        Case("an output that cannot be written", "sweep quick --output /proc/out", "/proc/out"),
        Case("a study on a full disk", "sweep study/study.yaml --dataset data --output out", "full", {**DATA, **STUDY}, disk=50, leaves=("out", "out/ledger.jsonl")),
        begun("a study that began as a list", "study.json", "[]", "study.json"),
        begun("a study that began as nothing", "study.json", "{}", "study.json"),
        begun("a study whose base is a list", "study.json", set_to("study", "base", value=[1]), "study.json"),
        begun("a study whose model resets are a list", "study.json", changed(lambda content: content["study"].update(model_resets=[1])), "study.json"),
        begun("a ledger whose line is a list", "ledger.jsonl", first_line("[]"), "ledger.jsonl"),
        begun("a ledger whose line is empty", "ledger.jsonl", first_line("{}"), "ledger.jsonl"),
        begun("a ledger whose line is no JSON", "ledger.jsonl", first_line("x"), "ledger.jsonl"),
        begun("a ledger of an unknown event", "ledger.jsonl", first_line('{"op_code": 99, "worker_id": "a"}'), "ledger.jsonl"),
        begun("a ledger that is a folder", "ledger.jsonl", lambda path: (removed(path), path.mkdir()), "ledger.jsonl"),
        begun("a ledger nested without end", "ledger.jsonl", first_line("[" * 100_000), "ledger.jsonl"),
        begun("a ledger that is a pipe", "ledger.jsonl", lambda path: (removed(path), fifo(path)), "ledger.jsonl"),
        begun("a ledger of numbers", "ledger.jsonl", b"\xff" * 100 + b"\n", "ledger.jsonl"),
    ]  # fmt: skip


def _told() -> Sequence[Case]:
    """Of `report`, `sync` and `ui`."""

    def begun(name: str, line: str, path: str, content: Any, says: str = "study") -> Case:
        return Case(name, line, says, {**STUDY, f"study/{path}": content})

    journal, kept = "tracking/journal.jsonl", "tracking/destination.json"
    return [
        Case("no study to report on", "report nothing", "nothing"),
        Case("nothing to report on", "report", "STUDY"),
        Case("two folders for a report", "report study --out a --out=b", "--out: is given 2 times", STUDY),
        Case("a report on a study that was not tracked", "report study", "study", {"study": folder}),
        Case("a report without a store", "report study", r"mlflow\.db", STUDY),
        Case("a report on a study and itself", "report study ./study", "more than once", STUDY),
        Case("a report into a file", "report study --out out", "out", {**STUDY, "out": ""}),
        Case("a report into something else", "report study --out out", "out", {**STUDY, "out/x": ""}),
        Case("a report into a name of 300 letters", f"report study --out {LONG}", "x", STUDY),
        begun("a report on a store that is no SQLite", "report study", "mlflow.db", "x" * 5000, r"mlflow\.db"),
        begun("a report on an empty store", "report study", "mlflow.db", "", r"mlflow\.db"),
        begun("a report on a store that is a folder", "report study", "mlflow.db/x", "", r"mlflow\.db"),
        begun("a report on a journal of a list", "report study", journal, first_line("[]")),
        begun("a report on a journal of a number", "report study", journal, first_line("5")),
        begun("a report on a journal of no text", "report study", journal, b"\xff\xfe\n"),
        begun("a report on a destination that is a list", "report study", kept, "[]", "destination.json"),
        begun("a report on a destination without an address", "report study", kept, "{}", "destination.json"),
        begun("a report on a destination that is a number", "report study", kept, '{"uri": 5}', "destination.json"),
        begun("a destination that is no JSON", "sync study", kept, "x", "destination.json"),
        begun("a journal of nothing but a list", "sync study", journal, b"[]\n"),
        begun("a journal of nothing but an empty record", "sync study", journal, b"{}\n"),
        begun("a journal that is a folder", "sync study", journal, lambda path: (removed(path), path.mkdir())),
        begun("a report on a store that is SQLite only at first", "report study", "mlflow.db", b"SQLite format 3\0" + b"x" * 5000, r"mlflow\.db"),
        begun("a store that is SQLite only at first", "export abc out --study study", "mlflow.db", b"SQLite format 3\0" + b"x" * 5000, r"mlflow\.db"),
        Case("patience of NaN", "sync study --patience nan", "patience", STUDY),
        Case("patience without end", "sync study --patience inf", "patience", STUDY),
        Case("patience below 0", "sync study --patience -1", "patience", STUDY),
        Case("a store below a file", "sync study --tracking-uri sqlite:///file/x.db", "file", {**STUDY, "file": ""}),
        Case("a study told to a store below a file", "sweep study/study.yaml --dataset data --output out --tracking-uri sqlite:///file/x.db", "file", {**DATA, **STUDY, "file": ""}),
        Case("a study told to a store that is text", "sweep study/study.yaml --dataset data --output out --tracking-uri sqlite:///x.db", "SQLite", {**DATA, **STUDY, "x.db": "x"}),
        Case("no study to send", "sync nothing", "nothing"),
        begun("an interface to a store that is no SQLite", "ui study", "mlflow.db", "x" * 5000, r"mlflow\.db"),
        begun("an interface to a store that is SQLite only at first", "ui study", "mlflow.db", b"SQLite format 3\0" + b"x" * 5000, r"mlflow\.db"),
        begun("an interface to a store without tables", "ui study", "mlflow.db", database, r"no such table"),
        begun("an interface to a store of another MLflow", "ui study", "mlflow.db", foreign, r"cannot use this store .*schema"),
        Case("an interface at port 0", "ui study --port 0", "port", STUDY),
        Case("an interface at port 70000", "ui study --port 70000", "port", STUDY),
        Case("an interface to nothing", "ui", "results"),
    ]  # fmt: skip


def _addressed() -> Sequence[Case]:
    """Of addresses of MLflow's stores, in each command that takes one."""
    commands = {
        "report": "report study",
        "sync": "sync study",
        "export": "export abc out",
        "sweep": "sweep study/study.yaml --dataset data --output out",
    }
    addresses = {
        "an open bracket": "http://[::1",
        "a host without a scheme": "localhost:5000",
        "no file": "sqlite://",
        "a database without its driver": "mssql://a/b",
        "no host": "http://",
        "a scheme that is none": "ftp://a/b",
        "a port beyond all": "http://localhost:99999",
        "a word": "here",
    }
    return [
        Case(f"{command} to {name}", f"{line} --tracking-uri {address}", "--tracking-uri", {**DATA, **STUDY})
        for command, line in commands.items()
        for name, address in addresses.items()
    ]


def _forbidden() -> Sequence[Case]:
    """Of what the user may not read, or not write."""

    def unread(name: str, line: str, path: str, written: Mapping[str, Any]) -> Case:
        return Case(name, line, "Permission denied|not readable", {**written, f"{path}/": locked}, ordinary=True)

    def unwritten(name: str, line: str, written: Mapping[str, Any], place: str = "theirs/out") -> Case:
        return Case(
            name,
            f"{line} {place}",
            "cannot be written .Permission denied",
            {**written, "theirs": guarded},
            ordinary=True,
        )

    store = "--tracking-uri sqlite:///"
    return [
        unread("a data set that may not be entered", "data describe data", "data", DATA),
        unread("a description that may not be read", "data describe data", "data/dataset.json", DATA),
        unread("features that may not be read", "data describe data", "data/features/features.arrow", DATA),
        unread("a folder of features that may not be entered", "train data --output out", "data/features", DATA),
        unread("a study that may not be read", "sweep s.yaml --output out", "s.yaml", {**DATA, "s.yaml": SMALL}),
        unread("a store that may not be read", "report study", "study/mlflow.db", {**STUDY, "study/mlflow.db": "x"}),
        unread("a model that may not be entered", "detect model data", "model", {**MODEL, **DATA}),
        unread("weights that may not be read", "detect model data", "model/model.safetensors", {**MODEL, **DATA}),
        unread("a recording that may not be read", "detect model a.npy", "a.npy", {**MODEL, "a.npy": stored("recording.npy")}),
        unread("a matrix that may not be read", IMPORT, "raw/a.npy", source()),
        unread("annotations that may not be read", IMPORT, "raw/annotations.json", source()),
        unread("ground truth that may not be read", EVALUATE, "truth.json", SCORED),
        unwritten("made where nothing may be written", "data synthesize", {}),
        unwritten("imported where nothing may be written", "data import directory --fps 4 raw", source()),
        unwritten("trained where nothing may be written", "train data --output", DATA),
        unwritten("exported where nothing may be written", "export run", RUN),
        unwritten("detected where nothing may be written", "detect model data --out", {**MODEL, **DATA}),
        unwritten("a study where nothing may be written", "sweep s.yaml --output", {**DATA, "s.yaml": SMALL}),
        Case("a store where nothing may be written", f"sync study {store}theirs/x.db", "Permission denied", {**STUDY, "theirs": guarded}, ordinary=True),
        Case("a store that may not be written", f"sync study {store}x.db", "Permission denied", {**STUDY, "x.db": readable}, ordinary=True),
    ]  # fmt: skip


GROUPS = (
    _forbidden,
    _addressed,
    _described,
    _imported,
    _features,
    _frames,
    _made,
    _evaluated,
    _trained,
    _exported,
    _detected,
    _studied,
    _told,
)
CASES: Sequence[Case] = [case for group in GROUPS for case in group()]
