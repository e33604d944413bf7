"""256-bit secrets for visitors, sessions and tickets; only their SHA-256 is stored."""

from __future__ import annotations

import hashlib
import hmac
import secrets


def new_secret() -> str:
    """256 random bits as 43 URL-safe characters."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """What is stored: SHA-256 (hex). The secret has 256 bits of entropy, so no slow hash is needed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def matches(secret: str, stored: str | None) -> bool:
    """Compare in constant time; False when nothing is stored."""
    return hmac.compare_digest(digest(secret), stored or "")
