"""Find the typed app or build: exactly one, several to choose from, or the closest names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase

from bot.domain import build_labels, grammar
from bot.domain.build_labels import BuildLabel
from bot.domain.grammar import KeyValue, ParsedText
from bot.domain.model import App, Build, Stage
from bot.domain.spelling import WAYS, bare, fold, peeled, starts
from bot.exceptions import Choice, NotFoundByName, UserInputError
from bot.i18n import Counted, Text
from bot.i18n.verbatim import verbatim

BUILD_ID = re.compile(r"[0-9a-fA-F]{24}")
LATEST = "latest"
_WHICH = Text("Which one?")
label = build_labels.label
short = build_labels.short


class AmbiguousInput(UserInputError, kind="Ambiguous"):
    """Several things match; the choices are best first, and are typed before the other words.

    `left` are the other words, which are kept for any choice; None if the words have not been split.
    """

    kind = "Ambiguous"

    def __init__(self, sentence: Text, choices: Sequence[Choice], question: Text = _WHICH) -> None:
        super().__init__(sentence, question, every=choices)
        self.left: ParsedText | None = None


class NoReadyBuild(UserInputError, kind="NothingReady"):
    """No matching build is available; `newest` is the newest matching one."""

    def __init__(self, sentence: Text, newest: Build) -> None:
        super().__init__(sentence, commands=see_builds(newest.app))
        self.newest = newest


def closest(typed: str, names: Iterable[str], *, most: int = 3, alike: float = 0.5) -> tuple[str, ...]:
    """Return the names most similar to the typed one, best first; `alike` is the least similarity, from 0 to 1."""
    known = {name.casefold(): name for name in names}
    wanted = typed.casefold()[:100]
    known.pop("", None)
    near = get_close_matches(wanted, known, n=most, cutoff=alike)
    near += [name for name in known if wanted and (name.startswith(wanted) or wanted in name) and name not in near]
    return tuple(known[name] for name in near[:most])


def app(typed: str, apps: Sequence[App]) -> App:
    """Return the app with this id, slug or name. Raises AmbiguousInput, NotFoundByName."""
    for way in WAYS:
        found_apps = _called(typed, apps, way)
        if len(found_apps) == 1:
            return found_apps[0]
        if found_apps and way is not WAYS[0]:
            choices = [(_by_both(app), app.id) for app in found_apps]
            many = Counted(
                "{number} app is called “{name}”.", "{number} apps are called “{name}”.", len(found_apps), name=typed
            )
            raise AmbiguousInput(many, choices)
    if not apps:
        raise UserInputError(
            Text("Your Applivery workspace has no apps yet."), Text("Create one in the Applivery dashboard.")
        )
    raise NotFoundByName(
        Text("app"),
        typed,
        to_choose_from(_closest_apps(typed, apps)),
        every=to_choose_from(apps),
    )


def to_choose_from(apps: Sequence[App]) -> list[Choice]:
    """Return for each app the label of its button and the words to type."""
    alike = Counter(app.name for app in apps)
    return [(app.name if alike[app.name] == 1 else _by_both(app), app.slug or app.id) for app in apps]


def _closest_apps(typed: str, apps: Sequence[App]) -> list[App]:
    by_name = {name.casefold(): app for app in apps for name in (app.slug, app.name)}
    near = closest(typed, [name for app in apps for name in (app.slug, app.name)])
    return list({app.id: app for app in (by_name[name.casefold()] for name in near)}.values())


def see_builds(app: App) -> tuple[Choice, ...]:
    """Return the button that lists the builds of an app."""
    return ((Text("See builds"), f"builds {app.slug or app.id}"),)


def no_builds(app: App) -> UserInputError:
    """Return the error for an app without builds."""
    again = ((Text("Check again"), f"builds {app.slug or app.id}"),)
    return UserInputError(Text("{app} has no builds yet.", app=verbatim(app.name)), commands=again)


def no_match(app: App) -> UserInputError:
    """Return the error for an app without a build that matches the typed words."""
    return UserInputError(Text("No build of {app} matches.", app=verbatim(app.name)), commands=see_builds(app))


def leading(typed: str, apps: Sequence[App]) -> tuple[str, str] | None:
    """Return the app whose id, slug or name begins a text, and the words after it."""
    names = [{way(name(app)) for app in apps for name in _NAMES} - {""} for way in WAYS]
    for words, rest in starts(typed):
        if any(way(words) in known for way, known in zip(WAYS, names, strict=True)):
            return words, rest
    return None


def _called(typed: str, apps: Sequence[App], way: Callable[[str], str]) -> list[App]:
    """Return the apps with this slug, and those with this name if no app with the slug has the name too."""
    wanted = way(typed)
    for name in _NAMES:
        found_apps = [app for app in apps if way(name(app)) == wanted and wanted]
        if found_apps and name is _by_slug and not any(way(app.name) == wanted for app in found_apps):
            found_apps += [app for app in apps if way(app.name) == wanted]
        if found_apps:
            return found_apps
    return []


def named(apps: Sequence[App], typed: str) -> list[tuple[str, str]]:
    """Return a label and the id of each app whose name matches the text typed so far, for a select.

    An exact match is first, then names that begin with the text; otherwise the order is alphabetical.
    """
    wanted = peeled(typed)
    alike = Counter(each_app.name for each_app in apps)
    found = []
    for app in apps:
        label = app.name if alike[app.name] == 1 else f"{app.name} ({app.slug})"
        names = tuple(map(fold, (label, app.name, app.slug)))
        if any(has(name, typed) for name in names):
            found.append((_likeness(wanted, names), label.casefold(), label, app.id))
    return [(label, app_id) for _, _, label, app_id in sorted(found)]


def _likeness(typed: str, names: Iterable[str]) -> int:
    """Return a rank for the typed text: 0 if it is one of the names, 1 if one begins with it, otherwise 2."""
    return min((0 if name == typed else 1 if name.startswith(typed) else 2 for name in names), default=2)


def has(name: str, typed: str) -> bool:
    """Return whether the text typed so far is part of a name, ignoring differences of spelling."""
    return fold(typed) in fold(name) or peeled(typed) in fold(name)


def _by_id(app: App) -> str:
    return app.id


def _by_slug(app: App) -> str:
    return app.slug


def _by_name(app: App) -> str:
    return app.name


def _by_both(app: App) -> str:
    return f"{app.name} ({app.slug})"


_NAMES = (_by_id, _by_slug, _by_name, _by_both)


FILTERS: dict[str, Callable[[Build], Iterable[str]]] = {
    "os": lambda build: (build.platform,),
    "branch": lambda build: (build.origin.branch or "",),
    "tag": lambda build: (*build.tags, build.origin.tag or ""),
    "version": lambda build: (build.version,),
    "by": lambda build: (build.uploader or "",),
}


def fits(build: Build, words: ParsedText) -> bool:
    """Return whether a build passes the `os: branch: tag: version: by:` filters.

    A repeated key means or, `-key:` means not, `*` and `?` are wildcards.
    """
    for key, facts in FILTERS.items() if words.options else ():
        have = {way(fact) for fact in facts(build) if fact for way in (fold, bare)}
        wanted = [
            pattern for option in words.options if option.key == key and not option.no for pattern in _globs(option)
        ]
        unwanted = [
            pattern for option in words.options if option.key == key and option.no for pattern in _globs(option)
        ]
        if wanted and not any(fnmatchcase(fact, glob) for fact in have for glob in wanted):
            return False
        if any(fnmatchcase(fact, glob) for fact in have for glob in unwanted):
            return False
    return True


def is_had(option: KeyValue, builds: Iterable[Build]) -> bool:
    """Return whether a build has exactly the value of an option."""
    facts = FILTERS.get(option.key)
    return facts is not None and any(bare(fact) == bare(option.value) for build in builds for fact in facts(build))


LONG = 400  # characters; quoted values of builds are shorter


def _globs(option: KeyValue) -> list[str]:
    # only * and ? are wildcards: brackets, as in a tag [wip], are literal, and a thousand of them took fnmatch seconds
    ways = {fold(option.value), bare(option.value)} if len(option.value) < LONG else {fold(option.value)}
    return [way.replace("[", "[[]") for way in ways]


Prefer = Callable[[Build], bool]


def build(
    which: str, builds: Sequence[Build], of: App, recalled: Collection[str] = (), prefer: Prefer | None = None
) -> Build:
    """Return the build (of `builds`, newest first) for `latest` (the newest ready one), a version, `#number` or an id.

    `recalled` has the ids of recalled builds, which are never the latest, but can be named. Of several with the same
    version or number, those that `prefer` accepts are chosen, or else those that are available. Raises AmbiguousInput
    if several remain, NotFoundByName with the closest versions.
    """
    if bare(which.strip()) == LATEST:
        return _latest(builds, of, recalled)
    found_builds, is_newest = _meant(which.strip(), builds)
    if is_newest:
        return _latest(found_builds, of, recalled)
    if not found_builds:
        raise _unknown(which, builds, of)
    return _one_of(_preferred(found_builds, recalled, prefer), of, which)


def named_builds(which: str, builds: Sequence[Build], of: App) -> list[Build]:
    """Return all builds that a version, `#number`, id or label may mean. Raises NotFoundByName."""
    found_builds, _ = _meant(which.strip(), builds)
    if not found_builds:
        raise _unknown(which, builds, of)
    return found_builds


def _meant(wanted: str, builds: Sequence[Build]) -> tuple[list[Build], bool]:
    """Return the named builds, and whether the newest of them is meant."""
    if wanted.startswith("#"):
        found_builds = [build for build in builds if build.number and build.number == wanted[1:].strip()]
    else:
        found_builds = [build for build in builds if build.id == wanted.lower()]
        found_builds = found_builds or [build for build in builds if build.version.casefold() == wanted.casefold()]
        found_builds = found_builds or [build for build in builds if is_version(build, wanted)]
    found_builds = found_builds or build_labels.named(wanted, builds)
    if not found_builds and (reading := build_labels.read(wanted)):
        return build_labels.fitting(reading, builds), reading.newest
    return found_builds, False


def _unknown(which: str, builds: Sequence[Build], of: App) -> NotFoundByName:
    near = _closest_facts(which.strip(), builds)
    return NotFoundByName(Text("build of {app}", app=verbatim(of.name)), which, near, commands=see_builds(of))


def _closest_facts(typed: str, builds: Sequence[Build]) -> list[Choice]:
    """Return the versions, platforms and branches most similar to the typed one, with the words to type."""
    branches = {build.origin.branch: "" for build in builds if build.origin.branch}
    for branch in branches:
        branches[branch] = grammar.readable(ParsedText((), (KeyValue("branch", branch),)))
    facts = {name: name for build in builds for name in (build.version, build.platform) if name}
    return [(name, (facts | branches)[name]) for name in closest(typed, branches | facts)]


def _preferred(builds: Sequence[Build], recalled: Collection[str], prefer: Prefer | None) -> Sequence[Build]:
    """Return the builds to choose from: failed builds only if there are no others."""
    if prefer is not None:
        return [build for build in builds if prefer(build)] or builds
    available = [build for build in builds if build.stage is Stage.READY and build.id not in recalled]
    return available or [build for build in builds if build.stage.under_way] or builds[:1]


def is_version(build: Build, typed: str) -> bool:
    """Return whether a build has the typed version, ignoring case and a leading `v`."""
    return _bare(build.version) == _bare(typed.strip())


def _bare(version: str) -> str:
    return fold(version).lstrip("v")


def versions_typed(typed: str) -> tuple[str, ...]:
    """Return the possible version names in a text: all of it or its first word, with and without a `v`."""
    words = " ".join(typed.split())
    first = words.partition(" ")[0]
    tried = (words, first, first.removeprefix("v"), first.removeprefix("V"))
    return tuple(dict.fromkeys(label for label in tried if label and not label.startswith("#")))


def matches(build: Build, typed: str) -> bool:
    """Return whether every typed word is in a build's label, id, tags or `#number`."""
    number = f"#{build.number}" if build.number else ""
    facts = (label(build), f"v{_bare(build.version)}", number, build.id, *build.tags, build.origin.tag or "")
    text = "\n".join(map(fold, facts))
    return all(word in text for word in peeled(typed).split())


def likeliest(builds: Iterable[Build], typed: str) -> list[Build]:
    """Return the builds sorted: exact matches of version, number or name first, then those that begin with the text."""
    wanted = peeled(typed)
    if not wanted:
        return list(builds)
    first = wanted.partition(" ")[0]

    def likeness(build: Build) -> int:
        number, bare = build.number.casefold(), _bare(build.version)
        names = [name for name in (fold(build.version), bare, bare and f"v{bare}", number, f"#{number}") if name]
        return min(_likeness(wanted, [*names, build.id, fold(label(build))]), _likeness(first, names))

    return sorted(builds, key=likeness)


def _latest(builds: Sequence[Build], of: App, recalled: Collection[str]) -> Build:
    ready = [build for build in builds if build.stage is Stage.READY]
    stand = [build for build in ready if build.id not in recalled]
    if ready and not stand:
        raise UserInputError(
            Text("Every matching build of {app} was recalled.", app=verbatim(of.name)), commands=see_builds(of)
        )
    if not ready:
        if builds:
            raise NoReadyBuild(Text("No matching build of {app} is ready.", app=verbatim(of.name)), builds[0])
        raise no_match(of)
    return stand[0]


def newest_of_each_platform(builds: Iterable[Build], recalled: Collection[str] = ()) -> list[Build]:
    """Return the newest ready build of each platform among builds, newest first, without recalled ones (ids)."""
    newest: dict[str, Build] = {}
    for build in builds:
        if build.stage is Stage.READY and build.id not in recalled:
            newest.setdefault(build.platform.casefold(), build)
    return list(newest.values())


def other_platforms(build: Build, builds: Sequence[Build], recalled: Collection[str] = ()) -> list[Build]:
    """Return the newest ready build for each other platform of the same app, for users with another device."""
    newest = newest_of_each_platform(builds, recalled)
    return [other_build for other_build in newest if other_build.platform.casefold() != build.platform.casefold()]


def _one_of(builds: Sequence[Build], of: App, which: str) -> Build:
    if len(builds) == 1:
        return builds[0]
    choices = [(BuildLabel(build), f"{of.id} {build.id}") for build in builds]
    sentence = Counted(
        "{number} build of {app} matches “{which}”.",
        "{number} builds of {app} match “{which}”.",
        len(builds),
        which=which,
        app=verbatim(of.name),
    )
    raise AmbiguousInput(sentence, choices)
