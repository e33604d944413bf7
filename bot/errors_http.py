"""Every HTTP error in one shape: `{"error": {"code", "message", "hint"}}`, in the caller's language."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from handoff.errors import HandoffError

log = logging.getLogger(__name__)

_TEXTS: Final[dict[int, tuple[str, str, str]]] = {
    400: ("bad_request", "请求无法理解。", "The request cannot be understood."),
    401: ("unauthenticated", "请先登录。", "Sign in first."),
    403: ("forbidden", "没有权限。", "You may not do this."),
    404: ("not_found", "没有这个地址或内容。", "There is no such thing."),
    405: ("method_not_allowed", "这个地址不支持该方法。", "This address does not take that method."),
    413: ("too_large", "上传的内容太大。", "The upload is too large."),
    415: ("bad_media_type", "内容类型不受支持。", "The content type is not supported."),
    422: ("invalid", "请求内容不正确。", "The request is not valid."),
    429: ("rate_limited", "请求太频繁,请稍后再试。", "Too many requests; try again later."),
    500: ("internal", "服务器出错了,请重试。", "The server failed; try again."),
    503: ("unavailable", "服务暂时不可用,请稍后再试。", "Not available right now; try again later."),
}


def prefers_chinese(accept_language: str | None) -> bool:
    """Whether the first language that the caller accepts is Chinese; without a header it is."""
    if not accept_language:
        return True
    return accept_language.strip().lower().startswith("zh")


def error_body(code: str, message: str, hint: str = "") -> dict[str, Any]:
    """The shape of every error."""
    return {"error": {"code": code, "message": message, "hint": hint}}


def _answer(request: Request, status: int, code: str, texts: tuple[str, str], hint: str = "") -> JSONResponse:
    zh = prefers_chinese(request.headers.get("accept-language"))
    return JSONResponse(error_body(code, texts[0] if zh else texts[1], hint), status_code=status)


async def _typed(request: Request, error: Exception) -> JSONResponse:
    """HandoffError and its likes: `code`, `zh`, `en`, and a status."""
    assert isinstance(error, HandoffError)
    answer = _answer(request, error.status, error.code, (error.zh, error.en))
    if error.retry_ms is not None:
        answer.headers["Retry-After"] = str(max(1, -(-error.retry_ms // 1000)))
    return answer


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code, zh, en = _TEXTS.get(error.status_code, _TEXTS[500 if error.status_code >= 500 else 400])
    answer = _answer(request, error.status_code, code, (zh, en))
    for name, value in (error.headers or {}).items():
        answer.headers[name] = value
    return answer


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    """What pydantic found, by field; never the value itself."""
    assert isinstance(error, RequestValidationError)
    fields = "; ".join(
        f"{'.'.join(str(part) for part in item['loc'] if part != 'body') or 'body'}: {item['msg']}"
        for item in error.errors()[:5]
    )
    code, zh, en = _TEXTS[422]
    return _answer(request, 422, code, (zh, en), fields)


async def _crash(request: Request, error: Exception) -> JSONResponse:
    log.error("http: %s %s failed", request.method, request.url.path, exc_info=error)
    code, zh, en = _TEXTS[500]
    return _answer(request, 500, code, (zh, en))


def install_errors(app: FastAPI) -> None:
    """Make every error of the application look alike."""
    app.add_exception_handler(HandoffError, _typed)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPStatus.INTERNAL_SERVER_ERROR, _crash)
