"""What docs/registries.md says of the default implementation."""

from typing import Final

import msgspec

from holystone.adapters.registries.default.servers import UNKNOWN
from holystone.adapters.registries.profile import Profile
from holystone.engine.model.capabilities import ListingFacts

PROFILE: Final = Profile(
    hosts="every host that no other implementation claims by name, and that says nothing better when asked",
    can=msgspec.structs.replace(UNKNOWN, listing=ListingFacts(page=1000)),
    catalog="GET /v2/_catalog, where the registry has it: all to a token with registry:catalog:*, which most "
    "token servers give to administrators only; where there are no tokens, what whoever logs in may see, "
    "so that an empty list is refused",
    listing="GET /v2/NAME/tags/list",
    shows="nothing: each tag is looked up by HEAD",
    deletion="DELETE /v2/NAME/manifests/TAG where the server has it, by digest otherwise; tombstones where a digest "
    "delete is slow or would take sibling tags. The last tag of a manifest that stays goes only where the server was "
    "shown to leave the manifest (distribution 2.8 and 3) or to hold what is pushed by its digest (Gitea, Forgejo)",
    credentials="Docker's configuration: password, identity token, credential helper; the right to delete, and to "
    "push for tombstones",
    restore="the journaled manifest is pushed again until the registry's garbage collection has run",
    limits="none published; 429 and Retry-After are honoured",
    rules="deletion switched off or read-only mode: asked before planning",
)
