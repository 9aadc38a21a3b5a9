"""Vectors, principal axes and embedders, without a database."""

import struct

import numpy as np
import pytest

from loader.data.components import COMPONENTS, principal_axes, vectors_of_copy
from loader.data.embed import unit_vectors
from loader.data.embedders import Transformer, open_embedder
from loader.errors import PgfeedError


@pytest.fixture(scope="module")
def use():
    return open_embedder()


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_vectors_get_length_one():
    result = unit_vectors(np.array([[3, 4], [0, -1e-30]], np.float32), 2, [1, 2])
    assert np.allclose(result, [[0.6, 0.8], [0, -1]])


@pytest.mark.parametrize(
    ("vector", "what"), [([0, 0], "a zero vector"), ([np.nan, 1], "NaN or infinity"), ([np.inf, 1], "NaN or infinity")]
)
def test_vectors_without_direction_are_refused(vector, what):
    with pytest.raises(PgfeedError, match=f"the text of post 8 cannot be embedded: the embedder gave {what}"):
        unit_vectors(np.array([[1, 1], vector], np.float32), 2, [7, 8])


def test_wrong_dimensions_are_refused():
    with pytest.raises(PgfeedError, match=r"vectors of shape \(1, 3\) instead of \(1, 2\)"):
        unit_vectors(np.ones((1, 3)), 2, [7])


def test_rows_of_a_binary_copy():
    head = b"PGCOPY\n\xff\r\n\0" + bytes(8)
    row = struct.pack(">hiqihh2e", 2, 8, -7, 8, 2, 0, 0.5, -2)
    ids, vectors = vectors_of_copy(head + row + b"\xff\xff", 2)
    assert ids.tolist() == [-7] and vectors.tolist() == [[0.5, -2]]
    assert len(vectors_of_copy(head + b"\xff\xff", 2)[0]) == 0


def test_principal_axes_equal_scikit_learn():
    from sklearn.decomposition import PCA

    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((400, 40)) * np.geomspace(5, 0.1, 40) + 1
    basis = principal_axes(vectors.astype(np.float32))
    pca = PCA(COMPONENTS, svd_solver="full").fit(vectors)
    assert basis.shape == (COMPONENTS + 1, 40)
    assert np.allclose(basis[0], pca.mean_, atol=1e-5)
    assert np.allclose(np.abs((basis[1:] * pca.components_).sum(axis=1)), 1, atol=1e-4)
    assert (basis[np.arange(1, 26), np.abs(basis[1:]).argmax(axis=1)] > 0).all()


@pytest.mark.parametrize(("count", "dimensions", "axes"), [(1, 8, 0), (2, 8, 1), (5, 64, 4), (100, 3, 3)])
def test_axes_without_variance_are_zero(count, dimensions, axes):
    basis = principal_axes(np.random.default_rng(1).standard_normal((count, dimensions)).astype(np.float32))
    assert basis.shape == (26, dimensions)
    assert np.linalg.norm(basis[1:], axis=1) == pytest.approx([1.0] * axes + [0.0] * (25 - axes), abs=1e-5)


def test_default_embedder_knows_russian_and_english(use):
    oil, oil_ru, football = use.encode(["oil price", "цена нефти", "football match"])
    assert cosine(oil, oil_ru) > 0.5 > cosine(oil, football)
    assert use.dimensions == 512 and use.checkpoint == "0.2.1"


@pytest.mark.parametrize(
    "text", ["😀🎬🔥", "смешанный text на two languages", "x", "\x01", "слово " * 4000, "a" * 25_000, "\U0010ffff"]
)
def test_default_embedder_takes_any_text(use, text):
    assert np.linalg.norm(use.encode([text])[0]) == pytest.approx(1, abs=1e-3)


def test_batches_change_nothing(use):
    texts = ["первый", "second text", "третий text"]
    together = use.encode(texts)
    assert np.allclose(together, [use.encode([text])[0] for text in texts], atol=1e-5)


@pytest.mark.parametrize("choice", ["", "bert", "bert:", "use:x", "minilm:x"])
def test_unknown_embedder(choice):
    with pytest.raises(PgfeedError, match="there is no embedder"):
        open_embedder(choice)


def test_minilm_says_what_to_install(monkeypatch):
    monkeypatch.setattr("loader.data.embedders.MINILM", "no-such-package")
    with pytest.raises(PgfeedError, match="minilm needs the package no-such-package: .*install no-such-package torch"):
        open_embedder("minilm")


@pytest.fixture(scope="module")
def roberta_folder(tmp_path_factory):
    """A folder with a RoBERTa of two small layers, initialised at random, and a tokenizer of bytes."""
    pytest.importorskip("torch", reason="the extra roberta is not installed: pip install torch transformers")
    transformers = pytest.importorskip("transformers",
                                       reason="the extra roberta is not installed: pip install torch transformers")
    import torch
    from tokenizers import ByteLevelBPETokenizer

    folder = tmp_path_factory.mktemp("roberta")
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    bpe = ByteLevelBPETokenizer()
    bpe.train_from_iterator(["oil price", "цена нефти"], vocab_size=300, special_tokens=special)
    bpe.save_model(str(folder))
    transformers.RobertaTokenizerFast.from_pretrained(str(folder)).save_pretrained(folder)
    torch.manual_seed(0)
    config = transformers.RobertaConfig(
        vocab_size=300, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=66,
        pad_token_id=1, bos_token_id=0, eos_token_id=2,
    )
    transformers.RobertaForMaskedLM(config).save_pretrained(folder)
    return folder


def test_roberta(roberta_folder):
    embedder = open_embedder(f"roberta:{roberta_folder}")
    texts = ["oil price " * 500, "цена нефти", "oil", "😀"]
    vectors = embedder.encode(texts)
    assert vectors.shape == (4, embedder.dimensions) == (4, 32)
    assert np.isfinite(vectors).all() and (np.linalg.norm(vectors, axis=1) > 0).all()
    # Padding and the order of a batch change nothing.
    assert np.allclose(vectors, [embedder.encode([text])[0] for text in texts], atol=1e-5)
    assert open_embedder(f"roberta:{roberta_folder}").checkpoint == embedder.checkpoint


def test_roberta_that_is_not_there(tmp_path):
    pytest.importorskip("transformers", reason="the extra roberta is not installed: pip install torch transformers")
    with pytest.raises(PgfeedError, match="cannot load the model .*: Unrecognized model"):
        open_embedder(f"roberta:{tmp_path}")
    with pytest.raises(PgfeedError, match="cannot load the model .*: there is no such folder"):
        open_embedder(f"roberta:{tmp_path / 'no'}")


@pytest.fixture(scope="module")
def bert_folder(roberta_folder, tmp_path_factory):
    """A folder with a BERT of one small layer, initialised at random, and a tokenizer of whole words."""
    import torch
    import transformers

    folder = tmp_path_factory.mktemp("bert")
    (folder / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "oil", "price"]))
    transformers.BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(0)
    config = transformers.BertConfig(vocab_size=7, hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
                                     intermediate_size=64, max_position_embeddings=66)
    transformers.BertModel(config).save_pretrained(folder)
    return folder


def test_bert_reads_all_its_positions(bert_folder):
    embedder = open_embedder(f"bert:{bert_folder}")
    long, longer, shorter = embedder.encode(["oil " * 64, "oil " * 64 + "price", "oil " * 63 + "price"])
    assert (embedder.name, embedder.tokens, embedder.dimensions) == ("bert", 66, 32)
    assert np.allclose(long, longer, atol=1e-5) and not np.allclose(long, shorter, atol=1e-3)


def test_fewer_tokens_than_positions(bert_folder):
    embedder = Transformer("bert", str(bert_folder), tokens=4)
    assert np.allclose(*embedder.encode(["oil oil", "oil oil price"]), atol=1e-5)


def test_minilm_has_the_weights_of_its_package():
    pytest.importorskip("all_minilm_l6_v2", reason="the extra minilm is not installed: ./run install minilm")
    embedder = open_embedder("minilm")
    oil, crude, football = embedder.encode(["The oil price", "What a barrel of crude costs", "A football match"])
    assert (embedder.name, embedder.dimensions, embedder.tokens) == ("minilm", 384, 256)
    assert cosine(oil, crude) > 0.5 > cosine(oil, football)


def test_other_models_are_refused(roberta_folder, bert_folder):
    with pytest.raises(PgfeedError, match=f"is no RoBERTa: it is a bert.*embedder bert:{bert_folder}"):
        open_embedder(f"roberta:{bert_folder}")
    with pytest.raises(PgfeedError, match=f"is no BERT: it is a roberta.*embedder roberta:{roberta_folder}"):
        open_embedder(f"bert:{roberta_folder}")
