"""Rules of thumb that sort arXiv papers by title, abstract and arXiv category: many cheap labels, to train on only.

They know what the categories mean, not which lists the test labels come from, so that a tagger trained on them holds on
lists it never saw. The tagger itself reads words, not these rules.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

_TITLE = {
    "safety": (
        r"jailbreak|prompt[- ]injection|red[- ]?team|back[- ]?door|guardrail|misalign|unlearn|watermark|toxic"
        r"|harmful|hate speech|bullying|\bsafety\b|\bsafe(r|guard\w*)?\b|\bsecurity\b|\bsecur(e|ing)\b|privacy"
        r"|private\b|encrypt|personally identif|\battacks?\b|poison|membership inference|deepfake|decepti|sycophan"
        r"|hallucinat|\bbias(es|ed)?\b|debias|fairness|trustworth|ethic|\bharms?\b|harmless|stereotyp"
        r"|misinformation|phishing|malicious|malware|threat|vulnerabilit|hijack|\bsteal|theft|moderation"
        r"|superalign|alignment faking|sandbag|reward hack|truthful|copyright|refus|leak|model extraction"
        r"|intrusion|value align|\bmoral|governance|disinformation|factuality|\brisks?\b|adversar|offensive"
        r"|fake news|defen[cs]e|existential"
    ),
    "rag": (
        r"\brag\b|rag\b(?<!drag)(?<!frag)|retrieval[- ]augment|graph ?rag|retriev|re-?rank|passage rank"
        r"|query (expansion|rewrit|optimi)|vector (database|search|store)|document question|long-document"
        r"|multi-hop q|knowledge graphs?|question answering over|information retrieval|search engine|deep research"
        r"|text embedding|knowledge-augmented|\bchunking|citation|attribution"
    ),
    "agents": (
        r"multi-?agent|agentic|\b\w*agents?\b"
        r"|tool[- ](use|using|usage|learning|calling|augment|integrat|orient|overuse)|function[- ]call"
        r"|computer[- ]use|\bgui\b|web navigation|role[- ]?play|\bmcp\b|model context protocol|workflow|simulacra"
        r"|social simulation|web browsing"
    ),
    "eval": (
        r"benchmark|bench\b|as[- ]a[- ]judge|\bjudg(e|es|ing)\b|evaluator|leaderboard|evaluat(ing|ion|e|es)\b"
        r"|\bassessing|\bassessment|\barena\b|contaminat|test[- ]?suite|\bmetrics?\b|(?<!retri)eval\b|measuring"
        r"|stress[- ]test|\bexam\b|examination"
    ),
    "applications": (
        r"\bcodes?\b|\bcoding|coder\b|software|program (repair|synthesis)|programming|programmer|developer|sql\b"
        r"|text2sql|verilog|\brtl\b|recommend|recsys|medic|clinic|health|hospital|patient|radiolog|diagnosis"
        r"|disease|cancer|surg|legal|(?<!scaling )\blaw\b|lawyer|court|financ|stock|trading|banking|economic"
        r"|educat|student|tutor|teaching assist|teacher training|pedagog|learner|course|classroom"
        r"|knowledge tracing|grading|essay|e-?commerce|advertis|\bads\b|click-through|\bctr\b|customer|agricult"
        r"|recruit|mental health|psychiatr|counsel|therap|telecom|chemist|biomedic|pharma|drug"
        r"|scientific (discovery|writing)|urban|travel|tourism|journalis|social scien|marketing|manufactur|industr"
        r"|supply chain|power (grid|system)|log (analysis|pars)|unit test|test (case )?generat|smart contract"
        r"|compiler|\bcuda\b|triton|kernel (generat|optimi)|user (interest|behavior)|tabular|spreadsheet"
        r"|data science|transportation|traffic|ehr\b|nursing|theorem prov|lean ?4|product search"
        r"|product (attribute|description)"
    ),
    "beyond": (
        r"video|image|visual|\bvision|text-to-(image|video|speech|3d)|\b3d\b|\b4d\b|gaussian splat|robot|embodied"
        r"|manipulation|autonomous driving|quantum|protein|molec|genom|\brna\b|\bdna\b|weather|climate|world model"
        r"|vision-language-action|\bvla\b|point cloud|segmentation|object detection|camera|\bpose\b|\bscenes?\b"
        r"|diffusion transformers?|latent diffusion|speech|audio|music|remote sensing|satellite|mri\b|\bct\b"
        r"|nerf\b|super-resolution|depth estimation|motion|avatar|talking head|face|facial|eeg|brain"
        r"|neural operator|\bpde|physics|hardware|\bchip|fpga|sensor|spiking|time series|graph neural"
        r"|hyperspectral|style transfer|inpaint|render|optical|lidar|driving|drone|uav|ocr|gesture|sign language"
        r"|multi-?modal|\b\w*mllms?\b|\b\w*vlms?\b|vqa\b|animation|texture|combinatorial"
    ),
    "techniques": (
        r"quanti[sz]|pruning|prune|lora\b|low[- ]rank|speculative|kv[- ]?cach|long[- ]context"
        r"|context (window|length|extension)|preference optimi|dpo\b|\brlhf\b|grpo\b|ppo\b|policy optimi"
        r"|parameter[- ]efficient|test[- ]time|state[- ]space|mamba\b|distill|mixture[- ]of[- ]experts|\bmoe\b"
        r"|attention|fine-?tun|reinforcement learning|\brl\b|transformer|memory-efficient|efficient"
        r"|chain[- ]of[- ]thought|\bcots?\b|optimi[sz]er|decod|interpretab|in-context|instruction tuning"
        r"|reward model|compress|sparse|sparsity|merging|overthink|reason|scaling law|tokeni[sz]"
        r"|position(al)? (encod|embed|interpol)|\brope\b|length (extrapolation|generali)|inference acceler|serving"
        r"|throughput|latency|\bprompt(ing)?\b|self-(improv|train|correct|refin|consist|play)"
        r"|data (selection|synthesis|mixture|curation)|synthetic data|continual|low-bit|post-training"
        r"|pre-?training|diffusion (large )?language model|masked diffusion|steering|mechanistic|knowledge edit"
        r"|early exit|layer|verifier|process reward|verifiable reward|entropy|alignment|gradient|training"
    ),
}
_IN_TITLE = {slug: re.compile(pattern, re.IGNORECASE) for slug, pattern in _TITLE.items()}
_REPORT = re.compile(
    r"technical report|system card|model card|^[\w.\- ]+ report$|open foundation|fully open|foundation language models?"
    r"|family of (open |small |large |efficient |lightweight |multimodal )*(language |foundation )?models",
    re.IGNORECASE,
)
_NAMED = re.compile(
    r"^[A-Z][\w.\-]*([- ]\d+(\.\d+)?B\b|[- ]v?\d(\.\d)?\b)"
    r"|^[\w.\- ]{2,25}: .*\b(open|bilingual|multilingual|compact|small|tiny|hybrid|native|efficient|powerful|strong"
    r"|transparent)\b.*(language|reasoning|foundation) models?\b"
)
_METHOD = re.compile(
    r"quanti|prun|merg|distill|compress|editing|steer|lora|fine-?tun|memoriz"
    r"|\b(of|for|from|in|via|with) (large|small) language",
    re.IGNORECASE,
)
_RELEASE = [  # how an abstract speaks that brings a model into the world
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\bwe (introduce|present|release|develop|train|unveil|open-source)|this (technical )?report|announce",
        r"trillion|\d+T tokens|\d+(\.\d+)?B\b|billion[- ]param|billion tokens",
        r"open[- ]?(source|weight|ly)|weights|checkpoints|publicly (release|available)|hugging ?face|apache",
        r"(family|series|suite) of|base (and|model)|instruct(ion)?[- ](tuned|variant)|chat (model|variant)|pre-?train"
        r"|post-train|from scratch|model family",
        r"(comparable|competitive|state-of-the-art|outperform\w*|surpass\w*|rival\w*).{0,90}"
        r"(GPT|Llama|Qwen|Claude|Gemini|DeepSeek|Gemma|Mistral|models of (similar|comparable)|same size|larger models)",
    )
]
_TRADE = re.compile(
    r"recommend|recsys|commerce|click|\bctr\b|\bads\b|product|student|tutor|educat|sql\b|code", re.IGNORECASE
)
_MEASURES = re.compile(
    r"we (introduce|present|propose|construct|develop|build|create|release)[^.]{0,80}"
    r"(benchmark|evaluation (framework|suite|set)|test ?(suite|set|bed))"
    r"|(systematic|comprehensive|empirical|extensive)(ally)? (evaluat|assess|study|analysis|benchmark)",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"\bdo(es)?\b|\bcan\b|\bhow\b|understand|analy|investigat|stud(y|ies)|limits?\b|impact|effect|truth|gap",
    re.IGNORECASE,
)
_FAR = {
    "cs.CV",
    "cs.GR",
    "cs.RO",
    "eess.IV",
    "eess.AS",
    "cs.SD",
    "eess.SP",
    "eess.SY",
    "cs.MM",
    "cs.NE",
    "cs.AR",
    "cs.ET",
    "stat.ML",
    "math.OC",
    "quant-ph",
    "cs.IT",
}
_FAR_AREAS = ("q-bio", "physics", "cond-mat", "astro", "eess")
_KINDS = frozenset({"rag", "agents", "safety", "applications", "eval", "beyond"})


def weak_label(title: str, abstract: str, categories: Sequence[str]) -> Mapping[str, float] | None:
    """The categories a paper may well belong to, with shares that sum to 1; None when no rule speaks."""
    area = categories[0] if categories else ""
    hits = {slug for slug, pattern in _IN_TITLE.items() if pattern.search(title)}
    released = _release(title, abstract, hits)
    if released:
        return released
    far = area in _FAR or area.startswith(_FAR_AREAS)
    if far and not hits & (_KINDS - {"beyond"}):
        return {"beyond": 1}
    if far and hits <= {"eval", "beyond", "techniques"}:
        return {"eval": 0.5, "beyond": 0.5}
    hits = hits & _KINDS or hits
    if "safety" in hits or ({"applications", "rag"} <= hits and _TRADE.search(title)):
        hits -= {"rag"}
    if hits <= {"techniques"}:
        return _plain(title, abstract, area, bool(hits))
    return _shared(hits, far)


def _release(title: str, abstract: str, hits: set[str]) -> Mapping[str, float] | None:
    if hits & {"agents", "rag", "safety", "eval"}:
        return None
    cues = sum(bool(cue.search(abstract)) for cue in _RELEASE)
    named = bool(_NAMED.search(title)) and not _METHOD.search(title)
    if cues < (1 if _REPORT.search(title) else 3 if named else 9):
        loud = cues >= 4 and hits <= {"techniques"}
        return {"models": 0.5, "techniques": 0.5} if loud else None
    if "applications" in hits:
        return {"models": 0.5, "applications": 0.5}
    if "beyond" in hits:
        return {"models": 0.6, "beyond": 0.4} if cues >= 4 else {"models": 0.4, "beyond": 0.6}
    return {"models": 1}


def _plain(title: str, abstract: str, area: str, technique: bool) -> Mapping[str, float] | None:
    """A paper whose title names no kind of work, at most a technique."""
    lower = abstract.lower()
    if "language model" not in lower and "llm" not in lower and area != "cs.CL":
        return {"beyond": 1} if area != "cs.IR" and (technique or area != "cs.AI") else None
    measures = bool(_MEASURES.search(abstract))
    if technique:
        return {"eval": 0.5, "techniques": 0.5} if measures and _ASKS.search(title) else {"techniques": 1}
    return {"eval": 1} if measures and lower.count("benchmark") >= 2 else None


def _shared(hits: set[str], far: bool) -> Mapping[str, float] | None:
    if len(hits) > 3:
        return None
    pull = {slug: 1.5 if slug == "safety" else 0.7 if slug == "beyond" and not far else 1.0 for slug in hits}
    return {slug: value / sum(pull.values()) for slug, value in pull.items()}
