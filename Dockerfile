# One newsletter: the program, Jekyll, and the daemon. The workspace is a volume.
#   docker build -t digest . && docker run -v "$PWD/my-newsletter:/workspace" digest init /workspace
#   docker run -d --restart unless-stopped -v "$PWD/my-newsletter:/workspace" --env-file .env digest
FROM python:3.13-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends jekyll ruby-jekyll-seo-tag ruby-jekyll-sitemap libfribidi0 \
    && rm -rf /var/lib/apt/lists/*
COPY pyproject.toml README.md LICENSE NOTICE sources.yaml /src/
COPY digest /src/digest
COPY templates /src/templates
COPY site /src/site
COPY .ci/constraints.txt /src/.ci/constraints.txt
RUN pip install --no-cache-dir -c /src/.ci/constraints.txt "/src[dkim]" && rm -rf /src \
    && useradd --create-home digest && mkdir /workspace && chown digest /workspace
USER digest
WORKDIR /workspace
ENV DIGEST_WORKSPACE=/workspace
VOLUME /workspace
ENTRYPOINT ["digest"]
CMD ["schedule"]
