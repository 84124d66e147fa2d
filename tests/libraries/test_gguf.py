"""A language model in a GGUF file becomes the same model in the layout of transformers."""

import json
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, MixtralConfig, MixtralForCausalLM, PreTrainedTokenizerFast

import tiny
from andor.errors import UserError
from andor.models.families.causal_lm import CausalLM
from andor.models.loading import load

HEADS, PAIRS = 4, 2


def network(tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    torch.manual_seed(6)
    settings = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=HEADS,
        num_key_value_heads=PAIRS, initializer_range=0.3, bos_token_id=0, eos_token_id=0, tie_word_embeddings=True,
    )  # fmt: skip
    return LlamaForCausalLM(settings).eval()


def interleaved(weight: torch.Tensor, heads: int) -> torch.Tensor:
    """Rows of a query or key matrix as GGUF orders them: the two halves that a rotation pairs, side by side."""
    return weight.reshape(heads, 2, -1, weight.shape[1]).swapaxes(1, 2).reshape(weight.shape)


def write(path: Path, llama: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, split: str) -> None:
    """The model as llama.cpp stores it, in float32."""
    writer, settings = gguf.GGUFWriter(path, "llama"), llama.config
    writer.add_block_count(settings.num_hidden_layers)
    writer.add_context_length(64)
    writer.add_embedding_length(settings.hidden_size)
    writer.add_feed_forward_length(settings.intermediate_size)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(PAIRS)
    writer.add_layer_norm_rms_eps(settings.rms_norm_eps)
    writer.add_rope_freq_base(settings.rope_parameters["rope_theta"])
    writer.add_rope_dimension_count(settings.hidden_size // HEADS)
    writer.add_vocab_size(settings.vocab_size)
    description = json.loads(tokenizer.backend_tokenizer.to_str())["model"]
    tokens = sorted(description["vocab"], key=description["vocab"].get)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(split)
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.CONTROL] + [gguf.TokenType.NORMAL] * (len(tokens) - 1))
    writer.add_token_merges([" ".join(merge) for merge in description["merges"]])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
    writer.add_add_bos_token(False)
    names = {
        "input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
        "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "post_attention_layernorm": "ffn_norm",
        "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
    }  # fmt: skip
    weights = {"token_embd": llama.model.embed_tokens.weight, "output_norm": llama.model.norm.weight}
    for number, layer in enumerate(llama.model.layers):
        for theirs, ours in names.items():
            weights[f"blk.{number}.{ours}"] = layer.get_submodule(theirs).weight
    for name, weight in weights.items():
        heads = HEADS if name.endswith("attn_q") else PAIRS if name.endswith("attn_k") else 0
        stored = interleaved(weight, heads) if heads else weight
        writer.add_tensor(f"{name}.weight", stored.detach().numpy().astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.mark.parametrize("split", ["smollm", "gpt-2"])
def test_weights_and_tokenizer_are_those_of_the_file(tmp_path, split):
    tokenizer = tiny.byte_bpe()
    llama = network(tokenizer)
    write(tmp_path / "tiny.gguf", llama, tokenizer, split)
    made = tmp_path / "made"
    CausalLM(family="causal_lm", source="tiny").make(None, tmp_path / "tiny.gguf", None, made, 0)
    assert (made / "model.safetensors").exists() and not list(made.glob("*.gguf"))
    loaded = load(made)
    ids = tokenizer(tiny.TEXT)["input_ids"]
    assert loaded.tokenizer(tiny.TEXT)["input_ids"] == ids
    assert loaded.tokenizer.decode(ids) == tiny.TEXT
    with torch.no_grad():
        ours, theirs = (net(input_ids=torch.tensor([ids])).logits for net in (loaded.network, llama))
    assert (ours - theirs).abs().max() < 1e-5
    assert theirs.std() > 0.1
    # SmolLM's tokenizer takes every digit alone, which the file only names; GPT-2's would keep "10" together
    pieces = [piece for piece, _ in loaded.tokenizer.backend_tokenizer.pre_tokenizer.pre_tokenize_str("in 10 films")]
    assert pieces == (["in", "Ġ", "1", "0", "Ġfilms"] if split == "smollm" else ["in", "Ġ10", "Ġfilms"])


def test_a_file_of_something_else_is_one_line(tmp_path):
    (tmp_path / "tiny.gguf").write_bytes(b"GGUF" + b"\0" * 8)
    with pytest.raises(UserError, match=r"tiny\.gguf: cannot be read .*; name a GGUF file") as error:
        CausalLM(family="causal_lm", source="x").make(None, tmp_path / "tiny.gguf", None, tmp_path / "m", 0)
    assert "\n" not in str(error.value)


def test_a_part_of_a_model_is_refused(tmp_path, monkeypatch):
    """The rest would be drawn at random, other numbers in each run."""
    tokenizer, whole = tiny.byte_bpe(), gguf.GGUFWriter.add_tensor

    def first_part(writer, name, *arguments, **options):
        if not name.startswith("blk.1."):
            whole(writer, name, *arguments, **options)

    monkeypatch.setattr(gguf.GGUFWriter, "add_tensor", first_part)
    write(tmp_path / "m-00001-of-00002.gguf", network(tokenizer), tokenizer, "gpt-2")
    with pytest.raises(UserError, match=r"has no weights model\.layers\.1\..* \(9 in all\); .* join the parts first"):
        CausalLM(family="causal_lm", source="x").make(None, tmp_path / "m-00001-of-00002.gguf", None, tmp_path / "m", 0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("llama")
    tokenizer = tiny.byte_bpe()
    network(tokenizer).save_pretrained(made)
    tokenizer.save_pretrained(made)
    return made


def quantized(folder: Path, made: Path, kind: str | None):
    CausalLM(family="causal_lm", source="tiny", quantize=kind).make(None, folder, None, made, 0)
    return load(made)


@pytest.mark.parametrize("kind", ["q8_0", "q5_1", "q4_0"])
def test_quantized_weights_are_what_gguf_reads_again(folder, tmp_path, caplog, kind):
    with caplog.at_level("INFO"):
        plain, packed = (quantized(folder, tmp_path / str(each), each) for each in (None, kind))
    as_kind = gguf.GGMLQuantizationType[kind.upper()]
    changed = set()
    for name, weight in packed.network.state_dict().items():
        before = plain.network.state_dict()[name]
        linear = "_proj" in name
        expected = gguf.dequantize(gguf.quantize(before.numpy(), as_kind), as_kind) if linear else before.numpy()
        assert np.array_equal(weight.numpy(), expected), name
        changed |= {name} if not torch.equal(weight, before) else set()
    assert len(changed) == 2 * 7  # of two layers; the head is the embeddings
    assert f"{kind}: weights of 14 linear layers; as they were: lm_head" in caplog.text
    assert plain.digest != packed.digest
    ids = torch.tensor([plain.tokenizer(tiny.TEXT)["input_ids"]])
    with torch.no_grad():
        ours, theirs = (model.network(input_ids=ids).logits for model in (packed, plain))
    far = (ours - theirs).std() / theirs.std()
    assert 0 < far < {"q8_0": 0.05, "q5_1": 0.3, "q4_0": 0.6}[kind]  # a network with large random weights


def test_layers_that_no_block_fits_stay_as_they_are():
    from andor.models.quantized import quantize

    net = tiny.gpt2().network.__class__(tiny.gpt2().network.config)  # its linear layers hold inputs × outputs
    before = {name: weight.clone() for name, weight in net.state_dict().items()}
    done, kept = quantize(net, "q8_0")
    assert "transformer.h.0.attn.c_attn" in done and kept == ["lm_head"]
    rows = before["transformer.h.0.attn.c_attn.weight"].T.contiguous().numpy()
    q8_0 = gguf.GGMLQuantizationType.Q8_0
    expected = gguf.dequantize(gguf.quantize(rows, q8_0), q8_0).T
    assert np.array_equal(net.state_dict()["transformer.h.0.attn.c_attn.weight"].numpy(), expected)
    odd = torch.nn.Sequential(torch.nn.Linear(33, 4), torch.nn.Linear(64, 4))
    odd.get_input_embeddings = lambda: torch.nn.Embedding(2, 2)
    assert quantize(odd, "q4_0") == (["1"], ["0"])


def test_experts_that_are_no_linear_layers_are_not_passed_over():
    from andor.models.quantized import quantize

    settings = MixtralConfig(
        vocab_size=64, hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=2, num_local_experts=4,
    )  # fmt: skip
    said = r"`quantize: q4_0`: \d\d% of the weights are in no linear layer .*, such as model\.layers\.0\.mlp\.experts\."
    with pytest.raises(UserError, match=said):
        quantize(MixtralForCausalLM(settings), "q4_0")
