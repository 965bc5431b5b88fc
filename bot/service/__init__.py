"""The only composer: the parts of a running bot, put together and taken apart again."""

from bot.service.parts import applivery_of, learn_secrets, poster_of
from bot.service.running import Service, running
from bot.service.tuning import Tuning

__all__ = ["Service", "Tuning", "applivery_of", "learn_secrets", "poster_of", "running"]
