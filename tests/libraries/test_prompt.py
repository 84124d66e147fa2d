"""Masked prompts share the caches of their prefixes, and give what each gives when it is run whole."""

import copy
import functools
import itertools
import logging

import numpy as np
import pytest
import torch
from tokenizers.processors import TemplateProcessing
from transformers import (
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    MambaConfig,
    MambaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    OPTConfig,
    OPTForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
)

import tiny
from andor.config import Masking
from andor.data.targets import predicted
from andor.models.caches import agree
from andor.models.loaded import LanguageModel
from andor.outputs.evaluate import noise, provenance
from andor.outputs.masking import bind
from andor.outputs.masking.model import MaskedModel, presence
from andor.outputs.masking.prompt import block_size, target_outputs
from andor.outputs.passes import evaluate, evaluated, fastest_batch_size

# In another order than in the text, which also begins with a player.
WORDS = ("superb", "A", "film", "nobody", "gripping")
SHAPE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "initializer_range": 0.3}
GATED = {**SHAPE, "intermediate_size": 64, "num_key_value_heads": 2}


def language(network: type, settings: type, **shape) -> LanguageModel:
    torch.manual_seed(5)
    tokenizer = tiny.byte_bpe()
    made = network(settings(vocab_size=len(tokenizer), bos_token_id=0, eos_token_id=0, pad_token_id=0, **shape))
    return LanguageModel(made, {"family": "causal_lm", "dtype": "float32"}, tokenizer)


@functools.cache
def model(name: str) -> LanguageModel:
    match name:
        case "gpt2":
            return tiny.gpt2()
        case "llama":
            return tiny.llama()
        case "opt":  # learned positions, two off
            shape = {key: value for key, value in SHAPE.items() if key != "initializer_range"}
            return language(OPTForCausalLM, OPTConfig, **shape, ffn_dim=64, word_embed_proj_dim=32, init_std=0.3)
        case "qwen2":
            return language(Qwen2ForCausalLM, Qwen2Config, **GATED)
        case "mistral":  # a window far shorter than the prompt
            return language(MistralForCausalLM, MistralConfig, **GATED, sliding_window=6)
        case "gemma3":  # such a window in one layer, scaled embeddings
            layers = ["sliding_attention", "full_attention"]
            more = {"sliding_window": 6, "layer_types": layers, "head_dim": 8}
            return language(Gemma3ForCausalLM, Gemma3TextConfig, **GATED, **more)
        case "mamba":  # a state, no keys and values
            shape = {"hidden_size": 32, "num_hidden_layers": 2, "state_size": 8, "initializer_range": 0.3}
            return language(MambaForCausalLM, MambaConfig, **shape)
    raise ValueError(name)


def whole(masked: MaskedModel) -> np.ndarray:
    """Every masked prompt run from its first token, one at a time."""
    with torch.inference_mode():
        blocks = list(MaskedModel.blocks(masked, 1))
    return torch.cat([outputs for _, outputs in blocks]).numpy()


@pytest.mark.parametrize(
    ("name", "target"),
    [(name, " the") for name in ("gpt2", "opt", "qwen2", "mistral")]
    + [("llama", " theremin"), ("gemma3", " theremin")],
)
def test_the_tree_gives_what_whole_prompts_give(name, target):
    masked = bind(model(name), tiny.text_sample(*WORDS, target=target), Masking())
    assert masked.model.shares_prefixes
    expected = whole(masked)
    assert np.ptp(expected[:, 1]) > 0.1
    default = evaluate(masked)
    assert np.abs(default - expected).max() < 1e-5
    assert default.tobytes() == evaluate(masked).tobytes()
    for size in (1, 4):
        assert np.abs(evaluate(masked, size) - expected).max() < 1e-5


def test_the_tree_is_as_exact_as_whole_prompts():
    """In float32 both differ from float64 by rounding; going on from a cache adds nothing to it."""
    masked = bind(tiny.gpt2(), tiny.text_sample(*WORDS, target=" the"), Masking())
    network = copy.deepcopy(masked.model.network).double()
    prompts = masked.masked(presence(torch.arange(32), 5), masked.samples[0]).double()
    with torch.inference_mode():
        exact = target_outputs(network(inputs_embeds=prompts).logits[:, -1:], masked.target).numpy()
    assert exact.dtype == np.float64
    tree, alone = (np.sqrt(np.mean((outputs - exact) ** 2)) for outputs in (evaluate(masked), whole(masked)))
    assert 0 < tree < 2 * alone < 1e-5


def test_a_player_in_several_places():
    sample = tiny.text_sample("the acting", "nobody", "film", target=" the")
    masked = bind(model("qwen2"), sample, Masking(baseline="mean"))
    first, last = int((masked.owner == 0).nonzero()[0, 0]), int((masked.owner == 1).nonzero()[-1, 0])
    masked.owner[first] = 0
    masked.owner[last + 1] = 0  # a token after the second player goes with the first
    assert np.abs(evaluate(masked) - whole(masked)).max() < 1e-5


def test_each_prefix_runs_once():
    masked, passes = bind(model("llama"), tiny.text_sample(*WORDS, target=" the"), Masking()), []

    def count(module, inputs, options):
        passes.append(tuple(options["inputs_embeds"].shape[:2]))

    hook = masked.model.network.register_forward_pre_hook(count, with_kwargs=True)
    evaluate(masked, 4)
    hook.remove()
    cuts = masked.cuts
    assert cuts == sorted(cuts) and masked.order == [1, 4, 2, 0, 3]
    segments = [cuts[0], *(stop - start for start, stop in itertools.pairwise(cuts))]
    assert sum(rows * tokens for rows, tokens in passes) == sum(2**k * length for k, length in enumerate(segments))
    assert max(rows for rows, _ in passes) == 4


def test_a_model_without_such_a_cache_runs_every_prompt_whole(caplog):
    masked = bind(model("mamba"), tiny.text_sample(*WORDS[:4], target=" the"), Masking())
    with caplog.at_level(logging.WARNING):
        del masked.model.shares_prefixes
        assert not masked.model.shares_prefixes
    assert "every masked prompt is recomputed whole" in caplog.text
    assert np.abs(evaluate(masked) - whole(masked)).max() < 1e-5


@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_a_common_offset_of_all_logits_hides_no_fault_of_a_cache(offset):
    """It changes no probability; a share of the largest logit would let any fault pass."""
    whole = torch.randn(2, 50, generator=torch.Generator().manual_seed(0))
    faulty = whole.clone()
    faulty[0, 3] += 0.05
    assert agree(whole + offset, whole + offset, torch.float32)
    assert not agree(faulty + offset, whole + offset, torch.float32)
    assert agree(faulty + offset, whole + offset, torch.bfloat16)


def test_blocks_are_as_large_as_stated():
    players = [[4 * k, 4 * k + 1] for k in range(10)]
    # SmolLM2-135M: 46 KB a token; on the way down 2, 4, …, 64, 128, 128, 128 prompts of 4, 8, …, 40 tokens
    assert block_size(players, 40, 46080, 196608, "cpu") == 128
    assert block_size(players, 40, 46080, 196608, "cuda") == 1024
    # LLaMA-7B in float32: 1 MiB a token
    assert block_size(players, 40, 1 << 20, 128000, "cuda") == 32
    assert block_size([[0], [1]], 8000, 1, 1, "cpu") == 1
    assert block_size(players, 40, 1, 1, "cpu") == 1024


def test_the_target_may_have_several_tokens():
    random = np.random.default_rng(0)
    logits = torch.from_numpy(random.normal(scale=3, size=(5, 3, 11)).astype(np.float32))
    tokens = (4, 0, 7)
    p = torch.stack([logits.double().softmax(-1)[:, j, token] for j, token in enumerate(tokens)]).prod(0)
    expected = torch.stack([p.log(), p.log() - (-p).log1p()], dim=1)
    assert torch.allclose(target_outputs(logits, tokens).double(), expected, atol=1e-5)
    # nearly certain, each: 1 − p is the sum of what is missing
    sure = torch.zeros(1, 2, 3)
    sure[0, :, 1] = 60
    log_prob, log_odds = target_outputs(sure, (1, 1))[0].tolist()
    assert log_odds == pytest.approx(60 - np.log(4), abs=1e-5) and log_prob == pytest.approx(-4 * np.exp(-60))


def test_several_tokens_are_those_of_the_whole_text():
    lm, sample = model("gpt2"), tiny.text_sample("film", target=" theremin")
    masked = bind(lm, sample, Masking())
    ids = lm.tokenizer(tiny.TEXT + " theremin")["input_ids"]
    count = len(masked.target)
    assert count > 2 and list(masked.target) == ids[-count:]
    with torch.no_grad():
        scores = lm.network(input_ids=torch.tensor([ids])).logits[0].double().log_softmax(-1)
    expected = sum(scores[len(ids) - count + j - 1, ids[len(ids) - count + j]].item() for j in range(count))
    assert evaluate(masked)[1, 0] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("target", [" superb", " the film"])
@pytest.mark.parametrize("closing", ["$A </s>", "<s> $A </s>", "<s> $A </s> </s>", "<s> $A"])
def test_no_token_that_closes_a_text_stands_between_prompt_and_target(closing, target):
    lm = tiny.llama()
    tokenizer = tiny.metaspace_bpe()
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single=closing, special_tokens=[("<s>", 1), ("</s>", 2)]
    )
    model = LanguageModel(lm.network, lm.description, tokenizer)
    text = "the film the acting is"
    sample = tiny.text_sample("film", "acting", text=text, target=target)
    start = [1] if closing.startswith("<s>") else []
    prompt, both = (start + tokenizer(t, add_special_tokens=False)["input_ids"] for t in (text, text + target))
    assert both[: len(prompt)] == prompt
    with torch.no_grad():
        scores = lm.network(input_ids=torch.tensor([both])).logits[0].log_softmax(-1)
    expected = sum(scores[place - 1, both[place]].item() for place in range(len(prompt), len(both)))
    assert evaluate(bind(model, sample, Masking(baseline="unk")))[-1, 0] == pytest.approx(expected, abs=1e-5)
    with torch.no_grad():
        likely = lm.network(input_ids=torch.tensor([prompt])).logits[0, -1, : len(tokenizer)].argsort(descending=True)
    first = next(token for token in likely.tolist() if tokenizer.decode([token]).strip() and token > 2)
    assert predicted(model, text).strip() == tokenizer.decode([first]).strip()


def test_reduced_precision_states_its_noise(caplog):
    exact = model("qwen2")
    reduced = language(Qwen2ForCausalLM, Qwen2Config, **GATED)
    reduced.network.to(torch.bfloat16)
    reduced.description["dtype"] = "bfloat16"
    masked = bind(reduced, tiny.text_sample(*WORDS, target=" the"), Masking())
    before = {name: weight.clone() for name, weight in reduced.network.state_dict().items()}
    done = evaluated(masked)
    found = noise(reduced, masked, done.outputs)
    assert "bfloat16 adds noise of σ" in caplog.text
    after = reduced.network.state_dict()
    assert all(
        after[name].dtype == weight.dtype and torch.equal(after[name], weight) for name, weight in before.items()
    )
    with reduced.in_float32():
        plain = whole(bind(reduced, tiny.text_sample(*WORDS, target=" the"), Masking()))
    true = np.sqrt(np.mean((done.outputs[:, 1] - plain[:, 1]) ** 2))
    assert true > 1e-3 and true / 2 < found["noise"] < 2 * true  # from 16 of 32 coalitions
    assert noise(exact, bind(exact, tiny.text_sample("film", target=" the"), Masking()), done.outputs) == {}


def test_the_fastest_batch_is_a_power_of_two_that_can_be_used():
    masked = bind(model("llama"), tiny.text_sample(*WORDS, target=" the"), Masking())
    size = fastest_batch_size(masked)
    assert size & (size - 1) == 0 and 1 <= size <= 32
    assert np.abs(evaluate(masked, size) - whole(masked)).max() < 1e-5


def test_the_record_says_what_may_change_last_bits():
    made = provenance(model("llama"), 64)
    assert made["batch_size"] == 64 and made["device"] == "cpu" and made["torch"] == torch.__version__
    assert made["threads"] == torch.get_num_threads() and "transformers" in made
