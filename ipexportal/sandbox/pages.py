"""The look that the sandbox's own pages share: plain, light and dark, marked as a sandbox, no script."""

import base64
import hashlib
from html import escape
from typing import Final

from ipexportal.sandbox.http import Response

STYLE: Final = """
:root{color-scheme:light dark;--canvas:light-dark(#f6f6f3,#111214);--surface:light-dark(#fff,#1a1b1e);
--hover:light-dark(#f0f0ec,#232529);--line:light-dark(#e6e5e0,#2b2d32);--field:light-dark(#858682,#767981);
--ink:light-dark(#1a1b1e,#ededef);--ink-2:light-dark(#4f5258,#b7bac1);--accent:light-dark(#2257c5,#86adff);
--accent-solid:light-dark(#2257c5,#2f62cf);--warn:light-dark(#7d4a00,#efb965);--warn-soft:light-dark(#fdf3e0,#2d2413);
--bad:light-dark(#ab231c,#ff9d95)}
*{box-sizing:border-box}
body{margin:0;background:var(--canvas);color:var(--ink);
font:14px/20px "Segoe UI Variable Text","Segoe UI",system-ui,sans-serif}
main{background:var(--surface);border:1px solid var(--line);border-radius:12px;padding:28px;margin:48px auto;
width:min(440px,calc(100% - 24px));box-shadow:0 1px 2px rgb(0 0 0/.06)}
main.wide{width:min(920px,calc(100% - 24px));margin-top:24px}
h1{font-size:22px;line-height:28px;font-weight:600;margin:0 0 4px}
h2{font-size:15px;line-height:22px;font-weight:600;margin:24px 0 8px}
p{margin:0 0 12px;color:var(--ink-2)}
a{color:var(--accent)}
.sandbox{display:inline-block;background:var(--warn-soft);color:var(--warn);border-radius:5px;padding:2px 8px;
font-size:12px;line-height:16px;font-weight:600;margin-bottom:16px}
button{font:inherit;color:inherit;cursor:pointer;min-height:44px;border-radius:8px;padding:8px 16px;
border:1px solid var(--field);background:var(--surface)}
button:hover{background:var(--hover)}
button.primary{background:var(--accent-solid);border-color:var(--accent-solid);color:#fff;font-weight:600}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
ul.people{list-style:none;margin:16px 0;padding:0;border-top:1px solid var(--line)}
ul.people li{border-bottom:1px solid var(--line)}
ul.people button{width:100%;border:0;border-radius:0;text-align:left;display:grid;grid-template-columns:40px 1fr;
gap:0 12px;align-items:center;padding:10px 4px;background:none}
ul.people button:hover,ul.people button.hinted{background:var(--hover)}
.initials{grid-row:1/3;width:40px;height:40px;border-radius:50%;display:grid;place-items:center;
background:var(--hover);color:var(--ink-2);font-weight:600;border:1px solid var(--line)}
.name{font-weight:500}
.quiet{color:var(--ink-2);font-size:13px;line-height:18px;overflow-wrap:anywhere}
.bad{color:var(--bad)}
code{font-family:"Cascadia Mono",Consolas,monospace;font-size:12px;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:8px 12px 8px 0;border-bottom:1px solid var(--line)}
th{font-weight:400;color:var(--ink-2);width:34%}
thead th{width:auto;font-size:12px}
td{overflow-wrap:anywhere;white-space:pre-line}
td.short{white-space:nowrap}
summary{padding:12px 0;cursor:pointer;color:var(--ink-2)}
""".strip()


def _digest(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


POLICY: Final = (
    f"default-src 'none'; style-src {_digest(STYLE)}; img-src data:; base-uri 'none'; frame-ancestors 'none'"
)


def policy_with_script(script: str) -> str:
    """The same policy with one inline script allowed."""
    return f"{POLICY}; script-src {_digest(script)}"


def page(title: str, body: str, *, language: str, wide: bool = False) -> str:
    """One HTML page; `body` is mark-up that is already escaped, `title` is not."""
    return (
        f'<!doctype html><html lang="{escape(language)}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><link rel="icon" href="data:,">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>"
        f'<body><main{" class=wide" if wide else ""}><span class="sandbox">Sandbox</span>{body}</main></body></html>'
    )


def hidden(parameters: dict[str, str]) -> str:
    """Hidden inputs that carry a request's parameters on."""
    return "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in parameters.items()
    )


def choose_language(accepted: str, known: tuple[str, ...], default: str) -> str:
    """The first language of an Accept-Language header that we have words in."""
    for entry in accepted.lower().split(","):
        language = entry.partition(";")[0].strip().partition("-")[0]
        if language in known:
            return language
    return default


def answer(status: int, title: str, body: str, *, language: str) -> Response:
    """A wide page as an answer: never framed, never stored, no script."""
    headers = [
        ("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "no-store"), ("X-Frame-Options", "DENY"),
        ("Content-Security-Policy", POLICY), ("X-Content-Type-Options", "nosniff"),
    ]  # fmt: skip
    return Response(status, headers, page(title, body, language=language, wide=True).encode())
