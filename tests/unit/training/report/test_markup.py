"""HTML that a value cannot break."""

from training.report.markup import element, table, text


def test_text_and_attributes_are_escaped() -> None:
    made = element("p", text("<b> & 'x'"), class_='"><script>')
    assert made == '<p class="&quot;&gt;&lt;script&gt;">&lt;b&gt; &amp; &#x27;x&#x27;</p>'


def test_void_elements_are_not_closed() -> None:
    assert element("img", src="data:,", alt="") == '<img src="data:," alt="">'


def test_table_has_headings_of_columns_and_rows() -> None:
    made = table(("name", "value"), [("a", "<1>")])
    assert '<th scope="col">value</th>' in made
    assert '<th scope="row">a</th><td class="short">&lt;1&gt;</td>' in made
