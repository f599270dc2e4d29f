"""Requests that the twin refuses, with the code, the status and the message of S3. AWS: "Error responses"."""

from __future__ import annotations

CODES = {
    "AccessDenied": (403, "Access Denied."),
    "AccessForbidden": (403, "CORSResponse: This CORS request is not allowed."),
    "AuthorizationQueryParametersError": (400, "The query parameters of the signature are not complete or not valid."),
    "BadDigest": (400, "The checksum that you specified did not match what was received."),
    "EntityTooLarge": (400, "Your proposed upload exceeds the maximum allowed size."),
    "EntityTooSmall": (400, "Your proposed upload is smaller than the minimum allowed size."),
    "IncompleteBody": (400, "The body is shorter than the Content-Length header says."),
    "InvalidAccessKeyId": (403, "The AWS access key Id that you provided does not exist in our records."),
    "InvalidArgument": (400, "Invalid Argument."),
    "InvalidDigest": (400, "The Content-MD5 or checksum value that you specified is not valid."),
    "InvalidPart": (400, "One or more of the specified parts could not be found, or its ETag does not match."),
    "InvalidPartOrder": (400, "The list of parts was not in ascending order."),
    "InvalidPolicyDocument": (400, "The content of the form does not meet the conditions of a policy document."),
    "InvalidRange": (416, "The requested range cannot be satisfied."),
    "InvalidRequest": (400, "Invalid Request."),
    "KeyTooLongError": (400, "Your key is too long."),
    "MalformedPOSTRequest": (400, "The body of your POST request is not well-formed multipart/form-data."),
    "MalformedXML": (400, "An upload is completed with at least one part."),
    "MaxPostPreDataLengthExceeded": (400, "The fields before the file are too large."),
    "MethodNotAllowed": (405, "The specified method is not allowed against this resource."),
    "MissingContentLength": (411, "You must provide the Content-Length HTTP header."),
    "NoSuchBucket": (404, "The specified bucket does not exist."),
    "NoSuchKey": (404, "The specified key does not exist."),
    "NoSuchUpload": (404, "The specified multipart upload does not exist. It may have been aborted or completed."),
    "PreconditionFailed": (412, "At least one of the pre-conditions you specified did not hold."),
    "RequestTimeTooSkewed": (403, "The difference between the request time and the current time is too large."),
    "SignatureDoesNotMatch": (403, "The signature that we calculated does not match the signature you provided."),
}
"""The status and the message of each code."""


class Refusal(Exception):  # noqa: N818 (an answer of S3, not a failure of ours)
    """A request that S3 would refuse. `message` replaces S3's usual one."""

    def __init__(self, code: str, message: str = "") -> None:
        self.code = code
        self.status, usual = CODES[code]
        self.message = message or usual
        super().__init__(f"{code}: {self.message}")
