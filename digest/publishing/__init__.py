"""Issues as readers get them: Jekyll post, feeds, HTML, plain text, the site's data. Values in, documents out."""

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
