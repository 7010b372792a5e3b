"""Marks of orders that no English words give away: other scripts, chat templates, ends of what a model is handed."""

from __future__ import annotations

import re

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
