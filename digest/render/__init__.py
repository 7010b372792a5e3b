"""Issues as readers get them: Jekyll post, feeds, HTML, plain text, the site's data. Values in, documents out."""

from digest.render.email import RenderedEmail, filter_issue_by_topics, render_email
from digest.render.feeds import render_feeds
from digest.render.fragment import render_html_fragment, render_plain_text
from digest.render.pages import list_picture_paths, render_site_config, render_site_files
from digest.render.post import post_path, render_post_pages
from digest.render.templating import TemplateOverrides, compile_template, load_template_source
from digest.render.words import Translations, load_translations

__all__ = [
    "RenderedEmail",
    "TemplateOverrides",
    "Translations",
    "compile_template",
    "filter_issue_by_topics",
    "list_picture_paths",
    "load_template_source",
    "load_translations",
    "post_path",
    "render_email",
    "render_feeds",
    "render_html_fragment",
    "render_plain_text",
    "render_post_pages",
    "render_site_config",
    "render_site_files",
]
