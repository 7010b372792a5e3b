"""The plain orders to a language model, as they are worded in English."""

from __future__ import annotations

import re

_DETERMINER = r"(?:all|any|every|the|your|these|those|my)"
_INSTRUCTION_NOUN = r"(?:instruction|prompt|rule|guideline|direction|order|rubric|polic)"
_REQUEST_START = r"(?:^|[.!?:;,>\"'(\[*#-]\s*|\b(?:you|must|should|please|now|and|to|will|then) )"
_MODEL_NOUN = r"(?:AI|LLMs?|language models?|reviewers?|assistants?|models?|bots?|summari[sz]ers?|curators?|editors?)"
_GRADE = r"(?:relevance|novelty|category|score|rating|relevancia|pertinence|relevanz)"

# The words without which a pattern cannot match, and the pattern.
ENGLISH_PATTERNS = tuple(
    (frozenset(words.split()), re.compile(pattern, re.I))
    for words, pattern in (
        (
            "ignore disregard forget override bypass ignoring disregarding",
            rf"\b(?:ignor(?:e|ing)|disregard(?:ing)?|forget|override|bypass)\b (?:{_DETERMINER} |of )*"
            rf"(?:(?:previous|prior|above|preceding|earlier|foregoing|system|other)\b|{_DETERMINER} {_INSTRUCTION_NOUN}|"
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
            rf"{_REQUEST_START}(?:pretend|act|behave|roleplay|role-play|speak|respond) (?:to be|as if|as an?|like an?|only"
            rf" in)\b",
        ),
        ("as", rf"\bas an? {_MODEL_NOUN},? (?:you|I)\b|\bas an AI\b[^.]{{0,30}}\b(?:must|should)\b"),
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
            rf" (?:the |all |any )?{_MODEL_NOUN}\b(?=\s*[:,.!-])",
        ),
        ("you", rf"\b(?:if|when|since) you(?: are|'re) (?:an? )?(?:{_MODEL_NOUN}\b|reading this)"),
        (
            "your",
            r"\byour (?:next |final |own )?(?:output|answer|response|reply|summary|blurb|evaluation|rating|judge?ment"
            r"|reason|instructions?|prompt|rules|guidelines|programming|real task|creators?)\b",
        ),
        (
            "respond reply answer output say write print return",
            rf"{_REQUEST_START}(?:respond|reply|answer|output|say|write|print|return) (?:only |just )?(?:with )?"
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
        ("reading", rf"\b{_MODEL_NOUN} reading this\b"),
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
    )
)
