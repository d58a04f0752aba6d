"""The page that tells of a night: small frames in, HTML and SVG text out."""
