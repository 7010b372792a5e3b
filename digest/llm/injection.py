"""Prompt-injection detector; patterns in data/injection.toml.

Orders to a language model that are put as a plea, a note to whoever reads, or new rules of the house.

Marks of orders that no English words give away: other scripts, chat templates, ends of what a model is handed.

The plain orders to a language model, as they are worded in English.

Orders to a language model in languages that share English letters.

A wide net: texts that might instruct a model are judged alone, whether or not anything in them is called an order.

To be judged alone costs one more call, so that false alarms are cheap here and a miss is not: an order that shares its
call may sway the verdicts on its neighbours. Some three in a hundred abstracts are caught, and most posts.

Recognises text that instructs a model rather than informs a reader; a suspect is judged alone, not thrown out.
"""

from __future__ import annotations

import re
import unicodedata

from digest.llm.sanitize import BLANK_CHARACTERS, defang_links
from digest.text import normalise_line, split_sentences

# Scripts without spaces between words, or without a list of words to look for first.
SCRIPT_PATTERN = re.compile(
    r"忽略.{0,12}(?:指令|指示|说明|提示|要求)|請?请?忽视.{0,10}(?:规则|指令)|無視.{0,12}(?:指示|命令)|(?:指示|命令).{0,8}無視"
    r"|(?:评分|得分|相关性).{0,10}(?:100|10|5|满分|最高)|给.{0,14}(?:最高|满分)|你现在是"
    r"|最高(?:評価|点).{0,6}(?:付|与|して)|満点|(?:ルール|指示).{0,6}忘れ"
    r"|(?:이전|모든).{0,10}(?:지시|명령).{0,8}무시|최고 ?점수|만점을|규칙을 (?:무시|잊)"
    r"|(?:игнорируй|забудь)\w*.{0,30}(?:инструкц|указани|правил)|не обращай\w* внимани"
    r"|(?:поставь|оцени|дай|выбери)\w*.{0,40}(?:максимальн|высш|наивысш|пять|эту стать)"
    r"|تجاهل.{0,30}تعليمات|أعط.{0,30}أعلى|أعلى درجة|निर्देश.{0,20}(?:अनदेखा|नज़रअंदाज़)|सबसे (?:अधिक|ज़्यादा) अंक"
    r"|पूरे अंक",
    re.I,
)
MARKER_PATTERN = re.compile(
    r"<\|?(?:im_start|im_end|system|start_header_id)\|?>|\[/?INST\]|<</?SYS>>"
    r"|(?m:(?:^|[.!?]\s)\s*(?:system|assistant|user|human)\s*:)|[\"'](?:role|system|assistant)[\"']\s*:"
    r"|#{2,} ?(?:instruction|system|response|end)\b|\bBEGIN (?:SYSTEM|INSTRUCTIONS?|PROMPT)\b"
    r"|```\s*(?:system|instructions?|you\b)|\btrusted instruction|\beverything below is\b"
    r"|\bend of (?:untrusted )?(?:document|text|list|input|data|content|article|context)\b"
    r"|\bthe operator (?:now )?(?:speaks|says|wants)"
    r"|[{,]\s*\\?[\"'](?:id|items|relevance|category|novelty|reason)\\?[\"']\s*:|[\"']\s*\}\s*\]\s*\}"
    r"|[\]}]{2,}\s*(?:end of|now |new )"
    r"|</?(?:item|document|untrusted|instructions?|context|input|data|system|user)\b[^<>]{0,40}>"
    r"|snoitcurtsni|erongi\b|dragersid",  # backwards
    re.I,
)


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


# The words without which a pattern cannot match, and the pattern.
FOREIGN_PATTERNS = tuple(
    (frozenset(words.split()), re.compile(pattern, re.I))
    for words, pattern in (
        (
            "olvida desestima ignora ignore oubliez oublie ignorez vergiss vergessen ignoriere ignorieren"
            " ignorier esqueça"
            " dimentica ignorare negeer ignorera",
            r"\b(?:olvida|desestima|ignora|ignore[zr]?|oublie[zr]?|vergiss|vergessen|ignorieren?|ignorier|esqueça"
            r"|dimentica"
            r"|ignorare|negeer|ignorera)\b[^.]{0,40}\b(?:instru|anweis|istruz|vorherig|anterior|précéd|preced"
            r"|consigne|regeln)",
        ),
        (
            "bewerte bewerten gib geben vergib wähle wählen du ab",
            r"\b(?:bewerten?|gib|geben|vergib|wähle?n?)\b[^.]{0,50}\b(?:höchst\w*|maximal\w*|bestnote|fünf von)"
            r"|\bdu bist (?:jetzt|nun)\b|\bab jetzt bist\b",
        ),
        (
            "califica califique asigna asigne otorga otorgue puntúa puntúe partir haz",
            r"\b(?:calif[ií]\w+|asign[ae]|otorg\w+|punt[úu][ae])\b[^.]{0,60}\b(?:máxim\w+|más alta|mejor)"
            r"|\ba partir de ahora\b|\bhaz caso omiso\b|\bà partir de maintenant\b",
        ),
        (
            "attribuer attribuez attribue donner donnez donne noter notez mettez ignorez ignore tenez tiens",
            r"\b(?:attribue[rz]?|donne[rz]?|note[rz]|mette[rz])\b[^.]{0,50}\b(?:maximale?|meilleure|plus haute)"
            r"|\bignore[rz]? ce qui préc|\bne (?:tenez|tiens) pas compte\b",
        ),
        (
            "assegna assegnare attribuisci dai date seguire ora atribua dê avalie geef negeer",
            r"\b(?:assegna\w*|attribuisci|dai|date)\b[^.]{0,50}\b(?:massim\w+|più alt[ao]|migliore)"
            r"|\bnon seguire (?:le|queste)\b|\bd'ora in poi sei\b|\b(?:atribua|dê|avalie)\b[^.]{0,50}\b(?:máxim\w+"
            r"|mais alta)"
            r"|\bgeef dit\b[^.]{0,30}\bhoogste\b|\bnegeer de regels\b",
        ),
    )
)


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


_PATTERNS = (*ENGLISH_PATTERNS, *PLEA_PATTERNS, *FOREIGN_PATTERNS)
_BIDI_OR_TAG = re.compile("[\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]")
# Letters that pass for Latin ones; the rest of the confusables list is of no use in English words.
_LOOKALIKE = str.maketrans("аеорсухіјѕԁɡӏвмнткΑΒΕΖΗΙΚΜΝΟΡΤΥΧοινυ", "aeopcyxijsdgIvmhtkABEZHIKMNOPTYXoivu")
_MIXED_ALPHABETS = re.compile(r"(?i)\b(?=\w*[a-z])(?=\w*[а-яіјѕԁӏ])\w{4,}")

_SPELLED_OUT = re.compile(r"(?<![A-Za-z])(?:[A-Za-z][ .\-_*]{1,2}){10,}|\b(?:[A-Za-z]-){4,}[A-Za-z]\b")
_ENCODED = re.compile(r"\b[A-Za-z0-9+/]{44,}={0,2}(?![\w/-])")
_LEET = re.compile(r"(?<=[A-Za-z])[013457]|[013457](?=[A-Za-z])")
_MIDDLE_DIGIT = re.compile(r"(?<![A-Za-z])[A-Za-z]+[013457]+[A-Za-z]+[013457]|[A-Za-z][013457][A-Za-z]{2}")
_LEET_LETTERS = dict(zip("013457", "oieast", strict=True))


def find_injection(text: str) -> str | None:
    """The words by which a text seems to instruct a model rather than a reader, or None.

    Words in hidden elements count as much as visible ones.
    """
    if not text.isascii():
        if hidden := _BIDI_OR_TAG.search(text):
            return f"hidden character U+{ord(hidden[0]):04X}"
        text = "".join(c for c in BLANK_CHARACTERS.sub("", text) if unicodedata.category(c) != "Cf")
        if mixed := _MIXED_ALPHABETS.search(text):
            return f"letters of two alphabets in {mixed[0]!r}"
        text = unicodedata.normalize("NFKC", text)
        if found := SCRIPT_PATTERN.search(text):
            return _format_match(found[0])
    if found := MARKER_PATTERN.search(text) or _SPELLED_OUT.search(text) or _ENCODED.search(text):
        return _format_match(found[0])
    folded = text if text.isascii() else text.translate(_LOOKALIKE)
    forms = [folded]
    if _MIDDLE_DIGIT.search(folded):
        forms.append(_LEET.sub(lambda digit: _LEET_LETTERS[digit[0]], folded))
    for form in forms:
        words = set(re.findall(r"\w+", form.lower()))
        for needed, pattern in _PATTERNS:
            if needed & words and (found := pattern.search(form)):
                return _format_match(found[0])
    return None


def _format_match(words: str) -> str:
    return defang_links(normalise_line(words)[:80])
