"""Words a sentence may use only when its source does: praise, appeals to readers, names that everybody knows."""

from __future__ import annotations

import re

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
