"""Each page is on a picture in docs/screenshots/, in both languages, as the index beside them says; `make screenshots` writes it."""

from tests.browser.screenshots import ROOT, WORDS, page_templates, read_index

FOLDER = ROOT / "docs" / "screenshots"


def test_every_page_is_on_a_picture() -> None:
    assert page_templates() - set(read_index(FOLDER).values()) == set()


def test_every_picture_is_there_in_every_language_and_in_the_index() -> None:
    pictures = {path.stem for path in FOLDER.glob("*.png")} - {path.stem for path in FOLDER.glob("*-dark.png")}
    pictures -= {path.stem for path in FOLDER.glob("*-narrow.png")}
    assert pictures == {f"{name}-{language}" for name in read_index(FOLDER) for language in WORDS}
