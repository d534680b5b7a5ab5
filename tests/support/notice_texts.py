"""Notices as they are printed."""

from collections.abc import Iterable

from holystone.engine.model.notices import Notice
from holystone.engine.report.notice_words import notice_words


def notice_texts(notices: Iterable[Notice]) -> tuple[str, ...]:
    return tuple(notice_words(each).of_one for each in notices)
