"""Access tokens for trying the local stack: HS256 JWTs, signed with the stack's own secret."""

import base64
import hashlib
import hmac
import json
import time

DEFAULT_ORG = "org-demo"
DEFAULT_USER = "user-demo"
LIFETIME_SECONDS = 24 * 3600


def encode(part: bytes) -> bytes:
    return base64.urlsafe_b64encode(part).rstrip(b"=")


def mint(secret: str, role: str = "admin", org: str = DEFAULT_ORG, user: str = DEFAULT_USER) -> str:
    """A token that the deployed functions accept for `LIFETIME_SECONDS`."""
    now = int(time.time())
    claims = {
        "sub": user,
        "org_id": org,
        "role": role,
        "type": "access",
        "iat": now,
        "exp": now + LIFETIME_SECONDS,
    }
    head = encode(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
    signed = head + b"." + encode(json.dumps(claims).encode())
    # A comma list is `current,previous`; the current one signs.
    key = secret.split(",")[0].encode()
    return (signed + b"." + encode(hmac.new(key, signed, hashlib.sha256).digest())).decode()
