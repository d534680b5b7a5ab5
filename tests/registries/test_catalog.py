"""Lists of repositories, whoever has them: whole or refused, each name once, within bounds."""

import json
from collections.abc import Callable, Sequence

import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from holystone.adapters.http.reply import Reply
from holystone.adapters.registries.catalog import Catalog, NumberedPage, linked, numbered
from holystone.engine.errors import IncompleteSource, Unseen, UsageError
from holystone.engine.model.references import RegistryHost, RepositoryPath

HOST = RegistryHost("registry.test")
ODD = ["Upper/case", "a//b", "/a", "a/", "-a", "a..b", "x" * 256, "", "a b", "ünicode", "../../etc", "a:b", "a\nb"]


def catalog(prefix: str | None = None, most: int = 1000) -> Catalog:
    return Catalog(HOST, RepositoryPath(prefix) if prefix else None, max_entries=most)


def reply(path: str, names: object, link: str = "") -> Reply:
    headers = CIMultiDictProxy(CIMultiDict({"Link": link} if link else {}))
    url = URL(f"http://registry.test{path}", encoded=True)
    return Reply(200, headers, json.dumps({"repositories": names}).encode(), url, url)


class Server:
    """`_catalog` as servers have it. `link`: they say that a page follows; `n`, `last`: they know it; `strict`: nothing
    follows a name that is gone; `cap`: names on a page at most."""

    def __init__(
        self,
        count: int,
        *,
        link: bool = True,
        n: bool = True,
        last: bool = True,
        strict: bool = False,
        links_at_end: bool = False,
        cap: int = 10**6,
    ) -> None:
        self.names = [f"r{number:03}" for number in range(count)]
        self.asked: list[str] = []
        self.before: Callable[[int], object] = lambda _: None
        self._link, self._n, self._last, self._strict, self._cap = link, n, last, strict, cap
        self._links_at_end = links_at_end

    async def get(self, path: str) -> Reply:
        self.before(len(self.asked))
        self.asked.append(path)
        query = URL(path).query
        size = min(int(query["n"]) if self._n and "n" in query else len(self.names), self._cap)
        after = query.get("last", "") if self._last else ""
        rest = [name for name in self.names if name > after]
        if self._strict and after and after not in self.names:
            rest = []
        page = rest[:size]
        more = bool(page) and (len(rest) > len(page) or (self._links_at_end and len(page) == size))
        link = f'</v2/_catalog?n={size}&last={page[-1]}>; rel="next"' if self._link and more else ""
        return reply(path, page, link)

    async def read(self, size: int = 5, prefix: str | None = None, most: int = 1000) -> list[str]:
        pages = linked(catalog(prefix, most), self.get, f"/v2/_catalog?n={size}", size=size)
        return [str(each.path) async for page in pages for each in page.repositories]


@pytest.mark.parametrize("count", [0, 1, 4, 5, 6, 10, 23])
@pytest.mark.parametrize(
    "server",
    [
        {},
        {"strict": True},
        {"links_at_end": True},
        {"links_at_end": True, "strict": True},
        {"link": False},
        {"link": False, "n": False, "last": False},
        {"link": False, "n": False},
    ],
    ids=lambda ways: ",".join(ways) or "plain",
)
async def test_a_catalog_is_read_to_its_end_and_each_name_shown_once(server: dict[str, bool], count: int) -> None:
    made = Server(count, **server)
    assert await made.read() == made.names


async def test_a_page_is_handed_on_before_the_next_is_asked_for() -> None:
    server = Server(12)
    async for page in linked(catalog(), server.get, "/v2/_catalog?n=5", size=5):
        assert len(page.repositories) == 5
        break
    assert len(server.asked) == 1


async def test_what_a_server_does_not_go_on_with_is_no_catalog() -> None:
    server = Server(7, link=False, last=False)
    with pytest.raises(IncompleteSource, match="shows 5 at most"):
        await server.read()


async def test_a_page_after_a_name_that_has_gone_ends_nothing() -> None:
    server = Server(12, strict=True)
    server.before = lambda turn: server.names.remove("r004") if turn == 1 else None
    with pytest.raises(IncompleteSource, match="nothing follows r004, and that is not there any more"):
        await server.read()


async def test_a_first_page_whose_names_have_all_gone_ends_nothing() -> None:
    server = Server(12, strict=True)
    server.before = lambda turn: server.names.clear() if turn == 1 else None
    with pytest.raises(IncompleteSource, match="not there any more"):
        await server.read(size=1)


async def test_a_server_that_goes_on_without_end_is_left() -> None:
    async def get(path: str) -> Reply:
        number = int(URL(path).query.get("last", "0"))
        return reply(path, [f"r{number}"], f'</v2/_catalog?last={number + 1}>; rel="next"')

    with pytest.raises(IncompleteSource, match="more than 50 entries"):
        async for _ in linked(catalog(most=50), get, "/v2/_catalog?n=1", size=1):
            pass


async def test_a_catalog_in_circles_is_refused() -> None:
    async def get(path: str) -> Reply:
        return reply(path, ["a"], "</v2/_catalog?last=a>; rel=next")

    with pytest.raises(IncompleteSource, match="turns in circles"):
        async for _ in linked(catalog(), get, "/v2/_catalog?n=1", size=1):
            pass


async def test_repeated_names_are_shown_once_and_count_as_often_as_they_come() -> None:
    async def get(path: str) -> Reply:
        return reply(path, ["a"] * 60)

    shown = [page async for page in linked(catalog(), get, "/v2/_catalog?n=7", size=7)]
    assert [str(each.path) for page in shown for each in page.repositories] == ["a"]
    with pytest.raises(IncompleteSource, match="more than 50 entries"):
        catalog(most=50).page(["a"] * 60)


def test_a_page_with_more_than_can_be_kept_is_not_decoded() -> None:
    with pytest.raises(IncompleteSource, match="more than 50 entries"):
        catalog(most=50).weigh(reply("/", ["a"] * 60), b",")


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_a_name_that_is_no_repository_s_is_told_and_the_others_listed(odd: str) -> None:
    page = catalog().page(["a", odd, "b", odd])
    assert [str(each.path) for each in page.repositories] == ["a", "b"]
    assert page.odd == (odd,)


def test_an_odd_name_elsewhere_is_nobody_s_affair() -> None:
    page = catalog("shop").page(["Other/x", "shop/App", "shop", "shop/a", "shopping", "shop-2/a"])
    assert [str(each) for each in page.repositories] == ["registry.test/shop", "registry.test/shop/a"]
    assert page.odd == ("shop/App",)


def test_a_name_of_megabytes_is_refused() -> None:
    with pytest.raises(IncompleteSource, match="a name of 1,000,000 characters"):
        catalog().page(["x" * 1_000_000])


@pytest.mark.parametrize("names", [{}, "a", [1], None, [None], [["a"]]], ids=repr)
async def test_what_is_no_page_is_no_empty_one(names: object) -> None:
    async def get(path: str) -> Reply:
        return reply(path, names)

    pages = linked(catalog(), get, "/v2/_catalog?n=7", size=7)
    if names is None:  # Go's empty list
        assert [page.repositories async for page in pages] == [()]
        return
    with pytest.raises(IncompleteSource, match="the answer is not a page of it"):
        async for _ in pages:
            pass


def test_nothing_shown_is_unseen_where_everybody_is_shown_his_own() -> None:
    found = catalog("shop")
    found.page(["other/app"])
    with pytest.raises(Unseen, match=r"shows rob none of the repositories of registry\.test/shop"):
        found.expect_some("rob", "…")
    found.page(["shop/App"])
    found.expect_some("rob", "…")


def test_who_names_no_account_is_told_where_one_is_needed() -> None:
    with pytest.raises(UsageError, match="lists its repositories only by namespace") as raised:
        catalog().owner("namespace", "NAMESPACE")
    assert "registry.test/NAMESPACE" in raised.value.what_to_do
    assert catalog("shop/app").owner("namespace", "NAMESPACE") == "shop"


class Book:
    """Numbered pages of three."""

    def __init__(self, count: int) -> None:
        self.names = [f"r{number:03}" for number in range(count)]
        self.asked: list[int] = []
        self.before: Callable[[int], object] = lambda _: None

    async def page(self, number: int) -> NumberedPage:
        self.before(len(self.asked))
        self.asked.append(number)
        end = number * 3
        return NumberedPage(self.names[end - 3 : end], end < len(self.names))

    async def read(self) -> Sequence[str]:
        shelf = catalog()
        pages = [shelf.page(names) async for names in numbered(shelf, self.page)]
        return [str(each.path) for page in pages for each in page.repositories]


@pytest.mark.parametrize(("count", "requests"), [(0, 1), (2, 1), (3, 1), (4, 4), (10, 8)])
async def test_numbered_pages_are_read_until_they_are_the_same(count: int, requests: int) -> None:
    book = Book(count)
    assert await book.read() == book.names
    assert len(book.asked) == requests


async def test_what_a_deletion_moves_to_a_page_that_was_read_is_found() -> None:
    book = Book(8)
    book.before = lambda turn: book.names.remove("r000") if turn == 1 else None
    assert set(await book.read()) == {"r000", *book.names}


async def test_a_deletion_and_a_creation_that_keep_the_number_hide_nothing() -> None:
    book = Book(8)

    def change(turn: int) -> None:
        if turn == 1:
            book.names.remove("r000")
            book.names.append("r999")

    book.before = change
    assert set(await book.read()) == {"r000", *book.names}


async def test_a_list_that_never_stands_still_is_incomplete() -> None:
    book = Book(8)
    book.before = lambda turn: book.names.insert(0, f"a{turn:03}")
    with pytest.raises(IncompleteSource, match="another one each of the 4 times"):
        await book.read()
