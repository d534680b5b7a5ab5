"""A kubeconfig, and what several of one text mean together."""

from pathlib import Path

from holystone.adapters.kubernetes.api import base_url
from holystone.adapters.kubernetes.kubeconfig import merged, parse_config
from holystone.adapters.kubernetes.tls import authority, certificate_of
from holystone.engine.errors import HolystoneError

SEEDS = (
    b"""apiVersion: v1
kind: Config
current-context: one
clusters:
- name: c
  cluster: {server: "https://127.0.0.1:6443", certificate-authority-data: LS0t, proxy-url: "http://p:1"}
users:
- name: u
  user: {token: t, client-certificate-data: YQ==, client-key-data: YQ==, exec: {command: ./x, args: [a]}}
contexts:
- name: one
  context: {cluster: c, user: u, namespace: n}
""",
    b'{"clusters":[{"name":"c","cluster":{"server":"a:b@c"}}],"users":[{"name":"u","user":{"auth-provider":{"name":"oidc"}}}],'
    b'"contexts":[{"name":"x","context":{}}]}',
    b"clusters: &a [&b {name: x, cluster: {<<: {server: s}}}]\nusers: ~\n---\n",
)


def parse(data: bytes) -> None:
    try:
        config = parse_config(data, "config", Path("/folder"))
    except HolystoneError as error:
        str(error)
        return
    merged([config, config])
    for cluster in config.clusters.values():
        try:
            base_url(cluster)
            authority(cluster)
        except HolystoneError as error:
            str(error)
    for user in config.users.values():
        try:
            certificate_of(user)
        except HolystoneError as error:
            str(error)
