"""TeX becomes readable where it surely is TeX; everything else is left as it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.text.tex import convert_tex


@pytest.mark.parametrize(
    ("tex", "text"),
    [
        (r"$\pi_0$: A Flow Model", "π₀: A Flow Model"),
        (r"$\text{E}^2\text{Rank}$: Ranking", "E²Rank: Ranking"),
        (r"$\texttt{MemoryBench}$: Rewards", "MemoryBench: Rewards"),
        (r"DiM\textsuperscript{3}: Merging", "DiM³: Merging"),
        (r"A$_3$B$_2$ adapters", "A₃B₂ adapters"),
        (r"MA$^{2}$P", "MA²P"),
        (r"360$^\circ$ search", "360° search"),
        (r"$\mathcal{O}(n^2)$ attention", "O(n²) attention"),
        (r"Newton$\unicode{x2013}$Schulz", "Newton–Schulz"),
        (r"10$\times$ faster, $\sim$3 hours", "10× faster, ∼3 hours"),
        (r"$k$-Means with $10^{-3}$ error", "k-Means with 10⁻³ error"),
        (r"Schr\"odinger, Poincar\'{e}, Erd\H{o}s, {\L}ukasz", "Schrödinger, Poincaré, Erdős, Łukasz"),
        (r"\emph{Attention} \& \textbf{Memory \textsc{Net}}", "Attention & Memory Net"),
        (r"\(\alpha\)-stable", "α-stable"),
        (r"A 50\% cheaper $p<0.05$ model", "A 50% cheaper p<0.05 model"),
        (r"$n \geq n_0$ in $O(n\log n)$ with $p \in \{0, 1\}$", "n ≥ n₀ in O(n log n) with p ∈{0, 1}"),
        (r"$\hat{\pi} \approx \bar\Delta$", "\u03c0\u0302 ≈\u0394\u0305"),
        (r"a 100% sure $x_i$", "a 100% sure x_i"),
        (r"see \href{https://e.org}{our page}~\cite{a}", "see our page"),
        (r"$$x^2$$ and $\pi_0$", "x² and π₀"),
    ],
)
def test_tex_is_shown_as_unicode(tex: str, text: str) -> None:
    assert convert_tex(tex) == text


@pytest.mark.parametrize(
    "text",
    [
        "Cost is $5 and $10",
        "Cost is $$5 and $$10",
        "from $5_000 to $10_000 a year",
        "$5-$10 per million tokens",
        "$AAPL and $MSFT",
        r"C:\users\bob and C:\new\text",
        r"\ECUAS{n}: a family",
        "an open $ sign and a_b",
        r"$\alpha is not closed",
        "E^2LLM and x_1",
    ],
)
def test_what_may_not_be_tex_is_kept(text: str) -> None:
    assert convert_tex(text) == text


@given(st.text(alphabet=st.sampled_from("$\\{}^_%#&~ ab1é²\"'textbfalpha()[]\n")) | st.text())
def test_no_text_breaks_the_reader_and_text_without_signs_is_untouched(text: str) -> None:
    shown = convert_tex(text)
    assert isinstance(shown, str)
    if "$" not in text and "\\" not in text:
        assert shown == text
