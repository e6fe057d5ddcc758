"""The weekly digest: `reading` gathers it, `text` says it, `weekly` sends it once a week."""
