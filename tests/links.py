"""One-time links as the user service seals them for the notification service (src/token/seal.h)."""
import base64
import os

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def _key(key_file, purpose="links", use="seal"):
    with open(key_file, "rb") as file:
        master = file.read()
    return HKDF(hashes.SHA256(), 32, salt=None, info=purpose.encode() + b"\0" + use.encode()).derive(master)


def seal(key_file, text, context):
    """The sealed text, as base64url."""
    nonce = os.urandom(12)
    sealed = b"\1" + nonce + AESGCM(_key(key_file)).encrypt(nonce, text.encode(), context.encode())
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def unseal(key_file, sealed, context):
    """The token in clear."""
    data = base64.urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
    assert data[:1] == b"\1"
    return AESGCM(_key(key_file)).decrypt(data[1:13], data[13:], context.encode()).decode()
