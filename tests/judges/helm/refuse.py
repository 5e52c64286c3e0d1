"""Every values file in `refused` must be refused, with the words of its first line."""

import helm_python

import chart

FILES_MIN = 20
MARK = "# refused: "


def words_of(text):
    try:
        chart.render(chart.values(text))
    except helm_python.HelmError as error:
        return str(error)
    return None


def main():
    found = chart.files("refused")
    assert len(found) >= FILES_MIN, f"only {len(found)} files"
    wrong = []
    for name, text in found:
        first = text.splitlines()[0]
        assert first.startswith(MARK), f"{name} does not say with which words it is refused"
        words = words_of(text)
        if words is None or first.removeprefix(MARK) not in words:
            wrong.append(f"{name}: {words}")
    assert not wrong, "\n".join(wrong)
    print(f"{len(found)} values files refused")


if __name__ == "__main__":
    main()
