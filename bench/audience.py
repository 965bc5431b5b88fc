"""Who downloaded an app, as Applivery says it by user."""

from __future__ import annotations

import json
import random
from datetime import datetime, timedelta
from typing import Any


def by_user(people: int, each: int, now: datetime) -> bytes:
    """Rows of the vendor's schema for the 90 days before `now`, the same every time."""
    dice = random.Random("crowd")

    def word() -> str:
        return f"{dice.getrandbits(96):024x}"

    def download(number: int) -> dict[str, Any]:
        at = (now - timedelta(seconds=dice.randrange(90 * 86400))).isoformat(timespec="milliseconds")
        network: dict[str, Any] = {"ip": f"203.0.113.{dice.randrange(255)}", "city": "Madrid", "continent": "Europe"}
        network |= {"country": "Spain", "latitude": 40.4168 + dice.random(), "longitude": -3.7038}
        network |= {"postalCode": "28013", "region": "Comunidad de Madrid", "regionCode": "MD", "visitor": word()}
        build = {"id": word(), "os": "ios", "buildPlatform": "ios", "versionName": f"2.{number % 7}.0"}
        return {
            "id": word(), "from": "store", "build": build, "info": {},
            "device": {"model": "iPhone 15", "type": "phone"},
            "os": {"name": "iOS", "version": "17.5.1"}, "networkInfo": {**network, "timezone": "Europe/Madrid"},
            "createdAt": at.replace("+00:00", "Z"), "updatedAt": at.replace("+00:00", "Z"),
        }  # fmt: skip

    rows = [
        {
            "id": word(),
            "total": each,
            "member": {
                "type": "employee",
                "memberId": word(),
                "email": f"person{person}@acme.test",
                "firstName": "Person",
                "lastName": f"Number {person}",
                "picture": f"https://www.gravatar.com/avatar/{word()}",
            },
            "downloads": [download(number) for number in range(each)],
        }
        for person in range(people)
    ]
    return json.dumps({"status": True, "data": rows}, separators=(",", ":")).encode()
