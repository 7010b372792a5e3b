"""Words as titles use them: abbreviations written out, plurals made singular, the names that a text introduces."""

from __future__ import annotations

import re

# What a field writes out in one place and shortens in the next.
_ABBREVIATIONS = {
    "cot": "chain of thought",
    "dllm": "diffusion large language model",
    "fl": "federated learning",
    "gnn": "graph neural network",
    "icl": "in context learning",
    "kg": "knowledge graph",
    "llm": "large language model",
    "lm": "language model",
    "lrm": "large reasoning model",
    "mas": "multi agent system",
    "ml": "machine learning",
    "mllm": "multimodal large language model",
    "moe": "mixture of expert",
    "nlp": "natural language processing",
    "plm": "pretrained language model",
    "prm": "process reward model",
    "qa": "question answering",
    "rag": "retrieval augmented generation",
    "rl": "reinforcement learning",
    "rlhf": "reinforcement learning from human feedback",
    "rlvr": "reinforcement learning with verifiable reward",
    "sft": "supervised fine tuning",
    "slm": "small language model",
    "vla": "vision language action",
    "vlm": "vision language model",
    "vqa": "visual question answering",
}
_EXPANSIONS = {word: tuple(said.split()) for word, said in _ABBREVIATIONS.items()}
_PLURAL = re.compile(r"[a-z]{2,}[^aius\W\d_]s")
_TEX_MARKUP = re.compile(r"\\[a-z]+\s*\{?|[{}$^\\*_\"'“”‘’]")
_NAME_WORD = r"(?!(?:We|Our|This|These|It|In|The|A|An)\b)[^\W\d_]*[A-Z\d][\w+]*(?:[-.][\w+]+)*"
_NAME = rf"{_NAME_WORD}(?:[ -](?:[A-Z\d][\w.+-]*)){{0,3}}"
_INTRODUCTION = (
    r"\b(?:introduc|present|propos|releas|unveil|announc|develop|launch|describ|contribut)\w*"
    r"|\b(?:call|term|dubb|nam|known|method|approach|system|model|framework|benchmark|agent)(?:ed|d)?\b,?|\bnamely"
)
_FILLER = r"(?:a|an|the|our|new|novel|simple|first|model|method|framework|system|benchmark|named|called|as)"
_PREDICATE = (
    r"(?:is|are|an?|the|our|uses?|enables?|learns?|trains?|extends?|combines?|turns?|treats?|makes?|shows?"
    r"|introduces?|proposes?)"
)
_COINED_PATTERNS = (
    re.compile(rf"(?:{_INTRODUCTION})(?:\s+{_FILLER}){{0,3}}\s+({_NAME})"),
    re.compile(rf"^\s*({_NAME})(?:\s*\([^()]*\))?,?\s+{_PREDICATE}\b"),
    re.compile(rf"(?:{_INTRODUCTION})[^.()]{{3,80}}\(({_NAME})\)"),
)


def expand_token(token: str) -> tuple[str, ...]:
    """The words that a folded token stands for: itself, made singular, or those that it shortens."""
    if _PLURAL.fullmatch(token):
        token = token[:-1]
    return _EXPANSIONS.get(token, (token,))


def find_coined_names(text: str) -> list[str]:
    """The names that a text introduces as its own: `we present X`, `X is a`, `we present a new kind (X)`."""
    plain = _TEX_MARKUP.sub("", text)
    return [
        name.rstrip(".-")
        for pattern in _COINED_PATTERNS
        for found in pattern.findall(plain)
        if (name := "".join(found))
    ]
