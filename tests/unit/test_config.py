"""Every fault of a configuration is one line that names the key, its value and the fix."""

import copy
import inspect
import os
import random
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from sklearn.utils import all_estimators
from typer.testing import CliRunner

from andor.cli import app
from andor.config import Config, check, load, load_raw, reference
from andor.errors import UserError
from andor.models import listed
from andor.models.estimators import kind_of
from labs import configurations

ROOT = Path(__file__).parents[2]
DEFAULT = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
SENTIMENT = "tasks.sentiment"
DIGITS = DEFAULT["tasks"]["digits"]
STUDY = {"question": "Why?", "tasks": ["digits"], "ensembles": ["resnet20-lenet"], "methods": ["generalizable"]}

OWN = {"family": "own", "file": "mine.py"}

FLOWERS = {"reader": "scikit_learn", "name": "iris"}
ESTIMATORS = {name.lower(): {"family": "scikit_learn", "estimator": name} for name in ("SVC", "GaussianNB")}
PAIRS = {"a": {**ESTIMATORS["svc"], "parameters": {"decision_function_shape": "ovo"}}}
TABLE = {"data": FLOWERS, "players": {"kind": "features", "count": 4}, "masking": {"baseline": "mean"}}
SUGAR = {
    "data": {"reader": "scikit_learn", "name": "diabetes"},
    "models": {"a": {"family": "mlp"}},
    "players": {"kind": "features", "count": 10}, "masking": {"baseline": "mean"},
    "reward": {"kind": "prediction"}, "samples": {"max_error": 50},
}  # fmt: skip
ASKED = {"family": "causal_lm", "source": "minilm6", "prompt": "Good? {text}", "answers": {0: " no", 1: " yes"}}
SERVED = {
    "family": "served", "url": "https://example.org/v1", "model": "m", "revision": "1", "prompt": "Good? {text}",
    "answers": {0: " no", 1: [" yes", " sure"]}, "key_variable": "KEY", "most_calls": 10**6,
}  # fmt: skip
BROKEN = [
    (f"{SENTIMENT}.models.lm", {**SERVED, "url": "example.org"}, "lm.url`: is no address as `http://loc"),
    (f"{SENTIMENT}.models.lm", {**SERVED, "url": "http://[::1"}, "lm.url`: is no address as `http://loc"),
    (f"{SENTIMENT}.models.lm", {**SERVED, "url": "https://a:b@c.d/v1"}, "lm.url`: holds a name or a password; take it"),
    (f"{SENTIMENT}.models.lm", {**SERVED, "url": "http://example.org/v1"}, "would carry the key in the clear; use"),
    (f"{SENTIMENT}.models.lm", {**SERVED, "prompt": "Good?"}, "lm.prompt`: it holds `{text}` 0 times; write it once"),
    (f"{SENTIMENT}.models.lm", {**SERVED, "answers": {0: " no", 1: " yes", 2: " so"}}, "`answers` has 3 classes, film"),
    (f"{SENTIMENT}.models.lm", {**SERVED, "concurrency": 0}, "concurrency: 0`: input should be greater than or equal"),
    (f"{SENTIMENT}.models.lm", {**SERVED, "key_variable": "a-b"}, "key_variable: a-b` must be the name of an env"),
    # Three wordings for 600 candidates with and without players, 12 samples with 2^10 masks and 4 repeats, and 8 tries.
    (f"{SENTIMENT}.models.lm", {**SERVED, "most_calls": None}, "takes up to 40632 calls; set `most_calls: 40632`"),
    (f"{SENTIMENT}.models.lm", {**SERVED, "most_calls": 40631}, "calls, `most_calls: 40631` is less; raise it, or low"),
    (f"{SENTIMENT}.models.lm", {"family": "causal_lm", "source": "minilm6"},
     "model `lm` (causal_lm) tells no classes apart without `prompt` and `answers`; add them"),
    (f"{SENTIMENT}.models.lm", {**ASKED, "prompt": "Good?"}, "lm.prompt`: it holds `{text}` 0 times; write it once"),
    (f"{SENTIMENT}.models.lm", {**ASKED, "prompt": "{text} {text}"}, "lm.prompt`: it holds `{text}` 2 times"),
    (f"{SENTIMENT}.models.lm", {**ASKED, "answers": {0: " no", 2: " yes"}}, "class 1 has no answer; add one"),
    (f"{SENTIMENT}.models.lm", {**ASKED, "answers": {0: " no", 1: [" no", " yes"]}}, "' no' is there twice; take one"),
    (f"{SENTIMENT}.models.lm", {**ASKED, "answers": {0: " no"}}, "they are of fewer than two classes; add one"),
    (f"{SENTIMENT}.models.lm", {**ASKED, "answers": {True: " no"}}, "yes and no are no numbers of classes; write 0"),
    (f"{SENTIMENT}.models.lm", {**ASKED, "answers": {0: " a", 1: " b", 2: " c"}},
     "model `lm`: `answers` has 3 classes, film_reviews 2; take the others away"),
    (f"{SENTIMENT}.models.lm", {**ASKED, "answers": "none.yaml"}, "models.lm.answers`: no file at"),
    (f"{SENTIMENT}.models.lm", {key: ASKED[key] for key in ("family", "source", "prompt")}, "`prompt` needs `answ"),
    (f"{SENTIMENT}.models.lm", {"family": "causal_lm", "source": "minilm6", "chat": True}, "`chat` has no effect wit"),
    (f"{SENTIMENT}.models.lm", {**ASKED, "quantize": "q3_9"}, "quantize: q3_9`: input should be 'q8_0', 'q5_1'"),
    (f"{SENTIMENT}.models.b", {"like": "cmn"}, "`models.b.like: cmn` is no model of the task; did you mean `cnn`?"),
    (f"{SENTIMENT}.models", {7: {"family": "mlp"}, "b": {"like": "a"}}, "`models.b.like: a` is no model of the task"),
    (f"{SENTIMENT}.models.b", {"like": "b"}, "`models.b.like: b` leads back to `b`; name a model with keys of its own"),
    (f"{SENTIMENT}.models.b", {"like": "cnn", "leyers": 2}, "models.b.leyers` is no known key"),
    ("tasks.sources", DEFAULT["tasks"]["digits"], "task `sources` has the name of a folder of the results; rename it"),
    ("tasks.studies", DEFAULT["tasks"]["digits"], "task `studies` has the name of a folder"),
    ("cache", "a\0b", "`cache: 'a\\x00b'`: a zero byte in it; name a folder"),
    ("cache", f"{__file__}/x", "test_config.py is a file; name a folder"),
    ("sources.minilm6.mirrors", ["path:~nobody_here/x"], "no file or folder at '~nobody_here/x'; mend the path"),
    ("sources.minilm6.mirrors", ["path:" + "a" * 5000], f"no file or folder at '{'a' * 60}…'; mend the path"),
    (f"{SENTIMENT}.models.cnn.kernels", [], "kernels`: list should have at least 1 item"),
    (f"{SENTIMENT}.models.cnn.filters", 10**12, "filters: 1000000000000`: input should be less than or equal to 10"),
    (f"{SENTIMENT}.models.cnn.training", {"epochs": 10**12}, "epochs: 1000000000000`: input should be less than or"),
    (f"{SENTIMENT}.models.cnn.training", {"learning_rate": 1e300}, "learning_rate: 1e+300`: input should be less"),
    (f"{SENTIMENT}.samples.count", 10**12, "count: 1000000000000`: input should be less than or equal to 1000000"),
    ("analysis", {"draws": 10**12}, "`analysis.draws: 1000000000000`: input should be less than or equal to 1000000"),
    ("tasks.digits.reward", {"kind": "probability"}, "min_range 1: probabilities differ by less than 1; lower it"),
    ("tasks.flowers", {**TABLE, "models": PAIRS},
     "model `a`: `decision_function_shape: ovo` gives numbers for pairs of classes; take it away"),
    ("tasks.flowers", {**TABLE, "data": {**FLOWERS, "positive": 7}, "models": ESTIMATORS},
     "`tasks.flowers.data.positive`: 7 is none of the classes 0 to 2 of iris; choose one"),
    ("tasks.flowers", {**TABLE, "data": {**FLOWERS, "name": "diabetes", "positive": 1}, "models": ESTIMATORS},
     "`tasks.flowers.data.positive`: 1 is no class: diabetes has numbers to predict; take it away"),
    ("tasks.sugar", {**SUGAR, "reward": {"kind": "log_odds"}},
     "reward.kind `log_odds` does not fit diabetes; use prediction, which is a number"),
    ("tasks.digits.reward", {"kind": "prediction"}, "reward.kind `prediction` does not fit digits; use log_odds, or"),
    ("tasks.sugar", {**SUGAR, "samples": {}}, "`samples.max_error` is missing: how far a prediction that counts as"),
    ("tasks.sugar", {**SUGAR, "samples": {"max_error": 9, "label": 1}}, "`samples.label: 1` is a class, diabetes has"),
    ("tasks.sugar", {**SUGAR, "samples": {"max_error": 9, "label": "high"}}, "`samples.label: high` is a class, dia"),
    ("tasks.digits.samples", {"max_error": 9}, "`samples.max_error: 9` is for numbers, digits has classes"),
    ("tasks.sugar", {**SUGAR, "models": {"a": {"family": "mlp", "training": {"balanced": True}}}},
     "model `a`: `training.balanced` is of classes, diabetes has a number; take it away"),
    ("tasks.sugar", {**SUGAR, "models": {"a": {**OWN, "gives": "probabilities"}}},
     "model `a`: `gives: probabilities` is of classes, diabetes has a number to predict; use logits"),
    ("tasks.sugar", {**SUGAR, "data": {"reader": "table", "source": "film_reviews", "label": "n", "numeric": True,
                                       "positive": 3}},
     "`positive: 3` is a class, and `numeric` asks for a number; take one away"),
    ("tasks.sugar", {**SUGAR, "data": {"reader": "texts", "source": "film_reviews", "numeric": True, "positive": 3}},
     "`positive: 3` is a class, and `numeric` asks for a number; take one away"),
    (f"{SENTIMENT}.models.cnn.training", {"corrupt": {"features": 0.1}},
     "model `cnn`: `training.corrupt.features` shuffles arrays, film_reviews has texts; take it away"),
    (f"{SENTIMENT}.models.cnn.training", {"corrupt": {"labels": 1.1}}, "labels: 1.1`: input should be less than or eq"),
    ("sed", 1, "`sed` is no known key; did you mean `seed`?"),
    ("seed", "x", "`seed: x`"),
    ("seed", -1, "`seed: -1`: input should be greater than or equal to 0"),
    ("device", "gpu", "`device: gpu` must be auto, cpu, cuda or cuda:N"),
    ("sources.minilm6.sha256", "12", "`sources.minilm6.sha256: 12` must be a SHA-256 digest"),
    ("sources.minilm6.sha256", None, "needs `sha256`"),
    ("sources.minilm6.mirrors", ["pipi:x==1"], "'pipi:x==1'"),
    ("sources.minilm6.mirrors", [], "`sources.minilm6.mirrors`"),
    ("sources.minilm6.mirrors", ["path:nowhere"], "no file or folder at"),
    ("tasks", {}, "`tasks`"),
    ("tasks.Bad-Name", DEFAULT["tasks"]["digits"], "`tasks.Bad-Name: Bad-Name` must be a name of lower-case letters"),
    (f"{SENTIMENT}.data.reader", "film_review", "`tasks.sentiment.data.reader: film_review` must be one of digits"),
    (f"{SENTIMENT}.data", 3, "`tasks.sentiment.data: 3`"),
    (f"{SENTIMENT}.data.source", "film", "`tasks.sentiment.data.source: film` is no entry of `sources`; known:"),
    (f"{SENTIMENT}.models.minilm6.sorce", "a", "`tasks.sentiment.models.minilm6.sorce` is no known key; did you mean"),
    (f"{SENTIMENT}.models.minilm6.family", "bert", "must be one of text_encoder"),
    (f"{SENTIMENT}.models.minilm6.family", None, "`tasks.sentiment.models.minilm6.family` is missing"),
    (f"{SENTIMENT}.models.minilm6.source", "minilm", "is no entry of `sources`; did you mean `minilm6`?"),
    (f"{SENTIMENT}.models.minilm6.training.epochs", -1, "epochs: -1`: input should be greater than or equal to 0"),
    (f"{SENTIMENT}.models.minilm6.training.labels", "random", "labels: random`: input should be 'true'"),
    (f"{SENTIMENT}.models.minilm6.training.epoch", 1, "training.epoch` is no known key; did you mean `epochs`?"),
    (f"{SENTIMENT}.models.vgg", DEFAULT["tasks"]["digits"]["models"]["vgg16"],
     "cannot read film_reviews; use causal_lm or of_task"),
    (f"{SENTIMENT}.ensembles", {"one": ["minilm6"]}, "ensemble `one` needs two or more models, has 1"),
    (f"{SENTIMENT}.ensembles", {"two": ["minilm6", "cnm"]}, "`cnm`, which is no model of the task; did you mean"),
    (f"{SENTIMENT}.ensembles", {"two": ["cnn", "cnn"]}, "names a model twice"),
    (f"{SENTIMENT}.players.count", 600, "players.count: 600`: input should be less than or equal to 512"),
    (f"{SENTIMENT}.players", {"kind": "patches"}, "players of kind `patches` do not fit film_reviews; use sent"),
    (f"{SENTIMENT}.masking.baseline", "maks", "masking.baseline: maks`: input should be 'zero'"),
    (f"{SENTIMENT}.masking.background", "integrate", "`integrate` is for images; use keep"),
    (f"{SENTIMENT}.reward.kind", "logg", "reward.kind: logg`: input should be 'logit'"),
    (f"{SENTIMENT}.samples.count", 0, "samples.count: 0`: input should be greater than 0"),
    (f"{SENTIMENT}.samples.count", 10**6, "is below samples.count 1000000; raise it"),
    ("tasks.digits.models.lenet.architecure", "lenet", "`tasks.digits.models.lenet.architecure` is no known key; did"),
    ("tasks.digits.players.size", 16, "players.count 8 is more than the 4 patches of 16 pixels"),
    ("tasks.digits.masking.baseline", "mask", "`mask` is a token; images take zero or mean"),
    (f"{SENTIMENT}.target", {"model": "minilm6"}, "`target` is for language models; take it away"),
    (f"{SENTIMENT}.target", {"text": " a", "unit": "word"}, "`text` leaves nothing to predict"),
    ("batch_size", "all", "`batch_size`: all is no batch size; write fixed, auto or a number above 0"),
    ("batch_size", 0, "`batch_size`: 0 is no batch size"),
    (f"{SENTIMENT}.samples.label", 2, "samples.label: 2`"),
    ("tasks.digits.data.size", 16, "(vgg16_bn) needs images of at least 32 pixels a side, data.size is 16; raise it"),
    (f"{SENTIMENT}.players", {"kind": "grid"}, "players of kind `grid` do not fit film_reviews; use sent"),
    (f"{SENTIMENT}.players", {"kind": "words", "choose": "all", "count": 3}, "`count` has no effect on `choose: all`"),
    (f"{SENTIMENT}.players", {"kind": "words", "count": None}, "`choose: random` needs a number `count`"),
    (f"{SENTIMENT}.players", {"kind": "words", "min_words": 9, "max_words": 8}, "`min_words: 9` is above"),
    (f"{SENTIMENT}.players", {"kind": "tokens"}, "`tasks.sentiment.players.source` is missing; add it"),
    (f"{SENTIMENT}.players", {"kind": "tokens", "source": "nilm6"}, "is no entry of `sources`"),
    (f"{SENTIMENT}.masking.baseline", "centre", "masking.baseline `centre` is for point clouds; use mean"),
    (f"{SENTIMENT}.masking.baseline", "marginal", "masking.baseline `marginal` is for tables; use mean"),
    (f"{SENTIMENT}.masking", {"baseline": "blurred", "blur": 2}, "masking.baseline `blurred` is for images; use mean"),
    ("tasks.digits.masking", {"baseline": "blurred"}, "baseline `blurred` needs `blur`; add it"),
    ("tasks.digits.masking", {"baseline": "mean", "rows": 3}, "`rows` has no effect on baseline `mean`; take it away"),
    (f"{SENTIMENT}.masking.baseline", "file", "baseline `file` needs `source`; add it"),
    (f"{SENTIMENT}.masking.baseline", "damp", "baseline `damp` needs `damp`; add it"),
    (f"{SENTIMENT}.masking.damp", 0.5, "`damp` has no effect on baseline `mask`; take it away or use `damp`"),
    (f"{SENTIMENT}.masking", {"baseline": "file", "source": "fil"}, "masking.source: fil` is no entry"),
    (f"{SENTIMENT}.masking.learning", {"epochs": 3}, "`learning` has no effect on baseline `mask`"),
    (f"{SENTIMENT}.reward", {"kind": "logit", "temperature": 2}, "`temperature` has no effect on reward `logit`"),
    (f"{SENTIMENT}.models.minilm6.weights", "minilm6", "`weights` are of a classifier that is ready; take `training`"),
    ("tasks.digits.players", {"kind": "grid", "rows": 200}, "200 × 3 cells are more than 512 players"),
    ("tasks.digits.players", {"kind": "pixels", "count": 3}, "`tasks.digits.players.source` is missing; add it"),
    ("tasks.digits.players", {"kind": "pixels", "count": 3, "source": "x"}, "players.source: x` is no entry of"),
    ("tasks.digits.masking", {"baseline": "learned", "learning": {"start": "mask"}}, "`mask` is a token; images take"),
    ("tasks.digits", {**DIGITS, "players": {"kind": "grid"}, "masking": {"background": "integrate"}},
     "`integrate` has no effect on a grid"),
    ("tasks.digits.models.net", {"family": "pretrained_image_classifier", "library": "timm", "source": "minilm6"},
     "`architecture` of a model of timm is missing; add it"),
    ("tasks.digits.models.mine", OWN, "no file at"),
    ("tasks.digits.models.mine", {"family": "own", "file": "mine.py", "load": "os.system"}, "must be the name of a"),
    (SENTIMENT, {**DEFAULT["tasks"]["sentiment"], "models": {"a": OWN, "b": OWN}, "masking": {"baseline": "mean"}},
     "masking.baseline `mean` is an embedding; model `a` (own) has none: use zero"),
    ("tasks.digits.models.mlp", {"family": "mlp"}, "model `mlp` (mlp) cannot read digits; use image_classifier or"),
    ("tasks.digits.data.positive", 10, "data.positive: 10`"),
    ("methods.original.tau", 1, "`tau` has no effect on a method of kind original; take it away"),
    ("methods.traditional.alpha", 1, "`alpha` has no effect on a method of kind traditional"),
    ("methods", {}, "`methods`"),
    ("methods.generalizable.alpha", -1, "`methods.generalizable.alpha: -1`: input should be greater"),
    ("methods.generalizable.kappa", {"factor": 1, "standart": "range"}, "standart` is no known key; did you mean"),
    ("methods.generalizable.solver", {"gap": 2}, "solver.gap: 2`: input should be less than 0.5"),
    ("methods.generalizable.solver", {"name": "exact", "start": 1}, "`start` has no effect on solver exact"),
    ("methods.generalizable.solver", {"name": "sgd", "others": 2}, "`others` has no effect on solver sgd"),
    ("methods.generalizable.solver", {"rate": 1e-5}, "`rate` has no effect on solver first_order; take it away"),
    ("studies.a", {**STUDY, "tasks": ["digit"]}, "`studies.a.tasks: digit` is none there is; did you mean `digits`?"),
    ("studies.a", {**STUDY, "ensembles": ["lenet"]}, "`studies.a.ensembles: lenet` is none there is"),
    ("studies.a", {**STUDY, "methods": ["generalisable"]}, "did you mean `generalizable`?"),
    ("studies.a", {**STUDY, "methods": []}, "it has neither `methods` nor `variants`; add one"),
    ("studies.a", {**STUDY, "variants": {"original": {"kind": "original"}}}, "method `original` is defined twice"),
    ("analysis", {"salience": {"treshold": 1}}, "treshold` is no known key; did you mean `threshold`?"),
]  # fmt: skip


TABULAR = yaml.safe_load((ROOT / "config" / "tabular.yaml").read_text(encoding="utf-8"))["tasks"]["wine"]
TABULAR_BROKEN = [
    ("players", {"kind": "features", "count": 3, "groups": {"a": ["alcohol"]}}, "`count: 3` is not the number of `gr"),
    ("players", {"kind": "features", "groups": {"a": ["ash"], "b": ["ash"]}}, "`groups` names the column `ash` twice"),
    ("models.mlp5.layers", 1, "models.mlp5.layers: 1`: input should be greater than or equal to 2"),
    ("models.tree", {"family": "scikit_learn", "estimator": "DecisionTreeClassifier"},
     "masking.baseline `learned` needs gradients, model `tree` (scikit_learn) has none; use mean"),
    ("data", {"reader": "table", "source": "t"}, "data.label` is missing"),
    ("players.count", 14, "players.count 14 is more than the 13 columns of wine; lower it"),
    ("players.count", 1, "masking.baseline `learned` needs two players, and there is one; raise their number"),
    ("data", {"reader": "shapes"}, "model `mlp5` (mlp) cannot read shapes; use of_task or"),
    ("masking", {"baseline": "unk"}, "`unk` is a token; tables take zero or mean"),
    ("masking", {"background": "integrate"}, "`integrate` is for images; use keep"),
    ("samples.label", 2, "samples.label: 2` is none of the labels 0 and 1"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "message"), TABULAR_BROKEN)
def test_a_fault_of_a_tabular_task_is_one_line(path, value, message):
    raw = {"tasks": {"wine": copy.deepcopy(TABULAR)}}
    *parents, last = path.split(".")
    part = raw["tasks"]["wine"]
    for parent in parents:
        part = part[parent]
    part[last] = value
    with pytest.raises(UserError) as caught:
        check(raw)
    assert len(str(caught.value).splitlines()) == 1
    assert message in str(caught.value)


def changed(path: str, value) -> dict:
    """The default configuration with one key set, or taken away if the value is None."""
    raw = copy.deepcopy(DEFAULT)
    *parents, last = path.split(".")
    part = raw
    for parent in parents:
        part = part.setdefault(parent, {})
    if value is None:
        del part[last]
    else:
        part[last] = value
    return raw


WHOLE = {"data": {"reader": "reviews", "source": "film_reviews"}, "players": {"kind": "words"}}
TAKEN = {"family": "of_task", "task": "sentiment", "model": "cnn"}
UNTAKEN = [
    ({"task": "sentimant"}, {}, "tasks.whole.models.cnn.task: sentimant` is no task; did you mean `sentiment`?"),
    ({"task": "digits"}, {}, "tasks.whole.models.cnn.task: digits` is of digits, which models of reviews do not read"),
    ({"model": "cmm"}, {}, "tasks.whole.models.cnn.model: cmm` is no model of task `sentiment`; known: minilm6"),
    ({"task": "whole"}, {}, "tasks.whole.models.cnn.model: cnn` is of task `whole` itself; name that"),
    (
        {},
        {"models": DEFAULT["tasks"]["sentiment"]["models"]},
        "model `minilm6` is trained, reviews has nothing for that",
    ),
]


def whole(taken: dict, task: dict) -> dict:
    """The default configuration with a task more, whose model is that of another one."""
    return changed("tasks.whole", {**WHOLE, "models": {"cnn": {**TAKEN, **taken}}, **task})


def test_a_control_is_not_taken_by_another_task():
    raw = whole({}, {})
    raw["tasks"]["sentiment"]["models"]["cnn"]["training"]["labels"] = "shuffled"
    with pytest.raises(UserError, match=r"models.cnn.model: cnn` is a control of its task"):
        check(raw)


@pytest.mark.parametrize(("taken", "task", "message"), UNTAKEN)
def test_a_model_that_cannot_be_taken_from_another_task(taken, task, message):
    assert check(whole({}, {})).tasks["whole"].models["cnn"].taken_from == ("sentiment", "cnn")
    with pytest.raises(UserError) as caught:
        check(whole(taken, task))
    assert message in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(("path", "value", "message"), BROKEN)
def test_a_fault_is_one_line(path, value, message, tmp_path):
    with pytest.raises(UserError) as caught:
        check(changed(path, value), "config.yaml", base=tmp_path)
    lines = str(caught.value).splitlines()
    assert any(message in line for line in lines), lines
    assert len(lines) == 1
    assert all(line.startswith("config.yaml: ") for line in lines)


def test_a_copy_has_what_it_does_not_give_itself():
    """Keys of mappings one by one, and null takes a key away; a copy of a copy has what both give."""
    raw = changed(f"{SENTIMENT}.models.again", {"like": "minilm3", "training": {"seed": 5}})
    raw["tasks"]["sentiment"]["models"] |= {
        "whole": {"like": "again", "layers": None}, "lm": ASKED,
        "blunt": {"like": "lm", "prompt": "{text}?", "answers": {1: [" yes", " sure"]}, "quantize": "q4_0"},
    }  # fmt: skip
    models = check(raw).tasks["sentiment"].models
    minilm3, again, whole, blunt = (models[name] for name in ("minilm3", "again", "whole", "blunt"))
    assert again.training == minilm3.training.model_copy(update={"seed": 5}) and again.layers == minilm3.layers == 3
    assert again.is_control and not minilm3.is_control
    assert whole.layers is None and whole.training == again.training
    assert blunt.answers == {0: " no", 1: [" yes", " sure"]}
    assert (blunt.source, blunt.prompt, blunt.quantize) == ("minilm6", "{text}?", "q4_0")


def test_a_path_may_begin_at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(UserError, match=f"no file or folder at {tmp_path}/encoder; mend the path"):
        check(changed("sources.minilm6.mirrors", ["path:~/encoder"]), base=tmp_path / "elsewhere")
    (tmp_path / "encoder").mkdir()
    check(changed("sources.minilm6.mirrors", ["path:~/encoder"]), base=tmp_path / "elsewhere")


def test_every_fault_is_told_at_once():
    raw = changed("sed", 1)
    raw["tasks"]["digits"]["samples"]["cuont"] = 3
    with pytest.raises(UserError) as caught:
        check(raw)
    assert len(str(caught.value).splitlines()) == 2


def test_too_many_players_for_the_memory(monkeypatch, tmp_path):
    monkeypatch.setattr("os.sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 2**18}.__getitem__)
    few, many = changed("tasks.sentiment.players.count", 12), changed("tasks.sentiment.players.count", 24)
    for raw in (few, many):
        raw["tasks"].pop("reviews")
    check(few, base=tmp_path)
    with pytest.raises(UserError, match=r"coalitions.budget: 1000` needs about 1 GiB for 3 models at once"):
        check(many, base=tmp_path)
    many["tasks"]["sentiment"]["coalitions"] = "all"
    with pytest.raises(UserError, match=r"players.count: 24` needs about 15 GiB for 3 models at once"):
        check(many, base=tmp_path)


@pytest.mark.parametrize("text", ["tasks: [", "- 1", ""])
def test_a_file_that_is_no_configuration(text, tmp_path):
    (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"config.yaml: (no valid YAML|holds no mapping)"):
        load(tmp_path / "config.yaml")


def test_what_an_anchor_gives_can_be_overridden(tmp_path):
    (tmp_path / "c.yaml").write_text("a: &a {b: 1, c: 2}\nd: {<<: *a, b: 3}\ne: {b: 4, <<: [*a, {f: 5}]}\n")
    assert load_raw(tmp_path / "c.yaml")["d"] == {"b": 3, "c": 2}
    assert load_raw(tmp_path / "c.yaml")["e"] == {"b": 4, "c": 2, "f": 5}
    deeper = "a: &a {b: 1, c: 2}\nd: {e: {f: &f {<<: *a, b: 3}}}\ng: {<<: *f}\n"  # g is made before f is
    (tmp_path / "c.yaml").write_text(deeper)
    assert load_raw(tmp_path / "c.yaml")["g"] == {"b": 3, "c": 2} == load_raw(tmp_path / "c.yaml")["d"]["e"]["f"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("seed: 1 # é".encode("latin-1"), "no UTF-8 .* at byte 10.*; save it as UTF-8"),
        ("seed: 1".encode("utf-16"), "no UTF-8 .* at byte 0"),
        (b"seed: 2020-13-45", "no valid YAML: month must be in 1..12"),
        (b"seed: " + b"9" * 5000, "no valid YAML: .*5000 digits"),
        (b"[" * 3000, "no valid YAML: brackets in brackets, too many to be read; mend them"),
        (b"a: &a [*a]\n", "`a` is no known key"),
        (b"a: {b: 1, 'b': 2}\n", "no valid YAML: key `b` is there twice"),
        (b"a: &a {b: 1}\nc: {<<: *a, b: 2, b: 3}\n", "no valid YAML: key `b` is there twice"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line(content, message, tmp_path):
    (tmp_path / "config.yaml").write_bytes(content)
    with pytest.raises(UserError, match=rf"config.yaml: {message}") as caught:
        load(tmp_path / "config.yaml")
    assert len(str(caught.value).splitlines()) <= 2  # there are no tasks either
    with pytest.raises(UserError, match="cannot be read"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("estimator", "LogisticRegresion", "`estimator: LogisticRegresion` is no classifier .*; did you mean `Logist"),
        ("parameters", {"c": 1}, "`parameters.c`: SVC has no such argument; it has C"),
    ],
)
def test_what_a_library_does_not_know_is_said_by_the_check(key, value, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    models = {"a": ESTIMATORS["svc"] | {key: value}, "b": ESTIMATORS["gaussiannb"]}
    task = {**TABLE, "models": models, "samples": {"count": 1, "candidates": 9}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"tasks": {"flowers": task}}))
    done = CliRunner().invoke(app, ["check"])
    assert re.search(f"config.yaml: `tasks.flowers.models.a`: {message}", str(done.exception))


def test_a_missing_file(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        load(tmp_path / "config.yaml")


@pytest.mark.parametrize(
    "path", [ROOT / "config.yaml", *sorted((ROOT / "config").glob("*.yaml"))], ids=lambda p: p.name
)
def test_shipped_configurations_are_valid(path):
    assert load(path).tasks


def test_every_pair_and_all_at_once_by_default():
    ensembles = load(ROOT / "config.yaml").tasks["digits"].ensembles_by_name()
    assert [len(members) for members in ensembles.values()] == [2, 2, 2, 3]
    pair = load(ROOT / "config" / "paper.yaml").tasks["images"].ensembles_by_name()
    assert pair == {"resnet20-vgg16": ["resnet20", "vgg16"]}


def test_a_name_that_is_too_long_for_a_folder_is_a_short_one():
    models = {f"lenet_with_a_name_of_forty_letters_{n:05d}": DIGITS["models"]["lenet"] for n in range(8)}
    ensembles = check(changed("tasks.digits.models", models)).tasks["digits"].ensembles_by_name()
    assert len(ensembles) == 29 and ensembles["all-8"] == list(models)
    assert max(map(len, ensembles)) == 81
    assert all(name == "all-8" or name == "-".join(members) for name, members in ensembles.items())


def test_null_networks_and_repetitions_have_no_say_in_the_samples():
    training = DIGITS["models"]["lenet"]["training"]
    extra = {
        "untrained": {"epochs": 0},
        "shuffled": {"labels": "shuffled"},
        "again": {"seed": 0},
        "main": {"epochs": 1},
    }
    more = {name: {**DIGITS["models"]["lenet"], "training": {**training, **changes}} for name, changes in extra.items()}
    task = check(changed("tasks.digits.models", {**DIGITS["models"], **more})).tasks["digits"]
    assert task.null_networks() == ["untrained", "shuffled", "again"]


def test_chunks_hold_every_sample_once():
    task = check(changed("tasks.digits.samples.chunk", 5)).tasks["digits"]
    chunks = task.chunks()
    assert [number for numbers in chunks.values() for number in numbers] == list(range(12))
    assert list(chunks) == ["0000", "0001", "0002"]


def test_a_part_survives_the_way_to_a_script():
    config = load(ROOT / "config.yaml")
    plain = config.model_dump(mode="json", exclude_defaults=True)
    assert Config.model_validate(plain) == config


def test_reading_the_configuration_is_light():
    code = (
        "import sys, andor.config, andor.report.catalogue;"
        "print({'numpy', 'torch', 'pandas', 'pyarrow', 'PIL', 'sklearn'} & set(sys.modules))"
    )
    here = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=here)
    assert done.stdout.strip() == "set()"


def test_the_reference_is_in_step():
    page = (ROOT / "config" / "README.md").read_text(encoding="utf-8")
    schema = (ROOT / "workflow" / "schemas" / "config.schema.json").read_text(encoding="utf-8")
    assert page == reference.key_table(), "run `andor reference`"
    assert schema == reference.json_schema(), "run `andor reference`"


def test_every_key_is_described():
    rows = [line for line in reference.key_table().splitlines() if line.startswith("| `")]
    assert len(rows) > 60
    assert all(row.rsplit("|", 2)[1].strip() for row in rows)


def test_every_pin_of_an_environment_is_the_one_of_the_requirements():
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pins = {line.partition("  #")[0] for line in lines}
    for path in (ROOT / "envs").glob("*.yaml"):
        *_, pip = yaml.safe_load(path.read_text(encoding="utf-8"))["dependencies"]
        assert set(pip["pip"]) <= pins, path.name


@pytest.mark.slow  # scikit-learn takes seconds to import all of its estimators
def test_scikit_learn_has_what_is_read_from_its_source():
    for wanted in listed.KINDS:
        theirs = dict(all_estimators(type_filter=wanted))
        assert listed.estimators(wanted) == sorted(theirs)
        for name, kind in theirs.items():
            assert listed.arguments(name) == list(inspect.signature(kind).parameters)
            assert kind_of(name, [], wanted) is kind
    assert list(listed.faults("ForestClassifier", [])) and not list(listed.faults("SVC", ["C", "gamma"]))


LACKING = [
    ({"data": {"label": "kint"}}, r"no column `kint`; it has size, colour, kind"),
    ({"data": {"features": ["siz", "colour"]}}, r"no column `siz`"),
    ({"data": {"positive": "c"}}, r"`data.positive: c`: 0 of 8 items .* choose one of \['a', 'b'\]"),
    ({"data": {"separator": ";"}}, r"no column `kind`; it has size,colour,kind"),
    (
        {"players": {"count": None, "groups": {"g": ["size"], "h": ["weight"]}}},
        r"`players.groups.h`: no column `weight`",
    ),
    ({"players": {"count": 3}}, r"`players.count: 3`: the table has only 2 columns; lower it"),
]


@pytest.mark.parametrize(("change", "message"), LACKING)
def test_what_local_data_lack_is_said_by_the_check(change, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("size,colour,kind\n" + "1,red,a\n2,blue,b\n" * 4)
    data = {"reader": "table", "source": "t", "label": "kind", **change.get("data", {})}
    given = {"kind": "features", "count": 2, **change.get("players", {})}
    chosen = {key: value for key, value in given.items() if value is not None}
    task = {**TABLE, "data": data, "players": chosen, "models": ESTIMATORS}
    raw = {"sources": {"t": {"mirrors": ["path:t.csv"]}}, "tasks": {"things": task}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(raw))
    done = CliRunner().invoke(app, ["check"])
    assert re.fullmatch(rf"config.yaml: `tasks.things`: .*{message}.*", str(done.exception))


def test_a_local_model_of_numbers_is_refused_by_the_check(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m").mkdir()
    (tmp_path / "t.csv").write_text("text,label\n" + "a film,0\nno film,1\n" * 8)
    model = {"family": "text_encoder", "source": "m"}
    task = {
        "data": {"reader": "texts", "source": "t"}, "models": {"a": model}, "masking": {"baseline": "zero"},
        "players": {"kind": "words", "count": 2},
    }  # fmt: skip
    raw = {"sources": {name: {"mirrors": [f"path:{name}"]} for name in "m"}, "tasks": {"films": task}}
    raw["sources"]["t"] = {"mirrors": ["path:t.csv"]}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(raw))
    (tmp_path / "m" / "config.json").write_text('{"id2label": {"0": "no", "1": "yes"}}')
    assert CliRunner().invoke(app, ["check"]).exit_code == 0
    (tmp_path / "m" / "config.json").write_text('{"id2label": {"0": "stars"}, "problem_type": "regression"}')
    done = CliRunner().invoke(app, ["check"])
    assert done.exit_code == 1
    assert re.fullmatch(r"config.yaml: `tasks.films.models.a`: `source: m` predicts a number, .*", str(done.exception))


@pytest.mark.slow
def test_faults_made_by_mutation_are_told(tmp_path):
    """A short form of the campaign of tests/labs/configurations.py."""
    every = list(configurations.faults())
    assert len(every) > 10_000
    seed = int(time.time())
    found = configurations.campaign(random.Random(seed).sample(every, 40), tmp_path)
    told = found.pop("told") + found.pop("slow", [])  # how fast it is depends on the machine
    silent = [(kind, fault.origin, fault.what, words) for kind in found for fault, words in found[kind]]
    assert len(told) == 40 and not silent, (seed, silent)
