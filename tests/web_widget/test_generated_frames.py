"""The browser's frame types are what the server's frames say."""

from pathlib import Path

import web_widget
from handoff.protocol_schema import typescript

GENERATED = Path(web_widget.__file__).parent / "protocol" / "src" / "frames.gen.ts"


def test_typescript_is_up_to_date() -> None:
    assert GENERATED.read_text(encoding="utf-8") == typescript(), "run `npm run gen` in web_widget"
