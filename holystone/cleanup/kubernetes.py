"""Images in use in clusters are not read yet; where somebody clearly relies on that, the run stops."""

from collections.abc import Mapping
from pathlib import Path

from holystone.engine.errors import Refused
from holystone.settings.values import KubernetesSettings


def check_clusters(settings: KubernetesSettings, environ: Mapping[str, str], home: Path) -> tuple[str, ...]:
    """What a person should know. Raises Refused if there is a cluster that should have been asked."""
    if settings.without:
        return ()
    places = {
        "--kube-config": bool(settings.config),
        "--kube-config-base64": settings.config_base64 is not None,
        "--kube-context": bool(settings.context),
        "~/.kube/config": (home / ".kube" / "config").is_file(),
        "the pod's own cluster": bool(environ.get("KUBERNETES_SERVICE_HOST")),
    }
    found = [place for place, is_there in places.items() if is_there]
    if found:
        raise Refused(
            f"There is a Kubernetes cluster to ask for images in use ({', '.join(found)}), "
            "and this version cannot ask it.",
            not_deleted="Nothing was deleted.",
            what_to_do="If the keep policies alone protect everything that runs, say --without-kube.",
        )
    return ("no Kubernetes configuration was found, so no image is protected for being in use",)
