"""Issues as readers get them: Jekyll post, feeds, HTML, plain text, the site's data. Values in, documents out."""

from digest.render.email import Mail, edition, email
from digest.render.feeds import feeds
from digest.render.fragment import html, text
from digest.render.pages import picture_paths, site_config, site_files
from digest.render.post import pages, post_path
from digest.render.templating import Templates, compiled, source
from digest.render.words import Words, words

__all__ = [
    "Mail",
    "Templates",
    "Words",
    "compiled",
    "edition",
    "email",
    "feeds",
    "html",
    "pages",
    "picture_paths",
    "post_path",
    "site_config",
    "site_files",
    "source",
    "text",
    "words",
]
