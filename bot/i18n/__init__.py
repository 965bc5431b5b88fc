"""What the bot says, in the reader's language: English is in the code, Spanish in `locales/`.

A sentence is said by `_`, with its values by name, or kept as a Text; `make catalogue` collects the sentences for
the translators: https://www.gnu.org/software/gettext/manual/html_node/PO-Files.html
"""

from bot.i18n.format import (
    Clock,
    Day,
    Number,
    ShortDay,
    format_clock,
    format_day,
    format_month,
    format_number,
    format_short_day,
)
from bot.i18n.locale import ENGLISH, LANGUAGES, OWN_NAMES, Localized, current_locale, locale_of, set_locale, use_locale
from bot.i18n.translate import (
    NO_TEXT,
    Counted,
    Text,
    _,
    english,
    gettext_noop,
    is_loaded,
    joined,
    load_locale,
    localize,
    ngettext,
)

__all__ = [
    "ENGLISH",
    "LANGUAGES",
    "NO_TEXT",
    "OWN_NAMES",
    "Clock",
    "Counted",
    "Day",
    "Localized",
    "Number",
    "ShortDay",
    "Text",
    "_",
    "current_locale",
    "english",
    "format_clock",
    "format_day",
    "format_month",
    "format_number",
    "format_short_day",
    "gettext_noop",
    "is_loaded",
    "joined",
    "load_locale",
    "locale_of",
    "localize",
    "ngettext",
    "set_locale",
    "use_locale",
]
