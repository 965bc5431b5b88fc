"""What a workspace's admins do to people and user groups, and the events that Slack sends of it."""

from __future__ import annotations

from typing import Any

from sandbox.slack.interaction import Interaction
from sandbox.slack.people import FakeUser, FakeUserGroup
from sandbox.slack.user_actions import UserActions


class Directory:
    """The changes. An event goes out only if the app has the scope for it; then its Interaction is returned, else None.

    https://docs.slack.dev/reference/events/user_change
    """

    def __init__(self, person: UserActions) -> None:
        self.person = person
        self.workspace = person.workspace

    async def change(self, user: FakeUser, **facts: Any) -> Interaction | None:
        """Let a person be something else: `deleted=True`, `guest=True`, `admin=False`, …"""
        for name, value in facts.items():
            setattr(user, name, value)
        return await self._happened("user_change", "users:read", {"user": self._wire(user)})

    async def join(self, user: FakeUser) -> Interaction | None:
        """Let the app hear of a new person."""
        return await self._happened("team_join", "users:read", {"user": self._wire(user)})

    async def regroup(self, group: FakeUserGroup, users: list[FakeUser]) -> list[Interaction | None]:
        """Let a user group have exactly these people; Slack says it twice, in two ways."""
        before, group.users = set(group.users), [user.listed_as or user.id for user in users]
        about = {
            "subteam_id": group.id,
            "team_id": self.workspace.team_id,
            "added_users": sorted(set(group.users) - before),
            "removed_users": sorted(before - set(group.users)),
        }
        updated = {"subteam": group.wire(team_id=self.workspace.team_id)}
        return [
            await self._happened("subteam_members_changed", "usergroups:read", about),
            await self._happened("subteam_updated", "usergroups:read", updated),
        ]

    async def group(self, handle: str, users: list[FakeUser]) -> Interaction | None:
        """Let there be a new user group. https://docs.slack.dev/reference/events/subteam_created"""
        group = self.workspace.usergroup(handle, users)
        about = {"subteam": group.wire(team_id=self.workspace.team_id)}
        return await self._happened("subteam_created", "usergroups:read", about)

    async def add_to(self, *team_ids: str) -> Interaction:
        """Let the organisation add the app to workspaces. https://docs.slack.dev/reference/events/team_access_granted"""
        added = self._added_to()
        added += [team_id for team_id in team_ids if team_id not in added]
        return await self.person.event({"type": "team_access_granted", "team_ids": list(team_ids)})

    async def remove_from(self, *team_ids: str) -> Interaction:
        """Let it take the app out of them again. https://docs.slack.dev/reference/events/team_access_revoked"""
        added = self._added_to()
        added[:] = [team_id for team_id in added if team_id not in team_ids]
        return await self.person.event({"type": "team_access_revoked", "team_ids": list(team_ids)})

    def _added_to(self) -> list[str]:
        installed = self.workspace.org_install
        if installed is None or installed.added_to is None:
            raise ValueError("the app is not installed for an organisation")
        return installed.added_to

    def _wire(self, user: FakeUser) -> dict[str, Any]:
        email = "users:read.email" in self.workspace.scopes
        return user.wire(home_team=self.workspace.team_id, email=email, locale=True)

    async def _happened(self, kind: str, scope: str, about: dict[str, Any]) -> Interaction | None:
        if scope not in self.workspace.scopes:
            return None
        return await self.person.event({"type": kind, **about})
