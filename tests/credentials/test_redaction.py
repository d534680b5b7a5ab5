"""A secret is taken out of text in every form in which a server, a page or a log may repeat it."""

import base64
import html
import json
import quopri
import time
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest

from holystone.adapters.credentials import redaction
from holystone.adapters.credentials.redaction import LONGEST, redacted, remember, without_userinfo
from holystone.adapters.credentials.secret import MaybeSecret, Secret
from holystone.adapters.http.authorization import basic
from holystone.adapters.http.reply import address, to_url
from holystone.engine.model.references import Digest, InvalidName

PASSWORD = "p\"s\\s&w<o>r+d/ü=\u00d7 \N{KEY}'end"


def go_json(text: str) -> str:
    """As Go's encoding/json writes it, which has pages in mind."""
    said = json.dumps(text, ensure_ascii=False)[1:-1]
    return said.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def go_page(text: str) -> str:
    """As Go's html/template writes it."""
    for character, entity in (("&", "&amp;"), ("'", "&#39;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&#34;")):
        text = text.replace(character, entity)
    return text.replace("+", "&#43;")


def git_path(text: str) -> str:
    """As git quotes names (core.quotePath)."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"')
    return "".join(c if c.isascii() else "".join(f"\\{byte:03o}" for byte in c.encode()) for c in plain)


FORMS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "JSON": lambda text: json.dumps(text, ensure_ascii=False),
    "JSON in ASCII": json.dumps,
    "Go's JSON": go_json,
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)),
    "Go's JSON in JSON": lambda text: json.dumps(go_json(text)),
    "HTML": html.escape,
    "HTML by Go": go_page,
    "HTML twice": lambda text: html.escape(html.escape(text)),
    "percent": lambda text: quote(text, safe=""),
    "percent in lower case": lambda text: "".join(
        f"%{byte:02x}" if byte > 127 else chr(byte) for byte in text.encode()
    ),
    "percent twice": lambda text: quote(quote(text, safe=""), safe=""),
    "form": quote_plus,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 of URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "percent of base64": lambda text: quote(base64.b64encode(text.encode()).decode(), safe=""),
    "repr": repr,
    "repr of bytes": lambda text: repr(text.encode()),
    "git": git_path,
    "quoted-printable": lambda text: quopri.encodestring(text.encode(), quotetabs=True).decode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_in_every_form(form: str) -> None:
    secret = Secret(PASSWORD)
    said = f"you said {FORMS[form](PASSWORD)} to me"
    shown = redacted(said)
    assert secret
    assert "***" in shown
    assert shown.startswith("you said ")
    assert shown.endswith(" to me")
    assert len(shown) <= len("you said *** to me") + 6, "quotes and padding at most"


def test_longer_secrets_go_before_those_that_are_a_part_of_them() -> None:
    kept = [Secret("hunter2hunter2"), Secret("hunter2hunter2-and-more")]
    assert redacted("hunter2hunter2-and-more, hunter2hunter2") == "***, ***"
    assert kept


@pytest.mark.parametrize(
    ("secret", "text", "shown"),
    [
        ("pw1", "pw1 is too short", "pw1 is too short"),
        ("main", "branch main of domain remains", "branch *** of domain remains"),
        ("cafe", "sha256:0cafe1", "sha256:0cafe1"),
        ("pa&s", 'a "pa&s" b', 'a "***" b'),
        ("long-enough", "xlong-enoughx", "x***x"),
        ("eight&8s", "xeight&amp;8sx", "x***x"),
    ],
)
def test_short_secrets_are_words(secret: str, text: str, shown: str) -> None:
    held = Secret(secret)
    assert redacted(text) == shown
    assert held


@pytest.mark.parametrize(
    "secret",
    [
        "tab\there-too",
        "line\nbreaks-too",
        "back\rand-forth",
        "rock-😀-roll",
        "it's-my-turn",
        "caf\u00e9-au-lait",
        "lone-\udc80-half",
    ],
)
@pytest.mark.parametrize(
    "said",
    [
        str,
        json.dumps,
        lambda text: html.escape(text).replace("&#x27;", "&apos;"),
        lambda text: "".join(c if c in "-abcdefghijklmnopqrstuvwxyz" else f"&#{ord(c)};" for c in text),
        lambda text: base64.b64encode(text.encode(errors="surrogatepass")).decode(),
    ],
)
def test_signs_beyond_the_usual_ones(secret: str, said: Callable[[str], str]) -> None:
    held = Secret(secret)
    assert redacted(said(secret)).strip('"=') == "***"
    assert held


def test_two_signs_are_not_taken_for_one() -> None:
    held = Secret("alpha&omega-centauri")
    assert redacted("alpha&&omega-centauri") == "alpha&&omega-centauri"
    plus = Secret("alpha+omega-centauri")
    assert redacted("alpha&None;omega-centauri") == "alpha&None;omega-centauri"
    assert plus
    assert held


def test_up_to_a_length_other_forms_are_hidden_too() -> None:
    for length, shown in ((LONGEST, "***"), (LONGEST + 1, None)):
        held = Secret("k" * length)
        coded = base64.b64encode(held.reveal().encode()).decode()
        assert redacted(coded).rstrip("=") == (shown or coded.rstrip("="))
        assert redacted(held.reveal()) == "***"


def test_what_is_often_no_secret_may_be_said() -> None:
    region = MaybeSecret("eu-west-1")
    assert region.reveal() == redacted(region.reveal())
    assert "eu-west-1" not in f"{region} {region!r}"


def test_what_was_used_last_is_remembered_among_thousands() -> None:
    password = Secret("the-password-of-all")
    for number in range(3000):
        Secret(f"token-number-{number:06}-of-a-repository")
        password.reveal()
    assert redacted("the-password-of-all") == "***"
    assert redacted("token-number-002999-of-a-repository") == "***"


@pytest.mark.parametrize("user", ["bob", "me", "x"])
@pytest.mark.parametrize("password", ["hunter2-hunter23", "hunter2-hunter234", "pa~~~???>>>pa~~~é"])
def test_a_login_in_base64_of_any_kind(user: str, password: str) -> None:
    login = basic(user, Secret(password))
    pair = f"{user}:{password}".encode()
    for coded in (base64.b64encode(pair).decode(), base64.urlsafe_b64encode(pair).decode()):
        for said in (coded, coded.rstrip("=")):
            assert redacted(f"you sent Basic {said}").rstrip("=") == "you sent Basic ***"
    assert login


@pytest.mark.parametrize("secret", ["Hunter2-HUNTER2", "eyJhbGciOiJSUzI1NiJ9", "Aa1_Bb2.Cc3~"])
def test_what_is_a_host_by_now_has_small_letters(secret: str) -> None:
    """A registry leads us to a host that is called like what it was told."""
    remember(secret)
    assert redacted(address(to_url(f"https://{secret}.example.com/v2/"))) == "***.example.com"
    assert redacted(secret.lower()) == "***"
    remember("Images!")
    assert redacted("images!") == "images!"


def test_what_is_no_base64_has_no_other_letters() -> None:
    for secret, text in (("alpha.+omega", "alpha.-omega"), ("a+b=", "a-b and a+b"), ("=" * 10, "a " + "=" * 9)):
        remember(secret)
        assert redacted(text) == text


def test_a_whole_plan_is_looked_through_quickly() -> None:
    for number in range(300):
        Secret(f"eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.{'x' * 900}.{number:060}")
    text = "".join(f"  stay registry.example.com/shop/app:{number:064x} is in use\n" for number in range(20_000))
    begun = time.process_time()
    assert redacted(text) == text
    assert time.process_time() - begun < 3


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        ("$tart-with-a-sign", "tart-with-a-sign" + "\\" * 8_000),
        ("\\" * 9 + "x", "x" + "\\" * 60),
        (" " * 9 + "x", "x" + " " * 60),
        ("&nd-so-on", "nd-so-on" + "&amp;" * 5_000),
        ("%nd-so-on", "nd-so-on" + "%25" * 5_000),
        ("pass phrase with words", "phrase " + "pass " + " " * 20_000),
    ],
)
def test_text_that_is_made_for_it_takes_no_age(secret: str, text: str) -> None:
    """A token server chooses a secret, its registry an error's text, and nothing else runs meanwhile."""
    held = Secret(secret)
    begun = time.process_time()
    assert redacted(text) == text
    assert time.process_time() - begun < 0.5
    assert held


@pytest.mark.parametrize(
    ("secret", "hidden"), [("&" * 128 + "key", True), ("&" * 129 + "key", False), ("&" + "k" * 200, True)]
)
def test_up_to_a_number_of_signs_unusual_forms_are_hidden_too(secret: str, hidden: bool) -> None:
    held = Secret(secret)
    assert (redacted(secret.replace("&", "&#38;")) == "***") is hidden
    assert redacted(secret) == "***"
    assert held


def test_all_of_a_secret_of_signs_is_hidden_in_the_usual_forms() -> None:
    quotes, halves = Secret('"' * 129 + "key"), Secret("\udc80" * 129 + "key")
    assert redacted(json.dumps('"' * 129 + "key")) == '"***"'
    assert redacted("\udc80" * 129 + "key") == "***"
    assert quotes
    assert halves


def test_nothing_is_left_of_base64_without_padding() -> None:
    held = Secret("the-key-of-W")  # ends in X
    assert redacted(base64.b64encode(b"the-key-of-W").decode()) == "***"
    assert held


@pytest.mark.parametrize("sign", ["&", "+", "\n", "\N{SNOWMAN}"])
def test_a_secret_of_signs_takes_no_age(sign: str) -> None:
    """As a token server may send one; nothing else runs until all its forms are known."""
    token = f"begin{sign * 3800}end"
    held = Secret(token)
    begun = time.process_time()
    assert redacted("404 not found") == "404 not found"
    assert time.process_time() - begun < 1
    for form in ("raw", "JSON", "percent", "HTML", "base64"):
        assert "***" in redacted(FORMS[form](token))
    assert held


def test_a_row_of_one_sign_is_found_in_every_form() -> None:
    for secret in ("a\\\\b!\\\\\\end", "two  blanks and   three"):
        held = Secret(secret)
        for form in FORMS.values():
            shown = redacted(f"<{form(secret)}>").replace("%3D", "")
            assert shown.strip("'\"b=\\<>") == "***"
        assert held


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("fetch https://bosun:s3cret@example.com/x.git failed", "fetch https://…@example.com/x.git failed"),
        ("http://me@[::1]:5000", "http://…@[::1]:5000"),
        ("ssh://git:p@ss@host/x", "ssh://…@host/x"),
        ("docker-pullable://nginx@sha256:00", "docker-pullable://nginx@sha256:00"),
        ("https://example.com/a@sha256:00", "https://example.com/a@sha256:00"),
        ("bosun@example.com", "bosun@example.com"),
    ],
)
def test_no_address_shows_its_user(text: str, shown: str) -> None:
    assert redacted(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://me:sec ret/@bad host/", "http://…@bad host/"),
        ("me:secret@host:port", "…@host:port"),
        ("http://host/ with nothing", "http://host/ with nothing"),
    ],
)
def test_nor_does_what_is_no_address(text: str, shown: str) -> None:
    assert without_userinfo(text) == shown


def test_what_is_used_again_is_not_the_first_to_be_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_KNOWN", {})
    secrets = [f"secret-number-{number:03}-of-many" for number in range(257)]
    for secret in (*secrets[:256], secrets[0], secrets[256]):
        remember(secret)
    shown = [secret for secret in secrets if redacted(secret) == secret]
    assert shown == [secrets[1]]


def test_hundreds_of_secrets_of_one_server_take_no_age(monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry may name another token server at each request, and choose what it says next: an error of eight
    kilobytes took fifty seconds, with nothing else running, and dozens are read at once."""
    monkeypatch.setattr(redaction, "_KNOWN", {})
    tokens = ["\\" * 100 + "%" + "!" * (number % 20 + 1) + "\\" * (number // 20 + 1) for number in range(256)]
    for token in tokens:
        remember(token)
    redacted("all their forms are made")
    begun = time.process_time()
    assert redacted("\\" * 8192) == "\\" * 8192
    assert time.process_time() - begun < 1
    for form in ("raw", "JSON", "base64"):
        assert "***" in redacted(FORMS[form](tokens[0]))


def test_a_short_secret_that_is_not_the_last_is_hidden_where_it_stands_for_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(redaction, "_KNOWN", {})
    for secret in ("main", "a&b!", *(f"secret-number-{number:03}" for number in range(100))):
        remember(secret)
    assert redacted("domain: main, a&amp;b! or a%26b%21") == "domain: ***, *** or ***"


def test_a_beginning_ends_with_no_half_of_a_secret() -> None:
    secret = "even-shillings-and-a-parrot"
    remember(secret)
    for before in (95, 100, 100 + LONGEST, 95 + 2 * LONGEST, 105 + 2 * LONGEST):
        for after in (0, 5, 3 * LONGEST):
            said = redaction.beginning("." * before + secret + "x" * after, 100)
            whole = f"{'.' * before}***{'x' * after}"[:100]
            assert whole.startswith(said)
            assert len(said) >= 100 - len(secret)


def test_a_beginning_is_as_long_as_it_may_be() -> None:
    for length in (0, 99, 100, 101, 2 * LONGEST + 99, 2 * LONGEST + 100, 2 * LONGEST + 101, 9 * LONGEST):
        assert redaction.beginning("." * length, 100) == "." * min(length, 100)
    remember("even-shillings-and-a-parrot")
    whole = "even-shillings-and-a-parrot" * 500
    assert redaction.beginning(whole[: 2 * LONGEST + 100], 100) == "***" * 33 + "*"
    assert redaction.beginning(whole, 100) == ""


def test_no_half_of_a_secret_stands_in_the_place_of_a_digest() -> None:
    held = Secret("even-shillings-and-a-parrot")
    for before in range(400):
        with pytest.raises(InvalidName) as caught:
            Digest.parse("x" * before + held.reveal() + "x" * (400 - before))
        assert "shil" not in redacted(str(caught.value))


@pytest.mark.parametrize(
    ("secret", "unit"),
    [
        ("\\%", "\\" * 15 + "x25"),
        (" +", "+" * 9),
        ("| ", "|  | "),
        ("\\ ", "\\" * 9 + " " * 9),
        ("%25", "%2525"),
        ("&;", "&amp;;"),
    ],
)
def test_no_text_takes_an_age_whoever_chose_the_secret(secret: str, unit: str) -> None:
    """A token server chooses the token and what the registry says next, which fits nearly. Nothing else ran meanwhile,
    for ever, and no signal was heeded."""
    remember(secret * 40)
    begun = time.process_time()
    assert redacted(unit * 39) == unit * 39
    assert time.process_time() - begun < 1


@pytest.mark.parametrize("form", [go_json, git_path, go_page, html.escape, str])
def test_what_looks_like_an_escape_may_be_the_secrets_own(form: Callable[[str], str]) -> None:
    for secret in ("a%25&b<é", "a&amp;b<é", "a=3d&b\\#é", "end +&é"):
        remember(secret)
        assert redacted(f"said: {form(secret)}.") == "said: ***."
