"""The application's own tables: what pgfeed has of them is what they have, and nothing of it fails the application."""

import hashlib

import pytest


@pytest.mark.parametrize("key", ["a", "", "a\\b\\101", "Ключ", "6b1d0f26-40c1-4b6e-a3e6-2a8c5e3c8f0e", "(7,x)"])
def test_id_of_a_key_is_63_bits_of_its_sha256(query, key):
    [(found,)] = query("select pgfeed._key_id(%s)", key)
    assert found == int(hashlib.sha256(key.encode()).hexdigest()[:16], 16) % 2**63
