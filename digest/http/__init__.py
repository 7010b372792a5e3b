"""HTTP client with rate limits, retries and checks of every dialled address."""
