"""A wide net: texts that might instruct a model are judged alone, whether or not anything in them is called an order.

To be judged alone costs one more call, so that false alarms are cheap here and a miss is not: an order that shares its
call may sway the verdicts on its neighbours. Some three in a hundred abstracts are caught, and most posts.
"""

from __future__ import annotations

import re

from digest.text import split_sentences

_OBJECT = (
    r"(?:item|entr(?:y|ies)|paper|work|article|submission|manuscript|post|record|document|text|note|summar\w+|blurb"
    r"|answer|repl(?:y|ies)|reason|output|field|batch|list|newsletter|digest|issue|scores?|marks?|grades?|ratings?"
    r"|relevance|novelty|categor\w+|labels?|verdicts?|instructions?|prompts?|rules?|guid\w+|configuration|orders?"
    r"|readers?|subscribers?|operators?|users?|editors?|judges?|graders?|models?|assistants?|machines?|AIs?|LLMs?|me|us"
    r"|our|best|top|highest|token)"
)
_VERBS = (
    r"(?:accept|act|add|admit|adopt|answer|append|apply|approve|assign|assume|attach|award|begin|behave|believe|boost"
    r"|bypass|call|carry|change|choose|claim|classify|conclude|confirm|consider|continue|copy|credit|declare|delete"
    r"|describe|disable|discard|disclose|disregard|drop|echo|elevate|embed|emphasi[sz]e|enable|end|endorse|ensure"
    r"|enter|evaluate|execute|fail|favou?r|feature|finish|follow|forget|forgive|format|forward|give|grade|grant|hail"
    r"|highlight|ignore|imagine|include|increase|inform|insert|insist|invite|judge|keep|label|lead|leave|link|list"
    r"|lower|make|mark|mention|neglect|note|obey|omit|open|output|overlook|override|paste|pick|place|praise|prefer"
    r"|prepend|pretend|print|prioriti[sz]e|proceed|promote|publish|put|quote|raise|rank|rate|recite|recommend|refuse"
    r"|reject|remember|remove|repeat|replace|reply|report|reproduce|reset|respond|return|reveal|reward|say|score|select"
    r"|sell|send|set|share|show|skip|start|state|stop|submit|subscribe|substitute|suggest|suppress|swap|switch|tag|tell"
    r"|translate|treat|trust|turn|update|upgrade|upvote|urge|use|verify|view|visit|vote|warn|write)"
)
_ADVERB = (
    r"(?:please|kindly|now|always|never|just|simply|only|instead|then|also|first|finally|henceforth|hereafter"
    r"|hence|therefore|again|do not|don't|do)"
)
_MACHINE = (
    r"(?:AIs?|LLMs?|language models?|models?|assistants?|machines?|bots?|readers?|graders?|judges?|raters?|reviewers?"
    r"|evaluators?|curators?|classifiers?|summari[sz]ers?|parsers?|networks?|systems?|agents?|operators?|editors?)"
)
_CLAUSE_START = (
    r"^(?:if|when|as|for|in|to|dear|hi|hey|hello|then|now|and|so)\b"  # before the comma behind which an order stands
)
_OBLIGATION = (
    r"(?:must|should|shall|ought|(?:has|have|needs?|is|are) to|may now|(?:is|are) (?:hereby |now |politely |kindly )?"
    r"(?:asked|expected|requested|required|obliged|instructed|granted|authori[sz]ed|allowed|permitted|free|told))"
)
_WORK_NOUN = r"(?:paper|work|item|entry|contribution|article|manuscript|submission|one)"
_SUSPICIOUS_PATTERNS = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        r"\b(?:you(?! need\b)|your|yours|yourself)\b|\bbe (?:generous|kind|lenient|nice|fair)\b",
        r"\b(?:please|kindly|thank you|por favor|per favore|s'il vous|alsjeblieft|snälla)\b",
        rf"(?:^|[:;!?(\[\"'—]\s*| - |{_CLAUSE_START}[^,]{{0,60}},\s+)(?:{_ADVERB},? )*{_VERBS}\b(?=.*\b{_OBJECT}\b)"
        r"(?!-| (?:of|on|in|and|or|for|to|from|is|are|was|were|that|versus|vs|with|into|has|have|can|will|may)\b)",
        rf"\b{_MACHINE}\b[^.]{{0,60}}\b{_OBLIGATION}\b[^.]*\b(?:this|these|us|our|top|highest|five|full|accept"
        r"|recommend\w*|praise|rules?|instructions?|checks?|score\w*|grade\w*|mark\w*|rank\w*|rate\w*|order)\b",
        r"\b(?:we|I|authors?) (?:\w+ ){0,2}?(?:ask|request|urge|beg|invite|authori[sz]e|order|command|instruct|demand"
        rf"|remind)s? (?:\w+ ){{0,2}}?{_MACHINE}\b",
        rf"^(?:an? )?(?:note|message|attention|dear|hello|hi|hey|word|to|for),? (?:\w+[ -]){{0,3}}?{_MACHINE}\b"
        r"(?: \w+){0,4}\s*[:!]",
        rf"\b{_MACHINE}\b (?:that |which |who |is |are )*"
        r"(?:read|process|pars|scor|grad|judg|summari[sz]|evaluat|rat)\w* (?:this|these)\b",
        rf"\b(?:other|remaining|competing|rival) (?:{_WORK_NOUN}|entrie|candidate)s?\b[^.]*"
        r"\b(?:label\w*|relevance|spam|irrelevant|reject\w*|ignor\w*|lower|lowest|worthless|list|batch)\b",
        r"\b(?:score|relevance|rating|grade|verdict|mark|number|value|category)s?\b[^.]{0,40}\b(?:five|5|ten|10"
        r"|100|max\w*|highest|top|full|perfect)\b[^.]*\b(?:this|these|here|nothing|accept\w*|record|means?)\b",
        rf"\b(?:this|our|the present) {_WORK_NOUN}\b[^.]{{0,60}}"
        r"\b(?:flawless|must[- ]read|first place|very top|accepted|mandatory|honou?rs|without reservation|full marks"
        r"|number one|outstanding)\b",
        r"\b(?:everything|whatever|all|anything|what) (?:above|before|came before|said (?:above|before)|prior"
        r"|preceding|previous) ?(?:constraints|rules|orders|instructions|is|was|are)\b"
        r"|\b(?:sentence|text|line|page|document|lines?)s? (?:above|below)\b|\b(?:stands?|follows?) below\b",
        r"\b(?:subscribe|sign up|buy|visit|click|discount|coupon|promo|token sale|shop|marketing)\b"
        r"[^.]*\b(?:our|us|here|now|at|token|site|today|code)\b",
        r"\b(?:this|the) (?:entry|listing|batch|digest|pile)\b|\bin this list\b|\b(?:newsletter|subscriber)s?\b",
        r"[{\[<]\s*[\"'|/]|[\"']\s*[}\]]|={3,}|#{3,}|-{4,}",
        r"\b(?:hereby|hereafter|henceforth|administrator rights|real (?:job|task)|lives depend|this was a test)\b",
    )
)
_FOREIGN_SCRIPT = re.compile(
    r"(?:[\u0400-\u052f\u0590-\u074f\u0900-\u0dff\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af][\s,.。、]*){5}"
)
# Words that such a sentence can hardly do without, of German, French, Spanish, Italian, Dutch, Portuguese, Swedish;
# none that English has too.
_FOREIGN_WORD_LIST = """
der das den dem und oder nicht alle diese diesen dieser ist auf für mit vor zu bitte ihr sie du vergiss
les une cet cette ces pour dans que qui est et sans aux vous votre ne pas merci
el los las una este esta para por lo al tu su más todo toda te
il gli di questo questa che tutto tutte più del della delle
het een alles wat dit deze niet staat voor van geef
os um uma com não tudo ao da esquece
och att det ge här inte alla på till för
"""
_ENGLISH_WORD_LIST = "the of and to a that with we by are as this from it our can which"
_FOREIGN_WORDS, _ENGLISH_WORDS = frozenset(_FOREIGN_WORD_LIST.split()), frozenset(_ENGLISH_WORD_LIST.split())


def is_suspicious(text: str) -> bool:
    """Whether a text, cleaned for a prompt, holds anything that a model might take for an order."""
    return bool(_FOREIGN_SCRIPT.search(text)) or any(_is_suspicious_sentence(piece) for piece in split_sentences(text))


def _is_suspicious_sentence(piece: str) -> bool:
    return any(net.search(piece) for net in _SUSPICIOUS_PATTERNS) or _is_foreign_sentence(piece)


def _is_foreign_sentence(piece: str) -> bool:
    """Whether a sentence is in another language that English letters write."""
    words = set(re.findall(r"[^\W\d_]+", piece.lower()))
    return len(words & _FOREIGN_WORDS) > max(1, 2 * len(words & _ENGLISH_WORDS))
