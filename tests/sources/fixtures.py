"""For each kind of source one honest answer, and what is to be read from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from digest.config.schema import Source
from digest.protocols import Response

NOW = datetime(2025, 3, 10, 6, tzinfo=UTC)
BLOG = "https://a.example/blog"


@dataclass(frozen=True)
class Fixture:
    """A source, the address its first request must have, an answer, and the (guid, title, published) of its items."""

    source: Source
    address: str
    body: str
    items: list[tuple[str, str, datetime | None]]
    headers: tuple[tuple[str, str], ...] = ()

    def response(self, body: str | bytes | None = None, url: str | None = None) -> Response:
        text = self.body if body is None else body
        data = text.encode() if isinstance(text, str) else text
        return Response(200, url or self.address, dict(self.headers), data)


def day(number: int, hour: int = 0) -> datetime:
    return datetime(2025, 3, number, hour, tzinfo=UTC)


QUERY = """<feed xmlns="http://www.w3.org/2005/Atom" xmlns:os="http://a9.com/-/spec/opensearch/1.1/"
 xmlns:arxiv="http://arxiv.org/schemas/atom"><title>arXiv Query</title><os:itemsPerPage>200</os:itemsPerPage>
<os:totalResults>2</os:totalResults><os:startIndex>0</os:startIndex>
<entry><id>http://arxiv.org/abs/2503.00001v2</id><title>First
  paper</title><summary>x &lt; y</summary><published>2025-03-01T10:00:00Z</published>
<updated>2025-03-02T10:00:00Z</updated><author><name>Ann</name></author><author><name>Bob</name></author>
<category term="cs.LG"/><category term="cs.CL"/><category term="I.2.7"/><arxiv:primary_category term="cs.CL"/>
<arxiv:comment>12 pages</arxiv:comment><arxiv:doi>10.1/x</arxiv:doi><arxiv:journal_ref>J. 1</arxiv:journal_ref></entry>
<entry><id>http://arxiv.org/abs/cs/0503001v1</id><title>Second</title><published>2025-03-02T10:00:00Z</published>
<updated>2025-03-02T10:00:00Z</updated><arxiv:comment>This paper has been withdrawn by the authors</arxiv:comment>
</entry></feed>"""

OAI = """<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><responseDate>2025-03-10T06:00:00Z</responseDate>
<request verb="ListRecords">https://oaipmh.arxiv.org/oai</request><ListRecords>
<record><header><identifier>oai:arXiv.org:2503.00001</identifier><datestamp>2025-03-09</datestamp></header><metadata>
<arXivRaw xmlns="http://arxiv.org/OAI/arXivRaw/"><id>2503.00001</id>
<version version="v1"><date>Sat, 01 Mar 2025 10:00:00 GMT</date></version>
<version version="v2"><date>Sun, 02 Mar 2025 10:00:00 GMT</date><source_type>D</source_type></version>
<title>First</title><authors>Ann A (Lab, Town), Bob B, Jr. and Cy C ((1) X (2) Y)</authors>
<categories>cs.CL stat.ML</categories><comments>12 pages</comments><doi>10.1/x 10.1/y</doi>
<journal-ref>J. 1</journal-ref><abstract>x</abstract></arXivRaw></metadata></record>
<record><header><identifier>oai:arXiv.org:2503.00002</identifier></header><metadata>
<arXivRaw xmlns="http://arxiv.org/OAI/arXivRaw/"><id>2503.00002</id>
<version version="v1"><date>Sat, 01 Mar 2025 10:00:00 GMT</date></version><title>Elsewhere</title>
<authors>D</authors><categories>math.AG</categories><abstract>x</abstract></arXivRaw></metadata></record>
<record><header status="deleted"><identifier>oai:arXiv.org:2503.00003</identifier></header></record>
<resumptionToken/></ListRecords></OAI-PMH>"""

RSS_DAY = """<rss version="2.0" xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel><title>cs.CL updates on arXiv.org</title><skipDays><day>Sunday</day><day>Saturday</day></skipDays>
<item><title>New</title><link>https://arxiv.org/abs/2503.00001</link><description>arXiv:2503.00001v1 Announce Type: new
Abstract: Words.</description><guid isPermaLink="false">oai:arXiv.org:2503.00001v1</guid>
<pubDate>Mon, 03 Mar 2025 00:00:00 -0500</pubDate><arxiv:announce_type>new</arxiv:announce_type>
<dc:creator>Ann, Bob</dc:creator></item>
<item><title>Old</title><link>https://arxiv.org/abs/2501.00009</link><description>x</description>
<guid isPermaLink="false">oai:arXiv.org:2501.00009v3</guid><pubDate>Mon, 03 Mar 2025 00:00:00 -0500</pubDate>
<arxiv:announce_type>replace</arxiv:announce_type></item></channel></rss>"""

FEED = """<rss version="2.0"><channel><title>T</title><ttl>90</ttl><item><guid isPermaLink="false">1</guid>
<title>A</title><link>https://a.example/blog/a</link><pubDate>Wed, 05 Mar 2025 10:00:00 GMT</pubDate></item></channel>
</rss>"""

LISTING = """<!doctype html><html><body><nav><a href="/blog/menu-entry">In the menu</a></nav><main>
<article><a href="/blog/a?utm_source=x#top"><h2>A post</h2><time datetime="2025-03-05T10:00:00Z">5 March</time>
<p>What the post is about, in a sentence.</p></a></article>
<div class="card"><span class="PostCard_date__x1">Mar 4, 2025</span><h3>B post</h3><a href="/blog/b">Read more</a></div>
<a href="/blog/a">A post</a><a href="/blog/tag/x">Tag</a><a href="https://evil.example/blog/z">Elsewhere</a></main>
<footer><a href="/blog/legal-things">Small print</a></footer></body></html>"""

FIXTURES: dict[str, Fixture] = {
    "feed": Fixture(
        Source(id="f", kind="feed", url="https://a.example/feed"),
        "https://a.example/feed",
        FEED,
        [("1", "A", day(5, 10))],
    ),
    "arxiv": Fixture(
        Source(id="q", kind="arxiv", categories=("cs.CL", "cs.LG"), days=5),
        "https://export.arxiv.org/api/query?search_query=%28cat%3Acs.CL+OR+cat%3Acs.LG%29+AND+submittedDate%3A%5B"
        "202503050600+TO+202503100600%5D&sortBy=submittedDate&sortOrder=ascending&start=0&max_results=200",
        QUERY,
        [("oai:arXiv.org:2503.00001", "First paper", day(1, 10)), ("oai:arXiv.org:cs/0503001", "Second", day(2, 10))],
    ),
    "arxiv-oai": Fixture(
        Source(id="o", kind="arxiv-oai", categories=("cs.CL", "cs.LG"), days=5),
        "https://oaipmh.arxiv.org/oai?verb=ListRecords&metadataPrefix=arXivRaw&from=2025-03-05&until=2025-03-10"
        "&set=cs%3Acs",
        OAI,
        [("oai:arXiv.org:2503.00001", "First", day(1, 10))],
    ),
    "arxiv-rss": Fixture(
        Source(id="r", kind="arxiv-rss", categories=("cs.CL", "cs.LG")),
        "https://rss.arxiv.org/rss/cs.CL+cs.LG",
        RSS_DAY,
        [("oai:arXiv.org:2503.00001", "New", None), ("oai:arXiv.org:2501.00009", "Old", None)],
    ),
    "page": Fixture(
        Source(id="p", kind="page", url=BLOG),
        BLOG,
        LISTING,
        [(f"{BLOG}/a", "A post", day(5, 10)), (f"{BLOG}/b", "B post", day(4))],
    ),
}
