import hashlib
import hmac

import pytest

from bridge_client.proof import bridge_proof


def test_the_proof_is_the_hmac_of_context_nonce_and_port():
    nonce = bytes(range(16))
    expected = hmac.new(b"token", b"draglayer-bridge" + nonce + b"4711", hashlib.sha256)
    assert bridge_proof("token", nonce, 4711) == expected.hexdigest()


def test_the_proof_is_of_one_token_one_nonce_and_one_port():
    nonce = bytes(16)
    proofs = {
        bridge_proof("a", nonce, 1),
        bridge_proof("b", nonce, 1),
        bridge_proof("a", b"\1" + nonce[1:], 1),
        bridge_proof("a", nonce, 2),
    }
    assert len(proofs) == 4


def test_a_short_nonce_is_refused():
    with pytest.raises(ValueError, match="16 bytes"):
        bridge_proof("a", b"short", 1)
