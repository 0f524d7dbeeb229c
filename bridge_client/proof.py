"""The proof by which the bridge shows that it knows the token before the client sends it.

A stranger who took a dead bridge's port learns nothing: it never sees the token.
"""

import hashlib
import hmac

NONCE_BYTES = 16
_CONTEXT = b"draglayer-bridge"


def bridge_proof(token: str, nonce: bytes, port: int) -> str:
    """HMAC-SHA256(token, "draglayer-bridge" ‖ nonce ‖ port) in lower-case hexadecimal.

    Args:
        token: As it stands in the discovery file (ASCII).
        nonce: 16 random bytes, sent as hexadecimal in the query of /health/live.
        port: The port that the client connected to, written in decimal ASCII.
    """
    if len(nonce) != NONCE_BYTES:
        raise ValueError(f"a nonce has {NONCE_BYTES} bytes, not {len(nonce)}")
    message = _CONTEXT + nonce + str(port).encode("ascii")
    return hmac.new(token.encode("ascii"), message, hashlib.sha256).hexdigest()
