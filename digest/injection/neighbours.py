"""Orders to a language model in languages that share English letters."""

from __future__ import annotations

import re

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
