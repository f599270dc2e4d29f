"""The documents of a bucket: IAM policies, its own policy, CORS and lifecycle rules. Values in, values out."""
