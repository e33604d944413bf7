"""Pages from the web, fetched so that nobody can make the server look where it should not.

https only; every address of the host must be globally routable; the connection goes to the checked address
itself; each redirect is checked anew, three at most; no credentials; limits on size and time.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import time
from pathlib import PurePosixPath
from urllib.parse import urljoin, urlsplit

from kb_ingest.errors import Unreadable
from kb_ingest.loaders import pages
from kb_ingest.loaders.base import MAX_BYTES, Parsed, empty, too_large, unknown
from kb_ingest.text import decode

MAX_PAGE = min(MAX_BYTES, 10 * 1024 * 1024)
SECONDS = 15.0
REDIRECTS = 3
_CHARSET = re.compile(r"charset=[\"']?([\w-]+)", re.I)


def refused(url: str, why_zh: str, why_en: str) -> Unreadable:
    """The address may not be fetched."""
    return Unreadable(
        "url_refused",
        f"不能抓取 {url}：{why_zh}。",
        f"{url} may not be fetched: {why_en}.",
    )


def unreachable(url: str) -> Unreadable:
    """The address does not answer as it should."""
    return Unreadable(
        "url_unreachable",
        f"无法读取 {url}：请检查地址与网络，稍后重试，或下载后以文件上传。",
        f"{url} cannot be read: check the address and the network, try later, or upload it as a file.",
    )


def allowed_address(host: str, port: int, url: str) -> str:
    """One address of `host` that may be connected to.

    Raises:
        Unreadable: the host is unknown, or any of its addresses is not globally routable.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise unreachable(url) from error
    addresses = [ipaddress.ip_address(str(item[4][0]).partition("%")[0]) for item in found]
    if not addresses or not all(is_public(address) for address in addresses):
        raise refused(url, "它指向内部网络地址", "it points into an internal network")
    return str(addresses[0])


def is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Globally routable, also when an IPv4 address hides in an IPv6 one."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is not None:
            return is_public(inner)
        if address.teredo is not None or address in ipaddress.ip_network("64:ff9b::/96"):
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def fetch(url: str) -> Parsed:
    """The page at an address.

    Raises:
        Unreadable: refused, unreachable, too large, empty, or not a page.
    """
    deadline = time.monotonic() + SECONDS
    address = url
    for _ in range(REDIRECTS + 1):
        status, headers, body = _get(address, deadline)
        if status in (301, 302, 303, 307, 308) and headers.get("location"):
            address = urljoin(address, headers["location"])
            continue
        if status != 200:
            raise unreachable(url)
        return _parsed(url, headers.get("content-type", ""), body)
    raise refused(url, "重定向次数过多", "it redirects too often")


def _get(url: str, deadline: float) -> tuple[int, dict[str, str], bytes]:
    import httpx

    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or parts.username or parts.password:
        raise refused(
            url, "只接受不含账号的 https 地址", "only https addresses without credentials are accepted"
        )
    port = parts.port or 443
    ip = allowed_address(parts.hostname, port, url)
    netloc = f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"
    target = parts._replace(netloc=netloc, fragment="").geturl()
    host = parts.hostname if port == 443 else f"{parts.hostname}:{port}"
    headers = {"Host": host, "User-Agent": "Jieli", "Accept": "text/html,text/plain;q=0.9"}
    try:
        with (
            httpx.Client(follow_redirects=False, timeout=5.0, trust_env=False) as client,
            client.stream(
                "GET", target, headers=headers, extensions={"sni_hostname": parts.hostname}
            ) as answer,
        ):
            body = bytearray()
            for part in answer.iter_bytes():
                body += part
                if len(body) > MAX_PAGE:
                    raise too_large(url)
                if time.monotonic() > deadline:
                    raise unreachable(url)
            return answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, bytes(body)
    except httpx.HTTPError as error:
        raise unreachable(url) from error


def _parsed(url: str, content_type: str, body: bytes) -> Parsed:
    kind = content_type.partition(";")[0].strip().lower()
    charset = _CHARSET.search(content_type)
    declared = charset.group(1) if charset else None
    stem = PurePosixPath(urlsplit(url).path).stem or urlsplit(url).hostname or url
    if kind in ("", "text/html", "application/xhtml+xml"):
        parsed = pages.load(body, stem, url=url, charset=declared)
    elif kind.startswith("text/"):
        parsed = Parsed(title=stem, text=decode(body, declared).strip(), url=url)
    else:
        raise unknown(url)
    if not parsed.text.strip():
        raise empty(url)
    return parsed
