"""What an examination can find, in words: docs/reference/doctor.rst is generated from this catalogue."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

ERROR = "error"
"""A feature that the storage uses fails."""

WARNING = "warning"
"""It costs money, makes files public, or fails later."""

NOTE = "note"
"""Good to know. Nothing has to be done."""

_PAGE = "reference/doctor.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that an examination found.

    `id` is its name in the reference, `level` is `error`, `warning` or `note`. `seen` is what the server or this
    machine said, `meaning` why it matters, `action` what to do. `fixable` says whether `s3 doctor --fix` can do it.
    """

    id: str
    level: str
    title: str
    meaning: str
    action: str
    seen: str = ""
    fixable: bool = False

    @property
    def docs(self) -> str:
        """The place in the documentation that explains it: a page and an anchor."""
        return f"{_PAGE}#doctor-{self.id}"

    def json(self) -> dict[str, Any]:
        """Return the finding as JSON has it."""
        return {
            "id": self.id,
            "level": self.level,
            "title": self.title,
            "seen": self.seen,
            "meaning": self.meaning,
            "action": self.action,
            "fixable": self.fixable,
            "docs": self.docs,
        }


def finding(id: str, seen: str, *, level: str | None = None, **words: str) -> Finding:  # noqa: A002 (as the attribute)
    """Return the finding of the catalogue with what was seen, and with the words in the place of their names."""
    found = CATALOGUE[id]
    texts = {name: getattr(found, name).format_map(_Words(words)) for name in ("title", "meaning", "action")}
    return replace(found, **texts, seen=seen, level=level or found.level)


class _Words(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "…"


def _is(id: str, level: str, title: str, meaning: str, action: str, *, fixable: bool = False) -> Finding:  # noqa: A002
    return Finding(id=id, level=level, title=title, meaning=meaning, action=action, fixable=fixable)


_PRINT_IAM = "Print the least policy with `manage.py s3 setup --print-iam`."

GROUPS: tuple[tuple[str, tuple[Finding, ...]], ...] = (
    (
        "The storage",
        (
            _is(
                "settings-invalid",
                ERROR,
                "The storage cannot be used",
                "Django cannot create the storage {alias}, or its options are not possible.",
                "Correct what the message names. `manage.py check` reports all such errors at once.",
            ),
            _is(
                "twin",
                NOTE,
                "The storage is the development twin",
                "FakeS3Storage keeps its files in a directory. It has no bucket to examine.",
                "Run the command with the settings of production.",
            ),
            _is(
                "endpoint-invalid",
                ERROR,
                "The endpoint is not a URL",
                "The endpoint needs a scheme, a host that can be one, and a port up to 65535: {endpoint}.",
                "Write http://{host} or https://{host} in AWS_ENDPOINT_URL, in the profile, or in endpoint_url.",
            ),
            _is(
                "region-invalid",
                ERROR,
                "The region is not a name of a region",
                "No host can have the region {region} in its name, so boto3 sends no request.",
                "Write the region of the bucket, such as eu-central-1, in AWS_DEFAULT_REGION, in the profile, or in "
                "region_name.",
            ),
            _is(
                "bucket-in-endpoint",
                ERROR,
                "The endpoint contains the bucket in its path",
                "The client adds the bucket to the endpoint. With the bucket in {endpoint}, files are saved under keys "
                "that start with {bucket}/, and listings fail.",
                "Remove /{bucket} from the endpoint. Files that were saved before have keys below {bucket}/ in "
                "the bucket.",
            ),
            _is(
                "bucket-in-host",
                ERROR,
                "The endpoint contains the bucket in its host",
                "The client adds the bucket to the host of the endpoint, or to its path. The host is {host}.",
                "Write the endpoint without the bucket: {endpoint}.",
            ),
            _is(
                "bucket-with-dots",
                WARNING,
                "The name of the bucket contains dots",
                "Certificates for https cover one label before the host of the server. Requests for {bucket} therefore "
                "have the bucket in the path, and servers that support only the virtual style refuse them.",
                'Set addressing_style="path", or use a bucket without dots in its name.',
            ),
        ),
    ),
    (
        "Credentials",
        (
            _is(
                "no-credentials",
                ERROR,
                "There are no credentials",
                "Neither the options nor botocore's credential chain has credentials. These were asked: {links}.",
                "Set AWS_S3_ACCESS_KEY_ID and AWS_S3_SECRET_ACCESS_KEY, or session_profile, or run where a "
                "role provides "
                "credentials. For a public bucket, set anonymous=True.",
            ),
            _is(
                "half-credentials",
                ERROR,
                "A part of the credentials is missing",
                "An access key id and a secret access key belong together. One of them is set without the other.",
                "Set both in the same place, or neither.",
            ),
            _is(
                "profile-missing",
                ERROR,
                "The profile does not exist",
                "The configuration files of AWS do not contain the profile. They contain: {profiles}.",
                "Correct session_profile or AWS_PROFILE, or set AWS_CONFIG_FILE to the file that contains the profile.",
            ),
            _is(
                "credentials-failed",
                ERROR,
                "The credentials could not be read",
                "A link of the credential chain failed. The message names the reason.",
                "Correct the configuration of the profile, or the program that provides the credentials.",
            ),
            _is(
                "token-missing",
                ERROR,
                "The temporary credentials have no session token",
                "The access key id starts with ASIA. Such keys are valid only together with their session token.",
                "Set security_token (AWS_SESSION_TOKEN) in the same place as the keys.",
            ),
            _is(
                "key-unknown",
                ERROR,
                "The server does not know the access key",
                "The access key was deleted or deactivated, or it belongs to another provider or region than "
                "{endpoint}.",
                "Set the access key and the secret key that were issued for this endpoint.",
            ),
            _is(
                "secret-wrong",
                ERROR,
                "The secret key does not belong to the access key",
                "The server computes a different signature for the requests. The secret key has {length} characters.",
                "Copy the secret key again, without spaces and line breaks. Keys of AWS have 40 characters.",
            ),
            _is(
                "session-expired",
                ERROR,
                "The session has expired",
                "The temporary credentials are not valid any more.",
                "Start a new session (aws sso login), or use a role, whose credentials are renewed automatically.",
            ),
            _is(
                "token-refused",
                ERROR,
                "The server refuses the session token",
                "The session token does not belong to the access key.",
                "Set the token of the same session, or remove AWS_SESSION_TOKEN for permanent keys.",
            ),
            _is(
                "sso-expired",
                ERROR,
                "The SSO session has expired",
                "The profile {profile} takes its credentials from an SSO session that has ended, or was never started.",
                "Run aws sso login --profile {profile}.",
            ),
            _is(
                "metadata-silent",
                ERROR,
                "The instance metadata service does not respond",
                "The service accepts connections at {address}, but sends no token. In a container on EC2, the response "
                "is lost if the hop limit of the instance is 1.",
                "Run aws ec2 modify-instance-metadata-options --http-put-response-hop-limit 2 --instance-id …, or give "
                "the container a role of its own.",
            ),
            _is(
                "role-refused",
                ERROR,
                "The role cannot be assumed",
                "STS refuses to give credentials for the role of the profile, or does not accept the web identity.",
                "Correct the trust policy of the role: it must name the caller, or the identity provider. "
                "Check role_arn.",
            ),
            _is(
                "credentials-end",
                WARNING,
                "The credentials expire soon",
                "They expire in {minutes} minutes. Signed URLs expire with them.",
                "Use a role, whose credentials are renewed automatically, or longer sessions.",
            ),
            _is(
                "root-user",
                WARNING,
                "The credentials belong to the root user of the account",
                "Whoever gets these keys controls the whole account, and no policy can limit them.",
                "Create a user or a role for the project, and delete the keys of the root user. " + _PRINT_IAM,
            ),
        ),
    ),
    (
        "Server and network",
        (
            _is(
                "host-unknown",
                ERROR,
                "The host of the endpoint does not exist",
                "DNS has no address for {host}.",
                "Correct endpoint_url or region_name, or the DNS configuration of this machine.",
            ),
            _is(
                "not-reachable",
                ERROR,
                "The server cannot be reached",
                "{host} has an address, but no connection is possible: {step}.",
                "Check that the server runs, the port in endpoint_url, and the firewalls in between.",
            ),
            _is(
                "no-response",
                ERROR,
                "The server does not respond",
                "The connection to {host} is possible, but no response arrives, or it breaks.",
                "Check that the port in endpoint_url belongs to an S3 server, and the proxies in between.",
            ),
            _is(
                "scheme-wrong",
                ERROR,
                "The endpoint uses the other scheme",
                "endpoint_url starts with {scheme}://, and the server does not expect it at this port.",
                "Write endpoint_url={wanted}.",
            ),
            _is(
                "certificate",
                ERROR,
                "The certificate of the server is not trusted",
                "The certificate was issued by an authority that this machine does not know, has expired, or "
                "belongs to "
                "another host. A proxy that inspects TLS has the same effect.",
                'For a private authority, set verify="/path/ca.pem" (AWS_S3_VERIFY) or AWS_CA_BUNDLE. '
                "Otherwise renew or "
                "correct the certificate of the server.",
            ),
            _is(
                "proxy",
                ERROR,
                "A proxy responds instead of the server",
                "Requests go through a proxy, because of {variables}. It does not connect to the server.",
                "Correct the proxy, or set NO_PROXY={host} to connect directly.",
            ),
            _is(
                "not-s3",
                ERROR,
                "The server at the endpoint is not S3",
                "{endpoint} does not respond as S3 does. Websites, consoles and CDNs have other hosts than the S3 API.",
                "Set endpoint_url to the endpoint of the S3 API of your provider.",
            ),
            _is(
                "style-wrong",
                ERROR,
                "The server needs the other addressing style",
                "Requests with the bucket in the {style} fail, and those with the bucket in the {other} succeed.",
                'Set addressing_style="{wanted}".',
            ),
            _is(
                "clock-wrong",
                ERROR,
                "The clock of this machine is wrong",
                "It differs from the clock of the server by {seconds} seconds: it is {direction}. S3 allows "
                "900 seconds, "
                "and refuses all other requests.",
                "Synchronise the clock: timedatectl set-ntp true.",
            ),
            _is(
                "clock-differs",
                WARNING,
                "The clock of this machine is not exact",
                "It differs from the clock of the server by {seconds} seconds: it is {direction}. Signed URLs start or "
                "expire at the wrong time.",
                "Synchronise the clock: timedatectl set-ntp true.",
            ),
            _is(
                "region-wrong",
                ERROR,
                "The bucket is in another region",
                "The bucket is in {region}, and requests are signed for {configured}. boto3 follows the redirect, but "
                "signed URLs do not work.",
                'Set region_name="{region}" (AWS_S3_REGION_NAME).',
            ),
            _is(
                "redirected",
                ERROR,
                "The server redirects requests",
                "A new bucket is known only in its own region for up to an hour. Browsers do not follow redirects of "
                "uploads.",
                "Set region_name to the region of the bucket, or wait an hour.",
            ),
            _is(
                "requests-changed",
                ERROR,
                "Something changes requests on their way to the server",
                "The signature of a listing is accepted, and that of another request is not. A proxy or a CDN rewrites "
                "signed headers, or the + and %20 in paths.",
                "Bypass the proxy or CDN for the API, or let it pass Host, the path and all headers unchanged.",
            ),
            _is(
                "unexpected",
                ERROR,
                "The server refuses a request for another reason",
                "This request failed: {request}.",
                "Look up the code of the response in the documentation of the provider.",
            ),
        ),
    ),
    (
        "Bucket",
        (
            _is(
                "bucket-missing",
                ERROR,
                "The bucket does not exist",
                "{endpoint} has no bucket {bucket} for these credentials ({account}).",
                "Correct bucket_name, the endpoint or the region, or create the bucket with `manage.py s3 setup`.",
                fixable=True,
            ),
            _is(
                "bucket-of-others",
                ERROR,
                "The bucket belongs to another account",
                "All requests for {bucket} are refused, and it is not in the list of the account's own "
                "buckets. The names "
                "of buckets are shared by all accounts.",
                "Choose another name for the bucket, or the credentials of the account that owns it.",
            ),
            _is(
                "owner-differs",
                ERROR,
                "The bucket has another owner than expected",
                "The server refuses requests with expected_bucket_owner={owner}, and accepts them without it.",
                "Correct expected_bucket_owner, or bucket_name: the bucket may be of somebody else.",
            ),
        ),
    ),
    (
        "Permissions",
        (
            _is(
                "list-denied",
                ERROR,
                "The credentials may not list the bucket",
                "listdir, exists and collectstatic need s3:ListBucket. It belongs to the bucket itself, "
                "arn:aws:s3:::{bucket}; on arn:aws:s3:::{bucket}/* it has no effect.",
                "Allow s3:ListBucket on the bucket. " + _PRINT_IAM,
            ),
            _is(
                "missing-hidden",
                WARNING,
                "The server does not say that a file is missing",
                "Without s3:ListBucket, or if the permission has a condition, S3 returns 403 for files that do "
                "not exist. "
                "exists() then raises PermissionError.",
                "Allow s3:ListBucket on the bucket without a condition on s3:prefix. " + _PRINT_IAM,
            ),
            _is(
                "read-denied",
                ERROR,
                "The credentials may not read files",
                "open() and signed URLs need s3:GetObject on {resource}.",
                "Allow s3:GetObject on {resource}. " + _PRINT_IAM,
            ),
            _is(
                "write-denied",
                ERROR,
                "The credentials may not save files",
                "save() needs s3:PutObject on {resource}.",
                "Allow s3:PutObject on {resource}. " + _PRINT_IAM,
            ),
            _is(
                "delete-denied",
                ERROR,
                "The credentials may not delete files",
                "delete() needs s3:DeleteObject on {resource}. The object of this examination is left in the bucket.",
                "Allow s3:DeleteObject on {resource}, and delete the object {key} by hand. " + _PRINT_IAM,
            ),
            _is(
                "multipart-denied",
                ERROR,
                "Large files cannot be saved",
                "Files above multipart_threshold are sent in parts, and the server refuses to start such an upload.",
                "Allow s3:PutObject on {resource}, and check whether the server supports multipart uploads. "
                + _PRINT_IAM,
            ),
            _is(
                "abort-denied",
                ERROR,
                "The credentials may not abort uploads in parts",
                "The parts of failed uploads stay in the bucket and cost money. So do those of this examination: the "
                "upload of {key} is not aborted.",
                "Allow s3:AbortMultipartUpload on {resource}. " + _PRINT_IAM,
            ),
            _is(
                "explicit-deny",
                ERROR,
                "A policy denies the request explicitly",
                "The request is denied by {policy}. An explicit deny wins over every Allow.",
                "Change the statement that denies the request. Another Allow has no effect.",
            ),
            _is(
                "policy-demands",
                ERROR,
                "The bucket policy demands a header",
                "The server refuses to save a file, and accepts it with {header}.",
                'Set object_parameters={{"ServerSideEncryption": "{value}"}}.',
            ),
            _is(
                "parameter-denied",
                ERROR,
                "A parameter needs a permission of its own",
                "The server refuses to save a file with {parameter}, and accepts it without.",
                "Allow {permission} on {resource}, or remove {option}. " + _PRINT_IAM,
            ),
            _is(
                "acl-not-supported",
                ERROR,
                "The bucket does not allow ACLs",
                "Buckets created since April 2023 refuse every ACL, unless their Object Ownership is changed.",
                "Remove default_acl (AWS_DEFAULT_ACL). For public files, use a bucket policy: "
                "`manage.py s3 setup --public-prefix {location}/`.",
            ),
            _is(
                "public-acl-blocked",
                ERROR,
                "Block Public Access refuses public ACLs",
                "The server refuses to save a file with the ACL {acl}, and accepts it without.",
                "Remove default_acl (AWS_DEFAULT_ACL). For public files, use a bucket policy: "
                "`manage.py s3 setup --public-prefix {location}/`.",
            ),
            _is(
                "kms-denied",
                ERROR,
                "The credentials may not use the KMS key",
                "Files of this bucket are encrypted with a key of KMS. Saving needs kms:GenerateDataKey, reading needs "
                "kms:Decrypt, and uploads in parts need both.",
                "Allow the action that the message names in the IAM policy and in the policy of the key. " + _PRINT_IAM,
            ),
            _is(
                "kms-key",
                ERROR,
                "The KMS key cannot be used",
                "The key is disabled, is being deleted, or is not in the region of the bucket.",
                "Enable the key, or set SSEKMSKeyId in object_parameters to a key of the same region.",
            ),
        ),
    ),
    (
        "Files",
        (
            _is(
                "content-differs",
                ERROR,
                "The server does not return what was saved",
                "A file that was just saved comes back changed: {difference}.",
                "Do not keep files on this server, or between this machine and it, until the cause is known.",
            ),
            _is(
                "headers-lost",
                WARNING,
                "The server does not keep all headers",
                "A file that was just saved comes back without {headers}. Browsers may show or cache it differently.",
                "Use another server, or set the headers in the proxy that serves the files.",
            ),
            _is(
                "aws-chunked",
                ERROR,
                "Files are stored with the encoding aws-chunked",
                "The server stores an encoding that belongs only to the transfer. Browsers cannot read such files.",
                'Set checksums="when_required" (AWS_S3_CHECKSUMS), and save the files again.',
            ),
            _is(
                "checksums-refused",
                ERROR,
                "The server does not support the checksums of boto3",
                "The server refuses to save a file, and accepts it without boto3's own checksums.",
                'Set checksums="when_required" (AWS_S3_CHECKSUMS), or provider to the name of the provider.',
            ),
            _is(
                "conditions-ignored",
                ERROR,
                "The server ignores conditional writes",
                "The server replaces a file although the request forbids it with If-None-Match. Two "
                "simultaneous saves of "
                "one name lose a file.",
                "Set conditional_writes=False (AWS_S3_CONDITIONAL_WRITES), or provider. Then save() checks the "
                "name first.",
            ),
            _is(
                "conditions-refused",
                ERROR,
                "The server does not support conditional writes",
                "The server refuses requests with If-None-Match, with which save() protects existing files.",
                "Set conditional_writes=False (AWS_S3_CONDITIONAL_WRITES), or provider. Then save() checks the "
                "name first.",
            ),
            _is(
                "parts-left",
                WARNING,
                "Unfinished uploads are left in the bucket",
                "{count} uploads in parts were started before {since} and never finished. Their parts are not visible, "
                "and cost money.",
                "Delete them with `manage.py s3 multipart --abort --older-than 1d`. A lifecycle rule deletes "
                "later ones.",
                fixable=True,
            ),
            _is(
                "probe-left",
                WARNING,
                "An object of this examination is left in the bucket",
                "The object {key} could not be deleted.",
                "Delete {key} by hand.",
            ),
            _is(
                "archived",
                WARNING,
                "Files are archived",
                "Objects of the storage class {storage_class} cannot be read before they are restored.",
                "Restore the files that the site needs: s3 restore --archived. "
                "Or change the lifecycle rule that archives them.",
            ),
            _is(
                "requester-pays",
                ERROR,
                "The bucket bills the requester",
                "The server refuses requests that do not agree to pay for themselves.",
                'Set object_parameters={{"RequestPayer": "requester"}}. Signed URLs for visitors do not work.',
            ),
            _is(
                "customer-key",
                WARNING,
                "Files are encrypted with a key of your own",
                "Every reader must send the key (SSE-C). Browsers cannot open URLs of such files.",
                "For files that browsers open, remove SSECustomerKey from object_parameters.",
            ),
        ),
    ),
    (
        "URLs and browsers",
        (
            _is(
                "signed-url-refused",
                ERROR,
                "The server refuses signed URLs",
                "A signed URL of a file that can be read by boto3 is refused.",
                "Check region_name and addressing_style, and the proxies that visitors go through.",
            ),
            _is(
                "public-read",
                WARNING,
                "Everybody can read the files",
                "The storage signs its URLs, but the server also returns the file for an unsigned URL: {url}.",
                "Remove the public statement from the bucket policy, or the public ACL. If the files are meant to be "
                "public, set querystring_auth=False.",
                fixable=True,
            ),
            _is(
                "public-list",
                WARNING,
                "Everybody can list the bucket",
                "The server returns the names of all files without credentials.",
                "Remove s3:ListBucket for everybody from the bucket policy, or the ACL of the bucket.",
            ),
            _is(
                "not-public",
                ERROR,
                "Visitors cannot read the files",
                "The storage returns unsigned URLs (querystring_auth=False), and the server refuses them: {url}.",
                "Make the prefix public with `manage.py s3 setup --public-prefix {location}/`, serve the "
                "bucket through "
                "CloudFront, or remove querystring_auth.",
                fixable=True,
            ),
            _is(
                "account-block",
                WARNING,
                "Block Public Access is on for the whole account",
                "A policy that makes files public is refused, whatever the bucket itself allows.",
                "Serve public files through CloudFront with Origin Access Control: "
                "`manage.py s3 setup --print-cloudfront`.",
            ),
            _is(
                "origin-unknown",
                NOTE,
                "The origin of the site is not known",
                "ALLOWED_HOSTS and CSRF_TRUSTED_ORIGINS name no host without a wildcard, so uploads by "
                "browsers were not "
                "examined.",
                "Give --origin https://www.example.com.",
            ),
            _is(
                "cors-missing",
                WARNING,
                "Browsers may not upload files from the site",
                "The bucket has no CORS rule that allows PUT and POST from {origin}. Browsers refuse direct uploads.",
                "Add the rule with `manage.py s3 setup --cors-origin {origin}`.",
                fixable=True,
            ),
            _is(
                "etag-hidden",
                NOTE,
                "Browsers cannot read the ETag of an upload",
                "The CORS rule does not expose the header ETag. The upload field of s3store does not need it. Other "
                "scripts that send files in parts, such as Uppy, cannot finish.",
                "For such scripts, add ExposeHeaders: ETag to the rule. `manage.py s3 setup --cors-origin {origin}` "
                "adds a rule that has it.",
            ),
            _is(
                "upload-refused",
                ERROR,
                "The server refuses uploads by browsers",
                "A presigned {method} is refused, although the credentials may save files.",
                'Check whether the server supports it. For servers without forms, set upload_method="put".',
            ),
            _is(
                "vary-missing",
                WARNING,
                "The CDN caches responses for the wrong origin",
                "{host} returns the Access-Control-Allow-Origin of one site to another. The cache does not "
                "distinguish origins.",
                "Let the CDN forward the header Origin, and use it in its cache key.",
            ),
            _is(
                "domain-unreachable",
                ERROR,
                "The host of file URLs cannot be reached",
                "URLs of files have the host {host}, and this machine cannot reach it.",
                "Correct {option}, or the DNS entry of the host. If only browsers can reach it, ignore this finding.",
            ),
            _is(
                "domain-unsigned",
                ERROR,
                "The custom domain refuses signed URLs",
                "A URL that is signed for S3 works at the endpoint, and not at {host}. CDNs and most providers do not "
                "accept the signatures of S3 at custom domains.",
                "Remove custom_domain for signed URLs, or set cloudfront_key_id and cloudfront_key to sign for "
                "CloudFront.",
            ),
            _is(
                "domain-refused",
                ERROR,
                "The host of file URLs does not serve the files",
                "URLs of files have the host {host}, and it does not return a file that is in the bucket.",
                "Check {option}, the path that the host adds to keys, and its access to the bucket.",
            ),
            _is(
                "cloudfront-key",
                ERROR,
                "CloudFront refuses the signature",
                "CloudFront does not accept the signed URL: {why}.",
                "Set cloudfront_key_id to the id of the public key in a trusted key group of the distribution, and "
                "cloudfront_key to its private key.",
            ),
            _is(
                "cloudfront-origin",
                ERROR,
                "CloudFront may not read the bucket",
                "CloudFront accepts the URL, and S3 refuses the request of CloudFront.",
                "Add the policy that `manage.py s3 setup --print-cloudfront` prints. With KMS, allow kms:Decrypt for "
                "CloudFront in the policy of the key.",
            ),
            _is(
                "cloudfront-open",
                WARNING,
                "CloudFront serves the files without a signature",
                "The storage signs URLs for CloudFront, but the distribution also returns the file for the "
                "unsigned URL.",
                "Restrict viewer access in the behaviour of the distribution to a trusted key group.",
            ),
        ),
    ),
    (
        "Settings of the bucket",
        (
            _is(
                "cannot-tell",
                NOTE,
                "Some settings of the bucket may not be read",
                "The credentials may not read: {names}. The site does not need these permissions.",
                "To examine the settings too, run the command with the credentials of an administrator.",
            ),
            _is(
                "setting-missing",
                NOTE,
                "The server does not have some settings of S3",
                "The server does not have, or does not answer about: {names}. s3store never writes them there.",
                "Protect the bucket by other means of this server: {safe}.",
            ),
            _is(
                "public-block-off",
                WARNING,
                "Block Public Access is not on",
                "A wrong ACL or bucket policy can make files public: {names} is off.",
                "Switch it on with `manage.py s3 setup`. On servers other than AWS, examine the bucket again "
                "afterwards.",
                fixable=True,
            ),
            _is(
                "public-block-refuses",
                ERROR,
                "Block Public Access refuses every file",
                "BlockPublicAcls is on, and the server refuses to save any file, with or without an ACL. Ceph "
                "RGW 16 does so.",
                "Switch BlockPublicAcls off on this server, or use a newer version of it.",
            ),
            _is(
                "acls-enabled",
                NOTE,
                "The bucket allows ACLs",
                "Its Object Ownership is {ownership}. ACLs can make single files public, unnoticed by the "
                "bucket policy.",
                "If no file needs an ACL, change it with `manage.py s3 setup --enforce-owner`.",
            ),
            _is(
                "policy-public",
                WARNING,
                "The bucket policy makes files public",
                "The policy allows everybody {actions}, and the storage signs its URLs.",
                "Remove the statement, or limit it to the prefix of public files.",
            ),
            _is(
                "no-abort-rule",
                NOTE,
                "No lifecycle rule deletes the parts of unfinished uploads",
                "The parts of uploads that were interrupted stay in the bucket, and cost money.",
                "Add the rule with `manage.py s3 setup`.",
                fixable=True,
            ),
            _is(
                "versions-kept",
                WARNING,
                "Old versions of files are never deleted",
                "The bucket keeps all versions, and no lifecycle rule deletes them. Deleted and replaced files "
                "still cost "
                "money.",
                "Add a lifecycle rule with NoncurrentVersionExpiration: `manage.py s3 setup --versioning`.",
                fixable=True,
            ),
            _is(
                "versioning-suspended",
                NOTE,
                "Versioning is suspended",
                "New versions are not kept. Those from before still exist, and cost money.",
                "Enable versioning again, or delete the old versions with a lifecycle rule.",
            ),
            _is(
                "object-lock",
                NOTE,
                "Object Lock is on",
                "Versions cannot be deleted before their retention ends. delete() only hides the files.",
                "Keep it if the files must be kept. Otherwise use a bucket without Object Lock.",
            ),
            _is(
                "encryption-off",
                NOTE,
                "The bucket has no default encryption",
                "Files are stored as the server does by default.",
                "Switch encryption on with `manage.py s3 setup`.",
                fixable=True,
            ),
            _is(
                "lifecycle-expires",
                WARNING,
                "A lifecycle rule deletes files of the storage",
                "The rule {rule} deletes objects below {prefix} {when}. Rows in the database then refer to missing "
                "files.",
                "Change the prefix of the rule if the files must stay.",
            ),
        ),
    ),
)
"""The findings, by subject. Words in braces are those of the examination."""

CATALOGUE = {found.id: found for _, findings in GROUPS for found in findings}
"""The findings by their ids."""
