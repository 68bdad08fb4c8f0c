"""Every error of a study file, all at once, each with its line, key, value and rule."""

import contextlib
import textwrap
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from crescendo.platform.studies.settings import resolve_settings
from crescendo.search_spaces.arms import arms_of, baseline_of
from crescendo.search_spaces.loading import parse_study, read_study, shipped_studies, study_text
from crescendo.search_spaces.problems import StudyError
from crescendo.search_spaces.study import Study

HEAD = "name: test\ndataset: synthetic\n"


def errors(text: str, *overrides: str) -> list[str]:
    with pytest.raises(StudyError) as error:
        parse_study(text, "s.yaml", overrides, resolve_settings)
    return list(error.value.lines)


def parsed(text: str, *overrides: str) -> Study:
    return parse_study(text, "s.yaml", overrides, resolve_settings)


WHOLE_FILES = [
    ("", "s.yaml:1: must be a mapping of keys to values but it is empty"),
    ("- a\n", "s.yaml:1: must be a mapping of keys to values but it is none"),
    ("name: [a\n", "s.yaml:2: not valid YAML: expected ',' or ']'"),
    ("name: a\n\tdataset: b\n", "s.yaml:2: not valid YAML: found character '\\t'"),
    ("name: a\x00\n", "s.yaml:1: not valid YAML: unacceptable character"),
    ("name: test\n", "s.yaml:1: dataset: must be given"),
    ("name: a/b\ndataset: x\n", "s.yaml:1: name: must be letters, digits and any of _ - . = , + after a first"),
]
BELOW_THE_HEAD = """
name: other
-> 1: name: must stand once but stands on lines 1 and 3

datasets: x
-> 3: datasets: unknown key; did you mean dataset?

zzz: x
-> 3: zzz: unknown key; known are name, description, dataset,

search: {trails: 3}
-> 3: search.trails: unknown key; did you mean trials?

search: 3
-> 3: search: must be a mapping of keys to values but got 3

search:
-> 3: search: must be a mapping of keys to values but got None

trainable: lsmt
-> 3: trainable: must be one of lstm, gru, cnn, vgg19, or MODULE:ATTRIBUTE for your own, but got 'lsmt'

base: {config: hatp}
-> 3: base.config: hatp: neither a file nor a shipped configuration (gtea, hapt

base: {bppt: 3}
-> 3: base.bppt: no such setting; did you mean bptt?

base:
  dropout: 2
-> 4: base.dropout: must be less than 1 but got 2

base: {seed: 3}
-> 3: base.seed: cannot be set here: the search phase's is search.seed

base: {model: cnn}
-> 3: base.model: cannot be set here: write it as trainable

base: {bptt: 200}
-> 3: base: bptt must be at most sequence_length (100) but got 200

base: {dropout: {a: 1}}
-> 3: base.dropout.a: no such setting

base: {config: tug}
-> 1: decode.merge_gap: must be given, in frames

ablate: {variant: []}
-> 3: ablate.variant: must hold at least one value but is empty

ablate: {}
-> 3: ablate: the grid must name at least one setting

ablate: {variant: none}
-> 3: ablate.variant: must be a list but got 'none'

ablate: {variant: [a]}
-> 3: ablate.variant.0: must be one of none, score, margin, combined, naive, linear_early,

ablate: {varaint: [none]}
-> 3: ablate.varaint.0: no such setting; did you mean variant?

ablate: {iou: [0.5]}
-> 3: ablate.iou.0: cannot be ablated: every arm must be measured alike

ablate:
- {name: a}
- {name: a, settings: {bptt: 5}}
-> 5: ablate.1: every arm must have a name of its own

ablate:
- {name: a}
- {name: b, settings: {bptt: 20}}
-> 5: ablate.1: arms must differ but b and a come to

ablate:
- {name: a}
- {name: b, settings: {lambda_r: 9}}
-> 5: ablate.1: arms must differ but b and a come

ablate:
- {nam: a}
-> 4: ablate.0.nam: unknown key; did you mean name?

ablate:
- {name: a, grid: {bptt: [1]}}
-> 4: ablate.0: must have either a grid or a name

ablate: {bptt: [20, 120]}
-> 3: ablate: bptt must be at most sequence_length (100) but got 120 (arm bptt=120)

ablate: {bptt: [2, 5]}
baseline: {bptt: 3}
-> 4: baseline: must fit one arm but {'bptt': 3} fits none of bptt=2

ablate: {bptt: [2, 5]}
baseline: {layers: 1}
-> 4: baseline: must fit one arm but {'layers': 1} fits 2

ablate: {bptt: [2, 5]}
baseline: x
-> 4: baseline: must fit one arm but 'x' fits none

baseline: {latent: 1}
-> 3: baseline

search: {trials: 0}
-> 3: search.trials: must be greater than or equal to 1 but got 0

search: {trials: 1.5}
-> 3: search.trials: must be a valid integer but got 1.5

search: {sampler: tpee}
-> 3: search.sampler: must be 'tpe', 'gp', 'cmaes', 'random' or 'grid' but got 'tpee'

search: {space: {dropout: {low: 0.5, high: 0.1}}}
-> 3: search.space.dropout: low must be below high but got low 0.5, high 0.1

search: {space: {dropout: {low: 0.5}}}
-> 3: search.space.dropout.high: must be given

search: {space: {dropout: {low: x, high: 1}}}
-> 3: search.space.dropout.low: must be a number but got 'x'

search: {space: {dropout: {low: 0.5, high: 1.5}}}
-> 3: search.space.dropout: must be less than 1 but got 1.5

search: {space: {droput: {low: 0.5, high: 0.6}}}
-> 3: search.space.droput: no such setting; did you mean dropout?

search: {space: {hidden_size: {low: 0.5, high: 8}}}
-> 3: search.space.hidden_size: must be a valid integer

search: {space: {merge_gap: {low: 0, high: 60}}}
-> 3: search.space.merge_gap: cannot be searched here: it needs no

search: {space: {seed: [1, 2]}}
-> 3: search.space.seed: cannot be searched here

search: {space: {lambda_r: [1, 6]}}
-> 3: search.space.lambda_r: has no effect in base, where variant is none; say when: {variant: [...]}

search: {space: {fc7_learning_rate: [1e-5, 1e-4]}}
-> 3: search.space.fc7_learning_rate: has no effect in base, where fc7 is new and fc7_size is 0; say when: {fc7: [...]}

trainable: vgg19
base: {config: vgg19}
search: {space: {hidden_size: [8, 16]}}
-> 5: search.space.hidden_size: has no effect in base, where model is vgg19; say when: {model: [...]}

ablate: [{name: cnn, settings: {model: cnn}}, {name: tuned, settings: {model: vgg19}}]
-> 3: ablate.0: model vgg19 learns from pixels and cnn from features (arm cnn); no data set holds both: make a study of

trainable: vgg19
base: {config: vgg19, fc7: from_checkpoint}
-> 4: base: fc7_size and fc7 belong to models lstm, gru and cnn

trainable: gru
base: {reset: memory}
-> 4: base.reset: must be state or none for model gru, which has no memory cells to clear, but got memory

ablate: {model: [lstm, gru]}
decode: {reset: [state, memory]}
-> 4: decode.reset.1: must be state or none for model gru, which has no memory cells to clear, but got memory (arm

ablate: [{name: LSTM}, {name: GRU, settings: {model: gru, reset: memory}}]
-> 3: ablate.1.settings.reset: must be state or none for model gru, which has no memory cells to clear, but got memory (arm GRU)

trainable: gru
base: {config: paper}
-> 4: base.reset: must be state or none for model gru, which has no memory cells to clear, but got memory

trainable: nowhere:Model
-> 3: trainable: nowhere:Model: the module nowhere cannot be imported (ModuleNotFoundError: No module named 'nowhere')

base: {sequence_length: 1, bptt: 1, variant: score}
-> 3: base: variant must be none, linear_early, exponential, weighted, confident or progress where sequence_length is 1

search: {space: {bptt: {low: 5, high: 150}}}
-> 3: search.space.bptt: bptt must be at most sequence_length (100)

search: {space: {layers: {low: 1, high: 2, when: {optimiser: sgd}}}}
-> 3: search.space.layers.when.optimiser: no arm, base or space has this

search: {space: {layers: {low: 1, high: 2, when: {variant: scores}}}}
-> 3: search.space.layers

search: {space: {layers: {low: 1, high: 2, when: {variant: score}}}}
-> 3: search.space.layers: no arm searches it

ablate: {layers: [1, 2]}
search: {space: {layers: [1, 2, 3]}}
-> 4: search.space.layers: no arm searches it

search: {sampler: grid, space: {dropout: {low: 0.1, high: 0.5}}}
-> 3: search.space.dropout: must have a step, or choices

search: {space: {layers: [1, 2]}, start: [{layers: 3}]}
-> 3: search.start.0.layers: must lie in search.space.layers (one of 1, 2) but got 3

search: {space: {dropout: {low: 0.1, high: 0.5}}, start: [{dropout: none}]}
-> 3: search.start.0.dropout: must lie in search.space.dropout (0.1 to 0.5) but got 'none'

search: {start: [{layers: 3}]}
-> 3: search.start.0.layers: is not searched; give it a space as search.space.layers

search: {start: [{merge_gap: 3}]}
-> 3: search.start.0.merge_gap: is not searched; give it a space as decode.merge_gap

search: {start: [{}]}
-> 3: search.start.0: must name at least one setting

search: {start: {layers: 1}}
-> 3: search.start: must be a list but got

decode: {merge_gap: {low: 0.5, high: 3}}
-> 3: decode.merge_gap: must be

decode: {merge_gap: -1}
-> 3: decode.merge_gap: must be greater than or equal to 0 but got -1

decode: {merge_gap: {low: 1, high: 3, when: {variant: none}}}
-> 3: decode.merge_gap.when: a merge gap has no conditions

decode: {reset: [memory, cell]}
-> 3: decode.reset: must be 'memory', 'state' or 'none' but got 'cell'

objective: {metric: mAP@0.5}
-> 3: objective.metric: must be one of mAP/iou_0.10, mAP/iou_0.20,

objective: {metric: mAP/iou_0.55}
-> 3: objective.metric: must be one of mAP/iou_0.10, mAP/iou_0.20,

objective: {split: test}
-> 3: objective.split: must be validation: the test split is scored once, in the confirm

objective: {split: training}
-> 3: objective.split: must be validation

objective: {direction: minimize}
-> 3: objective.direction: must be maximize

confirm: {seeds: []}
-> 3: confirm.seeds: must hold at least one value but is empty

confirm: {seeds: [1, 1]}
-> 3: confirm.seeds: every seed must stand once but 1 stands 2 times

confirm: {seeds: [1000]}
-> 3: confirm.seeds: must be fresh but 1000 is the search phase's

resources: {cpus: 0}
-> 3: resources.cpus: must be greater than or equal to 1 but got 0

resources: {gpus: 2}
-> 3: resources.gpus: must be less than or equal to 1 but got 2

resources: {cohort: 0}
-> 3: resources.cohort: must be auto, or a whole number of at least 1, but got 0

resources: {cohort: many}
-> 3: resources.cohort: must be auto, or a whole number of at least 1, but got 'many'

resources: {gpus: 0.5, cohort: 2}
-> 3: resources: a cohort trains on a whole GPU, or on none: set gpus to 1 or 0, or cohort to 1, but got gpus 0.5 with cohort 2

early_stopping: asha
-> 3: early_stopping: must be a mapping of keys to values but got 'asha'

resources: {cpus:3}
-> 3: resources.cpus:3: unknown key; YAML takes it for one word: write a blank after the colon, `cpus: 3`

folds: {count: 3, by:group}
-> 3: folds.by:group: unknown key; YAML takes it for one word: write a blank after the colon, `by: group`

base: {layers:2}
-> 3: base.layers:2: no such setting; YAML takes it for one word

early_stopping: {asha: {}}
-> 3: early_stopping.asha.grace: must be given

early_stopping: {asha: {grace: 1000}}
-> 3: early_stopping.asha.grace: must be below base.iterations (1000)

failures: {retries: -1}
-> 3: failures.retries: must be greater than or equal to 0 but got -1

base: &a {config: *a}
-> 3: base.config: must not hold itself

description: !!python/object:os.system x
-> 3: description: must be a plain value, without the tag
"""
ONE_ERROR = [
    *WHOLE_FILES,
    *(
        (HEAD + text + "\n", f"s.yaml:{start}")
        for text, start in (case.split("\n-> ") for case in BELOW_THE_HEAD.strip().split("\n\n"))
    ),
]


@pytest.mark.parametrize(("text", "start"), ONE_ERROR)
def test_one_error_is_one_line(text: str, start: str) -> None:
    lines = errors(text)
    assert lines[0].startswith(start)
    assert len(lines) == 1
    assert "\n" not in lines[0]


def test_all_errors_are_shown_at_once_in_the_order_of_the_file() -> None:
    text = textwrap.dedent("""\
        name: test
        dataset: synthetic
        descripton: x
        ablate:
          variant: [none, scores]
        base: {config: nope, hidden_size: 1.5}
        search:
          trials: 0
          sampler: magic
          space:
            lambda_r: {low: 30, high: 0.1, log: true}
            dropout: {low: 0.1, hihg: 0.2}
            hidden_sise: [1, 2]
            learning_rate: {low: 1e-4, high: 1e-1, log: true}
          start: [{lambda_r: 6}, {learning_rate: 1}]
        objective: {metric: mAP@0.5, split: test}
        confirm: {seeds: [0, 0]}
        """)
    found = [line.split(": ")[:2] for line in errors(text, "resources.cpus=0")]
    assert found == [
        ["--set resources.cpus=0", "resources.cpus"],
        ["s.yaml:3", "descripton"],
        ["s.yaml:5", "ablate.variant.1"],
        ["s.yaml:6", "base.config"],
        ["s.yaml:6", "base.hidden_size"],
        ["s.yaml:8", "search.trials"],
        ["s.yaml:9", "search.sampler"],
        ["s.yaml:11", "search.space.lambda_r"],
        ["s.yaml:12", "search.space.dropout.high"],
        ["s.yaml:12", "search.space.dropout.hihg"],
        ["s.yaml:13", "search.space.hidden_sise"],
        ["s.yaml:15", "search.start.1.learning_rate"],
        ["s.yaml:16", "objective.split"],
        ["s.yaml:16", "objective.metric"],
        ["s.yaml:17", "confirm.seeds"],
    ]


def test_a_broken_entry_brings_no_echo() -> None:
    # The starting value, the arms and the baseline rest on what is broken: they are not accused as well.
    text = HEAD + textwrap.dedent("""\
        ablate: {variant: [none, score, score]}
        baseline: {variant: score}
        search:
          space: {lambda_r: {low: 30, high: 1, when: {variant: score}}}
          start: [{lambda_r: 6}]
        """)
    assert [line.split(": ")[:2] for line in errors(text)] == [
        ["s.yaml:3", "ablate.variant"],
        ["s.yaml:6", "search.space.lambda_r"],
    ]


def test_conditions_that_go_round_in_a_circle() -> None:
    space = "{layers: {low: 1, high: 2, when: {bptt: 5}}, bptt: {choices: [5, 6], when: {layers: 1}}}"
    lines = errors(HEAD + f"search: {{space: {space}}}\n")
    assert [line.partition(" (")[0] for line in lines] == [
        "s.yaml:3: search.space.layers.when: goes round in a circle: layers depends on itself",
        "s.yaml:3: search.space.bptt.when: goes round in a circle: bptt depends on itself",
    ]


class TestOverrides:
    TEXT = HEAD + "base: {iterations: 5}\nablate: {variant: [none, score]}\nsearch: {trials: 2}\n"

    def test_values_replace_those_of_the_file(self) -> None:
        study = parsed(
            self.TEXT,
            "search.trials=4",
            "base.learning_rate=1e-3",
            "ablate.variant=[none, margin]",
            "confirm.seeds=[7]",
        )
        assert study.search.trials == 4
        assert study.base["learning_rate"] == 1e-3
        assert [arm.name for arm in arms_of(study)] == ["variant=none", "variant=margin"]
        assert study.confirm.seeds == (7,)

    def test_the_last_one_wins(self) -> None:
        assert parsed(self.TEXT, "search.trials=4", "search.trials=6").search.trials == 6

    def test_a_section_that_the_file_lacks_is_made(self) -> None:
        assert parsed(self.TEXT, "resources.cpus=2").resources.cpus == 2

    def test_an_entry_of_a_list(self) -> None:
        assert [arm.name for arm in arms_of(parsed(self.TEXT, "ablate.variant.1=naive"))] == [
            "variant=none",
            "variant=naive",
        ]

    def test_an_error_of_the_file_can_be_mended(self) -> None:
        assert parsed(HEAD + "search: {trials: 0}\n", "search.trials=1").search.trials == 1

    @pytest.mark.parametrize(
        ("override", "line"),
        [
            ("search.trials", "--set search.trials: expected key=value"),
            ("=3", "--set =3: expected key=value"),
            ("search..trials=3", "--set search..trials=3: expected key=value"),
            ("search.trials=[", "--set search.trials=[: the value is not valid YAML"),
            ("search.trials=x", "--set search.trials=x: search.trials: must be a valid integer but got 'x'"),
            ("search.trails=3", "--set search.trails=3: search.trails: unknown key; did you mean trials?"),
            ("base.dropout=2", "--set base.dropout=2: base.dropout: must be less than 1 but got 2"),
            ("name.x=3", "--set name.x=3: name has no entry 'x'; give it whole, as --set 'name={x: ...}'"),
            (
                "ablate.variant.5=none",
                "--set ablate.variant.5=none: must be an entry below 2, numbered from 0, but got 5",
            ),
            (
                "search.space.bptt={low: 9, high: 3}",
                "--set search.space.bptt={low: 9, high: 3}: search.space.bptt: low must be",
            ),
        ],
    )
    def test_errors_name_the_option(self, override: str, line: str) -> None:
        (shown,) = errors(self.TEXT, override)
        assert shown.startswith(line)

    @given(trials=st.integers(1, 10**6), seeds=st.lists(st.integers(0, 999), min_size=1, unique=True))
    def test_an_override_is_an_edit_of_the_file(self, trials: int, seeds: list[int]) -> None:
        content = yaml.safe_load(self.TEXT)
        content["search"]["trials"] = trials
        content["confirm"] = {"seeds": seeds}
        edited = parsed(yaml.safe_dump(content))
        assert parsed(self.TEXT, f"search.trials={trials}", f"confirm.seeds={seeds}") == edited


class TestPlainValues:
    """YAML as people mean it, where PyYAML would read something else."""

    def test_numbers_and_words(self) -> None:
        study = parsed(
            HEAD + "description: no\nbase: {learning_rate: 1e-3, weight_decay: 5E-4, iterations: 0100, dropout: .5}\n"
        )
        assert study.description == "no"
        assert study.base["learning_rate"] == 1e-3
        assert study.base["weight_decay"] == 5e-4
        assert study.base["iterations"] == 100
        assert study.base["dropout"] == 0.5

    def test_infinity_is_no_setting(self) -> None:
        (line,) = errors(HEAD + "base: {learning_rate: .inf}\n")
        assert line.startswith("s.yaml:3: base.learning_rate: must be a finite number")

    def test_anchors_are_followed(self) -> None:
        study = parsed(HEAD + "search: {space: {layers: &few [1, 2], hidden_size: *few}}\n")
        assert study.search.space["layers"] == study.search.space["hidden_size"]


class TestFiles:
    def test_neither_name_nor_file(self) -> None:
        with pytest.raises(StudyError, match=r"no_such: neither a file nor a shipped study \(.*quick"):
            read_study("no_such")

    def test_a_folder(self, tmp_path: Path) -> None:
        with pytest.raises(StudyError, match="neither a file nor a shipped study"):
            read_study(str(tmp_path))

    def test_not_text(self, tmp_path: Path) -> None:
        path = tmp_path / "study.yaml"
        path.write_bytes(b"name: \xff\n")
        with pytest.raises(StudyError, match=r"study.yaml: must be UTF-8 text but byte 6 is not"):
            read_study(str(path))

    def test_a_file(self, tmp_path: Path) -> None:
        path = tmp_path / "study.yaml"
        path.write_text(HEAD + "search: {trials: 0}\n", encoding="utf-8")
        with pytest.raises(StudyError, match=rf"^{path}:3: search.trials"):
            read_study(str(path))


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 2000),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["none", "score", "memory", "test", "", "a b", "synthetic", "../x"]),
)
NESTED = st.recursive(
    VALUES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["low", "high", "choices", "when", "variant", "grid", "name", "asha", "x"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


def paths(content: object, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    steps = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    return [path, *(one for step, inner in steps for one in paths(inner, (*path, step)))]


@settings(max_examples=150, deadline=None)
@given(name=st.sampled_from(shipped_studies()), data=st.data())
def test_a_study_with_anything_in_it_is_read_or_refused_line_by_line(name: str, data: st.DataObject) -> None:
    content = yaml.load(study_text(name)[0], yaml.SafeLoader)
    for _ in range(data.draw(st.integers(1, 3))):
        *above, last = data.draw(st.sampled_from([path for path in paths(content) if path]))
        target = content
        for step in above:
            target = target[step]
        target[last] = data.draw(NESTED)
    text = yaml.safe_dump(content, sort_keys=False)
    try:
        study = parse_study(text, "s.yaml", (), resolve_settings)
    except StudyError as error:
        length = text.count("\n") + 1
        for line in error.lines:
            place, number, rest = line.split(":", 2)
            assert place == "s.yaml"
            assert 1 <= int(number) <= length
            assert rest.strip()
        return
    assert Study.from_json(study.to_json()) == study
    assert baseline_of(study) in arms_of(study)


@settings(max_examples=150, deadline=None)
@given(text=st.text(st.sampled_from(list("name: datset-[]{}&*!|>'\"#,\n\t %@?<~0159.e")), max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(StudyError):
        parse_study(text, "s.yaml", (), resolve_settings)
