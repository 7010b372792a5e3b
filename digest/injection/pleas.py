"""Orders to a language model that are put as a plea, a note to whoever reads, or new rules of the house."""

from __future__ import annotations

import re

_IMPERATIVE = (
    r"(?:^|[.!?:;,>\"'(\[*#-]\s*|\b(?:please|kindly|must|should|shall|ought to|required to|asked to|requested to"
    r"|let us|now|and"
    r"|then|has to|have to|better|is to|to|will|would)\s+)"
)
_THIS_ITEM = (
    r"(?:(?:this|the present|the above|my|our) (?:item|paper|manuscript|submission|entry|article|document|note|post"
    r"|text|piece|page|"
    r"abstract|contribution|product|one|request|message)\b|us\b|me\b)"
)
_MACHINES = (
    r"(?:LLMs?|AIs?|language models?|models?|bots?|assistants?|agents?|systems?|machines?|graders?|raters?|judges?"
    r"|classifiers?"
    r"|evaluators?|summari[sz]ers?|reviewers?|curators?|readers?|whoever)"
)
_MACHINE_QUALIFIER = (
    "(?:(?:any|all|the|every|some|an?|automated|automatic|artificial|evaluating|neural|machine|language) ){0,3}"
)
_FAVOUR_VERB = (
    r"(?:accept|award|boost|choose|endorse|favou?r|feature|flag|grade|label|mark|pick|place|praise|prefer|promote"
    r"|put|rank|rate"
    r"|recommend|reward|score|select|treat|upvote|advertise)"
)
_TOP = (
    r"(?:top|highest|maximum|maximal|uppermost|best|full|perfect|five|5|10|100|excellent|outstanding|must-read"
    r"|essential|first"
    r"|number one|ahead|above)"
)
_RULES_NOUN = (
    r"(?:rubric|criteria|guidance|guidelines?|instructions?|directions?|directives?|rules?|programming|safety checks?)"
)
_OUTPUT_NOUN = r"(?:blurb|commentary|newsletter|your (?:summary|answer|reply|response|output|reason|verdict|note|text))"

# The words without which a pattern cannot match, and the pattern.
PLEA_PATTERNS = tuple(
    (frozenset(words.split()), re.compile(pattern, re.I))
    for words, pattern in (
        (
            "accept award boost choose endorse favor favour feature flag grade label mark pick place praise prefer"
            " promote put rank rate recommend reward score select treat upvote advertise",
            rf"{_IMPERATIVE}(?:never |always |not )?{_FAVOUR_VERB} {_THIS_ITEM}"
            rf"|\b(?:must|should|shall|ought to|required to|asked to|obliged to"
            rf"|imperative that)\b[^.]{{0,40}}\b{_FAVOUR_VERB}s?"
            rf" (?:{_THIS_ITEM}|it\b|this (?:work|as)\b)|{_IMPERATIVE}{_FAVOUR_VERB} (?:this|it) [^.]{{0,20}}\b{_TOP}\b",
        ),
        (
            "award assign grant give deserves merits worth reward grants",
            rf"{_IMPERATIVE}(?:award|assign|grant|give|reward)s? (?:{_THIS_ITEM}|(?:this|it)\b)[^.]{{0,30}}"
            r"\b(?:top|highest|maximum|uppermost|full|perfect|best) (?:possible )?(?:score|grade|mark|point|rating"
            r"|relevance)s?\b"
            r"|\bhighest possible (?:mark|score"
            r"|grade|rating)",
        ),
        (
            "page text item paper document article note submission abstract post message",
            rf"\b{_MACHINES} (?:that |who |which )?(?:is |are )?(?:read|process|scor|summari[sz]|evaluat|grad|rat"
            rf"|judg|pars)"
            r"(?:e?s|ing|e|d)? (?:of )?this (?:page|text|item|paper|document|article|note|submission|abstract|post"
            r"|message)\b",
        ),
        (
            "scoring processed summarised summarized graded scored",
            r"\b(?:if|as|since|when|in case)\b [^.]{0,30}\b(?:is|are|being) (?:read|processed|scored|scoring"
            r"|summari[sz]ed"
            r"|graded) (?:by (?:an? )?(?:AI|LLM|machine|model|bot)|this\b)",
        ),
        (
            "reader who readers whoever",
            r"\b(?:the |if |as )?reader (?:is|being) an? (?:AI|LLM|machine|model|bot)\b|\bwho (?:are"
            r"|is an?) (?:LLMs?|AIs?|language models?)\b"
            r"|\bwhoever (?:reads|processes|scores|grades|summari[sz]es)\b|\btell (?:your|the|all) readers\b",
        ),
        (
            "please assign give relevance you accept recommend rank score rate choose select prefer promote boost",
            rf"(?:^|[.!?]\s|\b(?:for|to|note|dear|hello|hi|hey|attention),? ){_MACHINE_QUALIFIER}{_MACHINES}\s*(?:[:!]\s*"
            rf"(?:{_FAVOUR_VERB}|assign|give|relevance)|[:!,]\s*(?:please|you|be ))",
        ),
        (
            "must",
            rf"\b(?:bots|models|LLMs|AIs|assistants|machines) must (?:up|always |give|{_FAVOUR_VERB} (?:this|it)\b)",
        ),
        (
            "imperative disclose reveal mention recommend respond reply praise select choose answer",
            r"\bimperative that (?:the |any |every )?(?:AI|model|LLM|assistant|bot)\b"
            r"|\b(?:AI|LLM|model|assistant|bot) (?:shall|must|should|ought to) (?:not |never )?(?:disclose|reveal"
            r"|mention|recommend|respond"
            r"|reply|praise|select|choose|answer)\b(?=[^.]{0,30}\b(?:this|it|praise|yes)\b)",
        ),
        (
            "drop discard abandon stop follow following obey abide skip attention forget cancelled canceled void apply"
            " updated changed replaced supersedes overrides opposite",
            rf"{_IMPERATIVE}(?:drop|discard|abandon|stop following|(?:do not|don't|never) follow|skip"
            rf"|pay no attention to|forget about)"
            rf" (?:the|your|all|any|every|whatever|what|being|earlier|previous)\b(?: \w+){{0,2}}?(?: {_RULES_NOUN}|(?: you"
            rf"| your)? (?:were|was) told"
            r"| neutral)"
            rf"|\b{_RULES_NOUN}\b[^.]{{0,30}}\b(?:no longer apply|(?:are|is|were|was|have been|has been) (?:void|cancell?ed"
            rf"|(?:updated|changed|"
            r"replaced) (?:by the|today|now)))|\bguidance cancell?ed\b|\bfrom this point (?:on )?(?:follow|obey)\b"
            r"|\b(?:supersedes?|overrides?|replaces?) (?:the|your|all|any) (?:\w+ )?(?:guidance|context"
            r"|system message|instructions?|prompt)\b"
            r"|\babide by the following\b|\bopposite of what (?:your|you|the operator)\b|\b(?:criteria|instructions"
            r"|rules) were changed\b"
            r"|\byour (?:\w+ )?criteria\b",
        ),
        (
            "blurb commentary newsletter summary answer reply response output reason verdict note text",
            rf"\b(?:begin|start|end|finish|close|add|append|insert|include|copy|paste|write|put|quote|say|state"
            rf"|make sure|ensure|link)s?\b"
            rf"[^.]{{0,60}}\b(?:the )?{_OUTPUT_NOUN}\b|\b{_OUTPUT_NOUN} (?:should|must|shall|has to|needs to|ends?|begins?|starts?)\b"
            r"|\bthe (?:summary|blurb|commentary|reason) (?:should|must|shall|has to|needs to) (?:contain|include"
            r"|end|begin|start|say|state"
            rf"|mention|praise|link)|{_IMPERATIVE}(?:the )?(?:write|replace) (?:the |your )?(?:commentary|blurb"
            rf"|reason)\b",
        ),
        (
            "summarise summarize summarising summarizing",
            r"(?:^|[.!?:;]\s+)summari[sz]e this (?:as|with|by)\b|\bwhen summari[sz]ing(?: this\b|,)",
        ),
        (
            "imagine role roleplay my now developer debug",
            r"\bimagine (?:that )?you(?:'re| are)\b|\blet(?:'s| us) role-?play\b|\byou(?:'re| are) (?:now )?my\b"
            r"|\b(?:developer|debug|god|admin) mode (?:enabled|on|activated)|\b(?:switch to|enter"
            r"|enable) (?:developer|debug|god|admin) mode\b",
        ),
        (
            "act speak respond reply answer behave follow",
            r"\bfrom (?:now|here|this point) on,? (?:respond|act|answer|reply|speak|behave|follow)\b"
            rf"|{_IMPERATIVE}(?:act|speak|respond|reply|answer)\b (?:like you|as (?:a |an )?(?:fan|enthusias\w+"
            rf"|loyal)|in (?:verse|rhyme"
            r"|capitals|French|German|Spanish) only|with (?:praise|enthusiasm|yes))",
        ),
        (
            "relevance novelty score rating grade verdict category",
            r"\b(?:relevance|novelty)\b[^.]{0,20}\b(?:must|should|shall|has to) be\b|\bset\b[^.]{0,20}\brelevance\b"
            r"|\b(?:score|rating|grade|verdict)\s*:\s*(?:5|10|100)\s*(?:/|out of)|\bcategory (?:for|of) this (?:item"
            r"|paper|article|post)\b"
            r"|\b(?:relevance|novelty|ratings?|scores?|grades?) (?:of|for) (?:the )?(?:other|neighbou?ring|competing"
            r"|remaining) (?:entries|items"
            r"|papers|articles)\b|\bthe verdict is (?:accept|five|5)\b",
        ),
        (
            "competing neighbouring neighboring",
            r"\b(?:competing|neighbou?ring) (?:papers?|items?|entries|articles?|submissions?) (?:as|is|are)\b[^.]{0,20}"
            r"\b(?:irrelevant|spam|fraud\w*|other)\b",
        ),
        (
            "dump translate print append configuration context prompt",
            r"\b(?:dump|translate|print|append|show|output) (?:me )?(?:the contents of )?(?:your|the system|the hidden)"
            r" (?:system |hidden )?(?:prompt|context|configuration|instructions)\b",
        ),
        (
            "flag check disclose report suspicious secret checked",
            r"\b(?:never|do not|don't|must not be|shall not be) (?:flag|check|disclose|report|flagged|checked"
            r"|reported)(?: (?:this|it)\b"
            r"| (?:against|as suspicious))|\bkeep this (?:request|message|note|instruction)s? (?:a )?(?:secret"
            r"|hidden|to yourself)\b",
        ),
        (
            "dot example pointer buy sponsored",
            r"\b\w+ dot (?:example|com|net|org|io)\b|\bbuy tokens\b|\bsponsored by [A-Z]",
        ),
        (
            "request requested ask asks requests",
            rf"\b(?:request|ask)(?:s|ed)? (?:that )?{_MACHINE_QUALIFIER}{_MACHINES} (?:to )?(?:score|rate|rank|accept|select|give"
            rf"|recommend|grant)s? (?:{_THIS_ITEM}|this\b|it\b)",
        ),
        (
            "required expected obliged obligated has",
            r"\b(?:required|expected|obliged|obligated|has|have) to (?:recommend|praise|endorse|promote|upvote"
            r"|answer yes)\b",
        ),
        (
            "note hidden message",
            r"\bhidden (?:note|message|text)\s*:|\bnote (?:for|to) (?:the )?(?:summari[sz]er|grader|model|AI|LLM"
            r"|bot)s?\b",
        ),
        ("rewarded tipped paid", r"\byou(?:'ll| will| shall) be (?:rewarded|tipped|paid)\b"),
    )
)
