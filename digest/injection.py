"""Recognises text that instructs a model rather than informs a reader; a suspect is judged alone, not thrown out."""

from __future__ import annotations

import re
import unicodedata

from digest.hostile import BLANK
from digest.text import one_line

_BIDI_OR_TAG = re.compile("[\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]")
# Letters that pass for Latin ones; the rest of the confusables list is of no use in English words.
_LOOKALIKE = str.maketrans("аеорсухіјѕԁɡӏвмнткΑΒΕΖΗΙΚΜΝΟΡΤΥΧοινυ", "aeopcyxijsdgIvmhtkABEZHIKMNOPTYXoivu")
_MIXED = re.compile(r"(?i)\b(?=\w*[a-z])(?=\w*[а-яіјѕԁӏ])\w{4,}")

_ALL = r"(?:all|any|every|the|your|these|those|my)"
_ORDERS = r"(?:instruction|prompt|rule|guideline|direction|order|rubric|polic)"
_ASKED = r"(?:^|[.!?:;,>\"'(\[*#-]\s*|\b(?:you|must|should|please|now|and|to|will|then) )"
_READER = r"(?:AI|LLMs?|language models?|reviewers?|assistants?|models?|bots?|summari[sz]ers?|curators?|editors?)"
_GRADE = r"(?:relevance|novelty|category|score|rating|relevancia|pertinence|relevanz)"

# The words without which a pattern cannot match, and the pattern.
_INSTRUCTIONS = tuple(
    (frozenset(words.split()), re.compile(pattern, re.I))
    for words, pattern in (
        (
            "ignore disregard forget override bypass ignoring disregarding",
            rf"\b(?:ignor(?:e|ing)|disregard(?:ing)?|forget|override|bypass)\b (?:{_ALL} |of )*"
            rf"(?:(?:previous|prior|above|preceding|earlier|foregoing|system|other)\b|{_ALL} {_ORDERS}|"
            rf"(?:everything|what) )",
        ),
        (
            "new updated real actual secret hidden system",
            r"\b(?:new|updated|real|actual|secret|hidden|system) (?:instruction|prompt|rule|order|polic)(?:s|ies|y)?\s*"
            r"(?::|follow|from (?:the )?(?:user|system|admin))|\bsystem (?:override|message|notice|note)\b",
        ),
        (
            "you",
            r"\byou (?:are|will be|become) (?:now )?(?:an? |the )?(?:\w+ ){0,3}"
            r"(?:assistant|reviewer|model|editor|DAN|bot|expert|curator|judge|rater|pirate)\b",
        ),
        (
            "pretend act behave roleplay role speak respond",
            rf"{_ASKED}(?:pretend|act|behave|roleplay|role-play|speak|respond) (?:to be|as if|as an?|like an?|only"
            rf" in)\b",
        ),
        ("as", rf"\bas an? {_READER},? (?:you|I)\b|\bas an AI\b[^.]{{0,30}}\b(?:must|should)\b"),
        (
            "review reviews rating score verdict assessment",
            r"\b(?:positive|favou?rable|glowing) (?:review|rating|score|assessment)s? only\b|\bonly (?:a"
            r" )?positive reviews?\b"
            r"|\b(?:give|write|provide|produce) an? (?:positive|favou?rable|glowing) (?:review|rating|score|verdict)\b",
        ),
        (
            "mention reveal highlight tell",
            r"\b(?:do not|don't|never) (?:mention|highlight|reveal|tell)\b[^.]{0,20}"
            r"\b(?:negatives?|weakness|limitations?|instructions?|prompt|user|editor|anyone)",
        ),
        (
            "rate score rank grade mark give place put",
            r"\b(?:rate|score|rank|grade|mark|give|place|put)\b (?:this|it|the (?:paper|item|article|post"
            r"|following)|me|us|my)\b"
            r"[^.]{0,40}(?<![\w-])(?:5|10|100|five|ten|highest|maximum|top|first|full marks)\b",  # not GPT-5
        ),
        (
            "return output set assign emit answer respond reply report use raise",
            rf"\b(?:return|output|set|assign|emit|answer|respond|reply|report|use|raise)\b[^.]{{0,20}}?\b{_GRADE}\b\s*"
            r"(?:=|:|of \d|to \d|is \d|\d|to the max)",
        ),
        (
            "include insert add append put mention place",
            r"\b(?:include|insert|add|append|put|mention|place)\b[^.]{0,60}(?:\b(?:link|url|hyperlink)s?\b[^.]{0,30}"
            r"\b(?:blurb|summary|answer|output|response|commentary|text|newsletter)|https?:|\bwww\.)",
        ),
        ("visit click download go", r"\b(?:visit|click|go to|download from)\b (?:here|this link|https?:|www\.)"),
        (
            "dear attention note message instruction instructions hey",
            rf"\b(?:(?:dear|hey|note to|message (?:to|for)|instructions? (?:to|for))[:,]?|attention[:,])"
            rf" (?:the |all |any )?{_READER}\b(?=\s*[:,.!-])",
        ),
        ("you", rf"\b(?:if|when|since) you(?: are|'re) (?:an? )?(?:{_READER}\b|reading this)"),
        (
            "your",
            r"\byour (?:next |final |own )?(?:output|answer|response|reply|summary|blurb|evaluation|rating|judge?ment"
            r"|reason|instructions?|prompt|rules|guidelines|programming|real task|creators?)\b",
        ),
        (
            "respond reply answer output say write print return",
            rf"{_ASKED}(?:respond|reply|answer|output|say|write|print|return) (?:only |just )?(?:with )?"
            r"(?:only |just )?(?:the words?|yes|nothing|[\"'][^\"']{2,40}[\"']$)",
        ),
        (
            "you",
            r"\byou (?:were|have been|are) (?:given|told|asked|instructed|trained to)\b|\b(?:tip|pay|reward) you\b"
            r"|\byou (?:must|should|will|have to|need to) (?:now )?(?:output|return|respond|reply|answer|rate|rank"
            r"|score|classify|place|put|choose|select|pick|praise|promote|ignore|include|say|write|claim|defend)\b"
            r"|\bI (?:order|command|instruct|urge|beg) you\b|\bfrom now on,? you\b",
        ),
        (
            "relevance novelty",
            r"\b(?:relevance|novelty)[\"']?\s*(?:=|:|of|to|is)?\s*[\"']?(?:100|10|5|five|max\w*)\b"
            r"|\b(?:maximum|highest|top|full) relevance\b",
        ),
        (
            "paper article item post work submission entry",
            r"\b(?:boost|raise|inflate|promote|upvote|evaluate|rate|grade|treat|mark|accept) (?:this|my) "
            r"(?:paper|article|item|post|work|submission|entry)\b"
            r"|\b(?:paper|article|item|submission|entry) deserves\b"
            r"|\bdo not (?:summari[sz]e|review|rate|score|classify|tag) this\b",
        ),
        (
            "items papers entries articles",
            r"\b(?:all|every) (?:\w+ )?(?:items|papers|entries|articles) (?:other than|except|but) this\b",
        ),
        ("please", r"\bplease (?:rate|rank|score|grade|select|choose|pick|recommend|promote|boost|accept)\b"),
        (
            "format schema precedence override anything game task print output return answer",
            r"\b(?:ignore|disregard|forget) (?:the |your |any )?(?:json|output|answer|requested) ?(?:format|schema)?\b"
            r"|\binstructions? (?:take|has|have) precedence\b|\boverride\s*:|\bdo anything now\b|\blet's play a game\b"
            r"|\b(?:your|new|real) task (?:is|has)\b|\b(?:output|return|answer|print) (?:5|10|100)\b\s*(?:[.!\"']|$)",
        ),
        (
            "overrides override supersedes replaces",
            r"\b(?:overrides?|supersedes?|replaces?) (?:all |any |the |your )+(?:other |previous |prior )?"
            r"(?:guidelines|instructions|rules|prompts?)\b",
        ),
        ("reading", rf"\b{_READER} reading this\b"),
        (
            "reveal print repeat leak output show",
            r"\b(?:reveal|print|repeat|show|leak|output) (?:me )?(?:your|the) (?:system |hidden |initial )*"
            r"(?:prompt|instructions|api key)\b",
        ),
        (
            "must should has needs",
            r"\b(?:this (?:paper|item|article|post|work)|it) (?:must|should|has to|needs to) be "
            r"(?:accepted|ranked|rated|featured|selected|chosen|picked|scored|placed)\b",
        ),
        (
            "other",
            rf"\bother (?:items?|papers?|entries|candidates|articles)\b[^.]{{0,40}}\b(?:{_GRADE}|reject|ignore"
            rf"|irrelevant)\b",
        ),
        (
            "olvida desestima ignora ignore oubliez oublie ignorez vergiss vergessen ignoriere ignorieren"
            " ignorier esqueça"
            " dimentica ignorare negeer ignorera",
            r"\b(?:olvida|desestima|ignora|ignore[zr]?|oublie[zr]?|vergiss|vergessen|ignorieren?|ignorier|esqueça"
            r"|dimentica"
            r"|ignorare|negeer|ignorera)\b[^.]{0,40}\b(?:instru|anweis|istruz|vorherig|anterior|précéd|preced"
            r"|consigne|regeln)",
        ),
    )
)
# Scripts without spaces between words, marks of chat templates, and ends of JSON that belong to no prose.
_ANYWHERE = re.compile(
    r"忽略.{0,12}(?:指令|指示|说明|提示|要求)|無視.{0,12}(?:指示|命令)|(?:指示|命令).{0,8}無視|(?:评分|得分|相关性).{0,10}(?:100|10|5|满分|最高)"
    r"|(?:이전|모든).{0,10}(?:지시|명령).{0,8}무시|(?:игнорируй|забудь)\w*.{0,30}(?:инструкц|указани|правил)"
    r"|تجاهل.{0,30}تعليمات|निर्देश.{0,20}(?:अनदेखा|नज़रअंदाज़)"
    r"|<\|?(?:im_start|im_end|system|start_header_id)\|?>|\[/?INST\]|<</?SYS>>|(?m:(?:^|[.!?]\s)\s*(?:system|assistant|user|human)\s*:)"
    r"|#{2,} ?(?:instruction|system|response|end)\b|\bBEGIN (?:SYSTEM|INSTRUCTIONS?|PROMPT)\b|\bEND OF (?:DATA|INPUT)\b"
    r"|[{,]\s*\\?[\"'](?:id|items|relevance|category|novelty|reason)\\?[\"']\s*:|[\"']\s*\}\s*\]\s*\}",
    re.I,
)
_SPELT = re.compile(r"(?<![A-Za-z])(?:[A-Za-z][ .\-_*]{1,2}){10,}")
_ENCODED = re.compile(r"\b[A-Za-z0-9+/]{44,}={0,2}(?![\w/-])")
_LEET = re.compile(r"(?<=[A-Za-z])[013457]|[013457](?=[A-Za-z])")
_MIDDLE_DIGIT = re.compile(r"[A-Za-z][013457][A-Za-z]{2}")
_LETTER = dict(zip("013457", "oieast", strict=True))


def looks_injected(text: str) -> str | None:
    """The words by which a text seems to instruct a model rather than a reader, or None.

    Words in hidden elements count as much as visible ones.
    """
    if not text.isascii():
        if hidden := _BIDI_OR_TAG.search(text):
            return f"hidden character U+{ord(hidden[0]):04X}"
        text = "".join(c for c in BLANK.sub("", text) if unicodedata.category(c) != "Cf")
        if mixed := _MIXED.search(text):
            return f"letters of two alphabets in {mixed[0]!r}"
        text = unicodedata.normalize("NFKC", text)
    if found := _ANYWHERE.search(text) or _SPELT.search(text) or _ENCODED.search(text):
        return one_line(found[0])[:80]
    folded = text if text.isascii() else text.translate(_LOOKALIKE)
    forms = [folded]
    if _MIDDLE_DIGIT.search(folded):
        forms.append(_LEET.sub(lambda digit: _LETTER[digit[0]], folded))
    for form in forms:
        words = set(re.findall(r"\w+", form.lower()))
        for needed, pattern in _INSTRUCTIONS:
            if needed & words and (found := pattern.search(form)):
                return one_line(found[0])[:80]
    return None
