"""A language model that is asked for the class of a text says what transformers says of the whole string."""

import copy
import functools
import math

import numpy as np
import pyarrow as pa
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

import tiny
from andor.config import Masking
from andor.errors import UserError
from andor.models.accuracy import predictions, quality
from andor.models.families.causal_lm import CausalLM
from andor.models.loading import load
from andor.models.prompted import PromptedClassifier, class_scores
from andor.outputs.cache import OutputCache
from andor.outputs.evaluate import evaluate_chunk, noise, screen
from andor.outputs.library import compared
from andor.outputs.masking import MaskingError, bind, locate, presence
from andor.outputs.masking.model import MaskedModel
from andor.outputs.passes import evaluate, evaluated
from andor.store import read_table

PROMPT = "the film: {text}\nacting"
ANSWERS = {0: [" the", " nobody"], 1: " superb film"}
CHAT = (
    "<|endoftext|>{% for message in messages %}{{ message.role }}: {{ message.content | trim }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}"
)
WORDS = ("superb", "A", "film", "nobody", "gripping")


@functools.cache
def folder_of(tmp: str, positions: int = 200) -> None:
    """A tiny Llama with a byte-level tokenizer that has a chat template, in the layout of transformers."""
    torch.manual_seed(7)
    tokenizer = tiny.byte_bpe()
    tokenizer.chat_template, tokenizer.model_max_length = CHAT, positions
    settings = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, initializer_range=0.3, bos_token_id=0, eos_token_id=0, max_position_embeddings=positions,
    )  # fmt: skip
    LlamaForCausalLM(settings).save_pretrained(tmp)
    tokenizer.save_pretrained(tmp)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("llama")
    folder_of(str(folder))
    return folder


def made(source, folder, table=None, **keys) -> PromptedClassifier:
    settings = CausalLM(family="causal_lm", source="llama", **{"prompt": PROMPT, "answers": ANSWERS, **keys})
    settings.make(table, source, None, folder, 0)
    return load(folder)


@pytest.fixture(scope="module")
def model(source, tmp_path_factory):
    return made(source, tmp_path_factory.mktemp("asked"))


@pytest.fixture(scope="module")
def chatting(source, tmp_path_factory):
    return made(source, tmp_path_factory.mktemp("chatting"), chat=True)


def by_hand(model: PromptedClassifier, prompt: str, special: bool = True) -> list[float]:
    """Token by token, from one plain pass of transformers over the whole string for each wording."""
    classes = []
    for wordings in ([" the", " nobody"], [" superb film"]):
        scores = []
        for wording in wordings:
            begin = len(model.tokenizer(prompt, add_special_tokens=special)["input_ids"])
            ids = model.tokenizer(prompt + wording, add_special_tokens=special)["input_ids"]
            with torch.no_grad():
                log_probs = model.network(input_ids=torch.tensor([ids])).logits[0].double().log_softmax(-1)
            scores.append(sum(log_probs[place - 1, ids[place]].item() for place in range(begin, len(ids))))
        classes.append(math.log(sum(map(math.exp, scores))))
    return classes


def test_a_whole_text_is_what_transformers_says_of_the_string(model, chatting):
    prompt = PROMPT.replace("{text}", tiny.TEXT)
    expected = by_hand(model, prompt)
    assert model.logits([tiny.TEXT])[0].tolist() == pytest.approx(expected, abs=1e-5)
    assert evaluate(bind(model, tiny.text_sample(*WORDS), Masking()))[-1].tolist() == pytest.approx(expected, abs=1e-5)

    message = [{"role": "user", "content": prompt}]
    rendered = chatting.tokenizer.apply_chat_template(message, tokenize=False, add_generation_prompt=True)
    assert rendered == f"<|endoftext|>user: {prompt}\nassistant:"
    expected = by_hand(chatting, rendered, special=False)
    assert chatting.logits([tiny.TEXT])[0].tolist() == pytest.approx(expected, abs=1e-5)
    sample = tiny.text_sample(*WORDS)
    ours, theirs = compared(chatting, sample, evaluate(bind(chatting, sample, Masking()))[-1])
    assert ours.tolist() == pytest.approx(theirs.tolist(), abs=1e-5)
    assert ours.tolist() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("baseline", ["zero", "mean"])
def test_going_on_from_caches_changes_nothing(model, baseline):
    masked = bind(model, tiny.text_sample(*WORDS), Masking(baseline=baseline))
    assert model.shares_prefixes
    with torch.inference_mode():
        expected = torch.cat([outputs for _, outputs in MaskedModel.blocks(masked, 1)]).numpy()
    assert np.ptp(expected[:, 1] - expected[:, 0]) > 0.1
    for size in (None, 1, 4):
        assert np.abs(evaluate(masked, size) - expected).max() < 1e-5
    drawn = np.random.default_rng(0).random((20, 5)) < 0.5
    numbers = (drawn << np.arange(5)).sum(axis=1)
    for size in (None, 8):
        assert np.abs(evaluated(masked, size, drawn=drawn).outputs - expected[numbers]).max() < 1e-5


def test_what_caches_change_is_rounding(model):
    """Both ways are equally far from float64.

    So they are in SmolLM2-135M, which is apart by more than 1e-5: on 24 masked versions of each of two reviews, with
    log-probabilities from -6.1 to -1.1, the two ways differed by 1.5e-5 at most, plain passes from float64 by 1.8e-5
    (root mean square 8e-6), and passes from caches by 1.6e-5 (8e-6).
    """
    masked = bind(model, tiny.text_sample(*WORDS), Masking())
    present = presence(torch.arange(32), 5)
    exact = copy.deepcopy(model.network).double()
    prompts, embed = masked.masked(present, masked.samples[0]).double(), exact.get_input_embeddings()

    def after(stem):
        further = embed(torch.tensor(stem, dtype=torch.long)).expand(32, -1, -1)
        logits = exact(inputs_embeds=torch.cat([prompts, further], dim=1), use_cache=False).logits
        return logits[:, -len(stem) - 1 :]

    with torch.inference_mode():
        truth = class_scores(masked.answers, after).numpy()
        plain = torch.cat([outputs for _, outputs in MaskedModel.blocks(masked, 1)]).numpy()
    assert truth.dtype == np.float64
    apart, by_caches = (np.sqrt(np.mean((outputs - truth) ** 2)) for outputs in (plain, evaluate(masked)))
    assert 0 < by_caches < 3 * apart < 1e-5


def test_masked_words_have_the_baseline_embedding_and_the_prompt_none(model):
    sample = tiny.text_sample("superb", "nobody")
    masked = bind(model, sample, Masking())
    whole = PROMPT.replace("{text}", tiny.TEXT)
    read = model.tokenizer(whole, return_offsets_mapping=True)
    begin = PROMPT.index("{text}") + tiny.TEXT.index("superb")
    pieces = [p for p, (start, stop) in enumerate(read["offset_mapping"]) if start < begin + 6 and begin < stop]
    embeddings = model.network.get_input_embeddings()(torch.tensor(read["input_ids"])).clone()
    embeddings[pieces] = 0
    expected = []
    for answer in (" the", " nobody", " superb film"):
        ids = model.tokenizer(whole + answer)["input_ids"][len(read["input_ids"]) :]
        inputs = torch.cat([embeddings, model.network.get_input_embeddings()(torch.tensor(ids))])[None]
        log_probs = model.network(inputs_embeds=inputs).logits[0].log_softmax(-1)
        expected.append(sum(log_probs[len(embeddings) - 1 + place, token].item() for place, token in enumerate(ids)))
    both = math.log(math.exp(expected[0]) + math.exp(expected[1]))
    assert evaluate(masked)[0b10].tolist() == pytest.approx([both, expected[2]], abs=1e-5)


def test_what_stands_before_the_first_player_is_read_once(model):
    masked, passes = bind(model, tiny.text_sample("superb", "nobody"), Masking()), []

    def count(module, inputs, options):
        passes.append(tuple(options["inputs_embeds"].shape[:2]))

    hook = model.network.register_forward_pre_hook(count, with_kwargs=True)
    evaluated(masked, 4, drawn=np.random.default_rng(0).random((12, 2)) < 0.5)
    hook.remove()
    assert passes[0] == (1, masked.cuts[0]) and masked.cuts[0] > len(model.tokenizer("the film: ")["input_ids"])
    rest = masked.samples.shape[1] - masked.cuts[0]
    stem = len(model.tokenizer(" superb film")["input_ids"]) - 1
    others = [tokens for _, tokens in passes[1:]]
    assert others.count(rest) == 3 and max(others) == rest and others.count(stem) >= 3


def test_it_is_screened_kept_and_judged_like_any_classifier(model, tmp_path):
    texts = [tiny.TEXT, "the acting is superb", "nobody sleeps: the film " * 30]
    items = pa.table({"item": [0, 1, 2], "label": [0, 1, 1], "split": ["test"] * 3, "text": texts})
    assert predictions(model, items).tolist()[2] == -1
    assert quality(model, items, "test", 2)["items"] == 2
    spans = [
        [[text.index(word), text.index(word) + len(word)] for word in ("the", "sleeps")]
        if "sleeps" in text
        else [[0, 3]]
        for text in texts
    ]
    candidates = items.append_column("players", pa.array(spans, pa.list_(pa.list_(pa.int32()))))
    screened = screen("lm", model, candidates, Masking()).to_pylist()
    assert screened[0]["full"] == pytest.approx(model.logits([tiny.TEXT])[0].tolist(), abs=1e-5)
    assert "tokens with its longest answer, the model reads 200" in screened[2]["reason"]
    samples = candidates.slice(0, 1).append_column("sample", pa.array([0], pa.int32()))
    evaluate_chunk("lm", model, samples, Masking(), OutputCache(tmp_path / "c"), tmp_path / "out", progress=False)
    kept = read_table(tmp_path / "out" / "0.parquet")
    assert kept["logits"].to_pylist()[3] == pytest.approx(screened[0]["full"], abs=1e-4) and len(kept) == 4


def test_the_question_is_part_of_the_digest(source, model, tmp_path):
    others = [{"answers": {0: " the", 1: " superb film"}}, {"prompt": "a {text}\nacting"}, {"chat": True},
              {"quantize": "q8_0"}]  # fmt: skip
    digests = {made(source, tmp_path / str(number), **keys).digest for number, keys in enumerate(others)}
    assert len(digests | {model.digest}) == 5
    content = locate(model, tiny.text_sample("film"), Masking()).content()
    assert content["input"]["answers"] == model.asked(tiny.TEXT).answers


def test_reduced_precision_states_the_noise_of_the_log_odds(source, tmp_path):
    reduced = made(source, tmp_path / "m", dtype="bfloat16")
    masked = bind(reduced, tiny.text_sample(*WORDS[:3]), Masking())
    outputs = evaluate(masked)
    with reduced.in_float32():
        exact = evaluate(bind(reduced, tiny.text_sample(*WORDS[:3]), Masking()), 1)
    apart = np.subtract(*(classes[:, 1] - classes[:, 0] for classes in (outputs, exact)))
    assert noise(reduced, masked, outputs)["noise"] == pytest.approx(np.sqrt(np.mean(apart**2)), rel=0.05) != 0


def test_a_piece_of_template_and_player_is_told(source, tmp_path):
    """The letters before a word are one piece with it: masking the word would mask the prompt."""
    joined = made(source, tmp_path / "m", prompt="unfor{text} is")
    with pytest.raises(MaskingError, match="holds letters that are not of its player"):
        locate(joined, tiny.text_sample("gettable", text="gettable film"), Masking())


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"answers": {0: " the", 1: " the film"}}, "the answers ' the' and ' the film' collide: the tokens of the"),
        ({"prompt": "{text} the film ", "answers": {0: "acting", 1: "is"}},
         "joins the answer 'acting' with the end of the prompt"),
        ({"prompt": "{text}" + " the film" * 150}, "`prompt`: with no text in it, the prompt has"),
        ({"answers": {0: " the", 1: " film", 2: " acting"}}, "`answers` has 3 classes, the data 2"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_one_line_before_any_work(source, tmp_path, keys, said):
    table = pa.table({"item": [0, 1], "label": [0, 1], "split": ["test"] * 2, "text": [tiny.TEXT] * 2})
    with pytest.raises(UserError) as error:
        made(source, tmp_path / "m", table, **keys)
    assert said in str(error.value) and "\n" not in str(error.value)


def test_a_tokenizer_without_a_chat_template_is_told(tmp_path):
    folder_of(str(tmp_path / "llama"), 199)
    tokenizer: PreTrainedTokenizerFast = tiny.byte_bpe()
    tokenizer.save_pretrained(tmp_path / "llama")
    (tmp_path / "llama" / "chat_template.jinja").unlink(missing_ok=True)
    with pytest.raises(UserError, match="`chat: true`: the tokenizer has no chat template; take"):
        made(tmp_path / "llama", tmp_path / "m", chat=True)


def test_a_chat_template_that_trims_a_text_is_told_wherever_that_is(source, tmp_path):
    texts = ["a superb film"] * 5 + ["a dull film "]
    table = pa.table({"text": texts, "label": pa.array([0, 1] * 3, pa.int16()), "split": ["test"] * 6})
    made(source, tmp_path / "m", table, prompt="{text} said", chat=True)
    with pytest.raises(UserError, match="chat template of the tokenizer changes the text 'a dull film '"):
        made(source, tmp_path / "n", table, prompt="said: {text}", chat=True)


def test_answers_may_be_in_a_file(source, model, tmp_path):
    (tmp_path / "answers.yaml").write_text('0: [" the", " nobody"]\n1: " superb film"\n')
    assert made(source, tmp_path / "m", answers=str(tmp_path / "answers.yaml")).digest == model.digest
    (tmp_path / "answers.yaml").write_text('0: " the"\n2: " superb film"\n')
    with pytest.raises(UserError, match=r"answers\.yaml`: class 1 has no answer; add one"):
        made(source, tmp_path / "n", answers=str(tmp_path / "answers.yaml"))
    for text, fault in (
        ('0: " a"\n1: " b"\n1: " c"\n', "key `1` is there twice"),
        ("[" * 3000, "brackets in brackets"),
    ):
        (tmp_path / "answers.yaml").write_text(text)
        with pytest.raises(UserError, match=fault):
            made(source, tmp_path / "n", answers=str(tmp_path / "answers.yaml"))
