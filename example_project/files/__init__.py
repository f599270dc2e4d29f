"""The files of a company: browse, preview, upload, move, delete and share them."""
