"""Publishing: approve issues, render them, and write them to the site."""
