r"""Convert TeX in titles and abstracts to Unicode; a price in dollars and `C:\users` stay as they are.

pylatexenc knows the symbols; what it loses (`%` starts a comment, unknown font macros vanish) is dealt with before it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any
from unicodedata import combining

# A dollar before a figure opens a price, so a formula may end there only when it starts like one.
_MATH = re.compile(
    # The signs come before what must not stand before them, so that the search can leap from sign to sign.
    r"\$\$([^$\n]{1,200}?)\$\$"
    r"|\$(?<!\\\$)(\{?\\[A-Za-z]+[^$\n]{0,80}?|\{?[<>=−-]\}?)(?<!\\)\$|\$(?<!\\\$)([^$\n]{1,200}?)(?<!\\)\$(?!\d)"
    r"|\\\(([^\n]{1,200}?)\\\)"
)
_FORMULA_SIGN = re.compile(r"[\\^_{]")
_GROUP = re.compile(r"\{[^{}]*\}|\\[A-Za-z]+")
_PROSE_WORDS = re.compile(r"[A-Za-z]{3,}[ ,.;]+[A-Za-z]{2,}|[A-Za-z]{2,}[ ,.;]+[A-Za-z]{3,}")
_RELATION = re.compile(r"[=<>≤≥≠±→]|^[(\[].*[)\]]$")

_FONT = re.compile(
    r"\\(?:text(?:bf|it|tt|sc|rm|sf|sl|md|normal)?|math(?:bf|it|tt|rm|sf|cal|bb|frak|scr|normal)|emph|underline|textup"
    r"|boldsymbol|bm|operatorname\*?|mbox|hbox|ensuremath|overline|uline|textnormal)\s*\{([^{}]*)\}"
)
_SCRIPT_TEXT = re.compile(r"\\text(super|sub)script\s*\{([^{}]*)\}")
_LINK = re.compile(r"\\href\s*\{[^{}]*\}\s*\{([^{}]*)\}|\\url\s*\{([^{}]*)\}")
_CITATION = re.compile(r"[ ~]?\\(?:cite[tp]?|ref|label)\s*\{[^{}]*\}")
_CITATION_MACRO = re.compile(r"\\(?:cite|ref|label)")  # found at a leap, where the other stops at every space
_ACCENT = re.compile(r"\{\\[\"'`^~=.][A-Za-z]\}|\\[\"'`^~=.](?:\{\\?[A-Za-z]\}|[A-Za-z])|\\[cHkruv]\{[A-Za-z]\}")
_LETTER = re.compile(
    r"\{\\(?:aa|AA|ae|AE|oe|OE|ss|o|O|l|L|i|j)\}|\\(?:aa|AA|ae|AE|oe|OE|ss|o|O|l|L)(?:\{\}|(?![A-Za-z]))"
)
_ESCAPED = re.compile(r"\\([%&#_$])")
_CODEPOINT = re.compile(r"\\unicode\{x([0-9A-Fa-f]{2,5})\}")
_SCRIPT = re.compile(r"([\^_])(?:\{([^{}\\]{1,8})\}|([0-9A-Za-z+*]))")
_DEGREE = re.compile(r"\^\{?\\circ\}?")
_SCRIPTS = {
    "^": str.maketrans("0123456789+-()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿ"),
    "_": str.maketrans("0123456789+-()", "₀₁₂₃₄₅₆₇₈₉₊₋₍₎"),
}
_SYMBOL = re.compile(r"(?<=[\w)])(\\[a-z]+)(?=[ (])|(\\[A-Za-z]+)|\\([%#&_$])")
_LIGATURE = re.compile(r"--|``|''")
_SPACE_BEFORE_MATH = re.compile(r"[ \t]+")


def convert_tex(text: str) -> str:
    r"""Convert TeX to Unicode: `$\pi_0$` to `π₀`, `Schr\"odinger` to `Schrödinger`; leave anything else."""
    if "$" not in text and "\\" not in text:
        return text
    text = _MATH.sub(_convert_math, text)
    return _convert_text_macros(text) if "\\" in text else text


def _convert_math(match: re.Match[str]) -> str:
    """Convert one formula to plain text; return the match unchanged when it may be prose."""
    inside = match[1] or match[2] or match[3] or match[4]
    is_formula = _is_formula(inside, has_tex_delimiters=match[1] is None and match[3] is None)
    return (_convert_formula(inside) if is_formula else "") or match[0]


def _is_formula(inside: str, has_tex_delimiters: bool) -> bool:
    """Whether the text between two signs is a formula and not the prose between two prices."""
    if _PROSE_WORDS.search(_GROUP.sub("", inside)):
        return False
    return has_tex_delimiters or " " not in inside or bool(_FORMULA_SIGN.search(inside) or _RELATION.search(inside))


@lru_cache(maxsize=8192)
def _convert_formula(inside: str) -> str:
    """Convert a formula's TeX to text; "" when it cannot be read."""
    text = _convert_symbols(_convert_scripts(_strip_font_macros(inside.strip())))
    if "\\" not in text and "{" not in text:
        return text
    try:
        plain = str(_load_converter().latex_to_text(re.sub(r"(?<!\\)([%#])", r"\\\1", text)))
    except Exception:  # pylatexenc raises IndexError, ValueError and others of its own on ill-formed TeX
        return ""
    return _SPACE_BEFORE_MATH.sub(" ", plain).strip()


def _convert_symbols(text: str) -> str:
    """Convert a formula of plain symbols one by one: pylatexenc is slow and eats the spaces behind them."""
    if "\\" not in text or _LIGATURE.search(text):
        return text
    plain = _SYMBOL.sub(lambda match: match[3] or _convert_symbol(match[1] or match[2], match[1] is not None), text)
    return text if "\\" in plain or "{" in plain else plain


@lru_cache(maxsize=2048)
def _convert_symbol(macro: str, joined: bool) -> str:
    """Convert a macro to its symbol, `log` and its like to words; return other macros unchanged."""
    meaning = getattr(_load_converter().latex_context.get_macro_spec(macro[1:]), "simplify_repl", None)
    if meaning == macro[1:]:
        return f" {meaning}" if joined else macro[1:]
    is_character = isinstance(meaning, str) and len(meaning) == 1 and not meaning.isspace() and not combining(meaning)
    return str(meaning) if is_character else macro


def _convert_text_macros(text: str) -> str:
    """Convert text macros outside formulas."""
    text = _CITATION.sub("", text) if _CITATION_MACRO.search(text) else text
    text = _LINK.sub(lambda match: match[1] or match[2] or "", text)
    text = _SCRIPT_TEXT.sub(lambda match: _convert_script("^" if match[1] == "super" else "_", match[2]), text)
    text = _ACCENT.sub(lambda match: _convert_formula(match[0]) or match[0], _strip_font_macros(text))
    text = _LETTER.sub(lambda match: _convert_formula(match[0]) or match[0], text)
    return _ESCAPED.sub(r"\1", text)


def _strip_font_macros(text: str) -> str:
    """Strip font macros, whose text pylatexenc would drop or turn into unsearchable letters."""
    text = _CODEPOINT.sub(lambda match: chr(int(match[1], 16)) if int(match[1], 16) < 0xD800 else match[0], text)
    for _ in range(4):
        text, count = _FONT.subn(r"\1", text)
        if not count:
            break
    return text


def _convert_scripts(text: str) -> str:
    """Convert superscripts and subscripts to their own characters."""
    text = _DEGREE.sub("°", text)
    return _SCRIPT.sub(lambda match: _convert_script(match[1], match[2] or match[3]), text)


def _convert_script(sign: str, text: str) -> str:
    raised = text.translate(_SCRIPTS[sign])
    done = all(before != after for before, after in zip(text, raised, strict=True))
    return raised if done else f"{sign}{text}" if len(text) == 1 else f"{sign}({text})"


@lru_cache(maxsize=1)
def _load_converter() -> Any:
    from pylatexenc.latex2text import LatexNodes2Text

    return LatexNodes2Text(math_mode="text", strict_latex_spaces=False, keep_comments=True)
