"""Studies as the platform runs them: read, checked against the training settings and the data set."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from crescendo.search_spaces.checks.resolution import Resolved
from crescendo.search_spaces.checks.schema_errors import suggestion
from crescendo.search_spaces.loading import read_study, study_text
from crescendo.search_spaces.problems import StudyError
from crescendo.search_spaces.study import Study
from crescendo.trainables.config import TrainingConfig
from crescendo.trainables.config_files import AUTO, read_settings
from crescendo.trainables.effects import without_effect
from crescendo.trainables.errors import InputError
from crescendo.trainables.evaluation.metric_keys import mean_ap_keys
from crescendo.trainables.evaluation.protocols import PROTOCOLS
from crescendo.trainables.losses.joint import joint_name, variant_names
from crescendo.trainables.losses.variants import CROSS_ENTROPY, VARIANTS
from crescendo.trainables.models.registry import MODELS
from crescendo.trainables.registry import is_plugin
from crescendo.trainables.storage.addresses import shown_dataset
from crescendo.trainables.storage.files import user_path

if TYPE_CHECKING:
    from crescendo.trainables.auto_config import AutoConfig

SYNTHETIC = "synthetic"

# A study is checked at thousands of settings, and one's own loss is tried on a small batch each time it is resolved.
_variant = functools.cache(VARIANTS.resolve)

_PARTED = ("lambda_r",)


def load_study(name_or_file: str, overrides: Sequence[str] = (), dataset: str | Path | None = None) -> Study:
    """Return the study, checked whole; its `base` holds every training setting.

    Parameters
    ----------
    overrides
        `key=value` with dotted keys, as `--set` takes them.
    dataset
        A prepared data set to use in place of the study's, which then need not name one.

    Raises
    ------
    InputError
        With every problem of the study, one line each.
    """
    # It stands for the folder itself, any path, until that takes its place.
    given = () if dataset is None else ("dataset=given",)
    try:
        study = read_study(name_or_file, (*given, *overrides), resolve_settings, lambda read: _under(read, dataset))
    except StudyError as error:
        raise InputError(str(error)) from None
    if isinstance(study.folds, tuple):
        if dataset is not None:
            raise InputError(
                f"--dataset {shown_dataset(str(dataset))}: {study.name} lists the data sets of its folds; change them with "
                "--set folds"
            )
        folds = tuple(map(_address, study.folds))
        return study.model_copy(update={"folds": folds, "dataset": folds[0]})
    return study.model_copy(update={"dataset": _address(study.dataset if dataset is None else str(dataset))})


def auto_reasons(study: Study) -> tuple[str, ...]:
    """Return in lines how the settings of a study whose base is `config: auto` follow from its data set, as far as they do.

    What the study sets otherwise, in its base or for the merge gap under `decode`, is left out.
    """
    if study.base.get("config") != AUTO:
        return ()
    auto = _auto(study.dataset)
    told = zip(auto.settings.items(), auto.reasons, strict=True)
    searched = {"merge_gap"} if study.decode.merge_gap is not None else set()
    return tuple(f"{AUTO}: {line}" for (key, value), line in told if study.base[key] == value and key not in searched)


def _under(study: Study, dataset: str | Path | None) -> Mapping[str, Any]:
    """Return the settings that lie under the base of `study`: those of `config: auto`.

    Raises
    ------
    ValueError
        If they cannot be had from the study's own data set.
    InputError
        If they cannot be had from `dataset`, given in place of it.
    """
    if study.base.get("config") != AUTO:
        return {}
    first = study.folds[0] if isinstance(study.folds, tuple) else study.dataset if dataset is None else str(dataset)
    try:
        return _auto(_address(first)).settings
    except InputError as error:
        why = f"{error}; `base.config: {AUTO}` is worked out from it"
        if first == study.dataset or isinstance(study.folds, tuple):
            raise ValueError(why) from None
        raise InputError(f"--dataset {why}") from None


def _auto(address: str) -> AutoConfig:
    # pyarrow takes its time, and most studies have no need of it.
    from crescendo.trainables.auto_config import auto_config
    from crescendo.trainables.data.fold_sets import fold_sets
    from crescendo.trainables.data.remote import is_remote, open_dataset
    from crescendo.trainables.data.synthetic import synthesize

    if address == SYNTHETIC:
        with TemporaryDirectory(prefix="crescendo-") as folder:
            return auto_config(synthesize(Path(folder) / SYNTHETIC))
    folds = {} if is_remote(address) else fold_sets(address)
    return auto_config(open_dataset(next(iter(folds.values()), address)))


def _address(dataset: str) -> str:
    return str(user_path(dataset)) if dataset.startswith("~") else dataset


def study_source(name_or_file: str) -> str:
    """Return the text of a shipped study or a file; `InputError` if it is neither."""
    try:
        return study_text(name_or_file)[0]
    except StudyError as error:
        raise InputError(str(error)) from None


def study_schema() -> dict[str, Any]:
    """Return the JSON schema of a study, the names of the models in it."""
    content = Study.model_json_schema()
    names, own = {"enum": list(MODELS)}, {"type": "string", "pattern": r"^[\w.]+:\w+$"}
    content["properties"]["trainable"] |= {"anyOf": [names, own], "default": next(iter(MODELS))}
    return content


def check_dataset(study: Study) -> None:
    """Refuse a study whose data set is no prepared one; only its presence is looked at, of one at a URI not even that.

    Raises
    ------
    InputError
    """
    # pyarrow takes its time, and `study list` has no need of it.
    from crescendo.trainables.data.remote import is_remote
    from crescendo.trainables.data.splits import FOLDS

    sets = isinstance(study.folds, tuple)
    key, made, other = (
        ("folds", "", "") if sets else ("dataset", f", or `{SYNTHETIC}`,", ", or name another with --dataset")
    )
    if study.dataset == SYNTHETIC and study.folds == "own":
        raise InputError(
            f"{study.name}: folds: own, but the {SYNTHETIC} data set brings no folds; ask for {{count: 5}}"
        )
    for dataset in study.folds if isinstance(study.folds, tuple) else (study.dataset,):
        if is_remote(dataset) or (dataset == SYNTHETIC and not sets) or (Path(dataset) / "dataset.json").is_file():
            continue
        if (Path(dataset) / FOLDS).is_file():
            if study.folds == "own":
                continue
            raise InputError(
                f"{study.name}: {dataset}: holds a data set of each of several folds; set `folds: own` for all of them, or "
                "name one of the folders in it"
            )
        raise InputError(
            f"{study.name}: {key}: must be a prepared data set{made} but {dataset!r} is none (no dataset.json); make one with "
            f"`crescendo data import`{other}"
        )


def resolve_settings(values: Mapping[str, Any]) -> Resolved:
    """Complete and check training settings; a key `config` names a configuration that the others are laid over."""
    known = tuple(TrainingConfig.model_fields)
    settings = dict(values)
    config = settings.pop("config", None)
    if config not in (None, AUTO):  # what auto stands for was laid under the settings (`load_study`)
        try:
            settings = {**read_settings(config if isinstance(config, str) else repr(config)), **settings}
        except InputError as error:
            return Resolved({}, [("config", str(error))], known, without_effect(), parted=_PARTED)
    idle, pixels = without_effect(variant=_variant_of(settings)), _has_pixels(settings.get("model"))

    def wrong(errors: list[tuple[str, str]]) -> Resolved:
        return Resolved({}, errors, known, idle, pixels=pixels, parted=_PARTED)

    try:
        checked = TrainingConfig.model_validate(settings)
    except ValidationError as error:
        return wrong([_rule(one, known) for one in error.errors(include_url=False)])
    for key, resolve in (("variant", _resolve_variants), ("protocol", PROTOCOLS.resolve)):
        try:
            resolve(getattr(checked, key))
        except InputError as error:
            return wrong([(key, str(error).removeprefix(f"{key}: "))])
    if is_plugin(checked.model):
        # torch takes seconds, and only one's own model needs it here.
        from crescendo.trainables.models.contract import problem_of

        if (problem := problem_of(checked.model)) is not None:
            return wrong([("model", problem)])
    metrics = [str(key) for key in mean_ap_keys(checked.iou)]
    idle = without_effect(checked.model, variant=checked.variant)
    return Resolved(checked.for_identity(), [], known, idle, metrics, MODELS.resolve(checked.model).pixels, _PARTED)


def _resolve_variants(variant: str) -> None:
    for name in variant_names(variant):
        _variant(name)


def _variant_of(settings: Mapping[str, Any]) -> str:
    """Return the name of the variant, or variants, of settings that may be wrong."""
    variant = settings.get("variant", CROSS_ENTROPY)
    return joint_name([str(name) for name in variant]) if isinstance(variant, list | tuple) else str(variant)


def _has_pixels(model: Any) -> bool:
    return model in MODELS and MODELS[model].pixels


def _rule(error: Any, known: Sequence[str]) -> tuple[str, str]:
    key = str(error["loc"][0]) if error["loc"] else ""
    if error["type"] == "extra_forbidden":
        return key, "no such setting" + suggestion(key, known)
    if error["type"] == "value_error":  # a rule of ours, which says what it got
        return key, str(error["msg"]).removeprefix("Value error, ")
    return key, f"{str(error['msg']).replace('Input should be', 'must be')} but got {error['input']!r:.80}"
