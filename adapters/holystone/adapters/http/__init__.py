"""What every adapter speaks HTTP with: authorised, retried, capped, and never leaking a credential.

Use: `transport.RegistryHttp` (requests), `authorizer` (who answers 401), `paging.pages` (listings by Link header),
`errors.summary` (error bodies), `verify.verify` (digests), `authorization.secret_json` (bodies with secrets).
"""
