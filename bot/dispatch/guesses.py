"""Guess the command for unknown words: a greeting, a synonym of a command, a misspelling; pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from bot.domain import build_labels, lookup, platforms, spelling
from bot.domain.model import App

_TALK = """hi hello hey hola buenas buenos good thanks thank thx gracias please ok okay vale
    start begin inicio empezar menú options opciones"""
_MENU = frozenset(_TALK.split())
_HELP = {"commands", "comandos", "ayuda", "examples", "ejemplos", "manual", "usage", "man"}
# Synonyms of commands, in all languages of the bot
_SYNONYMS = {
    "get": "download install fetch link give open descargar descarga bajar instalar instala obtener dame enlace",
    "builds": "list ls show all find search versions releases lista listar ver buscar versiones",
    "status": "state progress check estado",
    "watch": "follow notify track wait await seguir avisar avísame",
    "news": "changelog changes notes whats what's whatsnew novedades cambios notas",
    "downloads": "report reports stats statistics analytics informe informes descargas estadísticas",
    "subscribe": "announce add channel suscribir suscribirse anunciar",
    "subscriptions": "channels suscripciones",
    "unsubscribe": "remove stop leave unfollow quitar parar",
    "mute": "silence pause snooze quiet silenciar pausar",
    "unmute": "resume unpause reanudar",
    "recall": "withdraw retract block pull retirar bloquear",
    "unrecall": "undo restore unblock deshacer restaurar",
    "upload": "send publish submit push subir publicar",
    "attach": "attachment adjuntar",
    "files": "attachments archivos adjuntos",
    "grant": "allow role roles permit invite permitir rol dar",
    "revoke": "deny disallow revocar",
    "audit": "log logs history auditoría historial",
    "whoami": "me who permissions access permisos quién",
    "forget": "erase delete gdpr olvidar borrar",
}
_BY_WORD = {word: name for name, words in _SYNONYMS.items() for word in words.split()}
MOST = 4


def other_word(verb: str) -> str | None:
    """Return the command to run for this word without asking: the menu for a greeting, or help."""
    return "menu" if verb in _MENU else "help" if verb in _HELP else None


def is_about_build(text: str, apps: Sequence[App]) -> bool:
    """Return whether all words of a text name a build: `courier`, `courier 2.4.1`, `android courier`, `latest`."""
    if lookup.leading(text, apps) or build_labels.read(text):
        return True
    words = text.split()
    for at in range(1, len(words)):
        if lookup.leading(" ".join(words[at:]), apps):
            return all(map(_says_which, words[:at]))
    return bool(words) and all(map(_says_which, words)) and build_labels.says_newest(words)


def _says_which(word: str) -> bool:
    return build_labels.is_filler(word) or platforms.meant(spelling.bare(word)) is not None


def commands(verb: str, rest: str, names: Collection[str], apps: Sequence[App]) -> list[str]:
    """Return the likely whole commands, best first; `names` are the commands the person may use."""
    other = _BY_WORD.get(verb)
    near = [*([other] if other else []), *lookup.closest(verb, names, alike=0.6)]
    found = [f"{name} {rest}".strip() for name in dict.fromkeys(near) if name in names]
    text = f"{verb} {rest}".strip()
    words = text.split()
    if "get" in names and any(lookup.leading(" ".join(words[at:]), apps) for at in range(1, len(words))) and not found:
        found.append(f"get {text}")
    if not found:
        by_name = {name: app for app in apps for name in (app.slug, app.name)}
        found += [f"get {by_name[name].slug or by_name[name].id}" for name in lookup.closest(text, by_name, alike=0.6)]
    return list(dict.fromkeys(found))[:MOST]
