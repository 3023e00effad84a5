"""Rules about a model's folder: its versions, labels and history.

Pure; one function a rule, its name the rule's.
"""

from collections.abc import Iterator

from serving.model_server.doctor.facts import Facts, Finding


def unreadable_directory(facts: Facts) -> Iterator[Finding]:
    if facts.directory_problem:
        yield Finding(
            "models", facts.directory_problem, "name the directory that `penstock train --models` publishes to"
        )


def damaged_labels(facts: Facts) -> Iterator[Finding]:
    for model in facts.models:
        if model.labels_problem:
            remedy = f"set them anew: remove the file, then `penstock models promote {model.name} VERSION`"
            yield Finding(model.name, model.labels_problem, remedy)


def label_at_nothing(facts: Facts) -> Iterator[Finding]:
    for model in facts.models:
        for label, version in model.published.labels.items():
            if version not in model.published.versions:
                what = f"the label {label} names version {version}, which is not there"
                remedy = f"move it: `penstock models promote {model.name} VERSION --label {label}`"
                yield Finding(model.name, what, remedy)


def damaged_history(facts: Facts) -> Iterator[Finding]:
    for model in facts.models:
        if model.history_problem:
            remedy = "mend the line or move the file away: roll back cannot tell what answered before"
            yield Finding(model.name, model.history_problem, remedy)


def odd_folder(facts: Facts) -> Iterator[Finding]:
    """TensorFlow Serving reads a name as a number, zeros in front and all; Penstock wants it written plainly."""
    for model in facts.models:
        for name in model.folders:
            if name.isascii() and name.isdigit():
                what = (
                    f"the folder {name!r}, which TensorFlow Serving takes for version {int(name)} and Penstock ignores"
                )
            else:
                what = f"the folder {name!r} is no version and is ignored"
            yield Finding(model.name, what, "remove it, or publish what is in it under a number")


def hollow_folder(facts: Facts) -> Iterator[Finding]:
    for model in facts.models:
        for version in model.hollow:
            what = "there is no saved_model.pb in it: TensorFlow Serving would fail to load it, again and again"
            yield Finding(f"{model.name} {version}", what, f"remove it: `rm -r {model.name}/{version}`")


def several_versions_and_none_stable(facts: Facts) -> Iterator[Finding]:
    """Only where a server's models.config is made from the directory: the gateway's own runtime keeps what loads."""
    if facts.server.models is None:
        return
    for model in facts.models:
        if len(model.published.versions) > 1 and "stable" not in model.published.labels and not model.labels_problem:
            what = (
                "no version is labelled stable, so that a newest version that fails to load leaves only the one before"
            )
            newest = max(model.published.versions)
            yield Finding(model.name, what, f"`penstock models promote {model.name} {newest}`")
