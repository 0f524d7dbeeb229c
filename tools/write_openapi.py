"""Writes docs/openapi.json anew: python -m tools.write_openapi"""

from pathlib import Path

from bridge_server.openapi import specification_text

SPECIFICATION = Path(__file__).resolve().parent.parent / "docs" / "openapi.json"

if __name__ == "__main__":
    SPECIFICATION.write_text(specification_text(), encoding="utf-8", newline="\n")
