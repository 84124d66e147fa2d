"""For every family, v(N) of a whole item is what the library's own pipeline says of the raw item, whatever is odd.

Each case makes a tiny model with its library, saves it as that library does, and gives what is computed here for some
items beside what the library says of them: logits up to a constant, so log-probabilities, or a decision function.
"""

import io
import json

import lightgbm
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import skops.io
import timm
import torch
import torchvision
import xgboost
from PIL import Image
from safetensors.torch import load_file, save_file
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.svm import SVC, LinearSVC
from test_calling import READ, TEXTS
from test_vision import EFFICIENT, MOBILE, VIT, lively
from tokenizers.processors import TemplateProcessing
from transformers import (
    AutoImageProcessor,
    EfficientNetForImageClassification,
    MobileViTForImageClassification,
    ViTForImageClassification,
    pipeline,
)

import tiny
from andor import config
from andor.data.candidates import candidates
from andor.data.players.features import FeaturePlayers
from andor.data.players.grid import GridPlayers
from andor.data.readers.images import ImagesData
from andor.data.readers.table import TableData
from andor.models.families.causal_lm import CausalLM
from andor.models.families.pretrained_image_classifier import PretrainedImageClassifier
from andor.models.families.pretrained_table_classifier import PretrainedTableClassifier
from andor.models.families.text_encoder import TextEncoder
from andor.models.loading import load
from andor.outputs.evaluate import screen

pytestmark = pytest.mark.slow  # some forty models of six libraries are made, saved and read twice
MEAN, ZERO = config.Masking(baseline="mean"), config.Masking()


def log_softmax(logits):
    return torch.as_tensor(logits).double().log_softmax(-1).numpy()


# ------------------------------------------------------------------------------------------------------- texts


def words(texts, labels, **more):
    """Candidates whose first word is a player."""
    spans = [[[0, len(text.split()[0])]] for text in texts]
    table = {"item": pa.array(range(len(texts)), pa.int32()), "split": ["train"] * len(texts)}
    labels = labels if isinstance(labels, pa.Array) else pa.array(labels, pa.int16())
    table |= {"label": labels, "text": list(texts), "players": spans}
    return pa.table(table | {"player_names": [["first"]] * len(texts)} | more)


def text(name, texts=TEXTS, labels=2, change=None, theirs=None, ours=None, dtype=torch.float32, **saving):
    """A classifier of texts against `transformers.pipeline`.

    `change` changes its folder after the library has read it. `theirs` and `ours` are names of the classes in the
    order of the model's labels and of the data's.
    """

    def case(folder):
        torch.manual_seed(0)
        plain, tokenizer = READ[name](), tiny.byte_bpe()
        settings = (
            plain.config.to_dict() | {"num_labels": labels} | ({"id2label": dict(enumerate(theirs))} if theirs else {})
        )
        network = type(plain)(type(plain.config)(**settings))
        if "padding" in name:
            tokenizer.pad_token = tokenizer.eos_token
        network.to(dtype).save_pretrained(folder / "m", **saving)
        tokenizer.save_pretrained(folder / "m")
        classify = pipeline(
            "text-classification", model=str(folder / "m"), top_k=None, device="cpu", dtype=torch.float32
        )
        order = ours or [f"LABEL_{number}" for number in range(labels)]
        said = [{each["label"]: each["score"] for each in scores} for scores in classify(texts, truncation=True)]
        if change is not None:
            change(folder / "m")
        table = words(texts, [number % labels for number in range(len(texts))])
        table = table.replace_schema_metadata({"classes": json.dumps(ours)} if ours else None)
        TextEncoder(family="text_encoder", source="x").make(table, folder / "m", None, folder / "ours", 0)
        return screened(folder, table, ZERO), np.log([[each[name] for name in order] for each in said])

    return case


def number(name, **stated):
    """A head of one output against `transformers.pipeline` without the sigmoid that it takes of some of them."""

    def case(folder):
        torch.manual_seed(0)
        plain, tokenizer = READ[name](), tiny.byte_bpe()
        network = type(plain)(type(plain.config)(**plain.config.to_dict() | {"num_labels": 1, **stated}))
        network.save_pretrained(folder / "m")
        tokenizer.save_pretrained(folder / "m")
        theirs = pipeline("text-classification", model=str(folder / "m"), device="cpu", function_to_apply="none")
        scores = np.array([[said["score"]] for said in theirs(TEXTS)])
        table = words(TEXTS, pa.array(range(len(TEXTS)), pa.float64()))
        TextEncoder(family="text_encoder", source="x").make(table, folder / "m", None, folder / "ours", 0)
        return screened(folder, table, ZERO, normalised=False), scores

    return case


def wrapped(folder):
    """Weights as parallel training saves them."""
    state = load_file(folder / "model.safetensors")
    save_file(
        {f"module.{name}": tensor for name, tensor in state.items()}, folder / "model.safetensors", {"format": "pt"}
    )


def pickled(folder):
    """Weights as older versions saved them."""
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def prompt(model, closing=None, dtype="float32"):
    """A language model against the scores with which `transformers.pipeline` generates the next token."""

    def case(folder):
        network, tokenizer = model().network, model().tokenizer
        if closing:
            tokenizer = tiny.metaspace_bpe()
            tokenizer.backend_tokenizer.post_processor = TemplateProcessing(**closing)
        network.save_pretrained(folder / "m")
        tokenizer.save_pretrained(folder / "m")
        theirs = pipeline("text-generation", model=str(folder / "m"), device="cpu", dtype=getattr(torch, dtype))
        scores, target = [], " the"
        (token,) = theirs.tokenizer("the film the", add_special_tokens=False)["input_ids"][-1:]
        for text in TEXTS:
            read = theirs.tokenizer(text, return_tensors="pt", add_special_tokens=not closing)["input_ids"]
            read = torch.cat([torch.tensor([[1]]), read], dim=1) if closing else read
            settings = {"do_sample": False, "output_logits": True, "return_dict_in_generate": True, "pad_token_id": 0}
            made = theirs.model.generate(read, max_new_tokens=1, **settings)
            scores.append([made.logits[0][0].float().log_softmax(0)[token].item()])
        CausalLM(family="causal_lm", source="x", dtype=dtype).make(None, folder / "m", None, folder / "ours", 0)
        table = words(TEXTS, [0] * len(TEXTS), target=[target] * len(TEXTS))
        return screened(folder, table, ZERO, normalised=False)[:, :1], np.array(scores)

    return case


# ------------------------------------------------------------------------------------------------------ images


def pictures(mode="RGB", shape=(64, 64), turned=False):
    """Files of images, as they come."""
    random, files = np.random.default_rng(0), []
    for _ in range(4):
        colours = random.random((2, 2, 3)) ** 3  # of four quarters, most of them dark
        noise = random.random((*shape, 3))
        quarters = np.kron(colours, np.ones((*(-(-side // 2) for side in shape), 1)))[: shape[0], : shape[1]]
        pixels = 255 * (0.7 * quarters + 0.3 * noise)
        image = Image.fromarray(pixels.astype(np.uint8)).convert(mode)
        exif = Image.Exif()
        exif[0x0112] = 6 if turned else 1
        stream = io.BytesIO()
        image.save(stream, "PNG", exif=exif)
        files.append(stream.getvalue())
    return files


def image_table(files, folder, size, **scaling):
    rows = pa.table({"image": [{"bytes": file, "path": None} for file in files], "label": [0, 1] * (len(files) // 2)})
    for part in ("train", "test"):
        pq.write_table(rows, folder / f"{part}.parquet")
    return ImagesData(reader="images", source="x", positive=None, size=size, **scaling).read(folder, 0)


def shown(folder, settings, source, files, size, **scaling):
    """Outputs of an image classifier here."""
    table = image_table(files, folder, size, **scaling)
    settings = PretrainedImageClassifier(family="pretrained_image_classifier", source="x", **settings)
    settings.make(table, source, None, folder / "ours", 0)
    chosen = candidates(table, GridPlayers(kind="grid", rows=2, columns=2), len(files), 0)
    items = [item % len(files) for item in chosen["item"].to_pylist()]
    return screened(folder, chosen, ZERO), items


def image(network, stated, scaling=None, **oddities):
    """A classifier of images against `transformers.pipeline`; `scaling` is what the reader has to be told."""

    def case(folder):
        torch.manual_seed(0)
        lively(network(), 64).save_pretrained(folder / "m")
        whole = {"size": {"height": 64, "width": 64}, "crop_size": {"height": 64, "width": 64}, **stated}
        (folder / "m" / "preprocessor_config.json").write_text(json.dumps(whole))
        files = pictures(**oddities)
        ours, items = shown(folder, {"library": "transformers"}, folder / "m", files, 64, **(scaling or {}))
        # Which eight-bit values the other backend, torchvision's, rounds up depends on the processor.
        processor = AutoImageProcessor.from_pretrained(folder / "m", backend="pil")
        theirs = pipeline("image-classification", model=str(folder / "m"), image_processor=processor, device="cpu")
        said = [theirs(Image.open(io.BytesIO(files[item])), top_k=2) for item in items]
        scores = [{each["label"]: each["score"] for each in scores} for scores in said]
        return ours, np.log([[each["LABEL_0"], each["LABEL_1"]] for each in scores])

    return case


def torchvision_image(name, resize=256, weights="IMAGENET1K_V1", shape=(100, 141), **oddities):
    """A classifier of torchvision against its weights' own transforms."""

    def case(folder):
        torch.manual_seed(0)
        network = lively(torchvision.models.get_model(name, weights=None, num_classes=2), 64)
        torch.save({"state_dict": network.state_dict()}, folder / "w.pth.tar")
        files = pictures(shape=shape, **oddities)
        settings = {"library": "torchvision", "architecture": name}
        ours, items = shown(folder, settings, folder / "w.pth.tar", files, 224, resize=resize)
        prepare = torchvision.models.get_model_weights(name)[weights].transforms()
        images = [prepare(Image.open(io.BytesIO(files[item])).convert("RGB")) for item in items]
        with torch.no_grad():
            return ours, log_softmax(network(torch.stack(images)))

    return case


def timm_image(name, stated=None, options=None, size=160, resize=168, resample="bilinear", **oddities):
    """A classifier of timm against the transform that timm creates."""

    def case(folder):
        torch.manual_seed(0)
        network = lively(timm.create_model(name, num_classes=2, **(options or {})), size)
        (folder / "m").mkdir()
        save_file(network.state_dict(), folder / "m" / "model.safetensors")
        settings = {"pretrained_cfg": network.pretrained_cfg | (stated or {})}
        if stated is not None or options:
            described = {"architecture": name, "num_classes": 2, "model_args": options or {}}
            settings["pretrained_cfg"].pop("origin_url", None)
            (folder / "m" / "config.json").write_text(json.dumps(described | settings))
        files = pictures(shape=(120, 171), **oddities)
        scaling = {"size": size, "resize": resize, "resample": resample}
        ours, items = shown(folder, {"library": "timm", "architecture": name}, folder / "m", files, **scaling)
        prepare = timm.data.create_transform(**timm.data.resolve_data_config({}, **settings), is_training=False)
        images = [prepare(Image.open(io.BytesIO(files[item])).convert("RGB")) for item in items]
        with torch.no_grad():
            return ours, log_softmax(network(torch.stack(images)))

    return case


# ------------------------------------------------------------------------------------------------------ tables

ROWS = 90
RANDOM = np.random.default_rng(0)
TOWNS = ["Oslo", "Bergen", "Ålesund"]
PEOPLE = pd.DataFrame({
    "yearly income": RANDOM.lognormal(10, 0.5, ROWS).round(2),
    "age": RANDOM.integers(18, 80, ROWS),
    "town": pd.Categorical(RANDOM.choice(TOWNS, ROWS), categories=TOWNS),
    "grade": RANDOM.integers(1, 5, ROWS),
})  # fmt: skip
GROUP = np.digitize(PEOPLE["yearly income"] + 200 * PEOPLE.age, [27000, 36000])
ANSWERS = np.array(["yes", "no"])[(GROUP > 0) ^ (PEOPLE.town == "Oslo").to_numpy().astype(int)]
NUMBERS = ["yearly income", "age", "grade"]
PREPARED = make_column_transformer((StandardScaler(), NUMBERS), (OneHotEncoder(), ["town"]))


def row(library, save, theirs, label=ANSWERS, columns=tuple(PEOPLE), csv=False, normalised=True, trusted=(), **reading):
    """A classifier of tables against its own prediction of the raw rows.

    `save` makes the file, `theirs` says what the classifier it made says of rows.
    """

    def case(folder):
        source = folder / ("people.csv" if csv else "people.parquet")
        frame = PEOPLE[list(columns)].assign(label=label)
        (frame.to_csv if csv else frame.to_parquet)(source, index=False)
        table = TableData(reader="table", source="x", label="label", **reading).read(source, 0)
        (folder / "m").mkdir()
        made = save(folder / "m")
        given = {"library": library, "trusted": list(trusted)}
        settings = PretrainedTableClassifier(family="pretrained_table_classifier", source="x", **given)
        settings.make(table, folder / "m", None, folder / "ours", 0)
        chosen = candidates(table, FeaturePlayers(kind="features", count=2), 20, 0)
        raw = pd.read_csv(source) if csv else pd.read_parquet(source)
        raw = raw.iloc[chosen["item"].to_pylist()].drop(columns="label")
        return screened(folder, chosen, MEAN, normalised), theirs(made, raw)

    return case


def skopsed(estimator, columns=tuple(PEOPLE), label=ANSWERS, named=True):
    """An estimator, fitted and saved by skops."""

    def save(folder):
        rows = PEOPLE[list(columns)]
        skops.io.dump(estimator.fit(rows if named else rows.to_numpy(), label), folder / "e.skops")
        return estimator

    return save


def boosted(estimator, columns, label, name, named=True):
    """An estimator of XGBoost or LightGBM, fitted and saved by its own function."""

    def save(folder):
        rows = PEOPLE[list(columns)]
        estimator.fit(rows if named else rows.to_numpy(), label)
        getattr(estimator, "booster_", estimator).save_model(folder / name)
        return estimator

    return save


def native(folder):
    """A booster of XGBoost that no estimator is around."""
    data = xgboost.DMatrix(PEOPLE, GROUP, enable_categorical=True)
    booster = xgboost.train({"objective": "multi:softprob", "num_class": 3, "max_depth": 3}, data, 4)
    booster.save_model(folder / "m.ubj")
    return booster


def probabilities(estimator, rows):
    return np.log(estimator.predict_proba(rows))


def unnamed(estimator, rows):
    return np.log(estimator.predict_proba(rows.to_numpy()))


def decisions(estimator, rows):
    return estimator.decision_function(rows).reshape(len(rows), -1)


def per_class(estimator, rows):
    """Numbers for classes instead of pairs of them, as scikit-learn makes them of those."""
    return SVC(decision_function_shape="ovr").fit(PEOPLE[NUMBERS], GROUP).decision_function(rows[NUMBERS])


def predicted(estimator, rows):
    return estimator.predict(rows)[:, None]


AMOUNT = (PEOPLE["yearly income"] / 500 + PEOPLE.age + 20 * (PEOPLE.town == "Oslo")).round(1).to_numpy()
COUNTED = {"label": AMOUNT, "numeric": True, "normalised": False}
BINARY = (ANSWERS == "yes").astype(int)
TREES = {"n_estimators": 4, "max_depth": 3, "n_jobs": 1}
LEAVES = {"n_estimators": 4, "min_child_samples": 3, "verbose": -1, "n_jobs": 1}


CASES = {
    "text, encoder": text("bert"),
    "text, positions from the padding's": text("roberta"),
    "text, decoder without padding": text("gpt2"),
    "text, decoder with padding": text("gpt2 with padding"),
    "text, prefix of parallel training": text("bert", change=wrapped),
    "text, pickle of tensors": text("bert", change=pickled),
    "text, three labels": text("bert", labels=3),
    "text, labels in another order": text(
        "bert", labels=3, theirs=["Good", "bad", "so-so"], ours=["bad", "Good", "so-so"]
    ),
    "text, two labels in another order": text("bert", theirs=["yes", "no"], ours=["no", "yes"]),
    "text, bfloat16": text("bert", dtype=torch.bfloat16),
    "text, float16": text("gpt2", dtype=torch.float16),
    "text, shards": text("bert", max_shard_size="20KB"),
    "text, a number": number("bert", problem_type="regression"),
    "text, a number that is not called so": number("roberta"),
    "text, a number of a decoder": number("gpt2", problem_type="regression"),
    "text, longer than the model reads": text("bert", texts=[f"{each} " + "the film " * 300 for each in TEXTS]),
    "generation": prompt(tiny.gpt2),
    "generation, a first token": prompt(tiny.llama),
    "generation, a closing token": prompt(
        tiny.llama, closing={"single": "<s> $A </s>", "special_tokens": [("<s>", 1), ("</s>", 2)]}
    ),
    "image, stated scale": image(
        lambda: ViTForImageClassification(VIT), {"image_mean": [0.5, 0.4, 0.3], "image_std": [0.5, 1, 0.2]}
    ),
    "image, grey": image(lambda: ViTForImageClassification(VIT), {}, mode="L"),
    "image, palette": image(lambda: ViTForImageClassification(VIT), {}, mode="P"),
    "image, turned": image(lambda: ViTForImageClassification(VIT), {}, turned=True),
    "image, blue to red": image(
        lambda: MobileViTForImageClassification(MOBILE), {"image_processor_type": "MobileViTImageProcessor"}
    ),
    "image, rescaled to ±1": image(
        lambda: EfficientNetForImageClassification(EFFICIENT),
        {"image_processor_type": "EfficientNetImageProcessor", "rescale_factor": 1 / 127.5, "rescale_offset": True},
    ),
    "image, wide": image(lambda: ViTForImageClassification(VIT), {}, shape=(150, 211)),
    "image, cut out": image(
        lambda: MobileViTForImageClassification(MOBILE),
        {"image_processor_type": "MobileViTImageProcessor", "size": {"shortest_edge": 73}, "do_center_crop": True},
        {"resize": 73, "resample": "bicubic"}, shape=(150, 211),
    ),
    "image, scaled to a square and cut out": image(
        lambda: EfficientNetForImageClassification(EFFICIENT),
        {"image_processor_type": "EfficientNetImageProcessor", "size": {"height": 80, "width": 80},
         "do_center_crop": True, "resample": 3},
        {"resize": [80, 80], "resample": "bicubic"}, shape=(211, 150),
    ),
    "image, a share cut out": image(
        lambda: ViTForImageClassification(VIT),
        {"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 64}, "resample": 3},
        {"resize": 73, "resample": "bicubic"}, shape=(211, 150),
    ),
    "torchvision": torchvision_image("squeezenet1_1"),
    "torchvision, two sets of weights": torchvision_image("regnet_y_400mf", 232, "IMAGENET1K_V2"),
    "torchvision, grey": torchvision_image("shufflenet_v2_x0_5", mode="L"),
    "timm, a scale of the architecture": timm_image("test_resnet"),
    "timm, a stated scale": timm_image("test_resnet", {"mean": (0.1, 0.2, 0.3), "std": (0.5, 0.4, 0.3)}),
    "timm, stated arguments": timm_image(
        "test_vit", {"input_size": (3, 96, 96)}, {"img_size": 96}, size=96, resize=101, resample="bicubic"
    ),
    "timm, squashed": timm_image("test_resnet", {"crop_mode": "squash"}, resize=[168, 168]),
    "timm, grey": timm_image("test_resnet", mode="L"),
    "scikit-learn, a pipeline": row(
        "scikit_learn", skopsed(make_pipeline(PREPARED, LogisticRegression())), probabilities
    ),
    "scikit-learn, labels in another order": row(
        "scikit_learn", skopsed(make_pipeline(PREPARED, LogisticRegression())),
        lambda e, r: probabilities(e, r)[:, ::-1], positive="no",
    ),
    "scikit-learn, a single number for labels in another order": row(
        "scikit_learn", skopsed(make_pipeline(StandardScaler(), LinearSVC()), NUMBERS),
        lambda e, r: -decisions(e, r[NUMBERS]), normalised=False, positive="no",
    ),
    "scikit-learn, some of the columns": row(
        "scikit_learn", skopsed(make_pipeline(StandardScaler(), LogisticRegression()), ["age", "yearly income"]),
        lambda e, r: probabilities(e, r[["age", "yearly income"]]),
    ),
    "scikit-learn, columns without names": row(
        "scikit_learn",
        skopsed(make_pipeline(StandardScaler(), LogisticRegression(C=0.1)), NUMBERS, GROUP, named=False), unnamed,
        GROUP, tuple(NUMBERS),
    ),
    "scikit-learn, whole numbers as categories": row(
        "scikit_learn", skopsed(make_pipeline(OneHotEncoder(), LogisticRegression()), ["grade"]),
        lambda e, r: probabilities(e, r[["grade"]]),
    ),
    "scikit-learn, a search": row(
        "scikit_learn",
        skopsed(GridSearchCV(make_pipeline(PREPARED, LogisticRegression()), {"logisticregression__C": [0.1, 1]}, cv=2)),
        probabilities,
        trusted=("sklearn.metrics._scorer._PassthroughScorer", "sklearn.model_selection._split.StratifiedKFold"),
    ),
    "scikit-learn, no probabilities": row(
        "scikit_learn", skopsed(make_pipeline(StandardScaler(), LinearSVC()), NUMBERS),
        lambda e, r: decisions(e, r[NUMBERS]), normalised=False,
    ),
    "scikit-learn, pairs of classes": row(
        "scikit_learn", skopsed(SVC(decision_function_shape="ovo"), NUMBERS, GROUP), per_class, GROUP, normalised=False
    ),
    "scikit-learn, texts of a CSV file": row(
        "scikit_learn",
        skopsed(make_pipeline(make_column_transformer((OrdinalEncoder(), ["town"])), RandomForestClassifier(5))),
        probabilities, csv=True, trusted=["sklearn.tree._tree.Tree"],
    ),
    "scikit-learn, a number of a pipeline": row(
        "scikit_learn", skopsed(make_pipeline(PREPARED, Ridge()), label=AMOUNT), predicted, **COUNTED
    ),
    "scikit-learn, a number in other units": row(
        "scikit_learn", skopsed(TransformedTargetRegressor(LinearRegression(), func=np.log, inverse_func=np.exp),
                                NUMBERS, AMOUNT),
        lambda e, r: predicted(e, r[NUMBERS]), trusted=["numpy.exp", "numpy.log"], **COUNTED,
    ),
    "XGBoost, a number": row(
        "xgboost", boosted(xgboost.XGBRegressor(enable_categorical=True, **TREES), list(PEOPLE), AMOUNT, "m.ubj"),
        predicted, **COUNTED,
    ),
    "XGBoost, a number of events": row(
        "xgboost", boosted(xgboost.XGBRegressor(objective="count:poisson", **TREES), NUMBERS, AMOUNT, "m.json"),
        lambda e, r: predicted(e, r[NUMBERS]), **COUNTED,
    ),
    "LightGBM, a number": row(
        "lightgbm", boosted(lightgbm.LGBMRegressor(**LEAVES), list(PEOPLE), AMOUNT, "m.txt"), predicted, **COUNTED
    ),
    "LightGBM, a positive number": row(
        "lightgbm", boosted(lightgbm.LGBMRegressor(objective="gamma", **LEAVES), NUMBERS, AMOUNT, "m.txt"),
        lambda e, r: predicted(e, r[NUMBERS]), **COUNTED,
    ),
    "XGBoost": row("xgboost", boosted(xgboost.XGBClassifier(**TREES), NUMBERS, BINARY, "m.json"),
                   lambda e, r: probabilities(e, r[NUMBERS]), BINARY),
    "XGBoost, categories": row(
        "xgboost", boosted(xgboost.XGBClassifier(enable_categorical=True, **TREES), list(PEOPLE), GROUP, "m.ubj"),
        probabilities, GROUP,
    ),
    "XGBoost, no estimator": row(
        "xgboost", native, lambda b, r: np.log(b.predict(xgboost.DMatrix(r, enable_categorical=True))), GROUP
    ),
    "XGBoost, columns without names": row(
        "xgboost", boosted(xgboost.XGBClassifier(**TREES), NUMBERS, BINARY, "m.json", named=False), unnamed, BINARY,
        tuple(NUMBERS),
    ),
    "LightGBM, spaces in names": row(
        "lightgbm", boosted(lightgbm.LGBMClassifier(**LEAVES), ["grade", "yearly income", "age"], BINARY, "m.txt"),
        lambda e, r: probabilities(e, r[["grade", "yearly income", "age"]]), BINARY,
    ),
    "LightGBM, categories": row(
        "lightgbm", boosted(lightgbm.LGBMClassifier(**LEAVES), list(PEOPLE), GROUP, "m.txt"), probabilities, GROUP
    ),
    "LightGBM, columns without names": row(
        "lightgbm", boosted(lightgbm.LGBMClassifier(**LEAVES), NUMBERS, GROUP, "m.txt", named=False), unnamed, GROUP,
        tuple(NUMBERS),
    ),
}  # fmt: skip


def screened(folder, table, masking, normalised=True):
    """v(N) of candidates as they are screened: outputs, or log-probabilities of labels."""
    full = np.array(screen("ours", load(folder / "ours"), table, masking)["full"].to_pylist())
    if not normalised:
        return full
    return log_softmax(np.hstack([np.zeros_like(full), full]) if full.shape[1] == 1 else full)


@pytest.mark.parametrize("name", CASES)
def test_whole_items_are_what_the_library_says(name, tmp_path):
    ours, theirs = CASES[name](tmp_path)
    assert ours.shape == theirs.shape and len(ours) > 2
    assert theirs.std(axis=0).min() > 1e-3  # items differ
    np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=2e-4)


def test_there_are_enough_pairs():
    assert len(CASES) >= 20 and len({name.partition(",")[0] for name in CASES}) == 8
