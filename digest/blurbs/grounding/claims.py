"""Claims: numbers, names, superlatives, citations.

What a sentence claims that can be looked up: numbers with their units, names, superlatives, citations, links.

Words a sentence may use only when its source does: praise, appeals to readers, names that everybody knows.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from digest.llm.sanitize import LINK_PATTERN
from digest.text import normalise_line

_HYPE = re.compile(
    r"\b(?:ground-?breaking|revolution\w*|break-?through\w*|game-?chang\w+|unprecedented\w*|remarkabl\w+"
    r"|extraordinar\w+"
    r"|incredibl\w+|astonish\w+|amazing\w*|stunning\w*|spectacular\w*|phenomenal\w*|miracul\w+|magic\w*|unrivall?ed"
    r"|unmatched|unparallell?ed|world-?(?:class|first|leading)|cutting-edge|state[- ]of[- ]the[- ]art|sota"
    r"|best-in-class|first-ever|paradigm-shift\w*"
    r"|transformative\w*|dramatic\w*|drastic\w*|massive\w*|huge\w*|vast(?:ly)?|enormous\w*"
    r"|tremendous\w*|immense\w*|flawless\w*|perfect\w*|impressive\w*|outstanding\w*|exceptional\w*|superior\w*|seminal"
    r"|landmark|milestone|pioneer\w*|ultimate|definitive\w*|guarante\w+|always|never|completely|entirely|fully"
    r"|undoubtedly|clearly|obvious\w*|proves?|proven|solv(?:es?|ed) (?!by|for|with)|human-level|superhuman"
    r"|(?:the|its|our|their|world's) (?:(?:very |world's )?first|(?:\w+ )?(?:only|leading|top|most \w+))"
    r"|(?:best|largest|biggest|fastest|strongest|smallest|cheapest|safest|smartest|greatest|highest|lowest)\b"
    r"|significant\w*|substantial\w*|for the first time|by far|by a (?:wide|large) margin"
    r"|all (?:prior|previous|existing)|(?:all|every) (?:\w+ )?(?:benchmark|baseline|rival|competitor"
    r"|competing method)s?"
    r"|unbeatable|unbeaten|unheard-of|must-(?:read|see|have|try)|second to none|gold standard|record-(?:breaking"
    r"|setting)"
    r"|(?:sets?|breaks?|broke) (?:a |the |an? new )?(?:\w+ )?records?|(?:quantum|giant|huge|major|great) (?:leap"
    r"|step|stride)"
    r"|dominat(?:es?|ed|ing)\b|far ahead|nothing short of|brilliant\w*|stellar|triumph\w*|blazing\w*|lightning-fast"
    r"|(?:an? )?(?:industry|global) first|leaderboards?|radical(?:ly)?|universal(?:ly)?|crush(?:es|ed)|smash(?:es|ed)"
    r"|elegant\w*|next-gen\w*|flagship|legendary|holy grail|silver bullet|turning point|once and for all)",
    re.I,
)
# A digest tells readers of works; it wants nothing of them. Who does has got it from a text that is not the source.
_READER_APPEAL = re.compile(
    r"\b(?:(?:un)?subscrib(?:e|ing)|sign(?:ing)? up|log(?:ging)? in|click(?:ing)?|buy|purchase|sponsor(?:s|ed|ship)?"
    r"|discounts?|coupons?|vouchers?|promo(?:tional)? codes?|donat(?:e|ions?)|(?:re)?tweet|upvote|newsletter"
    r"|(?:order|buy|call|act|try|join|visit|download|apply)(?: \w+){0,4} (?:now|today)|limited offer|free trial"
    r"|(?:visit|contact|email|call|join|follow|support|tell|ask) (?:us|our|me|my|your)|your friends"
    r"|share (?:this|it)\b|(?:star|fork|clone) (?:the|this|our|its|their) \w+|(?:do not|don't) miss"
    r"|readers? (?:should|must|can|are (?:asked|urged|invited|advised))|you (?:should|must|need to|have to|are (?:asked"
    r"|urged))"
    r"|suscr[ií]b\w*|subscri(?:u|v)\w*|abonne(?:z|r)|abonnieren?)\b|订阅|点击|购买",
    re.I,
)
# Names a model adds from memory, found in any spelling: makers, schools, models, data, tools, places.
_WELL_KNOWN_NAME = re.compile(
    r"\b(?:google|openai|anthropic|microsoft|nvidia|amazon|alibaba|baidu|tencent|bytedance|huawei|samsung|ibm|deepmind"
    r"|hugging ?face|stability ai|mistral|cohere|xai|darpa|nasa|stanford|berkeley|carnegie mellon|harvard|princeton"
    r"|caltech"
    r"|oxford|cambridge|tsinghua|peking university|eth z[uü]rich|chatgpt|gpt|claude|gemini|llama|qwen|deepseek|grok"
    r"|copilot"
    r"|gemma|mamba|retnet|rwkv|mixtral|falcon|kimi|olmo|nemotron|ernie|hunyuan"
    r"|bert|t5|whisper|stable diffusion|midjourney|dall-e|imagenet|coco|cifar|mnist|mmlu|gsm8k|humaneval|swe-bench"
    r"|squad"
    r"|wikipedia|common crawl|pytorch|tensorflow|keras|langchain|cuda|raspberry pi|android|iphone|reddit|youtube"
    r"|twitter"
    r"|china|chinese|japan(?:ese)?|india(?:n)?|german(?:y)?|france|french|european?|america(?:n)?|british|russian?"
    r"|korean?)\b"
    r"|\b(?:at|by|from) (?:meta|apple|mit|adobe|intel|tesla|uber)\b|\b(?:Meta|Apple|MIT|Intel) (?=[a-z])",
    re.I,
)


class NumberClaim(NamedTuple):
    """A number as written, its value with k/M/B/million worked in, and its unit if it has a known one."""

    text: str
    value: float
    unit: str


_DASHES = str.maketrans("‐‑‒–—−", "------")
_QUOTES = str.maketrans("‘’‚“”„«»", '\'\'\'"""""')
_TEX = re.compile(r"\\(?:text|mathrm|mathbf|textbf|textit|emph|textsc|mathcal|operatorname)\s*\{([^{}]*)\}")


def normalize_for_comparison(text: str) -> str:
    """One spelling for what may be written in many: NFKC, plain dashes and quotes, light TeX taken off."""
    text = normalise_line(text)
    if not text.isascii():
        seen = "".join(
            c for c in text if unicodedata.category(c) != "Cf"
        )  # soft hyphens and such are not shown to a model
        text = unicodedata.normalize("NFKC", seen).translate(_DASHES).translate(_QUOTES)
    if "\\" in text or "$" in text:
        text = re.sub(r"\\times\b", "×", _TEX.sub(r"\1", text)).replace("\\%", "%").replace("\\sim", "~")
        text = re.sub(r"[${}]|\\(?=[_&#])", "", text)
    return re.sub(r"(?<=\d),(?=\d{3}\b)", "", re.sub(r"\s+", " ", text)).strip()


_UNIT_WORDS = ("three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_TENS_WORDS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "one hundred")
_NUMBER_WORDS = {
    **{word: value for value, word in enumerate(_UNIT_WORDS, 3)},
    **{word: 10 * value for value, word in enumerate(_TENS_WORDS, 2)},
}
MANY_UNIT = "many"  # the unit of "hundreds of"
_RATIO_PATTERNS = (
    (2.0, "×", r"doubl(?:es?|ed|ing)|twice|two-?fold"),
    (3.0, "×", r"tripl(?:es?|ed|ing)|three-?fold|thrice"),
    (4.0, "×", r"quadrupl(?:es?|ed|ing)|four-?fold"),
    (10.0, "×", r"ten-?fold|orders? of magnitude"),
    (100.0, "×", r"hundred-?fold"),
    (50.0, "%", r"half|halv(?:es?|ed|ing)"),
    (33.0, "%", r"(?:a|one)[ -]third"),
    (67.0, "%", r"two[ -]thirds"),
    (25.0, "%", r"(?:a|one)[ -]quarter"),
    (75.0, "%", r"three[ -]quarters"),
    (12.0, "", r"a dozen"),
    (100.0, "", r"a hundred"),
    (1e3, "", r"a thousand"),
    (1e6, "", r"a million"),
    (12.0, MANY_UNIT, r"dozens of"),
    (100.0, MANY_UNIT, r"hundreds of"),
    (1e3, MANY_UNIT, r"thousands of"),
    (1e6, MANY_UNIT, r"millions of"),
    (1e9, MANY_UNIT, r"billions of"),
)
_RATIOS = tuple((value, unit, re.compile(rf"\b(?:{words})\b", re.I)) for value, unit, words in _RATIO_PATTERNS)
_SCALES = {
    "k": 1e3, "thousand": 1e3, "m": 1e6, "mn": 1e6, "million": 1e6, "b": 1e9, "bn": 1e9, "billion": 1e9,
    "t": 1e12, "trillion": 1e12,
}  # fmt: skip
_UNITS = {
    unit: name
    for name, spellings in {
        "%": "% percent per-cent percentage",
        "×": "× x times fold",
        "points": "points point pp pts",
        "seconds": "s sec secs second seconds",
        "ms": "ms millisecond milliseconds",
        "minutes": "min mins minute minutes",
        "hours": "h hr hrs hour hours",
        "days": "day days",
        "weeks": "week weeks",
        "months": "month months",
        "years": "year years",
        "GB": "gb gigabyte gigabytes",
        "MB": "mb megabyte megabytes",
        "TB": "tb terabyte terabytes",
        "tokens": "token tokens",
        "parameters": "parameter parameters params",
        "languages": "language languages",
        "gpus": "gpu gpus",
        "tasks": "task tasks",
        "datasets": "dataset datasets",
        "benchmarks": "benchmark benchmarks",
        "models": "model models",
        "layers": "layer layers",
        "pixels": "pixel pixels px",
        "bits": "bit bits",
        "nats": "nat nats",
        "FPS": "fps",
        "USD": "usd dollar dollars",
        "cents": "cent cents",
        "EUR": "eur euro euros",
    }.items()
    for unit in spellings.split()
}
_RANGE_OF_CENTS = re.compile(r"(?: (?:and|to|or) |-)\d+(?:\.\d+)? cents?\b", re.I)
_CURRENCY_SIGNS = {"$": "USD", "€": "EUR", "£": "GBP"}
_NUMBER = re.compile(
    r"(?<![\w.])(?<![^\W\d]-)(?P<money>[$€£])?(?P<digits>\d+(?:\.\d+)?(?:e[+-]?\d+)?)"
    r"(?:[\s-]?(?P<scale>thousand|million|billion|trillion|[kKMB](?:n\b|\b)|T\b))?"
    r"(?:[\s-]{0,2}(?P<unit>%|×|[A-Za-z]+))?"
    r"|\b(?P<word>" + "|".join(_NUMBER_WORDS) + r")\b(?:[\s-](?P<wordunit>[a-z]+))?",
    re.I,
)


def find_numbers(text: str) -> Iterator[NumberClaim]:
    """Numbers of a normalised text; digits inside names such as GPT-4 are the name's.

    What words say, such as `twice` or `hundreds of`, comes last.
    """
    for found in _NUMBER.finditer(text):
        if word := found["word"]:
            of = (found["wordunit"] or "").lower()
            if not re.match(r"[ -](?:thirds|quarters)\b", text[found.end("word") :]):
                yield _convert_cents(NumberClaim(word, float(_NUMBER_WORDS[word.lower()]), _UNITS.get(of, "")))
            continue
        unit = _UNITS.get((found["unit"] or "").lower(), "")
        if not unit and _RANGE_OF_CENTS.match(text, found.end("digits")):
            unit = "cents"
        if unit in ("×", "seconds") and len(found["unit"] or "") == 1 and found["unit"] not in "xX×s":
            unit = ""
        scale = _SCALES.get((found["scale"] or "").lower(), 1.0)
        end = found.end("unit") if unit else found.end("scale") if found["scale"] else found.end("digits")
        said = text[found.start() : end].rstrip()
        yield _convert_cents(
            NumberClaim(said, float(found["digits"]) * scale, _CURRENCY_SIGNS.get(found["money"] or "", unit))
        )
    for value, unit, words in _RATIOS:
        for found in words.finditer(text):
            yield NumberClaim(found[0], value, unit)


def _convert_cents(number: NumberClaim) -> NumberClaim:
    """Cents as the dollars they are."""
    return NumberClaim(number.text, round(number.value / 100, 6), "USD") if number.unit == "cents" else number


_NAME_SIZE = re.compile(r"(?<=\w-)(\d+(?:\.\d+)?)([kKMBT])\b")


def find_sizes_in_names(text: str) -> Iterator[NumberClaim]:
    """The sizes that stand in names, as in Lantern-7B: a text that has the name may give them."""
    for found in _NAME_SIZE.finditer(text):
        yield NumberClaim(found[0], float(found[1]) * _SCALES[found[2].lower()], "")


# Inner capitals, runs of capitals, letters with digits: words that only a name has.
_NAME = re.compile(
    r"(?<![\w@/.-])(?=[\w.+-]*[A-Za-z])(?:[A-Za-z]*[a-z][\w]*[A-Z][\w+.-]*\w|[A-Z][a-z]+[A-Z]+\b|[A-Z][A-Z0-9&+.-]*[A-Z0-9][\w+-]*"
    r"|[A-Za-z]+[-.]?\d[\w.+-]*\w|[A-Za-z]+[-.]?\d|\d+[A-Za-z]{2,}\d*[A-Z]\w*|[A-Z]\w+(?:-[A-Z0-9]\w*)+)"
)
_PROPER_NOUN = re.compile(r"(?<=[\w,;)'\"%-] )(?<![.!?:] )[\"'(]?([A-Z][a-zà-ÿ]+(?:'s)?)\b")
_SENTENCE_OPENING = re.compile(r"(?:^|[.!?:] )[\"'(]*([A-Z][a-zà-ÿ]+)(?= (\w+))")
_VERB_OR_PLURAL = re.compile(
    r"(?:is|was|has|does|[a-z]{2,}[^\Wsu]s)$"
)  # a third person's, or a plural: both ask for the word before
_COMMON_ACRONYMS = frozenset(
    ("AI", "ML", "NLP", "LLM", "LLMs", "API", "APIs", "GPU", "GPUs", "CPU", "URL", "PDF", "US", "UK", "EU")
)
_NOT_NAMES = re.compile(
    r"(?:It|Th(?:is|at|ese|ose|ey|ere|eir|e)|Here|What|Which|Who|S?He|We|You|One|Each|Every|Both|All|None|Nothing"
    r"|An?|Its?"
    r"|His|Her|Our|Many|Most|Several|Some|Such|New|Newer|Other|Others|Another|Various|Often|However|While|When|Where"
    r"|As|For"
    r"|In|On|At|By|To|With|From|Of|Over|Under|Across|After|Before|Without|Within|Between|Among|Unlike|Like|Given|Using"
    r"|Instead|Also|Now|Then|Even|Only|More|Few|Fewer|Less|First|Second|Third|Finally|Overall|Existing|Current|Recent"
    r"|Previous|Prior|Earlier|Later|Large|Larger|Small|Smaller|Long|Longer|Short|Two|Three|Four|Five|Six|Seven|Eight"
    r"|Nine"
    r"|Ten|Any|No|Not|But|And|Or|So|If|Because|Since|Although|Though|Once|Still|Yet|How|Why|Much|Good|Better|Best|Part"
    r"|Key|Main|Core|Major|Notable|Besides|Beyond|Additional|Today|Until|Just|Almost|Nearly|Rather|Whether|Authors?"
    r"|Papers?|Works?|Study|Studies|Results?|Tests?|Experiments?|Methods?|Models?|Code|Data)$"
)


def find_names(text: str) -> Iterator[str]:
    """Names in a normalised text: by their letters, by a capital inside a sentence, by a verb after a first word."""
    for found in _NAME.finditer(text):
        if found[0] not in _COMMON_ACRONYMS and not re.fullmatch(r"(?i)\d+(?:st|nd|rd|th|d|x)", found[0]):
            yield found[0]
    for found in _PROPER_NOUN.finditer(text):
        if found[1] not in _COMMON_ACRONYMS:
            yield found[1].removesuffix("'s")
    for found in _SENTENCE_OPENING.finditer(text):
        if not _NOT_NAMES.match(found[1]) and not found[1].endswith("ing") and _VERB_OR_PLURAL.match(found[2]):
            yield found[1]


_CITATION = re.compile(
    r"\b[A-Z][\w'-]+ et al\.?(?:,? ?\(?\d{4}[a-z]?\)?)?|\b[A-Z][\w'-]+(?: and [A-Z][\w'-]+)? \(\d{4}[a-z]?\)"
    r"|\([A-Z][\w'-]+(?: (?:and|&) [A-Z][\w'-]+| et al\.?)?,? \d{4}[a-z]?\)|\[\d+(?:[,-] ?\d+)*\]"
    r"|\barXiv:? ?\d{4}\.\d{4,5}|\b10\.\d{4,9}/\S+"
)


def find_well_known_names(text: str) -> Iterator[str]:
    """Names that everybody knows, in whatever letters they are written."""
    return (found[0].strip() for found in _WELL_KNOWN_NAME.finditer(text))


def find_hype(text: str) -> Iterator[str]:
    """Superlatives and words that praise."""
    return (found[0].strip() for found in _HYPE.finditer(text))


def find_reader_appeals(text: str) -> Iterator[str]:
    """Words that want something of the reader: to subscribe, to buy, to visit."""
    return (found[0] for found in _READER_APPEAL.finditer(text))


def find_citations(text: str) -> Iterator[str]:
    """References to other work: Name et al. (2020), [12], arXiv:2301.00001, DOIs."""
    return (found[0] for found in _CITATION.finditer(text))


def find_link_texts(text: str) -> Iterator[str]:
    """Addresses of pages and people, also the ones written with [.] in them."""
    return (found[0].rstrip(".,;:)") for found in LINK_PATTERN.finditer(text))
