"""What Slack asks of an app installed for a whole organisation, whose one token reaches several workspaces."""

from __future__ import annotations

# The methods of which one token can mean several workspaces: without `team_id` they are refused.
# https://docs.slack.dev/enterprise/organization-ready-apps#team-id, and "If using an org token, team_id is required" in
# https://docs.slack.dev/tools/node-slack-sdk/reference/web-api/interfaces/UsergroupsUsersListArguments
NEED_TEAM_ID = frozenset(
    {
        "bots.info",
        "conversations.create",
        "conversations.list",
        "search.messages",
        "usergroups.list",
        "usergroups.users.list",
        "users.conversations",
        "users.list",
    }
)
